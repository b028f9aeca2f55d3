//! Alibaba Cloud Container Registry. It can neither sign nor set a header, so the secret stands in the URL.

use serde::Deserialize;

use super::names::Names;
use super::proof::Way;
use super::sender::json;
use super::{Event, Head, Rejection, Source};

pub(super) const WAY: Way = Way::PATH;
pub(super) const PROOF: &str = "the secret at the end of the URL";

#[derive(Deserialize)]
struct Body {
    repository: Repository,
}

#[derive(Deserialize)]
struct Repository {
    #[serde(rename = "repo_full_name")]
    name: String,
    region: Option<String>,
}

pub(super) fn event(source: &Source, head: &Head<'_>, body: &[u8]) -> Result<Event, Rejection> {
    let Body { repository: Repository { name, region } } = json(head, body)?;
    // A registry of an enterprise has a name of its own, which `images` tells.
    let host = region.map(|region| format!("registry.{region}.aliyuncs.com"));
    let mut names = Names::new(source.images.as_ref());
    names.add(host.as_deref(), &name).ok_or_else(|| Rejection::no_repository(&name))?;
    names.event("nothing was pushed")
}

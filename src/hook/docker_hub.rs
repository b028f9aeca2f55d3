//! Docker Hub. It can neither sign nor set a header, so the secret stands in the URL.

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
    repo_name: String,
}

pub(super) fn event(source: &Source, head: &Head<'_>, body: &[u8]) -> Result<Event, Rejection> {
    let Body { repository } = json(head, body)?;
    let mut names = Names::new(source.images.as_ref());
    names
        .add(Some("docker.io"), &repository.repo_name)
        .ok_or_else(|| Rejection::no_repository(&repository.repo_name))?;
    names.event("nothing was pushed")
}

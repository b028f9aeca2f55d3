//! Quay. It can neither sign nor set a header, so the secret stands in the URL.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::names::Names;
use super::proof::Way;
use super::sender::json;
use super::{Event, Head, Rejection, Source};

pub(super) const WAY: Way = Way::PATH;
pub(super) const PROOF: &str = "the secret at the end of the URL";

#[derive(Deserialize)]
struct Body {
    docker_url: String,
    /// Only pushes have them.
    updated_tags: Option<IgnoredAny>,
}

pub(super) fn event(source: &Source, head: &Head<'_>, body: &[u8]) -> Result<Event, Rejection> {
    let Body { docker_url, updated_tags } = json(head, body)?;
    if updated_tags.is_none() {
        return Ok(Event::Nothing("no tag was updated"));
    }
    let mut names = Names::new(source.images.as_ref());
    names.add_image(&docker_url).ok_or_else(|| Rejection::no_repository(&docker_url))?;
    names.event("no tag was updated")
}

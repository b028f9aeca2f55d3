//! The registry of the distribution project, and those that tell as it does: an envelope with many events.

use serde::Deserialize;

use super::names::Names;
use super::proof::Way;
use super::sender::json;
use super::{Event, Head, Rejection, Source};

pub(super) const WAY: Way = Way::HEADER;
pub(super) const PROOF: &str = "the secret in Authorization (or X-Api-Key, X-Webhook-Secret), or at the end of the URL";

#[derive(Deserialize)]
struct Envelope {
    events: Vec<Told>,
}

#[derive(Deserialize)]
struct Told {
    action: String,
    #[serde(default)]
    target: Target,
    #[serde(default)]
    request: Request,
}

#[derive(Deserialize, Default)]
struct Target {
    #[serde(default)]
    repository: String,
    /// Layers and parts of an index have none.
    tag: Option<String>,
    url: Option<String>,
}

#[derive(Deserialize, Default)]
struct Request {
    host: Option<String>,
}

pub(super) fn event(source: &Source, head: &Head<'_>, body: &[u8]) -> Result<Event, Rejection> {
    let Envelope { events } = json(head, body)?;
    let mut names = Names::new(source.images.as_ref());
    let is_tagged = |told: &&Told| told.action == "push" && told.target.tag.as_ref().is_some_and(|tag| !tag.is_empty());
    for Told { target, request, .. } in events.iter().filter(is_tagged) {
        let host = request.host.as_deref().filter(|host| !host.is_empty()).or(target.url.as_deref());
        names.add(host, &target.repository);
    }
    names.event("nothing was pushed to a tag")
}

//! Harbor, in both of its forms. It shows the secret in a header.

use serde::Deserialize;

use super::names::Names;
use super::proof::Way;
use super::sender::json;
use super::{Event, Head, Rejection, Source};

pub(super) const WAY: Way = Way::HEADER;
pub(super) const PROOF: &str = "the secret in Authorization, or at the end of the URL";

/// The default form has `event_data`, the form of CloudEvents has `data`.
#[derive(Deserialize)]
struct Body {
    #[serde(rename = "type")]
    kind: String,
    #[serde(alias = "event_data")]
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(default)]
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    #[serde(rename = "resource_url")]
    url: Option<String>,
}

pub(super) fn event(source: &Source, head: &Head<'_>, body: &[u8]) -> Result<Event, Rejection> {
    let Body { kind, data } = json(head, body)?;
    // The first is that of version 1.
    if !matches!(kind.as_str(), "pushImage" | "PUSH_ARTIFACT" | "harbor.artifact.pushed") {
        return Ok(Event::Nothing("nothing was pushed"));
    }
    let data = data.ok_or_else(|| Rejection::Malformed("a push without `event_data`".into()))?;
    let mut names = Names::new(source.images.as_ref());
    for url in data.resources.iter().filter_map(|resource| resource.url.as_deref()) {
        names.add_image(url);
    }
    names.event("nothing was pushed that has a name")
}

//! Azure Container Registry: its own webhooks, and its events by Event Grid in either schema.

use serde::Deserialize;

use super::names::Names;
use super::proof::Way;
use super::sender::{json, one_or_many};
use super::{Event, Head, Rejection, Source};

pub(super) const WAY: Way = Way::HEADER;
pub(super) const PROOF: &str = "the secret in Authorization (or X-Api-Key, X-Webhook-Secret), or at the end of the URL";

/// An event of Event Grid; one of the registry itself is its `data`.
#[derive(Deserialize)]
struct Body {
    #[serde(alias = "eventType", rename = "type")]
    kind: Option<String>,
    data: Option<Data>,
    #[serde(flatten)]
    own: Data,
}

#[derive(Deserialize)]
struct Data {
    action: Option<String>,
    #[serde(default)]
    target: Target,
    #[serde(default)]
    request: Request,
    /// What Event Grid wants to hear back before it sends anything else.
    #[serde(rename = "validationCode")]
    validation_code: Option<String>,
}

#[derive(Deserialize, Default)]
struct Target {
    #[serde(default)]
    repository: String,
}

#[derive(Deserialize, Default)]
struct Request {
    host: Option<String>,
}

pub(super) fn event(source: &Source, head: &Head<'_>, body: &[u8]) -> Result<Event, Rejection> {
    let bodies: Vec<Body> = one_or_many(json(head, body)?)?;
    let mut names = Names::new(source.images.as_ref());
    let mut is_ours = false;
    for Body { kind, data, own } in bodies {
        let data = data.unwrap_or(own);
        if kind.as_deref() == Some("Microsoft.EventGrid.SubscriptionValidationEvent") {
            return data
                .validation_code
                .map(Event::Validation)
                .ok_or_else(|| Rejection::Malformed("a validation without `validationCode`".into()));
        }
        is_ours |= data.action.is_some();
        if data.action.as_deref() == Some("push") {
            names.add(data.request.host.as_deref(), &data.target.repository);
        }
    }
    if !is_ours {
        return Err(Rejection::Malformed(
            "there is no `action`: this is not what Azure Container Registry sends".into(),
        ));
    }
    names.event("nothing was pushed")
}

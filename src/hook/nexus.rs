//! Sonatype Nexus, with body and moment signed. It does not say by which name its images are pulled.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::names::Names;
use super::proof::{Hash, Signature, Way, within};
use super::sender::json;
use super::{Event, Head, Rejection, Source};

pub(super) const WAY: Way =
    Way::signed(&[Signature { header: "x-nexus-webhook-signature", prefix: "", hash: Hash::Sha1 }]);
pub(super) const PROOF: &str = "HMAC-SHA1 of the body in X-Nexus-Webhook-Signature, and at most an hour of age";

/// How old a delivery may be.
const WINDOW: SignedDuration = SignedDuration::from_hours(1);

#[derive(Deserialize)]
struct Body {
    timestamp: String,
    #[serde(default)]
    action: String,
    #[serde(alias = "asset")]
    component: Option<Component>,
}

#[derive(Deserialize)]
struct Component {
    format: String,
    name: String,
}

pub(super) fn event(source: &Source, head: &Head<'_>, body: &[u8], now: Timestamp) -> Result<Event, Rejection> {
    let Body { timestamp, action, component } = json(head, body)?;
    let moment = moment(&timestamp).ok_or_else(|| Rejection::Malformed("`timestamp` is no moment".into()))?;
    within(WINDOW, moment, now)?;
    let Some(component) = component.filter(|component| component.format == "docker") else {
        return Ok(Event::Nothing("no image"));
    };
    if !matches!(action.as_str(), "CREATED" | "UPDATED") {
        return Ok(Event::Nothing("nothing was pushed"));
    }
    let Some(name) = repository(&component.name) else { return Ok(Event::Nothing("a layer")) };
    let mut names = Names::new(source.images.as_ref());
    names.add(None, name).ok_or_else(|| Rejection::no_repository(name))?;
    names.event("nothing was pushed")
}

/// The repository of a component, or of an asset (`v2/team/app/manifests/1.0`); `None` for one that is no manifest.
fn repository(name: &str) -> Option<&str> {
    let name = name.trim_start_matches('/');
    match name.strip_prefix("v2/") {
        None => Some(name),
        Some(asset) => asset.rsplit_once("/manifests/").map(|(repository, _)| repository),
    }
}

/// `2016-11-10T23:57:49.664+0000`, or as others write it.
fn moment(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", text).ok())
}

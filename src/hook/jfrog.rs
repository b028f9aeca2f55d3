//! JFrog Artifactory, with the body signed.

use serde::Deserialize;

use super::names::{Names, bare_host};
use super::proof::{Hash, Signature, Way};
use super::sender::json;
use super::{Event, Head, Rejection, Source};

pub(super) const WAY: Way = Way::signed(&[Signature { header: "x-jfrog-event-auth", prefix: "", hash: Hash::Sha256 }]);
pub(super) const PROOF: &str = "HMAC-SHA256 of the body in X-JFrog-Event-Auth";

#[derive(Deserialize)]
struct Body {
    domain: String,
    #[serde(rename = "event_type")]
    kind: String,
    #[serde(default)]
    data: Data,
    jpd_origin: Option<String>,
}

#[derive(Deserialize, Default)]
struct Data {
    #[serde(default)]
    repo_key: String,
    image_name: Option<String>,
}

pub(super) fn event(source: &Source, head: &Head<'_>, body: &[u8]) -> Result<Event, Rejection> {
    let Body { domain, kind, data, jpd_origin } = json(head, body)?;
    if domain != "docker" || !matches!(kind.as_str(), "pushed" | "promoted") {
        return Ok(Event::Nothing("no image was pushed"));
    }
    let name = data.image_name.as_deref().unwrap_or_default();
    let host = jpd_origin.as_deref().map(|origin| format!("{}/{}", bare_host(origin), data.repo_key));
    let mut names = Names::new(source.images.as_ref());
    names.add_below(host.as_deref(), name).ok_or_else(|| Rejection::no_repository(name))?;
    names.event("no image was pushed")
}

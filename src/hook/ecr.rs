//! Amazon ECR, as EventBridge tells it to an API destination. The destination's connection sets a header.

use serde::Deserialize;

use super::names::Names;
use super::proof::Way;
use super::sender::json;
use super::{Event, Head, Rejection, Source};

pub(super) const WAY: Way = Way::HEADER;
pub(super) const PROOF: &str = "the secret in X-Api-Key (or Authorization, X-Webhook-Secret), or at the end of the URL";

/// An event of EventBridge.
#[derive(Deserialize)]
pub(super) struct Body {
    source: String,
    account: String,
    region: String,
    detail: Detail,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Detail {
    #[serde(default)]
    action_type: String,
    #[serde(default)]
    result: String,
    repository_name: Option<String>,
}

pub(super) fn event(source: &Source, head: &Head<'_>, body: &[u8]) -> Result<Event, Rejection> {
    told(source, &json(head, body)?)
}

pub(super) fn told(
    source: &Source,
    Body { source: service, account, region, detail }: &Body,
) -> Result<Event, Rejection> {
    if service != "aws.ecr" {
        return Ok(Event::Nothing("it does not come from ECR"));
    }
    if detail.action_type != "PUSH" || detail.result != "SUCCESS" {
        return Ok(Event::Nothing("nothing was pushed"));
    }
    let name = detail.repository_name.as_deref().unwrap_or_default();
    let mut names = Names::new(source.images.as_ref());
    names.add(Some(&registry(account, region)), name).ok_or_else(|| Rejection::no_repository(name))?;
    names.event("nothing was pushed")
}

/// The host of a private registry.
pub(super) fn registry(account: &str, region: &str) -> String {
    let china = if region.starts_with("cn-") { ".cn" } else { "" };
    format!("{account}.dkr.ecr.{region}.amazonaws.com{china}")
}

//! GitLab: pushes to repositories, and images from a registry of one's own, which tells them as the distribution
//! registry does. GitLab signs with the moment since its signing tokens; before, it shows a token.

use serde::Deserialize;

use super::proof::Way;
use super::sender::json;
use super::{Event, Head, Push, Rejection, Remote, Source, distribution};

pub(super) const WAY: Way =
    Way { signatures: &[], standard: true, headers: &["x-gitlab-token", "authorization"], path: false };
pub(super) const PROOF: &str = "HMAC-SHA256 of id, moment and body in Webhook-Signature, or the secret in X-Gitlab-Token \
                                (of the registry, in Authorization)";

#[derive(Deserialize)]
struct Pushed {
    object_kind: Option<String>,
    event_name: Option<String>,
    #[serde(rename = "ref")]
    name: Option<String>,
    project: Option<Project>,
}

#[derive(Deserialize)]
struct Project {
    #[serde(rename = "git_http_url")]
    http: Option<String>,
    #[serde(rename = "git_ssh_url")]
    ssh: Option<String>,
    #[serde(rename = "web_url")]
    web: Option<String>,
}

pub(super) fn event(source: &Source, head: &Head<'_>, body: &[u8]) -> Result<Event, Rejection> {
    if head.get("x-gitlab-event").is_none() {
        return distribution::event(source, head, body);
    }
    let Pushed { object_kind, event_name, name, project } = json(head, body)?;
    let kind = object_kind.or(event_name);
    let kind =
        kind.ok_or_else(|| Rejection::Malformed("there is no `object_kind`: this is not what GitLab sends".into()))?;
    if kind != "push" {
        return Ok(Event::Nothing("an event of another kind; pushes are enough"));
    }
    let missing = || Rejection::Malformed("a push without `ref` or `project`".into());
    let (name, Project { http, ssh, web }) = (name.ok_or_else(missing)?, project.ok_or_else(missing)?);
    let addresses = [http, ssh, web];
    Push::event(&name, addresses.iter().flatten().filter_map(|address| Remote::parse(address)))
}

//! Azure DevOps: pushes. It shows the secret as a password, or in a header.

use serde::Deserialize;

use super::proof::Way;
use super::sender::json;
use super::{Event, Head, Push, Rejection, Remote, Source};

pub(super) const WAY: Way = Way::HEADER;
pub(super) const PROOF: &str = "the secret as the password (any user name), in Authorization, or at the end of the URL";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    event_type: String,
    resource: Option<Resource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    #[serde(default)]
    ref_updates: Vec<Update>,
    repository: Option<Repository>,
}

#[derive(Deserialize)]
struct Update {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Repository {
    remote_url: Option<String>,
    ssh_url: Option<String>,
}

pub(super) fn event(_: &Source, head: &Head<'_>, body: &[u8]) -> Result<Event, Rejection> {
    let Body { event_type, resource } = json(head, body)?;
    let Some(resource) = resource.filter(|_| event_type == "git.push") else {
        return Ok(Event::Nothing("an event of another kind; pushes are enough"));
    };
    let addresses = resource.repository.map(|repository| [repository.remote_url, repository.ssh_url]);
    let addresses = addresses.iter().flatten().flatten();
    let remotes: Vec<_> = addresses.filter_map(|address| Remote::parse(address)).collect();
    Push::events(resource.ref_updates.into_iter().map(|update| update.name), &remotes)
}

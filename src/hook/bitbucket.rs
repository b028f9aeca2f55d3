//! Bitbucket, in the cloud and as a server: pushes, with the body signed.

use serde::Deserialize;

use super::proof::{Hash, Signature, Way};
use super::sender::json;
use super::{Event, Head, Push, Rejection, Remote, Source};

pub(super) const WAY: Way =
    Way::signed(&[Signature { header: "x-hub-signature", prefix: "sha256=", hash: Hash::Sha256 }]);
pub(super) const PROOF: &str = "HMAC-SHA256 of the body in X-Hub-Signature";

#[derive(Deserialize)]
struct Body {
    repository: Repository,
    /// Of the server.
    #[serde(default)]
    changes: Vec<Change>,
    /// Of the cloud.
    push: Option<Pushed>,
}

#[derive(Deserialize)]
struct Repository {
    #[serde(default)]
    links: Links,
}

#[derive(Deserialize, Default)]
struct Links {
    #[serde(default)]
    clone: Vec<Link>,
    html: Option<Link>,
}

#[derive(Deserialize)]
struct Link {
    href: String,
}

#[derive(Deserialize)]
struct Pushed {
    changes: Vec<CloudChange>,
}

#[derive(Deserialize)]
struct CloudChange {
    /// Nothing where it was deleted.
    new: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(rename = "type")]
    kind: String,
    name: String,
}

#[derive(Deserialize)]
struct Change {
    #[serde(rename = "ref")]
    reference: Reference,
}

#[derive(Deserialize)]
struct Reference {
    id: String,
}

pub(super) fn event(_: &Source, head: &Head<'_>, body: &[u8]) -> Result<Event, Rejection> {
    match head.get("x-event-key") {
        Some("repo:push" | "repo:refs_changed") => {}
        Some(_) => return Ok(Event::Nothing("an event of another kind; pushes are enough")),
        None => return Err(Rejection::Malformed("X-Event-Key is missing: this is not what Bitbucket sends".into())),
    }
    let Body { repository, changes, push } = json(head, body)?;
    let Links { clone, html } = repository.links;
    let remotes: Vec<_> = clone.iter().chain(&html).filter_map(|link| Remote::parse(&link.href)).collect();
    let of_server = changes.into_iter().map(|change| change.reference.id);
    let of_cloud = push.into_iter().flat_map(|push| push.changes).filter_map(|change| change.new);
    let of_cloud = of_cloud.filter(|new| new.kind == "branch").map(|new| format!("refs/heads/{}", new.name));
    Push::events(of_server.chain(of_cloud), &remotes)
}

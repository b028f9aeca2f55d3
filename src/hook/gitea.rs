//! Gitea and Forgejo (Codeberg): packages and pushes, with the body signed.

use serde::Deserialize;

use super::github;
use super::names::Names;
use super::proof::{Hash, Signature, Way};
use super::sender::json;
use super::{Event, Head, Rejection, Source};

pub(super) const WAY: Way = Way::signed(&[
    Signature { header: "x-forgejo-signature", prefix: "", hash: Hash::Sha256 },
    Signature { header: "x-gitea-signature", prefix: "", hash: Hash::Sha256 },
    Signature { header: "x-hub-signature-256", prefix: "sha256=", hash: Hash::Sha256 },
]);
pub(super) const PROOF: &str = "HMAC-SHA256 of the body in X-Gitea-Signature, or X-Forgejo-Signature";

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    action: String,
    package: Package,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    owner: Owner,
    html_url: Option<String>,
}

#[derive(Deserialize)]
struct Owner {
    login: Option<String>,
    username: Option<String>,
}

pub(super) fn event(source: &Source, head: &Head<'_>, body: &[u8]) -> Result<Event, Rejection> {
    match head.get("x-forgejo-event").or_else(|| head.get("x-gitea-event")) {
        Some("push") => github::pushed(head, body),
        Some("package") => {
            let Body { action, package } = json(head, body)?;
            if action != "created" || package.kind != "container" {
                return Ok(Event::Nothing("no image was pushed"));
            }
            let Owner { login, username } = package.owner;
            let owner = login.or(username).ok_or_else(|| Rejection::Malformed("a package of nobody".into()))?;
            let path = format!("{owner}/{}", package.name);
            let mut names = Names::new(source.images.as_ref());
            names.add(package.html_url.as_deref(), &path).ok_or_else(|| Rejection::no_repository(&path))?;
            names.event("no image was pushed")
        }
        Some(_) => Ok(Event::Nothing("an event of another kind; packages and pushes are enough")),
        None => Err(Rejection::Malformed("X-Gitea-Event is missing: this is not what Gitea or Forgejo sends".into())),
    }
}

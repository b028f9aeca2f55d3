//! GitHub: packages of GHCR and pushes, with the body signed.

use serde::Deserialize;

use super::names::Names;
use super::proof::{Hash, Signature, Way};
use super::sender::json;
use super::{Event, Head, Push, Rejection, Remote, Source};

pub(super) const WAY: Way =
    Way::signed(&[Signature { header: "x-hub-signature-256", prefix: "sha256=", hash: Hash::Sha256 }]);
pub(super) const PROOF: &str = "HMAC-SHA256 of the body in X-Hub-Signature-256";

#[derive(Deserialize)]
struct Published {
    action: String,
    #[serde(alias = "registry_package")]
    package: Package,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    #[serde(default)]
    namespace: String,
    #[serde(default, rename = "package_type")]
    kind: String,
    #[serde(default)]
    ecosystem: String,
    #[serde(rename = "package_version")]
    version: Option<Version>,
}

#[derive(Deserialize)]
struct Version {
    package_url: Option<String>,
}

/// A push, as GitHub, Gitea and Forgejo tell it.
#[derive(Deserialize)]
struct Pushed {
    #[serde(rename = "ref")]
    name: String,
    repository: Addresses,
}

#[derive(Deserialize)]
struct Addresses {
    #[serde(rename = "clone_url")]
    clone: Option<String>,
    #[serde(rename = "ssh_url")]
    ssh: Option<String>,
    #[serde(rename = "html_url")]
    html: Option<String>,
}

pub(super) fn event(source: &Source, head: &Head<'_>, body: &[u8]) -> Result<Event, Rejection> {
    match head.get("x-github-event") {
        Some("package" | "registry_package") => published(source, &json(head, body)?),
        Some("push") => pushed(head, body),
        Some("ping") => Ok(Event::Nothing("a ping")),
        Some(_) => Ok(Event::Nothing("an event of another kind; packages and pushes are enough")),
        None => Err(Rejection::Malformed("X-GitHub-Event is missing: this is not what GitHub sends".into())),
    }
}

fn published(source: &Source, Published { action, package }: &Published) -> Result<Event, Rejection> {
    let is_image = [&package.kind, &package.ecosystem]
        .iter()
        .any(|kind| kind.eq_ignore_ascii_case("container") || kind.eq_ignore_ascii_case("docker"));
    if !is_image {
        return Ok(Event::Nothing("a package that is no container image"));
    }
    if action != "published" && action != "updated" {
        return Ok(Event::Nothing("nothing was published"));
    }
    let mut names = Names::new(source.images.as_ref());
    let url = package.version.as_ref().and_then(|version| version.package_url.as_deref());
    let added = match url.filter(|url| url.contains('/')) {
        Some(url) => names.add_image(url),
        None => names.add(Some("ghcr.io"), &format!("{}/{}", package.namespace, package.name)),
    };
    added.ok_or_else(|| Rejection::no_repository(url.unwrap_or(&package.name)))?;
    names.event("nothing was published")
}

/// What a push says, in the form that Gitea and Forgejo took over.
pub(super) fn pushed(head: &Head<'_>, body: &[u8]) -> Result<Event, Rejection> {
    let Pushed { name, repository } = json(head, body)?;
    let Addresses { clone, ssh, html } = repository;
    let addresses = [clone, ssh, html];
    Push::event(&name, addresses.iter().flatten().filter_map(|address| Remote::parse(address)))
}

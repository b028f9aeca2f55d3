//! A form for scripts and for senders that are not known here: `{"image": "ghcr.io/team/app:1.0"}`. What Keel calls
//! `native`, `{"name": …, "tag": …}`, is read too.

use serde::Deserialize;

use super::names::Names;
use super::proof::{Hash, Signature, Way};
use super::sender::{json, one_or_many};
use super::{Event, Head, Push, Rejection, Remote, Source};

pub(super) const WAY: Way = Way {
    signatures: &[
        Signature { header: "x-signature", prefix: "sha256=", hash: Hash::Sha256 },
        Signature { header: "x-hub-signature-256", prefix: "sha256=", hash: Hash::Sha256 },
        Signature { header: "x-signature-512", prefix: "sha512=", hash: Hash::Sha512 },
    ],
    standard: true,
    ..Way::HEADER
};
pub(super) const PROOF: &str = "HMAC-SHA256 in X-Signature or Webhook-Signature, or the secret in Authorization (or X-Api-Key, \
                                X-Webhook-Secret) or at the end of the URL";

#[derive(Deserialize)]
pub(super) struct Told {
    image: Option<String>,
    #[serde(default)]
    images: Vec<String>,
    host: Option<String>,
    name: Option<String>,
    /// The address of a Git repository, with the branch that moved.
    git: Option<String>,
    branch: Option<String>,
}

pub(super) fn event(source: &Source, head: &Head<'_>, body: &[u8]) -> Result<Event, Rejection> {
    told(source, one_or_many(json(head, body)?)?)
}

pub(super) fn told(source: &Source, told: Vec<Told>) -> Result<Event, Rejection> {
    let mut names = Names::new(source.images.as_ref());
    let mut pushes = Vec::new();
    for Told { image, images, host, name, git, branch } in told {
        for image in image.iter().chain(&images) {
            names.add_image(image).ok_or_else(|| Rejection::no_repository(image))?;
        }
        if let Some(name) = name {
            let added = match host.filter(|host| !host.is_empty()) {
                Some(host) => names.add(Some(&host), &name),
                None => names.add_image(&name),
            };
            added.ok_or_else(|| Rejection::no_repository(&name))?;
        }
        if let Some(git) = git {
            let remote = Remote::parse(&git).ok_or_else(|| {
                Rejection::Malformed(format!("{:?} is no address of a Git repository", crate::plain::line(&git, 200)))
            })?;
            let branch = branch.map(|branch| branch.strip_prefix("refs/heads/").unwrap_or(&branch).to_owned());
            pushes.push(Push { remotes: [remote].into(), branch });
        }
    }
    names.event_with(pushes, || {
        let expected =
            "expected {\"image\": \"ghcr.io/team/app\"}, {\"images\": […]}, {\"name\": …, \"host\": …} or {\"git\": …}";
        Err(Rejection::Malformed(format!("it names neither an image nor a Git repository: {expected}")))
    })
}

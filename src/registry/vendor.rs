//! Dates that some registries tell beside the distribution API. Pure: makes addresses and reads answers, and
//! asks nobody.
//!
//! Which tags there are is said by the distribution API alone, since it is whole or an error; this adds to
//! tags that are there when they were pushed. One file for each vendor, with the shape of its answers.
//!
//! | vendor | when | pushed | created |
//! |---|---|---|---|
//! | Google | `manifest` in the tag list itself | `timeUploadedMs` | `timeCreatedMs`, which is that of the image configuration |
//! | Docker Hub | `docker.io`, asked at `hub.docker.com` without a name | `tag_last_pushed` | not told |
//! | Quay | `quay.io`, and where it is set | `start_ts` | not told |
//! | GitLab | `registry.gitlab.com`, and where it is set | `created_at` and `updated_at` of the tag | not told |
//! | Harbor | where it is set | `push_time` of the tag | `extra_attrs.created`, which is that of the image configuration |
//!
//! A time of pushing never stands in for a created time: whoever rebuilds an old branch or gives an old image
//! a new tag pushes it last, and `order: newest` is about what was built last.

pub(super) mod docker_hub;
pub(super) mod gitlab;
pub(super) mod google;
pub(super) mod harbor;
pub(super) mod quay;

use jiff::Timestamp;
use url::Url;

use crate::image::{Digest, Repository, Tag};

/// How many tags are asked for at a time: the most that all of them give.
const PAGE: usize = 100;

/// Who tells dates, and in which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dates {
    /// The web API of Docker Hub.
    DockerHub,
    /// The API of Quay, version 1.
    Quay,
    /// The API of GitLab's registry, version 1.
    GitLab,
    /// The API of Harbor, version 2.
    Harbor,
    /// Nobody, whatever is usual for the host.
    Nobody,
}

/// As whom a vendor is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guest {
    /// Without a name.
    Nobody,
    /// By user and password of the registry.
    User,
    /// As the registry itself is asked, by its token.
    Registry,
}

/// What is told of a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) tag: Tag,
    /// When it was pushed last.
    pub(super) pushed: Option<Timestamp>,
    /// When its image was made, where the vendor read that out of the image configuration.
    pub(super) created: Option<Timestamp>,
    /// What it points at.
    pub(super) digest: Option<Digest>,
}

/// A part of what is told, the tags that were pushed last first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) rows: Vec<Row>,
    pub(super) is_last: bool,
}

impl Dates {
    /// What is usual for a host.
    pub(super) fn usual(repository: &Repository) -> Self {
        match repository.registry().as_str() {
            "docker.io" => Self::DockerHub,
            "quay.io" => Self::Quay,
            "registry.gitlab.com" => Self::GitLab,
            _ => Self::Nobody,
        }
    }

    /// Where a page is, counted from 1; `registry` is the root of the registry itself. `None` where nobody tells
    /// anything.
    pub(super) fn page(self, repository: &Repository, registry: &Url, number: usize) -> Option<Url> {
        match self {
            Self::DockerHub => docker_hub::page(repository.path(), number),
            Self::Quay => quay::page(repository.path(), registry, number),
            Self::GitLab => gitlab::page(repository.path(), registry, number),
            Self::Harbor => harbor::page(repository.path(), registry, number),
            Self::Nobody => None,
        }
    }

    /// Reads a page.
    pub(super) fn read(self, body: &[u8]) -> Result<Page, serde_json::Error> {
        match self {
            Self::DockerHub => docker_hub::read(body),
            Self::Quay => quay::read(body),
            Self::GitLab => gitlab::read(body),
            Self::Harbor => harbor::read(body),
            Self::Nobody => Ok(Page { rows: Vec::new(), is_last: true }),
        }
    }

    /// As whom it is asked. The registry's own credential is shown to its own host only.
    pub(super) fn guest(self) -> Guest {
        match self {
            Self::GitLab => Guest::Registry,
            Self::Harbor => Guest::User,
            Self::DockerHub | Self::Quay | Self::Nobody => Guest::Nobody,
        }
    }
}

/// A time in milliseconds since 1970, as a number in a text. Nothing for zero, which says "not known".
fn milliseconds(text: &str) -> Option<Timestamp> {
    text.parse().ok().filter(|milliseconds| *milliseconds > 0).and_then(|time| Timestamp::from_millisecond(time).ok())
}

/// A time as RFC 3339 has it, or nothing for what is none, or is Go's or the epoch's zero.
fn time(text: Option<&str>) -> Option<Timestamp> {
    let time: Timestamp = text?.parse().ok()?;
    (time > Timestamp::UNIX_EPOCH).then_some(time)
}

fn digest(text: Option<&str>) -> Option<Digest> {
    Digest::parse(text?).ok()
}

#[cfg(test)]
mod tests;

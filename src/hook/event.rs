//! What a delivery comes to.

use std::collections::BTreeSet;

use super::Remote;
use crate::image::Repository;

/// What a proved delivery says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Something may be new somewhere.
    News(Hint),
    /// Nothing that concerns us, and why.
    Nothing(&'static str),
}

/// Where something may be new. Never data: what is new is asked for there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hint {
    /// Image repositories with new or moved tags.
    pub repositories: BTreeSet<Repository>,
    /// Branches that moved.
    pub pushes: Vec<Push>,
}

/// Branches of one Git repository that moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// All addresses that the sender gives.
    pub remotes: BTreeSet<Remote>,
    /// The branch; `None` for any.
    pub branch: Option<String>,
}

/// Why nothing follows from a delivery. The words are for our own log: a stranger is told only the kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// It is not proved that it comes from the source.
    #[error("not proved: {0}")]
    Unproved(&'static str),
    /// It is proved and was made too long ago, or in the future: somebody may have recorded it.
    #[error("{0}")]
    Stale(String),
    /// The body is no JSON.
    #[error("the content type is {0:?}; have it sent as application/json")]
    ContentType(String),
    /// The body is not what this kind of sender sends.
    #[error("{0}")]
    Malformed(String),
}

impl Hint {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.repositories.is_empty() && self.pushes.is_empty()
    }
}

impl Push {
    /// What follows when a reference moved in a repository with these addresses.
    pub(super) fn event(name: &str, remotes: impl Iterator<Item = Remote>) -> Result<Event, Rejection> {
        let Some(branch) = name.strip_prefix("refs/heads/") else {
            return Ok(Event::Nothing("a push to something else than a branch"));
        };
        let remotes: BTreeSet<_> = remotes.collect();
        if remotes.is_empty() {
            return Err(Rejection::Malformed("it names no address of a repository".into()));
        }
        let push = Self { remotes, branch: Some(branch.to_owned()) };
        Ok(Event::News(Hint { pushes: vec![push], ..Hint::default() }))
    }
}

impl Rejection {
    /// It speaks of an image that cannot be one.
    pub(super) fn no_repository(name: &str) -> Self {
        Self::Malformed(format!("{:?} names no image repository", crate::plain::line(name, 200)))
    }

    /// A short word for counting: `unproved`, `stale`, `content-type`, `malformed`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Unproved(_) => "unproved",
            Self::Stale(_) => "stale",
            Self::ContentType(_) => "content-type",
            Self::Malformed(_) => "malformed",
        }
    }
}

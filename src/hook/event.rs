//! What a delivery comes to.

use std::collections::BTreeSet;

use url::Url;

use super::{KeyName, Remote};
use crate::image::Repository;

/// How many branches one push can name.
const MOST: usize = 100;

/// What a proved delivery says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Something may be new somewhere.
    News(Hint),
    /// Nothing that concerns us, and why.
    Nothing(&'static str),
    /// SNS asks whether we want its messages; whoever asks for this URL says yes.
    Confirm(Url),
    /// Event Grid wants this code to be said back.
    Validation(String),
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
    /// It is signed with a key that is not known here. Whoever fetches it can ask again.
    #[error("not proved: it is signed with {0}, which cannot be had")]
    KeyWanted(KeyName),
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
        Self::events([name.to_owned()].into_iter(), &remotes.collect::<Vec<_>>())
    }

    /// The same for several references.
    pub(super) fn events(names: impl Iterator<Item = String>, remotes: &[Remote]) -> Result<Event, Rejection> {
        let remotes: BTreeSet<_> = remotes.iter().cloned().collect();
        if remotes.is_empty() {
            return Err(Rejection::Malformed("it names no address of a repository".into()));
        }
        let branches: BTreeSet<_> =
            names.filter_map(|name| Some(name.strip_prefix("refs/heads/")?.to_owned())).take(MOST).collect();
        if branches.is_empty() {
            return Ok(Event::Nothing("a push to something else than a branch"));
        }
        let push = |branch| Self { remotes: remotes.clone(), branch: Some(branch) };
        Ok(Event::News(Hint { pushes: branches.into_iter().map(push).collect(), ..Hint::default() }))
    }
}

impl Rejection {
    /// It speaks of an image that cannot be one.
    pub(super) fn no_repository(name: &str) -> Self {
        Self::Malformed(format!(
            "{:?} names no image repository; where the sender does not say the registry, `images` does",
            crate::plain::line(name, 200)
        ))
    }

    /// A short word for counting: `unproved`, `no-key`, `stale`, `content-type`, `malformed`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Unproved(_) => "unproved",
            Self::KeyWanted(_) => "no-key",
            Self::Stale(_) => "stale",
            Self::ContentType(_) => "content-type",
            Self::Malformed(_) => "malformed",
        }
    }
}

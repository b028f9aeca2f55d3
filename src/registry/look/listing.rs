//! The tags of a repository as they are known, as a value.

use std::sync::Arc;

use jiff::Timestamp;

use crate::image::Tag;
use crate::registry::belief::Belief;

/// Every tag of a repository, each once, in the order of the bytes. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    tags: Arc<[Tag]>,
    /// In seconds since 1970, tag by tag.
    first_seen: Arc<[i64]>,
    since: i64,
    doubtful: Arc<[Tag]>,
    doubt: Option<Arc<str>>,
    is_first: bool,
    malformed: usize,
}

impl Listing {
    /// The tags: those that are there, and those that may be.
    #[must_use]
    pub fn tags(&self) -> &[Tag] {
        &self.tags
    }

    /// When each of the tags was in a list for the first time. What was in the very first one may be much
    /// older, see [`since`](Self::since).
    pub fn first_seen(&self) -> impl Iterator<Item = (&Tag, Timestamp)> {
        self.tags.iter().zip(self.first_seen.iter().map(|seconds| time(*seconds)))
    }

    /// When the first list came.
    #[must_use]
    pub fn since(&self) -> Timestamp {
        time(self.since)
    }

    /// The tags that may be there or not, because the lists of the last minutes do not say the same.
    #[must_use]
    pub fn doubtful(&self) -> &[Tag] {
        &self.doubtful
    }

    /// What is in doubt, as the beginning of a sentence.
    #[must_use]
    pub fn doubt(&self) -> Option<&str> {
        self.doubt.as_deref()
    }

    /// Whether nothing but the first look stands behind it: no list came five minutes later that could show
    /// what the first one lacked. Never where what is known does not outlive the process.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.is_first
    }

    /// How many names in the last answer were no tags by the grammar and were left out.
    #[must_use]
    pub fn malformed(&self) -> usize {
        self.malformed
    }

    pub(super) fn of(belief: Belief, is_first: bool, malformed: usize) -> Self {
        Self {
            is_first,
            since: belief.since,
            first_seen: belief.tags.iter().map(|known| known.first_seen).collect(),
            doubt: belief.in_doubt().map(|doubt| doubt.to_string().into()),
            doubtful: belief.doubts.into_keys().collect(),
            tags: belief.tags.into_iter().map(|known| known.tag).collect(),
            malformed,
        }
    }
}

fn time(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or_default()
}

//! How each container ends a pass: updated, or held for a named reason. Silence is never an answer.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use super::message::one_line;
use crate::image::{Digest, Repository, Tag};
use crate::manifest::{Lock, Place};
use crate::policy;

/// The end of a pass for one container.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// The image field gets another tag.
    Update(Update),
    /// Nothing changes, and this is why.
    Hold(Hold),
}

/// A change of one image field.
#[derive(Debug, Clone)]
pub struct Update {
    /// The tag in Git, `None` for an image without one.
    pub from: Option<Tag>,
    /// The chosen tag.
    pub to: Tag,
    /// When the chosen image was created, where the order asked for it.
    pub created: Option<Timestamp>,
    /// Why this tag, in one sentence.
    pub reason: String,
    /// How many tags the policy admits.
    pub matched: usize,
    /// How many tags the repository has.
    pub of: usize,
}

/// Why a container keeps its image.
#[derive(Debug, Clone)]
pub enum Hold {
    /// The policy decided so; see [`policy::Hold`].
    Decided(policy::Hold),
    /// Somebody locked the workload.
    Locked(Lock),
    /// The workload says that it is to be left alone.
    Ignored,
    /// A mistake in the workload's annotations; updating could do what nobody meant.
    Mistake {
        /// What is wrong.
        reason: String,
        /// Where.
        place: Place,
    },
    /// The image is pinned by digest; a new tag beside it would change nothing.
    Pinned(Digest),
    /// The repository's tags could not be listed completely.
    Unseen(String),
    /// The registry has not answered yet. A pass does not wait for the slowest.
    Asked(Repository),
    /// The list of tags is in doubt, and what it comes to depends on that.
    Unconfirmed(Arc<str>),
    /// A person took this very change back.
    Refused {
        /// The tag that was taken back.
        tag: Tag,
        /// The commit with which it had come.
        commit: String,
    },
    /// What is written here is replaced elsewhere, where the image is followed.
    Elsewhere {
        /// Where.
        place: Place,
    },
    /// The image field cannot be edited safely as it is written.
    Uneditable {
        /// What stands in the way.
        reason: String,
        /// The tag that was chosen.
        to: Tag,
    },
}

impl Hold {
    /// The hold's name in machine-readable output.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Decided(hold) => hold.name(),
            Self::Locked(_) => "locked",
            Self::Ignored => "ignored",
            Self::Mistake { .. } => "mistake",
            Self::Pinned(_) => "pinned",
            Self::Unseen(_) | Self::Asked(_) => "unseen",
            Self::Unconfirmed(_) => "unconfirmed",
            Self::Refused { .. } => "refused",
            Self::Elsewhere { .. } => "elsewhere",
            Self::Uneditable { .. } => "uneditable",
        }
    }

    /// Whether the image already is what the policy wants.
    #[must_use]
    pub fn is_up_to_date(&self) -> bool {
        matches!(self, Self::Decided(policy::Hold::UpToDate { .. }))
    }

    /// Whether somebody wished for this hold, so that nobody has to be told.
    #[must_use]
    pub fn is_wished(&self) -> bool {
        matches!(
            self,
            Self::Locked(_) | Self::Ignored | Self::Pinned(_) | Self::Refused { .. } | Self::Elsewhere { .. }
        )
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decided(hold) => hold.fmt(f),
            Self::Locked(Lock { by, reason, until }) => {
                f.write_str("the workload is locked")?;
                by.iter().try_for_each(|by| write!(f, " by {}", one_line(by)))?;
                until.iter().try_for_each(|until| write!(f, " until {until}"))?;
                reason.iter().try_for_each(|reason| write!(f, ": {}", one_line(reason)))
            }
            Self::Ignored => f.write_str("the workload or a marker says `ignore`"),
            Self::Mistake { reason, place } => write!(f, "{reason} ({place})"),
            Self::Pinned(digest) => {
                write!(f, "the image is pinned to {digest}; write a tag without digest to let the policy choose")
            }
            Self::Unseen(reason) => f.write_str(reason),
            Self::Asked(repository) => write!(f, "the tags of {repository} are still being asked for"),
            Self::Unconfirmed(reason) => f.write_str(reason),
            Self::Refused { tag, commit } => write!(
                f,
                "{tag} came here with commit {} and was taken back since; it is not proposed again until a newer tag appears",
                commit.get(..10).unwrap_or(commit)
            ),
            Self::Elsewhere { place } => write!(f, "the tag that counts is written at {place}, and followed there"),
            Self::Uneditable { reason, to } => write!(f, "{to} was chosen, but {reason}"),
        }
    }
}

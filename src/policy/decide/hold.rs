//! Why nothing changes, in words for people and in names for machines. Decides nothing.

use std::fmt;

use crate::image::Tag;
use crate::policy::Within;
use crate::policy::gate::TooYoung;

/// Why nothing changes. [`Display`](fmt::Display) is one sentence, with what can be done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    /// The current tag is the best one.
    UpToDate {
        /// The current tag.
        current: Tag,
        /// How many tags are in the running.
        matched: usize,
    },
    /// The repository has no tags.
    NoTags,
    /// No tag is in the running.
    NoMatch {
        /// The policy.
        policy: String,
        /// How many tags there are.
        of: usize,
        /// How many were rejected for which reason: "12 do not match, 3 excluded".
        why: String,
    },
    /// Every tag in the running is older than the current one.
    OnlyOlder {
        /// The best of them.
        best: Tag,
        /// The current tag.
        current: Tag,
        /// How many are in the running.
        matched: usize,
    },
    /// The created time decides, and it is not known for some tags in the running.
    MissingCreated {
        /// The first few of them, in the order of their bytes.
        tags: Vec<Tag>,
        /// How many they are.
        missing: usize,
    },
    /// The created time decides, and that of the current tag is not known.
    CurrentUnknown {
        /// The current tag; `None` for an image without one.
        current: Option<Tag>,
        /// The best tag in the running, which may be older or newer.
        best: Tag,
    },
    /// The best tag is not there for long enough, and no other one would be an update.
    TooYoung {
        /// The best tag.
        best: Tag,
        /// Why it has to wait.
        why: TooYoung,
        /// How many other tags in the running wait as well.
        others: usize,
    },
    /// No pattern is stated, and the current tag does not say what belongs to it.
    NoFamily {
        /// The current tag; `None` for an image without one.
        current: Option<Tag>,
    },
    /// The update is to stay near the current version, and the current tag is none.
    NoVersion {
        /// The current tag; `None` for an image without one.
        current: Option<Tag>,
        /// How far it may go.
        within: Within,
    },
}

impl Hold {
    /// The name for machines: `up-to-date`, `no-tags`, `no-match`, `only-older`, `missing-created`,
    /// `current-unknown`, `too-young`, `no-family`, `no-version`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::UpToDate { .. } => "up-to-date",
            Self::NoTags => "no-tags",
            Self::NoMatch { .. } => "no-match",
            Self::OnlyOlder { .. } => "only-older",
            Self::MissingCreated { .. } => "missing-created",
            Self::CurrentUnknown { .. } => "current-unknown",
            Self::TooYoung { .. } => "too-young",
            Self::NoFamily { .. } => "no-family",
            Self::NoVersion { .. } => "no-version",
        }
    }

    /// Every name that [`name`](Self::name) can give.
    pub(in crate::policy) const NAMES: [&'static str; 9] = [
        "up-to-date",
        "no-tags",
        "no-match",
        "only-older",
        "missing-created",
        "current-unknown",
        "too-young",
        "no-family",
        "no-version",
    ];
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UpToDate { current, matched: 1 } => write!(f, "`{current}` is the only matching tag"),
            Self::UpToDate { current, matched } => write!(f, "`{current}` is the best of {matched} matching tags"),
            Self::NoTags => f.write_str("the repository has no tags; check the name of the image"),
            Self::NoMatch { policy, of, why } => {
                let tags = if *of == 1 { "tag" } else { "tags" };
                write!(f, "`{policy}` fits none of {of} {tags} ({why}); change the policy, or wait for a tag that fits")
            }
            Self::OnlyOlder { best, current, matched } => {
                match matched {
                    1 => write!(f, "the only matching tag, `{best}`, is older than the current `{current}`")?,
                    _ => write!(f, "the best of {matched} matching tags, `{best}`, is older than the current `{current}`")?,
                }
                f.write_str("; to go back to it set allow-downgrade: \"true\"")
            }
            Self::MissingCreated { tags, missing } => {
                let named: Vec<String> = tags.iter().map(|tag| format!("`{tag}`")).collect();
                let more = if *missing > tags.len() { ", …" } else { "" };
                let tag = if *missing == 1 { "1 matching tag" } else { &format!("{missing} matching tags") };
                write!(
                    f,
                    "the created time of {tag} is not known ({}{more}), so the newest cannot be told; set an order \
                     that the tags can say (semver, numeric, natural or alphabetical), or exclude them",
                    named.join(", "),
                )
            }
            Self::CurrentUnknown { current, best } => {
                match current {
                    Some(tag) => write!(f, "the created time of the current `{tag}` is not known")?,
                    None => f.write_str("the image has no tag now, so its created time is not known")?,
                }
                write!(
                    f,
                    ", and `{best}` may be older; set allow-downgrade: \"true\" to take it, or write a matching tag by hand"
                )
            }
            Self::TooYoung { best, why, others } => {
                write!(f, "`{best}` {why}")?;
                match others {
                    0 => Ok(()),
                    1 => f.write_str(" (1 other tag waits as well)"),
                    _ => write!(f, " ({others} other tags wait as well)"),
                }
            }
            Self::NoFamily { current: Some(tag) } => write!(
                f,
                "no pattern is stated, and `{tag}` does not say which tags belong to it; state one, such as semver:*"
            ),
            Self::NoFamily { current: None } => f.write_str(
                "no pattern is stated, and the image has no tag that says which ones are meant; state one, such as semver:*",
            ),
            Self::NoVersion { current, within } => {
                match current {
                    Some(tag) => write!(f, "the current `{tag}` is no version")?,
                    None => f.write_str("the image has no tag now")?,
                }
                match within {
                    Within::Any => f.write_str(", so it cannot be told which one comes next")?,
                    Within::Major | Within::Minor => write!(f, ", so nothing is within its {within} version")?,
                }
                f.write_str("; write a version by hand first")
            }
        }
    }
}

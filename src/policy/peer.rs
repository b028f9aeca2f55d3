//! What the other tools of this field were told about an image, what they would choose by it, and what
//! policy of ours carries it over.
//!
//! A [`Peer`] keeps a setting in the tool's own raw words, wrong ones included. [`Peer::choose`] is the
//! tool itself, with its mistakes: it says what would be written, though it be older, or picked by
//! chance. [`Peer::policy`] is our translation, which is exact where that is safe, and which refuses with
//! a mend where it is not. Both stand in one file per tool, so that they can be compared; where they come
//! to different ends on purpose is written in `fixtures/dialects/differences.tsv` and tested.
//!
//! Knows nothing of how settings are written in files.

mod argocd_image_updater;
mod float;
mod flux;
mod flux2;
mod keel;
mod name_glob;
mod path_match;

use std::fmt;
use std::sync::Arc;

use regex::bytes::Regex;

use super::decide::Candidate;
use super::pattern::{self, InvalidPattern};
use super::{Dialect, Policy, re2};
use crate::image::Tag;

pub use argocd_image_updater::ArgocdImageUpdater;
pub use flux::Flux;
pub use flux2::{Flux2, Flux2Filter, Flux2Policy};
pub use keel::Keel;
pub use name_glob::NameGlob;

/// What another tool was told about an image. Small, and cheap to clone.
///
/// [`Display`](fmt::Display) is one line in the words of that tool: `semver:~1.2`,
/// `newest-build allow-tags=regexp:^main-`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Peer {
    /// Flux version 1.
    Flux(Arc<Flux>),
    /// Flux version 2.
    Flux2(Arc<Flux2>),
    /// Argo CD Image Updater.
    ArgocdImageUpdater(Arc<ArgocdImageUpdater>),
    /// Keel.
    Keel(Arc<Keel>),
}

/// What another tool would do with an image. [`Display`](fmt::Display) is short, for tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeerChoice {
    /// It writes this tag, which may be older than the current one.
    Tag(Tag),
    /// It changes nothing, and why.
    Stays(String),
    /// Something is an error there, so nothing happens.
    Fails(String),
    /// It takes one of several by chance.
    Unclear {
        /// What chance that is.
        why: &'static str,
        /// The tags that it may take, in the order of their bytes. None where this cannot be foretold.
        among: Vec<Tag>,
    },
    /// It compares created times, and those of these tags were not given.
    NeedsCreated {
        /// The first few of them, in the order of their bytes.
        tags: Vec<Tag>,
    },
}

/// A setting of another tool that no policy of ours carries over: what is wrong, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{setting}`: {what}; {mend}")]
pub struct InvalidSetting {
    setting: &'static str,
    what: String,
    mend: String,
    is_for_later: bool,
}

impl Peer {
    /// Whose setting this is.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Flux(_) => Dialect::Flux,
            Self::Flux2(_) => Dialect::Flux2,
            Self::ArgocdImageUpdater(_) => Dialect::ArgocdImageUpdater,
            Self::Keel(_) => Dialect::Keel,
        }
    }

    /// The name of the tool, as in [`Dialect::name`].
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.dialect().name()
    }

    /// Whether it compares created times.
    #[must_use]
    pub fn needs_created(&self) -> bool {
        match self {
            Self::Flux(flux) => flux.needs_created(),
            Self::ArgocdImageUpdater(updater) => updater.needs_created(),
            Self::Flux2(_) | Self::Keel(_) => false,
        }
    }

    /// What the tool would do, where `current` stands in Git and these are the tags of the repository. A
    /// repeated tag counts once. Platforms are not looked at.
    #[must_use]
    pub fn choose(&self, current: Option<&Tag>, candidates: &[Candidate]) -> PeerChoice {
        match self {
            Self::Flux(flux) => flux.choose(current, candidates),
            Self::Flux2(flux2) => flux2.choose(current, candidates),
            Self::ArgocdImageUpdater(updater) => updater.choose(current, candidates),
            Self::Keel(keel) => keel.choose(current, candidates),
        }
    }

    /// The policy of ours that means the same, as far as that is safe.
    ///
    /// # Errors
    /// [`InvalidSetting`] for what is wrong in that tool too, for what is a mistake that it lets pass, and for
    /// what is not supported yet.
    pub fn policy(&self) -> Result<Policy, InvalidSetting> {
        match self {
            Self::Flux(flux) => flux.policy(),
            Self::Flux2(flux2) => flux2.policy(),
            Self::ArgocdImageUpdater(updater) => updater.policy(),
            Self::Keel(keel) => keel.policy(),
        }
    }
}

impl InvalidSetting {
    fn new(setting: &'static str, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { setting, what: what.into(), mend: mend.into(), is_for_later: false }
    }

    /// What every part of the setting says of itself has to fit together; it does not.
    fn pattern(setting: &'static str, error: &InvalidPattern) -> Self {
        Self::new(setting, error.message(), error.mend())
    }

    fn not_yet(setting: &'static str, what: &str, mend: &str) -> Self {
        let what = format!("{what}, which is not supported yet");
        Self { is_for_later: true, ..Self::new(setting, what, mend) }
    }

    /// Which part of the setting is meant, as that tool calls it: `filterTags.pattern`, `allow-tags`.
    #[must_use]
    pub fn setting(&self) -> &'static str {
        self.setting
    }

    /// Whether it is right, and not supported yet.
    #[must_use]
    pub fn is_for_later(&self) -> bool {
        self.is_for_later
    }

    /// What is wrong.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }

    /// How to mend it.
    #[must_use]
    pub fn mend(&self) -> &str {
        &self.mend
    }
}

impl PeerChoice {
    /// This tag is the one; it may stand there already.
    fn one(tag: &Tag, current: Option<&Tag>) -> Self {
        if current == Some(tag) { Self::stays("it is the one already") } else { Self::Tag(tag.clone()) }
    }

    /// One of these, by chance if they are several. They are all equally good.
    fn among(tags: &[&Tag], current: Option<&Tag>, why: &'static str) -> Self {
        match tags {
            [] => Self::stays("no tag fits"),
            [tag] => Self::one(tag, current),
            several => {
                let mut among: Vec<Tag> = several.iter().map(|tag| (*tag).clone()).collect();
                among.sort();
                Self::Unclear { why, among }
            }
        }
    }

    fn stays(why: impl Into<String>) -> Self {
        Self::Stays(why.into())
    }

    /// These have no created time; `None` when there are none such.
    fn needs_created<'c>(candidates: impl Iterator<Item = &'c Candidate>) -> Option<Self> {
        let missing = candidates.filter(|candidate| candidate.created.is_none()).map(|candidate| candidate.tag.clone());
        let mut tags: Vec<Tag> = missing.collect();
        tags.sort();
        tags.truncate(3);
        (!tags.is_empty()).then_some(Self::NeedsCreated { tags })
    }
}

/// Why an expression of another tool cannot be tried.
enum Broken {
    /// It is none, there and here.
    Invalid(String),
    /// It is one there, and would take too much memory here.
    TooLarge,
}

/// An expression as Go reads it. `short_names` says whether that Go knows `(?<name>…)`.
fn go_regex(text: &str, short_names: bool) -> Result<Arc<Regex>, Broken> {
    let translated = re2::translate(text).map_err(|refused| Broken::Invalid(format!("it {}", refused.0)))?;
    if translated.has_short_names && !short_names {
        return Err(Broken::Invalid("it names a group as `(?<name>…)`".to_owned()));
    }
    pattern::compile(&translated.text).map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => Broken::TooLarge,
        error => {
            let told = error.to_string();
            let last = told.lines().last().unwrap_or_default();
            Broken::Invalid(last.strip_prefix("error: ").unwrap_or(last).to_owned())
        }
    })
}

impl Broken {
    fn choice(self, what: &str) -> PeerChoice {
        match self {
            Self::Invalid(why) => PeerChoice::Fails(format!("{what} is no regular expression: {why}")),
            Self::TooLarge => {
                PeerChoice::Unclear { why: "the regular expression is too large to be tried here", among: Vec::new() }
            }
        }
    }
}

/// Whether a glob that knows only `*` matches the whole tag, as `ryanuber/go-glob` has it.
fn star_glob(glob: &str, tag: &str) -> bool {
    let mut parts = glob.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = tag.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

impl From<Flux> for Peer {
    fn from(flux: Flux) -> Self {
        Self::Flux(Arc::new(flux))
    }
}

impl From<Flux2> for Peer {
    fn from(flux2: Flux2) -> Self {
        Self::Flux2(Arc::new(flux2))
    }
}

impl From<ArgocdImageUpdater> for Peer {
    fn from(updater: ArgocdImageUpdater) -> Self {
        Self::ArgocdImageUpdater(Arc::new(updater))
    }
}

impl From<Keel> for Peer {
    fn from(keel: Keel) -> Self {
        Self::Keel(Arc::new(keel))
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flux(flux) => flux.fmt(f),
            Self::Flux2(flux2) => flux2.fmt(f),
            Self::ArgocdImageUpdater(updater) => updater.fmt(f),
            Self::Keel(keel) => keel.fmt(f),
        }
    }
}

impl fmt::Display for PeerChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |tags: &[Tag]| tags.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        match self {
            Self::Tag(tag) => tag.fmt(f),
            Self::Stays(why) => write!(f, "stays: {why}"),
            Self::Fails(why) => write!(f, "fails: {why}"),
            Self::Unclear { why, among } if among.is_empty() => write!(f, "unclear: {why}"),
            Self::Unclear { why, among } => write!(f, "one of {}: {why}", list(among)),
            Self::NeedsCreated { tags } => write!(f, "needs the created time of {}", list(tags)),
        }
    }
}

#[cfg(test)]
pub(super) mod tests;

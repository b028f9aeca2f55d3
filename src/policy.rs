//! Which tag a container should run, and if it should stay as it is, why.
//!
//! Floor 1. Pure: sees [`image`](crate::image) and [`path`](crate::path) and nothing else of the house, has no clock, and knows
//! neither annotations nor registries. `globset`, `regex` and `semver` come in here and nowhere else.
//!
//! A [`Policy`] is a [`Pattern`] (which tags are meant), an [`Order`] (which of them is the best), and
//! what narrows them. [`decide()`] applies it to the tag that stands in Git and to the tags there are;
//! [`explain()`] does the same and says for every tag why.
//!
//! # Which tags are in the running
//!
//! A tag that the pattern matches, that no `exclude` glob matches, that is no signature, attestation or
//! bill of materials, and that is not `latest` (in any case) unless the text of the pattern holds that
//! word. A tag that has no key for the order (no version, no number, an empty extract) drops out with a
//! reason, never silently and never fatally.
//!
//! # Which one is the best
//!
//! By the key: the version, the number or the text of the tag (or of its extract), or the created time
//! of the image. Without a stated order it is `semver` for semver patterns and `newest` for any other;
//! the own family of the current tag brings its own order. Equal keys:
//!
//! 1. With an extract, and for `newest`, the natural order of the whole tag decides (numbers inside the
//!    text compare as numbers, then bytes): `7.2.4-alpine3.20` is better than `7.2.4-alpine3.18` when
//!    both extract `7.2.4`. For `newest`, all times up to 1970-01-02 are one and the same "unknown to a
//!    reproducible build": before every real time, and among themselves in natural order.
//! 2. Otherwise (`1.2.3` and `v1.2.3`) neither is older: the spelling deployed now wins, else the
//!    byte-greatest one.
//!
//! So the order is total, and the outcome does not depend on the order of the list or on repetitions
//! in it. `desc` turns the order round, rule 1 and the meaning of "older" with it.
//!
//! # When nothing changes
//!
//! Without `allow_downgrade` the chosen tag is never older than the current one. A current tag that has
//! no key (`latest` under a semver policy, a tag that the extract does not fit) is older than every tag
//! that has one, and so is no tag at all; except under `newest`, where an unknown created time holds.
//! Every [`Hold`] says what to do about it.
//!
//! # What waits
//!
//! With `min_age` only tags are in the running that are there for so long, [since](Since) we saw them or,
//! where that is later, since they were pushed; what nobody knows is not old enough. The current tag is
//! always: it runs already. The best of the others is taken meanwhile, and where there is none the best
//! one that waits is named, with the time when it may be taken. [`Ruling::until`] says when time alone
//! may change the outcome.
//!
//! ```
//! use jiff::Timestamp;
//! use landwaiter::image::Tag;
//! use landwaiter::policy::{Candidate, Decision, Dialect, Pattern, Policy, decide};
//!
//! let policy = Policy::builder(Pattern::parse("semver:~1.2", Dialect::Native)?).build()?;
//! let current = Tag::parse("1.2.0")?;
//! let candidates = ["1.2.0", "1.2.4", "1.3.0"].map(|tag| Candidate { tag: Tag::parse(tag).unwrap(), created: None, since: None });
//! let Decision::Update(choice) = decide(&policy, Some(&current), &candidates, Timestamp::UNIX_EPOCH).decision else { panic!() };
//! assert_eq!(choice.tag.as_str(), "1.2.4");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;

use jiff::Timestamp;

use crate::image::Tag;

mod builder;
mod decide;
mod dialect;
mod exclude;
mod explain;
mod extract;
mod family;
mod gate;
mod names;
mod native;
mod near;
mod order;
mod paths;
mod pattern;
pub mod peer;
mod preset;
mod range;
mod re2;
mod rule;
mod version;

pub use builder::{InvalidPolicy, PolicyBuilder};
pub use decide::{Candidate, Choice, Decision, Hold, Ruling, decide};
pub use dialect::{Dialect, Dialects, InvalidDialect};
pub use exclude::Exclude;
pub use explain::{Explanation, Judged, Judgement, explain};
pub use extract::{Extract, InvalidExtract};
pub use gate::{InvalidMinAge, MinAge, Since, TooYoung, Witness};
pub use names::Names;
pub use native::NotNative;
pub use near::{InvalidPrerelease, InvalidWithin, Prerelease, Within};
pub use order::{By, Direction, InvalidOrder, Order};
pub use paths::PathGlob;
pub use pattern::{InvalidPattern, Pattern, PatternKind};
pub use peer::{ArgocdImageUpdater, InvalidSetting, NameGlob, Peer, PeerChoice};
pub use preset::{
    Example, ExampleSource, ExampleTag, Expected, InvalidPreset, InvalidPresetName, Preset, PresetName, PresetSource,
    Presets,
};
pub use rule::Rejection;
pub use version::{InvalidVersions, NotAVersion, Versions};

/// Which tag a container should run: a pattern, an order, and what narrows them.
///
/// [`Display`](fmt::Display) gives the pattern, and behind it what was stated beyond it:
/// `glob:main-* order=numeric extract=$1`, `stable (semver:*)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    pattern: Pattern,
    order: Option<Order>,
    extract: Option<Extract>,
    exclude: Exclude,
    constraint: Option<Pattern>,
    within: Option<Within>,
    prerelease: Prerelease,
    versions: Option<Versions>,
    min_age: Option<MinAge>,
    allow_downgrade: bool,
    preset: Option<Box<str>>,
}

/// These tags in natural order, the greatest first: as a person looks for the last one by its name.
#[must_use]
pub fn greatest_first(tags: &[Tag]) -> Vec<Tag> {
    let mut sorted = tags.to_vec();
    sorted.sort_by(|a, b| order::natural(b.as_str(), a.as_str()));
    sorted
}

impl Policy {
    /// Begins a policy.
    #[must_use]
    pub fn builder(pattern: Pattern) -> PolicyBuilder {
        PolicyBuilder::new(pattern)
    }

    /// Which tags are meant.
    #[must_use]
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// The order that is stated, or else the default of the pattern.
    #[must_use]
    pub fn order(&self) -> Order {
        self.order.unwrap_or_else(|| Order::default_for(&self.pattern))
    }

    /// The order that is stated.
    #[must_use]
    pub fn stated_order(&self) -> Option<Order> {
        self.order
    }

    /// Which part of the tag is compared, if not the whole.
    #[must_use]
    pub fn extract(&self) -> Option<&Extract> {
        self.extract.as_ref()
    }

    /// Which tags are never wanted.
    #[must_use]
    pub fn exclude(&self) -> &Exclude {
        &self.exclude
    }

    /// Which versions are wanted, where the pattern does not say it.
    #[must_use]
    pub fn constraint(&self) -> Option<&Pattern> {
        self.constraint.as_ref()
    }

    /// How far from the current version an update may go, if that is limited.
    #[must_use]
    pub fn within(&self) -> Option<Within> {
        self.within
    }

    /// Which pre-releases are wanted.
    #[must_use]
    pub fn prerelease(&self) -> Prerelease {
        self.prerelease
    }

    /// What counts as a version: what is stated, or else what the dialect of the pattern has.
    #[must_use]
    pub fn versions(&self) -> Versions {
        self.versions.unwrap_or_else(|| self.pattern.dialect().versions())
    }

    /// How long a tag has to be there before it is taken, if it has to.
    #[must_use]
    pub fn min_age(&self) -> Option<MinAge> {
        self.min_age
    }

    /// Whether an older tag than the current one may be chosen.
    #[must_use]
    pub fn allow_downgrade(&self) -> bool {
        self.allow_downgrade
    }

    /// The name of the preset it was made from.
    #[must_use]
    pub fn preset(&self) -> Option<&str> {
        self.preset.as_deref()
    }

    /// Says of one tag after the other whether it is in the running, as far as its name can tell. Only
    /// for such tags a created time is ever needed.
    pub fn admits<'p>(&'p self, current: Option<&'p Tag>) -> impl FnMut(&Tag) -> bool + use<'p> {
        let mut rule = rule::Rule::new(self, current, Timestamp::UNIX_EPOCH).ok();
        move |tag| rule.as_mut().is_some_and(|rule| rule.admit(tag).is_ok())
    }

    /// Whether created times decide: fetch them for the tags that are [admitted](Self::admits) and
    /// for the current one.
    #[must_use]
    pub fn needs_created(&self, current: Option<&Tag>) -> bool {
        rule::Rule::new(self, current, Timestamp::UNIX_EPOCH).is_ok_and(|rule| rule.order().by == By::Newest)
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(preset) = &self.preset {
            write!(f, "{preset} (")?;
        }
        write!(f, "{}", self.pattern)?;
        let family = self.pattern.kind().is_none();
        if let Some(order) = self.order.filter(|order| family || *order != Order::default_for(&self.pattern)) {
            write!(f, " order={order}")?;
        }
        if let Some(extract) = &self.extract {
            write!(f, " extract={extract}")?;
        }
        if let Some(constraint) = &self.constraint {
            write!(f, " constraint={constraint}")?;
        }
        if let Some(within) = self.within {
            write!(f, " within={within}")?;
        }
        if self.prerelease != Prerelease::AsAsked {
            write!(f, " prerelease={}", self.prerelease)?;
        }
        if let Some(versions) = self.versions {
            write!(f, " versions={versions}")?;
        }
        if let Some(min_age) = self.min_age {
            write!(f, " min-age={min_age}")?;
        }
        if !self.exclude.is_none() {
            write!(f, " exclude={}", self.exclude)?;
        }
        if self.allow_downgrade {
            write!(f, " allow-downgrade=true")?;
        }
        if self.preset.is_some() {
            write!(f, ")")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

//! Flux version 1, as of 1.25: a pattern per container, newest by created time or highest by version.

use std::fmt;

use jiff::Timestamp;
use semver::Version;

use super::{Broken, InvalidSetting, PeerChoice, go_regex, star_glob};
use crate::image::Tag;
use crate::policy::decide::{Candidate, distinct};
use crate::policy::range::{Edition, Range};
use crate::policy::{Dialect, Pattern, Policy, version};

/// Go's zero time, which Flux takes for "not known".
const ZERO: Timestamp = Timestamp::constant(-62_135_596_800, 0);

/// What Flux version 1 was told about a container.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Flux {
    /// The value of `tag.<container>` as written; without one it is `glob:*`.
    pub pattern: Option<Box<str>>,
}

/// A pattern as Flux reads it.
enum Reading<'p> {
    Glob(&'p str),
    /// `None` for one that is wrong, which any version satisfies.
    Semver(Option<Range>),
    /// `None` for one that is wrong, which any tag matches.
    Regex(Option<std::sync::Arc<regex::bytes::Regex>>),
}

impl Flux {
    fn text(&self) -> &str {
        self.pattern.as_deref().unwrap_or("glob:*")
    }

    /// The pattern, read; an error for an expression that cannot be tried.
    fn reading(&self) -> Result<Reading<'_>, Broken> {
        let text = self.text();
        if let Some(range) = text.strip_prefix("semver:") {
            let range = Some(range).filter(|range| !range.trim().is_empty());
            return Ok(Reading::Semver(range.and_then(|range| Range::parse_as(Edition::V31, range).ok())));
        }
        let regex = text.strip_prefix("regexp:").or_else(|| text.strip_prefix("regex:"));
        match regex.map(|regex| go_regex(regex, false)) {
            None => Ok(Reading::Glob(text.strip_prefix("glob:").unwrap_or(text))),
            Some(Ok(regex)) => Ok(Reading::Regex(Some(regex))),
            Some(Err(Broken::Invalid(_))) => Ok(Reading::Regex(None)),
            Some(Err(too_large)) => Err(too_large),
        }
    }

    pub(super) fn needs_created(&self) -> bool {
        !self.text().starts_with("semver:")
    }

    pub(super) fn choose(&self, current: Option<&Tag>, candidates: &[Candidate]) -> PeerChoice {
        let reading = match self.reading() {
            Ok(reading) => reading,
            Err(broken) => return broken.choice("the pattern"),
        };
        let all = distinct(candidates);
        let matching: Vec<&Candidate> =
            all.iter().copied().filter(|candidate| reading.matches_with_latest(&candidate.tag)).collect();
        if let Reading::Semver(_) = reading {
            let version = |candidate: &&Candidate| version::loose(candidate.tag.as_str()).ok();
            // Of equal versions, the one whose name is the last.
            let best = matching.iter().filter_map(|candidate| Some((version(candidate)?, &candidate.tag))).max();
            return best.map_or_else(|| PeerChoice::stays("no tag fits"), |(_, tag)| PeerChoice::one(tag, current));
        }
        if let [only] = matching[..]
            && Some(&only.tag) == current
        {
            return PeerChoice::one(&only.tag, current);
        }
        if let Some(needs) = PeerChoice::needs_created(matching.iter().copied()) {
            return needs;
        }
        // Of equal times, the one whose name is the first.
        let newest = matching.iter().max_by(|a, b| a.created.cmp(&b.created).then_with(|| b.tag.cmp(&a.tag)));
        let Some(newest) = newest else { return PeerChoice::stays("no tag fits") };
        if Some(&newest.tag) == current {
            return PeerChoice::one(&newest.tag, current);
        }
        let listed = all.iter().find(|candidate| Some(&candidate.tag) == current);
        let Some(listed) = listed else {
            return PeerChoice::stays(match current {
                Some(_) => "the current tag is not in the registry, so its created time is not known",
                None => "the image has no tag, so its created time is not known",
            });
        };
        if let Some(needs) = PeerChoice::needs_created(std::iter::once(*listed)) {
            return needs;
        }
        if listed.created == Some(ZERO) || newest.created == Some(ZERO) {
            return PeerChoice::stays("an image has no created time");
        }
        PeerChoice::one(&newest.tag, current)
    }

    /// A pattern is a pattern of ours. Without one it is the own family of the current tag, and not the
    /// newest of all tags.
    pub(super) fn policy(&self) -> Result<Policy, InvalidSetting> {
        let pattern = match &self.pattern {
            None => Pattern::family(Dialect::Flux),
            Some(text) => {
                Pattern::parse(text, Dialect::Flux).map_err(|error| InvalidSetting::pattern("tag", &error))?
            }
        };
        Policy::builder(pattern)
            .build()
            .map_err(|error| InvalidSetting::new("tag", error.to_string(), "write another pattern"))
    }
}

impl Reading<'_> {
    /// `latest`, in any case, is meant only by the glob of that name.
    fn matches_with_latest(&self, tag: &Tag) -> bool {
        (!tag.is_latest() || matches!(self, Self::Glob("latest"))) && self.matches(tag.as_str())
    }

    fn matches(&self, tag: &str) -> bool {
        let version = |range: &Option<Range>| {
            let version: Option<Version> = version::loose(tag).ok();
            version.is_some_and(|version| range.as_ref().is_none_or(|range| range.check(&version).is_ok()))
        };
        match self {
            Self::Glob(glob) => star_glob(glob, tag),
            Self::Semver(range) => version(range),
            Self::Regex(regex) => regex.as_ref().is_none_or(|regex| regex.is_match(tag.as_bytes())),
        }
    }
}

impl fmt::Display for Flux {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text())
    }
}

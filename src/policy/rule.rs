//! A policy bound to the tag that stands in Git: judges one tag at a time, and says which of two is
//! the better one. [`decide`](super::decide()) and [`explain`](super::explain()) are two readings of it.
//!
//! Knows nothing of lists of tags.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use regex::bytes::CaptureLocations;
use semver::Version;

use super::decide::{Candidate, Hold};
use super::family::{Family, Member};
use super::gate::TooYoung;
use super::near;
use super::order::{By, Direction, Number, Order, natural};
use super::pattern::{Matcher, Pattern};
use super::range::Unsatisfied;
use super::version::{self, NotAVersion};
use super::{Policy, Prerelease, Within};
use crate::image::Tag;

/// Created times up to here say "not known": reproducible builds write the epoch.
const EPOCH: Timestamp = Timestamp::constant(86_400, 0);

/// Why a tag is not in the running. [`Display`](fmt::Display) is the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// A signature, attestation or bill of materials, not an image.
    Referrer,
    /// `latest`, and the pattern does not name it.
    Latest,
    /// The pattern does not match.
    NoMatch {
        /// The pattern.
        pattern: Arc<str>,
    },
    /// An `exclude` glob matches.
    Excluded {
        /// The glob.
        glob: Arc<str>,
    },
    /// The tag, or its extract, is no version.
    NotAVersion(NotAVersion),
    /// The version is outside of the constraint.
    Unsatisfied {
        /// The pattern.
        pattern: Arc<str>,
    },
    /// A pre-release, and the constraint asks for none.
    Prerelease {
        /// The pattern.
        pattern: Arc<str>,
    },
    /// The version is too far from the current one.
    Outside(Within),
    /// The version has another pre-release than the current one, or none where that has one.
    OtherPrerelease,
    /// The tag, or its extract, is no number.
    NotANumber,
    /// The extract gives nothing.
    EmptyExtract,
    /// The created time of the image is not known.
    NoCreated,
    /// It is not there for long enough.
    TooYoung(TooYoung),
    /// It is named in another way than the current tag.
    OtherFamily {
        /// How the current tag is named: `v1.2.3`, `main-<commit>`.
        family: Arc<str>,
    },
    /// The policy has no meaning for the current tag, so no tag was judged.
    NotJudged,
}

/// A policy and the tag that stands in Git.
#[derive(Debug)]
pub(super) struct Rule<'p> {
    policy: &'p Policy,
    current: Option<&'p Tag>,
    now: Timestamp,
    order: Order,
    family: Option<(Family<'p>, Arc<str>)>,
    /// The version of the current tag, where it limits which ones are wanted.
    base: Option<Version>,
    /// Room for the groups of the regex, used again for each tag.
    groups: Option<CaptureLocations>,
}

/// A tag in the running.
#[derive(Debug)]
pub(super) struct Contender<'c> {
    pub(super) candidate: &'c Candidate,
    pub(super) key: Key<'c>,
}

/// A tag that would be in the running if it were old enough.
#[derive(Debug)]
pub(super) struct Waiting<'c> {
    pub(super) candidate: &'c Candidate,
    /// None where its created time would decide and is not known.
    pub(super) contender: Option<Contender<'c>>,
    pub(super) why: TooYoung,
}

/// What a tag is compared by.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Key<'c> {
    Version(Version),
    Number(Number<'c>),
    Text(Cow<'c, str>),
    Created(Timestamp),
}

/// What the name of a tag gives to compare, before the order reads it.
enum Part<'t> {
    Version(Version),
    Text(Cow<'t, str>),
}

impl<'p> Rule<'p> {
    /// Binds a policy to the current tag and the time, or says why it has no meaning for that tag.
    pub(super) fn new(policy: &'p Policy, current: Option<&'p Tag>, now: Timestamp) -> Result<Self, Hold> {
        let mut order = policy.order();
        let mut family = None;
        let matcher = policy.pattern.matcher();
        if let Matcher::Family = matcher {
            let own = current.and_then(|tag| Family::of(tag.as_str()));
            let Some(own) = own else { return Err(Hold::NoFamily { current: current.cloned() }) };
            if policy.order.is_none() {
                order.by = own.by();
            }
            family = Some((own, own.to_string().into()));
        }
        let groups = match matcher {
            Matcher::Regex(regex) if policy.extract.is_some() => Some(regex.capture_locations()),
            _ => None,
        };
        let mut rule = Self { policy, current, now, order, family, base: None, groups };
        if policy.within.is_some() || policy.prerelease == Prerelease::Same {
            let Some(Ok(Key::Version(version))) = current.map(|tag| rule.key(tag, None)) else {
                return Err(Hold::NoVersion {
                    current: current.cloned(),
                    within: policy.within.unwrap_or(Within::Any),
                });
            };
            rule.base = Some(version);
        }
        Ok(rule)
    }

    /// The policy.
    pub(super) fn policy(&self) -> &'p Policy {
        self.policy
    }

    /// The tag that stands in Git.
    pub(super) fn current(&self) -> Option<&'p Tag> {
        self.current
    }

    /// The order that holds for this current tag.
    pub(super) fn order(&self) -> Order {
        self.order
    }

    /// Whether the tag is in the running, and by which key.
    pub(super) fn judge<'c>(&mut self, candidate: &'c Candidate) -> Result<Contender<'c>, Rejection> {
        let key = self.admit(&candidate.tag)?;
        // What runs already need not wait: there is nothing to gain, and nobody is to be moved back by it.
        if let Some(min_age) = self.policy.min_age.filter(|_| self.current != Some(&candidate.tag)) {
            min_age.check(candidate.since, self.now).map_err(Rejection::TooYoung)?;
        }
        Contender::new(candidate, key)
    }

    /// A tag that was [judged](Self::judge) too young for the running.
    pub(super) fn waiting<'c>(&mut self, candidate: &'c Candidate, why: TooYoung) -> Waiting<'c> {
        let contender = self.admit(&candidate.tag).and_then(|key| Contender::new(candidate, key)).ok();
        Waiting { candidate, contender, why }
    }

    /// Whether the name of the tag is in the running. No key means that its created time is the key.
    pub(super) fn admit<'c>(&mut self, tag: &'c Tag) -> Result<Option<Key<'c>>, Rejection> {
        let policy = self.policy;
        if tag.is_referrer() {
            return Err(Rejection::Referrer);
        }
        if tag.is_latest() && !policy.pattern.names_latest() {
            return Err(Rejection::Latest);
        }
        let part = self.part(tag.as_str())?;
        if let (Matcher::Semver(_), Part::Version(version)) = (policy.pattern.matcher(), &part) {
            satisfies(&policy.pattern, version)?;
        }
        if let Some(glob) = policy.exclude.matching(tag.as_str()) {
            return Err(Rejection::Excluded { glob: glob.clone() });
        }
        if self.order.by == By::Newest {
            return Ok(None);
        }
        let key = self.read(tag, part)?;
        if let (Some(constraint), Key::Version(version)) = (policy.constraint(), &key) {
            satisfies(constraint, version)?;
        }
        if let (Some(base), Key::Version(version)) = (&self.base, &key) {
            near::check(policy.within, policy.prerelease, base, version)?;
        }
        Ok(Some(key))
    }

    /// The key of a tag that need not be in the running, such as the current one.
    pub(super) fn key<'c>(&mut self, tag: &'c Tag, created: Option<Timestamp>) -> Result<Key<'c>, Rejection> {
        if self.order.by == By::Newest {
            return created.map(|created| Key::Created(created.max(EPOCH))).ok_or(Rejection::NoCreated);
        }
        let part = match self.policy.pattern.matcher() {
            Matcher::Glob(_) => Part::Text(tag.as_str().into()),
            Matcher::Regex(_) if self.policy.extract.is_none() => Part::Text(tag.as_str().into()),
            _ => self.part(tag.as_str())?,
        };
        self.read(tag, part)
    }

    /// Whether `a` is the better one. Equal only for the same tag with the same created time.
    pub(super) fn compare(&self, a: &Contender<'_>, b: &Contender<'_>) -> Ordering {
        let (left, right) = (&a.candidate.tag, &b.candidate.tag);
        let deployed = |tag: &Tag| self.current == Some(tag);
        self.newer((&a.key, left), (&b.key, right))
            .then_with(|| deployed(left).cmp(&deployed(right)))
            .then_with(|| left.cmp(right))
            .then_with(|| a.candidate.created.cmp(&b.candidate.created))
    }

    /// The same for two that wait. Those of which nobody knows how good they are come last, by their names.
    pub(super) fn compare_waiting(&self, a: &Waiting<'_>, b: &Waiting<'_>) -> Ordering {
        match (&a.contender, &b.contender) {
            (Some(a), Some(b)) => self.compare(a, b),
            (a_known, b_known) => (a_known.is_some().cmp(&b_known.is_some()))
                .then_with(|| natural(a.candidate.tag.as_str(), b.candidate.tag.as_str())),
        }
    }

    /// Whether one tag is newer than another by the policy's own order. Two spellings of one version
    /// or number are equal.
    pub(super) fn newer(&self, (a, left): (&Key<'_>, &Tag), (b, right): (&Key<'_>, &Tag)) -> Ordering {
        let by_key = match (a, b) {
            (Key::Version(a), Key::Version(b)) => a.cmp(b),
            (Key::Number(a), Key::Number(b)) => a.cmp(b),
            (Key::Text(a), Key::Text(b)) if self.order.by == By::Natural => natural(a, b),
            (Key::Text(a), Key::Text(b)) => a.cmp(b),
            (Key::Created(a), Key::Created(b)) => a.cmp(b),
            // One rule gives one sort of key.
            _ => Ordering::Equal,
        };
        let natural_ties = self.order.by == By::Newest || self.policy.extract.is_some();
        let order = if natural_ties { by_key.then_with(|| natural(left.as_str(), right.as_str())) } else { by_key };
        match self.order.direction {
            Direction::Ascending => order,
            Direction::Descending => order.reverse(),
        }
    }

    /// What the name of a tag that the pattern matches gives to compare.
    fn part<'t>(&mut self, tag: &'t str) -> Result<Part<'t>, Rejection> {
        let pattern = &self.policy.pattern;
        let no_match = || Rejection::NoMatch { pattern: pattern.shown().clone() };
        match pattern.matcher() {
            Matcher::Glob(glob) => glob.is_match(tag.as_bytes()).then(|| Part::Text(tag.into())).ok_or_else(no_match),
            Matcher::Semver(_) => match version::read(tag, self.policy.versions()) {
                Ok(version) => Ok(Part::Version(version)),
                Err(why) => Err(Rejection::NotAVersion(why)),
            },
            Matcher::Regex(regex) => match (&self.policy.extract, &mut self.groups) {
                (Some(extract), Some(groups)) => {
                    regex.captures_read(groups, tag.as_bytes()).ok_or_else(no_match)?;
                    extract.apply(tag, groups).map(Part::Text).ok_or(Rejection::EmptyExtract)
                }
                _ => regex.is_match(tag.as_bytes()).then(|| Part::Text(tag.into())).ok_or_else(no_match),
            },
            Matcher::Family => {
                let Some((family, shown)) = &self.family else { return Err(no_match()) };
                match family.member(tag) {
                    Some(Member::Version(version)) => Ok(Part::Version(version)),
                    Some(Member::Number(digits)) => Ok(Part::Text(digits.into())),
                    Some(Member::Whole) => Ok(Part::Text(tag.into())),
                    None => Err(Rejection::OtherFamily { family: shown.clone() }),
                }
            }
        }
    }

    /// Reads what is to be compared as the order wants it.
    fn read<'t>(&self, tag: &'t Tag, part: Part<'t>) -> Result<Key<'t>, Rejection> {
        let text = |part| match part {
            Part::Text(text) => text,
            Part::Version(_) => tag.as_str().into(),
        };
        match (self.order.by, part) {
            (By::Semver, Part::Version(version)) => Ok(Key::Version(version)),
            (By::Semver, Part::Text(text)) => {
                version::read(&text, self.policy.versions()).map(Key::Version).map_err(Rejection::NotAVersion)
            }
            (By::Numeric, part) => Number::parse(text(part)).map(Key::Number).ok_or(Rejection::NotANumber),
            (By::Natural | By::Alphabetical | By::Newest, part) => Ok(Key::Text(text(part))),
        }
    }
}

impl<'c> Contender<'c> {
    fn new(candidate: &'c Candidate, key: Option<Key<'c>>) -> Result<Self, Rejection> {
        let created = || candidate.created.map(|created| Key::Created(created.max(EPOCH)));
        let key = key.or_else(created).ok_or(Rejection::NoCreated)?;
        Ok(Self { candidate, key })
    }
}

/// Whether a semver pattern has this version.
fn satisfies(pattern: &Pattern, version: &Version) -> Result<(), Rejection> {
    pattern.matcher().check(version).map_err(|why| {
        let pattern = pattern.shown().clone();
        match why {
            Unsatisfied::Outside => Rejection::Unsatisfied { pattern },
            Unsatisfied::Prerelease => Rejection::Prerelease { pattern },
        }
    })
}

impl Rejection {
    /// What several such tags are: "17 do not match".
    pub(super) fn several(&self) -> &'static str {
        match self {
            Self::Referrer => "hold signatures or attestations",
            Self::Latest => "named `latest`",
            Self::NoMatch { .. } => "do not match",
            Self::Excluded { .. } => "excluded",
            Self::NotAVersion(NotAVersion::BareNumber) => "bare numbers of five digits or more, not versions",
            Self::NotAVersion(_) => "not versions",
            Self::Unsatisfied { .. } => "outside of the constraint",
            Self::Prerelease { .. } => "pre-releases, which the constraint does not ask for",
            Self::Outside(Within::Major) => "in another major version",
            Self::Outside(Within::Minor) => "in another minor version",
            Self::Outside(Within::Any) => "not near the current version",
            Self::OtherPrerelease => "of another pre-release",
            Self::NotANumber => "not numbers",
            Self::EmptyExtract => "without anything to extract",
            Self::NoCreated => "without a created time",
            Self::TooYoung(_) => "too young",
            Self::OtherFamily { .. } => "of another family",
            Self::NotJudged => "not judged",
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Referrer => f.write_str("holds a signature, attestation or bill of materials, not an image"),
            Self::Latest => f.write_str("`latest` is taken only when the pattern names it"),
            Self::NoMatch { pattern } => write!(f, "does not match `{pattern}`"),
            Self::Excluded { glob } => write!(f, "excluded by `{glob}`"),
            Self::NotAVersion(why) => why.fmt(f),
            Self::Unsatisfied { pattern } => write!(f, "does not satisfy `{pattern}`"),
            Self::Prerelease { pattern } => {
                write!(f, "a pre-release, and `{pattern}` does not ask for one (a `-0` behind a version does)")
            }
            Self::Outside(within) => write!(f, "not within the current {within} version"),
            Self::OtherPrerelease => f.write_str("not of the same pre-release as the current version"),
            Self::NotANumber => f.write_str("not a number"),
            Self::EmptyExtract => f.write_str("the extract is empty"),
            Self::NoCreated => f.write_str("the created time of the image is not known"),
            Self::TooYoung(why) => write!(f, "too young: {why}"),
            Self::OtherFamily { family } => write!(f, "not of the current tag's own family `{family}`"),
            Self::NotJudged => f.write_str("not judged: the policy has no meaning for the current tag"),
        }
    }
}

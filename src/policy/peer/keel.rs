//! Keel, as of version 0.22, polling: one policy for a workload, and how it goes through the list of tags.

use std::cmp::Ordering;
use std::fmt;

use super::{Broken, InvalidSetting, PeerChoice, go_regex, star_glob};
use crate::image::Tag;
use crate::policy::decide::{Candidate, distinct};
use crate::policy::{By, Dialect, Direction, Exclude, Order, Pattern, PatternKind, Policy, Prerelease, Within};

const DIALECT: Dialect = Dialect::Keel;

/// Any version, with a pre-release or without.
const ANY_VERSION: &str = ">=0.0.0-0";

/// Tags without a dot, which are no versions to Keel.
const DOTLESS: &str = "regex:[^.]*";

/// What is equal keeps no order when it is sorted.
const UNSTABLE: &str = "equal ones are sorted in no particular order";

/// What Keel was told about a workload.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Keel {
    /// `keel.sh/policy`
    pub policy: Box<str>,
    /// `keel.sh/matchTag`, where it is stated.
    pub match_tag: Option<Box<str>>,
    /// `keel.sh/matchPreRelease`, where it is stated.
    pub match_pre_release: Option<Box<str>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    All,
    Major,
    Minor,
    Patch,
}

/// The policy as Keel reads it.
enum Reading<'p> {
    Semver(Level),
    Force,
    Glob(&'p str),
    Regexp(&'p str),
    /// What is none leaves the workload alone.
    None,
}

impl Keel {
    fn reading(&self) -> Reading<'_> {
        let text = &*self.policy;
        if let Some(glob) = text.strip_prefix("glob:") {
            return if glob.contains(':') { Reading::None } else { Reading::Glob(glob) };
        }
        if let Some(regex) = text.strip_prefix("regexp:") {
            return Reading::Regexp(regex);
        }
        match text {
            "all" => Reading::Semver(Level::All),
            "major" => Reading::Semver(Level::Major),
            "minor" => Reading::Semver(Level::Minor),
            "patch" => Reading::Semver(Level::Patch),
            "force" => Reading::Force,
            _ => Reading::None,
        }
    }

    /// What is stated and is not `true` is false.
    fn matches_tag(&self) -> bool {
        self.match_tag.as_deref() == Some("true")
    }

    fn matches_pre_release(&self) -> bool {
        self.match_pre_release.as_deref().is_none_or(|text| text == "true")
    }

    pub(super) fn choose(&self, current: Option<&Tag>, candidates: &[Candidate]) -> PeerChoice {
        let tags: Vec<&Tag> = distinct(candidates).into_iter().map(|candidate| &candidate.tag).collect();
        // An image without a tag is one with `latest`.
        let now = current.map_or("latest", Tag::as_str);
        let choice = match self.reading() {
            Reading::None => PeerChoice::stays("that is no policy, so nothing is done"),
            Reading::Glob(glob) => {
                let best = tags.into_iter().filter(|tag| star_glob(glob, tag.as_str())).max();
                match best.filter(|best| best.as_str() > now) {
                    Some(best) => PeerChoice::one(best, current),
                    None => PeerChoice::stays("no tag is later by name"),
                }
            }
            Reading::Regexp(regex) => match go_regex(regex, true) {
                Ok(regex) => by_text(&regex, &tags, current),
                Err(Broken::Invalid(_)) => PeerChoice::stays("that is no policy, so nothing is done"),
                Err(too_large) => too_large.choice("the policy"),
            },
            Reading::Force if self.matches_tag() => PeerChoice::stays("it follows the digest of the current tag"),
            Reading::Force => forced(now, &tags, current),
            Reading::Semver(level) => self.by_version(level, now, &tags, current),
        };
        match choice {
            PeerChoice::Tag(tag) if tag.as_str() == now => PeerChoice::stays("it is the one already"),
            choice => choice,
        }
    }

    /// The first version, from the highest on, that is an update of the current one.
    fn by_version(&self, level: Level, now: &str, tags: &[&Tag], current: Option<&Tag>) -> PeerChoice {
        let versions = tags.iter().filter(|tag| tag.as_str().contains('.'));
        let versions = versions.filter_map(|tag| Some((Version::parse(tag.as_str())?, *tag)));
        if now == "latest" {
            // Then any version is an update, whatever the policy.
            return PeerChoice::among(&highest(versions), current, UNSTABLE);
        }
        let Some(base) = Version::parse(now) else {
            return PeerChoice::stays("the current tag is no version");
        };
        let is_update = |version: &Version<'_>| {
            let same = version.pre == base.pre || level == Level::All || !self.matches_pre_release();
            let near = match level {
                Level::All | Level::Major => true,
                Level::Minor => version.numbers[0] == base.numbers[0],
                Level::Patch => version.numbers[..2] == base.numbers[..2],
            };
            same && near && base.compare(version).is_lt()
        };
        PeerChoice::among(&highest(versions.filter(|(version, _)| is_update(version))), current, UNSTABLE)
    }

    pub(super) fn policy(&self) -> Result<Policy, InvalidSetting> {
        let flag = |setting, text: &Option<Box<str>>| match text.as_deref() {
            None | Some("true" | "false") => Ok(()),
            Some(text) => {
                let what = format!("`{text}` is neither true nor false, and counts as false");
                Err(InvalidSetting::new(setting, what, "write \"true\" or \"false\""))
            }
        };
        flag("matchTag", &self.match_tag)?;
        flag("matchPreRelease", &self.match_pre_release)?;
        let pattern = |kind, text: &str| {
            Pattern::parse_as(kind, text, DIALECT).map_err(|error| InvalidSetting::pattern("policy", &error))
        };
        let by = |by| Order { by, direction: Direction::Ascending };
        let builder = match self.reading() {
            Reading::Semver(level) => {
                let dotless =
                    Exclude::of_items(&[DOTLESS]).map_err(|error| InvalidSetting::pattern("policy", &error))?;
                let within = match level {
                    Level::All | Level::Major => Within::Any,
                    Level::Minor => Within::Major,
                    Level::Patch => Within::Minor,
                };
                let same = level != Level::All && self.matches_pre_release();
                let prerelease = if same { Prerelease::Same } else { Prerelease::AsAsked };
                let any = pattern(PatternKind::Semver, ANY_VERSION)?;
                Policy::builder(any).within(within).prerelease(prerelease).exclude(dotless)
            }
            Reading::Force if self.matches_tag() => {
                let mend = "write a policy for versions, or leave the workload to the tool that does it";
                return Err(InvalidSetting::not_yet("matchTag", "`force` follows the digest of the current tag", mend));
            }
            Reading::Force => Policy::builder(pattern(PatternKind::Semver, ANY_VERSION)?),
            Reading::Glob(glob) => {
                if let Some(sign) = glob.chars().find(|c| matches!(c, '?' | '[' | ']' | '{' | '}' | '\\')) {
                    let what =
                        format!("`glob:{glob}` holds `{sign}`, which means itself there, and no tag can hold it");
                    return Err(InvalidSetting::new("policy", what, "write `*`, or a `regexp:`"));
                }
                Policy::builder(pattern(PatternKind::Glob, glob)?).order(by(By::Alphabetical))
            }
            Reading::Regexp(regex) => {
                let pattern = pattern(PatternKind::Regex, regex)?;
                let compares = pattern.has_group("compare");
                if compares {
                    // There as text, so that build 9 is never left.
                    Policy::builder(pattern).order(by(By::Natural)).extract("${compare}")
                } else {
                    Policy::builder(pattern).order(by(By::Alphabetical))
                }
            }
            Reading::None => {
                let what = match &*self.policy {
                    "never" | "" => "says that nothing is updated".to_owned(),
                    text if text.starts_with("glob:") => {
                        let what = format!("`{text}` holds a second `:`, which no tag can hold");
                        return Err(InvalidSetting::new("policy", what, "write `*` for it, or a `regexp:`"));
                    }
                    text => format!("`{text}` is no policy"),
                };
                let mend = "write `all`, `major`, `minor`, `patch`, `force`, `glob:` or `regexp:`";
                return Err(InvalidSetting::new("policy", what, mend));
            }
        };
        builder.build().map_err(|error| InvalidSetting::new("policy", error.to_string(), "write another policy"))
    }
}

/// The last matching one by its text, or by that of its group `compare`; the current tag does not matter.
fn by_text(regex: &regex::bytes::Regex, tags: &[&Tag], current: Option<&Tag>) -> PeerChoice {
    let compare = regex.capture_names().position(|name| name == Some("compare"));
    let mut best: Option<(&[u8], Vec<&Tag>)> = None;
    for tag in tags {
        let bytes = tag.as_str().as_bytes();
        let Some(groups) = regex.captures(bytes) else { continue };
        let key = match compare {
            Some(group) => groups.get(group).map_or(&b""[..], |group| &bytes[group.range()]),
            None => bytes,
        };
        match &mut best {
            Some((latest, _)) if *latest > key => {}
            Some((latest, tied)) if *latest == key => tied.push(tag),
            best => *best = Some((key, vec![tag])),
        }
    }
    PeerChoice::among(&best.map(|(_, tied)| tied).unwrap_or_default(), current, UNSTABLE)
}

/// The highest version that is not lower than the current tag, if that is one; else the first of the
/// other tags in the list of the registry.
fn forced(now: &str, tags: &[&Tag], current: Option<&Tag>) -> PeerChoice {
    let base = Version::parse(now);
    let versions = tags.iter().filter_map(|tag| Some((Version::parse(tag.as_str())?, *tag)));
    let passing = versions
        .filter(|(version, tag)| tag.as_str() == now || base.as_ref().is_none_or(|base| base.compare(version).is_lt()));
    let best = highest(passing);
    if !best.is_empty() {
        return PeerChoice::among(&best, current, UNSTABLE);
    }
    let others: Vec<&Tag> = tags.iter().copied().filter(|tag| Version::parse(tag.as_str()).is_none()).collect();
    PeerChoice::among(&others, current, "it takes the first that the registry lists")
}

/// The tags of the highest version.
fn highest<'t>(versions: impl Iterator<Item = (Version<'t>, &'t Tag)>) -> Vec<&'t Tag> {
    let mut best: Option<(Version<'_>, Vec<&Tag>)> = None;
    for (version, tag) in versions {
        match best.as_ref().map(|(highest, _)| highest.compare(&version)) {
            Some(Ordering::Greater) => {}
            Some(Ordering::Equal) => {
                if let Some((_, tied)) = &mut best {
                    tied.push(tag);
                }
            }
            None | Some(Ordering::Less) => best = Some((version, vec![tag])),
        }
    }
    best.map(|(_, tied)| tied).unwrap_or_default()
}

/// A version as Masterminds/semver 1.5 reads it: as version 3 does, but a number with a leading zero is
/// one in a pre-release too, and numbers have a sign.
struct Version<'t> {
    numbers: [i64; 3],
    pre: &'t str,
}

impl<'t> Version<'t> {
    fn parse(text: &'t str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let (text, metadata) = text.split_once('+').map_or((text, None), |(text, behind)| (text, Some(behind)));
        let (core, pre) = text.split_once('-').map_or((text, None), |(core, pre)| (core, Some(pre)));
        let identifiers = |text: &str| {
            let good = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            text.split('.').all(good)
        };
        if !metadata.is_none_or(identifiers) || !pre.is_none_or(identifiers) {
            return None;
        }
        let mut numbers = [0; 3];
        let mut parts = core.split('.');
        for (index, number) in numbers.iter_mut().enumerate() {
            match parts.next() {
                Some(part) if !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()) => {
                    *number = part.parse().ok()?;
                }
                None if index > 0 => break,
                _ => return None,
            }
        }
        parts.next().is_none().then(|| Self { numbers, pre: pre.unwrap_or_default() })
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| match (self.pre, other.pre) {
            (a, b) if a == b => Ordering::Equal,
            ("", _) => Ordering::Greater,
            (_, "") => Ordering::Less,
            (a, b) => {
                let (mut left, mut right) = (a.split('.'), b.split('.'));
                loop {
                    match (left.next(), right.next()) {
                        (None, None) => return Ordering::Equal,
                        (None, Some(_)) => return Ordering::Less,
                        (Some(_), None) => return Ordering::Greater,
                        (Some(a), Some(b)) if a == b => {}
                        (Some(a), Some(b)) => {
                            return match (a.parse::<u64>(), b.parse::<u64>()) {
                                (Ok(a), Ok(b)) => a.cmp(&b),
                                (Ok(_), Err(_)) => Ordering::Less,
                                (Err(_), Ok(_)) => Ordering::Greater,
                                (Err(_), Err(_)) => a.cmp(b),
                            };
                        }
                    }
                }
            }
        })
    }
}

impl fmt::Display for Keel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.policy)?;
        if let Some(text) = &self.match_tag {
            write!(f, " matchTag={text}")?;
        }
        match &self.match_pre_release {
            Some(text) => write!(f, " matchPreRelease={text}"),
            None => Ok(()),
        }
    }
}

//! Flux version 2, as of the image-reflector-controller 1.2: an `ImagePolicy` and the exclusion list of its
//! `ImageRepository`.
//!
//! Where the controller has no guard we keep ours: a tag is never older than the one in Git, `latest` is
//! taken only when the pattern names it, and a tag that is no number is passed over instead of failing the
//! policy.

use std::collections::BTreeMap;
use std::fmt;

use regex::bytes::Captures;
use semver::Version;

use super::{InvalidSetting, PeerChoice, float, go_regex};
use crate::image::Tag;
use crate::policy::decide::{Candidate, distinct};
use crate::policy::range::{Edition, Range};
use crate::policy::version::{self, Versions};
use crate::policy::{By, Dialect, Direction, Exclude, Order, Pattern, PatternKind, Policy};

/// What the controller leaves out when no exclusion list is stated.
const DEFAULT_EXCLUSION: &str = r"^.*\.sig$";

/// What is equal comes out of a Go map in any order.
const MAP_ORDER: &str = "equal ones come out of a map in any order";

/// What Flux version 2 was told about a repository of images.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Flux2 {
    /// `spec.filterTags` of the `ImagePolicy`, where it is stated.
    pub filter: Option<Flux2Filter>,
    /// `spec.policy` of the `ImagePolicy`; the first that counts, in the order semver, alphabetical, numerical.
    pub policy: Option<Flux2Policy>,
    /// `spec.exclusionList` of the `ImageRepository`, where it is stated.
    pub exclusion: Option<Box<[Box<str>]>>,
}

/// `spec.filterTags`. What is not stated is empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Flux2Filter {
    /// `pattern`
    pub pattern: Box<str>,
    /// `extract`
    pub extract: Box<str>,
}

/// `spec.policy`, with what is not stated empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Flux2Policy {
    /// `semver`, with its `range`.
    Semver(Box<str>),
    /// `alphabetical`, with its `order`.
    Alphabetical(Box<str>),
    /// `numerical`, with its `order`.
    Numerical(Box<str>),
}

impl Flux2 {
    pub(super) fn choose(&self, current: Option<&Tag>, candidates: &[Candidate]) -> PeerChoice {
        match self.pick(candidates) {
            Ok(tied) => PeerChoice::among(&tied, current, MAP_ORDER),
            Err(choice) => choice,
        }
    }

    /// What it picks, several where chance decides.
    fn pick<'c>(&self, candidates: &'c [Candidate]) -> Result<Vec<&'c Tag>, PeerChoice> {
        let fails = |why: &str| PeerChoice::Fails(why.to_owned());
        let mut excluded = Vec::new();
        for expression in self.exclusions() {
            excluded.push(go_regex(expression, true).map_err(|broken| broken.choice("an item of the exclusion list"))?);
        }
        let is_excluded = |tag: &Tag| excluded.iter().any(|regex| regex.is_match(tag.as_str().as_bytes()));
        let mut tags: Vec<&Tag> =
            distinct(candidates).into_iter().map(|candidate| &candidate.tag).filter(|tag| !is_excluded(tag)).collect();
        // It stores them with the last name first.
        tags.sort_unstable_by(|a, b| b.cmp(a));
        let Some(policy) = &self.policy else { return Err(fails("no policy is stated")) };
        let Some(filter) = &self.filter else {
            let keyed = tags.iter().map(|tag| (tag.as_str().to_owned(), *tag)).collect::<Vec<_>>();
            return policy.latest(&keyed, false);
        };
        let regex = go_regex(&filter.pattern, true).map_err(|broken| broken.choice("the pattern"))?;
        // One tag for each key, and the last one written stays: the one whose name is the first.
        let mut keyed = BTreeMap::new();
        for tag in tags {
            if let Some(groups) = regex.captures(tag.as_str().as_bytes()) {
                let key = match &*filter.extract {
                    "" => tag.as_str().to_owned(),
                    template => expand(template, &groups),
                };
                keyed.insert(key, tag);
            }
        }
        policy.latest(&keyed.into_iter().collect::<Vec<_>>(), true)
    }

    fn exclusions(&self) -> Vec<&str> {
        match &self.exclusion {
            None => vec![DEFAULT_EXCLUSION],
            Some(list) => list.iter().map(|expression| &**expression).collect(),
        }
    }

    pub(super) fn policy(&self) -> Result<Policy, InvalidSetting> {
        let stated = |text: &'_ str| (!text.is_empty()).then(|| text.to_owned());
        let pattern = self.filter.as_ref().and_then(|filter| stated(&filter.pattern));
        let extract = self.filter.as_ref().and_then(|filter| stated(&filter.extract));
        let regex = || {
            Pattern::parse_as(PatternKind::Regex, pattern.as_deref().unwrap_or(".*"), Dialect::Flux2)
                .map_err(|error| InvalidSetting::pattern("filterTags.pattern", &error))
        };
        let builder = match &self.policy {
            Some(Flux2Policy::Semver(range)) => {
                let range = Pattern::parse_as(PatternKind::Semver, range, Dialect::Flux2)
                    .map_err(|error| InvalidSetting::pattern("policy.semver.range", &error))?;
                if pattern.is_none() && extract.is_none() {
                    Policy::builder(range)
                } else {
                    let order = Order { by: By::Semver, direction: Direction::Ascending };
                    Policy::builder(regex()?).order(order).constraint(range)
                }
            }
            Some(Flux2Policy::Alphabetical(order)) => {
                let direction = direction("policy.alphabetical.order", order)?;
                Policy::builder(regex()?).order(Order { by: By::Alphabetical, direction })
            }
            Some(Flux2Policy::Numerical(order)) => {
                let direction = direction("policy.numerical.order", order)?;
                Policy::builder(regex()?).order(Order { by: By::Numeric, direction })
            }
            None => {
                let mend = "write `numerical`, `alphabetical` or `semver` in it";
                return Err(InvalidSetting::new("policy", "says no order", mend));
            }
        };
        let builder = match &extract {
            Some(extract) => builder.extract(extract),
            None => builder,
        };
        // Signatures are never candidates, so the default list adds nothing.
        let exclusions = self.exclusions().into_iter().filter(|expression| *expression != DEFAULT_EXCLUSION);
        let exclude = Exclude::matching_anywhere(exclusions, Dialect::Flux2)
            .map_err(|error| InvalidSetting::pattern("exclusionList", &error))?;
        builder
            .exclude(exclude)
            .build()
            .map_err(|error| InvalidSetting::new("filterTags.extract", error.to_string(), "take groups of the pattern"))
    }
}

fn direction(setting: &'static str, text: &str) -> Result<Direction, InvalidSetting> {
    read_direction(text).ok_or_else(|| {
        let mend = "write one of the two, or nothing for `asc`";
        InvalidSetting::new(setting, format!("`{text}` is neither `asc` nor `desc`"), mend)
    })
}

fn read_direction(text: &str) -> Option<Direction> {
    match text {
        text if text.is_empty() || text.eq_ignore_ascii_case("asc") => Some(Direction::Ascending),
        text if text.eq_ignore_ascii_case("desc") => Some(Direction::Descending),
        _ => None,
    }
}

impl Flux2Policy {
    /// The latest of these keys, and its tag. Several where the keys come in any order, and that decides.
    fn latest<'c>(&self, keyed: &[(String, &'c Tag)], by_chance: bool) -> Result<Vec<&'c Tag>, PeerChoice> {
        let fails = |why: String| PeerChoice::Fails(why);
        let no_order = |text: &str| fails(format!("`{text}` is no order"));
        match self {
            Self::Semver(range) => {
                let range = Some(range).filter(|range| !range.trim().is_empty());
                let range = range.and_then(|range| Range::parse_as(Edition::V34, range).ok());
                let Some(range) = range else { return Err(fails("the range is no constraint".to_owned())) };
                let mut best: Option<(Version, Vec<&Tag>)> = None;
                for (key, tag) in keyed {
                    let Ok(version) = version::read(key, Versions::Full) else { continue };
                    if range.check(&version).is_err() {
                        continue;
                    }
                    match &mut best {
                        Some((highest, _)) if *highest > version => {}
                        // The first of equal ones stays, where there is a first.
                        Some((highest, tied)) if *highest == version => tied.extend(by_chance.then_some(*tag)),
                        best => *best = Some((version, vec![*tag])),
                    }
                }
                best.map(|(_, tied)| tied).ok_or_else(|| fails("no version fits the range".to_owned()))
            }
            Self::Alphabetical(order) => {
                let Some(direction) = read_direction(order) else { return Err(no_order(order)) };
                let keys = keyed.iter().map(|(key, tag)| (key, *tag));
                let best = if direction == Direction::Ascending { keys.max() } else { keys.min() };
                best.map(|(_, tag)| vec![tag]).ok_or_else(|| fails("there are no tags".to_owned()))
            }
            Self::Numerical(order) => {
                let Some(direction) = read_direction(order) else { return Err(no_order(order)) };
                let mut numbers = Vec::with_capacity(keyed.len());
                for (key, tag) in keyed {
                    match float::parse(key) {
                        Some(number) => numbers.push((number, *tag)),
                        None => return Err(fails(format!("`{key}` is no number"))),
                    }
                }
                let latest = latest_number(&numbers, direction, by_chance);
                if latest.is_empty() { Err(fails("there are no tags".to_owned())) } else { Ok(latest) }
            }
        }
    }
}

/// The last one that is not worse than the one before it. `nan` is neither worse nor better than anything.
fn latest_number<'c>(numbers: &[(f64, &'c Tag)], direction: Direction, by_chance: bool) -> Vec<&'c Tag> {
    let worse = |a: f64, b: f64| if direction == Direction::Ascending { a < b } else { a > b };
    let mut best: Option<(f64, &Tag)> = None;
    for &(number, tag) in numbers {
        if best.is_none_or(|(best, _)| !worse(number, best)) {
            best = Some((number, tag));
        }
    }
    let Some((best, tag)) = best else { return Vec::new() };
    if !by_chance {
        return vec![tag];
    }
    if numbers.iter().any(|(number, _)| number.is_nan()) {
        return numbers.iter().map(|(_, tag)| *tag).collect();
    }
    let as_good = |number: f64| !worse(number, best) && !worse(best, number);
    numbers.iter().filter(|(number, _)| as_good(*number)).map(|(_, tag)| *tag).collect()
}

/// A template as Go's `Regexp.Expand` fills it: a group that does not exist is empty, and a `$` that
/// names none is a `$`.
fn expand(template: &str, groups: &Captures<'_>) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((text, behind)) = rest.split_once('$') {
        out.push_str(text);
        if let Some(behind) = behind.strip_prefix('$') {
            out.push('$');
            rest = behind;
            continue;
        }
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let braced = behind.strip_prefix('{').and_then(|inside| inside.split_once('}'));
        let (name, after) = match braced {
            Some((name, after)) if name.chars().all(word) => (name, after),
            _ if behind.starts_with('{') => ("", behind),
            _ => behind.split_at(behind.find(|c| !word(c)).unwrap_or(behind.len())),
        };
        if name.is_empty() {
            out.push('$');
            rest = behind;
            continue;
        }
        let is_number = name.bytes().all(|byte| byte.is_ascii_digit()) && (name == "0" || !name.starts_with('0'));
        let group = if is_number { name.parse().ok().and_then(|index| groups.get(index)) } else { groups.name(name) };
        out.push_str(&group.map_or(String::new(), |group| String::from_utf8_lossy(group.as_bytes()).into_owned()));
        rest = after;
    }
    out.push_str(rest);
    out
}

impl fmt::Display for Flux2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.policy {
            None => f.write_str("no policy")?,
            Some(Flux2Policy::Semver(range)) => write!(f, "semver:{range}")?,
            Some(Flux2Policy::Alphabetical(order)) => write!(f, "alphabetical {order}")?,
            Some(Flux2Policy::Numerical(order)) => write!(f, "numerical {order}")?,
        }
        if let Some(Flux2Filter { pattern, extract }) = &self.filter {
            write!(f, " pattern={pattern}")?;
            if !extract.is_empty() {
                write!(f, " extract={extract}")?;
            }
        }
        match &self.exclusion {
            Some(list) => write!(f, " exclusionList={}", list.join(",")),
            None => Ok(()),
        }
    }
}

//! The own family of a tag: the tags that are named the same way, and what orders them.
//!
//! For workloads that state no pattern. The current tag alone says what the family is; whether a tag
//! belongs to it never depends on which other tags there are. A tag is read in this order:
//!
//! | family | example | belongs | order |
//! |---|---|---|---|
//! | version | `1.2.3`, `v1.2`, `1.25-alpine`, `1.2.3-rc.1` | two or three numbers, the first one a year or not as in the current tag; the same `v` or none, the same suffix; pre-releases only when the current tag is one | semver |
//! | date | `2024-01-31`, `RELEASE.2024-01-31T00-00-00Z` | the same text before it, the same digits and signs | text |
//! | commit | `a1b2c3d`, `master-a1b2c3d` | the same text before it, 7 to 40 hex digits | newest |
//! | number or time | `build-123`, `main-20240101120000`, `v3`, `main-a1b2c3d-1704067200`, `20240101-a1b2c3d` | the same text before it; a time (a date, or ten digits and more) keeps its length | numeric |
//!
//! A pre-release is told from a suffix by its first word (`-rc.1`, `-beta2`, `-nightly.20240101`);
//! anything else (`-alpine3.18`, `-ls12`, `-1`) is a suffix, and the same one is wanted. A single number
//! is no version here: `3` may become `4`, never `20240131` and never `3.1`.

use std::fmt;

use semver::Version;

use super::order::By;
use super::version;

/// The first words that make what follows the `-` of a version a pre-release.
const PRE_RELEASES: [&str; 19] = [
    "a",
    "alpha",
    "b",
    "beta",
    "c",
    "canary",
    "cr",
    "dev",
    "ea",
    "edge",
    "m",
    "milestone",
    "next",
    "nightly",
    "pre",
    "preview",
    "rc",
    "snapshot",
    "unstable",
];

/// How the current tag is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Family<'t> {
    head: &'t str,
    shape: Shape<'t>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape<'t> {
    /// A version behind an optional `v`.
    Version { era: Era, prereleases: bool, suffix: &'t str },
    /// Digits and signs as in this text.
    Date { like: &'t str },
    /// A commit id of this length.
    Commit { length: usize },
    /// A number, with a commit id before or behind it; a time has this length.
    Number { commit: Option<Side>, time: Option<usize> },
}

/// What kind of number a version begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Era {
    /// Counted by hand.
    Count,
    /// The year.
    Year,
    /// A date or a build.
    Date,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    Behind,
}

/// What orders a member of a family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Member<'t> {
    Version(Version),
    Number(&'t str),
    /// The whole tag, or its created time.
    Whole,
}

/// A version with what stands behind it.
struct Named<'t> {
    version: Version,
    prerelease: bool,
    suffix: &'t str,
}

impl<'t> Family<'t> {
    /// The family of `tag`; `None` when it says nothing (`latest`, `stable`).
    pub(super) fn of(tag: &'t str) -> Option<Self> {
        let bare = tag.strip_prefix('v').unwrap_or(tag);
        let v = &tag[..tag.len() - bare.len()];
        if let Some(named) = Named::parse(bare) {
            let era = Era::of(&named.version);
            let shape = Shape::Version { era, prereleases: named.prerelease, suffix: named.suffix };
            return Some(Self { head: v, shape });
        }
        if let Some(at) = date(tag) {
            return Some(Self { head: &tag[..at], shape: Shape::Date { like: &tag[at..] } });
        }
        let start = tag.rfind(['-', '_', '.']).map_or(0, |at| at + 1);
        let last = &tag[start..];
        if is_mixed_commit(last) {
            return Some(match tag[..start].strip_suffix(['-', '_', '.']).map(trailing_digits) {
                Some((head, digits)) if is_time(digits) => {
                    let shape = Shape::Number { commit: Some(Side::Behind), time: Some(digits.len()) };
                    Self { head, shape }
                }
                _ => Self { head: &tag[..start], shape: Shape::Commit { length: last.len() } },
            });
        }
        let (head, digits) = trailing_digits(tag);
        if digits.is_empty() {
            return None;
        }
        let time = is_time(digits).then_some(digits.len());
        let commit = head.strip_suffix(['-', '_', '.']).map(|before| {
            let start = before.rfind(['-', '_', '.']).map_or(0, |at| at + 1);
            (&before[..start], &before[start..])
        });
        Some(match commit {
            Some((head, commit)) if is_mixed_commit(commit) => {
                Self { head, shape: Shape::Number { commit: Some(Side::Before), time } }
            }
            _ => Self { head, shape: Shape::Number { commit: None, time } },
        })
    }

    /// What orders the family.
    pub(super) fn by(&self) -> By {
        match self.shape {
            Shape::Version { .. } => By::Semver,
            Shape::Date { .. } => By::Alphabetical,
            Shape::Commit { .. } => By::Newest,
            Shape::Number { .. } => By::Numeric,
        }
    }

    /// What orders `tag` inside the family; `None` when it does not belong.
    pub(super) fn member<'m>(&self, tag: &'m str) -> Option<Member<'m>> {
        let rest = tag.strip_prefix(self.head)?;
        match self.shape {
            Shape::Version { era, prereleases, suffix } => {
                let named = Named::parse(rest)?;
                let member =
                    named.suffix == suffix && (prereleases || !named.prerelease) && Era::of(&named.version) == era;
                member.then_some(Member::Version(named.version))
            }
            Shape::Date { like } => same_form(rest, like).then_some(Member::Whole),
            Shape::Commit { length } => {
                let member = is_mixed_commit(rest) || (is_commit(rest) && rest.len() == length && !is_time(rest));
                member.then_some(Member::Whole)
            }
            Shape::Number { commit, time } => {
                let digits = match commit {
                    None => rest,
                    Some(Side::Before) => rest.split_once(['-', '_', '.']).filter(|(commit, _)| is_commit(commit))?.1,
                    Some(Side::Behind) => rest.split_once(['-', '_', '.']).filter(|(_, commit)| is_commit(commit))?.0,
                };
                let good = !digits.is_empty()
                    && digits.bytes().all(|byte| byte.is_ascii_digit())
                    && is_time(digits).then_some(digits.len()) == time;
                good.then_some(Member::Number(digits))
            }
        }
    }
}

impl fmt::Display for Family<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = self.head;
        match self.shape {
            Shape::Version { suffix: "", .. } => write!(f, "{head}1.2.3"),
            Shape::Version { suffix, .. } => write!(f, "{head}1.2.3-{suffix}"),
            Shape::Date { .. } => write!(f, "{head}<date>"),
            Shape::Commit { .. } => write!(f, "{head}<commit>"),
            Shape::Number { commit, time } => {
                let number = if time.is_some() { "<time>" } else { "<number>" };
                match commit {
                    None => write!(f, "{head}{number}"),
                    Some(Side::Before) => write!(f, "{head}<commit>-{number}"),
                    Some(Side::Behind) => write!(f, "{head}{number}-<commit>"),
                }
            }
        }
    }
}

impl Era {
    fn of(version: &Version) -> Self {
        match version.major {
            1990..2100 => Self::Year,
            10_000.. => Self::Date,
            _ => Self::Count,
        }
    }
}

impl<'t> Named<'t> {
    fn parse(text: &'t str) -> Option<Self> {
        let (core, rest) = match text.split_once('-') {
            Some((_, "")) => return None,
            Some((core, rest)) => (core, rest),
            None => (text, ""),
        };
        if !core.contains('.') || core.starts_with('v') {
            return None;
        }
        let mut version = version::loose(core).ok()?;
        let word = rest.bytes().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(rest.len());
        let prerelease = PRE_RELEASES.iter().any(|known| rest[..word].eq_ignore_ascii_case(known));
        if !prerelease {
            return Some(Self { version, prerelease, suffix: rest });
        }
        let suffix =
            rest.match_indices('-').find(|(at, _)| rest.as_bytes().get(at + 1).is_some_and(u8::is_ascii_alphabetic));
        let (pre, suffix) = match suffix {
            Some((at, _)) => (&rest[..at], &rest[at + 1..]),
            None => (rest, ""),
        };
        version.pre = semver::Prerelease::new(pre).ok()?;
        Some(Self { version, prerelease, suffix })
    }
}

/// Where a date with signs between its parts begins: `2024-01-31`, `2024.01.31`, `2024_01_31`, with a
/// time of day in digits and signs behind it or not.
fn date(tag: &str) -> Option<usize> {
    let bytes = tag.as_bytes();
    let sign = |byte: u8| matches!(byte, b'-' | b'.' | b'_');
    let at = (0..bytes.len().checked_sub(9)?).find(|&at| {
        let form = bytes[at..at + 10].iter().enumerate().all(|(index, &byte)| match index {
            4 | 7 => sign(byte),
            _ => byte.is_ascii_digit(),
        });
        let alone = at == 0 || !bytes[at - 1].is_ascii_digit();
        form && alone && is_day(&bytes[at..at + 4], &bytes[at + 5..at + 7], &bytes[at + 8..at + 10])
    })?;
    let rest = &bytes[at + 10..];
    let clock =
        rest.iter().all(|&byte| byte.is_ascii_digit() || sign(byte) || matches!(byte, b'T' | b't' | b'Z' | b'z'));
    (clock && !rest.first().is_some_and(u8::is_ascii_digit)).then_some(at)
}

/// The same signs at the same places, and digits where there are digits.
fn same_form(text: &str, like: &str) -> bool {
    text.len() == like.len()
        && text.bytes().zip(like.bytes()).all(|(a, b)| a == b || (a.is_ascii_digit() && b.is_ascii_digit()))
}

/// Digits that are rather a time than a count: a date of 8 digits, with hours and minutes (12) and
/// seconds (14), or any ten digits and more (seconds since 1970 and finer).
fn is_time(digits: &str) -> bool {
    let bytes = digits.as_bytes();
    bytes.iter().all(u8::is_ascii_digit)
        && (bytes.len() >= 10 || (bytes.len() == 8 && is_day(&bytes[..4], &bytes[4..6], &bytes[6..])))
}

fn is_day(year: &[u8], month: &[u8], day: &[u8]) -> bool {
    let number = |digits: &[u8]| digits.iter().fold(0, |sum, byte| sum * 10 + u32::from(byte - b'0'));
    (1990..2100).contains(&number(year)) && (1..=12).contains(&number(month)) && (1..=31).contains(&number(day))
}

/// 7 to 40 lower-case hex digits.
fn is_commit(text: &str) -> bool {
    (7..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// A commit id that is neither a word nor a number.
fn is_mixed_commit(text: &str) -> bool {
    is_commit(text)
        && text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// Splits a text before the digits at its end.
fn trailing_digits(text: &str) -> (&str, &str) {
    text.split_at(text.trim_end_matches(|c: char| c.is_ascii_digit()).len())
}

#[cfg(test)]
mod tests;

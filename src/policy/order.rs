//! Which of two tags is the better one: by version, by created time, by number or by text.
//!
//! The keys that are compared, and the natural order that settles ties. Every order here is total.
//! Knows nothing of patterns and of the tag that runs now.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use super::pattern::{Pattern, PatternKind};

/// Which match is the best.
///
/// Written `semver`, `newest`, `numeric`, `natural` or `alphabetical`, with `asc` or `desc` behind it.
/// [`Display`](fmt::Display) leaves `asc` out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Order {
    /// What is compared.
    pub by: By,
    /// Which end wins.
    pub direction: Direction,
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum By {
    /// The precedence of versions.
    Semver,
    /// The created time in the image; equal ones, and those of 1970, by natural order.
    Newest,
    /// Decimal numbers of any size.
    Numeric,
    /// The text, in which numbers compare as numbers: `r9` before `r10`.
    Natural,
    /// The bytes of the text.
    Alphabetical,
}

/// Which end wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The greatest (newest, last) wins: what is meant when nothing is said.
    Ascending,
    /// The smallest (oldest, first) wins, and "older" means greater.
    Descending,
}

/// A text that names no order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no order; {mend}")]
pub struct InvalidOrder {
    text: String,
    mend: String,
}

impl Order {
    /// Reads an order, in any case.
    ///
    /// # Errors
    /// [`InvalidOrder`] names the orders there are, or the one that was probably meant.
    pub fn parse(text: &str) -> Result<Self, InvalidOrder> {
        let lower = text.to_ascii_lowercase();
        let invalid = |mend: String| InvalidOrder { text: text.chars().take(140).collect(), mend };
        let mut words = lower.split_ascii_whitespace();
        let by = match words.next().unwrap_or_default() {
            "semver" => By::Semver,
            "newest" => By::Newest,
            "numeric" => By::Numeric,
            "natural" => By::Natural,
            "alphabetical" => By::Alphabetical,
            word => return Err(invalid(mend(word))),
        };
        let direction = match (words.next(), words.next()) {
            (None | Some("asc"), None) => Direction::Ascending,
            (Some("desc"), None) => Direction::Descending,
            _ => return Err(invalid(format!("after `{by}` only `asc` or `desc` may stand"))),
        };
        Ok(Self { by, direction })
    }

    /// The order of a policy that states none: semver for a semver pattern, newest for any other. An
    /// own family of versions or numbers is ordered as such; that shows when the current tag is known.
    #[must_use]
    pub fn default_for(pattern: &Pattern) -> Self {
        let by = if pattern.kind() == Some(PatternKind::Semver) { By::Semver } else { By::Newest };
        Self { by, direction: Direction::Ascending }
    }
}

fn mend(word: &str) -> String {
    let meant = match word {
        "numerical" | "number" | "num" | "int" | "build" => Some(By::Numeric),
        "alpha" | "name" | "lexical" | "lexicographical" | "text" | "string" => Some(By::Alphabetical),
        "created" | "date" | "time" | "timestamp" | "latest" | "newest-build" | "new" => Some(By::Newest),
        "version" | "semantic" | "sem" => Some(By::Semver),
        _ => None,
    };
    match meant {
        Some(by) => format!("did you mean `{by}`?"),
        None => {
            "use `semver`, `newest`, `numeric`, `natural` or `alphabetical`, with `asc` or `desc` behind it".to_owned()
        }
    }
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Semver => "semver",
            Self::Newest => "newest",
            Self::Numeric => "numeric",
            Self::Natural => "natural",
            Self::Alphabetical => "alphabetical",
        })
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.direction {
            Direction::Ascending => self.by.fmt(f),
            Direction::Descending => write!(f, "{} desc", self.by),
        }
    }
}

/// A decimal number of any size: a sign, digits with single `_` between them, and a fraction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Number<'t> {
    negative: bool,
    /// Without leading zeros, and without trailing ones behind the point.
    digits: Cow<'t, str>,
    /// How many of the digits stand before the point.
    whole: usize,
}

impl<'t> Number<'t> {
    /// Reads a number; `None` when the text is none. Exponents, hex and `nan` are no numbers.
    pub(super) fn parse(text: Cow<'t, str>) -> Option<Self> {
        match text {
            Cow::Borrowed(text) => Self::read(text),
            Cow::Owned(text) => Number::read(&text).map(|Number { negative, digits, whole }| Self {
                negative,
                digits: digits.into_owned().into(),
                whole,
            }),
        }
    }

    fn read(text: &'t str) -> Option<Self> {
        let negative = text.starts_with('-');
        let text = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (whole, fraction) = match text.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (text, None),
        };
        let digits = |text: &str| {
            !text.is_empty() && text.split('_').all(|run| !run.is_empty() && run.bytes().all(|b| b.is_ascii_digit()))
        };
        if !digits(whole) || fraction.is_some_and(|fraction| !digits(fraction)) {
            return None;
        }
        let digits = if text.contains('_') {
            Cow::Owned(trimmed(&text.replace('_', "")).to_owned())
        } else {
            Cow::Borrowed(trimmed(text))
        };
        let whole = digits.find('.').unwrap_or(digits.len());
        let negative = negative && !digits.is_empty();
        Some(Self { negative, digits, whole })
    }
}

/// Without the zeros that mean nothing; nothing at all for zero.
fn trimmed(digits: &str) -> &str {
    let digits = digits.trim_start_matches('0');
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

impl Ord for Number<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let size = || self.whole.cmp(&other.whole).then_with(|| self.digits.cmp(&other.digits));
        match (self.negative, other.negative) {
            (false, false) => size(),
            (true, true) => size().reverse(),
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
        }
    }
}

impl PartialOrd for Number<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Natural order: runs of digits compare as numbers, everything else by its bytes. Texts that differ
/// in leading zeros alone compare by their bytes, so only equal texts are equal.
pub(super) fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.as_bytes(), b.as_bytes());
    while let (Some(first), Some(second)) = (left.first(), right.first()) {
        if first.is_ascii_digit() && second.is_ascii_digit() {
            let (one, other) = (digits(left), digits(right));
            let by_number = compare_digits(one, other);
            if by_number != Ordering::Equal {
                return by_number;
            }
            (left, right) = (&left[one.len()..], &right[other.len()..]);
        } else if first == second {
            (left, right) = (&left[1..], &right[1..]);
        } else {
            return first.cmp(second);
        }
    }
    left.len().cmp(&right.len()).then_with(|| a.cmp(b))
}

fn compare_digits(a: &[u8], b: &[u8]) -> Ordering {
    let (a, b) = (significant(a), significant(b));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

fn digits(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(bytes.len())]
}

fn significant(digits: &[u8]) -> &[u8] {
    &digits[digits.iter().position(|&byte| byte != b'0').unwrap_or(digits.len())..]
}

#[cfg(test)]
mod tests;

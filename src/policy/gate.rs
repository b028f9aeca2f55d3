//! How long a tag has to be there before it is taken, and since when it is. Knows times, and nothing of
//! tags, of clocks and of who asked.

use std::fmt;

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

/// How long a tag has to be there before it is taken, in whole seconds. Nothing at all for `0h`.
///
/// Written `24h`, `7d`, `3 days`, `1w 2d`, `P7D`. [`Display`](fmt::Display) gives the largest unit that
/// says it exactly: `7d`, `36h`, `90m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MinAge {
    seconds: i64,
}

/// A text that is no length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("min-age `{text}` is no length of time{why}; write one such as `24h`, `7d` or `2w`")]
pub struct InvalidMinAge {
    text: String,
    why: &'static str,
}

/// Since when a tag is there, and by whose word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Since {
    /// The time.
    pub at: Timestamp,
    /// By whose word.
    pub by: Witness,
}

/// Who says since when a tag is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Witness {
    /// We saw it in the list for the first time.
    FirstSeen,
    /// The registry says that it was pushed.
    Pushed,
    /// The image says that it was built; believed only by those who said so.
    Created,
}

/// Why a tag has to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TooYoung {
    /// Since when it is there, as far as that is known.
    pub since: Option<Since>,
    /// From when on it may be taken; `None` where nobody knows.
    pub ready: Option<Timestamp>,
    /// How old it has to be.
    pub min_age: MinAge,
}

impl MinAge {
    /// Reads a length of time. A day has 24 hours; months and years are refused, since they have no
    /// length of their own.
    ///
    /// # Errors
    /// [`InvalidMinAge`] for anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidMinAge> {
        let invalid = |why| InvalidMinAge { text: text.chars().take(140).collect(), why };
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            return Err(invalid(": it has no unit"));
        }
        // The parser knows `7D` as nothing, and people write it.
        let span: Span = match text.parse() {
            Ok(span) => span,
            Err(_) => text.to_ascii_lowercase().parse().map_err(|_| invalid(""))?,
        };
        if span.get_years() != 0 || span.get_months() != 0 {
            return Err(invalid(", since months and years differ"));
        }
        let whole = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| invalid(""))?;
        if whole.is_negative() {
            return Err(invalid(": it is negative"));
        }
        Ok(Self { seconds: whole.as_secs() + i64::from(whole.subsec_nanos() > 0) })
    }

    /// Whether every tag is old enough.
    pub(super) fn is_nothing(self) -> bool {
        self.seconds == 0
    }

    /// Whether a tag that is there since then may be taken at the time `now`. What nobody knows is not
    /// old enough.
    pub(super) fn check(self, since: Option<Since>, now: Timestamp) -> Result<(), TooYoung> {
        if self.is_nothing() {
            return Ok(());
        }
        let whole = SignedDuration::from_secs(self.seconds);
        let ready = since.map(|since| since.at.checked_add(whole).unwrap_or(Timestamp::MAX));
        if ready.is_some_and(|ready| ready <= now) { Ok(()) } else { Err(TooYoung { since, ready, min_age: self }) }
    }
}

impl Since {
    /// For as long as there is time.
    pub const EVER: Self = Self { at: Timestamp::MIN, by: Witness::FirstSeen };

    /// Since when a tag is there that we saw at one time and that was pushed at another: the later of the
    /// two that are known, since a tag that is pushed again begins anew.
    #[must_use]
    pub fn of(first_seen: Option<Timestamp>, pushed: Option<Timestamp>) -> Option<Self> {
        let seen = first_seen.map(|at| Self { at, by: Witness::FirstSeen });
        let pushed = pushed.map(|at| Self { at, by: Witness::Pushed });
        match (seen, pushed) {
            (Some(seen), Some(pushed)) => Some(if pushed.at > seen.at { pushed } else { seen }),
            (seen, pushed) => seen.or(pushed),
        }
    }

    /// The same for a tag that was there when its repository was first looked at, for those who said that
    /// the first look is not where its life begins: the time when it was pushed, or else that when its
    /// image was built, is taken for the time when we saw it.
    #[must_use]
    pub fn before_first_look(
        first_seen: Option<Timestamp>,
        pushed: Option<Timestamp>,
        created: Option<Timestamp>,
    ) -> Option<Self> {
        let pushed = pushed.map(|at| Self { at, by: Witness::Pushed });
        let told = pushed.or(created.map(|at| Self { at, by: Witness::Created }));
        match (told, first_seen) {
            // What is said to be younger than our own look at it is said wrongly, unless it was pushed again.
            (Some(told), Some(seen)) if told.by == Witness::Created && told.at > seen => Self::of(first_seen, None),
            (Some(told), _) => Some(told),
            (None, _) => Self::of(first_seen, None),
        }
    }
}

impl fmt::Display for MinAge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(86_400, 'd'), (3_600, 'h'), (60, 'm')];
        match units.into_iter().find(|(length, _)| self.seconds != 0 && self.seconds % length == 0) {
            Some((length, unit)) => write!(f, "{}{unit}", self.seconds / length),
            None if self.seconds == 0 => f.write_str("0h"),
            None => write!(f, "{}s", self.seconds),
        }
    }
}

impl fmt::Display for Since {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = match self.by {
            Witness::FirstSeen => "first seen",
            Witness::Pushed => "pushed",
            Witness::Created => "created",
        };
        write!(f, "{by} {:.0}", self.at)
    }
}

/// `was first seen …, and with min-age 7d may be taken from …`: what stands behind the name of the tag.
impl fmt::Display for TooYoung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.since, self.ready) {
            (Some(since), Some(ready)) => {
                write!(f, "was {since}, and with min-age {} may be taken from {ready:.0}", self.min_age)
            }
            _ => write!(f, "has to be there for {} (min-age), and since when it is there is not known", self.min_age),
        }
    }
}

#[cfg(test)]
mod tests;

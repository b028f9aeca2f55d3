//! What is wrong in a file, where, and how to mend it. Knows nothing of what the file is about.

mod rule;

use std::fmt;

use crate::path::RepoPath;
pub use rule::Rule;

/// A place in a file. Lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file.
    pub file: RepoPath,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// How bad a [`Problem`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// What was asked for does not happen.
    Error,
    /// It works, though perhaps not as meant.
    Warning,
    /// It works; there is a better way to write it.
    Hint,
}

/// One mistake in a file. The order is that of the places.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where it stands.
    pub place: Place,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// How to mend it; empty where the message says it already.
    pub mend: String,
    /// The rule that it breaks.
    pub rule: Rule,
}

/// How much of a text is shown: a line of a file, which may be quoted, can be of any length.
const MOST_CHARACTERS: usize = 2000;

impl Problem {
    /// A problem at a place. What a file says may be quoted: control characters in it are written out,
    /// so that a problem is one line wherever it is printed.
    #[must_use]
    pub fn new(
        rule: Rule,
        severity: Severity,
        place: Place,
        message: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self { place, severity, message: visible(&message.into()), mend: visible(&mend.into()), rule }
    }

    /// What is wrong and how to mend it, without place and severity.
    #[must_use]
    pub fn text(&self) -> String {
        if self.mend.is_empty() { self.message.clone() } else { format!("{}; {}", self.message, self.mend) }
    }
}

impl Severity {
    /// `error`, `warning` or `hint`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Hint => "hint",
        }
    }
}

/// The beginning of a text that may be long, to be quoted in a problem.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(140).collect()
}

/// The text with control characters as escapes, `\n`, cut where it is longer than anybody reads.
fn visible(text: &str) -> String {
    let mut visible = String::new();
    for (at, c) in text.chars().enumerate() {
        if at == MOST_CHARACTERS {
            visible.push('…');
            break;
        }
        if c.is_control() { visible.extend(c.escape_default()) } else { visible.push(c) }
    }
    visible
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", visible(self.file.as_str()), self.line, self.column)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.place, self.severity, self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, Problem, Rule, Severity};
    use crate::path::RepoPath;

    #[test]
    fn a_problem_is_one_line_that_can_be_read() {
        let place = Place { file: RepoPath::parse("a.yaml").unwrap(), line: 1, column: 1 };
        let shown =
            |message: &str| Problem::new(Rule::InvalidValue, Severity::Error, place.clone(), message, "").message;
        assert_eq!(shown("a\nb ü"), "a\\nb ü");
        assert_eq!(shown(&"ü".repeat(2000)), "ü".repeat(2000));
        assert_eq!(shown(&"ü".repeat(1_000_000)), "ü".repeat(2000) + "…");
    }
}

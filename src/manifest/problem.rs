//! What is wrong in a file, where, and how to mend it. Knows nothing of what the file is about.

use std::fmt;

use crate::path::RepoPath;

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
}

impl Problem {
    /// A problem at a place. What a file says may be quoted: control characters in it are written out,
    /// so that a problem is one line wherever it is printed.
    #[must_use]
    pub fn new(severity: Severity, place: Place, message: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { place, severity, message: visible(&message.into()), mend: visible(&mend.into()) }
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

/// The text with control characters as escapes, `\n`.
fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for c in text.chars() {
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

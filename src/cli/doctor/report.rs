//! What was found, for people and for scripts. Must not know how it was found.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;

use crate::cli::output::{BOLD, DIM, GREEN, RED, YELLOW, counted};
use crate::plan::message::one_line;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Ok,
    /// It works, and somebody should look.
    Warning,
    Failed,
}

/// One check.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    /// What it is about: `registry ghcr.io`.
    about: String,
    /// What was checked: `login`, `tags`, `certificate`.
    check: &'static str,
    state: State,
    /// What was found, and how to mend it.
    message: String,
    #[serde(flatten)]
    facts: BTreeMap<&'static str, Value>,
}

/// All checks, those about one thing together.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    checks: Vec<Finding>,
    failed: usize,
    warnings: usize,
}

impl Report {
    /// One more check.
    pub(super) fn add(&mut self, about: &str, check: &'static str, state: State, message: String) -> &mut Finding {
        self.failed += usize::from(state == State::Failed);
        self.warnings += usize::from(state == State::Warning);
        self.checks.push(Finding { about: about.to_owned(), check, state, message, facts: BTreeMap::new() });
        let last = self.checks.len() - 1;
        &mut self.checks[last]
    }

    /// Whether anything failed.
    pub(super) fn has_failed(&self) -> bool {
        self.failed > 0
    }

    pub(super) fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut about = None;
        for check in &self.checks {
            if about != Some(&check.about) {
                let apart = if about.is_some() { "\n" } else { "" };
                writeln!(out, "{apart}{BOLD}{}{BOLD:#}", one_line(&check.about))?;
                about = Some(&check.about);
            }
            let (style, state) = match check.state {
                State::Ok => (GREEN, "ok     "),
                State::Warning => (YELLOW, "warning"),
                State::Failed => (RED, "failed "),
            };
            writeln!(out, "  {style}{state}{style:#}  {}: {}", check.check, one_line(&check.message))?;
        }
        let (checks, warnings) = (counted(self.checks.len(), "check"), counted(self.warnings, "warning"));
        writeln!(out, "\n{DIM}{checks}, {} failed, {warnings}{DIM:#}", self.failed)
    }
}

impl Finding {
    /// Something of it that a script wants to know.
    pub(super) fn with(&mut self, name: &'static str, value: impl Into<Value>) -> &mut Self {
        self.facts.insert(name, value.into());
        self
    }
}

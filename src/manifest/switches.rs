//! Which problems people want to see, and how bad they are to be: rules, switched path by path.
//!
//! Says nothing of what happens: a rule that is switched off is not shown, and whatever was held stays held.

use super::problem::{Problem, Rule, Severity};
use crate::path::RepoPath;
use crate::policy::PathGlob;

/// What a rule is switched to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Its problems are not shown.
    Off,
    /// Its problems are this bad, whatever they would be by themselves.
    At(Severity),
}

/// Rules with their levels, path by path.
#[derive(Debug, Clone, Default)]
pub struct Switches {
    switches: Vec<(PathGlob, Vec<(Rule, Level)>)>,
}

impl Level {
    /// Every level, with its name.
    pub const ALL: [(&str, Self); 4] = [
        ("off", Self::Off),
        ("hint", Self::At(Severity::Hint)),
        ("warning", Self::At(Severity::Warning)),
        ("error", Self::At(Severity::Error)),
    ];

    /// The level of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, level)| *level)
    }
}

impl Switches {
    /// Switches rules for these paths. What is added later wins.
    pub fn add(&mut self, paths: PathGlob, levels: Vec<(Rule, Level)>) {
        self.switches.push((paths, levels));
    }

    /// How bad a problem is to be in this file, whose path begins at the top of the repository; `None`
    /// where it is switched off.
    #[must_use]
    pub fn severity(&self, problem: &Problem, file: &RepoPath) -> Option<Severity> {
        let said = self.switches.iter().rev().filter(|(paths, _)| paths.covers(file));
        let mut levels = said.flat_map(|(_, levels)| levels.iter().rev());
        match levels.find(|(rule, _)| *rule == problem.rule) {
            Some((_, Level::Off)) => None,
            Some((_, Level::At(severity))) => Some(*severity),
            None => Some(problem.severity),
        }
    }
}

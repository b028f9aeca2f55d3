//! What came of a pass, as a value. Must not know how it came to that.

use std::time::Duration;

use tokio::task;

use crate::git::{self, CommitId, PushOutcome};
use crate::manifest::Problem;
use crate::plan::{Draft, Finding, Findings, InvalidTemplate, Plan};

/// What a pass did.
#[derive(Debug)]
pub struct Report {
    /// The commit that the plan was drawn on.
    pub base: CommitId,
    /// The branch it stands on.
    pub branch: String,
    /// The verdict for every container, and the edits.
    pub plan: Plan,
    /// What people got wrong, by place.
    pub problems: Vec<Problem>,
    /// How many repositories were wanted, and how many of them could not be scanned.
    pub scans: ScanCount,
    /// How the pass ended.
    pub outcome: Outcome,
    /// For each update that was accepted and followed from news of a registry: the time since its answer. Those that
    /// followed from a change in Git, or from the first look, have none.
    pub delays: Vec<Duration>,
}

/// The scans of a pass, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScanCount {
    /// Repositories that containers with a policy use.
    pub wanted: usize,
    /// Those whose tags could not be had.
    pub failed: usize,
    /// Those that are still being asked.
    pub asked: usize,
}

/// How a pass ended.
#[derive(Debug)]
pub enum Outcome {
    /// Every image is what its policy wants.
    NothingToDo,
    /// There is something to commit, and the pass was told not to.
    DryRun {
        /// The commits that would be made.
        drafts: Vec<Draft>,
    },
    /// Commits were made and the remote answered.
    Pushed {
        /// The last of them, which was to be the new head.
        commit: CommitId,
        /// All of them, each on top of the one before it. There is one unless they are grouped.
        commits: Vec<Made>,
        /// The remote's answer to all of them at once.
        push: PushOutcome,
    },
}

/// A commit that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Its name.
    pub id: CommitId,
    /// Its message.
    pub message: String,
    /// The entries of the plan whose updates it makes.
    pub entries: Vec<usize>,
    /// How many files it changes.
    pub files: usize,
}

/// Why a pass ended early. Everything that concerns one file, workload or registry is in the report
/// instead.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The config repository could not be read or written.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// The template makes no message of what is to be committed.
    #[error("the commit template cannot be used, and nothing is committed: {0}")]
    Template(#[from] InvalidTemplate),
    /// The pass was stopped before it changed anything.
    #[error("stopped")]
    Stopped,
    /// A part of the pass panicked.
    #[error("a pass broke off: {0}")]
    Broken(#[from] task::JoinError),
    /// The pass panicked, with these words.
    #[error("a pass broke off, which is a mistake in Landwaiter: {0}")]
    Panicked(String),
}

impl ScanCount {
    pub(super) fn of(findings: &Findings) -> Self {
        let count = |is: fn(&Finding) -> bool| findings.values().filter(|finding| is(finding)).count();
        Self {
            wanted: findings.len(),
            failed: count(|finding| matches!(finding, Finding::Failed(_))),
            asked: count(|finding| matches!(finding, Finding::Asked)),
        }
    }
}

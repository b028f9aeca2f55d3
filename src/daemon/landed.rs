//! The commits that a daemon has pushed, as far back as it keeps them. Must not know who reads them.

use jiff::Timestamp;

use crate::git::{CommitId, PushOutcome};
use crate::image::Tag;
use crate::plan::Verdict;
use crate::reconcile::{Outcome, Report};

/// How many commits are kept for each config repository.
pub(super) const MOST_LANDED: usize = 50;

/// How many of its updates are kept of a commit.
const MOST_UPDATES: usize = 100;

/// A commit that the remote has taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landed {
    /// When the pass ended that made it.
    pub at: Timestamp,
    /// Its name.
    pub id: CommitId,
    /// The branch it went to.
    pub branch: String,
    /// The first line of its message.
    pub subject: String,
    /// How many files it changes.
    pub files: usize,
    /// What it changes, the first hundred.
    pub updates: Vec<LandedUpdate>,
    /// How many updates there are in all.
    pub updates_in_all: usize,
}

/// One change of such a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LandedUpdate {
    /// The workload, `namespace/Kind/name`.
    pub workload: String,
    /// The container.
    pub container: String,
    /// The image without its tag.
    pub image: String,
    /// The tag before; `None` where there was none.
    pub from: Option<Tag>,
    /// The tag now.
    pub to: Tag,
}

impl Landed {
    /// What landed in a pass, in the order in which the commits were made.
    pub(super) fn of(report: &Report, at: Timestamp) -> Vec<Self> {
        let Outcome::Pushed { commits, push: PushOutcome::Accepted { .. }, .. } = &report.outcome else {
            return Vec::new();
        };
        let update = |index: &usize| {
            let entry = report.plan.entries.get(*index)?;
            let Verdict::Update(update) = &entry.verdict else { return None };
            Some(LandedUpdate {
                workload: entry.workload.clone(),
                container: entry.container.clone(),
                image: entry.image.name().to_owned(),
                from: update.from.clone(),
                to: update.to.clone(),
            })
        };
        let landed = commits.iter().map(|made| Self {
            at,
            id: made.id,
            branch: report.branch.clone(),
            subject: made.message.lines().next().unwrap_or_default().to_owned(),
            files: made.files,
            updates: made.entries.iter().take(MOST_UPDATES).filter_map(update).collect(),
            updates_in_all: made.entries.len(),
        });
        landed.collect()
    }
}

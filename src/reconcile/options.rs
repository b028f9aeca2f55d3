//! What a pass is made with. Knows no pass.

use std::time::Duration;

use super::{Area, Patience};
use crate::git::Identity;
use crate::manifest::Terms;
use crate::plan::CommitOptions;

/// What a pass is made with.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Where to look.
    pub area: Area,
    /// Which policies can be named besides the repository's own, and whose words are heard.
    pub terms: Terms,
    /// Who the commits are by.
    pub author: Identity,
    /// What the commits are to look like.
    pub commit: CommitOptions,
    /// How long the branch's head is taken as known before it is asked for again.
    pub git_fresh_for: Duration,
    /// How long a pass waits for registries; with none it waits for the last of them.
    pub patience: Option<Patience>,
    /// How long a commit waits for tags that land together with those it is for: so long without another one, and
    /// five times as long at most. The first pass waits for none.
    pub settle: Duration,
    /// Whether to stop before the commit.
    pub dry_run: bool,
}

impl Options {
    /// Commits by `author`, with everything else as for one pass that is made at once.
    #[must_use]
    pub fn by(author: Identity) -> Self {
        Self {
            area: Area::default(),
            terms: Terms::builtin().clone(),
            author,
            commit: CommitOptions::default(),
            git_fresh_for: Duration::ZERO,
            patience: None,
            settle: Duration::ZERO,
            dry_run: false,
        }
    }
}

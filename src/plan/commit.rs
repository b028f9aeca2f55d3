//! From a plan to commits: which updates share one, what the files then hold, and what it says. Must not know
//! how commits are made.

mod group;

use std::fmt;
use std::str::FromStr;

use super::draw::{Entry, Plan};
use super::message::{Row, finish, words};
use super::template::{InvalidTemplate, Sample, Template, Values, samples};
use super::verdict::{Update, Verdict};
use crate::path::RepoPath;

/// How many commits one push makes at most. The last of them has all that is left.
pub const MOST_COMMITS: usize = 100;

/// What commits are to look like.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommitOptions {
    /// What is said instead of the default message.
    pub template: Option<Template>,
    /// Whether the subject ends with `[skip ci]`.
    pub skip_ci: bool,
    /// Whether the author signs off.
    pub sign_off: bool,
    /// Which updates share a commit.
    pub grouping: Grouping,
}

/// Which updates share a commit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Grouping {
    /// All those of a pass.
    #[default]
    Pass,
    /// Those of a file.
    File,
    /// Those of the files of a folder.
    Folder,
    /// Those of a workload.
    Workload,
    /// Those to an image, wherever it runs.
    Image,
    /// Those of the workloads of a namespace.
    Namespace,
}

/// A word that is no grouping.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no grouping {text:?}; expected one of {}", Grouping::ALL.map(Grouping::as_str).join(", "))]
pub struct InvalidGrouping {
    text: String,
}

/// Where and by whom a commit is made, for its message.
#[derive(Debug, Clone, Copy)]
pub struct Occasion<'a> {
    /// What the config repository is called.
    pub repository: &'a str,
    /// The branch.
    pub branch: &'a str,
    /// The author, as `Name <address>`.
    pub author: &'a str,
}

/// A commit to be made. Each stands on the one before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What it is about, where there are several: a file, an image; see [`Grouping`].
    pub group: Option<String>,
    /// Its message.
    pub message: String,
    /// The entries of the plan whose updates it makes, in the order of the message.
    pub entries: Vec<usize>,
    /// What files hold from then on.
    pub changes: Vec<(RepoPath, Vec<u8>)>,
}

/// An update with the number of its entry.
type Numbered<'p> = (usize, &'p Entry, &'p Update);

impl Plan {
    /// The commits that make the updates of this plan, in the order in which they are to be made. The same plan
    /// always gives the same commits; none when there is nothing to change.
    ///
    /// # Errors
    /// [`InvalidTemplate`] when the template makes no message of them.
    pub fn drafts(&self, options: &CommitOptions, occasion: &Occasion<'_>) -> Result<Vec<Draft>, InvalidTemplate> {
        let mut updates: Vec<Numbered<'_>> = Vec::new();
        for (index, entry) in self.entries.iter().enumerate() {
            if let Verdict::Update(update) = &entry.verdict {
                updates.push((index, entry, update));
            }
        }
        updates.sort_by(|(_, a, _), (_, b, _)| {
            (&a.place.file, a.place.line, &a.workload, &a.container).cmp(&(
                &b.place.file,
                b.place.line,
                &b.workload,
                &b.container,
            ))
        });
        if updates.is_empty() {
            return Ok(Vec::new());
        }
        let draft = |group: group::Group| {
            let own: Vec<_> = group.members.iter().map(|&at| updates[at]).collect();
            let rows: Vec<_> = own.iter().map(|(_, entry, update)| Row::of(entry, update)).collect();
            Ok(Draft {
                message: message(&rows, group.name.as_deref(), options, occasion)?,
                group: group.name,
                entries: own.iter().map(|(index, ..)| *index).collect(),
                changes: group.changes,
            })
        };
        group::groups(self, &updates, options.grouping).into_iter().map(draft).collect()
    }
}

/// A message that is shown before there is anything to commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// What it is a sample of.
    pub sample: &'static str,
    /// What the commit is about, where it is one of several.
    pub group: Option<String>,
    /// What it says.
    pub message: String,
}

/// What commits say of samples: one update, an image that had no tag, and many.
///
/// # Errors
/// As for [`Plan::drafts`].
pub fn previews(options: &CommitOptions, occasion: &Occasion<'_>) -> Result<Vec<Preview>, InvalidTemplate> {
    let preview = |Sample { name, group, rows }| {
        let message = message(&rows, group, options, occasion)?;
        Ok(Preview { sample: name, group: group.map(str::to_owned), message })
    };
    samples().into_iter().map(preview).collect()
}

/// What the commit of these rows says.
fn message(
    rows: &[Row],
    group: Option<&str>,
    options: &CommitOptions,
    occasion: &Occasion<'_>,
) -> Result<String, InvalidTemplate> {
    let default = words(rows, options.skip_ci);
    let said = match &options.template {
        None => default,
        Some(template) => {
            let Occasion { repository, branch, .. } = *occasion;
            template.render(&Values::new(repository, branch, group, rows, &default))?
        }
    };
    let author = options.sign_off.then_some(occasion.author);
    Ok(finish(&said, rows, options.skip_ci, author))
}

impl Grouping {
    /// Every one of them.
    pub const ALL: [Self; 6] = [Self::Pass, Self::File, Self::Folder, Self::Workload, Self::Image, Self::Namespace];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::File => "file",
            Self::Folder => "folder",
            Self::Workload => "workload",
            Self::Image => "image",
            Self::Namespace => "namespace",
        }
    }
}

impl FromStr for Grouping {
    type Err = InvalidGrouping;

    fn from_str(text: &str) -> Result<Self, InvalidGrouping> {
        let found = Self::ALL.into_iter().find(|grouping| grouping.as_str() == text);
        found.ok_or_else(|| InvalidGrouping { text: text.chars().take(40).collect() })
    }
}

impl fmt::Display for Grouping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

//! What one commit of the config repository asks for, and which image repositories are to be watched for it.
//!
//! Must not know what the registries have.

use std::collections::BTreeSet;
use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use jiff::Timestamp;

use crate::git::{self, BlobId, Snapshot, WhySkipped};
use crate::image::Repository;
use crate::manifest::{Place, Problem, Rule, Scope, Severity, is_manifest_path};
use crate::path::RepoPath;
use crate::plan::{Inventory, Memory, POLICIES, Source, Watches};
use crate::policy::PathGlob;

/// What one commit of the config repository says.
#[derive(Debug, Clone)]
pub(super) struct Survey {
    pub(super) snapshot: Snapshot,
    pub(super) inventory: Arc<Inventory>,
    pub(super) wanted: Wanted,
    /// When the remote was last asked; `None` once we know that its head has moved.
    pub(super) asked: Option<Instant>,
}

/// Which repositories are to be watched at some time.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) watches: Arc<Watches>,
    /// Those of which all owners are locked.
    pub(super) locked: Arc<BTreeSet<Repository>>,
    /// When it has to be seen anew.
    pub(super) until: Option<Timestamp>,
}

/// The part of a repository that is looked in.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Area {
    /// The folders (or files) to look in; all of the repository when empty.
    pub paths: Vec<RepoPath>,
    /// What is passed over all the same. Images that stand there are never changed.
    pub excludes: Vec<PathGlob>,
}

impl Wanted {
    pub(super) fn by(inventory: &Inventory, now: Timestamp) -> Self {
        Self {
            watches: Arc::new(inventory.watches(now)),
            locked: Arc::new(inventory.locked(now)),
            until: inventory.holds_until(now),
        }
    }
}

/// Reads what the files of a commit ask for, in `area`. Files that `memory` knows are not read again; reading and
/// parsing the others are shared out over the processors.
///
/// # Errors
/// When the repository's objects cannot be read.
pub fn survey(snapshot: &Snapshot, area: &Area, memory: &mut Memory<BlobId>) -> Result<Inventory, git::Error> {
    let mut within = area.paths.clone();
    let policies = RepoPath::parse(POLICIES).ok();
    if !within.is_empty() {
        within.extend(policies.clone());
    }
    let git::Files { files, missing, skipped } = snapshot.files(&within)?;
    let is_policy = |path: &RepoPath| policies.as_ref().is_some_and(|policies| path.is_within(policies));
    let is_excluded = |path: &RepoPath| area.excludes.iter().any(|glob| glob.covers(path));
    let files = files.into_iter().filter(|file| is_policy(&file.path) || !is_excluded(&file.path));
    let mut files: Vec<_> = files.map(|file| (file.path, file.blob)).collect();
    let large = take_large(snapshot, &mut files, memory)?;
    let commit = Commit(snapshot);
    let inventory = Inventory::begin(&files, &commit, memory)?;
    let share = files.len().div_ceil(thread::available_parallelism().map_or(1, NonZero::get)).max(1);
    let parts: Vec<_> = thread::scope(|scope| {
        let (inventory, memory) = (&inventory, &*memory);
        let start = |files| {
            let snapshot = snapshot.clone();
            scope.spawn(move || inventory.read_manifests(files, &Commit(&snapshot), Scope::Annotated, memory))
        };
        let threads: Vec<_> = files.chunks(share).map(start).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    });
    let mut readings = Vec::with_capacity(files.len());
    for part in parts {
        readings.append(&mut part?);
    }
    let mut inventory = inventory.finish(readings, &commit, memory)?;
    inventory.report(large.into_iter().map(large_file));
    inventory.report(missing.into_iter().filter(|path| area.paths.contains(path)).map(missing_path));
    for entry in skipped.iter().filter(|entry| entry.why == WhySkipped::Name) {
        tracing::warn!(path = entry.path, "passed over: the path is not UTF-8 or not safe");
    }
    Ok(inventory)
}

/// The files of a commit, as a survey wants them.
struct Commit<'s>(&'s Snapshot);

impl Source for Commit<'_> {
    type Key = BlobId;
    type Error = git::Error;

    fn find(&self, path: &RepoPath) -> Result<Option<BlobId>, git::Error> {
        let Some(blob) = self.0.blob(path)? else { return Ok(None) };
        Ok((!self.0.is_too_large(blob)?).then_some(blob))
    }

    fn read(&self, blob: &BlobId, buffer: &mut Vec<u8>) -> Result<(), git::Error> {
        self.0.read(*blob, buffer)
    }
}

/// Takes out the manifests that are too large to be read.
fn take_large(
    snapshot: &Snapshot,
    files: &mut Vec<(RepoPath, BlobId)>,
    memory: &Memory<BlobId>,
) -> Result<Vec<RepoPath>, git::Error> {
    let mut large = Vec::new();
    for (path, blob) in files.iter().filter(|(path, _)| is_manifest_path(path)) {
        if !memory.knows(path, blob) && snapshot.is_too_large(*blob)? {
            large.push(path.clone());
        }
    }
    files.retain(|(path, _)| large.binary_search(path).is_err());
    Ok(large)
}

fn large_file(file: RepoPath) -> Problem {
    let place = Place { file, line: 1, column: 1 };
    let message = "the file is larger than 32 MiB, the most that is read";
    Problem::new(Rule::UnreadableFile, Severity::Error, place, message, "nothing in it is followed until it is smaller")
}

fn missing_path(file: RepoPath) -> Problem {
    let place = Place { file, line: 1, column: 1 };
    let message = "the path to look in does not exist on this branch";
    Problem::new(Rule::OutsidePaths, Severity::Error, place, message, "mend --git-path, or commit the folder")
}

//! One pass, from the head of the branch to the pushed commit, top to bottom.
//!
//! Floor 4: the only place that sees Git, registries and plans together. It does not know when
//! passes are made ([`daemon`](crate::daemon)) nor who reads the [`Report`].

use std::collections::{BTreeMap, HashMap, HashSet};
use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use tokio::task;

use crate::git::{self, BlobId, CommitId, Identity, Mirror, PushOutcome, Snapshot, WhySkipped};
use crate::image::{Repository, Tag};
use crate::manifest::{Place, Problem, Rule, Scope, Severity};
use crate::path::RepoPath;
use crate::plan::{Inventory, Memory, POLICIES, Plan, Scan, Scans, Source, Watch, message};
use crate::policy::{Candidate, Dialects};
use crate::registry;

/// How many commits are read back for what people took back. Refusals older than that are
/// forgotten, which is far longer than a bad tag stays the newest.
const HISTORY: usize = 500;

/// How many repositories are scanned at a time; the registry client has its own limits per host.
const SCANS_AT_ONCE: usize = 16;

/// What a pass is made with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folders (or files) to look in; all of the repository when empty.
    pub paths: Vec<RepoPath>,
    /// Whose words are heard.
    pub dialects: Dialects,
    /// Who the commits are by.
    pub author: Identity,
    /// How long the branch's head is taken as known before it is asked for again.
    pub git_fresh_for: Duration,
    /// Whether to stop before the commit.
    pub dry_run: bool,
}

/// Makes passes over one config repository. What one pass learnt of the repository is kept for the
/// next one, so that a pass over an unchanged branch reads no file.
#[derive(Debug)]
pub struct Reconciler {
    mirror: Arc<Mirror>,
    registry: registry::Client,
    options: Options,
    known: Mutex<Option<Survey>>,
    memory: Arc<Mutex<Memory<BlobId>>>,
}

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
}

/// The scans of a pass, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScanCount {
    /// Repositories that containers with a policy use.
    pub wanted: usize,
    /// Those whose tags could not be had.
    pub failed: usize,
}

/// How a pass ended.
#[derive(Debug)]
pub enum Outcome {
    /// Every image is what its policy wants.
    NothingToDo,
    /// There is something to commit, and the pass was told not to.
    DryRun {
        /// The message that the commit would have.
        message: String,
    },
    /// A commit was made and the remote answered.
    Pushed {
        /// The commit.
        commit: CommitId,
        /// Its message.
        message: String,
        /// The remote's answer.
        push: PushOutcome,
    },
}

/// Why a pass ended early. Everything that concerns one file, workload or registry is in the report
/// instead.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The config repository could not be read or written.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// The pass was stopped before it changed anything.
    #[error("stopped")]
    Stopped,
    /// A part of the pass panicked.
    #[error("a pass broke off: {0}")]
    Broken(#[from] task::JoinError),
}

/// What one commit of the config repository says.
#[derive(Debug, Clone)]
struct Survey {
    snapshot: Snapshot,
    inventory: Arc<Inventory>,
    /// When the remote was last asked; `None` once we know that its head has moved.
    asked: Option<Instant>,
}

impl Reconciler {
    /// Puts the parts together. Does no I/O.
    #[must_use]
    pub fn new(mirror: Mirror, registry: registry::Client, options: Options) -> Self {
        let memory = Arc::new(Mutex::new(Memory::hearing(options.dialects)));
        Self { mirror: Arc::new(mirror), registry, options, known: Mutex::new(None), memory }
    }

    /// Makes one pass at the time `now`.
    ///
    /// When `stop` ends before there is a plan, the pass is abandoned; a commit that is being pushed is
    /// always seen through.
    ///
    /// # Errors
    /// [`Error`] when the config repository could not be read or written, or the pass was stopped.
    pub async fn pass(&self, now: Timestamp, stop: impl Future<Output = ()>) -> Result<Report, Error> {
        let (survey, scans, plan) = tokio::select! {
            looked = self.look(now) => looked?,
            () = stop => return Err(Error::Stopped),
        };
        let outcome = match message::commit_message(&plan) {
            None => Outcome::NothingToDo,
            Some(message) if self.options.dry_run => Outcome::DryRun { message },
            Some(message) => self.publish(&survey.snapshot, &plan, message, now).await?,
        };
        Ok(Report {
            base: survey.snapshot.commit(),
            branch: survey.snapshot.branch().to_owned(),
            problems: survey.inventory.problems().to_vec(),
            scans,
            plan,
            outcome,
        })
    }

    /// The half of a pass that changes nothing.
    async fn look(&self, now: Timestamp) -> Result<(Survey, ScanCount, Plan), Error> {
        let survey = self.survey().await?; // the tree we will commit to
        let watches = survey.inventory.watches(now);
        let scans = scan(&self.registry, &watches).await;
        let count = ScanCount::of(&scans);
        let (inventory, snapshot) = (Arc::clone(&survey.inventory), survey.snapshot.clone());
        // Every container gets a verdict. That can be work for seconds, and signals must be heard meanwhile.
        let plan = task::spawn_blocking(move || draw(&snapshot, &inventory, &scans, now)).await??;
        Ok((survey, count, plan))
    }

    /// The branch's head and what its files say: asked of the remote only when what we know is old,
    /// and read only when the head moved.
    async fn survey(&self) -> Result<Survey, Error> {
        let known = self.known().clone();
        if let Some(survey) = &known
            && survey.asked.is_some_and(|asked| asked.elapsed() < self.options.git_fresh_for)
        {
            return Ok(survey.clone());
        }
        let (mirror, paths) = (Arc::clone(&self.mirror), self.options.paths.clone());
        let memory = Arc::clone(&self.memory);
        let survey = task::spawn_blocking(move || {
            let asked = Some(Instant::now());
            let snapshot = mirror.fetch()?;
            match known {
                // The snapshot is always the new one: the store behind the old one may be gone.
                Some(known) if known.snapshot.commit() == snapshot.commit() => Ok(Survey { snapshot, asked, ..known }),
                _ => {
                    let memory = &mut memory.lock().unwrap_or_else(PoisonError::into_inner);
                    let inventory = Arc::new(self::survey(&snapshot, &paths, memory)?);
                    Ok::<_, Error>(Survey { snapshot, inventory, asked })
                }
            }
        });
        let survey = survey.await??;
        *self.known() = Some(survey.clone());
        Ok(survey)
    }

    /// Commits the changes on the tree they were drawn on, and pushes.
    async fn publish(&self, base: &Snapshot, plan: &Plan, message: String, now: Timestamp) -> Result<Outcome, Error> {
        let (mirror, base, author) = (Arc::clone(&self.mirror), base.clone(), self.options.author.clone());
        let changes: Vec<_> = plan.changes.iter().map(|change| (change.path.clone(), change.after.clone())).collect();
        let outcome = task::spawn_blocking(move || {
            let Some(commit) = mirror.commit(&base, &changes, &message, &author, &author, now)? else {
                return Ok(Outcome::NothingToDo);
            };
            let push = mirror.push(&base, commit)?;
            Ok(Outcome::Pushed { commit, message, push })
        });
        // Whatever the remote answers, its head is not where we saw it, or may not be.
        if let Some(known) = self.known().as_mut() {
            known.asked = None;
        }
        outcome.await?
    }

    fn known(&self) -> MutexGuard<'_, Option<Survey>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lists every wanted repository once, and learns created times where an order needs them. One that
/// fails is [`Scan::Failed`], and the others go on.
pub async fn scan(registry: &registry::Client, watches: &BTreeMap<Repository, Watch>) -> Scans {
    scan_telling(registry, watches, || {}).await
}

/// As [`scan`], and calls `tell` for each repository that is done.
pub async fn scan_telling(
    registry: &registry::Client,
    watches: &BTreeMap<Repository, Watch>,
    mut tell: impl FnMut(),
) -> Scans {
    let scan = |(repository, watch): (&Repository, &Watch)| {
        let (repository, watch) = (repository.clone(), watch.clone());
        async move {
            let scan = match candidates(registry, &repository, &watch).await {
                Ok(candidates) => Scan::Complete(candidates),
                Err(error) => Scan::Failed(error.to_string()),
            };
            (repository, scan)
        }
    };
    let scans = stream::iter(watches.iter().map(scan).collect::<Vec<_>>()).buffer_unordered(SCANS_AT_ONCE);
    scans.inspect(|_| tell()).collect().await
}

/// The tags of one repository as candidates, with the created times that `watch` asks for.
///
/// # Errors
/// When the list is not to be had, or not whole.
pub async fn candidates(
    registry: &registry::Client,
    repository: &Repository,
    watch: &Watch,
) -> Result<Vec<Candidate>, registry::Error> {
    let listing = registry.tags(repository).await?;
    let wanted = watch.wants_created(listing.tags());
    let created: HashMap<_, _> = registry.created(repository, &wanted).await?.into_iter().collect();
    // A tag whose manifest went away after the list was made is no candidate any more.
    let gone: HashSet<_> = wanted.into_iter().filter(|tag| !created.contains_key(tag)).collect();
    let candidate = |tag: &Tag| {
        let created = created.get(tag).copied().flatten();
        Candidate { tag: tag.clone(), created, since: None }
    };
    Ok(listing.tags().iter().filter(|tag| !gone.contains(*tag)).map(candidate).collect())
}

/// Reads what the files of a commit ask for, below `paths` or, when there are none, in all of the
/// repository. Files that `memory` knows are not read again; reading and parsing the others are shared
/// out over the processors.
///
/// # Errors
/// When the repository's objects cannot be read.
pub fn survey(snapshot: &Snapshot, paths: &[RepoPath], memory: &mut Memory<BlobId>) -> Result<Inventory, git::Error> {
    let mut within = paths.to_vec();
    if !within.is_empty() {
        within.extend(RepoPath::parse(POLICIES));
    }
    let git::Files { files, missing, skipped } = snapshot.files(&within)?;
    let files: Vec<_> = files.into_iter().map(|file| (file.path, file.blob)).collect();
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
    inventory.report(missing.into_iter().filter(|path| paths.contains(path)).map(missing_path));
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
        self.0.blob(path)
    }

    fn read(&self, blob: &BlobId, buffer: &mut Vec<u8>) -> Result<(), git::Error> {
        self.0.read(*blob, buffer)
    }
}

/// Draws the plan, and page by page what follows for the files. What they held before is looked at
/// only for those that would change: what a person took back is not proposed again.
fn draw(snapshot: &Snapshot, inventory: &Inventory, scans: &Scans, now: Timestamp) -> Result<Plan, git::Error> {
    let mut plan = Plan::draw(inventory, scans, now);
    let mut bytes = Vec::new();
    for path in plan.files() {
        let Some(blob) = snapshot.blob(&path)? else { continue };
        snapshot.read(blob, &mut bytes)?;
        let mut page = plan.page(&path, bytes.clone());
        if page.may_be_refused() {
            for (commit, blob) in snapshot.earlier(&path, HISTORY)? {
                snapshot.read(blob, &mut bytes)?;
                page.recall(&commit.to_string(), &bytes);
            }
        }
        page.write();
    }
    Ok(plan)
}

fn missing_path(file: RepoPath) -> Problem {
    let place = Place { file, line: 1, column: 1 };
    let message = "the path to look in does not exist on this branch";
    Problem::new(Rule::OutsidePaths, Severity::Error, place, message, "mend --git-path, or commit the folder")
}

impl ScanCount {
    fn of(scans: &Scans) -> Self {
        let failed = scans.values().filter(|scan| matches!(scan, Scan::Failed(_))).count();
        Self { wanted: scans.len(), failed }
    }
}

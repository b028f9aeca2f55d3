//! One pass, from the head of the branch to the pushed commit, top to bottom.
//!
//! Floor 4: the only place that sees Git, registries and plans together. It does not know when
//! passes are made ([`daemon`](crate::daemon)) nor who reads the [`Report`].

mod lookout;
mod scan;

use std::collections::BTreeSet;
use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::task;

use crate::git::{self, BlobId, CommitId, Identity, Mirror, PushOutcome, Snapshot, WhySkipped};
use crate::image::Repository;
use crate::manifest::{Place, Problem, Rule, Scope, Severity, is_manifest_path};
use crate::path::RepoPath;
use crate::plan::{
    CommitOptions, Draft, Finding, Findings, InvalidTemplate, Inventory, Memory, Occasion, POLICIES, Plan, Source,
    Watches,
};
use crate::policy::Dialects;
use crate::registry;

pub use lookout::Patience;
pub use scan::{candidates, find, scan};

use lookout::{Heard, Lookout};

/// How many commits are read back for what people took back. Refusals older than that are
/// forgotten, which is far longer than a bad tag stays the newest.
const HISTORY: usize = 500;

/// What a pass is made with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folders (or files) to look in; all of the repository when empty.
    pub paths: Vec<RepoPath>,
    /// Whose words are heard.
    pub dialects: Dialects,
    /// Who the commits are by.
    pub author: Identity,
    /// What the commits are to look like.
    pub commit: CommitOptions,
    /// How long the branch's head is taken as known before it is asked for again.
    pub git_fresh_for: Duration,
    /// How long a pass waits for registries; with none it waits for the last of them.
    pub patience: Option<Patience>,
    /// Whether to stop before the commit.
    pub dry_run: bool,
}

/// Makes passes over one config repository. What one pass learnt of the repository is kept for the
/// next one, so that a pass over an unchanged branch reads no file.
#[derive(Debug)]
pub struct Reconciler {
    mirror: Arc<Mirror>,
    registry: Arc<registry::Client>,
    lookout: Lookout,
    options: Options,
    known: Mutex<Option<Survey>>,
    memory: Arc<Mutex<Memory<BlobId>>>,
    seen: Mutex<Seen>,
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
}

/// What one commit of the config repository says.
#[derive(Debug, Clone)]
struct Survey {
    snapshot: Snapshot,
    inventory: Arc<Inventory>,
    wanted: Wanted,
    /// When the remote was last asked; `None` once we know that its head has moved.
    asked: Option<Instant>,
}

/// Which repositories are to be watched at some time.
#[derive(Debug, Clone)]
struct Wanted {
    watches: Arc<Watches>,
    /// Those of which all owners are locked.
    locked: Arc<BTreeSet<Repository>>,
    /// When it has to be seen anew.
    until: Option<Timestamp>,
}

/// What a pass was drawn from that ended with nothing to do; the next one would end like it.
#[derive(Debug, Default)]
struct Seen {
    /// What the registries had said.
    heard: Heard,
    /// What had been watched; `None` when that pass came to something else.
    wanted: Option<Arc<Watches>>,
}

/// What a pass has decided to do.
#[derive(Debug)]
struct Drawn {
    survey: Survey,
    scans: ScanCount,
    plan: Plan,
}

impl Reconciler {
    /// Puts the parts together. Does no I/O.
    #[must_use]
    pub fn new(mirror: Mirror, registry: registry::Client, options: Options) -> Self {
        let memory = Arc::new(Mutex::new(Memory::hearing(options.dialects)));
        let registry = Arc::new(registry);
        Self {
            mirror: Arc::new(mirror),
            lookout: Lookout::new(Arc::clone(&registry)),
            registry,
            options,
            known: Mutex::default(),
            memory,
            seen: Mutex::default(),
        }
    }

    /// Makes one pass at the time `now`.
    ///
    /// When `stop` ends before there is a plan, the pass is abandoned; a commit that is being pushed is
    /// always seen through.
    ///
    /// # Errors
    /// [`Error`] when the config repository could not be read or written, or the pass was stopped.
    pub async fn pass(&self, now: Timestamp, stop: impl Future<Output = ()>) -> Result<Report, Error> {
        let look = async {
            let survey = self.look(now).await?;
            self.is_new(&survey);
            self.decide(survey, now).await
        };
        let drawn = tokio::select! { drawn = look => drawn, () = stop => Err(Error::Stopped) };
        self.conclude(drawn, now).await
    }

    /// As [`pass`](Self::pass), but ends early with `None` when nothing is new since a pass that ended with
    /// nothing to do: this one would come to the same.
    ///
    /// # Errors
    /// As for [`pass`](Self::pass).
    pub async fn pass_on_news(&self, now: Timestamp, stop: impl Future<Output = ()>) -> Result<Option<Report>, Error> {
        let look = async {
            let survey = self.look(now).await?;
            if self.is_new(&survey) { self.decide(survey, now).await.map(Some) } else { Ok(None) }
        };
        let drawn = tokio::select! { drawn = look => drawn, () = stop => Err(Error::Stopped) };
        match drawn.transpose() {
            Some(drawn) => self.conclude(drawn, now).await.map(Some),
            None => Ok(None),
        }
    }

    /// Looks at both sides: what the config repository asks for, and what the registries have for it.
    async fn look(&self, now: Timestamp) -> Result<Survey, Error> {
        let survey = self.survey(now).await?; // the tree we will commit to
        let Wanted { watches, locked, .. } = &survey.wanted;
        self.lookout.look(watches, locked, now, self.options.patience).await;
        let registry = Arc::clone(&self.registry);
        task::spawn_blocking(move || registry.save(now)).await?;
        Ok(survey)
    }

    /// Decides what follows from that. Every container gets a verdict, which can be work for seconds, and
    /// signals must be heard meanwhile.
    async fn decide(&self, survey: Survey, now: Timestamp) -> Result<Drawn, Error> {
        let findings = self.lookout.findings();
        let scans = ScanCount::of(&findings);
        let (inventory, snapshot) = (Arc::clone(&survey.inventory), survey.snapshot.clone());
        let plan = task::spawn_blocking(move || draw(&snapshot, &inventory, &findings, now)).await??;
        Ok(Drawn { survey, scans, plan })
    }

    /// Does it, and says what was done. Unless that was nothing, the next pass has to see for itself.
    async fn conclude(&self, drawn: Result<Drawn, Error>, now: Timestamp) -> Result<Report, Error> {
        let report = match drawn {
            Ok(drawn) => self.carry_out(drawn, now).await,
            Err(error) => Err(error),
        };
        if !matches!(report, Ok(Report { outcome: Outcome::NothingToDo, .. })) {
            self.seen().wanted = None;
        }
        report
    }

    async fn carry_out(&self, Drawn { survey, scans, plan }: Drawn, now: Timestamp) -> Result<Report, Error> {
        let (repository, branch) = (self.mirror.name(), survey.snapshot.branch().to_owned());
        let (author, options) = (self.options.author.to_string(), self.options.commit.clone());
        let drafting = task::spawn_blocking(move || {
            let occasion = Occasion { repository: &repository, branch: &branch, author: &author };
            plan.drafts(&options, &occasion).map(|drafts| (plan, drafts))
        });
        let (plan, drafts) = drafting.await??;
        let outcome = if drafts.is_empty() {
            Outcome::NothingToDo
        } else if self.options.dry_run {
            Outcome::DryRun { drafts }
        } else {
            self.publish(&survey.snapshot, drafts, now).await?
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

    /// When the next pass may come to something else than the last one.
    #[must_use]
    pub fn due(&self, now: Timestamp) -> Timestamp {
        let known = self.known();
        let Some(survey) = known.as_ref() else { return now };
        let fresh = survey.asked.map(|asked| self.options.git_fresh_for.saturating_sub(asked.elapsed()));
        let git = fresh.map_or(now, |fresh| now.checked_add(fresh).unwrap_or(Timestamp::MAX));
        [survey.wanted.until, self.lookout.due(now)].into_iter().flatten().fold(git, Timestamp::min).max(now)
    }

    /// Ends when a registry has told something new that the last pass did not wait for.
    pub async fn news(&self) {
        let heard = self.seen().heard;
        self.lookout.news_since(heard).await;
    }

    /// Asks for nothing any more and writes down what is known of the registries, at the end.
    pub async fn close(&self, now: Timestamp) {
        self.lookout.end().await;
        let registry = Arc::clone(&self.registry);
        let _ = task::spawn_blocking(move || registry.close(now)).await;
    }

    /// Whether anything is new since a pass that ended with nothing to do. From here on it is not.
    fn is_new(&self, survey: &Survey) -> bool {
        let heard = self.lookout.heard();
        let mut seen = self.seen();
        let is_same = |before: &Arc<Watches>| Arc::ptr_eq(before, &survey.wanted.watches);
        let is_new = seen.heard.news != heard.news || !seen.wanted.as_ref().is_some_and(is_same);
        *seen = Seen { heard, wanted: Some(Arc::clone(&survey.wanted.watches)) };
        is_new
    }

    /// The branch's head and what its files say: asked of the remote only when what we know is old,
    /// and read only when the head moved.
    async fn survey(&self, now: Timestamp) -> Result<Survey, Error> {
        let known = self.known().clone();
        let is_fresh = |survey: &Survey| survey.asked.is_some_and(|asked| asked.elapsed() < self.options.git_fresh_for);
        let (mirror, paths) = (Arc::clone(&self.mirror), self.options.paths.clone());
        let memory = Arc::clone(&self.memory);
        let survey = match known {
            Some(survey) if is_fresh(&survey) => survey,
            known => {
                let survey = task::spawn_blocking(move || {
                    let asked = Some(Instant::now());
                    let snapshot = mirror.fetch()?;
                    match known {
                        // The snapshot is always the new one: the store behind the old one may be gone.
                        Some(known) if known.snapshot.commit() == snapshot.commit() => {
                            Ok(Survey { snapshot, asked, ..known })
                        }
                        _ => {
                            let memory = &mut memory.lock().unwrap_or_else(PoisonError::into_inner);
                            let inventory = Arc::new(self::survey(&snapshot, &paths, memory)?);
                            let wanted = Wanted::by(&inventory, now);
                            Ok::<_, Error>(Survey { snapshot, inventory, wanted, asked })
                        }
                    }
                });
                survey.await??
            }
        };
        let survey = if survey.wanted.until.is_some_and(|until| until <= now) {
            Survey { wanted: Wanted::by(&survey.inventory, now), ..survey }
        } else {
            survey
        };
        *self.known() = Some(survey.clone());
        Ok(survey)
    }

    /// Commits the changes on the tree they were drawn on, and pushes all commits at once.
    async fn publish(&self, base: &Snapshot, drafts: Vec<Draft>, now: Timestamp) -> Result<Outcome, Error> {
        let (mirror, base, author) = (Arc::clone(&self.mirror), base.clone(), self.options.author.clone());
        let outcome = task::spawn_blocking(move || {
            let steps = drafts.iter().map(|draft| (draft.changes.as_slice(), draft.message.as_str()));
            let ids = mirror.commits(&base, steps, &author, &author, now)?;
            let made = |(draft, id): (Draft, Option<CommitId>)| {
                let files = draft.changes.len();
                Some(Made { id: id?, message: draft.message, entries: draft.entries, files })
            };
            let commits: Vec<_> = drafts.into_iter().zip(ids).filter_map(made).collect();
            let Some(commit) = commits.last().map(|last| last.id) else { return Ok(Outcome::NothingToDo) };
            let push = mirror.push(&base, commit)?;
            Ok(Outcome::Pushed { commit, commits, push })
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

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wanted {
    fn by(inventory: &Inventory, now: Timestamp) -> Self {
        Self {
            watches: Arc::new(inventory.watches(now)),
            locked: Arc::new(inventory.locked(now)),
            until: inventory.holds_until(now),
        }
    }
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
    let mut files: Vec<_> = files.into_iter().map(|file| (file.path, file.blob)).collect();
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
        let Some(blob) = self.0.blob(path)? else { return Ok(None) };
        Ok((!self.0.is_too_large(blob)?).then_some(blob))
    }

    fn read(&self, blob: &BlobId, buffer: &mut Vec<u8>) -> Result<(), git::Error> {
        self.0.read(*blob, buffer)
    }
}

/// Draws the plan, and page by page what follows for the files. What they held before is looked at
/// only for those that would change: what a person took back is not proposed again.
fn draw(snapshot: &Snapshot, inventory: &Inventory, findings: &Findings, now: Timestamp) -> Result<Plan, git::Error> {
    let mut plan = Plan::draw(inventory, findings, now);
    let mut bytes = Vec::new();
    let files: Vec<_> = plan.files().into_iter().collect();
    let mut earlier = None;
    for (number, path) in files.iter().enumerate() {
        let Some(blob) = snapshot.blob(path)? else { continue };
        snapshot.read(blob, &mut bytes)?;
        let mut page = plan.page(path, bytes.clone());
        if page.may_be_refused() {
            let earlier = match &mut earlier {
                Some(earlier) => earlier,
                // History is read back once, for all of them.
                none => none.insert(snapshot.earlier(&files, HISTORY)?),
            };
            for (commit, blob) in std::mem::take(&mut earlier[number]) {
                if snapshot.is_too_large(blob)? {
                    continue;
                }
                snapshot.read(blob, &mut bytes)?;
                page.recall(&commit.to_string(), &bytes);
            }
        }
        page.write();
    }
    Ok(plan)
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

impl ScanCount {
    fn of(findings: &Findings) -> Self {
        let count = |is: fn(&Finding) -> bool| findings.values().filter(|finding| is(finding)).count();
        Self {
            wanted: findings.len(),
            failed: count(|finding| matches!(finding, Finding::Failed(_))),
            asked: count(|finding| matches!(finding, Finding::Asked)),
        }
    }
}

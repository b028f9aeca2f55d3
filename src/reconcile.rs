//! One pass, from the head of the branch to the pushed commit, top to bottom.
//!
//! Floor 4: the only place that sees Git, registries and plans together. It does not know when
//! passes are made ([`daemon`](crate::daemon)) nor who reads the [`Report`].

mod lookout;
mod options;
mod report;
mod scan;
mod settle;
mod survey;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::Notify;
use tracing::field::Empty;

use crate::git::{self, BlobId, CommitId, Mirror, PushOutcome, Snapshot};
use crate::plan::{Draft, Findings, Inventory, Memory, Occasion, Plan, Watches};
use crate::span::{self, span};
use crate::task;

pub use lookout::{Known, Lookout, Patience, RegistryStatus};
pub use options::Options;
pub use report::{Error, Made, Outcome, Report, ScanCount};
pub use scan::{candidates, find, scan};
pub use survey::{Area, survey};

use lookout::{Heard, Watcher};
use survey::{Survey, Wanted};

/// How many commits are read back for what people took back. Refusals older than that are
/// forgotten, which is far longer than a bad tag stays the newest.
const HISTORY: usize = 500;

/// Makes passes over one config repository. What one pass learnt of the repository is kept for the
/// next one, so that a pass over an unchanged branch reads no file.
#[derive(Debug)]
pub struct Reconciler {
    mirror: Arc<Mirror>,
    watcher: Watcher,
    options: Options,
    known: Mutex<Option<Survey>>,
    memory: Arc<Mutex<Memory<BlobId>>>,
    seen: Mutex<Seen>,
    /// Told when somebody says that the branch has moved.
    moved: Notify,
    /// How often somebody has said so.
    hints: AtomicU64,
}

/// What a pass was drawn from that ended with nothing to do; the next one would end like it.
#[derive(Debug, Default)]
struct Seen {
    /// What the registries had said.
    heard: Heard,
    /// What had been watched; `None` when that pass came to something else.
    wanted: Option<Arc<Watches>>,
    /// Until which news tags have had their time to land together.
    settled: Option<u64>,
    /// What was news before this has led to what it should.
    done: Option<tokio::time::Instant>,
}

/// What a pass has decided to do.
#[derive(Debug)]
struct Drawn {
    survey: Survey,
    scans: ScanCount,
    plan: Plan,
    /// When it was looked at what registries had told.
    found: tokio::time::Instant,
}

impl Reconciler {
    /// Puts the parts together. Does no I/O.
    #[must_use]
    pub fn new(mirror: Mirror, lookout: &Arc<Lookout>, options: Options) -> Self {
        Self {
            mirror: Arc::new(mirror),
            watcher: lookout.watcher(),
            known: Mutex::default(),
            memory: Arc::new(Mutex::new(Memory::on(options.terms.clone()))),
            seen: Mutex::default(),
            moved: Notify::new(),
            hints: AtomicU64::new(0),
            options,
        }
    }

    /// What the config repository is called; see [`RemoteUrl::name`](git::RemoteUrl::name).
    #[must_use]
    pub fn name(&self) -> String {
        self.mirror.name()
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
    /// nothing to do: this one would come to the same. Where tags are new, it waits for those that land
    /// together with them.
    ///
    /// # Errors
    /// As for [`pass`](Self::pass).
    pub async fn pass_on_news(&self, now: Timestamp, stop: impl Future<Output = ()>) -> Result<Option<Report>, Error> {
        let look = async {
            let survey = self.look(now).await?;
            if !self.is_new(&survey) {
                return Ok(None);
            }
            let drawn = self.decide(survey, now).await?;
            self.settle(drawn, now).await.map(Some)
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
        let span = span!("registries", landwaiter.image.repositories = span::number(watches.len()));
        self.watcher.look(watches, locked, now, self.options.patience, &span).await;
        span::ends(&span);
        Ok(survey)
    }

    /// Decides what follows from that. Every container gets a verdict, which can be work for seconds, and
    /// signals must be heard meanwhile.
    async fn decide(&self, survey: Survey, now: Timestamp) -> Result<Drawn, Error> {
        let found = tokio::time::Instant::now();
        let findings = self.watcher.findings();
        let scans = ScanCount::of(&findings);
        let (inventory, snapshot) = (Arc::clone(&survey.inventory), survey.snapshot.clone());
        let span = span!("decide");
        let draw = move || span.in_scope(|| span::told(&span, draw(&snapshot, &inventory, &findings, now)));
        let plan = task::spawn_blocking(draw).await??;
        Ok(Drawn { survey, scans, plan, found })
    }

    /// Does it, and says what was done. Unless that was nothing, the next pass has to see for itself, as it has where
    /// this one breaks off.
    async fn conclude(&self, drawn: Result<Drawn, Error>, now: Timestamp) -> Result<Report, Error> {
        self.seen().wanted = None;
        let drawn = drawn?;
        let watches = Arc::clone(&drawn.survey.wanted.watches);
        let report = self.carry_out(drawn, now).await?;
        if matches!(report.outcome, Outcome::NothingToDo) {
            self.seen().wanted = Some(watches);
        }
        Ok(report)
    }

    async fn carry_out(&self, Drawn { survey, scans, plan, found }: Drawn, now: Timestamp) -> Result<Report, Error> {
        let (repository, branch) = (self.mirror.name(), survey.snapshot.branch().to_owned());
        let (author, options) = (self.options.author.to_string(), self.options.commit.clone());
        let span = span!("draft", landwaiter.updates = span::number(plan.updates().count()));
        let drafting = task::spawn_blocking(move || {
            let occasion = Occasion { repository: &repository, branch: &branch, author: &author };
            span::told(&span, plan.drafts(&options, &occasion)).map(|drafts| (plan, drafts))
        });
        let (plan, drafts) = drafting.await??;
        let outcome = if drafts.is_empty() {
            Outcome::NothingToDo
        } else if self.options.dry_run {
            Outcome::DryRun { drafts }
        } else {
            self.publish(&survey.snapshot, drafts, now).await?
        };
        let delays = self.delays(&plan, &outcome, found);
        Ok(Report {
            base: survey.snapshot.commit(),
            branch: survey.snapshot.branch().to_owned(),
            problems: survey.inventory.problems().to_vec(),
            scans,
            plan,
            outcome,
            delays,
        })
    }

    /// How long it took from each answer that was news to the push that followed from it and was accepted.
    fn delays(&self, plan: &Plan, outcome: &Outcome, found: tokio::time::Instant) -> Vec<Duration> {
        let commits = match outcome {
            Outcome::NothingToDo => &[][..],
            Outcome::Pushed { commits, push: PushOutcome::Accepted { .. }, .. } => commits,
            Outcome::DryRun { .. } | Outcome::Pushed { .. } => return Vec::new(),
        };
        let done = self.seen().done.replace(found);
        let entries = commits.iter().flat_map(|made| &made.entries).filter_map(|index| plan.entries.get(*index));
        let news = entries.filter_map(|entry| self.watcher.news_at(entry.image.repository()));
        news.filter(|at| done.is_none_or(|done| done <= *at)).map(|at| at.elapsed()).collect()
    }

    /// When the next pass may come to something else than the last one.
    #[must_use]
    pub fn due(&self, now: Timestamp) -> Timestamp {
        let known = self.known();
        let Some(survey) = known.as_ref() else { return now };
        let fresh = survey.asked.map(|asked| self.options.git_fresh_for.saturating_sub(asked.elapsed()));
        let git = fresh.map_or(now, |fresh| now.checked_add(fresh).unwrap_or(Timestamp::MAX));
        [survey.wanted.until, self.watcher.due(now)].into_iter().flatten().fold(git, Timestamp::min).max(now)
    }

    /// Ends when there is something new that the last pass did not wait for: a registry has told it, somebody says
    /// that the branch has moved, or something is [due](Self::due) earlier than it was.
    pub async fn news(&self) {
        let heard = self.seen().heard;
        tokio::select! {
            () = self.watcher.news_since(heard) => {}
            () = self.watcher.echo_since(heard) => {}
            () = self.moved.notified() => {}
        }
    }

    /// The branch may have moved, somebody says: the remote is asked at once.
    pub fn hint(&self) {
        self.hints.fetch_add(1, Ordering::SeqCst);
        self.forget_head();
        self.moved.notify_one();
    }

    /// Whether something is being asked, or was heard, that no pass has taken in yet.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        let is_head_known = self.known().as_ref().is_some_and(|survey| survey.asked.is_some());
        !is_head_known || self.watcher.is_asking() || self.watcher.heard().news != self.seen().heard.news
    }

    /// Whether anything is new since a pass that ended with nothing to do. From here on it is not.
    fn is_new(&self, survey: &Survey) -> bool {
        let heard = self.watcher.heard();
        let mut seen = self.seen();
        let is_same = |before: &Arc<Watches>| Arc::ptr_eq(before, &survey.wanted.watches);
        let is_new = seen.heard.news != heard.news || !seen.wanted.as_ref().is_some_and(is_same);
        let wanted = seen.wanted.take().filter(|_| !is_new);
        *seen = Seen { heard, wanted, ..*seen };
        is_new
    }

    /// The branch's head and what its files say: asked of the remote only when what we know is old,
    /// and read only when the head moved.
    async fn survey(&self, now: Timestamp) -> Result<Survey, Error> {
        let hints = self.hints.load(Ordering::SeqCst);
        let known = self.known().clone();
        let is_fresh = |survey: &Survey| survey.asked.is_some_and(|asked| asked.elapsed() < self.options.git_fresh_for);
        let (mirror, area) = (Arc::clone(&self.mirror), self.options.area.clone());
        let memory = Arc::clone(&self.memory);
        let survey = match known {
            Some(survey) if is_fresh(&survey) => survey,
            known => {
                let span = span!("fetch", "vcs.ref.head.name" = Empty, "vcs.ref.head.revision" = Empty);
                let survey = task::spawn_blocking(move || {
                    let _within = span.enter();
                    let asked = Some(Instant::now());
                    let snapshot = span::told(&span, mirror.fetch())?;
                    span.record("vcs.ref.head.name", snapshot.branch());
                    span.record("vcs.ref.head.revision", tracing::field::display(snapshot.commit()));
                    match known {
                        // The snapshot is always the new one: the store behind the old one may be gone.
                        Some(known) if known.snapshot.commit() == snapshot.commit() => {
                            Ok(Survey { snapshot, asked, ..known })
                        }
                        _ => {
                            let memory = &mut memory.lock().unwrap_or_else(PoisonError::into_inner);
                            let read = span!("read");
                            let inventory = read.in_scope(|| self::survey(&snapshot, &area, memory));
                            let inventory = Arc::new(span::told(&read, inventory)?);
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
        let mut known = self.known();
        // What is said while the remote is asked may be about what it said no more.
        let asked = survey.asked.filter(|_| self.hints.load(Ordering::SeqCst) == hints);
        *known = Some(Survey { asked, ..survey.clone() });
        Ok(survey)
    }

    /// Commits the changes on the tree they were drawn on, and pushes all commits at once.
    async fn publish(&self, base: &Snapshot, drafts: Vec<Draft>, now: Timestamp) -> Result<Outcome, Error> {
        let (mirror, base, author) = (Arc::clone(&self.mirror), base.clone(), self.options.author.clone());
        let span = span!("publish", landwaiter.commits = span::number(drafts.len()));
        let outcome = task::spawn_blocking(move || {
            let _within = span.enter();
            let steps = drafts.iter().map(|draft| (draft.changes.as_slice(), draft.message.as_str()));
            let write = span!("commit");
            let ids = write.in_scope(|| mirror.commits(&base, steps, &author, &author, now));
            let ids = span::told(&write, ids)?;
            let made = |(draft, id): (Draft, Option<CommitId>)| {
                let files = draft.changes.len();
                Some(Made { id: id?, message: draft.message, entries: draft.entries, files })
            };
            let commits: Vec<_> = drafts.into_iter().zip(ids).filter_map(made).collect();
            let Some(commit) = commits.last().map(|last| last.id) else { return Ok(Outcome::NothingToDo) };
            let send = span!("push", "vcs.ref.head.name" = base.branch(), "vcs.ref.head.revision" = %commit);
            let push = span::told(&send, send.in_scope(|| mirror.push(&base, commit)))?;
            if let PushOutcome::Refused { reason, .. } = &push {
                span::failed(&send, "refused", reason);
            }
            Ok(Outcome::Pushed { commit, commits, push })
        });
        // Whatever the remote answers, its head is not where we saw it, or may not be.
        self.forget_head();
        outcome.await?
    }

    fn forget_head(&self) {
        if let Some(known) = self.known().as_mut() {
            known.asked = None;
        }
    }

    fn known(&self) -> MutexGuard<'_, Option<Survey>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
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

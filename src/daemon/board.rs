//! How each config repository stands, for whoever asks, and the way in for those who know of news.
//!
//! Must not know who asks.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::landed::{Landed, MOST_LANDED};
use super::tally::Tally;
use crate::git::{PushOutcome, RemoteUrl};
use crate::image::Repository;
use crate::reconcile::{Error, Lookout, Outcome, Reconciler, Report};

/// Everything that runs. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Board(Arc<Mutex<Posted>>);

#[derive(Debug, Default)]
struct Posted {
    lookout: Option<Arc<Lookout>>,
    standings: BTreeMap<String, Arc<Standing>>,
}

/// How one config repository stands.
#[derive(Debug)]
pub struct Standing {
    name: String,
    url: RemoteUrl,
    branch: Option<String>,
    patience: Patience,
    state: Mutex<State>,
}

/// How long a config repository may be silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// A pass that has not ended after that is stuck.
    pub pass: Duration,
    /// Where no pass has come to a good end for that long, something is wrong.
    pub good: Duration,
}

#[derive(Debug, Default)]
struct State {
    reconciler: Option<Arc<Reconciler>>,
    passes: u64,
    /// When the pass that is made now began.
    running: Option<Timestamp>,
    last: Option<LastPass>,
    last_good: Option<Timestamp>,
    failing_since: Option<Timestamp>,
    /// Why they fail.
    trouble: Option<String>,
    tally: Tally,
    /// The last pass that came to a plan, and when it ended.
    report: Option<(Timestamp, Arc<Report>)>,
    /// The last commits, the latest first.
    landed: VecDeque<Landed>,
}

/// A number for a pass, to tell its lines in the log from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PassId(u32);

/// A pass that came to an end.
#[derive(Debug, Clone)]
pub struct LastPass {
    /// When it ended.
    pub at: Timestamp,
    /// What it did, or why it failed.
    pub result: Result<Arc<Report>, Arc<Error>>,
}

impl Board {
    /// The config repositories, by name.
    #[must_use]
    pub fn standings(&self) -> Vec<Arc<Standing>> {
        self.posted().standings.values().cloned().collect()
    }

    /// What is known of registries; `None` before the start.
    #[must_use]
    pub fn lookout(&self) -> Option<Arc<Lookout>> {
        self.posted().lookout.clone()
    }

    /// There may be news of an image repository: it is asked at once. Must be called from a task. Gives whether
    /// anybody watches it.
    #[must_use]
    pub fn hint_image(&self, repository: &Repository, now: Timestamp) -> bool {
        self.lookout().is_some_and(|lookout| lookout.hint(repository, now))
    }

    /// A branch of the config repositories at these addresses may have moved: they are asked at once. Gives how many
    /// there are.
    pub fn hint_git(&self, is_meant: impl Fn(&RemoteUrl) -> bool) -> usize {
        let standings = self.standings();
        standings.iter().filter(|standing| is_meant(&standing.url)).map(|standing| standing.hint()).count()
    }

    /// Asks everybody for news now: each config repository, or the one of that name, and every image repository
    /// that is watched. Gives how many config repositories that are. Must be called from a task.
    #[must_use]
    pub fn sync(&self, name: Option<&str>, now: Timestamp) -> usize {
        let standings = self.standings();
        let meant = standings.iter().filter(|standing| name.is_none_or(|name| name == standing.name));
        let count = meant.map(|standing| standing.hint()).count();
        if count > 0
            && let Some(lookout) = self.lookout()
        {
            lookout.hint_all(now);
        }
        count
    }

    pub(super) fn post(&self, lookout: Option<Arc<Lookout>>) {
        self.posted().lookout = lookout;
    }

    pub(super) fn put_up(&self, standing: &Arc<Standing>) {
        self.posted().standings.insert(standing.name.clone(), Arc::clone(standing));
    }

    pub(super) fn take_down(&self, standing: &Arc<Standing>) {
        let standings = &mut self.posted().standings;
        if standings.get(&standing.name).is_some_and(|posted| Arc::ptr_eq(posted, standing)) {
            standings.remove(&standing.name);
        }
    }

    fn posted(&self) -> MutexGuard<'_, Posted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Standing {
    /// Of a config repository for which no pass was made yet.
    #[must_use]
    pub fn new(name: &str, url: RemoteUrl, branch: Option<String>) -> Self {
        let patience = Patience { pass: Duration::from_mins(30), good: Duration::from_mins(15) };
        Self { name: name.to_owned(), url, branch, patience, state: Mutex::default() }
    }

    /// The same with another patience.
    #[must_use]
    pub fn with_patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    /// Whether the pass that is made now should have ended long ago.
    #[must_use]
    pub fn is_stuck(&self, now: Timestamp) -> bool {
        self.running_since().is_some_and(|since| is_over(since, self.patience.pass, now))
    }

    /// Whether a pass came to a good end not too long ago.
    #[must_use]
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.last_good().is_some_and(|last| !is_over(last, self.patience.good, now)) && !self.is_stuck(now)
    }

    /// What the config repository is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> &RemoteUrl {
        &self.url
    }

    /// The branch that is followed; `None` while nobody knows which one the remote calls its main one.
    #[must_use]
    pub fn branch(&self) -> Option<String> {
        self.branch.clone().or_else(|| match self.state().last.as_ref()?.result.as_ref() {
            Ok(report) => Some(report.branch.clone()),
            Err(_) => None,
        })
    }

    /// How many passes were begun.
    #[must_use]
    pub fn passes(&self) -> u64 {
        self.state().passes
    }

    /// When the pass began that is made now, if one is.
    #[must_use]
    pub fn running_since(&self) -> Option<Timestamp> {
        self.state().running
    }

    /// The last pass that had something to decide.
    #[must_use]
    pub fn last(&self) -> Option<LastPass> {
        self.state().last.clone()
    }

    /// When a pass last came to a good end.
    #[must_use]
    pub fn last_good(&self) -> Option<Timestamp> {
        self.state().last_good
    }

    /// Since when passes fail or are refused; `None` while they do not.
    #[must_use]
    pub fn failing_since(&self) -> Option<Timestamp> {
        self.state().failing_since
    }

    /// Why passes fail or are refused; `None` while they do not.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.state().trouble.clone()
    }

    /// What was counted of its passes.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.state().tally.clone()
    }

    /// What the last pass came to that came to a plan, and when it ended. It stays while passes fail.
    #[must_use]
    pub fn report(&self) -> Option<(Timestamp, Arc<Report>)> {
        self.state().report.clone()
    }

    /// The last commits that were pushed, the latest first.
    #[must_use]
    pub fn landed(&self) -> Vec<Landed> {
        self.state().landed.iter().cloned().collect()
    }

    /// Whether something is being asked, or was heard, that no pass has taken in yet.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        let reconciler = self.state().reconciler.clone();
        reconciler.is_some_and(|reconciler| reconciler.is_behind())
    }

    /// When the next pass may come to something else; `None` while none is planned.
    #[must_use]
    pub fn due(&self, now: Timestamp) -> Option<Timestamp> {
        let reconciler = self.state().reconciler.clone();
        reconciler.map(|reconciler| reconciler.due(now))
    }

    /// The branch may have moved.
    pub(super) fn hint(&self) {
        if let Some(reconciler) = self.state().reconciler.clone() {
            reconciler.hint();
        }
    }

    pub(super) fn set_reconciler(&self, reconciler: Option<Arc<Reconciler>>) {
        self.state().reconciler = reconciler;
    }

    /// The repository's settings cannot be used.
    pub(crate) fn not_open(&self, now: Timestamp, why: &str) {
        let mut state = self.state();
        state.failing_since.get_or_insert(now);
        state.trouble = Some(why.to_owned());
    }

    /// A pass begins.
    pub(crate) fn begin(&self, now: Timestamp) -> PassId {
        let mut state = self.state();
        state.passes += 1;
        state.running = Some(now);
        PassId(fastrand::u32(..))
    }

    /// A pass ended that took so long; with nothing where nothing was new.
    pub(crate) fn end(&self, now: Timestamp, took: Duration, result: Option<Result<Report, Error>>) {
        let mut state = self.state();
        state.tally.count(took, result.as_ref());
        state.running = None;
        let is_good = result.as_ref().is_none_or(|result| result.as_ref().is_ok_and(is_good));
        // Where nothing is new since a push that was refused, it still is.
        if is_good && (result.is_some() || state.failing_since.is_none()) {
            state.last_good = Some(now);
            state.failing_since = None;
            state.trouble = None;
        } else if !is_good {
            state.failing_since.get_or_insert(now);
        }
        if let Some(result) = result {
            let result = result.map(Arc::new).map_err(Arc::new);
            if !is_good {
                state.trouble = Some(trouble(&result));
            }
            if let Ok(report) = &result {
                for landed in Landed::of(report, now) {
                    state.landed.push_front(landed);
                }
                state.landed.truncate(MOST_LANDED);
                state.report = Some((now, Arc::clone(report)));
            }
            state.last = Some(LastPass { at: now, result });
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_over(since: Timestamp, limit: Duration, now: Timestamp) -> bool {
    since.checked_add(limit).is_ok_and(|end| end < now)
}

/// Whether a pass did what it wanted to. One that lost a race is followed by another one.
fn is_good(report: &Report) -> bool {
    !matches!(report.outcome, Outcome::Pushed { push: PushOutcome::Refused { .. }, .. })
}

fn trouble(result: &Result<Arc<Report>, Arc<Error>>) -> String {
    match result.as_deref() {
        Ok(Report { outcome: Outcome::Pushed { push: PushOutcome::Refused { reason, .. }, .. }, .. }) => {
            format!("the push was refused: {reason}")
        }
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    }
}

/// Eight digits.
impl fmt::Display for PassId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

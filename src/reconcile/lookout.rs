//! Looks out for new tags of whatever is watched: asks each repository when it is due, registry by
//! registry, and keeps what its tags come to until something changes. One lookout serves all config
//! repositories: what several of them watch is asked for once.
//!
//! What is asked goes on when nobody waits for it any more, so that a slow registry keeps neither the
//! others nor a pass. Must not know what follows from the findings.

mod known;
mod post;
mod state;
mod status;

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::{self, JoinSet};
use tokio::time::Instant;
use tracing::{Instrument as _, Span};

pub use self::known::Known;
use self::state::{Question, Seat, State};
pub use self::status::RegistryStatus;
use super::scan::ruled;
use crate::image::{Registry, Repository};
use crate::plan::{Findings, Rulings, Watches};
use crate::registry::{Client, Error, HostStatus, Pace};
use crate::span::{self, span};

/// How long a pass waits for registries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For one from which no answer comes. It is not waited for again until one does.
    pub registry: Duration,
    /// For all of them together.
    pub whole: Duration,
    /// The same for the first pass, which may know nothing yet: what is late then would be a commit for
    /// each handful of answers.
    pub first: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let (registry, whole) = (Duration::from_secs(3), Duration::from_secs(15));
        Self { registry, whole, first: Duration::from_mins(3) }
    }
}

impl Patience {
    fn at_first(self) -> Self {
        Self { whole: self.first, ..self }
    }
}

/// Everything that is watched, for all config repositories, and what is known of it.
#[derive(Debug)]
pub struct Lookout {
    registry: Arc<Client>,
    state: Arc<Mutex<State>>,
    /// What is asked now. It ends with the lookout.
    tasks: Mutex<JoinSet<()>>,
    /// How often somebody has begun to watch something else.
    changes: AtomicU64,
}

/// The place of one config repository at the lookout. What only it watches is forgotten with it.
#[derive(Debug)]
pub(super) struct Watcher {
    lookout: Arc<Lookout>,
    seat: Seat,
    /// The answers so far, and how many of them were news.
    heard: watch::Receiver<Heard>,
}

/// A count of what was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Heard {
    answers: u64,
    /// Findings that became other ones.
    pub(super) news: u64,
    /// Answers after which it is asked once more, before its turn.
    echoes: u64,
}

impl Lookout {
    /// A lookout that asks with this client, and watches nothing yet.
    #[must_use]
    pub fn new(registry: Client) -> Arc<Self> {
        Arc::new(Self {
            registry: Arc::new(registry),
            state: Arc::default(),
            tasks: Mutex::default(),
            changes: AtomicU64::new(0),
        })
    }

    /// There may be news of a repository, somebody says: it is asked at once, whatever its interval, and once
    /// more where it is being asked already. Since registries tell of a tag before they list it, passes ask again a
    /// second later, and where nothing was found ten seconds after that. Must be called from a task. Gives whether anybody watches it.
    pub fn hint(&self, repository: &Repository, now: Timestamp) -> bool {
        let is_watched = self.state().hint(repository, now);
        self.work();
        is_watched
    }

    /// Everything that is watched is asked at once, because somebody wants to know; nobody says that there is news.
    pub fn hint_all(&self, now: Timestamp) {
        self.state().hint_all(now);
        self.work();
    }

    /// The image repositories that are watched, for whoever.
    #[must_use]
    pub fn watched(&self) -> Vec<Repository> {
        self.state().watched()
    }

    /// A number that is another one when others are [`watched`](Self::watched); 0 before anything is.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// What is known of each registry's host that was asked so far.
    #[must_use]
    pub fn hosts(&self) -> Vec<HostStatus> {
        self.registry.hosts()
    }

    /// How each registry stands of which something is watched.
    #[must_use]
    pub fn registries(&self, now: Timestamp) -> Vec<RegistryStatus> {
        let due = |repository: &Repository, pace| self.registry.due(repository, pace, now).unwrap_or(now);
        self.state().registries(now, due, |repository| self.registry.tag_count(repository))
    }

    /// Asks for nothing any more and writes down what is known of the registries, at the end.
    pub async fn close(&self, now: Timestamp) {
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.shutdown().await;
        let registry = Arc::clone(&self.registry);
        let _ = task::spawn_blocking(move || registry.close(now)).await;
    }

    /// A place for one who watches.
    pub(super) fn watcher(self: &Arc<Self>) -> Watcher {
        let (sender, heard) = watch::channel(Heard::default());
        Watcher { seat: self.state().sit(sender), lookout: Arc::clone(self), heard }
    }

    /// Sets to work on what waits to be asked.
    fn work(&self) {
        let starts = self.state().starts();
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        for (host, count) in starts {
            for _ in 0..count {
                tasks.spawn(work(Arc::clone(&self.registry), Arc::clone(&self.state), host.clone()));
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl Watcher {
    /// Asks for what is due, and waits for the answers as long as the patience goes; for ever with none. What
    /// has not answered then goes on being asked. What is known is kept for a restart. In a trace all of that stands
    /// under `span`.
    pub(super) async fn look(
        &self,
        watches: &Arc<Watches>,
        locked: &Arc<BTreeSet<Repository>>,
        now: Timestamp,
        patience: Option<Patience>,
        span: &Span,
    ) {
        let mut heard = self.heard.clone();
        let is_first = self.begin(watches, locked, now, span);
        let patience = patience.map(|patience| if is_first { patience.at_first() } else { patience });
        let began = Instant::now();
        while let Some(until) = self.waits_until(began, patience) {
            // The sender lives as long as the seat, so either there is an answer or the time is over.
            let _ = tokio::time::timeout_at(until, heard.changed()).await;
        }
        let registry = Arc::clone(&self.lookout.registry);
        let _ = task::spawn_blocking(move || registry.save(now)).await;
    }

    /// What is known of everything that is watched, and what was heard until now.
    pub(super) fn findings(&self) -> Findings {
        self.lookout.state().findings(self.seat)
    }

    /// What was heard until now.
    pub(super) fn heard(&self) -> Heard {
        *self.heard.borrow()
    }

    /// When an answer about a repository was last something else than what was known.
    pub(super) fn news_at(&self, repository: &Repository) -> Option<Instant> {
        self.lookout.state().news_at(repository)
    }

    /// Ends when something is to be asked earlier than it was.
    pub(super) async fn echo_since(&self, heard: Heard) {
        let mut now = self.heard.clone();
        // As below.
        let _ = now.wait_for(|now| now.echoes != heard.echoes).await;
    }

    /// Ends when there is more news than there was.
    pub(super) async fn news_since(&self, heard: Heard) {
        let mut now = self.heard.clone();
        // The sender lives as long as the seat, so the wait cannot fail before there is news.
        let _ = now.wait_for(|now| now.news != heard.news).await;
    }

    /// Whether something that is watched here is being asked.
    pub(super) fn is_asking(&self) -> bool {
        self.lookout.state().is_asking(self.seat)
    }

    /// When something is due that is not being asked already; `None` when nothing is watched.
    pub(super) fn due(&self, now: Timestamp) -> Option<Timestamp> {
        let registry = &self.lookout.registry;
        self.lookout.state().due(self.seat, now, |repository, pace| registry.due(repository, pace, now).unwrap_or(now))
    }

    /// Takes up what is watched now, and asks for what is due of it. Whether that was the first time.
    fn begin(&self, watches: &Arc<Watches>, locked: &Arc<BTreeSet<Repository>>, now: Timestamp, span: &Span) -> bool {
        let registry = &self.lookout.registry;
        let mut state = self.lookout.state();
        let is_first = state.begin(self.seat);
        if state.take_up(self.seat, watches, locked) {
            registry.keep(|repository| state.is_watched(repository));
            self.lookout.changes.fetch_add(1, Ordering::Relaxed);
        }
        let is_due =
            |repository: &Repository, pace: Pace| registry.due(repository, pace, now).is_none_or(|due| due <= now);
        state.ask_what_is_due(self.seat, now, span, is_due);
        drop(state);
        self.lookout.work();
        is_first
    }

    fn waits_until(&self, began: Instant, patience: Option<Patience>) -> Option<Instant> {
        self.lookout.state().waits_until(self.seat, began, patience)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.lookout.state().leave(self.seat);
    }
}

/// Asks one registry for one repository after the other, until none of them is due any more.
async fn work(registry: Arc<Client>, state: Arc<Mutex<State>>, host: Registry) {
    loop {
        let Some(question) = lock(&state).next(&host) else { break };
        let span = span!(parent: &question.under, "scan", landwaiter.image.repository = %question.repository);
        let asking = AssertUnwindSafe(question.ask(&registry)).catch_unwind().instrument(span.clone());
        let found = match asking.await {
            Ok(found) => found.map_err(|error| error.to_string()),
            Err(_) => Err("looking for the tags broke off; this is a mistake in Landwaiter".to_owned()),
        };
        let found = span::told(&span, found);
        let is_good = found.is_ok();
        lock(&state).take_in(&question, found);
        // Nobody waits for this.
        if is_good && question.pace == Pace::Usual {
            let in_use = question.watch.in_use();
            registry.moved(&question.repository, &in_use, question.now).instrument(span).await;
        }
    }
}

impl Question {
    /// What the tags come to. What is known stays when neither they nor the wishes changed.
    async fn ask(&self, registry: &Client) -> Result<(u64, Arc<Rulings>), Error> {
        if self.is_hinted {
            registry.hint(&self.repository);
        }
        let version = registry.look(&self.repository, self.now).await?;
        if self.pace == Pace::Rare {
            return Ok((version, Arc::new(self.watch.rule(&[], self.now))));
        }
        let known = self.known.as_ref();
        let holds = |rulings: &Rulings| {
            *rulings.watch() == self.watch
                && rulings.until().is_none_or(|until| self.now < until)
                && !rulings.is_of_first_list()
        };
        if let Some(known) = known.filter(|(of, rulings)| *of == version && holds(rulings)) {
            return Ok(known.clone());
        }
        Ok((version, Arc::new(ruled(registry, &self.repository, &self.watch, self.now).await?)))
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

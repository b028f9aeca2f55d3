//! Looks out for new tags of whatever is watched: asks each repository when it is due, registry by
//! registry, and keeps what its tags come to until something changes.
//!
//! What is asked goes on when nobody waits for it any more, so that a slow registry keeps neither the
//! others nor a pass. Must not know what follows from the findings.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::scan::ruled;
use crate::image::{Registry, Repository};
use crate::plan::{Finding, Findings, Rulings, Watch, Watches};
use crate::registry::{Client, Error, Pace};

/// How many repositories of one registry are asked at a time; the client has limits of its own. Other
/// registries do not wait for that.
const AT_ONCE: usize = 8;

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

/// Everything that is watched, and what is known of it.
#[derive(Debug)]
pub(super) struct Lookout {
    registry: Arc<Client>,
    state: Arc<Mutex<State>>,
    /// The answers so far, and how many of them were news.
    heard: watch::Sender<Heard>,
    /// What is asked now. It ends with the lookout.
    tasks: Mutex<JoinSet<()>>,
}

/// A count of what was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Heard {
    answers: u64,
    /// Findings that became other ones.
    pub(super) news: u64,
}

#[derive(Debug, Default)]
struct State {
    posts: BTreeMap<Repository, Post>,
    hosts: HashMap<Registry, Host>,
    /// What the posts were made from.
    watches: Arc<Watches>,
    locked: Arc<BTreeSet<Repository>>,
    /// Looks so far.
    looks: u64,
}

/// What is known of one repository.
#[derive(Debug)]
struct Post {
    watch: Watch,
    pace: Pace,
    finding: Finding,
    /// Which list the rulings are made of.
    version: u64,
    /// Whether what is wished for has changed since.
    is_new: bool,
    /// The look for which it is asked now, and the time of that.
    asked_for: Option<(u64, Timestamp)>,
}

#[derive(Debug)]
struct Host {
    queue: VecDeque<Repository>,
    running: usize,
    /// Of those that are asked for the present look, how many have not answered.
    awaited: usize,
    answered: Instant,
    /// Whether the last look gave up waiting for it.
    is_stuck: bool,
}

/// What is to be asked of a registry: a repository, with what is wished of it and known.
struct Question {
    repository: Repository,
    watch: Watch,
    pace: Pace,
    known: Option<(u64, Arc<Rulings>)>,
    now: Timestamp,
}

impl Lookout {
    pub(super) fn new(registry: Arc<Client>) -> Self {
        let (heard, _) = watch::channel(Heard::default());
        Self { registry, state: Arc::default(), heard, tasks: Mutex::default() }
    }

    /// Asks for what is due, and waits for the answers as long as the patience goes; for ever with none. What
    /// has not answered then goes on being asked.
    pub(super) async fn look(
        &self,
        watches: &Arc<Watches>,
        locked: &Arc<BTreeSet<Repository>>,
        now: Timestamp,
        patience: Option<Patience>,
    ) {
        let mut heard = self.heard.subscribe();
        let is_first = self.begin(watches, locked, now);
        let patience = patience.map(|patience| if is_first { patience.at_first() } else { patience });
        let began = Instant::now();
        while let Some(until) = self.waits_until(began, patience) {
            // The sender lives in `self`, so either there is an answer or the time is over.
            let _ = tokio::time::timeout_at(until, heard.changed()).await;
        }
    }

    /// What is known of everything that is watched, and what was heard until now.
    pub(super) fn findings(&self) -> Findings {
        let state = self.state();
        let wanted = state.posts.iter().filter(|(_, post)| post.pace == Pace::Usual);
        wanted.map(|(repository, post)| (repository.clone(), post.finding.clone())).collect()
    }

    /// What was heard until now.
    pub(super) fn heard(&self) -> Heard {
        *self.heard.borrow()
    }

    /// Ends when there is more news than there was.
    pub(super) async fn news_since(&self, heard: Heard) {
        let mut now = self.heard.subscribe();
        // The sender lives in `self`, so the wait cannot fail before there is news.
        let _ = now.wait_for(|now| now.news != heard.news).await;
    }

    /// Asks for nothing any more. When this ends, nobody but the owner holds the registry's client.
    pub(super) async fn end(&self) {
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.shutdown().await;
    }

    /// When something is due that is not being asked already; `None` when nothing is watched.
    pub(super) fn due(&self, now: Timestamp) -> Option<Timestamp> {
        let state = self.state();
        let idle = state.posts.iter().filter(|(_, post)| post.asked_for.is_none());
        idle.map(|(repository, post)| {
            let due = if post.is_new { now } else { self.registry.due(repository, post.pace, now).unwrap_or(now) };
            post.until().map_or(due, |until| until.min(due))
        })
        .min()
    }

    /// Takes up what is watched now, and asks for what is due of it. Whether that was the first time.
    fn begin(&self, watches: &Arc<Watches>, locked: &Arc<BTreeSet<Repository>>, now: Timestamp) -> bool {
        let mut state = self.state();
        state.looks += 1;
        state.hosts.values_mut().for_each(|host| host.awaited = 0);
        if !Arc::ptr_eq(&state.watches, watches) || !Arc::ptr_eq(&state.locked, locked) {
            state.take_up(watches, locked);
            let posts = &state.posts;
            self.registry.keep(|repository| posts.contains_key(repository));
        }
        let State { posts, hosts, looks, .. } = &mut *state;
        for (repository, post) in posts.iter_mut().filter(|(_, post)| post.asked_for.is_none()) {
            let is_due = || self.registry.due(repository, post.pace, now).is_none_or(|due| due <= now);
            // Where time alone has changed the rulings, what is known is enough for other ones.
            let is_over = || post.until().is_some_and(|until| until <= now);
            if post.is_new || is_over() || is_due() {
                post.asked_for = Some((*looks, now));
                let host = hosts.entry(repository.registry().clone()).or_insert_with(Host::new);
                host.queue.push_back(repository.clone());
                host.awaited += 1;
            }
        }
        let free = |host: &Host| AT_ONCE.saturating_sub(host.running).min(host.queue.len());
        let starts: Vec<_> = hosts.iter_mut().map(|(name, host)| (name.clone(), free(host))).collect();
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        for (name, count) in starts {
            for _ in 0..count {
                let (registry, shared, heard) =
                    (Arc::clone(&self.registry), Arc::clone(&self.state), self.heard.clone());
                state.hosts.entry(name.clone()).and_modify(|host| host.running += 1);
                tasks.spawn(work(registry, shared, heard, name.clone()));
            }
        }
        state.looks == 1
    }

    /// Until when to wait for what this look asked for; `None` when all of it is there, or is not waited for
    /// any more.
    fn waits_until(&self, began: Instant, patience: Option<Patience>) -> Option<Instant> {
        let mut state = self.state();
        let now = Instant::now();
        let mut until = None;
        for host in state.hosts.values_mut().filter(|host| host.awaited > 0) {
            let end = match patience {
                Some(patience) => (host.answered.max(began) + patience.registry).min(began + patience.whole),
                // Every request has an end, and then this is asked again.
                None => now + Duration::from_hours(1),
            };
            host.is_stuck |= end <= now && end < began + patience.unwrap_or_default().whole;
            if !host.is_stuck {
                until = until.max(Some(end));
            }
        }
        until.filter(|until| *until > now)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl State {
    fn take_up(&mut self, watches: &Arc<Watches>, locked: &Arc<BTreeSet<Repository>>) {
        let (posts, before) = (&mut self.posts, Arc::clone(&self.watches));
        posts.retain(|repository, _| watches.contains_key(repository) || locked.contains(repository));
        let idle = Watch::default();
        let idle = locked
            .iter()
            .filter(|repository| !watches.contains_key(*repository))
            .map(|repository| (repository, &idle, Pace::Rare));
        let wanted = watches.iter().map(|(repository, watch)| (repository, watch, Pace::Usual));
        for (repository, watch, pace) in wanted.chain(idle) {
            match posts.get_mut(repository) {
                Some(post) if post.pace == pace && before.get(repository).is_none_or(|before| before == watch) => {}
                Some(post) => {
                    let is_answered = matches!(&post.finding, Finding::Rulings(rulings) if rulings.watch() == watch);
                    if !is_answered {
                        post.finding = Finding::Asked;
                    }
                    (post.watch, post.pace, post.is_new) = (watch.clone(), pace, !is_answered);
                }
                None => {
                    let post = Post {
                        watch: watch.clone(),
                        pace,
                        finding: Finding::Asked,
                        version: 0,
                        is_new: pace == Pace::Usual,
                        asked_for: None,
                    };
                    posts.insert(repository.clone(), post);
                }
            }
        }
        (self.watches, self.locked) = (Arc::clone(watches), Arc::clone(locked));
    }

    /// The next repository of a host that waits to be asked.
    fn next(&mut self, host: &Registry) -> Option<Question> {
        loop {
            let repository = self.hosts.get_mut(host)?.queue.pop_front()?;
            // Else nobody watches it any more.
            if let Some(post) = self.posts.get_mut(&repository)
                && let Some((_, now)) = post.asked_for
            {
                post.is_new = false;
                let known = match &post.finding {
                    Finding::Rulings(rulings) => Some((post.version, Arc::clone(rulings))),
                    Finding::Failed(_) | Finding::Asked => None,
                };
                return Some(Question { repository, watch: post.watch.clone(), pace: post.pace, known, now });
            }
        }
    }

    /// Takes in what was found; gives whether it is news.
    fn take_in(&mut self, repository: &Repository, watch: &Watch, found: Result<(u64, Arc<Rulings>), String>) -> bool {
        let Some(post) = self.posts.get_mut(repository) else { return false };
        let asked_for = post.asked_for.take().map(|(look, _)| look);
        let is_good = found.is_ok();
        let mut is_news = false;
        // Where the wishes have changed meanwhile it is asked again.
        if post.watch == *watch {
            let finding = match found {
                Ok((version, rulings)) => {
                    post.version = version;
                    Finding::Rulings(rulings)
                }
                Err(reason) => Finding::Failed(reason),
            };
            is_news = post.pace == Pace::Usual && !is_same(&post.finding, &finding);
            post.finding = finding;
        } else {
            post.is_new = true;
        }
        let host = repository.registry();
        self.answered(host, asked_for);
        if let Some(host) = self.hosts.get_mut(host) {
            host.is_stuck &= !is_good;
        }
        is_news
    }

    fn answered(&mut self, host: &Registry, asked_for: Option<u64>) {
        let is_awaited = asked_for == Some(self.looks);
        if let Some(host) = self.hosts.get_mut(host) {
            host.answered = Instant::now();
            host.awaited = host.awaited.saturating_sub(usize::from(is_awaited));
        }
    }
}

impl Post {
    /// When what is known comes to something else by time alone.
    fn until(&self) -> Option<Timestamp> {
        match &self.finding {
            Finding::Rulings(rulings) => rulings.until(),
            Finding::Failed(_) | Finding::Asked => None,
        }
    }
}

impl Host {
    fn new() -> Self {
        Self { queue: VecDeque::new(), running: 0, awaited: 0, answered: Instant::now(), is_stuck: false }
    }
}

/// Asks one registry for one repository after the other, until none of them is due any more.
async fn work(registry: Arc<Client>, state: Arc<Mutex<State>>, heard: watch::Sender<Heard>, host: Registry) {
    loop {
        let next = {
            let mut state = lock(&state);
            let next = state.next(&host);
            if next.is_none()
                && let Some(host) = state.hosts.get_mut(&host)
            {
                host.running -= 1;
            }
            next
        };
        let Some(question) = next else { break };
        let found = match AssertUnwindSafe(question.ask(&registry)).catch_unwind().await {
            Ok(found) => found.map_err(|error| error.to_string()),
            Err(_) => Err("looking for the tags broke off; this is a mistake in Landwaiter".to_owned()),
        };
        let is_good = found.is_ok();
        let is_news = lock(&state).take_in(&question.repository, &question.watch, found);
        heard.send_modify(|heard| {
            heard.answers += 1;
            heard.news += u64::from(is_news);
        });
        // Nobody waits for this.
        if is_good && question.pace == Pace::Usual {
            registry.moved(&question.repository, &question.watch.in_use(), question.now).await;
        }
    }
}

impl Question {
    /// What the tags come to. What is known stays when neither they nor the wishes changed.
    async fn ask(&self, registry: &Client) -> Result<(u64, Arc<Rulings>), Error> {
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

fn is_same(a: &Finding, b: &Finding) -> bool {
    match (a, b) {
        (Finding::Rulings(a), Finding::Rulings(b)) => Arc::ptr_eq(a, b) || a == b,
        // A registry in trouble words it a little differently each time.
        (Finding::Failed(_), Finding::Failed(_)) | (Finding::Asked, Finding::Asked) => true,
        _ => false,
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

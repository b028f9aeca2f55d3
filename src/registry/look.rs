//! Which tags a repository has: asked when it is time, compared with what is known, and kept.

mod listing;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::task;
use tokio::time::Instant;

use super::belief::{self, Belief, InDoubt, News};
use super::client::Client;
use super::dates::learn_dates;
use super::error::{Error, Kind};
use super::listing::{Listed, Marks};
use super::schedule::{self, Pace, Spread};
use super::store::{self, List, Store};
use crate::image::{Registry, Repository, Tag};

pub use listing::Listing;

/// For how long a registry's word that nothing changed is believed without its list being seen, in
/// milliseconds. Caches and proxies lose track of what they have.
const UNSEEN: i64 = 24 * 60 * 60 * 1000;

/// Everything that is known beside what is in the store.
#[derive(Debug, Default)]
pub(super) struct Records {
    all: HashMap<Repository, Arc<Record>>,
    /// How many they are.
    by_registry: HashMap<Registry, usize>,
}

/// What is known of one repository, beside what is in the store.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// Locked while the registry is asked.
    state: tokio::sync::Mutex<State>,
    times: Mutex<Times>,
    /// How many tags are known.
    tags: AtomicUsize,
    /// Locked while images are looked up.
    pub(super) images: tokio::sync::Mutex<()>,
    /// When it was last looked which tags in use are to be checked, in milliseconds since 1970.
    pub(super) checked: AtomicI64,
}

#[derive(Debug, Default)]
struct State {
    /// Whether the store was asked.
    is_loaded: bool,
    /// `None` while there is no list.
    known: Option<Known>,
    answered: Option<Instant>,
    /// The last failure, for those alone who were waiting for that very answer.
    failed: Option<(Instant, Error)>,
}

#[derive(Debug)]
struct Known {
    marks: Marks,
    version: u64,
    is_in_doubt: bool,
    tags: usize,
    malformed: usize,
    /// When all of the list was seen, in milliseconds since 1970.
    seen: i64,
}

/// In milliseconds since 1970.
#[derive(Debug, Clone, Copy, Default)]
struct Times {
    listed: Option<i64>,
    /// Since the last list.
    failures: u32,
    not_before: Option<i64>,
}

impl Client {
    /// The tags of a repository: all of them, or an error. See [`look`](Self::look).
    ///
    /// # Errors
    /// As for [`look`](Self::look).
    pub async fn tags(&self, repository: &Repository) -> Result<Listing, Error> {
        self.look(repository, Timestamp::now()).await?;
        self.listing(repository).await
    }

    /// Asks for the tags of a repository if it is time, and compares them with what is known. Gives a number
    /// that is another one whenever what [`listing`](Self::listing) gives has changed.
    ///
    /// It is time when the repository's moment in its interval has come since the last good answer. An
    /// error is not remembered; only those who were waiting for the same answer share it.
    ///
    /// # Errors
    /// Everything that keeps the list from being complete and believed: no connection, a refusal, a
    /// page that cannot be read, a next page on another host, pages without end.
    pub async fn look(&self, repository: &Repository, now: Timestamp) -> Result<u64, Error> {
        let record = self.record_of(repository);
        let asked = Instant::now();
        let mut state = record.state.lock().await;
        if !state.is_loaded {
            let list = self.with_store(repository, Store::list).await;
            let (version, seen) = (self.next_version(), self.store.time(repository).unwrap_or_default());
            state.known = list.map(|List { marks, belief }| {
                let (is_in_doubt, tags) = (!belief.doubts.is_empty(), belief.tags.len());
                Known { marks, version, is_in_doubt, tags, malformed: 0, seen }
            });
            record.count(state.known.as_ref());
            state.is_loaded = true;
        }
        if let Some((_, error)) = state.failed.as_ref().filter(|(at, _)| *at >= asked) {
            return Err(error.clone());
        }
        let is_fresh = || {
            state.answered.is_some_and(|at| at >= asked)
                || self.due(repository, Pace::Usual, now).is_some_and(|due| due > now)
        };
        if let Some(known) = state.known.as_ref().filter(|_| is_fresh()) {
            return Ok(known.version);
        }
        let looked = self.ask(repository, &mut state.known, now.as_millisecond()).await;
        record.count(state.known.as_ref());
        let version = state.known.as_ref().map_or(0, |known| known.version);
        match looked {
            Ok(()) => {
                *record.times() = Times { listed: Some(now.as_millisecond()), ..Times::default() };
                (state.answered, state.failed) = (Some(Instant::now()), None);
                Ok(version)
            }
            Err(kind) => {
                let error = Error::new(repository, kind);
                let (mut times, interval) = (record.times(), self.interval(repository));
                times.failures = times.failures.saturating_add(1);
                let tried = now.as_millisecond();
                let wish =
                    error.retry_after().and_then(|wait| i64::try_from(wait.as_millis()).ok()).unwrap_or_default();
                times.not_before = Some(if error.is_temporary() {
                    schedule::retry(interval, times.failures, tried).max(tried.saturating_add(wish))
                } else {
                    schedule::next(repository, interval, Pace::Usual, tried, self.spread(repository))
                });
                state.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// The tags as they are known, without asking anybody.
    ///
    /// # Errors
    /// The repository was never listed, or what was known is lost.
    pub async fn listing(&self, repository: &Repository) -> Result<Listing, Error> {
        let record = self.record_of(repository);
        let malformed = record.state.lock().await.known.as_ref().map_or(0, |known| known.malformed);
        let listing = self.with_store(repository, move |store, repository| {
            let (belief, listed) = (store.list(repository)?.belief, store.time(repository).unwrap_or_default());
            let is_first = store.is_kept() && listed < belief.since.saturating_add(belief::OVER).saturating_mul(1000);
            Some(Listing::of(belief, is_first, malformed))
        });
        if let Some(listing) = listing.await {
            return Ok(listing);
        }
        record.state.lock().await.known = None;
        *record.times() = Times::default();
        Err(Error::new(repository, Kind::Lost))
    }

    /// When a repository is to be asked next; `None` for at once.
    #[must_use]
    pub fn due(&self, repository: &Repository, pace: Pace, now: Timestamp) -> Option<Timestamp> {
        let record = self.record_of(repository);
        let mut times = *record.times();
        // Nothing came in the future. The clock was set back.
        times.listed = times.listed.filter(|listed| *listed <= now.as_millisecond());
        let due = if let Some(time) = times.not_before {
            time
        } else {
            schedule::next(repository, self.interval(repository), pace, times.listed?, self.spread(repository))
        };
        Timestamp::from_millisecond(due).ok()
    }

    /// How many tags a repository has as they are known, without asking anybody; 0 where it was not looked at yet.
    #[must_use]
    pub fn tag_count(&self, repository: &Repository) -> usize {
        self.records().all.get(repository).map_or(0, |record| record.tags.load(Ordering::Relaxed))
    }

    /// There may be news of a repository: it is due at once, unless its registry is in trouble.
    pub fn hint(&self, repository: &Repository) {
        self.record_of(repository).times().listed = None;
    }

    /// Forgets all repositories but those that are watched. What is in the store stays there for some time.
    pub fn keep(&self, is_watched: impl Fn(&Repository) -> bool) {
        let mut records = self.records();
        records.all.retain(|repository, _| is_watched(repository));
        records.by_registry.clear();
        let Records { all, by_registry } = &mut *records;
        for repository in all.keys() {
            *by_registry.entry(repository.registry().clone()).or_default() += 1;
        }
        let keys: HashSet<_> = all.keys().map(store::key).collect();
        drop(records);
        self.store.keep(|key| keys.contains(key));
    }

    /// Writes down what was learnt, if there is anything and a place for it. Waits for the disk.
    pub fn save(&self, now: Timestamp) {
        self.store.flush(now);
    }

    /// Writes down everything that was learnt, at the end. Waits for the disk.
    pub fn close(&self, now: Timestamp) {
        self.store.close(now);
    }

    /// Asks, whatever the time, and takes in what comes.
    async fn ask(&self, repository: &Repository, known: &mut Option<Known>, now: i64) -> Result<(), Kind> {
        let none = Marks::default();
        let marks = known.as_ref().map_or(&none, |known| &known.marks);
        let condition = known.as_ref().is_some_and(|known| (0..UNSEEN).contains(&(now - known.seen)));
        let listed = self.list(&self.asked(repository)?, marks, condition).await?;
        let before = known.as_ref();
        let (mut rows, is_list) = (Vec::new(), matches!(listed, Listed::Other(_)));
        let (tags, marks, malformed, seen) = match listed {
            Listed::Same(marks) => {
                let seen = before.filter(|_| condition).map_or(now, |known| known.seen);
                (None, marks, before.map_or(0, |known| known.malformed), seen)
            }
            Listed::Other(list) => {
                rows = list.rows;
                (Some(list.tags), list.marks, list.malformed, now)
            }
        };
        if let Some(known) = known.as_mut().filter(|known| tags.is_none() && !known.is_in_doubt) {
            (known.marks, known.seen) = (marks, seen);
            self.store.put_time(repository, now);
            return Ok(());
        }
        let kept = marks.clone();
        let learnt = self.with_store(repository, move |store, repository| {
            let learnt = learn(store, repository, tags, kept, now)?;
            let dates = is_list && !rows.is_empty() && {
                let mut facts = store.facts(repository);
                let is_changed = learn_dates(repository, &mut facts, rows);
                if is_changed {
                    store.put_facts(repository, &facts);
                }
                is_changed
            };
            Some((learnt, dates))
        });
        let Some(((doubt, news, tags), has_dates)) = learnt.await else {
            *known = None;
            return Err(Kind::Lost);
        };
        tell(repository, &news, doubt.as_ref(), known.as_ref().is_some_and(|known| known.is_in_doubt));
        let version = known.as_ref().filter(|_| !news.matters && !has_dates).map(|known| known.version);
        let version = version.unwrap_or_else(|| self.next_version());
        *known = Some(Known { marks, version, is_in_doubt: doubt.is_some(), tags, malformed, seen });
        Ok(())
    }

    /// Works with the store where waiting for a disk holds nobody up.
    pub(super) async fn with_store<T: Default + Send + 'static>(
        &self,
        repository: &Repository,
        work: impl FnOnce(&Store, &Repository) -> T + Send + 'static,
    ) -> T {
        let (store, repository) = (Arc::clone(&self.store), repository.clone());
        task::spawn_blocking(move || work(&store, &repository)).await.unwrap_or_default()
    }

    pub(super) fn record_of(&self, repository: &Repository) -> Arc<Record> {
        let mut records = self.records();
        if let Some(record) = records.all.get(repository) {
            return Arc::clone(record);
        }
        let listed = self.store.time(repository).filter(|_| !self.begins_anew);
        let record = Arc::new(Record { times: Mutex::new(Times { listed, ..Times::default() }), ..Record::default() });
        records.all.insert(repository.clone(), Arc::clone(&record));
        *records.by_registry.entry(repository.registry().clone()).or_default() += 1;
        record
    }

    fn spread(&self, repository: &Repository) -> Spread {
        let repositories = self.records().by_registry.get(repository.registry()).copied().unwrap_or(1);
        Spread { repositories, offset: self.offset }
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_version(&self) -> u64 {
        self.versions.fetch_add(1, Ordering::Relaxed) + 1
    }
}

impl Record {
    fn count(&self, known: Option<&Known>) {
        self.tags.store(known.map_or(0, |known| known.tags), Ordering::Relaxed);
    }

    fn times(&self) -> MutexGuard<'_, Times> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes in a list, or that it is the one before, and keeps what follows. Gives what is in doubt now, the news, and how
/// many tags are known; `None` when there is nothing that it could be the same as.
fn learn(
    store: &Store,
    repository: &Repository,
    tags: Option<Vec<Tag>>,
    marks: Marks,
    now: i64,
) -> Option<(Option<InDoubt>, News, usize)> {
    let seconds = now.div_euclid(1000);
    let (belief, news) = match (store.list(repository), tags) {
        (Some(List { mut belief, .. }), Some(tags)) => {
            let news = belief.learn(&tags, seconds);
            (belief, news)
        }
        (Some(List { mut belief, .. }), None) => {
            let news = belief.learn_the_same(seconds);
            (belief, news)
        }
        (None, Some(tags)) => {
            let news = News { added: tags.len(), matters: true, is_changed: true, ..News::default() };
            (Belief::new(&tags, seconds), news)
        }
        (None, None) => return None,
    };
    if !news.vanished.is_empty() || !news.returned.is_empty() {
        let mut facts = store.facts(repository);
        for tag in &news.vanished {
            facts.remove(tag);
        }
        for tag in &news.returned {
            // It may be another image now.
            facts.entry(tag.clone()).and_modify(|fact| fact.is_stale = true);
        }
        store.put_facts(repository, &facts);
    }
    let (doubt, count) = (belief.in_doubt(), belief.tags.len());
    if news.is_changed {
        store.put_list(repository, &List { marks, belief }, now);
        store.relieve(Timestamp::from_millisecond(now).unwrap_or_default());
    } else {
        store.put_time(repository, now);
    }
    Some((doubt, news, count))
}

fn tell(repository: &Repository, news: &News, doubt: Option<&InDoubt>, was_in_doubt: bool) {
    let names = |tags: &[Tag]| tags.iter().take(10).map(Tag::as_str).collect::<Vec<_>>().join(" ");
    if let Some(doubt) = doubt.filter(|_| !was_in_doubt) {
        tracing::warn!(%repository, "{doubt}");
    }
    if !news.returned.is_empty() {
        tracing::info!(%repository, count = news.returned.len(), tags = names(&news.returned), "tags are back");
    }
    if !news.vanished.is_empty() {
        tracing::info!(%repository, count = news.vanished.len(), tags = names(&news.vanished), "tags are gone");
    }
    tracing::debug!(%repository, added = news.added, "tag list learnt");
}

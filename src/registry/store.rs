//! What registries have told us already, kept over restarts in one file. Asks nobody.
//!
//! Everything in it can be asked for again, so no trouble with the file is an error for anybody: what
//! cannot be written stays in memory, with a warning, and what cannot be read is not known.
//!
//! # Bounds
//!
//! A tag takes what its name differs from the one before it in the order of the bytes, and one to five
//! bytes for the time it was first seen: `1.4.17` six to eight bytes, `main-<commit>-<time>` some 25. Where a
//! policy asked for its image, 20 to 55 bytes more. A repository that was not listed for
//! [`UNWATCHED`] days is dropped, and of the image configurations the [`CONFIGS`] used last are kept.
//! The file itself holds free space for the next change, mostly as much as there is content, and is made
//! smaller at the start when there is more than three times as much.

mod bytes;
mod disk;
mod record;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::image::{Digest, Repository};
use disk::{Disk, Table, Trouble};
pub(super) use record::{Config, Created, Fact, Facts, List};

/// After so many days without being listed a repository is forgotten.
const UNWATCHED: i64 = 30;

/// How many image configurations are kept.
const CONFIGS: usize = 200_000;

/// How many of them are kept while there is no file to keep them in.
const CONFIGS_IN_MEMORY: usize = 100_000;

/// So many bytes are gathered before they are written in any case.
const MUCH: usize = 4 << 20;

/// How long smaller changes are gathered for one write.
const GATHER: Duration = Duration::from_secs(10);

/// How long a file in trouble is left alone.
const RETRY: Duration = Duration::from_mins(1);

/// How often what nobody needs any more is looked for, in seconds; and the times of lists written.
const TIDY: i64 = 24 * 60 * 60;

const DAY: i64 = 24 * 60 * 60;

/// What there is of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreStatus {
    /// There is no file yet.
    Absent,
    /// It is as it should be.
    Good {
        /// How many repositories are known.
        repositories: usize,
        /// The size of the file.
        bytes: u64,
    },
    /// Another process has it open.
    InUse,
    /// Its content is not what was written, or was written by a newer program.
    Unusable(String),
    /// It cannot be opened.
    Unreadable(String),
}

/// Looks at the file of a store. None is begun.
pub(super) fn status(path: &Path) -> StoreStatus {
    let Ok(metadata) = path.metadata() else { return StoreStatus::Absent };
    let mut repositories = 0;
    let counted = Disk::open(path).and_then(|disk| disk.each(Table::Times, |_, _| repositories += 1));
    match counted {
        Ok(()) => StoreStatus::Good { repositories, bytes: metadata.len() },
        Err(Trouble::Busy) => StoreStatus::InUse,
        Err(Trouble::Unusable(why)) => StoreStatus::Unusable(why),
        Err(Trouble::Io(why)) => StoreStatus::Unreadable(why),
    }
}

/// What is known, in memory and on disk.
#[derive(Debug)]
pub(super) struct Store(Mutex<State>);

/// Entries with their new values, `None` for those to remove.
type Changes = BTreeMap<(Table, Box<[u8]>), Option<Vec<u8>>>;

#[derive(Debug)]
struct State {
    /// Where the file is, if there is to be one.
    path: Option<PathBuf>,
    disk: Option<Arc<Disk>>,
    /// What is not on disk yet.
    pending: Changes,
    pending_bytes: usize,
    /// What is on its way there.
    writing: Option<Arc<Changes>>,
    /// The configurations among what is pending, the oldest first, while there is no file.
    configs: VecDeque<Box<[u8]>>,
    /// When repositories were listed, in milliseconds since 1970, and whether the file says so.
    times: HashMap<Box<[u8]>, (i64, bool)>,
    written: Option<Instant>,
    /// When the file was in trouble last.
    troubled: Option<Instant>,
    /// Whether that was said.
    has_warned: bool,
    tidied: i64,
}

impl Store {
    /// Opens the file at `path`, or keeps everything in memory when there is to be none. Says in the log
    /// what is wrong with the file, and works without it.
    pub(super) fn open(path: Option<PathBuf>, now: Timestamp) -> Self {
        let mut state = State {
            path,
            disk: None,
            pending: BTreeMap::new(),
            pending_bytes: 0,
            writing: None,
            configs: VecDeque::new(),
            times: HashMap::new(),
            written: None,
            troubled: None,
            has_warned: false,
            tidied: 0,
        };
        state.open(now);
        Self(Mutex::new(state))
    }

    /// The list of a repository.
    pub(super) fn list(&self, repository: &Repository) -> Option<List> {
        let bytes = self.state().get(Table::Lists, &key(repository))?;
        List::from_bytes(&bytes)
    }

    /// When it came, in milliseconds since 1970.
    pub(super) fn time(&self, repository: &Repository) -> Option<i64> {
        self.state().times.get(&key(repository)).map(|(time, _)| *time)
    }

    pub(super) fn put_list(&self, repository: &Repository, list: &List, time: i64) {
        let (key, bytes) = (key(repository), list.to_bytes());
        let mut state = self.state();
        state.put(Table::Lists, key.clone(), bytes);
        state.put(Table::Times, key.clone(), time.to_le_bytes().into());
        state.times.insert(key, (time, true));
    }

    /// Notes that a list came which is the one that is known. That is written some time.
    pub(super) fn put_time(&self, repository: &Repository, time: i64) {
        self.state().times.insert(key(repository), (time, false));
    }

    /// What is known of a repository's images.
    pub(super) fn facts(&self, repository: &Repository) -> Facts {
        let bytes = self.state().get(Table::Facts, &key(repository));
        bytes.and_then(|bytes| record::facts_from_bytes(&bytes)).unwrap_or_default()
    }

    pub(super) fn put_facts(&self, repository: &Repository, facts: &Facts) {
        let bytes = record::facts_to_bytes(facts);
        self.state().put(Table::Facts, key(repository), bytes);
    }

    /// The image configuration with this digest.
    pub(super) fn config(&self, digest: &Digest, now: Timestamp) -> Option<Config> {
        let key: Box<[u8]> = record::digest_to_bytes(digest).into();
        let mut state = self.state();
        let mut bytes = state.get(Table::Configs, &key)?;
        let (used, content) = bytes.split_first_chunk_mut::<4>()?;
        let config = Config::from_bytes(content)?;
        // What was used last is kept longest. A week more or less makes no difference, and saves writing.
        let today = day(now);
        if today.saturating_sub(u32::from_le_bytes(*used)) >= 7 {
            *used = today.to_le_bytes();
            state.put(Table::Configs, key, bytes);
        }
        Some(config)
    }

    pub(super) fn put_config(&self, digest: &Digest, config: &Config, now: Timestamp) {
        let key: Box<[u8]> = record::digest_to_bytes(digest).into();
        let bytes = [&day(now).to_le_bytes(), config.to_bytes().as_slice()].concat();
        self.state().put(Table::Configs, key, bytes);
    }

    /// Forgets what is in memory alone of repositories that nobody watches. The file keeps them a while.
    pub(super) fn keep(&self, is_watched: impl Fn(&[u8]) -> bool) {
        let mut state = self.state();
        if state.disk.is_none() {
            let of_repository = |table| matches!(table, Table::Lists | Table::Facts | Table::Times);
            state.pending.retain(|(table, key), _| !of_repository(*table) || is_watched(key));
            state.pending_bytes = state.pending.values().flatten().map(Vec::len).sum();
        }
        state.times.retain(|key, (_, is_written)| *is_written || is_watched(key));
    }

    /// Writes what was gathered if that is much, so that it does not fill the memory. Waits for the disk.
    pub(super) fn relieve(&self, now: Timestamp) {
        let is_much = self.state().pending_bytes >= MUCH;
        if is_much {
            self.flush(now);
        }
    }

    /// Whether what is known is to outlive the process.
    pub(super) fn is_kept(&self) -> bool {
        self.state().path.is_some()
    }

    /// Writes what has to be written: in one go, and nothing when nothing changed. Waits for the disk.
    pub(super) fn flush(&self, now: Timestamp) {
        let mut state = self.state();
        if state.path.is_none() || state.writing.is_some() {
            return;
        }
        if state.disk.is_none() && state.troubled.is_none_or(|at| at.elapsed() >= RETRY) {
            state.open(now);
        }
        if now.as_second() - state.tidied >= TIDY {
            state.tidy(now);
        }
        let is_time = state.pending_bytes >= MUCH || state.written.is_none_or(|at| at.elapsed() >= GATHER);
        if is_time && let Some((disk, changes)) = state.begin_write(now) {
            // The disk takes its time, and nobody has to wait for it.
            drop(state);
            let written = disk.write(&changes);
            self.state().end_write(written, now);
        }
    }

    /// Writes everything that is not on disk yet.
    pub(super) fn close(&self, now: Timestamp) {
        let mut state = self.state();
        state.put_times();
        if let Some((disk, changes)) = state.begin_write(now) {
            let written = disk.write(&changes);
            state.end_write(written, now);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn get(&mut self, table: Table, key: &[u8]) -> Option<Vec<u8>> {
        // The key of a map cannot be borrowed in two parts.
        let place = (table, key.into());
        let known = self.pending.get(&place).or_else(|| self.writing.as_ref()?.get(&place));
        if let Some(value) = known {
            return value.clone();
        }
        match self.disk.as_ref()?.get(table, key) {
            Ok(value) => value,
            Err(trouble) => {
                self.close(&trouble, Timestamp::now());
                None
            }
        }
    }

    fn put(&mut self, table: Table, key: Box<[u8]>, value: Vec<u8>) {
        self.pending_bytes += value.len();
        let is_new_config = table == Table::Configs && self.disk.is_none();
        if is_new_config && !self.pending.contains_key(&(table, key.clone())) {
            self.configs.push_back(key.clone());
            if self.configs.len() > CONFIGS_IN_MEMORY
                && let Some(oldest) = self.configs.pop_front()
            {
                self.pending.remove(&(table, oldest));
            }
        }
        if let Some(Some(before)) = self.pending.insert((table, key), Some(value)) {
            self.pending_bytes = self.pending_bytes.saturating_sub(before.len());
        }
    }

    fn open(&mut self, now: Timestamp) {
        let Some(path) = self.path.clone() else { return };
        let mut opened = Disk::open(&path);
        if let Err(Trouble::Unusable(why)) = &opened {
            opened = set_aside(&path, why, now).and_then(|()| Disk::open(&path));
        }
        let opened = opened.and_then(|disk| {
            disk.each(Table::Times, |key, value| {
                let time = value.try_into().map_or(0, i64::from_le_bytes);
                self.times.entry(key.into()).or_insert((time, true));
            })?;
            Ok(disk)
        });
        match opened {
            Ok(disk) => {
                if self.has_warned {
                    tracing::info!("what is known of the registries is written to {} again", path.display());
                }
                (self.has_warned, self.troubled) = (false, None);
                self.disk = Some(Arc::new(disk));
            }
            Err(trouble) => self.go_without(&trouble),
        }
    }

    /// Takes the consequence of trouble with the open file.
    fn close(&mut self, trouble: &Trouble, now: Timestamp) {
        self.disk = None;
        let (Some(path), Trouble::Unusable(why)) = (self.path.clone(), trouble) else {
            return self.go_without(trouble);
        };
        // It was good when it was opened: somebody wrote into it, or the disk lost something.
        match set_aside(&path, why, now) {
            Ok(()) => self.open(now),
            Err(trouble) => self.go_without(&trouble),
        }
    }

    /// Leaves the file alone for a while.
    fn go_without(&mut self, trouble: &Trouble) {
        self.troubled = Some(Instant::now());
        let Some(path) = self.path.as_ref().filter(|_| !self.has_warned) else { return };
        tracing::warn!(
            "what is known of the registries cannot be kept in {}: {trouble}. It is kept in memory alone, and a restart \
             asks for it again",
            path.display()
        );
        self.has_warned = true;
    }

    fn begin_write(&mut self, now: Timestamp) -> Option<(Arc<Disk>, Arc<Changes>)> {
        if self.pending.is_empty() {
            return None;
        }
        if self.disk.as_ref().is_some_and(|disk| !disk.is_there()) {
            // Somebody removed the data directory. What it held can be asked for again.
            self.disk = None;
            self.open(now);
        }
        let disk = Arc::clone(self.disk.as_ref()?);
        let changes = Arc::new(std::mem::take(&mut self.pending));
        (self.pending_bytes, self.writing) = (0, Some(Arc::clone(&changes)));
        self.configs.clear();
        Some((disk, changes))
    }

    fn end_write(&mut self, written: Result<(), Trouble>, now: Timestamp) {
        let changes = self.writing.take();
        match written {
            Ok(()) => self.written = Some(Instant::now()),
            Err(trouble) => {
                for (place, value) in changes.iter().flat_map(|changes| changes.iter()) {
                    if !self.pending.contains_key(place) {
                        self.pending.insert(place.clone(), value.clone());
                    }
                }
                self.pending_bytes = self.pending.values().flatten().map(Vec::len).sum();
                self.close(&trouble, now);
            }
        }
    }

    fn put_times(&mut self) {
        for (key, (time, is_written)) in &mut self.times {
            if !std::mem::replace(is_written, true) {
                self.pending.insert((Table::Times, key.clone()), Some(time.to_le_bytes().into()));
            }
        }
    }

    /// Drops what nobody needs any more.
    fn tidy(&mut self, now: Timestamp) {
        self.tidied = now.as_second();
        self.put_times();
        let Some(disk) = self.disk.clone() else { return };
        let oldest = now.as_millisecond() - UNWATCHED * DAY * 1000;
        let unwatched = self.times.iter().filter(|(_, (time, _))| *time < oldest);
        let unwatched: Vec<_> = unwatched.map(|(key, _)| key.clone()).collect();
        let mut used: Vec<(u32, Box<[u8]>)> = Vec::new();
        let looked = disk.each(Table::Configs, |key, value| {
            let day = value.first_chunk().map_or(0, |day| u32::from_le_bytes(*day));
            used.push((day, key.into()));
        });
        if let Err(trouble) = looked {
            return self.close(&trouble, now);
        }
        for key in unwatched {
            self.times.remove(&key);
            let tables = [Table::Lists, Table::Facts, Table::Times];
            self.pending.extend(tables.map(|table| ((table, key.clone()), None)));
        }
        if let Some(surplus) = used.len().checked_sub(CONFIGS).filter(|surplus| *surplus > 0) {
            used.select_nth_unstable(surplus - 1);
            used.truncate(surplus);
            self.pending.extend(used.into_iter().map(|(_, key)| ((Table::Configs, key), None)));
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close(Timestamp::now());
    }
}

/// The bytes by which a repository is known in the store.
pub(super) fn key(repository: &Repository) -> Box<[u8]> {
    repository.to_string().into_bytes().into()
}

fn set_aside(path: &Path, why: &str, now: Timestamp) -> Result<(), Trouble> {
    let aside =
        disk::set_aside(path, now).map_err(|error| Trouble::Io(format!("{why}, and it cannot be moved: {error}")))?;
    let (path, aside) = (path.display(), aside.display());
    tracing::warn!(
        "what was known of the registries cannot be used, {path}: {why}; it was set aside as {aside}, and the registries \
         are asked again"
    );
    Ok(())
}

/// The days since 1970.
fn day(now: Timestamp) -> u32 {
    u32::try_from(now.as_second() / DAY).unwrap_or_default()
}

#[cfg(test)]
mod tests;

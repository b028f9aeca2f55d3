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
//! thirty days is dropped, and of the image configurations the 200,000 used last are kept.
//! The file itself holds free space for the next change, mostly as much as there is content, and is made
//! smaller at the start when there is more than three times as much.

mod bytes;
mod disk;
mod record;
mod state;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::image::{Digest, Repository};
use disk::{Disk, Table, Trouble};
pub(super) use record::{Config, Created, Fact, Facts, List};
use state::State;

/// So many bytes are gathered before they are written in any case.
const MUCH: usize = 4 << 20;

/// How long smaller changes are gathered for one write.
const GATHER: Duration = Duration::from_secs(10);

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

impl Store {
    /// Opens the file at `path`, or keeps everything in memory when there is to be none. Says in the log
    /// what is wrong with the file, and works without it.
    pub(super) fn open(path: Option<PathBuf>, now: Timestamp) -> Self {
        let mut state = State { path, ..State::default() };
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
        state.try_again(now);
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

impl Drop for Store {
    fn drop(&mut self) {
        self.close(Timestamp::now());
    }
}

/// The bytes by which a repository is known in the store.
pub(super) fn key(repository: &Repository) -> Box<[u8]> {
    repository.to_string().into_bytes().into()
}

/// The days since 1970.
fn day(now: Timestamp) -> u32 {
    u32::try_from(now.as_second() / DAY).unwrap_or_default()
}

#[cfg(test)]
mod tests;

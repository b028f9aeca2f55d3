//! What is known and not on disk yet, and what becomes of it when the file is in trouble. Knows tables and keys, and
//! not what they mean.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::DAY;
use super::disk::{self, Changes, Disk, Table, Trouble};

/// How many image configurations are kept.
pub(super) const CONFIGS: usize = 200_000;

/// How many of them are kept while there is no file to keep them in.
const CONFIGS_IN_MEMORY: usize = 100_000;

/// How long a file in trouble is left alone.
const RETRY: Duration = Duration::from_mins(1);

/// After so many days without being listed a repository is forgotten.
pub(super) const UNWATCHED: i64 = 30;

#[derive(Debug, Default)]
pub(super) struct State {
    /// Where the file is, if there is to be one.
    pub(super) path: Option<PathBuf>,
    pub(super) disk: Option<Arc<Disk>>,
    /// What is not on disk yet.
    pub(super) pending: Changes,
    pub(super) pending_bytes: usize,
    /// What is on its way there.
    pub(super) writing: Option<Arc<Changes>>,
    /// The configurations among what is pending, the oldest first, while there is no file.
    pub(super) configs: VecDeque<Box<[u8]>>,
    /// When repositories were listed, in milliseconds since 1970, and whether the file says so.
    pub(super) times: HashMap<Box<[u8]>, (i64, bool)>,
    pub(super) written: Option<Instant>,
    /// When the file was in trouble last.
    pub(super) troubled: Option<Instant>,
    /// Whether that was said.
    pub(super) has_warned: bool,
    pub(super) tidied: i64,
}

impl State {
    pub(super) fn get(&mut self, table: Table, key: &[u8]) -> Option<Vec<u8>> {
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

    pub(super) fn put(&mut self, table: Table, key: Box<[u8]>, value: Vec<u8>) {
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

    pub(super) fn open(&mut self, now: Timestamp) {
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

    /// Opens the file that was in trouble, when it was left alone for long enough.
    pub(super) fn try_again(&mut self, now: Timestamp) {
        if self.disk.is_none() && self.troubled.is_none_or(|at| at.elapsed() >= RETRY) {
            self.open(now);
        }
    }

    /// Takes the consequence of trouble with the open file.
    pub(super) fn close(&mut self, trouble: &Trouble, now: Timestamp) {
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

    pub(super) fn begin_write(&mut self, now: Timestamp) -> Option<(Arc<Disk>, Arc<Changes>)> {
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

    pub(super) fn end_write(&mut self, written: Result<(), Trouble>, now: Timestamp) {
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

    pub(super) fn put_times(&mut self) {
        for (key, (time, is_written)) in &mut self.times {
            if !std::mem::replace(is_written, true) {
                self.pending.insert((Table::Times, key.clone()), Some(time.to_le_bytes().into()));
            }
        }
    }

    /// Drops what nobody needs any more.
    pub(super) fn tidy(&mut self, now: Timestamp) {
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

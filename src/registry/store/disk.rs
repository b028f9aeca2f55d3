//! The file of the store: tables of bytes in redb, the only door to it. Knows nothing of what they mean.
//!
//! redb writes a change beside what was there and then moves one pointer, so whoever opens the file finds
//! all of a change or nothing of it, however the process ended. The whole file is verified when it is
//! opened. A file that is damaged all the same, or was written by a newer program, is not ours to repair:
//! it is set aside and another one begun, for everything in it can be asked for again.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use redb::{
    Builder, Database, DatabaseError, ReadableDatabase as _, ReadableTable as _, StorageError, TableDefinition,
};

/// Entries with their new values, `None` for those to remove.
pub(super) type Changes = BTreeMap<(Table, Box<[u8]>), Option<Vec<u8>>>;

/// What the tables below mean. A file with a higher number was written by a newer program.
const SCHEMA: u64 = 1;

/// Where that number stands.
const SCHEMA_KEY: &[u8] = b"schema";

/// How much of the file is held in memory, in bytes.
const CACHE: usize = 4 << 20;

/// A file that is smaller than this is never compacted, in bytes.
const SMALL: u64 = 32 << 20;

/// How many files that were set aside are left lying.
const SET_ASIDE: usize = 3;

/// A table of the store, all of them from bytes to bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Table {
    /// Repository → its list.
    Lists,
    /// Repository → what is known of its images.
    Facts,
    /// Repository → when it was last listed.
    Times,
    /// Digest → when it was last used, and the image configuration.
    Configs,
    /// The schema.
    Meta,
}

/// The open file.
#[derive(Debug)]
pub(super) struct Disk {
    database: Database,
    path: PathBuf,
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// Another process has it open.
    #[error("another process has it open; give each daemon a data directory of its own")]
    Busy,
    /// Its content is not what was written, or was written by a newer program.
    #[error("{0}")]
    Unusable(String),
    /// The disk is full, read-only, away.
    #[error("{0}")]
    Io(String),
}

impl Table {
    const ALL: [Self; 5] = [Self::Lists, Self::Facts, Self::Times, Self::Configs, Self::Meta];

    fn definition(self) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
        TableDefinition::new(match self {
            Self::Lists => "lists",
            Self::Facts => "facts",
            Self::Times => "times",
            Self::Configs => "configs",
            Self::Meta => "meta",
        })
    }
}

impl Disk {
    /// Opens the file, or begins one.
    pub(super) fn open(path: &Path) -> Result<Self, Trouble> {
        guarded(|| {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).map_err(|error| Trouble::Io(error.to_string()))?;
            }
            if !path.exists() {
                begin(path)?;
            }
            let database = Builder::new().set_cache_size(CACHE).set_check_integrity_on_open(true).open(path)?;
            let mut disk = Self { database, path: path.to_owned() };
            disk.check_schema()?;
            disk.compact()?;
            Ok(disk)
        })
    }

    /// The value of an entry.
    pub(super) fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Trouble> {
        guarded(|| {
            let read = self.database.begin_read().map_err(redb::Error::from)?;
            let table = match read.open_table(table.definition()) {
                Ok(table) => table,
                Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
                Err(error) => return Err(redb::Error::from(error).into()),
            };
            Ok(table.get(key).map_err(redb::Error::from)?.map(|value| value.value().to_vec()))
        })
    }

    /// Gives every entry of a table to `take`.
    pub(super) fn each(&self, table: Table, mut take: impl FnMut(&[u8], &[u8])) -> Result<(), Trouble> {
        guarded(|| {
            let read = self.database.begin_read().map_err(redb::Error::from)?;
            let table = match read.open_table(table.definition()) {
                Ok(table) => table,
                Err(redb::TableError::TableDoesNotExist(_)) => return Ok(()),
                Err(error) => return Err(redb::Error::from(error).into()),
            };
            for entry in table.iter().map_err(redb::Error::from)? {
                let (key, value) = entry.map_err(redb::Error::from)?;
                take(key.value(), value.value());
            }
            Ok(())
        })
    }

    /// Writes all of the changes, or none of them, and waits until the disk has them.
    pub(super) fn write(&self, changes: &Changes) -> Result<(), Trouble> {
        guarded(|| {
            let write = self.database.begin_write().map_err(redb::Error::from)?;
            for table in Table::ALL {
                let mut changes = changes.iter().filter(|((of, _), _)| *of == table).peekable();
                if changes.peek().is_none() {
                    continue;
                }
                let mut table = write.open_table(table.definition()).map_err(redb::Error::from)?;
                for ((_, key), value) in changes {
                    match value {
                        Some(value) => drop(table.insert(&**key, value.as_slice()).map_err(redb::Error::from)?),
                        None => drop(table.remove(&**key).map_err(redb::Error::from)?),
                    }
                }
            }
            write.commit().map_err(redb::Error::from)?;
            Ok(())
        })
    }

    /// Gives space back to the file system when most of a file that is not small is empty.
    fn compact(&mut self) -> Result<(), Trouble> {
        let length = fs::metadata(&self.path).map_err(|error| Trouble::Io(error.to_string()))?.len();
        if length < SMALL {
            return Ok(());
        }
        guarded(|| {
            let write = self.database.begin_write().map_err(redb::Error::from)?;
            let stored = write.stats().map_err(redb::Error::from)?.stored_bytes();
            write.abort().map_err(redb::Error::from)?;
            if stored < length / 4 {
                self.database.compact().map_err(redb::Error::from)?;
            }
            Ok(())
        })
    }

    /// Whether the file is still where it was opened.
    pub(super) fn is_there(&self) -> bool {
        self.path.exists()
    }

    fn check_schema(&self) -> Result<(), Trouble> {
        let written = self.get(Table::Meta, SCHEMA_KEY)?;
        match written.and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes) {
            Some(SCHEMA) => Ok(()),
            Some(schema) => Err(Trouble::Unusable(format!(
                "a newer Landwaiter wrote it (schema {schema}, this one knows {SCHEMA})"
            ))),
            None => Err(Trouble::Unusable("it does not say what wrote it".to_owned())),
        }
    }
}

/// Begins a file. It gets its name when it is whole, so that a process that is killed here leaves nothing
/// that looks like a damaged store.
fn begin(path: &Path) -> Result<(), Trouble> {
    let unfinished = path.with_extension("new");
    let io = |error: io::Error| Trouble::Io(error.to_string());
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io(error)),
        _ => {}
    }
    let database = Builder::new().create(&unfinished)?;
    let disk = Disk { database, path: unfinished };
    disk.write(&Changes::from([((Table::Meta, SCHEMA_KEY.into()), Some(SCHEMA.to_le_bytes().into()))]))?;
    disk.database.close()?;
    fs::rename(disk.path, path).map_err(io)
}

/// Moves a file that cannot be used out of the way and says where it lies; older ones are removed, so
/// that they cannot fill the disk.
pub(super) fn set_aside(path: &Path, now: Timestamp) -> io::Result<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned() + ".bad-";
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut aside = folder.join(format!("{name}{}", now.strftime("%Y%m%dT%H%M%SZ")));
    for number in 2.. {
        if !aside.exists() {
            break;
        }
        aside = folder.join(format!("{name}{}-{number}", now.strftime("%Y%m%dT%H%M%SZ")));
    }
    fs::rename(path, &aside)?;
    let mut others: Vec<_> = fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|other| other.file_name().is_some_and(|other| other.to_string_lossy().starts_with(&name)))
        .collect();
    others.sort();
    let surplus = others.len().saturating_sub(SET_ASIDE);
    for other in &others[..surplus] {
        fs::remove_file(other)?;
    }
    Ok(aside)
}

/// Runs `work` and takes a panic for what it is: a file in which something stands that was never written.
fn guarded<T>(work: impl FnOnce() -> Result<T, Trouble>) -> Result<T, Trouble> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Trouble::Unusable("its content makes no sense".to_owned())))
}

impl From<DatabaseError> for Trouble {
    fn from(error: DatabaseError) -> Self {
        redb::Error::from(error).into()
    }
}

impl From<StorageError> for Trouble {
    fn from(error: StorageError) -> Self {
        redb::Error::from(error).into()
    }
}

impl From<redb::Error> for Trouble {
    fn from(error: redb::Error) -> Self {
        match &error {
            redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch => Self::Busy,
            redb::Error::Corrupted(_)
            | redb::Error::UpgradeRequired(_)
            | redb::Error::RepairAborted
            | redb::Error::TableTypeMismatch { .. }
            | redb::Error::TypeDefinitionChanged { .. } => Self::Unusable(error.to_string()),
            redb::Error::Io(cause)
                if matches!(cause.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) =>
            {
                Self::Unusable(cause.to_string())
            }
            redb::Error::Io(cause) => Self::Io(cause.to_string()),
            _ => Self::Io(error.to_string()),
        }
    }
}

//! The files of one commit, read from the object database. Must not know where that database is or
//! how it got there.

mod past;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gix::ObjectId;
use gix::objs::tree::EntryKind;
use gix::objs::{CommitRef, Find, Kind, TreeRefIter};
use gix::odb::Header as _;
use jiff::Timestamp;

use super::fetch::LARGEST_FILE;
use super::{Error, Identity, commit, store};
use crate::path::RepoPath;
use crate::plain::{self, chain};

/// What a snapshot, and each clone of it, may keep in memory while files are read.
const PACK_CACHE_BYTES: usize = 64 << 20;

/// The name of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitId(pub(super) ObjectId);

/// The name of the content of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobId(pub(super) ObjectId);

/// A regular file in a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Where it is.
    pub path: RepoPath,
    /// What is in it; the same content has the same name.
    pub blob: BlobId,
    /// Whether it is marked as a program.
    pub executable: bool,
}

/// What [`Snapshot::files`] found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Files {
    /// The regular files, sorted by path.
    pub files: Vec<File>,
    /// The paths that were asked for and do not exist.
    pub missing: Vec<RepoPath>,
    /// What is there but is no regular file with a readable name, sorted.
    pub skipped: Vec<Skipped>,
}

/// An entry that is passed over and never changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skipped {
    /// Its path; bytes that are no UTF-8 are replaced.
    pub path: String,
    /// Why.
    pub why: WhySkipped,
}

/// Why an entry is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WhySkipped {
    /// A symbolic link.
    Symlink,
    /// A commit of another repository.
    Submodule,
    /// A name that is no UTF-8, or that could lead out of the repository.
    Name,
}

/// A commit of the past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedCommit {
    /// Its name.
    pub id: CommitId,
    /// Its whole message; bytes that are no UTF-8 are replaced.
    pub message: String,
    /// Who wrote it.
    pub author: Identity,
    /// When it was written, by the author's clock.
    pub time: Timestamp,
}

/// One commit and everything in it. Cheap to clone: a clone per thread reads without waiting.
pub struct Snapshot {
    objects: Mutex<gix::OdbHandle>,
    commit: CommitId,
    tree: ObjectId,
    branch: Arc<str>,
    url: Arc<str>,
    boundary: Arc<BTreeSet<ObjectId>>,
    /// Whether large files may be missing.
    is_partial: bool,
    /// `None` when this is no copy of ours.
    damaged: Option<Arc<AtomicBool>>,
}

impl Snapshot {
    /// Reads the commit, which proves that it is there.
    pub(super) fn open(
        repository: &gix::Repository,
        commit: ObjectId,
        branch: &str,
        url: &str,
        damaged: Option<Arc<AtomicBool>>,
    ) -> Result<Self, Error> {
        let mut objects = repository.objects.clone();
        // A replacement would give other bytes than those that the name stands for.
        objects.ignore_replacements = true;
        // Files are stored as differences from each other: keeping the bases saves most of the work.
        objects.set_pack_cache(|| Box::new(gix_pack::cache::lru::MemoryCappedHashmap::new(PACK_CACHE_BYTES)));
        let mut snapshot = Self {
            objects: Mutex::new(objects),
            commit: CommitId(commit),
            tree: ObjectId::null(gix::hash::Kind::Sha1),
            branch: branch.into(),
            url: url.into(),
            boundary: Arc::new(boundary(repository)),
            is_partial: store::is_partial(repository.common_dir()),
            damaged,
        };
        let mut buffer = Vec::new();
        snapshot.find(commit, Kind::Commit, &mut buffer)?;
        snapshot.tree = snapshot.commit_ref(commit, &buffer)?.tree();
        snapshot.find(snapshot.tree, Kind::Tree, &mut buffer)?;
        Ok(snapshot)
    }

    /// The commit.
    #[must_use]
    pub fn commit(&self) -> CommitId {
        self.commit
    }

    /// The short name of the branch whose head the commit was.
    #[must_use]
    pub fn branch(&self) -> &str {
        &self.branch
    }

    /// The regular files at and below the paths in `within`; of the whole commit when that is empty.
    /// Folders outside are not read.
    ///
    /// # Errors
    /// When a tree cannot be read.
    pub fn files(&self, within: &[RepoPath]) -> Result<Files, Error> {
        let mut found = Files::default();
        let mut seen = vec![within.is_empty(); within.len()];
        let mut folders: Vec<(Option<RepoPath>, ObjectId)> = vec![(None, self.tree)];
        let mut buffer = Vec::new();
        while let Some((folder, id)) = folders.pop() {
            self.find(id, Kind::Tree, &mut buffer)?;
            for entry in TreeRefIter::from_bytes(&buffer, gix::hash::Kind::Sha1) {
                let entry = entry.map_err(|error| self.damage(id, &error.to_string()))?;
                let name = std::str::from_utf8(entry.filename).ok();
                let path = name
                    .filter(|name| !name.contains('/'))
                    .and_then(|name| RepoPath::below(folder.as_ref(), name).ok());
                let Some(path) = path else {
                    // Outside of what was asked for nobody needs to hear of it.
                    if within.is_empty() || folder.as_ref().is_some_and(|folder| is_wanted(folder, within)) {
                        let shown = entry.filename.to_string();
                        let shown = folder.as_ref().map_or(shown.clone(), |folder| format!("{folder}/{shown}"));
                        found.skipped.push(Skipped { path: plain::line(&shown, 300), why: WhySkipped::Name });
                    }
                    continue;
                };
                for (asked, seen) in within.iter().zip(&mut seen) {
                    *seen |= *asked == path;
                }
                let kind = entry.mode.kind();
                if !is_wanted(&path, within) {
                    if kind == EntryKind::Tree && within.iter().any(|asked| asked.is_within(&path)) {
                        folders.push((Some(path), entry.oid.to_owned()));
                    }
                    continue;
                }
                let mut skip = |why| found.skipped.push(Skipped { path: path.to_string(), why });
                match kind {
                    EntryKind::Tree => folders.push((Some(path), entry.oid.to_owned())),
                    EntryKind::Link => skip(WhySkipped::Symlink),
                    EntryKind::Commit => skip(WhySkipped::Submodule),
                    EntryKind::Blob | EntryKind::BlobExecutable => found.files.push(File {
                        path,
                        blob: BlobId(entry.oid.to_owned()),
                        executable: kind == EntryKind::BlobExecutable,
                    }),
                }
            }
        }
        found.missing = within.iter().zip(seen).filter(|(_, seen)| !seen).map(|(asked, _)| asked.clone()).collect();
        found.files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        found.skipped.sort_unstable();
        Ok(found)
    }

    /// The content of a file into `buffer`, which is emptied first; a reused buffer saves most of the
    /// work of ten thousand small files.
    ///
    /// # Errors
    /// When the content cannot be read.
    pub fn read(&self, blob: BlobId, buffer: &mut Vec<u8>) -> Result<(), Error> {
        self.find(blob.0, Kind::Blob, buffer)
    }

    /// Whether a file is larger than what is read (32 MiB). Its content is not looked at, and may not be here.
    ///
    /// # Errors
    /// When that cannot be told.
    pub fn is_too_large(&self, blob: BlobId) -> Result<bool, Error> {
        match self.objects().try_header(&blob.0) {
            Ok(Some(header)) => Ok(header.size() > LARGEST_FILE),
            Ok(None) if self.is_partial => Ok(true),
            Ok(None) => Err(self.damage(blob.0, "it is missing")),
            Err(error) => Err(self.damage(blob.0, &chain(&error))),
        }
    }

    /// The content of the file at `path`; `None` where there is no plain file.
    ///
    /// # Errors
    /// When a folder on the way cannot be read.
    pub fn blob(&self, path: &RepoPath) -> Result<Option<BlobId>, Error> {
        self.blob_at(self.tree, path)
    }

    /// At most `limit` commits, from this one back along the first parents, newest first. It ends
    /// without an error where our copy of the history ends.
    ///
    /// # Errors
    /// When a commit cannot be read.
    pub fn history(&self, limit: usize) -> Result<Vec<LoggedCommit>, Error> {
        let mut log = Vec::new();
        let mut next = Some(self.commit.0);
        let mut buffer = Vec::new();
        while let Some(id) = next.filter(|_| log.len() < limit) {
            self.find(id, Kind::Commit, &mut buffer)?;
            let commit = self.commit_ref(id, &buffer)?;
            let author = commit.author().map_err(|error| self.damage(id, &chain(&error)))?;
            let seconds = author.time().map_or(0, |time| time.seconds);
            log.push(LoggedCommit {
                id: CommitId(id),
                message: commit.message.to_string(),
                author: Identity { name: author.name.to_string(), email: author.email.to_string() },
                time: Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH),
            });
            next = commit.parents().next().filter(|_| !self.boundary.contains(&id));
        }
        Ok(log)
    }

    fn blob_at(&self, tree: ObjectId, path: &RepoPath) -> Result<Option<BlobId>, Error> {
        let mut id = tree;
        let mut buffer = Vec::new();
        let mut parts = path.as_str().split('/').peekable();
        while let Some(part) = parts.next() {
            self.find(id, Kind::Tree, &mut buffer)?;
            let entries = commit::entries(&buffer).ok_or_else(|| self.damage(id, "a tree that ends too early"))?;
            let Some(entry) = entries.into_iter().find(|entry| entry.name == part.as_bytes()) else { return Ok(None) };
            let found = entry.id;
            match (parts.peek().is_some(), entry.is_tree(), entry.is_file()) {
                (true, true, _) => id = found,
                (false, _, true) => return Ok(Some(BlobId(found))),
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    pub(super) fn tree(&self) -> ObjectId {
        self.tree
    }

    /// Whether what is below this commit was not fetched.
    pub(super) fn is_boundary(&self, commit: ObjectId) -> bool {
        self.boundary.contains(&commit)
    }

    pub(super) fn objects(&self) -> MutexGuard<'_, gix::OdbHandle> {
        // A handle holds caches only, which a panic elsewhere does not spoil.
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bytes of an object of this kind.
    pub(super) fn find(&self, id: ObjectId, kind: Kind, buffer: &mut Vec<u8>) -> Result<(), Error> {
        let found = match self.objects().try_find(&id, buffer) {
            Ok(Some(data)) => Ok((data.kind, data.data.len())),
            Ok(None) => Err("it is missing".to_owned()),
            Err(error) => Err(chain(&error)),
        };
        match found {
            Ok((actual, length)) if actual == kind => {
                buffer.truncate(length);
                Ok(())
            }
            Ok((actual, _)) => Err(self.damage(id, &format!("a {actual} where a {kind} should be"))),
            Err(cause) => Err(self.damage(id, &cause)),
        }
    }

    pub(super) fn commit_ref<'a>(&self, id: ObjectId, bytes: &'a [u8]) -> Result<CommitRef<'a>, Error> {
        CommitRef::from_bytes(bytes, gix::hash::Kind::Sha1).map_err(|error| self.damage(id, &chain(&error)))
    }

    /// The error of an object that is not as it should be. In a copy of ours it is also noted, so that
    /// the next fetch replaces the copy.
    pub(super) fn damage(&self, id: ObjectId, cause: &str) -> Error {
        let url = self.url.to_string();
        let cause = format!("object {id}: {}", plain::line(cause, 300));
        match &self.damaged {
            Some(damaged) => {
                damaged.store(true, Ordering::Relaxed);
                Error::Damaged { url, cause }
            }
            None => Error::Local { url, doing: "read a commit", cause },
        }
    }

    /// The error of an object that could not be written.
    pub(super) fn unwritable(&self, error: &dyn std::error::Error) -> Error {
        match &self.damaged {
            Some(_) => Error::store(self.objects().store_ref().path(), "write an object", chain(error)),
            None => Error::Local { url: self.url.to_string(), doing: "write an object", cause: chain(error) },
        }
    }
}

impl Clone for Snapshot {
    fn clone(&self) -> Self {
        Self {
            objects: Mutex::new(self.objects().clone()),
            commit: self.commit,
            tree: self.tree,
            branch: Arc::clone(&self.branch),
            url: Arc::clone(&self.url),
            boundary: Arc::clone(&self.boundary),
            is_partial: self.is_partial,
            damaged: self.damaged.clone(),
        }
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Snapshot({} {} of {})", self.commit, self.branch, self.url)
    }
}

impl CommitId {
    /// The first seven digits, as people write it.
    #[must_use]
    pub fn short(&self) -> String {
        self.0.to_hex_with_len(7).to_string()
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn is_wanted(path: &RepoPath, within: &[RepoPath]) -> bool {
    within.is_empty() || within.iter().any(|asked| path.is_within(asked))
}

/// The commits whose parents are not in our copy.
fn boundary(repository: &gix::Repository) -> BTreeSet<ObjectId> {
    let text = std::fs::read_to_string(repository.common_dir().join("shallow")).unwrap_or_default();
    text.lines().filter_map(|line| ObjectId::from_hex(line.as_bytes()).ok()).collect()
}

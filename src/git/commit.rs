//! Commits out of changed files: blobs, then the trees above them, then the commit. Must not know
//! what the changes are for, and writes objects only, never a reference.

use gix::ObjectId;
use gix::objs::{Kind, Write, WriteTo};
use jiff::Timestamp;

use super::folder::Folder;
use super::snapshot::{CommitId, Snapshot};
use super::{Error, Identity, Signing};
use crate::path::RepoPath;

/// The new content of files, with the whole path of each for messages.
type Changed<'a> = Folder<'a, (&'a RepoPath, ObjectId)>;

/// A commit with its tree, on which another can stand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parent {
    pub(super) commit: CommitId,
    pub(super) tree: ObjectId,
}

/// Writes the objects of a commit on top of `parent` and names it; `None` when nothing differs. Each
/// path must be a regular file there; its mode stays. All that is not ours is in the store of `base`.
#[expect(clippy::too_many_arguments, reason = "what a commit consists of")]
pub(super) fn write(
    base: &Snapshot,
    parent: Parent,
    changes: &[(RepoPath, Vec<u8>)],
    message: &str,
    author: &Identity,
    committer: &Identity,
    signing: Option<&Signing>,
    now: Timestamp,
) -> Result<Option<Parent>, Error> {
    author.check()?;
    committer.check()?;
    let mut root = Changed::default();
    for (path, bytes) in changes {
        let id = put(base, Kind::Blob, bytes)?;
        if root.insert(path, (path, id)).is_some() {
            return Err(refused(base, path, "it is there twice"));
        }
    }
    let tree = rewrite(base, parent.tree, &root)?;
    if tree == parent.tree {
        return Ok(None);
    }
    let mut commit = object(tree, Some(parent.commit.0), message, author, committer, now);
    let mut bytes = Vec::new();
    commit.write_to(&mut bytes).map_err(|error| base.unwritable(&error))?;
    if let Some(signing) = signing {
        // What is signed is the commit as it would be without the signature.
        commit.extra_headers.push(("gpgsig".into(), signing.sign(&bytes, now)?.into()));
        bytes.clear();
        commit.write_to(&mut bytes).map_err(|error| base.unwritable(&error))?;
    }
    Ok(Some(Parent { commit: CommitId(put(base, Kind::Commit, &bytes)?), tree }))
}

/// A commit of `tree`, by checked identities, in UTC.
pub(super) fn object(
    tree: ObjectId,
    parent: Option<ObjectId>,
    message: &str,
    author: &Identity,
    committer: &Identity,
    now: Timestamp,
) -> gix::objs::Commit {
    let signature = |identity: &Identity| gix::actor::Signature {
        name: identity.name.trim().into(),
        email: identity.email.trim().into(),
        time: gix::date::Time { seconds: now.as_second(), offset: 0 },
    };
    gix::objs::Commit {
        tree,
        parents: parent.into_iter().collect(),
        author: signature(author),
        committer: signature(committer),
        encoding: None,
        message: format!("{}\n", message.trim_end()).into(),
        extra_headers: Vec::new(),
    }
}

/// An entry of a tree, in its bytes.
pub(super) struct Entry<'a> {
    pub(super) name: &'a [u8],
    pub(super) mode: &'a [u8],
    pub(super) id: ObjectId,
    /// Where the 20 bytes of `id` begin.
    at: usize,
}

impl Entry<'_> {
    pub(super) fn is_tree(&self) -> bool {
        matches!(self.mode, b"40000" | b"040000")
    }

    pub(super) fn is_file(&self) -> bool {
        self.mode.starts_with(b"100")
    }
}

/// The entries of a tree: `mode SP name NUL id`, one behind the other. Reading the bytes ourselves
/// keeps every entry that is not ours exactly as it is, old modes and odd names included.
pub(super) fn entries(bytes: &[u8]) -> Option<Vec<Entry<'_>>> {
    let mut entries = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let space = at + memchr::memchr(b' ', &bytes[at..])?;
        let nul = space + memchr::memchr(0, &bytes[space..])?;
        let id = bytes.get(nul + 1..nul + 21)?;
        let id = ObjectId::try_from(id).ok()?;
        entries.push(Entry { mode: &bytes[at..space], name: &bytes[space + 1..nul], id, at: nul + 1 });
        at = nul + 21;
    }
    Some(entries)
}

fn rewrite(base: &Snapshot, id: ObjectId, folder: &Changed<'_>) -> Result<ObjectId, Error> {
    let mut bytes = Vec::new();
    base.find(id, Kind::Tree, &mut bytes)?;
    let mut edits = Vec::new();
    {
        let entries = entries(&bytes).ok_or_else(|| base.damage(id, "a tree that ends too early"))?;
        let find = |name: &str| entries.iter().find(|entry| entry.name == name.as_bytes());
        for (name, (path, blob)) in &folder.files {
            match find(name) {
                Some(entry) if entry.is_file() => edits.push((entry.at, *blob)),
                Some(_) => return Err(refused(base, path, "it is no regular file")),
                None => return Err(refused(base, path, "there is no such file")),
            }
        }
        for (name, below) in &folder.folders {
            match find(name) {
                Some(entry) if entry.is_tree() => edits.push((entry.at, rewrite(base, entry.id, below)?)),
                _ => return Err(refused(base, first(below), "there is no such folder")),
            }
        }
    }
    for (at, id) in edits {
        bytes[at..at + 20].copy_from_slice(id.as_slice());
    }
    put(base, Kind::Tree, &bytes)
}

fn first<'a>(folder: &Changed<'a>) -> &'a RepoPath {
    let mut folder = folder;
    loop {
        if let Some((path, _)) = folder.files.values().next() {
            return path;
        }
        folder = folder.folders.values().next().expect("a folder is made for a file in it");
    }
}

fn put(base: &Snapshot, kind: Kind, bytes: &[u8]) -> Result<ObjectId, Error> {
    let written = base.objects().write_buf(kind, bytes);
    written.map_err(|error| base.unwritable(&error))
}

fn refused(base: &Snapshot, path: &RepoPath, problem: &'static str) -> Error {
    Error::Change { path: path.to_string(), commit: base.commit().short(), problem }
}

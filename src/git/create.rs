//! A new bare repository with one commit, for a config repository that does not exist yet. Must not
//! know of servers or copies.

use std::path::Path;

use gix::ObjectId;
use gix::objs::Tree;
use gix::objs::tree::{Entry, EntryKind};
use gix::refs::FullName;
use gix::refs::transaction::PreviousValue;
use jiff::Timestamp;

use super::folder::Folder;
use super::snapshot::CommitId;
use super::{Error, Identity, commit, store};
use crate::path::RepoPath;
use crate::plain::chain;

/// Makes a bare repository at `path`, which must not exist, with one commit of `files` on the branch
/// `main`.
///
/// # Errors
/// When it cannot be written.
pub fn create_repository(
    path: &Path,
    files: &[(RepoPath, Vec<u8>)],
    message: &str,
    author: &Identity,
    now: Timestamp,
) -> Result<CommitId, Error> {
    let failed = |cause: String| Error::Local { url: path.display().to_string(), doing: "make the repository", cause };
    if path.exists() {
        return Err(failed("there is something at this path already".to_owned()));
    }
    store::init(path).map_err(|error| failed(error.to_string()))?;
    let repository = store::open(path).map_err(|error| failed(chain(&error)))?;
    let mut root = Folder::default();
    for (path, bytes) in files {
        root.insert(path, bytes.as_slice());
    }
    let tree = write(&repository, &root).map_err(failed)?;
    let commit = commit::object(tree, None, message, author, author, now);
    let commit = repository.write_object(&commit).map_err(|error| failed(chain(&error)))?.detach();
    let branch = FullName::try_from("refs/heads/main").map_err(|error| failed(chain(&error)))?;
    store::edit(&repository, branch, PreviousValue::MustNotExist, commit).map_err(|error| failed(chain(&error)))?;
    Ok(CommitId(commit))
}

fn write(repository: &gix::Repository, folder: &Folder<'_, &[u8]>) -> Result<ObjectId, String> {
    let mut tree = Tree::empty();
    for (name, bytes) in &folder.files {
        let oid = repository.write_blob(bytes).map_err(|error| chain(&error))?.detach();
        tree.entries.push(Entry { mode: EntryKind::Blob.into(), filename: (*name).into(), oid });
    }
    for (name, below) in &folder.folders {
        let oid = write(repository, below)?;
        tree.entries.push(Entry { mode: EntryKind::Tree.into(), filename: (*name).into(), oid });
    }
    tree.entries.sort();
    Ok(repository.write_object(&tree).map_err(|error| chain(&error))?.detach())
}

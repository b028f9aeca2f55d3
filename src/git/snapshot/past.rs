//! What files held before, read back commit by commit, once for all files that are asked for. A folder that is
//! the same as in the commit after it is not read again.

use std::collections::BTreeMap;

use gix::ObjectId;
use gix::objs::Kind;

use super::{BlobId, CommitId, Snapshot};
use crate::git::folder::Folder;
use crate::git::{Error, commit};
use crate::path::RepoPath;

/// A folder with files that are looked for, by their numbers.
#[derive(Default)]
struct Place<'a> {
    /// Its tree in the commit that was looked at last; `None` where there is no such folder, and before the first.
    tree: Option<ObjectId>,
    files: Vec<(&'a str, usize)>,
    folders: BTreeMap<&'a str, Self>,
}

impl Snapshot {
    /// What the files at `paths`, which are in this commit, held before, in the same order: each content with the
    /// commit that brought it, newest first, as far as `limit` commits back along the first parents.
    ///
    /// # Errors
    /// When a commit cannot be read.
    pub fn earlier(&self, paths: &[RepoPath], limit: usize) -> Result<Vec<Vec<(CommitId, BlobId)>>, Error> {
        let mut root = Folder::default();
        for (number, path) in paths.iter().enumerate() {
            root.insert(path, number);
        }
        let mut root = Place::of(root);
        let mut held = vec![None; paths.len()];
        let mut versions: Vec<Vec<(CommitId, BlobId)>> = vec![Vec::new(); paths.len()];
        let mut next = Some(self.commit.0);
        let mut buffer = Vec::new();
        for _ in 0..limit {
            let Some(id) = next else { break };
            self.find(id, Kind::Commit, &mut buffer)?;
            let tree = {
                let commit = self.commit_ref(id, &buffer)?;
                next = commit.parents().next().filter(|_| !self.boundary.contains(&id));
                commit.tree()
            };
            self.look(&mut root, Some(tree), &mut held, &mut buffer)?;
            for (versions, held) in versions.iter_mut().zip(&held) {
                match (versions.last_mut(), held) {
                    (Some((since, blob)), Some(held)) if blob == held => *since = CommitId(id),
                    (_, Some(held)) => versions.push((CommitId(id), *held)),
                    (_, None) => {}
                }
            }
        }
        for versions in versions.iter_mut().filter(|versions| !versions.is_empty()) {
            versions.remove(0);
        }
        Ok(versions)
    }

    /// Notes what the files of a place are in the tree that it has now.
    fn look(
        &self,
        place: &mut Place<'_>,
        tree: Option<ObjectId>,
        held: &mut [Option<BlobId>],
        buffer: &mut Vec<u8>,
    ) -> Result<(), Error> {
        if place.tree == tree {
            return Ok(());
        }
        place.tree = tree;
        let mut below = Vec::with_capacity(place.folders.len());
        buffer.clear();
        if let Some(id) = tree {
            self.find(id, Kind::Tree, buffer)?;
        }
        let broken = || self.damage(tree.unwrap_or(self.tree), "a tree that ends too early");
        {
            let entries = commit::entries(buffer).ok_or_else(broken)?;
            let by_name: BTreeMap<&[u8], _> = entries.iter().map(|entry| (entry.name, entry)).collect();
            for (name, number) in &place.files {
                let file = by_name.get(name.as_bytes()).filter(|entry| entry.is_file());
                held[*number] = file.map(|entry| BlobId(entry.id));
            }
            for name in place.folders.keys() {
                let folder = by_name.get(name.as_bytes()).filter(|entry| entry.is_tree());
                below.push(folder.map(|entry| entry.id));
            }
        }
        for (folder, tree) in place.folders.values_mut().zip(below) {
            self.look(folder, tree, held, buffer)?;
        }
        Ok(())
    }
}

impl<'a> Place<'a> {
    fn of(folder: Folder<'a, usize>) -> Self {
        let Folder { files, folders } = folder;
        let folders = folders.into_iter().map(|(name, below)| (name, Self::of(below))).collect();
        Self { tree: None, files: files.into_iter().collect(), folders }
    }
}

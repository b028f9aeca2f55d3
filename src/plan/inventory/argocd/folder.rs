//! The plain manifests of a folder, by the images that they run.
//!
//! Only the files of the survey are seen. Must not know who deploys a folder.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::rc::Rc;
use std::sync::Arc;

use super::super::Source;
use super::super::shelf::Shelf;
use crate::image::Repository;
use crate::manifest::{Container, Manifest, Workload, is_kustomization_path, is_manifest_path};
use crate::path::RepoPath;

/// How many files of folders are looked at, over all applications together.
const MOST_FILES: usize = 200_000;

/// The folders that were looked at.
#[derive(Debug, Default)]
pub(super) struct Folders {
    /// The files of the survey, sorted, once somebody asks for a folder of them.
    sorted: Option<BTreeSet<RepoPath>>,
    known: HashMap<(Option<RepoPath>, bool), Rc<Folder>>,
    files: usize,
}

/// The containers of a folder.
#[derive(Debug, Default)]
pub(super) struct Folder {
    /// Whether there is such a folder among the files to look in.
    pub(super) is_there: bool,
    /// Whether it has more files than are looked at.
    pub(super) is_too_large: bool,
    /// By image.
    pub(super) pods: BTreeMap<Repository, Vec<Pod>>,
}

/// A container in a plain manifest.
#[derive(Debug)]
pub(super) struct Pod {
    manifest: Arc<Manifest>,
    workload: usize,
    container: usize,
}

impl Pod {
    /// Its workload, by file and number.
    pub(super) fn key(&self) -> (RepoPath, usize) {
        (self.manifest.path.clone(), self.workload)
    }

    pub(super) fn workload(&self) -> &Workload {
        &self.manifest.workloads[self.workload]
    }

    pub(super) fn container(&self) -> &Container {
        &self.workload().containers[self.container]
    }
}

impl Folders {
    /// The containers of a folder, with those below it where `is_recursive`.
    pub(super) fn read<S: Source>(
        &mut self,
        folder: Option<&RepoPath>,
        is_recursive: bool,
        stock: &mut Shelf<'_, '_, S>,
    ) -> Result<Rc<Folder>, S::Error> {
        let key = (folder.cloned(), is_recursive);
        if let Some(known) = self.known.get(&key) {
            return Ok(Rc::clone(known));
        }
        let sorted = self.sorted.get_or_insert_with(|| stock.files.surveyed().keys().cloned().collect());
        let from = folder.map_or(String::new(), |folder| format!("{folder}/"));
        let below = sorted.range::<str, _>((Bound::Included(from.as_str()), Bound::Unbounded));
        let mut found = Folder::default();
        for path in below.take_while(|path| path.as_str().starts_with(&from)) {
            found.is_there = true;
            let is_own = is_recursive || path.parent().as_ref() == folder;
            if !is_own || is_kustomization_path(path) || !is_manifest_path(path) {
                continue;
            }
            if self.files == MOST_FILES {
                found.is_too_large = true;
                break;
            }
            self.files += 1;
            let Some(manifest) = stock.manifest(path, true)? else { continue };
            for (workload, object) in manifest.workloads.iter().enumerate() {
                for (container, image) in object.containers.iter().enumerate().filter(|(_, image)| image.is_replaceable)
                {
                    let pod = Pod { manifest: Arc::clone(&manifest), workload, container };
                    found.pods.entry(image.image.reference().repository().clone()).or_default().push(pod);
                }
            }
        }
        let found = Rc::new(found);
        self.known.insert(key, Rc::clone(&found));
        Ok(found)
    }
}

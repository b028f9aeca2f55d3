//! A repository in which some files have other bytes, and its images found again there.
//!
//! Must not know why the bytes differ.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::manifest::{Container, Document, Place, Scope, Trail, Workload};
use crate::path::RepoPath;
use crate::plan::{Inventory, Memory, Source};

/// Files with their new bytes.
pub(super) type Changed = BTreeMap<RepoPath, Arc<Vec<u8>>>;

/// A repository with other bytes in some files.
pub(super) struct Overlay<'s, S: Source> {
    source: &'s S,
    files: Vec<(RepoPath, OverlayKey<S::Key>)>,
    changed: Changed,
}

/// The key of a file in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum OverlayKey<K> {
    /// As it lies below.
    Below(K),
    /// With these bytes.
    Changed(Arc<Vec<u8>>),
}

impl<'s, S: Source> Overlay<'s, S> {
    pub(super) fn new(files: &[(RepoPath, S::Key)], source: &'s S, changed: Changed) -> Self {
        let key = |path: &RepoPath, below: &S::Key| match changed.get(path) {
            Some(bytes) => OverlayKey::Changed(Arc::clone(bytes)),
            None => OverlayKey::Below(below.clone()),
        };
        let files = files.iter().map(|(path, below)| (path.clone(), key(path, below))).collect();
        Self { source, files, changed }
    }

    /// What the repository asks for as it lies here.
    pub(super) fn survey(&self, memory: &mut Memory<OverlayKey<S::Key>>) -> Result<Inventory, S::Error> {
        Inventory::survey(&self.files, self, Scope::Annotated, memory)
    }

    pub(super) fn changed(&self) -> &Changed {
        &self.changed
    }
}

impl<S: Source> Source for Overlay<'_, S> {
    type Key = OverlayKey<S::Key>;
    type Error = S::Error;

    fn find(&self, path: &RepoPath) -> Result<Option<Self::Key>, S::Error> {
        match self.changed.get(path) {
            Some(bytes) => Ok(Some(OverlayKey::Changed(Arc::clone(bytes)))),
            None => Ok(self.source.find(path)?.map(OverlayKey::Below)),
        }
    }

    fn read(&self, key: &Self::Key, buffer: &mut Vec<u8>) -> Result<(), S::Error> {
        match key {
            OverlayKey::Below(key) => self.source.read(key, buffer),
            OverlayKey::Changed(bytes) => {
                buffer.clone_from(bytes);
                Ok(())
            }
        }
    }
}

/// The bytes of a file; none where there is no file.
pub(super) fn bytes<S: Source>(source: &S, path: &RepoPath) -> Result<Vec<u8>, S::Error> {
    let mut bytes = Vec::new();
    if let Some(key) = source.find(path)? {
        source.read(&key, &mut bytes)?;
    }
    Ok(bytes)
}

/// What an image is found by before and after: where a file changes, lines move.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Spot {
    At(Place),
    Along(RepoPath, Option<Trail>),
}

/// The files that change, opened.
pub(super) type Documents = HashMap<RepoPath, Document>;

/// The containers of an inventory by where their images stand.
pub(super) type BySpot<'a> = HashMap<Spot, Vec<(&'a Workload, &'a Container)>>;

/// Opens these files.
pub(super) fn open<'b>(files: impl Iterator<Item = (&'b RepoPath, &'b [u8])>) -> Documents {
    files.filter_map(|(path, bytes)| Some((path.clone(), Document::open(path, bytes).ok()?))).collect()
}

impl Spot {
    /// Where the image of a container stands.
    pub(super) fn of(container: &Container, documents: &Documents) -> Self {
        let place = container.image.place();
        match documents.get(&place.file) {
            Some(document) => Self::Along(place.file.clone(), document.trail(&container.image)),
            None => Self::At(place.clone()),
        }
    }
}

/// Puts the containers of an inventory where their images stand.
pub(super) fn by_spot<'i>(inventory: &'i Inventory, documents: &Documents) -> BySpot<'i> {
    let mut by_spot = BySpot::new();
    for workload in inventory.workloads() {
        for container in &workload.containers {
            by_spot.entry(Spot::of(container, documents)).or_default().push((workload, container));
        }
    }
    by_spot
}

//! Objects that run charts with values files of this repository, whoever speaks about them or not.
//!
//! Two of them can share a file. Whether both run what stands in it shows only when it is read for each.

use memchr::memmem;

use super::super::document::{Library, parse};
use super::super::problem::Place;
use super::super::shape::release;
use super::super::workload::WorkloadId;
use super::super::yaml::Tree;
use super::Reader;
use super::argocd::objects;
use crate::path::RepoPath;

/// An object that runs a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// What it is called.
    pub id: WorkloadId,
    /// Where it begins.
    pub place: Place,
    /// Its number among the objects of its file.
    pub number: usize,
    /// The files that are read with it, whether they exist or not.
    pub needs: Vec<RepoPath>,
}

impl<'a> Reader<'a, '_> {
    /// Collects the releases of a file.
    pub(super) fn read_releases(&mut self, tree: &'a Tree) {
        let source = tree.source().as_bytes();
        if !["HelmRelease", "Application"].iter().any(|kind| memmem::find(source, kind.as_bytes()).is_some()) {
            return;
        }
        for (number, (object, kind)) in objects(tree).into_iter().enumerate() {
            let needs = release::needs(object, kind, self.path);
            if !needs.is_empty() {
                let (id, place) = (WorkloadId::of(object, kind), object.place(self.path));
                self.manifest.releases.push(Release { id, place, number, needs });
            }
        }
    }
}

/// Whether the release of this number in a file runs what stands at each of these places.
#[must_use]
pub fn runs_at(path: &RepoPath, bytes: &[u8], number: usize, places: &[Place], library: &Library) -> Vec<bool> {
    let nothing = || places.iter().map(|_| false).collect();
    let Ok(tree) = parse(path, bytes) else { return nothing() };
    match objects(&tree).get(number) {
        Some((object, kind)) => release::runs(*object, kind, path, places, library),
        None => nothing(),
    }
}

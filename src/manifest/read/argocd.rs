//! Applications of Argo CD, with what Argo CD Image Updater is told of them in the same file; and the look
//! into an application for the images of a list, which may come from another file.
//!
//! Must not know which `ImageUpdater` means which application.

use std::sync::{Arc, LazyLock};

use memchr::memmem::{self, Finder};

use super::super::dialect::argocd;
use super::super::document::{Library, doubled_key, parse, seal};
use super::super::edit::Obstacle;
use super::super::image_list::{Application, ImageList};
use super::super::problem::Severity;
use super::super::shape::argocd::{deploys, listed};
use super::super::workload::WorkloadId;
use super::super::yaml::{NodeRef, Tree};
use super::Reader;
use crate::path::RepoPath;
use crate::policy::Dialect;
pub use listed::{FoundImage, ImageSearch, ImagesFound};

/// One application of a file, and what is looked for in it.
#[derive(Debug, Clone, Copy)]
pub struct ApplicationSearch<'s> {
    /// The number of the application in its file.
    pub number: usize,
    /// What is looked for.
    pub search: ImageSearch<'s>,
}

impl<'a> Reader<'a, '_> {
    /// Collects the applications and `ImageUpdater` objects of a file.
    pub(super) fn read_argocd(&mut self, tree: &'a Tree) {
        if memmem::find(tree.source().as_bytes(), b"argoproj.io").is_none() {
            return;
        }
        let is_heard = self.terms.dialects.contains(Dialect::ArgocdImageUpdater);
        for (object, kind) in objects(tree) {
            let id = WorkloadId::of(object, kind);
            if let Some(found) = deploys::read(object, kind, self.path) {
                let list = found.carrier.get("metadata").filter(|_| is_heard).and_then(|metadata| {
                    let list = argocd::read_annotations(metadata, self.path, &mut self.manifest.problems)?;
                    Some(Arc::new(self.checked(list, object)))
                });
                if kind == "ApplicationSet" && is_heard {
                    argocd::report_strays(object, kind, self.path, &mut self.manifest.problems);
                }
                self.manifest.applications.push(Application {
                    id,
                    place: object.place(self.path),
                    words_at: found.carrier.place(self.path),
                    number: self.manifest.applications.len(),
                    name: found.name,
                    namespace: found.namespace,
                    labels: found.labels,
                    list,
                    sources: found.sources,
                    needs: found.needs,
                });
                continue;
            }
            if !is_heard {
                continue;
            }
            let mut told = Vec::new();
            let read = argocd::read_updater(object, &id, self.path, &mut told);
            let (advice, problems): (Vec<_>, Vec<_>) =
                told.into_iter().partition(|problem| problem.severity == Severity::Hint);
            self.manifest.problems.extend(problems);
            self.manifest.advice.extend(advice);
            match read {
                Some(mut updater) => {
                    let doubled = object.doubled_keys().into_iter();
                    let doubled =
                        doubled.map(|keys| doubled_key(Severity::Error, keys, self.path, "remove one of the two"));
                    let before = self.manifest.problems.len();
                    self.manifest.problems.extend(doubled);
                    if self.manifest.problems.len() > before {
                        updater.references.clear();
                    }
                    self.manifest.updaters.push(updater);
                }
                None => argocd::report_strays(object, kind, self.path, &mut self.manifest.problems),
            }
        }
    }

    /// A list that is not followed where the object around it says things twice.
    fn checked(&self, mut list: ImageList, object: NodeRef<'a>) -> ImageList {
        if let Some(keys) = object.doubled_keys().into_iter().next() {
            let problem = doubled_key(Severity::Error, keys, self.path, "remove one of the two");
            list.wrong.get_or_insert_with(|| (problem.text(), problem.place.clone()));
            list.problems.push(problem);
        }
        list
    }
}

/// Looks for the images of lists in the applications of one file. What cannot be read has none, which is told
/// where the file is read.
#[must_use]
pub fn search_applications(
    path: &RepoPath,
    bytes: &[u8],
    searches: &[ApplicationSearch<'_>],
    library: &Library,
) -> Vec<ImagesFound> {
    let Ok(tree) = parse(path, bytes) else { return searches.iter().map(|_| ImagesFound::default()).collect() };
    let is_application = |(object, kind): &(NodeRef<'_>, &str)| deploys::is_application(*object, kind);
    let applications: Vec<_> = objects(&tree).into_iter().filter(is_application).collect();
    let is_sealed = seal(&tree).is_some();
    let found = searches.iter().map(|ApplicationSearch { number, search }| {
        let Some((object, kind)) = applications.get(*number) else { return ImagesFound::default() };
        let mut found = listed::find(*object, kind, path, search, library);
        if is_sealed {
            for found in found.images.iter_mut().filter(|found| found.field.place().file == *path) {
                found.field = found.field.clone().with_obstacle(Some(Obstacle::Sealed));
            }
        }
        if let Some(keys) = object.doubled_keys().into_iter().next() {
            let problem = doubled_key(Severity::Error, keys, path, "remove one of the two");
            for found in &mut found.images {
                found.wrong.get_or_insert_with(|| problem.clone());
            }
            found.problems.push(problem);
        }
        found
    });
    found.collect()
}

/// Whether the bytes seem to hold an application, of which an `ImageUpdater` in another file may speak.
pub(super) fn may_be_application(bytes: &[u8]) -> bool {
    static WORDS: LazyLock<[Finder<'static>; 2]> = LazyLock::new(|| ["argoproj.io/", "Application"].map(Finder::new));
    WORDS.iter().all(|word| word.find(bytes).is_some())
}

/// The objects of a file that have a kind, and those of its lists.
pub(super) fn objects(tree: &Tree) -> Vec<(NodeRef<'_>, &str)> {
    let mut objects = Vec::new();
    let mut waiting: Vec<NodeRef<'_>> = tree.documents().collect();
    waiting.reverse();
    while let Some(object) = waiting.pop() {
        let Some(kind) = object.get_text("kind").filter(|kind| !kind.is_empty()) else { continue };
        match object.get("items").filter(|_| kind.ends_with("List")) {
            Some(items) => {
                let first = waiting.len();
                waiting.extend(items.items());
                waiting[first..].reverse();
            }
            None => objects.push((object, kind)),
        }
    }
    objects
}

//! One file, read: from bytes to workloads and problems.
//!
//! Reading never fails: what cannot be read is a [`Problem`] and has no workloads. Must not know how
//! policies are judged, nor what tags there are.

mod argocd;
mod flux;
mod keel;
mod kustomize;
mod markers;
mod releases;
mod unheard;
mod workload;

use std::sync::Arc;

use super::dialect::flux::generation::{self, is_generation_path};
use super::dialect::{self, Statement, flux2};
use super::document::{self, Library, parse, seal, template};
use super::image_list::{Application, ImageUpdater};
use super::lint_file::LINT_FILES;
use super::problem::{Place, Problem, Severity};
use super::setting::Setting;
use super::shape::kustomization::{Kustomization, is_kustomization_path};
use super::shape::{self, Ask};
use super::sidecar::{self, Entry, Sidecar, is_sidecar_path};
use super::terms::Terms;
use super::workload::{ContainerPolicy, Workload, WorkloadId};
use super::yaml::{NodeRef, Unreadable};
use crate::path::RepoPath;
use crate::policy::{Dialect, Peer};
pub use argocd::{ApplicationSearch, FoundImage, ImageSearch, ImagesFound, search_applications};
pub use markers::{Markers, Setter};
pub use releases::{Release, runs_at};

/// Which files are worth reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Those that seem to hold annotations of ours.
    Annotated,
    /// Those that seem to hold images as well.
    Everything,
}

/// What one file asks for. Holds nothing of its text, so that it can be kept as long as the file does
/// not change; a [`Document`](super::Document) is opened when something is to be changed.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// Its path.
    pub path: RepoPath,
    /// The objects with images, in the order of the file.
    pub workloads: Vec<Arc<Workload>>,
    /// What its comments ask for, and what comments elsewhere can name.
    pub markers: Markers,
    /// The kustomizations, in the order of the file.
    pub kustomizations: Vec<Kustomization>,
    /// The applications of Argo CD, in the order of the file.
    pub applications: Vec<Application>,
    /// The objects that run charts with values files of this repository, in the order of the file.
    pub releases: Vec<Release>,
    /// The objects that tell Argo CD Image Updater what to follow in which application.
    pub updaters: Vec<ImageUpdater>,
    /// The containers that say no image as they stand, and may get one from a kustomization.
    pub placeholders: Vec<Placeholder>,
    /// What it says to other tools beyond images and tags.
    pub settings: Vec<Setting>,
    /// What is wrong in it, in the order of the file.
    pub problems: Vec<Problem>,
    /// What works or waits, and is worth a word to those who ask for it, in the order of the file.
    pub advice: Vec<Problem>,
    /// Where it shows that it is a template or cannot be parsed, so that nothing is known of it.
    pub unread: Option<Place>,
    /// The other files that objects here name or own, such as the values files of a chart. Where it is
    /// not empty, the file is worth [`read_with`] them.
    pub needs: Vec<RepoPath>,
}

/// A container whose image is none yet, `IMAGE` for example.
#[derive(Debug, Clone, PartialEq)]
pub struct Placeholder {
    /// The number of its workload in the file.
    pub workload: usize,
    /// Its name, or its position where it has none.
    pub name: String,
    /// What stands in place of an image.
    pub text: String,
    /// What its image is to follow.
    pub policy: ContainerPolicy,
    /// What another tool was told about it.
    pub peer: Option<Peer>,
    /// What is wrong with it as long as nothing replaces it.
    pub problem: Problem,
}

/// Whether a file of this name can be a manifest: `.yaml`, `.yml` and `.json`, and `Kustomization`. The
/// file that switches rules is none.
#[must_use]
pub fn is_manifest_path(path: &RepoPath) -> bool {
    let is_named_so = matches!(path.extension(), Some("yaml" | "yml" | "json")) || is_kustomization_path(path);
    is_named_so && !LINT_FILES.contains(&path.as_str())
}

/// Whether it is worth reading these bytes: a search for a few words, without parsing. What ties other
/// files together or speaks about them has no words of ours and always matters.
#[must_use]
pub fn may_matter(path: &RepoPath, bytes: &[u8], scope: Scope) -> bool {
    is_kustomization_path(path)
        || is_sidecar_path(path)
        || is_generation_path(path)
        || dialect::may_be_mentioned(bytes)
        || argocd::may_be_application(bytes)
        || (scope == Scope::Everything && memchr::memmem::find(bytes, b"image").is_some())
}

/// Reads one file by itself.
#[must_use]
pub fn read(path: &RepoPath, bytes: &[u8], terms: &Terms) -> Manifest {
    read_with(path, bytes, terms, &Library::default())
}

/// Reads one file, with those that it [needs](Manifest::needs).
#[must_use]
pub fn read_with(path: &RepoPath, bytes: &[u8], terms: &Terms, library: &Library) -> Manifest {
    let mut manifest = Manifest {
        path: path.clone(),
        workloads: Vec::new(),
        markers: Markers::default(),
        kustomizations: Vec::new(),
        applications: Vec::new(),
        updaters: Vec::new(),
        releases: Vec::new(),
        placeholders: Vec::new(),
        settings: Vec::new(),
        problems: Vec::new(),
        advice: Vec::new(),
        unread: None,
        needs: Vec::new(),
    };
    let tree = match parse(path, bytes) {
        Ok(tree) => tree,
        Err(error) => {
            manifest.problems.extend(unreadable(path, bytes, &error));
            manifest.unread = Some(Place { file: path.clone(), line: error.line, column: error.column });
            return manifest;
        }
    };
    if let Some(mark) = tree.template_mark() {
        manifest.problems.extend(mentioned_template(path, bytes, mark.place(path)));
        manifest.unread = Some(mark.place(path));
        return manifest;
    }
    let sealed = seal(&tree);
    let mut reader = Reader { path, terms, library, sealed, manifest };
    if is_generation_path(path) {
        reader.read_generation(tree.documents().next());
    } else {
        for document in tree.documents() {
            if is_sidecar_path(path) {
                reader.read_sidecar(document);
            } else {
                reader.read_document(document);
            }
        }
    }
    reader.read_argocd(&tree);
    reader.read_releases(&tree);
    reader.read_markers(&tree);
    let Reader { mut manifest, .. } = reader;
    for problems in [&mut manifest.problems, &mut manifest.advice] {
        problems.sort();
        problems.dedup();
    }
    manifest.needs.sort();
    manifest.needs.dedup();
    manifest
}

/// What to say of a file that cannot be parsed. A template is not meant to be, and says nothing
/// unless it has annotations; of what is no manifest at all, such as JSON with comments, nothing is
/// said either.
fn unreadable(path: &RepoPath, bytes: &[u8], error: &Unreadable) -> Option<Problem> {
    if memchr::memmem::find(bytes, b"{{").is_some() {
        return mentioned_template(path, bytes, Place { file: path.clone(), line: error.line, column: error.column });
    }
    let mentioned = dialect::is_mentioned(bytes) || markers::are_mentioned(bytes) || is_sidecar_path(path);
    if !mentioned && !dialect::may_be_mentioned(bytes) && memchr::memmem::find(bytes, b"apiVersion").is_none() {
        return None;
    }
    let severity = if mentioned { Severity::Error } else { Severity::Warning };
    Some(document::unreadable(severity, path, error))
}

/// What to say of a template: nothing, unless somebody asked for something in it.
fn mentioned_template(path: &RepoPath, bytes: &[u8], place: Place) -> Option<Problem> {
    let is_annotated = dialect::is_mentioned(bytes) || is_sidecar_path(path);
    let asked = is_annotated.then_some("annotations").or_else(|| markers::are_mentioned(bytes).then_some("markers"))?;
    Some(template(&format!("the file has {asked}, and `{{{{` outside quotes makes it a template"), place))
}

/// Collects what a file asks for.
struct Reader<'a, 'p> {
    path: &'p RepoPath,
    terms: &'p Terms,
    library: &'a Library,
    /// The `sops` key of a file that is under a seal.
    sealed: Option<NodeRef<'a>>,
    manifest: Manifest,
}

impl<'a> Reader<'a, '_> {
    /// Reads an object, and those of a list. Items behind aliases are not followed.
    fn read_document(&mut self, document: NodeRef<'a>) {
        let mut waiting = vec![document];
        while let Some(object) = waiting.pop() {
            if self.read_kustomization(object) || self.read_keel_block(object) {
                continue;
            }
            let Some(kind) = object.get_text("kind").filter(|kind| !kind.is_empty()) else {
                self.report_kindless(object);
                continue;
            };
            if let Some(items) = object.get("items").filter(|_| kind.ends_with("List")) {
                self.report_list(object);
                let first = waiting.len();
                waiting.extend(items.items());
                waiting[first..].reverse();
                continue;
            }
            self.read_object(object, kind);
        }
    }

    fn read_object(&mut self, object: NodeRef<'a>, kind: &str) {
        let statements = self.statements(object);
        let find = shape::find(object, kind, &Ask::of(self.path, &statements), self.library);
        self.report_template_annotations(&find, kind);
        self.report_labels(object);
        let id = WorkloadId::of(object, kind);
        if self.terms.dialects.contains(Dialect::Flux2) {
            let Manifest { markers, settings, problems, .. } = &mut self.manifest;
            flux2::read(object, &id, self.path, &mut markers.objects, settings, problems);
        }
        self.judge(id, object, &statements, find);
    }

    /// What the annotations of an object say to us.
    fn statements(&self, object: NodeRef<'a>) -> Vec<Statement> {
        let annotations = object.get("metadata").and_then(|metadata| metadata.get("annotations"));
        annotations.map(|found| dialect::statements(found, self.path, self.terms.dialects)).unwrap_or_default()
    }

    /// Reads how Flux version 1 makes manifests.
    fn read_generation(&mut self, document: Option<NodeRef<'a>>) {
        if self.terms.dialects.contains(Dialect::Flux) {
            let Manifest { settings, problems, .. } = &mut self.manifest;
            generation::read(document, self.path, settings, problems);
        }
    }

    fn read_sidecar(&mut self, document: NodeRef<'a>) {
        let Sidecar { entries, needs, problems } = sidecar::read(document, self.path, self.library);
        self.manifest.needs.extend(needs);
        self.manifest.problems.extend(problems);
        for Entry { id, words, statements, find } in entries {
            self.judge(id, words, &statements, find);
        }
    }
}

#[cfg(test)]
mod tests;

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

use std::sync::Arc;

use super::dialect::flux::generation::{self, is_generation_path};
use super::dialect::{self, Hearing, Statement, flux2};
use super::document::{self, Document, Library, doubled_key, parse, seal, template};
use super::edit::Obstacle;
use super::image_list::{Application, ImageUpdater};
use super::lint_file::LINT_FILES;
use super::mandate;
use super::problem::{Place, Problem, Rule, Severity};
use super::setting::Setting;
use super::shape::kustomization::{Kustomization, is_kustomization_path};
use super::shape::{self, Ask, Find, Slot};
use super::sidecar::{self, Entry, Sidecar, is_sidecar_path};
use super::subject::{Mandate, Subject};
use super::terms::Terms;
use super::workload::{Automation, Container, ContainerPolicy, ImageField, Workload, WorkloadId};
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
/// not change; a [`Document`] is opened when something is to be changed.
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

    /// Puts what was found together with what is asked for.
    fn judge(&mut self, id: WorkloadId, object: NodeRef<'a>, statements: &[Statement], mut find: Find<'a>) {
        self.manifest.needs.append(&mut find.needs);
        self.manifest.problems.append(&mut find.problems);
        let (path, is_patch) = (self.path, find.is_patch);
        let hearing = |subjects| Hearing { object, kind: &id.kind, path, subjects, is_patch };
        if find.slots.is_empty() {
            dialect::speak(&hearing(&[]), self.terms.dialects, &mut self.manifest.problems);
            self.report_no_containers(statements, &id.kind, find.hidden);
            self.report_words_without_images(statements, &id.kind);
            return;
        }
        self.report_ignored_by_flux(statements, &id.kind);
        self.report_waiting(statements, &id.kind, find.is_patch);
        let images: Vec<Option<Result<ImageField, Problem>>> = find.slots.iter().map(|slot| self.image(slot)).collect();
        let subjects: Vec<Subject<'_>> = find
            .slots
            .iter()
            .zip(&images)
            .map(|(slot, image)| Subject {
                name: slot.name.as_deref(),
                position: &slot.position,
                place: slot.node.place(slot.file.unwrap_or(self.path)),
                tag: image.as_ref().and_then(|image| image.as_ref().ok()?.reference().tag().cloned()),
                has_image: image.is_some(),
                is_aside: slot.is_aside,
            })
            .collect();
        let problems = &mut self.manifest.problems;
        let own = mandate::read(self.path, statements, &subjects, find.is_patch, self.terms, problems);
        let others = dialect::speak(&hearing(&subjects), self.terms.dialects, problems);
        let all = mandate::agree(own, others, &subjects, problems);
        let Mandate { place, automated, automation, policies, mut peers, leftovers, .. } = all;
        if !flux::follows(&id.kind) {
            for peer in &mut peers {
                *peer = peer.take().filter(|peer| peer.dialect() != Dialect::Flux);
            }
        }
        let automated = automated == Some(true);
        let automation = self.hold(automation, place.is_some(), object, &find);
        let mut containers = Vec::with_capacity(images.len());
        let named = find.slots.iter().zip(&subjects).zip(images).zip(policies.into_iter().zip(peers)).enumerate();
        for (at, (((slot, subject), image), (policy, peer))) in named {
            let name = subject.name.unwrap_or(&slot.position).to_owned();
            let is_replaceable = find.pods.contains(&at);
            match image {
                Some(Ok(image)) => {
                    self.report_refusal(&image, automated, &policy);
                    containers.push(Container { name, image, policy, peer, is_replaceable });
                }
                Some(Err(problem)) => {
                    self.manifest.problems.extend(automated.then(|| problem.clone()));
                    let text = slot.spot.and_then(|spot| spot.carrier().resolved().text()).filter(|_| is_replaceable);
                    if let Some(text) = text.map(str::to_owned) {
                        let workload = self.manifest.workloads.len();
                        self.manifest.placeholders.push(Placeholder { workload, name, text, policy, peer, problem });
                    }
                }
                None => {}
            }
        }
        let place = object.place(self.path);
        let words_at = place.clone();
        let workload = Workload { id, place, words_at, automated, automation, containers, leftovers };
        self.manifest.workloads.push(Arc::new(workload));
    }

    /// The image of a container, if it says one.
    fn image(&self, slot: &Slot<'a>) -> Option<Result<ImageField, Problem>> {
        let parts = slot.spot?;
        let file = slot.file.unwrap_or(self.path);
        let sealed = slot.file.and_then(|file| self.library.get(file)).is_some_and(Document::is_sealed);
        Some(match parts.read(file) {
            Ok(field) => Ok(field.with_obstacle(sealed.then_some(Obstacle::Sealed))),
            Err(misread) => {
                let alias = slot.name.as_deref().unwrap_or(&slot.position);
                let message = format!("`{alias}` is not followed: {misread}");
                let mend = "write an image such as `registry.example.com/app:1.2`";
                Err(Problem::new(Rule::InvalidImage, Severity::Error, parts.carrier().place(file), message, mend))
            }
        })
    }

    /// What holds a workload beyond its annotations: a seal, doubled keys, aliases in the way.
    fn hold(&mut self, automation: Automation, annotated: bool, object: NodeRef<'a>, find: &Find<'a>) -> Automation {
        let severity = if annotated { Severity::Error } else { Severity::Warning };
        let mut obstacles = Vec::new();
        if let Some(seal) = self.sealed {
            obstacles.push(sealed(severity, seal.place(self.path)));
        }
        let metadata = object.get("metadata");
        let annotations = metadata.and_then(|metadata| metadata.get("annotations"));
        let is_ours = |key: &NodeRef<'a>| {
            let written = key.resolved().text().filter(|_| key.is_alias());
            written.is_some_and(|written| dialect::is_ours(written, self.terms.dialects))
        };
        let behind_alias = [metadata, annotations].into_iter().flatten().find_map(|node| {
            if node.is_alias() { Some(node) } else { node.get("<<") }.or_else(|| {
                let mut keys = node.entries().map(|(key, _)| key);
                keys.find(is_ours)
            })
        });
        if let Some(alias) = behind_alias {
            let message = "annotations behind an alias or a merge key are not read";
            let mend = "write them out under `metadata.annotations`";
            obstacles.push(Problem::new(Rule::Alias, Severity::Warning, alias.place(self.path), message, mend));
        }
        let doubled = object.doubled_keys().into_iter();
        obstacles.extend(doubled.map(|keys| doubled_key(severity, keys, self.path, "remove one of the two")));
        if let Some(alias) = find.hidden.filter(|_| annotated) {
            self.manifest.problems.push(hidden_containers(alias.place(self.path)));
        }
        let first = obstacles.first().map(|problem| (problem.text(), problem.place.clone()));
        // A seal is worth a word only where somebody wants a change.
        let untold = usize::from(self.sealed.is_some() && !annotated);
        self.manifest.problems.extend(obstacles.into_iter().skip(untold));
        match (first, automation) {
            (Some((reason, place)), Automation::Off | Automation::On | Automation::Locked(_)) => {
                Automation::Held { reason, place }
            }
            (_, automation) => automation,
        }
    }

    /// An image that will not be changed is worth a word where somebody waits for it.
    fn report_refusal(&mut self, image: &ImageField, automated: bool, policy: &ContainerPolicy) {
        let stated = matches!(policy, ContainerPolicy::Stated(_));
        self.manifest.problems.extend(image.warning().filter(|_| automated && stated));
    }

    /// Somebody asked for automation of an object that shows no containers.
    fn report_no_containers(&mut self, statements: &[Statement], kind: &str, hidden: Option<NodeRef<'a>>) {
        let Some(statement) = statements.iter().find(|statement| statement.automates()) else { return };
        let is_told = |place: &Place| self.manifest.problems.iter().rev().any(|problem| problem.place == *place);
        let paths = statements.iter().filter(|statement| statement.is_path());
        if paths.map(|statement| &statement.value.place).any(is_told) {
            return;
        }
        let problem = if let Some(alias) = hidden {
            hidden_containers(alias.place(self.path))
        } else {
            let message = format!("this {kind} shows no image, so there is none to follow");
            let prefix = if statement.written.contains('/') { "landwaiter/" } else { "" };
            let elsewhere = match kind {
                "Application" | "ApplicationSet" => "or annotate the workload that shows it",
                "HelmRelease" | "FluxHelmRelease" => "or write it into its `values`",
                _ => "in a patch, show the container with its image",
            };
            let mend = format!("say where the image stands with `{prefix}image.<alias>: <path>`; {elsewhere}");
            Problem::new(Rule::NoImage, Severity::Warning, statement.key.clone(), message, mend)
        };
        self.manifest.problems.push(problem);
    }
}

fn sealed(severity: Severity, place: Place) -> Problem {
    let message = "the file is encrypted with SOPS, whose checksum covers every byte, so it is never changed";
    Problem::new(Rule::Untouchable, severity, place, message, "move the workload to a file of its own, without secrets")
}

fn hidden_containers(place: Place) -> Problem {
    let message = "containers behind an alias or a merge key are not followed";
    Problem::new(Rule::Alias, Severity::Warning, place, message, "write them out where the workload stands")
}

#[cfg(test)]
mod tests;

//! One file, read: from bytes to workloads and problems, and back to bytes with new tags.
//!
//! Reading never fails: what cannot be read is a [`Problem`] and has no workloads. Must not know how
//! policies are judged, nor what tags there are.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::dialect::{self, Statement, Word};
use super::edit::{Change, Obstacle, Refusal, Scalar, rewrite};
use super::mandate::{self, Mandate, Subject};
use super::problem::{Place, Problem, Severity};
use super::shape::pod::{self, Pod, Slot};
use super::workload::{Automation, Container, ContainerPolicy, ImageField, Workload, WorkloadId};
use super::yaml::{Kind, NodeRef, Syntax, Tree, Unreadable};
use crate::image::{Reference, Tag};
use crate::path::RepoPath;
use crate::policy::Presets;

/// Which files are worth reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Those that seem to hold annotations of ours.
    Annotated,
    /// Those that seem to hold images as well.
    Everything,
}

/// One file, read.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// Its path.
    pub path: RepoPath,
    /// The objects with containers, in the order of the file.
    pub workloads: Vec<Workload>,
    /// What is wrong in it, in the order of the file.
    pub problems: Vec<Problem>,
    content: Content,
}

/// What a manifest was read from.
#[derive(Debug, Clone)]
enum Content {
    /// There are workloads, so there is something to change.
    Tree(Box<Tree>),
    /// There is nothing to change.
    Bytes(Vec<u8>),
}

/// Whether a file of this name can be a manifest: `.yaml`, `.yml` and `.json`.
#[must_use]
pub fn is_manifest_path(path: &RepoPath) -> bool {
    matches!(path.extension(), Some("yaml" | "yml" | "json"))
}

/// Whether it is worth reading these bytes: a search for a few words, without parsing.
#[must_use]
pub fn may_matter(bytes: &[u8], scope: Scope) -> bool {
    dialect::may_be_mentioned(bytes) || (scope == Scope::Everything && memchr::memmem::find(bytes, b"image").is_some())
}

/// Reads one file.
#[must_use]
pub fn read(path: &RepoPath, bytes: &[u8], presets: &Presets) -> Manifest {
    let without_workloads = |problems| {
        let content = Content::Bytes(bytes.to_vec());
        Manifest { path: path.clone(), workloads: Vec::new(), problems, content }
    };
    let tree = match parse(path, bytes) {
        Ok(tree) => tree,
        Err(error) => return without_workloads(unreadable(path, bytes, &error).into_iter().collect()),
    };
    if let Some(mark) = tree.template_mark() {
        let problem = dialect::is_mentioned(bytes).then(|| template(mark.place(path)));
        return without_workloads(problem.into_iter().collect());
    }
    let mut reader = Reader { path, presets, sealed: None, problems: Vec::new(), workloads: Vec::new() };
    reader.sealed =
        tree.documents().find_map(|document| document.get("sops").filter(|sops| sops.kind() == Kind::Mapping));
    for document in tree.documents() {
        reader.read_document(document);
    }
    let Reader { mut problems, workloads, .. } = reader;
    problems.sort();
    problems.dedup();
    if workloads.is_empty() {
        return without_workloads(problems);
    }
    Manifest { path: path.clone(), workloads, problems, content: Content::Tree(Box::new(tree)) }
}

impl Manifest {
    /// The file with new tags, all changes at once: only the bytes of the tags change, and the new
    /// text is read again to prove it. No change gives the same bytes.
    ///
    /// # Errors
    /// [`Refusal`] for the first change that cannot be made; then the file stays as it is. What can be
    /// known before is told by [`ImageField::refusal`].
    pub fn rewrite(&self, changes: &[(&ImageField, Tag)]) -> Result<Vec<u8>, Refusal> {
        let mut scalars: Vec<(&Scalar, String)> = Vec::with_capacity(changes.len());
        for (field, tag) in changes {
            if field.place().file != self.path {
                return Err(Refusal { place: field.place().clone(), obstacle: Obstacle::Foreign });
            }
            scalars.extend(field.changes(tag)?);
        }
        match (&self.content, scalars.first()) {
            (Content::Tree(tree), _) => {
                let changes: Vec<Change<'_>> =
                    scalars.into_iter().map(|(scalar, value)| Change::Set { scalar, value }).collect();
                let rewritten = rewrite(tree, &changes);
                rewritten
                    .refused
                    .into_iter()
                    .next()
                    .map_or(Ok(rewritten.text.into_bytes()), |(_, refusal)| Err(refusal))
            }
            (Content::Bytes(_), Some((scalar, _))) => Err(scalar.refuse(Obstacle::Foreign)),
            (Content::Bytes(bytes), None) => Ok(bytes.clone()),
        }
    }
}

/// Text to a tree. JSON is tried first for `.json`, and second for what looks like it.
fn parse(path: &RepoPath, bytes: &[u8]) -> Result<Tree, Unreadable> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = memchr::memchr_iter(b'\n', &bytes[..error.valid_up_to()]).count() + 1;
        let message = "the file is not UTF-8 text".to_owned();
        Unreadable { line, column: 1, message }
    })?;
    if path.extension() == Some("json") {
        return Tree::parse(text.to_owned(), Syntax::Json);
    }
    Tree::parse(text.to_owned(), Syntax::Yaml).or_else(|error| {
        let looks_like_json = text.trim_start_matches('\u{feff}').trim_start().starts_with(['{', '[']);
        let json = looks_like_json.then(|| Tree::parse(text.to_owned(), Syntax::Json).ok()).flatten();
        json.ok_or(error)
    })
}

/// What to say of a file that cannot be parsed. A template is not meant to be, and says nothing
/// unless it has annotations; of what is no manifest at all, such as JSON with comments, nothing is
/// said either.
fn unreadable(path: &RepoPath, bytes: &[u8], error: &Unreadable) -> Option<Problem> {
    let mentioned = dialect::is_mentioned(bytes);
    let place = Place { file: path.clone(), line: error.line, column: error.column };
    if memchr::memmem::find(bytes, b"{{").is_some() {
        return mentioned.then(|| template(place));
    }
    if !dialect::may_be_mentioned(bytes) && memchr::memmem::find(bytes, b"apiVersion").is_none() {
        return None;
    }
    let severity = if mentioned { Severity::Error } else { Severity::Warning };
    let message = format!("the file cannot be read: {}", error.message);
    Some(Problem::new(severity, place, message, "nothing in it is followed until it is valid"))
}

fn template(place: Place) -> Problem {
    let message = "the file has annotations, and `{{` outside quotes makes it a template";
    let mend = "templates are never changed: annotate the manifest that uses it, or quote the value";
    Problem::new(Severity::Warning, place, message, mend)
}

/// Collects the workloads of a file.
struct Reader<'a, 'p> {
    path: &'p RepoPath,
    presets: &'p Presets,
    /// The `sops` key of a file that is under a seal.
    sealed: Option<NodeRef<'a>>,
    problems: Vec<Problem>,
    workloads: Vec<Workload>,
}

impl<'a> Reader<'a, '_> {
    /// Reads an object, and those of a list. Items behind aliases are not followed.
    fn read_document(&mut self, document: NodeRef<'a>) {
        let mut waiting = vec![document];
        while let Some(object) = waiting.pop() {
            let Some(kind) = object.get_text("kind").filter(|kind| !kind.is_empty()) else { continue };
            if let Some(items) = object.get("items").filter(|_| kind.ends_with("List")) {
                let first = waiting.len();
                waiting.extend(items.items());
                waiting[first..].reverse();
                continue;
            }
            self.read_object(object, kind);
        }
    }

    fn read_object(&mut self, object: NodeRef<'a>, kind: &str) {
        let metadata = object.get("metadata");
        let annotations = metadata.and_then(|metadata| metadata.get("annotations"));
        let statements = annotations.map(dialect::statements).unwrap_or_default();
        let pod = pod::read(object, kind);
        let hidden = pod.as_ref().and_then(|pod| pod.hidden);
        let Some(pod) = pod.filter(|pod| !pod.slots.is_empty()) else {
            self.report_no_containers(&statements, kind, hidden);
            return;
        };
        self.report_template_annotations(&pod, kind);
        let text = |key| metadata.and_then(|metadata| metadata.get_text(key)).filter(|text| !text.is_empty());
        let id = WorkloadId {
            namespace: text("namespace").map(str::to_owned),
            kind: kind.to_owned(),
            name: text("name").or_else(|| text("generateName")).unwrap_or("-").to_owned(),
        };
        let images: Vec<Option<Result<ImageField, Problem>>> = pod.slots.iter().map(|slot| self.image(slot)).collect();
        let subjects: Vec<Subject<'_>> = pod
            .slots
            .iter()
            .zip(&images)
            .map(|(slot, image)| Subject {
                name: slot.name.and_then(|name| name.resolved().text()),
                place: slot.node.place(self.path),
                tag: image.as_ref().and_then(|image| image.as_ref().ok()?.reference().tag().cloned()),
                has_image: image.is_some(),
            })
            .collect();
        let mandate = mandate::read(self.path, &statements, &subjects, pod.is_patch, self.presets, &mut self.problems);
        let Mandate { automated, automation, policies } = mandate;
        let automation = self.hold(automation, &statements, object, &pod);
        let mut containers = Vec::with_capacity(images.len());
        for (((slot, subject), image), policy) in pod.slots.iter().zip(&subjects).zip(images).zip(policies) {
            match image {
                Some(Ok(image)) => {
                    let name = subject.name.unwrap_or(&slot.position).to_owned();
                    self.report_refusal(&image, automated, &policy);
                    containers.push(Container { name, image, policy });
                }
                Some(Err(problem)) if automated => self.problems.push(problem),
                Some(Err(_)) | None => {}
            }
        }
        self.workloads.push(Workload { id, place: object.place(self.path), automated, automation, containers });
    }

    /// The image of a container, if it says one.
    fn image(&self, slot: &Slot<'a>) -> Option<Result<ImageField, Problem>> {
        let node = slot.image?;
        let place = node.place(self.path);
        let invalid = |message: String| {
            let mend = "write an image such as `registry.example.com/app:1.2`".to_owned();
            Problem::new(Severity::Error, place.clone(), format!("the container is not followed: {message}"), mend)
        };
        let Some(text) = node.resolved().text() else {
            return Some(Err(invalid("its image is not a string".to_owned())));
        };
        Some(match Reference::parse(text) {
            Ok(reference) => Ok(ImageField::new(reference, Scalar::at(node, self.path))),
            Err(error) => Err(invalid(format!("its image cannot be read: {error}"))),
        })
    }

    /// What holds a workload beyond its annotations: a seal, doubled keys, aliases in the way.
    fn hold(
        &mut self,
        automation: Automation,
        statements: &[Statement<'_>],
        object: NodeRef<'a>,
        pod: &Pod<'a>,
    ) -> Automation {
        let annotated = statements.iter().any(|statement| statement.word != Word::Bookkeeping);
        let severity = if annotated { Severity::Error } else { Severity::Warning };
        let mut obstacles = Vec::new();
        if let Some(seal) = self.sealed {
            let message = "the file is encrypted with SOPS, whose checksum covers every byte, so it is never changed";
            let mend = "move the workload to a file of its own, without secrets";
            obstacles.push(Problem::new(severity, seal.place(self.path), message, mend));
        }
        let metadata = object.get("metadata");
        let annotations = metadata.and_then(|metadata| metadata.get("annotations"));
        let behind_alias = [metadata, annotations]
            .into_iter()
            .flatten()
            .find_map(|node| if node.is_alias() { Some(node) } else { node.get("<<") });
        if let Some(alias) = behind_alias {
            let message = "annotations behind an alias or a merge key are not read";
            let mend = "write them out under `metadata.annotations`";
            obstacles.push(Problem::new(Severity::Warning, alias.place(self.path), message, mend));
        }
        for (first, second) in doubled_keys(object) {
            let key = second.text().unwrap_or_default();
            let message = format!("the key `{key}` stands here twice, first in line {}", first.line());
            obstacles.push(Problem::new(severity, second.place(self.path), message, "remove one of the two"));
        }
        if let Some(alias) = pod.hidden.filter(|_| annotated) {
            self.problems.push(hidden_containers(alias.place(self.path)));
        }
        let first = obstacles.first().map(|problem| (problem.text(), problem.place.clone()));
        // A seal is worth a word only where somebody wants a change.
        let untold = usize::from(self.sealed.is_some() && !annotated);
        self.problems.extend(obstacles.into_iter().skip(untold));
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
        if let Some(refusal) = image.refusal().filter(|_| automated && stated) {
            let message = format!("the image `{}` cannot be changed", image.reference());
            let mend = refusal.obstacle().to_string();
            self.problems.push(Problem::new(Severity::Warning, refusal.place().clone(), message, mend));
        }
    }

    /// Annotations on the pod template do nothing; they belong on the workload.
    fn report_template_annotations(&mut self, pod: &Pod<'a>, kind: &str) {
        let Some(annotations) = pod.template_annotations else { return };
        for statement in dialect::statements(annotations) {
            if matches!(statement.word, Word::Known { .. }) {
                let message = format!("`{}` stands on the pod template, where it is not read", statement.written);
                let mend = format!("move it to `metadata.annotations` of the {kind}");
                self.problems.push(Problem::new(Severity::Warning, statement.key.place(self.path), message, mend));
            }
        }
    }

    /// Somebody asked for automation of an object that shows no containers.
    fn report_no_containers(&mut self, statements: &[Statement<'_>], kind: &str, hidden: Option<NodeRef<'a>>) {
        let asks = |statement: &&Statement<'_>| {
            let automated = matches!(&statement.word, Word::Known { canonical, .. } if canonical == "automated");
            automated && statement.value.text() == Some("true")
        };
        let Some(statement) = statements.iter().find(asks) else { return };
        let problem = if let Some(alias) = hidden {
            hidden_containers(alias.place(self.path))
        } else {
            let message = format!("this {kind} shows no containers, so there is no image to follow");
            let mend = "images in other places are not supported yet; in a patch, show the container with its image";
            Problem::new(Severity::Warning, statement.key.place(self.path), message, mend)
        };
        self.problems.push(problem);
    }
}

fn hidden_containers(place: Place) -> Problem {
    let message = "containers behind an alias or a merge key are not followed";
    Problem::new(Severity::Warning, place, message, "write them out where the workload stands")
}

/// The keys that stand twice in one mapping, anywhere in an object.
fn doubled_keys(object: NodeRef<'_>) -> Vec<(NodeRef<'_>, NodeRef<'_>)> {
    let mut doubled = Vec::new();
    let mut seen: HashMap<&str, NodeRef<'_>> = HashMap::new();
    for mapping in object.mappings() {
        seen.clear();
        for (key, _) in mapping.entries() {
            let Some(text) = key.text() else { continue };
            match seen.entry(text) {
                Entry::Vacant(vacant) => drop(vacant.insert(key)),
                Entry::Occupied(first) if text != "<<" => doubled.push((*first.get(), key)),
                Entry::Occupied(_) => {}
            }
        }
    }
    doubled
}

#[cfg(test)]
mod tests;

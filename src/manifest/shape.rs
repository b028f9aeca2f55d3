//! Where images can stand in an object: one file per shape.
//!
//! Shapes know paths through a tree. They know nothing of annotations and policies, except for the
//! names (aliases) and paths that annotations use, which they are given. A new shape is a new file and a
//! line in [`SHAPES`].
//!
//! | file | what it knows |
//! |---|---|
//! | `spot.rs` | one image, whole or in parts: the nodes that say it |
//! | `pod.rs` | pod specs, in workloads and by themselves |
//! | `helm_release.rs` | Flux's releases: which values they have, in the object and in files |
//! | `argocd.rs` | Argo CD's applications; below it `places.rs` (which values count), `links.rs` (their files), `names.rs` |
//! | `release.rs` | which values files either of them reads, for those who ask about others |
//! | `anywhere.rs`, `field_path.rs` | any kind, where an annotation gives the path; how a path is written and walked |
//! | `values.rs` | how charts write images, for all who have values; below it `level.rs` (values over values), `parts.rs` (keys), `parameters.rs` |
//! | `kustomization.rs` | kustomizations: what they build, and the entries of `images`. Joined by the floor above |
//! | `marker.rs` | values with a comment; below it `marked.rs` (the value), `text.rs` (images in longer texts) |
//!
//! A [`Slot`] is the place for an image under the name that annotations have for it, a [`Spot`] the nodes
//! that say it.

mod anywhere;
pub(super) mod argocd;
mod field_path;
mod helm_release;
pub(super) mod kustomization;
pub(super) mod marker;
mod pod;
pub(super) mod release;
mod spot;
mod values;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::Library;
use super::dialect::{Part, Statement, Topic, Voice, Word};
use super::problem::{Place, Problem, Severity};
use super::yaml::NodeRef;
use crate::path::RepoPath;
pub(super) use anywhere::untouchable;
use spot::TAG_KEYS;
pub(super) use spot::{Misread, Spot};

/// A way to write images down: looks at an object of this kind, and adds what it finds.
type Shape = for<'a> fn(NodeRef<'a>, &str, &Ask<'_>, &'a Library, &mut Find<'a>);

/// Every shape that an object can have. One that is not there finds nothing. The paths of annotations
/// come last: they take the place of what the others found under the same name.
const SHAPES: [Shape; 4] = [pod::read, helm_release::read, argocd::read, anywhere::read];

/// Everything that stands in this object.
pub(super) fn find<'a>(object: NodeRef<'a>, kind: &str, ask: &Ask<'_>, library: &'a Library) -> Find<'a> {
    let mut find = Find::default();
    for shape in SHAPES {
        shape(object, kind, ask, library, &mut find);
    }
    find.finish()
}

/// The images of a file that holds values and nothing else. In an object, and in what kustomize reads,
/// images are found by path only: how they are found otherwise is the business of their own shapes.
pub(super) fn find_in_values<'a>(root: NodeRef<'a>, file: &'a RepoPath, ask: &Ask<'_>) -> Find<'a> {
    let mut find = Find::default();
    let kind = root.get("apiVersion").and_then(|_| root.get_text("kind"));
    if kind.is_none() && !kustomization::is_kustomization_path(file) {
        values::read(root, ask, Some(file), &mut find);
    }
    anywhere::read_object(root, kind.unwrap_or_default(), ask, Some(file), &mut find);
    find.finish()
}

/// The images at these paths from the top of a document, and nothing else.
pub(super) fn find_at_paths<'a>(root: NodeRef<'a>, ask: &Ask<'_>) -> Find<'a> {
    let mut find = Find::default();
    anywhere::read_object(root, "", ask, None, &mut find);
    find.finish()
}

/// What the shapes find in one object.
#[derive(Debug, Clone, Default)]
pub(super) struct Find<'a> {
    /// The images, in the order of the text, shape by shape.
    pub(super) slots: Vec<Slot<'a>>,
    /// Which of them are containers and init containers of a pod, whose images kustomize replaces.
    pub(super) pods: Range<usize>,
    /// The first alias or merge key that stood in the way, if one did.
    pub(super) hidden: Option<NodeRef<'a>>,
    /// Whether this is part of an object only, to be merged into another (a strategic-merge patch).
    pub(super) is_patch: bool,
    /// Whether these are the values of a chart. Where they have one image only, that is meant by what is
    /// said for all.
    pub(super) is_chart: bool,
    /// The aliases whose paths led to an image, and why those of others have not yet.
    placed: BTreeSet<String>,
    lost: BTreeMap<String, anywhere::Lost>,
    /// The annotations of the pod template, which are not those of the workload.
    pub(super) template_annotations: Option<NodeRef<'a>>,
    /// Other files that the object names, or that belong to it, whether they exist or not. Those that
    /// exist are in the library when the object is read for the second time.
    pub(super) needs: Vec<RepoPath>,
    /// What is wrong with the links and paths that led here.
    pub(super) problems: Vec<Problem>,
}

/// One image of an object, or the place for one: a container, an alias of a chart's values.
#[derive(Debug, Clone)]
pub(super) struct Slot<'a> {
    /// What annotations call it; `None` where it has no name.
    pub(super) name: Option<Cow<'a, str>>,
    /// Where its image stands.
    pub(super) spot: Option<Spot<'a>>,
    /// The file in which it stands, where that is another one.
    pub(super) file: Option<&'a RepoPath>,
    /// The container itself.
    pub(super) node: NodeRef<'a>,
    /// What it is called where it has no name: `containers[0]`.
    pub(super) position: String,
    /// Whether only its own name can mean it, and not what is said for all containers: an image of a
    /// subchart.
    pub(super) is_aside: bool,
}

/// What the annotations of an object call for, as far as shapes have to know it.
#[derive(Debug, Clone)]
pub(super) struct Ask<'p> {
    /// The file that the object stands in.
    pub(super) file: &'p RepoPath,
    /// The aliases that annotations speak about.
    pub(super) aliases: BTreeSet<&'p str>,
    /// Where annotations say that images stand, by alias.
    pub(super) paths: BTreeMap<&'p str, Paths<'p>>,
    /// Whether there is any annotation of ours beyond bookkeeping.
    pub(super) is_annotated: bool,
}

/// The paths that are given for one alias.
#[derive(Debug, Clone, Default)]
pub(super) struct Paths<'p> {
    /// The image, or the mapping that holds its parts.
    pub(super) image: Option<GivenPath<'p>>,
    /// The registry.
    pub(super) registry: Option<GivenPath<'p>>,
    /// The repository.
    pub(super) repository: Option<GivenPath<'p>>,
    /// The tag.
    pub(super) tag: Option<GivenPath<'p>>,
    /// The digest, if one stands there.
    pub(super) digest: Option<GivenPath<'p>>,
}

/// A path that an annotation gives, with its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct GivenPath<'p> {
    /// How bad it is when this leads nowhere.
    pub(super) severity: Severity,
    /// The key as written.
    pub(super) written: &'p str,
    /// The text, trimmed.
    pub(super) text: &'p str,
    /// Where it stands.
    pub(super) place: &'p Place,
}

impl Find<'_> {
    fn finish(mut self) -> Self {
        if let ([only], true) = (self.slots.as_mut_slice(), self.is_chart) {
            only.is_aside = false;
        }
        self
    }
}

impl<'p> Ask<'p> {
    /// What these statements call for.
    pub(super) fn of(file: &'p RepoPath, statements: &'p [Statement]) -> Self {
        let mut ask = Self { file, aliases: BTreeSet::new(), paths: BTreeMap::new(), is_annotated: false };
        let mut by_voice: Vec<&Statement> = statements.iter().collect();
        by_voice.sort_by_key(|statement| statement.voice);
        for statement in by_voice {
            ask.is_annotated |= statement.word != Word::Bookkeeping;
            let Word::Known { topic, container: Some(alias), .. } = &statement.word else { continue };
            ask.aliases.insert(alias);
            let (Topic::Path(part), Some(text)) = (topic, &statement.value.text) else { continue };
            if statement.value.is_null {
                continue;
            }
            let paths = ask.paths.entry(alias).or_default();
            let path = match part {
                Part::Image => &mut paths.image,
                Part::Registry => &mut paths.registry,
                Part::Repository => &mut paths.repository,
                Part::Tag => &mut paths.tag,
            };
            path.get_or_insert(GivenPath {
                // A native word holds what it stands on.
                severity: if statement.voice == Voice::Native { Severity::Error } else { Severity::Warning },
                written: &statement.written,
                text: text.trim(),
                place: &statement.value.place,
            });
        }
        ask
    }
}

//! One file, open for changes: from bytes to a tree, and back to bytes with new tags.
//!
//! Must not know what in it asks for changes; see `read.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use super::edit::{self, Obstacle, Refusal};
use super::problem::{Place, Problem, Rule, Severity};
use super::workload::ImageField;
use super::yaml::{Kind, NodeRef, Syntax, Trail, Tree, Unreadable};
use crate::image::Tag;
use crate::path::RepoPath;

/// Files that other files name, opened. One that many name is opened once, and shared.
#[derive(Debug, Default)]
pub struct Library {
    documents: BTreeMap<RepoPath, Arc<Document>>,
    unreadable: BTreeSet<RepoPath>,
}

/// One file, open for changes.
#[derive(Debug)]
pub struct Document {
    path: RepoPath,
    tree: Tree,
    is_sealed: bool,
    /// The keys that stand twice, by number; worked out when somebody asks, for all who ask.
    doubled: OnceLock<Vec<(u32, u32)>>,
}

/// A file after its changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// The new bytes.
    pub bytes: Vec<u8>,
    /// The changes that were not made, by their index, and why.
    pub refused: Vec<(usize, Refusal)>,
}

impl Document {
    /// Opens a file.
    ///
    /// # Errors
    /// [`Problem`] with the place where it cannot be read, or where it shows that it is a template.
    pub fn open(path: &RepoPath, bytes: &[u8]) -> Result<Self, Problem> {
        let tree = parse(path, bytes).map_err(|error| unreadable(Severity::Error, path, &error))?;
        match tree.template_mark() {
            Some(mark) => Err(template("`{{` outside quotes makes the file a template", mark.place(path))),
            None => Ok(Self { path: path.clone(), is_sealed: seal(&tree).is_some(), tree, doubled: OnceLock::new() }),
        }
    }

    /// The file with new tags, all changes at once: only the bytes of the tags change, and the new
    /// text is read again to prove it. No change gives the same bytes. A change that cannot be made is
    /// told, and the others are made; what can be known before is told by [`ImageField::refusal`].
    #[must_use]
    pub fn rewrite(&self, changes: &[(&ImageField, Tag)]) -> Rewritten {
        let mut refused = Vec::new();
        let mut indexes = Vec::with_capacity(changes.len());
        let mut wanted = Vec::with_capacity(changes.len());
        for (index, (field, tag)) in changes.iter().enumerate() {
            let foreign = || Refusal { place: field.place().clone(), obstacle: Obstacle::Foreign };
            match (field.place().file == self.path).then(|| field.refusal()).ok_or_else(foreign) {
                Ok(None) => {
                    indexes.push(index);
                    wanted.push(field.change(tag));
                }
                Ok(Some(refusal)) | Err(refusal) => refused.push((index, refusal)),
            }
        }
        let edit::Rewritten { text, refused: late } = edit::rewrite(&self.tree, &wanted);
        refused.extend(late.into_iter().map(|(at, refusal)| (indexes[at], refusal)));
        refused.sort_by_key(|(index, _)| *index);
        Rewritten { bytes: text.into_bytes(), refused }
    }

    /// Where in the file the tag of this field stands, so that it can be found in another version.
    #[must_use]
    pub fn trail(&self, field: &ImageField) -> Option<Trail> {
        field.trail(&self.tree)
    }

    /// Its path.
    pub(super) fn path(&self) -> &RepoPath {
        &self.path
    }

    /// What it was read as.
    pub(super) fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The documents in it, in order.
    pub(super) fn roots(&self) -> impl Iterator<Item = NodeRef<'_>> {
        self.tree.documents()
    }

    /// The keys that stand twice in one mapping of its first document, each with the first of its name.
    pub(super) fn doubled_keys(&self) -> Vec<(NodeRef<'_>, NodeRef<'_>)> {
        let ids = |(first, second): (NodeRef<'_>, NodeRef<'_>)| (first.id(), second.id());
        let doubled = self.doubled.get_or_init(|| {
            self.roots().next().map(NodeRef::doubled_keys).unwrap_or_default().into_iter().map(ids).collect()
        });
        doubled.iter().map(|&(first, second)| (self.tree.node(first), self.tree.node(second))).collect()
    }

    /// Whether the file is encrypted with SOPS, whose checksum covers every byte.
    pub(super) fn is_sealed(&self) -> bool {
        self.is_sealed
    }

    /// Whether this version of the file has `tag` where `field` stood in another one.
    #[must_use]
    pub fn holds(&self, field: &ImageField, trail: &Trail, tag: &Tag) -> bool {
        let text = self.tree.follow(trail).and_then(|node| node.resolved().text());
        text.is_some_and(|text| field.said(tag, text))
    }
}

impl Library {
    /// Adds a file.
    pub fn insert(&mut self, document: impl Into<Arc<Document>>) {
        let document = document.into();
        self.documents.insert(document.path.clone(), document);
    }

    /// Notes that a file is there and cannot be opened, so that nobody takes it for missing.
    pub fn insert_unreadable(&mut self, path: RepoPath) {
        self.unreadable.insert(path);
    }

    /// The documents of a file, if it is there.
    pub(super) fn get(&self, path: &RepoPath) -> Option<&Document> {
        self.documents.get(path).map(Arc::as_ref)
    }

    /// Whether the file is there and cannot be opened, which is told elsewhere.
    pub(super) fn is_unreadable(&self, path: &RepoPath) -> bool {
        self.unreadable.contains(path)
    }
}

/// The `sops` key of a file that is under a seal.
pub(super) fn seal(tree: &Tree) -> Option<NodeRef<'_>> {
    tree.documents().find_map(|document| document.get("sops").filter(|sops| sops.kind() == Kind::Mapping))
}

/// Text to a tree. JSON is tried first for `.json`, and second for what looks like it.
pub(super) fn parse(path: &RepoPath, bytes: &[u8]) -> Result<Tree, Unreadable> {
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

/// A file that is no YAML.
pub(super) fn unreadable(severity: Severity, path: &RepoPath, error: &Unreadable) -> Problem {
    let place = Place { file: path.clone(), line: error.line, column: error.column };
    let message = format!("the file cannot be read: {}", error.message);
    Problem::new(Rule::UnreadableFile, severity, place, message, "nothing in it is followed until it is valid")
}

/// A key that stands twice in its mapping, the first of that name before it. Readers differ in which one
/// counts.
pub(super) fn doubled_key(
    severity: Severity,
    (first, second): (NodeRef<'_>, NodeRef<'_>),
    file: &RepoPath,
    mend: &str,
) -> Problem {
    let key = second.text().unwrap_or_default();
    let message = format!("the key `{key}` stands here twice, first in line {}", first.line());
    Problem::new(Rule::DoubledKey, severity, second.place(file), message, mend)
}

/// A file that is a template, however well it parses.
pub(super) fn template(message: &str, place: Place) -> Problem {
    let mend = "templates are never changed: annotate the manifest that uses it, or quote the value";
    Problem::new(Rule::Template, Severity::Warning, place, message, mend)
}

//! Comments that speak of a value, and the value with what stands around it.
//!
//! Must not know what a marker asks for. In any file and any kind of object, or none; of literal blocks
//! only the `values` of an Argo CD application are looked into.

mod marked;
mod text;

use std::collections::{BTreeMap, HashMap};

use super::super::problem::Place;
use super::super::yaml::{Kind, NodeRef, Remark, Style, Syntax, Tree};
use super::TAG_KEYS;
use crate::path::RepoPath;
pub(in crate::manifest::shape) use marked::names_repository;
pub(in crate::manifest) use marked::{Marked, Miss};

/// A comment in which one of the words asked for stands, and what it speaks of.
#[derive(Debug, Clone, Copy)]
pub(in crate::manifest) struct Marker<'a> {
    /// The comment.
    pub(in crate::manifest) remark: Remark<'a>,
    /// What it speaks of, if anything is there.
    pub(in crate::manifest) target: Option<Target<'a>>,
}

/// A value that a comment speaks of.
#[derive(Debug, Clone, Copy)]
pub(in crate::manifest) struct Target<'a> {
    /// The value.
    pub(in crate::manifest) node: NodeRef<'a>,
    /// The object it stands in: a document, or an item of a `List`.
    pub(in crate::manifest) object: NodeRef<'a>,
    /// Its key and the mapping around it; `None` for an item of a list.
    pub(in crate::manifest) entry: Option<Entry<'a>>,
}

/// A key with its mapping.
#[derive(Debug, Clone, Copy)]
pub(in crate::manifest) struct Entry<'a> {
    /// The key.
    pub(in crate::manifest) key: NodeRef<'a>,
    /// The mapping.
    pub(in crate::manifest) mapping: NodeRef<'a>,
    /// Whether another entry of the mapping has the same key.
    pub(in crate::manifest) is_doubled: bool,
    /// The parts of an image that stand in the mapping.
    siblings: Siblings<'a>,
}

/// The entries of a mapping that can say a part of an image.
#[derive(Debug, Clone, Copy, Default)]
struct Siblings<'a> {
    registry: Option<NodeRef<'a>>,
    repository: Option<NodeRef<'a>>,
    new_name: Option<NodeRef<'a>>,
    image: Option<NodeRef<'a>>,
    name: Option<NodeRef<'a>>,
    tag: Option<NodeRef<'a>>,
    digest: Option<NodeRef<'a>>,
}

impl Marker<'_> {
    /// Where the comment stands.
    pub(in crate::manifest) fn place(&self, file: &RepoPath) -> Place {
        Place { file: file.clone(), line: self.remark.line, column: self.remark.column }
    }
}

/// The comments of a file in which one of these words stands, in order. JSON has none.
pub(in crate::manifest) fn find<'a>(tree: &'a Tree, words: &[&str]) -> Vec<Marker<'a>> {
    if tree.syntax() == Syntax::Json
        || !words.iter().any(|word| memchr::memmem::find(tree.source().as_bytes(), word.as_bytes()).is_some())
    {
        return Vec::new();
    }
    let objects = objects(tree);
    let mut markers = find_in(tree, words, |node| object_of(node, &objects, tree));
    for application in tree.documents().filter(|document| is_application(*document)) {
        let blocks = application.mappings().filter_map(|mapping| mapping.get("helm")?.get("values"));
        for root in blocks.filter_map(|block| block.inset()?.ok()) {
            markers.extend(find_in(root.tree(), words, |_| application));
        }
    }
    markers.sort_by_key(|marker| (marker.remark.line, marker.remark.column));
    markers
}

fn find_in<'a>(tree: &'a Tree, words: &[&str], object: impl Fn(NodeRef<'a>) -> NodeRef<'a>) -> Vec<Marker<'a>> {
    let remarks = tree.remarks(words);
    let mut entries: HashMap<u32, Option<Entry<'a>>> =
        remarks.iter().filter_map(|remark| Some((remark.subject?.id(), None))).collect();
    if !entries.is_empty() {
        for mapping in tree.documents().flat_map(NodeRef::mappings) {
            let mut marked = mapping.entries().filter(|(_, value)| entries.contains_key(&value.id())).peekable();
            if marked.peek().is_none() {
                continue;
            }
            let siblings = Siblings::of(mapping);
            let mut times: HashMap<&str, usize> = HashMap::new();
            for key in mapping.entries().filter_map(|(key, _)| key.text()) {
                *times.entry(key).or_default() += 1;
            }
            for (key, value) in marked.collect::<Vec<_>>() {
                let is_doubled = key.text().is_some_and(|text| times.get(text) != Some(&1));
                entries.insert(value.id(), Some(Entry { key, mapping, is_doubled, siblings }));
            }
        }
    }
    let target =
        |node: NodeRef<'a>| Target { node, object: object(node), entry: entries.get(&node.id()).copied().flatten() };
    remarks.iter().map(|remark| Marker { remark: *remark, target: remark.subject.map(target) }).collect()
}

/// The objects of a file by the number of their first node: the items of lists, and everything else.
fn objects(tree: &Tree) -> BTreeMap<u32, NodeRef<'_>> {
    let mut objects = BTreeMap::new();
    let mut waiting: Vec<NodeRef<'_>> = tree.documents().collect();
    while let Some(object) = waiting.pop() {
        let is_list = object.get_text("kind").is_some_and(|kind| kind.ends_with("List"));
        match object.get("items").filter(|_| is_list) {
            Some(items) => waiting.extend(items.items()),
            None => drop(objects.insert(object.id(), object)),
        }
    }
    objects
}

fn object_of<'a>(node: NodeRef<'a>, objects: &BTreeMap<u32, NodeRef<'a>>, tree: &'a Tree) -> NodeRef<'a> {
    let around = |object: &NodeRef<'a>| object.id() <= node.id() && node.id() < object.next_id();
    let object = objects.range(..=node.id()).next_back().map(|(_, object)| *object).filter(around);
    // In a list, and in none of its items.
    object.or_else(|| tree.documents().find(around)).unwrap_or(node)
}

fn is_application(document: NodeRef<'_>) -> bool {
    matches!(document.get_text("kind"), Some("Application" | "ApplicationSet"))
}

impl<'a> Siblings<'a> {
    fn of(mapping: NodeRef<'a>) -> Self {
        let mut siblings = Self::default();
        for (key, value) in mapping.entries() {
            let slot = match key.text() {
                Some("registry") => &mut siblings.registry,
                Some("repository") => &mut siblings.repository,
                Some("newName") => &mut siblings.new_name,
                Some("image") => &mut siblings.image,
                Some("name") => &mut siblings.name,
                Some("tag" | "imageTag" | "newTag") => &mut siblings.tag,
                Some("digest") => &mut siblings.digest,
                _ => continue,
            };
            slot.get_or_insert(value);
        }
        siblings
    }

    /// What names the repository of a tag under this key. A mere `name` does for kustomize; elsewhere
    /// only one that holds a path.
    fn repository(&self, key: &str) -> Option<NodeRef<'a>> {
        let name = self.name.filter(|name| {
            key == "newTag" || (is_tag_key(key) && name.resolved().text().is_some_and(|text| text.contains('/')))
        });
        let (first, second) = if key == "newTag" { (self.new_name, None) } else { (self.repository, self.image) };
        [first, second, name].into_iter().flatten().find(|node| node.written().is_some())
    }
}

/// Whether the value of this key is a tag and nothing else.
fn is_tag_key(key: &str) -> bool {
    TAG_KEYS.contains(&key)
}

/// Whether the value of this key is an image, also where it says no tag.
fn is_image_key(key: &str) -> bool {
    takes_tag(key) || key == "repository"
}

/// Whether the value of this key is an image to which a tag can be added where it says none.
fn takes_tag(key: &str) -> bool {
    key == "image" || key.ends_with("Image")
}

/// Whether this is a block after `|` or `>`.
fn is_block(node: NodeRef<'_>) -> bool {
    matches!(node.kind(), Kind::Scalar(Style::Literal | Style::Folded))
}

//! The way to a node, told so that the same place is found again in another version of the file.
//!
//! Must not know what stands there. Objects are found by kind and name, list items by their name where
//! that is theirs alone, everything else by key or position.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use super::{Kind, NodeRef, Share, Tree};

/// How many merges of one mapping are looked at.
const MOST_MERGES: usize = 100;

/// The way to a node: the object it stands in, and the steps from there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Trail {
    start: Start,
    steps: Vec<Step>,
}

/// Where a way begins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Start {
    /// At an object of this name, be it a document or an item of a `List`.
    Object(Object),
    /// At a document by its number.
    Document(u32),
}

/// What an object is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Object {
    kind: Box<str>,
    namespace: Option<Box<str>>,
    name: Box<str>,
    /// How many before it are called the same.
    before: u32,
}

/// One step of a way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Step {
    /// To the value of a key.
    Key(Box<str>),
    /// To the value of an entry whose key is no text, by its number.
    Entry(u32),
    /// To the item with this `name`.
    Named(Box<str>),
    /// To an item by its number.
    Index(u32),
    /// Into the document of a literal block.
    Inset,
}

/// Who is whose child in a tree, and what its objects are called.
#[derive(Debug, Clone, Default)]
pub(super) struct Lineage {
    parents: Vec<u32>,
    /// Which member of its parent a node is, keys and values counted alike.
    ordinals: Vec<u32>,
    /// The values of `name` in list items that no other item of the list has.
    names: HashMap<u32, u32>,
    objects: BTreeMap<u32, Object>,
    by_name: HashMap<Object, u32>,
}

/// The parent of a document.
const NOBODY: u32 = u32::MAX;

impl NodeRef<'_> {
    /// The way to this node. A key has the way of its value. Where a key stands twice in a mapping, its
    /// first value is meant.
    pub(in crate::manifest) fn trail(self) -> Trail {
        let lineage = self.tree.lineage();
        let mut steps = Vec::new();
        let mut at = self.id;
        while lineage.parents[at as usize] != NOBODY && !lineage.objects.contains_key(&at) {
            steps.push(self.tree.step_to(at, lineage));
            at = lineage.parents[at as usize];
        }
        steps.reverse();
        let Some(origin) = &self.tree.origin else {
            let document = || super::small(self.tree.roots.partition_point(|root| *root < at));
            let start =
                lineage.objects.get(&at).map_or_else(|| Start::Document(document()), |o| Start::Object(o.clone()));
            return Trail { start, steps };
        };
        let mut trail = origin.trail.clone();
        trail.steps.push(Step::Inset);
        trail.steps.append(&mut steps);
        trail
    }

    /// Whether this is a key of a mapping.
    pub(super) fn is_key(self) -> bool {
        let lineage = self.tree.lineage();
        let parent = lineage.parents[self.id as usize];
        parent != NOBODY
            && self.tree.node(parent).kind() == Kind::Mapping
            && lineage.ordinals[self.id as usize].is_multiple_of(2)
    }

    fn step(self, step: &Step) -> Option<Self> {
        match step {
            Step::Key(key) => {
                let named = |node: Self| node.resolved().text() == Some(key);
                self.entries().find(|(entry, _)| named(*entry)).map(|(_, value)| value)
            }
            Step::Entry(number) => self.entries().nth(*number as usize).map(|(_, value)| value),
            Step::Index(number) => self.items().nth(*number as usize),
            Step::Named(name) => {
                let mut namesakes = self.items().filter(|item| item.get_text("name") == Some(name));
                namesakes.next().filter(|_| namesakes.next().is_none())
            }
            Step::Inset => self.inset()?.ok(),
        }
    }
}

impl Trail {
    /// The way one step on, to the value of this key.
    pub(in crate::manifest) fn then(mut self, key: &str) -> Self {
        self.steps.push(Step::Key(key.into()));
        self
    }
}

impl Tree {
    /// The node at the end of a way that may come from another version of the file; `None` where the
    /// way leads nowhere, or may lead to something else.
    pub(in crate::manifest) fn follow(&self, trail: &Trail) -> Option<NodeRef<'_>> {
        let lineage = self.lineage();
        let start = match &trail.start {
            Start::Object(object) => lineage.by_name.get(object),
            Start::Document(number) => {
                self.roots.get(*number as usize).filter(|root| !lineage.objects.contains_key(root))
            }
        };
        trail.steps.iter().try_fold(self.node(*start?), NodeRef::step)
    }

    pub(super) fn lineage(&self) -> &Lineage {
        self.lineage.get_or_init(|| Lineage::of(self))
    }

    /// Whether this value of the anchored mapping is used there alone: all aliases of the mapping are merged, as
    /// `<<: *anchor`, into mappings that say its key themselves.
    pub(super) fn is_said_anew(&self, id: u32, share: &Share) -> bool {
        let mapping = share.nodes.start;
        if id == mapping || self.node(mapping).kind() != Kind::Mapping || self.aliases_of(id).next().is_some() {
            return false;
        }
        let lineage = self.lineage();
        if lineage.parents[id as usize] != mapping || lineage.ordinals[id as usize].is_multiple_of(2) {
            return false;
        }
        let Step::Key(key) = self.step_to(id, lineage) else { return false };
        let is_merged = |alias: NodeRef<'_>| {
            let around = lineage.parents[alias.id as usize];
            around != NOBODY && {
                let around = self.node(around);
                around.get("<<").is_some_and(|merged| merged.id == alias.id) && around.get(&key).is_some()
            }
        };
        self.aliases_of(mapping).take(MOST_MERGES).all(is_merged) && self.aliases_of(mapping).nth(MOST_MERGES).is_none()
    }

    /// The last step of the way to a node that has a parent.
    fn step_to(&self, id: u32, lineage: &Lineage) -> Step {
        let (parent, ordinal) = (lineage.parents[id as usize], lineage.ordinals[id as usize]);
        if self.node(parent).kind() == Kind::Sequence {
            let name = lineage.names.get(&id).and_then(|name| self.node(*name).resolved().text());
            return name.map_or(Step::Index(ordinal), |name| Step::Named(name.into()));
        }
        // The key of a value stands right before it, unless it is a whole collection.
        let key = self.node(if ordinal.is_multiple_of(2) { id } else { id - 1 });
        let text = key.resolved().text().filter(|_| lineage.parents[key.id as usize] == parent);
        text.map_or(Step::Entry(ordinal / 2), |text| Step::Key(text.into()))
    }
}

impl Lineage {
    fn of(tree: &Tree) -> Self {
        let mut lineage = Self::default();
        let mut open: Vec<Family> = Vec::new();
        for node in (0..tree.len()).map(|id| tree.node(id)) {
            while open.last().is_some_and(|family| family.end <= node.id) {
                lineage.close(tree, &mut open);
            }
            let (parent, ordinal) = match open.last_mut() {
                None => (NOBODY, 0),
                Some(family) => {
                    family.members += 1;
                    (family.id, family.members - 1)
                }
            };
            lineage.parents.push(parent);
            lineage.ordinals.push(ordinal);
            if let [.., list, item] = open.as_mut_slice()
                && tree.node(list.id).kind() == Kind::Sequence
                && tree.node(item.id).kind() == Kind::Mapping
                && ordinal.is_multiple_of(2)
                && !item.is_named
                && node.text() == Some("name")
            {
                item.is_named = true;
                list.names.push((item.id, node.id + 1));
            }
            if matches!(node.kind(), Kind::Mapping | Kind::Sequence) {
                let end = node.node().next;
                open.push(Family { id: node.id, end, members: 0, names: Vec::new(), is_named: false });
            }
        }
        while !open.is_empty() {
            lineage.close(tree, &mut open);
        }
        if tree.origin.is_none() {
            lineage.name_objects(tree);
        }
        lineage
    }

    /// Ends the innermost collection; of a list, keeps the names that only one item has.
    fn close(&mut self, tree: &Tree, open: &mut Vec<Family>) {
        let Some(family) = open.pop() else { return };
        let text = |id: u32| tree.node(id).resolved().text().filter(|text| !text.is_empty());
        let mut counts: HashMap<&str, u32> = HashMap::new();
        for name in family.names.iter().filter_map(|(_, name)| text(*name)) {
            *counts.entry(name).or_default() += 1;
        }
        let own = |name: u32| text(name).is_some_and(|text| counts.get(text) == Some(&1));
        self.names.extend(family.names.iter().copied().filter(|(_, name)| own(*name)));
    }

    fn name_objects(&mut self, tree: &Tree) {
        let mut counts: HashMap<Object, u32> = HashMap::new();
        let mut waiting: Vec<NodeRef<'_>> = tree.documents().collect();
        waiting.reverse();
        while let Some(node) = waiting.pop() {
            let Some(kind) = node.get_text("kind").filter(|kind| !kind.is_empty()) else { continue };
            if let Some(items) = node.get("items").filter(|_| kind.ends_with("List")) {
                let first = waiting.len();
                waiting.extend(items.items());
                waiting[first..].reverse();
            }
            let Some(metadata) = node.get("metadata") else { continue };
            let text = |key| metadata.get_text(key).filter(|text| !text.is_empty());
            let Some(name) = text("name").or_else(|| text("generateName")) else { continue };
            let namespace = text("namespace").map(Into::into);
            let mut object = Object { kind: kind.into(), namespace, name: name.into(), before: 0 };
            let count = counts.entry(object.clone()).or_default();
            object.before = *count;
            *count += 1;
            self.objects.insert(node.id, object.clone());
            self.by_name.insert(object, node.id);
        }
    }
}

/// A collection whose members are being counted.
struct Family {
    id: u32,
    end: u32,
    members: u32,
    /// Items with the values of their names.
    names: Vec<(u32, u32)>,
    /// Whether the `name` of this item has been seen.
    is_named: bool,
}

/// The way within its document, `spec.template.spec.containers[web].image`.
impl fmt::Display for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut dot = "";
        for step in &self.steps {
            match step {
                Step::Key(key) if is_simple(key) => write!(f, "{dot}{key}")?,
                Step::Key(key) => write!(f, "{dot}{key:?}")?,
                Step::Entry(number) => write!(f, "{dot}?{number}")?,
                Step::Named(name) if is_simple(name) && !name.bytes().all(|byte| byte.is_ascii_digit()) => {
                    write!(f, "[{name}]")?;
                }
                Step::Named(name) => write!(f, "[{name:?}]")?,
                Step::Index(number) => write!(f, "[{number}]")?,
                Step::Inset => continue,
            }
            dot = ".";
        }
        Ok(())
    }
}

/// Whether a name can stand in a way without quotes.
fn is_simple(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_control() || c.is_whitespace() || ".[]\"\\?".contains(c))
}

#[cfg(test)]
mod tests;

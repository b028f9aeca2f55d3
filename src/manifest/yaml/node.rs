//! Walking a tree: a node with the tree it stands in. Must not know what a node means to anybody.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;

use super::scalar::is_string_when_plain;
use super::{Kind, Share, Style, Tree};
use crate::manifest::problem::Place;
use crate::path::RepoPath;

/// A node of a tree. Cheap to copy.
#[derive(Debug, Clone, Copy)]
pub(in crate::manifest) struct NodeRef<'a> {
    pub(super) tree: &'a Tree,
    pub(super) id: u32,
}

impl<'a> NodeRef<'a> {
    pub(super) fn node(self) -> &'a super::Node {
        &self.tree.nodes[self.id as usize]
    }

    /// The node's number in its tree.
    pub(in crate::manifest) fn id(self) -> u32 {
        self.id
    }

    pub(in crate::manifest) fn kind(self) -> Kind {
        self.node().kind
    }

    /// Where the node begins.
    pub(in crate::manifest) fn place(self, file: &RepoPath) -> Place {
        Place { file: file.clone(), line: self.line(), column: self.column() }
    }

    /// The line where the node begins, from 1.
    pub(in crate::manifest) fn line(self) -> usize {
        self.node().line as usize
    }

    /// The column where the node begins, from 1, in characters.
    pub(in crate::manifest) fn column(self) -> usize {
        self.node().column as usize
    }

    /// What an alias stands for; any other node is itself.
    pub(in crate::manifest) fn resolved(self) -> Self {
        match self.kind() {
            Kind::Alias(target) => Self { tree: self.tree, id: target },
            _ => self,
        }
    }

    pub(in crate::manifest) fn is_alias(self) -> bool {
        matches!(self.kind(), Kind::Alias(_))
    }

    /// The value of a scalar, as a reader gets it. Not looked up through an alias.
    pub(in crate::manifest) fn text(self) -> Option<&'a str> {
        let node = self.node();
        let Kind::Scalar(_) = node.kind else { return None };
        Some(match &node.decoded {
            Some(text) => text,
            None => &self.tree.source[self.span()],
        })
    }

    /// The bytes of a scalar's value, inside quotes where there are any. Empty where the value is
    /// not written in one piece.
    pub(in crate::manifest) fn span(self) -> Range<usize> {
        self.node().start as usize..self.node().end as usize
    }

    /// Whether the value is, byte for byte, what stands in the source.
    pub(in crate::manifest) fn is_verbatim(self) -> bool {
        self.node().decoded.is_none()
    }

    /// What is written inside the quotes, or the plain text.
    pub(in crate::manifest) fn raw(self) -> &'a str {
        &self.tree.source[self.span()]
    }

    /// The tag, such as `tag:yaml.org,2002:str` for `!!str`.
    pub(in crate::manifest) fn tag(self) -> Option<&'a str> {
        self.node().tag.as_deref()
    }

    /// Whether every reader takes this scalar for a string. An alias is not looked through.
    pub(in crate::manifest) fn is_string(self) -> bool {
        match (self.kind(), self.tag()) {
            (Kind::Scalar(_), Some(tag)) => tag == "tag:yaml.org,2002:str" || tag == "!",
            (Kind::Scalar(Style::Plain), None) => self.text().is_some_and(is_string_when_plain),
            (Kind::Scalar(_), None) => true,
            _ => false,
        }
    }

    /// Whether nothing is written, or `null` or `~`.
    pub(in crate::manifest) fn is_null(self) -> bool {
        self.kind() == Kind::Scalar(Style::Plain) && matches!(self.text(), Some("" | "~" | "null" | "Null" | "NULL"))
    }

    /// What shares this node with an alias.
    pub(in crate::manifest) fn share(self) -> Option<&'a Share> {
        self.tree.share_of(self.id)
    }

    /// The entries of a mapping; none for anything else.
    pub(in crate::manifest) fn entries(self) -> impl Iterator<Item = (Self, Self)> {
        let mut members = self.members(self.kind() == Kind::Mapping);
        std::iter::from_fn(move || members.next().zip(members.next()))
    }

    /// The items of a sequence; none for anything else.
    pub(in crate::manifest) fn items(self) -> impl Iterator<Item = Self> {
        self.members(self.kind() == Kind::Sequence)
    }

    fn members(self, any: bool) -> impl Iterator<Item = Self> {
        let end = self.node().next;
        let mut at = if any { self.id + 1 } else { end };
        std::iter::from_fn(move || {
            let member = (at < end).then(|| self.tree.node(at))?;
            at = member.node().next;
            Some(member)
        })
    }

    /// The value of the first entry with this key.
    pub(in crate::manifest) fn get(self, key: &str) -> Option<Self> {
        self.entries().find(|(entry, _)| entry.text() == Some(key)).map(|(_, value)| value)
    }

    /// The text of the first entry with this key, also when an alias gives it.
    pub(in crate::manifest) fn get_text(self, key: &str) -> Option<&'a str> {
        self.get(key)?.resolved().text()
    }

    /// The text of a scalar, also when an alias gives it; `None` where it says nothing: for `""`, `null` and
    /// a value that is not there.
    pub(in crate::manifest) fn written(self) -> Option<&'a str> {
        let node = self.resolved();
        node.text().filter(|text| !text.is_empty() && !node.is_null())
    }

    /// Every mapping in this node, itself included, in the order of the text.
    pub(in crate::manifest) fn mappings(self) -> impl Iterator<Item = Self> {
        let tree = self.tree;
        (self.id..self.node().next).map(|id| tree.node(id)).filter(|node| node.kind() == Kind::Mapping)
    }

    /// The keys that stand twice in one mapping, anywhere in this node, each with the first of its name.
    pub(in crate::manifest) fn doubled_keys(self) -> Vec<(Self, Self)> {
        let mut doubled = Vec::new();
        let mut seen: HashMap<&str, Self> = HashMap::new();
        for mapping in self.mappings() {
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

    /// Whether this is a collection in brackets, or stands in one.
    pub(in crate::manifest) fn is_flow(self) -> bool {
        self.node().flow
    }

    /// The tree that this node stands in: that of the file, or that of an inset.
    pub(in crate::manifest) fn tree(self) -> &'a Tree {
        self.tree
    }

    /// The number of the node behind this one and all it holds.
    pub(in crate::manifest) fn next_id(self) -> u32 {
        self.node().next
    }

    /// Whether two nodes of two trees are alike, what they hold and where they stand set aside: same
    /// kind and style, same tag and value.
    pub(in crate::manifest) fn is_like(self, other: Self) -> bool {
        let kinds = match (self.kind(), other.kind()) {
            (Kind::Alias(_), Kind::Alias(_)) => true,
            (one, other) => one == other,
        };
        kinds && self.is_marked_like(other) && self.text() == other.text()
    }

    /// Whether the node has neither anchor nor tag.
    pub(in crate::manifest) fn is_unmarked(self) -> bool {
        !self.node().anchored && self.node().tag.is_none()
    }

    /// Whether two nodes have the same tag, and both an anchor or none.
    pub(in crate::manifest) fn is_marked_like(self, other: Self) -> bool {
        let (a, b) = (self.node(), other.node());
        a.anchored == b.anchored && a.tag == b.tag
    }
}

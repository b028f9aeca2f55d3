//! Changing a text by spans, and proving that nothing else changed.
//!
//! Knows scalars, spans and trees; must not know what an image or a policy is. A change gives a scalar
//! a new value, or adds a key; an amendment does the same to entries of mappings and to comments. What cannot be changed is refused on its own, and the rest is changed.
//! Then the new text is parsed again and compared with the old tree node by node: they may differ at
//! the planned places, which must then say exactly what was planned, and nowhere else.

mod amend;
mod batch;
mod insert;
mod layout;
mod obstacle;
mod proof;

use std::ops::Range;

pub(super) use amend::{Amended, Amendment, Fresh, FreshValue, amend};
use batch::Batch;
pub(super) use insert::Gap;
use layout::double_quoted;
pub use layout::yaml_text;
pub use obstacle::{Obstacle, Refusal};
use proof::prove;

use super::problem::Place;
use super::yaml::{Kind, NodeRef, Share, Style, Syntax, Trail, Tree, stays_plain};
use crate::path::RepoPath;

/// A scalar in a file that somebody may want to change.
///
/// An alias stands for the scalar that has the anchor: the place is its own, the bytes are those of
/// the anchor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scalar {
    address: Address,
    /// The number of the alias that this was read through, or that of the scalar itself.
    user: u32,
    span: Range<usize>,
    place: Place,
    obstacle: Option<Obstacle>,
}

/// Which node of a file, or of a block in it: numbers only, so that it outlives the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Address {
    /// The block whose inset the node stands in.
    block: Option<u32>,
    node: u32,
}

/// What is to change in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change<'a> {
    /// A scalar gets another value.
    Set { scalar: &'a Scalar, value: String },
    /// A key is added.
    Insert { gap: &'a Gap, value: String },
}

/// A text after changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rewritten {
    /// The text with all changes that could be made.
    pub(super) text: String,
    /// The others, each by its number among the changes, in order.
    pub(super) refused: Vec<(usize, Refusal)>,
}

/// New bytes for a span of old ones.
#[derive(Debug, Clone, PartialEq, Eq)]
struct TextEdit {
    span: Range<usize>,
    text: String,
}

impl Scalar {
    /// The scalar at this node, with what stands in the way of changing it.
    pub(super) fn at(node: NodeRef<'_>, file: &RepoPath) -> Self {
        let scalar = node.resolved();
        Self {
            address: Address::of(scalar),
            user: node.id(),
            span: scalar.span(),
            place: node.place(file),
            obstacle: obstacle(node),
        }
    }

    /// The bytes of the value, inside its quotes; of an alias, those of the value that has the anchor.
    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Where the scalar, or the alias, stands.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Why this scalar cannot be changed, if that is known beforehand. Whether all who share it are to
    /// change alike shows only when it is done.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        self.obstacle.clone().map(|obstacle| self.refuse(obstacle))
    }

    pub(super) fn refuse(&self, obstacle: Obstacle) -> Refusal {
        Refusal { place: self.place.clone(), obstacle }
    }

    /// The way to the scalar, in the tree that it was found in.
    pub(super) fn trail(&self, tree: &Tree) -> Option<Trail> {
        self.address.find(tree).map(NodeRef::trail)
    }
}

impl Address {
    fn of(node: NodeRef<'_>) -> Self {
        Self { block: node.tree().inset_in(), node: node.id() }
    }

    /// The node in this tree, if it has one.
    fn find(self, tree: &Tree) -> Option<NodeRef<'_>> {
        let home = match self.block {
            None => tree,
            Some(block) => (block < tree.len()).then(|| tree.node(block).inset())??.ok()?.tree(),
        };
        (self.node < home.len()).then(|| home.node(self.node))
    }
}

impl Change<'_> {
    fn refuse(&self, obstacle: Obstacle) -> Refusal {
        match self {
            Self::Set { scalar, .. } => scalar.refuse(obstacle),
            Self::Insert { gap, .. } => gap.refuse(obstacle),
        }
    }
}

impl From<&Share> for Obstacle {
    fn from(share: &Share) -> Self {
        Self::Shared { anchor_line: share.line, alias_line: share.alias_line }
    }
}

fn obstacle(node: NodeRef<'_>) -> Option<Obstacle> {
    let scalar = node.resolved();
    let Kind::Scalar(style) = scalar.kind() else {
        let anchor_line = scalar.line();
        return Some(if node.is_alias() { Obstacle::Alias { anchor_line } } else { Obstacle::SeveralLines });
    };
    let further_out = |node: NodeRef<'_>| node.share().filter(|share| !share.is_of(node)).map(Obstacle::from);
    if let Some(obstacle) = further_out(node).or_else(|| further_out(scalar)) {
        return Some(obstacle);
    }
    if scalar.is_null() {
        return Some(Obstacle::Empty);
    }
    if let Some(tag) = scalar.tag().filter(|tag| *tag != "tag:yaml.org,2002:str") {
        return Some(Obstacle::Tagged(tag.to_owned()));
    }
    match style {
        Style::Literal | Style::Folded => Some(Obstacle::Block),
        _ if scalar.is_verbatim() => None,
        Style::Double if scalar.text() == Some(&scalar.raw().replace("\\/", "/")) => None,
        Style::Plain => Some(Obstacle::SeveralLines),
        _ if scalar.raw().contains(['\n', '\r']) => Some(Obstacle::SeveralLines),
        Style::Single | Style::Double => Some(Obstacle::Escaped),
    }
}

/// The text with all changes made that can be made, proved. Where the proof fails none is made.
pub(super) fn rewrite(tree: &Tree, changes: &[Change<'_>]) -> Rewritten {
    let mut batch = Batch::of(tree, changes);
    let edits = batch.edits();
    let proved = if edits.is_empty() {
        Ok(tree.source().to_owned())
    } else {
        let after = Tree::parse(apply(tree.source(), &edits), tree.syntax()).map_err(|error| error.line);
        after.and_then(|after| prove(tree, &after, &batch.planned()).map(|()| after.into_source()))
    };
    let text = proved.unwrap_or_else(|line| {
        batch.refuse_rest(&Obstacle::Unproved { line });
        tree.source().to_owned()
    });
    Rewritten { text, refused: batch.refused() }
}

/// The edit that makes this scalar say `value`: the part that differs, in the quotes that are there.
/// `None` where it says so already.
fn edit(node: NodeRef<'_>, value: &str) -> Result<Option<TextEdit>, Obstacle> {
    let (old, raw, span) = (node.text().unwrap_or_default(), node.raw(), node.span());
    if old == value {
        return Ok(None);
    }
    let is_plain = node.kind() == Kind::Scalar(Style::Plain);
    if is_plain && (node.tree().syntax() == Syntax::Json || !stays_plain(old, value)) {
        return Ok(Some(TextEdit { span, text: double_quoted(value) }));
    }
    let same = old.bytes().zip(value.bytes()).take_while(|(a, b)| a == b).count();
    let same = (0..=same).rev().find(|&at| old.is_char_boundary(at) && value.is_char_boundary(at)).unwrap_or(0);
    let tail = &old[same..];
    if !raw.ends_with(tail) {
        return Err(Obstacle::Escaped);
    }
    Ok(Some(TextEdit { span: span.end - tail.len()..span.end, text: value[same..].to_owned() }))
}

/// The text with sorted, disjoint edits applied.
fn apply(source: &str, edits: &[TextEdit]) -> String {
    let grown: usize = edits.iter().map(|edit| edit.text.len()).sum();
    let mut text = String::with_capacity(source.len() + grown);
    let mut at = 0;
    for edit in edits {
        text.push_str(&source[at..edit.span.start]);
        text.push_str(&edit.text);
        at = edit.span.end;
    }
    text.push_str(&source[at..]);
    text
}

#[cfg(test)]
mod tests;

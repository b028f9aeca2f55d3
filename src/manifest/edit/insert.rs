//! Keys that are not there yet, written on a line of their own in the style of their neighbours. Must not
//! know what a key means.

use std::ops::Range;

use super::super::yaml::{Kind, NodeRef, Style, Syntax, Trail, Tree};
use super::layout::{Laid, line_break, line_break_above, styled};
use super::{Address, Obstacle, Place, Refusal, TextEdit};
use crate::path::RepoPath;

/// A key that is not there yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::manifest) struct Gap {
    /// The value behind which the key would stand.
    pub(super) address: Address,
    pub(super) mapping: u32,
    span: Range<usize>,
    pub(super) key: &'static str,
    place: Place,
    obstacle: Option<Obstacle>,
}

impl Gap {
    /// The place for `new_key` behind the entry `key_of_entry` of a mapping.
    pub(in crate::manifest) fn behind(
        mapping: NodeRef<'_>,
        key_of_entry: &str,
        new_key: &'static str,
        file: &RepoPath,
    ) -> Self {
        let entry = mapping.entries().find(|(key, _)| key.text() == Some(key_of_entry));
        let (key, value) = entry.unwrap_or((mapping, mapping));
        let no_line = || Obstacle::NoLine { key: new_key, behind: key_of_entry.to_owned() };
        let obstacle = if let Some((present, _)) = mapping.entries().find(|(key, _)| key.text() == Some(new_key)) {
            Some(Obstacle::Present { key: new_key, line: present.line() })
        } else if mapping.is_flow() {
            Some(Obstacle::FlowInsert { key: new_key })
        } else if let Some(share) = mapping.share() {
            Some(share.into())
        } else {
            (entry.is_none() || shape(key, value).is_none()).then(no_line)
        };
        Self {
            address: Address::of(value),
            mapping: mapping.id(),
            span: value.span(),
            key: new_key,
            place: key.place(file),
            obstacle,
        }
    }

    /// The place of the entry behind which the key would stand.
    pub(in crate::manifest) fn place(&self) -> &Place {
        &self.place
    }

    /// Why the key cannot be added, if it cannot.
    pub(in crate::manifest) fn refusal(&self) -> Option<Refusal> {
        self.obstacle.clone().map(|obstacle| self.refuse(obstacle))
    }

    pub(in crate::manifest) fn refuse(&self, obstacle: Obstacle) -> Refusal {
        Refusal { place: self.place.clone(), obstacle }
    }

    /// The way to the value of the key, once it is there.
    pub(in crate::manifest) fn trail(&self, tree: &Tree) -> Option<Trail> {
        let home = self.address.find(tree)?.tree();
        Some(home.node(self.mapping).trail().then(self.key))
    }

    /// Whether the tree is the one that the gap was found in, as far as the gap can tell.
    pub(super) fn is_of(&self, value: NodeRef<'_>) -> bool {
        matches!(value.kind(), Kind::Scalar(_)) && value.span() == self.span && !value.is_flow()
    }

    /// The edit that writes the key with this value, in the tree that the gap was found in.
    pub(super) fn edit(&self, tree: &Tree, value: &str) -> Option<TextEdit> {
        let neighbour = self.address.find(tree)?;
        // The key of a scalar value stands right before it.
        let key = neighbour.id().checked_sub(1).map(|id| neighbour.tree().node(id))?;
        let Shape { indent, line_end } = shape(key, neighbour)?;
        let source = neighbour.tree().source();
        let line = format!("{:indent$}{}: {}", "", self.key, styled(value, neighbour.kind(), Syntax::Yaml));
        if let Some(newline) = line_break(&source[line_end..]) {
            let at = line_end + newline.len();
            return Some(TextEdit { span: at..at, text: line + newline });
        }
        // The last line of the file has no break, and gets none: the one above shows which to write.
        let newline = line_break_above(source, line_end);
        Some(TextEdit { span: line_end..line_end, text: newline.to_owned() + &line })
    }
}

/// How an entry of a block mapping is laid out.
struct Shape {
    /// The columns before its key.
    indent: usize,
    /// Where the line ends on which its value stands.
    line_end: usize,
}

/// The layout of an entry, if nothing but the dashes of a list stands before its key, and nothing but a
/// comment behind its value.
fn shape(key: NodeRef<'_>, value: NodeRef<'_>) -> Option<Shape> {
    let is_simple = |node: NodeRef<'_>| match node.kind() {
        Kind::Scalar(Style::Plain) => node.is_verbatim() && !node.raw().is_empty(),
        Kind::Scalar(Style::Single | Style::Double) => !node.raw().contains(['\n', '\r']),
        _ => false,
    };
    let laid = Laid::of(key, value).filter(|_| is_simple(key) && is_simple(value))?;
    laid.line_start(true)?;
    Some(Shape { indent: key.column() - 1, line_end: laid.line_end()? })
}

#[cfg(test)]
mod tests;

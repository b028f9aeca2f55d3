//! Keys that are not there yet, written on a line of their own in the style of their neighbours. Must not
//! know what a key means.

use std::ops::Range;

use super::super::yaml::{Kind, NodeRef, Style, Trail, Tree, can_stand_plain};
use super::{Address, Obstacle, Place, Refusal, TextEdit, shared};
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
            Some(shared(share))
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
        let line = format!("{:indent$}{}: {}", "", self.key, written(value, neighbour.kind()));
        if let Some(newline) = line_break(&source[line_end..]) {
            let at = line_end + newline.len();
            return Some(TextEdit { span: at..at, text: line + newline });
        }
        // The last line of the file has no break, and gets none: the one above shows which to write.
        let above = memchr::memrchr2(b'\n', b'\r', &source.as_bytes()[..line_end]);
        let above = above.map(|at| if source[..=at].ends_with("\r\n") { at - 1 } else { at });
        let newline = above.and_then(|at| line_break(&source[at..])).unwrap_or("\n");
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
    let quote = |node: NodeRef<'_>| match node.kind() {
        Kind::Scalar(Style::Plain) if node.is_verbatim() && !node.raw().is_empty() => Some(0),
        Kind::Scalar(Style::Single | Style::Double) if !node.raw().contains(['\n', '\r']) => Some(1),
        _ => None,
    };
    let source = key.tree().source();
    let is_break = |c| c == '\n' || c == '\r';
    let key_start = key.span().start - quote(key)?;
    let indent = key.column() - 1;
    // Blanks and dashes are single bytes, so that columns are bytes where the entry is simple.
    let before = source.get(key_start.checked_sub(indent)?..key_start)?;
    let bare = before.bytes().all(|byte| byte == b' ' || byte == b'-') && !before.contains("--");
    let behind_key = source[key.span().end + quote(key)?..].trim_start_matches([' ', '\t']);
    let behind = &source[value.span().end + quote(value)?..];
    let line = &behind[..behind.find(is_break).unwrap_or(behind.len())];
    let rest = line.trim_start_matches([' ', '\t']);
    let ended = rest.is_empty() || (rest.starts_with('#') && rest.len() < line.len());
    (bare && behind_key.starts_with(':') && ended)
        .then(|| Shape { indent, line_end: source.len() - behind.len() + line.len() })
}

/// The line break that a text begins with.
fn line_break(text: &str) -> Option<&'static str> {
    ["\r\n", "\n", "\r"].into_iter().find(|newline| text.starts_with(newline))
}

/// The value in the style of its neighbour, where it can be written so.
fn written(value: &str, neighbour: Kind) -> String {
    match neighbour {
        Kind::Scalar(Style::Single) if !value.contains('\'') => format!("'{value}'"),
        Kind::Scalar(Style::Plain) if can_stand_plain(value) => value.to_owned(),
        _ => super::double_quoted(value),
    }
}

#[cfg(test)]
mod tests;

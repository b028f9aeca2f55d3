//! Changing a text by spans, and proving that nothing else changed.
//!
//! Knows scalars, spans and trees; must not know what an image or a policy is. A [`TextEdit`] replaces
//! a span of bytes. Edits of one text are sorted and disjoint. After they are applied, the new text is
//! parsed again and compared with the old tree node by node: they may differ at the planned scalars,
//! which must then say exactly what was planned, and nowhere else.

use std::collections::BTreeMap;
use std::ops::Range;

use super::problem::Place;
use super::yaml::{Kind, NodeRef, Style, Tree, can_stand_plain};
use crate::path::RepoPath;

/// A scalar in a file that somebody may want to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scalar {
    node: u32,
    span: Range<usize>,
    place: Place,
    obstacle: Option<Obstacle>,
}

/// Why a place in a file is not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: not changed: {obstacle}")]
pub struct Refusal {
    pub(super) place: Place,
    pub(super) obstacle: Obstacle,
}

/// What stands in the way of a change. The text says how to get it out of the way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// `|` or `>`.
    #[error("the value is a block scalar; write it on one line behind its key")]
    Block,
    /// A plain or quoted value that goes on in the next line.
    #[error("the value spans several lines; write it on one line")]
    SeveralLines,
    /// Backslashes or doubled quotes.
    #[error("the value is written with escapes; write it without")]
    Escaped,
    /// A tag other than `!!str`.
    #[error("the value has the tag {0}; remove the tag")]
    Tagged(String),
    /// `*name`.
    #[error("the value is an alias of line {anchor_line}, which others may use as well; write the value itself")]
    Alias {
        /// The line of the anchor.
        anchor_line: usize,
    },
    /// `&name`, here or further out, with aliases elsewhere.
    #[error(
        "the value belongs to the anchor of line {anchor_line}, and line {alias_line} uses it as well; write the value in both places"
    )]
    Shared {
        /// The line of the anchor.
        anchor_line: usize,
        /// The line of the first alias.
        alias_line: usize,
    },
    /// A digest would go on running the old image beside any new tag.
    #[error("the image is pinned to a digest, and a new tag beside the old digest changes nothing; remove the digest")]
    Pinned,
    /// Two different values were asked for.
    #[error("two changes want two different values here")]
    Contradiction,
    /// The field was read from something else.
    #[error("the field does not belong to this file as it was read")]
    Foreign,
    /// The proof failed.
    #[error("the file would not read back as planned (line {line} would change as well); please report this file")]
    Unproved {
        /// The first line that would differ.
        line: usize,
    },
}

/// New bytes for a span of old ones.
#[derive(Debug, Clone, PartialEq, Eq)]
struct TextEdit {
    span: Range<usize>,
    text: String,
}

impl Refusal {
    /// Where.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Why, and how to mend it.
    #[must_use]
    pub fn obstacle(&self) -> &Obstacle {
        &self.obstacle
    }
}

impl Scalar {
    /// The scalar at this node, with what stands in the way of changing it.
    pub(super) fn at(node: NodeRef<'_>, file: &RepoPath) -> Self {
        Self { node: node.id(), span: node.span(), place: node.place(file), obstacle: obstacle(node) }
    }

    /// The bytes of the value, inside its quotes.
    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Why this scalar cannot be changed, if it cannot.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        self.obstacle.clone().map(|obstacle| self.refuse(obstacle))
    }

    pub(super) fn refuse(&self, obstacle: Obstacle) -> Refusal {
        Refusal { place: self.place.clone(), obstacle }
    }
}

fn obstacle(node: NodeRef<'_>) -> Option<Obstacle> {
    let style = match node.kind() {
        Kind::Alias(_) => return Some(Obstacle::Alias { anchor_line: node.resolved().line() }),
        Kind::Scalar(style) => style,
        Kind::Mapping | Kind::Sequence => return Some(Obstacle::SeveralLines),
    };
    if let Some(share) = node.share() {
        return Some(Obstacle::Shared { anchor_line: share.line, alias_line: share.alias_line });
    }
    if let Some(tag) = node.tag().filter(|tag| *tag != "tag:yaml.org,2002:str") {
        return Some(Obstacle::Tagged(tag.to_owned()));
    }
    match style {
        Style::Literal | Style::Folded => Some(Obstacle::Block),
        _ if node.is_verbatim() => None,
        Style::Double if node.text() == Some(&node.raw().replace("\\/", "/")) => None,
        Style::Plain => Some(Obstacle::SeveralLines),
        _ if node.raw().contains(['\n', '\r']) => Some(Obstacle::SeveralLines),
        Style::Single | Style::Double => Some(Obstacle::Escaped),
    }
}

/// The text with all these scalars changed, proved.
///
/// # Errors
/// A [`Refusal`] for the first change that cannot be made; then none is.
pub(super) fn rewrite(tree: &Tree, changes: &[(&Scalar, String)]) -> Result<String, Refusal> {
    let mut planned: BTreeMap<u32, (&Scalar, &str)> = BTreeMap::new();
    for (scalar, value) in changes {
        if let Some(refusal) = scalar.refusal() {
            return Err(refusal);
        }
        if scalar.node >= tree.len() || tree.node(scalar.node).span() != scalar.span {
            return Err(scalar.refuse(Obstacle::Foreign));
        }
        let (_, before) = planned.entry(scalar.node).or_insert((scalar, value));
        if before != value {
            return Err(scalar.refuse(Obstacle::Contradiction));
        }
    }
    let mut edits = Vec::with_capacity(planned.len());
    for (&id, &(scalar, value)) in &planned {
        edits.push(edit(tree.node(id), value).map_err(|obstacle| scalar.refuse(obstacle))?);
    }
    let text = apply(tree.source(), &edits);
    let unproved = |line| {
        let first = planned.values().next().map_or_else(|| changes[0].0, |(scalar, _)| scalar);
        first.refuse(Obstacle::Unproved { line })
    };
    if planned.is_empty() {
        return Ok(text);
    }
    let after = Tree::parse(text, tree.syntax()).map_err(|error| unproved(error.line))?;
    prove(tree, &after, &planned).map_err(unproved)?;
    Ok(after.into_source())
}

/// The edit that makes this scalar say `value`: the part that differs, in the quotes that are there.
fn edit(node: NodeRef<'_>, value: &str) -> Result<TextEdit, Obstacle> {
    let (old, raw, span) = (node.text().unwrap_or_default(), node.raw(), node.span());
    if node.kind() == Kind::Scalar(Style::Plain) && !can_stand_plain(value) {
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
        return Ok(TextEdit { span, text: format!("\"{escaped}\"") });
    }
    let same = old.bytes().zip(value.bytes()).take_while(|(a, b)| a == b).count();
    let same = (0..=same).rev().find(|&at| old.is_char_boundary(at) && value.is_char_boundary(at)).unwrap_or(0);
    let tail = &old[same..];
    if !raw.ends_with(tail) {
        return Err(Obstacle::Escaped);
    }
    Ok(TextEdit { span: span.end - tail.len()..span.end, text: value[same..].to_owned() })
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

/// Whether two trees differ at the planned scalars and nowhere else; if not, the line that tells.
fn prove(before: &Tree, after: &Tree, planned: &BTreeMap<u32, (&Scalar, &str)>) -> Result<(), usize> {
    for id in 0..before.len().max(after.len()) {
        if id >= before.len() {
            return Err(after.node(id).line());
        }
        let old = before.node(id);
        let same = id < after.len() && {
            let new = after.node(id);
            match planned.get(&id) {
                Some((_, value)) => old.is_placed_like(new) && new.text() == Some(value),
                None => old.is_like(new),
            }
        };
        if !same {
            return Err(old.line());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;

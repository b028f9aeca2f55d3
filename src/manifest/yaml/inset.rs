//! A document inside a document: what a literal block (`values: |`) holds, read as YAML of its own.
//!
//! Must not know what a block is for. The nodes of an inset tell places and bytes of the file around
//! it, which is sure only because the lines of the block are compared, byte for byte, with the value
//! that was read. Blocks are read when somebody asks, each once; insets have no insets.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::build::{self, Builder};
use super::{Cursor, NodeRef, Share, Syntax, Trail, Tree, Unreadable};

/// A literal block that may hold a document.
#[derive(Debug, Clone)]
pub(super) struct Literal {
    node: u32,
    inset: OnceLock<Result<Option<Box<Tree>>, Unreadable>>,
}

/// Where an inset stands.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    /// The block, in the tree around.
    pub(super) literal: u32,
    /// The way to the block.
    pub(super) trail: Trail,
    /// The bytes from the first line of the block to the last.
    pub(super) extent: Range<usize>,
    /// The line on which the block begins.
    pub(super) line: usize,
    share: Option<Share>,
}

impl Literal {
    pub(super) fn new(node: u32) -> Self {
        Self { node, inset: OnceLock::new() }
    }
}

impl Origin {
    /// What shares the whole block with an alias.
    pub(super) fn share(&self) -> Option<&Share> {
        self.share.as_ref()
    }
}

impl<'a> NodeRef<'a> {
    /// The document in this literal block. `None` for every other node, for keys, for blocks of insets,
    /// and where nothing is written; an error where the block holds no YAML, a template, or several documents.
    pub(in crate::manifest) fn inset(self) -> Option<Result<Self, &'a Unreadable>> {
        let literals = &self.tree.literals;
        let at = literals.binary_search_by_key(&self.id, |literal| literal.node).ok()?;
        let inset = literals[at].inset.get_or_init(|| read(self)).as_ref();
        inset.map(|tree| tree.as_deref()?.documents().next()).transpose()
    }
}

fn read(block: NodeRef<'_>) -> Result<Option<Box<Tree>>, Unreadable> {
    let text = block.text().unwrap_or_default().trim_start_matches('\n');
    if text.is_empty() || block.is_key() {
        return Ok(None);
    }
    let columns = block.column() - 1;
    let Some((starts, end)) = lines(block, text, columns) else {
        let message = "the block does not stand in the file as it was read".to_owned();
        return Err(Unreadable { line: block.line(), column: block.column(), message });
    };
    let source = &block.tree.source;
    let extent = starts[0]..end;
    let (lines, indent) = (super::small(block.line() - 1), super::small(columns));
    let built = build::build(text, || Builder::new(source, Cursor::over(source, starts.clone(), end), lines, indent))?;
    // Its numbers are those of the tree around, and must not be taken for numbers of this one.
    let share = block.share().map(|share| Share { nodes: 0..0, ..*share });
    let origin = Origin { literal: block.id, trail: block.trail(), extent, line: block.line(), share };
    let tree = Tree::new(Arc::clone(source), Syntax::Yaml, built, Some(Box::new(origin)));
    let refuse = |node: NodeRef<'_>, message: &str| {
        Err(Unreadable { line: node.line(), column: node.column(), message: message.to_owned() })
    };
    if let Some(second) = tree.documents().nth(1) {
        return refuse(second, "the block holds more than one document");
    }
    if let Some(mark) = tree.template_mark() {
        return refuse(mark, "`{{` outside quotes makes the block a template");
    }
    Ok((!tree.roots.is_empty()).then(|| Box::new(tree)))
}

/// Where each line of the value begins in the source, behind the indentation, and where the last one
/// ends; `None` unless the block, its indentation taken off, is exactly the value.
fn lines(block: NodeRef<'_>, text: &str, indent: usize) -> Option<(Vec<usize>, usize)> {
    let source = block.tree.source.as_bytes();
    let mut starts = Vec::new();
    let mut end = 0;
    let mut at = block.span().start.checked_sub(indent)?;
    for line in text.trim_end_matches('\n').split('\n') {
        let blanks = source.get(at..)?.iter().take(indent).take_while(|byte| **byte == b' ').count();
        let start = at + blanks;
        end = start + line.len();
        let broken = matches!(source.get(end), None | Some(b'\n' | b'\r'));
        if !broken || source.get(start..end)? != line.as_bytes() || (blanks < indent && !line.is_empty()) {
            return None;
        }
        starts.push(start);
        at = end + if source[end..].starts_with(b"\r\n") { 2 } else { 1 };
    }
    Some((starts, end))
}

#[cfg(test)]
mod tests;

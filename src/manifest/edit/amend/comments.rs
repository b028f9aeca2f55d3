//! Comments that come, change and go, and the proof that all others stay.
//!
//! Must not know what they say.

use std::collections::BTreeMap;

use super::super::{Obstacle, TextEdit};
use super::{Draft, lines};
use crate::manifest::yaml::{Kind, NodeRef, Remark, Style, Syntax, Tree};

pub(super) fn comment<'a>(
    tree: &Tree,
    remark: &Remark<'a>,
    block: Option<u32>,
    text: Option<&'a str>,
    draft: &mut Draft<'a>,
) {
    let source = tree.source();
    let (start, end) = remark.span;
    let edit = match text {
        Some(text) => TextEdit { span: start..end, text: format!("# {text}") },
        None => TextEdit { span: lines::without_comment(tree, start, source), text: String::new() },
    };
    draft.edits.push(edit);
    draft.comments.push((block, start, text));
}

pub(super) fn mark<'a>(
    value: NodeRef<'a>,
    block: Option<u32>,
    text: &'a str,
    draft: &mut Draft<'a>,
) -> Result<(), Obstacle> {
    if value.tree().syntax() == Syntax::Json {
        return Err(Obstacle::NoComments);
    }
    // Behind a block, and between its key and its text, a comment would be text.
    if let Kind::Scalar(Style::Literal | Style::Folded) = value.kind() {
        return Err(Obstacle::Block);
    }
    let (at, text_edit) = lines::mark(value, text).ok_or(Obstacle::Crowded)?;
    draft.edits.push(text_edit);
    draft.marks.push((block, at, text));
    Ok(())
}

impl Draft<'_> {
    /// Whether the comments of the file say what they said, and those that were to change what they were to
    /// say. Literal blocks have theirs by themselves.
    pub(super) fn prove_comments(&self, tree: &Tree, after: &Tree, words: &[&str]) -> Result<(), usize> {
        let mut changed: BTreeMap<usize, Option<&str>> = BTreeMap::new();
        changed.extend(self.comments.iter().map(|(_, at, text)| (*at, *text)));
        let mut marks: BTreeMap<Option<u32>, Vec<(usize, &str)>> = BTreeMap::new();
        for (block, at, text) in &self.marks {
            marks.entry(*block).or_default().push((*at, text));
        }
        let has_word = |text: &&str| words.iter().any(|word| text.contains(word));
        for (old, new) in homes(tree).zip(homes(after)) {
            let told = |remark: &Remark<'_>| remark.text.to_owned();
            let kept = old.remarks(words).into_iter().filter_map(|remark| {
                let at = remark.span.0;
                let text = match changed.get(&at) {
                    Some(text) => text.filter(has_word).map(str::to_owned),
                    None => Some(told(&remark)).filter(|_| !self.is_overwritten(at)),
                };
                Some((at, text?))
            });
            let here = marks.get(&old.inset_in()).into_iter().flatten();
            let mut expected: Vec<(usize, String)> =
                kept.chain(here.map(|(at, text)| (*at, (*text).to_owned()))).collect();
            expected.sort_by_key(|(at, _)| *at);
            if !expected.into_iter().map(|(_, text)| text).eq(new.remarks(words).iter().map(told)) {
                return Err(1);
            }
        }
        Ok(())
    }
}

/// The tree of a file and those of its blocks.
fn homes(tree: &Tree) -> impl Iterator<Item = &Tree> {
    let blocks = (0..tree.len()).map(|id| tree.node(id));
    std::iter::once(tree).chain(blocks.filter_map(|block| Some(block.inset()?.ok()?.tree())))
}

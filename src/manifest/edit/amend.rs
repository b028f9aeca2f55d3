//! Entries of mappings that get other keys and values, go, or are added, and comments that change.
//!
//! Must not know what a key or a comment means. Amendments that belong together are made together or not
//! at all; what is left of them is proved like every other change.

mod braces;
mod comments;
mod lines;

use std::collections::{BTreeMap, BTreeSet};

use super::super::problem::Place;
use super::super::yaml::{Kind, NodeRef, Remark, Tree};
use super::layout::{Laid, styled};
use super::proof::{Added, Planned, prove};
use super::{Obstacle, Refusal, TextEdit, apply};

/// One thing that is to change.
#[derive(Debug, Clone)]
pub(in crate::manifest) enum Amendment<'a> {
    /// An entry gets another key, another value, or both.
    Replace {
        /// The key that is there.
        key: NodeRef<'a>,
        /// Its value.
        value: NodeRef<'a>,
        /// The new key.
        new_key: Option<String>,
        /// The new value.
        new_value: Option<String>,
    },
    /// Entries go, but not all of them.
    Remove {
        /// What they stand in.
        mapping: NodeRef<'a>,
        /// Their keys, by number.
        keys: BTreeSet<u32>,
    },
    /// Entries are added.
    Insert {
        /// To this.
        mapping: NodeRef<'a>,
        /// Behind the first of these keys that has a line of its own, or else any other.
        behind: Vec<NodeRef<'a>>,
        /// The entries, in order.
        entries: Vec<Fresh>,
    },
    /// A comment is added that speaks of a value: behind it on its line, or on a line of its own above where
    /// another comment stands there.
    Mark {
        /// The value.
        value: NodeRef<'a>,
        /// The block whose inset it stands in.
        block: Option<u32>,
        /// What is to stand behind the `#` and a blank.
        text: String,
    },
    /// A comment says something else, or goes.
    Comment {
        /// The comment.
        remark: Remark<'a>,
        /// The block whose inset it stands in.
        block: Option<u32>,
        /// What is to stand behind the `#` and a blank.
        text: Option<String>,
    },
}

/// An entry that is not there yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::manifest) struct Fresh {
    /// Its key.
    pub(in crate::manifest) key: String,
    /// Its value.
    pub(in crate::manifest) value: FreshValue,
}

/// The value of an entry that is not there yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::manifest) enum FreshValue {
    /// A string.
    Text(String),
    /// A mapping.
    Mapping(Vec<Fresh>),
}

/// A text after amendments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::manifest) struct Amended {
    /// The text with all that could be made.
    pub(in crate::manifest) text: String,
    /// The groups that could not, by their number, and why; the place is that of the amendment in the way.
    pub(in crate::manifest) refused: Vec<(usize, Refusal)>,
}

/// What one amendment comes to.
#[derive(Debug, Default)]
struct Draft<'a> {
    edits: Vec<TextEdit>,
    plans: BTreeMap<Option<u32>, Planned<'a>>,
    /// Comments by the byte where they begin, with what they say then.
    comments: Vec<(Option<u32>, usize, Option<&'a str>)>,
    /// Comments that are new, by the byte where they are put in.
    marks: Vec<(Option<u32>, usize, &'a str)>,
}

/// Makes all amendments that can be made, group by group, and proves them: entries and comments that no
/// amendment is about stay as they are, the latter as far as they hold one of the `words`. Where the proof
/// fails nothing is changed.
pub(in crate::manifest) fn amend(
    tree: &Tree,
    groups: &[Vec<Amendment<'_>>],
    words: &[&str],
    place: impl Fn(usize, usize) -> Place,
) -> Amended {
    let mut refused = Vec::new();
    let mut whole = Draft::default();
    let mut made = Vec::new();
    for (number, group) in groups.iter().enumerate() {
        match draft(tree, group) {
            Ok(draft) if draft.edits.is_empty() => {}
            Ok(draft) => {
                whole.join(draft);
                made.push(number);
            }
            Err((at, obstacle)) => refused.push((number, Refusal { place: place(at.0, at.1), obstacle })),
        }
    }
    whole.edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let changed = if whole.edits.is_empty() { Ok(tree.source().to_owned()) } else { whole.make(tree, words) };
    let text = changed.unwrap_or_else(|line| {
        let unproved =
            |number: usize| (number, Refusal { place: place(line, 1), obstacle: Obstacle::Unproved { line } });
        refused.extend(made.into_iter().map(unproved));
        refused.sort_by_key(|(number, _)| *number);
        tree.source().to_owned()
    });
    Amended { text, refused }
}

/// Line and column.
type Spot = (usize, usize);

fn draft<'a>(tree: &Tree, group: &'a [Amendment<'a>]) -> Result<Draft<'a>, (Spot, Obstacle)> {
    let mut draft = Draft::default();
    let gone = |amendment: &'a Amendment<'a>| match amendment {
        Amendment::Remove { keys, .. } => Some(keys),
        _ => None,
    };
    let gone: BTreeSet<u32> = group.iter().filter_map(gone).flatten().copied().collect();
    for amendment in group {
        let spot = amendment.spot();
        amendment.draw(tree, &gone, &mut draft).map_err(|obstacle| (spot, obstacle))?;
    }
    let mut spans: Vec<_> = draft.edits.iter().map(|edit| (edit.span.start, edit.span.end)).collect();
    spans.sort_unstable();
    if spans.windows(2).any(|pair| pair[1].0 < pair[0].1) {
        let spot = group.first().map_or((1, 1), Amendment::spot);
        return Err((spot, Obstacle::Crowded));
    }
    Ok(draft)
}

impl<'a> Amendment<'a> {
    fn spot(&self) -> Spot {
        let node = match self {
            Self::Replace { key, .. } => *key,
            Self::Mark { value, .. } => *value,
            Self::Remove { mapping, .. } | Self::Insert { mapping, .. } => *mapping,
            Self::Comment { remark, .. } => return (remark.line, remark.column),
        };
        (node.line(), node.column())
    }

    fn draw(&'a self, tree: &Tree, gone: &BTreeSet<u32>, draft: &mut Draft<'a>) -> Result<(), Obstacle> {
        match self {
            Self::Replace { key, value, new_key, new_value } => {
                replace(*key, *value, new_key.as_deref(), new_value.as_deref(), draft)
            }
            Self::Remove { mapping, keys } => remove(*mapping, keys, draft),
            Self::Insert { mapping, behind, entries } => insert(*mapping, behind, entries, gone, draft),
            Self::Mark { value, block, text } => comments::mark(*value, *block, text, draft),
            Self::Comment { remark, block, text } => {
                comments::comment(tree, remark, *block, text.as_deref(), draft);
                Ok(())
            }
        }
    }
}

impl<'a> Draft<'a> {
    fn join(&mut self, other: Self) {
        self.edits.extend(other.edits);
        self.comments.extend(other.comments);
        self.marks.extend(other.marks);
        for (block, planned) in other.plans {
            let plan = self.plans.entry(block).or_default();
            plan.sets.extend(planned.sets);
            plan.inserts.extend(planned.inserts);
            plan.removed.extend(planned.removed);
        }
    }

    fn plan(&mut self) -> &mut Planned<'a> {
        self.plans.entry(None).or_default()
    }

    /// The text with all edits, proved; or the line that tells that it is not as planned.
    fn make(mut self, tree: &Tree, words: &[&str]) -> Result<String, usize> {
        let after = Tree::parse(apply(tree.source(), &self.edits), tree.syntax()).map_err(|error| error.line)?;
        let blocks = self.comments.iter().map(|(block, ..)| *block).chain(self.marks.iter().map(|(block, ..)| *block));
        for block in blocks {
            self.plans.entry(block).or_default();
        }
        prove(tree, &after, &self.plans)?;
        self.prove_comments(tree, &after, words)?;
        Ok(after.into_source())
    }

    /// Whether this byte goes with an entry.
    fn is_overwritten(&self, at: usize) -> bool {
        let edits = &self.edits[..self.edits.partition_point(|edit| edit.span.start <= at)];
        edits.last().is_some_and(|edit| edit.span.contains(&at))
    }
}

/// What stands in the way of changing a node at all.
fn in_the_way(node: NodeRef<'_>) -> Option<Obstacle> {
    if node.is_alias() {
        return Some(Obstacle::Alias { anchor_line: node.resolved().line() });
    }
    node.share().map(Obstacle::from)
}

/// Every entry of a mapping that entries are taken from or added to.
fn laid(mapping: NodeRef<'_>) -> Result<Vec<Laid<'_>>, Obstacle> {
    if let Some(obstacle) = in_the_way(mapping) {
        return Err(obstacle);
    }
    if mapping.kind() != Kind::Mapping {
        return Err(Obstacle::NoMapping);
    }
    if mapping.get("<<").is_some() {
        return Err(Obstacle::Merged);
    }
    // A pair in a list, `[a: b]`, is a mapping without braces of its own.
    let is_bare = mapping.is_flow() && !mapping.tree().source()[mapping.span().start..].starts_with('{');
    Laid::all(mapping).filter(|_| !is_bare).ok_or(Obstacle::Crowded)
}

fn replace<'a>(
    key: NodeRef<'a>,
    value: NodeRef<'a>,
    new_key: Option<&'a str>,
    new_value: Option<&'a str>,
    draft: &mut Draft<'a>,
) -> Result<(), Obstacle> {
    let laid = Laid::of(key, value).ok_or(Obstacle::Crowded)?;
    let changes = [(key, new_key, laid.start..laid.key_end), (value, new_value, laid.value_start..laid.end)];
    for (node, text, span) in changes {
        let Some(text) = text.filter(|text| node.text() != Some(text)) else { continue };
        if let Some(obstacle) = in_the_way(node) {
            return Err(obstacle);
        }
        if !matches!(node.kind(), Kind::Scalar(_)) {
            return Err(Obstacle::SeveralLines);
        }
        if node.is_null() && span.is_empty() {
            return Err(Obstacle::Empty);
        }
        draft.edits.push(TextEdit { span, text: styled(text, node.kind(), node.tree().syntax()) });
        draft.plan().sets.insert(node.id(), text);
    }
    Ok(())
}

fn remove<'a>(mapping: NodeRef<'a>, keys: &BTreeSet<u32>, draft: &mut Draft<'a>) -> Result<(), Obstacle> {
    let entries = laid(mapping)?;
    let goes = |entry: &Laid<'_>| keys.contains(&entry.key.id());
    if entries.iter().all(goes) {
        return Err(Obstacle::LastEntry);
    }
    for entry in entries.iter().filter(|entry| goes(entry)) {
        let nodes = entry.key.id()..entry.value.next_id();
        if let Some(share) = nodes.clone().find_map(|id| mapping.tree().node(id).share()) {
            return Err(share.into());
        }
        draft.plan().removed.insert(nodes.start, nodes.end);
    }
    let edits = if mapping.is_flow() { braces::remove(mapping, &entries, goes) } else { lines::remove(&entries, goes) };
    draft.edits.extend(edits.ok_or(Obstacle::Crowded)?);
    Ok(())
}

fn insert<'a>(
    mapping: NodeRef<'a>,
    behind: &[NodeRef<'a>],
    entries: &'a [Fresh],
    gone: &BTreeSet<u32>,
    draft: &mut Draft<'a>,
) -> Result<(), Obstacle> {
    let there = laid(mapping)?;
    let is_there = |fresh: &Fresh| there.iter().find(|entry| entry.key.text() == Some(&fresh.key));
    if let Some((fresh, present)) = entries.iter().find_map(|fresh| Some((fresh, is_there(fresh)?))) {
        return Err(Obstacle::Doubled { key: fresh.key.clone(), line: present.key.line() });
    }
    let wanted = behind.iter().filter_map(|key| there.iter().find(|entry| entry.key.id() == key.id()));
    let stays = |entry: &&Laid<'_>| {
        matches!(entry.value.kind(), Kind::Scalar(_) | Kind::Alias(_)) && !gone.contains(&entry.key.id())
    };
    let candidates = wanted.chain(there.iter().rev()).filter(stays).copied();
    let (neighbour, edit) = if mapping.is_flow() {
        braces::insert(mapping, &there, candidates, entries)
    } else {
        lines::insert(mapping, &there, candidates, entries)
    }
    .ok_or(Obstacle::Crowded)?;
    let behind = neighbour.map_or(mapping.id(), |neighbour| neighbour.value.id());
    draft.edits.push(edit);
    flatten(entries, draft.plan().inserts.entry(behind).or_default());
    Ok(())
}

/// The nodes of new entries, as they will follow each other.
fn flatten<'a>(entries: &'a [Fresh], nodes: &mut Vec<Added<'a>>) {
    for fresh in entries {
        nodes.push(Added::Text(&fresh.key));
        match &fresh.value {
            FreshValue::Text(text) => nodes.push(Added::Text(text)),
            FreshValue::Mapping(inner) => {
                let mut members = Vec::new();
                flatten(inner, &mut members);
                nodes.push(Added::Mapping(members.iter().map(|_| 1).sum()));
                nodes.append(&mut members);
            }
        }
    }
}

#[cfg(test)]
mod tests;

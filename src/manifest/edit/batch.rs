//! Which of many changes can be made together: changes of one scalar must agree, and whoever shares a
//! scalar through its anchor must want the same. Must not know how a single change is made.

use std::collections::BTreeMap;

use super::super::yaml::{NodeRef, Tree};
use super::proof::{Added, Planned};
use super::{Address, Change, Gap, Obstacle, Refusal, TextEdit, edit};

/// Changes of one text, and what stands in the way of some of them.
pub(super) struct Batch<'a> {
    tree: &'a Tree,
    changes: &'a [Change<'a>],
    sets: BTreeMap<Address, Group<'a>>,
    /// By the first change that wants the key.
    inserts: BTreeMap<usize, (&'a Gap, &'a str)>,
    refused: BTreeMap<usize, Obstacle>,
}

/// The changes of one scalar: number, user and value.
type Group<'a> = Vec<(usize, u32, &'a str)>;

/// A key that one change wants: number, gap and value.
type Addition<'a> = (usize, &'a Gap, &'a str);

impl<'a> Batch<'a> {
    pub(super) fn of(tree: &'a Tree, changes: &'a [Change<'a>]) -> Self {
        let mut batch =
            Self { tree, changes, sets: BTreeMap::new(), inserts: BTreeMap::new(), refused: BTreeMap::new() };
        let mut wanted: BTreeMap<(Address, &'static str), Vec<Addition<'a>>> = BTreeMap::new();
        for (number, change) in changes.iter().enumerate() {
            if let Some(obstacle) = batch.obstacle(change) {
                batch.refused.insert(number, obstacle);
                continue;
            }
            match change {
                Change::Set { scalar, value } => {
                    batch.sets.entry(scalar.address).or_default().push((number, scalar.user, value));
                }
                Change::Insert { gap, value } => {
                    let mapping = Address { node: gap.mapping, ..gap.address };
                    wanted.entry((mapping, gap.key)).or_default().push((number, gap, value));
                }
            }
        }
        batch.settle_sets();
        for group in wanted.into_values() {
            let (first, gap, value) = group[0];
            if group.iter().all(|(_, other, text)| other.address == gap.address && *text == value) {
                batch.inserts.insert(first, (gap, value));
            } else {
                batch.refused.extend(group.into_iter().map(|(number, ..)| (number, Obstacle::Contradiction)));
            }
        }
        batch
    }

    /// What stands in the way of one change, whatever the others are.
    fn obstacle(&self, change: &Change<'_>) -> Option<Obstacle> {
        let (refusal, known) = match change {
            Change::Set { scalar, .. } => {
                let node = scalar.address.find(self.tree);
                let is_user = |node: NodeRef<'_>| {
                    scalar.user < node.tree().len() && node.tree().node(scalar.user).resolved().id() == node.id()
                };
                (scalar.refusal(), node.is_some_and(|node| node.span() == scalar.span && is_user(node)))
            }
            Change::Insert { gap, .. } => {
                (gap.refusal(), gap.address.find(self.tree).is_some_and(|node| gap.is_of(node)))
            }
        };
        refusal.map(|refusal| refusal.obstacle).or((!known).then_some(Obstacle::Foreign))
    }

    fn settle_sets(&mut self) {
        for (address, group) in std::mem::take(&mut self.sets) {
            let judged = address
                .find(self.tree)
                .map_or_else(|| vec![Obstacle::Foreign; group.len()], |node| judge(node, &group));
            if judged.is_empty() {
                self.sets.insert(address, group);
            } else {
                self.refused.extend(group.into_iter().map(|(number, ..)| number).zip(judged));
            }
        }
    }

    /// The edits of all changes that are not refused, in the order of the text.
    pub(super) fn edits(&mut self) -> Vec<TextEdit> {
        // Where a line is added, a value may end with something new right before, and a key change behind.
        let mut edits: Vec<(usize, TextEdit)> = Vec::new();
        let rank = |edit: &TextEdit| if edit.span.is_empty() { 0 } else { usize::MAX };
        let (tree, refused) = (self.tree, &mut self.refused);
        self.sets.retain(|address, group| {
            let node = address.find(tree).ok_or(Obstacle::Foreign);
            match node.and_then(|node| edit(node, group[0].2)) {
                Ok(edit) => edits.extend(edit.map(|edit| (rank(&edit), edit))),
                Err(obstacle) => {
                    refused.extend(group.iter().map(|(number, ..)| (*number, obstacle.clone())));
                    return false;
                }
            }
            true
        });
        for (number, (gap, value)) in &self.inserts {
            edits.extend(gap.edit(self.tree, value).map(|edit| (number + 1, edit)));
        }
        edits.sort_by_key(|(rank, edit)| (edit.span.start, *rank));
        edits.into_iter().map(|(_, edit)| edit).collect()
    }

    /// What the edits are to come to.
    pub(super) fn planned(&self) -> BTreeMap<Option<u32>, Planned<'a>> {
        let mut planned: BTreeMap<Option<u32>, Planned<'a>> = BTreeMap::new();
        for (address, group) in &self.sets {
            planned.entry(address.block).or_default().sets.insert(address.node, group[0].2);
        }
        for (gap, value) in self.inserts.values() {
            let inserts = &mut planned.entry(gap.address.block).or_default().inserts;
            inserts.entry(gap.address.node).or_default().extend([Added::Text(gap.key), Added::Text(value)]);
        }
        planned
    }

    /// Refuses every change that is not refused yet.
    pub(super) fn refuse_rest(&mut self, obstacle: &Obstacle) {
        for number in 0..self.changes.len() {
            self.refused.entry(number).or_insert_with(|| obstacle.clone());
        }
    }

    /// Every refused change by its number, in order.
    pub(super) fn refused(self) -> Vec<(usize, Refusal)> {
        let refused = self.refused.into_iter();
        refused.map(|(number, obstacle)| (number, self.changes[number].refuse(obstacle))).collect()
    }
}

/// What stands in the way of each of the changes of one scalar; nothing where all is well.
fn judge(node: NodeRef<'_>, group: &Group<'_>) -> Vec<Obstacle> {
    let mut wanted: BTreeMap<u32, &str> = BTreeMap::new();
    for &(_, user, value) in group {
        if *wanted.entry(user).or_insert(value) != value {
            return vec![Obstacle::Contradiction; group.len()];
        }
    }
    let others = || node.tree().aliases_of(node.id()).find(|alias| wanted.get(&alias.id()) != wanted.get(&node.id()));
    let anchor = wanted.get(&node.id()).copied();
    let odd = if anchor.is_some() { others() } else { Some(node) };
    let Some(odd) = odd else { return Vec::new() };
    let divided = |value: &str| {
        // To whoever wants what the anchor does, the odd one is the first that does not; to all others, the anchor.
        let other = if anchor == Some(value) { odd } else { node };
        Obstacle::Divided { anchor_line: node.line(), other_line: other.line() }
    };
    group.iter().map(|(_, _, value)| divided(value)).collect()
}

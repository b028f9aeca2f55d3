//! The proof that a text changed as planned and nowhere else: both trees are walked side by side. Must not
//! know how the changes were made.

use std::collections::BTreeMap;

use super::super::yaml::{Kind, NodeRef, Style, Tree};

/// What is to change in one tree.
#[derive(Debug, Default)]
pub(super) struct Planned<'a> {
    /// The new values of scalars.
    pub(super) sets: BTreeMap<u32, &'a str>,
    /// New nodes, by the node behind which they stand, in the order of the text.
    pub(super) inserts: BTreeMap<u32, Vec<Added<'a>>>,
    /// Nodes that go, up to the one that stays behind them.
    pub(super) removed: BTreeMap<u32, u32>,
}

/// A node that is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Added<'a> {
    /// A string.
    Text(&'a str),
    /// A mapping of so many nodes behind it.
    Mapping(u32),
}

/// Whether two trees differ at the planned places and nowhere else; if not, the line that tells. The
/// plans are those of the file, and those of insets by the number of the block.
pub(super) fn prove(before: &Tree, after: &Tree, plans: &BTreeMap<Option<u32>, Planned<'_>>) -> Result<(), usize> {
    let nothing = Planned::default();
    let is_opened = |id: u32| plans.contains_key(&Some(id));
    let outer = Walk::new(before, after, plans.get(&None).unwrap_or(&nothing));
    outer.compare(&is_opened)?;
    for (literal, planned) in plans {
        let Some(literal) = *literal else { continue };
        let old = before.node(literal);
        let new = after.node(outer.moved(literal));
        let (Some(Ok(inner)), Some(Ok(changed))) = (old.inset(), new.inset()) else { return Err(old.line()) };
        Walk::new(inner.tree(), changed.tree(), planned).compare(&|_| false)?;
    }
    Ok(())
}

/// Two trees, and what tells their numbers apart.
struct Walk<'a> {
    before: &'a Tree,
    after: &'a Tree,
    planned: &'a Planned<'a>,
    /// From which node on, how many were added up to there, and how many removed.
    shifts: Vec<(u32, u32, u32)>,
}

impl<'a> Walk<'a> {
    fn new(before: &'a Tree, after: &'a Tree, planned: &'a Planned<'a>) -> Self {
        let added = planned.inserts.iter().map(|(&behind, nodes)| (behind + 1, nodes.iter().map(|_| 1).sum(), 0));
        let removed = planned.removed.iter().map(|(&first, &end)| (end, 0, end - first));
        let mut shifts: Vec<(u32, u32, u32)> = added.chain(removed).collect();
        shifts.sort_unstable();
        let (mut more, mut less) = (0, 0);
        for (_, added, removed) in &mut shifts {
            more += *added;
            less += *removed;
            (*added, *removed) = (more, less);
        }
        Self { before, after, planned, shifts }
    }

    /// The number that a node of the old tree has in the new one.
    fn moved(&self, id: u32) -> u32 {
        let at = self.shifts.partition_point(|(from, ..)| *from <= id);
        at.checked_sub(1).map_or(id, |at| (id + self.shifts[at].1).saturating_sub(self.shifts[at].2))
    }

    /// Compares; literal blocks that were `opened` may differ here, since they have a proof of their own.
    fn compare(&self, opened: &dyn Fn(u32) -> bool) -> Result<(), usize> {
        let count = self.moved(self.before.len());
        let roots = |tree: &'a Tree| tree.documents().map(NodeRef::id);
        if !roots(self.before).map(|id| self.moved(id)).eq(roots(self.after)) {
            return Err(1);
        }
        let mut id = 0;
        let mut checked = 0;
        while id < self.before.len() {
            if let Some(&end) = self.planned.removed.get(&id) {
                id = end;
                continue;
            }
            let old = self.before.node(id);
            let now = self.moved(id);
            if now >= self.after.len() || !self.is_as_planned(old, self.after.node(now), opened(id)) {
                return Err(old.line());
            }
            if let Some(nodes) = self.planned.inserts.get(&id) {
                if !(now + 1..).zip(nodes).all(|(place, added)| self.is_added(place, *added)) {
                    return Err(old.line());
                }
                checked += 1;
            }
            id += 1;
        }
        // Nothing can be added behind what goes.
        if checked < self.planned.inserts.len() {
            return Err(1);
        }
        if count < self.after.len() { Err(self.after.node(count).line()) } else { Ok(()) }
    }

    fn is_as_planned(&self, old: NodeRef<'_>, new: NodeRef<'_>, opened: bool) -> bool {
        let ends_alike = match old.kind() {
            Kind::Mapping | Kind::Sequence => new.next_id() == self.moved(old.next_id()),
            Kind::Scalar(_) => new.next_id() == new.id() + 1,
            Kind::Alias(target) => new.kind() == Kind::Alias(self.moved(target)),
        };
        let alike = match self.planned.sets.get(&old.id()) {
            Some(value) => {
                let same = old.text() == Some(value);
                new.text() == Some(value) && old.is_marked_like(new) && (same || new.is_string())
            }
            None if opened => new.kind() == Kind::Scalar(Style::Literal) && old.is_marked_like(new),
            None => old.is_like(new),
        };
        ends_alike && alike
    }

    /// Whether this stands here, without anchor and tag.
    fn is_added(&self, id: u32, added: Added<'_>) -> bool {
        let Some(node) = (id < self.after.len()).then(|| self.after.node(id)) else { return false };
        let alike = match added {
            Added::Text(text) => node.is_string() && node.text() == Some(text),
            Added::Mapping(members) => node.kind() == Kind::Mapping && node.next_id() == id + 1 + members,
        };
        alike && node.is_unmarked()
    }
}

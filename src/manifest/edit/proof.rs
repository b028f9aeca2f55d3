//! The proof that a text changed as planned and nowhere else: both trees are walked side by side. Must not
//! know how the changes were made.

use std::collections::BTreeMap;

use super::super::yaml::{Kind, NodeRef, Style, Tree};

/// What is to change in one tree.
#[derive(Debug, Default)]
pub(super) struct Planned<'a> {
    /// The new values of scalars.
    pub(super) sets: BTreeMap<u32, &'a str>,
    /// New keys with their values, by the value behind which they stand.
    pub(super) inserts: BTreeMap<u32, Vec<(&'static str, &'a str)>>,
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
    /// The nodes behind which something was added, with the number of nodes added up to there.
    added: Vec<(u32, u32)>,
}

impl<'a> Walk<'a> {
    fn new(before: &'a Tree, after: &'a Tree, planned: &'a Planned<'a>) -> Self {
        let mut added = Vec::with_capacity(planned.inserts.len());
        let mut total = 0;
        for (&behind, pairs) in &planned.inserts {
            total += pairs.iter().map(|_| 2).sum::<u32>();
            added.push((behind, total));
        }
        Self { before, after, planned, added }
    }

    /// The number that a node of the old tree has in the new one.
    fn moved(&self, id: u32) -> u32 {
        let at = self.added.partition_point(|(behind, _)| *behind < id);
        id + at.checked_sub(1).map_or(0, |at| self.added[at].1)
    }

    /// Compares; literal blocks that were `opened` may differ here, since they have a proof of their own.
    fn compare(&self, opened: &dyn Fn(u32) -> bool) -> Result<(), usize> {
        let count = self.moved(self.before.len());
        let roots = |tree: &'a Tree| tree.documents().map(NodeRef::id);
        if !roots(self.before).map(|id| self.moved(id)).eq(roots(self.after)) {
            return Err(1);
        }
        for id in 0..self.before.len() {
            let old = self.before.node(id);
            let now = self.moved(id);
            if now >= self.after.len() || !self.is_as_planned(old, self.after.node(now), opened(id)) {
                return Err(old.line());
            }
            for (pair, (key, value)) in (0..).zip(self.planned.inserts.get(&id).into_iter().flatten()) {
                if !self.is_added(now + 1 + 2 * pair, key, value) {
                    return Err(old.line());
                }
            }
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

    /// Whether two strings stand here, a key and its value, without anchors and tags.
    fn is_added(&self, id: u32, key: &str, value: &str) -> bool {
        let says = |id: u32, text: &str| {
            let node = (id < self.after.len()).then(|| self.after.node(id));
            node.is_some_and(|node| node.is_string() && node.text() == Some(text) && node.is_unmarked())
        };
        says(id, key) && says(id + 1, value)
    }
}

//! Which updates go into one commit, and what the files hold after each. Must not know what a commit says.

use std::collections::{BTreeMap, HashMap};

use super::{Grouping, MOST_COMMITS, Numbered};
use crate::manifest::Document;
use crate::path::RepoPath;
use crate::plan::draw::{Change, Plan};

/// How many names of what was put together are told.
const MOST_NAMES: usize = 3;

/// What files hold.
type Files = Vec<(RepoPath, Vec<u8>)>;

/// The updates of one commit, by their numbers among all.
pub(super) struct Group {
    pub(super) name: Option<String>,
    pub(super) members: Vec<usize>,
    pub(super) changes: Files,
}

/// Updates that belong together, on the way to a group.
struct Lot {
    names: Vec<String>,
    members: Vec<usize>,
}

/// The groups in the order of the repository. Updates that cannot be made one without the other, because they
/// share a value, are in one group.
pub(super) fn groups(plan: &Plan, updates: &[Numbered<'_>], grouping: Grouping) -> Vec<Group> {
    let mut lots = lots(updates, grouping);
    loop {
        if lots.len() > MOST_COMMITS {
            let rest = lots.split_off(MOST_COMMITS - 1);
            lots.push(Lot {
                names: rest.iter().flat_map(|lot| lot.names.clone()).collect(),
                members: rest.into_iter().flat_map(|lot| lot.members).collect(),
            });
        }
        match steps(plan, updates, &lots) {
            Ok(steps) => {
                let named = grouping != Grouping::Pass;
                let group = |(lot, changes): (Lot, _)| Group {
                    name: named.then(|| told(&lot.names)),
                    members: lot.members,
                    changes,
                };
                return lots.into_iter().zip(steps).map(group).collect();
            }
            Err(together) => lots = joined(lots, &together),
        }
    }
}

/// Updates by what they are grouped by; those that write the same place are together in any case.
fn lots(updates: &[Numbered<'_>], grouping: Grouping) -> Vec<Lot> {
    let mut lots: Vec<Lot> = Vec::new();
    let (mut by_key, mut by_place) = (HashMap::new(), HashMap::new());
    let mut together = Vec::new();
    for (at, (_, entry, _)) in updates.iter().enumerate() {
        let file = entry.place.file.as_str();
        let name = match grouping {
            Grouping::Pass => String::new(),
            Grouping::File => file.to_owned(),
            Grouping::Folder => file.rsplit_once('/').map_or(".", |(folder, _)| folder).to_owned(),
            Grouping::Workload => entry.workload.clone(),
            Grouping::Image => entry.image.repository().to_string(),
            Grouping::Namespace => entry.workload.split('/').next().unwrap_or_default().to_owned(),
        };
        // The same workload may stand once per environment.
        let key = (if grouping == Grouping::Workload { file } else { "" }, name.clone());
        let lot = *by_key.entry(key).or_insert_with(|| {
            lots.push(Lot { names: vec![name], members: Vec::new() });
            lots.len() - 1
        });
        lots[lot].members.push(at);
        let first = *by_place.entry(&entry.place).or_insert(lot);
        if first != lot {
            together.push(vec![first, lot]);
        }
    }
    joined(lots, &together)
}

/// What the files hold after each lot, or which lots cannot be told apart.
fn steps(plan: &Plan, updates: &[Numbered<'_>], lots: &[Lot]) -> Result<Vec<Files>, Vec<Vec<usize>>> {
    let mut by_file: BTreeMap<&RepoPath, Vec<(usize, usize)>> = BTreeMap::new();
    for (number, lot) in lots.iter().enumerate() {
        for &at in &lot.members {
            by_file.entry(&updates[at].1.place.file).or_default().push((number, at));
        }
    }
    let mut steps: Vec<_> = lots.iter().map(|_| Vec::new()).collect();
    let mut together = Vec::new();
    for change in &plan.changes {
        let own = by_file.remove(&change.path).unwrap_or_default();
        match in_steps(change, updates, &own) {
            Some(versions) => {
                for (lot, bytes) in versions {
                    steps[lot].push((change.path.clone(), bytes));
                }
            }
            None => together.push(own.into_iter().map(|(lot, _)| lot).collect()),
        }
    }
    if together.is_empty() { Ok(steps) } else { Err(together) }
}

/// The file after each of the lots, all of which are there in their order; `None` when one of them cannot be
/// made without another.
fn in_steps(change: &Change, updates: &[Numbered<'_>], own: &[(usize, usize)]) -> Option<Vec<(usize, Vec<u8>)>> {
    let last = own.last()?.0;
    if own.iter().all(|(lot, _)| *lot == last) {
        return Some(vec![(last, change.after.clone())]);
    }
    let document = Document::open(&change.path, &change.before).ok()?;
    let mut wanted = Vec::new();
    let mut versions: Vec<(usize, Vec<u8>)> = Vec::new();
    for (index, &(lot, at)) in own.iter().enumerate() {
        let (_, entry, update) = updates[at];
        wanted.push((&entry.field, update.to.clone()));
        if own.get(index + 1).is_some_and(|(next, _)| *next == lot) {
            continue;
        }
        let rewritten = document.rewrite(&wanted);
        let before = versions.last().map_or(&change.before, |(_, bytes)| bytes);
        if !rewritten.refused.is_empty() || rewritten.bytes == *before {
            return None;
        }
        versions.push((lot, rewritten.bytes));
    }
    versions.last().is_some_and(|(_, bytes)| *bytes == change.after).then_some(versions)
}

/// The lots with those put together that are named together, in the order of their first members.
fn joined(lots: Vec<Lot>, together: &[Vec<usize>]) -> Vec<Lot> {
    let mut head: Vec<usize> = (0..lots.len()).collect();
    for set in together {
        for pair in set.windows(2) {
            let (a, b) = (find(&mut head, pair[0]), find(&mut head, pair[1]));
            head[a.max(b)] = a.min(b);
        }
    }
    let mut merged: BTreeMap<usize, Lot> = BTreeMap::new();
    for (at, mut lot) in lots.into_iter().enumerate() {
        let into = merged.entry(find(&mut head, at)).or_insert_with(|| Lot { names: Vec::new(), members: Vec::new() });
        into.names.append(&mut lot.names);
        into.members.append(&mut lot.members);
        into.members.sort_unstable();
    }
    let mut lots: Vec<Lot> = merged.into_values().collect();
    lots.sort_by_key(|lot| lot.members.first().copied());
    lots
}

/// The first of those that `at` was put together with.
fn find(head: &mut [usize], mut at: usize) -> usize {
    while head[at] != at {
        head[at] = head[head[at]];
        at = head[at];
    }
    at
}

/// The names as a text.
fn told(names: &[String]) -> String {
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.dedup();
    match names.get(MOST_NAMES..) {
        None | Some([]) => names.join(", "),
        Some(rest) => format!("{} and {} more", names[..MOST_NAMES].join(", "), rest.len()),
    }
}

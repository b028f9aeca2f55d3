//! The commit message: made for the person who reviews it, with trailers made for machines.
//!
//! The same plan always gives the same message.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::draw::{Entry, Plan};
use super::verdict::{Update, Verdict};
use crate::image::Tag;

/// The longest subject that tools show whole.
const SUBJECT_LIMIT: usize = 72;

pub(super) const FILE: &str = "Landwaiter-File: ";
pub(super) const UPDATE: &str = "Landwaiter-Update: ";

/// The commit message for the updates of `plan`, or `None` when it has none.
#[must_use]
pub fn commit_message(plan: &Plan) -> Option<String> {
    let mut updates: Vec<_> = plan.updates().collect();
    if updates.is_empty() {
        return None;
    }
    updates.sort_by(|(a, _), (b, _)| {
        (&a.place.file, a.place.line, &a.workload, &a.container).cmp(&(
            &b.place.file,
            b.place.line,
            &b.workload,
            &b.container,
        ))
    });
    let mut message = subject(&updates);
    message.push('\n');
    let mut last = None;
    for (entry, update) in &updates {
        if last != Some((&entry.place.file, &entry.workload)) {
            let _ = write!(
                message,
                "\n{} ({})\n",
                one_word(&entry.workload),
                one_line(&format!("{}:{}", entry.place.file, entry.place.line))
            );
            last = Some((&entry.place.file, &entry.workload));
        }
        let _ = writeln!(message, "  {}: {}", one_line(&entry.container), entry.image.name());
        let from = update.from.as_ref().map_or("(no tag)", Tag::as_str);
        let _ = writeln!(message, "    {from} -> {}", update.to);
        let policy = entry.policy.as_ref().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(message, "    {}: {}", one_line(&policy), one_line(&update.reason));
    }
    message.push('\n');
    let mut file = None;
    for (entry, update) in &updates {
        if file != Some(&entry.place.file) {
            let _ = writeln!(message, "{FILE}{}", one_line(entry.place.file.as_str()));
            file = Some(&entry.place.file);
        }
        let _ = writeln!(
            message,
            "{UPDATE}{} {} {} {} {}",
            one_word(&entry.workload),
            one_word(&entry.container),
            entry.image.repository(),
            old(update),
            update.to
        );
    }
    Some(message)
}

fn subject(updates: &[(&Entry, &Update)]) -> String {
    let images: BTreeSet<_> = updates.iter().map(|(entry, update)| (entry.image.repository(), &update.to)).collect();
    if let (1, Some((repository, tag))) = (images.len(), images.first()) {
        let subject = format!("Update {} to {tag}", repository.short_name());
        if subject.len() <= SUBJECT_LIMIT {
            return subject;
        }
    }
    let workloads: BTreeSet<_> = updates.iter().map(|(entry, _)| (&entry.place.file, &entry.workload)).collect();
    let count = |n: usize, noun: &str| format!("{n} {noun}{}", if n == 1 { "" } else { "s" });
    format!("Update {} in {}", count(updates.len(), "image"), count(workloads.len(), "workload"))
}

/// The tag before the change, as a word that is always there.
fn old(update: &Update) -> &str {
    update.from.as_ref().map_or("-", Tag::as_str)
}

/// Text from a manifest may hold line breaks; in a message they would forge lines.
#[must_use]
pub fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The same for a field that ends at the next blank. At the start of a line it cannot pass for one of
/// our trailers, which have a blank behind their key.
pub(super) fn one_word(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || c.is_whitespace() { '_' } else { c }).collect()
}

impl Plan {
    /// The updates of the plan, in the order of the repository.
    pub fn updates(&self) -> impl Iterator<Item = (&Entry, &Update)> {
        self.entries.iter().filter_map(|entry| match &entry.verdict {
            Verdict::Update(update) => Some((entry, update)),
            Verdict::Hold(_) => None,
        })
    }
}

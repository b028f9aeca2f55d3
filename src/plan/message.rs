//! What a commit says: made for the person who reviews it, with trailers made for machines. The same updates
//! always give the same message. Must not know templates.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::Serialize;

use super::draw::{Entry, Plan};
use super::verdict::{Update, Verdict};

/// The longest subject that tools show whole.
const SUBJECT_LIMIT: usize = 72;

pub(super) const FILE: &str = "Landwaiter-File: ";
pub(super) const UPDATE: &str = "Landwaiter-Update: ";
/// What keys of ours begin with.
const OURS: &str = "landwaiter-";
const SIGNED_OFF: &str = "Signed-off-by: ";

/// What forges and build servers look for. The subject is where all of them do.
const SKIP_CI: &str = "[skip ci]";
/// Other spellings that all of those know that know ours.
const SKIPS: [&str; 2] = [SKIP_CI, "[ci skip]"];

/// One update in words, each fit to stand on a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Row {
    pub(super) file: String,
    pub(super) line: usize,
    pub(super) workload: String,
    pub(super) namespace: Option<String>,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) container: String,
    pub(super) image: String,
    pub(super) repository: String,
    pub(super) short_name: String,
    pub(super) from: Option<String>,
    pub(super) to: String,
    pub(super) policy: String,
    pub(super) reason: String,
}

/// A message without its trailers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Words {
    pub(super) subject: String,
    pub(super) body: String,
}

impl Row {
    pub(super) fn of(entry: &Entry, update: &Update) -> Self {
        let workload = one_word(&entry.workload);
        let mut parts = workload.splitn(3, '/').map(str::to_owned);
        let mut part = || parts.next().unwrap_or_default();
        let (namespace, kind, name) = (part(), part(), part());
        Self {
            file: one_line(entry.place.file.as_str()),
            line: entry.place.line,
            workload,
            namespace: Some(namespace).filter(|namespace| namespace != "-"),
            kind,
            name,
            container: one_line(&entry.container),
            image: entry.image.name().to_owned(),
            repository: entry.image.repository().to_string(),
            short_name: entry.image.repository().short_name().to_owned(),
            from: update.from.as_ref().map(ToString::to_string),
            to: update.to.to_string(),
            policy: one_line(&entry.policy.as_ref().map(ToString::to_string).unwrap_or_default()),
            reason: one_line(&update.reason),
        }
    }
}

/// What is said of these updates unless somebody wants other words. Their order is that of files and lines.
pub(super) fn words(rows: &[Row], skip_ci: bool) -> Words {
    let mut body = String::new();
    let mut last = None;
    for row in rows {
        if last != Some((&row.file, &row.workload)) {
            let gap = if body.is_empty() { "" } else { "\n" };
            let _ = writeln!(body, "{gap}{} ({}:{})", row.workload, row.file, row.line);
            last = Some((&row.file, &row.workload));
        }
        let _ = writeln!(body, "  {}: {}", row.container, row.image);
        let _ = writeln!(body, "    {} -> {}", row.from.as_deref().unwrap_or("(no tag)"), row.to);
        let _ = writeln!(body, "    {}: {}", row.policy, row.reason);
    }
    body.truncate(body.trim_end().len());
    let room = if skip_ci { SUBJECT_LIMIT - SKIP_CI.len() - 1 } else { SUBJECT_LIMIT };
    Words { subject: subject(rows, room), body }
}

fn subject(rows: &[Row], room: usize) -> String {
    let images: BTreeSet<_> = rows.iter().map(|row| (&row.repository, &row.to)).collect();
    if let ([row, ..], 1) = (rows, images.len()) {
        let subject = format!("Update {} to {}", row.short_name, row.to);
        if subject.len() <= room {
            return subject;
        }
    }
    let workloads: BTreeSet<_> = rows.iter().map(|row| (&row.file, &row.workload)).collect();
    let count = |n: usize, noun: &str| format!("{n} {noun}{}", if n == 1 { "" } else { "s" });
    format!("Update {} in {}", count(rows.len(), "image"), count(workloads.len(), "workload"))
}

/// The whole message: the words as `git commit` would clean them, with nothing in them that passes for a trailer
/// of ours, and then the trailers. Where the words end with trailers of their own, all are one block.
pub(super) fn finish(words: &Words, rows: &[Row], skip_ci: bool, author: Option<&str>) -> String {
    let mut message = defused(&one_line(words.subject.trim()));
    let has_skip = |text: &str| SKIPS.iter().any(|skip| text.to_ascii_lowercase().contains(skip));
    if skip_ci && !has_skip(&message) {
        let _ = write!(message, " {SKIP_CI}");
    }
    message.push('\n');
    let body = clean(&words.body);
    if !body.is_empty() {
        let _ = write!(message, "\n{body}\n");
    }
    let last = body.rsplit("\n\n").next().unwrap_or_default();
    if !last.lines().all(is_trailer) || last.is_empty() {
        message.push('\n');
    }
    let mut file = None;
    for row in rows {
        if file != Some(&row.file) {
            let _ = writeln!(message, "{FILE}{}", row.file);
            file = Some(&row.file);
        }
        let (container, from) = (one_word(&row.container), row.from.as_deref().unwrap_or("-"));
        let _ = writeln!(message, "{UPDATE}{} {container} {} {from} {}", row.workload, row.repository, row.to);
    }
    if let Some(author) = author {
        let line = format!("{SIGNED_OFF}{author}");
        if !last.lines().any(|said| said == line) {
            let _ = writeln!(message, "{line}");
        }
    }
    message
}

/// A text without control characters, blanks at the ends of lines and more than one empty line in a row.
fn clean(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let plain: String = line.chars().map(|c| if c.is_control() && c != '\t' { ' ' } else { c }).collect();
        let line = defused(plain.trim_end());
        if !line.is_empty() || lines.last().is_some_and(|last| !last.is_empty()) {
            lines.push(line);
        }
    }
    lines.join("\n").trim_end().to_owned()
}

/// The line with a mark before it, where it would be read as one of our trailers, or as the end of the message.
fn defused(line: &str) -> String {
    let is_ours = line.split_once(':').is_some_and(|(key, _)| {
        let key = key.trim_end();
        is_key(key) && key.to_ascii_lowercase().starts_with(OURS)
    });
    let is_end = line.starts_with("---") || line.starts_with('#') && line.contains(">8");
    if is_ours || is_end { format!("> {line}") } else { line.to_owned() }
}

/// Whether a line is one that `git interpret-trailers` would read: `Key: value`.
fn is_trailer(line: &str) -> bool {
    line.split_once(": ").is_some_and(|(key, value)| is_key(key) && !value.trim().is_empty())
}

fn is_key(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
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

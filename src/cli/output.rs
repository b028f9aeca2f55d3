//! What the commands print: the machine-readable contract, and the same for people.
//!
//! The JSON shapes are a promise: fields may be added, none is renamed or removed.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use similar::{ChangeTag, TextDiff};

use crate::image::Tag;
use crate::manifest::{Problem, Severity};
use crate::plan::message::one_line;
use crate::plan::{Change, Entry, Plan, Update, Verdict};

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const GREEN: Style = AnsiColor::Green.on_default();
pub(super) const RED: Style = AnsiColor::Red.on_default();
pub(super) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(super) const CYAN: Style = AnsiColor::Cyan.on_default();

/// What `plan` prints.
#[derive(Debug, Serialize)]
pub(super) struct PlanOutput<'a> {
    updates: Vec<UpdateOutput<'a>>,
    holds: Vec<HoldOutput<'a>>,
    problems: Vec<ProblemOutput<'a>>,
}

#[derive(Debug, Serialize)]
struct UpdateOutput<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    workload: &'a str,
    container: &'a str,
    image: &'a str,
    from: Option<&'a str>,
    to: &'a str,
    policy: String,
    reason: &'a str,
}

#[derive(Debug, Serialize)]
struct HoldOutput<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    workload: &'a str,
    container: &'a str,
    image: &'a str,
    current: Option<&'a str>,
    hold: &'a str,
    reason: String,
}

/// One problem, as every command prints it.
#[derive(Debug, Serialize)]
pub(super) struct ProblemOutput<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    severity: &'static str,
    rule: &'static str,
    message: String,
}

impl<'a> PlanOutput<'a> {
    pub(super) fn new(plan: &'a Plan, problems: &'a [Problem]) -> Self {
        let mut output = Self { updates: Vec::new(), holds: Vec::new(), problems: problem_outputs(problems) };
        for entry in &plan.entries {
            let (file, line, column) = (entry.place.file.as_str(), entry.place.line, entry.place.column);
            let (workload, container, image) = (entry.workload.as_str(), entry.container.as_str(), entry.image.name());
            let current = entry.image.tag().map(Tag::as_str);
            match &entry.verdict {
                Verdict::Update(update) => output.updates.push(UpdateOutput {
                    file,
                    line,
                    column,
                    workload,
                    container,
                    image,
                    from: current,
                    to: update.to.as_str(),
                    policy: policy_text(entry),
                    reason: &update.reason,
                }),
                Verdict::Hold(hold) => output.holds.push(HoldOutput {
                    file,
                    line,
                    column,
                    workload,
                    container,
                    image,
                    current,
                    hold: hold.name(),
                    reason: hold.to_string(),
                }),
            }
        }
        output
    }
}

impl<'a> From<&'a Problem> for ProblemOutput<'a> {
    fn from(problem: &'a Problem) -> Self {
        Self {
            file: problem.place.file.as_str(),
            line: problem.place.line,
            column: problem.place.column,
            severity: problem.severity.as_str(),
            rule: problem.rule.name(),
            message: problem.text(),
        }
    }
}

pub(super) fn problem_outputs(problems: &[Problem]) -> Vec<ProblemOutput<'_>> {
    problems.iter().map(ProblemOutput::from).collect()
}

/// Prints `answer` as indented JSON.
pub(super) fn json(out: &mut dyn Write, answer: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, answer)?;
    writeln!(out)
}

/// Prints the plan for people: the diff, then why, then what is held, then what is wrong.
pub(super) fn plan_text(out: &mut dyn Write, plan: &Plan, problems: &[Problem]) -> io::Result<()> {
    for change in &plan.changes {
        diff(out, change)?;
    }
    if !plan.changes.is_empty() {
        writeln!(out)?;
    }
    for (entry, update) in plan.updates() {
        update_text(out, entry, update)?;
    }
    let holds = plan.entries.iter().filter_map(|entry| match &entry.verdict {
        Verdict::Hold(hold) => Some((entry, hold)),
        Verdict::Update(_) => None,
    });
    if !plan.changes.is_empty() && holds.clone().next().is_some() {
        writeln!(out)?;
    }
    for (entry, hold) in holds.clone() {
        let (workload, container) = (one_line(&entry.workload), one_line(&entry.container));
        writeln!(
            out,
            "{BOLD}{workload}{BOLD:#} {container}  {}: {YELLOW}held, {}{YELLOW:#}",
            entry.image,
            hold.name()
        )?;
        writeln!(out, "  {hold}")?;
    }
    if !problems.is_empty() {
        writeln!(out)?;
        problems_text(out, problems)?;
    }
    let (updates, held) = (plan.updates().count(), holds.count());
    writeln!(out, "\n{}, {held} held, {}", counted(updates, "update"), counted(problems.len(), "problem"))
}

/// Prints one update with its reason.
pub(super) fn update_text(out: &mut dyn Write, entry: &Entry, update: &Update) -> io::Result<()> {
    let from = update.from.as_ref().map_or("(no tag)", Tag::as_str);
    writeln!(
        out,
        "{BOLD}{}{BOLD:#} {}  {}: {RED}{from}{RED:#} -> {GREEN}{}{GREEN:#}",
        one_line(&entry.workload),
        one_line(&entry.container),
        entry.image.name(),
        update.to
    )?;
    writeln!(out, "  {}: {}", policy_text(entry), update.reason)
}

/// Prints a change as a unified diff, as `git diff` would.
pub(super) fn diff(out: &mut dyn Write, change: &Change) -> io::Result<()> {
    let (before, after) = (String::from_utf8_lossy(&change.before), String::from_utf8_lossy(&change.after));
    let diff = TextDiff::from_lines(&*before, &*after);
    writeln!(out, "{BOLD}--- a/{path}\n+++ b/{path}{BOLD:#}", path = change.path)?;
    for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
        writeln!(out, "{CYAN}{}{CYAN:#}", hunk.header())?;
        for line in hunk.iter_changes() {
            let (sign, style) = match line.tag() {
                ChangeTag::Delete => ('-', RED),
                ChangeTag::Insert => ('+', GREEN),
                ChangeTag::Equal => (' ', Style::new()),
            };
            let text = line.value();
            let body = text.strip_suffix('\n').unwrap_or(text);
            writeln!(out, "{style}{sign}{body}{style:#}")?;
            if line.missing_newline() {
                writeln!(out, "\\ No newline at end of file")?;
            }
        }
    }
    Ok(())
}

/// Prints a commit message, set in.
pub(super) fn message_text(out: &mut dyn Write, message: &str) -> io::Result<()> {
    for line in message.lines() {
        let indent = if line.is_empty() { "" } else { "    " };
        writeln!(out, "{indent}{line}")?;
    }
    Ok(())
}

/// Prints problems, one to a line.
pub(super) fn problems_text(out: &mut dyn Write, problems: &[Problem]) -> io::Result<()> {
    for problem in problems {
        let style = match problem.severity {
            Severity::Error => RED,
            Severity::Warning => YELLOW,
            Severity::Hint => DIM,
        };
        let severity = problem.severity.as_str();
        let (place, text, rule) = (&problem.place, problem.text(), problem.rule);
        writeln!(out, "{BOLD}{place}{BOLD:#}: {style}{severity}{style:#}: {text} {DIM}[{rule}]{DIM:#}")?;
    }
    Ok(())
}

/// An empty table for people: columns apart by blanks, no lines. One row is one line, also where the
/// terminal is narrow, so that `grep` finds whole rows.
pub(super) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.to_vec());
    table
}

/// `1 update`, `2 updates`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Whether one of the problems is an error.
pub(super) fn has_error(problems: &[Problem]) -> bool {
    problems.iter().any(|problem| problem.severity == Severity::Error)
}

fn policy_text(entry: &Entry) -> String {
    entry.policy.as_ref().map(ToString::to_string).unwrap_or_default()
}

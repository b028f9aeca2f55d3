//! `landwaiter history`: what was changed when, by whom and why, read back from the commits.

use std::io::Write;
use std::path::PathBuf;

use clap::ValueEnum;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::Serialize;

use super::output::{json, table};
use super::{Error, Good, Outcome};
use crate::git::{self, Mirror, RemoteUrl};
use crate::plan::history::logged;
use crate::plan::message::one_line;

const EXAMPLES: &str = "\
Examples:
  landwaiter history                                    every image change of this clone, the newest first
  landwaiter history --workload shop/Deployment/web --since 30d
  landwaiter history --image ghcr.io/org/app --output csv > audit.csv";

/// Shows which image of which workload was changed when, by whom and why, as the commits say.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// A clone of the config repository.
    #[arg(default_value = ".", value_name = "DIR")]
    dir: PathBuf,

    /// The branch. Default: the one that is checked out.
    #[arg(long, env = "LANDWAITER_GIT_BRANCH", value_name = "BRANCH")]
    branch: Option<String>,

    /// Only this workload: namespace/Kind/name, or the end of it.
    #[arg(long, env = "LANDWAITER_WORKLOAD", value_name = "NAME")]
    workload: Option<String>,

    /// Only this image: a repository, or the end of it.
    #[arg(long, env = "LANDWAITER_IMAGE", value_name = "REPOSITORY")]
    image: Option<String>,

    /// Only what was committed since then: 2026-11-01, 2026-11-01T08:00:00Z, or 30d.
    #[arg(long, env = "LANDWAITER_SINCE", value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,

    /// How many commits back to look, along the first parents.
    #[arg(long, env = "LANDWAITER_COMMITS", value_name = "COUNT", default_value_t = 100_000)]
    commits: usize,

    /// How the answer is printed.
    #[arg(long, value_enum, default_value = "text", env = "LANDWAITER_OUTPUT")]
    output: HistoryFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum HistoryFormat {
    /// For people.
    Text,
    /// For scripts.
    Json,
    /// For spreadsheets.
    Csv,
}

#[derive(Debug, Serialize)]
struct HistoryOutput {
    changes: Vec<ChangeOutput>,
}

#[derive(Debug, Serialize)]
struct ChangeOutput {
    time: Timestamp,
    commit: String,
    author: String,
    file: String,
    workload: String,
    container: String,
    image: String,
    from: Option<String>,
    to: String,
    reason: String,
}

impl Args {
    pub(super) fn run(self, out: &mut dyn Write) -> Outcome {
        let input = |error: &dyn std::fmt::Display| Error::Input(error.to_string());
        let mirror = Mirror::open(git::Options {
            branch: self.branch.clone(),
            // A path is a path, whatever colons are in it.
            ..git::Options::new(RemoteUrl::local_path(&self.dir), PathBuf::new())
        });
        let snapshot = mirror.and_then(|mirror| mirror.fetch()).map_err(|error| input(&error))?;
        let log = snapshot.history(self.commits).map_err(|error| input(&error))?;
        let mut changes = Vec::new();
        for commit in log.iter().filter(|commit| self.since.is_none_or(|since| commit.time >= since)) {
            let wanted = logged(&commit.message).into_iter().filter(|change| {
                self.workload.as_deref().is_none_or(|workload| change.is_of(workload))
                    && self.image.as_deref().is_none_or(|image| change.has_image(image))
            });
            changes.extend(wanted.map(|change| ChangeOutput {
                time: commit.time,
                commit: commit.id.to_string(),
                author: format!("{} <{}>", commit.author.name, commit.author.email),
                file: change.file.to_owned(),
                workload: change.workload.to_owned(),
                container: change.container.to_owned(),
                image: change.repository.to_owned(),
                from: change.from.map(str::to_owned),
                to: change.to.to_owned(),
                reason: change.reason.to_owned(),
            }));
        }
        match self.output {
            HistoryFormat::Json => json(out, &HistoryOutput { changes })?,
            HistoryFormat::Csv => csv_text(out, &changes)?,
            HistoryFormat::Text => text(out, &changes)?,
        }
        Ok(Good::Yes)
    }
}

fn text(out: &mut dyn Write, changes: &[ChangeOutput]) -> std::io::Result<()> {
    if changes.is_empty() {
        return writeln!(out, "No image changes of ours.");
    }
    let mut rows = table(&["TIME", "COMMIT", "WORKLOAD", "CONTAINER", "IMAGE", "CHANGE", "BY", "WHY"]);
    for change in changes {
        let time = change.time.strftime("%Y-%m-%d %H:%MZ").to_string();
        let step = format!("{} -> {}", change.from.as_deref().unwrap_or("(no tag)"), change.to);
        let commit = change.commit.get(..10).unwrap_or(&change.commit);
        let words =
            [&time, commit, &change.workload, &change.container, &change.image, &step, &change.author, &change.reason];
        rows.add_row(words.map(one_line));
    }
    writeln!(out, "{}", rows.trim_fmt())
}

fn csv_text(out: &mut dyn Write, changes: &[ChangeOutput]) -> std::io::Result<()> {
    let mut table = csv::Writer::from_writer(out);
    table.write_record([
        "time",
        "commit",
        "author",
        "file",
        "workload",
        "container",
        "image",
        "from",
        "to",
        "reason",
    ])?;
    for change in changes {
        table.serialize((
            change.time.to_string(),
            &change.commit,
            cell(&change.author),
            cell(&change.file),
            cell(&change.workload),
            cell(&change.container),
            cell(&change.image),
            cell(change.from.as_deref().unwrap_or_default()),
            cell(&change.to),
            cell(&change.reason),
        ))?;
    }
    table.flush()
}

/// A text that no spreadsheet takes for a formula.
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if is_formula { format!("'{text}") } else { text.to_owned() }
}

/// A moment: a date, a time, or so long ago.
fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    if let Ok(date) = text.parse::<Date>() {
        return date.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp()).map_err(|error| error.to_string());
    }
    let expected =
        || "expected a date such as 2026-11-01, a time such as 2026-11-01T08:00:00Z, or a span such as 30d".to_owned();
    let span: Span = text.parse().map_err(|_| expected())?;
    let now = Timestamp::now().to_zoned(TimeZone::UTC);
    let then = now.checked_sub(span.abs()).map_err(|_| expected())?;
    Ok(then.timestamp())
}

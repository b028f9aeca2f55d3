//! `landwaiter tags`: the tags of an image, what stands behind them, and what a policy would take.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use serde::Serialize;

use super::explain::DecisionOutput;
use super::output::{DIM, counted, json, table};
use super::policy::PolicyArgs;
use super::progress::Progress;
use super::registry::RegistryArgs;
use super::{Error, Good, Outcome, OutputFormat};
use crate::image::{Reference, Repository, Tag};
use crate::plan::Watch;
use crate::plan::message::one_line;
use crate::policy::{self, Explanation};
use crate::reconcile;
use crate::registry::{self, Client, Details, Listing, Options};

const EXAMPLES: &str = "\
Examples:
  landwaiter tags ghcr.io/org/app                            the last 20 by name, with what stands behind them
  landwaiter tags nginx --limit 0 --names                    all of them, with one question to the registry
  landwaiter tags nginx --policy 'semver:~1.27'              what a policy would take, and why
  landwaiter tags ghcr.io/org/app:1.4.2 --policy minor --min-age 7d --trust-created
  landwaiter tags ghcr.io/org/app --sort created --output json | jq -r '.tags[0].digest'

Every tag that is shown costs up to three questions to the registry, and some registries count them;
--names asks for none of them.";

/// How many images are looked up so that tags can be sorted by their created time.
const MOST_SORTED: usize = 2000;

/// How many tags are looked up at a time; the client has limits of its own.
const AT_ONCE: usize = 8;

/// Lists the tags of an image, and shows what a policy would take.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The image. Its tag, if it has one, is the one that --policy takes for deployed now.
    #[arg(value_name = "IMAGE")]
    image: Reference,

    /// Show what this would choose and why: a pattern (semver:…, glob:…, regex:…; bare means glob) or the name
    /// of a policy (stable, …). The best tags come first.
    #[arg(long, value_name = "PATTERN", env = "LANDWAITER_POLICY")]
    policy: Option<String>,

    #[command(flatten)]
    beside: PolicyArgs,

    /// How many tags are shown; 0 for all.
    #[arg(long, value_name = "N", default_value_t = 20, env = "LANDWAITER_LIMIT")]
    limit: usize,

    /// What comes first: the greatest name, the image that was made last, or the tag that was seen last.
    #[arg(long, value_enum, default_value = "name", env = "LANDWAITER_SORT", conflicts_with = "policy")]
    sort: Sort,

    /// Show the names alone.
    #[arg(long, env = "LANDWAITER_NAMES", value_parser = clap::builder::BoolishValueParser::new())]
    names: bool,

    /// The data directory of a daemon, for when each tag was seen first. Not while the daemon runs.
    #[arg(long, value_name = "DIR", env = "LANDWAITER_DATA_DIR")]
    data_dir: Option<PathBuf>,

    /// How the answer is printed.
    #[arg(long, value_enum, default_value = "text", env = "LANDWAITER_OUTPUT")]
    output: OutputFormat,

    #[command(flatten)]
    registry: RegistryArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Sort {
    Name,
    Created,
    FirstSeen,
}

#[derive(Debug, Serialize)]
struct TagsOutput<'a> {
    image: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<DecisionOutput<'a>>,
    /// How many tags there are.
    of: usize,
    /// What is in doubt about the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    doubt: Option<&'a str>,
    tags: Vec<TagOutput<'a>>,
}

#[derive(Debug, Serialize)]
struct TagOutput<'a> {
    tag: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_seen: Option<Timestamp>,
    /// Whether it was there at the first look, so that it may be older than `first_seen`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    in_first_list: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pushed: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    platforms: Vec<String>,
    /// Why nothing is known of what stands behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// What stands in a column of the table.
type Cell = fn(&TagOutput<'_>) -> String;

/// What was learnt of a tag.
type Looked = Result<Option<Details>, registry::Error>;

impl Args {
    pub(super) async fn run(self, out: &mut dyn Write) -> Outcome {
        let policy = self.policy.as_deref().map(|pattern| self.beside.build(pattern)).transpose()?;
        let (repository, current) = (self.image.repository(), self.beside.current(self.image.tag()));
        let store = self.data_dir.as_ref().map(|folder| folder.join("registry.redb")).filter(|file| file.is_file());
        // To the second, as the times of lists are.
        let began = Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default();
        let options = self.registry.clone().options(Duration::ZERO)?;
        let client = Client::new(Options { store, begins_anew: true, ..options })?;
        let mut progress = Progress::to_stderr();
        progress.show(&format!("asking for the tags of {repository}"));
        let explanation = if let Some(policy) = &policy {
            let watch = Watch::new(policy, current);
            let candidates = reconcile::candidates(&client, repository, &watch).await?;
            Some(policy::explain(policy, current, &candidates, self.beside.now()))
        } else {
            client.tags(repository).await?;
            None
        };
        let listing = client.listing(repository).await?;
        let mut looked = HashMap::new();
        if self.sort == Sort::Created {
            if listing.tags().len() > MOST_SORTED {
                return Err(Error::Input(format!(
                    "{repository} has {}, and {MOST_SORTED} images are looked up at most to sort them; narrow them with \
                     --policy 'glob:…', whose order is that of their created times",
                    counted(listing.tags().len(), "tag")
                )));
            }
            look_up(&client, repository, listing.tags(), &mut looked, &mut progress).await;
        }
        let shown = self.shown(&listing, explanation.as_ref(), &looked);
        if !self.names {
            look_up(&client, repository, &shown, &mut looked, &mut progress).await;
        }
        let pushed = if self.names { HashMap::new() } else { client.pushed(repository, &shown).await };
        drop(progress);
        let answer = TagsOutput {
            image: repository.to_string(),
            policy: policy.as_ref().map(ToString::to_string),
            decision: explanation.as_ref().map(DecisionOutput::of),
            of: listing.tags().len(),
            doubt: listing.doubt(),
            tags: rows(&shown, &listing, explanation.as_ref(), (looked, pushed), began),
        };
        match self.output {
            OutputFormat::Json => json(out, &answer)?,
            OutputFormat::Text => answer.print(out)?,
        }
        Ok(Good::unless(answer.tags.iter().any(|tag| tag.problem.is_some())))
    }

    /// The tags to show, the first at the top.
    fn shown(&self, listing: &Listing, explanation: Option<&Explanation>, looked: &HashMap<Tag, Looked>) -> Vec<Tag> {
        let mut tags: Vec<Tag> = match explanation {
            Some(explanation) => explanation.judged.iter().map(|judged| judged.tag.clone()).collect(),
            None => policy::greatest_first(listing.tags()),
        };
        match self.sort {
            Sort::Name => {}
            Sort::Created => tags.sort_by_key(|tag| match looked.get(tag) {
                Some(Ok(Some(details))) => Reverse(details.created),
                _ => Reverse(None),
            }),
            Sort::FirstSeen => {
                let seen: HashMap<&Tag, Timestamp> = listing.first_seen().collect();
                tags.sort_by_key(|tag| Reverse(seen.get(tag).copied()));
            }
        }
        if self.limit > 0 {
            tags.truncate(self.limit);
        }
        tags
    }
}

/// Looks up what stands behind these tags, as far as that is not known.
async fn look_up(
    client: &Client,
    repository: &Repository,
    tags: &[Tag],
    looked: &mut HashMap<Tag, Looked>,
    progress: &mut Progress,
) {
    let missing: Vec<Tag> = tags.iter().filter(|tag| !looked.contains_key(*tag)).cloned().collect();
    let (of, mut done) = (missing.len(), 0);
    let ask = |tag: Tag| async move {
        let details = client.details(repository, &tag).await;
        (tag, details)
    };
    let mut answers = stream::iter(missing).map(ask).buffer_unordered(AT_ONCE);
    while let Some((tag, details)) = answers.next().await {
        done += 1;
        progress.show(&format!("looking up images of {repository}: {done} of {of}"));
        looked.insert(tag, details);
    }
}

fn rows<'a>(
    shown: &'a [Tag],
    listing: &'a Listing,
    explanation: Option<&'a Explanation>,
    (mut looked, pushed): (HashMap<Tag, Looked>, HashMap<Tag, Timestamp>),
    began: Timestamp,
) -> Vec<TagOutput<'a>> {
    let judged: HashMap<&Tag, &policy::Judged> = explanation
        .into_iter()
        .flat_map(|explanation| &explanation.judged)
        .map(|judged| (&judged.tag, judged))
        .collect();
    // Without what an earlier process saw, everything was seen just now, which says nothing.
    let seen: HashMap<&Tag, Timestamp> = listing.first_seen().filter(|_| listing.since() < began).collect();
    let row = |tag: &'a Tag| {
        let judged = judged.get(tag);
        let (details, problem) = match looked.remove(tag) {
            Some(Ok(Some(details))) => (Some(details), None),
            Some(Ok(None)) => (None, Some("it is gone since it was listed".to_owned())),
            Some(Err(error)) => (None, Some(error.to_string())),
            None => (None, None),
        };
        let created = details.as_ref().and_then(|details| details.created);
        let first_seen = seen.get(tag).copied();
        TagOutput {
            tag: tag.as_str(),
            verdict: judged.map(|judged| judged.judgement.name()),
            reason: judged.map(|judged| judged.judgement.to_string()),
            created: created.or_else(|| judged.and_then(|judged| judged.created)),
            first_seen,
            in_first_list: first_seen.is_some_and(|first_seen| first_seen <= listing.since()),
            pushed: pushed.get(tag).copied(),
            digest: details.as_ref().map(|details| details.digest.to_string()),
            platforms: details.map(|details| details.platforms).unwrap_or_default(),
            problem,
        }
    };
    shown.iter().map(row).collect()
}

impl TagsOutput<'_> {
    fn print(&self, out: &mut dyn Write) -> std::io::Result<()> {
        if let (Some(decision), Some(policy)) = (&self.decision, &self.policy) {
            decision.print(out, policy)?;
        }
        // A column in which nothing stands is left out.
        let columns: [(&str, Cell); 9] = [
            ("TAG", |row| row.tag.to_owned()),
            ("VERDICT", |row| row.verdict.unwrap_or_default().to_owned()),
            ("CREATED", |row| row.created.map(second).unwrap_or_default()),
            ("FIRST SEEN", |row| {
                let before = if row.in_first_list { "before " } else { "" };
                row.first_seen.map(|time| format!("{before}{}", second(time))).unwrap_or_default()
            }),
            ("PUSHED", |row| row.pushed.map(second).unwrap_or_default()),
            ("DIGEST", |row| row.digest.as_deref().map(short).unwrap_or_default()),
            ("PLATFORMS", |row| one_line(&row.platforms.join(","))),
            ("REASON", |row| row.reason.clone().unwrap_or_default()),
            ("PROBLEM", |row| row.problem.as_deref().map(one_line).unwrap_or_default()),
        ];
        let cells: Vec<(&str, Vec<String>)> =
            columns.iter().map(|(name, cell)| (*name, self.tags.iter().map(cell).collect())).collect();
        let cells: Vec<_> = cells
            .into_iter()
            .filter(|(name, cells)| *name == "TAG" || cells.iter().any(|cell| !cell.is_empty()))
            .collect();
        let names: Vec<&str> = cells.iter().map(|(name, _)| *name).collect();
        let mut rows = table(&names);
        for at in 0..self.tags.len() {
            rows.add_row(cells.iter().map(|(_, cells)| &cells[at]));
        }
        if !self.tags.is_empty() {
            writeln!(out, "{}", rows.trim_fmt())?;
        }
        if let Some(doubt) = self.doubt {
            writeln!(out, "{doubt}")?;
        }
        let more = if self.tags.len() < self.of { "; --limit shows more" } else { "" };
        writeln!(out, "{DIM}{} of {}{more}{DIM:#}", self.tags.len(), counted(self.of, "tag"))
    }
}

fn second(time: Timestamp) -> String {
    format!("{time:.0}")
}

/// Enough of a digest for a person to tell it from others.
fn short(digest: &str) -> String {
    digest.chars().take("sha256:".len() + 12).collect()
}

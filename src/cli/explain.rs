//! `landwaiter explain`: what a policy makes of each tag, and why.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::output::{DIM, GREEN, RED, json, table};
use super::policy::PolicyArgs;
use super::registry::RegistryArgs;
use super::{Error, Good, Outcome, OutputFormat, tags_file};
use crate::image::{Reference, Tag};
use crate::plan::Watch;
use crate::policy::{self, Candidate, Decision, Explanation, Policy, Since};
use crate::reconcile;
use crate::registry::Client;

const EXAMPLES: &str = "\
Examples:
  landwaiter explain --policy 'semver:~1.2' --current 1.2.0 1.2.0 1.2.7 1.3.0 latest
  landwaiter explain --policy 'regex:^build-(?P<n>[0-9]+)$' --order numeric --extract '${n}' build-9 build-10
  landwaiter explain --policy 'glob:main-*' main-a1=2026-01-01T10:00:00Z main-b2=2026-01-02T10:00:00Z
  landwaiter explain --policy stable --image ghcr.io/org/app:1.4.2

A TAG may carry its created time behind a '='.";

/// Shows what a policy makes of each tag, and why.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// A pattern (semver:…, glob:…, regex:…; bare means glob) or the name of a policy (stable, …).
    #[arg(long, value_name = "PATTERN", env = "LANDWAITER_POLICY")]
    policy: String,

    #[command(flatten)]
    beside: PolicyArgs,

    /// Tags from a JSON file: a list, or an object of repositories.
    #[arg(long, value_name = "FILE", env = "LANDWAITER_TAGS", conflicts_with = "given")]
    tags: Option<PathBuf>,

    /// The image whose tags the registry is asked for.
    #[arg(long, value_name = "REF", env = "LANDWAITER_IMAGE")]
    image: Option<Reference>,

    /// How the answer is printed.
    #[arg(long, value_enum, default_value = "text", env = "LANDWAITER_OUTPUT")]
    output: OutputFormat,

    #[command(flatten)]
    registry: RegistryArgs,

    /// The tags.
    #[arg(value_name = "TAG", conflicts_with = "image")]
    given: Vec<String>,
}

#[derive(Debug, Serialize)]
struct ExplainOutput<'a> {
    decision: DecisionOutput<'a>,
    candidates: Vec<CandidateOutput<'a>>,
}

/// What is decided.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum DecisionOutput<'a> {
    Update { tag: &'a str, reason: &'a str },
    Hold { hold: &'a str, reason: String },
}

#[derive(Debug, Serialize)]
struct CandidateOutput<'a> {
    tag: &'a str,
    created: Option<Timestamp>,
    verdict: &'static str,
    reason: String,
}

impl Args {
    pub(super) async fn run(self, out: &mut dyn Write) -> Outcome {
        let policy = self.beside.build(&self.policy)?;
        let of_image = self.image.as_ref().and_then(Reference::tag);
        let (current, now) = (self.beside.current(of_image).cloned(), self.beside.now());
        let output = self.output;
        let candidates = self.candidates(&policy, current.as_ref()).await?;
        let explanation = policy::explain(&policy, current.as_ref(), &candidates, now);
        let answer = ExplainOutput::new(&explanation);
        match output {
            OutputFormat::Json => json(out, &answer)?,
            OutputFormat::Text => answer.print(out, &policy)?,
        }
        Ok(Good::Yes)
    }

    async fn candidates(self, policy: &Policy, current: Option<&Tag>) -> Result<Vec<Candidate>, Error> {
        let (image, trust) = (self.image.as_ref().map(Reference::repository), self.registry.trusts_created()?);
        if let Some(file) = &self.tags {
            return tags_file::candidates_of(file, image, trust);
        }
        if let Some(image) = &self.image {
            let client = Client::new(self.registry.options(Duration::ZERO)?)?;
            let watch = Watch::new(policy, current);
            return Ok(reconcile::candidates(&client, image.repository(), &watch).await?);
        }
        if self.given.is_empty() {
            return Err(Error::Usage("nothing to explain: give TAGs, --tags FILE or --image REF".to_owned()));
        }
        self.given.iter().map(|text| given(text, trust)).collect()
    }
}

/// `TAG` or `TAG=CREATED`.
fn given(text: &str, trust_created: bool) -> Result<Candidate, Error> {
    let (tag, created) = match text.split_once('=') {
        Some((tag, created)) => (tag, Some(created)),
        None => (text, None),
    };
    let created = created.map(str::parse::<Timestamp>).transpose();
    let created =
        created.map_err(|error| Error::Usage(format!("{text:?}: {error}; expected TAG=2026-01-31T12:00:00Z")))?;
    let tag = Tag::parse(tag).map_err(|error| Error::Usage(error.to_string()))?;
    let since = Since::before_first_look(None, None, created).filter(|_| trust_created);
    Ok(Candidate { tag, created, since })
}

impl<'a> DecisionOutput<'a> {
    pub(super) fn of(explanation: &'a Explanation) -> Self {
        match &explanation.ruling.decision {
            Decision::Update(choice) => Self::Update { tag: choice.tag.as_str(), reason: &choice.reason },
            Decision::Hold(hold) => Self::Hold { hold: hold.name(), reason: hold.to_string() },
        }
    }

    /// One line, and a blank one.
    pub(super) fn print(&self, out: &mut dyn Write, policy: &str) -> std::io::Result<()> {
        match self {
            Self::Update { tag, reason } => writeln!(out, "{policy}: {GREEN}update to {tag}{GREEN:#}: {reason}\n"),
            Self::Hold { hold, reason } => writeln!(out, "{policy}: {RED}hold, {hold}{RED:#}: {reason}\n"),
        }
    }
}

impl<'a> ExplainOutput<'a> {
    fn new(explanation: &'a Explanation) -> Self {
        let candidates = explanation.judged.iter().map(|judged| CandidateOutput {
            tag: judged.tag.as_str(),
            created: judged.created,
            verdict: judged.judgement.name(),
            reason: judged.judgement.to_string(),
        });
        Self { decision: DecisionOutput::of(explanation), candidates: candidates.collect() }
    }

    fn print(&self, out: &mut dyn Write, policy: &Policy) -> std::io::Result<()> {
        self.decision.print(out, &policy.to_string())?;
        let mut rows = table(&["TAG", "VERDICT", "CREATED", "REASON"]);
        for candidate in &self.candidates {
            let created = candidate.created.map(|time| format!("{time:.0}")).unwrap_or_default();
            rows.add_row([candidate.tag, candidate.verdict, &created, &candidate.reason]);
        }
        writeln!(out, "{}\n{DIM}{} tags{DIM:#}", rows.trim_fmt(), self.candidates.len())
    }
}

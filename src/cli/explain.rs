//! `landwaiter explain`: what a policy makes of each tag, and why.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::output::{DIM, GREEN, RED, json, table};
use super::registry::RegistryArgs;
use super::{Error, Good, Outcome, OutputFormat, tags};
use crate::image::{Reference, Tag};
use crate::manifest;
use crate::plan::Watch;
use crate::policy::{self, Candidate, Decision, Dialect, Exclude, Explanation, MinAge, Order, Pattern, Policy, Since};
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

    /// Which match is the best: semver, newest, numeric, natural or alphabetical, with asc or desc.
    #[arg(long, env = "LANDWAITER_ORDER")]
    order: Option<String>,

    /// What of the tag is compared: $1 or ${name} of a regex.
    #[arg(long, env = "LANDWAITER_EXTRACT")]
    extract: Option<String>,

    /// Globs of tags that are never chosen, separated by commas.
    #[arg(long, env = "LANDWAITER_EXCLUDE")]
    exclude: Option<String>,

    /// How long a tag has to be there before it is taken: 24h, 7d.
    #[arg(long, value_name = "TIME", env = "LANDWAITER_MIN_AGE")]
    min_age: Option<String>,

    /// The time to decide for, where --min-age asks for it.
    #[arg(long, value_name = "RFC3339", env = "LANDWAITER_NOW")]
    now: Option<Timestamp>,

    /// The tag that is deployed now; with --image, that of the image.
    #[arg(long, env = "LANDWAITER_CURRENT")]
    current: Option<Tag>,

    /// Whose rules apply to the pattern.
    #[arg(long, value_enum, default_value = "native", env = "LANDWAITER_DIALECT")]
    dialect: DialectName,

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

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum DialectName {
    Native,
    Flux,
}

#[derive(Debug, Serialize)]
struct ExplainOutput<'a> {
    decision: DecisionOutput<'a>,
    candidates: Vec<CandidateOutput<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum DecisionOutput<'a> {
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
        let policy = self.build_policy()?;
        let image_tag = self.image.as_ref().and_then(Reference::tag);
        let current = self.current.clone().or_else(|| image_tag.cloned());
        let (output, now) = (self.output, self.now.unwrap_or_else(Timestamp::now));
        let candidates = self.candidates(&policy, current.as_ref()).await?;
        let explanation = policy::explain(&policy, current.as_ref(), &candidates, now);
        let answer = ExplainOutput::new(&explanation);
        match output {
            OutputFormat::Json => json(out, &answer)?,
            OutputFormat::Text => answer.print(out, &policy)?,
        }
        Ok(Good::Yes)
    }

    fn build_policy(&self) -> Result<Policy, Error> {
        let dialect = match self.dialect {
            DialectName::Native => Dialect::Native,
            DialectName::Flux => Dialect::Flux,
        };
        let input = |error: &dyn std::fmt::Display| Error::Input(error.to_string());
        let presets = manifest::builtin_presets();
        let mut builder = match presets.get(&self.policy) {
            Some(preset) => preset.builder(),
            None => Policy::builder(Pattern::parse(&self.policy, dialect).map_err(|error| input(&error))?),
        };
        if let Some(order) = &self.order {
            builder = builder.order(Order::parse(order).map_err(|error| input(&error))?);
        }
        if let Some(extract) = &self.extract {
            builder = builder.extract(extract);
        }
        if let Some(exclude) = &self.exclude {
            builder = builder.exclude(Exclude::parse(exclude).map_err(|error| input(&error))?);
        }
        if let Some(min_age) = &self.min_age {
            builder = builder.min_age(MinAge::parse(min_age).map_err(|error| input(&error))?);
        }
        builder.build().map_err(|error| input(&error))
    }

    async fn candidates(self, policy: &Policy, current: Option<&Tag>) -> Result<Vec<Candidate>, Error> {
        let (image, trust) = (self.image.as_ref().map(Reference::repository), self.registry.trusts_created()?);
        if let Some(file) = &self.tags {
            return tags::candidates_of(file, image, trust);
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

impl<'a> ExplainOutput<'a> {
    fn new(explanation: &'a Explanation) -> Self {
        let decision = match &explanation.ruling.decision {
            Decision::Update(choice) => DecisionOutput::Update { tag: choice.tag.as_str(), reason: &choice.reason },
            Decision::Hold(hold) => DecisionOutput::Hold { hold: hold.name(), reason: hold.to_string() },
        };
        let candidates = explanation.judged.iter().map(|judged| CandidateOutput {
            tag: judged.tag.as_str(),
            created: judged.created,
            verdict: judged.judgement.name(),
            reason: judged.judgement.to_string(),
        });
        Self { decision, candidates: candidates.collect() }
    }

    fn print(&self, out: &mut dyn Write, policy: &Policy) -> std::io::Result<()> {
        match &self.decision {
            DecisionOutput::Update { tag, reason } => {
                writeln!(out, "{policy}: {GREEN}update to {tag}{GREEN:#}: {reason}\n")?;
            }
            DecisionOutput::Hold { hold, reason } => writeln!(out, "{policy}: {RED}hold, {hold}{RED:#}: {reason}\n")?,
        }
        let mut rows = table(&["TAG", "VERDICT", "CREATED", "REASON"]);
        for candidate in &self.candidates {
            let created = candidate.created.map(|time| format!("{time:.0}")).unwrap_or_default();
            rows.add_row([candidate.tag, candidate.verdict, &created, &candidate.reason]);
        }
        writeln!(out, "{}\n{DIM}{} tags{DIM:#}", rows.trim_fmt(), self.candidates.len())
    }
}

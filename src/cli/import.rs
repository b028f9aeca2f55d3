//! `landwaiter import`: what another tool was told, and how Landwaiter takes it.

mod environment;
mod registries;
mod rows;

use std::io::Write;
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use environment::ConfigurationArgs;
use jiff::Timestamp;
use rows::ImportOutput;

use super::checkout::{self, Opened};
use super::output::{diff, has_error, json, problems_text};
use super::plan::FRESH_FOR;
use super::registry::RegistryArgs;
use super::{Error, Good, Outcome, OutputFormat, tags_file};
use crate::manifest::Problem;
use crate::plan::import::{Import, Native, Study};
use crate::plan::{Change, Scans};
use crate::policy::{Dialect, Dialects};
use crate::reconcile;
use crate::registry::Client;

const EXAMPLES: &str = "\
Examples:
  landwaiter import                                  what another tool chooses, and what Landwaiter will
  landwaiter import --offline --output json          without asking the registries, for scripts
  landwaiter import --from flux --write              put its annotations into native ones
  landwaiter import --check                          in CI: exits with 1 while there is something to do
  landwaiter import --registries-conf registries.conf > landwaiter.yaml
  landwaiter import --flux-args flux/deployment.yaml --automations > landwaiter.env

The file of --tags is {\"ghcr.io/org/app\": [\"1.0.0\", {\"tag\": \"1.1.0\", \"created\": \"2026-01-31T12:00:00Z\"}]}.";

/// Shows what another tool was told about the images of a checkout, what it chooses and what Landwaiter
/// will, and puts its settings into native annotations.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The checkout of a config repository.
    #[arg(default_value = ".", value_name = "DIR")]
    dir: PathBuf,

    /// The tools whose settings are taken over.
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        env = "LANDWAITER_FROM",
        default_value = "flux,flux2,argocd-image-updater,keel"
    )]
    from: Vec<Dialect>,

    /// Tags from a JSON file instead of the registries.
    #[arg(long, value_name = "FILE", env = "LANDWAITER_TAGS", conflicts_with = "offline")]
    tags: Option<PathBuf>,

    /// Ask no registry: nothing is chosen and nothing compared.
    #[arg(long, env = "LANDWAITER_OFFLINE", value_parser = BoolishValueParser::new())]
    offline: bool,

    /// Edit the files in place: native annotations and comments instead of those of other tools, and nothing
    /// else changed.
    #[arg(long, env = "LANDWAITER_WRITE", value_parser = BoolishValueParser::new(), conflicts_with = "check")]
    write: bool,

    /// Exit with 1 when `--write` would change something, or when something cannot be taken over.
    #[arg(long, env = "LANDWAITER_CHECK", value_parser = BoolishValueParser::new())]
    check: bool,

    /// The time to compare for, where locks and the like ask for it.
    #[arg(long, value_name = "RFC3339", env = "LANDWAITER_NOW")]
    now: Option<Timestamp>,

    #[command(flatten)]
    configurations: ConfigurationArgs,

    /// How the answer is printed.
    #[arg(long, value_enum, default_value = "text", env = "LANDWAITER_OUTPUT")]
    output: OutputFormat,

    #[command(flatten)]
    registry: RegistryArgs,
}

impl Args {
    pub(super) async fn run(self, out: &mut dyn Write) -> Outcome {
        if self.configurations.are_asked_for() {
            return self.configurations.run(out, &self.dir, self.output);
        }
        let Opened { files, checkout } = checkout::open(&self.dir)?;
        let study = Study::make(&files, &checkout, Dialects::of(&self.from))?;
        let now = self.now.unwrap_or_else(Timestamp::now);
        let scans = self.scans(&study, now).await?;
        let mut import = Import::draw(&study, scans.as_ref(), now);
        let changes = import.rewrite(&study, scans.as_ref(), &files, &checkout)?;
        if self.write {
            for change in &changes {
                checkout::write(&self.dir, &change.path, &change.after)?;
            }
        }
        let mut problems = study.inventory().problems().to_vec();
        problems.extend(checkout.problems());
        match self.output {
            OutputFormat::Json => json(out, &ImportOutput::new(&import, &changes, &problems))?,
            OutputFormat::Text => self.print(out, &import, &changes, &problems)?,
        }
        let by_hand = import.rows.iter().any(|row| matches!(row.native, Native::ByHand { .. }));
        Ok(Good::unless((self.check && (by_hand || !changes.is_empty())) || has_error(&problems)))
    }

    async fn scans(&self, study: &Study, now: Timestamp) -> Result<Option<Scans>, Error> {
        Ok(match &self.tags {
            _ if self.offline => None,
            Some(file) => Some(tags_file::scans(file, self.registry.trusts_created()?)?),
            None => {
                let client = Client::new(self.registry.clone().options(FRESH_FOR)?)?;
                Some(reconcile::scan(&client, &study.watches(now), || {}).await)
            }
        })
    }

    fn print(
        &self,
        out: &mut dyn Write,
        import: &Import,
        changes: &[Change],
        problems: &[Problem],
    ) -> std::io::Result<()> {
        for change in changes.iter().filter(|_| self.write) {
            diff(out, change)?;
        }
        rows::print(out, import, changes, self.offline)?;
        if !problems.is_empty() {
            writeln!(out)?;
            problems_text(out, problems)?;
        }
        rows::print_summary(out, import, changes, self.write)
    }
}

//! `landwaiter plan`: what a pass would do to a checkout, without Git.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::BoolishValueParser;
use jiff::Timestamp;

use super::dialects::DialectArgs;
use super::output::{PlanOutput, has_error, json, plan_text};
use super::registry::RegistryArgs;
use super::{Error, Good, Outcome, OutputFormat, checkout, tags_file};
use crate::manifest::Scope;
use crate::plan::{Hold, Inventory, Plan, Verdict, findings};
use crate::policy::{Dialect, Pattern, Policy, PresetName};
use crate::reconcile;
use crate::registry::Client;

const EXAMPLES: &str = "\
Examples:
  landwaiter plan                                    ask the registries, print the diff
  landwaiter plan --write                            and edit the files
  landwaiter plan --tags tags.json --output json     with tags from a file, for scripts
  landwaiter plan --assume stable                    what if everything were automated?

The file of --tags is {\"ghcr.io/org/app\": [\"1.0.0\", {\"tag\": \"1.1.0\", \"created\": \"2026-01-31T12:00:00Z\"}]}.
Since when a tag is there, for min-age, stands in \"first_seen\" and \"pushed\".";

/// How long an answer of a registry is taken as fresh in one run: each repository is asked once.
pub(super) const FRESH_FOR: Duration = Duration::from_hours(1);

/// Prints what would change in a checkout, and why.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The checkout of a config repository.
    #[arg(default_value = ".", value_name = "DIR")]
    dir: PathBuf,

    /// Tags from a JSON file instead of the registries.
    #[arg(long, value_name = "FILE", env = "LANDWAITER_TAGS")]
    tags: Option<PathBuf>,

    /// Treat every container that no annotation speaks about as automated with this policy: a named
    /// one (stable, minor, …) or a pattern (semver:…, glob:…, regex:…).
    #[arg(long, value_name = "POLICY", env = "LANDWAITER_ASSUME")]
    assume: Option<String>,

    /// Edit the files in place.
    #[arg(long, env = "LANDWAITER_WRITE", value_parser = BoolishValueParser::new())]
    write: bool,

    /// The time to plan for, where locks, min-age and the like ask for it.
    #[arg(long, value_name = "RFC3339", env = "LANDWAITER_NOW")]
    now: Option<Timestamp>,

    #[command(flatten)]
    dialects: DialectArgs,

    /// How the answer is printed.
    #[arg(long, value_enum, default_value = "text", env = "LANDWAITER_OUTPUT")]
    output: OutputFormat,

    #[command(flatten)]
    registry: RegistryArgs,
}

impl Args {
    pub(super) async fn run(self, out: &mut dyn Write) -> Outcome {
        let scope = if self.assume.is_some() { Scope::Everything } else { Scope::Annotated };
        let mut inventory = checkout::survey(&self.dir, self.dialects.heard(), scope)?;
        if let Some(text) = &self.assume {
            let policy = policy(text, &inventory)?;
            inventory.assume(policy);
        }
        let now = self.now.unwrap_or_else(Timestamp::now);
        let plan = draw(&self.dir, &inventory, self.tags.as_deref(), self.registry, now).await?;
        if self.write {
            for change in &plan.changes {
                checkout::write(&self.dir, &change.path, &change.after)?;
            }
        }
        match self.output {
            OutputFormat::Json => json(out, &PlanOutput::new(&plan, inventory.problems()))?,
            OutputFormat::Text => plan_text(out, &plan, inventory.problems())?,
        }
        // With a file of tags, a repository that it does not list is the file's choice.
        let unseen = self.tags.is_none()
            && plan.entries.iter().any(|entry| matches!(entry.verdict, Verdict::Hold(Hold::Unseen(_))));
        Ok(Good::unless(unseen || has_error(inventory.problems())))
    }
}

/// What follows for a checkout from the tags of a file, or of the registries.
pub(super) async fn draw(
    dir: &Path,
    inventory: &Inventory,
    tags: Option<&Path>,
    registry: RegistryArgs,
    now: Timestamp,
) -> Result<Plan, Error> {
    let watches = inventory.watches(now);
    let findings = if let Some(file) = tags {
        findings(&watches, &tags_file::scans(file, registry.trusts_created()?)?, now)
    } else {
        let client = Client::new(registry.options(FRESH_FOR)?)?;
        reconcile::find(client, watches, now).await
    };
    let mut plan = Plan::draw(inventory, &findings, now);
    for path in plan.files() {
        plan.page(&path, checkout::read(dir, &path)?).write();
    }
    Ok(plan)
}

/// A named policy, or a pattern with its prefix, or a glob.
fn policy(text: &str, inventory: &Inventory) -> Result<Policy, Error> {
    let presets = inventory.presets();
    if let Some(preset) = presets.get(text) {
        return Ok(preset.policy().clone());
    }
    // As a glob it would be the name of one tag, for every image there is.
    if PresetName::parse(text).is_ok() {
        let names: Vec<_> = presets.names().map(PresetName::as_str).collect();
        let there = names.join(", ");
        return Err(Error::Input(format!(
            "--assume: there is no policy `{text}`; there are: {there}. If the tag is meant, write `glob:{text}`"
        )));
    }
    let pattern = Pattern::parse(text, Dialect::Native).map_err(|error| Error::Input(error.to_string()))?;
    Policy::builder(pattern).build().map_err(|error| Error::Input(error.to_string()))
}

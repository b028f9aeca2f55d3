//! `landwaiter lint`: what people got wrong in a checkout, each with its place and the mend. Below it
//! `switching.rs` (which rules are switched), `sarif.rs` and `github.rs` (two of the forms).

mod github;
mod sarif;
mod switching;

use std::io::Write;
use std::path::PathBuf;

use clap::ValueEnum;
use clap::builder::BoolishValueParser;
use jiff::Timestamp;
use serde::Serialize;

use super::dialects::DialectArgs;
use super::output::{ProblemOutput, counted, json, problem_outputs, problems_text, table};
use super::progress::Progress;
use super::registry::RegistryArgs;
use super::{Error, Good, Outcome, checkout, tags_file};
use crate::manifest::{Rule, Scope, Severity};
use crate::plan::{Inventory, Scans, doubts};
use crate::reconcile;
use crate::registry::Client;
use switching::RuleLevel;

const EXAMPLES: &str = "\
Examples:
  landwaiter lint
  landwaiter lint clusters/production --output json
  landwaiter lint --online                              are there tags that the policies fit?
  landwaiter lint --output sarif > landwaiter.sarif     for code scanning
  landwaiter lint --rule unquoted-value=off --fail-on warning
  landwaiter lint --rules

Rules are switched for good in .landwaiter/lint.yaml, a mapping of paths to rules:
  clusters/dev:
    everything-pattern: off";

/// Finds mistakes in the annotations of a checkout; exits with 1 when one is an error.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The checkout of a config repository, or a folder of it.
    #[arg(default_value = ".", value_name = "DIR")]
    dir: PathBuf,

    #[command(flatten)]
    dialects: DialectArgs,

    /// How the answer is printed.
    #[arg(long, value_enum, default_value = "text", env = "LANDWAITER_OUTPUT")]
    output: Format,

    /// Show a rule as off, hint, warning or error, whatever the repository says. Repeatable; the last one
    /// counts.
    #[arg(long, value_name = "NAME=LEVEL", env = "LANDWAITER_RULE", value_delimiter = ',')]
    rule: Vec<RuleLevel>,

    /// From which severity on a problem makes the exit code 1.
    #[arg(long, value_enum, value_name = "SEVERITY", default_value = "error", env = "LANDWAITER_FAIL_ON")]
    fail_on: FailOn,

    /// Ask the registries as well: policies that fit no tag, tags that are not there.
    #[arg(long, env = "LANDWAITER_ONLINE", value_parser = BoolishValueParser::new())]
    online: bool,

    /// The same with tags from a JSON file instead of the registries.
    #[arg(long, value_name = "FILE", env = "LANDWAITER_TAGS")]
    tags: Option<PathBuf>,

    /// Print the rules, with how bad it mostly is to break one, and look at no file.
    #[arg(long, env = "LANDWAITER_LIST_RULES", value_parser = BoolishValueParser::new())]
    rules: bool,

    #[command(flatten)]
    registry: RegistryArgs,
}

/// How the problems are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For scripts.
    Json,
    /// For code scanning: SARIF 2.1.0.
    Sarif,
    /// For GitHub Actions: workflow commands, which annotate the lines of a pull request.
    Github,
}

/// A severity, as an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Error,
    Warning,
    Hint,
}

#[derive(Debug, Serialize)]
struct RulesOutput {
    rules: Vec<RuleOutput>,
}

#[derive(Debug, Serialize)]
struct RuleOutput {
    name: &'static str,
    severity: &'static str,
    meaning: &'static str,
}

#[derive(Debug, Serialize)]
struct LintOutput<'a> {
    problems: Vec<ProblemOutput<'a>>,
}

impl Args {
    pub(super) async fn run(self, out: &mut dyn Write) -> Outcome {
        if self.rules {
            return rules(out, self.output);
        }
        let mut progress = Progress::to_stderr();
        progress.show("reading the files");
        let around = checkout::around(&self.dir);
        let (switches, mistakes) = switching::read(&around);
        let mut inventory = checkout::survey(&self.dir, self.dialects.heard(), Scope::Everything)?;
        let now = Timestamp::now();
        let scans = scans(&inventory, now, self.tags, self.online.then_some(self.registry), &mut progress).await?;
        inventory.report(inventory.advice());
        inventory.report(doubts(&inventory, &scans, now));
        inventory.report(mistakes);
        drop(progress);
        let problems = switching::switched(inventory.problems(), switches, &self.rule, &around);
        match self.output {
            Format::Json => json(out, &LintOutput { problems: problem_outputs(&problems) })?,
            Format::Text => {
                problems_text(out, &problems)?;
                writeln!(out, "{}", counted(problems.len(), "problem"))?;
            }
            Format::Sarif => {
                let read = |path: &_| {
                    let file = around.root.join(around.whole_path(path).as_str());
                    std::fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
                };
                json(out, &sarif::Log::new(&problems, &around, read))?;
            }
            Format::Github => github::print(out, &problems, &around)?,
        }
        let worst = Severity::from(self.fail_on);
        // The worst is the first.
        Ok(Good::unless(problems.iter().any(|problem| problem.severity <= worst)))
    }
}

impl From<FailOn> for Severity {
    fn from(fail_on: FailOn) -> Self {
        match fail_on {
            FailOn::Error => Self::Error,
            FailOn::Warning => Self::Warning,
            FailOn::Hint => Self::Hint,
        }
    }
}

/// What is known of the tags: from a file, from the registries, or nothing.
async fn scans(
    inventory: &Inventory,
    now: Timestamp,
    tags: Option<PathBuf>,
    online: Option<RegistryArgs>,
    progress: &mut Progress,
) -> Result<Scans, Error> {
    match (tags, online) {
        (Some(_), Some(_)) => {
            Err(Error::Usage("--online asks the registries, and --tags takes their place: give one of them".to_owned()))
        }
        (Some(file), None) => tags_file::scans(&file, false),
        (None, Some(registry)) => {
            let client = Client::new(registry.options(super::plan::FRESH_FOR)?)?;
            let watches = inventory.watches(now);
            let of = watches.len();
            let mut done = 0;
            progress.show(&format!("asking the registries: 0 of {of}"));
            let scans = reconcile::scan(&client, &watches, || {
                done += 1;
                progress.show(&format!("asking the registries: {done} of {of}"));
            });
            Ok(scans.await)
        }
        (None, None) => Ok(Scans::default()),
    }
}

/// Prints every rule.
fn rules(out: &mut dyn Write, format: Format) -> Outcome {
    match format {
        Format::Json => {
            let rule = |rule: &Rule| RuleOutput {
                name: rule.name(),
                severity: rule.usual().as_str(),
                meaning: rule.meaning(),
            };
            json(out, &RulesOutput { rules: Rule::ALL.iter().map(rule).collect() })?;
        }
        Format::Text => {
            let mut rows = table(&["RULE", "MOSTLY", "MEANING"]);
            for rule in Rule::ALL {
                rows.add_row([rule.name(), rule.usual().as_str(), rule.meaning()]);
            }
            writeln!(out, "{}", rows.trim_fmt())?;
        }
        Format::Sarif | Format::Github => {
            return Err(Error::Usage("--rules is printed as text or json".to_owned()));
        }
    }
    Ok(Good::Yes)
}

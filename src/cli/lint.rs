//! `landwaiter lint`: what people got wrong in a checkout, each with its place and the mend.

use std::io::Write;
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use serde::Serialize;

use super::dialects::DialectArgs;
use super::output::{ProblemOutput, counted, has_error, json, problem_outputs, problems_text, table};
use super::{Good, Outcome, OutputFormat, checkout};
use crate::manifest::{Rule, Scope};

const EXAMPLES: &str = "\
Examples:
  landwaiter lint
  landwaiter lint --rules
  landwaiter lint clusters/production --output json";

/// Finds mistakes in the annotations of a checkout; exits with 1 when one is an error.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The checkout of a config repository.
    #[arg(default_value = ".", value_name = "DIR")]
    dir: PathBuf,

    #[command(flatten)]
    dialects: DialectArgs,

    /// How the answer is printed.
    #[arg(long, value_enum, default_value = "text", env = "LANDWAITER_OUTPUT")]
    output: OutputFormat,

    /// Print the rules, with how bad it mostly is to break one, and look at no file.
    #[arg(long, env = "LANDWAITER_LIST_RULES", value_parser = BoolishValueParser::new())]
    rules: bool,
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
    pub(super) fn run(self, out: &mut dyn Write) -> Outcome {
        if self.rules {
            return rules(out, self.output);
        }
        let inventory = checkout::survey(&self.dir, self.dialects.heard(), Scope::Everything)?;
        let problems = inventory.problems();
        match self.output {
            OutputFormat::Json => json(out, &LintOutput { problems: problem_outputs(problems) })?,
            OutputFormat::Text => {
                problems_text(out, problems)?;
                writeln!(out, "{}", counted(problems.len(), "problem"))?;
            }
        }
        Ok(Good::unless(has_error(problems)))
    }
}

/// Prints every rule.
fn rules(out: &mut dyn Write, format: OutputFormat) -> Outcome {
    match format {
        OutputFormat::Json => {
            let rule = |rule: &Rule| RuleOutput {
                name: rule.name(),
                severity: rule.usual().as_str(),
                meaning: rule.meaning(),
            };
            json(out, &RulesOutput { rules: Rule::ALL.iter().map(rule).collect() })?;
        }
        OutputFormat::Text => {
            let mut rows = table(&["RULE", "MOSTLY", "MEANING"]);
            for rule in Rule::ALL {
                rows.add_row([rule.name(), rule.usual().as_str(), rule.meaning()]);
            }
            writeln!(out, "{}", rows.trim_fmt())?;
        }
    }
    Ok(Good::Yes)
}

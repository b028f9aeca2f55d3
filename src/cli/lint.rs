//! `landwaiter lint`: what people got wrong in a checkout, each with its place and the mend.

use std::io::Write;
use std::path::PathBuf;

use serde::Serialize;

use super::dialects::DialectArgs;
use super::output::{ProblemOutput, counted, has_error, json, problem_outputs, problems_text};
use super::{Good, Outcome, OutputFormat, checkout};
use crate::manifest::Scope;

const EXAMPLES: &str = "\
Examples:
  landwaiter lint
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
}

#[derive(Debug, Serialize)]
struct LintOutput<'a> {
    problems: Vec<ProblemOutput<'a>>,
}

impl Args {
    pub(super) fn run(self, out: &mut dyn Write) -> Outcome {
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

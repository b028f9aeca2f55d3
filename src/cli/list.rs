//! `landwaiter list`: the workloads of a checkout and what is asked for them.

use std::io::Write;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;

use super::dialects::DialectArgs;
use super::output::{ProblemOutput, has_error, json, problem_outputs, problems_text, table};
use super::{Good, Outcome, OutputFormat, checkout};
use crate::manifest::{Automation, ContainerPolicy, Scope};
use crate::plan::Inventory;
use crate::plan::message::one_line;

const EXAMPLES: &str = "\
Examples:
  landwaiter list
  landwaiter list clusters/production --output json | jq '.workloads[] | select(.automated)'";

/// Lists the workloads of a checkout, their containers and policies.
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
struct ListOutput<'a> {
    workloads: Vec<WorkloadOutput<'a>>,
    problems: Vec<ProblemOutput<'a>>,
}

#[derive(Debug, Serialize)]
struct WorkloadOutput<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    workload: String,
    automated: bool,
    locked: bool,
    containers: Vec<ContainerOutput<'a>>,
}

#[derive(Debug, Serialize)]
struct ContainerOutput<'a> {
    container: &'a str,
    image: &'a str,
    policy: Option<String>,
}

impl Args {
    pub(super) fn run(self, out: &mut dyn Write) -> Outcome {
        let inventory = checkout::survey(&self.dir, self.dialects.heard(), Scope::Everything)?;
        let answer = ListOutput::new(&inventory);
        match self.output {
            OutputFormat::Json => json(out, &answer)?,
            OutputFormat::Text => answer.print(out, &inventory)?,
        }
        Ok(Good::unless(has_error(inventory.problems())))
    }
}

impl<'a> ListOutput<'a> {
    fn new(inventory: &'a Inventory) -> Self {
        let workloads = inventory.workloads().map(|workload| {
            let containers = workload.containers.iter().map(|container| ContainerOutput {
                container: &container.name,
                image: container.image.reference().as_str(),
                policy: match &container.policy {
                    ContainerPolicy::Stated(policy) => Some(policy.to_string()),
                    ContainerPolicy::Unstated | ContainerPolicy::Invalid { .. } | ContainerPolicy::Elsewhere { .. } => {
                        None
                    }
                },
            });
            WorkloadOutput {
                file: workload.place.file.as_str(),
                line: workload.place.line,
                column: workload.place.column,
                workload: workload.id.to_string(),
                automated: workload.automated,
                locked: matches!(workload.automation_at(Timestamp::now()), Automation::Locked(_)),
                containers: containers.collect(),
            }
        });
        Self { workloads: workloads.collect(), problems: problem_outputs(inventory.problems()) }
    }

    fn print(&self, out: &mut dyn Write, inventory: &Inventory) -> std::io::Result<()> {
        let mut rows = table(&["WORKLOAD", "CONTAINER", "IMAGE", "AUTOMATED", "POLICY", "FILE"]);
        for workload in &self.workloads {
            let automated = match (workload.automated, workload.locked) {
                (_, true) => "locked",
                (true, false) => "yes",
                (false, false) => "",
            };
            let file = format!("{}:{}", workload.file, workload.line);
            for container in &workload.containers {
                let policy = container.policy.as_deref().unwrap_or_default();
                let (name, container_name) = (one_line(&workload.workload), one_line(container.container));
                rows.add_row([&name, &container_name, container.image, automated, policy, &file]);
            }
        }
        if !self.workloads.is_empty() {
            writeln!(out, "{}", rows.trim_fmt())?;
        }
        problems_text(out, inventory.problems())
    }
}

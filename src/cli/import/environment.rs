//! A configuration as it is printed: an environment file for people and daemons, data for scripts.

use std::io::{self, Write};

use serde::Serialize;

use crate::cli::output::{ProblemOutput, problem_outputs};
use crate::manifest::{Place, Problem};
use crate::plan::import::{Environment, Unsaid, Variable};
use crate::plan::message::one_line;

const HEAD: &str = "\
# A configuration for `landwaiter run`. Values stand without quotes, as `docker run --env-file` and
# `kubectl create configmap --from-env-file` want them.
";

#[derive(Debug, Serialize)]
pub(super) struct EnvironmentOutput<'a> {
    variables: Vec<VariableOutput<'a>>,
    leftovers: Vec<UnsaidOutput<'a>>,
    problems: Vec<ProblemOutput<'a>>,
}

#[derive(Debug, Serialize)]
struct VariableOutput<'a> {
    name: &'a str,
    value: &'a str,
    from: Vec<SourceOutput<'a>>,
    notes: &'a [String],
}

#[derive(Debug, Serialize)]
struct SourceOutput<'a> {
    setting: &'a str,
    file: &'a str,
    line: usize,
    column: usize,
}

#[derive(Debug, Serialize)]
struct UnsaidOutput<'a> {
    setting: &'a str,
    value: &'a str,
    file: &'a str,
    line: usize,
    column: usize,
    why: &'a str,
}

impl<'a> EnvironmentOutput<'a> {
    pub(super) fn new(environment: &'a Environment, problems: &'a [Problem]) -> Self {
        let source = |(setting, place): &'a (String, Place)| SourceOutput {
            setting,
            file: place.file.as_str(),
            line: place.line,
            column: place.column,
        };
        let variable = |variable: &'a Variable| VariableOutput {
            name: &variable.name,
            value: &variable.value,
            from: variable.sources.iter().map(source).collect(),
            notes: &variable.notes,
        };
        let unsaid = |unsaid: &'a Unsaid| UnsaidOutput {
            setting: &unsaid.setting,
            value: &unsaid.value,
            file: unsaid.place.file.as_str(),
            line: unsaid.place.line,
            column: unsaid.place.column,
            why: &unsaid.why,
        };
        Self {
            variables: environment.variables.iter().map(variable).collect(),
            leftovers: environment.unsaid.iter().map(unsaid).collect(),
            problems: problem_outputs(problems),
        }
    }
}

/// Prints an environment file.
pub(super) fn print(out: &mut dyn Write, environment: &Environment) -> io::Result<()> {
    write!(out, "{HEAD}")?;
    for Variable { name, value, sources, notes } in &environment.variables {
        let sources: Vec<_> = sources.iter().map(|(setting, place)| format!("{setting} ({place})")).collect();
        writeln!(out, "\n# {}", one_line(&sources.join(", ")))?;
        for note in notes {
            writeln!(out, "# {}", one_line(note))?;
        }
        // A value of several lines would be another variable.
        if value.contains(['\n', '\r']) {
            writeln!(out, "# {name}: the value is longer than a line, which no environment file can say")?;
        } else {
            writeln!(out, "{name}={value}")?;
        }
    }
    if !environment.unsaid.is_empty() {
        writeln!(out, "\n# Without an equivalent:")?;
    }
    for Unsaid { setting, value, place, why } in &environment.unsaid {
        let value = if value.is_empty() { String::new() } else { format!(" `{}`", one_line(value)) };
        writeln!(out, "# {}{value} ({place}): {}", one_line(setting), one_line(why))?;
    }
    Ok(())
}

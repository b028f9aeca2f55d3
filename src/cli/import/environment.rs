//! Configurations made of those of other daemons: an environment file for people and daemons, data for scripts.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::builder::BoolishValueParser;
use serde::Serialize;

use crate::cli::output::{ProblemOutput, has_error, json, problem_outputs, problems_text};
use crate::cli::{Error, Good, Outcome, OutputFormat, checkout};
use crate::manifest::{Place, Problem, Scope, read_flux_args, read_registries_conf};
use crate::path::RepoPath;
use crate::plan::import::{Environment, Unsaid, Variable};
use crate::plan::message::one_line;
use crate::policy::Dialects;

const HEAD: &str = "\
# A configuration for `landwaiter run`. Values stand without quotes, as `docker run --env-file` and
# `kubectl create configmap --from-env-file` want them.
";

/// What a configuration is to be made of, in place of an answer about containers.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Configurations")]
pub(super) struct ConfigurationArgs {
    /// Print a configuration instead: how Argo CD Image Updater reaches registries, from its
    /// `registries.conf` or the `ConfigMap` that holds it.
    #[arg(long, value_name = "FILE", env = "LANDWAITER_REGISTRIES_CONF")]
    registries_conf: Option<PathBuf>,

    /// Print a configuration instead: what fluxd, the daemon of Flux version 1, was told, from the manifest
    /// that runs it or a list of its arguments.
    #[arg(long, value_name = "FILE", env = "LANDWAITER_FLUX_ARGS")]
    flux_args: Option<PathBuf>,

    /// Print a configuration instead: what the `ImageUpdateAutomation`s of the checkout say, and its `.flux.yaml`.
    #[arg(long, env = "LANDWAITER_AUTOMATIONS", value_parser = BoolishValueParser::new())]
    automations: bool,
}

impl ConfigurationArgs {
    pub(super) fn are_asked_for(&self) -> bool {
        self.registries_conf.is_some() || self.flux_args.is_some() || self.automations
    }

    /// Prints the configuration.
    pub(super) fn run(&self, out: &mut dyn Write, dir: &Path, format: OutputFormat) -> Outcome {
        let mut environment = Environment::default();
        let mut problems = Vec::new();
        if let Some(file) = &self.flux_args {
            let (path, bytes) = read(file)?;
            let (arguments, wrong) = read_flux_args(&path, &bytes);
            environment.add_fluxd(&arguments);
            problems.extend(wrong);
        }
        if let Some(file) = &self.registries_conf {
            let (path, bytes) = read(file)?;
            let (registries, wrong) = read_registries_conf(&path, &bytes);
            environment.add_registries(&registries);
            problems.extend(wrong);
        }
        if self.automations {
            let inventory = checkout::survey(dir, Dialects::default(), Scope::Annotated)?;
            for manifest in inventory.manifests() {
                environment.add_objects(&manifest.settings);
            }
        }
        match format {
            OutputFormat::Json => json(out, &EnvironmentOutput::new(&environment, &problems))?,
            OutputFormat::Text => {
                print(out, &environment)?;
                // What is printed goes into a file.
                problems_text(&mut anstream::stderr(), &problems)?;
            }
        }
        Ok(Good::unless(has_error(&problems)))
    }
}

/// A file anywhere on this machine, under the name that places in it are told by.
fn read(file: &Path) -> Result<(RepoPath, Vec<u8>), Error> {
    let cannot = |source| Error::File { what: format!("cannot read {}", file.display()), source };
    let bytes = std::fs::read(file).map_err(cannot)?;
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or("file");
    let relative = file.to_str().and_then(|path| RepoPath::parse(path.trim_start_matches("./")).ok());
    let path = relative.or_else(|| RepoPath::parse(name).ok());
    let path = path.ok_or_else(|| Error::Usage(format!("{} is no name of a file", file.display())))?;
    Ok((path, bytes))
}

#[derive(Debug, Serialize)]
struct EnvironmentOutput<'a> {
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
    fn new(environment: &'a Environment, problems: &'a [Problem]) -> Self {
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
fn print(out: &mut dyn Write, environment: &Environment) -> io::Result<()> {
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

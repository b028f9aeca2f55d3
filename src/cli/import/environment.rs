//! Configurations made of those of other daemons: an environment file and a configuration file for people and
//! daemons, data for scripts.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::builder::BoolishValueParser;
use serde::Serialize;

use super::registries::{self, RegistryOutput};
use crate::cli::output::{ProblemOutput, has_error, json, problem_outputs, problems_text};
use crate::cli::{Error, Good, Outcome, OutputFormat, checkout};
use crate::manifest::{Place, Problem, Scope, read_flux_args, read_registries_conf};
use crate::path::RepoPath;
use crate::plan::import::{Environment, Registries, Unsaid, Variable};
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
    /// Print a configuration file (YAML) instead: how Argo CD Image Updater reaches registries, from its
    /// `registries.conf` or the `ConfigMap` that holds it.
    #[arg(long, value_name = "FILE", env = "LANDWAITER_REGISTRIES_CONF")]
    registries_conf: Option<PathBuf>,

    /// Where the configuration file of `--registries-conf` goes, in place of the standard output; a file that is not
    /// there yet. Needed beside `--flux-args` or `--automations`, whose environment file is printed.
    #[arg(long, value_name = "FILE", env = "LANDWAITER_REGISTRIES_TO", requires = "registries_conf")]
    registries_to: Option<PathBuf>,

    /// Print an environment file instead: what fluxd, the daemon of Flux version 1, was told, from the manifest
    /// that runs it or a list of its arguments.
    #[arg(long, value_name = "FILE", env = "LANDWAITER_FLUX_ARGS")]
    flux_args: Option<PathBuf>,

    /// Print an environment file instead: what the `ImageUpdateAutomation`s of the checkout say, and its `.flux.yaml`.
    #[arg(long, env = "LANDWAITER_AUTOMATIONS", value_parser = BoolishValueParser::new())]
    automations: bool,
}

impl ConfigurationArgs {
    pub(super) fn are_asked_for(&self) -> bool {
        self.registries_conf.is_some() || self.flux_args.is_some() || self.automations
    }

    /// Prints the configuration.
    pub(super) fn run(&self, out: &mut dyn Write, dir: &Path, format: OutputFormat) -> Outcome {
        let has_variables = self.flux_args.is_some() || self.automations;
        let is_apart = self.registries_to.is_some() || format == OutputFormat::Json;
        if self.registries_conf.is_some() && has_variables && !is_apart {
            let message = "--registries-conf makes a configuration file and the other options an environment file, and \
                           one output has room for one: say by --registries-to FILE where the first one goes";
            return Err(Error::Usage(message.to_owned()));
        }
        let mut environment = Environment::default();
        let mut registries = None;
        let mut problems = Vec::new();
        if let Some(file) = &self.flux_args {
            let (path, bytes) = read(file)?;
            let (arguments, wrong) = read_flux_args(&path, &bytes);
            environment.add_fluxd(&arguments);
            problems.extend(wrong);
        }
        if let Some(file) = &self.registries_conf {
            let (path, bytes) = read(file)?;
            let (told, wrong) = read_registries_conf(&path, &bytes);
            registries = Some(Registries::of(&told));
            problems.extend(wrong);
        }
        if self.automations {
            let inventory = checkout::survey(dir, Dialects::default(), Scope::Annotated)?;
            for manifest in inventory.manifests() {
                environment.add_objects(&manifest.settings);
            }
        }
        if let (Some(file), Some(registries)) = (&self.registries_to, &registries) {
            write_new(file, registries)?;
        }
        match format {
            OutputFormat::Json => {
                let registries = registries.unwrap_or_default();
                json(out, &EnvironmentOutput::new(&environment, &registries, &problems))?;
            }
            OutputFormat::Text => {
                if has_variables {
                    print(out, &environment)?;
                } else if let Some(registries) = registries.filter(|_| self.registries_to.is_none()) {
                    registries::print(out, &registries)?;
                }
                // What is printed goes into a file.
                problems_text(&mut anstream::stderr(), &problems)?;
            }
        }
        Ok(Good::unless(has_error(&problems)))
    }
}

/// Writes the configuration file. One that is there already may hold what somebody wrote.
fn write_new(file: &Path, registries: &Registries) -> Result<(), Error> {
    let mut text = Vec::new();
    registries::print(&mut text, registries)?;
    let written = OpenOptions::new().write(true).create_new(true).open(file);
    written.and_then(|mut file| file.write_all(&text)).map_err(|source| {
        let is_there = source.kind() == io::ErrorKind::AlreadyExists;
        let mend = if is_there { ", which is there already; name another one, or move it away" } else { "" };
        Error::File { what: format!("cannot write {}{mend}", file.display()), source }
    })
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
    registries: Vec<RegistryOutput<'a>>,
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
pub(super) struct SourceOutput<'a> {
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

impl<'a> SourceOutput<'a> {
    pub(super) fn new((setting, place): &'a (String, Place)) -> Self {
        Self { setting, file: place.file.as_str(), line: place.line, column: place.column }
    }
}

impl<'a> EnvironmentOutput<'a> {
    fn new(environment: &'a Environment, registries: &'a Registries, problems: &'a [Problem]) -> Self {
        let variable = |variable: &'a Variable| VariableOutput {
            name: &variable.name,
            value: &variable.value,
            from: variable.sources.iter().map(SourceOutput::new).collect(),
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
            registries: registries.entries.iter().map(RegistryOutput::new).collect(),
            leftovers: environment.unsaid.iter().chain(&registries.unsaid).map(unsaid).collect(),
            problems: problem_outputs(problems),
        }
    }
}

/// Prints an environment file.
fn print(out: &mut dyn Write, environment: &Environment) -> io::Result<()> {
    write!(out, "{HEAD}")?;
    for Variable { name, value, sources, notes } in &environment.variables {
        writeln!(out, "\n# {}", sources_text(sources))?;
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
    print_unsaid(out, &environment.unsaid)
}

/// Where something comes from, in one line.
pub(super) fn sources_text(sources: &[(String, Place)]) -> String {
    let sources: Vec<_> = sources.iter().map(|(setting, place)| format!("{setting} ({place})")).collect();
    one_line(&sources.join(", "))
}

/// What has no equivalent, as comments.
pub(super) fn print_unsaid(out: &mut dyn Write, all: &[Unsaid]) -> io::Result<()> {
    if !all.is_empty() {
        writeln!(out, "\n# Without an equivalent:")?;
    }
    for Unsaid { setting, value, place, why } in all {
        let value = if value.is_empty() { String::new() } else { format!(" `{}`", one_line(value)) };
        writeln!(out, "# {}{value} ({place}): {}", one_line(setting), one_line(why))?;
    }
    Ok(())
}

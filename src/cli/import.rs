//! `landwaiter import`: what another tool was told, as Landwaiter takes it.

mod environment;

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::ArgGroup;
use environment::EnvironmentOutput;

use super::output::{has_error, json, problems_text};
use super::{Error, Good, Outcome, OutputFormat};
use crate::manifest::{Problem, read_flux_args, read_registries_conf};
use crate::path::RepoPath;
use crate::plan::import::Environment;

const EXAMPLES: &str = "\
Examples:
  landwaiter import --registries-conf registries.conf > landwaiter.env
  landwaiter import --flux-args flux/deployment.yaml --output json";

/// Turns what another tool was told into a configuration of Landwaiter.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, group = ArgGroup::new("sources").required(true).multiple(true))]
pub(super) struct Args {
    /// How Argo CD Image Updater reaches registries: its `registries.conf`, or the `ConfigMap` that holds it.
    #[arg(long, value_name = "FILE", env = "LANDWAITER_REGISTRIES_CONF", group = "sources")]
    registries_conf: Option<PathBuf>,

    /// The arguments of fluxd, the daemon of Flux version 1: the manifest that runs it, or a list of them.
    #[arg(long = "flux-args", value_name = "FILE", env = "LANDWAITER_FLUX_ARGS", group = "sources")]
    fluxd: Option<PathBuf>,

    /// How the answer is printed.
    #[arg(long, value_enum, default_value = "text", env = "LANDWAITER_OUTPUT")]
    output: OutputFormat,
}

impl Args {
    pub(super) fn run(self, out: &mut dyn Write) -> Outcome {
        let mut environment = Environment::default();
        let mut problems = Vec::new();
        if let Some(file) = &self.fluxd {
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
        print_environment(out, &environment, &problems, self.output)?;
        Ok(Good::unless(has_error(&problems)))
    }
}

/// An environment file, with what is wrong with what it is made of.
fn print_environment(
    out: &mut dyn Write,
    environment: &Environment,
    problems: &[Problem],
    format: OutputFormat,
) -> std::io::Result<()> {
    match format {
        OutputFormat::Json => json(out, &EnvironmentOutput::new(environment, problems)),
        OutputFormat::Text => {
            environment::print(out, environment)?;
            // What is printed goes into a file.
            problems_text(&mut anstream::stderr(), problems)
        }
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

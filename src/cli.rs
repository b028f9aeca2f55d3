//! The command line: what people ask for, and what they are shown.
//!
//! Floor 9, the top. Each command is one file; `output` holds what they print.

mod checkout;
mod commit;
mod config;
mod demo;
mod dialects;
mod doctor;
mod durations;
mod explain;
mod git;
mod history;
mod https;
mod identity;
mod import;
mod keys;
mod lint;
mod list;
mod listen;
mod output;
mod plan;
mod policy;
mod progress;
mod registry;
mod run;
mod status;
mod sync;
mod tags;
mod tags_file;
mod template;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::builder::Resettable;
use clap::{Arg, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};

use crate::daemon::Stop;
use crate::telemetry;

const EXAMPLES: &str = "\
Examples:
  landwaiter demo                                       see it work, on this machine alone
  landwaiter lint                                       check the annotations of this checkout
  landwaiter plan                                       what would change here, as a diff
  landwaiter tags ghcr.io/org/app                       its tags, and what stands behind them
  landwaiter explain --policy 'semver:~1.2' --image ghcr.io/org/app
  landwaiter doctor                                     whether everything is there that a daemon needs
  landwaiter run --git-url https://git.example.com/org/config.git
  landwaiter status                                     how a running daemon stands
  landwaiter identity                                   the deploy key for git@git.example.com:org/config.git

Exit codes: 0 done, 1 problems found or work failed, 2 wrong usage.";

/// Watches container registries and commits new image tags to a GitOps config repository.
#[derive(Debug, Parser)]
#[command(name = "landwaiter", version, about, after_help = EXAMPLES, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,

    /// How log lines are written to standard error.
    #[arg(long, global = true, env = "LANDWAITER_LOG_FORMAT", value_enum, default_value = "text")]
    log_format: LogFormat,

    /// What is logged: error, warn, info, debug or trace, or a list of module=level. Default: info, and
    /// less for the demo and the doctor, which show by themselves what happens.
    #[arg(long, global = true, env = "LANDWAITER_LOG_LEVEL", value_name = "LEVEL")]
    log_level: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
    Plan(plan::Args),
    List(list::Args),
    Lint(lint::Args),
    Explain(explain::Args),
    Tags(tags::Args),
    Doctor(doctor::Args),
    Import(import::Args),
    Config(config::Args),
    Status(status::Args),
    Sync(sync::Args),
    Identity(identity::Args),
    History(history::Args),
    Template(template::Args),
    Demo(demo::Args),
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

/// How a command prints its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OutputFormat {
    /// For people.
    Text,
    /// For scripts.
    Json,
}

/// What kept a command from its work. The text is for the person at the terminal.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The arguments do not fit together.
    #[error("{0}")]
    Usage(String),
    /// A file or folder could not be read or written.
    #[error("{what}: {source}")]
    File {
        /// Which, and what for.
        what: String,
        /// What the system says.
        source: io::Error,
    },
    /// The text of a file, a pattern or another argument makes no sense.
    #[error("{0}")]
    Input(String),
    /// Standard output went away.
    #[error("cannot print: {0}")]
    Print(#[from] io::Error),
    /// The daemon's parts could not be put together.
    #[error(transparent)]
    Config(#[from] crate::config::Error),
    /// The configuration file says what makes no sense.
    #[error(transparent)]
    Settings(#[from] crate::config::FileError),
    /// A registry did not answer as it should.
    #[error(transparent)]
    Registry(#[from] crate::registry::Error),
    /// A pass failed.
    #[error(transparent)]
    Pass(#[from] crate::reconcile::Error),
    /// The demo could not be held.
    #[error(transparent)]
    Demo(#[from] crate::demo::Error),
    /// Logging could not be started.
    #[error("cannot start logging with --log-level {level:?}: {source}")]
    Log {
        /// The level that was asked for.
        level: String,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// How a command ended: whether the answer is good news, which is what the exit code says.
type Outcome = Result<Good, Error>;

/// Whether everything is as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Good {
    Yes,
    No,
}

impl Good {
    fn unless(bad: bool) -> Self {
        if bad { Self::No } else { Self::Yes }
    }
}

impl Error {
    /// The exit code for this error: 2 for wrong usage, else 1.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(if matches!(self, Self::Usage(_)) { 2 } else { 1 })
    }

    /// Whether the reader of standard output had enough, as `head` has; nobody has to be told.
    #[must_use]
    pub fn is_lost_reader(&self) -> bool {
        matches!(self, Self::Print(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

impl Cli {
    /// Reads the arguments and the environment of this process; ends it where they make no sense or
    /// ask for help. A variable that is set to nothing counts as not set, since that is how compose
    /// files and charts leave an option out.
    #[must_use]
    pub fn from_process() -> Self {
        fn unset(argument: Arg) -> Arg {
            let empty = argument.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
            if empty { argument.env(Resettable::Reset) } else { argument }
        }
        fn without_empty(command: clap::Command) -> clap::Command {
            command.mut_args(unset).mut_subcommands(without_empty)
        }
        let command = without_empty(Self::command());
        Self::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit())
    }

    /// Whether the command listens to the wish to stop, since it has something to finish.
    #[must_use]
    pub fn stops_cleanly(&self) -> bool {
        matches!(self.command, Command::Run(_) | Command::Demo(_))
    }

    /// Carries the command out. `stop` ends it early and cleanly.
    ///
    /// # Errors
    /// [`Error`] when there is no answer to print.
    pub async fn run(self, stop: &Stop) -> Result<ExitCode, Error> {
        let format = match self.log_format {
            LogFormat::Text => telemetry::Format::Text,
            LogFormat::Json => telemetry::Format::Json,
        };
        let default = match self.command {
            // Its report says the same in its own place.
            Command::Doctor(_) => "error",
            Command::Demo(_) => "warn",
            _ => "info",
        };
        let level = self.log_level.unwrap_or_else(|| default.to_owned());
        let traces = match &self.command {
            Command::Run(args) => args.traces()?,
            _ => None,
        };
        let telemetry = telemetry::start(format, &level, traces).map_err(|error| match error {
            telemetry::Error::Log(source) => Error::Log { level, source },
            telemetry::Error::Traces(problem) => Error::Usage(problem),
        })?;
        let mut out = anstream::stdout();
        let outcome = match self.command {
            Command::Run(args) => args.run(&mut out, stop).await,
            Command::Plan(args) => args.run(&mut out).await,
            Command::List(args) => args.run(&mut out),
            Command::Lint(args) => args.run(&mut out).await,
            Command::Explain(args) => args.run(&mut out).await,
            Command::Tags(args) => args.run(&mut out).await,
            Command::Doctor(args) => args.run(&mut out).await,
            Command::Import(args) => args.run(&mut out).await,
            Command::Config(args) => args.run(&mut out),
            Command::Status(args) => args.run(&mut out).await,
            Command::Sync(args) => args.run(&mut out).await,
            Command::Identity(args) => args.run(&mut out),
            Command::History(args) => args.run(&mut out),
            Command::Template(args) => args.run(&mut out).await,
            Command::Demo(args) => args.run(&mut out, stop).await,
        };
        telemetry.end().await;
        let good = outcome?;
        out.flush()?;
        Ok(if good == Good::Yes { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

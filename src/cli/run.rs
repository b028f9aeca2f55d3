//! `landwaiter run`: the daemon.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use jiff::Timestamp;

use super::commit::{AuthorArgs, CommitArgs};
use super::dialects::DialectArgs;
use super::durations::{duration, interval};
use super::git::GitArgs;
use super::listen::ListenArgs;
use super::output::{diff, message_text, problems_text};
use super::registry::RegistryArgs;
use super::{Error, Good, Outcome};
use crate::config::Config;
use crate::daemon::{self, Board, Journal, Stop};
use crate::git::PushOutcome;
use crate::health;
use crate::manifest::Terms;
use crate::plan::Draft;
use crate::reconcile::{self, Report};
use crate::registry;
use crate::telemetry::Traces;

const EXAMPLES: &str = "\
Examples:
  landwaiter run --git-url https://git.example.com/org/config.git --git-credentials /run/secrets/git
  landwaiter run --git-url git@git.example.com:org/config.git --git-path clusters
  landwaiter run --git-url /srv/git/config.git --git-path clusters/production --once --dry-run
  LANDWAITER_GIT_URL=https://git.example.com/org/config.git landwaiter run --log-format json

Every option can be set by its environment variable instead. SIGTERM lets a commit that is being
pushed finish; a second one stops at once.

Certificates are checked by the authorities of this machine, or by those in the PEM file that
SSL_CERT_FILE names. HTTPS_PROXY, HTTP_PROXY and NO_PROXY are respected.";

/// Watches registries and commits new image tags, until it is stopped.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Make one pass and exit.
    #[arg(long, env = "LANDWAITER_ONCE", value_parser = BoolishValueParser::new())]
    once: bool,

    /// Print the diff and the commit message of one pass, and push nothing.
    #[arg(long, env = "LANDWAITER_DRY_RUN", value_parser = BoolishValueParser::new())]
    dry_run: bool,

    #[command(flatten)]
    git: GitArgs,

    #[command(flatten)]
    dialects: DialectArgs,

    /// How often the branch is asked for news.
    #[arg(long, env = "LANDWAITER_GIT_POLL_INTERVAL", value_name = "DURATION", default_value = "1m",
          value_parser = interval, help_heading = "Git")]
    git_poll_interval: Duration,

    #[command(flatten)]
    author: AuthorArgs,

    /// How long a commit waits for tags that land together with those it is for: so long without another one, and
    /// five times as long at most. `0s` waits for none.
    #[arg(long, env = "LANDWAITER_SETTLE", value_name = "DURATION", default_value = "3s",
          value_parser = duration, help_heading = "Git")]
    settle: Duration,

    #[command(flatten)]
    commit: CommitArgs,

    /// How often each image repository is asked for new tags, where the configuration file says nothing else
    /// for its registry. Default: 1m.
    #[arg(long, env = "LANDWAITER_REGISTRY_POLL_INTERVAL", value_name = "DURATION", value_parser = interval,
          help_heading = "Registries")]
    registry_poll_interval: Option<Duration>,

    #[command(flatten)]
    registry: RegistryArgs,

    #[command(flatten)]
    listen: ListenArgs,

    /// Where traces of the passes are sent by OpenTelemetry's OTLP over HTTP: the address of a collector, as
    /// `http://collector:4318`. Default: where `OTEL_EXPORTER_OTLP_ENDPOINT` says, and nowhere without it.
    #[arg(long, env = "LANDWAITER_OTLP_ENDPOINT", value_name = "URL", help_heading = "Traces")]
    otlp_endpoint: Option<String>,
}

impl Args {
    pub(super) async fn run(self, out: &mut dyn Write, stop: &Stop) -> Outcome {
        let config = self.config()?;
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            repositories = config.repositories.len(),
            "landwaiter starts"
        );
        if self.once || self.dry_run {
            return once(&config, out, stop).await;
        }
        let mut door = self.listen.open(&self.registry.settings()?).await?;
        let hooks = door.hooks();
        let load = || {
            let settings = self.registry.settings()?;
            let config = self.config()?;
            hooks.change_to(&settings).map(|()| config)
        };
        let board = Board::default();
        let daemon = async {
            let served = daemon::serve(config, || load().map_err(|error: Error| error.to_string()), &board, stop).await;
            // Where it could not start, nobody has to be answered.
            stop.request();
            served
        };
        let (served, (), ()) = tokio::join!(daemon, door.serve(&board, stop), health::tell_systemd(&board, stop));
        served?;
        tracing::info!("stopped");
        Ok(Good::Yes)
    }

    /// The traces that are wanted of this.
    pub(super) fn traces(&self) -> Result<Option<Traces>, Error> {
        Traces::wanted(self.otlp_endpoint.as_deref(), |name| std::env::var(name).ok()).map_err(Error::Usage)
    }

    fn config(&self) -> Result<Config, Error> {
        let settings = self.registry.settings()?;
        let data_dir = self.git.data_dir(&settings).to_owned();
        let registry_poll_interval = self.registry_poll_interval.or(settings.registry_poll_interval);
        let registry_poll_interval = registry_poll_interval.unwrap_or(registry::Options::POLL_INTERVAL);
        let author = self.author.identity()?;
        let one_pass = self.once || self.dry_run;
        let pass = reconcile::Options {
            terms: Terms { dialects: self.dialects.heard(), ..Terms::builtin().clone() },
            git_fresh_for: self.git_poll_interval,
            patience: (!one_pass).then(reconcile::Patience::default),
            settle: if one_pass { Duration::ZERO } else { self.settle },
            dry_run: self.dry_run,
            commit: self.commit.options()?,
            ..reconcile::Options::by(author)
        };
        Ok(Config {
            repositories: self.git.repositories(&settings, &pass)?,
            files: settings.files().into_iter().chain(self.commit.file().map(Path::to_owned)).collect(),
            registry: registry::Options {
                store: Some(data_dir.join("registry.redb")),
                // Whoever asks for one pass wants to see what there is now.
                begins_anew: one_pass,
                ..self.registry.clone().options_over(settings, registry_poll_interval)?
            },
        })
    }
}

/// One pass over each config repository, one after the other; each says what it did.
async fn once(config: &Config, out: &mut dyn Write, stop: &Stop) -> Outcome {
    let lookout = config.lookout()?;
    let (mut is_bad, mut failed) = (false, None);
    for repository in &config.repositories {
        let report = match repository.open(&lookout) {
            Ok(reconciler) => daemon::once(&reconciler, stop).await.map_err(Error::from),
            Err(error) => Err(error.into()),
        };
        match report {
            Ok(report) => {
                Journal::default().write_report(&report);
                match &report.outcome {
                    reconcile::Outcome::DryRun { drafts } => print_dry_run(out, &report, drafts)?,
                    reconcile::Outcome::NothingToDo => say_nothing_to_do(&report),
                    reconcile::Outcome::Pushed { .. } => {}
                }
                is_bad |= self::is_bad(&report);
            }
            // The others have their pass.
            Err(error) => {
                if let Some(before) = failed.replace((&repository.name, error)) {
                    tracing::error!(repository = before.0, "{}", before.1);
                }
            }
        }
    }
    lookout.close(Timestamp::now()).await;
    match failed {
        Some((_, error)) => Err(error),
        None => Ok(Good::unless(is_bad)),
    }
}

/// Whether somebody should look: a push that was refused, a repository that could not be seen, a
/// mistake in a file.
fn is_bad(report: &Report) -> bool {
    let refused = matches!(
        &report.outcome,
        reconcile::Outcome::Pushed { push: PushOutcome::Refused { .. } | PushOutcome::Stale { .. }, .. }
    );
    refused || report.scans.failed > 0 || super::output::has_error(&report.problems)
}

/// Somebody waits for this one pass, and hears that it was made.
fn say_nothing_to_do(report: &Report) {
    let (followed, scanned) = (report.plan.entries.len(), report.scans.wanted);
    tracing::info!(branch = report.branch, containers = followed, repositories = scanned, "nothing to change");
}

fn print_dry_run(out: &mut dyn Write, report: &Report, drafts: &[Draft]) -> std::io::Result<()> {
    for change in &report.plan.changes {
        diff(out, change)?;
    }
    for (index, draft) in drafts.iter().enumerate() {
        let number = if drafts.len() > 1 { format!("{} of {} ", index + 1, drafts.len()) } else { String::new() };
        writeln!(out, "\nThe commit {number}on {} would say:\n", report.branch)?;
        message_text(out, &draft.message)?;
    }
    if !report.problems.is_empty() {
        writeln!(out)?;
        problems_text(out, &report.problems)?;
    }
    Ok(())
}

//! `landwaiter sync`: makes a running daemon look for news now.

use std::io::Write;
use std::time::{Duration, Instant};

use clap::builder::BoolishValueParser;
use jiff::Timestamp;
use serde::Serialize;

use super::durations::patience;
use super::output::{GREEN, RED, json};
use super::status::{DaemonArgs, Remote};
use super::{Error, Good, Outcome, OutputFormat};
use crate::plan::message::one_line;
use crate::status::answer::{Repository, Status, Synced};

const EXAMPLES: &str = "\
Examples:
  landwaiter sync                                       every config repository, on this machine
  landwaiter sync --repository production --wait        and say what came of it
  landwaiter sync --url https://landwaiter.example.com --api-token /run/secrets/landwaiter

Exit codes: 0 done, 1 a pass failed or nobody answers, 2 wrong usage.";

/// How often the daemon is asked whether it is done.
const GLANCE: Duration = Duration::from_millis(250);

/// Makes a running daemon look for news now.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    daemon: DaemonArgs,

    /// This config repository alone, by its name.
    #[arg(long, env = "LANDWAITER_REPOSITORY", value_name = "NAME")]
    repository: Option<String>,

    /// Wait until everything new was taken in, and say how that ended.
    #[arg(long, env = "LANDWAITER_WAIT", value_parser = BoolishValueParser::new())]
    wait: bool,

    /// How long to wait.
    #[arg(long, env = "LANDWAITER_WAIT_TIMEOUT", value_name = "DURATION", default_value = "5m", value_parser = patience)]
    wait_timeout: Duration,

    /// How the answer is printed.
    #[arg(long, value_enum, default_value = "text", env = "LANDWAITER_OUTPUT")]
    output: OutputFormat,
}

/// What came of it, for one config repository.
#[derive(Debug, Serialize)]
struct Came<'a> {
    repository: &'a str,
    outcome: &'static str,
    message: String,
    commits: Vec<String>,
}

#[derive(Debug, Serialize)]
struct SyncOutput<'a> {
    repositories: usize,
    passes: Vec<Came<'a>>,
}

impl Args {
    pub(super) async fn run(self, out: &mut dyn Write) -> Outcome {
        let remote = self.daemon.open()?;
        let before = self.meant(&remote).await?;
        let query: Vec<_> = self.repository.iter().map(|name| ("repository", name.as_str())).collect();
        let Synced { repositories } = remote.understood(remote.post("sync", &query).await?)?;
        if !self.wait {
            match self.output {
                OutputFormat::Json => json(out, &SyncOutput { repositories, passes: Vec::new() })?,
                OutputFormat::Text => {
                    let counted = if repositories == 1 {
                        "1 config repository".to_owned()
                    } else {
                        format!("{repositories} config repositories")
                    };
                    writeln!(out, "asked for news of {counted}")?;
                }
            }
            return Ok(Good::Yes);
        }
        let after = self.settled(&remote, &before).await?;
        let since = before.iter().filter_map(|one| Some((one.name.as_str(), one.last_pass.as_ref()?.at))).collect();
        let commits = self.commits_since(&remote, &since).await?;
        let came: Vec<_> = after.iter().map(|one| came(one, &since, &commits)).collect();
        match self.output {
            OutputFormat::Json => json(out, &SyncOutput { repositories, passes: came })?,
            OutputFormat::Text => {
                for one in &came {
                    let style = if one.outcome == "failed" { RED } else { GREEN };
                    writeln!(out, "{style}{}{style:#}: {}", one_line(one.repository), one_line(&one.message))?;
                }
            }
        }
        Ok(Good::unless(after.iter().any(|one| one.failing_since.is_some())))
    }

    /// How those stand that are meant.
    async fn meant(&self, remote: &Remote) -> Result<Vec<Repository>, Error> {
        let status: Status = remote.understood(remote.get("status").await?)?;
        let is_meant = |one: &Repository| self.repository.as_ref().is_none_or(|name| *name == one.name);
        Ok(status.repositories.into_iter().filter(is_meant).collect())
    }

    /// Waits until all that is new was taken in.
    async fn settled(&self, remote: &Remote, before: &[Repository]) -> Result<Vec<Repository>, Error> {
        let began = Instant::now();
        loop {
            let now = self.meant(remote).await?;
            let passes = |name: &str| before.iter().find(|one| one.name == name).map_or(0, |one| one.passes);
            let open = now.iter().find(|one| !is_settled(one, passes(&one.name)));
            let Some(open) = open else { return Ok(now) };
            if began.elapsed() >= self.wait_timeout {
                let words = "it goes on; see `landwaiter status`, or wait longer with --wait-timeout";
                return Err(Error::Input(format!("{} is not done after {:?}; {words}", open.name, self.wait_timeout)));
            }
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// The commits that were pushed since, as `repository` and name.
    async fn commits_since(
        &self,
        remote: &Remote,
        since: &Vec<(&str, Timestamp)>,
    ) -> Result<Vec<(String, String)>, Error> {
        let commits: crate::status::answer::Commits = remote.understood(remote.get("commits").await?)?;
        let new = commits.commits.into_iter().filter(|commit| {
            since.iter().find(|(name, _)| *name == commit.repository).is_none_or(|(_, at)| commit.at > *at)
        });
        Ok(new.map(|commit| (commit.repository, commit.commit)).collect())
    }
}

/// Whether a pass that began after `passes` others has ended, and nothing is left to be taken in. One that fails is
/// tried again; nobody waits for that.
fn is_settled(now: &Repository, passes: u64) -> bool {
    let is_failing = now.failing_since.is_some();
    now.running_since.is_none()
        && (now.passes > passes || (is_failing && now.passes == 0))
        && (!now.pending || is_failing)
}

fn came<'a>(now: &'a Repository, since: &[(&str, Timestamp)], commits: &[(String, String)]) -> Came<'a> {
    let commits: Vec<_> =
        commits.iter().filter(|(name, _)| *name == now.name).map(|(_, commit)| commit.clone()).collect();
    let before = since.iter().find(|(name, _)| *name == now.name).map(|(_, at)| *at);
    let is_new = now.last_pass.as_ref().is_some_and(|last| Some(last.at) != before);
    let (outcome, message) = match (&now.error, commits.as_slice()) {
        (Some(error), _) => ("failed", error.clone()),
        (None, [_, ..]) => ("pushed", format!("pushed {}", commits.join(", "))),
        (None, []) if is_new => ("nothing-to-do", "nothing to change".to_owned()),
        (None, []) => ("nothing-new", "nothing new".to_owned()),
    };
    Came { repository: &now.name, outcome, message, commits }
}

//! `landwaiter status`: how a running daemon stands.

mod remote;

use std::io::Write;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::output::{DIM, GREEN, RED, YELLOW, json, table};
use super::{Error, Good, Outcome, OutputFormat};
use crate::plan::message::one_line;
use crate::status::answer::{Registries, Registry, Repository, Status};
pub(super) use remote::{DaemonArgs, Remote};

const EXAMPLES: &str = "\
Examples:
  landwaiter status                                     the daemon on this machine
  landwaiter status --output json | jq '.repositories[].counts'
  landwaiter status --url https://landwaiter.example.com --api-token /run/secrets/landwaiter

Exit codes: 0 all is well, 1 something fails or nobody answers, 2 wrong usage.";

/// Shows how a running daemon stands.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    daemon: DaemonArgs,

    /// How the answer is printed.
    #[arg(long, value_enum, default_value = "text", env = "LANDWAITER_OUTPUT")]
    output: OutputFormat,
}

impl Args {
    pub(super) async fn run(self, out: &mut dyn Write) -> Outcome {
        let remote = self.daemon.open()?;
        let answer: Value = remote.get("status").await?;
        let status: Status = remote.understood(answer.clone())?;
        match self.output {
            OutputFormat::Json => json(out, &answer)?,
            OutputFormat::Text => {
                let registries: Registries = remote.understood(remote.get("registries").await?)?;
                print(out, &status, &registries)?;
            }
        }
        Ok(Good::unless(status.repositories.iter().any(is_bad)))
    }
}

fn is_bad(repository: &Repository) -> bool {
    repository.failing_since.is_some() || repository.counts.errors > 0 || repository.counts.images_failed > 0
}

fn print(out: &mut dyn Write, status: &Status, registries: &Registries) -> Result<(), Error> {
    let now = status.time;
    if status.repositories.is_empty() {
        writeln!(out, "the daemon (version {}) follows no config repository yet", one_line(&status.version))?;
        return Ok(());
    }
    let mut rows = table(&[
        "REPOSITORY",
        "BRANCH",
        "STATE",
        "LAST GOOD",
        "NEXT",
        "CONTAINERS",
        "UP TO DATE",
        "UPDATES",
        "HELD",
        "PROBLEMS",
    ]);
    for repository in &status.repositories {
        let counts = &repository.counts;
        let held = counts.holds.saturating_sub(counts.up_to_date);
        rows.add_row([
            one_line(&repository.name),
            one_line(repository.branch.as_deref().unwrap_or("-")),
            state(repository).to_owned(),
            repository.last_good.map_or_else(|| "-".to_owned(), |time| format!("{} ago", span(time, now))),
            repository.next_due.map_or_else(|| "-".to_owned(), |time| format!("in {}", span(now, time))),
            counts.containers.to_string(),
            counts.up_to_date.to_string(),
            counts.updates.to_string(),
            held.to_string(),
            counts.problems.to_string(),
        ]);
    }
    writeln!(out, "{}", rows.trim_fmt())?;
    for repository in &status.repositories {
        let name = one_line(&repository.name);
        if let (Some(since), Some(error)) = (repository.failing_since, &repository.error) {
            writeln!(out, "\n{RED}{name}{RED:#} fails since {}: {}", span(since, now), one_line(error))?;
        } else if let Some(last) = &repository.last_pass {
            writeln!(out, "\n{GREEN}{name}{GREEN:#} {} ago: {}", span(last.at, now), one_line(&last.message))?;
        }
        if repository.counts.images_failed > 0 {
            writeln!(
                out,
                "  {YELLOW}images whose tags could not be had: {}{YELLOW:#}",
                repository.counts.images_failed
            )?;
        }
        writeln!(out, "  {DIM}{}{DIM:#}", one_line(&repository.url))?;
    }
    for registry in &registries.registries {
        if let Some(words) = trouble(registry, now) {
            writeln!(out, "\n{YELLOW}{}{YELLOW:#} {words}", one_line(&registry.host))?;
        }
    }
    Ok(())
}

fn state(repository: &Repository) -> &'static str {
    match repository {
        Repository { failing_since: Some(_), .. } => "failing",
        Repository { running_since: Some(_), .. } => "working",
        Repository { last_good: None, .. } => "starting",
        _ => "good",
    }
}

/// What is wrong with a host, if anything is.
fn trouble(registry: &Registry, now: Timestamp) -> Option<String> {
    if let Some(outage) = &registry.outage {
        let (failures, cause) = (outage.failures, one_line(&outage.cause));
        return Some(format!("failed {failures} times, tried again in {}: {cause}", span(now, outage.next_try)));
    }
    if let Some(until) = registry.quiet_until {
        return Some(format!("wants no request for {}", span(now, until)));
    }
    let scarce = registry.quotas.iter().find(|quota| quota.left <= quota.reserve)?;
    let reset = scarce.reset.map(|reset| format!(", all of it again in {}", span(now, reset))).unwrap_or_default();
    Some(format!("has {} requests left, which are for others{reset}", scarce.left))
}

/// `42s`, `5m 3s`, `2d 4h`: the two largest parts of what lies between.
fn span(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.duration_since(from).max(SignedDuration::ZERO).as_secs();
    let parts = [(seconds / 86_400, 'd'), (seconds / 3600 % 24, 'h'), (seconds / 60 % 60, 'm'), (seconds % 60, 's')];
    let first = parts.iter().position(|(count, _)| *count > 0).unwrap_or(3);
    let shown = parts[first..].iter().take(2).enumerate().filter(|(at, (count, _))| *at == 0 || *count > 0);
    shown.map(|(_, (count, unit))| format!("{count}{unit}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::span;

    #[test]
    fn what_lies_between_is_told_in_two_parts() {
        for (seconds, text) in [
            (-5, "0s"),
            (0, "0s"),
            (42, "42s"),
            (60, "1m"),
            (303, "5m 3s"),
            (7200, "2h"),
            (187_200, "2d 4h"),
            (86_401, "1d"),
        ] {
            assert_eq!(span(Timestamp::UNIX_EPOCH, Timestamp::from_second(seconds).unwrap()), text, "{seconds}");
        }
    }
}

//! Reads what stands on the board and writes each metric of it. Decides nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::Source;
use super::family::{self as metric, Page};
use super::process::Process;
use crate::daemon::{Standing, Tally};
use crate::manifest::Severity;
use crate::plan::Verdict;
use crate::registry::HostStatus;

/// How many hosts have series of their own: redirects may lead to any number of them.
const MOST_HOSTS: usize = 200;

pub(super) fn all(source: &Source, page: &mut Page<'_>, now: Timestamp) -> fmt::Result {
    page.gauge(&metric::BUILD, [([env!("CARGO_PKG_VERSION")], 1.0)])?;
    repositories(&source.board.standings(), page, now)?;
    if let Some(lookout) = source.board.lookout() {
        registries(&lookout.registries(now), page)?;
        hosts(lookout.hosts(), page)?;
    }
    if let Some(hooks) = &source.hooks {
        let counts = hooks.counts();
        let series = counts.iter().map(|count| {
            let sender = count.sender.map_or("", |sender| sender.name());
            ([count.source.as_deref().unwrap_or(""), sender, count.result], count.count)
        });
        page.counter(&metric::WEBHOOKS, series)?;
    }
    process(page, source.started)
}

/// One config repository, looked at once.
struct Seen {
    standing: Arc<Standing>,
    tally: Tally,
    decisions: BTreeMap<&'static str, usize>,
    problems: [(&'static str, usize); 3],
}

fn repositories(standings: &[Arc<Standing>], page: &mut Page<'_>, now: Timestamp) -> fmt::Result {
    let seen: Vec<_> = standings.iter().map(Seen::of).collect();
    let each = || seen.iter().map(|seen| (seen.standing.name(), seen));
    page.gauge(&metric::REPOSITORIES, [([], number(seen.len()))])?;
    page.counter(&metric::PASSES, each().flat_map(|(name, seen)| by(name, &seen.tally.passes)))?;
    page.histogram(&metric::PASS_SECONDS, each().map(|(name, seen)| ([name], &seen.tally.durations)))?;
    let running = |standing: &Standing| standing.running_since().map_or(0.0, |since| seconds(since, now));
    page.gauge(&metric::PASS_RUNNING, each().map(|(name, seen)| ([name], running(&seen.standing))))?;
    let time = |time: Option<Timestamp>| time.map(|time| time.as_duration().as_secs_f64());
    let good = each().filter_map(|(name, seen)| Some(([name], time(seen.standing.last_good())?)));
    page.gauge(&metric::LAST_GOOD, good)?;
    let failing = each().filter_map(|(name, seen)| Some(([name], time(seen.standing.failing_since())?)));
    page.gauge(&metric::FAILING_SINCE, failing)?;
    let decisions = |(name, seen): (_, &'_ Seen)| {
        seen.decisions.iter().map(move |(word, count)| ([name, *word], number(*count))).collect::<Vec<_>>()
    };
    page.gauge(&metric::CONTAINERS, each().flat_map(decisions))?;
    let problems = |(name, seen): (_, &'_ Seen)| seen.problems.map(|(word, count)| ([name, word], number(count)));
    page.gauge(&metric::PROBLEMS, each().flat_map(problems))?;
    page.counter(&metric::PUSHES, each().flat_map(|(name, seen)| by(name, &seen.tally.pushes)))?;
    page.counter(&metric::COMMITS, each().map(|(name, seen)| ([name], seen.tally.commits)))?;
    page.counter(&metric::UPDATES, each().map(|(name, seen)| ([name], seen.tally.updates)))?;
    page.histogram(&metric::TAG_TO_PUSH, each().map(|(name, seen)| ([name], &seen.tally.delays)))
}

impl Seen {
    fn of(standing: &Arc<Standing>) -> Self {
        let report = standing.report().map(|(_, report)| report);
        let report = report.as_deref();
        let mut decisions = BTreeMap::new();
        for entry in report.iter().flat_map(|report| &report.plan.entries) {
            let word = match &entry.verdict {
                Verdict::Update(_) => "update",
                Verdict::Hold(hold) => hold.name(),
            };
            *decisions.entry(word).or_default() += 1;
        }
        let severities = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Hint, "hint")];
        let problems = severities.map(|(severity, word)| {
            let problems = report.iter().flat_map(|report| &report.problems);
            (word, problems.filter(|problem| problem.severity == severity).count())
        });
        Self { standing: Arc::clone(standing), tally: standing.tally(), decisions, problems }
    }
}

fn registries(registries: &[crate::reconcile::RegistryStatus], page: &mut Page<'_>) -> fmt::Result {
    let each = || registries.iter().map(|status| (status.registry.as_str(), status));
    let states = each().flat_map(|(name, status)| {
        let states = [("known", status.known), ("failed", status.failed), ("unknown", status.unknown)];
        states.map(|(state, count)| ([name, state], number(count)))
    });
    page.gauge(&metric::IMAGES, states)?;
    page.gauge(&metric::IMAGES_ASKED, each().map(|(name, status)| ([name], number(status.asked))))?;
    page.gauge(&metric::TAGS, each().map(|(name, status)| ([name], number(status.tags))))?;
    let ages = each().filter_map(|(name, status)| Some(([name], status.age?.as_secs_f64())));
    page.gauge(&metric::SCAN_AGE, ages)?;
    page.gauge(&metric::SCAN_LAG, each().map(|(name, status)| ([name], status.overdue.as_secs_f64())))
}

fn hosts(mut hosts: Vec<HostStatus>, page: &mut Page<'_>) -> fmt::Result {
    page.gauge(&metric::HOSTS, [([], number(hosts.len()))])?;
    if hosts.len() > MOST_HOSTS {
        hosts.sort_by(|one, other| other.sent.cmp(&one.sent).then_with(|| one.host.cmp(&other.host)));
        hosts.truncate(MOST_HOSTS);
    }
    let each = || hosts.iter().map(|status| (status.host.as_str(), status));
    let answers = |(host, status): (_, &'_ HostStatus)| {
        status.answers.iter().map(|(code, count)| ([host, *code], *count)).collect::<Vec<_>>()
    };
    page.counter(&metric::REQUESTS, each().flat_map(answers))?;
    page.gauge(&metric::REQUESTS_RUNNING, each().map(|(host, status)| ([host], number(status.running))))?;
    let quotas = || {
        each().flat_map(|(host, status)| {
            status.quotas.iter().map(move |quota| ([host, if quota.manifests { "manifests" } else { "rest" }], quota))
        })
    };
    page.gauge(&metric::RATE_LEFT, quotas().map(|(labels, quota)| (labels, count(quota.left))))?;
    let limits = quotas().filter_map(|(labels, quota)| Some((labels, count(quota.limit?))));
    page.gauge(&metric::RATE_LIMIT, limits)?;
    page.gauge(&metric::DEAD, each().map(|(host, status)| ([host], f64::from(u8::from(status.outage.is_some())))))?;
    let quiet = |status: &HostStatus| status.quiet.as_ref().map_or(0.0, Duration::as_secs_f64);
    page.gauge(&metric::QUIET, each().map(|(host, status)| ([host], quiet(status))))?;
    let skews = each().filter_map(|(host, status)| Some(([host], status.clock_skew?.as_secs_f64())));
    page.gauge(&metric::CLOCK_SKEW, skews)
}

fn process(page: &mut Page<'_>, started: Timestamp) -> fmt::Result {
    let Process { memory, open_fds, max_fds } = Process::now();
    page.gauge(&metric::MEMORY, memory.map(|bytes| ([], bytes)))?;
    page.gauge(&metric::OPEN_FDS, open_fds.map(|count| ([], count)))?;
    page.gauge(&metric::MAX_FDS, max_fds.map(|count| ([], count)))?;
    page.gauge(&metric::STARTED, [([], started.as_duration().as_secs_f64())])
}

fn by<'a>(name: &'a str, counts: &'a BTreeMap<&'static str, u64>) -> impl Iterator<Item = ([&'a str; 2], u64)> {
    counts.iter().map(move |(word, count)| ([name, *word], *count))
}

fn seconds(since: Timestamp, now: Timestamp) -> f64 {
    now.duration_since(since).as_secs_f64().max(0.0)
}

fn number(count: usize) -> f64 {
    self::count(count as u64)
}

#[expect(clippy::cast_precision_loss, reason = "nobody counts to 2^53")]
fn count(count: u64) -> f64 {
    count as f64
}

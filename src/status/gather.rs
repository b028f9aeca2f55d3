//! From what is posted on the board to the shapes of the answers. Must not know who asks, nor how.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::answer::{
    Commit, Commits, Container, Counts, LastPass, Outage, Outcome, Problem, Problems, Quota, Registries, Registry,
    Repository, Status, Update, Verdict, Workloads,
};
use crate::daemon::{Board, Landed, Standing};
use crate::git::PushOutcome;
use crate::image::Tag;
use crate::manifest::Severity;
use crate::plan::{self, Entry};
use crate::reconcile::{self, Report};
use crate::registry::{HostStatus, QuotaStatus};

pub(super) fn standing(board: &Board, name: &str) -> Option<Arc<Standing>> {
    board.standings().into_iter().find(|standing| standing.name() == name)
}

pub(super) fn status(board: &Board, now: Timestamp) -> Status {
    let repositories = board.standings().iter().map(|standing| repository(standing, now)).collect();
    Status { version: env!("CARGO_PKG_VERSION").to_owned(), time: now, repositories }
}

fn repository(standing: &Standing, now: Timestamp) -> Repository {
    let last_pass = standing.last().map(|last| {
        let (outcome, message, commit) = ending(last.result.as_deref().map_err(|error| &**error));
        LastPass { at: last.at, outcome, message, commit }
    });
    Repository {
        name: standing.name().to_owned(),
        url: standing.url().to_string(),
        branch: standing.branch(),
        passes: standing.passes(),
        running_since: standing.running_since(),
        pending: standing.is_behind(),
        last_pass,
        last_good: standing.last_good(),
        failing_since: standing.failing_since(),
        error: standing.trouble(),
        next_due: standing.due(now),
        counts: standing.report().map(|(_, report)| counts(&report)).unwrap_or_default(),
    }
}

/// How a pass ended, in words, and with which commit.
fn ending(result: Result<&Report, &reconcile::Error>) -> (Outcome, String, Option<String>) {
    let report = match result {
        Ok(report) => report,
        Err(error) => return (Outcome::Failed, error.to_string(), None),
    };
    match &report.outcome {
        reconcile::Outcome::NothingToDo => (Outcome::NothingToDo, "nothing to change".to_owned(), None),
        reconcile::Outcome::DryRun { .. } => (Outcome::DryRun, "a dry run, nothing was pushed".to_owned(), None),
        reconcile::Outcome::Pushed { commit, commits, push } => {
            let files: usize = commits.iter().map(|made| made.files).sum();
            let (outcome, message) = match push {
                PushOutcome::Accepted { .. } => {
                    let (commits, updates) = (commits.len(), report.plan.updates().count());
                    (Outcome::Pushed, format!("pushed; commits: {commits}, updates: {updates}, files: {files}"))
                }
                PushOutcome::Stale { .. } => {
                    (Outcome::Stale, "somebody else pushed first; another pass follows".to_owned())
                }
                PushOutcome::Refused { reason, .. } => (Outcome::Refused, format!("the push was refused: {reason}")),
            };
            (outcome, message, Some(commit.to_string()))
        }
    }
}

fn counts(report: &Report) -> Counts {
    let updates = report.plan.updates().count();
    let is_up_to_date = |entry: &&Entry| matches!(&entry.verdict, plan::Verdict::Hold(hold) if hold.is_up_to_date());
    Counts {
        containers: report.plan.entries.len(),
        updates,
        holds: report.plan.entries.len() - updates,
        up_to_date: report.plan.entries.iter().filter(is_up_to_date).count(),
        problems: report.problems.len(),
        errors: report.problems.iter().filter(|problem| problem.severity == Severity::Error).count(),
        images: report.scans.wanted,
        images_failed: report.scans.failed,
        images_asked: report.scans.asked,
    }
}

pub(super) fn workloads(standing: &Standing, is_meant: impl Fn(&Container) -> bool) -> Workloads {
    let (decided, report) = standing.report().unzip();
    let entries = report.iter().flat_map(|report| &report.plan.entries);
    Workloads {
        repository: standing.name().to_owned(),
        branch: standing.branch(),
        commit: report.as_ref().map(|report| report.base.to_string()),
        decided,
        containers: entries.map(container).filter(|one| is_meant(one)).collect(),
    }
}

fn container(entry: &Entry) -> Container {
    let (verdict, to, hold, reason) = match &entry.verdict {
        plan::Verdict::Update(update) => {
            (Verdict::Update, Some(update.to.as_str().to_owned()), None, update.reason.clone())
        }
        plan::Verdict::Hold(hold) => (Verdict::Hold, None, Some(hold.name().to_owned()), hold.to_string()),
    };
    Container {
        file: entry.place.file.as_str().to_owned(),
        line: entry.place.line,
        column: entry.place.column,
        workload: entry.workload.clone(),
        container: entry.container.clone(),
        image: entry.image.name().to_owned(),
        current: entry.image.tag().map(|tag| tag.as_str().to_owned()),
        policy: entry.policy.as_ref().map(ToString::to_string),
        verdict,
        to,
        hold,
        reason,
    }
}

pub(super) fn problems(standing: &Standing) -> Problems {
    let (decided, report) = standing.report().unzip();
    let problems = report.iter().flat_map(|report| &report.problems).map(|problem| Problem {
        file: problem.place.file.as_str().to_owned(),
        line: problem.place.line,
        column: problem.place.column,
        severity: problem.severity.as_str().to_owned(),
        rule: problem.rule.name().to_owned(),
        message: problem.text(),
    });
    Problems {
        repository: standing.name().to_owned(),
        commit: report.as_ref().map(|report| report.base.to_string()),
        decided,
        problems: problems.collect(),
    }
}

pub(super) fn registries(board: &Board, now: Timestamp) -> Registries {
    let hosts = board.lookout().map(|lookout| lookout.hosts()).unwrap_or_default();
    Registries { registries: hosts.into_iter().map(|host| registry(host, now)).collect() }
}

fn registry(host: HostStatus, now: Timestamp) -> Registry {
    Registry {
        host: host.host,
        requests_per_second: host.rate,
        concurrency: host.concurrency,
        running: host.running,
        requests: host.sent,
        too_many: host.too_many,
        last_asked: host.last_asked.map(|ago| before(now, ago)),
        quiet_until: host.quiet.map(|rest| after(now, rest)),
        clock_skew_seconds: host.clock_skew.map(|skew| skew.as_secs_f64()),
        quotas: host.quotas.into_iter().map(|quota| self::quota(&quota, now)).collect(),
        outage: host.outage.map(|outage| Outage {
            failures: outage.failures,
            cause: outage.cause,
            next_try: after(now, outage.next_try),
        }),
    }
}

fn quota(quota: &QuotaStatus, now: Timestamp) -> Quota {
    Quota {
        manifests: quota.manifests,
        limit: quota.limit,
        left: quota.left,
        reserve: quota.reserve,
        window_seconds: quota.window.map(|window| window.as_secs()),
        reset: quota.reset.map(|rest| after(now, rest)),
        told: before(now, quota.told),
    }
}

pub(super) fn commits(board: &Board, name: Option<&str>) -> Commits {
    let standings = board.standings();
    let meant = standings.iter().filter(|standing| name.is_none_or(|name| name == standing.name()));
    let mut commits: Vec<_> = meant
        .flat_map(|standing| standing.landed().into_iter().map(|landed| commit(standing.name(), landed)))
        .collect();
    commits.sort_by_key(|commit| Reverse(commit.at));
    Commits { commits }
}

fn commit(repository: &str, landed: Landed) -> Commit {
    let updates = landed.updates.into_iter().map(|update| Update {
        workload: update.workload,
        container: update.container,
        image: update.image,
        from: update.from.as_ref().map(|tag: &Tag| tag.as_str().to_owned()),
        to: update.to.as_str().to_owned(),
    });
    Commit {
        repository: repository.to_owned(),
        branch: landed.branch,
        commit: landed.id.to_string(),
        at: landed.at,
        subject: landed.subject,
        files: landed.files,
        updates_in_all: landed.updates_in_all,
        updates: updates.collect(),
    }
}

fn before(now: Timestamp, ago: Duration) -> Timestamp {
    now.checked_sub(ago).unwrap_or(Timestamp::MIN)
}

fn after(now: Timestamp, rest: Duration) -> Timestamp {
    now.checked_add(rest).unwrap_or(Timestamp::MAX)
}

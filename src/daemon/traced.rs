//! A pass as it stands in a trace, and what it says there of how it went.

use tracing::Span;
use tracing::field::{Empty, display};

use super::tally;
use crate::git::PushOutcome;
use crate::plan::Verdict;
use crate::reconcile::{Error, Outcome, Report};
use crate::span::{self, span};

/// The span of a pass over a config repository, with the number that its log lines have.
pub(super) fn pass(repository: &str, id: Option<&str>) -> Span {
    span!(
        parent: None,
        "pass",
        vcs.repository.name = repository,
        landwaiter.pass.id = id,
        landwaiter.pass.result = Empty,
        landwaiter.updates = Empty,
        landwaiter.holds = Empty,
        "vcs.ref.head.name" = Empty,
        "vcs.ref.head.revision" = Empty,
        "vcs.ref.base.revision" = Empty,
    )
}

/// Notes how the pass went; nothing where nothing was new.
pub(super) fn told(span: &Span, result: Option<&Result<Report, Error>>) {
    if span.is_disabled() {
        return;
    }
    span.record("landwaiter.pass.result", tally::result_of(result));
    match result {
        None => {}
        Some(Err(Error::Stopped)) => {
            span.record("landwaiter.pass.result", "stopped");
        }
        Some(Err(error)) => span::failed(span, "failed", error),
        Some(Ok(report)) => told_report(span, report),
    }
}

fn told_report(span: &Span, report: &Report) {
    let holds = report.plan.entries.iter().filter(|entry| {
        let Verdict::Hold(hold) = &entry.verdict else { return false };
        !hold.is_up_to_date()
    });
    span.record("landwaiter.holds", span::number(holds.count()));
    span.record("landwaiter.updates", span::number(report.plan.updates().count()));
    span.record("vcs.ref.head.name", report.branch.as_str());
    span.record("vcs.ref.base.revision", display(report.base));
    let Outcome::Pushed { commit, push, .. } = &report.outcome else { return };
    match push {
        PushOutcome::Accepted { .. } => {
            span.record("vcs.ref.head.revision", display(commit));
        }
        PushOutcome::Refused { reason, .. } => span::failed(span, "refused", reason),
        // It is made again from the new head.
        PushOutcome::Stale { .. } => {}
    }
}

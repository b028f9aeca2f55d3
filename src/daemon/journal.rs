//! What the log says of a pass: news, once. A hold, a problem or a failure that is still there is not news.

use std::collections::BTreeSet;

use crate::git::PushOutcome;
use crate::manifest::Severity;
use crate::plan::{Entry, Hold, Verdict};
use crate::reconcile::{Error, Made, Outcome, Report};

/// Remembers what was said in the last pass, so that each thing is said once, and again when it comes
/// back. Two containers of one name may be held for two reasons: both are remembered.
#[derive(Debug, Default)]
pub struct Journal {
    said: BTreeSet<String>,
    /// Why the last pass failed, if it did.
    failure: Option<String>,
}

impl Journal {
    /// Writes the news of a pass to the log; one that failed is tried again.
    pub fn write(&mut self, result: &Result<Report, Error>) {
        match result {
            Ok(report) => {
                if self.failure.take().is_some() {
                    tracing::info!("the config repository can be read and written again");
                }
                self.write_report(report);
            }
            Err(error) => {
                let reason = error.to_string();
                if self.failure.as_ref() == Some(&reason) {
                    tracing::debug!(error = %reason, "the pass failed again");
                } else {
                    tracing::error!(error = %reason, "the pass failed; it is tried again");
                    self.failure = Some(reason);
                }
            }
        }
    }

    /// Writes the news of a pass that came to its end.
    pub fn write_report(&mut self, report: &Report) {
        let mut said = BTreeSet::new();
        for problem in &report.problems {
            let text = problem.to_string();
            if !self.said.contains(&text) {
                match problem.severity {
                    Severity::Error => tracing::error!("{text}"),
                    Severity::Warning => tracing::warn!("{text}"),
                    Severity::Hint => tracing::debug!("{text}"),
                }
            }
            said.insert(text);
        }
        for entry in &report.plan.entries {
            let Verdict::Hold(hold) = &entry.verdict else { continue };
            let site = format!("{} {} {}", entry.place.file, entry.workload, entry.container);
            let reason = hold.to_string();
            // A registry in trouble words it a little differently each time; that is not news.
            let gist = if matches!(hold, Hold::Unseen(_)) { hold.name().to_owned() } else { reason.clone() };
            let line = format!("{site}: {gist}");
            if !self.said.contains(&line) {
                say_hold(entry, hold, &reason);
            }
            said.insert(line);
        }
        if let Outcome::Pushed { push: PushOutcome::Refused { reason, messages }, .. } = &report.outcome {
            let text = format!("the remote refused the push: {reason}");
            if !self.said.contains(&text) {
                tracing::error!(branch = report.branch, "{text}; it is tried again");
                for message in messages {
                    tracing::error!("remote: {message}");
                }
            }
            said.insert(text);
        }
        self.said = said;
        write_outcome(report);
    }
}

fn say_hold(entry: &Entry, hold: &Hold, reason: &str) {
    let (workload, container, image) = (&entry.workload, &entry.container, entry.image.as_str());
    let (place, hold_name) = (entry.place.to_string(), hold.name());
    if hold.is_up_to_date() {
        tracing::debug!(workload, container, image, hold = hold_name, place, "held: {reason}");
    } else if hold.is_wished() {
        tracing::info!(workload, container, image, hold = hold_name, place, "held: {reason}");
    } else {
        tracing::warn!(workload, container, image, hold = hold_name, place, "held: {reason}");
    }
}

fn write_outcome(report: &Report) {
    let (commits, push) = match &report.outcome {
        Outcome::NothingToDo => {
            tracing::debug!(base = %report.base, scanned = report.scans.wanted, "nothing to do");
            return;
        }
        Outcome::DryRun { .. } => return,
        Outcome::Pushed { commits, push, .. } => (commits, push),
    };
    match push {
        PushOutcome::Accepted { messages } => {
            for Made { id: commit, entries, files, .. } in commits {
                for entry in entries.iter().filter_map(|index| report.plan.entries.get(*index)) {
                    let Verdict::Update(update) = &entry.verdict else { continue };
                    let from = update.from.as_ref().map_or("-", |tag| tag.as_str());
                    tracing::info!(
                        workload = entry.workload,
                        container = entry.container,
                        image = entry.image.name(),
                        from,
                        to = update.to.as_str(),
                        commit = %commit,
                        "updated: {}",
                        update.reason
                    );
                }
                tracing::info!(commit = %commit, branch = report.branch, files, "pushed");
            }
            for message in messages {
                tracing::debug!("remote: {message}");
            }
        }
        PushOutcome::Stale { .. } => {
            tracing::info!(branch = report.branch, "somebody else pushed first; starting again from the new head");
        }
        // Said above, among what is said once.
        PushOutcome::Refused { .. } => {}
    }
}

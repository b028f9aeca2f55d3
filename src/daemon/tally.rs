//! What is counted of passes as they end: numbers that only grow. Must not know who reads them, nor in what form.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::git::PushOutcome;
use crate::reconcile::{Error, Outcome, Report};

/// What was counted of the passes over one config repository.
#[derive(Debug, Clone)]
pub struct Tally {
    /// Passes by what they came to: `nothing-new`, `nothing-to-do`, `accepted`, `stale`, `refused`, `failed` or
    /// `dry-run`.
    pub passes: BTreeMap<&'static str, u64>,
    /// Pushes by what the remote answered: `accepted`, `stale` (somebody else was first) or `refused`.
    pub pushes: BTreeMap<&'static str, u64>,
    /// Commits in pushes that were accepted.
    pub commits: u64,
    /// Updates of a container's image in them.
    pub updates: u64,
    /// How long passes took that had something to decide.
    pub durations: Times,
    /// How long updates took from the registry's answer that led to them to the push that was accepted.
    pub delays: Times,
}

/// How many times were how long.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Times {
    /// For each bound, how many were no longer and longer than the bound before; at last the longer ones.
    counts: [u64; Self::BOUNDS.len() + 1],
    /// All of them together, in seconds.
    sum: f64,
}

impl Times {
    /// From a pass over a small repository to a tag that waited for a branch that was locked for a day, in seconds.
    pub const BOUNDS: [f64; 16] =
        [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 60.0, 120.0, 300.0, 900.0, 3600.0, 86400.0];

    /// Counts one more.
    pub fn add(&mut self, time: Duration) {
        let seconds = time.as_secs_f64();
        let place = Self::BOUNDS.partition_point(|bound| *bound < seconds);
        self.counts[place] += 1;
        self.sum += seconds;
    }

    /// For each bound in seconds, the last of which is none, how many lie between it and the one before.
    pub fn buckets(&self) -> impl Iterator<Item = (f64, u64)> {
        Self::BOUNDS.into_iter().chain([f64::INFINITY]).zip(self.counts)
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// All of them together, in seconds.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.sum
    }
}

/// What has not happened yet is counted too: whoever looks from time to time sees the first time as well.
impl Default for Tally {
    fn default() -> Self {
        let none = |words: &[&'static str]| words.iter().map(|word| (*word, 0)).collect();
        Self {
            passes: none(&["nothing-new", "nothing-to-do", "accepted", "stale", "refused", "failed"]),
            pushes: none(&["accepted", "stale", "refused"]),
            commits: 0,
            updates: 0,
            durations: Times::default(),
            delays: Times::default(),
        }
    }
}

impl Tally {
    /// Counts a pass that took so long; with nothing where nothing was new.
    pub(super) fn count(&mut self, took: Duration, result: Option<&Result<Report, Error>>) {
        *self.passes.entry(result_of(result)).or_default() += 1;
        if let Some(Ok(Report { outcome: Outcome::Pushed { push, .. }, .. })) = result {
            *self.pushes.entry(word(push)).or_default() += 1;
        }
        if result.is_some() {
            self.durations.add(took);
        }
        let Some(Ok(report)) = result else { return };
        if let Outcome::Pushed { commits, push: PushOutcome::Accepted { .. }, .. } = &report.outcome {
            self.commits += commits.len() as u64;
            self.updates += commits.iter().map(|made| made.entries.len() as u64).sum::<u64>();
        }
        report.delays.iter().for_each(|delay| self.delays.add(*delay));
    }
}

/// What a pass came to, as [`Tally::passes`] has it.
pub(super) fn result_of(result: Option<&Result<Report, Error>>) -> &'static str {
    match result {
        None => "nothing-new",
        Some(Err(_)) => "failed",
        Some(Ok(report)) => match &report.outcome {
            Outcome::NothingToDo => "nothing-to-do",
            Outcome::DryRun { .. } => "dry-run",
            Outcome::Pushed { push, .. } => word(push),
        },
    }
}

fn word(push: &PushOutcome) -> &'static str {
    match push {
        PushOutcome::Accepted { .. } => "accepted",
        PushOutcome::Stale { .. } => "stale",
        PushOutcome::Refused { .. } => "refused",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Times;

    #[test]
    fn a_time_is_counted_under_the_first_bound_that_it_does_not_pass() {
        let mut times = Times::default();
        for millis in [50, 51, 100, 90_000_000] {
            times.add(Duration::from_millis(millis));
        }
        let counted: Vec<_> = times.buckets().filter(|(_, count)| *count > 0).collect();
        assert_eq!(counted, [(0.05, 1), (0.1, 2), (f64::INFINITY, 1)]);
        assert_eq!(times.count(), 4);
        assert!((times.sum() - 90_000.201).abs() < 1e-6);
    }
}

//! All that is known of one host, and how it is put into a [`HostStatus`]. Decides nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::Counted;
use super::budget::Budget;
use super::circuit::{self, Circuit};
use super::pace::Pace;
use crate::registry::hosts::{HostStatus, Outage, QuotaStatus};
use crate::registry::options::HostLimits;
use crate::registry::told::Told;

/// A clock is worth a word when it is off by more than this, in seconds.
const SKEW_WORTH_A_WORD: i64 = 60;

#[derive(Debug)]
pub(super) struct Host {
    pub(super) name: String,
    pub(super) slots: Arc<Semaphore>,
    concurrency: usize,
    /// Where those wait whom the host wants to wait, by what it counts.
    pub(super) queues: [tokio::sync::Mutex<()>; 2],
    /// Where the first of each queue waits for a slot and for its turn.
    pub(super) door: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) pace: Pace,
    pub(super) circuit: Circuit,
    pub(super) counted: [Seen; 2],
    /// Requests so far, and how many of them were "too many".
    sent: u64,
    too_many: u64,
    answers: BTreeMap<&'static str, u64>,
    last_sent: Option<Instant>,
    skew: Option<SignedDuration>,
    told_skew: bool,
}

/// What is known about one kind of request.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) quiet_until: Option<Instant>,
    pub(super) budget: Option<Budget>,
    last_sent: Option<Instant>,
    /// How many stand in the queue.
    pub(super) waiting: u32,
}

/// A place in a queue.
pub(super) struct Place<'a>(&'a Host, Counted);

impl Host {
    pub(super) fn new(name: &str, limits: HostLimits, probe_delay: Duration) -> Self {
        let concurrency = limits.concurrency.unwrap_or(1).max(1);
        let state = State {
            pace: Pace::new(limits.rate.unwrap_or(HostLimits::RATE), limits.burst(), Instant::now()),
            circuit: Circuit::new(probe_delay),
            counted: Default::default(),
            sent: 0,
            too_many: 0,
            answers: BTreeMap::new(),
            last_sent: None,
            skew: None,
            told_skew: false,
        };
        Self {
            name: name.to_owned(),
            slots: Arc::new(Semaphore::new(concurrency)),
            concurrency,
            queues: Default::default(),
            door: tokio::sync::Mutex::default(),
            state: Mutex::new(state),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn stand(&self, counted: Counted) -> Place<'_> {
        self.state().counted[counted.line()].waiting += 1;
        Place(self, counted)
    }

    /// Whether nothing would be lost with it but numbers.
    pub(super) fn is_forgettable(&self) -> bool {
        let now = Instant::now();
        let state = self.state();
        let is_free = |seen: &Seen| seen.quiet_until.is_none_or(|until| until <= now) && seen.budget.is_none();
        state.circuit.state(now) == circuit::State::Closed && state.counted.iter().all(is_free)
    }

    pub(super) fn status(&self) -> HostStatus {
        let now = Instant::now();
        let state = self.state();
        let quiet = state.counted.iter().filter_map(|seen| seen.quiet_until).max();
        let quota = |(manifests, seen): (bool, &Seen)| {
            let budget = seen.budget.as_ref()?;
            let (quota, told) = (budget.quota(), now - budget.told());
            let reset = quota.reset.map(|reset| reset.saturating_sub(told));
            let left = budget.left(now).unwrap_or(quota.remaining);
            let reserve = budget.reserve();
            Some(QuotaStatus { manifests, limit: quota.limit, left, reserve, window: quota.window, reset, told })
        };
        let outage = match state.circuit.state(now) {
            circuit::State::Closed => None,
            circuit::State::Open { failures, cause, rest, .. } => Some(Outage { failures, cause, next_try: rest }),
        };
        HostStatus {
            host: self.name.clone(),
            rate: state.pace.rate(now),
            concurrency: self.concurrency,
            running: self.concurrency - self.slots.available_permits(),
            sent: state.sent,
            too_many: state.too_many,
            answers: state.answers.iter().map(|(word, count)| (*word, *count)).collect(),
            last_asked: state.last_sent.map(|last| now - last),
            quiet: quiet.map(|until| until.saturating_duration_since(now)).filter(|rest| !rest.is_zero()),
            quotas: [true, false].into_iter().zip(&state.counted).filter_map(quota).collect(),
            outage,
            clock_skew: state.skew,
        }
    }
}

impl State {
    /// Takes in what an answer to a request of the time `sent` told us.
    pub(super) fn heed(&mut self, host: &str, counted: Counted, sent: Instant, told: &Told, too_many: bool) {
        let now = Instant::now();
        let seen = &mut self.counted[counted.subject()];
        if let Some(quota) = told.quota {
            seen.budget = Some(Budget::new(quota, seen.last_sent, now));
        }
        // "None of these is left" is about these alone, and no reason to be slow with others.
        let is_spent = told.quota.is_some_and(|quota| quota.remaining == 0);
        if let Some(wait) = told.retry_after {
            let concerned = if is_spent { std::slice::from_mut(seen) } else { &mut self.counted[..] };
            for seen in concerned {
                let until = now + wait;
                seen.quiet_until = Some(seen.quiet_until.map_or(until, |earlier| earlier.max(until)));
            }
        }
        if too_many {
            self.too_many += 1;
            if !is_spent {
                self.pace.slow_down(sent, now);
            }
        }
        if let Some(skew) = told.skew {
            self.skew = Some(skew);
            let seconds = skew.as_secs();
            if seconds.abs() > SKEW_WORTH_A_WORD && !std::mem::replace(&mut self.told_skew, true) {
                tracing::warn!(
                    host,
                    seconds,
                    "the clock of this host is ahead of ours, or behind it; set the one that is wrong"
                );
            }
        }
    }

    /// Counts what came of a request: a status, or nothing.
    pub(super) fn count_answer(&mut self, status: Option<u16>) {
        *self.answers.entry(word(status)).or_default() += 1;
    }

    /// Counts a request that goes now.
    pub(super) fn send(&mut self, counted: Counted, now: Instant) {
        self.pace.take(now);
        let seen = &mut self.counted[counted.line()];
        seen.last_sent = Some(now);
        if let Some(budget) = &mut seen.budget {
            budget.take(now);
        }
        self.sent += 1;
        self.last_sent = Some(now);
    }
}

/// Few words for all that a host may answer.
fn word(status: Option<u16>) -> &'static str {
    match status {
        None => "none",
        Some(200) => "200",
        Some(304) => "304",
        Some(401) => "401",
        Some(403) => "403",
        Some(404) => "404",
        Some(429) => "429",
        Some(100..200) => "1xx",
        Some(200..300) => "2xx",
        Some(300..400) => "3xx",
        Some(400..500) => "4xx",
        Some(500..600) => "5xx",
        Some(_) => "other",
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.state().counted[self.1.line()].waiting -= 1;
    }
}

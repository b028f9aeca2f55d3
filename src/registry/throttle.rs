//! When the next request to a host may go: so many at once, so many per second, as the host wants it,
//! and not at all while it is dead. Knows hosts, no URLs and no HTTP.
//!
//! Every request counts: lists and manifests, pings, tokens, and each step of a redirect. Whoever waits
//! for one host stands in nobody's way to another.

mod budget;
mod circuit;
mod host;
mod pace;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use self::host::{Host, State};
use super::error::Kind;
use super::hosts::HostStatus;
use super::options::HostLimits;
use super::told::Told;

/// How many hosts are remembered; redirects and token servers may lead to many.
const MAX_HOSTS: usize = 2000;

/// The limits over all hosts and for each.
#[derive(Debug)]
pub(super) struct Throttle {
    all: Arc<Semaphore>,
    limits: BTreeMap<String, HostLimits>,
    otherwise: HostLimits,
    /// The longest silence that is sat out; a longer one is handed back.
    patience: Duration,
    /// The pause before a dead host is tried again, for the first time.
    probe_delay: Duration,
    hosts: Mutex<HashMap<String, Arc<Host>>>,
}

/// What registries count. Docker Hub counts manifests, and lists not at all; what it says is left of the
/// ones says nothing about the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    Manifests,
    /// The headers of a manifest: they are not counted, and still tell how many manifests are left.
    Heads,
    Rest,
}

impl Counted {
    /// Where such a request waits, and is counted.
    fn line(self) -> usize {
        usize::from(self != Self::Manifests)
    }

    /// What its answer speaks about.
    fn subject(self) -> usize {
        usize::from(self == Self::Rest)
    }
}

/// How a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// No connection, or no answer in time.
    Line,
    /// A `5xx`. One question that always fails this way says nothing about the host.
    Status,
}

/// Why a request may not go.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) kind: Kind,
    /// When this request should be sent all the same, by somebody who waits for it instead of the one
    /// who asked: to see whether a dead host is back.
    pub(super) probe: Option<Box<Permit>>,
}

/// The right to send one request; it ends when this is dropped. What came of it is said by
/// [`Permit::answered`] or [`Permit::failed`].
#[derive(Debug)]
pub(super) struct Permit {
    host: Arc<Host>,
    counted: Counted,
    sent: Instant,
    is_probe: bool,
    _slot: OwnedSemaphorePermit,
    _place: OwnedSemaphorePermit,
}

impl Throttle {
    /// `all` requests at once over all hosts; `limits` by host and port.
    pub(super) fn new(
        all: usize,
        otherwise: HostLimits,
        limits: BTreeMap<String, HostLimits>,
        patience: Duration,
        probe_delay: Duration,
    ) -> Self {
        let all = Arc::new(Semaphore::new(all.max(1)));
        Self { all, limits, otherwise, patience, probe_delay, hosts: Mutex::default() }
    }

    /// Waits for the turn of a request to `host`.
    ///
    /// # Errors
    /// The host is dead, wants to be left alone for longer than we wait, or has granted too little.
    pub(super) async fn enter(&self, host: &str, counted: Counted) -> Result<Permit, Refused> {
        let host = self.host(host);
        // Whoever cannot go for long is told at once.
        self.may_go(&host, counted, true)?;
        let _queue = {
            let _place = host.stand(counted);
            host.queues[counted.line()].lock().await
        };
        loop {
            // One request after the other is let in here, the first of each queue in turn.
            while let Some(wait) = self.may_go(&host, counted, false)? {
                tokio::time::sleep(wait).await;
            }
            let _door = host.door.lock().await;
            let slot = Arc::clone(&host.slots).acquire_owned().await.expect("the semaphore is never closed");
            loop {
                let wait = host.state().pace.wait(Instant::now());
                if wait.is_zero() {
                    break;
                }
                tokio::time::sleep(wait).await;
            }
            // The host's own slot and turn first: whoever waits for a slow host must not hold a place
            // that requests to other hosts could use.
            let place = Arc::clone(&self.all).acquire_owned().await.expect("the semaphore is never closed");
            // An answer to another request may have told us to wait in the meantime.
            if self.may_go(&host, counted, false)?.is_none() {
                return Ok(Permit::new(&host, counted, false, slot, place));
            }
        }
    }

    /// What is known of each host, in the order of their names.
    pub(super) fn hosts(&self) -> Vec<HostStatus> {
        let mut hosts: Vec<_> = self.map().values().map(|host| host.status()).collect();
        hosts.sort_by(|one, other| one.host.cmp(&other.host));
        hosts
    }

    /// How long a request has to wait because of what the host did or said; `None` when it may go.
    /// With `in_line`, those who wait already count too.
    fn may_go(&self, host: &Arc<Host>, counted: Counted, in_line: bool) -> Result<Option<Duration>, Refused> {
        let now = Instant::now();
        let mut state = host.state();
        if let circuit::State::Open { failures, cause, rest, probe_is_due } = state.circuit.state(now) {
            let probe = if probe_is_due { self.probe(host, &mut state, counted) } else { None };
            let kind = Kind::Down { host: host.name.clone(), failures, cause, rest };
            return Err(Refused { kind, probe });
        }
        let seen = &state.counted[counted.line()];
        let refused = |kind| Err(Refused { kind, probe: None });
        let quiet = seen.quiet_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
        if quiet > self.patience {
            return refused(Kind::LeftAlone { host: host.name.clone(), retry_after: quiet });
        }
        let mut wait = quiet;
        if let Some(budget) = &seen.budget {
            let turn = budget.turn(now);
            let before = if in_line { turn.spacing.saturating_mul(seen.waiting) } else { Duration::ZERO };
            if turn.wait + before > self.patience {
                return refused(Kind::Spent {
                    host: host.name.clone(),
                    manifests: counted.line() == Counted::Manifests.line(),
                    limit: budget.quota().limit,
                    window: budget.quota().window,
                    left: budget.left(now).unwrap_or_default(),
                    retry_after: turn.wait + before,
                });
            }
            wait = wait.max(turn.wait);
        }
        Ok((!wait.is_zero()).then_some(wait))
    }

    /// The right to try whether a dead host is back, if there is room for it.
    fn probe(&self, host: &Arc<Host>, state: &mut State, counted: Counted) -> Option<Box<Permit>> {
        let slot = Arc::clone(&host.slots).try_acquire_owned().ok()?;
        let place = Arc::clone(&self.all).try_acquire_owned().ok()?;
        state.circuit.probe(true);
        state.send(counted, Instant::now());
        Some(Box::new(Permit {
            host: Arc::clone(host),
            counted,
            sent: Instant::now(),
            is_probe: true,
            _slot: slot,
            _place: place,
        }))
    }

    fn host(&self, name: &str) -> Arc<Host> {
        let mut hosts = self.map();
        if let Some(host) = hosts.get(name) {
            return Arc::clone(host);
        }
        if hosts.len() >= MAX_HOSTS {
            // Whoever is busy, quiet or dead is remembered.
            hosts.retain(|_, host| Arc::strong_count(host) > 1 || !host.is_forgettable());
        }
        let limits = self.limits.get(name).copied().unwrap_or_default();
        let host = Arc::new(Host::new(name, limits.or(HostLimits::of_host(name)).or(self.otherwise), self.probe_delay));
        hosts.insert(name.to_owned(), Arc::clone(&host));
        host
    }

    fn map(&self) -> MutexGuard<'_, HashMap<String, Arc<Host>>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    fn new(
        host: &Arc<Host>,
        counted: Counted,
        is_probe: bool,
        slot: OwnedSemaphorePermit,
        place: OwnedSemaphorePermit,
    ) -> Self {
        let sent = Instant::now();
        host.state().send(counted, sent);
        Self { host: Arc::clone(host), counted, sent, is_probe, _slot: slot, _place: place }
    }

    /// Counts what came back: a status, or nothing.
    pub(super) fn count(&self, status: Option<u16>) {
        self.host.state().count_answer(status);
    }

    /// The host answered, with this status, and told us this. A `5xx` that passes by itself is for
    /// [`Permit::failed`].
    pub(super) fn answered(mut self, status: u16, told: &Told) {
        // GitHub refuses whoever is too fast with a 403.
        let too_many = status == 429 || (status == 403 && told.retry_after.is_some());
        self.is_probe = false;
        let mut state = self.host.state();
        state.heed(&self.host.name, self.counted, self.sent, told, too_many);
        if state.circuit.succeed() {
            tracing::info!(host = self.host.name, "the host is back");
        }
    }

    /// No answer, or none but a `5xx`; `question` tells what was asked from everything else that is asked.
    pub(super) fn failed(mut self, failure: Failure, question: u64, cause: &str, told: &Told) {
        self.is_probe = false;
        let mut state = self.host.state();
        state.heed(&self.host.name, self.counted, self.sent, told, false);
        let now = Instant::now();
        if let Some(rest) = state.circuit.fail(failure, question, cause, fastrand::f64(), now) {
            let pause = rest.as_secs();
            tracing::warn!(host = self.host.name, cause, "the host fails and gets no request for {pause} s");
        }
    }
}

impl Drop for Permit {
    /// A probe that nobody waited for to its end.
    fn drop(&mut self) {
        if self.is_probe {
            self.host.state().circuit.probe(false);
        }
    }
}

#[cfg(test)]
mod tests;

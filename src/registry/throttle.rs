//! How many requests run at once, and which host wants to be left alone. Knows hosts, no URLs and no HTTP.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// The limits over all hosts and for each. Token requests and redirects count like any other.
#[derive(Debug)]
pub(super) struct Throttle {
    all: Arc<Semaphore>,
    per_host: usize,
    /// The longest wait that is sat out; a longer one is handed back.
    patience: Duration,
    hosts: Mutex<HashMap<String, Arc<Host>>>,
}

#[derive(Debug)]
struct Host {
    slots: Arc<Semaphore>,
    quiet_until: Mutex<Option<Instant>>,
}

/// The right to send one request; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Permit {
    _host: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl Throttle {
    pub(super) fn new(all: usize, per_host: usize, patience: Duration) -> Self {
        let all = Arc::new(Semaphore::new(all.max(1)));
        Self { all, per_host: per_host.max(1), patience, hosts: Mutex::default() }
    }

    /// Waits for the turn of a request to `host`.
    ///
    /// # Errors
    /// How long the host still wants to be left alone, when that is longer than we wait.
    pub(super) async fn enter(&self, host: &str) -> Result<Permit, Duration> {
        let host = self.host(host);
        loop {
            while let Some(rest) = host.quiet_for() {
                if rest > self.patience {
                    return Err(rest);
                }
                tokio::time::sleep(rest).await;
            }
            // The host's own slot first: whoever waits for a slow host must not hold a place that
            // requests to other hosts could use.
            let slot = Arc::clone(&host.slots).acquire_owned().await.expect("the semaphore is never closed");
            let place = Arc::clone(&self.all).acquire_owned().await.expect("the semaphore is never closed");
            // Another request may have been told to wait in the meantime.
            if host.quiet_for().is_none() {
                return Ok(Permit { _host: slot, _all: place });
            }
        }
    }

    /// Sends nothing to `host` for this long.
    pub(super) fn leave_alone(&self, host: &str, wait: Duration) {
        let host = self.host(host);
        let until = Instant::now() + wait;
        let mut quiet = host.quiet_until.lock().unwrap_or_else(PoisonError::into_inner);
        *quiet = Some(quiet.map_or(until, |earlier| earlier.max(until)));
    }

    fn host(&self, name: &str) -> Arc<Host> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(host) = hosts.get(name) {
            return Arc::clone(host);
        }
        let host = Arc::new(Host { slots: Arc::new(Semaphore::new(self.per_host)), quiet_until: Mutex::default() });
        hosts.insert(name.to_owned(), Arc::clone(&host));
        host
    }
}

impl Host {
    /// How long to wait from now on; `None` when a request may go.
    fn quiet_for(&self) -> Option<Duration> {
        let until = (*self.quiet_until.lock().unwrap_or_else(PoisonError::into_inner))?;
        let rest = until.saturating_duration_since(Instant::now());
        (!rest.is_zero()).then_some(rest)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Instant, Throttle};

    /// Polls once: whether the turn has come without waiting.
    async fn is_free(throttle: &Throttle, host: &str) -> bool {
        tokio::select! {
            biased;
            entered = throttle.enter(host) => entered.is_ok(),
            () = std::future::ready(()) => false,
        }
    }

    #[tokio::test]
    async fn a_full_host_does_not_stop_another() {
        let throttle = Throttle::new(3, 2, Duration::from_mins(1));
        let _first = throttle.enter("a").await.unwrap();
        let second = throttle.enter("a").await.unwrap();
        assert!(!is_free(&throttle, "a").await);
        assert!(is_free(&throttle, "b").await);
        drop(second);
        assert!(is_free(&throttle, "a").await);
    }

    #[tokio::test]
    async fn the_whole_is_bounded() {
        let throttle = Throttle::new(2, 2, Duration::from_mins(1));
        let _first = throttle.enter("a").await.unwrap();
        let second = throttle.enter("b").await.unwrap();
        assert!(!is_free(&throttle, "c").await);
        drop(second);
        assert!(is_free(&throttle, "c").await);
    }

    #[tokio::test]
    async fn a_long_wait_is_handed_back_and_a_short_one_is_sat_out() {
        let throttle = Throttle::new(2, 2, Duration::from_mins(1));
        throttle.leave_alone("a", Duration::from_hours(1));
        throttle.leave_alone("a", Duration::from_millis(1));
        let rest = throttle.enter("a").await.unwrap_err();
        assert!(rest > Duration::from_mins(50), "{rest:?}");

        let start = Instant::now();
        throttle.leave_alone("b", Duration::from_millis(20));
        throttle.enter("b").await.unwrap();
        assert!(start.elapsed() >= Duration::from_millis(20));
    }
}

//! When to make a pass, for which config repository, and how to stop.
//!
//! Floor 6. It knows time, signals and changes of the configuration; what a pass does is
//! [`reconcile`](crate::reconcile)'s. Read [`serve`] first: it keeps one loop ([`follow`]) for each config
//! repository, so that none waits for another.

mod board;
mod fleet;
mod journal;
mod landed;
mod stop;
mod tally;
mod traced;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::Timestamp;
use tokio::time::Instant;
use tracing::Instrument as _;

pub use board::{Board, LastPass, Patience, Standing};
pub use fleet::serve;
pub use journal::Journal;
pub use landed::{Landed, LandedUpdate};
pub use stop::Stop;
pub use tally::{Tally, Times};

use crate::git::PushOutcome;
use crate::reconcile::{Error, Outcome, Reconciler, Report};

/// The first wait after a pass that failed; it doubles up to the interval.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// How long a pass begins after the one before at the soonest: what comes meanwhile is one commit.
const SPACING: Duration = Duration::from_secs(1);

/// How many passes in a row start at once because somebody else pushed first. After that many the
/// branch is too busy for us, and the next as many are made at the next interval.
const RACES: u32 = 10;

/// Makes a pass over one config repository whenever something is due or a registry told something new, until
/// `stop`, tells the log what changed, and `standing` how it went. No pass begins sooner than a second after the
/// one before, or `interval` where that is shorter.
///
/// A pass that lost a race for the branch is followed by another at once, from the new head; one
/// that failed by another soon, and then less and less often. One that panics has failed.
pub async fn follow(reconciler: &Reconciler, interval: Duration, standing: &Standing, stop: &Stop) {
    let mut journal = Journal::default();
    let mut failures = 0;
    let mut races = 0;
    loop {
        let started = Instant::now();
        let pass = standing.begin(Timestamp::now());
        // Of the highest level, so that it is there with whatever is logged.
        let span = tracing::error_span!("pass", repository = standing.name(), id = %pass);
        let trace = traced::pass(standing.name(), Some(&pass.to_string()));
        let made = caught(reconciler.pass_on_news(Timestamp::now(), stop.requested()));
        let result = made.instrument(span.clone()).instrument(trace.clone()).await;
        let result = match result {
            Err(Error::Stopped) => {
                traced::told(&trace, Some(&Err(Error::Stopped)));
                break;
            }
            Ok(None) => None,
            Ok(Some(report)) => Some(Ok(report)),
            Err(error) => Some(Err(error)),
        };
        if let Some(result) = &result {
            span.in_scope(|| journal.write(result));
        }
        traced::told(&trace, result.as_ref());
        drop(trace);
        failures = if matches!(result, Some(Err(_))) { failures + 1 } else { 0_u32 };
        races = if result.as_ref().is_some_and(lost_a_race) && races < RACES { races + 1 } else { 0 };
        let is_refused = result.as_ref().is_some_and(was_refused);
        standing.end(Timestamp::now(), started.elapsed(), result);
        let wait = async {
            match (races, failures) {
                // Whoever refused it has to change something first.
                (0, 0) if is_refused => tokio::time::sleep(interval.saturating_sub(started.elapsed())).await,
                (0, 0) => {
                    tokio::time::sleep(SPACING.min(interval).saturating_sub(started.elapsed())).await;
                    something_new(reconciler).await;
                }
                (0, failures) => tokio::time::sleep(jitter(backoff(failures, interval))).await,
                (races, _) => tokio::time::sleep(after_race(races)).await,
            }
        };
        tokio::select! {
            () = wait => {}
            () = stop.requested() => break,
        }
    }
}

/// Ends when a pass may come to something else than the last one.
async fn something_new(reconciler: &Reconciler) {
    let now = Timestamp::now();
    let rest = Duration::try_from(reconciler.due(now).duration_since(now)).unwrap_or_default();
    tokio::select! {
        () = tokio::time::sleep(rest) => {}
        () = reconciler.news() => {}
    }
}

/// Makes one pass, again from the start when somebody else pushed first.
///
/// # Errors
/// As [`Reconciler::pass`].
pub async fn once(reconciler: &Reconciler, stop: &Stop) -> Result<Report, Error> {
    let mut races = 0;
    loop {
        let trace = traced::pass(&reconciler.name(), None);
        let result = reconciler.pass(Timestamp::now(), stop.requested()).instrument(trace.clone()).await;
        traced::told(&trace, Some(&result));
        if !lost_a_race(&result) || races == RACES {
            return result;
        }
        races += 1;
        tokio::time::sleep(after_race(races)).await;
    }
}

/// The outcome of a pass, also of one that panics: the others go on, and so does the next one.
async fn caught<T>(pass: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    match AssertUnwindSafe(pass).catch_unwind().await {
        Ok(result) => result,
        Err(panic) => {
            let words = panic.downcast_ref::<String>().map(String::as_str);
            let words = words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no words");
            Err(Error::Panicked(words.to_owned()))
        }
    }
}

fn lost_a_race(result: &Result<Report, Error>) -> bool {
    let outcome = result.as_ref().map(|report| &report.outcome);
    matches!(outcome, Ok(Outcome::Pushed { push: PushOutcome::Stale { .. }, .. }))
}

fn was_refused(result: &Result<Report, Error>) -> bool {
    let outcome = result.as_ref().map(|report| &report.outcome);
    matches!(outcome, Ok(Outcome::Pushed { push: PushOutcome::Refused { .. }, .. }))
}

fn backoff(failures: u32, interval: Duration) -> Duration {
    FIRST_RETRY.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(interval.max(FIRST_RETRY))
}

/// A moment, so that two that race do not run into each other again.
fn after_race(races: u32) -> Duration {
    jitter(Duration::from_millis(20 << races.min(6)))
}

/// Between half of `wait` and all of it, so that many daemons do not come back together.
fn jitter(wait: Duration) -> Duration {
    wait.mul_f64(0.5 + fastrand::f64() / 2.0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{backoff, caught};

    #[test]
    fn failures_are_retried_soon_and_then_less_and_less_often() {
        let minute = Duration::from_mins(1);
        let waits: Vec<_> = [1, 2, 3, 6, 7, 40].map(|failures| backoff(failures, minute).as_secs()).into();
        assert_eq!(waits, [1, 2, 4, 32, 60, 60]);
        assert_eq!(backoff(9, Duration::from_millis(100)), Duration::from_secs(1));
    }

    #[tokio::test]
    async fn a_panic_is_a_pass_that_failed() {
        let error = caught::<()>(async { panic!("at {}", 7) }).await.unwrap_err();
        assert_eq!(error.to_string(), "a pass broke off, which is a mistake in Landwaiter: at 7");
    }
}

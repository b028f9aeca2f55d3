//! What a host says is left of its limit → how the rest is spent: freely while there is much, spread
//! over the time that it has to last when there is little, and never to the end. Pure: is told the time.

use std::time::Duration;

use tokio::time::Instant;

use crate::registry::told::Quota;

/// What a host said last about one kind of request, and what was sent since.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    quota: Quota,
    told: Instant,
    /// Requests since.
    sent: u64,
    last_sent: Option<Instant>,
}

/// When the next request may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) wait: Duration,
    /// The time between this request and the one after it.
    pub(super) spacing: Duration,
}

impl Budget {
    /// `last_sent` is when the last request of this kind went.
    pub(super) fn new(quota: Quota, last_sent: Option<Instant>, now: Instant) -> Self {
        Self { quota, told: now, sent: 0, last_sent }
    }

    pub(super) fn quota(&self) -> Quota {
        self.quota
    }

    pub(super) fn told(&self) -> Instant {
        self.told
    }

    /// Counts a request that goes now.
    pub(super) fn take(&mut self, now: Instant) {
        self.sent += 1;
        self.last_sent = Some(now);
    }

    /// How many are left now, as far as one can know: a limit with a reset is whole again then, any
    /// other is taken to come back evenly. `None` once nothing is known any more.
    pub(super) fn left(&self, now: Instant) -> Option<u64> {
        let since = now.saturating_duration_since(self.told);
        let spent = self.quota.remaining.saturating_sub(self.sent);
        match (self.quota.reset, self.quota.window, self.quota.limit) {
            (Some(reset), ..) if since >= reset => None,
            (None, Some(window), _) if since >= window => None,
            (None, Some(window), Some(limit)) => Some(spent.saturating_add(part(limit, since, window)).min(limit)),
            (None, None, _) => None,
            _ => Some(spent),
        }
    }

    /// When the next request may go, by what is left.
    pub(super) fn turn(&self, now: Instant) -> Turn {
        let free = Turn { wait: Duration::ZERO, spacing: Duration::ZERO };
        let Some(left) = self.left(now) else { return free };
        let since = now.saturating_duration_since(self.told);
        // As long as the rest has to last.
        let lasts = match (self.quota.reset, self.quota.window) {
            (Some(reset), _) => reset.saturating_sub(since),
            (None, Some(window)) => window,
            (None, None) => return free,
        };
        let reserve = self.reserve();
        if left <= reserve {
            let wait = match (self.quota.reset, self.quota.limit) {
                // One more than the reserve has come back by then.
                (None, Some(limit)) if limit > 0 => lasts.mul_f64(ratio(reserve - left + 1, limit)).min(lasts),
                (None, _) => lasts.saturating_sub(since),
                (Some(_), _) => lasts,
            };
            return Turn { wait, spacing: wait };
        }
        if self.quota.limit.is_some_and(|limit| left > limit / 2) {
            return free;
        }
        let spacing = lasts.div_f64(ratio(left - reserve, 1));
        let wait = self.last_sent.map_or(Duration::ZERO, |last| (last + spacing).saturating_duration_since(now));
        Turn { wait, spacing }
    }

    /// What is never spent: the nodes of a cluster, and people, often share the limit with us.
    pub(super) fn reserve(&self) -> u64 {
        self.quota.limit.map_or(1, |limit| limit.div_ceil(10))
    }
}

/// The part of `whole` that belongs to `time` out of `window`.
fn part(whole: u64, time: Duration, window: Duration) -> u64 {
    u64::try_from(u128::from(whole) * time.as_millis() / window.as_millis().max(1)).unwrap_or(u64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "a limit of more than 2^53 requests is none")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::option;
    use proptest::prelude::{any, prop_assert, proptest};

    use super::{Budget, Instant, Quota};

    fn quota(limit: Option<u64>, remaining: u64, window: Option<u64>, reset: Option<u64>) -> Quota {
        let seconds = |seconds: Option<u64>| seconds.map(Duration::from_secs);
        Quota { limit, remaining, window: seconds(window), reset: seconds(reset) }
    }

    /// A request goes now and one is to follow it: how long that has to wait, in seconds.
    #[track_caller]
    fn check(quota: Quota, seconds: u64) {
        let now = Instant::now();
        let mut budget = Budget::new(Quota { remaining: quota.remaining + 1, ..quota }, None, now);
        budget.take(now);
        assert_eq!(budget.turn(now).wait.as_secs(), seconds, "{quota:?}");
    }

    #[test]
    fn much_is_spent_freely_and_little_is_spread() {
        // Docker Hub for the nameless: a hundred in six hours, ten of them for others.
        check(quota(Some(100), 100, Some(21_600), None), 0);
        check(quota(Some(100), 51, Some(21_600), None), 0);
        check(quota(Some(100), 50, Some(21_600), None), 540);
        check(quota(Some(100), 11, Some(21_600), None), 21_600);
        check(quota(Some(100), 10, Some(21_600), None), 216);
        check(quota(Some(100), 0, Some(21_600), None), 2376);
        // A limit that begins anew in half a minute.
        check(quota(Some(60), 31, Some(60), Some(30)), 0);
        check(quota(Some(60), 30, Some(60), Some(30)), 1);
        check(quota(Some(60), 7, Some(60), Some(30)), 30);
        check(quota(Some(60), 6, Some(60), Some(30)), 30);
        check(quota(Some(60), 0, None, Some(30)), 30);
        // Without a limit, all that is known is spread.
        check(quota(None, 16, None, Some(30)), 2);
        check(quota(None, 0, Some(30), None), 30);
        // A number alone says nothing about time.
        check(quota(Some(100), 0, None, None), 0);
    }

    #[test]
    fn the_first_of_a_spread_rest_goes_at_once() {
        let now = Instant::now();
        assert_eq!(Budget::new(quota(Some(100), 50, Some(21_600), None), None, now).turn(now).wait, Duration::ZERO);
    }

    #[test]
    fn what_is_left_comes_back() {
        let now = Instant::now();
        let left = |quota: Quota, after: u64| Budget::new(quota, None, now).left(now + Duration::from_secs(after));
        let evenly = quota(Some(100), 10, Some(1000), None);
        assert_eq!(
            [0, 9, 500, 999, 1000].map(|after| left(evenly, after)),
            [Some(10), Some(10), Some(60), Some(100), None]
        );
        let at_once = quota(Some(100), 10, Some(1000), Some(500));
        assert_eq!([0, 499, 500].map(|after| left(at_once, after)), [Some(10), Some(10), None]);
        assert_eq!(left(quota(Some(100), 10, None, None), 0), None);
    }

    #[test]
    fn whoever_spends_the_rest_as_told_never_touches_the_reserve() {
        let start = Instant::now();
        let mut budget = Budget::new(quota(Some(100), 40, Some(600), Some(600)), None, start);
        let mut now = start;
        for _ in 0..200 {
            now += budget.turn(now).wait;
            if now >= start + Duration::from_mins(10) {
                break;
            }
            budget.take(now);
        }
        assert!(now >= start + Duration::from_mins(10), "it lasted for {:?} only", now - start);
        assert!((28..=30).contains(&budget.sent), "{}", budget.sent);
    }

    proptest! {
        /// No number that a host can send makes anybody wait for longer than the host said itself.
        #[test]
        fn no_number_does_harm(
            numbers in any::<(Option<u64>, u64)>(), window in option::of(0..86_401_u64), reset in option::of(0..86_401_u64),
            sent in 0..50_u64, after in 0..100_000_u64,
        ) {
            let now = Instant::now();
            let mut budget = Budget::new(quota(numbers.0.filter(|limit| *limit > 0), numbers.1, window, reset), None, now);
            for _ in 0..sent {
                budget.take(now);
            }
            let turn = budget.turn(now + Duration::from_secs(after));
            let longest = reset.or(window).unwrap_or_default();
            prop_assert!(turn.wait <= Duration::from_secs(longest), "{turn:?}");
            prop_assert!(turn.spacing <= Duration::from_secs(longest), "{turn:?}");
        }
    }
}

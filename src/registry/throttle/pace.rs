//! How fast one host is asked: so many requests per second with a burst, fewer after it said that it
//! was too many. Pure: is told the time.

use std::time::Duration;

use tokio::time::Instant;

/// What a host without a rate of its own is slowed down from.
const UNBOUNDED: f64 = 50.0;

/// However often a host says "too many", it is asked this often, in requests per second.
const SLOWEST: f64 = 0.1;

/// The time in which a host that was slowed down gets back a tenth of its rate.
const RECOVERY: Duration = Duration::from_mins(1);

/// Whoever waited as long as it was told need not wait again.
const ROUNDING: f64 = 1e-6;

/// A bucket that holds `burst` requests and fills with the rate.
#[derive(Debug)]
pub(super) struct Pace {
    /// Requests per second; `None` is as fast as they come.
    rate: Option<f64>,
    burst: f64,
    filled: f64,
    filled_at: Instant,
    /// When the host last said "too many", and the rate from then on.
    slowed: Option<(Instant, f64)>,
}

impl Pace {
    /// A full bucket. `rate` is more than zero; infinite is as fast as they come.
    pub(super) fn new(rate: f64, burst: u32, now: Instant) -> Self {
        let burst = f64::from(burst.max(1));
        Self { rate: Some(rate).filter(|rate| rate.is_finite()), burst, filled: burst, filled_at: now, slowed: None }
    }

    /// Requests per second at this time; `None` is as fast as they come.
    pub(super) fn rate(&self, now: Instant) -> Option<f64> {
        let Some((at, rate)) = self.slowed else { return self.rate };
        let full = self.rate.unwrap_or(UNBOUNDED);
        let recovered = rate + full / 10.0 * (now - at).div_duration_f64(RECOVERY);
        if recovered < full { Some(recovered) } else { self.rate }
    }

    /// How long until the next request may go; zero when it may.
    pub(super) fn wait(&mut self, now: Instant) -> Duration {
        self.fill(now);
        match self.rate(now) {
            Some(rate) if self.filled < 1.0 - ROUNDING => Duration::from_secs_f64((1.0 - self.filled) / rate),
            _ => Duration::ZERO,
        }
    }

    /// Counts a request that goes now.
    pub(super) fn take(&mut self, now: Instant) {
        self.fill(now);
        self.filled = (self.filled - 1.0).max(0.0);
    }

    /// Halves the rate, because the host said "too many" to a request of the time `sent`. Requests
    /// from before the last halving say nothing new.
    pub(super) fn slow_down(&mut self, sent: Instant, now: Instant) {
        if self.slowed.is_some_and(|(at, _)| sent < at) {
            return;
        }
        let rate = self.rate(now).unwrap_or(UNBOUNDED);
        self.slowed = Some((now, (rate / 2.0).max(SLOWEST.min(rate))));
        (self.filled, self.filled_at) = (0.0, now);
    }

    fn fill(&mut self, now: Instant) {
        let since = now.saturating_duration_since(self.filled_at).as_secs_f64();
        let added = self.rate(now).map_or(self.burst, |rate| since * rate);
        (self.filled, self.filled_at) = ((self.filled + added).min(self.burst), now);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Instant, Pace};

    /// How many requests go in this time.
    fn sent(pace: &mut Pace, from: Instant, time: Duration) -> u32 {
        let (mut now, mut sent) = (from, 0);
        loop {
            now += pace.wait(now);
            if now >= from + time {
                return sent;
            }
            assert_eq!(pace.wait(now), Duration::ZERO, "whoever waited as long as it was told may go");
            pace.take(now);
            sent += 1;
        }
    }

    #[test]
    fn a_burst_and_then_the_rate() {
        let now = Instant::now();
        let mut pace = Pace::new(10.0, 20, now);
        assert_eq!(sent(&mut pace, now, Duration::from_secs(1)), 29);
        assert_eq!(sent(&mut pace, now + Duration::from_secs(1), Duration::from_secs(10)), 100);
        let later = now + Duration::from_hours(1);
        assert_eq!(sent(&mut pace, later, Duration::from_millis(10)), 20, "a burst and no more, however long the rest");
    }

    #[test]
    fn a_rate_below_one() {
        let now = Instant::now();
        let mut pace = Pace::new(0.1, 1, now);
        assert_eq!(sent(&mut pace, now, Duration::from_secs(35)), 4);
    }

    #[track_caller]
    fn check_rate(pace: &Pace, now: Instant, expected: Option<f64>) {
        let rate = pace.rate(now);
        let same = match (rate, expected) {
            (Some(rate), Some(expected)) => (rate - expected).abs() < 1e-6,
            (rate, expected) => rate.is_none() && expected.is_none(),
        };
        assert!(same, "{rate:?}, expected {expected:?}");
    }

    #[test]
    fn too_many_halves_it_and_it_comes_back_slowly() {
        let now = Instant::now();
        let mut pace = Pace::new(8.0, 8, now);
        pace.slow_down(now, now);
        check_rate(&pace, now, Some(4.0));
        assert_eq!(pace.wait(now), Duration::from_millis(250), "the burst is gone");
        // The other requests that were on their way.
        pace.slow_down(now - Duration::from_secs(1), now + Duration::from_secs(1));
        check_rate(&pace, now, Some(4.0));
        check_rate(&pace, now + Duration::from_mins(2), Some(5.6));
        check_rate(&pace, now + Duration::from_mins(5), Some(8.0));
        pace.slow_down(now + Duration::from_mins(2), now + Duration::from_mins(2));
        check_rate(&pace, now + Duration::from_mins(2), Some(2.8));
    }

    #[test]
    fn there_is_a_slowest() {
        let now = Instant::now();
        let (mut fast, mut slow) = (Pace::new(8.0, 8, now), Pace::new(0.05, 1, now));
        for _ in 0..100 {
            fast.slow_down(now, now);
            slow.slow_down(now, now);
        }
        check_rate(&fast, now, Some(0.1));
        check_rate(&slow, now, Some(0.05));
    }

    #[test]
    fn a_host_without_a_rate_gets_one_when_it_wants_one() {
        let now = Instant::now();
        let mut pace = Pace::new(f64::INFINITY, 1, now);
        for _ in 0..1000 {
            assert_eq!(pace.wait(now), Duration::ZERO);
            pace.take(now);
        }
        pace.slow_down(now, now);
        check_rate(&pace, now, Some(25.0));
        assert_eq!(pace.wait(now), Duration::from_millis(40));
        check_rate(&pace, now + Duration::from_mins(5), None);
    }
}

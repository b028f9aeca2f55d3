//! Whether a host is there at all. After some failures in a row it is left alone, and from time to time
//! one request tries whether it is back. Pure: is told the time, and the chance.

use std::time::Duration;

use tokio::time::Instant;

use super::Failure;

/// So many failures in a row open the circuit.
const FAILURES: u32 = 5;

/// The longest pause between two probes.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

#[derive(Debug)]
pub(super) struct Circuit {
    /// The pause before the first probe. Doubled with every probe that fails.
    first_pause: Duration,
    /// Failures in a row.
    failures: u32,
    /// The last one, for people.
    cause: String,
    /// What was asked when the row began, and whether something else failed since.
    question: u64,
    several: bool,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    until: Instant,
    pause: Duration,
    is_probed: bool,
}

/// What a request that comes now has to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// It may go.
    Closed,
    /// It fails at once. When `probe_is_due`, somebody has to try the host.
    Open { failures: u32, cause: String, rest: Duration, probe_is_due: bool },
}

impl Circuit {
    pub(super) fn new(first_pause: Duration) -> Self {
        Self { first_pause, failures: 0, cause: String::new(), question: 0, several: false, open: None }
    }

    pub(super) fn state(&self, now: Instant) -> State {
        let Some(open) = &self.open else { return State::Closed };
        let rest = open.until.saturating_duration_since(now);
        let probe_is_due = rest.is_zero() && !open.is_probed;
        State::Open { failures: self.failures, cause: self.cause.clone(), rest, probe_is_due }
    }

    /// A probe begins or, without an outcome, has ended.
    pub(super) fn probe(&mut self, is_probed: bool) {
        if let Some(open) = &mut self.open {
            open.is_probed = is_probed;
        }
    }

    /// The host answered. Gives whether it was left alone until now.
    pub(super) fn succeed(&mut self) -> bool {
        std::mem::replace(self, Self::new(self.first_pause)).open.is_some()
    }

    /// A request failed; `question` tells it from others, `chance` is from 0 to 1. Gives the pause that
    /// begins by this.
    pub(super) fn fail(
        &mut self,
        failure: Failure,
        question: u64,
        cause: &str,
        chance: f64,
        now: Instant,
    ) -> Option<Duration> {
        self.several |= failure == Failure::Line || (self.failures > 0 && question != self.question);
        if self.failures == 0 {
            self.question = question;
        }
        self.failures = self.failures.saturating_add(1);
        cause.clone_into(&mut self.cause);
        let pause = match &self.open {
            Some(open) if open.is_probed => (open.pause * 2).min(LONGEST_PAUSE),
            None if self.failures >= FAILURES && self.several => self.first_pause.min(LONGEST_PAUSE),
            // Not enough yet, or sent before the circuit was opened.
            _ => return None,
        };
        // At random by a quarter, so that many clients do not come back together.
        let rest = pause.mul_f64(0.75 + chance.clamp(0.0, 1.0) / 4.0);
        self.open = Some(Open { until: now + rest, pause, is_probed: false });
        Some(rest)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Circuit, FAILURES, Failure, Instant, LONGEST_PAUSE, State};

    fn is_open(circuit: &Circuit, now: Instant) -> bool {
        circuit.state(now) != State::Closed
    }

    fn fail(circuit: &mut Circuit, now: Instant) -> Option<Duration> {
        circuit.fail(Failure::Line, 1, "no route", 1.0, now)
    }

    fn opened(now: Instant) -> Circuit {
        let mut circuit = Circuit::new(Duration::from_secs(5));
        for _ in 0..FAILURES {
            assert!(!is_open(&circuit, now));
            fail(&mut circuit, now);
        }
        circuit
    }

    #[test]
    fn failures_in_a_row_open_it() {
        let now = Instant::now();
        let rest = Duration::from_secs(5);
        let open = State::Open { failures: 5, cause: "no route".to_owned(), rest, probe_is_due: false };
        assert_eq!(opened(now).state(now), open);

        let mut circuit = Circuit::new(Duration::from_secs(5));
        for round in 0..20 {
            fail(&mut circuit, now);
            if round % 4 == 3 {
                assert!(!circuit.succeed());
            }
        }
        assert!(!is_open(&circuit, now), "an answer between them ends the row");
    }

    #[test]
    fn one_question_that_fails_is_no_dead_host() {
        let now = Instant::now();
        let mut circuit = Circuit::new(Duration::from_secs(5));
        for _ in 0..100 {
            circuit.fail(Failure::Status, 1, "answered 500", 0.5, now);
        }
        assert!(!is_open(&circuit, now));
        circuit.fail(Failure::Status, 2, "answered 500", 0.5, now);
        assert!(is_open(&circuit, now));
    }

    #[test]
    fn one_probe_at_a_time_and_longer_pauses() {
        let mut now = Instant::now();
        let mut circuit = opened(now);
        let mut pauses = Vec::new();
        for _ in 0..8 {
            let State::Open { rest, probe_is_due: false, .. } = circuit.state(now) else { panic!("{circuit:?}") };
            pauses.push(rest.as_secs());
            now += rest;
            assert!(matches!(circuit.state(now), State::Open { probe_is_due: true, .. }));
            circuit.probe(true);
            assert!(matches!(circuit.state(now), State::Open { probe_is_due: false, .. }), "one at a time");
            fail(&mut circuit, now);
        }
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 300, 300]);
        circuit.probe(true);
        assert!(circuit.succeed());
        assert!(!is_open(&circuit, now));
    }

    #[test]
    fn a_probe_that_was_given_up_is_made_again() {
        let now = Instant::now();
        let mut circuit = opened(now);
        let later = now + LONGEST_PAUSE;
        circuit.probe(true);
        circuit.probe(false);
        assert!(matches!(circuit.state(later), State::Open { probe_is_due: true, .. }));
    }

    #[test]
    fn late_failures_make_the_pause_no_longer() {
        let now = Instant::now();
        let mut circuit = opened(now);
        for _ in 0..10 {
            assert_eq!(fail(&mut circuit, now + Duration::from_secs(1)), None);
        }
        assert!(matches!(circuit.state(now + Duration::from_secs(5)), State::Open { probe_is_due: true, .. }));
    }

    #[test]
    fn the_pause_is_random_by_a_quarter() {
        let now = Instant::now();
        for (chance, pause) in [(0.0, 3750), (0.5, 4375), (1.0, 5000)] {
            let mut circuit = Circuit::new(Duration::from_secs(5));
            let opened = (0..FAILURES).find_map(|_| circuit.fail(Failure::Line, 1, "", chance, now));
            assert_eq!(opened, Some(Duration::from_millis(pause)));
        }
    }
}

//! Credentials that are refused again and again, so that they are not shown again and again: many
//! registries lock an account for that. Pure: is told the time.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use tokio::time::Instant;

use crate::secret::Secret;

/// So many refusals in a row are enough.
const ENOUGH: u32 = 5;

/// The pause after that. Doubled with every further refusal.
const FIRST_PAUSE: Duration = Duration::from_mins(1);

const LONGEST_PAUSE: Duration = Duration::from_mins(15);

/// Refusals in a row, by whom they were refused. A credential that was changed is another one.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    rows: HashMap<u64, Row>,
}

#[derive(Debug)]
struct Row {
    refusals: u32,
    until: Instant,
}

impl Refusals {
    /// How long this credential is still kept from this place; `None` when it may be shown.
    pub(super) fn rest(&self, place: &str, credential: &Secret, now: Instant) -> Option<(u32, Duration)> {
        let row = self.rows.get(&name(place, credential)).filter(|row| row.refusals >= ENOUGH)?;
        let rest = row.until.saturating_duration_since(now);
        (!rest.is_zero()).then_some((row.refusals, rest))
    }

    /// It was shown, and accepted or not.
    pub(super) fn note(&mut self, place: &str, credential: &Secret, is_accepted: bool, now: Instant) {
        let name = name(place, credential);
        if is_accepted {
            self.rows.remove(&name);
            return;
        }
        // What was not shown for an hour is forgotten; it has been changed, most likely.
        self.rows.retain(|_, row| now.saturating_duration_since(row.until) < Duration::from_hours(1));
        let row = self.rows.entry(name).or_insert(Row { refusals: 0, until: now });
        row.refusals = row.refusals.saturating_add(1);
        let doubled = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(row.refusals.saturating_sub(ENOUGH)));
        row.until = now + doubled.min(LONGEST_PAUSE);
    }
}

/// Neither the place nor the credential can be read out of this.
fn name(place: &str, credential: &Secret) -> u64 {
    let mut hasher = DefaultHasher::new();
    (place, credential.expose()).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Instant, Refusals, Secret};

    #[test]
    fn a_credential_that_is_refused_again_and_again_rests() {
        let (mut now, bob, eve) = (Instant::now(), Secret::new("bob"), Secret::new("eve"));
        let mut refusals = Refusals::default();
        for _ in 0..5 {
            assert_eq!(refusals.rest("a", &bob, now), None);
            refusals.note("a", &bob, false, now);
        }
        let mut pauses = Vec::new();
        for _ in 0..6 {
            let (_, rest) = refusals.rest("a", &bob, now).unwrap();
            pauses.push(rest.as_secs() / 60);
            now += rest;
            assert_eq!(refusals.rest("a", &bob, now), None, "it is tried once more");
            refusals.note("a", &bob, false, now);
        }
        assert_eq!(pauses, [1, 2, 4, 8, 15, 15]);
        assert!(refusals.rest("a", &eve, now).is_none() && refusals.rest("b", &bob, now).is_none());
        refusals.note("a", &bob, true, now);
        assert_eq!(refusals.rest("a", &bob, now), None);
    }

    #[test]
    fn one_success_ends_the_row() {
        let (now, bob) = (Instant::now(), Secret::new("bob"));
        let mut refusals = Refusals::default();
        for round in 0..100 {
            refusals.note("a", &bob, round % 5 == 4, now);
            assert_eq!(refusals.rest("a", &bob, now), None);
        }
    }

    #[test]
    fn what_was_changed_is_forgotten() {
        let now = Instant::now();
        let mut refusals = Refusals::default();
        for number in 0..100 {
            refusals.note("a", &Secret::new(number.to_string()), false, now + Duration::from_mins(number * 10));
        }
        assert!(refusals.rows.len() < 10);
    }
}

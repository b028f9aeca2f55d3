//! When a repository is asked for its tags. Pure: times in milliseconds since 1970.
//!
//! Every registry is asked at certain moments of the interval, at each for a part of the repositories: as
//! many moments as it takes for about [`AT_ONCE`] of them. So thousands do not come at once, while the
//! images of a release, in most fleets, are seen in one pass and make one commit.

use std::time::Duration;

use crate::image::Repository;

/// How many times as long the interval of a repository is that nobody waits for.
const RARE: u32 = 10;

/// About how many repositories of one registry are due at the same moment.
const AT_ONCE: usize = 100;

/// The shortest time between two moments, in milliseconds.
const SHORTEST: i64 = 1000;

/// The wait after the first failure that may pass by itself. It doubles with each further one, up to the
/// interval.
const FIRST_RETRY: Duration = Duration::from_secs(15);

/// How urgent the tags of a repository are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Somebody may be updated to what is new.
    Usual,
    /// Everybody who uses it is locked: it is asked rarely, so that we know since when its tags are there.
    Rare,
}

/// How the repositories of one registry are spread.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spread {
    /// How many repositories there are.
    pub(super) repositories: usize,
    /// A time at which a moment is: no two daemons should have the same.
    pub(super) offset: i64,
}

/// The next moment of a repository after a list that came at `listed`: between half an interval and one
/// and a half later the first time, and an interval later from then on.
pub(super) fn next(repository: &Repository, interval: Duration, pace: Pace, listed: i64, spread: Spread) -> i64 {
    let interval = interval.saturating_mul(if pace == Pace::Rare { RARE } else { 1 });
    let interval = i64::try_from(interval.as_millis()).unwrap_or(i64::MAX / 4).min(i64::MAX / 4);
    if interval == 0 {
        return listed;
    }
    let moments = i64::try_from(spread.repositories.div_ceil(AT_ONCE)).unwrap_or(i64::MAX);
    let moments = moments.min(interval / SHORTEST).max(1);
    let moment = (hash(repository, "") % moments.unsigned_abs()).cast_signed() * (interval / moments);
    let earliest = listed.saturating_add(interval / 2);
    earliest + (spread.offset % interval + moment - earliest).rem_euclid(interval)
}

/// When to try again after so many failures in a row that may pass by themselves.
pub(super) fn retry(interval: Duration, failures: u32, tried: i64) -> i64 {
    let wait = FIRST_RETRY.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(interval);
    tried.saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX))
}

/// A moment in a span of time for something of a repository, always the same one.
pub(super) fn moment(repository: &Repository, of: &str, span: i64) -> i64 {
    (hash(repository, of) % span.unsigned_abs().max(1)).cast_signed()
}

/// FNV-1a: the same after every restart.
fn hash(repository: &Repository, of: &str) -> u64 {
    let parts = [repository.registry().as_str(), "/", repository.path(), of];
    let bytes = parts.iter().flat_map(|part| part.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::{Pace, Spread, next, retry};
    use crate::image::Repository;

    const MINUTE: Duration = Duration::from_mins(1);
    const NOW: i64 = 1_780_000_000_000;

    fn repository(number: usize) -> Repository {
        Repository::parse(&format!("registry.example.com/team-{}/app-{number}", number % 50)).unwrap()
    }

    fn spread(repositories: usize) -> Spread {
        Spread { repositories, offset: 1_700_000_012_345 }
    }

    #[test]
    fn many_repositories_do_not_come_at_once() {
        let mut moments = BTreeMap::<_, usize>::new();
        for repository in (0..6000).map(repository) {
            let at = next(&repository, MINUTE, Pace::Usual, NOW, spread(6000));
            assert!((NOW + 30_000..NOW + 90_000).contains(&at));
            *moments.entry(at % 60_000).or_default() += 1;
            for late in [0, 1, 7000, 29_000] {
                let then = next(&repository, MINUTE, Pace::Usual, at + late, spread(6000));
                assert_eq!(then, at + 60_000, "however late it was asked");
            }
            let rare = next(&repository, MINUTE, Pace::Rare, NOW, spread(6000));
            assert_eq!(next(&repository, MINUTE, Pace::Rare, rare, spread(6000)), rare + 600_000);
        }
        assert_eq!(moments.len(), 60);
        assert!(moments.values().all(|count| (60..140).contains(count)), "{moments:?}");
    }

    #[test]
    fn a_few_come_together() {
        let moment = |number| next(&repository(number), MINUTE, Pace::Usual, NOW, spread(100));
        assert!((0..100).all(|number| moment(number) == moment(0)));
        assert_eq!((moment(0) - 12_345) % 60_000, 1_700_000_000_000 % 60_000);
        let second = |number| next(&repository(number), Duration::from_secs(1), Pace::Usual, NOW, spread(6000));
        assert!((0..100).all(|number| second(number) == second(0)), "no moments closer than a second");
    }

    #[test]
    fn no_interval_is_no_wait() {
        assert_eq!(next(&repository(1), Duration::ZERO, Pace::Usual, NOW, spread(1)), NOW);
        assert!(next(&repository(1), Duration::MAX, Pace::Rare, NOW, spread(1)) > NOW);
        assert!(next(&repository(1), Duration::from_millis(250), Pace::Usual, NOW, spread(900)) <= NOW + 375);
    }

    #[test]
    fn a_failure_is_tried_again_soon_and_then_less_often() {
        let waits = [1, 2, 3, 4, 40].map(|failures| (retry(MINUTE, failures, NOW) - NOW) / 1000);
        assert_eq!(waits, [15, 30, 60, 60, 60]);
        assert_eq!(retry(Duration::from_secs(1), 1, NOW) - NOW, 1000);
    }
}

//! Red and green by the clock: what no run with real deadlines could wait for.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use jiff::{Timestamp, ToSpan as _};

use super::{is_ready, live, systemd};
use crate::daemon::{Patience, Standing};
use crate::git::RemoteUrl;
use crate::reconcile::Error;

fn standing(name: &str) -> Arc<Standing> {
    let patience = Patience { pass: Duration::from_mins(12), good: Duration::from_mins(10) };
    let url = RemoteUrl::parse("https://git.example.com/config.git").unwrap();
    Arc::new(Standing::new(name, url, None).with_patience(patience))
}

fn at(minutes: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + minutes.minutes()
}

/// A pass that began then and found nothing new.
fn pass(standing: &Standing, minute: i64) {
    standing.begin(at(minute));
    standing.end(at(minute), Duration::ZERO, None);
}

#[track_caller]
fn check(standings: &[Arc<Standing>], minute: i64, is_live: bool, is_ready: bool, status: &str) {
    let code = |is_good| if is_good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let now = at(minute);
    assert_eq!(live(standings, now).status(), code(is_live), "/livez");
    assert_eq!(self::is_ready(standings, now).status(), code(is_ready), "/readyz");
    assert_eq!(systemd::status(standings, now), status);
}

#[test]
fn nothing_is_ready_before_the_first_pass() {
    check(&[], 0, true, false, "no config repository is followed");
    let one = standing("production");
    check(std::slice::from_ref(&one), 0, true, false, "the first pass runs");
    one.begin(at(0));
    check(std::slice::from_ref(&one), 1, true, false, "the first pass runs");
    one.end(at(2), Duration::ZERO, None);
    check(&[one], 2, true, true, "production is followed, and its last pass was good");
}

#[test]
fn a_pass_that_does_not_end_turns_both_red() {
    let one = standing("production");
    pass(&one, 0);
    one.begin(at(1));
    let all = [one];
    check(&all, 9, true, true, "production is followed, and its last pass was good");
    check(&all, 13, true, false, "production is followed, and its last pass was good");
    check(&all, 14, false, false, "a pass does not come to an end: production");
    // It came to one after all.
    all[0].end(at(15), Duration::ZERO, None);
    check(&all, 15, true, true, "production is followed, and its last pass was good");
}

#[test]
fn one_that_is_dead_among_others_turns_nothing_red() {
    let all = [standing("a"), standing("b"), standing("c")];
    for one in &all {
        pass(one, 0);
    }
    check(&all, 0, true, true, "3 config repositories are followed, and their last passes were good");
    all[1].not_open(at(1), "no such key");
    check(&all, 1, true, true, "passes fail for 1 of 3: b");
    for one in &all {
        one.not_open(at(1), "no such key");
    }
    check(&all, 9, true, true, "passes fail for 3 of 3: a, b, c");
    check(&all, 11, true, false, "passes fail for 3 of 3: a, b, c");
}

#[test]
fn a_pass_that_panicked_shows_until_another_one_came_to_a_plan() {
    let all = [standing("production")];
    all[0].begin(at(0));
    all[0].end(at(0), Duration::ZERO, Some(Err(Error::Panicked("at 7".to_owned()))));
    assert_eq!(all[0].trouble().as_deref(), Some("a pass broke off, which is a mistake in Landwaiter: at 7"));
    check(&all, 0, true, false, "passes fail for 1 of 1: production");
    // That nothing is new since then mends nothing.
    pass(&all[0], 1);
    check(&all, 1, true, false, "passes fail for 1 of 1: production");
}

//! Red and green by a clock that the tests hold.

use std::sync::Arc;
use std::time::Duration;

use axum::body::to_bytes;
use axum::response::Response;
use jiff::{Timestamp, ToSpan as _};
use serde_json::Value;

use super::{is_ready, live};
use crate::daemon::{Patience, Standing};
use crate::git::RemoteUrl;
use crate::reconcile::Error;

fn second(second: i64) -> Timestamp {
    "2026-06-01T12:00:00Z".parse::<Timestamp>().unwrap() + second.seconds()
}

/// A pass may take a minute; after ten without a good one something is wrong.
fn standing(name: &str) -> Arc<Standing> {
    let patience = Patience { pass: Duration::from_mins(1), good: Duration::from_mins(10) };
    let url = RemoteUrl::parse("https://git.example.com/config.git").unwrap();
    Arc::new(Standing::new(name, url, None).with_patience(patience))
}

/// A pass that began and ended at these seconds, well or not.
fn pass(standing: &Standing, begin: i64, end: i64, failure: Option<&str>) {
    let _ = standing.begin(second(begin));
    let result = failure.map(|words| Err(Error::Panicked(words.to_owned())));
    standing.end(second(end), Duration::from_secs(1), result);
}

async fn read(answer: Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    (status, serde_json::from_slice(&to_bytes(answer.into_body(), usize::MAX).await.unwrap()).unwrap())
}

/// What both say at this second: the statuses, the states of all, and the words of the one that is red.
#[track_caller]
fn check(standings: &[Arc<Standing>], at: i64, expected: [u16; 2], states: &[&str], words: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let answers = runtime
        .block_on(async { [read(live(standings, second(at))).await, read(is_ready(standings, second(at))).await] });
    assert_eq!(answers.each_ref().map(|(status, _)| *status), expected, "{answers:?}");
    for (status, body) in answers {
        let told: Vec<_> = body["repositories"].as_array().unwrap().iter().map(|one| &one["state"]).collect();
        assert_eq!(told, states);
        let said = body["status"].as_str().unwrap();
        assert!(if status == 200 { said == "ok" } else { said.contains(words) }, "{said}");
    }
}

#[test]
fn it_is_ready_from_the_first_good_pass_until_there_was_none_for_too_long() {
    check(&[], 0, [200, 503], &[], "the config repositories are not open yet");
    let one = standing("one");
    let all = [Arc::clone(&one)];
    check(&all, 0, [200, 503], &["waiting"], "the first pass has not ended yet");
    pass(&one, 0, 1, None);
    check(&all, 1, [200, 200], &["good"], "");
    check(&all, 601, [200, 200], &["good"], "");
    check(&all, 602, [200, 503], &["failing"], "no pass has come to a good end for too long");
    pass(&one, 610, 611, None);
    check(&all, 611, [200, 200], &["good"], "");
}

#[test]
fn a_pass_that_hangs_is_what_a_restart_is_for() {
    let one = standing("one");
    let all = [Arc::clone(&one)];
    pass(&one, 0, 1, None);
    let _ = one.begin(second(10));
    check(&all, 70, [200, 200], &["good"], "");
    check(&all, 71, [503, 503], &["stuck"], "");
    one.end(second(80), Duration::from_secs(70), None);
    check(&all, 80, [200, 200], &["good"], "");
}

#[test]
fn a_pass_that_panicked_shows_until_another_one_came_to_an_end() {
    let one = standing("one");
    let all = [Arc::clone(&one)];
    pass(&one, 0, 1, Some("at 7"));
    check(&all, 1, [200, 503], &["failing"], "no pass has come to a good end for too long");
    assert_eq!(one.trouble().as_deref(), Some("a pass broke off, which is a mistake in Landwaiter: at 7"));
    // That nothing is new since then does not mend it.
    pass(&one, 2, 3, None);
    check(&all, 3, [200, 503], &["failing"], "no pass has come to a good end for too long");
}

#[test]
fn one_that_is_dead_among_others_keeps_nobody_from_them() {
    let (one, two) = (standing("one"), standing("two"));
    let all = [Arc::clone(&one), Arc::clone(&two)];
    pass(&one, 0, 1, None);
    check(&all, 1, [200, 503], &["good", "waiting"], "the first pass has not ended yet");
    pass(&two, 0, 1, Some("dead"));
    check(&all, 1, [200, 200], &["good", "failing"], "");
}

//! Lengths of time, and what waits for how long.

use jiff::Timestamp;

use super::{MinAge, Since};
use crate::policy::tests::{candidates, day, decided_on, policy, tag};
use crate::policy::{Decision, Judgement, decide, explain};

#[track_caller]
fn check(text: &str, expected: &str) {
    let found = MinAge::parse(text);
    assert_eq!(found.map_or_else(|error| error.to_string(), |age| age.to_string()), expected, "{text}");
}

#[test]
fn lengths_of_time() {
    for (text, shown) in [
        ("24h", "1d"),
        ("7d", "7d"),
        ("7D", "7d"),
        ("3 days", "3d"),
        ("14 Days", "14d"),
        ("1w 2d", "9d"),
        ("2w", "14d"),
        ("36h", "36h"),
        ("1d12h", "36h"),
        ("90m", "90m"),
        ("90 min", "90m"),
        ("1.5h", "90m"),
        ("61s", "61s"),
        ("100ms", "1s"),
        ("P7D", "7d"),
        ("PT24H", "1d"),
        ("0h", "0h"),
    ] {
        check(text, shown);
        check(shown, shown);
    }
}

#[test]
fn what_is_no_length_of_time() {
    for (text, why) in [
        ("", ""),
        ("24", ": it has no unit"),
        ("1.5", ": it has no unit"),
        ("soon", ""),
        ("7 dys", ""),
        ("-3d", ": it is negative"),
        ("3d ago", ": it is negative"),
        ("1 month", ", since months and years differ"),
        ("1y", ", since months and years differ"),
        ("P1M", ", since months and years differ"),
        ("2026-01-31", ""),
    ] {
        check(text, &format!("min-age `{text}` is no length of time{why}; write one such as `24h`, `7d` or `2w`"));
    }
}

#[test]
fn since_when_a_tag_is_there() {
    let time = |number: i64| (number > 0).then(|| day(number));
    // First seen, pushed, created: by the later of what we and the registry say; for a tag of the first look
    // by what is told of it.
    for (seen, pushed, created, since, before) in [
        (5, 3, 1, "first seen 5", "pushed 3"),
        (5, 7, 1, "pushed 7", "pushed 7"),
        (5, 0, 1, "first seen 5", "created 1"),
        (5, 0, 9, "first seen 5", "first seen 5"),
        (5, 0, 0, "first seen 5", "first seen 5"),
        (0, 3, 1, "pushed 3", "pushed 3"),
        (0, 0, 1, "-", "created 1"),
        (0, 0, 0, "-", "-"),
    ] {
        let shown = |since: Option<Since>| since.map_or("-".to_owned(), |since| since.to_string());
        let text = |expected: &str| match expected.rsplit_once(' ') {
            Some((by, number)) => format!("{by} {:.0}", day(number.parse().unwrap())),
            None => expected.to_owned(),
        };
        assert_eq!(shown(Since::of(time(seen), time(pushed))), text(since), "{seen} {pushed}");
        let found = Since::before_first_look(time(seen), time(pushed), time(created));
        assert_eq!(shown(found), text(before), "{seen} {pushed} {created}");
    }
}

/// The outcome on day 30, and from when on it may be another one.
#[track_caller]
fn soak(policy: &str, current: &str, tags: &str, expected: &str, until: Option<i64>) {
    let (outcome, changes) = decided_on(30, policy, current, tags);
    assert_eq!((outcome.as_str(), changes), (expected, until.map(day)), "{policy} | {current} | {tags}");
}

#[test]
fn the_best_of_those_that_are_old_enough_is_taken() {
    const WEEK: &str = "semver:1  min-age=7d";
    soak(WEEK, "1.0", "1.0+1 1.1+2 1.2+23", "1.2", None);
    soak(WEEK, "1.0", "1.0+1 1.1+2 1.2+24", "1.1", Some(31));
    soak(WEEK, "1.0", "1.0+1 1.1+2 1.2+24 1.3+29", "1.1", Some(31));
    soak(WEEK, "1.0", "1.0+1 1.2+24 1.3+29", "too-young", Some(31));
    soak(WEEK, "1.2", "1.1+25 1.2+26 1.0+1", "up-to-date", None);
    soak(WEEK, "1.2", "1.1+25 1.0+1", "only-older", None);
    soak(WEEK, "1.0", "1.0+1 2.0+29", "up-to-date", None);
    soak(WEEK, "2.0", "1.0+1 1.1+29", "only-older", None);
    soak(WEEK, "", "1.0+29", "too-young", Some(36));
    soak(WEEK, "", "1.0+1 1.1+29", "1.0", Some(36));
    soak(WEEK, "1.0", "0.9", "no-match", None);
}

#[test]
fn what_nobody_knows_waits() {
    soak("semver:1  min-age=7d", "1.0", "1.0 1.1", "too-young", None);
    soak("semver:1  min-age=7d", "1.0", "1.0 1.1 1.2+29", "too-young", Some(36));
    soak("semver:1  min-age=0h", "1.0", "1.0 1.1", "1.1", None);
    soak("semver:1", "1.0", "1.0 1.1+29", "1.1", None);
}

#[test]
fn a_clock_that_is_wrong_makes_nothing_older() {
    soak("semver:1  min-age=7d", "1.0", "1.0+1 1.1+60", "too-young", Some(67));
    soak("semver:1  min-age=9000000h", "1.0", "1.0+1 1.1+1", "too-young", Some(375_001));
    let long = policy("semver:1  min-age=90000000h");
    assert_eq!(decide(&long, None, &candidates("1.0+1"), day(30)).until, Some(Timestamp::MAX));
}

#[test]
fn what_runs_already_is_old_enough() {
    soak("semver:1  min-age=7d", "1.2", "1.0+1 1.1+2 1.2+29", "up-to-date", None);
    soak("semver:1  min-age=7d  allow-downgrade=true", "1.2", "1.0+1 1.1+2 1.2+29", "up-to-date", None);
    soak("semver:1  min-age=7d  allow-downgrade=true", "2.0", "1.0+1 1.1+29", "1.0", Some(36));
}

#[test]
fn with_every_order() {
    soak("*  min-age=7d", "a", "a@1+1 b@2+2 c@3+29", "b", Some(36));
    soak("*  min-age=7d", "a", "a@1+1 b@2+29", "too-young", Some(36));
    soak("*  min-age=7d", "b", "a@1+29 b@2+2", "up-to-date", None);
    // Its created time is of no use before it may be taken.
    soak("*  min-age=7d", "a", "a@1+1 b@2+2 c+29", "b", Some(36));
    soak("*  min-age=7d", "a", "a@1+1 b@2+2 c+2 d+29", "missing-created", Some(36));
    soak("*  min-age=7d", "x", "a@1+1 b@2+29", "current-unknown", None);
    soak("regex:b-(\\d+)  order=numeric desc  extract=$1  min-age=7d", "b-9", "b-9+1 b-8+2 b-7+29", "b-8", Some(36));
    soak("own family  min-age=7d", "1.0", "1.0+1 1.1+2 1.2+29 main-1+1", "1.1", Some(36));
}

#[test]
fn it_is_said_which_tag_waits_until_when() {
    let now: Timestamp = day(30);
    let policy = policy("semver:1  min-age=7d");
    let tags = candidates("1.0+1 1.1+2 1.2+29 1.3+28");
    let Decision::Update(choice) = decide(&policy, Some(&tag("1.0")), &tags, now).decision else { panic!() };
    assert_eq!(
        choice.reason,
        "highest version of 2 matching tags that are old enough; `1.3` was first seen 2026-01-29T00:00:00Z, and with \
         min-age 7d may be taken from 2026-02-05T00:00:00Z"
    );
    let Decision::Hold(hold) = decide(&policy, Some(&tag("1.1")), &tags, now).decision else { panic!() };
    assert_eq!(
        hold.to_string(),
        "`1.3` was first seen 2026-01-29T00:00:00Z, and with min-age 7d may be taken from 2026-02-05T00:00:00Z \
         (1 other tag waits as well)"
    );
    let unknown = candidates("1.0 1.1");
    let Decision::Hold(hold) = decide(&policy, Some(&tag("1.0")), &unknown, now).decision else { panic!() };
    assert_eq!(hold.to_string(), "`1.1` has to be there for 7d (min-age), and since when it is there is not known");
    let told: Vec<String> = explain(&policy, Some(&tag("1.0")), &tags, now)
        .judged
        .iter()
        .filter(|judged| matches!(judged.judgement, Judgement::Rejected(_)))
        .map(|judged| format!("{} {}", judged.tag, judged.judgement))
        .collect();
    assert_eq!(
        told,
        [
            "1.3 too young: was first seen 2026-01-29T00:00:00Z, and with min-age 7d may be taken from 2026-02-05T00:00:00Z",
            "1.2 too young: was first seen 2026-01-30T00:00:00Z, and with min-age 7d may be taken from 2026-02-06T00:00:00Z",
        ]
    );
}

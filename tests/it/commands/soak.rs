//! Tags that have to be there for some time, planned by the real binary with the time given.

use serde_json::Value;

use super::{Checkout, deployment};

const TAGS: &str = r#"{"ghcr.io/shop/web": ["1.0.0",
    {"tag": "1.0.1", "first_seen": "2026-03-01T00:00:00Z"},
    {"tag": "1.1.0", "first_seen": "2026-03-01T00:00:00Z", "pushed": "2026-03-10T00:00:00Z"}]}"#;

/// What a plan comes to at a time: the tag, or the name of the hold with its reason.
#[track_caller]
fn planned(checkout: &Checkout, now: &str) -> (String, String) {
    let ran = checkout.run(&["plan", "--tags", "tags.json", "--now", now, "--output", "json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let (answer, text) = (ran.json(), |value: &Value| value.as_str().unwrap().to_owned());
    let update = answer["updates"].get(0).map(|update| (text(&update["to"]), text(&update["reason"])));
    update.unwrap_or_else(|| (text(&answer["holds"][0]["hold"]), text(&answer["holds"][0]["reason"])))
}

fn shop(words: &str) -> Checkout {
    let annotations = format!("landwaiter/automated: \"true\"\nlandwaiter/tag-semver: \"1\"\n{words}");
    let web = deployment("web", &annotations, "- name: web\n  image: ghcr.io/shop/web:1.0.0");
    Checkout::new(&[("web.yaml", &web), ("tags.json", TAGS)])
}

#[test]
fn a_tag_is_taken_when_it_has_been_there_for_long_enough() {
    let checkout = shop("landwaiter/min-age: \"7d\"");
    let (hold, reason) = planned(&checkout, "2026-03-05T00:00:00Z");
    assert_eq!(hold, "too-young");
    assert_eq!(
        reason,
        "`1.1.0` was pushed 2026-03-10T00:00:00Z, and with min-age 7d may be taken from 2026-03-17T00:00:00Z (1 other \
         tag waits as well)"
    );
    let (tag, reason) = planned(&checkout, "2026-03-08T00:00:00Z");
    assert_eq!(tag, "1.0.1");
    assert_eq!(
        reason,
        "highest version of 2 matching tags that are old enough; `1.1.0` was pushed 2026-03-10T00:00:00Z, and with \
         min-age 7d may be taken from 2026-03-17T00:00:00Z"
    );
    assert_eq!(planned(&checkout, "2026-03-16T23:59:59Z").0, "1.0.1");
    assert_eq!(planned(&checkout, "2026-03-17T00:00:00Z").0, "1.1.0");
}

#[test]
fn one_container_is_taken_out_of_what_is_said_for_all() {
    let checkout = shop("landwaiter/min-age: \"7d\"\nlandwaiter/min-age.web: \"0h\"");
    assert_eq!(planned(&checkout, "2026-03-05T00:00:00Z").0, "1.1.0");
}

#[test]
fn a_time_in_the_file_that_is_none_is_told() {
    let checkout = Checkout::new(&[("tags.json", r#"{"x": [{"tag": "1", "first_seen": "yesterday"}]}"#)]);
    let ran = checkout.run(&["plan", "--tags", "tags.json"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("entry 1 of \"x\": first_seen \"yesterday\""), "{}", ran.stderr);
}

#[test]
fn a_created_time_counts_for_those_who_trust_it() {
    let web = "landwaiter/automated: \"true\"\nlandwaiter/tag-semver: \"1\"\nlandwaiter/min-age: \"7d\"";
    let tags = r#"{"x": ["1.0.0", {"tag": "1.1.0", "created": "2026-03-01T00:00:00Z"}]}"#;
    let checkout = Checkout::new(&[
        ("web.yaml", &deployment("web", web, "- name: web\n  image: x:1.0.0")),
        ("tags.json", tags),
        ("trusting.yaml", "trust-created: true\n"),
    ]);
    for (trust, expected) in
        [(&[][..], "too-young"), (&["--trust-created"], "1.1.0"), (&["--config", "trusting.yaml"], "1.1.0")]
    {
        let plan = ["plan", "--tags", "tags.json", "--now", "2026-03-09T00:00:00Z", "--output", "json"];
        let answer = checkout.run(&[&plan, trust].concat()).json();
        let outcome = answer["updates"].get(0).map_or(&answer["holds"][0]["hold"], |update| &update["to"]);
        assert_eq!(outcome, expected, "{trust:?}: {answer:#}");
    }
}

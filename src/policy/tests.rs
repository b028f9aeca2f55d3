//! What other tools of this field promise, as rows, and what must hold for any tags at all.
//!
//! A policy is written as its `Display` shows it, with `dialect=flux` where that matters; tags stand in
//! one text with blanks between them, `tag@3` with the created time of day 3 after 2026-01-01 and
//! `tag@0` with that of 1970.

mod anchors;
mod properties;

use jiff::Timestamp;

use super::{Candidate, Decision, Dialect, Exclude, Order, Pattern, Policy, Within, decide};
use crate::image::Tag;

pub(super) fn tag(text: &str) -> Tag {
    Tag::parse(text).unwrap()
}

pub(super) fn day(day: i64) -> Timestamp {
    let start = if day == 0 { 0 } else { 1_767_225_600 };
    Timestamp::from_second(start + day * 86_400).unwrap()
}

pub(super) fn candidates(text: &str) -> Vec<Candidate> {
    let candidate = |text: &str| match text.split_once('@') {
        Some((name, created)) => Candidate { tag: tag(name), created: Some(day(created.parse().unwrap())) },
        None => Candidate { tag: tag(text), created: None },
    };
    text.split_whitespace().map(candidate).collect()
}

#[track_caller]
pub(super) fn policy(text: &str) -> Policy {
    let mut words = text.split("  ");
    let pattern = words.next().unwrap();
    let options: Vec<(&str, &str)> = words.map(|word| word.split_once('=').unwrap()).collect();
    let flux = options.contains(&("dialect", "flux"));
    let dialect = if flux { Dialect::Flux } else { Dialect::Native };
    let pattern = match pattern {
        "own family" => Pattern::family(dialect),
        pattern => Pattern::parse(pattern, dialect).unwrap_or_else(|error| panic!("{error}")),
    };
    let mut builder = Policy::builder(pattern);
    for (key, value) in options {
        builder = match key {
            "order" => builder.order(Order::parse(value).unwrap()),
            "extract" => builder.extract(value),
            "exclude" => builder.exclude(Exclude::parse(value).unwrap()),
            "within" => builder.within(Within::parse(value).unwrap()),
            "allow-downgrade" => builder.allow_downgrade(value == "true"),
            "dialect" => builder,
            key => panic!("unknown option {key}"),
        };
    }
    builder.build().unwrap_or_else(|error| panic!("{error}"))
}

/// The tag that is written, or the name of the hold.
#[track_caller]
pub(super) fn outcome(policy_text: &str, current: &str, tags: &str) -> String {
    let current = Some(current).filter(|current| !current.is_empty()).map(tag);
    match decide(&policy(policy_text), current.as_ref(), &candidates(tags)).decision {
        Decision::Update(choice) => choice.tag.to_string(),
        Decision::Hold(hold) => hold.name().to_owned(),
    }
}

/// `policy | current | tags | outcome`; options of the policy stand behind two blanks.
#[track_caller]
pub(super) fn check(policy: &str, current: &str, tags: &str, expected: &str) {
    assert_eq!(outcome(policy, current, tags), expected, "{policy} | {current} | {tags}");
}

/// Which of `tags` a policy without a current tag admits.
#[track_caller]
pub(super) fn admits(policy_text: &str, yes: &str, no: &str) {
    let policy = policy(policy_text);
    for (tags, expected) in [(yes, true), (no, false)] {
        for name in tags.split_whitespace() {
            assert_eq!(policy.admits(&tag(name), None), expected, "{policy_text} {name}");
        }
    }
}

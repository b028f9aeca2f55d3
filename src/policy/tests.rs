//! What other tools of this field promise, as rows, and what must hold for any tags at all.
//!
//! A policy is written as its `Display` shows it, but with two blanks before each option, and with
//! `dialect=flux` where that matters. Tags stand in one text with blanks between them: `tag@3` was
//! created 3 days after 2026-01-01, `tag@0` in 1970, and `tag@zero` at what Go takes for no time at all;
//! `tag+3` was first seen 3 days after 2026-01-01.
//! Settings of other tools are written in the same way, as [`Peer`] shows them.

mod anchors;
mod differences;
mod peers;
pub(super) mod properties;

use jiff::Timestamp;

use super::peer::{ArgocdImageUpdater, Flux, Flux2, Flux2Filter, Flux2Policy, Keel};
use super::{
    Candidate, Decision, Dialect, Exclude, MinAge, Order, Pattern, Peer, Policy, PolicyBuilder, Prerelease, Since,
    Versions, Within, decide,
};
use crate::image::Tag;

pub(in crate::policy) fn tag(text: &str) -> Tag {
    Tag::parse(text).unwrap()
}

pub(super) fn day(day: i64) -> Timestamp {
    let start = if day == 0 { 0 } else { 1_767_225_600 };
    Timestamp::from_second(start + day * 86_400).unwrap()
}

pub(super) fn candidates(text: &str) -> Vec<Candidate> {
    let candidate = |text: &str| {
        let (text, seen) = text.split_once('+').map_or((text, None), |(text, seen)| (text, Some(seen)));
        let (name, created) = match text.split_once('@') {
            Some((name, "zero")) => (name, Some("0001-01-01T00:00:00Z".parse().unwrap())),
            Some((name, created)) => (name, Some(day(created.parse().unwrap()))),
            None => (text, None),
        };
        Candidate { tag: tag(name), created, since: Since::of(seen.map(|seen| day(seen.parse().unwrap())), None) }
    };
    text.split_whitespace().map(candidate).collect()
}

#[track_caller]
pub(in crate::policy) fn policy(text: &str) -> Policy {
    let mut words = text.split("  ");
    let pattern = words.next().unwrap();
    let options: Vec<(&str, &str)> = words.map(|word| word.split_once('=').unwrap()).collect();
    let dialect = options.iter().find(|(key, _)| *key == "dialect");
    let dialect = dialect.map_or(Dialect::Native, |(_, name)| name.parse().unwrap());
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
            "prerelease" => builder.prerelease(Prerelease::parse(value).unwrap()),
            "versions" => builder.versions(Versions::parse(value).unwrap()),
            "constraint" => builder.constraint(Pattern::parse(value, dialect).unwrap()),
            "min-age" => builder.min_age(MinAge::parse(value).unwrap()),
            "allow-downgrade" => builder.allow_downgrade(value == "true"),
            "dialect" => builder,
            key => panic!("unknown option {key}"),
        };
    }
    builder.build().unwrap_or_else(|error| panic!("{error}"))
}

/// A setting of the tool of this name: `~1.2`, `numerical asc  pattern=^v  extract=$1`, `newest-build
/// allow-tags=any`, `minor  matchPreRelease=false`. A list has blanks between its items.
#[track_caller]
pub(in crate::policy) fn peer(dialect: Dialect, text: &str) -> Peer {
    let mut words = text.split("  ");
    let base = words.next().unwrap();
    let options: Vec<(&str, &str)> = words.map(|word| word.split_once('=').unwrap()).collect();
    let option = |key: &str| options.iter().find(|(name, _)| *name == key).map(|(_, value)| Box::<str>::from(*value));
    let list =
        |key: &str| option(key).map(|items| items.split_whitespace().map(Box::from).collect::<Box<[Box<str>]>>());
    match dialect {
        Dialect::Native => panic!("that is ours"),
        Dialect::Flux => Flux { pattern: Some(text).filter(|text| *text != "-").map(Box::from) }.into(),
        Dialect::Flux2 => {
            let order = |word: &str| Box::from(base.strip_prefix(word).unwrap().trim());
            let policy = match base.split([':', ' ']).next().unwrap() {
                "semver" => Some(Flux2Policy::Semver(order("semver:"))),
                "alphabetical" => Some(Flux2Policy::Alphabetical(order("alphabetical"))),
                "numerical" => Some(Flux2Policy::Numerical(order("numerical"))),
                _ => None,
            };
            let (pattern, extract) = (option("pattern"), option("extract"));
            let filter = (pattern.is_some() || extract.is_some())
                .then(|| Flux2Filter { pattern: pattern.unwrap_or_default(), extract: extract.unwrap_or_default() });
            Flux2 { filter, policy, exclusion: list("exclusionList") }.into()
        }
        Dialect::ArgocdImageUpdater => {
            let (strategy, constraint) = base.split_once(':').map_or((base, None), |(name, text)| (name, Some(text)));
            ArgocdImageUpdater {
                strategy: Some(strategy.into()),
                constraint: constraint.map(Box::from),
                allow_tags: option("allow-tags"),
                ignore_tags: list("ignore-tags").unwrap_or_default(),
                platforms: list("platforms").unwrap_or_default(),
            }
            .into()
        }
        Dialect::Keel => {
            Keel { policy: base.into(), match_tag: option("matchTag"), match_pre_release: option("matchPreRelease") }
                .into()
        }
    }
}

/// The tag that is written on a day, or the name of the hold; and until when that holds.
#[track_caller]
pub(super) fn decided_on(today: i64, policy_text: &str, current: &str, tags: &str) -> (String, Option<Timestamp>) {
    let current = Some(current).filter(|current| !current.is_empty()).map(tag);
    let ruling = decide(&policy(policy_text), current.as_ref(), &candidates(tags), day(today));
    let outcome = match ruling.decision {
        Decision::Update(choice) => choice.tag.to_string(),
        Decision::Hold(hold) => hold.name().to_owned(),
    };
    (outcome, ruling.until)
}

/// The tag that is written, or the name of the hold.
#[track_caller]
pub(super) fn outcome(policy_text: &str, current: &str, tags: &str) -> String {
    decided_on(1, policy_text, current, tags).0
}

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
            assert_eq!(policy.admits(None)(&tag(name)), expected, "{policy_text} {name}");
        }
    }
}

#[test]
fn a_policy_is_shown_as_it_is_written() {
    for text in [
        "semver:~1.2",
        "glob:main-*  order=numeric",
        "regex:(.*)  order=numeric desc  extract=$1  exclude=a,b  allow-downgrade=true",
        "own family  order=newest",
        "own family  within=major",
        "glob:*  order=semver  within=minor",
        "semver:*  within=any  prerelease=same  versions=full  exclude=regex:[^.]*",
        "regex:v.*  order=semver  constraint=semver:~1",
    ] {
        assert_eq!(policy(text).to_string(), text.replace("  ", " "));
        assert_eq!(PolicyBuilder::from_policy(&policy(text)).build(), Ok(policy(text)));
    }
    // What is the default anyway is not shown.
    assert_eq!(policy("semver:*  order=semver").to_string(), "semver:*");
    assert_eq!(policy("*  order=newest").to_string(), "glob:*");
}

#[test]
fn parts_that_make_no_policy() {
    let pattern = |text| Pattern::parse(text, Dialect::Native).unwrap();
    for (builder, told) in [
        (
            Policy::builder(pattern("*")).extract("$1"),
            "extract `$1` needs a regular expression, and the pattern is `glob:*`",
        ),
        (
            Policy::builder(pattern("*")).within(Within::Major),
            "within major compares versions, and the order is newest",
        ),
        (
            Policy::builder(Pattern::family(Dialect::Native))
                .within(Within::Minor)
                .order(Order::parse("numeric").unwrap()),
            "within minor compares versions, and the order is numeric",
        ),
        (
            Policy::builder(pattern("*")).prerelease(Prerelease::Same),
            "prerelease same compares versions, and the order is newest",
        ),
    ] {
        let error = builder.build().unwrap_err().to_string();
        assert!(error.starts_with(told), "{error}");
    }
    assert_eq!(
        Prerelease::parse("none").unwrap_err().to_string(),
        "prerelease `none` has no meaning; use `same` (the same text as in the current version), or remove it"
    );
    assert_eq!(
        Versions::parse("any").unwrap_err().to_string(),
        "versions `any` has no meaning; use `careful` (the default), `loose` (20240131 is one) or `full` (1.2 is none)"
    );
    assert_eq!(
        Within::parse("patch").unwrap_err().to_string(),
        "within `patch` has no meaning; use `major` (stay within the major version), `minor` or `any`"
    );
}

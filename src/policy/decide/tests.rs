//! Decisions as stories: what is chosen, what holds, and what people are told.

use super::{Decision, Hold, decide};
use crate::policy::tests::{candidates, check, day, outcome, policy, tag};

/// The sentence that a person reads.
#[track_caller]
fn told(policy_text: &str, current: &str, tags: &str) -> String {
    let current = Some(current).filter(|current| !current.is_empty()).map(tag);
    match decide(&policy(policy_text), current.as_ref(), &candidates(tags), day(1)).decision {
        Decision::Update(choice) => format!("{}: {}", choice.tag, choice.reason),
        Decision::Hold(hold) => {
            assert!(Hold::NAMES.contains(&hold.name()), "{}", hold.name());
            format!("{}: {hold}", hold.name())
        }
    }
}

#[test]
fn why_this_tag() {
    for (policy, current, tags, expected) in [
        ("semver:~1.2", "1.2.0", "1.2.0 1.2.3 1.2.4 1.3.0", "1.2.4: highest version of 3 matching tags"),
        ("semver:*  order=semver desc", "1.2", "1.1 1.2", "1.1: lowest version of 2 matching tags"),
        ("*", "a", "a@1 b@2", "b: newest of 2 matching tags (created 2026-01-03T00:00:00Z)"),
        ("*  order=newest desc", "b", "a@1 b@2", "a: oldest of 2 matching tags (created 2026-01-02T00:00:00Z)"),
        ("*  order=numeric", "9", "9 10", "10: highest number of 2 matching tags"),
        ("*  order=numeric desc", "10", "9 10", "9: lowest number of 2 matching tags"),
        ("*  order=alphabetical", "a", "a b", "b: last by name of 2 matching tags"),
        ("*  order=alphabetical desc", "b", "a b", "a: first by name of 2 matching tags"),
        ("b", "a", "a@1 b@2", "b: the only matching tag (created 2026-01-03T00:00:00Z)"),
    ] {
        assert_eq!(told(policy, current, tags), expected);
    }
}

#[test]
fn why_nothing_changes() {
    for (policy, current, tags, expected) in [
        ("semver:*", "1.2", "1.1 1.2", "up-to-date: `1.2` is the best of 2 matching tags"),
        ("semver:~1.2", "1.2", "1.2 1.3", "up-to-date: `1.2` is the only matching tag"),
        ("semver:*", "1.2", "", "no-tags: the repository has no tags; check the name of the image"),
        (
            "semver:~1.2  exclude=1.2.9",
            "1.2.0",
            "1.3.0 1.4.0 1.2.9 1.2.8-rc.1 main latest 20240101",
            "no-match: `semver:~1.2 exclude=1.2.9` fits none of 7 tags (2 outside of the constraint, 1 bare numbers of \
             five digits or more, not versions, 1 excluded, 1 named `latest`, 1 not versions, 1 pre-releases, which \
             the constraint does not ask for); change the policy, or wait for a tag that fits",
        ),
        (
            "x",
            "1.2",
            "y",
            "no-match: `glob:x` fits none of 1 tag (1 do not match); change the policy, or wait for a tag that fits",
        ),
        (
            "semver:~1.2",
            "1.3.0",
            "1.2.8 1.2.9 1.3.0",
            "only-older: the best of 2 matching tags, `1.2.9`, is older than the current `1.3.0`; to go back to it set \
             allow-downgrade: \"true\"",
        ),
        (
            "semver:~1.2",
            "1.3.0",
            "1.2.9",
            "only-older: the only matching tag, `1.2.9`, is older than the current `1.3.0`; to go back to it set \
             allow-downgrade: \"true\"",
        ),
        (
            "main-*",
            "main-1",
            "main-1@1 main-2 main-3@3",
            "missing-created: the created time of 1 matching tag is not known (`main-2`), so the newest cannot be \
             told; set an order that the tags can say (semver, numeric, natural or alphabetical), or exclude them",
        ),
        (
            "main-*",
            "main-1",
            "main-5 main-4 main-3 main-2 main-1@1",
            "missing-created: the created time of 4 matching tags is not known (`main-2`, `main-3`, `main-4`, …), so \
             the newest cannot be told; set an order that the tags can say (semver, numeric, natural or alphabetical), or \
             exclude them",
        ),
        (
            "main-*",
            "dev-1",
            "main-1@1 dev-2@1",
            "current-unknown: the created time of the current `dev-1` is not known, and `main-1` may be older; set \
             allow-downgrade: \"true\" to take it, or write a matching tag by hand",
        ),
        (
            "main-*",
            "",
            "main-1@1",
            "current-unknown: the image has no tag now, so its created time is not known, and `main-1` may be older; \
             set allow-downgrade: \"true\" to take it, or write a matching tag by hand",
        ),
        (
            "own family",
            "stable",
            "stable@1 edge@2",
            "no-family: no pattern is stated, and `stable` does not say which tags belong to it; state one, such as \
             semver:*",
        ),
        (
            "own family",
            "",
            "1.2",
            "no-family: no pattern is stated, and the image has no tag that says which ones are meant; state one, \
             such as semver:*",
        ),
        (
            "own family  within=major",
            "main-a1b2c3d",
            "1.2",
            "no-version: the current `main-a1b2c3d` is no version, so nothing is within its major version; write a \
             version by hand first",
        ),
        (
            "semver:*  within=minor",
            "",
            "1.2",
            "no-version: the image has no tag now, so nothing is within its minor version; write a version by hand first",
        ),
    ] {
        assert_eq!(told(policy, current, tags), expected);
    }
}

#[test]
fn why_nothing_is_near_the_current_version() {
    for (policy, current, tags, expected) in [
        (
            "semver:*  prerelease=same",
            "latest",
            "1.2",
            "no-version: the current `latest` is no version, so it cannot be told which one comes next; write a version \
             by hand first",
        ),
        (
            "semver:>=0-0  prerelease=same",
            "1.2.0-alpine",
            "1.2.1-debian 1.2.1 1.2.2-alpine.1",
            "no-match: `semver:>=0-0 prerelease=same` fits none of 3 tags (3 of another pre-release); change the policy, \
             or wait for a tag that fits",
        ),
    ] {
        assert_eq!(told(policy, current, tags), expected);
    }
}

#[test]
fn a_tag_without_a_key_is_older_than_every_one_that_has_one() {
    check("semver:*", "latest", "1.0 latest", "1.0");
    check("semver:*", "", "1.0", "1.0");
    check("semver:*", "20240101", "1.0 20240101", "1.0");
    check("*  order=numeric", "main", "1 main", "1");
    check("*  order=alphabetical", "", "a b", "b");
    check("*  order=alphabetical", "zz", "a b", "only-older");
    check("regex:b-(.*)  extract=$1  order=alphabetical", "z", "b-1", "b-1");
    check("regex:b(-.*)?  extract=$1  order=alphabetical", "b", "b b-1", "b-1");
}

#[test]
fn the_current_tag_is_gone() {
    check("semver:*", "1.2", "1.1 1.3", "1.3");
    check("semver:*", "1.2", "1.1", "only-older");
    check("*", "1.2", "1.1@1 1.3@3", "current-unknown");
    check("*  allow-downgrade=true", "1.2", "1.1@1 1.3@3", "1.3");
    check("*  order=numeric", "12", "11", "only-older");
}

#[test]
fn downgrades_only_when_allowed() {
    check("semver:~1.2", "1.3.0", "1.2.9 1.3.0", "only-older");
    check("semver:~1.2  allow-downgrade=true", "1.3.0", "1.2.9 1.3.0", "1.2.9");
    check("b*", "a", "a@3 b@2", "only-older");
    check("b*  allow-downgrade=true", "a", "a@3 b@2", "b");
    check("*  order=numeric desc  exclude=1", "1", "1 2 3", "only-older");
    check("*  order=numeric desc  exclude=1  allow-downgrade=true", "1", "1 2 3", "2");
}

#[test]
fn ties() {
    // Spellings of one version or number: the deployed one, else the byte-greatest.
    check("semver:*", "", "1.2.3 v1.2.3 1.02.3", "v1.2.3");
    check("semver:*", "1.02.3", "1.2.3 v1.2.3 1.02.3", "up-to-date");
    check("semver:*  order=semver desc", "", "1.2.3 v1.2.3 1.3", "v1.2.3");
    check("*  order=numeric", "05", "5 05 5.0", "up-to-date");
    check("*  order=numeric", "", "5 05 5.0", "5.0");
    check("*  order=natural", "r9", "r9 r10 q11", "r10");
    check("*  order=natural desc", "", "r9 r10 q11", "q11");
    check("*  order=natural", "r10", "r9", "only-older");
    check("regex:b-(.*)-.*  extract=$1  order=natural", "b-9-x", "b-9-x b-10-a b-10-b", "b-10-b");
    // Equal times, and times of 1970: natural order.
    check("*", "r9", "r9@1 r10@1", "r10");
    check("*", "r10", "r9@1 r10@1", "up-to-date");
    check("*", "r9", "r9@0 r10@0", "r10");
    check("*", "r10", "r9@0 r10@0 r8@1", "r8");
    check("r9*", "r10", "r9@1 r10@1", "only-older");
    check("*  order=newest desc", "r10", "r9@1 r10@1", "r9");
    // Equal extracts: natural order of the whole tag.
    check("regex:(\\d)-r.*  extract=$1  order=numeric", "1-r9", "1-r9 1-r10", "1-r10");
    check("regex:(\\d)-r.*  extract=$1  order=numeric desc", "1-r10", "1-r9 1-r10", "1-r9");
}

#[test]
fn times_of_1970_are_one_and_the_same() {
    let mut tags = candidates("r9@0 r10@0");
    tags[0].created = tags[0].created.map(|created| created + jiff::SignedDuration::from_hours(24));
    let Decision::Update(choice) = decide(&policy("*"), Some(&tag("r9")), &tags, day(1)).decision else { panic!() };
    assert_eq!(choice.tag, tag("r10"));
    assert_eq!(choice.created, tags[1].created);
}

#[test]
fn own_family() {
    let tags = "1.2.3@1 1.2.4@2 v1.9@3 a1b2c3d@4 main-a1b2c3d@5 main-0f00ba4@6 20240131@7 1.3.0-rc.1@8 1.2.5-alpine@9 \
                build-9@1 build-10@1 2024-01-31@1 2024-02-01@1 latest@9 b2c3d4e@9";
    for (current, expected) in [
        ("1.2.3", "1.2.4"),
        ("1.2.3-rc.1", "1.3.0-rc.1"),
        ("1.2.3-alpine", "1.2.5-alpine"),
        ("v1.2.3", "v1.9"),
        ("a1b2c3d", "b2c3d4e"),
        ("main-a1b2c3d", "main-0f00ba4"),
        ("main-9999999a", "current-unknown"),
        ("build-9", "build-10"),
        ("2024-01-31", "2024-02-01"),
        ("20240131", "up-to-date"),
        ("3", "no-match"),
        ("latest", "no-family"),
    ] {
        assert_eq!(outcome("own family", current, tags), expected, "{current}");
    }
    check("own family  order=newest", "1.2.3", "1.2.3@1 1.2.4@3 1.2.5@2 main@9", "1.2.4");
    check("own family  order=numeric", "build-9", "build-9 build-10", "build-10");
}

#[test]
fn near_the_current_version() {
    check("semver:*  within=major", "1.2.3", "1.2.3 1.9 2.0", "1.9");
    check("semver:*  within=minor", "1.2.3", "1.2.3 1.2.9 1.9 2.0", "1.2.9");
    check("semver:*  within=major", "latest", "1.9", "no-version");
    check("semver:*  within=any", "1.2.3", "1.9 2.0", "2.0");
    check("semver:*  within=any", "latest", "1.9", "no-version");
    check("semver:>=0-0  prerelease=same", "1.2-alpine", "1.3 1.3-alpine 1.4-debian", "1.3-alpine");
    check("semver:>=0-0  prerelease=same", "1.2", "1.3 1.4-rc.1", "1.3");
    check("semver:*  prerelease=same", "1.2-alpine", "1.3-alpine", "no-match");
    check("own family  prerelease=same", "1.2.0-rc.1", "1.3.0-rc.1 1.4.0-rc.2 1.2.0", "1.3.0-rc.1");
    check(
        "regex:app-(.*)  extract=$1  order=semver  within=minor  prerelease=same",
        "app-1.2",
        "app-1.2.9 app-1.3",
        "app-1.2.9",
    );
    check("regex:app-(.*)  extract=$1  order=semver  within=major", "app-1.2", "app-1.9 app-2.0", "app-1.9");
}

#[test]
fn created_times_are_asked_for_only_when_they_decide() {
    for (text, current, needs) in [
        ("*", "a", true),
        ("semver:*", "1", false),
        ("semver:*  order=newest", "1", true),
        ("*  order=numeric", "1", false),
        ("own family", "1.2.3", false),
        ("own family", "main-a1b2c3d", true),
        ("own family", "latest", false),
        ("own family  order=newest", "1.2.3", true),
    ] {
        assert_eq!(policy(text).needs_created(Some(&tag(current))), needs, "{text} {current}");
    }
}

#[test]
fn numbers_of_the_ruling_count_each_tag_once() {
    let ruling = decide(&policy("semver:~1"), None, &candidates("1.0 1.1 1.1 2.0 1.0 x"), day(1));
    assert_eq!((ruling.matched, ruling.of), (2, 4));
    let ruling = decide(&policy("*"), None, &candidates("a@1 b b@2 c@3"), day(1));
    assert_eq!((ruling.matched, ruling.of), (3, 3));
}

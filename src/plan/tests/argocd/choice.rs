//! Which tag is chosen, by the words of a list: the tables of the tool's own tests (argocd-image-updater,
//! registry-scanner, Apache-2.0), with our deliberate differences.

use super::super::{NOW, survey, write};
use super::{app, files};
use crate::image::{Repository, Tag};
use crate::manifest::Scope;
use crate::plan::{Plan, Scan, Verdict, findings};
use crate::policy::Candidate;

/// What becomes of an image of `current` where these tags are there, built one after the other, with these
/// annotations behind the list `web=x` + `constraint`: a tag, or the name of a hold.
fn chosen(constraint: &str, annotations: &[(&str, &str)], current: &str, tags: &str) -> String {
    let list = format!("web=x{constraint}");
    let mut all = vec![("image-list", list.as_str())];
    all.extend(annotations);
    let repository = format!(
        "{}=== web/a.yaml\nkind: Pod\nmetadata: {{name: a}}\nspec: {{containers: [{{name: c, image: 'x:{current}'}}]}}\n",
        app("web", &all, "  source: {path: web}\n")
    );
    let files = files(&repository);
    let inventory = survey(&files, Scope::Annotated);
    let candidate = |(at, tag)| Candidate {
        tag: Tag::parse(tag).unwrap(),
        created: Some(format!("2026-01-01T00:{at:02}:00Z").parse().unwrap()),
        since: None,
    };
    let candidates = tags.split_whitespace().enumerate().map(candidate).collect();
    let scans = [(Repository::parse("x").unwrap(), Scan::Complete(candidates))].into();
    let now = NOW.parse().unwrap();
    let mut plan = Plan::draw(&inventory, &findings(&inventory.watches(now), &scans, now), now);
    write(&mut plan, &files);
    match &plan.entries[0].verdict {
        Verdict::Update(update) => update.to.to_string(),
        Verdict::Hold(hold) => hold.name().to_owned(),
    }
}

const TAGS: &str = "0.1 0.5.1 0.9 1.0 1.0.1 1.1.2 2.0.3";

#[test]
fn versions() {
    for (constraint, current, tags, expected) in [
        ("", "1.0", TAGS, "2.0.3"),
        ("", "latest", TAGS, "2.0.3"),
        (":^1.0", "1.0", TAGS, "1.1.2"),
        (":^1.0", "something", TAGS, "1.1.2"),
        (":~1.0", "1.0", TAGS, "1.0.1"),
        (":~1.0", "1.0", "0.1 0.5.1 0.9 2.0.3", "no-match"),
        (":latest", "1.0", TAGS, "mistake"),
        (":~1.0", "1.0", "", "no-tags"),
        ("", "v2.1.0", "v2.2.0 v2.3.0-rc.0.18.g1abb7b5dd-ppc64le", "v2.2.0"),
        ("", "1.0", "zz bb yy cc yy aa ll", "no-match"),
        (":>=1.0 <2", "1.0", TAGS, "1.1.2"),
        (":1.x || 2.x", "1.0", TAGS, "2.0.3"),
        // On purpose otherwise: nobody goes back, and a date is no version.
        (":~1.0", "1.1.2", TAGS, "only-older"),
        ("", "1.0", "1.0 1.1 20240101", "1.1"),
    ] {
        assert_eq!(chosen(constraint, &[], current, tags), expected, "x{constraint} from {current}: {tags}");
    }
}

#[test]
fn other_strategies() {
    let built = "zz bb yy cc aa ll";
    let row =
        |strategy: &str, current: &str, tags: &str| chosen("", &[("web.update-strategy", strategy)], current, tags);
    assert_eq!(row("newest-build", "bb", built), "ll");
    assert_eq!(row("latest", "bb", built), "ll");
    assert_eq!(row("semver", "bb", built), "no-match");
    assert_eq!(row("alphabetical", "bb", built), "zz");
    assert_eq!(row("name", "bb", built), "zz");
    assert_eq!(row("digest", "bb", built), "mistake");
    assert_eq!(row("newest", "bb", built), "mistake");
    // On purpose otherwise: nobody goes back, and `latest` is taken where it is named.
    assert_eq!(row("newest-build", "ll", built), "up-to-date");
    assert_eq!(row("newest-build", "aa", "aa latest"), "up-to-date");
    let platforms = [("web.update-strategy", "newest-build"), ("web.platforms", "linux/arm64")];
    assert_eq!(chosen("", &platforms, "bb", built), "mistake", "which platforms there are is not known yet");
    let platforms = [("web.platforms", "linux/arm64")];
    assert_eq!(chosen("", &platforms, "1.0", TAGS), "2.0.3", "only builds and digests are looked at so");
}

#[test]
fn tags_that_are_allowed_and_ignored() {
    let names = |key: &str, value: &str, tags: &str| {
        chosen("", &[("web.update-strategy", "alphabetical"), (key, value)], "a", tags)
    };
    for (ignored, tags, expected) in [
        ("tag?, foo", "a tag1", "up-to-date"),
        ("tag?, foo", "a foo", "up-to-date"),
        ("tag?, foo", "a tag10", "tag10"),
        ("*", "a tag10", "no-match"),
        ("tag[0-5]", "a tag4 tag6", "tag6"),
    ] {
        assert_eq!(names("web.ignore-tags", ignored, tags), expected, "{ignored}: {tags}");
    }
    for (allowed, expected) in [
        ("any", "lemon"),
        ("ANY", "lemon"),
        ("other", "mistake"),
        ("not-regexp:a-z", "mistake"),
        ("regexp:[aA-zZ", "mistake"),
        ("regexp:[a-z]+", "lemon"),
        ("RegExp:^[0-9]+$", "only-older"),
    ] {
        assert_eq!(names("web.allow-tags", allowed, "0 31337 lemon"), expected, "{allowed}");
    }
    // What is said of all gives way to what is said of one.
    let both = [("update-strategy", "alphabetical"), ("allow-tags", "regexp:^9"), ("web.allow-tags", "regexp:^l")];
    assert_eq!(chosen("", &both, "a", "9 lemon"), "lemon");
}

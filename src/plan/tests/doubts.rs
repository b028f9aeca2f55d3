//! What the tags that there are say of policies.

use super::{NOW, pod, scans, survey};
use crate::manifest::Scope;
use crate::plan::doubts;

/// The doubts about one container with these annotations, without their place.
#[track_caller]
fn check(annotations: &str, image: &str, tags: &str, expected: &[&str]) {
    let inventory = survey(&[("a.yaml", &pod("a", annotations, &[("c", image)]))], Scope::Everything);
    let doubts = doubts(&inventory, &scans(tags), NOW.parse().unwrap());
    let shown: Vec<_> = doubts
        .iter()
        .map(|problem| {
            assert_eq!((problem.place.line, problem.place.column), (6, 12), "{problem}");
            format!("{}: {} [{}]", problem.severity, problem.text(), problem.rule)
        })
        .collect();
    assert_eq!(shown, expected, "{annotations} {image} {tags}");
}

const SEMVER: &str = "landwaiter/automated: 'true', landwaiter/tag-semver: '~1.2'";

#[test]
fn what_fits_and_is_there_is_not_doubted() {
    check(SEMVER, "x:1.2.0", "x: 1.2.0 1.2.1 latest", &[]);
    check(SEMVER, "x:1.2.0", "y: 1.2.0", &[]);
    check(SEMVER, "x:1.2.0", "", &[]);
    check("landwaiter/automated: 'true'", "x:main-a1b2c3d", "x: main-a1b2c3d", &[]);
    check("landwaiter/tag-semver: '9'", "x:1.2.0", "x: 1.0", &[]);
    let digest = "0".repeat(64);
    check(SEMVER, &format!("x:9@sha256:{digest}"), "x: 1.0", &[]);
    check(&format!("{SEMVER}, landwaiter/locked: 'true'"), "x:9", "x: 1.0", &[]);
}

#[test]
fn a_policy_that_fits_nothing() {
    check(
        SEMVER,
        "x:1.3.0",
        "x: 1.3.0 1.1.9 latest main",
        &[
            "error: `semver:~1.2` fits none of the 4 tags of `docker.io/library/x` (2 outside of the constraint, 1 named `latest`, 1 not versions); change it, or wait for a tag that fits; the nearest is `1.1.9`: does not satisfy `semver:~1.2` [no-match]",
        ],
    );
    check(
        SEMVER,
        "x:1.2.1-rc.1",
        "x: 1.2.1-rc.1 1.4.0",
        &[
            "error: `semver:~1.2` fits none of the 2 tags of `docker.io/library/x` (1 outside of the constraint, 1 pre-releases, which the constraint does not ask for); change it, or wait for a tag that fits; the nearest is `1.2.1-rc.1`: a pre-release, and `semver:~1.2` does not ask for one (a `-0` behind a version does) [no-match]",
        ],
    );
    check(
        "landwaiter/automated: 'true', landwaiter/tag-glob: 'mian-*'",
        "x:main-1",
        "x: main-1 release-2 1.0",
        &[
            "error: `glob:mian-*` fits none of the 3 tags of `docker.io/library/x` (3 do not match); change it, or wait for a tag that fits; the nearest is `main-1`: does not match `glob:mian-*` [no-match]",
        ],
    );
    check(
        &format!("{SEMVER}, landwaiter/exclude: '1.2.*'"),
        "x:1.2.0",
        "x: 1.2.0 1.2.1 2.0.0",
        &[
            "error: what is excluded leaves nothing for `semver:~1.2 exclude=1.2.*` among the 3 tags of `docker.io/library/x` (2 excluded, 1 outside of the constraint); exclude less; the nearest is `1.2.1`: excluded by `1.2.*` [no-match]",
        ],
    );
    check(
        "landwaiter/automated: 'true'",
        "x:1.0-alpine",
        "x: 1.0 1.1",
        &[
            "warning: there is no tag `1.0-alpine` among the 2 tags of `docker.io/library/x`; write one that is there, or let the policy choose [missing-tag]",
            "error: `own family` fits none of the 2 tags of `docker.io/library/x` (2 of another family); change it, or wait for a tag that fits; the nearest is `1.0`: not of the current tag's own family `1.2.3-alpine` [no-match]",
        ],
    );
    check(
        SEMVER,
        "x:1.2.0",
        "x: latest",
        &[
            "warning: there is no tag `1.2.0` among the 1 tag of `docker.io/library/x`; write one that is there, or let the policy choose [missing-tag]",
            "error: `semver:~1.2` fits none of the 1 tag of `docker.io/library/x` (1 named `latest`); change it, or wait for a tag that fits [no-match]",
        ],
    );
}

#[test]
fn a_tag_that_is_not_there_or_not_wanted() {
    check(
        SEMVER,
        "x:1.2.3",
        "x: 1.2.13 1.2.0",
        &[
            "warning: there is no tag `1.2.3` among the 2 tags of `docker.io/library/x`; did you mean `1.2.13`? [missing-tag]",
        ],
    );
    check(
        SEMVER,
        "x:1.1.0",
        "x: 1.1.0 1.2.0",
        &[
            "hint: `semver:~1.2` would not take the tag `1.1.0` that stands here: does not satisfy `semver:~1.2`; the next pass writes `1.2.0`; nothing is to be done if that is meant [tag-not-admitted]",
        ],
    );
    check(
        SEMVER,
        "x:1.3.0",
        "x: 1.3.0 1.2.0",
        &[
            "warning: `semver:~1.2` would not take the tag `1.3.0` that stands here: does not satisfy `semver:~1.2`; change the policy, or write another tag: the only matching tag, `1.2.0`, is older than the current `1.3.0`; to go back to it set allow-downgrade: \"true\" [tag-not-admitted]",
        ],
    );
}

#[test]
fn a_tag_that_does_not_say_which_ones_are_meant() {
    let on = "landwaiter/automated: 'true'";
    let told = "error: no pattern is stated, and `stable` does not say which tags belong to it; state one, such as semver:* [unclear-tag]";
    check(on, "x:stable", "", &[told]);
    check(on, "x:stable", "x: stable 1.0", &[told]);
    check(
        on,
        "x",
        "",
        &[
            "error: no pattern is stated, and the image has no tag that says which ones are meant; state one, such as semver:* [unclear-tag]",
        ],
    );
    check(
        "landwaiter/automated: 'true', landwaiter/policy: minor",
        "x:main-1",
        "",
        &[
            "error: the current `main-1` is no version, so nothing is within its major version; write a version by hand first [unclear-tag]",
        ],
    );
}

#[test]
fn a_repository_that_cannot_be_listed_is_told_once() {
    let two = format!(
        "{}---\n{}",
        pod("a", SEMVER, &[("c", "x:1.2.0"), ("d", "x:1.2.1")]),
        pod("b", SEMVER, &[("c", "x:1.2.0")])
    );
    let inventory = survey(&[("a.yaml", &two)], Scope::Everything);
    let told = |tags: &str| -> Vec<String> {
        doubts(&inventory, &scans(tags), NOW.parse().unwrap()).iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        told("x! docker.io/library/x: 404, not found; check the credentials"),
        [
            "a.yaml:6:12: warning: the tags of `docker.io/library/x` cannot be listed: 404, not found; check the credentials"
        ]
    );
}

#[test]
fn ten_thousand_containers_of_one_image_are_one_judgement() {
    let images: Vec<_> = (0..10_000).map(|at| (format!("c{at}"), "x:1.3.0".to_owned())).collect();
    let images: Vec<_> = images.iter().map(|(name, image)| (name.as_str(), image.as_str())).collect();
    let inventory = survey(&[("a.yaml", &pod("a", SEMVER, &images))], Scope::Everything);
    let tags = (0..10_000).map(|at| format!("1.3.{at}")).collect::<Vec<_>>().join(" ");
    let since = std::time::Instant::now();
    let found = doubts(&inventory, &scans(&format!("x: {tags}")), NOW.parse().unwrap());
    assert_eq!(found.len(), 10_000);
    assert!(since.elapsed().as_secs() < 30, "{:?}", since.elapsed());
}

//! Argo CD Image Updater: argoproj-labs/argocd-image-updater (Apache-2.0), facts of its tests and code.

use super::refused;
use crate::policy::Dialect;
use crate::policy::tests::peer;

const SEVEN: &str = "0.1 0.5.1 0.9 1.0 1.0.1 1.1.2 2.0.3";

#[track_caller]
fn check(setting: &str, current: &str, tags: &str, expected: &str) {
    super::check(Dialect::ArgocdImageUpdater, setting, current, tags, expected);
}

#[test]
fn strategies() {
    for current in ["1.0", "latest", "something", ""] {
        check("semver", current, SEVEN, "2.0.3");
        check("semver:^1.0", current, SEVEN, "1.1.2");
        check("semver:~1.0", current, SEVEN, "1.0.1");
    }
    check("", "1.0", SEVEN, "2.0.3");
    check("SemVer", "1.0", SEVEN, "2.0.3");
    check("no-strategy", "1.0", SEVEN, "2.0.3");
    check("semver:~1.0", "1.0", "0.1 0.5.1 0.9 2.0.3", "stays");
    check("semver:latest", "1.0", SEVEN, "fails");
    check("semver:~1.0", "1.0", "", "stays");
    check("semver", "", "v2.2.0 v2.3.0-rc.0.18.g1abb7b5dd-ppc64le", "v2.2.0");
    check("semver:*-0", "", "v2.2.0 v2.3.0-rc.0.18.g1abb7b5dd-ppc64le", "v2.3.0-rc.0.18.g1abb7b5dd-ppc64le");
    let dated = "zz@1 bb@2 yy@3 cc@4 yy@5 aa@6 ll@7";
    for name in ["newest-build", "latest"] {
        check(name, "zz", dated, "ll");
    }
    check("semver", "zz", dated, "stays");
    for name in ["alphabetical", "name"] {
        check(name, "aa", dated, "zz");
    }
    check("digest:latest", "1", "latest 1", "latest");
    check("digest:latest", "latest", "latest 1", "stays");
    check("digest:gone", "1", "latest 1", "stays");
    check("digest", "1", "latest 1", "fails");
    // Sorted: v1.0 v1.0.1 v2.0 v2.0.0 v2.0.2 v2.0.3, and of equal ones the last by name.
    check("semver", "", "v2.0.2 v1.0 v2.0.0 v1.0.1 v2.0.3 v2.0", "v2.0.3");
    check("semver:<=2.0.0", "", "v2.0.2 v1.0 v2.0.0 v1.0.1 v2.0.3 v2.0", "v2.0.0");
    check("semver", "", "1.2.3 v1.2.3", "v1.2.3");
    check("newest-build", "", "b@1 a@1", "b");
    check("newest-build", "a", "a@1 b", "needs the created time of b");
    // A date is a version, and the highest.
    check("semver", "1.0", "1.0 1.1 20240101", "20240101");
    check("semver:*-0", "1.0", "1.0 1.1 20221209-update-renovatejson-v4", "20221209-update-renovatejson-v4");
    // The current tag means nothing.
    check("semver", "2.0.4", SEVEN, "2.0.3");
    check("alphabetical", "zzz", "a b", "b");
    check("newest-build", "c", "a@1 b@1", "b");
    check("alphabetical", "1", "1 latest", "latest");
    // `^*` is documented as any version, and takes 0.0.0 alone.
    check("semver:^*", "", "0.0.0 1.0.0", "0.0.0");
}

#[test]
fn allowed_and_ignored() {
    check("alphabetical  allow-tags=regexp:[a-z]+", "", "31337 lemon", "lemon");
    check("alphabetical  allow-tags=RegExp:^[a-z]+$", "", "31337 lemon zoo1", "lemon");
    check("alphabetical  allow-tags=regexp:an", "", "banana zz", "banana");
    for any in ["any", "ANY", ""] {
        check(&format!("alphabetical  allow-tags={any}"), "", "a b", "b");
    }
    for none in ["other", "not-regexp:a-z", "regexp:[aA-zZ", "regexp:a**", "^a"] {
        check(&format!("alphabetical  allow-tags={none}"), "", "a lemon", "stays");
    }
    check("alphabetical  ignore-tags=tag? foo", "", "tag1 foo tag10", "tag10");
    check("alphabetical  ignore-tags=tag? foo", "", "tag1 foo", "stays");
    check("alphabetical  ignore-tags=*", "", "tag1 foo", "stays");
    check("alphabetical  ignore-tags=[a-z]* [^0-1]", "", "1 2 b", "1");
    check(r"alphabetical  ignore-tags=\b [!a]", "", "a b c", "c");
    // What is no glob ignores nothing.
    check("alphabetical  ignore-tags=[b", "", "a b", "b");
    check("semver:~1  allow-tags=regexp:^1\\.", "", "1.0 1.1 11.0 1.2-rc.1", "1.1");
    // Platforms say nothing of names.
    check("semver  platforms=linux/arm64", "", "1.0", "1.0");
}

#[test]
fn what_is_carried_over() {
    for (setting, policy) in [
        ("semver", "semver:*"),
        ("semver:~1.2", "semver:~1.2"),
        ("semver  platforms=linux/arm64", "semver:*"),
        ("semver:~1.2  allow-tags=regexp:^v", "regex:^v order=semver constraint=semver:~1.2"),
        ("semver  allow-tags=regexp:^v  ignore-tags=*-rc*", "regex:^v order=semver constraint=semver:* exclude=*-rc*"),
        ("newest-build", "glob:*"),
        ("latest  allow-tags=regexp:^main-", "regex:^main-"),
        ("name", "glob:* order=alphabetical"),
        (
            "alphabetical  allow-tags=any  ignore-tags=[a-c]* \\x tag?",
            r"glob:* order=alphabetical exclude=regex:[a-c].*,regex:x,tag?",
        ),
    ] {
        assert_eq!(peer(Dialect::ArgocdImageUpdater, setting).policy().unwrap().to_string(), policy);
    }
    let refused = |setting: &str, told: &str| refused(Dialect::ArgocdImageUpdater, setting, told);
    refused("newest", "`update-strategy`: `newest` is no strategy; write `semver`, `newest-build` or `alphabetical`");
    refused(
        "digest:latest",
        "`update-strategy`: `digest` follows the digest of a tag, which is not supported yet; write `newest-build`, or leave the image to the tool that does it",
    );
    refused(
        "newest-build  platforms=linux/arm64 linux/amd64",
        "`platforms`: `linux/arm64, linux/amd64` limits the platforms of an image, which is not supported yet; remove it, or name the tags with `allow-tags`",
    );
    refused(
        "semver:latest",
        "`constraint`: `semver:latest` is no version constraint: expected a version such as `1.2.3` and found `latest` (at character 1); write numbers, or `x` for any",
    );
    refused(
        "semver  allow-tags=^v",
        "`allow-tags`: `^v` is no rule, so it allows no tag; write `regexp:` and an expression, or `any`",
    );
    refused(
        "semver  allow-tags=regexp:[a",
        r"`allow-tags`: `regex:[a` is no regular expression: unclosed character class; put `\` before a sign that is meant, and close what is open",
    );
    refused(
        "semver  ignore-tags=[b",
        "`ignore-tags`: `[b` is no glob, since it has a `[` that is never closed, so it ignores nothing; close what is open, or remove it",
    );
}

//! Facts from the tests of the tools that users come from, and from running them. Where we differ,
//! the row says why.

use super::{admits, check};
use crate::policy::{Dialect, Pattern};

/// fluxcd/flux at c2317f8 (Apache-2.0), `pkg/policy/pattern_test.go`, and its code run on more tags.
#[test]
fn flux_1_patterns() {
    admits("*  dialect=flux", "1 foo", "");
    admits("glob:*  dialect=flux", "1 foo", "latest");
    admits("master-*  dialect=flux", "master- master-foo", "foo-master");
    admits("*-*  dialect=flux", "master-", "prod");
    admits("1.*.*  dialect=flux", "1.2.3", "1.2");
    admits("**  dialect=flux", "a 1", "");
    admits(
        "semver:*  dialect=flux",
        "1 1.0 v1.0.3 1.2.3 v1.2.3 2.0.0 12345678",
        "latest 2.0.1-alpha.1 1.2.3-rc.1 v1.2.3-alpine 2.0.0-0",
    );
    admits("semver:x  dialect=flux", "1 1.2.3 12345678", "1.2.3-rc.1");
    admits("semver:~1  dialect=flux", "v1 1 1.2 1.2.3 v1.2.3", "2.0.0 12345678 1.2.3-rc.1");
    admits("semver:v1  dialect=flux", "1 1.2 v1.2.3", "2.0.0");
    admits("semver:1  dialect=flux", "1 1.2 v1.2.3", "2.0.0");
    for same in ["~1.2", "1.2.x", "~>1.2"] {
        admits(&format!("semver:{same}  dialect=flux"), "1.2 1.2.3", "1 1.0 2.0.0");
    }
    admits("semver:^1.2  dialect=flux", "1.2 1.2.3", "1.0 2.0.0");
    admits("semver:^0.2.3  dialect=flux", "0.2.3 0.2.9", "0.2.2 0.3.0");
    admits("semver:~0.0.0  dialect=flux", "0.1 1.2.3 2.0.0", "1.2.3-rc.1");
    admits("semver:>=1.0.0  dialect=flux", "1 2.0.0 12345678", "1.2.3-rc.1");
    admits("semver:>=1.0.0-0  dialect=flux", "1 2.0.0 1.2.3-rc.1 2.0.0-0 v1.2.3-alpine", "0.9.9");
    admits("semver:>1  dialect=flux", "2.0.0", "1.2.3");
    admits("semver:>1.2  dialect=flux", "2.0.0", "1.2.3");
    admits("semver:<=1.2  dialect=flux", "1.2.9", "1.3");
    admits("semver:<2  dialect=flux", "1.9", "1.9-rc");
    admits("semver:1 - 2  dialect=flux", "2.5", "3");
    admits("semver:1.2 - 1.4.5  dialect=flux", "1.2", "1.0");
    admits("semver:1.2.3 || 2.0.0  dialect=flux", "1.2.3 2.0.0", "1.2.4");
    admits("semver:=>1.0  dialect=flux", "1.0", "0.9");
    admits("semver:1.2.3-alpine  dialect=flux", "1.2.3-alpine", "1.2.3");
    admits("semver:~1.2.0-alpine  dialect=flux", "1.2.3-debian 1.2.3", "1.2.0-aaa");
    admits("semver:2.0.1-alpha.1  dialect=flux", "2.0.1-alpha.1", "2.0.1");
    admits("regexp:(.*?)  dialect=flux", "1 foo foo-1", "");
    admits("regexp:^([a-zA-Z]+)$  dialect=flux", "foo BAR", "1 foo-1");
    admits(r"regex:^\w{7}(?:\w)?$  dialect=flux", "af14eb2 bb73ed94 946427ff", "foo 946427ff-foo");
    admits("regexp:stg  dialect=flux", "stg xstg", "prod");

    // Its semver 3.1 asks each term for a pre-release; 3.4, which we follow, asks the group once.
    admits("semver:>=1.0.0-rc.0, <1.0.1  dialect=flux", "1.0.0-rc.1 1.0.0", "1.0.1");
    admits("semver:>=1.0.0-0 <2.0.0-0  dialect=flux", "1.5.0-rc.1", "2.0.0-rc.1");
    admits("semver:!=1.2.3  dialect=flux", "2.0.0", "1.2.3 v1.2.3 1.2.3-rc.1 2.0.0-0");
    // Its globs know `*` alone and take these signs literally.
    admits("pro?  dialect=flux", "prod", "pro");
    admits("{prod,dev}-*  dialect=flux", "prod-1 dev-1", "stg-1");
}

/// There, each of these matches every tag (or every version); here it is an error with a mend.
#[test]
fn what_flux_1_lets_pass_is_an_error() {
    for pattern in [
        "semver:",
        "semver: ",
        "semver:invalid",
        "semver:>=1.0.0 & <2",
        "regexp:*",
        "regexp:^(?!foo)",
        "regexp:",
        "glob:",
        " semver:~1",
        "Regexp:^a",
        "globsemver:1",
    ] {
        assert!(Pattern::parse(pattern, Dialect::Flux).is_err(), "{pattern:?}");
    }
}

/// fluxcd/flux, `pkg/image/image_test.go`, `pkg/update/images_test.go`, `pkg/daemon/images_test.go`.
#[test]
fn flux_1_selection() {
    check("semver:*  dialect=flux", "1", "3 v1 1.10 1.2.30 1.10.0 bbb-not-semver aaa-not-semver", "3");
    check("semver:*  dialect=flux", "", "2 v1.0.0 v1 1.0.0 1.0 1 1.0.0-rc.1 bar foo", "2");
    check("semver:1.2.3-0 - 1.2.3  dialect=flux", "", "1.2.3-beta 1.2.3-alpha.10 1.2.3-alpha.2", "1.2.3-beta");
    // Equal versions: the byte-greatest there, and here unless one is deployed.
    check("semver:~1.0  dialect=flux", "0.1", "v1.0.0 v1 1.0.0 1.0 1", "v1.0.0");
    check("semver:~1.0  dialect=flux", "1.0", "v1.0.0 v1 1.0.0 1.0 1", "up-to-date");
    // Equal times: the byte-smallest there; here what reads as the later one.
    check("*  dialect=flux", "0.1.0", "0.1.0@1 0-1-beta@2 0.1.0-beta@2 1.10@2 1.9@2", "1.10");
    check("*  dialect=flux", "a", "a@1 0@3 1@2 2@2", "0");
    // `latest` is chosen only by its name, and then nothing ever changes.
    check("latest  dialect=flux", "latest", "latest@2 v0@1", "up-to-date");
    check("latest  dialect=flux", "v0", "latest@2 v0@1", "latest");
    check("*  dialect=flux", "v0", "latest@2 v0@1", "up-to-date");
    // Tags without metadata: no matter for semver, and a reason to hold for newest.
    check("semver:*  dialect=flux", "v1", "v1@1 v2@2 latest", "v2");
    check("semver:*  dialect=flux", "v1", "v1@1 v2@2 v9", "v9");
    check("*  dialect=flux", "v1", "v1@1 v2@2 v9", "missing-created");
    // Without metadata for the current tag: newest holds, semver goes on.
    check("*  dialect=flux", "old", "new@2", "current-unknown");
    check("semver:^1.0  dialect=flux", "1.0.0", "1.1.0", "1.1.0");
    check("*  dialect=flux", "1", "1@1 2@5 3@4", "2");
    check("semver:*  dialect=flux", "1", "1@1 2@5 3@4", "3");
    check("semver:~3.1  dialect=flux", "3.1.0", "3.1.0@1 3.0.5@9 3.1.2@2", "3.1.2");
    check(
        "glob:3.1.1-debian-9-*  dialect=flux",
        "3.1.1-debian-9-r0",
        "3.0.2-debian-9-r3@1 3.1.1-debian-9-r0@2",
        "up-to-date",
    );
    // A late build, a deleted tag or a tighter filter is a downgrade there; here it holds.
    check("1.*  dialect=flux", "1.3", "1.3@3 1.2@2", "up-to-date");
    check("semver:~1.2  dialect=flux", "1.3.0", "1.2.9 1.3.0", "only-older");
    check("1.2*  dialect=flux", "1.3", "1.3@3 1.2@2", "only-older");
    check("1.2*  dialect=flux  allow-downgrade=true", "1.3", "1.3@3 1.2@2", "1.2");
}

const WITH_STAMPS: &str = "rel-1606234201 rel-1606364286 rel-1606334092 rel-1606334284 rel-1606334201";

/// fluxcd/image-reflector-controller (Apache-2.0), `internal/policy/alphabetical_test.go`.
#[test]
fn flux_2_alphabetical() {
    for (tags, last, first) in [
        ("16.04 16.04.1 16.10 20.04 20.10", "20.10", "16.04"),
        ("xenial yakkety zesty artful bionic", "zesty", "artful"),
        ("1606234201 1606364286 1606334092 1606334284 1606334201", "1606364286", "1606234201"),
        (WITH_STAMPS, "rel-1606364286", "rel-1606234201"),
        (
            "2021-01-08T21-18-21Z 2020-05-08T21-18-21Z 2021-01-08T19-20-00Z 1990-01-08T00-20-00Z 2023-05-08T00-20-00Z",
            "2023-05-08T00-20-00Z",
            "1990-01-08T00-20-00Z",
        ),
        ("9 10", "9", "10"),
        ("", "no-tags", "no-tags"),
    ] {
        check("*  order=alphabetical", "", tags, last);
        check("*  order=alphabetical desc", "", tags, first);
        check("*  order=ALPHABETICAL DESC", "", tags, first);
    }
}

/// fluxcd/image-reflector-controller, `internal/policy/numerical_test.go`. A tag cannot begin with a
/// sign, so numbers are taken out of tags here.
#[test]
fn flux_2_numerical() {
    const SIGNED: &str = r"regex:n(.*)  extract=$1  order=numeric";
    check(SIGNED, "", "n-62 n-88 n73 n72 n15 n16 n15 n29 n-33 n-91", "n73");
    check(&format!("{SIGNED} desc"), "", "n5 n-8 n-78 n25 n70 n-4 n80 n92 n-20 n-24", "n-78");
    check(SIGNED, "", "n47.40896403322944 n-27.8520927455902 n53.47333823144817 n31.43", "n53.47333823144817");
    check(&format!("{SIGNED} desc"), "", "n-90.29082099756083 n-9.1 n0.5 n-90.29", "n-90.29082099756083");
    check("*  order=numeric", "", "1606234201 1606364286 1606334092 1606334284 1606334201", "1606364286");
    check("*  order=numeric desc", "", "1606234201 1606364286 1606334092 1606334284 1606334201", "1606234201");
    check("*  order=numeric", "", "1", "1");
    check("*  order=numeric desc", "", "1", "1");
    check("*  order=numeric", "", "", "no-tags");
    // One tag that is no number fails the policy there; here it drops out.
    check("*  order=numeric", "", "0 1a b", "0");
    check("*  order=numeric", "", "latest 1 2", "2");
    check("*  order=numeric", "", "1a b", "no-match");
    check("*  order=numeric", "", "9 3 nan inf 0x1p9 1e9", "9");
    check("*  order=numeric", "", "1_000 999", "1_000");
    // Floats of 64 bits tell these two not apart.
    check("*  order=numeric", "", "20250101123456788 20250101123456789", "20250101123456789");
}

/// fluxcd/image-reflector-controller, `internal/policy/{semver,filter}_test.go`,
/// `internal/controller/{policy,imagepolicy_controller}_test.go`.
#[test]
fn flux_2_semver_and_filters() {
    for range in ["1.0.x", "^1.0", "=1.0.0", "~1.0", ">=1.0", ">0,<2.0"] {
        assert!(Pattern::parse(&format!("semver:{range}"), Dialect::Native).is_ok(), "{range}");
    }
    for range in ["1.0.0p", "1x", "x1", "-1", "a", "", "*-*"] {
        assert!(Pattern::parse(&format!("semver:{range}"), Dialect::Native).is_err(), "{range}");
    }
    check("semver:1.0.x", "", "1.0.0 1.0.0.1 1.0.0p 1.0.1 1.2.0 0.1.0", "1.0.1");
    check("semver:1.0.x", "", "v1.2.3 v1.0.0 v0.1.0", "v1.0.0");
    check("semver:1.0.x", "", "b1.2.3 b1.0.0 b0.1.0", "no-match");
    check("semver:1.0.x", "", "", "no-tags");
    check("semver:1.0.x", "", "1.2.0", "no-match");
    check("semver:v1.0.x", "", "1.0.0 2.0.0 1.0.1 1.2.0", "1.0.1");
    check("semver:v1.0.x", "", "v1.0.0 v2.0.0 v1.0.1 v1.2.0", "v1.0.1");
    check("semver:1.0.x", "", "v1.0.0 v2.0.0 v1.0.1 v1.2.0", "v1.0.1");
    check("semver:1.0.x", "", "0.1.0 0.1.1 0.2.0 1.0.0 1.0.1 1.0.2 1.1.0-alpha", "1.0.2");
    admits("regex:^ver  dialect=flux", "ver1 ver2 ver3", "rel1");
    admits(
        r"regex:^(123-[0-9]+\.[0-9]+\.[a-z0-9]+-debug)  dialect=flux",
        "123-123.123.abcd123-debug",
        "123-123.123.abcd456",
    );
    check(r"regex:ver(\d+)  extract=$1  order=numeric", "", "ver1 ver2 ver3 rel1", "ver3");
    check(
        r"regex:1.0.0-rc\.(?P<num>[0-9]+)  extract=$num  order=numeric",
        "",
        "1.0.0 1.0.0-rc.1 1.0.0-rc.2 1.0.0-rc.3 1.0.1-rc.2",
        "1.0.0-rc.3",
    );
    check(
        "regex:foo-(?P<word>[a-z]+)  extract=$word  order=alphabetical",
        "",
        "foo-aaa bar-bbb foo-zzz baz-nnn foo-ooo",
        "foo-zzz",
    );
    check(
        "regex:^test-(.*)$  extract=$1  order=semver",
        "",
        "test-0.1.0 test-0.1.1 dev-0.2.0 1.0.0 1.0.1 1.0.2 1.1.0-alpha",
        "test-0.1.1",
    );
    for broken in ["regex:^test-(.*", "regex:[="] {
        assert!(Pattern::parse(broken, Dialect::Native).is_err(), "{broken}");
    }
}

/// The policies of the official guides of Flux 2.
#[test]
fn flux_2_guides() {
    const NEWEST_BUILD: &str = "regex:main-[a-fA-F0-9]+-(?P<ts>[1-9][0-9]*)  extract=$ts  order=numeric";
    check(
        NEWEST_BUILD,
        "main-1a2b3c4-100",
        "main-1a2b3c4-100 main-0a2b3c4-1000 main-fa2b3c4-999 dev-1-2000",
        "main-0a2b3c4-1000",
    );
    check("regex:.+-[a-f0-9]+-(?P<ts>[0-9]+)  extract=$ts  order=numeric", "", "main-a1-9 dev-b2-10", "dev-b2-10");
    check("semver:>=1.0.0", "", "1.0.0 1.1.0-rc.1", "1.0.0");
    check("semver:>=1.0.0-0", "", "1.0.0 1.1.0-rc.1", "1.1.0-rc.1");
    check("semver:>=1.0.0 <2.0.0", "", "1.0.0 1.9.9 2.0.0", "1.9.9");
    check("semver:^1.x-0", "", "1.2.0 1.3.0-rc.1 2.0.0", "1.3.0-rc.1");
    check(
        r"regex:RELEASE\.(?P<timestamp>.*)Z  extract=$timestamp  order=alphabetical",
        "",
        "RELEASE.2023-01-02T00-00-00Z RELEASE.2024-01-01T00-00-00Z edge",
        "RELEASE.2024-01-01T00-00-00Z",
    );
    check("semver:5.0.0", "5.0.1", "5.0.0 5.0.1", "only-older");
    check("semver:5.0.0  allow-downgrade=true", "5.0.1", "5.0.0 5.0.1", "5.0.0");
    check("semver:>5.0.1", "5.0.0", "5.0.0 5.0.1 5.0.2", "5.0.2");
}

const REDIS: &str = r"regex:(?P<semver>[0-9]*\.[0-9]*\.[0-9]*)-(alpine[0-9]*\.[0-9]*)  extract=$semver  order=semver";

/// Edge cases of Flux 2 as found by running it, with the outcome we want.
#[test]
fn flux_2_edge_cases() {
    check("semver:*", "", "1.2.3 v1.2.3", "v1.2.3");
    check("semver:*", "1.2.3", "1.2.3 v1.2.3", "up-to-date");
    check("semver:*", "1.2.3", "v1.2.3", "v1.2.3");
    check("semver:>=2025.0.0", "", "2025.02.03 2025.2.4", "2025.2.4");
    check("semver:>=0.0.0", "", "1 1.2 v1.2", "v1.2");
    check(REDIS, "", "7.2.4-alpine3.18 7.2.4-alpine3.19 7.2.4-alpine3.20 7.2.4-alpine3.9", "7.2.4-alpine3.20");
    check(REDIS, "7.2.4-alpine3.18", "7.2.4-alpine3.18 7.2.4-alpine3.20", "7.2.4-alpine3.20");
    check(REDIS, "7.2.4-alpine3.20", "7.2.4-alpine3.18", "only-older");
    check(REDIS, "7.2.3-alpine3.20", "7.2.4-alpine3.18", "7.2.4-alpine3.18");
    check(r"regex:v\d+\.\d+\.\d+(-\d+)?  extract=$1  order=alphabetical", "", "v1.0.0 v1.0.0-0", "v1.0.0-0");
    check("semver:*", "1.3.1", "1.3.0", "only-older");
    check("semver:*", "1.3.1", "2.1.2", "2.1.2");
}

const SEVEN: &str = "0.1 0.5.1 0.9 1.0 1.0.1 1.1.2 2.0.3";

/// argoproj-labs/argocd-image-updater (Apache-2.0), selection by strategy.
#[test]
fn argo_cd_image_updater_selection() {
    check("semver:*", "1.0", SEVEN, "2.0.3");
    check("semver:*", "latest", SEVEN, "2.0.3");
    check("own family", "1.0", SEVEN, "2.0.3");
    check("semver:^1.0", "1.0", SEVEN, "1.1.2");
    check("semver:^1.0", "something", SEVEN, "1.1.2");
    check("semver:~1.0", "1.0", SEVEN, "1.0.1");
    check("semver:~1.0", "1.0", "0.1 0.5.1 0.9 2.0.3", "no-match");
    assert!(Pattern::parse("semver:latest", Dialect::Native).is_err());
    check("semver:~1.0", "1.0", "", "no-tags");
    check("semver:*", "", "v2.2.0 v2.3.0-rc.0.18.g1abb7b5dd-ppc64le", "v2.2.0");
    check("*", "zz", "zz@1 bb@2 cc@4 yy@5 aa@6 ll@7", "ll");
    check("semver:*", "zz", "zz bb yy cc aa ll", "no-match");
    check("*  order=alphabetical", "aa", "zz bb yy cc aa ll", "zz");
    check("semver:*", "v1.0", "v2.0.2 v1.0 v2.0.0 v1.0.1 v2.0.3 v2.0", "v2.0.3");
    // A bare date wins there as a version.
    check("semver:*", "1.0", "1.0 1.1 20240101 20221209-update-renovatejson-v4", "1.1");
    check("semver:*  dialect=flux", "1.0", "1.0 1.1 20240101", "20240101");
    admits("*  exclude=tag?,foo", "tag10", "tag1 foo");
    admits("regex:[a-z]+", "lemon", "31337");
}

/// keel-hq/keel (MPL-2.0), facts of its policies. There `latest` takes any version; here it holds.
#[test]
fn keel_policies() {
    const MAJOR: &str = "own family";
    const MINOR: &str = "own family  within=major";
    const PATCH: &str = "own family  within=minor";
    for (policy, current, tags, expected) in [
        ("semver:>=0-0", "1.4.5", "1.4.6", "1.4.6"),
        ("semver:>=0-0", "1.4", "1.5", "1.5"),
        ("semver:>=0-0", "1.4.5-xx", "1.4.5-yy", "1.4.5-yy"),
        ("semver:>=0-0", "1.4.5", "1.4.3", "only-older"),
        ("semver:>=0-0", "1.4.5", "1.4.5", "up-to-date"),
        (MAJOR, "1.4.5", "1.5.5", "1.5.5"),
        (MAJOR, "1.4.5", "2.4.5", "2.4.5"),
        (MAJOR, "1.4.5", "3050", "no-match"),
        (MINOR, "1.4.5", "1.5.5", "1.5.5"),
        (MINOR, "1.4", "1.5", "1.5"),
        (MINOR, "1.4.5", "2.4.5", "no-match"),
        (MINOR, "v1.0.0-metadata", "v1.0.1-metadata", "v1.0.1-metadata"),
        (MINOR, "1.4.5-xx", "1.4.6-xx", "1.4.6-xx"),
        (MINOR, "1.4.5", "1.4.5-xx", "no-match"),
        (MINOR, "v1.0.0", "v1.0.1-metadata", "no-match"),
        (MINOR, "1.4.5-xx", "1.4.6-yy", "no-match"),
        (PATCH, "1.4.5", "1.4.6", "1.4.6"),
        (PATCH, "1.4", "1.4.6", "1.4.6"),
        (PATCH, "1.4", "1.5.6", "no-match"),
        (PATCH, "1.4.5", "1.4.4", "only-older"),
        (PATCH, "1.4.5", "1.4.5", "up-to-date"),
        (MAJOR, "2.5", "1.3 2.5 2.7 3.8", "3.8"),
        (MINOR, "2.5", "1.3 2.5 2.7 3.8", "2.7"),
        (MAJOR, "1.1.0", "1.3.0-dev 1.5.0 1.8.0-alpha", "1.5.0"),
        (PATCH, "1.2.0", "1.3.0 1.5.0 2.0.0 1.2.1", "1.2.1"),
        (MINOR, "1.2.0", "1.3.0 1.5.0 2.0.0 1.2.1", "1.5.0"),
        (MAJOR, "1.2.0", "1.3.0 1.5.0 2.0.0 1.2.1", "2.0.0"),
        (MAJOR, "latest", "10.10.7 20240303.2-unstable-armhf", "no-family"),
        ("glob:latest.*  order=alphabetical", "latest.20241321", "latest.20251321", "latest.20251321"),
        ("glob:latest.*  order=alphabetical", "latest.20251321", "latest.20241321", "only-older"),
        (
            "regex:build-.*-(?P<compare>.+)  extract=$compare  order=numeric",
            "",
            "build-3a3560ef-1695801785 build-1a3560ef-1696801785",
            "build-1a3560ef-1696801785",
        ),
    ] {
        check(policy, current, tags, expected);
    }
}

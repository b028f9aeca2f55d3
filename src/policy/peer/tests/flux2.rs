//! Flux version 2: fluxcd/image-reflector-controller (Apache-2.0), its tests, its guides, and its code
//! run on more tags.

use super::refused;
use crate::policy::Dialect;
use crate::policy::tests::peer;

#[track_caller]
fn check(setting: &str, tags: &str, expected: &str) {
    super::check(Dialect::Flux2, setting, "", tags, expected);
}

const STAMPS: &str = "1606234201 1606364286 1606334092 1606334284 1606334201";
const NUMBERS: &str = "numerical asc  pattern=n(.*)  extract=$1";
const NUMBERS_DESC: &str = "numerical desc  pattern=n(.*)  extract=$1";
const REDIS: &str =
    r"semver:>=1.0.0  pattern=^(?P<semver>[0-9]*\.[0-9]*\.[0-9]*)-(alpine[0-9]*\.[0-9]*)  extract=$semver";

#[test]
fn orders() {
    for (tags, last, first) in [
        ("16.04 16.04.1 16.10 20.04 20.10", "20.10", "16.04"),
        ("xenial yakkety zesty artful bionic", "zesty", "artful"),
        (STAMPS, "1606364286", "1606234201"),
        (
            "rel-1606234201 rel-1606364286 rel-1606334092 rel-1606334284 rel-1606334201",
            "rel-1606364286",
            "rel-1606234201",
        ),
        (
            "2021-01-08T21-18-21Z 2020-05-08T21-18-21Z 2021-01-08T19-20-00Z 1990-01-08T00-20-00Z 2023-05-08T00-20-00Z",
            "2023-05-08T00-20-00Z",
            "1990-01-08T00-20-00Z",
        ),
        ("9 10", "9", "10"),
        ("", "fails", "fails"),
    ] {
        for asc in ["alphabetical", "alphabetical asc", "alphabetical ASC"] {
            check(asc, tags, last);
        }
        check("alphabetical DESC", tags, first);
        check("alphabetical invalid", tags, "fails");
    }
    check(NUMBERS, "n-62 n-88 n73 n72 n15 n16 n15 n29 n-33 n-91", "n73");
    check(NUMBERS_DESC, "n5 n-8 n-78 n25 n70 n-4 n80 n92 n-20 n-24", "n-78");
    check(NUMBERS, "n47.40896403322944 n-27.8520927455902 n53.47333823144817 n31.43", "n53.47333823144817");
    check(NUMBERS_DESC, "n-90.29082099756083 n-9.1 n0.5 n-90.29", "n-90.29082099756083");
    check("numerical", STAMPS, "1606364286");
    check("numerical desc", STAMPS, "1606234201");
    check("numerical", "1", "1");
    check("numerical desc", "1", "1");
    check("numerical", "0 1a b", "fails");
    check("numerical", "", "fails");
    check("numerical up", "1", "fails");
    check("none", "1", "fails");
}

#[test]
fn numbers_are_of_64_bits() {
    check("numerical", "latest 1 2", "fails");
    check("numerical", "20250101123456788 20250101123456789", "20250101123456788");
    check(
        "numerical  pattern=.*",
        "20250101123456788 20250101123456789",
        "one of 20250101123456788, 20250101123456789",
    );
    check("numerical", "1_000 999", "1_000");
    check("numerical", "1e3 999", "1e3");
    check("numerical", "0x1p9 500", "0x1p9");
    check("numerical", "1e999 1", "fails");
    check("numerical", "inf 9", "inf");
    // It goes from the last name to the first, and nothing is better or worse than `nan`.
    check("numerical", "9 3 nan", "9");
    check("numerical", "9 3 nan NaN", "9");
    check("numerical  pattern=.*", "9 3 nan", "one of 3, 9, nan");
    // Of equal ones the first by name, or any.
    check("numerical", "5 5.0 05", "05");
    check("numerical desc", "5 5.0 6", "5");
    check("numerical  pattern=.*", "5 5.0 4", "one of 5, 5.0");
}

#[test]
fn versions() {
    for range in ["1.0.x", "^1.0", "=1.0.0", "~1.0", ">=1.0", ">0,<2.0"] {
        check(&format!("semver:{range}"), "1.0.0", "1.0.0");
    }
    for range in ["1.0.0p", "1x", "x1", "-1", "a", "", " ", "*-*"] {
        check(&format!("semver:{range}"), "1.0.0", "fails");
    }
    check("semver:1.0.x", "1.0.0 1.0.0.1 1.0.0p 1.0.1 1.2.0 0.1.0", "1.0.1");
    check("semver:1.0.x", "v1.2.3 v1.0.0 v0.1.0", "v1.0.0");
    check("semver:1.0.x", "b1.2.3 b1.0.0 b0.1.0", "fails");
    check("semver:1.0.x", "", "fails");
    check("semver:1.0.x", "1.2.0", "fails");
    check("semver:v1.0.x", "1.0.0 2.0.0 1.0.1 1.2.0", "1.0.1");
    check("semver:v1.0.x", "v1.0.0 v2.0.0 v1.0.1 v1.2.0", "v1.0.1");
    check("semver:1.0.x", "v1.0.0 v2.0.0 v1.0.1 v1.2.0", "v1.0.1");
    check("semver:1.0.x", "0.1.0 0.1.1 0.2.0 1.0.0 1.0.1 1.0.2 1.1.0-alpha", "1.0.2");
    check("semver:*", "1.2.3 v1.2.3", "v1.2.3");
    check("semver:*  pattern=.*", "1.2.3 v1.2.3", "one of 1.2.3, v1.2.3");
    check("semver:>=2025.0.0", "2025.02.03 2025.2.4", "2025.2.4");
    check("semver:>=0.0.0", "1 1.2 v1.2 v1.2-5", "fails");
    check("semver:>=1.0.0", "1.0.0 1.1.0-rc.1", "1.0.0");
    check("semver:>=1.0.0-0", "1.0.0 1.1.0-rc.1", "1.1.0-rc.1");
    check("semver:^*", "0.0.0 1.0.0", "0.0.0");
}

#[test]
fn filters() {
    check("alphabetical  pattern=^ver", "ver1 ver2 ver3 wel1", "ver3");
    check(r"numerical  pattern=ver(\d+)  extract=$1", "ver1 ver2 ver3 rel1", "ver3");
    check(
        r"alphabetical  pattern=^(123-[0-9]+\.[0-9]+\.[a-z0-9]+-debug)",
        "123-123.123.abcd123 123-123.123.abcd456 123-123.123.abcd123-debug 123-123.123.abcd456-debug",
        "123-123.123.abcd456-debug",
    );
    check(
        r"alphabetical  pattern=^(?P<tag>123-[0-9]+\.[0-9]+\.[a-z0-9]+$)  extract=$tag",
        "123-123.123.abcd123 123-123.123.abcd456 123-123.123.abcd456-debug",
        "123-123.123.abcd456",
    );
    check("semver:1.0.x  pattern=[=", "1.0.0", "fails");
    check("semver:>=0.x  pattern=^test-(.*", "1.0.0", "fails");
    check(
        r"numerical asc  pattern=1.0.0-rc\.(?P<num>[0-9]+)  extract=$num",
        "1.0.0 1.0.0-rc.1 1.0.0-rc.2 1.0.0-rc.3 1.0.1-rc.2",
        "1.0.0-rc.3",
    );
    check(
        "alphabetical  pattern=foo-(?P<word>[a-z]+)  extract=$word",
        "foo-aaa bar-bbb foo-zzz baz-nnn foo-ooo",
        "foo-zzz",
    );
    check(
        "semver:>=0.x  pattern=^test-(.*)$  extract=$1",
        "test-0.1.0 test-0.1.1 dev-0.2.0 1.0.0 1.0.1 1.0.2 1.1.0-alpha",
        "test-0.1.1",
    );
    // Of equal extracts the first by name.
    check(REDIS, "7.2.4-alpine3.20 7.2.4-alpine3.19 7.2.4-alpine3.18", "7.2.4-alpine3.18");
    // A group that is not there is empty.
    check(r"alphabetical  pattern=(\d+)-(\d+)  extract=$1x$2", "12-34 13-5", "13-5");
    check(r"alphabetical  pattern=(\d+)-(\d+)  extract=${1}x$2", "12-34 13-5", "13-5");
    check(r"alphabetical  pattern=(\d+)-(\d+)  extract=$1x$2", "12-9 13-9", "12-9");
    check(r"alphabetical  pattern=v\d+\.\d+\.\d+(-\d+)?$  extract=$1", "v1.0.0 v1.0.0-0", "v1.0.0-0");
    check("numerical  extract=$1", "1 2", "fails");
    check(r"alphabetical  pattern=(.)(.)  extract=$$$2", "ab ba", "ab");
    check(r"alphabetical  pattern=(.)(.)  extract=${2", "ab ba", "ab");
    check(r"alphabetical  pattern=^(.)(.)$  extract=$02$2", "ab ba", "ab");
}

#[test]
fn exclusions() {
    check("alphabetical", "1.0 1.0.sig", "1.0");
    check("alphabetical  exclusionList=^dev", "1.0 1.0.sig dev", "1.0.sig");
    check("alphabetical  exclusionList=", "1.0 1.0.sig", "1.0.sig");
    check(r"semver:*  exclusionList=^.*\-alpha$ ^.*\.sig$", "0.1.0 0.2.0 0.2.0-alpha 0.4.0.sig", "0.2.0");
    check("alphabetical  exclusionList=aaa|ccc", "aaa bbb ccc ddd", "ddd");
    check("alphabetical  exclusionList=[=", "a", "fails");
    check("alphabetical  exclusionList=.", "a b", "fails");
}

/// The policies of the official guides, on small lists of tags.
#[test]
fn guides() {
    let newest = "numerical asc  pattern=^main-[a-fA-F0-9]+-(?P<ts>.*)  extract=$ts";
    let builds = "main-1a2b3c4-100 main-0a2b3c4-1000 main-fa2b3c4-999 dev-1-2000";
    check(newest, builds, "main-0a2b3c4-1000");
    check(newest, "main-1a2b3c4-100 main-0a2b3c4-x", "fails");
    check("numerical asc  pattern=^main-[a-fA-F0-9]+-(?P<ts>[1-9][0-9]*)  extract=$ts", builds, "main-0a2b3c4-1000");
    check("numerical asc  pattern=^.+-[a-f0-9]+-(?P<ts>[0-9]+)  extract=$ts", builds, "dev-1-2000");
    check("numerical asc  pattern=[a-f0-9]+-(?P<ts>[0-9]+)  extract=$ts", builds, "dev-1-2000");
    check("semver:>=1.0.0", "1.0.0 1.9.9 2.0.0 2.1.0-rc.1", "2.0.0");
    check("semver:>=1.0.0 <2.0.0", "1.0.0 1.9.9 2.0.0", "1.9.9");
    check("semver:>=1.0.0-0", "1.0.0 1.1.0-rc.1", "1.1.0-rc.1");
    check("semver:^1.x-0  pattern=.*-rc.*", "1.2.0 1.3.0-rc.1 1.3.0-beta.1 2.0.0-rc.1", "1.3.0-rc.1");
    check("semver:>1.0.0-rc <2.0.0-rc  pattern=.*-rc.*", "1.2.0 1.3.0-rc.1 2.0.0-rc.1", "1.3.0-rc.1");
    check(REDIS, "7.2.4-alpine3.20 7.0.15-alpine3.20 7.2.4-bookworm", "7.2.4-alpine3.20");
    check(
        r"alphabetical asc  pattern=^RELEASE\.(?P<timestamp>.*)Z$  extract=$timestamp",
        "RELEASE.2023-01-02T00-00-00Z RELEASE.2024-01-01T00-00-00Z RELEASE.2024-01-01T00-00-00Z-cpuv1 edge",
        "RELEASE.2024-01-01T00-00-00Z",
    );
    check("alphabetical  pattern=^latest$", "latest 1.0", "latest");
    check("semver:5.0.0", "5.0.0 5.0.1", "5.0.0");
    check("semver:>5.0.1", "5.0.0 5.0.1 5.0.2", "5.0.2");
}

#[test]
fn nothing_keeps_it_from_going_back() {
    for (tags, expected) in [("1.3.0", "1.3.0"), ("1.3.0 1.3.1", "stays")] {
        super::check(Dialect::Flux2, "semver:*", "1.3.1", tags, expected);
    }
}

#[test]
fn what_is_carried_over() {
    for (setting, policy) in [
        ("semver:>=1.0", "semver:>=1.0"),
        ("semver:>=1.0  pattern=^v", "regex:^v order=semver constraint=semver:>=1.0"),
        ("numerical  pattern=n(.*)  extract=$1", "regex:n(.*) order=numeric extract=$1"),
        ("alphabetical desc", "regex:.* order=alphabetical desc"),
        (r"alphabetical  exclusionList=^.*\.sig$ ^dev", "regex:.* order=alphabetical exclude=regex:dev.*"),
    ] {
        assert_eq!(peer(Dialect::Flux2, setting).policy().unwrap().to_string(), policy);
    }
    let refused = |setting: &str, told: &str| refused(Dialect::Flux2, setting, told);
    refused("none", "`policy`: says no order; write `numerical`, `alphabetical` or `semver` in it");
    refused(
        "numerical up",
        "`policy.numerical.order`: `up` is neither `asc` nor `desc`; write one of the two, or nothing for `asc`",
    );
    refused(
        "semver:",
        "`policy.semver.range`: `semver:` is empty; write `semver:*` for any version, or remove the annotation",
    );
    refused(
        "alphabetical  exclusionList=(a",
        r"`exclusionList`: `regex:(a` is no regular expression: unclosed group; put `\` before a sign that is meant, and close what is open",
    );
}

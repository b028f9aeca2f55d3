//! Keel: keel-hq/keel (MPL-2.0), facts of its tests and code.

use super::refused;
use crate::policy::Dialect;
use crate::policy::tests::peer;

#[track_caller]
fn check(setting: &str, current: &str, tags: &str, expected: &str) {
    super::check(Dialect::Keel, setting, current, tags, expected);
}

/// Whether the first tag becomes the second.
#[track_caller]
fn moves(setting: &str, pairs: &[(&str, &str)], expected: bool) {
    for (current, new) in pairs {
        check(setting, current, new, if expected { new } else { "stays" });
    }
}

#[test]
fn versions() {
    const FREE: &str = "  matchPreRelease=false";
    moves("all", &[("1.4.5", "1.4.6"), ("1.4", "1.5"), ("1.4.5-xx", "1.4.5-yy")], true);
    moves("all", &[("1.4.5", "1.4.3"), ("1.4.5", "1.4.5"), ("1.4.5", "3050")], false);
    moves("major", &[("1.4.5", "1.5.5"), ("1.4.5", "2.4.5")], true);
    moves(
        "minor",
        &[
            ("1.4.5", "1.5.5"),
            ("1.4", "1.5"),
            ("1.4.5", "1.4.6"),
            ("v1.0.0-metadata", "v1.0.1-metadata"),
            ("1.4.5-xx", "1.4.6-xx"),
        ],
        true,
    );
    moves(
        "minor",
        &[("1.4.5", "1.4.5-xx"), ("v1.0.0", "v1.0.1-metadata"), ("1.4.5-xx", "1.4.6-yy"), ("1.4.5", "2.4.5")],
        false,
    );
    moves("patch", &[("1.4.5", "1.4.6"), ("1.4", "1.4.6")], true);
    moves(&format!("patch{FREE}"), &[("1.4.5-xx", "1.4.5-yy")], true);
    moves(
        "patch",
        &[("1.4", "1.5.6"), ("1.4.5", "1.4.4"), ("1.4", "1.5"), ("1.4.5", "2.4.6"), ("1.4.5", "1.4.5")],
        false,
    );

    check("major", "2.5", "1.3 2.5 2.7 3.8", "3.8");
    check("minor", "2.5", "1.3 2.5 2.7 3.8", "2.7");
    check("major", "1.1.0", "1.3.0-dev 1.5.0 1.8.0-alpha", "1.5.0");
    check("major", "1.2.0-dev", "1.3.0-dev 1.5.0 1.8.0-alpha", "1.3.0-dev");
    check(&format!("minor{FREE}"), "1.2.0-dev", "1.3.0-dev 1.5.0 1.8.0-alpha", "1.8.0-alpha");
    check("patch", "1.2.0", "1.3.0 1.5.0 2.0.0 1.2.1", "1.2.1");
    check("minor", "1.2.0", "1.3.0 1.5.0 2.0.0 1.2.1", "1.5.0");
    check("major", "1.2.0", "1.3.0 1.5.0 2.0.0 1.2.1", "2.0.0");
    let linuxserver = "v0.1.0-ls1 v0.1.0-ls2 v0.1.1-ls3 v0.2.0-ls1 v0.2.0-ls2 v0.2.0-ls3";
    check(&format!("minor{FREE}"), "v0.1.0-ls1", linuxserver, "v0.2.0-ls3");
    // `latest` takes the highest version there is, whatever the policy; the one for arm alone was left
    // out by its platform.
    check("major", "latest", "10.9.11 10.10.7 latest", "10.10.7");
    check("patch", "latest", "1.2.3 2.0 3", "2.0");
    check("patch", "", "1.2.3 2.0", "2.0");
    check("all", "main", "1.2.3", "stays");
    // A number alone is no version; a pre-release may have a leading zero, and there may be a date before it.
    check("all", "1.0", "12345678", "stays");
    check("all", "1.0.0", "1.0.1-01 1.0.1-02", "1.0.1-02");
    check("all", "1.0.0", "20240101-x.y", "20240101-x.y");
    check("all", "1", "1.1", "1.1");
    check("all", "1.0", "1.2.3 v1.2.3", "one of 1.2.3, v1.2.3");
    check("all", "1.2.3", "1.2.3 v1.2.3", "stays");
    // What is not `true` is false.
    check("minor  matchPreRelease=yes", "1.0.0", "1.1.0-rc.1", "1.1.0-rc.1");
    moves(
        "all",
        &[("1.2.3-a.9", "1.2.3-a.10"), ("1.2.3-a", "1.2.3-a.1"), ("1.2.3-1", "1.2.3-a"), ("1.2.3-a", "1.2.3")],
        true,
    );
    moves("all", &[("1.2.3-a.10", "1.2.3-a.9"), ("1.2.3-a.1", "1.2.3-a"), ("1.2.3-a", "1.2.3-1")], false);
    for none in ["never", "", "newest", "Major"] {
        check(none, "1.0.0", "1.1.0", "stays");
    }
}

#[test]
fn force() {
    moves(
        "force",
        &[("latest", "main"), ("latest", "1.2.3"), ("7.9.1-1-ubi8", "8.0.0"), ("7.9.1-1-ubi8", "7.9.1")],
        true,
    );
    moves(
        "force",
        &[
            ("latest", "latest"),
            ("7.9.1-1-ubi8", "3.0.0"),
            ("8.1.0", "8.1.0"),
            ("8.1.0", "8.0.0"),
            ("1.2.3-4", "1.2.3-3"),
        ],
        false,
    );
    moves("force  matchTag=true", &[("latest", "main"), ("1.2.3", "1.2.4"), ("1", "1")], false);
    moves("force  matchTag=yes", &[("latest", "main")], true);
    let tags = "3.0.0 3.0.1 7.9.1-1-ubi8 8.0.0 latest 8.3.1";
    check("force", "latest", tags, "8.3.1");
    check("force", "8.0.0", tags, "8.3.1");
    check("force", "8.3.1", tags, "stays");
    // Where no version is higher, any other tag will do.
    check("force", "9.0.0", tags, "latest");
    check("force", "9.0.0", "8.0.0 edge latest", "one of edge, latest");
    check("force", "main", "dev main", "one of dev, main");
}

#[test]
fn texts() {
    moves("glob:latest", &[("latest", "latest")], false);
    moves("glob:latest.*", &[("latest.20241321", "latest.20251321")], true);
    moves("glob:latest.*", &[("latest.20251321", "latest.20241321")], false);
    moves("glob:x?", &[("x1", "x2")], false);
    moves("glob:a:b", &[("a", "b")], false);
    let builds = "build-3a3560ef-1695801785 build-1a3560ef-1696801785 build-1696801785";
    check("glob:build-*", "a", builds, "build-3a3560ef-1695801785");
    check("glob:build-1*", "a", "build-1695801785 build-1696801785", "build-1696801785");
    check("regexp:^build-.*-(?P<compare>.+)$", "x", builds, "build-1a3560ef-1696801785");
    check("regexp:^build-.*-(.+)$", "x", builds, "build-3a3560ef-1695801785");
    check("regexp:^build-(?P<compare>.+)$", "x", "build-9 build-10", "build-9");
    check("regexp:(?P<compare>.)-", "x", "1-a 1-b 0-c", "one of 1-a, 1-b");
    check("regexp:v(?P<compare>-.*)?$", "x", "v v-1", "v-1");
    // The current tag means nothing.
    check("regexp:^b", "b9", "b1 b2", "b2");
    check("regexp:^b", "b9", "b9 b2", "stays");
    check("regexp:^b", "b9", "a", "stays");
    check("regexp:(b", "a", "b", "stays");
}

#[test]
fn what_is_carried_over() {
    for (setting, policy) in [
        ("all", "semver:>=0.0.0-0 within=any exclude=regex:[^.]*"),
        ("major", "semver:>=0.0.0-0 within=any prerelease=same exclude=regex:[^.]*"),
        ("minor", "semver:>=0.0.0-0 within=major prerelease=same exclude=regex:[^.]*"),
        ("patch  matchPreRelease=true", "semver:>=0.0.0-0 within=minor prerelease=same exclude=regex:[^.]*"),
        ("patch  matchPreRelease=false", "semver:>=0.0.0-0 within=minor exclude=regex:[^.]*"),
        ("force", "semver:>=0.0.0-0"),
        ("glob:build-*", "glob:build-* order=alphabetical"),
        ("regexp:^b", "regex:^b order=alphabetical"),
        ("regexp:^b-(?P<compare>.+)", "regex:^b-(?P<compare>.+) order=natural extract=${compare}"),
    ] {
        assert_eq!(peer(Dialect::Keel, setting).policy().unwrap().to_string(), policy);
    }
    let refused = |setting: &str, told: &str| refused(Dialect::Keel, setting, told);
    let mend = "write `all`, `major`, `minor`, `patch`, `force`, `glob:` or `regexp:`";
    refused("never", &format!("`policy`: says that nothing is updated; {mend}"));
    refused("Major", &format!("`policy`: `Major` is no policy; {mend}"));
    refused(
        "glob:a:b",
        "`policy`: `glob:a:b` holds a second `:`, which no tag can hold; write `*` for it, or a `regexp:`",
    );
    refused(
        "minor  matchPreRelease=yes",
        "`matchPreRelease`: `yes` is neither true nor false, and counts as false; write \"true\" or \"false\"",
    );
    refused(
        "force  matchTag=true",
        "`matchTag`: `force` follows the digest of the current tag, which is not supported yet; write a policy for versions, or leave the workload to the tool that does it",
    );
    refused(
        "glob:v?",
        "`policy`: `glob:v?` holds `?`, which means itself there, and no tag can hold it; write `*`, or a `regexp:`",
    );
}

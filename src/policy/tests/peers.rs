//! The same tags and settings for another tool and for us: what it chooses, and what its setting comes to
//! here. Where the two differ, `differences.rs` says why.

use super::{candidates, day, peer, tag};
use crate::policy::peer::tests::choice;
use crate::policy::{Decision, Dialect, decide};

/// What the tool does, and what we do.
#[track_caller]
fn check(dialect: Dialect, setting: &str, current: &str, tags: &str, theirs: &str, ours: &str) {
    let peer = peer(dialect, setting);
    assert_eq!(choice(&peer, current, tags), theirs, "{setting} | {current} | {tags}");
    let policy = peer.policy().unwrap_or_else(|error| panic!("{setting}: {error}"));
    let current = Some(current).filter(|current| !current.is_empty()).map(tag);
    let outcome = match decide(&policy, current.as_ref(), &candidates(tags), day(1)).decision {
        Decision::Update(choice) => choice.tag.to_string(),
        Decision::Hold(hold) => hold.name().to_owned(),
    };
    assert_eq!(outcome, ours, "{policy} | {current:?} | {tags}");
}

/// Both come to the same tag, or to no change.
#[track_caller]
fn same(dialect: Dialect, setting: &str, current: &str, tags: &str, chosen: &str) {
    check(dialect, setting, current, tags, chosen, chosen);
}

const REDIS: &str =
    r"semver:>=1.0.0  pattern=^(?P<semver>[0-9]*\.[0-9]*\.[0-9]*)-(alpine[0-9]*\.[0-9]*)  extract=$semver";

#[test]
fn flux_1() {
    use Dialect::Flux;
    same(Flux, "semver:~1", "1", "3 v1 1.10 1.2.30 1.10.0 bbb-not-semver", "1.10.0");
    same(Flux, "semver:*", "1", "3 v1 1.10 12345678", "12345678");
    same(Flux, "semver:^1.0", "1.0.0", "1.0.0 1.1.0", "1.1.0");
    same(Flux, "semver:*", "gone", "1.0", "1.0");
    same(Flux, "semver:~3.1", "3.1.0", "3.1.0@1 3.0.5@9 3.1.2@2", "3.1.2");
    same(
        Flux,
        "glob:3.1.1-debian-9-*",
        "3.0.2-debian-9-r3",
        "3.0.2-debian-9-r3@1 3.1.1-debian-9-r0@2",
        "3.1.1-debian-9-r0",
    );
    same(Flux, "*", "1", "1@1 2@5 3@4", "2");
    same(Flux, "regexp:stg", "stg-1", "stg-1@1 xstg@2 prod@3", "xstg");
    same(Flux, "latest", "v0", "latest@2 v0@1", "latest");
    check(Flux, "*", "v0", "latest@2 v0@1", "stays", "up-to-date");
    check(Flux, "*", "gone", "new@2", "stays", "current-unknown");
    check(Flux, "*", "", "new@2", "stays", "current-unknown");
    check(Flux, "*", "v1", "v1@1 v2@2 v9", "needs the created time of v9", "missing-created");
    check(Flux, "x", "1", "1@1", "stays", "no-match");
}

#[test]
fn flux_2() {
    use Dialect::Flux2;
    same(Flux2, "semver:>=2025.0.0", "", "2025.02.03 2025.2.4", "2025.2.4");
    check(Flux2, "semver:>=0.0.0", "", "1 1.2 v1.2", "fails", "no-match");
    same(Flux2, "semver:>=1.0.0", "", "1.0.0 1.1.0-rc.1", "1.0.0");
    same(Flux2, "semver:>=1.0.0-0", "", "1.0.0 1.1.0-rc.1", "1.1.0-rc.1");
    same(Flux2, "semver:*", "", "1.2.3 v1.2.3", "v1.2.3");
    check(Flux2, "semver:*", "1.2.3", "1.2.3 v1.2.3", "v1.2.3", "up-to-date");
    same(Flux2, "alphabetical", "", "9 10", "9");
    check(Flux2, "numerical", "", "latest 1 2", "fails", "2");
    check(Flux2, "numerical", "", "20250101123456788 20250101123456789", "20250101123456788", "20250101123456789");
    check(Flux2, "numerical", "", "9 3 nan", "9", "9");
    same(Flux2, "numerical", "", "1_000 999", "1_000");
    check(
        Flux2,
        REDIS,
        "",
        "7.2.4-alpine3.18 7.2.4-alpine3.19 7.2.4-alpine3.20",
        "7.2.4-alpine3.18",
        "7.2.4-alpine3.20",
    );
    check(
        Flux2,
        r"alphabetical  pattern=v\d+\.\d+\.\d+(-\d+)?$  extract=$1",
        "",
        "v1.0.0 v1.0.0-0",
        "v1.0.0-0",
        "v1.0.0-0",
    );
    check(Flux2, "semver:*", "1.3.1", "1.3.0", "1.3.0", "only-older");
    same(Flux2, "semver:*", "1.3.1", "2.1.2", "2.1.2");
    same(Flux2, "semver:1.0.x", "", "0.1.0 0.1.1 0.2.0 1.0.0 1.0.1 1.0.2 1.1.0-alpha", "1.0.2");
    same(
        Flux2,
        "semver:>=0.x  pattern=^test-(.*)$  extract=$1",
        "",
        "test-0.1.0 test-0.1.1 dev-0.2.0 1.0.2",
        "test-0.1.1",
    );
    same(
        Flux2,
        r"numerical  pattern=1.0.0-rc\.(?P<num>[0-9]+)  extract=$num",
        "",
        "1.0.0-rc.1 1.0.0-rc.3 1.0.1-rc.4",
        "1.0.0-rc.3",
    );
    same(Flux2, "semver:^1.x-0  pattern=.*-rc.*", "1.2.0-rc.1", "1.2.0-rc.1 1.3.0-rc.1 1.3.0 2.0.0-rc.1", "1.3.0-rc.1");
    same(
        Flux2,
        "numerical  pattern=^main-[a-f0-9]+-(?P<ts>[0-9]+)  extract=$ts",
        "main-a1-9",
        "main-a1-9 main-b2-10",
        "main-b2-10",
    );
    same(Flux2, "alphabetical  exclusionList=^dev alpha$", "a", "a b b-alpha dev", "b");
    same(Flux2, "semver:>5.0.1", "5.0.0", "5.0.0 5.0.1 5.0.2", "5.0.2");
    same(
        Flux2,
        r"alphabetical  pattern=^RELEASE\.(?P<t>.*)Z$  extract=$t",
        "RELEASE.2023-01-02Z",
        "RELEASE.2023-01-02Z RELEASE.2024-01-01Z edge",
        "RELEASE.2024-01-01Z",
    );
}

#[test]
fn argo_cd_image_updater() {
    use Dialect::ArgocdImageUpdater as Argo;
    const SEVEN: &str = "0.1 0.5.1 0.9 1.0 1.0.1 1.1.2 2.0.3";
    for current in ["1.0", "latest", ""] {
        same(Argo, "semver", current, SEVEN, "2.0.3");
        same(Argo, "semver:^1.0", current, SEVEN, "1.1.2");
        same(Argo, "semver:~1.0", current, SEVEN, "1.0.1");
    }
    check(Argo, "semver:~1.0", "1.0", "0.1 0.5.1 0.9 2.0.3", "stays", "no-match");
    check(Argo, "semver:~1.0", "1.0", "", "stays", "no-tags");
    same(Argo, "semver", "", "v2.2.0 v2.3.0-rc.0.18.g1abb7b5dd-ppc64le", "v2.2.0");
    same(Argo, "newest-build", "zz", "zz@1 bb@2 cc@4 yy@5 aa@6 ll@7", "ll");
    check(Argo, "semver", "zz", "zz bb yy cc aa ll", "stays", "no-match");
    same(Argo, "alphabetical", "aa", "zz bb yy cc aa ll", "zz");
    same(Argo, "semver", "v1.0", "v2.0.2 v1.0 v2.0.0 v1.0.1 v2.0.3 v2.0", "v2.0.3");
    same(Argo, r"semver:~1  allow-tags=regexp:^1\.[0-9]+$", "1.0", "1.0 1.1 1.1.5 1.2-rc.1 11.0", "1.1");
    same(Argo, "alphabetical  allow-tags=regexp:[a-z]+", "", "31337 lemon", "lemon");
    same(Argo, "alphabetical  ignore-tags=tag? foo", "", "tag1 foo tag10", "tag10");
    same(Argo, r"alphabetical  ignore-tags=[a-c]* [^x]y \z", "", "a by xy z", "xy");
    check(Argo, "alphabetical  ignore-tags=*", "a", "a b", "stays", "no-match");
}

#[test]
fn keel() {
    use Dialect::Keel;
    const FREE: &str = "  matchPreRelease=false";
    same(Keel, "all", "1.4.5", "1.4.5 1.4.6", "1.4.6");
    same(Keel, "all", "1.4", "1.4 1.5", "1.5");
    same(Keel, "all", "1.4.5-xx", "1.4.5-yy", "1.4.5-yy");
    check(Keel, "all", "1.4.5", "1.4.3", "stays", "only-older");
    check(Keel, "all", "1.4.5", "1.4.5", "stays", "up-to-date");
    check(Keel, "all", "1.4.5", "3050", "stays", "no-match");
    check(Keel, "all", "main", "1.0.0", "stays", "no-version");
    same(Keel, "major", "1.4.5", "1.5.5", "1.5.5");
    same(Keel, "major", "1.4.5", "2.4.5", "2.4.5");
    for (current, new) in [
        ("1.4.5", "1.5.5"),
        ("1.4", "1.5"),
        ("1.4.5", "1.4.6"),
        ("v1.0.0-metadata", "v1.0.1-metadata"),
        ("1.4.5-xx", "1.4.6-xx"),
    ] {
        same(Keel, "minor", current, new, new);
    }
    for (current, new) in
        [("1.4.5", "1.4.5-xx"), ("v1.0.0", "v1.0.1-metadata"), ("1.4.5-xx", "1.4.6-yy"), ("1.4.5", "2.4.5")]
    {
        check(Keel, "minor", current, new, "stays", "no-match");
    }
    same(Keel, "patch", "1.4.5", "1.4.6", "1.4.6");
    same(Keel, "patch", "1.4", "1.4.6", "1.4.6");
    same(Keel, &format!("patch{FREE}"), "1.4.5-xx", "1.4.5-yy", "1.4.5-yy");
    for new in ["1.5.6", "1.5", "2.4.6"] {
        check(Keel, "patch", "1.4.5", new, "stays", "no-match");
    }
    check(Keel, "patch", "1.4.5", "1.4.4", "stays", "only-older");
    same(Keel, "major", "2.5", "1.3 2.5 2.7 3.8", "3.8");
    same(Keel, "minor", "2.5", "1.3 2.5 2.7 3.8", "2.7");
    same(Keel, "major", "1.1.0", "1.3.0-dev 1.5.0 1.8.0-alpha", "1.5.0");
    same(Keel, "major", "1.2.0-dev", "1.3.0-dev 1.5.0 1.8.0-alpha", "1.3.0-dev");
    same(Keel, &format!("minor{FREE}"), "1.2.0-dev", "1.3.0-dev 1.5.0 1.8.0-alpha", "1.8.0-alpha");
    for (policy, chosen) in [("patch", "1.2.1"), ("minor", "1.5.0"), ("major", "2.0.0")] {
        same(Keel, policy, "1.2.0", "1.3.0 1.5.0 2.0.0 1.2.1", chosen);
    }
    same(Keel, &format!("minor{FREE}"), "v0.1.0-ls1", "v0.1.0-ls1 v0.1.1-ls3 v0.2.0-ls1 v0.2.0-ls3", "v0.2.0-ls3");
    check(Keel, "major", "latest", "10.10.7", "10.10.7", "no-version");

    check(Keel, "glob:latest", "latest", "latest", "stays", "up-to-date");
    same(Keel, "glob:latest.*", "latest.20241321", "latest.20251321", "latest.20251321");
    check(Keel, "glob:latest.*", "latest.20251321", "latest.20241321", "stays", "only-older");
    same(Keel, "glob:build-*", "build-1", "build-1695801785 build-1696801785", "build-1696801785");
    for new in ["1.2.3", "8.0.0"] {
        same(Keel, "force", "latest", new, new);
        same(Keel, "force", "1.0.0-4", new, new);
    }
    same(Keel, "force", "7.9.1-1-ubi8", "7.9.1", "7.9.1");
    check(Keel, "force", "latest", "main", "main", "no-match");
    check(Keel, "force", "7.9.1-1-ubi8", "3.0.0", "stays", "only-older");
    check(Keel, "force", "8.1.0", "8.1.0", "stays", "up-to-date");
    check(Keel, "force", "1.2.3-4", "1.2.3-3", "stays", "only-older");
    same(Keel, "force", "8.0.0", "3.0.0 3.0.1 7.9.1-1-ubi8 8.0.0 latest 8.3.1", "8.3.1");
    let builds = "build-3a3560ef-1695801785 build-1a3560ef-1696801785 build-1696801785";
    same(Keel, "regexp:^build-.*-(?P<compare>.+)$", "x", builds, "build-1a3560ef-1696801785");
    same(Keel, "regexp:^build-.*-(.+)$", "build-0", builds, "build-3a3560ef-1695801785");
    check(Keel, "regexp:^b", "b9", "b9 b2", "stays", "up-to-date");
}

//! Families: how tags are read, and who belongs.

use super::Family;

/// `yes` belong to the family of `tag`, `no` do not.
#[track_caller]
fn check(tag: &str, shown: &str, yes: &str, no: &str) {
    let family = Family::of(tag).unwrap_or_else(|| panic!("{tag} has no family"));
    assert_eq!(family.to_string(), shown, "{tag}");
    assert!(family.member(tag).is_some(), "{tag} belongs to its own family");
    for (members, expected) in [(yes, true), (no, false)] {
        for member in members.split_whitespace() {
            assert_eq!(family.member(member).is_some(), expected, "{tag}: {member}");
        }
    }
}

#[test]
fn versions() {
    check(
        "1.2.3",
        "1.2.3",
        "1.2.4 2.0 0.0.1",
        "v1.2.4 1.2.4-alpine 1.2.4-rc.1 3 20240101 2024.01.31 a1b2c3d 1.2.3.4 main-1",
    );
    check("v1.2.3", "v1.2.3", "v1.2.4 v2.0", "1.2.4 v3 v2024.1.1 vv1.2");
    check("1.25-alpine", "1.2.3-alpine", "1.26-alpine 1.26.1-alpine", "1.26 1.26-alpine3.18 1.26-rc.1-alpine");
    check("1.25-alpine3.18", "1.2.3-alpine3.18", "1.26-alpine3.18", "1.26-alpine3.19");
    check("10.1.33-1", "1.2.3-1", "10.1.34-1", "10.1.33-2 10.1.34");
    check("2024.01.31", "1.2.3", "2024.2.1 2025.01", "1.2.3 20250101.1 2025.01.01-rc1");
    check("1.2.3-rc.1", "1.2.3", "1.2.3-rc.2 1.2.3 1.3.0-beta1 1.4.0-SNAPSHOT", "1.2.3-alpine 1.2.3-rc.2-alpine");
    check("1.2.3-rc.1-alpine", "1.2.3-alpine", "1.2.3-alpine 1.2.4-rc-2-alpine", "1.2.3 1.2.3-rc.1");
    check("1.2.3-nightly.20240101", "1.2.3", "1.2.3-nightly.20240102 1.2.3", "1.2.3-nightlyx");
    check("1.2.3-debian", "1.2.3-debian", "1.2.4-debian", "1.2.4-dev");
}

#[test]
fn commits() {
    check(
        "a1b2c3d",
        "<commit>",
        "0f00ba4 1234567 1a2b3c4d5e6f7a8b9c0d1a2b3c4d5e6f7a8b9c0d",
        "main-a1b2c3d 1.2.3 20240131 12345678 stable A1B2C3D",
    );
    check("a1b2c3d4", "<commit>", "12345678", "20240131 1234567");
    check(
        "master-a1b2c3d",
        "master-<commit>",
        "master-0f00ba4",
        "0f00ba4 main-0f00ba4 master-1.2.3 master-20240101 master-v2",
    );
    check("feature-1-a1b2c3d", "feature-1-<commit>", "feature-1-0f00ba4", "feature-2-0f00ba4");
}

#[test]
fn numbers_and_times() {
    check(
        "build-123",
        "build-<number>",
        "build-9 build-1000000",
        "build-20240101 build-1704067200 build-12a stage-124 124",
    );
    check("124", "<number>", "125 10000", "20240131 1704067200 1.2.3 v125 a1b2c3d");
    check("3", "<number>", "4", "20240131 3.1");
    check("v3", "v<number>", "v4", "4 v3.1");
    check("20240131", "<time>", "20240201", "3 20249999 202402011200");
    check("main-20240101120000", "main-<time>", "main-20240101120001", "main-20240101 main-5 dev-20240101120001");
    check(
        "main-a1b2c3d-1704067200",
        "main-<commit>-<time>",
        "main-0f00ba4-1704067201",
        "dev-0f00ba4-1704067201 main-1704067201 main-0f00ba4",
    );
    check("main-a1b2c3d-17", "main-<commit>-<number>", "main-0f00ba4-18 main-1234567-18", "main-18");
    check("v20240131-a1b2c3d", "v<time>-<commit>", "v20240201-0f00ba4", "v20240201 v5-0f00ba4 20240201-0f00ba4");
    check("alpine3", "alpine<number>", "alpine4", "debian4");
}

#[test]
fn dates() {
    check("2024-01-31", "<date>", "2024-02-01", "2024-02 20240201 2024-02-01-rc1 2024.02.01 x2024-02-01");
    check(
        "RELEASE.2024-01-31T00-00-00Z",
        "RELEASE.<date>",
        "RELEASE.2025-11-30T12-34-56Z",
        "2025-11-30T12-34-56Z RELEASE.2025-11-30",
    );
    check("nightly-2024_01_31", "nightly-<date>", "nightly-2024_02_01", "nightly-2024-02-01");
}

#[test]
fn tags_that_say_nothing() {
    for tag in ["latest", "stable", "v", "main", "deadbeef", "1.2.3-rc_1x", "bullseye-slim"] {
        assert_eq!(Family::of(tag), None, "{tag}");
    }
}

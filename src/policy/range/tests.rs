//! The vectors of the reference, and what our parser says to the rest.

use super::{Edition, Range, Unsatisfied};
use crate::policy::version;

#[test]
fn the_vectors_of_the_reference() {
    let table = include_str!("../../../fixtures/conformance/semver-constraints.tsv");
    let mut rows = 0;
    for row in table.lines().filter(|row| !row.starts_with('#')) {
        let [constraint, tag, satisfies] = row.split('\t').collect::<Vec<_>>()[..] else { panic!("{row:?}") };
        let range = Range::parse(constraint).unwrap_or_else(|why| panic!("{row:?}: {why:?}"));
        let held = range.check(&version::loose(tag).unwrap()).is_ok();
        assert_eq!(held, satisfies == "true", "{row:?}");
        rows += 1;
    }
    assert_eq!(rows, 196);
}

#[test]
fn beyond_the_vectors() {
    for (constraint, yes, no) in [
        ("^*", "3.4.5", "3.4.5-rc.1"),
        ("~*-0", "3.4.5-rc.1", "0.0.0-"),
        (">*", "1.0.0", "0.0.0"),
        ("<=*", "0.0.9", "0.1.0"),
        ("1.x.3", "1.9.9", "2.0.3"),
        ("v1.2", "1.2.9", "1.3.0"),
        (" ~1.2 ", "1.2.9", "1.3.0"),
        ("1.2.3+build", "1.2.3", "1.2.4"),
        ("~1.2||~2.1", "2.1.7", "2.2.0"),
        ("1.2 - 1.4.5", "1.2.0", "1.4.6"),
        ("3 - 4 || => 3.0, < 4", "4.9.0", "5.0.0"),
    ] {
        let range = Range::parse(constraint).unwrap();
        assert_eq!(range.check(&version::loose(yes).unwrap()), Ok(()), "{constraint} {yes}");
        if let Ok(no) = version::loose(no) {
            assert!(range.check(&no).is_err(), "{constraint} {no}");
        }
    }
}

#[test]
fn a_pre_release_that_nobody_asked_for_is_told_apart() {
    let range = Range::parse("~1.2").unwrap();
    assert_eq!(range.check(&version::loose("1.2.3-rc.1").unwrap()), Err(Unsatisfied::Prerelease));
    assert_eq!(range.check(&version::loose("1.3.0-rc.1").unwrap()), Err(Unsatisfied::Outside));
}

#[test]
fn what_is_no_constraint() {
    #[track_caller]
    fn check(constraint: &str, told: &str) {
        let why = Range::parse(constraint).expect_err(constraint);
        let message = format!("{}; {}", why.what, why.mend);
        assert!(message.contains(told), "{constraint:?}: {message}");
    }
    check("~1.", "did you mean `~1`?");
    check("~v0.", "did you mean `~v0`?");
    check("~1.2. || 3", "did you mean `~1.2 || 3`?");
    check("1..2", "missing behind");
    check("1.2.3.4", "at most three");
    check("12.3.4.1234", "at most three");
    check("foo", "`foo`");
    check("a", "`a`");
    check("x1", "`x1`");
    check("1x", "`1x`");
    check("-1", "`-1` was not expected");
    check("1.0.0p", "expected a version");
    check(">= bar", "`bar`");
    check("BAR >= 1.2.3", "`BAR >= 1.2.3`");
    check("12.3.34~ 1.2.3", "an operator stands before its version");
    check("v1.2.3-beta.01", "is no pre-release");
    check("*-*", "is no pre-release");
    check("invalid", "`invalid`");
    check(">=1.0.0 & <2", "for \"and\" write a blank");
    check(">=1 && <2", "for \"and\" write a blank");
    check("1 | 2", "write `||`");
    check("==1.2", "write one `=`");
    check(">1,", "ends where a version should stand");
    check(">1,,<2", "was not expected");
    check("1 ||", "ends where a version should stand");
    check("|| 1", "was not expected");
    check(">=", "ends where a version should stand");
    check("V1.2", "did you mean `v1.2`?");
    check("99999999999999999999", "does not fit 64 bits");
    check("1.2.3+", "no build metadata");
    check(">1.0 - 2.0", "was not expected");
}

#[test]
fn editions() {
    use Edition::{Ours, V31, V34};
    let holds = |edition, constraint: &str, tag: &str| {
        let range = Range::parse_as(edition, constraint).ok()?;
        Some(range.check(&version::loose(tag).unwrap()).is_ok())
    };
    let table = include_str!("../../../fixtures/conformance/semver-constraints.tsv");
    for row in table.lines().filter(|row| !row.starts_with('#')) {
        let [constraint, tag, satisfies] = row.split('\t').collect::<Vec<_>>()[..] else { panic!("{row:?}") };
        assert_eq!(holds(V34, constraint, tag), Some(satisfies == "true"), "{row:?}");
        // The older edition differs in pre-releases and in `^0` alone.
        if !tag.contains('-') && !constraint.starts_with("^0") {
            assert_eq!(holds(V31, constraint, tag), Some(satisfies == "true"), "{row:?}");
        }
    }
    for (constraint, tag, ours, v34, v31) in [
        ("^*", "0.0.0", Some(true), Some(true), Some(true)),
        ("^*", "1.0.0", Some(true), Some(false), Some(false)),
        ("^*", "0.1.0", Some(true), Some(false), Some(true)),
        ("^0.0.3", "0.0.3", Some(true), Some(true), Some(true)),
        ("^0.0.3", "0.7.3", Some(false), Some(false), Some(true)),
        ("^0.0.3", "1.0.3", Some(false), Some(false), Some(false)),
        ("^0.2.3", "0.2.9", Some(true), Some(true), Some(true)),
        ("^0.2.3", "1.2.9", Some(false), Some(false), Some(false)),
        ("*-0", "1.0.0-rc", Some(true), Some(true), Some(false)),
        ("*-01", "1.0.0", None, None, Some(true)),
        (">=1.0.0-0, <2", "1.5.0-rc", Some(true), Some(true), Some(false)),
        (">=1.0.0-0, <2-0", "1.5.0-rc", Some(true), Some(true), Some(true)),
        ("!=1.2.3", "1.5.0-rc", Some(false), Some(false), Some(true)),
        ("!=1.2", "1.5.0-rc", Some(false), Some(false), Some(false)),
        (">=1<2", "1.5.0", None, None, Some(true)),
        (">1,", "2.0.0", None, None, Some(true)),
        ("1.2.3v2", "1.2.3", None, None, Some(false)),
        ("1.2.3a", "1.2.3", None, None, None),
        ("1 || ", "1.2.3", None, None, None),
    ] {
        for (edition, expected) in [(Ours, ours), (V34, v34), (V31, v31)] {
            assert_eq!(holds(edition, constraint, tag), expected, "{edition:?} {constraint} {tag}");
        }
    }
}

#[test]
fn what_is_below_a_number() {
    for (constraint, below) in [
        ("~1.2", true),
        ("1", true),
        ("=1.2.3", true),
        ("^0", true),
        ("<9999", true),
        (">=1 <2", true),
        (">=1 <2 || 3.x", true),
        ("<=9999", true),
        ("*", false),
        ("~0.0.0", false),
        ("<*", false),
        (">1", false),
        ("<2 || >3", false),
        ("!=1", false),
        ("<10000", false),
    ] {
        assert_eq!(Range::parse(constraint).unwrap().is_below(10_000), below, "{constraint}");
    }
}

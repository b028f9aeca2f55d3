//! The vectors of the reference, and what our parser says to the rest.

use super::{Range, Unsatisfied, version};

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

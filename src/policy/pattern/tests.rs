//! Patterns: what is accepted, what it matches, and what people are told about the rest.

use super::{Pattern, PatternKind};
use crate::policy::Dialect;
use crate::policy::tests::admits;

#[test]
fn prefixes() {
    for (text, kind, shown) in [
        ("glob:master-*", PatternKind::Glob, "glob:master-*"),
        ("master-*", PatternKind::Glob, "glob:master-*"),
        ("semver:~1.2", PatternKind::Semver, "semver:~1.2"),
        ("semver: >=1.0 <2 ", PatternKind::Semver, "semver:>=1.0 <2"),
        ("regex:^x$", PatternKind::Regex, "regex:^x$"),
        ("regexp:^x$", PatternKind::Regex, "regex:^x$"),
        (r"regex:^(v[0-9]+\.[0-9]+-r[0-9]+-ls.*)$", PatternKind::Regex, r"regex:^(v[0-9]+\.[0-9]+-r[0-9]+-ls.*)$"),
        ("regex:(?i:rc):?", PatternKind::Regex, "regex:(?i:rc):?"),
    ] {
        let pattern = Pattern::parse(text, Dialect::Native).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((pattern.kind(), pattern.to_string().as_str()), (Some(kind), shown));
        assert_eq!(Pattern::parse_as(kind, pattern.body(), Dialect::Native).unwrap(), pattern);
    }
    assert_eq!(Pattern::family(Dialect::Native).to_string(), "own family");
    for (text, everything) in [("*", true), ("glob:**", true), ("?*", false), ("semver:*", false), ("regex:.*", false)]
    {
        assert_eq!(Pattern::parse(text, Dialect::Native).unwrap().is_everything(), everything, "{text}");
    }
}

#[test]
fn globs_match_the_whole_tag() {
    admits("1.*", "1.2 1.2.3-x 1.", "v1.2 11.2");
    admits("v?.[0-9]", "v1.2", "v1.x v11.2");
    admits("v1.[!0]", "v1.2", "v1.0");
    admits("{prod,dev}-*", "prod-1 dev-", "stg-1 xprod-1");
    admits("1.2{,-alpine}", "1.2 1.2-alpine", "1.2-debian");
    admits("Main-*", "Main-1", "main-1");
    admits(r"a\*b", "", "a-b");
    admits("glob:amd64-v0.*.*.*", "amd64-v0.1.2.3", "amd64-v0.1.2");
    admits("glob:2.*.*-*-*", "2.0.1-debian-9", "2.0.1-debian");
}

#[test]
fn regexes_match_the_whole_tag_unless_flux_says_so() {
    admits("regex:1.2", "1.2 1x2", "1.2.3 11.2");
    admits("regex:a|ab", "a ab", "abc b");
    admits("regex:^1.2$", "1.2", "1.2.3");
    admits("regex:1.2  dialect=flux", "1.2 1.2.3 11.2", "2.1");
    admits("regex:^1.2  dialect=flux", "1.2 1.2.3", "11.2");
}

#[test]
fn latest_and_referrers() {
    let referrer = format!("sha256-{}", "0123456789abcdef".repeat(4));
    admits("*", "1.0 stable", &format!("latest LATEST 1.0.sig 1.0.att {referrer} {referrer}.sig"));
    admits("latest", "latest", "1.0 LATEST");
    admits("{latest,stable}", "latest stable", "1.0");
    admits("regex:latest|edge", "latest edge", "1.0");
    admits("regex:(?i)latest", "latest LATEST", "1.0");
    admits("regex:.*", "1.0", "latest");
    admits("l*", "lts", "latest");
    admits("*.sig", "", "1.0.sig");
}

#[track_caller]
fn check(text: &str, told: &[&str]) {
    let error = Pattern::parse(text, Dialect::Native).expect_err(text);
    assert_eq!(error.to_string(), format!("{}; {}", error.message(), error.mend()));
    for told in told {
        assert!(error.to_string().contains(told), "{text:?}: {error}");
    }
}

#[test]
fn what_is_wrong_and_how_to_mend_it() {
    check("semver:~1.", &["`semver:~1.` is no version constraint", "did you mean `~1`?"]);
    check("semver:~v0.", &["did you mean `~v0`?"]);
    check("semver:", &["is empty", "semver:*"]);
    check("semver:  ", &["is empty"]);
    check("glob:", &["`glob:` is empty"]);
    check("", &["is empty"]);
    check("regex:", &["is empty"]);
    check("glob: 1.*", &["blank at its start", "did you mean `1.*`?"]);
    check("glob:1.* ", &["did you mean `1.*`?"]);
    check("regex: ^x", &["did you mean `^x`?"]);
    check("1.* 2.*", &["holds a blank", "one pattern"]);
    check("1.*,2.*", &["holds a comma", "{a,b}"]);
    check("~1.2", &["holds `~`", "`semver:~1.2`"]);
    check(">=1.2", &["`semver:>=1.2`"]);
    check("^1.2", &["`semver:^1.2`", "`regex:^1.2`"]);
    check("main-[0-9", &["is no glob"]);
    check("{a", &["is no glob"]);
    check(" semver:~1", &["did you mean `semver:~1`?"]);
    check("Semver:~1", &["did you mean `semver:~1`?"]);
    check("globsemver:1", &["unknown prefix `globsemver:`"]);
    check("nginx:1.2", &["unknown prefix `nginx:`"]);
    check("regex:^(?!foo)", &["look-around", "`exclude`"]);
    check("regex:*", &["is no regular expression", "`glob:*`"]);
    check("regex:(a", &["unclosed group"]);
    check(r"regex:(a)\1", &["backreference", "write the repeated part out"]);
    check("regex:a{1000000}", &["is too large", "smaller repetitions"]);
}

#[test]
fn what_would_eat_the_memory_is_no_pattern() {
    let nested = |depth| format!("{}a{}", "{".repeat(depth), "}".repeat(depth));
    for (text, told) in [
        ("regex:(a{1000}){1000}".to_owned(), "is too large"),
        ("regex:((((a{1,100}){1,100}){1,100}){1,100}){1,100}".to_owned(), "is too large"),
        (r"regex:(\p{L}\p{N}){1,100}".to_owned(), "is too large"),
        (format!("regex:{}", "a|".repeat(500_000)), "has 1000006 bytes, and 4096 is the most"),
        (format!("glob:{}", "[a-z]".repeat(1000)), "bytes"),
        (format!("glob:{}", nested(300)), "is too large a glob"),
        (format!("semver:{}", ">1 ".repeat(300_000)), "bytes"),
        ("x".repeat(5000), "bytes"),
        (format!("{}:1", "x".repeat(5000)), "bytes"),
    ] {
        let error = Pattern::parse(&text, Dialect::Native).expect_err(told).to_string();
        assert!(error.contains(told) && error.len() < 1000, "{error}");
    }
    assert!(crate::policy::Exclude::parse(&"a,".repeat(3000)).is_err());
    assert!(crate::policy::Exclude::parse(&nested(300)).is_err());
}

#[test]
fn what_people_write_is_small_enough() {
    admits(r"regex:\w{1,128}", "v1 main_1", "v1.2");
    admits(r"regex:(?:[a-z0-9]+(?:[._-][a-z0-9]+)*){1,64}", "a-b.c_d", "A");
    admits(r"regex:\p{L}+-\d{1,10}", "main-42", "4-2");
    admits(
        &format!("glob:{{{}}}", (0..300).map(|n| format!("v{n}.*")).collect::<Vec<_>>().join(",")),
        "v299.1",
        "v300.1",
    );
}

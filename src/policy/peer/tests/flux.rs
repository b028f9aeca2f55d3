//! Flux version 1: fluxcd/flux at c2317f8 (Apache-2.0), its tests and its code run on more tags.

use super::{choice, refused};
use crate::policy::Dialect;
use crate::policy::tests::peer;

#[track_caller]
fn check(pattern: &str, current: &str, tags: &str, expected: &str) {
    super::check(Dialect::Flux, pattern, current, tags, expected);
}

/// Which of these tags the pattern matches: alone in the registry, it is what would be written.
#[track_caller]
fn matches(pattern: &str, yes: &str, no: &str) {
    let peer = peer(Dialect::Flux, pattern);
    for (tags, expected) in [(yes, true), (no, false)] {
        for tag in tags.split_whitespace() {
            // What stands there now is older than the tag, and matches nothing that the tag does not.
            let tags = format!("zz-now-zz@1 {tag}@2");
            let chosen = choice(&peer, "zz-now-zz", &tags);
            assert_eq!(chosen == tag, expected, "{pattern} {tag}: {chosen}");
        }
    }
}

#[test]
fn patterns() {
    matches("*", "1 foo", "latest LATEST");
    matches("glob:*", "1 foo", "latest");
    matches("-", "1 foo", "latest");
    matches("master-*", "master- master-foo", "foo-master");
    matches("*-*", "master-", "prod");
    matches("1.*.*", "1.2.3 1..", "1.2");
    matches("**", "a 1", "");
    matches("a*a", "aa aba", "a ab");
    matches("*a*b", "ab xaxb aabb", "ba");
    // These signs mean themselves.
    matches("glob:pro?", "", "prod pro");
    matches("pro[d]", "", "prod");
    matches("{prod,dev}-*", "", "prod-1");
    matches("glob:", "", "a");
    matches(" semver:~1", "", "1");
    matches("Regexp:^a", "", "a");
    matches("globsemver:1", "", "1");

    matches("semver:*", "1 1.0 1.2.3 v1.2.3 v1.0.3 2.0.0 12345678", "1.2.3-rc.1 v1.2.3-alpine 2.0.0-0 2.0.1-alpha.1");
    matches("semver:x", "1 1.2.3", "1.2.3-rc.1");
    matches("semver:*-0", "1.2.3", "1.2.3-rc.1");
    matches("semver:*-alpha*", "1.2.3", "1.2.3-rc.1 foo");
    matches("semver:~1", "1 1.2 v1.2.3", "2.0.0 12345678 1.2.3-rc.1");
    matches("semver:v1", "1 1.2 v1.2.3", "2.0.0");
    matches("semver:1", "1 1.2 v1.2.3", "2.0.0");
    matches("semver:~1-0", "1.2.3-rc.1", "2.0.0");
    matches("semver:^1.x-0", "1.2.3-rc.1", "2.0.0");
    for same in ["~1.2", "1.2.x", "~>1.2"] {
        matches(&format!("semver:{same}"), "1.2 1.2.3", "1 1.0 2.0.0");
    }
    matches("semver:^1.2", "1.2 1.2.3", "1.0 2.0.0");
    matches("semver:^0.2.3", "0.2.3 0.2.9", "0.2.2 0.3.0 1.2.3");
    matches("semver:^0.0.3", "0.0.3 0.7.3", "0.0.4 1.0.3");
    matches("semver:~0.0.0", "0.1 1.2.3 2.0.0", "1.2.3-rc.1");
    matches("semver:>=1.0.0", "1 2.0.0 12345678", "1.2.3-rc.1");
    matches("semver:>=1.0.0-0", "1 2.0.0 1.2.3-rc.1 2.0.0-0 v1.2.3-alpine", "0.9.9");
    matches("semver:>1", "2.0.0", "1.2.3");
    matches("semver:>1.2", "2.0.0", "1.2.3");
    matches("semver:<=1.2", "1.2.9", "1.3");
    matches("semver:<2", "1.9", "1.9-rc");
    matches("semver:1 - 2", "2.5", "3");
    matches("semver:1.2 - 1.4.5", "1.2", "1.0");
    matches("semver:1.2.3 || 2.0.0", "1.2.3 2.0.0", "1.2.4");
    matches("semver:!=1.2.3", "1.2.3-rc.1 2.0.0-0", "1.2.3 v1.2.3");
    matches("semver:!=1.2", "2.0.0", "1.2.3 2.0.0-0");
    matches("semver:=>1.0", "1.0", "0.9");
    matches("semver:1.2.3-alpine", "1.2.3-alpine", "1.2.3");
    matches("semver:2.0.1-alpha.1", "2.0.1-alpha.1", "2.0.1");
    matches("semver:~1.2.0-alpine", "1.2.3-debian 1.2.3", "1.2.0-aaa");
    matches("semver:>=1.0.0-0 <2.0.0-0", "1.5.0-rc.1", "2.0.0-rc.1");
    // Each term has to ask for pre-releases.
    matches("semver: >= 1.0.0-rc.0, <1.0.1", "1.0.0", "1.0.0-rc.1");
    matches("semver: >= 1.0.0-rc.0, <1.0.1-0", "1.0.0 1.0.0-rc.1", "");
    // Nothing has to stand between terms.
    matches("semver:>=1.0<2", "1.5", "2.5");
    matches("semver:>1,", "2", "1");
    // What never is a version.
    let never = "V1.2.3 1.2.3.4 1.2.3-rc.01 1.2.3-01 1.2.3_4 1.2.3-a_b 1.x release-1.2.3 99999999999999999999";
    matches("semver:>=0-0", "01.2.3 1.02.3", never);
    // What is no constraint, any version satisfies.
    for invalid in ["semver:", "semver: ", "semver:invalid", "semver:>=1.0.0 & <2", "semver:~1."] {
        matches(invalid, "1 2.0.0 1.2.3-rc.1 12345678", "foo 1.x");
    }

    matches("regexp:(.*?)", "1 foo foo-1", "latest");
    matches("regexp:^([a-zA-Z]+)$", "foo BAR", "1 foo-1");
    matches(r"regex:^\w{7}(?:\w)?$", "af14eb2 bb73ed94 946427ff", "foo 946427ff-foo");
    matches("regexp:stg", "stg xstg", "prod");
    matches("regexp: stg", "", "stg");
    matches(r"regexp:\Q1.2\E", "1.2.3", "1x2");
    // What is no expression, any tag matches.
    for invalid in ["regexp:*", "regexp:^(?!foo)", "regexp:", "regexp:a**", "regexp:(?<n>a)"] {
        matches(invalid, "1 foo", "latest");
    }
}

#[test]
fn selection() {
    // Of equal versions the one whose name is the last; what is no version is never chosen.
    check("semver:*", "", "2 v1.0.0 v1 1.0.0 1.0 1 1.0.0-rc.1 bar foo", "2");
    check("semver:~1.0", "", "2 v1.0.0 v1 1.0.0 1.0 1 1.0.0-rc.1 bar foo", "v1.0.0");
    check("semver:*", "1", "3 v1 1.10 1.2.30 1.10.0 bbb-not-semver aaa-not-semver", "3");
    check("semver:~1", "1", "3 v1 1.10 1.2.30 1.10.0 bbb-not-semver", "1.10.0");
    check("semver:1.2.3-0 - 1.2.3-z", "", "1.2.3-beta 1.2.3-alpha.10 1.2.3-alpha.2", "1.2.3-beta");
    // Of equal times the one whose name is the first; no time at all comes last.
    check("*", "now", "now@1 0.1.0-beta@2 0-1-beta@2 1.9@2 1.10@2 a@2 b@2 latest@2", "0-1-beta");
    check("*", "1", "0@3 1@2 2@2 3@1 4@zero 5@zero", "0");
    check("*", "now", "now@0 r9@0 r10@0", "stays");
    check("r*", "now", "now@0 r9@0 r10@0", "r10");
    // `latest` is chosen only by its name.
    check("latest", "v0", "latest@2 v0@1", "latest");
    check("glob:latest", "latest", "latest@2 v0@1", "stays");
    check("*", "v0", "latest@2 v0@1", "stays");
    check("regexp:latest", "v0", "latest@2 v0@1", "stays");
    check("lat*", "v0", "latest@2 v0@1", "stays");
    // Versions need no times, and all else needs that of every tag that matches and of the current one.
    check("semver:*", "v1", "v1@1 v2@2 latest", "v2");
    check("semver:*", "v1", "v1@1 v2@2 v9", "v9");
    check("*", "v1", "v1@1 v2@2 v9", "needs the created time of v9");
    check("v2", "v1", "v1 v2@2", "needs the created time of v1");
    check("v1", "v1", "v1", "stays");
    check("semver:^1.0", "1.0.0", "1.0.0@zero 1.1.0@zero", "1.1.0");
    check("*", "1.0.0", "1.0.0@zero 1.1.0@2", "stays");
    check("1.1*", "1.0.0", "1.0.0@1 1.1.0@zero", "stays");
    check("*", "gone", "new@2", "stays");
    check("*", "", "new@2", "stays");
    check("semver:*", "gone", "1.0", "1.0");
    check("*", "current", "current@1 new@2", "new");
    check("*", "1", "1@1 2@5 3@4", "2");
    check("semver:*", "1", "1@1 2@5 3@4", "3");
    check("semver:~3.1", "3.1.0", "3.1.0@1 3.0.5@9 3.1.2@2", "3.1.2");
    check("glob:3.1.1-debian-9-*", "3.0.2-debian-9-r3", "3.0.2-debian-9-r3@1 3.1.1-debian-9-r0@2", "3.1.1-debian-9-r0");
    check("*", "1", "", "stays");
    check("x", "1", "1@1", "stays");
    // Nothing keeps it from going back.
    check("1.2*", "1.3", "1.3@3 1.2@2", "1.2");
    check("semver:~1.2", "1.3.0", "1.2.9 1.3.0", "1.2.9");
    // Signatures are tags like any other.
    check("*", "1", "1@1 sha256-ab.sig@2", "sha256-ab.sig");
}

#[test]
fn what_is_carried_over() {
    for (pattern, policy) in
        [("-", "own family"), ("semver:~1.2", "semver:~1.2"), ("regex:^a", "regex:^a"), ("1.*", "glob:1.*")]
    {
        assert_eq!(peer(Dialect::Flux, pattern).policy().unwrap().to_string(), policy);
    }
    refused(
        Dialect::Flux,
        "semver:~1.",
        "`tag`: `semver:~1.` is no version constraint: a number is missing behind the last `.` (at character 4); did you mean `~1`?",
    );
    refused(
        Dialect::Flux,
        "regexp:a**",
        "`tag`: `regex:a**` is no regular expression for Flux v1: it repeats a repetition; write it otherwise",
    );
}

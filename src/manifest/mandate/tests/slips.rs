//! Slips of the pen in keys and values: told, and the container holds.

use super::{ON, check, fine, problem};

#[test]
fn one_mistake_does_not_hide_another() {
    problem(
        &format!(
            "{ON}\nlandwaiter/tag.app: 'semver:~1.'\nlandwaiter/order: newst\nlandwaiter/exclude: 'a b'\nlandwaiter/policy.sidecar: stabel"
        ),
        &[
            "a.yaml:6:25: error: `semver:~1.` is no version constraint: a number is missing behind the last `.` (at character 4); did you mean `~1`?",
            "a.yaml:7:23: error: `newst` is no order; use `semver`, `newest`, `numeric`, `natural` or `alphabetical`, with `asc` or `desc` behind it",
            "a.yaml:8:25: error: `a b` holds a blank, which no tag can hold; a tag has no blanks; write one pattern",
            "a.yaml:9:32: error: there is no policy `stabel`; did you mean `stable`? There are: calm, stable",
        ],
    );
    problem(
        &format!("{ON}\nlandwaiter/automated: 'false'"),
        &[
            "a.yaml:6:5: error: the key `landwaiter/automated` stands here twice, first in line 5; remove one of the two",
        ],
    );
}

#[test]
fn a_broken_pattern_for_nobody_is_broken_all_the_same() {
    problem(
        "fluxcd.io/automated: 'false'\nfluxcd.io/tag.web: semver:~0.",
        &[
            "a.yaml:6:5: warning: `fluxcd.io/tag.web` speaks about `web`, and there is no image of that name; there are: app, sidecar",
            "a.yaml:6:24: error: `semver:~0.` is no version constraint: a number is missing behind the last `.` (at character 4); did you mean `~0`?",
        ],
    );
}

#[test]
fn keys_in_the_wrong_case_hold_whatever_their_prefix() {
    for (key, meant) in [
        ("fluxcd.io/Tag.app", "fluxcd.io/tag.app"),
        ("flux.weave.works/TAG.app", "flux.weave.works/tag.app"),
        ("FluxCD.io/tag.app", "fluxcd.io/tag.app"),
        ("landwaiter/Tag.app", "landwaiter/tag.app"),
        ("Landwaiter/tag.app", "landwaiter/tag.app"),
        ("Filter.fluxcd.io/app", "filter.fluxcd.io/app"),
    ] {
        let annotations = format!("{ON}\n{key}: glob:x-*");
        check(&annotations, "held at 6:5", "app: own family, sidecar: own family");
        let told = format!("a.yaml:6:5: error: `{key}` is no key, since capitals and blanks count; write `{meant}`");
        problem(&annotations, &[&told]);
    }
    check("fluxcd.io/Automated: 'true'", "held at 5:5", "app: -, sidecar: -");
    for (key, name) in [("fluxcd.io/tag.App", "App"), ("'fluxcd.io/tag.app '", "app "), ("filter.fluxcd.io/APP", "APP")]
    {
        let annotations = format!("{ON}\n{key}: x-*");
        check(&annotations, "held at 6:5", "app: own family, sidecar: own family");
        let told = format!(
            "a.yaml:6:5: error: `{}` speaks about `{name}`, and there is no image of that name; did you mean `app`? There are: app, sidecar",
            key.trim_matches('\'')
        );
        problem(&annotations, &[&told]);
    }
}

#[test]
fn blanks_tabs_and_line_ends_in_values_are_told_and_hold() {
    for (value, stray, plain) in [
        ("'semver:~1 '", "a blank behind it", "semver:~1"),
        ("' semver:~1'", "a blank before it", "semver:~1"),
        ("\"\\tsemver:~1\"", "a tab before it", "semver:~1"),
        ("\"semver:~1\\n\"", "a line end behind it", "semver:~1"),
        ("\"semver:>=1\\n<2\"", "a line end in it", "semver:>=1 <2"),
        ("\"semver:>=1\\t<2\"", "a tab in it", "semver:>=1 <2"),
        ("\"semver:~1\\u00a0\"", "the character '\\u{a0}' behind it", "semver:~1"),
    ] {
        for (key, column) in [("landwaiter/tag.app", 25), ("fluxcd.io/tag.app", 24)] {
            let annotations = format!("{ON}\n{key}: {value}");
            check(&annotations, "on", "app: invalid, sidecar: own family");
            let told = format!("a.yaml:6:{column}: error: the value of `{key}` has {stray}; write \"{plain}\"");
            problem(&annotations, &[&told]);
        }
    }
    check("landwaiter/automated: 'true '", "held at 5:27", "app: own family, sidecar: own family");
    check(&format!("{ON}\nlandwaiter/policy: ' stable'"), "on", "app: invalid, sidecar: invalid");
    check(&format!("{ON}\nlandwaiter/order: 'semver '"), "on", "app: invalid, sidecar: invalid");
    fine(
        &format!("{ON}\nlandwaiter/exclude: \" a,\\tb\\n\""),
        "on",
        "app: own family exclude=a,b, sidecar: own family exclude=a,b",
    );
    fine(
        &format!("{ON}\nlandwaiter/locked: 'true'\nlandwaiter/locked-reason: \" a talk\\n\""),
        "locked by  since a talk until ",
        "app: own family, sidecar: own family",
    );
    fine(&format!("{ON}\nlandwaiter/tag.app: 'semver: >=1 <2'"), "on", "app: semver:>=1 <2, sidecar: own family");
}

//! Policy files, good and bad.

use super::{builtin_presets, read_policy_file};
use crate::path::RepoPath;

#[track_caller]
fn check(text: &str, expected: Result<&str, &[&str]>) {
    let path = RepoPath::parse(".landwaiter/policies/mine.yaml").unwrap();
    let read = read_policy_file(&path, text.as_bytes());
    let shown = read.map(|preset| preset.policy().to_string()).map_err(|problems| {
        let shown = |problem: &crate::manifest::Problem| problem.to_string().replace(path.as_str(), "mine");
        problems.iter().map(shown).collect::<Vec<_>>()
    });
    match (&shown, expected) {
        (Ok(shown), Ok(expected)) => assert_eq!(shown, expected, "{text}"),
        (Err(shown), Err(expected)) => assert_eq!(shown, expected, "{text}"),
        _ => panic!("{text}\n{shown:?}"),
    }
}

#[test]
fn what_stands_in_a_policy_file() {
    check("for: x\npattern: semver:~1.2\n", Ok("mine (semver:~1.2)"));
    check("name: mine\nfor: x\n", Ok("mine (own family)"));
    check(
        "for: x\npattern: 'regex:^b-(\\d+)$'\norder: numeric\nextract: $1\nexclude: [b-1, 'b-2']\nallow-downgrade: true\n",
        Ok("mine (regex:^b-(\\d+)$ order=numeric extract=$1 exclude=b-1,b-2 allow-downgrade=true)"),
    );
    check("for: x\nmin-age: 2 weeks\n", Ok("mine (own family min-age=14d)"));
    check(
        "for: x\npattern: semver:*\nmin-age: 7d\nexamples:\n- {tags: [{tag: '1.1', pushed: 2026-01-01T00:00:00Z, first-seen: 2025-01-01T00:00:00Z}, '1.0'], current: '0.9', now: 2026-01-07T00:00:00Z, expect: '1.0'}\n",
        Ok("mine (semver:* min-age=7d)"),
    );
    check("for: x\nwithin: minor\nexclude: a,b", Ok("mine (own family within=minor exclude=a,b)"));
    check(
        "for: x\npattern: semver:*\nexamples:\n- {tags: [1.9, 1.10, {tag: '1.8', created: 2026-01-01T00:00:00Z}], current: 1.9, expect: 1.10}\n- tags: [1.0.0]\n  hold: no-match\n  current: '1.0'\n"
            .replace("hold: no-match", "hold: up-to-date").replace("1.0.0]", "'1.0']").as_str(),
        Ok("mine (semver:*)"),
    );
}

#[test]
fn what_is_wrong_in_a_policy_file() {
    check(
        "for: x\npatern: glob:a",
        Err(&["mine:2:1: error: `patern` is no key of a policy file; did you mean `pattern`?"]),
    );
    check(
        "for: x\nname: other",
        Err(&["mine:2:7: error: the policy calls itself `other`, and its file `mine`; give both the same name"]),
    );
    check(
        "for: x\nmin-age: 7",
        Err(&[
            "mine:2:10: error: min-age: min-age `7` is no length of time: it has no unit; write one such as `24h`, `7d` or `2w`",
        ]),
    );
    check("pattern: glob:a", Err(&["mine:1:1: error: for: say in one sentence what the policy is for"]));
    check("- a", Err(&["mine:1:1: error: a policy file holds one mapping with `for` and `pattern`"]));
    check(
        "for: x\npattern: {a: b}\nallow-downgrade: maybe",
        Err(&[
            "mine:2:10: error: `pattern` is not a text; write one value behind it",
            "mine:3:18: error: `allow-downgrade` is neither true nor false; write true or false",
        ]),
    );
    check(
        "for: x\npattern: semver:*\nexamples:\n- {tags: ['1.0'], current: '1.0', hold: up-to-date}\n- {tags: ['1.1'], current: '1.0', expect: '1.2'}\n",
        Err(&["mine:5:3: error: examples: example 2 expects `1.2`, and the policy gives `1.1`"]),
    );
}

#[test]
fn the_built_in_policies_do_what_they_say() {
    let presets = builtin_presets();
    assert!(presets.names().count() > 0);
    for preset in presets.iter() {
        assert!(preset.examples().len() > 1, "{}", preset.name());
    }
}

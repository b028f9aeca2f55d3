//! Rules that are switched, by `.landwaiter/lint.yaml` and for one run, and what makes the exit code.

use serde_json::Value;

use super::super::{Checkout, deployment};

/// A checkout with one warning (`unquoted-value`) in each of two folders, and this file of switches.
fn checkout(switches: &str) -> Checkout {
    let web = deployment("web", "landwaiter/automated: true", "- name: web\n  image: x:1.0");
    Checkout::new(&[("apps/web.yaml", &web), ("infra/web.yaml", &web), (".landwaiter/lint.yaml", switches)])
}

/// The problems as `file severity rule`.
fn told(answer: &Value) -> Vec<String> {
    let problem = |problem: &Value| {
        let text = |key: &str| problem[key].as_str().unwrap().to_owned();
        format!("{} {} {}", text("file"), text("severity"), text("rule"))
    };
    answer["problems"].as_array().unwrap().iter().map(problem).collect()
}

#[track_caller]
fn check(switches: &str, args: &[&str], code: i32, expected: &[&str]) {
    let ran = checkout(switches).run(&[&["lint", "--output", "json"], args].concat());
    assert_eq!(
        (ran.code, told(&ran.json())),
        (code, expected.iter().map(|text| (*text).to_owned()).collect()),
        "{ran:?}"
    );
}

#[test]
fn a_repository_switches_rules_by_path_and_a_run_has_the_last_word() {
    let both = ["apps/web.yaml warning unquoted-value", "infra/web.yaml warning unquoted-value"];
    check("", &[], 0, &both);
    check("apps: {unquoted-value: off}", &[], 0, &both[1..]);
    check("apps/**: {unquoted-value: error}", &[], 1, &["apps/web.yaml error unquoted-value", both[1]]);
    check(".: {unquoted-value: hint}\ninfra: {unquoted-value: off}", &[], 0, &["apps/web.yaml hint unquoted-value"]);
    check(".: {unquoted-value: off}", &["--rule", "unquoted-value=warning"], 0, &both);
    check("", &["--rule", "unquoted-value=error", "--rule", "unquoted-value=off"], 0, &[]);
    check("", &["--rule", "unknown-key=off,unquoted-value=off"], 0, &[]);
}

#[test]
fn a_mistake_in_the_switches_is_told_and_switches_nothing() {
    let both = ["apps/web.yaml warning unquoted-value", "infra/web.yaml warning unquoted-value"];
    let mistake = [".landwaiter/lint.yaml error lint-file", both[0], both[1]];
    check("apps: {unquoted-valeu: off}", &[], 1, &mistake);
    check("apps: {unquoted-value: of}", &[], 1, &mistake);
    check("*.yaml: {unquoted-value: off}", &[], 1, &mistake);
    check("aps: {unquoted-value: off}", &[], 0, &[".landwaiter/lint.yaml warning lint-file", both[0], both[1]]);
    check("apps: {unquoted-valeu: off}", &["--rule", "lint-file=off"], 0, &both);
    let two = checkout("apps: {unquoted-value: off}");
    std::fs::write(two.path().join(".landwaiter/lint.yml"), "infra: {unquoted-value: off}").unwrap();
    let ran = two.run(&["lint", "--output", "json"]);
    assert_eq!(told(&ran.json()), [".landwaiter/lint.yml error lint-file", both[1]]);
}

#[test]
fn a_link_in_place_of_the_switches_is_not_followed() {
    let checkout = checkout("apps: {unquoted-value: off}");
    let folder = checkout.path().join(".landwaiter");
    std::fs::rename(folder.join("lint.yaml"), checkout.path().join("other")).unwrap();
    std::os::unix::fs::symlink("../other", folder.join("lint.yaml")).unwrap();
    let ran = checkout.run(&["lint", "apps", "--output", "json"]);
    let told = told(&ran.json());
    assert_eq!(told, [".landwaiter/lint.yaml error lint-file", "web.yaml warning unquoted-value"]);
}

#[test]
fn the_switches_are_found_from_a_folder_below() {
    let checkout = checkout("apps: {unquoted-value: off}\ninfra: {unquoted-value: error}");
    let below = |folder: &str| checkout.run(&["lint", folder, "--output", "json"]);
    assert_eq!(told(&below("apps").json()), [""; 0]);
    let ran = below("infra");
    assert_eq!((ran.code, told(&ran.json())), (1, vec!["web.yaml error unquoted-value".to_owned()]));
}

#[test]
fn a_switch_changes_what_is_shown_and_never_what_happens() {
    let web = deployment(
        "web",
        "landwaiter/automatd: \"true\"\nlandwaiter/automated: \"true\"",
        "- name: web\n  image: x:1.0",
    );
    let checkout = Checkout::new(&[
        ("web.yaml", &web),
        (".landwaiter/lint.yaml", ".: {unknown-key: off}"),
        ("tags.json", r#"{"x": ["1.0", "1.1"]}"#),
    ]);
    let lint = checkout.run(&["lint", "--output", "json"]);
    assert_eq!((lint.code, told(&lint.json())), (0, vec![]));
    let plan = checkout.run(&["plan", "--tags", "tags.json", "--output", "json"]).json();
    assert_eq!((plan["updates"].as_array().unwrap().len(), &plan["holds"][0]["hold"]), (0, &Value::from("mistake")));
    assert_eq!(told(&plan), ["web.yaml error unknown-key"]);
}

#[test]
fn what_makes_a_run_fail_can_be_chosen() {
    for (severity, code) in [("error", 0), ("warning", 1), ("hint", 1)] {
        check(
            "infra: {unquoted-value: off}",
            &["--fail-on", severity],
            code,
            &["apps/web.yaml warning unquoted-value"],
        );
    }
    check(
        ".: {unquoted-value: hint}",
        &["--fail-on", "warning"],
        0,
        &["apps/web.yaml hint unquoted-value", "infra/web.yaml hint unquoted-value"],
    );
}

#[test]
fn an_argument_that_is_wrong_is_wrong_usage() {
    let checkout = checkout("");
    for (args, told) in [
        (&["--rule", "unquoted-valeu=off"][..], "did you mean `unquoted-value`?"),
        (&["--rule", "unquoted-value"], "expected NAME=LEVEL"),
        (&["--rule", "unquoted-value=of"], "write `off`, `hint`, `warning` or `error`"),
        (&["--fail-on", "never"], "[possible values: error, warning, hint]"),
        (&["--online", "--tags", "tags.json"], "give one of them"),
        (&["--rules", "--output", "sarif"], "text or json"),
    ] {
        let ran = checkout.run(&[&["lint"], args].concat());
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{ran:?}");
        assert!(ran.stderr.contains(told), "{args:?}: {}", ran.stderr);
    }
}

//! What `lint` says of mistakes.

mod outputs;
mod switches;
mod tags;

use std::fs;

use landwaiter::manifest::Rule;
use serde_json::{Value, json};

use super::{Checkout, deployment};

/// What `lint` says of a deployment with these annotations: `severity line:column message`.
fn lint(annotations: &str) -> (i32, Vec<String>) {
    let checkout = Checkout::new(&[("a.yaml", &deployment("web", annotations, "- name: web\n  image: x:1.0"))]);
    let ran = checkout.run(&["lint", "--output", "json"]);
    let answer = ran.json();
    let text = |problem: &Value| {
        format!(
            "{} {}:{} {}",
            problem["severity"].as_str().unwrap(),
            problem["line"],
            problem["column"],
            problem["message"].as_str().unwrap()
        )
    };
    (ran.code, answer["problems"].as_array().unwrap().iter().map(text).collect())
}

#[track_caller]
fn check_lint(annotation: &str, code: i32, place: &str, words: &[&str]) {
    let (exit, problems) = lint(&format!("landwaiter/automated: \"true\"\n{annotation}"));
    assert_eq!(exit, code, "{problems:?}");
    let found =
        problems.iter().any(|problem| problem.starts_with(place) && words.iter().all(|word| problem.contains(word)));
    assert!(found, "{annotation}: expected {place} … {words:?} in {problems:#?}");
}

#[test]
fn lint_finds_what_people_get_wrong() {
    check_lint("landwaiter/tag-smever: ~1", 1, "error 8:5", &["tag-smever", "tag-semver"]);
    check_lint("landwaiter/tag.web: semver:~1.", 1, "error 8:", &["~1."]);
    check_lint("landwaiter/tag.wep: glob:1.*", 1, "error 8:5", &["wep", "web"]);
    check_lint("fluxcd.io/tag.wep: glob:1.*", 0, "warning 8:5", &["wep", "web"]);
    check_lint("landwaiter/tag.web: 1.10", 0, "warning 8:", &["1.10"]);
    check_lint("landwaiter/policy: stabel", 1, "error 8:", &["stabel", "stable"]);
    check_lint("landwaiter/window: Mon-Fri", 1, "error 8:5", &["window", "not supported"]);
    check_lint("landwaiter/min-age: 24", 1, "error 8:", &["min-age", "no unit", "24h"]);
    check_lint("landwaiter/automated: \"true\"\nlandwaiter/min-age.web: 3 months", 1, "error 9:", &["months"]);
    let (code, problems) = lint("landwaiter/automated: \"true\"\nlandwaiter/tag.web: semver:~1");
    assert_eq!((code, problems), (0, vec![]));
}

#[test]
fn bad_files_are_told_and_the_others_go_on() {
    let good =
        deployment("web", "landwaiter/automated: \"true\"\nlandwaiter/tag-semver: '1'", "- name: web\n  image: x:1.0");
    let checkout = Checkout::new(&[
        ("1-no-yaml.yaml", "a: [fluxcd.io/automated\n"),
        (
            "2-template.yaml",
            "metadata:\n  annotations:\n    fluxcd.io/automated: \"true\"\n  name: {{ .Values.name }}\n",
        ),
        ("3-tab.yaml", "kind: Deployment\n\tmetadata: landwaiter\n"),
        ("4-bytes.yaml", ""),
        ("5-good.yaml", &good),
        ("6-bom.yaml", &format!("\u{feff}{}", good.replace("name: web\n  namespace", "name: bom\n  namespace"))),
        ("7-crlf.yaml", &good.replace("name: web\n  namespace", "name: crlf\n  namespace").replace('\n', "\r\n")),
        ("tags.json", r#"{"x": ["1.0", "1.1"]}"#),
    ]);
    fs::write(checkout.path().join("4-bytes.yaml"), b"landwaiter: \xff\xfe\n").unwrap();
    let before: Vec<_> = ["6-bom.yaml", "7-crlf.yaml"].map(|file| checkout.read(file)).into();
    let ran = checkout.run(&["plan", "--tags", "tags.json", "--write", "--output", "json"]);
    let answer = ran.json();
    assert_eq!(ran.code, 1, "an unreadable file with annotations is an error");
    let updated: Vec<_> =
        answer["updates"].as_array().unwrap().iter().map(|update| update["file"].as_str().unwrap()).collect();
    assert_eq!(updated, ["5-good.yaml", "6-bom.yaml", "7-crlf.yaml"], "{answer:#}");
    let told: Vec<_> =
        answer["problems"].as_array().unwrap().iter().map(|problem| problem["file"].as_str().unwrap()).collect();
    assert_eq!(told, ["1-no-yaml.yaml", "2-template.yaml", "3-tab.yaml", "4-bytes.yaml"], "{answer:#}");
    for (file, before) in ["6-bom.yaml", "7-crlf.yaml"].iter().zip(before) {
        assert_eq!(checkout.read(file), before.replace("x:1.0", "x:1.1"));
    }
}

#[test]
fn rules_are_shown() {
    let checkout = Checkout::new(&[]);
    let ran = checkout.run(&["lint", "--rules"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.stdout.lines().count(), 1 + Rule::ALL.len(), "{}", ran.stdout);
    let rules = checkout.run(&["lint", "--rules", "--output", "json"]).json();
    let first = Rule::ALL[0];
    let expected = json!({"name": first.name(), "severity": first.usual().as_str(), "meaning": first.meaning()});
    assert_eq!((rules["rules"].as_array().unwrap().len(), &rules["rules"][0]), (Rule::ALL.len(), &expected));
}

#[test]
fn a_problem_says_which_rule_it_breaks() {
    let web = deployment("web", "landwaiter/automatd: \"true\"", "- name: web\n  image: x:1.0");
    let checkout = Checkout::new(&[("a.yaml", &web)]);
    let problem = checkout.run(&["lint", "--output", "json"]).json()["problems"][0].clone();
    assert_eq!(problem["rule"], "unknown-key", "{problem}");
    let text = checkout.run(&["lint"]).stdout;
    assert!(text.starts_with("a.yaml:7:5: error: `landwaiter/automatd` is no key"), "{text}");
    assert!(text.lines().next().unwrap().ends_with("? [unknown-key]"), "{text}");
}

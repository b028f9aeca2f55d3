//! The forms in which other programs take the problems.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::super::{Checkout, deployment};

/// A repository with one error in line 7 of `apps/a b.yaml`, and one hint.
fn checkout() -> Checkout {
    let web = deployment(
        "web",
        "landwaiter/automatd: \"true\"\nfluxcd.io/automated: \"true\"\nfluxcd.io/tag-glob: 1.*",
        "- name: web\n  image: x:1.0",
    );
    let checkout = Checkout::new(&[("apps/a b.yaml", &web)]);
    fs::create_dir(checkout.path().join(".git")).unwrap();
    checkout
}

#[test]
fn sarif_for_code_scanning() {
    let checkout = checkout();
    let ran = checkout.run(&["lint", "--output", "sarif"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let log = ran.json();
    assert_eq!(
        (&log["version"], &log["$schema"]),
        (&json!("2.1.0"), &json!("https://json.schemastore.org/sarif-2.1.0.json"))
    );
    let [run] = &log["runs"].as_array().unwrap()[..] else { panic!("{log:#}") };
    let driver = &run["tool"]["driver"];
    assert_eq!(
        (&driver["name"], &driver["semanticVersion"]),
        (&json!("landwaiter"), &json!(env!("CARGO_PKG_VERSION")))
    );
    let rules = driver["rules"].as_array().unwrap();
    for rule in rules {
        for key in ["shortDescription", "fullDescription", "help"] {
            assert!(rule[key]["text"].as_str().is_some_and(|text| !text.is_empty()), "{rule:#}");
        }
        assert!(["error", "warning", "note"].contains(&rule["defaultConfiguration"]["level"].as_str().unwrap()));
    }
    let results = run["results"].as_array().unwrap();
    let shown: Vec<_> = results
        .iter()
        .map(|result| {
            let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
            assert_eq!(rule["id"], result["ruleId"]);
            let place = &result["locations"][0]["physicalLocation"];
            assert_eq!(place["artifactLocation"], json!({"uri": "apps/a%20b.yaml", "uriBaseId": "%SRCROOT%"}));
            assert!(result["message"]["text"].as_str().is_some_and(|text| text.contains("; ")));
            let level = result["level"].as_str().unwrap();
            format!("{level} {} {}", result["ruleId"].as_str().unwrap(), place["region"])
        })
        .collect();
    assert_eq!(
        shown,
        [
            "error unknown-key {\"startColumn\":5,\"startLine\":7}",
            "note ignored-by-flux {\"startColumn\":5,\"startLine\":9}"
        ]
    );
    let prints = |log: &Value| -> Vec<Value> {
        let results = log["runs"][0]["results"].as_array().unwrap().clone();
        results.into_iter().map(|mut result| result["partialFingerprints"].take()).collect()
    };
    // From a folder below, the same problem is the same problem.
    assert_eq!(prints(&checkout.run(&["lint", "apps", "--output", "sarif"]).json()), prints(&log));
    let none = Checkout::new(&[]).run(&["lint", "--output", "sarif"]);
    assert_eq!((none.code, &none.json()["runs"][0]["results"]), (0, &json!([])));
}

#[test]
fn workflow_commands_for_github() {
    let checkout = checkout();
    for folder in [".", "apps"] {
        let ran = checkout.run(&["lint", folder, "--output", "github"]);
        assert_eq!(ran.code, 1);
        let lines: Vec<_> = ran.stdout.lines().collect();
        assert_eq!(lines.len(), 2, "{ran:?}");
        assert!(
            lines[0].starts_with(
                "::error file=apps/a b.yaml,line=7,col=5,title=landwaiter unknown-key::`landwaiter/automatd` is no key"
            ),
            "{ran:?}"
        );
        assert!(
            lines[1].starts_with("::notice file=apps/a b.yaml,line=9,col=5,title=landwaiter ignored-by-flux::"),
            "{ran:?}"
        );
    }
}

#[test]
fn advice_is_given_to_those_who_ask_for_it() {
    let checkout = checkout();
    let rules = |command: &str| -> Vec<Value> {
        let answer = checkout.run(&[command, "--output", "json"]).json();
        answer["problems"].as_array().unwrap().iter().map(|problem| problem["rule"].clone()).collect()
    };
    assert_eq!(rules("lint"), ["unknown-key", "ignored-by-flux"]);
    assert_eq!(rules("list"), ["unknown-key"]);
}

/// The hooks that pre-commit finds here do what they say: each entry is a command that works.
#[test]
fn hooks_for_pre_commit() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(".pre-commit-hooks.yaml");
    let text = fs::read_to_string(file).unwrap();
    let values = |key: &str| -> Vec<&str> {
        text.lines()
            .filter_map(|line| line.trim_start_matches("- ").trim_start().strip_prefix(key)?.strip_prefix(": "))
            .collect()
    };
    assert_eq!(values("id"), ["landwaiter-lint", "landwaiter-lint-system"]);
    assert_eq!(values("language"), ["rust", "system"]);
    assert_eq!(values("pass_filenames"), ["false"; 2]);
    let checkout = checkout();
    for entry in values("entry") {
        let args: Vec<_> = entry.split(' ').collect();
        assert_eq!(args[0], "landwaiter");
        assert_eq!(checkout.run(&args[1..]).code, 1, "{entry}");
    }
}

//! The rules of `lint`, and the example of its switches.

use std::fs;
use std::path::Path;

use landwaiter::manifest::{Rule, read_lint_file};
use landwaiter::path::RepoPath;

use super::{holds, row};

#[test]
fn every_rule_is_in_the_book_and_in_use() {
    let rules = |rule: &Rule| row(&[&format!("`{rule}`"), rule.usual().as_str(), rule.meaning()]);
    let table: String = Rule::ALL.iter().map(rules).collect();
    holds("docs/lint.md", "rules", &format!("| rule | mostly | meaning |\n|---|---|---|\n{table}"));
    let mut code = String::new();
    for entry in walkdir::WalkDir::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let entry = entry.unwrap();
        let is_test = entry.path().components().any(|part| part.as_os_str().to_string_lossy().starts_with("tests"));
        if entry.file_type().is_file() && !is_test && entry.file_name() != "rule.rs" {
            code += &fs::read_to_string(entry.path()).unwrap();
        }
    }
    for rule in Rule::ALL {
        assert!(code.contains(&format!("Rule::{rule:?}")), "no problem breaks `{rule}`");
    }
}

#[test]
fn the_example_of_the_switches_is_read() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/lint.md")).unwrap();
    let from = page.find("```yaml\n# .landwaiter/lint.yaml\n").unwrap() + "```yaml\n".len();
    let example = &page[from..from + page[from..].find("```").unwrap()];
    let file = read_lint_file(&RepoPath::parse(".landwaiter/lint.yaml").unwrap(), example.as_bytes());
    assert_eq!(file.problems, []);
    assert!(!file.named.is_empty(), "{example}");
}

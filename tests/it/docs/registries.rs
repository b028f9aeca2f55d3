//! `docs/registries.md`: what single registries do unlike others, as `fixtures/registries/quirks.tsv` has
//! it. Each row has tests, and each test of a quirk has a row.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use walkdir::WalkDir;

use super::{holds, row};

const TABLE: &str = "fixtures/registries/quirks.tsv";

/// The names of all test functions.
fn tests() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = ["src", "tests"].into_iter().flat_map(|folder| WalkDir::new(root.join(folder)));
    let mut names = BTreeSet::new();
    for file in files.map(Result::unwrap).filter(|file| file.path().extension().is_some_and(|kind| kind == "rs")) {
        let text = fs::read_to_string(file.path()).unwrap();
        let mut lines = text.lines().map(str::trim).peekable();
        while let Some(line) = lines.next() {
            if line == "#[test]" || line.starts_with("#[tokio::test") {
                let function = lines.peek().and_then(|line| line.trim_start_matches("async ").strip_prefix("fn "));
                names.extend(function.and_then(|rest| rest.split('(').next()).map(str::to_owned));
            }
        }
    }
    names
}

#[test]
fn every_quirk_is_a_row_with_its_tests() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(TABLE)).unwrap();
    let (known, mut told) = (tests(), BTreeSet::new());
    assert!(known.len() > 500, "the tests were not found");
    let mut page = format!("{}|---|---|---|---|\n", row(&["", "registry", "what it does", "what Landwaiter does"]));
    for (number, line) in text.lines().enumerate().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let [quirk, registry, does, answer, names] = cells[..] else { panic!("{TABLE}:{}: {line}", number + 1) };
        for name in names.split(", ") {
            assert!(known.contains(name), "{TABLE}:{}: there is no test {name}", number + 1);
            told.insert(name);
        }
        page.push_str(&row(&[quirk, registry, does, answer]));
    }
    for name in known.iter().filter(|name| name.starts_with("quirk_")) {
        assert!(told.contains(name.as_str()), "{name} has no row in {TABLE}");
    }
    holds("docs/registries.md", "quirks", &page);
}

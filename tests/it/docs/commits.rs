//! `docs/commits.md`: the messages that it shows are those that its own template makes.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::holds;
use crate::binary::{landwaiter, run};

const PAGE: &str = "docs/commits.md";

/// The message for one of the samples.
fn message(home: &Path, template: &[&str], sample: usize) -> String {
    let args = [&["template", "--output", "json"], template].concat();
    let ran = run(&mut landwaiter(home, args));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let message = ran.json()["commits"][sample]["message"].as_str().unwrap().to_owned();
    format!("```text\n{message}```\n")
}

#[test]
fn the_page_shows_what_there_is() {
    let home = TempDir::new().unwrap();
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE)).unwrap();
    let template = page.split("```jinja\n").nth(1).unwrap().split("```").next().unwrap();
    fs::write(home.path().join("commit.j2"), template).unwrap();
    holds(PAGE, "default", &message(home.path(), &[], 0));
    holds(PAGE, "preview", &message(home.path(), &["commit.j2"], 2));
}

//! What `deploy/` says is what the binary does, and gives no more rights than it needs. Each file is read by the tool
//! that it is for, where that is installed, and by us in any case.

mod image;
mod kubernetes;
mod monitoring;
mod service;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::binary::{landwaiter, run};

/// Where it listens, everywhere.
const PORT: u64 = 8089;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// What a program says, or `None` where it is not installed, which is told.
fn ask(program: &str, args: &[&str]) -> Option<Output> {
    match Command::new(program).args(args).current_dir(root()).output() {
        Ok(output) => Some(output),
        Err(error) => {
            skipped(&format!("not checked by {program}: {error}"));
            None
        }
    }
}

#[expect(clippy::print_stderr, reason = "what is not checked is told")]
pub(crate) fn skipped(what: &str) {
    eprintln!("{what}");
}

fn output(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned()).concat()
}

/// Checks that the daemon knows each of these variables.
#[track_caller]
fn is_known<'a>(variables: impl IntoIterator<Item = &'a str>) {
    let ran = run(&mut landwaiter(Path::new("/"), ["run", "--help"]));
    let help = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for variable in variables {
        let is_known = ["=", "]"].iter().any(|end| help.contains(&format!("[env: {variable}{end}")));
        assert!(is_known, "`landwaiter run` knows no {variable}");
    }
}

/// Every file below a folder.
fn files(folder: &str) -> BTreeSet<String> {
    let below = walkdir::WalkDir::new(root().join(folder)).into_iter().map(Result::unwrap);
    let files = below.filter(|entry| entry.file_type().is_file());
    files.map(|entry| entry.path().strip_prefix(root()).unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn the_page_names_every_file() {
    let page = text("docs/deploy.md");
    for file in files("deploy") {
        let folder = file.rsplit_once('/').unwrap().0;
        assert!(page.contains(&file) || page.contains(&format!("{folder}/`")), "docs/deploy.md says nothing of {file}");
    }
}

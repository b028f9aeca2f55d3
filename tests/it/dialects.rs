//! Whole config repositories as other tools have them, one folder of `fixtures/dialects/` each: what is planned
//! is what stands in `expected.json`, and once it is written nothing is left to do.
//!
//! With `LANDWAITER_BLESS=1` the expectations are written anew; read the difference before you believe it.

mod argocd;
mod flux;
mod flux2;
mod import;
mod keel;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::binary::{Ran, landwaiter, run};

/// A copy of the folder `fixtures/dialects/NAME`, without what is expected of it.
struct Repository {
    fixture: PathBuf,
    copy: TempDir,
}

impl Repository {
    fn new(name: &str) -> Self {
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/dialects").join(name);
        let repository = Self { fixture, copy: TempDir::new().unwrap() };
        copy(&repository.fixture, repository.path());
        fs::remove_file(repository.path().join("expected.json")).unwrap();
        repository
    }

    fn path(&self) -> &Path {
        self.copy.path()
    }

    #[track_caller]
    fn plan(&self, more: &[&str]) -> Ran {
        let args = ["plan", "--tags", "tags.json", "--now", "2026-06-01T12:00:00Z", "--output", "json"];
        run(&mut landwaiter(self.path(), args.iter().chain(more)))
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).unwrap()
    }

    /// The text of a file before anything was done.
    fn before(&self, path: &str) -> String {
        fs::read_to_string(self.fixture.join(path)).unwrap()
    }
}

impl Repository {
    /// Every byte is as it was, but for the tags of these updates, each at its place.
    #[track_caller]
    fn changed_at(&self, updates: &[serde_json::Value]) {
        let mut files: BTreeMap<&str, Vec<&serde_json::Value>> = BTreeMap::new();
        for update in updates {
            files.entry(update["file"].as_str().unwrap()).or_default().push(update);
        }
        for (path, updates) in &files {
            let (before, after) = (self.before(path), self.read(path));
            let mut lines: Vec<String> = before.split_inclusive('\n').map(str::to_owned).collect();
            for update in updates {
                let number = |key: &str| usize::try_from(update[key].as_u64().unwrap()).unwrap();
                let (from, to) = (update["from"].as_str().unwrap(), update["to"].as_str().unwrap());
                let line = &mut lines[number("line") - 1];
                let at = line.char_indices().nth(number("column") - 1).unwrap().0;
                let at = at + line[at..].find(from).unwrap();
                // A tag by itself that reads as a number gets quotes.
                let is_bare =
                    line[..at].ends_with(": ") && to.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
                let is_number = is_bare && to.parse::<f64>().is_ok();
                line.replace_range(at..at + from.len(), &if is_number { format!("\"{to}\"") } else { to.to_owned() });
            }
            assert_eq!(after, lines.concat(), "{path}");
        }
        for path in files_of(&self.fixture) {
            let path = path.strip_prefix(&self.fixture).unwrap().to_str().unwrap();
            if !files.contains_key(path) && path != "expected.json" {
                assert!(self.read(path) == self.before(path), "{path}: changed without an update");
            }
        }
    }
}

fn files_of(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_of(&path));
        } else {
            files.push(path);
        }
    }
    files
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let (entry, kind) = entry.map(|entry| (entry.path(), entry.file_type().unwrap())).unwrap();
        let target = to.join(entry.file_name().unwrap());
        if kind.is_dir() {
            fs::create_dir(&target).unwrap();
            copy(&entry, &target);
        } else {
            fs::copy(&entry, &target).unwrap();
        }
    }
}

/// Plans, compares with what is expected, writes, and plans again: there are no updates left, and all that is
/// held or wrong still is. Gives the repository as it was written.
#[track_caller]
fn check(name: &str) -> Repository {
    let repository = Repository::new(name);
    let planned = repository.plan(&[]).json();
    let file = repository.fixture.join("expected.json");
    let expected = serde_json::from_str::<serde_json::Value>(&fs::read_to_string(&file).unwrap()).unwrap();
    if planned != expected {
        let shown = serde_json::to_string_pretty(&planned).unwrap() + "\n";
        if std::env::var_os("LANDWAITER_BLESS").is_some() {
            fs::write(&file, shown).unwrap();
        } else {
            panic!("{name}: not what {} says:\n{shown}", file.display());
        }
    }
    assert!(!planned["updates"].as_array().unwrap().is_empty(), "{name}: nothing happens");
    let written = repository.plan(&["--write"]).json();
    assert_eq!(written, planned, "{name}: another plan when it is written");
    repository.changed_at(planned["updates"].as_array().unwrap());
    let again = repository.plan(&[]).json();
    assert_eq!(again["updates"], serde_json::json!([]), "{name}: a second plan");
    assert_eq!(again["problems"], planned["problems"], "{name}: other problems in a second plan");
    repository
}

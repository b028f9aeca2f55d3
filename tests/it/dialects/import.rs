//! The repositories of other tools, taken over: only words change, nobody's images are followed otherwise, and
//! native words alone come to the same for all that was taken over.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use super::Repository;
use crate::binary::{Ran, landwaiter, run};

impl Repository {
    fn import(&self, more: &[&str]) -> Ran {
        let args = ["import", "--tags", "tags.json", "--now", "2026-06-01T12:00:00Z", "--output", "json"];
        run(&mut landwaiter(self.path(), args.iter().chain(more)))
    }
}

/// What tells an image apart from others, whatever becomes of the lines.
const BY_WORKLOAD: &[&str] = &["file", "workload", "image"];

/// The same where a comment answers for an image in place of an application.
const BY_FILE: &[&str] = &["file", "image"];

/// These fields, with a blank behind each.
fn of(object: &Value, fields: &[&str]) -> String {
    fields.iter().flat_map(|key| [object[key].as_str().unwrap_or_default(), " "]).collect()
}

/// What a plan proposes for each image: what tells it apart, and the tag.
fn updates(plan: &Value, fields: &[&str]) -> BTreeSet<String> {
    let update = |update: &Value| of(update, fields) + update["to"].as_str().unwrap();
    plan["updates"].as_array().unwrap().iter().map(update).collect()
}

/// Takes a repository over, and gives back what was said of it.
#[track_caller]
fn taken_over(name: &str, fields: &[&str]) -> (Repository, Value) {
    let repository = Repository::new(name);
    let before = repository.plan(&[]).json();
    let asked = repository.import(&[]).json();
    let answer = repository.import(&["--write"]).json();
    assert_eq!(answer, asked, "what it says it does");
    let after = repository.plan(&[]).json();
    assert_eq!(updates(&after, fields), updates(&before, fields), "with all words heard nothing is followed otherwise");

    // With native words alone, all but what was left to people.
    let native = updates(&repository.plan(&["--dialects", "native"]).json(), fields);
    let rows = answer["containers"].as_array().unwrap();
    let by_hand: BTreeSet<String> =
        rows.iter().filter(|row| row["native"]["kind"] == "by-hand").map(|row| of(row, fields)).collect();
    let kept = |update: &String| !by_hand.iter().any(|row| update.starts_with(row.as_str()));
    let expected: BTreeSet<String> = updates(&before, fields).into_iter().filter(kept).collect();
    assert_eq!(native.into_iter().filter(kept).collect::<BTreeSet<_>>(), expected, "{answer:#}");

    only_words_changed(&repository, &answer);
    let again = repository.import(&["--write"]).json();
    assert_eq!(again["changes"], serde_json::json!([]), "{again:#}");
    (repository, answer)
}

/// The prefixes of the words that may come and go.
const WORDS: [&str; 7] = [
    "fluxcd.io/",
    "flux.weave.works/",
    "keel.sh/",
    "argocd-image-updater",
    "$imagepolicy",
    "landwaiter",
    "keel.observer/",
];

/// Every line that differs is a word, or the mapping around words.
#[track_caller]
fn only_words_changed(repository: &Repository, answer: &Value) {
    for path in answer["changes"].as_array().unwrap().iter().filter_map(Value::as_str) {
        let (before, after) = (repository.before(path), repository.read(path));
        let (old, new): (BTreeSet<&str>, BTreeSet<&str>) = (before.lines().collect(), after.lines().collect());
        // The text of a block belongs to the word above it.
        let above = |line: &str| before.lines().zip(before.lines().skip(1)).find(|(_, below)| *below == line);
        let is_told = |line: &str| WORDS.iter().any(|word| line.contains(word));
        // But for a comment.
        let same = |one: &str, other: &str| {
            let bare = |line: &str| line.split(" #").next().unwrap_or(line).trim_end().to_owned();
            bare(one) == bare(other)
        };
        for line in old.symmetric_difference(&new) {
            let is_text = above(line).is_some_and(|(above, _)| is_told(above) && above.ends_with(">-"));
            let is_word = is_told(line) || is_text;
            let bare = line.split(" #").next().unwrap_or(line).trim();
            let is_around = matches!(bare, "annotations:" | "labels:") || new.iter().any(|other| same(other, line));
            assert!(is_word || is_around, "{path}: {line:?}");
        }
    }
    for entry in walk(repository) {
        let is_named = answer["changes"].as_array().unwrap().iter().any(|path| path == entry.as_str());
        assert_eq!(is_named, repository.read(&entry) != repository.before(&entry), "{entry}");
    }
}

fn walk(repository: &Repository) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![repository.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path.strip_prefix(repository.path()).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    files
}

/// How many containers were taken over, how many are left to people, and how many choose the same.
fn sums(answer: &Value) -> (usize, usize, usize) {
    let rows = answer["containers"].as_array().unwrap();
    let by_hand = rows.iter().filter(|row| row["native"]["kind"] == "by-hand").count();
    (rows.len() - by_hand, by_hand, rows.iter().filter(|row| row["same"] == true).count())
}

#[test]
fn of_flux() {
    let (repository, answer) = taken_over("flux", BY_WORKLOAD);
    assert_eq!(sums(&answer), (24, 10, 27), "{answer:#}");
    assert!(repository.read("workloads/web.yaml").contains("landwaiter/tag.web: semver:~1.4"));
}

#[test]
fn of_flux_2() {
    let (repository, answer) = taken_over("flux2", BY_WORKLOAD);
    assert_eq!(sums(&answer), (14, 10, 12), "{answer:#}");
    assert!(!repository.read("apps/shop/web.yaml").contains("$imagepolicy"));
}

#[test]
fn of_keel() {
    let (repository, answer) = taken_over("keel", BY_WORKLOAD);
    assert_eq!(sums(&answer), (12, 13, 18), "{answer:#}");
    assert!(repository.read("apps/portal.yaml").contains("landwaiter/tag.rules"));
}

#[test]
fn of_argo_cd_image_updater() {
    let (repository, answer) = taken_over("argocd-image-updater", BY_FILE);
    assert_eq!(sums(&answer), (12, 8, 13), "{answer:#}");
    let values = repository.read("env/shop-prod.yaml");
    assert!(
        values.contains(
            "    # landwaiter: semver:~1.4 image=registry.example.com/shop/web\n    tag: \"1.4.0\"    # web\n"
        )
    );
}

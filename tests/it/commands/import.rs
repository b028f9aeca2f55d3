//! `import`: what other tools were told, and what becomes of it.

mod argocd;
mod environment;
mod flux;
mod keel;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Checkout;

/// The updates that a plan proposes: file, image and tags, whoever asks for them.
fn updates(checkout: &Checkout, dialects: &str) -> Vec<String> {
    let args =
        ["plan", "--tags", "tags.json", "--now", "2026-06-01T12:00:00Z", "--dialects", dialects, "--output", "json"];
    let answer = checkout.run(&args).json();
    let update = |update: &Value| {
        let text = |key: &str| update[key].as_str().unwrap().to_owned();
        format!("{} {}: {} -> {}", text("file"), text("image"), text("from"), text("to"))
    };
    let mut updates: Vec<String> = answer["updates"].as_array().unwrap().iter().map(update).collect();
    updates.sort();
    updates.dedup();
    updates
}

/// Every file of a checkout.
fn files(checkout: &Checkout) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![checkout.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(checkout.path()).unwrap().to_str().unwrap().to_owned();
                files.insert(name, std::fs::read_to_string(path).unwrap());
            }
        }
    }
    files
}

const ALL: &str = "flux,flux2,argocd-image-updater,keel";

/// Takes a repository over, and holds the import to its promises: what it would do is what it does, and then
/// nothing is left to do; native words alone give the same updates; nobody finds a mistake in them.
#[track_caller]
fn taken_over(checkout: &Checkout) -> Value {
    let before = updates(checkout, ALL);
    let untouched = files(checkout);
    let asked = checkout.run(&["import", "--tags", "tags.json", "--output", "json"]).json();
    let checked = checkout.run(&["import", "--tags", "tags.json", "--check"]);
    assert_eq!(checked.code, 1, "there is something to do: {checked:?}");
    assert_eq!(files(checkout), untouched, "nothing is written unasked");
    let ran = checkout.run(&["import", "--tags", "tags.json", "--write", "--output", "json"]);
    let answer = ran.json();
    assert_eq!(answer, asked, "what it says it does");
    assert_eq!(updates(checkout, "native"), before, "{answer:#}");
    let lint = checkout.run(&["lint", "--dialects", "native"]);
    assert_eq!(lint.code, 0, "{lint:?}");
    let again = checkout.run(&["import", "--tags", "tags.json", "--write", "--output", "json"]).json();
    assert_eq!(again["changes"], json!([]), "{again:#}");
    answer
}

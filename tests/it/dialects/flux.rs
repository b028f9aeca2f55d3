//! Flux version 1: annotations under both prefixes, charts, patches, and mistakes; and what is chosen when, as
//! its daemon was tested, with our guards.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::check;
use crate::binary::{landwaiter, run};

#[test]
fn a_repository_of_flux_1() {
    let repository = check("flux");
    // Nothing happens below the folder of a chart, nor in what a patch changes.
    for path in ["charts/web/values.yaml", "charts/web/templates/deployment.yaml", "patched/web.yaml"] {
        assert_eq!(repository.read(path), repository.before(path));
    }
}

/// What becomes of the image `x:CURRENT` under this pattern: the new tag, or the name of the hold.
#[track_caller]
fn chosen(pattern: &str, current: &str, tags: &Value, expected: &str) {
    let folder = TempDir::new().unwrap();
    let file = format!(
        "kind: Deployment\nmetadata:\n  name: a\n  annotations:\n    fluxcd.io/automated: 'true'\n{}spec: {{template: {{spec: {{containers: [{{name: c, image: 'x{current}'}}]}}}}}}\n",
        if pattern.is_empty() { String::new() } else { format!("    fluxcd.io/tag.c: '{pattern}'\n") }
    );
    fs::write(folder.path().join("a.yaml"), file).unwrap();
    fs::write(folder.path().join("tags.json"), json!({ "x": tags }).to_string()).unwrap();
    let answer = run(&mut landwaiter(folder.path(), ["plan", "--tags", "tags.json", "--output", "json"])).json();
    let tag = answer["updates"][0]["to"].as_str();
    let hold = answer["holds"][0]["hold"].as_str();
    assert_eq!(tag.or(hold), Some(expected), "{pattern} on {current}: {answer:#}");
}

#[test]
fn what_the_daemon_is_tested_with() {
    let at = |tag: &str, day: u8| json!({"tag": tag, "created": format!("2020-01-{day:02}T00:00:00Z")});
    let (older, newer) = (at("current", 1), at("new", 2));
    chosen("glob:*", ":current", &json!([older, newer]), "new");
    chosen("glob:*", ":new", &json!([older, newer]), "up-to-date");
    // A time that is not known decides nothing, and versions need none.
    chosen("glob:*", ":current", &json!(["current", newer]), "missing-created");
    chosen("glob:*", "", &json!([older, newer]), "current-unknown");
    chosen("semver:^1.0", ":1.0.0", &json!(["1.0.0", "1.1.0", "2.0.0"]), "1.1.0");
    // Newest by the time of the build, or highest by the version.
    let late_patch = json!([at("1", 1), at("2", 3), at("3", 2)]);
    chosen("glob:*", ":1", &late_patch, "2");
    chosen("semver:*", ":1", &late_patch, "3");
    // `latest` is one tag among others only where it is named.
    let latest = json!([at("v0", 1), at("latest", 2)]);
    chosen("glob:*", ":v0", &latest, "up-to-date");
    chosen("glob:latest", ":v0", &latest, "latest");
    // Releases of the project's own end-to-end tests: the version decides, though another was built later.
    let podinfo = json!([at("3.0.5", 20), at("3.1.0", 10), at("3.1.5", 11)]);
    chosen("semver:~3.1", ":3.1.0", &podinfo, "3.1.5");
    chosen("glob:3.1.*", ":3.1.0", &podinfo, "3.1.5");
    // What Flux would set back stays.
    chosen("glob:3.1.*", ":3.0.5", &podinfo, "only-older");
    chosen("semver:~3.0", ":3.1.0", &podinfo, "only-older");
}

//! Repositories that Keel manages.

use serde_json::json;

use super::super::Checkout;
use super::taken_over;

const TAGS: &str =
    r#"{"ghcr.io/shop/web": ["1.4.5", "1.5.0", "1.5.1-rc.1", "2.0.0"], "ghcr.io/shop/log": ["1.0.0", "1.1.0"]}"#;

fn workload(metadata: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n{metadata}spec:\n  template:\n    spec:\n      containers:\n      - name: web\n        image: ghcr.io/shop/web:1.4.5\n      - name: log\n        image: ghcr.io/shop/log:1.0.0\n"
    )
}

#[test]
fn labels_become_annotations() {
    let before = workload("  labels:\n    app: web\n    keel.sh/policy: minor # careful\n    keel.sh/trigger: poll\n");
    let checkout = Checkout::new(&[("web.yaml", &before), ("tags.json", TAGS)]);
    let answer = taken_over(&checkout);
    let annotations = concat!(
        "  annotations:\n",
        "    landwaiter/automated: \"true\"\n",
        "    landwaiter/tag-semver: \">=0.0.0-0\"\n",
        "    landwaiter/within: major\n",
        "    landwaiter/prerelease: same\n",
        "    landwaiter/exclude: \"regex:[^.]*\"\n",
        "  labels:\n",
        "    app: web\n",
    );
    assert_eq!(checkout.read("web.yaml"), workload(annotations));
    assert_eq!(answer["containers"][0]["setting"], "minor");
    assert_eq!(answer["containers"][0]["theirs"]["tag"], "1.5.0");
    assert_eq!(answer["containers"][0]["same"], true);
    assert_eq!(answer["leftovers"][0]["setting"], "keel.sh/trigger");
}

#[test]
fn containers_that_keel_leaves_alone_are_left_alone() {
    let before = workload("  annotations:\n    keel.sh/policy: patch\n    keel.sh/monitorContainers: '^log$'\n");
    let checkout = Checkout::new(&[("web.yaml", &before), ("tags.json", TAGS)]);
    let answer = taken_over(&checkout);
    assert_eq!(answer["containers"].as_array().unwrap().len(), 1, "{answer:#}");
    let annotations = concat!(
        "  annotations:\n",
        "    landwaiter/automated: \"true\"\n",
        "    landwaiter/tag.log: 'semver:>=0.0.0-0'\n",
        "    landwaiter/within.log: 'minor'\n",
        "    landwaiter/prerelease.log: 'same'\n",
        "    landwaiter/exclude.log: 'regex:[^.]*'\n",
        "    landwaiter/exclude.web: '*'\n",
    );
    assert_eq!(checkout.read("web.yaml"), workload(annotations));
}

#[test]
fn what_two_tools_say_is_said_once() {
    let both = workload(
        "  annotations:\n    keel.sh/policy: 'glob:1.*'\n    landwaiter/automated: 'true'\n    landwaiter/tag-glob: 1.*\n    landwaiter/order: alphabetical\n",
    );
    let checkout = Checkout::new(&[("web.yaml", &both), ("tags.json", TAGS)]);
    taken_over(&checkout);
    assert_eq!(checkout.read("web.yaml"), both.replace("    keel.sh/policy: 'glob:1.*'\n", ""));
}

#[test]
fn a_block_in_values_is_shown_with_what_to_write() {
    let values = "image:\n  repository: ghcr.io/shop/web\n  tag: 1.4.5\nkeel:\n  policy: minor\n  images:\n  - repository: image.repository\n    tag: image.tag\n";
    let checkout = Checkout::new(&[("chart/values.yaml", values), ("tags.json", TAGS)]);
    let answer = checkout.run(&["import", "--tags", "tags.json", "--write", "--output", "json"]).json();
    assert_eq!(answer["changes"], json!([]));
    let native = &answer["containers"][0]["native"];
    assert_eq!(native["kind"], "by-hand", "{answer:#}");
    assert_eq!(
        native["why"],
        "the settings stand in a block of these values, where no annotation can stand; write the words into `.landwaiter.yaml` beside the file, below its name"
    );
    assert_eq!(native["annotations"][0], json!({"key": "automated", "value": "true"}));
    assert_eq!(checkout.read("chart/values.yaml"), values);
}

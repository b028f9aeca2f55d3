//! `landwaiter plan` over a base with overlays, as a script sees it.

use serde_json::json;

use super::{Checkout, deployment};

const TAGS: &str = r#"{"ghcr.io/shop/web": ["1.0.0", "1.1.0", "1.2.0"]}"#;

/// A base with a placeholder, and two overlays that say what it runs.
fn shop() -> Checkout {
    let policy = "landwaiter/automated: \"true\"\nlandwaiter/tag.web: semver:1";
    let overlay = |namespace: &str, entry: &str| {
        format!(
            "# {namespace}\nkind: Kustomization\nnamespace: {namespace}\nresources:\n  - ../../base\nimages:\n{entry}"
        )
    };
    Checkout::new(&[
        ("base/kustomization.yaml", "resources: [web.yaml]\n"),
        ("base/web.yaml", &deployment("web", policy, "- name: web\n  image: web # see the overlays")),
        (
            "overlays/prod/kustomization.yaml",
            &overlay("prod", "  - name: web\n    newName: ghcr.io/shop/web\n    newTag: 1.0.0 # since March\n"),
        ),
        ("overlays/test/kustomization.yaml", &overlay("test", "- name: web\n  newName: ghcr.io/shop/web")),
        ("tags.json", TAGS),
    ])
}

#[test]
fn every_overlay_is_updated_in_its_own_file() {
    let checkout = shop();
    let ran = checkout.run(&["plan", "--tags", "tags.json", "--output", "json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let answer = ran.json();
    let told = |list: &str, keys: &[&str]| -> Vec<serde_json::Value> {
        let row = |row: &serde_json::Value| keys.iter().map(|key| row[*key].clone()).collect();
        answer[list].as_array().unwrap().iter().map(row).collect()
    };
    assert_eq!(
        told("updates", &["file", "line", "workload", "container", "image", "from", "to", "policy"]),
        [
            json!([
                "overlays/prod/kustomization.yaml",
                9,
                "shop/Deployment/web",
                "web",
                "ghcr.io/shop/web",
                "1.0.0",
                "1.2.0",
                "semver:1"
            ]),
            json!([
                "overlays/test/kustomization.yaml",
                8,
                "shop/Deployment/web",
                "web",
                "ghcr.io/shop/web",
                null,
                "1.2.0",
                "semver:1"
            ]),
        ]
    );
    assert_eq!(
        told("holds", &["file", "line", "container", "hold"]),
        [json!(["base/web.yaml", 14, "web", "elsewhere"])]
    );
    assert_eq!(answer["problems"], json!([]));
}

#[test]
fn a_key_is_written_where_it_is_missing_and_nothing_else_changes() {
    let checkout = shop();
    let (prod, test) = ("overlays/prod/kustomization.yaml", "overlays/test/kustomization.yaml");
    let before = [prod, test, "base/web.yaml"].map(|path| checkout.read(path));
    assert_eq!(checkout.run(&["plan", "--tags", "tags.json", "--write"]).code, 0);
    assert_eq!(checkout.read(prod), before[0].replace("1.0.0", "1.2.0"));
    assert_eq!(checkout.read(test), format!("{}\n  newTag: 1.2.0", before[1]));
    assert_eq!(checkout.read("base/web.yaml"), before[2]);
    let again = checkout.run(&["plan", "--tags", "tags.json", "--output", "json"]).json();
    assert_eq!(again["updates"], json!([]));
}

#[test]
fn an_entry_that_cannot_be_followed_is_told_with_its_place() {
    let checkout = shop();
    let path = checkout.path().join("overlays/test/kustomization.yaml");
    std::fs::write(
        &path,
        "resources: [../../base, ../../../out, ../lost]\nimages: [{name: web, newName: x, newTag: a b}]\n",
    )
    .unwrap();
    let ran = checkout.run(&["lint", "--output", "json"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let answer = ran.json();
    let problems = answer["problems"].as_array().unwrap().iter();
    let told: Vec<_> = problems
        .map(|problem| json!([problem["file"], problem["line"], problem["column"], problem["severity"]]))
        .collect();
    let file = "overlays/test/kustomization.yaml";
    assert_eq!(told, [json!([file, 1, 25, "warning"]), json!([file, 1, 39, "warning"]), json!([file, 2, 42, "error"])]);
}

//! Repositories that Flux version 1 manages.

use serde_json::{Value, json};

use super::super::{Checkout, deployment};
use super::{files, taken_over};

const TAGS: &str = r#"{
  "ghcr.io/shop/web": [
    {"tag": "master-a1b2c3d", "created": "2026-01-01T10:00:00Z"},
    {"tag": "master-f00ba47", "created": "2026-01-02T10:00:00Z"},
    {"tag": "x-master-1", "created": "2026-01-03T10:00:00Z"}
  ],
  "ghcr.io/shop/db": ["1.2.9", "1.2.10", "1.3.0", "20240101"],
  "ghcr.io/shop/cache": [
    {"tag": "6.0", "created": "2026-01-01T10:00:00Z"},
    {"tag": "6.1", "created": "2026-01-02T10:00:00Z"},
    {"tag": "debug", "created": "2026-01-03T10:00:00Z"}
  ]
}"#;

const SHOP: &str = "\
- name: web # ours
  image: ghcr.io/shop/web:master-a1b2c3d
- name: db
  image: ghcr.io/shop/db:1.2.9
- name: cache
  image: ghcr.io/shop/cache:6.0
";

fn shop() -> Checkout {
    let annotations = "flux.weave.works/automated: 'true'\n# what runs\nfluxcd.io/tag.web: regexp:^master-  # builds\nfilter.fluxcd.io/db: semver:*\nfluxcd.io/tag.gone: glob:*";
    Checkout::new(&[("shop.yaml", &deployment("shop", annotations, SHOP)), ("tags.json", TAGS)])
}

#[test]
fn words_are_put_into_native_ones_and_nothing_else_changes() {
    let checkout = shop();
    let before = checkout.read("shop.yaml");
    taken_over(&checkout);
    let expected = before
        .replace("flux.weave.works/automated: 'true'", "landwaiter/automated: 'true'")
        .replace("fluxcd.io/tag.web: regexp:^master-  # builds", "landwaiter/tag.web: regex:master-.*  # builds")
        .replace("filter.fluxcd.io/db: semver:*\n", "landwaiter/tag.db: semver:*\n    landwaiter/versions.db: loose\n");
    assert_eq!(checkout.read("shop.yaml"), expected);
}

#[test]
fn what_flux_chooses_and_what_we_will() {
    let answer = shop().run(&["import", "--tags", "tags.json", "--output", "json"]).json();
    let row = |container: &str| {
        let rows = answer["containers"].as_array().unwrap();
        rows.iter().find(|row| row["container"] == container).unwrap().clone()
    };
    assert_eq!(
        row("web"),
        json!({
            "file": "shop.yaml", "line": 17, "column": 16,
            "workload": "shop/Deployment/shop", "container": "web",
            "image": "ghcr.io/shop/web", "current": "master-a1b2c3d",
            "dialect": "flux", "tool": "Flux v1", "setting": "regexp:^master-",
            "theirs": {"kind": "update", "tag": "master-f00ba47", "among": [], "reason": null},
            "ours": {
                "kind": "update", "tag": "master-f00ba47", "hold": null,
                "reason": "newest of 2 matching tags (created 2026-01-02T10:00:00Z)",
            },
            "same": true, "why": null,
            "native": {
                "kind": "annotations",
                "annotations": [
                    {"key": "landwaiter/automated", "value": "true"},
                    {"key": "landwaiter/tag.web", "value": "regex:master-.*"},
                ],
                "comment": null, "why": null,
            },
        })
    );
    // Flux takes the newest of all tags where no pattern is given.
    let cache = row("cache");
    assert_eq!(
        (&cache["theirs"]["tag"], &cache["ours"]["tag"], &cache["same"]),
        (&json!("debug"), &json!("6.1"), &json!(false))
    );
    assert_eq!(
        cache["why"],
        "Flux v1 takes debug, which is not in the running here: not of the current tag's own family `1.2.3`. Landwaiter takes 6.1: highest version of 2 matching tags"
    );
    let db = row("db");
    assert_eq!((&db["theirs"]["tag"], &db["same"]), (&json!("20240101"), &json!(true)));
    assert_eq!(
        answer["leftovers"],
        json!([{
            "file": "shop.yaml", "line": 11, "column": 5, "dialect": "flux",
            "setting": "fluxcd.io/tag.gone", "value": "glob:*",
            "why": "there is no image `gone` here, so it says nothing; remove it",
        }])
    );
}

#[test]
fn offline_nothing_is_chosen() {
    let ran = shop().run(&["import", "--offline"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("--offline: no tags are known, so nothing is chosen and nothing compared."));
    assert!(!ran.stdout.contains("What differs"), "{}", ran.stdout);
    let row = shop().run(&["import", "--offline", "--output", "json"]).json()["containers"][0].clone();
    assert_eq!((&row["theirs"], &row["ours"], &row["same"]), (&Value::Null, &Value::Null, &Value::Null));
    let both = shop().run(&["import", "--offline", "--tags", "tags.json"]);
    assert_eq!(both.code, 2, "{both:?}");
}

#[test]
fn the_page_shows_a_real_run() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/import.md")).unwrap();
    let shown = page.split("$ landwaiter import --tags tags.json\n").nth(1).unwrap().split("```").next().unwrap();
    let ran = shop().run(&["import", "--tags", "tags.json"]).stdout;
    let lines = |text: &str| text.trim_end().lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
    assert_eq!(lines(shown), lines(&ran));
}

#[test]
fn what_cannot_be_said_natively_is_left_alone() {
    let wrong =
        deployment("wrong", "fluxcd.io/automated: 'true'\nfluxcd.io/tag.web: semver:~1.", "- name: web\n  image: a:1");
    let shared = "x: &a {fluxcd.io/automated: 'true', fluxcd.io/tag.web: 'semver:~1'}\nkind: Pod\nmetadata: {name: shared, annotations: *a}\nspec: {containers: [{name: web, image: 'a:1'}]}\n";
    let parts = "apiVersion: helm.fluxcd.io/v1\nkind: HelmRelease\nmetadata:\n  name: parts\n  annotations:\n    fluxcd.io/automated: 'true'\n    repository.fluxcd.io/x: a.name\n    tag.fluxcd.io/x: b.version\n    fluxcd.io/tag.x: semver:~1\nspec:\n  values: {a: {name: a}, b: {version: '1.0'}}\n";
    let good =
        deployment("good", "fluxcd.io/automated: 'true'\nfluxcd.io/tag.web: semver:~1", "- name: web\n  image: a:1");
    let checkout = Checkout::new(&[
        ("wrong.yaml", &wrong),
        ("shared.yaml", shared),
        ("parts.yaml", parts),
        ("good.yaml", &good),
        ("tags.json", r#"{"a": ["1", "1.1"]}"#),
    ]);
    let ran = checkout.run(&["import", "--tags", "tags.json", "--write", "--output", "json"]);
    let answer = ran.json();
    assert_eq!(answer["changes"], json!(["good.yaml"]));
    let row = |name: &str| -> Value {
        let rows = answer["containers"].as_array().unwrap();
        rows.iter().find(|row| row["workload"].as_str().unwrap().ends_with(name)).unwrap()["native"].clone()
    };
    assert_eq!(row("wrong")["kind"], "by-hand");
    assert!(row("wrong")["why"].as_str().unwrap().contains("did you mean `~1`?"), "{}", row("wrong"));
    assert_eq!(row("parts")["kind"], "by-hand");
    assert!(row("parts")["why"].as_str().unwrap().contains("stand in several mappings"), "{}", row("parts"));
    let after = files(&checkout);
    for (file, text) in [("wrong.yaml", wrong.as_str()), ("shared.yaml", shared), ("parts.yaml", parts)] {
        assert_eq!(after[file], text, "{file}");
    }
    let check = checkout.run(&["import", "--tags", "tags.json", "--check"]);
    assert_eq!(check.code, 1, "there is something left to do by hand");
}

#[test]
fn a_workload_with_overlays_is_followed_as_before() {
    let base =
        deployment("web", "fluxcd.io/automated: 'true'\nfluxcd.io/tag.web: regex:^1\\.", "- name: web\n  image: web");
    let overlay = |tag: &str| {
        format!("resources: [../../base]\nimages:\n- name: web\n  newName: ghcr.io/shop/db\n  newTag: {tag}\n")
    };
    let checkout = Checkout::new(&[
        ("base/web.yaml", &base),
        ("base/kustomization.yaml", "resources: [web.yaml]\n"),
        ("overlays/prod/kustomization.yaml", &overlay("1.2.9")),
        ("overlays/test/kustomization.yaml", &overlay("1.2.10")),
        (
            "tags.json",
            r#"{"ghcr.io/shop/db": [
            {"tag": "1.2.9", "created": "2026-01-01T10:00:00Z"},
            {"tag": "1.2.10", "created": "2026-01-02T10:00:00Z"},
            {"tag": "2.1.0", "created": "2026-01-03T10:00:00Z"}]}"#,
        ),
    ]);
    let answer = taken_over(&checkout);
    assert_eq!(answer["containers"].as_array().unwrap().len(), 2, "{answer:#}");
    assert_eq!(answer["changes"], json!(["base/web.yaml"]));
    assert_eq!(
        checkout.read("base/web.yaml"),
        base.replace("fluxcd.io/automated", "landwaiter/automated")
            .replace("fluxcd.io/tag.web: regex:^1\\.", "landwaiter/tag.web: regex:1\\..*")
    );
}

#[test]
fn releases_lists_and_json() {
    let release = "apiVersion: helm.fluxcd.io/v1\r\nkind: HelmRelease\r\nmetadata:\r\n  name: app\r\n  annotations:\r\n    fluxcd.io/automated: \"true\"\r\n    repository.fluxcd.io/db: db.repository\r\n    tag.fluxcd.io/db: db.tag\r\n    filter.fluxcd.io/db: semver:~1.2\r\n    filter.fluxcd.io/chart-image: semver:~6\r\nspec:\r\n  values:\r\n    image: ghcr.io/shop/cache:6.0\r\n    db: {repository: ghcr.io/shop/db, tag: 1.2.9}";
    let json = "{\n\t\"kind\": \"List\",\n\t\"items\": [{\n\t\t\"kind\": \"Pod\",\n\t\t\"metadata\": {\"name\": \"a\", \"annotations\": {\"fluxcd.io/automated\": \"true\", \"fluxcd.io/tag.db\": \"semver:~1.2\"}},\n\t\t\"spec\": {\"containers\": [{\"name\": \"db\", \"image\": \"ghcr.io/shop/db:1.2.9\"}]}\n\t}]\n}\n";
    let checkout = Checkout::new(&[("release.yaml", release), ("list.json", json), ("tags.json", TAGS)]);
    taken_over(&checkout);
    let expected = release
        .replace("    tag.fluxcd.io/db: db.tag\r\n", "")
        .replace("repository.fluxcd.io/db: db.repository", "landwaiter/image.db: db")
        .replace("fluxcd.io/automated", "landwaiter/automated")
        .replace("filter.fluxcd.io/", "landwaiter/tag.");
    assert_eq!(checkout.read("release.yaml"), expected);
    assert_eq!(checkout.read("list.json"), json.replace("fluxcd.io/", "landwaiter/"));
}

#[test]
fn a_native_repository_has_nothing_to_take_over() {
    let checkout = Checkout::new(&[
        (
            "a.yaml",
            &deployment(
                "a",
                "landwaiter/automated: 'true'\nlandwaiter/tag.web: semver:~1",
                "- name: web\n  image: a:1",
            ),
        ),
        ("tags.json", "{}"),
    ]);
    let ran = checkout.run(&["import", "--tags", "tags.json", "--check"]);
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (0, "\n0 containers, 0 the same, 0 differ, 0 by hand, 0 settings without equivalent\n")
    );
}

//! `plan`, `list`, `lint` and `explain` on a checkout, as a script sees them.

mod argocd;
mod checkout;
mod explain;
mod import;
mod kustomize;
mod lint;
mod marker;
mod soak;
mod tags;
mod template;

use std::fs;
use std::path::Path;

use serde_json::json;
use tempfile::TempDir;

use crate::binary::{Ran, landwaiter, run};

/// A checkout with these files, and the answers of the commands on it.
struct Checkout(TempDir);

impl Checkout {
    fn new(files: &[(&str, &str)]) -> Self {
        let checkout = Self(TempDir::new().unwrap());
        for (path, text) in files {
            let file = checkout.0.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        checkout
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    #[track_caller]
    fn run(&self, args: &[&str]) -> Ran {
        run(&mut landwaiter(self.path(), args))
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).unwrap()
    }
}

fn fixture(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(path)).unwrap()
}

fn deployment(name: &str, annotations: &str, containers: &str) -> String {
    let indented = |text: &str, by: &str| text.lines().flat_map(|line| ["\n", by, line]).collect::<String>();
    let (annotations, containers) = (indented(annotations, "    "), indented(containers, "      "));
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\n  namespace: shop\n  \
         annotations:{annotations}\nspec:\n  template:\n    spec:\n      containers:{containers}\n"
    )
}

const TAGS: &str = r#"{
  "ghcr.io/shop/web": [
    {"tag": "master-a1b2c3d", "created": "2026-01-01T10:00:00Z"},
    {"tag": "master-f00ba47", "created": "2026-01-02T10:00:00Z"},
    {"tag": "dev-1234567", "created": "2026-01-03T10:00:00Z"}
  ],
  "nginx": ["1.2.9", "1.2.10", "1.3.0", "latest"]
}"#;

fn shop() -> Checkout {
    Checkout::new(&[
        (
            "apps/web.yaml",
            &deployment(
                "web",
                "flux.weave.works/automated: \"true\"\nflux.weave.works/tag-glob: \"master-*\"",
                "- name: web # ours\n  image: ghcr.io/shop/web:master-a1b2c3d  # the shop",
            ),
        ),
        (
            "apps/proxy.yaml",
            &deployment(
                "proxy",
                "fluxcd.io/automated: \"true\"\nfluxcd.io/tag.nginx: semver:~1.2\nfluxcd.io/locked: \"true\"",
                "- name: nginx\n  image: nginx:1.2.9",
            ),
        ),
        ("tags.json", TAGS),
    ])
}

#[test]
fn plan_prints_the_contract() {
    let checkout = shop();
    let ran = checkout.run(&["plan", "--tags", "tags.json", "--output", "json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let answer = ran.json();
    let mut update = answer["updates"][0].clone();
    let reason = update.as_object_mut().unwrap().remove("reason").unwrap();
    assert!(reason.as_str().unwrap().contains("newest of 2"), "{reason}");
    assert_eq!(
        update,
        json!({
            "file": "apps/web.yaml", "line": 14, "column": 16, "workload": "shop/Deployment/web", "container": "web",
            "image": "ghcr.io/shop/web", "from": "master-a1b2c3d", "to": "master-f00ba47", "policy": "glob:master-*"
        })
    );
    let hold = &answer["holds"][0];
    assert_eq!(
        (&hold["workload"], &hold["hold"], &hold["current"]),
        (&json!("shop/Deployment/proxy"), &json!("locked"), &json!("1.2.9"))
    );
    assert_eq!(answer["updates"].as_array().unwrap().len(), 1);
    assert_eq!(answer["problems"], json!([]));
}

#[test]
fn plan_writes_only_the_image_and_only_when_told() {
    let checkout = shop();
    let before = checkout.read("apps/web.yaml");
    checkout.run(&["plan", "--tags", "tags.json"]);
    assert_eq!(checkout.read("apps/web.yaml"), before);
    let ran = checkout.run(&["plan", "--tags", "tags.json", "--write"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("-        image: ghcr.io/shop/web:master-a1b2c3d  # the shop"), "{}", ran.stdout);
    assert!(ran.stdout.contains("+        image: ghcr.io/shop/web:master-f00ba47  # the shop"), "{}", ran.stdout);
    assert_eq!(checkout.read("apps/web.yaml"), before.replace("a1b2c3d", "f00ba47"));
    let again = checkout.run(&["plan", "--tags", "tags.json", "--output", "json"]).json();
    assert_eq!(again["updates"], json!([]));
}

#[test]
fn the_two_fixtures_of_the_contract_update() {
    let checkout = Checkout::new(&[
        ("nordic-app.yaml", &fixture("manifests/flux-tag-glob.yaml")),
        ("nginx.yaml", &fixture("manifests/flux-chart-image.yaml")),
    ]);
    let list = checkout.run(&["list", "--output", "json"]).json();
    let image_of = |name: &str| {
        let workloads = list["workloads"].as_array().unwrap();
        let workload = workloads.iter().find(|workload| workload["workload"].as_str().unwrap().ends_with(name));
        workload.unwrap()["containers"][0]["image"].as_str().unwrap().rsplit_once(':').unwrap().0.to_owned()
    };
    let (app, nginx) = (image_of("nordic-app"), image_of("web"));
    let tags = json!({
        app: [
            {"tag": "master-a1b2c3d", "created": "2026-01-01T10:00:00Z"},
            {"tag": "master-f00ba47", "created": "2026-01-02T10:00:00Z"}
        ],
        nginx: [
            {"tag": "1.2.0", "created": "2026-01-01T10:00:00Z"}, {"tag": "1.2.9", "created": "2026-01-03T10:00:00Z"},
            {"tag": "1.3.0", "created": "2026-01-04T10:00:00Z"}
        ]
    });
    // The current tag of the nginx fixture must be known, whichever it is.
    let mut tags = tags;
    let current = list.pointer("/workloads").unwrap().as_array().unwrap().iter();
    for image in current.map(|workload| workload["containers"][0]["image"].as_str().unwrap()) {
        let (name, tag) = image.rsplit_once(':').unwrap();
        tags[name].as_array_mut().unwrap().push(json!({"tag": tag, "created": "2026-01-01T10:00:00Z"}));
    }
    fs::write(checkout.path().join("tags.json"), tags.to_string()).unwrap();
    let plan = checkout.run(&["plan", "--tags", "tags.json", "--output", "json"]).json();
    let mut to: Vec<_> =
        plan["updates"].as_array().unwrap().iter().map(|update| update["to"].as_str().unwrap()).collect();
    to.sort_unstable();
    assert_eq!(to, ["1.2.9", "master-f00ba47"], "{plan:#}");
}

#[test]
fn assume_shows_a_newcomer_what_automation_would_do() {
    let checkout = Checkout::new(&[
        ("web.yaml", "kind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - name: web\n    image: nginx:1.2.9\n"),
        ("tags.json", TAGS),
    ]);
    let silent = checkout.run(&["plan", "--tags", "tags.json", "--output", "json"]).json();
    assert_eq!(silent["updates"], json!([]));
    for policy in ["stable", "semver:*"] {
        let ran = checkout.run(&["plan", "--tags", "tags.json", "--assume", policy, "--output", "json"]);
        let answer = ran.json();
        assert_eq!(answer["updates"][0]["to"], "1.3.0", "{policy}: {answer:#}");
        assert_eq!(answer["updates"][0]["workload"], "-/Pod/web");
    }
    let wrong = checkout.run(&["plan", "--tags", "tags.json", "--assume", "semver:~1."]);
    assert_eq!(wrong.code, 1);
    assert!(wrong.stderr.contains("~1."), "{}", wrong.stderr);
    let typo = checkout.run(&["plan", "--tags", "tags.json", "--assume", "stabel"]);
    assert_eq!(typo.code, 1);
    assert!(typo.stderr.contains("no policy `stabel`") && typo.stderr.contains("stable"), "{}", typo.stderr);
}

#[test]
fn a_file_of_tags_is_told_what_is_wrong_with_it() {
    let checkout = Checkout::new(&[]);
    let check = |tags: &str, words: &[&str]| {
        fs::write(checkout.path().join("tags.json"), tags).unwrap();
        let ran = checkout.run(&["plan", "--tags", "tags.json"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{tags}: {ran:?}");
        assert!(words.iter().all(|word| ran.stderr.contains(word)), "{tags}: {}", ran.stderr);
    };
    check("[", &["tags.json", "EOF", "expected {"]);
    check("7", &["tags.json", "expected {"]);
    check("[\"1.0\"]", &["tags.json", "expected {"]);
    check("{\"Nope!\": []}", &["\"Nope!\""]);
    check("{\"x\": null}", &["\"x\" holds no list"]);
    check("{\"x\": [\"1.0\", \"a b\"]}", &["entry 2 of \"x\"", "\"a b\""]);
    check("{\"x\": [{\"tag\": \"1\", \"created\": \"yesterday\"}]}", &["entry 1 of \"x\"", "yesterday"]);
    check("{\"x\": [7]}", &["entry 1 of \"x\"", "expected {"]);
    check("{\"x\": [{\"created\": null}]}", &["entry 1 of \"x\"", "missing field `tag`"]);
}

#[test]
fn two_spellings_in_a_file_of_tags_are_one_repository() {
    let checkout = shop();
    let tags =
        r#"{"nginx": ["1.2.9"], "docker.io/library/nginx": [{"tag": "1.2.10", "digest": "x", "platforms": []}]}"#;
    fs::write(checkout.path().join("tags.json"), tags).unwrap();
    let web = deployment(
        "web",
        "landwaiter/automated: \"true\"\nlandwaiter/policy: stable",
        "- name: a\n  image: index.docker.io/library/nginx:1.2.9",
    );
    fs::write(checkout.path().join("apps/web.yaml"), web).unwrap();
    let answer = checkout.run(&["plan", "--tags", "tags.json", "--output", "json"]).json();
    assert_eq!(answer["updates"][0]["to"], "1.2.10", "{answer:#}");
}

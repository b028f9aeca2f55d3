//! An Argo CD `Application`, the chart that it deploys, and the files beside it, as a script sees them.

use serde_json::{Value, json};

use super::Checkout;

const APP: &str = "\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: web
  namespace: argocd
  annotations:
    landwaiter/automated: \"true\"
    landwaiter/tag.chart-image: semver:~1
    landwaiter/tag.worker: semver:~1
spec:
  sources:
    - repoURL: https://git.example.com/config.git
      path: charts/web
      helm:
        valueFiles: [$config/env/prod.yaml]
        values: |
          # The worker has a release of its own.
          worker:
            image: ghcr.io/shop/worker:1.0.0   # ours
    - repoURL: https://git.example.com/config.git
      ref: config
";

const VALUES: &str =
    "image:\r\n  repository: ghcr.io/shop/web\r\n  tag: 1.0.0\r\nworker:\r\n  image: ghcr.io/shop/worker:0.1\r\n";

const TAGS: &str = r#"{"ghcr.io/shop/web": ["1.0.0", "1.2.0", "2.0.0"], "ghcr.io/shop/worker": ["1.0.0", "1.10"], "redis": ["7.0", "7.2"]}"#;

fn shop() -> Checkout {
    Checkout::new(&[
        ("apps/web.yaml", APP),
        ("charts/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
        ("charts/web/templates/deployment.yaml", "kind: Deployment\nspec: {{ toYaml .Values }}\n"),
        ("charts/web/values.yaml", VALUES),
        ("env/prod.yaml", "image: {tag: \"1.0.0\"} # prod"),
        ("redis/values.yaml", "image: redis:7.0"),
        ("redis/.landwaiter.yaml", "values.yaml:\n  automated: true\n  tag-semver: 7\n"),
        ("tags.json", TAGS),
    ])
}

/// `file:line container from to`, one line each.
fn updates(plan: &Value) -> Vec<String> {
    let text = |update: &Value, key: &str| update[key].as_str().unwrap().to_owned();
    let show = |update: &Value| {
        let [file, container, from, to] = ["file", "container", "from", "to"].map(|key| text(update, key));
        format!("{file}:{} {container} {from} {to}", update["line"])
    };
    plan["updates"].as_array().unwrap().iter().map(show).collect()
}

#[test]
fn each_image_changes_where_it_counts() {
    let checkout = shop();
    let ran = checkout.run(&["plan", "--tags", "tags.json", "--write", "--output", "json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let plan = ran.json();
    let expected = [
        "apps/web.yaml:19 worker 1.0.0 1.10",
        "env/prod.yaml:1 chart-image 1.0.0 1.2.0",
        "redis/values.yaml:1 chart-image 7.0 7.2",
    ];
    let mut found = updates(&plan);
    found.sort();
    assert_eq!(found, expected, "{plan:#}");
    assert_eq!((&plan["problems"], &plan["holds"]), (&json!([]), &json!([])));
    assert_eq!(checkout.read("apps/web.yaml"), APP.replace("worker:1.0.0", "worker:1.10"));
    assert_eq!(checkout.read("env/prod.yaml"), "image: {tag: \"1.2.0\"} # prod");
    assert_eq!(checkout.read("charts/web/values.yaml"), VALUES);
    assert_eq!(checkout.read("redis/values.yaml"), "image: redis:7.2");
    let again = checkout.run(&["plan", "--tags", "tags.json", "--output", "json"]).json();
    assert_eq!(again["updates"], json!([]));
}

#[test]
fn the_list_names_the_workloads() {
    let checkout = shop();
    let list = checkout.run(&["list", "--output", "json"]).json();
    let show = |workload: &Value| {
        let containers = workload["containers"].as_array().unwrap().iter();
        let images: Vec<_> = containers.map(|container| container["image"].as_str().unwrap()).collect();
        format!("{} {} {}", workload["workload"].as_str().unwrap(), workload["automated"], images.join(" "))
    };
    let mut found: Vec<_> = list["workloads"].as_array().unwrap().iter().map(show).collect();
    found.sort();
    let expected = [
        "-/Values/values.yaml true redis:7.0",
        "argocd/Application/web true ghcr.io/shop/web:1.0.0 ghcr.io/shop/worker:1.0.0",
    ];
    assert_eq!(found, expected, "{list:#}");
}

#[test]
fn an_image_that_is_named_and_lies_elsewhere_holds_the_others() {
    let checkout = shop();
    let ran = checkout.run(&["plan", "apps", "--tags", "tags.json", "--output", "json"]);
    let plan = ran.json();
    assert_eq!((ran.code, updates(&plan)), (1, vec![]));
    let hold = &plan["holds"][0];
    assert_eq!((&hold["container"], &hold["hold"]), (&json!("worker"), &json!("mistake")));
    let message = plan["problems"][0]["message"].as_str().unwrap();
    assert!(message.contains("`landwaiter/tag.chart-image` speaks about `chart-image`"), "{message}");
}

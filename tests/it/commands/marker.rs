//! Markers in a checkout: a repository as Flux version 2 has it, and native ones.

use serde_json::json;

use super::Checkout;

const POLICIES: &str = "\
---
apiVersion: image.toolkit.fluxcd.io/v1beta2
kind: ImageRepository
metadata:
  name: shop
  namespace: flux-system
spec:
  image: ghcr.io/shop/web
  interval: 5m
---
apiVersion: image.toolkit.fluxcd.io/v1beta2
kind: ImagePolicy
metadata:
  name: shop
  namespace: flux-system
spec:
  imageRepositoryRef:
    name: shop
  filterTags:
    pattern: '^main-[a-f0-9]+-(?P<ts>[0-9]+)'
    extract: '$ts'
  policy:
    numerical:
      order: asc
";

const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
    name: web
    namespace: shop
spec:
    template:
        spec:
            containers:

            -   name: web
                image: ghcr.io/shop/web:main-a1b2c3d-1700000000   # {\"$imagepolicy\": \"flux-system:shop\"}

            -   name: proxy
                # landwaiter: semver:~1.2 locked-reason=\"no reason at all\"
                image: nginx:1.2.9
                env: [{name: A,   value: b}]
";

const VALUES: &str = "\
web:\r
  image:\r
    repository: ghcr.io/shop/web   # the shop\r
    tag:        \"main-a1b2c3d-1700000000\" # {\"$imagepolicy\": \"flux-system:shop:tag\"}\r
  args:\r
  - VERSION=1.2.9 # landwaiter: semver:~1.2 image=nginx";

const TAGS: &str = r#"{
  "ghcr.io/shop/web": ["main-a1b2c3d-1700000000", "main-f00ba47-1700000900", "dev-f00ba47-1800000000", "latest"],
  "nginx": ["1.2.9", "1.2.10", "1.3.0"]
}"#;

fn shop() -> Checkout {
    Checkout::new(&[
        ("clusters/prod/images.yaml", POLICIES),
        ("apps/web.yaml", DEPLOYMENT),
        ("apps/values.yaml", VALUES),
        ("tags.json", TAGS),
    ])
}

#[test]
fn a_repository_of_flux_2_is_followed_byte_by_byte() {
    let checkout = shop();
    let ran = checkout.run(&["plan", "--tags", "tags.json", "--write", "--output", "json"]);
    let answer = ran.json();
    assert_eq!((ran.code, &answer["problems"], &answer["holds"]), (0, &json!([]), &json!([])), "{answer:#}");
    let updates: Vec<_> = answer["updates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|update| {
            let text = |key: &str| update[key].as_str().unwrap().to_owned();
            format!("{}:{} {} {} {}", text("file"), update["line"], text("workload"), text("container"), text("to"))
        })
        .collect();
    assert_eq!(
        updates,
        [
            "apps/values.yaml:4 -/Values/values.yaml web.image.tag main-f00ba47-1700000900",
            "apps/values.yaml:6 -/Values/values.yaml web.args[0] 1.2.10",
            "apps/web.yaml:12 shop/Deployment/web spec.template.spec.containers[web].image main-f00ba47-1700000900",
            "apps/web.yaml:16 shop/Deployment/web spec.template.spec.containers[proxy].image 1.2.10",
        ]
    );
    let moved = |text: &str| text.replace("a1b2c3d-1700000000", "f00ba47-1700000900").replace("1.2.9", "1.2.10");
    assert_eq!(checkout.read("apps/web.yaml"), moved(DEPLOYMENT));
    assert_eq!(checkout.read("apps/values.yaml"), moved(VALUES));
    assert_eq!(checkout.read("clusters/prod/images.yaml"), POLICIES);
    let again = checkout.run(&["plan", "--tags", "tags.json", "--write", "--output", "json"]).json();
    assert_eq!(again["updates"], json!([]), "{again:#}");
    let held: Vec<_> = again["holds"].as_array().unwrap().iter().map(|hold| &hold["hold"]).collect();
    assert_eq!(held, ["up-to-date"; 4], "{again:#}");
}

#[test]
fn lint_names_the_marker_that_names_no_policy() {
    let checkout = shop();
    let marked = DEPLOYMENT.replace("flux-system:shop", "flux-system:shpo");
    std::fs::write(checkout.path().join("apps/web.yaml"), marked).unwrap();
    let ran = checkout.run(&["lint", "--output", "json"]);
    let answer = ran.json();
    assert_eq!(ran.code, 1, "{answer:#}");
    let problem = &answer["problems"][0];
    assert_eq!(
        (&problem["file"], &problem["line"], &problem["column"], &problem["severity"]),
        (&json!("apps/web.yaml"), &json!(12), &json!(67), &json!("error"))
    );
    assert_eq!(
        problem["message"],
        "there is no ImagePolicy flux-system/shpo in this repository; did you mean `flux-system/shop`? There are: flux-system/shop"
    );
    let plan = checkout.run(&["plan", "--tags", "tags.json", "--output", "json"]).json();
    let held = plan["holds"].as_array().unwrap().iter().find(|hold| hold["hold"] == "mistake").unwrap();
    assert_eq!(held["container"], "spec.template.spec.containers[web].image");
    assert_eq!(plan["updates"].as_array().unwrap().len(), 3, "everything else goes on: {plan:#}");
}

//! What the tags say: from a file, and from a registry.

use serde_json::Value;
use tokio::task::spawn_blocking;

use super::super::{Checkout, deployment};
use crate::registry_server::Server;

/// The problems as `severity rule message`.
fn told(answer: &Value) -> Vec<String> {
    let problem = |problem: &Value| {
        let text = |key: &str| problem[key].as_str().unwrap().to_owned();
        format!("{} {} {}", text("severity"), text("rule"), text("message"))
    };
    answer["problems"].as_array().unwrap().iter().map(problem).collect()
}

fn following(name: &str, policy: &str, image: &str) -> String {
    let annotations = format!("landwaiter/automated: \"true\"\n{policy}");
    deployment(name, &annotations, &format!("- name: web\n  image: {image}"))
}

#[test]
fn tags_from_a_file() {
    let checkout = Checkout::new(&[
        ("a.yaml", &following("a", "landwaiter/tag-semver: ~3", "x:1.0")),
        ("b.yaml", &following("b", "landwaiter/tag-semver: ~1", "x:1.0")),
        ("c.yaml", &following("c", "landwaiter/tag-semver: ~1", "unlisted:1.0")),
        ("tags.json", r#"{"x": ["1.0", "1.1"]}"#),
    ]);
    let ran = checkout.run(&["lint", "--tags", "tags.json", "--output", "json"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(
        told(&ran.json()),
        [
            "error no-match `semver:~3` fits none of the 2 tags of `docker.io/library/x` (2 outside of the constraint); change it, or wait for a tag that fits; the nearest is `1.1`: does not satisfy `semver:~3`"
        ]
    );
    let switched = checkout.run(&["lint", "--tags", "tags.json", "--rule", "no-match=warning"]);
    assert_eq!(switched.code, 0, "{switched:?}");
    assert_eq!(checkout.run(&["lint"]).stdout, "0 problems\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_from_a_registry() {
    let server = Server::good().await;
    let there = server.fill("org/app", &["1.0.0", "1.1.0", "main-1"]);
    let gone = server.repository("org/gone");
    let ran = spawn_blocking(move || {
        let checkout = Checkout::new(&[
            ("a.yaml", &following("a", "landwaiter/tag-glob: master-*", &format!("{there}:main-1"))),
            ("b.yaml", &following("b", "landwaiter/tag-semver: ~1.0", &format!("{there}:1.0.1"))),
            ("c.yaml", &following("c", "landwaiter/tag-semver: ~1.0", &format!("{gone}:1.0.1"))),
            ("d.yaml", &following("d", "landwaiter/policy: stable", &format!("{there}:1.0.0"))),
        ]);
        (checkout.run(&["lint", "--online", "--output", "json"]), there, gone)
    });
    let (ran, there, gone) = ran.await.unwrap();
    assert_eq!(ran.code, 1, "{ran:?}");
    let answer = ran.json();
    let found = told(&answer);
    assert_eq!(found.len(), 3, "{found:#?}");
    assert_eq!(
        found[0],
        format!(
            "error no-match `glob:master-*` fits none of the 3 tags of `{there}` (3 do not match); change it, or wait for a tag that fits; the nearest is `main-1`: does not match `glob:master-*`"
        )
    );
    assert_eq!(
        found[1],
        format!("warning missing-tag there is no tag `1.0.1` among the 3 tags of `{there}`; did you mean `1.0.0`?")
    );
    assert!(
        found[2].starts_with(&format!("warning unlisted-repository the tags of `{gone}` cannot be listed: ")),
        "{found:#?}"
    );
    assert_eq!(ran.stderr, "", "nobody waits at a terminal");
}

//! What a folder is taken for, and how commands begin and end.

use crate::binary::Daemon;
use crate::binary::landwaiter;
use crate::binary::run;
use serde_json::json;
use std::fs;
use std::net::TcpListener;
use std::process::Stdio;
use tempfile::TempDir;

use super::{Checkout, deployment, shop};

#[test]
fn a_folder_that_is_none_is_no_clean_checkout() {
    let checkout = shop();
    for command in ["lint", "list", "plan"] {
        let ran = checkout.run(&[command, "nowhere"]);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert_eq!(ran.stderr, "error: cannot read nowhere: No such file or directory (os error 2)\n");
        let ran = checkout.run(&[command, "apps/web.yaml"]);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.stderr.contains("apps/web.yaml is a file"), "{}", ran.stderr);
    }
}

#[test]
fn a_switch_in_the_environment_is_switched_as_people_write_it() {
    for (value, code, written) in
        [("1", 0, true), ("yes", 0, true), ("true", 0, true), ("0", 0, false), ("false", 0, false), ("maybe", 2, false)]
    {
        let checkout = shop();
        let mut plan = landwaiter(checkout.path(), ["plan", "--tags", "tags.json"]);
        let ran = run(plan.env("LANDWAITER_WRITE", value));
        let changed = checkout.read("apps/web.yaml").contains("f00ba47");
        assert_eq!((ran.code, changed), (code, written), "{value}: {ran:?}");
    }
}

#[test]
fn a_written_file_replaces_what_lies_beside_and_follows_no_link() {
    let checkout = shop();
    let outside = TempDir::new().unwrap();
    let victim = outside.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    std::os::unix::fs::symlink(&victim, checkout.path().join("apps/web.yaml.landwaiter")).unwrap();
    let ran = checkout.run(&["plan", "--tags", "tags.json", "--write"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    assert!(checkout.read("apps/web.yaml").contains("master-f00ba47"));
    assert!(!checkout.path().join("apps/web.yaml.landwaiter").exists());
}

#[test]
fn a_reader_that_has_enough_is_no_failure_to_talk_about() {
    let pods = "---\nkind: Pod\nmetadata: {name: pod}\nspec: {containers: [{name: a, image: 'x:1'}]}\n".repeat(2000);
    let checkout = Checkout::new(&[("pods.yaml", &pods)]);
    for output in ["text", "json"] {
        let mut command = landwaiter(checkout.path(), ["list", "--output", output]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ran = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8(ran.stderr).unwrap(), "", "{output}");
    }
}

#[test]
fn a_look_that_hangs_ends_at_the_first_signal() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let image = format!("{}/app:1.0.0", silent.local_addr().unwrap());
    let checkout = Checkout::new(&[(
        "a.yaml",
        &deployment("web", "landwaiter/automated: \"true\"", &format!("- name: web\n  image: {image}")),
    )]);
    let mut plan = Daemon::start(&mut landwaiter(checkout.path(), ["plan"]));
    let _asked = silent.accept().unwrap();
    plan.signal("TERM");
    assert_eq!((plan.wait(), plan.log().as_str()), (None, ""));
}

#[test]
fn what_a_file_says_stays_in_its_line() {
    let name = "web\\nINFO forged\\e[31m";
    let file = deployment("NAME", "landwaiter/automated: \"NAME\"", "- name: web\n  image: x:1").replace("NAME", name);
    let checkout = Checkout::new(&[("a.yaml", &file.replacen(name, &format!("\"{name}\""), 1))]);
    for command in ["lint", "list"] {
        let ran = checkout.run(&[command]);
        assert!(ran.stdout.contains("INFO forged"), "{ran:?}");
        let forged = ran.stdout.lines().any(|line| line.starts_with("INFO"));
        assert!(!forged && !ran.stdout.contains('\u{1b}'), "{ran:?}");
        assert!(ran.stdout.lines().all(|line| !line.ends_with(' ')), "{ran:?}");
    }
}

#[test]
fn a_repository_can_define_its_own_policies() {
    let policy = "name: ours\nfor: Builds of our main branch, by their number.\npattern: regex:main-([0-9]+)\n\
                  order: numeric\nextract: $1\nexamples:\n  - tags: [main-9, main-10]\n    current: main-9\n    expect: main-10\n";
    let checkout = Checkout::new(&[
        (".landwaiter/policies/ours.yaml", policy),
        (
            "web.yaml",
            &deployment(
                "web",
                "landwaiter/automated: \"true\"\nlandwaiter/policy: ours",
                "- name: a\n  image: x:main-9",
            ),
        ),
        ("tags.json", r#"{"x": ["main-9", "main-10", "main-x"]}"#),
    ]);
    let answer = checkout.run(&["plan", "--tags", "tags.json", "--output", "json"]).json();
    assert_eq!(answer["updates"][0]["to"], "main-10", "{answer:#}");
    assert!(answer["updates"][0]["policy"].as_str().unwrap().starts_with("ours"), "{answer:#}");
}

#[test]
fn two_files_for_one_policy_are_an_error_and_the_first_one_counts() {
    let policy = |pattern: &str| format!("name: ours\nfor: Our versions.\npattern: {pattern}\n");
    let checkout = Checkout::new(&[
        (".landwaiter/policies/ours.yaml", &policy("semver:~1.0")),
        (".landwaiter/policies/ours.yml", &policy("semver:*")),
        (
            "web.yaml",
            &deployment(
                "web",
                "landwaiter/automated: \"true\"\nlandwaiter/policy: ours",
                "- name: a\n  image: x:1.0.0",
            ),
        ),
        ("tags.json", r#"{"x": ["1.0.0", "1.0.1", "2.0.0"]}"#),
    ]);
    let ran = checkout.run(&["plan", "--tags", "tags.json", "--output", "json"]);
    let answer = ran.json();
    assert_eq!((ran.code, &answer["updates"][0]["to"]), (1, &json!("1.0.1")), "{answer:#}");
    assert_eq!(answer["problems"][0]["file"], ".landwaiter/policies/ours.yml", "{answer:#}");
    assert!(answer["problems"][0]["message"].as_str().unwrap().contains("policy `ours`"), "{answer:#}");
}

#[test]
fn a_part_of_a_repository_knows_the_policies_of_the_whole() {
    let policy = "name: ours\nfor: Our versions.\npattern: semver:*\n";
    let workload =
        deployment("web", "landwaiter/automated: \"true\"\nlandwaiter/policy: ours", "- name: a\n  image: x:1.0.0");
    let checkout = Checkout::new(&[
        (".landwaiter/policies/ours.yaml", policy),
        ("clusters/production/web.yaml", &workload),
        ("inner/.git/HEAD", "ref: refs/heads/main\n"),
        ("inner/apps/web.yaml", &workload),
    ]);
    for part in [".", "clusters/production", "clusters/production/"] {
        let ran = checkout.run(&["lint", part]);
        let found = ran.stdout.lines().filter(|line| line.contains("production")).count();
        assert_eq!((found, ran.stdout.contains("ours.yaml")), (0, false), "{part}: {ran:?}");
    }
    let answer = checkout.run(&["lint", "inner/apps", "--output", "json"]).json();
    assert_eq!(answer["problems"][0]["file"], "web.yaml", "another repository begins there: {answer:#}");
}

#[test]
fn a_variable_set_to_nothing_is_not_set() {
    let checkout = shop();
    let mut command = landwaiter(checkout.path(), ["plan", "--tags", "tags.json", "--output", "json"]);
    for name in ["ASSUME", "WRITE", "NOW", "DOCKER_CONFIG", "REGISTRY_CREDENTIALS", "REGISTRY_PLAIN_HTTP", "LOG_LEVEL"]
    {
        command.env(format!("LANDWAITER_{name}"), "");
    }
    let ran = run(&mut command);
    assert_eq!((ran.code, ran.json()["updates"].as_array().unwrap().len()), (0, 1), "{ran:?}");
}

#[test]
fn list_prints_the_contract() {
    let answer = shop().run(&["list", "--output", "json"]).json();
    let workloads = answer["workloads"].as_array().unwrap();
    assert_eq!(workloads.len(), 2);
    let proxy = &workloads[0];
    assert_eq!(proxy["file"], "apps/proxy.yaml");
    assert_eq!(proxy["workload"], "shop/Deployment/proxy");
    assert_eq!((&proxy["automated"], &proxy["locked"]), (&json!(true), &json!(true)));
    let container = &workloads[1]["containers"][0];
    assert_eq!(
        container,
        &json!({"container": "web", "image": "ghcr.io/shop/web:master-a1b2c3d", "policy": "glob:master-*"})
    );
}

//! Configurations made of the files of other daemons.

use serde_json::{Value, json};

use super::super::Checkout;

const FLUXD: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: flux, namespace: flux}
spec:
  template:
    spec:
      containers:
      - name: flux
        image: docker.io/fluxcd/flux:1.25.4
        args:
        - --git-url=git@git.example.com:org/config
        - --git-path=apps,infra
        - --git-user=Weave Flux
        - --git-email=flux@example.com
        - --git-poll-interval=2m
        - --automation-interval=3m
        - --docker-config=/docker/config.json
        - --log-format=json
        - --git-ci-skip
        - --token=hunter2
";

const REGISTRIES: &str = "\
registries:
- name: GitHub
  prefix: ghcr.io
  api_url: https://ghcr.io
  credentials: secret:argocd/ghcr#creds
- name: Ours
  prefix: registry.example.com:5000
  api_url: http://registry.example.com:5000
  ca_file: /ca/ours.pem
  limit: 30
";

#[test]
fn an_environment_file_that_says_where_everything_comes_from() {
    let checkout = Checkout::new(&[("flux/flux.yaml", FLUXD), ("registries.conf", REGISTRIES)]);
    let ran = checkout.run(&["import", "--flux-args", "flux/flux.yaml", "--registries-conf", "registries.conf"]);
    assert_eq!((ran.code, &*ran.stderr), (0, ""), "{ran:?}");
    assert_eq!(
        ran.stdout,
        "\
# A configuration for `landwaiter run`. Values stand without quotes, as `docker run --env-file` and
# `kubectl create configmap --from-env-file` want them.

# --git-url (flux/flux.yaml:11:11)
# make a key with `landwaiter identity` and let it write to the repository; host keys other than those of the large forges are to be named by LANDWAITER_GIT_KNOWN_HOSTS
LANDWAITER_GIT_URL=git@git.example.com:org/config

# --git-path (flux/flux.yaml:12:11)
LANDWAITER_GIT_PATH=apps,infra

# --git-user (flux/flux.yaml:13:11)
LANDWAITER_GIT_USER=Weave Flux

# --git-email (flux/flux.yaml:14:11)
LANDWAITER_GIT_EMAIL=flux@example.com

# --git-poll-interval (flux/flux.yaml:15:11)
LANDWAITER_GIT_POLL_INTERVAL=2m

# --automation-interval (flux/flux.yaml:16:11)
LANDWAITER_REGISTRY_POLL_INTERVAL=3m

# --docker-config (flux/flux.yaml:17:11)
LANDWAITER_DOCKER_CONFIG=/docker/config.json

# --log-format (flux/flux.yaml:18:11)
LANDWAITER_LOG_FORMAT=json

# --git-ci-skip (flux/flux.yaml:19:11)
LANDWAITER_COMMIT_SKIP_CI=true

# --git-url without --git-branch (flux/flux.yaml:11:11)
# the branch of fluxd where it is told none; without it, the one that the repository calls its own
LANDWAITER_GIT_BRANCH=master

# credentials of GitHub (registries.conf:5:16)
# /etc/landwaiter/credentials/ghcr.io is to hold the key `creds` of the Secret argocd/ghcr: `user:password`, in one line
LANDWAITER_REGISTRY_CREDENTIALS=ghcr.io=/etc/landwaiter/credentials/ghcr.io

# api_url of Ours (registries.conf:8:12)
LANDWAITER_REGISTRY_PLAIN_HTTP=registry.example.com:5000

# ca_file of Ours (registries.conf:9:12)
# it replaces the authorities of the machine: add the public ones where other hosts need them
SSL_CERT_FILE=/ca/ours.pem

# Without an equivalent:
# --token (flux/flux.yaml:20:11): nobody is reported to; every change is a commit with its reasons
# limit of Ours `30` (registries.conf:10:10): hosts are asked as often as they want to be, and say so themselves; for less, set `rate` for `registry.example.com:5000` in the configuration file
"
    );
}

#[test]
fn the_same_as_data() {
    let checkout = Checkout::new(&[("flux.yaml", FLUXD), ("registries.conf", REGISTRIES)]);
    let args = ["import", "--flux-args", "flux.yaml", "--registries-conf", "registries.conf", "--output", "json"];
    let ran = checkout.run(&args);
    let answer = ran.json();
    assert_eq!(
        answer["variables"][1],
        json!({
            "name": "LANDWAITER_GIT_PATH",
            "value": "apps,infra",
            "from": [
                {"setting": "--git-path", "file": "flux.yaml", "line": 12, "column": 11},
            ],
            "notes": [],
        })
    );
    assert_eq!(
        answer["leftovers"][0],
        json!({
            "setting": "--token",
            "value": "",
            "file": "flux.yaml",
            "line": 20,
            "column": 11,
            "why": "nobody is reported to; every change is a commit with its reasons",
        })
    );
    assert_eq!(answer["problems"], json!([]));
    assert!(!ran.stdout.contains("hunter2"));

    // Each variable is one that the daemon knows, and takes this value.
    let mut daemon = crate::binary::landwaiter(checkout.path(), ["run", "--once"]);
    let name = |variable: &Value| variable["name"].as_str().unwrap().to_owned();
    let help = checkout.run(&["run", "--help"]).stdout;
    for variable in answer["variables"].as_array().unwrap() {
        assert!(help.contains(&name(variable)), "{variable}");
        daemon.env(name(variable), variable["value"].as_str().unwrap());
    }
    daemon.env("LANDWAITER_GIT_URL", checkout.path().join("nowhere")).env("LANDWAITER_DATA_DIR", checkout.path());
    let ran = crate::binary::run(&mut daemon);
    assert_eq!(ran.code, 1, "no usage, but no repository either: {ran:?}");
}

#[test]
fn a_file_that_says_nothing_is_told() {
    let checkout = Checkout::new(&[("r.conf", "registries:\n- {name: a, api_url: b, credental: env:X}\n")]);
    let ran = checkout.run(&["import", "--registries-conf", "r.conf"]);
    assert_eq!(ran.code, 1);
    assert_eq!(
        ran.stderr,
        "r.conf:2:25: error: `credental` is no field of a registry; did you mean `credentials`? [unknown-key]\n"
    );
    let ran = checkout.run(&["import", "--flux-args", "no.yaml"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
    assert!(ran.stderr.contains("cannot read no.yaml"), "{ran:?}");
}

#[test]
fn automations_of_a_checkout() {
    let automation = "apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageUpdateAutomation\nmetadata: {name: a, namespace: flux-system}\nspec:\n  interval: 30m\n  sourceRef: {kind: GitRepository, name: flux-system}\n  git: {commit: {author: {name: Flux, email: flux@example.com}}}\n  update: {path: ./clusters/prod, strategy: Setters}\n";
    let checkout = Checkout::new(&[("clusters/prod/automation.yaml", automation)]);
    let ran = checkout.run(&["import", "--automations", "--output", "json"]);
    let answer = ran.json();
    let lines: Vec<String> = answer["variables"]
        .as_array()
        .unwrap()
        .iter()
        .map(|variable| format!("{}={}", variable["name"].as_str().unwrap(), variable["value"].as_str().unwrap()))
        .collect();
    assert_eq!(
        lines,
        [
            "LANDWAITER_GIT_USER=Flux",
            "LANDWAITER_GIT_EMAIL=flux@example.com",
            "LANDWAITER_GIT_PATH=clusters/prod",
            "LANDWAITER_GIT_POLL_INTERVAL=30m"
        ]
    );
    assert_eq!(answer["leftovers"][0]["setting"], "spec.sourceRef.name of ImageUpdateAutomation flux-system/a");
}

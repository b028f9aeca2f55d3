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
    let both = ["import", "--flux-args", "flux/flux.yaml", "--registries-conf", "registries.conf"];
    let ran = checkout.run(&both);
    assert_eq!((ran.code, &*ran.stdout), (2, ""), "{ran:?}");
    assert!(ran.stderr.contains("say by --registries-to FILE where the first one goes"), "{ran:?}");
    let apart: Vec<&str> = both.into_iter().chain(["--registries-to", "landwaiter.yaml"]).collect();
    let ran = checkout.run(&apart);
    assert_eq!((ran.code, &*ran.stderr), (0, ""), "{ran:?}");
    let alone = checkout.run(&["import", "--registries-conf", "registries.conf"]);
    assert_eq!((alone.code, checkout.read("landwaiter.yaml")), (0, alone.stdout));
    let again = checkout.run(&apart);
    assert_eq!((again.code, &*again.stdout), (1, ""), "{again:?}");
    assert!(again.stderr.contains("cannot write landwaiter.yaml, which is there already"), "{again:?}");
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

# Without an equivalent:
# --token (flux/flux.yaml:20:11): nobody is reported to; every change is a commit with its reasons
"
    );
}

/// The first has every field, and the rest what needs care.
const EVERY_FIELD: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-image-updater-config}
data:
  registries.conf: |
    registries:
    - name: Hub
      prefix: docker.io
      api_url: https://mirror.example.com
      ping: yes
      credentials: pullsecret:argocd/hub
      credsexpire: 1h
      tagsortmode: latest-last
      insecure: no
      ca_file: \"/ca/our authority: 1.pem\"
      ca_data: PEM
      defaultns: library
      limit: 20
      default: true
    - name: Team
      prefix: quay.io/team
      api_url: https://quay.io
      credentials: env:QUAY
      ca_data: PEM
      limit: 5
    - name: Numbers
      prefix: 10.0.0.1:5000
      api_url: http://10.0.0.1:5000
      credentials: secret:argocd/numbers#login
    - {name: Script, prefix: s.example.com, api_url: 'https://s.example.com', credentials: 'ext:/login.sh'}
";

const EVERY_ENTRY: &str = "\
# A configuration file for `landwaiter run --config FILE`. `landwaiter config check FILE` tells what is still missing.
registries:
# mirror: api_url of Hub (r.yaml:9:16)
- prefix: docker.io
  mirror: mirror.example.com

# credentials: credentials of Hub (r.yaml:11:20)
#   mount the Secret argocd/hub at /etc/landwaiter/pull-secrets/argocd/hub
# ca-bundle: ca_file of Hub (r.yaml:15:16)
#   /ca/our authority: 1.pem is to be put there
# rate: limit of Hub (r.yaml:18:14)
- prefix: mirror.example.com
  credentials: {pull-secret: /etc/landwaiter/pull-secrets/argocd/hub}
  ca-bundle: \"/ca/our authority: 1.pem\"
  rate: 20

# credentials: credentials of Team (r.yaml:23:20)
#   /etc/landwaiter/credentials/quay.io-team is to hold what the variable QUAY does: `user:password`, in one line
- prefix: quay.io/team
  credentials: {file: /etc/landwaiter/credentials/quay.io-team}

# ca-bundle: ca_data of Team (r.yaml:24:16)
#   /etc/landwaiter/ca/quay.io.pem is to hold what `ca_data` says there
# rate: limit of Team (r.yaml:25:14)
- prefix: quay.io
  ca-bundle: /etc/landwaiter/ca/quay.io.pem
  rate: 5

# insecure-plain-http: api_url of Numbers (r.yaml:28:16)
#   whoever is on the way reads what is sent, and can choose what is deployed: give it a certificate
# credentials: credentials of Numbers (r.yaml:29:20)
#   /etc/landwaiter/credentials/10.0.0.1-5000 is to hold the key `login` of the Secret argocd/numbers: `user:password`, in one line
# insecure-credentials: credentials of Numbers (r.yaml:29:20)
#   it is shown without TLS, as it was; take this away with `insecure-plain-http`
- prefix: 10.0.0.1:5000
  insecure-plain-http: true
  credentials: {file: /etc/landwaiter/credentials/10.0.0.1-5000}
  insecure-credentials: true

# Without an equivalent:
# ping of Hub `yes` (r.yaml:10:13): nobody is asked at the start; `landwaiter plan` shows whether a registry answers
# credsexpire of Hub `1h` (r.yaml:12:20): files are read again when they change, and helpers are asked again after five minutes
# tagsortmode of Hub `latest-last` (r.yaml:13:20): the order of a list is never trusted: `newest` goes by the created times of the images
# ca_data of Hub (r.yaml:16:16): `ca-bundle` of `mirror.example.com` is said already (r.yaml:15:16), and a registry has one; keep the one that is right
# credentials of Script `ext:/login.sh` (r.yaml:30:92): scripts are not run: write a credential helper for Docker that does what /login.sh does, and name it as `credentials: {helper: …}` of `s.example.com`
";

#[test]
fn registries_become_a_configuration_file() {
    let checkout = Checkout::new(&[("r.yaml", EVERY_FIELD)]);
    let ran = checkout.run(&["import", "--registries-conf", "r.yaml"]);
    assert_eq!((ran.code, &*ran.stderr), (0, ""), "{ran:?}");
    assert_eq!(ran.stdout, EVERY_ENTRY);
}

/// Nothing is wrong with what is made of this but files that are not there yet, so many.
#[track_caller]
fn checked(registries: &str, missing: usize) {
    let checkout = Checkout::new(&[("r.yaml", registries)]);
    let ran = checkout.run(&["import", "--registries-conf", "r.yaml", "--registries-to", "landwaiter.yaml"]);
    assert_eq!((ran.code, &*ran.stdout, &*ran.stderr), (0, "", ""));
    let answer = checkout.run(&["config", "check", "landwaiter.yaml", "--output", "json"]).json();
    let problems = answer["problems"].as_array().unwrap();
    let is_missing = |problem: &&Value| problem["message"].as_str().unwrap().contains("No such file or directory");
    assert_eq!(problems.iter().filter(is_missing).count(), missing, "{answer:#}");
    assert_eq!(problems.len(), missing, "{answer:#}");
}

#[test]
fn the_configuration_file_makes_sense() {
    checked(EVERY_FIELD, 5);
    checked(REGISTRIES, 2);
    checked("registries:\n- {name: a, api_url: 'https://a.example.com'}\n", 0);
    checked("registries:\n- {name: a, prefix: x, api_url: 'https://a.example.com', limit: 3}\n", 0);
    // What YAML would read as something else.
    let odd = "ca_file: \"a: b # c\\n\\u2028'\\\"\\\\\\t\"";
    checked(&format!("registries:\n- {{name: a, api_url: 'https://a.example.com', {odd}}}\n"), 1);
    checked("registries:\n- {name: a, api_url: 'https://a.example.com', ca_file: 'true'}\n", 1);
    checked("registries:\n- {name: a, api_url: 'http://[::1]:5000', credentials: 'pullsecret:a, {b}'}\n", 1);
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
    assert_eq!(
        answer["registries"][0],
        json!({
            "prefix": "ghcr.io",
            "settings": [{
                "key": "credentials",
                "value": {"file": "/etc/landwaiter/credentials/ghcr.io"},
                "from": [
                    {"setting": "credentials of GitHub", "file": "registries.conf", "line": 5, "column": 16},
                ],
                "notes": [
                    "/etc/landwaiter/credentials/ghcr.io is to hold the key `creds` of the Secret argocd/ghcr: `user:password`, in one line",
                ],
            }],
        })
    );
    assert_eq!(answer["registries"][1]["settings"][2]["value"], 30);
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

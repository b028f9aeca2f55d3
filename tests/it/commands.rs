//! `plan`, `list`, `lint` and `explain` on a checkout, as a script sees them.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;

use clap::CommandFactory as _;
use landwaiter::cli::Cli;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::binary::{Daemon, Ran, landwaiter, run};

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

/// What `lint` says of a deployment with these annotations: `severity line:column message`.
fn lint(annotations: &str) -> (i32, Vec<String>) {
    let checkout = Checkout::new(&[("a.yaml", &deployment("web", annotations, "- name: web\n  image: x:1.0"))]);
    let ran = checkout.run(&["lint", "--output", "json"]);
    let answer = ran.json();
    let text = |problem: &Value| {
        format!(
            "{} {}:{} {}",
            problem["severity"].as_str().unwrap(),
            problem["line"],
            problem["column"],
            problem["message"].as_str().unwrap()
        )
    };
    (ran.code, answer["problems"].as_array().unwrap().iter().map(text).collect())
}

#[track_caller]
fn check_lint(annotation: &str, code: i32, place: &str, words: &[&str]) {
    let (exit, problems) = lint(&format!("landwaiter/automated: \"true\"\n{annotation}"));
    assert_eq!(exit, code, "{problems:?}");
    let found =
        problems.iter().any(|problem| problem.starts_with(place) && words.iter().all(|word| problem.contains(word)));
    assert!(found, "{annotation}: expected {place} … {words:?} in {problems:#?}");
}

#[test]
fn lint_finds_what_people_get_wrong() {
    check_lint("landwaiter/tag-smever: ~1", 1, "error 8:5", &["tag-smever", "tag-semver"]);
    check_lint("landwaiter/tag.web: semver:~1.", 1, "error 8:", &["~1."]);
    check_lint("landwaiter/tag.wep: glob:1.*", 1, "error 8:5", &["wep", "web"]);
    check_lint("fluxcd.io/tag.wep: glob:1.*", 0, "warning 8:5", &["wep", "web"]);
    check_lint("landwaiter/tag.web: 1.10", 0, "warning 8:", &["1.10"]);
    check_lint("landwaiter/policy: stabel", 1, "error 8:", &["stabel", "stable"]);
    check_lint("landwaiter/min-age: 24h", 1, "error 8:5", &["min-age", "not supported"]);
    let (code, problems) = lint("landwaiter/automated: \"true\"\nlandwaiter/tag.web: semver:~1");
    assert_eq!((code, problems), (0, vec![]));
}

#[test]
fn bad_files_are_told_and_the_others_go_on() {
    let good =
        deployment("web", "landwaiter/automated: \"true\"\nlandwaiter/tag-semver: '1'", "- name: web\n  image: x:1.0");
    let checkout = Checkout::new(&[
        ("1-no-yaml.yaml", "a: [fluxcd.io/automated\n"),
        (
            "2-template.yaml",
            "metadata:\n  annotations:\n    fluxcd.io/automated: \"true\"\n  name: {{ .Values.name }}\n",
        ),
        ("3-tab.yaml", "kind: Deployment\n\tmetadata: landwaiter\n"),
        ("4-bytes.yaml", ""),
        ("5-good.yaml", &good),
        ("6-bom.yaml", &format!("\u{feff}{}", good.replace("name: web\n  namespace", "name: bom\n  namespace"))),
        ("7-crlf.yaml", &good.replace("name: web\n  namespace", "name: crlf\n  namespace").replace('\n', "\r\n")),
        ("tags.json", r#"{"x": ["1.0", "1.1"]}"#),
    ]);
    fs::write(checkout.path().join("4-bytes.yaml"), b"landwaiter: \xff\xfe\n").unwrap();
    let before: Vec<_> = ["6-bom.yaml", "7-crlf.yaml"].map(|file| checkout.read(file)).into();
    let ran = checkout.run(&["plan", "--tags", "tags.json", "--write", "--output", "json"]);
    let answer = ran.json();
    assert_eq!(ran.code, 1, "an unreadable file with annotations is an error");
    let updated: Vec<_> =
        answer["updates"].as_array().unwrap().iter().map(|update| update["file"].as_str().unwrap()).collect();
    assert_eq!(updated, ["5-good.yaml", "6-bom.yaml", "7-crlf.yaml"], "{answer:#}");
    let told: Vec<_> =
        answer["problems"].as_array().unwrap().iter().map(|problem| problem["file"].as_str().unwrap()).collect();
    assert_eq!(told, ["1-no-yaml.yaml", "2-template.yaml", "3-tab.yaml", "4-bytes.yaml"], "{answer:#}");
    for (file, before) in ["6-bom.yaml", "7-crlf.yaml"].iter().zip(before) {
        assert_eq!(checkout.read(file), before.replace("x:1.0", "x:1.1"));
    }
}

#[test]
fn explain_gives_every_tag_a_verdict() {
    let home = TempDir::new().unwrap();
    let explain = |args: &[&str]| run(&mut landwaiter(home.path(), [&["explain", "--output", "json"], args].concat()));
    let ran = explain(&["--policy", "semver:~1.2", "--current", "1.2.0", "1.2.0", "1.2.7", "1.3.0", "latest"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let answer = ran.json();
    assert_eq!((&answer["decision"]["kind"], &answer["decision"]["tag"]), (&json!("update"), &json!("1.2.7")));
    let verdicts: Vec<_> =
        answer["candidates"].as_array().unwrap().iter().map(|c| (&c["tag"], &c["verdict"])).collect();
    assert_eq!(verdicts[0], (&json!("1.2.7"), &json!("selected")));
    assert_eq!(verdicts[1], (&json!("1.2.0"), &json!("accepted")));
    assert_eq!(verdicts.len(), 4);
    let reasons = answer["candidates"].as_array().unwrap().iter().map(|c| c["reason"].as_str().unwrap());
    assert!(reasons.clone().all(|reason| !reason.is_empty()), "{answer:#}");

    let hold = explain(&["--policy", "semver:~1.2", "--current", "1.2.7", "1.2.7"]).json();
    assert_eq!((&hold["decision"]["kind"], &hold["decision"]["hold"]), (&json!("hold"), &json!("up-to-date")));

    let numeric = ["--policy", r"regex:^b-(?P<n>\d+)$", "--order", "numeric", "--extract", "${n}", "b-9", "b-10", "x"];
    assert_eq!(explain(&numeric).json()["decision"]["tag"], "b-10");

    let newest = ["--policy", "glob:m-*", "--current", "m-a=", "m-b"];
    assert_eq!(explain(&newest).code, 2, "a current tag is a tag");
    let newest = ["--policy", "glob:m-*", "--current", "m-a", "m-a=2026-01-01T00:00:00Z", "m-b=2026-01-02T00:00:00Z"];
    assert_eq!(explain(&newest).json()["decision"]["tag"], "m-b");

    let date = ["--policy", "semver:*", "20240101", "1.2.3"];
    assert_eq!(explain(&date).json()["decision"]["tag"], "1.2.3");
    let flux = ["--policy", "semver:*", "--dialect", "flux", "20240101", "1.2.3"];
    assert_eq!(explain(&flux).json()["decision"]["tag"], "20240101");

    let invalid = explain(&["--policy", "semver:~1.", "1.0"]);
    assert_eq!((invalid.code, invalid.stdout.as_str()), (1, ""));
    assert!(invalid.stderr.contains("~1."), "{}", invalid.stderr);
    assert_eq!(explain(&["--policy", "semver:~1"]).code, 2);
}

#[test]
fn every_command_explains_itself() {
    let home = TempDir::new().unwrap();
    for command in ["run", "plan", "list", "lint", "explain", "demo"] {
        let ran = run(&mut landwaiter(home.path(), [command, "--help"]));
        assert_eq!(ran.code, 0);
        assert!(ran.stdout.contains("Examples:"), "{command} has no examples");
    }
    let cli = Cli::command();
    for command in cli.get_subcommands() {
        let options = command.get_arguments().filter(|option| option.get_long().is_some());
        for option in options.filter(|option| !["help", "version"].contains(&option.get_id().as_str())) {
            let variable = option.get_env().and_then(|variable| variable.to_str()).unwrap_or_default();
            assert!(variable.starts_with("LANDWAITER_"), "{} {} has no variable", command.get_name(), option.get_id());
        }
    }
    assert_eq!(run(&mut landwaiter(home.path(), ["plan", "--no-such-option"])).code, 2);
    assert_eq!(run(&mut landwaiter(home.path(), ["run", "--git-url", "ssh://git@example.com/x"])).code, 2);
    assert_eq!(run(&mut landwaiter(home.path(), ["run", "--git-url", "/x", "--git-poll-interval", "10ms"])).code, 2);
}

//! `doctor`: what a daemon needs, checked by the real binary, with this and that broken.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::sync::LazyLock;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::binary::{Ran, landwaiter, run};
use crate::git_server::{Fault, GitServer, Repo};
use crate::registry_server::{Act, Server, basic, say};
use crate::tls_server::{Authority, Proxy};

/// Where the registries run; the Git server has a thread of its own.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

fn wait<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.block_on(future)
}

fn doctor(home: &Path, args: &[&str]) -> Ran {
    doctor_in(home, args, &[])
}

fn doctor_in(home: &Path, args: &[&str], environment: &[(&str, &str)]) -> Ran {
    let mut command = landwaiter(home, [&["doctor"], args].concat());
    command.envs(environment.iter().copied());
    let ran = run(&mut command);
    assert!(!format!("{ran:?}").contains("hunter2"), "{ran:?}");
    let left =
        fs::read_dir(home).unwrap().flatten().filter(|entry| entry.file_name().to_string_lossy().contains("doctor"));
    assert_eq!(left.count(), 0, "nothing is left behind");
    ran
}

fn pod(name: &str, image: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n  annotations:\n    landwaiter/automated: \"true\"\n    \
         landwaiter/tag-semver: \"1\"\nspec:\n  containers:\n  - name: main\n    image: {image}:1.0.0\n"
    )
}

/// The checks, as `about | check state`.
fn checks(answer: &Value) -> Vec<String> {
    let text = |check: &Value, key: &str| check[key].as_str().unwrap().to_owned();
    let checks = answer["checks"].as_array().unwrap().iter();
    checks
        .map(|check| format!("{} | {} {}", text(check, "about"), text(check, "check"), text(check, "state")))
        .collect()
}

/// What is said in the first check of this name about this thing.
#[track_caller]
fn said<'a>(answer: &'a Value, about: &str, check: &str) -> &'a str {
    let found = answer["checks"].as_array().unwrap().iter().find(|one| one["about"] == about && one["check"] == check);
    found.unwrap_or_else(|| panic!("no {check} of {about} in {answer:#}"))["message"].as_str().unwrap()
}

#[test]
fn one_registry_that_is_down_hides_no_other() {
    let home = TempDir::new().unwrap();
    let good = wait(Server::start(basic("bob", "hunter2")));
    let limits = [
        ("RateLimit-Limit", "100;w=21600"),
        ("RateLimit-Remaining", "42;w=21600"),
        ("Date", "Thu, 01 Jan 2026 00:00:00 GMT"),
    ];
    let other = wait(Server::start(move |seen, _| {
        if seen.is_list() { say(200, &limits, json!({"tags": ["1.0.0"]}).to_string()) } else { Act::Pass }
    }));
    let dead = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let quiet = silent.local_addr().unwrap();
    good.fill("app", &["1.0.0", "1.1.0"]);
    let images = [
        format!("{}/app", good.address),
        format!("{}/app", other.address),
        format!("{dead}/app"),
        format!("{quiet}/app"),
    ];
    let checkout = home.path().join("checkout");
    fs::create_dir(&checkout).unwrap();
    for (number, image) in images.iter().enumerate() {
        fs::write(checkout.join(format!("{number}.yaml")), pod(&format!("pod-{number}"), image)).unwrap();
    }
    fs::write(home.path().join("secret"), "bob:hunter2\n").unwrap();
    let credentials = format!("{}=secret", good.address);
    let args = ["checkout", "--timeout", "2s", "--output", "json", "--registry-credentials", &credentials];
    let ran = doctor(home.path(), &args);
    assert_eq!(ran.code, 1, "{ran:?}");
    let answer = ran.json();
    let about = |address: &dyn ToString| format!("registry {}", address.to_string());
    assert_eq!(
        said(&answer, &about(&good.address), "tags"),
        format!("{}/app: 2 tags, with the credential from secret (user bob)", good.address)
    );
    assert_eq!(said(&answer, &about(&other.address), "tags"), format!("{}/app: 1 tag, without a name", other.address));
    assert_eq!(said(&answer, &about(&other.address), "rate"), "42 of 100 requests in 21600 s are left");
    assert!(said(&answer, &about(&other.address), "clock").contains(" s behind ours; set the clock"), "{answer:#}");
    let all = checks(&answer);
    assert!(all.contains(&format!("registry {} | clock warning", other.address)), "{all:#?}");
    assert!(all.contains(&format!("registry {dead} | tags failed")), "{all:#?}");
    assert!(said(&answer, &about(&dead), "tags").contains("Connection refused"), "{answer:#}");
    // Whether the connection, the answer or the whole check ran out of time first depends on the machine.
    assert!(all.contains(&format!("registry {quiet} | tags failed")), "{all:#?}");
    assert!(!all.iter().any(|check| check.starts_with("git ")), "a checkout has no server");

    let text = doctor(home.path(), &args[..3]);
    assert!(text.stdout.contains(&format!("\nregistry {}\n", other.address)), "{text:?}");
    assert!(text.stdout.contains("  failed   tags: "), "{text:?}");
    assert_eq!(text.stderr, "", "a person is told once");
}

#[test]
fn a_credential_that_is_refused_is_named_and_not_shown() {
    let home = TempDir::new().unwrap();
    let registry = wait(Server::start(basic("bob", "another")));
    registry.fill("app", &["1.0.0"]);
    fs::write(home.path().join("pod.yaml"), pod("app", &format!("{}/app", registry.address))).unwrap();
    fs::write(home.path().join("secret"), "bob:hunter2\n").unwrap();
    let config = format!("registries:\n- prefix: {}\n  credentials: {{file: secret}}\n", registry.address);
    fs::write(home.path().join("landwaiter.yaml"), config).unwrap();
    let ran = doctor(home.path(), &["--config", "landwaiter.yaml", "--output", "json"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let answer = ran.json();
    let told = said(&answer, &format!("registry {}", registry.address), "tags");
    assert!(told.contains("the credential from secret (user bob) was refused: renew it"), "{told}");
}

#[test]
fn registries_that_are_configured_and_not_used_are_knocked_at() {
    let home = TempDir::new().unwrap();
    let there = wait(Server::start(basic("bob", "hunter2")));
    let web = wait(Server::start(|_, _| say(404, &[], "a web page")));
    fs::write(home.path().join("secret"), "bob:hunter2\n").unwrap();
    let config = format!(
        "registries:\n- prefix: {}\n  credentials: {{file: secret}}\n- prefix: {}\n  rate: 5\n",
        there.address, web.address
    );
    fs::write(home.path().join("landwaiter.yaml"), config).unwrap();
    let ran = doctor(home.path(), &["--config", "landwaiter.yaml", "--output", "json"]);
    let answer = ran.json();
    let all = checks(&answer);
    assert!(all.contains(&"config repository | images warning".to_owned()), "{all:#?}");
    assert!(all.contains(&format!("registry {} | reachable ok", there.address)), "{all:#?}");
    assert!(all.contains(&format!("registry {} | reachable failed", web.address)), "{all:#?}");
    assert_eq!(there.log().iter().filter(|seen| seen.authorization.is_some()).count(), 0, "nobody needs the password");
}

#[test]
fn whose_certificate_it_is_and_how_long_it_is_good() {
    let home = TempDir::new().unwrap();
    let registry = wait(Server::good());
    registry.fill("app", &["1.0.0"]);
    let (authority, proxy) = (Authority::new("Our authority"), wait(Proxy::start()));
    fs::write(home.path().join("ca.pem"), authority.pem()).unwrap();
    proxy.lead("registry.example.com", authority.issue("registry.example.com"), registry.address.port());
    proxy.lead("old.example.com", authority.expired("old.example.com"), registry.address.port());
    for host in ["registry.example.com", "old.example.com"] {
        fs::write(home.path().join(format!("{host}.yaml")), pod("app", &format!("{host}/app"))).unwrap();
    }
    let (url, bundle) = (proxy.url(), home.path().join("ca.pem"));
    let environment = [("HTTPS_PROXY", url.as_str()), ("SSL_CERT_FILE", bundle.to_str().unwrap())];
    let ran = doctor_in(home.path(), &["--output", "json"], &environment);
    let answer = ran.json();
    let told = said(&answer, "registry registry.example.com", "certificate");
    assert!(told.starts_with("for registry.example.com, issued by Our authority, good until "), "{told}");
    let all = checks(&answer);
    assert!(all.contains(&"registry registry.example.com | tags ok".to_owned()), "{all:#?}");
    assert!(said(&answer, "registry old.example.com", "tags").contains("expired"), "{answer:#}");
    assert_eq!(ran.code, 1);
}

/// A Git server with one pod, whose image has tags in a registry.
struct Scene {
    home: TempDir,
    repo: Repo,
    git: GitServer,
    registry: Server,
}

impl Scene {
    fn new() -> Self {
        let (home, registry) = (TempDir::new().unwrap(), wait(Server::good()));
        let image = registry.fill("app", &["1.0.0", "1.1.0"]);
        let repo = Repo::with(home.path(), "config.git", &[("app.yaml", &pod("app", &image.to_string()))]);
        let git = GitServer::start(home.path());
        Self { home, repo, git, registry }
    }

    fn examined(&self, more: &[&str]) -> (i32, Value) {
        let (url, data) = (self.git.url("config.git"), self.home.path().join("data").display().to_string());
        let args = [&["--git-url", &url, "--data-dir", &data, "--output", "json"], more].concat();
        let ran = doctor(self.home.path(), &args);
        (ran.code, ran.json())
    }

    fn about(&self) -> String {
        format!("git {}", self.git.url("config.git"))
    }
}

#[test]
fn the_config_repository_is_read_and_nothing_is_pushed() {
    let scene = Scene::new();
    fs::create_dir(scene.home.path().join("data")).unwrap();
    let head = scene.repo.head();
    let (code, answer) = scene.examined(&[]);
    assert_eq!(code, 0, "{answer:#}");
    assert!(said(&answer, &scene.about(), "read").starts_with("the branch main is at "), "{answer:#}");
    assert!(said(&answer, &scene.about(), "push").starts_with("we may write"), "{answer:#}");
    assert_eq!(said(&answer, &scene.about(), "images"), "1 image repository is followed");
    let data = format!("data directory {}", scene.home.path().join("data").display());
    assert_eq!(said(&answer, &data, "store"), "nothing is known of registries yet");
    assert_eq!(
        said(&answer, &format!("registry {}", scene.registry.address), "tags").split(": ").nth(1),
        Some("2 tags, without a name")
    );
    assert_eq!(scene.repo.head(), head);
    let log = scene.git.take_log();
    assert!(!log.iter().any(|seen| seen.path.ends_with("/git-receive-pack")), "{log:?}");
    assert_eq!(fs::read_dir(scene.home.path().join("data")).unwrap().count(), 0, "the data directory is as it was");
}

#[test]
fn a_key_to_read_with_is_no_key_to_push_with() {
    let scene = Scene::new();
    scene.git.on(|seen| {
        let pushes = seen.query.contains("git-receive-pack");
        pushes.then(|| Fault::Answer(403, "text/plain", "You have no permission to push".into()))
    });
    let (code, answer) = scene.examined(&[]);
    assert_eq!(code, 1, "{answer:#}");
    let all = checks(&answer);
    assert!(all.contains(&format!("{} | read ok", scene.about())), "{all:#?}");
    assert!(said(&answer, &scene.about(), "push").contains("You have no permission to push"), "{answer:#}");
    assert!(all.iter().any(|check| check.ends_with("| tags ok")), "and the registries are looked at: {all:#?}");
}

#[test]
fn what_is_wrong_with_git_and_the_data_directory_is_told_one_by_one() {
    let scene = Scene::new();
    let (code, answer) = scene.examined(&["--git-branch", "nowhere"]);
    assert_eq!(code, 1);
    assert!(said(&answer, &scene.about(), "read").contains("nowhere"), "{answer:#}");

    let data = scene.home.path().join("data");
    fs::write(&data, "a file").unwrap();
    let (code, answer) = scene.examined(&[]);
    assert_eq!(code, 1);
    let all = checks(&answer);
    assert!(all.contains(&format!("data directory {} | write failed", data.display())), "{all:#?}");
    assert!(all.contains(&format!("{} | push ok", scene.about())), "{all:#?}");

    fs::remove_file(&data).unwrap();
    fs::create_dir(&data).unwrap();
    fs::write(data.join("registry.redb"), "no store").unwrap();
    let (code, answer) = scene.examined(&[]);
    assert_eq!(code, 0, "a daemon goes on without it: {answer:#}");
    let all = checks(&answer);
    assert!(all.contains(&format!("data directory {} | store warning", data.display())), "{all:#?}");
    assert_eq!(fs::read_to_string(data.join("registry.redb")).unwrap(), "no store", "and it is left alone");
}

#[test]
fn a_repository_on_this_machine_with_a_hook_takes_no_push_of_ours() {
    let scene = Scene::new();
    scene.repo.hook("pre-receive", "#!/bin/sh\nexit 0\n");
    let path = scene.repo.bare.display().to_string();
    let data = scene.home.path().join("data").display().to_string();
    let ran = doctor(scene.home.path(), &["--git-url", &path, "--data-dir", &data, "--output", "json"]);
    let answer = ran.json();
    assert!(said(&answer, &format!("git {path}"), "push").contains("has the hook"), "{answer:#}");
}

#[test]
fn who_we_are_to_the_config_repository_and_until_when() {
    let scene = Scene::new();
    let claims = |exp: &str| base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, exp);
    let token = |exp: &str| format!("e30.{}.hunter2", claims(&format!(r#"{{"exp":{exp}}}"#)));
    let write = |text: &str| fs::write(scene.home.path().join("token"), text).unwrap();
    let with = "with the bearer token from token";
    for (text, code, told) in [
        ("hunter2-opaque".to_owned(), 0, with.to_owned()),
        (token("4102444800"), 0, format!("{with}, which ends at 2100-01-01T00:00:00Z")),
        (token("1767225600"), 1, format!("{with}, which ended at 2026-01-01T00:00:00Z; renew it")),
    ] {
        write(&text);
        scene.git.require_header(&format!("Bearer {text}"));
        let (found, answer) = scene.examined(&["--git-bearer-token", "token"]);
        assert_eq!((found, said(&answer, &scene.about(), "account")), (code, told.as_str()), "{answer:#}");
        assert!(!answer.to_string().contains(&claims("4102444800")), "{answer:#}");
    }
    write("bob:hunter2");
    scene.git.require("bob:hunter2");
    let (code, answer) = scene.examined(&["--git-credentials", "token"]);
    let told = "user bob, with the password or token from token";
    assert_eq!((code, said(&answer, &scene.about(), "account")), (0, told));
}

#[test]
fn two_credentials_or_half_a_setting_are_refused_and_no_secret_is_repeated() {
    let scene = Scene::new();
    let (url, token) = (scene.git.url("config.git"), "ghp_hunter2hunter2");
    for (args, environment, told) in [
        (
            &["--git-bearer-token", "a", "--git-credentials", "b"][..],
            &[][..],
            "--git-credentials and --git-bearer-token",
        ),
        (&["--git-bearer-token", "a"], &[("LANDWAITER_GIT_TOKEN", "hunter2")], "and $LANDWAITER_GIT_TOKEN both name"),
        (&["--git-username", "bob"], &[], "--git-username needs $LANDWAITER_GIT_PASSWORD"),
        (&["--git-bearer-token", token], &[], "looks like the token itself"),
        (&[], &[("LANDWAITER_GIT_CREDENTIALS", token)], "into the variable LANDWAITER_GIT_PASSWORD"),
        (&["--git-client-key", "a"], &[], "--git-client-certificate"),
        (&["--git-github-app", "1"], &[], "--git-github-app-key <FILE>"),
        (&["--git-github-app-installation", "1"], &[], "--git-github-app <ID>"),
        (
            &["--git-github-app", "1", "--git-github-app-key", "a", "--git-credentials", "b"],
            &[],
            "--git-credentials and --git-github-app both name",
        ),
        (&["--git-proxy", "http://bob:hunter2@proxy"], &[], "--git-proxy: a password does not belong here"),
        (&["--git-proxy", "hunter2"], &[], "--git-proxy: this is no proxy"),
        (&["--git-proxy-credentials", "a"], &[], "--git-proxy <URL>"),
    ] {
        let ran = doctor_in(scene.home.path(), &[&["--git-url", &url], args].concat(), environment);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.stderr.contains(told), "{told}: {ran:?}");
    }
    // What is in the environment is not in the help.
    let help = doctor_in(scene.home.path(), &["--help"], &[("LANDWAITER_GIT_BEARER_TOKEN", "hunter2")]);
    assert!(help.stdout.contains("LANDWAITER_GIT_BEARER_TOKEN"), "{help:?}");
}

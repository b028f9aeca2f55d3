//! The daemon with an open port: it is told of news, and tells how it is.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use reqwest::StatusCode;
use reqwest::blocking::{Client, RequestBuilder};

use super::lookout::scripted;
use super::{SEMVER, Scene, deployment, wait};
use crate::binary::{Daemon, landwaiter, run, wait_until};
use crate::git_server::{Fault, git};
use crate::registry_server::Server;

const SECRET: &str = "hunter2-hunter2-hunter2";

/// No poll comes by itself.
const INTERVALS: [&str; 4] = ["--git-poll-interval", "1h", "--registry-poll-interval", "1h"];

pub(super) struct Listening {
    pub(super) daemon: Daemon,
    pub(super) address: String,
    client: Client,
}

impl Listening {
    pub(super) fn start(scene: &Scene, more: &[&str]) -> Self {
        Self::at("127.0.0.1:0", scene, more)
    }

    pub(super) fn at(listen: &str, scene: &Scene, more: &[&str]) -> Self {
        Self::with(listen, scene.home(), scene.args(more), &[])
    }

    /// A daemon with these arguments, and a port.
    pub(super) fn run(home: &Path, args: Vec<String>) -> Self {
        Self::with("127.0.0.1:0", home, args, &[])
    }

    /// The same with an environment.
    pub(super) fn run_in(environment: &[(&str, &str)], home: &Path, args: Vec<String>) -> Self {
        Self::with("127.0.0.1:0", home, args, environment)
    }

    fn with(listen: &str, home: &Path, args: Vec<String>, environment: &[(&str, &str)]) -> Self {
        let args = args.into_iter().chain(["--listen", listen].map(str::to_owned));
        Self::of(landwaiter(home, args).envs(environment.iter().copied()))
    }

    /// A daemon that is told to listen.
    pub(super) fn of(command: &mut Command) -> Self {
        let daemon = Daemon::start(command);
        let address = || {
            let log = daemon.log();
            let text = log.split_once("listening address=").map(|(_, rest)| rest.split_whitespace().next());
            let json = log.split_once(r#""message":"listening","address":""#).map(|(_, rest)| rest.split('"').next());
            text.or(json)?.map(str::to_owned)
        };
        let address = wait_until("the port", address, || daemon.log());
        // Somebody may have done so before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { daemon, address, client: Client::builder().no_proxy().build().unwrap() }
    }

    pub(super) fn get(&self, path: &str) -> (StatusCode, String) {
        Self::answer(self.client.get(format!("http://{}{path}", self.address)))
    }

    /// The same, shown a token.
    pub(super) fn get_as(&self, path: &str, token: &str) -> (StatusCode, String) {
        Self::answer(self.client.get(format!("http://{}{path}", self.address)).bearer_auth(token))
    }

    fn answer(request: RequestBuilder) -> (StatusCode, String) {
        let answer = request.send().unwrap();
        (answer.status(), answer.text().unwrap())
    }

    pub(super) fn post(&self, path: &str, secret: &str, body: &str) -> StatusCode {
        let request = self.client.post(format!("http://{}{path}", self.address)).body(body.to_owned());
        let request = request.header("content-type", "application/json").header("authorization", secret);
        request.send().unwrap().status()
    }
}

#[test]
fn what_is_told_by_webhook_lands_long_before_the_next_poll() {
    let registry = wait(Server::good());
    registry.fill("app", &["1.0.0"]);
    let image = format!("{}/app", registry.address);
    let scene = Scene::new(&[("a.yaml", &deployment("app", &SEMVER, &format!("{image}:1.0.0")))]);
    fs::write(scene.home().join("secret"), SECRET).unwrap();
    let config = "hooks:\n- name: ci\n  sender: generic\n  secret: {file: secret}\n";
    fs::write(scene.home().join("landwaiter.yaml"), config).unwrap();
    let args = [&INTERVALS[..], &["--config", "landwaiter.yaml", "--log-level", "debug"]].concat();
    let listening = Listening::start(&scene, &args);
    let daemon = &listening.daemon;
    daemon.wait_for_log("nothing to do");
    let asked = registry.count("/tags/list");

    registry.fill("app", &["1.0.0", "1.1.0"]);
    let body = format!("{{\"image\":\"{image}:9.9.9\"}}");
    assert_eq!(listening.post("/hooks/ci", "wrong-wrong-wrong-wrong", &body), StatusCode::UNAUTHORIZED);
    assert_eq!(listening.post("/hooks/ci", SECRET, &body), StatusCode::ACCEPTED);
    wait_until("the commit", || (scene.commits() == 2).then_some(()), || daemon.log());
    assert!(scene.file("a.yaml").contains("app:1.1.0"), "the tag is the registry's, whatever the event says");
    let looks = registry.count("/tags/list") - asked;
    assert!((1..=2).contains(&looks), "at once, and its echo: {looks}");
    assert_eq!(listening.post("/hooks/ci", SECRET, r#"{"image":"ghcr.io/nobody/watches"}"#), StatusCode::ACCEPTED);

    git(&scene.repo.work, &["pull", "-q", "origin", "main"]);
    scene.repo.push(&[("b.yaml", &deployment("other", &SEMVER, &format!("{image}:1.0.0")))], "another workload");
    let body = format!("{{\"git\":\"{}\",\"branch\":\"main\"}}", scene.server.url("config"));
    assert_eq!(listening.post("/hooks/ci", SECRET, &body), StatusCode::ACCEPTED);
    wait_until("the commit for it", || (scene.commits() == 4).then_some(()), || daemon.log());
    assert!(!daemon.log().contains(SECRET));

    // Another secret, and the old one is worth nothing.
    fs::write(scene.home().join("secret"), "another-another-another").unwrap();
    assert_eq!(listening.post("/hooks/ci", SECRET, &body), StatusCode::UNAUTHORIZED);
    assert_eq!(listening.post("/hooks/ci", "another-another-another", &body), StatusCode::ACCEPTED);
}

#[test]
fn it_is_ready_when_a_pass_was_good_and_alive_all_the_time() {
    let registry = wait(Server::good());
    registry.fill("app", &["1.0.0"]);
    let image = format!("{}/app:1.0.0", registry.address);
    let scene = Scene::new(&[("a.yaml", &deployment("app", &SEMVER, &image))]);
    scene.server.on(|_| Some(Fault::Answer(502, "text/plain", "out to lunch".to_owned())));
    let mut listening = Listening::start(&scene, &["--git-poll-interval", "1s"]);
    listening.daemon.wait_for_log("out to lunch");
    let (status, told) = listening.get("/readyz");
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{told}");
    assert!(told.contains("no pass has come to a good end for too long"), "{told}");
    assert!(told.contains(r#""name":"config","state":"failing""#), "{told}");
    assert_eq!(listening.get("/livez").0, StatusCode::OK);
    scene.server.heal();
    let is_ready = || (listening.get("/readyz").0 == StatusCode::OK).then_some(());
    wait_until("to be ready", is_ready, || listening.daemon.log());
    assert!(listening.get("/readyz").1.contains(r#""state":"good""#));
    assert_eq!(listening.get("/nothing").0, StatusCode::NOT_FOUND);

    let taken = ["run", "--git-url", "/srv/config.git", "--data-dir", "other", "--listen", &listening.address];
    let ran = run(&mut landwaiter(scene.home(), taken));
    assert_eq!(ran.code, 2, "{ran:?}");
    let told = format!("error: --listen: cannot listen on {}: Address already in use", listening.address);
    assert!(ran.stderr.contains(&told) && ran.stderr.contains("choose another port"), "{ran:?}");

    listening.daemon.signal("TERM");
    assert_eq!(listening.daemon.wait(), Some(0), "{}", listening.daemon.log());
}

#[test]
fn an_event_for_every_repository_at_once_is_one_look_at_each() {
    const REPOSITORIES: usize = 200;
    let tags = Arc::new(Mutex::new("1.0.0"));
    let registry = scripted(&tags);
    let host = registry.address;
    let files: Vec<_> = (0..REPOSITORIES)
        .map(|number| {
            let image = format!("{host}/app-{number}:1.0.0");
            (format!("{number}.yaml"), deployment(&format!("app-{number}"), &SEMVER, &image))
        })
        .collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let scene = Scene::new(&files);
    fs::write(scene.home().join("secret"), SECRET).unwrap();
    let config = "hooks:\n- name: ci\n  sender: generic\n  secret: {file: secret}\n";
    fs::write(scene.home().join("landwaiter.yaml"), config).unwrap();
    let args = [&INTERVALS[..], &["--config", "landwaiter.yaml", "--log-level", "debug"]].concat();
    let listening = Listening::start(&scene, &args);
    listening.daemon.wait_for_log("nothing to do");
    assert_eq!(registry.count("/tags/list"), REPOSITORIES);

    *tags.lock().unwrap() = "1.0.0 1.1.0";
    // Each of them ten times, with other tags.
    let images = (0..REPOSITORIES * 10).map(|number| format!("\"{host}/app-{}:{number}\"", number % REPOSITORIES));
    let body = format!("{{\"images\": [{}]}}", images.collect::<Vec<_>>().join(","));
    assert_eq!(listening.post("/hooks/ci", SECRET, &body), StatusCode::ACCEPTED);
    let updated = || git(&scene.repo.bare, &["grep", "-c", "app-[0-9]*:1.1.0", "main"]).lines().count();
    let is_done = || (scene.commits() > 1 && updated() == REPOSITORIES).then_some(());
    wait_until("every update", is_done, || listening.daemon.log());
    let looks = registry.count("/tags/list") - REPOSITORIES;
    assert!((REPOSITORIES..=2 * REPOSITORIES).contains(&looks), "at once, and the echoes: {looks}");
}

#[test]
fn what_is_told_before_it_is_listed_lands_all_the_same() {
    let tags = Arc::new(Mutex::new("1.0.0"));
    let registry = scripted(&tags);
    let image = format!("{}/app", registry.address);
    let scene = Scene::new(&[("a.yaml", &deployment("app", &SEMVER, &format!("{image}:1.0.0")))]);
    fs::write(scene.home().join("secret"), SECRET).unwrap();
    let config = "hooks:\n- name: ci\n  sender: generic\n  secret: {file: secret}\n";
    fs::write(scene.home().join("landwaiter.yaml"), config).unwrap();
    let args = [&INTERVALS[..], &["--config", "landwaiter.yaml", "--log-level", "debug"]].concat();
    let listening = Listening::start(&scene, &args);
    listening.daemon.wait_for_log("nothing to do");
    let body = format!("{{\"image\":\"{image}:1.1.0\"}}");
    assert_eq!(listening.post("/hooks/ci", SECRET, &body), StatusCode::ACCEPTED);
    let is_asked = || (registry.count("/tags/list") == 2).then_some(());
    wait_until("the look", is_asked, || listening.daemon.log());
    *tags.lock().unwrap() = "1.0.0 1.1.0";
    wait_until("the commit", || (scene.commits() == 2).then_some(()), || listening.daemon.log());
}

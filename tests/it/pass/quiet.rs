//! What a daemon says and does not say: of each line of a pass, which pass it was; when nothing happens, nothing; and of
//! what stays as it is, nothing a second time.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use serde_json::Value;
use tempfile::TempDir;

use super::listen::Listening;
use super::{SEMVER, Scene, deployment, wait};
use crate::binary::{Daemon, landwaiter, wait_until};
use crate::git_server::{Fault, GitServer, Repo};
use crate::registry_server::{Act, Server, say};

/// How many passes were begun over a config repository.
fn passes(listening: &Listening, repository: &str) -> u64 {
    let page = listening.get("/metrics").1;
    let own = format!("landwaiter_passes_total{{repository=\"{repository}\",");
    let counts = page.lines().filter(|line| line.starts_with(&own));
    counts.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

#[test]
fn a_daemon_with_nothing_to_do_says_nothing_pass_after_pass() {
    let registry = wait(Server::start(|seen, _| match seen.path.as_str() {
        "/v2/forbidden/tags/list" => say(403, &[], "not for you"),
        _ => Act::Pass,
    }));
    registry.fill("app", &["1.0.0"]);
    let host = registry.address;
    let root = TempDir::new().unwrap();
    let app = |name: &str, more: &[&str]| deployment(name, &[&SEMVER, more].concat(), &format!("{host}/app:1.0.0"));
    let calm = [("a.yaml", app("calm", &[]))];
    // All that may be wrong for weeks.
    let troubled = [
        ("locked.yaml", app("locked", &["landwaiter/locked: \"true\"", "landwaiter/locked-by: Ada"])),
        ("typo.yaml", app("typo", &[]).replace("tag-semver", "tag-smever")),
        ("broken.yaml", "landwaiter: [\n".to_owned()),
        ("forbidden.yaml", deployment("forbidden", &SEMVER, &format!("{host}/forbidden:1.0.0"))),
        ("nowhere.yaml", deployment("nowhere", &SEMVER, &format!("{host}/nowhere:1.0.0"))),
    ];
    for (name, files) in [("calm", &calm[..]), ("troubled", &troubled), ("lost", &[])] {
        let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        Repo::with(root.path(), &format!("{name}.git"), &files);
    }
    let server = GitServer::start(root.path());
    server.on(|seen| seen.path.contains("lost").then(|| Fault::Answer(403, "text/plain", "go away".to_owned())));
    let names = ["calm", "troubled", "lost"];
    let urls = names.map(|name| format!("- url: {}\n", server.url(&format!("{name}.git"))));
    fs::write(root.path().join("landwaiter.yaml"), format!("repositories:\n{}", urls.concat())).unwrap();
    let args = "run --config landwaiter.yaml --data-dir data --git-poll-interval 1s --registry-poll-interval 1s";
    let listening = Listening::run(root.path(), args.split(' ').map(str::to_owned).collect());

    let after = |more: u64, before: [u64; 3]| {
        let made = || names.map(|name| passes(&listening, name));
        let are_made = || made().iter().zip(before).all(|(made, before)| *made >= before + more).then(made);
        wait_until(&format!("{more} more passes"), are_made, || listening.daemon.log())
    };
    // By then it is read what was said in those before the last.
    let before = after(1, after(3, [0; 3]));
    let told = listening.daemon.log();
    for words in ["locked by Ada", "tag-smever", "broken.yaml", "403", "go away", "nowhere"] {
        assert!(told.contains(words), "{words:?} is missing in:\n{told}");
    }
    after(6, before);
    let more = listening.daemon.log()[told.len()..].to_owned();
    assert!(more.is_empty(), "{more}");
}

/// Who speaks of no single pass: what is begun and ended, who asks and tells, and what is asked of registries for all.
const OTHERS: [&str; 7] = [
    "landwaiter::cli::",
    "landwaiter::daemon::fleet",
    "landwaiter::daemon::stop",
    "landwaiter::http::",
    "landwaiter::registry::",
    "landwaiter::telemetry",
    "landwaiter::tls",
];

/// A pass with something to say in each of its parts, also where it works on other threads.
fn talkative() -> (Server, Scene) {
    let registry = wait(Server::good());
    registry.fill("app", &["1.0.0", "1.1.0"]);
    let text = deployment("app", &SEMVER, &format!("{}/app:1.0.0", registry.address));
    let scene = Scene::new(&[("a.yaml", &text)]);
    fs::write(scene.repo.work.join(OsStr::from_bytes(b"not-\xff-text.yaml")), "a: b\n").unwrap();
    scene
        .repo
        .push(&[("typo.yaml", &text.replace("tag-semver", "tag-smever").replace("name: app", "name: typo"))], "odd");
    let new = scene.server.url("config.git");
    scene.server.on(move |seen| {
        let rest = seen.path.strip_prefix("/old.git")?;
        Some(Fault::Redirect(format!("{new}{rest}?{}", seen.query)))
    });
    (registry, scene)
}

fn run(scene: &Scene, level: &str, more: &[&str]) -> Daemon {
    let data = scene.home().join("data").display().to_string();
    let url = scene.server.url("old.git");
    let args = ["run", "--git-url", &url, "--data-dir", &data, "--log-format", "json", "--log-level", level];
    Daemon::start(&mut landwaiter(scene.home(), [&args, more].concat()))
}

#[test]
fn every_line_of_a_pass_bears_its_number() {
    let all = ["landwaiter::git", "landwaiter::reconcile", "landwaiter::daemon::journal"];
    // Traces have spans of their own, on the same threads.
    let traces = ["--otlp-endpoint", "http://127.0.0.1:1"];
    for (level, speakers, more) in
        [("trace", &all[..], &[][..]), ("warn", &[], &[]), ("trace", &all, &traces), ("warn", &[], &traces)]
    {
        let (_registry, scene) = talkative();
        let mut daemon = run(&scene, level, more);
        wait_until("the commit", || (scene.commits() == 3).then_some(()), || daemon.log());
        daemon.signal("TERM");
        assert_eq!(daemon.wait(), Some(0));
        let log = daemon.log();
        let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let target = |line: &Value| line["target"].as_str().unwrap().to_owned();
        for speaker in speakers {
            assert!(lines.iter().any(|line| target(line).starts_with(speaker)), "{speaker} says nothing:\n{log}");
        }
        for words in ["passed over", "the repository has moved", "tag-smever"] {
            assert!(log.contains(words), "{words:?} is missing in:\n{log}");
        }
        for line in lines.iter().filter(|line| !OTHERS.iter().any(|other| target(line).starts_with(other))) {
            let span = &line["span"];
            let id = span["id"].as_str().unwrap_or_default();
            let is_number = id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(is_number && span["name"] == "pass" && span["repository"] == "old", "{line}");
        }
    }
}

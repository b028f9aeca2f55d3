//! The real binary and a repository behind https: every way to say who we are, and no secret in any log.

use std::fs;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::{RUNTIME, Scene, deployment, wait};
use crate::binary::{Daemon, Ran, landwaiter, run, wait_until};
use crate::git_server::Fault;
use crate::github_api::{APP, Github, app_key, kept};
use crate::registry_server::Server;
use crate::tls_server::{Authority, Proxy};

const SECRET: &str = "hunter2-and-more";
const HOST: &str = "git.example.com";

/// A repository with a pod whose image has a newer tag.
fn scene() -> (Scene, Server) {
    let registry = wait(Server::good());
    let image = registry.fill("app", &["1.0.0", "1.1.0"]);
    let policy = ["landwaiter/automated: \"true\"", "landwaiter/tag-semver: \"1\""];
    let scene = Scene::new(&[("app.yaml", &deployment("app", &policy, &format!("{image}:1.0.0")))]);
    (scene, registry)
}

/// Nothing of a secret, or of what is made of it for the wire, is in what a run printed or left behind.
#[track_caller]
fn kept_secret(scene: &Scene, printed: &str, secrets: &[&str]) {
    let left = walkdir::WalkDir::new(scene.home().join("data")).into_iter().flatten();
    let left: Vec<_> =
        left.filter(|entry| entry.file_type().is_file()).map(|entry| fs::read(entry.path()).unwrap()).collect();
    for secret in secrets {
        let encoded = BASE64_STANDARD.encode(secret);
        for form in [*secret, &encoded] {
            assert!(!printed.contains(form), "{form}: {printed}");
            let holds = |bytes: &Vec<u8>| bytes.windows(form.len()).any(|at| at == form.as_bytes());
            assert!(!left.iter().any(holds), "{form} is in the data directory");
        }
    }
}

#[track_caller]
fn pass(scene: &Scene, url: &str, args: &[&str], environment: &[(&str, &str)]) -> Ran {
    let data = scene.home().join("data").display().to_string();
    let fixed = ["run", "--once", "--log-level", "trace", "--git-url", url, "--data-dir", &data];
    let mut command = landwaiter(scene.home(), [&fixed, args].concat());
    command.envs(environment.iter().copied());
    run(&mut command)
}

#[test]
fn every_way_to_say_who_we_are_and_no_secret_is_logged() {
    let password = format!("bot:{SECRET}");
    let basic = |pair: &str| format!("Basic {}", BASE64_STANDARD.encode(pair));
    let token = (format!("Bearer {SECRET}"), basic(&format!("x-access-token:{SECRET}")));
    for (header, args, environment, content) in [
        (basic(&password), &["--git-credentials", "secret"][..], &[][..], &*password),
        (token.1.clone(), &["--git-credentials", "secret"], &[], SECRET),
        (token.0.clone(), &["--git-bearer-token", "secret"], &[], SECRET),
        (token.0, &[], &[("LANDWAITER_GIT_TOKEN", SECRET)], ""),
        (basic(&password), &["--git-username", "bot"], &[("LANDWAITER_GIT_PASSWORD", SECRET)], ""),
        (token.1, &[], &[("LANDWAITER_GIT_PASSWORD", SECRET)], ""),
    ] {
        let (scene, _registry) = scene();
        scene.server.require_header(&header);
        fs::write(scene.home().join("secret"), content).unwrap();
        let url = scene.server.url("config.git");
        let ran = pass(&scene, &url, args, environment);
        assert_eq!((ran.code, scene.commits()), (0, 2), "{ran:?}");
        kept_secret(&scene, &format!("{ran:?}"), &[SECRET, &password]);

        // Refused, and repeated by the server.
        scene.server.require_header("Basic another");
        let ran = pass(&scene, &url, args, environment);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(
            ran.stderr.contains("bad login") && ran.stderr.contains("give a credential that may do this"),
            "{ran:?}"
        );
        kept_secret(&scene, &format!("{ran:?}"), &[SECRET, &password]);
    }
}

#[test]
fn from_a_tag_to_a_commit_through_a_proxy_with_a_certificate_of_ours() {
    let (scene, _registry) = scene();
    let (authority, proxy) = (Authority::new("Our authority"), RUNTIME.block_on(Proxy::start()));
    proxy.lead(HOST, authority.issue_for_members(HOST), scene.server.port());
    proxy.require(&format!("Basic {}", BASE64_STANDARD.encode(format!("bob:{SECRET}"))));
    let (certificate, key) = authority.member("landwaiter");
    for (name, text) in [
        ("ca.pem", authority.pem()),
        ("own.pem", certificate),
        ("own.key", key.clone()),
        ("proxy", format!("bob:{SECRET}")),
    ] {
        fs::write(scene.home().join(name), text).unwrap();
    }
    let (url, way) = (format!("https://{HOST}/config.git"), proxy.url());
    let environment = [
        ("LANDWAITER_GIT_CA_BUNDLE", "ca.pem"),
        ("LANDWAITER_GIT_CLIENT_CERTIFICATE", "own.pem"),
        ("LANDWAITER_GIT_CLIENT_KEY", "own.key"),
        ("LANDWAITER_GIT_PROXY", &way),
        ("LANDWAITER_GIT_PROXY_CREDENTIALS", "proxy"),
    ];
    let ran = pass(&scene, &url, &[], &environment);
    assert_eq!((ran.code, scene.commits()), (0, 2), "{ran:?}");
    kept_secret(&scene, &format!("{ran:?}"), &[SECRET, key.lines().nth(1).unwrap()]);
    let ran = pass(&scene, &url, &[], &environment[..4]);
    assert!(ran.code == 1 && ran.stderr.contains("cannot reach https://git.example.com"), "{ran:?}");
}

#[test]
fn a_repository_that_has_moved_is_told_of_once_with_its_new_address() {
    let (scene, _registry) = scene();
    let new = scene.server.url("config.git");
    scene.server.on(move |seen| {
        let rest = seen.path.strip_prefix("/old.git")?;
        Some(Fault::Redirect(format!("{new}{rest}?{}", seen.query)))
    });
    let data = scene.home().join("data").display().to_string();
    let url = scene.server.url("old.git");
    let args = ["run", "--git-url", &url, "--data-dir", &data, "--git-poll-interval", "1s"];
    let daemon = Daemon::start(&mut landwaiter(scene.home(), args));
    let polls =
        || scene.server.take_log().iter().filter(|seen| seen.body.windows(7).any(|at| at == b"ls-refs")).count();
    let mut seen = 0;
    let look = || {
        seen += polls();
        (seen >= 3 && scene.commits() == 2).then_some(())
    };
    wait_until("three polls and a commit", look, || daemon.log());
    let log = daemon.log();
    let told = format!("the repository has moved to {}: give that as the git url", scene.server.url("config.git"));
    assert_eq!(log.matches(&told).count(), 1, "{log}");
}

#[test]
fn from_a_tag_to_a_commit_as_a_github_app_behind_a_proxy() {
    let (scene, _registry) = scene();
    let (authority, proxy) = (Authority::new("Our authority"), RUNTIME.block_on(Proxy::start()));
    proxy.lead(HOST, authority.issue(HOST), scene.server.port());
    fs::write(scene.home().join("ca.pem"), authority.pem()).unwrap();
    let key = app_key(&scene.home().join("app.pem"), "PEM");
    let github = Github::at(&scene.server, scene.home(), &key);
    let (url, way) = (format!("https://{HOST}/org/config.git"), proxy.url());
    let args = ["--git-ca-bundle", "ca.pem", "--git-proxy", &way, "--git-github-app", APP, "--git-github-app-key"];
    let args = [&args[..], &["app.pem"]].concat();
    let ran = pass(&scene, &url, &args, &[]);
    assert_eq!((ran.code, scene.commits()), (0, 2), "{ran:?}");
    assert_eq!(github.lock().unwrap().minted, 1);
    kept(&github, &key, &format!("{ran:?}"));

    let data = scene.home().join("data").display().to_string();
    let fixed = ["doctor", "--output", "json", "--log-level", "trace", "--git-url", &url, "--data-dir", &data];
    let ran = run(&mut landwaiter(scene.home(), [&fixed[..], &args].concat()));
    let told =
        ran.json()["checks"].as_array().unwrap().iter().find(|check| check["check"] == "account").cloned().unwrap();
    let who = "GitHub App landwaiter (4711), installation 99 of org, with the key from app.pem, which ends at 20";
    assert!(told["message"].as_str().unwrap().starts_with(who) && told["until"].is_string(), "{told}");
    kept(&github, &key, &format!("{ran:?}"));

    github.lock().unwrap().is_suspended = true;
    let ran = pass(&scene, &url, &args, &[]);
    assert!(ran.code == 1 && ran.stderr.contains("its installation 99 is suspended"), "{ran:?}");
    kept(&github, &key, &format!("{ran:?}"));
}

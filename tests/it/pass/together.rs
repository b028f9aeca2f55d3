//! Colleagues who push at the same time, many workloads at once, and the demo.

use crate::binary::{Daemon, landwaiter, run, wait_until};
use crate::git_server::GitServer;
use crate::git_server::Repo;
use crate::git_server::git;
use crate::registry_server::Act;
use crate::registry_server::Server;
use std::path::Path;
use tempfile::TempDir;

use super::{SEMVER, Scene, deployment, wait};

#[test]
fn somebody_who_pushes_in_between_loses_nothing() {
    // The registry answers only after a colleague has pushed: the pass was drawn on the old head.
    let root = TempDir::new().unwrap();
    let repo = std::sync::Arc::new(Repo::empty(root.path(), "config.git"));
    let (pushed, colleague) = (std::sync::Once::new(), std::sync::Arc::clone(&repo));
    let registry = wait(Server::start(move |seen, _| {
        if seen.is_list() {
            pushed.call_once(|| {
                colleague.push(&[("b.txt", "mine\n")], "a colleague");
            });
        }
        Act::Pass
    }));
    registry.fill("app", &["1.0.0", "1.1.0"]);
    let image = format!("{}/app:1.0.0", registry.address);
    repo.push(&[("a.yaml", &deployment("app", &SEMVER, &image))], "first");
    let server = GitServer::start(root.path());
    let ran = run(&mut landwaiter(
        root.path(),
        ["run", "--once", "--git-url", &server.url("config.git"), "--data-dir", "data"],
    ));
    assert_eq!(ran.code, 0, "{ran:?}");
    let subjects = git(&repo.bare, &["log", "--format=%s", "main"]);
    assert_eq!(subjects, "Update app to 1.1.0\na colleague\nfirst");
    assert_eq!(git(&repo.bare, &["show", "main:b.txt"]), "mine");
    assert_eq!(registry.count("/tags/list"), 1, "what the registry said is still true after a lost race");
    git(&repo.bare, &["fsck", "--strict", "--no-dangling"]);
}

#[test]
fn many_workloads_on_one_repository_are_one_request() {
    let registry = wait(Server::good());
    registry.fill("app", &["1.0.0", "1.1.0"]);
    let image = format!("{}/app:1.0.0", registry.address);
    let texts: Vec<_> = (0..50).map(|n| deployment(&format!("app-{n}"), &SEMVER, &image)).collect();
    let paths: Vec<_> = (0..50).map(|n| format!("apps/{n:02}.yaml")).collect();
    let files: Vec<_> = paths.iter().zip(&texts).map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let scene = Scene::new(&files);
    scene.passes();
    assert_eq!(git(&scene.repo.bare, &["log", "-1", "--format=%s", "main"]), "Update app to 1.1.0");
    assert_eq!(registry.log().len(), 1, "{:?}", registry.log());
    let trailers =
        git(&scene.repo.bare, &["log", "-1", "--format=%(trailers:key=Landwaiter-Update,valueonly)", "main"]);
    assert_eq!(trailers.lines().filter(|line| !line.is_empty()).count(), 50, "Git reads the trailers as trailers");
}

#[test]
fn the_demo_needs_nothing_and_leaves_a_sound_repository() {
    let home = TempDir::new().unwrap();
    let ran = run(&mut landwaiter(home.path(), ["demo"]));
    assert_eq!(ran.code, 0, "{ran:?}");
    let line = ran.stdout.lines().find(|line| line.trim_start().starts_with("git -C ")).unwrap();
    let repository = line.split_whitespace().nth(2).unwrap();
    let repository = Path::new(repository);
    git(repository, &["fsck", "--strict"]);
    assert_eq!(git(repository, &["rev-list", "--count", "main"]), "4");
    for subject in git(repository, &["log", "--format=%s", "main~3..main"]).lines() {
        assert!(ran.stdout.contains(subject), "{subject} was not shown");
    }
    assert_eq!(git(repository, &["log", "--format=", "--numstat", "main~3..main"]).lines().count(), 5);
}

#[test]
fn two_daemons_on_one_branch_do_everything_once() {
    let registry = wait(Server::good());
    registry.fill("app", &["1.0.0"]);
    let image = format!("{}/app:1.0.0", registry.address);
    let texts: Vec<_> = (0..4).map(|n| deployment(&format!("app-{n}"), &SEMVER, &image)).collect();
    let paths: Vec<_> = (0..4).map(|n| format!("{n}.yaml")).collect();
    let files: Vec<_> = paths.iter().zip(&texts).map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let scene = Scene::new(&files);
    let url = scene.server.url("config.git");
    let start = |data: &str| {
        let args = ["run", "--git-url", &url, "--data-dir", data, "--git-poll-interval", "1s"];
        let args = [&args[..], &["--registry-poll-interval", "1s", "--commit-grouping", "file"]].concat();
        Daemon::start(&mut landwaiter(scene.home(), args))
    };
    let daemons = [start("first"), start("second")];
    for release in 1..=5 {
        let tags: Vec<_> = (0..=release).map(|minor| format!("1.{minor}.0")).collect();
        registry.fill("app", &tags.iter().map(String::as_str).collect::<Vec<_>>());
        let commits = 1 + 4 * release;
        let log = || daemons.iter().map(Daemon::log).collect::<String>();
        wait_until("the commits", || (scene.commits() >= commits).then_some(()), log);
        assert_eq!(scene.commits(), commits, "{}", log());
    }
    let log = git(&scene.repo.bare, &["log", "--format=%(trailers:key=Landwaiter-Update,valueonly)", "main"]);
    let mut updates: Vec<_> = log.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(updates.len(), 20);
    updates.sort_unstable();
    updates.dedup();
    assert_eq!(updates.len(), 20, "none twice");
    scene.is_sound();
}

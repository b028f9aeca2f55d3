//! The daemon over time: news, signals, the same trouble again and again.

use crate::binary::Daemon;
use crate::binary::landwaiter;
use crate::binary::wait_until;
use crate::git_server::git;
use crate::registry_server::Act;
use crate::registry_server::Server;
use serde_json::Value;

use super::{SEMVER, Scene, deployment, wait};

#[test]
fn the_daemon_follows_releases_and_colleagues_and_stops_when_asked() {
    let registry = wait(Server::good());
    registry.fill("app", &["1.0.0"]);
    let image = format!("{}/app:1.0.0", registry.address);
    let scene = Scene::new(&[("a.yaml", &deployment("app", &SEMVER, &image))]);
    let intervals = ["--git-poll-interval", "1s", "--registry-poll-interval", "1s", "--log-format", "json"];
    let mut daemon = Daemon::start(&mut landwaiter(scene.home(), scene.args(&intervals)));
    daemon.wait_for_log("landwaiter starts");
    let commits = |number: usize| {
        wait_until(&format!("{number} commits"), || (scene.commits() >= number).then_some(()), || daemon.log());
    };
    registry.fill("app", &["1.0.0", "1.1.0"]);
    commits(2);
    git(&scene.repo.work, &["pull", "-q", "origin", "main"]);
    scene.repo.push(&[("b.yaml", &deployment("other", &SEMVER, &image))], "another workload");
    commits(4);
    assert!(scene.file("b.yaml").contains("app:1.1.0"));
    assert!(scene.file("a.yaml").contains("app:1.1.0"));

    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
    let log = daemon.log();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let updates = lines.iter().filter(|line| line["message"].as_str().is_some_and(|text| text.starts_with("updated")));
    assert_eq!(updates.count(), 2, "{log}");
    scene.is_sound();
}

#[test]
fn a_data_directory_that_vanishes_under_the_daemon_is_made_anew() {
    let registry = wait(Server::good());
    registry.fill("app", &["1.0.0"]);
    let image = format!("{}/app:1.0.0", registry.address);
    let scene = Scene::new(&[("a.yaml", &deployment("app", &SEMVER, &image))]);
    let intervals = ["--git-poll-interval", "1s", "--registry-poll-interval", "1s", "--log-level", "debug"];
    let daemon = Daemon::start(&mut landwaiter(scene.home(), scene.args(&intervals)));
    daemon.wait_for_log("nothing to do");
    std::fs::remove_dir_all(scene.home().join("data")).unwrap();
    registry.fill("app", &["1.0.0", "1.1.0"]);
    wait_until("the commit", || (scene.commits() == 2).then_some(()), || daemon.log());
    scene.is_sound();
}

#[test]
fn what_is_held_is_said_once_also_where_two_containers_have_one_name() {
    let registry = wait(Server::good());
    registry.fill("app", &["1.0.0"]);
    let image = format!("{}/app:1.0.0", registry.address);
    let locked = |by: &str| {
        let by = format!("landwaiter/locked-by: {by}");
        deployment("app", &[SEMVER[0], SEMVER[1], "landwaiter/locked: \"true\"", &by], &image)
    };
    let twice = format!("{}---\n{}", locked("Ada"), locked("Bob"));
    let scene = Scene::new(&[("twice.yaml", &twice), ("free.yaml", &deployment("free", &SEMVER, &image))]);
    let intervals = ["--git-poll-interval", "1s", "--registry-poll-interval", "1s"];
    let mut daemon = Daemon::start(&mut landwaiter(scene.home(), scene.args(&intervals)));
    // A pass begins after the journal of the one before it was written.
    wait_until("three passes", || (registry.count("/tags/list") >= 3).then_some(()), || daemon.log());
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
    let log = daemon.log();
    assert_eq!((log.matches("locked by Ada").count(), log.matches("locked by Bob").count()), (1, 1), "{log}");
}

#[test]
fn a_daemon_that_hangs_on_a_registry_stops_at_once_when_asked() {
    let registry = wait(Server::start(|_, _| Act::Hang));
    let image = format!("{}/app:1.0.0", registry.address);
    let scene = Scene::new(&[("a.yaml", &deployment("app", &SEMVER, &image))]);
    let mut daemon = Daemon::start(&mut landwaiter(scene.home(), scene.args(&[])));
    wait_until("a request", || (registry.count("/v2/") > 0).then_some(()), || daemon.log());
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
    assert_eq!(scene.commits(), 1);
}

#[test]
fn a_branch_that_refuses_every_push_is_told_once() {
    let registry = wait(Server::good());
    registry.fill("app", &["1.0.0", "1.1.0"]);
    let image = format!("{}/app:1.0.0", registry.address);
    let scene = Scene::new(&[("a.yaml", &deployment("app", &SEMVER, &image))]);
    let tally = scene.home().join("pushes");
    scene.repo.hook("pre-receive", &format!("echo x >> {}; echo 'main is protected'; exit 1", tally.display()));
    let intervals = ["--git-poll-interval", "1s", "--registry-poll-interval", "1s"];
    let daemon = Daemon::start(&mut landwaiter(scene.home(), scene.args(&intervals)));
    let pushed = || std::fs::read_to_string(&tally).unwrap_or_default().lines().count();
    wait_until("three pushes", || (pushed() >= 3).then_some(()), || daemon.log());
    let log = daemon.log();
    assert_eq!(log.matches("refused the push").count(), 1, "{log}");
    assert_eq!(log.matches("main is protected").count(), 1, "{log}");
    assert_eq!(scene.commits(), 1);
}

/// A daemon whose push the server is still thinking about, and the file that ends the thinking.
fn in_the_middle_of_a_push() -> (Scene, Daemon, std::path::PathBuf) {
    let registry = wait(Server::good());
    registry.fill("app", &["1.0.0", "1.1.0"]);
    let image = format!("{}/app:1.0.0", registry.address);
    let scene = Scene::new(&[("a.yaml", &deployment("app", &SEMVER, &image))]);
    let (began, go) = (scene.home().join("began"), scene.home().join("go"));
    let (mark, end) = (began.display(), go.display());
    let script = format!("touch {mark}; while [ -e {mark} ] && [ ! -e {end} ]; do sleep 0.02; done");
    scene.repo.hook("pre-receive", &script);
    let daemon = Daemon::start(&mut landwaiter(scene.home(), scene.args(&[])));
    wait_until("the push", || began.exists().then_some(()), || daemon.log());
    (scene, daemon, go)
}

#[test]
fn a_push_that_has_begun_is_seen_through_before_the_daemon_stops() {
    let (scene, mut daemon, go) = in_the_middle_of_a_push();
    daemon.signal("TERM");
    daemon.wait_for_log("stopping");
    std::fs::write(go, "").unwrap();
    assert_eq!(daemon.wait(), Some(0), "{}", daemon.log());
    assert!(daemon.log().contains("pushed"), "{}", daemon.log());
    assert_eq!(scene.commits(), 2);
    scene.is_sound();
}

#[test]
fn a_second_signal_stops_at_once() {
    let (scene, mut daemon, go) = in_the_middle_of_a_push();
    daemon.signal("TERM");
    daemon.wait_for_log("stopping");
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(1), "{}", daemon.log());
    std::fs::write(go, "").unwrap();
    wait_until("the server's own end of the push", || (scene.commits() == 2).then_some(()), String::new);
    scene.is_sound();
}

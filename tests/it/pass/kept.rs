//! What registries said, over kills and restarts, lost, and without a place to keep it.

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use landwaiter::reconcile::{Outcome, Patience};

use super::lookout::{minute, pass, reconciler, scripted, verdicts};
use super::{SEMVER, Scene, deployment, wait};
use crate::binary::{Daemon, landwaiter, run, wait_until};
use crate::registry_server::{Act, Server, say};

/// Files of one Deployment each, `app-0` and so on, of as many repositories on this registry.
fn files(registry: &Server, count: usize) -> Vec<(String, String)> {
    let file = |number: usize| {
        let image = format!("{}/team/app-{number}:1.0.0", registry.address);
        (format!("app-{number}.yaml"), deployment(&format!("app-{number}"), &SEMVER, &image))
    };
    (0..count).map(file).collect()
}

fn scene(files: &[(String, String)]) -> Scene {
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    Scene::new(&files)
}

/// The store, and whatever lies beside it.
fn stores(scene: &Scene) -> Vec<String> {
    let entries = fs::read_dir(scene.home().join("data")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.starts_with("registry")).collect();
    names.sort();
    names
}

#[test]
fn a_daemon_that_is_killed_in_mid_write_starts_again_as_if_nothing_had_been() {
    const REPOSITORIES: usize = 60;
    const KILLS: usize = 20;
    // Each answer is another list, so that every look has something to write.
    let round = Arc::new(AtomicUsize::new(1));
    let shared = Arc::clone(&round);
    let registry = wait(Server::start(move |seen, _| {
        if !seen.is_list() {
            return Act::Pass;
        }
        let round = shared.load(Ordering::SeqCst);
        let versions = (0..=round).map(|minor| format!("1.{minor}.0"));
        let builds = (0..200 + seen.before).map(|number| format!("main-{:08x}", number * 40_503));
        let names: Vec<String> = versions.chain(builds).collect();
        say(200, &[], serde_json::json!({"tags": names}).to_string())
    }));
    let scene = scene(&files(&registry, REPOSITORIES));
    let args = scene.args(&["--registry-poll-interval", "1s", "--log-level", "warn"]);
    for kill in 1..=KILLS {
        let asked = registry.log().len();
        let daemon = Daemon::start(&mut landwaiter(scene.home(), &args));
        // What was learnt is written as soon as the last answer is there.
        let is_asked = || (registry.log().len() >= asked + REPOSITORIES).then_some(());
        wait_until("every list", is_asked, || daemon.log());
        // Any moment of the writing: what is tested is that none of them matters.
        std::thread::sleep(Duration::from_micros(fastrand::u64(..60_000)));
        daemon.signal("KILL");
        let log = daemon.log();
        assert!(!log.contains("cannot be") && !log.contains("set aside"), "kill {kill}: {log}");
        round.store(kill + 1, Ordering::SeqCst);
    }
    let ran = scene.once(&[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(!ran.stderr.contains("WARN"), "{}", ran.stderr);
    assert_eq!(stores(&scene), ["registry.redb"], "nothing was set aside, and nothing is left over");
    for number in [0, REPOSITORIES - 1] {
        let newest = format!("app-{number}:1.{}.0", KILLS + 1);
        assert!(scene.file(&format!("app-{number}.yaml")).contains(&newest), "{newest}");
    }
    scene.is_sound();
}

#[test]
fn a_store_that_was_lost_changes_no_decision() {
    let tags = Arc::new(Mutex::new("1.0.0 1.1.0"));
    let registry = scripted(&tags);
    let image = |tag: &str| format!("{}/app:{tag}", registry.address);
    let back = [SEMVER[0], SEMVER[1], "landwaiter/allow-downgrade: \"true\""];
    let scene = Scene::new(&[
        ("a.yaml", &deployment("newest", &SEMVER, &image("1.1.0"))),
        ("b.yaml", &deployment("back", &back, &image("1.1.0"))),
        ("c.yaml", &deployment("ahead", &back, &image("1.7.0"))),
        (
            "d.yaml",
            &deployment("none", &["landwaiter/automated: \"true\"", "landwaiter/tag-glob: \"x-*\""], &image("y")),
        ),
    ]);
    let open = || reconciler(&scene, Duration::from_mins(1), None);
    // A tag that stands in Git and is nowhere else: on the first day too, nothing goes back at once.
    let settled = ["newest up-to-date", "back up-to-date", "ahead unconfirmed", "none no-match"];
    let first = open();
    for at in [0, 2, 4] {
        assert_eq!(verdicts(&pass(&first, minute(at)).plan), settled, "minute {at}");
    }
    wait(first.close(minute(4)));
    drop(first);
    let second = open();
    let report = pass(&second, minute(6));
    assert!(matches!(report.outcome, Outcome::Pushed { .. }), "{report:?}");
    assert!(scene.file("c.yaml").contains("app:1.1.0"), "what stays missing is missing");
    drop(second);

    fs::remove_file(scene.home().join("data/registry.redb")).unwrap();
    let commits = scene.commits();
    let settled = ["newest up-to-date", "back up-to-date", "ahead up-to-date", "none no-match"];
    let third = open();
    assert_eq!(verdicts(&pass(&third, minute(20)).plan), settled);
    drop(third);
    // Without the store, and from a replica that has not got everything.
    fs::remove_file(scene.home().join("data/registry.redb")).unwrap();
    *tags.lock().unwrap() = "1.0.0";
    let fourth = open();
    let report = pass(&fourth, minute(30));
    assert_eq!(verdicts(&report.plan), ["newest only-older", "back unconfirmed", "ahead unconfirmed", "none no-match"]);
    *tags.lock().unwrap() = "1.0.0 1.1.0";
    for at in [32, 34, 36, 40] {
        assert_eq!(verdicts(&pass(&fourth, minute(at)).plan), settled, "minute {at}");
    }
    assert_eq!(scene.commits(), commits);
}

#[test]
fn a_cold_start_is_one_commit_however_long_the_registry_takes() {
    let registry =
        wait(Server::start(|seen, _| if seen.is_list() { Act::Wait(Duration::from_millis(100)) } else { Act::Pass }));
    let files = files(&registry, 120);
    for number in 0..120 {
        registry.fill(&format!("team/app-{number}"), &["1.0.0", "1.1.0"]);
    }
    let scene = scene(&files);
    // Eight at a time take one and a half seconds: longer than a pass that knows something would wait.
    let patience = Patience {
        registry: Duration::from_secs(1),
        whole: Duration::from_millis(300),
        first: Duration::from_secs(20),
    };
    let reconciler = reconciler(&scene, Duration::from_mins(10), Some(patience));
    let report = pass(&reconciler, minute(0));
    assert!(matches!(report.outcome, Outcome::Pushed { .. }), "{report:?}");
    assert_eq!((report.scans.asked, report.plan.changes.len(), scene.commits()), (0, 120, 2));
}

#[test]
fn a_full_disk_is_one_warning() {
    let registry = wait(Server::good());
    registry.fill("app", &["1.0.0", "1.1.0"]);
    let scene = Scene::new(&[("a.yaml", &deployment("app", &SEMVER, &format!("{}/app:1.0.0", registry.address)))]);
    // No file grows beyond 256 blocks, which is enough for Git and not for the store.
    let full = |scene: &Scene| {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "trap '' XFSZ; ulimit -f 256; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_landwaiter")]);
        command.args(scene.args(&["--registry-poll-interval", "1s", "--git-poll-interval", "1s"]));
        command.env_clear().env("HOME", scene.home()).env("PATH", "").current_dir(scene.home());
        command
    };
    let warning = "what is known of the registries cannot be kept in";
    let told = |log: &str| log.matches(warning).count();
    let mut daemon = Daemon::start(&mut full(&scene));
    daemon.wait_for_log("pushed");
    assert!(scene.file("a.yaml").contains("app:1.1.0"));
    registry.fill("app", &["1.0.0", "1.1.0", "1.2.0"]);
    wait_until("the next update", || scene.file("a.yaml").contains("app:1.2.0").then_some(()), || daemon.log());
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
    assert_eq!(told(&daemon.log()), 1, "{}", daemon.log());

    // There is room again.
    let ran = scene.once(&[]);
    assert_eq!((ran.code, told(&ran.stderr)), (0, 0), "{ran:?}");
    assert_eq!(stores(&scene), ["registry.redb"]);
}

#[test]
fn a_store_that_cannot_be_written_or_read_is_one_warning_and_no_obstacle() {
    let registry = wait(Server::good());
    registry.fill("app", &["1.0.0", "1.1.0"]);
    let image = format!("{}/app:1.0.0", registry.address);
    let warning = "what is known of the registries cannot be kept in";
    // Something stands in the way that is no file.
    let scene = Scene::new(&[("a.yaml", &deployment("app", &SEMVER, &image))]);
    fs::create_dir_all(scene.home().join("data/registry.redb/folder")).unwrap();
    let ran = scene.passes();
    assert_eq!(ran.stderr.matches(warning).count(), 1, "{}", ran.stderr);
    assert!(scene.file("a.yaml").contains("app:1.1.0"));
    // Something that is no store.
    let scene = Scene::new(&[("a.yaml", &deployment("app", &SEMVER, &image))]);
    fs::create_dir_all(scene.home().join("data")).unwrap();
    fs::write(scene.home().join("data/registry.redb"), "{\"tags\": []}").unwrap();
    let ran = scene.passes();
    assert_eq!(ran.stderr.matches("it was set aside as").count(), 1, "{}", ran.stderr);
    assert!(scene.file("a.yaml").contains("app:1.1.0"));
    let [store, aside] = &stores(&scene)[..] else { panic!("{:?}", stores(&scene)) };
    assert!(store == "registry.redb" && aside.starts_with("registry.redb.bad-"));
    assert_eq!(scene.passes().stderr.matches("set aside").count(), 0);
}

#[test]
fn a_second_daemon_with_the_same_folder_is_told_so() {
    let registry = wait(Server::good());
    registry.fill("app", &["1.0.0"]);
    let scene = Scene::new(&[("a.yaml", &deployment("app", &SEMVER, &format!("{}/app:1.0.0", registry.address)))]);
    let daemon = Daemon::start(&mut landwaiter(scene.home(), scene.args(&["--log-level", "debug"])));
    daemon.wait_for_log("nothing to do");
    let local = scene.repo.bare.display().to_string();
    let ran = run(&mut landwaiter(scene.home(), ["run", "--git-url", &local, "--data-dir", "data", "--once"]));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stderr.contains("give each daemon a data directory of its own"), "{ran:?}");
}

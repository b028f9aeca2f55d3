//! One branch, four people who push all the time, and a daemon whose tags change all the time: nothing is
//! lost, nothing is done twice, and history stays a line.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use super::{SEMVER, Scene, deployment, wait};
use crate::binary::{Daemon, landwaiter, wait_until};
use crate::git_server::git;
use crate::registry_server::{Act, Server, say};

const WRITERS: usize = 4;
const COMMITS: usize = 50;

/// The manifest, with a line for each writer far enough from the others that Git merges them.
fn manifest(host: &str) -> String {
    let text = deployment("app", &SEMVER, &format!("{host}/app:1.0.0"));
    let line = |writer| format!("# one\n# two\n# three\n# writer {writer}: 0\n");
    (0..WRITERS).map(line).collect::<Vec<_>>().concat() + "# one\n# two\n# three\n" + &text
}

/// One `git` command of a writer; whether it went well.
fn may_fail(dir: &Path, args: &[&str]) -> bool {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "gc.auto=0"]).args(args);
    command.current_dir(dir).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_TERMINAL_PROMPT", "0");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
}

/// Counts its line up, commits each step, and pushes until it is taken.
fn write(clone: &Path, writer: usize) {
    let own = clone.join(format!("writer-{writer}.txt"));
    for step in 1..=COMMITS {
        let file = clone.join("app.yaml");
        let text = std::fs::read_to_string(&file).unwrap();
        let (before, after) = (format!("# writer {writer}: {}\n", step - 1), format!("# writer {writer}: {step}\n"));
        assert!(text.contains(&before), "writer {writer} lost step {step}:\n{text}");
        std::fs::write(&file, text.replace(&before, &after)).unwrap();
        let log = std::fs::read_to_string(&own).unwrap_or_default();
        std::fs::write(&own, format!("{log}{step}\n")).unwrap();
        assert!(
            may_fail(clone, &["add", "-A"]) && may_fail(clone, &["commit", "-q", "-m", &format!("{writer}: {step}")])
        );
        let taken = (0..500).any(|_| {
            may_fail(clone, &["push", "-q", "origin", "HEAD:main"]) || {
                assert!(
                    may_fail(clone, &["pull", "-q", "--rebase", "origin", "main"]),
                    "writer {writer} has a conflict"
                );
                false
            }
        });
        assert!(taken, "writer {writer} was never let in");
    }
}

#[test]
fn four_writers_and_a_daemon_on_one_branch_lose_nothing() {
    // While they write, each list has one tag more than the one before.
    let newest = Arc::new(Mutex::new((0, true)));
    let shared = Arc::clone(&newest);
    let registry = wait(Server::start(move |seen, _| {
        if !seen.is_list() {
            return Act::Pass;
        }
        let mut newest = shared.lock().unwrap();
        newest.0 += usize::from(newest.1);
        let tags: Vec<_> = (0..=newest.0).map(|minor| format!("1.{minor}.0")).collect();
        say(200, &[], serde_json::json!({"tags": tags}).to_string())
    }));
    let host = registry.address.to_string();
    let scene = Scene::new(&[("app.yaml", &manifest(&host))]);
    let url = scene.server.url("config.git");
    let clones: Vec<PathBuf> = (0..WRITERS).map(|writer| scene.home().join(format!("clone-{writer}"))).collect();
    for clone in &clones {
        git(scene.home(), &["clone", "-q", &url, clone.to_str().unwrap()]);
    }
    let args = scene.args(&["--registry-poll-interval", "1s", "--git-poll-interval", "1s"]);
    let mut daemon = Daemon::start(&mut landwaiter(scene.home(), &args));
    thread::scope(|scope| {
        for (writer, clone) in clones.iter().enumerate() {
            scope.spawn(move || write(clone, writer));
        }
    });
    let last = {
        let mut newest = newest.lock().unwrap();
        newest.1 = false;
        newest.0
    };
    let image = format!("{host}/app:1.{last}.0");
    wait_until("the last tag", || scene.file("app.yaml").contains(&image).then_some(()), || daemon.log());
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));

    scene.is_sound();
    let mut expected = manifest(&host).replace("app:1.0.0", &format!("app:1.{last}.0"));
    for writer in 0..WRITERS {
        expected = expected.replace(&format!("# writer {writer}: 0"), &format!("# writer {writer}: {COMMITS}"));
        let steps: Vec<_> = (1..=COMMITS).map(|step| step.to_string()).collect();
        assert_eq!(scene.file(&format!("writer-{writer}.txt")), steps.join("\n"), "writer {writer}");
    }
    assert_eq!(scene.file("app.yaml") + "\n", expected);

    let log = git(&scene.repo.bare, &["log", "--reverse", "--format=%P|%an|%s", "main"]);
    assert!(log.lines().skip(1).all(|line| line.split('|').next().unwrap().split(' ').count() == 1), "no merges");
    for writer in 0..WRITERS {
        let prefix = format!("|{writer}: ");
        assert_eq!(log.lines().filter(|line| line.contains(&prefix)).count(), COMMITS, "each commit once");
    }
    // What the daemon did is a chain: each update begins where the one before ended, and goes up.
    let updates =
        git(&scene.repo.bare, &["log", "--reverse", "--format=%(trailers:key=Landwaiter-Update,valueonly)", "main"]);
    let minor = |tag: &str| tag.split('.').nth(1).unwrap().parse::<usize>().unwrap();
    let mut at = 0;
    let mut count = 0;
    for update in updates.lines().filter(|line| !line.is_empty()) {
        let words: Vec<_> = update.split(' ').collect();
        assert_eq!(minor(words[3]), at, "{update}");
        assert!(minor(words[4]) > at, "{update}");
        (at, count) = (minor(words[4]), count + 1);
    }
    assert_eq!(at, last);
    assert_eq!(log.lines().filter(|line| line.contains("|Landwaiter|")).count(), count, "one commit for each");
    assert!(count > 1, "the daemon got its turns:\n{}", daemon.log());
}

//! Several config repositories in one process: each for itself, registries asked once, the file changed while it
//! runs; and tags that land together.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{SEMVER, deployment, wait};
use crate::binary::{Daemon, landwaiter, run, wait_until};
use crate::git_server::{Fault, GitServer, Repo, git};
use crate::registry_server::{Act, Server, say};
use tempfile::TempDir;

const INTERVALS: [&str; 4] = ["--git-poll-interval", "1s", "--registry-poll-interval", "1s"];

/// Repositories by their names behind one server, and a home for the binary.
struct Fleet {
    root: TempDir,
    repos: Vec<Repo>,
    server: GitServer,
}

impl Fleet {
    /// One repository for each name, each with one workload of this image.
    fn new(names: &[&str], image: &str) -> Self {
        let root = TempDir::new().unwrap();
        let text = deployment("app", &SEMVER, image);
        let repo = |name: &&str| Repo::with(root.path(), &format!("{name}.git"), &[("apps/a.yaml", &text)]);
        let repos = names.iter().map(repo).collect();
        let server = GitServer::start(root.path());
        Self { root, repos, server }
    }

    fn configure(&self, text: &str) {
        let next = self.root.path().join("next");
        fs::write(&next, text).unwrap();
        fs::rename(next, self.root.path().join("landwaiter.yaml")).unwrap();
    }

    fn start(&self) -> Daemon {
        Daemon::start(&mut landwaiter(self.root.path(), args(&INTERVALS)))
    }

    #[track_caller]
    fn wait_for_commits(&self, number: usize, repo: usize, daemon: &Daemon) {
        let there = || (commits(&self.repos[repo].bare) >= number).then_some(());
        wait_until(&format!("{number} commits in repository {repo}"), there, || daemon.log());
    }
}

fn args<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["run", "--config", "landwaiter.yaml", "--data-dir", "data"], more].concat()
}

fn commits(bare: &Path) -> usize {
    git(bare, &["rev-list", "--count", "main"]).parse().unwrap()
}

#[test]
fn a_dead_repository_delays_no_other_and_a_shared_image_is_asked_for_once() {
    let registry = wait(Server::good());
    registry.fill("app", &["1.0.0"]);
    let fleet = Fleet::new(&["one", "two", "dead"], &format!("{}/app:1.0.0", registry.address));
    // This one takes every connection and never answers.
    let silent = GitServer::start(fleet.root.path());
    silent.on(|_| Some(Fault::Stall));
    let (one, two, dead) = (fleet.server.url("one.git"), fleet.server.url("two.git"), silent.url("dead.git"));
    fleet.configure(&format!(
        "repositories:\n- url: {one}\n  author: {{name: One, email: one@example.com}}\n- url: {two}\n  name: second\n- url: {dead}\n"
    ));
    let daemon = fleet.start();
    let lists = || registry.count("/v2/app/tags/list");
    wait_until("the first list", || (lists() >= 1).then_some(()), || daemon.log());
    registry.fill("app", &["1.0.0", "1.1.0"]);
    fleet.wait_for_commits(2, 0, &daemon);
    fleet.wait_for_commits(2, 1, &daemon);
    let author = |repo: usize| git(&fleet.repos[repo].bare, &["log", "-1", "--format=%an", "main"]);
    assert_eq!((author(0).as_str(), author(1).as_str()), ("One", "Landwaiter"));
    // Both wait for the same answers: about one list for each second, not two.
    let (before, since) = (lists(), std::time::Instant::now());
    wait_until("more lists", || (lists() >= before + 4).then_some(()), || daemon.log());
    let (asked, seconds) = (lists() - before, since.elapsed().as_secs());
    assert!(asked as u64 <= seconds + 3, "{asked} lists in {seconds} s");
    let log = daemon.log();
    for words in ["pass{repository=\"one\" id=", "pass{repository=\"second\" id="] {
        assert!(log.contains(words), "{words:?} is missing in {log}");
    }
}

#[test]
fn branches_and_parts_of_one_repository_are_followed_each_in_its_own_way() {
    let registry = wait(Server::good());
    registry.fill("app", &["1.0.0", "1.1.0"]);
    let image = format!("{}/app:1.0.0", registry.address);
    let text = deployment("app", &SEMVER, &image);
    let fleet = Fleet::new(&["config"], &image);
    let repo = &fleet.repos[0];
    repo.push(&[("apps/legacy/b.yaml", &text), ("infra/c.yaml", &text)], "more");
    git(&repo.work, &["push", "-q", "origin", "HEAD:refs/heads/staging"]);
    fs::create_dir(fleet.root.path().join("policies")).unwrap();
    fs::write(
        fleet.root.path().join("policies/ours.yaml"),
        "name: ours\nfor: ours\npattern: glob:9*\norder: numeric\nexamples:\n- tags: [\"91\"]\n  expect: \"91\"\n",
    )
    .unwrap();
    fs::write(fleet.root.path().join("message.txt"), "{{ updates | length }} new in {{ repository }}").unwrap();
    let url = fleet.server.url("config.git");
    fleet.configure(&format!(
        "repositories:\n- url: {url}\n  branch: main\n  paths: [apps]\n  excludes: ['**/legacy']\n  policies: policies\n  \
         commit: {{template: message.txt, skip-ci: true}}\n- url: {url}\n  name: staging\n  branch: staging\n  paths: [infra]\n"
    ));
    let ran = run(&mut landwaiter(fleet.root.path(), args(&["--once"])));
    assert_eq!(ran.code, 0, "{ran:?}");
    let changed = |branch: &str| git(&repo.bare, &["show", "--format=", "--name-only", branch]);
    assert_eq!((changed("main").as_str(), changed("staging").as_str()), ("apps/a.yaml", "infra/c.yaml"));
    let subject = |branch: &str| git(&repo.bare, &["log", "-1", "--format=%s", branch]);
    assert_eq!(subject("main"), "1 new in config [skip ci]");
    assert_eq!(subject("staging"), "Update app to 1.1.0");
    // A broken policy is told with its own place, and nothing is done.
    fs::write(fleet.root.path().join("policies/ours.yaml"), "for: ours\npatern: 9.*\n").unwrap();
    let ran = run(&mut landwaiter(fleet.root.path(), args(&["--once"])));
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("policies/ours.yaml:2:1: "), "{ran:?}");
}

#[test]
fn the_file_is_read_again_when_it_changes_and_the_last_good_one_stays() {
    let registry = wait(Server::good());
    registry.fill("app", &["1.0.0", "1.1.0"]);
    let fleet = Fleet::new(&["one", "two"], &format!("{}/app:1.0.0", registry.address));
    let entry = |name: &str| format!("- url: {}\n", fleet.server.url(&format!("{name}.git")));
    fleet.configure(&format!("repositories:\n{}", entry("one")));
    let mut daemon = fleet.start();
    fleet.wait_for_commits(2, 0, &daemon);
    assert_eq!(commits(&fleet.repos[1].bare), 1);

    fleet.configure(&format!("repositories:\n{}- nothing\n", entry("one")));
    daemon.wait_for_log("landwaiter.yaml:3:3: expected a mapping; the last good configuration is still in use");
    registry.fill("app", &["1.0.0", "1.1.0", "1.2.0"]);
    fleet.wait_for_commits(3, 0, &daemon);

    fleet.configure(&format!("repositories:\n{}{}", entry("one"), entry("two")));
    fleet.wait_for_commits(2, 1, &daemon);
    assert_eq!(daemon.log().matches("following repository=\"one\"").count(), 1, "it goes on undisturbed");

    // Other settings for registries: all of it begins anew, with what is known of them.
    fleet.configure(&format!(
        "repositories:\n{}registries:\n- prefix: {}\n  rate: 40\n",
        entry("two"),
        registry.address
    ));
    daemon.wait_for_log("no longer followed as it was: the configuration has changed repository=\"one\"");
    wait_until(
        "the second one anew",
        || (daemon.log().matches("following repository=\"two\"").count() == 2).then_some(()),
        || daemon.log(),
    );
    registry.fill("app", &["1.0.0", "1.1.0", "1.2.0", "1.3.0"]);
    fleet.wait_for_commits(3, 1, &daemon);
    assert_eq!(commits(&fleet.repos[0].bare), 3, "nobody follows it any more");

    daemon.signal("HUP");
    daemon.wait_for_log("the configuration says the same as before");
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0), "{}", daemon.log());
}

#[test]
fn what_does_not_fit_together_is_told_at_once() {
    let home = TempDir::new().unwrap();
    let told = |config: &str, args: &[&str]| {
        fs::write(home.path().join("landwaiter.yaml"), config).unwrap();
        let all = [&["run", "--once", "--config", "landwaiter.yaml", "--data-dir", "data"], args].concat();
        let ran = run(&mut landwaiter(home.path(), all));
        (ran.code, ran.stderr.trim_end().to_owned())
    };
    let usage = |text: &str| (2, format!("error: {text}"));
    let several = "repositories:\n- url: /srv/config.git\n";
    assert_eq!(
        told(several, &["--git-url", "/srv/other.git"]),
        usage("--git-url names a config repository, and so does landwaiter.yaml: keep one of the two")
    );
    assert_eq!(
        told(several, &["--git-branch", "main"]),
        usage("--git-branch is for the repository of --git-url, which is missing")
    );
    assert_eq!(
        told("trust-created: true\n", &[]),
        usage("no config repository: give --git-url, or a configuration file with `repositories`")
    );
    assert_eq!(
        told(
            "repositories:\n- url: https://git.example.com/c.git\n  credentials: {environment: {password: GIT_TOKEN}}\n  \
             policies: nowhere\n",
            &[]
        ),
        (
            1,
            "error: landwaiter.yaml:3:16: $GIT_TOKEN is not set\nlandwaiter.yaml:4:13: nowhere cannot be read: \
             No such file or directory (os error 2)"
                .to_owned()
        )
    );
}

#[test]
fn tags_that_land_together_are_one_commit() {
    // The second image is released only once the first one has been seen.
    static RELEASED: AtomicBool = AtomicBool::new(false);
    static SEEN: AtomicBool = AtomicBool::new(false);
    let registry = wait(Server::start(|seen, _| {
        let is_new = match seen.path.as_str() {
            "/v2/first/tags/list" => {
                let is_new = RELEASED.load(Ordering::SeqCst);
                SEEN.fetch_or(is_new, Ordering::SeqCst);
                is_new
            }
            "/v2/second/tags/list" => SEEN.load(Ordering::SeqCst),
            _ => return Act::Pass,
        };
        let tags = if is_new { vec!["1.0.0", "1.1.0"] } else { vec!["1.0.0"] };
        say(200, &[], serde_json::json!({"tags": tags}).to_string())
    }));
    let host = registry.address;
    let scene = super::Scene::new(&[
        ("a.yaml", &deployment("first", &SEMVER, &format!("{host}/first:1.0.0"))),
        ("b.yaml", &deployment("second", &SEMVER, &format!("{host}/second:1.0.0"))),
    ]);
    let args = [&INTERVALS[..], &["--settle", "4s", "--log-level", "debug"]].concat();
    let daemon = Daemon::start(&mut landwaiter(scene.home(), scene.args(&args)));
    daemon.wait_for_log("nothing to do");
    RELEASED.store(true, Ordering::SeqCst);
    wait_until("the commit", || (scene.commits() == 2).then_some(()), || daemon.log());
    assert_eq!(git(&scene.repo.bare, &["log", "-1", "--format=%s", "main"]), "Update 2 images in 2 workloads");
}

//! The main job, end to end: the real binary between real registries and real Git.

use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::binary::{Daemon, Ran, landwaiter, run, wait_until};
use crate::git_server::{GitServer, Repo, git};
use crate::registry_server::{Act, DockerRegistry, Pusher, Server, say};

/// Where the registries run; the Git server has a thread of its own.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

fn wait<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.block_on(future)
}

/// A config repository on a Git server, with a home for the binary.
struct Scene {
    root: TempDir,
    repo: Repo,
    server: GitServer,
}

impl Scene {
    fn new(files: &[(&str, &str)]) -> Self {
        let root = TempDir::new().unwrap();
        let repo = Repo::with(root.path(), "config.git", files);
        let server = GitServer::start(root.path());
        Self { root, repo, server }
    }

    fn home(&self) -> &Path {
        self.root.path()
    }

    fn args(&self, more: &[&str]) -> Vec<String> {
        let (url, data) = (self.server.url("config.git"), self.home().join("data").display().to_string());
        let fixed = ["run".to_owned(), "--git-url".to_owned(), url, "--data-dir".to_owned(), data];
        fixed.into_iter().chain(more.iter().map(|arg| (*arg).to_owned())).collect()
    }

    /// One pass over HTTP.
    #[track_caller]
    fn once(&self, more: &[&str]) -> Ran {
        run(&mut landwaiter(self.home(), self.args(&[&["--once"], more].concat())))
    }

    /// Makes one pass that must go well.
    #[track_caller]
    fn passes(&self) -> Ran {
        let ran = self.once(&[]);
        assert_eq!(ran.code, 0, "{ran:?}");
        ran
    }

    fn commits(&self) -> usize {
        git(&self.repo.bare, &["rev-list", "--count", "main"]).parse().unwrap()
    }

    fn file(&self, path: &str) -> String {
        git(&self.repo.bare, &["show", &format!("main:{path}")])
    }

    fn message(&self) -> String {
        git(&self.repo.bare, &["log", "-1", "--format=%B", "main"])
    }

    #[track_caller]
    fn is_sound(&self) {
        git(&self.repo.bare, &["fsck", "--strict", "--no-dangling"]);
    }
}

/// A Deployment of one container, all of it on lines that a diff shows well.
fn deployment(name: &str, annotations: &[&str], image: &str) -> String {
    let annotations: String = annotations.iter().flat_map(|line| ["    ", *line, "\n"]).collect();
    format!(
        "# {name}: a comment that stays\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\n  \
         namespace: shop\n  annotations:\n{annotations}spec:\n  template:\n    spec:\n      containers:\n      \
         - name: {name}\n        image:   \"{image}\"   # set by a machine\n"
    )
}

const SEMVER: [&str; 2] = ["landwaiter/automated: \"true\"", "landwaiter/tag-semver: \"1\""];

/// A user of a registry, and the same as `htpasswd -B` writes it.
const USER: &str = "bob";
const PASSWORD: &str = "hunter2";
const HTPASSWD: &str = "bob:$2y$04$Mhm.n9ejJtk/C3O0kZkVBuc0ww9.L0Eg6UTpwSQtvLqMX37i8nMgS\n";

#[test]
fn from_a_new_tag_in_a_distribution_registry_to_a_commit_on_a_git_server() {
    let registry = DockerRegistry::start(None);
    let host = registry.address;
    let pusher = Pusher::new(host, None);
    for (tag, created) in [("master-a1b2c3d", "2026-01-01T10:00:00Z"), ("dev-1234567", "2026-01-09T10:00:00Z")] {
        wait(pusher.image("shop/web", Some(tag), created));
    }
    for tag in ["1.2.9", "1.2.10", "1.3.0"] {
        wait(pusher.image("nginx", Some(tag), "2026-01-01T10:00:00Z"));
    }
    let web = deployment(
        "web",
        &["flux.weave.works/automated: \"true\"", "flux.weave.works/tag-glob: \"master-*\""],
        &format!("{host}/shop/web:master-a1b2c3d"),
    );
    let proxy = deployment(
        "proxy",
        &["fluxcd.io/automated: \"true\"", "fluxcd.io/tag.proxy: semver:~1.2"],
        &format!("{host}/nginx:1.2.9"),
    );
    let scene = Scene::new(&[("apps/web.yaml", &web), ("apps/proxy.yaml", &proxy), ("README.md", "hello\n")]);

    scene.passes();
    assert_eq!(git(&scene.repo.bare, &["log", "-1", "--format=%s", "main"]), "Update nginx to 1.2.10");
    assert_eq!(scene.file("apps/web.yaml") + "\n", web, "nothing newer of this pattern yet");

    wait(pusher.image("shop/web", Some("master-f00ba47"), "2026-01-02T10:00:00Z"));
    scene.passes();
    assert_eq!(scene.file("apps/web.yaml") + "\n", web.replace("a1b2c3d", "f00ba47"));
    let message = scene.message();
    for part in [
        "Update web to master-f00ba47\n",
        "shop/Deployment/web (apps/web.yaml:",
        "master-a1b2c3d -> master-f00ba47",
        "glob:master-*: newest of 2 matching tags",
        &format!("Landwaiter-Update: shop/Deployment/web web {host}/shop/web master-a1b2c3d master-f00ba47"),
    ] {
        assert!(message.contains(part), "{part:?} is missing in:\n{message}");
    }
    assert_eq!(
        git(&scene.repo.bare, &["log", "-1", "--format=%an <%ae>|%cn", "main"]),
        "Landwaiter <landwaiter@localhost>|Landwaiter"
    );
    let diff = git(&scene.repo.bare, &["diff", "--numstat", "main~1", "main"]);
    assert_eq!(diff, "1\t1\tapps/web.yaml");
    scene.is_sound();

    let commits = scene.commits();
    scene.passes();
    assert_eq!(scene.commits(), commits, "a pass with no change makes no commit");
}

#[test]
fn credentials_reach_both_sides_and_nobody_else() {
    let registry = DockerRegistry::start(Some(HTPASSWD));
    let pusher = Pusher::new(registry.address, Some((USER, PASSWORD)));
    for tag in ["1.0.0", "1.1.0"] {
        wait(pusher.image("app", Some(tag), "2026-01-01T10:00:00Z"));
    }
    let host = registry.address;
    let scene = Scene::new(&[("a.yaml", &deployment("app", &SEMVER, &format!("{host}/app:1.0.0")))]);
    scene.server.require("bot:s3cr3t-of-git");
    std::fs::write(scene.home().join("registry"), format!("{USER}:{PASSWORD}\n")).unwrap();
    std::fs::write(scene.home().join("git"), "bot:s3cr3t-of-git\n").unwrap();

    let refused = scene.once(&[]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("--git-credentials") || refused.stderr.contains("credential"), "{refused:?}");

    let unseen = scene.once(&["--git-credentials", "git"]);
    assert_eq!(unseen.code, 1, "{unseen:?}");
    assert!(unseen.stderr.contains("credential"), "{unseen:?}");
    assert_eq!(scene.commits(), 1);

    let pair = format!("{host}=registry");
    let ran = scene.once(&["--git-credentials", "git", "--registry-credentials", &pair, "--log-level", "trace"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(scene.file("a.yaml").contains("app:1.1.0"));
    for secret in ["s3cr3t-of-git", PASSWORD] {
        assert!(!ran.stderr.contains(secret), "a secret is in the log");
    }
    scene.is_sound();
}

#[test]
fn one_broken_registry_and_one_broken_file_do_not_stop_the_others() {
    let registry = wait(Server::start(|seen, _| match seen.path.as_str() {
        path if path.contains("/broken/") => say(500, &[], "oops"),
        path if path.contains("/half/") => say(200, &[("content-type", "text/html")], "<html>hello"),
        _ => Act::Pass,
    }));
    for path in ["good/app", "broken/app", "half/app"] {
        registry.fill(path, &["1.0.0", "1.1.0"]);
    }
    let host = registry.address;
    let app = |name: &str| deployment(name, &SEMVER, &format!("{host}/{name}/app:1.0.0"));
    let scene = Scene::new(&[
        ("a-broken.yaml", &app("broken")),
        ("b-half.yaml", &app("half")),
        ("c-nonsense.yaml", "landwaiter: [\n"),
        ("d-typo.yaml", &app("good").replace("tag-semver", "tag-smever").replace("name: good", "name: typo")),
        ("e-good.yaml", &app("good")),
    ]);
    let ran = scene.once(&[]);
    assert_eq!(ran.code, 1, "somebody should look: {ran:?}");
    assert!(scene.file("e-good.yaml").contains("app:1.1.0"));
    for (file, tag) in [("a-broken.yaml", "1.0.0"), ("b-half.yaml", "1.0.0"), ("d-typo.yaml", "1.0.0")] {
        assert!(scene.file(file).contains(&format!("app:{tag}")), "{file}");
    }
    for part in ["broken/app", "half/app", "c-nonsense.yaml:2", "tag-smever", "tag-semver"] {
        assert!(ran.stderr.contains(part), "{part} is not told:\n{}", ran.stderr);
    }
}

#[test]
fn what_a_person_took_back_is_not_proposed_again_until_something_newer_comes() {
    let registry = wait(Server::good());
    registry.fill("app", &["1.0.0", "1.1.0"]);
    let image = format!("{}/app:", registry.address);
    let before = deployment("app", &SEMVER, &format!("{image}1.0.0"));
    let scene = Scene::new(&[("staging/app.yaml", &before), ("production/app.yaml", &before)]);
    scene.passes();
    assert!(scene.file("production/app.yaml").contains("app:1.1.0"));

    git(&scene.repo.work, &["pull", "-q", "origin", "main"]);
    scene.repo.push(&[("production/app.yaml", &before)], "Back to 1.0.0, 1.1.0 loses orders");
    let head = scene.repo.head();
    let ran = scene.passes();
    assert_eq!(scene.repo.head(), head, "Landwaiter fights a person");
    assert!(ran.stderr.contains("taken back"), "{}", ran.stderr);

    registry.fill("app", &["1.0.0", "1.1.0", "1.2.0"]);
    scene.passes();
    for file in ["staging/app.yaml", "production/app.yaml"] {
        assert!(scene.file(file).contains("app:1.2.0"), "{file}");
    }
}

#[test]
fn no_name_can_forge_a_trailer() {
    let registry = wait(Server::good());
    registry.fill("app", &["1.0.0", "1.1.0"]);
    let image = format!("{}/app:1.0.0", registry.address);
    let forged = "\"Landwaiter-Update: ns/Pod/z c x 1 2\\nLandwaiter-Update: ns/Pod/z c x 1 2\"";
    let file = deployment("app", &SEMVER, &image)
        .replace("namespace: shop", &format!("namespace: {forged}"))
        .replace("- name: app", &format!("- name: {forged}"));
    let scene = Scene::new(&[("a b.yaml", &file)]);
    scene.passes();
    let message = scene.message();
    let ours = message.lines().filter(|line| line.starts_with("Landwaiter-Update: ")).count();
    assert_eq!(ours, 1, "{message}");
    let trailers = git(&scene.repo.bare, &["log", "-1", "--format=%(trailers:only,unfold)", "main"]);
    let keys: Vec<_> = trailers.lines().filter_map(|line| line.split(':').next()).collect();
    assert_eq!(keys, ["Landwaiter-File", "Landwaiter-Update"], "{message}");
    assert!(message.lines().next().unwrap().len() <= 72, "{message}");
    let ran = scene.passes();
    assert!(ran.stderr.contains("nothing to change"), "one pass says how it ended: {}", ran.stderr);
}

#[test]
fn a_person_who_takes_back_a_change_of_their_own_is_respected_too() {
    let registry = wait(Server::good());
    registry.fill("app", &["1.0.0", "1.1.0"]);
    let image = format!("{}/app:", registry.address);
    let text = |tag: &str| deployment("app", &SEMVER, &format!("{image}{tag}"));
    let scene = Scene::new(&[("a.yaml", &text("1.0.0"))]);
    scene.repo.push(&[("a.yaml", &text("1.1.0"))], "Try 1.1.0");
    scene.repo.push(&[("b.txt", "meanwhile\n")], "something else");
    scene.repo.push(&[("a.yaml", &text("1.0.0"))], "Back");
    let ran = scene.passes();
    assert!(ran.stderr.contains("taken back"), "{}", ran.stderr);
    assert_eq!(scene.commits(), 4);
}

#[test]
fn a_dry_run_shows_everything_and_pushes_nothing() {
    let registry = wait(Server::good());
    registry.fill("app", &["1.0.0", "1.1.0"]);
    let image = format!("{}/app:1.0.0", registry.address);
    let scene = Scene::new(&[("a.yaml", &deployment("app", &SEMVER, &image))]);
    let ran = scene.once(&["--dry-run"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for part in
        ["-        image:   \"", "app:1.1.0\"   # set by a machine", "Update app to 1.1.0", "Landwaiter-Update: "]
    {
        assert!(ran.stdout.contains(part), "{part:?} is missing in:\n{}", ran.stdout);
    }
    assert_eq!(scene.commits(), 1);
    let local = scene.repo.bare.display().to_string();
    let ran = run(&mut landwaiter(scene.home(), ["run", "--git-url", &local, "--dry-run", "--data-dir", "data"]));
    assert_eq!((ran.code, scene.commits()), (0, 1), "{ran:?}");
    let objects = git(&scene.repo.bare, &["count-objects"]);
    assert_eq!(objects.split(' ').next(), Some("3"), "a dry run leaves objects in the repository");
}

#[test]
fn what_the_git_side_refuses_is_said_in_plain_words() {
    let registry = wait(Server::good());
    registry.fill("app", &["1.0.0", "1.1.0"]);
    let image = format!("{}/app:1.0.0", registry.address);
    let scene = Scene::new(&[("a.yaml", &deployment("app", &SEMVER, &image))]);

    scene.repo.hook("pre-receive", "echo 'main is protected: ask the platform team'; exit 1");
    let ran = scene.once(&[]);
    assert_eq!((ran.code, scene.commits()), (1, 1));
    assert!(ran.stderr.contains("main is protected: ask the platform team"), "{ran:?}");
    std::fs::remove_file(scene.repo.bare.join("hooks/pre-receive")).unwrap();

    let ran = scene.once(&["--git-branch", "production"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("production") && ran.stderr.contains("main"), "{ran:?}");

    let ran = scene.once(&["--git-path", "clusters/none"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("clusters/none"), "{ran:?}");

    Repo::empty(scene.home(), "empty.git");
    let url = scene.server.url("empty.git");
    let ran = run(&mut landwaiter(scene.home(), ["run", "--once", "--git-url", &url, "--data-dir", "data"]));
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("no commit"), "{ran:?}");

    // The data directory is only a memory.
    scene.passes();
    assert_eq!(scene.commits(), 2);
    std::fs::remove_dir_all(scene.home().join("data")).unwrap();
    scene.passes();
    assert_eq!(scene.commits(), 2);
}

/// A limit on the size of files stands in for the full disk: every write beyond it fails.
#[test]
fn a_full_disk_is_said_and_leaves_nothing_to_repair() {
    let registry = wait(Server::good());
    registry.fill("app", &["1.0.0", "1.1.0"]);
    let image = format!("{}/app:1.0.0", registry.address);
    let noise = (0..40_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_string()).collect::<String>();
    let scene = Scene::new(&[("a.yaml", &deployment("app", &SEMVER, &image)), ("noise.txt", &noise)]);
    let full = |blocks: &str| {
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_landwaiter")]).args(scene.args(&["--once"])).env_clear();
        run(command.current_dir(scene.home()))
    };
    let ran = full("8");
    assert_eq!((ran.code, scene.commits()), (1, 1), "{ran:?}");
    let data = scene.home().join("data").display().to_string();
    assert!(ran.stderr.contains(&data) && ran.stderr.contains("File too large"), "{ran:?}");
    scene.passes();
    assert_eq!(scene.commits(), 2);
    scene.is_sound();
}

#[test]
fn only_the_named_paths_are_read_and_changed() {
    let registry = wait(Server::good());
    registry.fill("app", &["1.0.0", "1.1.0"]);
    let app = deployment(
        "app",
        &["landwaiter/automated: \"true\"", "landwaiter/policy: ours"],
        &format!("{}/app:1.0.0", registry.address),
    );
    let policy = "name: ours\nfor: Everything of the first major version.\npattern: semver:1\n\
                  examples:\n  - tags: [1.0.0, 1.1.0]\n    current: 1.0.0\n    expect: 1.1.0\n";
    let scene = Scene::new(&[("one/a.yaml", &app), ("two/a.yaml", &app), (".landwaiter/policies/ours.yaml", policy)]);
    let ran = scene.once(&["--git-path", "two"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(scene.file("one/a.yaml").contains("app:1.0.0"));
    assert!(scene.file("two/a.yaml").contains("app:1.1.0"));
}

/// In a process that finds no `git`, and whose user has set up Git in the worst way.
#[test]
fn no_program_is_run_and_no_other_configuration_is_read() {
    let registry = wait(Server::good());
    registry.fill("app", &["1.0.0", "1.1.0"]);
    let image = format!("{}/app:1.0.0", registry.address);
    let scene = Scene::new(&[("a.yaml", &deployment("app", &SEMVER, &image))]);
    scene.server.require("bot:pass");
    let (home, marker) = (scene.home().join("home"), scene.home().join("marker"));
    std::fs::create_dir_all(&home).unwrap();
    let trap = format!("touch {}", marker.display());
    let config = format!(
        "[credential]\n helper = \"!{trap}\"\n[core]\n hooksPath = {home}\n askPass = \"{trap}\"\n\
         [url \"http://127.0.0.1:1/\"]\n insteadOf = http://127.0.0.1\n[http]\n proxy = http://127.0.0.1:1\n[broken",
        home = home.display(),
    );
    std::fs::write(home.join(".gitconfig"), &config).unwrap();
    for (password, expected) in [("wrong", (1, 1)), ("pass", (0, 2))] {
        let mut command = landwaiter(scene.home(), scene.args(&["--once", "--git-username", "bot"]));
        command
            .env("LANDWAITER_GIT_PASSWORD", password)
            .env("HOME", &home)
            .env("GIT_CONFIG_SYSTEM", home.join(".gitconfig"))
            .env("GIT_DIR", &home)
            .env("GIT_OBJECT_DIRECTORY", &home)
            .env("GIT_ASKPASS", &trap);
        let ran = run(&mut command);
        assert_eq!((ran.code, scene.commits()), expected, "{ran:?}");
        assert!(!ran.stderr.contains("wrong") && (ran.code == 0 || ran.stderr.contains("GIT_PASSWORD")), "{ran:?}");
    }
    assert!(!marker.exists());
    scene.is_sound();
}

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

//! The main job, end to end: the real binary between real registries and real Git.

mod commits;
mod daemon;
mod dialects;
mod fleet;
mod history;
mod https;
mod kept;
mod keys;
mod killed;
mod listen;
mod lookout;
mod metrics;
mod names;
mod odd;
mod outage;
mod quiet;
mod race;
mod registries;
mod secrets;
mod settings;
mod several;
mod shapes;
mod soak;
mod ssh;
mod status;
mod systemd;
mod together;
mod traces;
mod trouble;

use std::path::Path;
use std::sync::LazyLock;

use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::binary::{Ran, landwaiter, run};
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

//! What commits look like, as real Git and people see them: their words, trailers, signatures, and how many there
//! are.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use landwaiter::plan::history::logged;
use landwaiter::plan::{CommitOptions, Occasion, Template, previews};

use super::{SEMVER, Scene, deployment, wait};
use crate::binary::{landwaiter, run};
use crate::git_server::git;
use crate::registry_server::Server;
use crate::ssh_server::key;

/// Two applications in three files, each of which has an update.
fn scene() -> (Server, Scene) {
    let registry = wait(Server::good());
    for path in ["shop/web", "shop/api"] {
        registry.fill(path, &["1.0.0", "1.1.0"]);
    }
    let app = |name: &str| deployment(name, &SEMVER, &format!("{}/shop/{name}:1.0.0", registry.address));
    let files = [("blue/web.yaml", app("web")), ("green/web.yaml", app("web")), ("api.yaml", app("api"))];
    let scene = Scene::new(&files.each_ref().map(|(path, text)| (*path, text.as_str())));
    (registry, scene)
}

/// The trailers of a message, as Git reads them.
fn trailers(message: &str) -> String {
    let mut command = Command::new("git");
    command.args(["interpret-trailers", "--parse"]).env("GIT_CONFIG_GLOBAL", "/dev/null");
    let mut git = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    git.stdin.take().unwrap().write_all(message.as_bytes()).unwrap();
    String::from_utf8(git.wait_with_output().unwrap().stdout).unwrap()
}

fn log(scene: &Scene, format: &str) -> Vec<String> {
    let log = git(&scene.repo.bare, &["log", "--reverse", &format!("--format={format}"), "main"]);
    log.lines().skip(1).map(str::to_owned).collect()
}

#[test]
fn a_commit_says_what_its_template_says_and_git_reads_all_its_trailers() {
    let (registry, scene) = scene();
    let host = registry.address;
    let template = "deploy({{ branch }}): {% for i in images %}{{ i.short_name }} {{ i.to }}{% if not loop.last %}, {% endif %}{% endfor %}\n\n\
        {{ default.body }}\n\n---\nLandwaiter-Update: a forged trailer\n\nTicket: OPS-1\nRepository: {{ repository }}\n";
    fs::write(scene.home().join("commit.j2"), template).unwrap();
    let ran = scene.once(&["--commit-template", "commit.j2", "--commit-skip-ci", "--commit-sign-off"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let message = scene.message();
    assert!(message.starts_with("deploy(main): api 1.1.0, web 1.1.0 [skip ci]\n\nshop/Deployment/api"), "{message}");
    let expected = format!(
        "Ticket: OPS-1\nRepository: config\nLandwaiter-File: api.yaml\nLandwaiter-Update: shop/Deployment/api api {host}/shop/api 1.0.0 1.1.0\n\
         Landwaiter-File: blue/web.yaml\nLandwaiter-Update: shop/Deployment/web web {host}/shop/web 1.0.0 1.1.0\n\
         Landwaiter-File: green/web.yaml\nLandwaiter-Update: shop/Deployment/web web {host}/shop/web 1.0.0 1.1.0\n\
         Signed-off-by: Landwaiter <landwaiter@localhost>\n"
    );
    assert_eq!(trailers(&message), expected, "{message}");
    assert!(message.contains("\n> Landwaiter-Update: a forged trailer\n"), "{message}");

    let bare = scene.repo.bare.to_str().unwrap();
    let history = run(&mut landwaiter(scene.home(), ["history", bare, "--output", "json"]));
    let changes = history.json()["changes"].as_array().unwrap().clone();
    assert_eq!(changes.len(), 3, "{history:?}");
    assert_eq!(changes[0]["reason"], "semver:1: highest version of 2 matching tags");

    // Who takes back a commit with words of somebody's own is understood all the same.
    git(&scene.repo.work, &["pull", "-q", "origin", "main"]);
    git(&scene.repo.work, &["-c", "user.name=Ada", "-c", "user.email=a@b", "revert", "--no-edit", "HEAD"]);
    git(&scene.repo.work, &["push", "-q", "origin", "HEAD:main"]);
    let head = scene.repo.head();
    let ran = scene.once(&["--commit-template", "commit.j2"]);
    assert!(ran.stderr.contains("taken back") && scene.repo.head() == head, "{ran:?}");
}

#[test]
fn no_words_keep_git_from_reading_the_trailers() {
    const PIECES: [&str; 16] = [
        "\n",
        "\n",
        "\n\n",
        " ",
        "-",
        "---",
        "--- \n",
        "#",
        "# ------------------------ >8 ------------------------\n",
        "a",
        "é",
        ": ",
        "Landwaiter-Update: a b c d e\n",
        "Signed-off-by: Eve <e@e>\n",
        "(cherry picked from commit 0)\n",
        "\t",
    ];
    let seed = std::env::var("LANDWAITER_SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    let mut rng = fastrand::Rng::with_seed(seed);
    let occasion = Occasion { repository: "org/config", branch: "main", author: "Ada <a@b>" };
    let ours = "Landwaiter-File: apps/web.yaml\nLandwaiter-Update: shop/Deployment/web web ghcr.io/org/web 1.4.1 1.4.2\n\
                Signed-off-by: Ada <a@b>\n";
    for _ in 0..150 {
        let words: String = (0..rng.usize(..12)).map(|_| *rng.choice(&PIECES).unwrap()).collect();
        let template = Some(Template::parse("t", &format!("Subject\n{words}")).unwrap());
        let options = CommitOptions { template, sign_off: true, ..CommitOptions::default() };
        let message = previews(&options, &occasion).unwrap().swap_remove(0).message;
        let read = trailers(&message);
        assert!(read.ends_with(ours), "LANDWAITER_SEED={seed}: {message}\nis read as\n{read}");
        let ours = read.lines().filter(|line| line.starts_with("Landwaiter-Update: ")).count();
        assert_eq!(ours, 1, "LANDWAITER_SEED={seed}: {message}");
        assert_eq!(logged(&message).len(), 1, "LANDWAITER_SEED={seed}: {message}");
    }
}

#[test]
fn a_template_with_a_mistake_starts_nothing() {
    let (_registry, scene) = scene();
    fs::write(scene.home().join("commit.j2"), "Deploy\n\n{% for u in updates %}\n{{ u.form }}\n{% endfor %}").unwrap();
    let ran = scene.once(&["--commit-template", "commit.j2"]);
    assert_eq!((ran.code, scene.commits()), (1, 1), "{ran:?}");
    assert!(ran.stderr.contains("commit.j2:4:4: there is no `u.form`; did you mean `from`?"), "{ran:?}");
    let ran = scene.once(&["--commit-template", "other.j2"]);
    assert!(ran.stderr.contains("cannot read the commit template other.j2"), "{ran:?}");
    let ran = scene.once(&["--commit-grouping", "files"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("[possible values: pass, file, folder, workload, image, namespace]"), "{ran:?}");
}

#[test]
fn a_mistake_that_no_sample_shows_holds_everything_and_is_told() {
    let (_registry, scene) = scene();
    let template = "Deploy\n{% if updates|length == 3 %}{{ updates[0].frm }}{% endif %}";
    fs::write(scene.home().join("commit.j2"), template).unwrap();
    let ran = scene.once(&["--commit-template", "commit.j2"]);
    assert_eq!((ran.code, scene.commits()), (1, 1), "{ran:?}");
    let told = "the commit template cannot be used, and nothing is committed: commit.j2:2:39: there is no \
                `updates[0].frm`; did you mean `from`?";
    assert!(ran.stderr.contains(told), "{ran:?}");
    let ran = scene.once(&["--commit-template", "commit.j2", "--commit-grouping", "file"]);
    assert_eq!((ran.code, scene.commits()), (0, 4), "{ran:?}");
}

#[test]
fn groups_are_commits_of_their_own_signed_each_and_pushed_at_once() {
    let (_registry, scene) = scene();
    let secret = scene.home().join("key");
    key(&secret, "ed25519", "");
    let public = fs::read_to_string(secret.with_extension("pub")).unwrap();
    let signers = scene.home().join("signers");
    fs::write(&signers, format!("bot@example.com {public}")).unwrap();
    let pushes = scene.home().join("pushes");
    scene.repo.hook("post-receive", &format!("cat >> '{}'", pushes.display()));

    let key = secret.to_str().unwrap();
    let by_folder = ["--commit-grouping", "folder", "--git-signing-key", key, "--git-email", "bot@example.com"];
    let dry = scene.once(&[&by_folder[..], &["--dry-run"]].concat());
    assert!(dry.stdout.contains("The commit 3 of 3 on main would say:"), "{dry:?}");
    let ran = scene.once(&by_folder);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.stderr.matches(" pushed ").count(), 3, "{ran:?}");
    assert_eq!(log(&scene, "%s"), ["Update api to 1.1.0", "Update web to 1.1.0", "Update web to 1.1.0"]);
    let files = git(&scene.repo.bare, &["log", "--reverse", "--format=", "--name-only", "main"]);
    let files: Vec<_> = files.lines().filter(|line| !line.is_empty()).skip(3).collect();
    assert_eq!(files, ["api.yaml", "blue/web.yaml", "green/web.yaml"]);
    for commit in log(&scene, "%H") {
        is_signed(&scene, &commit, &signers);
        assert_eq!(log(&scene, "%P").len(), 3, "{commit}");
    }
    assert_eq!(fs::read_to_string(&pushes).unwrap().lines().count(), 1, "one push");
    scene.is_sound();
    assert!(scene.passes().stderr.contains("nothing to change"));
}

#[track_caller]
fn is_signed(scene: &Scene, commit: &str, signers: &Path) {
    let config = format!("gpg.ssh.allowedSignersFile={}", signers.display());
    git(&scene.repo.bare, &["-c", &config, "verify-commit", commit]);
}

#[test]
fn of_several_commits_all_are_taken_or_none() {
    let (_registry, scene) = scene();
    // The hook sees the last of them only by looking.
    let script = "while read old new ref; do git diff --name-only $old $new | grep -q green && exit 1; done; exit 0";
    scene.repo.hook("pre-receive", script);
    let ran = scene.once(&["--commit-grouping", "file"]);
    assert_eq!((ran.code, scene.commits()), (1, 1), "{ran:?}");
    assert!(ran.stderr.contains("the remote refused the push"), "{ran:?}");
    scene.repo.hook("pre-receive", "exit 0");
    let ran = scene.once(&["--commit-grouping", "file"]);
    assert_eq!((ran.code, scene.commits()), (0, 4), "{ran:?}");
    scene.is_sound();

    // Without a server it is the same.
    let (_registry, scene) = self::scene();
    let bare = scene.repo.bare.to_str().unwrap();
    let args = ["run", "--once", "--git-url", bare, "--data-dir", "data", "--commit-grouping", "image"];
    let ran = run(&mut landwaiter(scene.home(), args));
    assert_eq!(
        (ran.code, log(&scene, "%s")),
        (0, vec!["Update api to 1.1.0".to_owned(), "Update web to 1.1.0".to_owned()]),
        "{ran:?}"
    );
    scene.is_sound();
}

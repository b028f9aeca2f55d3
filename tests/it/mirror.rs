//! The config repository through our eyes and through Git's: what we fetch is what Git has, and what
//! we push is what Git would have pushed.

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use landwaiter::git::{
    CommitId, Credential, Error, Identity, Mirror, Options, PushOutcome, RemoteUrl, Snapshot, WhySkipped,
};
use landwaiter::path::RepoPath;
use landwaiter::secret::Secret;
use tempfile::TempDir;

use super::git_server::{Fault, GitServer, Repo, git};

const DEPLOY: &str = "image: nginx:1.25\n";
const FILES: &[(&str, &str)] = &[
    ("README.md", "hello\n"),
    ("apps/web/deploy.yaml", DEPLOY),
    ("apps/web.yaml", "a: 1\n"),
    ("apps/api/deploy.yaml", "image: api:1\n"),
    ("other/big.yaml", "x: y\n"),
];

/// A repository, a server in front of it, and a place for the copy.
struct Scene {
    root: TempDir,
    repo: Repo,
    server: GitServer,
}

impl Scene {
    fn new(files: &[(&str, &str)]) -> Self {
        let root = tempfile::tempdir().unwrap();
        let repo = if files.is_empty() {
            Repo::empty(root.path(), "config.git")
        } else {
            Repo::with(root.path(), "config.git", files)
        };
        let server = GitServer::start(root.path());
        Self { root, repo, server }
    }

    fn data_dir(&self) -> std::path::PathBuf {
        self.root.path().join("data")
    }

    fn options(&self, url: &str) -> Options {
        Options {
            url: RemoteUrl::parse(url).unwrap(),
            branch: None,
            data_dir: self.data_dir(),
            credential: None,
            timeout: Duration::from_secs(30),
        }
    }

    fn http(&self) -> Mirror {
        Mirror::open(self.options(&self.server.url("config.git"))).unwrap()
    }

    fn local(&self) -> Mirror {
        Mirror::open(self.options(self.repo.bare.to_str().unwrap())).unwrap()
    }

    /// The one repository that our copy is in.
    fn copy(&self) -> std::path::PathBuf {
        let entries = std::fs::read_dir(self.data_dir()).unwrap();
        let mut folders: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        assert_eq!(folders.len(), 1, "{folders:?}");
        folders.remove(0).join("repo.git")
    }

    fn is_sound(&self) {
        git(&self.repo.bare, &["fsck", "--strict", "--full"]);
    }
}

fn bot() -> Identity {
    Identity::new("Landwaiter", "bot@example.com").unwrap()
}

fn now() -> Timestamp {
    "2026-05-06T07:08:09Z".parse().unwrap()
}

fn path(text: &str) -> RepoPath {
    RepoPath::parse(text).unwrap()
}

fn paths(snapshot: &Snapshot, within: &[&str]) -> Vec<String> {
    let within: Vec<RepoPath> = within.iter().map(|text| path(text)).collect();
    snapshot.files(&within).unwrap().files.iter().map(|file| file.path.to_string()).collect()
}

#[track_caller]
fn read(snapshot: &Snapshot, file: &str) -> String {
    let found = snapshot.files(&[path(file)]).unwrap();
    let mut buffer = b"left over".to_vec();
    snapshot.read(found.files[0].blob, &mut buffer).unwrap();
    String::from_utf8(buffer).unwrap()
}

#[track_caller]
fn write(mirror: &Mirror, base: &Snapshot, file: &str, text: &str) -> CommitId {
    let changes = [(path(file), text.as_bytes().to_vec())];
    mirror.commit(base, &changes, "Update it\n\nLandwaiter-Update: x", &bot(), &bot(), now()).unwrap().unwrap()
}

#[track_caller]
fn accepted(outcome: Result<PushOutcome, Error>) -> Vec<String> {
    match outcome.unwrap() {
        PushOutcome::Accepted { messages } => messages,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn refused(outcome: Result<PushOutcome, Error>) -> String {
    match outcome.unwrap() {
        PushOutcome::Refused { reason, messages } => format!("{reason} | {}", messages.join(" | ")),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn says<T: std::fmt::Debug>(result: Result<T, Error>, words: &[&str]) -> Error {
    let error = result.unwrap_err();
    let message = error.to_string();
    for word in words {
        assert!(message.contains(word), "{message:?} does not say {word:?}");
    }
    error
}

#[track_caller]
fn temporary<T: std::fmt::Debug>(result: Result<T, Error>, words: &[&str]) {
    let error = says(result, words);
    assert!(error.is_temporary(), "{error}");
}

#[track_caller]
fn lasting<T: std::fmt::Debug>(result: Result<T, Error>, words: &[&str]) {
    let error = says(result, words);
    assert!(!error.is_temporary(), "{error}");
}

/// The story of one pass, the same on every kind of remote.
fn one_pass(scene: &Scene, mirror: &Mirror) {
    let base = mirror.fetch().unwrap();
    assert_eq!(base.branch(), "main");
    assert_eq!(base.commit().to_string(), scene.repo.head());
    assert_eq!(
        paths(&base, &[]),
        ["README.md", "apps/api/deploy.yaml", "apps/web.yaml", "apps/web/deploy.yaml", "other/big.yaml"]
    );
    assert_eq!(read(&base, "apps/web/deploy.yaml"), DEPLOY);

    let commit = write(mirror, &base, "apps/web/deploy.yaml", "image: nginx:1.27\n");
    assert_eq!(scene.repo.head(), base.commit().to_string(), "nothing shows before the push");
    accepted(mirror.push(&base, commit));

    scene.is_sound();
    assert_eq!(scene.repo.head(), commit.to_string());
    let there = &scene.repo.bare;
    assert_eq!(git(there, &["diff", "--name-status", "main~1", "main"]), "M\tapps/web/deploy.yaml");
    assert_eq!(git(there, &["show", "main:apps/web/deploy.yaml"]), "image: nginx:1.27");
    assert_eq!(
        git(there, &["log", "-1", "--date=raw", "--format=%an <%ae>|%cn|%ad|%P|%B", "main"]).trim_end(),
        format!(
            "Landwaiter <bot@example.com>|Landwaiter|1778051289 +0000|{}|Update it\n\nLandwaiter-Update: x",
            base.commit()
        )
    );
    let next = mirror.fetch().unwrap();
    assert_eq!(next.commit(), commit);
    let log = next.history(10).unwrap();
    assert_eq!(log.len(), 2);
    assert_eq!((log[0].id, log[0].time, &log[0].author), (commit, now(), &bot()));
    assert_eq!(log[0].message, "Update it\n\nLandwaiter-Update: x\n");
    assert_eq!((log[1].id, log[1].author.name.as_str()), (base.commit(), "Ada"));
    assert_eq!(next.history(1).unwrap().len(), 1);
}

#[test]
fn a_pass_over_http() {
    let scene = Scene::new(FILES);
    one_pass(&scene, &scene.http());
}

#[test]
fn a_pass_over_http_with_an_old_server() {
    let scene = Scene::new(FILES);
    scene.server.speak_version_0();
    let mirror = scene.http();
    one_pass(&scene, &mirror);
    git(&scene.repo.work, &["pull", "-q", "--rebase", "origin", "main"]);
    let head = scene.repo.push(&[("new.yaml", "1")], "second");
    assert_eq!(mirror.fetch().unwrap().commit().to_string(), head);
}

#[test]
fn a_pass_on_a_local_path() {
    let scene = Scene::new(FILES);
    one_pass(&scene, &scene.local());
    assert!(!scene.data_dir().exists(), "nothing is copied");
}

#[test]
fn a_pass_with_a_password() {
    let scene = Scene::new(FILES);
    scene.server.require("bot:s3cret-token");
    one_pass(&scene, &Mirror::open(scene.options(&scene.server.url_as("bot:s3cret-token", "config.git"))).unwrap());
}

#[test]
fn polling_an_unchanged_branch_is_one_request() {
    let scene = Scene::new(FILES);
    let mirror = scene.http();
    mirror.fetch().unwrap();
    assert_eq!(scene.server.take_log().len(), 3, "capabilities, references, pack");
    for _ in 0..3 {
        mirror.fetch().unwrap();
        let log = scene.server.take_log();
        assert_eq!(log.len(), 1, "{log:?}");
        assert!(log[0].body.windows(7).any(|at| at == b"ls-refs"));
        assert_eq!(log[0].content_length, Some(log[0].body.len()));
    }
}

#[test]
fn only_new_commits_are_fetched() {
    let scene = Scene::new(FILES);
    let noise: String = (0..200_000).map(|_| fastrand::alphanumeric()).collect();
    scene.repo.push(&[("noise.txt", &noise)], "large");
    let mirror = scene.http();
    mirror.fetch().unwrap();
    let head = scene.repo.push(&[("apps/web.yaml", "a: 2\n")], "small");
    let snapshot = mirror.fetch().unwrap();
    assert_eq!(snapshot.commit().to_string(), head);
    assert_eq!(read(&snapshot, "apps/web.yaml"), "a: 2\n");
    let packs = std::fs::read_dir(scene.copy().join("objects/pack")).unwrap();
    let mut sizes: Vec<u64> = packs
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().extension().is_some_and(|end| end == "pack"))
        .map(|entry| entry.metadata().unwrap().len())
        .collect();
    sizes.sort_unstable();
    assert!(sizes.len() == 2 && sizes[0] < 5000 && sizes[1] > 100_000, "{sizes:?}");
    assert_eq!(snapshot.history(10).unwrap().len(), 3);
}

#[test]
fn our_own_push_is_not_fetched_again() {
    let scene = Scene::new(FILES);
    let mirror = scene.http();
    let base = mirror.fetch().unwrap();
    let commit = write(&mirror, &base, "README.md", "changed\n");
    accepted(mirror.push(&base, commit));
    scene.server.take_log();
    assert_eq!(mirror.fetch().unwrap().commit(), commit);
    assert_eq!(scene.server.take_log().len(), 1);
}

#[test]
fn only_the_asked_paths_are_listed() {
    let scene = Scene::new(FILES);
    let snapshot = scene.http().fetch().unwrap();
    for (within, expected) in [
        (&["apps/web"][..], &["apps/web/deploy.yaml"][..]),
        (&["apps/web.yaml"], &["apps/web.yaml"]),
        (&["other", "README.md"], &["README.md", "other/big.yaml"]),
        (&["apps", "apps/api"], &["apps/api/deploy.yaml", "apps/web.yaml", "apps/web/deploy.yaml"]),
        (&["app"], &[]),
    ] {
        assert_eq!(paths(&snapshot, within), expected, "{within:?}");
    }
    let found = snapshot.files(&[path("apps"), path("apps/none"), path("README.md/x"), path("apps/api")]).unwrap();
    assert_eq!(found.missing, [path("apps/none"), path("README.md/x")]);
}

#[test]
fn what_is_no_regular_file_is_passed_over_and_stays() {
    let scene = Scene::new(FILES);
    let work = &scene.repo.work;
    std::os::unix::fs::symlink("web/deploy.yaml", work.join("apps/link.yaml")).unwrap();
    scene.repo.write(&[("apps/run.sh", "#!/bin/sh\n")]);
    git(work, &["update-index", "--add", "--cacheinfo", "160000,1111111111111111111111111111111111111111,apps/sub"]);
    std::fs::write(work.join(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"apps/\xff.yaml")), "x")
        .unwrap();
    git(work, &["add", "apps/link.yaml", "apps/run.sh", ":(glob)apps/*.yaml"]);
    git(work, &["update-index", "--chmod=+x", "apps/run.sh"]);
    git(work, &["commit", "-q", "-m", "odd"]);
    git(work, &["push", "-q", "origin", "HEAD:main"]);
    let before = git(&scene.repo.bare, &["ls-tree", "-r", "main"]);
    for (mirror, text) in [(scene.http(), "#!/bin/bash\n"), (scene.local(), "#!/bin/zsh\n")] {
        let base = mirror.fetch().unwrap();
        let found = base.files(&[]).unwrap();
        let skipped: Vec<_> = found.skipped.iter().map(|skipped| (skipped.path.as_str(), skipped.why)).collect();
        assert_eq!(
            skipped,
            [
                ("apps/link.yaml", WhySkipped::Symlink),
                ("apps/sub", WhySkipped::Submodule),
                ("apps/\u{fffd}.yaml", WhySkipped::Name)
            ]
        );
        let programs: Vec<_> = found.files.iter().filter(|file| file.executable).collect();
        assert_eq!(programs.len(), 1);
        assert_eq!(programs[0].path, path("apps/run.sh"));
        accepted(mirror.push(&base, write(&mirror, &base, "apps/run.sh", text)));
        for (file, problem) in
            [("apps/link.yaml", "no regular file"), ("apps/sub", "no regular file"), ("apps", "no regular file")]
        {
            let change = [(path(file), b"x".to_vec())];
            lasting(mirror.commit(&base, &change, "x", &bot(), &bot(), now()), &[file, problem]);
        }
    }
    let after = git(&scene.repo.bare, &["ls-tree", "-r", "main"]);
    let differing: Vec<_> = before.lines().zip(after.lines()).filter(|(before, after)| before != after).collect();
    assert_eq!(differing.len(), 1, "{differing:?}");
    assert!(differing[0].1.starts_with("100755 blob") && differing[0].1.ends_with("apps/run.sh"), "{differing:?}");
}

#[test]
fn a_commit_changes_existing_files_only() {
    let scene = Scene::new(FILES);
    let mirror = scene.http();
    let base = mirror.fetch().unwrap();
    let commit = |changes: &[(&str, &str)]| {
        let changes: Vec<_> = changes.iter().map(|(file, text)| (path(file), text.as_bytes().to_vec())).collect();
        mirror.commit(&base, &changes, "x", &bot(), &bot(), now())
    };
    assert_eq!(commit(&[]).unwrap(), None);
    assert_eq!(commit(&[("apps/web/deploy.yaml", DEPLOY)]).unwrap(), None);
    lasting(commit(&[("apps/new.yaml", "x")]), &["apps/new.yaml", "no such file"]);
    lasting(commit(&[("none/new.yaml", "x")]), &["none/new.yaml", "no such folder"]);
    lasting(commit(&[("README.md/x", "x")]), &["README.md/x", "no such folder"]);
    lasting(commit(&[("README.md", "x"), ("README.md", "y")]), &["README.md", "twice"]);
    let nobody = Identity { name: String::new(), email: "a@b".into() };
    lasting(mirror.commit(&base, &[], "x", &nobody, &bot(), now()), &["name"]);
    // The same input gives the same commit, and several files are one commit.
    let both = [("README.md", "1"), ("apps/api/deploy.yaml", "2")];
    let id = commit(&both).unwrap().unwrap();
    assert_eq!(commit(&both).unwrap().unwrap(), id);
    accepted(mirror.push(&base, id));
    assert_eq!(git(&scene.repo.bare, &["diff", "--name-only", "main~1", "main"]), "README.md\napps/api/deploy.yaml");
    scene.is_sound();
}

#[test]
fn a_large_file_goes_out_with_its_length() {
    let noise: String = (0..3_000_000).map(|_| fastrand::alphanumeric()).collect();
    let scene = Scene::new(FILES);
    let mirror = scene.http();
    let base = mirror.fetch().unwrap();
    let commit = write(&mirror, &base, "README.md", &noise);
    scene.server.take_log();
    accepted(mirror.push(&base, commit));
    let log = scene.server.take_log();
    assert_eq!(log.len(), 2, "references, pack");
    assert!(log[1].body.len() > 2_000_000);
    assert_eq!(log[1].content_length, Some(log[1].body.len()));
    assert_eq!(git(&scene.repo.bare, &["show", "main:README.md"]), noise);
    scene.is_sound();
}

/// Someone else pushes between our fetch and our push.
fn lost_race(scene: &Scene, mirror: &Mirror) {
    let base = mirror.fetch().unwrap();
    let commit = write(mirror, &base, "README.md", "ours\n");
    let theirs = scene.repo.push(&[("apps/web.yaml", "theirs\n")], "theirs");
    match mirror.push(&base, commit).unwrap() {
        PushOutcome::Stale { actual } => assert_eq!(actual.unwrap().to_string(), theirs),
        other => panic!("{other:?}"),
    }
    assert_eq!(scene.repo.head(), theirs);
    let next = mirror.fetch().unwrap();
    let commit = write(mirror, &next, "README.md", "ours\n");
    accepted(mirror.push(&next, commit));
    assert_eq!(git(&scene.repo.bare, &["show", "main:apps/web.yaml"]), "theirs");
    assert_eq!(git(&scene.repo.bare, &["show", "main:README.md"]), "ours");

    git(&scene.repo.bare, &["update-ref", "-d", "refs/heads/main"]);
    let again = write(mirror, &next, "README.md", "once more\n");
    assert_eq!(mirror.push(&next, again).unwrap(), PushOutcome::Stale { actual: None });
    scene.is_sound();
}

#[test]
fn a_lost_race_over_http_loses_nothing() {
    let scene = Scene::new(FILES);
    lost_race(&scene, &scene.http());
}

#[test]
fn a_lost_race_on_a_local_path_loses_nothing() {
    let scene = Scene::new(FILES);
    lost_race(&scene, &scene.local());
}

#[test]
fn a_race_lost_after_the_references_were_shown_is_stale() {
    let scene = Scene::new(FILES);
    let mirror = scene.http();
    let base = mirror.fetch().unwrap();
    let commit = write(&mirror, &base, "README.md", "ours\n");
    let work = scene.repo.work.clone();
    scene.repo.write(&[("apps/web.yaml", "theirs\n")]);
    git(&work, &["commit", "-q", "-a", "-m", "theirs"]);
    let theirs = git(&work, &["rev-parse", "HEAD"]);
    scene.server.on(move |seen| {
        if seen.path.ends_with("/git-receive-pack") {
            git(&work, &["push", "-q", "origin", "HEAD:main"]);
        }
        None
    });
    match mirror.push(&base, commit).unwrap() {
        PushOutcome::Stale { actual } => assert_eq!(actual.unwrap().to_string(), theirs),
        other => panic!("{other:?}"),
    }
    assert_eq!(scene.repo.head(), theirs);
}

#[test]
fn a_commit_is_pushed_only_onto_its_parent() {
    let scene = Scene::new(FILES);
    let mirror = scene.http();
    let first = mirror.fetch().unwrap();
    let commit = write(&mirror, &first, "README.md", "x\n");
    scene.repo.push(&[], "second");
    let second = mirror.fetch().unwrap();
    lasting(mirror.push(&second, commit), &["not made from"]);
}

#[test]
fn a_hook_speaks_and_refuses() {
    let scene = Scene::new(FILES);
    let mirror = scene.http();
    let base = mirror.fetch().unwrap();
    scene.repo.hook("pre-receive", "printf 'Images need a \\033[1mticket\\033[0m\\n' >&2; exit 1");
    let commit = write(&mirror, &base, "README.md", "x\n");
    let reason = refused(mirror.push(&base, commit));
    assert!(reason.starts_with("pre-receive hook declined | Images need a [1mticket"), "{reason:?}");
    assert_eq!(scene.repo.head(), base.commit().to_string());
    scene.repo.hook("pre-receive", "echo 'Build started' >&2");
    assert_eq!(accepted(mirror.push(&base, commit)), ["Build started"]);
}

#[test]
fn a_server_that_takes_no_pushes_refuses() {
    let scene = Scene::new(FILES);
    let mirror = scene.http();
    let base = mirror.fetch().unwrap();
    let commit = write(&mirror, &base, "README.md", "x\n");
    git(&scene.repo.bare, &["config", "http.receivepack", "false"]);
    let reason = refused(mirror.push(&base, commit));
    assert!(reason.contains("403") && reason.contains("no credential"), "{reason}");
    git(&scene.repo.bare, &["config", "http.receivepack", "true"]);
    git(&scene.repo.bare, &["config", "receive.unpackLimit", "1"]);
    git(&scene.repo.bare, &["config", "transfer.fsckObjects", "true"]);
    accepted(mirror.push(&base, commit));
}

#[test]
fn a_push_whose_answer_is_lost_is_looked_up() {
    let scene = Scene::new(FILES);
    let mirror = scene.http();
    for (round, fault) in [|| Fault::Break, || Fault::Truncate(6), || Fault::Stall].into_iter().enumerate() {
        let base = mirror.fetch().unwrap();
        let commit = write(&mirror, &base, "README.md", &format!("{round}\n"));
        if round == 2 {
            break;
        }
        scene.server.on(move |seen| (seen.path.ends_with("/git-receive-pack")).then(fault));
        accepted(mirror.push(&base, commit));
        assert_eq!(scene.repo.head(), commit.to_string());
    }
    // It did not land, and nobody said so.
    let base = mirror.fetch().unwrap();
    let commit = write(&mirror, &base, "README.md", "3\n");
    scene.server.on(|seen| {
        seen.path.ends_with("/git-receive-pack").then(|| Fault::Answer(502, "text/html", "<h1>Bad</h1>".into()))
    });
    temporary(mirror.push(&base, commit), &[&commit.to_string(), "502", "next fetch will tell"]);
    // Nobody can be asked either.
    scene.server.on(|seen| {
        let pushing = seen.path.ends_with("/git-receive-pack") || seen.path.ends_with("/git-upload-pack");
        pushing.then(|| Fault::Answer(503, "text/plain", "later".into()))
    });
    temporary(mirror.push(&base, commit), &["503", "next fetch will tell"]);
    scene.server.heal();
    assert_eq!(mirror.fetch().unwrap().commit(), base.commit());
    accepted(mirror.push(&base, commit));
}

#[test]
fn a_wrong_password_is_named_by_its_source() {
    let scene = Scene::new(FILES);
    scene.server.require("bot:right");
    let url = scene.server.url("config.git");
    let file = scene.root.path().join("password");
    std::fs::write(&file, "bot:s3cret-wrong").unwrap();
    let given =
        Credential::Given { username: None, password: Secret::new("s3cret-wrong"), source: "LANDWAITER_X".into() };
    let sources = [
        (None, url.clone(), "no credential".to_owned()),
        (None, scene.server.url_as("bot:s3cret-wrong", "config.git"), "the git url".to_owned()),
        (Some(given), url.clone(), "LANDWAITER_X".to_owned()),
        (Some(Credential::File(file.clone())), url.clone(), file.display().to_string()),
    ];
    for (credential, url, source) in sources {
        let options = Options { credential, ..scene.options(&url) };
        assert!(!format!("{options:?}").contains("s3cret"), "{options:?}");
        let mirror = Mirror::open(options).unwrap();
        let error = says(mirror.fetch(), &["401", "config.git", &source, "give a credential"]);
        // The server repeats what it got; we do not.
        let everything = format!("{mirror:?} {error:?} {error}");
        assert!(!everything.contains("s3cret") && !everything.contains("s3cret-wrong"), "{everything}");
        let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, "bot:s3cret-wrong");
        assert!(!everything.contains(&encoded), "{everything}");
    }
    // A rotated password is picked up without a restart.
    let mirror =
        Mirror::open(Options { credential: Some(Credential::File(file.clone())), ..scene.options(&url) }).unwrap();
    mirror.fetch().unwrap_err();
    std::fs::write(&file, "bot:right\n").unwrap();
    mirror.fetch().unwrap();
}

#[test]
fn half_a_password_at_the_end_of_a_long_answer_is_not_shown() {
    let scene = Scene::new(FILES);
    let mirror = Mirror::open(scene.options(&scene.server.url_as("bot:s3cret-token", "config.git"))).unwrap();
    let words = format!("{} s3cret-token", "x".repeat(290));
    scene.server.on(move |_| Some(Fault::Answer(500, "text/plain", words.clone())));
    let error = says(mirror.fetch(), &["500", "xxx …"]).to_string();
    assert!(!error.contains("s3c"), "{error}");
}

#[test]
fn a_password_does_not_travel_in_clear_text_or_to_strangers() {
    let scene = Scene::new(FILES);
    let options = scene.options("http://bot:s3cret@git.example.com/config.git");
    lasting(Mirror::open(options), &["clear text", "https", "git.example.com"]);

    let other = Scene::new(FILES);
    let there = other.server.url("config.git/info/refs?service=git-upload-pack");
    scene.server.on(move |_| Some(Fault::Redirect(there.clone())));
    let options = scene.options(&scene.server.url_as("bot:s3cret", "config.git"));
    lasting(
        Mirror::open(options).unwrap().fetch(),
        &[&format!("redirects to {},", other.server.url("config.git")), "credential"],
    );
    assert!(other.server.take_log().is_empty());
    // Without a credential there is nothing to lose.
    assert_eq!(scene.http().fetch().unwrap().commit().to_string(), other.repo.head());
}

#[test]
fn a_renamed_repository_is_followed_on_the_same_server() {
    let scene = Scene::new(FILES);
    scene.server.require("bot:pass");
    let old = scene.server.url_as("bot:pass", "old");
    let new = scene.server.url("config.git/info/refs?service=");
    scene.server.on(move |seen| {
        seen.path
            .starts_with("/old/")
            .then(|| Fault::Redirect(format!("{new}{}", seen.query.trim_start_matches("service="))))
    });
    one_pass(&scene, &Mirror::open(scene.options(&old)).unwrap());
    let there = scene.server.url("login");
    scene.server.on(move |_| Some(Fault::Redirect(there.clone())));
    let mirror = Mirror::open(scene.options(&scene.server.url_as("bot:pass", "else"))).unwrap();
    lasting(mirror.fetch(), &["redirects to", "/login", "sign in"]);
    scene.server.on(|seen| Some(Fault::Redirect(format!("{}?{}", seen.path, seen.query))));
    lasting(mirror.fetch(), &["one redirect after another"]);
}

#[test]
fn what_cannot_be_fetched_says_why() {
    let scene = Scene::new(FILES);
    git(&scene.repo.bare, &["branch", "staging", "main"]);
    let open = |url: &str, branch: Option<&str>| {
        Mirror::open(Options { branch: branch.map(Into::into), ..scene.options(url) }).unwrap()
    };
    let url = scene.server.url("config.git");
    let bare = scene.repo.bare.to_str().unwrap();
    for place in [url.as_str(), bare] {
        assert_eq!(open(place, Some("staging")).fetch().unwrap().branch(), "staging");
        lasting(open(place, Some("prod")).fetch(), &[place, "\"prod\"", "main, staging"]);
        lasting(open(place, Some("stag")).fetch(), &["\"stag\"", "main, staging"]);
    }
    lasting(open(&scene.server.url("none.git"), None).fetch(), &["none.git", "404", "check the address"]);
    lasting(open("/nonexistent/x", None).fetch(), &["/nonexistent/x", "no such directory"]);
    lasting(open(scene.root.path().to_str().unwrap(), None).fetch(), &["open the repository"]);
    lasting(Mirror::open(Options { branch: Some("a..b".into()), ..scene.options(&url) }), &["a..b", "branch"]);
    git(&scene.repo.bare, &["symbolic-ref", "HEAD", "refs/heads/gone"]);
    for place in [url.as_str(), bare] {
        lasting(open(place, None).fetch(), &["\"gone\"", "main, staging"]);
    }
    git(&scene.repo.bare, &["update-ref", "--no-deref", "HEAD", "refs/heads/main"]);
    for place in [url.as_str(), bare] {
        lasting(open(place, None).fetch(), &["detached", "name the branch"]);
    }
}

#[test]
fn an_empty_repository_wants_a_first_commit() {
    let scene = Scene::new(&[]);
    for version in [2, 0] {
        if version == 0 {
            scene.server.speak_version_0();
        }
        lasting(scene.http().fetch(), &["config.git", "no commit yet", "push a first commit"]);
        let options = Options { branch: Some("main".into()), ..scene.options(&scene.server.url("config.git")) };
        lasting(Mirror::open(options).unwrap().fetch(), &["no commit yet"]);
    }
    lasting(scene.local().fetch(), &["no commit yet"]);
    let mirror = scene.http();
    mirror.fetch().unwrap_err();
    scene.repo.push(FILES, "first");
    mirror.fetch().unwrap();
}

#[test]
fn a_server_that_is_no_git_server_is_told_apart() {
    let scene = Scene::new(FILES);
    let mirror = scene.http();
    let page = "<html>Welcome</html>";
    for (status, kind, body, is_temporary, words) in [
        (200, "text/html; charset=utf-8", page, false, &["no Git repository", "a web page", "git clone"][..]),
        (200, "application/json", "{}", false, &["no Git repository", "application/json"]),
        (503, "text/plain", "try later", true, &["503", "try later"]),
        (429, "text/plain", "slow down", true, &["429", "slow down"]),
        (404, "text/html", page, false, &["no repository", "404"]),
        (400, "text/plain", "what?\x1b[2J", false, &["400", "what? [2J"]),
        (200, "application/x-git-upload-pack-advertisement", "junk", true, &["reading the repository"]),
        (200, "application/x-git-upload-pack-advertisement", "", true, &["reading the repository"]),
    ] {
        scene.server.on(move |_| Some(Fault::Answer(status, kind, body.into())));
        let error = says(mirror.fetch(), words);
        assert_eq!(error.is_temporary(), is_temporary, "{error}");
    }
    scene.server.heal();
    mirror.fetch().unwrap();
}

#[test]
fn nobody_there_is_temporary() {
    let scene = Scene::new(FILES);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mirror = Mirror::open(scene.options(&format!("http://{closed}/a"))).unwrap();
    temporary(mirror.fetch(), &[&closed.to_string(), "cannot reach", "refused"]);
    let mirror = Mirror::open(scene.options("https://does-not-exist.invalid/a")).unwrap();
    temporary(mirror.fetch(), &["cannot reach https://does-not-exist.invalid/a"]);
}

#[test]
fn every_call_ends_in_time() {
    let scene = Scene::new(FILES);
    let options = Options { timeout: Duration::from_millis(900), ..scene.options(&scene.server.url("config.git")) };
    for (place, asked) in [("/info/refs", 1), ("/git-upload-pack", 2), ("/git-receive-pack", 0)] {
        for fault in [|| Fault::Stall, || Fault::Drip] {
            let mirror = Mirror::open(options.clone()).unwrap();
            if asked != 1 {
                mirror.fetch().unwrap();
            }
            scene.repo.push(&[("more.yaml", place)], "more");
            let base = (asked == 0).then(|| mirror.fetch().unwrap());
            scene.server.on(move |seen| seen.path.ends_with(place).then(fault));
            let start = Instant::now();
            match base {
                None => temporary(mirror.fetch(), &["0.9 s", "raise the timeout"]),
                Some(base) => {
                    let commit = write(&mirror, &base, "README.md", &format!("{}\n", fastrand::u64(..)));
                    match mirror.push(&base, commit) {
                        // A slow answer is as good as none, but then the branch is looked at.
                        Ok(PushOutcome::Accepted { .. }) => assert_eq!(scene.repo.head(), commit.to_string()),
                        other => temporary(other, &["0.9 s", "next fetch will tell"]),
                    }
                }
            }
            assert!(start.elapsed() < Duration::from_secs(4), "{place} {:?}", start.elapsed());
            scene.server.heal();
            git(&scene.repo.work, &["pull", "-q", "--rebase", "origin", "main"]);
        }
    }
}

#[test]
fn a_broken_pack_leaves_nothing_behind() {
    let scene = Scene::new(FILES);
    let mirror = scene.http();
    for length in [0, 40, 300] {
        scene.server.on(move |seen| {
            (seen.body.windows(13).any(|at| at == b"command=fetch")).then_some(Fault::Truncate(length))
        });
        temporary(mirror.fetch(), &["fetching commits"]);
        let left = std::fs::read_dir(scene.copy().join("objects/pack")).unwrap().count();
        assert_eq!(left, 0);
    }
    scene.server.heal();
    mirror.fetch().unwrap();
    git(&scene.copy(), &["fsck", "--full"]);
}

#[test]
fn a_deleted_data_directory_is_made_again() {
    let scene = Scene::new(FILES);
    let mirror = scene.http();
    mirror.fetch().unwrap();
    std::fs::remove_dir_all(scene.data_dir()).unwrap();
    let base = mirror.fetch().unwrap();
    accepted(mirror.push(&base, write(&mirror, &base, "README.md", "x\n")));
    lasting(Mirror::open(scene.options(&scene.server.url("config.git"))), &["in use by another process"]);
}

type Damage<'a> = (&'a str, &'a dyn Fn(&Path));

#[test]
fn a_damaged_copy_is_set_aside() {
    let remove_objects = |copy: &Path| {
        for entry in std::fs::read_dir(copy.join("objects/pack")).unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
        }
    };
    let damages: [Damage<'_>; 4] = [
        ("no HEAD", &|copy| std::fs::remove_file(copy.join("HEAD")).unwrap()),
        ("a broken configuration", &|copy| std::fs::write(copy.join("config"), "[core\n").unwrap()),
        ("no objects", &remove_objects),
        ("a file in its place", &|copy| {
            std::fs::remove_dir_all(copy).unwrap();
            std::fs::write(copy, "x").unwrap();
        }),
    ];
    for (what, damage) in damages {
        let scene = Scene::new(FILES);
        scene.http().fetch().unwrap();
        damage(&scene.copy());
        let snapshot = scene.http().fetch().unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(read(&snapshot, "apps/web/deploy.yaml"), DEPLOY, "{what}");
        let aside = std::fs::read_dir(scene.copy().parent().unwrap()).unwrap();
        let aside =
            aside.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains("broken")).count();
        assert_eq!(aside, 1, "{what}");
    }
}

#[test]
fn damage_found_while_reading_is_mended_by_the_next_fetch() {
    let scene = Scene::new(FILES);
    // Loose objects, so that one of them can go missing.
    let mirror = scene.http();
    let base = mirror.fetch().unwrap();
    accepted(mirror.push(&base, write(&mirror, &base, "README.md", "loose\n")));
    let snapshot = mirror.fetch().unwrap();
    let blob = snapshot.files(&[path("README.md")]).unwrap().files[0].blob;
    let hex = blob.to_string();
    std::fs::remove_file(scene.copy().join("objects").join(&hex[..2]).join(&hex[2..])).unwrap();
    temporary(snapshot.read(blob, &mut Vec::new()), &["damaged", &hex, "next fetch"]);
    let mended = mirror.fetch().unwrap();
    assert_eq!(read(&mended, "README.md"), "loose\n");
}

#[test]
fn a_copy_that_takes_no_more_commits_is_made_anew() {
    let scene = Scene::new(FILES);
    let mirror = scene.http();
    let base = mirror.fetch().unwrap();
    let noise: String = (0..5000).map(|_| fastrand::alphanumeric()).collect();
    accepted(mirror.push(&base, write(&mirror, &base, "README.md", &noise)));
    let snapshot = mirror.fetch().unwrap();
    let hex = snapshot.files(&[path("README.md")]).unwrap().files[0].blob.to_string();
    std::fs::remove_file(scene.copy().join("objects").join(&hex[..2]).join(&hex[2..])).unwrap();
    // The new content comes as a difference from the one that is gone.
    git(&scene.repo.work, &["pull", "-q", "origin", "main"]);
    scene.repo.push(&[("README.md", &format!("{noise}!"))], "more");
    temporary(mirror.fetch(), &["damaged", "next fetch makes a new one"]);
    assert_eq!(read(&mirror.fetch().unwrap(), "README.md"), format!("{noise}!"));
}

#[test]
fn a_copy_in_too_many_pieces_is_made_anew() {
    let scene = Scene::new(FILES);
    let mirror = scene.http();
    mirror.fetch().unwrap();
    let packs = || std::fs::read_dir(scene.copy().join("objects/pack")).unwrap().count();
    for n in 0..200 {
        std::fs::write(scene.copy().join(format!("objects/pack/pack-{n}.pack")), "").unwrap();
    }
    mirror.fetch().unwrap();
    assert_eq!(packs(), 202, "not before something new has to be fetched");
    scene.repo.push(&[("more.yaml", "1")], "more");
    assert_eq!(mirror.fetch().unwrap().commit().to_string(), scene.repo.head());
    assert_eq!(packs(), 2);
}

#[test]
fn objects_named_by_sha_256_are_refused_by_name() {
    let scene = Scene::new(FILES);
    let other = scene.root.path().join("sha256.git");
    git(scene.root.path(), &["init", "-q", "--bare", "-b", "main", "--object-format=sha256", other.to_str().unwrap()]);
    let mirror = Mirror::open(scene.options(&scene.server.url("sha256.git"))).unwrap();
    lasting(mirror.fetch(), &["sha256.git", "SHA-256", "not supported"]);
    let mirror = Mirror::open(scene.options(other.to_str().unwrap())).unwrap();
    lasting(mirror.fetch(), &["sha256.git", "open the repository"]);
}

#[test]
fn what_a_killed_process_left_does_not_stop_the_next() {
    let scene = Scene::new(FILES);
    scene.http().fetch().unwrap();
    let copy = scene.copy();
    for leftover in ["shallow.lock", "refs/landwaiter/heads/main.lock", "objects/pack/tmp_x", "objects/tmp_y"] {
        std::fs::write(copy.join(leftover), "x").unwrap();
    }
    scene.repo.push(&[("more.yaml", "1")], "more");
    scene.http().fetch().unwrap();
    for leftover in ["shallow.lock", "refs/landwaiter/heads/main.lock", "objects/pack/tmp_x", "objects/tmp_y"] {
        assert!(!copy.join(leftover).exists(), "{leftover}");
    }
}

#[test]
fn two_processes_do_not_share_a_copy() {
    let scene = Scene::new(FILES);
    let first = scene.http();
    lasting(Mirror::open(scene.options(&scene.server.url("config.git"))), &["in use", "data directory"]);
    Mirror::open(scene.options(&scene.server.url("other.git"))).unwrap();
    drop(first);
    scene.http().fetch().unwrap();
}

#[test]
fn a_data_directory_that_cannot_be_written_says_so() {
    let scene = Scene::new(FILES);
    std::fs::write(scene.data_dir(), "a file").unwrap();
    lasting(
        Mirror::open(scene.options(&scene.server.url("config.git"))),
        &[scene.data_dir().to_str().unwrap(), "data directory"],
    );
    std::fs::remove_file(scene.data_dir()).unwrap();
    let mirror = scene.http();
    let base = mirror.fetch().unwrap();
    // A file where the folder of objects should be: no user can write there.
    let objects = scene.copy().join("objects");
    for entry in std::fs::read_dir(&objects).unwrap() {
        let entry = entry.unwrap().path();
        if !entry.ends_with("pack") {
            std::fs::remove_dir_all(entry).unwrap();
        }
    }
    for first in 0..=255 {
        std::fs::write(objects.join(format!("{first:02x}")), "").unwrap();
    }
    let change = [(path("README.md"), b"x".to_vec())];
    lasting(mirror.commit(&base, &change, "x", &bot(), &bot(), now()), &["write an object", "has room"]);
}

#[test]
fn a_branch_moved_back_by_force_is_taken_as_it_is() {
    let scene = Scene::new(FILES);
    for round in 0..5 {
        scene.repo.push(&[("n.yaml", &round.to_string())], "more");
    }
    let mirror = scene.http();
    mirror.fetch().unwrap();
    git(&scene.repo.work, &["reset", "-q", "--hard", "HEAD~3"]);
    let other = scene.repo.push(&[("n.yaml", "forced")], "forced");
    let snapshot = mirror.fetch().unwrap();
    assert_eq!(snapshot.commit().to_string(), other);
    assert_eq!(read(&snapshot, "n.yaml"), "forced");
    // A history without any common commit.
    git(&scene.repo.work, &["checkout", "-q", "--orphan", "fresh"]);
    let fresh = scene.repo.push(&[("n.yaml", "fresh")], "fresh");
    let snapshot = mirror.fetch().unwrap();
    assert_eq!(snapshot.commit().to_string(), fresh);
    assert_eq!(snapshot.history(10).unwrap().len(), 1);
    git(&scene.copy(), &["fsck", "--full"]);
}

#[test]
fn a_long_history_is_fetched_in_part_and_grows() {
    let scene = Scene::new(FILES);
    let work = &scene.repo.work;
    let side = git(work, &["rev-parse", "HEAD"]);
    let mut stream = String::from("reset refs/heads/main\nfrom refs/heads/main^0\n");
    for n in 0..700 {
        let text = format!("n: {n}\n");
        stream.extend([format!(
            "commit refs/heads/main\ncommitter A <a@b> {} +0000\ndata 1\nx\nM 100644 inline n.yaml\ndata {}\n{text}\n",
            1_800_000_000 + n,
            text.len()
        )]);
    }
    std::fs::write(scene.root.path().join("stream"), stream).unwrap();
    let status = std::process::Command::new("git")
        .args(["fast-import", "--quiet", "--force"])
        .current_dir(work)
        .stdin(std::fs::File::open(scene.root.path().join("stream")).unwrap())
        .status()
        .unwrap();
    assert!(status.success());
    git(work, &["reset", "-q", "--hard", "main"]);
    scene.repo.push(&[], "top");
    for version in [2, 0] {
        if version == 0 {
            scene.server.speak_version_0();
            std::fs::remove_dir_all(scene.data_dir()).unwrap();
        }
        let mirror = scene.http();
        let snapshot = mirror.fetch().unwrap();
        assert_eq!(snapshot.history(10_000).unwrap().len(), 500, "version {version}");
        // New commits, ours and theirs, and a merge of a branch that began before our history does.
        let base = snapshot;
        accepted(mirror.push(&base, write(&mirror, &base, "README.md", &format!("{version}\n"))));
        git(work, &["pull", "-q", "--ff-only", "origin", "main"]);
        scene.repo.push(&[("n.yaml", "new")], "new");
        let snapshot = mirror.fetch().unwrap();
        assert_eq!(snapshot.history(10_000).unwrap().len(), 502);
        git(work, &["checkout", "-q", "-B", "side", &side]);
        scene.repo.write(&[("side.yaml", &format!("{version}"))]);
        git(work, &["add", "-A"]);
        git(work, &["commit", "-q", "-m", "side"]);
        git(work, &["checkout", "-q", "main"]);
        git(work, &["merge", "-q", "--no-edit", "-X", "theirs", "side"]);
        let merged = scene.repo.push(&[], "after");
        let snapshot = mirror.fetch().unwrap();
        assert_eq!(snapshot.commit().to_string(), merged);
        assert_eq!(read(&snapshot, "side.yaml"), format!("{version}"));
        let again = mirror.fetch().unwrap();
        accepted(mirror.push(&again, write(&mirror, &again, "README.md", &format!("again {version}\n"))));
        git(work, &["pull", "-q", "--ff-only", "origin", "main"]);
        git(&scene.copy(), &["fsck", "--full"]);
        scene.is_sound();
    }
}

#[test]
fn servers_that_share_objects_between_forks_are_understood() {
    let scene = Scene::new(FILES);
    let fork = scene.root.path().join("fork.git");
    git(
        scene.root.path(),
        &["clone", "-q", "--bare", "--shared", scene.repo.bare.to_str().unwrap(), fork.to_str().unwrap()],
    );
    git(&fork, &["config", "http.receivepack", "true"]);
    scene.repo.push(&[("more.yaml", "1")], "only upstream");
    let mirror = Mirror::open(scene.options(&scene.server.url("fork.git"))).unwrap();
    let base = mirror.fetch().unwrap();
    let commit = write(&mirror, &base, "README.md", "x\n");
    accepted(mirror.push(&base, commit));
    assert_eq!(git(&fork, &["rev-parse", "main"]), commit.to_string());
}

#[test]
fn a_local_repository_that_only_git_can_write_refuses() {
    let scene = Scene::new(FILES);
    let mirror = scene.local();
    let base = mirror.fetch().unwrap();
    let commit = write(&mirror, &base, "README.md", "x\n");
    for hook in ["pre-receive", "update", "post-receive", "post-update", "reference-transaction"] {
        scene.repo.hook(hook, "exit 0");
        let reason = refused(mirror.push(&base, commit));
        assert!(reason.contains(hook) && reason.contains("use an http url"), "{reason}");
        std::fs::remove_file(scene.repo.bare.join("hooks").join(hook)).unwrap();
    }
    let elsewhere = scene.root.path().join("hooks");
    std::fs::rename(scene.repo.bare.join("hooks"), &elsewhere).unwrap();
    git(&scene.repo.bare, &["config", "core.hooksPath", elsewhere.to_str().unwrap()]);
    scene.repo.hook("none", "");
    std::fs::rename(scene.repo.bare.join("hooks/none"), elsewhere.join("update")).unwrap();
    assert!(refused(mirror.push(&base, commit)).contains("update"));
    std::fs::remove_file(elsewhere.join("update")).unwrap();
    accepted(mirror.push(&base, commit));
}

#[test]
fn a_checked_out_branch_is_not_pulled_from_under_its_files() {
    let scene = Scene::new(FILES);
    let work = scene.repo.work.to_str().unwrap();
    let mirror = Mirror::open(scene.options(work)).unwrap();
    let base = mirror.fetch().unwrap();
    let commit = write(&mirror, &base, "README.md", "x\n");
    let reason = refused(mirror.push(&base, commit));
    assert!(reason.contains("checked out") && reason.contains("bare repository"), "{reason}");
    assert_eq!(git(&scene.repo.work, &["status", "--porcelain"]), "");
    // Another branch of the same repository has no files lying around, or has them in another place.
    git(&scene.repo.work, &["checkout", "-q", "-b", "elsewhere"]);
    git(&scene.repo.work, &["worktree", "add", "-q", "../linked", "main"]);
    assert!(refused(mirror.push(&base, commit)).contains("checked out"));
    git(&scene.repo.work, &["worktree", "remove", "../linked"]);
    accepted(mirror.push(&base, commit));
    assert_eq!(git(&scene.repo.work, &["rev-parse", "main"]), commit.to_string());
}

#[test]
fn a_local_repository_with_packed_references() {
    let scene = Scene::new(FILES);
    git(&scene.repo.bare, &["gc", "-q"]);
    git(&scene.repo.bare, &["pack-refs", "--all"]);
    one_pass(&scene, &scene.local());
    let file = Mirror::open(scene.options(&format!("file://{}", scene.repo.bare.display()))).unwrap();
    assert_eq!(file.fetch().unwrap().commit().to_string(), scene.repo.head());
}

#[test]
fn a_snapshot_is_read_from_many_threads() {
    let scene = Scene::new(FILES);
    let snapshot = scene.http().fetch().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let snapshot = snapshot.clone();
            scope.spawn(move || assert_eq!(read(&snapshot, "apps/web/deploy.yaml"), DEPLOY));
        }
        scope.spawn(|| assert_eq!(read(&snapshot, "README.md"), "hello\n"));
    });
}

#[test]
fn a_mirror_works_inside_a_runtime() {
    let scene = Scene::new(FILES);
    let options = scene.options(&scene.server.url("config.git"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let head = runtime.block_on(async {
        let mirror = std::sync::Arc::new(Mirror::open(options).unwrap());
        let fetching = std::sync::Arc::clone(&mirror);
        tokio::task::spawn_blocking(move || fetching.fetch().unwrap().commit()).await.unwrap()
        // The last mirror is dropped in here, where nothing may block.
    });
    assert_eq!(head.to_string(), scene.repo.head());
}

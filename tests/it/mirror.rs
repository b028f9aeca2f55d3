//! The config repository through our eyes and through Git's: what we fetch is what Git has, and what
//! we push is what Git would have pushed.

mod github;
mod https;
mod local;
mod push;
mod refusals;
mod sign;
mod ssh;
mod store;

use std::time::Duration;

use jiff::Timestamp;
use landwaiter::git::{CommitId, Error, Identity, Mirror, Options, PushOutcome, RemoteUrl, Snapshot, WhySkipped};
use landwaiter::path::RepoPath;
use tempfile::TempDir;

use super::git_server::{GitServer, Repo, git};

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
        let options = Options::new(RemoteUrl::parse(url).unwrap(), self.data_dir());
        Options { timeout: Duration::from_secs(30), ..options }
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
fn what_a_file_held_before_comes_with_the_commit_that_brought_it() {
    let scene = Scene::new(FILES);
    let one = scene.repo.push(&[("apps/v.yaml", "1")], "one");
    scene.repo.push(&[("README.md", "meanwhile\n")], "not this file");
    let two = scene.repo.push(&[("apps/v.yaml", "2")], "two");
    scene.repo.push(&[("apps/v.yaml", "1")], "back");
    for mirror in [scene.http(), scene.local()] {
        let head = mirror.fetch().unwrap();
        let earlier = |limit| {
            let asked = [path("apps/v.yaml"), path("apps/web/deploy.yaml"), path("none/x"), path("README.md")];
            let mut all = head.earlier(&asked, limit).unwrap();
            let [web, none, readme] = [1, 2, 3].map(|number| std::mem::take(&mut all[number]));
            assert!(web.is_empty() && none.is_empty(), "what never changed, and what never was");
            assert_eq!(readme.len(), usize::from(limit > 3));
            let versions = std::mem::take(&mut all[0]).into_iter();
            let text = |blob| {
                let mut buffer = Vec::new();
                head.read(blob, &mut buffer).unwrap();
                String::from_utf8(buffer).unwrap()
            };
            versions.map(|(commit, blob)| (commit.to_string(), text(blob))).collect::<Vec<_>>()
        };
        assert_eq!(earlier(100), [(two.clone(), "2".to_owned()), (one.clone(), "1".to_owned())]);
        assert_eq!(earlier(2), [(two.clone(), "2".to_owned())]);
        assert_eq!(earlier(1), []);
    }
}

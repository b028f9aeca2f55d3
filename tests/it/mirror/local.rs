//! A repository on this machine, and snapshots among threads.

use crate::git_server::git;
use landwaiter::git::{Mirror, Options};

use super::{DEPLOY, FILES, Scene, accepted, lasting, one_pass, read, refused, write};

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

/// A lock file of ours for `branch`, as one of us leaves it that is killed with the branch in hand. Gives it and
/// our own file.
fn left_behind(scene: &Scene, branch: &str) -> [std::path::PathBuf; 2] {
    let own = scene.repo.bare.join(format!("objects/tmp_obj_landwaiter_{branch}"));
    std::fs::write(&own, format!("{}\n", scene.repo.head())).unwrap();
    let lock = scene.repo.bare.join(format!("refs/heads/{branch}.lock"));
    std::fs::hard_link(&own, &lock).unwrap();
    [lock, own]
}

#[test]
fn what_a_killed_one_left_in_a_local_repository_is_told_from_what_others_hold() {
    let scene = Scene::new(FILES);
    git(&scene.repo.bare, &["branch", "other", "main"]);
    let mirror = scene.local();
    let there = |files: &[std::path::PathBuf]| files.iter().filter(|file| file.exists()).count();

    let (main, other) = (left_behind(&scene, "main"), left_behind(&scene, "other"));
    let base = mirror.fetch().unwrap();
    accepted(mirror.push(&base, write(&mirror, &base, "README.md", "1\n")));
    assert_eq!((there(&main), there(&other)), (0, 2), "of its own branch, and of no other");
    let elsewhere = Options { branch: Some("other".into()), ..scene.options(scene.repo.bare.to_str().unwrap()) };
    let elsewhere = Mirror::open(elsewhere).unwrap();
    let base = elsewhere.fetch().unwrap();
    accepted(elsewhere.push(&base, write(&elsewhere, &base, "README.md", "2\n")));
    assert_eq!(there(&other), 0);

    // Killed after the branch was moved.
    let [lock, own] = left_behind(&scene, "main");
    std::fs::rename(&lock, scene.repo.bare.join("refs/heads/main")).unwrap();
    let base = mirror.fetch().unwrap();
    let commit = write(&mirror, &base, "README.md", "3\n");
    accepted(mirror.push(&base, commit));
    assert!(!own.exists());

    // Killed while an object was written, some time ago, and just now.
    let unfinished = ["old", "new"].map(|name| scene.repo.bare.join(format!("objects/.tmp-{name}")));
    let old = std::time::SystemTime::now() - std::time::Duration::from_hours(2);
    for file in &unfinished {
        std::fs::write(file, "half").unwrap();
    }
    std::fs::File::open(&unfinished[0]).unwrap().set_modified(old).unwrap();

    // One of us who lives, and somebody else.
    let base = mirror.fetch().unwrap();
    let next = write(&mirror, &base, "README.md", "4\n");
    let [lock, own] = left_behind(&scene, "main");
    let alive = std::fs::File::open(&own).unwrap();
    alive.lock().unwrap();
    lasting(mirror.push(&base, next), &["main.lock", "remove that file"]);
    alive.unlock().unwrap();
    std::fs::remove_file(&own).unwrap();
    lasting(mirror.push(&base, next), &["main.lock", "remove that file"]);
    assert_eq!(scene.repo.head(), commit.to_string());
    std::fs::remove_file(&lock).unwrap();
    accepted(mirror.push(&base, next));
    scene.is_sound();
    assert_eq!(unfinished.map(|file| file.exists()), [false, true]);
    let objects = std::fs::read_dir(scene.repo.bare.join("objects")).unwrap();
    let left = objects.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("tmp"));
    assert_eq!(left.count(), 0);
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

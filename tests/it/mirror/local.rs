//! A repository on this machine, and snapshots among threads.

use crate::git_server::git;
use landwaiter::git::Mirror;

use super::{DEPLOY, FILES, Scene, accepted, one_pass, read, refused, write};

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

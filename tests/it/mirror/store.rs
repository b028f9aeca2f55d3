//! Our copy of the repository: damaged, deleted, shared, grown.

use crate::git_server::Fault;
use crate::git_server::git;
use landwaiter::git::Mirror;
use std::path::Path;

use super::{DEPLOY, FILES, Scene, accepted, bot, lasting, now, path, read, temporary, write};

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

/// What there is in the folder of packs.
fn packs(scene: &Scene) -> usize {
    std::fs::read_dir(scene.copy().join("objects/pack")).unwrap().count()
}

#[test]
fn a_copy_that_has_grown_too_large_is_made_anew() {
    let too_many_packs = |copy: &Path| {
        for n in 0..200 {
            std::fs::write(copy.join(format!("objects/pack/pack-{n}.pack")), "").unwrap();
        }
    };
    let too_many_objects = |copy: &Path| {
        std::fs::create_dir(copy.join("objects/zz")).unwrap();
        for n in 0..5001 {
            std::fs::write(copy.join(format!("objects/zz/{n:038x}")), "").unwrap();
        }
    };
    // A file with a hole, of 65 MB.
    let too_many_bytes = |copy: &Path| {
        let file = std::fs::File::create(copy.join("objects/pack/pack-1.idx")).unwrap();
        file.set_len(65 << 20).unwrap();
    };
    let growths: [Damage<'_>; 3] =
        [("packs", &too_many_packs), ("objects", &too_many_objects), ("bytes", &too_many_bytes)];
    for (what, grow) in growths {
        for is_behind in [false, true] {
            let scene = Scene::new(FILES);
            scene.http().fetch().unwrap();
            grow(&scene.copy());
            if is_behind {
                scene.repo.push(&[("more.yaml", "1")], "more");
            }
            // It is measured at the start.
            let mirror = scene.http();
            let base = mirror.fetch().unwrap();
            assert_eq!((base.commit().to_string(), packs(&scene)), (scene.repo.head(), 2), "{what}");
            assert_eq!(read(&base, "apps/web/deploy.yaml"), DEPLOY);
            assert!(!scene.copy().join("objects/zz").exists(), "{what}");
            accepted(mirror.push(&base, write(&mirror, &base, "README.md", "x\n")));
            let beside = std::fs::read_dir(scene.copy().parent().unwrap()).unwrap().count();
            assert_eq!(beside, 2, "{what}: the copy and its lock");
            git(&scene.copy(), &["fsck", "--full"]);
        }
    }
}

#[test]
fn a_copy_is_measured_again_after_fifty_commits() {
    let scene = Scene::new(FILES);
    let mirror = scene.http();
    let mut base = mirror.fetch().unwrap();
    for n in 0..200 {
        std::fs::write(scene.copy().join(format!("objects/pack/pack-{n}.pack")), "").unwrap();
    }
    for n in 1..=55 {
        accepted(mirror.push(&base, write(&mirror, &base, "README.md", &format!("{n}\n"))));
        base = mirror.fetch().unwrap();
        assert_eq!(packs(&scene) == 2, n >= 50 - 1, "{n}");
    }
    assert_eq!(base.history(100).unwrap().len(), 56);
    scene.is_sound();
}

#[test]
fn a_new_copy_that_cannot_be_had_leaves_the_old_one_as_it_was() {
    let scene = Scene::new(FILES);
    scene.http().fetch().unwrap();
    for n in 0..200 {
        std::fs::write(scene.copy().join(format!("objects/pack/pack-{n}.pack")), "").unwrap();
    }
    let mirror = scene.http();
    scene.server.on(|seen| seen.body.windows(13).any(|at| at == b"command=fetch").then_some(Fault::Truncate(40)));
    temporary(mirror.fetch(), &["fetching commits"]);
    assert_eq!((packs(&scene), scene.copy().parent().unwrap().join("repo.git.new").exists()), (202, false));
    let base = mirror.fetch().unwrap();
    assert_eq!(read(&base, "apps/web/deploy.yaml"), DEPLOY);
    scene.server.heal();
    let head = scene.repo.push(&[("more.yaml", "1")], "more");
    assert_eq!(mirror.fetch().unwrap().commit().to_string(), head);
    assert_eq!(packs(&scene), 204);
}

#[test]
fn one_who_was_killed_between_two_copies_leaves_a_good_one() {
    let scene = Scene::new(FILES);
    scene.http().fetch().unwrap();
    let (copy, place) = (scene.copy(), scene.copy().parent().unwrap().to_owned());
    let (new, old) = (place.join("repo.git.new"), place.join("repo.git.old"));
    let half = |folder: &Path| {
        std::fs::create_dir_all(folder.join("objects/pack")).unwrap();
        std::fs::write(folder.join("objects/pack/.tmp1"), "PACK").unwrap();
    };
    let states: [Damage<'_>; 4] = [
        ("the new one is not whole", &|_| half(&new)),
        ("the old one has no place any more", &|copy| {
            half(&new);
            std::fs::rename(copy, &old).unwrap();
        }),
        ("the old one is not quite gone", &|_| half(&old)),
        ("there is none", &|copy| {
            half(&new);
            std::fs::remove_dir_all(copy).unwrap();
        }),
    ];
    for (what, kill) in states {
        kill(&copy);
        scene.server.take_log();
        let base = scene.http().fetch().unwrap();
        assert_eq!(read(&base, "apps/web/deploy.yaml"), DEPLOY, "{what}");
        let asked = scene.server.take_log().len();
        assert_eq!(asked, if what == "there is none" { 3 } else { 2 }, "{what}: nothing is fetched twice");
        let mut beside: Vec<_> =
            std::fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        beside.sort();
        assert_eq!(beside, ["lock", "repo.git"], "{what}");
    }
}

#[test]
fn objects_named_by_sha_256_are_refused_by_name() {
    let scene = Scene::new(FILES);
    let other = scene.root.path().join("sha256.git");
    git(scene.root.path(), &["init", "-q", "--bare", "-b", "main", "--object-format=sha256", other.to_str().unwrap()]);
    let mirror = Mirror::open(scene.options(&scene.server.url("sha256.git"))).unwrap();
    lasting(mirror.fetch(), &["sha256.git", "SHA-256", "not supported"]);
    let mirror = Mirror::open(scene.options(other.to_str().unwrap())).unwrap();
    lasting(mirror.fetch(), &["sha256.git", "SHA-256", "not supported"]);
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

//! Config repositories that are odd, or have odd things done to them: whatever is not ours stays as it is, what
//! stands in the way is said, and when it is gone everything goes on.

use std::ffi::OsStr;
use std::fs;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use super::listen::Listening;
use super::{SEMVER, Scene, deployment, wait};
use crate::binary::{Daemon, landwaiter, wait_until};
use crate::deploy::skipped;
use crate::git_server::git;
use crate::registry_server::Server;

const INTERVALS: [&str; 4] = ["--git-poll-interval", "1s", "--registry-poll-interval", "1s"];

/// Waits until the file on the server has this tag.
#[track_caller]
fn reaches(scene: &Scene, file: &str, tag: &str, daemon: &Daemon) {
    let image = format!("app:{tag}");
    wait_until(&image, || may_show(scene, file).contains(&image).then_some(()), || daemon.log());
}

/// The file on the server, or nothing where there is no branch.
fn may_show(scene: &Scene, file: &str) -> String {
    let mut command = Command::new("git");
    command.args(["show", &format!("main:{file}")]).current_dir(&scene.repo.bare).stderr(Stdio::null());
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

#[test]
fn a_branch_that_is_forced_rewritten_deleted_and_restored_is_followed_again() {
    let registry = wait(Server::good());
    registry.fill("app", &["1.0.0", "1.1.0"]);
    let image = format!("{}/app:1.0.0", registry.address);
    let scene = Scene::new(&[("a.yaml", &deployment("app", &SEMVER, &image))]);
    let bare = &scene.repo.bare;
    let first = scene.repo.head();
    let daemon = Daemon::start(&mut landwaiter(scene.home(), scene.args(&INTERVALS)));
    reaches(&scene, "a.yaml", "1.1.0", &daemon);

    // Moved back by force, to before our commit: nobody took the tag back in a commit.
    git(bare, &["update-ref", "refs/heads/main", &first]);
    reaches(&scene, "a.yaml", "1.1.0", &daemon);

    // Another history altogether.
    git(&scene.repo.work, &["checkout", "-q", "--orphan", "fresh"]);
    scene.repo.push(&[("b.yaml", &deployment("other", &SEMVER, &image))], "all over again");
    reaches(&scene, "b.yaml", "1.1.0", &daemon);

    // Gone, and back.
    let head = scene.repo.head();
    git(bare, &["branch", "elsewhere", "main"]);
    git(bare, &["update-ref", "-d", "refs/heads/main"]);
    daemon.wait_for_log("it has elsewhere");
    registry.fill("app", &["1.0.0", "1.1.0", "1.2.0"]);
    git(bare, &["update-ref", "refs/heads/main", &head]);
    reaches(&scene, "b.yaml", "1.2.0", &daemon);
    reaches(&scene, "a.yaml", "1.2.0", &daemon);
    let log = git(bare, &["log", "--format=%P", "main"]);
    assert!(log.lines().all(|parents| !parents.contains(' ')), "no merges");
    scene.is_sound();
}

#[test]
fn what_is_no_manifest_of_ours_stays_as_it_is_to_the_byte() {
    let registry = wait(Server::good());
    registry.fill("app", &["1.0.0", "1.1.0"]);
    let image = format!("{}/app:1.0.0", registry.address);
    let app = |name: &str| deployment(name, &SEMVER, &image);
    let pointer = "version https://git-lfs.github.com/spec/v1\n\
                   oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";
    let scene = Scene::new(&[
        ("apps/web.yaml", &app("lower")),
        ("apps/Web.yaml", &app("upper")),
        ("apps/WEB.yaml", "kind: List\n"),
        ("apps/chart.tgz", pointer),
        ("apps/large.yaml", pointer),
        (".gitattributes", "*.tgz filter=lfs diff=lfs merge=lfs -text\n"),
        (".gitmodules", "[submodule \"base\"]\n\tpath = apps/base\n\turl = https://git.example.com/base.git\n"),
        ("secret.yaml", &app("outside")),
    ]);
    let work = &scene.repo.work;
    for (target, link) in [
        ("web.yaml", "apps/link.yaml"),
        ("/etc/hostname", "apps/absolute.yaml"),
        ("../../../../etc/passwd", "apps/up.yaml"),
        ("../secret.yaml", "apps/out.yaml"),
        ("nowhere", "apps/dangling.yaml"),
        ("../..", "apps/folder"),
    ] {
        symlink(target, work.join(link)).unwrap();
    }
    let odd = [&b"apps/\xff\xfe.yaml"[..], b"apps/caf\xe9/app.yaml"];
    for path in odd {
        let path = work.join(Path::new(OsStr::from_bytes(path)));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, app("odd")).unwrap();
    }
    git(work, &["add", "-A"]);
    git(work, &["update-index", "--add", "--cacheinfo", "160000,1111111111111111111111111111111111111111,apps/base"]);
    git(work, &["commit", "-q", "-m", "odd"]);
    git(work, &["push", "-q", "origin", "HEAD:main"]);
    let tree = || git(&scene.repo.bare, &["ls-tree", "-r", "main"]);
    let before = tree();
    let ran = scene.once(&["--git-path", "apps"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.stderr.matches("passed over: the path is not UTF-8").count(), 2, "{}", ran.stderr);
    let after = tree();
    assert_eq!(before.lines().count(), after.lines().count());
    let changed: Vec<_> = before.lines().zip(after.lines()).filter(|(before, after)| before != after).collect();
    let changed: Vec<_> = changed.iter().map(|(_, after)| after.split('\t').nth(1).unwrap()).collect();
    assert_eq!(changed, ["apps/Web.yaml", "apps/web.yaml"], "each of the two for itself");
    for (file, name) in [("apps/Web.yaml", "upper"), ("apps/web.yaml", "lower")] {
        assert_eq!(scene.file(file) + "\n", app(name).replace("1.0.0", "1.1.0"));
    }
    scene.is_sound();
}

/// The most memory that a process ever had, in MB.
fn peak(pid: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() / 1024
}

#[test]
fn files_of_two_hundred_megabytes_stop_nothing_and_are_never_held_in_memory() {
    const SIZE: u64 = 200 << 20;
    let registry = wait(Server::good());
    registry.fill("app", &["1.0.0", "1.1.0"]);
    let image = format!("{}/app:1.0.0", registry.address);
    let scene = Scene::new(&[("a.yaml", &deployment("app", &SEMVER, &image))]);
    // As every forge has it.
    git(&scene.repo.bare, &["config", "uploadpack.allowFilter", "true"]);
    for (name, size) in [("movie.bin", SIZE / 5), ("dump.yaml", SIZE)] {
        fs::File::create(scene.repo.work.join(name)).unwrap().set_len(size).unwrap();
    }
    scene.repo.push(&[], "large");
    let daemon = Daemon::start(&mut landwaiter(scene.home(), scene.args(&INTERVALS)));
    reaches(&scene, "a.yaml", "1.1.0", &daemon);
    daemon.wait_for_log("dump.yaml:1:1");
    assert!(daemon.log().contains("larger than 32 MiB"), "{}", daemon.log());
    // Now with one that is larger than it was, next to a change of ours.
    git(&scene.repo.work, &["pull", "-q", "origin", "main"]);
    fs::File::options().write(true).open(scene.repo.work.join("movie.bin")).unwrap().set_len(SIZE / 4).unwrap();
    scene.repo.push(&[("b.yaml", &deployment("other", &SEMVER, &image))], "larger");
    reaches(&scene, "b.yaml", "1.1.0", &daemon);
    let peak = peak(daemon.id());
    assert!(peak < 150, "{peak} MB");
    // And small again: it is read like any other.
    git(&scene.repo.work, &["pull", "-q", "origin", "main"]);
    scene.repo.push(&[("dump.yaml", &deployment("dump", &SEMVER, &image))], "small");
    reaches(&scene, "dump.yaml", "1.1.0", &daemon);
    assert!(!daemon.log().contains("damaged"), "{}", daemon.log());
}

/// Whether this machine lets us have a place of our own for a disk; told where it does not.
fn may_mount() -> bool {
    let tried = Command::new("unshare").args(["-m", "mount", "-t", "tmpfs", "none", "/mnt"]).output();
    let may = tried.is_ok_and(|tried| tried.status.success());
    if !may {
        skipped("disks are not tested: this machine does not let us mount any");
    }
    may
}

/// The daemon, with a disk of its own under its data directory, after `mount` was done to it as `$DATA`.
fn on_a_disk(scene: &Scene, mount: &str) -> Daemon {
    Daemon::start(&mut with_a_disk(scene, mount, &[]))
}

fn with_a_disk(scene: &Scene, mount: &str, more: &[&str]) -> Command {
    let data = scene.home().join("data");
    fs::create_dir_all(&data).unwrap();
    let mut command = Command::new("unshare");
    let script = format!("{mount}; exec env -i HOME=\"$PWD\" PATH= \"$@\"");
    let args = scene.args(&[&INTERVALS[..], more].concat());
    command.args(["-m", "sh", "-ec", &script, "sh", env!("CARGO_BIN_EXE_landwaiter")]).args(args);
    command.env("DATA", data).current_dir(scene.home());
    command
}

#[test]
fn a_disk_that_is_full_is_told_and_when_there_is_room_everything_goes_on() {
    if !may_mount() {
        return;
    }
    let registry = wait(Server::good());
    registry.fill("app", &["1.0.0", "1.1.0"]);
    let image = format!("{}/app:1.0.0", registry.address);
    let scene = Scene::new(&[("a.yaml", &deployment("app", &SEMVER, &image))]);
    let mount = "mount -t tmpfs -o size=8m none \"$DATA\"";
    let listening = Listening::of(&mut with_a_disk(&scene, mount, &["--listen", "127.0.0.1:0"]));
    let daemon = &listening.daemon;
    reaches(&scene, "a.yaml", "1.1.0", daemon);
    // Somebody fills it up, to the last byte.
    let disk = Path::new("/proc").join(daemon.id().to_string()).join("root");
    let filler = disk.join(scene.home().strip_prefix("/").unwrap()).join("data/filler");
    fs::write(&filler, "").unwrap();
    let _ = std::io::copy(&mut std::io::repeat(b'x').take(16 << 20), &mut fs::File::create(&filler).unwrap());
    registry.fill("app", &["1.0.0", "1.1.0", "1.2.0"]);
    daemon.wait_for_log("No space left on device");
    daemon.wait_for_log("check that the data directory can be written and has room");
    assert!(scene.file("a.yaml").contains("app:1.1.0"));
    let is_failing = |is_it: bool| {
        let state = listening.get("/readyz").1.contains(r#""state":"failing""#);
        let series = r#"landwaiter_failing_since_timestamp_seconds{repository="config"}"#;
        (state == is_it && listening.get("/metrics").1.contains(series) == is_it).then_some(())
    };
    wait_until("health to say so", || is_failing(true), || daemon.log());
    fs::remove_file(&filler).unwrap();
    reaches(&scene, "a.yaml", "1.2.0", daemon);
    wait_until("health to say that it is over", || is_failing(false), || daemon.log());
    scene.is_sound();
}

#[test]
fn a_disk_that_is_read_only_is_told_and_when_it_is_not_everything_goes_on() {
    if !may_mount() {
        return;
    }
    let registry = wait(Server::good());
    registry.fill("app", &["1.0.0", "1.1.0"]);
    let image = format!("{}/app:1.0.0", registry.address);
    let scene = Scene::new(&[("a.yaml", &deployment("app", &SEMVER, &image))]);
    let read_only = "mount --bind \"$DATA\" \"$DATA\"; mount -o remount,bind,ro \"$DATA\"";
    // With nothing there, and with a copy from before.
    for tag in ["1.1.0", "1.2.0"] {
        let commits = scene.commits();
        registry.fill("app", &["1.0.0", "1.1.0", tag]);
        let mut daemon = on_a_disk(&scene, read_only);
        assert_eq!(daemon.wait(), Some(1), "{}", daemon.log());
        for words in ["Read-only file system", "check that the data directory can be written and has room"] {
            assert!(daemon.log().contains(words), "{words:?} in {}", daemon.log());
        }
        assert_eq!(scene.commits(), commits);
        reaches(&scene, "a.yaml", tag, &on_a_disk(&scene, "true"));
    }
    scene.is_sound();
}

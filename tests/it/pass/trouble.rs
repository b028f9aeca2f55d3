//! What stands in the way of a pass, and what must not get into it.

use crate::binary::landwaiter;
use crate::binary::run;
use crate::git_server::Repo;
use crate::registry_server::Server;
use std::process::Command;

use super::{SEMVER, Scene, deployment, wait};

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

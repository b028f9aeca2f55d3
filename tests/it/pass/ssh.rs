//! The main job over ssh: a deploy key made by the binary itself, a server that lets it do Git and nothing
//! else, and one commit.

use std::fs;

use super::{SEMVER, Scene, deployment, wait};
use crate::binary::{landwaiter, run};
use crate::registry_server::{Act, Server, say};
use crate::ssh_server::{GIT_SHELL, SshServer};

#[test]
fn from_a_new_key_to_a_commit() {
    let registry =
        wait(Server::start(
            |seen, _| {
                if seen.is_list() { say(200, &[], r#"{"tags":["1.0.0","1.1.0"]}"#) } else { Act::Pass }
            },
        ));
    let web = deployment("web", &SEMVER, &format!("{}/web:1.0.0", registry.address));
    let scene = Scene::new(&[("web.yaml", &web)]);
    let server = SshServer::start(scene.home(), "");
    let data = scene.home().join("data");
    let data_dir = data.to_str().unwrap();

    let identity =
        |more: &[&str]| run(&mut landwaiter(scene.home(), [&["identity", "--data-dir", data_dir], more].concat()));
    let made = identity(&["--output", "json"]);
    assert_eq!((made.code, made.json()["created"].as_bool()), (0, Some(true)), "{made:?}");
    let public = made.json()["public_key"].as_str().unwrap().to_owned();
    let shown = identity(&[]);
    let fingerprint = made.json()["fingerprint"].as_str().unwrap().to_owned();
    for part in [public.as_str(), &fingerprint, "It is in", "Allow write access", "Deploy keys"] {
        assert!(shown.stdout.contains(part), "{part:?} is missing in {shown:?}");
    }
    assert!(!shown.stdout.contains("PRIVATE"));

    let url = server.url(&scene.repo.bare);
    let pass = || run(&mut landwaiter(scene.home(), ["run", "--once", "--git-url", &url, "--data-dir", data_dir]));
    let stranger = pass();
    assert_eq!(stranger.code, 1);
    assert!(stranger.stderr.contains("nothing is known of the host"), "{stranger:?}");
    fs::write(data.join("known_hosts"), server.line("ed25519")).unwrap();
    let unknown_key = pass();
    assert!(unknown_key.stderr.contains(&fingerprint) && unknown_key.stderr.contains("deploy key"), "{unknown_key:?}");

    fs::write(data.join("identity.pub"), &public).unwrap();
    server.authorize(&data.join("identity"), GIT_SHELL);
    let ran = pass();
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(scene.file("web.yaml") + "\n", web.replace("web:1.0.0", "web:1.1.0"));
    scene.is_sound();

    let other = identity(&["--regenerate"]);
    assert!(other.stdout.contains("Made in") && !other.stdout.contains(&public), "{other:?}");
    assert!(pass().stderr.contains("does not know the key"));
    let file = identity(&["--key", "/dev/null/key"]);
    assert_eq!(file.code, 1, "{file:?}");
}

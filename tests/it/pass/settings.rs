//! What the configuration file says of single registries, over time.

use std::fs;

use super::{SEMVER, Scene, deployment, wait};
use crate::binary::{Daemon, landwaiter, wait_until};
use crate::registry_server::{Server, basic};

#[test]
fn a_credential_that_was_changed_is_used_without_a_restart() {
    let registry = wait(Server::start(basic("bob", "hunter2")));
    registry.fill("app", &["1.0.0", "1.1.0"]);
    let host = registry.address;
    let scene = Scene::new(&[("a.yaml", &deployment("app", &SEMVER, &format!("{host}/app:1.0.0")))]);
    fs::write(scene.home().join("password"), "bob:last-year\n").unwrap();
    let config = format!("registries:\n- prefix: {host}\n  interval: 1s\n  credentials: {{file: password}}\n");
    fs::write(scene.home().join("landwaiter.yaml"), config).unwrap();
    let args = ["--config", "landwaiter.yaml", "--git-poll-interval", "1s"];
    let daemon = Daemon::start(&mut landwaiter(scene.home(), scene.args(&args)));
    daemon.wait_for_log("password (user bob) was refused");
    // As Kubernetes does it: another file takes the place of the first.
    fs::write(scene.home().join("next"), "bob:hunter2\n").unwrap();
    fs::rename(scene.home().join("next"), scene.home().join("password")).unwrap();
    wait_until("the commit", || (scene.commits() == 2).then_some(()), || daemon.log());
    assert!(scene.file("a.yaml").contains("app:1.1.0"));
    assert!(!daemon.log().contains("hunter2"), "{}", daemon.log());
}

#[test]
fn the_interval_of_a_registry_or_a_part_of_it_is_its_own() {
    let (busy, calm) = (wait(Server::good()), wait(Server::good()));
    for server in [&busy, &calm] {
        server.fill("app", &["1.0.0"]);
        server.fill("rare/app", &["1.0.0"]);
    }
    let image = |server: &Server, path: &str| format!("{}/{path}:1.0.0", server.address);
    let scene = Scene::new(&[
        ("busy.yaml", &deployment("busy", &SEMVER, &image(&busy, "app"))),
        ("rare.yaml", &deployment("rare", &SEMVER, &image(&busy, "rare/app"))),
        ("calm.yaml", &deployment("calm", &SEMVER, &image(&calm, "app"))),
    ]);
    let host = busy.address;
    let config = format!("registries:\n- prefix: {host}\n  interval: 1s\n- prefix: {host}/rare\n  interval: 1h\n");
    fs::write(scene.home().join("landwaiter.yaml"), config).unwrap();
    let args = ["--config", "landwaiter.yaml", "--git-poll-interval", "1h", "--registry-poll-interval", "2h"];
    let daemon = Daemon::start(&mut landwaiter(scene.home(), scene.args(&args)));
    let lists = |server: &Server, path: &str| server.count(&format!("/v2/{path}/tags/list"));
    let count = |what: &str, number: usize| {
        wait_until(what, || (lists(&busy, "app") >= number).then_some(()), || daemon.log());
    };
    count("the first list", 1);
    for server in [&busy, &calm] {
        server.fill("app", &["1.0.0", "1.1.0"]);
        server.fill("rare/app", &["1.0.0", "1.1.0"]);
    }
    wait_until("the commit", || (scene.commits() == 2).then_some(()), || daemon.log());
    count("two more lists", lists(&busy, "app") + 2);
    assert!(scene.file("busy.yaml").contains("app:1.1.0"));
    assert_eq!((lists(&busy, "rare/app"), lists(&calm, "app")), (1, 1));
}

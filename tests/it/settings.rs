//! The configuration file, by the real binary: what is set for single registries, and who gets to see it.

mod check;
mod connections;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tempfile::TempDir;

use crate::binary::{Ran, landwaiter, run};
use crate::registry_server::{Act, Seen, Server, basic};

/// Runs a command with a configuration file, in a folder with these other files.
async fn ask(files: &[(&str, &str)], config: &str, args: &[&str]) -> Ran {
    let home = TempDir::new().unwrap();
    for (name, text) in files {
        fs::write(home.path().join(name), text).unwrap();
    }
    ask_in(home.path(), config, args).await
}

/// The same in a folder that is there.
async fn ask_in(home: &Path, config: &str, args: &[&str]) -> Ran {
    fs::write(home.join("landwaiter.yaml"), config).unwrap();
    let mut command = landwaiter(home, args);
    command.env("LANDWAITER_CONFIG", "landwaiter.yaml");
    let ran = tokio::task::spawn_blocking(move || run(&mut command)).await.unwrap();
    assert!(!format!("{ran:?}").contains("hunter2"), "{ran:?}");
    ran
}

/// Which tag `explain` takes of an image of version 1.
async fn newest(files: &[(&str, &str)], config: &str, image: &str) -> Ran {
    ask(files, config, &["explain", "--policy", "semver:1", "--image", image]).await
}

#[track_caller]
fn check_newest(ran: &Ran, tag: &str) {
    assert!(ran.code == 0 && ran.stdout.contains(&format!("update to {tag}")), "{ran:?}");
}

#[track_caller]
fn check_told(ran: &Ran, parts: &[&str]) {
    assert_eq!(ran.code, 1, "{ran:?}");
    for part in parts {
        assert!(ran.stderr.contains(part), "{part:?} is missing in: {}", ran.stderr);
    }
}

/// What was shown as a password.
fn shown(seen: &[Seen]) -> Vec<String> {
    let decode = |value: &String| BASE64_STANDARD.decode(value.strip_prefix("Basic ")?).ok();
    let mut shown: Vec<_> = seen.iter().filter_map(|seen| seen.authorization.as_ref().and_then(decode)).collect();
    shown.sort();
    shown.dedup();
    shown.into_iter().map(|bytes| String::from_utf8(bytes).unwrap()).collect()
}

/// A registry on this machine under a name that does not look like it (on Linux).
fn elsewhere(address: SocketAddr) -> String {
    format!("0.0.0.0:{}", address.port())
}

#[tokio::test]
async fn a_mirror_is_asked_in_its_place_and_each_sees_its_own_credential() {
    let upstream = Server::start(basic("bob", "hunter2-upstream")).await;
    let mirror = Server::start(basic("carol", "hunter2-mirror")).await;
    let image = upstream.fill("team/app", &["1.0.0", "1.1.0"]);
    let other = upstream.fill("else/app", &["1.0.0", "1.1.0"]);
    mirror.fill("proxies/quay/app", &["1.0.0", "1.2.0"]);
    let (host, mirror_host) = (upstream.address, mirror.address);
    let config = format!(
        "registries:\n- prefix: {host}\n  credentials: {{file: upstream}}\n- prefix: {host}/team\n  mirror: \
         {mirror_host}/proxies/quay\n- prefix: {mirror_host}\n  credentials: {{file: mirror}}\n"
    );
    let files = [("upstream", "bob:hunter2-upstream\n"), ("mirror", "carol:hunter2-mirror\n")];

    check_newest(&newest(&files, &config, &format!("{image}:1.0.0")).await, "1.2.0");
    assert_eq!((upstream.log().len(), shown(&mirror.log())), (0, vec!["carol:hunter2-mirror".to_owned()]));
    check_newest(&newest(&files, &config, &format!("{other}:1.0.0")).await, "1.1.0");
    assert_eq!(shown(&upstream.log()), ["bob:hunter2-upstream"]);

    // Its images are looked at there too.
    let by_time = ["explain", "--policy", "glob:*", "--image", &format!("{image}:1.0.0")];
    check_newest(&ask(&files, &config, &by_time).await, "1.2.0");
    assert!(mirror.count("/proxies/quay/app/manifests/") > 0 && upstream.count("/team/") == 0);

    // Without a credential of its own the mirror gets none, though the upstream has one.
    let asked = mirror.log().len();
    let config = config.replace("credentials: {file: mirror}", "credentials: anonymous");
    let ran = newest(&files, &config, &format!("{image}:1.0.0")).await;
    check_told(&ran, &[&image.to_string(), &format!("http://{mirror_host}/v2/proxies/quay/app/tags/list"), "log in"]);
    assert_eq!(shown(&mirror.log()[asked..]), [""; 0]);
}

#[tokio::test]
async fn without_tls_a_registry_is_told_of_loudly_and_sees_no_credential() {
    let server = Server::start(basic("bob", "hunter2")).await;
    server.fill("app", &["1.0.0", "1.1.0"]);
    let open = Server::good().await;
    open.fill("app", &["1.0.0", "1.1.0"]);
    let files = [("password", "bob:hunter2\n")];
    let plain = |host: &str| format!("registries:\n- prefix: {host}\n  insecure-plain-http: true\n");

    let host = elsewhere(open.address);
    let ran = newest(&files, &plain(&host), &format!("{host}/app:1.0.0")).await;
    check_newest(&ran, "1.1.0");
    let loud = "WARN this registry is spoken to without TLS: whoever is on the way reads what is sent";
    assert!(ran.stderr.contains(loud) && ran.stderr.contains(&format!("registry={host}")), "{ran:?}");
    assert_eq!(ran.stderr.matches("WARN").count(), 1, "{ran:?}");

    let host = elsewhere(server.address);
    let image = format!("{host}/app:1.0.0");
    let closed = plain(&host) + "  credentials: {file: password}\n";
    let ran = newest(&files, &closed, &image).await;
    let told = format!("(user bob) is not shown to {host}, which is spoken to without TLS");
    check_told(&ran, &[&told, "`insecure-credentials: true`", "`credentials: anonymous`"]);
    assert!(shown(&server.log()).is_empty());
    check_newest(&newest(&files, &(closed + "  insecure-credentials: true\n"), &image).await, "1.1.0");

    // On this machine nobody is on the way.
    let host = server.address;
    let config = format!("registries:\n- prefix: {host}\n  credentials: {{file: password}}\n");
    let ran = newest(&files, &config, &format!("{host}/app:1.0.0")).await;
    check_newest(&ran, "1.1.0");
    assert!(!ran.stderr.contains("WARN"), "{ran:?}");
}

#[tokio::test]
async fn what_the_command_line_says_comes_first() {
    let server = Server::start(basic("bob", "hunter2")).await;
    let image = format!("{}:1.0.0", server.fill("app", &["1.0.0", "1.1.0"]));
    let host = server.address;
    let files = [("old", "bob:hunter2-old\n"), ("new", "bob:hunter2\n")];
    let config = format!("registries:\n- prefix: {host}\n  credentials: {{file: old}}\n  rate: 100\n");
    let explain = ["explain", "--policy", "semver:1", "--image", &image];
    check_told(&ask(&files, &config, &explain).await, &["old (user bob) was refused"]);
    let pair = format!("{host}=new");
    let over = ask(&files, &config, &[&explain[..], &["--registry-credentials", &pair]].concat()).await;
    check_newest(&over, "1.1.0");
}

#[tokio::test]
async fn mistakes_in_the_file_end_the_command_before_anything_is_asked() {
    let server = Server::start(|_, _| Act::Hang).await;
    let image = format!("{}/app:1.0.0", server.address);
    for (config, told) in [
        ("registries:\n- prefx: ghcr.io\n", "landwaiter.yaml:2:3: unknown field `prefx`, expected one of prefix, "),
        ("registries:\n- prefix: ghcr.io\n  interval: soon\n", "landwaiter.yaml:3:13: `soon` is no interval: "),
        (
            "registries:\n- prefix: ghcr.io\n  credentials: {file: gone}\n",
            "landwaiter.yaml:3:16: the credentials in gone cannot be read: No such file",
        ),
        (
            "registries:\n- prefix: ghcr.io\n  ca-bundle: gone\n",
            "landwaiter.yaml:3:14: gone for ghcr.io: cannot be read: No such file",
        ),
        (
            "registries:\n- prefix: ghcr.io\n  ca-bundle: landwaiter.yaml\n",
            "landwaiter.yaml:3:14: landwaiter.yaml for ghcr.io: there is no certificate of an authority in it; write one in PEM",
        ),
    ] {
        check_told(&newest(&[], config, &image).await, &["error: ", told]);
    }
    assert_eq!(server.log().len(), 0);
    let mut command = landwaiter(Path::new("/"), ["explain", "--policy", "semver:1", "--image", &image]);
    let ran = run(command.args(["--config", "/nowhere/landwaiter.yaml"]));
    check_told(&ran, &["the configuration file /nowhere/landwaiter.yaml cannot be read: No such file"]);
}

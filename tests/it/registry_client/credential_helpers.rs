//! Credential helpers: programs of every mood. They live in `fixtures/credential-helpers`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use landwaiter::registry::{Client, Options};
use serde_json::json;

use super::{check_error, client_with_config, options, tags};
use crate::registry_server::{Server, basic};

#[tokio::test]
async fn a_helper_is_asked_for_the_host() {
    for config in [json!({"credHelpers": {"HOST": "echo"}}), json!({"auths": {"HOST": {}}, "credsStore": "echo"})] {
        let server = Server::start(|seen, address| basic("robot", &format!("for-{address}"))(seen, address)).await;
        let repository = server.fill("web", &["a"]);
        let config = config.to_string().replace("HOST", repository.registry().as_str());
        let (client, _folder) = client_with_config(&serde_json::from_str(&config).unwrap());
        assert_eq!(tags(&client, &repository).await.unwrap(), "a");
    }
}

#[tokio::test]
async fn a_helper_that_knows_nothing_leaves_it_to_the_entries() {
    let server = Server::start(basic("bob", "hunter2")).await;
    let repository = server.fill("web", &["a"]);
    let host = repository.registry().as_str();
    let entry = json!({"username": "bob", "password": "hunter2"});
    let (client, _folder) = client_with_config(&json!({"credHelpers": {host: "none"}, "auths": {host: entry}}));
    assert_eq!(tags(&client, &repository).await.unwrap(), "a");

    let (client, _folder) = client_with_config(&json!({"credsStore": "none"}));
    let error = tags(&client, &repository).await.unwrap_err();
    check_error(&error, false, &["log in: no credential"]);
}

#[tokio::test]
async fn a_broken_helper_is_named() {
    let server = Server::start(basic("bob", "hunter2")).await;
    let repository = server.repository("web");
    let open = Server::good().await;
    let public = open.fill("web", &["a"]);
    for (name, problem) in [
        ("junk", "docker-credential-junk printed no JSON"),
        ("fails", "docker-credential-fails failed with exit status: 3: the vault is sealed"),
        ("no-such", "docker-credential-no-such cannot be started"),
        ("../echo", "is no name of a credential helper"),
    ] {
        let (client, _folder) = client_with_config(&json!({"credHelpers": {repository.registry().as_str(): name}}));
        let error = tags(&client, &repository).await.unwrap_err();
        check_error(&error, false, &[problem]);
        assert_eq!(tags(&client, &public).await.unwrap(), "a", "the other registries go on");
    }
}

#[tokio::test]
async fn a_helper_that_hangs_is_ended() {
    let server = Server::start(basic("bob", "hunter2")).await;
    let repository = server.repository("web");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    fs::write(&path, json!({"credsStore": "hangs"}).to_string()).unwrap();
    let helpers = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/credential-helpers");
    let timeout = Duration::from_millis(500);
    let options = Options { docker_config: Some(path), helper_folders: vec![helpers], timeout, ..options() };
    let error = tags(&Client::new(options).unwrap(), &repository).await.unwrap_err();
    check_error(&error, false, &["docker-credential-hangs gave no answer within 500ms"]);
}

#[tokio::test]
async fn a_helper_that_talks_for_ever_is_not_listened_to() {
    let server = Server::start(basic("bob", "hunter2")).await;
    let repository = server.fill("web", &["a"]);
    let (client, _folder) = client_with_config(&json!({"credsStore": "floods"}));
    let error = tags(&client, &repository).await.unwrap_err();
    check_error(&error, false, &["docker-credential-floods printed more than 65536 bytes"]);
}

#[tokio::test]
async fn a_helper_that_leaves_a_program_behind_has_answered_when_it_ends() {
    let server = Server::start(basic("bob", "hunter2")).await;
    let repository = server.fill("web", &["a"]);
    let (client, _folder) = client_with_config(&json!({"credsStore": "leaves"}));
    let start = std::time::Instant::now();
    assert_eq!(tags(&client, &repository).await.unwrap(), "a");
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
}

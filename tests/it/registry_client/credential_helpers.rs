//! Credential helpers: programs of every mood. They live in `fixtures/credential-helpers`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use landwaiter::registry::{Client, CredentialSource, Options, Prefix, Site, Sites};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{check_error, client_with_config, options, tags};
use crate::registry_server::{Server, basic, bearer};

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

/// A client that gives a helper half a second.
fn impatient_client(config: &Value) -> (Client, TempDir) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("config.json");
    fs::write(&path, config.to_string()).unwrap();
    let helpers = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/credential-helpers");
    let timeout = Duration::from_millis(500);
    let options = Options { docker_config: Some(path), helper_folders: vec![helpers], timeout, ..options() };
    (Client::new(options).unwrap(), folder)
}

/// Puts a helper into a folder that does what a script says.
fn install(folder: &Path, name: &str, script: &str) {
    fs::write(folder.join("says"), script).unwrap();
    let helper = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/credential-helpers/docker-credential-says");
    symlink(helper, folder.join(format!("docker-credential-{name}"))).unwrap();
}

#[tokio::test]
async fn a_helper_that_hangs_is_ended() {
    let server = Server::start(basic("bob", "hunter2")).await;
    let repository = server.repository("web");
    let (client, _folder) = impatient_client(&json!({"credsStore": "hangs"}));
    let error = tags(&client, &repository).await.unwrap_err();
    check_error(&error, false, &["docker-credential-hangs gave no answer within 500ms"]);
}

#[tokio::test]
async fn a_helper_that_hangs_does_not_hang_for_each_repository_anew() {
    let server = Server::start(basic("bob", "hunter2")).await;
    let repositories: Vec<_> = (0..40).map(|number| server.fill(&format!("r{number}"), &["a"])).collect();
    let (client, _folder) = impatient_client(&json!({"credsStore": "hangs"}));
    let start = std::time::Instant::now();
    let together = join_all(repositories.iter().take(20).map(|repository| tags(&client, repository))).await;
    for error in together.into_iter().map(Result::unwrap_err) {
        check_error(&error, false, &["docker-credential-hangs gave no answer within 500ms"]);
    }
    for repository in &repositories[20..] {
        let error = tags(&client, repository).await.unwrap_err();
        check_error(&error, false, &["docker-credential-hangs gave no answer within 500ms"]);
    }
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
}

#[tokio::test]
async fn without_the_helper_for_everything_what_everybody_may_see_is_seen() {
    let open = Server::start(bearer(usize::MAX)).await;
    let public = open.fill("web", &["a"]);
    let closed = Server::start(basic("bob", "hunter2")).await;
    let private = closed.fill("web", &["a"]);
    let (client, folder) = client_with_config(&json!({"credsStore": "no-such"}));
    assert_eq!(tags(&client, &public).await.unwrap(), "a");
    let error = tags(&client, &private).await.unwrap_err();
    check_error(
        &error,
        false,
        &["answered 401", "log in: the credential helper docker-credential-no-such cannot be started"],
    );

    // A helper that is named for this registry, or that is there and fails, is another matter.
    let host = public.registry().as_str();
    for config in [json!({"credHelpers": {host: "no-such"}}), json!({"credsStore": "fails"})] {
        let (client, _folder) = client_with_config(&config);
        check_error(&tags(&client, &public).await.unwrap_err(), false, &["the credential helper docker-credential-"]);
    }

    // Once it is installed, it is asked.
    let config = json!({"credsStore": "late"}).to_string();
    fs::write(folder.path().join("config.json"), config).unwrap();
    let late = Options {
        docker_config: Some(folder.path().join("config.json")),
        helper_folders: vec![folder.path().to_owned()],
        ..options()
    };
    let client = Client::new(late).unwrap();
    check_error(&tags(&client, &private).await.unwrap_err(), false, &["docker-credential-late cannot be started"]);
    install(folder.path(), "late", r#"printf '{"Username":"bob","Secret":"hunter2"}'"#);
    assert_eq!(tags(&client, &private).await.unwrap(), "a");
}

#[tokio::test]
async fn what_a_helper_prints_is_an_answer_or_it_is_not() {
    let server = Server::start(basic("bob", "hunter2")).await;
    let repository = server.fill("web", &["a"]);
    for (script, told) in [
        (r#"printf '{"Username":"bob","Secret":"hunter2"}\n\n'"#, None),
        (r#"yes noise | head -c 30000 >&2; printf '{"Username":"bob","Secret":"hunter2"}'"#, None),
        (r#"exec <&-; printf '{"Username":"bob","Secret":"hunter2"}'"#, None),
        (r#"printf '{"Username":"bob","Secret":"hunter2"} and more'"#, Some("printed no JSON")),
        (r#"printf '{"Username":"bob"}'"#, Some("printed no JSON with `Username` and `Secret`")),
        (r"printf '\377\376hunter2'", Some("printed no JSON")),
        ("", Some("printed no JSON")),
        (r#"printf '{"Username":"bob","Secret":""}'"#, Some("log in: no credential")),
        (r"printf 'hunter2'; kill -9 $$", Some("failed with signal: 9")),
        ("yes hunter2", Some("printed more than 65536 bytes")),
        // Whether its line breaks before it is told to stop is a matter of luck.
        ("yes noise >&2", Some("the credential helper docker-credential-ours ")),
    ] {
        let folder = tempfile::tempdir().unwrap();
        install(folder.path(), "ours", script);
        let prefix = Prefix::whole(repository.registry().clone());
        let site = Site { credential: Some(CredentialSource::Helper("ours".into())), ..Site::new(prefix) };
        let helper_folders = vec![folder.path().to_owned()];
        let client = Client::new(Options { sites: Sites::new(vec![site]), helper_folders, ..options() }).unwrap();
        match (tags(&client, &repository).await, told) {
            (Ok(found), None) => assert_eq!(found, "a", "{script}"),
            (Err(error), Some(told)) => check_error(&error, false, &[told]),
            (found, told) => panic!("{script}: {found:?} {told:?}"),
        }
    }
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

//! Logging in: tokens, passwords, and who gets to see them.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use landwaiter::registry::{Client, CredentialSource, Options, Prefix, Site, Sites};
use serde_json::json;

use super::{check_error, client, client_for_bob, client_with_config, created, options, tags};
use crate::registry_server::{Act, Server, basic, bearer, closed, refuse, say};

#[tokio::test]
async fn one_anonymous_token_serves_many_requests() {
    let server = Server::start(bearer(usize::MAX)).await;
    let repository = server.fill("team/web", &["a", "b", "c"]);
    let client = client();
    assert_eq!(tags(&client, &repository).await.unwrap(), "a b c");
    created(&client, &repository, &["a", "b", "c"]).await.unwrap();
    let log = server.log();
    let token: Vec<_> = log.iter().filter(|seen| seen.is_token()).collect();
    assert_eq!(token.len(), 1);
    assert_eq!(token[0].query, "service=test&scope=repository%3Ateam%2Fweb%3Apull");
    assert_eq!((token[0].method.as_str(), &token[0].authorization), ("GET", &None));
    assert_eq!(log[0].authorization, None);
    assert_eq!(log.len(), 1 + 1 + 1 + 3 + 3);
}

#[tokio::test]
async fn many_requests_at_once_fetch_one_token() {
    let server = Server::start(bearer(usize::MAX)).await;
    let repository = server.fill("web", &["a", "b", "c", "d"]);
    created(&client(), &repository, &["a", "b", "c", "d"]).await.unwrap();
    assert_eq!(server.count("/token"), 1);
}

#[tokio::test]
async fn a_token_that_runs_out_between_pages_is_renewed() {
    let server = Server::start(bearer(1)).await;
    let repository = server.fill("web", &["a", "b", "c"]);
    let client = Client::new(Options { page_size: 1, ..options() }).unwrap();
    assert_eq!(tags(&client, &repository).await.unwrap(), "a b c");
    assert_eq!(server.count("/token"), 3);
}

#[tokio::test]
async fn a_token_with_a_short_life_is_renewed_before_it_is_refused() {
    let server = Server::start(|seen, address| {
        let is_let_in = seen.authorization.is_some() && !seen.is_token();
        if is_let_in { Act::Pass } else { closed(seen, address, say(200, &[], r#"{"token":"t","expires_in":0}"#)) }
    })
    .await;
    let repository = server.fill("web", &["a"]);
    let client = client();
    for requests in [3, 5, 7] {
        assert_eq!(tags(&client, &repository).await.unwrap(), "a");
        assert_eq!(server.log().len(), requests);
    }
}

#[tokio::test]
async fn a_credential_goes_to_the_token_server_and_its_token_to_the_registry() {
    let tokens = Server::start(|_, _| say(200, &[], r#"{"token":"for-bob"}"#)).await;
    let realm = format!(r#"Bearer realm="http://{}/token",service="test", Basic realm="x""#, tokens.address);
    let server = Server::start(move |seen, _| match seen.authorization.as_deref() {
        Some("Bearer for-bob") => Act::Pass,
        _ => refuse(&realm),
    })
    .await;
    let repository = server.fill("web", &["a"]);
    let (client, _folder) = client_for_bob(&repository, "hunter2");
    assert_eq!(tags(&client, &repository).await.unwrap(), "a");
    let basic = format!("Basic {}", BASE64_STANDARD.encode("bob:hunter2"));
    assert_eq!(tokens.log()[0].authorization, Some(basic));
    let seen: Vec<_> = server.log().into_iter().map(|seen| seen.authorization).collect();
    assert_eq!(seen, [None, Some("Bearer for-bob".to_owned())]);
}

#[tokio::test]
async fn an_identity_token_is_traded_for_an_access_token() {
    let server = Server::start(bearer(usize::MAX)).await;
    let repository = server.fill("web", &["a"]);
    let host = repository.registry().as_str();
    for config in [
        json!({"auths": {host: {"auth": BASE64_STANDARD.encode("0000:"), "identitytoken": "refresh-me"}}}),
        json!({"credHelpers": {host: "token"}}),
    ] {
        let (client, _folder) = client_with_config(&config);
        assert_eq!(tags(&client, &repository).await.unwrap(), "a");
        let log = server.log();
        let request = log.iter().rfind(|seen| seen.is_token()).unwrap();
        assert_eq!((request.method.as_str(), &request.authorization, request.query.as_str()), ("POST", &None, ""));
        assert_eq!(
            request.body,
            "grant_type=refresh_token&client_id=landwaiter&service=test&scope=repository%3Aweb%3Apull\
             &refresh_token=refresh-me"
        );
    }
}

#[tokio::test]
async fn an_identity_token_is_not_sent_on_by_a_redirect_and_is_no_password() {
    let thief = Server::good().await;
    let target = format!("http://{}/token", thief.address);
    let server =
        Server::start(move |seen, address| closed(seen, address, say(307, &[("location", &target)], ""))).await;
    let repository = server.repository("web");
    let config = json!({"auths": {repository.registry().as_str(): {"identitytoken": "hunter2"}}});
    let (client, _folder) = client_with_config(&config);
    let error = tags(&client, &repository).await.unwrap_err();
    check_error(&error, false, &["the token server redirects to", "a secret is not sent on"]);
    assert_eq!(thief.log().len(), 0);

    let server = Server::start(basic("bob", "x")).await;
    let repository = server.repository("web");
    let config = json!({"auths": {repository.registry().as_str(): {"identitytoken": "hunter2"}}});
    let (client, _folder) = client_with_config(&config);
    let error = tags(&client, &repository).await.unwrap_err();
    check_error(&error, false, &["is for a token server", "give user and password"]);
}

#[tokio::test]
async fn a_refused_credential_is_named_by_its_place() {
    let words = r#"{"details":"incorrect username or password"}"#;
    let server = Server::start(move |seen, address| closed(seen, address, say(401, &[], words))).await;
    let repository = server.repository("web");
    let (client_of_bob, folder) = client_for_bob(&repository, "hunter2");
    let error = tags(&client_of_bob, &repository).await.unwrap_err();
    let config = folder.path().join("config.json");
    let parts = ["/token: ", "(incorrect username or password)", config.to_str().unwrap(), "(user bob) was refused"];
    check_error(&error, false, &parts);
    let error = tags(&client(), &repository).await.unwrap_err();
    check_error(&error, false, &["/token: ", "log in: no credential"]);

    let insufficient = Server::start(bearer(0)).await;
    let repository = insufficient.repository("web");
    let (client_of_bob, _folder) = client_for_bob(&repository, "hunter2");
    let error = tags(&client_of_bob, &repository).await.unwrap_err();
    check_error(&error, false, &["/tags/list: ", "answered 401", "give it the right to pull"]);
    assert_eq!(insufficient.log().len(), 3);
}

#[tokio::test]
async fn a_broken_token_server_is_named() {
    for (body, problem) in [("<html>", "the token server sent no JSON"), ("{}", "the token server sent no `token`")] {
        let server = Server::start(move |seen, address| closed(seen, address, say(200, &[], body))).await;
        let error = tags(&client(), &server.repository("web")).await.unwrap_err();
        check_error(&error, false, &["/token: ", problem]);
    }
}

#[tokio::test]
async fn a_realm_that_is_no_url_means_the_password_itself() {
    let expected = format!("Basic {}", BASE64_STANDARD.encode("bob:hunter2"));
    let server = Server::start(move |seen, _| match &seen.authorization {
        Some(authorization) if *authorization == expected => Act::Pass,
        _ => refuse(r#"Bearer realm="token server",service="x""#),
    })
    .await;
    let repository = server.fill("web", &["a"]);
    let (client, _folder) = client_for_bob(&repository, "hunter2");
    assert_eq!(tags(&client, &repository).await.unwrap(), "a");
}

#[tokio::test]
async fn a_registry_that_hides_what_is_private_is_knocked_at() {
    for hiding in [403, 404] {
        let expected = format!("Basic {}", BASE64_STANDARD.encode("bob:hunter2"));
        let server = Server::start(move |seen, _| match &seen.authorization {
            Some(authorization) if *authorization == expected => Act::Pass,
            _ if seen.path == "/v2/" => refuse("Basic realm=x"),
            _ => say(hiding, &[], ""),
        })
        .await;
        let repository = server.fill("web", &["a"]);
        let (client_of_bob, _folder) = client_for_bob(&repository, "hunter2");
        assert_eq!(tags(&client_of_bob, &repository).await.unwrap(), "a");
        let error = tags(&client(), &repository).await.unwrap_err();
        check_error(&error, false, &[&format!("answered {hiding}")]);
    }
}

#[tokio::test]
async fn a_rotated_password_is_taken_up() {
    let password = Arc::new(Mutex::new("first"));
    let shared = Arc::clone(&password);
    let server = Server::start(move |seen, address| basic("bob", *shared.lock().unwrap())(seen, address)).await;
    let repository = server.fill("web", &["a"]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("password");
    fs::write(&path, "bob:first\n").unwrap();
    let source = CredentialSource::File(path.clone());
    let site = Site { credential: Some(source), ..Site::new(Prefix::whole(repository.registry().clone())) };
    let client = Client::new(Options { sites: Sites::new(vec![site]), ..options() }).unwrap();
    assert_eq!(tags(&client, &repository).await.unwrap(), "a");

    *password.lock().unwrap() = "second one";
    let error = tags(&client, &repository).await.unwrap_err();
    check_error(&error, false, &[path.to_str().unwrap(), "was refused"]);
    fs::write(&path, "bob:second one\n").unwrap();
    assert_eq!(tags(&client, &repository).await.unwrap(), "a");
}

#[test]
fn a_missing_credential_file_is_known_at_the_start() {
    let docker_config = Some(PathBuf::from("/nowhere/config.json"));
    let error = Client::new(Options { docker_config, ..options() }).map(|_| ()).unwrap_err();
    check_error(&error, false, &["/nowhere/config.json cannot be read"]);
    assert_eq!(error.repository(), None);
}

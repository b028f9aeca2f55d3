//! How few requests it takes to be let in, and that nobody knocks again and again with what was refused.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use landwaiter::registry::{Client, CredentialSource, Options, Prefix, Site, Sites};

use super::{check_error, client, client_for_bob, created, options, tags};
use crate::registry_server::{Act, Server, basic, bearer, closed, refuse, say};

#[tokio::test]
async fn what_one_repository_was_asked_for_the_others_bring_along() {
    let server = Server::start(|seen, address| match seen.query.split("repository%3A").nth(1) {
        Some(scope) if seen.is_token() => {
            let path = scope.split("%3A").next().unwrap();
            say(200, &[], format!(r#"{{"token":"for-{path}","expires_in":300}}"#))
        }
        _ if seen
            .authorization
            .as_ref()
            .is_some_and(|token| seen.path.contains(&token.replace("Bearer for-", "/"))) =>
        {
            Act::Pass
        }
        _ => closed(seen, address, Act::Hang),
    })
    .await;
    let repositories: Vec<_> = (0..20).map(|number| server.fill(&format!("r{number}"), &["a"])).collect();
    let client = client();
    for repository in &repositories {
        assert_eq!(tags(&client, repository).await.unwrap(), "a");
    }
    assert_eq!((server.count("/token"), server.count("/tags/list")), (20, 21), "only the first one was refused");
    for repository in &repositories {
        tags(&client, repository).await.unwrap();
    }
    assert_eq!((server.count("/token"), server.count("/tags/list")), (20, 41));
}

#[tokio::test]
async fn a_repository_for_everybody_needs_no_token() {
    let inner = bearer(usize::MAX);
    let server =
        Server::start(move |seen, address| if seen.path.contains("/open") { Act::Pass } else { inner(seen, address) })
            .await;
    let open: Vec<_> = (0..5).map(|number| server.fill(&format!("open{number}"), &["a"])).collect();
    let closed = server.fill("closed", &["a"]);
    let client = client();
    for _ in 0..3 {
        for repository in open.iter().chain([&closed]) {
            assert_eq!(tags(&client, repository).await.unwrap(), "a");
        }
    }
    assert_eq!(server.log().len(), 3 * 6 + 2);
}

#[tokio::test]
async fn a_token_for_every_repository_is_fetched_once() {
    let server = Server::start(|seen, address| match seen.authorization.as_deref() {
        Some("Bearer for-all") => Act::Pass,
        _ if seen.is_token() => say(200, &[], r#"{"token":"for-all"}"#),
        _ => refuse(&format!(r#"Bearer realm="http://{address}/token",service="test",scope="aws""#)),
    })
    .await;
    let repositories: Vec<_> = (0..10).map(|number| server.fill(&format!("r{number}"), &["a"])).collect();
    let client = client();
    for found in join_all(repositories.iter().map(|repository| tags(&client, repository))).await {
        assert_eq!(found.unwrap(), "a");
    }
    let log = server.log();
    let token: Vec<_> = log.iter().filter(|seen| seen.is_token()).collect();
    assert_eq!((token.len(), token[0].query.as_str()), (1, "service=test&scope=aws"));
}

#[tokio::test]
async fn a_burst_of_refusals_is_one_request_for_a_token() {
    // The first token is taken back, while many requests are on their way.
    let uses = AtomicUsize::new(0);
    let server = Server::start(move |seen, address| match seen.authorization.as_deref() {
        Some("Bearer token-0") if uses.fetch_add(1, Ordering::SeqCst) < 1 => Act::Pass,
        Some("Bearer token-1") => Act::Pass,
        _ => closed(seen, address, say(200, &[], format!(r#"{{"token":"token-{}","expires_in":300}}"#, seen.before))),
    })
    .await;
    let names: Vec<String> = (0..8).map(|number| format!("t{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let repository = server.fill("web", &names);
    let client = client();
    tags(&client, &repository).await.unwrap();
    created(&client, &repository, &names).await.unwrap();
    assert_eq!(server.count("/token"), 2);
}

#[tokio::test]
async fn a_token_that_opens_nothing_is_not_fetched_again() {
    let server = Server::start(bearer(0)).await;
    let repository = server.repository("web");
    let (client, _folder) = client_for_bob(&repository, "hunter2");
    for requests in [3, 4, 5] {
        let error = tags(&client, &repository).await.unwrap_err();
        check_error(&error, false, &["/tags/list: ", "answered 401", "give it the right to pull"]);
        assert_eq!(server.log().len(), requests);
    }
    assert_eq!(server.count("/token"), 1);
}

#[tokio::test]
async fn a_password_that_is_refused_again_and_again_is_not_shown_again() {
    let words = r#"{"details":"incorrect username or password"}"#;
    for has_tokens in [true, false] {
        let server = Server::start(move |seen, address| {
            if !has_tokens {
                return basic("bob", "second")(seen, address);
            }
            let is_bob = matches!(basic("bob", "second")(seen, address), Act::Pass);
            let token = if is_bob { say(200, &[], r#"{"token":"t"}"#) } else { say(401, &[], words) };
            if seen.authorization.as_deref() == Some("Bearer t") { Act::Pass } else { closed(seen, address, token) }
        })
        .await;
        let repositories: Vec<_> = (0..20).map(|number| server.fill(&format!("r{number}"), &["a"])).collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        fs::write(&path, "bob:hunter2\n").unwrap();
        let prefix = Prefix::whole(repositories[0].registry().clone());
        let site = Site { credential: Some(CredentialSource::File(path.clone())), ..Site::new(prefix) };
        let client = Client::new(Options { sites: Sites::new(vec![site]), ..options() }).unwrap();
        for (number, repository) in repositories.iter().enumerate() {
            let error = tags(&client, repository).await.unwrap_err();
            let parts = if number < 5 {
                ["(user bob) was refused", "renew it"]
            } else {
                ["(user bob) was refused by ", "5 times in a row and is not shown again for "]
            };
            check_error(&error, false, &parts);
        }
        let shown = || server.log().iter().filter(|seen| seen.authorization.is_some()).count();
        assert_eq!(shown(), 5);
        fs::write(&path, "bob:second\n").unwrap();
        for repository in &repositories {
            assert_eq!(tags(&client, repository).await.unwrap(), "a", "what was renewed is shown at once");
        }
    }
}

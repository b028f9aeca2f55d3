//! Redirects: followed, but the credential stays at home.

use super::{check_error, client, client_for_bob, created, tags};
use crate::registry_server::{Act, Server, basic, closed, say};

#[tokio::test]
async fn a_redirected_blob_is_fetched_without_the_credential() {
    let storage = Server::good().await;
    let target = storage.address;
    let inner = basic("bob", "hunter2");
    let server = Server::start(move |seen, address| match inner(seen, address) {
        Act::Pass if seen.path.contains("/blobs/") => {
            // The same machine, but another port: another origin.
            say(307, &[("location", &format!("http://{target}{}?X-Amz-Signature=hunter2", seen.path))], "")
        }
        act => act,
    })
    .await;
    let repository = server.fill("web", &["a"]);
    storage.fill("web", &["a"]);
    let (client, _folder) = client_for_bob(&repository, "hunter2");
    assert_eq!(created(&client, &repository, &["a"]).await.unwrap(), "a=2023-11-14T22:13:20Z");
    let log = storage.log();
    assert_eq!((log.len(), &log[0].authorization), (1, &None));
}

#[tokio::test]
async fn a_redirect_on_the_same_host_keeps_the_credential() {
    let inner = basic("bob", "hunter2");
    let server = Server::start(move |seen, address| match inner(seen, address) {
        Act::Pass if seen.path == "/v2/old/tags/list" => say(301, &[("location", "/v2/new/tags/list")], ""),
        act => act,
    })
    .await;
    server.fill("new", &["a"]);
    let repository = server.repository("old");
    let (client, _folder) = client_for_bob(&repository, "hunter2");
    assert_eq!(tags(&client, &repository).await.unwrap(), "a");
}

#[tokio::test]
async fn a_host_that_a_redirect_leads_to_cannot_ask_for_the_credential() {
    let thief = Server::start(|seen, address| closed(seen, address, say(200, &[], r#"{"token":"t"}"#))).await;
    let target = format!("http://{}/v2/web/tags/list", thief.address);
    let server = Server::start(move |_, _| say(302, &[("location", &target)], "")).await;
    let repository = server.repository("web");
    let (client, _folder) = client_for_bob(&repository, "hunter2");
    let error = tags(&client, &repository).await.unwrap_err();
    check_error(&error, false, &["answered 401"]);
    assert_eq!(thief.count("/token"), 0);
    assert!(thief.log().iter().all(|seen| seen.authorization.is_none()));
}

#[tokio::test]
async fn redirects_that_lead_nowhere() {
    for (location, problem) in [
        ("/v2/web/tags/list", "more than 5 redirects"),
        ("http://[", "no usable Location"),
        ("ftp://host/file", "redirects from"),
    ] {
        let server = Server::start(move |_, _| say(302, &[("location", location)], "")).await;
        let error = tags(&client(), &server.repository("web")).await.unwrap_err();
        check_error(&error, false, &["/v2/web/tags/list: ", problem]);
    }
}

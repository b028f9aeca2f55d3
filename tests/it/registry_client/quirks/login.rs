//! How registries ask who we are.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::{check_error, check_tags, client, tags};
use crate::registry_client::{client_for_bob, created};
use crate::registry_server::{Act, Seen, Server, basic, closed, refuse, say};

/// A registry with this challenge, whose tokens are called after what they were asked for.
async fn challenging(challenge: &'static str) -> Server {
    Server::start(move |seen: &Seen, address| match seen.authorization.as_deref() {
        _ if seen.is_token() => say(200, &[], r#"{"token":"t"}"#),
        Some("Bearer t") => Act::Pass,
        _ => refuse(&challenge.replace("HOST", &address.to_string())),
    })
    .await
}

/// With this challenge, a token is fetched with this query.
async fn check_query(challenge: &'static str, query: &str) {
    let server = challenging(challenge).await;
    check_tags(&client(), &server.fill("org/web", &["a"]), "a").await;
    let token = server.log().into_iter().find(Seen::is_token).unwrap();
    assert_eq!(token.query, query, "{challenge}");
}

#[tokio::test]
async fn quirk_11_a_refusal_without_a_challenge() {
    for has_credential in [false, true] {
        let server = Server::start(|_, _| say(401, &[], "")).await;
        let repository = server.repository("web");
        let (bob, _folder) = client_for_bob(&repository, "hunter2");
        let client = if has_credential { bob } else { client() };
        let error = tags(&client, &repository).await.unwrap_err();
        check_error(&error, false, &["answered 401", "offers no way to log in"]);
        assert!(server.log().iter().all(|seen| seen.authorization.is_none()), "nobody asked for the password");
    }
}

#[tokio::test]
async fn quirk_12_a_challenge_that_is_none() {
    let expected = format!("Basic {}", BASE64_STANDARD.encode("bob:hunter2"));
    // The realm is no address, so the password itself is wanted.
    for challenge in [r#"Bearer realm="token server",service="x""#, r#"Basic realm="Registry""#, "Basic"] {
        let wanted = expected.clone();
        let server = Server::start(move |seen, _| match &seen.authorization {
            Some(shown) if *shown == wanted => Act::Pass,
            _ => refuse(challenge),
        })
        .await;
        let repository = server.fill("web", &["a"]);
        let (client, _folder) = client_for_bob(&repository, "hunter2");
        check_tags(&client, &repository, "a").await;
    }
    for challenge in ["Authenticate you must", "Negotiate", "AWS4-HMAC-SHA256", "= = ="] {
        let server = Server::start(move |_, _| refuse(challenge)).await;
        let repository = server.repository("web");
        let (client, _folder) = client_for_bob(&repository, "hunter2");
        let error = tags(&client, &repository).await.unwrap_err();
        check_error(&error, false, &["offers no way to log in"]);
        assert!(server.log().iter().all(|seen| seen.authorization.is_none()), "{challenge}");
    }
}

#[tokio::test]
async fn quirk_13_two_challenges_in_one_header() {
    let query = "service=container_registry&scope=repository%3Aorg%2Fweb%3Apull";
    check_query(
        r#"Bearer realm="http://HOST/token",service="container_registry",scope="*",Basic realm="http://HOST/v2",service="container_registry",scope="*""#,
        query,
    )
    .await;
    check_query(r#"Basic realm="x", Bearer realm="http://HOST/token",service="container_registry""#, query).await;
}

#[tokio::test]
async fn quirk_14_the_scope_of_a_challenge() {
    let ours = "service=x&scope=repository%3Aorg%2Fweb%3Apull";
    check_query(r#"Bearer realm="http://HOST/token",service="x",scope="repository:user/image:pull""#, ours).await;
    check_query(r#"Bearer realm="http://HOST/token",service="x",scope="*""#, ours).await;
    check_query(r#"Bearer realm="http://HOST/token",service="x",scope="repository:org/web:pull,push""#, ours).await;
    check_query(r#"Bearer realm="http://HOST/token",service="x",scope="aws""#, "service=x&scope=aws").await;
}

#[tokio::test]
async fn azure_asks_for_the_right_to_read_metadata() {
    check_query(
        r#"Bearer realm="http://HOST/token",service="x",scope="repository:org/web:metadata_read""#,
        "service=x&scope=repository%3Aorg%2Fweb%3Apull%2Cmetadata_read",
    )
    .await;
}

#[tokio::test]
async fn quirk_15_a_challenge_without_a_service() {
    check_query(r#"Bearer realm="http://HOST/token""#, "scope=repository%3Aorg%2Fweb%3Apull").await;
    check_query(
        r#"Bearer realm="http://HOST/token?account=x",service="""#,
        "account=x&scope=repository%3Aorg%2Fweb%3Apull",
    )
    .await;
}

#[tokio::test]
async fn quirk_16_a_token_under_either_name() {
    for body in [r#"{"token":"t"}"#, r#"{"access_token":"t"}"#, r#"{"token":"","access_token":"t","expires_in":null}"#]
    {
        let server = Server::start(move |seen, address| match seen.authorization.as_deref() {
            Some("Bearer t") => Act::Pass,
            _ => closed(seen, address, say(200, &[("content-type", "text/plain")], body)),
        })
        .await;
        check_tags(&client(), &server.fill("web", &["a"]), "a").await;
    }
}

#[tokio::test]
async fn quirk_18_a_blob_elsewhere_is_fetched_without_the_credential() {
    let store = Server::good().await;
    store.fill("web", &["a"]);
    for status in [302, 307, 308] {
        let (inner, target) = (basic("bob", "hunter2"), store.address);
        let server = Server::start(move |seen, address| match inner(seen, address) {
            Act::Pass if seen.path.contains("/blobs/") => {
                let location = format!("http://{target}{}?X-Amz-Signature=hunter2", seen.path);
                say(status, &[("location", &location)], "")
            }
            act => act,
        })
        .await;
        let repository = server.fill("web", &["a"]);
        let (client, _folder) = client_for_bob(&repository, "hunter2");
        assert_eq!(created(&client, &repository, &["a"]).await.unwrap(), "a=2023-11-14T22:13:20Z");
    }
    assert_eq!(store.log().len(), 3);
    assert!(store.log().iter().all(|seen| seen.authorization.is_none()));
}

#[tokio::test]
async fn quirk_29_errors_while_logging_in_are_told() {
    for (status, body, parts) in [
        (500, "", &["/token: ", "answered 500"][..]),
        (403, r#"{"errors":[{"code":"DENIED","message":"requested access is denied"}]}"#, &["/token: ", "(DENIED: "]),
        (404, "", &["/token: ", "answered 404"]),
        (200, "<html>", &["/token: ", "sent no JSON"]),
    ] {
        let server = Server::start(move |seen, address| closed(seen, address, say(status, &[], body))).await;
        let error = tags(&client(), &server.repository("web")).await.unwrap_err();
        check_error(&error, status == 500, parts);
    }
}

#[tokio::test]
async fn a_token_that_is_refused_between_two_pages_is_renewed() {
    let server = Server::start(|seen, address| {
        // Each page wants a token of its own.
        let wanted = if seen.query.contains("last=b") { "Bearer token-1" } else { "Bearer token-0" };
        if seen.authorization.as_deref() == Some(wanted) {
            let link = [("link", "<?last=b>; rel=next")];
            let is_first = !seen.query.contains("last=b");
            return if is_first { say(200, &link, r#"{"tags":["a","b"]}"#) } else { Act::Pass };
        }
        closed(seen, address, say(200, &[], format!(r#"{{"token":"token-{}","expires_in":300}}"#, seen.before)))
    })
    .await;
    check_tags(&client(), &server.fill("web", &["a", "b", "c"]), "a b c").await;
    assert_eq!(server.count("/token"), 2);
}

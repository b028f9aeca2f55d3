//! Pages of tags: followed to the last, on the same host, or not believed.

use landwaiter::registry::{Client, Options};

use super::{check_error, client, options, tags};
use crate::registry_server::{Act, Server, say};

#[tokio::test]
async fn pages_are_followed_to_the_last() {
    let server = Server::good().await;
    let repository = server.fill("web", &["a", "b", "c", "d", "e"]);
    // A single page that is full, and says nothing of a next one, is not taken for the last.
    for (page_size, requests) in [(2, 3), (5, 2), (1000, 1), (1, 5)] {
        let before = server.count("/tags/list");
        let client = Client::new(Options { page_size, ..options() }).unwrap();
        assert_eq!(tags(&client, &repository).await.unwrap(), "a b c d e");
        assert_eq!(server.count("/tags/list") - before, requests, "{page_size} per page");
    }
}

#[tokio::test]
async fn odd_links_are_followed_on_the_same_host() {
    for (link, complete) in [
        (r#"<http://HOST/v2/web/tags/list?last=b>; rel="next""#, true),
        ("<?last=b>; rel=next", true),
        ("<tags/list?last=b>; rel=next", true),
        (r#"</first>; rel="first", </v2/web/tags/list?last=b>; rel="Next""#, true),
        ("<http://localhost:1/v2/web/tags/list?last=b>; rel=next", false),
        ("<//evil.example/v2/web/tags/list?last=b>; rel=next", false),
        ("</v2/web/tags/list?last=b; rel=next", false),
    ] {
        let server = Server::start(move |seen, address| {
            let link = link.replace("HOST", &address.to_string());
            let first = || say(200, &[("link", &link)], r#"{"name":"web","tags":["a","b"]}"#);
            if seen.is_list() && !seen.query.contains("last=") { first() } else { Act::Pass }
        })
        .await;
        let repository = server.fill("web", &["a", "b", "c"]);
        let found = tags(&client(), &repository).await;
        match found {
            Ok(found) => assert!(complete && found == "a b c", "{link}: {found}"),
            Err(error) => {
                assert!(!complete, "{link}: {error}");
                check_error(&error, false, &["Link header"]);
            }
        }
    }
}

#[tokio::test]
async fn the_other_host_of_a_link_is_named_and_not_asked() {
    let other = Server::good().await;
    other.fill("web", &["z"]);
    let link = format!("<http://{}/v2/web/tags/list>; rel=next", other.address);
    let server = Server::start(move |_, _| say(200, &[("link", &link)], r#"{"tags":["a"]}"#)).await;
    let error = tags(&client(), &server.repository("web")).await.unwrap_err();
    check_error(&error, false, &[&other.address.to_string(), "on another host"]);
    assert_eq!(other.log().len(), 0);
}

#[tokio::test]
async fn pages_in_a_circle_and_without_end_are_failures() {
    let circle = Server::start(|seen, _| {
        let (next, page) = if seen.query.contains("last=b") {
            ("<?last=a>; rel=next", r#"{"tags":["a"]}"#)
        } else {
            ("<?last=b>; rel=next", r#"{"tags":["b"]}"#)
        };
        say(200, &[("link", next)], page)
    })
    .await;
    let error = tags(&client(), &circle.repository("web")).await.unwrap_err();
    check_error(&error, false, &["lead in a circle"]);
    assert_eq!(circle.log().len(), 3);

    let endless = Server::start(|seen, _| {
        let next = format!("<?last={}>; rel=next", seen.before);
        say(200, &[("link", &next)], format!(r#"{{"tags":["a{}"]}}"#, seen.before))
    })
    .await;
    let error = tags(&client(), &endless.repository("web")).await.unwrap_err();
    check_error(&error, false, &["more than 1000 pages", "not read to its end"]);
    assert_eq!(endless.log().len(), 1000);
}

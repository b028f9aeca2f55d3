//! Registries that mean ill or are broken: none of them holds us up, fills our memory, or is believed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use landwaiter::registry::{Client, Options};

use super::{check_error, client, created, options, tags};
use crate::registry_server::{Act, Raw, Server, chunked, say};

/// Impatient: for an answer, and for the next part of it.
fn hasty(timeout: u64, stall: u64) -> Client {
    let [timeout, stall] = [timeout, stall].map(Duration::from_millis);
    Client::new(Options { timeout, stall, ..options() }).unwrap()
}

/// From one drop to the next. The slowness is what is tested; nobody waits here for anything.
async fn drop_by_drop() {
    tokio::time::sleep(Duration::from_millis(5)).await;
}

#[tokio::test]
async fn headers_that_drip() {
    let server = Raw::start(|mut line| async move {
        line.say("HTTP/1.1 200 OK\r\n").await?;
        loop {
            line.say("x-drop: 1\r\n").await?;
            drop_by_drop().await;
        }
    })
    .await;
    let error = tags(&hasty(200, 10_000), &server.repository("web")).await.unwrap_err();
    check_error(&error, true, &["/v2/web/tags/list: ", "no complete answer within 200ms"]);
}

#[tokio::test]
async fn headers_without_end() {
    let server = Raw::start(|mut line| async move {
        line.say("HTTP/1.1 200 OK\r\n").await?;
        loop {
            line.say(&format!("x-flood: {}\r\n", "x".repeat(8000))).await?;
        }
    })
    .await;
    let error = tags(&client(), &server.repository("web")).await.unwrap_err();
    check_error(&error, true, &["/v2/web/tags/list: "]);
}

#[tokio::test]
async fn a_body_that_drips() {
    let server = Raw::start(|mut line| async move {
        line.say("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n{\"tags\":[").await?;
        loop {
            line.say(" ").await?;
            drop_by_drop().await;
        }
    })
    .await;
    let start = Instant::now();
    let error = tags(&hasty(60_000, 200), &server.repository("web")).await.unwrap_err();
    check_error(&error, true, &["less than 1024 bytes of the answer came within 200ms"]);
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_body_that_comes_slowly_and_surely() {
    let server = Raw::start(|mut line| async move {
        line.say("HTTP/1.1 200 OK\r\ncontent-length: 30015\r\nconnection: close\r\n\r\n{\"tags\":[\"a\"").await?;
        for _ in 0..30 {
            line.say(&" ".repeat(1000)).await?;
            drop_by_drop().await;
        }
        line.say("]}\n").await
    })
    .await;
    assert_eq!(tags(&hasty(60_000, 2000), &server.repository("web")).await.unwrap(), "a");
}

#[tokio::test]
async fn an_error_page_that_drips_or_never_ends() {
    for flood in [false, true] {
        let sent = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&sent);
        let server = Raw::start(move |mut line| {
            let sent = Arc::clone(&counter);
            async move {
                line.say("HTTP/1.1 404 Not Found\r\ncontent-type: text/html\r\n\r\n<html>").await?;
                loop {
                    let part = if flood { "<p>page not found</p>".repeat(1000) } else { " ".to_owned() };
                    line.say(&part).await?;
                    sent.fetch_add(part.len(), Ordering::SeqCst);
                    if !flood {
                        drop_by_drop().await;
                    }
                }
            }
        })
        .await;
        let error = tags(&hasty(60_000, 200), &server.repository("web")).await.unwrap_err();
        check_error(&error, false, &["answered 404", "check the spelling"]);
        server.is_hung_up_on().await;
        // What the kernel holds, and not what the server would like to send.
        assert!(sent.load(Ordering::SeqCst) < 32 << 20, "{sent:?}");
    }
}

#[tokio::test]
async fn ten_megabytes_of_error_page() {
    let server =
        Server::start(|_, _| say(500, &[("content-type", "text/html")], "<p>trouble</p>".repeat(750_000))).await;
    let error = tags(&client(), &server.repository("web")).await.unwrap_err();
    check_error(&error, true, &["answered 500"]);
    assert!(error.to_string().len() < 500);

    // What the registry has to say stands at the beginning.
    let words = format!(r#"{{"errors":[{{"code":"DENIED","message":"{}"}}]}}"#, "x".repeat(20_000));
    let server = Server::start(move |_, _| say(403, &[], words.clone())).await;
    let error = tags(&client(), &server.repository("web")).await.unwrap_err();
    check_error(&error, false, &["(DENIED: xxx"]);
    assert!(error.to_string().len() < 800);
}

#[tokio::test]
async fn a_line_that_is_reset_in_the_middle() {
    let server = Raw::start(|mut line| async move {
        line.say("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"tags\":[\"a\"]}").await?;
        line.reset()
    })
    .await;
    let error = tags(&client(), &server.repository("web")).await.unwrap_err();
    check_error(&error, true, &["/v2/web/tags/list: ", "check the host name, the network"]);
    assert_eq!(server.connections(), 3, "it was tried again");
}

#[tokio::test]
async fn a_line_that_speaks_something_else() {
    for words in ["SSH-2.0-OpenSSH_9.2\r\n", "\u{0}\u{1}\u{2}\u{3}\r\n\r\n", ""] {
        let server = Raw::start(move |mut line| async move { line.say(words).await }).await;
        let error = tags(&client(), &server.repository("web")).await.unwrap_err();
        check_error(&error, true, &["/v2/web/tags/list: "]);
    }
}

#[tokio::test]
async fn the_content_type_is_not_what_decides() {
    for kind in ["text/plain", "application/octet-stream", "text/html", "", "application/json; charset=utf-16"] {
        let server = Server::start(move |_, _| say(200, &[("content-type", kind)], r#"{"tags":["a"]}"#)).await;
        assert_eq!(tags(&client(), &server.repository("web")).await.unwrap(), "a", "{kind}");
        let server = Server::start(move |_, _| say(200, &[("content-type", kind)], "<html>Log in</html>")).await;
        let error = tags(&client(), &server.repository("web")).await.unwrap_err();
        check_error(&error, false, &["is a web page and no tag list"]);
    }
}

#[tokio::test]
async fn names_with_odd_bytes() {
    let names = r#"["a","","..","a b","a\u0000b","ä","\uD83D\uDE00","-a","a/b","a:b","a\r\nb","LATEST","_"]"#;
    let server = Server::start(move |_, _| say(200, &[], format!(r#"{{"tags":{names}}}"#))).await;
    let listing = client().tags(&server.repository("web")).await.unwrap();
    let found: Vec<_> = listing.tags().iter().map(ToString::to_string).collect();
    assert_eq!((found.join(" ").as_str(), listing.malformed()), ("LATEST _ a", 10));

    let long = "x".repeat(129);
    let server = Server::start(move |_, _| say(200, &[], format!(r#"{{"tags":["{long}","a"]}}"#))).await;
    assert_eq!(tags(&client(), &server.repository("web")).await.unwrap(), "a");

    // What is no text is no list: nobody knows what else is wrong with it.
    for body in [&b"{\"tags\":[\"a\",\"\xff\xfe\"]}"[..], br#"{"tags":["a","\uD800"]}"#] {
        let server = Server::start(move |_, _| say(200, &[], body)).await;
        let error = tags(&client(), &server.repository("web")).await.unwrap_err();
        check_error(&error, false, &["/v2/web/tags/list: ", "is no tag list"]);
    }
}

#[tokio::test]
async fn a_hundred_thousand_tags() {
    const TAGS: usize = 100_000;
    let page = |from: usize, to: usize| {
        let names: Vec<String> = (from..to).map(|number| format!("\"1.0.{number:06}\"")).collect();
        format!(r#"{{"name":"web","tags":[{}]}}"#, names.join(","))
    };
    let at_once = Server::start(move |_, _| chunked(page(0, TAGS))).await;
    let paged = Server::start(move |seen, _| {
        let from = seen.query.split("last=1.0.").nth(1).map_or(0, |last| last[..6].parse::<usize>().unwrap() + 1);
        let (body, last) = (page(from, from + 1000), format!("<?n=1000&last=1.0.{:06}>; rel=next", from + 999));
        let link = [("link", last.as_str())];
        say(200, if from + 1000 < TAGS { &link } else { &[] }, body)
    })
    .await;
    for (server, requests) in [(&at_once, 1), (&paged, 100)] {
        let start = Instant::now();
        let listing = client().tags(&server.repository("web")).await.unwrap();
        assert_eq!((listing.tags().len(), listing.malformed(), server.log().len()), (TAGS, 0, requests));
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    }
}

#[tokio::test]
async fn json_without_end_and_without_bottom() {
    for body in ["[".repeat(1_000_000), format!(r#"{{"tags":{}"#, "[".repeat(200_000)), r#"{"tags":[""#.to_owned()] {
        let server = Server::start(move |_, _| chunked(body.clone())).await;
        let error = tags(&client(), &server.repository("web")).await.unwrap_err();
        check_error(&error, false, &["/v2/web/tags/list: ", "is no tag list"]);
        let error = created(&client(), &server.repository("web"), &["a"]).await.unwrap();
        assert_eq!(error, "a=-");
    }
}

#[tokio::test]
async fn a_clock_that_is_far_off_harms_no_token() {
    // A token that was made "in 2036" for five minutes, by a registry that lives there.
    let server = Server::start(|seen, address| match seen.authorization.as_deref() {
        Some("Bearer t") => Act::Pass,
        _ if seen.is_token() => {
            let date = [("date", "Sun, 06 Jan 2036 08:00:00 GMT")];
            say(200, &date, r#"{"token":"t","expires_in":300,"issued_at":"2036-01-06T08:00:00Z"}"#)
        }
        _ => crate::registry_server::closed(seen, address, Act::Hang),
    })
    .await;
    let repository = server.fill("web", &["a"]);
    let client = client();
    for _ in 0..3 {
        assert_eq!(tags(&client, &repository).await.unwrap(), "a");
    }
    assert_eq!(server.count("/token"), 1);
    assert!(client.hosts()[0].clock_skew.is_some());
}

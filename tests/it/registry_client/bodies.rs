//! Answers that are no tag list, no whole one, or too large.

use super::{check_error, client, created, tags};
use crate::registry_server::{Act, Server, chunked, half, say};

#[track_caller]
fn check_body(body: &'static str, expected: Result<&'static str, &'static str>) -> impl Future<Output = ()> {
    let place = std::panic::Location::caller();
    async move {
        let server = Server::start(move |_, _| say(200, &[], body)).await;
        match (tags(&client(), &server.repository("web")).await, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{place}"),
            (Err(error), Err(expected)) => check_error(&error, false, &["/v2/web/tags/list", expected]),
            (found, _) => panic!("{place}: {found:?}"),
        }
    }
}

#[tokio::test]
async fn only_a_whole_tag_list_is_a_tag_list() {
    check_body(r#"{"name":"web","tags":null}"#, Ok("")).await;
    check_body(r#"{"tags":[]}"#, Ok("")).await;
    check_body(r#"{"name":"other","tags":["b","a","b"],"manifest":{}}"#, Ok("a b")).await;
    check_body(r#"{"tags":["a","-bad","b/c",""]}"#, Ok("a")).await;
    check_body(r#"{"name":"web"}"#, Err("missing field `tags`")).await;
    check_body(r#"{"tags":"a"}"#, Err("is no tag list")).await;
    check_body(r#"{"tags":[1]}"#, Err("is no tag list")).await;
    check_body(r#"{"tags":["a","b"#, Err("is no tag list")).await;
    check_body(r#"{"tags":["a"]}{"tags":["b"]}"#, Err("is no tag list")).await;
    check_body("", Err("is no tag list")).await;
    check_body("\n<!DOCTYPE html><html>Log in</html>", Err("is a web page and no tag list")).await;
    check_body(r#"{"errors":[{"code":"DENIED","message":"pay first"}]}"#, Err("DENIED: pay first")).await;
}

#[tokio::test]
async fn malformed_names_are_counted() {
    let server = Server::start(|_, _| say(200, &[], r#"{"tags":["a","-bad","b c"]}"#)).await;
    assert_eq!(client().tags(&server.repository("web")).await.unwrap().malformed(), 2);
}

#[tokio::test]
async fn half_a_page_is_asked_for_again_and_never_believed() {
    const PAGE: &str = r#"{"tags":["a"]}"#;
    for whole in [Some(1000), None] {
        let always = Server::start(move |_, _| half(PAGE, whole)).await;
        let error = tags(&client(), &always.repository("web")).await.unwrap_err();
        check_error(&error, true, &["/v2/web/tags/list", "reading a body"]);
        assert_eq!(always.log().len(), 3);

        let once = Server::start(move |seen, _| if seen.before == 0 { half(PAGE, whole) } else { Act::Pass }).await;
        assert_eq!(tags(&client(), &once.fill("web", &["a", "b"])).await.unwrap(), "a b");
    }
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_read() {
    let announced = Server::start(|_, _| half("{", Some(65 << 20))).await;
    let error = tags(&client(), &announced.repository("web")).await.unwrap_err();
    check_error(&error, false, &["larger than 67108864 bytes"]);

    let sent = Server::start(|_, _| chunked(" ".repeat(5 << 20))).await;
    let error = created(&client(), &sent.repository("web"), &["1"]).await.unwrap_err();
    check_error(&error, false, &["larger than 4194304 bytes"]);
}

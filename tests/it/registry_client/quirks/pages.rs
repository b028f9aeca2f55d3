//! How many tags registries give at once, and how they say that there are more.

use landwaiter::registry::{Client, Options};

use super::{check_error, check_tags, client, pass, tags};
use crate::registry_client::options;
use crate::registry_server::{Act, Seen, Server, say};

/// What Amazon's registry, and what imitates it, says to a page that is too large.
const AMAZON: &str = r#"{"errors":[{"code":"UNSUPPORTED","message":"Invalid parameter at 'maxResults' failed to satisfy constraint: 'Member must have value less than or equal to 1000'"}]}"#;

fn with_page_size(page_size: usize) -> Client {
    Client::new(Options { page_size, ..options() }).unwrap()
}

/// How many tags are asked for.
fn asked(seen: &Seen) -> usize {
    seen.query.split('&').find_map(|pair| pair.strip_prefix("n=")).map_or(usize::MAX, |n| n.parse().unwrap())
}

/// `count` tags, `t0000` and so on.
fn page(range: std::ops::Range<usize>) -> String {
    let names: Vec<String> = range.map(|number| format!("\"t{number:04}\"")).collect();
    format!(r#"{{"name":"web","tags":[{}]}}"#, names.join(","))
}

/// The number after the last tag that was given.
fn after(seen: &Seen) -> usize {
    seen.query.split("last=t").nth(1).map_or(0, |last| last[..4].parse::<usize>().unwrap() + 1)
}

#[tokio::test]
async fn quirk_09_amazon_gives_a_thousand_at_most() {
    let server = Server::start(|seen, _| if asked(seen) > 1000 { say(405, &[], AMAZON) } else { Act::Pass }).await;
    let client = client();
    for repository in ["web", "api"] {
        check_tags(&client, &server.fill(repository, &["a"]), "a").await;
    }
    assert_eq!(server.log().iter().map(asked).collect::<Vec<_>>(), [10_000, 1000, 1000], "it is learned once");
}

#[tokio::test]
async fn quirk_10_a_proxy_before_amazon_refuses_a_large_page() {
    for (page_size, limit, asked_for) in [(10_000, 1000, vec![10_000, 1000]), (1000, 999, vec![1000, 100])] {
        let server =
            Server::start(move |seen, _| if asked(seen) > limit { say(405, &[], AMAZON) } else { Act::Pass }).await;
        let (one, other) = (server.fill("one", &["a"]), server.fill("other", &["b"]));
        let client = with_page_size(page_size);
        check_tags(&client, &one, "a").await;
        check_tags(&client, &other, "b").await;
        check_tags(&client, &one, "a").await;
        let mut expected = asked_for;
        expected.extend([expected[1], expected[1]]);
        assert_eq!(server.log().iter().map(asked).collect::<Vec<_>>(), expected, "it is learned once");
    }
    // Another refusal is about something else.
    for (status, body) in [(405, r#"{"errors":[{"code":"UNSUPPORTED"}]}"#), (404, AMAZON), (403, AMAZON), (405, "")] {
        let server = Server::start(move |_, _| say(status, &[], body)).await;
        let error = tags(&client(), &server.repository("web")).await.unwrap_err();
        check_error(&error, false, &[&format!("answered {status}")]);
        assert_eq!(server.log().len(), 1);
    }
    let always = Server::start(|_, _| say(405, &[], AMAZON)).await;
    let error = tags(&client(), &always.repository("web")).await.unwrap_err();
    check_error(&error, false, &["answered 405", "Member must have value"]);
    assert_eq!(always.log().iter().map(asked).collect::<Vec<_>>(), [10_000, 1000, 100, 50]);
}

#[tokio::test]
async fn quay_refuses_a_large_page_and_says_how_large_it_may_be() {
    let server = Server::start(|seen, _| {
        let body = r#"{"errors":[{"code":"TOO_MANY_TAGS_REQUESTED","message":"Too many tags requested; requested limit 1000 is too high, max is 30"}]}"#;
        if asked(seen) > 30 { say(413, &[], body) } else { Act::Pass }
    })
    .await;
    check_tags(&client(), &server.fill("web", &["a", "b"]), "a b").await;
    assert_eq!(server.log().iter().map(asked).collect::<Vec<_>>(), [10_000, 30]);
}

#[tokio::test]
async fn distribution_refuses_a_large_page_and_says_nothing_more() {
    let server = Server::start(|seen, _| {
        let body =
            r#"{"errors":[{"code":"PAGINATION_NUMBER_INVALID","message":"invalid number of results requested"}]}"#;
        if asked(seen) > 100 { say(400, &[], body) } else { Act::Pass }
    })
    .await;
    check_tags(&client(), &server.fill("web", &["a", "b"]), "a b").await;
    assert_eq!(server.log().iter().map(asked).collect::<Vec<_>>(), [10_000, 1000, 100]);
}

#[tokio::test]
async fn a_registry_that_gives_less_than_it_is_asked_for_and_links_it() {
    let server = Server::start(|seen, _| {
        let (from, to) = (after(seen), (after(seen) + 50).min(180));
        let link = format!("</v2/web/tags/list?n=50&last=t{:04}>; rel=\"next\"", to - 1);
        let link = [("link", link.as_str())];
        say(200, if to < 180 { &link } else { &[] }, page(from..to))
    })
    .await;
    assert_eq!(client().tags(&server.repository("web")).await.unwrap().tags().len(), 180);
    assert_eq!(server.log().len(), 4);
}

#[tokio::test]
async fn a_registry_that_gives_a_full_page_and_does_not_say_that_there_is_more() {
    // As GitHub's did; it went on from `last`, when asked.
    for (cap, total, requests) in [(1000, 1088, 3), (1000, 1000, 3), (1000, 999, 1), (100, 250, 4)] {
        let server = Server::start(move |seen, _| {
            let from = after(seen).min(total);
            say(200, &[], page(from..(from + cap).min(total)))
        })
        .await;
        let listing = client().tags(&server.repository("web")).await.unwrap();
        assert_eq!((listing.tags().len(), server.log().len()), (total, requests), "{cap} of {total}");
    }
}

#[tokio::test]
async fn a_list_that_is_cut_and_cannot_be_continued_is_held() {
    let cut = Server::start(|seen, _| say(200, &[], page(0..asked(seen).min(1088)))).await;
    let error = tags(&with_page_size(1000), &cut.repository("web")).await.unwrap_err();
    check_error(&error, false, &["just 1000 tags, no word of a next page", "some may be missing"]);
    assert_eq!(cut.log().len(), 3);
    // One that does not page at all gives everything, a thousand or not.
    for (total, requests) in [(1000, 3), (1088, 1)] {
        let whole = Server::start(move |_, _| say(200, &[], page(0..total))).await;
        assert_eq!(client().tags(&whole.repository("web")).await.unwrap().tags().len(), total);
        assert_eq!(whole.log().len(), requests);
    }
}

#[tokio::test]
async fn no_tags_may_be_null() {
    for body in [r#"{"name":"web","tags":null}"#, r#"{"name":null,"tags":[]}"#] {
        let server = Server::start(move |_, _| say(200, &[], body)).await;
        check_tags(&client(), &server.repository("web"), "").await;
    }
    // A page of nothing may have one after it.
    let server = Server::start(|seen, _| {
        let link = [("link", "<?last=a>; rel=next")];
        if seen.query.contains("last=") { Act::Pass } else { say(200, &link, r#"{"name":"web","tags":null}"#) }
    })
    .await;
    check_tags(&client(), &server.fill("web", &["a", "b"]), "b").await;
}

#[tokio::test]
async fn what_google_adds_to_a_list_does_no_harm() {
    let body = r#"{"child":["sub"],"manifest":{"sha256:0":{"imageSizeBytes":"5","layerId":"","mediaType":"x",
        "tag":["a"],"timeCreatedMs":"0","timeUploadedMs":"1"}},"name":"p/web","tags":["a"]}"#;
    let server = Server::start(move |_, _| say(200, &[], body)).await;
    check_tags(&client(), &server.repository("p/web"), "a").await;
}

#[tokio::test]
async fn quirk_17_the_first_request_is_the_question_itself() {
    let server = Server::start(pass).await;
    check_tags(&client(), &server.fill("web", &["a"]), "a").await;
    let asked: Vec<_> = server.log().into_iter().map(|seen| seen.path).collect();
    assert_eq!(asked, ["/v2/web/tags/list"], "no ping, and no list is fetched twice");
}

#[tokio::test]
async fn quirk_28_fields_that_may_be_null() {
    let body = r#"{"name":null,"digest":null,"tag_last_pushed":null,"images":[{"digest":null}],"tags":["a"]}"#;
    let server = Server::start(move |_, _| say(200, &[], body)).await;
    check_tags(&client(), &server.repository("web"), "a").await;
}

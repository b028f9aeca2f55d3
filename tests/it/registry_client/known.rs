//! What is known already: asked for with conditions, kept over restarts, and not given up lightly.

use std::path::Path;
use std::sync::{Arc, Mutex};

use jiff::{Timestamp, ToSpan as _};
use landwaiter::image::{Repository, Tag};
use landwaiter::registry::{Client, Listing, Options, Pace};

use super::{check_error, created, options, tag, time};
use crate::registry_server::{Act, Seen, Server, say};

/// What a registry lists just now, and whether it gives validators.
#[derive(Clone)]
struct Script(Arc<Mutex<(String, Validators)>>);

#[derive(Clone, Copy, PartialEq)]
enum Validators {
    None,
    Etag,
    Modified,
    /// Always `304`, whatever there is.
    Stuck,
}

impl Script {
    fn new(tags: &str) -> Self {
        Self(Arc::new(Mutex::new((tags.to_owned(), Validators::None))))
    }

    fn set(&self, tags: &str) {
        tags.clone_into(&mut self.0.lock().unwrap().0);
    }

    fn validate(&self, validators: Validators) {
        self.0.lock().unwrap().1 = validators;
    }

    async fn serve(&self) -> (Server, Repository) {
        let script = self.clone();
        let server = Server::start(move |seen, _| if seen.is_list() { script.answer(seen) } else { Act::Pass }).await;
        let repository = server.repository("web");
        (server, repository)
    }

    fn answer(&self, seen: &Seen) -> Act {
        let (tags, validators) = self.0.lock().unwrap().clone();
        let names: Vec<_> = tags.split_whitespace().collect();
        let body = serde_json::json!({"name": "web", "tags": names}).to_string();
        let (etag, modified) = (format!("\"{}\"", tags.replace(' ', "-")), "Mon, 01 Jun 2026 12:00:00 GMT");
        match validators {
            Validators::Stuck => say(304, &[], ""),
            Validators::Etag if seen.conditions[0].as_deref() == Some(&etag) => say(304, &[("etag", &etag)], ""),
            Validators::Etag => say(200, &[("etag", &etag)], body),
            Validators::Modified if seen.conditions[1].as_deref() == Some(modified) => say(304, &[], ""),
            Validators::Modified => say(200, &[("last-modified", modified)], body),
            Validators::None => say(200, &[], body),
        }
    }
}

fn stored(folder: &Path) -> Client {
    Client::new(Options { store: Some(folder.join("registry.redb")), ..options() }).unwrap()
}

/// The minutes of a clock that the tests hold in their hands.
fn minute(minute: i64) -> Timestamp {
    time("2026-06-01T12:00:00Z") + (minute * 60).seconds()
}

async fn look(client: &Client, repository: &Repository, at: i64) -> (u64, Listing) {
    let version = client.look(repository, minute(at)).await.unwrap();
    (version, client.listing(repository).await.unwrap())
}

/// The tags, those in doubt behind a `?`.
fn shown(listing: &Listing) -> String {
    let show = |tag: &Tag| if listing.doubtful().contains(tag) { format!("?{tag}") } else { tag.to_string() };
    listing.tags().iter().map(show).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_list_that_is_the_same_is_one_small_request() {
    for (validators, conditions) in [(Validators::None, 0), (Validators::Etag, 3), (Validators::Modified, 3)] {
        let script = Script::new("a b");
        script.validate(validators);
        let (server, repository) = script.serve().await;
        let client = Client::new(options()).unwrap();
        let (first, _) = look(&client, &repository, 0).await;
        for at in 1..4 {
            assert_eq!(look(&client, &repository, at).await.0, first, "nobody has to decide again");
        }
        assert_eq!(server.log().len(), 4);
        let conditional = server.log().iter().filter(|seen| seen.conditions.iter().any(Option::is_some)).count();
        assert_eq!(conditional, conditions);
        script.validate(Validators::None);
        script.set("a b c");
        let (version, listing) = look(&client, &repository, 4).await;
        assert!(version != first && shown(&listing) == "a b c");
        assert_eq!(server.log().len(), 5, "what came to be compared is not asked for again");
        script.set("c b a");
        assert_eq!(look(&client, &repository, 5).await.0, version, "another order is no news");
    }
}

#[tokio::test]
async fn a_registry_that_always_says_that_nothing_changed_is_believed_for_a_day() {
    let script = Script::new("a");
    script.validate(Validators::Etag);
    let (_server, repository) = script.serve().await;
    let client = Client::new(options()).unwrap();
    look(&client, &repository, 0).await;
    script.validate(Validators::Stuck);
    look(&client, &repository, 1).await;
    look(&client, &repository, 23 * 60).await;
    let error = client.look(&repository, minute(25 * 60)).await.unwrap_err();
    check_error(&error, false, &["/v2/web/tags/list", "answered 304"]);
    script.validate(Validators::None);
    assert_eq!(shown(&look(&client, &repository, 25 * 60 + 1).await.1), "a");
}

#[tokio::test]
async fn every_page_has_its_own_validator() {
    // Three pages of two tags; the one that `changed` names has another one.
    let changed = Arc::new(Mutex::new(0));
    let shared = Arc::clone(&changed);
    let server = Server::start(move |seen, _| {
        let page =
            seen.query.split('&').find_map(|pair| pair.strip_prefix("last=")).map_or(1, |last| last.parse().unwrap());
        let etag = format!("\"{page}-{}\"", *shared.lock().unwrap() == page);
        if seen.conditions[0].as_ref() == Some(&etag) {
            return say(304, &[], "");
        }
        let more = if *shared.lock().unwrap() == page { format!(",\"t{page}c\"") } else { String::new() };
        let body = format!(r#"{{"tags":["t{page}a","t{page}b"{more}]}}"#);
        let link = format!("</v2/web/tags/list?n=2&last={}>; rel=\"next\"", page + 1);
        let headers = [("etag", etag.as_str()), ("link", link.as_str())];
        say(200, if page == 3 { &headers[..1] } else { &headers }, body)
    })
    .await;
    let repository = server.repository("web");
    let client = Client::new(Options { page_size: 3, ..options() }).unwrap();
    assert_eq!(shown(&look(&client, &repository, 0).await.1), "t1a t1b t2a t2b t3a t3b");
    assert_eq!(server.log().len(), 3);
    let (version, _) = look(&client, &repository, 1).await;
    assert_eq!(server.log().len(), 6);
    assert!(server.log()[3..].iter().all(|seen| seen.conditions[0].is_some()));
    for page in [3, 1, 2] {
        *changed.lock().unwrap() = page;
        let (now, listing) = look(&client, &repository, 2).await;
        assert!(now != version && listing.tags().contains(&tag(&format!("t{page}c"))), "page {page}");
    }
}

#[tokio::test]
async fn a_full_last_page_is_looked_at_itself() {
    // A proxy that validates the body alone: the new page behind a full one is announced by a header.
    let grown = Arc::new(Mutex::new(false));
    let shared = Arc::clone(&grown);
    let server = Server::start(move |seen, _| {
        if seen.query.contains("last=") {
            return say(200, &[], r#"{"tags":["c"]}"#);
        }
        if seen.conditions[0].is_some() {
            return say(304, &[], "");
        }
        let link = [("etag", "\"same\""), ("link", "<?n=2&last=b>; rel=\"next\"")];
        say(200, if *shared.lock().unwrap() { &link } else { &link[..1] }, r#"{"tags":["a","b"]}"#)
    })
    .await;
    // That the registry links its pages was seen with another repository.
    let (client, other) = (Client::new(Options { page_size: 2, ..options() }).unwrap(), server.repository("other"));
    *grown.lock().unwrap() = true;
    look(&client, &other, 0).await;
    *grown.lock().unwrap() = false;
    let repository = server.repository("web");
    assert_eq!(shown(&look(&client, &repository, 0).await.1), "a b");
    assert_eq!(shown(&look(&client, &repository, 1).await.1), "a b");
    *grown.lock().unwrap() = true;
    assert_eq!(shown(&look(&client, &repository, 2).await.1), "a b c");
}

#[tokio::test]
async fn a_page_that_repeats_is_no_list() {
    let server = Server::start(|seen, _| {
        let link = format!("<?last={}>; rel=next", seen.before);
        say(200, &[("link", &link)], r#"{"tags":["a","b"]}"#)
    })
    .await;
    let error = super::tags(&super::client(), &server.repository("web")).await.unwrap_err();
    check_error(&error, false, &["a page of the tag list repeats one before it"]);
    assert_eq!(server.log().len(), 2);
}

#[tokio::test]
async fn what_is_known_outlives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::new("a b");
    script.validate(Validators::Etag);
    let (server, repository) = script.serve().await;
    server.fill("web", &["a", "b"]);
    {
        let client = stored(folder.path());
        look(&client, &repository, 0).await;
        script.set("a b c");
        look(&client, &repository, 5).await;
        assert_eq!(created(&client, &repository, &["a"]).await.unwrap(), "a=2023-11-14T22:13:20Z");
    }
    let client = stored(folder.path());
    let (_, listing) = look(&client, &repository, 10).await;
    assert!(server.log().last().unwrap().conditions[0].is_some(), "the first request already has a condition");
    let seen: Vec<_> = listing.first_seen().map(|(tag, at)| format!("{tag} {at}")).collect();
    assert_eq!(seen, ["a 2026-06-01T12:00:00Z", "b 2026-06-01T12:00:00Z", "c 2026-06-01T12:05:00Z"]);
    assert_eq!(listing.since(), minute(0));
    assert_eq!(created(&client, &repository, &["a"]).await.unwrap(), "a=2023-11-14T22:13:20Z");
    assert_eq!((server.count("/manifests/"), server.count("/blobs/")), (1, 1), "an image is asked for once, ever");
    let _ = server.registry.push_image("other", &tag("a"), time("2023-11-14T22:13:20Z"), &[].into());
    assert_eq!(created(&client, &server.repository("other"), &["a"]).await.unwrap(), "a=2023-11-14T22:13:20Z");
    assert_eq!(server.count("/blobs/"), 1, "also where another repository has it");
}

#[tokio::test]
async fn a_tag_that_is_missing_is_in_doubt_for_some_lists_and_some_time() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::new("a b");
    let (_server, repository) = script.serve().await;
    let mut client = stored(folder.path());
    look(&client, &repository, 0).await;
    script.set("a");
    let (doubted, listing) = look(&client, &repository, 1).await;
    assert_eq!(shown(&listing), "a ?b");
    let doubt = listing.doubt().unwrap();
    assert!(
        doubt.starts_with("1 of 2 tags are missing in the registry's list (`b`) since 2026-06-01T12:01:00Z"),
        "{doubt}"
    );
    assert_eq!(look(&client, &repository, 2).await.0, doubted, "one more list that says so is no news");
    drop(client);
    client = stored(folder.path());
    for (at, expected) in [(3, "a ?b"), (4, "a ?b"), (5, "a ?b"), (6, "a")] {
        assert_eq!(shown(&look(&client, &repository, at).await.1), expected, "minute {at}, over a restart");
    }
    script.set("a b");
    let (_, listing) = look(&client, &repository, 7).await;
    assert_eq!(shown(&listing), "a ?b");
    let ages: Vec<_> = listing.first_seen().map(|(_, at)| at).collect();
    assert_eq!(ages, [minute(0), minute(7)], "what comes back may be another image, and its age begins anew");
    for (at, expected) in [(8, "a ?b"), (11, "a ?b"), (12, "a b")] {
        assert_eq!(shown(&look(&client, &repository, at).await.1), expected, "minute {at}");
    }
}

#[tokio::test]
async fn replicas_that_disagree_and_a_list_of_something_else() {
    let script = Script::new("1.0 1.1 1.2");
    let (_server, repository) = script.serve().await;
    let client = Client::new(options()).unwrap();
    look(&client, &repository, 0).await;
    for at in 1..30 {
        script.set(if at % 2 == 0 { "1.0 1.1 1.2" } else { "1.0 1.1" });
        assert_eq!(shown(&look(&client, &repository, at).await.1), "1.0 1.1 ?1.2", "minute {at}");
    }
    script.set("1.0 1.1 1.2");
    assert_eq!(shown(&look(&client, &repository, 30).await.1), "1.0 1.1 ?1.2");
    for at in 31..36 {
        look(&client, &repository, at).await;
    }
    assert_eq!(shown(&look(&client, &repository, 36).await.1), "1.0 1.1 1.2");

    script.set("7.0 8.0");
    assert_eq!(shown(&look(&client, &repository, 40).await.1), "?1.0 ?1.1 ?1.2 ?7.0 ?8.0");
    script.set("1.0 1.1 1.2 1.3");
    let (_, healed) = look(&client, &repository, 41).await;
    assert_eq!(shown(&healed), "?1.0 ?1.1 ?1.2 1.3", "what was never sure leaves no trace");
    let error = client.listing(&Repository::parse("registry.example.com/never/asked").unwrap()).await.unwrap_err();
    check_error(&error, true, &["never/asked", "asked for again"]);
}

#[tokio::test]
async fn an_image_that_was_away_is_looked_at_again() {
    let script = Script::new("a");
    let (server, repository) = script.serve().await;
    server.fill("web", &["a"]);
    let client = Client::new(options()).unwrap();
    look(&client, &repository, 0).await;
    assert_eq!(created(&client, &repository, &["a"]).await.unwrap(), "a=2023-11-14T22:13:20Z");
    let _ = server.registry.push_image("web", &tag("a"), time("2026-01-01T00:00:00Z"), &[].into());
    script.set("");
    look(&client, &repository, 1).await;
    assert_eq!(
        created(&client, &repository, &["a"]).await.unwrap(),
        "a=2023-11-14T22:13:20Z",
        "as long as it may be there"
    );
    script.set("a");
    look(&client, &repository, 2).await;
    assert_eq!(created(&client, &repository, &["a"]).await.unwrap(), "a=2026-01-01T00:00:00Z");
}

#[tokio::test]
async fn a_repository_is_asked_when_its_moment_comes() {
    let script = Script::new("a");
    let (server, repository) = script.serve().await;
    let hour = std::time::Duration::from_hours(1);
    let client = Client::new(Options { poll_interval: hour, ..options() }).unwrap();
    assert_eq!(client.due(&repository, Pace::Usual, minute(0)), None, "at once");
    for at in 0..=6 * 60 {
        client.look(&repository, minute(at)).await.unwrap();
    }
    assert!((6..=8).contains(&server.log().len()), "{}", server.log().len());
    let due = client.due(&repository, Pace::Usual, minute(361)).unwrap();
    assert!(due > minute(360) && due < minute(361 + 90));
    let rarely = client.due(&repository, Pace::Rare, minute(361)).unwrap();
    assert!(rarely > minute(360 + 4 * 60));
    assert_eq!(
        client.due(&repository, Pace::Usual, minute(-600)),
        None,
        "a clock that was set back is no reason to wait"
    );

    script.validate(Validators::Stuck);
    let asked = minute(600);
    assert!(client.look(&repository, asked).await.is_err());
    assert!(client.due(&repository, Pace::Usual, asked).unwrap() > asked, "nor is a failure one to hurry");
}

#[tokio::test]
async fn a_tag_in_use_that_was_moved_is_found_within_a_day_by_one_small_request() {
    let server = Server::start(|_, _| Act::Pass).await;
    let repository = server.fill("web", &["latest", "1.0"]);
    let client = Client::new(options()).unwrap();
    let (latest, other) = (tag("latest"), tag("1.0"));
    let in_use = [&latest, &other];
    let mut moved = Vec::new();
    let mut pushed_at = 0;
    for hour in 0..=96 {
        if hour == 30 || hour == 60 {
            let _ = server.registry.push_image("web", &latest, minute(hour * 60), &[].into());
            pushed_at = hour;
        }
        for found in client.moved(&repository, &in_use, minute(hour * 60)).await {
            assert!(found == latest && hour - pushed_at <= 24, "{found} {hour}");
            moved.push(hour);
        }
    }
    assert_eq!(moved.len(), 2);
    let log = server.log();
    assert!(log.iter().all(|seen| seen.method == "HEAD"));
    assert_eq!(log.len(), 8, "one for each tag and day");
    // Where nothing is known, there is nothing to be moved.
    let elsewhere = Client::new(options()).unwrap();
    let server = Server::start(|_, _| say(500, &[], "")).await;
    let repository = server.repository("web");
    for hour in 0..=50 {
        assert_eq!(elsewhere.moved(&repository, &in_use, minute(hour * 60)).await, []);
    }
}

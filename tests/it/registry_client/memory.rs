//! What is remembered, asked once, and asked at most so often at a time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use landwaiter::registry::{Client, Options};
use serde_json::{Value, json};

use super::{check_error, client, created, options, tag, tags, time};
use crate::registry_server::{Act, OCI_INDEX, Pusher, Server, say, with_platform};

#[tokio::test]
async fn a_young_tag_list_is_answered_from_memory() {
    let server = Server::good().await;
    let repository = server.fill("web", &["a"]);
    let client = Client::new(Options { poll_interval: Duration::from_mins(10), ..options() }).unwrap();
    for _ in 0..3 {
        assert_eq!(tags(&client, &repository).await.unwrap(), "a");
    }
    assert_eq!(server.log().len(), 1);
}

#[tokio::test]
async fn the_same_question_at_once_is_sent_once() {
    let server =
        Server::start(|seen, _| if seen.path.contains("broken") { say(500, &[], "") } else { Act::Pass }).await;
    let client = Client::new(Options { attempts: 1, ..options() }).unwrap();
    let good = server.fill("web", &["a"]);
    for found in join_all((0..8).map(|_| tags(&client, &good))).await {
        assert_eq!(found.unwrap(), "a");
    }
    assert_eq!(server.count("/web/"), 1);

    let broken = server.repository("broken");
    for requests in [1, 2] {
        let found = join_all((0..8).map(|_| tags(&client, &broken))).await;
        assert!(found.iter().all(Result::is_err));
        assert_eq!(server.count("/broken/"), requests, "a failure is no answer for whoever asks later");
    }
}

#[tokio::test]
async fn created_is_asked_once_per_tag_and_once_per_image() {
    let server = Server::good().await;
    let repository = server.fill("web", &["a", "b"]);
    let made = time("2026-01-01T00:00:00Z");
    for alias in ["1", "1.2", "1.2.3"] {
        let _ = server.registry.push_image("web", &tag(alias), made, &[].into());
    }
    let client = Client::new(Options { host_concurrency: 1, ..options() }).unwrap();
    for _ in 0..2 {
        assert_eq!(
            created(&client, &repository, &["1", "1.2", "a", "1.2.3", "1"]).await.unwrap(),
            "1=2026-01-01T00:00:00Z 1.2=2026-01-01T00:00:00Z a=2023-11-14T22:13:20Z 1.2.3=2026-01-01T00:00:00Z \
             1=2026-01-01T00:00:00Z"
        );
        assert_eq!((server.count("/manifests/"), server.count("/blobs/")), (4, 2));
    }
    assert_eq!(created(&client, &repository, &[]).await.unwrap(), "");
}

#[tokio::test]
async fn a_tag_that_left_the_list_is_looked_at_again_when_it_returns() {
    let listed = Arc::new(Mutex::new(r#"{"tags":["a"]}"#));
    let shared = Arc::clone(&listed);
    let server =
        Server::start(move |seen, _| if seen.is_list() { say(200, &[], *shared.lock().unwrap()) } else { Act::Pass })
            .await;
    let repository = server.fill("web", &["a"]);
    let client = client();
    tags(&client, &repository).await.unwrap();
    assert_eq!(created(&client, &repository, &["a"]).await.unwrap(), "a=2023-11-14T22:13:20Z");

    let _ = server.registry.push_image("web", &tag("a"), time("2026-01-01T00:00:00Z"), &[].into());
    tags(&client, &repository).await.unwrap();
    assert_eq!(created(&client, &repository, &["a"]).await.unwrap(), "a=2023-11-14T22:13:20Z");

    for tags_of in [r#"{"tags":[]}"#, r#"{"tags":["a"]}"#] {
        *listed.lock().unwrap() = tags_of;
        tags(&client, &repository).await.unwrap();
    }
    assert_eq!(created(&client, &repository, &["a"]).await.unwrap(), "a=2026-01-01T00:00:00Z");
}

#[tokio::test]
async fn one_tag_in_trouble_fails_them_all_and_the_others_are_not_asked_again() {
    let server = Server::start(|seen, _| match seen.path.as_str() {
        "/v2/web/manifests/c" if seen.before < 3 => say(503, &[], ""),
        _ => Act::Pass,
    })
    .await;
    let repository = server.fill("web", &["a", "b", "c"]);
    let client = Client::new(Options { host_concurrency: 1, ..options() }).unwrap();
    let error = created(&client, &repository, &["a", "b", "c"]).await.unwrap_err();
    check_error(&error, true, &["/v2/web/manifests/c", "answered 503"]);
    let found = created(&client, &repository, &["a", "b", "c"]).await.unwrap();
    assert_eq!(found, "a=2023-11-14T22:13:20Z b=2023-11-14T23:13:20Z c=2023-11-15T00:13:20Z");
    assert_eq!((server.count("/manifests/a"), server.count("/manifests/b")), (1, 1));
}

#[tokio::test]
async fn a_configuration_that_is_not_what_was_asked_for_is_refused() {
    let server = Server::start(|seen, _| {
        if seen.path.contains("/blobs/") { say(200, &[], r#"{"created":"2030-01-01T00:00:00Z"}"#) } else { Act::Pass }
    })
    .await;
    let repository = server.fill("web", &["a"]);
    let error = created(&client(), &repository, &["a"]).await.unwrap_err();
    check_error(&error, false, &["/blobs/sha256:", "does not have the digest"]);
}

#[tokio::test]
async fn manifests_of_every_age_and_kind() {
    let server = Server::start(|seen, _| match seen.path.as_str() {
        "/v2/web/manifests/schema-1" => {
            let history = json!([{"v1Compatibility": r#"{"created":"2019-05-01T10:00:00Z"}"#}]);
            say(200, &[], json!({"schemaVersion": 1, "history": history}).to_string())
        }
        "/v2/web/manifests/junk" => say(200, &[], "junk"),
        _ => Act::Pass,
    })
    .await;
    let pusher = Pusher::new(server.address, None);
    let image = pusher.image("web", None, "2026-01-01T00:00:00Z").await;
    let index = |children: Value| json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": children});
    let attested = with_platform(image.clone(), "unknown", "unknown");
    pusher.manifest("web", "attestations", &index(json!([attested]))).await;
    pusher.manifest("web", "empty", &index(json!([]))).await;
    let mut nested = pusher.manifest("web", "depth-1", &index(json!([image]))).await;
    for depth in 2..=4 {
        nested = pusher.manifest("web", &format!("depth-{depth}"), &index(json!([nested]))).await;
    }
    let asked = ["schema-1", "junk", "attestations", "empty", "depth-1", "depth-3", "depth-4"];
    assert_eq!(
        created(&client(), &server.repository("web"), &asked).await.unwrap(),
        "schema-1=2019-05-01T10:00:00Z junk=- attestations=- empty=- depth-1=2026-01-01T00:00:00Z \
         depth-3=2026-01-01T00:00:00Z depth-4=-"
    );
}

#[tokio::test]
async fn no_more_requests_at_once_than_allowed() {
    let names: Vec<String> = (0..16).map(|number| format!("t{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for (concurrency, host_concurrency, allowed) in [(32, 2, 1..=2), (1, 8, 1..=1), (32, 8, 3..=8)] {
        let server = Server::start(|_, _| Act::Wait(Duration::from_millis(5))).await;
        let paths = ["a", "b", "c"].map(|path| server.fill(path, &names));
        let client = Client::new(Options { concurrency, host_concurrency, ..options() }).unwrap();
        for found in join_all(paths.iter().map(|repository| created(&client, repository, &names))).await {
            found.unwrap();
        }
        assert!(allowed.contains(&server.busiest()), "{allowed:?}: {}", server.busiest());
    }
}

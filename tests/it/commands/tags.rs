//! `tags`: what there is of an image, and what a policy would take.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::Checkout;
use crate::binary::{Ran, landwaiter, run};
use crate::registry_server::{Act, DockerRegistry, Pusher, Server, say, typed, with_platform};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";

async fn tags(home: &Checkout, args: &[&str]) -> Ran {
    let mut command = landwaiter(home.path(), [&["tags"], args].concat());
    tokio::task::spawn_blocking(move || run(&mut command)).await.unwrap()
}

fn names(answer: &Value) -> Vec<&str> {
    answer["tags"].as_array().unwrap().iter().map(|tag| tag["tag"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_stands_behind_the_tags_of_a_real_registry() {
    let registry = DockerRegistry::start(None);
    let pusher = Pusher::new(registry.address, None);
    for (tag, created) in [("1.9.0", "2026-01-03T10:00:00Z"), ("1.10.0", "2026-01-01T10:00:00Z")] {
        pusher.image("shop/web", Some(tag), created).await;
    }
    let amd = pusher.image("shop/web", None, "2026-01-02T10:00:00Z").await;
    let arm = pusher.image("shop/web", None, "2026-01-02T10:00:01Z").await;
    let children =
        [with_platform(typed(IMAGE, amd), "linux", "amd64"), with_platform(typed(IMAGE, arm), "linux", "arm64")];
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": children});
    pusher.manifest("shop/web", "1.2.0", &index).await;
    let (home, image) = (Checkout::new(&[]), format!("{}/shop/web", registry.address));

    let ran = tags(&home, &[&image, "--output", "json"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let answer = ran.json();
    assert_eq!((names(&answer), &answer["of"]), (vec!["1.10.0", "1.9.0", "1.2.0"], &json!(3)));
    let last = &answer["tags"][2];
    assert_eq!(last["created"], "2026-01-02T10:00:00Z", "that of linux/amd64");
    assert_eq!(last["platforms"], json!(["linux/amd64", "linux/arm64"]));
    assert!(last["digest"].as_str().unwrap().starts_with("sha256:"));
    assert_eq!(last.get("first_seen"), None, "nobody saw it before");

    let newest = tags(&home, &[&image, "--sort", "created", "--limit", "1", "--output", "json"]).await.json();
    assert_eq!((names(&newest), &newest["of"]), (vec!["1.9.0"], &json!(3)));

    let text = tags(&home, &[&image, "--limit", "2"]).await;
    let lines: Vec<&str> = text.stdout.lines().collect();
    assert_eq!(lines[0].split_whitespace().collect::<Vec<_>>(), ["TAG", "CREATED", "DIGEST", "PLATFORMS"]);
    assert!(
        lines[1].trim_start().starts_with("1.10.0") && lines[1].contains("2026-01-01T10:00:00Z  sha256:"),
        "{text:?}"
    );
    assert_eq!(lines.last(), Some(&"2 of 3 tags; --limit shows more"));
}

#[tokio::test]
async fn what_a_policy_would_take_and_why() {
    let registry = DockerRegistry::start(None);
    let pusher = Pusher::new(registry.address, None);
    for (tag, created) in
        [("1.0.0", "2026-01-01T10:00:00Z"), ("1.1.0", "2026-01-09T10:00:00Z"), ("2.0.0", "2026-01-02T10:00:00Z")]
    {
        pusher.image("app", Some(tag), created).await;
    }
    let (home, image) = (Checkout::new(&[]), format!("{}/app:1.0.0", registry.address));
    let answer = tags(&home, &[&image, "--policy", "minor", "--output", "json"]).await.json();
    assert_eq!(answer["decision"]["tag"], "1.1.0", "{answer:#}");
    assert_eq!(names(&answer), ["1.1.0", "1.0.0", "2.0.0"], "the best first");
    assert_eq!(answer["tags"][2]["verdict"], "rejected");
    assert_eq!(answer["tags"][2]["reason"], "not within the current major version");

    let soak = [&image, "--policy", "minor", "--min-age", "7d", "--now", "2026-01-10T00:00:00Z", "--trust-created"];
    let text = tags(&home, &soak).await;
    assert!(
        text.stdout.starts_with(
            "minor (own family within=major min-age=7d): hold, too-young: `1.1.0` was created 2026-01-09T10:00:00Z, and with \
             min-age 7d may be taken from 2026-01-16T10:00:00Z\n"
        ),
        "{text:?}"
    );
    let later = tags(&home, &[&soak[..6], &["2026-01-16T10:00:00Z"], &soak[7..]].concat()).await;
    assert!(later.stdout.contains(": update to 1.1.0: "), "{later:?}");
    assert_eq!(tags(&home, &[&image, "--order", "semver"]).await.code, 2, "an order is nothing without a policy");
}

#[tokio::test]
async fn names_alone_are_one_question() {
    let registry = Server::good().await;
    let all: Vec<String> = (0..300).map(|number| format!("1.{number}.0")).collect();
    registry.fill("app", &all.iter().map(String::as_str).collect::<Vec<_>>());
    let (home, image) = (Checkout::new(&[]), format!("{}/app", registry.address));
    let answer = tags(&home, &[&image, "--names", "--limit", "0", "--output", "json"]).await.json();
    assert_eq!((names(&answer).len(), names(&answer)[0]), (300, "1.299.0"));
    assert_eq!(registry.log().len(), 1);
}

#[tokio::test]
async fn one_image_that_cannot_be_looked_up_hides_no_other() {
    let pusher_side = DockerRegistry::start(None);
    let pusher = Pusher::new(pusher_side.address, None);
    pusher.image("app", Some("1.0.0"), "2026-01-01T10:00:00Z").await;
    let broken =
        Server::start(
            |seen, _| {
                if seen.path.contains("/manifests/1.1.0") { say(500, &[], "on fire") } else { Act::Pass }
            },
        )
        .await;
    broken.fill("app", &["1.0.0", "1.1.0"]);
    let (home, image) = (Checkout::new(&[]), format!("{}/app", broken.address));
    let ran = tags(&home, &[&image, "--output", "json"]).await;
    let answer = ran.json();
    assert_eq!((ran.code, names(&answer)), (1, vec!["1.1.0", "1.0.0"]));
    assert!(answer["tags"][0]["problem"].as_str().unwrap().contains("answered 500"), "{answer:#}");
}

#[tokio::test]
async fn when_a_tag_was_first_seen_is_kept_in_the_data_directory() {
    let there = Arc::new(Mutex::new(vec!["1.0.0"]));
    let listed = Arc::clone(&there);
    let registry = Server::start(move |seen, _| {
        let tags = listed.lock().unwrap().clone();
        if seen.is_list() { say(200, &[], json!({"tags": tags}).to_string()) } else { Act::Pass }
    })
    .await;
    let image = format!("{}/app", registry.address);
    let home = Checkout::new(&[]);
    let store = landwaiter::registry::Options {
        store: Some(home.path().join("registry.redb")),
        ..landwaiter::registry::Options::default()
    };
    let client = landwaiter::registry::Client::new(store).unwrap();
    let repository = landwaiter::image::Repository::parse(&image).unwrap();
    for (now, tags) in [("2026-01-01T00:00:00Z", vec!["1.0.0"]), ("2026-01-02T00:00:00Z", vec!["1.0.0", "1.1.0"])] {
        *there.lock().unwrap() = tags;
        client.look(&repository, now.parse().unwrap()).await.unwrap();
    }
    client.close("2026-01-02T00:00:00Z".parse().unwrap());
    drop(client);
    let seen = [&image, "--names", "--data-dir", ".", "--output", "json"];
    let answer = tags(&home, &seen).await.json();
    assert_eq!(answer["tags"][0], json!({"tag": "1.1.0", "first_seen": "2026-01-02T00:00:00Z"}));
    assert_eq!(answer["tags"][1], json!({"tag": "1.0.0", "first_seen": "2026-01-01T00:00:00Z", "in_first_list": true}));
    let text = tags(&home, &[&image, "--names", "--data-dir", "."]).await;
    assert!(text.stdout.contains("before 2026-01-01T00:00:00Z"), "{text:?}");
}

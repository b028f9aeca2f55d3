//! The registry client against registries: good ones, odd ones and broken ones.

mod bad_input;
mod bodies;
mod credential_helpers;
mod dates;
mod good;
mod known;
mod login;
mod memory;
mod pages;
mod politeness;
mod quirks;
mod redirects;
mod refusals;
mod tokens;

use std::fs;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use landwaiter::image::{Repository, Tag};
use landwaiter::registry::{Client, Error, Options};
use serde_json::{Value, json};

/// Impatient, and without a memory for tag lists.
fn options() -> Options {
    Options { poll_interval: Duration::ZERO, retry_delay: Duration::from_millis(1), ..Options::default() }
}

fn client() -> Client {
    Client::new(options()).unwrap()
}

/// A client that knows `bob` at the host of `repository`, and the folder with its files.
fn client_for_bob(repository: &Repository, password: &str) -> (Client, tempfile::TempDir) {
    let config = json!({"auths": {repository.registry().as_str(): {"username": "bob", "password": password}}});
    client_with_config(&config)
}

fn client_with_config(config: &Value) -> (Client, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    fs::write(&path, config.to_string()).unwrap();
    let helpers = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/credential-helpers");
    let options = Options { docker_config: Some(path), helper_folders: vec![helpers], ..options() };
    (Client::new(options).unwrap(), folder)
}

fn tag(text: &str) -> Tag {
    Tag::parse(text).unwrap()
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

async fn tags(client: &Client, repository: &Repository) -> Result<String, Error> {
    client.tags(repository).await.map(|listing| listing.tags().iter().map(Tag::as_str).collect::<Vec<_>>().join(" "))
}

async fn created(client: &Client, repository: &Repository, tags: &[&str]) -> Result<String, Error> {
    let tags: Vec<Tag> = tags.iter().map(|text| tag(text)).collect();
    let created = client.created(repository, &tags).await?;
    let line = |(tag, time): &(Tag, Option<Timestamp>)| match time {
        Some(time) => format!("{tag}={time}"),
        None => format!("{tag}=-"),
    };
    Ok(created.iter().map(line).collect::<Vec<_>>().join(" "))
}

#[track_caller]
fn check_error(error: &Error, is_temporary: bool, parts: &[&str]) {
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing in: {text}");
    }
    assert_eq!(error.is_temporary(), is_temporary, "{text}");
    assert!(!format!("{text}{error:?}").contains("hunter2"), "{text}");
    assert!(!text.contains(&BASE64_STANDARD.encode("bob:hunter2")), "{text}");
}

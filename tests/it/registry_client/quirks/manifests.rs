//! Manifests and digests, as registries give them.

use landwaiter::image::Digest;
use serde_json::{Value, json};

use super::{check_error, client};
use crate::registry_client::{created, tag};
use crate::registry_server::{Act, OCI_CONFIG, OCI_INDEX, OCI_MANIFEST, Pusher, Seen, Server, say, with_platform};

/// What `HEAD` and `GET` say of a manifest when it is asked for its digest.
async fn check_digest(head: fn() -> Act, get: fn() -> Act, expected: Result<Option<&str>, &str>, methods: &[&str]) {
    let server = Server::start(move |seen: &Seen, _| if seen.method == "HEAD" { head() } else { get() }).await;
    let found = client().digest(&server.repository("web"), &tag("1")).await;
    match (&found, expected) {
        (Ok(found), Ok(expected)) => assert_eq!(found.as_ref().map(Digest::as_str), expected),
        (Err(error), Err(expected)) => check_error(error, error.is_temporary(), &["/v2/web/manifests/1", expected]),
        _ => panic!("{found:?}, expected {expected:?}"),
    }
    let asked: Vec<_> = server.log().into_iter().map(|seen| seen.method).collect();
    assert_eq!(asked, methods);
}

const DIGEST: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn digest_of_abc() -> Act {
    say(200, &[("docker-content-digest", DIGEST)], "abc")
}

#[tokio::test]
async fn the_digest_of_a_tag_costs_no_pull() {
    check_digest(digest_of_abc, || Act::Hang, Ok(Some(DIGEST)), &["HEAD"]).await;
    check_digest(|| say(404, &[], ""), || Act::Hang, Ok(None), &["HEAD"]).await;
    check_digest(|| say(403, &[], ""), || Act::Hang, Err("answered 403"), &["HEAD"]).await;

    let server = Server::good().await;
    let repository = server.fill("web", &["1"]);
    let found = client().digest(&repository, &tag("1")).await.unwrap().unwrap();
    let pusher = Pusher::new(server.address, None);
    let (_, headers, body) = pusher.send("GET", "/v2/web/manifests/1", OCI_MANIFEST, b"").await;
    assert_eq!((found.as_str(), found.is_of(&body)), (headers["docker-content-digest"].to_str().unwrap(), true));
}

#[tokio::test]
async fn quirk_19_a_head_without_a_digest() {
    check_digest(|| say(200, &[], ""), digest_of_abc, Ok(Some(DIGEST)), &["HEAD", "GET"]).await;
    check_digest(|| say(200, &[], ""), || say(200, &[], "abc"), Ok(Some(DIGEST)), &["HEAD", "GET"]).await;
    for status in [400, 405, 501] {
        let head = match status {
            400 => || say(400, &[], ""),
            405 => || say(405, &[], ""),
            _ => || say(501, &[], ""),
        };
        check_digest(head, digest_of_abc, Ok(Some(DIGEST)), &["HEAD", "GET"]).await;
    }
    check_digest(|| say(200, &[], ""), || say(404, &[], ""), Ok(None), &["HEAD", "GET"]).await;
    let wrong = || say(200, &[("docker-content-digest", DIGEST)], "abd");
    check_digest(|| say(200, &[], ""), wrong, Err("does not have the digest"), &["HEAD", "GET"]).await;
    // The digest of Docker's first format is made without the signature that stands in it.
    let first = || say(200, &[("docker-content-digest", DIGEST)], r#"{"schemaVersion":1,"signatures":[]}"#);
    check_digest(|| say(200, &[], ""), first, Ok(Some(DIGEST)), &["HEAD", "GET"]).await;
}

#[tokio::test]
async fn quirk_20_an_empty_digest() {
    for value in ["", " ", "sha256:", "latest"] {
        let server = Server::start(move |seen, _| {
            if seen.method == "HEAD" { say(200, &[("docker-content-digest", value)], "") } else { digest_of_abc() }
        })
        .await;
        let (client, repository) = (client(), server.repository("web"));
        for requests in [2, 4] {
            let found = client.digest(&repository, &tag("1")).await.unwrap().unwrap();
            assert_eq!((found.as_str(), server.log().len()), (DIGEST, requests), "nothing of this is remembered");
        }
    }
}

#[tokio::test]
async fn quirk_21_an_unknown_manifest_answered_with_500() {
    let server = Server::start(|seen, _| match seen.path.as_str() {
        "/v2/web/manifests/b" => say(500, &[], r#"{"errors":[{"code":"UNKNOWN","message":"unknown error"}]}"#),
        _ => Act::Pass,
    })
    .await;
    let repository = server.fill("web", &["a", "b", "c"]);
    // It may be gone, or the newest of all: nobody knows, so the newest is not chosen.
    let error = created(&client(), &repository, &["a", "b", "c"]).await.unwrap_err();
    check_error(&error, true, &["/v2/web/manifests/b", "answered 500 (UNKNOWN: unknown error)"]);
    assert_eq!(created(&client(), &repository, &["a"]).await.unwrap(), "a=2023-11-14T22:13:20Z");
}

/// A manifest under the tag `odd` is read as `expected`. `DIGEST` stands for an image of 2026.
async fn check_created(manifest: Value, expected: &str) {
    let server = Server::start(|_, _| Act::Pass).await;
    let pusher = Pusher::new(server.address, None);
    let image = pusher.image("web", None, "2026-01-01T00:00:00Z").await;
    let (_, _, body) = pusher
        .send("GET", &format!("/v2/web/manifests/{}", image["digest"].as_str().unwrap()), OCI_MANIFEST, b"")
        .await;
    let config = serde_json::from_slice::<Value>(&body).unwrap()["config"].clone();
    let text = manifest.to_string().replace("\"IMAGE\"", &image.to_string()).replace("\"CONFIG\"", &config.to_string());
    let text = text.replace("DIGEST", image["digest"].as_str().unwrap());
    let odd = Server::start(move |seen, _| match seen.path.as_str() {
        "/v2/web/manifests/odd" => say(200, &[], text.clone()),
        _ => Act::Pass,
    })
    .await;
    Pusher::new(odd.address, None).image("web", None, "2026-01-01T00:00:00Z").await;
    assert_eq!(
        created(&client(), &odd.repository("web"), &["odd"]).await.unwrap(),
        format!("odd={expected}"),
        "{manifest}"
    );
}

const MADE: &str = "2026-01-01T00:00:00Z";

#[tokio::test]
async fn quirk_22_a_manifest_that_does_not_say_what_it_is() {
    check_created(json!({"schemaVersion": 2, "config": "CONFIG", "layers": []}), MADE).await;
    check_created(json!({"schemaVersion": 2, "manifests": ["IMAGE"]}), MADE).await;
}

#[tokio::test]
async fn quirk_23_odd_entries_in_an_index() {
    let index = |entries: Value| json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries});
    check_created(
        index(json!([{"mediaType": "application/vnd.example+json", "digest": "x", "size": 1}, "IMAGE"])),
        MADE,
    )
    .await;
    check_created(index(json!([7, null, {"size": "odd"}, "IMAGE"])), MADE).await;
    check_created(index(json!([])), "-").await;
    check_created(index(json!([7])), "-").await;
}

#[tokio::test]
async fn quirk_24_attestations_are_no_images() {
    let image = json!({"mediaType": OCI_MANIFEST, "digest": "DIGEST", "size": 7});
    let attestation = json!({"mediaType": OCI_MANIFEST, "digest": Digest::sha256(b"attested").as_str(), "size": 7});
    let attestation = with_platform(attestation, "unknown", "unknown");
    let index = |entries: Value| json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries});
    check_created(index(json!([attestation, image])), MADE).await;
    check_created(index(json!([attestation])), "-").await;
}

#[tokio::test]
async fn quirk_25_no_request_is_made_for_labels() {
    let server = Server::good().await;
    let repository = server.fill("web", &["a", "b"]);
    let client = client();
    client.tags(&repository).await.unwrap();
    created(&client, &repository, &["b"]).await.unwrap();
    let asked: Vec<_> = server.log().into_iter().map(|seen| seen.path.split('/').nth(3).unwrap().to_owned()).collect();
    assert_eq!(asked, ["tags", "manifests", "blobs"], "and none for a tag that nobody asked about");
}

#[tokio::test]
async fn quirk_27_what_is_no_image_has_no_time() {
    let history = json!([{"v1Compatibility": r#"{"created":"2019-05-01T10:00:00Z"}"#}]);
    check_created(json!({"schemaVersion": 1, "history": history}), "2019-05-01T10:00:00Z").await;
    check_created(json!({"schemaVersion": 1, "history": []}), "-").await;
    check_created(json!({"schemaVersion": 7}), "-").await;
    let signature =
        json!({"mediaType": "application/vnd.dev.cosign.simplesigning.v1+json", "digest": "DIGEST", "size": 2});
    check_created(json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": signature, "layers": []}), "-").await;
    check_created(json!({"schemaVersion": 2, "config": {"mediaType": OCI_CONFIG}, "layers": []}), "-").await;
}

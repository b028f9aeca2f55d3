//! Good registries: the same stories are told to the embedded registry and to Debian's, so that the
//! one we made cannot drift away.

use std::net::SocketAddr;

use landwaiter::image::Digest;
use landwaiter::registry::{Client, Options};
use serde_json::{Value, json};

use super::{check_error, client, client_for_bob, created, options, tags};
use crate::registry_server::{
    DockerRegistry, OCI_CONFIG, OCI_INDEX, OCI_MANIFEST, Pusher, Server, basic, typed, with_digest, with_platform,
};

#[tokio::test]
async fn the_embedded_registry_behaves() {
    let server = Server::good().await;
    check_good_behaviour(&Pusher::new(server.address, None)).await;
}

#[tokio::test]
async fn the_registry_of_docker_behaves() {
    let server = DockerRegistry::start(None);
    check_good_behaviour(&Pusher::new(server.address, None)).await;
}

async fn check_good_behaviour(pusher: &Pusher) {
    check_tags_and_times(pusher).await;
    check_unknown_names(pusher).await;
    check_what_is_no_image(pusher).await;
    check_the_wire(pusher).await;
    check_uploads(pusher).await;
}

async fn check_tags_and_times(pusher: &Pusher) {
    let repository = pusher.repository("team/web");
    for (version, day) in [("1.9.0", 1), ("1.10.0", 2), ("v2", 3), ("latest", 3), ("1.0", 5)] {
        pusher.image("team/web", Some(version), &format!("2026-01-0{day}T00:00:00Z")).await;
    }
    let client = Client::new(Options { page_size: 2, ..options() }).unwrap();
    assert_eq!(tags(&client, &repository).await.unwrap(), "1.0 1.10.0 1.9.0 latest v2");
    assert_eq!(
        created(&client, &repository, &["v2", "1.9.0", "gone", "1.0"]).await.unwrap(),
        "v2=2026-01-03T00:00:00Z 1.9.0=2026-01-01T00:00:00Z 1.0=2026-01-05T00:00:00Z"
    );

    let arm = with_platform(pusher.image("team/web", None, "2026-02-01T00:00:00Z").await, "linux", "arm64");
    let amd = with_platform(pusher.image("team/web", None, "2026-02-02T00:00:00Z").await, "linux", "amd64");
    let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [arm, amd]});
    pusher.manifest("team/web", "multi", &index).await;
    assert_eq!(created(&client, &repository, &["multi"]).await.unwrap(), "multi=2026-02-02T00:00:00Z");
}

async fn check_unknown_names(pusher: &Pusher) {
    let error = tags(&client(), &pusher.repository("no/such")).await.unwrap_err();
    check_error(&error, false, &["/v2/no/such/tags/list", "answered 404", "NAME_UNKNOWN", "check the spelling"]);
    let (status, _, body) = pusher.send("GET", "/v2/team/web/manifests/no-such", OCI_MANIFEST, b"").await;
    assert_eq!((status, error_code(&body)), (404, "MANIFEST_UNKNOWN".to_owned()));
    let digest = Digest::sha256(b"no such");
    let (status, _, body) = pusher.send("GET", &format!("/v2/team/web/blobs/{digest}"), "", b"").await;
    assert_eq!((status, error_code(&body)), (404, "BLOB_UNKNOWN".to_owned()));
}

fn error_code(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap();
    body["errors"][0]["code"].as_str().unwrap().to_owned()
}

async fn check_what_is_no_image(pusher: &Pusher) {
    let config = pusher.blob("charts/web", b"{}").await;
    let config = typed("application/vnd.cncf.helm.config.v1+json", config);
    let chart = json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": []});
    pusher.manifest("charts/web", "0.1.0", &chart).await;
    pusher.image("charts/web", Some("undated"), "").await;
    pusher.image("charts/web", Some("clockless"), "0001-01-01T00:00:00Z").await;
    assert_eq!(
        created(&client(), &pusher.repository("charts/web"), &["0.1.0", "undated", "clockless"]).await.unwrap(),
        "0.1.0=- undated=- clockless=1970-01-01T00:00:00Z"
    );
}

/// What other clients rely on.
async fn check_the_wire(pusher: &Pusher) {
    let (status, headers, _) = pusher.send("GET", "/v2/", "", b"").await;
    assert_eq!((status, &headers["docker-distribution-api-version"]), (200, &"registry/2.0".parse().unwrap()));
    let image = pusher.image("wire", Some("1"), "2026-01-01T00:00:00Z").await;
    for (method, has_body) in [("GET", true), ("HEAD", false)] {
        let (status, headers, body) = pusher.send(method, "/v2/wire/manifests/1", OCI_MANIFEST, b"").await;
        assert_eq!((status, headers["content-type"].to_str().unwrap()), (200, OCI_MANIFEST));
        assert_eq!(headers["docker-content-digest"].to_str().unwrap(), image["digest"].as_str().unwrap());
        assert_eq!(headers["content-length"].to_str().unwrap(), image["size"].to_string());
        assert_eq!(!body.is_empty(), has_body);
    }
    let missing = json!({"mediaType": OCI_CONFIG, "digest": Digest::sha256(b"missing").as_str(), "size": 7});
    let broken = json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": missing, "layers": []}).to_string();
    let (status, _, body) = pusher.send("PUT", "/v2/wire/manifests/2", OCI_MANIFEST, broken.as_bytes()).await;
    assert_eq!((status, error_code(&body)), (400, "MANIFEST_BLOB_UNKNOWN".to_owned()));
    let (status, _, body) = pusher.send("PUT", "/v2/wire/manifests/2", OCI_MANIFEST, b"junk").await;
    assert_eq!((status, error_code(&body)), (400, "MANIFEST_INVALID".to_owned()));
    let (status, ..) = pusher.send("POST", "/v2/wire/tags/list", "", b"").await;
    assert_eq!(status, 405);
}

async fn check_uploads(pusher: &Pusher) {
    let (content, digest) = (b"in two parts".as_slice(), Digest::sha256(b"in two parts"));
    let location = pusher.begin_upload("uploads").await;
    let (status, headers, _) = pusher.send("PATCH", &location, "application/octet-stream", &content[..6]).await;
    assert_eq!((status, headers["range"].to_str().unwrap()), (202, "0-5"));
    let target = with_digest(headers["location"].to_str().unwrap(), &digest);
    let (status, headers, _) = pusher.send("PUT", &target, "application/octet-stream", &content[6..]).await;
    assert_eq!((status, headers["docker-content-digest"].to_str().unwrap()), (201, digest.as_str()));
    let (status, _, body) = pusher.send("GET", &format!("/v2/uploads/blobs/{digest}"), "", b"").await;
    assert_eq!((status, body.as_slice()), (200, content));

    let location = pusher.begin_upload("uploads").await;
    let (status, _, body) = pusher.send("PUT", &with_digest(&location, &digest), "", b"something else").await;
    assert_eq!((status, error_code(&body)), (400, "DIGEST_INVALID".to_owned()));
}

#[tokio::test]
async fn a_password_opens_the_registry_of_docker() {
    // The password is `hunter2`, by `htpasswd -nbB -C 4 bob hunter2`.
    let server = DockerRegistry::start(Some("bob:$2y$04$Mhm.n9ejJtk/C3O0kZkVBuc0ww9.L0Eg6UTpwSQtvLqMX37i8nMgS\n"));
    check_password(server.address).await;
}

#[tokio::test]
async fn a_password_opens_the_embedded_registry_behind_basic() {
    let server = Server::start(basic("bob", "hunter2")).await;
    check_password(server.address).await;
}

async fn check_password(address: SocketAddr) {
    let pusher = Pusher::new(address, Some(("bob", "hunter2")));
    pusher.image("web", Some("1"), "2026-01-01T00:00:00Z").await;
    let repository = pusher.repository("web");
    let (good, _folder) = client_for_bob(&repository, "hunter2");
    assert_eq!(tags(&good, &repository).await.unwrap(), "1");
    assert_eq!(created(&good, &repository, &["1"]).await.unwrap(), "1=2026-01-01T00:00:00Z");

    let error = tags(&client(), &repository).await.unwrap_err();
    let log_in = format!("log in: no credential for {address} is configured");
    check_error(&error, false, &["answered 401", "UNAUTHORIZED", &log_in]);

    let (bad, folder) = client_for_bob(&repository, "hunter2-old");
    let config = folder.path().join("config.json");
    for _ in 0..2 {
        let error = tags(&bad, &repository).await.unwrap_err();
        check_error(&error, false, &["answered 401", config.to_str().unwrap(), "(user bob) was refused: renew it"]);
    }
}

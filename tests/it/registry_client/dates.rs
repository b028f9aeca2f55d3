//! When tags were pushed, as vendors tell it: who is asked, who is shown a password, and what it is worth.

use std::fs;

use landwaiter::image::Repository;
use landwaiter::registry::{Client, CredentialSource, Dates, Options, Prefix, Site, Sites};
use serde_json::json;
use tempfile::TempDir;

use super::{created, options, tag, tags};
use crate::binary::{landwaiter, run};
use crate::registry_server::{Act, Seen, Server, basic, bearer, say};
use crate::tls_server::{Authority, Proxy};

fn is_list(seen: &Seen) -> bool {
    seen.path.ends_with("/tags/list")
}

/// A client for which this registry is one that tells dates.
fn client_for(server: &Server, dates: Dates, credential: Option<CredentialSource>) -> Client {
    let prefix: Prefix = server.address.to_string().parse().unwrap();
    let site = Site { dates: Some(dates), credential, ..Site::new(prefix) };
    Client::new(Options { sites: Sites::new(vec![site]), ..options() }).unwrap()
}

async fn pushed(client: &Client, repository: &Repository, names: &[&str]) -> Vec<String> {
    let wanted: Vec<_> = names.iter().map(|name| tag(name)).collect();
    let found = client.pushed(repository, &wanted).await;
    wanted.iter().filter_map(|tag| Some(format!("{tag} {}", found.get(tag)?))).collect()
}

#[tokio::test]
async fn google_tells_both_times_with_the_list_and_no_image_is_looked_up() {
    let digest = |letter: &str| format!("sha256:{}", letter.repeat(64));
    let manifest = |tag: &str, created: &str, uploaded: &str| json!({"tag": [tag], "timeCreatedMs": created, "timeUploadedMs": uploaded, "mediaType": "x", "imageSizeBytes": "1"});
    let server = Server::start(move |seen, _| {
        if !is_list(seen) {
            return Act::Pass;
        }
        let manifests = json!({
            digest("a"): manifest("1.0.0", "1767607080000", "1767607201000"),
            digest("b"): manifest("1.1.0", "0", "1767607202000"),
            digest("c"): manifest("9.9.9", "1767607080000", "1767607201000"),
        });
        say(
            200,
            &[],
            json!({"child": [], "manifest": manifests, "name": "web", "tags": ["1.0.0", "1.1.0"]}).to_string(),
        )
    })
    .await;
    let repository = server.fill("web", &["1.0.0", "1.1.0"]);
    let client = Client::new(options()).unwrap();
    assert_eq!(tags(&client, &repository).await.unwrap(), "1.0.0 1.1.0", "the list says which tags there are");
    assert_eq!(
        pushed(&client, &repository, &["1.0.0", "1.1.0", "9.9.9"]).await,
        ["1.0.0 2026-01-05T10:00:01Z", "1.1.0 2026-01-05T10:00:02Z"]
    );
    assert_eq!(created(&client, &repository, &["1.0.0"]).await.unwrap(), "1.0.0=2026-01-05T09:58:00Z");
    assert_eq!(server.log().len(), 1, "nothing but the list was asked for");
    assert_eq!(created(&client, &repository, &["1.1.0"]).await.unwrap(), "1.1.0=2023-11-14T23:13:20Z");
    assert!(server.count("/manifests/1.1.0") > 0, "what is not told is looked up");
}

#[tokio::test]
async fn what_is_odd_beside_a_list_is_no_fault_of_the_list() {
    for manifest in
        [json!(null), json!(7), json!([]), json!({"sha256:x": {"tag": "1.0.0"}}), json!({"x": {"tag": [7]}})]
    {
        let body = json!({"tags": ["1.0.0"], "manifest": manifest}).to_string();
        let server = Server::start(move |_, _| say(200, &[], body.clone())).await;
        let repository = server.repository("web");
        let client = Client::new(options()).unwrap();
        assert_eq!(tags(&client, &repository).await.unwrap(), "1.0.0", "{manifest}");
        assert_eq!(pushed(&client, &repository, &["1.0.0"]).await, [""; 0]);
    }
}

fn harbor(seen: &Seen) -> Option<Act> {
    let is_api = seen.path == "/api/v2.0/projects/shop/repositories/web%252Ffront/artifacts";
    let artifact = json!([{"digest": null, "push_time": "2026-01-01T00:00:00Z", "extra_attrs": null,
        "tags": [{"name": "1.0.0", "push_time": "2026-01-02T00:00:00Z"}, {"name": "other", "push_time": null}]}]);
    is_api.then(|| say(200, &[], artifact.to_string()))
}

#[tokio::test]
async fn harbor_is_shown_the_password_of_the_registry() {
    let server = Server::start(|seen, address| match basic("bob", "hunter2")(seen, address) {
        Act::Pass => harbor(seen).unwrap_or(Act::Pass),
        refusal => refusal,
    })
    .await;
    let repository = server.fill("shop/web/front", &["1.0.0", "1.1.0"]);
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("secret"), "bob:hunter2").unwrap();
    let source = CredentialSource::File(folder.path().join("secret"));
    let client = client_for(&server, Dates::Harbor, Some(source));
    assert_eq!(tags(&client, &repository).await.unwrap(), "1.0.0 1.1.0");
    assert_eq!(pushed(&client, &repository, &["1.0.0", "1.1.0"]).await, ["1.0.0 2026-01-02T00:00:00Z"]);
    let asked = server.count("/api/");
    assert_eq!(asked, 1, "a page that is not full is the last one");
    assert_eq!(pushed(&client, &repository, &[]).await, [""; 0]);
    assert_eq!(server.count("/api/"), asked, "nobody asks for nothing");

    let stranger = client_for(&server, Dates::Harbor, Some(CredentialSource::Anonymous));
    assert_eq!(pushed(&stranger, &repository, &["1.0.0"]).await, [""; 0], "a refusal is no error");
}

#[tokio::test]
async fn gitlab_is_asked_with_the_token_of_the_registry() {
    let login = bearer(usize::MAX);
    let server = Server::start(move |seen, address| {
        if seen.path == "/gitlab/v1/repositories/group/app/tags/list/" && seen.authorization.is_some() {
            let listed = json!([{"name": "1.0.0", "created_at": "2026-01-02T00:00:00.000+00:00"}, {"name": "1.1.0"}]);
            return say(200, &[], listed.to_string());
        }
        login(seen, address)
    })
    .await;
    let repository = server.fill("group/app", &["1.0.0", "1.1.0"]);
    let client = client_for(&server, Dates::GitLab, None);
    assert_eq!(tags(&client, &repository).await.unwrap(), "1.0.0 1.1.0");
    assert_eq!(pushed(&client, &repository, &["1.0.0", "1.1.0"]).await, ["1.0.0 2026-01-02T00:00:00Z"]);
    assert_eq!((server.count("/gitlab/"), server.count("/token")), (1, 1), "the token of the list is good for it");
}

#[tokio::test]
async fn quay_is_asked_without_a_name_and_for_a_few_pages_at_most() {
    let server = Server::start(|seen, address| {
        if !seen.path.starts_with("/api/v1/repository/team/app/tag/") {
            return basic("bob", "hunter2")(seen, address);
        }
        let page: usize = seen.query.rsplit('=').next().unwrap().parse().unwrap();
        let tags: Vec<_> = (0..100)
            .map(|at| json!({"name": format!("1.{page}.{at}"), "start_ts": 1_767_600_000 - page * 100 - at, "manifest_digest": "x"}))
            .collect();
        say(200, &[], json!({"tags": tags, "page": page, "has_additional": true}).to_string())
    })
    .await;
    let repository = server.repository("team/app");
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("secret"), "bob:hunter2").unwrap();
    let client = client_for(&server, Dates::Quay, Some(CredentialSource::File(folder.path().join("secret"))));
    assert_eq!(pushed(&client, &repository, &["1.1.7"]).await, ["1.1.7 2026-01-05T07:58:13Z"]);
    assert_eq!(server.log().len(), 1, "no more pages than are needed");
    assert_eq!(pushed(&client, &repository, &["1.1.7", "1.3.0"]).await.len(), 2);
    assert_eq!(server.log().len(), 4, "a tag may have been pushed again, so the first page is asked for too");
    assert_eq!(pushed(&client, &repository, &["0.1.0"]).await, [""; 0]);
    assert_eq!(server.log().len(), 9, "and no more than five");
    assert!(server.log().iter().all(|seen| seen.authorization.is_none()), "nobody is shown the password there");
}

#[tokio::test]
async fn trouble_with_dates_is_no_trouble_with_tags() {
    let server = Server::start(|seen, _| match seen.path.as_str() {
        path if path.starts_with("/api/") && seen.before % 3 == 0 => say(403, &[], "not for you"),
        path if path.starts_with("/api/") && seen.before % 3 == 1 => say(200, &[], "<html>"),
        path if path.starts_with("/api/") => say(302, &[("location", "https://example.com/login")], ""),
        _ => Act::Pass,
    })
    .await;
    let repository = server.fill("team/app", &["1.0.0"]);
    let client = client_for(&server, Dates::Quay, None);
    for _ in 0..2 {
        assert_eq!(pushed(&client, &repository, &["1.0.0"]).await, [""; 0]);
    }
    assert_eq!(tags(&client, &repository).await.unwrap(), "1.0.0");
}

/// Docker Hub has its API on another host than its registry, and no password goes there.
#[tokio::test]
async fn docker_hub_is_asked_at_its_other_host_without_a_name() {
    let registry = Server::start(basic("bob", "hunter2")).await;
    registry.fill("org/app", &["1.0.0", "1.1.0", "1.2.0"]);
    let hub = Server::start(|seen, _| {
        if seen.path != "/v2/namespaces/org/repositories/app/tags" {
            return say(404, &[], "{}");
        }
        let results = json!([
            {"name": "1.2.0", "tag_last_pushed": "2026-01-20T00:00:00Z", "digest": null},
            {"name": "1.1.0", "tag_last_pushed": "2026-01-02T00:00:00Z", "digest": null},
            {"name": "1.0.0", "tag_last_pushed": null},
        ]);
        say(200, &[], json!({"count": 3, "next": null, "previous": null, "results": results}).to_string())
    })
    .await;
    let (home, authority, proxy) = (TempDir::new().unwrap(), Authority::new("Our authority"), Proxy::start().await);
    for (host, port) in [("registry-1.docker.io", registry.address.port()), ("hub.docker.com", hub.address.port())] {
        proxy.lead(host, authority.issue(host), port);
    }
    fs::write(home.path().join("ca.pem"), authority.pem()).unwrap();
    let config = json!({"auths": {"https://index.docker.io/v1/": {"username": "bob", "password": "hunter2"}}});
    fs::write(home.path().join("config.json"), config.to_string()).unwrap();
    let args = ["explain", "--image", "org/app:1.0.0", "--policy", "semver:1", "--min-age", "7d"];
    let more =
        ["--now", "2026-01-21T00:00:00Z", "--trust-created", "--docker-config", "config.json", "--output", "json"];
    let mut command = landwaiter(home.path(), [&args[..], &more].concat());
    command.env("HTTPS_PROXY", proxy.url()).env("SSL_CERT_FILE", home.path().join("ca.pem"));
    let ran = tokio::task::spawn_blocking(move || run(&mut command)).await.unwrap();
    assert_eq!(ran.code, 0, "{ran:?}");
    let answer = ran.json();
    assert_eq!(answer["decision"]["tag"], "1.1.0", "{answer:#}");
    let reason = answer["decision"]["reason"].as_str().unwrap();
    assert!(reason.contains("`1.2.0` was pushed 2026-01-20T00:00:00Z, and with min-age 7d"), "{reason}");
    assert_eq!(hub.log().len(), 1, "{:?}", hub.log());
    assert!(hub.log().iter().all(|seen| seen.authorization.is_none()));
}

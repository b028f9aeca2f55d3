//! What registries call a repository, and what they say of one that they do not know.

use landwaiter::image::Repository;

use super::{check_error, check_tags, client, tags};
use crate::registry_server::{Act, Raw, Server, say};

/// The answer is `404` with this header, and the repair says `hint`, which is done by nobody but a person.
async fn check_not_found(path: &str, header: (&'static str, &'static str), hint: Option<&str>) {
    let server =
        Server::start(move |seen, _| if seen.path.contains("/library/") { Act::Pass } else { say(404, &[header], "") })
            .await;
    for official in ["library/node", "docker-hub/library/node"] {
        server.fill(official, &["a"]);
    }
    let repository = server.repository(path);
    let error = tags(&client(), &repository).await.unwrap_err();
    check_error(&error, false, &["answered 404", "check the spelling of"]);
    assert_eq!(server.log().len(), 1, "another repository is not a guess");
    match hint {
        Some(hint) => check_error(&error, false, &[&hint.replace("HOST", &server.address.to_string())]),
        None => assert!(!error.to_string().contains("library"), "{error}"),
    }
}

#[tokio::test]
async fn quirk_06_artifactory_and_official_images() {
    let header = ("x-jfrog-version", "Artifactory/7.90.8");
    let hint = "if it is an official image of Docker Hub, write HOST/docker-hub/library/node";
    check_not_found("docker-hub/node", header, Some(hint)).await;
    check_not_found("docker-hub/node", ("x-artifactory-id", "0123"), Some(hint)).await;
    check_not_found("docker-hub/node", ("x-other", "1"), None).await;
    check_not_found("docker-hub/team/node", header, None).await;
}

#[tokio::test]
async fn quirk_07_a_name_without_a_namespace() {
    let hint = "if it is an official image of Docker Hub, write HOST/library/node";
    check_not_found("node", ("x-other", "1"), Some(hint)).await;
}

#[test]
fn quirk_08_the_names_of_docker_hub() {
    for (written, meant) in [
        ("node", "docker.io/library/node"),
        ("docker.io/node", "docker.io/library/node"),
        ("index.docker.io/node", "docker.io/library/node"),
        ("registry-1.docker.io/node", "docker.io/library/node"),
        ("docker.io/org/app", "docker.io/org/app"),
        ("k8s.gcr.io/pause", "k8s.gcr.io/pause"),
        ("registry.k8s.io/pause", "registry.k8s.io/pause"),
        ("ghcr.io/pause", "ghcr.io/pause"),
    ] {
        let repository = Repository::parse(written).unwrap();
        assert_eq!(repository.to_string(), meant, "{written}");
        let api_host =
            if meant.starts_with("docker.io/") { "registry-1.docker.io" } else { &meant[..meant.find('/').unwrap()] };
        assert_eq!(repository.registry().api_host(), api_host, "{written}");
    }
}

#[tokio::test]
async fn quirk_30_a_line_that_is_reset() {
    let server = Raw::start(|line| async move { line.reset() }).await;
    let error = tags(&client(), &server.repository("web")).await.unwrap_err();
    check_error(&error, true, &["/v2/web/tags/list: ", "check the host name, the network"]);
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn quirk_31_ports_and_long_paths() {
    let server = Server::good().await;
    check_tags(&client(), &server.fill("strimzi-helm/charts/deep/operator", &["a"]), "a").await;
    assert_eq!(server.log()[0].path, "/v2/strimzi-helm/charts/deep/operator/tags/list");
    // An image is no address: with a scheme or a slash at the end it names nothing, and is not guessed at.
    for written in ["https://quay.io/org/app", "quay.io/org/app/", "quay.io//app", "quay.io"] {
        let named = Repository::parse(written).map(|repository| repository.to_string());
        assert!(named.as_ref().is_err() || named.as_deref() == Ok("docker.io/library/quay.io"), "{written}: {named:?}");
    }
}

#[tokio::test]
async fn quirk_32_the_proxy_cache_of_harbor() {
    let words = r#"{"errors":[{"code":"NOT_FOUND","message":"artifact dockerhub/library/node not found"}]}"#;
    let server =
        Server::start(move |seen, _| if seen.path.contains("/not-yet/") { say(404, &[], words) } else { Act::Pass })
            .await;
    // From version 2.5 on, the list is that of the registry behind it.
    check_tags(&client(), &server.fill("dockerhub/library/node", &["1", "2"]), "1 2").await;
    // What it has not cached yet it may not know.
    let error = tags(&client(), &server.repository("dockerhub/not-yet/node")).await.unwrap_err();
    check_error(&error, false, &["answered 404 (NOT_FOUND: artifact dockerhub/library/node not found)"]);
}

#[tokio::test]
async fn quirk_33_silence_is_never_an_answer() {
    for status in [204, 400, 401, 403, 404, 405, 410, 418, 451, 500, 501, 503] {
        let server = Server::start(move |_, _| say(status, &[], "")).await;
        let error = tags(&client(), &server.repository("web")).await.unwrap_err();
        assert!(error.to_string().contains(&format!("answered {status}")), "{error}");
    }
}

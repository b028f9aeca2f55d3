//! How few connections are made, and what is spoken on them.

use std::fs;
use std::time::Duration;

use futures_util::future::join_all;
use landwaiter::registry::{Client, Options};
use tempfile::TempDir;

use crate::binary::{Ran, landwaiter, run};
use crate::registry_server::{Act, Server};
use crate::tls_server::{Authority, Proxy};

#[tokio::test]
async fn many_repositories_over_many_scans_use_a_few_connections() {
    let server = Server::start(|_, _| Act::Wait(Duration::from_millis(1))).await;
    let repositories: Vec<_> = (0..60).map(|number| server.fill(&format!("r{number}"), &["a", "b"])).collect();
    let options = Options { poll_interval: Duration::ZERO, host_concurrency: 3, ..Options::default() };
    let client = Client::new(options).unwrap();
    for _ in 0..3 {
        for found in join_all(repositories.iter().map(|repository| client.tags(repository))).await {
            assert_eq!(found.unwrap().tags().len(), 2);
        }
    }
    assert_eq!(server.log().len(), 180);
    // A request may begin just before a connection is free, and then another one is made.
    assert!(server.connections() <= 2 * 3, "{}", server.connections());
}

/// The host that [`plan_over_tls`] asks.
const REGISTRY: &str = "registry.example.com";

/// A plan for one pod per path, of images 1.0.0 of a registry behind TLS that offers these protocols.
pub(crate) async fn plan_over_tls(server: &Server, protocols: &[&str], paths: &[&str]) -> Ran {
    let home = TempDir::new().unwrap();
    let proxy = Proxy::start().await;
    let authority = Authority::new("Our authority");
    proxy.lead(REGISTRY, authority.issue_speaking(REGISTRY, protocols), server.address.port());
    let bundle = home.path().join("ca.pem");
    fs::write(&bundle, authority.pem()).unwrap();
    for path in paths {
        let pod = format!(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {path}\n  annotations:\n    landwaiter/automated: \
             \"true\"\n    landwaiter/tag-semver: \"1\"\nspec:\n  containers:\n  - name: main\n    image: \
             {REGISTRY}/{path}:1.0.0\n"
        );
        fs::write(home.path().join(format!("{path}.yaml")), pod).unwrap();
    }
    let mut command = landwaiter(home.path(), ["plan"]);
    command.env("HTTPS_PROXY", proxy.url()).env("SSL_CERT_FILE", &bundle);
    tokio::task::spawn_blocking(move || run(&mut command)).await.unwrap()
}

/// What is spoken with a registry that offers these protocols, when it has many images, and on how many
/// connections.
async fn speak(protocols: &[&str]) -> (Vec<String>, usize) {
    let paths: Vec<String> = (0..30).map(|number| format!("r{number}")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let server = Server::good().await;
    for path in &paths {
        server.fill(path, &["1.0.0", "1.1.0"]);
    }
    let ran = plan_over_tls(&server, protocols, &paths).await;
    assert_eq!(ran.stdout.matches("1.0.0 -> 1.1.0").count(), paths.len(), "{}", ran.stderr);
    let log = server.log();
    assert_eq!(log.len(), paths.len());
    let mut spoken: Vec<_> = log.into_iter().map(|seen| seen.version).collect();
    spoken.dedup();
    (spoken, server.connections())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_2_is_spoken_where_it_is_offered() {
    // All at once at first, since nobody knows what is spoken until the first one has been made.
    let (spoken, connections) = speak(&["h2", "http/1.1"]).await;
    assert_eq!(spoken, ["HTTP/2.0"]);
    assert!(connections <= 2 * 8, "{connections}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_1_is_spoken_where_nothing_else_is_offered() {
    for protocols in [&["http/1.1"][..], &[]] {
        let (spoken, connections) = speak(protocols).await;
        assert_eq!(spoken, ["HTTP/1.1"]);
        assert!(connections <= 2 * 8, "{connections}");
    }
}

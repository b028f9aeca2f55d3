//! Authorities, certificates and proxies of single registries, and that they are used as they are now.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use landwaiter::image::Repository;
use landwaiter::registry::{Client, ClientCertificate, Options, Proxy as Way, Site, Sites};
use tempfile::TempDir;

use super::{ask, ask_in, check_newest, check_told, elsewhere, newest, shown};
use crate::binary::{landwaiter, run};
use crate::registry_server::{Act, Server, basic, refuse, say};
use crate::tls_server::{Authority, Proxy};

const OURS: &str = "registry.example.com";
const TOKENS: &str = "tokens.example.com";
const THEIRS: &str = "registry.example.org";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_registry_has_its_own_authority_certificate_and_proxy() {
    let ours = Server::start(|seen, _| {
        let is_bob = || matches!(basic("bob", "hunter2")(seen, ([0, 0, 0, 0], 0).into()), Act::Pass);
        match seen.authorization.as_deref() {
            _ if seen.is_token() && is_bob() => say(200, &[], r#"{"token":"for-bob"}"#),
            Some("Bearer for-bob") => Act::Pass,
            _ => refuse(&format!(r#"Bearer realm="https://{TOKENS}/token",service="ours""#)),
        }
    })
    .await;
    let theirs = Server::good().await;
    ours.fill("app", &["1.0.0", "1.1.0"]);
    theirs.fill("app", &["1.0.0", "1.2.0"]);
    let (way, their_way) = (Proxy::start().await, Proxy::start().await);
    let (authority, their_authority) = (Authority::new("Ours"), Authority::new("Theirs"));
    way.lead(OURS, authority.issue_for_members(OURS), ours.address.port());
    // What is set for a registry holds for its token server.
    way.lead(TOKENS, authority.issue_for_members(TOKENS), ours.address.port());
    their_way.lead(THEIRS, their_authority.issue(THEIRS), theirs.address.port());
    let (certificate, key) = authority.member("landwaiter");
    let files = [
        ("ours.pem", authority.pem()),
        ("theirs.pem", their_authority.pem()),
        ("landwaiter.pem", certificate),
        ("landwaiter.key", key),
        ("password", "bob:hunter2".to_owned()),
    ];
    let files = files.each_ref().map(|(name, text)| (*name, text.as_str()));
    let config = format!(
        "registries:\n- prefix: {OURS}\n  ca-bundle: ours.pem\n  client-certificate: {{certificate: landwaiter.pem, key: \
         landwaiter.key}}\n  proxy: {}\n  credentials: {{file: password}}\n- prefix: {THEIRS}\n  ca-bundle: theirs.pem\n  \
         proxy: {}\n",
        way.url(),
        their_way.url()
    );
    check_newest(&newest(&files, &config, &format!("{OURS}/app:1.0.0")).await, "1.1.0");
    check_newest(&newest(&files, &config, &format!("{THEIRS}/app:1.0.0")).await, "1.2.0");
    assert_eq!(
        way.log(),
        [
            format!("CONNECT {OURS}:443 HTTP/1.1"),
            format!("CONNECT {TOKENS}:443 HTTP/1.1"),
            format!("HELLO {OURS} h2,http/1.1"),
            format!("HELLO {TOKENS} h2,http/1.1"),
        ]
    );
    assert_eq!(their_way.log(), [format!("CONNECT {THEIRS}:443 HTTP/1.1"), format!("HELLO {THEIRS} h2,http/1.1")]);

    // Whoever leaves one of them out, or takes another, is not let in and told why.
    for (line, other, told) in [
        ("  ca-bundle: ours.pem\n", "", "is not trusted (UnknownIssuer)"),
        ("ca-bundle: ours.pem", "ca-bundle: theirs.pem", "no authority in theirs.pem or the CA bundle of this machine"),
        ("  client-certificate: {certificate: landwaiter.pem, key: landwaiter.key}\n", "", "CertificateRequired"),
    ] {
        assert!(config.contains(line));
        let asked = ours.log().len();
        let ran = newest(&files, &config.replacen(line, other, 1), &format!("{OURS}/app:1.0.0")).await;
        check_told(&ran, &[OURS, told]);
        assert_eq!(ours.log().len(), asked, "{line}");
    }
}

#[tokio::test]
async fn what_is_no_certificate_is_told_of_by_file() {
    let authority = Authority::new("Ours");
    let ((certificate, key), (_, other)) = (authority.member("a"), authority.member("b"));
    let files =
        [("ca.pem", authority.pem()), ("a.pem", certificate), ("a.key", key), ("b.key", other), ("no", "no".into())];
    let files = files.each_ref().map(|(name, text)| (*name, text.as_str()));
    for (setting, told) in [
        ("ca-bundle: no", "no for ghcr.io: there is no certificate of an authority in it; write one in PEM"),
        ("ca-bundle: a.key", "a.key for ghcr.io: there is no certificate of an authority in it; write one in PEM"),
        ("client-certificate: {certificate: no, key: a.key}", "no for ghcr.io: there is no certificate to show in it"),
        ("client-certificate: {certificate: a.pem, key: no}", "no for ghcr.io: there is no private key in it ("),
        ("client-certificate: {certificate: a.pem, key: b.key}", "b.key for ghcr.io: this is not the key of that cert"),
    ] {
        let config = format!("registries:\n- prefix: ghcr.io\n  {setting}\n");
        check_told(&newest(&files, &config, "ghcr.io/org/app:1.0.0").await, &["error: ", told]);
    }
}

#[tokio::test]
async fn a_registry_may_be_reached_without_the_proxy_of_the_others() {
    let server = Server::good().await;
    server.fill("app", &["1.0.0", "1.1.0"]);
    let way = Proxy::start().await;
    let host = elsewhere(server.address);
    let home = TempDir::new().unwrap();
    for (proxy, reached) in [("", false), ("  proxy: none\n", true)] {
        let config = format!("registries:\n- prefix: {host}\n  insecure-plain-http: true\n{proxy}");
        fs::write(home.path().join("landwaiter.yaml"), config).unwrap();
        let mut command = landwaiter(home.path(), ["explain", "--policy", "semver:1", "--image"]);
        command.arg(format!("{host}/app:1.0.0")).args(["--config", "landwaiter.yaml"]);
        command.env("HTTP_PROXY", way.url()).env("HTTPS_PROXY", way.url());
        let ran = tokio::task::spawn_blocking(move || run(&mut command)).await.unwrap();
        assert_eq!(ran.code == 0, reached, "{ran:?}");
        assert_eq!(server.log().len(), usize::from(reached));
    }
}

/// Whether the tags of a repository are seen.
async fn is_seen(client: &Client, repository: &Repository) -> bool {
    client.tags(repository).await.is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_that_are_renewed_are_used_at_once() {
    let server = Server::good().await;
    server.fill("app", &["1.0.0"]);
    let (way, folder) = (Proxy::start().await, TempDir::new().unwrap());
    let (old, new) = (Authority::new("Old authority"), Authority::new("New authority"));
    let path = |name: &str| folder.path().join(name);
    let show = |name: &str, authority: &Authority| {
        let (certificate, key) = authority.member(name);
        fs::write(path("own.pem"), certificate).unwrap();
        fs::write(path("own.key"), key).unwrap();
    };
    fs::write(path("ca.pem"), old.pem()).unwrap();
    show("landwaiter", &old);
    way.lead(OURS, old.issue_for_members(OURS), server.address.port());
    let site = Site {
        ca_bundle: Some(path("ca.pem")),
        client_certificate: Some(ClientCertificate { certificate: path("own.pem"), key: path("own.key") }),
        proxy: Some(Way::Through(way.url().parse().unwrap())),
        ..Site::new(OURS.parse().unwrap())
    };
    let options = Options { poll_interval: Duration::ZERO, attempts: 1, ..Options::default() };
    let client = Client::new(Options { sites: Sites::new(vec![site]), ..options }).unwrap();
    let repository = Repository::parse(&format!("{OURS}/app")).unwrap();
    assert!(is_seen(&client, &repository).await);

    // The connection that is open stays good; a new one needs the new certificates.
    way.lead(OURS, new.issue_for_members(OURS), server.address.port());
    fs::write(path("ca.pem"), new.pem() + &old.pem()).unwrap();
    assert!(!is_seen(&client, &repository).await, "we still show who we were");
    show("landwaiter again", &new);
    assert!(is_seen(&client, &repository).await);

    // A file in the middle of being written is not believed.
    fs::write(path("ca.pem"), "").unwrap();
    fs::remove_file(path("own.key")).unwrap();
    assert!(is_seen(&client, &repository).await);
}

/// A plan for a pod per image, which takes some time.
async fn plan(home: &Path, config: &str, images: &[String]) -> Duration {
    for (number, image) in images.iter().enumerate() {
        let pod = format!(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p{number}\n  annotations: {{landwaiter/automated: \"true\", \
             landwaiter/policy: minor}}\nspec:\n  containers:\n  - name: main\n    image: {image}:1.0.0\n"
        );
        fs::write(home.join(format!("p{number}.yaml")), pod).unwrap();
    }
    let start = Instant::now();
    let ran = ask_in(home, config, &["plan"]).await;
    assert_eq!(ran.stdout.matches("1.0.0 -> 1.1.0").count(), images.len(), "{ran:?}");
    start.elapsed()
}

#[tokio::test]
async fn rate_burst_and_requests_at_once_are_those_of_the_registry() {
    let home = TempDir::new().unwrap();
    for (limits, busiest, shortest) in [
        ("", 2..=8, 0),
        ("  concurrency: 1\n", 1..=1, 0),
        // Seven of eight have to wait for a tenth of a second each.
        ("  rate: 10\n  burst: 1\n", 1..=8, 680),
    ] {
        let server = Server::start(|_, _| Act::Wait(Duration::from_millis(20))).await;
        let images = (0..8).map(|number| server.fill(&format!("r{number}"), &["1.0.0", "1.1.0"]).to_string());
        let config = format!("registries:\n- prefix: {}\n{limits}", server.address);
        let took = plan(home.path(), &config, &images.collect::<Vec<_>>()).await;
        assert!(busiest.contains(&server.busiest()), "{limits}: {}", server.busiest());
        assert!(took >= Duration::from_millis(shortest), "{limits}: {took:?}");
    }
}

#[tokio::test]
async fn a_pull_secret_and_variables_and_a_helper_hold_credentials() {
    let server = Server::start(basic("bob", "hunter2")).await;
    let image = format!("{}:1.0.0", server.fill("app", &["1.0.0", "1.1.0"]));
    let host = server.address;
    let secret = format!(r#"{{"auths":{{"{host}":{{"username":"bob","password":"hunter2"}}}}}}"#);
    let files = [(".dockerconfigjson", secret.as_str()), ("config.json", secret.as_str())];
    for source in ["{pull-secret: .}", "{pull-secret: .dockerconfigjson}", "{docker-config: config.json}"] {
        let config = format!("registries:\n- prefix: {host}\n  credentials: {source}\n");
        check_newest(&newest(&files, &config, &image).await, "1.1.0");
    }
    check_newest(&newest(&files, "docker-config: config.json\n", &image).await, "1.1.0");
    assert_eq!(shown(&server.log()), ["bob:hunter2"]);
    let config = format!("registries:\n- prefix: {host}\n  credentials: anonymous\ndocker-config: config.json\n");
    check_told(&newest(&files, &config, &image).await, &["log in"]);

    let config =
        format!("registries:\n- prefix: {host}\n  credentials: {{environment: {{user: WHO, password: WORD}}}}\n");
    check_told(&newest(&[], &config, &image).await, &["the variable WHO, which is to hold a credential, is not set"]);
    let home = TempDir::new().unwrap();
    fs::write(home.path().join("landwaiter.yaml"), config).unwrap();
    let mut command = landwaiter(home.path(), ["explain", "--policy", "semver:1", "--image", &image]);
    command.args(["--config", "landwaiter.yaml"]).env("WHO", "bob").env("WORD", "hunter2");
    check_newest(&tokio::task::spawn_blocking(move || run(&mut command)).await.unwrap(), "1.1.0");

    let config = format!("registries:\n- prefix: {host}\n  credentials: {{helper: no-such}}\n");
    let ran = ask(&[], &config, &["explain", "--policy", "semver:1", "--image", &image]).await;
    check_told(&ran, &["the credential helper docker-credential-no-such cannot be started"]);
}

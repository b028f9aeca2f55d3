//! The server over a socket: what is answered to whom, slow clients, and the way to the inbox.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use landwaiter::hook::{Remote, Sender, Source};
use landwaiter::http::{self, Fetch, Hooks, Inbox, Limits, SecretPlace, Watched};
use landwaiter::image::Repository;
use ring::rsa::PublicKeyComponents;
use ring::signature::KeyPair as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use url::Url;

use super::{Delivery, KEY, SECRET, fixtures};

/// A server with a source of each kind, named after it.
pub(super) struct Server {
    pub(super) address: String,
    pub(super) inbox: Arc<Inbox>,
    pub(super) hooks: Hooks,
    pub(super) home: TempDir,
    /// What was asked of others.
    pub(super) asked: Arc<Mutex<Vec<String>>>,
    stop: oneshot::Sender<()>,
    served: tokio::task::JoinHandle<()>,
}

impl Server {
    pub(super) async fn start(limits: Limits) -> Self {
        Self::with_room(limits, Inbox::CAPACITY).await
    }

    pub(super) async fn with_room(limits: Limits, capacity: usize) -> Self {
        let home = TempDir::new().unwrap();
        let secret = home.path().join("secret");
        std::fs::write(&secret, format!("{SECRET}\n")).unwrap();
        let by_kind = Sender::names().into_iter().map(|name| Source::new(name, name.parse().unwrap()));
        let by_fixture = Delivery::all().into_iter().map(|(_, delivery)| delivery.source);
        let sources = by_kind.chain(by_fixture).map(|source| (source, SecretPlace::File(secret.clone())));
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = Arc::clone(&asked);
        let fetch: Fetch = Arc::new(move |url| {
            log.lock().unwrap().push(url.to_string());
            Box::pin(async move { published(&url) })
        });
        let inbox = Arc::new(Inbox::new(capacity));
        let hooks = Hooks::open_with(sources.collect(), Arc::clone(&inbox), limits, fetch).unwrap();
        let listener = http::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (stop, stopped) = oneshot::channel::<()>();
        let routes = http::dressed(hooks.routes(), limits);
        let served = tokio::spawn(http::serve(listener, routes, limits, async move { drop(stopped.await) }));
        Self { address, inbox, hooks, home, asked, stop, served }
    }

    pub(super) async fn deliver(&self, delivery: &Delivery) -> Answer {
        let secret = delivery.path_secret.as_ref().map(|secret| format!("/{secret}")).unwrap_or_default();
        let url = format!("http://{}/hooks/{}{secret}", self.address, delivery.source.name);
        let mut request = client().post(url).body(delivery.body.clone());
        for (name, value) in &delivery.headers {
            request = request.header(name, value);
        }
        Answer::of(request).await
    }

    async fn ask(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        let url = format!("http://{}{path}", self.address);
        Answer::of(client().request(method.parse().unwrap(), url).body(body.to_vec())).await
    }

    /// Stops it and waits until everything is answered.
    pub(super) async fn stop(self) {
        let _ = self.stop.send(());
        self.served.await.unwrap();
    }
}

/// What Google and SNS answer.
fn published(url: &Url) -> Result<Vec<u8>, String> {
    match (url.host_str(), url.path()) {
        (Some("www.googleapis.com"), "/oauth2/v3/certs") => {
            let parts = PublicKeyComponents::<Vec<u8>>::from(KEY.public_key());
            let number = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
            let key = json!({"kid": "key-1", "kty": "RSA", "alg": "RS256", "use": "sig", "n": number(&parts.n), "e": number(&parts.e)});
            Ok(json!({"keys": [{"kid": "ec", "kty": "EC", "crv": "P-256"}, key]}).to_string().into_bytes())
        }
        (Some("sns.eu-west-1.amazonaws.com"), "/") => Ok(b"<ConfirmSubscriptionResponse/>".to_vec()),
        (Some("sns.eu-west-1.amazonaws.com"), _) => Ok(std::fs::read(fixtures().join("keys/hooks.cert.pem")).unwrap()),
        _ => Err("nobody is there".to_owned()),
    }
}

fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: reqwest::header::HeaderMap,
    pub(super) body: Value,
}

impl Answer {
    async fn of(request: reqwest::RequestBuilder) -> Self {
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.unwrap();
        Self { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
    }
}

fn brief() -> Limits {
    Limits { read: Duration::from_millis(300), request: Duration::from_secs(5), ..Limits::default() }
}

#[tokio::test]
async fn every_delivery_by_its_way_through_the_socket() {
    let server = Server::start(Limits::default()).await;
    for (name, delivery) in Delivery::all() {
        let forged = server.deliver(&delivery).await;
        let told = "it is not proved who sends this; the log says more";
        assert_eq!((forged.status, forged.body["error"].as_str()), (401, Some(told)), "{name}");
        assert!(server.inbox.is_empty(), "{name}");

        let answer = server.deliver(&delivery.clone().proved(SECRET, Timestamp::now())).await;
        let expected = match delivery.says[0].split(": ").next().unwrap() {
            "nothing" | "confirm" | "validation" => 200,
            "malformed" => 400,
            "content-type" => 415,
            _ => 202,
        };
        assert_eq!(answer.status, expected, "{name}: {answer:?}");
        if expected == 202 {
            let news = server.inbox.next().await;
            let images = news.repositories.iter().map(ToString::to_string);
            let remotes = news.remotes.iter().map(|remote| format!("git {remote}"));
            let expected = delivery.says.iter().map(|says| match says.split(' ').collect::<Vec<_>>()[..] {
                ["git", remote, _] => format!("git {remote}"),
                _ => says.clone(),
            });
            assert_eq!(images.chain(remotes).collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{name}");
        }
        assert!(server.inbox.is_empty(), "{name}");
    }
    let counted = |result| {
        server.hooks.counts().iter().filter(|count| count.result == result).map(|count| count.count).sum::<u64>()
    };
    assert_eq!(counted("unproved"), Delivery::all().len() as u64);
    assert!(counted("taken") > 0 && counted("nothing") > 0 && counted("malformed") > 0);
    server.stop().await;
}

#[tokio::test]
async fn keys_are_fetched_once_and_subscriptions_confirmed() {
    let server = Server::start(Limits::default()).await;
    let pem = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem";
    let google = "https://www.googleapis.com/oauth2/v3/certs";
    let asked = || std::mem::take(&mut *server.asked.lock().unwrap());
    // Strangers make us ask nobody.
    for (sender, name) in [("sns", "push"), ("pubsub", "push")] {
        let forged = Delivery {
            path_secret: Some("wrong".to_owned()),
            ..Delivery::load(sender, name).proved(SECRET, Timestamp::now())
        };
        assert_eq!(server.deliver(&forged).await.status, 401);
    }
    assert_eq!(asked(), [""; 0]);
    for (sender, url) in [("sns", pem), ("pubsub", google)] {
        for _ in 0..3 {
            let delivery = Delivery::load(sender, "push").proved(SECRET, Timestamp::now());
            assert_eq!(server.deliver(&delivery).await.status, 202);
        }
        assert_eq!(asked(), [url]);
    }
    let subscription = Delivery::load("sns", "subscription");
    let answer = server.deliver(&subscription.clone().proved(SECRET, Timestamp::now())).await;
    assert_eq!(
        (answer.status, asked()),
        (200, vec![subscription.says[0].strip_prefix("confirm: ").unwrap().to_owned()])
    );

    // A key that is not there is asked for once a minute.
    let mut unknown = Delivery::load("pubsub", "push").proved(SECRET, Timestamp::now());
    let head = json!({"alg": "RS256", "kid": "key-2"});
    unknown.set("authorization", &format!("Bearer {}", super::token_of(&head, &super::claims(Timestamp::now()))));
    for _ in 0..3 {
        assert_eq!(server.deliver(&unknown).await.status, 503);
    }
    assert_eq!(asked(), [google]);
    server.stop().await;
}

#[tokio::test]
async fn strangers_are_told_the_same_whatever_is_wrong() {
    let server = Server::start(Limits::default()).await;
    let mut answers = Vec::new();
    for path in
        ["/hooks/docker-hub", "/hooks/docker-hub/wrong", "/hooks/nobody", "/hooks/nobody/wrong", "/hooks/github"]
    {
        let answer = server.ask("POST", path, b"{}").await;
        answers.push((answer.status, answer.body.to_string(), answer.headers.get("www-authenticate").cloned()));
    }
    answers.dedup();
    assert!(answers.len() == 1 && answers[0].0 == 401, "{answers:?}");
    server.stop().await;
}

#[tokio::test]
async fn what_is_not_there_and_what_is_not_asked_for_like_this() {
    let server = Server::start(Limits::default()).await;
    for (method, path, status) in [
        ("GET", "/", 404),
        ("POST", "/hooks", 404),
        ("POST", "/hooks/docker-hub/a/b", 404),
        ("GET", "/hooks/docker-hub", 405),
        ("PUT", "/hooks/nobody/x", 405),
        ("POST", "/hooks/../etc/passwd", 404),
    ] {
        let answer = server.ask(method, path, b"").await;
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        assert!(answer.body["error"].is_string(), "{method} {path}: {answer:?}");
        assert_eq!(answer.headers.get("allow").is_some(), status == 405, "{method} {path}: {answer:?}");
        for (name, value) in [("x-content-type-options", "nosniff"), ("cache-control", "no-store")] {
            assert_eq!(answer.headers[name], value, "{method} {path}");
        }
        assert!(!answer.headers.contains_key("server"));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_sender_of_cloud_events_may_ask_before_it_sends() {
    let server = Server::start(Limits::default()).await;
    for (path, status) in [
        (format!("/hooks/cloudevents/{SECRET}"), 200),
        (format!("/hooks/acr/{SECRET}"), 200),
        ("/hooks/acr/wrong".to_owned(), 401),
        ("/hooks/acr".to_owned(), 401),
        ("/hooks/nobody/wrong".to_owned(), 401),
    ] {
        let request = client().request(reqwest::Method::OPTIONS, format!("http://{}{path}", server.address));
        let answer = Answer::of(request.header("webhook-request-origin", "eventgrid.azure.net")).await;
        let allowed = answer.headers.get("webhook-allowed-origin").map(|origin| origin.to_str().unwrap());
        assert_eq!((answer.status, allowed), (status, (status == 200).then_some("eventgrid.azure.net")), "{path}");
    }
    server.stop().await;
}

/// As fast as they come, over many connections: nothing is lost, and each repository waits once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_is_taken_and_no_hint_is_lost() {
    const REPOSITORIES: usize = 200;
    let server = Server::start(Limits::default()).await;
    let name = |number: usize| Repository::parse(&format!("ghcr.io/fleet/app-{number}")).unwrap();
    server.inbox.watch(Watched { repositories: (0..REPOSITORIES).map(name).collect(), remotes: Vec::new() });
    // How many deliveries had been answered for a repository, and how many of those had been when it was looked at.
    let answered: Arc<Vec<AtomicU64>> = Arc::new((0..REPOSITORIES).map(|_| AtomicU64::new(0)).collect());
    let (inbox, begun) = (Arc::clone(&server.inbox), Arc::clone(&answered));
    let looking = tokio::spawn(async move {
        let mut seen = vec![0; REPOSITORIES];
        while seen.iter().sum::<u64>() < 4000 {
            let news = inbox.next().await;
            assert!(news.repositories.len() <= REPOSITORIES);
            for (number, seen) in seen.iter_mut().enumerate() {
                if news.repositories.contains(&name(number)) {
                    *seen = begun[number].load(Ordering::SeqCst);
                }
            }
        }
    });
    let client = client();
    let senders = (0..20).map(|sender| {
        let (client, answered) = (client.clone(), Arc::clone(&answered));
        let url = format!("http://{}/hooks/generic/{SECRET}", server.address);
        tokio::spawn(async move {
            for turn in 0..200 {
                let number = (sender * 200 + turn) * 31 % REPOSITORIES;
                // Counted before it is told: whoever looks after that sees it.
                answered[number].fetch_add(1, Ordering::SeqCst);
                let body = json!({"image": format!("ghcr.io/fleet/app-{number}:{turn}")});
                let answer = client.post(&url).header("content-type", "application/json").body(body.to_string());
                assert_eq!(answer.send().await.unwrap().status(), 202);
            }
        })
    });
    for sender in senders.collect::<Vec<_>>() {
        sender.await.unwrap();
    }
    tokio::time::timeout(crate::binary::PATIENCE, looking).await.expect("a hint was lost").unwrap();
    server.stop().await;
}

#[tokio::test]
async fn what_is_too_large_is_not_read() {
    let server = Server::start(Limits { body: 10_000, ..Limits::default() }).await;
    let mut delivery = Delivery::load("docker-hub", "push").proved(SECRET, Timestamp::now());
    delivery.body.resize(10_000, b' ');
    assert_eq!(server.deliver(&delivery).await.status, 202);
    delivery.body.resize(10_001, b' ');
    assert_eq!(server.deliver(&delivery).await.status, 413);

    // The same without saying how long it will be, and nobody ever ends it.
    let mut stream = TcpStream::connect(&server.address).await.unwrap();
    let head = format!("POST /hooks/docker-hub/{SECRET} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(format!("{:x}\r\n{}\r\n", 10_001, " ".repeat(10_001)).as_bytes()).await.unwrap();
    assert!(status_line(&mut stream).await.contains(" 413 "));
    server.stop().await;
}

#[tokio::test]
async fn of_all_bodies_together_there_is_a_limit() {
    let server = Server::start(Limits { bodies: 1000, ..Limits::default() }).await;
    let mut holder = TcpStream::connect(&server.address).await.unwrap();
    let head = format!("POST /hooks/docker-hub/{SECRET} HTTP/1.1\r\nhost: x\r\ncontent-length: 901\r\n\r\n");
    holder.write_all(head.as_bytes()).await.unwrap();
    holder.write_all(&[b' '; 900]).await.unwrap();
    let small = Delivery::load("docker-hub", "official").proved(SECRET, Timestamp::now());
    assert!(small.body.len() > 100);
    // It is held when another is refused.
    while server.deliver(&small).await.status != 429 {}
    holder.write_all(b" ").await.unwrap();
    assert!(status_line(&mut holder).await.contains(" 400 "));
    while server.deliver(&small).await.status != 202 {}
    server.stop().await;
}

#[tokio::test]
async fn a_full_inbox_says_when_to_come_again() {
    let server = Server::with_room(Limits::default(), 1).await;
    assert_eq!(
        server.deliver(&Delivery::load("docker-hub", "push").proved(SECRET, Timestamp::now())).await.status,
        202
    );
    let answer = server.deliver(&Delivery::load("docker-hub", "official").proved(SECRET, Timestamp::now())).await;
    assert_eq!((answer.status, answer.headers["retry-after"].to_str().unwrap()), (429, "60"));
    assert_eq!(
        server.deliver(&Delivery::load("docker-hub", "push").proved(SECRET, Timestamp::now())).await.status,
        202,
        "it lies there"
    );
    assert_eq!(server.inbox.next().await.repositories.len(), 1);
    assert_eq!(
        server.deliver(&Delivery::load("docker-hub", "official").proved(SECRET, Timestamp::now())).await.status,
        202
    );
    server.stop().await;
}

#[tokio::test]
async fn what_nobody_watches_costs_nothing_and_is_said() {
    let server = Server::start(Limits::default()).await;
    server.inbox.watch(Watched {
        repositories: [Repository::parse("nginx").unwrap()].into(),
        remotes: vec![(Remote::parse("git@github.com:octo-org/config").unwrap(), Some("main".to_owned()))],
    });
    for (sender, name, taken) in [("docker-hub", "push", 0), ("docker-hub", "official", 1), ("github", "push", 1)] {
        let answer = server.deliver(&Delivery::load(sender, name).proved(SECRET, Timestamp::now())).await;
        let told = (answer.body["taken"].as_u64(), answer.body["unwatched"].as_u64());
        assert_eq!((answer.status, told), (202, (Some(taken), Some(1 - taken))), "{sender}/{name}");
    }
    assert_eq!(server.inbox.len(), 2);
    server.stop().await;
}

#[tokio::test]
async fn a_changed_secret_counts_at_once_and_one_that_vanished_goes_on() {
    let server = Server::start(Limits::default()).await;
    let secret = server.home.path().join("secret");
    let (old, new) = (Delivery::load("github", "push").proved(SECRET, Timestamp::now()), "the-next-secret-2027");
    std::fs::write(&secret, new).unwrap();
    assert_eq!(server.deliver(&old).await.status, 401);
    let next = Delivery::load("github", "push").proved(new, Timestamp::now());
    assert_eq!(server.deliver(&next).await.status, 202);
    std::fs::remove_file(&secret).unwrap();
    assert_eq!(server.deliver(&next).await.status, 202);
    std::fs::write(&secret, "weak").unwrap();
    assert_eq!(server.deliver(&next).await.status, 202);
    server.stop().await;
}

#[tokio::test]
async fn slow_clients_are_not_waited_for() {
    let server = Server::start(Limits { connections: 4, ..brief() }).await;
    let said = format!("POST /hooks/docker-hub/{SECRET} HTTP/1.1\r\nhost: x\r\ncontent-length: 900\r\n\r\n{{");
    let mut slow = Vec::new();
    // Two that never end a head, one that never ends a body, one that says nothing at all: all places are taken.
    for begun in ["POST /hooks/docker-hub HTTP/1.1\r\nhost: x\r\n", "P", said.as_str(), ""] {
        let mut stream = TcpStream::connect(&server.address).await.unwrap();
        stream.write_all(begun.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    let delivery = Delivery::load("docker-hub", "push").proved(SECRET, Timestamp::now());
    assert_eq!(server.deliver(&delivery).await.status, 202, "others wait for a place, and get it");
    for mut stream in slow {
        let mut answer = Vec::new();
        // It ends, whether with words or without.
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{answer}");
    }
    let slow = server.hooks.counts().into_iter().find(|count| count.result == "slow").unwrap();
    assert_eq!((slow.source.as_deref(), slow.count), (Some("docker-hub"), 1));
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_breaks_off_tells_nothing() {
    let server = Server::start(Limits::default()).await;
    let delivery = Delivery::load("docker-hub", "push").proved(SECRET, Timestamp::now());
    let mut stream = TcpStream::connect(&server.address).await.unwrap();
    let length = delivery.body.len();
    let head = format!("POST /hooks/docker-hub/{SECRET} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n");
    // All but the last byte.
    stream.write_all(&[head.as_bytes(), &delivery.body[..length - 1]].concat()).await.unwrap();
    stream.shutdown().await.unwrap();
    let _ = stream.read_to_end(&mut Vec::new()).await;
    let counts = server.hooks.counts();
    let count = counts.iter().map(|count| (count.result, count.count)).collect::<Vec<_>>();
    assert_eq!(count, [("interrupted", 1)]);
    assert!(server.inbox.is_empty());
    server.stop().await;
}

#[tokio::test]
async fn a_head_has_its_limit() {
    let server = Server::start(Limits::default()).await;
    let many = (0..100).map(|n| format!("x-{n}: 1\r\n")).collect::<Vec<_>>().concat();
    let long = format!("x-long: {}\r\n", "x".repeat(100_000));
    for headers in [many, long] {
        let mut stream = TcpStream::connect(&server.address).await.unwrap();
        let _ = stream.write_all(format!("POST /hooks/github HTTP/1.1\r\nhost: x\r\n{headers}\r\n").as_bytes()).await;
        let line = status_line(&mut stream).await;
        assert!(line.is_empty() || line.contains(" 431 "), "{line}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_stop_answers_what_has_begun_and_nothing_more() {
    let server = Server::start(Limits::default()).await;
    let delivery = Delivery::load("docker-hub", "push").proved(SECRET, Timestamp::now());
    let mut begun = TcpStream::connect(&server.address).await.unwrap();
    let head = format!(
        "POST /hooks/docker-hub/{SECRET} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        delivery.body.len()
    );
    begun.write_all(head.as_bytes()).await.unwrap();
    // The server reads the body when it asks for it.
    assert!(status_line(&mut begun).await.contains(" 100 "));
    let (address, inbox) = (server.address.clone(), Arc::clone(&server.inbox));
    let stopping = tokio::spawn(server.stop());
    begun.write_all(&delivery.body).await.unwrap();
    let mut rest = String::new();
    begun.read_to_string(&mut rest).await.unwrap();
    assert!(rest.contains("HTTP/1.1 202 "), "{rest}");
    stopping.await.unwrap();
    assert_eq!(inbox.len(), 1);
    assert!(TcpStream::connect(&address).await.is_err());
}

#[tokio::test]
async fn a_port_in_use_is_said_at_once() {
    let taken = http::bind("127.0.0.1:0").await.unwrap().local_addr();
    let taken = std::net::TcpListener::bind(taken.unwrap()).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let error = http::bind(&address).await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot listen on {address}: ")), "{error}");
    assert!(error.ends_with("; another program listens there: stop it, or choose another port"), "{error}");
}

#[tokio::test]
async fn a_source_with_a_weak_secret_is_none() {
    let home = TempDir::new().unwrap();
    let weak = home.path().join("weak");
    std::fs::write(&weak, "changeme\n").unwrap();
    let source = |name: &str, secret| (Source::new(name, Sender::DockerHub), secret);
    let sources = vec![
        source("a", SecretPlace::File(weak.clone())),
        source("b", SecretPlace::Environment("LANDWAITER_TEST_NOT_SET".to_owned())),
        source("c", SecretPlace::File(home.path().join("gone"))),
    ];
    let told = Hooks::open(sources, Arc::new(Inbox::new(1)), Limits::default()).unwrap_err();
    let told: Vec<_> = told.iter().map(|problem| (problem.source_name.as_str(), problem.message.as_str())).collect();
    assert_eq!(
        told[0].1,
        format!(
            "the secret in {}: a secret in it has fewer than 16 characters, or fewer than 8 different ones, and can be guessed; make one with `openssl rand -hex 32`",
            weak.display()
        )
    );
    assert_eq!(told[1], ("b", "the secret in the variable LANDWAITER_TEST_NOT_SET is not set"));
    assert!(told[2].1.contains("gone cannot be read: No such file"), "{told:?}");
}

/// The first line of an answer.
async fn status_line(stream: &mut TcpStream) -> String {
    let mut line = Vec::new();
    let mut byte = [0];
    while !line.ends_with(b"\r\n") && stream.read(&mut byte).await.is_ok_and(|read| read > 0) {
        line.push(byte[0]);
    }
    String::from_utf8(line).unwrap()
}

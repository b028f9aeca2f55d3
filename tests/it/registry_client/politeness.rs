//! How often a registry is asked, by what it says and does. The rules themselves are tested where they
//! are, on a clock that is stopped; here they meet the wire.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use landwaiter::image::Repository;
use landwaiter::registry::{Client, HostLimits, HostStatus, Options, Prefix, Site, Sites};
use tokio::net::TcpSocket;

use super::{check_error, client, client_for_bob, created, options, tags};
use crate::registry_server::{Act, Server, basic, bearer, say};

fn limits_of(repository: &Repository, limits: HostLimits) -> Sites {
    Sites::new(vec![Site { limits, ..Site::new(Prefix::whole(repository.registry().clone())) }])
}

/// A client with limits of its own for the host of `repository`.
fn limited(repository: &Repository, limits: HostLimits) -> Client {
    Client::new(Options { sites: limits_of(repository, limits), ..options() }).unwrap()
}

#[track_caller]
fn only_host(client: &Client) -> HostStatus {
    let [host] = client.hosts().try_into().unwrap_or_else(|hosts| panic!("{hosts:?}"));
    host
}

#[tokio::test]
async fn every_request_counts() {
    // The list is refused, a token is fetched, each blob is a redirect.
    let inner = bearer(usize::MAX);
    let server = Server::start(move |seen, address| match inner(seen, address) {
        Act::Pass if seen.path.contains("/web/blobs/") => {
            say(307, &[("location", &seen.path.replace("/web/", "/store/"))], "")
        }
        act => act,
    })
    .await;
    let repository = server.fill("web", &["a", "b"]);
    server.fill("store", &["a", "b"]);
    let client = limited(&repository, HostLimits { rate: Some(50.0), burst: Some(1), concurrency: None });
    let start = Instant::now();
    tags(&client, &repository).await.unwrap();
    created(&client, &repository, &["a", "b"]).await.unwrap();
    let requests = server.log().len();
    assert_eq!(requests, 1 + 1 + 1 + 2 + 2 * 2);
    let host = only_host(&client);
    assert_eq!((host.host.as_str(), host.sent, host.running), (server.address.to_string().as_str(), 9, 0));
    // One goes at once and each of the others after its fiftieth of a second.
    assert!(start.elapsed() >= Duration::from_millis(8 * 20), "{:?}", start.elapsed());

    let pinged = Server::start(|seen, address| match basic("bob", "hunter2")(seen, address) {
        Act::Say(_) if seen.path != "/v2/" => say(404, &[], ""),
        act => act,
    })
    .await;
    let repository = pinged.fill("web", &["a"]);
    let (client, _folder) = client_for_bob(&repository, "hunter2");
    tags(&client, &repository).await.unwrap();
    assert_eq!((pinged.count("/v2/"), only_host(&client).sent), (3, 3));
}

#[tokio::test]
async fn a_host_has_a_concurrency_of_its_own() {
    let server = Server::start(|_, _| Act::Wait(Duration::from_millis(5))).await;
    let paths: Vec<_> = (0..12).map(|number| server.fill(&format!("r{number}"), &["a"])).collect();
    let client = limited(&paths[0], HostLimits { concurrency: Some(2), ..HostLimits::default() });
    join_all(paths.iter().map(|repository| tags(&client, repository))).await;
    assert_eq!((server.busiest(), only_host(&client).concurrency), (2, 2));
}

#[test]
fn limits_that_cannot_be_kept_are_known_at_the_start() {
    let repository = Repository::parse("ghcr.io/org/app").unwrap();
    let sites = limits_of(&repository, HostLimits { rate: Some(0.0), ..HostLimits::default() });
    let error = Client::new(Options { sites, ..options() }).map(|_| ()).unwrap_err();
    check_error(&error, false, &["the limits of ghcr.io", "0 requests per second", "above zero"]);
}

#[tokio::test]
async fn what_a_host_says_is_left_is_known_and_heeded() {
    let server = Server::start(|seen, _| {
        if seen.path.contains("/manifests/") {
            let headers = [("ratelimit-limit", "100;w=21600"), ("ratelimit-remaining", "10;w=21600")];
            return say(404, &headers, "");
        }
        Act::Pass
    })
    .await;
    let repository = server.fill("web", &["a", "b"]);
    let client = Client::new(Options { host_concurrency: 1, ..options() }).unwrap();
    assert_eq!(created(&client, &repository, &["a"]).await.unwrap(), "");
    let error = created(&client, &repository, &["b"]).await.unwrap_err();
    check_error(&error, true, &["grants 100 manifests in 6 h, and 10 of them are left", "the next one goes in 21"]);
    assert!(error.retry_after().unwrap() > Duration::from_secs(200));
    assert_eq!((server.count("/manifests/"), tags(&client, &repository).await.unwrap()), (1, "a b".to_owned()));
    let quotas = only_host(&client).quotas;
    assert_eq!((quotas[0].manifests, quotas[0].limit, quotas[0].left, quotas.len()), (true, Some(100), 10, 1));
}

#[tokio::test]
async fn the_silence_that_a_token_server_asks_for_is_its_own() {
    let tokens = Server::start(|_, _| say(429, &[("retry-after", "3600")], "")).await;
    let challenge = format!(r#"Bearer realm="http://{}/token",service="test""#, tokens.address);
    let server = Server::start(move |seen, _| {
        if seen.path.contains("/open/") { Act::Pass } else { say(401, &[("www-authenticate", &challenge)], "") }
    })
    .await;
    let open = server.fill("open", &["a"]);
    let client = client();
    for path in ["web", "other"] {
        let error = tags(&client, &server.repository(path)).await.unwrap_err();
        check_error(&error, true, &[&tokens.address.to_string()]);
    }
    assert_eq!((tokens.log().len(), tags(&client, &open).await.unwrap()), (1, "a".to_owned()));
    let quiet: Vec<_> = client.hosts().into_iter().map(|host| (host.host, host.quiet.is_some())).collect();
    assert!(quiet.contains(&(tokens.address.to_string(), true)), "{quiet:?}");
    assert!(quiet.contains(&(server.address.to_string(), false)), "{quiet:?}");
}

#[tokio::test]
async fn a_date_is_read_by_the_clock_of_the_registry() {
    // Its clock is far behind; by ours, the date is long past.
    let headers = [("date", "Wed, 21 Oct 2015 07:28:00 GMT"), ("retry-after", "Wed, 21 Oct 2015 08:28:00 GMT")];
    let server = Server::start(move |_, _| say(503, &headers, "")).await;
    let client = client();
    let error = tags(&client, &server.repository("web")).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_hours(1)));
    let skew = only_host(&client).clock_skew.unwrap();
    assert!(skew.as_hours() < -24 * 365 * 10, "{skew:?}");
}

#[tokio::test]
async fn a_dead_registry_gets_no_request_and_delays_nobody() {
    // Nobody listens there yet, and nobody else gets the port.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let good = Server::good().await;
    let open = good.fill("web", &["a"]);
    let client = client();
    let dead = |number: usize| Repository::parse(&format!("{address}/r{number}")).unwrap();
    let error = tags(&client, &dead(0)).await.unwrap_err();
    check_error(&error, true, &["check the host name, the network"]);
    tags(&client, &dead(1)).await.unwrap_err();
    // Now somebody listens there, and notices that nobody comes.
    let listener = socket.listen(16).unwrap();
    let came = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&came);
    let listening = tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counter.fetch_add(1, Ordering::SeqCst);
        }
    });
    for number in 2..200 {
        let error = tags(&client, &dead(number)).await.unwrap_err();
        check_error(&error, true, &[&format!("{address} failed 5 times in a row and is tried again in "), "onnect"]);
        assert!(error.retry_after().unwrap() <= Duration::from_secs(5));
    }
    assert_eq!(tags(&client, &open).await.unwrap(), "a");
    assert_eq!(came.load(Ordering::SeqCst), 0);
    listening.abort();
    let outage = client.hosts().into_iter().find_map(|host| host.outage).unwrap();
    assert_eq!(outage.failures, 5);
}

#[tokio::test]
async fn a_registry_that_is_back_is_noticed_by_one_request_that_nobody_waits_for() {
    let is_good = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&is_good);
    let server =
        Server::start(move |_, _| if flag.load(Ordering::SeqCst) { Act::Pass } else { say(502, &[], "") }).await;
    let repositories = ["a", "b"].map(|path| server.fill(path, &["1"]));
    let client = Client::new(Options { probe_delay: Duration::from_millis(20), ..options() }).unwrap();
    for repository in &repositories {
        tags(&client, repository).await.unwrap_err();
    }
    assert_eq!(server.log().len(), 5);
    is_good.store(true, Ordering::SeqCst);
    let until_it_is_back = async {
        loop {
            match tags(&client, &repositories[0]).await {
                Ok(found) => return found,
                Err(error) => check_error(&error, true, &["failed 5 times in a row", "it answered 502"]),
            }
            tokio::task::yield_now().await;
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(20), until_it_is_back).await.unwrap();
    assert_eq!((found.as_str(), server.log().len()), ("1", 7), "one request to try it, and one that was asked for");
}

#[tokio::test]
async fn one_repository_in_trouble_is_no_dead_registry() {
    let server = Server::start(|seen, _| if seen.path.contains("/bad/") { say(500, &[], "") } else { Act::Pass }).await;
    let (bad, good) = (server.repository("bad"), server.fill("good", &["a"]));
    let client = client();
    for _ in 0..10 {
        check_error(&tags(&client, &bad).await.unwrap_err(), true, &["answered 500"]);
    }
    assert_eq!(tags(&client, &good).await.unwrap(), "a");
}

#[tokio::test]
async fn too_many_makes_us_slower() {
    let server = Server::start(|seen, _| if seen.before == 0 { say(429, &[], "") } else { Act::Pass }).await;
    let repository = server.fill("web", &["a"]);
    let client = client();
    assert_eq!(tags(&client, &repository).await.unwrap(), "a");
    let host = only_host(&client);
    assert_eq!((host.too_many, host.sent), (1, 2));
    assert!(host.rate.is_some_and(|rate| (24.9..26.0).contains(&rate)), "{host:?}");
}

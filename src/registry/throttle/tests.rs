//! Who goes when. Time is Tokio's, and paused: it passes while everybody waits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Counted, Failure, HostLimits, Kind, Permit, Refused, Throttle};
use crate::registry::told::{Quota, Told};

const NO_RATE: HostLimits = HostLimits { rate: Some(f64::INFINITY), burst: None, concurrency: Some(2) };

/// Two requests at once to each host, and the hosts `a`, `b` and `c` as fast as they come.
fn throttle(all: usize) -> Throttle {
    let limits: BTreeMap<_, _> = ["a", "b", "c"].map(|host| (host.to_owned(), NO_RATE)).into();
    let otherwise = HostLimits { concurrency: Some(2), ..HostLimits::default() };
    Throttle::new(all, otherwise, limits, Duration::from_mins(1), Duration::from_secs(5))
}

async fn enter(throttle: &Throttle, host: &str) -> Result<Permit, Refused> {
    throttle.enter(host, Counted::Rest).await
}

/// Polls once: whether the turn has come without waiting.
async fn is_free(throttle: &Throttle, host: &str) -> bool {
    tokio::select! {
        biased;
        entered = enter(throttle, host) => entered.is_ok(),
        () = std::future::ready(()) => false,
    }
}

fn told(retry_after: Option<u64>, quota: Option<Quota>) -> Told {
    Told { retry_after: retry_after.map(Duration::from_secs), quota, skew: None }
}

async fn answer(throttle: &Throttle, host: &str, counted: Counted, status: u16, told: &Told) {
    throttle.enter(host, counted).await.unwrap().answered(status, told);
}

async fn fail(throttle: &Throttle, host: &str) -> Result<(), Refused> {
    enter(throttle, host).await?.failed(Failure::Line, 1, "no route", &Told::default());
    Ok(())
}

#[tokio::test]
async fn a_full_host_does_not_stop_another() {
    let throttle = throttle(3);
    let _first = enter(&throttle, "a").await.unwrap();
    let second = enter(&throttle, "a").await.unwrap();
    assert!(!is_free(&throttle, "a").await);
    assert!(is_free(&throttle, "b").await);
    drop(second);
    assert!(is_free(&throttle, "a").await);
}

#[tokio::test]
async fn the_whole_is_bounded() {
    let throttle = throttle(2);
    let _first = enter(&throttle, "a").await.unwrap();
    let second = enter(&throttle, "b").await.unwrap();
    assert!(!is_free(&throttle, "c").await);
    drop(second);
    assert!(is_free(&throttle, "c").await);
}

#[tokio::test(start_paused = true)]
async fn a_rate_is_kept_by_any_number_of_requests_and_slows_nobody_else() {
    let throttle = Arc::new(throttle(4));
    let start = Instant::now();
    let requests = (0..250).map(|_| {
        let throttle = Arc::clone(&throttle);
        tokio::spawn(async move { answer(&throttle, "ghcr.io", Counted::Rest, 200, &Told::default()).await })
    });
    let requests: Vec<_> = requests.collect();
    for _ in 0..1000 {
        answer(&throttle, "a", Counted::Rest, 200, &Told::default()).await;
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    for request in requests {
        request.await.unwrap();
    }
    // A burst of 100, and then 50 per second.
    assert_eq!(start.elapsed().as_millis().div_ceil(10), 300);
    let status = throttle.hosts();
    assert_eq!(
        status.iter().map(|host| (host.host.as_str(), host.sent)).collect::<Vec<_>>(),
        [("a", 1000), ("ghcr.io", 250)]
    );
}

#[tokio::test(start_paused = true)]
async fn docker_hub_is_asked_more_slowly() {
    let throttle = throttle(4);
    let start = Instant::now();
    for _ in 0..50 {
        answer(&throttle, "registry-1.docker.io", Counted::Rest, 200, &Told::default()).await;
    }
    assert_eq!(start.elapsed().as_millis().div_ceil(10), 300);
}

#[tokio::test(start_paused = true)]
async fn a_long_wait_is_handed_back_and_a_short_one_is_sat_out() {
    let throttle = throttle(2);
    answer(&throttle, "a", Counted::Manifests, 429, &told(Some(3600), None)).await;
    let refused = enter(&throttle, "a").await.unwrap_err();
    assert_eq!(refused.kind, Kind::LeftAlone { host: "a".to_owned(), retry_after: Duration::from_hours(1) });

    let start = Instant::now();
    // A later answer does not shorten what an earlier one asked for.
    answer(&throttle, "b", Counted::Rest, 503, &told(Some(30), None)).await;
    assert!(!is_free(&throttle, "b").await);
    assert!(is_free(&throttle, "c").await);
    enter(&throttle, "b").await.unwrap();
    assert_eq!(start.elapsed(), Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn a_silence_that_begins_while_one_waits_is_kept() {
    let throttle = Arc::new(throttle(2));
    let permits = [enter(&throttle, "a").await.unwrap(), enter(&throttle, "a").await.unwrap()];
    let shared = Arc::clone(&throttle);
    let waiting = tokio::spawn(async move { enter(&shared, "a").await.map(|_| Instant::now()) });
    tokio::task::yield_now().await;
    let start = Instant::now();
    for permit in permits {
        permit.answered(429, &told(Some(20), None));
    }
    let went = waiting.await.unwrap().unwrap();
    assert!(went - start >= Duration::from_secs(20), "{:?}", went - start);
}

#[tokio::test(start_paused = true)]
async fn too_many_makes_slower_for_a_while() {
    let throttle = throttle(2);
    let rate = || throttle.hosts()[0].rate;
    answer(&throttle, "ghcr.io", Counted::Rest, 429, &Told::default()).await;
    assert_eq!((rate(), throttle.hosts()[0].too_many), (Some(25.0), 1));
    // GitHub's way to say it.
    answer(&throttle, "ghcr.io", Counted::Rest, 403, &told(Some(0), None)).await;
    assert!(rate().unwrap() < 13.0, "{:?}", rate());
    // A refusal is none.
    answer(&throttle, "ghcr.io", Counted::Rest, 403, &Told::default()).await;
    assert!(rate().unwrap() > 12.0);
    tokio::time::advance(Duration::from_mins(10)).await;
    assert_eq!(rate(), Some(50.0));
}

/// Docker Hub for the nameless.
fn hub(remaining: u64) -> Quota {
    Quota { limit: Some(100), remaining, window: Some(Duration::from_hours(6)), reset: None }
}

#[tokio::test(start_paused = true)]
async fn what_is_left_of_manifests_says_nothing_about_lists() {
    let throttle = throttle(2);
    answer(&throttle, "a", Counted::Manifests, 200, &told(None, Some(hub(12)))).await;
    let refused = throttle.enter("a", Counted::Manifests).await.unwrap_err();
    let text = refused.kind.to_string();
    assert_eq!(
        text,
        "a grants 100 manifests in 6 h, and 12 of them are left; some are kept for others and the rest is spread, so the \
         next one goes in 10800 s; poll less often, or log in for a higher limit"
    );
    let start = Instant::now();
    for _ in 0..100 {
        answer(&throttle, "a", Counted::Rest, 200, &Told::default()).await;
    }
    // All are spent, and the host says for how long; still nothing is said about lists.
    tokio::time::advance(Duration::from_hours(3)).await;
    answer(&throttle, "a", Counted::Manifests, 429, &told(Some(600), Some(hub(0)))).await;
    answer(&throttle, "a", Counted::Rest, 200, &Told::default()).await;
    assert_eq!(start.elapsed(), Duration::from_hours(3));
    let status = &throttle.hosts()[0];
    assert_eq!((status.rate, status.too_many, status.quiet), (None, 1, Some(Duration::from_mins(10))));
    assert_eq!((status.quotas[0].manifests, status.quotas[0].left, status.quotas[0].reserve), (true, 0, 10));
    assert_eq!(status.quotas.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn little_is_spread_before_the_limit_is_hit() {
    let throttle = Arc::new(throttle(2));
    let quota = |remaining| Quota { limit: Some(60), remaining, window: None, reset: Some(Duration::from_secs(40)) };
    answer(&throttle, "a", Counted::Rest, 200, &told(None, Some(quota(30)))).await;
    let start = Instant::now();
    // 24 may go in 40 s, so one in each 1.7 s.
    let requests: Vec<_> = (0..12)
        .map(|_| {
            let throttle = Arc::clone(&throttle);
            tokio::spawn(async move { answer(&throttle, "a", Counted::Rest, 200, &Told::default()).await })
        })
        .collect();
    for request in requests {
        request.await.unwrap();
    }
    let took = start.elapsed().as_secs();
    assert!((18..=22).contains(&took), "{took}");
}

#[tokio::test(start_paused = true)]
async fn whoever_would_stand_in_line_for_too_long_is_told_at_once() {
    let throttle = Arc::new(throttle(2));
    let quota = Quota { limit: Some(100), remaining: 12, window: None, reset: Some(Duration::from_secs(80)) };
    answer(&throttle, "a", Counted::Rest, 200, &told(None, Some(quota))).await;
    let first = tokio::spawn({
        let throttle = Arc::clone(&throttle);
        async move { enter(&throttle, "a").await.is_ok() }
    });
    tokio::task::yield_now().await;
    let start = Instant::now();
    let spawn = || {
        let throttle = Arc::clone(&throttle);
        tokio::spawn(async move { enter(&throttle, "a").await.map_err(|refused| refused.kind) })
    };
    let (second, third) = (spawn(), spawn());
    tokio::task::yield_now().await;
    assert!(matches!(third.await.unwrap(), Err(Kind::Spent { .. })));
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert!(first.await.unwrap());
    drop(second);
}

#[tokio::test(start_paused = true)]
async fn a_dead_host_costs_nothing_and_delays_nobody() {
    let throttle = throttle(2);
    for _ in 0..5 {
        fail(&throttle, "a").await.unwrap();
    }
    let start = Instant::now();
    for _ in 0..1000 {
        let refused = fail(&throttle, "a").await.unwrap_err();
        assert!(refused.probe.is_none());
        assert!(refused.kind.to_string().starts_with("a failed 5 times in a row and is tried again in "));
        assert!(is_free(&throttle, "b").await);
    }
    assert_eq!((start.elapsed(), throttle.hosts()[0].sent), (Duration::ZERO, 5));
    let outage = throttle.hosts()[0].outage.clone().unwrap();
    assert_eq!((outage.failures, outage.cause.as_str()), (5, "no route"));
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_for_a_host_that_dies_are_told_at_once() {
    let throttle = Arc::new(throttle(2));
    let permits = [enter(&throttle, "a").await.unwrap(), enter(&throttle, "a").await.unwrap()];
    let requests: Vec<_> = (0..100)
        .map(|_| {
            let throttle = Arc::clone(&throttle);
            tokio::spawn(async move { fail(&throttle, "a").await.is_ok() })
        })
        .collect();
    tokio::task::yield_now().await;
    for permit in permits {
        permit.failed(Failure::Line, 1, "no route", &Told::default());
    }
    let mut sent = 2;
    for request in requests {
        sent += u32::from(request.await.unwrap());
    }
    assert_eq!(sent, 5);
}

#[tokio::test(start_paused = true)]
async fn one_request_tries_whether_a_dead_host_is_back() {
    let throttle = throttle(2);
    for _ in 0..5 {
        fail(&throttle, "a").await.unwrap();
    }
    tokio::time::advance(Duration::from_secs(5)).await;
    // Given up, so made again.
    drop(enter(&throttle, "a").await.unwrap_err().probe.unwrap());
    let probe = enter(&throttle, "a").await.unwrap_err().probe.unwrap();
    assert!(enter(&throttle, "a").await.unwrap_err().probe.is_none(), "one at a time");
    probe.failed(Failure::Line, 1, "no route", &Told::default());
    tokio::time::advance(Duration::from_secs(5)).await;
    assert!(enter(&throttle, "a").await.unwrap_err().probe.is_none(), "the pause is longer now");
    tokio::time::advance(Duration::from_secs(5)).await;
    let probe = enter(&throttle, "a").await.unwrap_err().probe.unwrap();
    // A 404 is an answer.
    probe.answered(404, &Told::default());
    assert_eq!(throttle.hosts()[0].outage, None);
    enter(&throttle, "a").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn refusals_are_no_failures_of_the_host() {
    let throttle = throttle(2);
    for _ in 0..4 {
        fail(&throttle, "a").await.unwrap();
    }
    for status in [401, 403, 404, 429] {
        answer(&throttle, "a", Counted::Rest, status, &Told::default()).await;
        fail(&throttle, "a").await.unwrap();
    }
    assert_eq!(throttle.hosts()[0].outage, None);
}

#[tokio::test(start_paused = true)]
async fn the_memory_for_hosts_is_bounded() {
    let throttle = throttle(2);
    answer(&throttle, "a", Counted::Rest, 429, &told(Some(3600), None)).await;
    let _busy = enter(&throttle, "b").await.unwrap();
    for number in 0..super::MAX_HOSTS + 10 {
        answer(&throttle, &format!("{number}.example"), Counted::Rest, 200, &Told::default()).await;
    }
    let hosts = throttle.hosts();
    assert!(hosts.len() < super::MAX_HOSTS, "{}", hosts.len());
    assert!(hosts.iter().any(|host| host.host == "a") && hosts.iter().any(|host| host.host == "b"));
}

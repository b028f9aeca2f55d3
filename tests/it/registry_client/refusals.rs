//! Refusals and troubles: what passes is sat out, what does not says how to mend it.

use std::time::Duration;

use landwaiter::image::Repository;
use landwaiter::registry::{Client, Options, Prefix, Site, Sites};

use super::{check_error, client, options, tags};
use crate::registry_server::{Act, Server, say};

#[tokio::test]
async fn a_refusal_says_how_to_mend_it() {
    for (status, challenge, parts) in [
        (401, "", &["offers no way to log in"][..]),
        (401, "Negotiate", &["offers no way to log in"]),
        (401, "Basic realm=x", &["log in: no credential for 127.0.0.1"]),
        (403, "", &["log in: no credential for 127.0.0.1"]),
        (404, "", &["check the spelling of web"]),
        (400, "", &["is a registry that speaks the OCI distribution API"]),
        (204, "", &["is a registry that speaks the OCI distribution API"]),
    ] {
        let server = Server::start(move |_, _| {
            let body = if status == 204 { "" } else { r#"{"errors":[{"code":"NO","message":"go\u0007away"}]}"# };
            say(status, &[("www-authenticate", challenge)], body)
        })
        .await;
        let repository = server.repository("web");
        let error = tags(&client(), &repository).await.unwrap_err();
        let request = format!("{repository}: GET http://{}/v2/web/tags/list: ", server.address);
        check_error(&error, false, &[&request, &format!("answered {status}")]);
        check_error(&error, false, if status == 204 { &[] } else { &["(NO: go away)"] });
        check_error(&error, false, parts);
        assert_eq!(server.log().len(), 1);
        assert_eq!(error.repository(), Some(&repository));
    }
}

#[tokio::test]
async fn a_passing_trouble_is_sat_out() {
    for status in [408, 429, 500, 502, 503, 504] {
        let once = Server::start(move |seen, _| if seen.before == 0 { say(status, &[], "") } else { Act::Pass }).await;
        assert_eq!(tags(&client(), &once.fill("web", &["a"])).await.unwrap(), "a", "{status}");

        let always = Server::start(move |_, _| say(status, &[], "")).await;
        let error = tags(&client(), &always.repository("web")).await.unwrap_err();
        check_error(&error, true, &[&format!("answered {status}")]);
        assert_eq!((always.log().len(), error.retry_after()), (3, None));
    }
    let never = Server::start(|_, _| say(501, &[], "")).await;
    let error = tags(&client(), &never.repository("web")).await.unwrap_err();
    check_error(&error, false, &["answered 501"]);
    assert_eq!(never.log().len(), 1);
}

#[tokio::test]
async fn a_short_retry_after_is_sat_out() {
    let server =
        Server::start(|seen, _| if seen.before == 0 { say(429, &[("retry-after", "1")], "") } else { Act::Pass }).await;
    let repository = server.fill("web", &["a"]);
    let start = std::time::Instant::now();
    assert_eq!(tags(&client(), &repository).await.unwrap(), "a");
    assert!(start.elapsed() >= Duration::from_millis(900), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_long_retry_after_fails_the_scan_and_the_host_is_left_alone() {
    let server = Server::start(|_, _| {
        let body = r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}"#;
        say(429, &[("retry-after", "3600")], body)
    })
    .await;
    let client = client();
    let error = tags(&client, &server.repository("web")).await.unwrap_err();
    check_error(&error, true, &["answered 429 (TOOMANYREQUESTS: slow down)", "3600 s of silence"]);
    assert_eq!(error.retry_after(), Some(Duration::from_hours(1)));
    for path in ["web", "another"] {
        let error = tags(&client, &server.repository(path)).await.unwrap_err();
        check_error(&error, true, &[&server.address.to_string(), "left alone"]);
        assert!(error.retry_after().unwrap() > Duration::from_secs(3500));
    }
    assert_eq!(server.log().len(), 1);

    let other = Server::good().await;
    assert_eq!(tags(&client, &other.fill("web", &["a"])).await.unwrap(), "a");
}

#[tokio::test]
async fn a_registry_that_never_answers_is_given_up() {
    let server = Server::start(|_, _| Act::Hang).await;
    let client = Client::new(Options { timeout: Duration::from_millis(100), ..options() }).unwrap();
    let error = tags(&client, &server.repository("web")).await.unwrap_err();
    check_error(&error, true, &["/v2/web/tags/list: no complete answer within 100ms"]);
    assert_eq!(server.log().len(), 1);
}

#[tokio::test]
async fn a_registry_that_is_not_there() {
    let server = Server::good().await;
    let repository = server.repository("web");
    drop(server);
    let error = tags(&client(), &repository).await.unwrap_err();
    check_error(&error, true, &["/v2/web/tags/list", "check the host name, the network"]);
}

#[tokio::test]
async fn plain_http_only_where_it_is_configured() {
    // On Linux this address leads to this machine, and does not look like it.
    let server = Server::good().await;
    server.fill("web", &["a"]);
    let repository = Repository::parse(&format!("0.0.0.0:{}/web", server.address.port())).unwrap();
    let error = tags(&client(), &repository).await.unwrap_err();
    check_error(&error, false, &["GET https://0.0.0.0:", "does not answer in TLS", "plain http"]);
    assert_eq!(server.log().len(), 0);
    let plain = Site { plain_http: true, ..Site::new(Prefix::whole(repository.registry().clone())) };
    let client = Client::new(Options { sites: Sites::new(vec![plain]), ..options() }).unwrap();
    assert_eq!(tags(&client, &repository).await.unwrap(), "a");
}

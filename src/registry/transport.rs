//! One HTTP request, to its end or to an error: redirects, deadline, size limit, retries. Knows
//! nothing of registries; whoever asks gives the `Authorization` and reads the status.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode, redirect};
use url::Url;

use super::error::{self, Kind};
use super::throttle::Throttle;
use crate::secret::Secret;
use crate::{host, plain, tls};

/// How many redirects one request follows.
const MAX_REDIRECTS: usize = 5;

/// The longest pause between two tries when the server names none.
const MAX_BACKOFF: Duration = Duration::from_secs(10);

/// How patient to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    pub(super) connect_timeout: Duration,
    pub(super) timeout: Duration,
    pub(super) attempts: u32,
    pub(super) retry_delay: Duration,
    pub(super) max_retry_after: Duration,
    pub(super) concurrency: usize,
    pub(super) host_concurrency: usize,
}

/// A request: `GET`, or `POST` when it has a form.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) url: Url,
    pub(super) accept: &'static str,
    /// Sent to the origin of `url` and to no other.
    pub(super) authorization: Option<Secret>,
    /// A form in URL encoding. It is never sent on by a redirect.
    pub(super) form: Option<Secret>,
    /// The largest body that is read, in bytes.
    pub(super) limit: usize,
}

/// An answer with its whole body, whatever the status.
#[derive(Debug)]
pub(super) struct Answer {
    /// What was asked, for messages: `GET https://ghcr.io/v2/org/app/tags/list`.
    pub(super) request: String,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// Whether a redirect led to another origin. Its words on how to log in are not for us.
    pub(super) is_foreign: bool,
}

#[derive(Debug)]
pub(super) struct Transport {
    http: reqwest::Client,
    /// For this machine: as everywhere else, a proxy for the outside is no way to the inside.
    local: reqwest::Client,
    patience: Patience,
    throttle: Throttle,
}

impl Transport {
    pub(super) fn new(patience: Patience) -> Result<Self, Kind> {
        let builder = || {
            reqwest::Client::builder()
                .user_agent(concat!("landwaiter/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(patience.connect_timeout)
                .tls_backend_preconfigured(tls::client_config())
                // Redirects are followed below, where the credential and the throttle are known.
                .redirect(redirect::Policy::none())
        };
        let setup = |error: reqwest::Error| Kind::Setup(cause(error));
        let http = builder().build().map_err(setup)?;
        let local = builder().no_proxy().build().map_err(setup)?;
        let throttle = Throttle::new(patience.concurrency, patience.host_concurrency, patience.max_retry_after);
        Ok(Self { http, local, patience, throttle })
    }

    /// Sends the request until it has an answer that is not about a passing trouble.
    ///
    /// # Errors
    /// No connection, no complete answer in time, a redirect that cannot be followed, a body that
    /// is too large; and `408`, `429` and `5xx` when they do not pass.
    pub(super) async fn send(&self, ask: &Ask) -> Result<Answer, Kind> {
        let mut tries = 1;
        loop {
            match self.follow(ask).await {
                Ok((answer, _)) if !error::is_temporary_status(answer.status.as_u16()) => return Ok(answer),
                Ok((answer, host)) => {
                    let wait = retry_after(&answer.headers, Timestamp::now());
                    if let Some(wait) = wait {
                        self.throttle.leave_alone(&host, wait);
                    }
                    if tries >= self.patience.attempts || wait.is_some_and(|wait| wait > self.patience.max_retry_after)
                    {
                        return Err(passing_refusal(answer, wait));
                    }
                }
                Err(kind @ Kind::Unreachable { .. }) if tries < self.patience.attempts => {
                    tracing::debug!(error = %kind, tries, "trying again");
                }
                Err(kind) => return Err(kind),
            }
            tokio::time::sleep(self.backoff(tries)).await;
            tries += 1;
        }
    }

    /// One try, over all its redirects. Also gives the host that answered in the end.
    async fn follow(&self, ask: &Ask) -> Result<(Answer, String), Kind> {
        let request = describe(if ask.form.is_some() { "POST" } else { "GET" }, &ask.url);
        let mut url = ask.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let is_foreign = url.origin() != ask.url.origin();
            let host = host_and_port(&url);
            let permit = self.throttle.enter(&host).await;
            let permit = permit.map_err(|retry_after| Kind::LeftAlone { host: host.clone(), retry_after })?;
            let (status, headers, body) =
                tokio::time::timeout(self.patience.timeout, self.exchange(ask, &url, &request))
                    .await
                    .map_err(|_| Kind::TimedOut { request: request.clone(), after: self.patience.timeout })??;
            drop(permit);
            tracing::debug!(url = %describe("GET", &url), status = status.as_u16(), bytes = body.len(), "registry answered");
            let target = headers.get(header::LOCATION).filter(|_| is_redirect(status));
            let Some(target) = target else {
                return Ok((Answer { request, status, headers, body, is_foreign }, host));
            };
            url = redirect_target(ask, &url, target)
                .map_err(|problem| Kind::Unusable { request: request.clone(), problem })?;
        }
        Err(Kind::Unusable {
            request,
            problem: format!("more than {MAX_REDIRECTS} redirects; this is a fault of the registry"),
        })
    }

    async fn exchange(&self, ask: &Ask, url: &Url, request: &str) -> Result<(StatusCode, HeaderMap, Vec<u8>), Kind> {
        let unreachable = |error: reqwest::Error| {
            let request = request.to_owned();
            match tls::refusal(&error, url.host_str().unwrap_or_default()) {
                Some(cause) => Kind::Untrusted { request, cause },
                None => Kind::Unreachable { request, cause: cause(error) },
            }
        };
        let too_large = || Kind::Unusable {
            request: request.to_owned(),
            problem: format!("the answer is larger than {} bytes and was not read", ask.limit),
        };
        let client = if is_local(url) { &self.local } else { &self.http };
        let method = if ask.form.is_some() { Method::POST } else { Method::GET };
        let mut builder = client.request(method, url.clone()).header(header::ACCEPT, ask.accept);
        if let Some(authorization) = ask.authorization.as_ref().filter(|_| url.origin() == ask.url.origin()) {
            let value = HeaderValue::from_str(authorization.expose());
            let mut value = value.map_err(|_| {
                Kind::Credential(format!("{request}: the credential has characters that no header can carry"))
            })?;
            value.set_sensitive(true);
            builder = builder.header(header::AUTHORIZATION, value);
        }
        if let Some(form) = &ask.form {
            builder = builder
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form.expose().to_owned());
        }
        let mut response = builder.send().await.map_err(unreachable)?;
        let announced = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or_default();
        if announced > ask.limit {
            return Err(too_large());
        }
        let mut body = Vec::with_capacity(announced);
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > ask.limit {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok((response.status(), response.headers().clone(), body))
    }

    /// A random pause up to twice the last bound: many clients that failed together must not come
    /// back together.
    fn backoff(&self, tries: u32) -> Duration {
        let bound = self.patience.retry_delay.saturating_mul(2_u32.saturating_pow(tries - 1)).min(MAX_BACKOFF);
        bound.mul_f64(fastrand::f64())
    }
}

/// A method and a URL for people. No user info, and no query: redirects carry signatures there.
pub(super) fn describe(method: &str, url: &Url) -> String {
    format!("{method} {}://{}{}", url.scheme(), host_and_port(url), url.path())
}

fn host_and_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn is_local(url: &Url) -> bool {
    host::is_loopback(url.host_str().unwrap_or_default())
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn redirect_target(ask: &Ask, from: &Url, target: &HeaderValue) -> Result<Url, String> {
    let url = target.to_str().ok().and_then(|target| from.join(target).ok()).filter(Url::has_host);
    let url = url.ok_or("the redirect has no usable Location; this is a fault of the registry")?;
    if ask.form.is_some() {
        return Err(format!("the token server redirects to {}, and a secret is not sent on", host_and_port(&url)));
    }
    match (from.scheme(), url.scheme()) {
        (_, "https") | ("http", "http") => Ok(url),
        (_, scheme) => {
            Err(format!("redirects from https to {scheme}://{}, which is not followed", host_and_port(&url)))
        }
    }
}

/// What `Retry-After` asks for: seconds, a date, or (as Docker Hub has it) a Unix time.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    /// No sane number of seconds, and a Unix time since 2001.
    const UNIX_TIME: i64 = 1_000_000_000;
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = match text.parse::<i64>() {
        Ok(time) if time >= UNIX_TIME => time - now.as_second(),
        Ok(seconds) => seconds,
        Err(_) => rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?.as_second() - now.as_second(),
    };
    // A day is long enough to be heard, and keeps a nonsense number from silencing a host for ever.
    Some(Duration::from_secs(seconds.clamp(0, 24 * 60 * 60).unsigned_abs()))
}

fn passing_refusal(answer: Answer, retry_after: Option<Duration>) -> Kind {
    let mend = match (answer.status.as_u16(), retry_after) {
        (429, Some(wait)) => {
            format!("it asks for {} s of silence; poll less often, or log in for a higher limit", wait.as_secs())
        }
        (429, None) => "poll less often, or log in for a higher limit".to_owned(),
        _ => "the registry is in trouble and is asked again in the next pass".to_owned(),
    };
    let (status, said) = (answer.status.as_u16(), error::said(&answer.body));
    Kind::Refused { request: answer.request, status, said, mend, retry_after }
}

/// What happened, without the URL, which the message around it names.
fn cause(error: reqwest::Error) -> String {
    plain::chain(&error.without_url())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;
    use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};
    use url::Url;

    use super::{describe, is_local, retry_after};

    #[track_caller]
    fn check_retry_after(value: &'static str, seconds: Option<u64>) {
        let now: Timestamp = "2026-10-21T07:28:00Z".parse().unwrap();
        let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))]);
        assert_eq!(retry_after(&headers, now), seconds.map(Duration::from_secs), "{value}");
    }

    #[test]
    fn retry_after_is_seconds_a_date_or_a_unix_time() {
        check_retry_after("120", Some(120));
        check_retry_after(" 0 ", Some(0));
        check_retry_after("-5", Some(0));
        check_retry_after("Wed, 21 Oct 2026 07:29:30 GMT", Some(90));
        check_retry_after("Wed, 21 Oct 2026 07:00:00 GMT", Some(0));
        check_retry_after("1792567980", Some(300));
        check_retry_after("99999999", Some(24 * 60 * 60));
        check_retry_after("soon", None);
        check_retry_after("", None);
    }

    #[test]
    fn a_request_is_described_without_its_secrets() {
        let url = Url::parse("https://user:pw@s3.example:8443/blob?X-Amz-Signature=secret").unwrap();
        assert_eq!(describe("GET", &url), "GET https://s3.example:8443/blob");
    }

    #[test]
    fn this_machine_is_not_behind_a_proxy() {
        for (url, local) in [
            ("http://localhost:5000/", true),
            ("http://127.0.0.1/", true),
            ("http://[::1]:1/", true),
            ("http://10.0.0.1/", false),
            ("https://ghcr.io/", false),
        ] {
            assert_eq!(is_local(&Url::parse(url).unwrap()), local, "{url}");
        }
    }
}

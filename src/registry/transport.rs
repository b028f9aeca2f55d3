//! One HTTP request, to its end or to an error: redirects, deadline, size limit, retries. Knows
//! nothing of what is asked; whoever asks gives the `Authorization` and reads the status.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::{self, HeaderMap, HeaderValue};
use tracing::Instrument as _;
use url::{Url, form_urlencoded};

use super::body::{self, Broken};
use super::error::{self, Kind};
use super::hosts::HostStatus;
use super::options::HostLimits;
use super::throttle::{Counted, Failure, Permit, Throttle};
use super::told::{Told, told};
use super::traced;
use super::wire::Wires;
use crate::image::Registry;
use crate::secret::Secret;
use crate::{plain, tls};

/// How many redirects one request follows.
const MAX_REDIRECTS: usize = 5;

/// The longest pause between two tries when the server names none.
const MAX_BACKOFF: Duration = Duration::from_secs(10);

/// The largest body of a refusal that is read, in bytes: enough for the registry's words.
const REFUSAL_LIMIT: usize = 64 << 10;

/// How patient to be.
#[derive(Debug, Clone)]
pub(super) struct Patience {
    pub(super) timeout: Duration,
    pub(super) stall: Duration,
    pub(super) attempts: u32,
    pub(super) retry_delay: Duration,
    pub(super) max_retry_after: Duration,
    pub(super) probe_delay: Duration,
    pub(super) concurrency: usize,
    /// For every host, and for those with limits of their own, by host and port.
    pub(super) limits: HostLimits,
    pub(super) host_limits: BTreeMap<String, HostLimits>,
}

/// How to ask.
#[derive(Debug, Clone)]
pub(super) enum Method {
    Get,
    /// For what is not the content that is known: the answer may be `304`.
    GetUnless(Known),
    /// For the headers of an answer, without its body.
    Head,
    /// With a form in URL encoding. It is never sent on by a redirect.
    Post(Secret),
}

/// By what a server knows again what it has sent.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) etag: Option<Box<str>>,
    pub(super) modified: Option<Box<str>>,
}

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) accept: &'static str,
    /// Sent to the origin of `url` and to no other.
    pub(super) authorization: Option<Secret>,
    /// The largest body that is read, in bytes.
    pub(super) limit: usize,
}

impl Method {
    pub(super) fn name(&self) -> reqwest::Method {
        match self {
            Self::Get | Self::GetUnless(_) => reqwest::Method::GET,
            Self::Head => reqwest::Method::HEAD,
            Self::Post(_) => reqwest::Method::POST,
        }
    }
}

/// An answer with its whole body, whatever the status.
#[derive(Debug)]
pub(super) struct Answer {
    /// What was asked, for messages: `GET https://ghcr.io/v2/org/app/tags/list`.
    pub(super) request: String,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// What nobody is to hear of this answer, should it stand there.
    pub(super) shown: Vec<Secret>,
    /// Whether a redirect led to another origin. Its words on how to log in are not for us.
    pub(super) is_foreign: bool,
}

impl Ask {
    /// What is shown with it.
    fn secrets(&self) -> Vec<Secret> {
        let in_form = match &self.method {
            Method::Post(form) => form_urlencoded::parse(form.expose().as_bytes())
                .filter(|(key, _)| key == "refresh_token")
                .map(|(_, token)| Secret::new(token.into_owned()))
                .collect(),
            _ => Vec::new(),
        };
        self.authorization.iter().cloned().chain(in_form).collect()
    }
}

impl Answer {
    /// The other side's own words, without what it was shown.
    pub(super) fn said(&self) -> Option<String> {
        error::said(&self.body, &self.shown)
    }

    /// What is wrong with it, without what the other side was shown.
    pub(super) fn unusable(&self, problem: &str) -> Kind {
        let problem = self.shown.iter().fold(problem.to_owned(), |problem, secret| secret.hide_in(&problem));
        Kind::Unusable { request: self.request.clone(), problem }
    }
}

/// Clones share everything.
#[derive(Debug, Clone)]
pub(super) struct Transport {
    wires: Arc<Wires>,
    patience: Arc<Patience>,
    throttle: Arc<Throttle>,
}

/// What came back for one step of a request.
struct Exchanged {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
    told: Told,
}

impl Transport {
    pub(super) fn new(patience: Patience, wires: Wires) -> Self {
        let Patience { concurrency, limits, max_retry_after, probe_delay, .. } = patience;
        let throttle = Throttle::new(concurrency, limits, patience.host_limits.clone(), max_retry_after, probe_delay);
        Self { wires: Arc::new(wires), patience: Arc::new(patience), throttle: Arc::new(throttle) }
    }

    /// What is known of each host.
    pub(super) fn hosts(&self) -> Vec<HostStatus> {
        self.throttle.hosts()
    }

    /// Sends the request until it has an answer that is not about a passing trouble. It is sent for the sake of
    /// the registry `home`, on its connections.
    ///
    /// # Errors
    /// No connection, no complete answer in time, a redirect that cannot be followed, a body that
    /// is too large, a host that is left alone; and `408`, `429` and `5xx` when they do not pass.
    pub(super) async fn send(&self, home: &Registry, ask: &Ask) -> Result<Answer, Kind> {
        let (mut tries, mut sent) = (1, 0);
        loop {
            match self.follow(home, ask, &mut sent).await {
                Ok((answer, told)) => {
                    // GitHub refuses whoever is too fast with a 403 that says for how long.
                    let is_silenced = answer.status == StatusCode::FORBIDDEN && told.retry_after.is_some();
                    if !is_silenced && !error::is_temporary_status(answer.status.as_u16()) {
                        return Ok(answer);
                    }
                    let wait = told.retry_after;
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

    /// One try, over all its redirects. `sent` counts the steps of all tries.
    async fn follow(&self, home: &Registry, ask: &Ask, sent: &mut u32) -> Result<(Answer, Told), Kind> {
        let request = describe(ask.method.name().as_str(), &ask.url);
        let mut url = ask.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let is_foreign = url.origin() != ask.url.origin();
            let permit = match self.throttle.enter(&host_and_port(&url), counted(&ask.method, &url)).await {
                Ok(permit) => permit,
                Err(refused) => {
                    if let Some(permit) = refused.probe {
                        self.probe(*permit, home.clone(), ask.clone(), url, request);
                    }
                    return Err(refused.kind);
                }
            };
            let exchanged = self.exchange(permit, home, ask, &url, &request, *sent).await;
            *sent += 1;
            let Exchanged { status, headers, body, told } = exchanged?;
            tracing::debug!(url = %describe(ask.method.name().as_str(), &url), status = status.as_u16(), bytes = body.len(), "registry answered");
            let target = headers.get(header::LOCATION).filter(|_| is_redirect(status));
            let Some(target) = target else {
                let shown = ask.secrets();
                return Ok((Answer { request, status, headers, body, shown, is_foreign }, told));
            };
            url = redirect_target(ask, &url, target)
                .map_err(|problem| Kind::Unusable { request: request.clone(), problem })?;
        }
        Err(Kind::Unusable {
            request,
            problem: format!("more than {MAX_REDIRECTS} redirects; this is a fault of the registry"),
        })
    }

    /// Sends one step of a request to a host that failed before, to see whether it is back. Nobody waits
    /// for it: a dead host delays no pass.
    fn probe(&self, permit: Permit, home: Registry, ask: Ask, url: Url, request: String) {
        let transport = self.clone();
        let probe = async move {
            if let Err(kind) = transport.exchange(permit, &home, &ask, &url, &request, 0).await {
                tracing::debug!(error = %kind, "the host is still dead");
            }
        };
        tokio::spawn(probe.in_current_span());
    }

    /// One step of a request, in time, and what it says about the host.
    async fn exchange(
        &self,
        permit: Permit,
        home: &Registry,
        ask: &Ask,
        url: &Url,
        request: &str,
        sent_before: u32,
    ) -> Result<Exchanged, Kind> {
        let span = traced::request(ask, url, sent_before);
        let after = self.patience.timeout;
        let timed_out = |_| Err(Kind::TimedOut { request: request.to_owned(), after });
        let sending = tokio::time::timeout(after, self.send_once(home, ask, url, request));
        let exchanged = sending.instrument(span.clone()).await.unwrap_or_else(timed_out);
        traced::answered(&span, ask, exchanged.as_ref().map(|answer| (answer.status, answer.body.len())));
        let question = || {
            let mut hasher = DefaultHasher::new();
            url.path().hash(&mut hasher);
            hasher.finish()
        };
        match &exchanged {
            Ok(Exchanged { status, told, .. }) => {
                let status = status.as_u16();
                permit.count(Some(status));
                if status >= 500 && error::is_temporary_status(status) {
                    permit.failed(Failure::Status, question(), &format!("it answered {status}"), told);
                } else {
                    permit.answered(status, told);
                }
            }
            Err(kind @ (Kind::Unreachable { .. } | Kind::TimedOut { .. } | Kind::Stalled { .. })) => {
                permit.count(None);
                permit.failed(Failure::Line, question(), &kind.cause(), &Told::default());
            }
            // It answered, though nothing that we can use.
            Err(Kind::Unusable { .. }) => {
                permit.count(Some(StatusCode::OK.as_u16()));
                permit.answered(StatusCode::OK.as_u16(), &Told::default());
            }
            Err(_) => {}
        }
        exchanged
    }

    async fn send_once(&self, home: &Registry, ask: &Ask, url: &Url, request: &str) -> Result<Exchanged, Kind> {
        let unreachable = |error: reqwest::Error| {
            let request = request.to_owned();
            match tls::refusal(&error, url.host_str().unwrap_or_default(), self.wires.bundle(url, home)) {
                Some(cause) => Kind::Untrusted { request, cause },
                None => Kind::Unreachable { request, cause: cause(error) },
            }
        };
        let mut builder =
            self.wires.to(url, home).request(ask.method.name(), url.clone()).header(header::ACCEPT, ask.accept);
        if let Some(authorization) = ask.authorization.as_ref().filter(|_| url.origin() == ask.url.origin()) {
            let value = HeaderValue::from_str(authorization.expose());
            let mut value = value.map_err(|_| {
                Kind::Credential(format!("{request}: the credential has characters that no header can carry"))
            })?;
            value.set_sensitive(true);
            builder = builder.header(header::AUTHORIZATION, value);
        }
        if let Method::GetUnless(known) = &ask.method {
            let conditions = [(header::IF_NONE_MATCH, &known.etag), (header::IF_MODIFIED_SINCE, &known.modified)];
            for (name, value) in conditions {
                builder = builder
                    .headers(value.iter().filter_map(|value| Some((name.clone(), value.parse().ok()?))).collect());
            }
        }
        if let Method::Post(form) = &ask.method {
            builder = builder
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form.expose().to_owned());
        }
        let response = builder.send().await.map_err(unreachable)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let told = told(&headers, Timestamp::now());
        let stall = self.patience.stall;
        let body = if status.is_success() {
            body::read(response, ask.limit, stall).await.map_err(|broken| match broken {
                Broken::Line(error) => unreachable(error),
                Broken::Stalled => Kind::Stalled { request: request.to_owned(), after: stall },
                Broken::TooLarge => Kind::Unusable {
                    request: request.to_owned(),
                    problem: format!("the answer is larger than {} bytes and was not read", ask.limit),
                },
            })?
        } else {
            // What counts is the status; of a page in many colours nobody reads the rest.
            body::read_start(response, REFUSAL_LIMIT, stall).await
        };
        Ok(Exchanged { status, headers, body, told })
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

pub(super) fn host_and_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn redirect_target(ask: &Ask, from: &Url, target: &HeaderValue) -> Result<Url, String> {
    let url = target.to_str().ok().and_then(|target| from.join(target).ok()).filter(Url::has_host);
    let url = url.ok_or("the redirect has no usable Location; this is a fault of the registry")?;
    if matches!(ask.method, Method::Post(_)) {
        return Err(format!("the token server redirects to {}, and a secret is not sent on", host_and_port(&url)));
    }
    match (from.scheme(), url.scheme()) {
        (_, "https") | ("http", "http") => Ok(url),
        (_, scheme) => {
            Err(format!("redirects from https to {scheme}://{}, which is not followed", host_and_port(&url)))
        }
    }
}

/// What a registry counts this request as.
fn counted(method: &Method, url: &Url) -> Counted {
    match method {
        _ if !url.path().contains("/manifests/") => Counted::Rest,
        Method::Head => Counted::Heads,
        Method::Get | Method::GetUnless(_) | Method::Post(_) => Counted::Manifests,
    }
}

fn passing_refusal(answer: Answer, retry_after: Option<Duration>) -> Kind {
    let mend = match (answer.status.as_u16(), retry_after) {
        (429, Some(wait)) => {
            format!("it asks for {} s of silence; poll less often, or log in for a higher limit", wait.as_secs())
        }
        (429, None) => "poll less often, or log in for a higher limit".to_owned(),
        _ => "the registry is in trouble and is asked again in the next pass".to_owned(),
    };
    let (status, said) = (answer.status.as_u16(), answer.said());
    Kind::Refused { request: answer.request, status, said, mend, retry_after }
}

/// What happened, without the URL, which the message around it names.
fn cause(error: reqwest::Error) -> String {
    plain::chain(&error.without_url())
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::describe;

    #[test]
    fn a_request_is_described_without_its_secrets() {
        let url = Url::parse("https://user:pw@s3.example:8443/blob?X-Amz-Signature=secret").unwrap();
        assert_eq!(describe("GET", &url), "GET https://s3.example:8443/blob");
    }
}

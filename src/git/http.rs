//! HTTP under Git's wire protocol: one conversation with one server, with one deadline for all of it,
//! a credential that stays with that server, and an exact memory of what went wrong.
//!
//! gix has an HTTP backend of its own; it cannot bound a slow body, takes redirects with it to any
//! host and loses what a failing server said. Here is what happens between us and the server; how gix
//! is given it is in `line`. It must not know what the Git service is asked for.

mod line;

use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use gix::protocol::transport::Protocol;
use gix::protocol::transport::client::blocking_io::Transport;
use gix::protocol::transport::client::blocking_io::http::connect_http;
use reqwest::blocking::{Client, Response};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use url::{Position, Url};

use line::Line;

use super::remote::Login;
use super::{Credential, Error, RemoteUrl};
use crate::plain::{self, causes};
use crate::tls;

/// Servers tell Git from browsers by the first word.
const USER_AGENT: &str = concat!("git/landwaiter-", env!("CARGO_PKG_VERSION"));
const MAX_REDIRECTS: usize = 5;
/// Bounds what an advertisement of references may take in memory; a million references need 70 MB.
const MAX_ADVERTISEMENT: u64 = 256 << 20;
/// As much of a failing server's answer as is read to find its words.
const MAX_EXCUSE: u64 = 8 << 10;

/// A server, as long as the process lives: connections that stay open and what it told about itself.
pub(super) struct Server {
    url: RemoteUrl,
    base: Url,
    credential: Option<Credential>,
    timeout: Duration,
    client: OnceLock<Client>,
    advertisement: Arc<Mutex<Option<Advertisement>>>,
}

/// The capabilities of a server with protocol version 2. Its commands are independent of each other, so
/// that they need not be asked for again: polling an unchanged branch takes one request.
#[derive(Clone)]
struct Advertisement {
    base: Option<String>,
    content_type: String,
    body: Arc<[u8]>,
}

/// Who knows what happened in a conversation, also while it goes on.
pub(super) struct Witness<'a> {
    server: &'a Server,
    state: Arc<State>,
}

/// What all requests of a conversation share.
pub(super) struct State {
    base: Url,
    deadline: Instant,
    login: Option<Login>,
    trouble: Mutex<Option<Trouble>>,
    redirected: Mutex<Option<String>>,
    advertisement: Arc<Mutex<Option<Advertisement>>>,
}

/// Why a request did not give what was asked.
enum Trouble {
    Unreachable(String),
    Untrusted(String),
    TimedOut,
    Broken(String),
    Status { status: u16, said: String },
    NotGit(String),
    Redirected { to: String, reason: &'static str },
}

impl Server {
    pub(super) fn new(url: RemoteUrl, base: Url, credential: Option<Credential>, timeout: Duration) -> Self {
        let advertisement = Arc::default();
        Self { url, base, credential, timeout, client: OnceLock::new(), advertisement }
    }

    pub(super) fn url(&self) -> &RemoteUrl {
        &self.url
    }

    /// Starts a conversation; the clock runs from here.
    pub(super) fn call(&self, version: Protocol) -> Result<(Box<dyn Transport>, Witness<'_>), Error> {
        let login = self.credential.as_ref().map(|credential| credential.login(&self.url)).transpose()?;
        let state = Arc::new(State {
            base: self.base.clone(),
            deadline: Instant::now() + self.timeout,
            login,
            trouble: Mutex::default(),
            redirected: Mutex::default(),
            advertisement: Arc::clone(&self.advertisement),
        });
        let address = gix::Url::try_from(self.base.as_str()).map_err(|error| Error::Interrupted {
            url: self.url.to_string(),
            doing: "reading the address",
            cause: plain::line(&error.to_string(), 200),
        })?;
        let line = Line { client: self.client()?.clone(), state: Arc::clone(&state) };
        Ok((Box::new(connect_http(line, address, version, false)), Witness { server: self, state }))
    }

    fn client(&self) -> Result<&Client, Error> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let mut builder = Client::builder();
        if self.url.is_on_this_machine() {
            // A proxy is the way to the outside; it must not see what stays inside.
            builder = builder.no_proxy();
        }
        let client = builder
            .user_agent(USER_AGENT)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(self.timeout.min(Duration::from_secs(20)))
            .tls_backend_preconfigured(tls::client_config())
            .build()
            .map_err(|error| Error::Unreachable { url: self.url.to_string(), cause: cause(error) })?;
        Ok(self.client.get_or_init(|| client))
    }
}

impl Witness<'_> {
    /// The error of a step that failed: what the server did, or else what the protocol made of it.
    pub(super) fn failed(&self, doing: &'static str, protocol_error: &dyn std::error::Error) -> Error {
        *locked(&self.state.advertisement) = None;
        let url = self.server.url.to_string();
        let credential = || match &self.state.login {
            Some(login) => format!("the credential from {}", login.source()),
            None => "no credential".into(),
        };
        match locked(&self.state.trouble).take() {
            None => Error::Interrupted { url, doing, cause: self.state.fit(&causes(protocol_error)) },
            Some(Trouble::Broken(cause)) => Error::Interrupted { url, doing, cause },
            Some(Trouble::Unreachable(cause)) => Error::Unreachable { url, cause },
            Some(Trouble::Untrusted(cause)) => Error::Untrusted { url, cause },
            Some(Trouble::TimedOut) => Error::TimedOut { url, doing, within: self.server.timeout },
            Some(Trouble::NotGit(answer)) => Error::NotGit { url, answer },
            Some(Trouble::Redirected { to, reason }) => Error::Redirected { url, to, reason },
            Some(Trouble::Status { status, said }) => match status {
                401 | 403 => Error::Unauthorized { url, doing, status, credential: credential(), said },
                404 | 410 => Error::NotFound { url, status, credential: credential(), said },
                _ => Error::Server { url, doing, status, said },
            },
        }
    }

    /// Whether the connection is to blame.
    pub(super) fn saw_trouble(&self) -> bool {
        locked(&self.state.trouble).is_some()
    }

    /// A text of the server without the secret, should it have repeated it.
    pub(super) fn scrub(&self, text: &str) -> String {
        self.state.scrub(text)
    }
}

impl State {
    fn scrub(&self, text: &str) -> String {
        self.login.as_ref().map_or_else(|| text.to_owned(), |login| login.scrub(text))
    }

    /// A text fit for a log. The secret goes first: half of it, at the cut, would not be found.
    fn fit(&self, text: &str) -> String {
        plain::line(&self.scrub(text), plain::CHAIN_LIMIT)
    }

    /// Notes what went wrong for [`Witness::failed`] and ends the request for gix.
    fn give_up(&self, trouble: Trouble) -> io::Error {
        *locked(&self.trouble) = Some(trouble);
        io::Error::other("the HTTP request failed")
    }

    fn lost(&self, error: reqwest::Error) -> io::Error {
        let host = error.url().and_then(Url::host_str).unwrap_or_default();
        let trouble = if let Some(cause) = tls::refusal(&error, host, None) {
            Trouble::Untrusted(cause)
        } else if error.is_timeout() && Instant::now() >= self.deadline {
            Trouble::TimedOut
        } else if error.is_connect() || error.is_timeout() {
            Trouble::Unreachable(self.fit(&cause(error)))
        } else {
            Trouble::Broken(self.fit(&cause(error)))
        };
        self.give_up(trouble)
    }

    fn send(&self, client: &Client, url: &Url, headers: &HeaderMap, body: Option<Vec<u8>>) -> io::Result<Response> {
        let remaining = self.deadline.saturating_duration_since(Instant::now());
        if remaining.is_zero() {
            return Err(self.give_up(Trouble::TimedOut));
        }
        let request = match body {
            Some(body) => client.post(url.clone()).body(body),
            None => client.get(url.clone()),
        };
        let mut headers = headers.clone();
        if let Some(login) = &self.login {
            let mut value = HeaderValue::from_str(login.basic().expose()).map_err(io::Error::other)?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        // The timeout counts until the end of the body.
        request.headers(headers).timeout(remaining).send().map_err(|error| self.lost(error))
    }

    fn accept(&self, response: Response, expected: &str) -> io::Result<Response> {
        let status = response.status();
        if !status.is_success() {
            let said = self.excuse(response);
            return Err(self.give_up(Trouble::Status { status: status.as_u16(), said }));
        }
        if content_type(&response) == expected {
            return Ok(response);
        }
        let answer = match content_type(&response) {
            "" => "something without a content type".into(),
            "text/html" => "a web page".into(),
            other => format!("content type {:?}", plain::line(other, 80)),
        };
        Err(self.give_up(Trouble::NotGit(answer)))
    }

    /// The words that came with a bad status. A web page is no words.
    fn excuse(&self, response: Response) -> String {
        if content_type(&response) == "text/html" {
            return String::new();
        }
        let mut bytes = Vec::new();
        // Whatever arrived before the connection broke is good enough.
        drop(response.take(MAX_EXCUSE).read_to_end(&mut bytes));
        plain::line(&self.scrub(&String::from_utf8_lossy(&bytes)), 300)
    }

    /// Where a redirect of the first request leads, if we may follow it there.
    fn next(&self, from: &Url, response: &Response, tail: &str) -> io::Result<Url> {
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let Ok(to) = from.join(location) else {
            return Err(self.give_up(Trouble::NotGit("a redirect to nowhere".into())));
        };
        let same_origin = to.origin() == self.base.origin();
        let reason = if !matches!(to.scheme(), "http" | "https") || (from.scheme() == "https" && to.scheme() == "http")
        {
            "the connection would no longer be encrypted; mend the redirect, or give the https address that is meant"
        } else if !to.username().is_empty() || to.password().is_some() {
            "the server put a credential into the address; mend the redirect"
        } else if !same_origin && self.login.is_some() {
            "the credential is not meant for that server; give that address as the git url if it is right"
        } else if !to.as_str().ends_with(tail) {
            "there is no Git repository but perhaps a page to sign in; check the address and the credential"
        } else {
            return Ok(to);
        };
        let shown = format!("{}://{}", to.scheme(), &to[Position::BeforeHost..Position::AfterPath]);
        let shown = shown.strip_suffix("/info/refs").unwrap_or(&shown);
        Err(self.give_up(Trouble::Redirected { to: plain::line(shown, 200), reason }))
    }

    fn advertise(&self, client: &Client, url: &str, headers: &HeaderMap, service: &str) -> io::Result<Advertisement> {
        let tail = format!("/info/refs?service={service}");
        let expected = format!("application/x-{service}-advertisement");
        let mut url = Url::parse(url).map_err(io::Error::other)?;
        for _ in 0..MAX_REDIRECTS {
            let response = self.send(client, &url, headers, None)?;
            if response.status().is_redirection() {
                url = self.next(&url, &response, &tail)?;
                continue;
            }
            let response = self.accept(response, &expected)?;
            let base = url.as_str().strip_suffix(&tail).map(str::to_owned);
            let mut body = Vec::new();
            response.take(MAX_ADVERTISEMENT).read_to_end(&mut body).map_err(|error| self.broken(&error))?;
            return Ok(Advertisement { base, content_type: expected, body: body.into() });
        }
        Err(self.give_up(Trouble::NotGit("one redirect after another".into())))
    }

    fn broken(&self, error: &io::Error) -> io::Error {
        let late = Instant::now() >= self.deadline;
        self.give_up(if late { Trouble::TimedOut } else { Trouble::Broken(self.fit(&causes(error))) })
    }
}

/// What happened, without the address, which the message around it names.
fn cause(error: reqwest::Error) -> String {
    let error = error.without_url();
    std::error::Error::source(&error).map_or_else(|| causes(&error), causes)
}

fn content_type(response: &Response) -> &str {
    let value = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}

/// What is behind these locks is whole at any time, so a panic elsewhere does not spoil it.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

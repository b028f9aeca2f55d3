//! HTTP under Git's wire protocol: one conversation with one server, with one deadline for all of it,
//! a credential that stays with that server, and an exact memory of what went wrong.
//!
//! gix has an HTTP backend of its own; it cannot bound a slow body, takes redirects with it to any
//! host and loses what a failing server said. Here is what happens between us and the server; how gix
//! is given it is in `line`. It must not know what the Git service is asked for.

mod account;
mod installation;
mod line;
mod request;
mod traced;

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use gix::protocol::transport::Protocol;
use gix::protocol::transport::client::blocking_io::Transport;
use gix::protocol::transport::client::blocking_io::http::connect_http;
use jiff::Timestamp;
use reqwest::blocking::{Client, Response};
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use url::Url;

use account::Account;
use line::Line;

use super::credential::Login;
use super::{ConnectionOptions, Credential, Error, Introduction, Proxy, RemoteUrl};
use crate::plain::{self, causes};
use crate::tls;
use crate::watched::Watched;

/// Servers tell Git from browsers by the first word.
const USER_AGENT: &str = concat!("git/landwaiter-", env!("CARGO_PKG_VERSION"));
/// Bounds what an advertisement of references may take in memory; a million references need 70 MB.
const MAX_ADVERTISEMENT: u64 = 256 << 20;
/// As much of a failing server's answer as is read to find its words.
const MAX_EXCUSE: u64 = 8 << 10;

/// A server, as long as the process lives: connections that stay open and what it told about itself.
pub(super) struct Server {
    url: RemoteUrl,
    base: Url,
    account: Arc<Account>,
    connection: ConnectionOptions,
    timeout: Duration,
    client: OnceLock<Watched<Client>>,
    advertisement: Arc<Mutex<Option<Advertisement>>>,
    /// Where the server sent us, as it was told.
    moved: Arc<Mutex<Option<String>>>,
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
    account: Arc<Account>,
    /// Those of this conversation; the last one is in use.
    logins: Mutex<Vec<Login>>,
    /// The file with authorities for this server alone.
    bundle: Option<PathBuf>,
    /// Whether we show who we are by a certificate.
    is_certified: bool,
    moved: Arc<Mutex<Option<String>>>,
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
    Nobody(Box<Error>),
}

impl Server {
    /// Opens the files that are named for the connections, so that a wrong one is known at the start.
    ///
    /// # Errors
    /// [`Error::Connection`] when one of them cannot be used.
    pub(super) fn new(
        url: RemoteUrl,
        base: Url,
        credential: Option<Credential>,
        connection: ConnectionOptions,
        timeout: Duration,
    ) -> Result<Self, Error> {
        if !connection.files().is_empty() {
            let checked = connection.tls(&url).and_then(|_| connection.proxy_login());
            checked.map_err(|problem| Error::Connection { problem })?;
        }
        let account = Arc::new(Account::new(url.clone(), credential, connection.ca_bundle.as_deref())?);
        let (client, advertisement, moved) = (OnceLock::new(), Arc::default(), Arc::default());
        Ok(Self { url, base, account, connection, timeout, client, advertisement, moved })
    }

    /// Who we are to it.
    pub(super) fn introduction(&self) -> Result<Option<Introduction>, Error> {
        let login = self.account.login(&self.client()?, Instant::now() + self.timeout)?;
        Ok(login.map(|login| login.introduction()))
    }

    pub(super) fn url(&self) -> &RemoteUrl {
        &self.url
    }

    /// Starts a conversation; the clock runs from here.
    pub(super) fn call(&self, version: Protocol) -> Result<(Box<dyn Transport>, Witness<'_>), Error> {
        let deadline = Instant::now() + self.timeout;
        let client = self.client()?;
        let state = Arc::new(State {
            base: self.base.clone(),
            deadline,
            logins: Mutex::new(self.account.login(&client, deadline)?.into_iter().collect()),
            account: Arc::clone(&self.account),
            bundle: self.connection.ca_bundle.clone(),
            is_certified: self.connection.client_certificate.is_some(),
            moved: Arc::clone(&self.moved),
            trouble: Mutex::default(),
            redirected: Mutex::default(),
            advertisement: Arc::clone(&self.advertisement),
        });
        let address = gix::Url::try_from(self.base.as_str()).map_err(|error| Error::Interrupted {
            url: self.url.to_string(),
            doing: "reading the address",
            cause: plain::line(&error.to_string(), 200),
        })?;
        let line = Line { client, state: Arc::clone(&state) };
        Ok((Box::new(connect_http(line, address, version, false)), Witness { server: self, state }))
    }

    fn client(&self) -> Result<Client, Error> {
        let problem = |problem| Error::Connection { problem };
        if self.client.get().is_none() {
            let (url, connection, timeout) = (self.url.clone(), self.connection.clone(), self.timeout);
            let client = Watched::open(connection.files(), move || connect(&url, &connection, timeout));
            // Whoever is first makes it for all.
            drop(self.client.set(client.map_err(problem)?));
        }
        let client = self.client.get().ok_or_else(|| problem("no client was made".into()))?;
        Ok(Client::clone(&client.now()))
    }
}

fn connect(url: &RemoteUrl, connection: &ConnectionOptions, timeout: Duration) -> Result<Client, String> {
    let mut builder = Client::builder();
    match &connection.proxy {
        // A proxy is the way to the outside; it must not see what stays inside.
        None if url.is_on_this_machine() => builder = builder.no_proxy(),
        None => {}
        Some(Proxy::Direct) => builder = builder.no_proxy(),
        Some(Proxy::Through(proxy)) => {
            let through = reqwest::Proxy::all(proxy.clone());
            let mut through = through.map_err(|error| format!("the proxy for {url}: {}", cause(error)))?;
            if let Some((user, password)) = connection.proxy_login()? {
                through = through.basic_auth(&user, password.expose());
            }
            builder = builder.proxy(through);
        }
    }
    builder
        .user_agent(USER_AGENT)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(timeout.min(Duration::from_secs(20)))
        .tls_backend_preconfigured(connection.tls(url)?)
        .build()
        .map_err(|error| format!("{url}: {}", cause(error)))
}

impl Witness<'_> {
    /// The error of a step that failed: what the server did, or else what the protocol made of it.
    pub(super) fn failed(&self, doing: &'static str, protocol_error: &dyn std::error::Error) -> Error {
        *locked(&self.state.advertisement) = None;
        let url = self.server.url.to_string();
        let credential = || match locked(&self.state.logins).last() {
            Some(login) => login.told(Timestamp::now()),
            None => "no credential".into(),
        };
        match locked(&self.state.trouble).take() {
            None => Error::Interrupted { url, doing, cause: self.state.fit(&causes(protocol_error)) },
            Some(Trouble::Broken(cause)) => Error::Interrupted { url, doing, cause },
            Some(Trouble::Unreachable(cause)) => Error::Unreachable { url, cause },
            Some(Trouble::Untrusted(cause)) => Error::Untrusted { url, cause },
            Some(Trouble::TimedOut) => Error::TimedOut { url, doing, within: self.server.timeout },
            Some(Trouble::NotGit(answer)) => Error::NotGit { url, answer },
            Some(Trouble::Nobody(error)) => *error,
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
        locked(&self.logins).iter().fold(text.to_owned(), |text, login| login.scrub(&text))
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
        let trouble = if let Some(cause) = tls::refusal(&error, host, self.bundle.as_deref()) {
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

    fn advertise(&self, client: &Client, url: &str, headers: &HeaderMap, service: &str) -> io::Result<Advertisement> {
        let tail = format!("/info/refs?service={service}");
        let expected = format!("application/x-{service}-advertisement");
        let url = Url::parse(url).map_err(io::Error::other)?;
        let (response, url) = self.ask(client, url, &tail, headers, None)?;
        let response = self.accept(response, &expected)?;
        let base = url.as_str().strip_suffix(&tail).map(str::to_owned);
        let mut body = Vec::new();
        response.take(MAX_ADVERTISEMENT).read_to_end(&mut body).map_err(|error| self.broken(&error))?;
        if let Some(base) = &base {
            self.tell_if_moved(base);
        }
        Ok(Advertisement { base, content_type: expected, body: body.into() })
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

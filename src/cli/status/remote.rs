//! A daemon that is asked over HTTP. Must not know what for.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, redirect};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::cli::Error;
use crate::secret::Secret;
use crate::{host, plain, tls};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest answer, in bytes.
const LONGEST: usize = 64 << 20;

/// How much of a stranger's answer is repeated.
const SHOWN: usize = 300;

/// Which daemon is asked.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct DaemonArgs {
    /// Where the daemon listens (`run --listen`).
    #[arg(long, env = "LANDWAITER_URL", value_name = "URL", default_value = "http://127.0.0.1:8089")]
    url: Url,

    /// The file with the daemon's token, where it asks for one.
    #[arg(long, env = "LANDWAITER_API_TOKEN", value_name = "FILE")]
    api_token: Option<PathBuf>,
}

/// A daemon.
#[derive(Debug)]
pub(in crate::cli) struct Remote {
    client: Client,
    url: Url,
    token: Option<Secret>,
}

impl DaemonArgs {
    pub(in crate::cli) fn open(&self) -> Result<Remote, Error> {
        let url = &self.url;
        let (Some(name), "http" | "https") = (url.host_str(), url.scheme()) else {
            return Err(Error::Usage(format!("--url {url}: expected http://HOST:PORT or https://HOST")));
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::Usage("--url: a token is given with --api-token FILE, and not in the URL".to_owned()));
        }
        let token = self.api_token.as_deref().map(read).transpose()?;
        if token.is_some() && url.scheme() == "http" && !host::is_loopback(name) {
            let words = format!("--url {url}: the token would go over the network for everybody to read; use https");
            return Err(Error::Usage(words));
        }
        let builder = Client::builder().user_agent(concat!("landwaiter/", env!("CARGO_PKG_VERSION")));
        // A proxy is the way to the outside; it must not see what stays inside.
        let builder = if host::is_loopback(name) { builder.no_proxy() } else { builder };
        let builder = builder.redirect(redirect::Policy::none()).timeout(PATIENCE);
        let client = builder.tls_backend_preconfigured(tls::client_config()).build();
        let client = client.map_err(|error| Error::Input(plain::chain(&error)))?;
        Ok(Remote { client, url: url.clone(), token })
    }
}

impl Remote {
    /// What is at `path` under `/api/v1/`.
    pub(in crate::cli) async fn get(&self, path: &str) -> Result<Value, Error> {
        self.ask(Method::GET, path, &[]).await
    }

    pub(in crate::cli) async fn post(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, Error> {
        self.ask(Method::POST, path, query).await
    }

    /// An answer in the shape that this version knows.
    pub(in crate::cli) fn understood<T: DeserializeOwned>(&self, answer: Value) -> Result<T, Error> {
        serde_json::from_value(answer).map_err(|error| {
            let words = "is the daemon of another version, or no Landwaiter at all?";
            Error::Input(format!("{} answers what cannot be understood ({error}); {words}", self.url))
        })
    }

    async fn ask(&self, method: Method, path: &str, query: &[(&str, &str)]) -> Result<Value, Error> {
        let mut url = self.url.clone();
        url.set_path(&format!("{}/api/v1/{path}", self.url.path().trim_end_matches('/')));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut request = self.client.request(method, url).header("content-type", "application/json");
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose());
        }
        let (status, body) = received(request).await.map_err(|error| self.nobody(&error))?;
        let answer: Result<Value, _> = serde_json::from_slice(&body);
        if (200..300).contains(&status) {
            let words = format!("{} answers, but it is no Landwaiter, or something stands before it", self.url);
            return answer.map_err(|_| Error::Input(words));
        }
        let said = answer.ok().and_then(|answer| answer["error"].as_str().map(str::to_owned));
        let said = said.map_or_else(
            || format!("status {status}; is it Landwaiter, and one with an API?"),
            |said| plain::line(&said, SHOWN),
        );
        Err(Error::Input(format!("{}: {said}", self.url)))
    }

    fn nobody(&self, error: &reqwest::Error) -> Error {
        let mend = if error.is_connect() {
            "is the daemon running with --listen, and is this its address (--url)?"
        } else {
            "is this the daemon's address (--url)?"
        };
        Error::Input(format!("no answer from {}: {}; {mend}", self.url, plain::chain(error)))
    }
}

async fn received(request: RequestBuilder) -> reqwest::Result<(u16, Vec<u8>)> {
    let mut answer = request.send().await.map_err(reqwest::Error::without_url)?;
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
        body.extend_from_slice(&part);
        if body.len() > LONGEST {
            body.clear();
            break;
        }
    }
    Ok((answer.status().as_u16(), body))
}

/// The first token of a file.
fn read(file: &Path) -> Result<Secret, Error> {
    let what = || format!("--api-token {}", file.display());
    let text = std::fs::read_to_string(file).map_err(|source| Error::File { what: what(), source })?;
    let token = text.lines().map(str::trim).find(|line| !line.is_empty());
    token.map(Secret::new).ok_or_else(|| Error::Input(format!("{}: there is no token in it", what())))
}

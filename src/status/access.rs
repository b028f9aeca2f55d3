//! Who may ask. Without a token only this machine may, and only by a name of its own, so that no web page can ask in
//! the name of the person who looks at it. Must not know what is asked for.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;

use crate::hook::Secrets;
use crate::host;
use crate::http::refusal;
use crate::watched::Watched;

/// The largest file of tokens, in bytes.
const LARGEST: u64 = 64 * 1024;

/// A header that no form of a web page can send.
const OURS: &str = "x-landwaiter";

/// Who may ask. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Access {
    is_loopback: bool,
    /// The option that names the file of tokens.
    option: &'static str,
    tokens: Option<Arc<Watched<Secrets>>>,
}

/// Why somebody may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Barred {
    /// Nobody may, beyond this machine.
    Closed,
    /// The name by which we are asked is not ours.
    Host,
    /// No token was shown, or another one.
    Token,
    /// A web page could have made it.
    Page,
}

impl Access {
    /// To the API of a server that listens at `address`. The file has one token to a line, each of which counts; it is
    /// looked at with every request, and a changed one is used at once.
    ///
    /// # Errors
    /// What is wrong with the file, and how to mend it.
    pub fn open(address: SocketAddr, tokens: Option<&Path>) -> Result<Self, String> {
        let tokens = tokens.map(watched).transpose()?;
        Ok(Self { is_loopback: address.ip().is_loopback(), option: "--api-token", tokens })
    }

    /// To the metrics, which are only for those who show one of the tokens in a file like that.
    ///
    /// # Errors
    /// As [`Access::open`].
    pub fn to_metrics(tokens: &Path) -> Result<Self, String> {
        Ok(Self { is_loopback: false, option: "--metrics-token", tokens: Some(watched(tokens)?) })
    }

    /// Lets those through to these routes who may ask.
    pub fn guarding(self, routes: Router) -> Router {
        routes.route_layer(from_fn_with_state(self, guard))
    }

    fn admit(&self, method: &Method, headers: &HeaderMap) -> Result<(), Barred> {
        if let Some(tokens) = &self.tokens {
            let shown = headers.get(header::AUTHORIZATION).and_then(|value| bearer(value.as_bytes()));
            let is_good = shown.is_some_and(|shown| tokens.now().admit(shown));
            return if is_good { Ok(()) } else { Err(Barred::Token) };
        }
        if !self.is_loopback {
            return Err(Barred::Closed);
        }
        let asked = headers.get(header::HOST).and_then(|value| value.to_str().ok());
        if !asked.is_some_and(host::is_loopback) {
            return Err(Barred::Host);
        }
        let is_json = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
            value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
        });
        let is_reading = matches!(*method, Method::GET | Method::HEAD);
        if is_reading || is_json || headers.contains_key(OURS) { Ok(()) } else { Err(Barred::Page) }
    }
}

async fn guard(State(access): State<Access>, request: Request, next: Next) -> Response {
    let Err(barred) = access.admit(request.method(), request.headers()) else { return next.run(request).await };
    let option = access.option;
    let (status, words) = match barred {
        Barred::Closed => (
            StatusCode::FORBIDDEN,
            format!(
                "beyond this machine the API needs a token: start the daemon with {option} FILE (one line of `openssl rand \
                 -hex 32`), or let it listen at 127.0.0.1"
            ),
        ),
        Barred::Host => (
            StatusCode::FORBIDDEN,
            format!(
                "asked for under another name than one of this machine: use 127.0.0.1 or localhost, or start the daemon with \
                 {option} FILE"
            ),
        ),
        Barred::Token => (
            StatusCode::UNAUTHORIZED,
            format!("show the daemon's token, that of {option} FILE: `Authorization: Bearer TOKEN`"),
        ),
        Barred::Page => (
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "send the header `Content-Type: application/json`, which no web page can send by itself".to_owned(),
        ),
    };
    let mut answer = refusal(status, &words);
    if barred == Barred::Token {
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"landwaiter\""));
    }
    answer
}

fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

fn watched(file: &Path) -> Result<Arc<Watched<Secrets>>, String> {
    let path = file.to_owned();
    Watched::open(vec![file.to_owned()], move || read(&path)).map(Arc::new)
}

fn read(file: &PathBuf) -> Result<Secrets, String> {
    let failed = |error| format!("the token in {} cannot be read: {error}", file.display());
    let length = fs::metadata(file).map_err(failed)?.len();
    if length > LARGEST {
        return Err(format!("the token in {} is larger than {LARGEST} bytes, which no token is", file.display()));
    }
    let text = fs::read_to_string(file).map_err(failed)?;
    Secrets::parse(&text, false).map_err(|weak| format!("the token in {}: {weak}", file.display()))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};

    use super::{Access, Barred, bearer};

    #[track_caller]
    fn check(listens: &str, method: &Method, headers: &[(&str, &str)], expected: Result<(), Barred>) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        let access = Access::open(listens.parse().unwrap(), None).unwrap();
        assert_eq!(access.admit(method, &map), expected, "{listens} {method} {headers:?}");
    }

    #[test]
    fn without_a_token_only_this_machine_may_ask_and_no_web_page() {
        for host in ["127.0.0.1:8089", "localhost", "localhost:8089", "[::1]:8089"] {
            check("127.0.0.1:8089", &Method::GET, &[("host", host)], Ok(()));
        }
        for host in ["evil.example.com", "evil.example.com:8089", "127.0.0.1.evil.example.com", "10.0.0.1", ""] {
            check("127.0.0.1:8089", &Method::GET, &[("host", host)], Err(Barred::Host));
        }
        check("[::1]:8089", &Method::GET, &[], Err(Barred::Host));
        for listens in ["0.0.0.0:8089", "[::]:8089", "10.0.0.1:8089"] {
            check(listens, &Method::GET, &[("host", "127.0.0.1:8089")], Err(Barred::Closed));
        }
        let host = ("host", "localhost:8089");
        check("127.0.0.1:8089", &Method::POST, &[host], Err(Barred::Page));
        for kind in
            ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonx"]
        {
            check("127.0.0.1:8089", &Method::POST, &[host, ("content-type", kind)], Err(Barred::Page));
        }
        check("127.0.0.1:8089", &Method::POST, &[host, ("content-type", "application/json; charset=utf-8")], Ok(()));
        check("127.0.0.1:8089", &Method::POST, &[host, ("x-landwaiter", "1")], Ok(()));
    }

    #[test]
    fn a_token_stands_behind_its_scheme() {
        for (value, token) in [
            ("Bearer abc", Some("abc")),
            ("bearer  abc ", Some("abc")),
            ("Basic abc", None),
            ("Bearer", None),
            ("abc", None),
            ("Bearerabc", None),
        ] {
            assert_eq!(bearer(value.as_bytes()), token.map(str::as_bytes), "{value}");
        }
    }
}

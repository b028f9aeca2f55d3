//! A GitHub App: who it is, where its API is, and how it proves that. Opens no connection.

use std::fs;
use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};
use url::Url;

use super::RemoteUrl;
use crate::secret::Secret;
use crate::{host, tls};

/// How long a proof is good, in seconds; GitHub takes no more than ten minutes.
const LIFE: i64 = 9 * 60;

/// By how much a clock may go wrong, in seconds: the proof is dated back by it.
pub(super) const CLOCK_MARGIN: i64 = 60;

/// An app that is installed where the repository is. Its tokens are made for one repository, with the right to
/// write its contents and nothing else, and kept in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GithubApp {
    /// Its App ID, or its Client ID.
    pub id: String,
    /// Its private key, in PEM. It is read each time it is used.
    pub key: PathBuf,
    /// The installation; the one that has the repository when `None`.
    pub installation: Option<u64>,
    /// The API; when `None` that of the repository's host: `https://api.github.com`, or on a server of one's own
    /// `https://HOST/api/v3`.
    pub api: Option<Url>,
}

/// A repository as the API calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) owner: String,
    pub(super) name: String,
    /// With a slash at the end.
    pub(super) api: Url,
}

impl GithubApp {
    /// For messages.
    pub(super) fn source(&self) -> String {
        format!("GitHub App {}", self.id)
    }

    /// Where the repository at this address is for the API.
    ///
    /// # Errors
    /// What is wrong with the address of the one or the other.
    pub(super) fn place(&self, url: &RemoteUrl) -> Result<Place, String> {
        let expected = "expected the address of a repository on GitHub, `https://github.com/owner/name`";
        let address = url.http().ok_or("an app is for https; over ssh a key proves who we are")?;
        let path = address.path().trim_start_matches('/');
        let (owner, name) = path.strip_suffix(".git").unwrap_or(path).split_once('/').ok_or(expected)?;
        let is_plain = |text: &str| {
            !matches!(text, "" | "." | "..")
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        };
        if !is_plain(owner) || !is_plain(name) {
            return Err(expected.into());
        }
        let mut api = self.api.clone().map_or_else(|| usual_api(address), Ok)?;
        let is_local = host::is_loopback(api.host_str().unwrap_or_default());
        if !(api.scheme() == "https" || (api.scheme() == "http" && is_local)) {
            return Err("the proof of who we are would travel in clear text; give the API by https".into());
        }
        if !api.username().is_empty() || api.password().is_some() || api.query().is_some() || api.fragment().is_some() {
            return Err("the address of the API is a host and perhaps a path, and nothing else".into());
        }
        api.set_path(&format!("{}/", api.path().trim_end_matches('/')));
        Ok(Place { owner: owner.to_owned(), name: name.to_owned(), api })
    }

    /// What proves that we are the app: a JSON Web Token that its key signed.
    ///
    /// # Errors
    /// What is wrong with the key; its file is named.
    pub(super) fn proof(&self, now: Timestamp) -> Result<Secret, String> {
        let wrong = |problem: String| format!("{}: {problem}", self.key.display());
        let pem = Secret::new(fs::read_to_string(&self.key).map_err(|error| wrong(error.to_string()))?);
        // Older servers want the number of an app as a number.
        let issuer = self.id.parse::<u64>().map_or_else(|_| Value::from(self.id.as_str()), Value::from);
        let now = now.as_second();
        let claims = json!({"iat": now - CLOCK_MARGIN, "exp": now + LIFE, "iss": issuer});
        let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&json!({"alg": "RS256", "typ": "JWT"})), encode(&claims));
        let signature = tls::sign_rs256(pem.expose().as_bytes(), signed.as_bytes()).map_err(wrong)?;
        Ok(Secret::new(format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))))
    }
}

fn usual_api(address: &Url) -> Result<Url, String> {
    let host = address.host_str().unwrap_or_default();
    let port = address.port().map(|port| format!(":{port}")).unwrap_or_default();
    let text = match host {
        "github.com" | "www.github.com" => "https://api.github.com".to_owned(),
        // GitHub Enterprise Cloud with data residency.
        _ if host.ends_with(".ghe.com") => format!("https://api.{host}{port}"),
        _ => format!("{}://{host}{port}/api/v3", address.scheme()),
    };
    Url::parse(&text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{GithubApp, RemoteUrl};

    fn app(api: Option<&str>) -> GithubApp {
        let api = api.map(|api| api.parse().unwrap());
        GithubApp { id: "123".into(), key: "/nonexistent/key".into(), installation: None, api }
    }

    #[track_caller]
    fn check(url: &str, api: Option<&str>, place: &str) {
        let found = app(api).place(&RemoteUrl::parse(url).unwrap());
        assert_eq!(found.map(|found| format!("{} {} {}", found.owner, found.name, found.api)).unwrap(), place);
    }

    #[track_caller]
    fn refused(url: &str, api: Option<&str>, told: &str) {
        let problem = app(api).place(&RemoteUrl::parse(url).unwrap()).unwrap_err();
        assert!(problem.contains(told), "{problem}");
    }

    #[test]
    fn a_repository_and_its_api() {
        check("https://github.com/org/config.git", None, "org config https://api.github.com/");
        check("https://GitHub.com/org/my.config", None, "org my.config https://api.github.com/");
        check("https://acme.ghe.com/org/config", None, "org config https://api.acme.ghe.com/");
        check("https://git.example.com:8443/org/config", None, "org config https://git.example.com:8443/api/v3/");
        check("http://127.0.0.1:80/org/config", None, "org config http://127.0.0.1/api/v3/");
        check("https://github.com/o/c", Some("https://api.example.com/x/"), "o c https://api.example.com/x/");
        let expected = "expected the address of a repository on GitHub";
        for path in ["", "config", "a/b/c", "org/", "org/..", "org/a%2Fb", "org/.git"] {
            refused(&format!("https://github.com/{path}"), None, expected);
        }
        refused("git@github.com:org/config.git", None, "over ssh a key proves");
        refused("https://github.com/o/c", Some("http://api.example.com"), "clear text");
        refused("https://github.com/o/c", Some("https://bob:x@api.example.com"), "nothing else");
    }

    #[test]
    fn what_is_no_key_is_told_by_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let told = |text: &str| {
            let key = folder.path().join("key.pem");
            std::fs::write(&key, text).unwrap();
            let problem = GithubApp { key: key.clone(), ..app(None) }.proof(jiff::Timestamp::UNIX_EPOCH).unwrap_err();
            problem.strip_prefix(&format!("{}: ", key.display())).unwrap().to_owned()
        };
        let no_key = "there is no private key in it; expected an RSA key in PEM that has no passphrase";
        assert_eq!(told(""), no_key);
        assert_eq!(told("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"), no_key);
        let locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
        assert!(told(locked).starts_with("it is locked by a passphrase; "));
        let broken = "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n";
        assert_eq!(told(broken), "it is no RSA key of 2048 bits or more");
        let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
        assert_eq!(told(&other), "it is no RSA key");
        assert!(!Path::new("/nonexistent/key").exists());
        assert!(app(None).proof(jiff::Timestamp::UNIX_EPOCH).unwrap_err().starts_with("/nonexistent/key: No such"));
    }
}

//! A GitHub in a test: apps, installations and their tokens, as far as a config repository needs them. What an app
//! sends is checked for real, its signature before all else.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use jiff::{Timestamp, ToSpan as _};
use rustls::SignatureScheme;
use rustls::crypto::ring;
use serde_json::{Value, json};

use crate::git_server::{Fault, GitServer, Seen};
use crate::ssh_server::ssh_keygen;

pub(crate) const APP: &str = "4711";
pub(crate) const CLIENT: &str = "Iv23liLandwaiter";
pub(crate) const INSTALLATION: u64 = 99;

/// What holds at the moment, for a test to change.
pub(crate) struct Github {
    /// The public half of the app's key: PKCS#1 in DER.
    key: Vec<u8>,
    pub(crate) installation: Option<u64>,
    pub(crate) is_suspended: bool,
    pub(crate) may_write: bool,
    pub(crate) has_repository: bool,
    /// How long a token is good, in seconds.
    pub(crate) life: i64,
    /// By how many seconds its clock is ahead of ours.
    pub(crate) ahead: i64,
    /// The tokens that are good.
    pub(crate) tokens: Vec<String>,
    pub(crate) minted: usize,
    /// Everything that was sent and is a secret.
    pub(crate) secrets: Vec<String>,
}

/// Makes a private key for an app: PKCS#1 (`PEM`) or PKCS#8 (`PKCS8`).
pub(crate) fn app_key(path: &Path, form: &str) -> PathBuf {
    ssh_keygen(&["-q", "-t", "rsa", "-b", "2048", "-m", form, "-N", "", "-f", path.to_str().unwrap()]);
    path.to_owned()
}

impl Github {
    /// Behind this server is GitHub from now on: its API at `/api/v3`, and the repository `org/config` to which
    /// only tokens of the app lead whose key this is.
    pub(crate) fn at(server: &GitServer, root: &Path, key: &Path) -> Arc<Mutex<Self>> {
        std::os::unix::fs::symlink(".", root.join("org")).unwrap();
        let public = Command::new("ssh-keygen").args(["-e", "-m", "PEM", "-f"]).arg(key).output().unwrap().stdout;
        let public = String::from_utf8(public).unwrap();
        let public: String = public.lines().filter(|line| !line.starts_with("--")).collect();
        let github = Arc::new(Mutex::new(Self {
            key: BASE64_STANDARD.decode(public).unwrap(),
            installation: Some(INSTALLATION),
            is_suspended: false,
            may_write: true,
            has_repository: true,
            life: 3600,
            ahead: 0,
            tokens: Vec::new(),
            minted: 0,
            secrets: Vec::new(),
        }));
        let shared = Arc::clone(&github);
        server.on(move |seen| shared.lock().unwrap().answer(seen));
        github
    }

    fn now(&self) -> Timestamp {
        Timestamp::now() + self.ahead.seconds()
    }

    fn say(&self, status: u16, body: &Value) -> Fault {
        let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&self.now()).unwrap();
        Fault::Dated(status, date, body.to_string())
    }

    fn refuse(&self, status: u16, message: &str) -> Fault {
        self.say(status, &json!({"message": message, "documentation_url": "https://docs.github.com/rest"}))
    }

    pub(crate) fn answer(&mut self, seen: &Seen) -> Option<Fault> {
        self.secrets.extend(seen.authorization.as_ref().and_then(|sent| sent.split(' ').nth(1)).map(str::to_owned));
        let Some(asked) = seen.path.strip_prefix("/api/v3/") else {
            let basic = |token: &String| format!("Basic {}", BASE64_STANDARD.encode(format!("x-access-token:{token}")));
            let is_known = self.tokens.iter().any(|token| seen.authorization == Some(basic(token)));
            return (!is_known).then(|| Fault::Answer(401, "text/plain", "Bad credentials".into()));
        };
        if let Err((status, message)) = self.check(seen.authorization.as_deref().unwrap_or_default()) {
            return Some(self.refuse(status, message));
        }
        let id = self.installation.map(|id| format!("app/installations/{id}/access_tokens"));
        Some(match (seen.method.as_str(), asked) {
            ("GET", "repos/org/config/installation") if self.installation.is_some() => self.say(
                200,
                &json!({
                    "id": self.installation, "app_slug": "landwaiter", "account": {"login": "org", "id": 1},
                    "suspended_at": self.is_suspended.then_some("2026-01-01T00:00:00Z"),
                }),
            ),
            ("POST", path) if Some(path) == id.as_deref() => self.mint(&seen.body),
            _ => self.refuse(404, "Not Found"),
        })
    }

    fn mint(&mut self, body: &[u8]) -> Fault {
        let wanted: Value = serde_json::from_slice(body).unwrap();
        assert_eq!(wanted, json!({"repositories": ["config"], "permissions": {"contents": "write"}}), "and no more");
        match () {
            () if self.is_suspended => self.refuse(403, "This installation has been suspended"),
            () if !self.has_repository => self.refuse(
                422,
                "There is at least one repository that does not exist or is not accessible to the parent installation.",
            ),
            () if !self.may_write => {
                self.refuse(422, "The permissions requested are not granted to this installation.")
            }
            () => {
                self.minted += 1;
                let token = format!("ghs_{}_{:016x}", self.minted, fastrand::u64(..));
                self.tokens.push(token.clone());
                self.secrets.push(token.clone());
                let until = self.now() + self.life.seconds();
                let until = until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
                self.say(201, &json!({"token": token, "expires_at": until, "permissions": {"contents": "write"}}))
            }
        }
    }

    /// Whether a token is the app's, as GitHub sees it and in its words.
    fn check(&self, authorization: &str) -> Result<(), (u16, &'static str)> {
        let undecodable = || (401, "A JSON web token could not be decoded");
        let token = authorization.strip_prefix("Bearer ").ok_or_else(undecodable)?;
        let (signed, signature) = token.rsplit_once('.').ok_or_else(undecodable)?;
        let (header, claims) = signed.split_once('.').ok_or_else(undecodable)?;
        let decode = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| undecodable());
        let algorithms = ring::default_provider().signature_verification_algorithms.mapping;
        let (_, verifiers) = algorithms.iter().find(|(name, _)| *name == SignatureScheme::RSA_PKCS1_SHA256).unwrap();
        let verified = verifiers[0].verify_signature(&self.key, signed.as_bytes(), &decode(signature)?);
        verified.map_err(|_| undecodable())?;
        let header: Value = serde_json::from_slice(&decode(header)?).unwrap();
        assert_eq!(header, json!({"alg": "RS256", "typ": "JWT"}));
        let claims: Value = serde_json::from_slice(&decode(claims)?).unwrap();
        if claims["iss"] != json!(APP.parse::<u64>().unwrap()) && claims["iss"] != CLIENT {
            return Err((404, "Integration not found"));
        }
        let (now, made, end) =
            (self.now().as_second(), claims["iat"].as_i64().unwrap(), claims["exp"].as_i64().unwrap());
        match () {
            () if made > now => Err((
                401,
                "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
            )),
            () if end > now + 600 => Err((401, "'Expiration time' claim ('exp') is too far in the future")),
            () if end <= now => Err((
                401,
                "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the \
                 assertion expires",
            )),
            () => Ok(()),
        }
    }
}

/// Nothing of what was secret is in a text.
#[track_caller]
pub(crate) fn kept(github: &Mutex<Github>, key: &Path, text: &str) {
    for secret in &github.lock().unwrap().secrets {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    let key = fs::read_to_string(key).unwrap_or_default();
    assert!(!key.lines().skip(1).any(|line| line.len() > 20 && text.contains(line)), "{text}");
}

//! Who we say we are over https: where a credential is kept, and what is made of it for one conversation. Opens
//! no connection; it must never let a secret into a text.

use std::fmt::{self, Write as _};
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;

use super::github::GithubApp;
use super::{Error, RemoteUrl};
use crate::secret::Secret;

/// Where to take what proves who we are from. Files and variables are read each time they are used, so that a
/// rotated secret is picked up. `Debug` shows where, and nothing else.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// Known since the start.
    Given {
        /// The user name; `None` for a token, which servers accept with any name.
        username: Option<String>,
        /// The password or token.
        password: Secret,
        /// Where it came from, for messages: `LANDWAITER_GIT_PASSWORD`.
        source: String,
    },
    /// A file with one line, `user:password` or just a token.
    File(PathBuf),
    /// Variables of the environment.
    Environment {
        /// The one with the user name, if it is not a token that servers accept with any name.
        user: Option<String>,
        /// The one with the password or token.
        password: String,
    },
    /// A file with a token that is shown as `Authorization: Bearer`.
    BearerFile(PathBuf),
    /// A variable of the environment with such a token.
    BearerEnvironment(String),
    /// An app of GitHub, for whose installation tokens are made and renewed.
    GithubApp(GithubApp),
}

/// Who we are to the server of the repository, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Introduction {
    /// Whom we say we are, and where that is kept: `user bot, with the password from /run/secrets/git`.
    pub shown: String,
    /// When that ends, if it is known.
    pub until: Option<Timestamp>,
}

/// What goes into the `Authorization` header of one conversation.
#[derive(Clone)]
pub(super) struct Login {
    header: Secret,
    source: String,
    shown: String,
    until: Option<Timestamp>,
}

/// The user name that goes with a bare token: GitHub and GitLab accept any, and this is the one that
/// GitHub's own documentation names.
const TOKEN_USER: &str = "x-access-token";

impl Credential {
    /// Where it comes from, for messages.
    #[must_use]
    pub fn source(&self) -> String {
        match self {
            Self::Given { source, .. } => source.clone(),
            Self::File(path) | Self::BearerFile(path) => path.display().to_string(),
            Self::Environment { password: name, .. } | Self::BearerEnvironment(name) => format!("${name}"),
            Self::GithubApp(app) => app.source(),
        }
    }

    /// What is in it now.
    ///
    /// # Errors
    /// [`Error::Credential`] when it cannot be read, or cannot be what it is meant to be.
    pub(super) fn login(&self, url: &RemoteUrl) -> Result<Login, Error> {
        let source = self.source();
        let read = || match self {
            Self::Given { username, password, .. } => {
                Login::basic(username.clone().unwrap_or_else(|| default_user(url)), password, source.clone())
            }
            Self::File(path) => {
                let text = read(path)?;
                let line = one_line(&text).ok_or("expected one line, `user:password` or a token")?;
                match line.split_once(':') {
                    Some((user, password)) => Login::basic(user.to_owned(), &Secret::new(password), source.clone()),
                    None => Login::basic(default_user(url), &Secret::new(line), source.clone()),
                }
            }
            Self::Environment { user, password } => {
                let user = user.as_deref().map(variable).transpose()?;
                let password = Secret::new(variable(password)?);
                Login::basic(user.unwrap_or_else(|| default_user(url)), &password, source.clone())
            }
            Self::BearerFile(path) => Login::bearer(&read(path)?, source.clone()),
            Self::BearerEnvironment(name) => Login::bearer(&variable(name)?, source.clone()),
            Self::GithubApp(_) => Err("its tokens are made by the API".to_owned()),
        };
        read().map_err(|problem| Error::Credential { url: url.to_string(), source_name: source.clone(), problem })
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A user name may be a token.
        write!(f, "Credential({})", self.source())
    }
}

fn default_user(url: &RemoteUrl) -> String {
    url.username().unwrap_or(TOKEN_USER).to_owned()
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| error.to_string())
}

fn variable(name: &str) -> Result<String, String> {
    let value = std::env::var(name).ok().filter(|value| !value.is_empty());
    value.ok_or_else(|| format!("the variable {name} is not set, or is not UTF-8"))
}

fn one_line(text: &str) -> Option<&str> {
    let line = text.trim();
    (!line.is_empty() && !line.contains(['\n', '\r'])).then_some(line)
}

impl Login {
    fn basic(user: String, password: &Secret, source: String) -> Result<Self, String> {
        if user.contains(|c: char| c == ':' || c.is_control()) {
            return Err("a user name cannot hold `:` or control characters".into());
        }
        let header = Secret::basic(&user, password);
        // A token may stand in the place of the user.
        let (secret, shown) = if password.expose().is_empty() {
            (Secret::new(user), format!("with the token from {source}"))
        } else {
            (password.clone(), format!("user {user}, with the password or token from {source}"))
        };
        let until = end_of(secret.expose());
        Ok(Self { header, source, shown, until })
    }

    /// A token that is shown as it is.
    fn bearer(text: &str, source: String) -> Result<Self, String> {
        let token = one_line(text).ok_or("expected one line with the token")?;
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("a token has no blanks and no special characters: expected the token alone".into());
        }
        let header = Secret::new(format!("Bearer {token}"));
        let shown = format!("with the bearer token from {source}");
        Ok(Self { header, until: end_of(token), source, shown })
    }

    /// A token that was made for an installation of an app.
    pub(super) fn installation(token: &str, until: Timestamp, source: String, shown: String) -> Result<Self, String> {
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("the API made a token that no header can carry".into());
        }
        let login = Self::basic(TOKEN_USER.to_owned(), &Secret::new(token), source)?;
        Ok(Self { until: Some(until), shown, ..login })
    }

    /// The value of the `Authorization` header.
    pub(super) fn header(&self) -> &Secret {
        &self.header
    }

    /// The credential in words, for those who hear that it was refused.
    pub(super) fn told(&self, now: Timestamp) -> String {
        let mut text = format!("the credential from {}", self.source);
        if let Some(until) = self.until.filter(|until| *until <= now) {
            let _ = write!(text, ", which ended at {until}");
        }
        text
    }

    /// Who we are with it.
    pub(super) fn introduction(&self) -> Introduction {
        Introduction { shown: self.shown.clone(), until: self.until }
    }

    /// `text` without the secret, should the other side have repeated it.
    pub(super) fn scrub(&self, text: &str) -> String {
        self.header.hide_in(text)
    }
}

/// When a token ends, if it is one that says so: a JSON Web Token with the claim `exp`.
fn end_of(token: &str) -> Option<Timestamp> {
    let mut parts = token.split('.');
    let (_, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
    let claims: serde_json::Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    Timestamp::from_second(claims.get("exp")?.as_i64()?).ok()
}

#[cfg(test)]
mod tests;

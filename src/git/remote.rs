//! Where the repository is and who commits: addresses and identities. Knows nothing of gix and opens no
//! connection; it must never let a secret into a text.

use std::fmt;
use std::path::{Path, PathBuf};

use url::Url;

use super::Credential;
use super::ssh::Address;
use crate::host;
use crate::secret::Secret;

/// The address of a repository. `Display` and `Debug` leave out user name and password.
#[derive(Clone, PartialEq, Eq)]
pub struct RemoteUrl {
    place: Place,
    user_info: Option<(String, Secret)>,
}

#[derive(Clone, PartialEq, Eq)]
enum Place {
    Http(Url),
    Ssh(Address),
    Local(PathBuf),
}

/// A text that is no address of a repository that can be reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("git url {shown:?}: {problem}; {mend}")]
pub struct InvalidUrl {
    shown: String,
    problem: String,
    mend: &'static str,
}

impl RemoteUrl {
    /// Reads `https://…`, `http://…`, `ssh://…`, `user@host:path`, `file://…` or the path of a repository on
    /// this machine.
    ///
    /// # Errors
    /// [`InvalidUrl`] for anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidUrl> {
        let text = text.trim();
        let bad = |problem: String, mend| InvalidUrl { shown: without_user_info(text), problem, mend };
        let expected = "expected https://host/path, ssh://user@host/path, user@host:path, file:///path or a path";
        let by_ssh = |address: Result<Address, String>| match address {
            Ok(address) => Ok(Self { place: Place::Ssh(address), user_info: None }),
            Err(problem) => Err(bad(problem, expected)),
        };
        if text.is_empty() || text.contains(|c: char| c.is_control()) {
            return Err(bad("empty, or with control characters".into(), expected));
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            if let Some(address) = Address::from_short(text) {
                return by_ssh(address);
            }
            return Ok(Self { place: Place::Local(PathBuf::from(text)), user_info: None });
        };
        match scheme.to_ascii_lowercase().as_str() {
            "http" | "https" => Self::parse_http(text).map_err(|problem| bad(problem, expected)),
            "file" => {
                let url = Url::parse(text).map_err(|error| bad(error.to_string(), expected))?;
                let path = url.to_file_path().map_err(|()| {
                    let host = rest.split('/').next().unwrap_or_default();
                    bad(format!("{host:?} is another machine"), "expected file:///path, with three slashes")
                })?;
                Ok(Self { place: Place::Local(path), user_info: None })
            }
            "ssh" | "git+ssh" | "ssh+git" => by_ssh(Address::from_url(&format!("ssh://{rest}"))),
            other => Err(bad(format!("unknown scheme {other:?}"), expected)),
        }
    }

    fn parse_http(text: &str) -> Result<Self, String> {
        let mut url = Url::parse(text).map_err(|error| error.to_string())?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err("a repository has no `?` or `#` part".into());
        }
        let user_info = match (url.username(), url.password()) {
            ("", None) => None,
            (user, password) => Some((decoded(user)?, Secret::new(decoded(password.unwrap_or_default())?))),
        };
        if url.set_username("").is_err() || url.set_password(None).is_err() {
            return Err("no host".into());
        }
        if url.path().ends_with('/') {
            let path = url.path().trim_end_matches('/').to_owned();
            url.set_path(&path);
        }
        Ok(Self { place: Place::Http(url), user_info })
    }

    /// A repository on this machine, whatever its path looks like.
    #[must_use]
    pub fn local_path(path: &Path) -> Self {
        Self { place: Place::Local(path.to_owned()), user_info: None }
    }

    /// What the repository is called, without its server and without `.git`: `org/config`; of one on this machine
    /// the last part of its path.
    #[must_use]
    pub fn name(&self) -> String {
        let path = match &self.place {
            Place::Http(url) => decoded(url.path()).unwrap_or_else(|_| url.path().to_owned()),
            Place::Ssh(address) => address.path().to_owned(),
            Place::Local(path) => path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
        };
        let path = path.trim_matches('/');
        path.strip_suffix(".git").filter(|rest| !rest.is_empty()).unwrap_or(path).to_owned()
    }

    /// The last part of that, in letters, digits, `.`, `_` and `-`.
    #[must_use]
    pub fn short_name(&self) -> String {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let whole = self.name();
        let last = whole.rsplit(['/', ':']).next().unwrap_or_default().trim_start_matches('.');
        let name: String = last.chars().map(|c| if is_plain(c) { c } else { '-' }).take(64).collect();
        if name.is_empty() { "repository".to_owned() } else { name }
    }

    /// Whether it is reached by https or http.
    #[must_use]
    pub fn is_http(&self) -> bool {
        matches!(self.place, Place::Http(_))
    }

    /// The credential in the address itself, if it has one.
    #[must_use]
    pub fn credential(&self) -> Option<Credential> {
        let (user, password) = self.user_info.clone()?;
        Some(Credential::Given { username: Some(user), password, source: "the git url".into() })
    }

    /// The user name in the address, if it has one.
    pub(super) fn username(&self) -> Option<&str> {
        self.user_info.as_ref().map(|(user, _)| user.as_str()).filter(|user| !user.is_empty())
    }

    /// The address for the wire, without user name and password; `None` for a local path.
    pub(super) fn http(&self) -> Option<&Url> {
        match &self.place {
            Place::Http(url) => Some(url),
            Place::Local(_) | Place::Ssh(_) => None,
        }
    }

    /// Where it is on a server that speaks ssh.
    pub(super) fn ssh(&self) -> Option<&Address> {
        match &self.place {
            Place::Ssh(address) => Some(address),
            Place::Http(_) | Place::Local(_) => None,
        }
    }

    /// The path of a repository on this machine.
    pub(super) fn local(&self) -> Option<&Path> {
        match &self.place {
            Place::Local(path) => Some(path),
            Place::Http(_) | Place::Ssh(_) => None,
        }
    }

    /// Whether the server is this machine.
    pub(super) fn is_on_this_machine(&self) -> bool {
        self.http().and_then(Url::host_str).is_some_and(host::is_loopback)
    }

    /// Whether a password would travel in clear text to another machine.
    pub(super) fn exposes_credentials(&self) -> bool {
        self.http().is_some_and(|url| url.scheme() == "http") && !self.is_on_this_machine()
    }
}

impl fmt::Display for RemoteUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Http(url) => f.write_str(url.as_str()),
            Place::Ssh(address) => address.fmt(f),
            Place::Local(path) => write!(f, "{}", path.display()),
        }
    }
}

impl fmt::Debug for RemoteUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RemoteUrl({self})")
    }
}

/// Who made a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The name as people write it.
    pub name: String,
    /// The mail address, without `<>`.
    pub email: String,
}

/// A name or address that a commit cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} cannot be the {part} of an author: it must not be empty or hold `<`, `>` or control characters")]
pub struct InvalidIdentity {
    part: &'static str,
    text: String,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} <{}>", self.name.trim(), self.email.trim())
    }
}

impl Identity {
    /// A checked identity.
    ///
    /// # Errors
    /// [`InvalidIdentity`] for an empty part and for characters that a commit has no room for.
    pub fn new(name: &str, email: &str) -> Result<Self, InvalidIdentity> {
        let identity = Self { name: name.trim().to_owned(), email: email.trim().to_owned() };
        identity.check()?;
        Ok(identity)
    }

    pub(super) fn check(&self) -> Result<(), InvalidIdentity> {
        for (part, text) in [("name", &self.name), ("mail address", &self.email)] {
            if text.trim().is_empty() || text.contains(|c: char| c == '<' || c == '>' || c.is_control()) {
                return Err(InvalidIdentity { part, text: text.clone() });
            }
        }
        Ok(())
    }
}

pub(super) fn decoded(text: &str) -> Result<String, String> {
    let wrong = || "user name or password with a broken %-escape".to_owned();
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first == b'%' {
            let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok()).ok_or_else(wrong)?;
            bytes.push(u8::from_str_radix(hex, 16).map_err(|_| wrong())?);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

/// What a message may show of a text that could not be read as an address.
fn without_user_info(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").map_or(("", text), |(scheme, rest)| (scheme, rest));
    let separator = if scheme.is_empty() { "" } else { "://" };
    // A broken address may hold `@` anywhere, so everything up to the last one is kept back.
    let shown = rest.rsplit_once('@').map_or(rest, |(_, after)| after);
    format!("{scheme}{separator}{shown}").chars().take(200).collect()
}

#[cfg(test)]
mod tests;

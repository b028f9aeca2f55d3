//! The kinds of senders: what each is called, how it proves itself, and who reads what it sends.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::proof::Way;
use super::{Event, Head, Rejection, Source, docker_hub, github};

/// A kind of sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// Docker Hub.
    DockerHub,
    /// GitHub: packages of GHCR, and pushes.
    GitHub,
}

/// All of them, with their names.
const NAMES: &[(Sender, &str)] = &[(Sender::DockerHub, "docker-hub"), (Sender::GitHub, "github")];

/// A text that is no kind of sender.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no kind of sender: expected one of {}", Sender::names().join(", "))]
pub struct UnknownSender {
    text: String,
}

impl Sender {
    /// Its name in the configuration: `docker-hub`.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(sender, _)| *sender == self).map_or("", |(_, name)| name)
    }

    /// The names of all kinds.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        NAMES.iter().map(|(_, name)| *name).collect()
    }

    /// How it is proved that it was this sender, for people.
    #[must_use]
    pub fn proof(self) -> &'static str {
        match self {
            Self::DockerHub => docker_hub::PROOF,
            Self::GitHub => github::PROOF,
        }
    }

    /// Whether its secret stands at the end of the URL.
    #[must_use]
    pub fn shows_secret(self) -> bool {
        self.way().is_in_url()
    }

    pub(super) fn way(self) -> Way {
        match self {
            Self::DockerHub => docker_hub::WAY,
            Self::GitHub => github::WAY,
        }
    }

    pub(super) fn event(
        self,
        source: &Source,
        head: &Head<'_>,
        body: &[u8],
        _now: Timestamp,
    ) -> Result<Event, Rejection> {
        match self {
            Self::DockerHub => docker_hub::event(source, head, body),
            Self::GitHub => github::event(source, head, body),
        }
    }
}

impl FromStr for Sender {
    type Err = UnknownSender;
    fn from_str(text: &str) -> Result<Self, UnknownSender> {
        let found = NAMES.iter().find(|(_, name)| *name == text);
        found.map(|(sender, _)| *sender).ok_or_else(|| UnknownSender { text: text.chars().take(80).collect() })
    }
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A body of JSON, read into the few fields that are of interest.
pub(super) fn json<T: DeserializeOwned>(head: &Head<'_>, body: &[u8]) -> Result<T, Rejection> {
    if let Some(content_type) = head.get("content-type") {
        let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if media_type != "application/json" && !media_type.ends_with("+json") {
            return Err(Rejection::ContentType(media_type.chars().take(80).collect()));
        }
    }
    parsed(body)
}

/// The same without a look at the content type.
pub(super) fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, Rejection> {
    serde_json::from_slice(body).map_err(|error| {
        Rejection::Malformed(format!("the body is not what this sender sends: {}", crate::plain::chain(&error)))
    })
}

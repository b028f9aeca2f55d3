//! What went wrong with a registry, said so that a person can mend it. Knows no request and keeps no secret.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use crate::image::Repository;
use crate::plain;
use crate::secret::Secret;

/// How much of the words of a registry, or of a helper, an error repeats, in characters.
pub(super) const QUOTE_LIMIT: usize = 300;

/// A question that a registry did not answer, or answered so that the answer cannot be trusted.
///
/// The text names the repository, the request, the status, the registry's own words and the repair.
/// It holds no password, no token and no query of a URL (redirects carry signatures there).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{kind}", Prefix(repository.as_ref()))]
pub struct Error {
    repository: Option<Repository>,
    kind: Box<Kind>,
}

/// The failure itself, before anybody said for which repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Kind {
    /// The client could not be made.
    #[error("cannot set up the registry client: {0}")]
    Setup(String),
    /// A credential is configured, but cannot be read.
    #[error("{0}")]
    Credential(String),
    /// The mirror that is set cannot be asked for this.
    #[error("{0}")]
    Mirror(String),
    /// No connection, or one that broke.
    #[error("{request}: {cause}; check the host name, the network and the proxy settings")]
    Unreachable { request: String, cause: String },
    /// The other side did not prove who it is. Nothing was sent. The cause says how to mend it.
    #[error("{request}: {cause}")]
    Untrusted { request: String, cause: String },
    /// The answer did not come, or not to its end.
    #[error("{request}: no complete answer within {after:?}; the registry is asked again in the next pass")]
    TimedOut { request: String, after: Duration },
    /// What was known is not there any more.
    #[error("what was known of the tags was lost, and they are asked for again in the next pass")]
    Lost,
    /// The answer came so slowly that it would never have ended.
    #[error(
        "{request}: less than {} bytes of the answer came within {after:?}; the registry is asked again in the next pass",
        super::body::PROGRESS
    )]
    Stalled { request: String, after: Duration },
    /// A status that is no answer.
    #[error("{request}: the registry answered {status}{}; {mend}", Said(said.as_deref()))]
    Refused { request: String, status: u16, said: Option<String>, mend: String, retry_after: Option<Duration> },
    /// A good status with a body or header that cannot be trusted.
    #[error("{request}: {problem}")]
    Unusable { request: String, problem: String },
    /// The host said earlier that it wants no requests for a while.
    #[error(
        "{host} asked to be left alone and gets no request for {} s more; poll less often, or log in for a higher limit",
        retry_after.as_secs()
    )]
    LeftAlone { host: String, retry_after: Duration },
    /// What the host grants is nearly spent.
    #[error(
        "{host} grants {}, and {left} of them are left; some are kept for others and the rest is spread, so the next \
         one goes in {} s; poll less often, or log in for a higher limit",
        Grant { limit: *limit, window: *window, manifests: *manifests }, retry_after.as_secs()
    )]
    Spent {
        host: String,
        manifests: bool,
        limit: Option<u64>,
        window: Option<Duration>,
        left: u64,
        retry_after: Duration,
    },
    /// The host failed too often.
    #[error("{host} failed {failures} times in a row and is tried again in {} s; the last time: {cause}", rest.as_secs())]
    Down { host: String, failures: u32, cause: String, rest: Duration },
}

impl Error {
    pub(super) fn new(repository: &Repository, kind: Kind) -> Self {
        Self { repository: Some(repository.clone()), kind: Box::new(kind) }
    }

    pub(super) fn setup(kind: Kind) -> Self {
        Self { repository: None, kind: Box::new(kind) }
    }

    /// The repository that was asked for; `None` when the client could not even be made.
    #[must_use]
    pub fn repository(&self) -> Option<&Repository> {
        self.repository.as_ref()
    }

    /// Whether the same question may well be answered later, with nothing mended here: the network,
    /// a deadline, `408`, `429` and the `5xx`.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        self.kind.is_temporary()
    }

    /// How long the registry asked to be left alone, or is left alone because it is dead, counted from
    /// when the error was made.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match &*self.kind {
            Kind::Refused { retry_after, .. } => *retry_after,
            Kind::LeftAlone { retry_after, .. } | Kind::Spent { retry_after, .. } => Some(*retry_after),
            Kind::Down { rest, .. } => Some(*rest),
            _ => None,
        }
    }
}

impl Kind {
    /// As [`Error::is_temporary`] has it.
    pub(super) fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::Stalled { .. }
            | Self::LeftAlone { .. }
            | Self::Spent { .. }
            | Self::Down { .. }
            | Self::Lost => true,
            Self::Refused { status, .. } => is_temporary_status(*status),
            Self::Setup(_) | Self::Credential(_) | Self::Mirror(_) | Self::Untrusted { .. } | Self::Unusable { .. } => {
                false
            }
        }
    }

    /// What happened to a request that got no answer, without what was asked.
    pub(super) fn cause(&self) -> String {
        match self {
            Self::Unreachable { cause, .. } => cause.clone(),
            Self::TimedOut { after, .. } | Self::Stalled { after, .. } => {
                format!("no complete answer within {after:?}")
            }
            other => other.to_string(),
        }
    }
}

/// The statuses that pass by themselves. `501` and `505` do not.
pub(super) fn is_temporary_status(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504 | 507 | 509 | 520..=599)
}

/// The registry's own words in the body of a refusal: `errors[].code` and `message` as the
/// distribution specification has it, or the spellings that token servers use. Without what it was `shown`, should it
/// have repeated that.
pub(super) fn said(body: &[u8], shown: &[Secret]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let words = |value: &Value| {
        let code = value.get("code").and_then(Value::as_str);
        let message = value.get("message").and_then(Value::as_str).filter(|message| !message.is_empty());
        match (code, message) {
            (Some(code), Some(message)) => Some(format!("{code}: {message}")),
            (one, other) => one.or(other).map(str::to_owned),
        }
    };
    let text = match body.get("errors") {
        Some(Value::Array(errors)) => errors.iter().filter_map(words).collect::<Vec<_>>().join("; "),
        _ => ["details", "error_description", "message", "error"]
            .iter()
            .find_map(|key| body.get(key).and_then(Value::as_str))?
            .to_owned(),
    };
    // Half of a secret, at the cut, would not be found.
    let text = shown.iter().fold(text, |text, secret| secret.hide_in(&text));
    let text = plain::line(&text, QUOTE_LIMIT);
    (!text.is_empty()).then_some(text)
}

/// The repository before the failure, where there is one.
struct Prefix<'a>(Option<&'a Repository>);

impl fmt::Display for Prefix<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |repository| write!(f, "{repository}: "))
    }
}

/// The registry's words in brackets, where it said any.
struct Said<'a>(Option<&'a str>);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |said| write!(f, " ({said})"))
    }
}

/// `100 manifests in 6 h`, as far as it is known.
struct Grant {
    limit: Option<u64>,
    window: Option<Duration>,
    manifests: bool,
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.limit {
            Some(limit) => write!(f, "{limit} ")?,
            None => write!(f, "a number of ")?,
        }
        f.write_str(if self.manifests { "manifests" } else { "requests" })?;
        match self.window.map(|window| window.as_secs()) {
            Some(seconds) if seconds >= 3600 && seconds % 3600 == 0 => write!(f, " in {} h", seconds / 3600),
            Some(seconds) => write!(f, " in {seconds} s"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Error, Kind, said};
    use crate::image::Repository;
    use crate::secret::Secret;

    #[track_caller]
    fn check(body: &str, expected: Option<&str>) {
        assert_eq!(said(body.as_bytes(), &[]).as_deref(), expected);
    }

    #[test]
    fn what_a_registry_repeats_of_a_secret_is_not_said() {
        let password = Secret::new("hunter2-and-so-on");
        let words = format!("{}Basic {}", "x".repeat(285), &Secret::basic("bob", &password).expose()["Basic ".len()..]);
        let body =
            serde_json::json!({"errors": [{"code": "DENIED", "message": "bob:hunter2-and-so-on"}, {"message": words}]});
        let said = said(body.to_string().as_bytes(), &[Secret::basic("bob", &password)]).unwrap();
        assert!(said.starts_with("DENIED: bob:…; xxx") && !said.contains("Ym9i"), "{said}");
    }

    #[test]
    fn the_registrys_own_words() {
        check(
            r#"{"errors":[{"code":"NAME_UNKNOWN","message":"not known to registry"}]}"#,
            Some("NAME_UNKNOWN: not known to registry"),
        );
        check(r#"{"errors":[{"code":"DENIED"},{"message":"no\nway"}]}"#, Some("DENIED; no way"));
        check(r#"{"errors":[{"code":"DENIED","message":""}]}"#, Some("DENIED"));
        check(r#"{"details":"incorrect username or password"}"#, Some("incorrect username or password"));
        check(r#"{"error":"invalid_grant"}"#, Some("invalid_grant"));
        check(r#"{"errors":[]}"#, None);
        check("<html>", None);
        check(r#"{"message":"\u001b[31mred\u0007"}"#, Some("[31mred"));
        check(&format!(r#"{{"message":"{}"}}"#, "x".repeat(1000)), Some(&format!("{}…", "x".repeat(300))));
    }

    #[test]
    fn what_passes_by_itself() {
        let repository = Repository::parse("ghcr.io/org/app").unwrap();
        let refused = |status, retry_after| {
            let (request, mend) = ("GET https://ghcr.io/v2/org/app/tags/list".into(), "wait".into());
            Error::new(&repository, Kind::Refused { request, status, said: Some("SLOW".into()), mend, retry_after })
        };
        for (status, temporary) in [(401, false), (404, false), (408, true), (429, true), (500, true), (501, false)] {
            assert_eq!(refused(status, None).is_temporary(), temporary, "{status}");
        }
        let error = refused(429, Some(Duration::from_secs(90)));
        assert_eq!(error.retry_after(), Some(Duration::from_secs(90)));
        assert_eq!(error.repository(), Some(&repository));
        assert_eq!(
            error.to_string(),
            "ghcr.io/org/app: GET https://ghcr.io/v2/org/app/tags/list: the registry answered 429 (SLOW); wait"
        );
    }
}

//! A request to a registry as it stands in a trace: whom it goes to, what kind of request it is, how it was answered.
//!
//! What may lead somebody in stays out: no query, no header, no body, and of a host that we were sent on to no path
//! either, since some sign that.

use reqwest::StatusCode;
use tracing::Span;
use tracing::field::Empty;
use url::Url;

use super::error::Kind;
use super::transport::{Ask, Method, host_and_port};
use crate::span::{self, span};

/// The span of one step of a request; `sent_before` were sent for the same.
pub(super) fn request(ask: &Ask, url: &Url, sent_before: u32) -> Span {
    let is_foreign = url.origin() != ask.url.origin();
    let span = span!(
        "registry request",
        otel.name = format!("{} {}", ask.method.name(), kind(&ask.method, url)),
        otel.kind = "client",
        http.request.method = ask.method.name().as_str(),
        server.address = url.host_str(),
        server.port = url.port_or_known_default().map(span::number),
        url.full = Empty,
        landwaiter.registry.request = kind(&ask.method, url),
        http.request.resend_count = (sent_before > 0).then(|| span::number(sent_before)),
        http.response.status_code = Empty,
        http.response.body.size = Empty,
    );
    if !is_foreign && !span.is_disabled() {
        span.record("url.full", format!("{}://{}{}", url.scheme(), host_and_port(url), url.path()));
    }
    span
}

/// How it was answered: a status and a body of so many bytes, or not at all.
pub(super) fn answered(span: &Span, ask: &Ask, answer: Result<(StatusCode, usize), &Kind>) {
    match answer {
        Ok((status, size)) => {
            span.record("http.response.status_code", span::number(status.as_u16()));
            span.record("http.response.body.size", span::number(size));
            // Being told how to log in is no failure.
            let is_challenge = status == StatusCode::UNAUTHORIZED && ask.authorization.is_none();
            if (status.is_client_error() && !is_challenge) || status.is_server_error() {
                span::failed(span, status.as_str(), &status);
            }
        }
        Err(kind) => span::failed(span, word(kind), kind),
    }
}

/// What is asked for, in a word that is one of few.
fn kind(method: &Method, url: &Url) -> &'static str {
    let path = url.path();
    if matches!(method, Method::Post(_)) {
        return "token";
    }
    match path {
        _ if path.ends_with("/tags/list") => "tags",
        _ if path.contains("/manifests/") => "manifest",
        _ if path.contains("/blobs/") => "blob",
        _ if path.trim_end_matches('/') == "/v2" => "ping",
        _ if path.contains("token") || path.ends_with("/auth") => "token",
        _ => "other",
    }
}

fn word(kind: &Kind) -> &'static str {
    match kind {
        Kind::Unreachable { .. } => "connection",
        Kind::Untrusted { .. } => "certificate",
        Kind::TimedOut { .. } | Kind::Stalled { .. } => "timeout",
        _ => "failed",
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::{Method, kind};
    use crate::secret::Secret;

    #[track_caller]
    fn check(method: &Method, url: &str, expected: &str) {
        assert_eq!(kind(method, &Url::parse(url).unwrap()), expected, "{url}");
    }

    #[test]
    fn a_request_is_one_of_a_few_kinds() {
        for (url, expected) in [
            ("https://ghcr.io/v2/", "ping"),
            ("https://ghcr.io/v2/org/app/tags/list?n=1000", "tags"),
            ("https://ghcr.io/v2/org/app/manifests/1.0.0", "manifest"),
            ("https://ghcr.io/v2/org/app/blobs/sha256:00", "blob"),
            ("https://ghcr.io/token?scope=repository:org/app:pull", "token"),
            ("https://auth.docker.io/token", "token"),
            ("https://gitlab.example/jwt/auth?service=registry", "token"),
            ("https://hub.docker.com/v2/namespaces/library/repositories/nginx/tags", "other"),
        ] {
            check(&Method::Get, url, expected);
        }
        check(&Method::Post(Secret::new("grant_type=password")), "https://registry.example/oauth2", "token");
    }
}

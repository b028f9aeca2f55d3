//! A request to a Git server, or to the API beside it, as it stands in a trace: never with its query, a header or a
//! body.

use reqwest::blocking::Response;
use tracing::field::Empty;
use url::{Position, Url};

use crate::span::{self, span};

/// Sends a request and notes how that went. `scrub` takes out of its address what nobody is to see.
pub(super) fn sent(
    method: &str,
    url: &Url,
    scrub: impl Fn(&str) -> String,
    ask: impl FnOnce() -> reqwest::Result<Response>,
) -> reqwest::Result<Response> {
    let span = span!(
        "git request",
        otel.name = method,
        otel.kind = "client",
        http.request.method = method,
        url.full = scrub(&format!("{}://{}", url.scheme(), &url[Position::BeforeHost..Position::AfterPath])),
        server.address = url.host_str(),
        server.port = url.port_or_known_default().map(span::number),
        http.response.status_code = Empty,
    );
    let sent = span.in_scope(ask);
    match &sent {
        Ok(response) => {
            let status = response.status();
            span.record("http.response.status_code", span::number(status.as_u16()));
            if status.is_client_error() || status.is_server_error() {
                span::failed(&span, status.as_str(), &status);
            }
        }
        // The words for it are those of the conversation, in the span around this one.
        Err(error) => span::failed(&span, if error.is_timeout() { "timeout" } else { "connection" }, &"no answer"),
    }
    sent
}

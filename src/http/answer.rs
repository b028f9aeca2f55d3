//! What every answer has in common: JSON for people, headers that allow nothing, and a deadline.

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::Limits;

/// What keeps answers from being kept, framed, guessed at or run.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
];

/// The routes, with what all of them share: deadlines and limits, safe headers, and words for what is not there.
pub fn dressed(routes: Router, limits: Limits) -> Router {
    routes
        .fallback(|| async { refusal(StatusCode::NOT_FOUND, "there is nothing here") })
        .method_not_allowed_fallback(|| async {
            refusal(StatusCode::METHOD_NOT_ALLOWED, "this is not asked for in this way; see the header Allow")
        })
        .layer(DefaultBodyLimit::max(limits.body))
        .layer(from_fn(move |request: Request, next: Next| in_time(limits.request, request, next)))
}

async fn in_time(limit: Duration, request: Request, next: Next) -> Response {
    let answer = tokio::time::timeout(limit, next.run(request)).await;
    let mut answer =
        answer.unwrap_or_else(|_| refusal(StatusCode::REQUEST_TIMEOUT, "the request took too long, and was given up"));
    let headers = answer.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    answer
}

/// An answer that says why there is no other.
#[must_use]
pub fn refusal(status: StatusCode, why: &str) -> Response {
    (status, axum::Json(json!({"error": why}))).into_response()
}

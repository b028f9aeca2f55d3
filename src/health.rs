//! Whether the daemon does its work, for whoever restarts it and for whoever sends to it.
//!
//! Floor 7. `/livez` is red when a restart would help: a pass hangs beyond every deadline. `/readyz` is red while
//! nothing works: before the first pass has ended, and when no config repository had a good pass for too long. One
//! that is dead among others keeps nobody from the others; metrics and alerts are for that.

mod systemd;

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use jiff::Timestamp;
use serde::Serialize;

use crate::daemon::{Board, Standing};

pub use systemd::tell_systemd;

/// `GET /livez` and `GET /readyz`.
pub fn routes(board: Board) -> Router {
    let ready = board.clone();
    Router::new()
        .route("/livez", get(move || async move { live(&board.standings(), Timestamp::now()) }))
        .route("/readyz", get(move || async move { is_ready(&ready.standings(), Timestamp::now()) }))
}

/// The answer to both.
#[derive(Debug, Serialize)]
struct Health {
    /// `ok`, or in one sentence what is wrong.
    status: String,
    repositories: Vec<RepositoryHealth>,
}

#[derive(Debug, Serialize)]
struct RepositoryHealth {
    name: String,
    /// `good`, `waiting` for its first pass, `failing` or `stuck`.
    state: &'static str,
    last_good: Option<Timestamp>,
    running_since: Option<Timestamp>,
}

fn live(standings: &[Arc<Standing>], now: Timestamp) -> Response {
    answer(standings, stuck(standings, now), now)
}

/// Whose passes hang beyond every deadline, in words; `None` when none does.
fn stuck(standings: &[Arc<Standing>], now: Timestamp) -> Option<String> {
    let stuck: Vec<_> = standings.iter().filter(|standing| standing.is_stuck(now)).map(|one| one.name()).collect();
    (!stuck.is_empty()).then(|| format!("a pass does not come to an end: {}", stuck.join(", ")))
}

fn is_ready(standings: &[Arc<Standing>], now: Timestamp) -> Response {
    let waiting =
        standings.iter().filter(|standing| standing.last_good().is_none() && standing.failing_since().is_none());
    let problem = if standings.is_empty() {
        Some("the config repositories are not open yet".to_owned())
    } else if waiting.count() > 0 {
        Some("the first pass has not ended yet".to_owned())
    } else if !standings.iter().any(|standing| standing.is_good(now)) {
        Some("no pass has come to a good end for too long; the log says why".to_owned())
    } else {
        None
    };
    answer(standings, problem, now)
}

fn answer(standings: &[Arc<Standing>], problem: Option<String>, now: Timestamp) -> Response {
    let status = if problem.is_some() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let repositories = standings.iter().map(|standing| RepositoryHealth {
        name: standing.name().to_owned(),
        state: match () {
            () if standing.is_stuck(now) => "stuck",
            () if standing.failing_since().is_some() => "failing",
            () if standing.is_good(now) => "good",
            () if standing.last_good().is_none() => "waiting",
            () => "failing",
        },
        last_good: standing.last_good(),
        running_since: standing.running_since(),
    });
    let health = Health { status: problem.unwrap_or_else(|| "ok".to_owned()), repositories: repositories.collect() };
    (status, Json(health)).into_response()
}

#[cfg(test)]
mod tests;

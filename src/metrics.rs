//! What can be measured of the daemon, for Prometheus and whoever reads its text.
//!
//! Floor 7. Reads the daemon's [`Board`] and the counts of the webhooks at the moment of each scrape, and keeps
//! nothing. No label is made of what strangers or image tags say: there are as many series as there are config
//! repositories, registries and kinds of results.

mod family;
mod process;
mod read;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use jiff::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, text};
use prometheus_client::registry::Registry;

use crate::daemon::Board;
use crate::http::Hooks;

pub use family::{FAMILIES, Family, Kind};

/// What the text is, to whoever asks.
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Where the numbers come from.
#[derive(Debug)]
struct Source {
    board: Board,
    hooks: Option<Hooks>,
    started: Timestamp,
}

/// `GET /metrics`: everything that is known of what is posted on the board, and of the webhooks where there are any.
pub fn routes(board: Board, hooks: Option<Hooks>) -> Router {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Source { board, hooks, started: Timestamp::now() }));
    Router::new().route("/metrics", get(scrape)).with_state(Arc::new(registry))
}

async fn scrape(State(registry): State<Arc<Registry>>) -> Response {
    let mut page = String::new();
    match text::encode(&mut page, &registry) {
        Ok(()) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], page).into_response(),
        // Nothing can fail that writes into memory; were it so, half a page would be worse than none.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

impl Collector for Source {
    fn encode(&self, encoder: DescriptorEncoder) -> std::fmt::Result {
        read::all(self, &mut family::Page(encoder), Timestamp::now())
    }
}

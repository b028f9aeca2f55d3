//! Who may ask and tell us something by HTTP: the server, and what every answer has in common.
//!
//! Floor 4, beside [`reconcile`](crate::reconcile) and blind to it: what comes in by webhook goes into an [`Inbox`], which the
//! daemon empties. Other routes are put beside those of the [hooks](Hooks) with [`dressed`] around all of them.
//!
//! Strangers reach this port. A connection has a place, or waits in the system's own line; a head, a body and an
//! answer have deadlines; nothing is kept of a body beyond its limit, and nothing is read of one that could not be
//! proved.

mod answer;
mod hooks;
mod inbox;
mod keys;
mod secrets;

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

pub use answer::{dressed, refusal};
pub use hooks::{Count, Hooks, Problem, faults};
pub use inbox::{Full, Inbox, News, Put, Watched};
pub use keys::Fetch;
pub use secrets::SecretPlace;

/// How long to wait when the system has no more file descriptors, or the like.
const BREATH: Duration = Duration::from_millis(100);

/// The most headers of a request.
const HEADERS: usize = 64;

/// The most bytes of a head.
const HEAD: usize = 32 * 1024;

/// What strangers may take of us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many connections there are at a time; others wait.
    pub connections: usize,
    /// How long a connection may be idle, how long it may take for a head, and how long for the body of a webhook.
    pub read: Duration,
    /// How long a request may take, with its body and its answer.
    pub request: Duration,
    /// How long a connection is used. One that has begun a request then ends it.
    pub connection: Duration,
    /// The longest body, in bytes.
    pub body: usize,
    /// All bodies together that are being read, in bytes.
    pub bodies: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            read: Duration::from_secs(10),
            request: Duration::from_secs(30),
            connection: Duration::from_mins(5),
            body: 1024 * 1024,
            bodies: 32 * 1024 * 1024,
        }
    }
}

/// Opens the port, so that one in use is known at the start.
///
/// # Errors
/// What the system says, with the address.
pub async fn bind(address: &str) -> io::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let mend = match error.kind() {
            io::ErrorKind::AddrInUse => "; another program listens there: stop it, or choose another port",
            io::ErrorKind::PermissionDenied => "; ports below 1024 are not for everybody: choose a higher one",
            _ => "",
        };
        io::Error::new(error.kind(), format!("cannot listen on {address}: {error}{mend}"))
    })
}

/// Answers requests until `stop` ends; requests that are being answered then are answered to the end, within
/// their own deadline.
pub async fn serve(listener: TcpListener, routes: Router, limits: Limits, stop: impl Future<Output = ()>) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let stopping = watch::Sender::new(false);
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = async {
            // The semaphore is never closed.
            let place = Arc::clone(&places).acquire_owned().await.ok();
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => break (place, stream),
                    Err(error) => {
                        tracing::debug!(%error, "a connection could not be accepted");
                        tokio::time::sleep(BREATH).await;
                    }
                }
            }
        };
        let (place, stream) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut stop => break,
        };
        let (routes, stopping) = (routes.clone(), stopping.subscribe());
        connections.spawn(async move {
            converse(stream, routes, limits, stopping).await;
            drop(place);
        });
    }
    drop(listener);
    stopping.send_replace(true);
    while connections.join_next().await.is_some() {}
}

/// One connection, request by request.
async fn converse(stream: TcpStream, routes: Router, limits: Limits, mut stopping: watch::Receiver<bool>) {
    // Answers are short; nothing is gained by waiting for more of them.
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(routes);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.read)
        .max_headers(HEADERS)
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let enough = async {
        let stop = stopping.wait_for(|stopping| *stopping);
        let _ = tokio::time::timeout(limits.connection, stop).await;
    };
    tokio::select! {
        ended = &mut connection => return tell(ended),
        () = enough => {}
    }
    connection.as_mut().graceful_shutdown();
    if let Ok(ended) = tokio::time::timeout(limits.request, connection).await {
        tell(ended);
    }
}

/// How a connection ended is news to nobody but who looks for it.
fn tell(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(error = crate::plain::chain(&error), "a connection ended early");
    }
}

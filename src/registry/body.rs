//! The body of an answer, as far as it is wanted and as long as it comes. Knows no URL and no status.

use std::time::Duration;

use reqwest::Response;
use tokio::time::Instant;

/// What has to come within the time that a body may take to think, in bytes.
pub(super) const PROGRESS: usize = 1024;

/// Memory that is taken on the word of a header, before anything came, in bytes.
const ON_TRUST: usize = 1 << 20;

/// Why a body is not whole.
#[derive(Debug)]
pub(super) enum Broken {
    /// The line broke.
    Line(reqwest::Error),
    /// It comes, but so slowly that it never ends.
    Stalled,
    TooLarge,
}

/// The whole body. In every `stall`, at least [`PROGRESS`] bytes of it have to come.
pub(super) async fn read(mut response: Response, limit: usize, stall: Duration) -> Result<Vec<u8>, Broken> {
    let announced = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or_default();
    if announced > limit {
        return Err(Broken::TooLarge);
    }
    let mut body = Vec::with_capacity(announced.min(ON_TRUST));
    let (mut due, mut behind) = (Instant::now() + stall, 0);
    loop {
        let chunk = tokio::time::timeout_at(due, response.chunk()).await.map_err(|_| Broken::Stalled)?;
        let Some(chunk) = chunk.map_err(Broken::Line)? else { return Ok(body) };
        if body.len() + chunk.len() > limit {
            return Err(Broken::TooLarge);
        }
        body.extend_from_slice(&chunk);
        if body.len() - behind >= PROGRESS {
            (due, behind) = (Instant::now() + stall, body.len());
        }
    }
}

/// The first bytes of a body, as far as they come within `stall`.
pub(super) async fn read_start(mut response: Response, limit: usize, stall: Duration) -> Vec<u8> {
    let due = Instant::now() + stall;
    let mut body = Vec::new();
    while body.len() < limit
        && let Ok(Ok(Some(chunk))) = tokio::time::timeout_at(due, response.chunk()).await
    {
        body.extend_from_slice(&chunk[..chunk.len().min(limit - body.len())]);
    }
    body
}

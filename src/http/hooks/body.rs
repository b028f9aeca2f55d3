//! Reading bodies: each within its limit, and all together within theirs.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::StreamExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::super::Limits;

/// The room for bodies that are being read.
#[derive(Debug)]
pub(super) struct Bodies {
    most: usize,
    time: Duration,
    room: Arc<Semaphore>,
}

/// A body that takes up room while it is there.
pub(super) struct Read {
    bytes: Vec<u8>,
    /// Given back with the body.
    room: Option<OwnedSemaphorePermit>,
}

impl std::ops::Deref for Read {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Why a body was not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unread {
    #[error("the body is longer than {0} bytes")]
    TooLarge(usize),
    #[error("too many bodies are being read at the moment")]
    Busy,
    #[error("the body took too long")]
    Slow,
    #[error("the body ended early")]
    Interrupted,
}

impl Bodies {
    pub(super) fn new(limits: Limits) -> Self {
        Self { most: limits.body, time: limits.read, room: Arc::new(Semaphore::new(limits.bodies)) }
    }

    /// Reads a body. It takes room as it comes in, not as it is announced.
    pub(super) async fn read(&self, headers: &HeaderMap, body: Body) -> Result<Read, Unread> {
        let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        if length.is_some_and(|length| length > self.most) {
            return Err(Unread::TooLarge(self.most));
        }
        let whole = self.whole(body);
        tokio::time::timeout(self.time, whole).await.unwrap_or(Err(Unread::Slow))
    }

    async fn whole(&self, body: Body) -> Result<Read, Unread> {
        let mut read = Read { bytes: Vec::new(), room: None };
        let mut parts = body.into_data_stream();
        while let Some(part) = parts.next().await {
            let part = part.map_err(|_| Unread::Interrupted)?;
            if part.len() > self.most - read.bytes.len() {
                return Err(Unread::TooLarge(self.most));
            }
            let room = u32::try_from(part.len()).map_err(|_| Unread::Busy)?;
            let room = Arc::clone(&self.room).try_acquire_many_owned(room).map_err(|_| Unread::Busy)?;
            match &mut read.room {
                Some(all) => all.merge(room),
                none => *none = Some(room),
            }
            read.bytes.extend_from_slice(&part);
        }
        Ok(read)
    }
}

impl Unread {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Busy => StatusCode::TOO_MANY_REQUESTS,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::Interrupted => StatusCode::BAD_REQUEST,
        }
    }

    /// A short word for counting.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::TooLarge(_) => "too-large",
            Self::Busy => "busy",
            Self::Slow => "slow",
            Self::Interrupted => "interrupted",
        }
    }
}

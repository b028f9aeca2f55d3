//! Work that blocks, on a thread of its own. What it tells the log is told under the span of whoever waits for it.
//! Must not know what is done.

use tokio::task::{self, JoinHandle};
use tracing::Span;

/// As tokio's, and a line that is logged within bears the number of the pass that it is done for.
pub(crate) fn spawn_blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    let span = Span::current();
    task::spawn_blocking(move || span.in_scope(work))
}

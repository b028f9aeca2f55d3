//! The wish to stop: asked once, seen by everybody who waits.

use tokio::sync::watch;

/// A wish to stop that can be cloned to wherever it must be heard.
#[derive(Debug, Clone)]
pub struct Stop(watch::Sender<bool>);

impl Default for Stop {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Stop {
    /// Asks everybody to stop.
    pub fn request(&self) {
        self.0.send_replace(true);
    }

    /// Ends when somebody has asked to stop.
    pub async fn requested(&self) {
        let mut asked = self.0.subscribe();
        // The sender lives in `self`, so the wait cannot fail before the wish comes.
        let _ = asked.wait_for(|asked| *asked).await;
    }

    /// Turns the first SIGTERM or SIGINT (Ctrl-C) into the wish to stop; ends at the second, when
    /// the process should go at once.
    ///
    /// # Errors
    /// When the signals cannot be listened to.
    pub async fn on_signals(&self) -> std::io::Result<()> {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        for first in [true, false] {
            tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
            if first {
                tracing::info!("stopping: a commit that is being pushed is finished; signal again to stop at once");
                self.request();
            }
        }
        Ok(())
    }
}

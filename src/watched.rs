//! What is read out of files that may change at any time. Knows when to read them again, and not what is in
//! them.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// What some files hold, as they were when they last changed.
pub(crate) struct Watched<T> {
    files: Vec<PathBuf>,
    read: Box<dyn Fn() -> Result<T, String> + Send + Sync>,
    last: Mutex<Last<T>>,
}

/// The last good content, and what is wrong since, as it was told.
struct Last<T> {
    stamps: Vec<Stamp>,
    content: Arc<T>,
    problem: Option<String>,
}

/// What tells one version of a file from the next.
pub(crate) type Stamp = Option<(SystemTime, u64)>;

impl<T> Watched<T> {
    /// Reads the files for the first time.
    ///
    /// # Errors
    /// What `read` fails with.
    pub(crate) fn open(
        files: Vec<PathBuf>,
        read: impl Fn() -> Result<T, String> + Send + Sync + 'static,
    ) -> Result<Self, String> {
        // The stamps first: a change in between is then seen the next time.
        let stamps = stamps(&files);
        let last = Mutex::new(Last { stamps, content: Arc::new(read()?), problem: None });
        Ok(Self { files, read: Box::new(read), last })
    }

    /// The content now. While the files cannot be read (they are being renewed, or somebody made a mistake),
    /// the last good content holds, with one warning.
    pub(crate) fn now(&self) -> Arc<T> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let stamps = stamps(&self.files);
        if stamps != last.stamps || stamps.contains(&None) {
            match (self.read)() {
                Ok(content) => *last = Last { stamps, content: Arc::new(content), problem: None },
                Err(problem) if last.problem.as_ref() == Some(&problem) => {}
                Err(problem) => {
                    tracing::warn!("{problem}; the last good content is still in use");
                    last.problem = Some(problem);
                }
            }
        }
        Arc::clone(&last.content)
    }

    /// The files, in the order in which they were given.
    pub(crate) fn files(&self) -> &[PathBuf] {
        &self.files
    }
}

impl<T> std::fmt::Debug for Watched<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watched").field("files", &self.files).finish_non_exhaustive()
    }
}

/// What tells the files as they are now from any other version of them; `None` for one that cannot be seen.
pub(crate) fn stamps(files: &[PathBuf]) -> Vec<Stamp> {
    let stamp = |path: &PathBuf| {
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    files.iter().map(stamp).collect()
}

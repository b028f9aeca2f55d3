//! Where the log goes: standard error, as text for people or JSON for machines.

use std::io::{IsTerminal as _, stderr};

use tracing_subscriber::EnvFilter;

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people; in colour on a terminal.
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging, once per process. `level` is a level (`info`) or a list of
/// `module=level` as `tracing_subscriber::EnvFilter` reads it.
///
/// # Errors
/// When `level` cannot be read, or logging was started before.
pub fn start(format: Format, level: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    // A bare level is for us; what libraries have to say matters only when they are in trouble.
    let filter = if level.contains(['=', ',']) { level.to_owned() } else { format!("warn,landwaiter={level}") };
    let log = tracing_subscriber::fmt().with_env_filter(EnvFilter::try_new(filter)?).with_writer(stderr);
    match format {
        Format::Text => log.with_ansi(stderr().is_terminal()).with_target(false).try_init(),
        Format::Json => log.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init(),
    }
}

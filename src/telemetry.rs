//! Where the log goes: standard error, as text for people or JSON for machines; and where traces go, if anywhere.
//!
//! The log never shows the spans of traces, and traces have none of the log's.

mod collector;
mod traces;

use std::io::{IsTerminal as _, stderr};
use std::time::Duration;

use tracing::Subscriber;
use tracing_subscriber::filter::Directive;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, fmt};

pub use traces::Traces;
use traces::Way;

use crate::span;

/// How long the last spans may take at the end of the process.
const FAREWELL: Duration = Duration::from_secs(2);

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people; in colour on a terminal.
    Text,
    /// One JSON object a line.
    Json,
}

/// Why it could not be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The level cannot be read, or logging was started before.
    #[error(transparent)]
    Log(Box<dyn std::error::Error + Send + Sync>),
    /// Traces are wanted as they cannot be sent.
    #[error("{0}")]
    Traces(String),
}

/// What was started, and has to be ended.
#[derive(Debug)]
#[must_use]
pub struct Telemetry(Option<Way>);

/// Starts logging, once per process, and traces where they are wanted. `level` is a level (`info`) or a list of
/// `module=level` as `tracing_subscriber::EnvFilter` reads it. Traces are sent from the Tokio runtime that this is
/// called in.
///
/// # Errors
/// When `level` cannot be read, or logging was started before; and when traces cannot be sent as they are wanted.
pub fn start(format: Format, level: &str, traces: Option<Traces>) -> Result<Telemetry, Error> {
    // A bare level is for us; what libraries have to say matters only when they are in trouble.
    let filter = if level.contains(['=', ',']) { level.to_owned() } else { format!("warn,landwaiter={level}") };
    let filter = EnvFilter::try_new(filter).map_err(|error| Error::Log(error.into()))?;
    let silent = format!("{}=off", span::TARGET).parse::<Directive>();
    let filter = filter.add_directive(silent.map_err(|error| Error::Log(error.into()))?);
    let Some(traces) = traces else {
        let log = tracing_subscriber::registry().with(filter).with(log(format));
        log.try_init().map_err(|error| Error::Log(error.into()))?;
        return Ok(Telemetry(None));
    };
    let way = traces.start().map_err(Error::Traces)?;
    let log = tracing_subscriber::registry().with(log(format).with_filter(filter)).with(way.layer());
    log.try_init().map_err(|error| Error::Log(error.into()))?;
    // Now there is a log for what is to be said of this.
    way.connect().map_err(Error::Traces)?;
    Ok(Telemetry(Some(way)))
}

fn log<S>(format: Format) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let log = fmt::layer().with_writer(stderr);
    match format {
        Format::Text => log.with_ansi(stderr().is_terminal()).with_target(false).boxed(),
        Format::Json => log.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed(),
    }
}

impl Telemetry {
    /// Sends the spans that are left, in two seconds at most.
    pub async fn end(self) {
        if let Some(way) = self.0 {
            let flushed = tokio::task::spawn_blocking(move || way.end(FAREWELL));
            let _ = tokio::time::timeout(FAREWELL, flushed).await;
        }
    }
}

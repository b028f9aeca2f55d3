//! What a trace is made of: spans that are there for traces alone, and how one says that it failed.
//!
//! Stands under the docks, because every dock has work to tell of. It must not know who collects the spans: that is
//! [`telemetry`](crate::telemetry). Where nobody does, making one costs a look at a flag and reads none of its fields,
//! and a line of the log never shows them.
//!
//! A span finds its parent among those that are entered, so whoever hands work to another thread takes its span along.
//! The tasks of a pass enter none of these: the one on top goes along to other threads, and has to be the one with the
//! number of the pass, which the lines that are logged there bear.

use std::fmt::Display;

use tracing::Span;

use crate::plain;

/// By what they are told from the spans and events of the log.
pub(crate) const TARGET: &str = "landwaiter::span";

/// The longest description of a failure, in characters.
const LONGEST: usize = 300;

/// A span for traces. What is not known yet of its fields is `Empty`; those of a failure are always there.
macro_rules! span {
    (parent: $parent:expr, $name:literal $(, $($fields:tt)*)?) => {
        tracing::info_span!(
            target: $crate::span::TARGET,
            parent: $parent,
            $name,
            "error.type" = tracing::field::Empty,
            otel.status_description = tracing::field::Empty,
            $($($fields)*)?
        )
    };
    ($name:literal $(, $($fields:tt)*)?) => {
        tracing::info_span!(
            target: $crate::span::TARGET,
            $name,
            "error.type" = tracing::field::Empty,
            otel.status_description = tracing::field::Empty,
            $($($fields)*)?
        )
    };
}
pub(crate) use span;

/// Notes that what a span is about ends here, for one that is entered nowhere; else it would last as long as what stands
/// under it.
pub(crate) fn ends(span: &Span) {
    span.in_scope(|| ());
}

/// A number as the attribute of a span. An unsigned one would become a text.
pub(crate) fn number(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// Notes that what a span is about has failed: by a word that is one of few, and in a person's words.
pub(crate) fn failed(span: &Span, kind: &str, words: &dyn Display) {
    if !span.is_disabled() {
        span.record("error.type", kind);
        span.record("otel.status_description", plain::line(&words.to_string(), LONGEST));
    }
}

/// Notes it where the result is a failure, and gives the result back.
pub(crate) fn told<T, E: Display>(span: &Span, result: Result<T, E>) -> Result<T, E> {
    if let Err(error) = &result {
        failed(span, "failed", error);
    }
    result
}

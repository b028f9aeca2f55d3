//! Durations as people write them: `30s`, `5m`, `1h30m`.

use std::time::Duration;

use jiff::SignedDuration;

/// Any duration, or none.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let expected = |_| "expected a duration such as 30s, 5m or 1h30m".to_owned();
    let duration: SignedDuration = text.parse().map_err(expected)?;
    Duration::try_from(duration).map_err(expected)
}

/// Between two questions.
pub(super) fn interval(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        duration if duration >= Duration::from_secs(1) => Ok(duration),
        _ => Err("an interval is at least one second: registries and forges are shared with others".to_owned()),
    }
}

/// How long is waited for something.
pub(super) fn patience(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        duration if duration >= Duration::from_millis(100) => Ok(duration),
        _ => Err("at least 100ms".to_owned()),
    }
}

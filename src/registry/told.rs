//! What the headers of an answer say about us: when we may come again, how much of what we are granted
//! is left, and what time it is over there. Pure: knows headers, and neither hosts nor our own clock.

use std::time::Duration;

use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{self, HeaderMap};

/// The longest silence and window that are believed: long enough to be heard, and a nonsense number
/// silences no host for ever.
const A_DAY: u64 = 24 * 60 * 60;

/// No sane number of seconds, and a Unix time since 2001.
const UNIX_TIME: i64 = 1_000_000_000;

/// A Unix time in milliseconds.
const UNIX_MILLIS: i64 = 1_000_000_000_000;

/// What one answer told us besides what we asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// The silence that is asked for.
    pub(super) retry_after: Option<Duration>,
    pub(super) quota: Option<Quota>,
    /// How far the clock of the other side is ahead of ours, when it gives its time.
    pub(super) skew: Option<SignedDuration>,
}

/// How many requests of the kind in whose answer this stood are granted, and how many of them are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quota {
    pub(super) limit: Option<u64>,
    pub(super) remaining: u64,
    /// The time for which the limit holds.
    pub(super) window: Option<Duration>,
    /// When the whole limit is granted anew, from now on.
    pub(super) reset: Option<Duration>,
}

/// Reads the headers of an answer that came at `now` by our own clock. Times of the other side are
/// taken against its own clock, wherever it gives that. What cannot be read is left out, for all of
/// this is advice.
pub(super) fn told(headers: &HeaderMap, now: Timestamp) -> Told {
    let theirs = date(headers);
    let at = theirs.unwrap_or(now);
    Told {
        retry_after: retry_after(headers, at),
        // Nobody grants nothing: a limit of 0 means that there is none.
        quota: quota(headers, at).filter(|quota| quota.limit != Some(0)),
        skew: theirs.map(|at| at.duration_since(now)),
    }
}

/// The time on the other side: `Date`, and for how long a cache kept the answer since.
pub(super) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let date = read_date(text(headers, header::DATE.as_str())?)?;
    let age: i64 = text(headers, header::AGE.as_str()).and_then(|age| age.parse().ok()).unwrap_or_default();
    date.checked_add(SignedDuration::from_secs(age.max(0))).ok()
}

fn read_date(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

/// What `Retry-After` asks for: seconds, a date, or (as Docker Hub has it, there under a name of its
/// own too) a Unix time.
fn retry_after(headers: &HeaderMap, at: Timestamp) -> Option<Duration> {
    let text = text(headers, header::RETRY_AFTER.as_str()).or_else(|| text(headers, "x-retry-after"))?;
    until(text, at).or_else(|| Some(seconds(read_date(text)?.as_second() - at.as_second())))
}

/// A number of seconds from now on, or a Unix time.
fn until(text: &str, at: Timestamp) -> Option<Duration> {
    let number: i64 = text.parse().ok()?;
    Some(seconds(match number {
        UNIX_MILLIS.. => number / 1000 - at.as_second(),
        UNIX_TIME.. => number - at.as_second(),
        _ => number,
    }))
}

fn seconds(number: i64) -> Duration {
    Duration::from_secs(number.max(0).unsigned_abs().min(A_DAY))
}

/// `RateLimit`, as the IETF's drafts have had it over the years, or the names before it: those of
/// Docker Hub (`RateLimit-Remaining: 76;w=21600`) and with an `X-`.
fn quota(headers: &HeaderMap, at: Timestamp) -> Option<Quota> {
    let fields = list(headers, "ratelimit");
    if fields.iter().any(|field| field.key.eq_ignore_ascii_case("remaining")) {
        let number = |name: &str| fields.iter().find(|field| field.key.eq_ignore_ascii_case(name))?.number();
        return Some(Quota {
            limit: number("limit"),
            remaining: number("remaining")?,
            window: list(headers, "ratelimit-policy").iter().find_map(|policy| policy.seconds("w")),
            reset: number("reset").map(within_a_day),
        });
    }
    let policies = list(headers, "ratelimit-policy");
    let named = fields.iter().filter_map(|field| {
        let policy = policies.iter().find(|policy| policy.key == field.key);
        Some(Quota {
            limit: policy.and_then(|policy| policy.parameter("q")?.parse().ok()),
            remaining: field.parameter("r")?.parse().ok()?,
            window: policy.and_then(|policy| policy.seconds("w")),
            reset: field.seconds("t"),
        })
    });
    // Of several limits, the one that is reached first.
    let tightest = named.min_by_key(|quota| (quota.remaining, quota.reset.map(std::cmp::Reverse)));
    tightest
        .or_else(|| ["ratelimit", "x-ratelimit", "x-rate-limit"].iter().find_map(|name| plain_quota(headers, name, at)))
}

/// `NAME-Limit`, `NAME-Remaining` and `NAME-Reset`.
fn plain_quota(headers: &HeaderMap, name: &str, at: Timestamp) -> Option<Quota> {
    let (limits, remaining) = (list(headers, &format!("{name}-limit")), list(headers, &format!("{name}-remaining")));
    let remaining = remaining.first()?;
    let limit = limits.first().and_then(Field::number);
    // `100, 100;w=60, 1000;w=3600` names the limit that counts now, and then each with its window.
    let same = |field: &&Field| field.number() == limit && field.parameter("w").is_some();
    let window = limits.iter().find(same).and_then(|field| field.seconds("w")).or_else(|| remaining.seconds("w"));
    let reset = text(headers, &format!("{name}-reset")).and_then(|reset| until(reset, at));
    Some(Quota { limit, remaining: remaining.number()?, window, reset })
}

/// One member of a list with its parameters: `100;w=60`, `limit=100`, `"default";q=100;w=60`.
#[derive(Debug)]
struct Field<'a> {
    key: &'a str,
    value: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
}

impl Field<'_> {
    /// The member itself as a number: what stands behind `=`, or all of it.
    fn number(&self) -> Option<u64> {
        if self.value.is_empty() { self.key } else { self.value }.parse().ok()
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }

    fn seconds(&self, name: &str) -> Option<Duration> {
        Some(within_a_day(self.parameter(name)?.parse().ok()?))
    }
}

fn within_a_day(seconds: u64) -> Duration {
    Duration::from_secs(seconds.min(A_DAY))
}

fn list<'a>(headers: &'a HeaderMap, name: &str) -> Vec<Field<'a>> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(field).collect()
}

fn field(text: &str) -> Field<'_> {
    let mut parts = text.split(';').map(|part| {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        (key.trim(), value.trim().trim_matches('"'))
    });
    let (key, value) = parts.next().unwrap_or_default();
    Field { key, value, parameters: parts.collect() }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::{SignedDuration, Timestamp};
    use proptest::prelude::{any, prop_assert, proptest};
    use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

    use super::{Told, told};

    /// The answer with these headers (`name: value`, one per line), at 07:28 by our clock.
    fn hear(headers: &'static str) -> Told {
        let now: Timestamp = "2026-10-21T07:28:00Z".parse().unwrap();
        let pairs = headers.lines().map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            (name.parse::<HeaderName>().unwrap(), HeaderValue::from_static(value.trim()))
        });
        told(&pairs.collect::<HeaderMap>(), now)
    }

    #[track_caller]
    fn check_retry_after(headers: &'static str, seconds: Option<u64>) {
        assert_eq!(hear(headers).retry_after, seconds.map(Duration::from_secs), "{headers}");
    }

    #[test]
    fn retry_after_is_seconds_a_date_or_a_unix_time() {
        check_retry_after("retry-after: 120", Some(120));
        check_retry_after("retry-after:  0 ", Some(0));
        check_retry_after("retry-after: -5", Some(0));
        check_retry_after("retry-after: Wed, 21 Oct 2026 07:29:30 GMT", Some(90));
        check_retry_after("retry-after: Wed, 21 Oct 2026 07:00:00 GMT", Some(0));
        check_retry_after("retry-after: 1792567980", Some(300));
        check_retry_after("x-retry-after: 1792567980", Some(300));
        check_retry_after("x-ratelimit-reset: 1792567980", None);
        check_retry_after("retry-after: 99999999", Some(24 * 60 * 60));
        check_retry_after("retry-after: soon", None);
        check_retry_after("retry-after: ", None);
    }

    #[test]
    fn their_times_are_read_by_their_clock() {
        let behind = "date: Wed, 21 Oct 2026 06:00:00 GMT\nretry-after: Wed, 21 Oct 2026 06:01:00 GMT";
        check_retry_after(behind, Some(60));
        assert_eq!(hear(behind).skew, Some(SignedDuration::from_mins(-88)));
        check_retry_after("date: Wed, 21 Oct 2026 08:28:00 GMT\nretry-after: 1792571340", Some(60));
        let kept = "date: Wed, 21 Oct 2026 07:18:00 GMT\nage: 600";
        assert_eq!(hear(kept).skew, Some(SignedDuration::ZERO));
        assert_eq!(hear("date: today").skew, None);
    }

    /// `expected` is limit, remaining, window and reset, `-` for what is not known.
    #[track_caller]
    fn check_quota(headers: &'static str, expected: &str) {
        let number = |number: Option<u64>| number.map_or("-".to_owned(), |number| number.to_string());
        let seconds = |time: Option<Duration>| number(time.map(|time| time.as_secs()));
        let found = hear(headers).quota.map_or("nothing".to_owned(), |quota| {
            let (window, reset) = (seconds(quota.window), seconds(quota.reset));
            format!("{} {} {window} {reset}", number(quota.limit), quota.remaining)
        });
        assert_eq!(found, expected, "{headers}");
    }

    #[test]
    fn every_way_to_say_what_is_left() {
        check_quota("ratelimit-limit: 100;w=21600\nratelimit-remaining: 76;w=21600", "100 76 21600 -");
        check_quota("ratelimit-remaining: 76;w=21600", "- 76 21600 -");
        check_quota("RateLimit-Limit: 100, 100;w=60\nRateLimit-Remaining: 5\nRateLimit-Reset: 30", "100 5 60 30");
        check_quota("RateLimit-Limit: 10, 1000;w=3600, 10;w=1\nRateLimit-Remaining: 5", "10 5 1 -");
        check_quota("RateLimit: limit=100, remaining=50, reset=30\nRateLimit-Policy: 100;w=60", "100 50 60 30");
        check_quota(r#"RateLimit: "default";r=50;t=30"#, "- 50 - 30");
        check_quota("RateLimit: \"d\";r=50;t=30\nRateLimit-Policy: \"d\";q=100;w=60", "100 50 60 30");
        check_quota(
            "RateLimit: \"b\";r=50;t=30, \"day\";r=2;t=9000\nRateLimit-Policy: \"b\";q=100;w=60, \"day\";q=1000;w=86400",
            "1000 2 86400 9000",
        );
        check_quota(
            "x-ratelimit-limit: 180\nx-ratelimit-remaining: 179\nx-ratelimit-reset: 1792567740",
            "180 179 - 60",
        );
        check_quota("x-ratelimit-remaining: 0\nx-ratelimit-reset: 1792567740000", "- 0 - 60");
        check_quota("x-rate-limit-remaining: 7", "- 7 - -");
        check_quota("ratelimit-remaining: 1;w=99999999", "- 1 86400 -");
    }

    #[test]
    fn what_cannot_be_read_says_nothing() {
        for headers in [
            "content-length: 5",
            "ratelimit-limit: 100",
            "ratelimit-remaining: many",
            "ratelimit-remaining: -1",
            "ratelimit-limit: 0\nratelimit-remaining: 0",
            "ratelimit: ;;;,,=",
            r#"ratelimit: "default";t=5"#,
        ] {
            check_quota(headers, "nothing");
        }
    }

    proptest! {
        #[test]
        fn anything_at_all_is_heard(value in "[ -~]{0,40}", number in any::<i64>()) {
            let now: Timestamp = "2026-10-21T07:28:00Z".parse().unwrap();
            for text in [value, number.to_string(), format!("{number};w={number}"), format!("a;r={number};t={number}")] {
                let headers = [
                    "retry-after", "date", "age", "ratelimit", "ratelimit-policy", "ratelimit-remaining",
                    "ratelimit-limit", "ratelimit-reset", "x-ratelimit-remaining", "x-ratelimit-reset",
                ];
                let value = HeaderValue::from_str(&text).unwrap();
                let headers = headers.map(|name| (HeaderName::from_static(name), value.clone()));
                let told = told(&HeaderMap::from_iter(headers), now);
                prop_assert!(told.retry_after.is_none_or(|wait| wait <= Duration::from_hours(24)));
            }
        }
    }
}

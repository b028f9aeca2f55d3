//! What is known of the hosts that are asked, as plain values for people and machines. Reads nothing.

use std::time::Duration;

use jiff::SignedDuration;

/// One host (with its port, where that is not the usual one), as it stands at this moment: a registry, a
/// token server, or a store that a registry sends us to.
#[derive(Debug, Clone, PartialEq)]
pub struct HostStatus {
    /// The host.
    pub host: String,
    /// Requests per second at most, now: the configured rate, or less after the host said "too many".
    /// `None` is as fast as they come.
    pub rate: Option<f64>,
    /// Requests at once at most.
    pub concurrency: usize,
    /// Requests that run now.
    pub running: usize,
    /// Requests so far.
    pub sent: u64,
    /// How many of them were answered with "too many".
    pub too_many: u64,
    /// How many of them were answered with what: a status that tells something by itself (`200`, `304`, `401`, `403`,
    /// `404`, `429`), the class of any other (`2xx`), or `none` where no answer came.
    pub answers: Vec<(&'static str, u64)>,
    /// The time since the last one.
    pub last_asked: Option<Duration>,
    /// For how long the host wants no request (`Retry-After`).
    pub quiet: Option<Duration>,
    /// What the host says is left of its limits.
    pub quotas: Vec<QuotaStatus>,
    /// Set while the host is dead and gets no request.
    pub outage: Option<Outage>,
    /// How far the clock of the host is ahead of ours, by its last answer.
    pub clock_skew: Option<SignedDuration>,
}

/// A limit of a host (`RateLimit-*`), and how much of it is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaStatus {
    /// Whether it counts manifests and nothing else; otherwise it counts everything else.
    pub manifests: bool,
    /// Requests in all.
    pub limit: Option<u64>,
    /// Requests that are left, by what the host said and what was sent since.
    pub left: u64,
    /// What is left to others: when no more than this is left, nothing is sent.
    pub reserve: u64,
    /// The time for which the limit holds.
    pub window: Option<Duration>,
    /// The time until all of it is granted anew.
    pub reset: Option<Duration>,
    /// The time since the host said so.
    pub told: Duration,
}

/// A host that fails every time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// Failures in a row.
    pub failures: u32,
    /// The last one, in words.
    pub cause: String,
    /// The time until the host is tried again; zero when the next request will do so, or one is under way.
    pub next_try: Duration,
}

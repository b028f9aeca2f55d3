//! How a registry stands with what is watched of it, as plain values. Reads nothing.

use std::time::Duration;

/// What is watched of one registry, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryStatus {
    /// The registry.
    pub registry: String,
    /// Image repositories whose tags are known.
    pub known: usize,
    /// Those that could not be asked when it was last tried.
    pub failed: usize,
    /// Those from which no answer has come yet.
    pub unknown: usize,
    /// The tags of all of them, as they are known.
    pub tags: usize,
    /// Those that are being asked or wait for that, whatever is known of them.
    pub asked: usize,
    /// The time since the last answer about that repository for which it is longest ago; `None` where there was none.
    pub age: Option<Duration>,
    /// For how long that repository is due that has waited longest.
    pub overdue: Duration,
}

impl RegistryStatus {
    pub(super) fn new(registry: &str) -> Self {
        let registry = registry.to_owned();
        Self { registry, known: 0, failed: 0, unknown: 0, tags: 0, asked: 0, age: None, overdue: Duration::ZERO }
    }
}

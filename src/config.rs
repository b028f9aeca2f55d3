//! Everything the daemon is told, as plain values, and the parts put together from them.

mod file;

use std::path::PathBuf;
use std::time::Duration;

use crate::git::{self, Mirror};
use crate::reconcile::{self, Reconciler};
use crate::registry;
pub use file::{Error as FileError, Settings, read, schema};

/// The configuration of one daemon. Each part is in the words of the module that reads it.
#[derive(Debug)]
pub struct Config {
    /// The config repository.
    pub git: git::Options,
    /// The registries.
    pub registry: registry::Options,
    /// What a pass does.
    pub pass: reconcile::Options,
    /// How often the config repository is asked for news.
    pub git_poll_interval: Duration,
    /// How often each image repository is asked for news.
    pub registry_poll_interval: Duration,
}

/// Why the parts could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store for the config repository.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// The registry client.
    #[error(transparent)]
    Registry(#[from] registry::Error),
}

impl Config {
    /// How long to wait between passes: each part answers from memory until its own interval is over.
    #[must_use]
    pub fn interval(&self) -> Duration {
        let own = self.registry.sites.iter().filter_map(|site| site.interval).min();
        let registries = own.map_or(self.registry_poll_interval, |own| own.min(self.registry_poll_interval));
        self.git_poll_interval.min(registries)
    }

    /// Opens the store and the client.
    ///
    /// # Errors
    /// [`Error`] when the data directory cannot be used or a setting cannot be read.
    pub fn open(&self) -> Result<Reconciler, Error> {
        let mut registry = self.registry.clone();
        let tick = self.interval();
        registry.poll_interval = fresh_for(self.registry_poll_interval, tick);
        registry.sites = registry.sites.map_intervals(|interval| Some(fresh_for(interval, tick)));
        let mut pass = self.pass.clone();
        pass.git_fresh_for = fresh_for(self.git_poll_interval, tick);
        let mirror = Mirror::open(self.git.clone())?;
        Ok(Reconciler::new(mirror, registry::Client::new(registry)?, pass))
    }
}

/// How long an answer counts as fresh when a pass begins every `tick`. Answers come some time after
/// their pass began, and the pass that is due has to ask again even so: half a tick is room for that,
/// and rounds an interval to whole ticks.
fn fresh_for(interval: Duration, tick: Duration) -> Duration {
    interval.saturating_sub(tick / 2)
}

/// The docker configuration that is used when none is named: `config.json` in `$DOCKER_CONFIG`, else
/// in `~/.docker`, if there is one.
#[must_use]
pub fn default_docker_config() -> Option<PathBuf> {
    let folder = std::env::var_os("DOCKER_CONFIG")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".docker")))?;
    let file = folder.join("config.json");
    file.is_file().then_some(file)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::fresh_for;

    /// Whether the pass that begins after `now` seconds asks again for what was asked `late` seconds
    /// after the first pass began.
    #[track_caller]
    fn check(interval: u64, tick: u64, late: u64, now: u64, asks: bool) {
        let fresh = fresh_for(Duration::from_secs(interval), Duration::from_secs(tick));
        assert_eq!(Duration::from_secs(now - late) >= fresh, asks, "{interval} {tick}: {late} to {now}");
    }

    #[test]
    fn the_pass_that_is_due_asks_again_however_long_the_last_one_took() {
        for late in [0, 7, 29] {
            check(60, 60, late, 60, true);
            check(300, 60, late, 240, false);
            check(300, 60, late, 300, true);
        }
        check(60, 60, 0, 1, false);
        check(90, 60, 0, 60, true);
    }
}

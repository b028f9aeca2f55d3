//! Everything the daemon is told, as plain values, and the parts put together from them.

mod file;

use std::path::PathBuf;
use std::time::Duration;

use crate::git::{self, Mirror};
use crate::reconcile::{self, Reconciler};
use crate::registry;
pub use file::{Error as FileError, Mistake, Settings, read, schema};

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
    /// The shorter of the intervals: no pass has to begin more often.
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
        let registry = registry::Options { poll_interval: self.registry_poll_interval, ..self.registry.clone() };
        let pass = reconcile::Options { git_fresh_for: self.git_poll_interval, ..self.pass.clone() };
        let mirror = Mirror::open(self.git.clone())?;
        Ok(Reconciler::new(mirror, registry::Client::new(registry)?, pass))
    }
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

//! Everything the daemon is told, as plain values, and the parts put together from them.

mod file;
mod repository;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::git;
use crate::reconcile::Lookout;
use crate::registry;
pub use file::{Error as FileError, Mistake, Settings, read, schema};
pub use repository::{CommitSettings, ConfigRepository, RepositorySettings, SshSettings};

/// The configuration of one daemon. Each part is in the words of the module that reads it.
#[derive(Debug, PartialEq)]
pub struct Config {
    /// The config repositories, each with a name of its own.
    pub repositories: Vec<ConfigRepository>,
    /// The registries, with how often each image repository is asked for news.
    pub registry: registry::Options,
    /// The files that all of this was made of.
    pub files: Vec<PathBuf>,
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
    /// The shortest of all intervals at which registries are asked.
    #[must_use]
    pub fn registry_interval(&self) -> Duration {
        let own = self.registry.sites.iter().filter_map(|site| site.interval).min();
        own.map_or(self.registry.poll_interval, |own| own.min(self.registry.poll_interval))
    }

    /// Opens the client for all registries.
    ///
    /// # Errors
    /// [`Error`] when a setting cannot be read.
    pub fn lookout(&self) -> Result<Arc<Lookout>, Error> {
        Ok(Lookout::new(registry::Client::new(self.registry.clone())?))
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

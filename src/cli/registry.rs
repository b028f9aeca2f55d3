//! The options that say how registries are reached, for every command that asks them.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;

use super::Error;
use crate::config::{self, Settings};
use crate::image::Registry;
use crate::registry::{CredentialSource, InvalidPrefix, Options, Prefix, Site, Sites};

/// How registries are reached.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Registries")]
pub(super) struct RegistryArgs {
    /// A configuration file, with what is set for single registries. What the command line says comes first.
    #[arg(long, env = "LANDWAITER_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    /// A docker config.json with credentials (auths, credHelpers, credsStore). Default: the one in
    /// ~/.docker (or where `DOCKER_CONFIG` says), if there is one.
    #[arg(long, env = "LANDWAITER_DOCKER_CONFIG", value_name = "FILE")]
    docker_config: Option<PathBuf>,

    /// A file with user:password for one registry, or for the repositories below a path of it.
    /// Repeatable.
    #[arg(long, env = "LANDWAITER_REGISTRY_CREDENTIALS", value_name = "HOST[/PATH]=FILE", value_delimiter = ',')]
    registry_credentials: Vec<String>,

    /// A registry that is reached without TLS. Loopback always is. Repeatable.
    #[arg(long, env = "LANDWAITER_REGISTRY_PLAIN_HTTP", value_name = "HOST[:PORT]", value_delimiter = ',')]
    registry_plain_http: Vec<Registry>,

    /// What min-age counts from for tags that were there when a repository was first looked at: with this
    /// the time when they were pushed, if the registry tells it, or else that when the image was built.
    /// Without it the first look.
    #[arg(long, env = "LANDWAITER_TRUST_CREATED", value_parser = BoolishValueParser::new())]
    trust_created: bool,
}

impl RegistryArgs {
    /// Whether tags that were there at the first look count as old as they are said to be.
    pub(super) fn trusts_created(&self) -> Result<bool, Error> {
        Ok(self.trust_created || self.settings()?.trust_created)
    }

    /// What the configuration file says; nothing where none is named.
    pub(super) fn settings(&self) -> Result<Settings, Error> {
        self.config.as_deref().map_or_else(|| Ok(Settings::default()), |path| Ok(config::read(path)?))
    }

    /// For a command that asks once: an answer is good for `poll_interval`, whatever the file says.
    pub(super) fn options(self, poll_interval: Duration) -> Result<Options, Error> {
        let settings = self.settings()?;
        let options = self.options_over(settings, poll_interval)?;
        Ok(Options { sites: options.sites.map_intervals(|_| None), ..options })
    }

    /// For the daemon: what the command line says, and where it says nothing, what the file says.
    pub(super) fn options_over(self, settings: Settings, poll_interval: Duration) -> Result<Options, Error> {
        let with_credential = |text: &String| {
            let usage = |what: String| Error::Usage(format!("--registry-credentials {text:?}: {what}"));
            let (prefix, file) = text
                .split_once('=')
                .filter(|(prefix, file)| !prefix.is_empty() && !file.is_empty())
                .ok_or_else(|| usage("expected HOST[/PATH]=FILE".to_owned()))?;
            let prefix: Prefix = prefix.parse().map_err(|error: InvalidPrefix| usage(error.to_string()))?;
            Ok(Site { credential: Some(CredentialSource::File(PathBuf::from(file))), ..Site::new(prefix) })
        };
        let credentials = self.registry_credentials.iter().map(with_credential);
        let plain = self.registry_plain_http.into_iter().map(Prefix::whole);
        let plain = plain.map(|prefix| Ok(Site { plain_http: true, ..Site::new(prefix) }));
        let sites = Sites::new(credentials.chain(plain).collect::<Result<_, Error>>()?).or(settings.sites.clone());
        settings.check(&sites)?;
        Ok(Options {
            docker_config: self.docker_config.or(settings.docker_config).or_else(config::default_docker_config),
            trust_created: self.trust_created || settings.trust_created,
            sites,
            poll_interval,
            ..Options::default()
        })
    }
}

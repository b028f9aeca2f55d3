//! The options that say how registries are reached, for every command that asks them.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;

use super::Error;
use crate::config;
use crate::image::Registry;
use crate::registry::{CredentialFile, Options};

/// How registries are reached.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Registries")]
pub(super) struct RegistryArgs {
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
    pub(super) fn trusts_created(&self) -> bool {
        self.trust_created
    }

    pub(super) fn options(self, poll_interval: Duration) -> Result<Options, Error> {
        let credential_files = self
            .registry_credentials
            .iter()
            .map(|text| match text.split_once('=') {
                Some((prefix, file)) if !prefix.is_empty() && !file.is_empty() => {
                    Ok(CredentialFile { prefix: prefix.to_owned(), path: PathBuf::from(file) })
                }
                _ => Err(Error::Usage(format!("--registry-credentials {text:?}: expected HOST[/PATH]=FILE"))),
            })
            .collect::<Result<_, _>>()?;
        Ok(Options {
            docker_config: self.docker_config.or_else(config::default_docker_config),
            credential_files,
            plain_http: self.registry_plain_http,
            trust_created: self.trust_created,
            poll_interval,
            ..Options::default()
        })
    }
}

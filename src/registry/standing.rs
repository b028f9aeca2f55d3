//! What is set for registries, as it would be used, for those who check a configuration. Sends nothing, and
//! asks no credential helper.

use super::error::{Error, Kind};
use super::keychain::{self, Keychain};
use super::options::{HostLimits, Options};
use super::site::{Prefix, Site};
use super::wire;
use crate::image::Repository;

/// A setting that names something outside of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Setting {
    /// Where the credential is kept.
    Credentials,
    /// The file with authorities.
    CaBundle,
    /// The files with our certificate and its key.
    ClientCertificate,
    /// How requests leave the machine.
    Proxy,
}

/// How one registry, or a part of it, is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// What it is about.
    pub prefix: Prefix,
    /// Where its repositories are asked for instead.
    pub mirror: Option<Prefix>,
    /// Who we are there, in words without the secret; `None` for nobody.
    pub credential: Option<String>,
    /// How often it is asked at most, with all that is usual for the host.
    pub limits: HostLimits,
}

impl Setting {
    /// Whether it is the same for both.
    #[must_use]
    pub fn is_same(self, one: &Site, other: &Site) -> bool {
        match self {
            Self::Credentials => one.credential == other.credential,
            Self::CaBundle => one.ca_bundle == other.ca_bundle,
            Self::ClientCertificate => one.client_certificate == other.client_certificate,
            Self::Proxy => one.proxy == other.proxy,
        }
    }
}

/// What is wrong with the files and variables that are named for a registry, in words that name them.
#[must_use]
pub fn faults(site: &Site) -> Vec<(Setting, String)> {
    let credential = site.credential.as_ref().and_then(keychain::fault);
    let connections = wire::faults(site);
    credential.map(|fault| (Setting::Credentials, fault)).into_iter().chain(connections).collect()
}

/// How each registry is asked that something is set for.
///
/// # Errors
/// A credential that cannot be read.
pub fn standings(options: &Options) -> Result<Vec<Standing>, Error> {
    let setup = |problem| Error::setup(Kind::Credential(problem));
    let docker = options.docker_config.clone();
    let keychain = Keychain::open(docker, &options.sites, options.helper_folders.clone(), options.timeout);
    let keychain = keychain.map_err(setup)?;
    let standing = |site: &Site| {
        // Whatever lies below it.
        let below = Repository::parse(&format!("{}/any", site.prefix));
        let asked = below.ok().and_then(|below| options.sites.asked(&below).ok());
        let host = asked.as_ref().map_or(site.prefix.registry(), Repository::registry);
        let usual = HostLimits { concurrency: Some(options.host_concurrency), ..HostLimits::of_host(host.api_host()) };
        let own = options.sites.of_host(host, |site| (site.limits != HostLimits::default()).then_some(site.limits));
        let credential = asked.as_ref().map(|asked| keychain.holder(asked).map_err(setup)).transpose()?;
        Ok(Standing {
            prefix: site.prefix.clone(),
            mirror: site.mirror.clone(),
            credential: credential.flatten(),
            limits: own.unwrap_or_default().or(usual).filled(),
        })
    };
    options.sites.iter().map(standing).collect()
}

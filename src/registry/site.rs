//! What is set for one registry, or for the part of it below a path. Plain values; files are named here
//! and read elsewhere.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::options::HostLimits;
use super::vendor::Dates;
use crate::connection::{ClientCertificate, ConnectionOptions, Proxy};
use crate::image::{Registry, Repository};

/// A host with an optional port and path, such as `ghcr.io` or `quay.io/team`: itself and everything
/// below it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix {
    registry: Registry,
    path: Box<str>,
}

/// A text that names no registry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} names no registry: expected a host such as `ghcr.io`, `registry.example.com:5000` or `ghcr.io/org`")]
pub struct InvalidPrefix {
    text: String,
}

/// Where a credential is kept. It is looked up when it is needed, so that a changed one needs no restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialSource {
    /// A file with `user:password`.
    File(PathBuf),
    /// Docker's `config.json`, with its helpers.
    DockerConfig(PathBuf),
    /// What Kubernetes mounts of an `imagePullSecret`: the file `.dockerconfigjson` or `.dockercfg`, or the
    /// folder that it lies in.
    PullSecret(PathBuf),
    /// Two variables of the environment.
    Environment {
        /// The one with the user's name.
        user: String,
        /// The one with the password.
        password: String,
    },
    /// The program `docker-credential-<name>`.
    Helper(String),
    /// Nowhere: nobody logs in here, whatever else there is.
    Anonymous,
}

/// What is set for one registry, or for the part of it below a path. What is `None` is as for every other
/// registry.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    /// What it is about. Of several that cover a repository the longest counts, setting by setting.
    pub prefix: Prefix,
    /// Where the credential is kept.
    pub credential: Option<CredentialSource>,
    /// Where its repositories are asked for instead: `mirror.example.com/hub` for the prefix `docker.io`
    /// turns `docker.io/library/nginx` into `mirror.example.com/hub/library/nginx`.
    pub mirror: Option<Prefix>,
    /// How often a repository is asked for news.
    pub interval: Option<Duration>,
    /// A PEM file with authorities that are trusted for this host, beside those of the machine.
    pub ca_bundle: Option<PathBuf>,
    /// Who we are, for this host.
    pub client_certificate: Option<ClientCertificate>,
    /// How requests to this host leave the machine.
    pub proxy: Option<Proxy>,
    /// Who tells when tags were pushed, where it is not what is usual for the host.
    pub dates: Option<Dates>,
    /// Whether this host is spoken to without TLS.
    pub plain_http: bool,
    /// Whether it is shown a credential even so.
    pub credential_over_plain_http: bool,
    /// How much this host is asked at most.
    pub limits: HostLimits,
}

/// All that is set for registries.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sites(Vec<Site>);

impl Prefix {
    /// A registry and all that is in it.
    #[must_use]
    pub fn whole(registry: Registry) -> Self {
        Self { registry, path: "".into() }
    }

    /// The host, with its port.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The path below the host; empty for all of it.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether the repository is this or lies below it.
    #[must_use]
    pub fn covers(&self, repository: &Repository) -> bool {
        self.rest(repository).is_some()
    }

    /// What of the repository's path lies below this.
    fn rest<'r>(&self, repository: &'r Repository) -> Option<&'r str> {
        if self.registry != *repository.registry() {
            return None;
        }
        let rest = repository.path().strip_prefix(&*self.path)?;
        if self.path.is_empty() || rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
    }
}

/// Reads a host with an optional path. What Docker writes in its own files is understood: URLs of an API
/// (`https://index.docker.io/v1/`).
impl FromStr for Prefix {
    type Err = InvalidPrefix;

    fn from_str(text: &str) -> Result<Self, InvalidPrefix> {
        let key = text.split_once("://").map_or(text, |(_, rest)| rest).trim_end_matches('/');
        let (host, path) = key.split_once('/').unwrap_or((key, ""));
        let path = if matches!(path, "v1" | "v2") { "" } else { path };
        let registry = Registry::parse(host).map_err(|_| InvalidPrefix { text: text.chars().take(140).collect() })?;
        Ok(Self { registry, path: path.into() })
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { write!(f, "{}", self.registry) } else { write!(f, "{}/{}", self.registry, self.path) }
    }
}

impl Site {
    /// Nothing set yet.
    #[must_use]
    pub fn new(prefix: Prefix) -> Self {
        Self {
            prefix,
            credential: None,
            mirror: None,
            interval: None,
            ca_bundle: None,
            client_certificate: None,
            proxy: None,
            dates: None,
            plain_http: false,
            credential_over_plain_http: false,
            limits: HostLimits::default(),
        }
    }

    /// What of it is about connections.
    pub(super) fn connection(&self) -> ConnectionOptions {
        ConnectionOptions {
            ca_bundle: self.ca_bundle.clone(),
            client_certificate: self.client_certificate.clone(),
            proxy: self.proxy.clone(),
            proxy_credentials: None,
        }
    }

    /// This, and where it says nothing, that.
    fn or(self, that: Self) -> Self {
        Self {
            prefix: self.prefix,
            credential: self.credential.or(that.credential),
            mirror: self.mirror.or(that.mirror),
            interval: self.interval.or(that.interval),
            ca_bundle: self.ca_bundle.or(that.ca_bundle),
            client_certificate: self.client_certificate.or(that.client_certificate),
            proxy: self.proxy.or(that.proxy),
            dates: self.dates.or(that.dates),
            plain_http: self.plain_http || that.plain_http,
            credential_over_plain_http: self.credential_over_plain_http || that.credential_over_plain_http,
            limits: self.limits.or(that.limits),
        }
    }
}

impl Sites {
    /// All that is set. Of two entries of one prefix the first counts, setting by setting.
    #[must_use]
    pub fn new(sites: Vec<Site>) -> Self {
        let mut by_prefix = BTreeMap::<Prefix, Site>::new();
        for site in sites {
            let site = match by_prefix.remove(&site.prefix) {
                Some(earlier) => earlier.or(site),
                None => site,
            };
            by_prefix.insert(site.prefix.clone(), site);
        }
        let mut sites: Vec<Site> = by_prefix.into_values().collect();
        // The longest first, so that the first that says something counts.
        sites.sort_by_key(|site| std::cmp::Reverse(site.prefix.path.len()));
        Self(sites)
    }

    /// These, and where they say nothing, those.
    #[must_use]
    pub fn or(self, those: Self) -> Self {
        Self::new(self.0.into_iter().chain(those.0).collect())
    }

    /// How often a repository is asked for news, where something is set for it.
    #[must_use]
    pub fn interval(&self, repository: &Repository) -> Option<Duration> {
        self.of(repository, |site| site.interval)
    }

    /// The same with other intervals.
    #[must_use]
    pub fn map_intervals(mut self, other: impl Fn(Duration) -> Option<Duration>) -> Self {
        for site in &mut self.0 {
            site.interval = site.interval.and_then(&other);
        }
        self
    }

    /// Every entry, the longest prefixes first.
    pub fn iter(&self) -> impl Iterator<Item = &Site> {
        self.0.iter()
    }

    /// What is set for a repository, as `setting` reads it from an entry.
    pub(super) fn of<'s, T>(&'s self, repository: &Repository, setting: impl Fn(&'s Site) -> Option<T>) -> Option<T> {
        self.0.iter().filter(|site| site.prefix.covers(repository)).find_map(setting)
    }

    /// What is set for a host.
    pub(super) fn of_host<'s, T>(&'s self, host: &Registry, setting: impl Fn(&'s Site) -> Option<T>) -> Option<T> {
        self.0.iter().filter(|site| site.prefix.registry == *host && site.prefix.path.is_empty()).find_map(setting)
    }

    /// The repository that is asked for in place of this one: itself where no mirror is set.
    ///
    /// # Errors
    /// A mirror that cannot have a repository of that name. Nobody else is asked in its place.
    pub(super) fn asked(&self, repository: &Repository) -> Result<Repository, String> {
        let mirror = |site: &Site| {
            let mirror = site.mirror.as_ref()?;
            let parts = [mirror.registry.as_str(), &mirror.path, site.prefix.rest(repository)?];
            Some(parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/"))
        };
        let Some(name) = self.of(repository, mirror) else { return Ok(repository.clone()) };
        Repository::parse(&name).map_err(|error| format!("its mirror cannot have it as {name}: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Prefix, Site, Sites};
    use crate::image::Repository;

    fn repository(name: &str) -> Repository {
        Repository::parse(name).unwrap()
    }

    #[track_caller]
    fn check(prefix: &str, name: &str, covers: bool) {
        assert_eq!(prefix.parse::<Prefix>().unwrap().covers(&repository(name)), covers, "{prefix} {name}");
    }

    #[test]
    fn a_prefix_is_a_whole_path() {
        check("ghcr.io", "ghcr.io/org/app", true);
        check("ghcr.io/org", "ghcr.io/org/app", true);
        check("ghcr.io/org", "ghcr.io/org", true);
        check("ghcr.io/org", "ghcr.io/organisation/app", false);
        check("ghcr.io", "ghcr.io:5000/org/app", false);
        check("index.docker.io", "nginx", true);
        check("docker.io/library", "nginx", true);
        check("docker.io/library", "org/nginx", false);
    }

    #[test]
    fn a_mirror_takes_the_place_of_the_prefix() {
        let site = |prefix: &str, mirror: &str| Site {
            mirror: Some(mirror.parse().unwrap()),
            ..Site::new(prefix.parse().unwrap())
        };
        let sites = Sites::new(vec![
            site("docker.io", "mirror.example.com/hub"),
            site("docker.io/org", "other.example.com"),
            site("quay.io/team", "mirror.example.com:5000/quay"),
        ]);
        for (name, asked) in [
            ("nginx", "mirror.example.com/hub/library/nginx"),
            ("org/app", "other.example.com/app"),
            ("quay.io/team/app", "mirror.example.com:5000/quay/app"),
            ("quay.io/else/app", "quay.io/else/app"),
        ] {
            assert_eq!(sites.asked(&repository(name)), Ok(repository(asked)), "{name}");
        }
        let long = format!("x/{}", "a".repeat(252));
        let told = sites.asked(&repository(&long)).unwrap_err();
        assert!(told.starts_with("its mirror cannot have it as mirror.example.com/hub/x/aaa"), "{told}");
    }
}

//! Where an image lives: a registry and a path in it, in one canonical spelling.

use std::fmt;
use std::str::FromStr;

use crate::host;

/// The registry of an image that names none.
const DOCKER_HUB: &str = "docker.io";

/// A registry: a host, with a port when one is written.
///
/// The names that Docker Hub is known by (`docker.io`, `index.docker.io`, `registry-1.docker.io`)
/// are all `docker.io` here. Hosts are lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Registry(Box<str>);

/// A repository of images, spelled one way only, so that it can be the key we watch by:
/// `nginx`, `docker.io/nginx` and `index.docker.io/library/nginx` are one repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Repository {
    registry: Registry,
    path: Box<str>,
}

/// A text that names no repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRepository {
    /// Nothing is written.
    #[error("the image name is empty")]
    Empty,
    /// The host part has characters that no host has.
    #[error("{0:?} is not a registry host: expected a name or address, with `:port` if it has one")]
    Host(String),
    /// The path breaks the grammar of the distribution specification.
    #[error(
        "{0:?} is not a repository path: expected lower-case letters and digits, separated by `.`, `_`, `__`, `-` or `/`"
    )]
    Path(String),
}

impl Registry {
    /// Reads a host with an optional port.
    ///
    /// # Errors
    /// [`InvalidRepository::Host`] when it is none.
    pub fn parse(text: &str) -> Result<Self, InvalidRepository> {
        let invalid = || InvalidRepository::Host(text.chars().take(140).collect());
        let lower = text.to_ascii_lowercase();
        let (host, port) = match lower.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, rest)) => {
                address.parse::<std::net::Ipv6Addr>().map_err(|_| invalid())?;
                (None, rest.strip_prefix(':').or((!rest.is_empty()).then_some("!")))
            }
            None => match lower.split_once(':') {
                Some((host, port)) => (Some(host), Some(port)),
                None => (Some(lower.as_str()), None),
            },
        };
        let label = |label: &str| {
            !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        };
        let good_host = host.is_none_or(|host| host.split('.').all(label));
        let good_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port != 0));
        if !good_host || !good_port {
            return Err(invalid());
        }
        Ok(match lower.as_str() {
            "docker.io" | "index.docker.io" | "registry-1.docker.io" | "registry.hub.docker.com" => {
                Self(DOCKER_HUB.into())
            }
            _ => Self(lower.into()),
        })
    }

    /// The registry as it is named in images, `docker.io` for Docker Hub.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host, with its port, that answers the registry's API: `registry-1.docker.io` for
    /// Docker Hub, else the registry itself.
    #[must_use]
    pub fn api_host(&self) -> &str {
        if self.is_docker_hub() { "registry-1.docker.io" } else { &self.0 }
    }

    /// Whether this is Docker Hub.
    #[must_use]
    pub fn is_docker_hub(&self) -> bool {
        &*self.0 == DOCKER_HUB
    }

    /// Whether the host is this machine: `localhost` or a name below it, `127.0.0.0/8` or `[::1]`.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        host::is_loopback(&self.0)
    }
}

impl Repository {
    /// Reads a repository as people write it, without tag or digest.
    ///
    /// The first part is the registry when it has a `.` or a `:`, or is `localhost`; otherwise the
    /// registry is Docker Hub, where a single name means `library/<name>`.
    ///
    /// # Errors
    /// [`InvalidRepository`] says which part is wrong.
    pub fn parse(text: &str) -> Result<Self, InvalidRepository> {
        if text.is_empty() {
            return Err(InvalidRepository::Empty);
        }
        let (registry, path) = match text.split_once('/') {
            Some((host, path)) if host.contains(['.', ':']) || host.eq_ignore_ascii_case("localhost") => {
                (Registry::parse(host)?, path)
            }
            _ => (Registry(DOCKER_HUB.into()), text),
        };
        let invalid = || InvalidRepository::Path(path.chars().take(280).collect());
        let meant: Box<str> = if registry.is_docker_hub() && !path.contains('/') {
            format!("library/{path}").into()
        } else {
            path.into()
        };
        if meant.len() > 255 || !path.split('/').all(is_path_component) {
            return Err(invalid());
        }
        Ok(Self { registry, path: meant })
    }

    /// The registry.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The path inside the registry, `library/nginx`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The last part of the path, which is what people call the image: `nginx`.
    #[must_use]
    pub fn short_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// One part of a path: alphanumerics joined by single `.`, one or two `_`, or any run of `-`.
fn is_path_component(part: &str) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = part.as_bytes();
    let (Some(&first), Some(&last)) = (bytes.first(), bytes.last()) else { return false };
    if !alphanumeric(first) || !alphanumeric(last) {
        return false;
    }
    bytes
        .chunk_by(|&a, &b| alphanumeric(a) == alphanumeric(b))
        .all(|run| alphanumeric(run[0]) || matches!(run, b"." | b"_" | b"__") || run.iter().all(|&byte| byte == b'-'))
}

impl FromStr for Registry {
    type Err = InvalidRepository;
    fn from_str(text: &str) -> Result<Self, InvalidRepository> {
        Self::parse(text)
    }
}

impl FromStr for Repository {
    type Err = InvalidRepository;
    fn from_str(text: &str) -> Result<Self, InvalidRepository> {
        Self::parse(text)
    }
}

impl fmt::Display for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::Repository;

    #[track_caller]
    fn check(text: &str, canonical: &str) {
        assert_eq!(Repository::parse(text).map(|repository| repository.to_string()).as_deref(), Ok(canonical));
    }

    #[test]
    fn many_spellings_one_repository() {
        check("alpine", "docker.io/library/alpine");
        check("docker.io/alpine", "docker.io/library/alpine");
        check("index.docker.io/library/alpine", "docker.io/library/alpine");
        check("registry-1.docker.io/library/alpine", "docker.io/library/alpine");
        check("weaveworks/helloworld", "docker.io/weaveworks/helloworld");
        check("localhost/hello", "localhost/hello");
        check("localhost:5000/hello", "localhost:5000/hello");
        check("quay.io/library/alpine", "quay.io/library/alpine");
        check("k8s.gcr.io/pause", "k8s.gcr.io/pause");
        check("GHCR.io/org/app", "ghcr.io/org/app");
        check("[::1]:5000/hello", "[::1]:5000/hello");
        check("a/b/c", "docker.io/a/b/c");
        check("example.com/a__b/c-d.e---f", "example.com/a__b/c-d.e---f");
    }

    #[test]
    fn what_names_no_repository() {
        for bad in
            ["", "/a", "a/", "a//b", "Nginx", "a b", "-a", "a-", "a..b", "a___b", "localhost:x/a", "ex ample.com/a"]
        {
            assert!(Repository::parse(bad).is_err(), "{bad:?}");
        }
    }
}

//! How to ask registries, as the operator wants it. Plain values, nothing is read here.

use std::path::PathBuf;
use std::time::Duration;

use super::site::Sites;
use crate::host;

/// How to ask registries.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Docker's `config.json` with the credentials.
    pub docker_config: Option<PathBuf>,
    /// What is set for single registries; it comes before all that is said here.
    pub sites: Sites,
    /// Folders that are searched for `docker-credential-*` programs before `PATH`.
    pub helper_folders: Vec<PathBuf>,
    /// The file that keeps what registries said over restarts; without one it is kept in memory.
    pub store: Option<PathBuf>,
    /// Whether every repository is asked for at the first look, however lately an earlier process did.
    pub begins_anew: bool,
    /// Whether the tags that were there at the first look count as old as the registry or the image says.
    pub trust_created: bool,
    /// How often a repository is asked for its tags.
    pub poll_interval: Duration,
    /// Requests at once, over all hosts.
    pub concurrency: usize,
    /// Requests at once to one host, where `sites` say nothing else.
    pub host_concurrency: usize,
    /// The time for a connection to be made.
    pub connect_timeout: Duration,
    /// The time for one answer with its body, and for one answer of a credential helper.
    pub timeout: Duration,
    /// The time in which a part of a body has to come, however little.
    pub stall: Duration,
    /// How often a request is sent before a passing trouble is an error.
    pub attempts: u32,
    /// The pause after a failed try: random, up to this, doubled for each further try.
    pub retry_delay: Duration,
    /// The longest `Retry-After` that is sat out. A longer one fails the scan, and the host is left
    /// alone until then.
    pub max_retry_after: Duration,
    /// The time before a host that failed again and again is tried once more. Doubled each time that it
    /// fails, up to five minutes; until then requests to it fail at once.
    pub probe_delay: Duration,
    /// Tags per page. A registry that refuses so many is asked for fewer from then on.
    pub page_size: usize,
}

/// How much one host is asked at most. What is `None` is as for every host. A token server is a host of its
/// own.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct HostLimits {
    /// Requests per second, more than zero; infinite for as fast as they come.
    pub rate: Option<f64>,
    /// Requests that may go at once after a rest; twice the rate when nothing is said.
    pub burst: Option<u32>,
    /// Requests at once.
    pub concurrency: Option<usize>,
}

impl HostLimits {
    /// Requests per second to one host.
    pub const RATE: f64 = 50.0;

    /// The same for Docker Hub and its token server, which everybody shares.
    pub const DOCKER_HUB_RATE: f64 = 10.0;

    /// What is usual for a host: [`HostLimits::RATE`], less for Docker Hub, and no limit for this
    /// machine. `host` may have a port.
    #[must_use]
    pub fn of_host(host: &str) -> Self {
        let is_docker_hub = host == "docker.io" || host.ends_with(".docker.io") || host == "hub.docker.com";
        let rate = match () {
            () if is_docker_hub => Self::DOCKER_HUB_RATE,
            () if host::is_loopback(host) => f64::INFINITY,
            () => Self::RATE,
        };
        Self { rate: Some(rate), burst: None, concurrency: None }
    }

    /// These limits, and where they say nothing, those.
    #[must_use]
    pub fn or(self, those: Self) -> Self {
        let burst = if self.rate.is_some() { self.burst } else { self.burst.or(those.burst) };
        Self { rate: self.rate.or(those.rate), burst, concurrency: self.concurrency.or(those.concurrency) }
    }

    /// The same with the burst, where it follows from the rate.
    pub(super) fn filled(self) -> Self {
        Self { burst: Some(self.burst()), ..self }
    }

    /// The burst, with its default.
    pub(super) fn burst(&self) -> u32 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of floats saturates")]
        let twice = (2.0 * self.rate.unwrap_or(Self::RATE)).ceil() as u32;
        self.burst.unwrap_or(twice).max(1)
    }

    /// What is wrong with them, in words.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        if self.rate.is_some_and(|rate| rate.is_nan() || rate <= 0.0) {
            return Some(format!("{} requests per second are no rate: expected a number above zero", self.rate?));
        }
        (self.concurrency == Some(0)).then(|| "0 requests at once are too few: expected 1 or more".to_owned())
    }
}

impl Options {
    /// How often a repository is asked for its tags when nobody says anything.
    pub const POLL_INTERVAL: Duration = Duration::from_mins(1);
}

impl Default for Options {
    fn default() -> Self {
        Self {
            docker_config: None,
            sites: Sites::default(),
            helper_folders: Vec::new(),
            store: None,
            begins_anew: false,
            trust_created: false,
            poll_interval: Self::POLL_INTERVAL,
            concurrency: 64,
            host_concurrency: 8,
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(30),
            stall: Duration::from_secs(10),
            attempts: 3,
            retry_delay: Duration::from_millis(500),
            max_retry_after: Duration::from_mins(1),
            probe_delay: Duration::from_secs(5),
            page_size: 10_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::HostLimits;

    #[track_caller]
    fn check(host: &str, rate: f64, burst: u32) {
        let limits = HostLimits::of_host(host);
        assert_eq!((limits.rate.map(f64::to_bits), limits.burst()), (Some(rate.to_bits()), burst), "{host}");
    }

    #[test]
    fn what_is_usual_for_a_host() {
        check("ghcr.io", 50.0, 100);
        check("registry-1.docker.io", 10.0, 20);
        check("auth.docker.io", 10.0, 20);
        check("hub.docker.com", 10.0, 20);
        check("mydocker.io", 50.0, 100);
        check("docker.io.example", 50.0, 100);
        check("127.0.0.1:5000", f64::INFINITY, u32::MAX);
    }

    #[test]
    fn what_is_said_comes_first() {
        let (rate, hub) = (HostLimits { rate: Some(0.2), ..HostLimits::default() }, HostLimits::of_host("docker.io"));
        assert_eq!(rate.or(hub), rate);
        assert_eq!(rate.burst(), 1);
        let burst = HostLimits { burst: Some(3), ..HostLimits::default() };
        assert_eq!(burst.or(hub), HostLimits { burst: Some(3), ..hub });
        assert_eq!(burst.or(rate), HostLimits { burst: Some(3), rate: Some(0.2), concurrency: None });
    }

    #[test]
    fn nonsense_is_told() {
        for rate in [0.0, -1.0, f64::NAN] {
            assert!(HostLimits { rate: Some(rate), ..HostLimits::default() }.problem().is_some(), "{rate}");
        }
        assert!(HostLimits { concurrency: Some(0), ..HostLimits::default() }.problem().is_some());
        assert_eq!(HostLimits::of_host("localhost").problem(), None);
    }
}

//! How to ask registries, as the operator wants it. Plain values, nothing is read here.

use std::path::PathBuf;
use std::time::Duration;

use super::site::Sites;

/// How to ask registries.
#[derive(Debug, Clone)]
pub struct Options {
    /// Docker's `config.json` with the credentials.
    pub docker_config: Option<PathBuf>,
    /// What is set for single registries; it comes before all that is said here.
    pub sites: Sites,
    /// Folders that are searched for `docker-credential-*` programs before `PATH`.
    pub helper_folders: Vec<PathBuf>,
    /// How long a tag list is good.
    pub poll_interval: Duration,
    /// Requests at once, over all hosts.
    pub concurrency: usize,
    /// Requests at once to one host.
    pub host_concurrency: usize,
    /// The time for a connection to be made.
    pub connect_timeout: Duration,
    /// The time for one answer with its body, and for one answer of a credential helper.
    pub timeout: Duration,
    /// How often a request is sent before a passing trouble is an error.
    pub attempts: u32,
    /// The pause after a failed try: random, up to this, doubled for each further try.
    pub retry_delay: Duration,
    /// The longest `Retry-After` that is sat out. A longer one fails the scan, and the host is left
    /// alone until then.
    pub max_retry_after: Duration,
    /// Tags per page. More than 1000 are refused by Amazon ECR.
    pub page_size: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            docker_config: None,
            sites: Sites::default(),
            helper_folders: Vec::new(),
            poll_interval: Duration::from_mins(1),
            concurrency: 32,
            host_concurrency: 8,
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(30),
            attempts: 3,
            retry_delay: Duration::from_millis(500),
            max_retry_after: Duration::from_mins(1),
            page_size: 1000,
        }
    }
}

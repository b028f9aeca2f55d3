//! What all questions to registries share: connections, limits, who we are, and what is known already.
//! The questions themselves are in `look`, `images` and `digest`.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::HeaderMap;
use url::Url;

use super::error::{Error, Kind};
use super::hosts::HostStatus;
use super::keychain::Keychain;
use super::login::{Door, Login};
use super::look::Records;
use super::options::{HostLimits, Options};
use super::site::{Site, Sites};
use super::store::Store;
use super::transport::{self, Answer, Ask, Method, Patience, Transport};
use super::vendor::Dates;
use super::walk::{Paging, Silence};
use super::wire::{Habits, Wires};
use crate::image::{Registry, Repository};

/// The largest manifest or image configuration, in bytes; the size that registries themselves allow.
pub(super) const MANIFEST_LIMIT: usize = 4 << 20;

/// Asks registries, patiently and within limits, and remembers what they said.
///
/// One client serves the whole process: it holds the connections, the tokens, the limits per host
/// and the answers. All methods may be called from many tasks at once; the same question is sent once.
#[derive(Debug)]
pub struct Client {
    transport: Transport,
    login: Login,
    sites: Sites,
    poll_interval: Duration,
    page_size: usize,
    pub(super) host_concurrency: usize,
    pagings: Mutex<HashMap<Registry, Paging>>,
    pub(super) records: Mutex<Records>,
    pub(super) store: Arc<Store>,
    /// Whether what an earlier process has listed is asked for at once.
    pub(super) begins_anew: bool,
    trust_created: bool,
    /// A moment at which repositories are asked, in milliseconds since 1970.
    pub(super) offset: i64,
    pub(super) versions: AtomicU64,
}

impl Client {
    /// Makes a client. It sends nothing, but reads the credential files, so that a wrong path is
    /// known at the start.
    ///
    /// # Errors
    /// A credential file that cannot be read, or no TLS.
    pub fn new(options: Options) -> Result<Self, Error> {
        let limits = limits_by_host(&options.sites)?;
        let at_once =
            limits.values().filter_map(|limits| limits.concurrency).fold(options.host_concurrency, usize::max);
        let habits = Habits { connect_timeout: options.connect_timeout, idle: at_once };
        let wires = Wires::new(&options.sites, habits).map_err(|problem| Error::setup(Kind::Setup(problem)))?;
        let patience = Patience {
            timeout: options.timeout,
            stall: options.stall,
            attempts: options.attempts,
            retry_delay: options.retry_delay,
            max_retry_after: options.max_retry_after,
            probe_delay: options.probe_delay,
            concurrency: options.concurrency,
            limits: HostLimits { concurrency: Some(options.host_concurrency), ..HostLimits::default() },
            host_limits: limits,
        };
        let keychain = Keychain::open(options.docker_config, &options.sites, options.helper_folders, options.timeout)
            .map_err(|problem| Error::setup(Kind::Credential(problem)))?;
        Ok(Self {
            transport: Transport::new(patience, wires),
            login: Login::new(keychain),
            sites: options.sites,
            poll_interval: options.poll_interval,
            page_size: options.page_size.max(1),
            host_concurrency: options.host_concurrency.max(1),
            pagings: Mutex::default(),
            records: Mutex::default(),
            store: Arc::new(Store::open(options.store, Timestamp::now())),
            begins_anew: options.begins_anew,
            trust_created: options.trust_created,
            // Daemons start at different times.
            offset: Timestamp::now().as_millisecond(),
            versions: AtomicU64::new(0),
        })
    }

    /// What is known of each host that was asked so far, in the order of their names: how fast it is
    /// asked, what it has left for us, whether it is there at all.
    #[must_use]
    pub fn hosts(&self) -> Vec<HostStatus> {
        self.transport.hosts()
    }

    /// Whether the tags that were there at the first look count as old as the registry or the image says;
    /// else nobody knows how old they are, and they count from that look.
    #[must_use]
    pub fn trusts_created(&self) -> bool {
        self.trust_created
    }

    pub(super) async fn get(
        &self,
        repository: &Repository,
        url: Url,
        accept: &'static str,
        limit: usize,
    ) -> Result<Answer, Kind> {
        let ask = Ask { method: Method::Get, url, accept, authorization: None, limit };
        self.send(repository, ask).await
    }

    /// One request about a repository, logged in as far as its registry asks for it.
    pub(super) async fn send(&self, repository: &Repository, ask: Ask) -> Result<Answer, Kind> {
        self.login.send(&self.transport, self.door(repository), ask).await
    }

    /// A status that is no answer, with what a person can do about it.
    pub(super) async fn refusal(&self, repository: &Repository, answer: &Answer) -> Kind {
        let registry = repository.registry();
        let mend = match answer.status.as_u16() {
            401 | 403 => self.login.advice(repository).await,
            404 => format!(
                "check the spelling of {}; some registries also say this of a repository that one must log in to see{}",
                repository.path(),
                official_image(repository, &answer.headers)
            ),
            _ => format!("check that {registry} is a registry that speaks the OCI distribution API (`/v2/`)"),
        };
        let (request, status) = (answer.request.clone(), answer.status.as_u16());
        Kind::Refused { request, status, said: answer.said(), mend, retry_after: None }
    }

    pub(super) fn door<'a>(&self, repository: &'a Repository) -> Door<'a> {
        let registry = repository.registry();
        let is_set =
            |setting: fn(&Site) -> bool| self.sites.of_host(registry, |site| setting(site).then_some(())).is_some();
        let is_local = registry.is_loopback();
        let is_plain = is_local || is_set(|site| site.plain_http);
        Door { repository, is_plain, is_trusted: is_local || is_set(|site| site.credential_over_plain_http) }
    }

    /// How often a repository is asked for news.
    pub(super) fn interval(&self, repository: &Repository) -> Duration {
        self.sites.interval(repository).unwrap_or(self.poll_interval)
    }

    /// The repository that is asked for in place of this one, where a mirror is set.
    ///
    /// # Errors
    /// The mirror cannot have it.
    pub fn asked_as(&self, repository: &Repository) -> Result<Repository, Error> {
        self.asked(repository).map_err(|kind| Error::new(repository, kind))
    }

    /// Who tells dates of a repository.
    pub(super) fn dates_of(&self, asked: &Repository) -> Dates {
        self.sites.of(asked, |site| site.dates).unwrap_or_else(|| Dates::usual(asked))
    }

    /// A request with the user and password of the registry, where there are any, and no token.
    pub(super) async fn send_with_password(&self, repository: &Repository, ask: Ask) -> Result<Answer, Kind> {
        self.login.send_with_password(&self.transport, self.door(repository), ask).await
    }

    pub(super) async fn send_without_name(&self, registry: &Registry, ask: &Ask) -> Result<Answer, Kind> {
        self.transport.send(registry, ask).await
    }

    pub(super) async fn find_who(&self, repository: &Repository) -> Result<Option<String>, Kind> {
        self.login.who(repository).await
    }

    pub(super) fn asked(&self, repository: &Repository) -> Result<Repository, Kind> {
        self.sites.asked(repository).map_err(Kind::Mirror)
    }

    /// How the registry pages, as far as it is known.
    pub(super) fn paging(&self, registry: &Registry) -> Paging {
        self.pagings().get(registry).copied().unwrap_or(Paging { size: self.page_size, silence: Silence::Untried })
    }

    pub(super) fn pagings(&self) -> std::sync::MutexGuard<'_, HashMap<Registry, Paging>> {
        self.pagings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A hint for whoever asks a mirror of Docker Hub for an official image by its short name. It is not
/// followed by itself: what has that longer name may be another image.
fn official_image(repository: &Repository, headers: &HeaderMap) -> String {
    let registry = repository.registry();
    let is_artifactory = headers.contains_key("x-jfrog-version") || headers.contains_key("x-artifactory-id");
    let longer = match repository.path().split('/').collect::<Vec<_>>()[..] {
        [name] => format!("{registry}/library/{name}"),
        [mirror, name] if is_artifactory => format!("{registry}/{mirror}/library/{name}"),
        _ => return String::new(),
    };
    format!("; if it is an official image of Docker Hub, write {longer}")
}

/// The limits by host and port, as the throttle knows hosts.
fn limits_by_host(sites: &Sites) -> Result<BTreeMap<String, HostLimits>, Error> {
    let limited = sites.iter().filter(|site| site.limits != HostLimits::default());
    let by_host = |site: &Site| {
        let problem = |problem| Error::setup(Kind::Setup(format!("the limits of {}: {problem}", site.prefix)));
        if let Some(found) = site.limits.problem() {
            return Err(problem(found));
        }
        let host = site.prefix.registry();
        let scheme = if host.is_loopback() || site.plain_http { "http" } else { "https" };
        let url = Url::parse(&format!("{scheme}://{}/", host.api_host()));
        Ok((transport::host_and_port(&url.map_err(|error| problem(error.to_string()))?), site.limits))
    };
    limited.map(by_host).collect()
}

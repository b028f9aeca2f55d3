//! The two questions that are asked of registries. Knows the distribution API; how to log
//! in, to wait and to try again is the business of the modules below.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use reqwest::header::{self, HeaderMap};
use serde::{Deserialize, Deserializer};
use tokio::time::Instant;
use url::Url;

use super::error::{self, Error, Kind};
use super::hosts::HostStatus;
use super::keychain::Keychain;
use super::login::{Door, Login};
use super::metadata::{self, Lead};
use super::options::{HostLimits, Options};
use super::site::{Site, Sites};
use super::store::{Configs, Created, Listed, Record};
use super::transport::{self, Answer, Ask, Method, Patience, Transport};
use super::walk::{Paging, Walk};
use super::wire::{Habits, Wires};
use crate::image::{Digest, Registry, Repository, Tag};

/// The most tags of one repository.
const MAX_TAGS: usize = 1_000_000;

/// The largest tag list over all its pages, in bytes.
const LIST_LIMIT: usize = 64 << 20;

/// The largest manifest or image configuration, in bytes; the size that registries themselves allow.
pub(super) const MANIFEST_LIMIT: usize = 4 << 20;

/// How deep an index may hold an index.
const MAX_DEPTH: usize = 3;

/// Every tag of a repository, each once, in the order of the bytes. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    tags: Arc<[Tag]>,
    malformed: usize,
}

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
    host_concurrency: usize,
    pagings: Mutex<HashMap<Registry, Paging>>,
    records: Mutex<HashMap<Repository, Arc<Record>>>,
    configs: Mutex<Configs>,
}

impl Listing {
    /// The tags.
    #[must_use]
    pub fn tags(&self) -> &[Tag] {
        &self.tags
    }

    /// How many names in the answer were no tags by the grammar and were left out.
    #[must_use]
    pub fn malformed(&self) -> usize {
        self.malformed
    }
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
            configs: Mutex::default(),
        })
    }

    /// What is known of each host that was asked so far, in the order of their names: how fast it is
    /// asked, what it has left for us, whether it is there at all.
    #[must_use]
    pub fn hosts(&self) -> Vec<HostStatus> {
        self.transport.hosts()
    }

    /// The tags of a repository: all of them, or an error.
    ///
    /// Answered from memory while the last good answer is younger than the poll interval. An error
    /// is not remembered; only those who were waiting for the same answer share it.
    ///
    /// # Errors
    /// Everything that keeps the list from being complete and believed: no connection, a refusal, a
    /// page that cannot be read, a next page on another host, pages without end.
    pub async fn tags(&self, repository: &Repository) -> Result<Listing, Error> {
        let record = self.record_of(repository);
        let interval = self.interval(repository);
        let asked = Instant::now();
        let mut listed = record.listing.lock().await;
        match &*listed {
            Listed { good: Some((at, listing)), .. } if at.elapsed() < interval || *at >= asked => {
                return Ok(listing.clone());
            }
            Listed { failed: Some((at, error)), .. } if *at >= asked => return Err(error.clone()),
            _ => {}
        }
        match self.list(&self.asked(repository)).await {
            Ok(listing) => {
                record.created.lock().await.retain(|tag, _| listing.tags.binary_search(tag).is_ok());
                *listed = Listed { good: Some((Instant::now(), listing.clone())), failed: None };
                Ok(listing)
            }
            Err(kind) => {
                let error = Error::new(repository, kind);
                listed.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// How often a repository is asked for its tags.
    pub(super) fn interval(&self, repository: &Repository) -> Duration {
        self.sites.interval(repository).unwrap_or(self.poll_interval)
    }

    /// The repository that is asked for in place of this one, where a mirror is set.
    pub(super) fn asked(&self, repository: &Repository) -> Repository {
        self.sites.asked(repository)
    }

    /// When the images of `tags` were made, by their configurations, in the order of `tags`.
    ///
    /// `None` for what has no such time: signatures, charts, images that leave it out. The epoch
    /// for images that were built without a clock. A tag that is gone since it was listed is left
    /// out. An index is judged by its linux/amd64 image, else by its first. Remembered as long as
    /// the tag is listed.
    ///
    /// # Errors
    /// One tag that could not be asked for fails the whole call: half of the times would make the
    /// newest of a half.
    pub async fn created(&self, repository: &Repository, tags: &[Tag]) -> Result<Vec<(Tag, Option<Timestamp>)>, Error> {
        let record = self.record_of(repository);
        let mut known = record.created.lock().await;
        let asked = self.asked(repository);
        let missing: BTreeSet<&Tag> = tags.iter().filter(|tag| !known.contains_key(*tag)).collect();
        let lookups = missing.into_iter().map(async |tag| (tag, self.look_up(&asked, tag).await));
        let mut lookups = stream::iter(lookups).buffer_unordered(self.host_concurrency);
        while let Some((tag, found)) = lookups.next().await {
            if let Some(created) = found.map_err(|kind| Error::new(repository, kind))? {
                known.insert(tag.clone(), created);
            }
        }
        Ok(tags.iter().filter_map(|tag| Some((tag.clone(), known.get(tag)?.0))).collect())
    }

    /// All pages of the tag list.
    async fn list(&self, repository: &Repository) -> Result<Listing, Kind> {
        let list = self.door(repository).url("tags/list")?;
        let mut walk = Walk::new(list.clone(), self.paging(repository.registry()));
        let (mut tags, mut malformed, mut budget) = (Vec::new(), 0, LIST_LIMIT);
        loop {
            let answer = self.get(repository, walk.page().clone(), "application/json", budget).await?;
            if answer.status.as_u16() != 200 {
                let Some(size) = walk.smaller(answer.status.as_u16(), &answer.body) else {
                    return Err(self.refusal(repository, &answer).await);
                };
                tracing::debug!(%repository, size, "the registry wants to give smaller pages");
                let paging = Paging { size, ..walk.paging() };
                self.pagings().insert(repository.registry().clone(), paging);
                walk = Walk::new(list.clone(), paging);
                (tags, malformed, budget) = (Vec::new(), 0, LIST_LIMIT);
                continue;
            }
            let unusable = |problem: String| Kind::Unusable { request: answer.request.clone(), problem };
            let names = read_page(&answer.body).map_err(&unusable)?;
            let links =
                answer.headers.get_all(header::LINK).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
            let links: Vec<_> = links.collect();
            let more = walk.turn(links.iter().map(AsRef::as_ref), &names).map_err(&unusable)?;
            for name in names {
                match Tag::parse(&name) {
                    Ok(tag) => tags.push(tag),
                    Err(_) => malformed += 1,
                }
            }
            budget -= answer.body.len();
            if !more {
                break;
            }
            if tags.len() > MAX_TAGS {
                let problem =
                    format!("the tag list has more than {MAX_TAGS} tags and was not read to its end; delete old tags");
                return Err(unusable(problem));
            }
        }
        self.pagings().insert(repository.registry().clone(), walk.paging());
        tags.sort_unstable();
        tags.dedup();
        if malformed > 0 {
            tracing::debug!(%repository, malformed, "names that are no tags were left out");
        }
        tracing::debug!(%repository, tags = tags.len(), pages = walk.pages(), "tag list read");
        Ok(Listing { tags: tags.into(), malformed })
    }

    /// The created time of one tag; `None` when the tag is gone.
    async fn look_up(&self, repository: &Repository, tag: &Tag) -> Result<Option<Created>, Kind> {
        let Some(manifest) = self.content(repository, "manifests", tag.as_str(), metadata::ACCEPT_MANIFEST).await?
        else {
            return Ok(None);
        };
        let mut lead = metadata::lead(&manifest.body);
        for _ in 0..MAX_DEPTH {
            let Lead::Child(digest) = &lead else { break };
            let child = self.verified(repository, "manifests", digest, metadata::ACCEPT_MANIFEST).await?;
            lead = child.map_or(Lead::Nowhere, |child| metadata::lead(&child));
        }
        match lead {
            Lead::Created(time) => Ok(Some(Created(Some(time)))),
            Lead::Config(digest) => self.config_created(repository, digest).await.map(Some),
            Lead::Child(_) | Lead::Nowhere => {
                tracing::debug!(%repository, %tag, "no image, so no created time");
                Ok(Some(Created(None)))
            }
        }
    }

    async fn config_created(&self, repository: &Repository, digest: Digest) -> Result<Created, Kind> {
        if let Some(created) = self.configs().created(&digest) {
            return Ok(created);
        }
        let Some(config) = self.verified(repository, "blobs", &digest, "*/*").await? else {
            return Ok(Created(None));
        };
        let created = Created(metadata::created(&config));
        self.configs().remember(digest, created);
        Ok(created)
    }

    /// The content with this digest, proved; `None` when the registry does not have it.
    async fn verified(
        &self,
        repository: &Repository,
        kind: &str,
        digest: &Digest,
        accept: &'static str,
    ) -> Result<Option<Vec<u8>>, Kind> {
        let content = self.content(repository, kind, digest.as_str(), accept).await?;
        if let Some(content) = &content
            && !digest.is_of(&content.body)
        {
            let problem =
                "the content does not have the digest it was asked by; the registry, or a proxy on the way, is broken";
            return Err(Kind::Unusable { request: content.request.clone(), problem: problem.to_owned() });
        }
        Ok(content.map(|content| content.body))
    }

    /// A manifest or blob as the registry has it; `None` when it does not.
    async fn content(
        &self,
        repository: &Repository,
        kind: &str,
        name: &str,
        accept: &'static str,
    ) -> Result<Option<Answer>, Kind> {
        let url = self.door(repository).url(&format!("{kind}/{name}"))?;
        let answer = self.get(repository, url, accept, MANIFEST_LIMIT).await?;
        match answer.status.as_u16() {
            200 => Ok(Some(answer)),
            404 => Ok(None),
            _ => Err(self.refusal(repository, &answer).await),
        }
    }

    async fn get(&self, repository: &Repository, url: Url, accept: &'static str, limit: usize) -> Result<Answer, Kind> {
        let ask =
            Ask { home: repository.registry().clone(), method: Method::Get, url, accept, authorization: None, limit };
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
        Kind::Refused { request, status, said: error::said(&answer.body), mend, retry_after: None }
    }

    pub(super) fn door<'a>(&self, repository: &'a Repository) -> Door<'a> {
        let registry = repository.registry();
        let is_set =
            |setting: fn(&Site) -> bool| self.sites.of_host(registry, |site| setting(site).then_some(())).is_some();
        let is_local = registry.is_loopback();
        let is_plain = is_local || is_set(|site| site.plain_http);
        Door { repository, is_plain, is_trusted: is_local || is_set(|site| site.credential_over_plain_http) }
    }

    /// How the registry pages, as far as it is known.
    fn paging(&self, registry: &Registry) -> Paging {
        self.pagings().get(registry).copied().unwrap_or(Paging { size: self.page_size, links: false })
    }

    fn pagings(&self) -> std::sync::MutexGuard<'_, HashMap<Registry, Paging>> {
        self.pagings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record_of(&self, repository: &Repository) -> Arc<Record> {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(records.entry(repository.clone()).or_default())
    }

    fn configs(&self) -> std::sync::MutexGuard<'_, Configs> {
        self.configs.lock().unwrap_or_else(PoisonError::into_inner)
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

/// The names on one page. `"tags": null` is an empty page, as some registries write it; a page
/// without `tags` is none.
fn read_page(body: &[u8]) -> Result<Vec<String>, String> {
    #[derive(Deserialize)]
    struct Page {
        #[serde(deserialize_with = "null_is_empty")]
        tags: Vec<String>,
    }
    fn null_is_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
        Ok(Option::deserialize(deserializer)?.unwrap_or_default())
    }
    serde_json::from_slice::<Page>(body).map(|page| page.tags).map_err(|error| {
        let start = body.trim_ascii_start();
        if start.first() == Some(&b'<') {
            "the answer is a web page and no tag list; check that this is the address of a registry".to_owned()
        } else if let Some(said) = error::said(body) {
            format!("the answer is no tag list but says: {said}")
        } else {
            format!("the answer is no tag list ({error}); this is a fault of the registry")
        }
    })
}

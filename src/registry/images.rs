//! When the images behind tags were made: looked up for the tags that somebody asks about, and once. And
//! whether the tags that are in use still point at the images that they pointed at.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::Ordering;

use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;

use super::client::{Client, MANIFEST_LIMIT};
use super::digest;
use super::error::{Error, Kind};
use super::look::Record;
use super::metadata::{self, Lead};
use super::schedule;
use super::store::{Config, Created, Fact, Store};
use super::transport::Answer;
use crate::image::{Digest, Repository, Tag};

/// How deep an index may hold an index.
const MAX_DEPTH: usize = 3;

/// How often it is asked what a tag in use points at, in milliseconds.
const CHECKED_EVERY: i64 = 24 * 60 * 60 * 1000;

impl Client {
    /// When the images of `tags` were made, by their configurations, in the order of `tags`.
    ///
    /// `None` for what has no such time: signatures, charts, images that leave it out. The epoch
    /// for images that were built without a clock. A tag that is gone since it was listed is left
    /// out. An index is judged by its linux/amd64 image, else by its first. Remembered as long as
    /// the tag is listed; a tag that was away is looked at again.
    ///
    /// # Errors
    /// One tag that could not be asked for fails the whole call: half of the times would make the
    /// newest of a half.
    pub async fn created(&self, repository: &Repository, tags: &[Tag]) -> Result<Vec<(Tag, Option<Timestamp>)>, Error> {
        if tags.is_empty() {
            return Ok(Vec::new());
        }
        let record = self.record_of(repository);
        let _turn = record.images.lock().await;
        let mut facts = self.with_store(repository, Store::facts).await;
        let is_known = |fact: &Fact| fact.created.is_some() && !fact.is_stale;
        let missing: BTreeSet<Tag> =
            tags.iter().filter(|tag| !facts.get(*tag).is_some_and(is_known)).cloned().collect();
        let mut failed = None;
        let mut is_changed = false;
        let asked = &self.asked(repository).map_err(|kind| Error::new(repository, kind))?;
        let lookups = missing.into_iter().map(|tag| async move {
            let found = self.look_up(asked, &tag).await;
            (tag, found)
        });
        let mut lookups = stream::iter(lookups).buffer_unordered(self.host_concurrency);
        while let Some((tag, found)) = lookups.next().await {
            match found {
                Ok(Some(found)) => {
                    is_changed = true;
                    let known = facts.entry(tag.clone()).or_default();
                    let before = std::mem::replace(known, Fact { pushed: known.pushed, ..found.clone() });
                    tell_if_moved(repository, &tag, before.digest, found.digest);
                }
                Ok(None) => is_changed |= facts.remove(&tag).is_some(),
                Err(kind) => {
                    failed = Some(kind);
                    break;
                }
            }
        }
        drop(lookups);
        let created = |tag: &Tag| Some((tag.clone(), facts.get(tag)?.created?.0));
        let found = tags.iter().filter_map(created).collect();
        if is_changed {
            // What was learnt before something failed need not be asked again.
            self.store.put_facts(repository, &facts);
        }
        failed.map_or(Ok(found), |kind| Err(Error::new(repository, kind)))
    }

    /// When the images of a repository's tags were made and pushed, as far as that is known. Asks nobody.
    pub async fn known_dates(&self, repository: &Repository) -> HashMap<Tag, (Option<Timestamp>, Option<Timestamp>)> {
        let facts = self.with_store(repository, Store::facts).await;
        facts.into_iter().map(|(tag, fact)| (tag, (fact.created.and_then(|created| created.0), fact.pushed))).collect()
    }

    /// Asks for the digests of those of these tags whose moment of the day has come since they were asked
    /// about last, and gives those that point at another image than then. The moments are spread over the
    /// day, and a process that starts knows of none that was missed, so this is a request now and then. No
    /// trouble with it is an error for anybody.
    pub async fn moved(&self, repository: &Repository, tags: &[&Tag], now: Timestamp) -> Vec<Tag> {
        let record = self.record_of(repository);
        let due = record.due_for_check(repository, tags, now.as_millisecond());
        let mut moved = Vec::new();
        if due.is_empty() {
            return moved;
        }
        let _turn = record.images.lock().await;
        let mut facts = self.with_store(repository, Store::facts).await;
        for tag in due {
            match self.digest(repository, &tag).await {
                Ok(None) => {}
                Ok(Some(digest)) => {
                    let fact = facts.entry(tag.clone()).or_default();
                    let before = fact.digest.replace(digest.clone());
                    if tell_if_moved(repository, &tag, before, Some(digest)) {
                        // Its time is that of another image.
                        fact.is_stale = true;
                        moved.push(tag);
                    }
                }
                Err(error) => tracing::debug!(%repository, %tag, %error, "what the tag points at is not to be had"),
            }
        }
        self.store.put_facts(repository, &facts);
        moved
    }

    /// What is behind a tag; `None` when the tag is gone.
    async fn look_up(&self, repository: &Repository, tag: &Tag) -> Result<Option<Fact>, Kind> {
        let Some(manifest) = self.content(repository, "manifests", tag.as_str(), metadata::ACCEPT_MANIFEST).await?
        else {
            return Ok(None);
        };
        let digest = digest::proved(&manifest)?;
        let image = self.image(repository, &manifest.body).await?;
        if image.is_none() {
            tracing::debug!(%repository, %tag, "no image, so no created time");
        }
        let created = Created(image.and_then(|image| image.created));
        Ok(Some(Fact { digest: Some(digest), created: Some(created), ..Fact::default() }))
    }

    /// What the configuration of the image says that a manifest leads to; `None` where it leads to none.
    pub(super) async fn image(&self, repository: &Repository, manifest: &[u8]) -> Result<Option<Config>, Kind> {
        let mut lead = metadata::lead(manifest);
        for _ in 0..MAX_DEPTH {
            let Lead::Child(digest) = &lead else { break };
            let child = self.verified(repository, "manifests", digest, metadata::ACCEPT_MANIFEST).await?;
            lead = child.map_or(Lead::Nowhere, |child| metadata::lead(&child));
        }
        match lead {
            Lead::Created(time) => Ok(Some(Config { created: Some(time), ..Config::default() })),
            Lead::Config(digest) => self.config(repository, digest).await,
            Lead::Child(_) | Lead::Nowhere => Ok(None),
        }
    }

    /// An image configuration: asked for once, however many tags and repositories have it.
    async fn config(&self, repository: &Repository, digest: Digest) -> Result<Option<Config>, Kind> {
        let now = Timestamp::now();
        if let Some(config) = self.store.config(&digest, now) {
            return Ok(Some(config));
        }
        let Some(config) = self.verified(repository, "blobs", &digest, "*/*").await? else { return Ok(None) };
        let config = metadata::config(&config);
        self.store.put_config(&digest, &config, now);
        Ok(Some(config))
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
    pub(super) async fn content(
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
}

impl Record {
    /// The tags whose moment came since this was asked before; none of them when it was not.
    fn due_for_check(&self, repository: &Repository, tags: &[&Tag], now: i64) -> Vec<Tag> {
        let before = self.checked.swap(now, Ordering::Relaxed);
        let is_due = |tag: &Tag| {
            let moment = schedule::moment(repository, tag.as_str(), CHECKED_EVERY);
            let day = |at: i64| (at - moment).div_euclid(CHECKED_EVERY);
            before != 0 && day(before) < day(now)
        };
        tags.iter().filter(|tag| is_due(tag)).map(|tag| (*tag).clone()).collect()
    }
}

/// Choosing is by name, so a tag that was moved changes nothing by itself; but whoever runs it should know.
/// Gives whether it was.
pub(super) fn tell_if_moved(repository: &Repository, tag: &Tag, before: Option<Digest>, now: Option<Digest>) -> bool {
    let (Some(before), Some(now)) = (before, now) else { return false };
    if before == now {
        return false;
    }
    tracing::warn!(%repository, %tag, %before, %now, "the tag was moved to another image");
    true
}

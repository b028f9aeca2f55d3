//! When tags were pushed, where a vendor tells it: asked for the tags that somebody wants to know it of, a few
//! pages at most, and never needed. Where it is not to be had, what we saw ourselves counts.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use super::client::Client;
use super::error::Kind;
use super::images::tell_if_moved;
use super::store::{Created, Facts, Store};
use super::transport::{Ask, Method};
use super::vendor::{Dates, Guest, Page, Row};
use crate::image::{Repository, Tag};

/// So many pages are asked for, the tags that were pushed last first. What is further behind was pushed long
/// ago, and what is long there is old enough by our own eyes.
const MAX_PAGES: usize = 5;

/// The largest page, in bytes.
const PAGE_LIMIT: usize = 8 << 20;

impl Client {
    /// When these tags were pushed last, as far as that is known. Where the registry's vendor tells it, that is
    /// asked for, whatever is known already: a tag may have been pushed again. No trouble with it is an error.
    pub async fn pushed(&self, repository: &Repository, tags: &[Tag]) -> HashMap<Tag, Timestamp> {
        if tags.is_empty() {
            return HashMap::new();
        }
        let record = self.record_of(repository);
        let _turn = record.images.lock().await;
        let mut facts = self.with_store(repository, Store::facts).await;
        let (asked, vendor) = match self.asked(repository) {
            Ok(asked) => (asked.clone(), self.dates_of(&asked)),
            Err(_) => (repository.clone(), Dates::Nobody),
        };
        let wanted: BTreeSet<&Tag> = tags.iter().collect();
        let is_known = |facts: &Facts, tag: &Tag| facts.get(tag).is_some_and(|fact| fact.pushed.is_some());
        let mut missing: BTreeSet<&Tag> = wanted.iter().copied().filter(|tag| !is_known(&facts, tag)).collect();
        let mut is_changed = false;
        for number in 1..=MAX_PAGES {
            let page = match self.dates_page(&asked, vendor, number).await {
                Ok(Some(page)) => page,
                Ok(None) => break,
                Err(kind) => {
                    tracing::debug!(%repository, error = %kind, "when its tags were pushed is not told");
                    break;
                }
            };
            let rows: Vec<Row> = page.rows.into_iter().filter(|row| wanted.contains(&row.tag)).collect();
            missing.retain(|tag| rows.iter().all(|row| row.tag != **tag));
            is_changed |= learn_dates(repository, &mut facts, rows);
            if page.is_last || missing.is_empty() {
                break;
            }
        }
        if is_changed {
            self.store.put_facts(repository, &facts);
        }
        tags.iter().filter_map(|tag| Some((tag.clone(), facts.get(tag)?.pushed?))).collect()
    }

    async fn dates_page(&self, asked: &Repository, vendor: Dates, number: usize) -> Result<Option<Page>, Kind> {
        let Some(url) = vendor.page(asked, &self.door(asked).front_door()?, number) else { return Ok(None) };
        let ask = Ask { method: Method::Get, url, accept: "application/json", authorization: None, limit: PAGE_LIMIT };
        let answer = match vendor.guest() {
            Guest::Nobody => self.send_without_name(asked.registry(), &ask).await?,
            Guest::User => self.send_with_password(asked, ask).await?,
            Guest::Registry => self.send(asked, ask).await?,
        };
        if answer.status.as_u16() != 200 {
            return Err(self.refusal(asked, &answer).await);
        }
        let page = vendor.read(&answer.body).map_err(|error| Kind::Unusable {
            request: answer.request.clone(),
            problem: format!("the answer is no list of tags with their times ({error})"),
        });
        page.map(Some)
    }
}

/// Takes in what is told of tags; whether that is anything new. An image that is another one now has to be looked
/// at again.
pub(super) fn learn_dates(repository: &Repository, facts: &mut Facts, rows: Vec<Row>) -> bool {
    let mut is_changed = false;
    for Row { tag, pushed, created, digest } in rows {
        let fact = facts.entry(tag.clone()).or_default();
        let before = fact.clone();
        if let (Some(known), Some(now)) = (&fact.digest, &digest)
            && known != now
        {
            tell_if_moved(repository, &tag, fact.digest.clone(), digest.clone());
            (fact.digest, fact.is_stale) = (digest, true);
        }
        fact.pushed = pushed.or(fact.pushed);
        if created.is_some() {
            (fact.created, fact.is_stale) = (Some(Created(created)), false);
        }
        is_changed |= *fact != before;
    }
    is_changed
}

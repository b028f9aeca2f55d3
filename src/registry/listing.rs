//! All pages of a tag list, or that they are the ones that are known.
//!
//! A known list is asked for page by page with the registry's own validators where it gave any, else the
//! bodies are compared by their fingerprints: a list that is the same is neither parsed nor loaded.
//!
//! No page is left out because those before it have not changed. Tags are listed in the order of their
//! bytes, or in one that registries keep to themselves, so a new one may be on any page. That is why pages
//! are as large as the registry gives them, and mostly there is one.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use reqwest::header::{self, HeaderMap, HeaderName};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use url::{Position, Url};

use super::client::Client;
use super::error::Kind;
use super::transport::{Answer, Ask, Known, Method};
use super::vendor::{Row, google};
use super::walk::{Paging, Walk};
use crate::image::{Digest, Repository, Tag};

/// The most tags of one repository.
const MAX_TAGS: usize = 1_000_000;

/// The largest tag list over all its pages, in bytes.
const LIST_LIMIT: usize = 64 << 20;

const LIST_TYPE: &str = "application/json";

/// By what a list is known again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Marks {
    pub(super) pages: Vec<Page>,
}

/// By what one page of it is known again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    /// Path and query of its address.
    pub(super) target: Box<str>,
    pub(super) etag: Option<Box<str>>,
    /// What its `Last-Modified` said.
    pub(super) modified: Option<Box<str>>,
    /// Of its body, and of the word that there is another page.
    pub(super) hash: [u8; 16],
}

/// What a registry says of its tags.
#[derive(Debug)]
pub(super) enum Listed {
    /// The list is the one that is known. Its marks may be others.
    Same(Marks),
    /// It is this.
    Other(List),
}

/// A whole list.
#[derive(Debug)]
pub(super) struct List {
    /// Each once, in the order of the bytes.
    pub(super) tags: Vec<Tag>,
    /// How many names were no tags by the grammar.
    pub(super) malformed: usize,
    pub(super) marks: Marks,
    /// What the list itself tells of them beside their names.
    pub(super) rows: Vec<Row>,
}

impl Client {
    /// All pages of the tag list, or the word that they are the `known` ones. With `condition` the registry
    /// may say so itself.
    pub(super) async fn list(&self, repository: &Repository, known: &Marks, condition: bool) -> Result<Listed, Kind> {
        let list = self.door(repository).url("tags/list")?;
        let mut walk = Walk::new(list.clone(), self.paging(repository.registry()));
        let mut answers = HashMap::new();
        if known.pages.first().is_some_and(|page| *page.target == walk.page()[Position::BeforePath..])
            && let Some(marks) = self.is_same(repository, known, condition, walk.page(), &mut answers).await?
        {
            return Ok(Listed::Same(marks));
        }
        let (mut tags, mut malformed, mut marks, mut budget) = (Vec::new(), 0, Marks::default(), LIST_LIMIT);
        let mut rows = Vec::new();
        let mut contents = HashSet::new();
        loop {
            // What was asked for to compare it need not be asked for again.
            let answer = match answers.remove(&walk.page()[Position::BeforePath..]) {
                Some(answer) => answer,
                None => self.get(repository, walk.page().clone(), LIST_TYPE, budget).await?,
            };
            if answer.status.as_u16() != 200 {
                let Some(size) = walk.smaller(answer.status.as_u16(), &answer.body) else {
                    return Err(self.refusal(repository, &answer).await);
                };
                tracing::debug!(%repository, size, "the registry wants to give smaller pages");
                let paging = Paging { size, ..walk.paging() };
                self.pagings().insert(repository.registry().clone(), paging);
                walk = Walk::new(list.clone(), paging);
                (tags, malformed, marks, budget) = (Vec::new(), 0, Marks::default(), LIST_LIMIT);
                contents.clear();
                rows.clear();
                continue;
            }
            let unusable = |problem: String| answer.unusable(&problem);
            let Names { names, mut told } = read_page(&answer).map_err(&unusable)?;
            rows.append(&mut told);
            let mut page = Page::of(walk.page(), &answer);
            let (is_trial, is_probe) = (walk.is_trial(), walk.is_probing());
            let is_new = !is_trial && (names.is_empty() || contents.insert(content(&names)));
            let links = links(&answer.headers);
            let more = walk.turn(links.iter().map(String::as_str), &names).map_err(&unusable)?;
            if !is_new && !is_probe {
                let problem = "a page of the tag list repeats one before it, so others may be missing; this is a fault of \
                               the registry, or of a proxy before it";
                return Err(unusable(problem.to_owned()));
            }
            if is_new {
                if links.is_empty() && names.len() >= walk.paging().size {
                    // Behind a full page there may be another one some day. The word of that is a header, and
                    // a validator is about the body.
                    (page.etag, page.modified) = (None, None);
                }
                marks.pages.push(page);
            }
            budget -= answer.body.len();
            for name in names.into_iter().filter(|_| !is_trial) {
                match Tag::parse(&name) {
                    Ok(tag) => tags.push(tag),
                    Err(_) => malformed += 1,
                }
            }
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
        rows.retain(|row: &Row| tags.binary_search(&row.tag).is_ok());
        Ok(Listed::Other(List { tags, malformed, marks, rows }))
    }

    /// Asks for every known page; its new marks when all are what they were. Otherwise what came is left in
    /// `answers`, by path and query.
    async fn is_same(
        &self,
        repository: &Repository,
        known: &Marks,
        condition: bool,
        first: &Url,
        answers: &mut HashMap<String, Answer>,
    ) -> Result<Option<Marks>, Kind> {
        let mut marks = Marks::default();
        for page in &known.pages {
            let Ok(url) = first.join(&page.target) else { return Ok(None) };
            let has_validator = page.etag.is_some() || page.modified.is_some();
            let method = if condition && has_validator {
                Method::GetUnless(Known { etag: page.etag.clone(), modified: page.modified.clone() })
            } else {
                Method::Get
            };
            let is_conditional = matches!(method, Method::GetUnless(_));
            let ask = Ask { method, url: url.clone(), accept: LIST_TYPE, authorization: None, limit: LIST_LIMIT };
            let answer = self.send(repository, ask).await?;
            if answer.status.as_u16() == 304 && is_conditional {
                marks.pages.push(page.clone());
                continue;
            }
            let mut now = Page::of(&url, &answer);
            let is_same = answer.status.as_u16() == 200 && now.hash == page.hash;
            if !has_validator {
                // Perhaps it was left out for a reason.
                (now.etag, now.modified) = (None, None);
            }
            answers.insert(page.target.to_string(), answer);
            if !is_same {
                return Ok(None);
            }
            marks.pages.push(now);
        }
        Ok(Some(marks))
    }
}

impl Page {
    fn of(url: &Url, answer: &Answer) -> Self {
        let text = |name: HeaderName| Some(answer.headers.get(name)?.to_str().ok()?.into());
        let links = links(&answer.headers).join(",");
        Self {
            target: url[Position::BeforePath..].into(),
            etag: text(header::ETAG),
            modified: text(header::LAST_MODIFIED),
            hash: Digest::fingerprint(&[&answer.body, links.as_bytes()]),
        }
    }
}

fn links(headers: &HeaderMap) -> Vec<String> {
    headers.get_all(header::LINK).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
}

fn content(names: &[String]) -> u64 {
    let mut hasher = DefaultHasher::new();
    names.hash(&mut hasher);
    hasher.finish()
}

/// What stands on one page: names, and what may be told of them.
struct Names {
    names: Vec<String>,
    told: Vec<Row>,
}

/// The names on one page. `"tags": null` is an empty page, as some registries write it; a page
/// without `tags` is none.
fn read_page(answer: &Answer) -> Result<Names, String> {
    #[derive(Deserialize)]
    struct Page {
        #[serde(deserialize_with = "null_is_empty")]
        tags: Vec<String>,
        /// Of Google's registries alone. Whatever else stands here is nobody's fault.
        manifest: Option<Value>,
    }
    fn null_is_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
        Ok(Option::deserialize(deserializer)?.unwrap_or_default())
    }
    let told = |manifest: Option<Value>| {
        manifest
            .and_then(|manifest| serde_json::from_value(manifest).ok())
            .map_or_else(Vec::new, |told| google::rows(&told))
    };
    let body = &answer.body;
    serde_json::from_slice::<Page>(body).map(|page| Names { names: page.tags, told: told(page.manifest) }).map_err(
        |error| {
            let start = body.trim_ascii_start();
            if start.first() == Some(&b'<') {
                "the answer is a web page and no tag list; check that this is the address of a registry".to_owned()
            } else if let Some(said) = answer.said() {
                format!("the answer is no tag list but says: {said}")
            } else {
                format!("the answer is no tag list ({error}); this is a fault of the registry")
            }
        },
    )
}

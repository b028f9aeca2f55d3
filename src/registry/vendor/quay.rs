//! Quay's own API: `GET /api/v1/repository/{path}/tag/`. It wants a token of its own for what is not for
//! everybody, so it is asked without a name.

use jiff::Timestamp;
use serde::Deserialize;
use url::Url;

use super::{PAGE, Page, Row, digest};
use crate::image::Tag;

#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    tags: Vec<Told>,
    #[serde(default)]
    has_additional: bool,
}

#[derive(Deserialize)]
struct Told {
    name: String,
    /// In seconds since 1970.
    start_ts: Option<i64>,
    /// Set for what is in the history alone.
    end_ts: Option<i64>,
    manifest_digest: Option<String>,
}

pub(super) fn page(path: &str, registry: &Url, number: usize) -> Option<Url> {
    let mut url = registry.join(&format!("/api/v1/repository/{path}/tag/")).ok()?;
    let (size, number) = (PAGE.to_string(), number.to_string());
    url.query_pairs_mut().extend_pairs([("onlyActiveTags", "true"), ("limit", &*size), ("page", &number)]);
    Some(url)
}

pub(super) fn read(body: &[u8]) -> Result<Page, serde_json::Error> {
    let listed: Listed = serde_json::from_slice(body)?;
    let row = |told: Told| {
        Some(Row {
            tag: Tag::parse(&told.name).ok()?,
            pushed: told.start_ts.filter(|start| *start > 0).and_then(|start| Timestamp::from_second(start).ok()),
            created: None,
            digest: digest(told.manifest_digest.as_deref()),
        })
    };
    let rows = listed.tags.into_iter().filter(|told| told.end_ts.is_none()).filter_map(row).collect();
    Ok(Page { rows, is_last: !listed.has_additional })
}

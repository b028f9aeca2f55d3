//! The API of GitLab's own registry: `GET /gitlab/v1/repositories/{path}/tags/list/`, on the registry's host and
//! with the same token as the distribution API. It is there where the registry keeps its metadata in a
//! database, as on GitLab.com.

use serde::Deserialize;
use url::Url;

use super::{Page, Row, digest, time};
use crate::image::Tag;

/// The most that it gives at a time.
const PAGE: &str = "1000";

#[derive(Deserialize)]
struct Listed {
    name: String,
    digest: Option<String>,
    /// When the tag was pushed first.
    created_at: Option<String>,
    /// When it was pushed again; missing or empty where it never was.
    updated_at: Option<String>,
}

/// The first page, of the tags that were published last. The next one is known by a marker and not by its
/// number, and what is on it was pushed long ago.
pub(super) fn page(path: &str, registry: &Url, number: usize) -> Option<Url> {
    let mut url = registry.join(&format!("/gitlab/v1/repositories/{path}/tags/list/")).ok().filter(|_| number == 1)?;
    url.query_pairs_mut().extend_pairs([("n", PAGE), ("sort", "-published_at")]);
    Some(url)
}

pub(super) fn read(body: &[u8]) -> Result<Page, serde_json::Error> {
    let listed: Vec<Listed> = serde_json::from_slice(body)?;
    let row = |listed: Listed| {
        let tag = Tag::parse(&listed.name).ok()?;
        let pushed = time(listed.created_at.as_deref()).max(time(listed.updated_at.as_deref()));
        Some(Row { tag, pushed, created: None, digest: digest(listed.digest.as_deref()) })
    };
    Ok(Page { rows: listed.into_iter().filter_map(row).collect(), is_last: true })
}

//! Docker Hub's web API: `GET https://hub.docker.com/v2/namespaces/{namespace}/repositories/{name}/tags`.

use serde::Deserialize;
use url::Url;

use super::{PAGE, Page, Row, digest, time};
use crate::image::Tag;

#[derive(Deserialize)]
struct Listed {
    next: Option<String>,
    #[serde(default)]
    results: Vec<Option<Result>>,
}

/// Old tags have neither digest nor time.
#[derive(Deserialize)]
struct Result {
    name: Option<String>,
    tag_last_pushed: Option<String>,
    digest: Option<String>,
}

/// It is another host than that of the registry, so nobody's password goes there.
pub(super) fn page(path: &str, number: usize) -> Option<Url> {
    let (namespace, name) = path.split_once('/').filter(|(_, name)| !name.contains('/'))?;
    let mut url = Url::parse("https://hub.docker.com/v2/namespaces").ok()?;
    url.path_segments_mut().ok()?.extend([namespace, "repositories", name, "tags"]);
    let (size, number) = (PAGE.to_string(), number.to_string());
    url.query_pairs_mut().extend_pairs([("page_size", &*size), ("page", &number), ("ordering", "last_updated")]);
    Some(url)
}

pub(super) fn read(body: &[u8]) -> std::result::Result<Page, serde_json::Error> {
    let listed: Listed = serde_json::from_slice(body)?;
    let row = |result: Result| {
        Some(Row {
            tag: Tag::parse(&result.name?).ok()?,
            pushed: time(result.tag_last_pushed.as_deref()),
            created: None,
            digest: digest(result.digest.as_deref()),
        })
    };
    let rows = listed.results.into_iter().flatten().filter_map(row).collect();
    Ok(Page { rows, is_last: listed.next.is_none() })
}

//! Harbor's own API: `GET /api/v2.0/projects/{project}/repositories/{name}/artifacts`. It takes the user and
//! password of the registry.

use serde::Deserialize;
use url::Url;

use super::{PAGE, Page, Row, digest, time};
use crate::image::Tag;

#[derive(Deserialize)]
struct Artifact {
    digest: Option<String>,
    push_time: Option<String>,
    /// `null` for what no tag names.
    tags: Option<Vec<Named>>,
    extra_attrs: Option<Attributes>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
    push_time: Option<String>,
}

/// What Harbor read out of the image configuration.
#[derive(Deserialize)]
struct Attributes {
    created: Option<String>,
}

/// The project is the first part of the path. What is behind it may hold `/`, which has to be escaped twice.
pub(super) fn page(path: &str, registry: &Url, number: usize) -> Option<Url> {
    let (project, name) = path.split_once('/')?;
    let name = name.replace('/', "%252F");
    let mut url = registry.join(&format!("/api/v2.0/projects/{project}/repositories/{name}/artifacts")).ok()?;
    let (size, number) = (PAGE.to_string(), number.to_string());
    url.query_pairs_mut().extend_pairs([
        ("with_tag", "true"),
        ("sort", "-push_time"),
        ("page_size", &*size),
        ("page", &number),
    ]);
    Some(url)
}

pub(super) fn read(body: &[u8]) -> Result<Page, serde_json::Error> {
    let artifacts: Vec<Artifact> = serde_json::from_slice(body)?;
    let is_last = artifacts.len() < PAGE;
    let mut rows = Vec::new();
    for artifact in artifacts {
        let created = time(artifact.extra_attrs.as_ref().and_then(|attributes| attributes.created.as_deref()));
        for named in artifact.tags.into_iter().flatten() {
            let Ok(tag) = Tag::parse(&named.name) else { continue };
            // A tag may be given to an image long after it was pushed.
            let pushed = time(named.push_time.as_deref()).max(time(artifact.push_time.as_deref()));
            rows.push(Row { tag, pushed, created, digest: digest(artifact.digest.as_deref()) });
        }
    }
    Ok(Page { rows, is_last })
}

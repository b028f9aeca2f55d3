//! The tag lists of Google's registries (`gcr.io`, `pkg.dev`), which say beside the names what they point at:
//! `{"tags": […], "manifest": {"sha256:…": {"tag": […], "timeCreatedMs": "…", "timeUploadedMs": "…"}}}`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Row, milliseconds};
use crate::image::{Digest, Tag};

/// What stands in `manifest`, by digest.
pub(in crate::registry) type Manifests = BTreeMap<String, Value>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    #[serde(default)]
    tag: Vec<String>,
    time_created_ms: Option<String>,
    time_uploaded_ms: Option<String>,
}

/// What is told of each tag. What is odd in an entry hides that entry and no other.
pub(in crate::registry) fn rows(manifests: &Manifests) -> Vec<Row> {
    let mut rows = Vec::new();
    for (digest, manifest) in manifests {
        let Ok(manifest) = Manifest::deserialize(manifest) else { continue };
        for tag in manifest.tag.iter().filter_map(|tag| Tag::parse(tag).ok()) {
            rows.push(Row {
                tag,
                pushed: manifest.time_uploaded_ms.as_deref().and_then(milliseconds),
                // Zero for an index, and for an image that was built without a clock; then the image is asked.
                created: manifest.time_created_ms.as_deref().and_then(milliseconds),
                digest: Digest::parse(digest).ok(),
            });
        }
    }
    rows
}

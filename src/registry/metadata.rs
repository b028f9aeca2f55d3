//! Manifest, index and image configuration → when the image was made. Pure: reads bytes, fetches nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;
use oci_distribution::config::{Architecture, Os};
use oci_distribution::manifest::{
    IMAGE_CONFIG_MEDIA_TYPE, IMAGE_DOCKER_CONFIG_MEDIA_TYPE, IMAGE_MANIFEST_LIST_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE,
    ImageIndexEntry, OCI_IMAGE_INDEX_MEDIA_TYPE, OCI_IMAGE_MEDIA_TYPE, OciImageManifest,
};
use serde::Deserialize;
use serde_json::Value;

use super::store::Config;
use crate::image::Digest;

/// What a manifest request accepts: the image manifests and indexes of OCI and Docker.
pub(super) const ACCEPT_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json, \
     application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.v2+json, \
     application/vnd.docker.distribution.manifest.list.v2+json";

/// The longest label that is kept, in bytes. Sources are URLs, and revisions are commits.
const LABEL_LIMIT: usize = 1024;

/// Where a manifest says that the created time stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lead {
    /// In the image configuration, the blob with this digest.
    Config(Digest),
    /// In the manifest of one platform, with this digest.
    Child(Digest),
    /// Here.
    Created(Timestamp),
    /// Nowhere: a signature, a chart, an index without an image, or no manifest at all.
    Nowhere,
}

/// Reads a manifest. The body decides what it is: `mediaType` is optional in OCI, and the
/// `Content-Type` of some registries is wrong.
pub(super) fn lead(body: &[u8]) -> Lead {
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return Lead::Nowhere };
    if body.get("schemaVersion").and_then(Value::as_u64) == Some(1) {
        return schema_1_created(&body).map_or(Lead::Nowhere, Lead::Created);
    }
    let digest = match body.get("manifests") {
        Some(Value::Array(entries)) => return platform_child(entries).map_or(Lead::Nowhere, Lead::Child),
        Some(_) => None,
        None => OciImageManifest::deserialize(&body)
            .ok()
            .filter(|manifest| is_image_config(&manifest.config.media_type))
            .and_then(|manifest| Digest::parse(&manifest.config.digest).ok()),
    };
    digest.map_or(Lead::Nowhere, Lead::Config)
}

/// The platforms of an index, in its order: `linux/amd64`, `linux/arm/v7`. `None` for what is no index.
pub(super) fn platforms(body: &[u8]) -> Option<Vec<String>> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let Some(Value::Array(entries)) = body.get("manifests") else { return None };
    let platform = |entry: &Value| {
        let on = entry.get("platform")?;
        let part =
            |key: &str| on.get(key).and_then(Value::as_str).filter(|part| !part.is_empty() && *part != "unknown");
        let parts = [part("os"), part("architecture"), part("variant")];
        parts[0].map(|_| parts.into_iter().flatten().collect::<Vec<_>>().join("/").chars().take(LABEL_LIMIT).collect())
    };
    let mut platforms: Vec<String> = entries.iter().filter_map(platform).collect();
    platforms.dedup();
    Some(platforms)
}

/// What an image configuration says. One that cannot be read says nothing. Builds without a clock write
/// Go's zero time (year 1) or the Unix epoch; both are given as the epoch, which says "no time" to whoever
/// compares.
pub(super) fn config(config: &[u8]) -> Config {
    #[derive(Default, Deserialize)]
    struct Written {
        created: Option<String>,
        #[serde(default)]
        os: String,
        #[serde(default)]
        architecture: String,
        #[serde(default)]
        variant: String,
        #[serde(default)]
        config: Option<Labelled>,
    }
    #[derive(Deserialize)]
    struct Labelled {
        #[serde(rename = "Labels")]
        labels: Option<BTreeMap<String, String>>,
    }
    // What is odd elsewhere must not hide the time.
    let written: Option<Written> = serde_json::from_slice(config).ok();
    let Some(written) = written else { return Config { created: created(config), ..Config::default() } };
    let mut labels = written.config.and_then(|config| config.labels).unwrap_or_default();
    let mut label = |name: &str| labels.remove(name).filter(|value| !value.is_empty() && value.len() <= LABEL_LIMIT);
    let parts = [&written.os, &written.architecture, &written.variant];
    let parts: Vec<&str> = parts.into_iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    Config {
        created: written.created.and_then(|created| read_time(&created)),
        platform: parts.join("/").chars().take(LABEL_LIMIT).collect(),
        source: label("org.opencontainers.image.source"),
        revision: label("org.opencontainers.image.revision"),
    }
}

/// The `created` alone.
fn created(config: &[u8]) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct Created {
        created: Option<String>,
    }
    serde_json::from_slice::<Created>(config).ok()?.created.and_then(|created| read_time(&created))
}

fn read_time(text: &str) -> Option<Timestamp> {
    let time: Timestamp = text.parse().ok()?;
    Some(time.max(Timestamp::UNIX_EPOCH))
}

/// Docker's first manifest format holds the configurations of all layers, the newest first, as JSON
/// in a text.
fn schema_1_created(manifest: &Value) -> Option<Timestamp> {
    let newest = manifest.pointer("/history/0/v1Compatibility")?.as_str()?;
    created(newest.as_bytes())
}

/// The image of an index to look at: linux/amd64, else the first with a platform, else the first.
/// The platforms of one tag are built together, so one of them speaks for all; taking always the
/// same keeps the answer stable. Attestations (`unknown/unknown`) and entries that are no manifests
/// are passed over.
fn platform_child(entries: &[Value]) -> Option<Digest> {
    let images: Vec<ImageIndexEntry> = entries
        .iter()
        .filter_map(|entry| ImageIndexEntry::deserialize(entry).ok())
        .filter(|entry| is_manifest(&entry.media_type))
        .filter(|entry| !entry.platform.as_ref().is_some_and(|platform| platform.os == Os::Other("unknown".to_owned())))
        .collect();
    let is_common = |entry: &&ImageIndexEntry| {
        entry.platform.as_ref().is_some_and(|on| on.os == Os::Linux && on.architecture == Architecture::Amd64)
    };
    let chosen = images
        .iter()
        .find(is_common)
        .or_else(|| images.iter().find(|entry| entry.platform.is_some()))
        .or_else(|| images.first())?;
    Digest::parse(&chosen.digest).ok()
}

fn is_manifest(media_type: &str) -> bool {
    [OCI_IMAGE_MEDIA_TYPE, OCI_IMAGE_INDEX_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE, IMAGE_MANIFEST_LIST_MEDIA_TYPE]
        .contains(&media_type)
}

/// `application/octet-stream` is what Docker wrote before it had a name for the configuration.
fn is_image_config(media_type: &str) -> bool {
    [IMAGE_CONFIG_MEDIA_TYPE, IMAGE_DOCKER_CONFIG_MEDIA_TYPE, "application/octet-stream"].contains(&media_type)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{
        Config, IMAGE_CONFIG_MEDIA_TYPE, IMAGE_DOCKER_CONFIG_MEDIA_TYPE, IMAGE_MANIFEST_LIST_MEDIA_TYPE,
        IMAGE_MANIFEST_MEDIA_TYPE, Lead, OCI_IMAGE_INDEX_MEDIA_TYPE, OCI_IMAGE_MEDIA_TYPE, config, lead,
    };
    use crate::image::Digest;

    fn digest(nibble: char) -> String {
        format!("sha256:{}", nibble.to_string().repeat(64))
    }

    fn manifest(media_type: &str, config_type: &str) -> Value {
        json!({"schemaVersion": 2, "mediaType": media_type, "layers": [],
               "config": {"mediaType": config_type, "digest": digest('c'), "size": 2}})
    }

    fn child(nibble: char, media_type: &str, platform: Option<&str>) -> Value {
        let mut entry = json!({"mediaType": media_type, "digest": digest(nibble), "size": 2});
        if let Some((os, architecture)) = platform.and_then(|platform| platform.split_once('/')) {
            entry["platform"] = json!({"os": os, "architecture": architecture});
        }
        entry
    }

    #[track_caller]
    fn check(body: &Value, expected: &Lead) {
        assert_eq!(&lead(body.to_string().as_bytes()), expected, "{body}");
    }

    #[track_caller]
    fn check_index(children: &[(char, &str, Option<&str>)], expected: Option<char>) {
        let children: Vec<Value> = children.iter().map(|(nibble, kind, on)| child(*nibble, kind, *on)).collect();
        let expected = expected.map_or(Lead::Nowhere, |nibble| Lead::Child(Digest::parse(&digest(nibble)).unwrap()));
        check(&json!({"schemaVersion": 2, "manifests": children}), &expected);
    }

    #[test]
    fn a_manifest_leads_to_its_config() {
        let config = Lead::Config(Digest::parse(&digest('c')).unwrap());
        check(&manifest(OCI_IMAGE_MEDIA_TYPE, IMAGE_CONFIG_MEDIA_TYPE), &config);
        check(&manifest(IMAGE_MANIFEST_MEDIA_TYPE, IMAGE_DOCKER_CONFIG_MEDIA_TYPE), &config);
        check(&manifest(IMAGE_MANIFEST_MEDIA_TYPE, "application/octet-stream"), &config);
        let mut untyped = manifest("", IMAGE_CONFIG_MEDIA_TYPE);
        untyped.as_object_mut().unwrap().remove("mediaType");
        check(&untyped, &config);
    }

    #[test]
    fn what_is_no_image_leads_nowhere() {
        check(&manifest(OCI_IMAGE_MEDIA_TYPE, "application/vnd.cncf.helm.config.v1+json"), &Lead::Nowhere);
        check(&manifest(OCI_IMAGE_MEDIA_TYPE, "application/vnd.oci.empty.v1+json"), &Lead::Nowhere);
        check(&json!({"schemaVersion": 2}), &Lead::Nowhere);
        check(&json!({"schemaVersion": 2, "manifests": "none"}), &Lead::Nowhere);
        check(&json!([]), &Lead::Nowhere);
        assert_eq!(lead(b"<html>"), Lead::Nowhere);
    }

    #[test]
    fn an_index_leads_to_one_platform() {
        let (oci, docker) = (OCI_IMAGE_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE);
        check_index(&[('a', oci, Some("linux/arm64")), ('b', oci, Some("linux/amd64"))], Some('b'));
        check_index(&[('a', docker, Some("windows/amd64")), ('b', docker, Some("linux/arm64"))], Some('a'));
        check_index(&[('a', oci, Some("unknown/unknown")), ('b', oci, Some("linux/riscv64"))], Some('b'));
        check_index(&[('a', oci, Some("unknown/unknown"))], None);
        check_index(&[('a', oci, None), ('b', oci, Some("linux/arm64"))], Some('b'));
        check_index(&[('a', oci, None), ('b', oci, None)], Some('a'));
        check_index(&[('a', "application/vnd.example+json", None), ('b', oci, None)], Some('b'));
        check_index(&[('a', OCI_IMAGE_INDEX_MEDIA_TYPE, None)], Some('a'));
        check_index(&[('a', IMAGE_MANIFEST_LIST_MEDIA_TYPE, None)], Some('a'));
        check_index(&[], None);
    }

    #[test]
    fn an_odd_entry_does_not_spoil_an_index() {
        let good = child('b', OCI_IMAGE_MEDIA_TYPE, Some("linux/amd64"));
        let expected = Lead::Child(Digest::parse(&digest('b')).unwrap());
        check(&json!({"manifests": [{"size": "odd"}, 7, good]}), &expected);
    }

    #[test]
    fn an_index_says_for_which_platforms_it_is() {
        let check = |body: Value, expected: Option<&[&str]>| {
            let found = super::platforms(body.to_string().as_bytes());
            let expected = expected.map(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>());
            assert_eq!(found, expected, "{body}");
        };
        let on = |os: &str, architecture: &str| json!({"platform": {"os": os, "architecture": architecture}});
        let arm = json!({"platform": {"os": "linux", "architecture": "arm", "variant": "v7"}});
        let all = json!([on("linux", "amd64"), arm, on("unknown", "unknown"), {"digest": "x"}, 7]);
        check(json!({"manifests": all}), Some(&["linux/amd64", "linux/arm/v7"]));
        let windows = json!([on("windows", "amd64"), on("windows", "amd64")]);
        check(json!({"manifests": windows}), Some(&["windows/amd64"]));
        check(json!({"manifests": []}), Some(&[]));
        check(manifest(OCI_IMAGE_MEDIA_TYPE, IMAGE_CONFIG_MEDIA_TYPE), None);
    }

    #[test]
    fn the_first_format_holds_the_time_itself() {
        let history =
            json!([{"v1Compatibility": r#"{"created":"2019-05-01T10:00:00.5Z"}"#}, {"v1Compatibility": "{}"}]);
        let time = "2019-05-01T10:00:00.5Z".parse().unwrap();
        check(&json!({"schemaVersion": 1, "history": history}), &Lead::Created(time));
        check(&json!({"schemaVersion": 1, "history": []}), &Lead::Nowhere);
    }

    #[test]
    fn created_is_a_time_or_nothing() {
        for (config, expected) in [
            (r#"{"created":"2026-01-02T03:04:05.678901234Z"}"#, Some("2026-01-02T03:04:05.678901234Z")),
            (r#"{"created":"2026-01-02T03:04:05+02:00","os":"plan9","rootfs":7}"#, Some("2026-01-02T01:04:05Z")),
            (r#"{"created":"0001-01-01T00:00:00Z"}"#, Some("1970-01-01T00:00:00Z")),
            (r#"{"created":"1970-01-01T00:00:00Z"}"#, Some("1970-01-01T00:00:00Z")),
            (r#"{"created":""}"#, None),
            (r#"{"created":null}"#, None),
            ("{}", None),
            ("junk", None),
        ] {
            assert_eq!(
                super::config(config.as_bytes()).created,
                expected.map(|time| time.parse().unwrap()),
                "{config}"
            );
        }
    }

    #[test]
    fn a_configuration_says_for_what_and_from_where_it_was_built() {
        let full = json!({"created": "2026-01-02T03:04:05Z", "os": "linux", "architecture": "arm", "variant": "v7",
            "config": {"Labels": {"org.opencontainers.image.source": "https://git.example.com/app",
                "org.opencontainers.image.revision": "abc", "other": "x"}}});
        let said = config(full.to_string().as_bytes());
        assert_eq!(said.platform, "linux/arm/v7");
        assert_eq!(said.source.as_deref(), Some("https://git.example.com/app"));
        assert_eq!(said.revision.as_deref(), Some("abc"));
        let long = json!({"config": {"Labels": {"org.opencontainers.image.source": "x".repeat(2000)}}});
        for nothing in [r#"{"config":null}"#, r#"{"config":{"Labels":null}}"#, "{}", "junk", &long.to_string()] {
            assert_eq!(config(nothing.as_bytes()), Config::default(), "{nothing}");
        }
        let odd = r#"{"created":"2026-01-02T03:04:05Z","os":7,"config":{"Labels":[]}}"#;
        assert_eq!(config(odd.as_bytes()).created, Some("2026-01-02T03:04:05Z".parse().unwrap()));
    }
}

//! A small real registry in memory: the pull and push sides of the OCI distribution API over HTTP.
//!
//! For `landwaiter demo` and for tests. `docker push` and `docker pull` work with it. It knows
//! nothing of the client, asks nobody for a password, and forgets everything when it ends.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::image::{Digest, Repository, Tag};

const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG_TYPE: &str = "application/vnd.oci.image.config.v1+json";
const LAYER_TYPE: &str = "application/vnd.oci.image.layer.v1.tar";

/// The largest body that is taken, in bytes; a layer of a large image fits.
const BODY_LIMIT: usize = 1 << 30;

/// A registry. Clones share their content.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    store: Arc<Mutex<Store>>,
}

#[derive(Debug, Default)]
struct Store {
    repositories: BTreeMap<String, Content>,
    uploads: HashMap<String, Vec<u8>>,
    next_upload: u64,
}

/// What one repository holds.
#[derive(Debug, Default)]
struct Content {
    blobs: HashMap<Digest, Bytes>,
    manifests: HashMap<Digest, Manifest>,
    tags: BTreeMap<Tag, Digest>,
}

#[derive(Debug, Clone)]
struct Manifest {
    media_type: String,
    bytes: Bytes,
}

/// A refusal in the form of the specification.
struct Refusal(StatusCode, &'static str, &'static str);

const NAME_UNKNOWN: Refusal = Refusal(StatusCode::NOT_FOUND, "NAME_UNKNOWN", "repository name not known to registry");
const NAME_INVALID: Refusal = Refusal(StatusCode::BAD_REQUEST, "NAME_INVALID", "invalid repository name");
const MANIFEST_UNKNOWN: Refusal = Refusal(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", "manifest unknown");
const MANIFEST_INVALID: Refusal = Refusal(StatusCode::BAD_REQUEST, "MANIFEST_INVALID", "manifest invalid");
const MANIFEST_BLOB_UNKNOWN: Refusal =
    Refusal(StatusCode::BAD_REQUEST, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry");
const BLOB_UNKNOWN: Refusal = Refusal(StatusCode::NOT_FOUND, "BLOB_UNKNOWN", "blob unknown to registry");
const BLOB_UPLOAD_UNKNOWN: Refusal =
    Refusal(StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
const DIGEST_INVALID: Refusal =
    Refusal(StatusCode::BAD_REQUEST, "DIGEST_INVALID", "provided digest did not match uploaded content");
const UNSUPPORTED: Refusal = Refusal(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED", "the operation is unsupported");

impl Registry {
    /// An empty registry.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The API as a service, for whoever has a server already or wraps it.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/v2/", any(|| async { StatusCode::OK }))
            .route("/v2/{*rest}", any(answer))
            .layer(DefaultBodyLimit::max(BODY_LIMIT))
            .layer(axum::middleware::map_response(async |mut response: Response| {
                let version = HeaderValue::from_static("registry/2.0");
                response.headers_mut().insert("docker-distribution-api-version", version);
                response
            }))
            .with_state(self.clone())
    }

    /// Serves on a bound listener until `stop` completes.
    ///
    /// # Errors
    /// What the listener fails with.
    pub async fn serve(
        &self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        axum::serve(listener, self.router()).with_graceful_shutdown(stop).await
    }

    /// Puts a linux/amd64 image with an empty layer into the repository at `path`, and moves `tag`
    /// to it. Gives the digest of its manifest.
    #[expect(clippy::must_use_candidate, reason = "it is called for what it does; few want the digest")]
    pub fn push_image(&self, path: &str, tag: &Tag, created: Timestamp, labels: &BTreeMap<String, String>) -> Digest {
        // Two empty blocks: a tar archive with nothing in it.
        let layer = Bytes::from_static(&[0; 1024]);
        let layer_digest = Digest::sha256(&layer);
        let config = json!({
            "created": created.to_string(), "architecture": "amd64", "os": "linux", "config": {"Labels": labels},
            "rootfs": {"type": "layers", "diff_ids": [layer_digest.as_str()]},
        });
        let config = Bytes::from(config.to_string());
        let config_digest = Digest::sha256(&config);
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST_TYPE,
            "config": {"mediaType": CONFIG_TYPE, "digest": config_digest.as_str(), "size": config.len()},
            "layers": [{"mediaType": LAYER_TYPE, "digest": layer_digest.as_str(), "size": layer.len()}],
        });
        let manifest = Manifest { media_type: MANIFEST_TYPE.to_owned(), bytes: manifest.to_string().into() };
        let digest = Digest::sha256(&manifest.bytes);
        let mut store = self.store();
        let content = store.repositories.entry(path.to_owned()).or_default();
        content.blobs.extend([(layer_digest, layer), (config_digest, config)]);
        content.manifests.insert(digest.clone(), manifest);
        content.tags.insert(tag.clone(), digest.clone());
        digest
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tags(&self, name: &str, query: &HashMap<String, String>) -> Result<Response, Refusal> {
        let store = self.store();
        let content =
            store.repositories.get(name).filter(|content| !content.manifests.is_empty()).ok_or(NAME_UNKNOWN)?;
        let last = query.get("last").map_or("", String::as_str);
        let limit = query.get("n").and_then(|n| n.parse().ok()).unwrap_or(usize::MAX);
        let mut rest = content.tags.keys().map(Tag::as_str).skip_while(|tag| *tag <= last);
        let page: Vec<&str> = rest.by_ref().take(limit).collect();
        let mut response = axum::Json(json!({"name": name, "tags": page})).into_response();
        if let (Some(last), Some(_)) = (page.last(), rest.next()) {
            let link = format!("</v2/{name}/tags/list?last={last}&n={limit}>; rel=\"next\"");
            // Names and tags are ASCII by their grammar, so this is always a header.
            response.headers_mut().extend(HeaderValue::from_str(&link).ok().map(|link| (header::LINK, link)));
        }
        Ok(response)
    }

    fn manifest(&self, name: &str, reference: &str) -> Result<Response, Refusal> {
        let store = self.store();
        let content = store.repositories.get(name).ok_or(NAME_UNKNOWN)?;
        let digest = Digest::parse(reference).ok().or_else(|| content.tags.get(reference).cloned());
        let digest = digest.ok_or(MANIFEST_UNKNOWN)?;
        let manifest = content.manifests.get(&digest).ok_or(MANIFEST_UNKNOWN)?;
        Ok(stored(&manifest.media_type, &digest, manifest.bytes.clone()))
    }

    fn blob(&self, name: &str, digest: &str) -> Result<Response, Refusal> {
        let digest = Digest::parse(digest).map_err(|_| DIGEST_INVALID)?;
        let store = self.store();
        let blob = store.repositories.get(name).ok_or(NAME_UNKNOWN)?.blobs.get(&digest).ok_or(BLOB_UNKNOWN)?;
        Ok(stored("application/octet-stream", &digest, blob.clone()))
    }

    fn put_manifest(
        &self,
        name: &str,
        reference: &str,
        headers: &HeaderMap,
        bytes: Bytes,
    ) -> Result<Response, Refusal> {
        let body: Value = serde_json::from_slice(&bytes).map_err(|_| MANIFEST_INVALID)?;
        let stated = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = stated.or_else(|| body["mediaType"].as_str()).unwrap_or(MANIFEST_TYPE).to_owned();
        let digest = Digest::sha256(&bytes);
        let mut store = self.store();
        let content = store.repositories.entry(name.to_owned()).or_default();
        let has = |descriptor: &Value, is_blob: bool| {
            let digest = descriptor["digest"].as_str().and_then(|digest| Digest::parse(digest).ok());
            digest.is_some_and(|digest| {
                if is_blob { content.blobs.contains_key(&digest) } else { content.manifests.contains_key(&digest) }
            })
        };
        let list = |key: &str| body[key].as_array().into_iter().flatten();
        let is_complete = (body["config"].is_null() || has(&body["config"], true))
            && list("layers").all(|layer| has(layer, true))
            && list("manifests").all(|manifest| has(manifest, false));
        if !is_complete {
            return Err(MANIFEST_BLOB_UNKNOWN);
        }
        match Digest::parse(reference) {
            Ok(stated) if stated != digest => return Err(DIGEST_INVALID),
            Ok(_) => {}
            Err(_) => drop(content.tags.insert(Tag::parse(reference).map_err(|_| MANIFEST_INVALID)?, digest.clone())),
        }
        content.manifests.insert(digest.clone(), Manifest { media_type, bytes });
        Ok(created(format!("/v2/{name}/manifests/{digest}"), &digest))
    }

    fn begin_upload(&self, name: &str) -> Response {
        let mut store = self.store();
        store.next_upload += 1;
        let id = store.next_upload.to_string();
        store.uploads.insert(id.clone(), Vec::new());
        accepted(name, &id, 0)
    }

    fn continue_upload(&self, name: &str, id: &str, bytes: &Bytes) -> Result<Response, Refusal> {
        let mut store = self.store();
        let upload = store.uploads.get_mut(id).ok_or(BLOB_UPLOAD_UNKNOWN)?;
        upload.extend_from_slice(bytes);
        Ok(accepted(name, id, upload.len()))
    }

    fn finish_upload(&self, name: &str, id: &str, stated: &str, bytes: &Bytes) -> Result<Response, Refusal> {
        let mut store = self.store();
        let mut blob = store.uploads.remove(id).ok_or(BLOB_UPLOAD_UNKNOWN)?;
        blob.extend_from_slice(bytes);
        let digest = Digest::sha256(&blob);
        if digest.as_str() != stated {
            return Err(DIGEST_INVALID);
        }
        store.repositories.entry(name.to_owned()).or_default().blobs.insert(digest.clone(), blob.into());
        Ok(created(format!("/v2/{name}/blobs/{digest}"), &digest))
    }
}

/// Names hold slashes, so the last parts of the path say what is asked.
async fn answer(
    State(registry): State<Registry>,
    method: Method,
    Path(path): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let split = |marker: &str| path.rsplit_once(marker).filter(|(name, _)| !name.is_empty());
    let is_read = matches!(method, Method::GET | Method::HEAD);
    if let Some(name) = path.strip_suffix("/tags/list") {
        return if is_read { registry.tags(known_name(name)?, &query) } else { Err(UNSUPPORTED) };
    }
    if let Some((name, id)) = split("/blobs/uploads/") {
        let name = known_name(name)?;
        let digest = query.get("digest").map(String::as_str);
        return match (&method, digest) {
            (&Method::POST, _) if id.is_empty() => Ok(registry.begin_upload(name)),
            (&Method::PATCH, _) => registry.continue_upload(name, id, &body),
            (&Method::PUT, Some(digest)) => registry.finish_upload(name, id, digest, &body),
            (&Method::PUT, None) => Err(DIGEST_INVALID),
            _ => Err(UNSUPPORTED),
        };
    }
    if let Some((name, digest)) = split("/blobs/") {
        return if is_read { registry.blob(known_name(name)?, digest) } else { Err(UNSUPPORTED) };
    }
    match split("/manifests/") {
        Some((name, reference)) if is_read => registry.manifest(known_name(name)?, reference),
        Some((name, reference)) if method == Method::PUT => {
            registry.put_manifest(known_name(name)?, reference, &headers, body)
        }
        Some(_) => Err(UNSUPPORTED),
        None => Err(NAME_UNKNOWN),
    }
}

/// The name, when it is one by the grammar.
fn known_name(name: &str) -> Result<&str, Refusal> {
    Repository::parse(&format!("localhost/{name}")).map(|_| name).map_err(|_| NAME_INVALID)
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(status, code, message) = self;
        (status, axum::Json(json!({"errors": [{"code": code, "message": message, "detail": null}]}))).into_response()
    }
}

fn stored(media_type: &str, digest: &Digest, bytes: Bytes) -> Response {
    let headers = [("content-type", media_type), ("docker-content-digest", digest.as_str())];
    (headers, bytes).into_response()
}

fn created(location: String, digest: &Digest) -> Response {
    let headers = [("location", location), ("docker-content-digest", digest.to_string())];
    (StatusCode::CREATED, headers).into_response()
}

fn accepted(name: &str, upload: &str, length: usize) -> Response {
    let range = format!("0-{}", length.saturating_sub(1));
    let headers = [
        ("location", format!("/v2/{name}/blobs/uploads/{upload}")),
        ("docker-upload-uuid", upload.to_owned()),
        ("range", range),
    ];
    (StatusCode::ACCEPTED, headers).into_response()
}

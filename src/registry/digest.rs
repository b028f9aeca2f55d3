//! What a tag points at now. Asks for the headers of a manifest, which registries do not count as a pull.

use reqwest::header::HeaderMap;
use serde::Deserialize;

use super::client::{Client, MANIFEST_LIMIT};
use super::error::{Error, Kind};
use super::metadata;
use super::transport::{Answer, Ask, Method};
use crate::image::{Digest, Repository, Tag};

/// The header with the digest of what was asked for.
const CONTENT_DIGEST: &str = "docker-content-digest";

impl Client {
    /// The digest of what a tag points at: an image, or the index of its platforms. `None` when the
    /// registry does not have the tag. Nothing is remembered, for a tag may be moved at any time.
    ///
    /// A registry that does not tell the digest with the headers is asked for the manifest itself.
    ///
    /// # Errors
    /// No answer, a refusal, or a manifest that is not what its registry says it is.
    pub async fn digest(&self, repository: &Repository, tag: &Tag) -> Result<Option<Digest>, Error> {
        let found = async { self.find_digest(&self.asked(repository)?, tag).await };
        found.await.map_err(|kind| Error::new(repository, kind))
    }

    async fn find_digest(&self, repository: &Repository, tag: &Tag) -> Result<Option<Digest>, Kind> {
        let url = self.door(repository).url(&format!("manifests/{tag}"))?;
        let accept = metadata::ACCEPT_MANIFEST;
        let ask = |method| Ask { method, url: url.clone(), accept, authorization: None, limit: MANIFEST_LIMIT };
        let head = self.send(repository, ask(Method::Head)).await?;
        match head.status.as_u16() {
            200 => {
                if let Some(digest) = said(&head.headers) {
                    return Ok(Some(digest));
                }
            }
            404 => return Ok(None),
            // Some do not speak `HEAD` at all.
            400 | 405 | 501 => {}
            _ => return Err(self.refusal(repository, &head).await),
        }
        let answer = self.send(repository, ask(Method::Get)).await?;
        match answer.status.as_u16() {
            200 => proved(&answer).map(Some),
            404 => Ok(None),
            _ => Err(self.refusal(repository, &answer).await),
        }
    }
}

/// The digest in the headers; none when it is empty or no digest.
fn said(headers: &HeaderMap) -> Option<Digest> {
    Digest::parse(headers.get(CONTENT_DIGEST)?.to_str().ok()?.trim()).ok()
}

/// The digest of a manifest, by the registry's words where those are true, else by the bytes.
pub(super) fn proved(answer: &Answer) -> Result<Digest, Kind> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Manifest {
        schema_version: u64,
    }
    let Some(digest) = said(&answer.headers) else { return Ok(Digest::sha256(&answer.body)) };
    // Docker's first format has its signature inside, and its digest is made without that.
    let is_first =
        || serde_json::from_slice::<Manifest>(&answer.body).is_ok_and(|manifest| manifest.schema_version == 1);
    if digest.is_of(&answer.body) || is_first() {
        return Ok(digest);
    }
    let problem = format!(
        "the manifest does not have the digest {digest} that the registry says it has; the registry, or a proxy on the way, is broken"
    );
    Err(Kind::Unusable { request: answer.request.clone(), problem })
}

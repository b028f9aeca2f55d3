//! What stands behind single tags, for a person who looks at them. Nothing is remembered of it but image
//! configurations.

use jiff::Timestamp;

use super::client::Client;
use super::error::{Error, Kind};
use super::{digest, metadata};
use crate::image::{Digest, Repository, Tag};

/// What stands behind a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    /// The image, or the index of its platforms.
    pub digest: Digest,
    /// When it was made, by its configuration; as in [`Client::created`].
    pub created: Option<Timestamp>,
    /// What it runs on: `linux/amd64`, `linux/arm/v7`. Empty for what is no image.
    pub platforms: Vec<String>,
}

impl Client {
    /// What stands behind a tag; `None` when the registry does not have it.
    ///
    /// # Errors
    /// No answer, a refusal, or content that is not what its registry says it is.
    pub async fn details(&self, repository: &Repository, tag: &Tag) -> Result<Option<Details>, Error> {
        let found = async { self.find_details(&self.asked(repository)?, tag).await };
        found.await.map_err(|kind| Error::new(repository, kind))
    }

    async fn find_details(&self, repository: &Repository, tag: &Tag) -> Result<Option<Details>, Kind> {
        let manifest = self.content(repository, "manifests", tag.as_str(), metadata::ACCEPT_MANIFEST).await?;
        let Some(manifest) = manifest else { return Ok(None) };
        let digest = digest::proved(&manifest)?;
        let image = self.image(repository, &manifest.body).await?;
        let own = || image.iter().map(|image| image.platform.clone()).filter(|own| !own.is_empty()).collect();
        let platforms = metadata::platforms(&manifest.body).unwrap_or_else(own);
        Ok(Some(Details { digest, created: image.and_then(|image| image.created), platforms }))
    }
}

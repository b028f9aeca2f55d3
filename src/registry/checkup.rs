//! What a person wants to know of registries before the daemon does its work: who we are there and whether
//! they are there at all. Never the secret itself.

use std::path::Path;

use super::client::Client;
use super::error::{Error, Kind};
use super::store::{self, StoreStatus};
use super::transport::{Ask, Method};
use crate::image::{Registry, Repository};

/// As much as is read of what a registry says at its front door, in bytes.
const GREETING: usize = 64 << 10;

impl Client {
    /// Who we are for a repository, by where the credential is kept: `the credential from FILE (user bob)`.
    /// `None` where there is none, and we come without a name.
    ///
    /// # Errors
    /// The file or helper with the credential cannot be read.
    pub async fn who(&self, repository: &Repository) -> Result<Option<String>, Error> {
        let asked = self.asked_as(repository)?;
        self.find_who(&asked).await.map_err(|kind| Error::new(repository, kind))
    }

    /// Whether the registry is there and speaks the distribution API, whoever we are. Shows no credential.
    ///
    /// # Errors
    /// No answer, or one that no registry gives.
    pub async fn knock(&self, registry: &Registry) -> Result<(), Error> {
        let place = Repository::parse(&format!("{registry}/library/any"))
            .map_err(|error| Error::setup(Kind::Setup(error.to_string())))?;
        let knock = async {
            let url = self.door(&place).front_door()?;
            let ask = Ask { method: Method::Get, url, accept: "*/*", authorization: None, limit: GREETING };
            let answer = self.send_without_name(registry, &ask).await?;
            match answer.status.as_u16() {
                200 | 401 | 403 => Ok(()),
                _ => Err(self.refusal(&place, &answer).await),
            }
        };
        knock.await.map_err(Error::setup)
    }
}

/// What there is of a store. Nothing in it is changed, and none is begun.
#[must_use]
pub fn store_status(path: &Path) -> StoreStatus {
    store::status(path)
}

//! Who we are to one server, as long as the process lives: which login goes into a conversation, and which takes
//! its place when it is refused. Knows credentials, and nothing of what is asked with them.

use std::path::Path;
use std::time::Instant;

use reqwest::blocking::Client;

use super::installation::Installation;
use crate::git::credential::Login;
use crate::git::{Credential, Error, RemoteUrl};

/// Our account on the server of a repository.
pub(super) struct Account {
    url: RemoteUrl,
    credential: Option<Credential>,
    /// Where the credential is an app: that which has its tokens.
    installation: Option<Installation>,
}

impl Account {
    /// # Errors
    /// [`Error::Credential`] for an app that cannot be used for this repository.
    pub(super) fn new(url: RemoteUrl, credential: Option<Credential>, bundle: Option<&Path>) -> Result<Self, Error> {
        let installation = match &credential {
            Some(Credential::GithubApp(app)) => Some(Installation::new(app, &url, bundle)?),
            _ => None,
        };
        Ok(Self { url, credential, installation })
    }

    /// What to log in with now; `None` where nobody is to be.
    ///
    /// # Errors
    /// When the credential cannot be used.
    pub(super) fn login(&self, client: &Client, deadline: Instant) -> Result<Option<Login>, Error> {
        if let Some(installation) = &self.installation {
            return installation.login(None, client, deadline).map(Some);
        }
        self.credential.as_ref().map(|credential| credential.login(&self.url)).transpose()
    }

    /// Another login, after `refused` was; `None` when there is no other. A file may have been renewed since it
    /// was read.
    ///
    /// # Errors
    /// When the credential cannot be used.
    pub(super) fn other_than(
        &self,
        refused: &Login,
        client: &Client,
        deadline: Instant,
    ) -> Result<Option<Login>, Error> {
        if let Some(installation) = &self.installation {
            return installation.login(Some(refused), client, deadline).map(Some);
        }
        let login = self.login(client, deadline)?;
        Ok(login.filter(|login| login.header() != refused.header()))
    }
}

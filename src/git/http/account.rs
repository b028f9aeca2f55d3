//! Who we are to one server, as long as the process lives: which login goes into a conversation, and which takes
//! its place when it is refused. Knows credentials, and nothing of what is asked with them.

use crate::git::credential::Login;
use crate::git::{Credential, Error, RemoteUrl};

/// Our account on the server of a repository.
pub(super) struct Account {
    url: RemoteUrl,
    credential: Option<Credential>,
}

impl Account {
    pub(super) fn new(url: RemoteUrl, credential: Option<Credential>) -> Self {
        Self { url, credential }
    }

    /// What to log in with now; `None` where nobody is to be.
    ///
    /// # Errors
    /// When the credential cannot be used.
    pub(super) fn login(&self) -> Result<Option<Login>, Error> {
        self.credential.as_ref().map(|credential| credential.login(&self.url)).transpose()
    }

    /// Another login, after `refused` was; `None` when there is no other. A file may have been renewed since it
    /// was read.
    ///
    /// # Errors
    /// When the credential cannot be used.
    pub(super) fn other_than(&self, refused: &Login) -> Result<Option<Login>, Error> {
        let login = self.login()?;
        Ok(login.filter(|login| login.header() != refused.header()))
    }
}

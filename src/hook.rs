//! What others tell by webhook: who it is, whether that is proved, and which repositories it is about.
//!
//! Beside [`manifest`](crate::manifest). Pure: no socket, no file, no clock; the time, the secrets and the
//! keys are given. What an event says is a [`Hint`], and never more: it names what to look at, and nothing in
//! it is believed. One file for each kind of [`Sender`].
//!
//! ```text
//! head ──► Source::admit ──► body ──► Source::read ──► Event: news of repositories and branches
//!             secrets                  secrets, keys, now
//! ```

mod acr;
mod aliyun;
mod azure_devops;
mod bitbucket;
mod cloud_events;
mod distribution;
mod docker_hub;
mod ecr;
mod event;
mod generic;
mod gitea;
mod github;
mod gitlab;
mod harbor;
mod jfrog;
mod keys;
mod names;
mod nexus;
mod proof;
mod pubsub;
mod quay;
mod remote;
mod secrets;
mod sender;
mod sns;

use jiff::Timestamp;

pub use event::{Event, Hint, Push, Rejection};
pub use keys::{KeyName, PublicKey};
pub use names::Prefix;
pub use remote::Remote;
pub use secrets::{Secrets, WeakSecret};
pub use sender::Sender;

/// Somebody who may tell us something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its name, which is part of the URL: lower-case letters, digits and `-`.
    pub name: String,
    /// Of which kind it is.
    pub sender: Sender,
    /// Where the images that it speaks of stand, as Git names them. It takes the place of the host (and for
    /// JFrog of the repository key) that the event names, or does not.
    pub images: Option<Prefix>,
    /// Of SNS: the topics that we know, `arn:aws:sns:…`.
    pub topics: Vec<String>,
    /// Of Pub/Sub: for whom the token is to be made.
    pub audience: Option<String>,
    /// Of Pub/Sub: the service account that shows it.
    pub email: Option<String>,
}

/// A request without its body.
pub struct Head<'a> {
    /// What stands behind the name in the path.
    pub path_secret: Option<&'a str>,
    /// The value of a header by its name in lower case; `None` also where it stands more than once.
    pub header: &'a (dyn Fn(&str) -> Option<&'a str> + Sync),
}

impl Head<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        (self.header)(name)
    }
}

impl Source {
    /// A source that says everything in its events.
    #[must_use]
    pub fn new(name: &str, sender: Sender) -> Self {
        Self { name: name.to_owned(), sender, images: None, topics: Vec::new(), audience: None, email: None }
    }

    /// Whether it is worth to read the body: where the secret itself is shown, it is compared; where the body
    /// is signed, there is a signature.
    ///
    /// # Errors
    /// [`Rejection::Unproved`].
    pub fn admit(&self, secrets: &Secrets, head: &Head<'_>) -> Result<(), Rejection> {
        self.sender.way().admit(secrets, head)
    }

    /// What a delivery says, once it is proved. Public keys are looked up with `key`.
    ///
    /// # Errors
    /// [`Rejection`]: not proved, too old, or nothing that this kind of sender says.
    pub fn read(
        &self,
        secrets: &Secrets,
        head: &Head<'_>,
        body: &[u8],
        key: &dyn Fn(&KeyName) -> Option<PublicKey>,
        now: Timestamp,
    ) -> Result<Event, Rejection> {
        self.sender.way().prove(secrets, head, body, now)?;
        self.sender.event(self, head, body, key, now)
    }
}

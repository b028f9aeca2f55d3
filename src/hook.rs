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

mod docker_hub;
mod event;
mod github;
mod names;
mod proof;
mod remote;
mod secrets;
mod sender;

use jiff::Timestamp;

pub use event::{Event, Hint, Push, Rejection};
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
    /// Whether it is worth to read the body: where the secret itself is shown, it is compared; where the body
    /// is signed, there is a signature.
    ///
    /// # Errors
    /// [`Rejection::Unproved`].
    pub fn admit(&self, secrets: &Secrets, head: &Head<'_>) -> Result<(), Rejection> {
        self.sender.way().admit(secrets, head)
    }

    /// What a delivery says, once it is proved.
    ///
    /// # Errors
    /// [`Rejection`]: not proved, too old, or nothing that this kind of sender says.
    pub fn read(&self, secrets: &Secrets, head: &Head<'_>, body: &[u8], now: Timestamp) -> Result<Event, Rejection> {
        self.sender.way().prove(secrets, head, body, now)?;
        self.sender.event(self, head, body, now)
    }
}

//! The server that a repository is on, whatever the way there: a conversation with one of its two services,
//! and what became of it.

use gix::protocol::transport::client::blocking_io::Transport;
use gix::protocol::transport::{Protocol, Service};

use super::{Error, Introduction, RemoteUrl, http, ssh};

/// A server, as long as the process lives.
pub(super) enum Server {
    Http(Box<http::Server>),
    Ssh(Box<ssh::Server>),
}

/// One conversation.
pub(super) struct Call<'a> {
    pub(super) transport: Box<dyn Transport>,
    pub(super) witness: Witness<'a>,
}

/// Who knows what happened in a conversation, also while it goes on.
pub(super) enum Witness<'a> {
    Http(http::Witness<'a>),
    Ssh(ssh::Witness<'a>),
}

impl Server {
    pub(super) fn url(&self) -> &RemoteUrl {
        match self {
            Self::Http(server) => server.url(),
            Self::Ssh(server) => server.url(),
        }
    }

    /// Who we are to it, where a credential says so.
    pub(super) fn introduction(&self) -> Result<Option<Introduction>, Error> {
        match self {
            Self::Http(server) => server.introduction(),
            Self::Ssh(_) => Ok(None),
        }
    }

    /// Starts a conversation with a service; the clock runs from here.
    pub(super) fn call(&self, version: Protocol, service: Service) -> Result<Call<'_>, Error> {
        let (transport, witness) = match self {
            Self::Http(server) => {
                server.call(version).map(|(transport, witness)| (transport, Witness::Http(witness)))?
            }
            Self::Ssh(server) => {
                server.call(version, service).map(|(transport, witness)| (transport, Witness::Ssh(witness)))?
            }
        };
        Ok(Call { transport, witness })
    }
}

impl Witness<'_> {
    /// The error of a step that failed: what the server did, or else what the protocol made of it.
    pub(super) fn failed(&self, doing: &'static str, protocol_error: &dyn std::error::Error) -> Error {
        match self {
            Self::Http(witness) => witness.failed(doing, protocol_error),
            Self::Ssh(witness) => witness.failed(doing, protocol_error),
        }
    }

    /// Whether the connection is to blame.
    pub(super) fn saw_trouble(&self) -> bool {
        match self {
            Self::Http(witness) => witness.saw_trouble(),
            Self::Ssh(witness) => witness.saw_trouble(),
        }
    }

    /// A text of the server without the secret, should it have repeated it.
    pub(super) fn scrub(&self, text: &str) -> String {
        match self {
            Self::Http(witness) => witness.scrub(text),
            // A key is never told to anybody.
            Self::Ssh(_) => text.to_owned(),
        }
    }
}

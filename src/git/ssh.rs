//! ssh under Git's wire protocol, without an `ssh` program: one connection to a server that stays open, a
//! channel of it for each conversation, one deadline for all of a conversation.
//!
//! A server has to prove who it is before anything is sent, see `known_hosts`; we prove who we are by a key
//! and nothing else. It must not know what the Git service is asked for.

mod address;
mod channel;
mod key;
mod known_hosts;
mod proxy;
mod session;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use gix::protocol::transport::client::blocking_io::Transport;
use gix::protocol::transport::client::git::ConnectMode;
use gix::protocol::transport::client::git::blocking_io::Connection;
use gix::protocol::transport::{Protocol, Service};
use tokio::runtime::Runtime;

pub(super) use address::Address;
pub use key::{DeployKey, deploy_key, deploy_key_anew};
pub(super) use key::{passphrase, sign};

use super::http::locked;
use super::{ConnectionOptions, Error, RemoteUrl};
use crate::plain::{self, causes};
use channel::{Reader, Said, Writer};
use session::Session;

/// How we prove who we are to a server that is reached by ssh, and how it has to prove who it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SshOptions {
    /// The file of the private key, as OpenSSH writes it or in PEM. Read each time a connection is made.
    pub key: Option<PathBuf>,
    /// A file with the passphrase of that key.
    pub passphrase: Option<PathBuf>,
    /// The socket of an agent that holds the keys; used when there is no `key`.
    pub agent: Option<PathBuf>,
    /// The `known_hosts` files, read each time a connection is made. One that does not exist is empty.
    pub known_hosts: Vec<PathBuf>,
}

/// Why a conversation did not come about, or ended.
#[derive(Debug, Clone)]
enum Trouble {
    Unreachable(String),
    Untrusted(String),
    TimedOut,
    Broken(String),
    /// What is wrong with our key, and where it is.
    Key {
        source: String,
        problem: String,
    },
    /// The server does not know our keys.
    Stranger {
        shown: String,
    },
}

/// A server, as long as the process lives.
pub(super) struct Server {
    url: RemoteUrl,
    address: Address,
    options: SshOptions,
    connection: ConnectionOptions,
    timeout: Duration,
    session: Mutex<Option<Arc<Session>>>,
}

/// Who knows what happened in a conversation, also while it goes on.
pub(super) struct Witness<'a> {
    server: &'a Server,
    trouble: Arc<Mutex<Option<Trouble>>>,
    said: Arc<Mutex<Said>>,
}

impl Server {
    pub(super) fn new(
        url: RemoteUrl,
        address: Address,
        options: SshOptions,
        connection: ConnectionOptions,
        timeout: Duration,
    ) -> Self {
        Self { url, address, options, connection, timeout, session: Mutex::default() }
    }

    pub(super) fn url(&self) -> &RemoteUrl {
        &self.url
    }

    /// Starts a conversation; the clock runs from here.
    pub(super) fn call(&self, version: Protocol, service: Service) -> Result<(Box<dyn Transport>, Witness<'_>), Error> {
        let deadline = Instant::now() + self.timeout;
        let witness = Witness { server: self, trouble: Arc::default(), said: Arc::default() };
        let failed = |trouble| witness.error("connecting", trouble);
        let runtime = runtime().map_err(|error| failed(Trouble::Unreachable(causes(&error))))?;
        let command = self.address.command(service.as_str());
        let opened = runtime.block_on(async {
            let within = tokio::time::timeout_at(deadline.into(), self.open(&command, version));
            within.await.unwrap_or(Err(Trouble::TimedOut))
        });
        let channel = opened.map_err(failed)?;
        let (reader, writer) =
            channel::split(channel, runtime, deadline, Arc::clone(&witness.trouble), Arc::clone(&witness.said));
        let path = self.address.path().to_owned();
        let connection: Connection<Reader, Writer> =
            Connection::new(reader, writer, version, path, None::<(&str, _)>, ConnectMode::Process, false);
        Ok((Box::new(connection), witness))
    }

    /// A channel with the service at its end: of the connection that there is, else of a new one.
    async fn open(&self, command: &str, version: Protocol) -> Result<channel::Open, Trouble> {
        let kept = locked(&self.session).clone().filter(|session| !session.is_closed());
        if let Some(session) = kept {
            match session.run(command, version).await {
                Ok(channel) => return Ok(channel),
                Err(trouble) => {
                    tracing::debug!(url = %self.url, ?trouble, "the connection is of no use; making another");
                }
            }
        }
        let session = Arc::new(Session::connect(&self.address, &self.options, &self.connection).await?);
        let channel = session.run(command, version).await?;
        *locked(&self.session) = Some(session);
        Ok(channel)
    }
}

impl Witness<'_> {
    /// The error of a step that failed: what happened to the connection, what the server said, or else what
    /// the protocol made of it.
    pub(super) fn failed(&self, doing: &'static str, protocol_error: &dyn std::error::Error) -> Error {
        if let Some(trouble) = locked(&self.trouble).clone() {
            return self.error(doing, trouble);
        }
        let said = locked(&self.said);
        let (url, words) = (self.server.url.to_string(), said.words());
        if said.is_over() && !said.has_answered {
            return Error::Declined { url, doing, said: words };
        }
        let cause = plain::line(&causes(protocol_error), plain::CHAIN_LIMIT);
        let cause = if words.is_empty() { cause } else { format!("{cause}; the server said: {words}") };
        Error::Interrupted { url, doing, cause }
    }

    /// Whether the connection is to blame.
    pub(super) fn saw_trouble(&self) -> bool {
        locked(&self.trouble).is_some()
    }

    fn error(&self, doing: &'static str, trouble: Trouble) -> Error {
        let url = self.server.url.to_string();
        match trouble {
            Trouble::Unreachable(cause) => Error::Unreachable { url, cause },
            Trouble::Untrusted(cause) => Error::Untrusted { url, cause },
            Trouble::TimedOut => Error::TimedOut { url, doing, within: self.server.timeout },
            Trouble::Broken(cause) => Error::Interrupted { url, doing, cause },
            Trouble::Key { source, problem } => Error::Credential { url, source_name: source, problem },
            Trouble::Stranger { shown } => Error::KeyRefused { url, user: self.server.address.user.clone(), shown },
        }
    }
}

/// What drives the connections. They live on between the calls, and so does this.
fn runtime() -> io::Result<&'static Runtime> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name("git-ssh").enable_all().build()?;
    Ok(RUNTIME.get_or_init(|| runtime))
}

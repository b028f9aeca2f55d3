//! One connection to a server: who it is, who we are, and a channel with a command at its end for whoever asks.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gix::protocol::transport::Protocol;
use russh::client::{self, AuthResult, Handle, Handler};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{Algorithm, HashAlg, PrivateKeyWithHashAlg, PublicKey, PublicKeyOrCertificate};
use russh::{ChannelMsg, Preferred, SshId};
use tokio::net::UnixStream;

use super::super::http::locked;
use super::channel::Open;
use super::known_hosts::{Known, Verdict};
use super::{Address, SshOptions, Trouble, key, proxy};
use crate::connection::ConnectionOptions;
use crate::plain::{self, causes};

/// How long a server may take to answer a call, and an agent to answer at all.
const CONNECT: Duration = Duration::from_secs(20);

/// After so long without a word the server is asked for one, and after three such times given up.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How many keys of an agent are shown. Servers close the door after six.
const MOST_KEYS: usize = 5;

/// A connection over which we may ask for services.
pub(super) struct Session(Handle<Guard>);

/// Who lets a server in.
struct Guard {
    known: Known,
    address: Address,
    /// Why it did not.
    refusal: Arc<Mutex<Option<String>>>,
}

impl Session {
    /// Connects, checks who is there, and shows our key.
    pub(super) async fn connect(
        address: &Address,
        options: &SshOptions,
        connection: &ConnectionOptions,
    ) -> Result<Self, Trouble> {
        let known = Known::of(&address.known_as(), &read(&options.known_hosts)?);
        let algorithms = known.algorithms();
        let mut preferred = Preferred::default();
        if known.has_authorities() {
            preferred.host_key_certificates = preferred.key.clone();
        } else if !algorithms.is_empty() {
            // Another one could only be refused.
            preferred.key = algorithms.into();
        }
        let config = client::Config {
            client_id: SshId::Standard(concat!("SSH-2.0-landwaiter_", env!("CARGO_PKG_VERSION")).into()),
            keepalive_interval: Some(KEEP_ALIVE),
            nodelay: true,
            preferred,
            ..client::Config::default()
        };
        let refusal = Arc::default();
        let guard = Guard { known, address: address.clone(), refusal: Arc::clone(&refusal) };
        let connecting = proxy::line(connection, &address.host, address.port);
        let stream = match tokio::time::timeout(CONNECT, connecting).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(problem)) => return Err(Trouble::Unreachable(problem)),
            Err(_) => return Err(Trouble::Unreachable(format!("no answer within {} s", CONNECT.as_secs()))),
        };
        stream.set_nodelay(true).map_err(|error| Trouble::Unreachable(causes(&error)))?;
        let mut handle = client::connect_stream(Arc::new(config), stream, guard).await.map_err(|error| {
            match (locked(&refusal).take(), error) {
                (Some(cause), _) => Trouble::Untrusted(cause),
                (None, error @ russh::Error::NoCommonAlgo { .. }) => Trouble::Untrusted(format!(
                    "it cannot prove who it is in a way that we know: {}",
                    plain::line(&causes(&error), 400)
                )),
                (None, error) => Trouble::Broken(format!("the greeting failed: {}", plain::line(&causes(&error), 300))),
            }
        })?;
        authenticate(&mut handle, &address.user, options).await?;
        Ok(Self(handle))
    }

    pub(super) fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    /// Has the server run a command, and gives what is at our end.
    pub(super) async fn run(&self, command: &str, version: Protocol) -> Result<Open, Trouble> {
        let broken = |error: russh::Error| Trouble::Broken(plain::line(&causes(&error), 300));
        let mut channel = self.0.channel_open_session().await.map_err(broken)?;
        if version == Protocol::V2 {
            // Servers that do not know it, or do not take it, answer in the first version.
            channel.set_env(false, "GIT_PROTOCOL", "version=2").await.map_err(broken)?;
        }
        channel.exec(true, command).await.map_err(broken)?;
        loop {
            match channel.wait().await {
                Some(ChannelMsg::Success) => return Ok(channel),
                Some(ChannelMsg::Failure) => {
                    return Err(Trouble::Broken(
                        "the server does not run commands for us; give the account a Git shell".into(),
                    ));
                }
                Some(ChannelMsg::Close) | None => return Err(Trouble::Broken("the server hung up".into())),
                Some(_) => {}
            }
        }
    }
}

impl Handler for Guard {
    type Error = russh::Error;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        let checked = match shown {
            PublicKeyOrCertificate::PublicKey { key, .. } => self.check(key),
            PublicKeyOrCertificate::Certificate(certificate) => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
                self.known.certificate(certificate, &self.address.host, now)
            }
        };
        let is_trusted = checked.is_ok();
        *locked(&self.refusal) = checked.err();
        Ok(is_trusted)
    }
}

impl Guard {
    fn check(&self, key: &PublicKey) -> Result<(), String> {
        let name = self.address.known_as();
        let fingerprint = key.fingerprint(HashAlg::Sha256);
        let kind = key.algorithm();
        match self.known.key(key) {
            Verdict::Trusted => Ok(()),
            Verdict::Revoked => Err(format!("its host key {fingerprint} ({kind}) is revoked in known_hosts")),
            Verdict::Changed => Err(format!(
                "its host key {fingerprint} ({kind}) is not the one that known_hosts names for {name}: somebody may be in \
                 between. If whoever runs the server says that it has changed, change that line"
            )),
            Verdict::Unknown => {
                let mut bare = key.clone();
                bare.set_comment("");
                let line = bare.to_openssh().unwrap_or_default();
                Err(format!(
                    "nothing is known of the host {name}, which showed the host key {fingerprint} ({kind}). Ask whoever runs \
                     it whether that is its key, and if it is, put this line into a file for --git-known-hosts: {name} {line}"
                ))
            }
        }
    }
}

/// Shows our key, or the keys of the agent one by one.
async fn authenticate(handle: &mut Handle<Guard>, user: &str, options: &SshOptions) -> Result<(), Trouble> {
    let broken =
        |error: russh::Error| Trouble::Broken(format!("signing in failed: {}", plain::line(&causes(&error), 300)));
    let shown = if let Some(path) = &options.key {
        let key = key::load(path, options.passphrase.as_deref())?;
        let hash = rsa_hash(handle, &key.algorithm()).await?;
        let shown = format!("the key {} from {}", key.fingerprint(HashAlg::Sha256), path.display());
        let key = PrivateKeyWithHashAlg::new(Arc::new(key), hash);
        if handle.authenticate_publickey(user, key).await.map_err(broken)?.success() {
            return Ok(());
        }
        shown
    } else if let Some(socket) = &options.agent {
        let source = format!("the agent at {}", socket.display());
        let silent = |problem: String| Trouble::Key { source: source.clone(), problem };
        let asked = tokio::time::timeout(CONNECT, agent_keys(socket)).await;
        let (mut agent, keys) = asked.map_err(|_| silent("it does not answer".into()))?.map_err(silent)?;
        if keys.is_empty() {
            return Err(silent("it holds no key; add one with ssh-add, or name a key file with --git-ssh-key".into()));
        }
        let mut shown = BTreeSet::new();
        for key in keys.iter().take(MOST_KEYS) {
            let hash = rsa_hash(handle, &key.algorithm()).await?;
            let signed = handle.authenticate_publickey_with(user, key.clone(), hash, &mut agent).await;
            match signed {
                Ok(AuthResult::Success) => return Ok(()),
                Ok(AuthResult::Failure { .. }) => {}
                Err(error) => tracing::debug!(%error, "the agent does not sign with a key of its own"),
            }
            shown.insert(key.fingerprint(HashAlg::Sha256).to_string());
        }
        let shown = shown.into_iter().collect::<Vec<_>>().join(", ");
        format!("the keys {shown} from {source}")
    } else {
        let problem =
            "there is none: make a deploy key with `landwaiter identity`, or name a key file with --git-ssh-key";
        return Err(Trouble::Key { source: "a key".into(), problem: problem.into() });
    };
    Err(Trouble::Stranger { shown })
}

/// How an RSA key is to sign: never with SHA-1.
async fn rsa_hash(handle: &Handle<Guard>, algorithm: &Algorithm) -> Result<Option<HashAlg>, Trouble> {
    if !matches!(algorithm, Algorithm::Rsa { .. }) {
        return Ok(None);
    }
    match handle.best_supported_rsa_hash().await {
        Ok(Some(None)) => Err(Trouble::Key {
            source: "an RSA key".into(),
            problem: "the server takes it with SHA-1 only, which proves nothing any more; use an ed25519 key".into(),
        }),
        Ok(Some(hash)) => Ok(hash),
        Ok(None) => Ok(Some(HashAlg::Sha512)),
        Err(error) => Err(Trouble::Broken(causes(&error))),
    }
}

async fn agent_keys(socket: &Path) -> Result<(AgentClient<UnixStream>, Vec<PublicKey>), String> {
    let mut agent = AgentClient::connect_uds(socket).await.map_err(|error| causes(&error))?;
    let identities = agent.request_identities().await.map_err(|error| causes(&error))?;
    let keys = identities.into_iter().filter_map(|identity| match identity {
        AgentIdentity::PublicKey { key, .. } => Some(key),
        AgentIdentity::Certificate { .. } => None,
    });
    Ok((agent, keys.collect()))
}

fn read(files: &[std::path::PathBuf]) -> Result<Vec<String>, Trouble> {
    let mut texts = Vec::new();
    for file in files {
        match std::fs::read(file) {
            Ok(bytes) => texts.push(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(Trouble::Untrusted(format!("{} cannot be read: {error}", file.display()))),
        }
    }
    Ok(texts)
}

//! Which credential belongs to a repository. Knows files and helpers, and sends nothing to a registry.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use std::{fmt, fs};

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use tokio::time::Instant;

use super::helper;
use crate::image::{Registry, Repository};
use crate::secret::Secret;

/// How long the answer of a helper is good. A refusal by the registry ends it earlier.
const HELPER_MEMORY: Duration = Duration::from_mins(5);

/// A file with `user:password` for a part of the registries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialFile {
    /// A host with an optional port and path, such as `ghcr.io` or `quay.io/team`. It holds for
    /// itself and for everything below it; the longest one wins.
    pub prefix: String,
    /// The file. It is read again when it changes.
    pub path: PathBuf,
}

/// A credential, and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Credential {
    pub(super) proof: Proof,
    origin: String,
}

/// What a credential consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Proof {
    Password {
        user: String,
        password: Secret,
    },
    /// A refresh token, which a token server takes instead of a password.
    IdentityToken(Secret),
}

impl Proof {
    /// What must not be known to others.
    pub(super) fn secret(&self) -> &Secret {
        match self {
            Self::Password { password, .. } => password,
            Self::IdentityToken(token) => token,
        }
    }
}

/// All places where credentials are configured. The files given by name come first, then Docker's
/// configuration with its per-host helpers, its entries, and its general helper.
#[derive(Debug)]
pub(super) struct Keychain {
    files: Vec<(Prefix, Watched<Proof>)>,
    docker: Option<Watched<DockerConfig>>,
    helper_folders: Vec<PathBuf>,
    helper_patience: Duration,
    helped: Mutex<HashMap<(String, String), HelperMemory>>,
}

/// The last answer of one helper for one server. The lock is held while the helper is asked.
type HelperMemory = Arc<tokio::sync::Mutex<Option<(Instant, Option<Proof>)>>>;

/// A host with an optional path: everything that lies below it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Prefix {
    registry: Registry,
    path: String,
}

impl Keychain {
    /// Opens the files once, so that a wrong path is known at the start.
    ///
    /// # Errors
    /// A text that names the file and what is wrong with it.
    pub(super) fn open(
        docker_config: Option<PathBuf>,
        files: Vec<CredentialFile>,
        helper_folders: Vec<PathBuf>,
        helper_patience: Duration,
    ) -> Result<Self, String> {
        let file = |CredentialFile { prefix, path }: CredentialFile| {
            let place = Prefix::parse(&prefix).ok_or_else(|| {
                format!("{prefix:?} names no registry for the credential in {}: expected a host such as `ghcr.io` or `ghcr.io/org`", path.display())
            })?;
            Ok((place, Watched::open(path, read_password_file)?))
        };
        let files = files.into_iter().map(file).collect::<Result<_, String>>()?;
        let docker = docker_config.map(|path| Watched::open(path, read_docker_config)).transpose()?;
        Ok(Self { files, docker, helper_folders, helper_patience, helped: Mutex::default() })
    }

    /// The credential for a repository. `anew` asks the helpers again instead of remembering their answer.
    ///
    /// # Errors
    /// A text that names the file or helper that cannot be read.
    pub(super) async fn find(&self, repository: &Repository, anew: bool) -> Result<Option<Credential>, String> {
        let named = self.files.iter().filter(|(prefix, _)| prefix.covers(repository));
        if let Some((_, file)) = named.max_by_key(|(prefix, _)| prefix.path.len()) {
            let credential = Credential { proof: (*file.read()).clone(), origin: file.path.display().to_string() };
            return Ok(Some(credential));
        }
        let Some(docker) = &self.docker else { return Ok(None) };
        let config = docker.read();
        let registry = repository.registry();
        if let Some(name) = config.host_helpers.get(registry)
            && let Some(credential) = self.ask_helper(name, registry, anew).await?
        {
            return Ok(Some(credential));
        }
        let entry = config.entries.iter().filter(|(prefix, _)| prefix.covers(repository));
        if let Some((_, proof)) = entry.max_by_key(|(prefix, _)| prefix.path.len()) {
            return Ok(Some(Credential { proof: proof.clone(), origin: docker.path.display().to_string() }));
        }
        match &config.general_helper {
            Some(name) => self.ask_helper(name, registry, anew).await,
            None => Ok(None),
        }
    }

    async fn ask_helper(&self, name: &str, registry: &Registry, anew: bool) -> Result<Option<Credential>, String> {
        let server = helper_server(registry);
        let memory = {
            let mut helped = self.helped.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(helped.entry((name.to_owned(), server.to_owned())).or_default())
        };
        let asked = Instant::now();
        let mut memory = memory.lock().await;
        // Whoever waited for the answer to the same question takes it, even `anew`.
        let good_since = if anew { Some(asked) } else { asked.checked_sub(HELPER_MEMORY) };
        let proof = match &*memory {
            Some((at, proof)) if good_since.is_none_or(|since| *at >= since) => proof.clone(),
            _ => {
                let known = helper::ask(name, server, &self.helper_folders, self.helper_patience).await?;
                let proof = known.map(|known| match known.user.as_str() {
                    "<token>" => Proof::IdentityToken(known.secret),
                    _ => Proof::Password { user: known.user, password: known.secret },
                });
                *memory = Some((Instant::now(), proof.clone()));
                proof
            }
        };
        Ok(proof.map(|proof| Credential { proof, origin: format!("docker-credential-{name}") }))
    }
}

/// What helpers know a registry by: its host, and for Docker Hub the URL of an API of old.
fn helper_server(registry: &Registry) -> &str {
    if registry.is_docker_hub() { "https://index.docker.io/v1/" } else { registry.as_str() }
}

impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.proof {
            Proof::Password { user, .. } => write!(f, "the credential from {} (user {user})", self.origin),
            Proof::IdentityToken(_) => write!(f, "the identity token from {}", self.origin),
        }
    }
}

impl Prefix {
    /// Reads the key of a configuration file. Docker's own keys are URLs of an API
    /// (`https://index.docker.io/v1/`), other tools write hosts, with or without a path.
    fn parse(key: &str) -> Option<Self> {
        let key = key.split_once("://").map_or(key, |(_, rest)| rest).trim_end_matches('/');
        let (host, path) = key.split_once('/').unwrap_or((key, ""));
        let path = if matches!(path, "v1" | "v2") { "" } else { path };
        Some(Self { registry: Registry::parse(host).ok()?, path: path.to_owned() })
    }

    fn covers(&self, repository: &Repository) -> bool {
        let within = |rest: &str| self.path.is_empty() || rest.is_empty() || rest.starts_with('/');
        self.registry == *repository.registry() && repository.path().strip_prefix(&self.path).is_some_and(within)
    }
}

/// A file, as it was read when it last changed.
struct Watched<T> {
    path: PathBuf,
    parse: fn(&str) -> Result<T, String>,
    last: Mutex<Last<T>>,
}

/// The last good content, and what is wrong since, as it was told.
struct Last<T> {
    stamp: Stamp,
    content: Arc<T>,
    problem: Option<String>,
}

/// What tells one version of a file from the next.
type Stamp = Option<(SystemTime, u64)>;

impl<T> Watched<T> {
    fn open(path: PathBuf, parse: fn(&str) -> Result<T, String>) -> Result<Self, String> {
        let last = Mutex::new(load(&path, parse)?);
        Ok(Self { path, parse, last })
    }

    /// The content now. While the file cannot be read (it is being rotated, or somebody made a
    /// mistake), the last good content holds, with one warning.
    fn read(&self) -> Arc<T> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = stamp(&self.path);
        if now.is_none() || now != last.stamp {
            match load(&self.path, self.parse) {
                Ok(content) => *last = content,
                Err(problem) if last.problem.as_ref() == Some(&problem) => {}
                Err(problem) => {
                    tracing::warn!("{problem}; the last good content is still in use");
                    last.problem = Some(problem);
                }
            }
        }
        Arc::clone(&last.content)
    }
}

impl<T> fmt::Debug for Watched<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("path", &self.path).finish_non_exhaustive()
    }
}

fn stamp(path: &Path) -> Stamp {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

fn load<T>(path: &Path, parse: fn(&str) -> Result<T, String>) -> Result<Last<T>, String> {
    // The stamp first: a change in between is then seen the next time.
    let stamp = stamp(path);
    let text = fs::read_to_string(path)
        .map_err(|error| format!("the credentials in {} cannot be read: {error}", path.display()))?;
    let content = parse(&text).map_err(|problem| format!("the credentials in {}: {problem}", path.display()))?;
    Ok(Last { stamp, content: Arc::new(content), problem: None })
}

fn read_password_file(text: &str) -> Result<Proof, String> {
    password(text.trim_end_matches(['\r', '\n'])).ok_or_else(|| "expected one line `user:password`".to_owned())
}

fn password(text: &str) -> Option<Proof> {
    let (user, password) = text.split_once(':')?;
    let complete = !user.is_empty() && !password.is_empty() && !text.contains(['\r', '\n']);
    complete.then(|| Proof::Password { user: user.to_owned(), password: Secret::new(password) })
}

/// The parts of Docker's `config.json` that speak of credentials, sorted and decoded.
struct DockerConfig {
    entries: Vec<(Prefix, Proof)>,
    host_helpers: HashMap<Registry, String>,
    general_helper: Option<String>,
}

fn read_docker_config(text: &str) -> Result<DockerConfig, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct File {
        #[serde(default)]
        auths: BTreeMap<String, Entry>,
        #[serde(default)]
        cred_helpers: BTreeMap<String, String>,
        creds_store: Option<String>,
    }
    // The position only: the text around a mistake may be a secret.
    let file: File = serde_json::from_str(text)
        .map_err(|error| format!("no Docker configuration, see line {}, column {}", error.line(), error.column()))?;
    let mut config = DockerConfig {
        entries: Vec::new(),
        host_helpers: HashMap::new(),
        general_helper: file.creds_store.filter(|name| !name.is_empty()),
    };
    for (key, entry) in file.auths {
        let Some(prefix) = Prefix::parse(&key) else {
            tracing::warn!(key, "an entry under `auths` names no registry and is ignored");
            continue;
        };
        // An entry without content says that the login is kept by a helper.
        config.entries.extend(
            entry.proof().map_err(|problem| format!("`auths` for {key}: {problem}"))?.map(|proof| (prefix, proof)),
        );
    }
    for (key, name) in file.cred_helpers {
        if let Some(prefix) = Prefix::parse(&key) {
            config.host_helpers.insert(prefix.registry, name);
        } else {
            tracing::warn!(key, "an entry under `credHelpers` names no registry and is ignored");
        }
    }
    Ok(config)
}

/// One entry under `auths`.
#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    auth: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    identitytoken: String,
}

impl Entry {
    fn proof(self) -> Result<Option<Proof>, String> {
        /// Some tools leave out the padding.
        const LENIENT: GeneralPurpose = GeneralPurpose::new(
            &alphabet::STANDARD,
            GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
        );
        if !self.identitytoken.is_empty() {
            return Ok(Some(Proof::IdentityToken(Secret::new(self.identitytoken))));
        }
        if !self.username.is_empty() && !self.password.is_empty() {
            return Ok(Some(Proof::Password { user: self.username, password: Secret::new(self.password) }));
        }
        if self.auth.is_empty() {
            return Ok(None);
        }
        let decoded = LENIENT.decode(self.auth.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let proof = decoded.and_then(|text| password(text.trim_end_matches('\0')));
        proof.map(Some).ok_or_else(|| "`auth` is not base64 of `user:password`".to_owned())
    }
}

#[cfg(test)]
mod tests;

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
use super::site::{CredentialSource, Prefix, Sites};
use crate::image::{Registry, Repository};
use crate::secret::Secret;

/// How long the answer of a helper is good. A refusal by the registry ends it earlier.
const HELPER_MEMORY: Duration = Duration::from_mins(5);

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

/// All places where credentials are configured. Those that are set for a registry come first, the longest
/// prefix first, then Docker's configuration with its per-host helpers, its entries, and its general helper.
#[derive(Debug)]
pub(super) struct Keychain {
    places: Vec<(Prefix, Place)>,
    docker: Option<Watched<DockerConfig>>,
    helper_folders: Vec<PathBuf>,
    helper_patience: Duration,
    helped: Mutex<HashMap<(String, String), HelperMemory>>,
}

/// The last answer of one helper for one server. The lock is held while the helper is asked.
type HelperMemory = Arc<tokio::sync::Mutex<Option<(Instant, Option<Proof>)>>>;

/// Where the credential of a part of the registries is kept.
#[derive(Debug)]
enum Place {
    Password(Watched<Proof>),
    Docker(Watched<DockerConfig>),
    Environment { user: String, password: String },
    Helper(String),
    Nowhere,
}

impl Keychain {
    /// Opens the files once, so that a wrong path is known at the start.
    ///
    /// # Errors
    /// A text that names the file and what is wrong with it.
    pub(super) fn open(
        docker_config: Option<PathBuf>,
        sites: &Sites,
        helper_folders: Vec<PathBuf>,
        helper_patience: Duration,
    ) -> Result<Self, String> {
        let set = sites.iter().filter_map(|site| Some((site.prefix.clone(), site.credential.as_ref()?)));
        let places = set.map(|(prefix, source)| Ok((prefix, Place::open(source)?))).collect::<Result<_, String>>()?;
        let docker = docker_config.map(|path| Watched::open(path, read_docker_config)).transpose()?;
        Ok(Self { places, docker, helper_folders, helper_patience, helped: Mutex::default() })
    }

    /// The credential for a repository. `anew` asks the helpers again instead of remembering their answer.
    ///
    /// # Errors
    /// A text that names the file or helper that cannot be read.
    pub(super) async fn find(&self, repository: &Repository, anew: bool) -> Result<Option<Credential>, String> {
        match self.places.iter().find(|(prefix, _)| prefix.covers(repository)) {
            Some((_, Place::Password(file))) => {
                let origin = file.path.display().to_string();
                Ok(Some(Credential { proof: (*file.read()).clone(), origin }))
            }
            Some((_, Place::Docker(config))) => self.find_in(config, repository, anew).await,
            Some((_, Place::Environment { user, password })) => from_environment(user, password).map(Some),
            Some((_, Place::Helper(name))) => self.ask_helper(name, repository.registry(), anew).await,
            Some((_, Place::Nowhere)) => Ok(None),
            None => match &self.docker {
                Some(docker) => self.find_in(docker, repository, anew).await,
                None => Ok(None),
            },
        }
    }

    /// The credential for a repository in one of Docker's configurations.
    async fn find_in(
        &self,
        docker: &Watched<DockerConfig>,
        repository: &Repository,
        anew: bool,
    ) -> Result<Option<Credential>, String> {
        let config = docker.read();
        let registry = repository.registry();
        if let Some(name) = config.host_helpers.get(registry)
            && let Some(credential) = self.ask_helper(name, registry, anew).await?
        {
            return Ok(Some(credential));
        }
        let entry = config.entries.iter().filter(|(prefix, _)| prefix.covers(repository));
        if let Some((_, proof)) = entry.max_by_key(|(prefix, _)| prefix.path().len()) {
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

impl Place {
    fn open(source: &CredentialSource) -> Result<Self, String> {
        Ok(match source {
            CredentialSource::File(path) => Self::Password(Watched::open(path.clone(), read_password_file)?),
            CredentialSource::DockerConfig(path) => Self::Docker(Watched::open(path.clone(), read_docker_config)?),
            CredentialSource::PullSecret(path) => Self::Docker(Watched::open(pull_secret(path)?, read_docker_config)?),
            CredentialSource::Environment { user, password } => {
                from_environment(user, password)?;
                Self::Environment { user: user.clone(), password: password.clone() }
            }
            CredentialSource::Helper(name) => Self::Helper(name.clone()),
            CredentialSource::Anonymous => Self::Nowhere,
        })
    }
}

/// The file of a pull secret, which is usually mounted as a folder.
fn pull_secret(path: &Path) -> Result<PathBuf, String> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let names = [".dockerconfigjson", ".dockercfg"];
    names.into_iter().map(|name| path.join(name)).find(|file| file.is_file()).ok_or_else(|| {
        let path = path.display();
        format!("there is neither .dockerconfigjson nor .dockercfg in {path}; mount the imagePullSecret there")
    })
}

fn from_environment(user: &str, password: &str) -> Result<Credential, String> {
    let read = |name: &str| match std::env::var(name) {
        Ok(value) if !value.is_empty() => Ok(value),
        Ok(_) | Err(std::env::VarError::NotPresent) => {
            Err(format!("the variable {name}, which is to hold a credential, is not set"))
        }
        Err(std::env::VarError::NotUnicode(_)) => Err(format!("the variable {name} is no text")),
    };
    let origin = format!("the variables {user} and {password}");
    let proof = Proof::Password { user: read(user)?, password: Secret::new(read(password)?) };
    Ok(Credential { proof, origin })
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

/// The parts of Docker's `config.json` that speak of credentials, sorted and decoded. In the older form of a
/// pull secret, `.dockercfg`, the entries stand by themselves.
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
    let is_modern = !file.auths.is_empty() || !file.cred_helpers.is_empty() || config.general_helper.is_some();
    let auths = if is_modern { file.auths } else { old_entries(text) };
    for (key, entry) in auths {
        let Ok(prefix) = key.parse::<Prefix>() else {
            tracing::warn!(key, "an entry under `auths` names no registry and is ignored");
            continue;
        };
        // An entry without content says that the login is kept by a helper.
        config.entries.extend(
            entry.proof().map_err(|problem| format!("`auths` for {key}: {problem}"))?.map(|proof| (prefix, proof)),
        );
    }
    for (key, name) in file.cred_helpers {
        if let Ok(prefix) = key.parse::<Prefix>() {
            config.host_helpers.insert(prefix.registry().clone(), name);
        } else {
            tracing::warn!(key, "an entry under `credHelpers` names no registry and is ignored");
        }
    }
    Ok(config)
}

/// The entries of a file that has them at its top, `.dockercfg`.
fn old_entries(text: &str) -> BTreeMap<String, Entry> {
    let all: BTreeMap<String, serde_json::Value> = serde_json::from_str(text).unwrap_or_default();
    let entry = |value: serde_json::Value| value.is_object().then(|| Entry::deserialize(value).ok()).flatten();
    all.into_iter().filter_map(|(key, value)| Some((key, entry(value)?))).collect()
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

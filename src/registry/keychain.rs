//! Which credential belongs to a repository. Knows files and helpers, and sends nothing to a registry.

mod docker;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{fmt, fs};

use tokio::time::Instant;

use self::docker::DockerConfig;
use super::helper::{self, Trouble};
use super::site::{CredentialSource, Prefix, Sites};
use crate::image::{Registry, Repository};
use crate::secret::Secret;
use crate::watched::Watched;

/// How long the answer of a helper is good. A refusal by the registry ends it earlier.
const HELPER_MEMORY: Duration = Duration::from_mins(5);

/// How long a failure of a helper is remembered, so that one that hangs does not hang for each repository anew.
const FAILURE_MEMORY: Duration = Duration::from_mins(1);

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
    /// General helpers that are not there, with the words for it.
    missing: Mutex<HashMap<String, String>>,
}

/// The last answer of one helper for one server. The lock is held while the helper is asked.
type HelperMemory = Arc<tokio::sync::Mutex<Option<(Instant, Result<Option<Proof>, Trouble>)>>>;

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
        let docker = docker_config.map(|path| watch(path, docker::read)).transpose()?;
        Ok(Self {
            places,
            docker,
            helper_folders,
            helper_patience,
            helped: Mutex::default(),
            missing: Mutex::default(),
        })
    }

    /// The credential for a repository. `anew` asks the helpers again instead of remembering their answer.
    ///
    /// # Errors
    /// A text that names the file or helper that cannot be read.
    pub(super) async fn find(&self, repository: &Repository, anew: bool) -> Result<Option<Credential>, String> {
        match self.places.iter().find(|(prefix, _)| prefix.covers(repository)) {
            Some((_, Place::Password(file))) => {
                Ok(Some(Credential { proof: (*file.now()).clone(), origin: origin(file) }))
            }
            Some((_, Place::Docker(config))) => self.find_in(config, repository, anew).await,
            Some((_, Place::Environment { user, password })) => from_environment(user, password).map(Some),
            Some((_, Place::Helper(name))) => {
                self.ask_helper(name, repository.registry(), anew).await.map_err(Trouble::into_words)
            }
            Some((_, Place::Nowhere)) => Ok(None),
            None => match &self.docker {
                Some(docker) => self.find_in(docker, repository, anew).await,
                None => Ok(None),
            },
        }
    }

    /// Who we are for a repository, in words without the secret, and without asking a helper; `None` for nobody.
    ///
    /// # Errors
    /// A text that names the file that cannot be read.
    pub(super) fn holder(&self, repository: &Repository) -> Result<Option<String>, String> {
        let found = match self.places.iter().find(|(prefix, _)| prefix.covers(repository)) {
            Some((_, Place::Password(file))) => Credential { proof: (*file.now()).clone(), origin: origin(file) },
            Some((_, Place::Environment { user, password })) => from_environment(user, password)?,
            Some((_, Place::Helper(name))) => return Ok(Some(word_of(name))),
            Some((_, Place::Nowhere)) => return Ok(None),
            Some((_, Place::Docker(docker))) => return holder_in(docker, repository),
            None => return self.docker.as_ref().map_or(Ok(None), |docker| holder_in(docker, repository)),
        };
        Ok(Some(found.to_string()))
    }

    /// The credential for a repository in one of Docker's configurations.
    async fn find_in(
        &self,
        docker: &Watched<DockerConfig>,
        repository: &Repository,
        anew: bool,
    ) -> Result<Option<Credential>, String> {
        let config = docker.now();
        let registry = repository.registry();
        if let Some(name) = config.host_helpers.get(registry)
            && let Some(credential) = self.ask_helper(name, registry, anew).await.map_err(Trouble::into_words)?
        {
            return Ok(Some(credential));
        }
        if let Some(credential) = entry_in(docker, repository)? {
            return Ok(Some(credential));
        }
        let Some(name) = &config.general_helper else { return Ok(None) };
        match self.ask_helper(name, registry, anew).await {
            Err(Trouble::Missing(problem)) => {
                self.miss(name, &problem, &origin(docker));
                Ok(None)
            }
            Err(Trouble::Failed(problem)) => Err(problem),
            Ok(found) => {
                self.missing().remove(name);
                Ok(found)
            }
        }
    }

    /// Why there may be no credential for a repository although there should be one.
    pub(super) fn lack(&self, repository: &Repository) -> Option<String> {
        let docker = match self.places.iter().find(|(prefix, _)| prefix.covers(repository)) {
            Some((_, Place::Docker(docker))) => docker,
            Some(_) => return None,
            None => self.docker.as_ref()?,
        };
        self.missing().get(docker.now().general_helper.as_ref()?).cloned()
    }

    /// The helper for every registry is not there. A configuration that was brought from a desk names one
    /// that is at home there, and says nothing about this registry: what everybody may see needs no helper.
    fn miss(&self, name: &str, problem: &str, config: &str) {
        let before = self.missing().insert(name.to_owned(), problem.to_owned());
        if before.is_none() {
            tracing::warn!("{problem}; `credsStore` in {config} names it, and without it nobody is logged in by that");
        }
    }

    fn missing(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask_helper(&self, name: &str, registry: &Registry, anew: bool) -> Result<Option<Credential>, Trouble> {
        let server = helper_server(registry);
        let memory = {
            let mut helped = self.helped.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(helped.entry((name.to_owned(), server.to_owned())).or_default())
        };
        let asked = Instant::now();
        let mut memory = memory.lock().await;
        // Whoever waited for the answer to the same question takes it, even `anew`.
        let is_good = |at: Instant, answer: &Result<_, Trouble>| {
            let life = match answer {
                Ok(_) => HELPER_MEMORY,
                Err(Trouble::Failed(_)) => FAILURE_MEMORY,
                Err(Trouble::Missing(_)) => Duration::ZERO,
            };
            at >= asked || !anew && asked.duration_since(at) < life
        };
        let answer = match &*memory {
            Some((at, answer)) if is_good(*at, answer) => answer.clone(),
            _ => {
                let known = helper::ask(name, server, &self.helper_folders, self.helper_patience).await;
                let proof = |known: helper::Known| match known.user.as_str() {
                    "<token>" => Proof::IdentityToken(known.secret),
                    _ => Proof::Password { user: known.user, password: known.secret },
                };
                let answer = known.map(|known| known.map(proof));
                *memory = Some((Instant::now(), answer.clone()));
                answer
            }
        };
        Ok(answer?.map(|proof| Credential { proof, origin: format!("docker-credential-{name}") }))
    }
}

/// The entry for a repository in one of Docker's configurations.
fn entry_in(docker: &Watched<DockerConfig>, repository: &Repository) -> Result<Option<Credential>, String> {
    let config = docker.now();
    let entries = config.entries.iter().filter(|(prefix, _)| prefix.covers(repository));
    let Some((_, proof)) = entries.max_by_key(|(prefix, _)| prefix.path().len()) else { return Ok(None) };
    let origin = origin(docker);
    let proof = proof.clone().map_err(|problem| format!("the credentials in {origin}: {problem}"))?;
    Ok(Some(Credential { proof, origin }))
}

fn holder_in(docker: &Watched<DockerConfig>, repository: &Repository) -> Result<Option<String>, String> {
    let config = docker.now();
    if let Some(name) = config.host_helpers.get(repository.registry()) {
        return Ok(Some(word_of(name)));
    }
    let entry = entry_in(docker, repository)?.map(|credential| credential.to_string());
    Ok(entry.or_else(|| config.general_helper.as_deref().map(word_of)))
}

fn word_of(helper: &str) -> String {
    format!("what docker-credential-{helper} says")
}

/// What is wrong with the place of a credential.
pub(super) fn fault(source: &CredentialSource) -> Option<String> {
    Place::open(source).err()
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
            CredentialSource::File(path) => Self::Password(watch(path.clone(), read_password_file)?),
            CredentialSource::DockerConfig(path) => Self::Docker(watch(path.clone(), docker::read)?),
            CredentialSource::PullSecret(path) => Self::Docker(watch(pull_secret(path)?, docker::read)?),
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

/// Reads a file with credentials by `parse`, now and whenever it changes.
fn watch<T: 'static>(path: PathBuf, parse: fn(&Path, &str) -> Result<T, String>) -> Result<Watched<T>, String> {
    Watched::open(vec![path.clone()], move || {
        let text = fs::read_to_string(&path)
            .map_err(|error| format!("the credentials in {} cannot be read: {error}", path.display()))?;
        parse(&path, &text).map_err(|problem| format!("the credentials in {}: {problem}", path.display()))
    })
}

/// The place of what is read out of one file.
fn origin<T>(watched: &Watched<T>) -> String {
    watched.files().iter().map(|path| path.display().to_string()).collect()
}

fn read_password_file(_: &Path, text: &str) -> Result<Proof, String> {
    password(text.trim_end_matches(['\r', '\n'])).ok_or_else(|| "expected one line `user:password`".to_owned())
}

fn password(text: &str) -> Option<Proof> {
    let (user, password) = text.split_once(':')?;
    let complete = !user.is_empty() && !password.is_empty() && !text.contains(['\r', '\n']);
    complete.then(|| Proof::Password { user: user.to_owned(), password: Secret::new(password) })
}

#[cfg(test)]
mod tests;

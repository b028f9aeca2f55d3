//! One config repository of a configuration: what is said of it, and what that comes to.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::{Error, Mistake};
use crate::git::{self, ConnectionOptions, Credential, Identity, Mirror, RemoteUrl, Signing};
use crate::manifest;
use crate::path::RepoPath;
use crate::plan::{CommitOptions, Grouping, Template};
use crate::policy::{Dialects, Preset};
use crate::reconcile::{self, Area, Lookout, Reconciler};

/// One branch of one config repository, and what is done with it.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfigRepository {
    /// What it is called in logs and metrics.
    pub name: String,
    /// Where it is.
    pub git: git::Options,
    /// What a pass does, with how often the branch is asked for news.
    pub pass: reconcile::Options,
}

/// What a configuration file says of one config repository. What is `None` is as for every other one.
#[derive(Debug, Clone, PartialEq)]
pub struct RepositorySettings {
    /// What it is called; no other one is.
    pub name: String,
    /// Where it is.
    pub url: RemoteUrl,
    /// The branch; the one that the repository calls its main one when `None`.
    pub branch: Option<String>,
    /// Where to look.
    pub area: Area,
    /// Where the credential for https is kept.
    pub credential: Option<Credential>,
    /// What is set for the connections to its server.
    pub connection: ConnectionOptions,
    /// Keys for ssh.
    pub ssh: SshSettings,
    /// With what commits are signed.
    pub signing: Option<Signing>,
    /// How often the branch is asked for news.
    pub poll_interval: Option<Duration>,
    /// How long one fetch or push may take.
    pub timeout: Option<Duration>,
    /// What commits look like.
    pub commit: CommitSettings,
    /// How long a commit waits for tags that land together.
    pub settle: Option<Duration>,
    /// Who the commits are by.
    pub author: Option<Identity>,
    /// Whose words are heard.
    pub dialects: Option<Dialects>,
    /// A folder with named policies.
    pub policies: Option<PathBuf>,
}

/// What is said of commits. What is `None` is as for every other config repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommitSettings {
    /// A file with a template for the message.
    pub template: Option<PathBuf>,
    /// Whether the subject ends with `[skip ci]`.
    pub skip_ci: Option<bool>,
    /// Whether the author signs off.
    pub sign_off: Option<bool>,
    /// Which updates share a commit.
    pub grouping: Option<Grouping>,
}

/// What may turn out wrong when an entry is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// Where the credential is kept.
    Credentials,
    /// The folder with policies.
    Policies,
    /// The file of the template.
    Template,
    /// Files that are only read when they are used.
    Files,
}

/// What is said of ssh.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SshSettings {
    /// The file of the private key.
    pub key: Option<PathBuf>,
    /// A file with its passphrase.
    pub passphrase: Option<PathBuf>,
    /// Files with the host keys of servers; empty for the usual ones.
    pub known_hosts: Vec<PathBuf>,
}

impl ConfigRepository {
    /// Opens the store.
    ///
    /// # Errors
    /// [`Error`] when the data directory cannot be used or a setting cannot be read.
    pub fn open(&self, lookout: &Arc<Lookout>) -> Result<Reconciler, Error> {
        Ok(Reconciler::new(Mirror::open(self.git.clone())?, lookout, self.pass.clone()))
    }
}

impl RepositorySettings {
    /// What they come to where `git` and `pass` are what is usual. Reads named policies and variables; `wrong` takes
    /// what is wrong in the file itself, by what it is about.
    ///
    /// # Errors
    /// What is wrong in the files of policies.
    pub(super) fn over(
        &self,
        git: &git::Options,
        pass: &reconcile::Options,
        mut wrong: impl FnMut(Part, String),
    ) -> Result<ConfigRepository, Vec<Mistake>> {
        let is_unset = |name: &&String| std::env::var_os(name).is_none_or(|value| value.is_empty());
        let variables = match &self.credential {
            Some(Credential::Environment { user, password }) => [user.as_ref(), Some(password)],
            Some(Credential::BearerEnvironment(name)) => [Some(name), None],
            _ => [None, None],
        };
        if let Some(name) = variables.into_iter().flatten().find(is_unset) {
            wrong(Part::Credentials, format!("${name} is not set"));
        }
        let mut terms = pass.terms.clone();
        if let Some(dialects) = self.dialects {
            terms.dialects = dialects;
        }
        if let Some(folder) = &self.policies {
            match policy_files(folder) {
                Ok(files) => {
                    for preset in policies(&files)? {
                        terms.presets.insert(preset);
                    }
                }
                Err(error) => wrong(Part::Policies, format!("{} cannot be read: {error}", folder.display())),
            }
        }
        let commit = CommitOptions {
            template: match &self.commit.template {
                None => pass.commit.template.clone(),
                Some(file) => template(file, |problem| wrong(Part::Template, problem))?,
            },
            skip_ci: self.commit.skip_ci.unwrap_or(pass.commit.skip_ci),
            sign_off: self.commit.sign_off.unwrap_or(pass.commit.sign_off),
            grouping: self.commit.grouping.unwrap_or(pass.commit.grouping),
        };
        let SshSettings { key, passphrase, known_hosts } = &self.ssh;
        let mut ssh = git.ssh.clone();
        if key.is_some() {
            (ssh.key, ssh.passphrase) = (key.clone(), passphrase.clone());
        }
        if !known_hosts.is_empty() {
            ssh.known_hosts.clone_from(known_hosts);
        }
        Ok(ConfigRepository {
            name: self.name.clone(),
            git: git::Options {
                branch: self.branch.clone(),
                data_dir: git.data_dir.join("repositories").join(&self.name),
                credential: self.credential.clone(),
                connection: self.connection.clone(),
                ssh,
                signing: self.signing.clone().or_else(|| git.signing.clone()),
                timeout: self.timeout.unwrap_or(git.timeout),
                ..git::Options::new(self.url.clone(), PathBuf::new())
            },
            pass: reconcile::Options {
                area: self.area.clone(),
                terms,
                commit,
                author: self.author.clone().unwrap_or_else(|| pass.author.clone()),
                git_fresh_for: self.poll_interval.unwrap_or(pass.git_fresh_for),
                settle: if pass.settle.is_zero() { Duration::ZERO } else { self.settle.unwrap_or(pass.settle) },
                ..pass.clone()
            },
        })
    }

    /// The files that are only read when they are used, with what they are.
    fn used(&self) -> Vec<(&'static str, &Path)> {
        let credential = match &self.credential {
            Some(Credential::File(file) | Credential::BearerFile(file)) => Some(file),
            Some(Credential::GithubApp(app)) => Some(&app.key),
            _ => None,
        };
        let certificate = self.connection.client_certificate.as_ref();
        let files = [
            ("the credential", credential),
            ("the ssh key", self.ssh.key.as_ref()),
            ("its passphrase", self.ssh.passphrase.as_ref()),
            ("the signing key", self.signing.as_ref().map(|signing| &signing.key)),
            ("its passphrase", self.signing.as_ref().and_then(|signing| signing.passphrase.as_ref())),
            ("the authorities", self.connection.ca_bundle.as_ref()),
            ("the client certificate", certificate.map(|own| &own.certificate)),
            ("its key", certificate.map(|own| &own.key)),
            ("the credential of the proxy", self.connection.proxy_credentials.as_ref()),
        ];
        files.into_iter().filter_map(|(what, file)| Some((what, file?.as_path()))).collect()
    }

    /// What is wrong with those files now.
    pub(super) fn unreadable(&self) -> Vec<String> {
        let problem = |(what, file): (&str, &Path)| {
            let error = std::fs::read(file).err()?;
            Some(format!("{what} {} cannot be read: {error}", file.display()))
        };
        self.used().into_iter().filter_map(problem).collect()
    }

    /// The files that this reads besides the configuration file.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let folder = self.policies.iter().cloned();
        let policies = folder.clone().flat_map(|folder| policy_files(&folder).unwrap_or_default());
        folder.chain(policies).chain(self.commit.template.clone()).collect()
    }
}

/// The template in a file; nothing where it cannot be read, as `wrong` is told.
fn template(file: &Path, wrong: impl FnOnce(String)) -> Result<Option<Template>, Vec<Mistake>> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => {
            wrong(format!("{} cannot be read: {error}", file.display()));
            return Ok(None);
        }
    };
    let template = Template::parse(&file.display().to_string(), &text);
    template.map(Some).map_err(|error| {
        let (line, column) = (error.line as u64, error.column as u64);
        vec![Mistake { file: error.name, line, column, message: error.problem }]
    })
}

/// The named policies of these files, each called like its file.
fn policies(files: &[PathBuf]) -> Result<Vec<Preset>, Vec<Mistake>> {
    let (mut found, mut mistakes) = (Vec::new(), Vec::new());
    for file in files {
        let mut wrong = |line: usize, column: usize, message: String| {
            let (line, column) = (line as u64, column as u64);
            mistakes.push(Mistake { file: file.display().to_string(), line, column, message });
        };
        let name = file.file_name().and_then(|name| name.to_str()).and_then(|name| RepoPath::parse(name).ok());
        match (name, std::fs::read(file)) {
            (Some(name), Ok(bytes)) => match manifest::read_policy_file(&name, &bytes) {
                Ok(preset) => found.push(preset),
                Err(problems) => {
                    for problem in problems {
                        wrong(problem.place.line, problem.place.column, problem.text());
                    }
                }
            },
            (_, Err(error)) => wrong(0, 0, error.to_string()),
            (None, _) => wrong(0, 0, "the name of the file is not UTF-8".to_owned()),
        }
    }
    if mistakes.is_empty() { Ok(found) } else { Err(mistakes) }
}

fn policy_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        // What Kubernetes mounts has `..data` beside the files.
        let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !is_hidden && path.extension().is_some_and(|end| end == "yaml" || end == "yml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

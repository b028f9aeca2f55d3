//! What the entries of config repositories mean. Reads no other file.

use serde_saphyr::Spanned;
use url::Url;

use super::Reader;
use crate::config::file::form::repositories::{Author, GitCredentials, GithubAppEntry, RepositoryEntry, SshEntry};
use crate::config::repository::{CommitSettings, Part, RepositorySettings, SshSettings};
use crate::git::{ClientCertificate, ConnectionOptions, Credential, GithubApp, Identity, RemoteUrl, Signing};
use crate::path::RepoPath;
use crate::policy::{Dialect, Dialects, PathGlob};
use crate::reconcile::Area;

impl Reader<'_> {
    /// What an entry says; `None` where nobody can tell which repository it is about.
    pub(super) fn repository(
        &mut self,
        entry: RepositoryEntry,
        earlier: &[RepositorySettings],
    ) -> Option<RepositorySettings> {
        let url = self.url(&entry.url);
        let name = match &entry.name {
            Some(name) => self.name(name),
            None => url.as_ref().map(RemoteUrl::short_name),
        };
        let (url, name) = (url?, name?);
        if earlier.iter().any(|other| other.name == name) {
            let message = format!("two repositories are called `{name}`: give this one a `name` of its own");
            self.wrong_at(entry.name.as_ref().map_or(entry.url.referenced, |name| name.referenced), message);
        }
        let places = [
            (Part::Files, Some(entry.url.referenced)),
            (Part::Credentials, entry.credentials.as_ref().map(|value| value.referenced)),
            (Part::Policies, entry.policies.as_ref().map(|value| value.referenced)),
            (
                Part::Template,
                entry.commit.as_ref().and_then(|commit| commit.template.as_ref()).map(|value| value.referenced),
            ),
        ];
        let places = places.into_iter().filter_map(|(part, place)| Some(((name.clone(), part), place?)));
        self.settings.parts.extend(places);
        let paths = entry.paths.iter().filter_map(|text| self.read(text, RepoPath::parse)).collect();
        let excludes = entry.excludes.iter().filter_map(|text| self.read(text, PathGlob::parse)).collect();
        if let Some(credentials) = entry.credentials.as_ref().filter(|_| !url.is_http()) {
            let message = "a password or token is for https; over ssh a key proves who we are, see `ssh`";
            self.wrong(credentials, message);
        }
        let dialects = entry.dialects.map(|names| {
            let heard: Vec<Dialect> = names.iter().filter_map(|text| self.read(text, str::parse)).collect();
            Dialects::of(&heard)
        });
        let commit = entry.commit.map(|commit| CommitSettings {
            template: commit.template.map(|path| self.file(path.value)),
            skip_ci: commit.skip_ci,
            sign_off: commit.sign_off,
            grouping: commit.grouping.and_then(|text| self.read(&text, str::parse)),
        });
        let signing = entry.signing.map(|signing| Signing {
            key: self.file(signing.key),
            passphrase: signing.passphrase.map(|path| self.file(path)),
        });
        let connection = ConnectionOptions {
            ca_bundle: entry.ca_bundle.map(|path| self.file(path)),
            client_certificate: entry
                .client_certificate
                .map(|own| ClientCertificate { certificate: self.file(own.certificate), key: self.file(own.key) }),
            proxy: entry.proxy.as_ref().and_then(|text| self.proxy(text)),
            proxy_credentials: entry.proxy_credentials.map(|path| self.file(path)),
        };
        Some(RepositorySettings {
            connection,
            commit: commit.unwrap_or_default(),
            branch: entry.branch.map(|branch| branch.value),
            area: Area { paths, excludes },
            credential: entry.credentials.map(|credentials| self.credential(credentials.value)),
            ssh: entry.ssh.map(|ssh| self.ssh(ssh)).unwrap_or_default(),
            signing,
            poll_interval: entry.poll_interval.as_ref().and_then(|text| self.interval(text)),
            timeout: entry.timeout.as_ref().and_then(|text| self.interval(text)),
            settle: entry.settle.as_ref().and_then(|text| self.duration(text)),
            author: entry.author.as_ref().and_then(|author| self.author(author)),
            dialects,
            policies: entry.policies.map(|folder| self.file(folder.value)),
            url,
            name,
        })
    }

    fn url(&mut self, text: &Spanned<String>) -> Option<RemoteUrl> {
        let is_relative = |text: &str| !text.contains(':') && !text.starts_with('/');
        let written = if is_relative(&text.value) {
            self.file(text.value.clone().into()).display().to_string()
        } else {
            text.value.clone()
        };
        let url = RemoteUrl::parse(&written).map_err(|error| self.wrong(text, error.to_string())).ok()?;
        if url.credential().is_some() {
            self.wrong(text, "a password does not belong into this file: say under `credentials` where it is kept");
        }
        Some(url)
    }

    fn name(&mut self, text: &Spanned<String>) -> Option<String> {
        let name = text.value.as_str();
        let is_good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if name.is_empty() || name.len() > 64 || name.starts_with('.') || !name.chars().all(is_good) {
            let message = format!("`{name}` is no name: expected up to 64 letters, digits, `.`, `_` and `-`");
            self.wrong(text, message);
            return None;
        }
        Some(name.to_owned())
    }

    fn author(&mut self, author: &Spanned<Author>) -> Option<Identity> {
        let Author { name, email } = &author.value;
        Identity::new(name, email).map_err(|error| self.wrong(author, error.to_string())).ok()
    }

    fn credential(&mut self, credentials: GitCredentials) -> Credential {
        match credentials {
            GitCredentials::File(path) => Credential::File(self.file(path)),
            GitCredentials::Environment(names) => {
                Credential::Environment { user: names.user, password: names.password }
            }
            GitCredentials::BearerFile(path) => Credential::BearerFile(self.file(path)),
            GitCredentials::BearerEnvironment(name) => Credential::BearerEnvironment(name),
            GitCredentials::GithubApp(GithubAppEntry { id, key, installation, api }) => {
                let api = api.and_then(|text| self.read(&text, Url::parse));
                Credential::GithubApp(GithubApp { id, key: self.file(key), installation, api })
            }
        }
    }

    fn ssh(&self, ssh: SshEntry) -> SshSettings {
        SshSettings {
            key: ssh.key.map(|path| self.file(path)),
            passphrase: ssh.passphrase.map(|path| self.file(path)),
            known_hosts: ssh.known_hosts.into_iter().map(|path| self.file(path)).collect(),
        }
    }

    /// What `read` makes of a text.
    fn read<T, E: std::fmt::Display>(
        &mut self,
        text: &Spanned<String>,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        read(&text.value).map_err(|error| self.wrong(text, error.to_string())).ok()
    }
}

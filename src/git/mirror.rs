//! The config repository as the rest of the program sees it: fetch, commit, push. Knows which of its
//! siblings does what, and nothing of what the files mean.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gix::ObjectId;
use gix::refs::FullName;
use jiff::Timestamp;

use super::commit::{self, Parent};
use super::fetch::{DEPTH, Upstream};
use super::local::Local;
use super::push::{self, PushAccess, PushOutcome};
use super::server::Server;
use super::snapshot::{CommitId, Snapshot};
use super::store::{self, Store};
use super::{
    ConnectionOptions, Credential, Error, Identity, Introduction, Proxy, RemoteUrl, Signing, SshOptions, http, ssh,
};
use crate::path::RepoPath;
use crate::span::{self, span};

/// How long one fetch or push may take unless told otherwise: enough for the first fetch of a large
/// repository over a slow line.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_mins(5);

/// Which repository, and how to get at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Where it is.
    pub url: RemoteUrl,
    /// The branch to read and write; the one that the repository calls its main one when `None`.
    pub branch: Option<String>,
    /// Where the copy of a repository on a server is kept. It may be deleted at any time.
    pub data_dir: PathBuf,
    /// What to log in with over https; the user name and password of the address when `None`.
    pub credential: Option<Credential>,
    /// Authorities and client certificate for https, and the proxy.
    pub connection: ConnectionOptions,
    /// Keys and known hosts, for an address that is reached by ssh.
    pub ssh: SshOptions,
    /// With what commits are signed, if they are.
    pub signing: Option<Signing>,
    /// How long one fetch or push may take, all in all.
    pub timeout: Duration,
}

/// A repository that we follow. Its calls block, and one runs at a time.
pub struct Mirror {
    remote: Remote,
    branch: Option<String>,
    url: RemoteUrl,
    signing: Option<Signing>,
    work: Mutex<()>,
}

enum Remote {
    Server(Server, Store),
    Local(Local),
}

impl Options {
    /// The main branch of a repository, with nothing else set.
    #[must_use]
    pub fn new(url: RemoteUrl, data_dir: PathBuf) -> Self {
        Self {
            url,
            branch: None,
            data_dir,
            credential: None,
            connection: ConnectionOptions::default(),
            ssh: SshOptions::default(),
            signing: None,
            timeout: DEFAULT_TIMEOUT,
        }
    }
}

impl Mirror {
    /// Takes the place for the copy; asks nobody anything yet.
    ///
    /// # Errors
    /// When the options make no sense, the data directory cannot be used, or another process uses it.
    pub fn open(options: Options) -> Result<Self, Error> {
        let Options { url, branch, data_dir, credential, connection, ssh, signing, timeout } = options;
        let branch = branch.map(checked).transpose()?;
        if let Some(signing) = &signing {
            signing.check(Timestamp::now())?;
        }
        let remote = if let Some(base) = url.http() {
            let credential = credential.or_else(|| url.credential());
            if let Some(credential) = &credential
                && url.exposes_credentials()
            {
                return Err(Error::Credential {
                    url: url.to_string(),
                    source_name: credential.source(),
                    problem: "it would travel in clear text; use https".into(),
                });
            }
            let server = http::Server::new(url.clone(), base.clone(), credential, connection, timeout)?;
            Remote::Server(Server::Http(Box::new(server)), Store::open(&data_dir, &url)?)
        } else if let Some(address) = url.ssh() {
            if let Some(credential) = &credential {
                return Err(Error::Credential {
                    url: url.to_string(),
                    source_name: credential.source(),
                    problem: "a password or token is for https; over ssh a key proves who we are".into(),
                });
            }
            if connection.ca_bundle.is_some() || connection.client_certificate.is_some() {
                let problem = "authorities and client certificates are for https, and it is reached by ssh";
                return Err(Error::Connection { problem: format!("{url}: {problem}") });
            }
            if matches!(&connection.proxy, Some(Proxy::Through(proxy)) if proxy.scheme() != "http") {
                let problem = "the way to ssh leads through a proxy that is spoken to by http; give it as http://";
                return Err(Error::Connection { problem: format!("{url}: {problem}") });
            }
            connection.proxy_login().map_err(|problem| Error::Connection { problem })?;
            let server = ssh::Server::new(url.clone(), address.clone(), ssh, connection, timeout);
            Remote::Server(Server::Ssh(Box::new(server)), Store::open(&data_dir, &url)?)
        } else {
            Remote::Local(Local::new(url.local().unwrap_or(&data_dir), &url))
        };
        Ok(Self { remote, branch, url, signing, work: Mutex::default() })
    }

    /// What the repository is called; see [`RemoteUrl::name`].
    #[must_use]
    pub fn name(&self) -> String {
        self.url.name()
    }

    /// The head of the branch as it is now. When it has not moved, this costs one small request.
    ///
    /// # Errors
    /// When the repository cannot be read; see [`Error`].
    pub fn fetch(&self) -> Result<Snapshot, Error> {
        let _working = self.working();
        let (server, store) = match &self.remote {
            Remote::Server(server, store) => (server, store),
            Remote::Local(local) => return local.snapshot(self.branch.as_deref()),
        };
        let mut repository = store.repository()?;
        let list = span!("git list", vcs.repository.url.full = %self.url);
        let listed = list.in_scope(|| {
            let mut upstream = Upstream::connect(server)?;
            upstream.head(self.branch.as_deref()).map(|head| (upstream, head))
        });
        let (upstream, head) = span::told(&list, listed)?;
        let receive = |upstream: Upstream<'_>, repository: &gix::Repository, have: &[ObjectId]| {
            let span = span!("git receive", vcs.repository.url.full = %self.url);
            span::told(&span, span.in_scope(|| upstream.receive(repository, head.id, have)))
        };
        let snapshot = |repository: &gix::Repository| {
            Snapshot::open(repository, head.id, &head.branch, &self.url.to_string(), Some(store.damaged()))
        };
        let is_known = store::head(&repository, &head.branch) == Some(head.id);
        if let Some(successor) = store.successor(&repository)? {
            receive(upstream, successor.repository(), &[])?;
            store::set_head(successor.repository(), &head.branch, head.id)?;
            successor.replace()?;
            return snapshot(&store.repository()?);
        }
        if is_known {
            match snapshot(&repository) {
                Ok(snapshot) => return Ok(snapshot),
                Err(error) => repository = store.anew(&error.to_string())?,
            }
        }
        let have = have(&repository, &head.branch);
        if let Err(error) = receive(upstream, &repository, &have) {
            if matches!(error, Error::Damaged { .. }) {
                store.damaged().store(true, Ordering::Relaxed);
            }
            return Err(error);
        }
        store.grow();
        // Opened again, since the packs that a repository may hold are counted when it is opened.
        let repository = store.repository()?;
        let snapshot = snapshot(&repository)?;
        store::set_head(&repository, &head.branch, head.id)?;
        Ok(snapshot)
    }

    /// Writes a commit of `changes`, each the new content of a regular file of `base`, without showing
    /// it to anyone. `None` when that leaves every file as it is.
    ///
    /// # Errors
    /// [`Error::Change`] for a path that is no regular file in `base`; else when it cannot be written.
    pub fn commit(
        &self,
        base: &Snapshot,
        changes: &[(RepoPath, Vec<u8>)],
        message: &str,
        author: &Identity,
        committer: &Identity,
        now: Timestamp,
    ) -> Result<Option<CommitId>, Error> {
        let commits = self.commits(base, [(changes, message)], author, committer, now)?;
        Ok(commits.into_iter().next().flatten())
    }

    /// Writes a commit for each of these changes with their messages, each on top of the one before it and the
    /// first on `base`. `None` for one that leaves every file as it is: there is no such commit.
    ///
    /// # Errors
    /// As for [`commit`](Self::commit).
    pub fn commits<'c>(
        &self,
        base: &Snapshot,
        steps: impl IntoIterator<Item = (&'c [(RepoPath, Vec<u8>)], &'c str)>,
        author: &Identity,
        committer: &Identity,
        now: Timestamp,
    ) -> Result<Vec<Option<CommitId>>, Error> {
        let _working = self.working();
        let mut parent = Parent { commit: base.commit(), tree: base.tree() };
        let mut commits = Vec::new();
        for (changes, message) in steps {
            let signing = self.signing.as_ref();
            let written = commit::write(base, parent, changes, message, author, committer, signing, now)?;
            if let Remote::Server(_, store) = &self.remote {
                store.grow();
            }
            parent = written.unwrap_or(parent);
            commits.push(written.map(|parent| parent.commit));
        }
        Ok(commits)
    }

    /// Makes `commit` the head of the branch, if that is still `base`. The commits of ours between the two go with
    /// it, or none does.
    ///
    /// # Errors
    /// When nobody can say what became of it, or the repository cannot be reached. That the other side
    /// does not want it is a [`PushOutcome`].
    pub fn push(&self, base: &Snapshot, commit: CommitId) -> Result<PushOutcome, Error> {
        let _working = self.working();
        push::check_chain(base, commit)?;
        match &self.remote {
            Remote::Local(local) => local.push(base, commit),
            Remote::Server(server, store) => {
                let span = span!("git send", vcs.repository.url.full = %self.url);
                let outcome = span::told(&span, span.in_scope(|| push::push(server, base, commit)))?;
                if matches!(outcome, PushOutcome::Accepted { .. }) {
                    // What we pushed need not be fetched. If this fails, it will be.
                    let noted = store.repository().and_then(|copy| store::set_head(&copy, base.branch(), commit.0));
                    if let Err(error) = noted {
                        tracing::debug!(%error, "the pushed commit will be fetched");
                    }
                }
                Ok(outcome)
            }
        }
    }

    /// Whether the repository would take a push of ours to this branch, as far as that can be told without one:
    /// what a server checks for single branches it says only then.
    ///
    /// # Errors
    /// When the repository cannot be asked.
    pub fn may_push(&self, branch: &str) -> Result<PushAccess, Error> {
        let _working = self.working();
        match &self.remote {
            Remote::Local(local) => local.may_push(branch),
            Remote::Server(server, _) => push::may_push(server),
        }
    }

    /// Who we are to the server of the repository; `None` where nobody is to be, and where a key says it.
    ///
    /// # Errors
    /// When the credential cannot be used.
    pub fn introduction(&self) -> Result<Option<Introduction>, Error> {
        match &self.remote {
            Remote::Server(server, _) => server.introduction(),
            Remote::Local(_) => Ok(None),
        }
    }

    fn working(&self) -> MutexGuard<'_, ()> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Mirror {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mirror({} {})", self.url, self.branch.as_deref().unwrap_or("HEAD"))
    }
}

fn checked(branch: String) -> Result<String, Error> {
    let short = branch.strip_prefix("refs/heads/").unwrap_or(&branch);
    match FullName::try_from(format!("refs/heads/{short}")) {
        Ok(_) => Ok(short.to_owned()),
        Err(_) => Err(Error::InvalidBranch { branch }),
    }
}

/// What to tell the server that we have: our head, and commits ever further behind it, should the
/// branch have been moved back by force.
fn have(repository: &gix::Repository, branch: &str) -> Vec<ObjectId> {
    let mut have = Vec::new();
    let mut next = store::head(repository, branch);
    let mut step = 1;
    for distance in 0..DEPTH {
        let Some(commit) = next.and_then(|id| repository.find_commit(id).ok()) else { break };
        if distance + 1 == step {
            have.push(commit.id);
            step = if step < 16 { step + 1 } else { step * 2 };
        }
        next = commit.parent_ids().next().map(gix::Id::detach);
    }
    have
}

//! A repository on this machine: read where it is, and written as `git push` would, as far as that is
//! possible without running anything. Must not know of servers or copies.

mod branch;

use std::fs;
use std::path::{Path, PathBuf};

use gix::refs::FullName;

use super::fetch::SHA_256;
use super::snapshot::{CommitId, Snapshot};
use super::{Error, PushAccess, PushOutcome, RemoteUrl, store};
use crate::plain::chain;

/// The programs that a repository may want to run on a push.
const HOOKS: [&str; 6] =
    ["pre-receive", "update", "post-receive", "post-update", "reference-transaction", "proc-receive"];

/// A repository on this machine.
pub(super) struct Local {
    path: PathBuf,
    url: String,
}

impl Local {
    pub(super) fn new(path: &Path, url: &RemoteUrl) -> Self {
        Self { path: path.to_owned(), url: url.to_string() }
    }

    /// The head of the branch, or of the one that HEAD names.
    pub(super) fn snapshot(&self, asked: Option<&str>) -> Result<Snapshot, Error> {
        let repository = self.open()?;
        let branch = match asked {
            Some(branch) => branch.to_owned(),
            None => self.main_branch(&repository)?,
        };
        match self.head(&repository, &branch)? {
            Some(id) => Snapshot::open(&repository, id.0, &branch, &self.url, None),
            None => Err(self.no_branch(&repository, branch)),
        }
    }

    /// Moves the branch on to `commit`, whose objects are there already.
    pub(super) fn push(&self, base: &Snapshot, commit: CommitId) -> Result<PushOutcome, Error> {
        let repository = self.open()?;
        let refused = |reason: String| Ok(PushOutcome::Refused { reason, messages: Vec::new() });
        let name = full_name(base.branch())?;
        if let Some(obstacle) = self.obstacle(&repository, &name, base.branch()) {
            return refused(obstacle);
        }
        match branch::advance(&repository, &name, base.commit().0, commit.0) {
            Ok(true) => Ok(PushOutcome::Accepted { messages: Vec::new() }),
            Ok(false) => Ok(PushOutcome::Stale { actual: self.head(&repository, base.branch())? }),
            Err(error) => Err(self.failed("move the branch", &error)),
        }
    }

    /// Whether a push to this branch would be taken.
    pub(super) fn may_push(&self, branch: &str) -> Result<PushAccess, Error> {
        let repository = self.open()?;
        let obstacle = self.obstacle(&repository, &full_name(branch)?, branch).or_else(|| {
            // As Git names its own on the way, so that one left behind is swept up.
            let file = repository.objects.store_ref().path().join(format!("tmp_obj_{:016x}", fastrand::u64(..)));
            let tried = fs::write(&file, b"").and_then(|()| fs::remove_file(&file));
            tried.err().map(|error| format!("{}: objects cannot be written: {error}; give us the right to", self.url))
        });
        Ok(obstacle.map_or(PushAccess::Granted, |reason| PushAccess::Refused { reason }))
    }

    /// Why a push would be refused, whatever is in it.
    fn obstacle(&self, repository: &gix::Repository, name: &FullName, branch: &str) -> Option<String> {
        if let Some(hook) = hooks(repository).into_iter().next() {
            return Some(format!(
                "{} has the hook {}, which only git can run; use an http url",
                self.url,
                hook.display()
            ));
        }
        is_checked_out(repository, name).then(|| {
            format!(
                "{} has the branch {branch} checked out, and its files would no longer match; use a bare repository",
                self.url
            )
        })
    }

    fn open(&self) -> Result<gix::Repository, Error> {
        store::open(&self.path).map_err(|error| {
            if is_sha_256(&self.path) {
                Error::Unsupported { url: self.url.clone(), what: SHA_256 }
            } else if self.path.exists() {
                self.failed("open the repository", &error)
            } else {
                let cause = "there is no such directory; give the path of a repository".into();
                Error::Local { url: self.url.clone(), doing: "open the repository", cause }
            }
        })
    }

    fn main_branch(&self, repository: &gix::Repository) -> Result<String, Error> {
        let name = repository.head_name().map_err(|error| self.failed("read HEAD", &error))?;
        let branch =
            name.as_ref().and_then(|name| name.as_bstr().to_string().strip_prefix("refs/heads/").map(Into::into));
        branch.ok_or_else(|| Error::DetachedHead { url: self.url.clone() })
    }

    fn head(&self, repository: &gix::Repository, branch: &str) -> Result<Option<CommitId>, Error> {
        let name = full_name(branch)?;
        let found = repository.refs.try_find(name.as_ref()).map_err(|error| self.failed("read the branch", &error))?;
        Ok(found.and_then(|reference| reference.target.try_id().map(|id| CommitId(id.to_owned()))))
    }

    fn no_branch(&self, repository: &gix::Repository, branch: String) -> Error {
        let mut others = Vec::new();
        if let Ok(references) = repository.references()
            && let Ok(branches) = references.local_branches()
        {
            others.extend(branches.flatten().take(5).map(|reference| reference.name().shorten().to_string()));
        }
        let url = self.url.clone();
        if others.is_empty() { Error::Empty { url } } else { Error::NoBranch { url, branch, others } }
    }

    fn failed(&self, doing: &'static str, error: &dyn std::error::Error) -> Error {
        Error::Local { url: self.url.clone(), doing, cause: chain(error) }
    }
}

fn full_name(branch: &str) -> Result<FullName, Error> {
    FullName::try_from(format!("refs/heads/{branch}")).map_err(|_| Error::InvalidBranch { branch: branch.to_owned() })
}

/// Whether a repository that cannot be opened is one with other names for its objects.
fn is_sha_256(path: &Path) -> bool {
    [path.join("config"), path.join(".git/config")].iter().filter_map(|file| fs::read_to_string(file).ok()).any(
        |text| {
            let words = text.to_ascii_lowercase();
            words
                .lines()
                .filter_map(|line| line.split_once('='))
                .any(|(key, value)| key.trim() == "objectformat" && value.trim() == "sha256")
        },
    )
}

/// Whether the files of the branch lie in a working directory of the repository, of which there may be
/// several.
fn is_checked_out(repository: &gix::Repository, name: &FullName) -> bool {
    let common = repository.common_dir();
    let linked = fs::read_dir(common.join("worktrees")).into_iter().flatten().flatten();
    let mut heads: Vec<PathBuf> = linked.map(|entry| entry.path().join("HEAD")).collect();
    if repository.config_snapshot().boolean("core.bare") != Some(true) {
        heads.push(common.join("HEAD"));
    }
    let points_here = |text: String| text.strip_prefix("ref: ").is_some_and(|target| *name.as_bstr() == *target.trim());
    heads.into_iter().any(|head| fs::read_to_string(head).is_ok_and(points_here))
}

/// The hooks that `git push` would run.
fn hooks(repository: &gix::Repository) -> Vec<PathBuf> {
    let folder = match repository.config_snapshot().string("core.hooksPath") {
        // A path that is not absolute is meant from where hooks run, which is the repository.
        Some(path) => repository.git_dir().join(path.to_string()),
        None => repository.common_dir().join("hooks"),
    };
    HOOKS.iter().map(|name| folder.join(name)).filter(|hook| is_program(hook)).collect()
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

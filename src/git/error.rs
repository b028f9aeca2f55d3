//! What can go wrong with the repository, each with what was asked, of whom, what they said, and how
//! to mend it. Addresses in here are redacted before they come in.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::remote::{InvalidIdentity, InvalidUrl};

/// Why the repository could not be read or written. A push that the other side refuses is no error
/// but a [`PushOutcome`](super::PushOutcome).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address is none.
    #[error(transparent)]
    Url(#[from] InvalidUrl),
    /// Author or committer cannot stand in a commit.
    #[error(transparent)]
    Identity(#[from] InvalidIdentity),
    /// Commits cannot be signed.
    #[error("signing key {}: {problem}", .path.display())]
    SigningKey {
        /// The file of the key.
        path: PathBuf,
        /// What is wrong with it, and how to mend it.
        problem: String,
    },
    /// The branch has a name that Git does not allow.
    #[error("{branch:?} cannot be the name of a branch; give it as `main` or `team/main`")]
    InvalidBranch {
        /// As it was asked for.
        branch: String,
    },
    /// The credential cannot be used.
    #[error("credential for {url} from {source_name}: {problem}")]
    Credential {
        /// The repository.
        url: String,
        /// Where the credential comes from.
        source_name: String,
        /// What is wrong with it, and how to mend it.
        problem: String,
    },
    /// What is set for the connections cannot be used.
    #[error("{problem}")]
    Connection {
        /// Which file, for which repository, what is wrong with it, and how to mend it.
        problem: String,
    },
    /// Nobody answered.
    #[error("cannot reach {url}: {cause}; check the host name, the network and the proxy settings")]
    Unreachable {
        /// The repository.
        url: String,
        /// What the system said.
        cause: String,
    },
    /// The other side did not prove who it is. Nothing was sent.
    #[error("{url}: {cause}")]
    Untrusted {
        /// The repository.
        url: String,
        /// What is wrong with its certificate or host key, and how to mend it.
        cause: String,
    },
    /// An answer did not come to its end in time.
    #[error("{url}: {doing} did not end within {} s; if the repository is that large, raise the timeout", within.as_secs_f32())]
    TimedOut {
        /// The repository.
        url: String,
        /// What was asked.
        doing: &'static str,
        /// The time that all of it may take.
        within: Duration,
    },
    /// The server does not let us in: 401 or 403.
    #[error("{url} refused {doing} ({status}{}) with {credential}; give a credential that may do this", quoted(.said))]
    Unauthorized {
        /// The repository.
        url: String,
        /// What was asked.
        doing: &'static str,
        /// The HTTP status.
        status: u16,
        /// The credential that was sent, by its source.
        credential: String,
        /// What the server said.
        said: String,
    },
    /// The server knows none of our keys.
    #[error(
        "{url} does not know {shown} as {user:?}; give its public half to the server, as a deploy key that may write"
    )]
    KeyRefused {
        /// The repository.
        url: String,
        /// As whom we asked.
        user: String,
        /// The keys, and where they are.
        shown: String,
    },
    /// The server ended the conversation before it began, and said why.
    #[error("{url} refused {doing}{}; check the address, and what the key may do there", quoted(.said))]
    Declined {
        /// The repository.
        url: String,
        /// What was asked.
        doing: &'static str,
        /// What the server said.
        said: String,
    },
    /// There is no such repository, or the server does not tell us that there is.
    #[error("no repository at {url} ({status}{}) asked with {credential}; check the address, and that the credential may see it", quoted(.said))]
    NotFound {
        /// The repository.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The credential that was sent, by its source.
        credential: String,
        /// What the server said.
        said: String,
    },
    /// Something answered that does not speak Git.
    #[error("{url} is no Git repository: it answered with {answer}; give the address that `git clone` would take")]
    NotGit {
        /// The repository.
        url: String,
        /// What came instead.
        answer: String,
    },
    /// The server sends us somewhere else and we do not follow.
    #[error("{url} redirects to {to}, where {reason}")]
    Redirected {
        /// The repository.
        url: String,
        /// The other place, without user name and password.
        to: String,
        /// Why we do not go there, and how to mend it.
        reason: &'static str,
    },
    /// The server answered with an error of its own.
    #[error("{url}: {doing} failed with HTTP status {status}{}", quoted(.said))]
    Server {
        /// The repository.
        url: String,
        /// What was asked.
        doing: &'static str,
        /// The HTTP status.
        status: u16,
        /// What the server said.
        said: String,
    },
    /// A conversation broke off or made no sense.
    #[error("{url}: {doing} broke off: {cause}")]
    Interrupted {
        /// The repository.
        url: String,
        /// What was asked.
        doing: &'static str,
        /// What happened.
        cause: String,
    },
    /// The repository does something that we cannot.
    #[error("{url} {what}")]
    Unsupported {
        /// The repository.
        url: String,
        /// What it does, and how to mend it.
        what: &'static str,
    },
    /// There is no commit yet.
    #[error("{url} has no commit yet: push a first commit")]
    Empty {
        /// The repository.
        url: String,
    },
    /// There is no such branch.
    #[error("{url} has no branch {branch:?}; it has {}", listed(.others))]
    NoBranch {
        /// The repository.
        url: String,
        /// The branch that was asked for.
        branch: String,
        /// The first few that there are.
        others: Vec<String>,
    },
    /// No branch was asked for and the repository does not name one.
    #[error("{url} does not say which branch is its main one: its HEAD is detached; name the branch")]
    DetachedHead {
        /// The repository.
        url: String,
    },
    /// Another process works in our copy.
    #[error("{} is in use by another process; give each its own data directory", .path.display())]
    InUse {
        /// The copy.
        path: PathBuf,
    },
    /// Our copy cannot be read or written.
    #[error("{}: cannot {doing}: {cause}; check that the data directory can be written and has room, or name another", .path.display())]
    Store {
        /// The file or directory.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// What the system said.
        cause: String,
    },
    /// Our copy is damaged; the next fetch makes a new one.
    #[error("the copy of {url} is damaged: {cause}; the next fetch makes a new one")]
    Damaged {
        /// The repository.
        url: String,
        /// The object, and what is wrong with it.
        cause: String,
    },
    /// A repository on this machine cannot be read or written.
    #[error("{url}: cannot {doing}: {cause}")]
    Local {
        /// The repository.
        url: String,
        /// What was tried.
        doing: &'static str,
        /// What the system or the repository said, and how to mend it.
        cause: String,
    },
    /// A change that cannot be made to the files of this commit.
    #[error("cannot change {path} in {commit}: {problem}")]
    Change {
        /// The file.
        path: String,
        /// The commit it was read from.
        commit: String,
        /// Why not.
        problem: &'static str,
    },
    /// The push may or may not have landed.
    #[error("pushed {commit} to {url} but nobody said what became of it: {cause}; the next fetch will tell")]
    UnknownOutcome {
        /// The repository.
        url: String,
        /// Our commit.
        commit: String,
        /// How the conversation ended.
        cause: String,
    },
}

impl Error {
    /// Whether the same call may succeed later without anyone changing anything.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::Interrupted { .. }
            | Self::Damaged { .. }
            | Self::UnknownOutcome { .. } => true,
            Self::Server { status, .. } => *status == 429 || *status >= 500,
            _ => false,
        }
    }

    pub(super) fn store(path: &Path, doing: &'static str, cause: impl std::fmt::Display) -> Self {
        Self::Store { path: path.to_owned(), doing, cause: cause.to_string() }
    }
}

fn quoted(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(", {text:?}") }
}

fn listed(branches: &[String]) -> String {
    if branches.is_empty() { "none".into() } else { branches.join(", ") }
}

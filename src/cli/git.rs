//! The options for the config repository, for every command that reads it over the network.

use std::path::{Path, PathBuf};

use super::Error;
use super::https::HttpsArgs;
use super::keys::KeyArgs;
use crate::git::{self, RemoteUrl};
use crate::path::RepoPath;
use crate::secret::Secret;

/// Which branch, which part of it, and how we prove who we are.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Git")]
pub(super) struct GitArgs {
    /// The branch to read and to push to. Default: the remote's HEAD.
    #[arg(long, env = "LANDWAITER_GIT_BRANCH", value_name = "BRANCH")]
    git_branch: Option<String>,

    /// A folder or file to look in; repeatable. Default: the whole repository.
    #[arg(long, env = "LANDWAITER_GIT_PATH", value_name = "PATH", value_delimiter = ',')]
    git_path: Vec<RepoPath>,

    #[command(flatten)]
    https: HttpsArgs,

    #[command(flatten)]
    keys: KeyArgs,

    /// Where the copy of the config repository is kept, what registries said, and the deploy key. All but the
    /// key can be deleted at any time; each daemon needs one of its own.
    #[arg(long, env = "LANDWAITER_DATA_DIR", value_name = "DIR", default_value = "/var/lib/landwaiter")]
    data_dir: PathBuf,
}

impl GitArgs {
    /// The folders (or files) to look in; all of the repository when empty.
    pub(super) fn paths(&self) -> &[RepoPath] {
        &self.git_path
    }

    /// Where things are kept.
    pub(super) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// How the repository at this address is reached.
    pub(super) fn options(self, url: &Secret) -> Result<git::Options, Error> {
        let url = RemoteUrl::parse(url.expose()).map_err(|error| Error::Usage(format!("--git-url: {error}")))?;
        Ok(git::Options {
            url,
            branch: self.git_branch,
            signing: self.keys.signing(),
            ssh: self.keys.options(&self.data_dir),
            data_dir: self.data_dir,
            credential: self.https.credential()?,
            connection: self.https.connection()?,
            timeout: git::DEFAULT_TIMEOUT,
        })
    }
}

//! The options for the config repository, for every command that reads it over the network.

use std::path::{Path, PathBuf};

use super::Error;
use super::https::HttpsArgs;
use super::keys::KeyArgs;
use crate::config::{ConfigRepository, Settings};
use crate::git::{self, RemoteUrl};
use crate::path::RepoPath;
use crate::policy::PathGlob;
use crate::reconcile::{self, Area};
use crate::secret::Secret;

/// Where copies and keys are kept unless told otherwise.
const DATA_DIR: &str = "/var/lib/landwaiter";

/// Which branch, which part of it, and how we prove who we are.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Git")]
pub(super) struct GitArgs {
    /// The config repository: an https or ssh URL, user@host:path, or a path on this machine. Several are written
    /// into the configuration file.
    #[arg(long, env = "LANDWAITER_GIT_URL", value_name = "URL", hide_env_values = true)]
    git_url: Option<Secret>,

    /// The branch to read and to push to. Default: the remote's HEAD.
    #[arg(long, env = "LANDWAITER_GIT_BRANCH", value_name = "BRANCH")]
    git_branch: Option<String>,

    /// A folder or file to look in; repeatable. Default: the whole repository.
    #[arg(long, env = "LANDWAITER_GIT_PATH", value_name = "PATH", value_delimiter = ',')]
    git_path: Vec<RepoPath>,

    /// A folder, a file or a glob of them that is passed over all the same; repeatable. Images that stand there are
    /// never changed.
    #[arg(long, env = "LANDWAITER_GIT_EXCLUDE", value_name = "GLOB", value_delimiter = ',', value_parser = path_glob)]
    git_exclude: Vec<PathGlob>,

    #[command(flatten)]
    https: HttpsArgs,

    #[command(flatten)]
    keys: KeyArgs,

    /// Where the copies of config repositories are kept, what registries said, and the deploy key. All but the key
    /// can be deleted at any time; each daemon needs one of its own. Default: `data-dir` of the configuration file,
    /// or /var/lib/landwaiter.
    #[arg(long, env = "LANDWAITER_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

impl GitArgs {
    /// Whether a config repository is named on the command line.
    pub(super) fn has_url(&self) -> bool {
        self.git_url.is_some()
    }

    /// Where things are kept.
    pub(super) fn data_dir<'a>(&'a self, settings: &'a Settings) -> &'a Path {
        self.data_dir.as_deref().or(settings.data_dir.as_deref()).unwrap_or(Path::new(DATA_DIR))
    }

    /// The config repositories: that of the command line, or those of the configuration file. `pass` says what is
    /// done with one where nothing else is said.
    pub(super) fn repositories(
        &self,
        settings: &Settings,
        pass: &reconcile::Options,
    ) -> Result<Vec<ConfigRepository>, Error> {
        let data_dir = self.data_dir(settings).to_owned();
        let git = git::Options {
            signing: self.keys.signing(),
            ssh: self.keys.clone().options(&data_dir),
            ..git::Options::new(RemoteUrl::local_path(Path::new("")), data_dir)
        };
        let Some(url) = &self.git_url else {
            self.check_lonely(settings)?;
            return Ok(settings.repositories(&git, pass)?);
        };
        if !settings.repositories.is_empty() {
            return Err(Error::Usage(format!(
                "--git-url names a config repository, and so does {}: keep one of the two",
                settings.file()
            )));
        }
        let url = RemoteUrl::parse(url.expose()).map_err(|error| Error::Usage(format!("--git-url: {error}")))?;
        let (credential, connection) = (self.https.credential()?, self.https.clone().connection()?);
        let git = git::Options { url, branch: self.git_branch.clone(), credential, connection, ..git };
        let area = Area { paths: self.git_path.clone(), excludes: self.git_exclude.clone() };
        let pass = reconcile::Options { area, ..pass.clone() };
        Ok(vec![ConfigRepository { name: git.url.short_name(), git, pass }])
    }

    /// Without an address there has to be a repository in the file, and nothing that is said of one address.
    fn check_lonely(&self, settings: &Settings) -> Result<(), Error> {
        let own = [
            ("--git-branch", self.git_branch.is_some()),
            ("--git-path", !self.git_path.is_empty()),
            ("--git-exclude", !self.git_exclude.is_empty()),
            ("a credential for https", self.https.credential()?.is_some()),
            ("what is set for https", self.https.clone().connection()? != git::ConnectionOptions::default()),
        ];
        if let Some((option, _)) = own.iter().find(|(_, is_set)| *is_set) {
            return Err(Error::Usage(format!("{option} is for the repository of --git-url, which is missing")));
        }
        if settings.repositories.is_empty() {
            let message = "no config repository: give --git-url, or a configuration file with `repositories`";
            return Err(Error::Usage(message.to_owned()));
        }
        Ok(())
    }
}

fn path_glob(text: &str) -> Result<PathGlob, String> {
    PathGlob::parse(text).map_err(|error| error.to_string())
}

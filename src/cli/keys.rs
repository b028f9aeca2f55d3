//! The options for keys: those that open a config repository, and those that sign its commits.

use std::path::{Path, PathBuf};

use crate::git::{DeployKey, Signing, SshOptions};

/// Keys and known hosts, and what commits are signed with.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Git keys")]
pub(super) struct KeyArgs {
    /// The private key for a repository that is reached by ssh. Default: the deploy key that
    /// `landwaiter identity` made in the data directory, else the keys of the agent at `SSH_AUTH_SOCK`.
    #[arg(long = "git-ssh-key", env = "LANDWAITER_GIT_SSH_KEY", value_name = "FILE")]
    key: Option<PathBuf>,

    /// A file with the passphrase of that key.
    #[arg(long = "git-ssh-passphrase", env = "LANDWAITER_GIT_SSH_PASSPHRASE", value_name = "FILE")]
    passphrase: Option<PathBuf>,

    /// A private key that commits are signed with: an ssh key, or an armoured OpenPGP key.
    #[arg(long = "git-signing-key", env = "LANDWAITER_GIT_SIGNING_KEY", value_name = "FILE")]
    signing_key: Option<PathBuf>,

    /// A file with the passphrase of that key.
    #[arg(
        long = "git-signing-passphrase",
        env = "LANDWAITER_GIT_SIGNING_PASSPHRASE",
        value_name = "FILE",
        requires = "signing_key"
    )]
    signing_passphrase: Option<PathBuf>,

    /// A file with the host keys of servers; repeatable. Default: `known_hosts` in the data directory, in
    /// `~/.ssh`, and `/etc/ssh/ssh_known_hosts`. The keys that GitHub, GitLab, Bitbucket, Codeberg and Azure
    /// DevOps publish are known.
    #[arg(long = "git-known-hosts", env = "LANDWAITER_GIT_KNOWN_HOSTS", value_name = "FILE", value_delimiter = ',')]
    known_hosts: Vec<PathBuf>,
}

impl KeyArgs {
    pub(super) fn signing(&self) -> Option<Signing> {
        let passphrase = self.signing_passphrase.clone();
        Some(Signing { key: self.signing_key.clone()?, passphrase })
    }

    pub(super) fn options(self, data_dir: &Path) -> SshOptions {
        let mut known_hosts = self.known_hosts;
        if known_hosts.is_empty() {
            known_hosts.push(data_dir.join("known_hosts"));
            known_hosts.extend(std::env::home_dir().map(|home| home.join(".ssh/known_hosts")));
            known_hosts.push("/etc/ssh/ssh_known_hosts".into());
        }
        SshOptions {
            key: self.key.or_else(|| DeployKey::in_directory(data_dir)),
            passphrase: self.passphrase,
            agent: std::env::var_os("SSH_AUTH_SOCK").filter(|path| !path.is_empty()).map(PathBuf::from),
            known_hosts,
        }
    }
}

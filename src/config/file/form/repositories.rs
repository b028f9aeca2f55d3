//! The entries of config repositories, as they are written.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::Certificate;

/// One branch of a config repository, or a part of it. What is not said here is as the command line says, or else as
/// it is by default.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::config::file) struct RepositoryEntry {
    /// What it is called in logs, metrics and the status. No two have the same name. Default: the last part of the
    /// address.
    #[schemars(with = "Option<String>", example = &"production")]
    pub(in crate::config::file) name: Option<Spanned<String>>,
    /// Where it is: an https or ssh URL, `user@host:path`, or a path on this machine. It holds no
    /// password. Default: none, it is required.
    #[schemars(with = "String", example = &"https://git.example.com/org/config.git")]
    pub(in crate::config::file) url: Spanned<String>,
    /// The branch to read and to push to. Default: the one that the repository calls its main one.
    #[schemars(with = "Option<String>", example = &"main")]
    pub(in crate::config::file) branch: Option<Spanned<String>>,
    /// The folders and files to look in. Default: the whole repository.
    #[schemars(with = "Vec<String>", example = ["clusters/production"])]
    #[serde(default)]
    pub(in crate::config::file) paths: Vec<Spanned<String>>,
    /// Folders, files or globs of them that are passed over all the same; images that stand there are never
    /// changed. Default: nothing.
    #[schemars(with = "Vec<String>", example = ["clusters/*/legacy", "**/vendor"])]
    #[serde(default)]
    pub(in crate::config::file) excludes: Vec<Spanned<String>>,
    /// Where the credential for https is kept. Default: none.
    #[schemars(with = "Option<GitCredentials>")]
    pub(in crate::config::file) credentials: Option<Spanned<GitCredentials>>,
    /// A PEM file with authorities that are trusted for its server, beside those of the machine. Default: those of the
    /// machine, or of `SSL_CERT_FILE`.
    #[schemars(example = &"/etc/ssl/our-ca.pem")]
    pub(in crate::config::file) ca_bundle: Option<PathBuf>,
    /// A certificate by which we show its server who we are. Default: none.
    pub(in crate::config::file) client_certificate: Option<Certificate>,
    /// The proxy on the way to its server, or `none` for a direct way. Default: that of the environment (`HTTPS_PROXY`,
    /// `NO_PROXY`).
    #[schemars(with = "Option<String>", example = &"http://proxy.example.com:3128", example = &"none")]
    pub(in crate::config::file) proxy: Option<Spanned<String>>,
    /// A file with `user:password` for that proxy. Default: none.
    #[schemars(example = &"/run/secrets/proxy")]
    pub(in crate::config::file) proxy_credentials: Option<PathBuf>,
    /// The key for an address that is reached by ssh, and the keys of servers. Default: the options `--git-ssh-key`,
    /// `--git-ssh-passphrase` and `--git-known-hosts`.
    #[serde(default)]
    pub(in crate::config::file) ssh: Option<SshEntry>,
    /// What commits are signed with. Default: the options `--git-signing-key` and `--git-signing-passphrase`.
    pub(in crate::config::file) signing: Option<SigningEntry>,
    /// How often the branch is asked for news, at least a second. Default: the option `--git-poll-interval`.
    #[schemars(with = "Option<String>", example = &"30s")]
    pub(in crate::config::file) poll_interval: Option<Spanned<String>>,
    /// How long one fetch or push may take. Default: `5m`.
    #[schemars(with = "Option<String>", example = &"10m")]
    pub(in crate::config::file) timeout: Option<Spanned<String>>,
    /// How long a commit waits for tags that land together with those it is for: so long without another one, and five
    /// times as long at most. Default: the option `--settle`.
    #[schemars(with = "Option<String>", example = &"10s")]
    pub(in crate::config::file) settle: Option<Spanned<String>>,
    /// What the commits look like. Default: the options `--commit-…`.
    #[serde(default)]
    pub(in crate::config::file) commit: Option<CommitEntry>,
    /// Who the commits are by. Default: the options `--git-user` and `--git-email`.
    #[schemars(with = "Option<Author>")]
    pub(in crate::config::file) author: Option<Spanned<Author>>,
    /// The dialects that are heard beside the native one: `flux`, `flux2`, `argocd-image-updater`, `keel`; an empty list
    /// for none. Default: the option `--dialects`.
    #[schemars(with = "Option<Vec<String>>", example = ["flux"])]
    pub(in crate::config::file) dialects: Option<Vec<Spanned<String>>>,
    /// A folder on this machine with named policies, one file each, beside those that are built in. The repository's own
    /// come before them. Default: none.
    #[schemars(with = "Option<PathBuf>", example = &"policies")]
    pub(in crate::config::file) policies: Option<Spanned<PathBuf>>,
}

/// Where the credential for a config repository is kept, one of these.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config::file) enum GitCredentials {
    /// A file with `user:password`, or a token alone. It is read each time it is used.
    #[schemars(example = serde_json::json!({"file": "/run/secrets/git"}))]
    File(PathBuf),
    /// Variables of the environment.
    #[schemars(example = serde_json::json!({"environment": {"user": "GIT_USER", "password": "GIT_PASSWORD"}}))]
    Environment(GitVariables),
    /// A file with a token that is shown as `Authorization: Bearer`. It is read each time it is used.
    #[schemars(example = serde_json::json!({"bearer-file": "/run/secrets/git-token"}))]
    BearerFile(PathBuf),
    /// A variable of the environment with such a token.
    #[schemars(example = serde_json::json!({"bearer-environment": "GIT_TOKEN"}))]
    BearerEnvironment(String),
    /// A GitHub App that is installed where the repository is: tokens are made for it and renewed.
    #[schemars(example = serde_json::json!({"github-app": {"id": "123456", "key": "/run/secrets/github-app.pem"}}))]
    GithubApp(GithubAppEntry),
}

/// A GitHub App.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::config::file) struct GithubAppEntry {
    /// Its App ID, or its Client ID. Default: none, it is required.
    #[schemars(example = &"123456")]
    pub(in crate::config::file) id: String,
    /// The file of its private key, in PEM. Default: none, it is required.
    #[schemars(example = &"/run/secrets/github-app.pem")]
    pub(in crate::config::file) key: PathBuf,
    /// The number of its installation. Default: the one that has the repository.
    #[schemars(example = 7_654_321)]
    pub(in crate::config::file) installation: Option<u64>,
    /// The API where it gets its tokens. Default: `https://api.github.com`, or on a server of your own
    /// `https://HOST/api/v3`.
    #[schemars(with = "Option<String>", example = &"https://github.example.com/api/v3")]
    pub(in crate::config::file) api: Option<Spanned<String>>,
}

/// The names of variables.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::config::file) struct GitVariables {
    /// The variable with the user's name. Default: none, as for a token.
    #[schemars(example = &"GIT_USER")]
    pub(in crate::config::file) user: Option<String>,
    /// The variable with the password or token. Default: none, it is required.
    #[schemars(example = &"GIT_PASSWORD")]
    pub(in crate::config::file) password: String,
}

/// Keys for ssh.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::config::file) struct SshEntry {
    /// The file of the private key. Default: the deploy key of the data directory, else the agent's keys.
    #[schemars(example = &"/run/secrets/deploy-key")]
    pub(in crate::config::file) key: Option<PathBuf>,
    /// A file with the passphrase of that key. Default: none.
    #[schemars(example = &"/run/secrets/deploy-key-passphrase")]
    pub(in crate::config::file) passphrase: Option<PathBuf>,
    /// Files with the host keys of servers. Default: `known_hosts` in the data directory, in `~/.ssh`, and
    /// `/etc/ssh/ssh_known_hosts`.
    #[schemars(example = ["/etc/landwaiter/known_hosts"])]
    #[serde(default)]
    pub(in crate::config::file) known_hosts: Vec<PathBuf>,
}

/// What commits are signed with.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::config::file) struct SigningEntry {
    /// The file of the private key: an ssh key, or an armoured OpenPGP key. Default: none, it is required.
    #[schemars(example = &"/run/secrets/signing-key")]
    pub(in crate::config::file) key: PathBuf,
    /// A file with the passphrase of that key. Default: none.
    #[schemars(example = &"/run/secrets/signing-passphrase")]
    pub(in crate::config::file) passphrase: Option<PathBuf>,
}

/// What commits look like; see `docs/commits.md`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::config::file) struct CommitEntry {
    /// A file with a template for the commit message. Default: the option `--commit-template`.
    #[schemars(with = "Option<PathBuf>", example = &"message.txt")]
    pub(in crate::config::file) template: Option<Spanned<PathBuf>>,
    /// Whether the subject ends with `[skip ci]`. Default: the option `--commit-skip-ci`.
    #[schemars(example = true)]
    pub(in crate::config::file) skip_ci: Option<bool>,
    /// Whether the author signs off. Default: the option `--commit-sign-off`.
    #[schemars(example = true)]
    pub(in crate::config::file) sign_off: Option<bool>,
    /// Which updates share a commit: those of a `pass`, `file`, `folder`, `workload`, `image` or `namespace`. Default: the
    /// option `--commit-grouping`.
    #[schemars(with = "Option<String>", example = &"namespace")]
    pub(in crate::config::file) grouping: Option<Spanned<String>>,
}

/// Who commits are by.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::config::file) struct Author {
    /// The name. Default: none, it is required.
    #[schemars(example = &"Landwaiter")]
    pub(in crate::config::file) name: String,
    /// The mail address. Default: none, it is required.
    #[schemars(example = &"landwaiter@example.com")]
    pub(in crate::config::file) email: String,
}

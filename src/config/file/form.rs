//! The configuration file as it is written: its keys, with what is said of them in the schema and in the
//! reference. Whether they make sense is not known here.

pub(super) mod repositories;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::hooks::HookEntry;
use repositories::RepositoryEntry;

/// What is set for config repositories and for registries. Paths are taken from the folder of this file. Secrets never stand in it: it says
/// where they are, and they are used as they are now, without a restart.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "Landwaiter configuration")]
pub(super) struct File {
    /// Where copies of config repositories are kept, what registries said, and the deploy key. Default: the option
    /// `--data-dir`, or `/var/lib/landwaiter`.
    #[schemars(example = &"/var/lib/landwaiter")]
    pub(super) data_dir: Option<PathBuf>,
    /// The config repositories, where there are several, or where one needs more than the command line has room for.
    /// Default: that of `--git-url`.
    #[serde(default)]
    pub(super) repositories: Vec<RepositoryEntry>,
    /// A docker `config.json` with credentials (`auths`, `credHelpers`, `credsStore`), for every registry that has
    /// none of its own. Default: the one in `~/.docker`, or where `DOCKER_CONFIG` says, if there is one.
    #[schemars(example = "/run/secrets/docker/config.json")]
    pub(super) docker_config: Option<PathBuf>,
    /// How often each image repository is asked for new tags, where its registry has no interval of its own; at
    /// least a second. Default: `1m`.
    #[schemars(with = "Option<String>", example = "5m")]
    pub(super) registry_poll_interval: Option<Spanned<String>>,
    /// Whether tags that were there when a repository was first looked at count, for `min-age`, as old as the registry
    /// says that they were pushed, or else as their image says that it was built. Default: `false`, they count from the
    /// first look.
    #[schemars(example = true)]
    #[serde(default)]
    pub(super) trust_created: bool,
    /// What is set for single registries, or for parts of them. Default: nothing.
    #[serde(default)]
    pub(super) registries: Vec<RegistryEntry>,
    /// Who may tell us by webhook that something is new. Default: nobody.
    #[serde(default)]
    pub(super) hooks: Vec<HookEntry>,
}

/// What is set for one registry, or for the part of it below a path. Of several entries that fit a repository the
/// one with the longest prefix counts, setting by setting.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct RegistryEntry {
    /// Which repositories it is about: a host, with its port where it has one, and the beginning of a path if it is
    /// not about all of it. Default: none, it is required.
    #[schemars(with = "String", example = "ghcr.io", example = "quay.io/team")]
    pub(super) prefix: Spanned<String>,
    /// Where the credential is kept. Default: what Docker's configuration has for this registry.
    #[schemars(with = "Option<Credentials>")]
    pub(super) credentials: Option<Spanned<Credentials>>,
    /// Where these repositories are asked for instead: the prefix is replaced by this. The mirror is a registry like
    /// any other, with an entry of its own for what is set for it; nothing that is set for this one is shown to it. The
    /// registry itself is not asked, not even when the mirror fails. Default: the registry itself.
    #[schemars(with = "Option<String>", example = "mirror.example.com/hub")]
    pub(super) mirror: Option<Spanned<String>>,
    /// How often each of these repositories is asked for new tags; at least a second. Default: the option
    /// `--registry-poll-interval`, or `registry-poll-interval` of this file.
    #[schemars(with = "Option<String>", example = "30s", example = "1h30m")]
    pub(super) interval: Option<Spanned<String>>,
    /// A PEM file with authorities that are trusted for this host, beside those of the machine. Default: those of the
    /// machine, or of `SSL_CERT_FILE`.
    #[schemars(with = "Option<PathBuf>", example = "/etc/ssl/our-ca.pem")]
    pub(super) ca_bundle: Option<Spanned<PathBuf>>,
    /// A certificate by which we show this host who we are. Default: none.
    #[schemars(with = "Option<Certificate>")]
    pub(super) client_certificate: Option<Spanned<Certificate>>,
    /// The proxy for this host, or `none` for a direct way. Default: that of the environment (`HTTPS_PROXY`,
    /// `HTTP_PROXY`, `NO_PROXY`).
    #[schemars(with = "Option<String>", example = "http://proxy.example.com:3128", example = &"none")]
    pub(super) proxy: Option<Spanned<String>>,
    /// Which API tells when tags were pushed, for `min-age`: `quay`, `gitlab`, `harbor`, `docker-hub` (for Docker Hub
    /// itself) or `none`. Default: their own for Docker Hub, `quay.io` and `registry.gitlab.com`, and none for any
    /// other host.
    #[schemars(with = "Option<DatesEntry>", example = &"harbor")]
    pub(super) dates: Option<DatesEntry>,
    /// Speaks to this host without TLS: whoever is on the way can read what is sent, and choose what is deployed by
    /// changing the answers. Told at each start. Default: `false`; on this machine there is never TLS.
    #[schemars(with = "bool", example = true)]
    #[serde(default)]
    pub(super) insecure_plain_http: Option<Spanned<bool>>,
    /// Shows the credential to this host even without TLS, where whoever is on the way can read it. Default: `false`.
    #[schemars(with = "bool", example = true)]
    #[serde(default)]
    pub(super) insecure_credentials: Option<Spanned<bool>>,
    /// The most requests per second to this host. Default: `50`; `10` for Docker Hub, and as fast as they come for this
    /// machine.
    #[schemars(with = "Option<f64>", example = 2.5)]
    pub(super) rate: Option<Spanned<f64>>,
    /// How many requests may go at once after a rest. Default: twice the rate.
    #[schemars(with = "Option<u32>", example = 5)]
    pub(super) burst: Option<Spanned<u32>>,
    /// The most requests that run at once to this host. Default: `8`.
    #[schemars(with = "Option<usize>", example = 2)]
    pub(super) concurrency: Option<Spanned<usize>>,
}

/// An API that tells when tags were pushed.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum DatesEntry {
    /// `/api/v1` of Quay, asked without a name.
    Quay,
    /// `/gitlab/v1` of GitLab's registry, asked as the registry is.
    Gitlab,
    /// `/api/v2.0` of Harbor, asked with the credential of the registry.
    Harbor,
    /// The web API of Docker Hub, asked without a name.
    DockerHub,
    /// None.
    None,
}

/// Where a credential is kept, one of these. It is looked up when it is needed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Credentials {
    /// A file with `user:password`.
    #[schemars(example = serde_json::json!({"file": "/run/secrets/ghcr"}))]
    File(PathBuf),
    /// A docker `config.json`, with its helpers.
    #[schemars(example = serde_json::json!({"docker-config": "/run/secrets/docker/config.json"}))]
    DockerConfig(PathBuf),
    /// A mounted `imagePullSecret` of Kubernetes: the folder, or the file `.dockerconfigjson` or `.dockercfg` in it.
    #[schemars(example = serde_json::json!({"pull-secret": "/run/secrets/regcred"}))]
    PullSecret(PathBuf),
    /// Two variables of the environment.
    #[schemars(example = serde_json::json!({"environment": {"user": "QUAY_USER", "password": "QUAY_PASSWORD"}}))]
    Environment(Variables),
    /// The program `docker-credential-<name>`.
    #[schemars(example = serde_json::json!({"helper": "ecr-login"}))]
    Helper(String),
    /// Nowhere: nobody logs in here, whatever else is configured.
    #[schemars(example = &"anonymous")]
    Anonymous,
}

/// The names of two variables.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Variables {
    /// The variable with the user's name. Default: none, it is required.
    #[schemars(example = &"QUAY_USER")]
    pub(super) user: String,
    /// The variable with the password. Default: none, it is required.
    #[schemars(example = &"QUAY_PASSWORD")]
    pub(super) password: String,
}

/// A certificate and its key, both PEM.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Certificate {
    /// The certificate, with those that issued it. Default: none, it is required.
    #[schemars(example = "/run/secrets/landwaiter.pem")]
    pub(super) certificate: PathBuf,
    /// Its private key. Default: none, it is required.
    #[schemars(example = "/run/secrets/landwaiter.key")]
    pub(super) key: PathBuf,
}

//! The options for a config repository that is reached by https: who we are, and what is set for connections.

use std::path::{Path, PathBuf};

use url::Url;

use super::Error;
use crate::git::{ClientCertificate, ConnectionOptions, Credential, GithubApp, Proxy};
use crate::secret::Secret;

/// The variable with a password, or with a token that goes in its place.
const PASSWORD: &str = "LANDWAITER_GIT_PASSWORD";

/// The variable with a bearer token.
const TOKEN: &str = "LANDWAITER_GIT_TOKEN";

/// How tokens begin, by which one is told from the name of a file.
const TOKENS: &[&str] = &["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "gldt-", "eyJ"];

/// Who we are over https, and what is set for connections.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Git over https")]
pub(super) struct HttpsArgs {
    /// A file with user:password, or a token alone, for the config repository.
    #[arg(long = "git-credentials", env = "LANDWAITER_GIT_CREDENTIALS", value_name = "FILE", hide_env_values = true)]
    credentials: Option<PathBuf>,

    /// The user for the password in the variable `LANDWAITER_GIT_PASSWORD`.
    #[arg(long = "git-username", env = "LANDWAITER_GIT_USERNAME", value_name = "USER")]
    username: Option<String>,

    /// A file with a token that is shown as `Authorization: Bearer`. Or put the token itself into the variable
    /// `LANDWAITER_GIT_TOKEN`.
    #[arg(long = "git-bearer-token", env = "LANDWAITER_GIT_BEARER_TOKEN", value_name = "FILE", hide_env_values = true)]
    bearer_token: Option<PathBuf>,

    /// The App ID (or Client ID) of a GitHub App that is installed for the config repository.
    #[arg(long = "git-github-app", env = "LANDWAITER_GIT_GITHUB_APP", value_name = "ID", requires = "github_app_key")]
    github_app: Option<String>,

    /// The private key of that app, in PEM.
    #[arg(
        long = "git-github-app-key",
        env = "LANDWAITER_GIT_GITHUB_APP_KEY",
        value_name = "FILE",
        requires = "github_app"
    )]
    github_app_key: Option<PathBuf>,

    /// The installation of that app. Default: the one that has the config repository.
    #[arg(
        long = "git-github-app-installation",
        env = "LANDWAITER_GIT_GITHUB_APP_INSTALLATION",
        value_name = "ID",
        requires = "github_app"
    )]
    github_app_installation: Option<u64>,

    /// The API where that app gets its tokens. Default: <https://api.github.com>, or for a server of your own
    /// <https://HOST/api/v3>.
    #[arg(long = "git-github-api", env = "LANDWAITER_GIT_GITHUB_API", value_name = "URL", requires = "github_app")]
    github_api: Option<Url>,

    /// A PEM file with authorities that are trusted for the config repository, beside those of the machine.
    #[arg(long = "git-ca-bundle", env = "LANDWAITER_GIT_CA_BUNDLE", value_name = "FILE")]
    ca_bundle: Option<PathBuf>,

    /// A certificate that shows the server who we are, in PEM, with those that issued it.
    #[arg(
        long = "git-client-certificate",
        env = "LANDWAITER_GIT_CLIENT_CERTIFICATE",
        value_name = "FILE",
        requires = "client_key"
    )]
    client_certificate: Option<PathBuf>,

    /// The private key of that certificate, in PEM.
    #[arg(
        long = "git-client-key",
        env = "LANDWAITER_GIT_CLIENT_KEY",
        value_name = "FILE",
        requires = "client_certificate"
    )]
    client_key: Option<PathBuf>,

    /// The proxy on the way to the config repository, also for ssh, or `none`. Default: for https as `HTTPS_PROXY`
    /// and `NO_PROXY` say, for ssh none.
    #[arg(long = "git-proxy", env = "LANDWAITER_GIT_PROXY", value_name = "URL", hide_env_values = true)]
    proxy: Option<Secret>,

    /// A file with user:password for that proxy.
    #[arg(
        long = "git-proxy-credentials",
        env = "LANDWAITER_GIT_PROXY_CREDENTIALS",
        value_name = "FILE",
        requires = "proxy"
    )]
    proxy_credentials: Option<PathBuf>,
}

impl HttpsArgs {
    /// Where the credential is kept, if there is one beside that of the address.
    pub(super) fn credential(&self) -> Result<Option<Credential>, Error> {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let password = set(PASSWORD).map(|password| Credential::Given {
            username: self.username.clone(),
            password: Secret::new(password),
            source: PASSWORD.to_owned(),
        });
        if self.username.is_some() && password.is_none() {
            return Err(Error::Usage(format!("--git-username needs ${PASSWORD}")));
        }
        for (option, file, variable) in
            [("--git-credentials", &self.credentials, PASSWORD), ("--git-bearer-token", &self.bearer_token, TOKEN)]
        {
            if file.as_deref().is_some_and(is_a_token) {
                return Err(Error::Usage(format!(
                    "{option} names a file, and what is given looks like the token itself: write it into a file, or \
                     into the variable {variable}"
                )));
            }
        }
        let named = [
            ("--git-credentials", self.credentials.clone().map(Credential::File)),
            ("$LANDWAITER_GIT_PASSWORD", password),
            ("--git-bearer-token", self.bearer_token.clone().map(Credential::BearerFile)),
            ("--git-github-app", self.github_app().map(Credential::GithubApp)),
            ("$LANDWAITER_GIT_TOKEN", set(TOKEN).map(|_| Credential::BearerEnvironment(TOKEN.to_owned()))),
        ];
        let mut named = named.into_iter().filter_map(|(name, credential)| Some((name, credential?)));
        match (named.next(), named.next()) {
            (Some((one, _)), Some((other, _))) => {
                Err(Error::Usage(format!("{one} and {other} both name a credential: keep one")))
            }
            (found, _) => Ok(found.map(|(_, credential)| credential)),
        }
    }

    fn github_app(&self) -> Option<GithubApp> {
        let (id, key) = (self.github_app.clone()?, self.github_app_key.clone()?);
        Some(GithubApp { id, key, installation: self.github_app_installation, api: self.github_api.clone() })
    }

    /// What is set for connections.
    pub(super) fn connection(self) -> Result<ConnectionOptions, Error> {
        let proxy = self.proxy.map(|text| Proxy::parse(text.expose())).transpose();
        let certificate = self.client_certificate.zip(self.client_key);
        Ok(ConnectionOptions {
            ca_bundle: self.ca_bundle,
            client_certificate: certificate.map(|(certificate, key)| ClientCertificate { certificate, key }),
            proxy: proxy.map_err(|problem| Error::Usage(format!("--git-proxy: {problem}")))?,
            proxy_credentials: self.proxy_credentials,
        })
    }
}

/// Whether somebody gave a token where a file is to be named. It must not come into a message.
fn is_a_token(file: &Path) -> bool {
    file.to_str().is_some_and(|text| !text.contains('/') && TOKENS.iter().any(|begin| text.starts_with(begin)))
        && !file.exists()
}

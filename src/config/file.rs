//! The configuration file: what is said in it, as plain values, and what is wrong with it, by line and
//! column. The only door to the crates that read it and describe its form.
//!
//! Paths in it are taken from the folder of the file. Secrets never stand in it: it says where they are.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::{Location, Spanned};
use url::Url;

use crate::registry::{ClientCertificate, CredentialSource, Dates, HostLimits, Prefix, Proxy, Site, Sites};

/// The configuration file, as it is written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "Landwaiter configuration")]
struct File {
    /// A docker `config.json` with credentials (`auths`, `credHelpers`, `credsStore`). Default: the one in
    /// `~/.docker`, or where `DOCKER_CONFIG` says, if there is one.
    docker_config: Option<PathBuf>,
    /// Whether tags that were there when a repository was first looked at count, for `min-age`, as old as the
    /// registry says that they were pushed, or else as their image says that it was built.
    #[serde(default)]
    trust_created: bool,
    /// What is set for single registries.
    #[serde(default)]
    registries: Vec<RegistryEntry>,
}

/// What is set for one registry, or for the part of it below a path. Of several entries that fit, the one
/// with the longest prefix counts, setting by setting.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RegistryEntry {
    /// A host, with its port and the beginning of a path where it has them: `ghcr.io`, `quay.io/team`.
    #[schemars(with = "String")]
    prefix: Spanned<String>,
    /// Where the credential is kept.
    credentials: Option<Credentials>,
    /// Where its repositories are asked for instead: `mirror.example.com/hub`.
    #[schemars(with = "Option<String>")]
    mirror: Option<Spanned<String>>,
    /// How often a repository is asked for news: `5m`, `1h30m`. At least a second.
    #[schemars(with = "Option<String>")]
    interval: Option<Spanned<String>>,
    /// A PEM file with authorities that are trusted for this host, beside those of the machine.
    #[schemars(with = "Option<PathBuf>")]
    ca_bundle: Option<Spanned<PathBuf>>,
    /// A certificate that is shown to this host.
    #[schemars(with = "Option<Certificate>")]
    client_certificate: Option<Spanned<Certificate>>,
    /// The proxy for this host, `http://proxy.example.com:3128`, or `none`. Default: that of the environment.
    #[schemars(with = "Option<String>")]
    proxy: Option<Spanned<String>>,
    /// Which API tells when tags were pushed, for `min-age`. Default: that of Docker Hub and of quay.io for those,
    /// and none for any other host.
    dates: Option<DatesEntry>,
    /// Speaks to this host without TLS: whoever is on the way can read what is sent, and change the answers.
    #[schemars(with = "bool")]
    #[serde(default)]
    insecure_plain_http: Option<Spanned<bool>>,
    /// Shows the credential to this host even without TLS, where whoever is on the way can read it.
    #[schemars(with = "bool")]
    #[serde(default)]
    insecure_credentials: Option<Spanned<bool>>,
    /// The most requests per second to this host.
    #[schemars(with = "Option<f64>")]
    rate: Option<Spanned<f64>>,
    /// How many requests may go at once after a rest. Default: twice the rate.
    #[schemars(with = "Option<u32>")]
    burst: Option<Spanned<u32>>,
    /// The most requests at once to this host.
    #[schemars(with = "Option<usize>")]
    concurrency: Option<Spanned<usize>>,
}

/// An API that tells when tags were pushed.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum DatesEntry {
    /// `/api/v1` of Quay.
    Quay,
    /// `/api/v2.0` of Harbor.
    Harbor,
    /// The web API of Docker Hub; for Docker Hub itself.
    DockerHub,
    /// None.
    None,
}

/// Where a credential is kept. It is looked up when it is needed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Credentials {
    /// A file with `user:password`.
    File(PathBuf),
    /// Docker's `config.json`.
    DockerConfig(PathBuf),
    /// A mounted `imagePullSecret`: the folder, or the file in it.
    PullSecret(PathBuf),
    /// Two variables of the environment.
    Environment(Variables),
    /// The program `docker-credential-<name>`.
    Helper(String),
    /// Nobody logs in here, whatever else is configured.
    Anonymous,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Variables {
    /// The variable with the user's name.
    user: String,
    /// The variable with the password.
    password: String,
}

/// A certificate and its key, both PEM.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Certificate {
    /// The certificate, with those that issued it.
    certificate: PathBuf,
    /// Its private key.
    key: PathBuf,
}

/// What the file says, understood.
#[derive(Debug, Default)]
pub struct Settings {
    /// Docker's `config.json`.
    pub docker_config: Option<PathBuf>,
    /// Whether tags of the first look count as old as they are said to be.
    pub trust_created: bool,
    /// What is set for single registries.
    pub sites: Sites,
}

/// What is wrong with the file. The message has line and column of each mistake, one to a line.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be read.
    #[error("the configuration file {file} cannot be read: {source}")]
    Unreadable {
        /// The file.
        file: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// It makes no sense.
    #[error("{}", .0.join("\n"))]
    Mistakes(Vec<String>),
}

/// Reads a configuration file.
///
/// # Errors
/// Everything that is wrong with it: the first mistake of form, or all mistakes of meaning.
pub fn read(path: &Path) -> Result<Settings, Error> {
    let unreadable = |source| Error::Unreadable { file: path.display().to_string(), source };
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    parse(&text, path)
}

/// The form of the file as a JSON schema, for editors and for CI.
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(File).to_value()
}

fn parse(text: &str, path: &Path) -> Result<Settings, Error> {
    // Nothing, or nothing but comments, is a file that sets nothing.
    let is_blank = text.lines().all(|line| matches!(line.trim_start().chars().next(), None | Some('#')));
    if is_blank {
        return Ok(Settings::default());
    }
    let file: File = serde_saphyr::from_str(text).map_err(|error| {
        let words = error.without_snippet().to_string();
        Error::Mistakes(vec![at(path, error.location().as_ref(), words.lines().next().unwrap_or_default())])
    })?;
    let mut reader = Reader { path, mistakes: Vec::new() };
    let docker_config = file.docker_config.map(|path| reader.file(path));
    let mut sites = Vec::new();
    for entry in file.registries {
        let Some(site) = reader.site(entry, &sites) else { continue };
        sites.push(site);
    }
    if reader.mistakes.is_empty() {
        Ok(Settings { docker_config, trust_created: file.trust_created, sites: Sites::new(sites) })
    } else {
        Err(Error::Mistakes(reader.mistakes))
    }
}

/// `config.yaml:3:5: message`. The words of the library repeat the place.
fn at(path: &Path, location: Option<&Location>, message: &str) -> String {
    match location {
        Some(place) => {
            let known = format!("line {} column {}", place.line(), place.column());
            let also = format!("line {}, column {}", place.line(), place.column());
            let message = [known, also].iter().fold(message.to_owned(), |message, known| {
                message.replace(&format!(" at {known}"), "").replace(&format!("{known}: "), "")
            });
            let message = plainly(message.trim_start_matches("error: "));
            format!("{}:{}:{}: {message}", path.display(), place.line(), place.column())
        }
        None => format!("{}: {message}", path.display()),
    }
}

/// The words of the library, where they speak of its own insides.
fn plainly(message: &str) -> Cow<'_, str> {
    if let Some(key) = message.strip_prefix("duplicate mapping key: ").and_then(|rest| rest.split(',').next()) {
        return format!("the key `{key}` stands twice").into();
    }
    match message {
        "expected sequence start" => "expected a list",
        "expected mapping start" => "expected a mapping",
        "expected string scalar" => "expected a text",
        "expected end of mapping after enum variant value" => "a credential is kept in one place: keep one of the two",
        other => other,
    }
    .into()
}

struct Reader<'p> {
    path: &'p Path,
    mistakes: Vec<String>,
}

impl Reader<'_> {
    fn wrong<T>(&mut self, value: &Spanned<T>, message: &str) {
        self.mistakes.push(at(self.path, Some(&value.referenced), message));
    }

    /// A path as seen from the folder of the file.
    fn file(&self, path: PathBuf) -> PathBuf {
        self.path.parent().map(|folder| folder.join(&path)).unwrap_or(path)
    }

    /// What an entry says; `None` where nobody can tell which registry it is about.
    fn site(&mut self, entry: RegistryEntry, earlier: &[Site]) -> Option<Site> {
        let prefix = self.prefix(&entry.prefix)?;
        if earlier.iter().any(|site| site.prefix == prefix) {
            self.wrong(&entry.prefix, &format!("{prefix} has two entries; write all that is set for it into one"));
        }
        self.check_scope(&prefix, &entry);
        let mut site = Site::new(prefix);
        site.credential = entry.credentials.map(|source| match source {
            Credentials::File(path) => CredentialSource::File(self.file(path)),
            Credentials::DockerConfig(path) => CredentialSource::DockerConfig(self.file(path)),
            Credentials::PullSecret(path) => CredentialSource::PullSecret(self.file(path)),
            Credentials::Environment(Variables { user, password }) => CredentialSource::Environment { user, password },
            Credentials::Helper(name) => CredentialSource::Helper(name),
            Credentials::Anonymous => CredentialSource::Anonymous,
        });
        site.mirror = entry.mirror.as_ref().and_then(|mirror| self.prefix(mirror));
        site.interval = entry.interval.as_ref().and_then(|text| self.interval(text));
        site.ca_bundle = entry.ca_bundle.map(|path| self.file(path.value));
        site.client_certificate = entry.client_certificate.map(|own| ClientCertificate {
            certificate: self.file(own.value.certificate),
            key: self.file(own.value.key),
        });
        site.proxy = entry.proxy.as_ref().and_then(|text| self.proxy(text));
        site.dates = entry.dates.map(|dates| match dates {
            DatesEntry::Quay => Dates::Quay,
            DatesEntry::Harbor => Dates::Harbor,
            DatesEntry::DockerHub => Dates::DockerHub,
            DatesEntry::None => Dates::Nobody,
        });
        site.plain_http = entry.insecure_plain_http.as_ref().is_some_and(|plain| plain.value);
        if let Some(over_plain) = entry.insecure_credentials.as_ref().filter(|over_plain| over_plain.value) {
            if !site.plain_http {
                let message = "`insecure-credentials` says something only beside `insecure-plain-http: true`";
                self.wrong(over_plain, message);
            }
            site.credential_over_plain_http = true;
        }
        site.limits = HostLimits {
            rate: entry.rate.as_ref().map(|rate| rate.value),
            burst: entry.burst.map(|burst| burst.value),
            concurrency: entry.concurrency.as_ref().map(|concurrency| concurrency.value),
        };
        if let Some(problem) = site.limits.problem() {
            let value = entry.rate.as_ref().map(|rate| rate.referenced);
            let value = entry.concurrency.as_ref().filter(|many| many.value == 0).map(|many| many.referenced).or(value);
            self.mistakes.push(at(self.path, value.as_ref(), &problem));
        }
        Some(site)
    }

    /// What belongs to connections holds for a whole host.
    fn check_scope(&mut self, prefix: &Prefix, entry: &RegistryEntry) {
        if prefix.path().is_empty() {
            return;
        }
        let places = [
            ("ca-bundle", entry.ca_bundle.as_ref().map(|value| value.referenced)),
            ("client-certificate", entry.client_certificate.as_ref().map(|value| value.referenced)),
            ("proxy", entry.proxy.as_ref().map(|value| value.referenced)),
            ("insecure-plain-http", entry.insecure_plain_http.as_ref().map(|value| value.referenced)),
            ("insecure-credentials", entry.insecure_credentials.as_ref().map(|value| value.referenced)),
            ("rate", entry.rate.as_ref().map(|value| value.referenced)),
            ("burst", entry.burst.as_ref().map(|value| value.referenced)),
            ("concurrency", entry.concurrency.as_ref().map(|value| value.referenced)),
        ];
        for (key, place) in places {
            if let Some(place) = place {
                let host = prefix.registry();
                let message = format!("`{key}` is for a whole host; write it into an entry with `prefix: {host}`");
                self.mistakes.push(at(self.path, Some(&place), &message));
            }
        }
    }

    fn prefix(&mut self, text: &Spanned<String>) -> Option<Prefix> {
        text.value.parse().map_err(|error| self.wrong(text, &format!("{error}"))).ok()
    }

    fn interval(&mut self, text: &Spanned<String>) -> Option<Duration> {
        let parsed: Option<SignedDuration> = text.value.parse().ok();
        let interval = parsed.and_then(|parsed| Duration::try_from(parsed).ok()).filter(|it| it.as_secs() >= 1);
        if interval.is_none() {
            self.wrong(
                text,
                &format!("`{}` is no interval: expected at least a second, such as 30s, 5m or 1h30m", text.value),
            );
        }
        interval
    }

    fn proxy(&mut self, text: &Spanned<String>) -> Option<Proxy> {
        if text.value == "none" {
            return Some(Proxy::Direct);
        }
        let url = Url::parse(&text.value).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if url.is_none() {
            // The value may hold a password.
            self.wrong(text, "this is no proxy: expected a URL such as `http://proxy.example.com:3128`, or `none`");
        }
        url.map(Proxy::Through)
    }
}

#[cfg(test)]
mod tests;

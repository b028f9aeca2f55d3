//! What the configuration file means, and where it means nothing. Reads no other file.

mod repositories;

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::SignedDuration;
use serde_saphyr::{Location, Spanned};

use super::form::{Credentials, DatesEntry, File, RegistryEntry, Variables};
use super::{Mistake, Settings};
use crate::image::Repository;
use crate::registry::{ClientCertificate, CredentialSource, Dates, HostLimits, Prefix, Proxy, Setting, Site, Sites};

/// What a file says, or all that is wrong with it.
pub(super) fn understand(file: File, path: &Path) -> Result<Settings, Vec<Mistake>> {
    let mut reader = Reader { path, mistakes: Vec::new(), settings: Settings::default() };
    reader.settings.docker_config = file.docker_config.map(|path| reader.file(path));
    reader.settings.registry_poll_interval = file.registry_poll_interval.and_then(|text| reader.interval(&text));
    reader.settings.trust_created = file.trust_created;
    reader.settings.data_dir = file.data_dir.map(|path| reader.file(path));
    let mut repositories = Vec::new();
    for entry in file.repositories {
        repositories.extend(reader.repository(entry, &repositories));
    }
    reader.settings.repositories = repositories;
    let mut sites = Vec::new();
    for entry in file.registries {
        sites.extend(reader.site(entry, &sites));
    }
    reader.settings.sites = Sites::new(sites);
    let mut hooks = Vec::new();
    for entry in file.hooks {
        hooks.extend(reader.hook(entry, &hooks));
    }
    reader.settings.hooks = hooks;
    if reader.mistakes.is_empty() { Ok(reader.settings) } else { Err(reader.mistakes) }
}

pub(super) struct Reader<'p> {
    path: &'p Path,
    mistakes: Vec<Mistake>,
    settings: Settings,
}

impl Reader<'_> {
    pub(super) fn wrong<T>(&mut self, value: &Spanned<T>, message: impl Into<String>) {
        self.wrong_at(value.referenced, message);
    }

    fn wrong_at(&mut self, place: Location, message: impl Into<String>) {
        self.mistakes.push(Mistake::at(self.path, Some(&place), message));
    }

    /// A path as seen from the folder of the file.
    pub(super) fn file(&self, path: PathBuf) -> PathBuf {
        self.path.parent().map(|folder| folder.join(&path)).unwrap_or(path)
    }

    /// What an entry says; `None` where nobody can tell which registry it is about.
    fn site(&mut self, entry: RegistryEntry, earlier: &[Site]) -> Option<Site> {
        let prefix = self.prefix(&entry.prefix)?;
        if earlier.iter().any(|site| site.prefix == prefix) {
            self.wrong(&entry.prefix, format!("{prefix} has two entries; write all that is set for it into one"));
        }
        self.check_scope(&prefix, &entry);
        self.note(&prefix, &entry);
        let mut site = Site::new(prefix);
        site.credential = entry.credentials.map(|source| match source.value {
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
            DatesEntry::Gitlab => Dates::GitLab,
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
            let rate = entry.rate.as_ref().map(|rate| rate.referenced);
            let many = entry.concurrency.as_ref().filter(|many| many.value == 0).map(|many| many.referenced);
            self.mistakes.push(Mistake::at(self.path, many.or(rate).as_ref(), problem));
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
                self.wrong_at(
                    place,
                    format!("`{key}` is for a whole host; write it into an entry with `prefix: {host}`"),
                );
            }
        }
    }

    /// Remembers where that stands which only shows to be wrong when it is used.
    fn note(&mut self, prefix: &Prefix, entry: &RegistryEntry) {
        let places = [
            (Setting::Credentials, entry.credentials.as_ref().map(|value| value.referenced)),
            (Setting::CaBundle, entry.ca_bundle.as_ref().map(|value| value.referenced)),
            (Setting::ClientCertificate, entry.client_certificate.as_ref().map(|value| value.referenced)),
            (Setting::Proxy, entry.proxy.as_ref().map(|value| value.referenced)),
        ];
        let places = places.into_iter().filter_map(|(setting, place)| Some((setting, place?)));
        self.settings.places.extend(places.map(|(setting, place)| ((prefix.clone(), setting), place)));
    }

    fn prefix(&mut self, text: &Spanned<String>) -> Option<Prefix> {
        let prefix: Prefix = text.value.parse().map_err(|error| self.wrong(text, format!("{error}"))).ok()?;
        // A path that no repository can have would never be met.
        if Repository::parse(&format!("{prefix}/any")).is_err() {
            let expected = "expected a path of lower-case letters and digits, separated by `.`, `_`, `-` or `/`";
            self.wrong(text, format!("{:?} is the beginning of no repository: {expected}", text.value));
            return None;
        }
        Some(prefix)
    }

    fn interval(&mut self, text: &Spanned<String>) -> Option<Duration> {
        let interval = parsed(&text.value).filter(|it| it.as_secs() >= 1);
        if interval.is_none() {
            let message =
                format!("`{}` is no interval: expected at least a second, such as 30s, 5m or 1h30m", text.value);
            self.wrong(text, message);
        }
        interval
    }

    fn duration(&mut self, text: &Spanned<String>) -> Option<Duration> {
        let duration = parsed(&text.value);
        if duration.is_none() {
            self.wrong(text, format!("`{}` is no duration: expected one such as 0s, 30s or 5m", text.value));
        }
        duration
    }

    fn proxy(&mut self, text: &Spanned<String>) -> Option<Proxy> {
        let proxy = Proxy::parse(&text.value);
        proxy.map_err(|problem| self.wrong(text, problem)).ok()
    }
}

fn parsed(text: &str) -> Option<Duration> {
    text.parse::<SignedDuration>().ok().and_then(|parsed| Duration::try_from(parsed).ok())
}

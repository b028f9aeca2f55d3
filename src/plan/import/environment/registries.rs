//! The fields of `registries.conf`: which entry of our configuration file says the same, and why the others need
//! none.
//!
//! Secrets are named and never copied. Must not know how entries are written.

use std::collections::{HashMap, HashSet};

use url::Url;

use super::Unsaid;
use crate::image::{Registry, Repository};
use crate::manifest::{Place, RegistryConf, RegistryField};

/// The folder in which the files are named that somebody has to put there.
const FOLDER: &str = "/etc/landwaiter";

/// What is set for registries: entries of our configuration file, in the order in which they came up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registries {
    /// The entries, one for each prefix.
    pub entries: Vec<RegistryEntry>,
    /// What has no equivalent.
    pub unsaid: Vec<Unsaid>,
}

/// What is set for one registry, or for the part of it below a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryEntry {
    /// What images name.
    pub prefix: String,
    /// What is set, once each.
    pub settings: Vec<RegistrySetting>,
}

/// One thing that is set for a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrySetting {
    /// What is set.
    pub value: RegistryValue,
    /// Where it comes from: the setting, and its place.
    pub sources: Vec<(String, Place)>,
    /// What is to be done beside it, or to be known.
    pub notes: Vec<String>,
    /// What it was made of.
    told: String,
}

/// What can be set for a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistryValue {
    /// Where it is asked for instead.
    Mirror(String),
    /// A file with `user:password`.
    PasswordFile(String),
    /// A mounted pull secret.
    PullSecret(String),
    /// A file with authorities.
    CaBundle(String),
    /// It is spoken to without TLS.
    PlainHttp,
    /// It is shown a credential even so.
    CredentialsOverPlainHttp,
    /// The most requests per second.
    Rate(u32),
}

impl RegistryValue {
    /// The key of the configuration file.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::Mirror(_) => "mirror",
            Self::PasswordFile(_) | Self::PullSecret(_) => "credentials",
            Self::CaBundle(_) => "ca-bundle",
            Self::PlainHttp => "insecure-plain-http",
            Self::CredentialsOverPlainHttp => "insecure-credentials",
            Self::Rate(_) => "rate",
        }
    }
}

impl Registries {
    /// What Argo CD Image Updater was told of registries.
    #[must_use]
    pub fn of(told: &[RegistryConf]) -> Self {
        let with_tls = told.iter().filter_map(|registry| match Address::of(registry.field("api_url")?) {
            Ok(address) if !address.is_plain => Some(address.host),
            _ => None,
        });
        let mut draft = Draft { with_tls: with_tls.collect(), ..Draft::default() };
        for registry in told {
            // One without an address is a mistake, which is told where it is read.
            let Some(address) = registry.field("api_url") else { continue };
            match Scope::of(registry, address) {
                Ok(scope) => Reader { draft: &mut draft, registry, scope }.read(),
                Err((field, why)) => {
                    let why = format!("{why}; nothing of this registry is taken over");
                    draft.leave(registry, field, why);
                }
            }
        }
        draft.registries
    }
}

/// Entries in the making.
#[derive(Default)]
struct Draft {
    registries: Registries,
    /// Where the entry of a prefix is.
    places: HashMap<String, usize>,
    /// The files that are named so far, and for which prefix.
    files: HashMap<String, String>,
    /// The hosts that somebody reaches with TLS.
    with_tls: HashSet<Registry>,
}

impl Draft {
    /// Sets something for a prefix. Of two values the first one stays, and the other is told.
    fn set(
        &mut self,
        prefix: &str,
        value: RegistryValue,
        registry: &RegistryConf,
        field: &RegistryField,
        note: Option<String>,
    ) {
        let entries = &mut self.registries.entries;
        let at = *self.places.entry(prefix.to_owned()).or_insert_with(|| {
            entries.push(RegistryEntry { prefix: prefix.to_owned(), settings: Vec::new() });
            entries.len() - 1
        });
        let Some(entry) = entries.get_mut(at) else { return };
        let source = (setting(registry, field), field.place.clone());
        let Some(known) = entry.settings.iter_mut().find(|known| known.value.key() == value.key()) else {
            let (sources, notes, told) = (vec![source], note.into_iter().collect(), field.value.clone());
            entry.settings.push(RegistrySetting { value, sources, notes, told });
            return;
        };
        // Files are named by the prefix, whatever they are to hold.
        let is_file = matches!(value, RegistryValue::PasswordFile(_) | RegistryValue::CaBundle(_));
        if known.told == field.value || (known.value == value && !is_file) {
            known.sources.push(source);
        } else {
            let why = format!(
                "`{}` of `{prefix}` is said already ({}), and a registry has one; keep the one that is right",
                value.key(),
                known.sources.first().map_or_else(String::new, |(_, place)| place.to_string())
            );
            self.leave(registry, field, why);
        }
    }

    /// The name of a file that is for one prefix alone.
    fn file(&mut self, folder: &str, prefix: &str, ending: &str) -> String {
        let stem = prefix.replace(['/', ':', '[', ']'], "-");
        let names = (1_usize..).map(|number| match number {
            1 => format!("{FOLDER}/{folder}/{stem}{ending}"),
            _ => format!("{FOLDER}/{folder}/{stem}-{number}{ending}"),
        });
        let is_free = |name: &String| self.files.get(name).is_none_or(|owner| owner == prefix);
        let name = names.into_iter().find(is_free).unwrap_or_default();
        self.files.insert(name.clone(), prefix.to_owned());
        name
    }

    fn leave(&mut self, registry: &RegistryConf, field: &RegistryField, why: impl Into<String>) {
        let value = match field.key {
            // A certificate is many lines, and nobody looks for it here.
            "ca_data" => "",
            // Whatever this is, it may be a secret.
            "credentials" if !is_reference(&field.value) => "",
            "api_url" if field.value.contains('@') => "",
            _ => &field.value,
        };
        let (setting, value) = (setting(registry, field), value.to_owned());
        self.registries.unsaid.push(Unsaid { setting, value, place: field.place.clone(), why: why.into() });
    }
}

/// Where a registry answers.
struct Address {
    host: Registry,
    is_plain: bool,
}

impl Address {
    /// # Errors
    /// Why it is none of ours.
    fn of(field: &RegistryField) -> Result<Self, &'static str> {
        const NONE: &str = "it is no address with a host, such as `https://registry.example.com`";
        let url = Url::parse(&field.value).map_err(|_| NONE)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(NONE);
        }
        if !matches!(url.path().trim_matches('/'), "" | "v1" | "v2") {
            return Err("the registry answers below a path there, and is asked at the top of its host here");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("the address holds a user or password: put them into a file, and name it as `credentials`");
        }
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let host = format!("{}{port}", url.host_str().ok_or(NONE)?);
        Ok(Self { host: Registry::parse(&host).map_err(|_| NONE)?, is_plain: url.scheme() == "http" })
    }
}

/// What one registry is about.
struct Scope {
    /// What images name: a host, perhaps with a path.
    named: String,
    own: Registry,
    /// Where they are asked for.
    address: Address,
    /// The same part of the host that answers.
    asked: String,
}

impl Scope {
    /// # Errors
    /// The field that makes no sense here, and why.
    fn of<'r>(
        registry: &'r RegistryConf,
        address: &'r RegistryField,
    ) -> Result<Self, (&'r RegistryField, &'static str)> {
        let address = Address::of(address).map_err(|why| (address, why))?;
        // An entry without a prefix is for the host that answers.
        let written = registry.field("prefix").filter(|prefix| !prefix.value.is_empty());
        let (own, path) = match written {
            None => (address.host.clone(), String::new()),
            Some(prefix) => {
                let why = "it is the beginning of no image; write a host such as `ghcr.io` or `ghcr.io/org`";
                beginning(&prefix.value).ok_or((prefix, why))?
            }
        };
        let below = |host: &Registry| match path.as_str() {
            "" => host.as_str().to_owned(),
            path => format!("{}/{path}", host.as_str()),
        };
        Ok(Self { named: below(&own), asked: below(&address.host), own, address })
    }
}

/// One registry.
struct Reader<'d, 'r> {
    draft: &'d mut Draft,
    registry: &'r RegistryConf,
    scope: Scope,
}

impl Reader<'_, '_> {
    fn read(mut self) {
        let (asked, host) = (self.scope.asked.clone(), self.scope.address.host.as_str().to_owned());
        for field in &self.registry.fields {
            let is_on = matches!(field.value.to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "y");
            let is_hub = self.scope.own.is_docker_hub();
            match field.key {
                "api_url" => self.address(field),
                "credentials" => self.credentials(field, &asked),
                "insecure" if is_on && !self.scope.address.is_plain => {
                    let why = format!(
                        "certificates are always checked: name the authority of the registry as `ca-bundle` of `{host}`"
                    );
                    self.leave(field, why);
                }
                "ca_file" => {
                    let note = format!("{} is to be put there", field.value);
                    self.set(&host, RegistryValue::CaBundle(field.value.clone()), field, Some(note));
                }
                "ca_data" => {
                    let file = self.draft.file("ca", &host, ".pem");
                    let note = format!("{file} is to hold what `ca_data` says there");
                    self.set(&host, RegistryValue::CaBundle(file), field, Some(note));
                }
                "limit" => match field.value.parse() {
                    Ok(rate @ 1..) => self.set(&host, RegistryValue::Rate(rate), field, None),
                    _ => self.leave(field, "that is no limit there; every host is asked politely here"),
                },
                "credsexpire" => {
                    self.leave(
                        field,
                        "files are read again when they change, and helpers are asked again after five minutes",
                    );
                }
                "tagsortmode" if !matches!(field.value.as_str(), "" | "none") => {
                    self.leave(
                        field,
                        "the order of a list is never trusted: `newest` goes by the created times of the images",
                    );
                }
                "defaultns" if !(is_hub && field.value == "library") => {
                    self.leave(
                        field,
                        "images are looked up by the names that are written; write them with their namespace",
                    );
                }
                "default" if is_on && !is_hub => {
                    self.leave(field, "an image without a host is one of Docker Hub; write the host into the images");
                }
                "ping" if is_on => {
                    self.leave(
                        field,
                        "nobody is asked at the start; `landwaiter plan` shows whether a registry answers",
                    );
                }
                _ => {}
            }
        }
    }

    fn address(&mut self, field: &RegistryField) {
        let Scope { named, own, address: Address { host, is_plain }, asked } = &self.scope;
        let (is_elsewhere, is_plain) = (own != host, *is_plain);
        let (named, asked, host) = (named.clone(), asked.clone(), host.clone());
        if is_elsewhere {
            self.set(&named, RegistryValue::Mirror(asked), field, None);
        }
        if is_plain && self.draft.with_tls.contains(&host) {
            let why = format!("another entry reaches {} with TLS, and a host is reached in one way", host.as_str());
            self.leave(field, why);
        } else if is_plain {
            let note =
                "whoever is on the way reads what is sent, and can choose what is deployed: give it a certificate";
            self.set(host.as_str(), RegistryValue::PlainHttp, field, Some(note.to_owned()));
        }
    }

    /// Credentials are named, and never copied. They are for the host that answers.
    fn credentials(&mut self, field: &RegistryField, asked: &str) {
        let (kind, name) = field.value.split_once(':').unwrap_or_default();
        match kind {
            "env" | "secret" => {
                let file = self.draft.file("credentials", asked, "");
                let what = if kind == "env" {
                    format!("what the variable {name} does")
                } else {
                    let (name, key) = name.split_once('#').unwrap_or((name, "…"));
                    format!("the key `{key}` of the Secret {name}")
                };
                let note = format!("{file} is to hold {what}: `user:password`, in one line");
                self.set(asked, RegistryValue::PasswordFile(file), field, Some(note));
            }
            "pullsecret" => {
                let folder = format!("{FOLDER}/pull-secrets/{name}");
                let note = format!("mount the Secret {name} at {folder}");
                self.set(asked, RegistryValue::PullSecret(folder), field, Some(note));
            }
            "ext" => {
                let why = format!(
                    "scripts are not run: write a credential helper for Docker that does what {name} does, and name it \
                     as `credentials: {{helper: …}}` of `{asked}`"
                );
                return self.leave(field, why);
            }
            _ => return self.leave(field, "it is no reference such as `env:`, `secret:`, `pullsecret:` or `ext:`"),
        }
        let host = self.scope.address.host.clone();
        if self.scope.address.is_plain && !self.draft.with_tls.contains(&host) {
            let note = "it is shown without TLS, as it was; take this away with `insecure-plain-http`";
            self.set(host.as_str(), RegistryValue::CredentialsOverPlainHttp, field, Some(note.to_owned()));
        }
    }

    fn set(&mut self, prefix: &str, value: RegistryValue, field: &RegistryField, note: Option<String>) {
        self.draft.set(prefix, value, self.registry, field, note);
    }

    fn leave(&mut self, field: &RegistryField, why: impl Into<String>) {
        self.draft.leave(self.registry, field, why);
    }
}

/// The host and the path that images begin with; `None` where none can.
fn beginning(prefix: &str) -> Option<(Registry, String)> {
    let prefix = prefix.trim_end_matches('/');
    let (host, path) = prefix.split_once('/').unwrap_or((prefix, ""));
    let host = Registry::parse(host).ok()?;
    // A name without a dot or a port is one of Docker Hub.
    let below = Repository::parse(&format!("{prefix}/any")).ok()?;
    (*below.registry() == host).then(|| (host, path.to_owned()))
}

/// Whether a credential is said by where it is kept.
fn is_reference(credentials: &str) -> bool {
    ["env:", "secret:", "pullsecret:", "ext:"].iter().any(|kind| credentials.starts_with(kind))
}

fn setting(registry: &RegistryConf, field: &RegistryField) -> String {
    format!("{} of {}", field.key, registry.name)
}

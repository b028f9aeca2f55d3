//! The fields of `registries.conf`: which variable of ours says the same, and why the others need none.

use url::Url;

use super::{Environment, FOLDER, Variable};
use crate::manifest::{RegistryConf, RegistryField};

/// What Docker Hub is called, in images and where it answers.
const DOCKER_HUB: [&str; 4] = ["docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"];

pub(super) fn add(environment: &mut Environment, registries: &[RegistryConf]) {
    for registry in registries {
        Reader::of(environment, registry).read();
    }
}

/// One registry.
struct Reader<'e> {
    environment: &'e mut Environment,
    registry: &'e RegistryConf,
    /// Where it answers.
    url: Option<Url>,
    host: Option<String>,
    /// What images name: a host, perhaps with a path.
    named: String,
}

impl<'e> Reader<'e> {
    fn of(environment: &'e mut Environment, registry: &'e RegistryConf) -> Self {
        let url = registry.field("api_url").and_then(|field| Url::parse(&field.value).ok());
        let host = url.as_ref().and_then(|url| {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            Some(format!("{}{port}", url.host_str()?))
        });
        // An entry without a prefix is for the host that answers.
        let named = match (registry.field("prefix").map_or("", |field| field.value.as_str()), &host) {
            ("", Some(host)) if is_hub(host) => "docker.io",
            ("", Some(host)) => host,
            (prefix, _) => prefix.trim_end_matches('/'),
        };
        let named = named.to_owned();
        Self { environment, registry, url, host, named }
    }

    fn read(mut self) {
        for field in &self.registry.fields {
            let is_on = matches!(field.value.to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "y");
            let is_plain = self.url.as_ref().is_some_and(|url| url.scheme() == "http");
            match field.key {
                "api_url" => self.address(field, is_plain),
                "credentials" => self.credentials(field),
                "insecure" if is_on && !is_plain => {
                    let why = format!(
                        "certificates are always checked: name the authority of the registry as `ca-bundle` of `{}` in \
                         the configuration file",
                        self.named
                    );
                    self.leave(field, why);
                }
                "ca_file" => {
                    let note =
                        "it replaces the authorities of the machine: add the public ones where other hosts need them";
                    self.authority(field, field.value.clone(), note);
                }
                "ca_data" => {
                    let note = "put what `ca_data` says into that file; it replaces the authorities of the machine: add the public ones where other hosts need them";
                    self.authority(field, format!("{FOLDER}/ca.pem"), note);
                }
                "limit" => {
                    let why = format!(
                        "hosts are asked as often as they want to be, and say so themselves; for less, set `rate` for \
                         `{}` in the configuration file",
                        self.named
                    );
                    self.leave(field, why);
                }
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
                "defaultns" if !(is_hub(&self.named) && field.value == "library") => {
                    self.leave(
                        field,
                        "images are looked up by the names that are written; write them with their namespace",
                    );
                }
                "default" if is_on && !is_hub(&self.named) => {
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

    fn address(&mut self, field: &RegistryField, is_plain: bool) {
        let Some(host) = self.host.clone() else { return self.leave(field, "it is no address with a host") };
        let own = self.named.split('/').next().unwrap_or_default();
        if own != host && !(is_hub(own) && is_hub(&host)) {
            let why = format!(
                "images of `{0}` are looked up at `{own}`: set `mirror: {host}` for `{0}` in the configuration file",
                self.named
            );
            self.leave(field, why);
        }
        if is_plain {
            let source = (self.setting(field), field.place.clone());
            let note = self.registry.field("credentials").map(|_| {
                format!(
                    "no credential is shown without TLS: set `insecure-credentials: true` for {host} in the configuration \
                     file, or give it a certificate"
                )
            });
            self.environment.set("--registry-plain-http", host, source, note);
        }
    }

    /// Credentials are named, and never copied.
    fn credentials(&mut self, field: &RegistryField) {
        let file = format!("{FOLDER}/credentials/{}", self.named.replace(['/', ':'], "-"));
        let source = (self.setting(field), field.place.clone());
        let note = match field.value.split_once(':') {
            Some(("env", variable)) => {
                format!("{file} is to hold what the variable {variable} does: `user:password`, in one line")
            }
            Some(("secret", secret)) => {
                let (name, key) = secret.split_once('#').unwrap_or((secret, "…"));
                format!("{file} is to hold the key `{key}` of the Secret {name}: `user:password`, in one line")
            }
            Some(("pullsecret", name)) => return self.pull_secret(field, name, source),
            Some(("ext", script)) => {
                let why = format!(
                    "scripts are not run: write a credential helper for Docker that does what {script} does, and name it for `{}` under `credHelpers` of the Docker configuration",
                    self.named
                );
                return self.leave(field, why);
            }
            // Whatever this is, it may be a secret.
            _ => {
                let why = "it is no reference such as `env:`, `secret:`, `pullsecret:` or `ext:`";
                let setting = self.setting(field);
                return self.environment.leave(&setting, "", &field.place, why);
            }
        };
        let value = format!("{}={file}", self.named);
        self.environment.set("--registry-credentials", value, source, Some(note));
    }

    fn pull_secret(&mut self, field: &RegistryField, name: &str, source: (String, crate::manifest::Place)) {
        let file = format!("{FOLDER}/docker/config.json");
        let note = format!("{file} is to hold the key `.dockerconfigjson` of the Secret {name}");
        let docker = self.environment.variables.iter().find(|variable| variable.name == "LANDWAITER_DOCKER_CONFIG");
        match docker {
            Some(docker) if !docker.notes.contains(&note) => {
                let why = format!(
                    "one Docker configuration is read, {}: set `credentials: {{pull-secret: …}}` for `{}` in the \
                     configuration file",
                    docker.value, self.named
                );
                self.leave(field, why);
            }
            _ => self.environment.set("--docker-config", file, source, Some(note)),
        }
    }

    fn authority(&mut self, field: &RegistryField, file: String, note: &str) {
        let name = "SSL_CERT_FILE";
        let known = self.environment.variables.iter().find(|variable| variable.name == name);
        let is_new = known.is_none();
        match known.map(|known| known.value.clone()).filter(|known| *known != file) {
            Some(known) => {
                let why = format!(
                    "one file is read, {known}: name this authority as `ca-bundle` of `{}` in the configuration file",
                    self.named
                );
                self.leave(field, why);
            }
            None if is_new => self.environment.variables.push(Variable {
                name: name.to_owned(),
                value: file,
                sources: vec![(self.setting(field), field.place.clone())],
                notes: vec![note.to_owned()],
            }),
            None => {}
        }
    }

    fn setting(&self, field: &RegistryField) -> String {
        format!("{} of {}", field.key, self.registry.name)
    }

    fn leave(&mut self, field: &RegistryField, why: impl Into<String>) {
        // A certificate is many lines, and nobody looks for it here.
        let value = if field.key == "ca_data" { "" } else { &field.value };
        self.environment.leave(&self.setting(field), value, &field.place, why);
    }
}

fn is_hub(name: &str) -> bool {
    DOCKER_HUB.contains(&name)
}

//! A configuration of ours made of what the daemons of other tools were told: environment variables, and entries of
//! the configuration file for registries; and what has no equivalent, with the reason.
//!
//! Secrets are named and never copied. Must not know how any of it is written in files, nor how it is shown.

mod fluxd;
mod objects;
mod registries;

pub use registries::{Registries, RegistryEntry, RegistrySetting, RegistryValue};
use url::Url;

use crate::manifest::{Place, Setting};

/// A configuration in the making.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// The variables, in the order in which they came up.
    pub variables: Vec<Variable>,
    /// What has no equivalent.
    pub unsaid: Vec<Unsaid>,
}

/// An environment variable of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Where it comes from: the setting, and its place.
    pub sources: Vec<(String, Place)>,
    /// What is to be done beside it, or to be known.
    pub notes: Vec<String>,
}

/// A setting that nothing of ours says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsaid {
    /// The setting as it is called there.
    pub setting: String,
    /// What it says; empty where that is a secret.
    pub value: String,
    /// Where it stands.
    pub place: Place,
    /// Why nothing is done with it, and what to do instead.
    pub why: String,
}

/// The variable that holds a list.
const LIST: &str = "LANDWAITER_GIT_PATH";

impl Environment {
    /// Adds what fluxd was told.
    pub fn add_fluxd(&mut self, arguments: &[Setting]) {
        fluxd::add(self, arguments);
    }

    /// Adds what the files of a repository say to Flux beyond images: its `ImageUpdateAutomation`s, and
    /// `.flux.yaml`.
    pub fn add_objects(&mut self, settings: &[Setting]) {
        objects::add(self, settings);
    }

    /// Sets the variable of an option. A list grows; of two values for anything else the first one stays,
    /// and the other is told.
    fn set(&mut self, option: &str, value: String, source: (String, Place), note: Option<String>) {
        let name = variable(option);
        let Some(known) = self.variables.iter_mut().find(|variable| variable.name == name) else {
            let notes = note.into_iter().collect();
            self.variables.push(Variable { name, value, sources: vec![source], notes });
            return;
        };
        let is_list = known.name == LIST;
        let is_there = if is_list { known.value.split(',').any(|item| item == value) } else { known.value == value };
        if is_there || is_list {
            if !is_there {
                known.value = format!("{},{value}", known.value);
            }
            if !known.sources.contains(&source) {
                known.sources.push(source);
            }
            known.notes.extend(note.filter(|note| !known.notes.contains(note)));
        } else {
            let why =
                format!("{name} is {} already, and one daemon has one value; run another one for this", known.value);
            self.unsaid.push(Unsaid { setting: source.0, value, place: source.1, why });
        }
    }

    fn leave(&mut self, setting: &str, value: &str, place: &Place, why: impl Into<String>) {
        let (setting, value) = (setting.to_owned(), value.to_owned());
        self.unsaid.push(Unsaid { setting, value, place: place.clone(), why: why.into() });
    }
}

/// The environment variable that is the same as an option.
fn variable(option: &str) -> String {
    format!("LANDWAITER_{}", option.trim_start_matches('-').replace('-', "_").to_ascii_uppercase())
}

/// A path from the top of the repository: `./apps/` is `apps`, and `./` is nothing.
fn relative(path: &str) -> String {
    let parts = path.split('/').filter(|part| !matches!(*part, "" | "."));
    parts.collect::<Vec<_>>().join("/")
}

/// The address of a repository without secrets, and what is to be done for it. `None` for an address that says
/// no host.
fn reachable(address: &str) -> Option<(String, Option<String>)> {
    const KEY: &str = "make a key with `landwaiter identity` and let it write to the repository; host keys other than \
                       those of the large forges are to be named by LANDWAITER_GIT_KNOWN_HOSTS";
    if !address.contains("://") {
        // As git has it: `user@host:path`.
        let (host, _) = address.split_once(':')?;
        let is_host = !host.contains('/') && !host.ends_with('@') && !host.is_empty();
        return is_host.then(|| (address.to_owned(), Some(KEY.to_owned())));
    }
    let url = Url::parse(address).ok()?;
    let host = url.host_str().filter(|host| !host.is_empty())?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let path = url.path().trim_start_matches('/');
    Some(match url.scheme() {
        scheme @ ("https" | "http") => {
            let has_secret = !url.username().is_empty() || url.password().is_some();
            let note = "the address holds a user or password, which is left out: put it into the file of \
                        LANDWAITER_GIT_CREDENTIALS";
            (format!("{scheme}://{host}{port}/{path}"), has_secret.then(|| note.to_owned()))
        }
        "ssh" | "git+ssh" | "ssh+git" => {
            let user = if url.username().is_empty() { "git" } else { url.username() };
            (format!("ssh://{user}@{host}{port}/{path}"), Some(KEY.to_owned()))
        }
        scheme => {
            let note = format!(
                "`{scheme}` is not spoken here: check the address, and give a token with LANDWAITER_GIT_CREDENTIALS"
            );
            (format!("https://{host}/{path}"), Some(note))
        }
    })
}

#[cfg(test)]
mod tests;

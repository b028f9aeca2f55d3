//! The configuration file: what is said in it, as plain values, and what is wrong with it, by line and
//! column. The only door to the crates that read it and describe its form.
//!
//! Paths in it are taken from the folder of the file. Secrets never stand in it: it says where they are.

mod form;
mod hooks;
mod meaning;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_saphyr::Location;

use self::form::File;
use super::repository::{ConfigRepository, Part, RepositorySettings};
use crate::registry::{self, Prefix, Setting, Sites};
use crate::{git, reconcile};

/// What the file says, understood.
#[derive(Debug, Default)]
pub struct Settings {
    /// Docker's `config.json`.
    pub docker_config: Option<PathBuf>,
    /// Whether tags of the first look count as old as they are said to be.
    pub trust_created: bool,
    /// How often an image repository is asked for new tags.
    pub registry_poll_interval: Option<Duration>,
    /// What is set for single registries.
    pub sites: Sites,
    /// Where copies of config repositories and what registries said are kept.
    pub data_dir: Option<PathBuf>,
    /// The config repositories.
    pub repositories: Vec<RepositorySettings>,
    hooks: Vec<hooks::Told>,
    file: PathBuf,
    /// Where each of the settings stands that name other files.
    places: BTreeMap<(Prefix, Setting), Location>,
    /// The same of config repositories, by their names.
    parts: BTreeMap<(String, Part), Location>,
}

/// Something that is wrong in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1; 0 when it is not known.
    pub line: u64,
    /// The column, from 1, in characters; 0 when it is not known.
    pub column: u64,
    /// What is wrong, and how to mend it.
    pub message: String,
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("the configuration file {file} cannot be read: {source}")]
    Unreadable {
        /// The file.
        file: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// It makes no sense. One mistake to a line.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Mistakes(Vec<Mistake>),
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

impl Settings {
    /// The file, as it was named; empty where there is none.
    #[must_use]
    pub fn file(&self) -> std::path::Display<'_> {
        self.file.display()
    }

    /// The files of which a change is to be heard.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let file = Some(self.file.clone()).filter(|file| !file.as_os_str().is_empty());
        file.into_iter().chain(self.repositories.iter().flat_map(RepositorySettings::files)).collect()
    }

    /// What is said of each config repository, where `git` and `pass` are what is usual. Reads the named policies
    /// and the variables that are spoken of.
    ///
    /// # Errors
    /// All that is wrong with them, with its place.
    pub fn repositories(&self, git: &git::Options, pass: &reconcile::Options) -> Result<Vec<ConfigRepository>, Error> {
        let (mut all, mut mistakes) = (Vec::new(), Vec::new());
        for settings in &self.repositories {
            let mut own = Vec::new();
            let found = settings.over(git, pass, |part, problem| {
                let place = self.parts.get(&(settings.name.clone(), part));
                own.push(Mistake::at(&self.file, place, problem));
            });
            match found {
                Ok(found) => all.push(found),
                Err(found) => own.extend(found),
            }
            mistakes.append(&mut own);
        }
        if mistakes.is_empty() { Ok(all) } else { Err(Error::Mistakes(mistakes)) }
    }

    /// As [`repositories`](Self::repositories), only to see whether all of it can be used, with the files that are
    /// read later.
    ///
    /// # Errors
    /// All that is wrong, with its place.
    pub fn check_repositories(&self) -> Result<(), Error> {
        let nowhere = git::Options::new(git::RemoteUrl::local_path(Path::new("")), PathBuf::new());
        let Ok(nobody) = git::Identity::new("nobody", "nobody@localhost") else { return Ok(()) };
        let mut mistakes = match self.repositories(&nowhere, &reconcile::Options::by(nobody)) {
            Ok(_) => Vec::new(),
            Err(Error::Mistakes(mistakes)) => mistakes,
            Err(error) => return Err(error),
        };
        for settings in &self.repositories {
            let place = self.parts.get(&(settings.name.clone(), Part::Files));
            mistakes.extend(settings.unreadable().into_iter().map(|problem| Mistake::at(&self.file, place, problem)));
        }
        if mistakes.is_empty() { Ok(()) } else { Err(Error::Mistakes(mistakes)) }
    }

    /// Tries what is set for registries in the end, where more than this file may have had a say: files that
    /// cannot be read, variables that are not set.
    ///
    /// # Errors
    /// All that is wrong, with its place where it stands in this file.
    pub fn check(&self, sites: &Sites) -> Result<(), Error> {
        let mut mistakes = Vec::new();
        for site in sites.iter() {
            let own = self.sites.iter().find(|own| own.prefix == site.prefix);
            for (setting, problem) in registry::faults(site) {
                let is_own = own.is_some_and(|own| setting.is_same(own, site));
                let place = self.places.get(&(site.prefix.clone(), setting)).filter(|_| is_own);
                let file = if place.is_some() { &self.file } else { Path::new("") };
                mistakes.push(Mistake::at(file, place, problem));
            }
        }
        if mistakes.is_empty() { Ok(()) } else { Err(Error::Mistakes(mistakes)) }
    }
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
        return Ok(Settings { file: path.to_owned(), ..Settings::default() });
    }
    let file: File = serde_saphyr::from_str(text).map_err(|error| {
        let words = error.without_snippet().to_string();
        let place = error.location();
        let message = in_our_words(words.lines().next().unwrap_or_default(), place.as_ref());
        Error::Mistakes(vec![Mistake::at(path, place.as_ref(), message)])
    })?;
    meaning::understand(file, path)
        .map(|settings| Settings { file: path.to_owned(), ..settings })
        .map_err(Error::Mistakes)
}

impl Mistake {
    fn at(file: &Path, place: Option<&Location>, message: impl Into<String>) -> Self {
        let (line, column) = place.map_or((0, 0), |place| (place.line(), place.column()));
        Self { file: file.display().to_string(), line, column, message: message.into() }
    }
}

/// `config.yaml:3:5: message`.
impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, message } = self;
        match (file.as_str(), line) {
            ("", _) => write!(f, "{message}"),
            (_, 0) => write!(f, "{file}: {message}"),
            _ => write!(f, "{file}:{line}:{column}: {message}"),
        }
    }
}

/// The words of the library without the place, which is told before them.
fn in_our_words(words: &str, place: Option<&Location>) -> String {
    let mut message = words.trim_start_matches("error: ").to_owned();
    if let Some((line, column)) = place.map(|place| (place.line(), place.column())) {
        for known in [format!("line {line} column {column}"), format!("line {line}, column {column}")] {
            message = message.replace(&format!(" at {known}"), "").replace(&format!("{known}: "), "");
        }
    }
    plainly(message.trim_start_matches("error: ")).into_owned()
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

#[cfg(test)]
mod tests;

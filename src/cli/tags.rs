//! `--tags FILE`: what registries would answer, in a file, for work without a network.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use serde::Deserialize;

use super::Error;
use crate::image::{Repository, Tag};
use crate::plan::{Scan, Scans};
use crate::policy::Candidate;

/// A JSON object, repository → tags; or for one repository the list alone.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum File {
    Repositories(BTreeMap<String, Vec<Entry>>),
    One(Vec<Entry>),
}

/// A tag, with or without what the registry knows of it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Entry {
    Name(String),
    Known { tag: String, created: Option<Timestamp> },
}

/// The scans that the file stands for. A tag that no registry could hold is an error of the file.
pub(super) fn scans(file: &Path) -> Result<Scans, Error> {
    match read(file)? {
        File::Repositories(repositories) => repositories
            .into_iter()
            .map(|(name, entries)| {
                let repository = Repository::parse(&name).map_err(|error| wrong(file, &error))?;
                Ok((repository, Scan::Complete(candidates(file, entries)?)))
            })
            .collect(),
        File::One(_) => Err(wrong(file, &"expected an object, {\"repository\": [\"tag\", …]}")),
    }
}

/// The candidates of one repository: the list alone, the only repository, or the one named by
/// `image`.
pub(super) fn candidates_of(file: &Path, image: Option<&Repository>) -> Result<Vec<Candidate>, Error> {
    let mut repositories = match read(file)? {
        File::One(entries) => return candidates(file, entries),
        File::Repositories(repositories) => repositories,
    };
    let key = match image {
        Some(image) => repositories.keys().find(|name| Repository::parse(name).as_ref() == Ok(image)).cloned(),
        None if repositories.len() == 1 => repositories.keys().next().cloned(),
        None => return Err(Error::Usage("the file lists several repositories: name one with --image".to_owned())),
    };
    let entries = key.and_then(|key| repositories.remove(&key));
    candidates(file, entries.ok_or_else(|| wrong(file, &"the file does not list the repository of --image"))?)
}

fn read(file: &Path) -> Result<File, Error> {
    let text = std::fs::read(file)
        .map_err(|source| Error::File { what: format!("cannot read --tags {}", file.display()), source })?;
    serde_json::from_slice(&text).map_err(|error| {
        let form = "expected {\"repository\": [\"tag\" or {\"tag\": …, \"created\": …}, …]}";
        wrong(file, &format!("{error}; {form}"))
    })
}

fn candidates(file: &Path, entries: Vec<Entry>) -> Result<Vec<Candidate>, Error> {
    let candidate = |entry| {
        let (tag, created) = match entry {
            Entry::Name(tag) => (tag, None),
            Entry::Known { tag, created } => (tag, created),
        };
        Ok(Candidate { tag: Tag::parse(&tag).map_err(|error| wrong(file, &error))?, created })
    };
    entries.into_iter().map(candidate).collect()
}

fn wrong(file: &Path, what: &dyn std::fmt::Display) -> Error {
    Error::Input(format!("--tags {}: {what}", file.display()))
}

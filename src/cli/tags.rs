//! `--tags FILE`: what registries would answer, in a file, for work without a network.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::Error;
use crate::image::{Repository, Tag};
use crate::plan::{Scan, Scans};
use crate::policy::{Candidate, Since};

/// What is expected of the file, for its errors.
const FORM: &str =
    "expected {\"repository\": [\"tag\" or {\"tag\": …, \"created\": …, \"first_seen\": …, \"pushed\": …}, …]}";

/// A JSON object, repository → tags; or for one repository the list alone.
#[derive(Debug)]
enum File {
    Repositories(BTreeMap<Repository, Vec<Candidate>>),
    One(Vec<Candidate>),
}

/// A tag with what the registry knows of it.
#[derive(Debug, Default, Deserialize)]
struct Known {
    tag: String,
    created: Option<String>,
    first_seen: Option<String>,
    pushed: Option<String>,
}

/// The scans that the file stands for. A tag that no registry could hold is an error of the file.
pub(super) fn scans(file: &Path) -> Result<Scans, Error> {
    match read(file)? {
        File::Repositories(repositories) => Ok(repositories
            .into_iter()
            .map(|(repository, candidates)| (repository, Scan::Complete(candidates)))
            .collect()),
        File::One(_) => Err(wrong(file, &FORM)),
    }
}

/// The candidates of one repository: the list alone, the only repository, or the one named by
/// `image`.
pub(super) fn candidates_of(file: &Path, image: Option<&Repository>) -> Result<Vec<Candidate>, Error> {
    let mut repositories = match read(file)? {
        File::One(candidates) => return Ok(candidates),
        File::Repositories(repositories) => repositories,
    };
    let candidates = match image {
        Some(image) => repositories.remove(image),
        None if repositories.len() == 1 => repositories.pop_first().map(|(_, candidates)| candidates),
        None => return Err(Error::Usage("the file lists several repositories: name one with --image".to_owned())),
    };
    candidates.ok_or_else(|| wrong(file, &"the file does not list the repository of --image"))
}

fn read(file: &Path) -> Result<File, Error> {
    let text = std::fs::read(file)
        .map_err(|source| Error::File { what: format!("cannot read --tags {}", file.display()), source })?;
    let repositories = match serde_json::from_slice(&text).map_err(|error| wrong(file, &format!("{error}; {FORM}")))? {
        Value::Object(repositories) => repositories,
        list @ Value::Array(_) => return Ok(File::One(candidates(file, "the list", list)?)),
        _ => return Err(wrong(file, &FORM)),
    };
    // Two spellings of one repository are one repository.
    let mut merged = BTreeMap::<_, Vec<_>>::new();
    for (name, list) in repositories {
        let repository = Repository::parse(&name).map_err(|error| wrong(file, &error))?;
        merged.entry(repository).or_default().extend(candidates(file, &format!("{name:?}"), list)?);
    }
    Ok(File::Repositories(merged))
}

fn candidates(file: &Path, owner: &str, list: Value) -> Result<Vec<Candidate>, Error> {
    let Value::Array(entries) = list else { return Err(wrong(file, &format!("{owner} holds no list; {FORM}"))) };
    let candidate = |(index, entry)| {
        let at = |what: &dyn Display| wrong(file, &format!("entry {} of {owner}: {what}", index + 1));
        let known = match entry {
            Value::String(tag) => Known { tag, ..Known::default() },
            entry @ Value::Object(_) => Known::deserialize(entry).map_err(|error| at(&format!("{error}; {FORM}")))?,
            _ => return Err(at(&FORM)),
        };
        let time = |text: Option<String>, what: &str| {
            let error =
                |text: &str, error| at(&format!("{what} {text:?}: {error}; write a time such as 2026-01-31T12:00:00Z"));
            text.map(|text| text.parse::<Timestamp>().map_err(|why| error(&text, why))).transpose()
        };
        let tag = Tag::parse(&known.tag).map_err(|error| at(&error))?;
        let since = Since::of(time(known.first_seen, "first_seen")?, time(known.pushed, "pushed")?);
        Ok(Candidate { tag, created: time(known.created, "created")?, since })
    };
    entries.into_iter().enumerate().map(candidate).collect()
}

fn wrong(file: &Path, what: &dyn Display) -> Error {
    Error::Input(format!("--tags {}: {what}", file.display()))
}

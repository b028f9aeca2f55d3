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

/// The scans that the file stands for. With `trust_created` a tag of which no more is said counts as old as
/// its image. A tag that no registry could hold is an error of the file.
pub(super) fn scans(file: &Path, trust_created: bool) -> Result<Scans, Error> {
    match read(file, trust_created)? {
        File::Repositories(repositories) => Ok(repositories
            .into_iter()
            .map(|(repository, candidates)| (repository, Scan::Complete(candidates)))
            .collect()),
        File::One(_) => Err(wrong(file, &FORM)),
    }
}

/// The candidates of one repository: the list alone, the only repository, or the one named by
/// `image`.
pub(super) fn candidates_of(
    file: &Path,
    image: Option<&Repository>,
    trust_created: bool,
) -> Result<Vec<Candidate>, Error> {
    let mut repositories = match read(file, trust_created)? {
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

fn read(file: &Path, trust_created: bool) -> Result<File, Error> {
    let text = std::fs::read(file)
        .map_err(|source| Error::File { what: format!("cannot read --tags {}", file.display()), source })?;
    let repositories = match serde_json::from_slice(&text).map_err(|error| wrong(file, &format!("{error}; {FORM}")))? {
        Value::Object(repositories) => repositories,
        list @ Value::Array(_) => return Ok(File::One(candidates(file, "the list", list, trust_created)?)),
        _ => return Err(wrong(file, &FORM)),
    };
    // Two spellings of one repository are one repository.
    let mut merged = BTreeMap::<_, Vec<_>>::new();
    for (name, list) in repositories {
        let repository = Repository::parse(&name).map_err(|error| wrong(file, &error))?;
        merged.entry(repository).or_default().extend(candidates(file, &format!("{name:?}"), list, trust_created)?);
    }
    Ok(File::Repositories(merged))
}

fn candidates(file: &Path, owner: &str, list: Value, trust_created: bool) -> Result<Vec<Candidate>, Error> {
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
        let created = time(known.created, "created")?;
        let (first_seen, pushed) = (time(known.first_seen, "first_seen")?, time(known.pushed, "pushed")?);
        let since = if trust_created && first_seen.is_none() {
            Since::before_first_look(None, pushed, created)
        } else {
            Since::of(first_seen, pushed)
        };
        Ok(Candidate { tag, created, since })
    };
    entries.into_iter().enumerate().map(candidate).collect()
}

fn wrong(file: &Path, what: &dyn Display) -> Error {
    Error::Input(format!("--tags {}: {what}", file.display()))
}

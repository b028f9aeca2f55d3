//! The files of a repository, by path: those of the survey are known, others are looked up, each once.
//!
//! Must not know what is in them, nor who asks.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::{Reading, Source};
use crate::path::RepoPath;

/// Every file that can be asked for.
pub(super) struct Files<'s, S: Source> {
    source: &'s S,
    /// Those of the survey, also those without anything for us.
    surveyed: &'s HashMap<RepoPath, Reading<S::Key>>,
    /// Where files outside the survey were looked for.
    looked_up: HashMap<RepoPath, Option<S::Key>>,
}

impl<'s, S: Source> Files<'s, S> {
    pub(super) fn new(source: &'s S, surveyed: &'s HashMap<RepoPath, Reading<S::Key>>) -> Self {
        Self { source, surveyed, looked_up: HashMap::new() }
    }

    /// What was found in the files of the survey.
    pub(super) fn surveyed(&self) -> &'s HashMap<RepoPath, Reading<S::Key>> {
        self.surveyed
    }

    /// Whether the file belongs to the survey, so that it may be changed.
    pub(super) fn is_surveyed(&self, path: &RepoPath) -> bool {
        self.surveyed.contains_key(path)
    }

    /// The content of the file at this path, if there is a file.
    pub(super) fn find(&mut self, path: &RepoPath) -> Result<Option<S::Key>, S::Error> {
        if let Some(reading) = self.surveyed.get(path) {
            return Ok(Some(reading.key.clone()));
        }
        Ok(match self.looked_up.entry(path.clone()) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(unknown) => unknown.insert(self.source.find(path)?).clone(),
        })
    }

    /// Puts the content behind a key into the buffer, in place of what it held.
    pub(super) fn read(&self, key: &S::Key, buffer: &mut Vec<u8>) -> Result<(), S::Error> {
        self.source.read(key, buffer)
    }
}

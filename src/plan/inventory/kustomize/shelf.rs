//! The files of a repository that kustomizations reach, read when they are asked for, and remembered.
//!
//! Knows nothing of what is in them.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::super::{Reading, Source};
use crate::manifest::{self, Manifest, Scope};
use crate::path::RepoPath;
use crate::policy::Presets;

/// Every file that can be asked for: those of the survey, and whatever else lies in the repository.
pub(super) struct Shelf<'s, S: Source> {
    pub(super) source: &'s S,
    pub(super) presets: &'s Presets,
    /// What was found in the files of the survey.
    pub(super) manifests: &'s BTreeMap<RepoPath, Arc<Manifest>>,
    /// The files of the survey, also those without anything for us.
    pub(super) surveyed: &'s HashMap<RepoPath, Reading<S::Key>>,
    /// What the last survey asked for beyond its files.
    pub(super) before: HashMap<RepoPath, Reading<S::Key>>,
    /// What this one asked for.
    pub(super) reached: HashMap<RepoPath, Reading<S::Key>>,
    /// Where files outside the survey were looked for.
    keys: HashMap<RepoPath, Option<S::Key>>,
}

impl<'s, S: Source> Shelf<'s, S> {
    pub(super) fn new(
        source: &'s S,
        presets: &'s Presets,
        manifests: &'s BTreeMap<RepoPath, Arc<Manifest>>,
        surveyed: &'s HashMap<RepoPath, Reading<S::Key>>,
        before: HashMap<RepoPath, Reading<S::Key>>,
    ) -> Self {
        Self { source, presets, manifests, surveyed, before, reached: HashMap::new(), keys: HashMap::new() }
    }

    /// Whether the file belongs to the survey, so that it may be changed.
    pub(super) fn is_surveyed(&self, path: &RepoPath) -> bool {
        self.surveyed.contains_key(path)
    }

    /// Whether there is a file at this path.
    pub(super) fn exists(&mut self, path: &RepoPath) -> Result<bool, S::Error> {
        Ok(self.key(path)?.is_some())
    }

    /// What a file holds: read in any case where `whole`, else only where it may matter to us.
    pub(super) fn manifest(&mut self, path: &RepoPath, whole: bool) -> Result<Option<Arc<Manifest>>, S::Error> {
        if let Some(manifest) = self.manifests.get(path) {
            return Ok(Some(Arc::clone(manifest)));
        }
        if !manifest::is_manifest_path(path) || (!whole && self.is_surveyed(path)) {
            return Ok(None);
        }
        let Some(key) = self.key(path)? else { return Ok(None) };
        let known = self.reached.remove(path).or_else(|| self.before.remove(path));
        let known = known.filter(|known| known.key == key && (!whole || known.manifest.is_some()));
        let reading = if let Some(known) = known {
            known
        } else {
            let mut bytes = Vec::new();
            self.source.read(&key, &mut bytes)?;
            let matters = whole || manifest::may_matter(path, &bytes, Scope::Annotated);
            let manifest = matters.then(|| Arc::new(manifest::read(path, &bytes, self.presets)));
            Reading { key, manifest }
        };
        let manifest = reading.manifest.clone();
        self.reached.insert(path.clone(), reading);
        Ok(manifest)
    }

    fn key(&mut self, path: &RepoPath) -> Result<Option<S::Key>, S::Error> {
        if let Some(reading) = self.surveyed.get(path) {
            return Ok(Some(reading.key.clone()));
        }
        Ok(match self.keys.entry(path.clone()) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(unknown) => unknown.insert(self.source.find(path)?).clone(),
        })
    }
}

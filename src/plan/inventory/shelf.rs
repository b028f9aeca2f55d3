//! What stands in the files that kustomizations and applications reach: read when it is asked for, and
//! remembered.
//!
//! Must not know what a manifest means to those who ask.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::files::Files;
use super::{Reading, Source};
use crate::manifest::{self, Manifest, Scope, Terms};
use crate::path::RepoPath;

/// Every file that can be asked for: those of the survey, and whatever else lies in the repository.
pub(super) struct Shelf<'s, 'f, S: Source> {
    pub(super) files: &'s mut Files<'f, S>,
    terms: &'s Terms,
    /// What was found in the files of the survey.
    pub(super) manifests: &'s BTreeMap<RepoPath, Arc<Manifest>>,
    reached: &'s mut Reached<S::Key>,
}

/// What surveys ask for beyond their files.
pub(super) struct Reached<K> {
    /// The last one.
    before: HashMap<RepoPath, Reading<K>>,
    /// This one.
    pub(super) now: HashMap<RepoPath, Reading<K>>,
}

impl<K> Reached<K> {
    /// What is remembered of the last survey.
    pub(super) fn after(before: HashMap<RepoPath, Reading<K>>) -> Self {
        Self { before, now: HashMap::new() }
    }
}

impl<'s, 'f, S: Source> Shelf<'s, 'f, S> {
    pub(super) fn new(
        files: &'s mut Files<'f, S>,
        terms: &'s Terms,
        manifests: &'s BTreeMap<RepoPath, Arc<Manifest>>,
        reached: &'s mut Reached<S::Key>,
    ) -> Self {
        Self { files, terms, manifests, reached }
    }

    /// Whether there is a file at this path.
    pub(super) fn exists(&mut self, path: &RepoPath) -> Result<bool, S::Error> {
        Ok(self.files.find(path)?.is_some())
    }

    /// What a file holds: read in any case where `whole`, else only where it may matter to us.
    pub(super) fn manifest(&mut self, path: &RepoPath, whole: bool) -> Result<Option<Arc<Manifest>>, S::Error> {
        if let Some(manifest) = self.manifests.get(path) {
            return Ok(Some(Arc::clone(manifest)));
        }
        if !manifest::is_manifest_path(path) || (!whole && self.files.is_surveyed(path)) {
            return Ok(None);
        }
        let Some(key) = self.files.find(path)? else { return Ok(None) };
        let known = self.reached.now.remove(path).or_else(|| self.reached.before.remove(path));
        let known = known.filter(|known| known.key == key && (!whole || known.manifest.is_some()));
        let reading = if let Some(known) = known {
            known
        } else {
            let mut bytes = Vec::new();
            self.files.read(&key, &mut bytes)?;
            let matters = whole || manifest::may_matter(path, &bytes, Scope::Annotated);
            let manifest = matters.then(|| Arc::new(manifest::read(path, &bytes, self.terms)));
            Reading { key, manifest }
        };
        let manifest = reading.manifest.clone();
        self.reached.now.insert(path.clone(), reading);
        Ok(manifest)
    }
}

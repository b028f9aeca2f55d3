//! Files that are read together with others that they need, such as the values files of a chart.
//!
//! Must not know what they need them for. Whoever needs a file gets the same opened document, so that a
//! file which everybody needs is parsed once; of a file that is read again, all that it needs is.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::Source;
use super::files::Files;
use super::opened::Opened;
use crate::manifest::{self, Manifest, Terms};
use crate::path::RepoPath;

/// A file that was read together with those that it needs.
#[derive(Debug, Clone)]
pub(super) struct Linked<K> {
    key: K,
    needs: Vec<(RepoPath, Option<K>)>,
    manifest: Arc<Manifest>,
}

/// The manifests of the survey; those that need other files are read with them, unless all of them are
/// as they were. `linked` is what is remembered of those.
pub(super) fn read<S: Source>(
    files: &mut Files<'_, S>,
    terms: &Terms,
    opened: &mut Opened,
    linked: &mut HashMap<RepoPath, Linked<S::Key>>,
) -> Result<BTreeMap<RepoPath, Arc<Manifest>>, S::Error> {
    let mut before = std::mem::take(linked);
    let surveyed = files.surveyed();
    let mut reader = Reader { files, terms, opened, bytes: Vec::new() };
    let mut manifests = BTreeMap::new();
    for (path, reading) in surveyed {
        let Some(alone) = &reading.manifest else { continue };
        let manifest = if alone.needs.is_empty() {
            Arc::clone(alone)
        } else {
            let read = reader.read(path, &reading.key, alone, before.remove(path))?;
            let manifest = Arc::clone(&read.manifest);
            linked.insert(path.clone(), read);
            manifest
        };
        manifests.insert(path.clone(), manifest);
    }
    Ok(manifests)
}

/// Reads files with others.
struct Reader<'r, 's, S: Source> {
    files: &'r mut Files<'s, S>,
    terms: &'r Terms,
    opened: &'r mut Opened,
    bytes: Vec<u8>,
}

impl<S: Source> Reader<'_, '_, S> {
    fn read(
        &mut self,
        path: &RepoPath,
        key: &S::Key,
        alone: &Manifest,
        known: Option<Linked<S::Key>>,
    ) -> Result<Linked<S::Key>, S::Error> {
        let find = |need: &RepoPath| Ok((need.clone(), self.files.find(need)?));
        let needs = alone.needs.iter().map(find).collect::<Result<Vec<_>, S::Error>>()?;
        if let Some(known) = known.filter(|known| known.key == *key && known.needs == needs) {
            return Ok(known);
        }
        let (library, mut problems) = self.opened.library(self.files, &needs)?;
        self.files.read(key, &mut self.bytes)?;
        let mut manifest = manifest::read_with(path, &self.bytes, self.terms, &library);
        manifest.problems.append(&mut problems);
        Ok(Linked { key: key.clone(), needs, manifest: Arc::new(manifest) })
    }
}

//! Files that are read together with others that they need, such as the values files of a chart.
//!
//! Must not know what they need them for. Whoever needs a file gets the same opened document, so that a
//! file which everybody needs is parsed once; of a file that is read again, all that it needs is.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::Source;
use super::files::Files;
use crate::manifest::{self, Document, Library, Manifest, Problem, Terms};
use crate::path::RepoPath;

/// How many bytes of text are kept open at a time. Their trees take some ten times of that.
const MOST_OPEN: usize = 8 << 20;

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
    linked: &mut HashMap<RepoPath, Linked<S::Key>>,
) -> Result<BTreeMap<RepoPath, Arc<Manifest>>, S::Error> {
    let mut before = std::mem::take(linked);
    let surveyed = files.surveyed();
    let mut reader = Reader { files, terms, opened: HashMap::new(), open_bytes: 0, bytes: Vec::new() };
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
    /// Those that were opened, or what is wrong with them.
    opened: HashMap<RepoPath, Result<Arc<Document>, Problem>>,
    open_bytes: usize,
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
        let mut library = Library::default();
        let mut problems = Vec::new();
        for (need, key) in &needs {
            let Some(key) = key else { continue };
            match self.open(need, key)? {
                Ok(document) => library.insert(document),
                Err(problem) => {
                    library.insert_unreadable(need.clone());
                    problems.push(problem);
                }
            }
        }
        self.files.read(key, &mut self.bytes)?;
        let mut manifest = manifest::read_with(path, &self.bytes, self.terms, &library);
        manifest.problems.append(&mut problems);
        Ok(Linked { key: key.clone(), needs, manifest: Arc::new(manifest) })
    }

    fn open(&mut self, path: &RepoPath, key: &S::Key) -> Result<Result<Arc<Document>, Problem>, S::Error> {
        if let Some(opened) = self.opened.get(path) {
            return Ok(opened.clone());
        }
        self.files.read(key, &mut self.bytes)?;
        self.open_bytes += self.bytes.len();
        if self.open_bytes > MOST_OPEN {
            self.opened.clear();
            self.open_bytes = self.bytes.len();
        }
        let opened = Document::open(path, &self.bytes).map(Arc::new);
        self.opened.insert(path.clone(), opened.clone());
        Ok(opened)
    }
}

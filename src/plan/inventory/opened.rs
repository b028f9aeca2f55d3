//! Files that are opened for others, each once, however many need it.
//!
//! Must not know what they are needed for.

use std::collections::HashMap;
use std::sync::Arc;

use super::Source;
use super::files::Files;
use crate::manifest::{Document, Library, Problem};
use crate::path::RepoPath;

/// How many bytes of text are kept open at a time. Their trees take some ten times of that.
const MOST_OPEN: usize = 8 << 20;

/// Those that were opened.
#[derive(Debug, Default)]
pub(super) struct Opened {
    /// The files, or what is wrong with them.
    files: HashMap<RepoPath, Result<Arc<Document>, Problem>>,
    open_bytes: usize,
    bytes: Vec<u8>,
}

impl Opened {
    /// A library of those files that are there, and what is wrong with the others.
    pub(super) fn library<S: Source>(
        &mut self,
        files: &Files<'_, S>,
        needs: &[(RepoPath, Option<S::Key>)],
    ) -> Result<(Library, Vec<Problem>), S::Error> {
        let mut library = Library::default();
        let mut problems = Vec::new();
        for (path, key) in needs {
            let Some(key) = key else { continue };
            match self.open(files, path, key)? {
                Ok(document) => library.insert(document),
                Err(problem) => {
                    library.insert_unreadable(path.clone());
                    problems.push(problem);
                }
            }
        }
        Ok((library, problems))
    }

    fn open<S: Source>(
        &mut self,
        files: &Files<'_, S>,
        path: &RepoPath,
        key: &S::Key,
    ) -> Result<Result<Arc<Document>, Problem>, S::Error> {
        if let Some(opened) = self.files.get(path) {
            return Ok(opened.clone());
        }
        files.read(key, &mut self.bytes)?;
        self.open_bytes += self.bytes.len();
        if self.open_bytes > MOST_OPEN {
            self.files.clear();
            self.open_bytes = self.bytes.len();
        }
        let opened = Document::open(path, &self.bytes).map(Arc::new);
        self.files.insert(path.clone(), opened.clone());
        Ok(opened)
    }
}

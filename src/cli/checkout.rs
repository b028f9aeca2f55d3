//! A checkout on disk, read as the daemon reads a commit. Git itself is not asked.

use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::Error;
use crate::manifest::{Place, Problem, Scope, Severity};
use crate::path::RepoPath;
use crate::plan::Inventory;

/// Surveys the files below `folder`. Symbolic links are not followed and `.git` is left out. A file
/// that cannot be read becomes a problem and the others go on.
pub(super) fn survey(folder: &Path, scope: Scope) -> Result<Inventory, Error> {
    let mut files = Vec::new();
    let mut problems = Vec::new();
    let walk = WalkDir::new(folder).sort_by_file_name().into_iter().filter_entry(|entry| entry.file_name() != ".git");
    for entry in walk {
        let entry = entry.map_err(|error| Error::File {
            what: format!("cannot read the checkout at {}", error.path().unwrap_or(folder).display()),
            source: error.into(),
        })?;
        if entry.file_type().is_file() {
            if let Some(path) = relative(folder, entry.path()) {
                files.push((path, entry.into_path()));
            } else {
                tracing::warn!(path = %entry.path().display(), "passed over: the path is not UTF-8");
            }
        }
    }
    files.sort();
    let read = |file: &PathBuf, bytes: &mut Vec<u8>| -> Result<(), Error> {
        bytes.clear();
        match std::fs::read(file) {
            Ok(read) => *bytes = read,
            Err(error) => problems.extend(relative(folder, file).map(|path| unreadable(path, &error))),
        }
        Ok(())
    };
    let mut inventory = Inventory::survey(&files, read, scope)?;
    inventory.report(problems);
    Ok(inventory)
}

/// Writes the new bytes of a file, by way of a file beside it, so that it is never half-written.
pub(super) fn write(folder: &Path, path: &RepoPath, bytes: &[u8]) -> Result<(), Error> {
    let file = folder.join(path.as_str());
    let failed = |source| Error::File { what: format!("cannot write {}", file.display()), source };
    let permissions = std::fs::metadata(&file).map_err(failed)?.permissions();
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".landwaiter");
    let beside = file.with_file_name(name);
    let written = std::fs::write(&beside, bytes)
        .and_then(|()| std::fs::set_permissions(&beside, permissions))
        .and_then(|()| std::fs::rename(&beside, &file));
    written.map_err(|source| {
        let _ = std::fs::remove_file(&beside);
        failed(source)
    })
}

fn relative(folder: &Path, file: &Path) -> Option<RepoPath> {
    RepoPath::parse(file.strip_prefix(folder).ok()?.to_str()?).ok()
}

fn unreadable(file: RepoPath, error: &std::io::Error) -> Problem {
    let place = Place { file, line: 1, column: 1 };
    Problem::new(Severity::Warning, place, format!("the file cannot be read: {error}"), "check its permissions")
}

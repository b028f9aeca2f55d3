//! A checkout on disk, read as the daemon reads a commit. Git itself is not asked.

use std::cell::RefCell;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::Error;
use crate::manifest::{self, Place, Problem, Rule, Scope, Severity};
use crate::path::RepoPath;
use crate::plan::{Inventory, Memory, POLICIES, Source};
use crate::policy::Dialects;

/// The folder of a config repository for what belongs to it as a whole.
const OWN_FOLDER: &str = ".landwaiter";

/// Surveys the files below `folder`, and with them the policies that the config repository around it
/// defines. Symbolic links are not followed and `.git` is left out. A file that cannot be read becomes
/// a problem and the others go on.
pub(super) fn survey(folder: &Path, dialects: Dialects, scope: Scope) -> Result<Inventory, Error> {
    let Opened { files, checkout } = open(folder)?;
    let mut inventory = Inventory::survey(&files, &checkout, scope, &mut Memory::hearing(dialects))?;
    inventory.report(checkout.problems());
    Ok(inventory)
}

/// The files below a folder, to be surveyed.
pub(super) struct Opened<'f> {
    /// Each with its place on this machine, by path.
    pub(super) files: Vec<(RepoPath, PathBuf)>,
    /// What they are read from.
    pub(super) checkout: Checkout<'f>,
}

/// Looks for the files below `folder`, see [`survey`].
pub(super) fn open(folder: &Path) -> Result<Opened<'_>, Error> {
    let cannot_read = |at: &Path, source| Error::File { what: format!("cannot read {}", at.display()), source };
    if !std::fs::metadata(folder).map_err(|error| cannot_read(folder, error))?.is_dir() {
        return Err(Error::Usage(format!("{} is a file: give the folder that it lies in", folder.display())));
    }
    let mut files = policies_around(folder);
    let mut problems = Vec::new();
    let walk = WalkDir::new(folder).sort_by_file_name().into_iter().filter_entry(|entry| entry.file_name() != ".git");
    for entry in walk {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let at = error.path().unwrap_or(folder).to_owned();
                let error = error.into_io_error().unwrap_or_else(|| std::io::ErrorKind::Other.into());
                match relative(folder, &at) {
                    Some(path) => problems.push(unreadable(path, &error)),
                    None => return Err(cannot_read(&at, error)),
                }
                continue;
            }
        };
        if entry.file_type().is_file() {
            match relative(folder, entry.path()) {
                Some(path) => files.push((path, entry.into_path())),
                None if seems_manifest(entry.path()) => {
                    tracing::warn!(path = %entry.path().display(), "passed over: the path is not UTF-8");
                }
                None => {}
            }
        }
    }
    files.sort();
    Ok(Opened { files, checkout: Checkout { folder, problems: RefCell::new(problems) } })
}

/// The bytes of a file that a survey found.
pub(super) fn read(folder: &Path, path: &RepoPath) -> Result<Vec<u8>, Error> {
    let file = folder.join(path.as_str());
    std::fs::read(&file).map_err(|source| Error::File { what: format!("cannot read {}", file.display()), source })
}

/// The files of a checkout, as a survey wants them.
pub(super) struct Checkout<'f> {
    folder: &'f Path,
    problems: RefCell<Vec<Problem>>,
}

impl Checkout<'_> {
    /// The files that could not be read so far, each told once.
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = self.problems.take();
        problems.sort();
        problems.dedup();
        problems
    }
}

impl Source for Checkout<'_> {
    type Key = PathBuf;
    type Error = Error;

    fn find(&self, path: &RepoPath) -> Result<Option<PathBuf>, Error> {
        // No part of the way may be a link, which could lead out of the checkout.
        let mut file = self.folder.to_owned();
        for part in path.as_str().split('/') {
            file.push(part);
            if std::fs::symlink_metadata(&file).is_ok_and(|metadata| metadata.is_symlink()) {
                return Ok(None);
            }
        }
        Ok(file.is_file().then_some(file))
    }

    fn read(&self, file: &PathBuf, buffer: &mut Vec<u8>) -> Result<(), Error> {
        buffer.clear();
        match std::fs::read(file) {
            Ok(bytes) => *buffer = bytes,
            Err(error) => {
                let problem = relative(self.folder, file).map(|path| unreadable(path, &error));
                self.problems.borrow_mut().extend(problem);
            }
        }
        Ok(())
    }
}

/// Writes the new bytes of a file, by way of a file beside it, so that it is never half-written.
pub(super) fn write(folder: &Path, path: &RepoPath, bytes: &[u8]) -> Result<(), Error> {
    let file = folder.join(path.as_str());
    let failed = |source| Error::File { what: format!("cannot write {}", file.display()), source };
    let before = std::fs::metadata(&file).map_err(failed)?;
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".landwaiter");
    let beside = file.with_file_name(name);
    let written = create(&beside)
        .and_then(|mut created| created.write_all(bytes))
        .and_then(|()| {
            // Only root may give a file to somebody else, and only root has to.
            let _ = chown(&beside, Some(before.uid()), Some(before.gid()));
            std::fs::set_permissions(&beside, before.permissions())
        })
        .and_then(|()| std::fs::rename(&beside, &file));
    written.map_err(|source| {
        let _ = std::fs::remove_file(&beside);
        failed(source)
    })
}

/// A new file, in the place of what a run that broke off left there. What a checkout holds is not to
/// be trusted: a link of that name must not lead the write elsewhere.
fn create(file: &Path) -> std::io::Result<std::fs::File> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => OpenOptions::new().write(true).create_new(true).open(file),
    }
}

/// The config repository that a folder is a part of.
#[derive(Debug)]
pub(super) struct Around {
    /// Its top.
    pub(super) root: PathBuf,
    /// The way from there to the folder; `None` where the folder is the top.
    pub(super) way: Option<RepoPath>,
}

/// The config repository around `folder`: the nearest folder above with `.git` or `.landwaiter`, or else
/// `folder` itself.
pub(super) fn around(folder: &Path) -> Around {
    let whole = |folder: &Path| folder.join(OWN_FOLDER).is_dir() || folder.join(".git").exists();
    let found = folder.canonicalize().ok().and_then(|absolute| {
        let root = absolute.ancestors().find(|folder| whole(folder)).filter(|root| *root != absolute)?;
        Some(Around { way: Some(relative(root, &absolute)?), root: root.to_owned() })
    });
    found.unwrap_or_else(|| Around { root: folder.to_owned(), way: None })
}

impl Around {
    /// The path of a file from the top, for one that was found in the folder. The files that belong to
    /// the repository as a whole have such a path already.
    pub(super) fn whole_path(&self, path: &RepoPath) -> RepoPath {
        let is_own = path.as_str().split('/').next() == Some(OWN_FOLDER);
        let joined = self.way.as_ref().filter(|_| !is_own).and_then(|way| way.join(path.as_str()).ok());
        joined.unwrap_or_else(|| path.clone())
    }
}

/// The policy files of the config repository that `folder` is a part of. None when it is the whole of
/// it, since the walk finds them then.
fn policies_around(folder: &Path) -> Vec<(RepoPath, PathBuf)> {
    let Around { root, way: Some(_) } = around(folder) else { return Vec::new() };
    let Ok(entries) = std::fs::read_dir(root.join(POLICIES)) else { return Vec::new() };
    let is_file = |entry: &std::fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_file());
    let files = entries.flatten().filter(is_file).map(|entry| entry.path());
    files.filter_map(|file| Some((relative(&root, &file)?, file))).collect()
}

fn seems_manifest(path: &Path) -> bool {
    RepoPath::parse(&path.file_name().unwrap_or_default().to_string_lossy())
        .is_ok_and(|name| manifest::is_manifest_path(&name))
}

fn relative(folder: &Path, file: &Path) -> Option<RepoPath> {
    RepoPath::parse(file.strip_prefix(folder).ok()?.to_str()?).ok()
}

/// Nobody knows what it holds, so that nothing found in it is no good news.
fn unreadable(file: RepoPath, error: &std::io::Error) -> Problem {
    let place = Place { file, line: 1, column: 1 };
    Problem::new(
        Rule::UnreadableFile,
        Severity::Error,
        place,
        format!("this cannot be read: {error}"),
        "check its permissions",
    )
}

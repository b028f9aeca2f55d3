//! Moving a branch of a repository on this machine as Git does it, under the lock file that everybody
//! respects. Whoever is killed meanwhile leaves that file behind, and Git leaves it to people to remove it. Ours
//! can be told from those of others, and the next of us removes them. Must not know what a branch is moved for.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use gix::ObjectId;
use gix::refs::transaction::PreviousValue;
use gix::refs::{FullName, Target};

use crate::git::store;
use crate::plain::chain;

/// How long somebody else may hold the branch.
const PATIENCE: Duration = Duration::from_secs(2);

/// How a file of ours begins. What begins like this, Git takes for its own and sweeps it up some day.
const MARK: &str = "tmp_obj_landwaiter_";

/// How gix begins the name of an object that it has not written to its end. Whatever is as old as that is nobody's
/// work any more; Git knows nothing of it, and would leave it for ever.
const UNFINISHED: (&str, Duration) = (".tmp", Duration::from_hours(1));

/// Points the branch to `new` if it points to `old`; whether it did.
pub(super) fn advance(repository: &gix::Repository, name: &FullName, old: ObjectId, new: ObjectId) -> io::Result<bool> {
    let branch = repository.common_dir().join(name.as_bstr().to_string());
    let objects = repository.objects.store_ref().path();
    let lock = lock_of(&branch);
    if let Some(folder) = branch.parent() {
        fs::create_dir_all(folder)?;
    }
    let until = Instant::now() + PATIENCE;
    let held = loop {
        sweep(objects, &branch, &lock);
        match Lock::take(&lock, objects, new) {
            Ok(held) => break held,
            // Swept up by another before it was locked, or held by somebody.
            Err(error) if error.kind() == io::ErrorKind::NotFound && Instant::now() < until => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if Instant::now() >= until {
                    let told =
                        format!("somebody holds {}; if no process is at it any more, remove that file", lock.display());
                    return Err(io::Error::new(error.kind(), told));
                }
                thread::sleep(Duration::from_millis(20));
            }
            // A file system without locks or second names, or we may not write at all.
            Err(error) if [io::ErrorKind::Unsupported, io::ErrorKind::PermissionDenied].contains(&error.kind()) => {
                return plainly(repository, name, old, new);
            }
            Err(error) => return Err(error),
        }
    };
    if head(repository, name)? != Some(old) {
        return Ok(false);
    }
    fs::rename(&held.path, &branch)?;
    Ok(true)
}

/// The same with a lock file like anybody's.
fn plainly(repository: &gix::Repository, name: &FullName, old: ObjectId, new: ObjectId) -> io::Result<bool> {
    let expected = PreviousValue::MustExistAndMatch(Target::Object(old));
    let moved = store::edit(repository, name.clone(), expected, new);
    let Err(error) = moved else { return Ok(true) };
    if head(repository, name)? == Some(old) { Err(io::Error::other(chain(&error))) } else { Ok(false) }
}

fn head(repository: &gix::Repository, name: &FullName) -> io::Result<Option<ObjectId>> {
    let found = repository.refs.try_find(name.as_ref()).map_err(io::Error::other)?;
    Ok(found.and_then(|reference| reference.target.try_id().map(ToOwned::to_owned)))
}

/// The lock file of a branch, which holds the commit that the branch is to point to. It is the second name of a
/// file of our own, which is locked as long as we live.
struct Lock {
    path: PathBuf,
    own: PathBuf,
    _alive: File,
}

impl Lock {
    fn take(path: &Path, objects: &Path, new: ObjectId) -> io::Result<Self> {
        let own = objects.join(format!("{MARK}{:016x}", fastrand::u64(..)));
        let mut file = File::create_new(&own)?;
        let made = file
            .lock()
            .and_then(|()| file.write_all(format!("{new}\n").as_bytes()))
            .and_then(|()| file.sync_data())
            .and_then(|()| fs::hard_link(&own, path));
        if let Err(error) = made {
            drop(fs::remove_file(&own));
            return Err(error);
        }
        Ok(Self { path: path.to_owned(), own, _alive: file })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // When the branch has moved, there is no lock file any more, or another's.
        if is_one(&self.path, &self.own) {
            drop(fs::remove_file(&self.path));
        }
        drop(fs::remove_file(&self.own));
    }
}

fn lock_of(branch: &Path) -> PathBuf {
    let mut name = branch.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    branch.with_file_name(name)
}

/// Removes what killed ones of us left: their own files, which nobody locks any more, a lock file of this
/// branch that is one of them, and objects that were never finished.
fn sweep(objects: &Path, branch: &Path, lock: &Path) {
    for entry in fs::read_dir(objects).into_iter().flatten().flatten() {
        let (own, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if name.starts_with(UNFINISHED.0) && is_old(&entry, UNFINISHED.1) {
            drop(fs::remove_file(&own));
        }
        if !name.starts_with(MARK) {
            continue;
        }
        let Ok(file) = File::open(&own) else { continue };
        // Ours from here on, so that two who sweep do not get in each other's way.
        if file.try_lock().is_err() {
            continue;
        }
        if is_one(lock, &own) {
            drop(fs::remove_file(lock));
        }
        // As long as it is the lock file of another branch, it proves that this one was ours.
        let names = file.metadata().map_or(1, |file| file.nlink());
        if names == 1 || is_one(branch, &own) {
            drop(fs::remove_file(&own));
        }
    }
}

fn is_old(entry: &fs::DirEntry, age: Duration) -> bool {
    let file = entry.metadata().ok().filter(fs::Metadata::is_file);
    file.and_then(|file| file.modified().ok()?.elapsed().ok()).is_some_and(|elapsed| elapsed > age)
}

/// Whether two names are of one file.
fn is_one(one: &Path, other: &Path) -> bool {
    let place = |path: &Path| path.symlink_metadata().map(|file| (file.dev(), file.ino()));
    matches!((place(one), place(other)), (Ok(one), Ok(other)) if one == other)
}

//! Our copy of the repository on disk: a bare repository that only we write, and only one process at a
//! time. It is a cache: whatever is wrong with it, it is made anew. Must not know of servers.

mod size;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use gix::ObjectId;
use gix::refs::transaction::{Change, LogChange, PreviousValue, RefEdit};
use gix::refs::{FullName, Target};

use size::Size;

use super::{Error, RemoteUrl};
use crate::image::Digest;
use crate::plain::chain;

/// After how many fetches and commits the copy is measured.
const GROWN_FOR: u32 = 50;

/// A file in a copy from which large files are left out.
const PARTIAL: &str = "landwaiter-partial";

/// The place of the copy of one repository.
pub(super) struct Store {
    folder: PathBuf,
    url: String,
    /// Set by whoever finds something missing in the copy.
    damaged: Arc<AtomicBool>,
    /// How many fetches and commits it took since it was measured.
    grown: AtomicU32,
    lock: Mutex<Option<(File, String)>>,
}

/// A copy in the making, beside the one that it is to replace.
pub(super) struct Successor<'a> {
    store: &'a Store,
    repository: gix::Repository,
}

impl Store {
    /// Takes the place for this process. Nothing is read yet.
    pub(super) fn open(data_dir: &Path, url: &RemoteUrl) -> Result<Self, Error> {
        let url = url.to_string();
        let store = Self {
            folder: data_dir.join(folder_name(&url)),
            url,
            damaged: Arc::default(),
            // Nobody knows what the process before us left.
            grown: AtomicU32::new(GROWN_FOR),
            lock: Mutex::default(),
        };
        store.lock()?;
        Ok(store)
    }

    pub(super) fn damaged(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.damaged)
    }

    /// The copy as it is, or an empty one.
    pub(super) fn repository(&self) -> Result<gix::Repository, Error> {
        self.lock()?;
        let path = self.path();
        if self.damaged.swap(false, Ordering::Relaxed) {
            self.set_aside("objects cannot be read")?;
        }
        if !path.exists() {
            self.create()?;
        }
        match open(&path) {
            Ok(repository) => Ok(repository),
            Err(error) => {
                self.set_aside(&chain(&error))?;
                self.create()?;
                open(&path).map_err(|error| Error::store(&path, "open our copy", chain(&error)))
            }
        }
    }

    /// A new, empty copy in place of a damaged one.
    pub(super) fn anew(&self, why: &str) -> Result<gix::Repository, Error> {
        self.set_aside(why)?;
        self.repository()
    }

    /// Notes that something was added to the copy.
    pub(super) fn grow(&self) {
        self.grown.fetch_add(1, Ordering::Relaxed);
    }

    /// An empty copy to take the place of this one, when this one has become too much: to fetch anew costs less
    /// than to repack. Until it is in place, the old one is as good as before.
    pub(super) fn successor(&self, repository: &gix::Repository) -> Result<Option<Successor<'_>>, Error> {
        if self.grown.load(Ordering::Relaxed) < GROWN_FOR {
            return Ok(None);
        }
        self.grown.store(0, Ordering::Relaxed);
        let size = Size::of(&repository.common_dir().join("objects"));
        if !size.is_too_much() {
            return Ok(None);
        }
        tracing::info!(url = %self.url, ?size, "our copy of the repository has grown too large; making a new one");
        let path = self.new_path();
        begin(&path).map_err(|error| Error::store(&path, "create a new copy", error))?;
        let repository = open(&path).map_err(|error| Error::store(&path, "open the new copy", chain(&error)))?;
        Ok(Some(Successor { store: self, repository }))
    }

    fn path(&self) -> PathBuf {
        self.folder.join("repo.git")
    }

    fn new_path(&self) -> PathBuf {
        self.folder.join("repo.git.new")
    }

    fn old_path(&self) -> PathBuf {
        self.folder.join("repo.git.old")
    }

    /// Holds the place. If someone deleted the data directory under us, it is made and taken again.
    fn lock(&self) -> Result<(), Error> {
        let mut held = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.folder.join("lock");
        if let Some((_, mark)) = &*held
            && fs::read_to_string(&path).is_ok_and(|text| text == *mark)
        {
            return Ok(());
        }
        *held = None;
        let cannot = |doing| move |error: std::io::Error| Error::store(&self.folder, doing, error);
        fs::create_dir_all(&self.folder).map_err(cannot("create the data directory"))?;
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(cannot("open the lock file"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::InUse { path: self.folder.clone() }),
            Err(TryLockError::Error(error)) => return Err(cannot("lock our copy")(error)),
        }
        // A file of the same name may have another inode by now: the mark tells it is still ours.
        let mark = format!("{} {:016x}\n", std::process::id(), fastrand::u64(..));
        file.set_len(0)
            .and_then(|()| file.write_all(mark.as_bytes()))
            .and_then(|()| file.sync_data())
            .map_err(cannot("write the lock file"))?;
        self.recover().map_err(cannot("clear up our copy"))?;
        sweep(&self.path());
        *held = Some((file, mark));
        Ok(())
    }

    /// Ends what a killed process was doing to whole copies: the new one was never read, and the old one is good
    /// as long as there is no other.
    fn recover(&self) -> std::io::Result<()> {
        remove(&self.new_path())?;
        let (path, old) = (self.path(), self.old_path());
        if old.exists() && !path.exists() { fs::rename(&old, &path) } else { remove(&old) }
    }

    fn create(&self) -> Result<(), Error> {
        let new = self.new_path();
        begin(&new)
            .and_then(|()| fs::rename(&new, self.path()))
            .map_err(|error| Error::store(&self.path(), "create our copy", error))
    }

    fn set_aside(&self, why: &str) -> Result<(), Error> {
        let path = self.path();
        if !path.exists() {
            return Ok(());
        }
        // One is enough to look into; more would fill the disk.
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with("repo.git.broken-") {
                drop(fs::remove_dir_all(entry.path()).or_else(|_| fs::remove_file(entry.path())));
            }
        }
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let aside = self.folder.join(format!("repo.git.broken-{now}"));
        tracing::warn!(url = %self.url, why, aside = %aside.display(), "our copy of the repository is damaged; making a new one");
        fs::rename(&path, &aside).map_err(|error| Error::store(&path, "set the damaged copy aside", error))
    }
}

impl Successor<'_> {
    pub(super) fn repository(&self) -> &gix::Repository {
        &self.repository
    }

    /// Takes the place of the old copy.
    pub(super) fn replace(self) -> Result<(), Error> {
        let (new, path, old) = (self.store.new_path(), self.store.path(), self.store.old_path());
        remove(&old)
            .and_then(|()| fs::rename(&path, &old))
            .and_then(|()| fs::rename(&new, &path))
            .map_err(|error| Error::store(&path, "put the new copy in place", error))?;
        // What stays of it goes at the next start.
        if let Err(error) = remove(&old) {
            tracing::warn!(path = %old.display(), %error, "the old copy cannot be removed");
        }
        Ok(())
    }
}

impl Drop for Successor<'_> {
    fn drop(&mut self) {
        // It is there only when it did not take its place.
        drop(remove(&self.store.new_path()));
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let held = self.lock.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((file, _)) = held {
            // Closing alone frees it only once no child process has inherited the file.
            drop(file.unlock());
        }
    }
}

/// Notes that large files are left out of the copy.
pub(super) fn set_partial(repository: &Path) -> std::io::Result<()> {
    fs::write(repository.join(PARTIAL), "")
}

/// Whether large files may be left out.
pub(super) fn is_partial(repository: &Path) -> bool {
    repository.join(PARTIAL).exists()
}

fn remove(folder: &Path) -> std::io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Makes an empty bare repository in place of whatever was begun there.
fn begin(path: &Path) -> std::io::Result<()> {
    remove(path)?;
    init(path)
}

/// Makes an empty bare repository.
pub(super) fn init(path: &Path) -> std::io::Result<()> {
    fs::create_dir_all(path.join("objects/pack"))?;
    fs::create_dir_all(path.join("refs/heads"))?;
    fs::write(path.join("HEAD"), "ref: refs/heads/main\n")?;
    fs::write(path.join("config"), "[core]\n\trepositoryformatversion = 0\n\tbare = true\n")
}

/// The head of a branch as we fetched it last.
pub(super) fn head(repository: &gix::Repository, branch: &str) -> Option<ObjectId> {
    let reference = repository.refs.try_find(ref_name(branch)?.as_ref()).ok()??;
    reference.target.try_id().map(ToOwned::to_owned)
}

/// Notes the head of a branch, which also says that everything below it is there.
pub(super) fn set_head(repository: &gix::Repository, branch: &str, id: ObjectId) -> Result<(), Error> {
    let path = repository.common_dir();
    let name = ref_name(branch).ok_or_else(|| Error::InvalidBranch { branch: branch.to_owned() })?;
    edit(repository, name, PreviousValue::Any, id).map_err(|error| Error::store(path, "note the head", chain(&error)))
}

/// Moves a reference, without a log of references: that would need an identity.
pub(super) fn edit(
    repository: &gix::Repository,
    name: FullName,
    expected: PreviousValue,
    id: ObjectId,
) -> Result<(), gix::Error> {
    let mut refs = repository.refs.clone();
    refs.write_reflog = gix::refs::store::WriteReflog::Disable;
    let change = Change::Update { log: LogChange::default(), expected, new: Target::Object(id) };
    let patience = gix::lock::acquire::Fail::AfterDurationWithBackoff(std::time::Duration::from_secs(2));
    refs.transaction().prepare([RefEdit::new(name, change)], patience, patience)?.commit(None)?;
    Ok(())
}

/// Opens a repository with nothing but its own configuration: no other file, no environment.
pub(super) fn open(path: &Path) -> Result<gix::Repository, gix::Error> {
    // Nothing in a repository is ever run, so that it may belong to another user.
    gix::open_opts(path, gix::open::Options::isolated().with(gix::sec::Trust::Full))
}

fn ref_name(branch: &str) -> Option<FullName> {
    FullName::try_from(format!("refs/landwaiter/heads/{branch}")).ok()
}

/// A readable name and a part that no other address has.
fn folder_name(url: &str) -> String {
    let short = url.trim_end_matches(".git");
    let tail: Vec<&str> = short.rsplit('/').take(2).collect();
    let readable: String = tail
        .iter()
        .rev()
        .flat_map(|part| part.chars().take(40).chain(['-']))
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let digest = Digest::sha256(url.as_bytes());
    format!("{}-{}", readable.trim_matches('-'), &digest.hex()[..12]).trim_start_matches('-').to_owned()
}

/// Removes what a killed process left half-written. We hold the lock, so that nobody is at it now.
fn sweep(path: &Path) {
    let is = |path: &Path, ends: &[&str]| ends.iter().any(|end| path.extension().is_some_and(|e| e == *end));
    for (folder, leftover) in [
        (path.to_owned(), &(|file: &Path| is(file, &["lock"])) as &dyn Fn(&Path) -> bool),
        (path.join("refs/landwaiter"), &|file| is(file, &["lock"])),
        (path.join("objects"), &|_| true),
        (path.join("objects/pack"), &|file| !is(file, &["pack", "idx"])),
    ] {
        let mut folders = vec![folder];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let file = entry.path();
                let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
                if is_folder && file.starts_with(path.join("refs")) {
                    folders.push(file);
                } else if !is_folder && leftover(&file) {
                    drop(fs::remove_file(&file));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::folder_name;

    #[test]
    fn a_copy_has_a_readable_place_of_its_own() {
        for (url, start) in [
            ("https://git.example.com/team/config.git", "team-config-"),
            ("https://git.example.com/a", "git-example-com-a-"),
            ("https://h/ä/ö", ""),
        ] {
            let name = folder_name(url);
            assert!(name.starts_with(start), "{name}");
            assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'), "{name}");
            assert_ne!(name, folder_name(&format!("{url}x")));
        }
        assert_ne!(folder_name("https://a/team/config"), folder_name("https://b/team/config"));
    }
}

//! The config repository and the data directory: can it be read, may we push, is there room for what we keep.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use tokio::task;

use super::report::{Report, State};
use crate::cli::Error;
use crate::cli::progress::Progress;
use crate::config::ConfigRepository;
use crate::git::{self, Mirror, PushAccess};
use crate::plan::{Inventory, Memory};
use crate::reconcile;
use crate::registry::{StoreStatus, store_status};

/// What came of the conversation with the repository.
struct Seen {
    account: Result<Option<git::Introduction>, git::Error>,
    read: Result<git::Snapshot, git::Error>,
    push: Option<Result<PushAccess, git::Error>>,
}

/// A folder that is gone when nobody needs it any more.
struct Temporary(PathBuf);

/// Checks a config repository; gives what the files of the branch ask for, if they can be read.
pub(super) async fn examine(
    repository: ConfigRepository,
    timeout: Duration,
    report: &mut Report,
    progress: &mut Progress,
) -> Result<Option<Inventory>, Error> {
    let ConfigRepository { git: options, pass: reconcile::Options { area, terms, .. }, .. } = repository;
    let about = format!("git {}", options.url);
    progress.show(&format!("reading {}", options.url));
    // The copy of a daemon stays its own; what is fetched here is gone afterwards.
    let folder = Temporary::new()?;
    let options = git::Options { data_dir: folder.0.clone(), timeout, ..options };
    let mirror = match Mirror::open(options) {
        Ok(mirror) => mirror,
        Err(error) => {
            report.add(&about, "read", State::Failed, error.to_string());
            return Ok(None);
        }
    };
    let looked = task::spawn_blocking(move || {
        let account = mirror.introduction();
        let read = mirror.fetch();
        let branch = read.as_ref().ok().map(|snapshot| snapshot.branch().to_owned());
        let push = branch.map(|branch| mirror.may_push(&branch));
        let survey = read.as_ref().ok().map(|snapshot| reconcile::survey(snapshot, &area, &mut Memory::on(terms)));
        (Seen { account, read, push }, survey)
    });
    let (Seen { account, read, push }, survey) = looked.await.map_err(reconcile::Error::from)?;
    drop(folder);
    tell_of_account(&about, account, report);
    match &read {
        Ok(snapshot) => {
            let message = format!("the branch {} is at {}", snapshot.branch(), snapshot.commit().short());
            report.add(&about, "read", State::Ok, message).with("commit", snapshot.commit().to_string());
        }
        Err(error) => {
            report.add(&about, "read", State::Failed, error.to_string());
        }
    }
    match push {
        Some(Ok(PushAccess::Granted)) => {
            let message =
                "we may write to the repository; rules for single branches show only when something is pushed";
            report.add(&about, "push", State::Ok, message.to_owned());
        }
        Some(Ok(PushAccess::Refused { reason })) => {
            report.add(&about, "push", State::Failed, reason);
        }
        Some(Err(error)) => {
            report.add(&about, "push", State::Failed, error.to_string());
        }
        None => {}
    }
    match survey {
        Some(Ok(inventory)) => Ok(Some(inventory)),
        Some(Err(error)) => {
            report.add(&about, "files", State::Failed, error.to_string());
            Ok(None)
        }
        None => Ok(None),
    }
}

/// Who we are, and until when. What is wrong with a credential that cannot be used, the fetch tells.
fn tell_of_account(about: &str, account: Result<Option<git::Introduction>, git::Error>, report: &mut Report) {
    let Ok(Some(git::Introduction { shown, until })) = account else { return };
    let now = Timestamp::now();
    match until {
        None => report.add(about, "account", State::Ok, shown),
        Some(until) if until <= now => {
            let message = format!("{shown}, which ended at {until}; renew it");
            report.add(about, "account", State::Failed, message).with("until", until.to_string())
        }
        Some(until) => {
            let message = format!("{shown}, which ends at {until}");
            report.add(about, "account", State::Ok, message).with("until", until.to_string())
        }
    };
}

pub(super) fn tell_of_data_dir(folder: &Path, report: &mut Report) {
    let about = format!("data directory {}", folder.display());
    let mend = "create it for the user that the daemon runs as, or name another one with --data-dir";
    match write_something(folder) {
        Ok(()) => report.add(&about, "write", State::Ok, "we can write to it".to_owned()),
        Err(error) => report.add(&about, "write", State::Failed, format!("we cannot write to it: {error}; {mend}")),
    };
    let file = folder.join("registry.redb");
    let (state, message) = match store_status(&file) {
        StoreStatus::Absent => (State::Ok, "nothing is known of registries yet".to_owned()),
        StoreStatus::Good { repositories, bytes } => {
            (State::Ok, format!("{repositories} repositories are known, in {} KiB", bytes.div_ceil(1024)))
        }
        StoreStatus::InUse => (State::Ok, "a daemon has it open".to_owned()),
        StoreStatus::Unusable(why) => {
            let what = "a daemon sets it aside and asks the registries anew, so that min-age counts from then";
            (State::Warning, format!("{} cannot be used: {why}; {what}", file.display()))
        }
        StoreStatus::Unreadable(why) => (State::Failed, format!("{} cannot be opened: {why}", file.display())),
    };
    report.add(&about, "store", state, message);
}

/// Whether a file can be made there. The folder itself may still have to be.
fn write_something(folder: &Path) -> std::io::Result<()> {
    let mut nearest = folder;
    while !nearest.exists() {
        nearest = match nearest.parent() {
            Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
            Some(parent) => parent,
            None => break,
        };
    }
    let file = nearest.join(format!(".landwaiter-doctor-{}", std::process::id()));
    let written = fs::write(&file, b"x");
    let removed = if written.is_ok() { fs::remove_file(&file) } else { Ok(()) };
    written.and(removed)
}

impl Temporary {
    fn new() -> Result<Self, Error> {
        let folder =
            std::env::temp_dir().join(format!("landwaiter-doctor-{}-{:016x}", std::process::id(), fastrand::u64(..)));
        let what = || format!("cannot create {}", folder.display());
        fs::create_dir(&folder).map_err(|source| Error::File { what: what(), source })?;
        Ok(Self(folder))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::debug!(folder = %self.0.display(), %error, "left behind");
        }
    }
}

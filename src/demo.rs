//! `landwaiter demo`: a registry, a config repository and the daemon, on this machine alone.
//!
//! Nothing here is staged: images are pushed into a real (small) registry, the daemon that follows
//! is the one of `landwaiter run`, and what is shown is read back from the Git repository.

mod fixtures;
pub mod registry;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpListener;

use crate::config::{self, Config, ConfigRepository};
use crate::daemon::{self, Board, Stop};
use crate::git::{self, CommitId, Identity, LoggedCommit, Mirror, RemoteUrl, Snapshot};
use crate::image::Tag;
use crate::manifest;
use crate::path::RepoPath;
use crate::plan::Change;
use crate::reconcile;
use crate::registry as registries;
use registry::Registry;

/// How often the demo's daemon asks both sides for news.
const POLL: Duration = Duration::from_secs(1);

/// How long the demo waits for the commit that follows a release.
const PATIENCE: Duration = Duration::from_secs(8);

/// How often the demo looks whether a commit has landed.
const GLANCE: Duration = Duration::from_millis(50);

/// What happens, as it happens.
#[derive(Debug)]
pub enum Event<'a> {
    /// Registry and config repository are there, and the daemon runs.
    Started {
        /// The registry's address.
        registry: &'a str,
        /// The bare config repository.
        repository: &'a Path,
        /// How many manifests it holds.
        files: usize,
    },
    /// Images were pushed into the registry.
    Released {
        /// The images, `repository:tag`.
        images: Vec<String>,
        /// Why this release is interesting.
        about: &'static str,
    },
    /// A commit of the daemon landed on the branch.
    Landed {
        /// The commit.
        commit: &'a LoggedCommit,
        /// The files before and after.
        changes: Vec<Change>,
        /// How long after the release.
        after: Duration,
    },
    /// Nothing followed a release, as its policies want it.
    Quiet,
    /// Everything has been shown.
    Finished {
        /// The bare config repository.
        repository: &'a Path,
        /// How many commits landed.
        commits: usize,
    },
}

/// Why the demo could not be held.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The registry's port, or the folder.
    #[error("cannot {what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The config repository.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// The daemon.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// The fixtures.
    #[error("the demo's own files are wrong: {0}")]
    Fixture(String),
    /// The daemon did not do its work.
    #[error("no commit followed the release of {release} within {} s; run with --log-level debug to see why", PATIENCE.as_secs())]
    NothingLanded {
        /// The images that were released.
        release: String,
    },
}

/// Runs the demo in a new folder below `folder`, tells `show` what happens, and with `keep` leaves
/// registry and daemon running until `stop`.
///
/// # Errors
/// [`Error`] when something could not be started, or the daemon did not do its work.
pub async fn run(folder: &Path, keep: bool, stop: &Stop, mut show: impl FnMut(Event<'_>)) -> Result<(), Error> {
    let folder = new_folder(folder)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(io("open a port on 127.0.0.1"))?;
    let address = listener.local_addr().map_err(io("read the registry's port"))?.to_string();
    let registry = Registry::new();

    let files = fixtures::files(&address)?;
    let images = release_what_is_deployed(&registry, &files)?;
    tracing::debug!(images, "the images of the manifests are in the registry");
    let repository = folder.join("config.git");
    let author = Identity::new("Platform Team", "platform@example.com").map_err(wrong)?;
    git::create_repository(&repository, &files, "Add the workloads of the demo", &author, Timestamp::now())?;

    let config = daemon_config(&repository, &folder)?;
    let mut branch = Branch::open(&repository, &folder)?;
    show(Event::Started { registry: &address, repository: &repository, files: files.len() });

    let story = async {
        for release in fixtures::RELEASES {
            let mut images = Vec::new();
            for (path, tag) in release.images {
                push(&registry, path, tag, Timestamp::now())?;
                images.push(format!("{path}:{tag}"));
            }
            let (since, names) = (Instant::now(), images.join(", "));
            show(Event::Released { images, about: release.about });
            match branch.next(release.patience()).await? {
                Some((commits, changes)) => {
                    for (index, commit) in commits.iter().enumerate() {
                        let changes = if index + 1 == commits.len() { changes.clone() } else { Vec::new() };
                        show(Event::Landed { commit, changes, after: since.elapsed() });
                    }
                }
                None if release.lands => return Err(Error::NothingLanded { release: names }),
                None => show(Event::Quiet),
            }
        }
        show(Event::Finished { repository: &repository, commits: branch.landed });
        if keep {
            stop.requested().await;
        }
        Ok(())
    };
    let told = async {
        let told = tokio::select! { told = story => told, () = stop.requested() => Ok(()) };
        stop.request();
        told
    };
    let (heard, asked) = (stop.clone(), stop.clone());
    let served = registry.serve(listener, async move { heard.requested().await });
    let board = Board::default();
    let daemon = daemon::serve(
        config,
        || daemon_config(&repository, &folder).map_err(|error| error.to_string()),
        &board,
        &asked,
    );
    let (ran, served, told) = tokio::join!(daemon, served, told);
    ran?;
    served.map_err(io("serve the registry"))?;
    told
}

/// The branch as somebody else sees it, who looks into the repository from time to time.
struct Branch {
    mirror: Mirror,
    seen: Snapshot,
    landed: usize,
}

impl Branch {
    fn open(repository: &Path, folder: &Path) -> Result<Self, Error> {
        let url = RemoteUrl::parse(&repository.to_string_lossy()).map_err(wrong)?;
        let mirror = Mirror::open(git::Options::new(url, folder.join("observer")))?;
        let seen = mirror.fetch()?;
        Ok(Self { mirror, seen, landed: 0 })
    }

    /// The commits that land within `patience`, oldest first, with all their changes; `None` when
    /// none does.
    async fn next(&mut self, patience: Duration) -> Result<Option<(Vec<LoggedCommit>, Vec<Change>)>, Error> {
        let since = Instant::now();
        loop {
            let head = self.mirror.fetch()?;
            if head.commit() != self.seen.commit() {
                let commits = commits_since(&head, self.seen.commit())?;
                let changes = changes(&self.seen, &head)?;
                self.seen = head;
                self.landed += commits.len();
                return Ok(Some((commits, changes)));
            }
            if since.elapsed() > patience {
                return Ok(None);
            }
            tokio::time::sleep(GLANCE).await;
        }
    }
}

fn commits_since(head: &Snapshot, seen: CommitId) -> Result<Vec<LoggedCommit>, git::Error> {
    let mut commits = head.history(100)?;
    let known = commits.iter().position(|commit| commit.id == seen).unwrap_or(commits.len());
    commits.truncate(known);
    commits.reverse();
    Ok(commits)
}

fn changes(before: &Snapshot, after: &Snapshot) -> Result<Vec<Change>, git::Error> {
    let old: BTreeMap<_, _> = before.files(&[])?.files.into_iter().map(|file| (file.path, file.blob)).collect();
    let mut changes = Vec::new();
    for file in after.files(&[])?.files {
        let Some(&blob) = old.get(&file.path).filter(|blob| **blob != file.blob) else { continue };
        let mut change = Change { path: file.path, before: Vec::new(), after: Vec::new() };
        before.read(blob, &mut change.before)?;
        after.read(file.blob, &mut change.after)?;
        changes.push(change);
    }
    Ok(changes)
}

/// Pushes each image that the manifests name, as if it had been released a day ago.
fn release_what_is_deployed(registry: &Registry, files: &[(RepoPath, Vec<u8>)]) -> Result<usize, Error> {
    let manifests = files.iter().map(|(path, bytes)| manifest::read(path, bytes, manifest::Terms::builtin()));
    let yesterday = Timestamp::now() - SignedDuration::from_hours(24);
    let mut images = 0;
    for workload in manifests.flat_map(|manifest| manifest.workloads) {
        for image in workload.containers.iter().map(|container| container.image.reference()) {
            if let Some(tag) = image.tag() {
                push(registry, image.repository().path(), tag.as_str(), yesterday)?;
                images += 1;
            }
        }
    }
    Ok(images)
}

fn push(registry: &Registry, path: &str, tag: &str, created: Timestamp) -> Result<(), Error> {
    let tag = Tag::parse(tag).map_err(wrong)?;
    registry.push_image(path, &tag, created, &BTreeMap::new());
    Ok(())
}

fn daemon_config(repository: &Path, folder: &Path) -> Result<Config, Error> {
    let url = RemoteUrl::parse(&repository.to_string_lossy()).map_err(wrong)?;
    let author = Identity::new("Landwaiter", "landwaiter@localhost").map_err(wrong)?;
    let repository = ConfigRepository {
        name: "demo".to_owned(),
        git: git::Options::new(url, folder.join("data")),
        pass: reconcile::Options {
            git_fresh_for: POLL,
            patience: Some(reconcile::Patience::default()),
            ..reconcile::Options::by(author)
        },
    };
    let registry = registries::Options { poll_interval: POLL, ..registries::Options::default() };
    Ok(Config { repositories: vec![repository], registry, files: Vec::new() })
}

fn new_folder(parent: &Path) -> Result<PathBuf, Error> {
    let stamp = Timestamp::now().strftime("%Y%m%d-%H%M%S");
    let folder = parent.join(format!("landwaiter-demo-{stamp}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(io(&format!("make the folder {}", folder.display())))?;
    Ok(folder)
}

fn io(what: &str) -> impl FnOnce(std::io::Error) -> Error {
    let what = what.to_owned();
    move |source| Error::Io { what, source }
}

fn wrong(error: impl std::fmt::Display) -> Error {
    Error::Fixture(error.to_string())
}

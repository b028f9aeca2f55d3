//! Keeps one loop running for each config repository, and changes them when the configuration changes.
//!
//! Must not know what a pass does, nor where a configuration comes from but for the files it was made of.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::{self, JoinHandle};

use super::board::{Board, Patience, Standing};
use super::stop::Stop;
use super::{FIRST_RETRY, follow, jitter};
use crate::config::{Config, ConfigRepository, Error};
use crate::reconcile::{Lookout, Reconciler};
use crate::registry;
use crate::watched::{self, Stamp};

/// How often the files are looked at that the configuration was made of.
const GLANCE: Duration = Duration::from_secs(2);

/// What a pass may take beside Git's own deadlines before it is stuck.
const SLOW_PASS: Duration = Duration::from_mins(10);

/// The shortest time without a good pass that is too long.
const SILENCE: Duration = Duration::from_mins(10);

/// The longest wait before a repository is opened again whose settings cannot be used.
const LONGEST_RETRY: Duration = Duration::from_mins(1);

/// Watches registries and config repositories as `config` says, until `stop`. When one of the files that it was
/// made of changes, or SIGHUP comes, `load` makes it anew: what is the same goes on undisturbed, and where that
/// fails the last good one stays.
///
/// # Errors
/// [`Error`] when it cannot start: the registries' settings cannot be used, or those of no config repository.
pub async fn serve(
    config: Config,
    load: impl Fn() -> Result<Config, String>,
    board: &Board,
    stop: &Stop,
) -> Result<(), Error> {
    let mut hangups = signal(SignalKind::hangup()).ok();
    let mut seen = stamps(config.files.clone()).await;
    let mut fleet = Fleet::start(config, board)?;
    loop {
        let is_asked = tokio::select! {
            () = stop.requested() => break,
            () = tokio::time::sleep(GLANCE) => false,
            () = async {
                match &mut hangups {
                    Some(hangups) => drop(hangups.recv().await),
                    None => std::future::pending().await,
                }
            } => true,
        };
        let now = stamps(fleet.config.files.clone()).await;
        if !is_asked && now == seen {
            continue;
        }
        seen = now;
        match load() {
            Err(error) => tracing::error!("{error}; the last good configuration is still in use"),
            Ok(config) if config == fleet.config => {
                if is_asked {
                    tracing::info!("the configuration says the same as before");
                }
            }
            Ok(config) => {
                fleet.change_to(config).await;
                seen = stamps(fleet.config.files.clone()).await;
            }
        }
    }
    fleet.end().await;
    Ok(())
}

struct Fleet<'b> {
    config: Config,
    lookout: Arc<Lookout>,
    loops: BTreeMap<String, Loop>,
    board: &'b Board,
}

/// The loop of one config repository.
struct Loop {
    standing: Arc<Standing>,
    stop: Stop,
    task: JoinHandle<()>,
}

impl<'b> Fleet<'b> {
    fn start(config: Config, board: &'b Board) -> Result<Self, Error> {
        let lookout = config.lookout()?;
        let mut opened: VecDeque<_> = config.repositories.iter().map(|one| one.open(&lookout)).collect();
        if opened.iter().all(Result::is_err)
            && let Some(Err(first)) = opened.pop_front()
        {
            return Err(first);
        }
        board.post(Some(Arc::clone(&lookout)));
        let mut fleet = Self { config, lookout, loops: BTreeMap::new(), board };
        for (repository, opened) in fleet.config.repositories.clone().into_iter().zip(opened) {
            fleet.follow(repository, Some(opened), None);
        }
        Ok(fleet)
    }

    /// Starts a loop, where there was one for it before as soon as that has ended.
    fn follow(
        &mut self,
        repository: ConfigRepository,
        opened: Option<Result<Reconciler, Error>>,
        before: Option<JoinHandle<()>>,
    ) {
        let (name, url, branch) = (&repository.name, repository.git.url.clone(), repository.git.branch.clone());
        tracing::info!(repository = name, %url, branch, "following");
        // A pass fetches and pushes, and waits for registries in between.
        let patience = Patience {
            pass: repository.git.timeout.saturating_mul(2).saturating_add(SLOW_PASS),
            good: repository.pass.git_fresh_for.saturating_mul(3).max(SILENCE),
        };
        let standing = Arc::new(Standing::new(name, url, branch).with_patience(patience));
        self.board.put_up(&standing);
        let (stop, name) = (Stop::default(), name.clone());
        let interval = repository.pass.git_fresh_for.min(self.config.registry_interval());
        let (lookout, heard, own) = (Arc::clone(&self.lookout), stop.clone(), Arc::clone(&standing));
        let task = task::spawn(async move {
            if let Some(before) = before {
                let _ = before.await;
            }
            let Some(reconciler) = open(&repository, &lookout, opened, &own, &heard).await else { return };
            let reconciler = Arc::new(reconciler);
            own.set_reconciler(Some(Arc::clone(&reconciler)));
            follow(&reconciler, interval, &own, &heard).await;
            own.set_reconciler(None);
        });
        self.loops.insert(name, Loop { standing, stop, task });
    }

    /// Asks a loop to stop; its task ends when what it pushes is pushed.
    fn leave(&mut self, name: &str) -> Option<JoinHandle<()>> {
        let gone = self.loops.remove(name)?;
        self.board.take_down(&gone.standing);
        gone.stop.request();
        Some(gone.task)
    }

    async fn change_to(&mut self, config: Config) {
        let is_other_client = config.registry != self.config.registry;
        if is_other_client {
            // The store has room for one, so this is tried without.
            let options = registry::Options { store: None, ..config.registry.clone() };
            if let Err(error) = registry::Client::new(options) {
                tracing::error!("{error}; the last good configuration is still in use");
                // Not again before it changes.
                self.config.files = config.files;
                return;
            }
        }
        let before = std::mem::replace(&mut self.config, config);
        let stays = |one: &ConfigRepository| !is_other_client && before.repositories.contains(one);
        let (staying, coming): (Vec<_>, Vec<_>) = self.config.repositories.iter().cloned().partition(stays);
        let is_staying = |name: &String| staying.iter().any(|one| one.name == *name);
        let names: Vec<_> = self.loops.keys().filter(|name| !is_staying(name)).cloned().collect();
        let mut ending = BTreeMap::new();
        for name in names {
            tracing::info!(repository = name, "no longer followed as it was: the configuration has changed");
            if let Some(task) = self.leave(&name) {
                ending.insert(name, task);
            }
        }
        if is_other_client {
            join_all(std::mem::take(&mut ending).into_values()).await;
            self.lookout.close(Timestamp::now()).await;
            self.board.post(None);
            match self.config.lookout() {
                Ok(lookout) => self.lookout = lookout,
                // It was tried a moment ago, so a file has just gone, or the store. SIGHUP tries again.
                Err(error) => {
                    tracing::error!(
                        "{error}; registries are asked as before the change, and what is known of them is not kept, \
                         until SIGHUP or a start comes to something better"
                    );
                    self.config.registry = before.registry;
                }
            }
            self.board.post(Some(Arc::clone(&self.lookout)));
        }
        for repository in coming {
            let before = ending.remove(&repository.name);
            self.follow(repository, None, before);
        }
    }

    async fn end(mut self) {
        let names: Vec<_> = self.loops.keys().cloned().collect();
        let ending: Vec<_> = names.iter().filter_map(|name| self.leave(name)).collect();
        join_all(ending).await;
        self.lookout.close(Timestamp::now()).await;
        self.board.post(None);
    }
}

/// Opens a repository, and again after a while where its settings cannot be used; `None` when it is to stop.
async fn open(
    repository: &ConfigRepository,
    lookout: &Arc<Lookout>,
    mut opened: Option<Result<Reconciler, Error>>,
    standing: &Standing,
    stop: &Stop,
) -> Option<Reconciler> {
    let (mut wait, mut said) = (FIRST_RETRY, String::new());
    loop {
        let error = match opened.take().unwrap_or_else(|| repository.open(lookout)) {
            Ok(reconciler) => return Some(reconciler),
            Err(error) => error.to_string(),
        };
        if said != error {
            tracing::error!(repository = repository.name, "{error}; it is tried again");
            said = error;
        }
        standing.not_open(Timestamp::now(), &said);
        tokio::select! {
            () = tokio::time::sleep(jitter(wait)) => {}
            () = stop.requested() => return None,
        }
        wait = wait.saturating_mul(2).min(LONGEST_RETRY);
    }
}

/// What tells one version of the files from the next.
async fn stamps(files: Vec<PathBuf>) -> Vec<Stamp> {
    task::spawn_blocking(move || watched::stamps(&files)).await.unwrap_or_default()
}

//! What a daemon answers by HTTP: the options for it, and the routes put together.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::net::TcpListener;

use super::Error;
use crate::config::Settings;
use crate::daemon::{Board, Stop};
use crate::git::RemoteUrl;
use crate::health;
use crate::hook::Remote;
use crate::http::{self, Hooks, Inbox, Limits, News, Watched};
use crate::metrics;
use crate::status::{self, Access};

/// How often it is looked whether others are watched than before.
const GLANCE: Duration = Duration::from_secs(2);

/// Where a daemon listens.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "HTTP")]
pub(super) struct ListenArgs {
    /// Where health, metrics, status and webhooks are served: `127.0.0.1:8089`, or `0.0.0.0:8089` for all of the
    /// network. Default: nowhere.
    #[arg(long, env = "LANDWAITER_LISTEN", value_name = "ADDRESS")]
    listen: Option<String>,

    /// A file with the token that whoever asks for the status shows; one to a line, and each counts. It is read again
    /// when it changes. Without it the status is for this machine alone.
    #[arg(long, env = "LANDWAITER_API_TOKEN", value_name = "FILE", requires = "listen")]
    api_token: Option<PathBuf>,

    /// A file with the token that whoever asks for the metrics shows, as for --api-token. Without it they are for
    /// everybody who reaches the port.
    #[arg(long, env = "LANDWAITER_METRICS_TOKEN", value_name = "FILE", requires = "listen")]
    metrics_token: Option<PathBuf>,
}

/// An open port, and who may ask there for what.
struct Port {
    listener: TcpListener,
    api: Access,
    /// Everybody, where there is none.
    metrics: Option<Access>,
}

/// An open port, and what is behind it.
pub(super) struct Door {
    port: Option<Port>,
    hooks: Hooks,
    inbox: Arc<Inbox>,
}

impl ListenArgs {
    /// Opens the port, and reads the secrets of those who may tell us something.
    pub(super) async fn open(&self, settings: &Settings) -> Result<Door, Error> {
        let inbox = Arc::new(Inbox::new(Inbox::CAPACITY));
        let hooks = Hooks::open(settings.hooks(), Arc::clone(&inbox), Limits::default());
        let hooks = hooks.map_err(|problems| settings.hook_mistakes(problems))?;
        let port = match &self.listen {
            None => None,
            Some(address) => {
                let listener = http::bind(address).await;
                let listener = listener.map_err(|error| Error::Usage(format!("--listen: {error}")))?;
                let bound = listener.local_addr().map_err(|error| Error::Usage(format!("--listen: {error}")))?;
                let api = Access::open(bound, self.api_token.as_deref());
                let api = api.map_err(|error| Error::Usage(format!("--api-token: {error}")))?;
                let metrics = self.metrics_token.as_deref().map(Access::to_metrics).transpose();
                let metrics = metrics.map_err(|error| Error::Usage(format!("--metrics-token: {error}")))?;
                Some(Port { listener, api, metrics })
            }
        };
        Ok(Door { port, hooks, inbox })
    }
}

/// Those who may tell us something, as they are now.
#[derive(Clone)]
pub(super) struct Sources(Hooks);

impl Sources {
    /// From now on those of a configuration that was read again may.
    pub(super) fn change_to(&self, settings: &Settings) -> Result<(), Error> {
        let replaced = self.0.replace(settings.hooks());
        replaced.map_err(|problems| settings.hook_mistakes(problems).into())
    }
}

impl Door {
    pub(super) fn hooks(&self) -> Sources {
        Sources(self.hooks.clone())
    }

    /// Answers, and hands on what is told, until `stop`.
    pub(super) async fn serve(&mut self, board: &Board, stop: &Stop) {
        let Some(Port { listener, api, metrics }) = self.port.take() else { return stop.requested().await };
        let limits = Limits::default();
        if let Ok(address) = listener.local_addr() {
            tracing::info!(%address, "listening");
        }
        let numbers = metrics::routes(board.clone(), Some(self.hooks.clone()));
        let numbers = if let Some(access) = metrics { access.guarding(numbers) } else { numbers };
        let routes = self.hooks.routes().merge(health::routes(board.clone())).merge(numbers);
        let routes = routes.merge(status::routes(board.clone(), api));
        let routes = http::dressed(routes, limits);
        let served = http::serve(listener, routes, limits, stop.requested());
        tokio::select! {
            () = served => {}
            () = hand_on(&self.inbox, board) => {}
            () = keep_up(&self.inbox, board) => {}
        }
    }
}

/// Hands on what was told to those who look.
async fn hand_on(inbox: &Inbox, board: &Board) {
    loop {
        let News { repositories, remotes } = inbox.next().await;
        let now = Timestamp::now();
        for repository in &repositories {
            let is_watched = board.hint_image(repository, now);
            tracing::debug!(%repository, is_watched, "somebody tells that there is news");
        }
        for remote in &remotes {
            let is_meant = |url: &RemoteUrl| Remote::parse(&url.to_string()).as_ref() == Some(remote);
            let followed = board.hint_git(is_meant);
            tracing::debug!(%remote, followed, "somebody tells that a branch has moved");
        }
    }
}

/// Tells the inbox what is watched, so that nothing else is kept in it.
async fn keep_up(inbox: &Inbox, board: &Board) {
    let mut known = None;
    loop {
        let remotes: Vec<_> = board
            .standings()
            .iter()
            .filter_map(|standing| Some((Remote::parse(&standing.url().to_string())?, standing.branch())))
            .collect();
        if let Some(lookout) = board.lookout() {
            let seen = (Arc::as_ptr(&lookout) as usize, lookout.changes(), remotes.clone());
            // Before the first pass nobody knows what will be watched, and everything is kept.
            if lookout.changes() > 0 && known.as_ref() != Some(&seen) {
                inbox.watch(Watched { repositories: HashSet::from_iter(lookout.watched()), remotes });
                known = Some(seen);
            }
        }
        tokio::time::sleep(GLANCE).await;
    }
}

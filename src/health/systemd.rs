//! What systemd is told, where it has started the daemon as `Type=notify`: that it is up, how it stands, that it
//! ends, and as long as no pass hangs that it is alive. Elsewhere nobody is told anything.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sd_notify::NotifyState;

use super::stuck;
use crate::daemon::{Board, Standing, Stop};

/// How often it is looked whether there is something else to tell, where systemd wants no word of life.
const GLANCE: Duration = Duration::from_secs(10);

/// The same while the daemon starts.
const START: Duration = Duration::from_millis(100);

/// Tells systemd how the daemon stands, until `stop`. Once a pass hangs beyond every deadline there is no more word
/// of life, so that `WatchdogSec=` restarts the daemon.
pub async fn tell_systemd(board: &Board, stop: &Stop) {
    if std::env::var_os("NOTIFY_SOCKET").is_none() {
        return;
    }
    let watchdog = sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero());
    // Twice as often as it has to be, and once more for a machine under load.
    let pause = watchdog.map_or(GLANCE, |limit| limit / 3);
    while board.standings().is_empty() {
        tokio::select! {
            () = tokio::time::sleep(START) => {}
            () = stop.requested() => return,
        }
    }
    tell(&[NotifyState::Ready]);
    let (mut told, mut has_warned) = (String::new(), false);
    loop {
        let (standings, now) = (board.standings(), Timestamp::now());
        let status = status(&standings, now);
        if status != told {
            tell(&[NotifyState::Status(&status)]);
            told = status;
        }
        let stuck = stuck(&standings, now);
        if watchdog.is_some() {
            match stuck {
                None => tell(&[NotifyState::Watchdog]),
                Some(stuck) if !has_warned => {
                    tracing::error!("{stuck}; systemd is told no more that the daemon is alive, and restarts it");
                    has_warned = true;
                }
                Some(_) => {}
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.requested() => break,
        }
    }
    tell(&[NotifyState::Stopping]);
}

/// How the daemon stands, in one line for `systemctl status`.
pub(super) fn status(standings: &[Arc<Standing>], now: Timestamp) -> String {
    let failing: Vec<_> = standings.iter().filter(|standing| standing.failing_since().is_some()).collect();
    let names = |standings: &[&Arc<Standing>]| standings.iter().map(|one| one.name()).collect::<Vec<_>>().join(", ");
    if let Some(stuck) = stuck(standings, now) {
        return stuck;
    }
    match (standings, failing.as_slice()) {
        ([], _) => "no config repository is followed".to_owned(),
        (_, []) if standings.iter().any(|standing| standing.last_good().is_none()) => "the first pass runs".to_owned(),
        ([one], []) => format!("{} is followed, and its last pass was good", one.name()),
        (all, []) => format!("{} config repositories are followed, and their last passes were good", all.len()),
        (all, failing) => format!("passes fail for {} of {}: {}", failing.len(), all.len(), names(failing)),
    }
}

/// A word that does not arrive is followed by the next one.
fn tell(words: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(words) {
        tracing::debug!("systemd was not told: {error}");
    }
}

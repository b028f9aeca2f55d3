//! What is wished of one image repository, what is known of it, and whether it is being asked. Knows no other one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use tracing::Span;

use super::state::Seat;
use crate::plan::{Finding, Watch};
use crate::registry::Pace;

/// Registries tell of a tag before it is in their list (distribution does so by milliseconds, those that are spread over
/// the world by seconds). So what somebody has told of is looked at once more in any case, and again when there was
/// nothing: so long after the look before.
const ECHOES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(10)];

/// What is known of one repository.
#[derive(Debug)]
pub(super) struct Post {
    /// What each seat wants of it; nothing where all owners are locked.
    pub(super) wanted: BTreeMap<Seat, Option<Watch>>,
    /// All of that.
    pub(super) watch: Watch,
    pub(super) pace: Pace,
    pub(super) finding: Finding,
    /// Which list the rulings are made of.
    pub(super) version: u64,
    /// Whether what is wished for has changed since.
    pub(super) is_new: bool,
    /// Whether somebody has told that there is news.
    pub(super) is_hinted: bool,
    /// How many of its echoes were planned, when somebody has told that there is news.
    echoes: Option<usize>,
    /// When the next of them is due.
    echo_at: Option<Timestamp>,
    pub(super) asked_for: Option<Asked>,
    /// When the registry last answered, and when that was last something else than what was known.
    pub(super) answered_at: Option<Instant>,
    pub(super) news_at: Option<Instant>,
}

/// A repository is being asked, or waits for that.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) now: Timestamp,
    /// What it stands under in a trace; nothing for what somebody told us to ask.
    pub(super) under: Span,
    /// The looks that wait for it.
    pub(super) awaited_by: Vec<(Seat, u64)>,
}

impl Post {
    pub(super) fn new(seat: Seat, watch: Option<Watch>) -> Self {
        let pace = if watch.is_some() { Pace::Usual } else { Pace::Rare };
        Self {
            watch: watch.clone().unwrap_or_default(),
            wanted: BTreeMap::from([(seat, watch)]),
            pace,
            finding: Finding::Asked,
            version: 0,
            is_new: pace == Pace::Usual,
            is_hinted: false,
            echoes: None,
            echo_at: None,
            asked_for: None,
            answered_at: None,
            news_at: None,
        }
    }

    /// Puts together what all seats want.
    pub(super) fn put_together(&mut self) {
        let mut watches = self.wanted.values().flatten();
        let first = watches.next().cloned();
        self.pace = if first.is_some() { Pace::Usual } else { Pace::Rare };
        let watch = watches.fold(first.unwrap_or_default(), |mut all, watch| {
            all.add_all(watch);
            all
        });
        if self.watch != watch {
            self.is_new = !is_for(&self.finding, &watch);
            self.watch = watch;
        }
    }

    /// Somebody says that there is news, and may be early. Whether it has to be put among what is to be asked.
    pub(super) fn tell(&mut self, now: Timestamp) -> bool {
        (self.echoes, self.echo_at) = (Some(0), None);
        self.hint(now)
    }

    /// Notes an answer to what was hinted at, and whether it was another one. Whether there will be an echo.
    pub(super) fn plan_echo(&mut self, is_other: bool, now: Timestamp) -> bool {
        if self.echo_at.is_some() {
            return false;
        }
        let planned = self.echoes.take().filter(|planned| !is_other || *planned == 0);
        if let Some(planned) = planned
            && let Some(wait) = ECHOES.get(planned)
        {
            (self.echoes, self.echo_at) = (Some(planned + 1), now.checked_add(*wait).ok());
        }
        self.echo_at.is_some()
    }

    /// Whether an echo is due. Then it is hinted at again.
    pub(super) fn is_echo_due(&mut self, now: Timestamp) -> bool {
        let is_due = self.echo_at.take_if(|at| *at <= now).is_some();
        self.is_hinted |= is_due;
        is_due
    }

    /// The same wish from somebody who expects nothing. Whether it has to be put among what is to be asked.
    pub(super) fn hint(&mut self, now: Timestamp) -> bool {
        self.is_hinted = true;
        let is_idle = self.asked_for.is_none();
        if is_idle {
            self.asked_for = Some(Asked { now, under: Span::none(), awaited_by: Vec::new() });
        }
        is_idle
    }

    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.until().is_some_and(|until| until <= now)
    }

    /// When it is to be asked beside its turn: an echo, or what is known comes to something else by time alone.
    pub(super) fn turn(&self) -> Option<Timestamp> {
        self.until().into_iter().chain(self.echo_at).min()
    }

    /// When what is known comes to something else by time alone.
    pub(super) fn until(&self) -> Option<Timestamp> {
        match &self.finding {
            Finding::Rulings(rulings) => rulings.until(),
            Finding::Failed(_) | Finding::Asked => None,
        }
    }
}

/// Whether the finding says something about each wish.
pub(super) fn is_for(finding: &Finding, watch: &Watch) -> bool {
    match finding {
        Finding::Rulings(rulings) => rulings.cover(watch),
        Finding::Failed(_) => true,
        Finding::Asked => false,
    }
}

/// Whether two findings say the same about what `watch` wishes for.
pub(super) fn is_same(a: &Finding, b: &Finding, watch: &Watch) -> bool {
    match (a, b) {
        (Finding::Rulings(a), Finding::Rulings(b)) => Arc::ptr_eq(a, b) || a.is_same_for(b, watch),
        // A registry in trouble words it a little differently each time.
        (Finding::Failed(_), Finding::Failed(_)) | (Finding::Asked, Finding::Asked) => true,
        _ => false,
    }
}

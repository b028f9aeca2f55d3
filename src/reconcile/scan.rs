//! What a registry has for whoever watches one of its repositories: the tags as candidates, and what they
//! come to.
//!
//! Must not know what follows from it, nor when it is asked for.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use tokio::task;
use tracing::Span;

use super::lookout::Lookout;
use crate::image::{Repository, Tag};
use crate::plan::{Findings, Rulings, Scan, Scans, Watch, Watches};
use crate::policy::{Candidate, Since};
use crate::registry::{self, Client, Listing};

/// How many repositories are scanned at a time when all their candidates are wanted.
const SCANS_AT_ONCE: usize = 16;

/// Asks for every watched repository once, and gives what its tags come to: of the tags nothing is kept.
/// One that fails is [`Failed`](crate::plan::Finding::Failed), and the others go on.
pub async fn find(registry: Client, watches: Watches, now: Timestamp) -> Findings {
    let seat = Lookout::new(registry).watcher();
    seat.look(&Arc::new(watches), &Arc::default(), now, None, &Span::none()).await;
    seat.findings()
}

/// The candidates of every watched repository, for whoever needs all of them; calls `tell` for each
/// repository that is done.
pub async fn scan(registry: &Client, watches: &Watches, mut tell: impl FnMut()) -> Scans {
    let scan = |(repository, watch): (&Repository, &Watch)| {
        let (repository, watch) = (repository.clone(), watch.clone());
        async move {
            let scan = match candidates(registry, &repository, &watch).await {
                Ok(candidates) => Scan::Complete(candidates),
                Err(error) => Scan::Failed(error.to_string()),
            };
            (repository, scan)
        }
    };
    let scans = stream::iter(watches.iter().map(scan).collect::<Vec<_>>()).buffer_unordered(SCANS_AT_ONCE);
    scans.inspect(|_| tell()).collect().await
}

/// The tags of one repository as candidates, with the created times that `watch` asks for.
///
/// # Errors
/// When the list is not to be had, or not whole.
pub async fn candidates(
    registry: &Client,
    repository: &Repository,
    watch: &Watch,
) -> Result<Vec<Candidate>, registry::Error> {
    let listing = registry.tags(repository).await?;
    Ok(dated(registry, repository, watch, listing).await?.0)
}

/// What the tags that are known come to at the time `now`.
pub(super) async fn ruled(
    registry: &Client,
    repository: &Repository,
    watch: &Watch,
    now: Timestamp,
) -> Result<Rulings, registry::Error> {
    let listing = registry.listing(repository).await?;
    let (candidates, listing) = dated(registry, repository, watch, listing).await?;
    let watch = watch.clone();
    // Deciding for many policies out of many tags takes its time, and others want to be heard meanwhile.
    let ruled = task::spawn_blocking(move || {
        let rulings = match listing.doubt() {
            None => watch.rule(&candidates, now),
            Some(doubt) => {
                let is_firm = |candidate: &&Candidate| listing.doubtful().binary_search(&candidate.tag).is_err();
                let firm: Vec<_> = candidates.iter().filter(is_firm).cloned().collect();
                watch.rule_in_doubt(&candidates, &firm, doubt, now)
            }
        };
        if listing.is_first() { rulings.without_steps_back(&candidates) } else { rulings }
    });
    Ok(ruled.await.unwrap_or_else(|broken| std::panic::resume_unwind(broken.into_panic())))
}

/// The candidates out of a list, with the created times that `watch` asks for.
async fn dated(
    registry: &Client,
    repository: &Repository,
    watch: &Watch,
    listing: Listing,
) -> Result<(Vec<Candidate>, Listing), registry::Error> {
    let pushed = registry.pushed(repository, &watch.wants_age(listing.tags())).await;
    let mut wanted = watch.wants_created(listing.tags());
    if registry.trusts_created() {
        let known: HashSet<_> = wanted.iter().cloned().collect();
        let aged = watch.wants_age(&of_first_list(&listing)).into_iter();
        wanted.extend(aged.filter(|tag| !known.contains(tag) && !pushed.contains_key(tag)));
    }
    let created: HashMap<_, _> = registry.created(repository, &wanted).await?.into_iter().collect();
    // A tag whose manifest went away after the list was made is no candidate any more.
    let gone: HashSet<_> = wanted.into_iter().filter(|tag| !created.contains_key(tag)).collect();
    let candidate = |(tag, first_seen): (&Tag, Timestamp)| {
        let created = created.get(tag).copied().flatten();
        let pushed = pushed.get(tag).copied();
        Candidate { tag: tag.clone(), created, since: since(registry, &listing, first_seen, pushed, created) }
    };
    let candidates = listing.first_seen().filter(|(tag, _)| !gone.contains(*tag)).map(candidate).collect();
    Ok((candidates, listing))
}

/// The tags of a list as candidates, with the times that are known already.
pub(super) async fn known(registry: &Client, repository: &Repository, listing: &Listing) -> Vec<Candidate> {
    let dates = registry.known_dates(repository).await;
    let candidate = |(tag, first_seen): (&Tag, Timestamp)| {
        let (created, pushed) = dates.get(tag).copied().unwrap_or_default();
        Candidate { tag: tag.clone(), created, since: since(registry, listing, first_seen, pushed, created) }
    };
    listing.first_seen().map(candidate).collect()
}

/// Since when a tag is there.
fn since(
    registry: &Client,
    listing: &Listing,
    first_seen: Timestamp,
    pushed: Option<Timestamp>,
    created: Option<Timestamp>,
) -> Option<Since> {
    if registry.trusts_created() && first_seen <= listing.since() {
        Since::before_first_look(Some(first_seen), pushed, created)
    } else {
        Since::of(Some(first_seen), pushed)
    }
}

/// The tags that were there when the repository was first listed, which may be much older than that.
fn of_first_list(listing: &Listing) -> Vec<Tag> {
    let early = listing.first_seen().filter(|(_, first_seen)| *first_seen <= listing.since());
    early.map(|(tag, _)| tag.clone()).collect()
}

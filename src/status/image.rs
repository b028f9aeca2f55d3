//! What is known of one image, and what each policy that follows it makes of its tags. Asks no registry.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use tokio::task;

use super::answer::{Candidate, Decision, Explanation, Follower, Image, Tag, Verdict};
use crate::daemon::Board;
use crate::image::{self, Repository};
use crate::policy::{self, Policy};
use crate::reconcile::Known;
use crate::registry::Listing;

/// How many policies are explained at once.
const MOST_EXPLAINED: usize = 20;

/// How much is wanted.
#[derive(Debug)]
pub(super) struct Scope {
    /// Only workloads with this in their name are explained.
    pub(super) workload: Option<String>,
    /// Only containers of this name are.
    pub(super) container: Option<String>,
    /// How many tags are told.
    pub(super) limit: usize,
}

/// What is to be explained, and for whom.
struct Wish {
    policy: Policy,
    current: Option<image::Tag>,
    followers: Vec<Follower>,
}

/// What is known of an image; `None` when nobody follows it.
pub(super) async fn gather(board: &Board, repository: &Repository, scope: Scope, now: Timestamp) -> Option<Image> {
    let known = board.lookout()?.known(repository, now).await?;
    let wishes = wishes(board, repository, &scope);
    let name = repository.to_string();
    // There may be many tags, and each is judged by each policy.
    let told = task::spawn_blocking(move || tell(name, known, &wishes, scope.limit, now)).await;
    Some(told.unwrap_or_else(|broken| std::panic::resume_unwind(broken.into_panic())))
}

fn wishes(board: &Board, repository: &Repository, scope: &Scope) -> Vec<Wish> {
    let mut wishes: Vec<Wish> = Vec::new();
    let mut places: HashMap<(String, Option<image::Tag>), usize> = HashMap::new();
    for standing in board.standings() {
        let Some((_, report)) = standing.report() else { continue };
        for entry in &report.plan.entries {
            let Some(policy) = entry.policy.as_ref().filter(|_| entry.image.repository() == repository) else {
                continue;
            };
            let is_meant = scope.workload.as_ref().is_none_or(|part| entry.workload.contains(part))
                && scope.container.as_ref().is_none_or(|name| entry.container == *name);
            if !is_meant {
                continue;
            }
            let current = entry.image.tag().cloned();
            let place = *places.entry((policy.to_string(), current.clone())).or_insert_with(|| {
                wishes.push(Wish { policy: policy.clone(), current, followers: Vec::new() });
                wishes.len() - 1
            });
            wishes[place].followers.push(Follower {
                repository: standing.name().to_owned(),
                workload: entry.workload.clone(),
                container: entry.container.clone(),
            });
        }
    }
    wishes
}

fn tell(image: String, known: Known, wishes: &[Wish], limit: usize, now: Timestamp) -> Image {
    let Known { listing, candidates, failure, is_asked, due } = known;
    let created: HashMap<_, _> = candidates.iter().map(|candidate| (&candidate.tag, candidate.created)).collect();
    let doubtful: HashSet<_> = listing.iter().flat_map(Listing::doubtful).collect();
    let mut tags: Vec<_> = listing.iter().flat_map(Listing::first_seen).collect();
    tags.sort_by_key(|&(tag, first_seen)| Reverse((first_seen, tag)));
    let tags_in_all = tags.len();
    let tags = tags.into_iter().take(limit).map(|(tag, first_seen)| Tag {
        tag: tag.as_str().to_owned(),
        first_seen,
        created: created.get(tag).copied().flatten(),
        is_doubtful: doubtful.contains(tag),
    });
    let tags = tags.collect();
    let explain = |wish: &Wish| explanation(wish, &candidates, limit, now);
    let is_listed = listing.is_some();
    Image {
        image,
        is_asked,
        next_look: due,
        error: failure,
        doubt: listing.as_ref().and_then(|listing| listing.doubt().map(str::to_owned)),
        tags_in_all,
        tags,
        explanations_in_all: wishes.len(),
        // Without a list nothing is decided.
        explanations: wishes.iter().filter(|_| is_listed).take(MOST_EXPLAINED).map(explain).collect(),
    }
}

fn explanation(wish: &Wish, candidates: &[policy::Candidate], limit: usize, now: Timestamp) -> Explanation {
    let explanation = policy::explain(&wish.policy, wish.current.as_ref(), candidates, now);
    let decision = match &explanation.ruling.decision {
        policy::Decision::Update(choice) => Decision {
            kind: Verdict::Update,
            tag: Some(choice.tag.as_str().to_owned()),
            hold: None,
            reason: choice.reason.clone(),
        },
        policy::Decision::Hold(hold) => {
            Decision { kind: Verdict::Hold, tag: None, hold: Some(hold.name().to_owned()), reason: hold.to_string() }
        }
    };
    let judged = explanation.judged.iter().take(limit).map(|judged| Candidate {
        tag: judged.tag.as_str().to_owned(),
        created: judged.created,
        verdict: judged.judgement.name().to_owned(),
        reason: judged.judgement.to_string(),
    });
    Explanation {
        policy: wish.policy.to_string(),
        current: wish.current.as_ref().map(|tag| tag.as_str().to_owned()),
        containers: wish.followers.clone(),
        decision,
        candidates_in_all: explanation.judged.len(),
        candidates: judged.collect(),
    }
}

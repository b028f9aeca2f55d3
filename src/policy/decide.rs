//! The decision: a policy, the tag that stands in Git and the tags there are give an update or a hold.
//!
//! Knows nothing of where tags come from. The rules are in the [module above](super).

mod hold;

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::Policy;
use super::gate::Since;
use super::order::{By, Direction};
use super::rule::{Contender, Rejection, Rule, Waiting};
use crate::image::Tag;

pub use hold::Hold;

/// A tag of the repository.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Candidate {
    /// The tag.
    pub tag: Tag,
    /// When the image was built, as far as that is known. Only the order `newest` asks for it.
    pub created: Option<Timestamp>,
    /// Since when the tag is there, as far as that is known. Only a `min-age` asks for it.
    pub since: Option<Since>,
}

/// A decision and the numbers behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// What to do.
    pub decision: Decision,
    /// How many tags are in the running. Repetitions count once.
    pub matched: usize,
    /// How many tags there are.
    pub of: usize,
    /// When it may come out otherwise by time alone, since a tag is old enough then.
    pub until: Option<Timestamp>,
}

/// What to do with a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Write this tag.
    Update(Choice),
    /// Change nothing.
    Hold(Hold),
}

/// The tag to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The tag, as the registry spells it.
    pub tag: Tag,
    /// When it was built, as far as that is known.
    pub created: Option<Timestamp>,
    /// Why it is this one, as a part of a sentence: "highest version of 4 matching tags".
    pub reason: String,
}

/// Decides: the best tag in the running, or why nothing changes. Looks at each tag once. The time `now`
/// counts for a `min-age` alone.
#[must_use]
pub fn decide(policy: &Policy, current: Option<&Tag>, candidates: &[Candidate], now: Timestamp) -> Ruling {
    let distinct = distinct(candidates);
    let mut rule = match Rule::new(policy, current, now) {
        Ok(rule) => rule,
        Err(hold) => return Ruling::unjudged(hold, distinct.len()),
    };
    let mut count = Count::default();
    let mut best: Option<Contender<'_>> = None;
    let mut young = Vec::new();
    for &candidate in &distinct {
        match rule.judge(candidate) {
            Ok(contender) => {
                count.matched += 1;
                if best.as_ref().is_none_or(|best| rule.compare(&contender, best).is_gt()) {
                    best = Some(contender);
                }
            }
            Err(Rejection::TooYoung(why)) => {
                count.waits = true;
                young.push(rule.waiting(candidate, why));
            }
            Err(rejection) => count.reject(&candidate.tag, &rejection),
        }
    }
    rule.rule(&distinct, &count, best.as_ref(), &young)
}

/// Each tag once; of a repeated one that with the latest known created time, or else that which waits longest.
pub(super) fn distinct(candidates: &[Candidate]) -> Vec<&Candidate> {
    if candidates.is_sorted_by(|a, b| a.tag < b.tag) {
        return candidates.iter().collect();
    }
    let mut seen: HashMap<&Tag, usize> = HashMap::with_capacity(candidates.len());
    let mut distinct: Vec<&Candidate> = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        match seen.entry(&candidate.tag) {
            Entry::Vacant(place) => {
                place.insert(distinct.len());
                distinct.push(candidate);
            }
            Entry::Occupied(place) => {
                let kept = &mut distinct[*place.get()];
                if age(candidate) > age(kept) {
                    *kept = candidate;
                }
            }
        }
    }
    distinct
}

fn age(candidate: &Candidate) -> (Option<Timestamp>, bool, Option<Since>) {
    (candidate.created, candidate.since.is_none(), candidate.since)
}

/// How the tags fared.
#[derive(Debug, Default)]
pub(super) struct Count {
    pub(super) matched: usize,
    /// Whether there are tags that are not old enough.
    pub(super) waits: bool,
    rejected: BTreeMap<&'static str, usize>,
    missing: usize,
    missing_first: Vec<Tag>,
}

impl Count {
    pub(super) fn reject(&mut self, tag: &Tag, rejection: &Rejection) {
        *self.rejected.entry(rejection.several()).or_default() += 1;
        if *rejection == Rejection::NoCreated {
            self.missing += 1;
            let place = self.missing_first.partition_point(|first| first < tag);
            if place < 3 {
                self.missing_first.insert(place, tag.clone());
                self.missing_first.truncate(3);
            }
        }
    }

    /// The reasons, the most frequent first.
    fn reasons(&self) -> String {
        let mut reasons: Vec<(&str, usize)> = self.rejected.iter().map(|(why, count)| (*why, *count)).collect();
        reasons.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        reasons.iter().map(|(why, count)| format!("{count} {why}")).collect::<Vec<_>>().join(", ")
    }
}

impl Ruling {
    /// The policy has no meaning for the current tag.
    pub(super) fn unjudged(hold: Hold, of: usize) -> Self {
        Self { decision: Decision::Hold(hold), matched: 0, of, until: None }
    }
}

impl Rule<'_> {
    /// The ruling, when all tags are judged. `young` are those that would be in the running if they were
    /// old enough.
    pub(super) fn rule(
        &mut self,
        distinct: &[&Candidate],
        count: &Count,
        best: Option<&Contender<'_>>,
        young: &[Waiting<'_>],
    ) -> Ruling {
        let (matched, of) = (count.matched + count.missing, distinct.len());
        let decision = self.decision(distinct, count, best);
        let is_better = |waiting: &&Waiting<'_>| match (&waiting.contender, best) {
            (Some(young), Some(best)) => self.compare(young, best).is_gt(),
            _ => true,
        };
        let better: Vec<&Waiting<'_>> = young.iter().filter(is_better).collect();
        let ready = |waiting: &mut dyn Iterator<Item = &&Waiting<'_>>| waiting.filter_map(|one| one.why.ready).min();
        let Some(first) = better.iter().max_by(|a, b| self.compare_waiting(a, b)) else {
            return Ruling { decision, matched, of, until: None };
        };
        // Not even if it were old enough; then none of them is worth to wait for.
        if let Some(contender) = first.contender.as_ref().filter(|_| count.missing == 0)
            && let hold @ Decision::Hold(_) = self.decision(distinct, count, Some(contender))
        {
            let until = ready(&mut better.iter().filter(|waiting| waiting.contender.is_none()));
            return Ruling { decision: hold, matched, of, until };
        }
        let until = ready(&mut better.iter());
        let (tag, why) = (&first.candidate.tag, first.why);
        let decision = match decision {
            Decision::Update(choice) => {
                let reason = format!("{}; `{tag}` {why}", choice.reason);
                Decision::Update(Choice { reason, ..choice })
            }
            Decision::Hold(Hold::UpToDate { .. } | Hold::OnlyOlder { .. }) if first.contender.is_none() => decision,
            Decision::Hold(Hold::UpToDate { .. } | Hold::OnlyOlder { .. } | Hold::NoMatch { .. }) => {
                Decision::Hold(Hold::TooYoung { best: tag.clone(), why, others: young.len() - 1 })
            }
            Decision::Hold(_) => decision,
        };
        Ruling { decision, matched, of, until }
    }

    fn decision(&mut self, distinct: &[&Candidate], count: &Count, best: Option<&Contender<'_>>) -> Decision {
        if distinct.is_empty() {
            return Decision::Hold(Hold::NoTags);
        }
        if count.missing > 0 {
            let tags = count.missing_first.clone();
            return Decision::Hold(Hold::MissingCreated { tags, missing: count.missing });
        }
        let Some(best) = best else {
            let (policy, of) = (self.policy().to_string(), distinct.len());
            return Decision::Hold(Hold::NoMatch { policy, of, why: count.reasons() });
        };
        let tag = &best.candidate.tag;
        let current = self.current();
        if let Some(current) = current.filter(|current| *current == tag) {
            return Decision::Hold(Hold::UpToDate { current: current.clone(), matched: count.matched });
        }
        if !self.policy().allow_downgrade()
            && let Err(hold) = self.guard(distinct, count, best)
        {
            return Decision::Hold(hold);
        }
        let created = best.candidate.created;
        let mut reason = self.reason(count, created);
        if let Some(current) = current.filter(|_| self.order().by != By::Newest)
            && self.key(current, None).is_err()
        {
            reason = format!("{reason}; the current tag `{current}` has nothing to compare");
        }
        Decision::Update(Choice { tag: tag.clone(), created, reason })
    }

    /// Never backwards: holds when the best tag is older than the current one, or may be.
    fn guard(&mut self, distinct: &[&Candidate], count: &Count, best: &Contender<'_>) -> Result<(), Hold> {
        let newest = self.order().by == By::Newest;
        let unknown = |current: Option<&Tag>| Hold::CurrentUnknown {
            current: current.cloned(),
            best: best.candidate.tag.clone(),
        };
        let Some(current) = self.current() else {
            return if newest { Err(unknown(None)) } else { Ok(()) };
        };
        let created = distinct.iter().find(|candidate| candidate.tag == *current).and_then(|listed| listed.created);
        match self.key(current, created) {
            Ok(key) if self.newer((&best.key, &best.candidate.tag), (&key, current)).is_lt() => Err(Hold::OnlyOlder {
                best: best.candidate.tag.clone(),
                current: current.clone(),
                matched: count.matched,
            }),
            Err(_) if newest => Err(unknown(Some(current))),
            _ => Ok(()),
        }
    }

    fn reason(&self, count: &Count, created: Option<Timestamp>) -> String {
        let (order, matched) = (self.order(), count.matched);
        let mut reason = if matched == 1 {
            "the only matching tag".to_owned()
        } else {
            let best = match (order.by, order.direction) {
                (By::Semver, Direction::Ascending) => "highest version",
                (By::Semver, Direction::Descending) => "lowest version",
                (By::Newest, Direction::Ascending) => "newest",
                (By::Newest, Direction::Descending) => "oldest",
                (By::Numeric, Direction::Ascending) => "highest number",
                (By::Numeric, Direction::Descending) => "lowest number",
                (By::Natural | By::Alphabetical, Direction::Ascending) => "last by name",
                (By::Natural | By::Alphabetical, Direction::Descending) => "first by name",
            };
            format!("{best} of {matched} matching tags")
        };
        if count.waits {
            reason += if matched == 1 { " that is old enough" } else { " that are old enough" };
        }
        match created.filter(|_| order.by == By::Newest) {
            Some(created) => format!("{reason} (created {created:.0})"),
            None => reason,
        }
    }
}

#[cfg(test)]
mod tests;

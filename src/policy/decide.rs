//! The decision: a policy, the tag that stands in Git and the tags there are give an update or a hold.
//!
//! Knows nothing of where tags come from. The rules are in the [module above](super).

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::fmt;

use jiff::Timestamp;

use super::gate::{Since, TooYoung};
use super::order::{By, Direction};
use super::rule::{Contender, Rejection, Rule, Waiting};
use super::{Policy, Within};
use crate::image::Tag;

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

/// Why nothing changes. [`Display`](fmt::Display) is one sentence, with what can be done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    /// The current tag is the best one.
    UpToDate {
        /// The current tag.
        current: Tag,
        /// How many tags are in the running.
        matched: usize,
    },
    /// The repository has no tags.
    NoTags,
    /// No tag is in the running.
    NoMatch {
        /// The policy.
        policy: String,
        /// How many tags there are.
        of: usize,
        /// How many were rejected for which reason: "12 do not match, 3 excluded".
        why: String,
    },
    /// Every tag in the running is older than the current one.
    OnlyOlder {
        /// The best of them.
        best: Tag,
        /// The current tag.
        current: Tag,
        /// How many are in the running.
        matched: usize,
    },
    /// The created time decides, and it is not known for some tags in the running.
    MissingCreated {
        /// The first few of them, in the order of their bytes.
        tags: Vec<Tag>,
        /// How many they are.
        missing: usize,
    },
    /// The created time decides, and that of the current tag is not known.
    CurrentUnknown {
        /// The current tag; `None` for an image without one.
        current: Option<Tag>,
        /// The best tag in the running, which may be older or newer.
        best: Tag,
    },
    /// The best tag is not there for long enough, and no other one would be an update.
    TooYoung {
        /// The best tag.
        best: Tag,
        /// Why it has to wait.
        why: TooYoung,
        /// How many other tags in the running wait as well.
        others: usize,
    },
    /// No pattern is stated, and the current tag does not say what belongs to it.
    NoFamily {
        /// The current tag; `None` for an image without one.
        current: Option<Tag>,
    },
    /// The update is to stay near the current version, and the current tag is none.
    NoVersion {
        /// The current tag; `None` for an image without one.
        current: Option<Tag>,
        /// How far it may go.
        within: Within,
    },
}

impl Hold {
    /// The name for machines: `up-to-date`, `no-tags`, `no-match`, `only-older`, `missing-created`,
    /// `current-unknown`, `too-young`, `no-family`, `no-version`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::UpToDate { .. } => "up-to-date",
            Self::NoTags => "no-tags",
            Self::NoMatch { .. } => "no-match",
            Self::OnlyOlder { .. } => "only-older",
            Self::MissingCreated { .. } => "missing-created",
            Self::CurrentUnknown { .. } => "current-unknown",
            Self::TooYoung { .. } => "too-young",
            Self::NoFamily { .. } => "no-family",
            Self::NoVersion { .. } => "no-version",
        }
    }

    /// Every name that [`name`](Self::name) can give.
    pub(super) const NAMES: [&'static str; 9] = [
        "up-to-date",
        "no-tags",
        "no-match",
        "only-older",
        "missing-created",
        "current-unknown",
        "too-young",
        "no-family",
        "no-version",
    ];
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UpToDate { current, matched: 1 } => write!(f, "`{current}` is the only matching tag"),
            Self::UpToDate { current, matched } => write!(f, "`{current}` is the best of {matched} matching tags"),
            Self::NoTags => f.write_str("the repository has no tags; check the name of the image"),
            Self::NoMatch { policy, of, why } => {
                let tags = if *of == 1 { "tag" } else { "tags" };
                write!(f, "`{policy}` fits none of {of} {tags} ({why}); change the policy, or wait for a tag that fits")
            }
            Self::OnlyOlder { best, current, matched } => {
                match matched {
                    1 => write!(f, "the only matching tag, `{best}`, is older than the current `{current}`")?,
                    _ => write!(f, "the best of {matched} matching tags, `{best}`, is older than the current `{current}`")?,
                }
                f.write_str("; to go back to it set allow-downgrade: \"true\"")
            }
            Self::MissingCreated { tags, missing } => {
                let named: Vec<String> = tags.iter().map(|tag| format!("`{tag}`")).collect();
                let more = if *missing > tags.len() { ", …" } else { "" };
                let tag = if *missing == 1 { "1 matching tag" } else { &format!("{missing} matching tags") };
                write!(
                    f,
                    "the created time of {tag} is not known ({}{more}), so the newest cannot be told; set an order \
                     that the tags can say (semver, numeric, natural or alphabetical), or exclude them",
                    named.join(", "),
                )
            }
            Self::CurrentUnknown { current, best } => {
                match current {
                    Some(tag) => write!(f, "the created time of the current `{tag}` is not known")?,
                    None => f.write_str("the image has no tag now, so its created time is not known")?,
                }
                write!(
                    f,
                    ", and `{best}` may be older; set allow-downgrade: \"true\" to take it, or write a matching tag by hand"
                )
            }
            Self::TooYoung { best, why, others } => {
                write!(f, "`{best}` {why}")?;
                match others {
                    0 => Ok(()),
                    1 => f.write_str(" (1 other tag waits as well)"),
                    _ => write!(f, " ({others} other tags wait as well)"),
                }
            }
            Self::NoFamily { current: Some(tag) } => write!(
                f,
                "no pattern is stated, and `{tag}` does not say which tags belong to it; state one, such as semver:*"
            ),
            Self::NoFamily { current: None } => f.write_str(
                "no pattern is stated, and the image has no tag that says which ones are meant; state one, such as semver:*",
            ),
            Self::NoVersion { current, within } => {
                match current {
                    Some(tag) => write!(f, "the current `{tag}` is no version")?,
                    None => f.write_str("the image has no tag now")?,
                }
                match within {
                    Within::Any => f.write_str(", so it cannot be told which one comes next")?,
                    Within::Major | Within::Minor => write!(f, ", so nothing is within its {within} version")?,
                }
                f.write_str("; write a version by hand first")
            }
        }
    }
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

//! The same decision, with the reason for every tag. Knows nothing that [`decide`](super::decide())
//! does not know.

use std::cmp::Ordering;
use std::fmt;

use jiff::Timestamp;

use super::Policy;
use super::decide::{Candidate, Count, Decision, Ruling, distinct};
use super::gate::Since;
use super::order::natural;
use super::rule::{Contender, Rejection, Rule};
use crate::image::Tag;

/// A ruling and the judgement of every tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What [`decide`](super::decide()) says.
    pub ruling: Ruling,
    /// Every tag once: those in the running first, the best one at the top, then the rejected ones in
    /// natural order, the greatest first.
    pub judged: Vec<Judged>,
}

/// A tag and what was made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The tag.
    pub tag: Tag,
    /// When it was built, as far as that is known.
    pub created: Option<Timestamp>,
    /// Since when it is there, as far as that is known.
    pub since: Option<Since>,
    /// What was made of it.
    pub judgement: Judgement,
}

/// What was made of a tag. [`Display`](fmt::Display) is the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// It is the one to write.
    Selected {
        /// Why it is this one.
        reason: String,
    },
    /// It is in the running, and another one is better or the decision is to hold.
    Accepted {
        /// The best tag, if that is another one.
        behind: Option<Tag>,
        /// Whether this one stands in Git.
        current: bool,
    },
    /// It is not in the running.
    Rejected(Rejection),
}

/// Decides as [`decide`](super::decide()) does, and tells for every tag why.
#[must_use]
pub fn explain(policy: &Policy, current: Option<&Tag>, candidates: &[Candidate], now: Timestamp) -> Explanation {
    let distinct = distinct(candidates);
    let mut rule = match Rule::new(policy, current, now) {
        Ok(rule) => rule,
        Err(hold) => {
            let ruling = Ruling::unjudged(hold, distinct.len());
            let mut judged: Vec<Judged> = distinct.iter().map(|tag| rejected(tag, Rejection::NotJudged)).collect();
            judged.sort_by(greatest_first);
            return Explanation { ruling, judged };
        }
    };
    let mut count = Count::default();
    let mut running: Vec<Contender<'_>> = Vec::new();
    let (mut out, mut young) = (Vec::new(), Vec::new());
    for &candidate in &distinct {
        match rule.judge(candidate) {
            Ok(contender) => {
                count.matched += 1;
                running.push(contender);
            }
            Err(rejection) => {
                if let Rejection::TooYoung(why) = rejection {
                    count.waits = true;
                    young.push(rule.waiting(candidate, why));
                } else {
                    count.reject(&candidate.tag, &rejection);
                }
                out.push(rejected(candidate, rejection));
            }
        }
    }
    running.sort_by(|a, b| rule.compare(b, a));
    out.sort_by(greatest_first);
    let ruling = rule.rule(&distinct, &count, running.first(), &young);
    let best = running.first().map(|best| best.candidate.tag.clone());
    let mut judged: Vec<Judged> = running
        .iter()
        .map(|contender| {
            let Candidate { tag, created, since } = contender.candidate.clone();
            let judgement = match &ruling.decision {
                Decision::Update(choice) if choice.tag == tag => Judgement::Selected { reason: choice.reason.clone() },
                _ => Judgement::Accepted {
                    behind: best.clone().filter(|best| *best != tag),
                    current: current == Some(&tag),
                },
            };
            Judged { tag, created, since, judgement }
        })
        .collect();
    judged.append(&mut out);
    Explanation { ruling, judged }
}

fn rejected(candidate: &Candidate, rejection: Rejection) -> Judged {
    let Candidate { tag, created, since } = candidate.clone();
    Judged { tag, created, since, judgement: Judgement::Rejected(rejection) }
}

fn greatest_first(a: &Judged, b: &Judged) -> Ordering {
    natural(b.tag.as_str(), a.tag.as_str())
}

impl Judgement {
    /// The name for machines: `selected`, `accepted`, `rejected`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Selected { .. } => "selected",
            Self::Accepted { .. } => "accepted",
            Self::Rejected(_) => "rejected",
        }
    }
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Selected { reason } => f.write_str(reason),
            Self::Accepted { behind: Some(best), current: false } => write!(f, "matches; `{best}` is better"),
            Self::Accepted { behind: Some(best), current: true } => {
                write!(f, "matches, and is the current tag; `{best}` is better")
            }
            Self::Accepted { behind: None, current: true } => f.write_str("the best match, and the current tag"),
            Self::Accepted { behind: None, current: false } => f.write_str("the best match, and not taken"),
            Self::Rejected(rejection) => rejection.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests;

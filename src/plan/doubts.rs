//! What the tags that there are say of what is asked for: policies that fit nothing, tags that are not
//! there.
//!
//! Decides nothing, and must not know where the tags come from. A repository that nobody looked up says
//! nothing.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::inventory::{Inventory, Scan, Scans};
use crate::image::{Repository, Tag};
use crate::manifest::{Place, Problem, Rule, Severity};
use crate::policy::{self, Candidate, Decision, Explanation, Hold, Judgement, Policy, Rejection};

/// How many tags are compared with one that is looked for.
const MOST_COMPARED: usize = 10_000;

/// What is doubtful about the images that are to follow a policy at the time `now`, with the tags of
/// `scans`. Where there are none, what the tag in Git says by itself.
#[must_use]
pub fn doubts(inventory: &Inventory, scans: &Scans, now: Timestamp) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut tags: HashMap<&Repository, HashSet<&Tag>> = HashMap::new();
    let mut unlisted: HashSet<&Repository> = HashSet::new();
    // A fleet says the same of many containers.
    let mut judged: HashMap<(&Repository, Option<&Tag>, String), Vec<Doubt>> = HashMap::new();
    for workload in inventory.workloads() {
        for container in &workload.containers {
            let image = container.image.reference();
            let Some(policy) = inventory.policy_for(workload, container, now) else { continue };
            if image.digest().is_some() {
                continue;
            }
            let (repository, current) = (image.repository(), image.tag());
            let place = container.image.place();
            let candidates = match scans.get(repository) {
                Some(Scan::Complete(candidates)) if !candidates.is_empty() => Some(candidates.as_slice()),
                Some(Scan::Complete(_)) => {
                    let said = format!("the registry lists no tags for `{repository}`");
                    let mend = "check the name of the image";
                    problems.extend(unlisted.insert(repository).then(|| unlisted_repository(said, mend).at(place)));
                    None
                }
                Some(Scan::Failed(reason)) => {
                    // The reason begins with the repository, and says how to mend it.
                    let reason = reason.strip_prefix(&format!("{repository}: ")).unwrap_or(reason);
                    let said = format!("the tags of `{repository}` cannot be listed: {reason}");
                    problems.extend(unlisted.insert(repository).then(|| unlisted_repository(said, "").at(place)));
                    None
                }
                None => None,
            };
            let shown = format!("{:?} {policy}", policy.pattern().dialect());
            let said = judged.entry((repository, current, shown)).or_insert_with(|| {
                let there = candidates.map(|candidates| Tags {
                    repository,
                    candidates,
                    names: tags
                        .entry(repository)
                        .or_insert_with(|| candidates.iter().map(|candidate| &candidate.tag).collect()),
                });
                judge(policy, current, there.as_ref(), now)
            });
            problems.extend(said.iter().map(|doubt| doubt.at(place)));
        }
    }
    problems
}

/// The tags of a repository.
struct Tags<'s, 'n> {
    repository: &'s Repository,
    candidates: &'s [Candidate],
    names: &'n HashSet<&'s Tag>,
}

/// A problem without a place.
struct Doubt {
    rule: Rule,
    severity: Severity,
    message: String,
    mend: String,
}

impl Doubt {
    fn at(&self, place: &Place) -> Problem {
        Problem::new(self.rule, self.severity, place.clone(), self.message.clone(), self.mend.clone())
    }
}

fn unlisted_repository(message: String, mend: &str) -> Doubt {
    Doubt { rule: Rule::UnlistedRepository, severity: Severity::Warning, message, mend: mend.to_owned() }
}

fn judge(policy: &Policy, current: Option<&Tag>, tags: Option<&Tags<'_, '_>>, now: Timestamp) -> Vec<Doubt> {
    let explanation = policy::explain(policy, current, tags.map_or(&[], |tags| tags.candidates), now);
    if let Decision::Hold(hold @ (Hold::NoFamily { .. } | Hold::NoVersion { .. })) = &explanation.ruling.decision {
        let (message, mend) = split(hold.to_string());
        return vec![Doubt { rule: Rule::UnclearTag, severity: Severity::Error, message, mend }];
    }
    let Some(tags) = tags else { return Vec::new() };
    let mut doubts = Vec::new();
    if let Some(current) = current.filter(|current| !tags.names.contains(current)) {
        doubts.push(missing_tag(current, tags));
    }
    if let Decision::Hold(Hold::NoMatch { of, why, .. }) = &explanation.ruling.decision {
        doubts.push(no_match(policy, current, &explanation, &format!("{} ({why})", of_tags(*of, tags.repository))));
    } else if let Some(doubt) = current.and_then(|current| not_admitted(policy, current, &explanation)) {
        doubts.push(doubt);
    }
    doubts
}

fn missing_tag(current: &Tag, tags: &Tags<'_, '_>) -> Doubt {
    let names = tags.candidates.iter().map(|candidate| candidate.tag.as_str());
    let mend = match nearest(current.as_str(), names).filter(|(distance, _)| *distance <= 2) {
        Some((_, meant)) => format!("did you mean `{meant}`?"),
        None => "write one that is there, or let the policy choose".to_owned(),
    };
    let message = format!("there is no tag `{current}` among the {}", of_tags(tags.candidates.len(), tags.repository));
    Doubt { rule: Rule::MissingTag, severity: Severity::Warning, message, mend }
}

/// The policy fits nothing, or all that it fits is excluded.
fn no_match(policy: &Policy, current: Option<&Tag>, explanation: &Explanation, of: &str) -> Doubt {
    let rejected = explanation.judged.iter().filter_map(|judged| match &judged.judgement {
        Judgement::Rejected(rejection) => Some((judged.tag.as_str(), rejection, rank(rejection)?)),
        _ => None,
    });
    let best = rejected.clone().map(|(_, _, rank)| rank).min();
    let closest: HashMap<&str, &Rejection> = rejected
        .clone()
        .filter(|(_, _, rank)| Some(*rank) == best)
        .map(|(tag, rejection, _)| (tag, rejection))
        .collect();
    // In the order of the explanation, where the greatest comes first.
    let names = rejected.map(|(tag, _, _)| tag).filter(|tag| closest.contains_key(tag));
    let wanted = match policy.pattern().kind() {
        Some(_) => policy.pattern().body(),
        None => current.map_or("", Tag::as_str),
    };
    let nearest = nearest(wanted, names).and_then(|(_, tag)| Some((tag, *closest.get(tag)?)));
    let takes_all = closest.values().any(|rejection| matches!(rejection, Rejection::Excluded { .. }));
    let (message, mend) = if takes_all {
        (format!("what is excluded leaves nothing for `{policy}` among the {of}"), "exclude less")
    } else {
        (format!("`{policy}` fits none of the {of}"), "change it, or wait for a tag that fits")
    };
    let mend = match nearest {
        Some((tag, rejection)) => format!("{mend}; the nearest is `{tag}`: {rejection}"),
        None => mend.to_owned(),
    };
    Doubt { rule: Rule::NoMatch, severity: Severity::Error, message, mend }
}

/// The tag in Git is there, and its own policy would not take it.
fn not_admitted(policy: &Policy, current: &Tag, explanation: &Explanation) -> Option<Doubt> {
    let judged = explanation.judged.iter().find(|judged| judged.tag == *current)?;
    let Judgement::Rejected(rejection) = &judged.judgement else { return None };
    if matches!(rejection, Rejection::NoCreated | Rejection::NotJudged) {
        return None;
    }
    let (severity, mend) = match &explanation.ruling.decision {
        Decision::Update(choice) => {
            (Severity::Hint, format!("the next pass writes `{}`; nothing is to be done if that is meant", choice.tag))
        }
        Decision::Hold(hold) => (Severity::Warning, format!("change the policy, or write another tag: {hold}")),
    };
    let message = format!("`{policy}` would not take the tag `{current}` that stands here: {rejection}");
    Some(Doubt { rule: Rule::TagNotAdmitted, severity, message, mend })
}

/// How near a tag came to being in the running; `None` for what is never taken.
fn rank(rejection: &Rejection) -> Option<u8> {
    match rejection {
        Rejection::Excluded { .. } => Some(0),
        Rejection::Prerelease { .. } | Rejection::OtherPrerelease => Some(1),
        Rejection::Unsatisfied { .. } | Rejection::Outside(_) => Some(2),
        Rejection::NoMatch { .. } | Rejection::OtherFamily { .. } => Some(3),
        Rejection::NotAVersion(_) | Rejection::NotANumber | Rejection::EmptyExtract => Some(4),
        Rejection::Referrer
        | Rejection::Latest
        | Rejection::NoCreated
        | Rejection::TooYoung(_)
        | Rejection::NotJudged => None,
    }
}

/// The name with the fewest letters to change, the first of them, and how many.
fn nearest<'n>(wanted: &str, names: impl Iterator<Item = &'n str>) -> Option<(usize, &'n str)> {
    let names = names.take(MOST_COMPARED).map(|name| (strsim::damerau_levenshtein(wanted, name), name));
    names.min_by_key(|(distance, _)| *distance)
}

fn of_tags(count: usize, repository: &Repository) -> String {
    format!("{count} {} of `{repository}`", if count == 1 { "tag" } else { "tags" })
}

/// What is wrong, and how to mend it.
fn split(text: String) -> (String, String) {
    match text.split_once("; ") {
        Some((message, mend)) => (message.to_owned(), mend.to_owned()),
        None => (text, String::new()),
    }
}

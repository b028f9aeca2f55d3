//! Why an image repository is watched, and what its tags come to for each of those reasons.
//!
//! A ruling is made as soon as the tags of one repository are known, and it alone is kept: nobody holds
//! the tags of all repositories at once. Must not know where tags come from.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use super::inventory::Scans;
use crate::image::{Repository, Tag};
use crate::policy::{self, Candidate, Decision, Policy, PolicyBuilder, Ruling};

/// Why a repository is watched: each policy that chooses from it, with the tag that stands in Git.
/// Cheap to clone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Watch {
    wishes: Arc<Wishes>,
}

/// Wishes, and their places by the tag that stands in Git, so that one is found quickly among those of
/// many workloads.
#[derive(Debug, Clone, Default, PartialEq)]
struct Wishes {
    all: Vec<(Policy, Option<Tag>)>,
    places: BTreeMap<Option<Tag>, Vec<usize>>,
}

/// The repositories that are watched.
pub type Watches = BTreeMap<Repository, Watch>;

/// What is known about one watched repository. Absent from [`Findings`] means that nobody asked.
#[derive(Debug, Clone)]
pub enum Finding {
    /// What its tags come to, for every wish.
    Rulings(Arc<Rulings>),
    /// The list could not be had, or not whole; the text says what happened. Never "no tags".
    Failed(String),
    /// The registry has not answered yet, and is still being asked.
    Asked,
}

/// What is known about all watched repositories.
pub type Findings = BTreeMap<Repository, Finding>;

/// What the tags of one repository come to, for each wish of its watch.
#[derive(Debug, PartialEq)]
pub struct Rulings {
    watch: Watch,
    judged: Vec<Judged>,
    /// Whether some of them would be others if the list were not the first one.
    is_of_first_list: bool,
}

/// What the tags come to for one wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Judged {
    /// The decision stands.
    Firm {
        ruling: Ruling,
        /// Whether the choice is newer than the current tag. It always is unless the policy allows to go
        /// back; going back to a tag that stood here before is then what is wanted.
        forward: bool,
    },
    /// The decision would be another one if what is in doubt about the list were otherwise.
    Unconfirmed {
        reason: Arc<str>,
        /// When time alone may confirm it.
        until: Option<Timestamp>,
    },
}

impl Watch {
    /// A watch for one policy.
    #[must_use]
    pub fn new(policy: &Policy, current: Option<&Tag>) -> Self {
        let mut watch = Self::default();
        watch.add(policy, current);
        watch
    }

    /// One more wish, unless it is there.
    pub fn add(&mut self, policy: &Policy, current: Option<&Tag>) {
        if self.place(policy, current).is_some() {
            return;
        }
        let wishes = Arc::make_mut(&mut self.wishes);
        wishes.places.entry(current.cloned()).or_default().push(wishes.all.len());
        wishes.all.push((policy.clone(), current.cloned()));
    }

    /// The wishes of another watch as well.
    pub fn add_all(&mut self, other: &Self) {
        for (policy, current) in other.wishes() {
            self.add(policy, current);
        }
    }

    /// The tags that stand in Git, each once.
    #[must_use]
    pub fn in_use(&self) -> Vec<&Tag> {
        self.wishes.places.keys().flatten().collect()
    }

    /// The tags out of `tags` whose created time the policies must know: those that they admit and
    /// the one that stands in Git, where the order is by time. Empty when no policy orders by time.
    #[must_use]
    pub fn wants_created(&self, tags: &[Tag]) -> Vec<Tag> {
        let mut timed: Vec<_> = self
            .wishes()
            .filter(|(policy, current)| policy.needs_created(*current))
            .map(|(policy, current)| (current, policy.admits(current)))
            .collect();
        let mut wanted = |tag: &Tag| timed.iter_mut().any(|(current, admits)| *current == Some(tag) || admits(tag));
        tags.iter().filter(|tag| wanted(tag)).cloned().collect()
    }

    /// The tags out of `tags` whose age matters: those that policies with a `min-age` admit.
    #[must_use]
    pub fn wants_age(&self, tags: &[Tag]) -> Vec<Tag> {
        let mut aged: Vec<_> = self
            .wishes()
            .filter(|(policy, _)| policy.min_age().is_some())
            .map(|(policy, current)| (current, policy.admits(current)))
            .collect();
        let mut wanted = |tag: &Tag| aged.iter_mut().any(|(current, admits)| *current != Some(tag) && admits(tag));
        tags.iter().filter(|tag| wanted(tag)).cloned().collect()
    }

    /// What these tags come to at the time `now`.
    #[must_use]
    pub fn rule(&self, candidates: &[Candidate], now: Timestamp) -> Rulings {
        self.judge(|policy, current| judge(policy, current, candidates, now))
    }

    /// What tags come to of which some may be there or not; `doubt` says why, as the beginning of a
    /// sentence. A decision stands where it is the same with all of those in doubt and without any: a
    /// policy takes the best of what there is, so nothing in between could come to something else. Where
    /// nothing changes either way, nobody has to know.
    #[must_use]
    pub fn rule_in_doubt(&self, with: &[Candidate], without: &[Candidate], doubt: &str, now: Timestamp) -> Rulings {
        self.judge(|policy, current| {
            let (mut with, without) = (judge(policy, current, with, now), judge(policy, current, without, now));
            let until = sooner(with.until(), without.until());
            if with.comes_to_the_same_as(&without) {
                if let Judged::Firm { ruling, .. } = &mut with {
                    ruling.until = until;
                }
                return with;
            }
            let (with, without) = (with.in_short(), without.in_short());
            let reason = format!("{doubt}; with them the policy {with}, without them it {without}");
            Judged::Unconfirmed { reason: reason.into(), until }
        })
    }

    /// Nothing can be decided from a list of which nobody knows what it leaves out.
    #[must_use]
    pub fn rule_nothing(&self, doubt: &str) -> Rulings {
        let reason: Arc<str> = doubt.into();
        self.judge(|_, _| Judged::Unconfirmed { reason: Arc::clone(&reason), until: None })
    }

    fn judge(&self, judge: impl Fn(&Policy, Option<&Tag>) -> Judged) -> Rulings {
        let judged = self.wishes().map(|(policy, current)| judge(policy, current)).collect();
        Rulings { watch: self.clone(), judged, is_of_first_list: false }
    }

    fn wishes(&self) -> impl Iterator<Item = (&Policy, Option<&Tag>)> {
        self.wishes.all.iter().map(|(policy, current)| (policy, current.as_ref()))
    }

    fn place(&self, policy: &Policy, current: Option<&Tag>) -> Option<usize> {
        let places = self.wishes.places.get(&current.cloned())?;
        places.iter().copied().find(|&place| self.wishes.all[place].0 == *policy)
    }
}

impl Rulings {
    /// The watch that they were made for.
    #[must_use]
    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Whether there is one for each wish of `watch`.
    #[must_use]
    pub fn cover(&self, watch: &Watch) -> bool {
        Arc::ptr_eq(&self.watch.wishes, &watch.wishes)
            || watch.wishes().all(|(policy, current)| self.of(policy, current).is_some())
    }

    /// Whether others say the same about each wish of `watch`.
    #[must_use]
    pub fn is_same_for(&self, other: &Self, watch: &Watch) -> bool {
        watch.wishes().all(|(policy, current)| self.of(policy, current) == other.of(policy, current))
    }

    /// Holds what would go back because the tag in Git is not there: a first list may just lack it.
    /// `candidates` are those that were ruled on, in the order of their tags.
    #[must_use]
    pub fn without_steps_back(mut self, candidates: &[Candidate]) -> Self {
        let is_there = |tag: &Tag| candidates.binary_search_by(|candidate| candidate.tag.cmp(tag)).is_ok();
        for ((_, current), judged) in self.watch.wishes().zip(&mut self.judged) {
            if let (Some(current), Judged::Firm { ruling, forward: false }) = (current, &*judged)
                && let Decision::Update(choice) = &ruling.decision
                && !is_there(current)
            {
                let reason = format!(
                    "`{current}` is not in the registry's list, which is the first that we know and may lack it; the \
                     policy takes `{}` when a list some minutes later does not have it either",
                    choice.tag
                );
                let until = ruling.until;
                *judged = Judged::Unconfirmed { reason: reason.into(), until };
                self.is_of_first_list = true;
            }
        }
        self
    }

    /// Whether some of them were held because the list is the first one. Then they have to be made anew.
    #[must_use]
    pub fn is_of_first_list(&self) -> bool {
        self.is_of_first_list
    }

    /// When they may be other ones by time alone.
    #[must_use]
    pub fn until(&self) -> Option<Timestamp> {
        self.judged.iter().filter_map(Judged::until).min()
    }

    pub(super) fn of(&self, policy: &Policy, current: Option<&Tag>) -> Option<&Judged> {
        self.judged.get(self.watch.place(policy, current)?)
    }
}

impl Judged {
    fn until(&self) -> Option<Timestamp> {
        match self {
            Self::Firm { ruling, .. } => ruling.until,
            Self::Unconfirmed { until, .. } => *until,
        }
    }

    fn in_short(&self) -> String {
        match self {
            Self::Firm { ruling: Ruling { decision: Decision::Update(choice), .. }, .. } => {
                format!("takes `{}`", choice.tag)
            }
            _ => "changes nothing".to_owned(),
        }
    }

    fn comes_to_the_same_as(&self, other: &Self) -> bool {
        let (Self::Firm { ruling, forward }, Self::Firm { ruling: other, forward: also_forward }) = (self, other)
        else {
            return false;
        };
        match (&ruling.decision, &other.decision) {
            (Decision::Update(choice), Decision::Update(other)) => choice.tag == other.tag && forward == also_forward,
            (Decision::Hold(_), Decision::Hold(_)) => true,
            _ => false,
        }
    }
}

/// What the scans come to for whoever watches, at the time `now`.
#[must_use]
pub fn findings(watches: &Watches, scans: &Scans, now: Timestamp) -> Findings {
    let scans: HashMap<_, _> = scans.iter().collect();
    let finding = |(repository, watch): (&Repository, &Watch)| {
        let finding = match scans.get(repository)? {
            super::Scan::Complete(candidates) => Finding::Rulings(Arc::new(watch.rule(candidates, now))),
            super::Scan::Failed(reason) => Finding::Failed(reason.clone()),
        };
        Some((repository.clone(), finding))
    };
    watches.iter().filter_map(finding).collect()
}

fn judge(policy: &Policy, current: Option<&Tag>, candidates: &[Candidate], now: Timestamp) -> Judged {
    let ruling = policy::decide(policy, current, candidates, now);
    let forward = match ruling.decision {
        Decision::Update(_) => goes_forward(policy, current, candidates, now),
        Decision::Hold(_) => false,
    };
    Judged::Firm { ruling, forward }
}

fn goes_forward(policy: &Policy, current: Option<&Tag>, candidates: &[Candidate], now: Timestamp) -> bool {
    if !policy.allow_downgrade() {
        return true;
    }
    let guarded = PolicyBuilder::from_policy(policy).allow_downgrade(false).build();
    guarded
        .is_ok_and(|guarded| matches!(policy::decide(&guarded, current, candidates, now).decision, Decision::Update(_)))
}

fn sooner(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    a.into_iter().chain(b).min()
}

//! From an inventory and its scans to a plan: one verdict per container, and the new bytes of each
//! file that changes, proved by the manifest floor before anybody sees them.

use jiff::Timestamp;

use super::inventory::{Inventory, Scan, Scans};
use super::past::Past;
use super::verdict::{Hold, Update, Verdict};
use crate::image::{Reference, Tag};
use crate::manifest::{Automation, Container, ContainerPolicy, Manifest, Place, Workload};
use crate::path::RepoPath;
use crate::policy::{self, Candidate, Decision, Policy, PolicyBuilder};

/// A verdict for every container that somebody wants automated, and the edits that follow.
#[derive(Debug, Default)]
pub struct Plan {
    /// The containers, in the order of the repository.
    pub entries: Vec<Entry>,
    /// The files that change.
    pub changes: Vec<Change>,
}

/// One container with its verdict.
#[derive(Debug)]
pub struct Entry {
    /// Where the image stands.
    pub place: Place,
    /// The workload, `namespace/Kind/name`.
    pub workload: String,
    /// The container's name.
    pub container: String,
    /// The image as written.
    pub image: Reference,
    /// The policy that decided, where one could be read.
    pub policy: Option<Policy>,
    /// What was decided.
    pub verdict: Verdict,
}

/// A file before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The file.
    pub path: RepoPath,
    /// Its bytes in the tree that the plan was drawn on.
    pub before: Vec<u8>,
    /// Its bytes with the new images and nothing else changed.
    pub after: Vec<u8>,
}

impl Plan {
    /// Decides for every container of `inventory` at the time `now`.
    ///
    /// A repository that is missing from `scans` or failed holds its containers, and so does a change
    /// that `past` shows to be taken back. A file that refuses one edit keeps the others.
    #[must_use]
    pub fn draw(inventory: &Inventory, scans: &Scans, past: &Past, now: Timestamp) -> Self {
        let mut plan = Self::default();
        for manifest in inventory.manifests() {
            let mut sites = Vec::new();
            for workload in &manifest.workloads {
                for container in &workload.containers {
                    let policy = inventory.policy_for(workload, container, now);
                    let verdict = match policy {
                        None => unasked(workload, container, now),
                        Some(policy) => Some(judge(container, policy, scans, |tag| {
                            past.commit_with(&manifest.path, workload, container, tag, inventory.presets())
                        })),
                    };
                    let Some(verdict) = verdict else { continue };
                    sites.push((plan.entries.len(), container));
                    plan.entries.push(Entry {
                        place: container.image.place().clone(),
                        workload: workload.id.to_string(),
                        container: container.name.clone(),
                        image: container.image.reference().clone(),
                        policy: policy.cloned(),
                        verdict,
                    });
                }
            }
            plan.edit(manifest, &sites);
        }
        plan
    }

    /// Makes the new bytes of one file. Where a scalar cannot be edited safely its update becomes a
    /// hold, and the rest of the file is edited without it.
    fn edit(&mut self, manifest: &Manifest, sites: &[(usize, &Container)]) {
        let mut changes = Vec::new();
        for &(index, container) in sites {
            if let Verdict::Update(update) = &self.entries[index].verdict {
                match container.image.refusal() {
                    None => changes.push((index, (&container.image, update.to.clone()))),
                    Some(refusal) => self.refuse(index, refusal.to_string()),
                }
            }
        }
        if changes.is_empty() {
            return;
        }
        let (indexes, changes): (Vec<_>, Vec<_>) = changes.into_iter().unzip();
        match manifest.rewrite(&[]).and_then(|before| Ok((before, manifest.rewrite(&changes)?))) {
            Ok((before, after)) => self.changes.push(Change { path: manifest.path.clone(), before, after }),
            Err(refusal) => indexes.into_iter().for_each(|index| self.refuse(index, refusal.to_string())),
        }
    }

    fn refuse(&mut self, index: usize, reason: String) {
        if let Verdict::Update(Update { to, .. }) = &self.entries[index].verdict {
            let to = to.clone();
            self.entries[index].verdict = Verdict::Hold(Hold::Uneditable { reason, to });
        }
    }
}

/// The verdict for a container that no policy decides for, or `None` for one that nobody wants
/// automated.
fn unasked(workload: &Workload, container: &Container, now: Timestamp) -> Option<Verdict> {
    let hold = match (workload.automation_at(now), &container.policy) {
        (Automation::Ignored, _) => Hold::Ignored,
        (Automation::Locked(lock), _) => Hold::Locked(lock.clone()),
        (Automation::Held { reason, place }, _) | (Automation::On, ContainerPolicy::Invalid { reason, place }) => {
            Hold::Mistake { reason: reason.clone(), place: place.clone() }
        }
        (Automation::Off | Automation::On, _) => return None,
    };
    workload.automated.then_some(Verdict::Hold(hold))
}

/// The verdict of `policy`. `stood_since` gives the commit with which a tag came to this place before.
fn judge<'a>(
    container: &Container,
    policy: &Policy,
    scans: &Scans,
    stood_since: impl Fn(&Tag) -> Option<&'a str>,
) -> Verdict {
    let image = container.image.reference();
    if let Some(digest) = image.digest() {
        return Verdict::Hold(Hold::Pinned(digest.clone()));
    }
    let candidates = match scans.get(image.repository()) {
        Some(Scan::Complete(candidates)) => candidates,
        Some(Scan::Failed(reason)) => return Verdict::Hold(Hold::Unseen(reason.clone())),
        None => {
            let reason = format!("the tags of {} were not looked up", image.repository());
            return Verdict::Hold(Hold::Unseen(reason));
        }
    };
    let ruling = policy::decide(policy, image.tag(), candidates);
    let choice = match ruling.decision {
        Decision::Hold(hold) => return Verdict::Hold(Hold::Decided(hold)),
        Decision::Update(choice) => choice,
    };
    if let Some(commit) = stood_since(&choice.tag).filter(|_| goes_forward(policy, image.tag(), candidates)) {
        return Verdict::Hold(Hold::Refused { tag: choice.tag, commit: commit.to_owned() });
    }
    Verdict::Update(Update {
        from: image.tag().cloned(),
        to: choice.tag,
        created: choice.created,
        reason: choice.reason,
        matched: ruling.matched,
        of: ruling.of,
    })
}

/// Whether the choice is newer than the current tag. It always is unless the policy allows to go back;
/// going back to a tag that stood here before is then what is wanted.
fn goes_forward(policy: &Policy, current: Option<&Tag>, candidates: &[Candidate]) -> bool {
    if !policy.allow_downgrade() {
        return true;
    }
    let guarded = PolicyBuilder::from_policy(policy).allow_downgrade(false).build();
    guarded.is_ok_and(|guarded| matches!(policy::decide(&guarded, current, candidates).decision, Decision::Update(_)))
}

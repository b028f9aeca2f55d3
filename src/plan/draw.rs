//! From an inventory and its scans to a plan: one verdict per container, and the new bytes of each
//! file that changes, proved by the manifest floor before anybody sees them.

use jiff::Timestamp;

use super::inventory::{Inventory, Scan, Scans};
use super::message::one_word;
use super::refusal::Refusals;
use super::verdict::{Hold, Update, Verdict};
use crate::image::{Reference, Tag};
use crate::manifest::{Automation, Container, ContainerPolicy, Manifest, Place, Workload};
use crate::path::RepoPath;
use crate::policy::{self, Decision, Policy};

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
    /// A repository that is missing from `scans` or failed holds its containers. A file that
    /// refuses one edit keeps the others.
    #[must_use]
    pub fn draw(inventory: &Inventory, scans: &Scans, refusals: &Refusals, now: Timestamp) -> Self {
        let mut plan = Self::default();
        for manifest in inventory.manifests() {
            let mut sites = Vec::new();
            for workload in &manifest.workloads {
                for container in &workload.containers {
                    let policy = inventory.policy_for(workload, container, now);
                    let Some(verdict) = judge(manifest, workload, container, policy, scans, refusals, now) else {
                        continue;
                    };
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

/// The verdict for one container, or `None` for one that nobody wants automated.
fn judge(
    manifest: &Manifest,
    workload: &Workload,
    container: &Container,
    policy: Option<&Policy>,
    scans: &Scans,
    refusals: &Refusals,
    now: Timestamp,
) -> Option<Verdict> {
    let Some(policy) = policy else {
        let hold = match (workload.automation_at(now), &container.policy) {
            (Automation::Ignored, _) => Hold::Ignored,
            (Automation::Locked(lock), _) => Hold::Locked(lock.clone()),
            (Automation::Held { reason, place }, _) | (Automation::On, ContainerPolicy::Invalid { reason, place }) => {
                Hold::Mistake { reason: reason.clone(), place: place.clone() }
            }
            (Automation::Off | Automation::On, _) => return None,
        };
        return workload.automated.then_some(Verdict::Hold(hold));
    };
    let image = container.image.reference();
    if let Some(digest) = image.digest() {
        return Some(Verdict::Hold(Hold::Pinned(digest.clone())));
    }
    let candidates = match scans.get(image.repository()) {
        Some(Scan::Complete(candidates)) => candidates,
        Some(Scan::Failed(reason)) => return Some(Verdict::Hold(Hold::Unseen(reason.clone()))),
        None => {
            let reason = format!("the tags of {} were not looked up", image.repository());
            return Some(Verdict::Hold(Hold::Unseen(reason)));
        }
    };
    let ruling = policy::decide(policy, image.tag(), candidates);
    Some(match ruling.decision {
        Decision::Hold(hold) => Verdict::Hold(Hold::Decided(hold)),
        Decision::Update(choice) => match refused(manifest, workload, container, &choice.tag, refusals) {
            Some(commit) => Verdict::Hold(Hold::Refused { tag: choice.tag, commit }),
            None => Verdict::Update(Update {
                from: image.tag().cloned(),
                to: choice.tag,
                created: choice.created,
                reason: choice.reason,
                matched: ruling.matched,
                of: ruling.of,
            }),
        },
    })
}

fn refused(
    manifest: &Manifest,
    workload: &Workload,
    container: &Container,
    proposed: &Tag,
    refusals: &Refusals,
) -> Option<String> {
    let (workload, name) = (one_word(&workload.id.to_string()), one_word(&container.name));
    let current = container.image.reference().tag();
    refusals.refusal_of(&manifest.path, &workload, &name, current, proposed).map(str::to_owned)
}

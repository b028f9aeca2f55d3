//! From an inventory and its scans to a plan: one verdict per container, and page by page the new
//! bytes of each file that changes, proved by the manifest floor before anybody sees them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::inventory::Inventory;
use super::verdict::{Hold, Update, Verdict};
use super::watch::{Finding, Findings, Judged};
use crate::image::{Reference, Tag};
use crate::manifest::{
    Automation, Container, ContainerPolicy, Document, ImageField, Place, Rewritten, Trail, Workload,
};
use crate::path::RepoPath;
use crate::policy::{Decision, Policy};

/// A verdict for every container that somebody wants automated, and the edits that follow.
#[derive(Debug, Default)]
pub struct Plan {
    /// The containers, in the order of the repository.
    pub entries: Vec<Entry>,
    /// The files that change.
    pub changes: Vec<Change>,
    /// The entries that were drawn as updates, by file.
    drawn: BTreeMap<RepoPath, Vec<usize>>,
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
    pub(super) field: ImageField,
    /// Whether the update may be one that was here before and was taken back: not where the policy
    /// allows to go back, and this goes back.
    pub(super) may_be_refused: bool,
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
    /// Decides for every container of `inventory` at the time `now`. What follows for the files is
    /// drawn page by page, see [`Plan::page`].
    ///
    /// A repository that is missing from `findings` or failed holds its containers.
    #[must_use]
    pub fn draw(inventory: &Inventory, findings: &Findings, now: Timestamp) -> Self {
        let mut plan = Self::default();
        for workload in inventory.workloads() {
            for container in &workload.containers {
                let policy = inventory.policy_for(workload, container, now);
                let judged = match policy {
                    None => unasked(workload, container, now).map(|verdict| (verdict, false)),
                    Some(policy) => Some(judge(container, policy, findings)),
                };
                let Some((verdict, may_be_refused)) = judged else { continue };
                if matches!(verdict, Verdict::Update(_)) {
                    let file = container.image.place().file.clone();
                    plan.drawn.entry(file).or_default().push(plan.entries.len());
                }
                plan.entries.push(Entry {
                    place: container.image.place().clone(),
                    workload: workload.id.to_string(),
                    container: container.name.clone(),
                    image: container.image.reference().clone(),
                    policy: policy.cloned(),
                    verdict,
                    field: container.image.clone(),
                    may_be_refused,
                });
            }
        }
        plan
    }

    /// The files that have updates.
    #[must_use]
    pub fn files(&self) -> BTreeSet<RepoPath> {
        self.updates().map(|(entry, _)| entry.place.file.clone()).collect()
    }

    /// The part of the plan that concerns one file, which holds these bytes.
    #[must_use]
    pub fn page(&mut self, path: &RepoPath, bytes: Vec<u8>) -> Page<'_> {
        let opened = Document::open(path, &bytes);
        let mut updates = Vec::new();
        for &index in self.drawn.get(path).into_iter().flatten() {
            if let Verdict::Update(update) = &self.entries[index].verdict {
                updates.push(Pending { index, to: update.to.clone(), trail: None });
            }
        }
        match opened {
            Ok(document) => {
                for pending in &mut updates {
                    pending.trail = document.trail(&self.entries[pending.index].field);
                }
                Page { plan: self, path: path.clone(), before: bytes, document: Some(document), updates }
            }
            Err(problem) => {
                let mut page = Page { plan: self, path: path.clone(), before: bytes, document: None, updates };
                page.refuse_all(&problem.to_string());
                page
            }
        }
    }

    fn refuse(&mut self, index: usize, reason: String) {
        if let Verdict::Update(Update { to, .. }) = &self.entries[index].verdict {
            let to = to.clone();
            self.entries[index].verdict = Verdict::Hold(Hold::Uneditable { reason, to });
        }
    }
}

/// The updates of one file, on their way into its bytes.
#[derive(Debug)]
pub struct Page<'p> {
    plan: &'p mut Plan,
    path: RepoPath,
    before: Vec<u8>,
    document: Option<Document>,
    updates: Vec<Pending>,
}

/// An update that is still wanted.
#[derive(Debug)]
struct Pending {
    index: usize,
    to: Tag,
    trail: Option<Trail>,
}

impl Page<'_> {
    /// Whether there is an update left that an earlier version of the file could speak against.
    #[must_use]
    pub fn may_be_refused(&self) -> bool {
        self.updates.iter().any(|pending| self.plan.entries[pending.index].may_be_refused)
    }

    /// Holds every update whose tag stood in the same place when the file held these bytes, which it
    /// did since `commit` and until some later commit: an older one stands there now, so somebody took
    /// it back, and we never fight a person. Whoever had set it makes no difference.
    pub fn recall(&mut self, commit: &str, bytes: &[u8]) {
        let mentions = |pending: &Pending| memchr::memmem::find(bytes, pending.to.as_str().as_bytes()).is_some();
        // A search for the text first: most versions do not have the tag at all.
        if !self.updates.iter().any(|pending| self.plan.entries[pending.index].may_be_refused && mentions(pending)) {
            return;
        }
        let Ok(then) = Document::open(&self.path, bytes) else { return };
        let plan = &mut *self.plan;
        self.updates.retain(|pending| {
            let entry = &mut plan.entries[pending.index];
            let held = entry.may_be_refused
                && pending.trail.as_ref().is_some_and(|trail| then.holds(&entry.field, trail, &pending.to));
            if held {
                let refused = Hold::Refused { tag: pending.to.clone(), commit: commit.to_owned() };
                entry.verdict = Verdict::Hold(refused);
            }
            !held
        });
    }

    /// Writes what is left into the file. Where a value cannot be edited safely its update becomes a
    /// hold, and the rest of the file is edited without it.
    pub fn write(self) {
        let Some(document) = &self.document else { return };
        let changes: Vec<_> =
            self.updates.iter().map(|pending| (&self.plan.entries[pending.index].field, pending.to.clone())).collect();
        let Rewritten { bytes, refused } = document.rewrite(&changes);
        for (at, refusal) in refused {
            self.plan.refuse(self.updates[at].index, refusal.to_string());
        }
        if bytes != self.before {
            self.plan.changes.push(Change { path: self.path, before: self.before, after: bytes });
        }
    }

    fn refuse_all(&mut self, reason: &str) {
        for pending in self.updates.drain(..) {
            self.plan.refuse(pending.index, reason.to_owned());
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
        (Automation::On, ContainerPolicy::Elsewhere { place }) => Hold::Elsewhere { place: place.clone() },
        (Automation::Off | Automation::On, _) => return None,
    };
    workload.automated.then_some(Verdict::Hold(hold))
}

/// The verdict of `policy`, and whether people may have refused it before.
fn judge(container: &Container, policy: &Policy, findings: &Findings) -> (Verdict, bool) {
    let hold = |hold| (Verdict::Hold(hold), false);
    let image = container.image.reference();
    if let Some(digest) = image.digest() {
        return hold(Hold::Pinned(digest.clone()));
    }
    let judged = match findings.get(image.repository()) {
        Some(Finding::Rulings(rulings)) => rulings.of(policy, image.tag()),
        Some(Finding::Failed(reason)) => return hold(Hold::Unseen(reason.clone())),
        Some(Finding::Asked) => return hold(Hold::Asked(image.repository().clone())),
        None => None,
    };
    let (ruling, forward) = match judged {
        Some(Judged::Firm { ruling, forward }) => (ruling, *forward),
        Some(Judged::Unconfirmed { reason, .. }) => return hold(Hold::Unconfirmed(Arc::clone(reason))),
        None => return hold(Hold::Unseen(format!("the tags of {} were not looked up", image.repository()))),
    };
    let choice = match &ruling.decision {
        Decision::Hold(decided) => return hold(Hold::Decided(decided.clone())),
        Decision::Update(choice) => choice.clone(),
    };
    let update = Update {
        from: image.tag().cloned(),
        to: choice.tag,
        created: choice.created,
        reason: choice.reason,
        matched: ruling.matched,
        of: ruling.of,
    };
    (Verdict::Update(update), forward)
}

//! What all applications ask for together, put among the workloads.
//!
//! Must not know how images are found.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::super::shared::Speakers;
use super::super::{Inventory, claims};
use super::silent::Deployed;
use crate::manifest::{Automation, ContainerPolicy, Place, Problem, Workload};

/// What all applications ask for.
#[derive(Debug, Default)]
pub(super) struct Claims {
    pub(super) workloads: Vec<Arc<Workload>>,
    /// Those that are shown for what is wrong with them, where nobody else decides.
    pub(super) aside: Vec<Arc<Workload>>,
    pub(super) problems: Vec<Problem>,
    pub(super) speakers: Speakers,
    /// The images in what others may deploy as well.
    pub(super) deployed: Vec<Deployed>,
}

impl Claims {
    /// Follows no image that would change for somebody else unasked.
    pub(super) fn hold(&mut self, held: HashMap<Place, Problem>) {
        for workload in &mut self.workloads {
            for container in &mut Arc::make_mut(workload).containers {
                let stated = matches!(container.policy, ContainerPolicy::Stated(_));
                if let Some(problem) = held.get(container.image.place()).filter(|_| stated) {
                    let (reason, place) = (problem.text(), problem.place.clone());
                    container.policy = ContainerPolicy::Invalid { reason, place };
                }
            }
        }
        self.problems.extend(held.into_values());
    }

    pub(super) fn settle(self, inventory: &mut Inventory) {
        let Self { mut workloads, mut aside, problems, .. } = self;
        inventory.problems.extend(problems);
        // Two applications that deploy one manifest and ask for the same are one owner of it.
        let mut known: HashMap<Place, Vec<Arc<Workload>>> = HashMap::new();
        workloads.retain(|workload| {
            let Some(first) = workload.containers.first() else { return false };
            let known = known.entry(first.image.place().clone()).or_default();
            let is_new = !known.iter().any(|known| is_same_claim(known, workload));
            known.extend(is_new.then(|| Arc::clone(workload)));
            is_new
        });
        claims::give_way(&mut inventory.workloads, &workloads);
        inventory.workloads.extend(workloads);
        let changing: BTreeSet<Place> = inventory
            .workloads
            .iter()
            .filter(|workload| workload.automation != Automation::Off)
            .flat_map(|workload| &workload.containers)
            .map(|container| container.image.place().clone())
            .collect();
        for workload in &mut aside {
            Arc::make_mut(workload).containers.retain(|container| !changing.contains(container.image.place()));
        }
        aside.retain(|workload| !workload.containers.is_empty());
        claims::give_way(&mut inventory.workloads, &aside);
        inventory.workloads.extend(aside);
    }
}

fn is_same_claim(one: &Workload, other: &Workload) -> bool {
    one.id == other.id && one.automation == other.automation && one.containers == other.containers
}

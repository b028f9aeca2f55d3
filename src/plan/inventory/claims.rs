//! Images that somebody decides about who is not their workload: a comment, an application.
//!
//! Must not know who that is, nor why.

use std::collections::HashMap;
use std::sync::Arc;

use crate::manifest::{Automation, Container, ContainerPolicy, Place, Workload};

/// Takes from the workloads the images that are claimed: those that nobody else speaks of, and those for which
/// the very same is asked. All other images keep both owners.
pub(super) fn give_way(workloads: &mut Vec<Arc<Workload>>, claims: &[Arc<Workload>]) {
    let mut claimed: HashMap<&Place, Vec<(&Workload, &Container)>> = HashMap::new();
    for claim in claims {
        for container in &claim.containers {
            claimed.entry(container.image.place()).or_default().push((claim, container));
        }
    }
    if claimed.is_empty() {
        return;
    }
    workloads.retain_mut(|workload| {
        let goes = |container: &Container| {
            claimed.get(container.image.place()).is_some_and(|claims| {
                let agrees = claims.iter().any(|(claim, image)| {
                    // A lock by itself says nothing of the tags.
                    let current = container.image.reference().tag();
                    let is_same = image.policy.means_the_same_as(&container.policy, current);
                    let says_no_more = is_same || !workload.automated;
                    claim.automation == workload.automation && says_no_more
                });
                agrees || is_silent(workload, container)
            })
        };
        if !workload.containers.iter().any(goes) {
            return true;
        }
        let stays: Vec<Container> = workload.containers.iter().filter(|container| !goes(container)).cloned().collect();
        let is_shown = !stays.is_empty();
        Arc::make_mut(workload).containers = stays;
        is_shown
    });
}

/// Whether nobody says anything of this image.
pub(super) fn is_silent(workload: &Workload, container: &Container) -> bool {
    workload.automation == Automation::Off
        && matches!(container.policy, ContainerPolicy::Unstated | ContainerPolicy::Elsewhere { .. })
}

//! Names without a tag that kustomizations replace by other images: never taken for the image that
//! they could be by themselves, also where nothing replaces them.
//!
//! Knows nothing of links; what is replaced is set aside before.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::Inventory;
use super::tree::Node;
use crate::manifest::{Container, ContainerPolicy, KUSTOMIZATION_FILES, Place, Problem, Rule, Severity, split_image};

/// Holds every container whose image is such a name, or could be one for all that is known: a
/// kustomization that cannot be read may replace any.
pub(super) fn hold(inventory: &mut Inventory, nodes: &[Node]) {
    let mut renamed: HashMap<&str, &Place> = HashMap::new();
    for entry in nodes.iter().flat_map(|node| &node.kustomization().images) {
        if entry.new_name.as_ref().is_some_and(|new_name| *new_name != entry.name) {
            renamed.entry(&entry.name).or_insert(&entry.place);
        }
    }
    let mut own_files =
        inventory.manifests.values().filter(|file| KUSTOMIZATION_FILES.contains(&file.path.file_name()));
    let unread: Option<Place> = own_files.find_map(|file| file.unread.clone());
    if renamed.is_empty() && unread.is_none() {
        return;
    }
    for workload in inventory.workloads.iter_mut().filter(|workload| workload.automated) {
        let doubts: Vec<_> =
            workload.containers.iter().map(|container| doubt(container, &renamed, unread.as_ref())).collect();
        for (at, problem) in doubts.into_iter().enumerate() {
            let Some(problem) = problem else { continue };
            let policy = ContainerPolicy::Invalid { reason: problem.text(), place: problem.place.clone() };
            Arc::make_mut(workload).containers[at].policy = policy;
            inventory.problems.push(problem);
        }
    }
}

fn doubt(container: &Container, renamed: &HashMap<&str, &Place>, unread: Option<&Place>) -> Option<Problem> {
    let image = container.image.reference();
    let is_bare = image.tag().is_none() && image.digest().is_none();
    if !container.is_replaceable || !is_bare || !matches!(container.policy, ContainerPolicy::Stated(_)) {
        return None;
    }
    let name = split_image(image.as_str()).0;
    let (message, mend) = if let Some(place) = renamed.get(name) {
        (
            format!("{place} replaces `{name}` by another image, and nothing does so here"),
            "replace it in every kustomization that builds this, or write its tag",
        )
    } else {
        let place = unread?;
        (
            format!("`{name}` has no tag, and may be replaced by what cannot be read at {place}"),
            "mend that, or write the tag",
        )
    };
    Some(Problem::new(Rule::ReplacedImage, Severity::Warning, container.image.place().clone(), message, mend))
}

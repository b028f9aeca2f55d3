//! Images that a surveyed file leads to and that stand in a file outside of the survey: they are named,
//! and never changed.
//!
//! Must not know how an image was found, nor what else is wrong with it.

use std::sync::Arc;

use crate::manifest::{Automation, ContainerPolicy, Place, Problem, Rule, Severity, Workload, is_manifest_path};
use crate::path::RepoPath;

/// Holds every image whose file is not one of the surveyed ones. It is worth a word where the image
/// would have changed.
pub(super) fn hold_what_lies_outside(
    workloads: &mut [Arc<Workload>],
    is_surveyed: impl Fn(&RepoPath) -> bool,
    problems: &mut Vec<Problem>,
) {
    for workload in workloads {
        let is_outside = |place: &Place| !is_surveyed(&place.file);
        if !workload.containers.iter().any(|container| is_outside(container.image.place())) {
            continue;
        }
        let may_change = matches!(workload.automation, Automation::On | Automation::Locked(_));
        let owner = workload.id.to_string();
        for container in &mut Arc::make_mut(workload).containers {
            let place = container.image.place().clone();
            if !is_outside(&place) || matches!(container.policy, ContainerPolicy::Elsewhere { .. }) {
                continue;
            }
            let problem = outside(&owner, &container.name, &place);
            let reason = problem.text();
            if may_change && matches!(container.policy, ContainerPolicy::Stated(_)) {
                problems.push(problem);
            }
            container.policy = ContainerPolicy::Invalid { reason, place };
        }
    }
}

fn outside(owner: &str, container: &str, place: &Place) -> Problem {
    let file = &place.file;
    let (wrong, mend) = if is_manifest_path(file) {
        ("lies outside of the paths that Landwaiter was given", "add its folder with --git-path")
    } else {
        ("is not named like a manifest", "give it a name that ends in `.yaml`")
    };
    let message = format!("the image of `{container}` in {owner} stands in {file}, which {wrong}");
    Problem::new(Rule::OutsidePaths, Severity::Warning, place.clone(), message, mend)
}

//! Images with several owners: one scalar that two workloads, markers or kustomizations speak about.
//!
//! It changes only if all of them are told the same. Where they are not, none of them changes it.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::manifest::{Automation, Container, ContainerPolicy, Place, Problem, Rule, Severity, Workload};

/// Puts the workloads into the order of their images, and holds every image whose owners disagree.
pub(super) fn settle(workloads: &mut [Arc<Workload>], problems: &mut Vec<Problem>) {
    workloads.sort_by(|a, b| first_place(a).cmp(first_place(b)));
    let mut owners: BTreeMap<&Place, Vec<(usize, usize)>> = BTreeMap::new();
    for (at, workload) in workloads.iter().enumerate() {
        for (index, container) in workload.containers.iter().enumerate() {
            owners.entry(container.image.place()).or_default().push((at, index));
        }
    }
    let told: HashSet<(&Place, String)> = problems.iter().map(|problem| (&problem.place, problem.text())).collect();
    let mut held = Vec::new();
    let mut found = Vec::new();
    for (place, owners) in owners.into_iter().filter(|(_, owners)| owners.len() > 1) {
        let (first, rest) = (owners[0], &owners[1..]);
        let owner = |(at, index): (usize, usize)| (&*workloads[at], &workloads[at].containers[index]);
        let Some(&other) = rest.iter().find(|other| !agree(owner(first), owner(**other))) else { continue };
        // A mistake of one of them, told already, is why they disagree.
        let mistake = owners.iter().find_map(|at| {
            let (reason, place) = mistake(owner(*at))?;
            told.contains(&(place, reason.to_owned())).then(|| (reason.to_owned(), place.clone()))
        });
        let (reason, at) = mistake.unwrap_or_else(|| {
            let problem = disagreement(place, owner(first), owner(other));
            let said = (problem.text(), place.clone());
            found.push(problem);
            said
        });
        held.extend(owners.into_iter().map(|owner| (owner, reason.clone(), at.clone())));
    }
    problems.extend(found);
    for ((at, index), reason, place) in held {
        Arc::make_mut(&mut workloads[at]).containers[index].policy = ContainerPolicy::Invalid { reason, place };
    }
}

/// What is wrong with an owner.
fn mistake<'a>((workload, container): (&'a Workload, &'a Container)) -> Option<(&'a str, &'a Place)> {
    match (&workload.automation, &container.policy) {
        (Automation::Held { reason, place }, _) | (_, ContainerPolicy::Invalid { reason, place }) => {
            Some((reason, place))
        }
        _ => None,
    }
}

fn first_place(workload: &Workload) -> &Place {
    workload.containers.first().map_or(&workload.place, |container| container.image.place())
}

/// Whether two owners would have the same tag written at any time, or neither of them any.
pub(super) fn agree((one, a): (&Workload, &Container), (two, b): (&Workload, &Container)) -> bool {
    let changes = |workload: &Workload, container: &Container| {
        let may = matches!(workload.automation, Automation::On | Automation::Locked(_));
        may && matches!(container.policy, ContainerPolicy::Stated(_))
    };
    let current = a.image.reference().tag();
    let same = one.automation == two.automation && a.policy.means_the_same_as(&b.policy, current);
    same || (!changes(one, a) && !changes(two, b))
}

/// What to say of two owners who disagree about the image at this place.
pub(super) fn disagreement(
    place: &Place,
    (one, a): (&Workload, &Container),
    (two, b): (&Workload, &Container),
) -> Problem {
    let says = |workload: &Workload, container: &Container| {
        let follows = match (&workload.automation, &container.policy) {
            (Automation::On, ContainerPolicy::Stated(policy)) => format!("to follow {policy}"),
            (Automation::Off, _) => "not to be automated".to_owned(),
            (Automation::Locked(_), _) => "to be locked".to_owned(),
            _ => "not to change".to_owned(),
        };
        format!("{} ({}:{}) wants it {follows}", workload.id, workload.place.file, workload.place.line)
    };
    let message = format!("two owners of this image disagree: {}, {}", says(one, a), says(two, b));
    Problem::new(Rule::OwnersDisagree, Severity::Error, place.clone(), message, "annotate both alike")
}

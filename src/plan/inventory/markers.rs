//! Comments that name a policy of Flux version 2, joined with the objects of the whole repository; and which
//! images belong to a marker rather than to their workload.
//!
//! Must not know how comments and objects are written. `objects.rs` finds what a marker names,
//! `automations.rs` tells whether Flux follows it where it stands.

mod automations;
mod objects;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use automations::Automations;
use objects::{Asked, Missing, Objects, Unasked};

use super::{Inventory, claims};
use crate::manifest::{
    Automation, Container, ContainerPolicy, ImagePart, Place, Problem, Rule, Setter, Severity, Workload,
};

/// Adds what the markers of all files ask for to the workloads, and takes from those the images that
/// markers decide about alone.
pub(super) fn settle(inventory: &mut Inventory) {
    let Inventory { manifests, workloads, problems, advice, .. } = inventory;
    let all = || manifests.values().map(|manifest| &manifest.markers);
    let mut marked: Vec<Arc<Workload>> = all().flat_map(|markers| markers.workloads.iter().cloned()).collect();
    let setters: Vec<&Setter> = all().flat_map(|markers| &markers.setters).collect();
    let objects = Objects::of(all().map(|markers| &markers.objects));
    objects.report(setters.iter().map(|setter| &setter.wish), problems, advice);
    let automations = Automations::of(all().flat_map(|markers| &markers.objects.automations));
    join(&setters, &objects, &automations, &mut marked, problems);
    let ignored: HashSet<&Place> = all().flat_map(|markers| &markers.ignored).collect();
    give_way(workloads, &mut marked, problems);
    take_over(workloads, marked, &ignored);
}

/// Follows each setter, or holds it.
fn join(
    setters: &[&Setter],
    objects: &Objects<'_>,
    automations: &Automations<'_>,
    marked: &mut Vec<Arc<Workload>>,
    problems: &mut Vec<Problem>,
) {
    let asked: Vec<Result<Asked<'_>, Problem>> =
        setters.iter().map(|setter| ask(setter, objects, automations)).collect();
    // A digest or name that stays behind beside a new tag would say something that nobody wants.
    let mut trouble: HashMap<&Place, Problem> = HashMap::new();
    for (setter, asked) in setters.iter().zip(&asked) {
        let problem = match (setter.wish.part, asked) {
            (ImagePart::Whole | ImagePart::Tag, _) => continue,
            (_, Err(problem)) => Some(problem.clone()),
            (ImagePart::Name, Ok(asked)) => setter.misnomer(asked.image),
            (ImagePart::Digest, Ok(_)) => Some(setter.problem(
                Rule::NotSupported,
                "the part `:digest` is not supported yet, and a new tag beside an old digest would change nothing",
                "remove the digest and its marker to let the image follow its tag",
            )),
        };
        let Some(problem) = problem else { continue };
        if let Some(mapping) = &setter.mapping {
            trouble.entry(mapping).or_insert_with(|| problem.clone());
        }
        problems.push(problem);
    }
    for (setter, asked) in setters.iter().zip(asked) {
        if !matches!(setter.wish.part, ImagePart::Whole | ImagePart::Tag) {
            continue;
        }
        let beside = setter.mapping.as_ref().and_then(|mapping| trouble.get(mapping)).cloned();
        let followed = match (beside, asked) {
            (Some(problem), _) | (None, Err(problem)) => Err(problem),
            (None, Ok(asked)) => setter.follow(asked.image, asked.policy, &asked.peer, asked.automation),
        };
        match followed {
            Ok(workload) => {
                problems.extend(workload.containers.iter().filter_map(|container| container.image.warning()));
                marked.push(Arc::new(workload));
            }
            Err(problem) => {
                marked.extend(setter.hold(&problem).map(Arc::new));
                problems.push(problem);
            }
        }
    }
}

/// What a setter asks for, unless nobody would write it.
fn ask<'a>(setter: &Setter, objects: &Objects<'a>, automations: &Automations<'_>) -> Result<Asked<'a>, Problem> {
    let mut asked = objects.asked(&setter.wish).map_err(|unasked| match unasked {
        Unasked::Missing(Missing { message, mend }) => setter.problem(Rule::MissingPolicy, message, mend),
        Unasked::Broken(problem) => problem,
    })?;
    if let Some(place) = asked.digests.filter(|_| setter.wish.part == ImagePart::Whole) {
        let message = format!(
            "the ImagePolicy {} asks for digests, and whole images with their digest are not supported yet",
            asked.object.name
        );
        let mend = "remove `digestReflectionPolicy`, or mark the tag alone with `:tag`";
        return Err(Problem::new(Rule::NotSupported, Severity::Error, place.clone(), message, mend));
    }
    let allowed = automations.allow(setter, asked.object)?;
    if asked.automation == Automation::On {
        asked.automation = allowed;
    }
    Ok(asked)
}

/// A marker on an image that kustomizations replace comes to nothing, as an annotation would there.
fn give_way(workloads: &[Arc<Workload>], marked: &mut [Arc<Workload>], problems: &mut Vec<Problem>) {
    let containers = workloads.iter().flat_map(|workload| &workload.containers);
    let replaced: HashMap<&Place, &Place> = containers
        .filter_map(|container| match &container.policy {
            ContainerPolicy::Elsewhere { place } => Some((container.image.place(), place)),
            _ => None,
        })
        .collect();
    if replaced.is_empty() {
        return;
    }
    for workload in marked {
        let Some(place) = workload.containers.iter().find_map(|container| replaced.get(container.image.place())) else {
            continue;
        };
        let message = format!("the marker comes to nothing: the tag that counts is written at {place}");
        let problem = Problem::new(
            Rule::ReplacedImage,
            Severity::Warning,
            workload.place.clone(),
            message,
            "write the marker there",
        );
        problems.push(problem);
        for container in &mut Arc::make_mut(workload).containers {
            container.policy = ContainerPolicy::Elsewhere { place: (*place).clone() };
        }
    }
}

/// Adds the markers to the workloads, which give way to them. Images that a marker says to leave alone stay
/// as ignored ones.
fn take_over(workloads: &mut Vec<Arc<Workload>>, mut marked: Vec<Arc<Workload>>, ignored: &HashSet<&Place>) {
    let is_ignored = |container: &Container| ignored.contains(container.image.place());
    let mut apart = Vec::new();
    if !ignored.is_empty() {
        for workload in &mut marked {
            if workload.containers.iter().any(is_ignored) {
                Arc::make_mut(workload).automation = Automation::Ignored;
            }
        }
        workloads.retain_mut(|workload| {
            if !workload.containers.iter().any(is_ignored) {
                return true;
            }
            let (left, stays): (Vec<Container>, Vec<Container>) =
                workload.containers.iter().cloned().partition(is_ignored);
            let ignored = Workload { automation: Automation::Ignored, containers: left, ..Workload::clone(workload) };
            apart.push(Arc::new(ignored));
            let is_shown = !stays.is_empty();
            Arc::make_mut(workload).containers = stays;
            is_shown
        });
    }
    claims::give_way(workloads, &marked);
    workloads.extend(apart);
    workloads.extend(marked);
}

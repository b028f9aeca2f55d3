//! Pod specs with their containers and image volumes: in the templates of workloads, in `CronJob`s, and in
//! a `Pod` itself.
//!
//! Aliases are not followed on the way down (a file of a few lines could otherwise hold millions of
//! containers); where one stands in the way the caller is told, so that nobody waits in vain.

use std::borrow::Cow;
use std::collections::HashSet;

use super::super::yaml::{Kind, NodeRef};
use super::{Ask, Find, Library, Slot, Spot};

/// The lists of a pod spec that hold containers, and whether kustomize replaces the images of those.
const LISTS: [(&str, bool); 3] = [("containers", true), ("initContainers", true), ("ephemeralContainers", false)];

/// The pod spec of an object: that of `spec.template`, of `spec.jobTemplate.spec.template`, or for a
/// `Pod` its `spec`.
pub(super) fn read<'a>(object: NodeRef<'a>, kind: &str, _: &Ask<'_>, _: &'a Library, find: &mut Find<'a>) {
    let Some(pod_spec) = spec_of(object, kind, find) else { return };
    find.pods = find.slots.len()..find.slots.len();
    for (list, is_replaced) in LISTS {
        read_list(pod_spec, list, find);
        if is_replaced {
            find.pods.end = find.slots.len();
        }
    }
    read_volumes(pod_spec, find);
    find.is_patch |= is_patch(pod_spec);
}

fn spec_of<'a>(object: NodeRef<'a>, kind: &str, find: &mut Find<'a>) -> Option<NodeRef<'a>> {
    let mut hidden = None;
    let spec = step(object, "spec", &mut hidden);
    let pod_spec = spec.and_then(|spec| {
        if kind == "Pod" {
            return Some(spec);
        }
        let job = step(spec, "jobTemplate", &mut hidden).and_then(|template| step(template, "spec", &mut hidden));
        let template = step(job.unwrap_or(spec), "template", &mut hidden)?;
        find.template_annotations = template.get("metadata").and_then(|metadata| metadata.get("annotations"));
        step(template, "spec", &mut hidden)
    });
    find.hidden = find.hidden.or(hidden);
    pod_spec
}

/// The value of a key, unless an alias or a merge stands there.
fn step<'a>(node: NodeRef<'a>, key: &str, hidden: &mut Option<NodeRef<'a>>) -> Option<NodeRef<'a>> {
    let value = node.get(key);
    let here = match value {
        Some(value) => value.is_alias().then_some(value),
        None => node.get("<<"),
    };
    *hidden = hidden.or(here);
    value.filter(|value| !value.is_alias())
}

fn read_list<'a>(pod_spec: NodeRef<'a>, list: &str, find: &mut Find<'a>) {
    let Some(containers) = step(pod_spec, list, &mut find.hidden) else { return };
    for (index, node) in containers.items().enumerate() {
        if node.kind() != Kind::Mapping {
            find.hidden = find.hidden.or_else(|| node.is_alias().then_some(node));
            continue;
        }
        let image = node.get("image");
        if image.is_none() {
            find.hidden = find.hidden.or_else(|| node.get("<<"));
        }
        find.is_patch |= is_patch(node);
        find.slots.push(Slot {
            name: node.get("name").and_then(|name| name.resolved().text()).map(Cow::Borrowed),
            spot: image.map(Spot::whole),
            file: None,
            node,
            position: format!("{list}[{index}]"),
            is_aside: false,
        });
    }
}

/// Volumes that are images (`image.reference`). They carry a name beside the containers', with `volumes.`
/// before it where a container has it, and what is said for all containers is not meant for them.
fn read_volumes<'a>(pod_spec: NodeRef<'a>, find: &mut Find<'a>) {
    let Some(volumes) = pod_spec.get("volumes").filter(|volumes| !volumes.is_alias()) else { return };
    let taken: HashSet<String> = find.slots.iter().filter_map(|slot| slot.name.as_deref()).map(Into::into).collect();
    for (index, node) in volumes.items().enumerate() {
        let Some(reference) = node.get("image").and_then(|image| image.get("reference")) else { continue };
        let name = node
            .get_text("name")
            .map(|name| if taken.contains(name) { Cow::Owned(format!("volumes.{name}")) } else { Cow::Borrowed(name) });
        find.slots.push(Slot {
            name,
            spot: Some(Spot::whole(reference)),
            file: None,
            node,
            position: format!("volumes[{index}]"),
            is_aside: true,
        });
    }
}

/// Whether a mapping has the directives of a strategic-merge patch.
fn is_patch(node: NodeRef<'_>) -> bool {
    let directive = |key: &str| key == "$patch" || key == "$retainKeys" || key.starts_with("$setElementOrder/");
    node.entries().any(|(key, _)| key.text().is_some_and(directive))
}

#[cfg(test)]
mod tests;

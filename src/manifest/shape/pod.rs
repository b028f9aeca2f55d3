//! Pod specs: in the templates of workloads, in `CronJob`s, and in a `Pod` itself.
//!
//! Aliases are not followed on the way down (a file of a few lines could otherwise hold millions of
//! containers); where one stands in the way the caller is told, so that nobody waits in vain.

use super::super::yaml::{Kind, NodeRef};

/// The lists of a pod spec that hold containers.
const LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// The containers of one object.
#[derive(Debug, Clone)]
pub(in crate::manifest) struct Pod<'a> {
    /// In the order of the text, list by list.
    pub(in crate::manifest) slots: Vec<Slot<'a>>,
    /// The first alias or merge key that stood in the way, if one did.
    pub(in crate::manifest) hidden: Option<NodeRef<'a>>,
    /// Whether this is part of an object only, to be merged into another (a strategic-merge patch).
    pub(in crate::manifest) is_patch: bool,
    /// The annotations of the pod template, which are not those of the workload.
    pub(in crate::manifest) template_annotations: Option<NodeRef<'a>>,
}

/// One container.
#[derive(Debug, Clone)]
pub(in crate::manifest) struct Slot<'a> {
    /// The value of `name`.
    pub(in crate::manifest) name: Option<NodeRef<'a>>,
    /// The value of `image`.
    pub(in crate::manifest) image: Option<NodeRef<'a>>,
    /// The container itself.
    pub(in crate::manifest) node: NodeRef<'a>,
    /// `containers[0]`
    pub(in crate::manifest) position: String,
}

/// The pod spec of an object: that of `spec.template`, of `spec.jobTemplate.spec.template`, or for a
/// `Pod` its `spec`. `None` where there is no container,
/// and nothing that could hide one.
pub(in crate::manifest) fn read<'a>(object: NodeRef<'a>, kind: &str) -> Option<Pod<'a>> {
    let mut pod = Pod { slots: Vec::new(), hidden: None, is_patch: false, template_annotations: None };
    if let Some(pod_spec) = pod.spec_of(object, kind) {
        for list in LISTS {
            pod.read_list(pod_spec, list);
        }
        pod.is_patch |= is_patch(pod_spec);
    }
    (!pod.slots.is_empty() || pod.hidden.is_some()).then_some(pod)
}

impl<'a> Pod<'a> {
    fn spec_of(&mut self, object: NodeRef<'a>, kind: &str) -> Option<NodeRef<'a>> {
        let spec = self.step(object, "spec")?;
        if kind == "Pod" {
            return Some(spec);
        }
        let job = self.step(spec, "jobTemplate").and_then(|template| self.step(template, "spec"));
        let template = self.step(job.unwrap_or(spec), "template")?;
        self.template_annotations = template.get("metadata").and_then(|metadata| metadata.get("annotations"));
        self.step(template, "spec")
    }

    /// The value of a key, unless an alias or a merge stands there.
    fn step(&mut self, node: NodeRef<'a>, key: &str) -> Option<NodeRef<'a>> {
        let value = node.get(key);
        let hidden = match value {
            Some(value) => value.is_alias().then_some(value),
            None => node.get("<<"),
        };
        self.hidden = self.hidden.or(hidden);
        value.filter(|value| !value.is_alias())
    }

    fn read_list(&mut self, pod_spec: NodeRef<'a>, list: &str) {
        let Some(containers) = self.step(pod_spec, list) else { return };
        for (index, node) in containers.items().enumerate() {
            if node.kind() != Kind::Mapping {
                self.hidden = self.hidden.or_else(|| node.is_alias().then_some(node));
                continue;
            }
            let image = node.get("image");
            if image.is_none() {
                self.hidden = self.hidden.or_else(|| node.get("<<"));
            }
            self.is_patch |= is_patch(node);
            let position = format!("{list}[{index}]");
            self.slots.push(Slot { name: node.get("name"), image, node, position });
        }
    }
}

/// Whether a mapping has the directives of a strategic-merge patch.
fn is_patch(node: NodeRef<'_>) -> bool {
    let directive = |key: &str| key == "$patch" || key == "$retainKeys" || key.starts_with("$setElementOrder/");
    node.entries().any(|(key, _)| key.text().is_some_and(directive))
}

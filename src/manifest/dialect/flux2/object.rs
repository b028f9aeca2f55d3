//! `ImagePolicy` and `ImageRepository` objects as plain data. Knows their fields and nothing of markers.

use super::rule;
use crate::image::Reference;
use crate::manifest::problem::Place;
use crate::manifest::workload::WorkloadId;
use crate::manifest::yaml::{Kind, NodeRef};
use crate::path::RepoPath;
use crate::policy::{Peer, Policy, PolicyBuilder};

/// The API group of the objects, all versions.
const GROUP: &str = "image.toolkit.fluxcd.io/";

/// What the controller leaves out when nothing is said. Signatures are never candidates here.
const DEFAULT_EXCLUSION: &str = r"^.*\.sig$";

/// What an object is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectName {
    /// `metadata.namespace`, where the file says one.
    pub namespace: Option<String>,
    /// `metadata.name`.
    pub name: String,
}

/// An `ImagePolicy`: which tag of a repository is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct ImagePolicy {
    /// What it is called.
    pub name: ObjectName,
    /// Where it begins.
    pub place: Place,
    /// `spec.imageRepositoryRef`.
    pub repository: ObjectName,
    /// Which tag; or what is wrong with it or not supported yet, and how to mend it.
    pub rule: Result<Policy, String>,
    /// `spec.suspend`.
    pub is_suspended: bool,
    /// Whether whole images are to be written with their digest (`spec.digestReflectionPolicy`).
    pub wants_digest: bool,
}

/// An `ImageRepository`: where the images of a policy lie.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageRepository {
    /// What it is called.
    pub name: ObjectName,
    /// Where it begins.
    pub place: Place,
    /// `spec.image`, without tag and digest; or what is wrong, and how to mend it.
    pub image: Result<Reference, String>,
    /// `spec.suspend`.
    pub is_suspended: bool,
}

/// Adds the policy or repository that this object is, if it is one.
pub(in crate::manifest) fn read(
    object: NodeRef<'_>,
    id: &WorkloadId,
    file: &RepoPath,
    policies: &mut Vec<ImagePolicy>,
    repositories: &mut Vec<ImageRepository>,
) {
    if !object.get_text("apiVersion").is_some_and(|version| version.starts_with(GROUP)) {
        return;
    }
    let name = ObjectName { namespace: id.namespace.clone(), name: id.name.clone() };
    let place = object.place(file);
    let spec = object.get("spec");
    let is_suspended = spec.and_then(|spec| spec.get_text("suspend")) == Some("true");
    match id.kind.as_str() {
        "ImagePolicy" => policies.push(ImagePolicy {
            repository: repository_of(spec, &name),
            rule: named(&rule::read(spec).into(), &format!("ImagePolicy {name}")),
            wants_digest: spec
                .and_then(|spec| spec.get_text("digestReflectionPolicy"))
                .is_some_and(|policy| policy != "Never"),
            name,
            place,
            is_suspended,
        }),
        "ImageRepository" => repositories.push(ImageRepository { image: image(spec), name, place, is_suspended }),
        _ => {}
    }
}

/// The policy of ours, with the name of the object that says it.
fn named(peer: &Peer, name: &str) -> Result<Policy, String> {
    let policy = peer.policy().map_err(|error| error.to_string())?;
    PolicyBuilder::from_policy(&policy).preset(name).build().map_err(|error| error.to_string())
}

/// What `imageRepositoryRef` names; without a namespace, the one of the policy.
fn repository_of(spec: Option<NodeRef<'_>>, policy: &ObjectName) -> ObjectName {
    let reference = spec.and_then(|spec| spec.get("imageRepositoryRef"));
    let text = |key| reference.and_then(|reference| reference.get_text(key)).filter(|text| !text.is_empty());
    ObjectName {
        namespace: text("namespace").map(str::to_owned).or_else(|| policy.namespace.clone()),
        name: text("name").unwrap_or_default().to_owned(),
    }
}

fn image(spec: Option<NodeRef<'_>>) -> Result<Reference, String> {
    let text = spec.and_then(|spec| spec.get_text("image")).unwrap_or_default();
    let image = Reference::parse(text).map_err(|error| format!("`spec.image` is no repository: {error}"))?;
    if image.tag().is_some() || image.digest().is_some() {
        return Err(format!("`spec.image` is to name a repository alone; write `{}`", image.name()));
    }
    let excluded = spec.and_then(|spec| spec.get("exclusionList")).map(NodeRef::resolved);
    let is_default = excluded.is_none_or(|list| {
        list.is_null()
            || (list.kind() == Kind::Sequence
                && list.items().all(|item| item.resolved().text() == Some(DEFAULT_EXCLUSION)))
    });
    if is_default {
        Ok(image)
    } else {
        Err("`spec.exclusionList` is not supported yet; remove it, or mark the image with `# landwaiter: … exclude=…`"
            .to_owned())
    }
}

impl std::fmt::Display for ObjectName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace.as_deref().unwrap_or("-"), self.name)
    }
}

//! `ImagePolicy` and `ImageRepository` objects as plain data. Knows their fields and nothing of markers.

use super::rule;
use crate::image::Reference;
use crate::manifest::problem::Place;
use crate::manifest::workload::WorkloadId;
use crate::manifest::yaml::{Kind, NodeRef};
use crate::path::RepoPath;
use crate::policy::peer::Flux2;
use crate::policy::{Peer, Policy, PolicyBuilder};

/// The API group of the objects, all versions.
const GROUP: &str = "image.toolkit.fluxcd.io/";

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
    /// What it says, without the exclusion list of its repository.
    pub setting: Flux2,
    /// Which tag, as far as the policy says it; or what is wrong with it, and how to mend it.
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
    /// `spec.exclusionList`, where it is stated.
    pub exclusion: Option<Box<[Box<str>]>>,
    /// `spec.suspend`.
    pub is_suspended: bool,
}

impl ImagePolicy {
    /// Which tag, of a repository with this exclusion list.
    ///
    /// # Errors
    /// What is wrong with the policy or, where [`rule`](Self::rule) is none, with the list.
    pub fn excluding(&self, list: &[Box<str>]) -> Result<Policy, String> {
        named(Flux2 { exclusion: Some(list.into()), ..self.setting.clone() }, &self.name)
    }
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
        "ImagePolicy" => {
            let setting = rule::read(spec);
            policies.push(ImagePolicy {
                repository: repository_of(spec, &name),
                rule: named(setting.clone(), &name),
                setting,
                wants_digest: spec
                    .and_then(|spec| spec.get_text("digestReflectionPolicy"))
                    .is_some_and(|policy| policy != "Never"),
                name,
                place,
                is_suspended,
            });
        }
        "ImageRepository" => {
            let (image, exclusion) = match exclusion(spec) {
                Ok(exclusion) => (image(spec), exclusion),
                Err(reason) => (Err(reason), None),
            };
            repositories.push(ImageRepository { name, place, image, exclusion, is_suspended });
        }
        _ => {}
    }
}

/// The policy of ours, with the name of the object that says it.
fn named(setting: Flux2, name: &ObjectName) -> Result<Policy, String> {
    let policy = Peer::from(setting).policy().map_err(|error| error.to_string())?;
    let named = PolicyBuilder::from_policy(&policy).preset(&format!("ImagePolicy {name}"));
    named.build().map_err(|error| error.to_string())
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
    Ok(image)
}

fn exclusion(spec: Option<NodeRef<'_>>) -> Result<Option<Box<[Box<str>]>>, String> {
    let list = spec.and_then(|spec| spec.get("exclusionList")).map(NodeRef::resolved);
    let Some(list) = list.filter(|list| !list.is_null()) else { return Ok(None) };
    let texts = || list.items().map(|item| item.resolved().text().map(Box::from)).collect::<Option<_>>();
    let texts = if list.kind() == Kind::Sequence { texts() } else { None };
    texts.map(Some).ok_or_else(|| "`spec.exclusionList` is no list of expressions; write one, or remove it".to_owned())
}

impl std::fmt::Display for ObjectName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace.as_deref().unwrap_or("-"), self.name)
    }
}

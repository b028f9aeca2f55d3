//! Flux version 2: comments such as `# {"$imagepolicy": "flux-system:app:tag"}`, the `ImagePolicy` and
//! `ImageRepository` objects that they name, and the `ImageUpdateAutomation`s that follow them.
//!
//! Read as plain data, file by file. Must not know which files there are: who names whom is joined by
//! the floor above. `policy.rs`, `repository.rs` and `automation.rs` know one kind of object each,
//! `selector.rs` labels, `fields.rs` how fields are read.

mod automation;
mod fields;
mod policy;
mod repository;
mod selector;

use std::collections::BTreeMap;
use std::fmt;

use super::nearest;
use crate::manifest::problem::Problem;
use crate::manifest::setting::Setting;
use crate::manifest::workload::WorkloadId;
use crate::manifest::yaml::NodeRef;
use crate::path::RepoPath;
pub use automation::{ImageUpdateAutomation, Reach};
use fields::Fields;
pub use policy::{ImagePolicy, Wanted};
pub use repository::{Access, ImageRepository, Scanned};
pub use selector::{Labels, Selector};

/// The API group of the objects, all versions.
const GROUP: &str = "image.toolkit.fluxcd.io/";

/// The label that every namespace has, with its name.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// A `Namespace`, by whose labels others may let it in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// What it is called.
    pub name: Box<str>,
    /// Its labels, also the one that every namespace has.
    pub labels: Labels,
}

/// What an object is called.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ObjectName {
    /// `metadata.namespace`, where the file says one.
    pub namespace: Option<String>,
    /// `metadata.name`.
    pub name: String,
}

/// The objects of Flux in a file, in its order.
#[derive(Debug, Clone, Default)]
pub struct FluxObjects {
    /// The `ImagePolicy` objects.
    pub policies: Vec<ImagePolicy>,
    /// The `ImageRepository` objects.
    pub repositories: Vec<ImageRepository>,
    /// The `ImageUpdateAutomation` objects.
    pub automations: Vec<ImageUpdateAutomation>,
    /// The `Namespace` objects.
    pub namespaces: Vec<Namespace>,
}

/// The key that makes a comment a marker.
pub(in crate::manifest) const KEY: &str = "$imagepolicy";

/// What a marker asks to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The namespace of the policy.
    pub namespace: Box<str>,
    /// The name of the policy.
    pub policy: Box<str>,
    /// Which part of the chosen image.
    pub part: ImagePart,
}

/// A part of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImagePart {
    /// The whole image.
    Whole,
    /// `:tag`
    Tag,
    /// `:name`, the repository.
    Name,
    /// `:digest`
    Digest,
}

/// What a comment asks for; `None` for one that is no marker, and the message with its mend for one that
/// was meant to be one. Flux wants the whole comment to be one JSON object of texts.
pub(in crate::manifest) fn read_comment(comment: &str) -> Option<Result<Wish, (String, String)>> {
    if !comment.starts_with('{') {
        return None;
    }
    if !comment.contains(KEY) {
        let is_shouted = comment.to_ascii_lowercase().contains(KEY);
        return is_shouted.then(|| {
            let mend = format!("write `{KEY}` in lower case");
            Err(("Flux knows no such key, since capitals count, and passes over the marker".to_owned(), mend))
        });
    }
    let wrong = |message: String| {
        (message, format!("write `# {{\"{KEY}\": \"namespace:name:tag\"}}` and nothing else in the comment"))
    };
    Some(match serde_json::from_str::<BTreeMap<String, String>>(comment) {
        Err(error) => Err(wrong(format!("the marker is no JSON object of texts: {error}"))),
        Ok(words) => {
            words.get(KEY).ok_or_else(|| wrong(format!("the marker has no key `{KEY}`"))).and_then(|value| wish(value))
        }
    })
}

fn wish(value: &str) -> Result<Wish, (String, String)> {
    let mut parts = value.splitn(3, ':');
    let (namespace, policy, suffix) =
        (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next());
    if namespace.trim().is_empty() || policy.trim().is_empty() {
        let mend = "write both, as in `flux-system:app`";
        return Err((format!("`{value}` is no `namespace:name` of a policy"), mend.to_owned()));
    }
    let part = match suffix {
        None => ImagePart::Whole,
        Some("tag") => ImagePart::Tag,
        Some("name") => ImagePart::Name,
        Some("digest") => ImagePart::Digest,
        Some(suffix) => {
            let mend = match nearest(suffix, ["tag", "name", "digest"].into_iter(), |known| known) {
                Some(meant) => format!("did you mean `:{meant}`?"),
                None => {
                    "write `:tag`, `:name` or `:digest` behind the name of the policy, or nothing for the whole image"
                        .to_owned()
                }
            };
            return Err((format!("`{value}` asks for the unknown part `{suffix}`"), mend));
        }
    };
    Ok(Wish { namespace: namespace.into(), policy: policy.into(), part })
}

/// The selector of labels at a path in an object, or in a part of one, of any API.
pub(super) fn read_selector(
    part: NodeRef<'_>,
    id: &WorkloadId,
    file: &RepoPath,
    path: &str,
) -> Result<Selector, Problem> {
    Selector::read(&Fields::of(part, id, file), path)
}

/// Adds what this object is, if it is one of Flux, or a namespace, and what it says beyond images and tags.
/// What is wrong with it is reported.
pub(in crate::manifest) fn read(
    object: NodeRef<'_>,
    id: &WorkloadId,
    file: &RepoPath,
    objects: &mut FluxObjects,
    settings: &mut Vec<Setting>,
    problems: &mut Vec<Problem>,
) {
    let version = object.get_text("apiVersion").unwrap_or_default();
    if (version, id.kind.as_str()) == ("v1", "Namespace") {
        objects.namespaces.push(Namespace::new(&id.name, selector::labels_of(object)));
        return;
    }
    if !version.starts_with(GROUP) {
        return;
    }
    let fields = Fields::of(object, id, file);
    match id.kind.as_str() {
        "ImagePolicy" => objects.policies.push(policy::read(object, &fields, problems)),
        "ImageRepository" => {
            objects.repositories.push(repository::read(&fields, problems));
            repository::settings(&fields, settings);
        }
        "ImageUpdateAutomation" => {
            objects.automations.push(automation::read(&fields, problems));
            automation::settings(&fields, settings);
        }
        _ => {}
    }
}

impl Namespace {
    /// A namespace with these labels beside the one that has its name.
    #[must_use]
    pub fn new(name: &str, mut labels: Labels) -> Self {
        labels.insert(NAME_LABEL.into(), name.into());
        Self { name: name.into(), labels }
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace.as_deref().unwrap_or("-"), self.name)
    }
}

impl fmt::Display for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.policy)
    }
}

#[cfg(test)]
mod tests;

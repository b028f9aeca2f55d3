//! What the objects of Flux say beyond images and tags, as plain data for those who move a repository over.
//!
//! Must not know what becomes of it.

use super::fields::Fields;
use crate::manifest::problem::Place;
use crate::manifest::yaml::Kind;

/// One field that says how Flux works, and not which tag is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The object, `ImageUpdateAutomation flux-system/flux`.
    pub owner: Box<str>,
    /// The field, `spec.git.commit.author.email`.
    pub key: Box<str>,
    /// What is written in it; of a list or mapping, that it is one.
    pub value: Box<str>,
    /// Where the value stands.
    pub place: Place,
    /// The option of `landwaiter run` that says the same, `--git-email`; `None` where there is none yet.
    pub option: Option<&'static str>,
}

impl Setting {
    /// The setting in this field, if anything is written there.
    pub(super) fn read(fields: &Fields<'_, '_>, path: &str, option: Option<&'static str>) -> Option<Self> {
        let node = fields.get(path).ok()??;
        let value = match node.kind() {
            Kind::Mapping => "{…}",
            Kind::Sequence => "[…]",
            _ => node.text().filter(|text| !text.is_empty())?,
        };
        let (owner, place) = (fields.who().into(), fields.place_of(node));
        Some(Self { owner, key: path.into(), value: value.into(), place, option })
    }
}

//! Which keys say an image: the eight shapes of Flux, and more where a path leads to them.
//!
//! Must not know aliases.

use super::super::super::yaml::{Kind, NodeRef};
use super::super::field_path::FieldPath;
use super::super::{Spot, TAG_KEYS};
use super::{Layer, Level};
use crate::image::Reference;
use crate::path::RepoPath;

/// The keys that can carry the name of an image where a path leads to the mapping, the surest first.
const NAMES: [&str; 4] = ["newName", "repository", "image", "name"];

/// An image, and the file of the scalar that carries its tag.
#[derive(Debug, Clone, Copy)]
pub(in crate::manifest::shape) struct Found<'a> {
    pub(in crate::manifest::shape) spot: Spot<'a>,
    pub(in crate::manifest::shape) file: Option<&'a RepoPath>,
}

/// Which keys count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::manifest::shape) enum Width {
    /// Those that Flux knows: `registry`, `repository`, `tag`, and `digest`.
    Flux,
    /// All that are in use for the parts of an image, since a path says that one stands here.
    Any,
}

/// The image at this level, in one of the eight shapes: `image` says it whole or is a mapping of parts;
/// `registry` and `tag` may stand beside a whole one.
pub(super) fn at<'a>(level: &Level<'a>) -> Option<Found<'a>> {
    let image = level.get("image")?;
    if image.is_mapping() {
        return of_parts(&image, Width::Flux);
    }
    let name = image.scalar().filter(|layer| is_text(layer.node))?;
    Some(beside(level, name, Width::Flux))
}

/// The image at the end of a path, which led to `level` from `root`.
pub(in crate::manifest::shape) fn explicit<'a>(
    root: &Level<'a>,
    path: &FieldPath,
    level: &Level<'a>,
    width: Width,
) -> Option<Found<'a>> {
    if level.is_mapping() {
        let inner = level.get("image").filter(Level::is_mapping);
        return inner.and_then(|image| of_parts(&image, width)).or_else(|| of_parts(level, width));
    }
    let scalar = level.scalar()?;
    let around = path.parent().map_or_else(|| Some(root.clone()), |parent| root.look(&parent).ok());
    let around = around.filter(Level::is_mapping);
    match (path.last_key(), around) {
        // The tag of an image stands for the image.
        (Some(key), Some(around)) if TAG_KEYS.contains(&key) && NAMES.iter().any(|name| around.get(name).is_some()) => {
            of_parts(&around, width)
        }
        _ if !is_text(scalar.node) => None,
        (Some(_), Some(around)) => Some(beside(&around, scalar, width)),
        _ => Some(assemble(None, scalar, None, None)),
    }
}

/// The image whose parts paths lead to.
pub(in crate::manifest::shape) fn at_path<'a>(
    registry: Option<&Level<'a>>,
    repository: &Level<'a>,
    tag: Option<&Level<'a>>,
    digest: Option<&Level<'a>>,
) -> Option<Found<'a>> {
    let scalar = |level: &Level<'a>| level.scalar();
    let registry = match registry {
        Some(registry) => Some(scalar(registry)?),
        None => None,
    };
    let tag = match tag {
        Some(tag) => Some(scalar(tag)?),
        None => None,
    };
    let digest = digest.and_then(scalar).filter(|layer| is_text(layer.node));
    Some(assemble(registry, scalar(repository)?, tag, digest))
}

/// An image in parts. None where a merge may say more of them.
fn of_parts<'a>(level: &Level<'a>, width: Width) -> Option<Found<'a>> {
    let names: &[&str] = if width == Width::Any { &NAMES } else { &["repository"] };
    let said = |key: &str| level.get(key).and_then(|value| value.scalar());
    let repository = names.iter().find_map(|name| said(name).filter(|layer| is_text(layer.node)))?;
    if level.get("<<").is_some() {
        return None;
    }
    let tag = tag_of(level, repository, width);
    Some(assemble(said("registry"), repository, tag, said("digest")))
}

/// An image that one scalar says, with what stands beside it.
fn beside<'a>(level: &Level<'a>, name: Layer<'a>, width: Width) -> Found<'a> {
    let said = |key: &str| level.get(key).and_then(|value| value.scalar());
    // A flag or a number of this name is about something else.
    let text = |key: &str| said(key).filter(|layer| is_text(layer.node) || is_empty(layer.node));
    let tag = tag_of(level, name, width);
    assemble(text("registry"), name, tag, text("digest"))
}

/// The key with the tag. An image that has one of its own is contradicted by `tag` only; other keys may
/// say something else there.
fn tag_of<'a>(level: &Level<'a>, name: Layer<'a>, width: Width) -> Option<Layer<'a>> {
    let said = |key: &str| level.get(key).and_then(|value| value.scalar());
    let reference = name.node.resolved().text().and_then(|text| Reference::parse(text).ok());
    let is_tagged = reference.is_some_and(|image| image.tag().is_some() || image.digest().is_some());
    let keys = if width == Width::Any && !is_tagged { &TAG_KEYS[..] } else { &TAG_KEYS[..1] };
    keys.iter().find_map(|key| said(key))
}

fn assemble<'a>(
    registry: Option<Layer<'a>>,
    repository: Layer<'a>,
    tag: Option<Layer<'a>>,
    digest: Option<Layer<'a>>,
) -> Found<'a> {
    let node = |layer: Layer<'a>| layer.node;
    let spot = Spot {
        registry: registry.map(node),
        repository: repository.node,
        tag: tag.map(node),
        digest: digest.map(node),
        lead: 0,
        needs_tag: true,
    };
    Found { spot, file: tag.unwrap_or(repository).file }
}

/// Whether every reader takes this for a text, and not for a flag or a number.
fn is_text(node: NodeRef<'_>) -> bool {
    matches!(node.resolved().kind(), Kind::Scalar(_)) && node.resolved().is_string()
}

fn is_empty(node: NodeRef<'_>) -> bool {
    node.resolved().is_null() || node.resolved().text() == Some("")
}

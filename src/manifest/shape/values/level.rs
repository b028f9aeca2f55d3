//! Values that lie over one another: those of an object over those of files, as Helm merges them.
//!
//! Must not know what the keys mean. Aliases and merges are not followed.

use std::collections::HashMap;

use super::super::super::yaml::{Kind, NodeRef};
use super::super::field_path::{FieldPath, Miss};
use crate::path::RepoPath;

/// The same place in several layers of values, the one that wins first.
#[derive(Debug, Clone, Default)]
pub(in crate::manifest::shape) struct Level<'a> {
    layers: Vec<Layer<'a>>,
}

/// One of them.
#[derive(Debug, Clone, Copy)]
pub(in crate::manifest::shape) struct Layer<'a> {
    /// What is written.
    pub(in crate::manifest::shape) node: NodeRef<'a>,
    /// The file in which it stands, where that is not the one of the object.
    pub(in crate::manifest::shape) file: Option<&'a RepoPath>,
}

impl<'a> Level<'a> {
    /// Values of one layer.
    pub(in crate::manifest::shape) fn of(node: NodeRef<'a>, file: Option<&'a RepoPath>) -> Self {
        Self { layers: vec![Layer { node, file }] }
    }

    /// Adds a layer below the others.
    pub(in crate::manifest::shape) fn push(&mut self, node: NodeRef<'a>, file: Option<&'a RepoPath>) {
        self.layers.push(Layer { node, file });
    }

    /// The layer that wins.
    pub(super) fn top(&self) -> Option<Layer<'a>> {
        self.layers.first().copied()
    }

    /// The value that wins, where that is a scalar, or an alias of one.
    pub(super) fn scalar(&self) -> Option<Layer<'a>> {
        self.top().filter(|layer| matches!(layer.node.resolved().kind(), Kind::Scalar(_)))
    }

    pub(super) fn is_mapping(&self) -> bool {
        self.top().is_some_and(|layer| layer.node.kind() == Kind::Mapping)
    }

    /// What the layers say under a key. A mapping lies over the mappings below it; anything else hides
    /// what is below, and is hidden by a mapping above.
    pub(super) fn get(&self, key: &str) -> Option<Self> {
        Self::merged(self.layers.iter().filter_map(|layer| Some(Layer { node: layer.node.get(key)?, ..*layer })))
    }

    /// The keys of all layers, once each, with what the layers say under them.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, Self)> {
        let mut keys = HashMap::new();
        let mut entries: Vec<(&'a str, Vec<(usize, Layer<'a>)>)> = Vec::new();
        for (number, layer) in self.layers.iter().enumerate() {
            for (key, node) in layer.node.entries() {
                let Some(key) = key.text() else { continue };
                let at = *keys.entry(key).or_insert(entries.len());
                if at == entries.len() {
                    entries.push((key, Vec::new()));
                }
                let said = &mut entries[at].1;
                // Of a key that stands twice in one layer the first counts.
                if said.last().is_none_or(|(last, _)| *last != number) {
                    said.push((number, Layer { node, ..*layer }));
                }
            }
        }
        let merged =
            |(key, said): (&'a str, Vec<_>)| Some((key, Self::merged(said.into_iter().map(|(_, layer)| layer))?));
        entries.into_iter().filter_map(merged)
    }

    /// What the layers say at the end of a path.
    ///
    /// # Errors
    /// [`Miss`] of the layer in which the path leads furthest.
    pub(in crate::manifest::shape) fn look(&self, path: &FieldPath) -> Result<Self, Miss> {
        let mut found = Vec::new();
        let mut missed: Option<Miss> = None;
        for layer in &self.layers {
            match path.look(layer.node) {
                Ok(node) => found.push(Layer { node, ..*layer }),
                Err(miss) if missed.as_ref().is_none_or(|missed| miss.depth > missed.depth) => missed = Some(miss),
                Err(_) => {}
            }
        }
        Self::merged(found.into_iter()).ok_or_else(|| {
            let nothing = || Miss { depth: 0, message: "there are no values".into(), mend: "write them".into() };
            missed.unwrap_or_else(nothing)
        })
    }

    /// The alias or merge that stands where the image of this level would be.
    pub(super) fn hidden_image(&self) -> Option<NodeRef<'a>> {
        let Layer { node, .. } = self.top()?;
        let image = node.get("image");
        match image {
            Some(image) if image.is_alias() => Some(image).filter(|image| image.resolved().kind() == Kind::Mapping),
            Some(image) => image.get("<<"),
            None => None,
        }
    }

    fn merged(layers: impl Iterator<Item = Layer<'a>>) -> Option<Self> {
        let mut merged = Vec::new();
        for layer in layers {
            let is_mapping = layer.node.kind() == Kind::Mapping;
            if is_mapping || merged.is_empty() {
                merged.push(layer);
            }
            if !is_mapping {
                break;
            }
        }
        (!merged.is_empty()).then_some(Self { layers: merged })
    }
}

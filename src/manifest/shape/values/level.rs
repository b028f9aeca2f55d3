//! Values that lie over one another: those of an object over those of files, as Helm merges them.
//!
//! Must not know what the keys mean. Aliases and merges are not followed.

use std::collections::HashMap;

use super::super::super::yaml::{Kind, NodeRef};
use super::super::field_path::{DeadEnd, FieldPath, leads_through_a_list};
use super::parameters::{Below, Parameters};
use crate::path::RepoPath;

/// The same place in several layers of values, the one that wins first.
#[derive(Debug, Clone, Default)]
pub(in crate::manifest::shape) struct Level<'a> {
    /// Single values, which win over all layers.
    parameters: Parameters<'a>,
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
        Self { layers: vec![Layer { node, file }], ..Self::default() }
    }

    /// Values of parameters alone.
    pub(in crate::manifest::shape) fn under(parameters: Parameters<'a>) -> Self {
        Self { parameters, layers: Vec::new() }
    }

    /// Adds a layer below the others.
    pub(in crate::manifest::shape) fn push(&mut self, node: NodeRef<'a>, file: Option<&'a RepoPath>) {
        self.layers.push(Layer { node, file });
    }

    /// The layer that wins.
    pub(in crate::manifest::shape) fn top(&self) -> Option<Layer<'a>> {
        self.layers.first().copied()
    }

    /// The value that wins, where that is a scalar, or an alias of one.
    pub(in crate::manifest::shape) fn scalar(&self) -> Option<Layer<'a>> {
        self.top().filter(|layer| self.parameters.is_empty() && matches!(layer.node.resolved().kind(), Kind::Scalar(_)))
    }

    pub(super) fn is_mapping(&self) -> bool {
        !self.parameters.is_empty() || self.top().is_some_and(|layer| layer.node.kind() == Kind::Mapping)
    }

    /// What the layers say under a key. A mapping lies over the mappings below it; anything else hides
    /// what is below, and is hidden by a mapping above.
    pub(in crate::manifest::shape) fn get(&self, key: &str) -> Option<Self> {
        let mut found = Vec::new();
        for layer in &self.layers {
            match layer.node.get(key) {
                Some(node) => found.push(Layer { node, ..*layer }),
                // A merge may bring the key, and hides what is below.
                None if layer.node.get("<<").is_some() => break,
                None => {}
            }
        }
        Self::laid(self.parameters.get(key), found.into_iter())
    }

    /// The keys of all parameters and layers, once each, with what is said under them.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, Self)> {
        let mut keys = HashMap::new();
        let mut entries: Vec<(&'a str, Vec<(usize, Layer<'a>)>)> = Vec::new();
        for key in self.parameters.keys() {
            if *keys.entry(key).or_insert(entries.len()) == entries.len() {
                entries.push((key, Vec::new()));
            }
        }
        let mut merges = Vec::new();
        for (number, layer) in self.layers.iter().enumerate() {
            for (key, node) in layer.node.entries() {
                let Some(key) = key.text() else { continue };
                let at = *keys.entry(key).or_insert(entries.len());
                if at == entries.len() {
                    entries.push((key, Vec::new()));
                }
                let said = &mut entries[at].1;
                // A merge further up may bring the key. Of one that stands twice in one layer the first counts.
                let is_hidden = merges.iter().any(|merge| !said.iter().any(|(above, _)| above == merge));
                if !is_hidden && said.last().is_none_or(|(last, _)| *last != number) {
                    said.push((number, Layer { node, ..*layer }));
                }
            }
            if layer.node.get("<<").is_some() {
                merges.push(number);
            }
        }
        let parameters = self.parameters.clone();
        entries.into_iter().filter_map(move |(key, said)| {
            let layers = said.into_iter().map(|(_, layer)| layer);
            Some((key, Self::laid(parameters.get(key), layers)?))
        })
    }

    /// What the layers say at the end of a path.
    ///
    /// # Errors
    /// [`DeadEnd`] of the layer in which the path leads furthest.
    pub(in crate::manifest::shape) fn look(&self, path: &FieldPath) -> Result<Self, DeadEnd> {
        let mut found = Vec::new();
        let mut furthest: Option<DeadEnd> = None;
        for layer in &self.layers {
            match path.look(layer.node) {
                Ok(node) => {
                    found.push(Layer { node, ..*layer });
                    // Lists are not laid over one another.
                    if leads_through_a_list(layer.node, node) {
                        break;
                    }
                }
                Err(end) => {
                    let hides = end.hides;
                    if furthest.as_ref().is_none_or(|furthest| end.depth > furthest.depth) {
                        furthest = Some(end);
                    }
                    if hides {
                        break;
                    }
                }
            }
        }
        Self::laid(self.below(path), found.into_iter()).ok_or_else(|| {
            let nothing =
                || DeadEnd { depth: 0, hides: false, message: "there are no values".into(), mend: "write them".into() };
            furthest.unwrap_or_else(nothing)
        })
    }

    /// What the parameters say at the end of a path.
    fn below(&self, path: &FieldPath) -> Below<'a> {
        let mut below = Below::Mapping(self.parameters.clone());
        for word in path.words() {
            below = match (below, word) {
                (Below::Mapping(parameters), Some(word)) => parameters.get(word),
                (Below::Mapping(_) | Below::Nothing, _) => return Below::Nothing,
                // A value stands where the path would lead further.
                (Below::Value(_) | Below::Both, _) => return Below::Both,
            };
        }
        below
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

    /// Parameters over layers. A single value hides all that is below; a mapping is hidden by nothing.
    fn laid(parameters: Below<'a>, layers: impl Iterator<Item = Layer<'a>>) -> Option<Self> {
        let parameters = match parameters {
            Below::Value(Layer { node, file }) => return Some(Self::of(node, file)),
            Below::Both => return Some(Self::default()),
            Below::Mapping(parameters) => parameters,
            Below::Nothing => Parameters::default(),
        };
        let mut merged = Vec::new();
        for layer in layers {
            let is_mapping = layer.node.kind() == Kind::Mapping;
            if is_mapping || (merged.is_empty() && parameters.is_empty()) {
                merged.push(layer);
            }
            if !is_mapping {
                break;
            }
        }
        (!merged.is_empty() || !parameters.is_empty()).then_some(Self { parameters, layers: merged })
    }
}

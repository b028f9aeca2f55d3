//! One image, whole or in parts: which nodes say its registry, repository, tag and digest.
//!
//! Must not know where such nodes are looked for.

use crate::image::{InvalidReference, Reference};
use crate::manifest::edit::{Obstacle, Scalar};
use crate::manifest::workload::ImageField;
use crate::manifest::yaml::NodeRef;
use crate::path::RepoPath;

/// The keys that can carry the tag of an image by itself, the surest first.
pub(super) const TAG_KEYS: [&str; 4] = ["tag", "newTag", "imageTag", "version"];

/// The nodes that say an image.
#[derive(Debug, Clone, Copy)]
pub(in crate::manifest) struct Spot<'a> {
    /// The host, where it is written apart.
    pub(in crate::manifest) registry: Option<NodeRef<'a>>,
    /// The repository, which may hold registry, tag and digest as well.
    pub(in crate::manifest) repository: NodeRef<'a>,
    /// The tag, where it is written apart. May hold a digest behind `@`.
    pub(in crate::manifest) tag: Option<NodeRef<'a>>,
    /// The digest, where it is written apart.
    pub(in crate::manifest) digest: Option<NodeRef<'a>>,
    /// How many bytes of the repository's text stand before the image: those of `old=` where an image
    /// takes the place of another.
    pub(in crate::manifest) lead: usize,
    /// Whether a tag must be written somewhere to be changed: what a chart makes of an image without
    /// one is not known. A container's image gets its tag behind the name.
    pub(in crate::manifest) needs_tag: bool,
}

/// Why the nodes say no image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::manifest) enum Misread {
    /// A part is no scalar, or not written.
    NoText,
    /// The text is no image.
    Invalid(InvalidReference),
}

impl<'a> Spot<'a> {
    /// An image that one node says whole.
    pub(in crate::manifest) fn whole(repository: NodeRef<'a>) -> Self {
        Self { registry: None, repository, tag: None, digest: None, lead: 0, needs_tag: false }
    }

    /// An image that one node says whole, behind the name of the one that it replaces: `old=new:tag`.
    pub(in crate::manifest) fn replacing(repository: NodeRef<'a>) -> Self {
        let text = repository.resolved().text().unwrap_or_default();
        Self { lead: text.find('=').map_or(0, |equals| equals + 1), ..Self::whole(repository) }
    }

    /// The node that carries the tag.
    pub(in crate::manifest) fn carrier(self) -> NodeRef<'a> {
        self.tag.unwrap_or(self.repository)
    }

    /// The nodes that say something.
    fn parts(self) -> [Option<NodeRef<'a>>; 4] {
        [Some(self.repository), self.registry, self.tag, self.digest]
    }

    /// Whether both are the same nodes.
    pub(in crate::manifest) fn is_same(self, other: Self) -> bool {
        let known = |part: Option<NodeRef<'a>>| part.map(|node| (std::ptr::from_ref(node.tree()), node.id()));
        self.parts().map(known) == other.parts().map(known)
    }

    /// Whether a part of it holds `{{`.
    pub(in crate::manifest) fn is_template(self) -> bool {
        let mut texts = self.parts().into_iter().flatten().filter_map(|node| node.resolved().text());
        texts.any(|text| text.contains("{{"))
    }

    /// Reads the image. Parts that are written empty (`registry: ""`) count as not written, but a tag
    /// that is written empty is where the new one goes.
    ///
    /// # Errors
    /// [`Misread`] when the texts make no image.
    pub(in crate::manifest) fn read(self, file: &RepoPath) -> Result<ImageField, Misread> {
        let said = |node: NodeRef<'a>| node.resolved().text().ok_or(Misread::NoText);
        let (lead, repository) = said(self.repository)?.split_at_checked(self.lead).ok_or(Misread::NoText)?;
        let optional = |node: Option<NodeRef<'a>>| match node {
            Some(node) => said(node).map(|_| node.written()),
            None => Ok(None),
        };
        let (registry, digest, tag) = (optional(self.registry)?, optional(self.digest)?, optional(self.tag)?);
        let mut written = match registry {
            Some(registry) => format!("{}/{repository}", registry.trim_end_matches('/')),
            None => repository.to_owned(),
        };
        let alone = Reference::parse(&written).map_err(Misread::Invalid)?;
        let both = self.tag.is_some() && (alone.tag().is_some() || alone.digest().is_some());
        if let Some(tag) = tag.filter(|_| !both) {
            written = format!("{written}:{tag}");
        }
        if let Some(digest) = digest.filter(|_| !written.contains('@')) {
            written = format!("{written}@{digest}");
        }
        let reference = Reference::parse(&written).map_err(Misread::Invalid)?;
        let scalar = Scalar::at(self.carrier(), file);
        let field = match (self.tag, registry) {
            (Some(_), _) => ImageField::split(reference, scalar),
            (None, None) if lead.is_empty() => ImageField::whole(reference, scalar),
            (None, None) => {
                let before = format!("{lead}{}:", reference.name());
                ImageField::within(reference, scalar, &before, "")
            }
            // The registry stands elsewhere, so that the scalar holds the rest of the name.
            (None, Some(_)) => {
                let name = Reference::parse(repository).map_or(repository.len(), |image| image.name().len());
                let before = format!("{}:", repository.get(..name).unwrap_or(repository));
                ImageField::within(reference, scalar, &before, "")
            }
        };
        let untagged = self.needs_tag && self.tag.is_none() && field.reference().tag().is_none();
        let obstacle = match (both, digest) {
            (true, _) => Some(Obstacle::TwoTruths),
            (false, Some(_)) => Some(Obstacle::DigestBeside),
            (false, None) => (untagged && field.reference().digest().is_none()).then_some(Obstacle::Untagged),
        };
        Ok(field.with_obstacle(obstacle))
    }
}

impl std::fmt::Display for Misread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoText => f.write_str("its image is not a string"),
            Self::Invalid(error) => write!(f, "its image cannot be read: {error}"),
        }
    }
}

//! A marked value: the image that it says by itself, with its neighbours, or of a repository that is
//! told. Must not know who tells it.

use std::fmt;

use super::text;
use super::{Entry, Siblings, Target, is_block, is_image_key, is_tag_key, takes_tag};
use crate::image::{Digest, Reference, Repository, Tag};
use crate::manifest::edit::{Obstacle, Scalar};
use crate::manifest::problem::shown;
use crate::manifest::shape::{Misread, Spot};
use crate::manifest::workload::ImageField;
use crate::manifest::yaml::{Kind, NodeRef};
use crate::path::RepoPath;

/// A marked value. Holds nothing of the tree, so that it can wait for its repository.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::manifest) struct Marked {
    scalar: Scalar,
    text: Box<str>,
    key: Box<str>,
    /// What the neighbours say is the repository.
    beside: Option<Box<str>>,
    /// What stands in the way of a new tag.
    obstacle: Option<Obstacle>,
    /// Whether the tag stands beside, under a key of its own.
    has_tag_beside: bool,
    own: Result<ImageField, Miss>,
}

/// Why no image, or not the one that is meant, is found at a marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::manifest) enum Miss {
    /// A list, or a mapping without the parts of an image.
    NoValue,
    /// Nothing is written.
    Empty,
    /// `|` or `>`.
    Block,
    /// The text is no image, and no neighbour says one.
    NoImage {
        /// The text.
        text: String,
    },
    /// Parts that make no image together.
    Unreadable(Misread),
    /// More than one image.
    Several {
        /// The first two of them.
        images: Box<[String; 2]>,
    },
    /// Another image than the one that is meant.
    Other {
        /// What is said.
        says: String,
        /// What is meant.
        meant: Repository,
    },
    /// A digest and nothing else.
    Digest,
    /// Nothing in the text can be the tag.
    NoTag {
        /// The text.
        text: String,
    },
    /// The tag stands under a key of its own.
    TagBeside,
}

impl Marked {
    /// Looks at the value that a marker speaks of.
    pub(in crate::manifest) fn read(target: &Target<'_>, file: &RepoPath) -> Result<Self, Miss> {
        let node = target.node;
        match node.resolved().kind() {
            Kind::Mapping if !node.is_alias() => return Self::parts(node, file),
            Kind::Scalar(_) => {}
            _ => return Err(Miss::NoValue),
        }
        if is_block(node.resolved()) {
            return Err(Miss::Block);
        }
        let text = node.resolved().text().filter(|_| !node.resolved().is_null()).ok_or(Miss::Empty)?;
        let siblings = target.entry.map(|entry: Entry<'_>| entry.siblings).unwrap_or_default();
        let key = target.entry.and_then(|entry| entry.key.text()).unwrap_or_default();
        let repository = siblings.repository(key).filter(|sibling| sibling.id() != node.id());
        let has_tag_beside = siblings.tag.is_some_and(|tag| tag.id() != node.id());
        let seen = Seen { node, text, key, siblings, repository, has_tag_beside, file };
        Ok(seen.marked(seen.own()))
    }

    /// A mapping that holds the parts of an image.
    fn parts(mapping: NodeRef<'_>, file: &RepoPath) -> Result<Self, Miss> {
        let siblings = Siblings::of(mapping);
        let entry = mapping.entries().find(|(key, _)| matches!(key.text(), Some("tag" | "newTag" | "imageTag")));
        let (key, node) = entry.ok_or(Miss::NoValue)?;
        let key = key.text().unwrap_or_default();
        let repository = siblings.repository(key);
        let text = node.resolved().text().filter(|_| repository.is_some()).ok_or(Miss::NoValue)?;
        let seen = Seen { node, text, key, siblings, repository, has_tag_beside: false, file };
        Ok(seen.marked(seen.split()))
    }

    /// The image that the value says by itself or together with its neighbours.
    pub(in crate::manifest) fn own(&self) -> Result<ImageField, Miss> {
        Ok(self.own.clone()?.with_obstacle(self.obstacle.clone()))
    }

    /// The image of this repository that the value says: whole, inside a longer text, or with the tag alone.
    pub(in crate::manifest) fn image_or_tag(&self, name: &Reference) -> Result<ImageField, Miss> {
        match self.image(name) {
            Err(Miss::NoImage { .. }) => self.tag(name),
            found => found,
        }
    }

    /// The image of this repository that the value says, whole or inside a longer text.
    pub(in crate::manifest) fn image(&self, name: &Reference) -> Result<ImageField, Miss> {
        if is_digest(&self.text) {
            return Err(Miss::Digest);
        }
        let meant = name.repository();
        let whole = Reference::parse(&self.text).ok();
        if let Some(whole) = whole.as_ref().filter(|whole| whole.repository() == meant && !is_tag_key(&self.key)) {
            if self.has_tag_beside {
                return Err(Miss::TagBeside);
            }
            return Ok(self.field(ImageField::whole(whole.clone(), self.scalar.clone())));
        }
        let (own, others): (Vec<_>, Vec<_>) =
            text::images(&self.text).into_iter().partition(|(_, image)| image.repository() == meant);
        match &own[..] {
            [(span, image)] => return Ok(self.field(self.within(image.clone(), span.start, span.end))),
            [(_, one), (_, two), ..] => return Err(several(one, two)),
            [] => {}
        }
        let other = others.into_iter().map(|(_, image)| image).next();
        match other.or_else(|| whole.filter(|_| is_image_key(&self.key))) {
            Some(image) => Err(Miss::Other { says: image.name().to_owned(), meant: meant.clone() }),
            None => Err(Miss::NoImage { text: shown(&self.text) }),
        }
    }

    /// The tag of an image of this repository that the value says, alone or in a longer text. The
    /// neighbours must not say another repository.
    pub(in crate::manifest) fn tag(&self, name: &Reference) -> Result<ImageField, Miss> {
        if let Some(says) = self.beside.as_deref().filter(|says| !names_repository(says, name.repository())) {
            return Err(Miss::Other { says: shown(says), meant: name.repository().clone() });
        }
        if is_tag(&self.text) {
            let written =
                if self.text.is_empty() { name.name().to_owned() } else { format!("{}:{}", name.name(), self.text) };
            let reference = Reference::parse(&written).map_err(|error| Miss::Unreadable(Misread::Invalid(error)))?;
            return Ok(self.field(ImageField::split(reference, self.scalar.clone())));
        }
        match self.image(name) {
            Err(Miss::NoImage { .. }) => {}
            found => return found,
        }
        let no_tag = || Miss::NoTag { text: shown(&self.text) };
        let span = text::tag(&self.text).ok_or_else(no_tag)?;
        let reference = Reference::parse(&format!("{}:{}", name.name(), &self.text[span.clone()]));
        let reference = reference.map_err(|error| Miss::Unreadable(Misread::Invalid(error)))?;
        Ok(self.field(self.within(reference, span.start, span.end)))
    }

    /// Whether the value names this repository and says no more.
    pub(in crate::manifest) fn is_name_of(&self, name: &Reference) -> bool {
        Reference::parse(&self.text)
            .is_ok_and(|said| said.repository() == name.repository() && said.tag().is_none() && said.digest().is_none())
    }

    /// The value itself, shortened.
    pub(in crate::manifest) fn text(&self) -> String {
        shown(&self.text)
    }

    fn field(&self, field: ImageField) -> ImageField {
        field.with_obstacle(self.obstacle.clone())
    }

    fn within(&self, image: Reference, start: usize, end: usize) -> ImageField {
        ImageField::within(image, self.scalar.clone(), &self.text[..start], &self.text[end..])
    }
}

/// A marked scalar in its tree, with what stands around it.
struct Seen<'a, 'f> {
    node: NodeRef<'a>,
    text: &'a str,
    key: &'a str,
    siblings: Siblings<'a>,
    /// The neighbour that says the repository.
    repository: Option<NodeRef<'a>>,
    has_tag_beside: bool,
    file: &'f RepoPath,
}

impl Seen<'_, '_> {
    /// The image that the value says by itself or together with its neighbours.
    fn own(&self) -> Result<ImageField, Miss> {
        let Self { node, text, key, .. } = *self;
        if is_digest(text) {
            return Err(Miss::Digest);
        }
        if is_tag_key(key) && is_tag(text) {
            return self.split();
        }
        let is_whole = |image: &Reference| {
            image.tag().is_some() || image.digest().is_some() || text.contains('/') || is_image_key(key)
        };
        if Reference::parse(text).is_ok_and(|image| is_whole(&image)) {
            if self.has_tag_beside {
                return Err(Miss::TagBeside);
            }
            let registry = self.siblings.registry.filter(|_| key == "repository");
            // A name under another key gets its tag from elsewhere, and is no name any more with one behind it.
            let spot = Spot { registry, needs_tag: !takes_tag(key), ..Spot::whole(node) };
            return spot.read(self.file).map_err(Miss::Unreadable);
        }
        match &text::images(text)[..] {
            [(span, image)] => {
                let scalar = Scalar::at(node, self.file);
                Ok(ImageField::within(image.clone(), scalar, &text[..span.start], &text[span.end..]))
            }
            [(_, one), (_, two), ..] => Err(several(one, two)),
            [] if is_tag(text) => self.split(),
            [] => Err(Miss::NoImage { text: shown(text) }),
        }
    }

    /// The value as a tag whose repository stands beside it.
    fn split(&self) -> Result<ImageField, Miss> {
        let repository = self.repository.ok_or_else(|| Miss::NoImage { text: shown(self.text) })?;
        let Siblings { registry, digest, .. } = self.siblings;
        let spot = Spot { registry, tag: Some(self.node), digest, ..Spot::whole(repository) };
        spot.read(self.file).map_err(Miss::Unreadable)
    }

    /// The same without the tree, with the image that was found.
    fn marked(&self, own: Result<ImageField, Miss>) -> Marked {
        let registry = self.siblings.registry.and_then(NodeRef::written);
        let beside = self.repository.and_then(NodeRef::written).map(|repository| match registry {
            Some(registry) => format!("{}/{repository}", registry.trim_end_matches('/')),
            None => repository.to_owned(),
        });
        let pins = |digest: NodeRef<'_>| digest.written().is_some() || digest.resolved().text().is_none();
        Marked {
            scalar: Scalar::at(self.node, self.file),
            text: self.text.into(),
            key: self.key.into(),
            beside: beside.map(Into::into),
            obstacle: self.siblings.digest.is_some_and(pins).then_some(Obstacle::DigestBeside),
            has_tag_beside: self.has_tag_beside,
            own,
        }
    }
}

/// Whether a text is a digest alone. It could be taken for an image, and its digits for a tag.
fn is_digest(text: &str) -> bool {
    Digest::parse(text).is_ok()
}

/// Whether a text is a tag, with a digest behind it or not, or an empty place for one.
fn is_tag(text: &str) -> bool {
    let tag = text.split_once('@').map_or(text, |(tag, _)| tag);
    text.is_empty() || Tag::parse(tag).is_ok()
}

/// Whether a text names this repository. One that says no registry leaves it open: charts add one.
pub(in crate::manifest::shape) fn names_repository(text: &str, repository: &Repository) -> bool {
    let Ok(said) = Reference::parse(text) else { return true };
    let first = said.name().split('/').next().unwrap_or_default();
    let has_registry = said.name().contains('/') && (first.contains(['.', ':']) || first == "localhost");
    said.repository() == repository || (!has_registry && said.name() == repository.path())
}

fn several(one: &Reference, two: &Reference) -> Miss {
    Miss::Several { images: Box::new([one.to_string(), two.to_string()]) }
}

impl Miss {
    /// How to mend it.
    pub(in crate::manifest) fn mend(&self) -> &'static str {
        match self {
            Self::NoValue => "write it behind the image or the tag, or on the line above",
            Self::Empty => "write the image or the tag that is deployed now",
            Self::Block => "write the value on one line behind its key",
            Self::NoImage { .. } | Self::Several { .. } => "say which image is meant with `image=ghcr.io/org/app`",
            Self::Unreadable(_) => "write an image such as `registry.example.com/app:1.2`",
            Self::Other { .. } => "have both name the same image",
            Self::Digest => "remove the digest, and mark the tag",
            Self::NoTag { .. } => "write the tag at the end of the value, behind a `=`, a `:` or a blank",
            Self::TagBeside => "write the marker behind the tag",
        }
    }
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoValue => f.write_str("the marker stands on a list or mapping that is no image"),
            Self::Empty => f.write_str("the marker stands on a key without a value"),
            Self::Block => f.write_str("the marker stands on a block of text, which is never changed"),
            Self::NoImage { text } => write!(f, "`{text}` is no image, and no repository stands beside it"),
            Self::Unreadable(misread) => write!(f, "the image is not followed: {misread}"),
            Self::Several { images } => write!(f, "the text says several images, `{}` and `{}`", images[0], images[1]),
            Self::Other { says, meant } => write!(f, "the image here is `{says}`, and the marker means `{meant}`"),
            Self::Digest => f.write_str("the marker stands on a digest, and digests are not followed yet"),
            Self::NoTag { text } => write!(f, "nothing in `{text}` can be the tag"),
            Self::TagBeside => f.write_str("the tag of this image stands under a key of its own"),
        }
    }
}

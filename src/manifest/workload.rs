//! What a file is read as: workloads, their containers, and what their annotations ask for.
//!
//! Plain values for the floors above, without the text they were read from. How they are found is the
//! business of `shape.rs`, how the annotations are read that of `dialect.rs` and `mandate.rs`.

use std::fmt;
use std::ops::Range;

use jiff::Timestamp;

use super::edit::{Change, Gap, Obstacle, Refusal, Scalar};
use super::problem::{Place, Problem, Rule, Severity};
use super::yaml::{NodeRef, Trail, Tree};
use crate::image::{Reference, Tag};
use crate::policy::{Peer, Policy};

/// The name of a workload, `namespace/Kind/name` in [`Display`](fmt::Display), with `-` for a
/// namespace that is not written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkloadId {
    /// `metadata.namespace`.
    pub namespace: Option<String>,
    /// `kind`.
    pub kind: String,
    /// `metadata.name`, or `metadata.generateName` where there is no name; of a file with values alone, that
    /// of the file.
    pub name: String,
}

/// An object with containers.
#[derive(Debug, Clone, PartialEq)]
pub struct Workload {
    /// What it is called.
    pub id: WorkloadId,
    /// Where it begins.
    pub place: Place,
    /// Where the words about it stand: the object that is annotated, or the comment. Where a kustomization
    /// says its images, that is another place than its own.
    pub words_at: Place,
    /// Whether `automated: "true"` is written, whatever else stands in the way.
    pub automated: bool,
    /// What may happen to its images.
    pub automation: Automation,
    /// Its containers that have a readable image, in the order of the file.
    pub containers: Vec<Container>,
    /// What it says to other tools that has no equivalent here, in the order of the file.
    pub leftovers: Vec<Leftover>,
}

/// A setting of another tool that has no equivalent here, and that holds nothing up: who moves away from
/// that tool should know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// The key as written: `keel.sh/pollSchedule`.
    pub key: Box<str>,
    /// What it says; empty where that is no single value.
    pub value: Box<str>,
    /// Where the key stands.
    pub place: Place,
    /// Why nothing is done with it, and what is there instead.
    pub why: &'static str,
}

/// What may happen to the images of a workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Automation {
    /// Nothing: nobody asked for it.
    Off,
    /// They follow their policies.
    On,
    /// Nothing, whether `automated` or not: `ignore: "true"` is written.
    Ignored,
    /// Nothing as long as the lock holds, whether `automated` or not.
    Locked(Lock),
    /// Nothing, whether `automated` or not: an annotation is wrong in a way that could widen a policy,
    /// or the file must not be touched.
    Held {
        /// What is wrong, and how to mend it.
        reason: String,
        /// Where it stands.
        place: Place,
    },
}

/// Somebody's word that nothing should change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    /// Who locked it.
    pub by: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// The first moment when it no longer holds; `None` for as long as it is written.
    pub until: Option<Timestamp>,
}

/// A container and the image it runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Container {
    /// Its name, or its position (`containers[0]`) where it has none.
    pub name: String,
    /// Its image.
    pub image: ImageField,
    /// What its image follows.
    pub policy: ContainerPolicy,
    /// The same in the words of the tool in whose dialect it is asked for, where that tool is another one.
    pub peer: Option<Peer>,
    /// Whether it is a container or an init container of a pod, whose image a kustomization replaces.
    pub is_replaceable: bool,
}

/// What a container's image follows.
#[derive(Debug, Clone, PartialEq)]
pub enum ContainerPolicy {
    /// No annotation speaks about it.
    Unstated,
    /// This.
    Stated(Policy),
    /// Nothing, since what is written is wrong.
    Invalid {
        /// What is wrong, and how to mend it.
        reason: String,
        /// Where it stands.
        place: Place,
    },
    /// Nothing: what is written here is replaced elsewhere, by a kustomization for example, and the
    /// image is followed there.
    Elsewhere {
        /// Where it is followed.
        place: Place,
    },
}

/// An image in a file, and where its tag is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageField {
    reference: Reference,
    carrier: Carrier,
    /// What stands in the way beyond the scalar itself.
    obstacle: Option<Obstacle>,
}

/// What carries the tag.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Carrier {
    /// A scalar whose text is the tag between these two texts. An image without a tag has its name
    /// and the colon before it.
    Scalar { scalar: Scalar, before: Box<str>, after: Box<str> },
    /// Nothing yet: the key is to be inserted.
    Gap(Gap),
}

impl WorkloadId {
    /// What an object of this kind is called.
    pub(super) fn of(object: NodeRef<'_>, kind: &str) -> Self {
        let metadata = object.get("metadata");
        let text = |key| metadata.and_then(|metadata| metadata.get_text(key)).filter(|text| !text.is_empty());
        Self {
            namespace: text("namespace").map(str::to_owned),
            kind: kind.to_owned(),
            name: text("name").or_else(|| text("generateName")).unwrap_or("-").to_owned(),
        }
    }

    /// What a file is called that holds values and no object.
    pub(super) fn of_values(file: &str) -> Self {
        Self { namespace: None, kind: "Values".to_owned(), name: file.to_owned() }
    }
}

impl Workload {
    /// What may happen to the images at this moment: a lock that has run out is none.
    #[must_use]
    pub fn automation_at(&self, now: Timestamp) -> &Automation {
        match &self.automation {
            Automation::Locked(lock) if !lock.holds_at(now) && self.automated => &Automation::On,
            Automation::Locked(lock) if !lock.holds_at(now) => &Automation::Off,
            automation => automation,
        }
    }
}

impl ContainerPolicy {
    /// Whether another one comes to the same for an image with this tag, perhaps in the words of another
    /// dialect.
    #[must_use]
    pub fn means_the_same_as(&self, other: &Self, current: Option<&Tag>) -> bool {
        match (self, other) {
            (Self::Stated(one), Self::Stated(two)) => one.means_the_same_as(two, current),
            (one, two) => one == two,
        }
    }
}

impl Lock {
    /// Whether the lock holds at this moment.
    #[must_use]
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

impl ImageField {
    /// An image that one scalar says whole.
    pub(super) fn whole(reference: Reference, scalar: Scalar) -> Self {
        let before = format!("{}:", reference.name());
        Self::within(reference, scalar, &before, "")
    }

    /// An image whose tag is a scalar by itself.
    pub(super) fn split(reference: Reference, tag: Scalar) -> Self {
        Self::within(reference, tag, "", "")
    }

    /// An image whose tag stands between two texts in a scalar.
    pub(super) fn within(reference: Reference, scalar: Scalar, before: &str, after: &str) -> Self {
        let carrier = Carrier::Scalar { scalar, before: before.into(), after: after.into() };
        Self { reference, carrier, obstacle: None }
    }

    /// An image whose tag has no key yet.
    pub(super) fn absent(reference: Reference, gap: Gap) -> Self {
        Self { reference, carrier: Carrier::Gap(gap), obstacle: None }
    }

    /// The same image with something in the way.
    pub(super) fn with_obstacle(self, obstacle: Option<Obstacle>) -> Self {
        Self { obstacle: self.obstacle.or(obstacle), ..self }
    }

    /// The same field for an image whose tag is said elsewhere as long as none is written here.
    pub(super) fn with_reference(self, reference: Reference) -> Self {
        Self { reference, ..self }
    }

    /// The image as it stands in the file; put together where its parts stand in several places.
    #[must_use]
    pub fn reference(&self) -> &Reference {
        &self.reference
    }

    /// Where its tag stands: the whole image, or the tag alone; where there is no tag yet, the place
    /// behind which it is inserted.
    #[must_use]
    pub fn place(&self) -> &Place {
        match &self.carrier {
            Carrier::Scalar { scalar, .. } => scalar.place(),
            Carrier::Gap(gap) => gap.place(),
        }
    }

    /// The bytes in the file of the value that holds the tag, inside the quotes where there are any.
    /// Empty where the value is not written in one piece, and `None` where it is not written at all.
    #[must_use]
    pub fn span(&self) -> Option<Range<usize>> {
        match &self.carrier {
            Carrier::Scalar { scalar, .. } => Some(scalar.span()),
            Carrier::Gap(_) => None,
        }
    }

    /// What the value that holds the tag says with this one: the whole image, the tag alone, or the
    /// longer text around it.
    #[must_use]
    pub fn text_with(&self, tag: &Tag) -> String {
        match &self.carrier {
            Carrier::Scalar { before, after, .. } => format!("{before}{tag}{after}"),
            Carrier::Gap(_) => tag.to_string(),
        }
    }

    /// Whether there is such a value, and it says the tag and nothing else.
    #[must_use]
    pub fn is_tag_alone(&self) -> bool {
        matches!(&self.carrier, Carrier::Scalar { before, after, .. } if before.is_empty() && after.is_empty())
    }

    /// Why a new tag cannot be written here, as far as it is known beforehand.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        let (own, place) = match &self.carrier {
            Carrier::Scalar { scalar, .. } => (scalar.refusal(), scalar.place()),
            Carrier::Gap(gap) => (gap.refusal(), gap.place()),
        };
        let pinned = self.reference.digest().map(|_| Obstacle::Pinned);
        let beyond = self.obstacle.clone().or(pinned).map(|obstacle| Refusal { place: place.clone(), obstacle });
        beyond.or(own)
    }

    /// The same as a word to those who wait for a change.
    #[must_use]
    pub fn warning(&self) -> Option<Problem> {
        let refusal = self.refusal()?;
        let message = format!("the image `{}` cannot be changed", self.reference);
        let mend = refusal.obstacle().to_string();
        Some(Problem::new(Rule::ImageRefused, Severity::Warning, refusal.place().clone(), message, mend))
    }

    /// Whether the text, which stood in the same place in another version of the file, said this image
    /// with this tag.
    pub(super) fn said(&self, tag: &Tag, text: &str) -> bool {
        let Carrier::Scalar { before, after, .. } = &self.carrier else { return text == self.text_with(tag) };
        // Where the scalar holds the whole name, other spellings of the name are the same image.
        let whole = before.strip_suffix(':').filter(|_| after.is_empty());
        match whole.and_then(|before| before.strip_suffix(self.reference.name())) {
            Some(lead) => {
                let then = text.strip_prefix(lead).and_then(|text| Reference::parse(text).ok());
                then.is_some_and(|then| then.repository() == self.reference.repository() && then.tag() == Some(tag))
            }
            None => text == self.text_with(tag),
        }
    }

    /// The way to the value that holds the tag, in the tree that it was found in.
    pub(super) fn trail(&self, tree: &Tree) -> Option<Trail> {
        match &self.carrier {
            Carrier::Scalar { scalar, .. } => scalar.trail(tree),
            Carrier::Gap(gap) => gap.trail(tree),
        }
    }

    /// The change that writes this tag.
    pub(super) fn change(&self, tag: &Tag) -> Change<'_> {
        let value = self.text_with(tag);
        match &self.carrier {
            Carrier::Scalar { scalar, .. } => Change::Set { scalar, value },
            Carrier::Gap(gap) => Change::Insert { gap, value },
        }
    }
}

impl fmt::Display for WorkloadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.namespace.as_deref().unwrap_or("-"), self.kind, self.name)
    }
}

//! What a file is read as: workloads, their containers, and what their annotations ask for.
//!
//! Plain values for the floors above. How they are found is the business of `document.rs`, how the
//! annotations are read that of `dialect.rs` and `mandate.rs`.

use std::fmt;
use std::ops::Range;

use jiff::Timestamp;

use super::edit::{Obstacle, Refusal, Scalar};
use super::problem::Place;
use crate::image::{Reference, Tag};
use crate::policy::Policy;

/// The name of a workload, `namespace/Kind/name` in [`Display`](fmt::Display), with `-` for a
/// namespace that is not written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkloadId {
    /// `metadata.namespace`.
    pub namespace: Option<String>,
    /// `kind`.
    pub kind: String,
    /// `metadata.name`, or `metadata.generateName` where there is no name.
    pub name: String,
}

/// An object with containers.
#[derive(Debug, Clone, PartialEq)]
pub struct Workload {
    /// What it is called.
    pub id: WorkloadId,
    /// Where it begins.
    pub place: Place,
    /// Whether `automated: "true"` is written, whatever else stands in the way.
    pub automated: bool,
    /// What may happen to its images.
    pub automation: Automation,
    /// Its containers that have a readable image, in the order of the file.
    pub containers: Vec<Container>,
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
}

/// An image in a file, and the scalar that says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageField {
    reference: Reference,
    /// The scalar with the whole image. Shapes that split the image keep one scalar per part.
    whole: Scalar,
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

impl Lock {
    /// Whether the lock holds at this moment.
    #[must_use]
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

impl ImageField {
    pub(super) fn new(reference: Reference, whole: Scalar) -> Self {
        Self { reference, whole }
    }

    /// The image as it stands in the file.
    #[must_use]
    pub fn reference(&self) -> &Reference {
        &self.reference
    }

    /// Where it stands.
    #[must_use]
    pub fn place(&self) -> &Place {
        self.whole.place()
    }

    /// The bytes of its value in the file, inside the quotes where there are any. Empty where the
    /// value is not written in one piece; then [`refusal`](Self::refusal) says so.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.whole.span()
    }

    /// Why a new tag cannot be written here, if it cannot.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        let pinned = self.reference.digest().map(|_| self.whole.refuse(Obstacle::Pinned));
        self.whole.refusal().or(pinned)
    }

    /// The scalars that have to change for this tag, and what they say then.
    pub(super) fn changes(&self, tag: &Tag) -> Result<Vec<(&Scalar, String)>, Refusal> {
        match self.refusal() {
            Some(refusal) => Err(refusal),
            None => Ok(vec![(&self.whole, self.reference.with_tag(tag))]),
        }
    }
}

impl fmt::Display for WorkloadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.namespace.as_deref().unwrap_or("-"), self.kind, self.name)
    }
}

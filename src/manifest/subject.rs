//! Who is spoken about in an object, and what is asked for them: the words between the shapes, which
//! find images, and the dialects, which ask for policies. Must not know how either is written.

use super::problem::Place;
use super::workload::{Automation, ContainerPolicy, Leftover};
use crate::image::Tag;
use crate::policy::{Dialect, Peer};

/// A container, as far as annotations can speak about it.
#[derive(Debug, Clone)]
pub(super) struct Subject<'a> {
    /// Its name, if it has one.
    pub(super) name: Option<&'a str>,
    /// What it is called where it has no name: `initContainers[0]`.
    pub(super) position: &'a str,
    /// Where it stands.
    pub(super) place: Place,
    /// The tag that runs now.
    pub(super) tag: Option<Tag>,
    /// Whether this file says an image for it.
    pub(super) has_image: bool,
    /// Whether only its own name can mean it, and not what is said for all containers.
    pub(super) is_aside: bool,
}

/// What is asked for in one object: by one dialect, or by all that have agreed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mandate {
    /// Who asks.
    pub(super) dialect: Dialect,
    /// Where the first word of it stands; `None` where nothing is said.
    pub(super) place: Option<Place>,
    /// Whether automation is asked for; `None` where nothing is said of it.
    pub(super) automated: Option<bool>,
    /// What may happen.
    pub(super) automation: Automation,
    /// One for each subject.
    pub(super) policies: Vec<ContainerPolicy>,
    /// What the tool of that dialect was told of each subject, where it is not ours.
    pub(super) peers: Vec<Option<Peer>>,
    /// What is said that has no equivalent here.
    pub(super) leftovers: Vec<Leftover>,
}

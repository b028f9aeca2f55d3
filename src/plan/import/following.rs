//! What is done for one image, in the one spelling that all dialects share: two owners for which this is the
//! same follow it alike.
//!
//! Must not know which tags there are.

use super::study::mistake;
use super::words::comment;
use crate::image::{Reference, Repository};
use crate::manifest::{Automation, Container, ContainerPolicy, Workload};

/// What is done for one image: of which repository, how it is automated, and what it follows.
#[derive(Debug, PartialEq)]
pub(super) struct Following<'a> {
    repository: &'a Repository,
    automation: Automation,
    /// Native words; `None` where nothing is followed.
    words: Option<Said>,
}

/// Native words; `None` where no words of ours say the policy.
type Said = Option<Vec<(&'static str, String)>>;

impl<'a> Following<'a> {
    /// What is done for the image of a container. What follows nothing is the same as what excludes every tag,
    /// and as what is to be left alone.
    pub(super) fn of(workload: &Workload, container: &'a Container) -> Self {
        let image = container.image.reference();
        let words = match &container.policy {
            _ if workload.automation == Automation::Ignored => None,
            ContainerPolicy::Stated(policy) if policy.exclude().to_string() == "*" => None,
            ContainerPolicy::Stated(policy) => Some(policy.native_words(image.tag()).ok()),
            _ => None,
        };
        let automation = match &workload.automation {
            // What is not followed is not followed, for whatever reason.
            _ if words.is_none() => Automation::Off,
            Automation::Held { .. } => Automation::Ignored,
            automation => automation.clone(),
        };
        Self { repository: image.repository(), automation, words }
    }
}

/// What a comment says that marks the image of a container, behind `# `; `image` is the repository where the
/// value does not say it.
///
/// # Errors
/// Why no comment can say it.
pub(super) fn spoken(workload: &Workload, container: &Container, image: Option<&Reference>) -> Result<String, String> {
    match (mistake(workload), &container.policy) {
        (Some(reason), _) => Err(reason.to_owned()),
        (None, ContainerPolicy::Stated(policy)) => {
            comment(policy, container.image.reference().tag(), &workload.automation, image)
        }
        (None, ContainerPolicy::Invalid { reason, .. }) => Err(reason.clone()),
        (None, ContainerPolicy::Elsewhere { place }) => Err(format!("the tag that counts is written at {place}")),
        (None, ContainerPolicy::Unstated) => Err("it comes to nothing".to_owned()),
    }
}

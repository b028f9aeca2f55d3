//! What an application of Argo CD is told about its images: a native comment beside the value of each of them,
//! in whatever file that stands.
//!
//! Must not know how the images were found.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::following::{self, Following};
use super::shared::Exchange;
use super::study::{ByPlace, Study, invalid, mistake};
use super::task::Task;
use crate::image::Repository;
use crate::manifest::{
    Application, Automation, Container, ContainerPolicy, ForeignObject, ForeignWord, ImageList, ListedImage, Place,
    Reword, Workload,
};
use crate::policy::Dialect;

/// The lists of images in annotations, and what is said natively already.
pub(super) struct Lists<'a> {
    /// By the object that bears them.
    lists: BTreeMap<&'a Place, &'a ImageList>,
    /// What native words follow, wherever it stands.
    followed: HashMap<&'a Repository, Vec<&'a Container>>,
}

impl<'a> Lists<'a> {
    /// The lists of a repository.
    pub(super) fn of(study: &'a Study) -> Self {
        let applications = study.heard.manifests().flat_map(|manifest| &manifest.applications);
        let list = |application: &'a Application| Some((&application.words_at, &**application.list.as_ref()?));
        let mut followed: HashMap<_, Vec<_>> = HashMap::new();
        for workload in study.native.workloads() {
            if matches!(workload.automation, Automation::On | Automation::Locked(_)) {
                for container in &workload.containers {
                    followed.entry(container.image.reference().repository()).or_default().push(container);
                }
            }
        }
        Self { lists: applications.filter_map(list).collect(), followed }
    }

    /// The list that an object bears.
    pub(super) fn get(&self, object: &ForeignObject) -> Option<&'a ImageList> {
        self.lists.get(&object.place).copied()
    }

    /// Whether nothing would be lost with the list of an object: it is without mistakes, and native words
    /// follow each image of it in the same way.
    pub(super) fn are_said(&self, object: &ForeignObject) -> bool {
        let is_whole = |list: &ImageList| list.wrong.is_none() && list.problems.is_empty() && !list.images.is_empty();
        let list = self.get(object).filter(|list| is_whole(list));
        list.is_some_and(|list| list.images.iter().all(|image| self.is_said(image)))
    }

    fn is_said(&self, image: &ListedImage) -> bool {
        let is_same = |container: &&Container| {
            let current = container.image.reference().tag();
            matches!(image.policy, ContainerPolicy::Stated(_))
                && container.policy.means_the_same_as(&image.policy, current)
        };
        self.followed.get(image.image.repository()).is_some_and(|containers| containers.iter().any(is_same))
    }

    /// The word that stands for annotations of an application that stay although some of its images have native
    /// words, and why they stay.
    pub(super) fn stay<'o>(
        &self,
        object: &'o ForeignObject,
        tasks: &BTreeMap<Place, Task>,
    ) -> Option<(&'o ForeignWord, String)> {
        let (task, list) = (tasks.get(&object.place)?, self.get(object)?);
        let why = task.refused.as_deref()?;
        let is_done = |place: &Place| tasks.get(place).is_some_and(|needed| needed.refused.is_none());
        let is_partly_done = task.needs.iter().any(is_done) || list.images.iter().any(|image| self.is_said(image));
        let is_of_list = |word: &&ForeignWord| word.dialect == Dialect::ArgocdImageUpdater;
        let word = object.words.iter().find(|word| is_of_list(word) && word.key.ends_with("/image-list"));
        let word = word.or_else(|| object.words.iter().find(is_of_list))?;
        let why = format!("it stays, with all that belongs to it: {why}; remove it when no image needs it any more");
        is_partly_done.then_some((word, why))
    }
}

/// Whether a container is followed because of what an application is told.
pub(super) fn is_told(container: &Container) -> bool {
    container.peer.as_ref().is_some_and(|peer| peer.dialect() == Dialect::ArgocdImageUpdater)
}

/// Takes away the annotations of an application, all of them, once each image of its list has native words.
///
/// # Errors
/// Why that cannot be done.
pub(super) fn exchange(object: &ForeignObject, lists: &Lists<'_>, workloads: &[&Workload]) -> Result<Exchange, String> {
    let mut exchange = Exchange::default();
    let words = object.words.iter().enumerate().filter(|(_, word)| word.dialect == Dialect::ArgocdImageUpdater);
    let Some(list) = lists.get(object) else {
        let why = "Argo CD Image Updater does not read it here; remove it";
        exchange.stay.extend(words.map(|(number, _)| (number, why.to_owned())));
        return Ok(exchange);
    };
    let containers = workloads.iter().flat_map(|workload| &workload.containers);
    let here: HashSet<&Repository> = containers.map(|container| container.image.reference().repository()).collect();
    for image in &list.images {
        if !here.contains(image.image.repository()) && !lists.is_said(image) {
            let name = &image.name;
            return Err(format!("`{name}` of the list is not followed here, and what is said of it would be lost"));
        }
    }
    exchange.rewords.extend(words.map(|(_, word)| Reword::Remove { key: word.key.to_string() }));
    Ok(exchange)
}

/// The comment that says natively what a container follows; `None` where native words say it already, or where
/// nothing is followed whatever they say.
///
/// # Errors
/// Why no comment can say it.
pub(super) fn mark(workload: &Workload, container: &Container, native: &ByPlace<'_>) -> Result<Option<String>, String> {
    // A mistake is followed as little as what nobody speaks of, and is not the same.
    if let Some(reason) = mistake(workload).or(invalid(container)) {
        return Err(reason.to_owned());
    }
    let found = native.get(container.image.place()).map(Vec::as_slice).unwrap_or_default();
    let following = Following::of(workload, container);
    let is_said = found.iter().any(|(other, same)| Following::of(other, same) == following);
    if is_said || workload.automation == Automation::Ignored {
        return Ok(None);
    }
    if container.image.span().is_none() {
        return Err("no tag is written there that a comment could stand beside; write one".to_owned());
    }
    let image = Some(container.image.reference()).filter(|_| container.image.is_tag_alone());
    following::spoken(workload, container, image).map(Some)
}

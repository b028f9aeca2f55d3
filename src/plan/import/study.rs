//! The same repository twice: with the words of other tools heard, and with native words alone; and the words
//! of those tools as they stand.
//!
//! Must not know what is made of the difference.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use crate::manifest::{Automation, Container, ContainerPolicy, Document, ForeignObject, Place, Scope, Workload};
use crate::path::RepoPath;
use crate::plan::{Inventory, Memory, Source, Watches};
use crate::policy::Dialects;

/// A repository as other tools manage it, and as it is without their words.
#[derive(Debug)]
pub struct Study {
    /// Those of the other tools.
    pub(super) dialects: Dialects,
    /// With the words of the other tools.
    pub(super) heard: Inventory,
    /// With native words alone.
    pub(super) native: Inventory,
    /// The objects in which words of other tools stand, by place.
    pub(super) objects: BTreeMap<Place, ForeignObject>,
    /// The comments of Flux version 2, by place: what they say.
    pub(super) comments: BTreeMap<Place, String>,
}

/// Where each image stands, and who has it.
pub(super) type ByPlace<'a> = HashMap<&'a Place, Vec<(&'a Workload, &'a Container)>>;

impl Study {
    /// Reads a repository, see [`Inventory::survey`]; `dialects` are those of the other tools.
    ///
    /// # Errors
    /// The error of `source`.
    pub fn make<S: Source>(files: &[(RepoPath, S::Key)], source: &S, dialects: Dialects) -> Result<Self, S::Error> {
        let heard = Inventory::survey(files, source, Scope::Annotated, &mut Memory::hearing(dialects))?;
        let native = Inventory::survey(files, source, Scope::Annotated, &mut Memory::hearing(Dialects::of(&[])))?;
        let mut objects = BTreeMap::new();
        let mut bytes = Vec::new();
        for manifest in heard.manifests().filter(|manifest| manifest.unread.is_none()) {
            let Some(key) = source.find(&manifest.path)? else { continue };
            source.read(&key, &mut bytes)?;
            let Ok(document) = Document::open(&manifest.path, &bytes) else { continue };
            let found = document.foreign_objects(dialects);
            objects.extend(found.into_iter().map(|object| (object.place.clone(), object)));
        }
        let setters = heard.manifests().flat_map(|manifest| &manifest.markers.setters);
        let comments = setters.map(|setter| (setter.place.clone(), setter.wish.to_string())).collect();
        Ok(Self { dialects, heard, native, objects, comments })
    }

    /// The repository with the words of the other tools heard.
    #[must_use]
    pub fn inventory(&self) -> &Inventory {
        &self.heard
    }

    /// The repositories to scan.
    #[must_use]
    pub fn watches(&self, now: Timestamp) -> Watches {
        self.heard.watches(now)
    }
}

/// The containers of an inventory by the places of their images.
pub(super) fn by_place(inventory: &Inventory) -> ByPlace<'_> {
    let mut by_place = ByPlace::new();
    for workload in inventory.workloads() {
        for container in &workload.containers {
            by_place.entry(container.image.place()).or_default().push((workload, container));
        }
    }
    by_place
}

/// Why nothing can happen to a workload because of a mistake, if that is so.
pub(super) fn mistake(workload: &Workload) -> Option<&str> {
    match &workload.automation {
        Automation::Held { reason, .. } => Some(reason),
        _ => None,
    }
}

/// What is wrong with what a container follows, if something is.
pub(super) fn invalid(container: &Container) -> Option<&str> {
    match &container.policy {
        ContainerPolicy::Invalid { reason, .. } => Some(reason),
        _ => None,
    }
}

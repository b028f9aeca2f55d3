//! What Argo CD Image Updater is told of an application, and what an application deploys, as plain data.
//!
//! Words between the dialect, which reads what is asked for, the shape, which finds images, and the floor
//! above, which knows all files. Must not know how any of it is written.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::dialect::flux2::{Labels, Selector};
use super::problem::{Place, Problem};
use super::workload::{ContainerPolicy, Leftover, WorkloadId};
use crate::image::{Reference, Repository};
use crate::path::RepoPath;
use crate::policy::{NameGlob, Peer};

/// An `Application`, or an `ApplicationSet` with the template that makes some.
#[derive(Debug, Clone, PartialEq)]
pub struct Application {
    /// What the object is called.
    pub id: WorkloadId,
    /// Where it begins.
    pub place: Place,
    /// Where the object begins whose annotations speak of it: this one, or the template in it.
    pub words_at: Place,
    /// Its number among those of its file.
    pub number: usize,
    /// The name that is matched; `None` where it shows only when a template is rendered.
    pub name: Option<String>,
    /// The namespace that it stands in, where the file says one.
    pub namespace: Option<String>,
    /// Its labels.
    pub labels: Labels,
    /// What its own annotations say.
    pub list: Option<Arc<ImageList>>,
    /// What it deploys, in the order of the file.
    pub sources: Vec<ApplicationSource>,
    /// The other files that say its images, whether they exist or not.
    pub needs: Vec<RepoPath>,
}

/// One source of an application.
#[derive(Debug, Clone, PartialEq)]
pub struct ApplicationSource {
    /// Where its path is written, or the source.
    pub place: Place,
    /// Its folder.
    pub folder: SourceFolder,
    /// Which kind it says it is.
    pub stated: Option<SourceKind>,
    /// The values files that it names and that may lie in this repository.
    pub value_files: Vec<RepoPath>,
    /// The entries of its `kustomize.images`, as they are written.
    pub images: Vec<String>,
    /// Whether a plain folder is taken with all that is below it.
    pub is_recursive: bool,
    /// Whether only some files of a plain folder are taken.
    pub is_filtered: bool,
}

/// Which folder a source deploys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceFolder {
    /// None: a chart from a registry, or a source that others only refer to.
    Nowhere,
    /// One that is known only when the application is rendered, or that lies outside of the repository.
    Unknown,
    /// This one; `None` for the top of the repository.
    At(Option<RepoPath>),
}

/// What Argo CD makes of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// A chart.
    Helm,
    /// A kustomization.
    Kustomize,
    /// Plain manifests.
    Directory,
    /// Whatever a plugin makes of it.
    Plugin,
}

/// What is to be followed in one application: its annotations, or an entry of `applicationRefs`.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageList {
    /// Where it stands.
    pub place: Place,
    /// The images, in the order of the file.
    pub images: Vec<ListedImage>,
    /// Where new tags are to be written.
    pub target: WriteTarget,
    /// Why none of it is followed.
    pub wrong: Option<(String, Place)>,
    /// What is wrong with it, to be told where it is heard.
    pub problems: Vec<Problem>,
    /// What has no equivalent here.
    pub leftovers: Vec<Leftover>,
}

/// One image of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedImage {
    /// Its alias, or the last part of its name.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// The repository, without tag and digest.
    pub image: Reference,
    /// What it follows.
    pub policy: ContainerPolicy,
    /// The same in the words of the tool.
    pub peer: Option<Peer>,
    /// Where its parts stand in the values of a chart.
    pub helm: HelmKeys,
    /// The name that a kustomization has for it before it is replaced.
    pub kustomize_name: Option<String>,
    /// Whether only a plugin can write it.
    pub is_for_plugin: bool,
}

/// The keys of an image in the values of a chart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HelmKeys {
    /// Of the whole image, which makes the others meaningless.
    pub spec: Option<HelmKey>,
    /// Of the name.
    pub name: Option<HelmKey>,
    /// Of the tag.
    pub tag: Option<HelmKey>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelmKey {
    /// What says it: `web.helm.image-tag`.
    pub written: String,
    /// Where that stands.
    pub place: Place,
    /// The path in the values.
    pub path: String,
}

/// Where new tags are to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteTarget {
    /// Nothing is said: where it counts.
    Unsaid,
    /// The kustomization of a folder, where one is named.
    Kustomization {
        /// The folder as it is written.
        path: Option<String>,
        /// Where that is said.
        place: Place,
    },
    /// A values file.
    Values {
        /// The file as it is written.
        path: Option<String>,
        /// Where that is said.
        place: Place,
    },
}

/// An `ImageUpdater`.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageUpdater {
    /// What it is called.
    pub id: WorkloadId,
    /// Where it begins.
    pub place: Place,
    /// Which applications it means, the most specific first.
    pub references: Vec<ApplicationReference>,
}

/// An entry of `applicationRefs`.
#[derive(Debug, Clone, PartialEq)]
pub struct ApplicationReference {
    /// Where it stands.
    pub place: Place,
    /// Which names are meant.
    pub names: NameGlob,
    /// Which labels are meant.
    pub selector: Option<Selector>,
    /// Whether the annotations of the application are heard, and not what stands here.
    pub uses_annotations: bool,
    /// What is asked for.
    pub list: Arc<ImageList>,
}

impl ApplicationReference {
    /// Whether an application is meant, its namespace set aside. One whose name is not known is not.
    #[must_use]
    pub fn means(&self, application: &Application) -> bool {
        let named = application.name.as_deref().is_some_and(|name| self.names.matches(name));
        named && self.selector.as_ref().is_none_or(|selector| selector.matches(&application.labels))
    }
}

impl WriteTarget {
    /// Where it is said.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Unsaid => None,
            Self::Kustomization { place, .. } | Self::Values { place, .. } => Some(place),
        }
    }
}

/// The images of a list by what a kustomization calls them.
#[derive(Debug)]
pub struct ImageIndex<'l> {
    by_repository: BTreeMap<&'l Repository, Vec<usize>>,
    by_old_name: BTreeMap<Repository, Vec<usize>>,
}

impl<'l> ImageIndex<'l> {
    /// Those that are no business of a plugin.
    #[must_use]
    pub fn of(list: &'l ImageList) -> Self {
        let mut index = Self { by_repository: BTreeMap::new(), by_old_name: BTreeMap::new() };
        for (at, image) in list.images.iter().enumerate().filter(|(_, image)| !image.is_for_plugin) {
            index.by_repository.entry(image.image.repository()).or_default().push(at);
            let old = image.kustomize_name.as_deref().and_then(|name| Reference::parse(name).ok());
            if let Some(old) = old {
                index.by_old_name.entry(old.repository().clone()).or_default().push(at);
            }
        }
        index
    }

    /// The images, by number, that an entry means which puts `repository` in the place of `old`; and whether
    /// that is the repository of the list.
    #[must_use]
    pub fn behind(&self, repository: &Repository, old: Option<&str>) -> Vec<(usize, bool)> {
        let own = self.by_repository.get(repository).into_iter().flatten();
        let mut meant: Vec<(usize, bool)> = own.map(|at| (*at, true)).collect();
        let old = old.filter(|_| !self.by_old_name.is_empty()).and_then(|old| Reference::parse(old).ok());
        for at in old.and_then(|old| self.by_old_name.get(old.repository())).into_iter().flatten() {
            if !meant.iter().any(|(known, _)| known == at) {
                meant.push((*at, false));
            }
        }
        meant
    }
}

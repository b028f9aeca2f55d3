//! Applications of Argo CD, with what Argo CD Image Updater is told of them, joined with the files that their
//! sources name.
//!
//! A tag goes where it decides what runs: into the application, the values of its chart, the entry of its
//! kustomization, the manifests of its folder. Everything that is found is a claim on an image; what becomes
//! of images that others speak about as well is the business of `owners.rs`. `spoken.rs` tells which
//! applications are meant, `search.rs` looks into them and the values of their charts, `folder.rs` into
//! folders of plain manifests, `silent.rs` tells who else deploys them, `unfound.rs` why nothing was found.

mod folder;
mod made;
mod search;
mod silent;
mod spoken;
mod unfound;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use folder::{Folders, Pod};
use made::Claims;
use search::{Searched, Target};
use silent::{Deployed, Way};
use unfound::Unfound;

use super::files::Files;
use super::kustomize::{Kustomized, KustomizedEntry};
use super::opened::Opened;
use super::shared::Speakers;
use super::shelf::{Reached, Shelf};
use super::{Inventory, Source};
use crate::manifest::{
    ApplicationSource, Automation, Container, ContainerPolicy, ImageField, ImageIndex, ListedImage, Place, Problem,
    Rule, Severity, SourceFolder, SourceKind, Workload,
};
use crate::path::RepoPath;
pub(super) use search::Looked;

/// The applications that somebody speaks about, looked into.
#[derive(Debug, Default)]
pub(super) struct Applications {
    searched: Vec<Searched>,
}

/// Finds out which applications are spoken about, and looks into them. `looked` is what is remembered of the
/// last look.
pub(super) fn look<S: Source>(
    inventory: &mut Inventory,
    files: &mut Files<'_, S>,
    opened: &mut Opened,
    looked: &mut HashMap<RepoPath, Looked<S::Key>>,
) -> Result<Applications, S::Error> {
    let Inventory { manifests, problems, advice, .. } = inventory;
    let spoken = spoken::find(manifests, problems, advice);
    let searched = search::look(spoken, files, opened, looked, problems)?;
    Ok(Applications { searched })
}

impl Applications {
    /// The folders whose kustomizations matter.
    pub(super) fn kustomizations(&self) -> BTreeSet<Option<RepoPath>> {
        let of = |searched: &Searched| match &searched.target {
            Target::Kustomization(folder, _) => vec![folder.clone()],
            Target::Values(..) => Vec::new(),
            Target::Anywhere => {
                let sources = searched.spoken.application().sources.iter().zip(&searched.kinds);
                let kustomized = sources.filter(|(_, kind)| **kind == SourceKind::Kustomize);
                let folder = |source: &ApplicationSource| match &source.folder {
                    SourceFolder::At(folder) => Some(folder.clone()),
                    SourceFolder::Nowhere | SourceFolder::Unknown => None,
                };
                kustomized.filter_map(|(source, _)| folder(source)).collect()
            }
        };
        self.searched.iter().flat_map(of).collect()
    }

    /// Adds what applications ask for to the workloads, which give way where nobody else asks for anything.
    pub(super) fn join<S: Source>(
        self,
        inventory: &mut Inventory,
        files: &mut Files<'_, S>,
        reached: &mut Reached<S::Key>,
        kustomized: &BTreeMap<Option<RepoPath>, Kustomized>,
    ) -> Result<Speakers, S::Error> {
        if self.searched.is_empty() {
            return Ok(Speakers::default());
        }
        let mut stock = Shelf::new(files, &inventory.terms, &inventory.manifests, reached);
        let mut folders = Folders::default();
        let mut made = Claims::default();
        for searched in &self.searched {
            let mut joiner = Joiner::new(searched, &mut made);
            joiner.take_found();
            joiner.read_sources(kustomized, &mut folders, &mut stock)?;
            joiner.finish();
        }
        let held = silent::find(&made.deployed, &inventory.manifests, &mut stock)?;
        made.hold(held);
        let speakers = std::mem::take(&mut made.speakers);
        made.settle(inventory);
        Ok(speakers)
    }
}

/// Puts together what one application asks for.
struct Joiner<'s, 'c> {
    searched: &'s Searched,
    made: &'c mut Claims,
    containers: Vec<Container>,
    aside: Vec<Container>,
    /// Workloads of plain manifests, by file and number.
    plain: BTreeMap<(RepoPath, usize), Workload>,
    unfound: Unfound<'s>,
    problems: Vec<Problem>,
}

impl<'s, 'c> Joiner<'s, 'c> {
    fn new(searched: &'s Searched, made: &'c mut Claims) -> Self {
        let unfound = Unfound::of(searched);
        Self {
            searched,
            made,
            containers: Vec::new(),
            aside: Vec::new(),
            plain: BTreeMap::new(),
            unfound,
            problems: Vec::new(),
        }
    }

    /// The images in the application, and in the values of its charts.
    fn take_found(&mut self) {
        for found in &self.searched.found.images {
            self.push(found.image, found.field.clone(), found.wrong.as_ref(), found.is_aside);
        }
    }

    fn read_sources<S: Source>(
        &mut self,
        kustomized: &BTreeMap<Option<RepoPath>, Kustomized>,
        folders: &mut Folders,
        stock: &mut Shelf<'_, '_, S>,
    ) -> Result<(), S::Error> {
        match &self.searched.target {
            Target::Values(..) => {}
            Target::Kustomization(folder, place) => match kustomized.get(folder) {
                Some(kustomization) => self.read_kustomization(kustomization, None),
                None => self.unfound.no_kustomization(folder.as_ref(), place),
            },
            Target::Anywhere => {
                let application = self.searched.spoken.application();
                for (source, kind) in application.sources.iter().zip(&self.searched.kinds) {
                    match (kind, &source.folder) {
                        (SourceKind::Plugin, _) => self.unfound.plugin(&source.place),
                        (SourceKind::Helm, _) | (_, SourceFolder::Nowhere) => {}
                        (_, SourceFolder::Unknown) => self.unfound.template(&source.place),
                        (SourceKind::Kustomize, SourceFolder::At(folder)) => match kustomized.get(folder) {
                            Some(kustomization) => self.read_kustomization(kustomization, Some(folder)),
                            None => self.unfound.no_kustomization(folder.as_ref(), &source.place),
                        },
                        (SourceKind::Directory, SourceFolder::At(_)) if source.is_filtered => {
                            self.unfound.filtered(&source.place);
                        }
                        (SourceKind::Directory, SourceFolder::At(folder)) => {
                            let pods = folders.read(folder.as_ref(), source.is_recursive, stock)?;
                            if !pods.is_there || pods.is_too_large {
                                self.unfound.no_folder(folder.as_ref(), pods.is_too_large, &source.place);
                            }
                            self.unfound
                                .names
                                .extend(pods.pods.keys().take(unfound::MOST_NAMES).map(ToString::to_string));
                            for (at, image) in self.searched.spoken.list.images.iter().enumerate() {
                                if !image.is_for_plugin {
                                    let pods = pods.pods.get(image.image.repository()).map(Vec::as_slice);
                                    pods.unwrap_or_default().iter().for_each(|pod| self.claim(at, image, pod));
                                }
                            }
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// The entries of a kustomization, those aside that the application itself replaces. `folder` is where it is
    /// deployed from, if nobody named it to be written.
    fn read_kustomization(&mut self, kustomization: &Kustomized, folder: Option<&Option<RepoPath>>) {
        let list = &self.searched.spoken.list;
        let replaced: BTreeSet<usize> = self.searched.found.images.iter().map(|found| found.image).collect();
        if !kustomization.is_whole {
            self.unfound.unbuilt(&kustomization.place);
            return;
        }
        let index = ImageIndex::of(list);
        for entry in &kustomization.entries {
            self.unfound.names.insert(entry.name.clone());
            let Some(repository) = &entry.repository else { continue };
            for (at, is_meant) in index.behind(repository, Some(&entry.name)) {
                if !replaced.contains(&at) {
                    self.take_entry(at, entry, is_meant);
                    if let (Some(field), Some(folder)) = (&entry.field, folder) {
                        self.deploy(&list.images[at], field, Way::Kustomization(folder.clone()));
                    }
                }
            }
        }
        for bare in &kustomization.bare {
            let Ok(reference) = crate::image::Reference::parse(&bare.name) else { continue };
            self.unfound.names.insert(bare.name.clone());
            for (at, _) in index.behind(reference.repository(), Some(&bare.name)) {
                if replaced.contains(&at) || self.unfound.is_found(at) {
                    continue;
                }
                let problem = unfound::no_entry(&list.images[at], bare, &kustomization.place);
                if let Some(field) = &bare.field {
                    self.aside.push(container(&list.images[at], field.clone(), Some(&problem)));
                }
                self.problems.push(problem);
                self.unfound.tell(at);
            }
        }
    }

    fn take_entry(&mut self, at: usize, entry: &KustomizedEntry, is_meant: bool) {
        let image = &self.searched.spoken.list.images[at];
        let Some(field) = &entry.field else {
            if let Some(wrong) = &entry.wrong {
                self.problems.push(Problem { severity: Severity::Error, ..wrong.clone() });
                self.unfound.tell(at);
            }
            return;
        };
        let wrong = if is_meant {
            entry.wrong.clone().map(|wrong| Problem { severity: Severity::Error, ..wrong })
        } else {
            let (name, meant) = (field.reference().name(), image.image.name());
            let message =
                format!("the entry of `{}` runs `{name}`, and `{}` in the list is `{meant}`", entry.name, image.name);
            let mend = format!("write `newName: {meant}` there, or have the list name `{name}`");
            Some(Problem::new(Rule::Contradiction, Severity::Error, field.place().clone(), message, mend))
        };
        self.problems.extend(wrong.clone());
        self.push(at, field.clone(), wrong.as_ref(), !is_meant);
    }

    /// An image that the application itself answers for.
    fn push(&mut self, at: usize, field: ImageField, wrong: Option<&Problem>, is_aside: bool) {
        self.unfound.find(at);
        let image = &self.searched.spoken.list.images[at];
        let containers = if is_aside { &mut self.aside } else { &mut self.containers };
        // Two sources can share a file.
        if !containers.iter().any(|known| known.name == image.name && known.image.place() == field.place()) {
            containers.push(container(image, field, wrong));
        }
    }

    /// Notes an image in what others may deploy as well.
    fn deploy(&mut self, image: &ListedImage, field: &ImageField, way: Way) {
        let would_change = self.automation() == Automation::On && matches!(image.policy, ContainerPolicy::Stated(_));
        let application = self.searched.spoken.application();
        self.made.deployed.push(Deployed {
            place: field.place().clone(),
            repository: field.reference().repository().clone(),
            id: application.id.clone(),
            application: application.place.clone(),
            way,
            would_change,
        });
    }

    /// An image in a plain manifest: its workload answers for it as before, with the policy of the list.
    fn claim(&mut self, at: usize, image: &ListedImage, pod: &Pod) {
        self.unfound.find(at);
        let workload = pod.workload();
        let automation = match &workload.automation {
            Automation::Off => self.automation(),
            own => own.clone(),
        };
        self.deploy(image, &pod.container().image, Way::Plain);
        let (policy, peer) = (image.policy.clone(), image.peer.clone());
        let container = Container { policy, peer, is_replaceable: false, ..pod.container().clone() };
        let place = self.searched.spoken.list.place.clone();
        let words_at = self.words_at();
        let claim = self.plain.entry(pod.key()).or_insert_with(|| Workload {
            id: workload.id.clone(),
            words_at,
            place,
            automated: true,
            automation,
            containers: Vec::new(),
            leftovers: Vec::new(),
        });
        claim.containers.push(container);
    }

    fn automation(&self) -> Automation {
        let Searched { spoken, .. } = self.searched;
        match spoken.wrong.as_ref().or(spoken.list.wrong.as_ref()) {
            Some((reason, place)) => Automation::Held { reason: reason.clone(), place: place.clone() },
            None => Automation::On,
        }
    }

    fn finish(mut self) {
        let Searched { spoken, found, .. } = self.searched;
        let mut workloads: Vec<Workload> = std::mem::take(&mut self.plain).into_values().collect();
        let (own, aside) = (std::mem::take(&mut self.containers), std::mem::take(&mut self.aside));
        workloads.extend(self.workload(own));
        for container in workloads.iter().flat_map(|workload| &workload.containers) {
            let stated = matches!(container.policy, ContainerPolicy::Stated(_));
            self.problems.extend(container.image.warning().filter(|_| stated));
        }
        if let Some(first) = workloads.last_mut() {
            first.leftovers.clone_from(&spoken.list.leftovers);
        }
        let application = &spoken.application().place;
        for container in workloads.iter().flat_map(|workload| &workload.containers) {
            let place = container.image.place();
            self.made.speakers.applications.insert((place.clone(), application.clone()));
            if self.searched.target != Target::Anywhere {
                self.made.speakers.named.insert(place.clone());
            }
        }
        self.made.workloads.extend(workloads.into_iter().map(Arc::new));
        let aside = self.workload(aside);
        self.made.aside.extend(aside.map(Arc::new));
        self.unfound.names.extend(found.names.iter().cloned());
        // Of a list that is not heard it is told already why.
        if spoken.wrong.is_none() && spoken.list.wrong.is_none() {
            self.made.problems.append(&mut self.problems);
            self.made.problems.extend(self.unfound.problems(found));
        }
    }

    /// The object whose words these are: the application, or the one that speaks about it.
    fn words_at(&self) -> Place {
        let Searched { spoken, .. } = self.searched;
        let application = spoken.application();
        let is_own = application.list.as_ref().is_some_and(|own| own.place == spoken.list.place);
        if is_own { application.words_at.clone() } else { spoken.list.place.clone() }
    }

    /// The application with these images, if there are any.
    fn workload(&self, containers: Vec<Container>) -> Option<Workload> {
        let Searched { spoken, .. } = self.searched;
        let (id, place) = (spoken.application().id.clone(), spoken.list.place.clone());
        let (automation, words_at) = (self.automation(), self.words_at());
        let workload = Workload { id, place, words_at, automated: true, automation, containers, leftovers: Vec::new() };
        (!workload.containers.is_empty()).then_some(workload)
    }
}

fn container(image: &ListedImage, field: ImageField, wrong: Option<&Problem>) -> Container {
    let policy = match wrong {
        Some(problem) => ContainerPolicy::Invalid { reason: problem.text(), place: problem.place.clone() },
        None => image.policy.clone(),
    };
    Container { name: image.name.clone(), image: field, policy, peer: image.peer.clone(), is_replaceable: false }
}

//! Images that kustomizations give another tag: where they are followed, and on whose word.
//!
//! A workload says what its image follows; where every kustomization that builds it replaces the image,
//! the new tag is written there, and what stands in the workload's own file is left alone. Files that
//! take part in this are read wherever they lie, and changed only where we were told to look.

mod build;
mod placeholder;
mod tree;
mod wanted;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use build::{Built, EntryId, Item, Pod, PodImage};
use tree::{Node, Tree};
pub(super) use wanted::{Bare, Kustomized, KustomizedEntry};

use super::files::Files;
use super::shelf::{Reached, Shelf};
use super::{Inventory, Source, owners};
use crate::manifest::{
    Automation, Container, ContainerPolicy, ImageEntry, ImageField, Manifest, Place, Problem, Rule, Severity, Workload,
};
use crate::path::RepoPath;

/// Joins the kustomizations of a survey with the workloads that they build. The workloads of
/// `inventory` are those of its manifests, in the same order. `reached` is what is remembered of files
/// beyond the survey. What comes back are the images of the kustomizations in the `wanted` folders.
pub(super) fn join<S: Source>(
    inventory: &mut Inventory,
    files: &mut Files<'_, S>,
    reached: &mut Reached<S::Key>,
    wanted: &BTreeSet<Option<RepoPath>>,
) -> Result<BTreeMap<Option<RepoPath>, Kustomized>, S::Error> {
    let mut shelf = Shelf::new(files, &inventory.terms, &inventory.manifests, reached);
    let mut problems = Vec::new();
    let tree = Tree::plant(&mut shelf, wanted, &mut problems)?;
    let files = read_files(&tree, &mut shelf)?;
    inventory.problems.append(&mut problems);
    report_dangling(&tree, inventory);
    let mut kustomized = BTreeMap::new();
    if !tree.wanted.is_empty() || tree.nodes.iter().any(|node| !node.kustomization().images.is_empty()) {
        let built = build::build(&tree, &files);
        kustomized = wanted::read(&tree, &built);
        Join { nodes: &tree.nodes, built: &built, inventory }.make();
    }
    placeholder::hold(inventory, &tree.nodes);
    Ok(kustomized)
}

/// The files that kustomizations with entries reach, and those that are wanted. All of them where somebody is
/// automated there, so that nobody's image changes unasked; else those that we know, and those outside the survey that
/// have annotations.
fn read_files<S: Source>(
    tree: &Tree,
    shelf: &mut Shelf<'_, '_, S>,
) -> Result<HashMap<RepoPath, Arc<Manifest>>, S::Error> {
    let nodes = &tree.nodes;
    let mut has_entries = have_entries(tree);
    tree.wanted.values().for_each(|at| has_entries[*at] = true);
    let mut files = HashMap::new();
    let concerned = tree.below(&has_entries);
    let mut automated: Vec<bool> = nodes.iter().map(|node| node.kustomization().speaks).collect();
    tree.wanted.values().for_each(|at| automated[*at] = true);
    for &at in &tree.order {
        automated[at] |= nodes[at].children().any(|child| automated[child]);
        if !concerned[at] {
            continue;
        }
        for path in nodes[at].files() {
            if let Some(manifest) = shelf.manifest(path, false)? {
                automated[at] |= manifest.workloads.iter().any(|workload| workload.automated);
                files.insert(path.clone(), manifest);
            }
        }
    }
    let wanted: Vec<bool> =
        has_entries.iter().zip(&automated).map(|(entries, automated)| *entries && *automated).collect();
    for (node, is_wanted) in nodes.iter().zip(tree.below(&wanted)) {
        if !is_wanted {
            continue;
        }
        for path in node.files() {
            if !files.contains_key(path)
                && let Some(manifest) = shelf.manifest(path, true)?
            {
                files.insert(path.clone(), manifest);
            }
        }
    }
    Ok(files)
}

/// Which kustomizations have entries. A component's are for whoever has it.
fn have_entries(tree: &Tree) -> Vec<bool> {
    let mut has_entries: Vec<bool> = tree.nodes.iter().map(|node| !node.kustomization().images.is_empty()).collect();
    for &at in &tree.order {
        has_entries[at] |= tree.nodes[at].components().any(|component| has_entries[component]);
    }
    has_entries
}

/// A link to nothing may have to lead to an image that somebody wants to be followed. Where nobody does,
/// or nothing is replaced, it is kustomize's business.
fn report_dangling(tree: &Tree, inventory: &mut Inventory) {
    let is_anybody_automated = inventory.workloads.iter().any(|workload| workload.automated)
        || tree.nodes.iter().any(|node| node.kustomization().automated);
    if is_anybody_automated {
        let concerned = tree.below(&have_entries(tree));
        let dangling = tree.dangling.iter().filter(|(at, _)| concerned[*at]);
        inventory.problems.extend(dangling.map(|(_, problem)| problem.clone()));
    }
}

/// Puts what was built into the inventory.
struct Join<'a> {
    nodes: &'a [Node],
    built: &'a Built<'a>,
    inventory: &'a mut Inventory,
}

/// What one entry comes to for those who follow it.
struct Followed {
    field: ImageField,
    /// Why nobody may change it.
    wrong: Option<(String, Place)>,
}

/// A workload at a kustomization: the number of the kustomization, and which workload of which file.
type Joint<'a> = (usize, &'a RepoPath, usize);

impl<'a> Join<'a> {
    fn make(mut self) {
        self.set_aside();
        let mut joints: BTreeMap<Joint<'a>, Workload> = BTreeMap::new();
        let mut spoken: BTreeMap<EntryId, Followed> = BTreeMap::new();
        let built = self.built;
        for (&id, items) in &built.owners {
            let Some((followed, containers)) = self.follow(id, items) else { continue };
            if self.nodes[id.0].kustomization().speaks {
                spoken.insert(id, followed);
                continue;
            }
            for (pod, container) in containers {
                let policy = followed.policy_or(container.policy);
                self.joint(&mut joints, id.0, pod).containers.push(Container { policy, ..container });
            }
        }
        for &(id, pod) in built.superseded.keys() {
            let entry = self.entry(id);
            let node = &self.nodes[id.0];
            if built.owners.contains_key(&id) || node.kustomization().speaks || !node.is_surveyed {
                continue;
            }
            if let (Some(field), Some(place)) = (entry.field(None, None), self.superseded_at(id, pod)) {
                let container = built.pods[pod].container(field);
                let policy = ContainerPolicy::Elsewhere { place };
                self.joint(&mut joints, id.0, built.pods[pod]).containers.push(Container { policy, ..container });
            }
        }
        for mut joint in joints.into_values() {
            joint.containers.sort_by(|a, b| a.image.place().cmp(b.image.place()));
            self.report_refusals(&joint);
            self.inventory.workloads.push(Arc::new(joint));
        }
        let speakers =
            self.nodes.iter().enumerate().filter(|(_, node)| node.kustomization().speaks && node.is_surveyed);
        for (at, _) in speakers {
            let workload = self.speaker(at, &mut spoken);
            self.report_refusals(&workload);
            self.inventory.workloads.push(Arc::new(workload));
        }
        if let Some(&at) = built.too_large.first() {
            let place = self.nodes[at].kustomization().place.clone();
            let message = "the kustomizations here reach too many containers too often, and are not followed";
            let mend = "build fewer files over and over";
            self.inventory.problems.push(Problem::new(Rule::Kustomization, Severity::Error, place, message, mend));
        }
    }

    fn entry(&self, (node, number): EntryId) -> &'a ImageEntry {
        &self.nodes[node].kustomization().images[number]
    }

    /// What every kustomization replaces is not followed in its own file.
    fn set_aside(&mut self) {
        let mut first = BTreeMap::new();
        let mut at = 0;
        for manifest in self.inventory.manifests.values() {
            first.insert(manifest.path.clone(), at);
            at += manifest.workloads.len();
        }
        let mut places: BTreeMap<usize, Place> = BTreeMap::new();
        for (&id, items) in &self.built.owners {
            let place = self.place(id);
            for item in items.iter().filter(|item| !self.built.untouched.contains(&item.pod)) {
                places.entry(item.pod).or_insert_with(|| place.clone());
            }
        }
        let mut obsolete = BTreeSet::new();
        for (pod, place) in places {
            let pod = &self.built.pods[pod];
            let Some(first) = first.get(&pod.manifest.path) else { continue };
            match pod.image {
                PodImage::Image(container, number) => {
                    obsolete.extend(container.image.warning());
                    let workload = Arc::make_mut(&mut self.inventory.workloads[first + pod.workload]);
                    workload.containers[number].policy = ContainerPolicy::Elsewhere { place };
                }
                PodImage::Placeholder(placeholder) => drop(obsolete.insert(placeholder.problem.clone())),
            }
        }
        self.inventory.problems.retain(|problem| !obsolete.contains(problem));
    }

    fn place(&self, id: EntryId) -> Place {
        let entry = self.entry(id);
        entry.field(None, None).map_or_else(|| entry.place.clone(), |field| field.place().clone())
    }

    /// What an entry comes to, and the containers that follow it; `None` where it makes no image.
    fn follow(&mut self, id: EntryId, items: &[Item<'a>]) -> Option<(Followed, Vec<(Pod<'a>, Container)>)> {
        let (entry, node) = (self.entry(id), &self.nodes[id.0]);
        let kustomization = node.kustomization();
        let owners: BTreeMap<usize, &Item<'a>> = items.iter().map(|item| (item.pod, item)).collect();
        let pods = || owners.keys().map(|pod| self.built.pods[*pod]);
        let is_awaited = kustomization.automated || pods().any(|pod| pod.workload().automated);
        let fields: Vec<_> = items.iter().map(|item| entry.field(item.tag.as_deref(), item.digest)).collect();
        let problem = if let Some(wrong) = &entry.wrong {
            Some(grave(wrong.clone(), is_awaited))
        } else {
            let field = fields[0].as_ref()?;
            let place = field.place().clone();
            if !node.is_surveyed {
                let message = format!(
                    "the tag of `{}` is written in a file outside the paths to look in, so it is not changed",
                    entry.name_after()
                );
                Some(Problem::new(Rule::OutsidePaths, Severity::Warning, place, message, "add the file to the paths"))
            } else if let Some(other) = fields.iter().flatten().find(|other| *other != field) {
                let message = format!(
                    "the entry says no tag, and the images behind it have two: {}, {}",
                    field.reference(),
                    other.reference()
                );
                Some(grave(
                    Problem::new(Rule::Kustomization, Severity::Warning, place, message, "write a `newTag`"),
                    is_awaited,
                ))
            } else {
                None
            }
        };
        let Some(field) = fields.into_iter().next().flatten() else {
            self.inventory.problems.extend(problem);
            return None;
        };
        let containers: Vec<_> = pods().map(|pod| (pod, pod.container(field.clone()))).collect();
        let problem = problem.or_else(|| self.disagreement(id, &field, &containers));
        let wrong = problem.as_ref().map(|problem| (problem.text(), problem.place.clone()));
        let is_worth_telling = is_awaited || entry.wrong.is_some();
        self.inventory.problems.extend(problem.filter(|_| is_worth_telling));
        Some((Followed { field, wrong }, containers))
    }

    /// Owners of one entry who want different things. Where the kustomization speaks for itself, only
    /// those can disagree with it who say something as well.
    fn disagreement(&self, id: EntryId, field: &ImageField, containers: &[(Pod<'a>, Container)]) -> Option<Problem> {
        let kustomization = self.nodes[id.0].kustomization();
        let mut owners = containers.iter().map(|(pod, container)| (pod.workload(), container));
        if !kustomization.speaks {
            let first = owners.next()?;
            let other = owners.find(|other| !owners::agree(first, *other))?;
            return Some(owners::disagreement(field.place(), first, other));
        }
        if kustomization.automation != Automation::On {
            return None;
        }
        let entry = self.entry(id);
        let workload = speaker(&self.nodes[id.0]);
        let container = entry_container(entry, field.clone(), entry.policy.clone());
        let is_silent = |workload: &Workload, container: &Container| {
            workload.automation == Automation::Off && container.policy == ContainerPolicy::Unstated
        };
        let own = (&workload, &container);
        let other = owners.find(|other| !is_silent(other.0, other.1) && !owners::agree(own, *other))?;
        Some(owners::disagreement(field.place(), own, other))
    }

    /// The workload of a container at a kustomization.
    fn joint<'j>(&self, joints: &'j mut BTreeMap<Joint<'a>, Workload>, node: usize, pod: Pod<'a>) -> &'j mut Workload {
        let kustomization = self.nodes[node].kustomization();
        joints.entry((node, &pod.manifest.path, pod.workload)).or_insert_with(|| {
            let workload = pod.workload();
            let automation = match &kustomization.automation {
                held @ Automation::Held { .. } => held.clone(),
                _ => workload.automation.clone(),
            };
            Workload {
                id: workload.id.clone(),
                place: kustomization.place.clone(),
                words_at: workload.words_at.clone(),
                automated: workload.automated,
                automation,
                containers: Vec::new(),
                leftovers: Vec::new(),
            }
        })
    }

    /// A kustomization that speaks for itself, with all its entries.
    fn speaker(&mut self, at: usize, spoken: &mut BTreeMap<EntryId, Followed>) -> Workload {
        let mut workload = speaker(&self.nodes[at]);
        // What holds here is worth a word to those who would follow the images otherwise.
        if !matches!(workload.automation, Automation::On | Automation::Off) {
            let mut owners = self.built.owners.range((at, 0)..=(at, usize::MAX)).flat_map(|(_, items)| items);
            workload.automated |= owners.any(|item| self.built.pods[item.pod].workload().automated);
        }
        for (number, entry) in self.nodes[at].kustomization().images.iter().enumerate() {
            let id = (at, number);
            let followed = spoken.remove(&id).or_else(|| {
                let wrong = entry.wrong.as_ref().map(|wrong| (wrong.text(), wrong.place.clone()));
                self.inventory.problems.extend(entry.wrong.clone().map(|wrong| grave(wrong, workload.automated)));
                Some(Followed { field: entry.field(None, None)?, wrong })
            });
            let Some(followed) = followed else { continue };
            let is_run = self.built.owners.contains_key(&id);
            let mut later = self.built.superseded.range((id, 0)..=(id, usize::MAX)).filter(|_| !is_run);
            let place = later.find_map(|((_, pod), _)| self.superseded_at(id, *pod));
            let policy = match place {
                Some(place) => ContainerPolicy::Elsewhere { place },
                None => followed.policy_or(entry.policy.clone()),
            };
            workload.containers.push(entry_container(entry, followed.field, policy));
        }
        workload
    }

    /// An entry that will not be changed is worth a word where somebody waits for it.
    fn report_refusals(&mut self, workload: &Workload) {
        let is_stated = |container: &&Container| matches!(container.policy, ContainerPolicy::Stated(_));
        let awaited = workload.containers.iter().filter(is_stated).filter(|_| workload.automated);
        self.inventory.problems.extend(awaited.filter_map(|container| container.image.warning()));
    }

    /// Where the image of this container is followed, which an entry before it meant as well.
    fn superseded_at(&self, id: EntryId, pod: usize) -> Option<Place> {
        let mut at = id;
        // Components can come in any order, so that the way up may be a circle.
        for _ in 0..self.nodes.len() {
            at = *self.built.superseded.get(&(at, pod))?;
            if self.built.owners.contains_key(&at) {
                return Some(self.place(at));
            }
        }
        None
    }
}

impl Followed {
    fn policy_or(&self, policy: ContainerPolicy) -> ContainerPolicy {
        match &self.wrong {
            Some((reason, place)) => ContainerPolicy::Invalid { reason: reason.clone(), place: place.clone() },
            None => policy,
        }
    }
}

impl<'m> Pod<'m> {
    fn workload(&self) -> &'m Workload {
        &self.manifest.workloads[self.workload]
    }

    /// The container with its image where a kustomization says it.
    fn container(&self, image: ImageField) -> Container {
        let (name, policy, peer) = match self.image {
            PodImage::Image(container, _) => (&container.name, &container.policy, &container.peer),
            PodImage::Placeholder(placeholder) => (&placeholder.name, &placeholder.policy, &placeholder.peer),
        };
        Container { name: name.clone(), image, policy: policy.clone(), peer: peer.clone(), is_replaceable: false }
    }
}

/// A kustomization as a workload, without its images.
fn speaker(node: &Node) -> Workload {
    let kustomization = node.kustomization();
    Workload {
        id: kustomization.id.clone(),
        place: kustomization.place.clone(),
        words_at: kustomization.place.clone(),
        automated: kustomization.automated,
        automation: kustomization.automation.clone(),
        containers: Vec::new(),
        leftovers: Vec::new(),
    }
}

fn entry_container(entry: &ImageEntry, image: ImageField, policy: ContainerPolicy) -> Container {
    let peer = entry.peer.clone();
    Container { name: entry.alias().to_owned(), image, policy, peer, is_replaceable: false }
}

/// The problem, as bad as it is: where somebody waits for the image, what was asked for does not happen.
fn grave(problem: Problem, is_awaited: bool) -> Problem {
    if is_awaited { Problem { severity: Severity::Error, ..problem } } else { problem }
}

//! What becomes of each image where kustomizations are built: pure, over texts that are all there.
//!
//! Follows the order of kustomize: what a kustomization names is built first, components then change
//! what is there so far, and its own entries come last, one after the other, each by the name that the
//! image has by then. Knows nothing of policies and annotations.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use super::tree::{Node, Tree, Way};
use crate::manifest::{Container, ImageEntry, KustomizationRole, Manifest, Placeholder, split_image};
use crate::path::RepoPath;

/// How many steps are made, over all kustomizations together. Far beyond any repository; a file of a
/// few lines could ask for any number.
const MOST_STEPS: usize = 1_000_000;

/// A container that kustomizations can reach.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pod<'m> {
    pub(super) manifest: &'m Arc<Manifest>,
    /// The number of its workload in the file.
    pub(super) workload: usize,
    pub(super) image: PodImage<'m>,
}

/// What stands in a container as its image.
#[derive(Debug, Clone, Copy)]
pub(super) enum PodImage<'m> {
    /// An image, with the number of the container in the workload.
    Image(&'m Container, usize),
    /// Something that is none by itself.
    Placeholder(&'m Placeholder),
}

/// An entry of `images`: the number of its kustomization, and its own in there.
pub(super) type EntryId = (usize, usize);

/// A container as one kustomization leaves it.
#[derive(Debug, Clone)]
pub(super) struct Item<'m> {
    /// Its number among the pods.
    pub(super) pod: usize,
    pub(super) name: &'m str,
    pub(super) tag: Option<Cow<'m, str>>,
    pub(super) digest: Option<&'m str>,
    /// The last entry that meant it.
    pub(super) last: Option<EntryId>,
}

/// What comes out of building every kustomization that nobody else builds.
#[derive(Debug, Default)]
pub(super) struct Built<'m> {
    pub(super) pods: Vec<Pod<'m>>,
    /// For each entry the containers that run what it says.
    pub(super) owners: BTreeMap<EntryId, Vec<Item<'m>>>,
    /// The containers that run what stands in their own file.
    pub(super) untouched: BTreeSet<usize>,
    /// By entry and container: the entry that came later and meant it as well.
    pub(super) superseded: BTreeMap<(EntryId, usize), EntryId>,
    /// The kustomizations that were too much to build.
    pub(super) too_large: Vec<usize>,
    /// The containers of kustomizations that somebody else wants to know about, as these leave them.
    pub(super) wanted: BTreeMap<usize, Vec<Item<'m>>>,
}

struct Builder<'m> {
    nodes: &'m [Node],
    files: &'m HashMap<RepoPath, Arc<Manifest>>,
    pods_of: HashMap<&'m RepoPath, Range<usize>>,
    memo: Vec<Vec<Item<'m>>>,
    steps: usize,
    built: Built<'m>,
}

/// What is left to do for one kustomization.
enum Task {
    /// Take what it names, and be changed by its components and itself.
    Enter(usize),
    /// Its entries.
    Apply(usize),
    /// The entries of the first, those of the second in place of the ones with the same name.
    Merge(usize, usize),
}

/// Builds all of them.
pub(super) fn build<'m>(tree: &'m Tree, files: &'m HashMap<RepoPath, Arc<Manifest>>) -> Built<'m> {
    let memo = tree.nodes.iter().map(|_| Vec::new()).collect();
    let mut builder =
        Builder { nodes: &tree.nodes, files, pods_of: HashMap::new(), memo, steps: 0, built: Built::default() };
    for &at in &tree.order {
        if tree.nodes[at].kustomization().role == KustomizationRole::Component {
            continue; // Built into those that have it.
        }
        match builder.build(at) {
            Some(items) => builder.memo[at] = items,
            None => builder.built.too_large.push(at),
        }
    }
    for &at in tree.wanted.values() {
        let items = builder.memo[at].clone();
        builder.built.wanted.insert(at, items);
    }
    for &root in &tree.roots {
        for item in std::mem::take(&mut builder.memo[root]) {
            match item.last {
                Some(entry) => builder.built.owners.entry(entry).or_default().push(item),
                None => drop(builder.built.untouched.insert(item.pod)),
            }
        }
    }
    builder.built
}

impl<'m> Builder<'m> {
    /// The containers of one kustomization; `None` where that is too much.
    fn build(&mut self, at: usize) -> Option<Vec<Item<'m>>> {
        let mut items = Vec::new();
        let mut tasks = vec![Task::Enter(at)];
        while let Some(task) = tasks.pop() {
            match task {
                Task::Enter(node) => self.enter(node, &mut items, &mut tasks)?,
                Task::Apply(node) => self.apply(&self.entries(node), &mut items)?,
                Task::Merge(node, by) => {
                    let mut entries = self.entries(node);
                    let places: HashMap<&str, usize> =
                        entries.iter().enumerate().rev().map(|(at, (_, entry))| (entry.name.as_str(), at)).collect();
                    for (id, entry) in self.entries(by) {
                        match places.get(entry.name.as_str()) {
                            Some(&same) => entries[same] = (id, entry),
                            None => entries.push((id, entry)),
                        }
                    }
                    self.apply(&entries, &mut items)?;
                }
            }
        }
        Some(items)
    }

    fn enter(&mut self, at: usize, items: &mut Vec<Item<'m>>, tasks: &mut Vec<Task>) -> Option<()> {
        let mut components = Vec::new();
        let inner = self.nodes[at].inner();
        if let Some(inner) = inner {
            self.gather(inner, items, &mut components)?;
        }
        self.gather(at, items, &mut components)?;
        tasks.push(inner.map_or(Task::Apply(at), |inner| Task::Merge(inner, at)));
        tasks.extend(components.into_iter().rev().map(Task::Enter));
        Some(())
    }

    /// Takes what a kustomization names, but for its components.
    fn gather(&mut self, at: usize, items: &mut Vec<Item<'m>>, components: &mut Vec<usize>) -> Option<()> {
        for way in &self.nodes[at].ways {
            self.step(1)?;
            match way {
                Way::File(path) => {
                    let pods = self.pods(path);
                    self.step(pods.len())?;
                    items.extend(pods.map(|pod| Item::new(pod, self.built.pods[pod].text())));
                }
                Way::Node { node, is_component: true, .. } => components.push(*node),
                Way::Node { node, .. } => {
                    self.step(self.memo[*node].len())?;
                    items.extend_from_slice(&self.memo[*node]);
                }
                Way::Into { .. } => {}
            }
        }
        Some(())
    }

    /// The containers of a file.
    fn pods(&mut self, path: &'m RepoPath) -> Range<usize> {
        if let Some(pods) = self.pods_of.get(path) {
            return pods.clone();
        }
        let from = self.built.pods.len();
        if let Some(manifest) = self.files.get(path) {
            for (workload, found) in manifest.workloads.iter().enumerate() {
                let containers = found.containers.iter().enumerate().filter(|(_, container)| container.is_replaceable);
                let images = containers.map(|(number, container)| PodImage::Image(container, number));
                self.built.pods.extend(images.map(|image| Pod { manifest, workload, image }));
            }
            let placeholders = manifest.placeholders.iter();
            self.built.pods.extend(placeholders.map(|placeholder| Pod {
                manifest,
                workload: placeholder.workload,
                image: PodImage::Placeholder(placeholder),
            }));
        }
        let pods = from..self.built.pods.len();
        self.pods_of.insert(path, pods.clone());
        pods
    }

    fn entries(&self, at: usize) -> Vec<(EntryId, &'m ImageEntry)> {
        let images = &self.nodes[at].kustomization().images;
        images.iter().enumerate().map(|(number, entry)| ((at, number), entry)).collect()
    }

    fn apply(&mut self, entries: &[(EntryId, &'m ImageEntry)], items: &mut [Item<'m>]) -> Option<()> {
        if entries.is_empty() {
            return Some(());
        }
        self.step(entries.len() + items.len())?;
        let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, (_, entry)) in entries.iter().enumerate().filter(|(_, (_, entry))| !entry.has_pattern_name()) {
            by_name.entry(&entry.name).or_default().push(at);
        }
        let is_tagged = entries.iter().any(|(_, entry)| entry.has_tagged_name());
        for item in items {
            let mut next = 0;
            while let Some(at) = item.meant_by(&by_name, is_tagged, next) {
                self.step(1)?;
                let (id, entry) = entries[at];
                if let Some(earlier) = item.last.replace(id) {
                    self.built.superseded.insert((earlier, item.pod), id);
                }
                item.become_of(entry);
                next = at + 1;
            }
        }
        Some(())
    }

    fn step(&mut self, count: usize) -> Option<()> {
        self.steps += count;
        (self.steps <= MOST_STEPS).then_some(())
    }
}

impl<'m> Pod<'m> {
    fn text(&self) -> &'m str {
        match self.image {
            PodImage::Image(container, _) => container.image.reference().as_str(),
            PodImage::Placeholder(placeholder) => &placeholder.text,
        }
    }
}

impl<'m> Item<'m> {
    fn new(pod: usize, text: &'m str) -> Self {
        let (name, tag, digest) = split_image(text);
        Self { pod, name, tag: tag.map(Cow::Borrowed), digest, last: None }
    }

    /// The first entry from `next` on that means this image: by its name, or by its name with just
    /// this tag or digest.
    fn meant_by(&self, by_name: &HashMap<&str, Vec<usize>>, is_tagged: bool, next: usize) -> Option<usize> {
        let first = |name: &str| {
            let places = by_name.get(name)?;
            places.get(places.partition_point(|at| *at < next)).copied()
        };
        let by_bare = first(self.name);
        if !is_tagged {
            return by_bare;
        }
        let tagged = self.tag.as_ref().map_or_else(|| self.name.to_owned(), |tag| format!("{}:{tag}", self.name));
        let whole = self.digest.map(|digest| format!("{tagged}@{digest}"));
        [by_bare, first(&tagged), whole.and_then(|whole| first(&whole))].into_iter().flatten().min()
    }

    fn become_of(&mut self, entry: &'m ImageEntry) {
        if let Some(name) = &entry.new_name {
            self.name = name;
        }
        if let Some(new_tag) = &entry.new_tag {
            let (tag, digest) = new_tag.split_once('@').map_or((&**new_tag, None), |(tag, digest)| (tag, Some(digest)));
            self.tag = Some(Cow::Borrowed(tag));
            self.digest = entry.digest.as_deref().or(digest);
        } else if let Some(digest) = &entry.digest {
            self.tag = None;
            self.digest = Some(digest);
        } else if let Some(suffix) = &entry.suffix {
            self.tag = Some(Cow::Owned(format!("{}{suffix}", self.tag.as_deref().unwrap_or_default())));
            self.digest = None;
        }
    }
}

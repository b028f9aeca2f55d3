//! Which kustomization builds which files and which other kustomizations.
//!
//! Links are followed through the whole repository and never out of it. Knows nothing of images but
//! whether there are entries for any.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound;
use std::sync::Arc;

use super::super::Source;
use super::super::shelf::Shelf;
use crate::manifest::{
    KUSTOMIZATION_FILES, Kustomization, KustomizationRole, Link, Manifest, Problem, Rule, Severity,
    is_kustomization_path,
};
use crate::path::RepoPath;

/// How many files of whole folders are looked at for Flux, over all objects together.
const MOST_TAKEN: usize = 200_000;

/// Every kustomization that was found.
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    /// Every one behind those that it builds. Without those in a circle.
    pub(super) order: Vec<usize>,
    /// Those that no other one builds.
    pub(super) roots: Vec<usize>,
    /// Links that lead to nothing, with the kustomization that has them.
    pub(super) dangling: Vec<(usize, Problem)>,
    /// The kustomizations of folders that somebody else wants to know about.
    pub(super) wanted: BTreeMap<Option<RepoPath>, usize>,
}

/// One kustomization.
pub(super) struct Node {
    manifest: Arc<Manifest>,
    index: usize,
    /// What it builds, in the order in which kustomize takes it.
    pub(super) ways: Vec<Way>,
    /// Whether its file may be changed.
    pub(super) is_surveyed: bool,
    /// Whether it leads back to itself, or to one that does, so that it cannot be built.
    pub(super) is_broken: bool,
}

/// Where a link leads.
pub(super) enum Way {
    /// To a file.
    File(RepoPath),
    /// To a kustomization, by the number of the link.
    Node { node: usize, link: usize, is_component: bool },
    /// From an object of Flux to the kustomization that it adds to, by the number of the link.
    Into { node: usize, link: usize },
}

impl Node {
    pub(super) fn kustomization(&self) -> &Kustomization {
        &self.manifest.kustomizations[self.index]
    }

    /// The kustomizations that it builds, or is changed by.
    pub(super) fn children(&self) -> impl Iterator<Item = usize> {
        self.ways.iter().filter_map(|way| match way {
            Way::Node { node, .. } | Way::Into { node, .. } => Some(*node),
            Way::File(_) => None,
        })
    }

    /// The components among them.
    pub(super) fn components(&self) -> impl Iterator<Item = usize> {
        self.ways.iter().filter_map(|way| match way {
            Way::Node { node, is_component: true, .. } => Some(*node),
            _ => None,
        })
    }

    /// The kustomization that an object of Flux adds to.
    pub(super) fn inner(&self) -> Option<usize> {
        self.ways.iter().find_map(|way| match way {
            Way::Into { node, .. } => Some(*node),
            _ => None,
        })
    }

    /// The files that it names itself.
    pub(super) fn files(&self) -> impl Iterator<Item = &RepoPath> {
        self.ways.iter().filter_map(|way| match way {
            Way::File(path) => Some(path),
            Way::Node { .. } | Way::Into { .. } => None,
        })
    }
}

impl Tree {
    /// Finds every kustomization of the survey and of the wanted folders, and all that they lead to.
    pub(super) fn plant<S: Source>(
        shelf: &mut Shelf<'_, '_, S>,
        wanted: &BTreeSet<Option<RepoPath>>,
        problems: &mut Vec<Problem>,
    ) -> Result<Self, S::Error> {
        let manifests = shelf.manifests;
        let mut planter =
            Planter { shelf, dangling: Vec::new(), nodes: Vec::new(), by_file: HashMap::new(), sorted: None, taken: 0 };
        for manifest in manifests.values() {
            planter.add(manifest, true);
        }
        let mut found = BTreeMap::new();
        for folder in wanted {
            let node = planter.kustomization_in(folder.as_ref())?.and_then(|found| found.node());
            found.extend(node.map(|node| (folder.clone(), node)));
        }
        let mut at = 0;
        while at < planter.nodes.len() {
            planter.resolve(at)?;
            at += 1;
        }
        let Planter { nodes, dangling, .. } = planter;
        let mut tree = Self { nodes, dangling, order: Vec::new(), roots: Vec::new(), wanted: found };
        tree.put_in_order(problems);
        Ok(tree)
    }

    /// Those that are marked, and all that they build.
    pub(super) fn below(&self, marked: &[bool]) -> Vec<bool> {
        let mut below = marked.to_vec();
        for &at in self.order.iter().rev() {
            if below[at] {
                self.nodes[at].children().for_each(|child| below[child] = true);
            }
        }
        below
    }

    /// Walks from every kustomization down to what it builds. One that comes back to where it began is
    /// broken, and so is all that builds it, as kustomize has it.
    fn put_in_order(&mut self, problems: &mut Vec<Problem>) {
        #[derive(Clone, Copy, PartialEq)]
        enum State {
            New,
            Open,
            Done,
        }
        let mut states = vec![State::New; self.nodes.len()];
        let mut order = Vec::with_capacity(self.nodes.len());
        for start in 0..self.nodes.len() {
            if states[start] != State::New {
                continue;
            }
            states[start] = State::Open;
            // The way down to where we are, with the number of the next link to follow.
            let mut open = vec![(start, 0)];
            while let Some((at, next)) = open.last_mut() {
                let at = *at;
                let way = self.nodes[at].ways.get(*next);
                *next += 1;
                match way {
                    None => {
                        open.pop();
                        states[at] = State::Done;
                        order.push(at);
                    }
                    Some(&(Way::Node { node, link, .. } | Way::Into { node, link })) => match states[node] {
                        State::New => {
                            states[node] = State::Open;
                            open.push((node, 0));
                        }
                        State::Open => {
                            problems.push(circle(&self.nodes[at].kustomization().links[link]));
                            self.nodes[at].is_broken = true;
                        }
                        State::Done => {}
                    },
                    Some(Way::File(_)) => {}
                }
            }
        }
        // Whoever builds a broken one is broken; in a circle, until all of it is.
        let mut builders = vec![Vec::new(); self.nodes.len()];
        for (at, node) in self.nodes.iter().enumerate() {
            node.children().for_each(|child| builders[child].push(at));
        }
        let mut broken: Vec<usize> = (0..self.nodes.len()).filter(|at| self.nodes[*at].is_broken).collect();
        while let Some(at) = broken.pop() {
            for &builder in &builders[at] {
                if !self.nodes[builder].is_broken {
                    self.nodes[builder].is_broken = true;
                    broken.push(builder);
                }
            }
        }
        let is_root = |at: &usize| {
            let node = &self.nodes[*at];
            let by_itself = node.kustomization().role != KustomizationRole::Component;
            by_itself && !node.is_broken && builders[*at].iter().all(|builder| self.nodes[*builder].is_broken)
        };
        self.roots = (0..self.nodes.len()).filter(is_root).collect();
        order.retain(|at| !self.nodes[*at].is_broken);
        self.order = order;
    }
}

/// What stands in the file of a kustomization.
enum Found {
    Node(usize),
    /// Nothing that can be understood, which is told where the file is read.
    Unreadable,
}

impl Found {
    fn node(&self) -> Option<usize> {
        match self {
            Self::Node(node) => Some(*node),
            Self::Unreadable => None,
        }
    }
}

struct Planter<'a, 's, 'f, S: Source> {
    shelf: &'a mut Shelf<'s, 'f, S>,
    dangling: Vec<(usize, Problem)>,
    nodes: Vec<Node>,
    /// Kustomize's own files.
    by_file: HashMap<RepoPath, usize>,
    /// The files of the survey, sorted, once somebody asks for a folder of them.
    sorted: Option<BTreeSet<RepoPath>>,
    /// How many files of whole folders were taken.
    taken: usize,
}

impl<S: Source> Planter<'_, '_, '_, S> {
    fn add(&mut self, manifest: &Arc<Manifest>, is_surveyed: bool) {
        for (index, kustomization) in manifest.kustomizations.iter().enumerate() {
            if kustomization.role != KustomizationRole::Flux {
                self.by_file.entry(manifest.path.clone()).or_insert(self.nodes.len());
            }
            let manifest = Arc::clone(manifest);
            self.nodes.push(Node { manifest, index, ways: Vec::new(), is_surveyed, is_broken: false });
        }
    }

    /// Finds out where the links of a kustomization lead.
    fn resolve(&mut self, at: usize) -> Result<(), S::Error> {
        let manifest = Arc::clone(&self.nodes[at].manifest);
        let kustomization = &manifest.kustomizations[self.nodes[at].index];
        let mut ways = Vec::with_capacity(kustomization.links.len());
        for (number, link) in kustomization.links.iter().enumerate() {
            // What is known as a folder is not looked for as a file.
            if let Some(path) = &link.target
                && self.known_in(Some(path)).is_none()
                && self.shelf.exists(path)?
            {
                ways.push(Way::File(path.clone()));
            } else if let Some(found) = self.kustomization_in(link.target.as_ref())? {
                let is_component = link.is_component;
                let adds = kustomization.role == KustomizationRole::Flux && !is_component;
                ways.extend(found.node().map(|node| {
                    if adds { Way::Into { node, link: number } } else { Way::Node { node, link: number, is_component } }
                }));
            } else if kustomization.role == KustomizationRole::Flux && !link.is_component {
                if kustomization.images.is_empty() {
                    continue; // It changes nothing, and nobody else builds a folder like this.
                }
                self.take_folder(link.target.as_ref(), number, &mut ways)?;
            } else if self.nodes[at].is_surveyed {
                self.dangling.push((at, nowhere(link)));
            }
        }
        self.nodes[at].ways = ways;
        Ok(())
    }

    /// The kustomization of a folder, if it has one.
    fn kustomization_in(&mut self, folder: Option<&RepoPath>) -> Result<Option<Found>, S::Error> {
        for path in own_files(folder) {
            if !self.by_file.contains_key(&path) && self.shelf.exists(&path)? {
                if let Some(manifest) =
                    self.shelf.manifest(&path, false)?.filter(|_| !self.shelf.files.is_surveyed(&path))
                {
                    self.add(&manifest, false);
                }
                let node = self.by_file.get(&path);
                return Ok(Some(node.map_or(Found::Unreadable, |node| Found::Node(*node))));
            }
            if let Some(node) = self.by_file.get(&path) {
                return Ok(Some(Found::Node(*node)));
            }
        }
        Ok(None)
    }

    /// The kustomization of a folder, if it was seen already.
    fn known_in(&self, folder: Option<&RepoPath>) -> Option<usize> {
        own_files(folder).find_map(|path| self.by_file.get(&path).copied())
    }

    /// What Flux makes of a folder without a kustomization: all manifests below it, and the folders
    /// that have a kustomization. Only the files of the survey are seen.
    fn take_folder(&mut self, folder: Option<&RepoPath>, link: usize, ways: &mut Vec<Way>) -> Result<(), S::Error> {
        let sorted = self.sorted.get_or_insert_with(|| self.shelf.files.surveyed().keys().cloned().collect());
        let is_below = |path: &RepoPath| folder.is_none_or(|folder| path.is_within(folder));
        let from = folder.map_or("", RepoPath::as_str);
        let below: Vec<RepoPath> = sorted
            .range::<str, _>((Bound::Included(from), Bound::Unbounded))
            .take_while(|path| path.as_str().starts_with(from))
            .take(MOST_TAKEN - self.taken)
            .filter(|path| is_below(path))
            .cloned()
            .collect();
        self.taken += below.len();
        let built: HashSet<RepoPath> =
            below.iter().filter(|path| is_kustomization_path(path)).filter_map(RepoPath::parent).collect();
        let is_taken = |folder: Option<RepoPath>| {
            let mut at = folder.filter(is_below);
            while let Some(folder) = at {
                if built.contains(&folder) {
                    return true;
                }
                at = folder.parent().filter(is_below);
            }
            false
        };
        for path in &below {
            let parent = path.parent();
            if is_kustomization_path(path) {
                if !is_taken(parent.as_ref().and_then(RepoPath::parent))
                    && let Some(Found::Node(node)) = self.kustomization_in(parent.as_ref())?
                {
                    ways.push(Way::Node { node, link, is_component: false });
                }
            } else if matches!(path.extension(), Some("yaml" | "yml")) && !is_taken(parent) {
                ways.push(Way::File(path.clone()));
            }
        }
        Ok(())
    }
}

/// The files that kustomize looks for in a folder.
fn own_files(folder: Option<&RepoPath>) -> impl Iterator<Item = RepoPath> {
    KUSTOMIZATION_FILES.iter().filter_map(move |name| RepoPath::below(folder, name).ok())
}

fn nowhere(link: &Link) -> Problem {
    let message =
        format!("`{}` leads to nothing: there is no such file, and no folder with a kustomization", link.written);
    Problem::new(Rule::Link, Severity::Warning, link.place.clone(), message, "mend the path, or remove it")
}

fn circle(link: &Link) -> Problem {
    let message = format!("`{}` leads back here, so that none of these kustomizations can be built", link.written);
    Problem::new(Rule::Link, Severity::Warning, link.place.clone(), message, "remove it")
}

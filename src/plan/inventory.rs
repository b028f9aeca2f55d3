//! What a config repository asks for: its manifests, and the image repositories that matter to them.
//!
//! Must not know how a manifest is written, nor which tags there are.

mod argocd;
mod claims;
mod files;
mod kustomize;
mod linked;
mod markers;
mod opened;
mod owners;
mod reach;
mod shared;
mod shelf;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use argocd::Looked;
use files::Files;
use jiff::Timestamp;
use linked::Linked;
use opened::Opened;
use shelf::Reached;

use super::watch::Watches;
use crate::image::Repository;
use crate::manifest::{
    self, Automation, Container, ContainerPolicy, Manifest, Place, Problem, Rule, Scope, Severity, Terms, Workload,
};
use crate::path::RepoPath;
use crate::policy::{Candidate, Dialects, Policy, Preset, Presets};

/// The folder in which a config repository defines policies of its own.
pub const POLICIES: &str = ".landwaiter/policies";

/// Where the files of a config repository come from: a commit, or a checkout.
pub trait Source {
    /// What tells the content of a file apart from any other.
    type Key: Clone + Eq;
    /// Why a file cannot be had.
    type Error;

    /// The content of the file at this path, if there is a file.
    ///
    /// # Errors
    /// When that cannot be told.
    fn find(&self, path: &RepoPath) -> Result<Option<Self::Key>, Self::Error>;

    /// Puts the content behind a key into the buffer, in place of what it held.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read(&self, key: &Self::Key, buffer: &mut Vec<u8>) -> Result<(), Self::Error>;
}

/// What every file of a repository asks for, put together, with the problems found on the way.
#[derive(Debug, Default)]
pub struct Inventory {
    manifests: BTreeMap<RepoPath, Arc<Manifest>>,
    workloads: Vec<Arc<Workload>>,
    problems: Vec<Problem>,
    /// What is worth a word beyond single files.
    advice: Vec<Problem>,
    terms: Terms,
    assumed: Option<Policy>,
}

/// What files asked for when they were read, by their content, so that a file is parsed once and not
/// in every pass; and which dialects are heard in them. Holds what the last survey used and nothing else.
#[derive(Debug)]
pub struct Memory<K> {
    /// The terms before the repository's own policies.
    given: Terms,
    terms: Terms,
    files: HashMap<RepoPath, Reading<K>>,
    linked: HashMap<RepoPath, Linked<K>>,
    looked: HashMap<RepoPath, Looked<K>>,
    asked: HashMap<(RepoPath, usize), shared::Asked<K>>,
    /// What kustomizations and applications reach beyond the files that were looked in, or that had nothing for us.
    reached: HashMap<RepoPath, Reading<K>>,
}

/// The files that were looked at, by path.
pub type Readings<K> = Vec<(RepoPath, Reading<K>)>;

/// A file that was looked at.
#[derive(Debug, Clone)]
pub struct Reading<K> {
    key: K,
    /// `None` for a file without anything for us.
    manifest: Option<Arc<Manifest>>,
}

/// What is known about one image repository. Absent from [`Scans`] means that nobody asked.
#[derive(Debug, Clone)]
pub enum Scan {
    /// Every tag the repository has.
    Complete(Vec<Candidate>),
    /// The list could not be had, or not whole; the text says what happened. Never "no tags".
    Failed(String),
}

/// The scans of a pass, each repository once.
pub type Scans = BTreeMap<Repository, Scan>;

impl Inventory {
    /// Surveys a repository: its policies, its manifests, and how they hang together. `files` are those
    /// to look in; what they link to is taken from `source` wherever it lies. The three steps are there
    /// by themselves for whoever reads the manifests on several threads.
    ///
    /// # Errors
    /// The error of `source`.
    pub fn survey<S: Source>(
        files: &[(RepoPath, S::Key)],
        source: &S,
        scope: Scope,
        memory: &mut Memory<S::Key>,
    ) -> Result<Self, S::Error> {
        let inventory = Self::begin(files, source, memory)?;
        let readings = inventory.read_manifests(files, source, scope, memory)?;
        inventory.finish(readings, source, memory)
    }

    /// Begins a survey with the policies that the repository defines in `.landwaiter/policies/`, so
    /// that its manifests can name them. One that cannot be understood becomes a problem. When the
    /// policies are not those of `memory` it is emptied.
    ///
    /// # Errors
    /// The error of `source`.
    pub fn begin<S: Source>(
        files: &[(RepoPath, S::Key)],
        source: &S,
        memory: &mut Memory<S::Key>,
    ) -> Result<Self, S::Error> {
        let mut inventory = Self { terms: memory.given.clone(), ..Self::default() };
        let mut bytes = Vec::new();
        let mut own = BTreeSet::new();
        for (path, key) in files.iter().filter(|(path, _)| is_policy_file(path)) {
            source.read(key, &mut bytes)?;
            match manifest::read_policy_file(path, &bytes) {
                // One that is given gives way to the repository's own; two of its own do not.
                Ok(preset) if own.insert(preset.name().clone()) => drop(inventory.terms.presets.insert(preset)),
                Ok(preset) => inventory.problems.push(doubled_policy(path, &preset)),
                Err(problems) => inventory.problems.extend(problems),
            }
        }
        if memory.terms != inventory.terms {
            let given = std::mem::take(&mut memory.given);
            *memory = Memory { given, terms: inventory.terms.clone(), ..Memory::default() };
        }
        Ok(inventory)
    }

    /// Reads the files that may matter in `scope` and are not in `memory`; the others are passed over
    /// unparsed. A file that cannot be understood becomes a problem and the survey goes on.
    ///
    /// # Errors
    /// The error of `source`.
    pub fn read_manifests<S: Source>(
        &self,
        files: &[(RepoPath, S::Key)],
        source: &S,
        scope: Scope,
        memory: &Memory<S::Key>,
    ) -> Result<Readings<S::Key>, S::Error> {
        let is_manifest = |path| manifest::is_manifest_path(path) && !is_policy_file(path);
        let mut readings = Vec::new();
        let mut bytes = Vec::new();
        for (path, key) in files.iter().filter(|(path, _)| is_manifest(path)) {
            let known = memory.files.get(path).filter(|known| known.key == *key);
            let reading = if let Some(known) = known {
                known.clone()
            } else {
                source.read(key, &mut bytes)?;
                let matters = manifest::may_matter(path, &bytes, scope);
                let manifest = matters.then(|| Arc::new(manifest::read(path, &bytes, &self.terms)));
                Reading { key: key.clone(), manifest }
            };
            readings.push((path.clone(), reading));
        }
        Ok(readings)
    }

    /// Puts the files together: those that need others are read with them, and images that stand in
    /// one file and belong to another find each other.
    ///
    /// # Errors
    /// The error of `source`.
    pub fn finish<S: Source>(
        mut self,
        readings: Readings<S::Key>,
        source: &S,
        memory: &mut Memory<S::Key>,
    ) -> Result<Self, S::Error> {
        memory.files = readings.into_iter().collect();
        let mut files = Files::new(source, &memory.files);
        let mut opened = Opened::default();
        self.manifests = linked::read(&mut files, &self.terms, &mut opened, &mut memory.linked)?;
        for manifest in self.manifests.values() {
            self.problems.extend_from_slice(&manifest.problems);
            self.workloads.extend(manifest.workloads.iter().cloned());
        }
        let applications = argocd::look(&mut self, &mut files, &mut opened, &mut memory.looked)?;
        let mut reached = Reached::after(std::mem::take(&mut memory.reached));
        let wanted = applications.kustomizations();
        let kustomized = kustomize::join(&mut self, &mut files, &mut reached, &wanted)?;
        let speakers = applications.join(&mut self, &mut files, &mut reached, &kustomized)?;
        memory.reached = reached.now;
        markers::settle(&mut self);
        reach::hold_what_lies_outside(&mut self.workloads, |path| files.is_surveyed(path), &mut self.problems);
        shared::hold(&mut self, &speakers, &mut files, &mut opened, &mut memory.asked)?;
        owners::settle(&mut self.workloads, &mut self.problems);
        self.problems.sort();
        self.problems.dedup();
        Ok(self)
    }

    /// Adds problems that were found outside the manifests, in a policy file for example.
    pub fn report(&mut self, problems: impl IntoIterator<Item = Problem>) {
        self.problems.extend(problems);
        self.problems.sort();
    }

    /// Treats every container that no annotation speaks about as automated with `policy`.
    pub fn assume(&mut self, policy: Policy) {
        self.assumed = Some(policy);
    }

    /// What stands in the files, each by itself, by path.
    pub fn manifests(&self) -> impl Iterator<Item = &Manifest> {
        self.manifests.values().map(Arc::as_ref)
    }

    /// The workloads with their images, in the order of the files. A workload whose images are followed
    /// in several files (overlays) is there once for each of them.
    pub fn workloads(&self) -> impl Iterator<Item = &Workload> {
        self.workloads.iter().map(Arc::as_ref)
    }

    /// What people got wrong, by place.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// What works or waits, and is worth a word to those who ask for it, by place.
    #[must_use]
    pub fn advice(&self) -> Vec<Problem> {
        let of_files = self.manifests.values().flat_map(|manifest| &manifest.advice);
        let mut advice: Vec<Problem> = of_files.chain(&self.advice).cloned().collect();
        advice.sort();
        advice
    }

    /// The named policies: the built-in ones and those of the repository.
    #[must_use]
    pub fn presets(&self) -> &Presets {
        &self.terms.presets
    }

    /// The policy that decides for `container`, or `None` where nothing is to be decided: not
    /// automated, locked, ignored or held by a mistake.
    #[must_use]
    pub fn policy_for<'a>(
        &'a self,
        workload: &'a Workload,
        container: &'a Container,
        now: Timestamp,
    ) -> Option<&'a Policy> {
        match (workload.automation_at(now), &container.policy) {
            (Automation::On, ContainerPolicy::Stated(policy)) => Some(policy),
            (Automation::Off, ContainerPolicy::Unstated) => self.assumed.as_ref(),
            _ => None,
        }
    }

    /// The repositories to watch, each once, however many containers use it.
    #[must_use]
    pub fn watches(&self, now: Timestamp) -> Watches {
        let mut watches = Watches::new();
        for (workload, container) in self.tagged() {
            if let Some(policy) = self.policy_for(workload, container, now) {
                let image = container.image.reference();
                watches.entry(image.repository().clone()).or_default().add(policy, image.tag());
            }
        }
        watches
    }

    /// The repositories that containers would follow if their workloads were not locked.
    #[must_use]
    pub fn locked(&self, now: Timestamp) -> BTreeSet<Repository> {
        let is_locked = |(workload, container): &(&Workload, &Container)| {
            matches!(workload.automation_at(now), Automation::Locked(_))
                && matches!(container.policy, ContainerPolicy::Stated(_))
        };
        let locked = self.tagged().filter(is_locked);
        locked.map(|(_, container)| container.image.reference().repository().clone()).collect()
    }

    /// When something that is true now ends by itself, such as a lock.
    #[must_use]
    pub fn holds_until(&self, now: Timestamp) -> Option<Timestamp> {
        let ends = self.workloads().filter_map(|workload| match &workload.automation {
            Automation::Locked(lock) => lock.until.filter(|until| *until > now),
            _ => None,
        });
        ends.min()
    }

    /// The containers whose image is not pinned by digest.
    fn tagged(&self) -> impl Iterator<Item = (&Workload, &Container)> {
        self.workloads()
            .flat_map(|workload| workload.containers.iter().map(move |container| (workload, container)))
            .filter(|(_, container)| container.image.reference().digest().is_none())
    }
}

impl<K> Default for Memory<K> {
    fn default() -> Self {
        Self {
            given: Terms::builtin().clone(),
            terms: Terms::default(),
            files: HashMap::new(),
            linked: HashMap::new(),
            looked: HashMap::new(),
            asked: HashMap::new(),
            reached: HashMap::new(),
        }
    }
}

impl<K> Memory<K> {
    /// Nothing known yet, and these dialects heard; [`default`](Self::default) hears all of them.
    #[must_use]
    pub fn hearing(dialects: Dialects) -> Self {
        Self::on(Terms { dialects, ..Terms::builtin().clone() })
    }

    /// Nothing known yet, and these policies and dialects given; a repository's own policies come before them.
    #[must_use]
    pub fn on(terms: Terms) -> Self {
        Self { given: terms, ..Self::default() }
    }

    /// Whether the content of a file is known already.
    #[must_use]
    pub fn knows(&self, path: &RepoPath, key: &K) -> bool
    where
        K: PartialEq,
    {
        self.files.get(path).is_some_and(|known| known.key == *key)
    }

    /// How many files are known, and how many of them hold something for us.
    #[must_use]
    pub fn count(&self) -> (usize, usize) {
        (self.files.len(), self.files.values().filter(|reading| reading.manifest.is_some()).count())
    }
}

fn doubled_policy(file: &RepoPath, preset: &Preset) -> Problem {
    let place = Place { file: file.clone(), line: 1, column: 1 };
    let message = format!("another file defines the policy `{}` as well, and this one is not read", preset.name());
    Problem::new(Rule::BrokenPolicy, Severity::Error, place, message, "remove one of the two")
}

fn is_policy_file(path: &RepoPath) -> bool {
    let folder = path.parent();
    folder.is_some_and(|folder| folder.as_str() == POLICIES) && matches!(path.extension(), Some("yaml" | "yml"))
}

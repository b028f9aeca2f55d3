//! What a config repository asks for: its manifests, and the image repositories that matter to them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::image::{Repository, Tag};
use crate::manifest::{
    self, Automation, Container, ContainerPolicy, Manifest, Place, Problem, Scope, Severity, Workload,
};
use crate::path::RepoPath;
use crate::policy::{Candidate, Policy, Preset, Presets};

/// The folder in which a config repository defines policies of its own.
pub const POLICIES: &str = ".landwaiter/policies";

/// Every manifest that matters, read once, with the problems found on the way.
#[derive(Debug, Default)]
pub struct Inventory {
    manifests: Vec<Manifest>,
    problems: Vec<Problem>,
    presets: Presets,
    assumed: Option<Policy>,
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

/// Why a repository is watched: each policy that chooses from it, with the tag that stands in Git.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    wishes: Vec<(Policy, Option<Tag>)>,
}

impl Inventory {
    /// Surveys a repository: its policies, then its manifests. The three steps are there by themselves
    /// for whoever reads the manifests on several threads.
    ///
    /// A file is a path and a key; `read` puts the bytes behind a key into the buffer.
    ///
    /// # Errors
    /// The error of `read`.
    pub fn survey<K, E>(
        files: &[(RepoPath, K)],
        mut read: impl FnMut(&K, &mut Vec<u8>) -> Result<(), E>,
        scope: Scope,
    ) -> Result<Self, E> {
        let mut inventory = Self::begin(files, &mut read)?;
        let manifests = inventory.read_manifests(files, &mut read, scope)?;
        inventory.extend(manifests);
        Ok(inventory)
    }

    /// Begins a survey with the policies that the repository defines in `.landwaiter/policies/`, so
    /// that its manifests can name them. One that cannot be understood becomes a problem.
    ///
    /// # Errors
    /// The error of `read`.
    pub fn begin<K, E>(
        files: &[(RepoPath, K)],
        mut read: impl FnMut(&K, &mut Vec<u8>) -> Result<(), E>,
    ) -> Result<Self, E> {
        let mut inventory = Self { presets: manifest::builtin_presets().clone(), ..Self::default() };
        let mut bytes = Vec::new();
        let mut own = BTreeSet::new();
        for (path, key) in files.iter().filter(|(path, _)| is_policy_file(path)) {
            read(key, &mut bytes)?;
            match manifest::read_policy_file(path, &bytes) {
                // One that is built in gives way to the repository's own; two of its own do not.
                Ok(preset) if own.insert(preset.name().clone()) => drop(inventory.presets.insert(preset)),
                Ok(preset) => inventory.problems.push(doubled_policy(path, &preset)),
                Err(problems) => inventory.problems.extend(problems),
            }
        }
        Ok(inventory)
    }

    /// Reads the files that may matter in `scope`; the others are passed over unparsed. A file that
    /// cannot be understood becomes a problem and the survey goes on.
    ///
    /// # Errors
    /// The error of `read`.
    pub fn read_manifests<K, E>(
        &self,
        files: &[(RepoPath, K)],
        mut read: impl FnMut(&K, &mut Vec<u8>) -> Result<(), E>,
        scope: Scope,
    ) -> Result<Vec<Manifest>, E> {
        let is_manifest = |path| manifest::is_manifest_path(path) && !is_policy_file(path);
        let mut manifests = Vec::new();
        let mut bytes = Vec::new();
        for (path, key) in files.iter().filter(|(path, _)| is_manifest(path)) {
            read(key, &mut bytes)?;
            if manifest::may_matter(&bytes, scope) {
                manifests.push(manifest::read(path, &bytes, &self.presets));
            }
        }
        Ok(manifests)
    }

    /// Adds manifests to what is known.
    pub fn extend(&mut self, manifests: Vec<Manifest>) {
        for mut manifest in manifests {
            self.problems.append(&mut manifest.problems);
            if !manifest.workloads.is_empty() {
                self.manifests.push(manifest);
            }
        }
        self.problems.sort();
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

    /// The manifests that hold workloads, in the order of the survey.
    #[must_use]
    pub fn manifests(&self) -> &[Manifest] {
        &self.manifests
    }

    /// What people got wrong, by place.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The named policies: the built-in ones and those of the repository.
    #[must_use]
    pub fn presets(&self) -> &Presets {
        &self.presets
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

    /// The repositories to scan, each once, however many containers use it.
    #[must_use]
    pub fn watches(&self, now: Timestamp) -> BTreeMap<Repository, Watch> {
        let mut watches = BTreeMap::<_, Watch>::new();
        for workload in self.manifests.iter().flat_map(|manifest| &manifest.workloads) {
            for container in &workload.containers {
                let image = container.image.reference();
                if image.digest().is_some() {
                    continue;
                }
                if let Some(policy) = self.policy_for(workload, container, now) {
                    let wish = (policy.clone(), image.tag().cloned());
                    let watch = watches.entry(image.repository().clone()).or_default();
                    if !watch.wishes.contains(&wish) {
                        watch.wishes.push(wish);
                    }
                }
            }
        }
        watches
    }
}

impl Watch {
    /// A watch for one policy.
    #[must_use]
    pub fn new(policy: Policy, current: Option<Tag>) -> Self {
        Self { wishes: vec![(policy, current)] }
    }

    /// The tags out of `tags` whose created time the policies must know: those that they admit and
    /// the one that stands in Git, where the order is by time. Empty when no policy orders by time.
    #[must_use]
    pub fn wants_created(&self, tags: &[Tag]) -> Vec<Tag> {
        let wishes = self.wishes.iter().map(|(policy, current)| (policy, current.as_ref()));
        let mut timed: Vec<_> = wishes
            .filter(|(policy, current)| policy.needs_created(*current))
            .map(|(policy, current)| (current, policy.admits(current)))
            .collect();
        let mut wanted = |tag: &Tag| timed.iter_mut().any(|(current, admits)| *current == Some(tag) || admits(tag));
        tags.iter().filter(|tag| wanted(tag)).cloned().collect()
    }
}

fn doubled_policy(file: &RepoPath, preset: &Preset) -> Problem {
    let place = Place { file: file.clone(), line: 1, column: 1 };
    let message = format!("another file defines the policy `{}` as well, and this one is not read", preset.name());
    Problem::new(Severity::Error, place, message, "remove one of the two")
}

fn is_policy_file(path: &RepoPath) -> bool {
    let folder = path.parent();
    folder.is_some_and(|folder| folder.as_str() == POLICIES) && matches!(path.extension(), Some("yaml" | "yml"))
}

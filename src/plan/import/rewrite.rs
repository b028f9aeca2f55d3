//! The exchange of words in the files, and the proof that it keeps the meaning: the repository is read again
//! with native words alone, and every image has to be followed as before.
//!
//! What cannot be changed, or would mean something else, stays as it is; the rest is done.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::study::Study;
use super::task::Task;
use crate::manifest::{
    Automation, Container, ContainerPolicy, Document, Place, Reworded, Rewording, Scope, Trail, Workload,
};
use crate::path::RepoPath;
use crate::plan::{Change, Inventory, Memory, Scan, Scans, Source};
use crate::policy::{Dialects, Policy, decide};

/// A repository in which some files have other bytes.
struct Overlay<'s, S> {
    source: &'s S,
    changed: BTreeMap<RepoPath, Arc<Vec<u8>>>,
}

/// The key of a file in it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum OverlayKey<K> {
    Below(K),
    Changed(Arc<Vec<u8>>),
}

impl<S: Source> Source for Overlay<'_, S> {
    type Key = OverlayKey<S::Key>;
    type Error = S::Error;

    fn find(&self, path: &RepoPath) -> Result<Option<Self::Key>, S::Error> {
        match self.changed.get(path) {
            Some(bytes) => Ok(Some(OverlayKey::Changed(Arc::clone(bytes)))),
            None => Ok(self.source.find(path)?.map(OverlayKey::Below)),
        }
    }

    fn read(&self, key: &Self::Key, buffer: &mut Vec<u8>) -> Result<(), S::Error> {
        match key {
            OverlayKey::Below(key) => self.source.read(key, buffer),
            OverlayKey::Changed(bytes) => {
                buffer.clone_from(bytes);
                Ok(())
            }
        }
    }
}

/// Does the tasks that can be done, and notes on the others why not. Gives back the files that change.
pub(super) fn carry_out<S: Source>(
    study: &Study,
    tasks: &mut BTreeMap<Place, Task>,
    (scans, now): (Option<&Scans>, Timestamp),
    files: &[(RepoPath, S::Key)],
    source: &S,
) -> Result<Vec<Change>, S::Error> {
    let mut before: BTreeMap<RepoPath, Vec<u8>> = BTreeMap::new();
    let (mut all, mut native) = (Memory::hearing(study.dialects), Memory::hearing(Dialects::of(&[])));
    loop {
        let mut overlay = Overlay { source, changed: BTreeMap::new() };
        if reword(tasks, source, &mut before, &mut overlay.changed)? {
            continue;
        }
        if overlay.changed.is_empty() {
            return Ok(Vec::new());
        }
        let key = |path: &RepoPath, below: &S::Key| match overlay.changed.get(path) {
            Some(bytes) => OverlayKey::Changed(Arc::clone(bytes)),
            None => OverlayKey::Below(below.clone()),
        };
        let files: Vec<_> = files.iter().map(|(path, below)| (path.clone(), key(path, below))).collect();
        let after = After {
            heard: &Inventory::survey(&files, &overlay, Scope::Annotated, &mut all)?,
            native: &Inventory::survey(&files, &overlay, Scope::Annotated, &mut native)?,
            before: &before,
            changed: &overlay.changed,
            scans,
            now,
        };
        if !after.judge(study, tasks) {
            let changed = overlay.changed.into_iter();
            let change = |(path, after): (RepoPath, Arc<Vec<u8>>)| {
                let before = before.remove(&path).unwrap_or_default();
                Change { path, before, after: after.to_vec() }
            };
            return Ok(changed.map(change).collect());
        }
    }
}

/// Rewords the files. Whether a task was given up, so that all has to be done again without it.
fn reword<S: Source>(
    tasks: &mut BTreeMap<Place, Task>,
    source: &S,
    before: &mut BTreeMap<RepoPath, Vec<u8>>,
    changed: &mut BTreeMap<RepoPath, Arc<Vec<u8>>>,
) -> Result<bool, S::Error> {
    let mut by_file: BTreeMap<RepoPath, Vec<(Place, Rewording)>> = BTreeMap::new();
    for (place, task) in tasks.iter().filter(|(_, task)| task.changes()) {
        for rewording in &task.rewordings {
            let file = rewording.place().file.clone();
            by_file.entry(file).or_default().push((place.clone(), rewording.clone()));
        }
    }
    let mut is_given_up = false;
    for (path, wanted) in by_file {
        if !before.contains_key(&path) {
            let mut bytes = Vec::new();
            if let Some(key) = source.find(&path)? {
                source.read(&key, &mut bytes)?;
            }
            before.insert(path.clone(), bytes);
        }
        let bytes = &before[&path];
        let mut refuse = |place: &Place, why: String| {
            if let Some(task) = tasks.get_mut(place) {
                task.refused.get_or_insert(why);
                is_given_up = true;
            }
        };
        let document = match Document::open(&path, bytes) {
            Ok(document) => document,
            Err(problem) => {
                for (place, _) in &wanted {
                    refuse(place, problem.to_string());
                }
                continue;
            }
        };
        let rewordings: Vec<Rewording> = wanted.iter().map(|(_, rewording)| rewording.clone()).collect();
        let Reworded { bytes: after, refused } = document.reword(&rewordings);
        for (at, refusal) in refused {
            refuse(&wanted[at].0, refusal.obstacle().to_string());
        }
        if after != *bytes {
            changed.insert(path, Arc::new(after));
        }
    }
    Ok(is_given_up)
}

/// What an image is found by before and after: where a file changes, lines move.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Spot {
    At(Place),
    Along(RepoPath, Option<Trail>),
}

/// What is done for one image: by whom, how it is automated, and what it follows, in native words.
type Following = (Automation, Option<Option<Vec<(&'static str, String)>>>);

/// The containers of an inventory by where their images stand.
type BySpot<'a> = HashMap<Spot, Vec<(&'a Workload, &'a Container)>>;

/// The repository with other words in some files.
struct After<'a> {
    /// With all words heard that were heard before.
    heard: &'a Inventory,
    /// With native words alone.
    native: &'a Inventory,
    before: &'a BTreeMap<RepoPath, Vec<u8>>,
    changed: &'a BTreeMap<RepoPath, Arc<Vec<u8>>>,
    scans: Option<&'a Scans>,
    now: Timestamp,
}

impl After<'_> {
    /// Compares what is followed before and after: with all words heard everything is as it was, and so it is
    /// with native words alone for what was exchanged and for what was native before. Whether a task was
    /// given up.
    fn judge(&self, study: &Study, tasks: &mut BTreeMap<Place, Task>) -> bool {
        let open = |path: &RepoPath, bytes: &[u8]| Some((path.clone(), Document::open(path, bytes).ok()?));
        let old: HashMap<_, _> = self.changed.keys().filter_map(|path| open(path, self.before.get(path)?)).collect();
        let new: HashMap<_, _> = self.changed.iter().filter_map(|(path, bytes)| open(path, bytes)).collect();
        let (heard, native) = (by_spot(self.heard, &new), by_spot(self.native, &new));
        let mut wrong: Vec<(Place, Place, String)> = Vec::new();
        let mut check = |workload: &Workload, container: &Container, after: &BySpot<'_>| {
            let here = after.get(&spot(&old, container)).map(Vec::as_slice).unwrap_or_default();
            if here.iter().any(|(then, same)| self.is_same((workload, container), (then, same))) {
                return;
            }
            let became = here.iter().find(|(_, same)| same.name == container.name).or(here.first());
            let why = difference(workload, container, became.copied());
            wrong.push((workload.words_at.clone(), container.image.place().clone(), why));
        };
        let exchanged: BTreeSet<Place> =
            tasks.iter().filter(|(_, task)| task.changes()).map(|(place, _)| place.clone()).collect();
        let is_exchanged = |workload: &Workload| exchanged.contains(&workload.words_at);
        for workload in study.heard.workloads() {
            for container in &workload.containers {
                check(workload, container, &heard);
                if is_exchanged(workload) {
                    check(workload, container, &native);
                }
            }
        }
        // Whoever had an image natively gives way to words that are about it now.
        let spoken = study.heard.workloads().filter(|workload| is_exchanged(workload));
        let spoken: HashSet<&Place> =
            spoken.flat_map(|workload| &workload.containers).map(|container| container.image.place()).collect();
        for workload in study.native.workloads().filter(|workload| !is_exchanged(workload)) {
            let others = workload.containers.iter().filter(|container| !spoken.contains(container.image.place()));
            others.for_each(|container| check(workload, container, &native));
        }
        for (words_at, image, why) in &wrong {
            match tasks.get_mut(words_at).filter(|_| exchanged.contains(words_at)) {
                Some(task) => drop(task.refused.get_or_insert_with(|| why.clone())),
                None => give_up_near(tasks, words_at, image, why),
            }
        }
        !wrong.is_empty()
    }

    /// Whether both images are followed alike, as far as can be told, and the same tag is chosen of those that
    /// are known.
    fn is_same(&self, (workload, container): (&Workload, &Container), (then, same): (&Workload, &Container)) -> bool {
        if following(workload, container) != following(then, same) {
            return false;
        }
        let (ContainerPolicy::Stated(one), ContainerPolicy::Stated(two)) = (&container.policy, &same.policy) else {
            return true;
        };
        let image = container.image.reference();
        match self.scans.and_then(|scans| scans.get(image.repository())) {
            Some(Scan::Complete(candidates)) => {
                let choose = |policy: &Policy| decide(policy, image.tag(), candidates, self.now).decision;
                choose(one) == choose(two)
            }
            _ => true,
        }
    }
}

/// Gives up what has changed an image that has no task of its own: those in the same files, or else all.
fn give_up_near(tasks: &mut BTreeMap<Place, Task>, words_at: &Place, image: &Place, why: &str) {
    let is_near = |task: &&mut Task| {
        let files = task.rewordings.iter().map(|rewording| &rewording.place().file);
        task.changes() && files.into_iter().any(|file| *file == words_at.file || *file == image.file)
    };
    let why = format!("an image beside it would change its meaning: {image}: {why}");
    let mut near: Vec<&mut Task> = tasks.values_mut().filter(is_near).collect();
    if near.is_empty() {
        near = tasks.values_mut().filter(|task| task.changes()).collect();
    }
    for task in near {
        task.refused = Some(why.clone());
    }
}

fn spot(documents: &HashMap<RepoPath, Document>, container: &Container) -> Spot {
    let place = container.image.place();
    match documents.get(&place.file) {
        Some(document) => Spot::Along(place.file.clone(), document.trail(&container.image)),
        None => Spot::At(place.clone()),
    }
}

fn by_spot<'i>(inventory: &'i Inventory, documents: &HashMap<RepoPath, Document>) -> BySpot<'i> {
    let mut by_spot = BySpot::new();
    for workload in inventory.workloads() {
        for container in &workload.containers {
            by_spot.entry(spot(documents, container)).or_default().push((workload, container));
        }
    }
    by_spot
}

/// What is done for an image. What follows nothing is the same as what excludes every tag.
fn following(workload: &Workload, container: &Container) -> Following {
    let current = container.image.reference().tag();
    let words = match &container.policy {
        ContainerPolicy::Stated(policy) if policy.exclude().to_string() == "*" => None,
        ContainerPolicy::Stated(policy) => Some(policy.native_words(current).ok()),
        _ => None,
    };
    let automation = match &workload.automation {
        Automation::Held { .. } => Automation::Ignored,
        automation => automation.clone(),
    };
    (automation, words)
}

fn difference(workload: &Workload, container: &Container, became: Option<(&Workload, &Container)>) -> String {
    let told = |workload: &Workload, container: &Container| match (&workload.automation, &container.policy) {
        (Automation::Held { reason, .. }, _) | (_, ContainerPolicy::Invalid { reason, .. }) => {
            format!("held: {reason}")
        }
        (_, ContainerPolicy::Stated(policy)) => format!("`{policy}`"),
        (_, ContainerPolicy::Elsewhere { place }) => format!("followed at {place}"),
        (_, ContainerPolicy::Unstated) => "not followed".to_owned(),
    };
    let before = told(workload, container);
    match became {
        Some((then, same)) => {
            format!("in native words `{}` would be {}, and is {before}", container.name, told(then, same))
        }
        None => format!("in native words the image of `{}` would not be found", container.name),
    }
}

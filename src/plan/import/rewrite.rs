//! The exchange of words in the files, and the proof that it keeps the meaning: the repository is read again
//! with native words alone, and every image has to be followed as before.
//!
//! What cannot be changed, or would mean something else, stays as it is; the rest is done.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::study::{Study, by_place};
use super::task::Task;
use crate::image::Tag;
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
    scans: Option<&Scans>,
    files: &[(RepoPath, S::Key)],
    source: &S,
) -> Result<Vec<Change>, S::Error> {
    let mut before: BTreeMap<RepoPath, Vec<u8>> = BTreeMap::new();
    let mut memory = Memory::hearing(Dialects::of(&[]));
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
        let after = Inventory::survey(&files, &overlay, Scope::Annotated, &mut memory)?;
        if !judge(study, &after, tasks, scans, &before, &overlay.changed) {
            let change = |(path, after): (RepoPath, Arc<Vec<u8>>)| Change {
                before: before.remove(&path).unwrap_or_default(),
                path,
                after: Arc::unwrap_or_clone(after),
            };
            drop(after);
            drop(files);
            return Ok(overlay.changed.into_iter().map(change).collect());
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
                wanted.iter().for_each(|(place, _)| refuse(place, problem.to_string()));
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

/// Compares what is followed before and after. Whether a task was given up.
fn judge(
    study: &Study,
    after: &Inventory,
    tasks: &mut BTreeMap<Place, Task>,
    scans: Option<&Scans>,
    before: &BTreeMap<RepoPath, Vec<u8>>,
    changed: &BTreeMap<RepoPath, Arc<Vec<u8>>>,
) -> bool {
    let open = |bytes: &dyn Fn(&RepoPath) -> Option<Vec<u8>>| -> HashMap<RepoPath, Document> {
        let documents =
            changed.keys().filter_map(|path| Some((path.clone(), Document::open(path, &bytes(path)?).ok()?)));
        documents.collect()
    };
    let old = open(&|path| before.get(path).cloned());
    let new = open(&|path| changed.get(path).map(|bytes| bytes.to_vec()));
    let spot = |documents: &HashMap<RepoPath, Document>, container: &Container| {
        let place = container.image.place();
        match documents.get(&place.file) {
            Some(document) => Spot::Along(place.file.clone(), document.trail(&container.image)),
            None => Spot::At(place.clone()),
        }
    };
    let mut now: HashMap<Spot, Vec<(&Workload, &Container)>> = HashMap::new();
    for workload in after.workloads() {
        for container in &workload.containers {
            now.entry(spot(&new, container)).or_default().push((workload, container));
        }
    }
    let native = by_place(&study.native);
    let mut blamed: BTreeSet<Place> = BTreeSet::new();
    let mut is_given_up = false;
    for workload in study.heard.workloads() {
        for container in &workload.containers {
            let here = now.get(&spot(&old, container)).map(Vec::as_slice).unwrap_or_default();
            let task = tasks.get(&workload.place).filter(|task| task.changes());
            let is_kept = if task.is_some() {
                here.iter().any(|(then, same)| is_same(workload, container, then, same, scans))
            } else {
                // What nobody rewords is as it is natively, whatever becomes of its neighbours.
                let found = native.get(container.image.place()).map(Vec::as_slice).unwrap_or_default();
                let mine = found.iter().filter(|(other, _)| other.place == workload.place);
                mine.clone().all(|(other, same)| here.iter().any(|(then, now)| is_same(other, same, then, now, scans)))
            };
            if is_kept {
                continue;
            }
            let became = here.iter().find(|(_, same)| same.name == container.name).or(here.first());
            let why = difference(workload, container, became.copied());
            if let Some(task) = tasks.get_mut(&workload.place).filter(|task| task.changes()) {
                task.refused = Some(why);
                is_given_up = true;
            } else {
                blamed.insert(container.image.place().clone());
            }
        }
    }
    // An image that changed its meaning without a task of its own: whoever shares the file gives way.
    for place in blamed {
        let neighbours = tasks.values_mut().filter(|task| {
            task.changes() && task.rewordings.iter().any(|rewording| rewording.place().file == place.file)
        });
        for task in neighbours {
            task.refused = Some(format!("the image at {place} would be followed in another way"));
            is_given_up = true;
        }
    }
    is_given_up
}

/// Whether both images are followed alike, as far as can be told, and the same tag is chosen of those that are
/// known.
fn is_same(
    workload: &Workload,
    container: &Container,
    then: &Workload,
    same: &Container,
    scans: Option<&Scans>,
) -> bool {
    let (before, after) = (following(workload, container), following(then, same));
    if before != after {
        return false;
    }
    let (ContainerPolicy::Stated(one), ContainerPolicy::Stated(two)) = (&container.policy, &same.policy) else {
        return true;
    };
    let image = container.image.reference();
    match scans.and_then(|scans| scans.get(image.repository())) {
        Some(Scan::Complete(candidates)) => {
            let choose = |policy: &Policy, tag: Option<&Tag>| decide(policy, tag, candidates).decision;
            choose(one, image.tag()) == choose(two, image.tag())
        }
        _ => true,
    }
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

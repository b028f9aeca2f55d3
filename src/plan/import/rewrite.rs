//! The exchange of words in the files, and the proof that it keeps the meaning: the repository is read again
//! with native words alone, and every image has to be followed as before.
//!
//! What cannot be changed, or would mean something else, stays as it is; the rest is done.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::following::Following;
use super::overlay::{BySpot, Changed, Overlay, Spot, by_spot, bytes, open};
use super::study::Study;
use super::task::{Task, refuse_what_is_needed};
use crate::manifest::{Automation, Container, ContainerPolicy, Document, Place, Reworded, Rewording, Workload};
use crate::path::RepoPath;
use crate::plan::{Change, Inventory, Memory, Scan, Scans, Source};
use crate::policy::{Dialects, Policy, decide};

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
        refuse_what_is_needed(tasks);
        let mut changed = Changed::new();
        if reword(tasks, source, &mut before, &mut changed)? {
            continue;
        }
        if changed.is_empty() {
            return Ok(Vec::new());
        }
        let overlay = Overlay::new(files, source, changed);
        let after = After {
            heard: &overlay.survey(&mut all)?,
            native: &overlay.survey(&mut native)?,
            before: &before,
            changed: overlay.changed(),
            scans,
            now,
        };
        if !after.judge(study, tasks) {
            let change = |(path, after): (&RepoPath, &Arc<Vec<u8>>)| {
                let before = before.get(path).cloned().unwrap_or_default();
                Change { path: path.clone(), before, after: after.to_vec() }
            };
            return Ok(overlay.changed().iter().map(change).collect());
        }
    }
}

/// Rewords the files. Whether a task was given up, so that all has to be done again without it.
fn reword<S: Source>(
    tasks: &mut BTreeMap<Place, Task>,
    source: &S,
    before: &mut BTreeMap<RepoPath, Vec<u8>>,
    changed: &mut Changed,
) -> Result<bool, S::Error> {
    let mut by_file: BTreeMap<RepoPath, Vec<(Place, Rewording)>> = BTreeMap::new();
    for (place, task) in tasks.iter().filter(|(_, task)| task.changes()) {
        for rewording in &task.rewordings {
            let wanted = by_file.entry(rewording.place().file.clone()).or_default();
            wanted.push((place.clone(), rewording.clone()));
        }
    }
    let mut is_given_up = false;
    for (path, wanted) in by_file {
        if !before.contains_key(&path) {
            before.insert(path.clone(), bytes(source, &path)?);
        }
        let bytes = &before[&path];
        let mut refuse = |place: &Place, why: &str| {
            if let Some(task) = tasks.get_mut(place) {
                task.refused.get_or_insert_with(|| why.to_owned());
                is_given_up = true;
            }
        };
        let document = match Document::open(&path, bytes) {
            Ok(document) => document,
            Err(problem) => {
                for (place, _) in &wanted {
                    refuse(place, &problem.to_string());
                }
                continue;
            }
        };
        let rewordings: Vec<Rewording> = wanted.iter().map(|(_, rewording)| rewording.clone()).collect();
        let Reworded { bytes: after, refused } = document.reword(&rewordings);
        for (at, refusal) in refused {
            refuse(&wanted[at].0, &refusal.obstacle().to_string());
        }
        if after != *bytes {
            changed.insert(path, Arc::new(after));
        }
    }
    Ok(is_given_up)
}

/// The repository with other words in some files.
struct After<'a> {
    /// With all words heard that were heard before.
    heard: &'a Inventory,
    /// With native words alone.
    native: &'a Inventory,
    before: &'a BTreeMap<RepoPath, Vec<u8>>,
    changed: &'a Changed,
    scans: Option<&'a Scans>,
    now: Timestamp,
}

impl After<'_> {
    /// Compares what is followed before and after: with all words heard everything is as it was, and so it is
    /// with native words alone for what was exchanged and for what was native before. Whether a task was
    /// given up.
    fn judge(&self, study: &Study, tasks: &mut BTreeMap<Place, Task>) -> bool {
        let old = open(self.changed.keys().filter_map(|path| Some((path, self.before.get(path)?.as_slice()))));
        let new = open(self.changed.iter().map(|(path, bytes)| (path, bytes.as_slice())));
        let (heard, native) = (by_spot(self.heard, &new), by_spot(self.native, &new));
        let mut wrong: Vec<(Place, Place, String)> = Vec::new();
        let mut check = |workload: &Workload, container: &Container, after: &BySpot<'_>| {
            let here = after.get(&Spot::of(container, &old)).map(Vec::as_slice).unwrap_or_default();
            if here.iter().any(|(then, same)| self.is_same((workload, container), (then, same))) {
                return;
            }
            let became = here.iter().find(|(_, same)| same.name == container.name).or(here.first());
            let why = difference(workload, container, became.copied());
            wrong.push((workload.words_at.clone(), container.image.place().clone(), why));
        };
        let exchanged: BTreeSet<Place> =
            tasks.iter().filter(|(_, task)| task.changes()).map(|(place, _)| place.clone()).collect();
        let is_exchanged = |workload: &Workload, container: &Container| {
            exchanged.contains(&workload.words_at) || exchanged.contains(container.image.place())
        };
        // Whoever had an image natively gives way to words that are about it now.
        let mut spoken: HashSet<&Place> = HashSet::new();
        for workload in study.heard.workloads() {
            for container in &workload.containers {
                check(workload, container, &heard);
                if is_exchanged(workload, container) {
                    check(workload, container, &native);
                    spoken.insert(container.image.place());
                }
            }
        }
        for workload in study.native.workloads().filter(|workload| !exchanged.contains(&workload.words_at)) {
            let others = workload.containers.iter().filter(|container| !spoken.contains(container.image.place()));
            others.for_each(|container| check(workload, container, &native));
        }
        for (words_at, image, why) in &wrong {
            let at = [image, words_at].into_iter().find(|at| exchanged.contains(*at));
            match at.and_then(|at| tasks.get_mut(at)) {
                Some(task) => drop(task.refused.get_or_insert_with(|| why.clone())),
                None => give_up_near(tasks, words_at, image, why),
            }
        }
        !wrong.is_empty()
    }

    /// Whether both images are followed alike, as far as can be told, and the same tag is chosen of those that
    /// are known.
    fn is_same(&self, (workload, container): (&Workload, &Container), (then, same): (&Workload, &Container)) -> bool {
        if Following::of(workload, container) != Following::of(then, same) {
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

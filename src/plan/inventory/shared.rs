//! Images in values files that several releases read: one that says nothing of an image which it runs would get
//! the new tag unasked, so nobody changes it.
//!
//! Only releases that say nothing are asked about here; those that say something are owners, see `owners.rs`.
//! Who writes another tag over a shared value is not concerned. Must not know how values are written.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::files::Files;
use super::opened::Opened;
use super::{Inventory, Source};
use crate::manifest::{
    Automation, ContainerPolicy, Manifest, Place, Problem, Release, Rule, Severity, WorkloadId, runs_at,
};
use crate::path::RepoPath;

/// How many silent releases of one file are looked at. What more of them run is not known.
const MOST_READERS: usize = 100;

/// What was asked of one release, and what came of it.
#[derive(Debug, Clone)]
pub(super) struct Asked<K> {
    key: Option<K>,
    needs: Vec<(RepoPath, Option<K>)>,
    places: Vec<Place>,
    runs: Vec<bool>,
}

/// Releases, each by its file and its number in there.
type ReleaseId = (RepoPath, usize);

/// Who speaks about images in other words than those of its own object.
#[derive(Debug, Default)]
pub(super) struct Speakers {
    /// Applications, each behind the image.
    pub(super) applications: HashSet<(Place, Place)>,
    /// Images in files that were named to be written, whoever reads them.
    pub(super) named: HashSet<Place>,
}

/// Holds every image that a silent release would run as well. `asked` is what is remembered.
pub(super) fn hold<S: Source>(
    inventory: &mut Inventory,
    speakers: &Speakers,
    files: &mut Files<'_, S>,
    opened: &mut Opened,
    asked: &mut HashMap<ReleaseId, Asked<S::Key>>,
) -> Result<(), S::Error> {
    let before = std::mem::take(asked);
    let manifests = inventory.manifests.clone();
    let readers = readers(&manifests);
    let shared = shared(inventory, speakers, &readers);
    if shared.is_empty() {
        return Ok(());
    }
    let mut places: BTreeMap<ReleaseId, Vec<Place>> = BTreeMap::new();
    for (place, image) in &shared {
        for release in image.silent.iter().take(MOST_READERS) {
            places.entry(id_of(release)).or_default().push(place.clone());
        }
    }
    let mut runs: HashSet<(ReleaseId, Place)> = HashSet::new();
    for (id, places) in places {
        let answer = ask(&id, &places, &manifests, &before, files, opened)?;
        let run = places.into_iter().zip(&answer.runs).filter(|(_, is_run)| **is_run);
        runs.extend(run.map(|(place, _)| (id.clone(), place)));
        asked.insert(id, answer);
    }
    let mut held: HashMap<Place, Problem> = HashMap::new();
    for (place, image) in shared {
        let is_run = |release: &&&Release| runs.contains(&(id_of(release), place.clone()));
        let first = image.silent.iter().take(MOST_READERS).find(is_run);
        if let Some(release) = first.or_else(|| image.silent.get(MOST_READERS)) {
            let problem = image.problem(&place, release);
            inventory.problems.push(problem.clone());
            held.insert(place, problem);
        }
    }
    for workload in &mut inventory.workloads {
        if workload.containers.iter().any(|container| held.contains_key(container.image.place())) {
            for container in &mut Arc::make_mut(workload).containers {
                if let Some(problem) = held.get(container.image.place()) {
                    let (reason, place) = (problem.text(), problem.place.clone());
                    container.policy = ContainerPolicy::Invalid { reason, place };
                }
            }
        }
    }
    Ok(())
}

/// An image in a shared file.
struct Shared<'m> {
    /// Who wants it to change.
    owner: WorkloadId,
    owner_place: Place,
    container: String,
    /// The releases that read the file, and say nothing of the image.
    silent: Vec<&'m Release>,
}

impl Shared<'_> {
    fn problem(&self, place: &Place, release: &Release) -> Problem {
        let message = format!(
            "`{}` of {} ({}:{}) would change for {} ({}:{}) too, which reads this file and says nothing of it",
            self.container,
            self.owner,
            self.owner_place.file,
            self.owner_place.line,
            release.id,
            release.place.file,
            release.place.line
        );
        let mend = "annotate both alike, or give each of them a values file of its own";
        Problem::new(Rule::OwnersDisagree, Severity::Warning, place.clone(), message, mend)
    }
}

/// The releases by the files that they read.
fn readers(manifests: &BTreeMap<RepoPath, Arc<Manifest>>) -> HashMap<&RepoPath, Vec<&Release>> {
    let mut readers: HashMap<&RepoPath, Vec<&Release>> = HashMap::new();
    for release in manifests.values().flat_map(|manifest| &manifest.releases) {
        for path in &release.needs {
            readers.entry(path).or_default().push(release);
        }
    }
    readers
}

/// The images that releases want to change in files that others read, who say nothing of them.
fn shared<'m>(
    inventory: &Inventory,
    speakers: &Speakers,
    readers: &HashMap<&RepoPath, Vec<&'m Release>>,
) -> BTreeMap<Place, Shared<'m>> {
    let mut owners: HashMap<&Place, HashSet<&Place>> = HashMap::new();
    for workload in &inventory.workloads {
        for container in &workload.containers {
            owners.entry(container.image.place()).or_default().insert(&workload.place);
        }
    }
    for (image, application) in &speakers.applications {
        owners.entry(image).or_default().insert(application);
    }
    let mut shared = BTreeMap::new();
    let mut seen: HashSet<&Place> = speakers.named.iter().collect();
    for workload in &inventory.workloads {
        let may_change = matches!(workload.automation, Automation::On | Automation::Locked(_));
        for container in workload.containers.iter().filter(|_| may_change) {
            let place = container.image.place();
            let Some(all) = readers.get(&place.file).filter(|all| all.len() > 1) else { continue };
            if !matches!(container.policy, ContainerPolicy::Stated(_)) || !seen.insert(place) {
                continue;
            }
            let (speaking, silent): (Vec<&Release>, Vec<&Release>) =
                all.iter().partition(|release| owners.get(place).is_some_and(|owners| owners.contains(&release.place)));
            // What is said of the file itself is meant for all who read it.
            if !speaking.is_empty() && !silent.is_empty() {
                let (owner, owner_place) = (workload.id.clone(), workload.place.clone());
                shared.insert(place.clone(), Shared { owner, owner_place, container: container.name.clone(), silent });
            }
        }
    }
    shared
}

/// What a release runs at these places; not read again where nothing is new.
fn ask<S: Source>(
    (path, number): &ReleaseId,
    places: &[Place],
    manifests: &BTreeMap<RepoPath, Arc<Manifest>>,
    before: &HashMap<ReleaseId, Asked<S::Key>>,
    files: &mut Files<'_, S>,
    opened: &mut Opened,
) -> Result<Asked<S::Key>, S::Error> {
    let releases = manifests.get(path).into_iter().flat_map(|manifest| &manifest.releases);
    let needs = releases.filter(|release| release.number == *number).flat_map(|release| &release.needs);
    let find = |need: &RepoPath| Ok((need.clone(), files.find(need)?));
    let needs = needs.map(find).collect::<Result<Vec<_>, S::Error>>()?;
    let key = files.find(path)?;
    let known = before.get(&(path.clone(), *number));
    let is_same = |known: &&Asked<S::Key>| known.key == key && known.needs == needs && known.places == places;
    if let Some(known) = known.filter(is_same) {
        return Ok(known.clone());
    }
    let (library, _) = opened.library(files, &needs)?;
    let mut bytes = Vec::new();
    if let Some(key) = &key {
        files.read(key, &mut bytes)?;
    }
    let runs = runs_at(path, &bytes, *number, places, &library);
    Ok(Asked { key, needs, places: places.to_vec(), runs })
}

fn id_of(release: &Release) -> ReleaseId {
    (release.place.file.clone(), release.number)
}

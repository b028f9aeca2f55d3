//! What is to be exchanged, object by object and comment by comment: all of it or nothing.
//!
//! Must not know how bytes are changed, nor whether the exchange keeps the meaning.

use std::collections::{BTreeMap, BTreeSet};

use super::Native;
use super::application::{self, Lists};
use super::following::{self, Following};
use super::settings;
use super::shared::{self, Exchange, Named};
use super::study::{ByPlace, Study, invalid, mistake};
use super::words::PREFIX;
use crate::image::Reference;
use crate::manifest::{Automation, Container, ContainerPolicy, ForeignObject, ImagePart, Place, Rewording, Workload};
use crate::policy::Dialect;

/// Words that are exchanged together.
#[derive(Debug, Default)]
pub(super) struct Task {
    /// What is to be reworded.
    pub(super) rewordings: Vec<Rewording>,
    /// The annotations that stand there then: the container that each is about, key and value.
    pub(super) becomes: Vec<(Option<String>, String, String)>,
    /// The comment that stands beside the image then, without its `# `.
    pub(super) mark: Option<String>,
    /// The words that stay as they are: their keys, values and places, and why.
    pub(super) stay: Vec<Stay>,
    /// Why none of it is done.
    pub(super) refused: Option<String>,
    /// Whether nothing is to be done, since native words say all of it.
    pub(super) is_said: bool,
    /// The images without whose tasks it cannot be done, since their words would be lost.
    pub(super) needs: Vec<Place>,
}

/// A word that stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stay {
    pub(super) dialect: Dialect,
    pub(super) key: String,
    pub(super) value: String,
    pub(super) place: Place,
    pub(super) why: String,
}

impl Task {
    /// Whether something would change.
    pub(super) fn changes(&self) -> bool {
        self.refused.is_none() && !self.rewordings.is_empty()
    }
}

/// The tasks of a repository, in the order of the files: by the place of the words, or by that of the image
/// where its words stay as they are.
pub(super) fn all(study: &Study, native: &ByPlace<'_>) -> BTreeMap<Place, Task> {
    let mut workloads: BTreeMap<&Place, Vec<&Workload>> = BTreeMap::new();
    for workload in study.heard.workloads() {
        workloads.entry(&workload.words_at).or_default().push(workload);
    }
    let lists = Lists::of(study);
    let mut tasks = BTreeMap::new();
    for (place, object) in &study.objects {
        let there = workloads.get(place).map(Vec::as_slice).unwrap_or_default();
        tasks.insert(place.clone(), of_object(object, there, &lists, native));
    }
    for manifest in study.heard.manifests() {
        for setter in &manifest.markers.setters {
            let there = workloads.get(&setter.place).map(Vec::as_slice).unwrap_or_default();
            tasks.insert(setter.place.clone(), of_comment(&setter.place, setter.wish.part, there));
        }
    }
    // What is said of an application is said beside each image; only then its annotations can go.
    for workload in study.heard.workloads() {
        for container in workload.containers.iter().filter(|one| application::is_told(one)) {
            tasks.insert(container.image.place().clone(), of_image(workload, container, native));
        }
    }
    // A name that is marked goes with the tag beside it.
    let beside: BTreeMap<&Place, Vec<&Place>> = study
        .heard
        .manifests()
        .flat_map(|manifest| &manifest.markers.setters)
        .fold(BTreeMap::new(), |mut beside, setter| {
            if let Some(mapping) = &setter.mapping {
                let places: &mut Vec<&Place> = beside.entry(mapping).or_default();
                places.push(&setter.place);
            }
            beside
        });
    for places in beside.into_values() {
        let refused = places.iter().find_map(|place| tasks.get(*place).and_then(|task: &Task| task.refused.clone()));
        for place in places {
            if let Some(task) = tasks.get_mut(place) {
                task.refused = task.refused.take().or_else(|| refused.clone());
            }
        }
    }
    refuse_what_is_needed(&mut tasks);
    tasks
}

/// Refuses the tasks that need others that are refused.
pub(super) fn refuse_what_is_needed(tasks: &mut BTreeMap<Place, Task>) {
    let lost = |task: &Task| {
        let is_refused = |place: &&Place| tasks.get(place).is_some_and(|needed| needed.refused.is_some());
        let place = task.needs.iter().find(is_refused).filter(|_| task.refused.is_none())?;
        Some(format!("the image at {place} has no native words yet"))
    };
    let refused: Vec<_> = tasks.iter().filter_map(|(at, task)| Some((at.clone(), lost(task)?))).collect();
    for (at, why) in refused {
        if let Some(task) = tasks.get_mut(&at) {
            task.refused = Some(why);
        }
    }
}

/// What becomes of the words of an object.
fn of_object(object: &ForeignObject, workloads: &[&Workload], lists: &Lists<'_>, native: &ByPlace<'_>) -> Task {
    let mut task = Task::default();
    let containers: Vec<&Container> = workloads.iter().flat_map(|workload| &workload.containers).collect();
    // Mistakes in what an application is told are those of single images.
    let others = || {
        let all = workloads.iter().flat_map(|workload| workload.containers.iter().map(move |one| (*workload, one)));
        all.filter(|(_, container)| !application::is_told(container))
    };
    let wrong = others().find_map(|(workload, _)| mistake(workload).map(str::to_owned));
    let invalid = others().find_map(|(_, container)| invalid(container).map(str::to_owned));
    if lists.get(object).is_some() {
        let told = containers.iter().filter(|container| application::is_told(container));
        task.needs.extend(told.map(|container| container.image.place().clone()));
    }
    if containers.is_empty() && !lists.are_said(object) {
        let why = match lists.get(object) {
            Some(_) => "no image is followed because of it; `lint` may say why; correct or remove it",
            None => "there is no image here that it could be about",
        };
        for word in &object.words {
            task.stay.push(Stay {
                dialect: word.dialect,
                key: word.key.to_string(),
                value: word.value.to_string(),
                place: word.place.clone(),
                why: why.to_owned(),
            });
        }
        return task;
    }
    let mut named: Vec<Named<'_>> = Vec::new();
    let followed = containers.iter().filter(|container| !matches!(container.policy, ContainerPolicy::Elsewhere { .. }));
    for container in followed {
        let this = Named::of(container);
        if !named.iter().any(|other| other.name == this.name && other.stated == this.stated) {
            named.push(this);
        }
    }
    match wrong.or(invalid).map_or_else(|| exchange(object, workloads, &named, lists, native), Err) {
        Ok(Exchange { rewords, becomes, stay }) => {
            task.becomes = becomes;
            task.stay.extend(stay.into_iter().map(|(number, why)| {
                let word = &object.words[number];
                let (key, value, place) = (word.key.to_string(), word.value.to_string(), word.place.clone());
                Stay { dialect: word.dialect, key, value, place, why }
            }));
            if !rewords.is_empty() {
                task.rewordings.push(Rewording::Object { place: object.place.clone(), words: rewords });
            }
        }
        Err(why) => task.refused = Some(why),
    }
    task
}

/// All dialects of an object at once. One that has settings of its own comes in only where it stands alone,
/// or where the others say the same.
fn exchange(
    object: &ForeignObject,
    workloads: &[&Workload],
    named: &[Named<'_>],
    lists: &Lists<'_>,
    native: &ByPlace<'_>,
) -> Result<Exchange, String> {
    let dialects: BTreeSet<Dialect> = object.words.iter().map(|word| word.dialect).collect();
    let mut exchange = Exchange::default();
    for dialect in dialects {
        let part = if dialect == Dialect::Flux {
            shared::exchange(object, named)?
        } else if dialect == Dialect::ArgocdImageUpdater {
            application::exchange(object, lists, workloads)?
        } else {
            // What is a pod's aside, such as an image volume, is followed natively only by its name.
            let is_aside = |named: &Named<'_>| {
                let mut containers = workloads.iter().flat_map(|workload| &workload.containers);
                let is_it = |container: &&Container| container.name == named.name;
                containers.find(is_it).is_some_and(|container| !container.is_replaceable)
            };
            let meant = |named: &&Named<'_>| named.stated.is_some() || !is_aside(named);
            let meant: Vec<Named<'_>> = named.iter().filter(meant).copied().collect();
            let are_all_alike = !meant.iter().any(is_aside);
            settings::exchange(object, dialect, &meant, are_all_alike, is_said_natively(workloads, native))?
        };
        exchange.rewords.extend(part.rewords);
        exchange.becomes.extend(part.becomes);
        exchange.stay.extend(part.stay);
    }
    Ok(exchange)
}

/// Whether native words alone make the same of all images of these workloads.
fn is_said_natively(workloads: &[&Workload], native: &ByPlace<'_>) -> bool {
    workloads.iter().all(|workload| {
        workload.containers.iter().all(|container| {
            let found = native.get(container.image.place()).map(Vec::as_slice).unwrap_or_default();
            let following = Following::of(workload, container);
            found.iter().any(|(other, same)| other.place == workload.place && Following::of(other, same) == following)
        })
    })
}

/// What becomes of what an application is told about one image.
fn of_image(workload: &Workload, container: &Container, native: &ByPlace<'_>) -> Task {
    let mut task = Task::default();
    let place = container.image.place();
    match application::mark(workload, container, native) {
        Ok(Some(text)) => {
            task.rewordings.push(Rewording::Mark { place: place.clone(), text: text.clone() });
            task.mark = Some(text);
        }
        Ok(None) => task.is_said = true,
        Err(why) => task.refused = Some(why),
    }
    task
}

/// What becomes of a comment of Flux version 2.
fn of_comment(place: &Place, part: ImagePart, workloads: &[&Workload]) -> Task {
    let mut task = Task::default();
    let reword = |text| vec![Rewording::Comment { place: place.clone(), text }];
    let marked = workloads.iter().find_map(|workload| Some((*workload, workload.containers.first()?)));
    match (part, marked) {
        // What is named is held to its name, and not changed.
        (ImagePart::Name, _) => task.rewordings = reword(None),
        (ImagePart::Digest, _) => task.refused = Some("the part `:digest` is not supported yet".to_owned()),
        (_, Some((workload, container))) => {
            let image: Option<&Reference> = (part == ImagePart::Tag).then(|| container.image.reference());
            match following::spoken(workload, container, image) {
                Ok(text) => {
                    task.mark = Some(text.clone());
                    task.rewordings = reword(Some(text));
                }
                Err(why) => task.refused = Some(why),
            }
        }
        (_, None) => task.refused = Some("the marker is not followed".to_owned()),
    }
    task
}

/// The annotations that say natively what a container follows, for people who have to write them by hand.
pub(super) fn by_hand(container: &Container, automation: &Automation) -> Vec<(String, String)> {
    let mut words = Vec::new();
    if matches!(automation, Automation::On | Automation::Locked(_)) {
        words.push((format!("{PREFIX}automated"), "true".to_owned()));
    }
    if let ContainerPolicy::Stated(policy) = &container.policy {
        let own = super::words::of_container(policy, container.image.reference().tag(), &container.name);
        words.extend(own.unwrap_or_default());
    }
    words
}

/// What to do about a container whose words stand on no object.
pub(super) fn by_hand_elsewhere(workload: &Workload, container: &Container) -> Native {
    let words = by_hand(container, &workload.automation);
    // Files with values alone have no kind, and a sidecar has no prefixes.
    if workload.id.kind == "Values" {
        let why = "the settings stand in a block of these values, where no annotation can stand; write the words into \
                   `.landwaiter.yaml` beside the file, below its name";
        let bare = |(key, value): (String, String)| (key.trim_start_matches(PREFIX).to_owned(), value);
        return Native::ByHand { why: why.to_owned(), words: words.into_iter().map(bare).collect() };
    }
    let why = "the settings stand on no object of this repository that the words could be written on";
    Native::ByHand { why: why.to_owned(), words }
}

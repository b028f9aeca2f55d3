//! A repository that another tool manages, as Landwaiter sees it: what that tool chooses and what we will,
//! what has no equivalent, and the words of ours that say the same.
//!
//! Must not know how anything is written in files, nor how it is shown. In reading order:
//!
//! | file | what it knows |
//! |---|---|
//! | `study.rs` | the repository with the words of other tools, and without |
//! | `compare.rs` | what another tool chooses beside what we do, and why they differ |
//! | `words.rs` | a policy as annotations and comments of ours |
//! | `following.rs` | what is done for one image, in the one spelling that all dialects share |
//! | `shared.rs`, `settings.rs`, `application.rs` | what becomes of words in the vocabulary that Flux shares with us, of those in words of their own, and of what an application is told |
//! | `task.rs` | what is exchanged together, object by object |
//! | `overlay.rs` | the repository with other bytes in some files |
//! | `rewrite.rs` | the exchange in the files, and the proof that it keeps the meaning |
//! | `environment.rs` | a configuration of ours made of those of other daemons |

mod application;
mod compare;
mod environment;
mod following;
mod overlay;
mod rewrite;
mod settings;
mod shared;
mod study;
mod task;
mod words;

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

pub use compare::{Agreement, Ours};
pub use environment::{Environment, Registries, RegistryEntry, RegistrySetting, RegistryValue, Unsaid, Variable};
pub use study::Study;
use task::Task;

use super::{Change, Plan, Scan, Scans, Source, Verdict, findings};
use crate::image::Reference;
use crate::manifest::{Automation, Container, ContainerPolicy, ForeignMeaning, ForeignWord, Place, Workload};
use crate::path::RepoPath;
use crate::policy::peer::{Flux, Peer};
use crate::policy::{Dialect, PeerChoice};

/// What other tools were told about the images of a repository, and what becomes of it.
#[derive(Debug)]
pub struct Import {
    /// One for each container that another tool speaks about, in the order of the repository.
    pub rows: Vec<Row>,
    /// Every setting without an equivalent.
    pub leftovers: Vec<Remainder>,
    /// Objects of other tools that are left in place: what they are called, and where they begin.
    pub objects: Vec<(String, Place)>,
    tasks: BTreeMap<Place, Task>,
    now: Timestamp,
}

/// One container that another tool speaks about.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Where the image stands.
    pub place: Place,
    /// The workload, `namespace/Kind/name`.
    pub workload: String,
    /// The name of the container.
    pub container: String,
    /// The image as it stands there.
    pub image: Reference,
    /// Whose words they are.
    pub dialect: Dialect,
    /// The setting as it is written there, in one line.
    pub setting: String,
    /// What that tool would do; `None` where no tags are known.
    pub theirs: Option<PeerChoice>,
    /// What we will do; `None` where no tags are known.
    pub ours: Option<Ours>,
    /// Whether they come to the same.
    pub agreement: Agreement,
    /// What becomes of the setting.
    pub native: Native,
    /// Which task it belongs to.
    task_at: Place,
}

/// What becomes of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Native {
    /// Native annotations on the same object, key and value.
    Annotations(Vec<(String, String)>),
    /// A native comment, with its `#`.
    Comment(String),
    /// Nothing by itself: why, and the annotations to write by hand, as far as they can be told.
    ByHand {
        /// Why.
        why: String,
        /// What to write.
        words: Vec<(String, String)>,
    },
}

/// A setting without an equivalent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remainder {
    /// Whose setting it is.
    pub dialect: Dialect,
    /// Its key.
    pub key: String,
    /// What it says.
    pub value: String,
    /// Where it stands.
    pub place: Place,
    /// Why nothing is done with it, and what to do instead.
    pub why: String,
}

impl Import {
    /// Puts together what other tools were told and what becomes of it. Without `scans` nothing is chosen.
    #[must_use]
    pub fn draw(study: &Study, scans: Option<&Scans>, now: Timestamp) -> Self {
        let native = study::by_place(&study.native);
        let tasks = task::all(study, &native);
        let plan = scans.map(|scans| Plan::draw(&study.heard, &findings(&study.watches(now), scans, now), now));
        let mut verdicts: HashMap<(&Place, &str, &str), &Verdict> = HashMap::new();
        for entry in plan.iter().flat_map(|plan| &plan.entries) {
            verdicts.insert((&entry.place, &entry.workload, &entry.container), &entry.verdict);
        }
        let mut import = Self { rows: Vec::new(), leftovers: Vec::new(), objects: objects(study), tasks, now };
        for workload in study.heard.workloads() {
            let id = workload.id.to_string();
            for container in &workload.containers {
                let Some(Spoken { dialect, setting, peer }) = spoken(study, workload, container) else { continue };
                let task_at = import.task_at(dialect, workload, container);
                if import.is_settled(task_at, &workload.words_at) {
                    continue;
                }
                let verdict = verdicts.get(&(container.image.place(), &id, &container.name)).copied();
                let (theirs, ours, agreement) =
                    judged(workload, container, (dialect, peer.as_ref()), verdict, (scans, now));
                import.rows.push(Row {
                    place: container.image.place().clone(),
                    workload: id.clone(),
                    container: container.name.clone(),
                    image: container.image.reference().clone(),
                    dialect,
                    setting,
                    theirs,
                    ours,
                    agreement,
                    native: import.becomes(task_at, workload, container),
                    task_at: task_at.clone(),
                });
            }
        }
        import.collect_leftovers(study);
        import
    }

    /// The files in which words are exchanged, with the proof that all images are followed as before. What
    /// cannot be exchanged stays as it is, and its rows say why.
    ///
    /// # Errors
    /// The error of `source`.
    pub fn rewrite<S: Source>(
        &mut self,
        study: &Study,
        scans: Option<&Scans>,
        files: &[(RepoPath, S::Key)],
        source: &S,
    ) -> Result<Vec<Change>, S::Error> {
        let changes = rewrite::carry_out(study, &mut self.tasks, (scans, self.now), files, source)?;
        let mut refused: HashMap<&Place, &str> = HashMap::new();
        for (place, task) in &self.tasks {
            refused.extend(task.refused.as_deref().map(|why| (place, why)));
        }
        for row in &mut self.rows {
            let Some(why) = refused.get(&row.task_at) else { continue };
            match &mut row.native {
                Native::Annotations(words) => {
                    row.native = Native::ByHand { why: (*why).to_owned(), words: std::mem::take(words) };
                }
                Native::Comment(text) => {
                    let why = format!("{why}; the comment would be `{text}`");
                    row.native = Native::ByHand { why, words: Vec::new() };
                }
                Native::ByHand { .. } => {}
            }
        }
        let lists = application::Lists::of(study);
        for object in study.objects.values() {
            let Some((word, why)) = lists.stay(object, &self.tasks) else { continue };
            let (key, value, place) = (word.key.to_string(), word.value.to_string(), word.place.clone());
            self.leftovers.push(Remainder { dialect: word.dialect, key, value, place, why });
        }
        self.leftovers.sort_by(|a, b| (&a.place, &a.key, &a.why).cmp(&(&b.place, &b.key, &b.why)));
        Ok(changes)
    }

    /// Where the task for the words of this dialect about a container is found: by its image, where an
    /// application is told of it, or else by the words.
    fn task_at<'p>(&self, dialect: Dialect, workload: &'p Workload, container: &'p Container) -> &'p Place {
        let image = container.image.place();
        let is_told = dialect == Dialect::ArgocdImageUpdater && self.tasks.contains_key(image);
        if is_told { image } else { &workload.words_at }
    }

    /// Whether native words say all of it, and the other words stay.
    fn is_settled(&self, task_at: &Place, words_at: &Place) -> bool {
        let goes = self.tasks.get(words_at).is_some_and(Task::changes);
        self.tasks.get(task_at).is_some_and(|task| task.is_said) && !goes
    }

    /// What becomes of the words about a container.
    fn becomes(&self, task_at: &Place, workload: &Workload, container: &Container) -> Native {
        let Some(task) = self.tasks.get(task_at) else {
            return task::by_hand_elsewhere(workload, container);
        };
        if let Some(why) = &task.refused {
            // Beside an image a comment is written, and there is none that could be written by hand either.
            let is_beside = task_at == container.image.place();
            let words = if is_beside { Vec::new() } else { task::by_hand(container, &workload.automation) };
            return Native::ByHand { why: why.clone(), words };
        }
        if let Some(text) = &task.mark {
            return Native::Comment(format!("# {text}"));
        }
        let is_about = |about: &Option<String>| about.as_ref().is_none_or(|name| *name == container.name);
        let words = task.becomes.iter().filter(|(about, ..)| is_about(about));
        Native::Annotations(words.map(|(_, key, value)| (key.clone(), value.clone())).collect())
    }

    fn collect_leftovers(&mut self, study: &Study) {
        let written = study.heard.manifests().flat_map(|manifest| manifest.workloads.iter().map(|one| &**one));
        for workload in written.chain(study.heard.workloads()).filter(|workload| !workload.leftovers.is_empty()) {
            let images = workload.containers.iter().map(|container| container.image.place());
            if images.clone().next().is_some() && images.clone().all(|at| self.is_settled(at, &workload.words_at)) {
                continue;
            }
            let words = study.objects.get(&workload.words_at).map(|object| &object.words);
            let dialect_of = |place: &Place| {
                let word = words.into_iter().flatten().find(|word| word.place == *place);
                word.map(|word| word.dialect)
            };
            let told = workload.containers.iter().find_map(|container| container.peer.as_ref()).map(Peer::dialect);
            for leftover in &workload.leftovers {
                self.leftovers.push(Remainder {
                    dialect: dialect_of(&leftover.place).or(told).unwrap_or(Dialect::Keel),
                    key: leftover.key.to_string(),
                    value: leftover.value.to_string(),
                    place: leftover.place.clone(),
                    why: leftover.why.to_owned(),
                });
            }
        }
        for stay in self.tasks.values().flat_map(|task| &task.stay) {
            self.leftovers.push(Remainder {
                dialect: stay.dialect,
                key: stay.key.clone(),
                value: stay.value.clone(),
                place: stay.place.clone(),
                why: stay.why.clone(),
            });
        }
        self.leftovers.sort_by(|a, b| (&a.place, &a.key, &a.why).cmp(&(&b.place, &b.key, &b.why)));
        self.leftovers.dedup();
    }
}

/// The objects that say to other tools which tags are wanted, and how commits are made.
fn objects(study: &Study) -> Vec<(String, Place)> {
    let named = study.heard.manifests().flat_map(|manifest| {
        let objects = &manifest.markers.objects;
        let policies = objects.policies.iter().map(|policy| ("ImagePolicy", policy.name.to_string(), &policy.place));
        let repositories = objects.repositories.iter();
        let repositories = repositories.map(|one| ("ImageRepository", one.name.to_string(), &one.place));
        let automations = objects.automations.iter();
        let automations = automations.map(|one| ("ImageUpdateAutomation", one.name.to_string(), &one.place));
        let updaters = manifest.updaters.iter().map(|one| {
            let namespace = one.id.namespace.as_deref().unwrap_or("-");
            ("ImageUpdater", format!("{namespace}/{}", one.id.name), &one.place)
        });
        policies.chain(repositories).chain(automations).chain(updaters)
    });
    let mut named: Vec<_> = named.map(|(kind, name, place)| (format!("{kind} {name}"), place.clone())).collect();
    named.sort_by(|a, b| a.1.cmp(&b.1));
    named
}

/// Words of another tool about a container.
struct Spoken {
    dialect: Dialect,
    /// What they say, in one line.
    setting: String,
    /// The same as that tool takes it, where it does.
    peer: Option<Peer>,
}

/// Whose words are about this container, and what they say.
fn spoken(study: &Study, workload: &Workload, container: &Container) -> Option<Spoken> {
    // What is replaced elsewhere is shown there.
    if matches!(container.policy, ContainerPolicy::Elsewhere { .. }) {
        return None;
    }
    if let Some(peer) = &container.peer {
        return Some(Spoken { dialect: peer.dialect(), setting: peer.to_string(), peer: Some(peer.clone()) });
    }
    if let Some(comment) = study.comments.get(&workload.words_at) {
        return Some(Spoken { dialect: Dialect::Flux2, setting: comment.clone(), peer: None });
    }
    let object = study.objects.get(&workload.words_at)?;
    if container.policy == ContainerPolicy::Unstated {
        // Flux follows all images of what is automated, also those that we follow only by name.
        let automates = |word: &ForeignWord| {
            matches!(&word.meaning, ForeignMeaning::Shared { key, .. } if key == "automated") && &*word.value == "true"
        };
        let peer = Peer::from(Flux { pattern: None });
        let is_followed = workload.automation == Automation::On && object.words.iter().any(automates);
        return is_followed.then(|| Spoken { dialect: Dialect::Flux, setting: peer.to_string(), peer: Some(peer) });
    }
    // What comes to nothing there, or cannot be read, is shown as it is written.
    let is_about = |word: &&ForeignWord| match &word.meaning {
        ForeignMeaning::Pattern { container: Some(about), .. }
        | ForeignMeaning::Shared { container: Some(about), .. } => *about == container.name,
        ForeignMeaning::Path { alias, .. } => *alias == container.name,
        _ => true,
    };
    let about: Vec<&ForeignWord> = object.words.iter().filter(is_about).collect();
    let words: Vec<String> = about.iter().map(|word| format!("{}={}", word.key, word.value.trim())).collect();
    Some(Spoken { dialect: about.first()?.dialect, setting: words.join(" "), peer: None })
}

/// What that tool would do, what we will do, and whether that is the same.
fn judged(
    workload: &Workload,
    container: &Container,
    (dialect, peer): (Dialect, Option<&Peer>),
    verdict: Option<&Verdict>,
    (scans, now): (Option<&Scans>, Timestamp),
) -> (Option<PeerChoice>, Option<Ours>, Agreement) {
    let image = container.image.reference();
    let candidates = match scans.map(|scans| scans.get(image.repository())) {
        None => return (None, None, Agreement::Unknown("no tags are known".to_owned())),
        Some(Some(Scan::Complete(candidates))) => candidates,
        Some(other) => {
            let why = match other {
                Some(Scan::Failed(reason)) => reason.clone(),
                _ => format!("the tags of {} were not looked up", image.repository()),
            };
            return (None, Some(Ours::of(verdict)), Agreement::Unknown(why));
        }
    };
    let policy = match &container.policy {
        ContainerPolicy::Stated(policy) => Some(policy),
        _ => None,
    };
    let ours = Ours::of(verdict);
    let theirs = match (&workload.automation, peer) {
        (Automation::Off, _) if dialect == Dialect::Flux => PeerChoice::Stays("it is not automated".to_owned()),
        (Automation::Locked(_), _) => PeerChoice::Stays("it is locked".to_owned()),
        (Automation::Ignored, _) => PeerChoice::Stays("it is to be left alone".to_owned()),
        (_, Some(peer)) => peer.choose(image.tag(), candidates),
        (Automation::On, None) if dialect == Dialect::Flux && policy.is_some() => {
            PeerChoice::Stays("it does not follow images here".to_owned())
        }
        (_, None) => return (None, Some(ours), Agreement::Unknown("the setting cannot be read".to_owned())),
    };
    let agreement = compare::compare(dialect.tool(), &theirs, &ours, policy, image.tag(), (candidates, now));
    (Some(theirs), Some(ours), agreement)
}

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
//! | `shared.rs`, `settings.rs` | what becomes of words in the vocabulary that Flux shares with us, and of those in words of their own |
//! | `task.rs` | what is exchanged together, object by object |
//! | `rewrite.rs` | the exchange in the files, and the proof that it keeps the meaning |
//! | `environment.rs` | a configuration of ours made of those of other daemons |

mod compare;
mod environment;
mod rewrite;
mod settings;
mod shared;
mod study;
mod task;
mod words;

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

pub use compare::{Agreement, Ours};
pub use environment::{Environment, Unsaid, Variable};
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
    /// Where the words stand: the object, or the comment.
    words_at: Place,
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
                    native: import.becomes(workload, container),
                    words_at: workload.words_at.clone(),
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
            let Some(why) = refused.get(&row.words_at) else { continue };
            if let Native::Annotations(words) = &mut row.native {
                row.native = Native::ByHand { why: (*why).to_owned(), words: std::mem::take(words) };
            } else if let Native::Comment(_) = &row.native {
                row.native = Native::ByHand { why: (*why).to_owned(), words: Vec::new() };
            }
        }
        Ok(changes)
    }

    /// What becomes of the words about a container.
    fn becomes(&self, workload: &Workload, container: &Container) -> Native {
        let by_hand =
            |why: &str| Native::ByHand { why: why.to_owned(), words: task::by_hand(container, &workload.automation) };
        let Some(task) = self.tasks.get(&workload.words_at) else {
            return task::by_hand_elsewhere(workload, container);
        };
        if let Some(why) = &task.refused {
            return by_hand(why);
        }
        let is_about = |about: &Option<String>| about.as_ref().is_none_or(|name| *name == container.name);
        let mut words = task.becomes.iter().filter(|(about, ..)| is_about(about));
        match words.clone().next() {
            Some((_, key, text)) if key == "#" => Native::Comment(format!("# {text}")),
            _ => Native::Annotations(words.by_ref().map(|(_, key, value)| (key.clone(), value.clone())).collect()),
        }
    }

    fn collect_leftovers(&mut self, study: &Study) {
        for manifest in study.heard.manifests() {
            for workload in &manifest.workloads {
                let dialect_of = |place: &Place| {
                    let words = study.objects.get(&workload.place).map(|object| &object.words);
                    words.into_iter().flatten().find(|word| word.place == *place).map(|word| word.dialect)
                };
                for leftover in &workload.leftovers {
                    self.leftovers.push(Remainder {
                        dialect: dialect_of(&leftover.place).unwrap_or(Dialect::Keel),
                        key: leftover.key.to_string(),
                        value: leftover.value.to_string(),
                        place: leftover.place.clone(),
                        why: leftover.why.to_owned(),
                    });
                }
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
        self.leftovers.sort_by(|a, b| a.place.cmp(&b.place));
        self.leftovers.dedup();
    }
}

/// The objects that say to other tools which tags are wanted, and how commits are made.
fn objects(study: &Study) -> Vec<(String, Place)> {
    let objects = study.heard.manifests().map(|manifest| &manifest.markers.objects);
    let named = objects.flat_map(|objects| {
        let policies = objects.policies.iter().map(|policy| ("ImagePolicy", &policy.name, &policy.place));
        let repositories = objects.repositories.iter();
        let repositories = repositories.map(|repository| ("ImageRepository", &repository.name, &repository.place));
        let automations = objects.automations.iter();
        let automations = automations.map(|automation| ("ImageUpdateAutomation", &automation.name, &automation.place));
        policies.chain(repositories).chain(automations)
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

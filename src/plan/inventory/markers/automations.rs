//! Which markers the `ImageUpdateAutomation`s of a repository write: below their path, for the policies of
//! their namespace that they select.
//!
//! Where there are none they may be in another repository, and every marker is followed. Must not know what
//! a marker asks for.

use std::collections::HashMap;

use super::objects::{listed, locked};
use crate::manifest::{Automation, ImagePolicy, ImageUpdateAutomation, Problem, Rule, Setter, Severity};
use crate::path::RepoPath;

/// How many automations are named that do not write a file.
const MOST_TOLD: usize = 3;

/// The automations of a repository.
pub(super) struct Automations<'a> {
    /// By their namespace, where the file says one.
    by_namespace: HashMap<Option<&'a str>, InNamespace<'a>>,
    /// Their names.
    names: Vec<String>,
}

/// Those of one namespace.
#[derive(Default)]
struct InNamespace<'a> {
    all: Vec<&'a ImageUpdateAutomation>,
    /// What is wrong with the first of which it cannot be told.
    lost: Option<&'a Problem>,
    /// By the folder that they write below, where that can be told.
    by_folder: HashMap<Option<&'a str>, Vec<&'a ImageUpdateAutomation>>,
}

impl<'a> Automations<'a> {
    pub(super) fn of(all: impl Iterator<Item = &'a ImageUpdateAutomation>) -> Self {
        let mut automations = Self { by_namespace: HashMap::new(), names: Vec::new() };
        for automation in all {
            automations.names.push(automation.name.to_string());
            let there = automations.by_namespace.entry(automation.name.namespace.as_deref()).or_default();
            there.all.push(automation);
            match &automation.reach {
                Ok(reach) => {
                    let folder = reach.folder.as_ref().map(RepoPath::as_str);
                    there.by_folder.entry(folder).or_default().push(automation);
                }
                Err(problem) => there.lost = there.lost.or(Some(problem)),
            }
        }
        automations.names.sort_unstable();
        automations
    }

    /// What may happen to a marker of this policy: what the first automation lets happen that writes it, or
    /// else a lock where one would that is suspended.
    ///
    /// # Errors
    /// The problem, where no automation writes it.
    pub(super) fn allow(&self, setter: &Setter, policy: &ImagePolicy) -> Result<Automation, Problem> {
        if self.names.is_empty() {
            return Ok(Automation::On);
        }
        let wish = &setter.wish;
        let there = [Some(&*wish.namespace), None].map(|namespace| self.by_namespace.get(&namespace));
        let file = &setter.place.file;
        let (mut lock, mut broken, mut unselected) = (None, None, None);
        for automation in there.into_iter().flatten().flat_map(|there| there.covering(file)) {
            let (reach, selector) = match (&automation.reach, &automation.selector) {
                (Ok(reach), Ok(selector)) => (reach, selector),
                (Err(problem), _) | (_, Err(problem)) => {
                    broken = broken.or(Some(problem));
                    continue;
                }
            };
            match (&reach.suspended, selector.matches(&policy.labels)) {
                (None, true) => return Ok(Automation::On),
                (Some(place), true) => {
                    lock.get_or_insert_with(|| locked("ImageUpdateAutomation", &automation.name, place));
                }
                (_, false) => unselected = unselected.or(Some(automation)),
            }
        }
        if let Some(lock) = lock {
            return Ok(lock);
        }
        let there = || there.into_iter().flatten();
        if let Some(broken) = broken.or_else(|| there().find_map(|there| there.lost)) {
            return Err(broken.clone());
        }
        let (message, mend) = if let Some(automation) = unselected {
            let message = format!(
                "the ImageUpdateAutomation {} ({}) writes this file, and its `policySelector` does not select the \
                 ImagePolicy {}",
                automation.name, automation.place, policy.name
            );
            (message, "write the labels that it selects on the policy".to_owned())
        } else if there().next().is_none() {
            let message = format!("no ImageUpdateAutomation is in the namespace `{}` of the policy", wish.namespace);
            let names = listed(&self.names);
            (message, format!("Flux follows markers of policies beside an automation only; there are: {names}"))
        } else {
            let told = there().flat_map(|there| &there.all).take(MOST_TOLD).filter_map(|automation| {
                let reach = automation.reach.as_ref().ok()?;
                Some(format!("{} ({}) writes only below {}", automation.name, reach.place, reach.folder.as_ref()?))
            });
            let told = told.collect::<Vec<_>>().join(", ");
            let more = there().map(|there| there.all.len()).sum::<usize>().saturating_sub(MOST_TOLD);
            let more = if more > 0 { format!(", and {more} more") } else { String::new() };
            let message = format!("no ImageUpdateAutomation covers this file: {told}{more}");
            (message, "move the file there, or widen `spec.update.path`".to_owned())
        };
        Err(Problem::new(Rule::UncoveredMarker, Severity::Warning, setter.place.clone(), message, mend))
    }
}

impl<'a> InNamespace<'a> {
    /// Those that write this file: below one of the folders that it lies in.
    fn covering(&self, file: &RepoPath) -> Vec<&'a ImageUpdateAutomation> {
        let mut covering = Vec::new();
        let mut folder = Some(file.clone());
        loop {
            let there = self.by_folder.get(&folder.as_ref().map(RepoPath::as_str));
            covering.extend(there.into_iter().flatten());
            match folder {
                Some(lower) => folder = lower.parent(),
                None => return covering,
            }
        }
    }
}

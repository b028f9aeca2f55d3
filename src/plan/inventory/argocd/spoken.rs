//! Which applications Argo CD Image Updater is told of, and by whom: their own annotations, or an
//! `ImageUpdater` in any file.
//!
//! Where there is an `ImageUpdater`, annotations count only for applications for which one of them says so, as
//! it is since version 1.0. Must not know what an application deploys.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::manifest::{
    Application, ApplicationReference, ImageList, ImageUpdater, Manifest, Place, Problem, Rule, Severity,
};
use crate::path::RepoPath;

/// How often a name is compared with a pattern, over all applications together. Far beyond any repository.
const MOST_COMPARISONS: usize = 3_000_000;

/// An application with what is to be followed in it.
#[derive(Debug)]
pub(super) struct Spoken {
    /// The file that it stands in.
    manifest: Arc<Manifest>,
    number: usize,
    /// The images.
    pub(super) list: Arc<ImageList>,
    /// Why none of them is followed, whatever the list says.
    pub(super) wrong: Option<(String, Place)>,
}

impl Spoken {
    pub(super) fn application(&self) -> &Application {
        &self.manifest.applications[self.number]
    }

    pub(super) fn path(&self) -> &RepoPath {
        &self.manifest.path
    }
}

/// Finds them, in the order of the files.
pub(super) fn find(
    manifests: &BTreeMap<RepoPath, Arc<Manifest>>,
    problems: &mut Vec<Problem>,
    advice: &mut Vec<Problem>,
) -> Vec<Spoken> {
    let updaters: Vec<&ImageUpdater> = manifests.values().flat_map(|manifest| &manifest.updaters).collect();
    let mut finder = Finder { updaters, meant: Vec::new(), left: MOST_COMPARISONS, problems, advice };
    finder.meant = vec![false; finder.updaters.len()];
    let mut spoken = Vec::new();
    for manifest in manifests.values() {
        for (number, application) in manifest.applications.iter().enumerate() {
            if let Some((list, wrong)) = finder.list_for(application) {
                spoken.push(Spoken { manifest: Arc::clone(manifest), number, list, wrong });
            }
        }
    }
    finder.report_idle();
    spoken
}

struct Finder<'m, 'p> {
    updaters: Vec<&'m ImageUpdater>,
    /// Which of them mean an application.
    meant: Vec<bool>,
    /// How many comparisons may still be made.
    left: usize,
    problems: &'p mut Vec<Problem>,
    advice: &'p mut Vec<Problem>,
}

type Wrong = Option<(String, Place)>;

impl<'m> Finder<'m, '_> {
    /// What is said of an application, if anything is.
    fn list_for(&mut self, application: &'m Application) -> Option<(Arc<ImageList>, Wrong)> {
        let own = application.list.as_ref();
        if self.updaters.is_empty() {
            return own.map(|list| self.heard(list));
        }
        let mut found: Vec<(&ImageUpdater, &ApplicationReference, &Arc<ImageList>)> = Vec::new();
        for (at, updater) in self.updaters.iter().enumerate() {
            if !is_one_namespace(updater, application) {
                continue;
            }
            for reference in &updater.references {
                if self.left == 0 {
                    return self.exhausted(application);
                }
                self.left -= 1;
                // An entry that hears annotations means no application without them.
                let list = if reference.uses_annotations { own } else { Some(&reference.list) };
                if let Some(list) = list.filter(|_| reference.means(application)) {
                    self.meant[at] = true;
                    found.push((updater, reference, list));
                    break;
                }
            }
        }
        match found[..] {
            [] => Some(self.unheard(application, own?)),
            [(_, reference, list)] if reference.uses_annotations => Some(self.heard(list)),
            [(_, _, list)] => Some((Arc::clone(list), None)),
            [(one, first, list), (other, second, _), ..] => {
                let message = format!(
                    "two ImageUpdaters mean the application {}, and overwrite each other: {} ({}) and {} ({})",
                    application.id, one.id, first.place, other.id, second.place
                );
                let mend = "have one of them mean it";
                Some(self.held(list, Rule::Contradiction, Severity::Error, second.place.clone(), message, mend))
            }
        }
    }

    /// Annotations that count.
    fn heard(&mut self, list: &Arc<ImageList>) -> (Arc<ImageList>, Wrong) {
        let (advice, problems): (Vec<_>, Vec<_>) =
            list.problems.iter().cloned().partition(|problem| problem.severity == Severity::Hint);
        self.problems.extend(problems);
        self.advice.extend(advice);
        (Arc::clone(list), None)
    }

    /// Annotations that the tool does not read any more.
    fn unheard(&mut self, application: &Application, list: &Arc<ImageList>) -> (Arc<ImageList>, Wrong) {
        let message = format!(
            "the annotations of {} are not heard: since version 1.0 Argo CD Image Updater reads them only where an ImageUpdater says `useAnnotations: true`, and none does so for this application",
            application.id
        );
        let mend = "write an entry with `useAnnotations: true` for it, or remove the annotations";
        self.held(list, Rule::Unheard, Severity::Warning, list.place.clone(), message, mend)
    }

    fn held(
        &mut self,
        list: &Arc<ImageList>,
        rule: Rule,
        severity: Severity,
        place: Place,
        message: String,
        mend: &str,
    ) -> (Arc<ImageList>, Wrong) {
        let problem = Problem::new(rule, severity, place, message, mend);
        let wrong = (problem.text(), problem.place.clone());
        self.problems.push(problem);
        (Arc::clone(list), Some(wrong))
    }

    /// Nobody can tell any more who means an application.
    fn exhausted(&mut self, application: &Application) -> Option<(Arc<ImageList>, Wrong)> {
        let message = "there are too many patterns in `applicationRefs` and too many applications to compare them all";
        let mend = "mean more applications by one pattern";
        let place = self.updaters.first()?.place.clone();
        let problem = Problem::new(Rule::Unheard, Severity::Error, place, message, mend);
        let wrong = (problem.text(), problem.place.clone());
        self.problems.push(problem);
        Some((Arc::clone(application.list.as_ref()?), Some(wrong)))
    }

    /// An object that means nothing here may be a slip, or mean the applications of another repository.
    fn report_idle(&mut self) {
        let idle =
            self.updaters.iter().zip(&self.meant).filter(|(updater, meant)| !**meant && !updater.references.is_empty());
        for (updater, _) in idle {
            let message = format!("{} means no application in this repository", updater.id);
            let mend = "correct `namePattern` or the labels; names that an ApplicationSet makes are not known here";
            let place = updater.place.clone();
            self.advice.push(Problem::new(Rule::Unheard, Severity::Hint, place, message, mend));
        }
    }
}

/// Whether an application stands where an object looks for it. A namespace that is not written may be any.
fn is_one_namespace(updater: &ImageUpdater, application: &Application) -> bool {
    match (&updater.id.namespace, &application.namespace) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    }
}

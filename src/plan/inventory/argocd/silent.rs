//! Applications that deploy the same kustomization or the same manifests as one that asks for changes, and say
//! nothing of the image: it would change for them unasked, so it does not.
//!
//! Where the file to be written is named, whoever deploys it is meant. Values files are the business of
//! `shared.rs`. Must not know how images are found.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::super::Source;
use super::super::shelf::Shelf;
use crate::image::{Reference, Repository};
use crate::manifest::{
    Application, ApplicationSource, KUSTOMIZATION_FILES, Manifest, Place, Problem, Rule, Severity, SourceFolder,
    SourceKind, WorkloadId,
};
use crate::path::RepoPath;

/// An image that an application asks for, in a file that it shares with whoever deploys the same.
#[derive(Debug)]
pub(super) struct Deployed {
    /// Where its tag stands.
    pub(super) place: Place,
    /// The image.
    pub(super) repository: Repository,
    /// Who asks for it.
    pub(super) id: WorkloadId,
    /// Where that begins.
    pub(super) application: Place,
    /// By which way it is deployed.
    pub(super) way: Way,
    /// Whether nothing else holds it.
    pub(super) would_change: bool,
}

/// How an application comes to a file.
#[derive(Debug)]
pub(super) enum Way {
    /// By the kustomization of this folder.
    Kustomization(Option<RepoPath>),
    /// As a plain manifest.
    Plain,
}

/// All applications, by the folders that they deploy.
type ByFolder<'m> = HashMap<&'m Option<RepoPath>, Vec<(&'m Application, &'m ApplicationSource)>>;

/// What is wrong with images that others deploy as well, by their places.
pub(super) fn find<S: Source>(
    deployed: &[Deployed],
    manifests: &BTreeMap<RepoPath, Arc<Manifest>>,
    stock: &mut Shelf<'_, '_, S>,
) -> Result<HashMap<Place, Problem>, S::Error> {
    let mut by_folder: ByFolder<'_> = HashMap::new();
    for application in manifests.values().flat_map(|manifest| &manifest.applications) {
        for source in &application.sources {
            if let SourceFolder::At(folder) = &source.folder {
                by_folder.entry(folder).or_default().push((application, source));
            }
        }
    }
    let mut speaking: HashMap<&Place, HashSet<&Place>> = HashMap::new();
    for image in deployed {
        speaking.entry(&image.place).or_default().insert(&image.application);
    }
    let mut problems: HashMap<Place, Problem> = HashMap::new();
    let mut seen: HashSet<&Place> = HashSet::new();
    for image in deployed.iter().filter(|image| image.would_change && seen.insert(&image.place)) {
        let speaking = &speaking[&image.place];
        let is_silent = |application: &Application| !speaking.contains(&application.place);
        let other = match &image.way {
            Way::Kustomization(folder) => {
                let mut all = by_folder.get(folder).into_iter().flatten();
                all.find(|(application, source)| {
                    let is_kustomize = source.stated.is_none_or(|kind| kind == SourceKind::Kustomize);
                    is_silent(application) && is_kustomize && !replaces(source, &image.repository)
                })
            }
            Way::Plain => {
                let mut found = None;
                let mut at = image.place.file.parent();
                let mut is_own = true;
                loop {
                    let mut all = by_folder.get(&at).into_iter().flatten();
                    let reaches = |(application, source): &&(&Application, &ApplicationSource)| {
                        let is_plain = source.stated.is_none_or(|kind| kind == SourceKind::Directory);
                        is_silent(application) && is_plain && (is_own || source.is_recursive)
                    };
                    if let Some(one) = all.find(reaches)
                        && (one.1.stated.is_some() || is_plain(at.as_ref(), stock)?)
                    {
                        found = Some(one);
                        break;
                    }
                    is_own = false;
                    match at {
                        Some(folder) => at = folder.parent(),
                        None => break,
                    }
                }
                found
            }
        };
        if let Some((application, _)) = other {
            problems.insert(image.place.clone(), image.problem(application));
        }
    }
    Ok(problems)
}

/// Whether an application says another tag for the image itself.
fn replaces(source: &ApplicationSource, repository: &Repository) -> bool {
    source.images.iter().any(|entry| {
        let (old, new) = entry.split_once('=').map_or((None, entry.as_str()), |(old, new)| (Some(old), new));
        let mut names = [old, Some(new)].into_iter().flatten();
        names.any(|name| Reference::parse(name).is_ok_and(|image| image.repository() == repository))
    })
}

/// Whether Argo CD takes the manifests of a folder as they are.
fn is_plain<S: Source>(folder: Option<&RepoPath>, stock: &mut Shelf<'_, '_, S>) -> Result<bool, S::Error> {
    for name in ["Chart.yaml"].iter().chain(&KUSTOMIZATION_FILES) {
        if let Ok(path) = RepoPath::below(folder, name)
            && stock.exists(&path)?
        {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Deployed {
    fn problem(&self, other: &Application) -> Problem {
        let message = format!(
            "`{}` would change for {} ({}:{}) as {} ({}:{}) wants it, and the other deploys it too and says nothing of it",
            self.repository.path(),
            other.id,
            other.place.file,
            other.place.line,
            self.id,
            self.application.file,
            self.application.line
        );
        let mend = match self.way {
            Way::Kustomization(_) => "annotate both alike, or name the kustomization with `write-back-target`",
            Way::Plain => "annotate both alike, or give each of them manifests of its own",
        };
        Problem::new(Rule::OwnersDisagree, Severity::Warning, self.place.clone(), message, mend)
    }
}

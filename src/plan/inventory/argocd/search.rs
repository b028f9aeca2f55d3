//! The look into applications and the values of their charts: what each source is, which file is to be
//! written, and what was found when it was looked last.
//!
//! Must not know what stands in kustomizations and folders.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::super::Source;
use super::super::files::Files;
use super::super::opened::Opened;
use super::spoken::Spoken;
use crate::manifest::{
    ApplicationSearch, ApplicationSource, ImageList, ImageSearch, ImagesFound, KUSTOMIZATION_FILES, Place, Problem,
    Rule, Severity, SourceFolder, SourceKind, WriteTarget, search_applications,
};
use crate::path::RepoPath;

/// What was looked for in the applications of one file, and found.
#[derive(Debug, Clone)]
pub(in crate::plan::inventory) struct Looked<K> {
    key: K,
    needs: Vec<(RepoPath, Option<K>)>,
    asked: Vec<Asked>,
    found: Vec<Arc<ImagesFound>>,
    problems: Vec<Problem>,
}

/// What was looked for in one application.
#[derive(Debug, Clone)]
struct Asked {
    number: usize,
    list: Arc<ImageList>,
    kinds: Vec<SourceKind>,
    target: Target,
}

/// Where tags are to be written, resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// Where they count.
    Anywhere,
    /// In this values file.
    Values(RepoPath, Place),
    /// In the kustomization of this folder.
    Kustomization(Option<RepoPath>, Place),
}

/// An application that was looked into.
#[derive(Debug)]
pub(super) struct Searched {
    pub(super) spoken: Spoken,
    /// What each of its sources is.
    pub(super) kinds: Vec<SourceKind>,
    pub(super) target: Target,
    pub(super) found: Arc<ImagesFound>,
}

impl PartialEq for Asked {
    fn eq(&self, other: &Self) -> bool {
        let Self { number, list, kinds, target } = self;
        let is_same_list = Arc::ptr_eq(list, &other.list) || *list == other.list;
        is_same_list && (number, kinds, target) == (&other.number, &other.kinds, &other.target)
    }
}

/// Looks into all of them, file by file; into those that are as they were last time, not again.
pub(super) fn look<S: Source>(
    spoken: Vec<Spoken>,
    files: &mut Files<'_, S>,
    opened: &mut Opened,
    looked: &mut HashMap<RepoPath, Looked<S::Key>>,
    problems: &mut Vec<Problem>,
) -> Result<Vec<Searched>, S::Error> {
    let mut before = std::mem::take(looked);
    let mut by_file: BTreeMap<RepoPath, Vec<Spoken>> = BTreeMap::new();
    for spoken in spoken {
        by_file.entry(spoken.path().clone()).or_default().push(spoken);
    }
    let mut searched = Vec::new();
    let mut bytes = Vec::new();
    for (path, mut group) in by_file {
        let Some(key) = files.find(&path)? else { continue };
        let mut asked = Vec::with_capacity(group.len());
        let mut needs: Vec<RepoPath> = Vec::new();
        for spoken in &mut group {
            let application = spoken.application();
            let kinds = kinds(&application.sources, files)?;
            let target = target(&spoken.list, &application.sources).unwrap_or_else(|problem| {
                spoken.wrong.get_or_insert_with(|| (problem.text(), problem.place.clone()));
                problems.push(problem);
                Target::Anywhere
            });
            let application = spoken.application();
            needs.extend(application.needs.iter().cloned());
            needs.extend(match &target {
                Target::Values(path, _) => Some(path.clone()),
                _ => None,
            });
            asked.push(Asked { number: application.number, list: Arc::clone(&spoken.list), kinds, target });
        }
        needs.sort();
        needs.dedup();
        let find = |need: RepoPath| Ok((need.clone(), files.find(&need)?));
        let needs = needs.into_iter().map(find).collect::<Result<Vec<_>, S::Error>>()?;
        let known =
            before.remove(&path).filter(|known| known.key == key && known.needs == needs && known.asked == asked);
        let known = if let Some(known) = known {
            known
        } else {
            let (library, trouble) = opened.library(files, &needs)?;
            files.read(&key, &mut bytes)?;
            let wanted: Vec<_> = asked.iter().map(Asked::search).collect();
            let found = search_applications(&path, &bytes, &wanted, &library).into_iter().map(Arc::new).collect();
            Looked { key, needs, asked, found, problems: trouble }
        };
        problems.extend_from_slice(&known.problems);
        for ((spoken, asked), found) in group.into_iter().zip(&known.asked).zip(&known.found) {
            if spoken.wrong.is_none() {
                problems.extend_from_slice(&found.problems);
            }
            let (kinds, target, found) = (asked.kinds.clone(), asked.target.clone(), Arc::clone(found));
            searched.push(Searched { spoken, kinds, target, found });
        }
        looked.insert(path, known);
    }
    Ok(searched)
}

impl Asked {
    fn search(&self) -> ApplicationSearch<'_> {
        let target = match &self.target {
            Target::Values(path, place) => Some((path, place)),
            Target::Anywhere | Target::Kustomization(..) => None,
        };
        let is_kustomization = matches!(self.target, Target::Kustomization(..));
        let search = ImageSearch { list: &self.list, kinds: &self.kinds, target, is_kustomization };
        ApplicationSearch { number: self.number, search }
    }
}

/// What Argo CD makes of each source: what it says, or what lies in its folder.
fn kinds<S: Source>(sources: &[ApplicationSource], files: &mut Files<'_, S>) -> Result<Vec<SourceKind>, S::Error> {
    let mut has = |folder: &Option<RepoPath>, names: &[&str]| -> Result<bool, S::Error> {
        for path in names.iter().filter_map(|name| RepoPath::below(folder.as_ref(), name).ok()) {
            if files.find(&path)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    };
    let mut kinds = Vec::with_capacity(sources.len());
    for source in sources {
        kinds.push(match (&source.stated, &source.folder) {
            (Some(stated), _) => *stated,
            (None, SourceFolder::At(folder)) if has(folder, &["Chart.yaml"])? => SourceKind::Helm,
            (None, SourceFolder::At(folder)) if has(folder, &KUSTOMIZATION_FILES)? => SourceKind::Kustomize,
            (None, _) => SourceKind::Directory,
        });
    }
    Ok(kinds)
}

/// Where tags are to be written, from the folder of the main source: the first with a chart or kustomization.
fn target(list: &ImageList, sources: &[ApplicationSource]) -> Result<Target, Problem> {
    let is_main = |source: &&ApplicationSource| matches!(source.stated, Some(SourceKind::Helm | SourceKind::Kustomize));
    let main = sources.iter().find(is_main).or(sources.first()).map(|source| &source.folder);
    let resolve = |text: Option<&str>, place: &Place| {
        let text = text.unwrap_or(".");
        let folder = match (text.strip_prefix('/'), main) {
            (Some(_), _) | (None, None | Some(SourceFolder::Nowhere)) => None,
            (None, Some(SourceFolder::At(folder))) => folder.as_ref(),
            (None, Some(SourceFolder::Unknown)) => {
                let message = format!(
                    "where `{text}` is shows only when the application is rendered, since the path of its source is a template or leads out of the repository"
                );
                let mend = "write a path that begins with `/`, which counts from the top of the repository";
                return Err(Problem::new(Rule::Link, Severity::Error, place.clone(), message, mend));
            }
        };
        let link = text.trim_start_matches('/');
        RepoPath::resolve(folder, if link.is_empty() { "." } else { link }).map_err(|_| {
            let message = format!("`{text}` leads out of the repository");
            Problem::new(Rule::Link, Severity::Error, place.clone(), message, "write a path inside it")
        })
    };
    Ok(match &list.target {
        WriteTarget::Unsaid => Target::Anywhere,
        WriteTarget::Kustomization { path, place } => {
            Target::Kustomization(resolve(path.as_deref(), place)?, place.clone())
        }
        WriteTarget::Values { path, place } => {
            let file = resolve(Some(path.as_deref().unwrap_or("values.yaml")), place)?.ok_or_else(|| {
                let message = "the values file to be written is the top of the repository, and no file";
                Problem::new(Rule::Link, Severity::Error, place.clone(), message, "write the path of the file")
            })?;
            Target::Values(file, place.clone())
        }
    })
}

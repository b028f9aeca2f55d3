//! Argo CD Image Updater: the annotations of an `Application`, and `ImageUpdater` objects.
//!
//! Both come to the same: a list of images with what each of them follows. Which object speaks for which
//! application shows only when all files are known. `items.rs` splits the text of a list, `settings.rs` knows
//! what is said of an image, `annotations.rs` and `updater.rs` read the two ways to say it.

mod annotations;
mod items;
mod settings;
mod updater;

use super::super::image_list::{ImageList, ImageUpdater, WriteTarget};
use super::super::problem::{Place, Problem, Rule, Severity};
use super::super::workload::WorkloadId;
use super::super::yaml::NodeRef;
use crate::path::RepoPath;

/// What its annotations begin with.
pub(super) const PREFIX: &str = "argocd-image-updater.argoproj.io/";

/// What the annotations of an application ask for, if they are any of these.
pub(in crate::manifest) fn read_annotations(
    metadata: NodeRef<'_>,
    file: &RepoPath,
    problems: &mut Vec<Problem>,
) -> Option<ImageList> {
    annotations::read(metadata, file, problems)
}

/// The `ImageUpdater` that this object is, if it is one.
pub(in crate::manifest) fn read_updater(
    object: NodeRef<'_>,
    id: &WorkloadId,
    file: &RepoPath,
    problems: &mut Vec<Problem>,
) -> Option<ImageUpdater> {
    let is_ours = object.get_text("apiVersion").is_some_and(|version| version.starts_with(PREFIX));
    (is_ours && id.kind == "ImageUpdater").then(|| updater::read(object, id, file, problems))
}

/// Annotations of these where nobody reads them.
pub(in crate::manifest) fn report_strays(
    object: NodeRef<'_>,
    kind: &str,
    file: &RepoPath,
    problems: &mut Vec<Problem>,
) {
    let Some(annotations) = object.get("metadata").and_then(|metadata| metadata.get("annotations")) else { return };
    let Some((key, written)) = annotations.entries().find_map(|(key, _)| Some((key, ours(key)?))) else { return };
    let message = format!("`{written}` stands on a {kind}, where Argo CD Image Updater does not read it");
    let mend = match kind {
        "ApplicationSet" => "move it to `spec.template.metadata.annotations`",
        _ => "move it to the `Application` that deploys this, or write `landwaiter/` annotations here",
    };
    problems.push(Problem::new(Rule::Unheard, Severity::Warning, key.place(file), message, mend));
}

/// The annotations of these in a mapping, each with its key.
pub(super) fn words_among(annotations: NodeRef<'_>) -> impl Iterator<Item = (&str, NodeRef<'_>)> {
    annotations.entries().filter_map(|(key, _)| Some((ours(key)?, key)))
}

/// The text of a key with the prefix.
fn ours(key: NodeRef<'_>) -> Option<&str> {
    key.text().filter(|text| text.starts_with(PREFIX))
}

/// What `write-back-target` or `writeBackTarget` says.
fn write_target(written: &str, text: &str, place: &Place) -> Result<WriteTarget, Problem> {
    let place = place.clone();
    let (kind, path) = match text.split_once(':') {
        Some((kind, path)) => (kind, Some(path.trim().to_owned()).filter(|path| !path.is_empty())),
        None => (text, None),
    };
    let problem = |rule, message, mend: &str| Problem::new(rule, Severity::Error, place.clone(), message, mend);
    if text.contains("{{") {
        let message = format!("`{written}` is a template, which is never expanded: `{text}`");
        return Err(problem(Rule::Template, message, "write the path of the file"));
    }
    match kind {
        "kustomization" => Ok(WriteTarget::Kustomization { path, place }),
        "helmvalues" => Ok(WriteTarget::Values { path, place }),
        _ => {
            let message = format!("`{written}` names a file of overrides, which is not supported: `{text}`");
            let mend =
                "write `helmvalues:<file>` or `kustomization:<folder>`, or remove it to change the tag where it counts";
            Err(problem(Rule::NotSupported, message, mend))
        }
    }
}

#[cfg(test)]
mod tests;

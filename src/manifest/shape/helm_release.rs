//! `HelmRelease` and `FluxHelmRelease`: the values in the object and in files that it names.
//!
//! Knows where a release has its values, and which of them win; how a chart writes images is not known
//! here. Files are those of this repository: values in the cluster or in another repository are not seen.

use std::collections::HashSet;

use super::super::document::{Document, doubled_key};
use super::super::problem::{Problem, Rule, Severity};
use super::super::yaml::{Kind, NodeRef};
use super::values::{self, Level};
use super::{Ask, Find, Library, Slot, Spot, anywhere};
use crate::image::Reference;
use crate::path::RepoPath;

/// How many values files of one release are read.
const MOST_FILES: usize = 50;

/// The images in the values of a release.
pub(super) fn read<'a>(object: NodeRef<'a>, kind: &str, ask: &Ask<'_>, library: &'a Library, find: &mut Find<'a>) {
    let Some(level) = level(object, kind, ask, library, find) else { return };
    values::read_level(&level, ask, find);
    if let Some(spec) = object.get("spec") {
        read_post_renderers(spec, find);
    }
    anywhere::read_paths_in(&level, ask, find);
}

/// The values of a release, if the object is one: its own over those of the files that it names.
pub(super) fn level<'a>(
    object: NodeRef<'a>,
    kind: &str,
    ask: &Ask<'_>,
    library: &'a Library,
    find: &mut Find<'a>,
) -> Option<Level<'a>> {
    let spec = object.get("spec").filter(|_| is_release(object, kind))?;
    let mut level = Level::default();
    match spec.get("values") {
        Some(values) if values.is_alias() => find.hidden = find.hidden.or(Some(values)),
        Some(values) => level.push(values, None),
        None => {}
    }
    if ask.is_annotated {
        let mut files = Files { ask, library, find, documents: Vec::new() };
        files.read(spec);
        for document in files.documents.into_iter().rev() {
            let root = document.roots().next().filter(|root| root.kind() == Kind::Mapping);
            if let Some(root) = root {
                level.push(root, Some(document.path()));
            }
        }
    }
    Some(level)
}

/// Whether this is a release of Flux. Where no API is written, as in a patch, the kind tells.
fn is_release(object: NodeRef<'_>, kind: &str) -> bool {
    let version = object.get_text("apiVersion");
    let group = version.map(|version| version.split_once('/').map_or("", |(group, _)| group));
    match kind {
        "HelmRelease" => {
            matches!(group, None | Some("helm.fluxcd.io" | "helm.toolkit.fluxcd.io" | "flux.weave.works"))
        }
        "FluxHelmRelease" => matches!(group, None | Some("helm.integrations.flux.weave.works")),
        _ => false,
    }
}

/// Collects the values files of a release, the first is the lowest.
struct Files<'a, 'p, 'f> {
    ask: &'p Ask<'p>,
    library: &'a Library,
    find: &'f mut Find<'a>,
    documents: Vec<&'a Document>,
}

/// Where a chart is.
struct Home {
    /// Its folder, `None` for the top of the repository.
    folder: Option<RepoPath>,
    /// Whether it is in this repository.
    is_here: bool,
}

impl<'a> Files<'a, '_, '_> {
    fn read(&mut self, spec: NodeRef<'a>) {
        let Some(chart) = spec.get("chart") else { return };
        if chart.get("git").is_some() {
            self.read_operator(spec, chart);
        } else if let Some(chart) = chart.get("spec") {
            self.read_toolkit(chart);
        }
    }

    /// `spec.chart.git` with `spec.valuesFrom[].chartFileRef`, whose paths begin at the chart.
    fn read_operator(&mut self, spec: NodeRef<'a>, chart: NodeRef<'a>) {
        let Some(sources) = spec.get("valuesFrom") else { return };
        let Some(home) = self.chart(chart.get("path")) else { return };
        for source in sources.items().filter_map(|source| source.get("chartFileRef")).take(MOST_FILES) {
            let Some(path) = source.get("path") else { continue };
            self.open(&home, home.folder.as_ref(), path, source.get_text("optional") == Some("true"));
        }
    }

    /// `spec.chart.spec.valuesFile` and `valuesFiles`, whose paths begin at the top of the repository.
    fn read_toolkit(&mut self, chart: NodeRef<'a>) {
        let source = chart.get("sourceRef").and_then(|source| source.get_text("kind"));
        let single = chart.get("valuesFile");
        let several = chart.get("valuesFiles");
        if source != Some("GitRepository") || (single.is_none() && several.is_none()) {
            return;
        }
        let Some(home) = self.chart(chart.get("chart")) else { return };
        let optional = chart.get_text("ignoreMissingValuesFiles") == Some("true");
        let several = several.into_iter().flat_map(NodeRef::items);
        for path in single.into_iter().chain(several).take(MOST_FILES) {
            self.open(&home, None, path, optional);
        }
    }

    /// Where the chart is: in this repository if there is a `Chart.yaml`.
    fn chart(&mut self, path: Option<NodeRef<'a>>) -> Option<Home> {
        let text = path.and_then(|path| path.resolved().text()).filter(|text| !text.is_empty()).unwrap_or(".");
        let Ok(folder) = RepoPath::resolve(None, text.trim_start_matches('/')) else {
            self.report(Rule::Link, path?, "the path of the chart leads out of the repository", "correct the path");
            return None;
        };
        let chart = RepoPath::below(folder.as_ref(), "Chart.yaml").ok()?;
        let is_here = self.library.get(&chart).is_some();
        self.find.needs.push(chart);
        Some(Home { folder, is_here })
    }

    /// Opens a values file, or tells why not. Those of another repository are not missed.
    fn open(&mut self, home: &Home, folder: Option<&RepoPath>, path: NodeRef<'a>, is_optional: bool) {
        let Some(text) = path.resolved().text() else { return };
        let Ok(Some(file)) = RepoPath::resolve(folder, text) else {
            let message = format!("`{text}` is no path of a file in this repository, and is not read");
            self.report(Rule::Link, path, message, "write the path without leaving the repository");
            return;
        };
        self.find.needs.push(file.clone());
        match self.library.get(&file).filter(|_| home.is_here) {
            Some(document) => self.take(path, document),
            None if is_optional || !home.is_here => {}
            None => {
                let message = format!("there are no values to read in `{file}`, so no image in it is followed");
                self.report(Rule::Link, path, message, "correct the path, or mend the file");
            }
        }
    }

    /// Takes the values in a file, unless they mean different things to different readers.
    fn take(&mut self, path: NodeRef<'a>, document: &'a Document) {
        if document.roots().nth(1).is_some() {
            let message = format!("`{}` holds several documents, and no image in it is followed", document.path());
            self.report(Rule::Values, path, message, "leave one document in it");
            return;
        }
        let doubled = document.doubled_keys();
        let mend = "remove one of the two; until then no image in the file is followed";
        let problem = |keys: &_| doubled_key(Severity::Error, *keys, document.path(), mend);
        self.find.problems.extend(doubled.iter().map(problem));
        if doubled.is_empty() {
            // Named twice, a file counts where it wins.
            self.documents.retain(|known| known.path() != document.path());
            self.documents.push(document);
        }
    }

    fn report(&mut self, rule: Rule, node: NodeRef<'a>, message: impl Into<String>, mend: &str) {
        self.find.problems.push(Problem::new(rule, Severity::Warning, node.place(self.ask.file), message, mend));
    }
}

/// The images that kustomize replaces behind Helm, `spec.postRenderers[].kustomize.images[]`: each by the
/// last part of its name, with `postRenderers.` before it where an image of the values has that name.
fn read_post_renderers<'a>(spec: NodeRef<'a>, find: &mut Find<'a>) {
    let renderers = spec.get("postRenderers").into_iter().flat_map(NodeRef::items);
    let mut names: HashSet<String> =
        find.slots.iter().filter_map(|slot| slot.name.as_deref()).map(Into::into).collect();
    let lists = renderers.filter_map(|renderer| renderer.get("kustomize")?.get("images"));
    for image in lists.flat_map(NodeRef::items) {
        let Some(tag) = image.get("newTag") else { continue };
        let Some(name) = image.get("newName").or_else(|| image.get("name")) else { continue };
        let Some(reference) = name.resolved().text().and_then(|text| Reference::parse(text).ok()) else { continue };
        let path = reference.repository().to_string();
        let alias = path.rsplit('/').next().unwrap_or(&path);
        let is_free = names.insert(alias.to_owned());
        let alias = if is_free { alias.to_owned() } else { format!("postRenderers.{alias}") };
        let digest = image.get("digest");
        let spot = Spot { tag: Some(tag), digest, needs_tag: true, ..Spot::whole(name) };
        find.slots.push(Slot {
            name: Some(alias.clone().into()),
            spot: Some(spot),
            file: None,
            node: image,
            position: alias,
            is_aside: true,
        });
    }
}

#[cfg(test)]
mod tests;

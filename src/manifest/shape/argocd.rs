//! Argo CD's `Application` and `ApplicationSet`: the images of kustomize, and the values of charts, in the
//! object and in the files that it names.
//!
//! Knows where Argo CD takes values from, and which of them win; how a chart writes images is not known
//! here. Highest first: the `.argocd-source` files of the source, its parameters, `valuesObject`,
//! `values`, the last of `valueFiles` to the first, the `values.yaml` of the chart. A tag is changed where
//! it counts; in a lower place it would be replaced. What cannot be read hides what is below it.
//! Templates are never expanded. `places.rs` collects the values, `links.rs` finds their files,
//! `names.rs` tells what annotations call the images of kustomize. `deploys.rs` says as plain data what
//! lies where, `listed.rs` finds the images that Argo CD Image Updater is told of.

pub(in crate::manifest) mod deploys;
mod links;
pub(in crate::manifest) mod listed;
mod names;
mod places;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::super::dialect::CHART_IMAGE;
use super::super::problem::{Problem, Rule, Severity};
use super::super::yaml::NodeRef;
use super::values::{self, Layer, Level};
use super::{Ask, Find, Library, Slot, Spot, anywhere};
use crate::path::RepoPath;
use links::Folder;
use places::{SourceLayers, Values};

/// How many sources of one object are read.
const MOST_SOURCES: usize = 100;

/// The images of an `Application`, or of those that an `ApplicationSet` makes.
pub(super) fn read<'a>(object: NodeRef<'a>, kind: &str, ask: &Ask<'_>, library: &'a Library, find: &mut Find<'a>) {
    let Some((spec, metadata)) = application(object, kind) else { return };
    let sources = sources(spec);
    let names = sources.iter().filter_map(|source| source.get_text("ref")).collect();
    let mut reader = Reader { ask, library, find, names, metadata, has_unknown: false };
    for (number, source) in sources.into_iter().enumerate() {
        reader.read_source(source, number);
    }
    if reader.has_unknown {
        reader.excuse_missing(spec);
    }
    if !ask.is_annotated {
        find.slots.retain(|slot| slot.spot.is_some());
    }
    find.is_chart = true;
}

/// The values of each chart that an application runs, if the object is one.
pub(super) fn levels<'a>(
    object: NodeRef<'a>,
    kind: &str,
    ask: &Ask<'_>,
    library: &'a Library,
    find: &mut Find<'a>,
) -> Vec<Level<'a>> {
    let Some((spec, metadata)) = application(object, kind) else { return Vec::new() };
    let sources = sources(spec);
    let names = sources.iter().filter_map(|source| source.get_text("ref")).collect();
    let mut reader = Reader { ask, library, find, names, metadata, has_unknown: false };
    let level = |source| {
        let folder = reader.folder(source);
        let said = reader.said(source, &folder);
        reader.values(source, &said, &folder).known
    };
    sources.into_iter().map(level).collect()
}

/// The specification and the metadata of an `Application`.
fn application<'a>(object: NodeRef<'a>, kind: &str) -> Option<(NodeRef<'a>, Option<NodeRef<'a>>)> {
    let application = carrier(object, kind)?;
    Some((application.get("spec")?, application.get("metadata")))
}

/// The application that an object is, or the template of those that it makes.
pub(in crate::manifest) fn carrier<'a>(object: NodeRef<'a>, kind: &str) -> Option<NodeRef<'a>> {
    let is_argo = object.get_text("apiVersion").is_some_and(|version| version.starts_with("argoproj.io/"));
    match kind {
        "Application" if is_argo => Some(object),
        "ApplicationSet" if is_argo => object.get("spec")?.get("template"),
        _ => None,
    }
}

/// What an `Application` deploys.
fn sources(spec: NodeRef<'_>) -> Vec<NodeRef<'_>> {
    match spec.get("sources").filter(|sources| sources.items().next().is_some()) {
        Some(sources) => sources.items().take(MOST_SOURCES).collect(),
        None => spec.get("source").into_iter().collect(),
    }
}

struct Reader<'a, 'r> {
    ask: &'r Ask<'r>,
    library: &'a Library,
    find: &'r mut Find<'a>,
    /// What other sources are called in `$name/…`.
    names: BTreeSet<&'a str>,
    metadata: Option<NodeRef<'a>>,
    /// Whether there is a place with images that cannot be read.
    has_unknown: bool,
}

impl<'a> Reader<'a, '_> {
    fn read_source(&mut self, source: NodeRef<'a>, number: usize) {
        let folder = self.folder(source);
        let said = self.said(source, &folder);
        if said.is_whole {
            self.read_kustomize(&said, number);
        }
        let values = self.values(source, &said, &folder);
        self.read_values(&values);
    }

    fn folder(&mut self, source: NodeRef<'a>) -> Folder {
        let Some(path) = source.get("path") else { return Folder::Nowhere };
        let Some(text) = path.resolved().text().filter(|_| !path.is_null()) else { return Folder::Nowhere };
        Folder::read(text).unwrap_or_else(|_| {
            let message = format!("`{text}` is no folder in this repository");
            self.report(
                Rule::Link,
                Severity::Error,
                path,
                None,
                message,
                "write a path that does not leave the repository",
            );
            Folder::Unknown
        })
    }

    /// `kustomize.images`: `old=new:tag`, `new:tag`.
    fn read_kustomize(&mut self, said: &SourceLayers<'a>, number: usize) {
        let Some(images) = said.first("kustomize", "images") else { return };
        let texts: Vec<_> = images.node.items().filter_map(|node| Some((node, node.resolved().text()?))).collect();
        let names = names::of(texts.iter().map(|(_, text)| *text), &self.ask.aliases);
        for (index, ((node, _), name)) in texts.into_iter().zip(names).enumerate() {
            let slot = Slot {
                name: name.map(Cow::Owned),
                spot: Some(Spot::replacing(node)),
                file: images.file,
                node,
                position: format!("sources[{number}].kustomize.images[{index}]"),
                is_aside: true,
            };
            let slot = self.without_template(slot);
            self.find.slots.push(slot);
        }
    }

    /// The images in the values, those that could be replaced by what is not known left out.
    fn read_values(&mut self, values: &Values<'a>) {
        let mut chart = self.images(&values.known);
        if let Some(sure) = &values.sure {
            self.has_unknown = true;
            let above = self.images(sure);
            let by_name: BTreeMap<_, _> = above.slots.iter().map(|slot| (slot.name.as_deref(), slot.spot)).collect();
            for slot in &mut chart.slots {
                let sure = by_name.get(&slot.name.as_deref()).copied().flatten();
                slot.spot = slot.spot.filter(|spot| sure.is_some_and(|sure| spot.is_same(sure)));
            }
        } else if self.ask.is_annotated {
            self.report_lone_tags(&values.known, &mut chart);
        }
        for slot in std::mem::take(&mut chart.slots) {
            let slot = self.without_template(slot);
            self.find.slots.push(slot);
        }
        self.find.hidden = self.find.hidden.or(chart.hidden);
        self.find.placed.append(&mut chart.placed);
        self.find.lost = chart.lost;
    }

    /// The images of one chart, by themselves: an alias that two charts have means neither.
    fn images(&self, level: &Level<'a>) -> Find<'a> {
        let mut chart = Find { lost: self.find.lost.clone(), ..Find::default() };
        values::read_level(level, self.ask, &mut chart);
        anywhere::read_paths_in(level, self.ask, &mut chart);
        chart
    }

    /// Tags that are written, of images whose repositories are not: charts know those by themselves.
    fn report_lone_tags(&mut self, level: &Level<'a>, chart: &mut Find<'a>) {
        let found: BTreeSet<_> = chart.slots.iter().filter_map(|slot| slot.name.clone()).collect();
        let named = self.ask.aliases.iter().copied().filter(|alias| *alias != CHART_IMAGE);
        for alias in [CHART_IMAGE].into_iter().chain(named.take(values::MOST_ALIASES)) {
            let Some(tag) = values::lone_tag(level, alias).filter(|_| !found.contains(alias)) else { continue };
            let message =
                format!("the tag of `{alias}` is written here, and its repository nowhere in this repository");
            let mend = "write the repository beside it, as a parameter `image.repository` for example";
            self.report(Rule::NoImage, Severity::Error, tag.node, tag.file, message, mend);
            chart.slots.push(unread(alias, tag));
        }
    }

    /// A template says no image, and is worth a word where somebody asks for it.
    fn without_template(&mut self, slot: Slot<'a>) -> Slot<'a> {
        let Some(image) = slot.spot.filter(|image| image.is_template()) else { return slot };
        if let Some(name) = slot.name.as_deref().filter(|name| self.ask.aliases.contains(name)) {
            let message = format!("`{name}` is not followed: its image is a template, which is never expanded");
            let mend = "write the image itself, or remove what is said of it";
            self.report(Rule::Template, Severity::Warning, image.carrier(), slot.file, message, mend);
        }
        Slot { spot: None, ..slot }
    }

    /// Aliases without an image may be those of images that cannot be read.
    fn excuse_missing(&mut self, node: NodeRef<'a>) {
        let found: BTreeSet<_> = self.find.slots.iter().filter_map(|slot| slot.name.clone()).collect();
        let aliases = self.ask.aliases.iter().filter(|alias| **alias != CHART_IMAGE);
        let missing = aliases.chain([&CHART_IMAGE]).filter(|alias| !found.contains(**alias));
        self.find.slots.extend(missing.map(|alias| unread(alias, Layer { node, file: None })));
    }

    /// Says what is wrong. Nobody waits for an object without annotations.
    fn report(
        &mut self,
        rule: Rule,
        severity: Severity,
        node: NodeRef<'_>,
        file: Option<&RepoPath>,
        message: impl Into<String>,
        mend: &str,
    ) {
        if self.ask.is_annotated {
            let place = node.place(file.unwrap_or(self.ask.file));
            self.find.problems.push(Problem::new(rule, severity, place, message, mend));
        }
    }
}

/// An image that is there and cannot be read.
fn unread<'a>(alias: &str, at: Layer<'a>) -> Slot<'a> {
    Slot {
        name: Some(Cow::Owned(alias.to_owned())),
        spot: None,
        file: at.file,
        node: at.node,
        position: alias.to_owned(),
        is_aside: true,
    }
}

#[cfg(test)]
mod tests;

//! The tags of listed images in the values of charts: at their keys, each where it counts.
//!
//! Must not know where an application has its values.

use std::collections::BTreeSet;

use super::super::places::Values;
use super::super::values::{self, Layer, Level};
use super::super::{Ask, Find, Library};
use super::{DEFAULT_NAME, DEFAULT_TAG, FoundImage, ImagesFound, MOST_NAMES, NAMES, misnamed};
use crate::image::{Reference, Tag};
use crate::manifest::document::Document;
use crate::manifest::edit::{Obstacle, Scalar};
use crate::manifest::image_list::{HelmKey, ImageList, ListedImage};
use crate::manifest::problem::{Place, Problem, Rule, Severity, shown};
use crate::manifest::shape::field_path::FieldPath;
use crate::manifest::shape::marker::names_repository;
use crate::manifest::workload::ImageField;
use crate::manifest::yaml::NodeRef;
use crate::path::RepoPath;

/// Looks for images in values.
pub(super) struct Seeker<'a, 'r> {
    pub(super) file: &'r RepoPath,
    pub(super) library: &'a Library,
    pub(super) charts: Vec<Values<'a>>,
    /// The values files that each of them names.
    pub(super) files: Vec<BTreeSet<RepoPath>>,
    pub(super) found: ImagesFound,
}

/// A tag, or a whole image, at the end of a key.
struct Sight<'a> {
    node: NodeRef<'a>,
    field: ImageField,
    wrong: Option<Problem>,
}

/// Why nothing is seen.
enum Blind {
    /// The key leads nowhere, after so many steps.
    DeadEnd { depth: usize, message: String, mend: String },
    /// Something is there that is no image.
    Wrong(Problem),
}

impl<'a> Seeker<'a, '_> {
    /// Each image where it counts.
    pub(super) fn seek(&mut self, list: &ImageList) {
        for (at, image) in list.images.iter().enumerate().filter(|(_, image)| !image.is_for_plugin) {
            let mut furthest: Option<(usize, String, String)> = None;
            let mut seen = Vec::new();
            for chart in &self.charts {
                match self.look(&chart.known, image) {
                    Ok(sight) => {
                        let is_sure = self.is_sure(chart, image, sight.node);
                        seen.push((sight, is_sure));
                    }
                    Err(Blind::DeadEnd { depth, message, mend }) => {
                        if furthest.as_ref().is_none_or(|(furthest, ..)| depth > *furthest) {
                            furthest = Some((depth, message, mend));
                        }
                    }
                    Err(Blind::Wrong(problem)) => {
                        self.found.problems.push(problem);
                        self.found.told.insert(at);
                    }
                }
            }
            for (sight, is_sure) in seen {
                self.push(at, image, sight, is_sure);
            }
            if let Some((_, message, mend)) = furthest {
                self.found.dead_ends.insert(at, (message, mend));
            }
        }
    }

    /// Each image in the file that is to be written, if it counts there.
    pub(super) fn seek_in(&mut self, level: &Level<'a>, path: &RepoPath, place: &Place, list: &ImageList) {
        let home = self.files.iter().position(|files| files.contains(path));
        let is_known = self.charts.iter().all(|chart| chart.sure.is_none());
        if home.is_none() && is_known {
            let message =
                format!("no source of this application names `{path}`, so that a tag there may come to nothing");
            let mend = "name it under `helm.valueFiles`, or write the file that is named there";
            self.found.problems.push(Problem::new(Rule::Link, Severity::Warning, place.clone(), message, mend));
        }
        for (at, image) in list.images.iter().enumerate().filter(|(_, image)| !image.is_for_plugin) {
            let mut counts =
                self.charts.iter().enumerate().filter(|(number, _)| home.is_none_or(|home| home == *number));
            let counts = counts.find_map(|(_, chart)| self.look(&chart.known, image).ok());
            match self.look(level, image) {
                Err(Blind::Wrong(problem)) => {
                    self.found.problems.push(problem);
                    self.found.told.insert(at);
                }
                Err(Blind::DeadEnd { .. }) => {
                    let problem = missing(image, path, counts.as_ref(), place);
                    self.found.problems.push(problem.clone());
                    self.found.told.insert(at);
                    if let Some(Sight { field, .. }) = counts {
                        self.found.images.push(FoundImage { image: at, field, wrong: Some(problem), is_aside: true });
                    }
                }
                Ok(sight) => {
                    let Some(home) = home else {
                        self.push(at, image, sight, true);
                        continue;
                    };
                    match counts.filter(|counts| !is_same_node(counts.node, sight.node)) {
                        None => {
                            let is_sure = self.is_sure(&self.charts[home], image, sight.node);
                            self.push(at, image, sight, is_sure);
                        }
                        Some(counts) => {
                            let message = format!(
                                "a new tag of `{}` comes to nothing here: the one that counts is written at {}",
                                image.name,
                                counts.field.place()
                            );
                            let mend = "remove that one, or write it instead";
                            let place = sight.field.place().clone();
                            let problem = Problem::new(Rule::ReplacedImage, Severity::Error, place, message, mend);
                            self.found.problems.push(problem.clone());
                            let field = sight.field;
                            self.found.images.push(FoundImage {
                                image: at,
                                field,
                                wrong: Some(problem),
                                is_aside: true,
                            });
                        }
                    }
                }
            }
        }
    }

    fn push(&mut self, at: usize, image: &ListedImage, sight: Sight<'a>, is_sure: bool) {
        let doubt = (!is_sure).then(|| {
            let message = format!("the tag of `{}` could be replaced by values that cannot be read", image.name);
            let place = sight.field.place().clone();
            Problem::new(Rule::Values, Severity::Warning, place, message, "mend what is told of this application")
        });
        let is_aside = sight.wrong.is_some();
        let wrong = sight.wrong.or(doubt);
        self.found.problems.extend(wrong.clone());
        self.found.images.push(FoundImage { image: at, field: sight.field, wrong, is_aside });
    }

    /// Whether nothing that cannot be read could replace what is seen.
    fn is_sure(&self, chart: &Values<'a>, image: &ListedImage, node: NodeRef<'a>) -> bool {
        chart.sure.as_ref().is_none_or(|sure| self.look(sure, image).is_ok_and(|sight| is_same_node(sight.node, node)))
    }

    /// What stands at the keys of an image.
    fn look(&self, level: &Level<'a>, image: &ListedImage) -> Result<Sight<'a>, Blind> {
        match &image.helm.spec {
            Some(spec) => self.look_at_whole(level, spec, image),
            None => self.look_at_tag(level, image),
        }
    }

    fn look_at_whole(&self, level: &Level<'a>, key: &HelmKey, image: &ListedImage) -> Result<Sight<'a>, Blind> {
        let (layer, _) = self.walk(level, &key.path, Some(key))?;
        let file = layer.file.unwrap_or(self.file);
        let text = text_of(layer, &key.path, file)?;
        let reference = Reference::parse(text).map_err(|error| {
            let message = format!("`{}` holds no image: {error}", key.path);
            let mend = format!("write `{}` there, with its tag", image.image.name());
            Blind::Wrong(Problem::new(Rule::InvalidImage, Severity::Error, layer.node.place(file), message, mend))
        })?;
        let is_meant = reference.repository() == image.image.repository();
        let wrong = (!is_meant).then(|| misnamed(layer.node.place(file), reference.name(), image));
        let field = ImageField::whole(reference, Scalar::at(layer.node, file));
        Ok(Sight { node: layer.node, field: self.sealed(field, file), wrong })
    }

    fn look_at_tag(&self, level: &Level<'a>, image: &ListedImage) -> Result<Sight<'a>, Blind> {
        let key = image.helm.tag.as_ref();
        let path = key.map_or(DEFAULT_TAG, |key| &key.path);
        let (layer, around) = self.walk(level, path, key)?;
        let file = layer.file.unwrap_or(self.file);
        let text = text_of(layer, path, file)?;
        let name = image.image.name();
        let written = if text.is_empty() { name.to_owned() } else { format!("{name}:{text}") };
        let reference = Reference::parse(&written).map_err(|error| {
            let message = format!("`{path}` holds `{}`, which is no tag: {error}", shown(text));
            let mend = "write the tag that runs, or correct the key";
            Blind::Wrong(Problem::new(Rule::InvalidImage, Severity::Error, layer.node.place(file), message, mend))
        })?;
        let said =
            |key: &str| around.get(key).and_then(|value| value.scalar()).filter(|layer| layer.node.written().is_some());
        let explicit = image.helm.name.as_ref().map_or(DEFAULT_NAME, |key| &key.path);
        let explicit = FieldPath::parse(explicit).ok().and_then(|path| level.look(&path).ok()?.scalar());
        let beside = NAMES.iter().find_map(|key| {
            said(key).filter(|layer| *key != "name" || layer.node.written().is_some_and(|text| text.contains('/')))
        });
        let named = explicit.filter(|layer| layer.node.written().is_some()).or(beside);
        let mut obstacle = said("digest").map(|_| Obstacle::DigestBeside);
        let mut wrong = None;
        if let Some(named) = named {
            let text = named.node.written().unwrap_or_default();
            let says = match said("registry").and_then(|registry| registry.node.written()) {
                Some(registry) => format!("{}/{text}", registry.trim_end_matches('/')),
                None => text.to_owned(),
            };
            if Reference::parse(text).is_ok_and(|image| image.tag().is_some() || image.digest().is_some()) {
                obstacle = Some(Obstacle::TwoTruths);
            }
            let is_meant = names_repository(&says, image.image.repository());
            if !is_meant && key.is_none() {
                let message = format!("the image at `{path}` is `{}`", shown(&says));
                return Err(Blind::DeadEnd { depth: usize::MAX, message, mend: String::new() });
            }
            if !is_meant {
                wrong = Some(misnamed(named.node.place(named.file.unwrap_or(self.file)), &says, image));
            }
        }
        let field = ImageField::split(reference, Scalar::at(layer.node, file)).with_obstacle(obstacle);
        Ok(Sight { node: layer.node, field: self.sealed(field, file), wrong })
    }

    /// The scalar at the end of a key, with what is around it.
    fn walk(&self, level: &Level<'a>, path: &str, key: Option<&HelmKey>) -> Result<(Layer<'a>, Level<'a>), Blind> {
        let wrong = |message: String| {
            let here = || Place { file: self.file.clone(), line: 1, column: 1 };
            let place = key.map_or_else(here, |key| key.place.clone());
            Blind::Wrong(Problem::new(Rule::ImagePath, Severity::Error, place, message, ""))
        };
        let steps = FieldPath::parse(path).map_err(|what| wrong(format!("`{}` is no path: {what}", shown(path))))?;
        let end = level.look(&steps).map_err(|end| Blind::DeadEnd {
            depth: end.depth,
            message: end.message,
            mend: end.mend,
        })?;
        let layer = end.scalar().ok_or_else(|| Blind::DeadEnd {
            depth: usize::MAX,
            message: format!("`{path}` is no single value"),
            mend: "name the key of the tag".to_owned(),
        })?;
        let around = steps.parent().map_or_else(|| Some(level.clone()), |parent| level.look(&parent).ok());
        Ok((layer, around.unwrap_or_default()))
    }

    fn sealed(&self, field: ImageField, file: &RepoPath) -> ImageField {
        let is_sealed = self.library.get(file).is_some_and(Document::is_sealed);
        field.with_obstacle(is_sealed.then_some(Obstacle::Sealed))
    }

    /// The images that are there, for those who look for another.
    pub(super) fn name_images(&mut self, ask: &Ask<'_>) {
        for chart in &self.charts {
            let mut all = Find::default();
            values::read_level(&chart.known, ask, &mut all);
            let spots = all.slots.iter().filter_map(|slot| Some((slot.spot?, slot.file)));
            let fields = spots.filter_map(|(spot, file)| spot.read(file.unwrap_or(ask.file)).ok());
            self.found.names.extend(fields.take(MOST_NAMES).map(|field| field.reference().name().to_owned()));
        }
    }
}

/// What a scalar says; nothing where it is empty.
fn text_of<'a>(layer: Layer<'a>, path: &str, file: &RepoPath) -> Result<&'a str, Blind> {
    let text = layer.node.written().unwrap_or_default();
    if !text.contains("{{") {
        return Ok(text);
    }
    let message = format!("`{path}` holds a template, which is never expanded");
    let mend = "write the value itself";
    Err(Blind::Wrong(Problem::new(Rule::Template, Severity::Warning, layer.node.place(file), message, mend)))
}

/// A key that the file to be written does not have.
fn missing(image: &ListedImage, path: &RepoPath, counts: Option<&Sight<'_>>, target: &Place) -> Problem {
    let key = image.helm.spec.as_ref().or(image.helm.tag.as_ref());
    let steps = key.map_or(DEFAULT_TAG, |key| &key.path);
    let place = key.map_or(target, |key| &key.place).clone();
    let reference = counts.map(|sight| sight.field.reference());
    let tag = reference.and_then(Reference::tag).map_or("<tag>", Tag::as_str);
    let value = if image.helm.spec.is_some() { format!("{}:{tag}", image.image.name()) } else { tag.to_owned() };
    let message = format!("`{steps}` of `{}` is not written in `{path}`, and keys are not added there", image.name);
    let mend = match steps.rsplit_once('.') {
        Some((above, last)) => format!("add `{last}: \"{value}\"` under `{above}` by hand"),
        None => format!("add `{steps}: \"{value}\"` by hand"),
    };
    Problem::new(Rule::ImagePath, Severity::Error, place, message, mend)
}

fn is_same_node(one: NodeRef<'_>, other: NodeRef<'_>) -> bool {
    std::ptr::eq(one.tree(), other.tree()) && one.id() == other.id()
}

//! The images of a list, in an application and in the values of its charts.
//!
//! A list names repositories, and keys in the values; the tag is changed where it counts, or in the file
//! that is to be written, if it counts there. What cannot be told apart is held. Entries of kustomizations
//! and plain manifests are the business of the floor above.

mod seek;

use std::collections::{BTreeMap, BTreeSet};

use super::places::SourceLayers;
use super::values::{Layer, Level};
use super::{Ask, Find, Library, Reader, application, sources};
use crate::manifest::document::Document;
use crate::manifest::image_list::{ImageIndex, ImageList, ListedImage, SourceKind};
use crate::manifest::problem::{Place, Problem, Rule, Severity, shown};
use crate::manifest::shape::Spot;
use crate::manifest::workload::ImageField;
use crate::manifest::yaml::NodeRef;
use crate::path::RepoPath;
use seek::Seeker;

/// Where Argo CD Image Updater writes what nobody gives keys for.
const DEFAULT_NAME: &str = "image.name";
const DEFAULT_TAG: &str = "image.tag";

/// The keys beside a tag that can name its image, the surest first.
const NAMES: [&str; 4] = ["newName", "repository", "image", "name"];

/// How many images are named where one is missing.
const MOST_NAMES: usize = 20;

/// What is looked for in one application.
#[derive(Debug, Clone, Copy)]
pub struct ImageSearch<'s> {
    /// The images.
    pub list: &'s ImageList,
    /// What each source is.
    pub kinds: &'s [SourceKind],
    /// The only file in which tags are to be changed, with the place where that is said.
    pub target: Option<(&'s RepoPath, &'s Place)>,
    /// Whether only a kustomization is to be changed.
    pub is_kustomization: bool,
}

/// What comes of it.
#[derive(Debug, Default)]
pub struct ImagesFound {
    /// The images that were found.
    pub images: Vec<FoundImage>,
    /// Images of which it is told already why they are not followed.
    pub told: BTreeSet<usize>,
    /// How far the keys of the others led: what is missing, and what is there instead.
    pub dead_ends: BTreeMap<usize, (String, String)>,
    /// The names of images that are there.
    pub names: BTreeSet<String>,
    /// What is wrong with the ways that led here.
    pub problems: Vec<Problem>,
}

/// An image of the list that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundImage {
    /// Its number in the list.
    pub image: usize,
    /// Where its tag stands.
    pub field: ImageField,
    /// Why it is not followed.
    pub wrong: Option<Problem>,
    /// Whether it is shown only to say what is wrong, and whoever else speaks about it decides.
    pub is_aside: bool,
}

/// Looks for the images of a list in an application, if the object is one.
pub(in crate::manifest) fn find(
    object: NodeRef<'_>,
    kind: &str,
    file: &RepoPath,
    search: &ImageSearch<'_>,
    library: &Library,
) -> ImagesFound {
    let mut found = ImagesFound::default();
    let Some((spec, metadata)) = application(object, kind) else { return found };
    let ask = Ask { file, aliases: BTreeSet::new(), paths: BTreeMap::new(), is_annotated: true };
    let mut find = Find::default();
    let all = sources(spec);
    let names = all.iter().filter_map(|source| source.get_text("ref")).collect();
    let mut reader = Reader { ask: &ask, library, find: &mut find, names, metadata, has_unknown: false };
    let mut charts = Vec::new();
    let mut files = Vec::new();
    for (source, kind) in all.into_iter().zip(search.kinds) {
        let folder = reader.folder(source);
        let said = reader.said(source, &folder);
        match kind {
            SourceKind::Helm if !search.is_kustomization => {
                let before = reader.find.needs.len();
                charts.push(reader.values(source, &said, &folder));
                files.push(reader.find.needs[before..].iter().cloned().collect());
            }
            SourceKind::Kustomize if search.target.is_none() => read_entries(&said, file, search, &mut found),
            _ => {}
        }
    }
    let target = search.target.map(|(path, place)| (reader.target(path, place), path, place));
    let mut seeker = Seeker { file, library, charts, files, found };
    match target {
        None => seeker.seek(search.list),
        Some((Some(level), path, place)) => seeker.seek_in(&level, path, place, search.list),
        Some((None, ..)) => seeker.found.told.extend(0..search.list.images.len()),
    }
    seeker.name_images(&ask);
    let mut found = seeker.found;
    if let Some(veil) = find.hidden {
        let message = "images behind an alias or a merge key are not followed";
        let mend = "write them out where the source stands";
        found.problems.push(Problem::new(Rule::Alias, Severity::Warning, veil.place(file), message, mend));
    }
    found.problems.append(&mut find.problems);
    found
}

/// The entries of `kustomize.images`: `old=new:tag`, `new:tag`.
fn read_entries(said: &SourceLayers<'_>, file: &RepoPath, search: &ImageSearch<'_>, found: &mut ImagesFound) {
    let Some(entries) = said.first("kustomize", "images").filter(|_| said.is_whole) else { return };
    let file = entries.file.unwrap_or(file);
    let index = ImageIndex::of(search.list);
    for node in entries.node.items() {
        let Ok(field) = Spot::replacing(node).read(file) else { continue };
        let old = node.resolved().text().and_then(|text| Some(text.split_once('=')?.0));
        found.names.insert(field.reference().name().to_owned());
        for (at, is_meant) in index.behind(field.reference().repository(), old) {
            let (image, place) = (&search.list.images[at], field.place().clone());
            let wrong = if !is_meant {
                Some(misnamed(place, field.reference().name(), image))
            } else if search.is_kustomization {
                let message = format!(
                    "the tag of `{}` is replaced here, so that one in the kustomization comes to nothing",
                    image.name
                );
                let mend = "remove the entry here, or the `write-back-target`";
                Some(Problem::new(Rule::ReplacedImage, Severity::Error, place, message, mend))
            } else {
                None
            };
            found.problems.extend(wrong.clone());
            found.images.push(FoundImage { image: at, field: field.clone(), is_aside: !is_meant, wrong });
        }
    }
}

impl<'a> Reader<'a, '_> {
    /// The values in the file that is to be written; `None` where it cannot be read, which is told.
    fn target(&mut self, path: &RepoPath, place: &Place) -> Option<Level<'a>> {
        match self.library.get(path).map(|document: &'a Document| self.root(document)) {
            Some(Ok(Some(Layer { node, file }))) => Some(Level::of(node, file)),
            Some(Ok(None)) => Some(Level::default()),
            Some(Err(_)) => None,
            None if self.library.is_unreadable(path) => None,
            None => {
                let message = format!("there is no file `{path}`");
                let mend = "correct the path; one that begins with `/` counts from the top of the repository, any other from the folder of the source";
                self.find.problems.push(Problem::new(Rule::Link, Severity::Error, place.clone(), message, mend));
                None
            }
        }
    }
}

/// Another image stands where one of the list is looked for.
fn misnamed(place: Place, says: &str, image: &ListedImage) -> Problem {
    let message =
        format!("the image here is `{}`, and `{}` in the list is `{}`", shown(says), image.name, image.image.name());
    Problem::new(Rule::Contradiction, Severity::Error, place, message, "have both name the same image")
}

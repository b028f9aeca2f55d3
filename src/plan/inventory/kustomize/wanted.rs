//! The images of kustomizations that somebody else asks about: where each is replaced, and which are not.
//!
//! Must not know who asks, nor what for.

use std::collections::BTreeMap;

use super::build::{Built, Item, PodImage};
use super::tree::Tree;
use crate::image::{Reference, Repository};
use crate::manifest::{ImageField, Place, Problem, Rule, Severity};
use crate::path::RepoPath;

/// A kustomization, as one who deploys it sees it.
#[derive(Debug)]
pub(in crate::plan::inventory) struct Kustomized {
    /// Where it begins.
    pub(in crate::plan::inventory) place: Place,
    /// Whether it can be built: it leads to nothing that leads back to it, and is not too much.
    pub(in crate::plan::inventory) is_whole: bool,
    /// Its own entries, in the order of the file.
    pub(in crate::plan::inventory) entries: Vec<KustomizedEntry>,
    /// The images that none of its own entries replaces.
    pub(in crate::plan::inventory) bare: Vec<Bare>,
}

/// One entry under `images`.
#[derive(Debug)]
pub(in crate::plan::inventory) struct KustomizedEntry {
    /// The name that the image has before.
    pub(in crate::plan::inventory) name: String,
    /// The repository behind it.
    pub(in crate::plan::inventory) repository: Option<Repository>,
    /// The image, and where its tag is written, or is to be.
    pub(in crate::plan::inventory) field: Option<ImageField>,
    /// What is wrong with it.
    pub(in crate::plan::inventory) wrong: Option<Problem>,
}

/// An image that is not replaced here.
#[derive(Debug)]
pub(in crate::plan::inventory) struct Bare {
    /// Its name and tag, as kustomize sees them by then.
    pub(in crate::plan::inventory) name: String,
    pub(in crate::plan::inventory) tag: Option<String>,
    /// Where it is written, if that is in a container.
    pub(in crate::plan::inventory) field: Option<ImageField>,
}

/// The kustomizations that are wanted.
pub(super) fn read(tree: &Tree, built: &Built<'_>) -> BTreeMap<Option<RepoPath>, Kustomized> {
    tree.wanted.iter().map(|(folder, at)| (folder.clone(), kustomized(tree, built, *at))).collect()
}

fn kustomized(tree: &Tree, built: &Built<'_>, at: usize) -> Kustomized {
    let kustomization = tree.nodes[at].kustomization();
    let items = built.wanted.get(&at).map(Vec::as_slice).unwrap_or_default();
    let mut behind: BTreeMap<usize, Vec<&Item<'_>>> = BTreeMap::new();
    let mut bare = Vec::new();
    for item in items {
        match item.last {
            Some((node, number)) if node == at => behind.entry(number).or_default().push(item),
            _ => {
                let PodImage::Image(container, _) = built.pods[item.pod].image else { continue };
                let tag = item.tag.as_deref().map(str::to_owned);
                let field = item.last.is_none().then(|| container.image.clone());
                bare.push(Bare { name: item.name.to_owned(), tag, field });
            }
        }
    }
    let entries = kustomization.images.iter().enumerate().map(|(number, entry)| {
        let items = behind.get(&number).map(Vec::as_slice).unwrap_or_default();
        let fields: Vec<_> = items.iter().filter_map(|item| entry.field(item.tag.as_deref(), item.digest)).collect();
        let several = fields.iter().find(|other| **other != fields[0]).map(|other| {
            let message = format!(
                "the entry says no tag, and the images behind it have two: {}, {}",
                fields[0].reference(),
                other.reference()
            );
            Problem::new(Rule::Kustomization, Severity::Error, entry.place.clone(), message, "write a `newTag`")
        });
        KustomizedEntry {
            name: entry.name.clone(),
            repository: Reference::parse(entry.name_after()).ok().map(|image| image.repository().clone()),
            wrong: entry.wrong.clone().or(several),
            field: fields.into_iter().next().or_else(|| entry.field(None, None)),
        }
    });
    let is_whole = !tree.nodes[at].is_broken && !built.too_large.contains(&at);
    Kustomized { place: kustomization.place.clone(), is_whole, entries: entries.collect(), bare }
}

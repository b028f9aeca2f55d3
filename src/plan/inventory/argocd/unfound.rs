//! The images of a list that are not found, and why: in words.
//!
//! Must not know how they are looked for.

use std::collections::BTreeSet;

use super::super::kustomize::Bare;
use super::search::Searched;
use crate::manifest::{ImagesFound, ListedImage, Place, Problem, Rule, Severity};
use crate::path::RepoPath;

/// How many images are named where one is missing.
pub(super) const MOST_NAMES: usize = 20;

/// What was found of one list so far.
#[derive(Debug)]
pub(super) struct Unfound<'s> {
    searched: &'s Searched,
    found: BTreeSet<usize>,
    /// Images of which it is told already why they are not followed.
    told: BTreeSet<usize>,
    /// The images that are there.
    pub(super) names: BTreeSet<String>,
    /// Sources that cannot be looked into.
    reasons: Vec<Problem>,
}

impl<'s> Unfound<'s> {
    /// Nothing is found yet.
    pub(super) fn of(searched: &'s Searched) -> Self {
        let told = searched.found.told.clone();
        Self { searched, found: BTreeSet::new(), told, names: BTreeSet::new(), reasons: Vec::new() }
    }

    /// Notes that an image is found.
    pub(super) fn find(&mut self, at: usize) {
        self.found.insert(at);
    }

    /// Notes that it is told why an image is not followed.
    pub(super) fn tell(&mut self, at: usize) {
        self.told.insert(at);
    }

    /// Whether an image is found.
    pub(super) fn is_found(&self, at: usize) -> bool {
        self.found.contains(&at)
    }

    pub(super) fn no_kustomization(&mut self, folder: Option<&RepoPath>, place: &Place) {
        let message = format!("there is no kustomization in {}, so that no image is followed there", shown(folder));
        self.because(Rule::Link, place, message, "correct the path; the source may also lie in another repository");
    }

    pub(super) fn no_folder(&mut self, folder: Option<&RepoPath>, is_too_large: bool, place: &Place) {
        let (message, mend) = if is_too_large {
            (format!("{} has too many files to look at, and is not followed", shown(folder)), "name a smaller folder")
        } else {
            let message =
                format!("there is no {} among the files to look in, so that no image is followed there", shown(folder));
            (message, "correct the path, or add it with --git-path; the source may also lie in another repository")
        };
        self.because(Rule::Link, place, message, mend);
    }

    pub(super) fn unbuilt(&mut self, place: &Place) {
        let message = "this kustomization cannot be built, so that no image is followed there".to_owned();
        self.because(Rule::Kustomization, place, message, "mend what is told of it");
    }

    pub(super) fn template(&mut self, place: &Place) {
        let message =
            "what this source deploys shows only when the application is rendered, so that no image is followed there";
        self.because(
            Rule::Template,
            place,
            message.to_owned(),
            "write a path without a template, or annotate what lies there",
        );
    }

    pub(super) fn filtered(&mut self, place: &Place) {
        let message = "which files `directory.include` and `directory.exclude` mean is not read, so that no image is followed there";
        self.because(
            Rule::NotSupported,
            place,
            message.to_owned(),
            "give the manifests a folder of their own, or annotate them",
        );
    }

    pub(super) fn plugin(&mut self, place: &Place) {
        let message = "what a plugin makes of this source is not known, so that no image is followed there";
        self.because(Rule::NotSupported, place, message.to_owned(), "annotate the manifests that it reads");
    }

    fn because(&mut self, rule: Rule, place: &Place, message: String, mend: &str) {
        self.reasons.push(Problem::new(rule, Severity::Warning, place.clone(), message, mend));
    }

    /// What to say of the images that are not found.
    pub(super) fn problems(self, found: &ImagesFound) -> Vec<Problem> {
        let spoken = &self.searched.spoken;
        let images = spoken.list.images.iter().enumerate();
        let missing: Vec<_> = images.filter(|(at, _)| !self.found.contains(at) && !self.told.contains(at)).collect();
        let (plugins, missing): (Vec<_>, Vec<_>) = missing.into_iter().partition(|(_, image)| image.is_for_plugin);
        let mut problems: Vec<Problem> = plugins.into_iter().map(|(_, image)| for_plugin(image)).collect();
        if missing.is_empty() {
            return problems;
        }
        if !self.reasons.is_empty() {
            problems.extend(self.reasons);
            return problems;
        }
        let there: Vec<&str> = self.names.iter().take(MOST_NAMES).map(String::as_str).collect();
        let more = if self.names.len() > MOST_NAMES { ", …" } else { "" };
        for (at, image) in missing {
            let (name, meant) = (&image.name, image.image.name());
            let id = &spoken.application().id;
            let mut message = format!("`{name}`, `{meant}`, is found nowhere in what {id} deploys");
            let dead_end = found.dead_ends.get(&at);
            if let Some((what, _)) = dead_end {
                message.push_str(": ");
                message.push_str(what);
            }
            let mend = match (dead_end, there.is_empty()) {
                (Some((_, mend)), _) if image.helm.tag.is_some() || image.helm.spec.is_some() => mend.clone(),
                (Some(_), true) => {
                    "write the tag that runs where the chart wants it, and its key as `<alias>.helm.image-tag`"
                        .to_owned()
                }
                (Some(_), false) => format!(
                    "write the key of its tag as `<alias>.helm.image-tag`; the images there are: {}{more}",
                    there.join(", ")
                ),
                (None, true) => "correct the image, or remove it from the list".to_owned(),
                (None, false) => format!("the images there are: {}{more}", there.join(", ")),
            };
            problems.push(Problem::new(Rule::NoImage, Severity::Warning, image.place.clone(), message, mend));
        }
        problems
    }
}

fn for_plugin(image: &ListedImage) -> Problem {
    let message = format!("`{}` is written by a plugin, which is not supported", image.name);
    let mend = "annotate the manifest that runs it, or leave it to Argo CD Image Updater";
    Problem::new(Rule::NotSupported, Severity::Error, image.place.clone(), message, mend)
}

/// An image of a kustomization that no entry replaces.
pub(super) fn no_entry(image: &ListedImage, bare: &Bare, kustomization: &Place) -> Problem {
    let tag = bare.tag.as_deref().unwrap_or("<tag>");
    let message =
        format!("`{}` has no entry under `images` of {}, and entries are not added", image.name, kustomization.file);
    let mend = format!("add `- name: {}` with `newTag: \"{tag}\"` there by hand", bare.name);
    Problem::new(Rule::Kustomization, Severity::Error, image.place.clone(), message, mend)
}

fn shown(folder: Option<&RepoPath>) -> String {
    folder.map_or_else(|| "folder at the top of the repository".to_owned(), |folder| format!("folder `{folder}`"))
}

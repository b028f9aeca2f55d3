//! What a kustomization says: which files it builds, and which images it gives another name or tag.
//!
//! Kustomize's own files and Flux's `Kustomization` objects. What an entry does to which container
//! shows only when all files are known, and is the business of `plan/inventory/kustomize.rs`.

mod entry;

use super::super::problem::{Place, Problem, Rule, Severity, shown};
use super::super::workload::{Automation, WorkloadId};
use super::super::yaml::{Kind, NodeRef};
use super::marker::{self, Target};
use crate::path::RepoPath;
pub use entry::{ImageEntry, split_image};

/// The names by which kustomize knows its files.
pub const KUSTOMIZATION_FILES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// One kustomization.
#[derive(Debug, Clone, PartialEq)]
pub struct Kustomization {
    /// What it is called; most have no name.
    pub id: WorkloadId,
    /// Where it begins.
    pub place: Place,
    /// Which kind it is.
    pub role: KustomizationRole,
    /// What it builds, in the order in which kustomize takes it.
    pub links: Vec<Link>,
    /// Its `images`, in the order of the file.
    pub images: Vec<ImageEntry>,
    /// Whether its own annotations say if its images are automated. Then they decide, and not those of
    /// the workloads that it builds.
    pub speaks: bool,
    /// Whether its own annotations say `automated: "true"`.
    pub automated: bool,
    /// What its own annotations allow. [`Automation::Held`] also where the file must not be touched.
    pub automation: Automation,
}

/// Which kind of kustomization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KustomizationRole {
    /// A file of kustomize that can be built by itself.
    Whole,
    /// A file of kustomize that changes what another one has built.
    Component,
    /// An object of Flux, which builds a folder and adds to what stands there.
    Flux,
}

/// A file or folder that a kustomization builds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Where it is written.
    pub place: Place,
    /// As it is written.
    pub written: String,
    /// The path in the repository; `None` for the top of it.
    pub target: Option<RepoPath>,
    /// Whether it stands under `components`.
    pub is_component: bool,
}

/// Whether kustomize would take a file of this name for its own.
#[must_use]
pub fn is_kustomization_path(path: &RepoPath) -> bool {
    KUSTOMIZATION_FILES.contains(&path.file_name())
}

/// Reads an object, if it is a kustomization. What is wrong with its links is reported here; what is
/// wrong with an entry is kept in it, since it matters only to those who follow it.
pub(in crate::manifest) fn read(
    object: NodeRef<'_>,
    file: &RepoPath,
    problems: &mut Vec<Problem>,
) -> Option<Kustomization> {
    let role = role(object, file)?;
    let kind = object.get_text("kind").filter(|kind| !kind.is_empty()).unwrap_or("Kustomization");
    let id = WorkloadId::of(object, kind);
    let mut reader = Reader { file, links: Vec::new(), problems };
    let images = if role == KustomizationRole::Flux {
        let spec = object.get("spec").filter(|spec| spec.kind() == Kind::Mapping)?;
        reader.read_flux(object, spec)?;
        spec.get("images")
    } else {
        let folder = file.parent();
        for (key, is_component) in [("resources", false), ("bases", false), ("components", true)] {
            reader.read_links(object, key, folder.as_ref(), is_component);
        }
        object.get("images")
    };
    let links = reader.links;
    let images = images.map(|images| entry::read(images, file, problems)).unwrap_or_default();
    let place = object.place(file);
    Some(Kustomization { id, place, role, links, images, speaks: false, automated: false, automation: Automation::Off })
}

/// Whether this is a kustomization: a file of kustomize, or an object of Flux.
pub(in crate::manifest) fn is_kustomization(object: NodeRef<'_>, file: &RepoPath) -> bool {
    role(object, file).is_some()
}

fn role(object: NodeRef<'_>, file: &RepoPath) -> Option<KustomizationRole> {
    if object.kind() != Kind::Mapping {
        return None;
    }
    let kind = object.get_text("kind").unwrap_or_default();
    let group = object.get_text("apiVersion").unwrap_or_default().split('/').next().unwrap_or_default();
    match (kind, group) {
        ("Kustomization", "kustomize.toolkit.fluxcd.io") => Some(KustomizationRole::Flux),
        ("Kustomization" | "", "kustomize.config.k8s.io" | "") if is_kustomization_path(file) => {
            Some(KustomizationRole::Whole)
        }
        ("Component", "kustomize.config.k8s.io" | "") if is_kustomization_path(file) => {
            Some(KustomizationRole::Component)
        }
        _ => None,
    }
}

struct Reader<'p> {
    file: &'p RepoPath,
    links: Vec<Link>,
    problems: &'p mut Vec<Problem>,
}

impl Reader<'_> {
    /// The path of a Flux object counts from the top of the repository, with or without a `/` before
    /// it. `None` where the source is no Git repository, so that the files lie elsewhere.
    fn read_flux(&mut self, object: NodeRef<'_>, spec: NodeRef<'_>) -> Option<()> {
        let source = spec.get("sourceRef").and_then(|source| source.get_text("kind"));
        if source.is_some_and(|kind| kind != "GitRepository") {
            return None;
        }
        let path = spec.get("path");
        let node = path.unwrap_or(object);
        let written = path.and_then(|path| path.resolved().text()).unwrap_or_default();
        let relative = written.trim_start_matches('/');
        self.read_link(node, if relative.is_empty() { "." } else { relative }, None, false);
        let folder = self.links.last()?.target.clone();
        self.read_links(spec, "components", folder.as_ref(), true);
        Some(())
    }

    fn read_links(&mut self, object: NodeRef<'_>, key: &str, folder: Option<&RepoPath>, is_component: bool) {
        for item in object.get(key).into_iter().flat_map(NodeRef::items) {
            let written = item.resolved().text().unwrap_or_default();
            if !written.is_empty() && !is_remote(written) {
                self.read_link(item, written, folder, is_component);
            }
        }
    }

    fn read_link(&mut self, node: NodeRef<'_>, written: &str, folder: Option<&RepoPath>, is_component: bool) {
        let place = node.place(self.file);
        if let Ok(target) = RepoPath::resolve(folder, written) {
            self.links.push(Link { place, written: written.to_owned(), target, is_component });
        } else {
            let message = format!("`{written}` leads out of the repository, and is not followed");
            let mend = "name a file or a folder inside the repository";
            self.problems.push(Problem::new(Rule::Link, Severity::Warning, place, message, mend));
        }
    }
}

/// What is wrong where a marked name in an entry of kustomize's `images` holds a tag: it tells which image
/// is meant, or what it is called then, and its tag is never the one that counts.
pub(in crate::manifest) fn selector(
    target: &Target<'_>,
    entry: marker::Entry<'_>,
    is_kustomization: bool,
) -> Option<String> {
    let key = entry.key.text().filter(|key| matches!(*key, "name" | "newName"))?;
    let text = target.node.resolved().text()?;
    let (_, tag, digest) = split_image(text);
    let way = target.node.trail().to_string();
    let list = way.rsplit_once('[').map_or("", |(list, _)| list);
    let is_entry = list.ends_with("kustomize.images") || (is_kustomization && matches!(list, "images" | "spec.images"));
    (is_entry && (tag.is_some() || digest.is_some())).then(|| {
        format!("the marker stands on the `{key}` of an image, `{}`, whose tag is not the one that counts", shown(text))
    })
}

/// Whether kustomize would fetch this from somewhere else: a URL, or a place in another repository.
fn is_remote(link: &str) -> bool {
    let hosts = ["git@", "git::", "gh:", "github.com/", "github.com:", "gitlab.com/", "bitbucket.org/"];
    let mut parts = link.split(['/', '?']);
    link.contains("://")
        || link.contains("?ref=")
        || hosts.iter().any(|host| link.starts_with(host))
        || parts.any(|part| part.rsplit_once('.').is_some_and(|(name, ending)| !name.is_empty() && ending == "git"))
}

#[cfg(test)]
mod tests;

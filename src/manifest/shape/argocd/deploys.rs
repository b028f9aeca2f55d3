//! What an application deploys, as plain data: its folders, and the files that say its images.
//!
//! Must not know what stands in those files.

use std::collections::{BTreeMap, BTreeSet};

use super::links::Folder;
use super::{Ask, Find, Library, Reader, application, carrier, sources};
use crate::manifest::dialect::flux2::Labels;
use crate::manifest::image_list::{ApplicationSource, SourceFolder, SourceKind};
use crate::manifest::yaml::NodeRef;
use crate::path::RepoPath;

/// What an object says of the applications that it is, or makes.
#[derive(Debug)]
pub(in crate::manifest) struct Deploys<'a> {
    /// The application itself, or the template of those that are made.
    pub(in crate::manifest) carrier: NodeRef<'a>,
    /// Its name; `None` where that is a template.
    pub(in crate::manifest) name: Option<String>,
    /// Its namespace, where one is written.
    pub(in crate::manifest) namespace: Option<String>,
    /// Its labels.
    pub(in crate::manifest) labels: Labels,
    /// Its sources, in the order of the file.
    pub(in crate::manifest) sources: Vec<ApplicationSource>,
    /// The files that are read with it, whether they exist or not.
    pub(in crate::manifest) needs: Vec<RepoPath>,
}

/// Whether an object is an application, or makes some.
pub(in crate::manifest) fn is_application(object: NodeRef<'_>, kind: &str) -> bool {
    application(object, kind).is_some()
}

/// Reads an object, if it is an application or makes some.
pub(in crate::manifest) fn read<'a>(object: NodeRef<'a>, kind: &str, file: &RepoPath) -> Option<Deploys<'a>> {
    let carrier = carrier(object, kind)?;
    let (spec, metadata) = (carrier.get("spec")?, carrier.get("metadata"));
    let written = |metadata: Option<NodeRef<'a>>, key: &str| {
        metadata?.get(key)?.written().filter(|text| !text.contains("{{")).map(str::to_owned)
    };
    let own = object.get("metadata");
    let labels = metadata.and_then(|metadata| metadata.get("labels")).map(NodeRef::resolved);
    let label = |(key, value): (NodeRef<'a>, NodeRef<'a>)| Some((key.text()?.into(), value.resolved().text()?.into()));
    let library = Library::default();
    let mut needs = Vec::new();
    let sources = sources(spec)
        .into_iter()
        .map(|source| {
            let (read, mut asked) = read_source(source, spec, metadata, file, &library);
            needs.append(&mut asked);
            read
        })
        .collect();
    needs.sort();
    needs.dedup();
    Some(Deploys {
        carrier,
        name: written(metadata, "name"),
        namespace: written(metadata, "namespace").or_else(|| written(own, "namespace")),
        labels: labels.into_iter().flat_map(NodeRef::entries).filter_map(label).collect(),
        sources,
        needs,
    })
}

/// One source, and the files that are read with it.
fn read_source(
    source: NodeRef<'_>,
    spec: NodeRef<'_>,
    metadata: Option<NodeRef<'_>>,
    file: &RepoPath,
    library: &Library,
) -> (ApplicationSource, Vec<RepoPath>) {
    let ask = Ask { file, aliases: BTreeSet::new(), paths: BTreeMap::new(), is_annotated: true };
    let mut find = Find::default();
    let names = sources(spec).into_iter().filter_map(|source| source.get_text("ref")).collect();
    let mut reader = Reader { ask: &ask, library, find: &mut find, names, metadata, has_unknown: false };
    let folder = reader.folder(source);
    let said = reader.said(source, &folder);
    reader.values(source, &said, &folder);
    let is_values =
        |path: &&RepoPath| path.file_name() != "Chart.yaml" && !path.file_name().starts_with(".argocd-source");
    let value_files = find.needs.iter().filter(is_values).cloned().collect();
    let section = |key: &str| source.get(key).filter(|section| !section.is_null());
    let stated = [
        ("plugin", SourceKind::Plugin),
        ("kustomize", SourceKind::Kustomize),
        ("helm", SourceKind::Helm),
        ("chart", SourceKind::Helm),
        ("directory", SourceKind::Directory),
    ];
    let directory = section("directory").map(NodeRef::resolved);
    let says = |key: &str| directory.and_then(|directory| directory.get(key)).and_then(NodeRef::written);
    let images = section("kustomize").and_then(|kustomize| kustomize.resolved().get("images")).map(NodeRef::resolved);
    let read = ApplicationSource {
        place: source.get("path").unwrap_or(source).place(file),
        folder: match folder {
            Folder::Nowhere => SourceFolder::Nowhere,
            Folder::Unknown => SourceFolder::Unknown,
            Folder::At(folder) => SourceFolder::At(folder),
        },
        stated: stated.into_iter().find_map(|(key, kind)| section(key).map(|_| kind)),
        value_files,
        images: images
            .into_iter()
            .flat_map(NodeRef::items)
            .filter_map(|entry| entry.resolved().text().map(str::to_owned))
            .collect(),
        is_recursive: says("recurse") == Some("true"),
        is_filtered: says("include").is_some() || says("exclude").is_some(),
    };
    (read, find.needs)
}

//! Objects that run a chart: which values files they read, and whether they would run what stands at a place in
//! one of them.
//!
//! For those who ask about objects that nobody speaks about. Must not know how a chart writes images.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::field_path::FieldPath;
use super::values::Level;
use super::{Ask, Find, Library, argocd, helm_release};
use crate::manifest::problem::Place;
use crate::manifest::yaml::NodeRef;
use crate::path::RepoPath;

/// The files that are read with an object, whether they exist or not, if it runs charts with values files of this
/// repository.
pub(in crate::manifest) fn needs(object: NodeRef<'_>, kind: &str, file: &RepoPath) -> Vec<RepoPath> {
    let mut find = Find::default();
    let library = Library::default();
    levels(object, kind, file, &library, &mut find);
    find.needs.sort();
    find.needs.dedup();
    find.needs
}

/// Whether the object runs what stands at each of these places, which are in values files.
pub(in crate::manifest) fn runs(
    object: NodeRef<'_>,
    kind: &str,
    file: &RepoPath,
    places: &[Place],
    library: &Library,
) -> Vec<bool> {
    let levels = levels(object, kind, file, library, &mut Find::default());
    let mut nodes: BTreeMap<&RepoPath, HashMap<(usize, usize), NodeRef<'_>>> = BTreeMap::new();
    for file in places.iter().map(|place| &place.file).collect::<BTreeSet<_>>() {
        let here: BTreeSet<(usize, usize)> =
            places.iter().filter(|place| place.file == *file).map(|place| (place.line, place.column)).collect();
        let root = library.get(file).and_then(|document| document.roots().next());
        let all = root.into_iter().flat_map(|root| (root.id()..root.next_id()).map(move |id| root.tree().node(id)));
        let meant = all.map(|node| ((node.line(), node.column()), node)).filter(|(at, _)| here.contains(at));
        // Of nodes that begin in one place, the innermost comes last.
        nodes.insert(file, meant.collect());
    }
    let is_run = |place: &Place| {
        let node = *nodes.get(&place.file)?.get(&(place.line, place.column))?;
        let root = library.get(&place.file)?.roots().next()?;
        let path = FieldPath::to(root, node)?;
        let wins = |level: &Level<'_>| {
            let found = level.look(&path).ok().and_then(|found| found.top());
            found.is_some_and(|top| std::ptr::eq(top.node.tree(), node.tree()) && top.node.id() == node.id())
        };
        levels.iter().any(wins).then_some(())
    };
    places.iter().map(|place| is_run(place).is_some()).collect()
}

/// The values of each chart that an object runs.
fn levels<'a>(
    object: NodeRef<'a>,
    kind: &str,
    file: &RepoPath,
    library: &'a Library,
    find: &mut Find<'a>,
) -> Vec<Level<'a>> {
    let ask = Ask { file, aliases: BTreeSet::new(), paths: BTreeMap::new(), is_annotated: true };
    let release = helm_release::level(object, kind, &ask, library, find);
    release.into_iter().chain(argocd::levels(object, kind, &ask, library, find)).collect()
}

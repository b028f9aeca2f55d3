//! `.landwaiter.yaml`: what files beside it follow that carry no words of ours themselves, such as the
//! values files of charts.
//!
//! A mapping of file names, in the same folder or below it, to the words of annotations without their
//! prefix. Must not know what the words mean, nor how images are written in values.

use super::dialect::{self, Statement};
use super::document::Library;
use super::problem::{Problem, Severity};
use super::shape::{self, Ask, Find};
use super::workload::WorkloadId;
use super::yaml::{Kind, NodeRef};
use crate::path::RepoPath;

/// The kind of the workloads that a sidecar makes of files.
const KIND: &str = "Values";

/// What a sidecar says of one file.
pub(super) struct Entry<'a> {
    pub(super) id: WorkloadId,
    /// The words.
    pub(super) words: NodeRef<'a>,
    pub(super) statements: Vec<Statement>,
    pub(super) find: Find<'a>,
}

/// Whether a file of this name is a sidecar.
pub(super) fn is_sidecar_path(path: &RepoPath) -> bool {
    path.file_name() == ".landwaiter.yaml"
}

/// What the sidecar `path` says, file by file. Files that are named twice are left alone.
pub(super) fn read<'a>(
    document: NodeRef<'a>,
    path: &RepoPath,
    library: &'a Library,
    problems: &mut Vec<Problem>,
) -> Vec<Entry<'a>> {
    let mut report = |node: NodeRef<'_>, message: String, mend: &str| {
        problems.push(Problem::new(Severity::Error, node.place(path), message, mend));
    };
    if document.kind() != Kind::Mapping {
        if !document.is_null() {
            let mend = "write a file name, and below it words such as `automated: \"true\"`";
            report(document, "this is no mapping of file names".to_owned(), mend);
        }
        return Vec::new();
    }
    let mut entries: Vec<Entry<'a>> = Vec::new();
    let doubled = document.doubled_keys();
    for (first, second) in doubled.iter().filter(|(first, _)| document.entries().any(|(key, _)| key.id() == first.id())) {
        let name = first.text().unwrap_or_default();
        let message = format!("the file `{name}` stands here twice, first in line {}", first.line());
        report(*second, message, "write what it follows in one place");
    }
    for (key, words) in document.entries() {
        let Some(name) = key.text() else {
            report(key, "this is no file name".to_owned(), "write one, such as `values.yaml:`");
            continue;
        };
        if doubled.iter().any(|(first, _)| first.text() == Some(name)) {
            continue;
        }
        let file = match path.parent() {
            Some(folder) => folder.join(name),
            None => RepoPath::parse(name),
        };
        let Ok(file) = file else {
            let message = format!("`{name}` is no file in this folder or below it");
            report(key, message, "write the name of one; a file elsewhere has a `.landwaiter.yaml` of its own beside it");
            continue;
        };
        if words.kind() != Kind::Mapping {
            let message = format!("what is said of `{name}` is no mapping");
            report(words, message, "write words such as `automated: \"true\"` below it");
            continue;
        }
        let statements = dialect::unprefixed(words, path);
        let mut find = Find::default();
        match values(&file, library) {
            Ok((root, file)) => find = shape::find_in_values(root, file, &Ask::of(path, &statements)),
            Err(Some((message, mend))) => report(key, format!("`{name}` {message}"), mend),
            Err(None) => {}
        }
        find.needs.push(file);
        let id = WorkloadId { namespace: None, kind: KIND.to_owned(), name: name.to_owned() };
        entries.push(Entry { id, words, statements, find });
    }
    entries
}

/// The one document of a file; or what is wrong with it, where that is not told elsewhere.
fn values<'a>(
    path: &RepoPath,
    library: &'a Library,
) -> Result<(NodeRef<'a>, &'a RepoPath), Option<(&'static str, &'static str)>> {
    let Some(document) = library.get(path) else {
        let missing = ("does not exist", "correct the name, or remove the entry");
        return Err(Some(missing).filter(|_| !library.is_unreadable(path)));
    };
    let mut roots = document.roots();
    match (roots.next(), roots.next()) {
        (Some(root), None) if root.doubled_keys().is_empty() => Ok((root, document.path())),
        (Some(_), None) => Err(Some(("has a key that stands twice in one mapping", "remove one of the two"))),
        (Some(_), Some(_)) => Err(Some(("holds several documents", "write each of them to a file of its own"))),
        (None, _) => Err(Some(("is empty", "correct the name, or remove the entry"))),
    }
}

#[cfg(test)]
mod tests;

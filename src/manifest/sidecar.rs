//! `.landwaiter.yaml`: what files beside it follow that carry no words of ours themselves, such as the
//! values files of charts.
//!
//! A mapping of file names, in the same folder or below it, to the words of annotations without their
//! prefix. Must not know what the words mean, nor how images are written in values.

use std::collections::HashMap;

use super::dialect::{self, Statement};
use super::document::{Document, Library, doubled_key};
use super::problem::{Problem, Rule, Severity};
use super::shape::{self, Ask, Find};
use super::workload::WorkloadId;
use super::yaml::{Kind, NodeRef};
use crate::path::RepoPath;

/// What a sidecar says.
#[derive(Default)]
pub(super) struct Sidecar<'a> {
    /// Of each file that is there.
    pub(super) entries: Vec<Entry<'a>>,
    /// The files that it names.
    pub(super) needs: Vec<RepoPath>,
    /// What is wrong with it, or with them.
    pub(super) problems: Vec<Problem>,
}

/// What a sidecar says of one file, and what was found there.
pub(super) struct Entry<'a> {
    pub(super) id: WorkloadId,
    pub(super) words: NodeRef<'a>,
    pub(super) statements: Vec<Statement>,
    pub(super) find: Find<'a>,
}

/// Whether a file of this name is a sidecar.
pub(super) fn is_sidecar_path(path: &RepoPath) -> bool {
    path.file_name() == ".landwaiter.yaml"
}

/// Reads the sidecar at `path`, file by file. What is wrong with one leaves the others alone.
pub(super) fn read<'a>(document: NodeRef<'a>, path: &RepoPath, library: &'a Library) -> Sidecar<'a> {
    let mut sidecar = Sidecar::default();
    if document.kind() != Kind::Mapping {
        if !document.is_null() {
            let mend = "write a file name, and below it words such as `automated: \"true\"`";
            sidecar.report(Rule::InvalidValue, path, document, "this is no mapping of file names".to_owned(), mend);
        }
        return sidecar;
    }
    let mut lines: HashMap<&str, Vec<usize>> = HashMap::new();
    for (key, _) in document.entries() {
        lines.entry(key.text().unwrap_or_default()).or_default().push(key.line());
    }
    for (key, words) in document.entries() {
        let name = key.text().unwrap_or_default();
        match lines.get(name).map(Vec::as_slice) {
            Some([first, _, ..]) => {
                let message = format!("the file `{name}` stands here more than once, first in line {first}");
                sidecar.report(Rule::DoubledKey, path, key, message, "write what it follows in one place");
            }
            _ => sidecar.read_entry(name, key, words, path, library),
        }
    }
    sidecar
}

impl<'a> Sidecar<'a> {
    fn read_entry(&mut self, name: &str, key: NodeRef<'a>, words: NodeRef<'a>, path: &RepoPath, library: &'a Library) {
        let inside = name.strip_prefix("./").unwrap_or(name);
        let Ok(file) = RepoPath::parse(inside).and_then(|file| RepoPath::below(path.parent().as_ref(), file.as_str()))
        else {
            let message = format!("`{name}` is no file in this folder or below it");
            let mend = "write the name of one; a file elsewhere has a `.landwaiter.yaml` of its own beside it";
            return self.report(Rule::Link, path, key, message, mend);
        };
        if words.kind() != Kind::Mapping {
            let message = format!("what is said of `{name}` is no mapping");
            return self.report(
                Rule::InvalidValue,
                path,
                key,
                message,
                "write words such as `automated: \"true\"` below it",
            );
        }
        self.needs.push(file.clone());
        match library.get(&file) {
            Some(document) => {
                let Some(root) = self.root(document) else { return };
                let statements = dialect::unprefixed(words, path);
                let find = shape::find_in_values(root, document.path(), &Ask::of(path, &statements));
                self.entries.push(Entry { id: WorkloadId::of_values(name), words, statements, find });
            }
            // What is wrong with a file that is there is told of that file.
            None if library.is_unreadable(&file) => {}
            None => self.report(
                Rule::Link,
                path,
                key,
                format!("there is no file `{file}`"),
                "correct the name, or remove it",
            ),
        }
    }

    /// The one document of a file, unless it means different things to different readers.
    fn root(&mut self, document: &'a Document) -> Option<NodeRef<'a>> {
        let file = document.path();
        let mut roots = document.roots();
        let root = roots.next()?;
        if let Some(second) = roots.next() {
            let message = "`.landwaiter.yaml` names this file, which holds several documents".to_owned();
            self.report(Rule::Values, file, second, message, "leave one document in it; until then it is not followed");
            return None;
        }
        let doubled = document.doubled_keys();
        let mend = "remove one of the two; until then the file is not followed";
        self.problems.extend(doubled.iter().map(|keys| doubled_key(Severity::Error, *keys, file, mend)));
        doubled.is_empty().then_some(root)
    }

    fn report(&mut self, rule: Rule, file: &RepoPath, node: NodeRef<'_>, message: String, mend: &str) {
        self.problems.push(Problem::new(rule, Severity::Error, node.place(file), message, mend));
    }
}

#[cfg(test)]
mod tests;

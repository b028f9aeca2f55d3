//! Where the values of a chart are written, and in which order they count.
//!
//! Must not know how a chart writes images. A place that cannot be read is told, and hides those below it.

use super::super::super::document::{Document, doubled_key};
use super::super::super::problem::{Place, Problem, Rule, Severity};
use super::super::super::yaml::{Kind, NodeRef, Style};
use super::super::values::{Layer, Level, Parameters};
use super::Reader;
use super::links::{Folder, Link};
use crate::path::RepoPath;

/// How many values files of one source are read.
const MOST_FILES: usize = 100;

/// The parts of an image that a parameter can set.
const PARTS: [&str; 5] = ["image", "registry", "repository", "tag", "digest"];

/// The end of what is said of a place that cannot be read.
const UNTIL_THEN: &str = "until then no image is followed that could be replaced here";

/// What is said of a source: in its `.argocd-source` files, which are merged over it, and in itself.
pub(super) struct SourceLayers<'a> {
    /// The highest first.
    layers: Vec<Layer<'a>>,
    /// Whether all of them can be read.
    pub(super) is_whole: bool,
}

/// The values of a chart.
#[derive(Default)]
pub(super) struct Values<'a> {
    /// All that are known.
    pub(super) known: Level<'a>,
    /// Those above the first place that cannot be read, if there is one.
    pub(super) sure: Option<Level<'a>>,
}

/// A file whose content means different things to different readers, which is told already.
pub(super) struct Unclear;

impl<'a> SourceLayers<'a> {
    /// What counts for a key of a section, `helm` or `kustomize`.
    pub(super) fn first(&self, section: &str, key: &str) -> Option<Layer<'a>> {
        self.all(section, key).next()
    }

    /// All that is said for a key of a section, the highest first.
    fn all(&self, section: &str, key: &str) -> impl Iterator<Item = Layer<'a>> {
        let layers = self.layers.iter();
        let written =
            layers.filter_map(move |layer| Some(Layer { node: layer.node.get(section)?.get(key)?, ..*layer }));
        written.filter(|layer| !layer.node.is_null())
    }

    /// The first alias or merge that stands where something could be said.
    fn veil(&self) -> Option<NodeRef<'a>> {
        self.layers.iter().find_map(|layer| {
            let sections = ["helm", "kustomize"].into_iter().filter_map(|section| layer.node.get(section));
            let mut all: Vec<NodeRef<'a>> = vec![layer.node];
            all.extend(sections);
            let lists = ["parameters", "fileParameters", "valuesObject", "valueFiles", "images"];
            for section in all.clone() {
                let lists = lists.iter().filter_map(|key| section.get(key));
                all.extend(lists.flat_map(|list| std::iter::once(list).chain(list.items())));
            }
            all.into_iter().find_map(|node| {
                let is_veil = node.is_alias() && !matches!(node.resolved().kind(), Kind::Scalar(_));
                if is_veil { Some(node) } else { node.get("<<") }
            })
        })
    }
}

impl<'a> Values<'a> {
    fn push(&mut self, layer: Layer<'a>) {
        self.known.push(layer.node, layer.file);
    }

    fn push_unknown(&mut self) {
        self.sure.get_or_insert_with(|| self.known.clone());
    }
}

impl<'a> Reader<'a, '_> {
    /// What is said of a source. Its `.argocd-source` files are read for those who are annotated.
    pub(super) fn said(&mut self, source: NodeRef<'a>, folder: &Folder) -> SourceLayers<'a> {
        let mut said = SourceLayers { layers: Vec::new(), is_whole: true };
        if self.ask.is_annotated {
            for path in self.override_names().iter().filter_map(|name| folder.file(name)) {
                match self.open(&path).map(|document| self.root(document)) {
                    Some(Ok(layer)) => said.layers.extend(layer),
                    Some(Err(Unclear)) => said.is_whole = false,
                    None => said.is_whole &= !self.library.is_unreadable(&path),
                }
            }
        }
        said.layers.push(Layer { node: source, file: None });
        if let Some(veil) = said.veil() {
            said.is_whole = false;
            self.find.hidden = self.find.hidden.or(Some(veil));
        }
        self.has_unknown |= !said.is_whole;
        said
    }

    /// The names of the files that are merged over a source, the highest first.
    fn override_names(&self) -> Vec<String> {
        let text = |key| self.metadata.and_then(|metadata| metadata.get_text(key)).filter(|text| !text.contains("{{"));
        let mut names = Vec::new();
        if let Some(name) = text("name") {
            names.extend(text("namespace").map(|namespace| format!(".argocd-source-{namespace}_{name}.yaml")));
            names.push(format!(".argocd-source-{name}.yaml"));
        }
        names.push(".argocd-source.yaml".to_owned());
        names
    }

    /// The values of the chart of a source.
    pub(super) fn values(&mut self, source: NodeRef<'a>, said: &SourceLayers<'a>, folder: &Folder) -> Values<'a> {
        let mut values = Values::default();
        if !said.is_whole {
            values.push_unknown();
        }
        self.read_parameters(said, &mut values);
        let objects: Vec<_> = said.all("helm", "valuesObject").collect();
        for object in &objects {
            values.push(*object);
        }
        // Where there is an object, Argo CD does not look at the text.
        if let Some(text) = said.first("helm", "values").filter(|_| objects.is_empty()) {
            self.read_text(text, &mut values);
        }
        if self.ask.is_annotated {
            self.read_files(source, said, folder, &mut values);
        }
        values
    }

    fn read_parameters(&mut self, said: &SourceLayers<'a>, values: &mut Values<'a>) {
        if let Some(files) = said.first("helm", "fileParameters") {
            for name in files.node.items().filter_map(|item| item.get("name")) {
                let text = name.resolved().text().unwrap_or_default();
                if text.rsplit('.').next().is_some_and(|last| PARTS.contains(&last)) {
                    let message = format!("the parameter `{text}` is the content of a file, which is not followed");
                    let mend = format!("write it as one of `parameters`; {UNTIL_THEN}");
                    self.report(Rule::Values, Severity::Warning, name, files.file, message, &mend);
                    values.push_unknown();
                }
            }
        }
        if let Some(Layer { node, file }) = said.first("helm", "parameters") {
            let parameter = |item: NodeRef<'a>| {
                let node = item.get("value").filter(|node| matches!(node.resolved().kind(), Kind::Scalar(_)))?;
                Some((item.get_text("name")?, Layer { node, file }))
            };
            values.known = Level::under(Parameters::of(node.items().filter_map(parameter)));
        }
    }

    /// `values: |`, a document in a block.
    fn read_text(&mut self, Layer { node, file }: Layer<'a>, values: &mut Values<'a>) {
        let block = node.resolved();
        match block.inset() {
            Some(Ok(root)) if root.kind() == Kind::Mapping && !self.has_doubled(&root.doubled_keys(), file) => {
                values.push(Layer { node: root, file });
            }
            Some(Ok(root)) if root.is_null() => {}
            Some(Ok(_)) => values.push_unknown(),
            Some(Err(error)) => {
                if self.ask.is_annotated {
                    let file = file.unwrap_or(self.ask.file).clone();
                    let place = Place { file, line: error.line, column: error.column };
                    let message = format!("the values in this block cannot be read: {}", error.message);
                    let mend = format!("mend them; {UNTIL_THEN}");
                    self.find.problems.push(Problem::new(Rule::Values, Severity::Error, place, message, mend));
                }
                values.push_unknown();
            }
            None if block.text().is_some_and(|text| text.trim().is_empty()) => {}
            None => {
                if block.kind() != Kind::Scalar(Style::Literal) {
                    let mend = format!("write `values: |` and the values below it, or `valuesObject`; {UNTIL_THEN}");
                    self.report(
                        Rule::Values,
                        Severity::Warning,
                        node,
                        file,
                        "these values are no block, and are not read",
                        &mend,
                    );
                }
                values.push_unknown();
            }
        }
    }

    /// The values files that the source names, the last one first, and the one of the chart.
    fn read_files(&mut self, source: NodeRef<'a>, said: &SourceLayers<'a>, folder: &Folder, values: &mut Values<'a>) {
        let [has_chart, has_own] = ["Chart.yaml", "values.yaml"].map(|name| {
            let path = folder.file(name);
            path.is_some_and(|path| self.open(&path).is_some() || self.library.is_unreadable(&path))
        });
        let flag = said.first("helm", "ignoreMissingValueFiles");
        let must_exist = (has_chart || has_own) && flag.is_none_or(|flag| flag.node.resolved().text() != Some("true"));
        match said.first("helm", "valueFiles") {
            Some(Layer { node, file: None }) => {
                let names: Vec<_> = node.items().take(MOST_FILES).collect();
                for name in names.into_iter().rev() {
                    self.read_file(name, folder, must_exist, values);
                }
            }
            Some(Layer { node, file }) => {
                let mend = format!("write them in the source itself; {UNTIL_THEN}");
                self.report(Rule::Values, Severity::Warning, node, file, "`valueFiles` are not read here", &mend);
                values.push_unknown();
            }
            None => {}
        }
        let own = folder.file("values.yaml").filter(|_| has_chart || source.get("helm").is_some());
        if let Some(path) = own {
            self.read_values_file(&path, values);
        }
    }

    /// One entry of `valueFiles`. `must_exist` says that the repository of the source is this one.
    fn read_file(&mut self, name: NodeRef<'a>, folder: &Folder, must_exist: bool, values: &mut Values<'a>) {
        let Some(text) = name.resolved().text() else { return };
        let (path, must_exist) = match Link::read(text, folder, |name| self.names.contains(name)) {
            Ok(Link::Here(path)) => (path, must_exist),
            Ok(Link::There(path)) => (path, false),
            Ok(Link::Away) => return,
            Ok(Link::Unknown) => {
                let message = format!("which file `{text}` is shows only when it is rendered, so it is not read");
                self.report(
                    Rule::Template,
                    Severity::Warning,
                    name,
                    None,
                    message,
                    &format!("write its name; {UNTIL_THEN}"),
                );
                values.push_unknown();
                return;
            }
            Err(_) => {
                let message = format!("`{text}` is no file in this repository");
                let mend = format!("write a path that does not leave the repository; {UNTIL_THEN}");
                self.report(Rule::Link, Severity::Error, name, None, message, &mend);
                values.push_unknown();
                return;
            }
        };
        if !self.read_values_file(&path, values) && must_exist {
            let message = format!("there is no file `{path}`");
            self.report(Rule::Link, Severity::Warning, name, None, message, "correct the name, or remove it");
        }
    }

    /// Adds the values in a file, if it is there.
    fn read_values_file(&mut self, path: &RepoPath, values: &mut Values<'a>) -> bool {
        match self.open(path).map(|document| self.root(document)) {
            Some(Ok(Some(layer))) => values.push(layer),
            Some(Ok(None)) => {}
            Some(Err(Unclear)) => values.push_unknown(),
            None if self.library.is_unreadable(path) => values.push_unknown(),
            None => return false,
        }
        true
    }

    /// A file of the repository, if it is there; it is asked for in any case.
    fn open(&mut self, path: &RepoPath) -> Option<&'a Document> {
        self.find.needs.push(path.clone());
        self.library.get(path)
    }

    /// The mapping that a file holds, if it holds anything.
    pub(super) fn root(&mut self, document: &'a Document) -> Result<Option<Layer<'a>>, Unclear> {
        let file = Some(document.path());
        let mut roots = document.roots();
        let Some(node) = roots.next().filter(|node| !node.is_null()) else { return Ok(None) };
        if let Some(second) = roots.next() {
            let mend = format!("leave one document in it; {UNTIL_THEN}");
            self.report(
                Rule::Values,
                Severity::Warning,
                second,
                file,
                "the file holds several documents, and is not read",
                &mend,
            );
            return Err(Unclear);
        }
        if node.kind() != Kind::Mapping {
            let mend = format!("write keys and values; {UNTIL_THEN}");
            self.report(
                Rule::Values,
                Severity::Warning,
                node,
                file,
                "the file holds no mapping, and is not read",
                &mend,
            );
            return Err(Unclear);
        }
        if self.has_doubled(&document.doubled_keys(), file) { Err(Unclear) } else { Ok(Some(Layer { node, file })) }
    }

    /// Whether keys stand twice, which different readers understand differently.
    fn has_doubled(&mut self, doubled: &[(NodeRef<'a>, NodeRef<'a>)], file: Option<&'a RepoPath>) -> bool {
        if self.ask.is_annotated {
            let (file, mend) = (file.unwrap_or(self.ask.file), format!("remove one of the two; {UNTIL_THEN}"));
            let problem = |keys: &_| doubled_key(Severity::Error, *keys, file, &mend);
            self.find.problems.extend(doubled.iter().map(problem));
        }
        !doubled.is_empty()
    }
}

//! Named policies in files: those that are built in, and those of a config repository.
//!
//! Reads the YAML into the strings of a [`PresetSource`] and says where a wrong one stands. What the
//! strings mean is the business of [`policy`](crate::policy).

use std::sync::LazyLock;

use super::problem::{Place, Problem, Rule, Severity};
use super::yaml::{Kind, NodeRef, Syntax, Tree};
use crate::path::RepoPath;
use crate::policy::{ExampleSource, ExampleTag, Preset, PresetSource, Presets};

/// The files in `policies/`, by their names.
const BUILTIN: [(&str, &str); 7] = [
    ("branch-by-number.yaml", include_str!("../../policies/branch-by-number.yaml")),
    ("branch-by-time.yaml", include_str!("../../policies/branch-by-time.yaml")),
    ("calendar.yaml", include_str!("../../policies/calendar.yaml")),
    ("minor.yaml", include_str!("../../policies/minor.yaml")),
    ("nightly.yaml", include_str!("../../policies/nightly.yaml")),
    ("patch.yaml", include_str!("../../policies/patch.yaml")),
    ("stable.yaml", include_str!("../../policies/stable.yaml")),
];

/// The keys of a policy file.
const KEYS: [&str; 10] =
    ["name", "for", "pattern", "order", "extract", "exclude", "within", "min-age", "allow-downgrade", "examples"];

/// The policies that come with Landwaiter.
///
/// # Panics
/// Never: a test reads every one of them.
#[must_use]
pub fn builtin_presets() -> &'static Presets {
    static PRESETS: LazyLock<Presets> = LazyLock::new(|| {
        let mut presets = Presets::default();
        for (name, text) in BUILTIN {
            let preset = RepoPath::parse(&format!("policies/{name}"))
                .ok()
                .and_then(|path| read_policy_file(&path, text.as_bytes()).ok())
                .expect("every file in policies/ is a policy");
            presets.insert(preset);
        }
        presets
    });
    &PRESETS
}

/// Reads a policy file, `policies/<name>.yaml` or `.landwaiter/policies/<name>.yaml`, and runs its
/// examples: a policy that does not do what its file says is none.
///
/// # Errors
/// Everything that is wrong in it, each with its place.
pub fn read_policy_file(path: &RepoPath, bytes: &[u8]) -> Result<Preset, Vec<Problem>> {
    let whole = |line, column, message: String| {
        let place = Place { file: path.clone(), line, column };
        vec![Problem::new(Rule::BrokenPolicy, Severity::Error, place, message, "")]
    };
    let text = std::str::from_utf8(bytes).map_err(|_| whole(1, 1, "the file is not UTF-8 text".into()))?;
    let tree = Tree::parse(text.to_owned(), Syntax::Yaml)
        .map_err(|error| whole(error.line, error.column, format!("the file cannot be read: {}", error.message)))?;
    let mut documents = tree.documents().filter(|document| document.kind() == Kind::Mapping);
    let (Some(root), None) = (documents.next(), documents.next()) else {
        return Err(whole(1, 1, "a policy file holds one mapping with `for` and `pattern`".into()));
    };
    let mut reader = Reader { path, problems: Vec::new() };
    let source = reader.source(root);
    if reader.problems.is_empty() {
        let preset = Preset::new(&source).and_then(|preset| preset.check_examples().map(|()| preset));
        match preset {
            Ok(preset) => return Ok(preset),
            Err(error) => {
                let at = match (root.get(error.key()), error.example()) {
                    (Some(list), Some(index)) => list.items().nth(index).unwrap_or(list),
                    (Some(value), None) => value,
                    (None, _) => root,
                };
                reader.report(at, error.to_string(), String::new());
            }
        }
    }
    Err(reader.problems)
}

struct Reader<'p> {
    path: &'p RepoPath,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn report(&mut self, node: NodeRef<'_>, message: String, mend: String) {
        self.problems.push(Problem::new(Rule::BrokenPolicy, Severity::Error, node.place(self.path), message, mend));
    }

    fn source(&mut self, root: NodeRef<'_>) -> PresetSource {
        self.check_keys(root, &KEYS);
        let stem = self.path.file_name().rsplit_once('.').map_or(self.path.file_name(), |(stem, _)| stem).to_owned();
        let name = self.text(root, "name");
        if let Some((name, node)) = name.as_ref().zip(root.get("name")).filter(|(name, _)| **name != stem) {
            let message = format!("the policy calls itself `{name}`, and its file `{stem}`");
            self.report(node, message, "give both the same name".to_owned());
        }
        PresetSource {
            name: name.unwrap_or(stem),
            purpose: self.text(root, "for").unwrap_or_default(),
            pattern: self.text(root, "pattern"),
            order: self.text(root, "order"),
            extract: self.text(root, "extract"),
            exclude: self.lines(root, "exclude"),
            within: self.text(root, "within"),
            min_age: self.text(root, "min-age"),
            allow_downgrade: self.flag(root, "allow-downgrade"),
            examples: root.get("examples").map(|list| self.examples(list)).unwrap_or_default(),
        }
    }

    fn check_keys(&mut self, node: NodeRef<'_>, known: &[&str]) {
        for (key, _) in node.entries() {
            let text = key.text().unwrap_or_default();
            if !known.contains(&text) {
                let mend = match super::dialect::nearest(text, known.iter(), |known| known) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => format!("the keys are: {}", known.join(", ")),
                };
                self.report(key, format!("`{text}` is no key of a policy file"), mend);
            }
        }
    }

    fn text(&mut self, node: NodeRef<'_>, key: &str) -> Option<String> {
        let value = node.get(key)?;
        let text = self.scalar(value, key)?;
        Some(text.trim().to_owned())
    }

    /// The text of a scalar as it is written: a tag `1.10` is no number here.
    fn scalar(&mut self, value: NodeRef<'_>, key: &str) -> Option<String> {
        let text = value.resolved().text().filter(|_| !value.is_null());
        if text.is_none() {
            self.report(value, format!("`{key}` is not a text"), "write one value behind it".to_owned());
        }
        text.map(str::to_owned)
    }

    /// A text, or a list of texts.
    fn lines(&mut self, node: NodeRef<'_>, key: &str) -> Option<String> {
        let value = node.get(key)?;
        if value.kind() != Kind::Sequence {
            return self.text(node, key);
        }
        let lines: Vec<String> = value.items().filter_map(|item| self.scalar(item, key)).collect();
        Some(lines.join("\n"))
    }

    fn flag(&mut self, node: NodeRef<'_>, key: &str) -> bool {
        let Some(value) = node.get(key) else { return false };
        match value.text() {
            Some("true") => true,
            Some("false") => false,
            _ => {
                self.report(value, format!("`{key}` is neither true nor false"), "write true or false".to_owned());
                false
            }
        }
    }

    fn examples(&mut self, list: NodeRef<'_>) -> Vec<ExampleSource> {
        if list.kind() != Kind::Sequence {
            self.report(list, "`examples` is not a list".to_owned(), "begin each example with `- tags:`".to_owned());
        }
        list.items().map(|item| self.example(item)).collect()
    }

    fn example(&mut self, item: NodeRef<'_>) -> ExampleSource {
        self.check_keys(item, &["tags", "current", "now", "expect", "hold"]);
        let mut example = ExampleSource {
            tags: Vec::new(),
            current: self.text(item, "current"),
            now: self.text(item, "now"),
            update: self.text(item, "expect"),
            hold: self.text(item, "hold"),
        };
        for tag in item.get("tags").into_iter().flat_map(NodeRef::items) {
            if tag.kind() == Kind::Mapping {
                self.check_keys(tag, &["tag", "created", "first-seen", "pushed"]);
                let mut time = |key| self.text(tag, key);
                let (created, first_seen, pushed) = (time("created"), time("first-seen"), time("pushed"));
                let listed = |tag| ExampleTag { tag, created, first_seen, pushed };
                example.tags.extend(self.text(tag, "tag").map(listed));
            } else {
                let listed = |tag| ExampleTag { tag, ..ExampleTag::default() };
                example.tags.extend(self.scalar(tag, "tags").map(listed));
            }
        }
        example
    }
}

#[cfg(test)]
mod tests;

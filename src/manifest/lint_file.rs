//! `.landwaiter/lint.yaml`: which rules a config repository switches, for which of its paths.
//!
//! A mapping of paths to rules, and of rules to `off`, `hint`, `warning` or `error`. A line that is wrong
//! switches nothing. Must not know which problems there are.

use super::dialect::nearest;
use super::problem::{Place, Problem, Rule, Severity, shown};
use super::switches::{Level, Switches};
use super::yaml::{Kind, NodeRef, Syntax, Tree};
use crate::path::RepoPath;
use crate::policy::PathGlob;

/// Where a config repository switches rules; the first of them counts.
pub const LINT_FILES: [&str; 2] = [".landwaiter/lint.yaml", ".landwaiter/lint.yml"];

/// What a file of switches says.
#[derive(Debug, Clone, Default)]
pub struct LintFile {
    /// The switches.
    pub switches: Switches,
    /// The folders and files that are named, globs left out, with the places where they are.
    pub named: Vec<(RepoPath, Place)>,
    /// What is wrong in it.
    pub problems: Vec<Problem>,
}

/// Reads a file of switches.
#[must_use]
pub fn read_lint_file(path: &RepoPath, bytes: &[u8]) -> LintFile {
    let mut reader = Reader { path, file: LintFile::default() };
    let whole = |line, column| Place { file: path.clone(), line, column };
    let tree = match std::str::from_utf8(bytes) {
        Ok(text) => Tree::parse(text.to_owned(), Syntax::Yaml).map_err(|error| {
            let mend = "nothing is switched until it is valid; a path that begins with `*` is written in quotes";
            (whole(error.line, error.column), format!("the file cannot be read: {}", error.message), mend)
        }),
        Err(_) => Err((whole(1, 1), "the file is not UTF-8 text".to_owned(), "nothing is switched until it is")),
    };
    match tree {
        Ok(tree) => reader.read(&tree),
        Err((place, message, mend)) => reader.report_at(Severity::Error, place, message, mend),
    }
    reader.file
}

/// What to say of a path that is named where there is no such file or folder.
#[must_use]
pub fn nothing_there(path: &RepoPath, place: Place) -> Problem {
    let message = format!("there is no file or folder `{path}`, so nothing is switched here");
    Problem::new(Rule::LintFile, Severity::Warning, place, message, "correct the path, or remove it")
}

/// What to say of a second file of switches.
#[must_use]
pub fn second_file(path: &RepoPath, first: &RepoPath) -> Problem {
    let place = Place { file: path.clone(), line: 1, column: 1 };
    let message = format!("`{first}` says which rules are switched, and this file is not read");
    Problem::new(Rule::LintFile, Severity::Error, place, message, "remove one of the two")
}

struct Reader<'p> {
    path: &'p RepoPath,
    file: LintFile,
}

impl Reader<'_> {
    fn read(&mut self, tree: &Tree) {
        let mut documents = tree.documents();
        let Some(root) = documents.next().filter(|root| !root.is_null()) else { return };
        if let Some(second) = documents.next() {
            return self.report(second, "the file holds several documents, and none is read", "leave one of them");
        }
        if root.kind() != Kind::Mapping {
            return self.report(root, "this is no mapping of paths", "write a path, and below it `rule: level`");
        }
        let doubled: Vec<u32> = self.doubled(root);
        for (key, rules) in root.entries().filter(|(key, _)| !doubled.contains(&key.id())) {
            self.read_path(key, rules.resolved());
        }
    }

    fn read_path(&mut self, key: NodeRef<'_>, rules: NodeRef<'_>) {
        let Some(text) = key.text() else { return self.report(key, "this is no path", "write one, in quotes") };
        if rules.kind() != Kind::Mapping {
            let (message, mend) = match Rule::named(text) {
                Some(rule) => (
                    format!("`{rule}` is a rule, and a path is wanted here"),
                    "write `.:` above it for the whole repository, and indent it".to_owned(),
                ),
                None => (format!("`{text}` switches nothing"), "write `rule: level` below it".to_owned()),
            };
            return self.report(key, message, mend);
        }
        let paths = match PathGlob::parse(text) {
            Ok(paths) => paths,
            Err(error) => return self.report(key, error.message(), error.mend()),
        };
        let doubled = self.doubled(rules);
        let entries = rules.entries().filter(|(key, _)| !doubled.contains(&key.id()));
        let levels = entries.filter_map(|(rule, level)| Some((self.rule(rule)?, self.level(level)?))).collect();
        self.file.named.extend(paths.single().map(|path| (path.clone(), key.place(self.path))));
        self.file.switches.add(paths, levels);
    }

    fn rule(&mut self, key: NodeRef<'_>) -> Option<Rule> {
        let text = key.text().unwrap_or_default();
        match Rule::named(text) {
            Some(Rule::LintFile) => {
                let mend = "mend what is wrong in this file, or use `--rule lint-file=…` for one run";
                self.report(key, "`lint-file` is not switched in this file, which could hide its own mistakes", mend);
                None
            }
            Some(rule) => Some(rule),
            None => {
                self.report(key, format!("there is no rule `{}`", shown(text)), meant_rule(text));
                None
            }
        }
    }

    fn level(&mut self, value: NodeRef<'_>) -> Option<Level> {
        let text = value.resolved().text();
        let level = text.and_then(Level::named);
        if level.is_none() {
            let message = match text.filter(|text| !text.is_empty()) {
                Some(text) => format!("`{}` is no level", shown(text)),
                None => "a level is wanted here".to_owned(),
            };
            self.report(value, message, format!("write {}", level_names()));
        }
        level
    }

    /// The keys that stand more than once in a mapping, the first of them as well: nobody knows which of
    /// them is meant.
    fn doubled(&mut self, mapping: NodeRef<'_>) -> Vec<u32> {
        let mut first: std::collections::HashMap<&str, NodeRef<'_>> = std::collections::HashMap::new();
        let mut doubled = Vec::new();
        for (key, _) in mapping.entries() {
            let Some(text) = key.text() else { continue };
            match first.get(text) {
                None => drop(first.insert(text, key)),
                Some(before) => {
                    let message = format!("`{}` stands here twice, first in line {}", shown(text), before.line());
                    doubled.extend([before.id(), key.id()]);
                    self.report(key, message, "remove one of the two; until then neither counts");
                }
            }
        }
        doubled
    }

    fn report(&mut self, node: NodeRef<'_>, message: impl Into<String>, mend: impl Into<String>) {
        self.report_at(Severity::Error, node.place(self.path), message, mend);
    }

    fn report_at(&mut self, severity: Severity, place: Place, message: impl Into<String>, mend: impl Into<String>) {
        self.file.problems.push(Problem::new(Rule::LintFile, severity, place, message, mend));
    }
}

/// How to mend the name of a rule that is none.
#[must_use]
pub fn meant_rule(text: &str) -> String {
    match nearest(text, Rule::ALL.iter(), |rule| rule.name()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "`landwaiter lint --rules` lists them".to_owned(),
    }
}

/// `off`, `hint`, `warning` or `error`.
#[must_use]
pub fn level_names() -> String {
    let names: Vec<String> = Level::ALL.iter().map(|(name, _)| format!("`{name}`")).collect();
    let (last, others) = names.split_last().map_or(("", &[][..]), |(last, others)| (last.as_str(), others));
    format!("{} or {last}", others.join(", "))
}

#[cfg(test)]
mod tests {
    use super::{LintFile, read_lint_file};
    use crate::manifest::{Place, Problem, Rule, Severity};
    use crate::path::RepoPath;

    fn read(text: &str) -> LintFile {
        read_lint_file(&RepoPath::parse("l.yaml").unwrap(), text.as_bytes())
    }

    /// What becomes of a warning of `unquoted-value` and of one of `unknown-key` in these files.
    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let file = read(text);
        assert_eq!(file.problems, [], "{text}");
        check_levels(&file, text, expected);
    }

    #[track_caller]
    fn check_levels(file: &LintFile, text: &str, expected: &[(&str, &str)]) {
        for (path, levels) in expected {
            let path = RepoPath::parse(path).unwrap();
            let level = |rule| {
                let place = Place { file: path.clone(), line: 1, column: 1 };
                let problem = Problem::new(rule, Severity::Warning, place, "", "");
                file.switches.severity(&problem, &path).map_or("off", Severity::as_str)
            };
            let found = [Rule::UnquotedValue, Rule::UnknownKey].map(level).join(" ");
            assert_eq!(found, *levels, "{path}: {text}");
        }
    }

    #[track_caller]
    fn wrong(text: &str, expected: &[&str]) -> LintFile {
        let file = read(text);
        let problems: Vec<_> = file.problems.iter().map(ToString::to_string).collect();
        assert_eq!(problems, expected, "{text}");
        assert!(file.problems.iter().all(|problem| problem.rule == Rule::LintFile));
        file
    }

    #[test]
    fn the_last_line_that_covers_a_path_counts() {
        check("", &[("a.yaml", "warning warning")]);
        check("# nothing\n", &[("a.yaml", "warning warning")]);
        check(".:\n  unquoted-value: off\n", &[("a.yaml", "off warning"), ("a/b.yaml", "off warning")]);
        let text = ".: {unquoted-value: error, unknown-key: hint}\napps/: {unquoted-value: 'off'}\n'**/x.yaml':\n  unquoted-value: hint\n";
        check(
            text,
            &[
                ("a.yaml", "error hint"),
                ("apps/a.yaml", "off hint"),
                ("apps/x.yaml", "hint hint"),
                ("x.yaml", "hint hint"),
            ],
        );
        assert_eq!(read(text).named.len(), 1);
        check("a: &a {unquoted-value: off}\nb: *a\n", &[("a/x", "off warning"), ("b/x", "off warning")]);
    }

    #[test]
    fn a_mistake_is_told_and_switches_nothing() {
        let none = [("a/x.yaml", "warning warning")];
        for (text, expected) in [
            (
                "a:\n  unquoted-valeu: off\n",
                "l.yaml:2:3: error: there is no rule `unquoted-valeu`; did you mean `unquoted-value`?",
            ),
            (
                "a:\n  nonsense: off\n",
                "l.yaml:2:3: error: there is no rule `nonsense`; `landwaiter lint --rules` lists them",
            ),
            (
                "a:\n  unquoted-value: of\n",
                "l.yaml:2:19: error: `of` is no level; write `off`, `hint`, `warning` or `error`",
            ),
            (
                "a:\n  unquoted-value:\n",
                "l.yaml:2:3: error: a level is wanted here; write `off`, `hint`, `warning` or `error`",
            ),
            (
                "unquoted-value: off\n",
                "l.yaml:1:1: error: `unquoted-value` is a rule, and a path is wanted here; write `.:` above it for the whole repository, and indent it",
            ),
            ("a: off\n", "l.yaml:1:1: error: `a` switches nothing; write `rule: level` below it"),
            (
                "/a: {unquoted-value: off}\n",
                "l.yaml:1:1: error: `/a` begins with `/`; paths begin at the top of the repository: write `a`",
            ),
            ("- a\n", "l.yaml:1:1: error: this is no mapping of paths; write a path, and below it `rule: level`"),
            (
                "a: {unquoted-value: off}\n---\nb: {}\n",
                "l.yaml:3:1: error: the file holds several documents, and none is read; leave one of them",
            ),
            (
                "a: {lint-file: off}\n",
                "l.yaml:1:5: error: `lint-file` is not switched in this file, which could hide its own mistakes; mend what is wrong in this file, or use `--rule lint-file=…` for one run",
            ),
        ] {
            check_levels(&wrong(text, &[expected]), text, &none);
        }
        let text = "a: {unquoted-value: off}\nb: {unquoted-value: off}\na: {unknown-key: off}\n";
        let told = "l.yaml:3:1: error: `a` stands here twice, first in line 1; remove one of the two; until then neither counts";
        check_levels(&wrong(text, &[told]), text, &[("a/x", "warning warning"), ("b/x", "off warning")]);
        let text = "a: {unquoted-value: off, unknown-key: off, unquoted-value: hint}\n";
        let told = "l.yaml:1:44: error: `unquoted-value` stands here twice, first in line 1; remove one of the two; until then neither counts";
        check_levels(&wrong(text, &[told]), text, &[("a/x", "warning off")]);
    }

    #[test]
    fn a_file_that_cannot_be_read_switches_nothing() {
        let file = read("*.yaml: {unquoted-value: off}\n");
        let told = file.problems[0].to_string();
        assert!(
            told.starts_with("l.yaml:1:") && told.ends_with("a path that begins with `*` is written in quotes"),
            "{told}"
        );
        let bytes = read_lint_file(&RepoPath::parse("l.yaml").unwrap(), b"\xff");
        assert_eq!(bytes.problems[0].message, "the file is not UTF-8 text");
    }
}

//! Which rules are switched, and where that is said: in `.landwaiter/lint.yaml` and by `--rule`.

use std::fs;

use crate::cli::checkout::Around;
use crate::manifest::{
    LINT_FILES, Level, LintFile, Place, Problem, Rule, Severity, Switches, level_names, meant_rule, nothing_there,
    read_lint_file, second_file,
};
use crate::path::RepoPath;
use crate::policy::PathGlob;

/// `--rule NAME=LEVEL`.
#[derive(Debug, Clone, Copy)]
pub(super) struct RuleLevel {
    rule: Rule,
    level: Level,
}

impl std::str::FromStr for RuleLevel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, level) = text.split_once('=').ok_or("expected NAME=LEVEL")?;
        let rule = Rule::named(name).ok_or_else(|| format!("there is no rule `{name}`; {}", meant_rule(name)))?;
        let level = Level::named(level).ok_or_else(|| format!("`{level}` is no level; write {}", level_names()))?;
        Ok(Self { rule, level })
    }
}

/// The switches of the config repository, and what is wrong with them. A symbolic link is not followed.
pub(super) fn read(around: &Around) -> (Switches, Vec<Problem>) {
    let mut found = LINT_FILES.iter().filter_map(|name| {
        let metadata = fs::symlink_metadata(around.root.join(name)).ok()?;
        Some((RepoPath::parse(name).ok()?, metadata.is_file()))
    });
    let Some((path, is_file)) = found.next() else { return (Switches::default(), Vec::new()) };
    let LintFile { switches, named, mut problems } = if is_file {
        match fs::read(around.root.join(path.as_str())) {
            Ok(bytes) => read_lint_file(&path, &bytes),
            Err(error) => unread(&path, format!("this cannot be read: {error}"), "check its permissions"),
        }
    } else {
        unread(&path, "this is no file, and is not followed".to_owned(), "write a file in its place")
    };
    problems.extend(found.map(|(second, _)| second_file(&second, &path)));
    let is_there = |path: &RepoPath| fs::symlink_metadata(around.root.join(path.as_str())).is_ok();
    let missing = named.into_iter().filter(|(path, _)| !is_there(path));
    problems.extend(missing.map(|(path, place)| nothing_there(&path, place)));
    (switches, problems)
}

/// A file that says nothing, since nobody can read it.
fn unread(path: &RepoPath, message: String, mend: &str) -> LintFile {
    let place = Place { file: path.clone(), line: 1, column: 1 };
    let problem = Problem::new(Rule::LintFile, Severity::Error, place, message, mend);
    LintFile { problems: vec![problem], ..LintFile::default() }
}

/// The problems as bad as they are switched to be, without those that are switched off.
pub(super) fn switched(
    problems: &[Problem],
    mut switches: Switches,
    last: &[RuleLevel],
    around: &Around,
) -> Vec<Problem> {
    let last = last.iter().map(|RuleLevel { rule, level }| (*rule, *level)).collect();
    switches.add(PathGlob::everything(), last);
    let switch = |problem: &Problem| {
        let severity = switches.severity(problem, &around.whole_path(&problem.place.file))?;
        Some(Problem { severity, ..problem.clone() })
    };
    problems.iter().filter_map(switch).collect()
}

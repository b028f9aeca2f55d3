//! What Argo CD Image Updater is told, followed in the files that applications deploy.

mod bounds;
mod charts;
mod choice;
mod kustomize;
mod plain;
mod updaters;

use std::fmt::Write as _;

use super::{plan_of, survey, write};
use crate::manifest::Scope;
use crate::plan::{Inventory, Verdict};

const TAGS: &str = "\
ghcr.io/shop/web: 1.0.0 1.2.0 1.3.1 2.0.0
ghcr.io/shop/worker: 1.0.0 1.1.0
nginx: 1.16.0 1.16.1 1.17.10
bitnami/nginx: 1.27.1 1.27.5
x: 1.0 1.1 2.0";

/// A small repository: each file begins with a line `=== path`.
fn files(text: &str) -> Vec<(&str, &str)> {
    text.split("=== ").skip(1).map(|file| file.split_once('\n').unwrap()).collect()
}

/// What comes of a repository: `file:line workload container tag` or `… hold`, then the problems as
/// `! file:line:column: severity: text`; and the files that change.
fn outcome(repository: &str) -> (Vec<String>, Vec<(String, String)>) {
    let files = files(repository);
    let inventory = survey(&files, Scope::Annotated);
    told(&inventory, &files)
}

fn told(inventory: &Inventory, files: &[(&str, &str)]) -> (Vec<String>, Vec<(String, String)>) {
    let mut plan = plan_of(inventory, TAGS);
    write(&mut plan, files);
    let shown = |entry: &crate::plan::Entry| {
        let verdict = match &entry.verdict {
            Verdict::Update(update) => update.to.to_string(),
            Verdict::Hold(hold) => hold.name().to_owned(),
        };
        format!("{}:{} {} {} {verdict}", entry.place.file, entry.place.line, entry.workload, entry.container)
    };
    let mut told: Vec<String> = plan.entries.iter().map(shown).collect();
    told.extend(inventory.problems().iter().chain(&inventory.advice()).map(|problem| format!("! {problem}")));
    let changes =
        plan.changes.iter().map(|change| (change.path.to_string(), String::from_utf8(change.after.clone()).unwrap()));
    (told, changes.collect())
}

/// What is told of a repository, and what changes in it: `was` becomes `is`, once each, in the order of the
/// files. Problems may be cut short in `expected`.
#[track_caller]
fn check(repository: &str, expected: &[&str], changes: &[(&str, &str)]) {
    let (told, written) = outcome(repository);
    let is_same = |(told, expected): (&String, &&str)| {
        if expected.starts_with('!') { told.starts_with(expected) } else { told == expected }
    };
    assert!(told.len() == expected.len() && told.iter().zip(expected).all(is_same), "{told:#?}\n{expected:#?}");
    let mut after = repository.to_owned();
    for (was, is) in changes {
        assert!(after.contains(was), "{was:?}");
        after = after.replacen(was, is, 1);
    }
    let mut before = repository.to_owned();
    for (path, text) in written {
        let (_, old) = files(repository).into_iter().find(|(file, _)| *file == path).unwrap();
        before = before.replacen(&format!("=== {path}\n{old}"), &format!("=== {path}\n{text}"), 1);
    }
    assert_eq!(before, after);
}

/// An application with these annotations, without the prefix, and this specification.
fn app(name: &str, annotations: &[(&str, &str)], spec: &str) -> String {
    let mut text = format!(
        "=== apps/{name}.yaml\napiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: {name}\n  namespace: argocd\n  annotations:\n"
    );
    for (key, value) in annotations {
        writeln!(text, "    argocd-image-updater.argoproj.io/{key}: \"{value}\"").unwrap();
    }
    text + &format!("spec:\n{spec}")
}

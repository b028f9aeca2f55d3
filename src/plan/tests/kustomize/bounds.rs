//! Kustomizations at their bounds: links that lead nowhere, circles, too much of everything, files that
//! are not ours to change, and files that did not change.

use std::fmt::Write as _;

use super::super::{ON, Texts, pod, texts};
use super::{base, check, files, outcome, told};
use crate::manifest::Scope;
use crate::path::RepoPath;
use crate::plan::{Inventory, Memory};

#[test]
fn links_that_lead_nowhere_are_told_and_the_rest_goes_on() {
    let link = |link: &str| {
        format!(
            "{}=== k/kustomization.yaml\nresources:\n- {link}\n- ../base\nimages:\n- {{name: x, newTag: '1.0'}}\n",
            base("x:0.1")
        )
    };
    let rest = ["base/web.yaml:6 c elsewhere", "k/kustomization.yaml:5 c 1.1"];
    check(&link("https://example.com/x.yaml"), &rest);
    for (written, problem) in [
        ("../missing", "`../missing` leads to nothing"),
        ("missing.yaml", "`missing.yaml` leads to nothing"),
        ("../../etc", "`../../etc` leads out of the repository"),
        ("/etc/passwd", "`/etc/passwd` leads out of the repository"),
    ] {
        check(&link(written), &[rest[0], rest[1], &format!("! warning k/kustomization.yaml:2 {problem}")]);
    }
}

#[test]
fn a_circle_is_told_and_the_rest_goes_on() {
    let repository = base("x:0.1")
        + "\
=== a/kustomization.yaml
resources: [../b, ../base]
images:
- {name: x, newTag: '1.0'}
=== b/kustomization.yaml
resources: [../a]
=== c/kustomization.yaml
resources: [../c]
=== k/kustomization.yaml
resources: [../base]
images:
- {name: x, newTag: '1.0'}
";
    check(
        &repository,
        &[
            "base/web.yaml:6 c elsewhere",
            "k/kustomization.yaml:3 c 1.1",
            "! warning b/kustomization.yaml:1 `../a` leads back here",
            "! warning c/kustomization.yaml:1 `../c` leads back here",
        ],
    );
}

#[test]
fn a_few_lines_cannot_ask_for_the_work_of_years() {
    let mut repository = base("x:0.1").replace("base/", "k0/");
    for level in 1..40 {
        let below = level - 1;
        writeln!(repository, "=== k{level}/kustomization.yaml\nresources: [../k{below}, ../k{below}]\nimages: [{{name: x, newTag: '1.0'}}]").unwrap();
    }
    let (told, changes) = outcome(&repository);
    assert!(told.len() == 2 && told[1].contains("too many containers"), "{told:#?}");
    assert!(changes.iter().all(|(path, _)| path == "k0/web.yaml"));
    // Deep is nothing special.
    let mut deep = base("x:0.1").replace("base/", "k0/");
    for level in 1..2000 {
        let below = level - 1;
        let images = "images: [{name: x, newTag: '1.0'}]";
        writeln!(deep, "=== k{level}/kustomization.yaml\nresources: [../k{below}]\n{images}").unwrap();
    }
    let (_, changes) = outcome(&deep);
    assert_eq!(changes.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), ["k1999/kustomization.yaml"]);
}

/// Surveys `looked_in` out of all files.
fn survey_part(repository: &str, looked_in: &str) -> (Vec<String>, Vec<(String, String)>) {
    let files = files(repository);
    let all = texts(&files);
    let part: Vec<_> =
        all.files.iter().filter(|(path, _)| path.is_within(&RepoPath::parse(looked_in).unwrap())).cloned().collect();
    told(&Inventory::survey(&part, &all, Scope::Annotated, &mut Memory::default()).unwrap(), &files)
}

#[test]
fn files_outside_the_paths_are_read_and_never_changed() {
    let overlay = "=== k/kustomization.yaml\nresources: [../base]\nimages:\n- {name: x, newTag: '1.0'}\n";
    let (told, changes) = survey_part(&(base("x:0.1") + overlay), "k");
    assert_eq!(told, ["k/kustomization.yaml:3 c 1.1"]);
    assert_eq!(changes.len(), 1);
    let silent = format!(
        "{}{overlay}=== base/other.yaml\n{}",
        base("x:0.1").replace("[web.yaml]", "[web.yaml, other.yaml]"),
        pod("o", "", &[("o", "x:2")])
    );
    let (told, _) = survey_part(&silent, "k");
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[1].contains("disagree"), "{told:?}");
    let entry_outside = format!(
        "=== base/kustomization.yaml\nimages: [{{name: x, newTag: '1.0'}}]\nresources: [web.yaml]\n=== base/web.yaml\n{}=== k/kustomization.yaml\nresources: [../base]\n",
        pod("web", ON, &[("c", "x:0.1")])
    );
    let (told, changes) = survey_part(&entry_outside, "k");
    assert_eq!(changes, []);
    assert_eq!(told[0], "base/kustomization.yaml:1 c mistake");
    assert!(told[1].contains("outside the paths to look in"), "{told:?}");
}

#[test]
fn a_second_survey_reads_what_differs() {
    let overlay = "=== k/kustomization.yaml\nresources: [../base, silent.yaml]\nimages:\n- {name: x, newTag: '1.0'}\n";
    let silent = pod("silent", "", &[("s", "y:1")]);
    let repository = format!("{}{overlay}=== k/silent.yaml\n{silent}", base("x:0.1"));
    let mut all = texts(&files(&repository));
    let mut memory = Memory::default();
    let mut survey = |all: &Texts| {
        let part: Vec<_> = all.files.iter().filter(|(path, _)| path.as_str().starts_with("k/")).cloned().collect();
        let inventory = Inventory::survey(&part, all, Scope::Annotated, &mut memory).unwrap();
        assert!(inventory.workloads().any(|workload| workload.place.file.as_str() == "k/kustomization.yaml"));
        all.read.take().len()
    };
    // Two in the folder, the silent one once more to know what it holds, and two in the base.
    assert_eq!(survey(&all), 5);
    assert_eq!(survey(&all), 0);
    all.files[1].1 = all.files[1].1.replace("x:0.1", "x:0.2");
    assert_eq!(survey(&all), 1);
    assert_eq!(survey(&all), 0);
}

//! Images that stand in other files than the words about them: who may change them, and who may not.

use super::{Inventory, Memory, Scope, plan_of, survey, texts, verdicts};
use crate::path::RepoPath;

const CHART: (&str, &str) = ("charts/web/Chart.yaml", "name: web\n");
const VALUES: (&str, &str) = ("charts/web/values.yaml", "image: {repository: x, tag: '1.0'}\n");

/// An application of the chart that follows this.
fn app(name: &str, words: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: {name}, annotations: {{{words}}}}}\nspec: {{source: {{path: charts/web, helm: {{}}}}}}\n"
    )
}

const ON: &str = "landwaiter/automated: 'true', landwaiter/tag-semver: '1'";

/// What becomes of the image of the chart, and what is told.
#[track_caller]
fn check(files: &[(&str, &str)], expected: &[&str], told: &[&str]) {
    let mut files = files.to_vec();
    files.extend([CHART, VALUES]);
    let inventory = survey(&files, Scope::Annotated);
    let plan = plan_of(&inventory, "x: 1.0 1.1 2.0");
    assert_eq!(verdicts(&plan), expected);
    let problems: Vec<String> = inventory.problems().iter().map(ToString::to_string).collect();
    assert_eq!(problems.len(), told.len(), "{problems:#?}");
    for (problem, told) in problems.iter().zip(told) {
        assert!(problem.contains(told), "{problem:?} should say {told:?}");
    }
}

#[test]
fn owners_of_one_values_file_agree_or_nothing_changes() {
    let (one, two) = (app("one", ON), app("two", ON));
    let other = app("other", "landwaiter/automated: 'true', landwaiter/tag-semver: '2'");
    let sidecar = ("charts/web/.landwaiter.yaml", "values.yaml: {automated: true, tag-semver: '1'}\n");
    let told = "charts/web/values.yaml:1:29: error: two owners of this image disagree";
    check(&[("a.yaml", &one)], &["chart-image 1.1"], &[]);
    check(&[("a.yaml", &one), ("b.yaml", &two)], &["chart-image 1.1", "chart-image 1.1"], &[]);
    check(&[("a.yaml", &one), sidecar], &["chart-image 1.1", "chart-image 1.1"], &[]);
    check(&[("a.yaml", &one), ("b.yaml", &other)], &["chart-image mistake", "chart-image mistake"], &[told]);
    check(&[("a.yaml", &other), sidecar], &["chart-image mistake", "chart-image mistake"], &[told]);
    let off = app("off", "landwaiter/automated: 'false'");
    check(&[("a.yaml", &one), ("b.yaml", &off)], &["chart-image mistake"], &[told]);
    let (locked, silent) = (app("locked", &format!("{ON}, landwaiter/locked: 'true'")), app("silent", ""));
    check(&[("a.yaml", &one), ("b.yaml", &locked)], &["chart-image mistake", "chart-image locked"], &[told]);
    check(
        &[("a.yaml", &one), ("b.yaml", &silent)],
        &["chart-image mistake"],
        &[
            "charts/web/values.yaml:1:29: warning: `chart-image` of -/Application/one (a.yaml:1) would change for -/Application/silent (b.yaml:1) too, which reads this file and says nothing of it; annotate both alike, or give each of them a values file of its own",
        ],
    );
}

#[test]
fn a_silent_reader_of_a_shared_file_is_asked_what_it_runs() {
    let one = app("one", ON);
    let silent = |helm: &str| app("silent", "").replace("helm: {}", helm);
    let told = "charts/web/values.yaml:1:29: warning: `chart-image` of -/Application/one (a.yaml:1) would change for";
    let follows = |silent: &str, more: &[(&str, &str)]| {
        let mut files = vec![("a.yaml", one.as_str()), ("b.yaml", silent)];
        files.extend(more);
        check(&files, &["chart-image 1.1"], &[]);
    };
    let holds = |silent: &str, more: &[(&str, &str)]| {
        let mut files = vec![("a.yaml", one.as_str()), ("b.yaml", silent)];
        files.extend(more);
        check(&files, &["chart-image mistake"], &[told]);
    };
    holds(&silent("helm: {parameters: [{name: replicas, value: '2'}]}"), &[]);
    follows(&silent("helm: {parameters: [{name: image.tag, value: '1.0'}]}"), &[]);
    follows(&silent("helm: {valuesObject: {image: {tag: '1.0'}}}"), &[]);
    holds(&silent("helm: {valuesObject: {image: {pullPolicy: Always}}}"), &[]);
    let own = ("charts/web/own.yaml", "image: {tag: '1.0'}\n");
    follows(&silent("helm: {valueFiles: [own.yaml]}"), &[own]);
    holds(&silent("helm: {valueFiles: [own.yaml]}"), &[("charts/web/own.yaml", "replicas: 2\n")]);
    // The file that is written is the only one that matters.
    let elsewhere = one.replace("helm: {}", "helm: {valueFiles: [own.yaml]}");
    check(&[("a.yaml", &elsewhere), ("b.yaml", &silent("helm: {}")), own], &["chart-image 1.1"], &[]);
    let release = |values: &str| {
        format!(
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {{name: r}}\nspec:\n  chart: {{spec: {{chart: ./charts/web, valuesFiles: [charts/web/values.yaml], sourceRef: {{kind: GitRepository}}}}}}\n  values: {{{values}}}\n"
        )
    };
    holds(&release("a: 1"), &[]);
    follows(&release("image: {tag: '1.0'}"), &[]);
    // A chart that nobody names is nobody's.
    follows(&release("a: 1").replace("valuesFiles: [charts/web/values.yaml], ", ""), &[]);
}

#[test]
fn a_shared_file_is_asked_about_once() {
    let (one, silent) = (app("one", ON), app("silent", ""));
    let files = [("a.yaml", one.as_str()), ("b.yaml", silent.as_str()), CHART, VALUES];
    let mut memory = Memory::default();
    let mut read = |files: &[(&str, &str)]| {
        let texts = texts(files);
        Inventory::survey(&texts.files, &texts, Scope::Annotated, &mut memory).unwrap();
        texts.read.take().len()
    };
    // Four files, the first again with what it needs, and the second for what it runs.
    assert_eq!(read(&files), 8);
    assert_eq!(read(&files), 0);
    let other = VALUES.1.replace("1.0", "1.1");
    assert!(read(&[files[0], files[1], CHART, (VALUES.0, &other)]) > 1);
}

#[test]
fn many_silent_readers_of_one_file_are_not_all_asked() {
    let mut files = vec![("a.yaml".to_owned(), app("one", ON))];
    let own = app("other", "").replace("helm: {}", "helm: {parameters: [{name: image.tag, value: '1'}]}");
    files.extend((0..2000).map(|number| (format!("b{number}.yaml"), own.clone())));
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let told = "charts/web/values.yaml:1:29: warning: `chart-image` of -/Application/one (a.yaml:1) would change for";
    check(&files, &["chart-image mistake"], &[told]);
    check(&files[..101], &["chart-image 1.1"], &[]);
}

#[test]
fn both_write_the_file_once() {
    let (one, two) = (app("one", ON), app("two", ON));
    let files = [("a.yaml", one.as_str()), ("b.yaml", two.as_str()), CHART, VALUES];
    let inventory = survey(&files, Scope::Annotated);
    let mut plan = plan_of(&inventory, "x: 1.0 1.1");
    plan.page(&RepoPath::parse(VALUES.0).unwrap(), VALUES.1.as_bytes().to_vec()).write();
    assert_eq!(plan.changes.len(), 1);
    assert_eq!(plan.changes[0].after, VALUES.1.replace("1.0", "1.1").as_bytes());
}

#[test]
fn what_lies_outside_of_the_given_paths_is_named_and_not_changed() {
    let (on, off) = (app("on", ON), app("off", "landwaiter/automated: 'false'"));
    let check = |app: &str, surveyed: &[&str], expected: &[&str], told: &[&str]| {
        let all = texts(&[("apps/a.yaml", app), CHART, VALUES]);
        let files: Vec<_> = all.files.iter().filter(|(path, _)| surveyed.contains(&path.as_str())).cloned().collect();
        let inventory = Inventory::survey(&files, &all, Scope::Annotated, &mut Memory::default()).unwrap();
        let plan = plan_of(&inventory, "x: 1.0 1.1");
        assert_eq!(verdicts(&plan), expected);
        let problems: Vec<String> = inventory.problems().iter().map(ToString::to_string).collect();
        assert_eq!(problems, told);
    };
    let outside = "charts/web/values.yaml:1:29: warning: the image of `chart-image` in -/Application/on stands in charts/web/values.yaml, which lies outside of the paths that Landwaiter was given; add its folder with --git-path";
    check(&on, &["apps/a.yaml", "charts/web/values.yaml"], &["chart-image 1.1"], &[]);
    check(&on, &["apps/a.yaml"], &["chart-image mistake"], &[outside]);
    check(&off, &["apps/a.yaml"], &[], &[]);
    // A file may be read there, as long as nothing is changed in it.
    let own = on.replace("helm: {}", "helm: {parameters: [{name: image.tag, value: '1.0'}]}");
    check(&own, &["apps/a.yaml"], &["chart-image 1.1"], &[]);
}

#[test]
fn a_file_that_is_no_manifest_by_name_is_not_changed() {
    let on = app("on", ON).replace("helm: {}", "helm: {valueFiles: [web.values]}");
    let files = texts(&[("a.yaml", &on), CHART, ("charts/web/web.values", VALUES.1)]);
    let inventory = Inventory::survey(&files.files, &files, Scope::Annotated, &mut Memory::default()).unwrap();
    let plan = plan_of(&inventory, "x: 1.0 1.1");
    assert_eq!(verdicts(&plan), ["chart-image mistake"]);
    assert!(inventory.problems()[0].message.ends_with("which is not named like a manifest"));
}

#[test]
fn a_link_is_read_again_when_the_file_behind_it_changes() {
    let on = app("on", ON);
    let mut memory = Memory::default();
    let mut draw = |values: &str| {
        let files = texts(&[("a.yaml", &on), CHART, ("charts/web/values.yaml", values)]);
        let inventory = Inventory::survey(&files.files, &files, Scope::Annotated, &mut memory).unwrap();
        verdicts(&plan_of(&inventory, "x: 1.0 1.1 1.2\nz: 1.5"))
    };
    assert_eq!(draw(VALUES.1), ["chart-image 1.2"]);
    assert_eq!(draw(VALUES.1), ["chart-image 1.2"]);
    assert_eq!(draw(&VALUES.1.replace("x,", "z,")), ["chart-image 1.5"]);
    assert_eq!(draw("a: ["), [""; 0]);
}

//! Places that cannot be read, and what they hide: nothing is followed that they could replace.

use super::{CHART, HELM, app, containers, files, images, problem, problems, read};
use crate::manifest::{Automation, Obstacle};

/// What hides the chart's own values: nothing is followed, and nothing else is told.
#[track_caller]
fn check_hidden(helm: &str, others: &[(&str, &str)], said: &[&str]) {
    let chart = ("charts/web/values.yaml", "image: {repository: q.io/web, tag: v0}\ndb: {image: 'd:v0'}\n");
    let mut all = vec![CHART, chart];
    all.extend(others);
    let hint = "6:47: hint: `landwaiter/tag.db` speaks about `db`, which has no image in this file";
    let mut manifest = read(&files(&app("landwaiter/tag.db: 'v*'", &format!("{HELM}{helm}")), &all));
    manifest.problems.sort_by_key(|problem| problem.message.contains("which has no image"));
    assert_eq!(images(&manifest), [""; 0], "{helm}");
    let problems = problems(&manifest);
    assert_eq!(problems.len(), said.len() + 1, "{problems:#?}");
    for (told, said) in problems.iter().zip(said.iter().chain([&hint])) {
        assert!(said.split(" … ").all(|part| told.contains(part)), "{told:?} should say {said:?}");
    }
    assert!(matches!(manifest.workloads[0].automation, Automation::On), "the others go on");
}

#[test]
fn what_cannot_be_read_hides_what_it_could_replace() {
    check_hidden(
        "    values: |\n      a: [\n",
        &[],
        &["web.yaml:14:9: error: the values in this block cannot be read"],
    );
    check_hidden("    values: |\n      a: {{ .x }}\n", &[], &["13:12: error: … `{{` outside quotes … template"]);
    check_hidden(
        "    values: |\n      a: 1\n      b: {c: 1, c: 2}\n",
        &[],
        &["14:19: error: the key `c` stands here twice"],
    );
    check_hidden("    values: 'image: {tag: v0}'\n", &[], &["12:15: warning: these values are no block"]);
    check_hidden("    values: >\n      image: {tag: v0}\n", &[], &["13:9: warning: these values are no block"]);
    check_hidden("    values: |\n      - a\n", &[], &[]);
    check_hidden(
        "    fileParameters: [{name: image.tag, path: x}]\n",
        &[],
        &["12:31: warning: the parameter `image.tag` is the content of a file"],
    );
    check_hidden(
        "    valueFiles: [../../../x.yaml]\n",
        &[],
        &["12:20: error: `../../../x.yaml` is no file in this repository"],
    );
    check_hidden("    valueFiles: ['{{ .env }}.yaml']\n", &[], &["12:20: warning: which file `{{ .env }}.yaml` is"]);
    check_hidden("    valueFiles: [a.yaml]\n", &[("charts/web/a.yaml", "a: [")], &[]);
    check_hidden("    valueFiles: [a.yaml]\n", &[("charts/web/a.yaml", "a: {{ x }}")], &[]);
    check_hidden(
        "    valueFiles: [a.yaml]\n",
        &[("charts/web/a.yaml", "a: 1\n---\nb: 1\n")],
        &["a.yaml:3:1: warning: the file holds several documents"],
    );
    check_hidden(
        "    valueFiles: [a.yaml]\n",
        &[("charts/web/a.yaml", "- a\n")],
        &["a.yaml:1:1: warning: the file holds no mapping"],
    );
    check_hidden(
        "    valueFiles: [a.yaml]\n",
        &[("charts/web/a.yaml", "a: 1\na: 2\n")],
        &["a.yaml:2:1: error: the key `a` stands here twice"],
    );
    check_hidden("    z: 1\n", &[("charts/web/.argocd-source.yaml", "a: [")], &[]);
    check_hidden(
        "    parameters: &a [{name: image.tag, value: v0}]\n    valuesObject: {x: *a}\n    fileParameters: *a\n",
        &[],
        &["14:23: warning: … behind an alias"],
    );
    check_hidden("    <<: {parameters: []}\n", &[], &["12:11: warning: … behind an alias"]);
}

#[test]
fn what_counts_more_than_the_unreadable_is_followed() {
    let parameters = "    parameters: [{name: image.repository, value: q.io/web}, {name: image.tag, value: v1.0}]\n";
    let chart = ("charts/web/values.yaml", "db: {image: 'd:v0'}\n");
    let text = app("", &format!("{HELM}{parameters}    values: |\n      a: [\n"));
    let (expected, said) = (["chart-image q.io/web:v1.0@apps/web.yaml:12"], ["cannot be read"]);
    problem(&text, &[chart], &expected, &said);
    // The repository may be replaced: then the tag is one of something else.
    let text = text.replace("{name: image.repository, value: q.io/web}, ", "");
    let chart = ("charts/web/values.yaml", "image: {repository: q.io/web}\n");
    problem(&text, &[chart], &[], &said);
}

#[test]
fn values_behind_merges_and_lists_hide_what_is_below() {
    let chart = (
        "charts/web/values.yaml",
        "image: {repository: q.io/web, tag: v0}\nlist: [{image: {repository: l, tag: v0}}]\n",
    );
    let check = |values: &str, words: &str, said: &[&str]| {
        problem(&app(words, &format!("{HELM}    valuesObject:\n{values}")), &[chart], &[], said);
    };
    check("      a: &a {image: {tag: v0}}\n      <<: *a\n", "", &["14:13: warning: … behind an alias"]);
    check("      a: &a {tag: v0}\n      image: *a\n", "", &["14:16: warning: … behind an alias"]);
    check("      a: &a {tag: v0}\n      image: {<<: *a}\n", "", &["14:21: warning: … behind an alias"]);
    check("      image: 7\n", "", &["6:17: warning: … shows no image"]);
    let list = "landwaiter/image.l: 'list[0]'";
    problem(
        &app(list, &format!("{HELM}    valuesObject: {{list: [{{x: 1}}]}}\n")),
        &[chart],
        &["chart-image q.io/web:v0@charts/web/values.yaml:1"],
        &["6:67: error: `landwaiter/image.l` leads to no image"],
    );
}

#[test]
fn files_that_are_missing_are_told_where_the_chart_is_here() {
    let text = |files: &str| app("", &format!("{HELM}    valueFiles: {files}\n"));
    let chart = ("charts/web/values.yaml", "image: {repository: q.io/web, tag: v1.0}\n");
    let found = ["chart-image q.io/web:v1.0@charts/web/values.yaml:1"];
    problem(
        &text("[prod.yaml]"),
        &[CHART, chart],
        &found,
        &["12:20: warning: there is no file `charts/web/prod.yaml`"],
    );
    problem(&text("[prod.yaml]\n    ignoreMissingValueFiles: true"), &[CHART, chart], &found, &[]);
    problem(&text("[prod.yaml, /x.yaml]"), &[], &[], &["6:17: warning: … shows no image"]);
    let out = app("", "source: {path: ../x}\n");
    problem(
        &out,
        &[],
        &[],
        &["6:17: warning: … shows no image", "8:18: error: `../x` is no folder in this repository"],
    );
}

#[test]
fn encrypted_values_are_never_changed() {
    let text = app("", &format!("{HELM}    valueFiles: [secret.yaml]\n"));
    let manifest = read(&files(
        &text,
        &[("charts/web/secret.yaml", "image: {repository: q.io/web, tag: v1.0}\nsops: {mac: x}\n")],
    ));
    let refusal = containers(&manifest).next().unwrap().image.refusal().unwrap();
    assert_eq!(*refusal.obstacle(), Obstacle::Sealed);
    assert_eq!(refusal.place().file.as_str(), "charts/web/secret.yaml");
}

//! Releases of every API, and the values files that they name.

use std::collections::BTreeMap;

use crate::image::Tag;
use crate::manifest::{Document, Library, Manifest, Obstacle, Terms, read_with};
use crate::path::RepoPath;

/// Reads `release.yaml` with those of these files that it needs.
fn read(release: &str, files: &[(&str, &str)]) -> Manifest {
    let path = RepoPath::parse("apps/release.yaml").unwrap();
    let terms = Terms::default();
    let files: BTreeMap<&str, &str> = files.iter().copied().collect();
    let needs = read_with(&path, release.as_bytes(), &terms, &Library::default()).needs;
    let mut library = Library::default();
    for need in needs {
        if let Some(text) = files.get(need.as_str()) {
            library.insert(Document::open(&need, text.as_bytes()).unwrap());
        }
    }
    read_with(&path, release.as_bytes(), &terms, &library)
}

/// `name image@file:line`, one line each.
fn images(manifest: &Manifest) -> Vec<String> {
    let containers = manifest.workloads.iter().flat_map(|workload| &workload.containers);
    let shown = containers.map(|container| {
        let place = container.image.place();
        format!("{} {}@{}:{}", container.name, container.image.reference(), place.file, place.line)
    });
    shown.collect()
}

fn problems(manifest: &Manifest) -> Vec<String> {
    manifest.problems.iter().map(ToString::to_string).collect()
}

#[track_caller]
fn check(release: &str, files: &[(&str, &str)], expected: &[&str]) {
    let manifest = read(release, files);
    assert_eq!(images(&manifest), expected, "{release}\n{:?}", problems(&manifest));
    assert_eq!(problems(&manifest), [""; 0], "{release}");
}

#[track_caller]
fn problem(release: &str, files: &[(&str, &str)], expected: &[&str]) {
    assert_eq!(problems(&read(release, files)), expected, "{release}");
}

const ON: &str = "metadata: {annotations: {fluxcd.io/automated: 'true'}}\n";
const CHART: (&str, &str) = ("charts/web/Chart.yaml", "name: web\n");

fn toolkit(chart: &str, values: &str) -> String {
    format!(
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n{ON}spec:\n  chart:\n    spec:\n      chart: ./charts/web\n      sourceRef: {{kind: GitRepository, name: flux-system}}\n{chart}  values: {values}\n"
    )
}

fn operator(chart: &str) -> String {
    format!(
        "apiVersion: helm.fluxcd.io/v1\nkind: HelmRelease\n{ON}spec:\n  chart: {{git: 'git@x:y', ref: main, path: charts/web}}\n{chart}"
    )
}

#[test]
fn releases_of_every_api() {
    for (api, kind, found) in [
        ("helm.fluxcd.io/v1", "HelmRelease", true),
        ("helm.toolkit.fluxcd.io/v2beta1", "HelmRelease", true),
        ("flux.weave.works/v1beta1", "HelmRelease", true),
        ("helm.integrations.flux.weave.works/v1alpha2", "FluxHelmRelease", true),
        ("apps.open-cluster-management.io/v1", "HelmRelease", false),
        ("v1", "HelmRelease", false),
        ("helm.fluxcd.io/v1", "FluxHelmRelease", false),
        ("helm.fluxcd.io/v1", "HelmChart", false),
    ] {
        let text = format!("apiVersion: {api}\nkind: {kind}\nspec: {{values: {{image: 'a:1'}}}}\n");
        let expected: &[&str] = if found { &["chart-image a:1@apps/release.yaml:3"] } else { &[] };
        check(&text, &[], expected);
    }
    check("kind: HelmRelease\nspec: {values: {image: 'a:1'}}", &[], &["chart-image a:1@apps/release.yaml:2"]);
    check("kind: HelmRelease\nspec: {chart: {git: x}}", &[], &[]);
    check("kind: HelmRelease\nspec: {values: }", &[], &[]);
}

#[test]
fn the_values_that_win_are_the_ones_that_change() {
    let files = [
        CHART,
        ("charts/web/values.yaml", "image:\n  repository: q.io/web\n  tag: '1'\nredis:\n  image: r:1\n"),
        ("prod/web.yaml", "image: {tag: '2'}\nproxy:\n  image: p:1\n"),
    ];
    let chart = "      valuesFiles: [./charts/web/values.yaml, prod/web.yaml]\n";
    check(
        &toolkit(chart, "{replicas: 2}"),
        &files,
        &["chart-image q.io/web:2@prod/web.yaml:1", "proxy p:1@prod/web.yaml:3", "redis r:1@charts/web/values.yaml:5"],
    );
    check(
        &toolkit(chart, "{image: {tag: '3'}, redis: {image: 'r:2'}}"),
        &files,
        &["chart-image q.io/web:3@apps/release.yaml:10", "redis r:2@apps/release.yaml:10", "proxy p:1@prod/web.yaml:3"],
    );
    check(
        &toolkit("      valuesFiles: [prod/web.yaml]\n      valuesFile: charts/web/values.yaml\n", "{proxy: null}"),
        &files,
        &["chart-image q.io/web:2@prod/web.yaml:1", "redis r:1@charts/web/values.yaml:5"],
    );
    check(
        &toolkit("      valuesFiles: [prod/web.yaml, charts/web/values.yaml, prod/web.yaml]\n", "{proxy: off}"),
        &files,
        &["chart-image q.io/web:2@prod/web.yaml:1", "redis r:1@charts/web/values.yaml:5"],
    );
}

#[test]
fn values_files_beside_the_chart() {
    let files = [CHART, ("charts/web/env/prod.yaml", "image: web:1\n"), ("shared.yaml", "proxy: {image: 'p:1'}\n")];
    check(
        &operator(
            "  valuesFrom:\n  - chartFileRef: {path: env/prod.yaml}\n  - configMapKeyRef: {name: x}\n  - chartFileRef: {path: ../../shared.yaml}\n  - chartFileRef: {path: env/none.yaml, optional: true}\n",
        ),
        &files,
        &["chart-image web:1@charts/web/env/prod.yaml:1", "proxy p:1@shared.yaml:1"],
    );
}

#[test]
fn a_new_tag_is_written_in_the_file_that_has_it() {
    let values = "# values\nimage:\n    repository: q.io/web   # ours\n    tag: '1.2'\n";
    let files = [CHART, ("charts/web/prod.yaml", values)];
    let manifest = read(&toolkit("      valuesFiles: [charts/web/prod.yaml]\n", "{}"), &files);
    let field = &manifest.workloads[0].containers[0].image;
    let document = Document::open(&RepoPath::parse("charts/web/prod.yaml").unwrap(), values.as_bytes()).unwrap();
    let after = document.rewrite(&[(field, Tag::parse("1.3").unwrap())]);
    assert_eq!(after.refused, []);
    assert_eq!(String::from_utf8(after.bytes).unwrap(), values.replace("1.2", "1.3"));
}

#[test]
fn links_of_releases_that_nobody_annotated_are_not_followed() {
    let text = toolkit("      valuesFiles: [charts/web/values.yaml]\n", "{}").replace(ON, "");
    let manifest = read(&text, &[CHART, ("charts/web/values.yaml", "image: a:1")]);
    assert_eq!(manifest.needs, []);
    assert_eq!(images(&manifest), [""; 0]);
}

#[test]
fn a_chart_of_another_repository_has_its_values_there() {
    let files = [("charts/web/values.yaml", "image: a:1\n")];
    check(
        &toolkit("      valuesFiles: [charts/web/values.yaml, none.yaml]\n", "{image: 'b:1'}"),
        &files,
        &["chart-image b:1@apps/release.yaml:10"],
    );
    for kind in ["HelmRepository", "Bucket"] {
        let text =
            toolkit("      valuesFiles: [charts/web/values.yaml]\n", "{image: 'b:1'}").replace("GitRepository", kind);
        let manifest = read(&text, &[CHART, files[0]]);
        assert_eq!(manifest.needs, []);
        assert_eq!(images(&manifest), ["chart-image b:1@apps/release.yaml:10"]);
    }
}

#[test]
fn links_that_lead_nowhere_are_told_and_the_rest_goes_on() {
    let files = [CHART, ("a.yaml", "image: a:1\n"), ("two.yaml", "a: b\n---\nc: d\n"), ("twice.yaml", "a: b\na: c\n")];
    let chart = "      valuesFiles:\n      - ../x.yaml\n      - none.yaml\n      - two.yaml\n      - twice.yaml\n      - a.yaml\n";
    let text = toolkit(chart, "{}");
    assert_eq!(images(&read(&text, &files)), ["chart-image a:1@a.yaml:1"]);
    problem(
        &text,
        &files,
        &[
            "apps/release.yaml:10:9: warning: `../x.yaml` is no path of a file in this repository, and is not read; write the path without leaving the repository",
            "apps/release.yaml:11:9: warning: there are no values to read in `none.yaml`, so no image in it is followed; correct the path, or mend the file",
            "apps/release.yaml:12:9: warning: `two.yaml` holds several documents, and no image in it is followed; leave one document in it",
            "twice.yaml:2:1: error: the key `a` stands here twice, first in line 1; remove one of the two; until then no image in the file is followed",
        ],
    );
    problem(
        &toolkit("      ignoreMissingValuesFiles: true\n      valuesFiles: [none.yaml, a.yaml]\n", "{}"),
        &files,
        &[],
    );
    problem(
        &text.replace("./charts/web", "../web"),
        &files,
        &[
            "apps/release.yaml:3:26: warning: this HelmRelease shows no image, so there is none to follow; say where the image stands with `landwaiter/image.<alias>: <path>`; or write it into its `values`",
            "apps/release.yaml:7:14: warning: the path of the chart leads out of the repository; correct the path",
        ],
    );
}

#[test]
fn an_encrypted_values_file_is_never_changed() {
    let files = [CHART, ("a.yaml", "image: a:1\nsops: {mac: x}\n")];
    let manifest = read(&toolkit("      valuesFiles: [a.yaml]\n", "{}"), &files);
    let refusal = manifest.workloads[0].containers[0].image.refusal().unwrap();
    assert_eq!(refusal.obstacle(), &Obstacle::Sealed);
}

#[test]
fn paths_lead_through_values_files_as_well() {
    let files = [CHART, ("a.yaml", "services:\n  front: {image: 'q.io/front', version: '1'}\n")];
    let annotations =
        |paths: &str| toolkit("      valuesFiles: [a.yaml]\n", "{}").replace("'true'", &format!("'true', {paths}"));
    check(&annotations("landwaiter/image.front: services.front"), &files, &["front q.io/front:1@a.yaml:2"]);
    check(
        &annotations("repository.fluxcd.io/front: services.front.image, tag.fluxcd.io/front: services.front.version"),
        &files,
        &["front q.io/front:1@a.yaml:2"],
    );
    problem(
        &annotations("landwaiter/image.front: services.back"),
        &files,
        &[
            "apps/release.yaml:3:79: error: `landwaiter/image.front` leads nowhere: `services` has no `back`; there are: front",
        ],
    );
}

#[test]
fn images_behind_helm_are_named_by_their_last_part() {
    let release = |values: &str| {
        format!(
            "kind: HelmRelease\n{ON}spec:\n  values: {values}\n  postRenderers:\n  - kustomize:\n      images:\n      - name: ghcr.io/a/web\n        newName: q.io/web\n        newTag: v1\n      - {{name: b/redis, newTag: '7'}}\n      - {{name: c/none}}\n"
        )
    };
    check(
        &release("{image: 'a:1'}"),
        &[],
        &[
            "chart-image a:1@apps/release.yaml:4",
            "web q.io/web:v1@apps/release.yaml:10",
            "redis b/redis:7@apps/release.yaml:11",
        ],
    );
    check(
        &release("{web: {image: 'a:1'}}").replace("automated: 'true'", "tag.web: 'semver:1'"),
        &[],
        &[
            "web a:1@apps/release.yaml:4",
            "postRenderers.web q.io/web:v1@apps/release.yaml:10",
            "redis b/redis:7@apps/release.yaml:11",
        ],
    );
}

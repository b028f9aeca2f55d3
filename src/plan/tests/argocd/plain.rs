//! Plain manifests in the folder of a source: what Argo CD Image Updater itself cannot do.

use super::{app, check};

fn source(path: &str, more: &str) -> String {
    format!("  source:\n    repoURL: https://git.example.com/config.git\n    path: {path}\n{more}")
}

fn pod(path: &str, name: &str, annotations: &str, image: &str) -> String {
    format!(
        "=== {path}\nkind: Deployment\nmetadata: {{name: {name}, namespace: shop, annotations: {{{annotations}}}}}\nspec:\n  template:\n    spec:\n      containers:\n      - name: main\n        image: {image} # ours\n      - name: other\n        image: other:1\n"
    )
}

const LIST: (&str, &str) = ("image-list", "web=ghcr.io/shop/web:^1");

#[test]
fn every_container_with_the_image_follows() {
    let files = pod("web/a.yaml", "a", "", "ghcr.io/shop/web:1.0.0")
        + &pod("web/jobs/b.yaml", "b", "", "ghcr.io/shop/web:1.2.0");
    check(
        &format!("{}{files}", app("web", &[LIST], &source("web", ""))),
        &["web/a.yaml:8 shop/Deployment/a main 1.3.1"],
        &[("web:1.0.0", "web:1.3.1")],
    );
    check(
        &format!("{}{files}", app("web", &[LIST], &source("./web/", "    directory: {recurse: true}\n"))),
        &["web/a.yaml:8 shop/Deployment/a main 1.3.1", "web/jobs/b.yaml:8 shop/Deployment/b main 1.3.1"],
        &[("web:1.0.0", "web:1.3.1"), ("web:1.2.0", "web:1.3.1")],
    );
    check(
        &format!("{}{files}", app("web", &[("image-list", "web=ghcr.io/shop/worker:^1")], &source("web", ""))),
        &[
            "! apps/web.yaml:7:50: warning: `web`, `ghcr.io/shop/worker`, is found nowhere in what argocd/Application/web deploys; the images there are: docker.io/library/other, ghcr.io/shop/web",
        ],
        &[],
    );
    // Whatever it is called, Docker Hub is one.
    check(
        &format!(
            "{}{}",
            app("web", &[("image-list", "web=docker.io/x:1.x")], &source("web", "")),
            pod("web/a.yaml", "a", "", "x:1.0")
        ),
        &["web/a.yaml:8 shop/Deployment/a main 1.1"],
        &[("x:1.0", "x:1.1")],
    );
}

#[test]
fn words_on_the_workload_agree_or_hold() {
    let repository = |words: &str| {
        format!(
            "{}{}",
            app("web", &[LIST], &source("web", "")),
            pod("web/a.yaml", "a", words, "ghcr.io/shop/web:1.0.0")
        )
    };
    let disagree =
        "! web/a.yaml:8:16: error: two owners of this image disagree: shop/Deployment/a (web/a.yaml:1) wants it";
    let held = ["web/a.yaml:8 shop/Deployment/a main mistake", "web/a.yaml:8 shop/Deployment/a main mistake"];
    let other = "landwaiter/automated: 'true', landwaiter/tag.main: 'semver:^2', landwaiter/tag.other: 'semver:1'";
    check(
        &repository(other),
        &[
            held[0],
            "web/a.yaml:10 shop/Deployment/a other unseen",
            held[1],
            &format!(
                "{disagree} to follow semver:^2, shop/Deployment/a (apps/web.yaml:7) wants it to follow semver:^1"
            ),
        ],
        &[],
    );
    let ignored = "landwaiter/ignore: 'true'";
    check(&repository(ignored), &["web/a.yaml:8 shop/Deployment/a main ignored"], &[]);
    let locked = "landwaiter/locked: 'true'";
    check(&repository(locked), &["web/a.yaml:8 shop/Deployment/a main locked"], &[]);
    let off = "landwaiter/automated: 'false'";
    check(&repository(off), &[held[0], &format!("{disagree} not to be automated")], &[]);
}

#[test]
fn two_applications_of_one_folder_agree_or_hold() {
    let (one, other) = ([LIST], [("image-list", "web=ghcr.io/shop/web:^2")]);
    let file = pod("web/a.yaml", "a", "", "ghcr.io/shop/web:1.0.0");
    let repository = |second: &[(&str, &str)]| {
        format!("{}{}{file}", app("a", &one, &source("web", "")), app("b", second, &source("web", "")))
    };
    check(&repository(&one), &["web/a.yaml:8 shop/Deployment/a main 1.3.1"], &[("web:1.0.0", "web:1.3.1")]);
    check(
        &repository(&other),
        &[
            "web/a.yaml:8 shop/Deployment/a main mistake",
            "web/a.yaml:8 shop/Deployment/a main mistake",
            "! web/a.yaml:8:16: error: two owners of this image disagree: shop/Deployment/a (apps/a.yaml:7) wants it to follow semver:^1, shop/Deployment/a (apps/b.yaml:7) wants it to follow semver:^2",
        ],
        &[],
    );
}

#[test]
fn sources_that_cannot_be_followed_are_told() {
    for (source, told) in [
        (source("none", ""), "! apps/web.yaml:11:11: warning: there is no folder `none` among the files to look in"),
        (source("web-more", ""), "! apps/web.yaml:11:11: warning: there is no folder `web-more` among the files"),
        (
            source("'{{ path }}'", ""),
            "! apps/web.yaml:11:11: warning: what this source deploys shows only when the application is rendered",
        ),
        (
            source("web", "    directory: {include: '*.yaml'}\n"),
            "! apps/web.yaml:11:11: warning: which files `directory.include`",
        ),
        (
            source("web", "    plugin: {name: cdk8s}\n"),
            "! apps/web.yaml:11:11: warning: what a plugin makes of this source is not known",
        ),
        (
            source("web", "    kustomize: {namePrefix: a-}\n"),
            "! apps/web.yaml:11:11: warning: there is no kustomization in folder `web`",
        ),
    ] {
        let repository =
            format!("{}{}", app("web", &[LIST], &source), pod("web/a.yaml", "a", "", "ghcr.io/shop/web:1.0.0"));
        check(&repository, &[told], &[]);
    }
    let repository = format!(
        "{}{}",
        app("web", &[LIST], &source("../web", "")),
        pod("web/a.yaml", "a", "", "ghcr.io/shop/web:1.0.0")
    );
    check(
        &repository,
        &[
            "! apps/web.yaml:11:11: error: `../web` is no folder in this repository",
            "! apps/web.yaml:11:11: warning: what this source deploys shows only",
        ],
        &[],
    );
}

#[test]
fn a_set_is_followed_where_it_is_literal() {
    let set = |annotations: &str, path: &str| {
        format!(
            "=== sets/web.yaml\napiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {{name: web, namespace: argocd}}\nspec:\n  generators:\n  - list: {{elements: [{{name: a}}]}}\n  template:\n    metadata:\n      name: '{{{{ name }}}}'\n      annotations:\n        argocd-image-updater.argoproj.io/{annotations}\n    spec:\n      source:\n        path: '{path}'\n"
        )
    };
    let file = pod("web/a.yaml", "a", "", "ghcr.io/shop/web:1.0.0");
    check(
        &format!("{}{file}", set("image-list: web=ghcr.io/shop/web:^1", "web")),
        &["web/a.yaml:8 shop/Deployment/a main 1.3.1"],
        &[("web:1.0.0", "web:1.3.1")],
    );
    check(
        &format!("{}{file}", set("image-list: 'web=ghcr.io/shop/web:{{ tag }}'", "web")),
        &[
            "! sets/web.yaml:11:54: error: `ghcr.io/shop/web:{{ tag }}` is a template, which is never expanded; write the image itself",
        ],
        &[],
    );
    check(
        &format!("{}{file}", set("image-list: web=ghcr.io/shop/web:^1", "web/{{ name }}")),
        &["! sets/web.yaml:14:15: warning: what this source deploys shows only when the application is rendered"],
        &[],
    );
}

#[test]
fn an_application_that_says_nothing_holds_what_it_deploys() {
    let file = pod("web/a.yaml", "a", "", "ghcr.io/shop/web:1.0.0");
    let repository = |spec: &str| format!("{}{}{file}", app("a", &[LIST], &source("web", "")), app("b", &[], spec));
    let held = [
        "web/a.yaml:8 shop/Deployment/a main mistake",
        "! web/a.yaml:8:16: warning: `shop/web` would change for argocd/Application/b (apps/b.yaml:1) as argocd/Application/a (apps/a.yaml:1) wants it, and the other deploys it too and says nothing of it; annotate both alike",
    ];
    check(&repository(&source("web", "")), &held, &[]);
    check(&repository(&source(".", "    directory: {recurse: true}\n")), &held, &[]);
    let followed = ["web/a.yaml:8 shop/Deployment/a main 1.3.1"];
    let change = [("web:1.0.0", "web:1.3.1")];
    for other in [
        source(".", ""),
        source("web/jobs", ""),
        source("web", "    helm: {}\n"),
        source("other", "    directory: {recurse: true}\n"),
    ] {
        check(&repository(&other), &followed, &change);
    }
    let kustomized = "=== kustomization.yaml\nresources: []\n";
    check(&(repository(&source(".", "")) + kustomized), &followed, &change);
    // Another image of the list is no word about this one.
    let second = app("b", &[("image-list", "other=other:^1")], &source("web", ""));
    check(
        &format!("{}{second}{file}", app("a", &[LIST], &source("web", ""))),
        &[
            held[0],
            "web/a.yaml:10 shop/Deployment/a other mistake",
            held[1],
            "! web/a.yaml:10:16: warning: `library/other` would change for argocd/Application/a",
        ],
        &[],
    );
}

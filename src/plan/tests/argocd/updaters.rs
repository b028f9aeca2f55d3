//! `ImageUpdater` objects: which applications they mean, and what becomes of annotations beside them.

use super::{app, check};

const FILE: &str = "=== web/a.yaml\nkind: Deployment\nmetadata: {name: a, namespace: shop}\nspec: {template: {spec: {containers: [{name: main, image: 'ghcr.io/shop/web:1.0.0'}]}}}\n";
const SOURCE: &str = "  source: {path: web}\n";

fn updater(name: &str, spec: &str) -> String {
    format!(
        "=== updaters/{name}.yaml\napiVersion: argocd-image-updater.argoproj.io/v1alpha1\nkind: ImageUpdater\nmetadata: {{name: {name}, namespace: argocd}}\nspec:\n{spec}"
    )
}

fn images(names: &str, image: &str) -> String {
    format!(
        "  applicationRefs:\n  - namePattern: \"{names}\"\n    images:\n    - {{alias: web, imageName: '{image}'}}\n"
    )
}

const FOLLOWED: &str = "web/a.yaml:3 shop/Deployment/a main 1.3.1";
const CHANGE: (&str, &str) = ("web:1.0.0'}]}}}", "web:1.3.1'}]}}}");

#[test]
fn names_and_labels_are_matched() {
    let idle = "! updaters/shop.yaml:1:1: hint: argocd/ImageUpdater/shop means no application in this repository";
    let web = app("shop-web", &[], SOURCE).replace("  annotations:\n", "  labels: {team: shop, tier: front}\n");
    for (names, more, is_meant) in [
        ("shop-web", "", true),
        ("*", "", true),
        ("shop-*", "", true),
        ("shop-?eb", "", true),
        ("shop-[a-w]eb", "", true),
        ("shop", "", false),
        ("shop-[!w]eb", "", true),
        ("*", "{matchLabels: {team: shop}}", true),
        ("*", "{matchLabels: {team: shop, tier: back}}", false),
        ("*", "{matchExpressions: [{key: tier, operator: In, values: [front, back]}]}", true),
        ("*", "{matchExpressions: [{key: tier, operator: NotIn, values: [front]}]}", false),
        ("*", "{matchExpressions: [{key: tier, operator: Exists}, {key: x, operator: DoesNotExist}]}", true),
        ("*", "{matchExpressions: [{key: x, operator: Exists}]}", false),
        ("*", "{}", true),
    ] {
        let selector = if more.is_empty() { String::new() } else { format!("    labelSelectors: {more}\n") };
        let spec = images(names, "ghcr.io/shop/web:^1") + &selector;
        let repository = format!("{web}{}{FILE}", updater("shop", &spec));
        let (told, _) = super::outcome(&repository);
        assert_eq!(told.first().is_some_and(|line| line == FOLLOWED), is_meant, "{names} {more} {told:?}");
        assert_eq!(told.iter().any(|line| line.starts_with(idle)), !is_meant, "{names} {more} {told:?}");
    }
    // An object in another namespace means other applications.
    let elsewhere =
        updater("shop", &images("*", "ghcr.io/shop/web:^1")).replace("namespace: argocd", "namespace: team");
    check(
        &format!("{web}{elsewhere}{FILE}"),
        &["! updaters/shop.yaml:1:1: hint: team/ImageUpdater/shop means no application"],
        &[],
    );
}

#[test]
fn the_most_specific_entry_counts() {
    let spec = |names: &[(&str, &str)]| {
        let entries = names.iter().map(|(names, image)| images(names, image).replacen("  applicationRefs:\n", "", 1));
        format!("  applicationRefs:\n{}", entries.collect::<String>())
    };
    let web = app("shop-web", &[], SOURCE);
    for names in [
        [("*", "ghcr.io/shop/web:^2"), ("shop-web", "ghcr.io/shop/web:^1")],
        [("shop-web", "ghcr.io/shop/web:^1"), ("shop-*", "ghcr.io/shop/web:^2")],
        [("shop*", "ghcr.io/shop/web:^2"), ("shop-*", "ghcr.io/shop/web:^1")],
        [("*-web", "ghcr.io/shop/web:^1"), ("s*[a-z]eb", "ghcr.io/shop/web:^2")],
    ] {
        check(&format!("{web}{}{FILE}", updater("shop", &spec(&names))), &[FOLLOWED], &[CHANGE]);
    }
    // A selector weighs more than any number of letters, a whole name more than a selector.
    let labelled = web.replace("  annotations:\n", "  labels: {team: shop}\n");
    let selector = spec(&[("shop-we*", "ghcr.io/shop/web:^2"), ("*", "ghcr.io/shop/web:^1")])
        + "    labelSelectors: {matchLabels: {team: shop}}\n";
    check(&format!("{labelled}{}{FILE}", updater("shop", &selector)), &[FOLLOWED], &[CHANGE]);
}

#[test]
fn two_objects_for_one_application_hold() {
    let (one, two) = (
        updater("one", &images("shop-web", "ghcr.io/shop/web:^1")),
        updater("two", &images("*", "ghcr.io/shop/web:^1")),
    );
    check(
        &format!("{}{one}{two}{FILE}", app("shop-web", &[], SOURCE)),
        &[
            "web/a.yaml:3 shop/Deployment/a main mistake",
            "! updaters/two.yaml:6:5: error: two ImageUpdaters mean the application argocd/Application/shop-web, and overwrite each other: argocd/ImageUpdater/one (updaters/one.yaml:6:5) and argocd/ImageUpdater/two (updaters/two.yaml:6:5); have one of them mean it",
        ],
        &[],
    );
}

#[test]
fn annotations_beside_objects_count_where_an_object_says_so() {
    let web = app("shop-web", &[("image-list", "web=ghcr.io/shop/web:^1")], SOURCE);
    check(&format!("{web}{FILE}"), &[FOLLOWED], &[CHANGE]);
    let uses = "  applicationRefs:\n  - namePattern: \"*\"\n    useAnnotations: true\n";
    check(&format!("{web}{}{FILE}", updater("all", uses)), &[FOLLOWED], &[CHANGE]);
    check(
        &format!("{web}{}{FILE}", updater("other", &images("other", "ghcr.io/shop/web:^1"))),
        &[
            "web/a.yaml:3 shop/Deployment/a main mistake",
            "! apps/shop-web.yaml:7:50: warning: the annotations of argocd/Application/shop-web are not heard: since version 1.0 Argo CD Image Updater reads them only where an ImageUpdater says `useAnnotations: true`",
            "! updaters/other.yaml:1:1: hint: argocd/ImageUpdater/other means no application",
        ],
        &[],
    );
    // An entry that hears annotations means no application that has none.
    let both =
        format!("{uses}  - namePattern: \"s*\"\n    images: [{{alias: web, imageName: 'ghcr.io/shop/web:^1'}}]\n")
            .replace("\"*\"", "shop-web");
    check(&format!("{}{}{FILE}", app("shop-web", &[], SOURCE), updater("all", &both)), &[FOLLOWED], &[CHANGE]);
    // What the object says itself is no business of an application whose annotations count.
    let common = format!("  commonUpdateSettings: {{updateStrategy: digest}}\n{uses}");
    check(&format!("{web}{}{FILE}", updater("all", &common)), &[FOLLOWED], &[CHANGE]);
}

#[test]
fn what_is_said_further_in_wins() {
    let with = |common: &str, entry: &str, image: &str| {
        format!(
            "  commonUpdateSettings: {{{common}}}\n  applicationRefs:\n  - namePattern: \"*\"\n    commonUpdateSettings: {{{entry}}}\n    images:\n    - alias: web\n      imageName: ghcr.io/shop/web\n      commonUpdateSettings: {{{image}}}\n"
        )
    };
    let repository = |spec: &str| format!("{}{}{FILE}", app("shop-web", &[], SOURCE), updater("all", spec));
    let ignore = |glob: &str| format!("ignoreTags: ['{glob}']");
    for (common, entry, image, tag) in [
        (ignore("2*"), String::new(), String::new(), "1.3.1"),
        (ignore("*"), ignore("2*"), String::new(), "1.3.1"),
        (ignore("*"), ignore("*"), ignore("1.[23]*"), "2.0.0"),
        ("updateStrategy: digest".to_owned(), "updateStrategy: semver".to_owned(), ignore("[12].[03]*"), "1.2.0"),
        (
            "allowTags: 'regexp:^9'".to_owned(),
            "allowTags: any".to_owned(),
            "allowTags: 'regexp:^1\\.3'".to_owned(),
            "1.3.1",
        ),
    ] {
        let (told, _) = super::outcome(&repository(&with(&common, &entry, &image)));
        assert_eq!(told[0], format!("web/a.yaml:3 shop/Deployment/a main {tag}"), "{told:?}");
    }
}

#[test]
fn targets_of_objects_are_written() {
    let spec = "  writeBackConfig:
    method: git:secret:argocd/git
    gitConfig: {repository: 'https://git.example.com/config.git', branch: main, writeBackTarget: 'helmvalues:/env/prod.yaml'}
  applicationRefs:
  - namePattern: web
    images:
    - alias: web
      imageName: ghcr.io/shop/web:^1
      manifestTargets:
        helm: {name: front.image.repository, tag: front.image.tag}
";
    let web = app("web", &[], "  source: {path: charts/web, helm: {valueFiles: [/env/prod.yaml]}}\n");
    let values = "=== charts/web/Chart.yaml\nname: web\n=== env/prod.yaml\nfront:\n  image:\n    repository: ghcr.io/shop/web\n    tag: 1.0.0\n";
    check(
        &format!("{web}{}{values}", updater("web", spec)),
        &["env/prod.yaml:4 argocd/Application/web web 1.3.1"],
        &[("tag: 1.0.0", "tag: 1.3.1")],
    );
}

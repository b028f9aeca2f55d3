//! Applications at their bounds: many of everything, files that did not change, dialects that are not heard.

use std::fmt::Write as _;
use std::time::Instant;

use super::super::{Texts, texts};
use super::{app, check, files, outcome};
use crate::manifest::Scope;
use crate::plan::{Inventory, Memory};
use crate::policy::{Dialect, Dialects};

const FILE: &str = "=== web/a.yaml\nkind: Deployment\nmetadata: {name: a, namespace: shop}\nspec: {template: {spec: {containers: [{name: main, image: 'ghcr.io/shop/web:1.0.0'}]}}}\n";
const LIST: [(&str, &str); 1] = [("image-list", "web=ghcr.io/shop/web:^1")];

#[test]
fn a_second_survey_reads_what_differs() {
    let chart = "=== charts/x/Chart.yaml\nname: x\n=== charts/x/values.yaml\nimage: {repository: ghcr.io/shop/web, tag: 1.0.0}\n";
    let repository = format!(
        "{}{}{FILE}{chart}=== updaters/all.yaml\napiVersion: argocd-image-updater.argoproj.io/v1alpha1\nkind: ImageUpdater\nmetadata: {{name: all}}\nspec: {{applicationRefs: [{{namePattern: '*', useAnnotations: true}}]}}\n",
        app("web", &LIST, "  source: {path: web}\n"),
        app("x", &LIST, "  source: {path: charts/x}\n"),
    );
    let mut all = texts(&files(&repository));
    let mut memory = Memory::default();
    let mut survey = |all: &Texts, updates: usize| {
        let inventory = Inventory::survey(&all.files, all, Scope::Annotated, &mut memory).unwrap();
        let followed = inventory.workloads().filter(|workload| workload.automated).count();
        assert_eq!(followed, updates, "{:#?}", inventory.problems());
        all.read.take().len()
    };
    // Six files, two of them again for what they deploy with the two of the chart, and the plain one whole.
    assert_eq!(survey(&all, 2), 11);
    assert_eq!(survey(&all, 2), 0);
    let values = all.files.iter().position(|(path, _)| path.as_str() == "charts/x/values.yaml").unwrap();
    all.files[values].1 = all.files[values].1.replace("1.0.0", "1.2.0");
    // The file, and the application with all that it needs.
    assert_eq!(survey(&all, 2), 4);
    assert_eq!(survey(&all, 2), 0);
    let updater = all.files.iter().position(|(path, _)| path.as_str() == "updaters/all.yaml").unwrap();
    all.files[updater].1 = all.files[updater].1.replace("'*'", "web");
    assert_eq!(survey(&all, 2), 1);
}

#[test]
fn a_dialect_that_is_not_heard_says_nothing() {
    let repository = format!("{}{FILE}", app("web", &LIST, "  source: {path: web}\n"));
    let all = texts(&files(&repository));
    let mut memory = Memory::hearing(Dialects::of(&[Dialect::Flux]));
    let inventory = Inventory::survey(&all.files, &all, Scope::Annotated, &mut memory).unwrap();
    assert_eq!(inventory.problems(), []);
    assert!(!inventory.workloads().any(|workload| workload.automated));
}

#[test]
fn many_applications_and_objects_take_no_time_to_speak_of() {
    let mut repository = String::new();
    for number in 0..500 {
        repository += &app(&format!("shop-{number}"), &[], &format!("  source: {{path: apps/{number}}}\n"));
        writeln!(repository, "=== apps/{number}/pods.yaml").unwrap();
        for pod in 0..20 {
            write!(
                repository,
                "kind: Pod\nmetadata: {{name: p{pod}, namespace: shop}}\nspec: {{containers: [{{name: c, image: 'ghcr.io/shop/web:1.0.0'}}]}}\n---\n"
            )
            .unwrap();
        }
    }
    for number in 0..200 {
        write!(
            repository,
            "=== updaters/{number}.yaml\napiVersion: argocd-image-updater.argoproj.io/v1alpha1\nkind: ImageUpdater\nmetadata: {{name: u{number}, namespace: argocd}}\nspec:\n  applicationRefs:\n  - namePattern: 'shop-{number}*z'\n    images: [{{alias: web, imageName: 'ghcr.io/shop/web:^1'}}]\n  - namePattern: 'shop-{number}'\n    images: [{{alias: web, imageName: 'ghcr.io/shop/web:^1'}}]\n"
        )
        .unwrap();
    }
    let files = files(&repository);
    let all = texts(&files);
    let mut memory = Memory::default();
    let mut survey = || Inventory::survey(&all.files, &all, Scope::Annotated, &mut memory).unwrap();
    drop(survey());
    // Parsing aside, which happens once.
    let begun = Instant::now();
    let inventory = survey();
    let took = begun.elapsed();
    assert_eq!(inventory.workloads().filter(|workload| workload.automated).count(), 200 * 20);
    assert!(took.as_secs() < 20, "{took:?}");
}

#[test]
fn one_list_with_many_images_is_read_in_no_time() {
    let list: Vec<String> = (0..10_000).map(|number| format!("a{number}=ghcr.io/shop/web{number}:^1")).collect();
    let list = list.join(",");
    let mut annotations = vec![("image-list".to_owned(), list)];
    annotations.extend((0..10_000).map(|number| (format!("a{number}.update-strategy"), "semver".to_owned())));
    let annotations: Vec<_> = annotations.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let mut repository = app("web", &annotations, "  source: {path: web}\n") + "=== web/pods.yaml\n";
    for number in 0..10_000 {
        write!(repository, "kind: Pod\nmetadata: {{name: p{number}}}\nspec: {{containers: [{{name: c, image: 'ghcr.io/shop/web{number}:1.0.0'}}]}}\n---\n").unwrap();
    }
    let begun = Instant::now();
    let (told, _) = outcome(&repository);
    assert_eq!(told.len(), 10_000);
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}

#[test]
fn a_file_with_lists_is_told_where_it_is_a_template() {
    let app =
        app("web", &LIST, "  source: {path: web}\n").replace("kind: Application\n", "kind: Application\n{{ if .x }}\n");
    check(
        &format!("{app}{FILE}"),
        &["! apps/web.yaml:4:1: warning: the file has annotations, and `{{` outside quotes makes it a template"],
        &[],
    );
}

//! Argo CD Image Updater: annotations, `ImageUpdater` objects, and the files that applications deploy.

use std::fs;

use super::{Repository, check};

#[test]
fn a_repository_of_argo_cd_image_updater() {
    check("argocd-image-updater");
}

#[test]
fn without_objects_every_annotation_is_heard() {
    let repository = Repository::new("argocd-image-updater");
    fs::remove_dir_all(repository.path().join("updaters")).unwrap();
    fs::remove_file(repository.path().join("mistakes/updaters.yaml")).unwrap();
    let plan = repository.plan(&[]).json();
    let updates = plan["updates"].as_array().unwrap();
    let has = |workload: &str, container: &str| {
        updates.iter().any(|update| update["workload"] == workload && update["container"] == container)
    };
    assert!(has("argocd/Application/shop", "web") && has("argocd/Application/front", "front"), "{plan:#}");
    assert!(has("mistakes/Pod/other", "other"), "the one that was not heard beside objects: {plan:#}");
    assert!(!has("argocd/Application/media", "player"), "nobody speaks about it any more: {plan:#}");
}

//! Every place an image stands, in one repository, between a real registry and a real Git server.

use std::path::Path;

use super::{Scene, wait};
use crate::git_server::git;
use crate::registry_server::{DockerRegistry, Pusher};

/// The files of `fixtures/shapes`. In them `1.0.0` is what changes, and `0.9.0` what stays.
fn files(host: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/shapes");
    let mut files = Vec::new();
    let mut waiting = vec![root.clone()];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap().replace("registry.example.com", host);
            files.push((path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned(), text));
        }
    }
    files.sort();
    files
}

#[test]
fn every_place_an_image_stands() {
    let registry = DockerRegistry::start(None);
    let host = registry.address.to_string();
    let pusher = Pusher::new(registry.address, None);
    for image in ["shop/web", "mirror/web", "shop/app", "shop/worker", "shop/redis", "shop/exporter", "shop/model"] {
        for (tag, created) in [
            ("0.9.0", "2025-12-01T10:00:00Z"),
            ("1.0.0", "2026-01-01T10:00:00Z"),
            ("1.1.0", "2026-01-02T10:00:00Z"),
            ("2.0.0", "2026-01-03T10:00:00Z"),
        ] {
            wait(pusher.image(image, Some(tag), created));
        }
    }
    let files = files(&host);
    let texts: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let scene = Scene::new(&texts);
    let ran = scene.passes();
    for (path, text) in &files {
        let expected = match path.as_str() {
            "overlays/stage/kustomization.yaml" => format!("{text}  newTag: 1.1.0\n"),
            _ => text.replace("1.0.0", "1.1.0"),
        };
        assert_eq!(scene.file(path) + "\n", expected, "{path}\n{ran:?}");
    }
    assert_eq!(scene.commits(), 2, "one commit for all of it");
    let message = scene.message();
    assert_eq!(message.lines().filter(|line| line.starts_with("Landwaiter-Update: ")).count(), 13, "{message}");
    scene.is_sound();

    // The next pass has nothing to do, and says nothing.
    scene.passes();
    assert_eq!(scene.commits(), 2);

    // A person takes one of them back, in a place that is no workload's own file.
    let prod = scene.file("overlays/prod/kustomization.yaml").replace("1.1.0", "1.0.0") + "\n";
    scene.repo.push(&[("overlays/prod/kustomization.yaml", &prod)], "back to 1.0.0");
    scene.passes();
    assert_eq!(scene.commits(), 3, "{}", git(&scene.repo.bare, &["log", "-1", "-p", "main"]));
}

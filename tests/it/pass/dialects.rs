//! One repository in which every dialect is spoken, between a real registry and a real Git server.

use super::{Scene, wait};
use crate::registry_server::{DockerRegistry, Pusher};

/// In every file `1.0.0` is what changes.
const FILES: [(&str, &str); 7] = [
    (
        "native.yaml",
        "kind: Deployment
metadata: {name: native, annotations: {landwaiter/automated: 'true', landwaiter/tag.app: 'semver:~1'}}
spec: {template: {spec: {containers: [{name: app, image: 'HOST/shop/native:1.0.0'}]}}}
",
    ),
    (
        "flux.yaml",
        "kind: Deployment
metadata:
  name: flux
  annotations:
    flux.weave.works/automated: \"true\"
    fluxcd.io/tag.app: 'regexp:^1\\.[0-9.]+$'
spec: {template: {spec: {containers: [{name: app, image: 'HOST/shop/flux:1.0.0'}]}}}
",
    ),
    (
        "flux2.yaml",
        "kind: ConfigMap
metadata: {name: settings}
data:
  image: HOST/shop/flux2:1.0.0 # {\"$imagepolicy\": \"flux-system:flux2\"}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: flux2, namespace: flux-system}
spec: {image: HOST/shop/flux2, interval: 1m}
---
apiVersion: image.toolkit.fluxcd.io/v1beta2
kind: ImagePolicy
metadata: {name: flux2, namespace: flux-system}
spec: {imageRepositoryRef: {name: flux2}, policy: {semver: {range: 1.x}}}
",
    ),
    (
        "keel.yaml",
        "kind: Deployment
metadata:
  name: keel
  labels: {keel.sh/policy: minor}
spec: {template: {spec: {containers: [{name: app, image: 'HOST/shop/keel:1.0.0'}]}}}
",
    ),
    (
        "argocd.yaml",
        "apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: shop
  namespace: argocd
  annotations:
    argocd-image-updater.argoproj.io/image-list: app=HOST/shop/argocd:~1
    argocd-image-updater.argoproj.io/app.helm.image-tag: web.version
    argocd-image-updater.argoproj.io/app.helm.image-name: web.image
    argocd-image-updater.argoproj.io/write-back-target: helmvalues
spec:
  source: {repoURL: 'https://git.example.com/shop/config.git', path: chart}
",
    ),
    ("chart/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 0.1.0\n"),
    ("chart/values.yaml", "web:\n  image: HOST/shop/argocd\n\n  version: \"1.0.0\"   # by the updater\n"),
];

#[test]
fn every_dialect_in_one_commit() {
    let registry = DockerRegistry::start(None);
    let pusher = Pusher::new(registry.address, None);
    for image in ["native", "flux", "flux2", "keel", "argocd"] {
        for (tag, created) in [
            ("1.0.0", "2026-01-01T10:00:00Z"),
            ("1.1.0", "2026-01-02T10:00:00Z"),
            ("2.0.0", "2026-01-03T10:00:00Z"),
            ("20260104", "2026-01-04T10:00:00Z"),
        ] {
            wait(pusher.image(&format!("shop/{image}"), Some(tag), created));
        }
    }
    let host = registry.address.to_string();
    let files = FILES.map(|(path, text)| (path, text.replace("HOST", &host)));
    let texts = files.each_ref().map(|(path, text)| (*path, text.as_str()));
    let scene = Scene::new(&texts);
    let ran = scene.passes();
    for (path, text) in &files {
        let expected = if path.starts_with("chart/Chart") { text.clone() } else { text.replace("1.0.0", "1.1.0") };
        assert_eq!(scene.file(path) + "\n", expected, "{path}\n{ran:?}");
    }
    assert_eq!(scene.commits(), 2, "one commit for all of them");
    let message = scene.message();
    assert_eq!(message.lines().filter(|line| line.starts_with("Landwaiter-Update: ")).count(), 5, "{message}");
    scene.is_sound();

    // Nobody who was not heard changes anything.
    let quiet = Scene::new(&texts);
    let ran = quiet.once(&["--dialects", "native"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let message = quiet.message();
    assert_eq!(message.lines().filter(|line| line.starts_with("Landwaiter-Update: ")).count(), 1, "{message}");
}

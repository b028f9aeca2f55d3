//! Flux version 2: policies, repositories and automations of every version, two namespaces, and mistakes; and
//! what its own controller is tested with, written anew.

use std::fs;
use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::check;
use crate::binary::{landwaiter, run};

#[test]
fn a_repository_of_flux_2() {
    let repository = check("flux2");
    // One of the files has Windows' line ends, and one has none at its end.
    assert_eq!(repository.read("apps/bank/ledger.yaml").matches("\r\n").count(), 16);
    assert!(repository.read("apps/bank/versions.yaml").ends_with('}'));
}

#[test]
fn a_dialect_that_is_left_out_is_nobodys_word() {
    let repository = super::Repository::new("flux2");
    let deaf = repository.plan(&["--dialects", "flux"]).json();
    assert_eq!(deaf, serde_json::json!({"updates": [], "holds": [], "problems": []}));
}

const POLICIES: &str = "\
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: updated, namespace: automation-ns}
spec: {image: registry.example/updated, interval: 1m}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: image, namespace: automation-ns}
spec: {image: image, interval: 1m}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: policy, namespace: automation-ns}
spec: {imageRepositoryRef: {name: updated}, policy: {semver: {range: 1.x}}}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: unchanged, namespace: automation-ns}
spec: {imageRepositoryRef: {name: image}, policy: {semver: {range: 1.0.0}}}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: foreign, namespace: other-ns}
spec: {imageRepositoryRef: {name: updated, namespace: automation-ns}, policy: {semver: {range: 1.x}}}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageUpdateAutomation
metadata: {name: update, namespace: automation-ns}
spec: {interval: 1m, sourceRef: {kind: GitRepository, name: here}, update: {path: ./yes}}
";

/// Each file with the place that changes between `«` and `»`.
const FILES: [(&str, &str); 7] = [
    (
        "yes/marked.yaml",
        "apiVersion: batch/v1\nkind: CronJob\nmetadata:\n  name: foo\nspec:\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          initContainers:\n          - name: c0\n            image: registry.example/updated:«v1.0.0» # {\"$imagepolicy\": \"automation-ns:policy\"}\n          containers:\n          - image: image:v1.0.0 # {\"$imagepolicy\": \"automation-ns:unchanged\"}\n            name: c1\n",
    ),
    (
        "yes/kustomization.yml",
        "images:\n  - name: container\n    newName: registry.example/updated # {\"$imagepolicy\": \"automation-ns:policy:name\"}\n    newTag: «v1.0.0» # {\"$imagepolicy\": \"automation-ns:policy:tag\"}\npatches:\n  - target:\n      kind: Deployment\n      image: registry.example/updated:«v1.0.0» # {\"$imagepolicy\": \"automation-ns:policy\"}\n    patch: |\n      - op: remove\n        path: /spec/replicas   \n",
    ),
    // 이미지: no spaces are lost, and no comment moves.
    (
        "yes/commented/Kustomization",
        "# 이 파일은 바뀌지 않습니다\nimages:\n-   name: a   # 이름\n    # 태그\n\n    newTag: «v1.0.0»     # {\"$imagepolicy\": \"automation-ns:policy:tag\"}\n    newName: 'registry.example/updated'\n",
    ),
    (
        "yes/otherns.yaml",
        "kind: Pod\nmetadata: {name: other}\nspec:\n  containers:\n  - name: c\n    image: registry.example/updated:v1.0.0 # {\"$imagepolicy\": \"other-ns:foreign\"}\n",
    ),
    (
        "yes/unmarked.yaml",
        "kind: Pod\nmetadata: {name: unmarked}\nspec:\n  containers:\n  - name: c\n    image: registry.example/updated:v1.0.0\n",
    ),
    (
        "yes/template.yaml",
        "kind: Pod\nmetadata: {name: {{ .name }}}\nspec:\n  image: registry.example/updated:v1.0.0 # {\"$imagepolicy\": \"automation-ns:policy\"}\n",
    ),
    (
        "no/marked.yaml",
        "kind: Pod\nmetadata: {name: no}\nspec:\n  containers:\n  - name: c\n    image: registry.example/updated:v1.0.0 # {\"$imagepolicy\": \"automation-ns:policy\"}\n",
    ),
];

#[test]
fn what_the_controller_is_tested_with() {
    let folder = TempDir::new().unwrap();
    let at = |path: &str| folder.path().join(path);
    fs::create_dir_all(at("yes/commented")).unwrap();
    fs::create_dir_all(at("no")).unwrap();
    fs::write(at("policies.yaml"), POLICIES).unwrap();
    fs::write(at("tags.json"), r#"{"registry.example/updated": ["v1.0.0", "v1.0.1", "v2.0.0"], "image": ["v1.0.0"]}"#)
        .unwrap();
    for (path, text) in FILES {
        fs::write(at(path), text.replace(['«', '»'], "")).unwrap();
    }
    symlink("/nowhere/at/all.yaml", at("yes/test.yaml")).unwrap();
    let args = ["plan", "--tags", "tags.json", "--write", "--output", "json"];
    let answer = run(&mut landwaiter(folder.path(), args)).json();
    for (path, text) in FILES {
        let after = text.replace("«v1.0.0»", "v1.0.1");
        assert_eq!(fs::read_to_string(at(path)).unwrap(), after, "{path}\n{answer:#}");
    }
    let told = |list: &str, key: &str| -> Vec<String> {
        let rows = answer[list].as_array().unwrap().iter();
        rows.map(|row| format!("{}:{} {}", row["file"].as_str().unwrap(), row["line"], row[key].as_str().unwrap()))
            .collect()
    };
    assert_eq!(
        told("updates", "to"),
        [
            "yes/commented/Kustomization:6 v1.0.1",
            "yes/kustomization.yml:4 v1.0.1",
            "yes/kustomization.yml:8 v1.0.1",
            "yes/marked.yaml:12 v1.0.1"
        ]
    );
    assert_eq!(
        told("holds", "hold"),
        ["no/marked.yaml:6 mistake", "yes/marked.yaml:14 up-to-date", "yes/otherns.yaml:6 mistake"]
    );
    let problems = told("problems", "rule");
    assert_eq!(
        problems,
        ["no/marked.yaml:6 uncovered-marker", "policies.yaml:24 missing-policy", "yes/template.yaml:2 template"],
        "{answer:#}"
    );
}

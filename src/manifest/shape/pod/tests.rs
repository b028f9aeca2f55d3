//! Image volumes beside containers.

use crate::image::Tag;
use crate::manifest::{ContainerPolicy, Document, Manifest, Terms, read};
use crate::path::RepoPath;

fn pod(annotations: &str, volumes: &str) -> String {
    format!(
        "kind: Deployment\nmetadata: {{annotations: {{landwaiter/automated: 'true', landwaiter/tag-semver: ~1{annotations}}}}}\nspec:\n  template:\n    spec:\n      containers: [{{name: web, image: 'web:1.0.0'}}]\n      volumes:\n{volumes}"
    )
}

fn parse(text: &str) -> Manifest {
    read(&RepoPath::parse("a.yaml").unwrap(), text.as_bytes(), &Terms::default())
}

fn policies(text: &str) -> Vec<String> {
    let manifest = parse(text);
    assert_eq!(manifest.problems, [], "{text}");
    let policy = |policy: &ContainerPolicy| match policy {
        ContainerPolicy::Stated(policy) => policy.to_string(),
        ContainerPolicy::Unstated => "-".to_owned(),
        _ => "invalid".to_owned(),
    };
    let containers = manifest.workloads.iter().flat_map(|workload| &workload.containers);
    containers.map(|it| format!("{} {} {}", it.name, it.image.reference(), policy(&it.policy))).collect()
}

#[test]
fn an_image_volume_is_meant_by_its_own_name_only() {
    let volumes = "      - name: data\n        emptyDir: {}\n      - name: model\n        image:\n          reference: \"q.io/model:1.0.0\" # big\n          pullPolicy: Always\n";
    assert_eq!(policies(&pod("", volumes)), ["web web:1.0.0 semver:~1", "model q.io/model:1.0.0 -"]);
    let named = pod(", landwaiter/tag.model: semver:~2", volumes);
    assert_eq!(policies(&named), ["web web:1.0.0 semver:~1", "model q.io/model:1.0.0 semver:~2"]);
    let manifest = parse(&named);
    let change = [(&manifest.workloads[0].containers[1].image, Tag::parse("2.1.0").unwrap())];
    let after = Document::open(&manifest.path, named.as_bytes()).unwrap().rewrite(&change);
    assert_eq!(String::from_utf8(after.bytes).unwrap(), named.replace("model:1.0.0", "model:2.1.0"));
}

#[test]
fn a_container_keeps_its_name_beside_a_volume() {
    let volumes = "      - {name: web, image: {reference: 'q.io/model:1.0.0'}}\n";
    assert_eq!(policies(&pod("", volumes)), ["web web:1.0.0 semver:~1", "volumes.web q.io/model:1.0.0 -"]);
    assert_eq!(
        policies(&pod(", landwaiter/tag.web: semver:~3, landwaiter/tag.volumes.web: semver:~2", volumes)),
        ["web web:1.0.0 semver:~3", "volumes.web q.io/model:1.0.0 semver:~2"]
    );
}

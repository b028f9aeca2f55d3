//! Images of any kind of object, where annotations say that they stand.

use crate::image::Tag;
use crate::manifest::{Automation, ContainerPolicy, Document, Manifest, Obstacle, Terms, read};
use crate::path::RepoPath;

/// An object of some kind whose annotations begin in line 5, one line each.
fn object(kind: &str, annotations: &str, body: &str) -> String {
    let lines = annotations.lines().fold(String::new(), |lines, line| lines + "    " + line + "\n");
    let (api, kind) = kind.split_once(' ').unwrap_or(("example.com/beta", kind));
    format!("apiVersion: {api}\nkind: {kind}\nmetadata:\n  annotations:\n{lines}{body}")
}

fn parse(text: &str) -> Manifest {
    read(&RepoPath::parse("a.yaml").unwrap(), text.as_bytes(), &Terms::default())
}

fn images(manifest: &Manifest) -> Vec<String> {
    let containers = manifest.workloads.iter().flat_map(|workload| &workload.containers);
    containers.map(|container| format!("{} {}", container.name, container.image.reference())).collect()
}

fn problems(manifest: &Manifest) -> Vec<String> {
    manifest.problems.iter().map(ToString::to_string).collect()
}

/// Finds these images, and gives each the tag `new` in place of `1`.
#[track_caller]
fn check(annotations: &str, body: &str, expected: &[&str]) {
    let text = object("Thing", annotations, body);
    let manifest = parse(&text);
    assert_eq!(images(&manifest), expected, "{text}\n{:?}", problems(&manifest));
    assert_eq!(problems(&manifest), [""; 0], "{text}");
    let containers = manifest.workloads.iter().flat_map(|workload| &workload.containers);
    let changes: Vec<_> = containers.map(|container| (&container.image, Tag::parse("new").unwrap())).collect();
    let after = Document::open(&manifest.path, text.as_bytes()).unwrap().rewrite(&changes);
    assert_eq!(after.refused, [], "{text}");
    let after = String::from_utf8(after.bytes).unwrap();
    assert_eq!(after, text.replace("v1", "new"), "{text}");
    let renewed: Vec<String> = expected.iter().map(|image| image.replace("v1", "new")).collect();
    assert_eq!(images(&parse(&after)), renewed);
}

/// The problems of an object that shows no other image.
#[track_caller]
fn problem(annotations: &str, body: &str, expected: &[&str]) {
    assert_eq!(problems(&parse(&object("Thing", annotations, body))), expected, "{annotations}");
}

#[test]
fn a_whole_image_by_its_path() {
    check("landwaiter/image.app: spec.image", "spec:\n  image: 'q.io/a:v1' # x\n", &["app q.io/a:v1"]);
    check(
        "landwaiter/image.one: spec.jobs[0].image\nfluxcd.io/image.two: spec.jobs[two].image",
        "spec:\n  jobs:\n  - {name: one, image: 'a:v1'}\n  - {name: two, image: b:v1}\n",
        &["one a:v1", "two b:v1"],
    );
    check("landwaiter/image.k: images[0]", "images: ['a:v1', \"b:2\"]\n", &["k a:v1"]);
    check("landwaiter/image.k: data.app\\.image", "data: {app.image: 'a:v1'}\n", &["k a:v1"]);
    check("landwaiter/image.k: data.app.image", "data: {app.image: 'a:v1'}\n", &["k a:v1"]);
}

#[test]
fn an_image_in_parts_by_the_path_of_their_mapping() {
    for body in [
        "image: {registry: q.io, repository: a, tag: v1}",
        "image: {repository: q.io/a, newTag: v1}",
        "image: {image: q.io/a, imageTag: v1}",
        "image: {name: q.io/a, version: v1}",
        "image: {name: x, newName: q.io/a, newTag: v1}",
        "image: {name: web, image: 'q.io/a:v1'}",
        "image: {image: 'q.io/a:v1', version: v2}",
        "image: {image: {name: q.io/a, tag: v1}}",
    ] {
        check("landwaiter/image.k: spec.image", &format!("spec: {{{body}}}\n"), &["k q.io/a:v1"]);
    }
}

#[test]
fn the_parts_beside_a_path_belong_to_it() {
    for (path, body) in [
        ("spec.image", "image: q.io/a, tag: v1"),
        ("spec.image", "image: q.io/a, imageTag: v1"),
        ("spec.image", "registry: q.io, image: a, version: v1"),
        ("spec.image", "image: 'q.io/a:v1', version: v2"),
        ("spec.base", "base: q.io/a, tag: v1"),
        ("spec.repository", "repository: q.io/a, tag: v1"),
        ("spec.tag", "repository: q.io/a, tag: v1"),
        ("spec.version", "image: q.io/a, version: v1"),
    ] {
        check(&format!("landwaiter/image.k: {path}"), &format!("spec: {{{body}}}\n"), &["k q.io/a:v1"]);
    }
    let refused = |body: &str| {
        let manifest = parse(&object("Thing", "landwaiter/image.k: spec.image", &format!("spec: {{{body}}}\n")));
        manifest.workloads[0].containers[0].image.refusal().unwrap().obstacle().clone()
    };
    assert_eq!(refused("image: 'a:v1', tag: v2"), Obstacle::TwoTruths);
    assert_eq!(refused("image: a"), Obstacle::Untagged);
    assert_eq!(refused("image: {repository: a, digest: '', image: b}"), Obstacle::Untagged);
}

#[test]
fn each_part_by_its_own_path() {
    let body = "front: {host: q.io, image: team/a, version: v1}\nwhole: 'q.io/team/a:v1'\nrest: 'team/a:v1'\n";
    check(
        "repository.fluxcd.io/k: whole",
        body.replace("v1}", "v2}").replace("rest: 'team/a:v1'", "").as_str(),
        &["k q.io/team/a:v1"],
    );
    let parts = "front: {host: q.io, image: team/a, version: v1}\n";
    check("repository.fluxcd.io/k: front.image\ntag.fluxcd.io/k: front.version", parts, &["k team/a:v1"]);
    check(
        "repository.fluxcd.io/k: front.image\ntag.fluxcd.io/k: front.version\nregistry.fluxcd.io/k: front.host",
        parts,
        &["k q.io/team/a:v1"],
    );
    check(
        "repository.fluxcd.io/k: rest\nregistry.fluxcd.io/k: host",
        "host: q.io\nrest: 'team/a:v1'\n",
        &["k q.io/team/a:v1"],
    );
}

#[test]
fn an_image_map_leaves_the_sidecar_alone() {
    let release = |image: &str| {
        object(
            "helm.fluxcd.io/v1 HelmRelease",
            "fluxcd.io/automated: 'true'\nrepository.fluxcd.io/mariadb: mariadb.customImage\ntag.fluxcd.io/mariadb: mariadb.customTag\nfilter.fluxcd.io/mariadb: 10.1.*",
            &format!(
                "spec:\n  values:\n    mariadb:\n      {image}\n    sidecar:\n      image: other/side:v2 # by hand\n"
            ),
        )
    };
    let text = release("customImage: localhost:5000/mariadb\n      customTag: 10.1.30-r1");
    let manifest = parse(&text);
    assert_eq!(problems(&manifest), [""; 0]);
    assert_eq!(images(&manifest), ["sidecar other/side:v2", "mariadb localhost:5000/mariadb:10.1.30-r1"]);
    let containers = &manifest.workloads[0].containers;
    assert_eq!(containers[0].policy, ContainerPolicy::Unstated);
    assert!(matches!(&containers[1].policy, ContainerPolicy::Stated(policy) if policy.to_string() == "glob:10.1.*"));
    let change = [(&containers[1].image, Tag::parse("10.1.33").unwrap())];
    let after = Document::open(&manifest.path, text.as_bytes()).unwrap().rewrite(&change);
    assert_eq!(String::from_utf8(after.bytes).unwrap(), text.replace("10.1.30-r1", "10.1.33"));
}

#[test]
fn a_path_takes_the_place_of_what_is_found_by_itself() {
    let release = |annotations: &str| {
        let body = "spec:\n  values:\n    image: top:v1\n    web: {image: 'web:v1', other: {repository: o, tag: v1}}\n";
        images(&parse(&object("helm.fluxcd.io/v1 HelmRelease", annotations, body)))
    };
    assert_eq!(release("landwaiter/image.web: web.other"), ["chart-image top:v1", "web o:v1"]);
    assert_eq!(release("landwaiter/image.web: spec.values.web.other"), ["chart-image top:v1", "web o:v1"]);
    assert_eq!(release("landwaiter/image.main: image"), ["web web:v1", "main top:v1"]);
    assert_eq!(release("landwaiter/image.chart-image: web.other"), ["web web:v1", "chart-image o:v1"]);
    let both = "landwaiter/image.main: image\nlandwaiter/tag.chart-image: v*";
    assert_eq!(release(both), ["chart-image top:v1", "web web:v1", "main top:v1"]);
    check(
        "landwaiter/image.web: spec.template.spec.containers[web].image",
        "spec: {template: {spec: {containers: [{name: web, image: 'a:v1'}, {name: b, image: 'b:v1'}]}}}\n",
        &["b b:v1", "web a:v1"],
    );
}

#[test]
fn what_is_said_for_all_is_said_of_images_with_a_path() {
    let text = object(
        "Thing",
        "landwaiter/automated: 'true'\nlandwaiter/tag-semver: ~1\nlandwaiter/image.a: spec.a\nlandwaiter/image.b: spec.b\nlandwaiter/tag.b: glob:x*",
        "spec: {a: 'a:1.0.0', b: 'b:x1'}\n",
    );
    let manifest = parse(&text);
    let policies: Vec<String> = manifest.workloads[0]
        .containers
        .iter()
        .map(|container| match &container.policy {
            ContainerPolicy::Stated(policy) => policy.to_string(),
            policy => format!("{policy:?}"),
        })
        .collect();
    assert_eq!(policies, ["semver:~1", "glob:x*"]);
}

#[test]
fn paths_that_lead_nowhere() {
    let body = "spec: {image: 'a:v1', list: [{image: b}], nothing: {}, flag: true, text: 'a b'}\n";
    for (path, why) in [
        ("spec.img", "leads nowhere: `spec` has no `img`; there are: image, list, nothing, flag, text"),
        (
            "spec.list[1].image",
            "leads nowhere: `spec.list` is a list of 1 without a `[1]` of its own; name an item by its number, the first is `[0]`, or by its name, if that is its own",
        ),
        ("spec.nothing.image", "leads nowhere: `spec.nothing` has no `image`; it is empty"),
        (
            "spec.nothing",
            "leads to no image: none is written at `spec.nothing`; write the path to an image, or to the mapping with its repository and its tag",
        ),
        (
            "spec.list",
            "leads to no image: none is written at `spec.list`; write the path to an image, or to the mapping with its repository and its tag",
        ),
        (
            "spec.flag",
            "leads to no image: none is written at `spec.flag`; write the path to an image, or to the mapping with its repository and its tag",
        ),
        ("spec..image", "is no path: `spec..image`: it has two dots in a row; remove one of them"),
    ] {
        problem(
            &format!("landwaiter/image.k: {path}"),
            body,
            &[&format!("a.yaml:5:25: error: `landwaiter/image.k` {why}")],
        );
        problem(
            &format!("fluxcd.io/image.k: {path}"),
            body,
            &[&format!("a.yaml:5:24: warning: `fluxcd.io/image.k` {why}")],
        );
    }
    let invalid = parse(&object("Thing", "landwaiter/image.k: spec.text", body));
    assert!(problems(&invalid)[0].contains("leads to no image: its image cannot be read"), "{:?}", problems(&invalid));
    problem(
        "landwaiter/automated: 'true'\nlandwaiter/image.k: spec.img\nlandwaiter/tag.k: v*",
        body,
        &[
            "a.yaml:6:25: error: `landwaiter/image.k` leads nowhere: `spec` has no `img`; there are: image, list, nothing, flag, text",
        ],
    );
}

#[test]
fn a_native_path_that_leads_nowhere_holds_the_others() {
    let pod = |annotation: &str| {
        let body = "spec: {template: {spec: {containers: [{name: web, image: 'a:v1'}]}}}\n";
        parse(&object("Thing", &format!("landwaiter/automated: 'true'\n{annotation}"), body))
    };
    let native = pod("landwaiter/image.k: spec.image");
    let Automation::Held { reason, place } = &native.workloads[0].automation else { panic!("{native:?}") };
    assert_eq!((place.line, native.problems.len()), (6, 1));
    assert_eq!(*reason, native.problems[0].text());
    let flux = pod("fluxcd.io/image.k: spec.image");
    assert_eq!(flux.workloads[0].automation, Automation::On);
    assert_eq!(flux.problems.len(), 1, "{:?}", problems(&flux));
}

/// The paths of a release begin at its values, as Flux has it, and what is told of them as well.
#[test]
fn a_path_that_leads_nowhere_in_values() {
    let text = object(
        "helm.fluxcd.io/v1 HelmRelease",
        "repository.fluxcd.io/k: values.image\ntag.fluxcd.io/k: tag",
        "spec:\n  values:\n    image: a\n    tag: v1\n",
    );
    assert_eq!(
        problems(&parse(&text)),
        [
            "a.yaml:5:29: warning: `repository.fluxcd.io/k` leads nowhere: the top has no `values`; there are: image, tag",
        ]
    );
}

#[test]
fn parts_that_do_not_belong_together() {
    let body = "spec: {image: 'a:v1', tag: v1}\n";
    problem(
        "tag.fluxcd.io/k: spec.tag",
        body,
        &[
            "a.yaml:5:22: error: `tag.fluxcd.io/k` is the path to a part of an image, and nothing says where its repository stands; write `repository.fluxcd.io/k` with the path to the repository",
        ],
    );
    problem(
        "tag.fluxcd.io/k: semver:~1",
        body,
        &[
            "a.yaml:5:22: error: `tag.fluxcd.io/k` is the path to a part of an image, and nothing says where its repository stands; did you mean `filter.fluxcd.io/k`?",
        ],
    );
    problem(
        "fluxcd.io/image.k: spec.image\ntag.fluxcd.io/k: spec.tag",
        body,
        &[
            "a.yaml:5:24: error: `fluxcd.io/image.k` says where the image stands, and `tag.fluxcd.io/k` says so as well; remove one of them",
        ],
    );
}

#[test]
fn what_is_never_changed() {
    let told = |kind: &str, body: &str| problems(&parse(&object(kind, "landwaiter/image.k: spec.image", body)));
    assert_eq!(
        told("image.toolkit.fluxcd.io/v1beta2 ImageRepository", "spec: {image: q.io/a}\n"),
        [
            "a.yaml:5:25: error: `landwaiter/image.k` points into this ImageRepository, whose image is one to look at and not one that runs; remove it, and point at the image where it runs",
        ]
    );
    for kind in ["v1 Secret", "bitnami.com/v1alpha1 SealedSecret"] {
        let told = told(kind, "spec: {image: 'q.io/a:v1'}\n");
        assert!(told[0].contains("which is never changed"), "{told:?}");
        assert_eq!(told.len(), 1);
    }
    let block = "data:\n  app: |\n    image: a:v1\n  line: a:v1\n";
    let at = |path: &str| parse(&object("v1 ConfigMap", &format!("landwaiter/image.k: {path}"), block));
    assert!(problems(&at("data.app"))[0].contains("leads to no image: its image cannot be read"));
    assert_eq!(images(&at("data.line")), ["k a:v1"]);
}

#[test]
fn more_paths_than_an_object_can_mean() {
    let annotations: Vec<String> = (0..101).map(|n| format!("landwaiter/image.a{n:03}: spec.image")).collect();
    let manifest = parse(&object("Thing", &annotations.join("\n"), "spec: {image: 'a:v1'}\n"));
    assert_eq!(manifest.workloads[0].containers.len(), 100);
    assert!(matches!(manifest.workloads[0].automation, Automation::Held { .. }));
    assert!(problems(&manifest)[0].contains("is one of more than 100 paths"), "{:?}", problems(&manifest));
}

//! Files as they come: shapes, bad input, and rewriting.

use super::{Manifest, Scope, is_manifest_path, may_matter, read};
use crate::image::Tag;
use crate::manifest::{Automation, Container, Document, ImageField, Obstacle, Rewritten, Severity, Terms};
use crate::path::RepoPath;
use crate::policy::{Dialect, Dialects};

fn file(path: &str, bytes: impl AsRef<[u8]>) -> Manifest {
    read(&RepoPath::parse(path).unwrap(), bytes.as_ref(), &Terms::default())
}

fn yaml(text: &str) -> Manifest {
    file("a.yaml", text)
}

/// `workload container image@line`, one line each.
fn images(manifest: &Manifest) -> Vec<String> {
    let mut lines = Vec::new();
    for workload in &manifest.workloads {
        for container in &workload.containers {
            let image = &container.image;
            lines.push(format!("{} {} {}@{}", workload.id, container.name, image.reference(), image.place().line));
        }
    }
    lines
}

fn problems(manifest: &Manifest) -> Vec<String> {
    manifest.problems.iter().map(ToString::to_string).collect()
}

/// The file, opened for changes.
fn open(path: &str, text: &str) -> Document {
    Document::open(&RepoPath::parse(path).unwrap(), text.as_bytes()).unwrap()
}

/// The text with these changes, all of which must be possible.
#[track_caller]
fn rewrite(path: &str, text: &str, changes: &[(&ImageField, Tag)]) -> String {
    let Rewritten { bytes, refused } = open(path, text).rewrite(changes);
    assert_eq!(refused, [], "{text}");
    String::from_utf8(bytes).unwrap()
}

/// The file with every image on the tag `new`.
#[track_caller]
fn rewritten(manifest: &Manifest, text: &str) -> String {
    let fields = manifest.workloads.iter().flat_map(|workload| &workload.containers).map(|container| &container.image);
    let changes: Vec<_> = fields.map(|field| (field, Tag::parse("new").unwrap())).collect();
    rewrite(manifest.path.as_str(), text, &changes)
}

/// Reads, compares the images, and rewrites all of them, which must change `:1` to `:new` and no other byte.
#[track_caller]
fn check_file(path: &str, text: &str, expected: &[&str]) {
    let manifest = file(path, text);
    assert_eq!(images(&manifest), expected, "{text}\n{:?}", problems(&manifest));
    assert_eq!(rewritten(&manifest, text), text.replace(":1", ":new"), "{text}");
    for workload in &manifest.workloads {
        for container in &workload.containers {
            assert_eq!(
                &text[container.image.span().unwrap()].replace("\\/", "/"),
                container.image.reference().as_str()
            );
        }
    }
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    check_file("a.yaml", text, expected);
}

#[track_caller]
fn problem(manifest: &Manifest, expected: &[&str]) {
    assert_eq!(problems(manifest), expected);
}

const ON: &str = "annotations: {landwaiter/automated: 'true'}";

#[test]
fn pod_templates_of_every_kind() {
    for kind in ["Deployment", "DaemonSet", "StatefulSet", "ReplicaSet", "ReplicationController", "Job", "Rollout"] {
        check(
            &format!(
                "kind: {kind}\nmetadata: {{name: a, namespace: n}}\nspec:\n  template:\n    spec:\n      containers:\n      - image: x:1 # c\n        name: c\n"
            ),
            &[&format!("n/{kind}/a c x:1@7")],
        );
    }
    check(
        "kind: CronJob\nmetadata: {name: a}\nspec: {jobTemplate: {spec: {template: {spec: {containers: [{name: c, image: 'x:1'}]}}}}}",
        &["-/CronJob/a c x:1@3"],
    );
    check(
        "kind: Pod\nmetadata:\n  generateName: a-\nspec:\n  containers:\n  - name: c\n    image: \"x:1\"\n  initContainers:\n  - {name: i, image: 'localhost:5000/y:1'}\n  ephemeralContainers: [{name: e, image: 'z:1'}]\n",
        &["-/Pod/a- c x:1@7", "-/Pod/a- i localhost:5000/y:1@9", "-/Pod/a- e z:1@10"],
    );
}

#[test]
fn what_is_no_pod_template_has_no_images() {
    check(
        "kind: Prometheus\nmetadata: {name: a}\nspec: {image: 'x:1', containers: [{name: c, image: 'x:1'}]}"
            .replace(":1", ":2")
            .as_str(),
        &[],
    );
    check("kind: ConfigMap\ndata:\n  a: |\n    kind: Pod\n    spec: {containers: [{name: c, image: x}]}\n", &[]);
    check("spec: {template: {spec: {containers: [{name: c, image: x}]}}}", &[]);
    check(
        "kind: CustomResourceDefinition\nspec:\n  versions:\n  - schema:\n      openAPIV3Schema:\n        properties: {image: {type: string}}\n",
        &[],
    );
}

#[test]
fn many_documents_lists_and_sorted_keys() {
    let pod = "kind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, image: 'x:1'}]}\n";
    check(&format!("---\n{pod}---\n# nothing\n---\n{pod}...\n---\n"), &["-/Pod/a c x:1@4", "-/Pod/a c x:1@10"]);
    check(
        "kind: List\nitems:\n- kind: Pod\n  metadata: {name: a}\n  spec: {containers: [{name: c, image: x:1}]}\n- kind: PodList\n  items:\n  - {kind: Pod, metadata: {name: b}, spec: {containers: [{name: d, image: x:1}]}}\n",
        &["-/Pod/a c x:1@5", "-/Pod/b d x:1@8"],
    );
    check("spec: {containers: [{image: x:1, name: c}]}\nmetadata: {name: a}\nkind: Pod", &["-/Pod/a c x:1@1"]);
    let list = yaml("kind: List\nitems:\n- &a\n  kind: Pod\n- *a\n");
    assert_eq!(list.workloads.len(), 0);
}

#[test]
fn json_with_tabs_and_escapes() {
    let text = "{\n\t\"kind\": \"Pod\",\n\t\"metadata\": {\"name\": \"a\",\t\"labels\": {\"x\": \"\\ud83d\\ude00\"}},\n\t\"spec\": {\"containers\": [{\n\t\t\"name\": \"c\",\n\t\t\"image\": \"q.io\\/x:1\"\n\t}]}\n}";
    check_file("a.json", text, &["-/Pod/a c q.io/x:1@6"]);
    check_file("a.yaml", text, &["-/Pod/a c q.io/x:1@6"]);
    check_file(
        "a.json",
        "{\"kind\":\"Pod\",\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"x:1\"}]}}",
        &["-/Pod/- c x:1@1"],
    );
}

#[test]
fn bytes_stay() {
    let pod = "kind: Pod\r\nmetadata: {name: ä}\n# \u{a0}ü\u{2028}\r\nspec:\r\n   containers:\r\n   -  name:  c\r\n      image:   x:1   # x\r\n";
    check(pod, &["-/Pod/ä c x:1@7"]);
    check(&format!("\u{feff}{pod}"), &["-/Pod/ä c x:1@7"]);
    check("%YAML 1.2\n---\nkind: Pod\nspec:\n  containers:\n  - name: c\n    image:\tx:1\n...", &["-/Pod/- c x:1@7"]);
    check("kind: Pod\nspec: {containers: [{name: c, \"image\": &a !!str x:1}]}", &["-/Pod/- c x:1@2"]);
    assert_eq!(rewrite("a.yaml", pod, &[]), pod);
}

#[test]
fn an_image_without_tag_gets_one() {
    let text = "kind: Pod\nspec: {containers: [{name: c, image: 'localhost:5000/x'}, {name: d, image: y}]}";
    assert_eq!(
        rewritten(&yaml(text), text),
        "kind: Pod\nspec: {containers: [{name: c, image: 'localhost:5000/x:new'}, {name: d, image: y:new}]}"
    );
    let text = "kind: Pod\nspec: {containers: [{name: c, image: \"12\"}, {name: c, image: 12:30}]}";
    let sixty = yaml(text);
    let image = |at: usize| &sixty.workloads[0].containers[at].image;
    let tag = Tag::parse("31").unwrap();
    let text = rewrite("a.yaml", text, &[(image(0), tag.clone()), (image(1), tag)]);
    assert_eq!(text, "kind: Pod\nspec: {containers: [{name: c, image: \"12:31\"}, {name: c, image: \"12:31\"}]}");
}

#[test]
fn what_cannot_be_changed_is_known_before() {
    let digest = format!("sha256:{}", "0".repeat(64));
    let text = format!(
        "kind: Pod\nmetadata: {{{ON}}}\nspec:\n  containers:\n  - {{name: a, image: &i x:1}}\n  - {{name: b, image: *i}}\n  - name: c\n    image: >-\n      x:1\n  - {{name: d, image: 'x:1@{digest}'}}\n"
    );
    let manifest = yaml(&text);
    let containers = &manifest.workloads[0].containers;
    let refusal = |container: &Container| container.image.refusal().map(|refusal| refusal.obstacle().clone());
    let refusals: Vec<_> = containers.iter().map(refusal).collect();
    assert_eq!(refusals, [None, None, Some(Obstacle::Block), Some(Obstacle::Pinned)]);
    assert_eq!(manifest.problems.len(), 2, "{:?}", problems(&manifest));
    let change = |at: usize, tag: &str| (&containers[at].image, Tag::parse(tag).unwrap());
    let document = open("a.yaml", &text);
    for changes in [vec![change(0, "2")], vec![change(1, "2")], vec![change(0, "2"), change(1, "3")]] {
        let Rewritten { bytes, refused } = document.rewrite(&changes);
        assert_eq!(bytes, text.as_bytes(), "an anchor changes for all who use it, or not at all");
        assert_eq!(refused.len(), changes.len());
    }
    assert_eq!(rewrite("a.yaml", &text, &[change(0, "2"), change(1, "2")]), text.replacen("x:1", "x:2", 1));
}

#[test]
fn a_field_of_another_file_is_refused() {
    let one = yaml("kind: Pod\nspec: {containers: [{name: c, image: 'x:1'}]}");
    let other = file("b.yaml", "kind: Pod\nspec: {containers: [{name: c, image: 'x:1'}]}");
    let changes = [(&one.workloads[0].containers[0].image, Tag::parse("2").unwrap())];
    assert_eq!(other.path.as_str(), "b.yaml");
    let refused = open("b.yaml", "kind: Pod\nspec: {containers: [{name: c, image: 'x:1'}]}").rewrite(&changes).refused;
    assert_eq!(refused[0].1.obstacle(), &Obstacle::Foreign);
}

#[test]
fn images_that_are_none_are_told_where_somebody_waits() {
    let pod = |metadata: &str| {
        yaml(&format!(
            "kind: Pod\nmetadata: {{{metadata}}}\nspec: {{containers: [{{name: c, image: <x>}}, {{name: d, image: }}]}}"
        ))
    };
    assert_eq!(problems(&pod("name: a")), [""; 0]);
    let asked = problems(&pod(ON));
    assert_eq!(asked.len(), 2);
    assert!(asked[0].starts_with("a.yaml:3:38: error: `c` is not followed: its image cannot be read"), "{asked:?}");
}

#[test]
fn unreadable_files() {
    problem(
        &yaml("apiVersion: v1\na: [b"),
        &[
            "a.yaml:3:1: warning: the file cannot be read: while parsing a flow sequence, expected ',' or ']'; nothing in it is followed until it is valid",
        ],
    );
    let annotated = yaml("metadata: {annotations: {fluxcd.io/automated: 'true'}}\na: b: c\n");
    assert_eq!(annotated.problems[0].severity, Severity::Error);
    assert_eq!(annotated.problems[0].place.line, 2);
    let binary = file("a.yaml", b"apiVersion: v1\nc: \xff\n");
    problem(
        &binary,
        &[
            "a.yaml:2:1: warning: the file cannot be read: the file is not UTF-8 text; nothing in it is followed until it is valid",
        ],
    );
    for foreign in ["a: [b", "// of an editor\n{\"image\": \"debian:12\",}", "services:\n\timage: redis\n"] {
        problem(&yaml(foreign), &[]);
    }
    for empty in ["", "\n", "# only a comment", "---\n---\n", "\u{feff}", "just text", "- a\n- b", "null"] {
        problem(&yaml(empty), &[]);
    }
}

#[test]
fn templates_are_skipped() {
    let template = "kind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: {{ .x }}, image: 'x:1'}]}\n";
    for text in [template, "{{ if .x }}\na: b\n{{ end }}", "{{- if .x }}\nkind: Pod\n{{- end }}"] {
        let manifest = yaml(text);
        assert_eq!(manifest.workloads.len(), 0);
        problem(&manifest, &[]);
    }
    let annotated = yaml(&template.replace("name: a", ON));
    problem(
        &annotated,
        &[
            "a.yaml:3:28: warning: the file has annotations, and `{{` outside quotes makes it a template; templates are never changed: annotate the manifest that uses it, or quote the value",
        ],
    );
    check(
        "kind: Pod\nmetadata: {name: '{{ a }}'}\nspec: {containers: [{name: c, image: x:1}]} # {{ b }}\n",
        &["-/Pod/{{ a }} c x:1@3"],
    );
}

#[test]
fn sealed_files_are_never_touched() {
    let text = format!(
        "kind: Pod\nmetadata: {{{ON}}}\nspec: {{containers: [{{name: c, image: x:1}}]}}\n---\nsops: {{mac: x}}\n"
    );
    let manifest = yaml(&text);
    assert!(matches!(&manifest.workloads[0].automation, Automation::Held { place, .. } if place.line == 5));
    assert_eq!(manifest.problems.len(), 1);
    let quiet = yaml(&text.replace(ON, "name: a"));
    assert!(matches!(quiet.workloads[0].automation, Automation::Held { .. }));
    problem(&quiet, &[]);
}

#[test]
fn doubled_keys_hold() {
    let text =
        format!("kind: Pod\nmetadata: {{{ON}}}\nspec:\n  containers:\n  - name: c\n    image: x:1\n    image: y:1\n");
    let manifest = yaml(&text);
    assert!(matches!(manifest.workloads[0].automation, Automation::Held { .. }));
    problem(
        &manifest,
        &["a.yaml:7:5: error: the key `image` stands here twice, first in line 6; remove one of the two"],
    );
    let quiet = yaml(&text.replace(ON, "name: a"));
    assert!(matches!(quiet.workloads[0].automation, Automation::Held { .. }));
    assert_eq!(quiet.problems[0].severity, Severity::Warning);
    let twice = yaml(
        "kind: Pod\nmetadata: {annotations: {landwaiter/automated: 'true', landwaiter/automated: 'false'}}\nspec: {containers: [{name: c, image: x:1}]}",
    );
    assert!(matches!(twice.workloads[0].automation, Automation::Held { .. }));
}

#[test]
fn aliases_in_the_way_are_told() {
    let hidden =
        yaml(&format!("kind: Pod\nmetadata: {{{ON}}}\nx: &c [{{name: c, image: x:1}}]\nspec: {{containers: *c}}\n"));
    assert_eq!(hidden.problems.len(), 1, "{:?}", problems(&hidden));
    assert!(problems(&hidden)[0].starts_with("a.yaml:4:20: warning: containers behind an alias"));
    let whole = yaml(&format!("x: &s {{}}\nkind: Pod\nmetadata: {{{ON}}}\nspec: *s\n"));
    assert!(
        problems(&whole)[0].starts_with("a.yaml:4:7: warning: containers behind an alias"),
        "{:?}",
        problems(&whole)
    );
    assert_eq!(whole.workloads, []);
    let merged = yaml(
        "x: &a {landwaiter/locked: 'true'}\nkind: Pod\nmetadata: {annotations: {<<: *a, landwaiter/automated: 'true'}}\nspec: {containers: [{name: c, image: x:1}]}\n",
    );
    assert!(matches!(merged.workloads[0].automation, Automation::Held { .. }));
    let read_through = yaml(
        "x: &n c\ny: &v 'true'\nkind: Pod\nmetadata: {annotations: {landwaiter/automated: *v}}\nspec: {containers: [{name: *n, image: x:1}]}\n",
    );
    assert_eq!(read_through.workloads[0].automation, Automation::On);
    assert_eq!(read_through.workloads[0].containers[0].name, "c");
    problem(
        &read_through,
        &[
            "a.yaml:4:48: hint: an alias stands for the value of `landwaiter/automated`, which changes with what it stands for; write \"true\"",
        ],
    );
    let key = yaml(
        "x: &k landwaiter/locked\nkind: Pod\nmetadata: {annotations: {*k : 'true', landwaiter/automated: 'true'}}\nspec: {containers: [{name: c, image: x:1}]}\n",
    );
    assert!(matches!(key.workloads[0].automation, Automation::Held { .. }));
    problem(
        &key,
        &[
            "a.yaml:3:26: warning: annotations behind an alias or a merge key are not read; write them out under `metadata.annotations`",
        ],
    );
}

#[test]
fn annotations_in_the_wrong_place() {
    let template = yaml(&format!(
        "kind: Job\nspec: {{template: {{metadata: {{{ON}}}, spec: {{containers: [{{name: c, image: x:1}}]}}}}}}\n"
    ));
    problem(
        &template,
        &[
            "a.yaml:2:44: warning: `landwaiter/automated` stands on the pod template, where it is not read; move it to `metadata.annotations` of the Job",
        ],
    );
    let other = yaml(&format!("kind: Prometheus\nmetadata: {{{ON}}}\nspec: {{values: {{image: x:1}}}}\n"));
    assert!(problems(&other)[0].starts_with("a.yaml:2:26: warning: this Prometheus shows no image"));
    problem(&yaml("kind: Namespace\nmetadata: {annotations: {fluxcd.io/ignore: 'true'}}"), &[]);
    for kind in ["ConfigMap", "Service", "Namespace"] {
        let told = |annotation: &str, expected: &str| {
            problem(&yaml(&format!("kind: {kind}\nmetadata: {{annotations: {{{annotation}}}}}")), &[expected]);
        };
        told(
            "landwaiter/automatd: 'true'",
            "a.yaml:2:26: error: `landwaiter/automatd` is no key that Landwaiter knows; did you mean `landwaiter/automated`?",
        );
        told(
            "landwaiter/wholly-new: x",
            "a.yaml:2:26: error: `landwaiter/wholly-new` is no key that Landwaiter knows; remove it",
        );
        told(
            "landwaiter/tag-glob: 'a*', landwaiter/order: newest",
            &format!(
                "a.yaml:2:26: warning: `landwaiter/tag-glob` is not heard: this {kind} shows no image; move it to the object that shows the image, or remove it"
            ),
        );
    }
    let advice = |annotation: &str| -> Vec<String> {
        let manifest = yaml(&format!("kind: HelmRelease\nmetadata: {{annotations: {{{annotation}}}}}"));
        problem(&manifest, &[]);
        manifest.advice.iter().map(ToString::to_string).collect()
    };
    assert_eq!(advice("fluxcd.io/wholly-new: x, fluxcd.io/ignore: 'true'"), [""; 0]);
    assert_eq!(
        advice("fluxcd.io/automatd: 'true'"),
        [
            "a.yaml:2:26: error: `fluxcd.io/automatd` is no key that Landwaiter knows; did you mean `fluxcd.io/automated`?"
        ]
    );
    assert_eq!(
        advice("fluxcd.io/automated: 'false', fluxcd.io/tag.x: 'y*'"),
        [
            "a.yaml:2:56: hint: `fluxcd.io/tag.x` is not heard: this HelmRelease shows no image; write the image into its `values`, or remove it"
        ]
    );
    assert_eq!(
        advice("fluxcd.io/automated: 'false', fluxcd.io/tag.x: 'semver:~1.'"),
        [
            "a.yaml:2:73: error: `semver:~1.` is no version constraint: a number is missing behind the last `.` (at character 4); did you mean `~1`?"
        ]
    );
}

#[test]
fn a_cheap_look_before_reading() {
    let path = RepoPath::parse("a.yaml").unwrap();
    for (text, annotated, everything) in [
        ("landwaiter/automated: 'true'", true, true),
        ("\"fluxcd.io\\/automated\": \"true\"", true, true),
        ("flux.weave.works/x", true, true),
        ("image: x", false, true),
        ("kind: Service", false, false),
    ] {
        assert_eq!(may_matter(&path, text.as_bytes(), Scope::Annotated), annotated, "{text}");
        assert_eq!(may_matter(&path, text.as_bytes(), Scope::Everything), everything, "{text}");
    }
    for (path, manifest) in [("a.yaml", true), ("b/a.yml", true), ("a.json", true), ("a.txt", false), ("yaml", false)] {
        assert_eq!(is_manifest_path(&RepoPath::parse(path).unwrap()), manifest, "{path}");
    }
}

proptest::proptest! {
    /// Whatever is thrown into a manifest: reading it neither panics nor loses a byte, and a rewrite
    /// changes the tags and nothing else.
    #[test]
    fn any_text_is_left_whole(
        pieces in proptest::collection::vec((0..40_usize, 0..200_usize), 0..6),
        json in proptest::bool::weighted(0.2),
    ) {
        const TOKENS: [&str; 40] = [
            "{", "}", "[", "]", ":", ": ", "- ", "-", "\n", "\r", "\r\n", "\t", "#", " #", "'", "\"", "\\", "&a ", "*a",
            "!!str ", "!", "|", ">", "? ", "%", "---", "\n...\n", "\n---\n", ",", "<<: ", "  ", "é", "\u{feff}", "@", "{{",
            "\u{2028}", "image: a:1\n", "kind: Pod\n", "sops: {a: b}\n", "landwaiter/automated: 'true'",
        ];
        let mut text = "kind: Pod\nmetadata:\n  annotations: {landwaiter/automated: 'true'}\nspec:\n  containers:\n  - name: a # ü\n    image: x:1\n  - {name: b, image: \"localhost:5000/y:1\"} # z\n".to_owned();
        for (token, at) in pieces {
            let at = (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
            text.insert_str(at, TOKENS[token]);
        }
        let manifest = file(if json { "a.json" } else { "a.yaml" }, &text);
        let Ok(document) = Document::open(&manifest.path, text.as_bytes()) else { return Ok(()) };
        proptest::prop_assert_eq!(document.rewrite(&[]).bytes, text.as_bytes());
        let containers = manifest.workloads.iter().flat_map(|workload| &workload.containers);
        let fields: Vec<_> = containers.map(|container| &container.image).filter(|image| image.refusal().is_none()).collect();
        let changes: Vec<_> = fields.iter().map(|field| (*field, Tag::parse("1.10").unwrap())).collect();
        let Rewritten { bytes: after, refused } = document.rewrite(&changes);
        proptest::prop_assert_eq!(refused, []);
        let again = file(manifest.path.as_str(), &after);
        let found: Vec<(&str, usize)> = again
            .workloads
            .iter()
            .flat_map(|workload| &workload.containers)
            .map(|container| (container.image.reference().as_str(), container.image.place().line))
            .collect();
        proptest::prop_assert_eq!(found.len(), images(&manifest).len());
        let planned = fields.iter().all(|field| {
            let image = field.reference().with_tag(&Tag::parse("1.10").unwrap());
            found.contains(&(image.as_str(), field.place().line))
        });
        proptest::prop_assert!(planned, "{:?}", found);
    }
}

#[test]
fn only_the_dialects_that_are_heard_speak() {
    let pod = |annotation: &str, marker: &str| {
        format!(
            "kind: Pod\nmetadata: {{name: a, annotations: {{{annotation}}}}}\nspec:\n  containers:\n  - name: a\n    image: a:1{marker}\n"
        )
    };
    let heard = |text: &str, dialects: &[Dialect]| {
        let terms = Terms { dialects: Dialects::of(dialects), ..Terms::default() };
        let manifest = read(&RepoPath::parse("a.yaml").unwrap(), text.as_bytes(), &terms);
        manifest.workloads.iter().any(|workload| workload.automated) || !manifest.markers.setters.is_empty()
    };
    let (ours, flux) = (pod("landwaiter/automated: 'true'", ""), pod("fluxcd.io/automated: 'true'", ""));
    let flux2 = pod("", " # {\"$imagepolicy\": \"a:b\"}");
    for (text, dialect) in [(&ours, Dialect::Native), (&flux, Dialect::Flux), (&flux2, Dialect::Flux2)] {
        assert!(heard(text, &Dialect::ALL), "{text}");
        assert!(heard(text, &[dialect]), "{text}");
        assert_eq!(heard(text, &[Dialect::Keel]), dialect == Dialect::Native, "{text}");
    }
}

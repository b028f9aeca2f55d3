//! Markers of one file: what they mark, what they ask for, and the bytes that change.

mod mistakes;

use crate::image::Tag;
use crate::manifest::{Automation, ContainerPolicy, Document, Manifest, Scope, Terms, Workload, may_matter, read};
use crate::path::RepoPath;

fn file(path: &str, text: &str) -> Manifest {
    let path = RepoPath::parse(path).unwrap();
    assert!(may_matter(&path, text.as_bytes(), Scope::Annotated), "{text}");
    read(&path, text.as_bytes(), Terms::builtin())
}

fn yaml(text: &str) -> Manifest {
    file("values.yaml", text)
}

fn problems(manifest: &Manifest) -> Vec<String> {
    manifest.problems.iter().map(ToString::to_string).collect()
}

/// `workload container image: policy`, or in place of the policy what holds.
fn shown(workload: &Workload) -> String {
    let [container] = &workload.containers[..] else { panic!("a marker has one image: {workload:?}") };
    let follows = match (&workload.automation, &container.policy) {
        (Automation::On, ContainerPolicy::Stated(policy)) => policy.to_string(),
        (Automation::On, ContainerPolicy::Invalid { .. }) => "invalid".to_owned(),
        (Automation::Held { .. }, _) => "held".to_owned(),
        (Automation::Locked(lock), _) => format!("locked {:?} {:?} {:?}", lock.by, lock.reason, lock.until),
        other => format!("{other:?}"),
    };
    format!("{} {} {}: {follows}", workload.id, container.name, container.image.reference())
}

fn all(manifest: &Manifest) -> Vec<String> {
    manifest.markers.workloads.iter().map(|workload| shown(workload)).collect()
}

/// The text with the tag `to` in every marked value.
#[track_caller]
fn rewritten(manifest: &Manifest, text: &str, to: &str) -> String {
    let fields = manifest.markers.workloads.iter().map(|workload| &workload.containers[0].image);
    let changes: Vec<_> = fields.map(|field| (field, Tag::parse(to).unwrap())).collect();
    let after = Document::open(&manifest.path, text.as_bytes()).unwrap().rewrite(&changes);
    assert_eq!(after.refused, [], "{text}");
    String::from_utf8(after.bytes).unwrap()
}

/// One marker without problems, and the text with the tag 1.11.0: only `was` becomes `is`.
#[track_caller]
fn check(text: &str, expected: &str, was: &str, is: &str) {
    let manifest = yaml(text);
    assert_eq!((all(&manifest), problems(&manifest)), (vec![expected.to_owned()], vec![]), "{text}");
    assert_eq!(text.matches(was).count(), 1, "{text}");
    assert_eq!(rewritten(&manifest, text, "1.11.0"), text.replace(was, is), "{text}");
}

/// What is wrong, and how many markers are held for it.
#[track_caller]
fn wrong(text: &str, problem: &str, held: usize) {
    let manifest = yaml(text);
    assert_eq!(problems(&manifest), [format!("values.yaml:{problem}")], "{text}");
    let all = all(&manifest);
    assert_eq!(all.len(), held, "{all:?}");
    assert!(all.iter().all(|line| line.ends_with("held") || line.ends_with("invalid")), "{all:?}");
}

/// What a marker on `x:1.0` asks for.
#[track_caller]
fn asks(words: &str, expected: &str) {
    let text = format!("image: x:1.0 # landwaiter: {words}\n");
    let manifest = yaml(&text);
    assert_eq!(all(&manifest), [format!("-/Values/values.yaml image x:1.0: {expected}")], "{words}");
    assert_eq!(problems(&manifest), [""; 0], "{words}");
}

const ONE: &str = "-/Values/values.yaml";

#[test]
fn what_a_marker_marks() {
    let n = "# landwaiter: semver:~1";
    let tilde = "semver:~1";
    // Whole images.
    check(&format!("image: x:1.0 {n}"), &format!("{ONE} image x:1.0: {tilde}"), "1.0", "1.11.0");
    check(
        &format!("a:\n    image:   'x:1.0'     {n}\n\n\nb:  {{c: 1}}\n"),
        &format!("{ONE} a.image x:1.0: {tilde}"),
        "1.0",
        "1.11.0",
    );
    check(
        &format!("\u{feff}a:\r\n- {n}\r\n  q.io/x/y:1.0\r\n"),
        &format!("{ONE} a[0] q.io/x/y:1.0: {tilde}"),
        "1.0",
        "1.11.0",
    );
    check(
        &format!("a: ü # ä\nlist:\n- image: \"x:1.0\"   {n}"),
        &format!("{ONE} list[0].image x:1.0: {tilde}"),
        "1.0",
        "1.11.0",
    );
    check(&format!("image: ghcr.io/x/y {n}\n"), &format!("{ONE} image ghcr.io/x/y: {tilde}"), "x/y", "x/y:1.11.0");
    check(&format!("{n}\nsidecarImage: x\n"), &format!("{ONE} sidecarImage x: {tilde}"), ": x", ": x:1.11.0");
    // Tags, with the repository beside them.
    for (text, image) in [
        (format!("image:\n  repository: a/b\n  tag: \"1.0\" {n}\n"), "image.tag a/b:1.0"),
        (format!("image:\n  tag: v1.0 {n}\n  registry: q.io\n  repository: a/b\n"), "image.tag q.io/a/b:v1.0"),
        (format!("image:\n  repository: a/b\n  {n}\n  tag: 1.0\n"), "image.tag a/b:1.0"),
        (format!("image: {n}\n  repository: a/b\n  tag: 1.0\n"), "image a/b:1.0"),
        (format!("image: {{name: a/b, tag: 1.0}} {n}\n"), "image.tag a/b:1.0"),
        (format!("image: a/b\nimageTag: 1.0 {n}\n"), "imageTag a/b:1.0"),
        (format!("image: a/b\nversion: 1.0 {n}\n"), "version a/b:1.0"),
        (format!("repository: a/b\nbuild: 1.0 {n}\n"), "build a/b:1.0"),
        (format!("images:\n- name: app\n  newName: a/b\n  newTag: 1.0 {n}\n"), "images[app].newTag a/b:1.0"),
        (format!("images:\n- name: app\n  newTag: \"1.0\" {n}\n"), "images[app].newTag app:1.0"),
        (format!("- 1.0 {n} image=a/b\n"), "[0] a/b:1.0"),
        (format!("A: APP_VERSION=1.0 {n} image=a/b\n"), "A a/b:1.0"),
    ] {
        let was = if text.contains("v1.0") { "v1.0" } else { "1.0" };
        check(&text, &format!("{ONE} {image}: {tilde}"), was, "1.11.0");
    }
    // Images in longer texts.
    check(
        &format!("args:\n- --acme-http01-solver-image=quay.io/jetstack/x:v1.0 {n}\n"),
        &format!("{ONE} args[0] quay.io/jetstack/x:v1.0: {tilde}"),
        "v1.0",
        "1.11.0",
    );
    check(
        &format!("url: oci://ghcr.io/a/b:1.0 {n}\n"),
        &format!("{ONE} url ghcr.io/a/b:1.0: {tilde}"),
        "1.0",
        "1.11.0",
    );
    check(
        &format!("cmd: \"run a:2 b:1.0 --now\" {n} image=docker.io/b\n"),
        &format!("{ONE} cmd b:1.0: {tilde}"),
        "1.0",
        "1.11.0",
    );
}

#[test]
fn a_new_value_is_a_string_and_an_old_one_keeps_its_quotes() {
    for (text, to, expected) in [
        ("tag: 1.10 # landwaiter: glob:* image=a", "1.11.0", "tag: 1.11.0 # landwaiter: glob:* image=a"),
        ("tag: 1.10 # landwaiter: glob:* image=a", "1.20", "tag: \"1.20\" # landwaiter: glob:* image=a"),
        ("tag: v1.10   # landwaiter: glob:* image=a", "20240101", "tag: \"20240101\"   # landwaiter: glob:* image=a"),
        ("tag: '5' # landwaiter: glob:* image=a", "6", "tag: '6' # landwaiter: glob:* image=a"),
        ("- \"v\" # landwaiter: glob:* image=a", "v1.29.0-k0s.0", "- \"v1.29.0-k0s.0\" # landwaiter: glob:* image=a"),
        ("- APP_VERSION=1.9.0 # landwaiter: glob:* image=a", "1.10", "- APP_VERSION=1.10 # landwaiter: glob:* image=a"),
        ("- --image=q.io/a:1.0 # landwaiter: glob:*", "1.10", "- --image=q.io/a:1.10 # landwaiter: glob:*"),
        ("[--image=q.io/a:1.0] # landwaiter: glob:*", "1.10", "[--image=q.io/a:1.10] # landwaiter: glob:*"),
        ("- run a,b {q.io/a:1.0} now # landwaiter: glob:*", "2", "- run a,b {q.io/a:2} now # landwaiter: glob:*"),
        ("tag: \"\" # landwaiter: glob:* image=a", "1.0", "tag: \"1.0\" # landwaiter: glob:* image=a"),
    ] {
        let manifest = yaml(text);
        assert_eq!(rewritten(&manifest, text, to), expected);
    }
}

#[test]
fn a_marker_names_the_object_that_it_stands_in() {
    let text = "kind: HelmRelease\nmetadata: {name: web, namespace: shop}\nspec:\n  values:\n    image:\n      repository: a/b\n      tag: 1.0 # landwaiter: semver:1\n---\nkind: List\nitems:\n- kind: ConfigMap\n  metadata: {name: c}\n  data:\n    image: x:1.0 # landwaiter: semver:1\n---\nimage: y:1.0 # landwaiter: semver:1\n";
    let manifest = file("apps/web.yaml", text);
    let expected = [
        "shop/HelmRelease/web spec.values.image.tag a/b:1.0: semver:1",
        "-/ConfigMap/c data.image x:1.0: semver:1",
        "-/Values/web.yaml image y:1.0: semver:1",
    ];
    assert_eq!(all(&manifest), expected);
    assert_eq!(
        rewritten(&manifest, text, "1.1"),
        text.replace("x:1.0", "x:1.1").replace("y:1.0", "y:1.1").replace("tag: 1.0", "tag: \"1.1\"")
    );
}

#[test]
fn the_words_of_a_marker_are_those_of_the_annotations() {
    asks("semver:>=1.0 <2.0", "semver:>=1.0 <2.0");
    asks("semver:>=1.0 <2.0 || 3 order=semver", "semver:>=1.0 <2.0 || 3");
    asks(
        r"regex:main-(\d+) order=numeric extract=$1 exclude=main-7,main-8*",
        r"regex:main-(\d+) order=numeric extract=$1 exclude=main-7,main-8*",
    );
    asks("regexp:v.*", "regex:v.*");
    asks("glob:main-* order=\"newest desc\"", "glob:main-* order=newest desc");
    asks("policy=stable", "stable (semver:*)");
    asks("order=newest", "own family order=newest");
    asks("tag-semver=~1.2 allow-downgrade=true", "semver:~1.2 allow-downgrade=true");
    asks(
        "semver:1 locked=true locked-by=ann locked-reason=\"a talk, at noon\" locked-until=2026-01-31T18:00:00Z",
        "locked Some(\"ann\") Some(\"a talk, at noon\") Some(2026-01-31T18:00:00Z)",
    );
    let off = yaml("image: x:1 # landwaiter: semver:1 automated=false\n");
    assert_eq!(off.markers.workloads[0].automation, Automation::Off);
}

#[test]
fn hands_off() {
    let manifest =
        yaml("a: x:1 # landwaiter: ignore\nb: # landwaiter: ignore=true\n  repository: c\n  tag: 1\n  more: {}\n");
    let ignored: Vec<_> = manifest.markers.ignored.iter().map(|place| (place.line, place.column)).collect();
    assert_eq!((ignored, problems(&manifest)), (vec![(1, 4), (3, 15), (4, 8)], vec![]));
    wrong(
        "a: # landwaiter: ignore\n- x:1\n- y:1\n",
        "1:4: error: the marker stands on a list or mapping that is no image; write it behind the image or the tag, or on the line above",
        0,
    );
}

#[test]
fn templates_are_told_and_the_values_of_an_application_are_read() {
    let template = "image: {{ .x }}:1 # landwaiter: semver:1\n";
    wrong(
        template,
        "1:16: warning: the file has markers, and `{{` outside quotes makes it a template; templates are never changed: annotate the manifest that uses it, or quote the value",
        0,
    );
    let text = "kind: Application\nmetadata: {name: web}\nspec:\n  source:\n    helm:\n      values: |\n        image:\n          repository: a/b\n          tag: 1.0 # landwaiter: semver:1\n";
    check(text, "-/Application/web spec.source.helm.values.image.tag a/b:1.0: semver:1", "1.0", "1.11.0");
}

#[test]
fn setters_wait_for_their_policy() {
    let manifest = yaml(
        "images:\n- name: a\n  newTag: x # {\"$imagepolicy\": \"flux-system:app:tag\"}\n- # {\"$imagepolicy\":\"a:b\"}\n  y:1\n",
    );
    let setters: Vec<_> = manifest
        .markers
        .setters
        .iter()
        .map(|setter| format!("{} {:?} {}", setter.wish, setter.wish.part, setter.place))
        .collect();
    assert_eq!(setters, ["flux-system/app Tag values.yaml:3:13", "a/b Whole values.yaml:4:3"]);
    assert_eq!((manifest.markers.workloads.len(), problems(&manifest)), (0, vec![]));
    let whole = "and nothing else in the comment";
    for (comment, told) in [
        (
            "{\"$imagepolicy\": \"app\"}",
            "`app` is no `namespace:name` of a policy; write both, as in `flux-system:app`",
        ),
        ("{\"$imagepolicy\": \":app\"}", "`:app` is no `namespace:name` of a policy; "),
        ("{\"$imagepolicy\": \"a:b:tga\"}", "`a:b:tga` asks for the unknown part `tga`; did you mean `:tag`?"),
        ("{\"$imagepolicy\": \"a:b:tag:x\"}", "`a:b:tag:x` asks for the unknown part `tag:x`; "),
        ("{\"$imagepolicy\": 7}", whole),
        ("{\"$imagepolicy\": \"a:b\"} # keep", whole),
        ("{'$imagepolicy': 'a:b'}", whole),
        ("{\"x\": \"$imagepolicy\"}", whole),
    ] {
        let manifest = yaml(&format!("image: x:1 # {comment}\n"));
        let [problem] = &problems(&manifest)[..] else { panic!("{comment}: {:?}", problems(&manifest)) };
        assert!(problem.starts_with("values.yaml:1:12: error: ") && problem.contains(told), "{problem}");
        assert!(all(&manifest)[0].ends_with("held"), "{:?}", all(&manifest));
    }
    wrong(
        "image: # {\"$imagepolicy\": \"a:b\"}\n  repository: a\n  tag: 1\n",
        "1:8: error: the marker stands on a list or mapping that is no image; write it behind the image or the tag, or on the line above",
        0,
    );
}

#[test]
fn many_markers_take_linear_time() {
    let text: Vec<_> = (0..20_000).map(|n| format!("k{n}: x:1 # landwaiter: semver:1\n")).collect();
    assert_eq!(yaml(&text.concat()).markers.workloads.len(), 20_000);
    let prose = "# landwaiter: semver:1\n".repeat(20_000);
    assert_eq!(yaml(&prose).problems.len(), 20_000);
}

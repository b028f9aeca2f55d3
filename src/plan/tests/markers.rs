//! Comments that name policies of Flux version 2, and images with a marker and another owner.

use super::{plan_of, survey, verdicts, write};
use crate::manifest::Scope;
use crate::path::RepoPath;

/// The verdicts, the problems, and the files after the changes, as they were where nothing changes.
#[track_caller]
fn drawn(files: &[(&str, &str)], tags: &str) -> (Vec<String>, Vec<String>, Vec<String>) {
    let inventory = survey(files, Scope::Annotated);
    let mut plan = plan_of(&inventory, tags);
    write(&mut plan, files);
    let after = |path: &str, text: &str| {
        let change = plan.changes.iter().find(|change| change.path.as_str() == path);
        change.map_or(text.to_owned(), |change| String::from_utf8(change.after.clone()).unwrap())
    };
    let texts = files.iter().map(|(path, text)| after(path, text)).collect();
    (verdicts(&plan), inventory.problems().iter().map(ToString::to_string).collect(), texts)
}

/// One file with markers, beside these objects: the verdicts and problems, and the changes in the file.
#[track_caller]
fn check(objects: &str, text: &str, expected: &[&str], problems: &[&str], changes: &[(&str, &str)]) {
    let (verdicts, told, texts) = drawn(&[("objects.yaml", objects), ("web.yaml", text)], TAGS);
    assert_eq!(verdicts, expected, "{text}\n{told:#?}");
    assert_eq!(told.len(), problems.len(), "{text}\n{told:#?}");
    for (told, expected) in told.iter().zip(problems) {
        assert!(told.contains(expected), "{told}\n{expected}");
    }
    let expected = changes.iter().fold(text.to_owned(), |text, (was, is)| text.replace(was, is));
    assert_eq!(texts[1], expected);
    assert_eq!(texts[0], objects);
}

const TAGS: &str = "ghcr.io/org/app: main-aaaaaaa-1700000000 main-bbbbbbb-1700000100 dev-ccccccc-1700000200 1.0 latest";

/// An `ImagePolicy` and an `ImageRepository` in `flux-system`.
fn objects(policy: &str, repository: &str) -> String {
    format!(
        "apiVersion: image.toolkit.fluxcd.io/v1beta2\nkind: ImagePolicy\nmetadata: {{name: app, namespace: flux-system}}\nspec:\n  imageRepositoryRef: {{name: app-images}}\n{policy}---\napiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageRepository\nmetadata: {{name: app-images, namespace: flux-system}}\nspec:\n{repository}"
    )
}

const MAIN: &str =
    "  filterTags: {pattern: '^main-[a-fA-F0-9]+-(?P<ts>.*)', extract: $ts}\n  policy: {numerical: {order: asc}}\n";
const IMAGE: &str = "  image: ghcr.io/org/app\n  interval: 1h\n";

const OLD: &str = "main-aaaaaaa-1700000000";
const NEW: &str = "main-bbbbbbb-1700000100";

#[test]
fn every_place_of_a_policy_moves() {
    let all = objects(MAIN, IMAGE);
    let both = &[(OLD, NEW)];
    check(
        &all,
        "a:\n    image: ghcr.io/org/app:main-aaaaaaa-1700000000   # {\"$imagepolicy\": \"flux-system:app\"}\n\n\nargs:\n- \"--image=ghcr.io/org/app:main-aaaaaaa-1700000000\" # {\"$imagepolicy\": \"flux-system:app\"}\n# {\"$imagepolicy\": \"flux-system:app:tag\"}\n- VERSION=main-aaaaaaa-1700000000\n- \"v\" # {\"$imagepolicy\": \"flux-system:app:tag\"}\n",
        &[&format!("a.image {NEW}"), &format!("args[0] {NEW}"), &format!("args[1] {NEW}"), &format!("args[2] {NEW}")],
        &[],
        &[(OLD, NEW), ("\"v\"", "\"main-bbbbbbb-1700000100\"")],
    );
    check(
        &all,
        "images:\n- name: app\n  newName: ghcr.io/org/app # {\"$imagepolicy\": \"flux-system:app:name\"}\n  newTag: main-aaaaaaa-1700000000 # {\"$imagepolicy\": \"flux-system:app:tag\"}\n",
        &[&format!("images[app].newTag {NEW}")],
        &[],
        both,
    );
    // A chart adds the registry.
    check(
        &all,
        "repository: org/app\ntag: main-aaaaaaa-1700000000 # {\"$imagepolicy\": \"flux-system:app:tag\"}\n",
        &[&format!("tag {NEW}")],
        &[],
        both,
    );
}

#[test]
fn the_policies_of_the_guides() {
    for (policy, tags, from, to) in [
        (MAIN, "main-1-9 main-2-10 dev-3-11", "main-1-9", "main-2-10"),
        (
            "  filterTags: {pattern: '^main-[a-fA-F0-9]+-(?P<ts>[1-9][0-9]*)', extract: '$ts'}\n  policy: {numerical: {order: asc}}\n",
            "main-a-9 main-b-10 main-c-x",
            "main-a-9",
            "main-b-10",
        ),
        (
            "  filterTags: {pattern: '^.+-[a-f0-9]+-(?P<ts>[0-9]+)', extract: '$ts'}\n  policy: {numerical: {}}\n",
            "main-a-9 dev-b-10",
            "main-a-9",
            "dev-b-10",
        ),
        (
            "  filterTags: {pattern: '[a-f0-9]+-(?P<ts>[0-9]+)', extract: '$ts'}\n  policy: {numerical: {order: asc}}\n",
            "a-9 b-10 c",
            "a-9",
            "b-10",
        ),
        (
            "  filterTags: {pattern: '^RELEASE\\.(?P<timestamp>.*)Z$', extract: '$timestamp'}\n  policy: {alphabetical: {order: asc}}\n",
            "RELEASE.2023-01-02T00-00-00Z RELEASE.2024-01-02T00-00-00Z x",
            "RELEASE.2023-01-02T00-00-00Z",
            "RELEASE.2024-01-02T00-00-00Z",
        ),
        ("  policy: {semver: {range: '>=1.0.0'}}\n", "1.0.0 1.1.0 2.0.0-rc.1 3 4.0", "1.0.0", "1.1.0"),
        ("  policy: {semver: {range: '>=1.0.0 <2.0.0'}}\n", "1.0.0 v1.9.0 2.0.0", "1.0.0", "v1.9.0"),
        ("  policy: {semver: {range: '>=1.0.0-0'}}\n", "1.0.0 1.1.0-rc.1", "1.0.0", "1.1.0-rc.1"),
        (
            "  filterTags: {pattern: '.*-rc.*'}\n  policy: {semver: {range: '^1.x-0'}}\n",
            "1.0.0-rc.1 1.0.0-rc.2 1.0.0 2.0.0-rc.1",
            "1.0.0-rc.1",
            "1.0.0-rc.2",
        ),
        (
            "  filterTags: {pattern: '^(?P<semver>[0-9]*\\.[0-9]*\\.[0-9]*)-(alpine[0-9]*\\.[0-9]*)', extract: '$semver'}\n  policy: {semver: {range: '>=1.0.0'}}\n",
            "0.9.9-alpine3.9 7.2.3-alpine3.20 7.2.4-alpine3.18 7.2.4-alpine3.20 7.2.4-alpine3.19 8.0.0-bookworm",
            "7.2.3-alpine3.20",
            "7.2.4-alpine3.20",
        ),
        ("  policy: {alphabetical: {}}\n", "xenial yakkety zesty artful bionic", "artful", "zesty"),
        ("  policy: {alphabetical: {order: DESC}}\n", "xenial yakkety zesty artful bionic", "zesty", "artful"),
        ("  policy: {numerical: {order: desc}}\n", "3 2 1 latest", "3", "1"),
        ("  filterTags: {pattern: '', extract: ''}\n  policy: {numerical: {}}\n", "9 10 latest", "9", "10"),
    ] {
        let text = format!("image: ghcr.io/org/app:{from} # {{\"$imagepolicy\": \"flux-system:app\"}}\n");
        let all = objects(policy, IMAGE);
        let (verdicts, problems, texts) =
            drawn(&[("o.yaml", &all), ("w.yaml", &text)], &format!("ghcr.io/org/app: {tags}"));
        assert_eq!((verdicts, problems), (vec![format!("image {to}")], vec![]), "{policy}");
        assert_eq!(texts[1].replace('"', ""), text.replace(from, to).replace('"', ""));
    }
}

#[test]
fn what_is_not_supported_yet_holds() {
    let text = "image: ghcr.io/org/app:main-aaaaaaa-1700000000 # {\"$imagepolicy\": \"flux-system:app\"}\n";
    for (policy, repository, told) in [
        ("  policy: {semver: {range: '>=1.0.0 &'}}\n", IMAGE, "`policy.semver.range`: "),
        ("  filterTags: {extract: $v}\n  policy: {semver: {range: '*'}}\n", IMAGE, "`filterTags.extract`: "),
        ("  policy: {semver: {}}\n", IMAGE, "`policy.semver.range`: "),
        ("  policy: {}\n", IMAGE, "`spec.policy` says no order"),
        ("  policy: {numerical: {order: up}}\n", IMAGE, "`policy.numerical.order`: `up` is neither `asc` nor `desc`"),
        ("  filterTags: {pattern: '^main-('}\n  policy: {numerical: {}}\n", IMAGE, "`filterTags.pattern`: "),
        (
            "  filterTags: {pattern: '^(\\d+)-(\\d+)$', extract: '$1x$2'}\n  policy: {numerical: {}}\n",
            IMAGE,
            "names the group `1x`",
        ),
        ("  filterTags: {extract: $ts}\n  policy: {numerical: {}}\n", IMAGE, "`filterTags.extract`: "),
        (
            "  policy: {numerical: {}}\n  digestReflectionPolicy: Always\n  interval: 10m\n",
            IMAGE,
            "objects.yaml:7:27: error: the ImagePolicy flux-system/app asks for digests, and whole images with their digest are not supported yet; remove `digestReflectionPolicy`, or mark the tag alone with `:tag`",
        ),
        (MAIN, "  image: ghcr.io/org/app:1.0\n", "`spec.image` is to name a repository alone; write `ghcr.io/org/app`"),
        (MAIN, "  image: https://ghcr.io/org/app\n", "`spec.image` is no repository: "),
    ] {
        check(&objects(policy, repository), text, &["image mistake"], &[told], &[]);
    }
    let excluded = "  image: ghcr.io/org/app\n  exclusionList: ['^.*\\.sig$']\n";
    check(&objects(MAIN, excluded), text, &[&format!("image {NEW}")], &[], &[(OLD, NEW)]);
    let suspended = format!("{MAIN}  suspend: true\n");
    check(&objects(&suspended, IMAGE), text, &["image locked"], &[], &[]);
    check(&objects(MAIN, &format!("{IMAGE}  suspend: true\n")), text, &["image locked"], &[], &[]);
    // What is wrong with a policy is told though nobody waits for it.
    check(
        &objects("  policy: {semver: {range: x1}}\n", IMAGE),
        "a: landwaiter\n",
        &[],
        &["`policy.semver.range`: "],
        &[],
    );
}

#[test]
fn a_marker_that_names_nothing() {
    let all = objects(MAIN, IMAGE);
    let marked = |name: &str| format!("image: ghcr.io/org/app:1.0 # {{\"$imagepolicy\": \"{name}\"}}\n");
    check(
        &all,
        &marked("flux-system:ap"),
        &["image mistake"],
        &[
            "web.yaml:1:28: error: there is no ImagePolicy flux-system/ap in this repository; did you mean `flux-system/app`? There are: flux-system/app",
        ],
        &[],
    );
    check(
        &all,
        &marked("other:app"),
        &["image mistake"],
        &["there is no ImagePolicy other/app in this repository; there are: flux-system/app"],
        &[],
    );
    check(
        "a: landwaiter\n",
        &marked("a:b"),
        &["image mistake"],
        &[
            "there is no ImagePolicy a/b in this repository; add it below the paths that are looked at; there is no ImagePolicy at all",
        ],
        &[],
    );
    let alone = all.split("---").next().unwrap();
    check(
        alone,
        &marked("flux-system:app"),
        &["image mistake"],
        &[
            "objects.yaml:5:30: error: the ImagePolicy flux-system/app is not followed: there is no ImageRepository flux-system/app-images in this repository; add it below the paths that are looked at; there is no ImageRepository at all",
        ],
        &[],
    );
    // A tag by itself says no image that could be held.
    check(&all, "- 1.0 # {\"$imagepolicy\": \"a:b:tag\"}\n", &[], &["there is no ImagePolicy a/b"], &[]);
}

#[test]
fn objects_without_a_namespace_and_objects_twice() {
    let text = "image: ghcr.io/org/app:main-aaaaaaa-1700000000 # {\"$imagepolicy\": \"flux-system:app\"}\n";
    let all = objects(MAIN, IMAGE);
    let open = all.replace(", namespace: flux-system", "");
    let new = format!("image {NEW}");
    check(&open, text, &[&new], &[], &[(OLD, NEW)]);
    check(&format!("{all}---\n{all}"), text, &[&new], &[], &[(OLD, NEW)]);
    // The one of the namespace that is named counts.
    let elsewhere = all.replace("namespace: flux-system", "namespace: other").replace("main-", "dev-");
    check(&format!("{all}---\n{elsewhere}"), text, &[&new], &[], &[(OLD, NEW)]);
    let differs = all.replace("main-", "dev-");
    check(
        &format!("{all}---\n{differs}"),
        text,
        &["image mistake"],
        &[
            "there are several of the name ImagePolicy flux-system/app, and they differ: objects.yaml:1:1 and objects.yaml:16:1",
        ],
        &[],
    );
    check(
        &format!("{open}---\n{elsewhere}"),
        text,
        &["image mistake"],
        &["there is no ImagePolicy flux-system/app"],
        &[],
    );
}

#[test]
fn the_image_of_a_marker_is_that_of_its_policy() {
    let all = objects(MAIN, IMAGE);
    let tag = "# {\"$imagepolicy\": \"flux-system:app:tag\"}";
    let whole = "# {\"$imagepolicy\": \"flux-system:app\"}";
    check(
        &all,
        &format!("image: ghcr.io/org/other:1.0 {whole}\n"),
        &["image mistake"],
        &["web.yaml:1:30: error: the image here is `ghcr.io/org/other`, and the marker means `ghcr.io/org/app`"],
        &[],
    );
    check(
        &all,
        &format!("newTag: main-aaaaaaa-1700000000 {whole}\n"),
        &[],
        &[
            "`main-aaaaaaa-1700000000` is no image of `ghcr.io/org/app`, which the policy `flux-system/app` is for; for the tag alone write `flux-system:app:tag`",
        ],
        &[],
    );
    check(
        &all,
        &format!("repository: ghcr.io/org/other\ntag: 1.0 {tag}\n"),
        &["tag mistake"],
        &["the image here is `ghcr.io/org/other`, and the marker means `ghcr.io/org/app`"],
        &[],
    );
    check(
        &all,
        &format!("images:\n- name: other\n  newTag: 1.0 {tag}\n"),
        &["images[other].newTag mistake"],
        &["the image here is `other`, and"],
        &[],
    );
    check(
        &all,
        &format!("url: https://x/download/v1.0/y {tag}\n"),
        &[],
        &["nothing in `https://x/download/v1.0/y` can be the tag"],
        &[],
    );
    let digest = format!("sha256:{}", "0".repeat(64));
    check(&all, &format!("tag: 1.0@{digest} {tag}\n"), &["tag pinned"], &["cannot be changed"], &[]);
    check(&all, &format!("tag: 1.0 {tag}\ndigest: {digest}\n"), &["tag uneditable"], &["cannot be changed"], &[]);
}

#[test]
fn no_new_tag_beside_an_old_digest_or_another_name() {
    let all = objects(MAIN, IMAGE);
    let text = |name: &str, digest: &str| {
        format!(
            "images:\n- name: app\n  newName: {name} # {{\"$imagepolicy\": \"flux-system:app:name\"}}\n  newTag: main-aaaaaaa-1700000000 # {{\"$imagepolicy\": \"flux-system:app:tag\"}}\n{digest}"
        )
    };
    let digest = "  newDigest: sha256:1234 # {\"$imagepolicy\": \"flux-system:app:digest\"}\n";
    let held = "images[app].newTag mistake";
    check(
        &all,
        &text("ghcr.io/org/app", digest),
        &[held],
        &["web.yaml:5:26: error: the part `:digest` is not supported yet"],
        &[],
    );
    check(
        &all,
        &text("ghcr.io/org/other", ""),
        &[held],
        &[
            "web.yaml:3:30: error: the marker names the repository `ghcr.io/org/app`, and `ghcr.io/org/other` stands here",
        ],
        &[],
    );
    let unknown = digest.replace("flux-system:app", "flux-system:nobody");
    check(
        &all,
        &text("ghcr.io/org/app", &unknown),
        &[held],
        &["web.yaml:5:26: error: there is no ImagePolicy flux-system/nobody"],
        &[],
    );
}

#[test]
fn a_marker_and_an_annotation_on_one_image() {
    let pod = |annotations: &str, marker: &str| {
        format!(
            "kind: Pod\nmetadata: {{name: a, annotations: {{{annotations}}}}}\nspec:\n  containers:\n  - name: c\n    image: x:1.0 # landwaiter: {marker}\n  - name: d\n    image: x:1.0\n"
        )
    };
    let check = |annotations: &str, marker: &str, expected: &[&str], problem: &str| {
        let (verdicts, problems, _) = drawn(&[("a.yaml", &pod(annotations, marker))], "x: 1.0 1.1 2.0");
        assert_eq!(verdicts, expected, "{annotations} {marker}: {problems:#?}");
        assert_eq!(problems.is_empty(), problem.is_empty(), "{problems:#?}");
        assert!(problems.first().is_none_or(|first| first.contains(problem)), "{problems:#?}");
    };
    let on = "landwaiter/automated: 'true', landwaiter/tag-semver: '1'";
    let path = "spec.containers[c].image";
    // Nobody else asks for anything.
    check("", "semver:1", &[&format!("{path} 1.1")], "");
    // Both ask for the same.
    check(on, "semver:1", &[&format!("{path} 1.1"), "d 1.1"], "");
    // They do not.
    let off = "landwaiter/automated: 'false'";
    check(off, "semver:1", &[&format!("{path} mistake")], "wants it not to be automated");
    let held = ["c mistake", "d 1.1", &format!("{path} mistake")];
    check(on, "semver:2", &held, "two owners of this image disagree");
    check(
        on,
        "semver:1 locked=true",
        &["c mistake", "d 1.1", &format!("{path} locked")],
        "two owners of this image disagree",
    );
    check(
        &format!("{on}, landwaiter/locked: 'true'"),
        "semver:1",
        &["c locked", "d locked", &format!("{path} mistake")],
        "two owners",
    );
    check(
        &format!("{on}, landwaiter/ignore: 'true'"),
        "semver:1",
        &["c ignored", "d ignored", &format!("{path} mistake")],
        "two owners",
    );
    // Hands off one of two.
    check(on, "ignore", &["c ignored", "d 1.1"], "");
    check("", "ignore", &[], "");
    check(on, "semver:1 ignore=true", &["c ignored", "d 1.1"], "");
}

#[test]
fn what_somebody_took_back_is_not_proposed_again() {
    let path = RepoPath::parse("a.yaml").unwrap();
    for (now, then, expected) in [
        ("- --image=quay.io/x:1.0 # landwaiter: semver:1\n", "- --image=quay.io/x:1.1\n", "[0] refused"),
        ("- --image=quay.io/x:1.0 # landwaiter: semver:1\n", "- --image=quay.io/y:1.1\n", "[0] 1.1"),
        ("- V=1.0 # landwaiter: semver:1 image=quay.io/x\n", "- V=1.1\n", "[0] refused"),
        ("tag: 1.0 # landwaiter: semver:1 image=quay.io/x\n", "tag: '1.1'\n", "tag refused"),
    ] {
        let inventory = survey(&[("a.yaml", now)], Scope::Annotated);
        let mut plan = plan_of(&inventory, "quay.io/x: 1.0 1.1");
        let mut page = plan.page(&path, now.as_bytes().to_vec());
        page.recall("commit", then.as_bytes());
        page.write();
        assert_eq!(verdicts(&plan), [expected], "{now} after {then}");
    }
}

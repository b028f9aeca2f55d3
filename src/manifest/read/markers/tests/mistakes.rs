//! Markers that are wrong, or stand where none can be followed: what is told, and what is held.

use super::{all, file, problems, wrong, yaml};
use crate::manifest::Obstacle;

#[test]
fn a_wrong_word_holds() {
    for (words, problem) in [
        ("semver:~1.2 polcy=stable", "error: `polcy` is no key that Landwaiter knows; did you mean `policy`?"),
        ("semver:~1. order=newest", "error: `semver:~1.` "),
        ("semver:~1 window=Mon-Fri", "error: `window` is not supported yet; "),
        (
            "semver:~1 min-age=7",
            "error: min-age `7` is no length of time: it has no unit; write one such as `24h`, `7d` or `2w`",
        ),
        (
            "semver:~1 policy=stable",
            "error: `policy` and `semver:` (line 1) both say which tags are meant; remove one of them",
        ),
        ("policy=stabel", "error: there is no policy `stabel`; did you mean `stable`?"),
        ("semver:~1 order.web=newest", "error: `order.web` speaks about `web`, and there is no image of that name; "),
        ("semver:~1 order=semver order=newest", "error: `order=` stands twice; remove one of the two"),
        ("semver:~1 locked-reason=\"x", "error: the value of `locked-reason=` has no `\"` at its end; write one"),
        (
            "semver:~1 locked-reason=\"x\"y",
            "error: the value of `locked-reason=` goes on behind its `\"`; write a blank there",
        ),
        ("policy=stable for now", "error: `for` is no `word=value`; "),
        (
            "policy=stable image=x:1",
            "error: `image=x:1` names a tag or digest, and a repository is wanted; write `image=x`",
        ),
        ("policy=stable image=X", "error: `image=X` names no repository: "),
        ("smever:~1", "error: `landwaiter:` begins a marker, and `smever:~1` is none; did you mean `semver:`?"),
        ("ignroe", "error: `landwaiter:` begins a marker, and `ignroe` is none; did you mean `ignore`?"),
        ("ignore=maybe", "error: `ignore` says `maybe`; write \"true\", or remove it"),
        ("semver:~1 # really", "error: "),
    ] {
        let manifest = yaml(&format!("image: x:1.0 # landwaiter: {words}\n"));
        let [first, ..] = &problems(&manifest)[..] else { panic!("{words}: no problem") };
        assert!(first.starts_with(&format!("values.yaml:1:14: {problem}")), "{words}: {first}");
        let [only] = &all(&manifest)[..] else { panic!("{words}: {:?}", all(&manifest)) };
        assert!(only.ends_with("held") || only.ends_with("invalid"), "{words}: {only}");
    }
}

#[test]
fn a_remark_is_no_marker() {
    let mend = "begin it with `semver:`, `glob:`, `regex:`, `ignore` or a word such as `policy=stable`, or write the remark without the colon";
    for text in ["see the wiki", "main-*", ""] {
        let problem = format!("1:14: warning: `landwaiter:` begins a marker, and `{text}` is none; {mend}");
        wrong(&format!("image: x:1.0 # landwaiter: {text}"), &problem, 0);
    }
    wrong(
        "image: x:1 # landwaiter semver:~1",
        "1:12: warning: the comment looks like a marker, and there is no colon behind `landwaiter`; write `landwaiter:`",
        0,
    );
    for quiet in [
        "image: x:1 # see landwaiter: semver:~1\n",
        "# image: x:1 # landwaiter: semver:~1\nkind: x\n",
        "# landwaiter/automated: \"true\"\nimage: x:1\n",
        "image: x:1 # landwaiter looks after this\n",
        "text: |\n  image: x:1 # landwaiter: semver:~1\n",
        "text: 'x # landwaiter: semver:~1'\n",
        "image: x:1 # {\"other\": \"$imagepolicy\"} or so\n".replace("{\"other\"", "see {\"other\"").as_str(),
    ] {
        let manifest = yaml(quiet);
        assert_eq!((all(&manifest), problems(&manifest)), (vec![], vec![]), "{quiet}");
    }
    let json = file("a.json", "{\"a\": \"x:1 # landwaiter: semver:~1\"}");
    assert_eq!((all(&json), problems(&json)), (vec![], vec![]));
}

#[test]
fn capitals_are_told_and_hold() {
    for comment in
        ["Landwaiter: semver:~1", "LANDWAITER: policy=stable", "LandWaiter : ignore", "Landwaiter: smever:~1"]
    {
        wrong(
            &format!("image: x:1.0 # {comment}\n"),
            "1:14: error: the comment looks like a marker, and `landwaiter` is not in lower case; write `landwaiter:`",
            1,
        );
    }
    for key in ["$imagePolicy", "$ImagePolicy"] {
        wrong(
            &format!("image: x:1.0 # {{\"{key}\": \"ns:app\"}}\n"),
            "1:14: error: Flux knows no such key, since capitals count, and passes over the marker; write `$imagepolicy` in lower case",
            1,
        );
    }
    for quiet in ["Landwaiter: the tool that moves this", "Landwaiter semver", "ÄÖLandwaiter: ignore"] {
        let manifest = yaml(&format!("image: x:1.0 # {quiet}\n"));
        assert_eq!((all(&manifest), problems(&manifest)), (vec![], vec![]), "{quiet}");
    }
}

#[test]
fn the_name_of_a_kustomize_entry_is_never_changed() {
    let told = |key: &str, place: &str| {
        format!(
            "{place}: error: the marker stands on the `{key}` of an image, `x:1.0`, whose tag is not the one that counts; write the tag as `newTag`, and the marker behind it"
        )
    };
    for (path, text, key, place) in [
        ("kustomization.yaml", "images:\n- name: x:1.0 # landwaiter: semver:~1\n", "name", "2:15"),
        ("kustomization.yaml", "images:\n- name: x\n  newName: x:1.0 # landwaiter: semver:~1\n", "newName", "3:18"),
        (
            "a.yaml",
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nspec:\n  images:\n  - name: x:1.0 # landwaiter: semver:~1\n",
            "name",
            "5:17",
        ),
        (
            "a.yaml",
            "kind: HelmRelease\nspec:\n  postRenderers:\n  - kustomize:\n      images:\n      - name: x:1.0 # landwaiter: semver:~1\n",
            "name",
            "6:21",
        ),
    ] {
        let manifest = file(path, text);
        assert!(problems(&manifest).contains(&format!("{path}:{}", told(key, place))), "{:?}", problems(&manifest));
        assert!(all(&manifest).iter().all(|one| one.ends_with("held")), "{:?}", all(&manifest));
    }
    let elsewhere = file("ci.yaml", "images:\n- name: x:1.0 # landwaiter: semver:~1\n");
    assert_eq!((all(&elsewhere).len(), problems(&elsewhere)), (1, vec![]));
}

#[test]
fn a_marker_without_an_image() {
    let n = "# landwaiter: semver:1";
    let behind = "write it behind the image or the tag, or on the line above";
    let image = "say which image is meant with `image=ghcr.io/org/app`";
    wrong(
        &format!("a: 1\n{n}\n"),
        "2:1: error: the marker marks nothing; write it on the line above a value, or behind it",
        0,
    );
    wrong(
        &format!("a: 1\n{n}\n---\nb: 1\n"),
        "2:1: error: the marker marks nothing; write it on the line above a value, or behind it",
        0,
    );
    wrong(
        &format!("image: {n}\nb: 1\n"),
        "1:8: error: the marker stands on a key without a value; write the image or the tag that is deployed now",
        0,
    );
    wrong(
        &format!("a: {n}\n- x:1\n- y:1\n"),
        &format!("1:4: error: the marker stands on a list or mapping that is no image; {behind}"),
        0,
    );
    wrong(
        &format!("a: {n}\n  b: c\n"),
        &format!("1:4: error: the marker stands on a list or mapping that is no image; {behind}"),
        0,
    );
    wrong(
        &format!("replicas: 3 {n}\n"),
        &format!("1:13: error: `3` is no image, and no repository stands beside it; {image}"),
        0,
    );
    wrong(
        &format!("env: A=1.0 {n}\n"),
        &format!("1:12: error: `A=1.0` is no image, and no repository stands beside it; {image}"),
        0,
    );
    wrong(
        &format!("- {{name: APP, value: 1.0}} {n}\n"),
        &format!("1:27: error: `1.0` is no image, and no repository stands beside it; {image}"),
        0,
    );
    wrong(
        &format!("cmd: a:1 b:2 {n}\n"),
        &format!("1:14: error: the text says several images, `a:1` and `b:2`; {image}"),
        0,
    );
    wrong(
        &format!("cmd: a:1 a:2 {n} image=a\n"),
        &format!("1:14: error: the text says several images, `a:1` and `a:2`; {image}"),
        0,
    );
    wrong(
        &format!("image: >- {n}\n  x:1\n"),
        "1:11: error: the marker stands on a block of text, which is never changed; write the value on one line behind its key",
        0,
    );
    wrong(
        &format!("image: a/b:1 {n} image=q.io/a/b\n"),
        "1:14: error: the image here is `a/b`, and the marker means `q.io/a/b`; have both name the same image",
        1,
    );
    wrong(
        &format!("env: A=1.0 B=2.0 {n} image=a\n"),
        "1:18: error: nothing in `A=1.0 B=2.0` can be the tag; write the tag at the end of the value, behind a `=`, a `:` or a blank",
        0,
    );
    wrong(
        &format!("repository: a/b {n}\ntag: 1\n"),
        "1:17: error: the tag of this image stands under a key of its own; write the marker behind the tag",
        0,
    );
    wrong(
        &format!("repository: a/b\ntag: 1.0 {n} image=q.io/c\n"),
        "2:10: error: the image here is `a/b`, and the marker means `q.io/c`; have both name the same image",
        1,
    );
}

#[test]
fn two_markers_of_one_value_must_say_the_same() {
    let manifest = yaml("# landwaiter: semver:1\nimage: x:1.0 # landwaiter: semver:1\n");
    assert_eq!((all(&manifest).len(), problems(&manifest)), (1, vec![]));
    wrong(
        "# landwaiter: semver:1\nimage: x:1.0 # landwaiter: semver:2\n",
        "2:14: error: the value is marked twice, and the marker in line 1 says something else; remove one of the two",
        1,
    );
    let both = yaml("# landwaiter: semver:1\nimage: x:1.0 # {\"$imagepolicy\": \"a:b\"}\n");
    assert!(all(&both)[0].ends_with("held"), "{:?}", all(&both));
}

#[test]
fn flux_reads_a_marker_above_a_value_only_where_no_other_comment_stands() {
    let marker = "# {\"$imagepolicy\": \"a:b\"}";
    let told = |place: &str, line: usize| {
        format!(
            "{place}: error: Flux does not read a marker above its value where another comment stands beside it or behind the value, as in line {line}; write the marker behind the value, and nothing else in its comment"
        )
    };
    let crowded = |text: &str, place: &str, line: usize| {
        let manifest = yaml(text);
        assert_eq!(problems(&manifest), [format!("values.yaml:{}", told(place, line))], "{text}");
        assert_eq!(manifest.markers.setters.len(), 1, "{text}");
    };
    crowded(&format!("# the app\n{marker}\nimage: x:1\n"), "2:1", 1);
    crowded(&format!("{marker}\r\n# the app\r\nimage: x:1\r\n"), "1:1", 2);
    crowded(&format!("a: b\n{marker}\nimage: x:1 # the app\n"), "2:1", 3);
    crowded(&format!("a:\n  {marker}\n  - x:1 # the app\n"), "2:3", 3);
    let values = |text: &str| format!("kind: Application\nspec:\n  source:\n    helm:\n      values: |\n{text}");
    crowded(&values(&format!("        # the app\n        {marker}\n        image: x:1\n")), "7:9", 6);
    crowded(&values(&format!("        {marker}\n        # the app\n        image: x:1\n")), "6:9", 7);
    crowded(&values(&format!("        {marker}\n        image: x:1 # the app\n")), "6:9", 7);
    for alone in [
        values(&format!("        {marker}\n        image: x:1\n")).replace("  source", "  # of a chart\n  source"),
        format!("a: b # the app\n{marker}\nimage: x:1\n"),
        format!("# the app\n\n{marker}\nimage: x:1\n# behind\n"),
        format!("a: |\n  # text\n{marker}\nimage: x:1\n"),
        format!("{marker}\nimage: x:1 {marker}\n"),
        format!("# the app\nimage: x:1 {marker}\n"),
    ] {
        let manifest = yaml(&alone);
        assert_eq!((manifest.markers.setters.len(), problems(&manifest)), (1, vec![]), "{alone}");
    }
    let native = yaml("# the app\n# landwaiter: semver:1\nimage: x:1.0 # here\n");
    assert_eq!((native.markers.workloads.len(), problems(&native)), (1, vec![]));
}

#[test]
fn pinned_doubled_and_sealed_values_are_held() {
    let digest = format!("sha256:{}", "0".repeat(64));
    for text in [
        format!("image: x:1@{digest} # landwaiter: semver:1\n"),
        format!("repository: x\ntag: 1.0@{digest} # landwaiter: semver:1\n"),
        format!("repository: x\ntag: 1.0 # landwaiter: semver:1\ndigest: {digest}\n"),
        format!("tag: 1.0 # landwaiter: semver:1 image=x\ndigest: {digest}\n"),
    ] {
        let manifest = yaml(&text);
        let refusal = manifest.markers.workloads[0].containers[0].image.refusal().unwrap();
        assert!(matches!(refusal.obstacle(), Obstacle::Pinned | Obstacle::DigestBeside), "{text}: {refusal}");
        assert_eq!(manifest.problems.len(), 1, "{text}: {:?}", problems(&manifest));
    }
    wrong(
        "image: x:1\nimage: x:1 # landwaiter: semver:1\n",
        "2:1: error: the key `image` stands twice in its mapping; remove one of the two",
        1,
    );
    wrong(
        "image: x:1 # landwaiter: semver:1\nsops: {mac: x}\n",
        "2:7: error: the file is encrypted with SOPS, whose checksum covers every byte, so it is never changed; move the workload to a file of its own, without secrets",
        1,
    );
}

#[test]
fn a_name_without_a_tag_stays_a_name() {
    for text in [
        "images:\n- name: ghcr.io/org/app # landwaiter: semver:1\n",
        "images:\n- name: app\n  newName: ghcr.io/org/app # landwaiter: semver:1\n",
        "image:\n  repository: ghcr.io/org/app # landwaiter: semver:1\n",
        "- ghcr.io/org/app # landwaiter: semver:1\n",
    ] {
        let manifest = yaml(text);
        let refusal = manifest.markers.workloads[0].containers[0].image.refusal().unwrap();
        assert_eq!(refusal.obstacle(), &Obstacle::Untagged, "{text}");
        assert_eq!(manifest.problems.len(), 1, "{text}: {:?}", problems(&manifest));
    }
}

#[test]
fn a_digest_is_neither_an_image_nor_a_tag() {
    for key in ["digest", "sha"] {
        for image in ["", " image=x"] {
            let text = format!("repository: x\n{key}: sha256:{} # landwaiter: semver:1{image}\n", "0".repeat(64));
            let column = key.len() + 75;
            let told = format!(
                "2:{column}: error: the marker stands on a digest, and digests are not followed yet; remove the digest, and mark the tag"
            );
            wrong(&text, &told, 0);
        }
    }
}

#[test]
fn what_is_never_changed_cannot_be_marked() {
    let text = |kind: &str| format!("{kind}spec:\n  image: x:1 # landwaiter: semver:1\n");
    let held = |kind: &str, what: &str| {
        wrong(&text(kind), &format!("{}:14: error: the marker stands in this {what}", kind.lines().count() + 2), 1);
    };
    let secret = "which is never changed; move the image out of it";
    held("apiVersion: v1\nkind: Secret\n", &format!("Secret, {secret}"));
    held("apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\n", &format!("SealedSecret, {secret}"));
    wrong(
        "apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageRepository\nspec:\n  image: x # landwaiter: semver:1\n",
        "4:12: error: the marker stands in this ImageRepository, whose image is one to look at and not one that runs; remove it, and point at the image where it runs",
        1,
    );
    let list = "kind: List\nitems:\n- kind: Secret\n  image: x:1 # landwaiter: semver:1\n- kind: Other\n  image: y:1 # landwaiter: semver:1\n";
    let followed = all(&yaml(list));
    assert!(followed[0].ends_with("x:1: held") && followed[1].ends_with("y:1: semver:1"), "{followed:?}");
}

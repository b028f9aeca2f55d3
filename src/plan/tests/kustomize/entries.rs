//! Single entries of `images`: which image they mean, and how a tag gets into them.

use super::super::{plan_of, survey};
use super::{TAGS, base, check, files, outcome};
use crate::manifest::Scope;
use crate::path::RepoPath;
use crate::plan::Verdict;

#[test]
fn names_are_compared_as_texts() {
    let named = |image: &str, name: &str| {
        format!(
            "{}=== k/kustomization.yaml\nresources: [../base]\nimages:\n- name: {name}\n  newTag: '1.0'\n",
            base(image)
        )
    };
    let base_alone = ["base/web.yaml:6 c 1.1"];
    let replaced = ["base/web.yaml:6 c elsewhere", "k/kustomization.yaml:4 c 1.1"];
    check(&named("x:0.1", "x"), &replaced);
    check(&named("x", "x"), &replaced);
    check(&named("docker.io/x:0.1", "x"), &base_alone);
    check(&named("x:0.1", "docker.io/x"), &base_alone);
    check(&named("x:0.1", "y"), &base_alone);
    let tagged = "! warning k/kustomization.yaml:3 the name `x:0.1` has a tag or digest";
    check(&named("x:0.1", "x:0.1"), &[replaced[0], replaced[1], tagged]);
    check(&named("x:1.0", "x:0.1"), &[base_alone[0], tagged]);
    check(&named("x:0.1", "'.*'"), &base_alone);
}

/// The entry `before` in an overlay of `x:0.1`, and what becomes of it.
#[track_caller]
fn check_insert(before: &str, after: Option<&str>) {
    let repository = format!("{}=== k/kustomization.yaml\n{before}", base("x:0.1"));
    let (told, changes) = outcome(&repository);
    match after {
        Some(after) => assert_eq!(changes, [("k/kustomization.yaml".to_owned(), after.to_owned())], "{told:?}"),
        None => assert!(told.iter().any(|told| told.ends_with("c uneditable")) && changes.is_empty(), "{told:?}"),
    }
}

#[test]
fn a_missing_tag_is_written_in_the_style_of_the_file() {
    let start = "resources: [../base]\nimages:\n";
    for (entry, after) in [
        ("- name: x\n- name: y\n", Some("- name: x\n  newTag: \"1.1\"\n- name: y\n")),
        ("- name: x", Some("- name: x\n  newTag: \"1.1\"")),
        (
            "  - name: x # ours\n    newName: ghcr.io/org/x\n",
            Some("  - name: x # ours\n    newName: ghcr.io/org/x\n    newTag: \"1.2\"\n"),
        ),
        (
            "  - newName: 'ghcr.io/org/x' # there\n    name: x\n",
            Some("  - newName: 'ghcr.io/org/x' # there\n    newTag: '1.2'\n    name: x\n"),
        ),
        ("- name: x\n  newTag: ''\n", Some("- name: x\n  newTag: '1.1'\n")),
        ("- name: x\n  newTag: 1.0\n", Some("- name: x\n  newTag: \"1.1\"\n")),
        ("- {name: x}\n", None),
        ("- name: x\n  newTag:\n", None),
    ] {
        check_insert(&format!("{start}{entry}"), after.map(|after| format!("{start}{after}")).as_deref());
    }
    check_insert(
        "resources: [../base]\r\nimages:\r\n- name: x\r\n",
        Some("resources: [../base]\r\nimages:\r\n- name: x\r\n  newTag: \"1.1\"\r\n"),
    );
    check_insert(
        r#"{"resources": ["../base"], "images": [{"newTag": "1.0", "name": "x"}]}"#,
        Some(r#"{"resources": ["../base"], "images": [{"newTag": "1.1", "name": "x"}]}"#),
    );
    check_insert(r#"{"resources": ["../base"], "images": [{"name": "x"}]}"#, None);
}

#[test]
fn the_current_tag_of_an_entry_without_one_is_that_of_the_base() {
    let overlay = "=== k/kustomization.yaml\nresources: [../base]\nimages:\n- name: x\n";
    check(&(base("x:1.1") + overlay), &["base/web.yaml:6 c elsewhere", "k/kustomization.yaml:3 c up-to-date"]);
    let pinned = format!("x:1.0@sha256:{}", "0".repeat(64));
    check(
        &(base(&pinned) + overlay),
        &[
            "base/web.yaml:6 c elsewhere",
            "k/kustomization.yaml:3 c pinned",
            "! warning k/kustomization.yaml:3 the image `x:1.0@sha256:0",
        ],
    );
    let shared = "\
=== fast/kustomization.yaml
kind: Component
images:
- name: x
=== a/kustomization.yaml
resources: [../base]
components: [../fast]
=== b/kustomization.yaml
resources: [../mid]
components: [../fast]
=== mid/kustomization.yaml
resources: [../base]
images:
- {name: x, newTag: '1.0'}
";
    let two =
        "! error fast/kustomization.yaml:3 the entry says no tag, and the images behind it have two: x:0.1, x:1.0";
    check(
        &(base("x:0.1") + shared),
        &[
            "base/web.yaml:6 c elsewhere",
            "fast/kustomization.yaml:3 c mistake",
            "mid/kustomization.yaml:3 c elsewhere",
            two,
        ],
    );
}

#[test]
fn an_entry_that_says_no_tag_is_held_with_the_reason() {
    let digest = format!("sha256:{}", "0".repeat(64));
    let entry = |entry: &str| {
        format!("{}=== k/kustomization.yaml\nresources: [../base]\nimages:\n- name: x\n  {entry}\n", base("x:0.1"))
    };
    let hold = |hold: &str| format!("k/kustomization.yaml:4 c {hold}");
    for (said, name) in [
        (format!("digest: {digest}"), "pinned"),
        (format!("newTag: 1.0@{digest}"), "pinned"),
        (format!("newTag: '1.0'\n  digest: {digest}"), "pinned"),
    ] {
        let warning = "! warning k/kustomization.yaml:4 the image `x";
        check(&entry(&said), &["base/web.yaml:6 c elsewhere", &hold(name), warning]);
    }
    for (said, problem) in [
        ("newTag: sha256:12", "\"sha256:12\" is not an image tag"),
        ("newTag: ${TAG}", "\"${TAG}\" is not an image tag"),
        ("newTag: [1]", "`newTag` is no text"),
        ("digest: 02641143766", "\"02641143766\" is not a digest"),
        ("tagSuffix: -alpine", "`tagSuffix` makes the tag out of one that stands elsewhere"),
    ] {
        let problem = format!("! error k/kustomization.yaml:4 {problem}");
        check(&entry(said), &["base/web.yaml:6 c elsewhere", &hold("mistake"), &problem]);
    }
    for (said, problem) in [
        ("newName: a:1", "the new name `a:1` has a tag or digest of its own"),
        ("newName: REGISTRY/x", "`REGISTRY/x` is not the name of an image"),
    ] {
        let problem = format!("! error k/kustomization.yaml:4 {problem}");
        check(&entry(said), &["base/web.yaml:6 c elsewhere", &problem]);
    }
}

#[test]
fn two_entries_of_one_name_are_both_held() {
    let repository = base("x:0.1")
        + "=== k/kustomization.yaml\nresources: [../base]\nimages:\n- {name: x, newTag: '1.0'}\n- {name: x, newTag: '0.9'}\n";
    check(
        &repository,
        &[
            "base/web.yaml:6 c elsewhere",
            "k/kustomization.yaml:3 c elsewhere",
            "k/kustomization.yaml:4 c mistake",
            "! error k/kustomization.yaml:4 two entries mean the image `x`, in lines 3 and 4",
        ],
    );
}

#[test]
fn what_somebody_took_back_in_an_overlay_is_not_proposed_again() {
    let overlay = |tag: &str| format!("resources: [../base]\nimages:\n- name: y\n  newTag: '9'\n- name: x\n{tag}");
    for (now, before) in [("  newTag: '1.0'\n", "  newTag: '1.1'\n"), ("", "  newTag: '1.1'\n")] {
        let text = overlay(now);
        let repository = format!("{}=== k/kustomization.yaml\n{text}", base("x:0.1"));
        let inventory = survey(&files(&repository), Scope::Annotated);
        let mut plan = plan_of(&inventory, TAGS);
        let mut page = plan.page(&RepoPath::parse("k/kustomization.yaml").unwrap(), text.clone().into_bytes());
        page.recall("one", overlay(before).replace("- name: y\n  newTag: '9'\n", "").as_bytes());
        page.write();
        assert!(plan.changes.is_empty());
        assert!(
            plan.entries.iter().any(|entry| matches!(&entry.verdict, Verdict::Hold(hold) if hold.name() == "refused"))
        );
    }
}

//! Where it is not sure what an image is, or who decides: nothing changes, and the reason is told once.

use super::super::{ON, pod};
use super::{base, check, outcome};

const OVERLAY: &str =
    "=== k/kustomization.yaml\nresources: [../base]\nimages:\n- name: x\n  newName: ghcr.io/org/x\n  newTag: '1.0'\n";

#[test]
fn a_name_that_is_replaced_elsewhere_is_no_image() {
    let used = "=== dev/kustomization.yaml\nresources: [../base]\n";
    check(
        &format!("{}{used}{OVERLAY}", base("x")),
        &[
            "base/web.yaml:6 c mistake",
            "k/kustomization.yaml:5 c 1.2",
            "! warning base/web.yaml:6 k/kustomization.yaml:3:3 replaces `x` by another image, and nothing does so here",
        ],
    );
    // The same where the overlay does not find its base.
    check(
        &format!("{}{}", base("x"), OVERLAY.replace("../base", "../bsae")),
        &[
            "base/web.yaml:6 c mistake",
            "! warning base/web.yaml:6 k/kustomization.yaml:3:3 replaces",
            "! warning k/kustomization.yaml:1 `../bsae` leads to nothing",
        ],
    );
    // With a tag, a digest or another name it is what it says.
    for image in ["x:1.0", "y"] {
        let (told, _) = outcome(&format!("{}{used}{OVERLAY}", base(image)));
        assert_eq!(told[0], "base/web.yaml:6 c 1.1", "{image}: {told:?}");
    }
}

#[test]
fn what_cannot_be_read_may_replace_any_name() {
    for broken in ["images: [{name: {{ .x }}}]\n", "images:\n- name: x\n newTag: 1\n"] {
        let repository = |image: &str| format!("{}=== k/kustomization.yaml\n{broken}", base(image));
        let (told, _) = outcome(&repository("x"));
        assert_eq!(told[0], "base/web.yaml:6 c mistake", "{broken}");
        assert!(
            told[1].contains("`x` has no tag, and may be replaced by what cannot be read at k/kustomization.yaml:")
        );
        assert_eq!(outcome(&repository("x:1.0")).0[0], "base/web.yaml:6 c 1.1", "{broken}");
    }
}

#[test]
fn an_entry_behind_an_alias_counts_and_is_held() {
    let problem = "! error k/kustomization.yaml:5 what is said of `x` stands behind an alias or a merge key";
    for (entry, list) in [("e: &e {name: x, newTag: '1.0'}", "- *e"), ("e: &e {name: x}", "- {<<: *e, newTag: '1.0'}")]
    {
        let repository =
            format!("{}=== k/kustomization.yaml\n{entry}\nresources:\n- ../base\nimages:\n{list}\n", base("x:0.1"));
        let (told, changes) = outcome(&repository);
        assert_eq!((&*told[0], changes), ("base/web.yaml:6 c elsewhere", vec![]), "{told:?}");
        assert!(told[1].ends_with("c mistake") && told[2].starts_with(problem), "{told:?}");
    }
}

#[test]
fn a_locked_overlay_is_held_in_so_many_words() {
    let locked = |word: &str| {
        let annotations = format!("metadata: {{annotations: {{landwaiter/{word}: 'true'}}}}\nresources");
        base("x") + &OVERLAY.replace("resources", &annotations)
    };
    check(&locked("locked"), &["base/web.yaml:6 c elsewhere", "k/kustomization.yaml:6 x locked"]);
    check(&locked("ignore"), &["base/web.yaml:6 c elsewhere", "k/kustomization.yaml:6 x ignored"]);
}

#[test]
fn a_marker_on_what_is_replaced_comes_to_nothing() {
    let marked = pod("web", "", &[("c", "x:0.1 # landwaiter: semver:1")]);
    check(
        &format!("=== base/kustomization.yaml\nresources: [web.yaml]\n=== base/web.yaml\n{marked}{OVERLAY}"),
        &[
            "base/web.yaml:6 spec.containers[c].image elsewhere",
            "! warning base/web.yaml:6 the marker comes to nothing: the tag that counts is written at k/kustomization.yaml:5:11",
        ],
    );
}

#[test]
fn owners_of_an_image_with_a_mistake_share_it() {
    let wrong = OVERLAY.replace("'1.0'", "'1.0' # landwaiter: semver:~1.");
    check(
        &(base("x") + &wrong),
        &[
            "base/web.yaml:6 c elsewhere",
            "k/kustomization.yaml:5 c mistake",
            "k/kustomization.yaml:5 images[x].newTag mistake",
            "! error k/kustomization.yaml:5 `semver:~1.` is no version constraint",
        ],
    );
}

#[test]
fn links_to_nothing_are_told_where_somebody_waits_for_images() {
    let dangling = "=== k/kustomization.yaml\nresources: [../missing]\nimages: [{name: y, newTag: '1.0'}]\n";
    check(dangling, &[]);
    let alone = "=== k/kustomization.yaml\nresources: [../missing]\n";
    check(&format!("{alone}=== web.yaml\n{}", pod("web", ON, &[("c", "y:1.1")])), &["web.yaml:6 c up-to-date"]);
    check(
        &format!("{dangling}=== web.yaml\n{}", pod("web", ON, &[("c", "y:1.1")])),
        &["web.yaml:6 c up-to-date", "! warning k/kustomization.yaml:1 `../missing` leads to nothing"],
    );
}

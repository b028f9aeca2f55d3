//! Kustomizations: whose word decides, and in which file the new tag is written.

mod bounds;
mod doubts;
mod entries;

use super::{NOW, ON, plan_of, pod, survey, write};
use crate::manifest::{Scope, Severity};
use crate::plan::{Inventory, Verdict};

const TAGS: &str = "x: 1.0 1.1\nghcr.io/org/x: 1.0 1.1 1.2\ny: 1.0 1.1";

/// A small repository: each file begins with a line `=== path`.
fn files(text: &str) -> Vec<(&str, &str)> {
    text.split("=== ").skip(1).map(|file| file.split_once('\n').unwrap()).collect()
}

/// What comes of a repository: `file:line container tag` or `file:line container hold`, and the
/// problems as `! severity file:line message`.
fn outcome(repository: &str) -> (Vec<String>, Vec<(String, String)>) {
    let files = files(repository);
    let inventory = survey(&files, Scope::Annotated);
    told(&inventory, &files)
}

fn told(inventory: &Inventory, files: &[(&str, &str)]) -> (Vec<String>, Vec<(String, String)>) {
    let mut plan = plan_of(inventory, TAGS);
    write(&mut plan, files);
    let mut told: Vec<String> = plan
        .entries
        .iter()
        .map(|entry| {
            let verdict = match &entry.verdict {
                Verdict::Update(update) => update.to.to_string(),
                Verdict::Hold(hold) => hold.name().to_owned(),
            };
            format!("{}:{} {} {verdict}", entry.place.file, entry.place.line, entry.container)
        })
        .collect();
    for problem in inventory.problems() {
        let severity = match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Hint => "hint",
        };
        told.push(format!("! {severity} {}:{} {}", problem.place.file, problem.place.line, problem.message));
    }
    let changes =
        plan.changes.iter().map(|change| (change.path.to_string(), String::from_utf8(change.after.clone()).unwrap()));
    (told, changes.collect())
}

/// Problems may be cut short in `expected`.
#[track_caller]
fn check(repository: &str, expected: &[&str]) {
    let (told, _) = outcome(repository);
    let is_same = |(told, expected): (&String, &&str)| {
        if expected.starts_with('!') { told.starts_with(expected) } else { told == expected }
    };
    assert!(told.len() == expected.len() && told.iter().zip(expected).all(is_same), "{told:#?}\n{expected:#?}");
}

/// A base with one automated workload, whose image is `image`.
fn base(image: &str) -> String {
    format!(
        "=== base/kustomization.yaml\nresources: [web.yaml]\n=== base/web.yaml\n{}",
        pod("web", ON, &[("c", image)])
    )
}

#[test]
fn the_base_decides_and_the_overlays_are_written() {
    let overlays = "\
=== prod/kustomization.yaml
resources:
- ../base
images:
- name: x
  newTag: '1.0' # ours
=== dev/kustomization.yaml
resources:
- ../base
images:
- name: x
  newTag: 1.1
";
    let (told, changes) = outcome(&(base("x:0.1") + overlays));
    assert_eq!(
        told,
        ["base/web.yaml:6 c elsewhere", "dev/kustomization.yaml:5 c up-to-date", "prod/kustomization.yaml:5 c 1.1"]
    );
    let after = "resources:\n- ../base\nimages:\n- name: x\n  newTag: '1.1' # ours\n";
    assert_eq!(changes, [("prod/kustomization.yaml".to_owned(), after.to_owned())]);
}

#[test]
fn the_name_is_the_one_that_the_base_left() {
    let nested = |name: &str| {
        format!(
            "{}\
=== mid/kustomization.yaml
resources: [../base]
images: [{{name: x, newName: ghcr.io/org/x}}]
=== top/kustomization.yaml
resources: [../mid]
images:
- newTag: '1.1'
  name: {name}
",
            base("x:0.1")
        )
    };
    check(
        &nested("ghcr.io/org/x"),
        &["base/web.yaml:6 c elsewhere", "mid/kustomization.yaml:2 c elsewhere", "top/kustomization.yaml:3 c 1.2"],
    );
    // The overlay names an image that is not there any more, and the entry below it decides.
    check(
        &nested("x"),
        &[
            "base/web.yaml:6 c elsewhere",
            "mid/kustomization.yaml:2 c uneditable",
            "! warning mid/kustomization.yaml:2 the image `ghcr.io/org/x:0.1` cannot be changed",
        ],
    );
}

#[test]
fn later_entries_of_a_list_see_what_earlier_ones_left() {
    let repository = base("app:0.1")
        + "\
=== k/kustomization.yaml
resources: [../base]
images:
- {name: app, newName: x, newTag: '0.2'}
- {name: x, newTag: '1.0'}
";
    check(
        &repository,
        &["base/web.yaml:6 c elsewhere", "k/kustomization.yaml:3 c elsewhere", "k/kustomization.yaml:4 c 1.1"],
    );
}

#[test]
fn a_placeholder_is_never_looked_up_where_every_overlay_replaces_it() {
    let overlay = |name: &str| {
        format!(
            "=== k/kustomization.yaml\nresources: [../base]\nimages:\n- name: {name}\n  newName: ghcr.io/org/x\n  newTag: '1.0'\n"
        )
    };
    for image in ["app", "IMAGE_URL"] {
        let repository = base(image) + &overlay(image);
        let inventory = survey(&files(&repository), Scope::Annotated);
        let watched: Vec<_> =
            inventory.watches(NOW.parse().unwrap()).into_keys().map(|name| name.to_string()).collect();
        assert_eq!(watched, ["ghcr.io/org/x"]);
        assert_eq!(inventory.problems(), []);
    }
    check(&(base("IMAGE_URL") + &overlay("IMAGE_URL")), &["k/kustomization.yaml:5 c 1.2"]);
    check(&(base("IMAGE_URL") + &overlay("OTHER")), &["! error base/web.yaml:6 `c` is not followed"]);
}

#[test]
fn where_one_use_does_not_replace_the_image_it_is_followed_where_it_stands_too() {
    let overlays = "\
=== prod/kustomization.yaml
resources: [../base]
images:
- {name: x, newTag: '0.9'}
=== plain/kustomization.yaml
resources: [../base]
";
    check(&(base("x:1.0") + overlays), &["base/web.yaml:6 c 1.1", "prod/kustomization.yaml:3 c 1.1"]);
    let flux = "\
=== flux/base.yaml
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: base}
spec: {path: ./base}
=== prod/kustomization.yaml
resources: [../base]
images:
- {name: x, newTag: '0.9'}
";
    check(&(base("x:1.0") + flux), &["base/web.yaml:6 c 1.1", "prod/kustomization.yaml:3 c 1.1"]);
}

#[test]
fn what_no_kustomization_reaches_is_followed_as_ever() {
    let other = format!("=== other.yaml\n{}", pod("other", ON, &[("o", "x:1.0")]));
    let overlay = "=== k/kustomization.yaml\nresources: [../base]\nimages:\n- {name: x, newTag: '1.0'}\n";
    check(
        &(base("x:0.1") + overlay + &other),
        &["base/web.yaml:6 c elsewhere", "k/kustomization.yaml:3 c 1.1", "other.yaml:6 o 1.1"],
    );
    check(&other.replace("other.yaml", "kustomization/other.yaml"), &["kustomization/other.yaml:6 o 1.1"]);
}

#[test]
fn a_component_changes_what_the_others_built() {
    let repository = base("x:0.1")
        + "\
=== fast/kustomization.yaml
kind: Component
images:
- {name: x, newTag: '1.0'}
=== k/kustomization.yaml
resources: [../base]
components: [../fast]
";
    check(&repository, &["base/web.yaml:6 c elsewhere", "fast/kustomization.yaml:3 c 1.1"]);
    // Its own entries come behind those of its components.
    let own = repository + "images:\n- {name: x, newTag: '1.0'}\n";
    check(
        &own,
        &["base/web.yaml:6 c elsewhere", "fast/kustomization.yaml:3 c elsewhere", "k/kustomization.yaml:4 c 1.1"],
    );
}

#[test]
fn an_object_of_flux_adds_to_the_kustomization_of_its_folder() {
    let repository = |images: &str| {
        format!(
            "=== base/kustomization.yaml
resources: [web.yaml]
images:
- {{name: x, newTag: '0.5'}}
=== base/web.yaml
{}=== flux.yaml
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {{name: web}}
spec:
  path: /base
  images:
  - {images}
",
            pod("web", ON, &[("c", "x:0.1")])
        )
    };
    // The same name takes the place of the entry, another one comes behind it.
    check(&repository("{name: x, newTag: '1.0'}"), &["base/web.yaml:6 c elsewhere", "flux.yaml:7 c 1.1"]);
    check(&repository("{name: y, newTag: '1.0'}"), &["base/kustomization.yaml:3 c 1.1", "base/web.yaml:6 c elsewhere"]);
}

#[test]
fn flux_makes_a_kustomization_of_a_plain_folder() {
    let flux = "\
=== flux.yaml
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: web}
spec:
  path: ./apps
  images:
  - {name: x, newTag: '1.0'}
";
    let plain = format!("=== apps/deep/web.yaml\n{}", pod("web", ON, &[("c", "x:0.1")]));
    check(&(plain.clone() + flux), &["apps/deep/web.yaml:6 c elsewhere", "flux.yaml:7 c 1.1"]);
    let kept = "=== apps/deep/kustomization.yaml\nresources: []\n";
    check(&(plain.clone() + flux + kept), &["apps/deep/web.yaml:6 c 1.1"]);
    let elsewhere = flux.replace("spec:", "spec:\n  sourceRef: {kind: OCIRepository, name: apps}");
    check(&(plain + &elsewhere), &["apps/deep/web.yaml:6 c 1.1"]);
}

#[test]
fn all_who_run_an_entry_must_agree() {
    let two = |other: &str| {
        format!(
            "=== k/kustomization.yaml\nresources: [a.yaml, b.yaml]\nimages:\n- {{name: x, newTag: '1.0'}}\n=== k/a.yaml\n{}=== k/b.yaml\n{}",
            pod("a", ON, &[("a", "x:0.1")]),
            pod("b", other, &[("b", "x:0.2")])
        )
    };
    check(
        &two(ON),
        &[
            "k/a.yaml:6 a elsewhere",
            "k/b.yaml:6 b elsewhere",
            "k/kustomization.yaml:3 a 1.1",
            "k/kustomization.yaml:3 b 1.1",
        ],
    );
    let differ = "! error k/kustomization.yaml:3 two owners of this image disagree: ns/Pod/a (k/a.yaml:1) wants it to follow \
                  semver:1, ns/Pod/b (k/b.yaml:1) wants it";
    let held = [
        "k/a.yaml:6 a elsewhere",
        "k/b.yaml:6 b elsewhere",
        "k/kustomization.yaml:3 a mistake",
        "k/kustomization.yaml:3 b mistake",
    ];
    let other = two("landwaiter/automated: 'true', landwaiter/tag-semver: '~1.0'");
    check(&other, &[held[0], held[1], held[2], held[3], &format!("{differ} to follow semver:~1.0")]);
    // Nobody's image changes unasked, not even where the file has no word of ours and was not read.
    for silent in ["", "landwaiter/automated: 'false'"] {
        check(&two(silent), &[held[0], held[2], &format!("{differ} not to be automated")]);
    }
}

#[test]
fn one_overlay_of_two_bases_that_disagree_is_held() {
    let repository = format!(
        "=== k/kustomization.yaml\nresources: [../a, ../b]\nimages:\n- {{name: x, newTag: '1.0'}}\n\
         === a/kustomization.yaml\nresources: [a.yaml]\n=== a/a.yaml\n{}\
         === b/kustomization.yaml\nbases: [../c]\n=== c/Kustomization\nresources: [c.yaml]\n=== c/c.yaml\n{}",
        pod("a", ON, &[("a", "x:0.1")]),
        pod("c", "landwaiter/automated: 'true'", &[("c", "x:0.2")])
    );
    check(
        &repository,
        &[
            "a/a.yaml:6 a elsewhere",
            "c/c.yaml:6 c elsewhere",
            "k/kustomization.yaml:3 a mistake",
            "k/kustomization.yaml:3 c mistake",
            "! error k/kustomization.yaml:3 two owners of this image disagree: ns/Pod/a (a/a.yaml:1)",
        ],
    );
}

#[test]
fn a_kustomization_can_speak_for_itself() {
    let speaks = |annotations: &str, base_says: &str| {
        format!(
            "=== k/kustomization.yaml\nmetadata: {{annotations: {{{annotations}}}}}\nresources: [web.yaml]\nimages:\n\
             - {{name: app, newName: ghcr.io/org/x, newTag: '1.0'}}\n=== k/web.yaml\n{}",
            pod("web", base_says, &[("c", "app")])
        )
    };
    let own = "landwaiter/automated: 'true', landwaiter/tag.x: 'semver:~1.1'";
    check(&speaks(own, ""), &["k/kustomization.yaml:4 x 1.1"]);
    check(
        &speaks(own, "landwaiter/automated: 'true', landwaiter/tag.c: 'semver:~1.1'"),
        &["k/kustomization.yaml:4 x 1.1", "k/web.yaml:6 c elsewhere"],
    );
    check(
        &speaks(own, ON),
        &[
            "k/kustomization.yaml:4 x mistake",
            "k/web.yaml:6 c elsewhere",
            "! error k/kustomization.yaml:4 two owners of this image disagree: -/Kustomization/- (k/kustomization.yaml:1)",
        ],
    );
    // Who wants less than the base is heard without a word.
    check(&speaks("landwaiter/automated: 'false'", ON), &["k/web.yaml:6 c elsewhere"]);
    check(
        &speaks(&format!("{own}, landwaiter/locked: 'true'"), ON),
        &["k/kustomization.yaml:4 x locked", "k/web.yaml:6 c elsewhere"],
    );
    check(
        &speaks("landwaiter/tag.x: 'semver:~1.1'", ON),
        &[
            "k/kustomization.yaml:4 c 1.2",
            "k/web.yaml:6 c elsewhere",
            "! warning k/kustomization.yaml:1 `landwaiter/tag.x` is not heard: the Kustomization does not say `automated`",
        ],
    );
    check(
        &speaks("landwaiter/automted: 'true'", ON),
        &[
            "k/kustomization.yaml:4 c mistake",
            "k/web.yaml:6 c elsewhere",
            "! error k/kustomization.yaml:1 `landwaiter/automted` is no key",
        ],
    );
}

#[test]
fn a_base_in_another_repository_can_be_followed_on_the_word_of_the_kustomization() {
    let repository = "\
=== k/kustomization.yaml
metadata: {annotations: {landwaiter/automated: 'true', landwaiter/tag.x: 'semver:1'}}
resources:
- https://example.com/base.yaml
- github.com/org/repo//deploy?ref=v1
- git@example.com:org/repo.git
- ssh://git@example.com/org/repo
images:
- name: ghcr.io/org/x
  newTag: 1.0.0
";
    check(repository, &["k/kustomization.yaml:9 x 1.2"]);
    check(&repository.replace("metadata", "other"), &[]);
}

#[test]
fn a_workload_is_assumed_to_be_automated_where_its_image_is_followed() {
    let repository = base("x:0.1").replace(ON, "")
        + "=== k/kustomization.yaml\nresources: [../base]\nimages:\n- {name: x, newTag: '1.0'}\n";
    let files = files(&repository);
    let mut inventory = survey(&files, Scope::Everything);
    assert_eq!(told(&inventory, &files).0, [""; 0]);
    let pattern = super::Pattern::parse("semver:*", super::Dialect::Native).unwrap();
    inventory.assume(super::Policy::builder(pattern).build().unwrap());
    assert_eq!(told(&inventory, &files).0, ["k/kustomization.yaml:3 c 1.1"]);
}

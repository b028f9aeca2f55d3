//! Images in the entries of kustomizations, and in `kustomize.images` of applications.

use super::{app, check};

const HERE: &str = "  source:\n    repoURL: https://git.example.com/config.git\n    path: overlays/prod\n";
const BASE: &str = "=== base/kustomization.yaml\nresources: [web.yaml]\n=== base/web.yaml\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: web, image: 'nginx:1.16.0'}]}}}\n";
const LIST: (&str, &str) = ("image-list", "web=nginx:1.16.x");

fn overlay(images: &str) -> String {
    format!("=== overlays/prod/kustomization.yaml\nresources: [../../base]\nimages:\n{images}")
}

#[test]
fn the_entry_in_the_source_is_written() {
    for (entry, is) in [
        ("- name: nginx\n  newTag: 1.16.0 # ours\n", ("newTag: 1.16.0", "newTag: 1.16.1")),
        ("- name: web\n  newName: nginx\n  newTag: \"1.16.0\"\n", ("\"1.16.0\"", "\"1.16.1\"")),
        ("- newTag: '1.16.0'\n  name: docker.io/library/nginx\n", ("'1.16.0'", "'1.16.1'")),
        ("- name: nginx\n", ("- name: nginx\n", "- name: nginx\n  newTag: 1.16.1\n")),
    ] {
        let (told, changed) = super::outcome(&format!("{}{BASE}{}", app("web", &[LIST], HERE), overlay(entry)));
        let line = 3 + entry.find("newTag").map_or(0, |at| entry[..at].matches('\n').count());
        assert_eq!(
            told,
            [format!("overlays/prod/kustomization.yaml:{line} argocd/Application/web web 1.16.1")],
            "{entry}"
        );
        assert_eq!(changed[0].1, format!("resources: [../../base]\nimages:\n{}", entry.replace(is.0, is.1)));
    }
}

#[test]
fn an_entry_is_never_added() {
    check(
        &format!("{}{BASE}{}", app("web", &[LIST], HERE), overlay("- name: other\n  newTag: '1'\n")),
        &[
            "base/web.yaml:3 argocd/Application/web web mistake",
            "! apps/web.yaml:7:50: error: `web` has no entry under `images` of overlays/prod/kustomization.yaml, and entries are not added; add `- name: nginx` with `newTag: \"1.16.0\"` there by hand",
        ],
        &[],
    );
    check(
        &format!(
            "{}{BASE}{}",
            app("web", &[("image-list", "db=postgres:16.x")], HERE),
            overlay("- name: other\n  newTag: '1'\n")
        ),
        &[
            "! apps/web.yaml:7:50: warning: `db`, `postgres`, is found nowhere in what argocd/Application/web deploys; the images there are: nginx, other",
        ],
        &[],
    );
}

#[test]
fn the_name_before_it_is_replaced_can_be_said() {
    let list = [("image-list", "web=nginx:1.16.x"), ("web.kustomize.image-name", "shop/front")];
    check(
        &format!("{}{}", app("web", &list, HERE), overlay("- name: shop/front\n  newName: nginx\n  newTag: 1.16.0\n")),
        &["overlays/prod/kustomization.yaml:5 argocd/Application/web web 1.16.1"],
        &[("newTag: 1.16.0", "newTag: 1.16.1")],
    );
    check(
        &format!("{}{}", app("web", &list, HERE), overlay("- name: shop/front\n  newTag: 1.16.0\n")),
        &[
            "overlays/prod/kustomization.yaml:4 argocd/Application/web web mistake",
            "! overlays/prod/kustomization.yaml:4:11: error: the entry of `shop/front` runs `shop/front`, and `web` in the list is `nginx`; write `newName: nginx` there, or have the list name `shop/front`",
        ],
        &[],
    );
}

#[test]
fn the_images_of_the_application_come_first() {
    let own = format!("{HERE}    kustomize:\n      images:\n      - nginx:1.16.0\n");
    let entry = overlay("- name: nginx\n  newTag: 1.16.0\n");
    check(
        &format!("{}{BASE}{entry}", app("web", &[LIST], &own)),
        &["apps/web.yaml:14 argocd/Application/web web 1.16.1"],
        &[("- nginx:1.16.0", "- nginx:1.16.1")],
    );
    let renamed = format!("{HERE}    kustomize:\n      images:\n      - web=docker.io/nginx:1.16.0 # ours\n");
    check(
        &format!("{}{BASE}{entry}", app("web", &[LIST], &renamed)),
        &["apps/web.yaml:14 argocd/Application/web web 1.16.1"],
        &[("=docker.io/nginx:1.16.0", "=docker.io/nginx:1.16.1")],
    );
    let source = "=== overlays/prod/.argocd-source-web.yaml\nkustomize:\n  images:\n  - nginx:1.16.0\n";
    check(
        &format!("{}{BASE}{entry}{source}", app("web", &[LIST], &own)),
        &["overlays/prod/.argocd-source-web.yaml:3 argocd/Application/web web 1.16.1"],
        &[("images:\n  - nginx:1.16.0", "images:\n  - nginx:1.16.1")],
    );
}

#[test]
fn a_kustomization_can_be_named() {
    let target = |target: &'static str| [LIST, ("write-back-method", "git"), ("write-back-target", target)];
    let base = BASE.replace("resources: [web.yaml]", "resources: [web.yaml]\nimages:\n- name: nginx\n  newTag: 1.16.0");
    let repository = |name: &'static str| {
        format!("{}{base}{}", app("web", &target(name), HERE), overlay("- name: nginx\n  newTag: 1.16.0 # prod\n"))
    };
    check(
        &repository("kustomization"),
        &["overlays/prod/kustomization.yaml:4 argocd/Application/web web 1.16.1"],
        &[("1.16.0 # prod", "1.16.1 # prod")],
    );
    for name in ["kustomization:/base", "kustomization:../../base"] {
        check(
            &repository(name),
            &["base/kustomization.yaml:4 argocd/Application/web web 1.16.1"],
            &[("newTag: 1.16.0", "newTag: 1.16.1")],
        );
    }
    check(
        &repository("kustomization:/none"),
        &[
            "! apps/web.yaml:9:57: warning: there is no kustomization in folder `none`, so that no image is followed there",
        ],
        &[],
    );
    check(
        &repository("kustomization:../../.."),
        &[
            "overlays/prod/kustomization.yaml:4 argocd/Application/web web mistake",
            "! apps/web.yaml:9:57: error: `../../..` leads out of the repository",
        ],
        &[],
    );
    let own = format!("{HERE}    kustomize: {{images: ['nginx:1.16.0']}}\n");
    check(
        &format!(
            "{}{BASE}{}",
            app("web", &target("kustomization"), &own),
            overlay("- name: nginx\n  newTag: 1.16.0 # prod\n")
        ),
        &[
            "apps/web.yaml:14 argocd/Application/web web mistake",
            "! apps/web.yaml:14:26: error: the tag of `web` is replaced here, so that one in the kustomization comes to nothing; remove the entry here, or the `write-back-target`",
        ],
        &[],
    );
}

#[test]
fn workloads_behind_an_entry_agree_or_hold() {
    let entry = overlay("- name: nginx\n  newTag: 1.16.0\n");
    let speaking = |pattern: &str| {
        BASE.replace(
            "{name: web}",
            &format!("{{name: web, annotations: {{landwaiter/automated: 'true', landwaiter/tag.web: '{pattern}'}}}}"),
        )
    };
    check(
        &format!("{}{}{entry}", app("web", &[LIST], HERE), speaking("semver:1.17.x")),
        &[
            "base/web.yaml:3 -/Deployment/web web elsewhere",
            "overlays/prod/kustomization.yaml:4 -/Deployment/web web mistake",
            "overlays/prod/kustomization.yaml:4 argocd/Application/web web mistake",
            "! overlays/prod/kustomization.yaml:4:11: error: two owners of this image disagree: -/Deployment/web (overlays/prod/kustomization.yaml:1) wants it to follow semver:1.17.x, argocd/Application/web (apps/web.yaml:7) wants it to follow semver:1.16.x",
        ],
        &[],
    );
}

#[test]
fn an_application_that_says_nothing_holds_the_entry() {
    let entry = overlay("- name: nginx\n  newTag: 1.16.0\n");
    let repository =
        |list: &[(&str, &str)], spec: &str| format!("{}{}{BASE}{entry}", app("a", list, HERE), app("b", &[], spec));
    check(
        &repository(&[LIST], HERE),
        &[
            "overlays/prod/kustomization.yaml:4 argocd/Application/a web mistake",
            "! overlays/prod/kustomization.yaml:4:11: warning: `library/nginx` would change for argocd/Application/b (apps/b.yaml:1)",
        ],
        &[],
    );
    let followed = ["overlays/prod/kustomization.yaml:4 argocd/Application/a web 1.16.1"];
    let change = [("newTag: 1.16.0", "newTag: 1.16.1")];
    let own = format!("{HERE}    kustomize: {{images: ['nginx:1.15.0']}}\n");
    check(&repository(&[LIST], &own), &followed, &change);
    // Whoever names the file means all who deploy it.
    let named = [LIST, ("write-back-method", "git"), ("write-back-target", "kustomization")];
    check(&repository(&named, HERE), &followed, &change);
}

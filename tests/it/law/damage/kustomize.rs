//! Images in kustomizations: a new tag, a new name, a digest, and a tag that is not there yet.

use std::fmt::Display;

use super::{Row, check, row};

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// An overlay with these images, which all get the tag.
fn overlay(name: &'static str, tag: &'static str, images: impl Display) -> Row {
    let head = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n- ../base\nimages:\n";
    row(name, tag, format!("{head}{images}")).at("overlay/kustomization.yaml")
}

#[test]
fn kustomizations() {
    check([
        overlay("a new tag", "v2", "- name: x\n  newTag: «v1|v2»\n"),
        overlay("with a comment", "v2", "- name: x\n  newTag: «v1|v2» # pinned for now\n"),
        overlay("in quotes", "v2", "- name: x\n  newTag: \"«v1|v2»\"\n- name: y\n  newTag: '«v1|v2»'\n"),
        overlay("numbers get quotes", "1.10", "- name: x\n  newTag: «v1|\"1.10\"»\n"),
        overlay("numbers keep quotes", "1.10", "- name: x\n  newTag: \"«1.9|1.10»\"\n"),
        overlay("a number that was none", "v2.6", "- name: x\n  newTag: «2.5|v2.6»\n"),
        overlay("another name", "v2", "- name: x\n  newName: q.io/a/x\n  newTag: «v1|v2»\n"),
        overlay("another name with a port", "v2", "- name: x\n  newName: localhost:5000/x\n  newTag: «v1|v2»\n"),
        overlay(
            "keys in any order",
            "v2",
            "- newTag: «v1|v2»\n  name: x\n- newName: y2\n  newTag: «v1|v2»\n  name: y\n",
        ),
        overlay(
            "not sorted, and not sorted after",
            "v2",
            "# web\n- name: web # w\n  newTag: «v1|v2» # pinned\n# api\n- name: api # a\n  newTag: «v1|v2»\n",
        ),
        overlay(
            "blank lines and indents of four",
            "v2",
            "\n    -   name: x\n\n        newTag: «v1|v2»\n\n\n    -   name: y\n        newTag: «v1|v2»\n",
        ),
        overlay("flow style", "v2", "- {name: x, newTag: «v1|v2»}\n- {newTag: '«v1|v2»', name: y}\n"),
        row(
            "a marker, a directive and a comment before",
            "v2",
            "%YAML 1.2\n---\n# ours\nkind: Kustomization\nimages: [{name: x, newTag: «v1|v2»}]\n",
        )
        .at("kustomization.yml"),
        row("no kind at all", "v2", "images:\n- name: x\n  newTag: «v1|v2»").at("kustomization.yaml"),
        row("the file without an ending", "v2", "images:\n- name: x\n  newTag: «v1|v2»\n").at("Kustomization"),
        row("CRLF", "v2", "kind: Kustomization\r\nimages:\r\n- name: x\r\n  newTag: «v1|v2»\r\n")
            .at("kustomization.yaml"),
        overlay("no tag yet", "v2", "- name: x\n  newName: q.io/x«|\n  newTag: v2»\n"),
        overlay("no tag yet, only the name", "v2", "- name: x # x«|\n  newTag: v2»\n- name: y\n  newTag: «v1|v2»\n"),
        row(
            "no tag yet, with CRLF and an indent",
            "v2",
            "images:\r\n    - name: x\r\n      newName: y«|\r\n      newTag: v2»\r\nresources: [a]\r\n",
        )
        .at("kustomization.yaml"),
        row("no tag yet, at the end without a newline", "v2", "images:\n- name: x\n  newName: y«|\n  newTag: v2»")
            .at("kustomization.yaml"),
        overlay("no tag yet, and the number gets quotes", "1.10", "- name: x\n  newName: y«|\n  newTag: \"1.10\"»\n"),
        overlay("no tag yet, in flow style", "v2", "- {name: x, newName: y}\n").refuses("x", "in braces"),
        overlay("a digest", "v2", format!("- name: x\n  digest: {DIGEST}\n")).refuses("x", "digest"),
        overlay("a tag and a digest", "v2", format!("- name: x\n  newTag: v1\n  digest: {DIGEST}\n"))
            .refuses("x", "digest"),
        overlay("a digest in the tag", "v2", format!("- name: x\n  newTag: v1@{DIGEST}\n")).refuses("x", "digest"),
        overlay("folded", "v2", "- name: x\n  newTag: >-\n    v1\n").refuses("x", "block scalar"),
        overlay(
            "patches and generators",
            "v2",
            "- name: x\n  newTag: «v1|v2»\npatches:\n- patch: |-\n    kind: Pod\n    spec: {containers: [{name: c, image: x:v1}]}\nhelmCharts:\n- name: c\n  valuesInline: {image: {repository: x, tag: v1}}\nconfigMapGenerator:\n- {name: c, literals: [image=x:v1]}\n",
        ),
        row(
            "the object of Flux",
            "v2",
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nspec:\n  path: ./a\n  images:\n  - name: x\n    newTag: «v1|v2» # t\n",
        ),
    ]);
}

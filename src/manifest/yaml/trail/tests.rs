//! Ways, and finding the same place again.

use super::super::{NodeRef, Syntax, Tree};

fn tree(source: &str) -> Tree {
    Tree::parse(source.into(), Syntax::Yaml).unwrap()
}

/// The first scalar with this text, in the file or in a block of it.
fn find<'a>(tree: &'a Tree, text: &str) -> Option<NodeRef<'a>> {
    let nodes = || (0..tree.len()).map(|id| tree.node(id));
    let insets = || nodes().filter_map(|node| node.inset()?.ok());
    nodes().find(|node| node.text() == Some(text)).or_else(|| insets().find_map(|inset| find(inset.tree(), text)))
}

#[track_caller]
fn shown(source: &str, way: &str) {
    let tree = tree(source);
    let trail = find(&tree, "X").unwrap().trail();
    assert_eq!(trail.to_string(), way, "{source:?}");
    assert_eq!(tree.follow(&trail).unwrap().text(), Some("X"), "{source:?}");
}

/// The place of `X` in one version is the place of `found` in the other.
#[track_caller]
fn again(before: &str, after: &str, found: Option<&str>) {
    let trail = find(&tree(before), "X").unwrap().trail();
    assert_eq!(tree(after).follow(&trail).map(|node| node.text().unwrap().to_owned()).as_deref(), found, "{after:?}");
}

#[test]
fn ways_are_told_like_people_do() {
    shown(
        "spec: {template: {spec: {containers: [{name: web, image: X}]}}}",
        "spec.template.spec.containers[web].image",
    );
    shown("images:\n- name: app\n  newTag: X", "images[app].newTag");
    shown("images:\n- newTag: X\n  name: &a app\n- name: b", "images[app].newTag");
    shown("jobs: [X]", "jobs[0]");
    shown("- - a\n  - X", "[0][1]");
    shown("- a: X", "[0].a");
    shown("X", "");
    shown("a: &a b\nc: [{name: *a, d: X}]", "c[b].d");
    shown("x: &a b\n*a : X", "b");
    shown("? [a]\n: b\n? {c: d}\n: X", "?1");
    shown("metadata: {annotations: {a.b/c: X}}", "metadata.annotations.\"a.b/c\"");
    shown("'':\n  a b:\n    a[0]: X", "\"\".\"a b\".\"a[0]\"");
    shown("a: [{name: '0', b: X}]", "a[\"0\"].b");
    shown("a: [{name: x.y, b: X}]", "a[\"x.y\"].b");
    shown("a: [{name: '', b: X}]", "a[0].b");
    shown("a: [{name: [x], b: X}]", "a[0].b");
    shown("a: [{name: b}, {name: b, c: X}]", "a[1].c");
    shown("a: [{b: {name: c, d: X}}]", "a[0].b.d");
    shown("v:\n  w: |\n    a:\n    - name: b\n      c: X\n", "v.w.a[b].c");
    shown("kind: A\nmetadata: {name: b}\nspec: X", "spec");
    shown("kind: List\nitems:\n- kind: A\n  metadata: {name: b}\n  spec: X", "spec");
    shown("kind: List\nitems:\n- kind: A\n  spec: X", "items[0].spec");
}

#[test]
fn objects_are_found_by_their_names() {
    let object = |kind: &str, name: &str, value: &str| {
        format!("---\nkind: {kind}\nmetadata: {{name: {name}, namespace: n}}\nspec: {value}\n")
    };
    let one = object("A", "a", "X");
    again(&one, &format!("{}{}", object("A", "b", "1"), object("A", "a", "2")), Some("2"));
    again(&one, &object("B", "a", "1"), None);
    again(&one, &object("A", "a", "1").replace("namespace: n", "namespace: m"), None);
    again(&one, "kind: List\nitems: [{kind: A, metadata: {name: a, namespace: n}, spec: 1}]", Some("1"));
    let second = format!("{}{}", object("A", "a", "1"), one);
    again(&second, &format!("{}{}", object("A", "a", "2"), object("A", "a", "3")), Some("3"));
    again(&second, &object("A", "a", "2"), None);
    again("a: X", "a: 1", Some("1"));
    again("a: b\n---\na: X", "a: 1\n---\na: 2", Some("2"));
    again("a: X", "kind: A\nmetadata: {name: b}\na: 1", None);
    again("kind: A\nmetadata: {generateName: b-}\na: X", "kind: A\nmetadata: {generateName: b-}\na: 1", Some("1"));
}

#[test]
fn items_are_found_by_their_names_where_these_are_their_own() {
    again("a: [{name: b, c: X}]", "a: [{name: z, c: 1}, {c: 2, name: b}]", Some("2"));
    again("a: [{name: b, c: X}]", "a: [{name: b, c: 1}, {name: b, c: 2}]", None);
    again("a: [{name: b, c: X}]", "a: [{name: z, c: 1}]", None);
    again("a: [y, X]", "a: [1, 2, 3]", Some("2"));
    again("a: [y, X]", "a: [1]", None);
    again("a: {b: X}", "a: {b: 1, b: 2}", Some("1"));
    again("v: |\n  a: X", "v: |-\n   # other\n   b: c\n   a: Y", Some("Y"));
    again("v: |\n  a: X", "v: {a: Y}", None);
    again("v: {a: X}", "v: |\n  a: Y", None);
}

#[test]
fn keys_and_aliases_have_ways() {
    let tree = tree("a: &x X\nb: {c: *x}");
    let alias = tree.documents().next().unwrap().get("b").unwrap().get("c").unwrap();
    assert_eq!(alias.trail().to_string(), "b.c");
    let key = tree.documents().next().unwrap().entries().nth(1).unwrap().0;
    assert_eq!(key.trail().to_string(), "b");
    assert_eq!(tree.follow(&key.trail()).unwrap().get("c").map(NodeRef::id), Some(alias.id()));
}

#[test]
fn many_ways_in_one_wide_and_deep_file() {
    let items: Vec<String> = (0..20_000).map(|n| format!("- {{name: n{n}, image: x}}")).collect();
    let file = tree(&items.join("\n"));
    for (number, item) in file.documents().next().unwrap().items().enumerate() {
        assert_eq!(item.get("image").unwrap().trail().to_string(), format!("[n{number}].image"));
    }
    let deep = tree(&format!("{}X", "- ".repeat(20_000)));
    let trail = find(&deep, "X").unwrap().trail();
    assert_eq!(deep.follow(&trail).unwrap().text(), Some("X"));
}

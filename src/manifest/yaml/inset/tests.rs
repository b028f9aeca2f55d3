//! Documents in blocks: the places and bytes are those of the file.

use super::super::{Kind, NodeRef, Syntax, Tree, Unreadable};

fn tree(source: &str) -> Tree {
    Tree::parse(source.into(), Syntax::Yaml).unwrap()
}

/// What the block at `v` of the last document holds.
fn inset(tree: &Tree) -> Option<Result<NodeRef<'_>, &Unreadable>> {
    tree.documents().last().unwrap().get("v").unwrap().inset()
}

/// Every scalar of the inset in the block at `v`, as `line:column bytes`.
#[track_caller]
fn check(source: &str, expected: &[&str]) {
    let tree = tree(source);
    let root = inset(&tree).expect("an inset").expect("a readable one");
    let nodes = (0..root.tree().len()).map(|id| root.tree().node(id));
    let scalars: Vec<String> = nodes
        .filter(|node| matches!(node.kind(), Kind::Scalar(_)) && node.is_verbatim())
        .map(|node| format!("{}:{} {}", node.line(), node.column(), &source[node.span()]))
        .collect();
    assert_eq!(scalars, expected, "{source:?}");
}

#[track_caller]
fn unreadable(source: &str, line: usize, column: usize) {
    let tree = tree(source);
    let error = inset(&tree).expect("an inset").expect_err("an unreadable one");
    assert_eq!((error.line, error.column), (line, column), "{source:?}: {}", error.message);
}

#[track_caller]
fn nothing(source: &str) {
    assert!(inset(&tree(source)).is_none(), "{source:?}");
}

#[test]
fn nodes_tell_places_and_bytes_of_the_file() {
    check("v: |\n  a: b\n  c: 'd'\n", &["2:3 a", "2:6 b", "3:3 c", "3:6 d"]);
    check("x: y\nv: |\n        a:\n          - b\n", &["3:9 a", "4:13 b"]);
    check("v: |\r\n  a: b\r\n  c: \"d\"\r\nw: x\r\n", &["2:3 a", "2:6 b", "3:3 c", "3:6 d"]);
    check("\u{feff}# ü\nv: |\n  # é\n  ü: ö # ß\n  {é: à}: x\n", &["4:3 ü", "4:6 ö", "5:4 é", "5:7 à", "5:11 x"]);
    check("v: |-\n  a: b", &["2:3 a", "2:6 b"]);
    check("v: |+\n  a: b\n\n\nw: x", &["2:3 a", "2:6 b"]);
    check("v: |+\n  a: b\n\n", &["2:3 a", "2:6 b"]);
    check("v: |\n\n \n  a: b\n \n\n  c: d\n", &["4:3 a", "4:6 b", "7:3 c", "7:6 d"]);
    check("v: |2\n    a: b\n    c: d\n", &["2:5 a", "2:8 b", "3:5 c", "3:8 d"]);
    check("v: |2-\n   # further out\n  a: b\n", &["3:3 a", "3:6 b"]);
    check("v: | # a comment\n  a: b\n", &["2:3 a", "2:6 b"]);
    check("- x\n---\nv: |\n  ---\n  a: b\n", &["5:3 a", "5:6 b"]);
    check("v: |\n  a: b   \n  c: d\t\n", &["2:3 a", "2:6 b", "3:3 c", "3:6 d"]);
    check("v: |\n  {\"a\": \"b\"}\n", &["2:4 a", "2:9 b"]);
    check("v: |\r  a: b\r  c: d\r", &["2:3 a", "2:6 b", "3:3 c", "3:6 d"]);
    check("v: |\n a:\n", &["2:2 a", "2:2 "]);
    check("v: |\n  a:\tb\n", &["2:3 a", "2:6 b"]);
}

#[test]
fn scalars_of_several_lines_have_no_bytes() {
    check(
        "v: |\n  a: 'b\n   c'\n  d: e\n    f\n  g: |\n    h\n  i: j\n",
        &["2:3 a", "4:3 d", "6:3 g", "8:3 i", "8:6 j"],
    );
    let tree = tree("v: |\n  a: b\n    c\n");
    assert_eq!(inset(&tree).unwrap().unwrap().get_text("a"), Some("b c"));
}

#[test]
fn an_inset_is_read_once_and_has_none_itself() {
    let tree = tree("v: |\n  a: |\n    b: c\n");
    let (once, again) = (inset(&tree).unwrap().unwrap(), inset(&tree).unwrap().unwrap());
    assert!(std::ptr::eq(once.tree(), again.tree()));
    assert!(once.get("a").unwrap().inset().is_none());
    assert_eq!((tree.inset_in(), once.tree().inset_in()), (None, Some(2)));
    assert_eq!(tree.clone().into_source(), "v: |\n  a: |\n    b: c\n");
}

#[test]
fn other_scalars_have_none() {
    for value in [">\n  a: b", "'a: b'", "a", "\"a: b\"", "{a: b}", "[a]", "|", "|\n\n", "|\n  # nothing\n", "|+\n\n"] {
        nothing(&format!("v: {value}"));
    }
    nothing("x: &x |\n  a: b\nv: *x");
    let key = tree("? |\n  a: b\n: c");
    assert!(key.documents().next().unwrap().entries().next().unwrap().0.inset().is_none());
}

#[test]
fn what_is_no_yaml_says_where() {
    unreadable("v: |\n  a: b\n   c: d\n", 3, 5);
    unreadable("v: |\n  a: [b\n", 3, 3);
    unreadable("v: |\n  ü: *x\n", 2, 6);
    unreadable("x: &x y\nv: |\n  a: *x\n", 3, 6);
    unreadable("v: |\n  a: {{ .b }}\n", 2, 6);
    unreadable("v: |\n  a: b\n  ---\n  c: d\n", 4, 3);
    unreadable("v: |\n  {{ if .x }}\n  a: b\n", 3, 4);
    check("v: |\n  a: '{{ b }}' # {{ c }}\n  d: e\n", &["2:3 a", "2:6 {{ b }}", "3:3 d", "3:6 e"]);
}

#[test]
fn a_block_that_is_shared_shares_what_it_holds() {
    let shared = |source: &str| {
        let tree = tree(source);
        let root = inset(&tree).unwrap().unwrap();
        root.get("a").unwrap().share().map(|share| (share.line, share.alias_line))
    };
    assert_eq!(shared("v: &v |\n  a: b\nw: *v\n"), Some((2, 3)));
    assert_eq!(shared("v: &v |\n  a: &a b\n  c: *a\nw: *v\n"), Some((2, 4)), "the whole is shared as well");
    assert_eq!(shared("v: &v |\n  a: b\nw: x\n"), None);
    assert_eq!(shared("v: |\n  a: &a b\n  c: *a\n"), Some((2, 3)));
}

#[test]
fn a_tree_can_go_to_another_thread() {
    fn sent(_: impl Send + Sync) {}
    sent(tree("v: |\n  a: b\n"));
}

//! Keys written in the style of their neighbours, and the places where none is written.

use super::super::super::yaml::{Syntax, Tree};
use super::super::{Change, Obstacle, Rewritten, rewrite};
use super::Gap;
use crate::path::RepoPath;

fn file() -> RepoPath {
    RepoPath::parse("a.yaml").unwrap()
}

/// The first mapping with a `name`, in the file or else in its first block.
fn gap(tree: &Tree) -> Gap {
    let root = tree.documents().next().unwrap();
    let mapping = root.mappings().find(|node| node.get("name").is_some()).unwrap_or_else(|| {
        let inset = root.get("v").unwrap().inset().unwrap().unwrap();
        inset.mappings().find(|node| node.get("name").is_some()).unwrap()
    });
    Gap::behind(mapping, "name", "newTag", &file())
}

fn insert(source: &str, value: &str, syntax: Syntax) -> Rewritten {
    let gap = gap(&Tree::parse(source.into(), syntax).unwrap());
    let tree = Tree::parse(source.into(), syntax).unwrap();
    rewrite(&tree, &[Change::Insert { gap: &gap, value: value.into() }])
}

#[track_caller]
fn check(source: &str, value: &str, expected: &str) {
    let rewritten = insert(source, value, Syntax::Yaml);
    assert_eq!(rewritten, Rewritten { text: expected.into(), refused: vec![] }, "{source:?}");
}

#[track_caller]
fn refused(source: &str, obstacle: &Obstacle) {
    let known = gap(&Tree::parse(source.into(), Syntax::Yaml).unwrap()).refusal();
    assert_eq!(known.map(|refusal| refusal.obstacle).as_ref(), Some(obstacle), "{source:?}");
    let Rewritten { text, refused } = insert(source, "v2", Syntax::Yaml);
    assert_eq!(text, source);
    assert_eq!(refused.iter().map(|(_, refusal)| &refusal.obstacle).collect::<Vec<_>>(), [obstacle], "{source:?}");
}

#[test]
fn a_line_of_its_own_as_far_in_as_the_others() {
    check("images:\n- name: a\n", "v2", "images:\n- name: a\n  newTag: v2\n");
    check("images:\n  - name: a\n  - name: b\n", "v2", "images:\n  - name: a\n    newTag: v2\n  - name: b\n");
    check("-  name: a\n   newName: b\n", "v2", "-  name: a\n   newTag: v2\n   newName: b\n");
    check("- newName: b\n  name: a # the app\n- x", "v2", "- newName: b\n  name: a # the app\n  newTag: v2\n- x");
    check("- - name: a\n", "v2", "- - name: a\n    newTag: v2\n");
    check("-\n          name: a  \n", "v2", "-\n          name: a  \n          newTag: v2\n");
    check("name: a\n# about b\nb: c\n", "v2", "name: a\nnewTag: v2\n# about b\nb: c\n");
    check("name:\n  a\nb: c", "v2", "name:\n  a\nnewTag: v2\nb: c");
    check("'name' : a\n", "v2", "'name' : a\nnewTag: v2\n");
    check("ü: é\nname: ß # à\n", "v2", "ü: é\nname: ß # à\nnewTag: v2\n");
    check("name: &a b\nc: *a\n", "v2", "name: &a b\nnewTag: v2\nc: *a\n");
    check("- &x\n  name: a\n", "v2", "- &x\n  name: a\n  newTag: v2\n");
    check("a: {b: c}\nd: [e]\nname: f\ng: [h]\n", "v2", "a: {b: c}\nd: [e]\nname: f\nnewTag: v2\ng: [h]\n");
    check(
        "a: {b: c, d: e\n  }\nf:\n- [g]\n- name: h\n",
        "v2",
        "a: {b: c, d: e\n  }\nf:\n- [g]\n- name: h\n  newTag: v2\n",
    );
    for indent in 1..=10 {
        let blanks = " ".repeat(indent);
        check(&format!("a:\n{blanks}name: b\n"), "v2", &format!("a:\n{blanks}name: b\n{blanks}newTag: v2\n"));
    }
}

#[test]
fn line_ends_stay_as_they_are() {
    check("- name: a\r\n- name: b\r\n", "v2", "- name: a\r\n  newTag: v2\r\n- name: b\r\n");
    check("x: y\r\nname: a", "v2", "x: y\r\nname: a\r\nnewTag: v2");
    check("x: y\nname: a", "v2", "x: y\nname: a\nnewTag: v2");
    check("name: a", "v2", "name: a\nnewTag: v2");
    check("name: a # b", "v2", "name: a # b\nnewTag: v2");
    check("x: y\rname: a\rz: 1", "v2", "x: y\rname: a\rnewTag: v2\rz: 1");
    check("\u{feff}name: a\n...\n", "v2", "\u{feff}name: a\nnewTag: v2\n...\n");
}

#[test]
fn values_are_quoted_like_their_neighbour_or_where_they_must_be() {
    check("name: a\n", "1.10", "name: a\nnewTag: \"1.10\"\n");
    check("name: 'a'\n", "v2", "name: 'a'\nnewTag: 'v2'\n");
    check("name: \"a\"\n", "v2", "name: \"a\"\nnewTag: \"v2\"\n");
    check("name: 'a''b' # c\n", "v2", "name: 'a''b' # c\nnewTag: 'v2'\n");
    check("name: 'a'\n", "it's", "name: 'a'\nnewTag: \"it's\"\n");
    check("name: a\n", "a\\b: \"c\"", "name: a\nnewTag: 'a\\b: \"c\"'\n");
}

#[test]
fn in_a_block() {
    check("v: |\n  i:\n  - name: a\n  - b\nw: x\n", "v2", "v: |\n  i:\n  - name: a\n    newTag: v2\n  - b\nw: x\n");
    check("v: |-\r\n  name: a\r\nw: x\r\n", "v2", "v: |-\r\n  name: a\r\n  newTag: v2\r\nw: x\r\n");
    check("v: |\n  name: a", "v2", "v: |\n  name: a\n  newTag: v2");
}

#[test]
fn where_no_line_can_be_added() {
    let flow = Obstacle::FlowInsert { key: "newTag" };
    refused("images: [{name: a}]", &flow);
    refused("{\n  name: a\n}\n", &flow);
    refused("[\n  name: a\n]\n", &flow);
    refused("v: |\n  {name: a}\n", &flow);
    let no_line = Obstacle::NoLine { key: "newTag", behind: "name".into() };
    refused("name: |\n  a\n", &no_line);
    refused("name: >-\n  a\n", &no_line);
    refused("name: a\n  b\n", &no_line);
    refused("name: 'a\n  b'\n", &no_line);
    refused("name: [a]\n", &no_line);
    refused("name:\nb: c\n", &no_line);
    refused("x: &x y\nname: *x\n", &no_line);
    refused("? name\n: a\n", &no_line);
    refused("&a name: b\n", &no_line);
    refused("name: a\nnewTag: b\n", &Obstacle::Present { key: "newTag", line: 2 });
    refused("a: &a\n  name: b\nc: *a\n", &Obstacle::Shared { anchor_line: 2, alias_line: 3 });
    refused("v: &v |\n  name: b\nc: *v\n", &Obstacle::Shared { anchor_line: 2, alias_line: 3 });
    let json = insert("{\"name\": \"a\"}", "v2", Syntax::Json);
    assert_eq!(json.refused[0].1.obstacle, flow);
    assert_eq!(
        json.refused[0].1.to_string(),
        "a.yaml:1:2: not changed: the key `newTag` is missing, and keys are not added to a mapping in braces; add `newTag` by hand"
    );
}

#[test]
fn together_with_other_changes() {
    let source = "- name: a\n- name: b\n  newTag: 1.0\n- name: c\n- {name: d}";
    let tree = Tree::parse(source.into(), Syntax::Yaml).unwrap();
    let items: Vec<_> = tree.documents().next().unwrap().items().collect();
    let gap = |item: usize, key| Gap::behind(items[item], "name", key, &file());
    let (a, digest, c, d) = (gap(0, "newTag"), gap(0, "digest"), gap(2, "newTag"), gap(3, "newTag"));
    let b = super::super::Scalar::at(items[1].get("newTag").unwrap(), &file());
    let insert = |gap, value: &str| Change::Insert { gap, value: value.into() };
    let set = Change::Set { scalar: &b, value: "2.0".into() };
    let many = [insert(&c, "3"), insert(&a, "v1"), set, insert(&digest, "x"), insert(&d, "v"), insert(&a, "v1")];
    let changed = rewrite(&tree, &many);
    assert_eq!(
        changed.text,
        "- name: a\n  newTag: v1\n  digest: x\n- name: b\n  newTag: \"2.0\"\n- name: c\n  newTag: \"3\"\n- {name: d}"
    );
    assert_eq!(changed.refused.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [4]);
    let two = rewrite(&tree, &[insert(&a, "v1"), insert(&c, "v1"), insert(&a, "v2")]);
    assert_eq!(two.text, source.replace("- name: c\n", "- name: c\n  newTag: v1\n"));
    let obstacles: Vec<_> = two.refused.iter().map(|(number, refusal)| (*number, &refusal.obstacle)).collect();
    assert_eq!(obstacles, [(0, &Obstacle::Contradiction), (2, &Obstacle::Contradiction)]);
}

#[test]
fn behind_a_last_value_that_grows() {
    let source = "x: y\nname: a";
    let tree = Tree::parse(source.into(), Syntax::Yaml).unwrap();
    let name = super::super::Scalar::at(tree.documents().next().unwrap().get("name").unwrap(), &file());
    let gap = gap(&tree);
    let changes = [Change::Insert { gap: &gap, value: "v2".into() }, Change::Set { scalar: &name, value: "ab".into() }];
    assert_eq!(rewrite(&tree, &changes), Rewritten { text: "x: y\nname: ab\nnewTag: v2".into(), refused: vec![] });
}

#[test]
fn before_a_key_that_changes() {
    let source = "name: a\nb: c";
    let tree = Tree::parse(source.into(), Syntax::Yaml).unwrap();
    let key = super::super::Scalar::at(tree.documents().next().unwrap().entries().nth(1).unwrap().0, &file());
    let gap = gap(&tree);
    let changes = [Change::Set { scalar: &key, value: "d".into() }, Change::Insert { gap: &gap, value: "v2".into() }];
    assert_eq!(rewrite(&tree, &changes).text, "name: a\nnewTag: v2\nd: c");
}

#[test]
fn a_gap_of_another_file_is_not_filled() {
    let gap = gap(&Tree::parse("name: a\n".into(), Syntax::Yaml).unwrap());
    for other in ["name: bb\n", "x", "- name\n", "{name: a}"] {
        let tree = Tree::parse(other.into(), Syntax::Yaml).unwrap();
        let Rewritten { text, refused } = rewrite(&tree, &[Change::Insert { gap: &gap, value: "v2".into() }]);
        assert_eq!((text.as_str(), &refused[0].1.obstacle), (other, &Obstacle::Foreign));
    }
    assert_eq!((gap.place().line, gap.place().column), (1, 1));
}

//! Byte-exact edits, and everything that is refused.

use super::super::yaml::{Syntax, Tree};
use super::{Change, Obstacle, Rewritten, Scalar, rewrite};
use crate::path::RepoPath;

fn change(source: &str, key: &str, value: &str) -> Result<String, Obstacle> {
    let tree = Tree::parse(source.into(), Syntax::Yaml).unwrap();
    let node = tree.documents().last().unwrap().get(key).unwrap();
    let scalar = Scalar::at(node, &RepoPath::parse("a.yaml").unwrap());
    only(rewrite(&tree, &[Change::Set { scalar: &scalar, value: value.into() }]))
}

/// The text, or what stood in the way of the only change.
fn only(rewritten: Rewritten) -> Result<String, Obstacle> {
    match rewritten.refused.into_iter().next() {
        Some((_, refusal)) => Err(refusal.obstacle),
        None => Ok(rewritten.text),
    }
}

#[track_caller]
fn check(source: &str, value: &str, expected: &str) {
    assert_eq!(change(source, "i", value).as_deref(), Ok(expected), "{source:?}");
}

#[track_caller]
fn refused(source: &str, obstacle: &Obstacle) {
    assert_eq!(change(source, "i", "x:2").as_ref(), Err(obstacle), "{source:?}");
}

#[test]
fn only_the_bytes_of_the_value_change() {
    check("i: x:1", "x:2", "i: x:2");
    check("i:   x:1  # x:1\n", "x:2.0", "i:   x:2.0  # x:1\n");
    check("i: 'x:1'\n", "x:2", "i: 'x:2'\n");
    check("i: \"x:1\"\r\nj: x:1\r\n", "x:2", "i: \"x:2\"\r\nj: x:1\r\n");
    check("\u{feff}# ü\u{a0}\ni: ü:1\n\n...\n", "ü:2", "\u{feff}# ü\u{a0}\ni: ü:2\n\n...\n");
    check("{\"i\": \"a\\/x:1\"}", "a/x:2", "{\"i\": \"a\\/x:2\"}");
    check("i: x", "x:2", "i: x:2");
    check("i: \"x\"", "x:2", "i: \"x:2\"");
    check("i: &a x:1", "x:2", "i: &a x:2");
    check("i: !!str x:1", "x:2", "i: !!str x:2");
    check("i:\n  x:1\n", "x:2", "i:\n  x:2\n");
    check("{j: k, i: x:1}", "x:2", "{j: k, i: x:2}");
    check("a: |\n  é: ü\n  i: x:1\n---\ni: x:1", "x:2", "a: |\n  é: ü\n  i: x:1\n---\ni: x:2");
    check("i: x:10", "x:1", "i: x:1");
    check("i:\tx:1\t\n", "x:2", "i:\tx:2\t\n");
}

#[test]
fn a_plain_value_is_quoted_when_it_would_not_stay_a_string() {
    check("i: v1", "1.10", "i: \"1.10\"");
    check("i: 1.9 # x", "1.10", "i: \"1.10\" # x");
    check("i: '1.9'", "1.10", "i: '1.10'");
    check("i: 12:30", "12:31", "i: \"12:31\"");
    check("i: 1.2.3", "1.2.4", "i: 1.2.4");
}

#[test]
fn what_cannot_be_changed_safely_is_refused() {
    refused("i: |\n  x:1\n", &Obstacle::Block);
    refused("i: >-\n  x:1\n", &Obstacle::Block);
    refused("i: x\n  y\n", &Obstacle::SeveralLines);
    refused("i: \"x:1\\\n  2\"\n", &Obstacle::SeveralLines);
    refused("i: 'x\n  y'\n", &Obstacle::SeveralLines);
    refused("i: \"x\\x3a1\"\n", &Obstacle::Escaped);
    refused("i: 'x''1'\n", &Obstacle::Escaped);
    refused("i: !!int x\n", &Obstacle::Tagged("tag:yaml.org,2002:int".into()));
    refused("i: !x x\n", &Obstacle::Tagged("!x".into()));
    refused("a: &a {b: c}\ni: *a\n", &Obstacle::Alias { anchor_line: 1 });
    refused("a: &a x\ni: *a\n", &Obstacle::Divided { anchor_line: 1, other_line: 1 });
    refused("i: &a x\na: *a\n", &Obstacle::Divided { anchor_line: 1, other_line: 2 });
}

#[test]
fn many_changes_are_one_text() {
    let source = "- {i: a:1, j: b:1}\n- {i: c:1}\n";
    let tree = Tree::parse(source.into(), Syntax::Yaml).unwrap();
    let file = RepoPath::parse("a.yaml").unwrap();
    let items: Vec<_> = tree.documents().next().unwrap().items().collect();
    let scalar = |item: usize, key| Scalar::at(items[item].get(key).unwrap(), &file);
    let (a, b, c) = (scalar(0, "i"), scalar(0, "j"), scalar(1, "i"));
    let set = |scalar, value: &str| Change::Set { scalar, value: value.into() };
    let changed = rewrite(&tree, &[set(&c, "c:22"), set(&a, "a:22"), set(&b, "b:1"), set(&a, "a:22")]);
    assert_eq!(changed, Rewritten { text: "- {i: a:22, j: b:1}\n- {i: c:22}\n".into(), refused: vec![] });
    assert_eq!(rewrite(&tree, &[]), Rewritten { text: source.into(), refused: vec![] });
    let twice = rewrite(&tree, &[set(&a, "a:2"), set(&c, "c:2"), set(&a, "a:3")]);
    assert_eq!(twice.text, "- {i: a:1, j: b:1}\n- {i: c:2}\n", "the others are changed");
    let told: Vec<_> = twice.refused.iter().map(|(number, refusal)| (*number, refusal.to_string())).collect();
    let text = "a.yaml:1:7: not changed: two changes want two different values here".to_owned();
    assert_eq!(told, [(0, text.clone()), (2, text)]);
}

#[test]
fn an_edit_that_would_change_more_is_not_made() {
    assert_eq!(change("i: x\nj: y", "i", "x\u{0}"), Err(Obstacle::Unproved { line: 1 }));
    assert_eq!(change("i: 'x'\nj: y", "i", "x', k: '"), Err(Obstacle::Unproved { line: 1 }));
    assert_eq!(change("i: 'x'\nj: y", "i", "x'\nk: 'z"), Err(Obstacle::Unproved { line: 1 }));
}

#[test]
fn a_field_of_another_file_is_not_edited() {
    let file = RepoPath::parse("a.yaml").unwrap();
    let this = Tree::parse("{a: b, c: d}".into(), Syntax::Yaml).unwrap();
    let other = Tree::parse("{a: bb, c: d}".into(), Syntax::Yaml).unwrap();
    let scalar = Scalar::at(this.documents().next().unwrap().get("c").unwrap(), &file);
    assert_eq!(only(rewrite(&other, &[Change::Set { scalar: &scalar, value: "e".into() }])), Err(Obstacle::Foreign));
}

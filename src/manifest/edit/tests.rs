//! Byte-exact edits, and everything that is refused.

use std::collections::HashSet;

use proptest::prelude::{Just, Strategy, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::super::yaml::{NodeRef, Syntax, Tree};
use super::{Change, Gap, Obstacle, Rewritten, Scalar, rewrite};
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
    check("i: ''", "x:2", "i: 'x:2'");
    check("i: \"\" # x", "1.10", "i: \"1.10\" # x");
    check("i: 1.10", "1.10", "i: 1.10");
    check("i:\tx:1\t\n", "x:2", "i:\tx:2\t\n");
}

#[test]
fn a_plain_value_is_quoted_when_it_would_not_stay_a_string() {
    check("i: --image=x:1.9 # x", "--image=x:1.10", "i: --image=x:1.10 # x");
    check("i: a,{b}:1", "a,{b}:2", "i: a,{b}:2");
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
    refused("i:\nj: k\n", &Obstacle::Empty);
    refused("i: ~\n", &Obstacle::Empty);
    refused("i: null # x\n", &Obstacle::Empty);
    refused("i: !!str\nj: k\n", &Obstacle::Empty);
    refused("i: {a: b}\n", &Obstacle::SeveralLines);
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
    assert_eq!(change("i: 'x'\nj: y", "i", "x\u{0}"), Err(Obstacle::Unproved { line: 1 }));
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

/// All scalars with one of these values, wherever they stand, aliases as well, set to `to`.
fn set_all(source: &str, syntax: Syntax, values: &[&str], to: &str) -> Rewritten {
    let file = RepoPath::parse("a.yaml").unwrap();
    let read = Tree::parse(source.into(), syntax).unwrap();
    let scalars = |tree: &Tree| -> Vec<Scalar> {
        let nodes = (0..tree.len()).map(|id| tree.node(id));
        let meant = nodes.filter(|node| node.resolved().text().is_some_and(|text| values.contains(&text)));
        meant.map(|node| Scalar::at(node, &file)).collect()
    };
    let mut all = scalars(&read);
    let insets = (0..read.len()).filter_map(|id| read.node(id).inset()?.ok());
    all.extend(insets.flat_map(|inset| scalars(inset.tree())));
    let changes: Vec<_> = all.iter().map(|scalar| Change::Set { scalar, value: to.into() }).collect();
    rewrite(&Tree::parse(source.into(), syntax).unwrap(), &changes)
}

#[track_caller]
fn all(source: &str, values: &[&str], expected: &str) {
    let rewritten = set_all(source, Syntax::Yaml, values, "v2");
    assert_eq!(rewritten, Rewritten { text: expected.into(), refused: vec![] }, "{source:?}");
}

#[test]
fn an_anchor_changes_when_all_who_use_it_do() {
    all("a: &x v1\nb: *x\nc: [*x, v1]\n", &["v1"], "a: &x v2\nb: *x\nc: [*x, v2]\n");
    all("a: &x v1\nb: &x v1\nc: *x\n", &["v1"], "a: &x v2\nb: &x v2\nc: *x\n");
    all("v: |\n  a: &x v1\n  b: *x\n", &["v1"], "v: |\n  a: &x v2\n  b: *x\n");

    let source = "a: &x v1\nb: *x\nc: *x\nd: e\n";
    let tree = Tree::parse(source.into(), Syntax::Yaml).unwrap();
    let root = tree.documents().next().unwrap();
    let scalar = |key| Scalar::at(root.get(key).unwrap(), &RepoPath::parse("a.yaml").unwrap());
    let (a, b, c, d) = (scalar("a"), scalar("b"), scalar("c"), scalar("d"));
    assert!([&a, &b, &c].iter().all(|scalar| scalar.refusal().is_none()), "only rewriting can tell");
    assert_eq!((b.place().line, b.span()), (2, a.span()));
    let told = |wanted: &[(&Scalar, &str)]| {
        let changes: Vec<_> = wanted.iter().map(|(scalar, to)| Change::Set { scalar, value: (*to).into() }).collect();
        let Rewritten { text, refused } = rewrite(&tree, &changes);
        let other = |obstacle: &Obstacle| match obstacle {
            Obstacle::Divided { anchor_line: 1, other_line } => *other_line,
            _ => 0,
        };
        let refused: Vec<_> = refused.iter().map(|(number, refusal)| (*number, other(&refusal.obstacle))).collect();
        (text.replace(source, ""), refused)
    };
    let others = source.replace("d: e", "d: f");
    assert_eq!(told(&[(&a, "v2"), (&d, "f"), (&b, "v2")]), (others.clone(), vec![(0, 3), (2, 3)]), "one is left out");
    assert_eq!(told(&[(&d, "f"), (&b, "v2"), (&c, "v2")]), (others, vec![(1, 1), (2, 1)]), "the anchor is left out");
    assert_eq!(told(&[(&a, "v2"), (&b, "v2"), (&c, "v3")]), (String::new(), vec![(0, 3), (1, 3), (2, 1)]), "two ways");
    assert_eq!(told(&[(&a, "v2"), (&b, "v3"), (&b, "v2")]), (String::new(), vec![(0, 0), (1, 0), (2, 0)]), "two words");
    let divided = rewrite(&tree, &[Change::Set { scalar: &b, value: "v2".into() }]);
    assert_eq!(
        divided.refused[0].1.to_string(),
        "a.yaml:2:4: not changed: the value is shared through the anchor of line 1, and line 1 is not to change to the \
         same; have both follow one policy, or write the value in both places"
    );
}

#[test]
fn what_is_shared_further_out_is_known_before() {
    let file = RepoPath::parse("a.yaml").unwrap();
    let shared = Obstacle::Shared { anchor_line: 1, alias_line: 2 };
    for source in ["a: &x {i: v1}\nb: *x", "a: &x [&i v1, *i]\nb: *x", "a: &x {b: {c: v1}}\n<<: *x"] {
        let tree = Tree::parse(source.into(), Syntax::Yaml).unwrap();
        let nodes = (0..tree.len()).map(|id| tree.node(id));
        for node in nodes.filter(|node| node.resolved().text() == Some("v1")) {
            assert_eq!(Scalar::at(node, &file).refusal().map(|refusal| refusal.obstacle).as_ref(), Some(&shared));
        }
    }
    let tree = Tree::parse("t: &t v1\na: &x {i: *t}\nb: *x".into(), Syntax::Yaml).unwrap();
    let alias = tree.documents().next().unwrap().get("a").unwrap().get("i").unwrap();
    let refusal = Scalar::at(alias, &file).refusal().map(|refusal| refusal.obstacle);
    assert_eq!(refusal, Some(Obstacle::Shared { anchor_line: 2, alias_line: 3 }), "the alias itself is used twice");
}

#[test]
fn what_every_merge_says_anew_is_not_shared() {
    let file = RepoPath::parse("a.yaml").unwrap();
    for (source, is_shared) in [
        ("a: &x {i: v1}\nb: {<<: *x, i: w}", false),
        ("a: &x {i: v1}\nb: {i: w, <<: *x}\nc: {<<: *x, i: w}", false),
        ("- &x {i: v1}\n- {<<: *x, i: w}", false),
        ("a: &x {i: v1}\nb: {<<: *x, j: w}", true),
        ("a: &x {i: v1}\nb: {<<: *x, i: w}\nc: {<<: *x}", true),
        ("a: &x {i: v1}\nb: {<<: *x, i: w}\nc: *x", true),
        ("a: &x {i: v1}\nb: {<<: [*x], i: w}", true),
        ("a: &x {c: {i: v1}}\nb: {<<: *x, c: w}", true),
        ("a: &x {i: &i v1, j: *i}\nb: {<<: *x, i: w}", true),
        ("a: &x [v1]\nb: {<<: *x, i: w}", true),
    ] {
        let tree = Tree::parse(source.into(), Syntax::Yaml).unwrap();
        let node = (0..tree.len()).map(|id| tree.node(id)).find(|node| node.text() == Some("v1")).unwrap();
        let scalar = Scalar::at(node, &file);
        assert_eq!(scalar.refusal().is_some(), is_shared, "{source}");
        let rewritten = rewrite(&tree, &[Change::Set { scalar: &scalar, value: "v2".into() }]);
        assert_eq!(rewritten.text == source.replace("v1", "v2"), !is_shared, "{source}");
    }
}

#[test]
fn insets_change_like_files() {
    all("a: v1\nv: |\n  # v1\n  t: v1 # v1\nw: v1\n", &["v1"], "a: v2\nv: |\n  # v1\n  t: v2 # v1\nw: v2\n");
    all("v: |\n  t: v1\nw: |\n  t: v1", &["v1"], "v: |\n  t: v2\nw: |\n  t: v2");
    all("v: |+\r\n  é: 'v1'\r\n\r\n", &["v1"], "v: |+\r\n  é: 'v2'\r\n\r\n");
    all("v: |2-\n    t: 1.9\n", &["1.9"], "v: |2-\n    t: v2\n");
    let source = "v: &v |\n  t: v1\nw: *v\n";
    let rewritten = set_all(source, Syntax::Yaml, &["v1"], "v2");
    assert_eq!(rewritten.refused[0].1.obstacle, Obstacle::Shared { anchor_line: 2, alias_line: 3 });
    let rewritten = set_all("v: |\n  t: 1.9\n", Syntax::Yaml, &["1.9"], "1.10");
    assert_eq!(rewritten.text, "v: |\n  t: \"1.10\"\n");
    let rewritten = set_all("v: |\n  t: 'x'\nw: x", Syntax::Yaml, &["x"], "x', k: '");
    let lines: Vec<_> = rewritten.refused.iter().map(|(_, refusal)| &refusal.obstacle).collect();
    assert_eq!(lines, [&Obstacle::Unproved { line: 2 }, &Obstacle::Unproved { line: 2 }], "no proof, no change at all");
}

#[test]
fn text_in_json_is_always_quoted() {
    let json = |source: &str, value: &str, to: &str| set_all(source, Syntax::Json, &[value], to).text;
    assert_eq!(json("{\"tag\": 124}", "124", "v2"), "{\"tag\": \"v2\"}");
    assert_eq!(json("{\"tag\":\t\"124\"}", "124", "v2"), "{\"tag\":\t\"v2\"}");
    assert_eq!(json("{\"tag\": 124}", "124", "124"), "{\"tag\": 124}");
    assert_eq!(set_all("{tag: 124}", Syntax::Yaml, &["124"], "v2").text, "{tag: v2}");
}

#[test]
fn many_uses_of_one_anchor_take_no_time() {
    let source = format!("a: &x v1\nb: [{}]\n", "*x, ".repeat(20_000));
    all(&source, &["v1"], &source.replace("v1", "v2"));
}

/// Pieces that make YAML, near-YAML and the rest.
pub(super) fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => Just("a: x:1"),
        2 => Just("\n"),
        2 => Just("\n  "),
        2 => Just("\n- "),
        1 => Just("\r\n"),
        1 => Just("\n    "),
        1 => Just("b: "),
        1 => Just("name: "),
        1 => Just("&a "),
        1 => Just("*a"),
        1 => Just("'x'"),
        1 => Just("\"x\\\" \""),
        1 => Just("é"),
        1 => Just(" # M"),
        1 => Just("|\n  "),
        1 => Just(">-\n  "),
        1 => Just("{a: b, "),
        1 => Just("[x, "),
        1 => Just("}"),
        1 => Just("]"),
        1 => Just("? "),
        1 => Just(": "),
        1 => Just("---\n"),
        1 => Just("\t"),
        1 => Just("!!str "),
        1 => Just("kind: A"),
        1 => Just("1.10"),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    /// Whatever can be changed is changed, reads back as asked, and changes no second time; comments
    /// stay, and every place is found again.
    #[test]
    fn any_text_holds_the_law(source in pieces()) {
        let Ok(tree) = Tree::parse(source.clone(), Syntax::Yaml) else { return Ok(()) };
        prop_assert_eq!(rewrite(&tree, &[]).text, source.clone());
        let file = RepoPath::parse("a.yaml").unwrap();
        let insets: Vec<NodeRef<'_>> = (0..tree.len()).filter_map(|id| tree.node(id).inset()?.ok()).collect();
        let trees: Vec<&Tree> = std::iter::once(&tree).chain(insets.iter().map(|inset| inset.tree())).collect();
        let nodes: Vec<NodeRef<'_>> = trees.iter().flat_map(|tree| (0..tree.len()).map(|id| tree.node(id))).collect();
        let scalars: Vec<Scalar> = nodes.iter().map(|node| Scalar::at(*node, &file)).collect();
        let gaps: Vec<Gap> = nodes.iter().map(|node| Gap::behind(*node, "name", "newTag", &file)).collect();
        let sets = scalars.iter().map(|scalar| Change::Set { scalar, value: "y:2".into() });
        let inserts = gaps.iter().map(|gap| Change::Insert { gap, value: "2.0".into() });
        let changes: Vec<Change<'_>> = sets.chain(inserts).collect();
        let Rewritten { text, refused } = rewrite(&tree, &changes);
        let unproved = refused.iter().find(|(_, refusal)| matches!(refusal.obstacle, Obstacle::Unproved { .. }));
        prop_assert!(unproved.is_none(), "{:?}", unproved);
        let after = Tree::parse(text.clone(), Syntax::Yaml).unwrap();
        prop_assert_eq!(after.remarks(&["M"]).len(), tree.remarks(&["M"]).len());
        let plain = |mapping: &NodeRef<'_>| {
            let mut seen = HashSet::new();
            mapping.entries().all(|(key, _)| key.resolved().text().is_some_and(|text| seen.insert(text)))
        };
        if nodes.iter().all(plain) {
            prop_assert!(nodes.iter().all(|node| tree.follow(&node.trail()).is_some()));
        }
    }
}

//! Entries before and after, byte for byte, and those that stay as they are.

use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

use super::super::super::yaml::{Kind, NodeRef, Syntax, Tree};
use super::super::Obstacle;
use super::super::tests::pieces;
use super::{Amended, Amendment, Fresh, FreshValue, amend};
use crate::manifest::problem::Place;
use crate::path::RepoPath;

fn place(line: usize, column: usize) -> Place {
    Place { file: RepoPath::parse("a.yaml").unwrap(), line, column }
}

fn parse(source: &str) -> Tree {
    let syntax = if source.starts_with('{') && source.contains('"') { Syntax::Json } else { Syntax::Yaml };
    Tree::parse(source.into(), syntax).unwrap()
}

fn fresh(key: &str, value: &str) -> Fresh {
    Fresh { key: key.into(), value: FreshValue::Text(value.into()) }
}

/// The first mapping under the key `m`, or else the first document.
fn mapping(tree: &Tree) -> NodeRef<'_> {
    let root = tree.documents().next().unwrap();
    (0..tree.len()).map(|id| tree.node(id)).find_map(|node| node.get("m")).unwrap_or(root)
}

fn made(amended: Amended) -> Result<String, String> {
    match amended.refused.into_iter().next() {
        Some((_, refusal)) => Err(refusal.to_string().replace("not changed: ", "")),
        None => Ok(amended.text),
    }
}

/// Removes the entries whose keys begin with `x`.
#[track_caller]
fn removed(source: &str, expected: Result<&str, &str>) {
    let tree = parse(source);
    let mapping = mapping(&tree);
    let gone = mapping.entries().filter(|(key, _)| key.text().is_some_and(|key| key.starts_with('x')));
    let keys = gone.map(|(key, _)| key.id()).collect();
    let amended = amend(&tree, &[vec![Amendment::Remove { mapping, keys }]], &["M"], place);
    assert_eq!(made(amended).as_deref().map_err(String::as_str), expected, "{source:?}");
}

/// Adds `new: "true"` and `other: it's` behind the entry `a`.
#[track_caller]
fn inserted(source: &str, expected: Result<&str, &str>) {
    let tree = parse(source);
    let mapping = mapping(&tree);
    let behind = mapping.entries().filter(|(key, _)| key.text() == Some("a")).map(|(key, _)| key).collect();
    let entries = vec![fresh("new", "true"), fresh("other", "it's")];
    let amended = amend(&tree, &[vec![Amendment::Insert { mapping, behind, entries }]], &["M"], place);
    assert_eq!(made(amended).as_deref().map_err(String::as_str), expected, "{source:?}");
}

/// Gives the entry `a` the key `b.c/d` and this value.
#[track_caller]
fn replaced(source: &str, value: &str, expected: Result<&str, &str>) {
    let tree = parse(source);
    let (key, old) = mapping(&tree).entries().find(|(key, _)| key.text() == Some("a")).unwrap();
    let (new_key, new_value) = (Some("b.c/d".to_owned()), Some(value.to_owned()));
    let amended = amend(&tree, &[vec![Amendment::Replace { key, value: old, new_key, new_value }]], &["M"], place);
    assert_eq!(made(amended).as_deref().map_err(String::as_str), expected, "{source:?}");
}

/// Gives the value of the entry `a` a comment that says `M: new`.
#[track_caller]
fn marked(source: &str, expected: Result<&str, &str>) {
    let tree = parse(source);
    let (_, value) = mapping(&tree).entries().find(|(key, _)| key.text() == Some("a")).unwrap();
    let amended = amend(&tree, &[vec![Amendment::Mark { value, block: None, text: "M: new".into() }]], &["M"], place);
    assert_eq!(made(amended).as_deref().map_err(String::as_str), expected, "{source:?}");
}

#[test]
fn lines_go_with_their_breaks() {
    removed("m:\n  x: y\n  b: c\n", Ok("m:\n  b: c\n"));
    removed("m:\n  a: b\n  # about x\n  x: y # z\nc: d\n", Ok("m:\n  a: b\n  # about x\nc: d\n"));
    removed("m:\r\n  x1: y\r\n  x2: z\r\n  a: b\r\n", Ok("m:\r\n  a: b\r\n"));
    removed("m:\n  a: b\n  x: y", Ok("m:\n  a: b"));
    removed("m:\r\n  a: b\r\n  x1: y\r\n  x2: y", Ok("m:\r\n  a: b"));
    removed("m:\n  x: |\n    y\n    # no comment\n\n  a: b\n", Ok("m:\n\n  a: b\n"));
    removed("m:\n  a: b\n  'x': >-\n    y\n  z: y\n", Ok("m:\n  a: b\n  z: y\n"));
    removed("m:\n  a: b\n  x: y\n    z\n  \"c\": d\n", Ok("m:\n  a: b\n  \"c\": d\n"));
    removed("m:\n  a: b\n  x:\n    y: z\n    w: {v: [u]}\nc: d\n", Ok("m:\n  a: b\nc: d\n"));
    removed("\u{feff}m:\n  x: é\n  ü: b\n", Ok("\u{feff}m:\n  ü: b\n"));
    removed("x: 1\na: b\n---\nc: d\n", Ok("a: b\n---\nc: d\n"));
}

#[test]
fn entries_in_braces_go_with_one_comma() {
    removed("m: {x: y, b: c}\n", Ok("m: {b: c}\n"));
    removed("m: {a: b, x: y}\n", Ok("m: {a: b}\n"));
    removed("m: {a: b, x1: y, x2: 'z,', c: d} # e\n", Ok("m: {a: b, c: d} # e\n"));
    removed("m: {x1: y, a: b, x2: {c: d}, }\n", Ok("m: {a: b, }\n"));
    removed(
        "{\n\t\"m\": {\n\t\t\"x\": \"y\",\n\t\t\"a\": \"b\"\n\t}\n}\n",
        Ok("{\n\t\"m\": {\n\t\t\"a\": \"b\"\n\t}\n}\n"),
    );
    removed(
        "{\n  \"m\": {\n    \"a\": \"b\",\n    \"x\": \"y\"\n  }\n}",
        Ok("{\n  \"m\": {\n    \"a\": \"b\"\n  }\n}"),
    );
    removed(
        "m: {a: b, # M\n  x: y}\n",
        Err("a.yaml:1:4: the entry is not laid out as `key: value` with nothing else on its lines; write it so"),
    );
}

#[test]
fn a_comment_stands_behind_its_value_or_above() {
    marked("m:\n  a: b\n  c: d\n", Ok("m:\n  a: b # M: new\n  c: d\n"));
    marked("m:\r\n  a: 'b'  \r\n  c: d\r\n", Ok("m:\r\n  a: 'b' # M: new  \r\n  c: d\r\n"));
    marked("m:\n  a: \"#é\"", Ok("m:\n  a: \"#é\" # M: new"));
    marked("m: {c: d, a: b} \n", Ok("m: {c: d, a: b} # M: new \n"));
    marked("- {c: [{m: {a: b}} ]}\n", Ok("- {c: [{m: {a: b}} ]} # M: new\n"));
    marked("m:\n  a: b\n    c\n  d: e\n", Ok("m:\n  a: b\n    c # M: new\n  d: e\n"));
    marked("m:\r\n  a: b # M: old\r\n", Ok("m:\r\n  # M: new\r\n  a: b # M: old\r\n"));
    marked("m:\n  c: d\n\n  # about a\n  a: b # c", Ok("m:\n  c: d\n\n  # about a\n  # M: new\n  a: b # c"));
    marked("m: {a: b} # c\n", Ok("# M: new\nm: {a: b} # c\n"));
}

#[test]
fn no_comment_comes_between() {
    let crowded = "a.yaml:1:8: the entry is not laid out as `key: value` with nothing else on its lines; write it so";
    marked("m: {a: b, c: d}\n", Err(crowded));
    marked("m: {a: b, c: d} # e\n", Err(crowded));
    let block = "a.yaml:3:5: the value is a block scalar; write it on one line behind its key";
    marked("m:\n  a: |\n    b\n  c: d\n", Err(block));
    marked("m:\n  a: >- # e\n    b\n", Err(block));
    marked(
        "{\n  \"m\": {\n    \"a\": \"b\"\n  }\n}\n",
        Err("a.yaml:3:10: JSON has no comments; annotate the object, or write the file as YAML"),
    );
}

#[test]
fn what_shares_its_lines_stays() {
    removed("m:\n  x: y\n", Err("a.yaml:2:3: no entry would be left here; remove the whole by hand"));
    removed("m:\n  a: b\n  x: &x y\nc: *x\n", Err(SHARED));
    removed(
        "m: &m\n  a: b\n  x: y\nc: *m\n",
        Err(
            "a.yaml:2:3: the value belongs to the anchor of line 2, and line 4 uses it as well; write the value in both places",
        ),
    );
    removed(
        "m:\n  <<: {y: z}\n  x: y\n",
        Err("a.yaml:2:3: entries come in with a merge key (`<<`); write them out here"),
    );
    removed(
        "m:\n  ? x\n  : y\n  a: b\n",
        Err("a.yaml:2:5: the entry is not laid out as `key: value` with nothing else on its lines; write it so"),
    );
}

const SHARED: &str =
    "a.yaml:2:3: the value belongs to the anchor of line 3, and line 4 uses it as well; write the value in both places";

#[test]
fn new_lines_are_like_their_neighbours() {
    inserted("m:\n  a: b # c\n  d: e\n", Ok("m:\n  a: b # c\n  new: \"true\"\n  other: it's\n  d: e\n"));
    inserted("m:\r\n   'a': 'b'\r\n", Ok("m:\r\n   'a': 'b'\r\n   'new': 'true'\r\n   'other': \"it's\"\r\n"));
    inserted("m:\n  \"a\": \"b\"", Ok("m:\n  \"a\": \"b\"\n  \"new\": \"true\"\n  \"other\": \"it's\""));
    inserted(
        "m:\n  c: d\n  # about a\n  a: b\ne: f\n",
        Ok("m:\n  c: d\n  # about a\n  a: b\n  new: \"true\"\n  other: it's\ne: f\n"),
    );
    inserted("m:\n  c: d\n  e: |\n    f\n", Ok("m:\n  c: d\n  e: |\n    f\n  new: \"true\"\n  other: it's\n"));
    inserted("m:\n  e: |\n    f\n\n\ng: h\n", Ok("m:\n  new: \"true\"\n  other: it's\n  e: |\n    f\n\n\ng: h\n"));
    inserted("m:\n  c:\n    d: e\n", Ok("m:\n  new: \"true\"\n  other: it's\n  c:\n    d: e\n"));
    inserted("a: b\n---\nc: d\n", Ok("a: b\nnew: \"true\"\nother: it's\n---\nc: d\n"));
    inserted(
        "m:\n  new: x\n",
        Err("a.yaml:2:3: the key `new` was to be added, and stands in line 2 already; remove it"),
    );
    inserted("m:\n", Err("a.yaml:1:1: there is no mapping here; write one"));
    inserted(
        "z: &z {a: b}\nm: *z\n",
        Err("a.yaml:2:4: the value is an alias of line 1, where no single value stands; write the value itself"),
    );
}

#[test]
fn new_entries_in_braces_are_like_their_neighbours() {
    inserted("m: {a: b}\n", Ok("m: {a: b, new: \"true\", other: it's}\n"));
    inserted("m: {a: b,c: d}\n", Ok("m: {a: b, new: \"true\", other: it's,c: d}\n"));
    inserted("m: {c: d,a: b}\n", Ok("m: {c: d,a: b,new: \"true\",other: it's}\n"));
    inserted("m: {}\n", Ok("m: {new: \"true\", other: it's}\n"));
    inserted("{\"m\":{\"a\":\"b\"}}", Ok("{\"m\":{\"a\":\"b\",\"new\":\"true\",\"other\":\"it's\"}}"));
    inserted("{\"m\": {\"a\": \"b\"}}", Ok("{\"m\": {\"a\": \"b\", \"new\": \"true\", \"other\": \"it's\"}}"));
    inserted(
        "{\r\n\t\"m\": {\r\n\t\t\"a\" : \"b\"\r\n\t}\r\n}",
        Ok("{\r\n\t\"m\": {\r\n\t\t\"a\" : \"b\",\r\n\t\t\"new\" : \"true\",\r\n\t\t\"other\" : \"it's\"\r\n\t}\r\n}"),
    );
    inserted("m: {\n  a: b, # c\n  d: e\n}\n", Ok("m: {\n  a: b,\n  new: \"true\",\n  other: it's, # c\n  d: e\n}\n"));
}

#[test]
fn mappings_are_added_with_what_they_hold() {
    let entries = vec![Fresh { key: "top".into(), value: FreshValue::Mapping(vec![fresh("p", "1"), fresh("q", "r")]) }];
    let check = |source: &str, expected: &str| {
        let tree = parse(source);
        let insert = Amendment::Insert { mapping: mapping(&tree), behind: Vec::new(), entries: entries.clone() };
        assert_eq!(made(amend(&tree, &[vec![insert]], &[], place)).as_deref(), Ok(expected), "{source:?}");
    };
    check("m:\n  a: b\nc: d\n", "m:\n  a: b\n  top:\n    p: \"1\"\n    q: r\nc: d\n");
    check(
        "m:\n    l:\n        k: v\n    a: b",
        "m:\n    l:\n        k: v\n    a: b\n    top:\n        p: \"1\"\n        q: r",
    );
    check("m: {a: b}\n", "m: {a: b, top: {p: \"1\", q: r}}\n");
    check("{\"m\":{\"a\":\"b\"}}", "{\"m\":{\"a\":\"b\",\"top\":{\"p\":\"1\",\"q\":\"r\"}}}");
    check(
        "{\n  \"m\": {\n    \"a\": \"b\"\n  }\n}\n",
        "{\n  \"m\": {\n    \"a\": \"b\",\n    \"top\": {\n      \"p\": \"1\",\n      \"q\": \"r\"\n    }\n  }\n}\n",
    );
}

#[test]
fn keys_and_values_change_in_their_quotes() {
    replaced("m:\n  a: b # c\n", "d", Ok("m:\n  b.c/d: d # c\n"));
    replaced("m:\n  a: b # c\n", "true", Ok("m:\n  b.c/d: \"true\" # c\n"));
    replaced("m:\n  'a': \"b\"\n", "c\\d\"e\nf", Ok("m:\n  'b.c/d': \"c\\\\d\\\"e\\nf\"\n"));
    replaced("m:\n  \"a\": 'b'\n", "it's", Ok("m:\n  \"b.c/d\": \"it's\"\n"));
    replaced("m:\n  a: b\n", "regex:\\d: \"x\"", Ok("m:\n  b.c/d: 'regex:\\d: \"x\"'\n"));
    replaced("m:\n  a: |\n    b\n\n  e: f\n", "c", Ok("m:\n  b.c/d: c\n\n  e: f\n"));
    replaced("m:\n  a: >-  # g\n    b\n    c\n  e: f\n", "*", Ok("m:\n  b.c/d: \"*\"\n  e: f\n"));
    replaced("m:\n  a: b\n    c # d\n", "e", Ok("m:\n  b.c/d: e # d\n"));
    replaced("m:\n  a: 'b\n    c'\n", "e", Ok("m:\n  b.c/d: 'e'\n"));
    replaced("m: {a: b, c: d}\n", "x, y", Ok("m: {b.c/d: \"x, y\", c: d}\n"));
    replaced("{\"m\": {\"a\": \"b\"}}", "1", Ok("{\"m\": {\"b.c/d\": \"1\"}}"));
    replaced("m:\n  a: !!str b\n", "1.0", Ok("m:\n  b.c/d: !!str \"1.0\"\n"));
    replaced("m:\n  a: b\n", "b", Ok("m:\n  b.c/d: b\n"));
    replaced("m:\n  a: 1.0\n", "1.0", Ok("m:\n  b.c/d: 1.0\n"));
    replaced("m:\n  a:\n  c: d\n", "b", Err("a.yaml:2:3: no value is written here; write one"));
    replaced("m:\n  a: {b: c}\n", "b", Err("a.yaml:2:3: the value spans several lines; write it on one line"));
    replaced(
        "m:\n  a: &x b\nc: *x\n",
        "d",
        Err(
            "a.yaml:2:3: the value belongs to the anchor of line 2, and line 3 uses it as well; write the value in both places",
        ),
    );
    replaced(
        "c: &x b\nm:\n  a: *x\n",
        "d",
        Err("a.yaml:3:3: the value is an alias of line 1, where no single value stands; write the value itself"),
    );
    replaced(
        "c: &x b\nm:\n  a: *x\n",
        "b",
        Err("a.yaml:3:3: the value is an alias of line 1, where no single value stands; write the value itself"),
    );
}

#[test]
fn comments_change_and_go() {
    let check = |source: &str, text: Option<&str>, expected: &str| {
        let tree = parse(source);
        let remark = tree.remarks(&["M"])[0];
        let comment = Amendment::Comment { remark, block: None, text: text.map(str::to_owned) };
        let made = made(amend(&tree, &[vec![comment]], &["M"], place));
        assert_eq!(made.as_deref(), Ok(expected), "{source:?}");
    };
    check("a: b # M x\nc: d\n", Some("N"), "a: b # N\nc: d\n");
    check("a: b  #M x  \r\nc: d\n", Some("M y"), "a: b  # M y  \r\nc: d\n");
    check("a: b  # M x  \r\nc: d # M\n", None, "a: b\r\nc: d # M\n");
    check("a: b\n  # M\nc: d\n", None, "a: b\nc: d\n");
    check("- # M\n  a\n", None, "-\n  a\n");
    check("a: b\n# M", None, "a: b");
    let source = "v: |\n  a: b # M\n  c: d\nw: x # M\n";
    let tree = parse(source);
    let block = tree.documents().next().unwrap().get("v").unwrap();
    let remark = block.inset().unwrap().unwrap().tree().remarks(&["M"])[0];
    let change = |text: &str| {
        let text = Some(text.to_owned());
        vec![Amendment::Comment { remark, block: Some(block.id()), text }]
    };
    assert_eq!(
        made(amend(&tree, &[change("M1")], &["M"], place)).as_deref(),
        Ok("v: |\n  a: b # M1\n  c: d\nw: x # M\n")
    );
    let wrong = made(amend(&tree, &[change("M\n  e: f")], &["M"], place));
    assert_eq!(
        wrong.unwrap_err(),
        "a.yaml:2:1: the file would not read back as planned (line 2 would change as well); please report this file"
    );
}

/// Takes `x` away and adds `k`.
fn group(mapping: NodeRef<'_>) -> Vec<Amendment<'_>> {
    let keys = mapping.entries().filter(|(key, _)| key.text() == Some("x")).map(|(key, _)| key.id()).collect();
    let insert = Amendment::Insert { mapping, behind: Vec::new(), entries: vec![fresh("k", "v")] };
    vec![insert, Amendment::Remove { mapping, keys }]
}

#[test]
fn groups_are_made_whole_or_not_at_all() {
    let source = "- {m: {a: b, x: y}}\n- {m: {a: b, x: &x y}}\n- *x\n";
    let tree = parse(source);
    let mappings: Vec<NodeRef<'_>> =
        tree.documents().next().unwrap().items().filter_map(|item| item.get("m")).collect();
    let groups: Vec<_> = mappings.iter().map(|mapping| group(*mapping)).collect();
    let amended = amend(&tree, &groups, &[], place);
    assert_eq!(amended.refused.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1]);
    assert_eq!(amended.text, "- {m: {a: b, k: v}}\n- {m: {a: b, x: &x y}}\n- *x\n");
}

proptest! {
    /// Whatever mapping a text has: what is said to be done is done and proved, and what is not changes nothing.
    #[test]
    fn any_text_holds_the_law(source in pieces()) {
        let Ok(tree) = Tree::parse(source.clone(), Syntax::Yaml) else { return Ok(()) };
        let mappings: Vec<NodeRef<'_>> = tree.documents().flat_map(NodeRef::mappings).collect();
        for mapping in mappings {
            let keys = mapping.entries().take(1).map(|(key, _)| key.id()).collect();
            let behind = mapping.entries().take(1).map(|(key, _)| key).collect();
            let inner = Fresh { key: "top".into(), value: FreshValue::Mapping(vec![fresh("k", "1")]) };
            let mut amendments = vec![
                Amendment::Remove { mapping, keys },
                Amendment::Insert { mapping, behind, entries: vec![fresh("new", "it's"), inner] },
            ];
            amendments.extend(mapping.entries().take(1).map(|(key, value)| {
                Amendment::Replace { key, value, new_key: Some("new".into()), new_value: Some("a: b".into()) }
            }));
            let scalars = mapping.entries().filter(|(_, value)| matches!(value.kind(), Kind::Scalar(_))).take(2);
            amendments.extend(scalars.map(|(_, value)| Amendment::Mark { value, block: None, text: "M: new".into() }));
            for amendment in amendments {
                let told = format!("{amendment:?}");
                let amended = amend(&tree, &[vec![amendment]], &["M"], place);
                match amended.refused.first() {
                    Some((_, refusal)) => {
                        prop_assert!(!matches!(refusal.obstacle, Obstacle::Unproved { .. }), "{}\n{}\n{}", source, told, refusal);
                        prop_assert_eq!(&amended.text, &source);
                    }
                    None => prop_assert!(amended.text != source, "{}\n{}", source, told),
                }
            }
        }
    }
}

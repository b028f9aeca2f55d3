//! Spans, styles, odd bytes and bad input.

use std::fmt::Write;

use super::{Kind, NodeRef, Style, Syntax, Tree, can_stand_plain};

#[track_caller]
fn tree(source: &str) -> Tree {
    Tree::parse(source.into(), Syntax::Yaml).unwrap()
}

/// Every scalar that is written in one piece, as `line:column text`.
fn scalars(tree: &Tree) -> Vec<String> {
    let nodes = (0..tree.len()).map(|id| tree.node(id));
    nodes
        .filter(|node| matches!(node.kind(), Kind::Scalar(_)) && node.is_verbatim())
        .map(|node| format!("{}:{} {}", node.line(), node.column(), &tree.source()[node.span()]))
        .collect()
}

#[track_caller]
fn check(source: &str, expected: &[&str]) {
    assert_eq!(scalars(&tree(source)), expected, "{source:?}");
}

#[test]
fn spans_are_the_bytes_of_the_value() {
    check("a: b", &["1:1 a", "1:4 b"]);
    check("a:  b  # c\n", &["1:1 a", "1:5 b"]);
    check("a: 'b'\nc: \"d\"", &["1:1 a", "1:4 b", "2:1 c", "2:4 d"]);
    check("- {a: b, c: \"d\"}", &["1:4 a", "1:7 b", "1:10 c", "1:13 d"]);
    check("a: &x b\nc: !!str d\n", &["1:1 a", "1:7 b", "2:1 c", "2:10 d"]);
    check("a:\tb\n", &["1:1 a", "1:4 b"]);
    check("a: b\r\nc: d\r\n", &["1:1 a", "1:4 b", "2:1 c", "2:4 d"]);
    check("a: b\rc: d", &["1:1 a", "1:4 b", "2:1 c", "2:4 d"]);
    check("a: ü # \u{a0}\nb: 'ß' # x", &["1:1 a", "1:4 ü", "2:1 b", "2:4 ß"]);
    check("{ü: é, ä: ö}", &["1:2 ü", "1:5 é", "1:8 ä", "1:11 ö"]);
    check("# \u{2028} \u{85}\na: b", &["2:1 a", "2:4 b"]);
    check("\u{feff}a: b", &["1:1 a", "1:4 b"]);
    check("a: |\n  é\n  x\nb: c", &["1:1 a", "4:1 b", "4:4 c"]);
    check("---\na: b\n---\n# nothing\n---\nc: d\n...\n", &["2:1 a", "2:4 b", "5:1 ", "6:1 c", "6:4 d"]);
}

#[test]
fn mappings_begin_at_their_first_key() {
    for (source, line, column) in [
        ("# x\n  a: b", 2, 3),
        ("- a", 1, 1),
        (" {a: b}", 1, 2),
        ("? a\n: b", 1, 3),
        ("'a': {b: c}", 1, 1),
        ("{{a: b}: c}: d", 1, 1),
    ] {
        let tree = tree(source);
        let root = tree.documents().next().unwrap();
        assert_eq!((root.line(), root.column()), (line, column), "{source:?}");
    }
}

#[test]
fn what_is_not_written_in_one_piece_has_no_bytes() {
    for source in ["a: b\n  c", "a: \"b\\x41\"", "a: 'b''c'", "a: |\n  b", "a: >-\n  b", "a: \"b\n  c\""] {
        let tree = tree(source);
        let value = tree.documents().next().unwrap().get("a").unwrap();
        assert!(!value.is_verbatim(), "{source:?}");
    }
}

#[test]
fn the_values_are_decoded() {
    for (source, value) in [
        ("a: b\n  c", "b c"),
        ("a: \"b\\x41\"", "bA"),
        ("a: 'b''c'", "b'c"),
        ("a: |\n  b\n  c\n", "b\nc\n"),
        ("a: >-\n  b\n  c", "b c"),
        ("a: \"\\\"x\\\\\"", "\"x\\"),
    ] {
        let tree = tree(source);
        assert_eq!(tree.documents().next().unwrap().get_text("a"), Some(value), "{source:?}");
    }
}

#[test]
fn json_with_tabs_and_escapes() {
    let source = "\u{feff}{\n\t\"a\":\t\"b\\/c\",\n\t\t\"d\": [\"x\\u0041\",\t\"\\ud83d\\ude00\"],\t\"e\":1\n}";
    let tree = Tree::parse(source.into(), Syntax::Json).unwrap();
    let root = tree.documents().next().unwrap();
    assert_eq!(root.get_text("a"), Some("b/c"));
    assert_eq!(root.get("a").unwrap().raw(), "b\\/c");
    assert_eq!(root.get("d").unwrap().items().next().unwrap().text(), Some("xA"));
    assert_eq!(root.get("e").unwrap().line(), 3);
    assert_eq!(tree.source(), source);
}

#[test]
fn aliases_stay_references() {
    let tree = tree("a: &x {b: c}\nd: *x\ne: {f: &y g}");
    let root = tree.documents().next().unwrap();
    let shared = root.get("a").unwrap().get("b").unwrap().share().unwrap();
    assert_eq!((shared.line, shared.alias_line), (1, 2));
    assert!(root.get("d").unwrap().is_alias());
    assert_eq!(root.get("d").unwrap().get("b").map(NodeRef::id), None);
    assert_eq!(root.get("d").unwrap().resolved().get_text("b"), Some("c"));
    assert!(root.get("e").unwrap().get("f").unwrap().share().is_none(), "no alias uses it");
}

#[test]
fn an_alias_bomb_stays_small() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..50 {
        let aliases = format!("*a{}, ", level - 1).repeat(9);
        writeln!(bomb, "a{level}: &a{level} [{aliases}]").unwrap();
    }
    assert!(tree(&bomb).len() < 1000);
}

#[test]
fn deep_nesting_neither_overflows_nor_takes_long() {
    assert!(Tree::parse(format!("{}x{}", "[".repeat(200), "]".repeat(200)), Syntax::Yaml).is_ok());
    for (open, syntax, line, column) in [("[", Syntax::Yaml, 1, 256), ("{\"a\":\n", Syntax::Json, 256, 1)] {
        let error = Tree::parse(open.repeat(100_000), syntax).unwrap_err();
        assert_eq!((error.line, error.column), (line, column), "{}", error.message);
    }
    let indented: Vec<String> = (0..1000).map(|depth| " ".repeat(depth) + "a:").collect();
    assert_eq!(tree(&indented.join("\n")).len(), 2001);
    let deep = tree(&"- ".repeat(20_000));
    assert_eq!(deep.documents().count(), 1);
}

#[test]
fn long_files_and_lines_are_read() {
    let megabyte = 1 << 20;
    let line = format!("[ü, {}]", "a: b, ".repeat(megabyte / 6));
    let wide = tree(&line);
    let last = wide.documents().next().unwrap().items().last().unwrap().get("a").unwrap();
    assert_eq!((last.column(), &line[last.span()]), (line.chars().count() - 3, "b"));
    let file = tree(&"- image: a:1 # M\n".repeat(10 * megabyte / 17));
    assert_eq!(file.documents().next().unwrap().items().count(), 10 * megabyte / 17);
    let blocks = tree(&"---\nv: |\n  a: b # M\n".repeat(10_000));
    let insets = blocks.documents().map(|document| document.get("v").unwrap().inset().unwrap().unwrap());
    assert_eq!(insets.map(|inset| inset.tree().remarks(&["M"]).len()).sum::<usize>(), 10_000);
    let quoted = tree(&format!("[ü, {}]", "' # M', ".repeat(megabyte / 8)));
    assert!(quoted.remarks(&["M"]).is_empty());
    let told = tree(&format!("{}a: b", "# M\n".repeat(megabyte / 4)));
    assert!(told.remarks(&["M"]).iter().all(|remark| remark.subject.is_some_and(|node| node.text() == Some("b"))));
    let too_large = Tree::parse("#".repeat(super::LARGEST + 1), Syntax::Yaml).unwrap_err();
    assert_eq!((too_large.line, too_large.column), (1, 1));
}

#[test]
fn a_value_of_which_nothing_is_written_stands_at_its_key() {
    for (source, line, column) in
        [("# x\na:\n\nb: c", 2, 1), ("a: # x", 1, 1), ("- 'a':\n- b", 1, 3), ("{a, b: }", 1, 2), ("a: &x\nb: c", 1, 1)]
    {
        let tree = tree(source);
        let null = (0..tree.len()).map(|id| tree.node(id)).find(|node| node.is_null()).unwrap();
        assert_eq!((null.line(), null.column()), (line, column), "{source:?}");
    }
}

#[test]
fn what_stands_in_brackets_is_known() {
    for source in ["{a: b}", "[a: b]", "- [{a: b}]", "x:\n- {y: {a: b}}", "{x: [a: b]}"] {
        let tree = tree(source);
        let mapping = (0..tree.len()).map(|id| tree.node(id)).find(|node| node.get("a").is_some()).unwrap();
        assert!(mapping.is_flow(), "{source:?}");
    }
    for source in ["a: b", "x:\n- [y]\n- a: b", "x:\n- {y: z}\n- a: b", "{y: z}: c\na: b", "? [y]\n: c\na: b"] {
        let tree = tree(source);
        let mapping = (0..tree.len()).map(|id| tree.node(id)).find(|node| node.get("a").is_some()).unwrap();
        assert!(!mapping.is_flow(), "{source:?}");
    }
}

#[test]
fn bad_input_says_where() {
    for (source, line, column) in
        [("a: b\n\tc: d", 1, 4), ("a: [b\nc: d", 2, 2), ("a: b\n c: d", 2, 3), ("a: *x", 1, 4), ("a: b\0", 1, 1)]
    {
        let error = Tree::parse(source.into(), Syntax::Yaml).unwrap_err();
        assert_eq!((error.line, error.column), (line, column), "{source:?}: {}", error.message);
    }
    assert!(Tree::parse("a: &x b\n---\nc: *x".into(), Syntax::Yaml).is_err(), "an anchor ends with its document");
}

#[test]
fn templates_are_seen_outside_quotes_only() {
    for template in ["a: {{ .Values.b }}", "{{ .Values.a }}: b", "a: b:{{ .c }}", "- {{x}}"] {
        assert!(tree(template).template_mark().is_some(), "{template:?}");
    }
    for manifest in ["a: '{{ b }}'", "a: \"{{ b }}\"", "a: b # {{ c }}", "a: |\n  {{ b }}", "a: {b: {c: d}}"] {
        assert!(tree(manifest).template_mark().is_none(), "{manifest:?}");
    }
}

#[test]
fn what_cannot_stand_without_quotes() {
    let quoted = [
        "",
        "1.20",
        "16",
        "0755",
        "true",
        "False",
        "YES",
        "no",
        "on",
        "off",
        "y",
        "n",
        "null",
        "~",
        "a: b",
        "tag #1",
        "-latest",
        "*anchor",
        "&anchor",
        "@ref",
        "1e3",
        "7e10123",
        "0x1F",
        "0o17",
        "0b11",
        ".5",
        "1_000",
        "12:30:45",
        "2024-01-01",
        "2024-1-1T10:00:00Z",
        ".inf",
        "-.INF",
        ".nan",
        "<<",
        "=",
        "20240101",
        "a:",
        " a",
        "a ",
        "{a}",
        "1.",
        "+1",
        "190:20:30.15",
        "a, b",
        "\u{feff}a",
        "a\nb",
    ];
    for text in quoted {
        assert!(!can_stand_plain(text), "{text:?}");
    }
    let plain = [
        "v1.0.0",
        "myapp",
        "1.2.3",
        "sha256-abc",
        "release-2024",
        "1.10-alpine",
        "0123abc",
        "1e",
        "e1",
        "yes-1",
        "nginx:1.10",
        "127.0.0.1:5000/a:1",
        "12a",
        "1.2.3.4",
        "2024-01",
        "2024-01-01-1",
        "_1",
        "0xfg",
        "a#b",
        "a:b",
    ];
    for text in plain {
        assert!(can_stand_plain(text), "{text:?}");
    }
}

#[test]
fn plain_text_is_typed_like_the_readers_of_the_field_do() {
    let tree = tree("[x, 1.10, true, yes, ~, '1.10', !!str 1, !!int '1', 2026-01-01, '', ]");
    let root = tree.documents().next().unwrap();
    let strings: Vec<bool> = root.items().map(NodeRef::is_string).collect();
    assert_eq!(strings, [true, false, false, false, false, true, true, false, true, true]);
    assert_eq!(root.items().next().unwrap().kind(), Kind::Scalar(Style::Plain));
}

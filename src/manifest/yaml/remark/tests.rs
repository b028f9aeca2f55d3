//! Which comments are found, and what each speaks of.

use super::super::{Kind, NodeRef, Syntax, Tree};

fn tree(source: &str) -> Tree {
    Tree::parse(source.into(), Syntax::Yaml).unwrap()
}

/// What the comments say that hold `M`, as `line:column text -> subject`.
fn told(tree: &Tree) -> Vec<String> {
    let subject = |node: NodeRef<'_>| match node.kind() {
        Kind::Mapping => format!("mapping {}:{}", node.line(), node.column()),
        Kind::Sequence => format!("list {}:{}", node.line(), node.column()),
        Kind::Alias(_) => format!("alias {}:{}", node.line(), node.column()),
        Kind::Scalar(_) => node.text().unwrap().to_owned(),
    };
    let remarks = tree.remarks(&["M", "N!"]);
    let told = remarks.into_iter().map(|remark| {
        let subject = remark.subject.map_or("nothing".to_owned(), subject);
        format!("{}:{} {} -> {subject}", remark.line, remark.column, remark.text)
    });
    told.collect()
}

#[track_caller]
fn check(source: &str, expected: &[&str]) {
    assert_eq!(told(&tree(source)), expected, "{source:?}");
}

#[test]
fn on_the_same_line() {
    check("a: b # M", &["1:6 M -> b"]);
    check("a: b   #M x \r\nc: d # other\r\n", &["1:8 M x -> b"]);
    check("a: 'b' # N!", &["1:8 N! -> b"]);
    check("a: \"b\"\t# M", &["1:8 M -> b"]);
    check("- a\n- b # M\n- c", &["2:5 M -> b"]);
    check("- a: b # M\n  c: d", &["1:8 M -> b"]);
    check("{a: b, c: d} # M", &["1:14 M -> d"]);
    check("{a: b, c} # M", &["1:11 M -> "]);
    check("[a, b, # M\n c]", &["1:8 M -> b"]);
    check("a: &x b # M\nc: *x # M", &["1:9 M -> b", "2:7 M -> alias 2:4"]);
    check("a:\n  b\n  c # M\n", &["3:5 M -> b c"]);
    check("a: 'b\n  c' # M", &["2:6 M -> b c"]);
    check("a: b # x # M", &["1:6 x # M -> b"]);
    check("a: b#M\nc: d # M", &["2:6 M -> d"]);
    check("ü: é # M ß", &["1:6 M ß -> é"]);
    check("\u{feff}# M\na: b # M", &["1:1 M -> b", "2:6 M -> b"]);
    check("a: b # M\rc: d # M", &["1:6 M -> b", "2:6 M -> d"]);
    check("a: # M\nb: c", &["1:4 M -> "]);
    check("a: ~ # M", &["1:6 M -> ~"]);
    check("M: b # c", &[]);
}

#[test]
fn on_the_line_that_opens_something() {
    check("image: # M\n  a: b\n", &["1:8 M -> mapping 2:3"]);
    check("- image: &x # M\n    a: b\n", &["1:13 M -> mapping 2:5"]);
    check("image: { # M\n  a: b }\n", &["1:10 M -> mapping 1:8"]);
    check("args: # M\n- a\n", &["1:7 M -> list 2:3"]);
    check("args: # M\n- a: b\n", &["1:7 M -> list 2:3"]);
    check("a: | # M\n  b\n", &["1:6 M -> b\n"]);
    check("a: # M\n  b\n", &["1:4 M -> b"]);
    check("a:\n- # M\n  b: c\n- # M\n  b: d\n", &["2:3 M -> c", "4:3 M -> d"]);
    check("--- # M\na: b", &["1:5 M -> nothing"]);
    check("a: [b\n ] # M", &["2:4 M -> nothing"]);
}

#[test]
fn above() {
    check("# M\na: b", &["1:1 M -> b"]);
    check("a: b\n# M\n  # x\nc: d # y\n", &["2:1 M -> d"]);
    check("# M\r\n# x\r\na: b\r\n", &["1:1 M -> b"]);
    check("# M\r# x\ra: b\r", &["1:1 M -> b"]);
    for between in ["\n", "  \n", "\r\n", "# x\n\n", "\n# x\n", "\t\n"] {
        check(&format!("a: b\n# M\n{between}c: d\n"), &["2:1 M -> nothing"]);
    }
    check("# M\n\n# M\na: b\n", &["1:1 M -> nothing", "3:1 M -> b"]);
    check("a:\n  b: c\n  # M\nd: e\n", &["3:3 M -> e"]);
    check("# M\n# M\n- a: b\n  c: d", &["1:1 M -> b", "2:1 M -> b"]);
    check("# M\nimage:\n  a: b\n", &["1:1 M -> mapping 3:3"]);
    check("# M\nimage: # N!\n  a: b\n", &["1:1 M -> mapping 3:3", "2:8 N! -> mapping 3:3"]);
    check("# M\n-\n  a: b\n", &["1:1 M -> b"]);
    check("# M\na: {b: c, d: e}\n", &["1:1 M -> e"]);
    check("b: &x c\n# M\na: *x", &["2:1 M -> alias 3:4"]);
    check("# M\na: b\n---\n# M\n", &["1:1 M -> b", "4:1 M -> nothing"]);
    check("a: b\n# M\n---\nc: d", &["2:1 M -> nothing"]);
    check("# M\n--- # x\nc: d", &["1:1 M -> nothing"]);
    check("a: b\n# M", &["2:1 M -> nothing"]);
    check("# M\n", &["1:1 M -> nothing"]);
    check("[a\n b\n # M\n]", &["3:2 M -> nothing"]);
    check("# M\n'#': x", &["1:1 M -> x"]);
}

#[test]
fn never_inside_a_scalar() {
    check("a: ' # M'\nb: \" # M \\\" # M\" # M", &["2:18 M ->  # M \" # M"]);
    check("a: '\n # M\n # M' # M\n", &["3:7 M ->  # M # M"]);
    check("' # M': a # M", &["1:11 M -> a"]);
    check("a: |\n  # M\n\n  b # M\n# M\nc: d", &["5:1 M -> d"]);
    check("a: >-\n  # M\n # M\nc: d", &["3:2 M -> d"]);
    check("a: |2\n    # M\n  # M\n # M\nc: d", &["4:2 M -> d"]);
    check("a: |\r\n  # M\r\n# M\r\nc: d", &["3:1 M -> d"]);
    check("a: |\n# M\nc: d", &["2:1 M -> d"]);
    check("a: |\n  x\n  # M", &[]);
    check("--- |\n# M\n# M\n...\n# M\n---\na: b # M", &["5:1 M -> nothing", "7:6 M -> b"]);
    check("{\"a\": \"# M\", \"b\": \"c # M\"}", &[]);
}

#[test]
fn in_an_inset_by_the_inset() {
    let tree = tree("a: b # M\nv: |\n  # M\n  c: d # M\n  e:\n    - f # M\nw: x # M\n");
    assert_eq!(told(&tree), ["1:6 M -> b", "7:6 M -> x"]);
    let inset = tree.documents().next().unwrap().get("v").unwrap().inset().unwrap().unwrap();
    assert_eq!(told(inset.tree()), ["3:3 M -> d", "4:8 M -> d", "6:9 M -> f"]);
}

#[test]
fn alone_or_not() {
    let tree = tree("# M\na: b # M\nc:\n- # M\n  d\n");
    let alone: Vec<bool> = tree.remarks(&["M"]).iter().map(|remark| remark.is_alone).collect();
    assert_eq!(alone, [true, false, true]);
}

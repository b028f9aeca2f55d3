//! The file around the image: all that serialising anew, or searching through the text, does to it.

use std::fmt::Write as _;

use super::{check, pod, row};

/// What serialising a tree anew does to a file: markers come and go, lines end otherwise, …
#[test]
fn the_frame_of_the_file_stays() {
    check([
        row("no marker is put at the top", "2", pod("image: x:«1|2»\n")),
        row("a marker at the top stays", "2", format!("---\n{}", pod("image: x:«1|2»\n"))),
        row("an end marker stays", "2", pod("image: x:«1|2»\n...\n")),
        row(
            "a comment on a marker's line stays",
            "2",
            format!("--- # first\n{}", pod("image: x:«1|2»\n---   # none\n")),
        ),
        row("no newline at the end, none is added", "2", pod("image: x:«1|2»")),
        row("blank lines at the end stay", "2", pod("image: x:«1|2»\n\n\n")),
        row("CRLF", "2", pod("image: x:«1|2»\n    args: [a]\n").replace('\n', "\r\n")),
        row("CRLF, the image last", "2", pod("image: x:«1|2»").replace('\n', "\r\n")),
        row("one CRLF among LF", "2", pod("image: x:«1|2»\r\n    args: [a]\n")),
        row("one LF among CRLF", "2", pod("image: x:«1|2»\n").replacen('\n', "\r\n", 4)),
        row("a byte-order mark", "2", format!("\u{feff}{}", pod("image: x:«1|2»\n"))),
        row("a byte-order mark before a comment", "2", format!("\u{feff}# ü\n{}", pod("image: x:«1|2»\n"))),
        row(
            "a byte-order mark on the line of the image",
            "2",
            "\u{feff}{kind: Pod, spec: {containers: [{name: c, image: x:«1|2»}]}}",
        ),
        row("the directive stays", "2", format!("%YAML 1.2\n---\n{}", pod("image: x:«1|2»\n"))),
    ]);
}

/// … it is re-indented, blank lines go, comments move, …
#[test]
fn the_style_of_the_file_is_its_own() {
    check([
        row(
            "blank lines between keys",
            "2",
            "kind: Pod\n\n\nmetadata:\n\n  name: p\n\nspec:\n\n  containers:\n\n  - name: c\n\n    image: x:«1|2»\n\n    args:\n\n    - a\n\n  restartPolicy: Never\n",
        ),
        row(
            "indents of four",
            "2",
            "kind: Pod\nmetadata:\n    name: p\nspec:\n    containers:\n        - name: c\n          image: x:«1|2»\n          args:\n              - a\n",
        ),
        row(
            "indents of one",
            "2",
            "kind: Deployment\nmetadata:\n name: p # d\nspec:\n template:\n  spec:\n   containers:\n   - image: x:«1|2» # c\n     name: c\n",
        ),
        row(
            "indents of ten",
            "2",
            "kind: Pod\nspec:\n          containers:\n                    -         name: c\n                              image: x:«1|2»\n",
        ),
        row(
            "lists with an indent and without one",
            "2",
            "kind: Pod\nspec:\n  containers:\n  - name: c\n    image: x:«1|2»\n    args:\n      - a\n      -   b\n    env:\n    - {name: A}\n  volumes:\n    - name: v\n",
        ),
        row(
            "comments in a column",
            "2",
            "kind: Pod      # the kind\nspec:          # what\n  containers:  # which\n  - name: c    # who\n    image: x:«1|2» # with\n    tty: true  # so\n",
        ),
        row("several blanks behind the colon", "2", pod("image:      x:«1|2»\n    tty:        true\n")),
        row("blanks at the end of the line", "2", pod("image: x:«1|2»  \t \n    tty: true  \n")),
        row("a tab behind the colon", "2", pod("image:\tx:«1|2»\n    tty:\ttrue\n")),
        row("a blank before the colon", "2", pod("image : x:«1|2»\n    tty  : true\n")),
        row(
            "comments between, at any column",
            "2",
            "kind: Pod\nspec:\n# left\n  containers:\n        # right\n  - name: c\n# left again\n\n      # in the middle\n    image: x:«1|2»\n  # before the end\n# end\n",
        ),
        row(
            "flow style with blanks of its own",
            "2",
            pod(
                "image: x:«1|2»\n    resources: {limits: {cpu: 1,   memory: 2Gi },requests: { } }\n    args: [ a,b ,  'c' ]\n",
            ),
        ),
        row("lists of pairs", "2", pod("image: x:«1|2»\n    args: [a: b, {c: d}]\n    x: [a,b]\n")),
    ]);
}

/// … texts are folded and joined, numbers and escapes are read and written otherwise.
#[test]
fn what_stands_beside_the_image_stays_as_it_is_written() {
    check([
        row(
            "folded text",
            "2",
            pod(
                "image: x:«1|2»\n    args:\n    - >\n      set -e\n      run\n\n      again\n    - >-\n      a\n        b\n",
            ),
        ),
        row(
            "folded text before the image",
            "2",
            pod("args:\n    - >\n      set -e\n\n      run\n    image: x:«1|2»\n"),
        ),
        row(
            "literal text with blanks at the ends of its lines",
            "2",
            pod(
                "args:\n    - |\n      a  \n      b\t\n        \n      c\n    image: x:«1|2»\n    x: |+\n      a \n\n\n",
            ),
        ),
        row(
            "literal text with an indent of its own",
            "2",
            pod("args:\n    - |2\n        a\n      b\n    image: x:«1|2»\n"),
        ),
        row("plain text on several lines", "2", pod("args:\n    - a\n      b\n\n      c\n    image: x:«1|2»\n")),
        row(
            "quoted text on several lines",
            "2",
            pod("args:\n    - \"a\n      b \\\n      c\"\n    - 'd\n\n      e'\n    image: x:«1|2»\n"),
        ),
        row(
            "long lines",
            "2",
            pod(&format!("args: [{}]\n    image: x:«1|2» # {}\n", "word ".repeat(60).trim(), "word ".repeat(60))),
        ),
        row(
            "numbers, nulls and booleans of all kinds",
            "2",
            pod(
                "image: x:«1|2»\n    a: [1.10, 0755, 1e3, 0x1F, 0o17, 1_000, 12:30:45, .5, .inf, ~, null, Null, yes, Off, 2024-01-01]\n    b: ~\n    c:\n    d: 1.10\n    e: 12345678\n",
            ),
        ),
        row(
            "escapes",
            "2",
            pod(
                "image: x:«1|2»\n    a: \"\\u0041 😀 \\U0001F600 \\x41\\t\\\"\"\n    b: 'it''s'\n    \"c\\u0041\": x\n",
            ),
        ),
        row("tags", "2", pod("image: x:«1|2»\n    a: !!str 5\n    b: !custom x\n    c: !!binary aGk=\n    d: ! 5\n")),
        row("explicit keys", "2", pod("? a\n    : b\n    ? [c, d]\n    : e\n    image: x:«1|2»\n")),
        row(
            "the annotations of a tool that would take them for its own",
            "2",
            "kind: Pod\nmetadata:\n  annotations: {}\n  labels: { }\nspec: {containers: [{name: c, image: x:«1|2»}]}\n---\nkind: Pod\nmetadata:\n  annotations:\n    config.kubernetes.io/index: '0'\n    config.kubernetes.io/path: 'a.yaml'\n    internal.config.kubernetes.io/path: 'a.yaml'\nspec: {containers: [{name: c, image: x:«1|2»}]}\n",
        ),
        row(
            "keys in an order of their own",
            "2",
            "spec:\n  containers:\n  - image: x:«1|2»\n    tty: true\n    name: c\nmetadata: {name: p}\nkind: Pod\napiVersion: v1\n",
        ),
    ]);
}

#[test]
fn many_documents_in_one_file() {
    let one = pod("image: x:«1|2»\n");
    check([
        row("two", "2", format!("{one}---\n{one}")),
        row("empty ones", "2", format!("---\n---\n{one}---\n---\n\n---\n{one}---\n")),
        row("a comment only, first", "2", format!("# Copyright\n# nobody\n---\n{one}")),
        row("a comment only, last", "2", format!("{one}---\n# kind: Pod\n")),
        row("ended and begun", "2", format!("---\n{one}...\n---\n{one}...\n")),
        row("a directive between", "2", format!("{one}...\n%YAML 1.2\n---\n{one}")),
        row("one without a kind", "2", format!("image: x:1\n---\n{one}---\n- image: x:1\n---\nimage\n")),
        row("a scalar that begins on the marker's line", "2", format!("--- |\n image: x:1\n---\n{one}")),
        row(
            "a list of objects",
            "2",
            "apiVersion: v1\nkind: List\nitems:\n- kind: Service\n  metadata: {name: s}\n-\n  kind: Pod\n  spec: {containers: [{name: c, image: x:«1|2»}]}\n- kind: Deployment\n  spec:\n    template:\n      spec:\n        containers:\n        - name: d\n          image: y:«1|2» # d\n",
        ),
        row(
            "a list of one kind",
            "2",
            "kind: DeploymentList\nitems:\n  - kind: Deployment\n    spec: {template: {spec: {initContainers: [{name: i, image: 'x:«1|2»'}]}}}\n",
        ),
        row(
            "the same anchor in two documents",
            "2",
            "kind: Pod\nmetadata: {name: &n a}\nspec: {containers: [{name: *n, image: &i x:«1|2»}]}\n---\nkind: Pod\nmetadata: {name: &n b}\nspec: {containers: [{name: *n, image: &i x:«1|2»}]}\n",
        ),
    ]);
}

#[test]
fn characters_are_not_bytes() {
    check([
        row("a key before it", "2", "{ключ: Ä, kind: Pod, spec: {containers: [{имя: x, name: c, image: x:«1|2»}]}}\n"),
        row(
            "a comment before it",
            "2",
            format!("# ä 😀 \u{a0} 日本\n{}", pod("tty: true # ü\u{a0}\n    image: x:«1|2» # \u{2028} \u{85} 😀\n")),
        ),
        row(
            "a value before it on the line",
            "2",
            "kind: Pod\nspec: {containers: [{x: \"😀😀\", name: c, image: 'x:«1|2»'}, {x: ßßß, name: d, image: y:«1|2»}]}\n",
        ),
        row(
            "wide text in a block before it",
            "2",
            pod("args:\n    - |\n      ключ: 日本 \u{a0}\n      😀\n    image: x:«1|2»\n"),
        ),
        row("combining marks", "2", pod("e\u{301}: a\u{308}\u{301}\n    image: x:«1|2»\n")),
        row(
            "line ends that are none",
            "2",
            pod("a: \"x\u{85}y\u{2028}z\u{2029}\"\n    b: 'x\u{2028}'\n    image: x:«1|2»\n"),
        ),
    ]);
}

#[test]
fn json() {
    check([
        row("on one line", "2", "{\"kind\":\"Pod\",\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"x:«1|2»\"}]}}").at("a.json"),
        row("indented with tabs", "2", "{\n\t\"kind\": \"Pod\",\n\t\"spec\": {\n\t\t\"containers\": [\n\t\t\t{\n\t\t\t\t\"name\":\t\"c\",\n\t\t\t\t\"image\"\t:\t\"x:«1|2»\"\n\t\t\t}\n\t\t]\n\t}\n}\n").at("a.json"),
        row("with its escapes", "2", "{\"kind\": \"Pod\", \"metadata\": {\"annotations\": {\"a\": \"\\u0041 \\ud83d\\ude00 \\\"\\\\\\/\\t\"}},\r\n\"spec\": {\"containers\": [{\"image\": \"q.io\\/y\\/x:«1|2»\", \"name\": \"c\"}]}}\r\n").at("a.json"),
        row("in a file that is called YAML", "2", "{\n\t\"kind\": \"Pod\",\n\t\"spec\": {\"containers\": [{\"name\": \"c\", \"image\": \"x:«1|2»\"}]}\n}"),
        row("a list", "2", "{\"kind\": \"List\", \"items\": [{\"kind\": \"ReplicationController\", \"spec\": {\"template\": {\"spec\": {\"containers\": [\n{\"name\": \"c\", \"image\": \"x«|:2»\"}]}}}}]}").at("a.json"),
        row("with comments, which it may not have", "2", "// ours\n{\"kind\": \"Pod\", \"spec\": {\"containers\": [{\"name\": \"c\", \"image\": \"x:1\"}]},}").at("a.json"),
    ]);
}

/// Files that are too much for a search through the text, and for a parser that reads line by line.
#[test]
fn large_files_are_files() {
    let mut many = String::from("kind: Pod\nspec:\n  containers:\n");
    for at in 0..800 {
        writeln!(many, "  - name: c{at}\n    image: x{at}:«1|2»").unwrap();
    }
    let long = "x".repeat(1_100_000);
    check([
        row("800 images with one tag", "2", many),
        row("a line of more than a megabyte before", "2", format!("# {long}\n{}", pod("image: x:«1|2»\n"))),
        row("a value of more than a megabyte", "2", pod(&format!("args: ['{long}', ä]\n    image: x:«1|2»\n"))),
        row(
            "a megabyte on the line of the image",
            "2",
            format!("{{kind: Pod, x: 'ä{long}', spec: {{containers: [{{name: c, image: x:«1|2»}}]}}}}"),
        ),
    ]);
}

//! Images in the values of releases, and by path in any kind.

use std::fmt::Write as _;

use super::{check, row};

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A release with these values, two blanks further in than written here.
fn release(values: &str) -> String {
    let mut text = String::from(
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: r}\nspec:\n  values:\n",
    );
    for line in values.split_inclusive('\n') {
        if !matches!(line, "\n" | "\r\n") {
            text.push_str("    ");
        }
        text.push_str(line);
    }
    text
}

/// The eight shapes, at the top and one level down, and each keeps its parts where they are.
#[test]
fn the_eight_shapes() {
    let shapes = [
        "image: a/x:«1|2.0»\n",
        "image: a/x\ntag: «v1|\"2.0\"» # t\n",
        "registry: q.io\nimage: a/x\ntag: '«v1|2.0»'\n",
        "registry: q.io\nimage: a/x:«v1|2.0» # i\n",
        "image:\n  repository: a/x:«v1|2.0»\n",
        "image:\n  repository: a/x\n  pullPolicy: Always\n  tag: \"«v1|2.0»\"\n",
        "image: {registry: q.io, repository: a/x, tag: '«v1|2.0»', pullPolicy: Always}\n",
        "image:\n  registry: q.io # r\n  repository: a/x:«v1|2.0»\n",
    ];
    let mut rows = Vec::new();
    for shape in shapes {
        rows.push(row("at the top", "2.0", release(shape)));
        let deeper: String = shape.split_inclusive('\n').flat_map(|line| ["  ", line]).collect();
        rows.push(row("one level down", "2.0", release(&format!("replicas: 1.10\napp:\n{deeper}"))));
    }
    check(rows);
}

#[test]
fn every_group_of_releases() {
    let values = "image: {repository: a/x, tag: «v1|v2»}";
    check([
        row(
            "helm operator",
            "v2",
            format!(
                "apiVersion: helm.fluxcd.io/v1\nkind: HelmRelease\nspec:\n  chart: {{repository: q.io, name: c, version: 1.2.0}}\n  values: {{{values}}}\n"
            ),
        ),
        row(
            "helm controller",
            "v2",
            format!(
                "apiVersion: helm.toolkit.fluxcd.io/v2beta1\nkind: HelmRelease\nspec:\n  chart: {{spec: {{chart: c, version: 1.2.0}}}}\n  values: {{{values}}}\n"
            ),
        ),
        row(
            "before both",
            "v2",
            format!("apiVersion: flux.weave.works/v1beta1\nkind: HelmRelease\nspec: {{values: {{{values}}}}}\n"),
        ),
        row(
            "the first of all",
            "v2",
            format!(
                "apiVersion: helm.integrations.flux.weave.works/v1alpha2\nkind: FluxHelmRelease\nspec: {{values: {{{values}}}}}\n"
            ),
        ),
    ]);
}

/// The block of Keel names images by their paths, under keys of any name.
#[test]
fn named_by_a_block_of_keel() {
    let block = |images: &str| format!("keel:\n  policy: all\n  images: [{images}]\n");
    let (pair, whole) = ("{repository: a.image, tag: a.version}", "{repository: a.image}");
    check([
        row("below", "1.10", format!("{}a:\n    image: x\n    version: «1.9|\"1.10\"»  # v\n", block(pair))),
        row("above", "v2", format!("a: {{version: 'v«1|2»', image: x}}\n{}", block(pair))),
        row("whole", "v2", format!("a:\n  image: \"x:v«1|2»\"\n{}", block(whole))),
        row("with a tag beside it", "v2", format!("a: {{image: x, tag: v«1|2»}}\n{}", block(whole))),
        row("pinned", "v2", format!("a: {{image: x, version: v1, digest: '{DIGEST}'}}\n{}", block(pair)))
            .refuses("a.image", "digest"),
        row("into the block itself", "v2", format!("a: x\n{}", block("{repository: keel.policy}"))),
    ]);
}

/// A tag by itself is what YAML reads as a number, a boolean or a date.
#[test]
fn tags_by_themselves() {
    let tag = |written: &str| release(&format!("image:\n  repository: a/x\n  tag: {written} # t\n  other: 1.20\n"));
    check([
        row("a zero that a float would lose", "1.21", tag("«1.20|\"1.21\"»")),
        row("to a zero that a float would lose", "1.30", tag("«1.29|\"1.30\"»")),
        row("in double quotes", "1.30", tag("\"«1.29|1.30»\"")),
        row("in single quotes", "1.30", tag("'«1.29|1.30»'")),
        row("a v before it", "v1.30", tag("v1.«29|30»")),
        row("a number to a version", "v6", tag("«5|v6»")),
        row("a float to a version", "1.11.0", tag("«1.10|1.11.0»")),
        row("zeros before", "0124", tag("«0123|\"0124\"»")),
        row("an exponent", "7e10123", tag("«1e10|\"7e10123\"»")),
        row("a date", "20240101", tag("«latest|\"20240101\"»")),
        row("a date with dashes", "2024-01-01", tag("«v1|\"2024-01-01\"»")),
        row("a word that is a boolean", "on", tag("«v1|\"on\"»")),
        row("null", "null", tag("«v1|\"null\"»")),
        row("hex", "0x1F", tag("«v1|\"0x1F\"»")),
        row("octal", "0o17", tag("«v1|\"0o17\"»")),
        row("underscores between digits", "1_000", tag("«v1|\"1_000\"»")),
        row("a commit of digits only", "1234567", tag("«a1b2c3d|\"1234567\"»")),
        row("a commit with an e among digits", "12e4567", tag("«a1b2c3d|\"12e4567\"»")),
        row("a word with a minus", "sha256-abc", tag("«v1|sha256-abc»")),
        row("the tag of a string", "1.30", tag("!!str «1.29|\"1.30\"»")),
        row("the tag of a string, and a word", "v2", tag("!!str «1.29|v2»")),
        row("latest stays latest", "latest", tag("latest")),
        row("a blank behind", "v2", release("image:\n  repository: a/x\n  tag: «latest|v2» \n")),
        row("no newline at the end", "v2", release("image:\n  repository: a/x\n  tag: «v0.7.0|v2»")),
        row("a tag of its own", "v2", tag("!custom v1")).refuses("chart-image", "remove the tag"),
        row("the tag of a float", "v2", tag("!!float 1.10")).refuses("chart-image", "remove the tag"),
        row("folded", "v2", release("image:\n  repository: a/x\n  tag: >-\n    v1\n"))
            .refuses("chart-image", "block scalar"),
        row("escaped", "v2", tag("\"v\\x31\"")).refuses("chart-image", "escapes"),
        row("a digest behind it", "v2", tag(&format!("v1@{DIGEST}"))).refuses("chart-image", "digest"),
    ]);
}

#[test]
fn values_keep_their_form() {
    let mut many = String::new();
    for at in 0..800 {
        writeln!(many, "a{at}: {{image: {{repository: a/x{at}, tag: «v1|v2»}}}}").unwrap();
    }
    check([
        row("a trailing comment", "v2", release("app:\n  image:\n    repository: a/x\n    tag: «v1|v2» # keep me\n")),
        row(
            "comments in a column",
            "v2",
            release(
                "image:             # the image\n  repository: a/x  # where\n  tag: «v1|v2»          # which\n  pullPolicy: IfNotPresent  # when\n",
            ),
        ),
        row(
            "a flow mapping, the tag in the middle",
            "v2",
            release("image: {repository: a/b, tag: «v1|v2», pullPolicy: Always}\n"),
        ),
        row(
            "two in a line",
            "v2",
            release("a: {image: {repository: a/b, tag: «v1|v2»}, x: {tag: v1}}\nb: {image: c/d:«v1|v2»}\n"),
        ),
        row(
            "two in one flow mapping of the values",
            "v2",
            "kind: HelmRelease\nspec: {values: {a: {image: {repository: a/b, tag: «v1|v2»}}, b: {image: {tag: '«v1|v2»', repository: c/d}}}} # v1\n",
        ),
        row("CRLF", "v2", release("image:\n  repository: a/x\n  tag: «v1|v2»\nb: c\n").replace('\n', "\r\n")),
        row("a byte-order mark", "v2", format!("\u{feff}{}", release("image: {repository: a/x, tag: «v1|v2»}\n"))),
        row(
            "a key that is no ASCII before it",
            "v2",
            release("ключ: v1\nimage: {имя: ü, repository: a/x, tag: «v1|v2»}\n"),
        ),
        row(
            "the second document",
            "v2",
            format!("{}---\n{}", release("replicas: 1\n"), release("image: {repository: a/x, tag: «v1|v2»}\n")),
        ),
        row(
            "the tag before the repository",
            "v2",
            release("image:\n  tag: «v1|v2»\n  pullPolicy: Always\n  repository: a/x\n"),
        ),
        row(
            "a long line before",
            "v2",
            release(&format!("x: '{}'\nimage: {{repository: a/x, tag: «v1|v2»}}\n", "x".repeat(1_100_000))),
        ),
        row(
            "a block with blank lines before",
            "v2",
            release("motd: |\n  Welcome\n\n  image: a/x:v1\n\nimage:\n  repository: a/x\n  tag: «v1|v2»\n"),
        ),
        row(
            "a header, blank lines and sections behind",
            "v2.0.0",
            release(
                "# Values of the shop.\n# Do not sort.\n\nreplicaCount: 3\n\napp:\n  image:\n    repository: a/x\n    tag: «v1.0.0|v2.0.0»  # Current version\n\n# Behind\nservice:\n    type:   ClusterIP\n    ports: [ 80,443 ]\n\n",
            ),
        ),
        row("many with one tag", "v2", release(&many)),
        row(
            "a port in the name",
            "10.1.33",
            "apiVersion: helm.fluxcd.io/v1\nkind: HelmRelease\nmetadata:\n  annotations:\n    repository.fluxcd.io/mariadb: mariadb.customImage\n    tag.fluxcd.io/mariadb: mariadb.customTag\nspec:\n  values:\n    mariadb:\n      customImage: localhost:5000/mariadb # here\n      customTag: «10.1.30-r1|10.1.33»\n",
        ),
        row(
            "by a path through a list",
            "v2",
            "kind: Prometheus\nmetadata:\n  annotations: {landwaiter/image.thanos: 'spec.sidecars[1].image'}\nspec:\n  image: a/x:v1\n  sidecars:\n  - image: a/y:v1\n  - {image: a/z:«v1|v2», name: thanos}\n",
        ),
        row(
            "by a path whose keys have dots",
            "v2",
            "kind: Foo\nmetadata:\n  annotations:\n    landwaiter/image.a: 'spec[\"a.b/c\"].image'\nspec:\n  a.b/c: {image: 'a/x:«v1|v2»'}\n",
        ),
    ]);
}

#[test]
fn values_that_are_left_alone() {
    check([
        row("an image with a tag under a key of its own", "v2", release("image: a/x\nimageTag: v1\n")).refuses("chart-image", "is not known"),
        row("names that say nothing", "v2", release("controller: {repository: a/x, tag: v1}\nname: a/x\ntag: v1\nimages: {api: a/x:v1}\n")),
        row("deeper than one level", "v2", release("a: {b: {image: {repository: a/x, tag: v1}}}\n")),
        row("comments and texts", "v2", release("# image: a/x:v1\nconfig: |\n  image:\n    repository: a/x\n    tag: v1\n")),
        row("a version of a chart", "v2", "kind: HelmRelease\nspec: {chart: {spec: {chart: c, version: v1}}, values: {}}\n"),
        row("two truths", "v2", release("image:\n  repository: a/x:v1\n  tag: v1\n")).refuses("chart-image", "remove one of them"),
        row("a digest beside the tag", "v2", release(&format!("image:\n  repository: a/x\n  tag: v1\n  digest: {DIGEST}\n"))).refuses("chart-image", "digest"),
        row("an anchor that somebody else uses", "v2", release("image:\n  repository: a/x\n  tag: &t v1\nversion: *t\n")).refuses("chart-image", "line"),
        row("the anchor stands elsewhere", "v2", release("version: &t v1\nimage:\n  repository: a/x\n  tag: *t\n")).refuses("chart-image", "line 6"),
        row("an anchor that two images share", "v2", release("a: {image: {repository: a/x, tag: &t «v1|v2»}}\nb: {image: {repository: a/y, tag: *t}}\n")),
        row("a mapping that is merged where the tag is said anew", "v2", release("app:\n  image: &app-image\n    repository: a/x\n    tag: «v1.0.0|v2»  # Current version\nsidecar:\n  <<: *app-image\n  tag: v1.0.0\n")),
        row("a mapping that is merged elsewhere", "v2", release("app:\n  image: &app-image\n    repository: a/x\n    tag: v1.0.0  # Current version\nsidecar:\n  <<: *app-image\n  pullPolicy: Always\n")).refuses("app", "line"),
        row("an empty tag", "v2", release("image:\n  repository: a/x\n  tag: \"«|v2»\"\n")),
        row("nothing behind the key", "v2", release("image:\n  repository: a/x\n  tag:\n")).refuses("chart-image", "no value is written here"),
        row("nothing but a null", "v2", release("image: {repository: a/x, tag: ~}\n")).refuses("chart-image", "no value is written here"),
    ]);
}

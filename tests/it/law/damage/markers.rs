//! Images and tags that a comment points at, in YAML of any kind.

use super::{check, row};

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// With `ImagePolicy`s in the same file, so that each marker names one that is there.
#[test]
fn flux_markers() {
    check([
        row("the whole image", "1.0.1", "kind: Foo\nspec:\n  image: a/x:«1.0.0|1.0.1» # {\"$imagepolicy\": \"ns:p\"}\n"),
        row("the tag", "v2", "repository: a/x # {\"$imagepolicy\": \"ns:p:name\"}\ntag: «v1|v2» # {\"$imagepolicy\": \"ns:p:tag\"}\n"),
        row("a tag that was a number", "v6", "tag: «5|v6» # {\"$imagepolicy\": \"ns:p:tag\"}\n"),
        row("a tag that was a float", "1.11.0", "tag: «1.10|1.11.0» # {\"$imagepolicy\": \"ns:p:tag\"}\n"),
        row("a tag that becomes a number", "12345678", "tag: «v1|\"12345678\"» # {\"$imagepolicy\": \"ns:p:tag\"}\n"),
        row("nothing there", "v1", "tag: ~ # {\"$imagepolicy\": \"ns:p:tag\"}\n").tells("a key without a value"),
        row("an item of a list", "v2", "x:\n- \"«v1|v2»\" # {\"$imagepolicy\": \"ns:p:tag\"}\n- \"v\"\n"),
        row("a key that says nothing", "v2", "content-hash: «v1|v2» # {\"$imagepolicy\": \"ns:p:tag\"}\n"),
        row("the line above", "v2", "# {\"$imagepolicy\": \"ns:p:tag\"}\ntag: «v1|v2»\nother: v1\n"),
        row("a part of a longer text", "1.9.1", "args:\n- APP_VERSION=«1.9.0|1.9.1» # {\"$imagepolicy\": \"ns:p:tag\"}\n"),
        row("an image in an argument", "v2", "args:\n- --solver-image=a/x:«v1|v2» # {\"$imagepolicy\": \"ns:p\"}\n"),
        row("a kustomization in parts", "v2", "images:\n- name: x\n  newName: a/x # {\"$imagepolicy\": \"ns:p:name\"}\n  newTag: «v1|v2» # {\"$imagepolicy\": \"ns:p:tag\"}\n").at("kustomization.yaml"),
        row("in a column, with CRLF, without a newline at the end", "v2", "a: b         # x\r\ntag: «v1|v2»   #   {\"$imagepolicy\": \"ns:p:tag\"}"),
        row("a list of objects stays in its file", "v2", "kind: List\nitems:\n- kind: Pod\n  spec: {containers: [{name: c, image: x:«v1|v2»}]} \n- kind: Foo\n  image: a/x:«v1|v2» # {\"$imagepolicy\": \"ns:p\"}\n"),
        row("annotations that kustomize would take away", "v2", "kind: Foo\nmetadata:\n  annotations: {}\n---\nkind: Foo\nmetadata:\n  annotations:\n    config.kubernetes.io/index: '1'\nspec:\n    image: a/x:«v1|v2» # {\"$imagepolicy\": \"ns:p\"}\n"),
        row("in a text", "v2", "a: |\n  tag: v1 # {\"$imagepolicy\": \"ns:p:tag\"}\nb: 'tag: v1 # {\"$imagepolicy\": \"ns:p:tag\"}'\n"),
        row("on a line that is commented out", "v2", "# tag: v1 # {\"$imagepolicy\": \"ns:p:tag\"}\nother: v1\n"),
        row("with words beside it", "v2", "tag: v1 # set by {\"$imagepolicy\": \"ns:p:tag\"}\n"),
        row("a digest, where there is none", "v2", &*format!("digest: {DIGEST} # {{\"$imagepolicy\": \"ns:p:digest\"}}\n")),
        row("folded", "v2", "image: >- # {\"$imagepolicy\": \"ns:p\"}\n  a/x:v1\n").tells("block of text, which is never changed"),
    ]);
}

#[test]
fn native_markers() {
    check([
        row("on the line", "1.2.4", "image: a/x:«1.2.3|1.2.4» # landwaiter: semver:~1.2\n"),
        row(
            "on the line above",
            "1.2.4",
            "# landwaiter: semver:~1.2 order=semver exclude=*-rc*\nimage: a/x:«1.2.3|1.2.4»\n",
        ),
        row(
            "in values, on the tag",
            "1.10",
            "image:\n  repository: a/x\n  tag: «1.9|\"1.10\"» # landwaiter: semver:1\n",
        )
        .at("chart/values.yaml"),
        row("in flow style", "1.2.4", "{image: {repository: a/x, tag: «1.2.3|1.2.4»}} # landwaiter: semver:~1.2\n"),
        row("an argument", "1.2.4", "args:\n  - --image=a/x:«1.2.3|1.2.4» # landwaiter: semver:~1.2\n"),
        row(
            "an environment value in quotes",
            "1.2.4",
            "env:\n- name: RELATED_IMAGE\n  value: \"a/x:«1.2.3|1.2.4»\" # landwaiter: semver:~1.2\n",
        ),
        row("folded", "1.2.4", "image: >- # landwaiter: semver:~1.2\n  a/x:1.2.3\n").tells("block of text"),
        row("characters before", "1.2.4", "{ключ: 😀, image: a/x:«1.2.3|1.2.4»} # landwaiter: semver:~1.2\n"),
        row(
            "a byte-order mark and CRLF",
            "1.2.4",
            "\u{feff}image: a/x:«1.2.3|1.2.4» # landwaiter: semver:~1.2\r\nb: c\r\n",
        ),
    ]);
}

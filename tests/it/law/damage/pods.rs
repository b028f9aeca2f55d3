//! Images in pod templates: the forms of the value, what only looks like one, and what is refused.

use super::{check, pod, row};

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#[test]
fn the_value_keeps_its_form() {
    check([
        row("single quotes", "2", pod("image: 'x:«1|2»'\n")),
        row("double quotes", "2", pod("image: \"x:«1|2»\"\n")),
        row("a trailing comment", "2", pod("image: x:«1|2» # keep me\n")),
        row("a comment that says the same", "2", pod("image: x:«1|2»  # or just image: x:1\n")),
        row("a hash that is no comment", "2", pod("image: x:«1|2»\n    a: b#x:1\n")),
        row("a quoted key", "2", pod("\"image\": x:«1|2»\n")),
        row("a key in single quotes", "2", pod("'image': 'x:«1|2»'\n")),
        row("the value on the next line", "2", pod("image:\n      x:«1|2»\n")),
        row(
            "the value on the next line, behind a comment",
            "2",
            pod("image: # which\n\n      # this\n      x:«1|2»\n"),
        ),
        row("an explicit key", "2", pod("? image\n    : x:«1|2»\n")),
        row("the tag of a string", "2", pod("image: !!str x:«1|2»\n")),
        row("the tag of a string in full", "2", pod("image: !<tag:yaml.org,2002:str> 'x:«1|2»'\n")),
        row("an anchor that nobody uses", "2", pod("image: &image x:«1|2»\n")),
        row("an anchor and a tag", "2", pod("image: &image !!str \"x:«1|2»\"\n")),
        row("in a flow mapping", "2", "kind: Pod\nspec: {containers: [{name: c, image: x:«1|2», tty: true}]}\n"),
        row(
            "two in a line",
            "2",
            "kind: Pod\nspec: {containers: [{name: c, image: x:«1|2»}, {image: 'y:«1|2»', name: d}]}\n",
        ),
        row(
            "two in a line, and both grow",
            "1.10.0-alpine3.20",
            "kind: Pod\nspec: {containers: [{name: c, image: x:«1|1.10.0-alpine3.20»}, {image: 'y:«1.9|1.10.0-alpine3.20»', name: d}]} # x:1\n",
        ),
        row(
            "the first key of its item",
            "2",
            "kind: Pod\nspec:\n  containers:\n  - image: x:«1|2»\n    name: c\n  -   image:  y:«1|2»\n      name: d\n",
        ),
        row(
            "an item that begins on the next line",
            "2",
            "kind: Pod\nspec:\n  containers:\n  -\n    image: x:«1|2»\n    name: c\n",
        ),
        row(
            "a flow mapping over several lines",
            "2",
            "kind: Pod\nspec: {\n  containers: [ # all\n    { name: c,\n      image: x:«1|2» , # this\n      tty: true },\n    {\n name: d, image:\n   y:«1|2»}\n  ],\n}\n",
        ),
        row("a value that ends at the brace", "2", "{kind: Pod, spec: {containers: [{name: c, image: x:«1|2»}]}}"),
        row(
            "a quoted value right behind the colon",
            "2",
            "{\"kind\":\"Pod\",\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"x:«1|2»\"}]}}",
        ),
    ]);
}

#[test]
fn tags_that_look_like_something_else() {
    let sha = "0123456789abcdef0123456789abcdef01234567";
    check([
        row("one minor up", "1.21", pod("image: x:«1.20|1.21»\n    a: 1.20\n    b: x:1.20\n")),
        row("a zero at the end", "1.30", pod("image: x:«1.29|1.30»\n    a: 1.29\n")),
        row("a v before it", "v1.30", pod("image: x:«v1.29|v1.30»\n")),
        row("shorter", "1", pod("image: x:«1.20.3-alpine|1»\n    b: x:1.20.3-alpine\n")),
        row("a beginning of the old one", "1.2", pod("image: x:«1.20|1.2»\n    a: 1.20\n")),
        row("the old one and more", "1.20.1", pod("image: x:«1.20|1.20.1»\n")),
        row("from a number", "1234567", pod("image: x:«1.20|1234567»\n")),
        row("to a word", "latest", pod("image: x:«1234567|latest»\n")),
        row("a commit", sha, pod(&format!("image: x:«v_0.2.0|{sha}»\n"))),
        row(
            "underscores",
            "a_1_b-v1.68.0",
            pod("image: x/y:«litellm_stable_release_branch-v1.67.0-stable|a_1_b-v1.68.0»\n"),
        ),
        row("no tag", "1.10-alpine", pod("image: nginx«|:1.10-alpine» # none\n")),
        row("no tag, in quotes", "2", pod("image: \"localhost:5000/x«|:2»\"\n")),
        row("a port and no tag", "2", pod("image: localhost:5000/x«|:2»\n")),
        row("a port and a tag", "1.1.0", pod("image: 127.0.0.1:30000/test-image:«1.0.0|1.1.0»\n")),
        row("the name of the tag in the name of the image", "2", pod("image: r1/x1:«1|2»\n")),
        row("minutes", "31", pod("image: «12:30|\"12:31\"»\n")),
        row("minutes that become hours", "31", pod("image: «12|\"12:31\"»\n")),
        row("minutes in quotes", "31", pod("image: '12:«30|31»'\n")),
        row("a long way of writing it", "2", pod("image: docker.io/library/x:«1|2»\n")),
        row("capital letters in the host", "2", pod("image: GHCR.io/org/x:«1|2»\n")),
        row("the same tag as before", "1", pod("image: x:1 # 1\n")),
    ]);
}

/// Text search finds what looks like an image; a reader of YAML knows what is one.
#[test]
fn what_only_looks_like_an_image_is_not_touched() {
    check([
        row("a commented twin", "2", pod("# image: x:1\n    image: x:«1|2»\n    #image: x:1\n")),
        row("a comment at the end of another line", "2", pod("tty: true # image: x:1\n    image: x:«1|2»\n")),
        row(
            "text in a ConfigMap",
            "2",
            format!(
                "kind: ConfigMap\ndata:\n  pod.yaml: |\n    kind: Pod\n    spec:\n      containers:\n      - name: c\n        image: x:1\n  image: x:1\n---\n{}",
                pod("image: x:«1|2»\n")
            ),
        ),
        row("text in a folded block", "2", pod("args:\n    - >\n      image: x:1\n    image: x:«1|2»\n")),
        row(
            "text in quotes over several lines",
            "2",
            pod("args:\n    - \"\n      image: x:1\n      \"\n    image: x:«1|2»\n"),
        ),
        row(
            "arguments and environment",
            "2",
            pod(
                "image: x:«1|2»\n    args: [--image=x:1, '--image', x:1]\n    env:\n    - {name: RELATED_IMAGE_X, value: 'x:1'}\n    - name: image\n      value: x:1\n",
            ),
        ),
        row(
            "annotations and labels",
            "2",
            "kind: Pod\nmetadata:\n  labels: {image: x, version: '1'}\n  annotations: {image: 'x:1'}\nspec:\n  containers:\n  - {name: c, image: x:«1|2»}\n",
        ),
        row("a custom resource", "2", "kind: Prometheus\nspec:\n  image: x:1\n  baseImage: x\n  version: 1\n"),
        row(
            "a repository that is watched, not run",
            "2",
            "apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageRepository\nspec: {image: x}\n",
        ),
        row(
            "the schema of a custom resource",
            "2",
            "kind: CustomResourceDefinition\nspec:\n  versions:\n  - schema:\n      openAPIV3Schema:\n        properties: {image: {type: string, default: 'x:1'}, spec: {properties: {containers: {items: {properties: {image: {default: 'x:1'}}}}}}}\n",
        ),
        row("a job of a build server", "2", "image: x:1\nbuild:\n  image: x:1\n  services: [{name: y:1}]\n"),
        row(
            "placeholders",
            "2",
            pod(
                "image: x:${TAG}\n  - {name: d, image: 'x:${TAG:=1}'}\n  - {name: e, image: $(IMAGE)}\n  - {name: f, image: <x>}\n  - {name: g, image: x:«1|2»}\n",
            ),
        ),
        row("capital letters in the path", "2", pod("image: ghcr.io/Org/App:1\n  - {name: d, image: x:«1|2»}\n")),
        row(
            "nothing",
            "2",
            pod("image:\n  - {name: d, image: ''}\n  - {name: e, image: ~}\n  - {name: f, image: x:«1|2»}\n"),
        ),
        row(
            "a container that is no mapping",
            "2",
            "kind: Pod\nspec:\n  containers:\n  - image\n  - [image, x:1]\n  - {name: c, image: x:«1|2»}\n",
        ),
        row("a template", "2", "kind: Pod\nspec:\n  containers:\n  - name: {{ .Values.name }}\n    image: x:1\n"),
        row(
            "braces in quotes are no template",
            "2",
            pod("args: ['{{ .x }}', \"{{ .y }}\"] # {{ .z }}\n    image: x:«1|2»\n"),
        ),
        row(
            "an image in a template, in a file that is none",
            "2",
            pod("image: \"{{ .Values.image }}\"\n  - {name: d, image: x:«1|2»}\n"),
        ),
    ]);
}

/// Every form that cannot be edited without a guess, with the mend in the refusal.
#[test]
fn what_cannot_be_changed_safely_is_refused() {
    check([
        row("folded", "2", pod("image: >-\n      x:1\n")).refuses("c", "block scalar; write it on one line"),
        row("literal", "2", pod("image: |-\n      x:1\n")).refuses("c", "block scalar; write it on one line"),
        row("joined", "2", pod("image: \"x\\\n      :1\"\n")).refuses("c", "spans several lines; write it on one line"),
        row("escaped", "2", pod("image: \"x\\x3a1\"\n")).refuses("c", "written with escapes; write it without"),
        row("a tag of its own", "2", pod("image: !image x:1\n")).refuses("c", "the tag !image; remove the tag"),
        row("a digest", "2", pod(&format!("image: x@{DIGEST}\n"))).refuses("c", "pinned to a digest"),
        row("a tag and a digest", "2", pod(&format!("image: x:1@{DIGEST}\n"))).refuses("c", "pinned to a digest"),
        row("one of many, and the others change", "2", pod("image: >-\n      x:1\n  - {name: d, image: y:«1|2»}\n"))
            .refuses("c", "block scalar"),
    ]);
}

#[test]
fn anchors_have_more_than_one_owner() {
    check([
        row(
            "anchors and merges elsewhere",
            "2",
            "kind: Pod\nx-base: &base {tty: true, stdin: &in false}\nmetadata: {labels: &labels {app: a}}\nspec:\n  selector: *labels\n  containers:\n  - name: c\n    <<: *base\n    image: x:«1|2»\n    stdin: *in\n  - <<: [*base, *labels]\n    name: d\n    image: y:«1|2»\n",
        ),
        row(
            "two containers that agree",
            "2",
            "kind: Pod\nspec:\n  containers:\n  - {name: c, image: &i x:«1|2»}\n  - {name: d, image: *i}\n",
        ),
        row(
            "two containers that do not",
            "2",
            "kind: Pod\nspec:\n  containers:\n  - {name: c, image: &i x:1}\n  - {name: d, image: *i}\n",
        )
        .spares("d")
        .refuses("c", "line 5"),
        row(
            "a label that has the anchor",
            "2",
            "kind: Pod\nmetadata: {labels: {image: &i x:1}}\nspec: {containers: [{name: c, image: *i}]}\n",
        )
        .refuses("c", "line 2"),
        row(
            "a label that uses the anchor",
            "2",
            "kind: Pod\nspec: {containers: [{name: c, image: &i x:1}]}\nmetadata: {labels: {image: *i}}\n",
        )
        .refuses("c", "line 3"),
        row(
            "a container that is used twice",
            "2",
            "kind: Pod\nspec:\n  containers:\n  - &base\n    name: c\n    image: x:1\n  - <<: *base\n    name: d\n",
        )
        .refuses("c", "line 7"),
        row(
            "an anchor that is used twice, and an image beside it",
            "2",
            "kind: Pod\nmetadata: {name: &n a, labels: {app: *n}}\nspec: {containers: [{name: *n, image: x:«1|2»}]}\n",
        ),
    ]);
}

#[test]
fn the_kinds_that_people_have() {
    let template = "      containers:\n      - image: x:«1|2»\n        name: c\n      initContainers:\n      - name: i # first\n        image: y:«1|2»\n";
    let mut rows = Vec::new();
    for kind in ["Deployment", "DaemonSet", "StatefulSet", "ReplicaSet", "ReplicationController", "Job", "Rollout"] {
        rows.push(row("a template", "2", format!("kind: {kind}\nspec:\n  template:\n    spec:\n{template}")));
    }
    rows.push(row("a schedule", "2", "kind: CronJob\nspec:\n  schedule: '*/5 * * * *'\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          restartPolicy: Never\n          containers:\n          - name: c\n            image: x:«1|2»\n"));
    rows.push(row(
        "a container for a look inside",
        "2",
        "kind: Pod\nspec:\n  ephemeralContainers: [{name: e, image: x:«1|2»}]\n  containers: []\n",
    ));
    rows.push(row("a patch", "2", "kind: Deployment\nspec:\n  template:\n    spec:\n      $setElementOrder/containers:\n      - name: c\n      containers:\n      - image: x:«1|2»\n        name: c\n        $patch: merge\n"));
    rows.push(row(
        "containers without a name",
        "2",
        "kind: Pod\nspec:\n  containers:\n  - image: x:«1|2»\n  - {tty: true, image: y:«1|2»}\n",
    ));
    rows.push(row("a boolean where a string belongs", "2", "kind: Pod\nmetadata: {annotations: {fluxcd.io/ignore: true}}\nspec: {containers: [{name: c, image: x:«1|2»}]}\n"));
    check(rows);
}

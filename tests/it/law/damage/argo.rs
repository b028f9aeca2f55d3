//! Images in Argo CD's applications: in their kustomize images, their parameters and their values.

use super::{check, row};

fn application(source: &str) -> String {
    let mut text = String::from(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: a\n  annotations:\n    landwaiter/automated: 'true'\n    landwaiter/tag.x: semver:*\nspec:\n  source:\n",
    );
    for line in source.split_inclusive('\n') {
        text.push_str("    ");
        text.push_str(line);
    }
    text
}

#[test]
fn applications() {
    check([
        row(
            "images of kustomize",
            "v2",
            application("kustomize:\n  images:\n  - a=q.io/x:«v1|v2» # a\n  - \"b/y:«v1|v2»\"\n  - {}\n"),
        ),
        row(
            "an object of values",
            "v2",
            application("helm:\n  valuesObject:\n    image:\n      repository: a/x\n      tag: «v1|v2» # o\n"),
        ),
        row(
            "values in a literal block",
            "v2",
            application(
                "helm:\n  values: |\n    # ours\n    image:\n      repository: a/x   # where\n      tag: «v1|v2» # which\n\n    x: 1.10\n",
            ),
        ),
        row(
            "values in a literal block, with CRLF",
            "v2",
            application("helm:\n  values: |-\n    image: {repository: a/x, tag: '«v1|v2»'}\n    b: c\n")
                .replace('\n', "\r\n"),
        ),
        row(
            "values in a literal block with characters before",
            "v2",
            application(
                "helm:\n  values: |\n    ключ: 日本 😀\n    image: {ü: ß, repository: a/x, tag: \"«v1|v2»\"}\n",
            ),
        ),
        row(
            "a number in a literal block gets quotes",
            "1.10",
            application("helm:\n  values: |\n    image:\n      repository: a/x\n      tag: «1.9|\"1.10\"»\n"),
        ),
        row(
            "parameters",
            "v2",
            application(
                "helm:\n  parameters:\n  - name: image.tag\n    value: «v1|v2» # p\n    forceString: true\n  - {name: image.repository, value: a/x}\n",
            ),
        ),
        row(
            "values in a folded block",
            "v2",
            application("helm:\n  values: >\n    image: {repository: a/x, tag: v1}\n"),
        ),
        row("values in quotes", "v2", application("helm:\n  values: \"image: {repository: a/x, tag: v1}\"\n")),
        row(
            "several sources",
            "v2",
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  sources:\n  - helm: {valuesObject: {image: a/x:«v1|v2»}}\n  - kustomize: {images: ['b/y:«v1|v2»']}\n",
        ),
        row(
            "a set, with a placeholder beside",
            "v2",
            "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nspec:\n  template:\n    metadata: {name: '{{ .name }}'}\n    spec:\n      source:\n        helm:\n          valuesObject: {image: {repository: a/x, tag: «v1|v2»}, host: '{{ .host }}'}\n",
        ),
    ]);
}

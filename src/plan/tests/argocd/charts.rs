//! Images in the values of charts: at the keys that are named, in the place that counts.

use super::{app, check};

const HERE: &str = "  source:\n    repoURL: https://git.example.com/config.git\n    path: charts/web\n";
const CHART: &str = "=== charts/web/Chart.yaml\nname: web\n";
const VALUES: &str =
    "=== charts/web/values.yaml\n# The web.\nimage:\n  repository: ghcr.io/shop/web\n  tag: \"1.0.0\" # ours\n";
const LIST: (&str, &str) = ("image-list", "web=ghcr.io/shop/web:~1.2 || ~1.0");
const GIT: (&str, &str) = ("write-back-method", "git");

#[test]
fn the_tag_is_changed_where_it_counts() {
    let list = [("image-list", "web=ghcr.io/shop/web:^1")];
    let repository = |spec: &str, more: &str| format!("{}{CHART}{VALUES}{more}", app("web", &list, spec));
    check(
        &repository(HERE, ""),
        &["charts/web/values.yaml:4 argocd/Application/web web 1.3.1"],
        &[("\"1.0.0\"", "\"1.3.1\"")],
    );
    check(
        &repository(
            &format!("{HERE}    helm: {{valueFiles: [prod.yaml]}}\n"),
            "=== charts/web/prod.yaml\nimage: {tag: 1.2.0}\n",
        ),
        &["charts/web/prod.yaml:1 argocd/Application/web web 1.3.1"],
        &[("tag: 1.2.0", "tag: 1.3.1")],
    );
    check(
        &repository(
            &format!("{HERE}    helm:\n      parameters:\n      - name: image.tag\n        value: 1.2.0\n"),
            "",
        ),
        &["apps/web.yaml:15 argocd/Application/web web 1.3.1"],
        &[("value: 1.2.0", "value: 1.3.1")],
    );
    check(
        &repository(&format!("{HERE}    helm:\n      values: |\n        image:\n          tag: 1.2.0\n"), ""),
        &["apps/web.yaml:15 argocd/Application/web web 1.3.1"],
        &[("tag: 1.2.0", "tag: 1.3.1")],
    );
    let source = "=== charts/web/.argocd-source-web.yaml\nhelm:\n  parameters:\n  - name: image.name\n    value: ghcr.io/shop/web\n    forcestring: true\n  - name: image.tag\n    value: 1.0.0\n    forcestring: true\n";
    check(
        &repository(HERE, source),
        &["charts/web/.argocd-source-web.yaml:7 argocd/Application/web web 1.3.1"],
        &[("value: 1.0.0", "value: 1.3.1")],
    );
    // What cannot be read could replace it.
    check(
        &repository(&format!("{HERE}    helm: {{valueFiles: ['{{{{ env }}}}.yaml']}}\n"), ""),
        &[
            "charts/web/values.yaml:4 argocd/Application/web web mistake",
            "! apps/web.yaml:12:25: warning: which file `{{ env }}.yaml` is shows only when it is rendered",
            "! charts/web/values.yaml:4:8: warning: the tag of `web` could be replaced by values that cannot be read",
        ],
        &[],
    );
}

#[test]
fn keys_lead_to_the_tag() {
    let values = "=== charts/web/values.yaml\nimages:\n- registry: ghcr.io\n  repository: shop/web\n  tag: 1.0.0\n- repository: ghcr.io/shop/worker\n  tag: 1.0.0 # the worker\nwhole: ghcr.io/shop/web:1.0.0\ndotted.key: 1.0.0\n";
    let repository = |annotations: &[(&str, &str)]| format!("{}{CHART}{values}", app("web", annotations, HERE));
    let list = ("image-list", "web=ghcr.io/shop/web:^1,worker=ghcr.io/shop/worker:^1");
    check(
        &repository(&[
            list,
            ("web.helm.image-name", "images[0].repository"),
            ("web.helm.image-tag", "images[0].tag"),
            ("worker.helm.image-tag", "images[1].tag"),
        ]),
        &[
            "charts/web/values.yaml:4 argocd/Application/web web 1.3.1",
            "charts/web/values.yaml:6 argocd/Application/web worker 1.1.0",
        ],
        &[("tag: 1.0.0\n", "tag: 1.3.1\n"), ("tag: 1.0.0 # the", "tag: 1.1.0 # the")],
    );
    let one = ("image-list", "web=ghcr.io/shop/web:^1");
    check(
        &repository(&[one, ("web.helm.image-spec", "whole")]),
        &["charts/web/values.yaml:7 argocd/Application/web web 1.3.1"],
        &[("web:1.0.0", "web:1.3.1")],
    );
    check(
        &repository(&[one, ("web.helm.image-tag", "dotted.key")]),
        &["charts/web/values.yaml:8 argocd/Application/web web 1.3.1"],
        &[("key: 1.0.0", "key: 1.3.1")],
    );
    for (path, told) in [
        ("images[2].tag", "`images` is a list of 2 without a `[2]` of its own; name an item by its number"),
        ("images[-1].tag", "`images` is a list of 2 without a `[-1]` of its own; name an item by its number"),
        ("images.tag", "`images` is a list of 2 without a `tag` of its own; name an item by its number"),
        ("whole[0]", "`whole` is a single value and has no `[0]`; correct the path"),
        ("image.tag", "the top has no `image`; there are: images, whole, dotted.key"),
        ("images", "`images` is no single value; name the key of the tag"),
    ] {
        let message = format!(
            "! apps/web.yaml:7:50: warning: `web`, `ghcr.io/shop/web`, is found nowhere in what argocd/Application/web deploys: {told}"
        );
        check(&repository(&[one, ("web.helm.image-tag", path)]), &[&message], &[]);
    }
    check(
        &repository(&[one, ("web.helm.image-tag", "images[")]),
        &["! apps/web.yaml:8:58: error: `images[` is no path: it has a `[` without `]`; close the bracket"],
        &[],
    );
    check(
        &repository(&[one, ("web.helm.image-tag", "images[1].tag")]),
        &[
            "charts/web/values.yaml:6 argocd/Application/web web mistake",
            "! charts/web/values.yaml:5:15: error: the image here is `ghcr.io/shop/worker`, and `web` in the list is `ghcr.io/shop/web`; have both name the same image",
        ],
        &[],
    );
}

#[test]
fn an_image_that_is_not_there_is_told_with_those_that_are() {
    let repository = |list: &str| format!("{}{CHART}{VALUES}", app("web", &[("image-list", list)], HERE));
    check(
        &repository("db=postgres:^16"),
        &[
            "! apps/web.yaml:7:50: warning: `db`, `postgres`, is found nowhere in what argocd/Application/web deploys: the image at `image.tag` is `ghcr.io/shop/web`; write the key of its tag as `<alias>.helm.image-tag`; the images there are: ghcr.io/shop/web",
        ],
        &[],
    );
    // What belongs to another image is no business of this one.
    check(
        &repository("db=postgres:^16,web=ghcr.io/shop/web:^1"),
        &["charts/web/values.yaml:4 argocd/Application/web web 1.3.1", "! apps/web.yaml:7:50: warning: `db`"],
        &[("\"1.0.0\"", "\"1.3.1\"")],
    );
}

#[test]
fn a_values_file_is_written_if_it_counts() {
    let target = |target: &'static str| [("image-list", "web=ghcr.io/shop/web:^1"), GIT, ("write-back-target", target)];
    let spec = format!("{HERE}    helm: {{valueFiles: [../../env/base.yaml, ../../env/prod.yaml]}}\n");
    let files =
        |base: &str, prod: &str| format!("{CHART}{VALUES}=== env/base.yaml\n{base}\n=== env/prod.yaml\n{prod}\n");
    let all =
        |target: &[(&str, &str)], base: &str, prod: &str| format!("{}{}", app("web", target, &spec), files(base, prod));
    let counts = "image: {tag: 1.2.0}";
    for path in ["helmvalues:/env/prod.yaml", "helmvalues:../../env/prod.yaml"] {
        check(
            &all(&target(path), "a: 1", counts),
            &["env/prod.yaml:1 argocd/Application/web web 1.3.1"],
            &[("tag: 1.2.0", "tag: 1.3.1")],
        );
    }
    check(
        &all(&target("helmvalues"), "a: 1", "a: 1"),
        &["charts/web/values.yaml:4 argocd/Application/web web 1.3.1"],
        &[("\"1.0.0\"", "\"1.3.1\"")],
    );
    check(
        &all(&target("helmvalues:/env/base.yaml"), "image: {tag: 1.0.0}", counts),
        &[
            "env/base.yaml:1 argocd/Application/web web mistake",
            "! env/base.yaml:1:14: error: a new tag of `web` comes to nothing here: the one that counts is written at env/prod.yaml:1:14; remove that one, or write it instead",
        ],
        &[],
    );
    check(
        &all(&target("helmvalues:/env/base.yaml"), "# nothing", counts),
        &[
            "env/prod.yaml:1 argocd/Application/web web mistake",
            "! apps/web.yaml:9:57: error: `image.tag` of `web` is not written in `env/base.yaml`, and keys are not added there; add `tag: \"1.2.0\"` under `image` by hand",
        ],
        &[],
    );
    check(
        &all(&target("helmvalues:/env/none.yaml"), "a: 1", counts),
        &["! apps/web.yaml:9:57: error: there is no file `env/none.yaml`; correct the path"],
        &[],
    );
    check(
        &all(&target("helmvalues:../../../x.yaml"), "a: 1", counts),
        &[
            "env/prod.yaml:1 argocd/Application/web web mistake",
            "! apps/web.yaml:9:57: error: `../../../x.yaml` leads out of the repository; write a path inside it",
        ],
        &[],
    );
    // Whoever says so may write a file that nobody is seen to read.
    check(
        &format!(
            "{}=== other.yaml\nimage: {{repository: ghcr.io/shop/web, tag: 1.2.0}}\n",
            all(&target("helmvalues:/other.yaml"), "a: 1", "a: 1")
        ),
        &[
            "other.yaml:1 argocd/Application/web web 1.3.1",
            "! apps/web.yaml:9:57: warning: no source of this application names `other.yaml`, so that a tag there may come to nothing",
        ],
        &[("tag: 1.2.0", "tag: 1.3.1")],
    );
    // Without the method `git` nobody writes files.
    check(
        &all(&[LIST, ("write-back-target", "helmvalues:/env/base.yaml")], "image: {tag: 1.0.0}", counts),
        &[
            "env/prod.yaml:1 argocd/Application/web web up-to-date",
            "! apps/web.yaml:8:57: warning: `argocd-image-updater.argoproj.io/write-back-target` is heard only beside the method `git`",
        ],
        &[],
    );
}

#[test]
fn charts_from_elsewhere_have_their_values_here() {
    let spec = "  sources:\n  - chart: nginx\n    repoURL: https://charts.example.com\n    targetRevision: 18.2.3\n    helm:\n      valueFiles: [$values/env/nginx.yaml]\n  - repoURL: https://git.example.com/config.git\n    ref: values\n";
    let annotations = [
        ("image-list", "nginx=docker.io/bitnami/nginx:1.27.x"),
        ("nginx.helm.image-name", "image.repository"),
        ("nginx.helm.image-tag", "image.tag"),
        GIT,
        ("write-back-target", "helmvalues:/env/nginx.yaml"),
    ];
    for image in [
        "registry: docker.io\n  repository: bitnami/nginx",
        "registry: \"\"\n  repository: docker.io/bitnami/nginx",
        "repository: bitnami/nginx",
    ] {
        check(
            &format!("{}=== env/nginx.yaml\nimage:\n  {image}\n  tag: 1.27.1", app("nginx", &annotations, spec)),
            &[&format!("env/nginx.yaml:{} argocd/Application/nginx nginx 1.27.5", 3 + image.matches('\n').count())],
            &[("tag: 1.27.1", "tag: 1.27.5")],
        );
    }
    // Nothing here says which tag runs.
    check(
        &app("nginx", &annotations[..1], "  source: {chart: nginx, repoURL: https://charts.example.com}\n"),
        &[
            "! apps/nginx.yaml:7:50: warning: `nginx`, `docker.io/bitnami/nginx`, is found nowhere in what argocd/Application/nginx deploys: there are no values; write the tag that runs where the chart wants it, and its key as `<alias>.helm.image-tag`",
        ],
        &[],
    );
}

#[test]
fn what_decides_beside_the_tag_holds() {
    let list = [("image-list", "web=ghcr.io/shop/web:^1")];
    let digest = format!("sha256:{}", "0".repeat(64));
    for (image, told) in [
        (format!("repository: ghcr.io/shop/web\n  tag: 1.0.0@{digest}"), "the image is pinned to a digest"),
        (
            format!("repository: ghcr.io/shop/web\n  digest: {digest}\n  tag: 1.0.0"),
            "the key `digest` decides which image runs",
        ),
        (
            "repository: ghcr.io/shop/web:1.0.0\n  tag: 1.0.0".to_owned(),
            "the image says a tag, and the key `tag` says one as well",
        ),
    ] {
        let repository = format!("{}{CHART}=== charts/web/values.yaml\nimage:\n  {image}\n", app("web", &list, HERE));
        let (told_of, changed) = super::outcome(&repository);
        assert!(changed.is_empty() && told_of.iter().any(|line| line.contains(told)), "{told_of:#?}");
    }
    let repository = format!(
        "{}{CHART}=== charts/web/values.yaml\nimage:\n  tag: '{{{{ .Values.tag }}}}'\n",
        app("web", &list, HERE)
    );
    check(
        &repository,
        &[
            "! charts/web/values.yaml:2:8: warning: `image.tag` holds a template, which is never expanded; write the value itself",
        ],
        &[],
    );
}

#[test]
fn two_applications_of_one_chart_agree_or_hold() {
    let (one, two) = ([("image-list", "web=ghcr.io/shop/web:^1")], [("image-list", "web=ghcr.io/shop/web:^2")]);
    let repository = |first: &[(&str, &str)], second: &[(&str, &str)]| {
        format!("{}{}{CHART}{VALUES}", app("a", first, HERE), app("b", second, HERE))
    };
    check(
        &repository(&one, &one),
        &[
            "charts/web/values.yaml:4 argocd/Application/a web 1.3.1",
            "charts/web/values.yaml:4 argocd/Application/b web 1.3.1",
        ],
        &[("\"1.0.0\"", "\"1.3.1\"")],
    );
    check(
        &repository(&one, &two),
        &[
            "charts/web/values.yaml:4 argocd/Application/a web mistake",
            "charts/web/values.yaml:4 argocd/Application/b web mistake",
            "! charts/web/values.yaml:4:8: error: two owners of this image disagree: argocd/Application/a (apps/a.yaml:7) wants it to follow semver:^1, argocd/Application/b (apps/b.yaml:7) wants it to follow semver:^2; annotate both alike",
        ],
        &[],
    );
}

#[test]
fn words_of_several_dialects_agree_or_hold() {
    let list = [("image-list", "web=ghcr.io/shop/web:^1")];
    let native = |pattern: &str| {
        app("web", &list, HERE).replace(
            "spec:",
            &format!("    landwaiter/automated: \"true\"\n    landwaiter/tag.chart-image: \"{pattern}\"\nspec:"),
        ) + CHART
            + VALUES
    };
    check(
        &native("semver:^2"),
        &[
            "charts/web/values.yaml:4 argocd/Application/web chart-image mistake",
            "charts/web/values.yaml:4 argocd/Application/web web mistake",
            "! charts/web/values.yaml:4:8: error: two owners of this image disagree: argocd/Application/web (apps/web.yaml:1) wants it to follow semver:^2, argocd/Application/web (apps/web.yaml:7) wants it to follow semver:^1; annotate both alike",
        ],
        &[],
    );
}

/// A values file in which only the tags may change, whatever else stands in it.
const GOLDEN: &str = "\
# Values of the shop.
#   Two lines of comments, and a blank line.

replicas:   2


app: &app-image
  repository: \"ghcr.io/shop/web\"   # three blanks before this
  tag: 1.0.0  # Current version

sidecar:
  <<: *app-image
  tag: 1.0.0

motd: |
  Welcome.

  tag: 1.0.0 is no tag here.
empty:
list:
    - {name: a, tag: '1.0.0'}
    -   name: b
        tag: \"1.0.0\"
# The end.
";

#[test]
fn nothing_but_the_tags_changes() {
    let annotations = [
        (
            "image-list",
            "app=ghcr.io/shop/web:^1,side=ghcr.io/shop/web:~1.2 || 1.0.0,a=ghcr.io/shop/web:^1,b=ghcr.io/shop/web:^1",
        ),
        ("app.helm.image-tag", "app.tag"),
        ("side.helm.image-tag", "sidecar.tag"),
        ("a.helm.image-tag", "list[0].tag"),
        ("b.helm.image-tag", "list[1].tag"),
    ];
    for values in [GOLDEN.to_owned(), GOLDEN.trim_end().to_owned(), GOLDEN.replace('\n', "\r\n")] {
        let repository = format!("{}{CHART}=== charts/web/values.yaml\n{values}", app("web", &annotations, HERE));
        check(
            &repository,
            &[
                "charts/web/values.yaml:9 argocd/Application/web app 1.3.1",
                "charts/web/values.yaml:13 argocd/Application/web side 1.2.0",
                "charts/web/values.yaml:21 argocd/Application/web a 1.3.1",
                "charts/web/values.yaml:23 argocd/Application/web b 1.3.1",
            ],
            &[
                ("tag: 1.0.0  # Cur", "tag: 1.3.1  # Cur"),
                ("  tag: 1.0.0", "  tag: 1.2.0"),
                ("tag: '1.0.0'", "tag: '1.3.1'"),
                ("tag: \"1.0.0\"", "tag: \"1.3.1\""),
            ],
        );
    }
}

#[test]
fn an_application_that_says_nothing_holds_a_shared_value() {
    let list = ("image-list", "web=ghcr.io/shop/web:^1");
    let repository = |annotations: &[(&str, &str)], spec: &str| {
        format!("{}{}{CHART}{VALUES}", app("a", annotations, HERE), app("b", &[], spec))
    };
    check(
        &repository(&[list], HERE),
        &[
            "charts/web/values.yaml:4 argocd/Application/a web mistake",
            "! charts/web/values.yaml:4:8: warning: `web` of argocd/Application/a (apps/a.yaml:7) would change for argocd/Application/b (apps/b.yaml:1) too",
        ],
        &[],
    );
    let followed = ["charts/web/values.yaml:4 argocd/Application/a web 1.3.1"];
    let change = [("\"1.0.0\"", "\"1.3.1\"")];
    let own = format!("{HERE}    helm: {{parameters: [{{name: image.tag, value: '1.0.0'}}]}}\n");
    check(&repository(&[list], &own), &followed, &change);
    check(&repository(&[list, GIT, ("write-back-target", "helmvalues")], HERE), &followed, &change);
}

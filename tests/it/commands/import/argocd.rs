//! Repositories whose applications Argo CD Image Updater manages.

use serde_json::{Value, json};

use super::super::Checkout;
use super::{files, taken_over};

const TAGS: &str = r#"{
  "ghcr.io/shop/web": ["1.4.5", "1.5.0", "1.5.1-rc.1", "2.0.0"],
  "ghcr.io/shop/log": ["1.0.0", "1.1.0", "1.2.0-debug"],
  "ghcr.io/shop/job": [{"tag": "main-aaaaaaa", "created": "2026-01-01T00:00:00Z"},
    {"tag": "main-bbbbbbb", "created": "2026-02-01T00:00:00Z"}, "wip-ccccccc"],
  "ghcr.io/shop/db": ["r0007", "r0012", "r7"]
}"#;

/// An application with these annotations and this source, as it stands in its file.
fn application(name: &str, annotations: &[(&str, &str)], source: &str) -> String {
    let line = |(key, value): &(&str, &str)| format!("    argocd-image-updater.argoproj.io/{key}: {value}\n");
    let annotations: String = annotations.iter().map(line).collect();
    let list = if annotations.is_empty() { String::new() } else { format!("  annotations:\n{annotations}") };
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: {name}\n  namespace: argocd\n{list}spec:\n  source:\n    repoURL: https://git.example.com/config.git\n{source}"
    )
}

fn checkout(files: &[(&str, &str)]) -> Checkout {
    let mut all = vec![("tags.json", TAGS)];
    all.extend_from_slice(files);
    Checkout::new(&all)
}

/// What becomes of each container: its name, and the comment or the reason why there is none.
fn becomes(answer: &Value) -> Vec<String> {
    let told = |row: &Value| {
        let native = &row["native"];
        let text = native["comment"].as_str().or(native["why"].as_str()).unwrap_or("nothing");
        format!("{}: {text}", row["container"].as_str().unwrap())
    };
    answer["containers"].as_array().unwrap().iter().map(told).collect()
}

/// Takes a repository over, and compares every file that differs then.
#[track_caller]
fn check(before: &[(&str, &str)], after: &[(&str, &str)]) -> Value {
    let checkout = checkout(before);
    let mut expected = files(&checkout);
    let answer = taken_over(&checkout);
    expected.extend(after.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())));
    let found = files(&checkout);
    for (path, text) in expected {
        assert_eq!(found[&path], text, "{path}: {answer:#}");
    }
    answer
}

const CHART: (&str, &str) = ("charts/shop/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n");

#[test]
fn a_chart_with_a_file_of_values() {
    let words = [
        ("image-list", "web=ghcr.io/shop/web:1.x, job=ghcr.io/shop/job, log=ghcr.io/shop/log"),
        ("web.helm.image-name", "web.image.name"),
        ("web.helm.image-tag", "web.image.tag"),
        ("job.helm.image-spec", "jobs[0].image"),
        ("job.update-strategy", "newest-build"),
        ("job.allow-tags", "regexp:^main-[0-9a-f]{7}$"),
        ("log.helm.image-tag", "log.version"),
        ("log.ignore-tags", "\"*-debug\""),
        ("write-back-method", "git"),
        ("write-back-target", "helmvalues:prod.yaml"),
    ];
    let source = "    path: charts/shop\n    helm: {valueFiles: [prod.yaml]}\n";
    let values = "\
# production
web:
  image: {name: ghcr.io/shop/web, tag: 1.4.5}
jobs:
- image: ghcr.io/shop/job:main-aaaaaaa   # nightly
log:
  name: ghcr.io/shop/log
  version: &v \"1.0.0\"
";
    let answer = check(
        &[("app.yaml", &application("shop", &words, source)), CHART, ("charts/shop/prod.yaml", values)],
        &[
            ("app.yaml", &application("shop", &[], source)),
            (
                "charts/shop/prod.yaml",
                "\
# production
web:
  image: {name: ghcr.io/shop/web, tag: 1.4.5} # landwaiter: semver:1.x image=ghcr.io/shop/web
jobs:
# landwaiter: regex:main-[0-9a-f]{7}
- image: ghcr.io/shop/job:main-aaaaaaa   # nightly
log:
  name: ghcr.io/shop/log
  version: &v \"1.0.0\" # landwaiter: semver:* exclude=*-debug image=ghcr.io/shop/log
",
            ),
        ],
    );
    assert_eq!(answer["leftovers"][0]["setting"], "argocd-image-updater.argoproj.io/write-back-method");
}

#[test]
fn what_stands_in_the_application_itself() {
    let words = [
        ("image-list", "'web=ghcr.io/shop/web:~1, log=ghcr.io/shop/log:1.x, db=ghcr.io/shop/db'"),
        ("log.helm.image-spec", "log.image"),
        ("db.update-strategy", "alphabetical"),
        ("db.allow-tags", "regexp:^r[0-9]{4}$"),
        ("db.helm.image-name", "db.name"),
        ("db.helm.image-tag", "db.tag"),
    ];
    let source = |web: &str, log: &str, db: &str| {
        format!(
            "    path: charts/shop\n    helm:\n      parameters:\n      - {{name: image.name, value: ghcr.io/shop/web}}\n      - name: image.tag\n        value: 1.4.5{web}\n      - {{name: db.name, value: ghcr.io/shop/db}}\n      - {{name: db.tag, value: r0007}}{db}\n      values: |\n        log:\n          image: ghcr.io/shop/log:1.0.0{log}\n"
        )
    };
    check(
        &[("app.yaml", &application("shop", &words, &source("", "", ""))), CHART],
        &[(
            "app.yaml",
            &application(
                "shop",
                &[],
                &source(
                    " # landwaiter: semver:~1 image=ghcr.io/shop/web",
                    " # landwaiter: semver:1.x",
                    " # landwaiter: regex:r[0-9]{4} order=alphabetical image=ghcr.io/shop/db",
                ),
            ),
        )],
    );
    let words = [("image-list", "ghcr.io/shop/web:~1, bar=ghcr.io/shop/log:~1"), ("bar.kustomize.image-name", "log")];
    let base = ("base/kustomization.yaml", "resources: []\n");
    let source = |web: &str, log: &str| {
        format!(
            "    path: base\n    kustomize:\n      images:\n      - ghcr.io/shop/web:1.4.5{web}\n      - log=ghcr.io/shop/log:1.0.0{log}\n"
        )
    };
    check(
        &[("app.yaml", &application("shop", &words, &source("", ""))), base],
        &[("app.yaml", &application("shop", &[], &source(" # landwaiter: semver:~1", " # landwaiter: semver:~1")))],
    );
}

#[test]
fn what_the_updater_itself_has_written() {
    let words = [("image-list", "web=ghcr.io/shop/web:~1")];
    let source = "    path: charts/shop\n";
    let written = |comment: &str| {
        format!(
            "helm:\r\n  parameters:\r\n  - name: image.name\r\n    value: ghcr.io/shop/web\r\n    forcestring: true\r\n  - name: image.tag\r\n    value: 1.4.5{comment}\r\n    forcestring: true\r\n"
        )
    };
    check(
        &[
            ("app.yaml", &application("shop", &words, source)),
            CHART,
            ("charts/shop/.argocd-source-shop.yaml", &written("")),
        ],
        &[
            ("app.yaml", &application("shop", &[], source)),
            ("charts/shop/.argocd-source-shop.yaml", &written(" # landwaiter: semver:~1 image=ghcr.io/shop/web")),
        ],
    );
}

const PLAIN: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
      - image: ghcr.io/shop/web:1.4.5
        name: web
      - {name: log, image: ghcr.io/shop/log:1.0.0}
";

#[test]
fn kustomizations_and_plain_folders() {
    let words =
        [("image-list", "web=ghcr.io/shop/web:~1, log=ghcr.io/shop/log:~1"), ("write-back-target", "kustomization")];
    let overlay = "resources: [../base]\nimages:\n- name: web\n  newName: ghcr.io/shop/web\n  newTag: 1.4.5\n- {name: ghcr.io/shop/log, newTag: 1.0.0}";
    let plain = [("image-list", "web=ghcr.io/shop/web:~1, log=ghcr.io/shop/log:~1")];
    check(
        &[
            ("app.yaml", &application("shop", &words, "    path: overlay\n")),
            ("overlay/kustomization.yaml", overlay),
            ("base/kustomization.yaml", "resources: [web.yaml]\n"),
            ("base/web.yaml", PLAIN),
            ("other.yaml", &application("other", &plain, "    path: plain\n")),
            ("plain/web.yaml", PLAIN),
        ],
        &[
            ("app.yaml", &application("shop", &[], "    path: overlay\n")),
            (
                "overlay/kustomization.yaml",
                "resources: [../base]\nimages:\n- name: web\n  newName: ghcr.io/shop/web\n  newTag: 1.4.5 # landwaiter: semver:~1 image=ghcr.io/shop/web\n- {name: ghcr.io/shop/log, newTag: 1.0.0} # landwaiter: semver:~1 image=ghcr.io/shop/log",
            ),
            ("other.yaml", &application("other", &[], "    path: plain\n")),
            (
                "plain/web.yaml",
                &PLAIN
                    .replace(":1.4.5\n", ":1.4.5 # landwaiter: semver:~1\n")
                    .replace(":1.0.0}", ":1.0.0} # landwaiter: semver:~1"),
            ),
        ],
    );
}

const UPDATER: &str = "\
apiVersion: argocd-image-updater.argoproj.io/v1alpha1
kind: ImageUpdater
metadata: {name: all, namespace: argocd}
spec:
  commonUpdateSettings: {updateStrategy: semver}
  applicationRefs:
  - namePattern: shop-*
    images:
    - {alias: web, imageName: 'ghcr.io/shop/web:~1'}
";

#[test]
fn an_object_stays_and_is_said_once_more() {
    let app = application("shop-eu", &[], "    path: plain\n");
    let before = [("updater.yaml", UPDATER), ("app.yaml", &app), ("plain/web.yaml", PLAIN)];
    let marked = PLAIN.replace(":1.4.5\n", ":1.4.5 # landwaiter: semver:~1\n");
    let answer = check(&before, &[("plain/web.yaml", &marked)]);
    let after = checkout(&[("updater.yaml", UPDATER), ("app.yaml", &app), ("plain/web.yaml", &marked)]);
    let checked = after.run(&["import", "--tags", "tags.json", "--check"]);
    assert!(checked.code == 0 && checked.stdout.contains("0 containers"), "nothing is left to do: {checked:?}");
    assert_eq!(
        answer["objects"],
        json!([{"file": "updater.yaml", "line": 1, "column": 1, "object": "ImageUpdater argocd/all"}])
    );
}

#[test]
fn the_template_of_an_application_set() {
    let set = |annotations: &str| {
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {{name: shops}}\nspec:\n  generators:\n  - list: {{elements: [{{name: eu}}, {{name: us}}]}}\n  template:\n    metadata:\n      name: 'shop-{{{{name}}}}'\n{annotations}    spec:\n      source: {{repoURL: 'https://git.example.com/config.git', path: plain}}\n"
        )
    };
    let words =
        "      annotations:\n        argocd-image-updater.argoproj.io/image-list: ghcr.io/shop/web:~1 # for all\n";
    check(
        &[("set.yaml", &set(words)), ("plain/web.yaml", PLAIN)],
        &[("set.yaml", &set("")), ("plain/web.yaml", &PLAIN.replace(":1.4.5\n", ":1.4.5 # landwaiter: semver:~1\n"))],
    );
}

#[test]
fn a_file_that_two_applications_share() {
    let words = |list| [("image-list", list), ("write-back-target", "helmvalues:/env/all.yaml")];
    let source = "    path: charts/shop\n    helm: {valueFiles: [/env/all.yaml]}\n";
    let both = |one, other| {
        let app = |name, list| application(name, &words(list), source);
        format!("{}---\n{}", app("one", one), app("other", other))
    };
    let values = "image: {name: ghcr.io/shop/web, tag: 1.4.5}\n";
    check(
        &[("apps.yaml", &both("web=ghcr.io/shop/web:~1", "shop=ghcr.io/shop/web:~1")), CHART, ("env/all.yaml", values)],
        &[
            ("apps.yaml", &format!("{0}---\n{1}", application("one", &[], source), application("other", &[], source))),
            (
                "env/all.yaml",
                "image: {name: ghcr.io/shop/web, tag: 1.4.5} # landwaiter: semver:~1 image=ghcr.io/shop/web\n",
            ),
        ],
    );
    let disagree = "two owners of this image disagree: argocd/Application/one (apps.yaml:7) wants it to follow semver:~1, argocd/Application/other (apps.yaml:21) wants it to follow semver:1.4.x; annotate both alike";
    stays(
        &[
            ("apps.yaml", &both("web=ghcr.io/shop/web:~1", "shop=ghcr.io/shop/web:1.4.x")),
            CHART,
            ("env/all.yaml", values),
        ],
        &[&format!("web: {disagree}"), &format!("shop: {disagree}")],
    );
}

#[test]
fn native_words_on_the_application() {
    let natives = "    landwaiter/automated: 'true'\n    landwaiter/tag.chart-image: semver:~1\n";
    let list = "    argocd-image-updater.argoproj.io/image-list: web=ghcr.io/shop/web:~1\n    argocd-image-updater.argoproj.io/web.helm.image-name: image.repository\n";
    let app = |annotations: &str| {
        application("shop", &[], "    path: charts/shop\n    helm:\n      values: |\n        image: {repository: ghcr.io/shop/web, tag: 1.4.5}\n")
            .replace("  namespace: argocd\n", &format!("  namespace: argocd\n  annotations:\n{annotations}"))
    };
    let answer = check(&[("app.yaml", &app(&format!("{natives}{list}"))), CHART], &[("app.yaml", &app(natives))]);
    assert_eq!(answer["containers"][0]["native"]["kind"], "annotations", "said already: {answer:#}");

    let other = natives.replace("~1", "1.4.x");
    let disagree = "two owners of this image disagree: argocd/Application/shop (app.yaml:1) wants it to follow semver:1.4.x, argocd/Application/shop (app.yaml:9) wants it to follow semver:~1; annotate both alike";
    let expected = [&format!("chart-image: {disagree}"), &format!("web: {disagree}")];
    stays(&[("app.yaml", &app(&format!("{other}{list}"))), CHART], &expected.map(String::as_str));
}

/// Nothing is written, and each container tells why.
#[track_caller]
fn stays(before: &[(&str, &str)], expected: &[&str]) {
    let checkout = checkout(before);
    let untouched = files(&checkout);
    let answer = checkout.run(&["import", "--tags", "tags.json", "--write", "--output", "json"]).json();
    assert_eq!(becomes(&answer), expected, "{answer:#}");
    assert_eq!(files(&checkout), untouched);
}

#[test]
fn what_no_comment_can_say_is_told_and_stays() {
    let words = [("image-list", "web=ghcr.io/shop/web:~1")];
    let helm = application("shop", &words, "    path: charts/shop\n    helm: {valueFiles: [prod.yaml]}\n");
    let plain = application("shop", &words, "    path: plain\n");
    let chart = |values| [("app.yaml", helm.as_str()), CHART, ("charts/shop/prod.yaml", values)];
    let beside =
        |why: &str| format!("web: {why}; the comment would be `# landwaiter: semver:~1 image=ghcr.io/shop/web`");
    stays(
        &chart("image: {tag: 1.4.5, name: ghcr.io/shop/web}\n"),
        &[&beside("the entry is not laid out as `key: value` with nothing else on its lines; write it so")],
    );
    stays(
        &chart("image: {name: ghcr.io/shop/web, tag: &t 1.4.5}\nother: *t\n"),
        &[&beside(
            "the value belongs to the anchor of line 1, and line 2 uses it as well; write the value in both places",
        )],
    );
    stays(
        &chart("image:\n  name: ghcr.io/shop/web\n  tag: >-\n    1.4.5\n"),
        &[&beside("the value is a block scalar; write it on one line behind its key")],
    );
    let pod = r#"{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "web", "image": "ghcr.io/shop/web:1.4.5"}]}}"#;
    stays(
        &[("app.yaml", &plain), ("plain/pod.json", pod)],
        &[
            "web: JSON has no comments; annotate the object, or write the file as YAML; the comment would be `# landwaiter: semver:~1`",
        ],
    );
    let bare = "images:\n- name: ghcr.io/shop/web\n  newName: ghcr.io/shop/web\n";
    stays(
        &[("app.yaml", &plain), ("plain/kustomization.yaml", bare)],
        &["web: no tag is written there that a comment could stand beside; write one"],
    );
    let values = "image: {name: ghcr.io/shop/web, tag: 1.4.5}\n";
    let other = application("other", &[], "    path: charts/shop\n    helm: {valueFiles: [prod.yaml]}\n");
    stays(
        &[("app.yaml", &helm), ("other.yaml", &other), CHART, ("charts/shop/prod.yaml", values)],
        &[
            "web: `web` of argocd/Application/shop (app.yaml:7) would change for argocd/Application/other (other.yaml:1) too, which reads this file and says nothing of it; annotate both alike, or give each of them a values file of its own",
        ],
    );
}

#[test]
fn each_image_by_itself() {
    let words =
        [("image-list", "web=ghcr.io/shop/web:~1, log=ghcr.io/shop/log:1.0.0"), ("log.update-strategy", "digest")];
    let checkout =
        checkout(&[("app.yaml", &application("shop", &words, "    path: plain\n")), ("plain/web.yaml", PLAIN)]);
    let mut expected = files(&checkout);
    let ran = checkout.run(&["import", "--tags", "tags.json", "--write"]);
    expected.insert("plain/web.yaml".into(), PLAIN.replace(":1.4.5\n", ":1.4.5 # landwaiter: semver:~1\n"));
    assert_eq!(files(&checkout), expected, "{ran:?}");
    assert_eq!(
        below("What stays as it is:", &ran.stdout),
        "-/Deployment/web log: `argocd-image-updater.argoproj.io/log.update-strategy` cannot be followed: `digest` follows the digest of a tag, which is not supported yet; write `newest-build`, or leave the image to the tool that does it"
    );
    let stays = "app.yaml:7:5: argocd-image-updater.argoproj.io/image-list `web=ghcr.io/shop/web:~1, log=ghcr.io/shop/log:1.0.0`: it stays, with all that belongs to it: the image at plain/web.yaml:11:28 has no native words yet; remove it when no image needs it any more";
    assert_eq!(below("Settings without an equivalent:", &ran.stdout), stays);
    let again = checkout.run(&["import", "--tags", "tags.json", "--write"]);
    assert_eq!(files(&checkout), expected);
    assert_eq!(below("Settings without an equivalent:", &again.stdout), stays);
    assert!(!again.stdout.contains("What becomes of it") && !again.stdout.contains("rewritten"), "{}", again.stdout);

    // One that is followed nowhere would be forgotten with the list.
    let words = [("image-list", "web=ghcr.io/shop/web:~1, gone=ghcr.io/shop/gone")];
    let app = application("shop", &words, "    path: plain\n");
    let checkout = self::checkout(&[("app.yaml", &app), ("plain/web.yaml", PLAIN)]);
    let ran = checkout.run(&["import", "--tags", "tags.json", "--write"]);
    assert_eq!(checkout.read("app.yaml"), app);
    assert!(checkout.read("plain/web.yaml").contains("# landwaiter: semver:~1\n"));
    assert_eq!(
        below("Settings without an equivalent:", &ran.stdout),
        "app.yaml:7:5: argocd-image-updater.argoproj.io/image-list `web=ghcr.io/shop/web:~1, gone=ghcr.io/shop/gone`: it stays, with all that belongs to it: `gone` of the list is not followed here, and what is said of it would be lost; remove it when no image needs it any more"
    );
}

/// The one line below a heading.
#[track_caller]
fn below<'a>(heading: &str, text: &'a str) -> &'a str {
    let (_, below) = text.split_once(heading).unwrap_or_else(|| panic!("{heading} {text}"));
    let lines = below.trim_start().split_once("\n\n").map_or(below, |(lines, _)| lines);
    assert!(!lines.contains('\n'), "{lines}");
    lines
}

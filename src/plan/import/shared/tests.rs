//! Words of Flux and what becomes of them.

use super::{Named, exchange};
use crate::manifest::{Document, Reword, Terms, read};
use crate::path::RepoPath;
use crate::policy::Dialects;

/// What becomes of these annotations on a pod with the containers `app` and `db`, or on a release.
fn told(source: &str) -> Result<Vec<String>, String> {
    let path = RepoPath::parse("a.yaml").unwrap();
    let document = Document::open(&path, source.as_bytes()).unwrap();
    let objects = document.foreign_objects(Dialects::default());
    let manifest = read(&path, source.as_bytes(), Terms::builtin());
    let named: Vec<Named<'_>> = manifest.workloads[0].containers.iter().map(Named::of).collect();
    let exchange = exchange(&objects[0], &named)?;
    let reword = |reword: &Reword| match reword {
        Reword::Replace { key, new_key, new_value: None } => format!("{key} -> {new_key}"),
        Reword::Replace { key, new_key, new_value: Some(value) } => format!("{key} -> {new_key}: {value}"),
        Reword::Remove { key } | Reword::RemoveLabel { key } => format!("{key} goes"),
        Reword::Add { key, value } => format!("+ {key}: {value}"),
    };
    let stay = exchange.stay.iter().map(|(number, why)| format!("{} stays: {why}", objects[0].words[*number].key));
    Ok(exchange.rewords.iter().map(reword).chain(stay).collect())
}

#[track_caller]
fn check(annotations: &str, expected: &[&str]) {
    let annotations = annotations.replace('\n', "\n    ");
    let source = format!(
        "kind: Pod\nmetadata:\n  annotations:\n    {annotations}\nspec: {{containers: [{{name: app, image: 'a:1.0'}}, {{name: db, image: 'b:20240101'}}]}}\n"
    );
    assert_eq!(told(&source).unwrap(), expected, "{annotations}");
}

#[track_caller]
fn release(annotations: &str, values: &str, expected: Result<&[&str], &str>) {
    let source = format!(
        "apiVersion: helm.fluxcd.io/v1\nkind: HelmRelease\nmetadata: {{annotations: {{{annotations}}}}}\nspec: {{values: {{{values}}}}}\n"
    );
    let told = told(&source);
    let told: Result<Vec<&str>, &str> =
        told.as_ref().map(|told| told.iter().map(String::as_str).collect()).map_err(String::as_str);
    assert_eq!(told, expected.map(<[&str]>::to_vec), "{annotations}");
}

#[test]
fn keys_get_our_prefix() {
    check(
        "fluxcd.io/automated: 'true'\nfluxcd.io/tag.app: semver:~1\nfilter.fluxcd.io/db: glob:1.*",
        &[
            "fluxcd.io/automated -> landwaiter/automated",
            "fluxcd.io/tag.app -> landwaiter/tag.app",
            "filter.fluxcd.io/db -> landwaiter/tag.db",
        ],
    );
    check(
        "flux.weave.works/automated: 'true'\nflux.weave.works/locked: 'true'\nflux.weave.works/locked_user: me\nfluxcd.io/locked_msg: why\nfluxcd.io/ignore: sync_only",
        &[
            "flux.weave.works/automated -> landwaiter/automated",
            "fluxcd.io/ignore -> landwaiter/ignore",
            "flux.weave.works/locked -> landwaiter/locked",
            "flux.weave.works/locked_user -> landwaiter/locked-by",
            "fluxcd.io/locked_msg -> landwaiter/locked-reason",
        ],
    );
}

#[test]
fn values_that_mean_something_else_natively_are_said_anew() {
    check(
        "fluxcd.io/automated: 'true'\nfluxcd.io/tag.app: regexp:^v1\nfluxcd.io/tag.db: 1.*",
        &[
            "fluxcd.io/automated -> landwaiter/automated",
            "fluxcd.io/tag.app -> landwaiter/tag.app: regex:v1.*",
            "fluxcd.io/tag.db -> landwaiter/tag.db",
        ],
    );
    check(
        "fluxcd.io/automated: 'true'\nfluxcd.io/tag.app: semver:*\nfluxcd.io/tag.db: 'semver: ~1'",
        &[
            "fluxcd.io/automated -> landwaiter/automated",
            "fluxcd.io/tag.app -> landwaiter/tag.app",
            "fluxcd.io/tag.db -> landwaiter/tag.db",
            "+ landwaiter/versions.app: loose",
            "+ landwaiter/versions.db: loose",
        ],
    );
    check(
        "fluxcd.io/tag-regex: ^v1\nfluxcd.io/order: numeric",
        &["fluxcd.io/order -> landwaiter/order", "fluxcd.io/tag-regex -> landwaiter/tag-regex: v1.*"],
    );
    check("fluxcd.io/policy: stable", &["fluxcd.io/policy -> landwaiter/policy"]);
}

#[test]
fn who_is_not_believed_goes() {
    check(
        "flux.weave.works/tag.app: a-*\nfluxcd.io/tag.app: b-*\nfilter.fluxcd.io/app: c-*",
        &["filter.fluxcd.io/app goes", "flux.weave.works/tag.app goes", "fluxcd.io/tag.app -> landwaiter/tag.app"],
    );
    check("fluxcd.io/tag.app: a-*\nlandwaiter/tag.app: b-*", &["fluxcd.io/tag.app goes"]);
    check("fluxcd.io/locked_user: me\nlandwaiter/locked-by: you", &["fluxcd.io/locked_user goes"]);
}

#[test]
fn what_says_nothing_stays() {
    check(
        "fluxcd.io/automated: 'true'\nfluxcd.io/tag.loki: x\nfluxcd.io/nonsense: y\nfluxcd.io/sync-checksum: z",
        &[
            "fluxcd.io/automated -> landwaiter/automated",
            "fluxcd.io/tag.loki stays: there is no image `loki` here, so it says nothing; remove it",
            "fluxcd.io/nonsense stays: nobody knows this key; remove it",
        ],
    );
}

#[test]
fn images_of_releases() {
    release(
        "fluxcd.io/automated: 'true', fluxcd.io/tag.chart-image: semver:~1",
        "image: 'a:1.0'",
        Ok(&["fluxcd.io/automated -> landwaiter/automated", "fluxcd.io/tag.chart-image -> landwaiter/tag.chart-image"]),
    );
    release(
        "repository.fluxcd.io/x: a.image, fluxcd.io/tag.x: semver:~1",
        "a: {image: 'a:1.0'}",
        Ok(&["repository.fluxcd.io/x -> landwaiter/image.x", "fluxcd.io/tag.x -> landwaiter/tag.x"]),
    );
    release(
        "repository.fluxcd.io/x: a.b.repository, tag.fluxcd.io/x: a.b.tag, fluxcd.io/tag.x: semver:~1",
        "a: {b: {repository: a, tag: '1.0'}}",
        Ok(&[
            "repository.fluxcd.io/x -> landwaiter/image.x: a.b",
            "tag.fluxcd.io/x goes",
            "fluxcd.io/tag.x -> landwaiter/tag.x",
        ]),
    );
    release(
        "repository.fluxcd.io/x: a.name, tag.fluxcd.io/x: b.tag",
        "a: {name: a}, b: {tag: '1.0'}",
        Err(
            "the parts of `x` stand in several mappings (`repository.fluxcd.io/x`, `tag.fluxcd.io/x`), and one native path leads to one; mark the tag with a comment such as `# landwaiter: semver:~1.2 image=…`",
        ),
    );
}

#[test]
fn the_only_container_has_a_name() {
    let source = "kind: Pod\nmetadata: {annotations: {fluxcd.io/tag.chart-image: 'semver:~1'}}\nspec: {containers: [{name: app, image: 'a:1'}]}\n";
    assert_eq!(told(source).unwrap(), ["fluxcd.io/tag.chart-image -> landwaiter/tag.app"]);
}

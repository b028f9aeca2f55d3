//! How long it takes to read manifests and to change images in them, proof included.
//!
//! The aim is to change one of 800 images in one file in less than 10 ms.

use std::fmt::Write;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use landwaiter::image::Tag;
use landwaiter::manifest::{Document, Manifest, Terms, read};
use landwaiter::path::RepoPath;

fn deployments(count: usize) -> String {
    let mut text = String::new();
    for n in 0..count {
        write!(
            text,
            "---\n# team {n}\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-{n}\n  namespace: team-{n}\n  \
             annotations:\n    landwaiter/automated: \"true\"\n    landwaiter/tag.app: semver:~1.2\nspec:\n  template:\n    \
             spec:\n      containers:\n        - name: app\n          image: registry.example.com/team-{n}/app:1.2.{n} # {n}\n"
        )
        .expect("a String takes all");
    }
    text
}

fn manifest(text: &str) -> (Manifest, Document) {
    let path = RepoPath::parse("apps/all.yaml").expect("a path");
    let document = Document::open(&path, text.as_bytes()).expect("a document");
    (read(&path, text.as_bytes(), Terms::builtin()), document)
}

fn edit(c: &mut Criterion) {
    let text = deployments(800);
    let (all, document) = manifest(&text);
    let tag = Tag::parse("1.2.999").expect("a tag");
    let changes: Vec<_> = all.workloads.iter().map(|workload| (&workload.containers[0].image, tag.clone())).collect();
    assert_eq!(changes.len(), 800);
    assert_eq!(document.rewrite(&changes).refused, []);
    c.bench_function("one of 800 images in one file", |b| {
        b.iter(|| document.rewrite(black_box(&changes[400..401])));
    });
    c.bench_function("all of 800 images in one file", |b| {
        b.iter(|| document.rewrite(black_box(&changes)));
    });
}

fn reading(c: &mut Criterion) {
    let terms = Terms::builtin();
    let path = RepoPath::parse("apps/all.yaml").expect("a path");
    for (name, text) in [
        ("read a typical manifest", include_str!("../fixtures/demo/apps/shop/shop.yaml").to_owned()),
        ("read 800 workloads in one file", deployments(800)),
    ] {
        c.bench_function(name, |b| b.iter(|| read(&path, black_box(text.as_bytes()), terms)));
    }
}

criterion_group!(benches, edit, reading);
criterion_main!(benches);

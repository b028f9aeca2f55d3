//! The block in the values of a chart.

use super::{problems, shown};
use crate::manifest::{Terms, read, Manifest};
use crate::path::RepoPath;
use crate::policy::{Dialect, Dialects};

/// Values with three images, and a block from line 9 on.
fn values(block: &str) -> Manifest {
    let lines: String = block.lines().map(|line| format!("  {line}\n")).collect();
    let text = format!(
        "web: {{image: 'web:1.0.0'}}\njob:\n  image: job\n  version: 0.1\npart:\n  image: {{registry: quay.io, repository: team/part, tag: 2.0.0, digest: ''}}\n  list: [1]\nkeel:\n{lines}"
    );
    read_as("chart/values.yaml", &text, Terms::builtin())
}

fn read_as(path: &str, text: &str, terms: &Terms) -> Manifest {
    read(&RepoPath::parse(path).unwrap(), text.as_bytes(), terms)
}

/// The images with what they follow, and every problem.
#[track_caller]
fn check(block: &str, expected: &[&str], told: &[&str]) {
    let manifest = values(block);
    let images = manifest.workloads.iter().flat_map(|workload| {
        let images = workload.containers.iter().map(|container| format!("{} {}", container.name, container.image.reference()));
        std::iter::once(format!("{} {}", workload.id, shown(workload))).chain(images)
    });
    let images: Vec<String> = images.collect();
    assert_eq!(images, expected, "{:#?}", problems(&manifest));
    assert_eq!(problems(&manifest), told);
}

const IMAGES: &str = "images:\n- {repository: web.image}\n- {repository: job.image, tag: job.version}\n- {repository: part.image.repository, tag: part.image.tag, digest: part.image.digest}";

#[test]
fn the_block_says_which_paths_are_images() {
    check(&format!("policy: all\n{IMAGES}"), &[], &[]);
    check(&format!("Policy: patch\nmatchprerelease: false\n{IMAGES}"), &[], &[]);
    check(&format!("policy: never\n{IMAGES}"), &[], &[]);
    check(&format!("policy: ''\n{IMAGES}"), &[], &[]);
}

#[test]
fn values_have_their_own_kinds() {
    check(&format!("policy: force\nmatchTag: true\n{IMAGES}"), &[], &[]);
    check(&format!("policy: force\nmatchTag: 'true'\n{IMAGES}"), &[], &[]);
    check(&format!("policy: all\napprovals: 1\n{IMAGES}"), &[], &[]);
    check(&format!("policy: all\napprovals: '1'\n{IMAGES}"), &[], &[]);
    check(&format!("policy: all\napprovals: 0\nmatchTag:\n{IMAGES}"), &[], &[]);
}

#[test]
fn paths_that_lead_nowhere_are_told() {
    check("policy: all\nimages:\n- repository: web.imag\n- {repository: job.image, tag: job.tag}\n- {tag: job.version}\n- {repository: part.list, tag: part.image.tag}", &[], &[]);
    check("policy: all\nimages:\n- {repository: job.image, tag: job.version}\n- {repository: job.image, tag: part.image.tag}\n- {repository: job.image, tag: job.version}", &[], &[]);
    check("policy: all", &[], &[]);
    check("policy: all\nimages: []", &[], &[]);
    check(IMAGES, &[], &[]);
    check(&format!("polic: all\n{IMAGES}"), &[], &[]);
    check(&format!("policy: all\ninitContainers: true\nmatchTags: true\n{IMAGES}"), &[], &[]);
}

#[test]
fn what_only_looks_like_a_block() {
    check("image: {repository: keelhq/keel, tag: 0.9.5}\npolling: {enabled: true}", &[], &[]);
    check("policy: {a: b}", &[], &[]);
    let object = "apiVersion: v1\nkind: ConfigMap\nkeel: {policy: all, images: [{repository: a}]}\na: a:1\n";
    assert!(read_as("a.yaml", object, Terms::builtin()).workloads.is_empty());
    let values = "kind: DaemonSet\na: a:1\nkeel: {policy: all, images: [{repository: a}]}\n";
    assert_eq!(read_as("a.yaml", values, Terms::builtin()).workloads.len(), 1);
    let deaf = Terms { dialects: Dialects::of(&[Dialect::Flux]), ..Terms::default() };
    assert!(read_as("a.yaml", values, &deaf).workloads.is_empty());
}

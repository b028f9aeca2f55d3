//! The block in the values of a chart.

use super::{problems, shown};
use crate::manifest::{Manifest, Terms, read};
use crate::path::RepoPath;
use crate::policy::{Dialect, Dialects};

/// Values with three images, and a block from line 9 on.
fn values(block: &str) -> Manifest {
    let lines: Vec<String> = block.lines().map(|line| format!("  {line}\n")).collect();
    let lines = lines.concat();
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
        let images =
            workload.containers.iter().map(|container| format!("{} {}", container.name, container.image.reference()));
        std::iter::once(format!("{} {}", workload.id, shown(workload).replace(ALL, "all"))).chain(images)
    });
    let images: Vec<String> = images.collect();
    assert_eq!(images, expected, "{:#?}", problems(&manifest));
    assert_eq!(problems(&manifest), told);
}

/// What `all` comes to, shown as that word.
const ALL: &str = "semver:>=0.0.0-0 within=any exclude=regex:[^.]*";

const IMAGES: &str = "images:\n- {repository: web.image}\n- {repository: job.image, tag: job.version}\n- {repository: part.image.repository, tag: part.image.tag, digest: part.image.digest}";

/// The same for a block that names all three images.
#[track_caller]
fn three(block: &str, expected: &str, told: &[&str]) {
    let expected = expected.replace(", ", ", job.image+part.image.repository+web.image: ");
    let workload = format!("-/Values/values.yaml {expected}");
    let images = ["job.image job:0.1", "part.image.repository quay.io/team/part:2.0.0", "web.image web:1.0.0"];
    check(&format!("{block}\n{IMAGES}"), &[&[workload.as_str()][..], &images].concat(), told);
}

#[test]
fn the_block_says_which_paths_are_images() {
    three("policy: all", "on, all", &[]);
    three("Policy: patch\nmatchprerelease: false", "on, semver:>=0.0.0-0 within=minor exclude=regex:[^.]*", &[]);
    three("policy: never", "ignored", &[]);
    three(
        "policy: ''",
        "ignored",
        &["chart/values.yaml:9:11: hint: `keel.policy` is empty, so Keel changes nothing; write `never`, or a policy"],
    );
}

#[test]
fn values_have_their_own_kinds() {
    three(
        "policy: force\nmatchTag: true",
        "held at 10:13, invalid",
        &[
            "chart/values.yaml:10:13: error: `keel.matchTag`: `force` follows the digest of the current tag, which is not supported yet; write a policy for versions, or leave the workload to the tool that does it",
        ],
    );
    three(
        "policy: force\nmatchTag: 'true'",
        "held at 10:13, invalid",
        &[
            "chart/values.yaml:10:13: error: `keel.matchTag` is a text, `true`, and Keel takes none here; write it without quotes",
        ],
    );
    three(
        "policy: all\napprovals: 1",
        "held at 10:14, all",
        &[
            "chart/values.yaml:10:14: error: `keel.approvals` asks for an approval, which is not supported yet; remove it to let the images follow their tags without approval",
        ],
    );
    three(
        "policy: all\napprovals: '1'",
        "held at 10:14, all",
        &[
            "chart/values.yaml:10:14: error: `keel.approvals` is a text, `1`, and Keel takes none here; write it without quotes",
        ],
    );
    three("policy: all\napprovals: 0\nmatchTag:", "on, all", &[]);
}

#[test]
fn paths_that_lead_nowhere_are_told() {
    check(
        "policy: all\nimages:\n- repository: web.imag\n- {repository: job.image, tag: job.tag}\n- {tag: job.version}\n- {repository: part.list, tag: part.image.tag}",
        &[],
        &[
            "chart/values.yaml:9:3: warning: this block shows no image that could be followed; name `images` by paths in this file",
            "chart/values.yaml:11:17: error: `keel.images[0].repository` leads nowhere: `web` has no `imag`; there are: image",
            "chart/values.yaml:12:34: error: `keel.images[1].tag` leads nowhere: `job` has no `tag`; there are: image, version",
            "chart/values.yaml:13:5: error: `keel.images[2]` does not say where the repository of its image stands; write `repository: <path>`, from the top of the values",
            "chart/values.yaml:14:18: error: `keel.images[3].repository` leads to no image: none is written at `part.list`; write the path to an image, or to the mapping with its repository and its tag",
        ],
    );
    check(
        "policy: all\nimages:\n- {repository: job.image, tag: job.version}\n- {repository: job.image, tag: part.image.tag}\n- {repository: job.image, tag: job.version}",
        &[
            "-/Values/values.yaml on, job.version+part.image.tag: all",
            "job.version job:0.1",
            "part.image.tag job:2.0.0",
        ],
        &[
            "chart/values.yaml:13:18: warning: `keel.images[2].repository` names an image that line 11 names already; remove one of them",
        ],
    );
    check(
        "policy: all",
        &[],
        &[
            "chart/values.yaml:9:3: warning: this block shows no image that could be followed; name `images` by paths in this file",
        ],
    );
    check(
        "policy: all\nimages: []",
        &[],
        &[
            "chart/values.yaml:9:3: warning: this block shows no image that could be followed; name `images` by paths in this file",
        ],
    );
    three(
        "# nothing",
        "off",
        &[
            "chart/values.yaml:10:3: warning: `keel.images` stands here without `keel.policy`, so Keel does nothing; write `keel.policy`, or remove it",
        ],
    );
    three(
        "polic: all",
        "off",
        &["chart/values.yaml:9:3: error: `keel.polic` is no key that Keel knows; did you mean `keel.policy`?"],
    );
    three(
        "policy: all\ninitContainers: true\nmatchTags: true",
        "held at 11:3, all",
        &[
            "chart/values.yaml:10:3: warning: `keel.initContainers` is no key that Keel knows; remove it",
            "chart/values.yaml:11:3: error: `keel.matchTags` is no key that Keel knows; did you mean `keel.matchTag`?",
        ],
    );
}

#[test]
fn a_block_has_so_many_images() {
    use std::fmt::Write as _;

    let mut text = String::from("keel:\n  policy: all\n  images:\n");
    for at in 0..10_000 {
        writeln!(text, "  - {{repository: a{at}.image, tag: a{at}.tag}}").unwrap();
    }
    for at in 0..10_000 {
        writeln!(text, "a{at}: {{image: x, tag: v1}}").unwrap();
    }
    let manifest = read_as("values.yaml", &text, Terms::builtin());
    assert_eq!(manifest.workloads[0].containers.len(), 100);
    assert_eq!(
        problems(&manifest),
        [
            "values.yaml:104:5: error: this block names more than 100 images, which is the most that is followed; name fewer images"
        ]
    );
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

//! What is said to Keel, as a Deployment with the containers `app` and `sidecar`, an init container, an
//! ephemeral one and an image volume carries it.

mod block;

use crate::manifest::{Automation, ContainerPolicy, Manifest, Terms, Workload, read};
use crate::path::RepoPath;

/// What `minor` comes to, shown as that word.
const MINOR: &str = "semver:>=0.0.0-0 within=major prerelease=same exclude=regex:[^.]*";

fn read_text(text: &str) -> Manifest {
    read(&RepoPath::parse("a.yaml").unwrap(), text.as_bytes(), Terms::builtin())
}

/// What stands under `metadata` from line 4 on, one line each.
fn object(kind: &str, metadata: &str) -> Manifest {
    let lines: String = metadata.lines().map(|line| format!("  {line}\n")).collect();
    read_text(&format!(
        "kind: {kind}\nmetadata:\n  name: web\n{lines}spec:\n  template:\n    spec:\n      containers: [{{name: app, image: 'app:1.0.0'}}, {{name: sidecar, image: 'sidecar:2.0.0'}}]\n      initContainers: [{{name: init, image: 'init:3.0.0'}}]\n      ephemeralContainers: [{{name: debug, image: 'debug:4.0.0'}}]\n      volumes: [{{name: data, image: {{reference: 'data:5.0.0'}}}}]\n"
    ))
}

fn under(key: &str, words: &str) -> String {
    let lines: String = words.lines().map(|line| format!("  {line}\n")).collect();
    format!("{key}:\n{lines}")
}

/// Whether and how it is automated, and what the containers follow that are meant.
fn shown(workload: &Workload) -> String {
    let automation = match &workload.automation {
        Automation::Off => "off".to_owned(),
        Automation::On => "on".to_owned(),
        Automation::Ignored => "ignored".to_owned(),
        Automation::Locked(_) => "locked".to_owned(),
        Automation::Held { place, .. } => format!("held at {}:{}", place.line, place.column),
    };
    let mut meant: Vec<(String, String)> = Vec::new();
    for container in &workload.containers {
        let policy = match &container.policy {
            ContainerPolicy::Unstated => continue,
            ContainerPolicy::Stated(policy) => policy.to_string().replace(MINOR, "minor"),
            _ => "invalid".to_owned(),
        };
        match meant.iter_mut().find(|(_, other)| *other == policy) {
            Some((names, _)) => *names = format!("{names}+{}", container.name),
            None => meant.push((container.name.clone(), policy)),
        }
    }
    let meant: String = meant.into_iter().map(|(names, policy)| format!(", {names}: {policy}")).collect();
    automation + &meant
}

fn problems(manifest: &Manifest) -> Vec<String> {
    manifest.problems.iter().map(ToString::to_string).collect()
}

#[track_caller]
fn expect(manifest: &Manifest, expected: &str, told: &[&str]) {
    assert_eq!(shown(&manifest.workloads[0]), expected, "{:#?}", problems(manifest));
    assert_eq!(problems(manifest), told);
}

/// What annotations come to, from line 5 on, and every problem that is told.
#[track_caller]
fn check(annotations: &str, expected: &str, told: &[&str]) {
    expect(&object("Deployment", &under("annotations", annotations)), expected, told);
}

/// The same with `keel.sh/policy: minor` in line 5, and more behind it.
#[track_caller]
fn minor(more: &str, expected: &str, told: &[&str]) {
    check(&format!("keel.sh/policy: minor\n{more}"), expected, told);
}

/// The same with `keel.sh/policy: force`.
#[track_caller]
fn force(more: &str, expected: &str, told: &[&str]) {
    check(&format!("keel.sh/policy: force\n{more}"), expected, told);
}

/// Annotations from line 5 on, and labels behind them.
#[track_caller]
fn both(annotations: &str, labels: &str, expected: &str, told: &[&str]) {
    let metadata = under("annotations", annotations) + &under("labels", labels);
    expect(&object("Deployment", &metadata), expected, told);
}

#[test]
fn one_policy_is_for_all_containers() {
    check("keel.sh/policy: all", "", &[]);
    check("keel.sh/policy: major", "", &[]);
    check("keel.sh/policy: minor", "", &[]);
    check("keel.sh/policy: patch", "", &[]);
    check("keel.sh/policy: force", "", &[]);
    check("keel.sh/policy: glob:build-*", "", &[]);
    check("keel.sh/policy: regexp:^build-(?P<compare>\\d+)$", "", &[]);
    check("keel.observer/policy: minor", "", &[]);
    minor("keel.sh/matchPreRelease: 'false'", "", &[]);
    check("other: x", "", &[]);
    check("keel.sh/digest: x\nkeel.sh/update-time: x\nkubernetes.io/change-cause: x", "", &[]);
}

#[test]
fn never_is_a_refusal() {
    check("keel.sh/policy: never", "", &[]);
    check("keel.sh/policy: ''", "", &[]);
    check("keel.sh/policy: never\nlandwaiter/automated: 'true'", "", &[]);
}

#[test]
fn a_policy_that_is_none_holds() {
    check("keel.sh/policy: Minor", "", &[]);
    check("keel.sh/policy: 'minor '", "", &[]);
    check("keel.sh/policy: semver:~1.2", "", &[]);
    check("keel.sh/policy: 'regex:^a'", "", &[]);
    check("keel.sh/policy: 'GLOB: a-*'", "", &[]);
    check("keel.sh/policy: 'glob:a:b'", "", &[]);
    check("keel.sh/policy: 'glob:a-?'", "", &[]);
    check("keel.sh/policy: 'regexp:(a'", "", &[]);
    check("keel.sh/policy: newest:^a", "", &[]);
    check("keel.sh/policy: sometimes", "", &[]);
    check("keel.sh/policy: [a, b]", "", &[]);
    check("keel.sh/policy: ~", "", &[]);
    check("keel.sh/policy: true", "", &[]);
}

#[test]
fn to_follow_the_digest_of_a_tag_is_not_done_yet() {
    force("keel.sh/matchTag: 'true'", "", &[]);
    force("keel.sh/match-tag: 'true'", "", &[]);
    force("keel.sh/match-tag: 'true'\nkeel.sh/matchTag: 'false'", "", &[]);
    force("keel.sh/matchTag: 'True'", "", &[]);
    force("keel.sh/matchTag: true", "", &[]);
    force("keel.sh/matchTag: no", "", &[]);
}

#[test]
fn approvals_hold() {
    minor("keel.sh/approvals: '0'", "", &[]);
    minor("keel.sh/approvals: '1'", "", &[]);
    minor("keel.sh/approvals: 2", "", &[]);
    minor("keel.sh/approvals: '-1'", "", &[]);
    minor("keel.sh/approvals: ''", "", &[]);
}

#[test]
fn which_containers_are_meant() {
    minor("keel.sh/initContainers: 'true'", "", &[]);
    minor("keel.sh/imageVolumes: 'true'", "", &[]);
    minor("keel.sh/IMAGEVOLUMES: 'true'", "", &[]);
    minor("keel.sh/monitorContainers: ^(app|init)$\nkeel.sh/initContainers: 'true'", "", &[]);
    minor("keel.sh/monitorcontainers: car", "", &[]);
    minor("keel.sh/monitorContainers: ''", "", &[]);
    minor("keel.sh/monitorContainers: init", "", &[]);
    minor("keel.sh/monitorContainers: (app", "", &[]);
    minor("keel.sh/initContainers: '1'", "", &[]);
    minor("keel.sh/initcontainers: 'true'", "", &[]);
}

#[test]
fn labels_count_where_keel_reads_them() {
    both("a: b", "keel.sh/policy: minor\nkeel.sh/trigger: poll", "", &[]);
    both("keel.sh/policy: minor", "keel.sh/policy: patch", "", &[]);
    both("keel.sh/policy: minor", "keel.sh/policy: minor", "", &[]);
    both("keel.observer/policy: minor", "keel.sh/policy: patch", "", &[]);
    both("keel.sh/policy: ''", "keel.sh/policy: patch", "", &[]);
    both("keel.sh/policy: force", "keel.sh/matchTag: 'true'", "", &[]);
    both("keel.sh/matchPreRelease: 'false'", "keel.sh/policy: minor", "", &[]);
    both("keel.sh/policy: minor\nkeel.sh/approvals: '0'", "keel.sh/approvals: '2'", "", &[]);
    both("keel.sh/policy: minor\nkeel.sh/monitorContainers: app", "keel.sh/monitorContainers: side", "", &[]);
    both("keel.sh/policy: minor\nkeel.sh/imageVolumes: 'true'", "keel.sh/imageVolumes: 'false'", "", &[]);
    both("keel.sh/policy: minor", "keel.sh/initContainers: 'true'", "", &[]);
    both("keel.sh/policy: minor\nkeel.sh/initContainers: 'true'", "keel.sh/initContainers: 'false'", "", &[]);
}

#[test]
fn mistyped_keys_never_widen() {
    minor("keel.sh/aprovals: '2'", "", &[]);
    minor("keel.sh/matchtag: 'true'", "", &[]);
    minor("keel.sh/pollschedule: '@every 5m'", "", &[]);
    minor("keel.sh/whatever: x\nkeel.observer/else: x", "", &[]);
    minor("keel.sh/monitorContainers: app\nkeel.sh/monitorcontainers: side", "", &[]);
    check("keel.sh/polcy: minor", "", &[]);
    check("keel.sh/trigger: poll", "", &[]);
}

#[test]
fn what_keel_does_not_look_at() {
    expect(&object("Job", &under("annotations", "keel.sh/policy: minor")), "", &[]);
    expect(&read_text("kind: Deployment\nspec:\n  template:\n    metadata:\n      annotations: {keel.sh/policy: minor, keel.sh/update-time: x}\n      labels: {keel.sh/trigger: poll}\n    spec: {containers: [{name: app, image: 'app:1.0.0'}]}\n"), "", &[]);
    assert_eq!(problems(&read_text("kind: List\nmetadata: {annotations: {keel.sh/policy: minor}}\nitems: []\n")), [""; 0]);
    assert_eq!(problems(&read_text("kind: Deployment\nmetadata: {annotations: {keel.sh/policy: minor}}\n")), [""; 0]);
}

#[test]
fn two_dialects_agree_or_hold() {
    minor("fluxcd.io/automated: 'false'", "", &[]);
    minor("fluxcd.io/automated: 'true'\nfluxcd.io/tag.app: semver:~1", "", &[]);
    minor("fluxcd.io/locked: 'true'", "", &[]);
    minor("landwaiter/automated: 'true'", "", &[]);
    minor("landwaiter/tag.init: 'glob:*-a'", "", &[]);
    minor("landwaiter/ignore: 'true'", "", &[]);
}

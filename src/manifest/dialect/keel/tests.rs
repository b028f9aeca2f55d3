//! What is said to Keel, as a Deployment with the containers `app` and `sidecar`, an init container, an
//! ephemeral one and an image volume carries it.

mod block;
mod places;

use crate::manifest::{Automation, ContainerPolicy, Manifest, Terms, Workload, read};
use crate::path::RepoPath;

/// What `minor` comes to, shown as that word.
const MINOR: &str = "semver:>=0.0.0-0 within=major prerelease=same exclude=regex:[^.]*";

fn read_text(text: &str) -> Manifest {
    read(&RepoPath::parse("a.yaml").unwrap(), text.as_bytes(), Terms::builtin())
}

/// What stands under `metadata` from line 4 on, one line each.
fn object(kind: &str, metadata: &str) -> Manifest {
    let lines: Vec<String> = metadata.lines().map(|line| format!("  {line}\n")).collect();
    let lines = lines.concat();
    read_text(&format!(
        "kind: {kind}\nmetadata:\n  name: web\n{lines}spec:\n  template:\n    spec:\n      containers: [{{name: app, image: 'app:1.0.0'}}, {{name: sidecar, image: 'sidecar:2.0.0'}}]\n      initContainers: [{{name: init, image: 'init:3.0.0'}}]\n      ephemeralContainers: [{{name: debug, image: 'debug:4.0.0'}}]\n      volumes: [{{name: data, image: {{reference: 'data:5.0.0'}}}}]\n"
    ))
}

fn under(key: &str, words: &str) -> String {
    let lines: Vec<String> = words.lines().map(|line| format!("  {line}\n")).collect();
    let lines = lines.concat();
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
    let meant: Vec<String> = meant.into_iter().map(|(names, policy)| format!(", {names}: {policy}")).collect();
    automation + &meant.concat()
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

#[test]
fn one_policy_is_for_all_containers() {
    check("keel.sh/policy: all", "on, app+sidecar: semver:>=0.0.0-0 within=any exclude=regex:[^.]*", &[]);
    check(
        "keel.sh/policy: major",
        "on, app+sidecar: semver:>=0.0.0-0 within=any prerelease=same exclude=regex:[^.]*",
        &[],
    );
    check("keel.sh/policy: minor", "on, app+sidecar: minor", &[]);
    check(
        "keel.sh/policy: patch",
        "on, app+sidecar: semver:>=0.0.0-0 within=minor prerelease=same exclude=regex:[^.]*",
        &[],
    );
    check("keel.sh/policy: force", "on, app+sidecar: semver:>=0.0.0-0", &[]);
    check("keel.sh/policy: glob:build-*", "on, app+sidecar: glob:build-* order=alphabetical", &[]);
    check(
        "keel.sh/policy: regexp:^build-(?P<compare>\\d+)$",
        "on, app+sidecar: regex:^build-(?P<compare>\\d+)$ order=natural extract=${compare}",
        &[],
    );
    check("keel.observer/policy: minor", "on, app+sidecar: minor", &[]);
    minor(
        "keel.sh/matchPreRelease: 'false'",
        "on, app+sidecar: semver:>=0.0.0-0 within=major exclude=regex:[^.]*",
        &[],
    );
    check("other: x", "off", &[]);
    check("keel.sh/digest: x\nkeel.sh/update-time: x\nkubernetes.io/change-cause: x", "off", &[]);
}

#[test]
fn never_is_a_refusal() {
    check("keel.sh/policy: never", "ignored", &[]);
    check(
        "keel.sh/policy: ''",
        "ignored",
        &["a.yaml:5:21: hint: `keel.sh/policy` is empty, so Keel changes nothing; write `never`, or a policy"],
    );
    check(
        "keel.sh/policy: never\nlandwaiter/automated: 'true'",
        "held at 5:5, app+sidecar+init+debug: own family",
        &[
            "a.yaml:5:5: error: Landwaiter (line 6) and Keel (line 5) disagree about whether this is automated; keep one of the two, or leave one dialect out of --dialects",
        ],
    );
}

#[test]
fn a_policy_that_is_none_holds() {
    check(
        "keel.sh/policy: Minor",
        "held at 5:21, app+sidecar: invalid",
        &["a.yaml:5:21: error: `keel.sh/policy`: `Minor` is no policy; did you mean `minor`?"],
    );
    check(
        "keel.sh/policy: 'minor '",
        "held at 5:21, app+sidecar: invalid",
        &["a.yaml:5:21: error: `keel.sh/policy`: `minor ` is no policy; did you mean `minor`?"],
    );
    check(
        "keel.sh/policy: semver:~1.2",
        "held at 5:21, app+sidecar: invalid",
        &[
            "a.yaml:5:21: error: `keel.sh/policy`: `semver:~1.2` is no policy; for a constraint write `landwaiter/tag-semver: \"~1.2\"` instead",
        ],
    );
    check(
        "keel.sh/policy: 'regex:^a'",
        "held at 5:21, app+sidecar: invalid",
        &["a.yaml:5:21: error: `keel.sh/policy`: `regex:^a` is no policy; did you mean `regexp:^a`?"],
    );
    check(
        "keel.sh/policy: 'GLOB: a-*'",
        "held at 5:21, app+sidecar: invalid",
        &["a.yaml:5:21: error: `keel.sh/policy`: `GLOB: a-*` is no policy; did you mean `glob:a-*`?"],
    );
    check(
        "keel.sh/policy: 'glob:a:b'",
        "held at 5:21, app+sidecar: invalid",
        &[
            "a.yaml:5:21: error: `keel.sh/policy`: `glob:a:b` holds a second `:`, which no tag can hold; write `*` for it, or a `regexp:`",
        ],
    );
    check(
        "keel.sh/policy: 'glob:a-?'",
        "held at 5:21, app+sidecar: invalid",
        &[
            "a.yaml:5:21: error: `keel.sh/policy`: `glob:a-?` holds `?`, which means itself there, and no tag can hold it; write `*`, or a `regexp:`",
        ],
    );
    check(
        "keel.sh/policy: 'regexp:(a'",
        "held at 5:21, app+sidecar: invalid",
        &[
            "a.yaml:5:21: error: `keel.sh/policy`: `regex:(a` is no regular expression: unclosed group; put `\\` before a sign that is meant, and close what is open",
        ],
    );
    check(
        "keel.sh/policy: newest:^a",
        "held at 5:21, app+sidecar: invalid",
        &[
            "a.yaml:5:21: error: `keel.sh/policy`: `newest:^a` is no policy; for the newest of them write `landwaiter/tag-regex` instead",
        ],
    );
    check(
        "keel.sh/policy: sometimes",
        "held at 5:21, app+sidecar: invalid",
        &[
            "a.yaml:5:21: error: `keel.sh/policy`: `sometimes` is no policy; write `all`, `major`, `minor`, `patch`, `force`, `glob:` or `regexp:`",
        ],
    );
    check(
        "keel.sh/policy: [a, b]",
        "held at 5:21, app+sidecar: invalid",
        &["a.yaml:5:21: error: the value of `keel.sh/policy` is not a string; write one value"],
    );
    check(
        "keel.sh/policy: ~",
        "held at 5:21, app+sidecar: invalid",
        &["a.yaml:5:21: error: `keel.sh/policy` has no value; write a quoted value, or remove the key"],
    );
    check(
        "keel.sh/policy: true",
        "held at 5:21, app+sidecar: invalid",
        &[
            "a.yaml:5:21: error: `keel.sh/policy`: `true` is no policy; write `all`, `major`, `minor`, `patch`, `force`, `glob:` or `regexp:`",
            "a.yaml:5:21: warning: the value of `keel.sh/policy` is not quoted, and Kubernetes takes no other than strings; write \"true\"",
        ],
    );
}

#[test]
fn to_follow_the_digest_of_a_tag_is_not_done_yet() {
    force(
        "keel.sh/matchTag: 'true'",
        "held at 6:23, app+sidecar: invalid",
        &[
            "a.yaml:6:23: error: `keel.sh/matchTag`: `force` follows the digest of the current tag, which is not supported yet; write a policy for versions, or leave the workload to the tool that does it",
        ],
    );
    force(
        "keel.sh/match-tag: 'true'",
        "held at 6:24, app+sidecar: invalid",
        &[
            "a.yaml:6:24: error: `keel.sh/match-tag`: `force` follows the digest of the current tag, which is not supported yet; write a policy for versions, or leave the workload to the tool that does it",
        ],
    );
    force(
        "keel.sh/match-tag: 'true'\nkeel.sh/matchTag: 'false'",
        "on, app+sidecar: semver:>=0.0.0-0",
        &[
            "a.yaml:6:5: warning: `keel.sh/match-tag` says `true`, and `keel.sh/matchTag` in line 7 says `false`, which counts in Keel; remove the one in line 6",
        ],
    );
    force(
        "keel.sh/matchTag: 'True'",
        "held at 6:23, app+sidecar: invalid",
        &["a.yaml:6:23: error: `keel.sh/matchTag` says `True`, and Keel takes that for false; write \"true\""],
    );
    force(
        "keel.sh/matchTag: true",
        "held at 6:23, app+sidecar: invalid",
        &[
            "a.yaml:6:23: error: `keel.sh/matchTag`: `force` follows the digest of the current tag, which is not supported yet; write a policy for versions, or leave the workload to the tool that does it",
            "a.yaml:6:23: warning: the value of `keel.sh/matchTag` is not quoted, and Kubernetes takes no other than strings; write \"true\"",
        ],
    );
    force(
        "keel.sh/matchTag: no",
        "held at 6:23, app+sidecar: invalid",
        &[
            "a.yaml:6:23: error: `keel.sh/matchTag` says `no`, and Keel takes that for false; write \"true\" or \"false\"",
        ],
    );
}

#[test]
fn approvals_hold() {
    minor("keel.sh/approvals: '0'", "on, app+sidecar: minor", &[]);
    minor(
        "keel.sh/approvals: '1'",
        "held at 6:24, app+sidecar: minor",
        &[
            "a.yaml:6:24: error: `keel.sh/approvals` asks for an approval, which is not supported yet; remove it to let the images follow their tags without approval",
        ],
    );
    minor(
        "keel.sh/approvals: 2",
        "held at 6:24, app+sidecar: minor",
        &[
            "a.yaml:6:24: error: `keel.sh/approvals` asks for 2 approvals, which is not supported yet; remove it to let the images follow their tags without approval",
            "a.yaml:6:24: warning: the value of `keel.sh/approvals` is not quoted, and Kubernetes takes no other than strings; write \"2\"",
        ],
    );
    minor(
        "keel.sh/approvals: '-1'",
        "held at 6:24, app+sidecar: minor",
        &["a.yaml:6:24: error: `keel.sh/approvals` is no number of approvals: `-1`; write a number, or remove it"],
    );
    minor(
        "keel.sh/approvals: ''",
        "held at 6:24, app+sidecar: minor",
        &["a.yaml:6:24: error: `keel.sh/approvals` is no number of approvals: ``; write a number, or remove it"],
    );
}

#[test]
fn two_dialects_agree_or_hold() {
    minor(
        "fluxcd.io/automated: 'false'",
        "held at 5:5, app+sidecar: invalid, init+debug: own family",
        &[
            "a.yaml:5:5: error: Flux v1 (line 6) and Keel (line 5) disagree about `app`: one says own family, the other semver:>=0.0.0-0 within=major prerelease=same exclude=regex:[^.]*; keep one of the two, or leave one dialect out of --dialects",
            "a.yaml:5:5: error: Flux v1 (line 6) and Keel (line 5) disagree about `sidecar`: one says own family, the other semver:>=0.0.0-0 within=major prerelease=same exclude=regex:[^.]*; keep one of the two, or leave one dialect out of --dialects",
            "a.yaml:5:5: error: Flux v1 (line 6) and Keel (line 5) disagree about whether this is automated; keep one of the two, or leave one dialect out of --dialects",
        ],
    );
    minor(
        "fluxcd.io/automated: 'true'\nfluxcd.io/tag.app: semver:~1",
        "on, app+sidecar: invalid, init+debug: own family",
        &[
            "a.yaml:5:5: error: Flux v1 (line 6) and Keel (line 5) disagree about `app`: one says semver:~1, the other semver:>=0.0.0-0 within=major prerelease=same exclude=regex:[^.]*; keep one of the two, or leave one dialect out of --dialects",
            "a.yaml:5:5: error: Flux v1 (line 6) and Keel (line 5) disagree about `sidecar`: one says own family, the other semver:>=0.0.0-0 within=major prerelease=same exclude=regex:[^.]*; keep one of the two, or leave one dialect out of --dialects",
        ],
    );
    minor("fluxcd.io/locked: 'true'", "locked, app+sidecar: minor", &[]);
    minor(
        "landwaiter/automated: 'true'",
        "on, app+sidecar: invalid, init+debug: own family",
        &[
            "a.yaml:5:5: error: Landwaiter (line 6) and Keel (line 5) disagree about `app`: one says own family, the other semver:>=0.0.0-0 within=major prerelease=same exclude=regex:[^.]*; keep one of the two, or leave one dialect out of --dialects",
            "a.yaml:5:5: error: Landwaiter (line 6) and Keel (line 5) disagree about `sidecar`: one says own family, the other semver:>=0.0.0-0 within=major prerelease=same exclude=regex:[^.]*; keep one of the two, or leave one dialect out of --dialects",
        ],
    );
    minor("landwaiter/tag.init: 'glob:*-a'", "on, app+sidecar: minor, init: glob:*-a", &[]);
    minor("landwaiter/ignore: 'true'", "ignored, app+sidecar: minor", &[]);
}

#[test]
fn what_keel_was_told_is_kept() {
    let words = "keel.sh/policy: minor\nkeel.sh/matchPreRelease: 'false'\nkeel.sh/trigger: poll\nkeel.sh/pollSchedule: '@every 5m'\nkeel.sh/imagePullSecret: pull";
    let manifest = object("Deployment", &under("annotations", words));
    let workload = &manifest.workloads[0];
    let peers = workload.containers.iter().map(|container| container.peer.as_ref().map(ToString::to_string));
    let told = || Some("minor matchPreRelease=false".to_owned());
    assert_eq!(peers.collect::<Vec<_>>(), [told(), told(), None, None, None]);
    let left = workload.leftovers.iter().map(|left| format!("{}: {}={}", left.place, left.key, left.value));
    assert_eq!(
        left.collect::<Vec<_>>(),
        [
            "a.yaml:7:5: keel.sh/trigger=poll",
            "a.yaml:8:5: keel.sh/pollSchedule=@every 5m",
            "a.yaml:9:5: keel.sh/imagePullSecret=pull"
        ]
    );
}

//! Annotations, as a Deployment with the containers `app` and `sidecar` carries them.

mod slips;

use crate::manifest::{Automation, ContainerPolicy, Manifest, Terms, Workload, read};
use crate::path::RepoPath;
use crate::policy::{Preset, PresetSource, Presets};

fn terms() -> Terms {
    let mut presets = Presets::default();
    for (name, pattern, exclude) in [("stable", "semver:*", None), ("calm", "semver:>=1", Some("*-rc*"))] {
        let source = PresetSource {
            name: name.into(),
            purpose: "a test".into(),
            pattern: Some(pattern.into()),
            exclude: exclude.map(str::to_owned),
            ..PresetSource::default()
        };
        presets.insert(Preset::new(&source).unwrap());
    }
    Terms { presets, ..Terms::default() }
}

/// A Deployment whose annotations begin in line 5, one line each.
fn deployment(annotations: &str, containers: &str) -> Manifest {
    let lines: Vec<String> = annotations.lines().map(|line| format!("    {}\n", line.trim_start())).collect();
    let lines = lines.concat();
    let text = format!(
        "kind: Deployment\nmetadata:\n  name: web\n  annotations:\n{lines}spec:\n  template:\n    spec:\n      containers: {containers}\n"
    );
    read(&RepoPath::parse("a.yaml").unwrap(), text.as_bytes(), &terms())
}

fn two(annotations: &str) -> Manifest {
    deployment(annotations, "[{name: app, image: 'app:1.0.0'}, {name: sidecar, image: 'sidecar:2.0.0'}]")
}

fn policies(workload: &Workload) -> String {
    let shown = workload.containers.iter().map(|container| match &container.policy {
        ContainerPolicy::Unstated => format!("{}: -", container.name),
        ContainerPolicy::Stated(policy) => format!("{}: {policy}", container.name),
        ContainerPolicy::Invalid { .. } | ContainerPolicy::Elsewhere { .. } => format!("{}: invalid", container.name),
    });
    shown.collect::<Vec<_>>().join(", ")
}

fn automation(workload: &Workload) -> String {
    match &workload.automation {
        Automation::Off => "off".into(),
        Automation::On => "on".into(),
        Automation::Ignored => "ignored".into(),
        Automation::Locked(lock) => {
            let part = |part: &Option<String>| part.clone().unwrap_or_default();
            let until = lock.until.map(|until| until.to_string()).unwrap_or_default();
            format!("locked by {} since {} until {until}", part(&lock.by), part(&lock.reason))
        }
        Automation::Held { place, .. } => format!("held at {}:{}", place.line, place.column),
    }
}

fn problems(manifest: &Manifest) -> Vec<String> {
    manifest.problems.iter().map(ToString::to_string).collect()
}

#[track_caller]
fn check(annotations: &str, expected_automation: &str, expected_policies: &str) {
    let manifest = two(annotations);
    let workload = &manifest.workloads[0];
    assert_eq!(automation(workload), expected_automation, "{annotations}\n{:#?}", problems(&manifest));
    assert_eq!(policies(workload), expected_policies, "{annotations}\n{:#?}", problems(&manifest));
}

/// As `check`, for annotations that nothing is wrong with.
#[track_caller]
fn fine(annotations: &str, automation: &str, policies: &str) {
    check(annotations, automation, policies);
    assert_eq!(problems(&two(annotations)), [""; 0], "{annotations}");
}

/// The problems, each with the places and words that matter.
#[track_caller]
fn problem(annotations: &str, expected: &[&str]) {
    assert_eq!(problems(&two(annotations)), expected, "{annotations}");
}

const ON: &str = "landwaiter/automated: 'true'";

#[test]
fn nothing_happens_without_automated() {
    fine("other: x", "off", "app: -, sidecar: -");
    fine("landwaiter/tag.app: semver:~1", "off", "app: semver:~1, sidecar: -");
    fine("landwaiter/automated: 'false'", "off", "app: own family, sidecar: own family");
    fine(ON, "on", "app: own family, sidecar: own family");
}

#[test]
fn patterns_for_all_and_for_one() {
    fine(&format!("{ON}\nlandwaiter/tag-glob: main-*"), "on", "app: glob:main-*, sidecar: glob:main-*");
    fine(&format!("{ON}\nlandwaiter/tag-semver: ~1"), "on", "app: semver:~1, sidecar: semver:~1");
    fine(&format!("{ON}\nlandwaiter/tag-semver: semver:~1"), "on", "app: semver:~1, sidecar: semver:~1");
    fine(&format!("{ON}\nlandwaiter/tag-regex: '^v(\\d+)$'"), "on", "app: regex:^v(\\d+)$, sidecar: regex:^v(\\d+)$");
    fine(
        &format!("{ON}\nlandwaiter/tag-glob: main-*\nlandwaiter/tag.app: 'semver:>=1 <2'"),
        "on",
        "app: semver:>=1 <2, sidecar: glob:main-*",
    );
    fine("fluxcd.io/automated: 'true'\nfilter.fluxcd.io/app: regexp:^x", "on", "app: regex:^x, sidecar: own family");
    fine(
        "flux.weave.works/automated: 'true'\nflux.weave.works/tag-glob: a-*",
        "on",
        "app: glob:a-*, sidecar: glob:a-*",
    );
}

#[test]
fn named_policies() {
    fine(&format!("{ON}\nlandwaiter/policy: stable"), "on", "app: stable (semver:*), sidecar: stable (semver:*)");
    fine(
        &format!("{ON}\nlandwaiter/policy.app: stable\nlandwaiter/tag-glob: x-*"),
        "on",
        "app: stable (semver:*), sidecar: glob:x-*",
    );
    fine(
        &format!("{ON}\nlandwaiter/policy: calm\nlandwaiter/exclude.app: '*-beta'"),
        "on",
        "app: calm (semver:>=1 exclude=*-rc*,*-beta), sidecar: calm (semver:>=1 exclude=*-rc*)",
    );
    check(&format!("{ON}\nlandwaiter/policy: stabel"), "on", "app: invalid, sidecar: invalid");
    problem(
        "landwaiter/policy.app: stabel",
        &["a.yaml:5:28: error: there is no policy `stabel`; did you mean `stable`? There are: calm, stable"],
    );
    check(
        &format!("{ON}\nlandwaiter/policy.app: stable\nlandwaiter/tag.app: x"),
        "on",
        "app: invalid, sidecar: own family",
    );
    problem(
        "landwaiter/policy: stable\nlandwaiter/tag-glob: x",
        &[
            "a.yaml:5:5: error: `landwaiter/policy` and `landwaiter/tag-glob` (line 6) both say which tags are meant; remove one of them",
        ],
    );
}

#[test]
fn order_extract_and_exclude_go_with_their_pattern() {
    let wide = "landwaiter/tag-regex: '^b-(\\d+)$'\nlandwaiter/extract: $1\nlandwaiter/order: numeric";
    let regex = "regex:^b-(\\d+)$ order=numeric extract=$1";
    fine(wide, "off", &format!("app: {regex}, sidecar: {regex}"));
    fine(&format!("{wide}\nlandwaiter/tag.app: semver:~1"), "off", &format!("app: semver:~1, sidecar: {regex}"));
    fine(
        "landwaiter/order: alphabetical desc\nlandwaiter/tag.app: glob:x-*",
        "off",
        "app: glob:x-* order=alphabetical desc, sidecar: own family order=alphabetical desc",
    );
    fine(
        "landwaiter/exclude: '*-rc*,*-beta'\nlandwaiter/exclude.app: 1.3.*\nlandwaiter/tag.app: semver:*",
        "off",
        "app: semver:* exclude=1.3.*,*-rc*,*-beta, sidecar: own family exclude=*-rc*,*-beta",
    );
    fine(
        "landwaiter/tag-semver: '*'\nlandwaiter/allow-downgrade: 'true'",
        "off",
        "app: semver:* allow-downgrade=true, sidecar: semver:* allow-downgrade=true",
    );
    check("landwaiter/tag-glob: x\nlandwaiter/extract: $1", "off", "app: invalid, sidecar: invalid");
    check("landwaiter/tag-glob: x\nlandwaiter/order.app: upwards", "off", "app: invalid, sidecar: glob:x");
    check("landwaiter/tag-regex: '(x'", "off", "app: invalid, sidecar: invalid");
}

#[test]
fn what_narrows_versions() {
    fine(
        "landwaiter/tag-regex: v.*\nlandwaiter/order: semver\nlandwaiter/constraint: ~1.2\nlandwaiter/versions.app: full",
        "off",
        "app: regex:v.* order=semver constraint=semver:~1.2 versions=full, sidecar: regex:v.* order=semver constraint=semver:~1.2",
    );
    // What narrows holds whatever the pattern is; what says how tags are read goes with its pattern.
    fine(
        "landwaiter/tag-semver: '*'\nlandwaiter/versions: loose\nlandwaiter/within: minor\nlandwaiter/prerelease: same\nlandwaiter/tag.app: semver:>=2\nlandwaiter/within.app: any",
        "off",
        "app: semver:>=2 within=any prerelease=same, sidecar: semver:* within=minor prerelease=same versions=loose",
    );
    fine(
        "landwaiter/exclude: 'regex:.*-rc.*, *-beta'",
        "off",
        "app: own family exclude=regex:.*-rc.*,*-beta, sidecar: own family exclude=regex:.*-rc.*,*-beta",
    );
    check("landwaiter/tag-glob: x\nlandwaiter/within: minor", "off", "app: invalid, sidecar: invalid");
    for (wrong, told) in [
        ("landwaiter/within.app: patch", "a.yaml:5:28: error: within `patch` has no meaning; use `major`"),
        (
            "landwaiter/min-age.app: 7",
            "a.yaml:5:29: error: min-age `7` is no length of time: it has no unit; write one such as `24h`, `7d` or `2w`",
        ),
        ("landwaiter/prerelease.app: any", "a.yaml:5:32: error: prerelease `any` has no meaning; use `same`"),
        ("landwaiter/versions.app: strict", "a.yaml:5:30: error: versions `strict` has no meaning; use `careful`"),
        ("landwaiter/constraint.app: ~1.", "a.yaml:5:32: error: `semver:~1.` is no version constraint"),
        (
            "landwaiter/constraint.app: ~1",
            "a.yaml:5:32: error: the constraint semver:~1 compares versions, and the order is newest",
        ),
    ] {
        check(wrong, "off", "app: invalid, sidecar: -");
        let problems = problems(&two(wrong));
        assert!(problems[0].starts_with(told), "{problems:?}");
    }
}

#[test]
fn what_is_wrong_is_said_once_and_with_its_place() {
    problem(
        "landwaiter/tag-glob: x\nlandwaiter/extract: $1",
        &[
            "a.yaml:6:25: error: extract `$1` needs a regular expression, and the pattern is `glob:x`; write `regex:` or remove extract",
        ],
    );
    assert!(problems(&two("fluxcd.io/tag.app: semver:~1."))[0].starts_with("a.yaml:5:24: error: `semver:~1.`"));
}

#[test]
fn the_nearer_prefix_wins_and_says_so() {
    check(
        "flux.weave.works/tag.app: a-*\nfluxcd.io/tag.app: b-*\nlandwaiter/tag.app: c-*",
        "off",
        "app: glob:c-*, sidecar: -",
    );
    problem(
        "flux.weave.works/tag.app: a-*\nlandwaiter/tag.app: c-*",
        &[
            "a.yaml:5:5: warning: `flux.weave.works/tag.app` says `a-*`, and `landwaiter/tag.app` in line 6 says `c-*`, which counts; remove `flux.weave.works/tag.app`",
        ],
    );
    fine("flux.weave.works/tag.app: a-*\nfluxcd.io/tag.app: a-*", "off", "app: glob:a-*, sidecar: -");
    check("filter.fluxcd.io/app: a-*\nfluxcd.io/tag.app: b-*", "off", "app: glob:b-*, sidecar: -");
    check("fluxcd.io/automated: 'true'\nlandwaiter/automated: 'false'", "off", "app: own family, sidecar: own family");
    check("landwaiter/tag-glob: x\nfluxcd.io/tag-semver: '*'", "off", "app: invalid, sidecar: invalid");
}

#[test]
fn automated_is_true_or_false_and_nothing_else() {
    for value in ["yes", "'yes'", "'True'", "on", "1", "'1'", "enabled"] {
        check(&format!("landwaiter/automated: {value}"), "held at 5:27", "app: own family, sidecar: own family");
        check(&format!("fluxcd.io/automated: {value}"), "held at 5:26", "app: own family, sidecar: own family");
    }
    check("landwaiter/automated: true", "on", "app: own family, sidecar: own family");
    problem(
        "landwaiter/automated: true",
        &[
            "a.yaml:5:27: warning: the value of `landwaiter/automated` is not quoted, and Kubernetes takes no other than strings; write \"true\"",
        ],
    );
    problem(
        "landwaiter/automated: 'yes'",
        &["a.yaml:5:27: error: `landwaiter/automated` is neither true nor false: `yes`; write \"true\""],
    );
    problem(
        "landwaiter/automated: yes",
        &["a.yaml:5:27: error: `landwaiter/automated` is neither true nor false: `yes`; write \"true\""],
    );
    problem(
        "landwaiter/automated: \"ye\\ns\"",
        &[
            "a.yaml:5:27: error: `landwaiter/automated` is neither true nor false: `ye\\ns`; write \"true\" or \"false\"",
        ],
    );
    check("landwaiter/automated: false", "off", "app: own family, sidecar: own family");
    check("landwaiter/automated:", "held at 5:5", "app: own family, sidecar: own family");
    check("landwaiter/automated: [true]", "held at 5:27", "app: own family, sidecar: own family");
}

#[test]
fn values_that_are_no_strings_count_as_they_are_written() {
    check("landwaiter/tag.app: 1.10", "off", "app: glob:1.10, sidecar: -");
    problem(
        "landwaiter/tag.app: 1.10",
        &[
            "a.yaml:5:25: warning: the value of `landwaiter/tag.app` is not quoted, and Kubernetes takes no other than strings; write \"1.10\"",
        ],
    );
    // Flux makes a number of it, and a text of the number.
    for (value, read) in [("1.10", "`1.1`"), ("0755", "`493`"), ("1e3", "something else than this text")] {
        check(&format!("fluxcd.io/tag.app: {value}"), "off", "app: invalid, sidecar: -");
        problem(
            &format!("flux.weave.works/tag.app: {value}"),
            &[&format!(
                "a.yaml:5:31: error: the value of `flux.weave.works/tag.app` is not quoted, and Flux reads `{value}` as {read}; write \"{value}\""
            )],
        );
    }
    check("fluxcd.io/tag.app: yes", "off", "app: invalid, sidecar: -");
    check("filter.fluxcd.io/app: 1.5", "off", "app: glob:1.5, sidecar: -");
    problem(
        "filter.fluxcd.io/app: 15",
        &[
            "a.yaml:5:27: warning: the value of `filter.fluxcd.io/app` is not quoted, and Kubernetes takes no other than strings; write \"15\"",
        ],
    );
    check("landwaiter/tag.app: {a: b}", "off", "app: invalid, sidecar: -");
    check("landwaiter/tag-glob: ~", "off", "app: invalid, sidecar: invalid");
    problem(
        "landwaiter/tag-glob: ~",
        &["a.yaml:5:26: error: `landwaiter/tag-glob` has no value; write a quoted value, or remove the key"],
    );
}

#[test]
fn a_typo_does_not_widen_a_policy() {
    check(&format!("{ON}\nlandwaiter/tag-gob: main-*"), "held at 6:5", "app: own family, sidecar: own family");
    problem(
        "landwaiter/tag-gob: main-*",
        &[
            "a.yaml:5:5: error: `landwaiter/tag-gob` is no key that Landwaiter knows; did you mean `landwaiter/tag-glob`?",
        ],
    );
    check("fluxcd.io/automated: 'true'\nfluxcd.io/tag-gob: x", "on", "app: own family, sidecar: own family");
    problem(
        "fluxcd.io/tag-gob: x\nfluxcd.io/whatever: x",
        &[
            "a.yaml:5:5: error: `fluxcd.io/tag-gob` is no key that Landwaiter knows; did you mean `fluxcd.io/tag-glob`?",
            "a.yaml:6:5: warning: `fluxcd.io/whatever` is no key that Landwaiter knows; remove it",
        ],
    );
    problem(
        "fluxcd.io/tag_all: x",
        &[
            "a.yaml:5:5: error: `fluxcd.io/tag_all` is no key that Landwaiter knows; did you mean `fluxcd.io/tag.<container>`?",
        ],
    );
    fine("fluxcd.io/sync-checksum: x\nkustomize.toolkit.fluxcd.io/ssa: x", "off", "app: -, sidecar: -");
}

#[test]
fn a_tag_has_to_be_there_for_long_enough() {
    let wide = format!("{ON}\nlandwaiter/tag-semver: '*'\nlandwaiter/min-age: 24h");
    fine(&wide, "on", "app: semver:* min-age=1d, sidecar: semver:* min-age=1d");
    let own = "landwaiter/tag.app: 'semver:1'\nlandwaiter/min-age.app: 3 days";
    fine(&format!("{wide}\n{own}"), "on", "app: semver:1 min-age=3d, sidecar: semver:* min-age=1d");
    fine(&format!("{wide}\nlandwaiter/min-age.app: 0h"), "on", "app: semver:*, sidecar: semver:* min-age=1d");
    fine(&format!("{ON}\nfluxcd.io/min-age: 2w"), "on", "app: own family min-age=14d, sidecar: own family min-age=14d");
    let named = format!("{ON}\nlandwaiter/policy: calm\nlandwaiter/min-age: 7d");
    let policy = "calm (semver:>=1 min-age=7d exclude=*-rc*)";
    fine(&named, "on", &format!("app: {policy}, sidecar: {policy}"));
}

#[test]
fn what_is_not_done_yet_holds() {
    for key in ["platforms", "window", "digest", "platforms.app"] {
        check(&format!("{ON}\nlandwaiter/{key}: x"), "held at 6:5", "app: own family, sidecar: own family");
    }
    fine(&format!("{ON}\nlandwaiter/digest: none"), "on", "app: own family, sidecar: own family");
}

#[test]
fn locks() {
    fine("landwaiter/locked: 'true'", "locked by  since  until ", "app: -, sidecar: -");
    fine(
        "fluxcd.io/locked: 'true'\nfluxcd.io/locked_user: Kim <k@x>\nfluxcd.io/locked_msg: audit",
        "locked by Kim <k@x> since audit until ",
        "app: -, sidecar: -",
    );
    let locked = "landwaiter/locked: 'true'\nlandwaiter/locked-until:";
    let none = "app: -, sidecar: -";
    fine(&format!("{locked} '2026-01-31'"), "locked by  since  until 2026-02-01T00:00:00Z", none);
    fine(&format!("{locked} 2026-01-31"), "locked by  since  until 2026-02-01T00:00:00Z", none);
    fine(&format!("{locked} '2026-01-31T18:00:00+01:00'"), "locked by  since  until 2026-01-31T17:00:00Z", none);
    check(&format!("{locked} soon"), "locked by  since  until ", none);
    check("landwaiter/locked-until: '2026-01-31'", "locked by  since  until 2026-02-01T00:00:00Z", none);
    fine("landwaiter/locked: 'false'\nlandwaiter/locked-until: '2026-01-31'", "off", none);
    fine("landwaiter/locked-reason: x", "off", none);
    check("landwaiter/locked: 'yes'", "held at 5:24", none);
}

#[test]
fn a_lock_that_ran_out_is_none() {
    let manifest =
        two("landwaiter/automated: 'true'\nlandwaiter/locked: 'true'\nlandwaiter/locked-until: '2026-01-31'");
    let workload = &manifest.workloads[0];
    let at = |time: &str| workload.automation_at(time.parse().unwrap()).clone();
    assert!(matches!(at("2026-01-31T23:59:59Z"), Automation::Locked(_)));
    assert_eq!(at("2026-02-01T00:00:00Z"), Automation::On);
}

#[test]
fn ignore_is_stronger_than_anything() {
    fine(&format!("{ON}\nfluxcd.io/ignore: 'true'"), "ignored", "app: own family, sidecar: own family");
    check(&format!("{ON}\nfluxcd.io/ignore: true\nlandwaiter/x: y"), "ignored", "app: own family, sidecar: own family");
    fine(&format!("{ON}\nfluxcd.io/ignore: sync_only"), "on", "app: own family, sidecar: own family");
    check(&format!("{ON}\nfluxcd.io/ignore: 'yes'"), "held at 6:23", "app: own family, sidecar: own family");
}

#[test]
fn containers_that_are_not_there() {
    problem(
        "fluxcd.io/tag.ap: x-*\nfluxcd.io/tag.web: x-*",
        &[
            "a.yaml:5:5: warning: `fluxcd.io/tag.ap` speaks about `ap`, and there is no image of that name; did you mean `app`? There are: app, sidecar",
            "a.yaml:6:5: warning: `fluxcd.io/tag.web` speaks about `web`, and there is no image of that name; there are: app, sidecar",
        ],
    );
    check(&format!("{ON}\nfluxcd.io/tag.ap: x-*"), "on", "app: own family, sidecar: own family");
    for key in ["tag.ap", "policy.ap", "exclude.ap"] {
        check(&format!("{ON}\nlandwaiter/{key}: stable"), "held at 6:5", "app: own family, sidecar: own family");
    }
    problem(
        "landwaiter/exclude.ap: 2.*",
        &[
            "a.yaml:5:5: error: `landwaiter/exclude.ap` speaks about `ap`, and there is no image of that name; did you mean `app`? There are: app, sidecar",
        ],
    );
    problem(
        "filter.fluxcd.io/tag.app: x-*",
        &[
            "a.yaml:5:5: warning: `filter.fluxcd.io/tag.app` speaks about `tag.app`, and there is no image of that name; did you mean `app`? There are: app, sidecar",
        ],
    );
    let patch = deployment("fluxcd.io/tag.init: x-*", "[{name: app, image: 'a:1', $patch: merge}]");
    assert_eq!(
        problems(&patch),
        [
            "a.yaml:5:5: hint: `fluxcd.io/tag.init` speaks about `init`, and this patch shows no image of that name; there are: app",
        ]
    );
}

#[test]
fn chart_image_is_the_only_container() {
    let annotations = "flux.weave.works/automated: 'true'\nflux.weave.works/tag.chart-image: glob:1.2.*";
    let one = deployment(annotations, "[{name: nginx, image: 'nginx:1.2.0'}]");
    assert_eq!(policies(&one.workloads[0]), "nginx: glob:1.2.*");
    assert_eq!(
        problems(&one),
        [
            "a.yaml:6:5: hint: `flux.weave.works/tag.chart-image` is the name for the image of a HelmRelease; it is taken for `nginx`, the only container; write `flux.weave.works/tag.nginx`",
        ]
    );
    let both =
        deployment(&format!("{annotations}\nflux.weave.works/tag.nginx: 1.*"), "[{name: nginx, image: 'nginx:1'}]");
    assert_eq!(policies(&both.workloads[0]), "nginx: glob:1.*");
    assert!(problems(&both)[0].contains("there is no image of that name"), "{:?}", problems(&both));
    let named = deployment(annotations, "[{name: chart-image, image: 'nginx:1.2.0'}]");
    assert_eq!(policies(&named.workloads[0]), "chart-image: glob:1.2.*");
    assert_eq!(problems(&named), [""; 0]);
    check(annotations, "on", "app: own family, sidecar: own family");
}

#[test]
fn names_that_are_no_names() {
    let twins =
        deployment(ON, "[{name: a, image: 'a:1'}, {name: a, image: 'b:1'}, {name: c, image: 'c:1'}, {image: 'd:1'}]");
    assert_eq!(policies(&twins.workloads[0]), "a: invalid, a: invalid, c: own family, containers[3]: invalid");
    assert_eq!(twins.problems.len(), 3, "{:?}", problems(&twins));
    let quiet = deployment("x: y", "[{image: 'a:1'}, {image: 'b:1'}]");
    assert_eq!(problems(&quiet), [""; 0]);
    assert_eq!(policies(&quiet.workloads[0]), "containers[0]: -, containers[1]: -");
}

#[test]
fn patterns_that_work_and_are_hardly_meant() {
    assert!(
        problems(&two("landwaiter/tag-glob: '*'"))[0].starts_with("a.yaml:5:26: warning: `glob:*` takes the newest")
    );
    fine(
        "landwaiter/tag-glob: '*'\nlandwaiter/order: numeric",
        "off",
        "app: glob:* order=numeric, sidecar: glob:* order=numeric",
    );
    let dated = deployment("fluxcd.io/tag.app: 'semver:*'", "[{name: app, image: 'app:20240101'}]");
    assert!(problems(&dated)[0].contains("counts as the version 20240101.0.0"), "{:?}", problems(&dated));
}

//! Who is meant, and what stands where Keel does not read it, or under a name that it does not know.

use super::{check, expect, minor, object, problems, read_text, under};

/// Annotations from line 5 on, and labels behind them.
#[track_caller]
fn both(annotations: &str, labels: &str, expected: &str, told: &[&str]) {
    let metadata = under("annotations", annotations) + &under("labels", labels);
    expect(&object("Deployment", &metadata), expected, told);
}

#[test]
fn which_containers_are_meant() {
    minor("keel.sh/initContainers: 'true'", "on, app+sidecar+init: minor", &[]);
    minor("keel.sh/imageVolumes: 'true'", "on, app+sidecar+data: minor", &[]);
    minor("keel.sh/IMAGEVOLUMES: 'true'", "on, app+sidecar+data: minor", &[]);
    minor("keel.sh/monitorContainers: ^(app|init)$\nkeel.sh/initContainers: 'true'", "on, app+init: minor", &[]);
    minor("keel.sh/monitorcontainers: car", "on, sidecar: minor", &[]);
    minor("keel.sh/monitorContainers: ''", "on, app+sidecar: minor", &[]);
    minor(
        "keel.sh/monitorContainers: init",
        "on",
        &[
            "a.yaml:6:32: warning: `keel.sh/monitorContainers` is found in the name of no container here that is looked at, so nothing is followed; there are: app, data, debug, init, sidecar",
        ],
    );
    minor(
        "keel.sh/monitorContainers: (app",
        "held at 6:32, app+sidecar+init+debug+data: invalid",
        &[
            "a.yaml:6:32: error: `keel.sh/monitorContainers`: `(app` is no regular expression: unclosed group; Keel looks at every container then; put `\\` before a sign that is meant, and close what is open",
        ],
    );
    minor(
        "keel.sh/initContainers: '1'",
        "held at 6:29, app+sidecar+init+debug+data: invalid",
        &["a.yaml:6:29: error: `keel.sh/initContainers` says `1`, and Keel takes that for false; write \"true\""],
    );
    minor(
        "keel.sh/initcontainers: 'true'",
        "on, app+sidecar: minor",
        &[
            "a.yaml:6:5: error: `keel.sh/initcontainers` is no key that Keel knows; did you mean `keel.sh/initContainers`?",
        ],
    );
}

#[test]
fn labels_count_where_keel_reads_them() {
    both("a: b", "keel.sh/policy: minor\nkeel.sh/trigger: poll", "on, app+sidecar: minor", &[]);
    both(
        "keel.sh/policy: minor",
        "keel.sh/policy: patch",
        "on, app+sidecar: minor",
        &[
            "a.yaml:7:5: warning: `keel.sh/policy` as a label says `patch`, and the annotation `keel.sh/policy` in line 5 says `minor`, which counts in Keel; remove the one in line 7",
        ],
    );
    both("keel.sh/policy: minor", "keel.sh/policy: minor", "on, app+sidecar: minor", &[]);
    both(
        "keel.observer/policy: minor",
        "keel.sh/policy: patch",
        "on, app+sidecar: minor",
        &[
            "a.yaml:7:5: warning: `keel.sh/policy` as a label says `patch`, and the annotation `keel.observer/policy` in line 5 says `minor`, which counts in Keel; remove the one in line 7",
        ],
    );
    both(
        "keel.sh/policy: ''",
        "keel.sh/policy: patch",
        "ignored",
        &[
            "a.yaml:5:21: hint: `keel.sh/policy` is empty, so Keel changes nothing; write `never`, or a policy",
            "a.yaml:7:5: warning: `keel.sh/policy` as a label says `patch`, and the annotation `keel.sh/policy` in line 5 says ``, which counts in Keel; remove the one in line 7",
        ],
    );
    both(
        "keel.sh/policy: force",
        "keel.sh/matchTag: 'true'",
        "held at 7:5, app+sidecar: semver:>=0.0.0-0",
        &[
            "a.yaml:7:5: error: `keel.sh/matchTag` is a label, and the policy is an annotation, beside which Keel reads it alone; move it to `metadata.annotations`",
        ],
    );
    both(
        "keel.sh/matchPreRelease: 'false'",
        "keel.sh/policy: minor",
        "on, app+sidecar: minor",
        &[
            "a.yaml:5:5: warning: `keel.sh/matchPreRelease` is an annotation, and the policy is a label, beside which Keel reads it alone; move the policy to `metadata.annotations`",
        ],
    );
    both(
        "keel.sh/policy: minor\nkeel.sh/approvals: '0'",
        "keel.sh/approvals: '2'",
        "held at 8:24, app+sidecar: minor",
        &[
            "a.yaml:6:5: warning: `keel.sh/approvals` as an annotation says `0`, and the label `keel.sh/approvals` in line 8 says `2`, which counts in Keel; remove the one in line 6",
            "a.yaml:8:24: error: `keel.sh/approvals` asks for 2 approvals, which is not supported yet; remove it to let the images follow their tags without approval",
        ],
    );
    both(
        "keel.sh/policy: minor\nkeel.sh/monitorContainers: app",
        "keel.sh/monitorContainers: side",
        "on, app: minor",
        &[
            "a.yaml:8:5: warning: `keel.sh/monitorContainers` as a label says `side`, and the annotation `keel.sh/monitorContainers` in line 6 says `app`, which counts in Keel; remove the one in line 8",
        ],
    );
    both(
        "keel.sh/policy: minor\nkeel.sh/imageVolumes: 'true'",
        "keel.sh/imageVolumes: 'false'",
        "on, app+sidecar: minor",
        &[
            "a.yaml:6:5: warning: `keel.sh/imageVolumes` as an annotation says `true`, and the label `keel.sh/imageVolumes` in line 8 says `false`, which counts in Keel; remove the one in line 6",
        ],
    );
    both(
        "keel.sh/policy: minor",
        "keel.sh/initContainers: 'true'",
        "on, app+sidecar: minor",
        &[
            "a.yaml:7:5: warning: `keel.sh/initContainers` is a label, and Keel goes by annotations here; move it to `metadata.annotations`",
        ],
    );
    both(
        "keel.sh/policy: minor\nkeel.sh/initContainers: 'true'",
        "keel.sh/initContainers: 'false'",
        "on, app+sidecar: minor",
        &[
            "a.yaml:8:5: warning: `keel.sh/initContainers` is a label, and Keel goes by annotations here; move it to `metadata.annotations`",
        ],
    );
}

#[test]
fn mistyped_keys_never_widen() {
    minor(
        "keel.sh/aprovals: '2'",
        "held at 6:5, app+sidecar: minor",
        &["a.yaml:6:5: error: `keel.sh/aprovals` is no key that Keel knows; did you mean `keel.sh/approvals`?"],
    );
    minor(
        "keel.sh/matchtag: 'true'",
        "held at 6:5, app+sidecar: minor",
        &["a.yaml:6:5: error: `keel.sh/matchtag` is no key that Keel knows; did you mean `keel.sh/matchTag`?"],
    );
    minor(
        "keel.sh/pollschedule: '@every 5m'",
        "on, app+sidecar: minor",
        &["a.yaml:6:5: error: `keel.sh/pollschedule` is no key that Keel knows; did you mean `keel.sh/pollSchedule`?"],
    );
    minor(
        "keel.sh/whatever: x\nkeel.observer/else: x",
        "on, app+sidecar: minor",
        &[
            "a.yaml:6:5: warning: `keel.sh/whatever` is no key that Keel knows; remove it",
            "a.yaml:7:5: warning: `keel.observer/else` is no key that Keel knows; remove it",
        ],
    );
    minor(
        "keel.sh/monitorContainers: app\nkeel.sh/monitorcontainers: side",
        "held at 7:5, app: minor",
        &[
            "a.yaml:7:5: error: `keel.sh/monitorcontainers` says `side`, and `keel.sh/monitorContainers` in line 6 says `app`; Keel reads either, by chance; remove one of them",
        ],
    );
    check(
        "keel.sh/polcy: minor",
        "off",
        &["a.yaml:5:5: error: `keel.sh/polcy` is no key that Keel knows; did you mean `keel.sh/policy`?"],
    );
    check(
        "keel.sh/trigger: poll",
        "off",
        &[
            "a.yaml:5:5: warning: `keel.sh/trigger` stands here without `keel.sh/policy`, so Keel does nothing; write `keel.sh/policy`, or remove it",
        ],
    );
}

#[test]
fn what_keel_does_not_look_at() {
    expect(
        &object("Job", &under("annotations", "keel.sh/policy: minor")),
        "on, app+sidecar: minor",
        &[
            "a.yaml:5:5: hint: Keel does not look at a Job; Landwaiter follows `keel.sh/policy` all the same; for Keel, move it to the workload that runs the image",
        ],
    );
    expect(
        &read_text(
            "kind: Deployment\nspec:\n  template:\n    metadata:\n      annotations: {keel.sh/policy: minor, keel.sh/update-time: x}\n      labels: {keel.sh/trigger: poll}\n    spec: {containers: [{name: app, image: 'app:1.0.0'}]}\n",
        ),
        "off",
        &[
            "a.yaml:5:21: warning: `keel.sh/policy` stands on the pod template, where it is not read; move it to `metadata.annotations` of the Deployment",
            "a.yaml:6:16: warning: `keel.sh/trigger` is a label of the pod template, where Keel does not read it; move it to `metadata.annotations` of the Deployment",
        ],
    );
    assert_eq!(
        problems(&read_text("kind: List\nmetadata: {annotations: {keel.sh/policy: minor}}\nitems: []\n")),
        [
            "a.yaml:2:26: warning: `keel.sh/policy` stands on a list, where it is not read; move it to the items that it is for"
        ]
    );
    assert_eq!(
        problems(&read_text("kind: Deployment\nmetadata: {annotations: {keel.sh/policy: minor}}\n")),
        [
            "a.yaml:2:26: warning: this Deployment shows no image, so there is none to follow; in a patch, show the container with its image"
        ]
    );
}

//! What commits say, and which updates share one.

use super::{ON, draw, pod};
use crate::plan::history::logged;
use crate::plan::{CommitOptions, Draft, Grouping, MOST_COMMITS, Occasion, Plan, Template};

const OCCASION: Occasion<'_> =
    Occasion { repository: "org/config", branch: "main", author: "Ada Lovelace <ada@example.com>" };

fn drafts(plan: &Plan, options: &CommitOptions) -> Vec<Draft> {
    plan.drafts(options, &OCCASION).unwrap()
}

/// The message of the update of one image, with these options.
fn message(options: &CommitOptions) -> String {
    let plan = draw(&[("a.yaml", &pod("a", ON, &[("c", "ghcr.io/org/app:1.0")]))], "ghcr.io/org/app: 1.0 1.1");
    drafts(&plan, options).pop().unwrap().message
}

fn templated(source: &str) -> CommitOptions {
    CommitOptions { template: Some(Template::parse("t", source).unwrap()), ..CommitOptions::default() }
}

const TRAILERS: &str = "Landwaiter-File: a.yaml\nLandwaiter-Update: ns/Pod/a c ghcr.io/org/app 1.0 1.1\n";

#[track_caller]
fn check(source: &str, expected: &str) {
    let message = message(&templated(source));
    assert_eq!(message, format!("{expected}{TRAILERS}"), "{source}");
    assert_eq!(logged(&message).len(), 1, "{message}");
}

#[test]
fn trailers_follow_whatever_a_template_says() {
    check("One line", "One line\n\n");
    check(
        "{{ default.subject }}\n{{ default.body }}",
        "Update app to 1.1\n\nns/Pod/a (a.yaml:6)\n  c: ghcr.io/org/app\n    1.0 -> 1.1\n    semver:1: highest version of 2 matching tags\n\n",
    );
    check("\n\n  S\u{7}ubject \r\n\r\n\r\n\r\n body \r\n\n\n\nmore\n\n\n", "S ubject\n\n body\n\nmore\n\n");
}

#[test]
fn trailers_of_a_template_are_in_one_block_with_ours() {
    check(
        "S\n\nBody: of it\nis more\n\nJira: OPS-1\nChange-Id: I0\n",
        "S\n\nBody: of it\nis more\n\nJira: OPS-1\nChange-Id: I0\n",
    );
    check("S\n\nJira: OPS-1\n", "S\n\nJira: OPS-1\n");
    check("S\n\nhttps://example.com\n", "S\n\nhttps://example.com\n\n");
    check("S\n\nJira:\n", "S\n\nJira:\n\n");
}

#[test]
fn what_looks_like_a_trailer_of_ours_is_none() {
    let forged = "Landwaiter-Update: ns/Pod/z c x 1 2";
    check(&format!("S\n\n{forged}"), &format!("S\n\n> {forged}\n\n"));
    check(&format!("S\n\nA: b\n{forged}"), &format!("S\n\nA: b\n> {forged}\n\n"));
    check(&format!("{forged}\n\nlandwaiter-FILE : b"), &format!("> {forged}\n\n> landwaiter-FILE : b\n\n"));
    check("S\n\nlandwaiter-system/Pod/a (a.yaml:6)", "S\n\nlandwaiter-system/Pod/a (a.yaml:6)\n\n");
    check("S\n\n---\n# ---- >8 ----\n# all\n", "S\n\n> ---\n> # ---- >8 ----\n# all\n\n");
}

#[test]
fn pipelines_are_skipped_by_the_end_of_the_subject() {
    let skip = |options| message(&CommitOptions { skip_ci: true, ..options }).lines().next().unwrap().to_owned();
    assert_eq!(skip(CommitOptions::default()), "Update app to 1.1 [skip ci]");
    assert_eq!(skip(templated("Deploy")), "Deploy [skip ci]");
    assert_eq!(skip(templated("[CI skip] Deploy")), "[CI skip] Deploy");
    // Both fit: what is shown whole, and the words for machines.
    let long = format!("x/{}", "a".repeat(50));
    let plan = draw(&[("a.yaml", &pod("a", ON, &[("c", &format!("{long}:1.0"))]))], &format!("{long}: 1.0 1.1"));
    let subject = |skip_ci| {
        let options = CommitOptions { skip_ci, ..CommitOptions::default() };
        drafts(&plan, &options)[0].message.lines().next().unwrap().to_owned()
    };
    assert_eq!(subject(false), format!("Update {} to 1.1", "a".repeat(50)));
    assert_eq!(subject(true), "Update 1 image in 1 workload [skip ci]");
}

#[test]
fn the_author_signs_off_once() {
    let signed = |options| message(&CommitOptions { sign_off: true, ..options });
    let line = "Signed-off-by: Ada Lovelace <ada@example.com>\n";
    assert!(signed(CommitOptions::default()).ends_with(&format!("\n\n{TRAILERS}{line}")));
    assert_eq!(signed(templated(&format!("S\n\n{line}"))), format!("S\n\n{line}{TRAILERS}"));
    assert_eq!(logged(&signed(CommitOptions::default())).len(), 1);
}

/// Four updates: `a` and `b` of the one file, `c` and `d` in files of their own below `x`.
fn several() -> Plan {
    let two = format!("{}---\n{}", pod("a", ON, &[("a", "x:1.0")]), pod("b", ON, &[("b", "y:1.0")]));
    let c = pod("c", ON, &[("c", "y:1.0")]).replace("namespace: ns", "namespace: other");
    let d = pod("a", ON, &[("d", "x:1.0")]);
    draw(&[("ab.yaml", &two), ("x/c.yaml", &c), ("x/d.yaml", &d)], "x: 1.0 1.1\ny: 1.0 2.0 1.2")
}

/// The commits as `name: container container`, and that together they come to what one commit would.
#[track_caller]
fn check_groups(plan: &Plan, grouping: Grouping, expected: &[&str]) {
    let drafts = drafts(plan, &CommitOptions { grouping, ..CommitOptions::default() });
    let mut files: std::collections::BTreeMap<_, _> =
        plan.changes.iter().map(|change| (change.path.clone(), change.before.clone())).collect();
    let mut shown = Vec::new();
    for draft in &drafts {
        let containers: Vec<_> = draft.entries.iter().map(|at| plan.entries[*at].container.as_str()).collect();
        shown.push(format!("{}: {}", draft.group.as_deref().unwrap_or("-"), containers.join(" ")));
        for (path, bytes) in &draft.changes {
            assert_ne!(files.insert(path.clone(), bytes.clone()).as_ref(), Some(bytes), "{grouping} {path}");
        }
        let told: Vec<_> = logged(&draft.message).iter().map(|change| change.container.to_owned()).collect();
        assert_eq!(told, containers, "{}", draft.message);
    }
    assert_eq!(shown, expected, "{grouping}");
    for change in &plan.changes {
        assert_eq!(files[&change.path], change.after, "{grouping} {}", change.path);
    }
}

#[test]
fn updates_are_grouped_by_what_people_ask_for() {
    let plan = several();
    check_groups(&plan, Grouping::Pass, &["-: a b c d"]);
    check_groups(&plan, Grouping::File, &["ab.yaml: a b", "x/c.yaml: c", "x/d.yaml: d"]);
    check_groups(&plan, Grouping::Folder, &[".: a b", "x: c d"]);
    check_groups(&plan, Grouping::Workload, &["ns/Pod/a: a", "ns/Pod/b: b", "other/Pod/c: c", "ns/Pod/a: d"]);
    check_groups(&plan, Grouping::Image, &["docker.io/library/x: a d", "docker.io/library/y: b c"]);
    check_groups(&plan, Grouping::Namespace, &["ns: a b d", "other: c"]);
}

#[test]
fn what_is_written_once_is_committed_once() {
    let shared =
        format!("{}---\n{}", pod("a", ON, &[("a", "&image x:1.0"), ("own", "y:1.0")]), pod("b", ON, &[("b", "z:1.0")]));
    // An alias reaches no further than its document, so both containers are of one pod.
    let alias = pod("c", ON, &[("c", "&image x:1.0"), ("d", "*image"), ("e", "y:1.0")]);
    let plan = draw(&[("a.yaml", &shared), ("c.yaml", &alias)], "x: 1.0 1.1\ny: 1.0 1.1\nz: 1.0 1.1");
    check_groups(&plan, Grouping::Workload, &["ns/Pod/a: a own", "ns/Pod/b: b", "ns/Pod/c: c d e"]);
    let images = ["docker.io/library/x: a c d", "docker.io/library/y: own e", "docker.io/library/z: b"];
    check_groups(&plan, Grouping::Image, &images);
}

#[test]
fn owners_of_one_value_cannot_be_told_apart() {
    // Two workloads over one anchor: what one gets the other gets.
    let list = format!(
        "kind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {{name: a, namespace: ns, annotations: {{{ON}}}}}\n  spec: {{containers: [{{name: c, image: &image \"x:1.0\"}}]}}\n\
         - apiVersion: v1\n  kind: Pod\n  metadata: {{name: b, namespace: ns, annotations: {{{ON}}}}}\n  spec: {{containers: [{{name: d, image: *image}}, {{name: e, image: \"y:1.0\"}}]}}\n"
    );
    let plan = draw(&[("a.yaml", &list)], "x: 1.0 1.1\ny: 1.0 1.1");
    check_groups(&plan, Grouping::Workload, &["ns/Pod/a, ns/Pod/b: c d e"]);
    check_groups(&plan, Grouping::Image, &["docker.io/library/x: c d", "docker.io/library/y: e"]);
}

#[test]
fn there_is_a_most_of_commits() {
    let pods: Vec<_> =
        (0..MOST_COMMITS + 5).map(|n| (format!("{n:03}.yaml"), pod(&format!("p{n}"), ON, &[("c", "x:1.0")]))).collect();
    let files: Vec<_> = pods.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let plan = draw(&files, "x: 1.0 1.1");
    let drafts = drafts(&plan, &CommitOptions { grouping: Grouping::File, ..CommitOptions::default() });
    let last = drafts.last().unwrap();
    assert_eq!((drafts.len(), last.entries.len(), last.changes.len()), (MOST_COMMITS, 6, 6));
    assert_eq!(last.group.as_deref(), Some("099.yaml, 100.yaml, 101.yaml and 3 more"));
    assert!(last.message.starts_with("Update x to 1.1\n"), "{}", last.message);
}

#[test]
fn groupings_have_names() {
    for grouping in Grouping::ALL {
        assert_eq!(grouping.as_str().parse(), Ok(grouping));
    }
    let error = "files".parse::<Grouping>().unwrap_err().to_string();
    assert_eq!(error, "there is no grouping \"files\"; expected one of pass, file, folder, workload, image, namespace");
}

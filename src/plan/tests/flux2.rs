//! The objects of Flux version 2, joined across files: who may name whom, which markers are followed where, and
//! what is told of objects that nobody can follow.

use std::fmt::Write as _;

use super::{plan_of, scans, survey, verdicts};
use crate::manifest::Scope;

const TAGS: &str = "q.io/app: 1.0.0 1.1.0 1.2.0-rc.1 1.2.0 2.0.0 dev-1 dev-2";

/// The verdicts and problems of these files.
fn drawn(files: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let inventory = survey(files, Scope::Annotated);
    let plan = plan_of(&inventory, TAGS);
    (verdicts(&plan), inventory.problems().iter().map(ToString::to_string).collect())
}

#[track_caller]
fn check(files: &[(&str, &str)], expected: &[&str], told: &[&str]) {
    let (verdicts, problems) = drawn(files);
    assert_eq!(
        (verdicts, problems.len()),
        (expected.iter().map(ToString::to_string).collect(), told.len()),
        "{problems:#?}"
    );
    for (problem, told) in problems.iter().zip(told) {
        assert!(problem.contains(told), "{problem}\n{told}");
    }
}

fn object(kind: &str, name: &str, spec: &str) -> String {
    let (namespace, name) = name.split_once('/').unwrap();
    let namespace = if namespace == "-" { String::new() } else { format!(", namespace: {namespace}") };
    format!(
        "apiVersion: image.toolkit.fluxcd.io/v1\nkind: {kind}\nmetadata: {{name: {name}{namespace}}}\nspec: {spec}\n---\n"
    )
}

/// A policy for versions 1, on the repository `app`.
fn policy(name: &str, reference: &str) -> String {
    object("ImagePolicy", name, &format!("{{imageRepositoryRef: {{{reference}}}, policy: {{semver: {{range: 1.x}}}}}}"))
}

fn repository(name: &str, more: &str) -> String {
    object("ImageRepository", name, &format!("{{image: q.io/app, interval: 1h{more}}}"))
}

fn automation(name: &str, more: &str) -> String {
    object(
        "ImageUpdateAutomation",
        name,
        &format!("{{interval: 1m, sourceRef: {{kind: GitRepository, name: a}}{more}}}"),
    )
}

const APP: &str = "image: q.io/app:1.0.0 # {\"$imagepolicy\": \"apps:web\"}\n";
const NEW: &[&str] = &["image 1.2.0"];
const HELD: &[&str] = &["image mistake"];

#[test]
fn a_repository_of_another_namespace_lets_policies_in() {
    let policy = policy("apps/web", "name: app, namespace: flux-system");
    let lines = |access: &str| format!("{policy}{}", repository("flux-system/app", access));
    let open = |selectors: &str| lines(&format!(", accessFrom: {{namespaceSelectors: [{selectors}]}}"));
    let mend = "write `accessFrom: {namespaceSelectors: [{matchLabels: {kubernetes.io/metadata.name: apps}}]}` there, or an ImageRepository in the namespace of the policy";
    let refused = |why: &str| {
        format!(
            "o.yaml:4:35: error: the ImagePolicy apps/web is not followed: the ImageRepository flux-system/app (o.yaml:6:1) is one of another namespace{why}; {mend}"
        )
    };
    let closed = refused(" and lets no other in");
    let unclear = refused(", and nothing here shows that its `spec.accessFrom` lets `apps` in");
    let app = ("a.yaml", APP);
    check(&[("o.yaml", &lines("")), app], HELD, &[&closed]);
    check(&[("o.yaml", &open("")), app], HELD, &[&closed]);
    check(&[("o.yaml", &open("{matchLabels: {}}")), app], NEW, &[]);
    check(&[("o.yaml", &open("{}")), app], NEW, &[]);
    check(&[("o.yaml", &open("{matchLabels: {kubernetes.io/metadata.name: apps}}")), app], NEW, &[]);
    check(&[("o.yaml", &open("{matchLabels: {kubernetes.io/metadata.name: other}}")), app], HELD, &[&unclear]);
    let team = open("{matchLabels: {x: z}}, {matchLabels: {team: a, env: prod}}");
    let space =
        |labels: &str| format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: apps, labels: {{{labels}}}}}\n");
    check(&[("o.yaml", &team), app], HELD, &[&unclear]);
    check(&[("o.yaml", &team), app, ("n.yaml", &space("team: a, env: prod, more: z"))], NEW, &[]);
    check(&[("o.yaml", &team), app, ("n.yaml", &space("team: a"))], HELD, &[&unclear]);
    // The same namespace in two clusters.
    let two =
        [("m.yaml", &*space("team: a, env: prod")), ("n.yaml", &*space("team: a, env: test")), ("o.yaml", &team), app];
    check(&two, HELD, &[&unclear]);
    // Nobody has to wait for it.
    check(&[("o.yaml", &lines(""))], &[], &[&closed]);
}

#[test]
fn a_repository_that_nobody_scans() {
    let told = "o.yaml:4:35: error: the ImagePolicy apps/web is not followed: there is no ImageRepository apps/app in this repository; there are: other/app";
    let files = format!("{}{}", policy("apps/web", "name: app"), repository("other/app", ""));
    check(&[("o.yaml", &files), ("a.yaml", APP), ("b.yaml", APP)], &["image mistake", "image mistake"], &[told]);
    check(&[("o.yaml", &files)], &[], &[told]);
    // Whose namespace is not written may stand in any.
    let open = format!("{}{}", policy("-/web", "name: app"), repository("other/app", ""));
    check(&[("o.yaml", &open)], &[], &[]);
    let absent = format!("{}{}", policy("-/web", "name: ap"), repository("other/app", ""));
    check(&[("o.yaml", &absent)], &[], &["there is no ImageRepository -/ap in this repository; there are: other/app"]);
}

#[test]
fn a_policy_that_no_marker_names_is_worth_a_word() {
    let advice = |files: &[(&str, &str)]| -> Vec<String> {
        survey(files, Scope::Annotated).advice().iter().map(ToString::to_string).collect()
    };
    let objects = format!("{}{}", policy("apps/web", "name: app"), repository("apps/app", ""));
    let told = "o.yaml:1:1: hint: no marker names the ImagePolicy apps/web; mark a tag with `# {\"$imagepolicy\": \"apps:web:tag\"}`, or remove the policy";
    assert_eq!(advice(&[("o.yaml", &objects)]), [told]);
    assert_eq!(advice(&[("o.yaml", &objects), ("a.yaml", &APP.replace("apps:web", "other:web"))]), [told]);
    assert_eq!(advice(&[("o.yaml", &objects), ("a.yaml", APP)]), [""; 0]);
    assert_eq!(advice(&[("o.yaml", &objects.replace(", namespace: apps", "")), ("a.yaml", APP)]), [""; 0]);
}

#[test]
fn tags_that_are_excluded() {
    let exclude = |list: &str| {
        format!("{}{}", policy("apps/web", "name: app"), repository("apps/app", &format!(", exclusionList: {list}")))
    };
    for (list, to) in [
        ("['^1\\.2']", "image 1.1.0"),
        ("['2\\.0$']", "image 1.1.0"),
        ("['^.*\\.sig$']", "image 1.2.0"),
        ("[]", "image 1.2.0"),
        ("null", "image 1.2.0"),
        ("['^1\\.1', '^1\\.2\\.0$']", "image up-to-date"),
    ] {
        check(&[("o.yaml", &exclude(list)), ("a.yaml", APP)], &[to], &[]);
    }
}

#[test]
fn a_marker_is_followed_where_an_automation_writes() {
    let objects = format!("{}{}", policy("apps/web", "name: app"), repository("apps/app", ""));
    let automated = |automations: &[String]| format!("{objects}{}", automations.concat());
    let at = |path: &str| automation("apps/flux", &format!(", update: {{strategy: Setters, path: {path}}}"));
    let covered = |automations: &[String]| {
        check(&[("o.yaml", &automated(automations)), ("apps/web/a.yaml", APP)], NEW, &[]);
    };
    let held = |automations: &[String], why: &str| {
        let told = format!("apps/web/a.yaml:1:23: warning: {why}");
        check(&[("o.yaml", &automated(automations)), ("apps/web/a.yaml", APP)], HELD, &[&told]);
    };
    for path in
        ["./", ".", "''", "apps", "./apps", "apps/web/", "/apps", "../../apps", "apps/../apps/./web", "apps/web/a.yaml"]
    {
        covered(&[at(path)]);
    }
    covered(&[automation("apps/flux", "")]);
    covered(&[automation("-/flux", "")]);
    covered(&[at("infra"), automation("apps/two", "")]);
    covered(&[at("apps"), at("./")]);
    held(
        &[at("./infra")],
        "no ImageUpdateAutomation covers this file: apps/flux (o.yaml:14:99) writes only below infra; move the file there, or widen `spec.update.path`",
    );
    held(&[at("app")], "no ImageUpdateAutomation covers this file: apps/flux (o.yaml:14:99) writes only below app; ");
    held(
        &[at("a1"), at("a2"), at("a3"), at("a4"), at("a5")],
        "no ImageUpdateAutomation covers this file: apps/flux (o.yaml:14:99) writes only below a1, apps/flux (o.yaml:19:99) writes only below a2, apps/flux (o.yaml:24:99) writes only below a3, and 2 more; ",
    );
    held(
        &[automation("flux-system/flux", "")],
        "no ImageUpdateAutomation is in the namespace `apps` of the policy; Flux follows markers of policies beside an automation only; there are: flux-system/flux",
    );
}

#[test]
fn an_automation_chooses_its_policies() {
    let label = |labels: &str| {
        policy("apps/web", "name: app").replace("name: web", &format!("name: web, labels: {{{labels}}}"))
    };
    let selected = |labels: &str, selector: &str, expected: &[&str], told: &[&str]| {
        let automation = automation("apps/flux", &format!(", policySelector: {selector}"));
        let objects = format!("{}{}{automation}", label(labels), repository("apps/app", ""));
        check(&[("o.yaml", &objects), ("a.yaml", APP)], expected, told);
    };
    let unselected = "a.yaml:1:23: warning: the ImageUpdateAutomation apps/flux (o.yaml:11:1) writes this file, and its `policySelector` does not select the ImagePolicy apps/web; write the labels that it selects on the policy";
    for (labels, selector, is_selected) in [
        ("", "{}", true),
        ("", "null", true),
        ("team: a", "{matchLabels: {team: a}}", true),
        ("team: b", "{matchLabels: {team: a}}", false),
        ("", "{matchLabels: {team: a}}", false),
        ("team: a, env: x", "{matchLabels: {team: a, env: z}}", false),
        ("team: a", "{matchExpressions: [{key: team, operator: In, values: [a, b]}]}", true),
        ("team: c", "{matchExpressions: [{key: team, operator: In, values: [a, b]}]}", false),
        ("team: c", "{matchExpressions: [{key: team, operator: NotIn, values: [a, b]}]}", true),
        ("", "{matchExpressions: [{key: team, operator: NotIn, values: [a, b]}]}", true),
        ("team: a", "{matchExpressions: [{key: team, operator: NotIn, values: [a, b]}]}", false),
        ("team: a", "{matchExpressions: [{key: team, operator: Exists}]}", true),
        ("", "{matchExpressions: [{key: team, operator: Exists}]}", false),
        ("", "{matchExpressions: [{key: team, operator: DoesNotExist}]}", true),
        ("team: a", "{matchLabels: {team: a}, matchExpressions: [{key: team, operator: DoesNotExist}]}", false),
    ] {
        let (expected, told): (&[&str], &[&str]) = if is_selected { (NEW, &[]) } else { (HELD, &[unselected]) };
        selected(labels, selector, expected, told);
    }
    for (selector, told) in [
        (
            "{matchLabel: {team: a}}",
            "o.yaml:14:82: error: the ImageUpdateAutomation apps/flux is not followed: `spec.policySelector.matchLabel` is no field that is known; did you mean `matchLabels`?",
        ),
        (
            "{matchExpressions: [{key: team, operator: Is, values: [a]}]}",
            "`operator: Is` in `spec.policySelector.matchExpressions` is none; write `In`, `NotIn`, `Exists` or `DoesNotExist`",
        ),
        (
            "{matchExpressions: [{key: team, operator: In}]}",
            "`operator: In` in `spec.policySelector.matchExpressions` has no `values`; write some",
        ),
        (
            "{matchExpressions: [{key: team, operator: Exists, values: [a]}]}",
            "`operator: Exists` in `spec.policySelector.matchExpressions` takes no `values`; remove them",
        ),
        ("{matchExpressions: [{operator: Exists}]}", "an item of `spec.policySelector.matchExpressions` has no `key`"),
        ("{matchLabels: [a]}", "`spec.policySelector.matchLabels` is no mapping of labels"),
        ("{matchLabels: {team: 1}}", "the value of `spec.policySelector.matchLabels` is not quoted"),
    ] {
        selected("team: a", selector, HELD, &[told]);
    }
}

#[test]
fn an_automation_that_does_not_run() {
    let objects = format!("{}{}", policy("apps/web", "name: app"), repository("apps/app", ""));
    let of = |automations: &[String]| format!("{objects}{}", automations.concat());
    let (on, off) = (automation("apps/on", ""), automation("apps/off", ", suspend: true"));
    check(&[("o.yaml", &of(std::slice::from_ref(&off))), ("a.yaml", APP)], &["image locked"], &[]);
    check(&[("o.yaml", &of(&[off.clone(), on])), ("a.yaml", APP)], NEW, &[]);
    let elsewhere = automation("apps/on", ", update: {path: infra}");
    check(&[("o.yaml", &of(&[off, elsewhere])), ("a.yaml", APP)], &["image locked"], &[]);
    for (more, told) in [
        (", update: {strategy: Regex}", "`strategy: Regex` is none; write `Setters`, the only one"),
        (", update: {paths: [apps]}", "`spec.update.paths` is no field that is known; did you mean `path`?"),
        (", update: {path: [apps]}", "`spec.update.path` is no text; write one value"),
        (
            ", update: {path: \"clusters/${cluster}\"}",
            "`spec.update.path` holds a variable, `clusters/${cluster}`, which is known in the cluster only; write the path out",
        ),
        (", policySelectors: {}", "`spec.policySelectors` is no field that is known; did you mean `policySelector`?"),
        (
            ", update: {}, update: {}",
            "error: the key `update` stands here twice, first in line 14; remove one of the two; until then the object is not followed",
        ),
    ] {
        check(&[("o.yaml", &of(&[automation("apps/flux", more)])), ("a.yaml", APP)], HELD, &[told]);
    }
    // What is not known may be new, and says nothing of markers.
    check(&[("o.yaml", &of(&[automation("apps/flux", ", newInFlux3: {}")])), ("a.yaml", APP)], NEW, &[]);
}

/// What becomes of `q.io/app:FROM` under this policy, with these tags there.
#[track_caller]
fn chosen(spec: &str, from: &str, tags: &str, expected: &str) {
    let objects = object("ImagePolicy", "apps/web", &format!("{{imageRepositoryRef: {{name: app}}, {spec}}}"))
        + &repository("apps/app", "");
    let text = format!("image: q.io/app:{from} # {{\"$imagepolicy\": \"apps:web\"}}\n");
    let inventory = survey(&[("o.yaml", &objects), ("a.yaml", &text)], Scope::Annotated);
    let plan = plan_of(&inventory, &format!("q.io/app: {tags}"));
    let told: Vec<_> = inventory.problems().iter().map(ToString::to_string).collect();
    assert_eq!(verdicts(&plan), [format!("image {expected}")], "{spec} on {from}: {told:#?}");
}

/// Where Flux has no guard, takes what comes first, or loses a tag, we do what is safe.
#[test]
fn the_edges_of_what_flux_chooses() {
    let (any, numerical) = ("policy: {semver: {range: '*'}}", "policy: {numerical: {}}");
    // Two spellings of one version: the one that stands there stays.
    chosen(any, "1.2.3", "1.2.3 v1.2.3", "up-to-date");
    chosen(any, "v1.2.3", "1.2.3 v1.2.3", "up-to-date");
    chosen(any, "1.0.0", "1.2.3 v1.2.3", "v1.2.3");
    chosen("policy: {semver: {range: '>=2025.0.0'}}", "2025.1.1", "2025.1.1 2025.02.03 2025.2.4", "2025.2.4");
    // A version has three numbers.
    chosen("policy: {semver: {range: '>=0.0.0'}}", "1.0.0", "1 1.2 v1.2", "no-match");
    chosen("policy: {semver: {range: '>=1.0.0'}}", "1.0.0", "1.0.0 1.1.0-rc.1", "up-to-date");
    chosen("policy: {semver: {range: '>=1.0.0-0'}}", "1.0.0", "1.0.0 1.1.0-rc.1", "1.1.0-rc.1");
    chosen("policy: {alphabetical: {}}", "10", "9 10", "9");
    // One tag that is no number does not stop the others, and numbers are as long as they are.
    chosen(numerical, "1", "latest 1 2", "2");
    chosen(numerical, "20250101123456788", "20250101123456788 20250101123456789", "20250101123456789");
    chosen(numerical, "3", "9 3 nan", "9");
    // Of tags with one extract the highest is taken, and not the lowest.
    let alpine = "filterTags: {pattern: '^(?P<v>[0-9.]+)-alpine', extract: $v}, policy: {semver: {range: 7.x}}";
    chosen(alpine, "7.2.4-alpine3.18", "7.2.4-alpine3.18 7.2.4-alpine3.19 7.2.4-alpine3.20", "7.2.4-alpine3.20");
    // A tag that is gone, a range that was narrowed: nothing goes back.
    chosen(any, "1.2.0", "1.0.0 1.1.0", "only-older");
    chosen("policy: {semver: {range: 5.0.0}}", "5.0.1", "5.0.0 5.0.1", "only-older");
    chosen("policy: {semver: {range: '>5.0.1'}}", "5.0.0", "5.0.0 5.0.1 5.0.2", "5.0.2");
    // `latest` by its digest: the tag is what it is.
    chosen("filterTags: {pattern: ^latest$}, policy: {alphabetical: {}}", "latest", "latest 1.0", "up-to-date");
}

#[test]
fn a_tag_by_itself_is_written_as_a_text() {
    let objects = format!("{}{}", policy("apps/web", "name: app"), repository("apps/app", ""));
    for (was, is, tags) in [
        ("tag: 1.1.0", "tag: 1.11.0", "1.11.0"),
        ("tag: 1.10", "tag: 1.11.0", "1.11.0"),
        ("tag: '1.1.0'", "tag: '1.11.0'", "1.11.0"),
        ("- APP_VERSION=1.1.0", "- APP_VERSION=1.11.0", "1.11.0"),
    ] {
        let text = format!("{was} # {{\"$imagepolicy\": \"apps:web:tag\"}}\n");
        let files = [("a.yaml", text.as_str()), ("o.yaml", &objects)];
        let inventory = survey(&files, Scope::Annotated);
        let mut plan = plan_of(&inventory, &format!("q.io/app: {tags}"));
        super::write(&mut plan, &files);
        assert_eq!(plan.changes[0].after, text.replace(was, is).as_bytes(), "{was}");
    }
}

#[test]
fn what_flux_was_told_goes_with_the_image() {
    let objects = format!("{}{}", policy("apps/web", "name: app"), repository("apps/app", ", exclusionList: ['^2']"));
    let inventory = survey(&[("a.yaml", APP), ("o.yaml", &objects)], Scope::Annotated);
    let containers: Vec<_> = inventory.workloads().flat_map(|workload| &workload.containers).collect();
    let peer = containers[0].peer.as_ref().unwrap();
    assert_eq!(peer.name(), "flux2");
    let scans = scans(TAGS);
    let Some(crate::plan::Scan::Complete(candidates)) = scans.values().next() else { panic!() };
    assert_eq!(peer.choose(containers[0].image.reference().tag(), candidates).to_string(), "1.2.0");
}

#[test]
fn many_objects_take_linear_time() {
    let mut objects = String::new();
    let mut apps = String::new();
    for at in 0..5_000 {
        objects += &policy(&format!("apps/web{at}"), &format!("name: app{at}"));
        objects += &repository(&format!("apps/app{at}"), "");
        objects += &automation(&format!("apps/flux{at}"), &format!(", update: {{path: apps/{at}}}"));
        writeln!(apps, "k{at}: q.io/app:1.0.0 # {{\"$imagepolicy\": \"apps:web{at}\"}}").unwrap();
    }
    let (verdicts, problems) = drawn(&[("o.yaml", &objects), ("apps/7/a.yaml", &apps), ("b.yaml", "a: landwaiter\n")]);
    assert_eq!((verdicts.len(), problems), (5_000, vec![]));
    assert!(verdicts.iter().all(|verdict| verdict.ends_with(" 1.2.0")));
    let elsewhere = drawn(&[("o.yaml", &objects), ("b.yaml", &apps)]);
    assert!(elsewhere.0.iter().all(|verdict| verdict.ends_with(" mistake")));
}

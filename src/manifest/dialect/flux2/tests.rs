//! The objects of Flux as they are read: what each says, and what is wrong at which field.

use crate::manifest::{FluxObjects, Manifest, Scope, Terms, may_matter, read};
use crate::path::RepoPath;
use crate::policy::{Dialect, Dialects, Peer};

fn file(text: &str) -> Manifest {
    let path = RepoPath::parse("o.yaml").unwrap();
    assert!(may_matter(&path, text.as_bytes(), Scope::Annotated), "{text}");
    read(&path, text.as_bytes(), Terms::builtin())
}

fn problems(manifest: &Manifest) -> Vec<String> {
    manifest.problems.iter().map(ToString::to_string).collect()
}

fn object(version: &str, kind: &str, spec: &str) -> String {
    format!(
        "apiVersion: image.toolkit.fluxcd.io/{version}\nkind: {kind}\nmetadata:\n  name: app\n  namespace: flux\nspec:\n{spec}"
    )
}

/// An object whose spec begins in line 7, with what is told of it, after `the KIND flux/app is not followed: `.
#[track_caller]
fn told(kind: &str, spec: &str, expected: &str) {
    let manifest = file(&object("v1", kind, spec));
    let [problem] = &problems(&manifest)[..] else { panic!("{spec}\n{:#?}", problems(&manifest)) };
    let text = problem.replace(&format!("the {kind} flux/app is not followed: "), "");
    assert_eq!(text, format!("o.yaml:{expected}"), "{spec}");
    let FluxObjects { policies, repositories, automations, .. } = &manifest.markers.objects;
    let wrong = policies.iter().filter_map(|policy| policy.wanted.as_ref().err());
    let wrong = wrong.chain(repositories.iter().filter_map(|repository| repository.scanned.as_ref().err()));
    let wrong = wrong.chain(automations.iter().filter_map(|automation| automation.selector.as_ref().err()));
    assert_eq!(wrong.collect::<Vec<_>>(), manifest.problems.iter().collect::<Vec<_>>(), "{spec}");
}

/// A policy without problems, in the words of Flux.
#[track_caller]
fn policy(spec: &str, expected: &str) {
    for version in ["v1alpha1", "v1alpha2", "v1beta1", "v1beta2", "v1"] {
        let manifest = file(&object(version, "ImagePolicy", &format!("  imageRepositoryRef: {{name: app}}\n{spec}")));
        assert_eq!(problems(&manifest), [""; 0], "{spec}");
        let [policy] = &manifest.markers.objects.policies[..] else { panic!("{spec}") };
        let wanted = policy.wanted.as_ref().unwrap();
        let peer = Peer::from(wanted.rule.clone()).policy().unwrap();
        let suspended = if wanted.suspended.is_some() { " suspended" } else { "" };
        let digests = if wanted.digests.is_some() { " digests" } else { "" };
        assert_eq!(format!("{} {peer}{suspended}{digests}", wanted.repository), expected, "{version} {spec}");
    }
}

#[test]
fn policies_of_every_version() {
    policy("  policy: {semver: {range: 1.x}}\n", "flux/app semver:1.x");
    policy("  policy:\n    semver:\n      range: '>=1.0.0'\n    numerical: null\n", "flux/app semver:>=1.0.0");
    policy("  policy: {alphabetical: {}}\n  filterTags:\n", "flux/app regex:.* order=alphabetical");
    policy(
        "  policy: {numerical: {order: desc}}\n  filterTags: {pattern: '^b-(\\d+)$', extract: $1}\n  suspend: true\n",
        "flux/app regex:^b-(\\d+)$ order=numeric desc extract=$1 suspended",
    );
    policy(
        "  policy: {numerical: {order: ASC}}\n  suspend: false\n  digestReflectionPolicy: Never\n",
        "flux/app regex:.* order=numeric",
    );
    policy(
        "  policy: {semver: {range: '*'}}\n  suspend: no\n  digestReflectionPolicy: IfNotPresent\n",
        "flux/app semver:* digests",
    );
    policy(
        "  policy: {semver: {range: '*'}}\n  suspend: yes\n  digestReflectionPolicy: Always\n  interval: 10m\n",
        "flux/app semver:* suspended digests",
    );
    // What an alias stands for is read.
    policy(
        "  filterTags: &f {pattern: '^1'}\n  policy: {semver: {range: &r 1.x}}\n",
        "flux/app regex:^1 order=semver constraint=semver:1.x",
    );
}

#[test]
fn what_is_wrong_with_a_policy_is_told_where_it_stands() {
    let reference = "  imageRepositoryRef: {name: app}\n";
    let check = |spec: &str, expected: &str| told("ImagePolicy", &format!("{reference}{spec}"), expected);
    check(
        "  policy: {}\n",
        "8:11: error: `spec.policy` says no order; write `numerical`, `alphabetical` or `semver` in it",
    );
    check(
        "  suspend: false\n",
        "7:3: error: `spec.policy` says no order; write `numerical`, `alphabetical` or `semver` in it",
    );
    check(
        "  policy: {semver: }\n",
        "8:11: error: `spec.policy` says no order; write `numerical`, `alphabetical` or `semver` in it",
    );
    check(
        "  policy:\n    alphabetical: {}\n    semver: {range: 1.x}\n",
        "9:19: error: `spec.policy` says `semver` and `alphabetical`, and Flux takes `semver`; leave the one that is meant",
    );
    check(
        "  policy:\n    semver: {range: 1.x}\n    alphabetical: {}\n    numerical: {}\n",
        "10:19: error: `spec.policy` says `semver` and `alphabetical`, and Flux takes `semver`; leave the one that is meant",
    );
    check(
        "  policy: {semvar: {range: 1.x}}\n",
        "8:12: error: `spec.policy.semvar` is no field that is known; did you mean `semver`?",
    );
    check(
        "  policy: {semver: {ranges: 1.x}}\n",
        "8:21: error: `spec.policy.semver.ranges` is no field that is known; did you mean `range`?",
    );
    check("  policy: {semver: 1.x}\n", "8:20: error: `spec.policy.semver` holds no fields; write its fields below it");
    check(
        "  policy: {semver: {range: [1.x]}}\n",
        "8:28: error: `spec.policy.semver.range` is no text; write one value",
    );
    check(
        "  policy: {semver: {range: 1.10}}\n",
        "8:28: error: the value of `spec.policy.semver.range` is not quoted, and Kubernetes takes no other than strings; write \"1.10\"",
    );
    check(
        "  policy: {numerical: {order: up}}\n",
        "8:31: error: `policy.numerical.order`: `up` is neither `asc` nor `desc`; write one of the two, or nothing for `asc`",
    );
    let numerical = "  policy: {numerical: {}}\n";
    let filter = |filter: &str, expected: &str| check(&format!("{numerical}  filterTags: {filter}\n"), expected);
    filter(
        "{patern: '^1'}",
        "9:16: error: `spec.filterTags.patern` is no field that is known; did you mean `pattern`?",
    );
    filter("['^1']", "9:15: error: `spec.filterTags` holds no fields; write its fields below it");
    filter("'^1'", "9:15: error: `spec.filterTags` holds no fields; write its fields below it");
    filter(
        "{<<: {pattern: '^1'}}",
        "9:20: error: `spec.filterTags` has a merge key, and what it stands for is not read; write the fields out",
    );
    check(
        &format!("{numerical}  filtertags: {{pattern: '^1'}}\n"),
        "9:3: error: `spec.filtertags` is no field that is known; did you mean `filterTags`?",
    );
    check(
        &format!("{numerical}  minAge: 3d\n"),
        "9:3: error: `spec.minAge` is no field that is known; remove it; known are: imageRepositoryRef, policy, filterTags, digestReflectionPolicy, interval, suspend",
    );
    check(
        &format!("{numerical}  digestReflectionPolicy: always\n"),
        "9:27: error: `spec.digestReflectionPolicy: always` is none; write `Never`, `IfNotPresent` or `Always`",
    );
    check(
        &format!("{numerical}  digestReflectionPolicy: Always\n"),
        "9:27: error: `spec.digestReflectionPolicy` is `Always`, and `spec.interval` is not written; write how often the digest is to be looked up, such as `interval: 10m`",
    );
    check(
        &format!("{numerical}{numerical}"),
        "9:3: error: the key `policy` stands here twice, first in line 8; remove one of the two; until then the object is not followed",
    );
    let lost = |reference: &str, expected: &str| told("ImagePolicy", &format!("{numerical}{reference}"), expected);
    lost("", "7:3: error: `spec.imageRepositoryRef` names no ImageRepository; write its `name`");
    lost(
        "  imageRepositoryRef: {}\n",
        "8:23: error: `spec.imageRepositoryRef` names no ImageRepository; write its `name`",
    );
    lost(
        "  imageRepositoryRef: {nam: app}\n",
        "8:24: error: `spec.imageRepositoryRef.nam` is no field that is known; did you mean `name`?",
    );
    // A pattern, a range and an extract are those of the policy floor; each stands at its own field.
    for (spec, place) in [
        ("  policy: {semver: {range: 1.x &}}\n", "8:28: error: `policy.semver.range`: "),
        ("  policy: {numerical: {}}\n  filterTags: {pattern: '('}\n", "9:25: error: `filterTags.pattern`: "),
        (
            "  policy: {numerical: {}}\n  filterTags: {pattern: '(1)', extract: $1x}\n",
            "9:41: error: `filterTags.extract`: ",
        ),
    ] {
        let manifest = file(&object("v1", "ImagePolicy", &format!("{reference}{spec}")));
        let text = problems(&manifest).concat().replace("the ImagePolicy flux/app is not followed: ", "");
        assert!(text.starts_with(&format!("o.yaml:{place}")), "{text}");
    }
}

#[test]
fn what_is_wrong_with_a_repository_is_told_where_it_stands() {
    let check = |spec: &str, expected: &str| told("ImageRepository", spec, expected);
    check("  interval: 1h\n", "7:3: error: `spec.image` is not written; write the repository");
    check("  image: q.io/a:1\n", "7:10: error: `spec.image` is to name a repository alone; write `q.io/a`");
    check("  image: [a]\n", "7:10: error: `spec.image` is no text; write one value");
    check(
        "  image: https://q.io/a\n",
        "7:10: error: `spec.image` is no repository: an image has no scheme: remove \"https://\"; write it like `ghcr.io/org/app`",
    );
    check(
        "  image: a\n  exclusionlist: [a]\n",
        "8:3: error: `spec.exclusionlist` is no field that is known; did you mean `exclusionList`?",
    );
    check(
        "  image: a\n  exclusionList: ^a\n",
        "8:18: error: `spec.exclusionList` is no list; write a list of regular expressions",
    );
    check("  image: a\n  exclusionList: [{a: b}]\n", "8:19: error: `spec.exclusionList` is no text; write one value");
    let many = vec!["a"; 26].join(", ");
    check(
        &format!("  image: a\n  exclusionList: [{many}]\n"),
        "8:18: error: `spec.exclusionList` has 26 items, and 25 are allowed; join some with `|`",
    );
    check(
        "  image: a\n  accessFrom: {}\n  accessFrom: {}\n",
        "9:3: error: the key `accessFrom` stands here twice, first in line 8; remove one of the two; until then the object is not followed",
    );
    check(
        "  image: a\n  accessFrom: {namespaceSelector: []}\n",
        "8:16: error: `spec.accessFrom.namespaceSelector` is no field that is known; did you mean `namespaceSelectors`?",
    );
    check(
        "  image: a\n  accessFrom: {namespaceSelectors: {}}\n",
        "8:36: error: `spec.accessFrom.namespaceSelectors` is no list; write a list of `matchLabels`",
    );
    let empty = "write `- matchLabels: {…}`; empty ones let every namespace in";
    check(
        "  image: a\n  accessFrom: {namespaceSelectors: [a]}\n",
        &format!("8:37: error: an item of `spec.accessFrom.namespaceSelectors` is no `matchLabels`; {empty}"),
    );
    check(
        "  image: a\n  accessFrom: {namespaceSelectors: [{labels: {}}]}\n",
        &format!("8:38: error: an item of `spec.accessFrom.namespaceSelectors` is no `matchLabels`; {empty}"),
    );
    let bad = file(&object("v1", "ImageRepository", "  image: a\n  exclusionList: ['^a', '(']\n"));
    assert!(
        problems(&bad)[0]
            .starts_with("o.yaml:8:18: error: the ImageRepository flux/app is not followed: `exclusionList`: "),
        "{bad:?}"
    );
    // Fields that a newer version may have say nothing of tags.
    assert_eq!(problems(&file(&object("v1", "ImageRepository", "  image: a\n  brandNew: 1\n"))), [""; 0]);
}

#[test]
fn what_else_is_said_is_kept_for_those_who_move() {
    let settings = |version: &str, kind: &str, spec: &str| -> Vec<String> {
        let manifest = file(&object(version, kind, spec));
        assert_eq!(problems(&manifest), [""; 0]);
        let shown = manifest.settings.iter().map(|setting| {
            let option = setting.option.unwrap_or("-");
            format!("{}:{} {} {} {option}", setting.place.line, setting.owner, setting.key, setting.value)
        });
        shown.collect()
    };
    let all =
        |rows: &[&str]| rows.iter().map(|row| row.replace("IUA", "ImageUpdateAutomation flux/app")).collect::<Vec<_>>();
    assert_eq!(
        settings(
            "v1beta2",
            "ImageUpdateAutomation",
            "  interval: 30m\n  sourceRef: {kind: GitRepository, name: fleet}\n  git:\n    checkout: {ref: {branch: main}}\n    commit:\n      author: {name: flux bot, email: flux@example.com}\n      messageTemplate: 'x {{range .Changed.Changes}}{{end}}'\n      signingKey: {secretRef: {name: key}}\n    push: {branch: updates, refspec: a:b, options: {ci.skip: ''}}\n  update: {path: ./apps, strategy: Setters}\n"
        ),
        all(&[
            "8:IUA spec.sourceRef.name fleet --git-url",
            "10:IUA spec.git.checkout.ref.branch main --git-branch",
            "12:IUA spec.git.commit.author.name flux bot --git-user",
            "12:IUA spec.git.commit.author.email flux@example.com --git-email",
            "16:IUA spec.update.path ./apps --git-path",
            "7:IUA spec.interval 30m --git-poll-interval",
            "13:IUA spec.git.commit.messageTemplate x {{range .Changed.Changes}}{{end}} -",
            "14:IUA spec.git.commit.signingKey.secretRef.name key -",
            "15:IUA spec.git.push.branch updates -",
            "15:IUA spec.git.push.refspec a:b -",
            "15:IUA spec.git.push.options {…} -",
        ])
    );
    assert_eq!(
        settings(
            "v1alpha1",
            "ImageUpdateAutomation",
            "  checkout: {gitRepositoryRef: {name: fleet}, branch: main}\n  interval: 1m\n  update: {strategy: Setters}\n  commit: {authorName: flux, authorEmail: flux@example.com, messageTemplate: x}\n  push: {branch: updates}\n"
        ),
        all(&[
            "7:IUA spec.checkout.gitRepositoryRef.name fleet --git-url",
            "7:IUA spec.checkout.branch main --git-branch",
            "10:IUA spec.commit.authorName flux --git-user",
            "10:IUA spec.commit.authorEmail flux@example.com --git-email",
            "8:IUA spec.interval 1m --git-poll-interval",
            "10:IUA spec.commit.messageTemplate x -",
            "11:IUA spec.push.branch updates -",
        ])
    );
    assert_eq!(
        settings(
            "v1",
            "ImageRepository",
            "  image: q.io/a\n  interval: 5m\n  provider: aws\n  secretRef: {name: login}\n  insecure: true\n"
        ),
        [
            "8:ImageRepository flux/app spec.interval 5m --registry-poll-interval",
            "9:ImageRepository flux/app spec.provider aws -",
            "11:ImageRepository flux/app spec.insecure true -",
            "10:ImageRepository flux/app spec.secretRef.name login -",
        ]
    );
}

#[test]
fn objects_that_nobody_hears() {
    let text = object("v1", "ImagePolicy", "  policy: {}\n");
    let path = RepoPath::parse("o.yaml").unwrap();
    let deaf = Terms { dialects: Dialects::of(&[Dialect::Flux]), ..Terms::default() };
    let manifest = read(&path, text.as_bytes(), &deaf);
    assert!(manifest.problems.is_empty() && manifest.markers.objects.policies.is_empty());
    let other = text.replace("image.toolkit.fluxcd.io/v1", "example.com/v1 # landwaiter");
    assert!(file(&other).markers.objects.policies.is_empty());
}

//! What applications and `ImageUpdater` objects ask for, and what is said of mistakes in them.

use std::fmt::Write as _;

use crate::manifest::{ContainerPolicy, ImageList, ListedImage, Manifest, Terms, WriteTarget, read};
use crate::path::RepoPath;

fn parse(text: &str) -> Manifest {
    read(&RepoPath::parse("a.yaml").unwrap(), text.as_bytes(), Terms::builtin())
}

/// An application with these annotations, one `key: value` in each line, the prefix left out.
fn application(annotations: &str) -> Manifest {
    let mut text =
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: web\n  annotations:\n".to_owned();
    for line in annotations.lines() {
        writeln!(text, "    argocd-image-updater.argoproj.io/{line}").unwrap();
    }
    parse(&(text + "spec: {source: {path: web}}\n"))
}

/// `name image policy`, or `name image !` where it is held.
fn shown(image: &ListedImage) -> String {
    let policy = match &image.policy {
        ContainerPolicy::Stated(policy) => policy.to_string(),
        _ => "!".to_owned(),
    };
    format!("{} {} {policy}", image.name, image.image.repository())
}

#[track_caller]
fn check_list(list: &ImageList, images: &[&str], problems: &[&str], is_held: bool) {
    assert_eq!(list.images.iter().map(shown).collect::<Vec<_>>(), images);
    let told: Vec<String> = list.problems.iter().map(ToString::to_string).collect();
    assert_eq!(told, problems);
    assert_eq!(list.wrong.is_some(), is_held, "{:?}", list.wrong);
}

/// What a list with these annotations comes to: its images, what is told, and whether all of it is held.
#[track_caller]
fn check(annotations: &str, images: &[&str], problems: &[&str], is_held: bool) {
    let manifest = application(annotations);
    assert_eq!(manifest.problems, []);
    check_list(manifest.applications[0].list.as_ref().unwrap(), images, problems, is_held);
}

#[test]
fn settings_of_images_and_of_all() {
    check("image-list: web=ghcr.io/shop/web:~1.2", &["web ghcr.io/shop/web semver:~1.2"], &[], false);
    check(
        "image-list: ghcr.io/shop/web:~1.2, db=postgres:^16\nupdate-strategy: semver\ndb.allow-tags: regexp:-alpine$",
        &[
            "web ghcr.io/shop/web semver:~1.2",
            "db docker.io/library/postgres regex:-alpine$ order=semver constraint=semver:^16",
        ],
        &[],
        false,
    );
    for (strategy, policy) in [
        ("newest-build", "glob:*"),
        ("latest", "glob:*"),
        ("alphabetical", "glob:* order=alphabetical"),
        ("Name", "glob:* order=alphabetical"),
        ("SemVer", "semver:~1"),
    ] {
        let images = [format!("web docker.io/library/x {policy}")];
        let images = [images[0].as_str()];
        let hint = |column: usize, key: &str| {
            format!(
                "a.yaml:7:{column}: hint: `argocd-image-updater.argoproj.io/{key}` takes the last of all tags by `{strategy}`, whatever kind of tag that is; say with `allow-tags` which tags are meant"
            )
        };
        let told = |hint: String| if policy.starts_with("glob") { vec![hint] } else { Vec::new() };
        let check = |annotations: String, told: Vec<String>| {
            check(&annotations, &images, &told.iter().map(String::as_str).collect::<Vec<_>>(), false);
        };
        check(format!("image-list: web=x:~1\nupdate-strategy: {strategy}"), told(hint(55, "update-strategy")));
        check(
            format!("image-list: web=x:~1\nweb.update-strategy: {strategy}\nupdate-strategy: digest"),
            told(hint(59, "web.update-strategy")),
        );
    }
    // A slash of an alias is written otherwise in a key, since a key can have only one.
    check(
        "image-list: shop/web=x:~1\nshop_web.allow-tags: regexp:^1\nshop_web.ignore-tags: 1.9*, 1.8*",
        &["shop/web docker.io/library/x regex:^1 order=semver constraint=semver:~1 exclude=1.9*,1.8*"],
        &[],
        false,
    );
    check(
        "image-list: x:~1\nallow-tags: any\nignore-tags: ''\nforce-update: 't'",
        &["x docker.io/library/x semver:~1"],
        &[],
        false,
    );
}

#[test]
fn what_cannot_be_followed_is_held() {
    let prefix = "argocd-image-updater.argoproj.io";
    let row = |annotations: &str, told: &str| check(annotations, &["web docker.io/library/x !"], &[told], false);
    row(
        "image-list: web=x:~1\nweb.update-strategy: semvre",
        &format!(
            "a.yaml:7:59: error: `{prefix}/web.update-strategy` cannot be followed: `semvre` is no strategy; write `semver`, `newest-build` or `alphabetical`"
        ),
    );
    row(
        "image-list: web=x:latest\nupdate-strategy: digest",
        &format!(
            "a.yaml:7:55: error: `{prefix}/update-strategy` cannot be followed: `digest` follows the digest of a tag, which is not supported yet; write `newest-build`, or leave the image to the tool that does it"
        ),
    );
    row(
        "image-list: web=x:~1\nallow-tags: 1.*",
        &format!(
            "a.yaml:7:50: error: `{prefix}/allow-tags` cannot be followed: `1.*` is no rule, so it allows no tag; write `regexp:` and an expression, or `any`"
        ),
    );
    row(
        "image-list: web=x:~1\nweb.allow-tag: regexp:^1",
        &format!(
            "a.yaml:7:5: error: `{prefix}/web.allow-tag` is no key that Argo CD Image Updater knows; did you mean `{prefix}/web.allow-tags`?"
        ),
    );
    row(
        "image-list: web=x:~1\nwep.allow-tags: regexp:^1",
        &format!(
            "a.yaml:7:5: error: `{prefix}/wep.allow-tags` speaks about `wep`, and no image has that alias; did you mean `web`?"
        ),
    );
    row(
        "image-list: web=x:~1\nweb.tag-match: regexp:^1",
        &format!(
            "a.yaml:7:5: error: `{prefix}/web.tag-match` is no key that Argo CD Image Updater knows; did you mean `{prefix}/web.allow-tags`?"
        ),
    );
    row(
        "image-list: web=x:>=1.0, <2",
        "a.yaml:6:50: error: a constraint cannot hold a comma: `<2` is taken for an image of its own; write a blank instead of the comma, as in `>=1.0 <2`",
    );
    let manifest = application("image-list: web=x:latest");
    let list = manifest.applications[0].list.as_ref().unwrap();
    assert_eq!(list.images.iter().map(shown).collect::<Vec<_>>(), ["web docker.io/library/x !"]);
    assert!(
        list.problems[0]
            .to_string()
            .starts_with(&format!("a.yaml:6:50: error: `{prefix}/image-list` cannot be followed:"))
    );
}

#[test]
fn what_spoils_a_list_holds_all_of_it() {
    let prefix = "argocd-image-updater.argoproj.io";
    let row = |annotations: &str, told: &str| check(annotations, &["web docker.io/library/x semver:~1"], &[told], true);
    row(
        "image-list: web=x:~1\nforce-update: 'yes'",
        &format!(
            "a.yaml:7:52: error: `{prefix}/force-update` is neither true nor false: `yes`; write \"true\" or \"false\""
        ),
    );
    row(
        "image-list: web=x:~1, db=",
        "a.yaml:6:50: error: no image stands behind `db=`, so that nothing of the list counts; write the image there",
    );
    row(
        "image-list: web=x:~1\nweb.helm.image-tag: a.b\nweb.kustomize.image-name: z",
        "a.yaml:8:64: error: `web` is said to be in the values of a chart, and in a kustomization; remove one of the two",
    );
    row(
        "image-list: web=x:~1\nwrite-back-method: gti",
        &format!(
            "a.yaml:7:57: error: `{prefix}/write-back-method` says `gti`, which is no method; write `git`, or remove it: Landwaiter always commits to Git"
        ),
    );
    row(
        "image-list: web=x:~1\nwrite-back-method: git\nwrite-back-target: values.yaml",
        &format!(
            "a.yaml:8:57: error: `{prefix}/write-back-target` names a file of overrides, which is not supported: `values.yaml`; write `helmvalues:<file>` or `kustomization:<folder>`, or remove it to change the tag where it counts"
        ),
    );
    row(
        "image-list: web=x:~1\nwrite-back-method: git\nwrite-back-target: 'helmvalues:/{{ .path }}/values.yaml'",
        &format!(
            "a.yaml:8:57: error: `{prefix}/write-back-target` is a template, which is never expanded: `helmvalues:/{{{{ .path }}}}/values.yaml`; write the path of the file"
        ),
    );
    row(
        "image-list: web=x:~1\nallow-tag: regexp:^1",
        &format!(
            "a.yaml:7:5: error: `{prefix}/allow-tag` is no key that Argo CD Image Updater knows; did you mean `{prefix}/allow-tags`?"
        ),
    );
    row(
        "image-list: web=x:~1\nimage-list: web=x:~1",
        &format!(
            "a.yaml:7:5: error: the key `{prefix}/image-list` stands here twice, first in line 6; remove one of the two"
        ),
    );
    check(
        "image-list: ' , '",
        &[],
        &[&format!(
            "a.yaml:6:50: error: `{prefix}/image-list` lists no image; write `<alias>=<image>:<constraint>`, or remove it"
        )],
        true,
    );
    check(
        "image-list: [a]",
        &[],
        &[&format!("a.yaml:6:5: error: the value of `{prefix}/image-list` is not a string; write one quoted value")],
        true,
    );
}

#[test]
fn what_works_and_is_worth_a_word() {
    let prefix = "argocd-image-updater.argoproj.io";
    let row =
        |annotations: &str, told: &str| check(annotations, &["web docker.io/library/x semver:~1"], &[told], false);
    row(
        "image-list: web=x:~1\nforce-update: true",
        &format!(
            "a.yaml:7:52: warning: the value of `{prefix}/force-update` is not quoted, and Kubernetes takes no other than strings; write \"true\""
        ),
    );
    row(
        "image-list: web=x:~1\nredis.allow-tags: any",
        &format!(
            "a.yaml:7:5: warning: `{prefix}/redis.allow-tags` speaks about `redis`, and no image has that alias; there are: web"
        ),
    );
    row(
        "image-list: web=x:~1\nsomething: any",
        &format!("a.yaml:7:5: warning: `{prefix}/something` is no key that Argo CD Image Updater knows; remove it"),
    );
    check(
        "image-list: web=x",
        &["web docker.io/library/x semver:*"],
        &[
            "a.yaml:6:50: hint: nothing is said of `web`, so it follows every version, the next major one as well; write a constraint behind the image, as in `web=x:~1.2`",
        ],
        false,
    );
    check(
        "image-list: web=x:~1,web=y:~2",
        &["web docker.io/library/x !", "web docker.io/library/y !"],
        &[
            "a.yaml:6:50: error: two images have the alias `web`, so that nothing can be said of one of them; give every image an alias of its own",
            "a.yaml:6:50: error: two images have the alias `web`, so that nothing can be said of one of them; give every image an alias of its own",
        ],
        false,
    );
}

#[test]
fn targets_keys_and_leftovers() {
    let manifest = application(
        "image-list: web=x:~1\nweb.helm.image-name: a.name\nweb.helm.image-tag: a.tag\nwrite-back-method: git:secret:argocd/git\nwrite-back-target: helmvalues:/env/prod.yaml\ngit-branch: main\nweb.platforms: linux/amd64\npull-secret: pullsecret:a/b",
    );
    let list = manifest.applications[0].list.as_ref().unwrap();
    let helm = &list.images[0].helm;
    let path = |key: &Option<crate::manifest::HelmKey>| key.as_ref().map(|key| key.path.clone());
    assert_eq!(
        [path(&helm.spec), path(&helm.name), path(&helm.tag)],
        [None, Some("a.name".into()), Some("a.tag".into())]
    );
    assert!(matches!(&list.target, WriteTarget::Values { path: Some(path), .. } if path == "/env/prod.yaml"));
    let leftovers: Vec<_> = list.leftovers.iter().map(|left| format!("{} {}", left.place.line, left.value)).collect();
    assert_eq!(leftovers, ["9 git:secret:argocd/git", "11 main", "12 linux/amd64", "13 pullsecret:a/b"]);
}

#[test]
fn words_in_the_wrong_place() {
    let told = |text: &str| parse(text).problems.iter().map(ToString::to_string).collect::<Vec<_>>();
    let words = "metadata: {name: a, annotations: {argocd-image-updater.argoproj.io/image-list: web=x}}\n";
    assert_eq!(
        told(&format!("apiVersion: apps/v1\nkind: Deployment\n{words}spec: {{}}\n")),
        [
            "a.yaml:3:35: warning: `argocd-image-updater.argoproj.io/image-list` stands on a Deployment, where Argo CD Image Updater does not read it; move it to the `Application` that deploys this, or write `landwaiter/` annotations here"
        ]
    );
    assert_eq!(
        told(&format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\n{words}spec: {{template: {{spec: {{source: {{path: a}}}}}}}}\n"
        )),
        [
            "a.yaml:3:35: warning: `argocd-image-updater.argoproj.io/image-list` stands on a ApplicationSet, where Argo CD Image Updater does not read it; move it to `spec.template.metadata.annotations`"
        ]
    );
    let pod = format!("kind: Deployment\nspec: {{template: {{{}, spec: {{containers: []}}}}}}\n", words.trim());
    assert_eq!(
        told(&pod),
        [
            "a.yaml:2:53: warning: `argocd-image-updater.argoproj.io/image-list` stands on the pod template, where it is not read; move it to `metadata.annotations` of the Deployment"
        ]
    );
    assert_eq!(
        told(words),
        [
            "a.yaml:1:35: warning: `argocd-image-updater.argoproj.io/image-list` is not read, since the document has no `kind`; write the `kind` of the object"
        ]
    );
    let manifest = application("web.update-strategy: semver");
    assert_eq!(
        manifest.problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "a.yaml:6:5: warning: `argocd-image-updater.argoproj.io/web.update-strategy` says nothing without an image list; write `argocd-image-updater.argoproj.io/image-list: <alias>=<image>:<constraint>` beside it, or remove it"
        ]
    );
}

fn updater(spec: &str) -> Manifest {
    parse(&format!(
        "apiVersion: argocd-image-updater.argoproj.io/v1alpha1\nkind: ImageUpdater\nmetadata: {{name: u, namespace: argocd}}\nspec:\n{spec}"
    ))
}

/// What is told of an object, and what the first entry comes to.
#[track_caller]
fn check_updater(spec: &str, images: &[&str], problems: &[&str], is_held: bool) {
    let manifest = updater(spec);
    let told: Vec<String> = manifest.problems.iter().map(ToString::to_string).collect();
    assert_eq!(told, problems);
    let Some(reference) = manifest.updaters[0].references.first() else {
        assert!(images.is_empty());
        return;
    };
    check_list(&reference.list, images, &[], is_held);
}

const ENTRY: &str = "  applicationRefs:\n  - namePattern: web\n";

#[test]
fn mistakes_in_objects() {
    let one = |image: &str| format!("{ENTRY}    images: [{{{image}}}]\n");
    let good = "alias: web, imageName: 'x:~1'";
    check_updater(&one(good), &["web docker.io/library/x semver:~1"], &[], false);
    check_updater(
        &one("alias: web, imageName: 'x:~1', commonUpdateSetting: {}"),
        &["web docker.io/library/x !"],
        &[
            "a.yaml:7:46: error: `commonUpdateSetting` is no key that Argo CD Image Updater knows here; did you mean `commonUpdateSettings`?",
        ],
        false,
    );
    check_updater(
        &one("alias: web, imageName: 'x:~1', note: a"),
        &["web docker.io/library/x semver:~1"],
        &["a.yaml:7:46: warning: `note` is no key that Argo CD Image Updater knows here; remove it"],
        false,
    );
    check_updater(
        &one("alias: a/b, imageName: 'x:~1'"),
        &["a/b docker.io/library/x !"],
        &["a.yaml:7:22: error: `a/b` is no alias; write letters, digits, `-`, `_` and `.`"],
        false,
    );
    check_updater(
        &one("imageName: 'x:~1'"),
        &["x docker.io/library/x !"],
        &["a.yaml:7:14: error: this image has no alias; write `alias`"],
        false,
    );
    check_updater(
        &one("alias: web, imageName: 'x:~1', manifestTargets: {helm: {tag: a}, kustomize: {name: b}}"),
        &["web docker.io/library/x !"],
        &["a.yaml:7:63: error: `manifestTargets` says two kinds at once; keep one of `helm`, `kustomize` and `plugin`"],
        false,
    );
    check_updater(
        &one("alias: web, imageName: 'x:~1', commonUpdateSettings: {ignoreTags: 'a'}"),
        &["web docker.io/library/x !"],
        &["a.yaml:7:81: error: `ignoreTags` is no list; write its values below it, each behind a dash"],
        false,
    );
    check_updater(
        &one("alias: web, imageName: 'x:~1', commonUpdateSettings: {updateStrategy: digest}"),
        &["web docker.io/library/x !"],
        &[
            "a.yaml:7:85: error: `updateStrategy` cannot be followed: `digest` follows the digest of a tag, which is not supported yet; write `newest-build`, or leave the image to the tool that does it",
        ],
        false,
    );
    check_updater(
        &format!("  imagesVerification: {{cosignKey: {{secretName: a, key: b}}}}\n{}", one(good)),
        &["web docker.io/library/x !"],
        &[
            "a.yaml:5:23: error: signatures are to be verified, which is not supported yet; say `enabled: false`, or leave the image to Argo CD Image Updater",
        ],
        false,
    );
    check_updater(
        &format!(
            "  imagesVerification: {{cosignKey: {{secretName: a, key: b}}}}\n{}",
            one("alias: web, imageName: 'x:~1', imagesVerification: {enabled: false}")
        ),
        &["web docker.io/library/x semver:~1"],
        &[],
        false,
    );
    check_updater(
        &format!("  commonUpdateSettings: {{forceUpdate: maybe}}\n{}", one(good)),
        &["web docker.io/library/x !"],
        &["a.yaml:5:39: error: `forceUpdate` is neither true nor false; write `true` or `false`"],
        true,
    );
    check_updater(
        &format!("  writeBackConfig: {{method: git, gitConfig: {{pullRequest: {{github: {{}}}}}}}}\n{}", one(good)),
        &["web docker.io/library/x !"],
        &[
            "a.yaml:5:59: error: `pullRequest` asks for a review of each change, which is not supported yet; remove it to have changes committed to the branch, or leave the application to Argo CD Image Updater",
        ],
        true,
    );
    check_updater(
        &format!("  writeBackConfig: {{method: gti}}\n{}", one(good)),
        &["web docker.io/library/x semver:~1"],
        &[
            "a.yaml:5:29: error: `method` says `gti`, which is no method; write `git`, or remove it: Landwaiter always commits to Git",
        ],
        true,
    );
    check_updater(
        &format!("  namespace: team\n{}", one(good)),
        &["web docker.io/library/x semver:~1"],
        &[
            "a.yaml:5:14: warning: `spec.namespace` says `team`, and applications are looked for in `argocd`, where this stands; remove it, or move the object to that namespace",
        ],
        false,
    );
}

#[test]
fn mistakes_that_spoil_an_object() {
    for (spec, told) in [
        (
            "  applicationRefs:\n  - {namePattern: a, useAnnotations: true, useAnnotations: false}\n",
            "a.yaml:6:44: error: the key `useAnnotations` stands here twice, first in line 6; remove one of the two",
        ),
        (
            "  applicationRefs: []\n",
            "a.yaml:5:3: error: this ImageUpdater names no applications, so it updates nothing; write them under `applicationRefs`",
        ),
        (
            "  applicationRefs:\n  - images: [{alias: a, imageName: x}]\n",
            "a.yaml:6:5: error: an entry of `applicationRefs` has no `namePattern`, and nothing of this object counts; write it; `*` means every application",
        ),
        (
            "  applicationRefs:\n  - {namePattern: '[a', useAnnotations: true}\n",
            "a.yaml:6:19: error: `[a` is no pattern, and nothing of this object counts: it has a `[` that is never closed; write a name, with `*` for what differs",
        ),
        (
            "  applicationRefs:\n  - {namePattern: a, useAnnotations: true}\n  - {namePattern: a, useAnnotations: true}\n",
            "a.yaml:7:19: error: two entries of `applicationRefs` have the `namePattern` `a`, and nothing of this object counts; put them together",
        ),
    ] {
        check_updater(spec, &[], &[told], false);
    }
    check_updater(
        ENTRY,
        &[],
        &[
            "a.yaml:6:5: error: this entry lists no images, and does not say `useAnnotations: true`, so it updates nothing; write one of the two",
        ],
        false,
    );
    check_updater(
        &format!(
            "{ENTRY}    useAnnotations: true\n    labelSelectors: {{matchExpressions: [{{key: a, operator: In}}, {{key: a, operator: Like}}]}}\n"
        ),
        &[],
        &[
            "a.yaml:8:41: error: the ImageUpdater argocd/u is not followed: `operator: In` in `labelSelectors.matchExpressions` has no `values`; write some",
        ],
        false,
    );
}

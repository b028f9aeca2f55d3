//! Which files Flux would take, what is wrong with the others, and what is said of each.

use crate::manifest::{Manifest, Scope, Terms, may_matter, read};
use crate::path::RepoPath;
use crate::policy::Dialects;

fn file(text: &str, terms: &Terms) -> Manifest {
    let path = RepoPath::parse("apps/.flux.yaml").unwrap();
    assert!(may_matter(&path, text.as_bytes(), Scope::Annotated));
    read(&path, text.as_bytes(), terms)
}

/// What is told of a file, and the settings in it.
#[track_caller]
fn check(text: &str, told: &[&str], settings: &[&str]) {
    let manifest = file(text, Terms::builtin());
    let problems: Vec<_> = manifest.problems.iter().map(ToString::to_string).collect();
    assert_eq!(problems, told, "{text}");
    let found = manifest.settings.iter().map(|setting| format!("{} {}", setting.key, setting.value));
    assert_eq!(found.collect::<Vec<_>>(), settings, "{text}");
    assert!(manifest.workloads.is_empty());
    let deaf = file(text, &Terms { dialects: Dialects::of(&[]), ..Terms::default() });
    assert_eq!((deaf.problems, deaf.settings), (vec![], vec![]), "{text}: nobody hears it");
}

#[test]
fn what_flux_takes() {
    check("version: 1\nscanForFiles: {}\n", &[], &[]);
    check(
        "version: 1\npatchUpdated:\n  generators:\n  - command: kustomize build .\n    timeout: 30s\n  patchFile: flux-patch.yaml\n",
        &[
            "apps/.flux.yaml:2:1: warning: Flux makes the manifests below this folder with commands, which Landwaiter does not run, and keeps their images and policies in `flux-patch.yaml`, which it writes anew each time; what is annotated in the patch is followed there; name it under `patches` of a kustomization, so that others apply it too",
        ],
        &[
            "patchUpdated.generators[0].command kustomize build .",
            "patchUpdated.generators[0].timeout 30s",
            "patchUpdated.patchFile flux-patch.yaml",
        ],
    );
    check(
        "version: 1\ncommandUpdated:\n  generators: [{command: a}, {command: b}]\n  updaters:\n  - containerImage: {command: c, timeout: 1m}\n    policy: {command: d}\n",
        &[
            "apps/.flux.yaml:2:1: warning: Flux changes the images below this folder with the commands written here, which Landwaiter does not run; annotate the files in which the images stand, or mark their tags",
        ],
        &[
            "commandUpdated.generators[0].command a",
            "commandUpdated.generators[1].command b",
            "commandUpdated.updaters[0].containerImage.command c",
            "commandUpdated.updaters[0].containerImage.timeout 1m",
            "commandUpdated.updaters[0].policy.command d",
        ],
    );
}

#[test]
fn what_flux_refuses() {
    for (text, told) in [
        (
            "",
            "1:1: error: this says nothing of how manifests are made; write `version: 1`, and one of `scanForFiles`, `patchUpdated` and `commandUpdated`",
        ),
        ("version: 2\nscanForFiles: {}\n", "1:10: error: `version` is not 1; write `version: 1`"),
        ("version: '1'\nscanForFiles: {}\n", "1:10: error: `version` is not 1; write `version: 1`"),
        ("scanForFiles: {}\n", "1:1: error: `version` is not 1; write `version: 1`"),
        (
            "version: 1\n",
            "1:1: error: no way is written in which manifests are made; write one of `scanForFiles`, `patchUpdated` and `commandUpdated`",
        ),
        (
            "version: 1\npatchUpdated: {patchFile: a.yaml}\n",
            "2:15: error: `patchUpdated` has no `generators`; write a list of them, each with its `command`",
        ),
        (
            "version: 1\npatchUpdated: {patchFile: a.yaml, generators: []}\n",
            "2:47: error: `patchUpdated` has no `generators`; write a list of them, each with its `command`",
        ),
        (
            "version: 1\npatchUpdated: {generators: [{command: a}]}\n",
            "2:15: error: `patchUpdated` has no `patchFile`; write the name of the patch",
        ),
        (
            "version: 1\nscanForFiles: {}\npatchUpdated: {generators: [{command: a}], patchFile: b}\n",
            "3:1: error: `scanForFiles` and `patchUpdated` are two ways to make manifests; leave one of them",
        ),
        (
            "version: 1\npatchUpdated: {generators: [a], patchFile: b}\n",
            "2:29: error: `patchUpdated.generators[0]` is no mapping; write `command: …` in it",
        ),
        (
            "version: 1\npatchUpdated: {generators: [{timeout: 1s}], patchFile: b}\n",
            "2:29: error: `patchUpdated.generators[0]` has no `command`; write what is to be run",
        ),
        (
            "version: 1\ncommandUpdated: {generators: [{command: a}], patchFile: b}\n",
            "2:46: error: `commandUpdated.patchFile` is no key that Flux knows; remove it",
        ),
        (
            "version: 1\ncommandUpdated: {generators: [{command: a, timeout: 30}]}\n",
            "2:53: error: `commandUpdated.generators[0].timeout` is no text; write it in quotes, a time with its unit as in \"30s\"",
        ),
        (
            "version: 1\ncommandUpdated: {generators: [{command: a}], updater: []}\n",
            "2:46: error: `commandUpdated.updater` is no key that Flux knows; did you mean `updaters`?",
        ),
        (
            "version: 1\npatchUpdate: {}\n",
            "2:1: error: `patchUpdate` is no key that Flux knows; did you mean `patchUpdated`?",
        ),
        (
            "version: 1\nversion: 1\nscanForFiles: {}\n",
            "2:1: error: the key `version` stands here twice, first in line 1; remove one of the two",
        ),
        (
            "version: 1\nscanForFiles: []\n",
            "2:15: error: `scanForFiles` is no mapping; write `{}` where it says no more",
        ),
    ] {
        let manifest = file(text, Terms::builtin());
        let problems: Vec<_> = manifest.problems.iter().map(ToString::to_string).collect();
        assert_eq!(problems, [format!("apps/.flux.yaml:{told}")], "{text}");
    }
}

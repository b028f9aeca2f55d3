//! The flags of fluxd: which variable of ours says the same, and why the others need none.

use super::{Environment, reachable, relative};
use crate::manifest::Setting;

/// Why a flag has no equivalent. One that ends in `*` stands for all that begin so.
const REASONS: [(&str, &str); 34] = [
    ("--git-readonly", "nothing is updated then: do not run Landwaiter for this repository"),
    ("--git-set-author", "nobody releases through the daemon: commits of people are made by people"),
    ("--git-label", "there are no sync tags and no notes; every commit carries its record in trailers"),
    ("--git-sync-tag", "there are no sync tags, since nothing is applied to a cluster"),
    ("--git-notes-ref", "there are no notes; every commit carries its record in trailers"),
    ("--git-ci-skip-message", "write it into a template, and name that with LANDWAITER_COMMIT_TEMPLATE"),
    ("--git-timeout", "a repository that does not answer is asked again in the next pass"),
    ("--git-secret", "encrypted files are never changed"),
    ("--git-gpg-key-import", "name the file of the key with LANDWAITER_GIT_SIGNING_KEY"),
    (
        "--git-signing-key",
        "export that key (`gpg --armor --export-secret-keys`) into a file, and name it with LANDWAITER_GIT_SIGNING_KEY",
    ),
    ("--git-verify-signatures*", "signatures of commits are not checked"),
    ("--sops", "encrypted files are never changed"),
    ("--sync-*", "nothing is applied to a cluster; leave that to Flux v2, Argo CD or kubectl"),
    ("--registry-disable-scanning", "nothing is updated then: do not run Landwaiter for this repository"),
    (
        "--registry-rps",
        "hosts are asked as often as they want to be, and say so themselves; for less, set `rate` in the configuration file",
    ),
    (
        "--registry-burst",
        "hosts are asked as often as they want to be, and say so themselves; for less, set `burst` in the configuration file",
    ),
    ("--registry-trace", "set LANDWAITER_LOG_LEVEL=landwaiter::registry=debug while you look for something"),
    (
        "--registry-insecure-host",
        "certificates are always checked: name the authority as `ca-bundle` of the registry in the configuration file, or set `insecure-plain-http` if it speaks plain HTTP",
    ),
    ("--registry-exclude-image", "only images that somebody asks to follow are looked up"),
    ("--registry-include-image", "only images that somebody asks to follow are looked up"),
    ("--registry-use-labels", "the created time is that of the image, and labels are not read"),
    ("--registry-ecr-*", "name the helper `ecr-login` under `credHelpers` of the Docker configuration"),
    ("--registry-require", "name the helper of the cloud under `credHelpers` of the Docker configuration"),
    ("--registry-cache-expiry", "it does nothing there either"),
    ("--memcached-*", "no cache is needed beside it"),
    ("--manifest-generation", "no commands are run: kustomizations are read and changed as they are"),
    ("--k8s-*", "no cluster is asked: the config repository says what runs"),
    ("--ssh-keygen-*", "`landwaiter identity` makes an ed25519 key"),
    ("--listen*", "health, metrics and webhooks have paths of their own behind `landwaiter run --listen`"),
    ("--connect", "nobody is reported to; every change is a commit with its reasons"),
    ("--token", "nobody is reported to; every change is a commit with its reasons"),
    ("--rpc-timeout", "nobody is reported to; every change is a commit with its reasons"),
    ("--help", "it does no work"),
    ("--version", "it does no work"),
];

/// The flag whose value is a secret.
const SECRET: &str = "--token";

pub(super) fn add(environment: &mut Environment, arguments: &[Setting]) {
    for setting in arguments {
        let (flag, value, place) = (&*setting.key, &*setting.value, &setting.place);
        let source = || (flag.to_owned(), place.clone());
        match (flag, setting.option) {
            ("--git-url", _) => match reachable(value) {
                Some((url, note)) => environment.set("--git-url", url, source(), note),
                None => environment.leave(flag, "", place, "it is no address of a repository with a host"),
            },
            ("--git-path", _) => {
                for path in value.split(',').map(relative).filter(|path| !path.is_empty()) {
                    environment.set("--git-path", path, source(), None);
                }
            }
            ("--log-format", _) => {
                let format = if value == "json" { "json" } else { "text" };
                environment.set("--log-format", format.to_owned(), source(), None);
            }
            ("--git-ci-skip", _) => environment.set("--commit-skip-ci", value.to_owned(), source(), None),
            (_, Some(_)) if value.is_empty() => {}
            (_, Some(option)) => environment.set(option, value.to_owned(), source(), None),
            (_, None) => environment.leave(flag, if flag == SECRET { "" } else { value }, place, reason(flag)),
        }
    }
    // Where nothing is said, fluxd and we mean different branches.
    let is_there = |flag: &str| arguments.iter().find(|setting| &*setting.key == flag);
    if let (Some(url), None) = (is_there("--git-url"), is_there("--git-branch")) {
        let note = "the branch of fluxd where it is told none; without it, the one that the repository calls its own";
        let source = ("--git-url without --git-branch".to_owned(), url.place.clone());
        environment.set("--git-branch", "master".to_owned(), source, Some(note.to_owned()));
    }
}

fn reason(flag: &str) -> &'static str {
    let is_meant = |(known, _): &&(&str, &str)| match known.strip_suffix('*') {
        Some(beginning) => flag.starts_with(beginning),
        None => flag == *known,
    };
    REASONS.iter().find(is_meant).map_or("it is no flag of fluxd that is known here", |(_, why)| why)
}

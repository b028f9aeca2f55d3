//! What the file may say, and what is said of mistakes in it.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::{Settings, parse, schema};
use crate::git::Credential;
use crate::hook::Sender;
use crate::http::SecretPlace;
use crate::plan::Grouping;
use crate::registry::{CredentialSource, Proxy};

fn read(text: &str) -> Result<Settings, String> {
    parse(text, Path::new("/etc/landwaiter/config.yaml")).map_err(|error| error.to_string())
}

#[test]
fn everything_that_can_be_set_for_a_registry() {
    let settings = read(
        "# ours\nregistries:\n- prefix: ghcr.io\n  credentials: {file: secrets/ghcr}\n  interval: 5m\n  rate: 2.5\n  concurrency: 4\n  \
         ca-bundle: ca.pem\n  client-certificate: {certificate: /c.pem, key: k.pem}\n  proxy: http://proxy:3128\n- prefix: ghcr.io/public\n  \
         credentials: anonymous\n- prefix: docker.io\n  mirror: mirror.example.com/hub\n  proxy: none\n  insecure-plain-http: true\n  \
         credentials: {environment: {user: HUB_USER, password: HUB_PASSWORD}}\n",
    )
    .unwrap();
    let sites: Vec<_> = settings.sites.iter().collect();
    let names: Vec<_> = sites.iter().map(|site| site.prefix.to_string()).collect();
    assert_eq!(names, ["ghcr.io/public", "docker.io", "ghcr.io"]);
    assert_eq!(sites[0].credential, Some(CredentialSource::Anonymous));
    assert_eq!(sites[2].credential, Some(CredentialSource::File("/etc/landwaiter/secrets/ghcr".into())));
    assert_eq!(sites[2].interval, Some(Duration::from_mins(5)));
    assert_eq!((sites[2].limits.rate, sites[2].limits.concurrency), (Some(2.5), Some(4)));
    assert_eq!(sites[2].ca_bundle.as_deref(), Some(Path::new("/etc/landwaiter/ca.pem")));
    assert_eq!(sites[2].client_certificate.as_ref().unwrap().certificate, Path::new("/c.pem"));
    assert_eq!(sites[1].mirror.as_ref().unwrap().to_string(), "mirror.example.com/hub");
    assert_eq!(sites[1].proxy, Some(Proxy::Direct));
    assert!(sites[1].plain_http);
}

#[test]
fn nothing_is_a_file_that_sets_nothing() {
    for text in ["", "# nothing yet\n", "registries: []\n"] {
        let settings = read(text).unwrap();
        assert_eq!((settings.sites.iter().count(), settings.trust_created), (0, false), "{text}");
    }
}

#[test]
fn what_is_set_for_all_of_them() {
    let settings = read("trust-created: true\nregistry-poll-interval: 5m\ndocker-config: config.json").unwrap();
    assert!(settings.trust_created);
    assert_eq!(settings.registry_poll_interval, Some(Duration::from_mins(5)));
    assert_eq!(settings.docker_config.as_deref(), Some(Path::new("/etc/landwaiter/config.json")));
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let told = read(text).unwrap_err();
    assert_eq!(told.lines().collect::<Vec<_>>(), expected, "{text}");
}

#[test]
fn mistakes_of_form_are_told_with_their_place() {
    check(
        "registries:\n- prefx: ghcr.io\n",
        &[
            "/etc/landwaiter/config.yaml:2:3: unknown field `prefx`, expected one of prefix, credentials, mirror, interval, \
           ca-bundle, client-certificate, proxy, dates, insecure-plain-http, insecure-credentials, rate, burst, concurrency",
        ],
    );
    for (entry, told) in [
        ("credentials: anonymous", "2:3: missing field `prefix`"),
        ("prefix: ghcr.io\n  rate: fast", "3:9: invalid floating point"),
        ("prefix: ghcr.io\n  burst: -1", "3:10: invalid u32"),
        ("prefix: ghcr.io\n  insecure-plain-http: maybe", "3:24: invalid boolean"),
        ("prefix: [ghcr.io", "2:11: expected a text"),
        ("prefix: ghcr.io\n  prefix: quay.io", "3:3: the key `prefix` stands twice"),
        ("prefix: ghcr.io\n  - rate: 3", "3:5: while parsing a block mapping, did not find expected key"),
        ("prefix: ghcr.io\n  client-certificate: {certificate: x}", "3:24: missing field `key`"),
        (
            "prefix: ghcr.io\n  credentials: {fil: x}",
            "3:17: unknown variant `fil`, expected one of file, docker-config, pull-secret, environment, helper, anonymous",
        ),
        (
            "prefix: ghcr.io\n  credentials: {file: x, helper: y}",
            "3:26: a credential is kept in one place: keep one of the two",
        ),
        ("prefix: ghcr.io\n  credentials: {environment: {user: A}}", "3:31: missing field `password`"),
    ] {
        check(&format!("registries:\n- {entry}\n"), &[&format!("/etc/landwaiter/config.yaml:{told}")]);
    }
    for (text, told) in [
        ("registries: ghcr.io", "1:13: expected a list"),
        ("registries:", "1:11: expected a list"),
        ("registries: *ours", "1:13: alias references unknown anchor"),
        ("ghcr.io", "1:1: expected a mapping"),
        (
            "registry: []",
            "1:1: unknown field `registry`, expected one of data-dir, repositories, docker-config, registry-poll-interval, trust-created, registries, hooks",
        ),
    ] {
        check(text, &[&format!("/etc/landwaiter/config.yaml:{told}")]);
    }
}

#[test]
fn all_mistakes_of_meaning_are_told_at_once() {
    check(
        "registry-poll-interval: 10ms\nregistries:\n- prefix: https://\n- prefix: ghcr.io/org\n  rate: 3\n  interval: soon\n",
        &[
            "/etc/landwaiter/config.yaml:1:25: `10ms` is no interval: expected at least a second, such as 30s, 5m or 1h30m",
            "/etc/landwaiter/config.yaml:3:11: \"https://\" names no registry: expected a host such as `ghcr.io`, `registry.example.com:5000` or `ghcr.io/org`",
            "/etc/landwaiter/config.yaml:5:9: `rate` is for a whole host; write it into an entry with `prefix: ghcr.io`",
            "/etc/landwaiter/config.yaml:6:13: `soon` is no interval: expected at least a second, such as 30s, 5m or 1h30m",
        ],
    );
    check(
        "registries:\n- prefix: ghcr.io\n  rate: 0\n- prefix: GHCR.io\n  proxy: secret@proxy\n  insecure-credentials: true\n",
        &[
            "/etc/landwaiter/config.yaml:3:9: 0 requests per second are no rate: expected a number above zero",
            "/etc/landwaiter/config.yaml:4:11: ghcr.io has two entries; write all that is set for it into one",
            "/etc/landwaiter/config.yaml:5:10: this is no proxy: expected a URL such as `http://proxy.example.com:3128`, or `none`",
            "/etc/landwaiter/config.yaml:6:25: `insecure-credentials` says something only beside `insecure-plain-http: true`",
        ],
    );
    check(
        "registries:\n- prefix: quay.io/*\n- prefix: gcr.io\n  mirror: mirror.example.com/Hub\n  proxy: http://bob:secret@proxy\n  concurrency: 0\n- prefix: '*.example.com'\n",
        &[
            "/etc/landwaiter/config.yaml:2:11: \"quay.io/*\" is the beginning of no repository: expected a path of lower-case letters and digits, separated by `.`, `_`, `-` or `/`",
            "/etc/landwaiter/config.yaml:4:11: \"mirror.example.com/Hub\" is the beginning of no repository: expected a path of lower-case letters and digits, separated by `.`, `_`, `-` or `/`",
            "/etc/landwaiter/config.yaml:5:10: a password does not belong here: name this proxy in `HTTPS_PROXY` instead",
            "/etc/landwaiter/config.yaml:6:16: 0 requests at once are too few: expected 1 or more",
            "/etc/landwaiter/config.yaml:7:11: \"*.example.com\" names no registry: expected a host such as `ghcr.io`, `registry.example.com:5000` or `ghcr.io/org`",
        ],
    );
}

#[test]
fn everything_that_can_be_set_for_a_config_repository() {
    let settings = read(
        "data-dir: state\nrepositories:\n- url: https://git.example.com/org/config.git\n  name: production\n  branch: main\n  \
         paths: [clusters/production]\n  excludes: ['**/vendor']\n  credentials: {file: secrets/git}\n  poll-interval: 30s\n  \
         timeout: 10m\n  settle: 0s\n  author: {name: Bot, email: bot@example.com}\n  dialects: [flux]\n  commit: {template: message.txt, skip-ci: true, grouping: image}\n  policies: policies\n  \
         signing: {key: signing, passphrase: /p}\n- url: git@git.example.com:org/staging.git\n  ssh: {key: deploy, known-hosts: [hosts]}\n\
         - url: checkouts/local.git\n- url: https://github.com/org/apps\n  \
         credentials: {github-app: {id: '7', key: app.pem, installation: 8}}\n",
    )
    .unwrap();
    assert_eq!(settings.data_dir.as_deref(), Some(Path::new("/etc/landwaiter/state")));
    let names: Vec<_> = settings.repositories.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["production", "staging", "local", "apps"]);
    let production = &settings.repositories[0];
    assert_eq!(production.area.paths[0].as_str(), "clusters/production");
    assert_eq!(production.area.excludes[0].to_string(), "**/vendor");
    assert_eq!(production.credential, Some(Credential::File("/etc/landwaiter/secrets/git".into())));
    assert_eq!((production.poll_interval, production.settle), (Some(Duration::from_secs(30)), Some(Duration::ZERO)));
    let commit = &production.commit;
    assert_eq!((commit.skip_ci, commit.sign_off, commit.grouping), (Some(true), None, Some(Grouping::Image)));
    assert_eq!(production.author.as_ref().unwrap().email, "bot@example.com");
    assert_eq!(production.signing.as_ref().unwrap().passphrase.as_deref(), Some(Path::new("/p")));
    let Some(Credential::GithubApp(app)) = &settings.repositories[3].credential else { panic!("an app") };
    assert_eq!((app.key.as_path(), app.installation), (Path::new("/etc/landwaiter/app.pem"), Some(8)));
    assert_eq!(settings.repositories[1].ssh.key.as_deref(), Some(Path::new("/etc/landwaiter/deploy")));
    assert_eq!(settings.repositories[2].url.to_string(), "/etc/landwaiter/checkouts/local.git");
}

#[test]
fn mistakes_in_config_repositories_are_told_with_their_place() {
    for (entry, told) in [
        ("name: x", "2:3: missing field `url`"),
        (
            "url: https://bob:hunter2@git.example.com/c",
            "2:8: a password does not belong into this file: say under `credentials` where it is kept",
        ),
        (
            "url: gopher://x/c",
            "2:8: git url \"gopher://x/c\": unknown scheme \"gopher\"; expected https://host/path, ssh://user@host/path, user@host:path, file:///path or a path",
        ),
        ("url: /c\n  name: a/b", "3:9: `a/b` is no name: expected up to 64 letters, digits, `.`, `_` and `-`"),
        (
            "url: /c\n  paths: [../x]",
            "3:11: \"../x\" is not a path inside the repository: expected names separated by `/`, without a leading `/`, `.` or `..`",
        ),
        (
            "url: /c\n  excludes: [/x]",
            "3:14: `/x` begins with `/`; paths begin at the top of the repository: write `x`",
        ),
        (
            "url: git@h:c\n  credentials: {file: x}",
            "3:16: a password or token is for https; over ssh a key proves who we are, see `ssh`",
        ),
        (
            "url: /c\n  poll-interval: 10ms",
            "3:18: `10ms` is no interval: expected at least a second, such as 30s, 5m or 1h30m",
        ),
        (
            "url: /c\n  commit: {grouping: cluster}",
            "3:22: there is no grouping \"cluster\"; expected one of pass, file, folder, workload, image, namespace",
        ),
        ("url: /c\n  settle: never", "3:11: `never` is no duration: expected one such as 0s, 30s or 5m"),
        (
            "url: /c\n  author: {name: '', email: a@b}",
            "3:11: \"\" cannot be the name of an author: it must not be empty or hold `<`, `>` or control characters",
        ),
        ("url: /c\n- url: /other/c.git", "3:8: two repositories are called `c`: give this one a `name` of its own"),
    ] {
        let text = format!("repositories:\n- {entry}\n");
        let found = read(&text).unwrap_err();
        assert_eq!(found, format!("/etc/landwaiter/config.yaml:{told}"), "{text}");
    }
}

/// Every key with its object, as `Certificate.key`.
fn keys(schema: &Value) -> Vec<(String, Value)> {
    let objects = schema["$defs"].as_object().unwrap().iter().map(|(name, object)| (name.as_str(), object));
    let objects = objects.chain([("File", schema)]);
    let keys = objects.flat_map(|(name, object)| {
        let keys = object["properties"].as_object().into_iter().flatten();
        keys.map(move |(key, value)| (format!("{name}.{key}"), value.clone()))
    });
    keys.collect()
}

#[test]
fn the_schema_tells_of_every_key_what_it_is_and_its_default() {
    let keys = keys(&schema());
    assert_eq!(keys.len(), 7 + 19 + 2 + 4 + 4 + 3 + 2 + 2 + 13 + 2 + 2 + 7);
    for (name, key) in keys {
        let words: Vec<_> = key["description"].as_str().unwrap_or_default().split_whitespace().collect();
        let description = words.join(" ");
        assert!(description.contains(" Default: ") && description.ends_with('.'), "{name}: {key}");
    }
}

#[test]
fn sources_of_webhooks() {
    let settings = read(
        "hooks:\n- name: hub\n  sender: docker-hub\n  secret: {file: secrets/hub}\n- name: our-github\n  sender: github\n  \
         secret: {environment: HOOK_GITHUB}\n  images: containers.github.example.com\n",
    )
    .unwrap();
    let hooks = settings.hooks();
    let names: Vec<_> = hooks.iter().map(|(source, _)| (source.name.as_str(), source.sender.name())).collect();
    assert_eq!(names, [("hub", "docker-hub"), ("our-github", "github")]);
    assert_eq!(hooks[0].1, SecretPlace::File("/etc/landwaiter/secrets/hub".into()));
    assert_eq!(hooks[1].1, SecretPlace::Environment("HOOK_GITHUB".to_owned()));
    assert_eq!(hooks[1].0.images.as_ref().unwrap().to_string(), "containers.github.example.com");
}

#[test]
fn mistakes_in_sources_of_webhooks() {
    check(
        "hooks:\n- name: Hub\n  sender: dockerhub\n  secret: {file: a}\n- name: a\n  sender: github\n  secret: {file: a}\n- name: a\n  \
         sender: github\n  secret: {file: a}\n  images: team/app\n",
        &[
            "/etc/landwaiter/config.yaml:2:9: `Hub` is no name of a source: expected 1 to 63 lower-case letters, digits or `-`",
            &format!(
                "/etc/landwaiter/config.yaml:3:11: `dockerhub` is no kind of sender: expected one of {}",
                Sender::names().join(", ")
            ),
            "/etc/landwaiter/config.yaml:8:9: a has two entries; give each source a name of its own",
            "/etc/landwaiter/config.yaml:11:11: \"team\" is not a registry host: expected a name or address, with `:port` if it has one",
        ],
    );
    for (entry, told) in [
        ("name: a\n  sender: github\n  secret: {file: a}\n  topics: [arn:x]", "5:12: `topics` is for sources of `sns`"),
        (
            "name: a\n  sender: sns\n  secret: {file: a}\n  topics: [images]",
            "5:12: `images` is no topic: expected `arn:aws:sns:REGION:ACCOUNT:NAME`",
        ),
        ("name: a\n  sender: sns\n  secret: {file: a}", "3:11: `sns` requires `topics`"),
        (
            "name: a\n  sender: nexus\n  secret: {file: a}",
            "3:11: `nexus` requires `images`: it does not say by which name its images are pulled",
        ),
        ("name: a\n  sender: github", "3:3: missing field `secret`"),
        (
            "name: a\n  sender: github\n  secret: hunter2",
            "4:11: unknown variant `hunter2`, expected one of file, environment",
        ),
        (
            "name: a\n  sender: github\n  secret: {file: a, environment: b}",
            "4:21: a credential is kept in one place: keep one of the two",
        ),
    ] {
        check(&format!("hooks:\n- {entry}\n"), &[&format!("/etc/landwaiter/config.yaml:{told}")]);
    }
}

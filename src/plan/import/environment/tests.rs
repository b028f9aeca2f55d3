//! Variables, notes and reasons, from the files of other tools.

use super::Environment;
use crate::manifest::{Terms, read, read_flux_args, read_registries_conf};
use crate::path::RepoPath;

/// What comes of it, a line for each variable, note and setting that is left.
fn told(environment: &Environment) -> Vec<String> {
    let variables = environment.variables.iter().flat_map(|variable| {
        let sources: Vec<_> = variable.sources.iter().map(|(setting, _)| setting.as_str()).collect();
        let notes = variable.notes.iter().map(|note| format!("  {note}"));
        std::iter::once(format!("{}={} <- {}", variable.name, variable.value, sources.join(", "))).chain(notes)
    });
    let unsaid = environment
        .unsaid
        .iter()
        .map(|unsaid| format!("{} {}={}: {}", unsaid.place.line, unsaid.setting, unsaid.value, unsaid.why));
    variables.chain(unsaid).collect()
}

#[track_caller]
fn flux(arguments: &str, expected: &[&str]) {
    let (settings, problems) = read_flux_args(&RepoPath::parse("args").unwrap(), arguments.as_bytes());
    assert_eq!(problems, []);
    let mut environment = Environment::default();
    environment.add_fluxd(&settings);
    assert_eq!(told(&environment), expected, "{arguments}");
}

#[track_caller]
fn registries(entries: &str, expected: &[&str]) {
    let text = format!("registries:\n{entries}");
    let (registries, problems) = read_registries_conf(&RepoPath::parse("r").unwrap(), text.as_bytes());
    assert_eq!(problems, []);
    let mut environment = Environment::default();
    environment.add_registries(&registries);
    assert_eq!(told(&environment), expected, "{entries}");
}

const KEY: &str = "  make a key with `landwaiter identity` and let it write to the repository; host keys other than those of the large forges are to be named by LANDWAITER_GIT_KNOWN_HOSTS";

#[test]
fn the_repository_and_who_commits() {
    flux(
        "--git-url=git@github.com:org/config\n--git-branch=main\n--git-path=./apps/,infra\n--git-user='Weave Flux'\n--git-email=a@b\n--git-poll-interval=1m\n--automation-interval=2m",
        &[
            "LANDWAITER_GIT_URL=git@github.com:org/config <- --git-url",
            KEY,
            "LANDWAITER_GIT_BRANCH=main <- --git-branch",
            "LANDWAITER_GIT_PATH=apps,infra <- --git-path",
            "LANDWAITER_GIT_USER=Weave Flux <- --git-user",
            "LANDWAITER_GIT_EMAIL=a@b <- --git-email",
            "LANDWAITER_GIT_POLL_INTERVAL=1m <- --git-poll-interval",
            "LANDWAITER_REGISTRY_POLL_INTERVAL=2m <- --automation-interval",
        ],
    );
    flux(
        "--git-url=ssh://git@git.example.com:2222/org/config.git",
        &[
            "LANDWAITER_GIT_URL=ssh://git@git.example.com:2222/org/config.git <- --git-url",
            KEY,
            "LANDWAITER_GIT_BRANCH=master <- --git-url without --git-branch",
            "  the branch of fluxd where it is told none; without it, the one that the repository calls its own",
        ],
    );
    flux(
        "--git-branch=x --git-ci-skip --git-url=https://me:hunter2@git.example.com:8443/a.git",
        &[
            "LANDWAITER_GIT_BRANCH=x <- --git-branch",
            "LANDWAITER_COMMIT_SKIP_CI=true <- --git-ci-skip",
            "LANDWAITER_GIT_URL=https://git.example.com:8443/a.git <- --git-url",
            "  the address holds a user or password, which is left out: put it into the file of LANDWAITER_GIT_CREDENTIALS",
        ],
    );
}

#[test]
fn flags_without_an_equivalent_say_why() {
    flux(
        "--git-readonly\n--token=hunter2\n--memcached-hostname=m\n--registry-ecr-region=eu-west-1\n--registry-insecure-host=r:5000\n--nonsense=1\n--automation-interval=1m\n--registry-poll-interval=2m\n--docker-config=\n--log-format=fmt",
        &[
            "LANDWAITER_REGISTRY_POLL_INTERVAL=1m <- --automation-interval",
            "LANDWAITER_LOG_FORMAT=text <- --log-format",
            "1 --git-readonly=true: nothing is updated then: do not run Landwaiter for this repository",
            "2 --token=: nobody is reported to; every change is a commit with its reasons",
            "3 --memcached-hostname=m: no cache is needed beside it",
            "4 --registry-ecr-region=eu-west-1: name the helper `ecr-login` under `credHelpers` of the Docker configuration",
            "5 --registry-insecure-host=r:5000: certificates are always checked: name the authority as `ca-bundle` of the registry in the configuration file, or set `insecure-plain-http` if it speaks plain HTTP",
            "6 --nonsense=1: it is no flag of fluxd that is known here",
            "8 --registry-poll-interval=2m: LANDWAITER_REGISTRY_POLL_INTERVAL is 1m already, and one daemon has one value; run another one for this",
        ],
    );
}

#[test]
fn objects_of_flux() {
    let automation = |name: &str, path: &str, email: &str| {
        format!(
            "apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageUpdateAutomation\nmetadata: {{name: {name}, namespace: f}}\nspec:\n  interval: 5m\n  sourceRef: {{kind: GitRepository, name: f}}\n  git:\n    checkout: {{ref: {{branch: main}}}}\n    commit: {{author: {{name: Flux, email: {email}}}, messageTemplate: 'x'}}\n    push: {{branch: updates}}\n  update: {{path: {path}, strategy: Setters}}\n---\n"
        )
    };
    let text = automation("a", "./apps", "a@b") + &automation("b", "./infra", "b@b");
    let manifest = read(&RepoPath::parse("a.yaml").unwrap(), text.as_bytes(), Terms::builtin());
    let mut environment = Environment::default();
    environment.add_objects(&manifest.settings);
    let both = |key: &str| format!("{key} of ImageUpdateAutomation f/a, {key} of ImageUpdateAutomation f/b");
    let expected = [
        format!("LANDWAITER_GIT_BRANCH=main <- {}", both("spec.git.checkout.ref.branch")),
        format!("LANDWAITER_GIT_USER=Flux <- {}", both("spec.git.commit.author.name")),
        "LANDWAITER_GIT_EMAIL=a@b <- spec.git.commit.author.email of ImageUpdateAutomation f/a".to_owned(),
        format!("LANDWAITER_GIT_PATH=apps,infra <- {}", both("spec.update.path")),
        format!("LANDWAITER_GIT_POLL_INTERVAL=5m <- {}", both("spec.interval")),
        "6 spec.sourceRef.name of ImageUpdateAutomation f/a=f: set LANDWAITER_GIT_URL to the address of that GitRepository".to_owned(),
        "9 spec.git.commit.messageTemplate of ImageUpdateAutomation f/a=x: its language is another one: say the same in a template for LANDWAITER_COMMIT_TEMPLATE, or leave it: the default names every change with its reason".to_owned(),
        "10 spec.git.push.branch of ImageUpdateAutomation f/a=updates: commits go to the branch that is read; other branches and pull requests come later".to_owned(),
        "18 spec.sourceRef.name of ImageUpdateAutomation f/b=f: set LANDWAITER_GIT_URL to the address of that GitRepository".to_owned(),
        "21 spec.git.commit.author.email of ImageUpdateAutomation f/b=b@b: LANDWAITER_GIT_EMAIL is a@b already, and one daemon has one value; run another one for this".to_owned(),
        "21 spec.git.commit.messageTemplate of ImageUpdateAutomation f/b=x: its language is another one: say the same in a template for LANDWAITER_COMMIT_TEMPLATE, or leave it: the default names every change with its reason".to_owned(),
        "22 spec.git.push.branch of ImageUpdateAutomation f/b=updates: commits go to the branch that is read; other branches and pull requests come later".to_owned(),
    ];
    assert_eq!(told(&environment), expected);
}

#[test]
fn credentials_are_named_and_never_copied() {
    registries(
        "- {name: Hub, api_url: 'https://registry-1.docker.io', prefix: docker.io, credentials: 'secret:ns/hub#creds', defaultns: library, default: true, limit: 10}
- {name: GHCR, api_url: 'https://ghcr.io', prefix: ghcr.io/org, credentials: 'env:GHCR_TOKEN'}
- {name: Q, api_url: 'https://quay.io', prefix: quay.io, credentials: 'pullsecret:ns/quay'}
- {name: R, api_url: 'https://r.example.com', prefix: r.example.com, credentials: 'pullsecret:ns/r'}
- {name: S, api_url: 'https://s.example.com', prefix: s.example.com, credentials: 'ext:/scripts/login.sh'}
- {name: T, api_url: 'https://t.example.com', prefix: t.example.com, credentials: 'me-hunter2'}
",
        &[
            "LANDWAITER_REGISTRY_CREDENTIALS=docker.io=/etc/landwaiter/credentials/docker.io,ghcr.io/org=/etc/landwaiter/credentials/ghcr.io-org <- credentials of Hub, credentials of GHCR",
            "  /etc/landwaiter/credentials/docker.io is to hold the key `creds` of the Secret ns/hub: `user:password`, in one line",
            "  /etc/landwaiter/credentials/ghcr.io-org is to hold what the variable GHCR_TOKEN does: `user:password`, in one line",
            "LANDWAITER_DOCKER_CONFIG=/etc/landwaiter/docker/config.json <- credentials of Q",
            "  /etc/landwaiter/docker/config.json is to hold the key `.dockerconfigjson` of the Secret ns/quay",
            "2 limit of Hub=10: hosts are asked as often as they want to be, and say so themselves; for less, set `rate` for `docker.io` in the configuration file",
            "5 credentials of R=pullsecret:ns/r: one Docker configuration is read, /etc/landwaiter/docker/config.json: set `credentials: {pull-secret: …}` for `r.example.com` in the configuration file",
            "6 credentials of S=ext:/scripts/login.sh: scripts are not run: write a credential helper for Docker that does what /scripts/login.sh does, and name it for `s.example.com` under `credHelpers` of the Docker configuration",
            "7 credentials of T=: it is no reference such as `env:`, `secret:`, `pullsecret:` or `ext:`",
        ],
    );
}

#[test]
fn hosts_and_authorities() {
    registries(
        "- {name: A, api_url: 'http://a.example.com:5000', prefix: 'a.example.com:5000', insecure: true, credentials: 'env:A'}
- {name: B, api_url: 'https://mirror.example.com', prefix: b.example.com, insecure: yes, ca_file: /ca/b.pem}
- {name: C, api_url: 'https://c.example.com', ca_data: 'PEM', tagsortmode: latest-first, ping: true, default: true, defaultns: team, credsexpire: 1h}
",
        &[
            "LANDWAITER_REGISTRY_PLAIN_HTTP=a.example.com:5000 <- api_url of A",
            "  no credential is shown without TLS: set `insecure-credentials: true` for a.example.com:5000 in the configuration file, or give it a certificate",
            "LANDWAITER_REGISTRY_CREDENTIALS=a.example.com:5000=/etc/landwaiter/credentials/a.example.com-5000 <- credentials of A",
            "  /etc/landwaiter/credentials/a.example.com-5000 is to hold what the variable A does: `user:password`, in one line",
            "SSL_CERT_FILE=/ca/b.pem <- ca_file of B",
            "  it replaces the authorities of the machine: add the public ones where other hosts need them",
            "3 api_url of B=https://mirror.example.com: images of `b.example.com` are looked up at `b.example.com`: set `mirror: mirror.example.com` for `b.example.com` in the configuration file",
            "3 insecure of B=yes: certificates are always checked: name the authority of the registry as `ca-bundle` of `b.example.com` in the configuration file",
            "4 ca_data of C=: one file is read, /ca/b.pem: name this authority as `ca-bundle` of `c.example.com` in the configuration file",
            "4 tagsortmode of C=latest-first: the order of a list is never trusted: `newest` goes by the created times of the images",
            "4 ping of C=true: nobody is asked at the start; `landwaiter plan` shows whether a registry answers",
            "4 default of C=true: an image without a host is one of Docker Hub; write the host into the images",
            "4 defaultns of C=team: images are looked up by the names that are written; write them with their namespace",
            "4 credsexpire of C=1h: files are read again when they change, and helpers are asked again after five minutes",
        ],
    );
}

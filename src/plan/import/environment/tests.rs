//! Variables, notes and reasons, from the files of other tools.

use super::{Environment, Registries, Unsaid};
use crate::manifest::{Terms, read, read_flux_args, read_registries_conf};
use crate::path::RepoPath;

/// What comes of it, a line for each variable, note and setting that is left.
fn told(environment: &Environment) -> Vec<String> {
    let variables = environment.variables.iter().flat_map(|variable| {
        let sources: Vec<_> = variable.sources.iter().map(|(setting, _)| setting.as_str()).collect();
        let notes = variable.notes.iter().map(|note| format!("  {note}"));
        std::iter::once(format!("{}={} <- {}", variable.name, variable.value, sources.join(", "))).chain(notes)
    });
    variables.chain(left(&environment.unsaid)).collect()
}

fn left(unsaid: &[Unsaid]) -> impl Iterator<Item = String> {
    unsaid.iter().map(|unsaid| format!("{} {}={}: {}", unsaid.place.line, unsaid.setting, unsaid.value, unsaid.why))
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
    let Registries { entries: made, unsaid } = Registries::of(&registries);
    let made = made.iter().flat_map(|entry| {
        let settings = entry.settings.iter().flat_map(|setting| {
            let sources: Vec<_> = setting.sources.iter().map(|(setting, _)| setting.as_str()).collect();
            let notes = setting.notes.iter().map(|note| format!("    {note}"));
            std::iter::once(format!("  {:?} <- {}", setting.value, sources.join(", "))).chain(notes)
        });
        std::iter::once(entry.prefix.clone()).chain(settings)
    });
    let told: Vec<String> = made.chain(left(&unsaid)).collect();
    assert_eq!(told, expected, "{entries}");
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
- {name: GHCR, api_url: 'https://ghcr.io', prefix: ghcr.io/org, credentials: 'env:GHCR_TOKEN', limit: 20}
- {name: Q, api_url: 'https://quay.io', prefix: quay.io, credentials: 'pullsecret:ns/quay'}
- {name: S, api_url: 'https://s.example.com', prefix: s.example.com, credentials: 'ext:/scripts/login.sh'}
- {name: T, api_url: 'https://t.example.com', prefix: t.example.com, credentials: 'me-hunter2'}
- {name: U, api_url: 'https://ghcr.io', prefix: ghcr.io-org, credentials: 'env:U', limit: 30}
- {name: V, api_url: 'https://me:hunter2@v.example.com', prefix: v.example.com}
",
        &[
            "docker.io",
            "  PasswordFile(\"/etc/landwaiter/credentials/docker.io\") <- credentials of Hub",
            "    /etc/landwaiter/credentials/docker.io is to hold the key `creds` of the Secret ns/hub: `user:password`, in one line",
            "  Rate(10) <- limit of Hub",
            "ghcr.io/org",
            "  PasswordFile(\"/etc/landwaiter/credentials/ghcr.io-org\") <- credentials of GHCR",
            "    /etc/landwaiter/credentials/ghcr.io-org is to hold what the variable GHCR_TOKEN does: `user:password`, in one line",
            "ghcr.io",
            "  Rate(20) <- limit of GHCR",
            "  PasswordFile(\"/etc/landwaiter/credentials/ghcr.io\") <- credentials of U",
            "    /etc/landwaiter/credentials/ghcr.io is to hold what the variable U does: `user:password`, in one line",
            "quay.io",
            "  PullSecret(\"/etc/landwaiter/pull-secrets/ns/quay\") <- credentials of Q",
            "    mount the Secret ns/quay at /etc/landwaiter/pull-secrets/ns/quay",
            "ghcr.io-org",
            "  Mirror(\"ghcr.io\") <- api_url of U",
            "5 credentials of S=ext:/scripts/login.sh: scripts are not run: write a credential helper for Docker that does what /scripts/login.sh does, and name it as `credentials: {helper: …}` of `s.example.com`",
            "6 credentials of T=: it is no reference such as `env:`, `secret:`, `pullsecret:` or `ext:`",
            "7 limit of U=30: `rate` of `ghcr.io` is said already (r:3:103), and a registry has one; keep the one that is right",
            "8 api_url of V=: the address holds a user or password: put them into a file, and name it as `credentials`; nothing of this registry is taken over",
        ],
    );
}

#[test]
fn hosts_and_authorities() {
    registries(
        "- {name: A, api_url: 'http://a.example.com:5000', prefix: 'a.example.com:5000', insecure: true, credentials: 'env:A'}
- {name: B, api_url: 'https://mirror.example.com', prefix: b.example.com/team, insecure: yes, ca_file: /ca/b.pem, credentials: 'env:B'}
- {name: C, api_url: 'https://c.example.com', ca_data: 'PEM', tagsortmode: latest-first, ping: true, default: true, defaultns: team, credsexpire: 1h, limit: 0}
",
        &[
            "a.example.com:5000",
            "  PlainHttp <- api_url of A",
            "    whoever is on the way reads what is sent, and can choose what is deployed: give it a certificate",
            "  PasswordFile(\"/etc/landwaiter/credentials/a.example.com-5000\") <- credentials of A",
            "    /etc/landwaiter/credentials/a.example.com-5000 is to hold what the variable A does: `user:password`, in one line",
            "  CredentialsOverPlainHttp <- credentials of A",
            "    it is shown without TLS, as it was; take this away with `insecure-plain-http`",
            "b.example.com/team",
            "  Mirror(\"mirror.example.com/team\") <- api_url of B",
            "mirror.example.com",
            "  CaBundle(\"/ca/b.pem\") <- ca_file of B",
            "    /ca/b.pem is to be put there",
            "mirror.example.com/team",
            "  PasswordFile(\"/etc/landwaiter/credentials/mirror.example.com-team\") <- credentials of B",
            "    /etc/landwaiter/credentials/mirror.example.com-team is to hold what the variable B does: `user:password`, in one line",
            "c.example.com",
            "  CaBundle(\"/etc/landwaiter/ca/c.example.com.pem\") <- ca_data of C",
            "    /etc/landwaiter/ca/c.example.com.pem is to hold what `ca_data` says there",
            "3 insecure of B=yes: certificates are always checked: name the authority of the registry as `ca-bundle` of `mirror.example.com`",
            "4 tagsortmode of C=latest-first: the order of a list is never trusted: `newest` goes by the created times of the images",
            "4 ping of C=true: nobody is asked at the start; `landwaiter plan` shows whether a registry answers",
            "4 default of C=true: an image without a host is one of Docker Hub; write the host into the images",
            "4 defaultns of C=team: images are looked up by the names that are written; write them with their namespace",
            "4 credsexpire of C=1h: files are read again when they change, and helpers are asked again after five minutes",
            "4 limit of C=0: that is no limit there; every host is asked politely here",
        ],
    );
}

#[test]
fn two_that_answer_at_one_host() {
    registries(
        "- {name: A, api_url: 'https://h.example.com', prefix: a.example.com, credentials: 'env:A', ca_data: 'ONE', limit: 5}
- {name: B, api_url: 'https://h.example.com/', prefix: b.example.com, credentials: 'env:B', ca_data: 'TWO', limit: 5}
- {name: C, api_url: 'http://h.example.com', prefix: c.example.com, credentials: 'env:A'}
",
        &[
            "a.example.com",
            "  Mirror(\"h.example.com\") <- api_url of A",
            "h.example.com",
            "  PasswordFile(\"/etc/landwaiter/credentials/h.example.com\") <- credentials of A, credentials of C",
            "    /etc/landwaiter/credentials/h.example.com is to hold what the variable A does: `user:password`, in one line",
            "  CaBundle(\"/etc/landwaiter/ca/h.example.com.pem\") <- ca_data of A",
            "    /etc/landwaiter/ca/h.example.com.pem is to hold what `ca_data` says there",
            "  Rate(5) <- limit of A, limit of B",
            "b.example.com",
            "  Mirror(\"h.example.com\") <- api_url of B",
            "c.example.com",
            "  Mirror(\"h.example.com\") <- api_url of C",
            "3 credentials of B=env:B: `credentials` of `h.example.com` is said already (r:2:83), and a registry has one; keep the one that is right",
            "3 ca_data of B=: `ca-bundle` of `h.example.com` is said already (r:2:101), and a registry has one; keep the one that is right",
            "4 api_url of C=http://h.example.com: another entry reaches h.example.com with TLS, and a host is reached in one way",
        ],
    );
    // Files that would have one name have two.
    registries(
        "- {name: A, api_url: 'https://ghcr.io', prefix: ghcr.io/a-b, credentials: 'env:A'}
- {name: B, api_url: 'https://ghcr.io', prefix: ghcr.io/a/b/, credentials: 'env:B'}
",
        &[
            "ghcr.io/a-b",
            "  PasswordFile(\"/etc/landwaiter/credentials/ghcr.io-a-b\") <- credentials of A",
            "    /etc/landwaiter/credentials/ghcr.io-a-b is to hold what the variable A does: `user:password`, in one line",
            "ghcr.io/a/b",
            "  PasswordFile(\"/etc/landwaiter/credentials/ghcr.io-a-b-2\") <- credentials of B",
            "    /etc/landwaiter/credentials/ghcr.io-a-b-2 is to hold what the variable B does: `user:password`, in one line",
        ],
    );
}

#[test]
fn registries_that_nothing_can_be_said_for() {
    registries(
        "- {name: A, api_url: 'a.example.com', prefix: a.example.com, credentials: 'env:A'}
- {name: B, api_url: 'https://b.example.com', prefix: ours, credentials: 'env:B'}
- {name: C, api_url: 'https://c.example.com/api/docker', prefix: c.example.com, limit: 5}
- {name: D, api_url: 'https://d.example.com', prefix: d.example.com/Team}
",
        &[
            "2 api_url of A=a.example.com: it is no address with a host, such as `https://registry.example.com`; nothing of this registry is taken over",
            "3 prefix of B=ours: it is the beginning of no image; write a host such as `ghcr.io` or `ghcr.io/org`; nothing of this registry is taken over",
            "4 api_url of C=https://c.example.com/api/docker: the registry answers below a path there, and is asked at the top of its host here; nothing of this registry is taken over",
            "5 prefix of D=d.example.com/Team: it is the beginning of no image; write a host such as `ghcr.io` or `ghcr.io/org`; nothing of this registry is taken over",
        ],
    );
}

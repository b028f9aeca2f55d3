//! Https as the daemon speaks it: who is trusted, what is said when somebody is not, and that no
//! password goes to them. Through a proxy from the environment, behind which the test is the world.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::binary::{Ran, landwaiter, run};
use crate::git_server::{Fault, GitServer, Repo, git};
use crate::registry_server::{Act, Seen, Server, basic, refuse};
use crate::tls_server::{Authority, Proxy};

const GIT: &str = "git.example.com";
const GIT_URL: &str = "https://git.example.com/config.git";
const REGISTRY: &str = "registry.example.com";
/// The password of everybody.
const PASSWORD: &str = "hunter2";

/// A config repository, a registry, and the proxy before both. Fields are dropped in this order.
struct World {
    git: GitServer,
    repo: Repo,
    registry: Server,
    proxy: Proxy,
    authority: Authority,
    bundle: PathBuf,
    home: TempDir,
    _runtime: Runtime,
}

fn pod(name: &str, image: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n  annotations:\n    landwaiter/automated: \"true\"\n    \
         landwaiter/tag-semver: \"1\"\nspec:\n  containers:\n  - name: main\n    image: {image}:1.0.0\n"
    )
}

/// Nobody sees the app without the password; the other image is for everybody.
fn guard(seen: &Seen, address: std::net::SocketAddr) -> Act {
    if seen.path.starts_with("/v2/side/") { Act::Pass } else { basic("bob", PASSWORD)(seen, address) }
}

impl World {
    fn new() -> Self {
        Self::with(guard)
    }

    /// Both servers have good certificates, and new tags for two pods: one with an image of the
    /// registry behind the proxy, one with an image of the same registry as a part of this machine.
    fn with(fault: impl Fn(&Seen, std::net::SocketAddr) -> Act + Send + Sync + 'static) -> Self {
        let home = TempDir::new().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (registry, proxy) = runtime.block_on(async { (Server::start(fault).await, Proxy::start().await) });
        let side = registry.fill("side", &["1.0.0", "1.1.0"]);
        registry.fill("app", &["1.0.0", "1.1.0"]);
        let files =
            [("app.yaml", pod("app", &format!("{REGISTRY}/app"))), ("side.yaml", pod("side", &side.to_string()))];
        let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        let repo = Repo::with(home.path(), "config.git", &files);
        let git = GitServer::start(home.path());
        git.require(&format!("bob:{PASSWORD}"));
        let authority = Authority::new("Our authority");
        let bundle = home.path().join("ca.pem");
        fs::write(&bundle, authority.pem()).unwrap();
        let config = json!({"auths": {REGISTRY: {"username": "bob", "password": PASSWORD}}});
        fs::write(home.path().join("config.json"), config.to_string()).unwrap();
        let world = Self { git, repo, registry, proxy, authority, bundle, home, _runtime: runtime };
        world.proxy.lead(GIT, world.authority.issue(GIT), world.git_port());
        world.proxy.lead(REGISTRY, world.authority.issue(REGISTRY), world.registry.address.port());
        world
    }

    fn git_port(&self) -> u16 {
        self.git.url("").split([':', '/']).nth(4).unwrap().parse().unwrap()
    }

    /// One pass over `url`, with these authorities (by default those of the machine the test runs on).
    #[track_caller]
    fn pass(&self, url: &str, trusted: Option<&Path>) -> Ran {
        let mut command =
            landwaiter(self.home.path(), ["run", "--once", "--data-dir", "data", "--docker-config", "config.json"]);
        command.args(["--git-url", url]).env("HTTPS_PROXY", self.proxy.url()).env("HTTP_PROXY", self.proxy.url());
        command.env("LANDWAITER_GIT_USERNAME", "bob").env("LANDWAITER_GIT_PASSWORD", PASSWORD);
        if let Some(trusted) = trusted {
            command.env("SSL_CERT_FILE", trusted);
        }
        let ran = run(&mut command);
        assert!(!format!("{ran:?}").contains(PASSWORD), "{ran:?}");
        ran
    }

    /// One pass over the repository as a folder of this machine.
    #[track_caller]
    fn local_pass(&self, trusted: Option<&Path>) -> Ran {
        self.pass(self.repo.bare.to_str().unwrap(), trusted)
    }

    /// The tag of a pod on the branch.
    #[track_caller]
    fn tag(&self, pod: &str) -> String {
        let text = git(&self.repo.bare, &["show", &format!("main:{pod}.yaml")]);
        text.rsplit(':').next().unwrap().trim().to_owned()
    }

    /// What the registry was asked but for the image that is for everybody.
    fn asked_for_app(&self) -> Vec<Seen> {
        self.registry.log().into_iter().filter(|seen| !seen.path.starts_with("/v2/side/")).collect()
    }

    /// A pass over https ends with one line, `reason`, before any request.
    #[track_caller]
    fn check_git_refused(&self, trusted: Option<&Path>, reason: &[&str]) {
        let (head, _) = (self.repo.head(), self.git.take_log());
        let ran = self.pass(GIT_URL, trusted);
        assert_eq!(ran.code, 1, "{ran:?}");
        check_told(&ran, &[&[GIT_URL][..], reason].concat());
        let errors = ran.stderr.lines().filter(|line| line.starts_with("error: ") || line.contains(" ERROR "));
        assert_eq!(errors.count(), 1, "{}", ran.stderr);
        assert_eq!(self.proxy.log()[0], format!("CONNECT {GIT}:443 HTTP/1.1"));
        assert!(self.git.take_log().is_empty(), "a request was sent to somebody who is not trusted");
        assert_eq!(self.repo.head(), head);
    }

    /// The app is held `unseen` for `reason` before any request, and the other pod is updated.
    #[track_caller]
    fn check_registry_refused(&self, trusted: Option<&Path>, reason: &[&str]) {
        let ran = self.local_pass(trusted);
        assert_eq!(ran.code, 1, "{ran:?}");
        let request = format!("GET https://{REGISTRY}/v2/app/tags/list");
        check_told(&ran, &[&["unseen", "-/Pod/app", &request][..], reason].concat());
        assert_eq!(self.proxy.log()[0], format!("CONNECT {REGISTRY}:443 HTTP/1.1"));
        assert!(self.asked_for_app().is_empty(), "a request was sent to somebody who is not trusted");
        assert_eq!((self.tag("app").as_str(), self.tag("side").as_str()), ("1.0.0", "1.1.0"));
    }
}

/// One line of the log has all of `parts`.
#[track_caller]
fn check_told(ran: &Ran, parts: &[&str]) {
    let told = ran.stderr.lines().any(|line| parts.iter().all(|part| line.contains(part)));
    assert!(told, "no line with {parts:?} in:\n{}", ran.stderr);
}

#[test]
fn with_its_authority_a_pass_over_https_lands() {
    let world = World::new();
    let ran = world.pass(GIT_URL, Some(&world.bundle));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!((world.tag("app").as_str(), world.tag("side").as_str()), ("1.1.0", "1.1.0"));
    assert!(world.asked_for_app().iter().any(|seen| seen.authorization.is_some()));
    // Both went through the proxy, and what is on this machine did not.
    assert_eq!(
        world.proxy.log(),
        [
            "CONNECT git.example.com:443 HTTP/1.1",
            "CONNECT registry.example.com:443 HTTP/1.1",
            "HELLO git.example.com h2,http/1.1",
            "HELLO registry.example.com h2,http/1.1",
        ]
    );
}

#[test]
fn an_authority_that_is_not_known_ends_the_pass() {
    let world = World::new();
    let file = |name: &str| world.home.path().join(name);
    let (other, old, nobody) = (file("other.pem"), file("old.pem"), file("empty.pem"));
    fs::write(&other, Authority::new("Another authority").pem()).unwrap();
    fs::write(&old, Authority::new("Our authority").pem()).unwrap();
    fs::write(&nobody, "").unwrap();
    let reason = "the certificate of git.example.com is not trusted (UnknownIssuer)";
    world.check_git_refused(None, &[reason, "SSL_CERT_FILE"]);
    let place = format!("no authority in SSL_CERT_FILE={} issued it; add", other.display());
    world.check_git_refused(Some(&other), &[reason, &place]);
    world.check_git_refused(Some(&old), &["(BadSignature)", "with another key", "put its current certificate there"]);
    let place = format!("no CA certificate in SSL_CERT_FILE={}", nobody.display());
    world.check_git_refused(Some(&nobody), &[reason, &place]);
    world.check_git_refused(Some(&file("missing.pem")), &[reason, "No such file", "name a PEM file"]);
}

#[test]
fn an_authority_that_is_not_known_holds_the_container() {
    let world = World::new();
    let reason = "the certificate of registry.example.com is not trusted (UnknownIssuer)";
    world.check_registry_refused(None, &[reason, "SSL_CERT_FILE"]);
    world.check_registry_refused(Some(&world.home.path().join("missing.pem")), &[reason, "No such file"]);
}

#[test]
fn a_certificate_for_somebody_else_is_refused() {
    let world = World::new();
    world.proxy.lead(GIT, world.authority.issue("other.example.com"), world.git_port());
    let reason = ["is not for that name (NotValidForName)", "it is for other.example.com", "issued anew"];
    world.check_git_refused(Some(&world.bundle), &reason);

    let world = World::new();
    world.proxy.lead(REGISTRY, world.authority.issue("other.example.com"), world.registry.address.port());
    world.check_registry_refused(Some(&world.bundle), &reason);
}

#[test]
fn a_common_name_is_no_name() {
    let world = World::new();
    world.proxy.lead(GIT, world.authority.nameless(GIT), world.git_port());
    world.check_git_refused(Some(&world.bundle), &["NotValidForName", "no subjectAltName", "common name"]);
}

#[test]
fn an_expired_certificate_is_refused() {
    let reason = ["has expired (Expired)", "good until 2020-01-01T00:00:00Z", "renew it", "clock"];
    let world = World::new();
    world.proxy.lead(GIT, world.authority.expired(GIT), world.git_port());
    world.check_git_refused(Some(&world.bundle), &reason);

    let world = World::new();
    world.proxy.lead(REGISTRY, world.authority.expired(REGISTRY), world.registry.address.port());
    world.check_registry_refused(Some(&world.bundle), &reason);
}

#[test]
fn the_certificate_of_an_authority_is_no_certificate_of_a_server() {
    let world = World::new();
    let (certificate, pem) = Authority::own(GIT);
    fs::write(&world.bundle, pem).unwrap();
    world.proxy.lead(GIT, certificate, world.git_port());
    world.check_git_refused(Some(&world.bundle), &["CaUsedAsEndEntity", "CA:TRUE"]);
}

#[test]
fn plain_http_behind_https_is_told_apart() {
    let reason = ["does not answer in TLS", "plain http"];
    let world = World::new();
    world.proxy.lead_plainly(GIT, world.git_port());
    world.check_git_refused(Some(&world.bundle), &reason);

    let world = World::new();
    world.proxy.lead_plainly(REGISTRY, world.registry.address.port());
    world.check_registry_refused(Some(&world.bundle), &reason);
}

#[test]
fn a_token_server_without_tls_gets_nothing() {
    let world = World::with(|seen, _| {
        if seen.path.starts_with("/v2/side/") {
            Act::Pass
        } else {
            refuse(r#"Bearer realm="http://registry.example.com/token",service="registry""#)
        }
    });
    let ran = world.local_pass(Some(&world.bundle));
    assert_eq!(ran.code, 1, "{ran:?}");
    check_told(&ran, &["unseen", "-/Pod/app", "http://registry.example.com", "https only", "mend the realm"]);
    assert!(world.asked_for_app().iter().all(|seen| seen.authorization.is_none() && !seen.is_token()));
    // Whatever is not TLS would stand here with its address.
    assert!(world.proxy.log().iter().all(|line| line.contains(REGISTRY) && !line.contains("http:")));
    assert_eq!((world.tag("app").as_str(), world.tag("side").as_str()), ("1.0.0", "1.1.0"));
}

#[track_caller]
fn check_redirect(to: &str, reason: &str) {
    let world = World::new();
    let head = world.repo.head();
    let location = format!("{to}/info/refs?service=git-upload-pack");
    world.git.on(move |_| Some(Fault::Redirect(location.clone())));
    world.proxy.lead("other.example.com", world.authority.issue("other.example.com"), world.git_port());
    let ran = world.pass(GIT_URL, Some(&world.bundle));
    assert_eq!(ran.code, 1, "{ran:?}");
    check_told(&ran, &[GIT_URL, &format!("redirects to {to}, where {reason}")]);
    assert_eq!(world.git.take_log().len(), 1, "the redirect was followed");
    assert_eq!(world.proxy.log(), ["CONNECT git.example.com:443 HTTP/1.1", "HELLO git.example.com h2,http/1.1"]);
    assert_eq!(world.repo.head(), head);
}

#[test]
fn a_password_follows_no_redirect_to_another_server() {
    let foreign = "the credential is not meant for that server; give that address as the git url if it is right";
    let plain = "http://git.example.com/config.git";
    check_redirect(plain, "the connection would no longer be encrypted; mend the redirect, or give the https address");
    let other = "https://other.example.com/config.git";
    check_redirect(other, foreign);
    let port = "https://git.example.com:8443/config.git";
    check_redirect(port, foreign);
}

#[test]
fn a_machine_without_authorities_does_what_needs_none() {
    let world = World::with(|_, _| Act::Pass);
    world.repo.push(&[("app.yaml", &pod("app", &world.registry.repository("app").to_string()))], "from this machine");
    let ran = world.local_pass(Some(&world.home.path().join("missing.pem")));
    assert_eq!(ran.code, 0, "{ran:?}");
    // It was named, so somebody meant it.
    check_told(&ran, &["WARN SSL_CERT_FILE=", "missing.pem: the CA certificates cannot be read: No such file"]);
    assert_eq!((world.tag("app").as_str(), world.tag("side").as_str()), ("1.1.0", "1.1.0"));
    assert!(world.proxy.log().is_empty(), "{:?}", world.proxy.log());
}

#[test]
fn a_server_on_this_machine_is_not_behind_the_proxy() {
    let world = World::new();
    let ran = world.pass(&world.git.url("config.git"), Some(&world.bundle));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(world.tag("app"), "1.1.0");
    assert!(world.proxy.log().iter().all(|line| line.contains(REGISTRY)), "{:?}", world.proxy.log());
}

#[test]
fn a_proxy_without_a_way_is_told() {
    let world = World::new();
    let ran = world.pass("https://nowhere.example.com/config.git", Some(&world.bundle));
    assert_eq!(ran.code, 1, "{ran:?}");
    check_told(&ran, &["cannot reach https://nowhere.example.com/config.git", "tunnel", "proxy settings"]);
}

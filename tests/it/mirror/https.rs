//! Https with all that belongs to it: tokens that are renewed and that end, authorities, certificates, proxies,
//! and redirects that lead nobody's credential astray.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use landwaiter::git::{
    ClientCertificate, ConnectionOptions, Credential, Error, Mirror, Options, Proxy as Way, PushAccess,
};
use tokio::runtime::Runtime;

use super::{FILES, Scene, accepted, lasting, one_pass, says, temporary, write};
use crate::git_server::Fault;
use crate::tls_server::{Authority, Proxy};

/// Where the proxies run; the Git servers have threads of their own.
pub(super) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

const HOST: &str = "git.example.com";

fn bearer(scene: &Scene, file: &Path) -> Mirror {
    let credential = Some(Credential::BearerFile(file.to_owned()));
    Mirror::open(Options { credential, ..scene.options(&scene.server.url("config.git")) }).unwrap()
}

#[test]
fn a_pass_with_a_bearer_token() {
    let scene = Scene::new(FILES);
    scene.server.require_header("Bearer t0ken-1");
    let file = scene.root.path().join("token");
    fs::write(&file, "t0ken-1\n").unwrap();
    let mirror = bearer(&scene, &file);
    one_pass(&scene, &mirror);
    assert_eq!(mirror.introduction().unwrap().unwrap().shown, format!("with the bearer token from {}", file.display()));

    // It is renewed, and who holds the old one is out.
    scene.server.require_header("Bearer t0ken-2");
    let error = says(mirror.fetch(), &["401", "the credential from", "token"]);
    assert!(!format!("{error} {error:?}").contains("t0ken"), "{error}");
    fs::write(&file, "t0ken-2\n").unwrap();
    mirror.fetch().unwrap();
    fs::remove_file(&file).unwrap();
    lasting(mirror.fetch(), &["credential for", file.to_str().unwrap(), "No such file"]);
}

#[test]
fn a_token_that_is_renewed_in_the_middle_of_a_conversation_is_read_again() {
    for (place, count) in [("/info/refs", 1), ("/git-upload-pack", 1), ("/git-upload-pack", 2)] {
        let scene = Scene::new(FILES);
        let file = scene.root.path().join("token");
        fs::write(&file, "t0ken-1").unwrap();
        let (right, renewed, left) = (Mutex::new("Bearer t0ken-1"), file.clone(), Mutex::new(count));
        scene.server.on(move |seen| {
            let mut right = right.lock().unwrap();
            let is_right = seen.authorization.as_deref() == Some(*right);
            if seen.path.ends_with(place) && *right == "Bearer t0ken-1" {
                *left.lock().unwrap() -= 1;
                if *left.lock().unwrap() == 0 {
                    fs::write(&renewed, "t0ken-2").unwrap();
                    *right = "Bearer t0ken-2";
                    return Some(Fault::Answer(401, "text/plain", "that was yesterday".into()));
                }
            }
            (!is_right).then(|| Fault::Answer(401, "text/plain", "who are you?".into()))
        });
        let mirror = bearer(&scene, &file);
        one_pass(&scene, &mirror);
        let refused = scene
            .server
            .take_log()
            .iter()
            .filter(|seen| seen.authorization.as_deref() == Some("Bearer t0ken-1"))
            .count();
        assert!(refused >= 1, "{place}");
    }
    // A server that refuses everybody is asked twice and no more.
    let scene = Scene::new(FILES);
    let file = scene.root.path().join("token");
    fs::write(&file, "t0ken-0").unwrap();
    let renewed = file.clone();
    scene.server.on(move |_| {
        fs::write(&renewed, format!("t0ken-{}", fastrand::u64(..))).unwrap();
        Some(Fault::Answer(401, "text/plain", "no".into()))
    });
    says(bearer(&scene, &file).fetch(), &["401", "\"no\""]);
    assert_eq!(scene.server.take_log().len(), 2);
}

#[test]
fn a_token_that_ended_is_told_to_have_ended() {
    let scene = Scene::new(FILES);
    scene.server.require_header("Bearer another");
    let claims = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(r#"{"sub":"s3cret","exp":1767225600}"#);
    let file = scene.root.path().join("token");
    fs::write(&file, format!("e30.{claims}.s3cret")).unwrap();
    let mirror = bearer(&scene, &file);
    let error = says(mirror.fetch(), &["401", &format!("{}, which ended at 2026-01-01T00:00:00Z", file.display())]);
    assert!(!format!("{error:?}").contains("s3cret") && !format!("{error:?}").contains(&claims), "{error:?}");
    assert_eq!(mirror.introduction().unwrap().unwrap().until, Some("2026-01-01T00:00:00Z".parse().unwrap()));
}

/// A scene whose server is at `https://git.example.com`, behind a proxy.
struct Outside {
    scene: Scene,
    authority: Authority,
    proxy: Proxy,
}

impl Outside {
    fn new() -> Self {
        let (scene, proxy) = (Scene::new(FILES), RUNTIME.block_on(Proxy::start()));
        let outside = Self { scene, authority: Authority::new("Our authority"), proxy };
        outside.file("ca.pem", &outside.authority.pem());
        outside
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.scene.root.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn connection(&self) -> ConnectionOptions {
        ConnectionOptions {
            ca_bundle: Some(self.scene.root.path().join("ca.pem")),
            proxy: Some(Way::Through(self.proxy.url().parse().unwrap())),
            ..ConnectionOptions::default()
        }
    }

    fn options(&self, connection: ConnectionOptions) -> Options {
        Options { connection, ..self.scene.options(&format!("https://{HOST}/config.git")) }
    }

    fn open(&self, connection: ConnectionOptions) -> Mirror {
        Mirror::open(self.options(connection)).unwrap()
    }

    fn member(&self, authority: &Authority) -> ClientCertificate {
        let (certificate, key) = authority.member("landwaiter");
        ClientCertificate { certificate: self.file("own.pem", &certificate), key: self.file("own.key", &key) }
    }
}

#[test]
fn a_pass_through_a_proxy_to_a_server_of_our_own_authority() {
    let outside = Outside::new();
    outside.proxy.lead(HOST, outside.authority.issue(HOST), outside.scene.server.port());
    let (authorization, password) = (format!("Basic {}", BASE64_STANDARD.encode("bob:hunter2")), "bob:hunter2");
    outside.proxy.require(&authorization);
    let connection =
        ConnectionOptions { proxy_credentials: Some(outside.file("proxy", password)), ..outside.connection() };
    one_pass(&outside.scene, &outside.open(connection.clone()));
    assert_eq!(
        outside.proxy.log(),
        [format!("CONNECT {HOST}:443 HTTP/1.1"), format!("HELLO {HOST} h2,http/1.1")],
        "nothing went another way"
    );

    // Without the one or the other nobody is reached, and it is said why.
    fs::remove_dir_all(outside.scene.data_dir()).unwrap();
    temporary(outside.open(outside.connection()).fetch(), &["cannot reach https://git.example.com", "proxy"]);
    outside.file("proxy", "bob:s3cret");
    let error = says(outside.open(connection.clone()).fetch(), &["cannot reach https://git.example.com", "proxy"]);
    assert!(!error.to_string().contains("s3cret"));
    outside.file("proxy", password);
    let nobody = ConnectionOptions { ca_bundle: None, ..connection.clone() };
    lasting(outside.open(nobody).fetch(), &["UnknownIssuer", "issued it"]);
    let bundle = outside.file("other.pem", &Authority::new("Somebody else").pem());
    let other = ConnectionOptions { ca_bundle: Some(bundle.clone()), ..connection };
    lasting(outside.open(other).fetch(), &["UnknownIssuer", &format!("no authority in {} or", bundle.display())]);
}

#[test]
fn the_proxy_of_the_environment_need_not_be_taken() {
    let scene = Scene::new(FILES);
    let way = |proxy| ConnectionOptions { proxy: Some(proxy), ..ConnectionOptions::default() };
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let options = scene.options(&scene.server.url("config.git"));
    let through = Way::Through(format!("http://{closed}").parse().unwrap());
    let dead = Mirror::open(Options { connection: way(through), ..options.clone() }).unwrap();
    temporary(dead.fetch(), &["cannot reach", "refused"]);
    drop(dead);
    Mirror::open(Options { connection: way(Way::Direct), ..options }).unwrap().fetch().unwrap();
}

#[test]
fn a_server_that_wants_to_see_a_certificate_is_shown_ours_and_its_successor() {
    let outside = Outside::new();
    let port = outside.scene.server.port();
    outside.proxy.lead(HOST, outside.authority.issue_for_members(HOST), port);
    let ours = Some(outside.member(&outside.authority));
    let connection = ConnectionOptions { client_certificate: ours, ..outside.connection() };
    let mirror = outside.open(connection.clone());
    one_pass(&outside.scene, &mirror);

    // The authority is replaced, and our certificate with it; a connection that is open may stay so.
    let new = Authority::new("New authority");
    outside.file("ca.pem", &format!("{}{}", new.pem(), outside.authority.pem()));
    outside.proxy.lead(HOST, new.issue_for_members(HOST), port);
    says(mirror.fetch(), &[HOST]);
    outside.member(&new);
    mirror.fetch().unwrap();
    // In the middle of being written they are not believed.
    outside.file("own.key", "");
    mirror.fetch().unwrap();
    drop(mirror);

    outside.member(&new);
    let asked = outside.scene.server.take_log().len();
    assert!(asked > 0);
    let nobody = outside.open(outside.connection());
    lasting(nobody.fetch(), &["git.example.com wants to see a certificate of ours (CertificateRequired)"]);
    drop(nobody);
    let stranger = Some(outside.member(&Authority::new("Somebody else")));
    let stranger = outside.open(ConnectionOptions { client_certificate: stranger, ..outside.connection() });
    lasting(stranger.fetch(), &["git.example.com does not take our client certificate ("]);
    assert!(outside.scene.server.take_log().is_empty());
}

#[test]
fn what_cannot_be_used_for_connections_is_told_at_the_start() {
    let outside = Outside::new();
    let ((certificate, key), (_, other)) = (outside.authority.member("a"), outside.authority.member("b"));
    let (certificate, key) = (outside.file("a.pem", &certificate), outside.file("a.key", &key));
    let (other, no, none) =
        (outside.file("b.key", &other), outside.file("no", "no"), outside.scene.root.path().join("none"));
    let own = |certificate: &PathBuf, key: &PathBuf| ConnectionOptions {
        client_certificate: Some(ClientCertificate { certificate: certificate.clone(), key: key.clone() }),
        ..ConnectionOptions::default()
    };
    let bundle = |path: &PathBuf| ConnectionOptions { ca_bundle: Some(path.clone()), ..ConnectionOptions::default() };
    let proxy = |path: &PathBuf| ConnectionOptions { proxy_credentials: Some(path.clone()), ..outside.connection() };
    for (connection, file, told) in [
        (bundle(&none), &none, "cannot be read: No such file"),
        (bundle(&no), &no, "there is no certificate of an authority in it"),
        (own(&no, &key), &no, "there is no certificate to show in it"),
        (own(&certificate, &no), &no, "there is no private key in it"),
        (own(&certificate, &other), &other, "this is not the key of that certificate"),
        (proxy(&none), &none, "cannot be read: No such file"),
        (proxy(&no), &no, "expected one line, `user:password`"),
    ] {
        lasting(Mirror::open(outside.options(connection)), &[file.to_str().unwrap(), told]);
    }
    let by_ssh = Options { connection: bundle(&certificate), ..outside.scene.options("git@git.example.com:a.git") };
    lasting(Mirror::open(by_ssh), &["git@git.example.com:a.git", "are for https"]);
}

/// A server that sends everybody elsewhere.
#[track_caller]
fn sent(scene: &Scene, credential: Option<&str>, to: &str) -> Error {
    let to = to.to_owned();
    scene.server.on(move |_| Some(Fault::Redirect(to.clone())));
    let url = credential.map_or_else(|| scene.server.url("old"), |login| scene.server.url_as(login, "old"));
    let error = Mirror::open(scene.options(&url)).unwrap().fetch().unwrap_err();
    assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
    error
}

#[test]
fn a_redirect_leads_no_credential_astray() {
    let (scene, other) = (Scene::new(FILES), Scene::new(FILES));
    let tail = "/info/refs?service=git-upload-pack";
    let (ours, theirs) = (scene.server.url("config.git"), other.server.url("config.git"));
    let port = scene.server.port();
    for (credential, to, told) in [
        (Some("bot:s3cret"), format!("{theirs}{tail}"), "the credential is not meant for that server"),
        // The same machine by another name is another server.
        (Some("bot:s3cret"), format!("http://localhost:{port}/config.git{tail}"), "the credential is not meant for"),
        (Some("bot:s3cret"), format!("//git.example.com/config.git{tail}"), "the credential is not meant for"),
        (Some("bot:s3cret"), ours.replace("://", "://bot:s3cret@") + tail, "the server put a credential into the"),
        (None, theirs.replace("://", "://x:s3cret@") + tail, "the server put a credential into the address"),
        (None, format!("file:///etc/passwd{tail}"), "the connection would no longer be encrypted"),
        (None, format!("ftp://git.example.com/config.git{tail}"), "the connection would no longer be encrypted"),
        (Some("bot:s3cret"), format!("{ours}/s3cret/login"), "there is no Git repository but perhaps a page"),
        (Some("bot:s3cret"), format!("{ours}/info/refs?service=git-receive-pack"), "there is no Git repository but"),
    ] {
        let error = sent(&scene, credential, &to).to_string();
        assert!(error.contains("redirects to") && error.contains(told), "{to}: {error}");
        assert!(other.server.take_log().is_empty(), "{to}");
    }
    for (to, told) in [
        ("http://[/".to_owned(), "a redirect to nowhere"),
        (format!("{}{tail}", scene.server.url("old")), "one redirect after another"),
    ] {
        let error = sent(&scene, Some("bot:s3cret"), &to).to_string();
        assert!(error.contains(told), "{to}: {error}");
    }
}

#[test]
fn a_redirect_out_of_encryption_or_to_strangers_is_not_followed_from_https() {
    let outside = Outside::new();
    let (port, other) = (outside.scene.server.port(), "git.example.org");
    outside.proxy.lead(HOST, outside.authority.issue_for_members(HOST), port);
    outside.proxy.lead(other, outside.authority.issue(other), port);
    let tail = "/info/refs?service=git-upload-pack";
    let ours = Some(outside.member(&outside.authority));
    let connection = ConnectionOptions { client_certificate: ours, ..outside.connection() };
    for (to, told) in [
        (format!("http://{HOST}/config.git{tail}"), "the connection would no longer be encrypted"),
        // Nobody is logged in, but who we are is shown by a certificate.
        (format!("https://{other}/config.git{tail}"), "the credential is not meant for that server"),
    ] {
        outside.scene.server.on(move |_| Some(Fault::Redirect(to.clone())));
        lasting(outside.open(connection.clone()).fetch(), &["redirects to", told]);
    }
    assert_eq!(outside.proxy.log(), [format!("CONNECT {HOST}:443 HTTP/1.1"), format!("HELLO {HOST} h2,http/1.1")],);
}

#[test]
fn a_repository_that_is_renamed_between_two_polls_is_found_at_its_new_name() {
    let scene = Scene::new(FILES);
    scene.server.require("bot:pass");
    let is_renamed = Arc::new(Mutex::new(false));
    let (now, new) = (Arc::clone(&is_renamed), scene.server.url(""));
    fs::rename(scene.root.path().join("config.git"), scene.root.path().join("new.git")).unwrap();
    std::os::unix::fs::symlink("new.git", scene.root.path().join("config.git")).unwrap();
    scene.server.on(move |seen| {
        let path = seen.path.strip_prefix("/config.git")?;
        let query = if seen.query.is_empty() { String::new() } else { format!("?{}", seen.query) };
        now.lock().unwrap().then(|| Fault::Redirect(format!("{new}new.git{path}{query}")))
    });
    let mirror = Mirror::open(scene.options(&scene.server.url_as("bot:pass", "config.git"))).unwrap();
    let base = mirror.fetch().unwrap();
    *is_renamed.lock().unwrap() = true;
    assert_eq!(mirror.fetch().unwrap().commit(), base.commit());
    accepted(mirror.push(&base, write(&mirror, &base, "README.md", "changed\n")));
    assert!(matches!(mirror.may_push("main").unwrap(), PushAccess::Granted));
    scene.server.take_log();
    // From then on nobody asks at the old name, but to be sent on once.
    for _ in 0..3 {
        mirror.fetch().unwrap();
    }
    let old = scene.server.take_log().iter().filter(|seen| seen.path.starts_with("/config.git")).count();
    assert!(old <= 1, "{old}");

    // What we send goes to nobody else, even if nobody is logged in.
    let (scene, other) = (Scene::new(FILES), Scene::new(FILES));
    let there = other.server.url("config.git/git-upload-pack");
    let mirror = scene.http();
    mirror.fetch().unwrap();
    scene.server.on(move |seen| (seen.method == "POST").then(|| Fault::Redirect(there.clone())));
    lasting(mirror.fetch(), &["redirects to", "nobody asked for what we are about to send"]);
    assert!(other.server.take_log().is_empty());
}

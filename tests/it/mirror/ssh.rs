//! A repository behind a real `sshd`: the same passes as over http, and every way in which either side may
//! fail to prove who it is.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use landwaiter::git::{
    ConnectionOptions, Credential, Mirror, Options, Proxy as Way, PushOutcome, RemoteUrl, SshOptions, deploy_key,
    deploy_key_anew,
};
use landwaiter::secret::Secret;

use crate::tls_server::Proxy;

use super::super::ssh_server::{Agent, GIT_SHELL, SshServer, key, ssh_keygen};
use super::https::RUNTIME;
use super::{FILES, Scene, accepted, lasting, one_pass, says, temporary, write};

/// A repository, a server before it that lets in one key with the Git shell, and what proves who is who.
struct Door {
    scene: Scene,
    server: SshServer,
    key: PathBuf,
}

impl Door {
    fn new(settings: &str) -> Self {
        let scene = Scene::new(FILES);
        let server = SshServer::start(scene.root.path(), settings);
        let path = scene.root.path().join("id");
        key(&path, "ed25519", "");
        server.authorize(&path, GIT_SHELL);
        Self { scene, server, key: path }
    }

    /// Options with a `known_hosts` file of these lines.
    fn options(&self, known_hosts: &str) -> Options {
        let file = self.scene.root.path().join(format!("known-{}", fastrand::u64(..)));
        fs::write(&file, known_hosts).unwrap();
        let ssh = SshOptions { key: Some(self.key.clone()), known_hosts: vec![file], ..SshOptions::default() };
        Options { ssh, ..self.scene.options(&self.server.url(&self.scene.repo.bare)) }
    }

    fn open(&self) -> Mirror {
        Mirror::open(self.options(&self.server.line("ed25519"))).unwrap()
    }

    fn with(&self, ssh: SshOptions) -> Mirror {
        let options = self.options(&self.server.line("ed25519"));
        let ssh = SshOptions { known_hosts: options.ssh.known_hosts.clone(), ..ssh };
        Mirror::open(Options { ssh, ..options }).unwrap()
    }

    #[track_caller]
    fn known_by(&self, known_hosts: &str) {
        let mirror = Mirror::open(self.options(known_hosts)).unwrap();
        assert_eq!(mirror.fetch().unwrap().commit().to_string(), self.scene.repo.head(), "{known_hosts}");
    }

    #[track_caller]
    fn not_known_by(&self, known_hosts: &str, words: &[&str]) {
        let before = self.server.sign_ins();
        let mirror = Mirror::open(self.options(known_hosts)).unwrap();
        lasting(mirror.fetch(), words);
        assert_eq!(self.server.sign_ins(), before, "nobody signed in");
    }
}

#[test]
fn passes_over_ssh_are_those_over_http() {
    for settings in ["", "AcceptEnv GIT_PROTOCOL"] {
        let door = Door::new(settings);
        let mirror = door.open();
        one_pass(&door.scene, &mirror);
        assert_eq!(door.server.sign_ins(), 1, "one connection for all of it");
        let log = door.server.log();
        assert!(!log.contains("hung up") && !log.contains("fatal"), "{log}");
    }
}

#[test]
fn a_lost_race_over_ssh_loses_nothing() {
    let door = Door::new("AcceptEnv GIT_PROTOCOL");
    let (scene, mirror) = (&door.scene, door.open());
    let base = mirror.fetch().unwrap();
    let commit = write(&mirror, &base, "README.md", "ours\n");
    let theirs = scene.repo.push(&[("apps/web.yaml", "theirs\n")], "theirs");
    match mirror.push(&base, commit).unwrap() {
        PushOutcome::Stale { actual } => assert_eq!(actual.unwrap().to_string(), theirs),
        other => panic!("{other:?}"),
    }
    let next = mirror.fetch().unwrap();
    let commit = write(&mirror, &next, "README.md", "ours\n");
    accepted(mirror.push(&next, commit));
    scene.is_sound();
}

#[test]
fn a_connection_that_was_cut_is_made_again() {
    let door = Door::new("");
    let mirror = door.open();
    mirror.fetch().unwrap();
    mirror.fetch().unwrap();
    assert_eq!(door.server.sign_ins(), 1);
    door.server.cut_connections();
    let head = door.scene.repo.push(&[("README.md", "news\n")], "news");
    assert_eq!(mirror.fetch().unwrap().commit().to_string(), head);
    assert_eq!(door.server.sign_ins(), 2);
}

#[test]
fn keys_of_every_kind() {
    let door = Door::new("");
    let root = door.scene.root.path();
    for (kind, passphrase) in [("ecdsa", ""), ("rsa", ""), ("ed25519", "open sesame"), ("rsa", "open sesame")] {
        let path = root.join(format!("{kind}{}", passphrase.len()));
        key(&path, kind, passphrase);
        door.server.authorize(&path, GIT_SHELL);
        let file = root.join("passphrase");
        fs::write(&file, format!("{passphrase}\n")).unwrap();
        let passphrase = (!passphrase.is_empty()).then_some(file);
        door.with(SshOptions { key: Some(path), passphrase, ..SshOptions::default() }).fetch().unwrap();
    }
    // As older programs write them.
    let pem = root.join("pem");
    ssh_keygen(&["-q", "-t", "rsa", "-m", "PEM", "-N", "", "-f", pem.to_str().unwrap()]);
    door.server.authorize(&pem, GIT_SHELL);
    door.with(SshOptions { key: Some(pem), ..SshOptions::default() }).fetch().unwrap();
}

#[test]
fn an_agent_signs_with_the_key_that_is_known() {
    let door = Door::new("");
    let root = door.scene.root.path();
    let other = root.join("other");
    key(&other, "rsa", "");
    let agent = Agent::start(root, &[&other, &door.key]);
    let ssh = SshOptions { agent: Some(agent.socket.clone()), ..SshOptions::default() };
    door.with(ssh).fetch().unwrap();

    let stranger = Agent::start(root, &[&other]);
    let ssh = SshOptions { agent: Some(stranger.socket.clone()), ..SshOptions::default() };
    lasting(
        door.with(ssh).fetch(),
        &["does not know the keys SHA256:", "from the agent at", "deploy key that may write"],
    );
    let empty = Agent::start(root, &[]);
    let ssh = SshOptions { agent: Some(empty.socket.clone()), ..SshOptions::default() };
    lasting(door.with(ssh).fetch(), &["it holds no key", "ssh-add"]);
    let ssh = SshOptions { agent: Some(root.join("none")), ..SshOptions::default() };
    lasting(door.with(ssh).fetch(), &["the agent at", "none"]);
}

#[test]
fn a_server_proves_who_it_is() {
    let door = Door::new("");
    let (server, root) = (&door.server, door.scene.root.path());
    for kind in ["ed25519", "ecdsa", "rsa"] {
        door.known_by(&server.line(kind));
    }
    let key = server.host_key("ecdsa");
    door.known_by(&format!("# ours\n\nother,[127.0.0.*]:{}  {key} a comment\n", server.port));
    let hashed = root.join("hashed");
    fs::write(&hashed, server.line("rsa") + "\n").unwrap();
    ssh_keygen(&["-H", "-f", hashed.to_str().unwrap()]);
    let hashed = fs::read_to_string(hashed).unwrap();
    assert!(hashed.starts_with("|1|"), "{hashed}");
    door.known_by(&hashed);

    let port = server.port;
    let unknown = "nothing is known of the host [127.0.0.1]:";
    door.not_known_by(
        "",
        &[
            unknown,
            "SHA256:",
            "(ssh-ed25519)",
            "put this line into a file for --git-known-hosts",
            &server.line("ed25519"),
        ],
    );
    door.not_known_by(&format!("127.0.0.1 {key}"), &[unknown]);
    door.not_known_by(&format!("[127.0.0.*]:{port},![127.0.0.1]:{port} {key}"), &[unknown]);
    door.not_known_by(&format!("[127.0.0.1]:{port} ecdsa-sha2-nistp256 AAAA"), &[unknown]);
    let other = SshServer::start(root, "");
    let changed = format!("[127.0.0.1]:{port} {}", other.host_key("ed25519"));
    door.not_known_by(&changed, &["is not the one that known_hosts names", "in between", "change that line"]);
    let revoked = format!("@revoked * {}\n{}", server.host_key("ed25519"), server.line("ed25519"));
    door.not_known_by(&revoked, &["is revoked in known_hosts"]);
}

#[test]
fn an_authority_vouches_for_a_server() {
    let root = tempfile::tempdir().unwrap();
    let authority = root.path().join("authority");
    key(&authority, "ed25519", "");
    let certificate = root.path().join("host-cert.pub");
    let door = Door::new(&format!("HostCertificate {}", certificate.display()));
    let sign = |names: &str, days: &str, kind: &str| {
        let public = root.path().join("host.pub");
        fs::write(&public, door.server.host_key("ed25519")).unwrap();
        let (authority, public) = (authority.to_str().unwrap(), public.to_str().unwrap());
        let mut args = vec!["-q", "-s", authority, "-I", "x", "-n", names, "-V", days];
        args.extend(Some(kind).filter(|kind| !kind.is_empty()));
        args.push(public);
        ssh_keygen(&args);
        door.server.reload();
    };
    let public = fs::read_to_string(authority.with_extension("pub")).unwrap();
    let line = format!("@cert-authority [127.0.0.1]:{} {public}", door.server.port);
    sign("git.example.com,127.0.0.1", "-1d:+1d", "-h");
    door.known_by(&line);
    door.not_known_by(
        &format!("{line}\n@revoked * {}", door.server.host_key("ed25519")),
        &["is revoked in known_hosts"],
    );
    let other =
        line.replace(public.split(' ').nth(1).unwrap(), door.server.host_key("ed25519").split(' ').nth(1).unwrap());
    door.not_known_by(&other, &["no authority that known_hosts names"]);
    sign("git.example.com", "-1d:+1d", "-h");
    door.not_known_by(&line, &["its certificate is for git.example.com"]);
    sign("127.0.0.1", "-2d:-1d", "-h");
    door.not_known_by(&line, &["out of date"]);
}

#[test]
fn keys_that_are_of_no_use() {
    let door = Door::new("");
    let root = door.scene.root.path();
    let locked = root.join("locked");
    key(&locked, "ed25519", "open sesame");
    let wrong = root.join("wrong");
    fs::write(&wrong, "s3cret\n").unwrap();
    let text = root.join("text");
    fs::write(&text, "hello").unwrap();
    let stranger = root.join("stranger");
    key(&stranger, "ed25519", "");
    let with = |key: PathBuf, passphrase: Option<PathBuf>| {
        door.with(SshOptions { key: Some(key), passphrase, ..SshOptions::default() })
    };
    lasting(with(root.join("none"), None).fetch(), &["none", "No such file"]);
    lasting(with(text, None).fetch(), &["text", "expected a private key as ssh-keygen writes it"]);
    lasting(with(door.key.with_extension("pub"), None).fetch(), &["this is the public half"]);
    lasting(with(locked.clone(), None).fetch(), &["locked by a passphrase", "--git-ssh-passphrase"]);
    let error = says(with(locked, Some(wrong)).fetch(), &["the passphrase does not open it"]);
    assert!(!format!("{error:?} {error}").contains("s3cret"));
    lasting(with(stranger, None).fetch(), &["does not know the key SHA256:", "stranger", "deploy key"]);
    lasting(door.with(SshOptions::default()).fetch(), &["landwaiter identity", "--git-ssh-key"]);
    // A key that is given to the server later is of use without a restart.
    let late = root.join("late");
    key(&late, "ed25519", "");
    let mirror = with(late.clone(), None);
    mirror.fetch().unwrap_err();
    door.server.authorize(&late, GIT_SHELL);
    mirror.fetch().unwrap();
}

#[test]
fn what_the_server_does_not_allow() {
    let door = Door::new("");
    let gone = Options {
        url: RemoteUrl::parse(&door.server.url(&door.scene.root.path().join("none.git"))).unwrap(),
        ..door.options(&door.server.line("ed25519"))
    };
    lasting(
        Mirror::open(gone).unwrap().fetch(),
        &["none.git", "refused reading the repository", "does not appear to be a git repository"],
    );

    let mirror = door.open();
    let base = mirror.fetch().unwrap();
    let commit = write(&mirror, &base, "README.md", "ours\n");
    door.scene.repo.hook("pre-receive", "echo 'no deploys on a Friday' >&2; exit 1");
    match mirror.push(&base, commit).unwrap() {
        PushOutcome::Refused { reason, messages } => {
            assert_eq!(
                (reason.as_str(), messages),
                ("pre-receive hook declined", vec!["no deploys on a Friday".to_owned()])
            );
        }
        other => panic!("{other:?}"),
    }
    // A key that may only read.
    let script = r#"restrict,command="case \"$SSH_ORIGINAL_COMMAND\" in git-upload-pack*) git-shell -c \"$SSH_ORIGINAL_COMMAND\";; *) echo 'ERROR: this key may only read' >&2; exit 1;; esac""#;
    door.server.authorize(&door.key, script);
    drop((mirror, base));
    let mirror = door.open();
    let base = mirror.fetch().unwrap();
    let commit = write(&mirror, &base, "README.md", "ours\n");
    match mirror.push(&base, commit).unwrap() {
        PushOutcome::Refused { reason, .. } => assert!(reason.contains("this key may only read"), "{reason}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(door.scene.repo.head(), base.commit().to_string());
    drop((mirror, base));
    // Somebody's greeting is no Git.
    door.server.authorize(&door.key, r#"restrict,command="echo Welcome to our server""#);
    says(door.open().fetch(), &["reading the repository"]);
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    let door = Door::new("");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let url = RemoteUrl::parse(&format!("ssh://git@127.0.0.1:{port}/a")).unwrap();
    let options = Options { url: url.clone(), timeout: Duration::from_millis(700), ..door.options("") };
    let since = Instant::now();
    temporary(Mirror::open(options).unwrap().fetch(), &["did not end within 0.7 s"]);
    assert!(since.elapsed() < Duration::from_secs(20));
    drop(silent);
    temporary(
        Mirror::open(Options { url, ..door.options("") }).unwrap().fetch(),
        &["cannot reach", "Connection refused"],
    );
    // A command that never ends.
    door.server.authorize(&door.key, r#"restrict,command="sleep 60""#);
    let options = Options { timeout: Duration::from_millis(1500), ..door.options(&door.server.line("ed25519")) };
    temporary(Mirror::open(options).unwrap().fetch(), &["did not end within 1.5 s"]);
}

#[test]
fn a_password_is_not_for_ssh() {
    let door = Door::new("");
    let credential = Some(Credential::Given { username: None, password: Secret::new("s3cret"), source: "X".into() });
    lasting(Mirror::open(Options { credential, ..door.options("") }), &["over ssh a key proves who we are"]);
}

#[test]
fn a_deploy_key_is_made_once() {
    let door = Door::new("");
    let data = door.scene.root.path().join("new/data");
    let made = deploy_key(&data, None).unwrap();
    assert!(made.is_new && made.public.starts_with("ssh-ed25519 AAAA") && made.public.ends_with(" landwaiter"));
    let permissions = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&made.path).unwrap().permissions());
    assert_eq!(permissions & 0o777, 0o600);
    let again = deploy_key(&data, None).unwrap();
    assert_eq!((&again.public, again.is_new), (&made.public, false));
    // OpenSSH reads it, and sees the same.
    fs::write(made.path.with_extension("pub"), &made.public).unwrap();
    ssh_keygen(&["-y", "-f", made.path.to_str().unwrap()]);
    door.server.authorize(&made.path, GIT_SHELL);
    door.with(SshOptions { key: Some(made.path.clone()), ..SshOptions::default() }).fetch().unwrap();

    let other = deploy_key_anew(&data, None).unwrap();
    assert!(other.is_new && other.public != made.public);
    let old = deploy_key(&data, Some(&data.join("identity.old"))).unwrap();
    assert_eq!(old.public, made.public);
    fs::write(data.join("broken"), "-----BEGIN").unwrap();
    says(deploy_key(&data, Some(&data.join("broken"))), &["broken", "cannot read the key", "remove the file"]);
}

#[test]
fn a_proxy_leads_to_a_server_that_is_known_by_its_name() {
    let (door, host) = (Door::new(""), "ssh.example.com");
    let (proxy, folder) = (RUNTIME.block_on(Proxy::start()), door.scene.root.path());
    let url = door.server.url(&door.scene.repo.bare);
    let (user, rest) = url.strip_prefix("ssh://").unwrap().split_once("@127.0.0.1:").unwrap();
    let (port, path) = rest.split_once('/').unwrap();
    proxy.lead_plainly(host, port.parse().unwrap());
    proxy.require(&format!("Basic {}", BASE64_STANDARD.encode("bob:hunter2")));
    fs::write(folder.join("proxy"), "bob:hunter2").unwrap();
    let connection = |login: Option<&str>| ConnectionOptions {
        proxy: Some(Way::Through(proxy.url().parse().unwrap())),
        proxy_credentials: login.map(|name| folder.join(name)),
        ..ConnectionOptions::default()
    };
    let options = Options {
        url: RemoteUrl::parse(&format!("ssh://{user}@{host}/{path}")).unwrap(),
        ..door.options(&format!("{host} {}", door.server.host_key("ed25519")))
    };
    let open = |connection| Mirror::open(Options { connection, ..options.clone() });
    one_pass(&door.scene, &open(connection(Some("proxy"))).unwrap());
    assert_eq!(proxy.log(), [format!("CONNECT {host}:22 HTTP/1.1")]);

    temporary(open(connection(None)).unwrap().fetch(), &["cannot reach", &proxy.url(), "wants a user and a password"]);
    let elsewhere = Options {
        url: RemoteUrl::parse("ssh://git@ssh.example.org/a").unwrap(),
        connection: connection(Some("proxy")),
        ..options.clone()
    };
    temporary(
        Mirror::open(elsewhere).unwrap().fetch(),
        &["does not lead to ssh.example.org:22: \"HTTP/1.1 502 Bad Gateway\""],
    );
    // What is no proxy: a server that speaks first, and one that says nothing.
    let of =
        |address: String| ConnectionOptions { proxy: Some(Way::Through(address.parse().unwrap())), ..connection(None) };
    temporary(open(of(format!("http://127.0.0.1:{port}"))).unwrap().fetch(), &["hung up; it is perhaps no HTTP proxy"]);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    temporary(open(of(format!("http://{closed}"))).unwrap().fetch(), &["cannot reach", "refused"]);
    lasting(open(of("https://proxy.example.com".into())), &["spoken to by http; give it as http://"]);
    fs::write(folder.join("proxy"), "hunter2").unwrap();
    let error = says(open(connection(Some("proxy"))), &["proxy", "expected one line, `user:password`"]);
    assert!(!error.to_string().contains("hunter2"));
}

//! A real `sshd` before real repositories: keys made by `ssh-keygen`, a Git shell and nothing else for whoever
//! gets in.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::binary::wait_until;

/// A server with a host key of each kind, which takes the keys in its folder `authorized_keys`.
pub(crate) struct SshServer {
    pub(crate) folder: PathBuf,
    pub(crate) port: u16,
    child: Child,
}

impl SshServer {
    /// Starts one in a folder of its own, with `settings` beside ours.
    pub(crate) fn start(root: &Path, settings: &str) -> Self {
        let folder = root.join(format!("sshd-{}", fastrand::u64(..)));
        fs::create_dir(&folder).unwrap();
        for kind in ["ed25519", "ecdsa", "rsa"] {
            key(&folder.join(format!("host_{kind}")), kind, "");
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let shown = folder.display();
        let config = format!(
            "{settings}\nListenAddress 127.0.0.1:{port}\nHostKey {shown}/host_ed25519\nHostKey {shown}/host_ecdsa\n\
             HostKey {shown}/host_rsa\nPidFile none\nUsePAM no\nStrictModes no\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\nLogLevel VERBOSE\n\
             AuthorizedKeysFile {shown}/authorized_keys\n"
        );
        fs::write(folder.join("config"), config).unwrap();
        fs::write(folder.join("authorized_keys"), "").unwrap();
        // Where it locks itself up before somebody has signed in; the package leaves making it to the service.
        let _ = fs::create_dir("/run/sshd");
        let log = fs::File::create(folder.join("log")).unwrap();
        let child = Command::new("/usr/sbin/sshd")
            .args(["-D", "-e", "-f"])
            .arg(folder.join("config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("sshd of OpenSSH");
        let server = Self { folder, port, child };
        wait_until("the ssh server", || TcpStream::connect(("127.0.0.1", port)).ok(), || server.log());
        server
    }

    /// The address of a repository.
    pub(crate) fn url(&self, repository: &Path) -> String {
        format!("ssh://{}@127.0.0.1:{}{}", user(), self.port, repository.display())
    }

    /// Lets a key in, as far as `options` go: `command="…"`.
    pub(crate) fn authorize(&self, key: &Path, options: &str) {
        let public = fs::read_to_string(key.with_extension("pub")).unwrap();
        fs::write(self.folder.join("authorized_keys"), format!("{options} {public}")).unwrap();
    }

    /// What the server is known by: a line of `known_hosts`.
    pub(crate) fn line(&self, kind: &str) -> String {
        format!("[127.0.0.1]:{} {}", self.port, self.host_key(kind))
    }

    /// One of its public keys.
    pub(crate) fn host_key(&self, kind: &str) -> String {
        let public = fs::read_to_string(self.folder.join(format!("host_{kind}.pub"))).unwrap();
        public.split(' ').take(2).collect::<Vec<_>>().join(" ")
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap()
    }

    /// Has it read its files again, and waits until it has.
    pub(crate) fn reload(&self) {
        let signal = |name: &str| {
            assert!(Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap().success());
        };
        let lines = |log: &str| log.matches("Server listening").count();
        let before = lines(&self.log());
        signal("HUP");
        wait_until("the server to begin anew", || (lines(&self.log()) > before).then_some(()), || self.log());
    }

    /// Ends all connections that there are, and goes on listening.
    pub(crate) fn cut_connections(&self) {
        let parent = self.child.id().to_string();
        let cut = Command::new("pkill").args(["-KILL", "-P", &parent]).status().unwrap();
        assert!(cut.success(), "there is a connection");
        let children = || Command::new("pgrep").args(["-P", &parent]).output().unwrap().stdout;
        wait_until("the connections to end", || children().is_empty().then_some(()), || self.log());
    }

    /// How often somebody signed in.
    pub(crate) fn sign_ins(&self) -> usize {
        self.log().matches("Accepted publickey").count()
    }
}

impl Drop for SshServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The restriction of a key to the shell of Git, which runs its services and nothing else.
pub(crate) const GIT_SHELL: &str = r#"restrict,command="git-shell -c \"$SSH_ORIGINAL_COMMAND\"""#;

/// Who this test runs as, and so who may sign in.
fn user() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Makes a key pair with `ssh-keygen`.
pub(crate) fn key(path: &Path, kind: &str, passphrase: &str) {
    let mut args = vec!["-q", "-t", kind, "-N", passphrase, "-C", "test", "-f", path.to_str().unwrap()];
    if kind == "rsa" {
        // Larger ones take seconds to make.
        args.extend(["-b", "2048"]);
    }
    ssh_keygen(&args);
}

#[track_caller]
pub(crate) fn ssh_keygen(args: &[&str]) {
    let output = Command::new("ssh-keygen").args(args).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "ssh-keygen {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// An agent that holds keys, until it is dropped.
pub(crate) struct Agent {
    pub(crate) socket: PathBuf,
    child: Child,
}

impl Agent {
    pub(crate) fn start(folder: &Path, keys: &[&Path]) -> Self {
        let socket = folder.join(format!("agent-{}", fastrand::u32(..)));
        let child = Command::new("ssh-agent").args(["-D", "-a"]).arg(&socket).stdout(Stdio::null()).spawn().unwrap();
        let agent = Self { socket, child };
        wait_until("the agent", || UnixStream::connect(&agent.socket).ok(), String::new);
        for key in keys {
            fs::set_permissions(key, fs::Permissions::from_mode(0o600)).unwrap();
            let added =
                Command::new("ssh-add").arg("-q").arg(key).env("SSH_AUTH_SOCK", &agent.socket).status().unwrap();
            assert!(added.success());
        }
        agent
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

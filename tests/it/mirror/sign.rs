//! Signed commits, as real Git sees them: `git verify-commit` with ssh and with gpg.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use jiff::Timestamp;
use landwaiter::git::{CommitId, Mirror, Options, Signing};

use super::super::ssh_server::key;
use super::{FILES, Scene, accepted, bot, lasting, path};

/// A commit that is signed with a key and pushed.
fn signed(scene: &Scene, signing: Signing) -> CommitId {
    let mirror =
        Mirror::open(Options { signing: Some(signing), ..scene.options(&scene.server.url("config.git")) }).unwrap();
    let base = mirror.fetch().unwrap();
    let changes = [(path("README.md"), format!("{}\n", fastrand::u64(..)).into_bytes())];
    // The key was made a moment ago, and signs nothing that is older.
    let commit = mirror.commit(&base, &changes, "Update it", &bot(), &bot(), Timestamp::now()).unwrap().unwrap();
    accepted(mirror.push(&base, commit));
    scene.is_sound();
    commit
}

/// What Git says of the signature of a commit: whether it is good, and its words.
fn verify(scene: &Scene, commit: CommitId, config: &[&str], home: &Path) -> (bool, String) {
    let output = Command::new("git")
        .args(config.iter().flat_map(|setting| ["-c", setting]))
        .args(["verify-commit", &commit.to_string()])
        .current_dir(&scene.repo.bare)
        .env("GNUPGHOME", home)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn an_ssh_key_signs_what_git_verifies() {
    let scene = Scene::new(FILES);
    let root = scene.root.path();
    let mut signers = String::new();
    let mut commits = Vec::new();
    for (kind, passphrase) in [("ed25519", ""), ("ecdsa", "open sesame"), ("rsa", "")] {
        let secret = root.join(kind);
        key(&secret, kind, passphrase);
        let public = fs::read_to_string(secret.with_extension("pub")).unwrap();
        signers = [signers, format!("bot@example.com {public}")].concat();
        let file = root.join("passphrase");
        fs::write(&file, format!("{passphrase}\n")).unwrap();
        let passphrase = (!passphrase.is_empty()).then_some(file);
        commits.push((kind, signed(&scene, Signing { key: secret, passphrase })));
    }
    let file = root.join("signers");
    fs::write(&file, &signers).unwrap();
    let config = format!("gpg.ssh.allowedSignersFile={}", file.display());
    for (kind, commit) in &commits {
        let (is_good, words) = verify(&scene, *commit, &[&config], root);
        assert!(is_good && words.contains("Good \"git\" signature for bot@example.com"), "{kind}: {words}");
    }
    fs::write(&file, signers.lines().next().unwrap()).unwrap();
    assert!(!verify(&scene, commits[1].1, &[&config], root).0, "somebody else's key");
}

/// A home for gpg, removed with its agent.
struct Gnupg(PathBuf);

impl Gnupg {
    fn new(scene: &Scene) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let home = scene.root.path().join("gnupg");
        fs::create_dir(&home).unwrap();
        fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
        Self(home)
    }

    #[track_caller]
    fn run(&self, args: &[&str]) -> String {
        let fixed = ["--batch", "--quiet", "--pinentry-mode", "loopback"];
        let output = Command::new("gpg").args(fixed).args(args).env("GNUPGHOME", &self.0).stdin(Stdio::null()).output();
        let output = output.unwrap();
        assert!(output.status.success(), "gpg {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Makes a key for a user, and gives the file of its secret half.
    fn key(&self, user: &str, kind: &str, usage: &str, passphrase: &str) -> PathBuf {
        self.run(&["--passphrase", passphrase, "--quick-generate-key", user, kind, usage, "1y"]);
        self.export(user, passphrase)
    }

    fn export(&self, user: &str, passphrase: &str) -> PathBuf {
        let file = self.0.join(user);
        fs::write(&file, self.run(&["--passphrase", passphrase, "--armor", "--export-secret-keys", user])).unwrap();
        file
    }

    fn fingerprint(&self, user: &str) -> String {
        let listed = self.run(&["--with-colons", "--list-keys", user]);
        let line = listed.lines().find_map(|line| line.strip_prefix("fpr:")).unwrap();
        line.trim_matches(':').to_owned()
    }
}

impl Drop for Gnupg {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf").args(["--kill", "all"]).env("GNUPGHOME", &self.0).status();
    }
}

#[test]
fn an_openpgp_key_signs_what_git_verifies() {
    let scene = Scene::new(FILES);
    let gnupg = Gnupg::new(&scene);
    let passphrase = scene.root.path().join("passphrase");
    fs::write(&passphrase, "open sesame\n").unwrap();
    let plain = gnupg.key("plain@example.com", "ed25519", "sign", "");
    let locked = gnupg.key("locked@example.com", "rsa2048", "sign", "open sesame");
    // A key for certifying, and the one that signs below it.
    gnupg.key("subkey@example.com", "ed25519", "cert", "");
    let fingerprint = gnupg.fingerprint("subkey@example.com");
    gnupg.run(&["--passphrase", "", "--quick-add-key", &fingerprint, "rsa2048", "sign", "1y"]);
    let subkey = gnupg.export("subkey@example.com", "");
    for (key, passphrase, user) in [
        (plain.clone(), None, "plain@example.com"),
        (locked.clone(), Some(passphrase.clone()), "locked@example.com"),
        (subkey, None, "subkey@example.com"),
    ] {
        let commit = signed(&scene, Signing { key, passphrase });
        let (is_good, words) = verify(&scene, commit, &[], &gnupg.0);
        assert!(is_good && words.contains("Good signature from") && words.contains(user), "{user}: {words}");
    }
}

#[test]
fn keys_that_cannot_sign_are_told_at_the_start() {
    let scene = Scene::new(FILES);
    let gnupg = Gnupg::new(&scene);
    let root = scene.root.path();
    let wrong = root.join("wrong");
    fs::write(&wrong, "s3cret\n").unwrap();
    let locked = gnupg.key("locked@example.com", "ed25519", "sign", "open sesame");
    let certifier = gnupg.key("certifier@example.com", "ed25519", "cert", "");
    let public = root.join("public");
    fs::write(&public, gnupg.run(&["--armor", "--export", "locked@example.com"])).unwrap();
    let ssh = root.join("ssh");
    key(&ssh, "ed25519", "open sesame");
    for (key, passphrase, words) in [
        (root.join("none"), None, "No such file"),
        (locked.clone(), None, "--git-signing-passphrase"),
        (locked, Some(wrong.clone()), "the passphrase may be another one"),
        (certifier, None, "none of its keys may sign"),
        (public, None, "expected a private key"),
        (ssh.clone(), None, "--git-signing-passphrase"),
        (ssh.clone(), Some(wrong), "the passphrase does not open it"),
        (ssh.clone(), Some(root.join("none")), "its passphrase file"),
        (ssh.with_extension("pub"), None, "this is the public half"),
    ] {
        let options = scene.options(&scene.server.url("config.git"));
        let signing = Some(Signing { key: key.clone(), passphrase });
        let opened = Mirror::open(Options { signing, ..options });
        lasting(opened, &["signing key", &key.display().to_string(), words]);
    }
}

//! Our own key: read from a file, or made for this installation.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, HashAlg, PrivateKey, decode_secret_key};
use zeroize::Zeroizing;

use super::super::Error;
use super::Trouble;
use crate::plain::causes;

/// The name of a deploy key in the data directory.
const FILE: &str = "identity";

/// A key that was made for this installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployKey {
    /// Where its secret half is.
    pub path: PathBuf,
    /// Its public half as a forge takes it: `ssh-ed25519 AAAA… landwaiter`.
    pub public: String,
    /// By which forges show it: `SHA256:…`.
    pub fingerprint: String,
    /// Whether it was made just now.
    pub is_new: bool,
}

/// The deploy key of a data directory, or the one at `path`; made when there is none.
///
/// # Errors
/// [`Error::Store`] when it cannot be read or written.
pub fn deploy_key(data_dir: &Path, path: Option<&Path>) -> Result<DeployKey, Error> {
    let path = path.map_or_else(|| data_dir.join(FILE), Path::to_owned);
    match fs::read_to_string(&path) {
        Ok(text) => {
            // The public half stands outside of what a passphrase hides.
            let key = PrivateKey::from_openssh(&text).map_err(|error| {
                Error::store(&path, "read the key", format!("{error}; remove the file, or name another"))
            })?;
            DeployKey::of(path, &key, false)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(path, false),
        Err(error) => Err(Error::store(&path, "read the key", error)),
    }
}

/// As [`deploy_key`], but another one than there was, which is kept beside it with `.old` at its name.
///
/// # Errors
/// [`Error::Store`] when it cannot be written.
pub fn deploy_key_anew(data_dir: &Path, path: Option<&Path>) -> Result<DeployKey, Error> {
    make(path.map_or_else(|| data_dir.join(FILE), Path::to_owned), true)
}

fn make(path: PathBuf, replaces: bool) -> Result<DeployKey, Error> {
    let failed = |error: &dyn std::fmt::Display| Error::store(&path, "write the key", error);
    let mut key =
        PrivateKey::random(&mut russh::keys::key::safe_rng(), Algorithm::Ed25519).map_err(|error| failed(&error))?;
    key.set_comment("landwaiter");
    let text = key.to_openssh(LineEnding::LF).map_err(|error| failed(&error))?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| failed(&error))?;
    }
    // Whole or not at all, and never readable by others, not even for a moment.
    let mut name = path.clone().into_os_string();
    name.push(".new");
    let new = PathBuf::from(name);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&new).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|error| failed(&error))?;
    if replaces && path.exists() {
        let mut old = path.clone().into_os_string();
        old.push(".old");
        fs::rename(&path, old).map_err(|error| failed(&error))?;
    }
    // Whoever came first keeps its place: two processes must not print two keys.
    let placed = fs::hard_link(&new, &path);
    fs::remove_file(&new).map_err(|error| failed(&error))?;
    match placed {
        Ok(()) => DeployKey::of(path, &key, true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => deploy_key(Path::new(""), Some(&path)),
        Err(error) => Err(failed(&error)),
    }
}

impl DeployKey {
    /// Where the deploy key of a data directory is, if there is one.
    #[must_use]
    pub fn in_directory(data_dir: &Path) -> Option<PathBuf> {
        Some(data_dir.join(FILE)).filter(|path| path.is_file())
    }

    fn of(path: PathBuf, key: &PrivateKey, is_new: bool) -> Result<Self, Error> {
        let public = key.public_key();
        let line = public.to_openssh().map_err(|error| Error::store(&path, "read the key", error))?;
        let fingerprint = public.fingerprint(HashAlg::Sha256).to_string();
        Ok(Self { path, public: line, fingerprint, is_new })
    }
}

/// Reads a private key: OpenSSH's own form, PKCS#8 or PKCS#1.
pub(super) fn load(path: &Path, passphrase: Option<&Path>) -> Result<PrivateKey, Trouble> {
    let source = format!("the key file {}", path.display());
    let unusable = |problem: String| Trouble::Key { source: source.clone(), problem };
    let text = Zeroizing::new(fs::read_to_string(path).map_err(|error| unusable(error.to_string()))?);
    let passphrase = self::passphrase(passphrase).map_err(unusable)?;
    read(&text, passphrase.as_deref().map(String::as_str), "--git-ssh-passphrase").map_err(unusable)
}

/// The signature of a text, as `ssh-keygen -Y sign -n git` makes it.
pub(in crate::git) fn sign(key: &str, passphrase: Option<&str>, text: &[u8]) -> Result<String, String> {
    let key = read(key, passphrase, "--git-signing-passphrase")?;
    let signature = key.sign("git", HashAlg::Sha512, text).map_err(|error| causes(&error))?;
    signature.to_pem(LineEnding::LF).map_err(|error| causes(&error))
}

/// The passphrase in a file, without the end of its line.
pub(in crate::git) fn passphrase(file: Option<&Path>) -> Result<Option<Zeroizing<String>>, String> {
    let Some(file) = file else { return Ok(None) };
    let mut text =
        fs::read_to_string(file).map_err(|error| format!("its passphrase file {}: {error}", file.display()))?;
    text.truncate(text.trim_end_matches(['\n', '\r']).len());
    Ok(Some(Zeroizing::new(text)))
}

fn read(text: &str, passphrase: Option<&str>, option: &str) -> Result<PrivateKey, String> {
    if text.trim_start().starts_with("ssh-") || text.trim_start().starts_with("ecdsa-") {
        return Err("this is the public half; name the file with the private one".into());
    }
    decode_secret_key(text, passphrase).map_err(|error| {
        let is_locked =
            text.contains("ENCRYPTED") || PrivateKey::from_openssh(text).is_ok_and(|key| key.is_encrypted());
        match (is_locked, passphrase) {
            (true, None) => format!("it is locked by a passphrase; name a file that holds it with {option}"),
            (true, Some(_)) => "the passphrase does not open it".into(),
            (false, _) => format!("expected a private key as ssh-keygen writes it: {}", causes(&error)),
        }
    })
}

//! The signature of a commit, as `git verify-commit` checks it: by an ssh key (`gpg.format=ssh`) or by an
//! OpenPGP key, whichever the file holds. It must not know what it signs.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use pgp::composed::{ArmorOptions, Deserializable as _, DetachedSignature, SignedSecretKey};
use pgp::packet::{Signature, SignatureConfig, SignatureType, Subpacket, SubpacketData};
use pgp::types::{KeyDetails, KeyVersion, Password, SecretParams, SigningKey};
use zeroize::Zeroizing;

use super::{Error, ssh};
use crate::plain::causes;

/// With what commits are signed. Both files are read for each commit, so that a rotated key needs no restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signing {
    /// The private key: OpenSSH's form, or an armoured OpenPGP key block.
    pub key: PathBuf,
    /// A file with its passphrase.
    pub passphrase: Option<PathBuf>,
}

const OPENPGP: &str = "-----BEGIN PGP PRIVATE KEY BLOCK-----";

impl Signing {
    /// The value of the header `gpgsig` for a commit in its bytes, made at `now`.
    ///
    /// # Errors
    /// [`Error::SigningKey`] when the key cannot be used.
    pub(super) fn sign(&self, commit: &[u8], now: Timestamp) -> Result<String, Error> {
        let unusable = |problem: String| Error::SigningKey { path: self.key.clone(), problem };
        let text = fs::read_to_string(&self.key).map_err(|error| unusable(error.to_string()))?;
        let passphrase = ssh::passphrase(self.passphrase.as_deref()).map_err(unusable)?;
        let text = Zeroizing::new(text);
        let signature = if text.contains(OPENPGP) {
            by_openpgp(&text, passphrase.as_deref().map(String::as_str), commit, now)
        } else {
            ssh::sign(&text, passphrase.as_deref().map(String::as_str), commit)
        };
        Ok(signature.map_err(unusable)?.trim_end().to_owned())
    }

    /// Whether the key can be used, before there is something to sign.
    pub(super) fn check(&self, now: Timestamp) -> Result<(), Error> {
        self.sign(b"", now).map(drop)
    }
}

fn by_openpgp(text: &str, passphrase: Option<&str>, commit: &[u8], now: Timestamp) -> Result<String, String> {
    let read = SignedSecretKey::from_armor_single(text.as_bytes());
    let (key, _) = read.map_err(|error| format!("expected an armoured OpenPGP key: {}", causes(&error)))?;
    key.verify_bindings().map_err(|error| format!("its parts do not belong together: {}", causes(&error)))?;
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    let moment = UNIX_EPOCH + Duration::from_secs(seconds);
    let subkeys = key.secret_subkeys.iter().filter(|subkey| may_sign(&subkey.signatures, created(&subkey.key), moment));
    let password = passphrase.map_or_else(Password::empty, Password::from);
    let signature = if let Some(subkey) = subkeys.max_by_key(|subkey| created(&subkey.key)) {
        is_open(subkey.key.secret_params(), passphrase)?;
        sign_with(&subkey.key, &password, commit, moment)
    } else {
        let details = &key.details;
        let of_users = details.users.iter().flat_map(|user| &user.signatures);
        let certifications: Vec<_> = details.direct_signatures.iter().chain(of_users).cloned().collect();
        let is_revoked = !details.revocation_signatures.is_empty();
        if is_revoked || !may_sign(&certifications, created(&key.primary_key), moment) {
            return Err("none of its keys may sign: they are for something else, out of date, or revoked".into());
        }
        is_open(key.primary_key.secret_params(), passphrase)?;
        sign_with(&key.primary_key, &password, commit, moment)
    };
    let armoured = signature.and_then(|signature| {
        DetachedSignature::new(signature).to_armored_string(ArmorOptions::default()).map_err(|error| causes(&error))
    });
    armoured.map_err(|problem| match passphrase {
        Some(_) => format!("it does not sign ({problem}); the passphrase may be another one"),
        None => format!("it does not sign: {problem}"),
    })
}

fn is_open(params: &SecretParams, passphrase: Option<&str>) -> Result<(), String> {
    match (params, passphrase) {
        (SecretParams::Encrypted(_), None) => {
            Err("it is locked by a passphrase; name a file that holds it with --git-signing-passphrase".into())
        }
        _ => Ok(()),
    }
}

fn created(key: &impl KeyDetails) -> SystemTime {
    key.created_at().into()
}

/// What the signatures about a key say: that it signs, and at this time.
fn may_sign(signatures: &[Signature], created: SystemTime, now: SystemTime) -> bool {
    let is_revoked = signatures.iter().any(|signature| {
        matches!(signature.typ(), Some(SignatureType::SubkeyRevocation | SignatureType::KeyRevocation))
    });
    let latest = signatures.iter().filter(|signature| signature.config().is_some()).max_by_key(|about| about.created());
    let Some(latest) = latest.filter(|_| !is_revoked) else { return false };
    let expires = latest.key_expiration_time().map(|span| Duration::from_secs(span.as_secs().into()));
    let is_over = expires.is_some_and(|span| !span.is_zero() && created + span <= now);
    latest.key_flags().sign() && !is_over
}

fn sign_with(key: &impl SigningKey, password: &Password, commit: &[u8], now: SystemTime) -> Result<Signature, String> {
    if key.version() != KeyVersion::V4 {
        return Err("keys of version 4 are supported, which is what gpg makes".into());
    }
    let mut config = SignatureConfig::v4(SignatureType::Binary, key.algorithm(), key.hash_alg());
    let subpackets = || {
        let made = now.try_into().map_err(|_| "the time cannot be written".to_owned())?;
        let regular = |data| Subpacket::regular(data).map_err(|error| causes(&error));
        Ok::<_, String>((
            vec![
                regular(SubpacketData::SignatureCreationTime(made))?,
                regular(SubpacketData::IssuerFingerprint(key.fingerprint()))?,
            ],
            vec![regular(SubpacketData::IssuerKeyId(key.legacy_key_id()))?],
        ))
    };
    (config.hashed_subpackets, config.unhashed_subpackets) = subpackets()?;
    config.sign(key, password, commit).map_err(|error| causes(&error))
}

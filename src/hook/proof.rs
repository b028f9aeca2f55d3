//! How a sender proves who it is. All comparisons take the same time whatever is compared. The only door to
//! the cryptography of hooks; it must not know what is said.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use ring::hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY, HMAC_SHA256, HMAC_SHA512, Key};
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};

use super::{Head, PublicKey, Rejection, Secrets};

/// How long a moment that is signed by Standard Webhooks may lie back, or ahead.
const WINDOW: SignedDuration = SignedDuration::from_mins(5);

/// How a kind of sender proves itself. Where it can sign it signs, and what it shows does not count beside a
/// signature.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    /// Headers with a signature of the body.
    pub(super) signatures: &'static [Signature],
    /// Whether it may sign as Standard Webhooks has it, with the moment.
    pub(super) standard: bool,
    /// Headers that may show the secret itself.
    pub(super) headers: &'static [&'static str],
    /// Whether the end of the path may show it.
    pub(super) path: bool,
}

/// Where a signature stands, and how it is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signature {
    /// The header, in lower case.
    pub(super) header: &'static str,
    /// What stands before the hexadecimal digits.
    pub(super) prefix: &'static str,
    pub(super) hash: Hash,
}

/// The hash of a signature.
#[derive(Debug, Clone, Copy)]
pub(super) enum Hash {
    Sha1,
    Sha256,
    Sha512,
}

impl Way {
    /// The secret at the end of the path, for senders that can neither sign nor set a header.
    pub(super) const PATH: Self = Self { signatures: &[], standard: false, headers: &[], path: true };

    /// The secret in a header that people choose at the sender, or at the end of the path.
    pub(super) const HEADER: Self = Self { headers: &["authorization", "x-api-key", "x-webhook-secret"], ..Self::PATH };

    /// A signature of the body, and nothing else.
    pub(super) const fn signed(signatures: &'static [Signature]) -> Self {
        Self { signatures, standard: false, headers: &[], path: false }
    }

    /// Whether the secret has to fit into a URL.
    pub(super) fn is_in_url(&self) -> bool {
        self.path && self.headers.is_empty()
    }

    /// What can be told without the body.
    pub(super) fn admit(&self, secrets: &Secrets, head: &Head<'_>) -> Result<(), Rejection> {
        if head.path_secret.is_some() && !self.path {
            return Err(Rejection::Unproved("this sender does not show its secret: its URL ends with the name"));
        }
        if self.is_signed(head) { Ok(()) } else { self.shown(secrets, head) }
    }

    /// Whether all of it is proved.
    pub(super) fn prove(
        &self,
        secrets: &Secrets,
        head: &Head<'_>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), Rejection> {
        self.admit(secrets, head)?;
        if self.standard && head.get("webhook-signature").is_some() {
            return standard(secrets, head, body, now);
        }
        let given = self.signatures.iter().find_map(|way| Some((way, head.get(way.header)?)));
        let Some((way, given)) = given else { return Ok(()) };
        let mac = given.strip_prefix(way.prefix).and_then(unhexed);
        let mac = mac.ok_or(Rejection::Unproved("the signature has another form"))?;
        let good = secrets.each().any(|secret| is_mac(way.hash, secret.as_bytes(), body, &mac));
        if good { Ok(()) } else { Err(Rejection::Unproved("the signature is not made with this secret")) }
    }

    fn is_signed(&self, head: &Head<'_>) -> bool {
        (self.standard && head.get("webhook-signature").is_some())
            || self.signatures.iter().any(|signature| head.get(signature.header).is_some())
    }

    /// Whether one of the secrets is shown.
    fn shown(&self, secrets: &Secrets, head: &Head<'_>) -> Result<(), Rejection> {
        let in_path = head.path_secret.map(|secret| secret.as_bytes().to_vec());
        let in_headers = self.headers.iter().filter_map(|name| Some(bare(head.get(name)?)));
        let given: Vec<_> = in_path.into_iter().chain(in_headers).collect();
        if given.is_empty() {
            return Err(Rejection::Unproved(if self.path {
                "no secret is shown"
            } else {
                "there is no signature; give the sender the secret"
            }));
        }
        let good = given.iter().any(|given| secrets.each().any(|secret| is_same(secret.as_bytes(), given)));
        if good { Ok(()) } else { Err(Rejection::Unproved("another secret is shown")) }
    }
}

/// The signature of Standard Webhooks: of the id, the moment and the body.
fn standard(secrets: &Secrets, head: &Head<'_>, body: &[u8], now: Timestamp) -> Result<(), Rejection> {
    let missing = || Rejection::Unproved("the signature has another form");
    let id = head.get("webhook-id").ok_or_else(missing)?;
    let second = head.get("webhook-timestamp").ok_or_else(missing)?;
    let signatures = head.get("webhook-signature").ok_or_else(missing)?;
    let macs: Vec<_> = signatures
        .split(' ')
        .filter_map(|signature| BASE64_STANDARD.decode(signature.strip_prefix("v1,")?).ok())
        .collect();
    let signed = [id.as_bytes(), b".", second.as_bytes(), b".", body].concat();
    let good = secrets.each().any(|secret| {
        let key = match secret.strip_prefix("whsec_").map(|key| BASE64_STANDARD.decode(key)) {
            Some(Ok(key)) => key,
            _ => secret.as_bytes().to_vec(),
        };
        macs.iter().any(|mac| is_mac(Hash::Sha256, &key, &signed, mac))
    });
    if !good {
        return Err(Rejection::Unproved("the signature is not made with this secret"));
    }
    let moment = second.parse().ok().and_then(|second| Timestamp::from_second(second).ok()).ok_or_else(missing)?;
    within(WINDOW, moment, now)
}

/// Whether a signed moment is not too long ago, nor ahead of us.
pub(super) fn within(window: SignedDuration, moment: Timestamp, now: Timestamp) -> Result<(), Rejection> {
    let age = now.duration_since(moment);
    if age > window {
        Err(Rejection::Stale(format!(
            "it was made at {moment:.0}, which is too long ago: a recorded one may be sent again"
        )))
    } else if age < -WINDOW {
        Err(Rejection::Stale(format!("it was made at {moment:.0}, which is still to come: one of the clocks is wrong")))
    } else {
        Ok(())
    }
}

/// What a header shows: the value itself, behind `Bearer`, or as the password of `Basic`.
fn bare(value: &str) -> Vec<u8> {
    let of_scheme = |scheme: &str| {
        let (word, rest) = value.split_once(' ')?;
        word.eq_ignore_ascii_case(scheme).then(|| rest.trim())
    };
    if let Some(token) = of_scheme("bearer") {
        return token.into();
    }
    let pair = of_scheme("basic").and_then(|pair| BASE64_STANDARD.decode(pair).ok());
    let password = pair.and_then(|pair| {
        let colon = pair.iter().position(|&byte| byte == b':')?;
        Some(pair[colon + 1..].to_vec())
    });
    password.unwrap_or_else(|| value.trim().into())
}

impl Secrets {
    /// Whether this is one of them. Takes the same time whatever is shown.
    #[must_use]
    pub fn admit(&self, shown: &[u8]) -> bool {
        self.each().fold(false, |admitted, secret| is_same(secret.as_bytes(), shown) | admitted)
    }
}

/// Whether two secrets are the same, told in the same time wherever they differ and however long they are.
fn is_same(secret: &[u8], given: &[u8]) -> bool {
    let key = Key::new(HMAC_SHA256, b"both are hashed, so that their lengths are equal");
    hmac::verify(&key, secret, hmac::sign(&key, given).as_ref()).is_ok()
}

fn is_mac(hash: Hash, secret: &[u8], message: &[u8], mac: &[u8]) -> bool {
    let algorithm = match hash {
        Hash::Sha1 => HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        Hash::Sha256 => HMAC_SHA256,
        Hash::Sha512 => HMAC_SHA512,
    };
    hmac::verify(&Key::new(algorithm, secret), message, mac).is_ok()
}

/// Whether an RSA signature (PKCS #1, 2048 bits at least) is made with this key. `Sha512` is nobody's.
pub(super) fn is_signed_by(key: &PublicKey, hash: Hash, message: &[u8], signature: &[u8]) -> bool {
    let parameters = match hash {
        Hash::Sha1 => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
        Hash::Sha256 => &RSA_PKCS1_2048_8192_SHA256,
        Hash::Sha512 => return false,
    };
    let (n, e) = key.parts();
    RsaPublicKeyComponents { n, e }.verify(parameters, message, signature).is_ok()
}

/// The bytes of hexadecimal digits.
fn unhexed(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?, 16).ok();
    pairs.map(byte).collect()
}

/// The bytes of base64, as mail has it.
pub(super) fn unbase64(text: &str) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(text).ok()
}

/// The bytes of base64, as tokens have it.
pub(super) fn unbase64_url(text: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()
}

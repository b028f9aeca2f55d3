//! How a sender proves who it is. All comparisons take the same time whatever is compared. The only door to
//! the cryptography of hooks; it must not know what is said.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use ring::hmac::{self, HMAC_SHA256, Key};

use super::{Head, Rejection, Secrets};

/// The headers that show a secret, where a sender can set one and cannot sign.
const SHOWN_IN: [&str; 3] = ["authorization", "x-api-key", "x-webhook-secret"];

/// How a kind of sender proves itself.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way {
    /// It shows the secret, at the end of the path or in a header.
    Shown,
    /// It signs the body; any of these headers holds the signature.
    Signed(&'static [Signature]),
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
    Sha256,
}

impl Way {
    /// Whether the secret has to fit into a URL.
    pub(super) fn is_in_url(self) -> bool {
        matches!(self, Self::Shown)
    }

    /// What can be told without the body.
    pub(super) fn admit(self, secrets: &Secrets, head: &Head<'_>) -> Result<(), Rejection> {
        match self {
            Self::Shown => shown(secrets, head),
            Self::Signed(signatures) => {
                if head.path_secret.is_some() {
                    return Err(Rejection::Unproved("this sender signs what it sends: its URL ends with the name"));
                }
                signatures
                    .iter()
                    .any(|signature| head.get(signature.header).is_some())
                    .then_some(())
                    .ok_or(Rejection::Unproved("there is no signature; give the sender the secret"))
            }
        }
    }

    /// Whether all of it is proved.
    pub(super) fn prove(
        self,
        secrets: &Secrets,
        head: &Head<'_>,
        body: &[u8],
        _now: Timestamp,
    ) -> Result<(), Rejection> {
        match self {
            Self::Shown => shown(secrets, head),
            Self::Signed(signatures) => {
                let given = signatures.iter().find_map(|way| Some((way, head.get(way.header)?)));
                let (way, given) = given.ok_or(Rejection::Unproved("there is no signature"))?;
                let mac = given.strip_prefix(way.prefix).and_then(unhexed);
                let mac = mac.ok_or(Rejection::Unproved("the signature has another form"))?;
                let good = secrets.each().any(|secret| is_mac(way.hash, secret.as_bytes(), body, &mac));
                if good { Ok(()) } else { Err(Rejection::Unproved("the signature is not made with this secret")) }
            }
        }
    }
}

/// Whether one of the secrets is shown.
fn shown(secrets: &Secrets, head: &Head<'_>) -> Result<(), Rejection> {
    let in_path = head.path_secret.map(|secret| secret.as_bytes().to_vec());
    let in_headers = SHOWN_IN.iter().filter_map(|name| Some(bare(head.get(name)?)));
    let given: Vec<_> = in_path.into_iter().chain(in_headers).collect();
    if given.is_empty() {
        return Err(Rejection::Unproved("no secret is shown, neither at the end of the URL nor in a header"));
    }
    let good = given.iter().any(|given| secrets.each().any(|secret| is_same(secret.as_bytes(), given)));
    if good { Ok(()) } else { Err(Rejection::Unproved("another secret is shown")) }
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

/// Whether two secrets are the same, told in the same time wherever they differ and however long they are.
fn is_same(secret: &[u8], given: &[u8]) -> bool {
    let key = Key::new(HMAC_SHA256, b"both are hashed, so that their lengths are equal");
    hmac::verify(&key, secret, hmac::sign(&key, given).as_ref()).is_ok()
}

fn is_mac(hash: Hash, secret: &[u8], message: &[u8], mac: &[u8]) -> bool {
    let algorithm = match hash {
        Hash::Sha256 => HMAC_SHA256,
    };
    hmac::verify(&Key::new(algorithm, secret), message, mac).is_ok()
}

/// The bytes of hexadecimal digits.
fn unhexed(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?, 16).ok())
        .collect()
}

//! A content digest: `sha256:` and 64 lower-case hex digits (or `sha512:` and 128).

use std::fmt::{self, Write as _};
use std::str::FromStr;

use sha2::{Digest as _, Sha256, Sha512};

/// The digest of a manifest or blob, as the OCI image specification writes it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(Box<str>);

/// A text that is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a digest: expected `sha256:` and 64 hex digits, or `sha512:` and 128")]
pub struct InvalidDigest {
    text: String,
}

impl Digest {
    /// Reads a digest.
    ///
    /// # Errors
    /// [`InvalidDigest`] for an unknown algorithm, a wrong length or anything but lower-case hex.
    pub fn parse(text: &str) -> Result<Self, InvalidDigest> {
        let length = match text.split_once(':') {
            Some(("sha256", _)) => 64,
            Some(("sha512", _)) => 128,
            _ => 0,
        };
        let hex = text.get(7..).unwrap_or_default();
        let lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if length != 0 && hex.len() == length && hex.bytes().all(lower_hex) {
            Ok(Self(text.into()))
        } else {
            let text = text.chars().take(140).collect();
            Err(InvalidDigest { text })
        }
    }

    /// The SHA-256 digest of `content`.
    #[must_use]
    pub fn sha256(content: &[u8]) -> Self {
        Self(format!("sha256:{}", hex(&Sha256::digest(content))).into())
    }

    /// The first half of the SHA-256 of several parts, by which content is known again within the program. No
    /// two lists of parts look alike.
    #[must_use]
    pub fn fingerprint(parts: &[&[u8]]) -> [u8; 16] {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let mut first = [0; 16];
        first.copy_from_slice(&hash.finalize()[..16]);
        first
    }

    /// Whether `content` has this digest.
    #[must_use]
    pub fn is_of(&self, content: &[u8]) -> bool {
        match self.0.split_once(':') {
            Some(("sha256", expected)) => hex(&Sha256::digest(content)) == expected,
            Some(("sha512", expected)) => hex(&Sha512::digest(content)) == expected,
            _ => false,
        }
    }

    /// The hex digits, without the algorithm.
    #[must_use]
    pub fn hex(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, hex)| hex)
    }

    /// The digest with its algorithm, `sha256:…`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Digest {
    type Err = InvalidDigest;
    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        Self::parse(text)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::Digest;

    /// The vectors of FIPS 180-2 for `abc`.
    #[test]
    fn content_has_one_digest_of_each_kind() {
        let sha256 = Digest::sha256(b"abc");
        assert_eq!(sha256.as_str(), "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(Digest::parse(sha256.as_str()).as_ref(), Ok(&sha256));
        let sha512 = "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                      2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
        for digest in [sha256, Digest::parse(sha512).unwrap()] {
            assert!(digest.is_of(b"abc") && !digest.is_of(b"abd"), "{digest}");
        }
    }

    #[test]
    fn a_fingerprint_is_of_its_parts() {
        let print = Digest::fingerprint;
        assert_eq!(print(&[b"ab", b"c"]), print(&[b"ab", b"c"]));
        for other in [&[&b"a"[..], b"bc"][..], &[b"abc"], &[b"ab", b"c", b""], &[]] {
            assert_ne!(print(&[b"ab", b"c"]), print(other));
        }
    }

    #[test]
    fn only_whole_digests() {
        let hex = "0123456789abcdef".repeat(4);
        assert!(Digest::parse(&format!("sha256:{hex}")).is_ok());
        assert!(Digest::parse(&format!("sha512:{hex}{hex}")).is_ok());
        for bad in [format!("sha256:{}", hex.to_uppercase()), format!("md5:{hex}"), format!("sha256:{}", &hex[1..])] {
            assert!(Digest::parse(&bad).is_err(), "{bad}");
        }
        assert!(Digest::parse("sha256").is_err());
    }
}

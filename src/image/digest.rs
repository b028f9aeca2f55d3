//! A content digest: `sha256:` and 64 lower-case hex digits (or `sha512:` and 128).

use std::fmt;
use std::str::FromStr;

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

#[cfg(test)]
mod tests {
    use super::Digest;

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

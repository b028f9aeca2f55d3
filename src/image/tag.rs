//! A tag: the part of an image after the last `:`. Knows its own grammar and nothing of versions.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

/// A tag as the OCI distribution specification allows it: `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}`.
///
/// Equality and order are those of the bytes; which tag is *newer* is the business of
/// [`policy::order`](crate::policy).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(Box<str>);

/// A text that no registry can hold as a tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not an image tag: a tag has 1 to 128 letters, digits, `_`, `.` or `-`, and starts with a letter, digit or `_`"
)]
pub struct InvalidTag {
    text: String,
}

impl Tag {
    /// Reads a tag.
    ///
    /// # Errors
    /// [`InvalidTag`] when the text breaks the grammar above.
    pub fn parse(text: &str) -> Result<Self, InvalidTag> {
        let bytes = text.as_bytes();
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let valid = (1..=128).contains(&bytes.len())
            && word(bytes[0])
            && bytes[1..].iter().all(|&byte| word(byte) || byte == b'.' || byte == b'-');
        if valid {
            Ok(Self(text.into()))
        } else {
            let text = text.chars().take(140).collect();
            Err(InvalidTag { text })
        }
    }

    /// The tag as the registry spells it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the tag is `latest`, in any case (as Flux has it).
    #[must_use]
    pub fn is_latest(&self) -> bool {
        self.0.eq_ignore_ascii_case("latest")
    }

    /// Whether the tag holds a signature, attestation or bill of materials instead of an image:
    /// `….sig`, `….att`, `….sbom` (cosign) and `sha256-<64 hex>` with or without a suffix (the OCI
    /// referrers tag schema).
    #[must_use]
    pub fn is_referrer(&self) -> bool {
        let hashed = self.0.strip_prefix("sha256-").is_some_and(|rest| {
            let hex = rest.split('.').next().unwrap_or_default();
            hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        hashed || [".sig", ".att", ".sbom"].iter().any(|suffix| self.0.ends_with(suffix))
    }
}

impl FromStr for Tag {
    type Err = InvalidTag;
    fn from_str(text: &str) -> Result<Self, InvalidTag> {
        Self::parse(text)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl Borrow<str> for Tag {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::Tag;

    #[test]
    fn the_grammar_of_the_specification() {
        for good in ["1", "latest", "_x", "v1.2.3-rc.1", "A_b-c.D", &"x".repeat(128)] {
            assert!(Tag::parse(good).is_ok(), "{good}");
        }
        for bad in ["", ".x", "-x", "a b", "a/b", "a:b", "ä", "1+2", &"x".repeat(129)] {
            assert!(Tag::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn signatures_and_attestations_are_no_images() {
        let hex = "0123456789abcdef".repeat(4);
        for referrer in [format!("sha256-{hex}"), format!("sha256-{hex}.sig"), "x.att".into(), "x.sbom".into()] {
            assert!(Tag::parse(&referrer).unwrap().is_referrer(), "{referrer}");
        }
        for image in ["sha256-abc", "sig", "1.0-att", "v1.sigma"] {
            assert!(!Tag::parse(image).unwrap().is_referrer(), "{image}");
        }
    }
}

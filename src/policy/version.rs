//! A tag read as a version, the loose way this field does: `v` optional, one to three numbers.
//!
//! The reading is that of Masterminds `NewVersion`: leading zeros are allowed in the three numbers and
//! not in a numeric pre-release identifier, each number fits 64 bits, missing numbers are zero, and
//! build metadata is checked and dropped. Storage and precedence are the `semver` crate's. Knows
//! nothing of constraints.

use std::fmt;

use semver::{BuildMetadata, Prerelease, Version};

/// Which texts count as versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Versions {
    /// One to three numbers, and no single number of five digits or more, unless a `v` says that it is a version.
    Careful,
    /// One to three numbers of any size, as in Flux version 1.
    Loose,
    /// All three numbers (two dots at least), as in Flux version 2.
    Full,
}

/// A text that does not say what counts as a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "versions `{text}` has no meaning; use `careful` (the default), `loose` (20240131 is one) or `full` (1.2 is none)"
)]
pub struct InvalidVersions {
    text: String,
}

impl Versions {
    /// Reads `careful`, `loose` or `full`.
    ///
    /// # Errors
    /// [`InvalidVersions`] for anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidVersions> {
        match text {
            "careful" => Ok(Self::Careful),
            "loose" => Ok(Self::Loose),
            "full" => Ok(Self::Full),
            _ => Err(InvalidVersions { text: text.chars().take(140).collect() }),
        }
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Careful => "careful",
            Self::Loose => "loose",
            Self::Full => "full",
        })
    }
}

/// Why a tag is no version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAVersion {
    /// It does not have the form `v1.2.3-pre`.
    Form,
    /// A number does not fit 64 bits.
    TooBig,
    /// What follows the first `-` is no pre-release: an empty part, `_`, or a number with a leading zero.
    Prerelease,
    /// A single number of five digits or more: rather a date or a build than a version.
    BareNumber,
    /// Not all three numbers are written.
    Partial,
}

impl fmt::Display for NotAVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "not a version",
            Self::TooBig => "not a version: a number does not fit 64 bits",
            Self::Prerelease => {
                "not a version: after the `-` there must be letters, digits and `.`, and no number with a leading zero"
            }
            Self::BareNumber => "a single number of five digits or more is taken for a date or a build, not a version",
            Self::Partial => "not a version for Flux, which wants all three numbers",
        })
    }
}

/// Reads `text` as a version. [`Versions::Careful`] refuses [`NotAVersion::BareNumber`], with or without
/// something after a `-`, unless a `v` says that it is one; [`Versions::Full`] refuses
/// [`NotAVersion::Partial`].
pub(super) fn read(text: &str, versions: Versions) -> Result<Version, NotAVersion> {
    let version = loose(text)?;
    match versions {
        Versions::Careful if is_bare_number(text) => Err(NotAVersion::BareNumber),
        Versions::Full if text.bytes().filter(|byte| *byte == b'.').count() < 2 => Err(NotAVersion::Partial),
        Versions::Careful | Versions::Loose | Versions::Full => Ok(version),
    }
}

/// Whether the number before any pre-release stands alone, and is rather a date or a build.
pub(super) fn is_bare_number(text: &str) -> bool {
    let core = text.split(['-', '+']).next().unwrap_or(text);
    core.len() >= 5 && core.bytes().all(|byte| byte.is_ascii_digit())
}

/// Reads `text` exactly as the reference does.
pub(super) fn loose(text: &str) -> Result<Version, NotAVersion> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let (text, metadata) = match text.split_once('+') {
        Some((text, metadata)) => (text, Some(metadata)),
        None => (text, None),
    };
    let (core, pre) = match text.split_once('-') {
        Some((core, pre)) => (core, Some(pre)),
        None => (text, None),
    };
    let mut numbers = [0; 3];
    let mut parts = core.split('.');
    for (index, number) in numbers.iter_mut().enumerate() {
        match parts.next() {
            Some(part) => *number = self::number(part)?,
            None if index > 0 => break,
            None => return Err(NotAVersion::Form),
        }
    }
    if parts.next().is_some() {
        return Err(NotAVersion::Form);
    }
    let [major, minor, patch] = numbers;
    let mut version = Version::new(major, minor, patch);
    if let Some(pre) = pre {
        if pre.is_empty() {
            return Err(NotAVersion::Prerelease);
        }
        version.pre = Prerelease::new(pre).map_err(|_| NotAVersion::Prerelease)?;
    }
    if metadata.is_some_and(|metadata| metadata.is_empty() || BuildMetadata::new(metadata).is_err()) {
        return Err(NotAVersion::Form);
    }
    Ok(version)
}

/// Digits alone, leading zeros allowed.
pub(super) fn number(text: &str) -> Result<u64, NotAVersion> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NotAVersion::Form);
    }
    text.parse().map_err(|_| NotAVersion::TooBig)
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::{NotAVersion, Versions, loose, read};

    #[track_caller]
    fn check(text: &str, canonical: &str) {
        assert_eq!(loose(text).map(|version| version.to_string()).as_deref(), Ok(canonical), "{text}");
    }

    #[test]
    fn loose_as_the_reference() {
        check("1", "1.0.0");
        check("1.2", "1.2.0");
        check("v1.2.3", "1.2.3");
        check("v1", "1.0.0");
        check("01.2.3", "1.2.3");
        check("1.02.3", "1.2.3");
        check("1.1.01", "1.1.1");
        check("2025.02.03", "2025.2.3");
        check("1.2.2147483648", "1.2.2147483648");
        check("20230101", "20230101.0.0");
        check("1.2-5", "1.2.0-5");
        check("v1.2-beta.5", "1.2.0-beta.5");
        check("1.2.3-0abc123", "1.2.3-0abc123");
        check("1.2.3-alpha.-1", "1.2.3-alpha.-1");
        check("1.2.0-x.Y.0+metadata-width-hypen", "1.2.0-x.Y.0");
        check("1.2.3+test.01", "1.2.3");
        check("v1.2.3-rc1-with-hypen", "1.2.3-rc1-with-hypen");
        check("20221209-update-renovatejson-v4", "20221209.0.0-update-renovatejson-v4");
    }

    #[test]
    fn what_is_no_version() {
        use NotAVersion::{Form, Prerelease, TooBig};
        for (text, why) in [
            ("", Form),
            ("v", Form),
            ("V1.2.3", Form),
            ("1.2.3.4", Form),
            ("1.2.beta", Form),
            ("1.x", Form),
            ("1.", Form),
            ("foo", Form),
            ("latest", Form),
            ("release-1.2.3", Form),
            ("b1.2.3", Form),
            ("\n1.2", Form),
            ("1.0.0p", Form),
            ("1.2.3_4", Form),
            ("1.2.3+", Form),
            ("1.1.2+.123", Form),
            ("9.8.7+meta+meta", Form),
            ("+1.2.3", Form),
            ("1.2.3-", Prerelease),
            ("1.2.3-rc.01", Prerelease),
            ("1.2.3-01", Prerelease),
            ("1.2.3-0123", Prerelease),
            ("1.2.3-beta.01", Prerelease),
            ("1.0.0-alpha_beta", Prerelease),
            ("1.0.0-alpha..", Prerelease),
            ("1.2.31----RC-SNAPSHOT.12.09.1--.12+788", Prerelease),
            ("99999999999999999999", TooBig),
        ] {
            assert_eq!(loose(text), Err(why), "{text:?}");
        }
    }

    #[test]
    fn a_bare_number_is_a_date_or_a_build_unless_flux_says_so() {
        for (text, native) in [
            ("1234", true),
            ("12345", false),
            ("20240101", false),
            ("20221209-x", false),
            ("v12345", true),
            ("12345.1", true),
            ("2024.01.31", true),
        ] {
            assert_eq!(read(text, Versions::Careful).is_ok(), native, "{text}");
            assert!(read(text, Versions::Loose).is_ok(), "{text}");
        }
    }

    #[test]
    fn precedence() {
        use Ordering::{Equal, Greater, Less};
        for (a, order, b) in [
            ("4.2", Greater, "4.2-beta"),
            ("4.2-beta.2", Greater, "4.2-beta.1"),
            ("4.2-beta2", Greater, "4.2-beta1"),
            ("4.2-beta10", Less, "4.2-beta2"),
            ("4.2-beta", Less, "4.2-beta.2"),
            ("4.2-beta", Less, "4.2-beta.foo"),
            ("1.2+bar", Equal, "1.2+baz"),
            ("1.0.0-beta.4", Less, "1.0.0-beta.-2"),
            ("1.0.0-beta.-3", Greater, "1.0.0-beta.5"),
            ("1.2.3-alpha.2", Less, "1.2.3-alpha.10"),
            ("v1.0.0", Equal, "1"),
        ] {
            assert_eq!(loose(a).unwrap().cmp(&loose(b).unwrap()), order, "{a} {b}");
        }
    }

    #[test]
    fn flux_version_2_wants_all_three_numbers() {
        for (text, version) in [
            ("1", false),
            ("v1.2", false),
            ("v1.2-5", false),
            ("1.2.3", true),
            ("v1.2.3-rc.1", true),
            ("2025.02.03", true),
        ] {
            assert_eq!(read(text, Versions::Full).is_ok(), version, "{text}");
        }
    }
}

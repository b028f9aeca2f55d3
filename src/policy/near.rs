//! How near to the current version an update has to stay. Knows versions, and nothing of tags and patterns.

use std::fmt;

use semver::Version;

use super::rule::Rejection;

/// How far from the current version an update may go. Needs the order `semver`, and a current tag that is
/// a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Within {
    /// Any version.
    Any,
    /// The same major version: 1.2.3 may become 1.9.0.
    Major,
    /// The same major and minor version: 1.2.3 may become 1.2.9.
    Minor,
}

/// Which pre-releases are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Prerelease {
    /// Those that the constraint asks for.
    AsAsked,
    /// Of those, the ones whose text is that of the current version: `1.2.3-alpine` may become
    /// `1.2.4-alpine`, and a version without any stays without. Needs what [`Within`] needs.
    Same,
}

/// A text that says not how far an update may go.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("within `{text}` has no meaning; use `major` (stay within the major version), `minor` or `any`")]
pub struct InvalidWithin {
    text: String,
}

/// A text that does not say which pre-releases are wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("prerelease `{text}` has no meaning; use `same` (the same text as in the current version), or remove it")]
pub struct InvalidPrerelease {
    text: String,
}

impl Within {
    /// Reads `major`, `minor` or `any`.
    ///
    /// # Errors
    /// [`InvalidWithin`] for anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidWithin> {
        match text {
            "major" => Ok(Self::Major),
            "minor" => Ok(Self::Minor),
            "any" => Ok(Self::Any),
            _ => Err(InvalidWithin { text: text.chars().take(140).collect() }),
        }
    }
}

impl fmt::Display for Within {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Major => "major",
            Self::Minor => "minor",
            Self::Any => "any",
        })
    }
}

impl Prerelease {
    /// Reads `same`.
    ///
    /// # Errors
    /// [`InvalidPrerelease`] for anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidPrerelease> {
        match text {
            "same" => Ok(Self::Same),
            _ => Err(InvalidPrerelease { text: text.chars().take(140).collect() }),
        }
    }
}

impl fmt::Display for Prerelease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::AsAsked => "as asked",
            Self::Same => "same",
        })
    }
}

/// Whether a version is as near to the current one as it has to be.
pub(super) fn check(
    within: Option<Within>,
    prerelease: Prerelease,
    base: &Version,
    version: &Version,
) -> Result<(), Rejection> {
    if let Some(within) = within {
        let near = match within {
            Within::Any => true,
            Within::Major => version.major == base.major,
            Within::Minor => (version.major, version.minor) == (base.major, base.minor),
        };
        if !near {
            return Err(Rejection::Outside(within));
        }
    }
    match prerelease {
        Prerelease::Same if version.pre != base.pre => Err(Rejection::OtherPrerelease),
        Prerelease::Same | Prerelease::AsAsked => Ok(()),
    }
}

//! The languages in which policies are written, and which of them are heard.
//!
//! A dialect is the way in which one tool has its users write policies. Here are their names, and what
//! else every floor has to know of them; how each is read is the business of `manifest/dialect/`.

use std::fmt;
use std::str::FromStr;

use super::version::Versions;

/// Whose words a policy was written in. Patterns mean different things to different tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// Ours: a regex matches the whole tag, and a single number of five digits or more is no version.
    Native,
    /// Flux version 1, `fluxcd.io/` and `flux.weave.works/`: a regex matches anywhere in the tag, and any
    /// number is a version.
    Flux,
    /// The objects and comments of Flux version 2: a regex matches anywhere in the tag, and a version has
    /// all of its three numbers (as the controller has it: two dots at least).
    Flux2,
    /// Argo CD Image Updater, `argocd-image-updater.argoproj.io/` and its `ImageUpdater` objects: a regex
    /// matches anywhere in the tag; a single number of five digits or more is no version, as in ours.
    ArgocdImageUpdater,
    /// Keel, `keel.sh/`: a regex matches anywhere in the tag; a single number of five digits or more is
    /// no version, as in ours.
    Keel,
}

/// A set of dialects. The native one is always in it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Dialects(u8);

/// A text that names no dialect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no dialect; there are: {}", Dialect::ALL.map(Dialect::name).join(", "))]
pub struct InvalidDialect {
    text: String,
}

impl Dialect {
    /// Every dialect, ours first.
    pub const ALL: [Self; 5] = [Self::Native, Self::Flux, Self::Flux2, Self::ArgocdImageUpdater, Self::Keel];

    /// What it is called on the command line and in answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Flux => "flux",
            Self::Flux2 => "flux2",
            Self::ArgocdImageUpdater => "argocd-image-updater",
            Self::Keel => "keel",
        }
    }

    /// The tool whose language it is, as its makers call it.
    #[must_use]
    pub const fn tool(self) -> &'static str {
        match self {
            Self::Native => "Landwaiter",
            Self::Flux => "Flux v1",
            Self::Flux2 => "Flux v2",
            Self::ArgocdImageUpdater => "Argo CD Image Updater",
            Self::Keel => "Keel",
        }
    }

    /// What counts as a version where nothing else is said.
    pub(super) const fn versions(self) -> Versions {
        match self {
            Self::Native | Self::ArgocdImageUpdater | Self::Keel => Versions::Careful,
            Self::Flux => Versions::Loose,
            Self::Flux2 => Versions::Full,
        }
    }

    /// Whether a regex has to match the whole tag.
    pub(super) const fn anchors_regexes(self) -> bool {
        matches!(self, Self::Native)
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl Dialects {
    /// Those of the list, and the native one.
    #[must_use]
    pub fn of(dialects: &[Dialect]) -> Self {
        Self(dialects.iter().fold(Dialect::Native.bit(), |bits, dialect| bits | dialect.bit()))
    }

    /// Whether this one is heard.
    #[must_use]
    pub const fn contains(self, dialect: Dialect) -> bool {
        self.0 & dialect.bit() != 0
    }

    /// Those in it, in the order of [`Dialect::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Dialect> {
        Dialect::ALL.into_iter().filter(move |dialect| self.contains(*dialect))
    }
}

/// All of them.
impl Default for Dialects {
    fn default() -> Self {
        Self::of(&Dialect::ALL)
    }
}

impl FromStr for Dialect {
    type Err = InvalidDialect;

    fn from_str(text: &str) -> Result<Self, InvalidDialect> {
        let named = Self::ALL.into_iter().find(|dialect| dialect.name() == text);
        named.ok_or_else(|| InvalidDialect { text: text.chars().take(140).collect() })
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Debug for Dialects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{Dialect, Dialects};

    #[test]
    fn every_dialect_has_its_name_and_its_place_in_a_set() {
        for dialect in Dialect::ALL {
            assert_eq!(dialect.name().parse(), Ok(dialect));
            assert!(Dialects::default().contains(dialect));
            assert_eq!(Dialects::of(&[]).contains(dialect), dialect == Dialect::Native);
            assert!(Dialects::of(&[dialect]).contains(dialect));
        }
        assert_eq!(Dialects::of(&[Dialect::Keel]).iter().collect::<Vec<_>>(), [Dialect::Native, Dialect::Keel]);
        assert_eq!(
            "Flux".parse::<Dialect>().unwrap_err().to_string(),
            "`Flux` is no dialect; there are: native, flux, flux2, argocd-image-updater, keel"
        );
    }
}

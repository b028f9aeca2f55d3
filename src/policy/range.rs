//! Version constraints as Masterminds/semver v3.4 reads them, which is what annotations in this
//! field are written in. Our own parser and evaluator; knows nothing of tags and policies.
//!
//! Other [editions](Edition) of the same language are read here too, to say what other tools make of it.
//!
//! ```text
//! range = group *( "||" group )
//! group = term *( ( blanks | "," ) term )            all of them must hold
//! term  = [ operator ] version | version " - " version
//! operator: = != > < >= => <= =< ~ ~> ^
//! version = [v] part [ . part [ . part ]] [ -pre ] [ +metadata ], part: digits, or x X * for any
//! ```
//!
//! - Without an operator (or with `=`) a whole version means exactly that one, and one with open
//!   parts means `~`: `1.2` is `1.2.x`.
//! - An open part widens the bound: `>11` begins at 12, `<=1.1` holds all of 1.1.x, `!=4.1` excludes
//!   all of 4.1.x.
//! - A pre-release satisfies a group only when some term of that group names one (`>=1.0.0-0`), and
//!   then for every patch, not for the named one alone.
//! - `~0.0.0` means anything, as in the reference.
//! - `^*` means anything, as the reference documents it; its code lets only 0.0.0 through.

mod parse;

use semver::Version;

use parse::Parser;

/// A constraint that a version satisfies or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Range {
    edition: Edition,
    groups: Vec<Group>,
}

/// Which reading of the language holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edition {
    /// Ours: version 3.4, with `^*` as it is documented.
    Ours,
    /// Version 3.4 to the letter.
    V34,
    /// Version 3.1: each term by itself has to ask for pre-releases, and one on an open version counts for
    /// nothing; nothing has to stand between terms, and a comma may stand at the end; `^0.0.3` takes any
    /// minor version.
    V31,
}

/// Why a version does not satisfy a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unsatisfied {
    /// It is outside.
    Outside,
    /// It would be inside, and is a pre-release that no term asks for.
    Prerelease,
}

/// Why a text is no constraint, and what was probably meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InvalidRange {
    pub(super) what: String,
    pub(super) mend: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    terms: Vec<Term>,
    prereleases: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    operator: Operator,
    version: Version,
    open: Open,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    Tilde,
    Caret,
}

/// From which part on the version of a term is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Nothing,
    Patch,
    Minor,
    All,
}

impl Range {
    /// Reads a constraint. A blank text means `*`.
    pub(super) fn parse(text: &str) -> Result<Self, InvalidRange> {
        Self::parse_as(Edition::Ours, text)
    }

    /// Reads a constraint of this edition. A blank text means `*`.
    pub(super) fn parse_as(edition: Edition, text: &str) -> Result<Self, InvalidRange> {
        if text.trim().is_empty() {
            let any = Term { operator: Operator::Equal, version: Version::new(0, 0, 0), open: Open::All };
            return Ok(Self { edition, groups: vec![Group { terms: vec![any], prereleases: false }] });
        }
        let mut parser = Parser::new(edition, text);
        let mut groups = vec![parser.group()?];
        while parser.eat("||") {
            groups.push(parser.group()?);
        }
        match parser.rest() {
            "" => Ok(Self { edition, groups }),
            rest => Err(parser.unexpected(rest)),
        }
    }

    /// Whether no version from this major version on satisfies the range. `false` where that is not plain.
    pub(super) fn is_below(&self, major: u64) -> bool {
        self.groups.iter().all(|group| group.terms.iter().any(|term| term.is_below(major)))
    }

    /// Whether `version` satisfies the range, and if not, why.
    pub(super) fn check(&self, version: &Version) -> Result<(), Unsatisfied> {
        let mut why = Unsatisfied::Outside;
        for group in &self.groups {
            if group.terms.iter().all(|term| term.holds(version, self.edition)) {
                let asked_for = match self.edition {
                    Edition::V31 => group.terms.iter().all(Term::lets_prereleases_through),
                    Edition::Ours | Edition::V34 => group.prereleases,
                };
                if version.pre.is_empty() || asked_for {
                    return Ok(());
                }
                why = Unsatisfied::Prerelease;
            }
        }
        Err(why)
    }
}

impl Term {
    fn is_below(&self, major: u64) -> bool {
        use Operator::{Caret, Equal, Less, LessOrEqual, Tilde};
        let base = &self.version;
        let anything = self.operator == Tilde && (base.major, base.minor, base.patch) == (0, 0, 0);
        let bounds = matches!(self.operator, Less | LessOrEqual | Equal | Tilde | Caret);
        bounds && !anything && self.open != Open::All && base.major < major
    }

    /// Whether this term by itself minds no pre-release.
    fn lets_prereleases_through(&self) -> bool {
        let excludes_one = self.operator == Operator::NotEqual && self.open == Open::Nothing;
        excludes_one || !self.version.pre.is_empty()
    }

    fn holds(&self, version: &Version, edition: Edition) -> bool {
        match self.operator {
            Operator::Equal if self.open == Open::Nothing => version == &self.version,
            Operator::Equal | Operator::Tilde => self.tilde(version),
            Operator::NotEqual => self.not_equal(version),
            Operator::Greater => self.greater(version),
            Operator::Less => version < &self.version,
            Operator::GreaterOrEqual => version >= &self.version,
            Operator::LessOrEqual => self.less_or_equal(version),
            Operator::Caret => self.caret(version, edition),
        }
    }

    fn tilde(&self, version: &Version) -> bool {
        let base = &self.version;
        let zero = (base.major, base.minor, base.patch) == (0, 0, 0);
        version >= base
            && match self.open {
                Open::All => true,
                Open::Minor => version.major == base.major,
                Open::Nothing if zero => true,
                Open::Patch | Open::Nothing => (version.major, version.minor) == (base.major, base.minor),
            }
    }

    fn not_equal(&self, version: &Version) -> bool {
        let base = &self.version;
        match self.open {
            Open::Nothing | Open::All => version != base,
            Open::Minor => version.major != base.major,
            Open::Patch => {
                (version.major, version.minor) != (base.major, base.minor)
                    || ((!version.pre.is_empty() || !base.pre.is_empty()) && version.pre != base.pre)
            }
        }
    }

    fn greater(&self, version: &Version) -> bool {
        let base = &self.version;
        match self.open {
            Open::Nothing => version > base,
            Open::All => version.major > 0 || version > base,
            Open::Minor => version.major > base.major,
            Open::Patch => (version.major, version.minor) > (base.major, base.minor),
        }
    }

    fn less_or_equal(&self, version: &Version) -> bool {
        let base = &self.version;
        match self.open {
            Open::Nothing => version <= base,
            Open::Minor => version.major <= base.major,
            Open::Patch | Open::All => (version.major, version.minor) <= (base.major, base.minor),
        }
    }

    fn caret(&self, version: &Version, edition: Edition) -> bool {
        let base = &self.version;
        version >= base
            && match self.open {
                Open::All if edition == Edition::Ours => true,
                Open::Minor => version.major == base.major,
                _ if base.major > 0 => version.major == base.major,
                _ if base.minor > 0 || self.open == Open::Patch => (version.major, version.minor) == (0, base.minor),
                _ if edition == Edition::V31 => (version.major, version.patch) == (0, base.patch),
                _ => (version.major, version.minor, version.patch) == (0, 0, base.patch),
            }
    }
}

#[cfg(test)]
mod tests;

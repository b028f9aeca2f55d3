//! The grammar of constraints, and what people are told who break it. Knows nothing of what a constraint holds.

use semver::{Prerelease, Version};

use super::{Edition, Group, InvalidRange, Open, Operator, Term};
use crate::policy::version;

/// Reads a constraint from left to right.
pub(super) struct Parser<'t> {
    edition: Edition,
    text: &'t str,
    at: usize,
}

impl<'t> Parser<'t> {
    /// At the start of this text.
    pub(super) fn new(edition: Edition, text: &'t str) -> Self {
        Self { edition, text, at: 0 }
    }

    /// Terms that must all hold.
    pub(super) fn group(&mut self) -> Result<Group, InvalidRange> {
        let mut terms = Vec::new();
        self.blanks();
        loop {
            self.term(&mut terms)?;
            let blank = self.blanks();
            let comma = self.eat(",");
            if comma {
                self.blanks();
            }
            if self.rest().is_empty() || self.rest().starts_with("||") {
                if comma && self.edition != Edition::V31 {
                    return Err(self.expected_version());
                }
                break;
            }
            if !blank && !comma && self.edition != Edition::V31 {
                let rest = self.rest();
                return Err(self.unexpected(rest));
            }
        }
        let prereleases = terms.iter().any(|term| !term.version.pre.is_empty());
        Ok(Group { terms, prereleases })
    }

    fn term(&mut self, terms: &mut Vec<Term>) -> Result<(), InvalidRange> {
        const OPERATORS: [(&str, Operator); 11] = [
            ("!=", Operator::NotEqual),
            (">=", Operator::GreaterOrEqual),
            ("=>", Operator::GreaterOrEqual),
            ("<=", Operator::LessOrEqual),
            ("=<", Operator::LessOrEqual),
            ("~>", Operator::Tilde),
            ("=", Operator::Equal),
            (">", Operator::Greater),
            ("<", Operator::Less),
            ("~", Operator::Tilde),
            ("^", Operator::Caret),
        ];
        let operator = OPERATORS.into_iter().find(|(text, _)| self.eat(text)).map(|(_, operator)| operator);
        if operator.is_some() {
            self.blanks();
        }
        let (version, open) = self.version()?;
        if operator.is_none() && self.hyphen() {
            terms.push(Term { operator: Operator::GreaterOrEqual, version, open });
            let (version, open) = self.version()?;
            terms.push(Term { operator: Operator::LessOrEqual, version, open });
            return Ok(());
        }
        terms.push(Term { operator: operator.unwrap_or(Operator::Equal), version, open });
        Ok(())
    }

    /// The ` - ` of a range, with a blank on both sides.
    fn hyphen(&mut self) -> bool {
        let rest = self.rest();
        let after = rest.trim_start();
        let Some(behind) = after.strip_prefix('-') else { return false };
        if after.len() == rest.len() || behind.trim_start().len() == behind.len() {
            return false;
        }
        self.at = self.text.len() - behind.trim_start().len();
        true
    }

    fn version(&mut self) -> Result<(Version, Open), InvalidRange> {
        let start = self.at;
        self.eat("v");
        let mut numbers = [0; 3];
        let mut open = Open::All;
        let mut closed = false;
        for (index, number) in numbers.iter_mut().enumerate() {
            if index > 0 && !self.eat(".") {
                break;
            }
            let v31 = self.edition == Edition::V31;
            let part = self.take(|byte| match byte {
                b'*' | b'x' | b'X' | b'0'..=b'9' => true,
                byte => byte.is_ascii_alphanumeric() && !v31,
            });
            if matches!(part, "x" | "X" | "*") {
                closed = true;
            } else if part.is_empty() && index > 0 {
                return Err(self.dangling_dot());
            } else {
                let value = version::number(part).map_err(|why| self.bad_number(start, part, why))?;
                if !closed {
                    *number = value;
                    open = [Open::Minor, Open::Patch, Open::Nothing][index];
                }
            }
        }
        if self.rest().starts_with('.') {
            return Err(self.invalid("a version has at most three numbers", "keep three of them"));
        }
        let [major, minor, patch] = numbers;
        let mut version = Version::new(major, minor, patch);
        if self.rest().starts_with('-') {
            self.eat("-");
            let pre = self.take(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.');
            version.pre = match Prerelease::new(pre) {
                _ if self.edition == Edition::V31 && open == Open::All && !pre.split('.').any(str::is_empty) => {
                    Prerelease::EMPTY
                }
                Ok(pre) if !pre.is_empty() => pre,
                _ => {
                    let what = format!("{pre:?} is no pre-release");
                    return Err(
                        self.invalid(&what, "use letters and digits between dots, no number with a leading zero")
                    );
                }
            };
        }
        if self.eat("+") {
            let metadata = self.take(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.');
            if metadata.is_empty() || semver::BuildMetadata::new(metadata).is_err() {
                return Err(self.invalid("there is no build metadata behind `+`", "remove the `+`"));
            }
        }
        Ok((version, open))
    }

    /// What is not read yet.
    pub(super) fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    /// Reads this text, if it stands here.
    pub(super) fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn blanks(&mut self) -> bool {
        let before = self.at;
        self.at = self.text.len() - self.rest().trim_start().len();
        self.at > before
    }

    fn take(&mut self, good: impl Fn(u8) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest.bytes().position(|byte| !good(byte)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn invalid(&self, what: &str, mend: &str) -> InvalidRange {
        let before = self.text[..self.at].chars().count();
        InvalidRange { what: format!("{what} (at character {})", before + 1), mend: mend.to_owned() }
    }

    fn dangling_dot(&self) -> InvalidRange {
        let (before, after) = self.text.split_at(self.at);
        let mended = format!("{}{after}", before.trim_end_matches('.'));
        self.invalid("a number is missing behind the last `.`", &format!("did you mean `{}`?", mended.trim()))
    }

    fn bad_number(&self, start: usize, part: &str, why: version::NotAVersion) -> InvalidRange {
        let here = Self { edition: self.edition, text: self.text, at: start };
        if why == version::NotAVersion::TooBig {
            return here.invalid(&format!("the number {part} does not fit 64 bits"), "use a smaller one");
        }
        let rest = here.rest();
        if let Some(behind) = rest.strip_prefix('V').filter(|behind| behind.starts_with(|c: char| c.is_ascii_digit())) {
            let mended = format!("{}v{behind}", &self.text[..start]);
            return here
                .invalid("the `v` of a version is a small letter", &format!("did you mean `{}`?", mended.trim()));
        }
        if part.is_empty() {
            return here.expected_version();
        }
        here.invalid(&format!("expected a version such as `1.2.3` and found `{rest}`"), "write numbers, or `x` for any")
    }

    fn expected_version(&self) -> InvalidRange {
        match self.rest() {
            "" => self.invalid("it ends where a version should stand", "add the version, or remove what stands before"),
            rest => self.unexpected(rest),
        }
    }

    /// What stands here may not stand here.
    pub(super) fn unexpected(&self, rest: &str) -> InvalidRange {
        let what = format!("`{rest}` was not expected");
        if rest.starts_with("&&") || rest.starts_with('&') {
            self.invalid(&what, "for \"and\" write a blank or a comma between the two")
        } else if rest.starts_with('|') {
            self.invalid(&what, "for \"or\" write `||` between two constraints")
        } else if rest.starts_with('=') {
            self.invalid(&what, "for \"equal\" write one `=`")
        } else if rest.starts_with(['~', '^', '<', '>', '!']) {
            self.invalid(&what, "an operator stands before its version, with a blank or a comma before it")
        } else {
            self.invalid(
                &what,
                "expected a version such as `1.2.3`, with `=`, `!=`, `>`, `<`, `>=`, `<=`, `~` or `^` before it",
            )
        }
    }
}

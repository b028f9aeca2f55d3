//! Tags that are never wanted: a list of globs. Knows nothing of the pattern beside it.

use std::fmt;
use std::sync::Arc;

use regex::bytes::Regex;

use super::pattern::{self, InvalidPattern};

/// Tags that are never wanted, whatever the pattern says. [`Display`](fmt::Display) gives the globs,
/// with a comma between them.
#[derive(Clone)]
pub struct Exclude {
    globs: Vec<(Arc<str>, Arc<Regex>)>,
}

impl Exclude {
    /// Reads globs separated by commas or line ends; a comma inside `{…}` or `[…]` separates nothing.
    ///
    /// # Errors
    /// [`InvalidPattern`] for the first glob that is wrong, and for a text without any.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        pattern::check_length(text).map_err(|why| InvalidPattern::new(text, why))?;
        let mut globs = Vec::new();
        for item in items(text) {
            let item = item.strip_prefix("glob:").unwrap_or(item);
            let matcher = pattern::glob(item).map_err(|why| InvalidPattern::new(item, why))?;
            globs.push((item.into(), matcher));
        }
        if globs.is_empty() {
            let mend = "write globs with commas between them, or remove it".to_owned();
            return Err(InvalidPattern::new(text, ("excludes nothing".to_owned(), mend)));
        }
        Ok(Self { globs })
    }

    /// Excludes nothing.
    #[must_use]
    pub fn none() -> Self {
        Self { globs: Vec::new() }
    }

    /// Whether nothing is excluded.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.globs.is_empty()
    }

    /// The first glob that matches `tag`.
    pub(super) fn matching(&self, tag: &str) -> Option<&Arc<str>> {
        self.globs.iter().find(|(_, matcher)| matcher.is_match(tag.as_bytes())).map(|(glob, _)| glob)
    }
}

/// The items of a list, without blanks around them and without the empty ones.
fn items(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    let mut class = false;
    let mut escaped = false;
    text.split(move |c: char| {
        if std::mem::take(&mut escaped) {
            return false;
        }
        match c {
            '\n' => return true,
            '\\' => escaped = true,
            ']' => class = false,
            _ if class => {}
            '[' => class = true,
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' => return depth == 0,
            _ => {}
        }
        false
    })
    .map(str::trim)
    .filter(|item| !item.is_empty())
}

impl PartialEq for Exclude {
    fn eq(&self, other: &Self) -> bool {
        self.globs.iter().map(|(glob, _)| glob).eq(other.globs.iter().map(|(glob, _)| glob))
    }
}

impl Eq for Exclude {}

impl fmt::Display for Exclude {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (glob, _)) in self.globs.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write!(f, "{comma}{glob}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Exclude {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.globs.iter().map(|(glob, _)| glob)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::Exclude;

    #[test]
    fn lists_of_globs() {
        for (text, shown, yes, no) in [
            ("*-rc*", "*-rc*", "1.2-rc.1", "1.2"),
            ("a, b ,\n c,", "a,b,c", "c", "d"),
            ("1.2.{3,4},x", "1.2.{3,4},x", "1.2.4", "1.2.5"),
            ("[a,b]x", "[a,b]x", "bx", "b"),
            ("glob:tag?\nfoo", "tag?,foo", "tag1", "tag10"),
        ] {
            let exclude = Exclude::parse(text).unwrap();
            assert_eq!(exclude.to_string(), shown);
            assert!(exclude.matching(yes).is_some(), "{text} {yes}");
            assert!(exclude.matching(no).is_none(), "{text} {no}");
        }
    }

    #[test]
    fn a_wrong_glob_is_named() {
        for (text, told) in [
            ("", "excludes nothing"),
            (" ,\n", "excludes nothing"),
            ("a,{b", "`{b` is no glob"),
            ("regex:^a", "`regex:^a` holds `:`"),
            ("a b", "holds a blank"),
        ] {
            let error = Exclude::parse(text).unwrap_err().to_string();
            assert!(error.contains(told), "{text:?}: {error}");
        }
    }
}

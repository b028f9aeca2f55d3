//! Tags that are never wanted: a list of globs and regular expressions. Knows nothing of the pattern
//! beside it.

use std::fmt;
use std::sync::Arc;

use regex::bytes::Regex;

use super::native;
use super::pattern::{self, InvalidPattern};
use super::{Dialect, Pattern, PatternKind};

/// Tags that are never wanted, whatever the pattern says. [`Display`](fmt::Display) gives the items, with
/// a comma between them: globs, and expressions with `regex:` before them.
#[derive(Clone)]
pub struct Exclude {
    items: Vec<(Arc<str>, Arc<Regex>)>,
}

impl Exclude {
    /// Reads items separated by commas or line ends; a comma inside `{…}` or `[…]` separates nothing. An
    /// item is a glob, or behind `regex:` an expression for the whole tag.
    ///
    /// # Errors
    /// [`InvalidPattern`] for the first item that is wrong, and for a text without any.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        pattern::check_length(text).map_err(|why| InvalidPattern::new(text, why))?;
        let exclude = Self::of_items(&items(text).collect::<Vec<_>>())?;
        if exclude.is_none() {
            let mend = "write globs with commas between them, or remove it".to_owned();
            return Err(InvalidPattern::new(text, ("excludes nothing".to_owned(), mend)));
        }
        Ok(exclude)
    }

    /// The same for items that are taken apart already. None of them excludes nothing.
    pub(super) fn of_items(items: &[impl AsRef<str>]) -> Result<Self, InvalidPattern> {
        let mut read = Vec::with_capacity(items.len());
        for item in items.iter().map(AsRef::as_ref) {
            let regex = item.strip_prefix("regex:").or_else(|| item.strip_prefix("regexp:"));
            let (shown, matcher): (Arc<str>, _) = if let Some(regex) = regex {
                (format!("regex:{regex}").into(), pattern::regex(regex, Dialect::Native))
            } else {
                let glob = item.strip_prefix("glob:").unwrap_or(item);
                (glob.into(), pattern::glob(glob))
            };
            let matcher = matcher.map_err(|why| InvalidPattern::new(&shown, why))?;
            read.push((shown, matcher));
        }
        Ok(Self { items: read })
    }

    /// Excludes what one of these expressions of another tool matches, anywhere in the tag.
    pub(super) fn matching_anywhere<'t>(
        expressions: impl Iterator<Item = &'t str>,
        dialect: Dialect,
    ) -> Result<Self, InvalidPattern> {
        let mut items = Vec::new();
        for expression in expressions {
            let pattern = Pattern::parse_as(PatternKind::Regex, expression, dialect)?;
            items.push(format!("regex:{}", native::whole_tag_regex(&pattern)));
        }
        Self::of_items(&items)
    }

    /// What either of the two excludes; what both have stands once.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let mut items = self.items.clone();
        items.extend(other.items.iter().filter(|(new, _)| self.items.iter().all(|(old, _)| old != new)).cloned());
        Self { items }
    }

    /// Excludes nothing.
    #[must_use]
    pub fn none() -> Self {
        Self { items: Vec::new() }
    }

    /// Whether nothing is excluded.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.items.is_empty()
    }

    /// The first item that matches `tag`.
    pub(super) fn matching(&self, tag: &str) -> Option<&Arc<str>> {
        self.items.iter().find(|(_, matcher)| matcher.is_match(tag.as_bytes())).map(|(shown, _)| shown)
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
        self.items.iter().map(|(shown, _)| shown).eq(other.items.iter().map(|(shown, _)| shown))
    }
}

impl Eq for Exclude {}

impl fmt::Display for Exclude {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (shown, _)) in self.items.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write!(f, "{comma}{shown}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Exclude {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.items.iter().map(|(shown, _)| shown)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{Dialect, Exclude};

    #[test]
    fn lists_of_globs() {
        for (text, shown, yes, no) in [
            ("*-rc*", "*-rc*", "1.2-rc.1", "1.2"),
            ("a, b ,\n c,", "a,b,c", "c", "d"),
            ("1.2.{3,4},x", "1.2.{3,4},x", "1.2.4", "1.2.5"),
            ("[a,b]x", "[a,b]x", "bx", "b"),
            ("glob:tag?\nfoo", "tag?,foo", "tag1", "tag10"),
            ("regex:v\\d{1,2}, regexp:a|b,c", "regex:v\\d{1,2},regex:a|b,c", "v12", "v123"),
            ("regex:a|b", "regex:a|b", "b", "ab"),
        ] {
            let exclude = Exclude::parse(text).unwrap();
            assert_eq!(exclude.to_string(), shown);
            assert!(exclude.matching(yes).is_some(), "{text} {yes}");
            assert!(exclude.matching(no).is_none(), "{text} {no}");
            assert_eq!(Exclude::parse(shown).unwrap(), exclude);
        }
    }

    #[test]
    fn two_lists_are_one() {
        let (one, two) = (Exclude::parse("a,regex:b").unwrap(), Exclude::parse("regex:b,c").unwrap());
        assert_eq!(one.and(&two).to_string(), "a,regex:b,c");
        assert_eq!(one.and(&Exclude::none()), one);
    }

    #[test]
    fn expressions_for_any_part_of_a_tag() {
        for (text, shown, yes, no) in [
            ("-rc", "regex:.*?-rc.*", "1-rc1", "1"),
            (r"^.*\.sig$", r"regex:.*\.sig", "1.sig", "1.sig.x"),
            ("^dev", "regex:dev.*", "develop", "1-dev"),
            ("alpha$", "regex:.*?alpha", "1-alpha", "alpha1"),
            ("^a|b$", "regex:.*?(?:^a|b$).*", "1b", "b1"),
            (r"a\$", r"regex:.*?a\$.*", "-", "a"),
        ] {
            let exclude = Exclude::matching_anywhere([text].into_iter(), Dialect::Flux2).unwrap();
            assert_eq!(exclude.to_string(), shown);
            assert_eq!(exclude.matching(yes).is_some(), yes != "-", "{text} {yes}");
            assert!(exclude.matching(no).is_none(), "{text} {no}");
            assert_eq!(Exclude::parse(shown).unwrap(), exclude);
        }
    }

    #[test]
    fn a_wrong_glob_is_named() {
        for (text, told) in [
            ("", "excludes nothing"),
            (" ,\n", "excludes nothing"),
            ("a,{b", "`{b` is no glob"),
            ("a, regex:(b", "`regex:(b` is no regular expression"),
            ("regex:", "`regex:` is empty"),
            ("a b", "holds a blank"),
        ] {
            let error = Exclude::parse(text).unwrap_err().to_string();
            assert!(error.contains(told), "{text:?}: {error}");
        }
    }
}

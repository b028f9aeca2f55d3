//! Patterns for the names of things, as Go's `filepath.Match` reads them: `*`, `?`, `[a-z]` and `\`.

use std::sync::Arc;

use regex::bytes::Regex;

use super::path_match;
use crate::policy::pattern;

/// A pattern for names: `*` stands for any letters, `?` for one, `[a-z]` for one of several.
#[derive(Debug, Clone)]
pub struct NameGlob {
    text: Box<str>,
    /// `None` for a name without anything that stands for something else.
    regex: Option<Arc<Regex>>,
}

impl NameGlob {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence: "has a `[` that is never closed".
    pub fn parse(text: &str) -> Result<Self, String> {
        let regex = path_match::to_regex(text).map_err(|bad| bad.0.to_owned())?;
        let is_name = !text.contains(['*', '?', '[', '\\']);
        let regex =
            if is_name { None } else { Some(pattern::compile_whole(&regex).map_err(|_| "is too long".to_owned())?) };
        Ok(Self { text: text.into(), regex })
    }

    /// Whether a name is meant.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.regex.as_ref().map_or_else(|| *self.text == *name, |regex| regex.is_match(name.as_bytes()))
    }
}

impl PartialEq for NameGlob {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for NameGlob {}

impl std::fmt::Display for NameGlob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::NameGlob;

    #[test]
    fn names_are_matched_as_a_whole() {
        let meant = |glob: &str, name: &str| NameGlob::parse(glob).map(|glob| glob.matches(name));
        assert_eq!(meant("shop-web", "shop-web"), Ok(true));
        assert_eq!(meant("shop", "shop-web"), Ok(false));
        assert_eq!(meant("*-web", "shop-web"), Ok(true));
        assert_eq!(meant("shop-[!w]eb", "shop-web"), Ok(true), "an exclamation mark is one of the letters");
        assert_eq!(meant("shop-[^w]eb", "shop-web"), Ok(false));
        assert_eq!(meant("[a", "a"), Err("has a `[` that is never closed".to_owned()));
    }
}

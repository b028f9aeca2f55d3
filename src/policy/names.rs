//! Which names are meant, of containers for example: a regular expression that is found in them. Knows
//! nothing of tags.

use std::sync::Arc;

use regex::bytes::Regex;

use super::Dialect;
use super::pattern::{InvalidPattern, regex};

/// A regular expression over names, as another tool reads it: it may match anywhere in the name, and an
/// empty one matches every name.
#[derive(Debug, Clone)]
pub struct Names(Option<Arc<Regex>>);

impl Names {
    /// Reads the expression.
    ///
    /// # Errors
    /// [`InvalidPattern`] for one that breaks the grammar of that tool.
    pub fn parse(text: &str, dialect: Dialect) -> Result<Self, InvalidPattern> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        let regex = regex(text, dialect).map_err(|why| InvalidPattern::new(text, why))?;
        Ok(Self(Some(regex)))
    }

    /// Whether this name is meant.
    #[must_use]
    pub fn have(&self, name: &str) -> bool {
        self.0.as_ref().is_none_or(|regex| regex.is_match(name.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Dialect, Names};

    #[track_caller]
    fn check(text: &str, names: &str) {
        let read = Names::parse(text, Dialect::Keel).unwrap();
        let found: Vec<&str> = ["app", "web-app", "init"].into_iter().filter(|name| read.have(name)).collect();
        assert_eq!(found.join(" "), names, "{text}");
    }

    #[test]
    fn a_part_of_the_name_is_enough() {
        check("", "app web-app init");
        check("app", "app web-app");
        check("^app$", "app");
        check("^(web|init)", "web-app init");
        check("API", "");
        let error = Names::parse("(app", Dialect::Keel).unwrap_err();
        assert_eq!(error.message(), "`(app` is no regular expression: unclosed group");
    }
}

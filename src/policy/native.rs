//! A policy in native words: those that stand behind `landwaiter/` and say exactly this, whatever it was
//! written in. Knows the words and what they mean; not where they are written.

use super::pattern::{Pattern, PatternKind};
use super::re2;
use super::version::{self, Versions};
use super::{By, Dialect, Exclude, Order, Policy, Prerelease};
use crate::image::Tag;

/// Why a policy cannot be said in native words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}; {mend}")]
pub struct NotNative {
    what: String,
    mend: &'static str,
}

impl Policy {
    /// The words that say exactly this policy natively, with their values, for a container that runs
    /// `current` now and then what this policy chooses. `tag` comes first, with the prefix of its pattern, and
    /// is missing for the own family. All but `allow-downgrade` may stand for one container, `order.app`.
    ///
    /// A preset is spelled out, since its name may mean something else tomorrow.
    ///
    /// # Errors
    /// [`NotNative`] where no words say exactly this.
    pub fn native_words(&self, current: Option<&Tag>) -> Result<Vec<(&'static str, String)>, NotNative> {
        let mut words = Vec::new();
        let pattern = self.native_pattern()?;
        if let Some(pattern) = &pattern {
            words.push(("tag", pattern.to_string()));
        }
        let default = pattern.as_ref().map(Order::default_for);
        if let Some(order) = self.stated_order().filter(|order| Some(*order) != default) {
            words.push(("order", order.to_string()));
        }
        if let Some(extract) = self.extract() {
            if extract.takes_whole_match() && !self.pattern().dialect().anchors_regexes() {
                let what =
                    format!("extract `{extract}` takes all that the expression finds, which natively is the tag");
                return Err(NotNative { what, mend: "put what is to be compared in a group" });
            }
            words.push(("extract", extract.to_string()));
        }
        if let Some(constraint) = self.constraint() {
            words.push(("constraint", constraint.body().to_owned()));
        }
        if self.reads_versions() && !self.is_careful_enough(current) {
            words.push(("versions", self.versions().to_string()));
        }
        if let Some(within) = self.within() {
            words.push(("within", within.to_string()));
        }
        if self.prerelease() != Prerelease::AsAsked {
            words.push(("prerelease", self.prerelease().to_string()));
        }
        if let Some(min_age) = self.min_age() {
            words.push(("min-age", min_age.to_string()));
        }
        if !self.exclude().is_none() {
            let text = self.exclude().to_string();
            Exclude::parse(&text).map_err(|error| NotNative { what: error.message(), mend: "shorten the list" })?;
            words.push(("exclude", text));
        }
        if self.allow_downgrade() {
            words.push(("allow-downgrade", "true".to_owned()));
        }
        Ok(words)
    }

    /// Whether another policy is the same one, perhaps in the words of another dialect: they choose alike for a
    /// container that runs `current`, whatever tags there are. Where that cannot be told they are not.
    #[must_use]
    pub fn means_the_same_as(&self, other: &Self, current: Option<&Tag>) -> bool {
        self == other
            || matches!((self.native_words(current), other.native_words(current)), (Ok(one), Ok(two)) if one == two)
    }

    /// The same pattern, native; `None` for the own family.
    fn native_pattern(&self) -> Result<Option<Pattern>, NotNative> {
        let Some(kind) = self.pattern().kind() else { return Ok(None) };
        let text = match kind {
            PatternKind::Regex => whole_tag_regex(self.pattern()),
            PatternKind::Glob | PatternKind::Semver => self.pattern().body().to_owned(),
        };
        Pattern::parse_as(kind, &text, Dialect::Native)
            .map(Some)
            .map_err(|error| NotNative { what: error.message(), mend: "write a shorter expression" })
    }

    /// Whether versions are read out of tags.
    fn reads_versions(&self) -> bool {
        let by_semver = self.order().by == By::Semver && self.pattern().kind().is_some();
        let family_by_semver = self.stated_order().is_some_and(|order| order.by == By::Semver);
        by_semver || family_by_semver || self.pattern().kind() == Some(PatternKind::Semver)
    }

    /// Whether the native reading of versions comes to the same: no number without dots is in the range, and
    /// none stands there now. (One that is long by its zeros alone, `00001`, is passed over in native words.)
    fn is_careful_enough(&self, current: Option<&Tag>) -> bool {
        match self.versions() {
            Versions::Careful => true,
            Versions::Full => false,
            Versions::Loose => {
                let range = if self.pattern().kind() == Some(PatternKind::Semver) {
                    Some(self.pattern())
                } else {
                    self.constraint()
                };
                self.extract().is_none()
                    && range.is_some_and(Pattern::is_below_bare_numbers)
                    && current.is_none_or(|tag| !version::is_bare_number(tag.as_str()))
            }
        }
    }
}

/// The regex as it has to be written natively, where it has to match the whole tag. The same groups
/// are found in the same places.
pub(super) fn whole_tag_regex(pattern: &Pattern) -> String {
    let body = pattern.body();
    if pattern.dialect().anchors_regexes() {
        return body.to_owned();
    }
    let text = re2::translate(body).map_or_else(|_| body.to_owned(), |translated| translated.text);
    if text == ".*" {
        return text;
    }
    // Alternatives reach further than what stands before and behind them.
    if text.contains('|') {
        return format!(".*?(?:{text}).*");
    }
    let start = text.strip_prefix('^').filter(|rest| !rest.starts_with(['*', '+', '?', '{']));
    let (before, text) = start.map_or((".*?", &*text), |rest| ("", rest));
    let end = text.strip_suffix('$').filter(|rest| rest.bytes().rev().take_while(|b| *b == b'\\').count() % 2 == 0);
    let (text, behind) = end.map_or((text, ".*"), |rest| (rest, ""));
    let whole = format!("{before}{text}{behind}");
    if whole.is_empty() { "^$".to_owned() } else { whole }
}

#[cfg(test)]
mod tests;

//! Which part of a tag is compared: a template over the groups of the regex. Knows nothing of what
//! the part is compared as.

use std::borrow::Cow;
use std::fmt;

use regex::bytes::{CaptureLocations, Regex};

use super::pattern::{Matcher, Pattern};

/// The longest template, in bytes. Each group in it may give as much as a whole tag.
const MAX_LENGTH: usize = 256;

/// A template such as `$1`, `${major}.${minor}`: the key that a tag is compared by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extract {
    template: Box<str>,
    parts: Vec<Part>,
}

/// A template that does not fit its pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidExtract {
    /// The pattern has no groups.
    #[error(
        "extract `{template}` needs a regular expression, and the pattern is `{pattern}`; write `regex:` or remove extract"
    )]
    NoRegex {
        /// The template as written.
        template: String,
        /// The pattern it stands beside.
        pattern: String,
    },
    /// A group that the regex does not have.
    #[error("extract `{template}` names the group `{group}`, and `{pattern}` has {has}; {mend}")]
    UnknownGroup {
        /// The template as written.
        template: String,
        /// The group as written.
        group: String,
        /// The pattern it stands beside.
        pattern: String,
        /// Which groups there are.
        has: String,
        /// How to mend it.
        mend: String,
    },
    /// No sane template is so long.
    #[error("extract has {length} bytes, and {MAX_LENGTH} is the most that is read; write a shorter one")]
    TooLong {
        /// How long the template is, in bytes.
        length: usize,
    },
    /// A `$` without a group behind it, or a `${` without its `}`.
    #[error("extract `{template}` has a `$` that names no group; write `$1`, `${{name}}`, or `$$` for the sign itself")]
    Dangling {
        /// The template as written.
        template: String,
    },
    /// A template without any group: every tag would be the same.
    #[error("extract `{template}` names no group, so all tags would be the same; write `$1` or `${{name}}`")]
    Constant {
        /// The template as written.
        template: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(Box<str>),
    Group(usize),
}

impl Extract {
    /// Reads a template: `$1`, `$name` (the longest run of letters, digits and `_`), `${1}`,
    /// `${name}`, `$$` for the sign itself, and any text between.
    ///
    /// # Errors
    /// [`InvalidExtract`] when the pattern is no regex, or has no such group.
    pub fn parse(template: &str, pattern: &Pattern) -> Result<Self, InvalidExtract> {
        if template.len() > MAX_LENGTH {
            return Err(InvalidExtract::TooLong { length: template.len() });
        }
        let Matcher::Regex(regex) = pattern.matcher() else {
            return Err(InvalidExtract::NoRegex { template: template.to_owned(), pattern: pattern.to_string() });
        };
        let mut parts = Vec::new();
        let mut rest = template;
        let dangling = || InvalidExtract::Dangling { template: template.to_owned() };
        while let Some((text, behind)) = rest.split_once('$') {
            if !text.is_empty() {
                parts.push(Part::Text(text.into()));
            }
            if let Some(behind) = behind.strip_prefix('$') {
                parts.push(Part::Text("$".into()));
                rest = behind;
                continue;
            }
            let (group, after) = if let Some(braced) = behind.strip_prefix('{') {
                braced.split_once('}').ok_or_else(dangling)?
            } else {
                let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
                behind.split_at(behind.bytes().position(|byte| !word(byte)).unwrap_or(behind.len()))
            };
            if group.is_empty() {
                return Err(dangling());
            }
            parts.push(Part::Group(index(regex, group).ok_or_else(|| unknown(template, group, pattern, regex))?));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.into()));
        }
        if !parts.iter().any(|part| matches!(part, Part::Group(_))) {
            return Err(InvalidExtract::Constant { template: template.to_owned() });
        }
        Ok(Self { template: template.into(), parts })
    }

    /// Whether it takes all that the regex finds, which is group 0.
    pub(super) fn takes_whole_match(&self) -> bool {
        self.parts.contains(&Part::Group(0))
    }

    /// The key of a tag whose groups were found; `None` when it is empty.
    pub(super) fn apply<'t>(&self, tag: &'t str, groups: &CaptureLocations) -> Option<Cow<'t, str>> {
        let group = |index: &usize| groups.get(*index).map_or("", |(start, end)| &tag[start..end]);
        let key = match &self.parts[..] {
            [Part::Group(index)] => Cow::Borrowed(group(index)),
            parts => Cow::Owned(
                parts
                    .iter()
                    .map(|part| match part {
                        Part::Text(text) => text,
                        Part::Group(index) => group(index),
                    })
                    .collect(),
            ),
        };
        (!key.is_empty()).then_some(key)
    }
}

fn index(regex: &Regex, group: &str) -> Option<usize> {
    if group.bytes().all(|byte| byte.is_ascii_digit()) {
        return group.parse().ok().filter(|index| *index < regex.captures_len());
    }
    regex.capture_names().position(|name| name == Some(group))
}

fn unknown(template: &str, group: &str, pattern: &Pattern, regex: &Regex) -> InvalidExtract {
    let names: Vec<String> = regex
        .capture_names()
        .enumerate()
        .skip(1)
        .map(|(index, name)| name.map_or_else(|| index.to_string(), str::to_owned))
        .collect();
    let has = match &names[..] {
        [] => "no groups".to_owned(),
        [one] => format!("the group `{one}`"),
        several => format!("the groups `{}`", several.join("`, `")),
    };
    let digits = group.bytes().take_while(u8::is_ascii_digit).count();
    let (number, text) = group.split_at(digits);
    let mend = if digits > 0 && !text.is_empty() && index(regex, number).is_some() {
        format!("for group {number} with `{text}` behind it write `${{{number}}}{text}`")
    } else if names.is_empty() {
        "put what is to be compared in `(…)`".to_owned()
    } else {
        format!("name one of them, such as `${}`", names[0])
    };
    InvalidExtract::UnknownGroup {
        template: template.to_owned(),
        group: group.to_owned(),
        pattern: pattern.to_string(),
        has,
        mend,
    }
}

impl fmt::Display for Extract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.template)
    }
}

#[cfg(test)]
mod tests {
    use super::{Extract, Matcher, Pattern};
    use crate::policy::Dialect;

    fn apply(pattern: &str, template: &str, tag: &str) -> Option<String> {
        let pattern = Pattern::parse(pattern, Dialect::Native).unwrap();
        let extract = Extract::parse(template, &pattern).unwrap_or_else(|error| panic!("{error}"));
        let Matcher::Regex(regex) = pattern.matcher() else { panic!("{pattern} is no regex") };
        let mut groups = regex.capture_locations();
        regex.captures_read(&mut groups, tag.as_bytes()).unwrap_or_else(|| panic!("{pattern} does not match {tag}"));
        extract.apply(tag, &groups).map(std::borrow::Cow::into_owned)
    }

    #[test]
    fn templates() {
        for (pattern, template, tag, key) in [
            (r"regex:build-(\d+)", "$1", "build-123", Some("123")),
            (r"regex:build-(\d+)", "$0", "build-123", Some("build-123")),
            (r"regex:build-(?P<n>\d+)", "$n", "build-123", Some("123")),
            (r"regex:(?<y>\d{4})-(?<m>\d\d)", "${y}${m}", "2024-01", Some("202401")),
            (r"regex:(\d+)-(\d+)", "${1}x$2", "12-34", Some("12x34")),
            (r"regex:(\d+)-(\d+)", "$1.$2", "12-34", Some("12.34")),
            (r"regex:(\d+)-(\d+)", "$$$1", "12-34", Some("$12")),
            (r"regex:v\d+(-\d+)?", "$1", "v1", None),
        ] {
            assert_eq!(apply(pattern, template, tag).as_deref(), key, "{pattern} {template}");
        }
    }

    #[test]
    fn a_template_that_does_not_fit() {
        for (pattern, template, told) in [
            ("glob:*", "$1", "needs a regular expression"),
            (r"regex:(\d+)-(\d+)", "$1x$2", "the group `1x`"),
            (r"regex:(\d+)-(\d+)", "$1x$2", "write `${1}x`"),
            (r"regex:(\d+)", "$2", "has the group `1`"),
            (r"regex:(?P<num>\d+)", "$number", "such as `$num`"),
            (r"regex:\d+", "$1", "has no groups"),
            (r"regex:(\d+)", "${1", "names no group"),
            (r"regex:(\d+)", "$-", "names no group"),
            (r"regex:(\d+)", "1", "all tags would be the same"),
            (r"regex:(\d+)", "", "all tags would be the same"),
            (r"regex:(\d+)", &"$1".repeat(200), "extract has 400 bytes"),
        ] {
            let pattern = Pattern::parse(pattern, Dialect::Native).unwrap();
            let error = Extract::parse(template, &pattern).unwrap_err().to_string();
            assert!(error.contains(told), "{pattern} {template}: {error}");
        }
    }
}

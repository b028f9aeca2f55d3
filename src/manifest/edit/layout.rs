//! How entries of mappings are laid out in a text: the lines and quotes of those that are there, and how
//! new text is written beside them. Must not know what is changed.

use super::super::yaml::{Kind, NodeRef, Style, Syntax, can_stand_plain};

/// An entry of a mapping as it stands in the text. All numbers are bytes of the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Laid<'a> {
    pub(super) key: NodeRef<'a>,
    pub(super) value: NodeRef<'a>,
    /// Where the key begins, its quote with it.
    pub(super) start: usize,
    /// Where the key ends.
    pub(super) key_end: usize,
    /// Where the value begins, its quote or the sign of a block with it.
    pub(super) value_start: usize,
    /// Where the value ends.
    pub(super) end: usize,
}

impl<'a> Laid<'a> {
    /// The entry, if it is a plain `key: value` from its first byte to its last.
    pub(super) fn of(key: NodeRef<'a>, value: NodeRef<'a>) -> Option<Self> {
        let source = key.tree().source();
        let (start, key_end) = (key.outer_start(), key.outer_end().filter(|_| key.is_unmarked())?);
        let behind = source[key_end..].trim_start_matches([' ', '\t']).strip_prefix(':')?;
        let colon = source.len() - behind.len();
        let end = value.outer_end()?.max(colon);
        let value_start = match value.kind() {
            Kind::Scalar(Style::Literal | Style::Folded) => {
                let header = behind.trim_start_matches([' ', '\t']);
                header.starts_with(['|', '>']).then(|| source.len() - header.len())?
            }
            Kind::Scalar(_) if value.is_null() => {
                return Some(Self { key, value, start, key_end, value_start: end, end });
            }
            _ => value.outer_start(),
        };
        (colon <= value_start).then_some(Self { key, value, start, key_end, value_start, end })
    }

    /// Every entry of a mapping; `None` where one of them is not plain.
    pub(super) fn all(mapping: NodeRef<'a>) -> Option<Vec<Self>> {
        mapping.entries().map(|(key, value)| Self::of(key, value)).collect()
    }

    pub(super) fn source(&self) -> &'a str {
        self.key.tree().source()
    }

    /// Where the line ends on which the value does, if nothing but a comment stands behind it.
    pub(super) fn line_end(&self) -> Option<usize> {
        let behind = &self.source()[self.end..];
        let line = &behind[..behind.find(['\n', '\r']).unwrap_or(behind.len())];
        let rest = line.trim_start_matches([' ', '\t']);
        let ended = rest.is_empty() || (rest.starts_with('#') && rest.len() < line.len());
        ended.then_some(self.end + line.len())
    }

    /// Whether nothing of the value comes behind its last line, as empty lines may of a block.
    pub(super) fn is_closed(&self) -> bool {
        let Kind::Scalar(Style::Literal | Style::Folded) = self.value.kind() else { return true };
        let behind = &self.source()[self.end..];
        let below = &behind[line_break(behind).map_or(0, str::len)..];
        let next = below.split(['\n', '\r']).next().unwrap_or_default();
        below.is_empty() || !next.trim().is_empty()
    }

    /// Where the line of the key starts, and whether nothing but blanks stands before it; dashes of a list
    /// may where they are `allowed`.
    pub(super) fn line_start(&self, dashes_allowed: bool) -> Option<usize> {
        let start = self.key.tree().start_of_line(self.start);
        let before = &self.source()[start..self.start];
        let bare = before.bytes().all(|byte| byte == b' ' || (byte == b'-' && dashes_allowed));
        (bare && !before.contains("--")).then_some(start)
    }
}

/// The line break that a text begins with.
pub(super) fn line_break(text: &str) -> Option<&'static str> {
    ["\r\n", "\n", "\r"].into_iter().find(|newline| text.starts_with(newline))
}

/// The line break that ends the line above the one that holds this byte; a plain one in a text of one line.
pub(super) fn line_break_above(source: &str, at: usize) -> &'static str {
    let above = memchr::memrchr2(b'\n', b'\r', &source.as_bytes()[..at]);
    let above = above.map(|at| if source[..=at].ends_with("\r\n") { at - 1 } else { at });
    above.and_then(|at| line_break(&source[at..])).unwrap_or("\n")
}

/// A text in the style of a neighbour, where it can be written so and is a string there.
pub(super) fn styled(text: &str, neighbour: Kind, syntax: Syntax) -> String {
    let single = || (!text.contains('\'') && !text.contains(char::is_control)).then(|| format!("'{text}'"));
    let Kind::Scalar(style) = neighbour else { return double_quoted(text) };
    match style {
        _ if syntax == Syntax::Json => double_quoted(text),
        Style::Double => double_quoted(text),
        Style::Single => single().unwrap_or_else(|| double_quoted(text)),
        Style::Plain | Style::Literal | Style::Folded if can_stand_plain(text) => text.to_owned(),
        Style::Plain | Style::Literal | Style::Folded => {
            let escaped = text.contains(['\\', '"']);
            single().filter(|_| escaped).unwrap_or_else(|| double_quoted(text))
        }
    }
}

/// A text as YAML has it in any place: in quotes only where it would be read as something else.
#[must_use]
pub fn yaml_text(text: &str) -> String {
    if can_stand_plain(text) { text.to_owned() } else { double_quoted(text) }
}

/// A text in double quotes, for YAML and JSON alike.
pub(super) fn double_quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '\\' | '"' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            // The last ones end lines or begin texts, for some readers.
            c if c.is_control() || "\u{2028}\u{2029}\u{feff}".contains(c) => {
                quoted.extend(format!("\\u{:04x}", u32::from(c)).chars());
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

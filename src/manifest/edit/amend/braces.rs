//! Entries between braces, in YAML and JSON, on one line or on many. Must not know of lines without braces.

use std::ops::Range;

use super::super::TextEdit;
use super::super::layout::{Laid, styled};
use super::{Fresh, FreshValue};
use crate::manifest::yaml::{Kind, NodeRef, Style, Syntax};

/// The edits that take entries away, each with one comma; `None` where a comment stands between them.
pub(super) fn remove(
    mapping: NodeRef<'_>,
    entries: &[Laid<'_>],
    goes: impl Fn(&Laid<'_>) -> bool,
) -> Option<Vec<TextEdit>> {
    let source = mapping.tree().source();
    let mut edits = Vec::new();
    let mut at = 0;
    while let Some(first) = entries[at..].iter().position(&goes).map(|found| at + found) {
        let behind = entries[first..].iter().position(|entry| !goes(entry)).map_or(entries.len(), |kept| first + kept);
        let with_comma_before = first.checked_sub(1).map(|before| entries[before].end..entries[behind - 1].end);
        let with_comma_behind = entries.get(behind).map(|next| entries[first].start..next.start);
        // Nothing but the entries, blanks and the commas between them may go.
        let is_clean = |span: &Range<usize>| {
            let mut at = span.start;
            let mut between = String::new();
            for entry in &entries[first..behind] {
                between.push_str(&source[at..entry.start]);
                at = entry.end;
            }
            between.push_str(&source[at..span.end]);
            between.chars().all(|c| c.is_whitespace() || c == ',')
        };
        let span = [with_comma_before, with_comma_behind].into_iter().flatten().find(is_clean)?;
        edits.push(TextEdit { span, text: String::new() });
        at = behind;
    }
    Some(edits)
}

/// The edit that adds entries behind the first candidate, and that candidate; none of them in `{}`.
pub(super) fn insert<'a>(
    mapping: NodeRef<'a>,
    there: &[Laid<'a>],
    mut candidates: impl Iterator<Item = Laid<'a>>,
    entries: &[Fresh],
) -> Option<(Option<Laid<'a>>, TextEdit)> {
    let source = mapping.tree().source();
    let open = mapping.span().start + 1;
    if there.is_empty() {
        let manner = Manner { keys: PLAIN, values: PLAIN, colon: ": ", step: "", syntax: mapping.tree().syntax() };
        return Some((None, TextEdit { span: open..open, text: manner.write(entries, " ") }));
    }
    let neighbour = candidates.next()?;
    let number = there.iter().position(|entry| entry.key.id() == neighbour.key.id())?;
    let gap = match number.checked_sub(1) {
        Some(before) => source[there[before].end..neighbour.start].split_once(',')?.1,
        None => &source[open..neighbour.start],
    };
    let colon = &source[neighbour.key_end..neighbour.value_start];
    let is_tight = colon == ":" && neighbour.key.kind() != PLAIN;
    let is_loose = colon.ends_with([' ', '\t']) && colon.chars().all(|c| matches!(c, ' ' | '\t' | ':'));
    let is_lined = gap.contains(['\n', '\r']);
    let lead = match gap {
        gap if !gap.chars().all(char::is_whitespace) => " ",
        gap if is_lined || number > 0 => gap,
        _ if is_tight => "",
        _ => " ",
    };
    let manner = Manner {
        keys: neighbour.key.kind(),
        values: neighbour.value.kind(),
        colon: if is_tight || is_loose { colon } else { ": " },
        step: step(mapping, lead),
        syntax: mapping.tree().syntax(),
    };
    let text = format!(",{lead}{}", manner.write(entries, lead));
    Some((Some(neighbour), TextEdit { span: neighbour.end..neighbour.end, text }))
}

const PLAIN: Kind = Kind::Scalar(Style::Plain);

/// How much further in than its braces the entries of a mapping stand, where they stand on lines of their own.
fn step<'a>(mapping: NodeRef<'a>, lead: &'a str) -> &'a str {
    let tree = mapping.tree();
    let line = &tree.source()[tree.start_of_line(mapping.span().start)..];
    let outer = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
    let inner = lead.rsplit(['\n', '\r']).next().unwrap_or_default();
    inner.strip_prefix(outer).filter(|step| !step.is_empty()).unwrap_or("  ")
}

/// How entries are written here.
struct Manner<'a> {
    keys: Kind,
    values: Kind,
    /// What stands between key and value.
    colon: &'a str,
    step: &'a str,
    syntax: Syntax,
}

impl Manner<'_> {
    /// The entries with what stands between them; `lead` is what stands before a key.
    fn write(&self, entries: &[Fresh], lead: &str) -> String {
        let written = entries.iter().map(|Fresh { key, value }| {
            let value = match value {
                FreshValue::Text(text) => styled(text, self.values, self.syntax),
                FreshValue::Mapping(inner) if lead.contains(['\n', '\r']) => {
                    let further = format!("{lead}{}", self.step);
                    format!("{{{further}{}{lead}}}", self.write(inner, &further))
                }
                FreshValue::Mapping(inner) => format!("{{{}}}", self.write(inner, lead)),
            };
            styled(key, self.keys, self.syntax) + self.colon + &value
        });
        written.collect::<Vec<_>>().join(&format!(",{lead}"))
    }
}

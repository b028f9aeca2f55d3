//! Entries that stand on lines of their own, and whole lines that go. Must not know of braces.

use std::ops::Range;

use super::super::TextEdit;
use super::super::layout::{Laid, line_break, line_break_above, styled};
use super::{Fresh, FreshValue};
use crate::manifest::yaml::{Kind, NodeRef, Style, Syntax, Tree};

/// How far a mapping is indented in the one around it, where nothing shows it.
const STEP: usize = 2;

/// The edits that take whole lines away; `None` where something else stands on one of them.
pub(super) fn remove(entries: &[Laid<'_>], goes: impl Fn(&Laid<'_>) -> bool) -> Option<Vec<TextEdit>> {
    let source = entries.first()?.source();
    let lines = |entry: &Laid<'_>| Some(entry.line_start(false)?..entry.line_end()?);
    let mut spans: Vec<Range<usize>> = Vec::new();
    for lines in entries.iter().filter(|entry| goes(entry)).map(lines) {
        let lines = lines?;
        let follows = |last: &&mut Range<usize>| {
            line_break(&source[last.end..]).is_some_and(|n| last.end + n.len() == lines.start)
        };
        match spans.last_mut().filter(follows) {
            Some(last) => last.end = lines.end,
            None => spans.push(lines),
        }
    }
    let edit =
        |lines: Range<usize>| TextEdit { span: whole_lines(source, lines.start, lines.end), text: String::new() };
    Some(spans.into_iter().map(edit).collect())
}

/// Lines with the break behind them; where the last line of the file has none, with the one before them.
fn whole_lines(source: &str, start: usize, end: usize) -> Range<usize> {
    if let Some(newline) = line_break(&source[end..]) {
        return start..end + newline.len();
    }
    let above = &source[..start];
    let kept = above.strip_suffix("\r\n").or_else(|| above.strip_suffix(['\n', '\r'])).unwrap_or(above);
    kept.len()..end
}

/// The edit that adds entries behind the first candidate that ends its line, and that candidate. Where there
/// is none, they go before the first entry of all.
pub(super) fn insert<'a>(
    mapping: NodeRef<'a>,
    there: &[Laid<'a>],
    mut candidates: impl Iterator<Item = Laid<'a>>,
    entries: &[Fresh],
) -> Option<(Option<Laid<'a>>, TextEdit)> {
    let source = mapping.tree().source();
    let is_whole = |entry: &Laid<'_>| entry.line_start(true).is_some() && entry.line_end().is_some();
    let Some(neighbour) = candidates.find(|entry| is_whole(entry) && entry.is_closed()) else {
        let first = there.first()?;
        let (at, end) = (first.line_start(false)?, first.end);
        let newline = source[at..end].find(['\n', '\r']).and_then(|found| line_break(&source[at + found..]));
        let newline = newline.unwrap_or_else(|| line_break_above(source, at));
        let text = written(mapping, first.key, None, entries).join(newline) + newline;
        return Some((None, TextEdit { span: at..at, text }));
    };
    let end = neighbour.line_end()?;
    let lines = written(mapping, neighbour.key, Some(neighbour.value), entries);
    let edit = if let Some(newline) = line_break(&source[end..]) {
        let at = end + newline.len();
        TextEdit { span: at..at, text: lines.join(newline) + newline }
    } else {
        let newline = line_break_above(source, end);
        TextEdit { span: end..end, text: newline.to_owned() + &lines.join(newline) }
    };
    Some((Some(neighbour), edit))
}

/// New entries, line by line, in the style of a key and a value.
fn written(mapping: NodeRef<'_>, key: NodeRef<'_>, value: Option<NodeRef<'_>>, entries: &[Fresh]) -> Vec<String> {
    let values = value.map_or(Kind::Scalar(Style::Plain), NodeRef::kind);
    let manner = Manner { keys: key.kind(), values, step: step(mapping) };
    let mut lines = Vec::new();
    manner.write(entries, key.column() - 1, &mut lines);
    lines
}

/// How far the members of a mapping among these entries are indented: as far as those that are there.
fn step(mapping: NodeRef<'_>) -> usize {
    let inner = mapping.entries().filter(|(_, value)| !value.is_flow() && value.entries().next().is_some());
    let deeper = inner.map(|(key, value)| value.column().saturating_sub(key.column()));
    deeper.filter(|step| *step > 0).min().unwrap_or(STEP)
}

/// How entries are written here.
struct Manner {
    keys: Kind,
    values: Kind,
    step: usize,
}

impl Manner {
    fn write(&self, entries: &[Fresh], indent: usize, lines: &mut Vec<String>) {
        for Fresh { key, value } in entries {
            let key = styled(key, self.keys, Syntax::Yaml);
            match value {
                FreshValue::Text(text) => {
                    lines.push(format!("{:indent$}{key}: {}", "", styled(text, self.values, Syntax::Yaml)));
                }
                FreshValue::Mapping(inner) => {
                    lines.push(format!("{:indent$}{key}:", ""));
                    self.write(inner, indent + self.step, lines);
                }
            }
        }
    }
}

/// The bytes that go with a comment: its whole line, or what stands behind the last word on it.
pub(super) fn without_comment(tree: &Tree, hash: usize, source: &str) -> Range<usize> {
    let line = tree.start_of_line(hash);
    let end = hash + source[hash..].find(['\n', '\r']).unwrap_or(source.len() - hash);
    let before = source[line..hash].trim_end_matches([' ', '\t']);
    if before.is_empty() { whole_lines(source, line, end) } else { line + before.len()..end }
}

/// The edit that adds a comment about a value, and where it goes: behind the last word of the line on which the
/// value ends, which has to be the last one there; or above that line where it has a comment.
pub(super) fn mark(value: NodeRef<'_>, text: &str) -> Option<(usize, TextEdit)> {
    let (tree, source) = (value.tree(), value.tree().source());
    let end = value.outer_end()?;
    let line = &source[end..end + source[end..].find(['\n', '\r']).unwrap_or(source.len() - end)];
    let rest = line.trim_start_matches([' ', '\t', '}', ']']);
    if rest.is_empty() {
        let at = end + line.trim_end().len();
        return Some((at, TextEdit { span: at..at, text: format!(" # {text}") }));
    }
    let at = tree.start_of_line(value.outer_start());
    let indent = &source[at..source.len() - source[at..].trim_start_matches(' ').len()];
    let newline = line_break(&source[end + line.len()..]).unwrap_or_else(|| line_break_above(source, at));
    rest.starts_with('#').then(|| (at, TextEdit { span: at..at, text: format!("{indent}# {text}{newline}") }))
}

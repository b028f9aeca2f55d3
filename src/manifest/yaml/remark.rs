//! Comments, found by what they say, and the node that each of them speaks of.
//!
//! Must not know what a comment means. Only lines on which a word asked for stands are looked at, each
//! once; scalars, whole blocks among them, are stepped over.

use std::ops::Range;

use memchr::memmem::Finder;

use super::{Kind, NodeRef, Style, Tree};

/// A comment.
#[derive(Debug, Clone, Copy)]
pub(in crate::manifest) struct Remark<'a> {
    /// What stands behind the `#`, without blanks around it.
    pub(in crate::manifest) text: &'a str,
    /// The line of the `#`, from 1.
    pub(in crate::manifest) line: usize,
    /// The column of the `#`, from 1, in characters.
    pub(in crate::manifest) column: usize,
    /// Its bytes in the file, from the `#`, without blanks at its end.
    pub(in crate::manifest) span: (usize, usize),
    /// Whether nothing but dashes of a list stands before it on its line, so that it speaks of what comes next.
    pub(in crate::manifest) is_alone: bool,
    /// The line of another comment, where this one stands alone: right above or below it, or behind the value
    /// that it speaks of.
    pub(in crate::manifest) crowded_by: Option<usize>,
    /// What it speaks of: on its own line the last value, or what the last key opens; of a comment that
    /// stands alone, the same on the next line, with nothing but comments between. `None` where nothing is
    /// there.
    pub(in crate::manifest) subject: Option<NodeRef<'a>>,
}

impl Tree {
    /// The comments in which any of these words stands, in order. Those of insets are told by the trees
    /// of the insets.
    pub(in crate::manifest) fn remarks(&self, words: &[&str]) -> Vec<Remark<'_>> {
        let extent = self.extent();
        let line = self.origin.as_ref().map_or(1, |origin| origin.line);
        let text = &self.source[..extent.end];
        let mut searches: Vec<Search<'_>> = words.iter().map(|word| Search::new(word, text, extent.start)).collect();
        let mut reader = Reader { tree: self, text, counted: (extent.start, line), next_content: None };
        let mut remarks = Vec::new();
        let mut from = extent.start;
        while let Some(hit) = searches.iter_mut().filter_map(|search| search.at_or_behind(text, from)).min() {
            let before = &text.as_bytes()[extent.start..hit];
            let start = memchr::memrchr2(b'\n', b'\r', before).map_or(extent.start, |at| extent.start + at + 1);
            match reader.comment_on(start) {
                Found::Nothing { scanned } => from = scanned.max(hit + 1),
                Found::Comment { at, end } => {
                    from = end;
                    if searches.iter().any(|search| search.is_in(&text[at..end])) {
                        remarks.push(reader.remark(start, at, end));
                    }
                }
            }
        }
        remarks
    }
}

/// One word, and where it stands next.
struct Search<'w> {
    finder: Finder<'w>,
    next: Option<usize>,
}

impl<'w> Search<'w> {
    fn new(word: &'w str, text: &str, from: usize) -> Self {
        let finder = Finder::new(word);
        let next = finder.find(&text.as_bytes()[from..]).map(|at| from + at);
        Self { finder, next }
    }

    fn at_or_behind(&mut self, text: &str, from: usize) -> Option<usize> {
        if self.next.is_some_and(|next| next < from) {
            self.next = self.finder.find(&text.as_bytes()[from..]).map(|at| from + at);
        }
        self.next
    }

    fn is_in(&self, text: &str) -> bool {
        self.finder.find(text.as_bytes()).is_some()
    }
}

/// What a look at a line found.
enum Found {
    /// No comment up to here: the end of the line, or that of a scalar that goes on behind it.
    Nothing { scanned: usize },
    /// A comment from its `#` to the end of the line.
    Comment { at: usize, end: usize },
}

/// Reads lines, forward only.
struct Reader<'a> {
    tree: &'a Tree,
    /// The source up to where the tree ends.
    text: &'a str,
    /// A byte up to which lines are counted, and the line it stands on.
    counted: (usize, usize),
    /// The last answer of [`content_behind`](Self::content_behind), with the bytes it is the answer for.
    next_content: Option<(Range<usize>, Option<Range<usize>>)>,
}

impl<'a> Reader<'a> {
    /// The comment on the line that starts here.
    fn comment_on(&self, start: usize) -> Found {
        let bytes = self.text.as_bytes();
        let end = self.end_of_line(start);
        let mut from = start;
        while let Some(at) = memchr::memchr(b'#', &bytes[from.min(end)..end]).map(|found| from + found) {
            if let Some(behind) = self.scalar_around(at) {
                from = behind;
            } else if at == start || matches!(bytes[at - 1], b' ' | b'\t') {
                return Found::Comment { at, end };
            } else {
                from = at + 1;
            }
        }
        Found::Nothing { scanned: from.max(end) }
    }

    /// Where the quoted or block scalar ends that holds this byte. Plain ones hold no comment signs
    /// behind blanks.
    fn scalar_around(&self, at: usize) -> Option<usize> {
        let last = self.tree.nodes.partition_point(|node| node.start as usize <= at).checked_sub(1)?;
        let node = self.tree.node(super::small(last));
        let end = match node.kind() {
            Kind::Scalar(Style::Single | Style::Double) => node.span().end + 1,
            Kind::Scalar(Style::Literal | Style::Folded) => node.end_of_block(self.text.len()),
            _ => return None,
        };
        (at < end).then_some(end)
    }

    fn end_of_line(&self, from: usize) -> usize {
        memchr::memchr2(b'\n', b'\r', &self.text.as_bytes()[from..]).map_or(self.text.len(), |at| from + at)
    }

    /// The comment from its `#` to the end of its line, with its subject.
    fn remark(&mut self, start: usize, at: usize, end: usize) -> Remark<'a> {
        let is_alone = is_bare(&self.text[start..at]);
        let below = if is_alone { self.content_behind(end) } else { None };
        let subject = match &below {
            Some(line) => self.spoken_of(line.clone(), true),
            None if is_alone => None,
            None => self.spoken_of(start..at, false),
        };
        let column = self.tree.source[self.tree.start_of_line(at)..at].chars().count() + 1;
        let line = self.line_of(at);
        let crowded_by = if is_alone { self.other_comment(start, end, below, line) } else { None };
        let text = self.text[at + 1..end].trim();
        let span = (at, at + self.text[at..end].trim_end().len());
        Remark { text, line, column, span, is_alone, crowded_by, subject }
    }

    /// The line of a comment right above or below the one from `start` to `end`, or behind what stands `below` it.
    fn other_comment(&self, start: usize, end: usize, below: Option<Range<usize>>, line: usize) -> Option<usize> {
        let comment = |start: usize| match self.comment_on(start) {
            Found::Comment { at, .. } => Some(at),
            Found::Nothing { .. } => None,
        };
        let alone = |start: &usize| comment(*start).is_some_and(|at| is_bare(&self.text[*start..at]));
        let above = self.before_break(start).map(|end| self.tree.start_of_line(end));
        if above.as_ref().is_some_and(alone) {
            return Some(line - 1);
        }
        let next = self.behind_break(end);
        if next.as_ref().is_some_and(alone) {
            return Some(line + 1);
        }
        let below = below.filter(|below| comment(below.start).is_some())?;
        let last = self.tree.nodes.partition_point(|node| (node.start as usize) < below.end).checked_sub(1)?;
        Some(self.tree.node(super::small(last)).line())
    }

    /// Where the line before this one ends, if there is one in the tree.
    fn before_break(&self, start: usize) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let first = self.tree.extent().start;
        let end = start.checked_sub(1).filter(|end| *end >= first)?;
        Some(if end > first && bytes[end] == b'\n' && bytes[end - 1] == b'\r' { end - 1 } else { end })
    }

    /// Where the line behind this one starts, if there is one in the tree.
    fn behind_break(&self, end: usize) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let is_two = bytes.get(end) == Some(&b'\r') && bytes.get(end + 1) == Some(&b'\n');
        let next = end + if is_two { 2 } else { 1 };
        (next < bytes.len()).then_some(next)
    }

    /// The first line behind `end` that has more on it than a comment. Comments are written in blocks, and a
    /// line without anything ends them: what stands beyond it is not what a comment above is about.
    fn content_behind(&mut self, end: usize) -> Option<Range<usize>> {
        if let Some((asked, answer)) = &self.next_content
            && asked.contains(&end)
        {
            return answer.clone();
        }
        let mut at = end;
        let answer = loop {
            if at >= self.text.len() {
                break None;
            }
            let line = at + if self.text[at..].starts_with("\r\n") { 2 } else { 1 };
            at = self.end_of_line(line);
            let content = &self.text[line..at];
            if content.trim().is_empty() {
                break None;
            }
            let upto = content.find('#').unwrap_or(content.len());
            if !is_bare(&content[..upto]) {
                break Some(line..at).filter(|_| !content.trim_start().starts_with("---"));
            }
        };
        self.next_content = Some((end..at.max(end + 1), answer.clone()));
        answer
    }

    /// What a comment on these bytes of a line, or above them, speaks of.
    fn spoken_of(&self, bytes: Range<usize>, above: bool) -> Option<NodeRef<'a>> {
        let last = self.tree.nodes.partition_point(|node| (node.start as usize) < bytes.end).checked_sub(1)?;
        let node = self.tree.node(super::small(last));
        let begins_here = node.span().start >= bytes.start;
        let ends_here = match node.kind() {
            Kind::Scalar(Style::Single | Style::Double) => node.span().end >= bytes.start,
            Kind::Scalar(Style::Plain) => !node.is_verbatim(),
            _ => false,
        };
        if !begins_here && (above || !ends_here) {
            return None;
        }
        if node.is_key() {
            (node.node().next < self.tree.len()).then(|| self.tree.node(node.node().next))
        } else {
            Some(node)
        }
    }

    /// The line of a byte; never asked backwards.
    fn line_of(&mut self, at: usize) -> usize {
        let (from, line) = self.counted;
        let bytes = self.tree.source.as_bytes();
        let breaks = memchr::memchr2_iter(b'\n', b'\r', &bytes[from..at])
            .filter(|found| bytes[from + found] == b'\n' || bytes.get(from + found + 1) != Some(&b'\n'));
        self.counted = (at, line + breaks.count());
        self.counted.1
    }
}

/// Whether nothing is written here but blanks, and dashes of lists.
fn is_bare(text: &str) -> bool {
    text.chars().all(|c| matches!(c, ' ' | '\t' | '-')) && !text.trim_start().starts_with("---")
}

#[cfg(test)]
mod tests;

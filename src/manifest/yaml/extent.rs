//! Where a node begins and ends in the text, with its quotes, brackets and the lines of a block. Must not
//! know what stands there.

use super::{Kind, NodeRef, Style};

impl NodeRef<'_> {
    /// The first byte of a scalar in one of the flow styles, its quote with it, or of any other node where
    /// it is said to begin. Of a block that is where its text does, behind the `|` or `>`.
    pub(in crate::manifest) fn outer_start(self) -> usize {
        let start = self.span().start;
        if matches!(self.kind(), Kind::Scalar(Style::Single | Style::Double)) { start - 1 } else { start }
    }

    /// The byte behind the node: behind its quote, its bracket, or the last line of a block that has
    /// anything on it. `None` where that cannot be told: for empty values in lists, for instance, and where a
    /// comment stands before the bracket.
    pub(in crate::manifest) fn outer_end(self) -> Option<usize> {
        let mut chain = vec![self];
        while let Some(last) = chain.last().and_then(|node| node.last_member()) {
            chain.push(last);
        }
        let innermost = chain.pop()?;
        let mut end = match innermost.kind() {
            Kind::Scalar(_) => innermost.end_of_scalar()?,
            Kind::Alias(_) => innermost.end_of_alias(),
            Kind::Mapping | Kind::Sequence => innermost.behind_bracket(innermost.span().start + 1)?,
        };
        for node in chain.into_iter().rev().filter(|node| node.bracket().is_some()) {
            end = node.behind_bracket(end)?;
        }
        Some(end)
    }

    fn last_member(self) -> Option<Self> {
        match self.kind() {
            Kind::Mapping => self.entries().last().map(|(_, value)| value),
            Kind::Sequence => self.items().last(),
            Kind::Scalar(_) | Kind::Alias(_) => None,
        }
    }

    /// The bracket that closes a collection which opens with one.
    fn bracket(self) -> Option<u8> {
        let opens = self.tree.source.as_bytes().get(self.span().start);
        match (self.kind(), opens) {
            (Kind::Mapping, Some(b'{')) => Some(b'}'),
            (Kind::Sequence, Some(b'[')) => Some(b']'),
            _ => None,
        }
    }

    /// The byte behind the bracket that closes this collection, whose last member ends here.
    fn behind_bracket(self, from: usize) -> Option<usize> {
        let bytes = self.tree.source.as_bytes();
        let mut at = from;
        let mut commas = 0;
        loop {
            match bytes.get(at)? {
                b' ' | b'\t' | b'\n' | b'\r' => {}
                b',' if commas == 0 => commas = 1,
                byte => return (Some(*byte) == self.bracket()).then_some(at + 1),
            }
            at += 1;
        }
    }

    fn end_of_scalar(self) -> Option<usize> {
        let (source, span) = (self.tree.source.as_str(), self.span());
        let Kind::Scalar(style) = self.kind() else { return None };
        match style {
            Style::Single | Style::Double => Some(span.end + 1),
            Style::Plain if self.is_verbatim() && !span.is_empty() => Some(span.end),
            // Of a value that is not written there is only the colon; its tag or anchor may be anywhere.
            Style::Plain if self.is_verbatim() && !self.is_unmarked() => None,
            Style::Plain if self.is_verbatim() => {
                let behind = source[span.start..].trim_start_matches([' ', '\t']);
                behind.starts_with(':').then(|| source.len() - behind.len() + 1)
            }
            Style::Plain => self.end_of_words(),
            Style::Literal | Style::Folded => {
                let end = self.end_of_block(self.tree.extent().end);
                let text = source[span.start..end].trim_end();
                (!text.is_empty()).then_some(span.start + text.len())
            }
        }
    }

    /// Where a plain scalar of several lines ends: with its last word.
    fn end_of_words(self) -> Option<usize> {
        let start = self.span().start;
        let mut words = self.text()?.chars().filter(|c| !c.is_whitespace()).peekable();
        for (at, c) in self.tree.source[start..].char_indices().filter(|(_, c)| !c.is_whitespace()) {
            if words.next() != Some(c) {
                return None;
            }
            if words.peek().is_none() {
                return Some(start + at + c.len_utf8());
            }
        }
        None
    }

    fn end_of_alias(self) -> usize {
        let start = self.span().start;
        let rest = &self.tree.source[start..];
        start + rest.find(|c: char| c.is_whitespace() || ",]}".contains(c)).unwrap_or(rest.len())
    }

    /// Where a block scalar ends in a text that ends at `limit`: at the first line with something on it that is
    /// indented less.
    pub(super) fn end_of_block(self, limit: usize) -> usize {
        let bytes = &self.tree.source.as_bytes()[..limit];
        let start = self.span().start;
        if self.text().is_none_or(|text| text.trim_matches('\n').is_empty()) {
            return start;
        }
        let end_of_line =
            |from: usize| memchr::memchr2(b'\n', b'\r', &bytes[from..]).map_or(bytes.len(), |at| from + at);
        let indent = start - self.tree.start_of_line(start);
        let mut end = end_of_line(start);
        while end < bytes.len() {
            let line = end + 1;
            let blanks = bytes[line..].iter().take(indent).take_while(|byte| **byte == b' ').count();
            let ends = !matches!(bytes.get(line + blanks), None | Some(b'\n' | b'\r'))
                && (blanks < indent || (indent == 0 && bytes[line..].starts_with(b"...")));
            if ends {
                return line;
            }
            end = end_of_line(line);
        }
        end
    }
}

impl super::Tree {
    /// Where the line of this byte starts in the file.
    pub(in crate::manifest) fn start_of_line(&self, at: usize) -> usize {
        let first = super::behind_bom(&self.source);
        memchr::memrchr2(b'\n', b'\r', &self.source.as_bytes()[first..at]).map_or(first, |found| first + found + 1)
    }
}

#[cfg(test)]
mod tests {
    use crate::manifest::yaml::{Syntax, Tree};

    /// The value of `i`, as it stands in the text.
    #[track_caller]
    fn check(source: &str, expected: Option<&str>) {
        let tree = Tree::parse(source.into(), Syntax::Yaml).unwrap();
        let node = (0..tree.len()).map(|id| tree.node(id)).find_map(|node| node.get("i")).unwrap();
        let whole = node.outer_end().map(|end| &source[node.outer_start()..end]);
        assert_eq!(whole, expected, "{source:?}");
    }

    #[test]
    fn every_node_ends_somewhere() {
        check("i: a # b\n", Some("a"));
        check("i: 'a'' b' # b\n", Some("'a'' b'"));
        check("i: \"a\\\"\n  b\"\n", Some("\"a\\\"\n  b\""));
        check("i: a\n  b\n\n  c # d\n", Some("a\n  b\n\n  c"));
        check("x: &x y\ni: *x\n", Some("*x"));
        check("x: &x y\nz: {i: *x}\n", Some("*x"));
        check("i: |\n  a\n  # b\n\n# c\nj: k\n", Some("a\n  # b"));
        check("i: >-\n  a", Some("a"));
        check("i: {a: b, c: [d]} # x\n", Some("{a: b, c: [d]}"));
        check("i: {\n  a: b,\n}\n", Some("{\n  a: b,\n}"));
        check("i: {a: b # c\n  }\n", None);
        check("i: {}\n", Some("{}"));
        check("i: [ ]\n", Some("[ ]"));
        check("i:\n  a: b\n  c:\n  - d\n  - e: f # g\nj: k\n", Some("a: b\n  c:\n  - d\n  - e: f"));
        check("i:\n  a: {b: {c: 'd'}}\nj: k\n", Some("a: {b: {c: 'd'}}"));
        check("i:\n  a:\nj: k\n", Some("a:"));
        check("i:\n  - a\n  -\nj: k\n", None);
    }
}

//! How a generated file is written: in block and flow style, with comments, blank lines, quotes,
//! anchors and line ends of all kinds.

use std::fmt::{Display, Write as _};

use super::objects::Node;
use super::{Dice, Value};

/// Writes one file, and notes where the values come to stand.
pub(super) struct Pen<'p, 'b> {
    pub(super) dice: &'p mut Dice<'b>,
    pub(super) values: &'p mut [Value],
    pub(super) out: String,
    line_ends: LineEnds,
    /// How far a block stands behind the one around it.
    pub(super) width: usize,
    /// The anchors of this document on what is no image: scalars, and mappings.
    pub(super) anchors: [Vec<String>; 2],
    names: usize,
    /// Whether the last value is an image in a block, which a comment further in would add to.
    pub(super) is_open: bool,
}

#[derive(Debug, Clone, Copy)]
enum LineEnds {
    Unix,
    Windows,
    Mixed,
}

const COMMENTS: [&str; 8] = [
    "note",
    "image: x:1",
    "ü 日本 😀\u{a0}",
    "- name: c",
    "'\"",
    "{{ .Values.image }}",
    "\u{2028}\u{85}",
    "# kind: Pod",
];
impl<'p, 'b> Pen<'p, 'b> {
    pub(super) fn new(dice: &'p mut Dice<'b>, values: &'p mut [Value]) -> Self {
        let line_ends = match dice.throw(6) {
            4 => LineEnds::Windows,
            5 => LineEnds::Mixed,
            _ => LineEnds::Unix,
        };
        let width = dice.pick(&[2, 4, 1, 3, 7]);
        let mut out = String::new();
        if dice.one_in(8) {
            out.push('\u{feff}');
        }
        Self { dice, values, out, line_ends, width, anchors: [Vec::new(), Vec::new()], names: 0, is_open: false }
    }

    /// The text, without its last line end perhaps.
    pub(super) fn finish(mut self) -> String {
        if self.dice.one_in(4) && self.out.ends_with('\n') {
            self.out.pop();
            if self.out.ends_with('\r') {
                self.out.pop();
            }
        }
        self.out
    }

    pub(super) fn yaml(&mut self, documents: &[Node]) {
        if self.dice.one_in(10) {
            self.line("%YAML 1.2");
            self.line("---");
        } else if self.dice.one_in(3) {
            self.separator();
        }
        for (at, document) in documents.iter().enumerate() {
            if at > 0 {
                if self.dice.one_in(6) {
                    self.line("...");
                }
                self.separator();
            }
            self.anchors = [Vec::new(), Vec::new()];
            self.document(document);
        }
        if self.dice.one_in(8) {
            self.line("...");
        }
    }

    fn separator(&mut self) {
        self.out.push_str("---");
        self.end_line();
    }

    fn document(&mut self, document: &Node) {
        match document {
            Node::Map(entries) if self.dice.one_in(8) => {
                self.flow_map(entries, 2);
                self.end_line();
            }
            Node::Map(entries) => self.block_map(entries, 0, true),
            _ => match self.dice.throw(4) {
                1 => self.comment_line(0),
                2 => self.block_map(&[("x".to_owned(), Node::Odd), ("image".to_owned(), Node::Odd)], 0, true),
                3 => {
                    self.out.push_str("- x:1");
                    self.end_line();
                }
                _ => {}
            },
        }
    }

    /// The entries at this column. The first one begins where the pen is, unless that is a new line.
    pub(super) fn block_map(&mut self, entries: &[(String, Node)], column: usize, mut is_new_line: bool) {
        for (key, node) in entries {
            if is_new_line {
                self.between(column);
                self.blanks(column);
            }
            is_new_line = true;
            if matches!(node, Node::Odd | Node::Text(_)) && self.dice.one_in(24) {
                self.out.push_str("? ");
                self.key(key);
                self.end_line();
                self.blanks(column);
                self.out.push(':');
            } else {
                self.key(key);
                self.out.push_str(if self.dice.one_in(16) { " :" } else { ":" });
            }
            self.behind_key(node, column);
        }
        if column > 0
            && self.dice.one_in(8)
            && let Some(anchor) = self.anchors[1].last().cloned()
        {
            let number = self.number();
            self.blanks(column);
            self.put(format_args!("x-merged{number}: {{<<: *{anchor}}}"));
            self.end_line();
        }
    }

    /// A value behind its key's colon, with the end of its line.
    fn behind_key(&mut self, node: &Node, column: usize) {
        match node {
            Node::Map(entries) if entries.is_empty() || self.dice.one_in(7) => {
                self.gap();
                self.flow_map(entries, column + self.width);
                self.end_line();
            }
            Node::Map(entries) => {
                self.end_line();
                self.block_map(entries, column + self.width, true);
            }
            Node::List(items) if items.is_empty() || self.dice.one_in(7) => {
                self.gap();
                self.flow_list(items, column + self.width);
                self.end_line();
            }
            Node::List(items) => {
                self.end_line();
                let inner = if self.dice.one_in(2) { column + self.width } else { column };
                self.block_list(items, inner);
            }
            _ => {
                self.gap();
                self.scalar(node, column);
            }
        }
    }

    pub(super) fn block_list(&mut self, items: &[Node], column: usize) {
        for item in items {
            self.between(column);
            self.blanks(column);
            self.out.push('-');
            match item {
                Node::Map(entries) if !entries.is_empty() && !self.dice.one_in(7) => {
                    if self.dice.one_in(8) {
                        self.end_line();
                        self.block_map(entries, column + 2, true);
                    } else {
                        let gap = self.gap();
                        self.block_map(entries, column + 1 + gap, false);
                    }
                }
                Node::Map(entries) => {
                    self.gap();
                    self.flow_map(entries, column + 2);
                    self.end_line();
                }
                Node::List(items) => {
                    self.gap();
                    self.flow_list(items, column + 2);
                    self.end_line();
                }
                _ => {
                    self.gap();
                    self.scalar(item, column);
                }
            }
        }
    }

    fn flow_map(&mut self, entries: &[(String, Node)], column: usize) {
        self.out.push('{');
        for (at, (key, node)) in entries.iter().enumerate() {
            self.flow_gap(at > 0, column);
            self.key(key);
            self.out.push_str(": ");
            self.flow(node, column);
            if at + 1 < entries.len() || self.dice.one_in(8) {
                self.out.push(',');
            }
        }
        self.flow_gap(false, column);
        self.out.push('}');
    }

    fn flow_list(&mut self, items: &[Node], column: usize) {
        self.out.push('[');
        for (at, item) in items.iter().enumerate() {
            self.flow_gap(at > 0, column);
            self.flow(item, column);
            if at + 1 < items.len() || self.dice.one_in(8) {
                self.out.push(',');
            }
        }
        self.flow_gap(false, column);
        self.out.push(']');
    }

    fn flow(&mut self, node: &Node, column: usize) {
        match node {
            Node::Map(entries) => self.flow_map(entries, column),
            Node::List(items) => self.flow_list(items, column),
            Node::Value(value) => self.value(*value, None),
            Node::Text(text) => self.text(text),
            Node::Alias(name) => self.put(format_args!("*{name} ")),
            Node::Odd => {
                let throw = self.dice.throw(7);
                self.odd_in_line(throw);
            }
        }
    }

    /// Between two members of a flow collection: nothing, a blank, or a new line that is far enough in.
    fn flow_gap(&mut self, is_needed: bool, column: usize) {
        match self.dice.throw(8) {
            5 => self.out.push_str("  "),
            6 => {
                self.new_line();
                self.blanks(column);
            }
            7 => {
                self.out.push_str(" # ");
                let comment = self.dice.pick(&COMMENTS);
                self.line(comment);
                self.blanks(column);
            }
            _ if is_needed => self.out.push(' '),
            _ => {}
        }
    }

    fn key(&mut self, key: &str) {
        match self.dice.throw(10) {
            8 => self.put(format_args!("'{key}'")),
            9 => self.put(format_args!("\"{key}\"")),
            _ => self.out.push_str(key),
        }
    }

    /// Lines between two entries: none mostly, blank ones, comments at any column.
    fn between(&mut self, column: usize) {
        match self.dice.throw(10) {
            7 => self.line(""),
            8 => {
                self.blanks(column + 1);
                self.line("");
            }
            9 => {
                let column = self.dice.pick(&[column, 0, if self.is_open { column } else { column + 3 }]);
                self.comment_line(column);
            }
            _ => {}
        }
        self.is_open = false;
    }

    fn comment_line(&mut self, column: usize) {
        self.blanks(column);
        let comment = self.dice.pick(&COMMENTS);
        self.line(&format!("# {comment}"));
    }

    /// One to three blanks; how many.
    fn gap(&mut self) -> usize {
        let width = self.dice.pick(&[1, 1, 1, 1, 2, 3]);
        self.blanks(width);
        width
    }

    /// A number that no name has yet.
    pub(super) fn number(&mut self) -> usize {
        self.names += 1;
        self.names
    }

    pub(super) fn put(&mut self, text: impl Display) {
        write!(self.out, "{text}").unwrap();
    }

    pub(super) fn blanks(&mut self, count: usize) {
        self.out.extend(std::iter::repeat_n(' ', count));
    }

    /// The rest of a line behind a value: blanks and a comment perhaps.
    pub(super) fn end_line(&mut self) {
        match self.dice.throw(8) {
            5 => self.out.push_str("  "),
            6 | 7 => {
                let gap = self.dice.pick(&[" ", "  ", "\t", "      "]);
                let comment = self.dice.pick(&COMMENTS);
                self.put(format_args!("{gap}# {comment}"));
            }
            _ => {}
        }
        self.new_line();
    }

    pub(super) fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.new_line();
    }

    pub(super) fn new_line(&mut self) {
        let is_windows = match self.line_ends {
            LineEnds::Unix => false,
            LineEnds::Windows => true,
            LineEnds::Mixed => self.dice.one_in(2),
        };
        self.out.push_str(if is_windows { "\r\n" } else { "\n" });
    }
}

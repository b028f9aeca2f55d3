//! Single values of a generated file: images, texts, and anything else.

use super::Form;
use super::objects::Node;
use super::pen::Pen;

const NUMBERS: [&str; 12] =
    ["1.10", "0755", "1e3", "0x1F", "~", "null", "yes", "12:30:45", "2024-01-01", ".5", "-1", "x:1"];
const QUOTED: [&str; 8] = [
    "'it''s'",
    "\"\\u0041 😀\\n\"",
    "\"image: x:1 # no\"",
    "'{{ .Values.image }}'",
    "\"\"",
    "'image: x:1'",
    "\"\\\"\\\\\"",
    "'ü\u{2028}'",
];
const TAGGED: [&str; 4] = ["!!str 5", "!custom x", "!!binary aGk=", "! 5"];
const FLOW: [&str; 5] = ["{a: b,   c: [d,e ], 'f': \"g\"}", "[]", "{ }", "[{image: x:1}, a: b]", "[ x:1,'y' , \"z\" ]"];
const HEADS: [&str; 8] = ["|", ">", "|-", ">-", "|+", ">+", "|2", ">2-"];
const BLOCK_LINES: [&str; 8] =
    ["text", "image: x:1", "# no comment", "trailing  ", "", "  further in", "ключ: 日本 \u{a0}", "- {image: x:1}\t"];

impl Pen<'_, '_> {
    /// A scalar in a block at this column, with the end of its line.
    pub(super) fn scalar(&mut self, node: &Node, column: usize) {
        match node {
            Node::Odd => self.odd(column),
            Node::Value(value) => self.value(*value, Some(column)),
            Node::Text(text) => {
                if self.dice.one_in(16) {
                    self.end_line();
                    self.blanks(column + 2);
                }
                self.text(text);
                self.end_line();
            }
            Node::Alias(name) => {
                self.put(format_args!("*{name}"));
                self.end_line();
            }
            Node::Map(_) | Node::List(_) => unreachable!("collections are no scalars"),
        }
    }

    /// Anything, in a block at this column, with the end of its line.
    fn odd(&mut self, column: usize) {
        let inner = column + 2;
        match self.dice.throw(14) {
            7 => self.block_text(inner),
            8 => {
                self.line("several");
                self.blanks(inner);
                self.line("plain");
                self.line("");
                self.blanks(inner + 1);
                self.out.push_str("lines");
                self.end_line();
            }
            9 => {
                self.line("\"several");
                self.blanks(inner);
                self.line("quoted \\");
                self.line("");
                self.blanks(inner);
                self.out.push_str("image: x:1\"");
                self.end_line();
            }
            10 => {
                self.end_line();
                let entries = [("image".to_owned(), Node::Text("x:1".into())), ("x".to_owned(), Node::Odd)];
                self.block_map(&entries, column + self.width, true);
            }
            11 => {
                self.end_line();
                self.block_list(&[Node::Text("x:1".into()), Node::Odd], column + self.width);
            }
            12 => {
                let number = self.number();
                self.put(format_args!("&m{number} {{a{number}: x:1}}"));
                self.anchors[1].push(format!("m{number}"));
                self.end_line();
            }
            13 => self.end_line(),
            throw => {
                self.odd_in_line(throw);
                self.end_line();
            }
        }
    }

    /// A literal or folded text, whose first line tells how far in it stands.
    fn block_text(&mut self, column: usize) {
        let head = self.dice.pick(&HEADS);
        self.line(head);
        for at in 0..=self.dice.throw(5) {
            let line = if at == 0 { "text" } else { self.dice.pick(&BLOCK_LINES) };
            self.blanks(if line.is_empty() { 0 } else { column });
            self.line(line);
        }
    }

    /// Anything that fits on a line, in a flow collection as well.
    pub(super) fn odd_in_line(&mut self, throw: usize) {
        let text = match throw {
            1 => self.dice.pick(&NUMBERS).to_owned(),
            2 => self.dice.pick(&QUOTED).to_owned(),
            3 => self.dice.pick(&TAGGED).to_owned(),
            4 => self.dice.pick(&FLOW).to_owned(),
            5 => {
                let number = self.number();
                self.anchors[0].push(format!("s{number}"));
                format!("&s{number} {}", self.dice.pick(&QUOTED))
            }
            6 if !self.anchors[0].is_empty() => format!("*{} ", self.anchors[0][self.anchors[0].len() - 1]),
            _ => "odd".to_owned(),
        };
        self.out.push_str(&text);
    }

    /// An image, in a block at this column with the end of its line, or in a flow collection.
    pub(super) fn value(&mut self, value: usize, block: Option<usize>) {
        let text = self.values[value].text();
        if let Some(column) = block.filter(|_| self.dice.one_in(16)) {
            self.end_line();
            self.blanks(column + 2);
        }
        let anchor = self.values[value].anchor.clone();
        if let Some(anchor) = &anchor {
            self.put(format_args!("&{anchor} "));
        }
        match self.dice.throw(12) {
            10 => self.out.push_str("!!str "),
            11 if anchor.is_none() => {
                let number = self.number();
                self.put(format_args!("&alone{number} "));
            }
            _ => {}
        }
        let (form, quote) = match self.dice.throw(16) {
            8..11 => (Form::Quoted, "'"),
            11..14 => (Form::Quoted, "\""),
            14 => (Form::Awkward, "\""),
            15 if block.is_some() => (Form::Awkward, ""),
            _ => (Form::Plain, ""),
        };
        self.values[value].form = form;
        if let (Form::Awkward, "", Some(column)) = (form, quote, block) {
            let head = self.dice.pick(&["|-", ">-"]);
            self.line(head);
            self.blanks(column + 2);
            self.line(&text);
            self.is_open = true;
            return;
        }
        self.out.push_str(quote);
        let start = self.out.len();
        match text.chars().next() {
            Some(first) if form == Form::Awkward => self.put(format_args!("\\x{:02x}{}", u32::from(first), &text[1..])),
            _ => self.out.push_str(&text),
        }
        self.values[value].span = start..self.out.len();
        self.out.push_str(quote);
        if block.is_some() {
            self.end_line();
        }
    }

    /// A text in any style; one that YAML reads as something else stays in quotes.
    pub(super) fn text(&mut self, text: &str) {
        let text = match self.dice.throw(8) {
            5 => format!("'{text}'"),
            6 => format!("\"{text}\""),
            7 => format!("!!str {text}"),
            _ if text == "true" => "'true'".to_owned(),
            _ => text.to_owned(),
        };
        self.out.push_str(&text);
    }
}

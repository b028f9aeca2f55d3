//! How a generated file is written as JSON: with blanks, tabs and line ends between all of it.

use super::Form;
use super::objects::Node;
use super::pen::Pen;

const ODD: [&str; 7] =
    ["1.10", "null", "true", "\"\\ud83d\\ude00 \\u0041\\t\"", "[]", "{\"image\":\t\"x:1\"}", "\"é\\/\""];

impl Pen<'_, '_> {
    pub(super) fn json(&mut self, node: &Node) {
        match node {
            Node::Map(entries) => {
                self.out.push('{');
                for (at, (key, node)) in entries.iter().enumerate() {
                    self.json_gap(at > 0);
                    self.put(format_args!("\"{key}\""));
                    let colon = self.dice.pick(&[": ", ":", ":\t", "\t: ", ":  "]);
                    self.out.push_str(colon);
                    self.json(node);
                }
                self.json_gap(false);
                self.out.push('}');
            }
            Node::List(items) => {
                self.out.push('[');
                for (at, item) in items.iter().enumerate() {
                    self.json_gap(at > 0);
                    self.json(item);
                }
                self.json_gap(false);
                self.out.push(']');
            }
            Node::Value(value) => {
                let text = self.values[*value].text();
                let text = if self.dice.one_in(4) { text.replace('/', "\\/") } else { text };
                let start = self.out.len() + 1;
                self.put(format_args!("\"{text}\""));
                (self.values[*value].span, self.values[*value].form) = (start..start + text.len(), Form::Quoted);
            }
            Node::Text(text) => self.put(format_args!("\"{text}\"")),
            Node::Odd | Node::Alias(_) => {
                let odd = self.dice.pick(&ODD);
                self.out.push_str(odd);
            }
        }
    }

    fn json_gap(&mut self, is_next: bool) {
        if is_next {
            self.out.push(',');
        }
        match self.dice.throw(6) {
            3 => self.out.push('\t'),
            4 => {
                self.new_line();
                self.out.push_str("\t\t");
            }
            5 => {
                self.new_line();
                self.blanks(self.width);
            }
            _ => {}
        }
    }
}

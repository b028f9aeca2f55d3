//! Files of which it is known where each image stands, since it was put there: an oracle that shares
//! nothing with our reader.
//!
//! A file is thrown with dice: each byte is one choice, and where the bytes end every choice is the
//! simplest, so that a failing file shrinks by itself. `objects.rs` chooses what stands in it, `pen.rs`,
//! `scalars.rs` and `json.rs` how it is written. A new place for images is one more function in `objects.rs`.

mod json;
mod objects;
mod pen;
mod scalars;

use std::ops::Range;

use pen::Pen;

/// A file, and what was put into it.
#[derive(Debug)]
pub(crate) struct Generated {
    pub(crate) path: &'static str,
    pub(crate) text: String,
    pub(crate) values: Vec<Value>,
    /// In the order of the text.
    pub(crate) images: Vec<Planted>,
}

/// An image that is to be found.
#[derive(Debug, Clone)]
pub(crate) struct Planted {
    /// `namespace/Kind/name`
    pub(crate) workload: String,
    pub(crate) container: String,
    /// The number of the value that says it; several images may share one through an anchor.
    pub(crate) value: usize,
}

/// A scalar that says an image.
#[derive(Debug, Clone)]
pub(crate) struct Value {
    pub(crate) name: &'static str,
    pub(crate) tag: Option<&'static str>,
    pub(crate) digest: bool,
    pub(crate) form: Form,
    /// The bytes inside the quotes; empty for a block.
    pub(crate) span: Range<usize>,
    /// Whether something that is no image shares it through an anchor.
    pub(crate) is_shared: bool,
    anchor: Option<String>,
}

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Plain,
    /// In quotes, without escapes but `\/`.
    Quoted,
    /// In a way that cannot be changed safely.
    Awkward,
}

/// Bytes as choices.
struct Dice<'a> {
    bytes: std::slice::Iter<'a, u8>,
}

/// The digest of images that have one.
const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A file made of these choices.
pub(crate) fn generate(choices: &[u8]) -> Generated {
    let mut dice = Dice { bytes: choices.iter() };
    let is_json = dice.one_in(8);
    let (documents, mut values, images) = objects::documents(&mut dice, is_json);
    let mut pen = Pen::new(&mut dice, &mut values);
    if is_json {
        pen.json(&documents[0]);
    } else {
        pen.yaml(&documents);
    }
    let text = pen.finish();
    Generated { path: if is_json { "a.json" } else { "a.yaml" }, text, values, images }
}

impl Value {
    /// The whole image.
    pub(crate) fn text(&self) -> String {
        let tag = self.tag.map(|tag| format!(":{tag}")).unwrap_or_default();
        let digest = if self.digest { format!("@{DIGEST}") } else { String::new() };
        format!("{}{tag}{digest}", self.name)
    }

    /// What stands in the place of the value, quotes set aside, when it says another tag.
    pub(crate) fn with_tag(&self, file: &str, tag: &str) -> String {
        let raw = &file[self.span.clone()];
        let value = format!("{}:{tag}", self.name);
        if value == self.text() {
            return raw.to_owned();
        }
        // The one name here that makes a number of the whole, `12:31`.
        if self.name == "12" && self.form == Form::Plain {
            return format!("\"{value}\"");
        }
        let tail = self.tag.map_or(0, |tag| 1 + tag.len());
        format!("{}:{tag}", &raw[..raw.len() - tail])
    }

    /// Whether a new tag can be written, by itself.
    pub(crate) fn is_editable(&self) -> bool {
        self.form != Form::Awkward && !self.digest && !self.is_shared
    }
}

impl Dice<'_> {
    /// A number below `sides`; 0 when there are no more choices.
    fn throw(&mut self, sides: usize) -> usize {
        self.bytes.next().map_or(0, |&byte| usize::from(byte) % sides)
    }

    /// Seldom true, and false when there are no more choices.
    fn one_in(&mut self, sides: usize) -> bool {
        self.throw(sides) == sides - 1
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.throw(from.len())]
    }

    /// The numbers below `count` in any order.
    fn order(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for at in 1..count {
            let back = self.throw(at + 1);
            order[..=at].rotate_right(back);
        }
        order
    }
}

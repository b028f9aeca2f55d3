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

/// A scalar that says the tag of an image, and its name perhaps.
#[derive(Debug, Clone)]
pub(crate) struct Value {
    /// The name of the image.
    pub(crate) name: String,
    /// As much of the name as this scalar says, the end of it; `None` where it says the tag alone.
    pub(crate) written: Option<&'static str>,
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
    let path = dice.pick(&["a.yaml", "a.yaml", "a.yaml", "a.yaml", "a.yaml", "a.yaml", "a.json", "kustomization.yaml"]);
    let (documents, mut values, images) = objects::documents(&mut dice, path);
    let mut pen = Pen::new(&mut dice, &mut values);
    if path == "a.json" {
        pen.json(&documents[0]);
    } else {
        pen.yaml(&documents);
    }
    let text = pen.finish();
    Generated { path, text, values, images }
}

impl Value {
    /// The whole image.
    pub(crate) fn reference(&self) -> String {
        self.name.clone() + &self.tail()
    }

    /// What the scalar says.
    fn text(&self) -> String {
        match self.written {
            Some(name) => name.to_owned() + &self.tail(),
            None => self.tag.unwrap_or_default().to_owned(),
        }
    }

    fn tail(&self) -> String {
        let tag = self.tag.map(|tag| format!(":{tag}")).unwrap_or_default();
        let digest = if self.digest { format!("@{DIGEST}") } else { String::new() };
        tag + &digest
    }

    /// What stands in the place of the value, in its quotes, when it says another tag, which YAML would
    /// take for `is_number` or the like if it stood alone and without quotes.
    pub(crate) fn with_tag(&self, file: &str, tag: &str, is_number: bool) -> String {
        let raw = &file[self.span.clone()];
        if self.tag == Some(tag) {
            return raw.to_owned();
        }
        let tail = self.tag.map_or(0, |tag| 1 + tag.len());
        let value = match self.written {
            Some(_) => format!("{}:{tag}", &raw[..raw.len() - tail]),
            None => tag.to_owned(),
        };
        // The one name here that makes a number of the whole, `12:31`.
        let is_number = if self.written.is_some() { self.name == "12" } else { is_number };
        if is_number && self.form == Form::Plain { format!("\"{value}\"") } else { value }
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

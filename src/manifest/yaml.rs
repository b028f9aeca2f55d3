//! Text to a tree of nodes that know where they stand: the only door to the YAML parser.
//!
//! Must not know what the nodes mean. The parser's events carry a line and a column, both reliable,
//! and no ends; the byte spans are worked out here and checked against the source. The tree is one
//! flat list in the order of the text, so that building, walking, comparing and dropping it need no
//! recursion, however deep a file nests. Aliases stay references and are never expanded.

mod node;
mod position;
mod scalar;

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use yaml_rust2::Event;
use yaml_rust2::parser::Parser;
use yaml_rust2::scanner::{Marker, ScanError, TScalarStyle};

pub(super) use node::NodeRef;
use position::Cursor;
pub(super) use scalar::can_stand_plain;

/// The largest file that is read. Offsets are 32-bit, and no manifest comes near it.
const LARGEST: usize = 32 << 20;

/// How a text is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Syntax {
    /// YAML.
    Yaml,
    /// JSON, which is read as YAML after the few places where YAML is stricter are papered over:
    /// tabs between tokens, and surrogate pairs in escapes.
    Json,
}

/// The documents of one text.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    source: String,
    syntax: Syntax,
    nodes: Vec<Node>,
    roots: Vec<u32>,
    shares: Vec<Share>,
}

/// A scalar, an alias, or the start of a collection whose members follow up to `next`.
#[derive(Debug, Clone)]
struct Node {
    kind: Kind,
    anchored: bool,
    /// The bytes of the value, inside quotes where there are any.
    start: u32,
    end: u32,
    line: u32,
    column: u32,
    /// The node behind this one and all it holds.
    next: u32,
    /// The value of a scalar, where it differs from the bytes in the source.
    decoded: Option<Box<str>>,
    tag: Option<Box<str>>,
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Keys and values in turn.
    Mapping,
    /// A list.
    Sequence,
    /// A text, in the style it is written in.
    Scalar(Style),
    /// Another name for an earlier node.
    Alias(u32),
}

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Without quotes.
    Plain,
    /// `'…'`
    Single,
    /// `"…"`
    Double,
    /// A block after `|`.
    Literal,
    /// A block after `>`.
    Folded,
}

/// An anchored node that has aliases: whatever stands in it is used more than once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Share {
    nodes: Range<u32>,
    /// The line of the anchored node.
    pub(super) line: usize,
    /// The line of the first alias.
    pub(super) alias_line: usize,
}

/// A text that is no YAML, with the line and column (from 1) where that shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unreadable {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) message: String,
}

impl Tree {
    /// Reads a text.
    pub(super) fn parse(source: String, syntax: Syntax) -> Result<Self, Unreadable> {
        if source.len() > LARGEST {
            let message = format!("the file has {} bytes, and {LARGEST} is the most that is read", source.len());
            return Err(Unreadable { line: 1, column: 1, message });
        }
        if let Some(nul) = memchr::memchr(0, source.as_bytes()) {
            let line = source[..nul].matches('\n').count() + 1;
            return Err(Unreadable { line, column: 1, message: "the file holds a NUL byte".into() });
        }
        let bom = if source.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let text = match syntax {
            Syntax::Yaml => Cow::Borrowed(&source[bom..]),
            Syntax::Json => json_as_yaml(&source[bom..]),
        };
        let (nodes, roots, aliases) = Builder::new(&source, bom).build(&text).or_else(|error| {
            // YAML allows a tab after the colon, and the parser does not.
            let blanked = tabs_after_colons_blanked(&text).ok_or(error)?;
            Builder::new(&source, bom).build(&blanked)
        })?;
        let shares = shares(&nodes, &aliases);
        Ok(Self { source, syntax, nodes, roots, shares })
    }

    /// The text that was read.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// The text that was read, without the tree.
    pub(super) fn into_source(self) -> String {
        self.source
    }

    /// How it was read.
    pub(super) fn syntax(&self) -> Syntax {
        self.syntax
    }

    /// The documents, in order.
    pub(super) fn documents(&self) -> impl Iterator<Item = NodeRef<'_>> {
        self.roots.iter().map(|&id| self.node(id))
    }

    /// The node with this number.
    pub(super) fn node(&self, id: u32) -> NodeRef<'_> {
        NodeRef { tree: self, id }
    }

    /// How many nodes there are.
    pub(super) fn len(&self) -> u32 {
        small(self.nodes.len())
    }

    /// What shares this node with an alias, if anything does.
    pub(super) fn share_of(&self, id: u32) -> Option<&Share> {
        let at = self.shares.partition_point(|share| share.nodes.end <= id);
        self.shares.get(at).filter(|share| share.nodes.contains(&id))
    }

    /// The first place where the text holds `{{` outside quotes, block scalars and comments, which
    /// makes it a template and no manifest, however well it parses.
    pub(super) fn template_mark(&self) -> Option<NodeRef<'_>> {
        let bytes = self.source.as_bytes();
        let marked = |node: &Node| match node.kind {
            Kind::Mapping => bytes[node.start as usize..].starts_with(b"{{"),
            Kind::Scalar(Style::Plain) => match &node.decoded {
                Some(text) => text.contains("{{"),
                None => memchr::memmem::find(&bytes[node.start as usize..node.end as usize], b"{{").is_some(),
            },
            _ => false,
        };
        memchr::memmem::find(bytes, b"{{")?;
        self.nodes.iter().position(marked).map(|id| self.node(small(id)))
    }
}

/// Takes the parser's events and lays the nodes down.
struct Builder<'a> {
    source: &'a str,
    cursor: Cursor<'a>,
    nodes: Vec<Node>,
    roots: Vec<u32>,
    open: Vec<u32>,
    /// The anchors of this document, by the parser's number.
    anchors: HashMap<usize, u32>,
    /// Alias and target.
    aliases: Vec<(u32, u32)>,
}

type Built = (Vec<Node>, Vec<u32>, Vec<(u32, u32)>);

impl<'a> Builder<'a> {
    fn new(source: &'a str, bom: usize) -> Self {
        Self {
            source,
            cursor: Cursor::new(source, bom),
            nodes: Vec::new(),
            roots: Vec::new(),
            open: Vec::new(),
            anchors: HashMap::new(),
            aliases: Vec::new(),
        }
    }

    fn build(mut self, text: &str) -> Result<Built, Unreadable> {
        let mut parser = Parser::new_from_str(text);
        loop {
            let (event, mark) = parser.next_token().map_err(|error| unreadable(&error))?;
            match event {
                Event::StreamEnd => break,
                Event::DocumentStart => self.anchors.clear(),
                Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
                Event::MappingStart(anchor, tag) => {
                    let id = self.push(Kind::Mapping, mark, anchor, tag);
                    self.open.push(id);
                }
                Event::SequenceStart(anchor, tag) => {
                    let id = self.push(Kind::Sequence, mark, anchor, tag);
                    self.open.push(id);
                }
                Event::MappingEnd | Event::SequenceEnd => {
                    if let Some(id) = self.open.pop() {
                        self.nodes[id as usize].next = small(self.nodes.len());
                    }
                }
                Event::Scalar(value, style, anchor, tag) => {
                    let id = self.push(Kind::Scalar(style.into()), mark, anchor, tag);
                    self.measure(id, value, style.into());
                }
                Event::Alias(anchor) => {
                    let Some(&target) = self.anchors.get(&anchor) else {
                        let message = "the alias names an anchor of another document".into();
                        return Err(Unreadable { line: mark.line(), column: mark.col() + 1, message });
                    };
                    let id = self.push(Kind::Alias(target), mark, 0, None);
                    self.aliases.push((id, target));
                }
            }
        }
        Ok((self.nodes, self.roots, self.aliases))
    }

    fn push(&mut self, kind: Kind, mark: Marker, anchor: usize, tag: Option<yaml_rust2::parser::Tag>) -> u32 {
        let id = small(self.nodes.len());
        let start = small(self.cursor.offset(mark.line(), mark.col()));
        if self.open.is_empty() {
            self.roots.push(id);
        }
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
        let (line, column) = (small(mark.line()), small(mark.col()) + 1);
        // A mapping without braces is reported at its first colon; it begins where its first key does.
        if let Some(parent) = self.open.last().map(|&parent| &mut self.nodes[parent as usize])
            && parent.next == id
            && parent.kind == Kind::Mapping
            && self.source.as_bytes().get(parent.start as usize) != Some(&b'{')
        {
            (parent.start, parent.end, parent.line, parent.column) = (start, start, line, column);
        }
        self.nodes.push(Node {
            kind,
            anchored: anchor != 0,
            start,
            end: start,
            line,
            column,
            next: id + 1,
            decoded: None,
            tag: tag.map(|tag| format!("{}{}", tag.handle, tag.suffix).into()),
        });
        id
    }

    /// Finds the bytes of a scalar's value, and keeps the value itself only where it differs.
    fn measure(&mut self, id: u32, value: String, style: Style) {
        let node = &mut self.nodes[id as usize];
        let at = node.start as usize;
        let bytes = self.source.as_bytes();
        let span = match style {
            Style::Plain => bytes[at..].starts_with(value.as_bytes()).then(|| at..at + value.len()),
            Style::Single | Style::Double => scalar::inside_quotes(bytes, at),
            Style::Literal | Style::Folded => None,
        };
        match span {
            Some(span) => {
                (node.start, node.end) = (small(span.start), small(span.end));
                if self.source.get(span) != Some(value.as_str()) {
                    node.decoded = Some(value.into());
                }
            }
            None => node.decoded = Some(value.into()),
        }
    }
}

/// The outermost anchored nodes that have aliases, in order.
fn shares(nodes: &[Node], aliases: &[(u32, u32)]) -> Vec<Share> {
    let line = |id: u32| nodes[id as usize].line as usize;
    let mut by_target: Vec<(u32, u32)> = aliases.iter().map(|&(alias, target)| (target, alias)).collect();
    by_target.sort_unstable();
    let mut shares: Vec<Share> = Vec::new();
    for (target, alias) in by_target {
        if shares.last().is_some_and(|last| last.nodes.contains(&target)) {
            continue;
        }
        let nodes = target..nodes[target as usize].next;
        shares.push(Share { nodes, line: line(target), alias_line: line(alias) });
    }
    shares
}

/// A number that is bounded by the size of a file.
fn small(number: usize) -> u32 {
    u32::try_from(number).expect("no more than LARGEST, which is checked at the door")
}

fn unreadable(error: &ScanError) -> Unreadable {
    let mark = error.marker();
    Unreadable { line: mark.line(), column: mark.col() + 1, message: error.info().to_owned() }
}

/// JSON with the same number of bytes and lines, in which every tab between tokens is a blank and
/// every escaped surrogate is the replacement character.
fn json_as_yaml(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    if memchr::memchr2(b'\t', b'\\', bytes).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = bytes.to_vec();
    let mut quoted = false;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => quoted = !quoted,
            b'\\' if quoted => {
                let surrogate = bytes[at + 1..].starts_with(b"u")
                    && bytes.get(at + 2).is_some_and(|byte| byte.eq_ignore_ascii_case(&b'd'))
                    && bytes.get(at + 3).is_some_and(|byte| matches!(byte, b'8' | b'9' | b'a'..=b'f' | b'A'..=b'F'));
                if surrogate && bytes.len() >= at + 6 && bytes[at + 4..at + 6].iter().all(u8::is_ascii_hexdigit) {
                    out[at..at + 6].copy_from_slice(b"\\ufffd");
                }
                at += 1;
            }
            b'\t' if !quoted => out[at] = b' ',
            _ => {}
        }
        at += 1;
    }
    String::from_utf8(out).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// The text with the same number of bytes, and blanks for the tabs right behind colons; `None` where
/// there are none.
fn tabs_after_colons_blanked(text: &str) -> Option<String> {
    let mut from = memchr::memmem::find(text.as_bytes(), b":\t")?;
    let mut out = text.as_bytes().to_vec();
    while let Some(found) = memchr::memmem::find(&out[from..], b":\t") {
        from += found + 1;
        for byte in out[from..].iter_mut().take_while(|byte| **byte == b'\t') {
            *byte = b' ';
        }
    }
    String::from_utf8(out).ok()
}

impl From<TScalarStyle> for Style {
    fn from(style: TScalarStyle) -> Self {
        match style {
            TScalarStyle::Plain => Self::Plain,
            TScalarStyle::SingleQuoted => Self::Single,
            TScalarStyle::DoubleQuoted => Self::Double,
            TScalarStyle::Literal => Self::Literal,
            TScalarStyle::Folded => Self::Folded,
        }
    }
}

#[cfg(test)]
mod tests;

//! Text to a tree of nodes that know where they stand: the only door to the YAML parser.
//!
//! Must not know what the nodes mean. The parser's events carry a line and a column, both reliable,
//! and no ends; the byte spans are worked out here and checked against the source. The tree is one
//! flat list in the order of the text, so that building, walking, comparing and dropping it need no
//! recursion, however deep a file nests. Aliases stay references and are never expanded.

mod build;
mod extent;
mod inset;
mod lenient;
mod node;
mod position;
mod remark;
mod scalar;
mod trail;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use yaml_rust2::scanner::TScalarStyle;

use build::{Builder, Built};
use inset::{Literal, Origin};
pub(super) use node::NodeRef;
use position::Cursor;
pub(super) use remark::Remark;
pub(super) use scalar::{can_stand_plain, stays_plain};
use trail::Lineage;
pub use trail::Trail;

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

/// The documents of one text, or the one document that a literal block of it holds.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    source: Arc<String>,
    syntax: Syntax,
    nodes: Vec<Node>,
    roots: Vec<u32>,
    /// Every alias behind the node it stands for, sorted.
    aliases: Vec<(u32, u32)>,
    shares: Vec<Share>,
    /// The blocks that may hold a document, in order.
    literals: Vec<Literal>,
    /// Who is whose child; worked out when somebody asks.
    lineage: OnceLock<Lineage>,
    /// Where an inset stands in the tree around it.
    origin: Option<Box<Origin>>,
}

/// A scalar, an alias, or the start of a collection whose members follow up to `next`.
#[derive(Debug, Clone)]
struct Node {
    kind: Kind,
    anchored: bool,
    /// Whether this is a collection in brackets, or stands in one.
    flow: bool,
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
    /// The anchored node and all it holds.
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
        let bom = behind_bom(&source);
        let text = match syntax {
            Syntax::Yaml => Cow::Borrowed(&source[bom..]),
            Syntax::Json => lenient::json_as_yaml(&source[bom..]),
        };
        let built = build::build(&text, || Builder::new(&source, Cursor::new(&source, bom), 0, 0))?;
        Ok(Self::new(Arc::new(source), syntax, built, None))
    }

    fn new(source: Arc<String>, syntax: Syntax, built: Built, origin: Option<Box<Origin>>) -> Self {
        let Built { nodes, roots, aliases } = built;
        let shares = shares(&nodes, &aliases);
        let is_literal = |node: &Node| node.kind == Kind::Scalar(Style::Literal) && origin.is_none();
        let literals = (0..).zip(&nodes).filter(|(_, node)| is_literal(node)).map(|(id, _)| Literal::new(id)).collect();
        Self { source, syntax, nodes, roots, aliases, shares, literals, lineage: OnceLock::new(), origin }
    }

    /// The text that was read.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// The bytes of the source that this tree is of, a byte-order mark left out.
    fn extent(&self) -> Range<usize> {
        let file = || behind_bom(&self.source)..self.source.len();
        self.origin.as_ref().map_or_else(file, |origin| origin.extent.clone())
    }

    /// The text that was read, without the tree.
    pub(super) fn into_source(self) -> String {
        let Self { source, literals, .. } = self;
        drop(literals);
        Arc::unwrap_or_clone(source)
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

    /// What shares this node with an alias, if anything does: an anchor of its own or one further out,
    /// also one around the block that this tree is the document of. A mapping shares none of those entries that
    /// whoever merges it says anew.
    pub(super) fn share_of(&self, id: u32) -> Option<&Share> {
        let at = self.shares.partition_point(|share| share.nodes.end <= id);
        let around = self.origin.as_ref().and_then(|origin| origin.share());
        let own = || self.shares.get(at).filter(|share| share.nodes.contains(&id) && !self.is_said_anew(id, share));
        around.or_else(own)
    }

    /// The aliases of this node, in order.
    pub(super) fn aliases_of(&self, id: u32) -> impl Iterator<Item = NodeRef<'_>> {
        let first = self.aliases.partition_point(|&(target, _)| target < id);
        self.aliases[first..].iter().take_while(move |(target, _)| *target == id).map(|&(_, alias)| self.node(alias))
    }

    /// The number of the literal block that this is the document of; `None` for a file.
    pub(super) fn inset_in(&self) -> Option<u32> {
        self.origin.as_ref().map(|origin| origin.literal)
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
        memchr::memmem::find(&bytes[self.extent()], b"{{")?;
        self.nodes.iter().position(marked).map(|id| self.node(small(id)))
    }
}

/// The outermost anchored nodes that have aliases, in order. The aliases come behind their targets, sorted.
fn shares(nodes: &[Node], aliases: &[(u32, u32)]) -> Vec<Share> {
    let line = |id: u32| nodes[id as usize].line as usize;
    let mut shares: Vec<Share> = Vec::new();
    for &(target, alias) in aliases {
        if shares.last().is_some_and(|last| last.nodes.contains(&target)) {
            continue;
        }
        let nodes = target..nodes[target as usize].next;
        shares.push(Share { nodes, line: line(target), alias_line: line(alias) });
    }
    shares
}

fn behind_bom(source: &str) -> usize {
    if source.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 }
}

/// A number that is bounded by the size of a file.
fn small(number: usize) -> u32 {
    u32::try_from(number).expect("no more than LARGEST, which is checked at the door")
}

impl Share {
    /// Whether the anchor stands on this very node, and not further out.
    pub(super) fn is_of(&self, node: NodeRef<'_>) -> bool {
        self.nodes.contains(&node.id()) && self.nodes.start == node.id()
    }
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

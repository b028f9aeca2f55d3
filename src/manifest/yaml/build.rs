//! From the parser's events to the flat list of nodes.
//!
//! Must not know what is done with a tree. The parser reports some nodes later than where they begin;
//! here each gets the place where a person sees it.

use std::collections::HashMap;

use yaml_rust2::Event;
use yaml_rust2::parser::{Parser, Tag};
use yaml_rust2::scanner::{Marker, ScanError};

use super::position::Cursor;
use super::{Kind, Node, Style, Unreadable, lenient, scalar, small};

/// What a text was built into.
pub(super) struct Built {
    pub(super) nodes: Vec<Node>,
    /// The documents.
    pub(super) roots: Vec<u32>,
    /// Target and alias, sorted.
    pub(super) aliases: Vec<(u32, u32)>,
}

/// Reads the text; a second time where only a tab was in the way.
pub(super) fn build<'a>(text: &str, builder: impl Fn() -> Builder<'a>) -> Result<Built, Unreadable> {
    builder().build(text).or_else(|error| {
        // YAML allows a tab after the colon, and the parser does not.
        let blanked = lenient::tabs_after_colons_blanked(text).ok_or(error)?;
        builder().build(&blanked)
    })
}

/// Takes the parser's events and lays the nodes down.
pub(super) struct Builder<'a> {
    source: &'a str,
    cursor: Cursor<'a>,
    /// What stands before the text: whole lines, and columns of every line.
    lines: u32,
    columns: u32,
    nodes: Vec<Node>,
    roots: Vec<u32>,
    open: Vec<Open>,
    /// The anchors of this document, by the parser's number.
    anchors: HashMap<usize, u32>,
    /// Target and alias.
    aliases: Vec<(u32, u32)>,
}

/// A collection whose end has not come yet.
struct Open {
    id: u32,
    /// How many members it has so far, and the last of them.
    members: u32,
    last: u32,
}

impl<'a> Builder<'a> {
    /// A builder whose text stands in the source where the cursor says, behind so many lines and columns.
    pub(super) fn new(source: &'a str, cursor: Cursor<'a>, lines: u32, columns: u32) -> Self {
        Self {
            source,
            cursor,
            lines,
            columns,
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
            let (event, mark) =
                parser.next_token().map_err(|error: ScanError| self.unreadable(*error.marker(), error.info()))?;
            match event {
                Event::StreamEnd => break,
                Event::DocumentStart => self.anchors.clear(),
                Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
                Event::MappingStart(anchor, tag) => self.open(Kind::Mapping, mark, anchor, tag),
                Event::SequenceStart(anchor, tag) => self.open(Kind::Sequence, mark, anchor, tag),
                Event::MappingEnd | Event::SequenceEnd => {
                    if let Some(open) = self.open.pop() {
                        self.nodes[open.id as usize].next = small(self.nodes.len());
                    }
                }
                Event::Scalar(value, style, anchor, tag) => {
                    let id = self.push(Kind::Scalar(style.into()), mark, anchor, tag);
                    self.measure(id, value, style.into());
                    self.enlist(id);
                }
                Event::Alias(anchor) => {
                    let Some(&target) = self.anchors.get(&anchor) else {
                        return Err(self.unreadable(mark, "the alias names an anchor of another document"));
                    };
                    let id = self.push(Kind::Alias(target), mark, 0, None);
                    self.aliases.push((target, id));
                    self.enlist(id);
                }
            }
        }
        let Self { nodes, roots, mut aliases, .. } = self;
        aliases.sort_unstable();
        Ok(Built { nodes, roots, aliases })
    }

    fn open(&mut self, kind: Kind, mark: Marker, anchor: usize, tag: Option<Tag>) {
        let id = self.push(kind, mark, anchor, tag);
        self.enlist(id);
        self.open.push(Open { id, members: 0, last: id });
    }

    fn push(&mut self, kind: Kind, mark: Marker, anchor: usize, tag: Option<Tag>) -> u32 {
        let id = small(self.nodes.len());
        let start = small(self.cursor.offset(mark.line(), mark.col()));
        if self.open.is_empty() {
            self.roots.push(id);
        }
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
        let (line, column) = (self.lines + small(mark.line()), self.columns + small(mark.col()) + 1);
        self.settle_parent(id, start, line, column);
        let bracket = match kind {
            Kind::Mapping => Some(b'{'),
            Kind::Sequence => Some(b'['),
            Kind::Scalar(_) | Kind::Alias(_) => None,
        };
        let opens = bracket.is_some() && self.source.as_bytes().get(start as usize).copied() == bracket;
        self.nodes.push(Node {
            kind,
            anchored: anchor != 0,
            flow: opens || self.is_flow(self.open.len()),
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

    /// Whether the innermost of so many open collections is in brackets.
    fn is_flow(&self, depth: usize) -> bool {
        depth.checked_sub(1).is_some_and(|at| self.nodes[self.open[at].id as usize].flow)
    }

    /// Puts a collection where its first member shows that it begins.
    fn settle_parent(&mut self, id: u32, start: u32, line: u32, column: u32) {
        let outer = self.is_flow(self.open.len().saturating_sub(1));
        let Some(open) = self.open.last().filter(|open| open.id + 1 == id) else { return };
        let parent = &mut self.nodes[open.id as usize];
        match parent.kind {
            // A mapping without braces is reported at its first colon; it begins where its first key does.
            Kind::Mapping
                if start < parent.start || self.source.as_bytes().get(parent.start as usize) != Some(&b'{') =>
            {
                (parent.start, parent.end, parent.line, parent.column) = (start, start, line, column);
            }
            // A list without an indentation of its own is reported at its first item, whose bracket is not its own.
            Kind::Sequence if start == parent.start => parent.flow = outer,
            _ => {}
        }
    }

    /// Counts a node as a member of the collection it stands in. A value of which nothing is written is
    /// reported where the next thing begins; it belongs behind its key.
    fn enlist(&mut self, id: u32) {
        let Some(open) = self.open.last_mut() else { return };
        let parent = &self.nodes[open.id as usize];
        if parent.kind == Kind::Mapping
            && open.members % 2 == 1
            && matches!(self.nodes[open.last as usize].kind, Kind::Scalar(_))
        {
            let key = &self.nodes[open.last as usize];
            let quote = u32::from(matches!(key.kind, Kind::Scalar(Style::Single | Style::Double)));
            let (end, line, column) = (key.end + quote, key.line, key.column);
            let value = &mut self.nodes[id as usize];
            if value.kind == Kind::Scalar(Style::Plain) && value.decoded.is_none() && value.start == value.end {
                (value.start, value.end, value.line, value.column) = (end, end, line, column);
            }
        }
        open.members += 1;
        open.last = id;
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

    fn unreadable(&self, mark: Marker, message: &str) -> Unreadable {
        let (line, column) = (self.lines as usize + mark.line(), self.columns as usize + mark.col() + 1);
        Unreadable { line, column, message: message.to_owned() }
    }
}

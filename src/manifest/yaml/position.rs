//! Lines and columns to byte offsets, in linear time over a whole text, whatever its lines are like. Must
//! not know what stands there.

/// Finds the byte of a line and column. Questions may come in any order; those near the last one cost
/// no more than the way from there.
pub(super) struct Cursor<'a> {
    source: &'a str,
    /// Where each line begins.
    starts: Vec<usize>,
    /// Where the text ends.
    end: usize,
    ascii: bool,
    /// The last answer: line, column, byte.
    last: (usize, usize, usize),
}

impl<'a> Cursor<'a> {
    /// A cursor over `source`, whose first line begins after the byte-order mark at `first`.
    /// Lines end as the parser has it: at `\n`, `\r\n` and a lone `\r`.
    pub(super) fn new(source: &'a str, first: usize) -> Self {
        let bytes = source.as_bytes();
        let mut starts = vec![first];
        for at in memchr::memchr2_iter(b'\n', b'\r', bytes) {
            if bytes[at] == b'\n' || bytes.get(at + 1) != Some(&b'\n') {
                starts.push(at + 1);
            }
        }
        Self::over(source, starts, source.len())
    }

    /// A cursor over the lines of `source` that begin at `starts`, of which there is at least one, up to `end`.
    pub(super) fn over(source: &'a str, starts: Vec<usize>, end: usize) -> Self {
        let ascii = source[starts[0]..end].is_ascii();
        Self { source, last: (1, 0, starts[0]), starts, end, ascii }
    }

    /// The byte at `line`, from 1, and `column` in characters, from 0. Behind the end it is the end.
    pub(super) fn offset(&mut self, line: usize, column: usize) -> usize {
        let Some(&start) = self.starts.get(line.saturating_sub(1)) else { return self.end };
        if self.ascii {
            return (start + column).min(self.end);
        }
        let (_, known, at) = Some(self.last).filter(|last| last.0 == line).unwrap_or((line, 0, start));
        let byte = match column.checked_sub(known) {
            Some(on) => forward(&self.source[..self.end], at, on),
            None if column < known - column => forward(&self.source[..self.end], start, column),
            None => {
                let mut back = self.source[start..at].char_indices().rev();
                back.nth(known - column - 1).map_or(start, |(byte, _)| start + byte)
            }
        };
        self.last = (line, column, byte);
        byte
    }
}

/// The byte that stands `count` characters behind `from`, or the end.
fn forward(text: &str, from: usize, count: usize) -> usize {
    text[from..].char_indices().nth(count).map_or(text.len(), |(byte, _)| from + byte)
}

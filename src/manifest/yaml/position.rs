//! Lines and columns to byte offsets, in linear time over a whole text, whatever its lines are like.

/// Finds the byte of a line and column. Questions may come in any order; those that move forward
/// cost nothing twice.
pub(super) struct Cursor<'a> {
    source: &'a str,
    /// Where each line begins.
    starts: Vec<usize>,
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
        Self { source, starts, ascii: source[first..].is_ascii(), last: (1, 0, first) }
    }

    /// The byte at `line`, from 1, and `column` in characters, from 0. Behind the end it is the end.
    pub(super) fn offset(&mut self, line: usize, column: usize) -> usize {
        let Some(&start) = self.starts.get(line.saturating_sub(1)) else { return self.source.len() };
        if self.ascii {
            return (start + column).min(self.source.len());
        }
        let (from, skip) = match self.last {
            (last_line, last_column, byte) if last_line == line && last_column <= column => {
                (byte, column - last_column)
            }
            _ => (start, column),
        };
        let rest = &self.source[from..];
        let byte = from + rest.char_indices().nth(skip).map_or(rest.len(), |(byte, _)| byte);
        self.last = (line, column, byte);
        byte
    }
}

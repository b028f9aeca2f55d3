//! What a command is at, for the person who waits at a terminal; anybody else is told nothing.

use std::io::{self, IsTerminal as _, Write};

/// One line on standard error that is written over, and gone in the end.
#[derive(Debug)]
pub(super) struct Progress<W: Write = anstream::Stderr> {
    /// `None` where nobody looks.
    terminal: Option<W>,
    is_drawn: bool,
}

impl Progress {
    /// Progress on standard error, where that is a terminal.
    pub(super) fn to_stderr() -> Self {
        Self::to(io::stderr().is_terminal().then(anstream::stderr))
    }
}

impl<W: Write> Progress<W> {
    fn to(terminal: Option<W>) -> Self {
        Self { terminal, is_drawn: false }
    }

    /// Shows this in place of what was shown before.
    pub(super) fn show(&mut self, text: &str) {
        if let Some(terminal) = &mut self.terminal {
            // Whoever cannot be told goes without.
            let _ = write!(terminal, "\r\u{1b}[2K{text}").and_then(|()| terminal.flush());
            self.is_drawn = true;
        }
    }
}

impl<W: Write> Drop for Progress<W> {
    fn drop(&mut self) {
        if self.is_drawn {
            self.show("");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Progress;

    #[test]
    fn a_line_is_written_over_and_gone_in_the_end() {
        let mut seen = Vec::new();
        let mut progress = Progress::to(Some(&mut seen));
        progress.show("1 of 2");
        progress.show("2 of 2");
        drop(progress);
        assert_eq!(String::from_utf8(seen).unwrap(), "\r\u{1b}[2K1 of 2\r\u{1b}[2K2 of 2\r\u{1b}[2K");
        drop(Progress::<Vec<u8>>::to(None));
    }
}

//! The words of others made plain: fit for one line of a log. Floor 0: knows nothing of who said them.

use std::error::Error;

/// The most that [`chain`] says, in characters.
pub(crate) const CHAIN_LIMIT: usize = 500;

/// A text of the other side on one line: no control characters, single blanks, at most `limit`
/// characters.
pub(crate) fn line(text: &str, limit: usize) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let line = words.collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// An error with everything that caused it, on one line of at most 500 characters.
pub(crate) fn chain(error: &dyn Error) -> String {
    line(&causes(error), CHAIN_LIMIT)
}

/// An error with everything that caused it, as it is. What a cause only repeats is left out.
pub(crate) fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{chain, line};

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Said(&'static str, #[source] Option<Box<Self>>);

    #[test]
    fn one_line_without_control_characters_and_with_an_end() {
        for (text, plain) in
            [("", ""), (" no\nway \u{1b}[31mred\u{7} ", "no way [31mred"), ("12345", "12345"), ("äöüßéè", "äöüßé…")]
        {
            assert_eq!(line(text, if text.starts_with(' ') { 99 } else { 5 }), plain);
        }
    }

    #[test]
    fn causes_follow_once() {
        let error = Said("cannot send", Some(Box::new(Said("send", Some(Box::new(Said("no\nroute", None)))))));
        assert_eq!(chain(&error), "cannot send: no route");
    }
}

//! `docs/annotations.md`: every word with its line.

use landwaiter::manifest::annotation_words;

use super::{holds, row};

#[test]
fn every_word_is_in_the_reference() {
    let mut now = row(&["key", "value", "what it does"]) + "|---|---|---|\n";
    let mut later = now.clone();
    for word in annotation_words() {
        let key =
            if word.is_scoped { format!("`{0}`, `{0}.<container>`", word.key) } else { format!("`{}`", word.key) };
        let table = if word.is_later { &mut later } else { &mut now };
        table.push_str(&row(&[&key, word.value, word.meaning]));
    }
    holds("docs/annotations.md", "words", &now);
    holds("docs/annotations.md", "words for later", &later);
}

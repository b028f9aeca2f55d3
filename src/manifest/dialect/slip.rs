//! Keys that are known but for the case of their letters, or blanks around them. The tools of their prefixes
//! do not hear them, and whoever wrote them does not know: what they stand on is held.

use super::{Voice, Word, flux, lookup, native};

/// The meaning of a key; `None` for one under another prefix.
pub(super) fn understand(key: &str) -> Option<(Voice, Word)> {
    let read = |key: &str| native::read(key).or_else(|| flux::read(key));
    let (prefix, name) = key.split_once('/')?;
    if !prefix.contains(|c: char| c.is_ascii_uppercase() || c.is_whitespace()) {
        return read(key);
    }
    // The name of a key may have capitals in it, and a prefix may not.
    let (voice, word) = read(&format!("{}/{name}", prefix.trim().to_ascii_lowercase()))?;
    let word = match word {
        Word::Known { .. } => Word::Unknown { suggestion: Some(name.to_owned()), is_slip: true },
        other => other,
    };
    Some((voice, word))
}

/// The known key that this one is, but for the case of its letters or blanks around it.
pub(super) fn of(name: &str) -> Option<String> {
    let plain = name.trim();
    let plain = match plain.split_once('.') {
        Some((head, container)) => format!("{}.{container}", head.to_ascii_lowercase()),
        None => plain.to_ascii_lowercase(),
    };
    (plain != name && matches!(lookup(&plain), Word::Known { .. })).then_some(plain)
}

//! Texts that the parser would refuse and the field accepts, papered over byte for byte, so that
//! every place in the papered text is the same place in the source. Must not know of trees.

use std::borrow::Cow;

/// JSON with the same number of bytes and lines, in which every tab between tokens is a blank and
/// every escaped surrogate is the replacement character.
pub(super) fn json_as_yaml(text: &str) -> Cow<'_, str> {
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
pub(super) fn tabs_after_colons_blanked(text: &str) -> Option<String> {
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

//! Images and tags inside longer texts: arguments, values of the environment, addresses. Must not know
//! where a text stands.

use std::ops::Range;

use crate::image::{Reference, Tag};

/// Signs that stand around an image in a longer text, and never in one.
const AROUND: &[char] =
    &[' ', '\t', '\n', '\r', '"', '\'', '=', ',', ';', '(', ')', '[', ']', '{', '}', '<', '>', '|', '`', '\\', '&'];

/// Signs behind which a tag can stand.
const BEFORE_TAG: &[char] = &[' ', '\t', '=', ':', ',', ';', '"', '\'', '&'];

/// Every image in a text that says its tag or digest, with the bytes of the tag (those behind the name
/// where it says none). What stands behind `https://` is no image.
pub(super) fn images(text: &str) -> Vec<(Range<usize>, Reference)> {
    let mut images = Vec::new();
    let mut at = 0;
    for token in text.split_inclusive(AROUND) {
        let start = at;
        at += token.len();
        let token = token.strip_suffix(AROUND).unwrap_or(token);
        let (scheme, rest) = match token.split_once("://") {
            Some((scheme, rest)) => (scheme, rest),
            None => ("", token),
        };
        let Some(image) = Reference::parse(rest).ok().filter(|_| !matches!(scheme, "http" | "https")) else { continue };
        let name = start + token.len() - rest.len() + image.name().len();
        match (image.tag(), image.digest()) {
            (Some(tag), _) => images.push((name + 1..name + 1 + tag.as_str().len(), image)),
            (None, Some(_)) => images.push((name..name, image)),
            (None, None) => {}
        }
    }
    images
}

/// The bytes of the one thing in a text that can be its tag: what stands at its end, with no other
/// number beside it.
pub(super) fn tag(text: &str) -> Option<Range<usize>> {
    let start = text.rfind(BEFORE_TAG).map_or(0, |at| at + 1);
    Tag::parse(&text[start..]).ok()?;
    let is_version = |token: &str| {
        let digits = token.strip_prefix('v').unwrap_or(token);
        digits.starts_with(|c: char| c.is_ascii_digit()) && Tag::parse(token).is_ok()
    };
    (!text[..start].split(BEFORE_TAG).any(is_version)).then_some(start..text.len())
}

#[cfg(test)]
mod tests {
    use super::{images, tag};

    #[test]
    fn images_in_longer_texts() {
        for (text, expected) in [
            ("--acme-http01-solver-image=quay.io/jetstack/x:v1.11.0", "v1.11.0 of quay.io/jetstack/x:v1.11.0"),
            ("docker://ghcr.io/org/app:1.2 --x", "1.2 of ghcr.io/org/app:1.2"),
            ("{\"image\": \"localhost:5000/a/b:1\"}", "1 of localhost:5000/a/b:1"),
            ("a:1,b:2", "1 of a:1, 2 of b:2"),
            ("https://example.com:8080/x http://localhost:80", ""),
            ("APP_VERSION=1.9.0", ""),
            ("ghcr.io/org/app", ""),
            ("", ""),
        ] {
            let found: Vec<_> =
                images(text).into_iter().map(|(span, image)| format!("{} of {image}", &text[span])).collect();
            assert_eq!(found.join(", "), expected, "{text}");
        }
        let digest = format!("a@sha256:{}", "0".repeat(64));
        assert_eq!(images(&format!("x={digest}"))[0].1.to_string(), digest);
    }

    #[test]
    fn the_tag_of_a_longer_text_is_its_end() {
        for (text, expected) in [
            ("APP_VERSION=1.9.0", Some("1.9.0")),
            ("version: main-abc", Some("main-abc")),
            ("--version v1.2", Some("v1.2")),
            ("1.2", Some("1.2")),
            ("A=1.0 B=2.0", None),
            ("https://x/download/v1.2/y", None),
            ("A=", None),
            ("A=1.2 (stable)", None),
        ] {
            assert_eq!(tag(text).map(|span| &text[span]), expected, "{text}");
        }
    }
}

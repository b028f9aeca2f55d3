//! Globs as Go's `filepath.Match` reads them: `*`, `?`, `[a-z]`, `[^a]` and `\`. Knows nothing of lists.

use std::iter::Peekable;
use std::str::Chars;

/// Where a glob ends too early, or holds what it may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadGlob(pub(super) &'static str);

/// The regular expression that matches the same tags, each as a whole.
pub(super) fn to_regex(glob: &str) -> Result<String, BadGlob> {
    let mut out = String::with_capacity(glob.len() * 2);
    let mut rest = glob.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '*' => out.push_str(".*"),
            '?' => out.push('.'),
            '[' => class(&mut rest, &mut out)?,
            '\\' => match rest.next() {
                Some(c) => literal(c, &mut out),
                None => return Err(BadGlob("ends with a `\\`")),
            },
            c => literal(c, &mut out),
        }
    }
    Ok(out)
}

/// Whether the glob says the same in the native language of globs.
pub(super) fn is_plain(glob: &str) -> bool {
    glob.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'*' | b'?' | b'.' | b'_' | b'-'))
}

fn literal(c: char, out: &mut String) {
    if c.is_ascii_punctuation() && !matches!(c, '<' | '>' | '_') {
        out.push('\\');
    }
    out.push(c);
}

fn class(rest: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), BadGlob> {
    let negated = rest.next_if_eq(&'^').is_some();
    let mut ranges = String::new();
    let mut members = 0;
    loop {
        if members > 0 && rest.next_if_eq(&']').is_some() {
            break;
        }
        let low = member(rest)?;
        let high = if rest.next_if_eq(&'-').is_some() { member(rest)? } else { low };
        members += 1;
        // Only ASCII stands in tags.
        let (low, high) = (u32::from(low), u32::from(high).min(0x7f));
        if low <= high {
            end(low, &mut ranges);
        }
        if low < high {
            ranges.push('-');
            end(high, &mut ranges);
        }
    }
    match (negated, ranges.is_empty()) {
        (true, true) => out.push('.'),
        (false, true) => out.push_str(r"[^\x00-\x7f]"),
        (true, false) => out.extend(["[^", &ranges, "]"]),
        (false, false) => out.extend(["[", &ranges, "]"]),
    }
    Ok(())
}

/// One end of a range of ASCII in a regex.
fn end(code: u32, out: &mut String) {
    match char::from_u32(code) {
        Some(c) if c.is_ascii_alphanumeric() => out.push(c),
        _ => out.extend([r"\x", &format!("{code:02x}")]),
    }
}

/// One end of a range. Something has to stand behind it.
fn member(rest: &mut Peekable<Chars<'_>>) -> Result<char, BadGlob> {
    const OPEN: BadGlob = BadGlob("has a `[` that is never closed");
    let c = match rest.next() {
        None => return Err(OPEN),
        Some('-') => return Err(BadGlob("has a `-` in `[…]` that stands between nothing")),
        Some(']') => return Err(BadGlob("has an empty `[…]`, or a range without its end")),
        Some('\\') => rest.next().ok_or(OPEN)?,
        Some(c) => c,
    };
    if rest.peek().is_none() { Err(OPEN) } else { Ok(c) }
}

#[cfg(test)]
mod tests {
    use super::{is_plain, to_regex};
    use crate::policy::Exclude;
    use crate::policy::pattern::compile_whole;

    #[test]
    fn every_answer_of_go() {
        let table = include_str!("../../../fixtures/conformance/go-globs.tsv");
        let (mut rows, mut bad) = (0, 0);
        for row in table.lines().filter(|row| !row.starts_with('#')) {
            let [glob, tag, expected] = row.split('\t').collect::<Vec<_>>()[..] else { panic!("{row:?}") };
            match to_regex(glob) {
                // Go notices only when it gets there, and says false before.
                Err(_) => assert_ne!(expected, "true", "{glob} {tag}"),
                Ok(regex) => {
                    let found = compile_whole(&regex).unwrap().is_match(tag.as_bytes()).to_string();
                    assert_eq!(found, expected, "{glob} {tag}");
                }
            }
            if is_plain(glob) {
                let ours = Exclude::parse(glob).unwrap().matching(tag).is_some();
                assert_eq!(ours.to_string(), expected, "{glob} {tag} as a glob of ours");
            }
            rows += 1;
            bad += usize::from(expected == "bad");
        }
        assert!(rows > 900 && bad > 200, "{rows} {bad}");
    }
}

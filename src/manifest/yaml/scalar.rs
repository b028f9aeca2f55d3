//! Single scalars: where a quoted one ends, and what a plain one would be read as. Must not know of trees.

use std::ops::Range;

/// The bytes inside the quotes of the scalar that opens at `at`, if one does.
pub(super) fn inside_quotes(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let quote = *bytes.get(at)?;
    let mut from = at + 1;
    match quote {
        b'"' => loop {
            let found = from + memchr::memchr2(b'"', b'\\', &bytes[from.min(bytes.len())..])?;
            if bytes[found] == b'"' {
                return Some(at + 1..found);
            }
            from = found + 2;
        },
        b'\'' => loop {
            let found = from + memchr::memchr(b'\'', &bytes[from..])?;
            if bytes.get(found + 1) != Some(&b'\'') {
                return Some(at + 1..found);
            }
            from = found + 2;
        },
        _ => None,
    }
}

/// Whether the text can stand without quotes and is then a string for every reader in the field:
/// those of YAML 1.1, of YAML 1.2 and the ones in between.
pub(in crate::manifest) fn can_stand_plain(text: &str) -> bool {
    let Some(first) = text.chars().next() else { return false };
    let indicator = "!&*-?:|>@`%#,[]{}\"'=<~ ".contains(first);
    let awkward = text.contains(": ")
        || text.contains(" #")
        || text.ends_with([':', ' '])
        || text.contains(|c: char| c.is_control() || ",[]{}\u{85}\u{2028}\u{2029}\u{feff}".contains(c));
    !indicator && !awkward && !is_date(text) && is_string_when_plain(text)
}

/// Whether a plain scalar that says `old` can say `new` without quotes. One that only its surroundings
/// let stand (`--image=x:1`, `{a}` outside of flow collections) goes on doing so: whether the new text
/// reads back is for the proof to tell, and here it only has to stay a string.
pub(in crate::manifest) fn stays_plain(old: &str, new: &str) -> bool {
    can_stand_plain(new)
        || (is_string_when_plain(old) && !can_stand_plain(old) && is_string_when_plain(new) && !is_date(new))
}

/// Whether a plain scalar that says this is a string, and not null, a boolean or a number, for
/// readers of YAML 1.1 and 1.2 alike. (Dates are strings to the readers of this field.)
pub(super) fn is_string_when_plain(text: &str) -> bool {
    !matches!(text, "" | "~" | "<<" | "=") && !is_word(text) && !is_number(text)
}

/// `true`, `yes`, `null` and their like.
fn is_word(text: &str) -> bool {
    const WORDS: [&str; 11] = ["true", "false", "yes", "no", "on", "off", "y", "n", "null", ".inf", ".nan"];
    WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Anything that begins like a number and holds nothing but what numbers are written with:
/// decimals, exponents, `0x`, `0o`, `0b`, `1_000`, `12:30:45`.
fn is_number(text: &str) -> bool {
    let body = text.strip_prefix(['+', '-']).unwrap_or(text);
    if body.eq_ignore_ascii_case(".inf") || body.eq_ignore_ascii_case(".nan") {
        return true;
    }
    if let Some((base, digits)) = body.get(..2).zip(body.get(2..)) {
        let radix = match base {
            "0x" | "0X" => 16,
            "0o" | "0O" => 8,
            "0b" | "0B" => 2,
            _ => 0,
        };
        if radix != 0 {
            return !digits.is_empty() && digits.chars().all(|c| c == '_' || c.is_digit(radix));
        }
    }
    let (mantissa, exponent) = match body.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (body, None),
    };
    let digits = |text: &str| text.bytes().any(|byte| byte.is_ascii_digit());
    let numeric = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'_' | b'.' | b':'));
    let points = mantissa.matches('.').count() <= 1;
    mantissa.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits(mantissa)
        && numeric(mantissa)
        && points
        && exponent.is_none_or(|exponent| !exponent.is_empty() && exponent.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A date as YAML 1.1 reads it, `2024-01-01`, with or without a time behind it.
fn is_date(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let number = |part: Option<&str>, lengths: Range<usize>| {
        part.is_some_and(|part| lengths.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let (year, month) = (parts.next(), parts.next());
    let day = parts.next().map(|rest| rest.split(['T', 't', ' ']).next().unwrap_or(rest));
    number(year, 4..5) && number(month, 1..3) && number(day, 1..3)
}

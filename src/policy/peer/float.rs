//! Numbers as Go's `strconv.ParseFloat` reads them, 64 bits wide. Knows nothing of tags.

/// Reads a number; `None` where Go has an error, which a number that is too large is as well.
pub(super) fn parse(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let lower = unsigned.to_ascii_lowercase();
    let value = match lower.as_str() {
        "inf" | "infinity" => f64::INFINITY,
        // A `nan` has no sign.
        "nan" if unsigned.len() == text.len() => f64::NAN,
        _ => finite(&lower)?,
    };
    Some(if text.starts_with('-') { -value } else { value })
}

fn finite(text: &str) -> Option<f64> {
    if text.starts_with(['+', '-']) {
        return None;
    }
    let digits = without_underscores(text)?;
    let value = if let Some(hex) = digits.strip_prefix("0x") {
        hexadecimal(hex)?
    } else {
        let decimal = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'+' | b'-');
        digits.bytes().all(decimal).then(|| digits.parse().ok()).flatten()?
    };
    (value < f64::INFINITY).then_some(value)
}

/// Without the `_` between digits, and behind `0x`; `None` where one stands elsewhere.
fn without_underscores(text: &str) -> Option<String> {
    let hex = text.starts_with("0x");
    let digit = |byte: u8| byte.is_ascii_digit() || (hex && byte.is_ascii_hexdigit());
    let bytes = text.as_bytes();
    for (at, _) in text.match_indices('_') {
        let before = at.checked_sub(1).map(|before| bytes[before]);
        let behind = bytes.get(at + 1).copied();
        let prefix = hex && at == 2;
        if !(prefix || before.is_some_and(digit)) || !behind.is_some_and(digit) {
            return None;
        }
    }
    Some(text.replace('_', ""))
}

/// `1.8p3`, whose exponent has to be there.
fn hexadecimal(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once('p')?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if unsigned.is_empty() || !unsigned.bytes().all(|byte| byte.is_ascii_digit()) || mantissa.matches('.').count() > 1 {
        return None;
    }
    let mut exponent: i64 = exponent.parse().unwrap_or(if exponent.starts_with('-') { i64::MIN } else { i64::MAX });
    exponent = exponent.clamp(-100_000, 100_000);
    exponent -= 4 * i64::try_from(fraction.len()).ok()?;
    let mut value = 0_u64;
    let mut digits = 0;
    for digit in whole.chars().chain(fraction.chars()) {
        let digit = u64::from(digit.to_digit(16)?);
        digits += 1;
        if value < 1 << 58 {
            value = value << 4 | digit;
        } else {
            // What no longer fits counts for rounding alone.
            value |= u64::from(digit != 0);
            exponent += 4;
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "it rounds to the nearest, as it should")]
    let mut number = value as f64;
    if digits == 0 {
        return None;
    }
    while exponent > 0 && number != 0.0 && number.is_finite() {
        let step = exponent.min(500);
        number *= 2_f64.powi(i32::try_from(step).ok()?);
        exponent -= step;
    }
    while exponent < 0 && number != 0.0 {
        let step = exponent.max(-500);
        number *= 2_f64.powi(i32::try_from(step).ok()?);
        exponent -= step;
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::parse;

    /// As Go 1.19 answers.
    #[test]
    fn what_go_reads() {
        let table = include_str!("../../../fixtures/conformance/go-floats.tsv");
        let mut rows = 0;
        for row in table.lines().filter(|row| !row.starts_with('#')) {
            let (text, bits) = row.split_once('\t').unwrap();
            let expected = (bits != "error").then(|| u64::from_str_radix(bits, 16).unwrap());
            let read = parse(text).map(|value| if value.is_nan() { 0x7ff8_0000_0000_0001 } else { value.to_bits() });
            assert_eq!(read, expected, "{text}");
            rows += 1;
        }
        assert!(rows > 50, "{rows}");
    }
}

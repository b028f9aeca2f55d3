//! What Flux version 1 reads where a value is not quoted: its YAML makes numbers and the like of it, and texts
//! of these again. Must not know what a value is for.

/// The text that becomes of an unquoted value; `None` where nobody can say which.
///
/// Flux decodes with yaml.v2, which knows the words and numbers of YAML 1.1.
pub(in crate::manifest) fn retold(written: &str) -> Option<String> {
    match written {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Some("true".to_owned());
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Some("false".to_owned());
        }
        _ => {}
    }
    let digits = written.replace('_', "");
    let (sign, bare) = match digits.strip_prefix('-') {
        Some(bare) => ("-", bare),
        None => ("", digits.strip_prefix('+').unwrap_or(&digits)),
    };
    if let Some(number) = integer(bare) {
        return Some(format!("{}{number}", if number == 0 { "" } else { sign }));
    }
    let is_decimal = bare.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number: f64 = bare.parse().ok().filter(|_| is_decimal && bare.len() <= 15)?;
    // Small and large ones are written with an exponent.
    let is_plain = number == 0.0 || (1e-4..1e15).contains(&number);
    is_plain.then(|| format!("{sign}{number}"))
}

/// A whole number without its sign: with 0 before it in base 8, and with a letter behind that in the base
/// that it says.
fn integer(digits: &str) -> Option<u64> {
    let (base, digits) = match digits.split_at_checked(2) {
        Some(("0x" | "0X", rest)) => (16, rest),
        Some(("0b" | "0B", rest)) => (2, rest),
        Some(("0o" | "0O", rest)) => (8, rest),
        _ => match digits.strip_prefix('0').filter(|rest| !rest.is_empty()) {
            Some(rest) => (8, rest),
            None => (10, digits),
        },
    };
    u64::from_str_radix(digits, base).ok().filter(|_| !digits.starts_with(['+', '-']))
}

#[cfg(test)]
mod tests {
    use super::retold;

    #[test]
    fn numbers_and_words_become_other_texts() {
        for (written, expected) in [
            ("true", Some("true")),
            ("yes", Some("true")),
            ("Off", Some("false")),
            ("1", Some("1")),
            ("1.5", Some("1.5")),
            ("1.10", Some("1.1")),
            ("1.0", Some("1")),
            ("3.", Some("3")),
            (".5", Some("0.5")),
            ("-1.50", Some("-1.5")),
            ("+7", Some("7")),
            ("-0", Some("0")),
            ("0755", Some("493")),
            ("0899", Some("899")),
            ("0o17", Some("15")),
            ("0x1F", Some("31")),
            ("0b101", Some("5")),
            ("1_000", Some("1000")),
            ("20240101", Some("20240101")),
            // With exponents, and what is a time or has another base only in some readers.
            ("1e3", None),
            ("0.00001", None),
            ("12345678901234567890123", None),
            ("2024-01-01", None),
            ("1:30", None),
            (".inf", None),
            ("0x", None),
        ] {
            assert_eq!(retold(written).as_deref(), expected, "{written}");
        }
    }
}

//! Orders, numbers and natural order.

use std::borrow::Cow;
use std::cmp::Ordering::{self, Equal, Greater, Less};

use proptest::prelude::*;

use super::{Number, Order, natural};

#[test]
fn orders_as_people_write_them() {
    for (text, shown) in [
        ("semver", "semver"),
        ("newest asc", "newest"),
        ("numeric desc", "numeric desc"),
        (" Alphabetical  DESC ", "alphabetical desc"),
    ] {
        assert_eq!(Order::parse(text).unwrap().to_string(), shown);
    }
    for (text, told) in [
        ("", "`` is no order; use `semver`"),
        ("numerical", "did you mean `numeric`?"),
        ("latest", "did you mean `newest`?"),
        ("name", "did you mean `alphabetical`?"),
        ("version", "did you mean `semver`?"),
        ("desc", "with `asc` or `desc` behind it"),
        ("numeric down", "after `numeric` only `asc` or `desc`"),
        ("numeric desc asc", "after `numeric` only `asc` or `desc`"),
    ] {
        let error = Order::parse(text).unwrap_err().to_string();
        assert!(error.contains(told), "{text:?}: {error}");
    }
}

fn compare(a: &str, b: &str) -> Ordering {
    let number = |text| Number::parse(Cow::Borrowed(text)).unwrap();
    assert_eq!(Number::parse(Cow::Owned(a.to_owned())), Some(number(a)));
    number(a).cmp(&number(b))
}

#[test]
fn numbers_of_any_size() {
    for (a, order, b) in [
        ("2", Less, "10"),
        ("5", Equal, "5.0"),
        ("1", Equal, "01"),
        ("+5", Equal, "005.00"),
        ("0", Equal, "-0.0"),
        ("0.5", Less, "1"),
        ("0.05", Less, "0.5"),
        ("1.10", Less, "1.9"),
        ("1.1", Equal, "1.10"),
        ("100", Greater, "99.999"),
        ("-5", Less, "3"),
        ("-5", Less, "-3"),
        ("-3.5", Less, "-3"),
        ("1_000", Greater, "999"),
        ("20250101123456788", Less, "20250101123456789"),
        ("123456789012345678901234567890", Greater, "99999999999999999999999999999"),
    ] {
        assert_eq!(compare(a, b), order, "{a} {b}");
        assert_eq!(compare(b, a), order.reverse(), "{b} {a}");
    }
    for text in ["", "-", "+-1", "1.", ".5", "1.2.3", "1e5", "0x1F", "nan", "inf", "1__0", "_1", "1_", "1a", " 1"] {
        assert_eq!(Number::parse(Cow::Borrowed(text)), None, "{text:?}");
    }
}

#[test]
fn natural_order() {
    for (a, b) in [
        ("alpine3.9", "alpine3.18"),
        ("1.9", "1.10"),
        ("build-9", "build-10"),
        ("a", "b"),
        ("a", "a1"),
        ("a1", "a1b"),
        ("01", "1"),
        ("v1.02", "v1.2"),
        ("01b", "1c"),
        ("99999999999999999999999998", "99999999999999999999999999"),
        ("1.0-alpha", "1.0-beta"),
    ] {
        assert_eq!(natural(a, b), Less, "{a} {b}");
        assert_eq!(natural(b, a), Greater, "{b} {a}");
        assert_eq!(natural(a, a), Equal, "{a}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn natural_order_is_total(a in "[a0-2.-]{0,6}", b in "[a0-2.-]{0,6}", c in "[a0-2.-]{0,6}") {
        prop_assert_eq!(natural(&a, &b), natural(&b, &a).reverse());
        prop_assert_eq!(natural(&a, &b) == Equal, a == b);
        if natural(&a, &b).is_lt() && natural(&b, &c).is_lt() {
            prop_assert!(natural(&a, &c).is_lt());
        }
    }

    #[test]
    fn numbers_compare_as_numbers(a in -999_i64..999, b in -999_i64..999, zeros in 0_usize..3) {
        let text = |n: i64| format!("{}{}{}.{:03}", if n < 0 { "-" } else { "" }, "0".repeat(zeros), n.abs() / 10, n.abs() % 10 * 100);
        prop_assert_eq!(compare(&text(a), &text(b)), a.cmp(&b));
    }
}

//! What Go answered, and what the `regex` crate makes of the translation.

use proptest::prelude::*;
use regex::bytes::RegexBuilder;

use super::translate;

#[test]
fn every_answer_of_go() {
    let table = include_str!("../../../fixtures/conformance/go-regexes.tsv");
    let (mut rows, mut refused) = (0, 0);
    for row in table.lines().filter(|row| !row.starts_with('#')) {
        let [text, tag, expected] = row.split('\t').collect::<Vec<_>>()[..] else { panic!("{row:?}") };
        let compiled = translate(text).ok().and_then(|translated| {
            let build = |unicode| RegexBuilder::new(&translated.text).unicode(unicode).build();
            build(false).or_else(|_| build(true)).ok()
        });
        let found = match compiled {
            None => "error".to_owned(),
            Some(regex) => regex.captures(tag.as_bytes()).map_or("none".to_owned(), |groups| {
                let group = |group: Option<regex::bytes::Match<'_>>| {
                    group.map_or("-".to_owned(), |group| format!("{}:{}", group.start(), group.end()))
                };
                groups.iter().map(group).collect::<Vec<_>>().join(" ")
            }),
        };
        assert_eq!(found, expected, "{text} {tag}: {:?}", translate(text));
        rows += 1;
        refused += usize::from(expected == "error");
    }
    assert!(rows > 1000 && refused > 30, "{rows} {refused}");
}

#[test]
fn names_in_the_short_form_are_told() {
    for (text, told) in
        [("(?<n>a)", true), ("(?P<n>a)", false), ("(?<=a)b", false), ("(?:a)", false), (r"\(?<n>", false)]
    {
        assert_eq!(translate(text).unwrap().has_short_names, told, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4000) })]

    #[test]
    fn any_text_is_translated_or_refused(
        text in prop_oneof![any::<String>(), r"[a-cpPxQE0-9éß.*?+|()\\\[\]{}^$,:<>=!&~ \-]{0,16}"],
    ) {
        if let Ok(translated) = translate(&text) {
            let _ = RegexBuilder::new(&translated.text).size_limit(1 << 16).build();
        }
    }
}

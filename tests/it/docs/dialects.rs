//! `docs/dialects.md`: the deliberate differences, as `fixtures/dialects/differences.tsv` has them. That each of
//! them is one is tested beside the policies.

use std::fs;
use std::path::Path;

use landwaiter::policy::Dialect;

use super::{holds, row};

#[test]
fn every_difference_is_told() {
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/dialects/differences.tsv");
    let table = fs::read_to_string(table).unwrap();
    let mut rows = 0;
    for dialect in Dialect::ALL.into_iter().filter(|dialect| *dialect != Dialect::Native) {
        let tool = dialect.tool();
        let mut shown =
            row(&["setting", "in Git", "there are", tool, "Landwaiter", "why"]) + "|---|---|---|---|---|---|\n";
        for line in table.lines().filter(|line| line.split('\t').next() == Some(dialect.name())) {
            let [_, setting, current, tags, theirs, ours, why] = line.split('\t').collect::<Vec<_>>()[..] else {
                panic!("{line:?}")
            };
            shown.push_str(&row(&[
                &if setting == "-" { "none".to_owned() } else { code(&setting.replace("  ", " ")) },
                &if current == "-" { "no tag".to_owned() } else { code(current) },
                &tags.split(' ').map(code).collect::<Vec<_>>().join(", "),
                &end(theirs, &["stays", "fails"]),
                &end(ours, &["refused", "up-to-date", "only-older", "no-match", "no-version", "current-unknown"]),
                why,
            ]));
            rows += 1;
        }
        holds("docs/dialects.md", dialect.name(), &shown);
    }
    assert_eq!(rows, table.lines().filter(|line| !line.starts_with('#')).count());
}

/// A text as code, in a cell of a table.
fn code(text: &str) -> String {
    format!("`{}`", text.replace('|', "\\|"))
}

/// What comes of it: a tag, or one of these words.
fn end(text: &str, words: &[&str]) -> String {
    if let Some(tags) = text.strip_prefix("one of ") {
        return format!("by chance {}", tags.split(", ").map(code).collect::<Vec<_>>().join(" or "));
    }
    match text {
        "refused" => "*refuses*".to_owned(),
        "stays" | "fails" => format!("*{text}*"),
        text if words.contains(&text) => format!("*holds*: {text}"),
        text => format!("**{}**", code(text)),
    }
}

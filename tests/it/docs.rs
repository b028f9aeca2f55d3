//! Pages that are made of the code's own tables are what the code says. With `LANDWAITER_BLESS=1` they
//! are written anew.

mod annotations;
mod commits;
mod configuration;
mod dialects;
mod lint;
mod metrics;
mod migrations;
mod policies;
mod registries;

use std::fs;
use std::path::Path;

/// Compares the part of a page between `<!-- begin NAME -->` and `<!-- end NAME -->` with what it is to be.
#[track_caller]
pub(super) fn holds(page: &str, name: &str, expected: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{page}: {error}"));
    let (begin, end) = (format!("<!-- begin {name} -->\n"), format!("<!-- end {name} -->\n"));
    let from = text.find(&begin).unwrap_or_else(|| panic!("{page} has no line {begin}")) + begin.len();
    let to = from + text[from..].find(&end).unwrap_or_else(|| panic!("{page} has no line {end}"));
    is_whole(page, &format!("{}{expected}{}", &text[..from], &text[to..]));
}

/// Compares a whole file with what it is to be.
#[track_caller]
pub(super) fn is_whole(page: &str, expected: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    if fs::read_to_string(&file).is_ok_and(|text| text == expected) {
        return;
    }
    if std::env::var_os("LANDWAITER_BLESS").is_some() {
        fs::write(&file, expected).unwrap();
        return;
    }
    panic!("{page} is not what the code says: run the tests with LANDWAITER_BLESS=1, and look at the difference");
}

/// A row of a table.
pub(super) fn row(cells: &[&str]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

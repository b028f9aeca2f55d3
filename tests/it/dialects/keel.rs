//! Keel: annotations and labels, the block in a chart's values, and mistakes.

use super::check;

#[test]
fn a_repository_of_keel() {
    check("keel");
}

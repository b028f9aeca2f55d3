//! Flux version 1: annotations under both prefixes, charts, patches, and mistakes; and what it chooses when.

use super::check;

#[test]
fn a_repository_of_flux_1() {
    check("flux");
}

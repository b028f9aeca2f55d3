//! `docs/operations.md`: every metric there is.

use landwaiter::metrics::FAMILIES;

use super::{holds, row};

#[test]
fn every_metric_is_in_the_table() {
    let mut table = row(&["metric", "kind", "labels", "meaning"]) + "|---|---|---|---|\n";
    for family in FAMILIES {
        let labels = family.labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ");
        table += &row(&[&format!("`{}`", family.name), family.kind.name(), &labels, family.help]);
    }
    holds("docs/operations.md", "metrics", &table);
}

//! Files of many choices, and whether they are worth it.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::generate::{Value, generate};
use super::generated;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn images_are_found_and_only_their_bytes_change(
        choices in prop::collection::vec(any::<u8>(), 0..800),
        throws in prop::collection::vec(any::<u8>(), 16),
    ) {
        generated(&choices, &throws);
    }
}

/// A generator that makes dull files proves little.
#[test]
fn the_generated_files_have_everything_in_them() {
    let mut seen = BTreeMap::<&str, usize>::new();
    let mut state = 1_u64;
    for _ in 0..256 {
        let choices: Vec<u8> = (0..800)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                state.to_be_bytes()[0]
            })
            .collect();
        let file = generate(&choices);
        let has = |text: &str| file.text.contains(text);
        for (what, is_there) in [
            ("JSON", file.path == "a.json"),
            ("a kustomization", file.path == "kustomization.yaml" && !file.images.is_empty()),
            ("a release", has("HelmRelease") && file.values.iter().any(|value| value.written.is_none())),
            ("CRLF", has("\r\n")),
            ("a byte-order mark", has("\u{feff}")),
            ("no final newline", !file.text.ends_with('\n')),
            ("several documents", has("\n---")),
            ("an alias of an image", file.images.len() > 1 && has("*i")),
            ("a value that is shared with a label", file.values.iter().any(|value| value.is_shared)),
            ("a value that can be changed", file.values.iter().any(Value::is_editable)),
            ("a literal block", has(": |")),
            ("a merge", has("<<: *m")),
            ("a flow mapping with an image", has("{image: ") || has(", image: ")),
            ("five images", file.images.len() > 4),
        ] {
            *seen.entry(what).or_default() += usize::from(is_there);
        }
    }
    assert!(seen.values().all(|&count| count >= 10), "{seen:#?}");
}

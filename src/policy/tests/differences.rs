//! `fixtures/dialects/differences.tsv`: where another tool and we come to different ends on purpose. Each row
//! is run through both.

use std::collections::BTreeMap;

use super::{candidates, day, peer, tag};
use crate::policy::peer::tests::choice;
use crate::policy::{Decision, Dialect, decide};

#[test]
fn every_deliberate_difference() {
    let table = include_str!("../../../fixtures/dialects/differences.tsv");
    let mut rows: BTreeMap<Dialect, usize> = BTreeMap::new();
    for row in table.lines().filter(|row| !row.starts_with('#')) {
        let [dialect, setting, current, tags, theirs, ours, why] = row.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{row:?}")
        };
        let dialect: Dialect = dialect.parse().unwrap();
        let current = if current == "-" { "" } else { current };
        let peer = peer(dialect, setting);
        assert_eq!(choice(&peer, current, tags), theirs, "{row}");
        let now = Some(current).filter(|current| !current.is_empty()).map(tag);
        let outcome = match peer.policy() {
            Err(_) => "refused".to_owned(),
            Ok(policy) => match decide(&policy, now.as_ref(), &candidates(tags), day(1)).decision {
                Decision::Update(choice) => choice.tag.to_string(),
                Decision::Hold(hold) => hold.name().to_owned(),
            },
        };
        assert_eq!(outcome, ours, "{row}");
        assert!(why.ends_with('.') && why.len() > 20, "{row}: say why in a sentence");
        // A difference is one.
        assert!(theirs != ours && (theirs, ours) != ("stays", "up-to-date"), "{row}");
        *rows.entry(dialect).or_default() += 1;
    }
    assert!(rows.len() == 4 && rows.values().all(|count| *count >= 5), "{rows:?}");
}

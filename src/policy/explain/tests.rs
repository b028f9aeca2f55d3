//! What people are told about every tag.

use super::explain;
use crate::policy::tests::{candidates, day, policy, tag};

#[track_caller]
fn check(policy_text: &str, current: &str, tags: &str, expected: &[(&str, &str, &str)]) {
    let explanation = explain(&policy(policy_text), Some(&tag(current)), &candidates(tags), day(1));
    let told: Vec<(String, &str, String)> = explanation
        .judged
        .iter()
        .map(|judged| (judged.tag.to_string(), judged.judgement.name(), judged.judgement.to_string()))
        .collect();
    let told: Vec<(&str, &str, &str)> =
        told.iter().map(|(tag, name, why)| (tag.as_str(), *name, why.as_str())).collect();
    assert_eq!(told, expected);
}

#[test]
fn every_tag_has_a_reason() {
    check(
        "semver:~1.2  exclude=1.2.9",
        "1.2.3",
        "1.2.3 1.2.4 1.2.5 1.2.9 1.3.0 1.2.6-rc.1 2.x 20240131 latest 1.2.5.sig 1.2.3-01 99999999999999999999",
        &[
            ("1.2.5", "selected", "highest version of 3 matching tags"),
            ("1.2.4", "accepted", "matches; `1.2.5` is better"),
            ("1.2.3", "accepted", "matches, and is the current tag; `1.2.5` is better"),
            ("latest", "rejected", "`latest` is taken only when the pattern names it"),
            ("99999999999999999999", "rejected", "not a version: a number does not fit 64 bits"),
            (
                "20240131",
                "rejected",
                "a single number of five digits or more is taken for a date or a build, not a version",
            ),
            ("2.x", "rejected", "not a version"),
            ("1.3.0", "rejected", "does not satisfy `semver:~1.2`"),
            ("1.2.9", "rejected", "excluded by `1.2.9`"),
            (
                "1.2.6-rc.1",
                "rejected",
                "a pre-release, and `semver:~1.2` does not ask for one (a `-0` behind a version does)",
            ),
            ("1.2.5.sig", "rejected", "holds a signature, attestation or bill of materials, not an image"),
            (
                "1.2.3-01",
                "rejected",
                "not a version: after the `-` there must be letters, digits and `.`, and no number with a leading zero",
            ),
        ],
    );
    check(
        r"regex:b-?(\w*)  extract=$1  order=numeric",
        "b-1",
        "b-1 b-x b c",
        &[
            ("b-1", "accepted", "the best match, and the current tag"),
            ("c", "rejected", r"does not match `regex:b-?(\w*)`"),
            ("b-x", "rejected", "not a number"),
            ("b", "rejected", "the extract is empty"),
        ],
    );
    check(
        "*",
        "a",
        "a@1 b@2 c",
        &[
            ("b", "accepted", "the best match, and not taken"),
            ("a", "accepted", "matches, and is the current tag; `b` is better"),
            ("c", "rejected", "the created time of the image is not known"),
        ],
    );
    check(
        "own family  within=minor",
        "1.2.3",
        "1.2.3 1.3.0 main",
        &[
            ("1.2.3", "accepted", "the best match, and the current tag"),
            ("main", "rejected", "not of the current tag's own family `1.2.3`"),
            ("1.3.0", "rejected", "not within the current minor version"),
        ],
    );
    check(
        "own family",
        "latest",
        "1.2 1.10",
        &[
            ("1.10", "rejected", "not judged: the policy has no meaning for the current tag"),
            ("1.2", "rejected", "not judged: the policy has no meaning for the current tag"),
        ],
    );
}

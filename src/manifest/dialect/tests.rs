//! Which keys are understood, and what is suggested for those that are not.

use super::slip::understand;
use super::{Part, Topic, Voice, Word, flux, is_mentioned, native};
use crate::policy::PatternKind;

fn read(key: &str) -> Option<(Voice, Word)> {
    native::read(key).or_else(|| flux::read(key))
}

#[track_caller]
fn known(key: &str, voice: Voice, topic: Topic, container: Option<&str>, canonical: &str) {
    let word = Word::Known { topic, container: container.map(str::to_owned), canonical: canonical.into() };
    assert_eq!(read(key), Some((voice, word)), "{key}");
}

#[track_caller]
fn unknown(key: &str, suggestion: Option<&str>) {
    let Some((_, Word::Unknown { suggestion: found, .. })) = read(key) else { panic!("{key} is ours") };
    assert_eq!(found.as_deref(), suggestion, "{key}");
}

#[test]
fn three_prefixes_speak_one_vocabulary() {
    for (prefix, voice) in
        [("landwaiter/", Voice::Native), ("fluxcd.io/", Voice::Fluxcd), ("flux.weave.works/", Voice::Weave)]
    {
        let key = |name: &str| format!("{prefix}{name}");
        known(&key("automated"), voice, Topic::Automated, None, "automated");
        known(&key("tag-glob"), voice, Topic::Pattern(Some(PatternKind::Glob)), None, "tag-glob");
        known(&key("tag.app"), voice, Topic::Pattern(None), Some("app"), "tag.app");
        known(&key("tag.a.b.c"), voice, Topic::Pattern(None), Some("a.b.c"), "tag.a.b.c");
        known(&key("policy.app"), voice, Topic::Policy, Some("app"), "policy.app");
        known(&key("order"), voice, Topic::Order, None, "order");
        known(&key("locked_user"), voice, Topic::LockedBy, None, "locked-by");
        known(&key("locked_msg"), voice, Topic::LockedReason, None, "locked-reason");
        known(&key("min-age"), voice, Topic::MinAge, None, "min-age");
        known(&key("window"), voice, Topic::Later, None, "window");
        known(&key("image.app"), voice, Topic::Path(Part::Image), Some("app"), "image.app");
    }
    known("filter.fluxcd.io/app", Voice::FluxcdFilter, Topic::Pattern(None), Some("app"), "tag.app");
    known("tag.fluxcd.io/app", Voice::Fluxcd, Topic::Path(Part::Tag), Some("app"), "tag.fluxcd.io.app");
    assert_eq!(read("fluxcd.io/sync-checksum"), Some((Voice::Fluxcd, Word::Bookkeeping)));
}

#[test]
fn other_prefixes_are_not_ours() {
    for key in [
        "kustomize.toolkit.fluxcd.io/ssa",
        "helm.fluxcd.io/antecedent",
        "image.toolkit.fluxcd.io/automated",
        "example.com/landwaiter/automated",
        "landwaiter.io/automated",
        "automated",
    ] {
        assert_eq!(read(key), None, "{key}");
    }
}

#[test]
fn a_typo_gets_the_nearest_spelling() {
    unknown("landwaiter/automatd", Some("automated"));
    unknown("landwaiter/Automated", Some("automated"));
    unknown("landwaiter/tag-gob", Some("tag-glob"));
    unknown("landwaiter/tags.app", Some("tag.app"));
    unknown("landwaiter/tag", Some("tag.<container>"));
    unknown("landwaiter/tag_semver", Some("tag-semver"));
    unknown("landwaiter/polcy.app", Some("policy.app"));
    unknown("fluxcd.io/ignored", Some("ignore"));
    unknown("fluxcd.io/tag_all", Some("tag.<container>"));
    unknown("fluxcd.io/something", None);
    unknown("landwaiter/", None);
    unknown("landwaiter/tag.", Some("tag.<container>"));
    unknown("landwaiter/policy.", Some("policy"));
    unknown("landwaiter/automated.app", Some("automated"));
}

#[test]
fn a_slip_is_told_apart_from_a_word_that_nobody_knows() {
    for (key, meant) in [
        ("landwaiter/Automated", Some("automated")),
        ("Landwaiter/automated", Some("automated")),
        ("fluxcd.io/automated ", Some("automated")),
        (" fluxcd.io/automated", Some("automated")),
        ("flux.weave.works/TAG.chartImage", Some("tag.chartImage")),
        ("Filter.FluxCD.io/app", Some("app")),
        ("FLUXCD.IO/LOCKED_MSG", Some("locked_msg")),
        ("fluxcd.io/automatd", None),
        ("Landwaiter/automatd", None),
        ("fluxcd.io/something", None),
    ] {
        let Some((_, Word::Unknown { suggestion, is_slip })) = understand(key) else { panic!("{key} is ours") };
        assert_eq!(suggestion.filter(|_| is_slip).as_deref(), meant, "{key}");
    }
    for key in ["landwaiter/tag.App", "fluxcd.io/Sync-Checksum"] {
        assert!(!matches!(understand(key), Some((_, Word::Unknown { is_slip: true, .. }))), "{key}");
    }
    assert_eq!(understand("Example.com/automated"), None);
}

#[test]
fn a_mention_is_a_whole_prefix() {
    for text in ["fluxcd.io/automated: 'true'", "\"landwaiter\\/x\"", " flux.weave.works/x", "{filter.fluxcd.io/a: b"] {
        assert!(is_mentioned(text.as_bytes()), "{text}");
    }
    for text in
        ["kustomize.toolkit.fluxcd.io/v1", "helm.fluxcd.io/v1", "landwaiter", "ghcr.io/x/landwaiter/y", "fluxcd.io"]
    {
        assert!(!is_mentioned(text.as_bytes()), "{text}");
    }
}

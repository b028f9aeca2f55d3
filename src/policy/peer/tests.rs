//! What the other tools choose: facts from their tests, and from running their code.

mod argocd_image_updater;
mod flux;
mod flux2;
mod keel;

use proptest::prelude::*;

use super::{ArgocdImageUpdater, Flux, Flux2, Flux2Filter, Flux2Policy, Keel, Peer, PeerChoice};
use crate::image::Tag;
use crate::policy::tests::properties::{lists, names};
use crate::policy::tests::{candidates, day, peer, tag};
use crate::policy::{Decision, Dialect, decide};

/// The choice in short: the tag, `stays`, `fails`, `one of a, b`, `needs the created time of a`.
pub(in crate::policy) fn choice(peer: &Peer, current: &str, tags: &str) -> String {
    let current = Some(current).filter(|current| !current.is_empty()).map(tag);
    match peer.choose(current.as_ref(), &candidates(tags)) {
        PeerChoice::Stays(_) => "stays".to_owned(),
        PeerChoice::Fails(_) => "fails".to_owned(),
        choice => choice.to_string().split(':').next().unwrap_or_default().to_owned(),
    }
}

#[track_caller]
fn check(dialect: Dialect, setting: &str, current: &str, tags: &str, expected: &str) {
    assert_eq!(choice(&peer(dialect, setting), current, tags), expected, "{setting} | {current} | {tags}");
}

/// Why no policy of ours carries the setting over.
#[track_caller]
fn refused(dialect: Dialect, setting: &str, told: &str) {
    let error = peer(dialect, setting).policy().expect_err(setting);
    assert_eq!(error.to_string(), told, "{setting}");
    assert_eq!(error.to_string(), format!("`{}`: {}; {}", error.setting(), error.what(), error.mend()));
}

#[test]
fn a_setting_is_shown_in_the_words_of_its_tool() {
    for (dialect, setting, shown) in [
        (Dialect::Flux, "semver:~1.2", "semver:~1.2"),
        (Dialect::Flux, "-", "glob:*"),
        (Dialect::Flux2, "semver:>=1", "semver:>=1"),
        (
            Dialect::Flux2,
            "numerical asc  pattern=^v(.*)  extract=$1  exclusionList=a b",
            "numerical asc pattern=^v(.*) extract=$1 exclusionList=a,b",
        ),
        (Dialect::Flux2, "none", "no policy"),
        (
            Dialect::ArgocdImageUpdater,
            "newest-build  allow-tags=regexp:^main-  ignore-tags=a b",
            "newest-build allow-tags=regexp:^main- ignore-tags=a,b",
        ),
        (Dialect::ArgocdImageUpdater, "semver:~1.2", "semver:~1.2"),
        (Dialect::ArgocdImageUpdater, "", "semver"),
        (Dialect::Keel, "minor  matchPreRelease=false", "minor matchPreRelease=false"),
        (Dialect::Keel, "force  matchTag=true", "force matchTag=true"),
    ] {
        let peer = peer(dialect, setting);
        assert_eq!((peer.to_string().as_str(), peer.dialect()), (shown, dialect));
        assert_eq!(peer.name(), dialect.name());
    }
    assert!(size_of::<Peer>() <= 16);
}

#[test]
fn created_times_are_asked_for_where_they_are_compared() {
    for (dialect, setting, needs) in [
        (Dialect::Flux, "semver:*", false),
        (Dialect::Flux, "regex:.*", true),
        (Dialect::Flux, "-", true),
        (Dialect::Flux2, "numerical", false),
        (Dialect::ArgocdImageUpdater, "latest", true),
        (Dialect::ArgocdImageUpdater, "semver", false),
        (Dialect::Keel, "force", false),
    ] {
        assert_eq!(peer(dialect, setting).needs_created(), needs, "{setting}");
    }
}

/// Anything at all, and what comes near to being meant.
fn texts() -> impl Strategy<Value = Box<str>> {
    let form = prop_oneof![
        any::<String>(),
        r"(semver:|glob:|regexp:|regex:)?[a-c0-9.*?+|()\\\[\]{}^$,:<>=~ \-]{0,12}",
        "(semver|glob|regexp):[a-z0-3.*^~-]{0,6}",
        "major|minor|patch|all|force|asc|desc|true|latest|digest|newest-build|name|any|[$][{]?[0-2a]?[}]?",
    ];
    form.prop_map(String::into_boxed_str)
}

fn settings() -> impl Strategy<Value = Peer> {
    let words = prop::collection::vec(prop::option::of(texts()), 5);
    let list = prop::collection::vec(texts(), 0..3);
    (0..4_u8, words, list).prop_map(|(kind, words, list)| {
        let mut words = words.into_iter();
        let mut word = || words.next().flatten();
        match kind {
            0 => Flux { pattern: word() }.into(),
            1 => {
                let policy = word().map(|text| match text.len() % 3 {
                    0 => Flux2Policy::Semver(text),
                    1 => Flux2Policy::Alphabetical(text),
                    _ => Flux2Policy::Numerical(text),
                });
                let filter = word().map(|pattern| Flux2Filter { pattern, extract: word().unwrap_or_default() });
                Flux2 { filter, policy, exclusion: (!list.is_empty()).then(|| list.into()) }.into()
            }
            2 => ArgocdImageUpdater {
                strategy: word(),
                constraint: word(),
                allow_tags: word(),
                ignore_tags: list.into(),
                platforms: Box::default(),
            }
            .into(),
            _ => {
                let policy = word().unwrap_or_default();
                Keel { policy, match_tag: word(), match_pre_release: word() }.into()
            }
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4000) })]

    #[test]
    fn any_setting_is_read_and_nothing_is_chosen_that_is_not_there(
        peer in settings(), current in prop::option::of(names()), list in lists(),
    ) {
        let is_there = |tag: &Tag| list.iter().any(|candidate| candidate.tag == *tag);
        match peer.choose(current.as_ref(), &list) {
            PeerChoice::Tag(tag) => {
                prop_assert!(is_there(&tag));
                prop_assert_ne!(Some(&tag), current.as_ref());
            }
            PeerChoice::Unclear { among, .. } => prop_assert!(among.is_empty() || among.len() > 1 && among.iter().all(is_there)),
            PeerChoice::NeedsCreated { tags } => prop_assert!(!tags.is_empty() && peer.needs_created() && tags.iter().all(is_there)),
            PeerChoice::Stays(_) | PeerChoice::Fails(_) => {}
        }
        let _ = peer.to_string();
        match peer.policy() {
            Err(error) => prop_assert!(!error.what().is_empty() && !error.mend().is_empty(), "{}", error),
            // What is wrong there is wrong here.
            Ok(policy) => {
                let is_update = matches!(decide(&policy, current.as_ref(), &list, day(1)).decision, Decision::Update(_));
                let fails = matches!(peer.choose(current.as_ref(), &list), PeerChoice::Fails(_));
                let by_number = policy.order().by == crate::policy::By::Numeric;
                prop_assert!(!(is_update && fails) || by_number, "{} as {}", peer, policy);
            }
        }
    }

    #[test]
    fn the_order_of_the_list_means_nothing(
        peer in settings(), current in prop::option::of(names()), mut list in lists(),
    ) {
        // A repeated tag has one created time.
        list.sort_by(|a, b| a.tag.cmp(&b.tag).then(b.created.cmp(&a.created)));
        list.dedup_by(|a, b| a.tag == b.tag);
        let choice = peer.choose(current.as_ref(), &list);
        list.reverse();
        prop_assert_eq!(peer.choose(current.as_ref(), &list), choice);
    }
}

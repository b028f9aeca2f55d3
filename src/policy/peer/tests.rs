//! What the other tools choose: facts from their tests, and from running their code.

mod argocd_image_updater;
mod flux;
mod flux2;
mod keel;

use super::{Peer, PeerChoice};
use crate::policy::Dialect;
use crate::policy::tests::{candidates, peer, tag};

/// The choice in short: the tag, `stays`, `fails`, `one of a, b`, `needs the created time of a`.
pub(super) fn choice(peer: &Peer, current: &str, tags: &str) -> String {
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

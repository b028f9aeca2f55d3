//! Policies of every dialect, in native words, and that these choose the same.

use std::sync::LazyLock;

use proptest::prelude::*;

use crate::image::Tag;
use crate::policy::tests::properties::{lists, names};
use crate::policy::tests::{day, peer, policy, tag};
use crate::policy::{Dialect, Exclude, Order, Pattern, Policy, Prerelease, Versions, Within, decide, explain, version};

/// Reads native words, as the annotations do.
fn read(words: &[(&'static str, String)]) -> Policy {
    let word = |name: &str| words.iter().find(|(word, _)| *word == name).map(|(_, value)| value.as_str());
    let pattern = word("tag").map_or(Pattern::family(Dialect::Native), |text| {
        Pattern::parse(text, Dialect::Native).unwrap_or_else(|error| panic!("{error}"))
    });
    let mut builder = Policy::builder(pattern).allow_downgrade(word("allow-downgrade") == Some("true"));
    for (word, value) in words {
        builder = match *word {
            "order" => builder.order(Order::parse(value).unwrap()),
            "extract" => builder.extract(value),
            "constraint" => builder.constraint(Pattern::parse(&format!("semver:{value}"), Dialect::Native).unwrap()),
            "versions" => builder.versions(Versions::parse(value).unwrap()),
            "within" => builder.within(Within::parse(value).unwrap()),
            "prerelease" => builder.prerelease(Prerelease::parse(value).unwrap()),
            "exclude" => builder.exclude(Exclude::parse(value).unwrap()),
            "tag" | "allow-downgrade" => builder,
            other => panic!("`{other}` is no word"),
        };
    }
    builder.build().unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn check(policy: &Policy, current: &str, expected: &str) {
    let current = Some(current).filter(|current| !current.is_empty()).map(tag);
    let words = policy.native_words(current.as_ref()).unwrap_or_else(|error| panic!("{error}"));
    let shown: Vec<String> = words.iter().map(|(word, value)| format!("{word}: {value}")).collect();
    assert_eq!(shown.join(" | "), expected, "{policy}");
}

#[test]
fn one_policy_in_several_dialects() {
    use Dialect::{Flux, Keel};
    let same = |one: &Policy, two: &Policy, current: &str| one.means_the_same_as(two, Some(&tag(current)));
    let native = policy("regex:main-.*  order=alphabetical");
    let flux = peer(Flux, "regex:^main-").policy().unwrap();
    assert!(!same(&flux, &native, "main-1"), "another order");
    assert!(same(&flux, &policy("regex:main-.*"), "main-1"));
    let loose = peer(Flux, "semver:~1").policy().unwrap();
    assert!(same(&loose, &policy("semver:~1"), "1.0.0"));
    assert!(!same(&loose, &policy("semver:~1"), "20240101"), "a date is a version for Flux alone");
    assert!(same(&peer(Keel, "glob:a-*").policy().unwrap(), &policy("a-*  order=alphabetical"), "a-1"));
}

#[test]
fn words() {
    use Dialect::{ArgocdImageUpdater, Flux, Flux2, Keel};
    for (text, expected) in [
        ("semver:~1.2", "tag: semver:~1.2"),
        ("*", "tag: glob:*"),
        ("*  order=newest", "tag: glob:*"),
        ("own family  order=newest", "order: newest"),
        ("own family", ""),
        (
            "regex:(.*)-x  order=semver desc  extract=$1  constraint=semver:~1  versions=loose  within=minor  prerelease=same  exclude=a,regex:b|c  allow-downgrade=true",
            "tag: regex:(.*)-x | order: semver desc | extract: $1 | constraint: ~1 | versions: loose | within: minor | prerelease: same | exclude: a,regex:b|c | allow-downgrade: true",
        ),
    ] {
        check(&policy(text), "", expected);
    }
    for (dialect, setting, current, expected) in [
        (Flux, "-", "1.0", ""),
        (Flux, "semver:~1.2", "1.2.0", "tag: semver:~1.2"),
        (Flux, "semver:~1.2", "20240101", "tag: semver:~1.2 | versions: loose"),
        (Flux, "semver:*", "1.2.0", "tag: semver:* | versions: loose"),
        (Flux, "semver:>=1.0 <2.0 || 3.x", "", "tag: semver:>=1.0 <2.0 || 3.x"),
        (Flux, "semver:>=1.0 <2.0 || >3", "", "tag: semver:>=1.0 <2.0 || >3 | versions: loose"),
        (Flux, "regex:^main-", "", "tag: regex:main-.*"),
        (Flux, r"regexp:^v\d+$", "", r"tag: regex:v\d+"),
        (Flux, "regexp:stg|prod", "", "tag: regex:.*?(?:stg|prod).*"),
        (Flux, "regexp:^$", "", "tag: regex:^$"),
        (Flux, "glob:1.*", "", "tag: glob:1.*"),
        (Flux2, "semver:>=1.0", "", "tag: semver:>=1.0 | versions: full"),
        (
            Flux2,
            "semver:>=1.0  pattern=^v(?P<v>.*)-alpine  extract=$v  exclusionList=-rc",
            "",
            r"tag: regex:v(?P<v>.*)-alpine.* | order: semver | extract: $v | constraint: >=1.0 | versions: full | exclude: regex:.*?-rc.*",
        ),
        (
            Flux2,
            "numerical  pattern=^main-[a-f0-9]+-(?P<ts>[0-9]+)  extract=$ts",
            "",
            "tag: regex:main-[a-f0-9]+-(?P<ts>[0-9]+).* | order: numeric | extract: $ts",
        ),
        (
            ArgocdImageUpdater,
            "semver:~1.2  allow-tags=regexp:^v  ignore-tags=*-rc* [ab]*",
            "",
            r"tag: regex:v.* | order: semver | constraint: ~1.2 | exclude: *-rc*,regex:[ab].*",
        ),
        (ArgocdImageUpdater, "newest-build", "", "tag: glob:*"),
        (ArgocdImageUpdater, "name", "", "tag: glob:* | order: alphabetical"),
        (Keel, "patch", "1.2.3", "tag: semver:>=0.0.0-0 | within: minor | prerelease: same | exclude: regex:[^.]*"),
        (Keel, "all", "1.2.3", "tag: semver:>=0.0.0-0 | within: any | exclude: regex:[^.]*"),
        (Keel, "force", "1.2.3", "tag: semver:>=0.0.0-0"),
    ] {
        check(&peer(dialect, setting).policy().unwrap(), current, expected);
    }
}

#[test]
fn what_cannot_be_said() {
    let whole = peer(Dialect::Flux2, "alphabetical  pattern=v.  extract=$0").policy().unwrap();
    assert_eq!(
        whole.native_words(None).unwrap_err().to_string(),
        "extract `$0` takes all that the expression finds, which natively is the tag; put what is to be compared in a group"
    );
    let list = vec!["x".repeat(300); 20].join(" ");
    let policy = peer(Dialect::Flux2, &format!("alphabetical  exclusionList={list}")).policy().unwrap();
    let error = policy.native_words(None).unwrap_err().to_string();
    assert!(error.ends_with("bytes, and 4096 is the most that is read; shorten the list"), "{error}");
}

/// Settings of every tool, and policies of ours under their rules.
static POLICIES: LazyLock<Vec<Policy>> = LazyLock::new(|| {
    use Dialect::{ArgocdImageUpdater, Flux, Flux2, Keel};
    const SETTINGS: [(Dialect, &str); 36] = [
        (Flux, "-"),
        (Flux, "semver:*"),
        (Flux, "semver:~1.2"),
        (Flux, "semver:>=1-0 <3"),
        (Flux, "semver:~0.0.0"),
        (Flux, "semver:^0 || 2"),
        (Flux, "regexp:1"),
        (Flux, "regexp:^[0-9]|a$"),
        (Flux, r"regexp:\d$"),
        (Flux, "*"),
        (Flux, "main-*"),
        (Flux2, "semver:*"),
        (Flux2, "semver:>=1.0.0-0"),
        (Flux2, r"semver:*  pattern=(\d.*?)-[a-z]+  extract=$1"),
        (Flux2, r"semver:*  pattern=^v?[0-3]"),
        (Flux2, r"numerical  pattern=(\d+)  extract=$1"),
        (Flux2, r"numerical  pattern=(\d)+?$  extract=$1"),
        (Flux2, r"numerical desc  pattern=([0-9]|[0-9]+).(\d)  extract=$2$1"),
        (Flux2, "numerical"),
        (Flux2, r"alphabetical  pattern=(a|ab|m?a)(i?)  extract=$1$2"),
        (Flux2, "alphabetical desc  exclusionList=^1 a$ [0-3]-"),
        (ArgocdImageUpdater, "semver"),
        (ArgocdImageUpdater, "semver:~1.2  allow-tags=regexp:^v"),
        (ArgocdImageUpdater, "semver:>=1-0  allow-tags=regexp:[0-9]$  ignore-tags=[^1]* ?.2"),
        (ArgocdImageUpdater, r"newest-build  ignore-tags=\v* [a-m]* *-rc*"),
        (ArgocdImageUpdater, "alphabetical  allow-tags=regexp:(?i)RC"),
        (Keel, "all"),
        (Keel, "major"),
        (Keel, "minor"),
        (Keel, "patch"),
        (Keel, "minor  matchPreRelease=false"),
        (Keel, "force"),
        (Keel, "glob:*.*"),
        (Keel, "glob:main-*"),
        (Keel, "regexp:[0-3]"),
        (Keel, r"regexp:^(build|main)-(?P<compare>\d+)"),
    ];
    const OURS: [&str; 9] = [
        "own family  order=semver  dialect=flux",
        "own family  dialect=flux2",
        "semver:*  order=newest  dialect=flux",
        "semver:*  order=alphabetical  dialect=flux2",
        "*  order=semver  dialect=flux",
        "*  order=semver  within=major  dialect=flux2",
        "*  order=semver desc  dialect=flux  allow-downgrade=true",
        "regex:(.).*  extract=$0  order=alphabetical",
        "semver:*  prerelease=same",
    ];
    let theirs = SETTINGS.into_iter().map(|(dialect, setting)| peer(dialect, setting).policy().unwrap());
    theirs.chain(OURS.into_iter().map(policy)).collect()
});

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4000) })]

    #[test]
    fn native_words_choose_the_same(
        index in 0..45_usize, current in prop::option::of(names()), list in lists(),
    ) {
        prop_assert_eq!(POLICIES.len(), 45);
        let is_long_by_zeros = |tag: &Tag| tag.as_str().starts_with('0') && version::is_bare_number(tag.as_str());
        let list: Vec<_> = list.into_iter().filter(|candidate| !is_long_by_zeros(&candidate.tag)).collect();
        let policy = &POLICIES[index];
        let native = read(&policy.native_words(current.as_ref()).unwrap());
        let one = explain(policy, current.as_ref(), &list, day(1));
        let two = explain(&native, current.as_ref(), &list, day(1));
        let running = |explanation: &crate::policy::Explanation| -> Vec<(Tag, &'static str)> {
            explanation.judged.iter().map(|judged| (judged.tag.clone(), judged.judgement.name())).collect()
        };
        prop_assert_eq!(running(&one), running(&two), "{} as {}", policy, native);
        let outcome = |policy: &Policy, current: Option<&Tag>| match decide(policy, current, &list, day(1)).decision {
            crate::policy::Decision::Update(choice) => choice.tag.to_string(),
            crate::policy::Decision::Hold(hold) => format!("hold {}", hold.name()),
        };
        let chosen = outcome(policy, current.as_ref());
        prop_assert_eq!(&chosen, &outcome(&native, current.as_ref()), "{} as {}", policy, native);
        // And from there on.
        let next = Tag::parse(&chosen).ok();
        prop_assert_eq!(outcome(policy, next.as_ref()), outcome(&native, next.as_ref()), "{} as {}", policy, native);
    }
}

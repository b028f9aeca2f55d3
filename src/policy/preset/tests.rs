//! Policy files as strings: what is refused, and what examples prove.

use super::{ExampleSource, ExampleTag, Preset, PresetSource, Presets};
use crate::policy::tests::{candidates, day, tag};
use crate::policy::{Exclude, decide};

fn source() -> PresetSource {
    PresetSource {
        name: "stable".into(),
        purpose: "Releases".into(),
        pattern: Some("semver:*".into()),
        ..PresetSource::default()
    }
}

#[test]
fn a_preset_and_what_a_workload_says_beside_it() {
    let preset = Preset::new(&source()).unwrap();
    assert_eq!(preset.policy().to_string(), "stable (semver:*)");
    let narrowed = preset.builder().exclude(Exclude::parse("2.*").unwrap()).allow_downgrade(true).build().unwrap();
    assert_eq!(narrowed.to_string(), "stable (semver:* exclude=2.* allow-downgrade=true)");
    assert_eq!(narrowed.preset(), Some("stable"));
    assert_eq!(decide(&narrowed, Some(&tag("1.9")), &candidates("1.0 2.0"), day(1)).matched, 1);

    let mut presets = Presets::default();
    assert!(presets.insert(preset.clone()).is_none());
    assert_eq!(presets.get("stable"), Some(&preset));
    assert_eq!(presets.get("Stable"), None);
    assert_eq!(presets.names().map(ToString::to_string).collect::<Vec<_>>(), ["stable"]);
    assert_eq!(presets.iter().count(), 1);
    assert_eq!(presets.insert(preset.clone()), Some(preset));
}

#[test]
fn without_a_pattern_it_is_the_own_family() {
    let minor = PresetSource { pattern: None, within: Some("major".into()), ..source() };
    assert_eq!(Preset::new(&minor).unwrap().policy().to_string(), "stable (own family within=major)");
}

#[track_caller]
fn refused(change: impl FnOnce(&mut PresetSource), key: &str, told: &str) {
    let mut source = source();
    change(&mut source);
    let error = Preset::new(&source).unwrap_err();
    assert_eq!(error.key(), key);
    assert!(error.to_string().starts_with(&format!("{key}: ")) && error.to_string().contains(told), "{error}");
}

#[test]
fn each_key_is_checked() {
    for name in ["", "Stable", "1st", "a b", "ä", &"x".repeat(64)] {
        refused(|source| source.name = name.into(), "name", "small letters");
    }
    refused(|source| source.purpose = " ".into(), "for", "what the policy is for");
    refused(|source| source.pattern = Some("semver:~1.".into()), "pattern", "did you mean `~1`?");
    refused(|source| source.order = Some("latest".into()), "order", "did you mean `newest`?");
    refused(|source| source.extract = Some("$1".into()), "extract", "needs a regular expression");
    refused(|source| source.exclude = Some("{a".into()), "exclude", "is no glob");
    refused(|source| source.min_age = Some("7".into()), "min-age", "no unit");
    refused(|source| source.within = Some("patch".into()), "within", "use `major`");
    refused(
        |source| {
            source.within = Some("major".into());
            source.order = Some("newest".into());
        },
        "within",
        "compares versions",
    );
}

fn example(tags: &str, update: Option<&str>, hold: Option<&str>) -> ExampleSource {
    ExampleSource {
        tags: tags.split_whitespace().map(|tag| ExampleTag { tag: tag.to_owned(), ..ExampleTag::default() }).collect(),
        current: Some("1.0".into()),
        now: None,
        update: update.map(str::to_owned),
        hold: hold.map(str::to_owned),
    }
}

/// The tag `1.0` with one time.
fn timed(key: &str, time: &str) -> ExampleTag {
    let of = |wanted| (key == wanted).then(|| time.to_owned());
    ExampleTag { tag: "1.0".into(), created: of("created"), first_seen: of("first-seen"), pushed: of("pushed") }
}

#[test]
fn examples_are_read() {
    for (bad, told) in [
        (example("1.0", None, None), "expects a tag or `hold: …`"),
        (example("1.0", Some("1.0"), Some("no-match")), "and not both"),
        (example("1.0", None, Some("uptodate")), "use one of up-to-date"),
        (example("a:b", Some("1.0"), None), "not an image tag"),
        (
            ExampleSource { tags: vec![timed("created", "yesterday")], ..example("", Some("1.0"), None) },
            "2026-01-31T08:00:00Z",
        ),
        (
            ExampleSource { tags: vec![timed("first-seen", "2026-01-31T08:00:00Z")], ..example("", Some("1.0"), None) },
            "write `now: …`",
        ),
    ] {
        let mut source = source();
        source.examples = vec![example("1.0", None, Some("up-to-date")), bad];
        let error = Preset::new(&source).unwrap_err();
        assert_eq!((error.key(), error.example()), ("examples", Some(1)));
        assert!(error.to_string().contains(told), "{error}");
    }
}

#[test]
fn examples_are_run() {
    let check = |tags, update, hold| {
        let mut source = source();
        source.examples = vec![example(tags, update, hold)];
        Preset::new(&source).unwrap().check_examples().map_err(|error| error.to_string())
    };
    assert_eq!(check("1.0 1.1", Some("1.1"), None), Ok(()));
    assert_eq!(check("1.0", None, Some("up-to-date")), Ok(()));
    assert_eq!(
        check("1.0 1.1", None, Some("up-to-date")),
        Err("examples: example 1 expects hold: up-to-date, and the policy gives `1.1`".into())
    );
    assert_eq!(
        check("1.0 1.1", Some("1.0"), None),
        Err("examples: example 1 expects `1.0`, and the policy gives `1.1`".into())
    );
    assert_eq!(
        check("", Some("1.0"), None),
        Err("examples: example 1 expects `1.0`, and the policy gives hold: no-tags".into())
    );
}

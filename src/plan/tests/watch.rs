//! What tags come to, also where some of them are in doubt.

use jiff::{SignedDuration, Timestamp};

use super::{NOW, ON, Scope, pod, scans, survey, verdicts};
use crate::image::{Repository, Tag};
use crate::plan::watch::Judged;
use crate::plan::{Finding, Findings, Plan, Scan, Watch};
use crate::policy::{Candidate, Decision, Dialect, MinAge, Pattern, Policy, Since};

fn policy(pattern: &str, allow_downgrade: bool) -> Policy {
    let builder = Policy::builder(Pattern::parse(pattern, Dialect::Native).unwrap());
    builder.allow_downgrade(allow_downgrade).build().unwrap()
}

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn candidates(tags: &str) -> Vec<Candidate> {
    let tags = tags.split_whitespace().map(|tag| Tag::parse(tag).unwrap());
    tags.map(|tag| Candidate { tag, created: None, since: None }).collect()
}

/// What `semver:1` makes of `current` when the tags in parentheses may be there or not.
#[track_caller]
fn check(current: &str, allow_downgrade: bool, tags: &str, expected: &str) {
    let policy = policy("semver:1", allow_downgrade);
    let current = Tag::parse(current).unwrap();
    let watch = Watch::new(&policy, Some(&current));
    let (firm, doubtful): (Vec<_>, Vec<_>) = tags.split(' ').partition(|tag| !tag.starts_with('('));
    let all = [firm.clone(), doubtful].concat().join(" ").replace(['(', ')'], "");
    let rulings = watch.rule_in_doubt(&candidates(&all), &candidates(&firm.join(" ")), "they come and go", now());
    let found = match rulings.of(&policy, Some(&current)).unwrap() {
        Judged::Firm { ruling, .. } => match &ruling.decision {
            Decision::Update(choice) => choice.tag.to_string(),
            Decision::Hold(hold) => hold.name().to_owned(),
        },
        Judged::Unconfirmed { reason, .. } => reason.to_string(),
    };
    assert_eq!(found, expected, "{current}: {tags}");
}

#[test]
fn a_doubt_holds_whoever_it_concerns_and_nobody_else() {
    check("1.0.0", false, "1.0.0 1.1.0", "1.1.0");
    check("1.0.0", false, "1.0.0 1.1.0 (1.0.5) (2.0.0)", "1.1.0");
    check("1.1.0", false, "1.1.0 (1.0.5) (0.9.0)", "up-to-date");
    let doubt =
        |with: &str, without: &str| format!("they come and go; with them the policy {with}, without them it {without}");
    check("1.0.0", false, "1.0.0 1.1.0 (1.2.0)", &doubt("takes `1.2.0`", "takes `1.1.0`"));
    check("1.0.0", false, "(1.0.0) 1.1.0", "1.1.0");
    check("1.1.0", false, "1.0.0 (1.1.0)", "up-to-date");
    check("1.1.0", true, "1.0.0 (1.1.0)", &doubt("changes nothing", "takes `1.0.0`"));
    check("1.1.0", true, "1.0.0 1.1.0 (1.0.1)", "up-to-date");
    check("1.0.0", false, "(1.0.0) (1.1.0)", &doubt("takes `1.1.0`", "changes nothing"));
}

#[test]
fn each_wish_has_a_ruling_of_its_own() {
    let mut watch = Watch::default();
    let (one, two) = (policy("semver:1", false), policy("semver:2", false));
    let tags: Vec<_> = (0..10_000).map(|patch| Tag::parse(&format!("1.0.{patch}")).unwrap()).collect();
    for tag in tags.iter().chain(&tags) {
        watch.add(&one, Some(tag));
    }
    watch.add(&two, None);
    let rulings = watch.rule(&candidates("1.0.9999 2.0.0"), now());
    let chosen = |policy, current| match rulings.of(policy, current) {
        Some(Judged::Firm { ruling, .. }) => match &ruling.decision {
            Decision::Update(choice) => Some(choice.tag.to_string()),
            Decision::Hold(_) => None,
        },
        _ => None,
    };
    assert_eq!(chosen(&one, Some(&tags[7])).as_deref(), Some("1.0.9999"));
    assert_eq!(chosen(&one, Some(&tags[9_999])), None);
    assert_eq!(chosen(&two, None).as_deref(), Some("2.0.0"));
    assert_eq!(chosen(&two, Some(&tags[7])), None, "nobody wished for that");
}

#[test]
fn a_list_of_which_nobody_knows_what_it_leaves_out_holds_everybody() {
    let inventory = survey(&[("a.yaml", &pod("a", ON, &[("c", "x:1.0"), ("d", "x:1.1")]))], Scope::Annotated);
    let now = now();
    let draw = |finding: Finding| {
        let findings = Findings::from([(Repository::parse("x").unwrap(), finding)]);
        verdicts(&Plan::draw(&inventory, &findings, now))
    };
    let watches = inventory.watches(now);
    let watch = &watches[&Repository::parse("x").unwrap()];
    assert_eq!(draw(Finding::Rulings(watch.rule_nothing("cut off").into())), ["c unconfirmed", "d unconfirmed"]);
    assert_eq!(draw(Finding::Asked), ["c unseen", "d unseen"]);
    let Scan::Complete(candidates) = scans("x: 1.0 1.1").pop_first().unwrap().1 else { panic!() };
    assert_eq!(draw(Finding::Rulings(watch.rule(&candidates, now).into())), ["c 1.1", "d up-to-date"]);
}

#[test]
fn rulings_say_when_time_alone_makes_other_ones() {
    let pattern = Pattern::parse("semver:1", Dialect::Native).unwrap();
    let soak = Policy::builder(pattern).min_age(MinAge::parse("2h").unwrap()).build().unwrap();
    let current = Tag::parse("1.0.0").unwrap();
    let mut watch = Watch::new(&soak, Some(&current));
    watch.add(&policy("semver:1", false), Some(&current));
    let seen = |tag: &str, hours: i64| Candidate {
        tag: Tag::parse(tag).unwrap(),
        created: None,
        since: Since::of(Some(now() - SignedDuration::from_hours(hours)), None),
    };
    let (old, young, new) = (seen("1.1.0", 9), seen("1.2.0", 1), seen("1.3.0", 0));
    let at = |hours: i64| Some(now() + SignedDuration::from_hours(hours));
    let all = [seen("1.0.0", 9), old, young, new];
    assert_eq!(watch.rule(&all, now()).until(), at(1));
    assert_eq!(watch.rule(&all, at(1).unwrap()).until(), at(2));
    assert_eq!(watch.rule(&all, at(2).unwrap()).until(), None);
    // What is in doubt may change things as early as what is not.
    assert_eq!(watch.rule_in_doubt(&all[..3], &all[..2], "they come and go", now()).until(), at(1));
    let tags: Vec<Tag> = ["0.9", "1.0.0", "1.2.0", "2.0.0"].iter().map(|tag| Tag::parse(tag).unwrap()).collect();
    assert_eq!(watch.wants_age(&tags), [tags[2].clone()]);
    assert_eq!(Watch::new(&policy("semver:1", false), Some(&current)).wants_age(&tags), []);
}

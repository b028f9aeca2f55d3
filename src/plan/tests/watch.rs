//! What tags come to, also where some of them are in doubt.

use super::{ON, Scope, pod, scans, survey, verdicts};
use crate::image::{Repository, Tag};
use crate::plan::watch::Judged;
use crate::plan::{Finding, Findings, Plan, Scan, Watch};
use crate::policy::{Candidate, Decision, Dialect, Pattern, Policy};

fn policy(pattern: &str, allow_downgrade: bool) -> Policy {
    let builder = Policy::builder(Pattern::parse(pattern, Dialect::Native).unwrap());
    builder.allow_downgrade(allow_downgrade).build().unwrap()
}

fn candidates(tags: &str) -> Vec<Candidate> {
    let tags = tags.split_whitespace().map(|tag| Tag::parse(tag).unwrap());
    tags.map(|tag| Candidate { tag, created: None }).collect()
}

/// What `semver:1` makes of `current` when the tags in parentheses may be there or not.
#[track_caller]
fn check(current: &str, allow_downgrade: bool, tags: &str, expected: &str) {
    let policy = policy("semver:1", allow_downgrade);
    let current = Tag::parse(current).unwrap();
    let watch = Watch::new(&policy, Some(&current));
    let (firm, doubtful): (Vec<_>, Vec<_>) = tags.split(' ').partition(|tag| !tag.starts_with('('));
    let all = [firm.clone(), doubtful].concat().join(" ").replace(['(', ')'], "");
    let rulings = watch.rule_in_doubt(&candidates(&all), &candidates(&firm.join(" ")), "they come and go");
    let found = match rulings.of(&policy, Some(&current)).unwrap() {
        Judged::Firm { ruling, .. } => match &ruling.decision {
            Decision::Update(choice) => choice.tag.to_string(),
            Decision::Hold(hold) => hold.name().to_owned(),
        },
        Judged::Unconfirmed { reason } => reason.to_string(),
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
    let rulings = watch.rule(&candidates("1.0.9999 2.0.0"));
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
    let now = super::NOW.parse().unwrap();
    let draw = |finding: Finding| {
        let findings = Findings::from([(Repository::parse("x").unwrap(), finding)]);
        verdicts(&Plan::draw(&inventory, &findings, now))
    };
    let watches = inventory.watches(now);
    let watch = &watches[&Repository::parse("x").unwrap()];
    assert_eq!(draw(Finding::Rulings(watch.rule_nothing("cut off").into())), ["c unconfirmed", "d unconfirmed"]);
    assert_eq!(draw(Finding::Asked), ["c unseen", "d unseen"]);
    let Scan::Complete(candidates) = scans("x: 1.0 1.1").pop_first().unwrap().1 else { panic!() };
    assert_eq!(draw(Finding::Rulings(watch.rule(&candidates).into())), ["c 1.1", "d up-to-date"]);
}

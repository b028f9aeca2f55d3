//! What must hold for any policy, any current tag and any tags.

use jiff::SignedDuration;
use proptest::prelude::*;

use super::{day, policy};
use crate::image::Tag;
use crate::policy::{
    By, Candidate, Decision, Direction, Judgement, Policy, Rejection, Ruling, Since, decide, explain, version,
};

/// The day of the decisions. Tags were first seen on days before and after it.
const NOW: i64 = 3;

const POLICIES: [&str; 23] = [
    "*  order=natural",
    r"regex:\D*(\d.*)  order=natural desc  extract=$1",
    "semver:*",
    "semver:>=1.0.0-0",
    "semver:~1.2 || >=3  dialect=flux",
    "semver:*  order=newest",
    "semver:*  order=semver desc",
    "*  order=semver",
    "*",
    "*  order=newest desc",
    "*  order=numeric",
    "*  order=numeric desc",
    "*  order=alphabetical  exclude=*-rc*",
    "*  order=alphabetical desc",
    r"regex:(.+)-[a-z]+\d*  extract=$1  order=semver",
    r"regex:\D*(\d+).*  extract=$1  order=numeric",
    r"regex:(.).*  extract=$1  order=alphabetical",
    "own family",
    "own family  within=major",
    "semver:*  min-age=1d",
    "*  min-age=2d",
    "*  order=numeric desc  min-age=36h",
    "own family  min-age=1d",
];

pub(in crate::policy) fn names() -> impl Strategy<Value = Tag> {
    let form = prop_oneof![
        "v?[0-3](\\.[0-3]){1,2}(-(rc\\.[0-9]|alpine))?",
        "(main-|build-)?0{0,2}[0-9]{1,6}",
        "(main-)?[0-9a-f]{7}",
        "latest|[ab]|2024-0[1-9]-1[0-9]|2024[01]{4}",
    ];
    form.prop_map(|text| Tag::parse(&text).unwrap())
}

pub(in crate::policy) fn lists() -> impl Strategy<Value = Vec<Candidate>> {
    let created = prop_oneof![9 => (0_i64..4).prop_map(Some), 1 => Just(None)];
    let seen = prop_oneof![9 => (0_i64..6).prop_map(Some), 1 => Just(None)];
    let candidate = (names(), created, seen).prop_map(|(tag, created, seen)| {
        let since = Since::of(seen.map(day), None);
        Candidate { tag, created: created.map(day), since }
    });
    prop::collection::vec(candidate, 0..16)
}

/// Whether `a` is older than `b`, said without the code under test; `None` where this cannot say it.
fn older(policy: &Policy, a: &Candidate, b: &Candidate) -> Option<bool> {
    if policy.extract().is_some() || policy.pattern().kind().is_none() {
        return None;
    }
    let number = |tag: &Tag| tag.as_str().parse::<u64>().ok();
    let version = |tag: &Tag| version::read(tag.as_str(), policy.versions()).ok();
    let order = match policy.order().by {
        By::Semver => version(&a.tag)?.cmp_precedence(&version(&b.tag)?),
        By::Newest => a.created?.cmp(&b.created?),
        By::Numeric => number(&a.tag)?.cmp(&number(&b.tag)?),
        By::Natural => return None,
        By::Alphabetical => a.tag.as_str().cmp(b.tag.as_str()),
    };
    Some(match policy.order().direction {
        Direction::Ascending => order.is_lt(),
        Direction::Descending => order.is_gt(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn the_order_of_the_list_and_repetitions_mean_nothing(
        index in 0..POLICIES.len(), current in prop::option::of(names()), list in lists(), seed in any::<u64>(),
    ) {
        let policy = policy(POLICIES[index]);
        let ruling = decide(&policy, current.as_ref(), &list, day(NOW));
        let mut other = list.clone();
        other.extend(list.iter().filter(|candidate| candidate.tag.as_str().len() % 2 == 0).cloned());
        let mut state = seed;
        for at in (1..other.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            other.swap(at, usize::try_from(state >> 33).unwrap() % (at + 1));
        }
        prop_assert_eq!(decide(&policy, current.as_ref(), &other, day(NOW)), ruling);
    }

    #[test]
    fn explain_says_what_decide_says(
        index in 0..POLICIES.len(), current in prop::option::of(names()), list in lists(),
    ) {
        let policy = policy(POLICIES[index]);
        let ruling = decide(&policy, current.as_ref(), &list, day(NOW));
        let explanation = explain(&policy, current.as_ref(), &list, day(NOW));
        prop_assert_eq!(&explanation.ruling, &ruling);
        prop_assert_eq!(explanation.judged.len(), ruling.of);
        let selected: Vec<&Tag> = explanation.judged.iter()
            .filter(|judged| matches!(judged.judgement, Judgement::Selected { .. })).map(|judged| &judged.tag).collect();
        match &ruling.decision {
            Decision::Update(choice) => {
                prop_assert_eq!(selected, vec![&choice.tag]);
                prop_assert_eq!(&explanation.judged[0].tag, &choice.tag);
            }
            Decision::Hold(_) => prop_assert!(selected.is_empty()),
        }
        let needs = policy.needs_created(current.as_ref());
        for judged in &explanation.judged {
            let waits = matches!(judged.judgement, Judgement::Rejected(Rejection::TooYoung(_)));
            prop_assert!(!waits || policy.min_age().is_some() && current.as_ref() != Some(&judged.tag));
            let running =
                waits || !matches!(judged.judgement, Judgement::Rejected(_)) || (needs && judged.created.is_none());
            if running {
                prop_assert!(policy.admits(current.as_ref())(&judged.tag) || matches!(judged.judgement, Judgement::Rejected(_)));
            } else {
                prop_assert!(!policy.admits(current.as_ref())(&judged.tag));
            }
        }
    }

    #[test]
    fn nothing_is_taken_too_early_and_nothing_changes_unforetold(
        index in 0..POLICIES.len(), current in prop::option::of(names()), list in lists(),
    ) {
        let policy = policy(POLICIES[index]);
        let mut hours = 0;
        let at = |hours: i64| day(NOW) + SignedDuration::from_hours(hours);
        let mut ruling = decide(&policy, current.as_ref(), &list, at(hours));
        for _ in 0..16 {
            let now = at(hours);
            let found = decide(&policy, current.as_ref(), &list, now);
            let outcome = |ruling: &Ruling| match &ruling.decision {
                Decision::Update(choice) => Ok(choice.tag.clone()),
                Decision::Hold(hold) => Err(hold.name()),
            };
            if ruling.until.is_none_or(|until| now < until) {
                prop_assert_eq!(outcome(&found), outcome(&ruling), "at {}", now);
            }
            if let (Decision::Update(choice), Some(min_age)) = (&found.decision, policy.min_age()) {
                let chosen = list.iter().filter(|candidate| candidate.tag == choice.tag);
                let old = |candidate: &Candidate| candidate.since.is_some_and(|since| min_age.check(Some(since), now).is_ok());
                prop_assert!(chosen.into_iter().any(old));
            }
            ruling = found;
            hours += 6;
        }
    }

    #[test]
    fn never_backwards_and_never_to_and_fro(
        index in 0..POLICIES.len(), current in prop::option::of(names()), list in lists(),
    ) {
        let policy = policy(POLICIES[index]);
        let Decision::Update(choice) = decide(&policy, current.as_ref(), &list, day(NOW)).decision else { return Ok(()) };
        prop_assert_ne!(Some(&choice.tag), current.as_ref());
        prop_assert!(list.iter().any(|candidate| candidate.tag == choice.tag));
        prop_assert!(policy.admits(current.as_ref())(&choice.tag));
        // What was chosen stays chosen.
        if policy.pattern().kind().is_some() {
            let again = decide(&policy, Some(&choice.tag), &list, day(NOW)).decision;
            prop_assert!(matches!(&again, Decision::Hold(hold) if hold.name() == "up-to-date" || policy.min_age().is_some() && hold.name() == "too-young"), "{:?}", again);
        }
        let now = current.and_then(|tag| {
            let listed = list.iter().filter(|candidate| candidate.tag == tag).max_by_key(|candidate| candidate.created);
            listed.cloned().or(Some(Candidate { tag, created: None, since: None }))
        });
        if let Some(now) = now {
            let chosen = Candidate { tag: choice.tag, created: choice.created, since: None };
            prop_assert_ne!(older(&policy, &chosen, &now), Some(true));
        }
    }
}

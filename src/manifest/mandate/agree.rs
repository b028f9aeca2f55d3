//! Several dialects that speak about one object: they agree, or what they disagree about is held.
//!
//! Who says less gives way to who says more, and whoever says that nothing is to change is heard. There
//! is no precedence beyond that, since whoever lost would find out in production. Must not know how
//! anything is written.

use crate::manifest::problem::{Place, Problem, Rule, Severity};
use crate::manifest::subject::{Mandate, Subject};
use crate::manifest::workload::{Automation, ContainerPolicy};

const MEND: &str = "keep one of the two, or leave one dialect out of --dialects";

/// What comes of all mandates for the same object. Those that say nothing do not count.
pub(in crate::manifest) fn agree(
    first: Mandate,
    others: Vec<Mandate>,
    subjects: &[Subject<'_>],
    problems: &mut Vec<Problem>,
) -> Mandate {
    let mut all = first;
    for other in others {
        all = match (&all.place, &other.place) {
            (_, None) => all,
            (None, Some(_)) => other,
            (Some(ours), Some(theirs)) => {
                let (ours, theirs) = (ours.clone(), theirs.clone());
                join((all, &ours), (other, &theirs), subjects, problems)
            }
        };
    }
    all
}

fn join(
    (ours, our_place): (Mandate, &Place),
    (theirs, their_place): (Mandate, &Place),
    subjects: &[Subject<'_>],
    problems: &mut Vec<Problem>,
) -> Mandate {
    let both = format!(
        "{} (line {}) and {} (line {})",
        ours.dialect.tool(),
        our_place.line,
        theirs.dialect.tool(),
        their_place.line
    );
    let mut wrong = |message: String| {
        let problem = Problem::new(Rule::Contradiction, Severity::Error, their_place.clone(), message, MEND);
        let reason = problem.text();
        problems.push(problem);
        (reason, their_place.clone())
    };
    let automation = if ours.automated.is_some_and(|ours| theirs.automated == Some(!ours)) {
        let (reason, place) = wrong(format!("{both} disagree about whether this is automated"));
        Automation::Held { reason, place }
    } else if rank(&theirs.automation) > rank(&ours.automation) {
        theirs.automation
    } else {
        ours.automation
    };
    let pairs = ours.policies.into_iter().zip(theirs.policies).zip(subjects);
    let policies = pairs.map(|((ours, theirs), subject)| match (ours, theirs) {
        (ContainerPolicy::Stated(one), ContainerPolicy::Stated(two))
            if !one.means_the_same_as(&two, subject.tag.as_ref()) =>
        {
            let name = subject.name.unwrap_or("the container");
            let (reason, place) = wrong(format!("{both} disagree about `{name}`: one says {one}, the other {two}"));
            ContainerPolicy::Invalid { reason, place }
        }
        (ContainerPolicy::Invalid { reason, place }, _) => ContainerPolicy::Invalid { reason, place },
        (policy, ContainerPolicy::Unstated) | (_, policy) => policy,
    });
    let peers = ours.peers.into_iter().zip(theirs.peers).map(|(ours, theirs)| ours.or(theirs)).collect();
    let leftovers = [ours.leftovers, theirs.leftovers].concat();
    let automated = ours.automated.or(theirs.automated);
    Mandate { policies: policies.collect(), automated, automation, peers, leftovers, ..ours }
}

/// How much one says against a change.
fn rank(automation: &Automation) -> u8 {
    match automation {
        Automation::Off => 0,
        Automation::On => 1,
        Automation::Locked(_) => 2,
        Automation::Held { .. } => 3,
        Automation::Ignored => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::agree;
    use crate::manifest::problem::Place;
    use crate::manifest::subject::{Mandate, Subject};
    use crate::manifest::workload::{Automation, ContainerPolicy, Lock};
    use crate::path::RepoPath;
    use crate::policy::{Dialect, Pattern, Policy};

    fn place(line: usize) -> Place {
        Place { file: RepoPath::parse("a.yaml").unwrap(), line, column: 1 }
    }

    /// A mandate: whether it is automated, and a pattern, `-` for none and `!` for a wrong one.
    fn says(dialect: Dialect, line: usize, automated: Option<bool>, pattern: &str) -> Mandate {
        let policy = match pattern {
            "-" => ContainerPolicy::Unstated,
            "!" => ContainerPolicy::Invalid { reason: "wrong".into(), place: place(line) },
            text => {
                let pattern = Pattern::parse(text, Dialect::Native).unwrap();
                ContainerPolicy::Stated(Policy::builder(pattern).build().unwrap())
            }
        };
        let automation = if automated == Some(true) { Automation::On } else { Automation::Off };
        let place = (automated.is_some() || pattern != "-").then(|| place(line));
        Mandate {
            dialect,
            place,
            automated,
            automation,
            policies: vec![policy],
            peers: vec![None],
            leftovers: Vec::new(),
        }
    }

    #[track_caller]
    fn check(ours: Mandate, theirs: Mandate, expected: &str) {
        let subject = Subject {
            name: Some("app"),
            position: "containers[0]",
            place: place(9),
            tag: None,
            has_image: true,
            is_aside: false,
        };
        let mut problems = Vec::new();
        let all = agree(ours, vec![theirs], &[subject], &mut problems);
        let policy = match &all.policies[0] {
            ContainerPolicy::Stated(policy) => policy.to_string(),
            ContainerPolicy::Unstated => "-".into(),
            _ => "!".into(),
        };
        let automation = match all.automation {
            Automation::Held { .. } => "held",
            Automation::Locked(_) => "locked",
            Automation::On => "on",
            _ => "off",
        };
        let told: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(format!("{automation} {policy}{}", told.concat()), expected);
    }

    #[test]
    fn dialects_agree_or_hold() {
        let (native, keel) =
            (|on, pattern| says(Dialect::Native, 3, on, pattern), |on, pattern| says(Dialect::Keel, 4, on, pattern));
        check(native(None, "-"), keel(Some(true), "semver:~1"), "on semver:~1");
        check(native(Some(true), "semver:~1"), keel(None, "-"), "on semver:~1");
        check(native(Some(true), "semver:~1"), keel(Some(true), "semver:~1"), "on semver:~1");
        check(native(Some(true), "-"), keel(Some(true), "semver:~1"), "on semver:~1");
        check(native(Some(true), "!"), keel(Some(true), "semver:~1"), "on !");
        let said = |dialect, pattern: &str| {
            let pattern = Pattern::parse(pattern, dialect).unwrap();
            let policies = vec![ContainerPolicy::Stated(Policy::builder(pattern).build().unwrap())];
            Mandate { policies, ..says(dialect, 4, Some(true), "-") }
        };
        check(native(Some(true), "regex:a.*"), said(Dialect::Keel, "regex:^a"), "on regex:^a");
        check(
            native(Some(true), "semver:~1"),
            keel(Some(true), "semver:~2"),
            "on !a.yaml:4:1: error: Landwaiter (line 3) and Keel (line 4) disagree about `app`: one says semver:~1, the other semver:~2; keep one of the two, or leave one dialect out of --dialects",
        );
        check(
            native(Some(false), "-"),
            keel(Some(true), "semver:~2"),
            "held semver:~2a.yaml:4:1: error: Landwaiter (line 3) and Keel (line 4) disagree about whether this is automated; keep one of the two, or leave one dialect out of --dialects",
        );
        let locked = Mandate { automation: Automation::Locked(Lock::default()), ..native(Some(true), "-") };
        check(locked, keel(Some(true), "semver:~2"), "locked semver:~2");
    }
}

//! What a small fleet costs in requests. `benches/fleet.rs` measures large ones.

use std::time::Duration;

use landwaiter::reconcile::{Outcome, Reconciler};

use super::lookout::{pass, reconciler, second};
use super::{SEMVER, Scene, deployment, wait};
use crate::registry_server::{Seen, Server};

const REPOSITORIES: usize = 150;

/// A pass of the daemon. Whether it came to a plan, and how many lists it asked for.
fn quiet_pass(reconciler: &Reconciler, at: i64, registry: &Server) -> (bool, usize) {
    let before = registry.count("/tags/list");
    let report = wait(reconciler.pass_on_news(second(at), std::future::pending())).unwrap();
    (report.is_some(), registry.count("/tags/list") - before)
}

/// Two workloads for each repository, which has `tags` tags.
fn check(tags: usize, trials: std::ops::RangeInclusive<usize>) {
    let registry = wait(Server::good());
    let names: Vec<String> = (1..tags).map(|number| format!("1.0.{number}")).chain(["1.0.0".to_owned()]).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let newest = format!("1.0.{}", tags - 1);
    let mut files = Vec::new();
    for number in 0..REPOSITORIES {
        let path = format!("team/app-{number}");
        registry.fill(&path, &names);
        for place in ["staging", "production"] {
            let image = format!("{}/{path}:{newest}", registry.address);
            files.push((format!("{place}/app-{number}.yaml"), deployment(&format!("app-{number}"), &SEMVER, &image)));
        }
    }
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let scene = Scene::new(&files);
    let minute = Duration::from_mins(1);
    let first = reconciler(&scene, minute, None);

    let report = pass(&first, second(0));
    assert!(matches!(report.outcome, Outcome::NothingToDo), "{report:?}");
    assert_eq!((report.scans.wanted, report.plan.entries.len()), (REPOSITORIES, 2 * REPOSITORIES));
    let cold = registry.log().len() - REPOSITORIES;
    assert!(trials.contains(&cold), "{cold} requests more than one for each repository");
    assert!(registry.log().iter().all(Seen::is_list), "no pings, and no image is looked at for a version");

    assert_eq!(quiet_pass(&first, 120, &registry), (false, REPOSITORIES), "one request each, and nothing is decided");
    assert_eq!(quiet_pass(&first, 121, &registry), (false, 0), "nothing is due");

    registry.fill("team/app-77", &["1.1.0"]);
    assert_eq!(quiet_pass(&first, 240, &registry), (true, REPOSITORIES));
    assert_eq!(scene.commits(), 2);
    for place in ["staging", "production"] {
        assert!(scene.file(&format!("{place}/app-77.yaml")).contains("app-77:1.1.0"));
    }
    assert_eq!(quiet_pass(&first, 241, &registry), (true, 0), "our own commit is read, and nobody is asked");
    assert_eq!(quiet_pass(&first, 360, &registry), (false, REPOSITORIES));
    wait(first.close(second(360)));
    drop(first);

    let again = reconciler(&scene, minute, None);
    assert_eq!(quiet_pass(&again, 361, &registry), (true, 0), "after a restart as well");
    assert_eq!(quiet_pass(&again, 480, &registry), (false, REPOSITORIES));
    let others = registry.log().len() - registry.count("/tags/list");
    assert!(others < 15, "{others}: a tag in use is looked at once a day, and this were eight minutes");
}

#[test]
fn a_settled_fleet_is_one_request_for_each_repository() {
    check(30, 0..=0);
}

#[test]
fn lists_as_long_as_usual_pages_are_tried_by_the_first_few_alone() {
    check(50, 1..=8);
}

//! Passes over tags that have to be there for some time, by a clock that the tests hold.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use landwaiter::plan::Verdict;
use landwaiter::reconcile::Outcome;
use landwaiter::registry;

use super::lookout::{minute, opened, pass, scripted, verdicts};
use super::{Scene, deployment, wait};
use crate::registry_server::{DockerRegistry, Pusher};

const SOAK: [&str; 3] = [super::SEMVER[0], super::SEMVER[1], "landwaiter/min-age: \"3h\""];

fn hourly() -> registry::Options {
    registry::Options { poll_interval: Duration::from_hours(1), ..registry::Options::default() }
}

#[test]
fn a_tag_is_taken_three_hours_after_it_was_seen_first_and_after_a_restart_too() {
    let tags = Arc::new(Mutex::new("1.0.0 1.1.0"));
    let registry = scripted(&tags);
    let image = format!("{}/app:1.0.0", registry.address);
    let scene = Scene::new(&[("a.yaml", &deployment("app", &SOAK, &image))]);
    let first = opened(&scene, hourly(), None);
    let report = pass(&first, minute(0));
    assert_eq!(verdicts(&report.plan), ["app too-young"], "nobody knows how old it is");
    let Verdict::Hold(hold) = &report.plan.entries[0].verdict else { unreachable!() };
    let told =
        "`1.1.0` was first seen 2026-06-01T12:00:00Z, and with min-age 3h may be taken from 2026-06-01T15:00:00Z";
    assert_eq!(hold.to_string(), told);
    *tags.lock().unwrap() = "1.0.0 1.1.0 1.2.0";
    assert_eq!(verdicts(&pass(&first, minute(100)).plan), ["app too-young"]);
    wait(first.close(minute(100)));
    drop(first);

    // It asks at 178, and so not again at 180.
    let second = opened(&scene, registry::Options { begins_anew: true, ..hourly() }, None);
    assert_eq!(verdicts(&pass(&second, minute(178)).plan), ["app too-young"]);
    let asked = registry.count("/tags/list");
    let due = second.due(minute(178));
    assert!(due <= minute(180), "the time when it may be taken is waited for: {due}");
    let report = pass(&second, minute(180));
    assert!(matches!(report.outcome, Outcome::Pushed { .. }), "{report:?}");
    assert!(scene.file("a.yaml").contains("app:1.1.0"));
    assert_eq!(registry.count("/tags/list"), asked, "and nobody is asked for that");
    for at in [240, 300, 360, 420] {
        pass(&second, minute(at));
    }
    assert!(scene.file("a.yaml").contains("app:1.2.0"));
}

#[test]
fn a_pass_that_only_waits_ends_early_until_the_time_has_come() {
    let tags = Arc::new(Mutex::new("1.0.0 1.1.0"));
    let registry = scripted(&tags);
    let image = format!("{}/app:1.0.0", registry.address);
    let scene = Scene::new(&[("a.yaml", &deployment("app", &SOAK, &image))]);
    let reconciler = opened(&scene, hourly(), None);
    let quiet = |at| wait(reconciler.pass_on_news(minute(at), std::future::pending())).unwrap().is_none();
    assert!(!quiet(0), "the first one");
    assert!(quiet(60) && quiet(170));
    assert!(!quiet(180), "the time has come");
    assert!(scene.file("a.yaml").contains("app:1.1.0"));
}

#[test]
fn the_created_time_is_believed_only_by_those_who_say_so_and_only_of_the_first_look() {
    let registry = DockerRegistry::start(None);
    let pusher = Pusher::new(registry.address, None);
    for (trust_created, first) in [(false, "app too-young"), (true, "app 1.1.0")] {
        let path = format!("app-{trust_created}");
        for (tag, created) in [("1.0.0", "2026-05-01T10:00:00Z"), ("1.1.0", "2026-06-01T08:00:00Z")] {
            wait(pusher.image(&path, Some(tag), created));
        }
        let image = format!("{}/{path}:1.0.0", registry.address);
        let scene = Scene::new(&[("a.yaml", &deployment("app", &SOAK, &image))]);
        let options = registry::Options { trust_created, ..hourly() };
        let reconciler = opened(&scene, options, None);
        assert_eq!(verdicts(&pass(&reconciler, minute(0)).plan), [first], "{trust_created}");
        wait(pusher.image(&path, Some("1.2.0"), "2026-05-02T10:00:00Z"));
        let report = pass(&reconciler, minute(130));
        let held = verdicts(&report.plan);
        assert_eq!(held, ["app too-young"], "what comes later counts from when it came");
    }
}

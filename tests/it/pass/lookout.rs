//! Passes over registries that are slow, dead or not to be trusted, by a clock that the tests hold.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use jiff::{Timestamp, ToSpan as _};
use landwaiter::git::{self, Identity, Mirror, RemoteUrl};
use landwaiter::plan::{Plan, Verdict};
use landwaiter::reconcile::{self, Lookout, Outcome, Patience, Reconciler, Report};
use landwaiter::registry;

use super::{Scene, deployment, wait};
use crate::binary::{PATIENCE, wait_until};
use crate::registry_server::{Act, Server, say};

const SEMVER: [&str; 2] = super::SEMVER;

/// A time of that day, in seconds after noon.
pub(super) fn second(second: i64) -> Timestamp {
    "2026-06-01T12:00:00Z".parse::<Timestamp>().unwrap() + second.seconds()
}

pub(super) fn minute(minute: i64) -> Timestamp {
    second(minute * 60)
}

pub(super) fn reconciler(scene: &Scene, interval: Duration, patience: Option<Patience>) -> Opened {
    let registry = registry::Options { poll_interval: interval, ..registry::Options::default() };
    opened(scene, registry, patience)
}

/// A reconciler with a store that asks registries in this way.
pub(super) fn opened(scene: &Scene, registry: registry::Options, patience: Option<Patience>) -> Opened {
    let data_dir = scene.home().join("data");
    let url = RemoteUrl::parse(scene.repo.bare.to_str().unwrap()).unwrap();
    let mirror = Mirror::open(git::Options::new(url, data_dir.clone())).unwrap();
    let registry = registry::Options { store: Some(data_dir.join("registry.redb")), attempts: 1, ..registry };
    let author = Identity::new("Landwaiter", "landwaiter@localhost").unwrap();
    let lookout = Lookout::new(registry::Client::new(registry).unwrap());
    let reconciler =
        Reconciler::new(mirror, &lookout, reconcile::Options { patience, ..reconcile::Options::by(author) });
    Opened { reconciler, lookout }
}

/// A reconciler with a lookout of its own.
pub(super) struct Opened {
    reconciler: Reconciler,
    lookout: Arc<Lookout>,
}

impl Opened {
    pub(super) async fn close(&self, now: Timestamp) {
        self.lookout.close(now).await;
    }
}

impl std::ops::Deref for Opened {
    type Target = Reconciler;

    fn deref(&self) -> &Reconciler {
        &self.reconciler
    }
}

pub(super) fn pass(reconciler: &Reconciler, now: Timestamp) -> Report {
    wait(reconciler.pass(now, std::future::pending())).unwrap()
}

/// The verdicts, as `container tag` or `container hold-name`.
pub(super) fn verdicts(plan: &Plan) -> Vec<String> {
    let verdict = |verdict: &Verdict| match verdict {
        Verdict::Update(update) => update.to.to_string(),
        Verdict::Hold(hold) => hold.name().to_owned(),
    };
    plan.entries.iter().map(|entry| format!("{} {}", entry.container, verdict(&entry.verdict))).collect()
}

/// A registry that lists what the test says.
pub(super) fn scripted(tags: &Arc<Mutex<&'static str>>) -> Server {
    let tags = Arc::clone(tags);
    wait(Server::start(move |seen, _| {
        let names: Vec<_> = tags.lock().unwrap().split_whitespace().collect();
        if seen.is_list() { say(200, &[], serde_json::json!({"tags": names}).to_string()) } else { Act::Pass }
    }))
}

#[test]
fn a_registry_that_hangs_delays_nobody() {
    let slow = wait(Server::start(|_, _| Act::Hang));
    let good = wait(Server::good());
    let paths: Vec<_> = (0..40).map(|number| format!("slow/app-{number}")).collect();
    let mut files = vec![("z.yaml".to_owned(), deployment("good", &SEMVER, &format!("{}/good:1.0.0", good.address)))];
    for path in &paths {
        slow.fill(path, &["1.0.0", "1.1.0"]);
        let image = format!("{}/{path}:1.0.0", slow.address);
        files.push((format!("{path}.yaml"), deployment(&path.replace('/', "-"), &SEMVER, &image)));
    }
    good.fill("good", &["1.0.0", "1.1.0"]);
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let scene = Scene::new(&files);
    let patience = Patience { registry: Duration::from_millis(300), ..Patience::default() };
    let reconciler = reconciler(&scene, Duration::from_mins(1), Some(patience));

    let began = Instant::now();
    let report = pass(&reconciler, second(0));
    assert!(matches!(report.outcome, Outcome::Pushed { .. }), "{report:?}");
    assert!(scene.file("z.yaml").contains("good:1.1.0"));
    assert_eq!((report.scans.wanted, report.scans.failed, report.scans.asked), (41, 0, 40));
    let entry = report.plan.entries.iter().find(|entry| entry.container == "slow-app-0").unwrap();
    let Verdict::Hold(hold) = &entry.verdict else { panic!("{entry:?}") };
    assert!(hold.name() == "unseen" && hold.to_string().ends_with("are still being asked for"), "{hold}");

    good.fill("good", &["1.0.0", "1.1.0", "1.2.0"]);
    let report = pass(&reconciler, second(100));
    assert!(matches!(report.outcome, Outcome::Pushed { .. }), "{report:?}");
    assert!(scene.file("z.yaml").contains("good:1.2.0"));
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert!(slow.count("/tags/list") <= 8, "and those that wait are not asked again");
}

#[test]
fn what_comes_late_is_news_for_the_next_pass() {
    let released = Arc::new(tokio::sync::Semaphore::new(0));
    let gate = Arc::clone(&released);
    let slow = wait(Server::start(move |_, _| Act::Until(Arc::clone(&gate))));
    slow.fill("app", &["1.0.0", "1.1.0"]);
    let scene = Scene::new(&[("a.yaml", &deployment("app", &SEMVER, &format!("{}/app:1.0.0", slow.address)))]);
    let patience = Patience { registry: Duration::from_millis(50), ..Patience::default() };
    let reconciler = reconciler(&scene, Duration::from_mins(1), Some(patience));
    assert_eq!(verdicts(&pass(&reconciler, second(0)).plan), ["app unseen"]);
    assert!(wait(reconciler.pass_on_news(second(1), std::future::pending())).unwrap().is_none(), "nothing new yet");
    released.add_permits(1);
    wait(reconciler.news());
    let report = wait(reconciler.pass_on_news(second(2), std::future::pending())).unwrap().unwrap();
    assert!(matches!(report.outcome, Outcome::Pushed { .. }), "{report:?}");
    assert!(scene.file("a.yaml").contains("app:1.1.0"));
    assert_eq!(slow.count("/tags/list"), 1);
}

#[test]
fn a_pass_without_news_ends_early() {
    let tags = Arc::new(Mutex::new("1.0.0"));
    let registry = scripted(&tags);
    let scene = Scene::new(&[("a.yaml", &deployment("app", &SEMVER, &format!("{}/app:1.0.0", registry.address)))]);
    let reconciler = reconciler(&scene, Duration::from_mins(1), None);
    let quiet = |at| wait(reconciler.pass_on_news(minute(at), std::future::pending())).unwrap().is_none();
    assert!(!quiet(0), "the first one");
    assert!(quiet(2) && quiet(4));
    scene.repo.push(&[("b.txt", "hello\n")], "something that is no business of ours");
    assert!(!quiet(6), "another commit");
    assert!(quiet(8));
    *tags.lock().unwrap() = "1.0.0 1.1.0";
    assert!(!quiet(10), "another tag");
    assert!(scene.file("a.yaml").contains("app:1.1.0"));
    assert!(!quiet(12), "our own commit");
    assert!(quiet(14));
    assert_eq!(registry.count("/tags/list"), 8);
}

#[test]
fn repositories_are_spread_over_the_interval_and_asked_once_in_each() {
    const MANY: usize = 450;
    let registry = wait(Server::good());
    let paths: Vec<_> = (0..MANY).map(|number| format!("team/app-{number}")).collect();
    let files: Vec<_> = paths
        .iter()
        .map(|path| {
            registry.fill(path, &["1.0.0"]);
            let image = format!("{}/{path}:1.0.0", registry.address);
            (format!("{path}.yaml"), deployment(&path.replace('/', "-"), &SEMVER, &image))
        })
        .collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let scene = Scene::new(&files);
    let reconciler = reconciler(&scene, Duration::from_mins(1), None);
    pass(&reconciler, second(0));
    assert_eq!(registry.log().len(), MANY);
    // After at most one and a half intervals everybody is in step.
    for at in (0..90).step_by(5) {
        pass(&reconciler, second(at));
    }
    let asked_for = || registry.count("/tags/list");
    let before = asked_for();
    let mut at_once = Vec::new();
    for at in (90..150).step_by(5) {
        let asked = asked_for();
        pass(&reconciler, second(at));
        at_once.push(asked_for() - asked);
    }
    assert_eq!(asked_for() - before, MANY, "one request per repository and interval");
    at_once.retain(|asked| *asked > 0);
    assert!(at_once.len() == 5 && at_once.iter().all(|asked| (60..140).contains(asked)), "{at_once:?}");
}

#[test]
fn a_restart_asks_for_nothing_that_is_not_due() {
    let registry = wait(Server::good());
    registry.fill("app", &["1.0.0", "1.1.0"]);
    let image = format!("{}/app:1.0.0", registry.address);
    let scene = Scene::new(&[("a.yaml", &deployment("app", &SEMVER, &image))]);
    let first = reconciler(&scene, Duration::from_hours(1), None);
    pass(&first, minute(0));
    wait(first.close(minute(0)));
    drop(first);
    scene.repo.push(&[("b.yaml", &deployment("other", &SEMVER, &image))], "another workload");
    let second = reconciler(&scene, Duration::from_hours(1), None);
    let report = pass(&second, minute(10));
    assert!(matches!(report.outcome, Outcome::Pushed { .. }), "{report:?}");
    assert!(scene.file("b.yaml").contains("app:1.1.0"), "what is known is enough to decide");
    assert_eq!(registry.count("/tags/list"), 1);
    pass(&second, minute(100));
    assert_eq!(registry.count("/tags/list"), 2);
}

#[test]
fn repositories_whose_owners_are_all_locked_are_asked_rarely() {
    let registry = wait(Server::good());
    for path in ["locked", "free"] {
        registry.fill(path, &["1.0.0", "1.1.0"]);
    }
    let locked =
        [SEMVER[0], SEMVER[1], "landwaiter/locked: \"true\"", "landwaiter/locked-until: \"2026-06-01T15:00:00Z\""];
    let scene = Scene::new(&[
        ("locked.yaml", &deployment("locked", &locked, &format!("{}/locked:1.0.0", registry.address))),
        ("free.yaml", &deployment("free", &SEMVER, &format!("{}/free:1.0.0", registry.address))),
    ]);
    let reconciler = reconciler(&scene, Duration::from_mins(5), None);
    for at in 0..175 {
        pass(&reconciler, minute(at));
    }
    let (free, rarely) = (registry.count("/free/tags/list"), registry.count("/locked/tags/list"));
    assert!((34..=37).contains(&free) && (3..=5).contains(&rarely), "{free} {rarely}");
    assert!(scene.file("locked.yaml").contains("locked:1.0.0"));
    assert!(reconciler.due(minute(175)) <= minute(180), "the end of the lock is waited for");
    pass(&reconciler, minute(180));
    assert!(scene.file("locked.yaml").contains("locked:1.1.0"));
}

#[test]
fn a_newest_tag_that_comes_and_goes_is_nobodys_update() {
    let tags = Arc::new(Mutex::new("1.0.0 1.1.0"));
    let registry = scripted(&tags);
    let image = format!("{}/app:1.1.0", registry.address);
    let back = [SEMVER[0], SEMVER[1], "landwaiter/allow-downgrade: \"true\""];
    let scene =
        Scene::new(&[("a.yaml", &deployment("back", &back, &image)), ("b.yaml", &deployment("only", &SEMVER, &image))]);
    let reconciler = reconciler(&scene, Duration::from_mins(1), None);
    assert_eq!(verdicts(&pass(&reconciler, minute(0)).plan), ["back up-to-date", "only up-to-date"]);
    *tags.lock().unwrap() = "1.0.0";
    for at in [2, 4, 6] {
        let report = pass(&reconciler, minute(at));
        assert_eq!(verdicts(&report.plan), ["back unconfirmed", "only up-to-date"], "minute {at}");
        let Verdict::Hold(hold) = &report.plan.entries[0].verdict else { unreachable!() };
        let told = "1 of 2 tags are missing in the registry's list (`1.1.0`) since 2026-06-01T12:02:00Z, which is believed when \
                    3 lists in a row say so over 5 minutes; with them the policy changes nothing, without them it takes `1.0.0`";
        assert_eq!(hold.to_string(), told);
    }
    let report = pass(&reconciler, minute(8));
    assert!(matches!(report.outcome, Outcome::Pushed { .. }), "{report:?}");
    assert!(scene.file("a.yaml").contains("app:1.0.0") && scene.file("b.yaml").contains("app:1.1.0"));
}

#[test]
fn a_list_of_something_else_commits_nothing() {
    let tags = Arc::new(Mutex::new("1.0.0 1.1.0"));
    let registry = scripted(&tags);
    let image = format!("{}/app:1.1.0", registry.address);
    let scene = Scene::new(&[("a.yaml", &deployment("app", &SEMVER, &image))]);
    let reconciler = reconciler(&scene, Duration::from_mins(1), None);
    pass(&reconciler, minute(0));
    *tags.lock().unwrap() = "1.7.0 1.8.0";
    assert_eq!(verdicts(&pass(&reconciler, minute(2)).plan), ["app unconfirmed"]);
    *tags.lock().unwrap() = "1.0.0 1.1.0 1.2.0";
    let report = pass(&reconciler, minute(4));
    assert_eq!(verdicts(&report.plan), ["app 1.2.0"], "what is there is there");
    assert!(scene.file("a.yaml").contains("app:1.2.0"));
}

#[test]
fn a_pass_that_breaks_off_anywhere_is_made_again() {
    let tags = Arc::new(Mutex::new("1.0.0"));
    let registry = scripted(&tags);
    // One question, and much to decide.
    let image = format!("{}/app:1.0.0", registry.address);
    let texts: Vec<_> = (0..2000).map(|number| deployment(&format!("app-{number}"), &SEMVER, &image)).collect();
    let scene = Scene::new(&[("all.yaml", &texts.join("---\n"))]);
    let reconciler = reconciler(&scene, Duration::from_mins(1), None);
    pass(&reconciler, minute(0));
    let mut broken = 0;
    for round in 1..60 {
        // Another tag, and none to update to.
        let older: Vec<_> = (1..=round).map(|minor| format!("0.{minor}.0")).collect();
        *tags.lock().unwrap() = format!("{} 1.0.0", older.join(" ")).leak();
        // Later with each round: whatever it does just then.
        let panic = async {
            tokio::time::sleep(Duration::from_millis(round)).await;
            panic!("in the middle of it");
        };
        let at = minute(2 * i64::try_from(round).unwrap());
        let made = wait(AssertUnwindSafe(reconciler.pass_on_news(at, panic)).catch_unwind());
        let again = || wait(reconciler.pass_on_news(at, std::future::pending())).unwrap();
        let mut next = again();
        if made.is_err() && next.is_none() {
            // It broke off while the registry was asked, whose answer is news when it comes.
            let told = wait(async { tokio::time::timeout(PATIENCE, reconciler.news()).await });
            told.unwrap_or_else(|_| panic!("round {round}: nobody made what broke off"));
            next = again();
        }
        assert_eq!(next.is_some(), made.is_err(), "round {round}: {made:?}");
        broken += u32::from(made.is_err());
    }
    assert!(broken > 0);
}

#[test]
fn what_is_told_before_it_is_listed_is_found_soon_after() {
    let tags = Arc::new(Mutex::new("1.0.0"));
    let registry = scripted(&tags);
    let repository = registry.repository("app");
    let scene = Scene::new(&[("a.yaml", &deployment("app", &SEMVER, &format!("{repository}:1.0.0")))]);
    let reconciler = reconciler(&scene, Duration::from_hours(1), None);
    let asked = || registry.count("/tags/list");
    let passed = |at| {
        let before = asked();
        (wait(reconciler.pass_on_news(second(at), std::future::pending())).unwrap().is_some(), asked() - before)
    };
    let told = |at| {
        let before = asked();
        wait(async {
            assert!(reconciler.lookout.hint(&repository, second(at)));
            tokio::time::timeout(PATIENCE, reconciler.news()).await.expect("the answer, or its echo");
        });
        asked() - before
    };
    assert_eq!(passed(0), (true, 1));
    for (at, told_and_asked) in [(1, 0), (100, 0)] {
        assert_eq!(passed(at), (false, told_and_asked), "nobody has told anything");
    }
    // Nothing is found: it is looked for a second later, ten seconds after that, and then no more.
    assert_eq!(told(100), 1);
    for (at, more) in [(100, 0), (101, 1), (102, 0), (110, 0), (111, 1), (112, 0), (3000, 0)] {
        assert_eq!(passed(at), (false, more), "{at}");
    }
    // It comes with the first echo, and another one with the look before it: nothing else is looked for.
    assert_eq!(told(3000), 1);
    *tags.lock().unwrap() = "1.0.0 1.1.0";
    assert_eq!(passed(3000), (false, 0));
    assert_eq!(passed(3001), (true, 1));
    assert!(scene.file("a.yaml").contains("app:1.1.0"));
    for at in [3002, 3020] {
        assert_eq!(passed(at).1, 0, "{at}");
    }
    // What is found at once may not be all that was told.
    *tags.lock().unwrap() = "1.0.0 1.1.0 1.2.0";
    assert_eq!(told(3100), 1);
    assert_eq!(passed(3100), (true, 0));
    *tags.lock().unwrap() = "1.0.0 1.1.0 1.2.0 1.3.0";
    assert_eq!(passed(3101), (true, 1));
    assert!(scene.file("a.yaml").contains("app:1.3.0"));
    assert_eq!(passed(3120).1, 0);
    // Whoever wants to know expects nothing.
    let before = asked();
    wait(async { reconciler.lookout.hint_all(second(3200)) });
    wait_until("the answer", || (asked() > before && !reconciler.is_behind()).then_some(()), String::new);
    assert_eq!(passed(3220), (false, 0));
}

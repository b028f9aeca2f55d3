//! Verdicts, edits and messages over small repositories, given as text.

mod argocd;
mod commit;
mod doubts;
mod flux2;
mod kustomize;
mod links;
mod markers;
mod watch;

use std::cell::RefCell;
use std::convert::Infallible;
use std::fmt::Write as _;

use jiff::Timestamp;

use super::{CommitOptions, Draft, Inventory, Memory, Occasion, Plan, Scan, Scans, Source, Verdict, findings};
use crate::image::{Repository, Tag};
use crate::manifest::{Problem, Scope, Severity};
use crate::path::RepoPath;
use crate::policy::{Candidate, Dialect, Pattern, Policy};

const NOW: &str = "2026-06-01T12:00:00Z";

/// Files as texts; the key of a file is its text.
struct Texts {
    files: Vec<(RepoPath, String)>,
    /// What was read, in this order.
    read: RefCell<Vec<String>>,
}

impl Source for Texts {
    type Key = String;
    type Error = Infallible;

    fn find(&self, path: &RepoPath) -> Result<Option<String>, Infallible> {
        Ok(self.files.iter().find(|(file, _)| file == path).map(|(_, text)| text.clone()))
    }

    fn read(&self, key: &String, buffer: &mut Vec<u8>) -> Result<(), Infallible> {
        buffer.clear();
        buffer.extend_from_slice(key.as_bytes());
        self.read.borrow_mut().push(key.clone());
        Ok(())
    }
}

fn texts(files: &[(&str, &str)]) -> Texts {
    let files = files.iter().map(|(path, text)| (RepoPath::parse(path).unwrap(), (*text).to_owned()));
    Texts { files: files.collect(), read: RefCell::default() }
}

fn survey(files: &[(&str, &str)], scope: Scope) -> Inventory {
    let texts = texts(files);
    Inventory::survey(&texts.files, &texts, scope, &mut Memory::default()).unwrap()
}

/// Scans as `repository: tag tag …`, or `repository! reason` for one that failed.
fn scans(text: &str) -> Scans {
    let scan = |line: &str| {
        let failed = line.split_once("! ").map(|(name, reason)| (name, Scan::Failed(reason.to_owned())));
        let (name, scan) = failed.unwrap_or_else(|| {
            let (name, tags) = line.split_once(": ").unwrap();
            let candidate = |tag: &str| Candidate { tag: Tag::parse(tag).unwrap(), created: None, since: None };
            (name, Scan::Complete(tags.split(' ').map(candidate).collect()))
        });
        (Repository::parse(name).unwrap(), scan)
    };
    text.lines().map(scan).collect()
}

/// The plan of an inventory, with these tags.
fn plan_of(inventory: &Inventory, tags: &str) -> Plan {
    plan_at(inventory, tags, NOW.parse().unwrap())
}

fn plan_at(inventory: &Inventory, tags: &str, now: Timestamp) -> Plan {
    Plan::draw(inventory, &findings(&inventory.watches(now), &scans(tags), now), now)
}

fn draw(files: &[(&str, &str)], tags: &str) -> Plan {
    let inventory = survey(files, Scope::Annotated);
    let errors = inventory.problems().iter().filter(|problem| problem.severity == Severity::Error);
    assert_eq!(errors.collect::<Vec<_>>(), Vec::<&Problem>::new());
    let mut plan = plan_of(&inventory, tags);
    write(&mut plan, files);
    plan
}

/// Every page of the plan, written.
fn write(plan: &mut Plan, files: &[(&str, &str)]) {
    for path in plan.files() {
        let (_, text) = files.iter().find(|(file, _)| *file == path.as_str()).unwrap();
        plan.page(&path, text.as_bytes().to_vec()).write();
    }
}

fn pod(name: &str, annotations: &str, containers: &[(&str, &str)]) -> String {
    let mut text = format!(
        "kind: Pod\nmetadata: {{name: {name}, namespace: ns, annotations: {{{annotations}}}}}\nspec:\n  containers:\n"
    );
    for (name, image) in containers {
        writeln!(text, "  - name: {name}\n    image: {image}").unwrap();
    }
    text
}

const ON: &str = "landwaiter/automated: 'true', landwaiter/tag-semver: '1'";

/// The verdicts as `container tag` or `container hold-name`.
fn verdicts(plan: &Plan) -> Vec<String> {
    let verdict = |verdict: &Verdict| match verdict {
        Verdict::Update(update) => update.to.to_string(),
        Verdict::Hold(hold) => hold.name().to_owned(),
    };
    plan.entries.iter().map(|entry| format!("{} {}", entry.container, verdict(&entry.verdict))).collect()
}

#[track_caller]
fn check(annotations: &str, image: &str, tags: &str, expected: &[&str]) {
    let plan = draw(&[("a.yaml", &pod("a", annotations, &[("c", image)]))], tags);
    assert_eq!(verdicts(&plan), expected);
    let changed = plan.changes.len() == 1;
    assert_eq!(changed, plan.updates().count() == 1, "an update is a change, a hold is none");
}

#[test]
fn every_automated_container_gets_a_verdict() {
    check(ON, "x:1.0", "x: 1.0 1.1", &["c 1.1"]);
    check(ON, "x:1.1", "x: 1.0 1.1", &["c up-to-date"]);
    check(ON, "x:2.0", "x: 1.0 1.1", &["c only-older"]);
    check(ON, "x:1.0", "x: a b", &["c no-match"]);
    check(ON, "x", "x: 1.0", &["c 1.0"]);
    check(ON, "x:1.0", "y: 1.0", &["c unseen"]);
    check(ON, "x:1.0", "x! the registry is down", &["c unseen"]);
    check(&format!("{ON}, landwaiter/locked: 'true'"), "x:1.0", "x: 1.1", &["c locked"]);
    check(&format!("{ON}, landwaiter/ignore: 'true'"), "x:1.0", "x: 1.1", &["c ignored"]);
    check("landwaiter/automated: 'false'", "x:1.0", "x: 1.1", &[]);
    let digest = format!("x:1.0@sha256:{}", "0".repeat(64));
    check(ON, &digest, "x: 1.0 1.1", &["c pinned"]);
}

#[test]
fn a_lock_that_ran_out_holds_no_more() {
    let locked = |until| format!("{ON}, landwaiter/locked: 'true', landwaiter/locked-until: '{until}'");
    check(&locked("2026-05-31"), "x:1.0", "x: 1.1", &["c 1.1"]);
    check(&locked("2026-06-02"), "x:1.0", "x: 1.1", &["c locked"]);
}

#[test]
fn a_mistake_holds_its_own_workload_only() {
    let typo = pod("typo", "landwaiter/automated: 'true', landwaiter/tag-smever: '1'", &[("t", "x:1.0")]);
    let files = [("a.yaml", typo.as_str()), ("b.yaml", &pod("good", ON, &[("c", "x:1.0")]))];
    let inventory = survey(&files, Scope::Annotated);
    assert_eq!(inventory.problems().len(), 1);
    let plan = plan_of(&inventory, "x: 1.0 1.1");
    assert_eq!(verdicts(&plan), ["t mistake", "c 1.1"]);
}

#[test]
fn a_scalar_that_cannot_be_edited_keeps_the_rest_of_its_file() {
    let text = pod("a", ON, &[("good", "x:1.0"), ("bad", ">-\n      x:1.0")]);
    let plan = draw(&[("a.yaml", &text)], "x: 1.0 1.1");
    assert_eq!(verdicts(&plan), ["good 1.1", "bad uneditable"]);
    assert_eq!(String::from_utf8(plan.changes[0].after.clone()).unwrap(), text.replacen("x:1.0", "x:1.1", 1));
}

#[test]
fn a_repository_is_watched_once_and_only_where_somebody_wants_it() {
    let text = pod("a", ON, &[("a", "x:1.0"), ("b", "docker.io/library/x:1.1")]);
    let other = pod("b", "other: annotation", &[("c", "unwatched:1.0")]);
    let locked = pod("c", &format!("{ON}, landwaiter/locked: 'true'"), &[("c", "locked:1.0")]);
    let inventory = survey(&[("a.yaml", &text), ("b.yaml", &other), ("c.yaml", &locked)], Scope::Everything);
    let now = NOW.parse().unwrap();
    let names = |names: Vec<&Repository>| names.into_iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(inventory.watches(now).keys().collect()), ["docker.io/library/x"]);
    assert_eq!(names(inventory.locked(now).iter().collect()), ["docker.io/library/locked"]);
}

#[test]
fn created_times_are_asked_for_only_where_an_order_needs_them() {
    let newest = pod("a", "landwaiter/automated: 'true', landwaiter/tag-glob: 'main-*'", &[("a", "x:dev-1")]);
    let semver = pod("b", ON, &[("b", "x:1.0"), ("c", "y:1.0")]);
    let inventory = survey(&[("a.yaml", &newest), ("b.yaml", &semver)], Scope::Annotated);
    let watches = inventory.watches(NOW.parse().unwrap());
    let tags: Vec<_> = ["1.0", "1.1", "dev-1", "dev-2", "main-1", "main-2"].map(|tag| Tag::parse(tag).unwrap()).into();
    let wanted = |name: &str| {
        let watch = &watches[&Repository::parse(name).unwrap()];
        watch.wants_created(&tags).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(wanted("x"), ["dev-1", "main-1", "main-2"], "those that match, and the one in Git");
    assert_eq!(wanted("y"), [""; 0]);
}

#[test]
fn what_nobody_speaks_about_follows_the_assumed_policy() {
    let files = [
        ("a.yaml", pod("a", "", &[("a", "x:1.0")])),
        ("b.yaml", pod("b", "landwaiter/automated: 'false'", &[("b", "x:1.0")])),
    ];
    let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let mut inventory = survey(&files, Scope::Everything);
    let draw = |inventory: &Inventory| plan_of(inventory, "x: 1.0 1.1");
    assert_eq!(verdicts(&draw(&inventory)), [""; 0]);
    let policy = Policy::builder(Pattern::parse("semver:*", Dialect::Native).unwrap()).build().unwrap();
    inventory.assume(policy);
    assert_eq!(verdicts(&draw(&inventory)), ["a 1.1"], "who said false is not asked again");
}

/// What becomes of `1.1` when the file holds `now` and held each of `before`, newest first.
#[track_caller]
fn check_past(annotations: &str, now: &str, before: &[&str], expected: &str) {
    let file = |image: &str| pod("a", annotations, &[("c", image)]);
    let inventory = survey(&[("a.yaml", &file(now))], Scope::Annotated);
    let mut plan = plan_of(&inventory, "x: 1.0 1.1\ny: 1.1");
    let mut page = plan.page(&RepoPath::parse("a.yaml").unwrap(), file(now).into_bytes());
    for (number, image) in before.iter().enumerate() {
        page.recall(&format!("commit-{number}"), file(image).as_bytes());
    }
    page.write();
    assert_eq!(verdicts(&plan), [expected], "{now} after {before:?}");
}

#[test]
fn what_somebody_took_back_is_not_proposed_again() {
    check_past(ON, "x:1.0", &["x:1.1", "x:1.0"], "c refused");
    check_past(ON, "x:1.0", &["x:0.9", "x:1.1"], "c refused");
    check_past(ON, "x:1.0", &["x:0.9", "x:0.8"], "c 1.1");
    check_past(ON, "x:1.0", &["y:1.1"], "c 1.1");
    check_past(ON, "x", &["x:1.1"], "c refused");
    check_past(ON, "x:1.0", &[], "c 1.1");
}

#[test]
fn going_back_is_no_taking_back_where_the_policy_allows_it() {
    let back = format!("{ON}, landwaiter/allow-downgrade: 'true'");
    check_past(&back, "x:1.2", &["x:1.1"], "c 1.1");
    check_past(&back, "x:1.0", &["x:1.1"], "c refused");
}

#[test]
fn another_container_of_the_file_says_nothing() {
    let two = |c: &str, d: &str| pod("a", ON, &[("c", c), ("d", d)]);
    let inventory = survey(&[("a.yaml", &two("x:1.0", "x:1.0"))], Scope::Annotated);
    let mut plan = plan_of(&inventory, "x: 1.0 1.1");
    let mut page = plan.page(&RepoPath::parse("a.yaml").unwrap(), two("x:1.0", "x:1.0").into_bytes());
    page.recall("one", two("x:1.0", "x:1.1").as_bytes());
    page.write();
    assert_eq!(verdicts(&plan), ["c 1.1", "d refused"]);
}

/// The message of the one commit of a plan.
fn message(plan: &Plan) -> String {
    let occasion = Occasion { repository: "org/config", branch: "main", author: "Ada <ada@example.com>" };
    let drafts = plan.drafts(&CommitOptions::default(), &occasion).unwrap();
    let [Draft { message, group: None, .. }] = &drafts[..] else { panic!("{drafts:?}") };
    message.clone()
}

/// The trailers of a message as any script reads them: file, workload, container, repository, old, new.
fn trailers(message: &str) -> Vec<String> {
    let mut file = "";
    let mut read = Vec::new();
    for line in message.lines() {
        file = line.strip_prefix("Landwaiter-File: ").unwrap_or(file);
        read.extend(line.strip_prefix("Landwaiter-Update: ").map(|update| format!("{file} {update}")));
    }
    read
}

#[test]
fn the_message_says_what_and_why_and_can_be_read_back() {
    let (one, two) = (pod("a", ON, &[("c", "ghcr.io/org/app:1.0")]), pod("b", ON, &[("c", "x"), ("d", "x:1.1")]));
    let plan = draw(&[("b/b.yaml", &two), ("a.yaml", &one)], "ghcr.io/org/app: 1.0 1.2\nx: 1.1 1.3");
    let expected = "\
Update 3 images in 2 workloads

ns/Pod/a (a.yaml:6)
  c: ghcr.io/org/app
    1.0 -> 1.2
    semver:1: highest version of 2 matching tags

ns/Pod/b (b/b.yaml:6)
  c: x
    (no tag) -> 1.3
    semver:1: highest version of 2 matching tags
  d: x
    1.1 -> 1.3
    semver:1: highest version of 2 matching tags

Landwaiter-File: a.yaml
Landwaiter-Update: ns/Pod/a c ghcr.io/org/app 1.0 1.2
Landwaiter-File: b/b.yaml
Landwaiter-Update: ns/Pod/b c docker.io/library/x - 1.3
Landwaiter-Update: ns/Pod/b d docker.io/library/x 1.1 1.3
";
    assert_eq!(message(&plan), expected);
    let read = trailers(expected);
    assert_eq!(read[0], "a.yaml ns/Pod/a c ghcr.io/org/app 1.0 1.2");
    assert_eq!(read[1], "b/b.yaml ns/Pod/b c docker.io/library/x - 1.3");
    assert_eq!(read.len(), 3);
}

#[test]
fn one_image_is_named_in_the_subject_unless_the_line_grows_too_long() {
    let subject = |image: &str, tags: &str| {
        let plan = draw(&[("a.yaml", &pod("a", ON, &[("c", &format!("{image}:1.0"))]))], &format!("{image}: {tags}"));
        message(&plan).lines().next().unwrap().to_owned()
    };
    assert_eq!(subject("ghcr.io/org/nordic-app", "1.1.0"), "Update nordic-app to 1.1.0");
    let long = subject(&format!("x/{}", "a".repeat(80)), "1.1.0");
    assert_eq!(long, "Update 1 image in 1 workload");
}

#[test]
fn a_name_cannot_forge_a_trailer() {
    let name = r#""a\nLandwaiter-Update: ns/Pod/z c x 1 2""#;
    let plan = draw(&[("a.yaml", &pod(name, ON, &[("c", "x:1.0")]))], "x: 1.0 1.1");
    let message = message(&plan);
    assert_eq!(trailers(&message).len(), 1, "{message}");
    assert!(message.lines().all(|line| !line.starts_with("Landwaiter-Update: ns/Pod/z")), "{message}");
}

#[test]
fn the_same_input_gives_the_same_message() {
    let text = |name: &str| pod(name, ON, &[("c", "x:1.0"), ("d", "y:1.0")]);
    let (a, b, c) = (text("a"), text("b"), text("c"));
    let sorted = [("a.yaml", a.as_str()), ("b.yaml", &b), ("c.yaml", &c)];
    let shuffled = [("c.yaml", c.as_str()), ("a.yaml", &a), ("b.yaml", &b)];
    let message = |files: &[(&str, &str)], tags| message(&draw(files, tags));
    assert_eq!(message(&sorted, "x: 1.0 1.1\ny: 1.0 1.2"), message(&shuffled, "y: 1.2 1.0\nx: 1.1 1.0"));
}

#[test]
fn a_file_is_read_once_for_as_long_as_it_does_not_change() {
    let (one, two) = (pod("a", ON, &[("c", "x:1.0")]), pod("b", ON, &[("c", "x:1.0")]));
    let (other, policy) = ("kind: ConfigMap", "pattern: semver:~1\nfor: a test\n");
    let mut memory = Memory::default();
    let mut pass = |files: &[(&str, &str)]| {
        let texts = texts(files);
        let inventory = Inventory::survey(&texts.files, &texts, Scope::Annotated, &mut memory).unwrap();
        assert_eq!(memory.count().0, files.iter().filter(|(path, _)| !path.starts_with('.')).count());
        (texts.read.into_inner(), inventory.workloads().count())
    };
    let mut files = vec![("a.yaml", one.as_str()), ("b.yaml", two.as_str()), ("c.yaml", other)];
    assert_eq!(pass(&files), (vec![one.clone(), two.clone(), other.to_owned()], 2));
    assert_eq!(pass(&files), (vec![], 2));
    let three = two.replace("1.0", "1.1");
    files[1].1 = &three;
    assert_eq!(pass(&files), (vec![three.clone()], 2));
    files.remove(0);
    assert_eq!(pass(&files), (vec![], 1), "a file that went away is forgotten");
    files.push((".landwaiter/policies/mine.yaml", policy));
    let (read, _) = pass(&files);
    assert_eq!(read.len(), 3, "with other policies all may mean something else");
}

#[test]
fn now_is_given() {
    // A plan reads no clock, so that a dry run today can say what happens tomorrow.
    let locked = pod("a", &format!("{ON}, landwaiter/locked-until: '2026-06-02'"), &[("c", "x:1.0")]);
    let inventory = survey(&[("a.yaml", &locked)], Scope::Annotated);
    let at = |now: &str| {
        let now: Timestamp = now.parse().unwrap();
        verdicts(&plan_at(&inventory, "x: 1.1", now))
    };
    assert_eq!(at("2026-06-02T23:59:59Z"), ["c locked"]);
    assert_eq!(at("2026-06-03T00:00:00Z"), ["c 1.1"]);
}

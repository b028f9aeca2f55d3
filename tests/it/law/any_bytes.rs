//! What must hold for any bytes that anybody may put where we read: one function per door, each of
//! which panics where the law is broken. The fuzz targets are these functions; so are the tests over
//! the seeds and over what once fell.

use std::ops::Range;

use jiff::Timestamp;
use landwaiter::image::{Digest, Reference, Registry, Repository, Tag};
use landwaiter::manifest::{
    LINT_FILES, Place, Problem, Rule, Severity, is_kustomization_path, is_manifest_path, read_lint_file,
    read_policy_file,
};
use landwaiter::path::RepoPath;
use landwaiter::policy::{
    Candidate, Decision, Dialect, Exclude, Extract, Judgement, MinAge, Order, Pattern, PatternKind, Policy, Since,
    Within, decide, explain,
};

use super::file::{File, Image};
use super::words::reworded;

/// The names that a file can have; the first byte of the input chooses one.
pub(crate) const NAMES: [&str; 6] =
    ["a.yaml", "a.json", "apps/kustomization.yaml", "chart/values.yaml", ".argocd-source-web.yaml", "a.yml"];

/// The tags that are written: a plain word, and one that YAML would read as a number.
const TAGS: [&str; 2] = ["9.9.9-law", "1.10"];

/// A name, by the first byte, and a file: it is read, the empty change gives the same bytes, and new
/// tags for all images that can be changed change these and nothing else.
pub(crate) fn manifest(data: &[u8]) {
    let Some((&name, bytes)) = data.split_first() else { return };
    let path = NAMES[usize::from(name) % NAMES.len()];
    let file = File::read(path, bytes);
    assert_eq!(file.with_tags(&[]).bytes, bytes, "no change, other bytes");
    for problem in file.problems() {
        assert!(!problem.contains(|c: char| c.is_control()), "{problem:?} is no line of text");
    }
    reworded(path, bytes, &file);
    let images = file.images();
    for tag in TAGS {
        let written: Vec<(usize, &str)> =
            (0..images.len()).filter(|&at| images[at].span.is_some()).map(|at| (at, tag)).collect();
        changes_only(path, bytes, &file, &images, &written, only_the_tags_differ);
        let missing = (0..images.len()).filter(|&at| images[at].span.is_none()).take(8);
        for at in missing {
            changes_only(path, bytes, &file, &images, &[(at, tag)], only_added_to);
        }
    }
}

/// A check of the bytes before and after, with the spans that were to change and what they say then.
type Check = fn(&[u8], &[u8], &[(Range<usize>, String)]);

fn changes_only(path: &str, bytes: &[u8], file: &File, images: &[Image], tags: &[(usize, &str)], check: Check) {
    let changed = file.with_tags(tags);
    let is_changed = |at: usize| !changed.refused.iter().any(|(refused, _)| *refused == at);
    for (at, image) in images.iter().enumerate() {
        let wanted = tags.iter().any(|(wanted, _)| *wanted == at);
        assert!(!wanted || image.refusal.is_none() || !is_changed(at), "{image:?} was changed all the same");
    }
    let done = || tags.iter().filter(|(at, _)| is_changed(*at));
    let mut spans: Vec<(Range<usize>, String)> =
        done().map(|&(at, tag)| (images[at].span.clone().unwrap_or_default(), file.text_with(at, tag))).collect();
    spans.sort_by_key(|(span, _)| span.start);
    spans.dedup();
    check(bytes, &changed.bytes, &spans);
    let again = File::read(path, &changed.bytes);
    let tag_of = |at: usize| done().find(|(done, _)| *done == at).map(|(_, tag)| format!("{}:{tag}", images[at].name));
    let now: Vec<String> = again.images().into_iter().map(|image| image.reference).collect();
    if file.is_marked() {
        // What a comment marks may be a part of another image, which is another one then.
        let missing = (0..images.len()).filter_map(tag_of).find(|image| !now.contains(image));
        assert_eq!(missing, None, "read again: {now:?}");
        return;
    }
    let expected: Vec<String> =
        images.iter().enumerate().map(|(at, image)| tag_of(at).unwrap_or_else(|| image.reference.clone())).collect();
    assert_eq!(now, expected, "read again");
    assert_eq!(again.with_tags(tags).bytes, changed.bytes, "a second run changes something");
}

/// Walks both texts side by side: equal outside the spans, and in each span its new text, in double
/// quotes perhaps where it stood without.
fn only_the_tags_differ(before: &[u8], after: &[u8], spans: &[(Range<usize>, String)]) {
    let (mut old, mut new) = (0, 0);
    for (span, value) in spans {
        let between = &before[old..span.start];
        assert_eq!(after.get(new..new + between.len()), Some(between), "something before {span:?} changed");
        new += between.len();
        let rest = &after[new..];
        let slashes = value.replace('/', "\\/");
        let forms = [format!("\"{value}\""), value.clone(), slashes];
        let Some(form) = forms.iter().find(|form| rest.starts_with(form.as_bytes())) else {
            panic!("{span:?} does not say {value}: {:?}", String::from_utf8_lossy(&rest[..rest.len().min(80)]));
        };
        new += form.len();
        old = span.end;
    }
    assert_eq!(&after[new..], &before[old..], "something behind the last image changed");
}

/// Everything is still there, and in one place something was added.
fn only_added_to(before: &[u8], after: &[u8], _: &[(Range<usize>, String)]) {
    let same = before.iter().zip(after).take_while(|(a, b)| a == b).count();
    let behind = before.iter().rev().zip(after.iter().rev()).take_while(|(a, b)| a == b).count();
    assert!(after.len() >= before.len() && same + behind >= before.len(), "something changed beside what was added");
}

/// An image, or a part of one: what is read is written back as it was, means the same when it is
/// written in its one canonical way, and takes a new tag.
pub(crate) fn reference(text: &str) {
    if let Ok(reference) = Reference::parse(text) {
        assert_eq!(reference.to_string(), text);
        assert!(text.starts_with(reference.name()));
        let tag = Tag::parse("1.10").expect("a tag");
        let after = Reference::parse(&reference.with_tag(&tag)).expect("an image with a new tag is an image");
        assert_eq!((after.name(), after.tag(), after.digest()), (reference.name(), Some(&tag), None));
        assert_eq!(after.repository(), reference.repository());
    }
    if let Ok(repository) = Repository::parse(text) {
        assert_eq!(Repository::parse(&repository.to_string()).as_ref(), Ok(&repository), "canonical once, canonical");
        assert!(repository.path().ends_with(repository.short_name()) && !repository.short_name().is_empty());
    }
    if let Ok(registry) = Registry::parse(text) {
        assert_eq!(Registry::parse(registry.as_str()).as_ref(), Ok(&registry));
        assert!(!registry.api_host().is_empty());
    }
    if let Ok(tag) = Tag::parse(text) {
        assert_eq!(tag.as_str(), text);
        assert!(Reference::parse(&format!("a:{text}")).is_ok_and(|image| image.tag() == Some(&tag)));
    }
    if let Ok(digest) = Digest::parse(text) {
        assert_eq!(digest.as_str(), text);
        assert!(Reference::parse(&format!("a@{text}")).is_ok_and(|image| image.digest() == Some(&digest)));
    }
}

/// Lines: a pattern, an order, an extract, globs to exclude, how far an update may go or how long it waits, the current
/// tag, and the tags there are. What is read can be shown and read again; the decision depends on
/// nothing but the policy and the set of tags, and `explain` tells the same story.
pub(crate) fn pattern(text: &str) {
    let mut lines = text.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let (pattern, order, extract, exclude, within, current) = (line(), line(), line(), line(), line(), line());
    let candidates: Vec<Candidate> = lines
        .enumerate()
        .filter_map(|(at, tag)| {
            let created = (at % 4 != 3).then(|| day(i64::try_from(at % 5).ok()?));
            let since = (at % 3 != 2).then(|| day(i64::try_from(at % 7).ok()?)).flatten();
            Some(Candidate { tag: Tag::parse(tag).ok()?, created: created.flatten(), since: Since::of(since, None) })
        })
        .take(64)
        .collect();
    let current = Tag::parse(current).ok();
    if let Ok(min_age) = MinAge::parse(within) {
        assert_eq!(MinAge::parse(&min_age.to_string()).as_ref(), Ok(&min_age), "shown and read again");
    }
    if let Ok(exclude) = Exclude::parse(exclude) {
        assert_eq!(Exclude::parse(&exclude.to_string()).map(|again| again.to_string()), Ok(exclude.to_string()));
    }
    for dialect in [Dialect::Native, Dialect::Flux] {
        for kind in [PatternKind::Glob, PatternKind::Semver, PatternKind::Regex] {
            if let Ok(pattern) = Pattern::parse_as(kind, pattern, dialect) {
                assert_eq!(pattern.kind(), Some(kind));
            }
        }
        let stated = Pattern::parse(pattern, dialect).ok();
        for pattern in stated.into_iter().chain([Pattern::family(dialect)]) {
            if pattern.kind().is_some() {
                assert_eq!(
                    Pattern::parse(&pattern.to_string(), dialect).as_ref(),
                    Ok(&pattern),
                    "shown and read again"
                );
            }
            let mut builder = Policy::builder(pattern.clone());
            builder = Order::parse(order).map_or(builder.clone(), |order| builder.order(order));
            builder = Exclude::parse(exclude).map_or(builder.clone(), |exclude| builder.exclude(exclude));
            builder = Within::parse(within).map_or(builder.clone(), |within| builder.within(within));
            builder = MinAge::parse(within).map_or(builder.clone(), |min_age| builder.min_age(min_age));
            if Extract::parse(extract, &pattern).is_ok() {
                builder = builder.extract(extract);
            }
            if let Ok(policy) = builder.build() {
                decided(&policy, current.as_ref(), &candidates);
            }
        }
    }
}

/// A day after 1970.
fn day(day: i64) -> Option<Timestamp> {
    Timestamp::new(day * 86_400, 0).ok()
}

fn decided(policy: &Policy, current: Option<&Tag>, candidates: &[Candidate]) {
    let now = day(5).expect("a time");
    let ruling = decide(policy, current, candidates, now);
    let turned: Vec<Candidate> = candidates.iter().rev().chain(candidates).cloned().collect();
    assert_eq!(decide(policy, current, &turned, now), ruling, "{policy}: the order of the list decides");
    let explanation = explain(policy, current, candidates, now);
    assert_eq!(explanation.ruling, ruling, "{policy}: explain tells another story");
    if let Decision::Update(choice) = &ruling.decision {
        assert!(candidates.iter().any(|candidate| candidate.tag == choice.tag), "{policy}: a tag from nowhere");
        assert_ne!(Some(&choice.tag), current, "{policy}: an update to the same tag");
        assert!(policy.admits(current)(&choice.tag), "{policy}: a tag that is not admitted");
        let selected = explanation.judged.first().map(|judged| (&judged.tag, &judged.judgement));
        assert!(matches!(selected, Some((tag, Judgement::Selected { .. })) if *tag == choice.tag), "{policy}");
    }
}

/// The prefixes that an annotation's key can have; the first byte of a key chooses one, counted from `0`.
pub(crate) const PREFIXES: [&str; 9] = [
    "landwaiter/",
    "fluxcd.io/",
    "flux.weave.works/",
    "filter.fluxcd.io/",
    "repository.fluxcd.io/",
    "tag.fluxcd.io/",
    "registry.fluxcd.io/",
    "keel.sh/",
    "",
];

/// Keys and values in turn, with NUL between them, as the annotations of a workload: whatever they
/// say, its images are found and the file stays whole, and how a value is quoted means nothing.
pub(crate) fn annotation(text: &str) {
    let mut parts = text.split('\0');
    let mut entries: Vec<(String, &str)> = Vec::new();
    while let (Some(key), Some(value)) = (parts.next(), parts.next()) {
        let first = key.bytes().next().map_or(0, |first| usize::from(first.wrapping_sub(b'0')));
        let name: String = key.chars().skip(1).collect();
        let key = format!("{}{name}", PREFIXES[first % PREFIXES.len()]);
        // A key of a mapping has 1024 characters at the most.
        if entries.len() < 16 && escaped(&key).len() < 1000 && entries.iter().all(|(other, _)| *other != key) {
            entries.push((key, value));
        }
    }
    let escaped = annotated(&entries, |value| (escaped(value), ""));
    let file = File::read("a.yaml", escaped.as_bytes());
    let images: Vec<String> = file.images().into_iter().map(|image| image.reference).collect();
    assert_eq!(images, ["registry.example.com/team/app:1.2.3", "redis:7.2-alpine", "busybox:1"], "{escaped}");
    assert_eq!(file.with_tags(&[]).bytes, escaped.as_bytes());
    for problem in file.problems() {
        assert!(!problem.contains(|c: char| c.is_control()), "{problem:?} is no line of text");
    }
    // In single quotes, with a comment behind, every value begins where it did.
    let single = annotated(&entries, |value| single_quoted(value).unwrap_or_else(|| (self::escaped(value), "")));
    let other = File::read("a.yaml", single.as_bytes());
    assert_eq!(other.mandates(), file.mandates(), "{single}");
    assert_eq!(other.problems(), file.problems(), "{single}");
}

/// A Deployment with three containers and these annotations, each on a line of its own.
fn annotated<'v>(entries: &[(String, &'v str)], quote: impl Fn(&'v str) -> (String, &'static str)) -> String {
    let mut text = String::from("kind: Deployment\nmetadata:\n  name: web\n  annotations:\n    note: x\n");
    for (key, value) in entries {
        let (value, behind) = quote(value);
        text.extend(["    ", &escaped(key), ": ", &value, behind, "\n"]);
    }
    text.push_str(
        "spec:\n  template:\n    spec:\n      containers:\n      - name: app\n        image: registry.example.com/team/app:1.2.3\n      - {name: cache, image: 'redis:7.2-alpine'}\n      initContainers:\n      - {name: init, image: busybox:1}\n",
    );
    text
}

/// The text as a double-quoted scalar on one line.
fn escaped(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') => {
                out.extend(["\\U", &format!("{:08x}", u32::from(c))]);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The text as a single-quoted scalar, if it can be one.
fn single_quoted(text: &str) -> Option<(String, &'static str)> {
    let awkward =
        |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}');
    (!text.contains(awkward)).then(|| (format!("'{}'", text.replace('\'', "''")), " # \"x\""))
}

/// Two texts, with NUL between them: a path never leads out of the repository, whatever is joined to it
/// and wherever it links to.
pub(crate) fn path(text: &str) {
    let (first, second) = text.split_once('\0').unwrap_or((text, ""));
    let Ok(path) = RepoPath::parse(first) else { return };
    inside(&path);
    assert!(path.is_within(&path));
    if let Some(parent) = path.parent() {
        inside(&parent);
        assert!(path.is_within(&parent) && !parent.is_within(&path));
        assert_eq!(parent.join(path.file_name()).as_ref(), Ok(&path));
    }
    if let Some(joined) = path.join(second).ok().filter(|_| !second.is_empty()) {
        inside(&joined);
        assert!(joined.is_within(&path), "{joined} is not within {path}");
        assert_eq!(RepoPath::resolve(Some(&path), second), Ok(Some(joined)));
    }
    for folder in [Some(&path), None] {
        // The depth at which each step of the link arrives, and whether it was ever above the top.
        let mut depth = folder.map_or(0, |folder| folder.as_str().split('/').count());
        let leads_out = second.split('/').any(|part| match part {
            "" | "." => false,
            ".." => depth.checked_sub(1).map(|up| depth = up).is_none(),
            _ => {
                depth += 1;
                false
            }
        });
        let refused = leads_out || second.is_empty() || second.starts_with('/') || second.contains('\0');
        match RepoPath::resolve(folder, second) {
            Ok(Some(target)) => {
                inside(&target);
                assert_eq!((refused, target.as_str().split('/').count()), (false, depth));
            }
            Ok(None) => assert_eq!((refused, depth), (false, 0)),
            Err(_) => assert!(refused, "{second:?} from {folder:?}"),
        }
    }
}

fn inside(path: &RepoPath) {
    let text = path.as_str();
    let good = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains('\0');
    assert!(text.split('/').all(good), "{text:?} leads out");
    assert_eq!(RepoPath::parse(text).as_ref(), Ok(path));
    assert!(text.ends_with(path.file_name()) && !path.file_name().contains('/'));
    let ending = path.file_name().rsplit_once('.').map(|(_, ending)| ending);
    assert_eq!(path.extension(), ending);
    let is_named_so = matches!(ending, Some("yaml" | "yml" | "json")) || is_kustomization_path(path);
    assert_eq!(is_manifest_path(path), is_named_so && !LINT_FILES.contains(&text));
}

/// A file that switches rules: what is wrong in it is a problem in it, and it never switches itself.
pub(crate) fn lint_file(data: &[u8]) {
    let path = RepoPath::parse(LINT_FILES[0]).expect("a path");
    let file = read_lint_file(&path, data);
    let is_own = |problem: &Problem| problem.rule == Rule::LintFile && problem.place.file == path;
    assert!(file.problems.iter().all(is_own), "{:?}", file.problems);
    let place = Place { file: path.clone(), line: 1, column: 1 };
    let own = Problem::new(Rule::LintFile, Severity::Error, place, "", "");
    assert_eq!(file.switches.severity(&own, &path), Some(Severity::Error));
}

/// A file with a named policy: it is one, or it says why not.
pub(crate) fn policy_file(data: &[u8]) {
    let path = RepoPath::parse(".landwaiter/policies/stable.yaml").expect("a path");
    if let Ok(preset) = read_policy_file(&path, data) {
        assert!(!preset.name().as_str().is_empty());
    }
}

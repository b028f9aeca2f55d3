//! What the annotations of one workload ask for: may its images change, and what do they follow.
//!
//! Sees statements (who says what, in which line) and the names of the containers; must not know where
//! images stand or how a file is laid out. Whatever is wrong here either holds the workload or leaves
//! a container without a policy: a mistake never widens what may happen.

use std::collections::{BTreeMap, HashMap};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::dialect::{Statement, Topic, Voice, Word, nearest};
use super::problem::{Place, Problem, Severity};
use super::workload::{Automation, ContainerPolicy, Lock};
use crate::image::Tag;
use crate::path::RepoPath;
use crate::policy::{Dialect, Exclude, Order, Pattern, PatternKind, Policy, PolicyBuilder, Presets};

/// What the annotations call the only image of a chart. Tutorials use it for plain workloads too.
const CHART_IMAGE: &str = "chart-image";

/// A container, as far as annotations can speak about it.
#[derive(Debug, Clone)]
pub(super) struct Subject<'a> {
    /// Its name, if it has one.
    pub(super) name: Option<&'a str>,
    /// Where it stands.
    pub(super) place: Place,
    /// The tag that runs now.
    pub(super) tag: Option<Tag>,
    /// Whether this file says an image for it.
    pub(super) has_image: bool,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mandate {
    pub(super) automated: bool,
    pub(super) automation: Automation,
    /// One for each subject.
    pub(super) policies: Vec<ContainerPolicy>,
}

/// Reads the statements about these containers. `is_patch` says that there may be more containers
/// than this file shows.
pub(super) fn read(
    file: &RepoPath,
    statements: &[Statement<'_>],
    subjects: &[Subject<'_>],
    is_patch: bool,
    presets: &Presets,
    problems: &mut Vec<Problem>,
) -> Mandate {
    let mut reader = Reader { file, presets, problems, said: BTreeMap::new(), held: None };
    reader.listen(statements);
    let automated = reader.flag("automated");
    let ignored = reader.is_ignored();
    let lock = reader.lock();
    let allow_downgrade = reader.flag("allow-downgrade") == Some(true);
    let policies = reader.policies(subjects, allow_downgrade, automated == Some(true));
    reader.report_strangers(subjects, is_patch);
    let automation = match (reader.held, lock) {
        _ if ignored => Automation::Ignored,
        (Some(Wrong { reason, place }), _) => Automation::Held { reason, place },
        (None, Some(lock)) => Automation::Locked(lock),
        (None, None) if automated == Some(true) => Automation::On,
        (None, None) => Automation::Off,
    };
    Mandate { automated: automated == Some(true), automation, policies }
}

/// Something that is wrong, reported already.
#[derive(Debug, Clone)]
struct Wrong {
    reason: String,
    place: Place,
}

/// The statement that counts for one key.
#[derive(Debug, Clone)]
struct Said<'a> {
    voice: Voice,
    topic: Topic,
    container: Option<String>,
    written: &'a str,
    key: Place,
    value: Place,
    text: Result<&'a str, Wrong>,
}

/// Which tags are meant, in one scope.
#[derive(Debug, Clone)]
enum Source {
    Unsaid,
    Said { base: Policy, place: Place },
    Wrong(Wrong),
}

struct Reader<'a, 'p> {
    file: &'p RepoPath,
    presets: &'p Presets,
    problems: &'p mut Vec<Problem>,
    /// By canonical key.
    said: BTreeMap<String, Said<'a>>,
    /// The first thing that holds the workload.
    held: Option<Wrong>,
}

impl<'a> Reader<'a, '_> {
    fn report(&mut self, severity: Severity, place: &Place, message: String, mend: impl Into<String>) {
        self.problems.push(Problem::new(severity, place.clone(), message, mend));
    }

    fn wrong(&mut self, place: &Place, message: String, mend: impl Into<String>) -> Wrong {
        let problem = Problem::new(Severity::Error, place.clone(), message, mend);
        let wrong = Wrong { reason: problem.text(), place: place.clone() };
        self.problems.push(problem);
        wrong
    }

    fn hold(&mut self, wrong: Wrong) {
        self.held.get_or_insert(wrong);
    }

    /// Sorts the statements out: one for each key, by precedence; the rest is reported.
    fn listen(&mut self, statements: &[Statement<'a>]) {
        let mut by_key: BTreeMap<&str, Vec<Said<'a>>> = BTreeMap::new();
        for statement in statements {
            match &statement.word {
                Word::Bookkeeping => {}
                Word::Unknown { suggestion } => self.report_unknown(statement, suggestion.as_deref()),
                Word::Known { topic, container, canonical } => {
                    let (topic, container) = (*topic, container.clone());
                    let (key, value) = (statement.key.place(self.file), statement.value.place(self.file));
                    let text = self.text(statement, &value);
                    let said =
                        Said { voice: statement.voice, topic, container, written: statement.written, key, value, text };
                    by_key.entry(canonical).or_default().push(said);
                }
            }
        }
        for (canonical, mut said) in by_key {
            said.sort_by_key(|said| said.voice);
            let mut said = said.into_iter();
            let Some(winner) = said.next() else { continue };
            for loser in said {
                self.report_contradiction(&winner, &loser);
            }
            let pins = winner.topic == Topic::Digest && !matches!(winner.text, Ok("none"));
            if winner.topic == Topic::Later || pins {
                let message = format!("`{}` is not supported yet", winner.written);
                let wrong =
                    self.wrong(&winner.key, message, "remove it to let the images follow their tags without it");
                self.hold(wrong);
            }
            self.said.insert(canonical.to_owned(), winner);
        }
    }

    fn report_unknown(&mut self, statement: &Statement<'a>, suggestion: Option<&str>) {
        let place = statement.key.place(self.file);
        let prefix = statement.written.split_inclusive('/').next().unwrap_or_default();
        let message = format!("`{}` is no key that Landwaiter knows", statement.written);
        let mend = match suggestion {
            Some(suggestion) => format!("did you mean `{prefix}{suggestion}`?"),
            None => "remove it".to_owned(),
        };
        if statement.voice == Voice::Native {
            let wrong = self.wrong(&place, message, mend);
            self.hold(wrong);
        } else {
            let severity = if suggestion.is_some() { Severity::Error } else { Severity::Warning };
            self.report(severity, &place, message, mend);
        }
    }

    fn report_contradiction(&mut self, winner: &Said<'a>, loser: &Said<'a>) {
        let (Ok(ours), Ok(theirs)) = (&winner.text, &loser.text) else { return };
        if ours == theirs {
            return;
        }
        let message = format!(
            "`{}` says `{theirs}`, and `{}` in line {} says `{ours}`, which counts",
            loser.written, winner.written, winner.key.line
        );
        self.report(Severity::Warning, &loser.key, message, format!("remove `{}`", loser.written));
    }

    /// The value as text. Kubernetes wants a string; what else is written counts as its text where
    /// that is clear.
    fn text(&mut self, statement: &Statement<'a>, place: &Place) -> Result<&'a str, Wrong> {
        let (written, value) = (statement.written, statement.value);
        let Some(text) = value.text() else {
            return Err(self.wrong(
                place,
                format!("the value of `{written}` is not a string"),
                "write one quoted value",
            ));
        };
        if value.is_null() {
            let message = format!("`{written}` has no value");
            return Err(self.wrong(place, message, "write a quoted value, or remove the key"));
        }
        if !value.is_string() {
            let message = format!("the value of `{written}` is not quoted, and Kubernetes takes no other than strings");
            self.report(Severity::Warning, place, message, format!("write \"{text}\""));
        }
        Ok(text.trim())
    }

    /// A `"true"` or `"false"`; `None` when nothing is said, or something else, which holds.
    fn flag(&mut self, key: &str) -> Option<bool> {
        let said = self.said.get(key)?.clone();
        let wrong = match said.text {
            Ok("true") => return Some(true),
            Ok("false") => return Some(false),
            Ok(text) => {
                let meant = match text.to_ascii_lowercase().as_str() {
                    "true" | "yes" | "on" | "y" | "1" | "enabled" => "write \"true\"",
                    "false" | "no" | "off" | "n" | "0" | "disabled" => "write \"false\"",
                    _ => "write \"true\" or \"false\"",
                };
                self.wrong(&said.value, format!("`{}` is neither true nor false: `{text}`", said.written), meant)
            }
            Err(wrong) => wrong,
        };
        self.hold(wrong);
        None
    }

    fn is_ignored(&mut self) -> bool {
        let Some(said) = self.said.get("ignore").cloned() else { return false };
        let wrong = match said.text {
            Ok("true") => return true,
            Ok("false" | "sync_only") => return false,
            Ok(text) => {
                let message = format!("`{}` says `{text}`", said.written);
                self.wrong(&said.value, message, "write \"true\", or remove it")
            }
            Err(wrong) => wrong,
        };
        self.hold(wrong);
        false
    }

    fn lock(&mut self) -> Option<Lock> {
        let note = |key: &str| self.said.get(key).and_then(|said| said.text.clone().ok()).map(str::to_owned);
        let (by, reason) = (note("locked-by"), note("locked-reason"));
        let until = self.said.get("locked-until").cloned();
        match (self.flag("locked"), self.said.contains_key("locked"), &until) {
            (Some(true), ..) => {}
            (None, false, Some(until)) => {
                let message = format!("`{}` locks without `locked`", until.written);
                self.report(Severity::Hint, &until.key, message, "write `locked: \"true\"` beside it");
            }
            _ => return None,
        }
        let until = until.and_then(|said| {
            let text = said.text.ok()?;
            let end = end_of(text);
            if end.is_none() {
                let message = format!("`{}` is no time: `{text}`; the lock stays", said.written);
                self.wrong(
                    &said.value,
                    message,
                    "write a date such as \"2026-01-31\", or a time such as \"2026-01-31T18:00:00Z\"",
                );
            }
            end
        });
        Some(Lock { by, reason, until })
    }

    fn policies(&mut self, subjects: &[Subject<'_>], allow_downgrade: bool, automated: bool) -> Vec<ContainerPolicy> {
        let wide = self.source(&["tag-glob", "tag-semver", "tag-regex", "policy"]);
        let mut named: HashMap<&str, usize> = HashMap::new();
        for name in subjects.iter().filter_map(|subject| subject.name) {
            *named.entry(name).or_default() += 1;
        }
        let mut policies = Vec::with_capacity(subjects.len());
        for subject in subjects {
            let name = match subject.name {
                Some(name) if named.get(name) == Some(&1) => name,
                _ if !automated => {
                    policies.push(ContainerPolicy::Unstated);
                    continue;
                }
                name => {
                    let message = match name {
                        Some(name) => {
                            format!("two containers have the name `{name}`, so no policy can be meant for one")
                        }
                        None => "the container has no name, so no policy can be meant for it".to_owned(),
                    };
                    let wrong = self.wrong(&subject.place, message, "give every container a name of its own");
                    policies.push(wrong.into());
                    continue;
                }
            };
            let alias = self.chart_image(name, subjects);
            policies.push(self.policy(name, alias, &wide, allow_downgrade, subject.tag.as_ref()));
        }
        policies
    }

    /// The name that annotations use for the only container, if they call it `chart-image`.
    fn chart_image(&mut self, name: &str, subjects: &[Subject<'_>]) -> Option<&'static str> {
        let said = self.said.get("tag.chart-image")?.clone();
        if subjects.len() != 1 || name == CHART_IMAGE || self.said.contains_key(&format!("tag.{name}")) {
            return None;
        }
        let message = format!(
            "`{}` is the name for the image of a HelmRelease; it is taken for `{name}`, the only container",
            said.written
        );
        let mend = format!("write `{}`", said.written.replace(CHART_IMAGE, name));
        self.report(Severity::Hint, &said.key, message, mend);
        Some(CHART_IMAGE)
    }

    fn policy(
        &mut self,
        name: &str,
        alias: Option<&str>,
        wide: &Source,
        allow_downgrade: bool,
        current: Option<&Tag>,
    ) -> ContainerPolicy {
        let own = self.source(&[&format!("tag.{}", alias.unwrap_or(name)), &format!("policy.{name}")]);
        // An order or extract for all containers goes with the pattern for all containers.
        let shared = matches!((&own, wide), (Source::Unsaid, _) | (_, Source::Unsaid));
        let option = |reader: &Self, topic: &str| {
            let own = reader.said.get(&format!("{topic}.{name}"));
            own.or_else(|| shared.then(|| reader.said.get(topic)).flatten()).cloned()
        };
        let (order, extract) = (option(self, "order"), option(self, "extract"));
        let excludes: Vec<Said<'a>> = [format!("exclude.{name}"), "exclude".to_owned()]
            .iter()
            .filter_map(|key| self.said.get(key).cloned())
            .collect();
        let (base, place) = match (own, wide) {
            (Source::Said { base, place }, _) => (base, Some(place)),
            (Source::Unsaid, Source::Said { base, place }) => (base.clone(), Some(place.clone())),
            (Source::Wrong(wrong), _) => return wrong.into(),
            (Source::Unsaid, Source::Wrong(wrong)) => return wrong.clone().into(),
            (Source::Unsaid, Source::Unsaid) => {
                let speaker = [self.said.get("automated"), order.as_ref(), extract.as_ref(), excludes.first()];
                let Some(speaker) = speaker.into_iter().flatten().next() else { return ContainerPolicy::Unstated };
                let family = Policy::builder(Pattern::family(speaker.voice.dialect()));
                match family.build() {
                    Ok(base) => (base, None),
                    Err(error) => return self.wrong(&speaker.key.clone(), error.to_string(), "").into(),
                }
            }
        };
        match self.assemble(&base, place.as_ref(), order, extract, &excludes, allow_downgrade) {
            Ok(policy) => {
                if let Some(place) = &place {
                    self.lint_pattern(&policy, place, current);
                }
                ContainerPolicy::Stated(policy)
            }
            Err(wrong) => wrong.into(),
        }
    }

    fn assemble(
        &mut self,
        base: &Policy,
        place: Option<&Place>,
        order: Option<Said<'a>>,
        extract: Option<Said<'a>>,
        excludes: &[Said<'a>],
        allow_downgrade: bool,
    ) -> Result<Policy, Wrong> {
        let mut builder = PolicyBuilder::from_policy(base);
        if allow_downgrade {
            builder = builder.allow_downgrade(true);
        }
        if let Some(said) = &order {
            let text = said.text.clone()?;
            builder =
                builder.order(Order::parse(text).map_err(|error| self.wrong(&said.value, error.to_string(), ""))?);
        }
        if let Some(said) = &extract {
            builder = builder.extract(said.text.clone()?);
        }
        let mut all = if base.exclude().is_none() { String::new() } else { base.exclude().to_string() };
        for said in excludes {
            let text = said.text.clone()?;
            Exclude::parse(text).map_err(|error| self.wrong(&said.value, error.message(), error.mend()))?;
            all = format!("{all}\n{text}");
        }
        if let Some(last) = excludes.last() {
            let exclude =
                Exclude::parse(&all).map_err(|error| self.wrong(&last.value, error.message(), error.mend()))?;
            builder = builder.exclude(exclude);
        }
        builder.build().map_err(|error| {
            let place = extract.or(order).map(|said| said.value).or_else(|| place.cloned());
            let place = place.unwrap_or(Place { file: self.file.clone(), line: 1, column: 1 });
            self.wrong(&place, error.to_string(), "")
        })
    }

    /// The one pattern or policy that these keys say.
    fn source(&mut self, keys: &[&str]) -> Source {
        let mut said = keys.iter().filter_map(|key| self.said.get(*key).cloned());
        let Some(first) = said.next() else { return Source::Unsaid };
        if let Some(second) = said.next() {
            let message = format!(
                "`{}` and `{}` (line {}) both say which tags are meant",
                second.written, first.written, first.key.line
            );
            return Source::Wrong(self.wrong(&second.key, message, "remove one of them"));
        }
        let text = match first.text {
            Ok(text) => text,
            Err(wrong) => return Source::Wrong(wrong),
        };
        let dialect = first.voice.dialect();
        let pattern = match first.topic {
            Topic::Policy => return self.preset(&first.value, text),
            Topic::Pattern(Some(kind)) => {
                // A pattern that repeats its own kind, `tag-semver: semver:~1`, is clear enough.
                Pattern::parse_as(kind, without_prefix(kind, text), dialect)
            }
            _ => Pattern::parse(text, dialect),
        };
        match pattern {
            Ok(pattern) => match Policy::builder(pattern).build() {
                Ok(base) => Source::Said { base, place: first.value },
                Err(error) => Source::Wrong(self.wrong(&first.value, error.to_string(), "")),
            },
            Err(error) => Source::Wrong(self.wrong(&first.value, error.message(), error.mend())),
        }
    }

    fn preset(&mut self, place: &Place, name: &str) -> Source {
        if let Some(preset) = self.presets.get(name) {
            return Source::Said { base: preset.policy().clone(), place: place.clone() };
        }
        let names: Vec<String> = self.presets.names().map(ToString::to_string).collect();
        let mend = match nearest(name, names.iter(), |name| name.as_str()) {
            Some(meant) => format!("did you mean `{meant}`? There are: {}", names.join(", ")),
            None => format!("there are: {}", names.join(", ")),
        };
        Source::Wrong(self.wrong(place, format!("there is no policy `{name}`"), mend))
    }

    fn lint_pattern(&mut self, policy: &Policy, place: &Place, current: Option<&Tag>) {
        let pattern = policy.pattern();
        if pattern.is_everything() && policy.stated_order().is_none() {
            let message = format!("`{pattern}` takes the newest of all tags, whatever kind of tag that is");
            let mend =
                "name the kind of tag, such as `glob:main-*`, or remove the pattern to stay with the kind that runs";
            self.report(Severity::Warning, place, message, mend);
        }
        let number = |tag: &&Tag| tag.as_str().len() >= 5 && tag.as_str().bytes().all(|byte| byte.is_ascii_digit());
        let bare = current.filter(number);
        if let (Some(PatternKind::Semver), Dialect::Flux, Some(tag)) = (pattern.kind(), pattern.dialect(), bare) {
            let message = format!("the tag `{tag}` counts as the version {tag}.0.0, as in Flux");
            let mend = "use a `regex:` pattern with `order: numeric` for dates and build numbers";
            self.report(Severity::Warning, place, message, mend);
        }
    }

    /// Reports what is said about containers that are not there.
    fn report_strangers(&mut self, subjects: &[Subject<'_>], is_patch: bool) {
        let names: HashMap<&str, bool> =
            subjects.iter().filter_map(|subject| Some((subject.name?, subject.has_image))).collect();
        let only = (subjects.len() == 1).then(|| subjects[0].name).flatten();
        let strangers: Vec<Said<'a>> = self
            .said
            .values()
            .filter(|said| said.topic != Topic::Later)
            .filter(|said| match &said.container {
                Some(container) => names.get(container.as_str()) != Some(&true),
                None => false,
            })
            .cloned()
            .collect();
        for said in strangers {
            let container = said.container.as_deref().unwrap_or_default();
            let taken = only.is_some_and(|only| !self.said.contains_key(&format!("tag.{only}")));
            if container == CHART_IMAGE && said.topic == Topic::Pattern(None) && taken {
                continue;
            }
            if names.contains_key(container) {
                let message = format!("`{}` speaks about `{container}`, which has no image in this file", said.written);
                self.report(
                    Severity::Hint,
                    &said.key,
                    message,
                    "write the image, or move the annotation to where it stands",
                );
                continue;
            }
            let severity = if is_patch { Severity::Hint } else { Severity::Warning };
            let mut there: Vec<&str> = names.keys().copied().collect();
            there.sort_unstable();
            let bare = container.strip_prefix("tag.").unwrap_or(container);
            let meant = nearest(bare, there.iter().copied(), |name| name);
            let mend = match meant {
                Some(meant) => format!("did you mean `{meant}`? There are: {}", there.join(", ")),
                None if there.is_empty() => "give the containers names".to_owned(),
                None => format!("there are: {}", there.join(", ")),
            };
            let where_ = if is_patch { "this patch shows no container" } else { "there is no container" };
            let message = format!("`{}` speaks about `{container}`, and {where_} of that name", said.written);
            self.report(severity, &said.key, message, mend);
        }
    }
}

impl From<Wrong> for ContainerPolicy {
    fn from(Wrong { reason, place }: Wrong) -> Self {
        Self::Invalid { reason, place }
    }
}

fn without_prefix(kind: PatternKind, text: &str) -> &str {
    let prefixes: &[&str] = match kind {
        PatternKind::Glob => &["glob:"],
        PatternKind::Semver => &["semver:"],
        PatternKind::Regex => &["regex:", "regexp:"],
    };
    prefixes.iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text)
}

/// The first moment after a lock: the time itself, or for a date the end of that day, in UTC.
fn end_of(text: &str) -> Option<Timestamp> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    let date: Date = (text.len() == 10).then(|| text.parse().ok()).flatten()?;
    let next = date.checked_add(1.day()).ok()?;
    Some(next.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests;

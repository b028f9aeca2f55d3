//! What each container follows: its own pattern or policy, that of the workload, or its family.
//!
//! Knows scopes and how the parts of a policy go together; not who said them, nor in which dialect.

use std::collections::{HashMap, HashSet};

use super::options::Options;
use super::{Reader, Said, Subject, Wrong};
use crate::image::Tag;
use crate::manifest::dialect::{CHART_IMAGE, Topic, Voice, nearest};
use crate::manifest::problem::{Place, Problem, Rule, Severity};
use crate::manifest::workload::ContainerPolicy;
use crate::policy::{
    Dialect, Exclude, InvalidPattern, MinAge, Order, Pattern, PatternKind, Policy, Prerelease, Versions, Within,
};

/// How many names of containers are compared with a wrong one, and listed. A pod has few.
const MOST_NAMES: usize = 20;

/// Which tags are meant, in one scope.
#[derive(Debug, Clone)]
enum Source {
    Unsaid,
    Said { base: Policy, place: Place },
    Wrong(Wrong),
}

impl<'a> Reader<'a, '_> {
    pub(super) fn policies(
        &mut self,
        subjects: &[Subject<'_>],
        allow_downgrade: bool,
        automated: bool,
    ) -> Vec<ContainerPolicy> {
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
                    let wrong = self.wrong(
                        Rule::UnnamedContainer,
                        &subject.place,
                        message,
                        "give every container a name of its own",
                    );
                    policies.push(wrong.into());
                    continue;
                }
            };
            let alias = self.chart_image(name, subjects);
            policies.push(self.policy(name, alias, &wide, allow_downgrade, subject));
        }
        policies
    }

    /// The name that annotations use for the only container, if they call it `chart-image`, as tutorials do
    /// for plain workloads too.
    fn chart_image(&mut self, name: &str, subjects: &[Subject<'_>]) -> Option<&'static str> {
        let said = self.said.get(&format!("tag.{CHART_IMAGE}"))?.clone();
        if subjects.len() != 1 || name == CHART_IMAGE || self.said.contains_key(&format!("tag.{name}")) {
            return None;
        }
        let message = format!(
            "`{}` is the name for the image of a HelmRelease; it is taken for `{name}`, the only container",
            said.written
        );
        let mend = format!("write `{}`", said.written.replace(CHART_IMAGE, name));
        self.report(Rule::UnclearWording, Severity::Hint, &said.key, message, mend);
        Some(CHART_IMAGE)
    }

    fn policy(
        &mut self,
        name: &str,
        alias: Option<&str>,
        wide: &Source,
        allow_downgrade: bool,
        subject: &Subject<'_>,
    ) -> ContainerPolicy {
        let own = self.source(&[&format!("tag.{}", alias.unwrap_or(name)), &format!("policy.{name}")]);
        let named = |topic: &&str| self.said.contains_key(&format!("{topic}.{name}"));
        if subject.is_aside && matches!(own, Source::Unsaid) && !Options::TOPICS.iter().any(named) {
            return ContainerPolicy::Unstated;
        }
        let is_shared = matches!((&own, wide), (Source::Unsaid, _) | (_, Source::Unsaid));
        let options = Options::said(self, name, is_shared);
        let (base, place) = match (own, wide) {
            (Source::Said { base, place }, _) => (base, Some(place)),
            (Source::Unsaid, Source::Said { base, place }) => (base.clone(), Some(place.clone())),
            (Source::Wrong(wrong), _) => return wrong.into(),
            (Source::Unsaid, Source::Wrong(wrong)) => return wrong.clone().into(),
            (Source::Unsaid, Source::Unsaid) => {
                let speaker = self.said.get("automated").or_else(|| options.first());
                let Some(speaker) = speaker else { return ContainerPolicy::Unstated };
                let family = Policy::builder(Pattern::family(speaker.voice.dialect()));
                match family.build() {
                    Ok(base) => (base, None),
                    Err(error) => {
                        return self.wrong(Rule::InvalidPattern, &speaker.key.clone(), error.to_string(), "").into();
                    }
                }
            }
        };
        match options.assemble(self, &base, place.as_ref(), allow_downgrade) {
            Ok(policy) => {
                if let Some(place) = &place {
                    self.lint_pattern(&policy, place, subject.tag.as_ref());
                }
                ContainerPolicy::Stated(policy)
            }
            Err(wrong) => wrong.into(),
        }
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
            return Source::Wrong(self.wrong(Rule::Contradiction, &second.key, message, "remove one of them"));
        }
        let text = match first.text {
            Ok(text) => text,
            Err(wrong) => return Source::Wrong(wrong),
        };
        let pattern = match first.topic {
            Topic::Policy => return self.preset(&first.value, text),
            Topic::Pattern(kind) => pattern(kind, text, first.voice.dialect()),
            _ => pattern(None, text, first.voice.dialect()),
        };
        match pattern {
            Ok(pattern) => match Policy::builder(pattern).build() {
                Ok(base) => Source::Said { base, place: first.value },
                Err(error) => Source::Wrong(self.wrong(Rule::InvalidPattern, &first.value, error.to_string(), "")),
            },
            Err(error) => Source::Wrong(self.wrong(Rule::InvalidPattern, &first.value, error.message(), error.mend())),
        }
    }

    /// Tells of every value that makes no sense, also of those that nobody follows or that another mistake
    /// hides. Where all is well they are read once, by those who follow them.
    pub(super) fn check_values(&mut self, policies: &[ContainerPolicy], subjects: &[Subject<'_>]) {
        let names: HashSet<&str> = subjects.iter().filter_map(|subject| subject.name).collect();
        let is_followed = policies.iter().any(|policy| matches!(policy, ContainerPolicy::Stated(_)))
            && !policies.iter().any(|policy| matches!(policy, ContainerPolicy::Invalid { .. }))
            && self.said.values().filter_map(|said| said.container.as_deref()).all(|name| names.contains(name));
        if is_followed {
            return;
        }
        let said: Vec<Said<'a>> = self.said.values().cloned().collect();
        for said in said {
            let Ok(text) = said.text else { continue };
            let whole = |error: &dyn ToString| (error.to_string(), String::new());
            let parts = |error: &InvalidPattern| (error.message(), error.mend().to_owned());
            let dialect = said.voice.dialect();
            let wrong = match said.topic {
                Topic::Pattern(kind) => pattern(kind, text, dialect).err().map(|error| parts(&error)),
                Topic::Constraint => pattern(Some(PatternKind::Semver), text, dialect).err().map(|error| parts(&error)),
                Topic::Exclude => Exclude::parse(text).err().map(|error| parts(&error)),
                Topic::Order => Order::parse(text).err().map(|error| whole(&error)),
                Topic::Versions => Versions::parse(text).err().map(|error| whole(&error)),
                Topic::Within => Within::parse(text).err().map(|error| whole(&error)),
                Topic::MinAge => MinAge::parse(text).err().map(|error| whole(&error)),
                Topic::Prerelease => Prerelease::parse(text).err().map(|error| whole(&error)),
                Topic::Policy => {
                    self.preset(&said.value, text);
                    None
                }
                _ => None,
            };
            if let Some((message, mend)) = wrong {
                self.wrong(Rule::InvalidPattern, &said.value, message, mend);
            }
        }
    }

    fn preset(&mut self, place: &Place, name: &str) -> Source {
        if let Some(preset) = self.terms.presets.get(name) {
            return Source::Said { base: preset.policy().clone(), place: place.clone() };
        }
        let names: Vec<String> = self.terms.presets.names().map(ToString::to_string).collect();
        let mend = match nearest(name, names.iter(), |name| name.as_str()) {
            Some(meant) => format!("did you mean `{meant}`? There are: {}", names.join(", ")),
            None => format!("there are: {}", names.join(", ")),
        };
        Source::Wrong(self.wrong(Rule::MissingPolicy, place, format!("there is no policy `{name}`"), mend))
    }

    /// Automation that comes to nothing, since every image here waits to be called by its name.
    pub(super) fn report_unnamed(&mut self, subjects: &[Subject<'_>], policies: &[ContainerPolicy]) {
        let Some(said) = self.said.get("automated").filter(|said| matches!(said.text, Ok("true"))).cloned() else {
            return;
        };
        let is_nobody_named = self.said.values().all(|said| said.container.is_none());
        let is_silent = policies.iter().all(|policy| *policy == ContainerPolicy::Unstated);
        let names = || subjects.iter().filter(|subject| subject.has_image).filter_map(|subject| subject.name);
        let Some(first) = names().min().filter(|_| is_silent && is_nobody_named) else { return };
        let message = format!("`{}` comes to nothing: each image here is followed only by its name", said.written);
        let prefix = said.written.strip_suffix("automated").unwrap_or_default();
        let mend = format!("write `{prefix}tag.{first}` with a pattern; there are: {}", listed(names()));
        self.report(Rule::NoImage, Severity::Warning, &said.key, message, mend);
    }

    /// A path that leads to no image was told where it was followed. A native one holds the workload, as
    /// everything does that is said of an image that is not there.
    fn hold_at(&mut self, said: &Said<'a>) {
        if said.voice != Voice::Native || self.held.is_some() {
            return;
        }
        let told = self.problems.iter().rev().find(|problem| problem.place == said.value);
        let reason = told.map_or_else(|| format!("`{}` leads to no image", said.written), Problem::text);
        self.hold(Wrong { reason, place: said.value.clone() });
    }

    fn lint_pattern(&mut self, policy: &Policy, place: &Place, current: Option<&Tag>) {
        let pattern = policy.pattern();
        if pattern.is_everything() && policy.stated_order().is_none() {
            let message = format!("`{pattern}` takes the newest of all tags, whatever kind of tag that is");
            let mend =
                "name the kind of tag, such as `glob:main-*`, or remove the pattern to stay with the kind that runs";
            self.report(Rule::EverythingPattern, Severity::Warning, place, message, mend);
        }
        let number = |tag: &&Tag| tag.as_str().len() >= 5 && tag.as_str().bytes().all(|byte| byte.is_ascii_digit());
        let bare = current.filter(number);
        if let (Some(PatternKind::Semver), Dialect::Flux, Some(tag)) = (pattern.kind(), pattern.dialect(), bare) {
            let message = format!("the tag `{tag}` counts as the version {tag}.0.0, as in Flux");
            let mend = "use a `regex:` pattern with `order: numeric` for dates and build numbers";
            self.report(Rule::NumberAsVersion, Severity::Warning, place, message, mend);
        }
    }

    /// Reports what is said about containers and images that are not there. In the native voice that holds the
    /// workload: with the name mistyped, the container would follow something wider.
    pub(super) fn report_strangers(&mut self, subjects: &[Subject<'_>], is_patch: bool) {
        let names: HashMap<&str, bool> =
            subjects.iter().filter_map(|subject| Some((subject.name?, subject.has_image))).collect();
        let only = (subjects.len() == 1).then(|| subjects[0].name).flatten();
        let listed = listed(names.keys().copied());
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
        let mut there: Vec<&str> = names.keys().copied().collect();
        there.sort_unstable();
        for said in strangers {
            if matches!(said.topic, Topic::Path(_)) {
                self.hold_at(&said);
                continue;
            }
            let container = said.container.as_deref().unwrap_or_default();
            let taken = only.is_some_and(|only| !self.said.contains_key(&format!("tag.{only}")));
            if container == CHART_IMAGE && said.topic == Topic::Pattern(None) && taken {
                continue;
            }
            if names.contains_key(container) {
                let message = format!("`{}` speaks about `{container}`, which has no image in this file", said.written);
                self.report(
                    Rule::UnknownContainer,
                    Severity::Hint,
                    &said.key,
                    message,
                    "write the image, or move the annotation to where it stands",
                );
                continue;
            }
            let severity = if is_patch { Severity::Hint } else { Severity::Warning };
            let bare = container.strip_prefix("tag.").unwrap_or(container);
            let meant = nearest(bare, there.iter().copied().take(MOST_NAMES), |name| name);
            let mend = match meant {
                Some(meant) => format!("did you mean `{meant}`? There are: {listed}"),
                None if there.is_empty() => "give the containers names".to_owned(),
                None => format!("there are: {listed}"),
            };
            let absent = if is_patch { "this patch shows no image" } else { "there is no image" };
            let message = format!("`{}` speaks about `{container}`, and {absent} of that name", said.written);
            // A name that is right but for its case, or blanks around it, is meant for that container.
            let is_slip = meant.is_some_and(|meant| meant.eq_ignore_ascii_case(container.trim()));
            if is_slip || (said.voice == Voice::Native && !is_patch) {
                let wrong = self.wrong(Rule::UnknownContainer, &said.key, message, mend);
                self.hold(wrong);
            } else {
                self.report(Rule::UnknownContainer, severity, &said.key, message, mend);
            }
        }
    }
}

/// Names in order, and how many more there are.
fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    match names.get(MOST_NAMES..) {
        Some(more @ [_, ..]) => format!("{} and {} more", names[..MOST_NAMES].join(", "), more.len()),
        _ => names.join(", "),
    }
}

/// A pattern of a kind that its key says, or its prefix.
pub(super) fn pattern(kind: Option<PatternKind>, text: &str, dialect: Dialect) -> Result<Pattern, InvalidPattern> {
    match kind {
        // A pattern that repeats its own kind, `tag-semver: semver:~1`, is clear enough.
        Some(kind) => Pattern::parse_as(kind, without_prefix(kind, text), dialect),
        None => Pattern::parse(text, dialect),
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

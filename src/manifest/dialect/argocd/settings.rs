//! What is said of images, level over level, and the policy that it makes.
//!
//! Must not know where a level is written.

use crate::manifest::problem::{Place, Problem, Rule, Severity};
use crate::manifest::workload::ContainerPolicy;
use crate::policy::{ArgocdImageUpdater, PatternKind, Peer};

/// One value, where it is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    /// The key as written.
    pub(super) written: String,
    /// Where the value stands.
    pub(super) place: Place,
    /// The text, trimmed.
    pub(super) text: String,
}

/// Several values, where they are said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Several {
    /// The key as written.
    pub(super) written: String,
    /// Where the values stand.
    pub(super) place: Place,
    /// The values.
    pub(super) items: Vec<String>,
}

/// What is said on one level.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) strategy: Option<Said>,
    pub(super) allow_tags: Option<Said>,
    pub(super) ignore_tags: Option<Several>,
    pub(super) platforms: Option<Several>,
}

impl Several {
    /// A list with commas.
    pub(super) fn of(said: Said) -> Self {
        let Said { written, place, text } = said;
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect();
        Self { written, place, items }
    }
}

impl Settings {
    /// What holds where this is said over something more general.
    pub(super) fn over(&self, below: &Self) -> Self {
        let Self { strategy, allow_tags, ignore_tags, platforms } = self.clone();
        Self {
            strategy: strategy.or_else(|| below.strategy.clone()),
            allow_tags: allow_tags.or_else(|| below.allow_tags.clone()),
            ignore_tags: ignore_tags.or_else(|| below.ignore_tags.clone()),
            platforms: platforms.or_else(|| below.platforms.clone()),
        }
    }

    /// Whether nothing is said.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The policy that this makes with a constraint, and the same in the words of the tool. What is wrong
    /// is reported.
    pub(super) fn judge(&self, constraint: &Said, problems: &mut Vec<Problem>) -> (ContainerPolicy, Peer) {
        let text = |said: &Option<Said>| said.as_ref().map(|said| said.text.as_str().into());
        let items = |several: &Option<Several>| {
            several.iter().flat_map(|several| &several.items).map(|item| item.as_str().into()).collect()
        };
        let peer = Peer::from(ArgocdImageUpdater {
            strategy: text(&self.strategy),
            constraint: Some(constraint.text.as_str()).filter(|text| !text.is_empty()).map(Into::into),
            allow_tags: text(&self.allow_tags),
            ignore_tags: items(&self.ignore_tags),
            platforms: items(&self.platforms),
        });
        let policy = match peer.policy() {
            Ok(policy) => {
                let takes_any = policy.pattern().kind() == Some(PatternKind::Glob);
                if let Some(strategy) = self.strategy.as_ref().filter(|_| takes_any) {
                    let Said { written, text, place } = strategy;
                    let message =
                        format!("`{written}` takes the last of all tags by `{text}`, whatever kind of tag that is");
                    let mend = "say with `allow-tags` which tags are meant";
                    let place = place.clone();
                    problems.push(Problem::new(Rule::EverythingPattern, Severity::Hint, place, message, mend));
                }
                ContainerPolicy::Stated(policy)
            }
            Err(wrong) => {
                let of = |said: &Option<Said>| said.as_ref().map(|said| (said.written.clone(), said.place.clone()));
                let of_several = |several: &Option<Several>| {
                    several.as_ref().map(|several| (several.written.clone(), several.place.clone()))
                };
                let (written, place) = match wrong.setting() {
                    "update-strategy" => of(&self.strategy),
                    "allow-tags" => of(&self.allow_tags),
                    "ignore-tags" => of_several(&self.ignore_tags),
                    "platforms" => of_several(&self.platforms),
                    _ => None,
                }
                .unwrap_or_else(|| (constraint.written.clone(), constraint.place.clone()));
                let rule = match wrong.setting() {
                    _ if wrong.is_for_later() => Rule::NotSupported,
                    "update-strategy" => Rule::InvalidValue,
                    _ => Rule::InvalidPattern,
                };
                let message = format!("`{written}` cannot be followed: {}", wrong.what());
                hold(Problem::new(rule, Severity::Error, place, message, wrong.mend()), problems)
            }
        };
        (policy, peer)
    }

    /// Whether the strategy looks at the platforms of an image.
    pub(super) fn looks_at_platforms(&self) -> bool {
        let strategy = self.strategy.as_ref().map(|said| said.text.to_ascii_lowercase());
        matches!(strategy.as_deref(), Some("newest-build" | "latest" | "digest"))
    }
}

/// Reports what is wrong, and follows nothing until it is mended.
pub(super) fn hold(problem: Problem, problems: &mut Vec<Problem>) -> ContainerPolicy {
    let (reason, place) = (problem.text(), problem.place.clone());
    problems.push(problem);
    ContainerPolicy::Invalid { reason, place }
}

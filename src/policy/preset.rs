//! Named policies: a policy with a purpose, and examples that prove it.
//!
//! A [`PresetSource`] is a policy file as strings; [`Preset::new`] checks every one of them. Knows
//! nothing of YAML and of where the files lie.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use super::decide::{Candidate, Decision, Hold, decide};
use super::gate::Since;
use super::{Dialect, Exclude, MinAge, Order, Pattern, Policy, PolicyBuilder, Within};
use crate::image::Tag;

/// What a named policy is called: small letters, digits and `-`, a letter first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PresetName(Box<str>);

/// A text that cannot name a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no name for a policy: use small letters, digits and `-`, beginning with a letter")]
pub struct InvalidPresetName {
    text: String,
}

/// A named policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preset {
    name: PresetName,
    purpose: String,
    policy: Policy,
    examples: Vec<Example>,
}

/// Tags, the current one, and what the policy should make of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The tags there are.
    pub tags: Vec<Candidate>,
    /// The tag that stands in Git.
    pub current: Option<Tag>,
    /// The time of the decision, where it matters.
    pub now: Option<Timestamp>,
    /// What should come of it.
    pub expect: Expected,
}

/// What should come of an example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// This tag is written.
    Update(Tag),
    /// Nothing changes, with the [name](Hold::name) of the hold.
    Hold(String),
}

/// A policy file as its strings, before anything is checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PresetSource {
    /// `name`
    pub name: String,
    /// `for`: what the policy is for, in one sentence.
    pub purpose: String,
    /// `pattern`, with its prefix; none means the own family of the current tag.
    pub pattern: Option<String>,
    /// `order`
    pub order: Option<String>,
    /// `extract`
    pub extract: Option<String>,
    /// `exclude`
    pub exclude: Option<String>,
    /// `within`: `major` or `minor`.
    pub within: Option<String>,
    /// `min-age`
    pub min_age: Option<String>,
    /// `allow-downgrade`
    pub allow_downgrade: bool,
    /// `examples`
    pub examples: Vec<ExampleSource>,
}

/// An example as its strings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExampleSource {
    /// `tags`
    pub tags: Vec<ExampleTag>,
    /// `current`
    pub current: Option<String>,
    /// `now`: the time of the decision, RFC 3339.
    pub now: Option<String>,
    /// `expect`: the tag that is written, …
    pub update: Option<String>,
    /// … or the name of a hold. Exactly one of the two is stated.
    pub hold: Option<String>,
}

/// A tag of an example as its strings. Times are written as RFC 3339 has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExampleTag {
    /// `tag`
    pub tag: String,
    /// `created`
    pub created: Option<String>,
    /// `first-seen`
    pub first_seen: Option<String>,
    /// `pushed`
    pub pushed: Option<String>,
}

/// A policy file that is none: which key, and what is wrong with its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {what}")]
pub struct InvalidPreset {
    key: &'static str,
    example: Option<usize>,
    what: String,
}

/// The named policies that can be used, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Presets(BTreeMap<PresetName, Preset>);

impl PresetName {
    /// Reads a name.
    ///
    /// # Errors
    /// [`InvalidPresetName`] for anything but small letters, digits and `-` behind a letter.
    pub fn parse(text: &str) -> Result<Self, InvalidPresetName> {
        let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if text.len() <= 63 && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.bytes().all(good) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidPresetName { text: text.chars().take(140).collect() })
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Preset {
    /// Checks a policy file. The examples are read and not run; see
    /// [`check_examples`](Self::check_examples).
    ///
    /// # Errors
    /// [`InvalidPreset`] names the key and what is wrong with its value.
    pub fn new(source: &PresetSource) -> Result<Self, InvalidPreset> {
        let name = PresetName::parse(&source.name).map_err(|why| invalid("name", &why))?;
        let purpose = source.purpose.trim().to_owned();
        if purpose.is_empty() {
            return Err(invalid("for", &"say in one sentence what the policy is for"));
        }
        let pattern = match &source.pattern {
            Some(text) => Pattern::parse(text, Dialect::Native).map_err(|why| invalid("pattern", &why))?,
            None => Pattern::family(Dialect::Native),
        };
        let mut builder = Policy::builder(pattern).preset(name.as_str()).allow_downgrade(source.allow_downgrade);
        if let Some(text) = &source.order {
            builder = builder.order(Order::parse(text).map_err(|why| invalid("order", &why))?);
        }
        if let Some(text) = &source.exclude {
            builder = builder.exclude(Exclude::parse(text).map_err(|why| invalid("exclude", &why))?);
        }
        if let Some(text) = &source.within {
            builder = builder.within(Within::parse(text).map_err(|why| invalid("within", &why))?);
        }
        if let Some(text) = &source.min_age {
            builder = builder.min_age(MinAge::parse(text).map_err(|why| invalid("min-age", &why))?);
        }
        if let Some(text) = &source.extract {
            builder = builder.extract(text);
        }
        let policy = builder.build().map_err(|why| match why {
            super::InvalidPolicy::Extract(why) => invalid("extract", &why),
            why => invalid("within", &why),
        })?;
        let examples = source
            .examples
            .iter()
            .enumerate()
            .map(|(index, example)| {
                Example::new(example).map_err(|what| InvalidPreset { key: "examples", example: Some(index), what })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { name, purpose, policy, examples })
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &PresetName {
        &self.name
    }

    /// What it is for, in one sentence.
    #[must_use]
    pub fn purpose(&self) -> &str {
        &self.purpose
    }

    /// The policy, which knows the name it was made from.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The examples.
    #[must_use]
    pub fn examples(&self) -> &[Example] {
        &self.examples
    }

    /// A builder that begins with this policy, for a workload that says more beside the name.
    #[must_use]
    pub fn builder(&self) -> PolicyBuilder {
        PolicyBuilder::from_policy(&self.policy)
    }

    /// Runs the examples.
    ///
    /// # Errors
    /// [`InvalidPreset`] for the first example that comes out otherwise than it says.
    pub fn check_examples(&self) -> Result<(), InvalidPreset> {
        for (index, example) in self.examples.iter().enumerate() {
            let now = example.now.unwrap_or_default();
            let outcome = match decide(&self.policy, example.current.as_ref(), &example.tags, now).decision {
                Decision::Update(choice) => Expected::Update(choice.tag),
                Decision::Hold(hold) => Expected::Hold(hold.name().to_owned()),
            };
            if outcome != example.expect {
                let what = format!("example {} expects {}, and the policy gives {outcome}", index + 1, example.expect);
                return Err(InvalidPreset { key: "examples", example: Some(index), what });
            }
        }
        Ok(())
    }
}

impl Example {
    fn new(source: &ExampleSource) -> Result<Self, String> {
        let tag = |text: &String| Tag::parse(text).map_err(|why| why.to_string());
        let time = |text: &Option<String>, what: &str| {
            text.as_deref()
                .map(Timestamp::from_str)
                .transpose()
                .map_err(|why| format!("{what} is no time ({why}); write it like 2026-01-31T08:00:00Z"))
        };
        let now = time(&source.now, "`now`")?;
        let tags = source
            .tags
            .iter()
            .map(|listed| {
                let of = |what: &str| format!("the {what} of {:?}", listed.tag);
                let first_seen = time(&listed.first_seen, &of("first-seen time"))?;
                let pushed = time(&listed.pushed, &of("pushed time"))?;
                let since = Since::of(first_seen, pushed);
                if since.is_some() && now.is_none() {
                    return Err("an example says when its tags came, and not when it is; write `now: …`".to_owned());
                }
                let created = time(&listed.created, &of("created time"))?;
                // An example that is about something else says nothing of ages.
                Ok(Candidate { tag: tag(&listed.tag)?, created, since: since.or(Some(Since::EVER)) })
            })
            .collect::<Result<_, String>>()?;
        let current = source.current.as_ref().map(tag).transpose()?;
        let expect = match (&source.update, &source.hold) {
            (Some(update), None) => Expected::Update(tag(update)?),
            (None, Some(hold)) if Hold::NAMES.contains(&hold.as_str()) => Expected::Hold(hold.clone()),
            (None, Some(hold)) => {
                return Err(format!("there is no hold named {hold:?}; use one of {}", Hold::NAMES.join(", ")));
            }
            _ => return Err("an example expects a tag or `hold: …`, and not both".to_owned()),
        };
        Ok(Self { tags, current, now, expect })
    }
}

impl InvalidPreset {
    /// The key of the policy file that is wrong.
    #[must_use]
    pub fn key(&self) -> &'static str {
        self.key
    }

    /// Which example is wrong, counted from 0, if it is one.
    #[must_use]
    pub fn example(&self) -> Option<usize> {
        self.example
    }
}

impl Presets {
    /// The policy of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Preset> {
        self.0.get(name)
    }

    /// Adds a policy; one of the same name that was there before is given back.
    pub fn insert(&mut self, preset: Preset) -> Option<Preset> {
        self.0.insert(preset.name.clone(), preset)
    }

    /// The names, in their order.
    pub fn names(&self) -> impl Iterator<Item = &PresetName> {
        self.0.keys()
    }

    /// The policies, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Preset> {
        self.0.values()
    }
}

fn invalid(key: &'static str, what: &impl fmt::Display) -> InvalidPreset {
    InvalidPreset { key, example: None, what: what.to_string() }
}

impl Borrow<str> for PresetName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PresetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Update(tag) => write!(f, "`{tag}`"),
            Self::Hold(name) => write!(f, "hold: {name}"),
        }
    }
}

#[cfg(test)]
mod tests;

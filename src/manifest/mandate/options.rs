//! What stands beside a pattern: the order, and all that narrows it, for one container.
//!
//! Knows how the words go together; not which pattern they stand beside.

use super::choice::pattern;
use super::{Reader, Said, Wrong};
use crate::manifest::problem::{Place, Rule};
use crate::policy::{Exclude, MinAge, Order, PatternKind, Policy, PolicyBuilder, Prerelease, Versions, Within};

/// The words beside a pattern that count for one container.
#[derive(Debug, Clone)]
pub(super) struct Options<'a> {
    order: Option<Said<'a>>,
    extract: Option<Said<'a>>,
    constraint: Option<Said<'a>>,
    versions: Option<Said<'a>>,
    within: Option<Said<'a>>,
    prerelease: Option<Said<'a>>,
    min_age: Option<Said<'a>>,
    /// Its own, and what is left out for all.
    excludes: Vec<Said<'a>>,
}

impl<'a> Options<'a> {
    /// What they are called.
    pub(super) const TOPICS: [&'static str; 8] =
        ["order", "extract", "exclude", "constraint", "versions", "within", "prerelease", "min-age"];

    /// Those that are said for the container of this name. What says how tags are read for all containers
    /// goes with the pattern for all containers, which `is_shared` tells; what only narrows holds anyway.
    pub(super) fn said(reader: &Reader<'a, '_>, name: &str, is_shared: bool) -> Self {
        let own = |topic: &str| reader.said.get(&format!("{topic}.{name}"));
        let wide = |topic: &str| reader.said.get(topic);
        let reading = |topic: &str| own(topic).or_else(|| wide(topic).filter(|_| is_shared)).cloned();
        let narrowing = |topic: &str| own(topic).or_else(|| wide(topic)).cloned();
        Self {
            order: reading("order"),
            extract: reading("extract"),
            constraint: reading("constraint"),
            versions: reading("versions"),
            within: narrowing("within"),
            prerelease: narrowing("prerelease"),
            min_age: narrowing("min-age"),
            excludes: [own("exclude"), wide("exclude")].into_iter().flatten().cloned().collect(),
        }
    }

    /// The first of them, if there is any.
    pub(super) fn first(&self) -> Option<&Said<'a>> {
        let reading = [&self.order, &self.extract, &self.constraint, &self.versions];
        let narrowing = [&self.within, &self.prerelease, &self.min_age];
        reading.into_iter().chain(narrowing).flatten().chain(&self.excludes).next()
    }

    /// The policy that they make of this one, whose pattern stands at `place`.
    pub(super) fn assemble(
        self,
        reader: &mut Reader<'a, '_>,
        base: &Policy,
        place: Option<&Place>,
        allow_downgrade: bool,
    ) -> Result<Policy, Wrong> {
        let mut builder = PolicyBuilder::from_policy(base);
        if allow_downgrade {
            builder = builder.allow_downgrade(true);
        }
        if let Some(said) = &self.order {
            builder = builder.order(read(reader, said, Order::parse)?);
        }
        if let Some(said) = &self.extract {
            builder = builder.extract(said.text.clone()?);
        }
        if let Some(said) = &self.constraint {
            let range = pattern(Some(PatternKind::Semver), said.text.clone()?, said.voice.dialect());
            builder = builder.constraint(
                range
                    .map_err(|error| reader.wrong(Rule::InvalidPattern, &said.value, error.message(), error.mend()))?,
            );
        }
        if let Some(said) = &self.versions {
            builder = builder.versions(read(reader, said, Versions::parse)?);
        }
        if let Some(said) = &self.within {
            builder = builder.within(read(reader, said, Within::parse)?);
        }
        if let Some(said) = &self.prerelease {
            builder = builder.prerelease(read(reader, said, Prerelease::parse)?);
        }
        if let Some(said) = &self.min_age {
            builder = builder.min_age(read(reader, said, MinAge::parse)?);
        }
        let mut exclude = base.exclude().clone();
        for said in &self.excludes {
            let more = Exclude::parse(said.text.clone()?)
                .map_err(|error| reader.wrong(Rule::InvalidPattern, &said.value, error.message(), error.mend()))?;
            exclude = exclude.and(&more);
        }
        builder.exclude(exclude).build().map_err(|error| {
            let speaker = [self.extract, self.constraint, self.within, self.prerelease, self.order];
            let speaker = speaker.into_iter().flatten().next().map(|said| said.value);
            let place = speaker.or_else(|| place.cloned());
            let place = place.unwrap_or(Place { file: reader.file.clone(), line: 1, column: 1 });
            reader.wrong(Rule::InvalidPattern, &place, error.to_string(), "")
        })
    }
}

/// Reads the value of a word.
fn read<'a, T, E: ToString>(
    reader: &mut Reader<'a, '_>,
    said: &Said<'a>,
    parse: impl FnOnce(&'a str) -> Result<T, E>,
) -> Result<T, Wrong> {
    let text = said.text.clone()?;
    parse(text).map_err(|error| reader.wrong(Rule::InvalidPattern, &said.value, error.to_string(), ""))
}

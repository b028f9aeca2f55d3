//! Words of the vocabulary that Flux version 1 shares with us: the same keys under our prefix, and other
//! values where the same text would mean something else.
//!
//! Knows keys and what they are about; must not know where they stand.

use std::collections::{BTreeMap, BTreeSet};

use super::words::{PREFIX, key};
use crate::image::Tag;
use crate::manifest::{Container, ContainerPolicy, ForeignMeaning, ForeignObject, ForeignPart, ForeignWord, Reword};
use crate::policy::{Dialect, Pattern, PatternKind, Policy};

/// What annotations call the only image of a release, and by mistake the only container of a pod.
const CHART_IMAGE: &str = "chart-image";

/// A container of an object, and what it follows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named<'a> {
    pub(super) name: &'a str,
    /// The policy, and the tag that stands there; `None` where it follows none here.
    pub(super) stated: Option<(&'a Policy, Option<&'a Tag>)>,
}

impl<'a> Named<'a> {
    pub(super) fn of(container: &'a Container) -> Self {
        let stated = match &container.policy {
            ContainerPolicy::Stated(policy) => Some((policy, container.image.reference().tag())),
            _ => None,
        };
        Self { name: &container.name, stated }
    }
}

/// What becomes of the words of an object.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Exchange {
    /// The changes.
    pub(super) rewords: Vec<Reword>,
    /// The annotations that stand there then, in the order of the file, with the container they are about.
    pub(super) becomes: Vec<(Option<String>, String, String)>,
    /// The words that stay as they are, by number, and why.
    pub(super) stay: Vec<(usize, String)>,
}

/// Exchanges the words of Flux in an object with these containers.
///
/// # Errors
/// Why that cannot be done.
pub(super) fn exchange(object: &ForeignObject, containers: &[Named<'_>]) -> Result<Exchange, String> {
    let names: BTreeSet<&str> = containers.iter().map(|named| named.name).collect();
    let mut desk = Desk { object, containers, names, exchange: Exchange::default(), said: BTreeMap::new() };
    desk.sort();
    desk.exchange_paths()?;
    desk.exchange_words()?;
    desk.add_what_is_missing()?;
    Ok(desk.exchange)
}

struct Desk<'a> {
    object: &'a ForeignObject,
    containers: &'a [Named<'a>],
    names: BTreeSet<&'a str>,
    exchange: Exchange,
    /// Who says what, by the key without a prefix, those that are believed first.
    said: BTreeMap<String, Vec<(u8, &'a ForeignWord)>>,
}

impl<'a> Desk<'a> {
    /// Puts the words in order; those about nothing that is here stay.
    fn sort(&mut self) {
        let object = self.object;
        for (number, word) in object.words.iter().enumerate().filter(|(_, word)| word.dialect == Dialect::Flux) {
            let (container, rank) = match &word.meaning {
                ForeignMeaning::Pattern { container, rank, .. } | ForeignMeaning::Shared { container, rank, .. } => {
                    (container.as_deref(), *rank)
                }
                ForeignMeaning::Path { .. } => continue,
                ForeignMeaning::Own | ForeignMeaning::Unknown => {
                    self.stay(number, "nobody knows this key; remove it");
                    continue;
                }
            };
            let Some(container) =
                container.map(|container| self.resolve(container)).map_or(Some(None), |name| name.map(Some))
            else {
                let why = format!(
                    "there is no image `{}` here, so it says nothing; remove it",
                    container.unwrap_or_default()
                );
                self.stay(number, &why);
                continue;
            };
            let key = match &word.meaning {
                ForeignMeaning::Pattern { kind: Some(kind), .. } => format!("tag-{}", kind_name(*kind)),
                ForeignMeaning::Pattern { .. } => format!("tag.{}", container.unwrap_or_default()),
                ForeignMeaning::Shared { key, .. } => key.clone(),
                _ => continue,
            };
            self.said.entry(key).or_default().push((rank, word));
        }
        for words in self.said.values_mut() {
            words.sort_by_key(|(rank, word)| (*rank, word.place.clone()));
        }
    }

    /// The container that is meant, if it is here.
    fn resolve(&self, container: &str) -> Option<&'a str> {
        let named = self.names.get(container).copied();
        let only = || self.names.first().copied().filter(|_| self.names.len() == 1 && container == CHART_IMAGE);
        named.or_else(only)
    }

    fn stay(&mut self, number: usize, why: &str) {
        self.exchange.stay.push((number, why.to_owned()));
    }

    /// Paths to the parts of an image: natively one path, to the image or to the mapping of its parts.
    fn exchange_paths(&mut self) -> Result<(), String> {
        let mut parts: BTreeMap<&str, BTreeMap<ForeignPart, &'a ForeignWord>> = BTreeMap::new();
        for (number, word) in self.object.words.iter().enumerate() {
            let ForeignMeaning::Path { alias, part } = &word.meaning else { continue };
            if self.names.contains(alias.as_str()) {
                parts.entry(alias).or_default().insert(*part, word);
            } else {
                self.stay(number, "it leads to no image; remove it");
            }
        }
        for (alias, parts) in parts {
            let key = key("image", Some(alias));
            let around = |word: &ForeignWord| word.value.trim().rsplit_once('.').map(|(around, _)| around.to_owned());
            let whole = parts
                .get(&ForeignPart::Image)
                .or_else(|| parts.get(&ForeignPart::Repository).filter(|_| parts.len() == 1));
            if let Some(word) = whole {
                self.replace(word, key, None, Some(alias));
                continue;
            }
            let mut mappings: Vec<Option<String>> = parts.values().map(|word| around(word)).collect();
            mappings.dedup();
            let (Some(repository), [Some(mapping)]) = (parts.get(&ForeignPart::Repository), &mappings[..]) else {
                let keys: Vec<String> = parts.values().map(|word| format!("`{}`", word.key)).collect();
                return Err(format!(
                    "the parts of `{alias}` stand in several mappings ({}), and one native path leads to one; mark the tag with a comment such as `# landwaiter: semver:~1.2 image=…`",
                    keys.join(", ")
                ));
            };
            self.replace(repository, key, Some(mapping.clone()), Some(alias));
            for (part, word) in &parts {
                if *part != ForeignPart::Repository {
                    self.exchange.rewords.push(Reword::Remove { key: word.key.to_string() });
                }
            }
        }
        Ok(())
    }

    fn exchange_words(&mut self) -> Result<(), String> {
        for (canonical, words) in std::mem::take(&mut self.said) {
            // What is said natively counts, whatever else is said.
            let is_native = self.object.natives.contains(&canonical);
            let winner = words.first().filter(|_| !is_native).map(|(_, word)| *word);
            for (_, word) in words.iter().skip(usize::from(winner.is_some())) {
                self.exchange.rewords.push(Reword::Remove { key: word.key.to_string() });
            }
            if let Some(word) = winner {
                let (value, container) = match &word.meaning {
                    ForeignMeaning::Pattern { kind, .. } => {
                        let container = canonical.strip_prefix("tag.").map(str::to_owned);
                        (self.pattern(word, *kind, container.as_deref())?, container)
                    }
                    ForeignMeaning::Shared { container, .. } => (None, container.clone()),
                    _ => (None, None),
                };
                self.replace(word, format!("{PREFIX}{canonical}"), value, container.as_deref());
            }
            self.said.insert(canonical, words);
        }
        Ok(())
    }

    /// The native text of a pattern, where it is another one than that of Flux.
    fn pattern(
        &self,
        word: &ForeignWord,
        kind: Option<PatternKind>,
        container: Option<&str>,
    ) -> Result<Option<String>, String> {
        let own = |named: &&Named<'_>| container.is_none_or(|container| named.name == container);
        let follows = |named: &Named<'a>| {
            let is_by_all =
                container.is_none() && self.object.words.iter().any(|word| self.is_pattern_of(word, named.name));
            named.stated.filter(|_| !is_by_all)
        };
        let Some((policy, current)) = self.containers.iter().filter(own).find_map(follows) else { return Ok(None) };
        let words = policy.native_words(current).map_err(|error| error.to_string())?;
        let Some((_, native)) = words.into_iter().find(|(word, _)| *word == "tag") else { return Ok(None) };
        let native_pattern = Pattern::parse(&native, Dialect::Native).ok();
        let text = word.value.trim();
        let (same, native) = match kind {
            None => (Pattern::parse(text, Dialect::Native).ok(), native),
            Some(kind) => {
                let body = native.split_once(':').map_or(native.as_str(), |(_, body)| body).to_owned();
                let text = text.strip_prefix(kind_name(kind)).and_then(|text| text.strip_prefix(':')).unwrap_or(text);
                (Pattern::parse_as(kind, text, Dialect::Native).ok(), body)
            }
        };
        Ok((same.is_none() || same != native_pattern).then_some(native))
    }

    fn is_pattern_of(&self, word: &ForeignWord, name: &str) -> bool {
        matches!(&word.meaning, ForeignMeaning::Pattern { container: Some(container), .. } if self.resolve(container) == Some(name))
    }

    /// What is in the policies and is said by no word that is exchanged: what Flux means without saying it.
    fn add_what_is_missing(&mut self) -> Result<(), String> {
        let natives = &self.object.natives;
        let is_said = |said: &BTreeMap<String, Vec<_>>, key: &str| {
            said.contains_key(key) || natives.iter().any(|native| native == key)
        };
        let mut added: BTreeMap<String, (Option<String>, String)> = BTreeMap::new();
        for named in self.containers {
            let Some((policy, current)) = named.stated else { continue };
            let is_preset =
                ["policy".to_owned(), format!("policy.{}", named.name)].iter().any(|key| is_said(&self.said, key));
            if is_preset && !is_said(&self.said, &format!("tag.{}", named.name)) {
                continue;
            }
            for (word, value) in policy.native_words(current).map_err(|error| error.to_string())? {
                let scoped = format!("{word}.{}", named.name);
                if word == "tag" || is_said(&self.said, word) || is_said(&self.said, &scoped) {
                    continue;
                }
                added.insert(key(word, Some(named.name)), (Some(named.name.to_owned()), value));
            }
        }
        for (key, (container, value)) in added {
            self.exchange.rewords.push(Reword::Add { key: key.clone(), value: value.clone() });
            self.exchange.becomes.push((container, key, value));
        }
        Ok(())
    }

    fn replace(&mut self, word: &ForeignWord, new_key: String, new_value: Option<String>, container: Option<&str>) {
        let value = new_value.clone().unwrap_or_else(|| word.value.to_string());
        self.exchange.becomes.push((container.map(str::to_owned), new_key.clone(), value));
        self.exchange.rewords.push(Reword::Replace { key: word.key.to_string(), new_key, new_value });
    }
}

fn kind_name(kind: PatternKind) -> &'static str {
    match kind {
        PatternKind::Glob => "glob",
        PatternKind::Semver => "semver",
        PatternKind::Regex => "regex",
    }
}

#[cfg(test)]
mod tests;

//! Settings in words of their own on the object that they are for, as Keel has them: they go, and native
//! annotations come in their place.
//!
//! Must not know what a setting means, only what it came to.

use std::collections::BTreeSet;

use super::shared::{Exchange, Named};
use super::words::{PREFIX, key, of_all, of_container};
use crate::manifest::{ForeignMeaning, ForeignObject, Reword};
use crate::policy::Dialect;

/// Exchanges the settings in an object that come to this for its containers; those that follow none are
/// left out natively. `are_all_alike` tells whether what is said for all containers is said of each of them,
/// and `is_said` whether native words there say all of it already.
///
/// # Errors
/// Why that cannot be done.
pub(super) fn exchange(
    object: &ForeignObject,
    dialect: Dialect,
    containers: &[Named<'_>],
    are_all_alike: bool,
    is_said: bool,
) -> Result<Exchange, String> {
    let mut exchange = Exchange::default();
    for (number, word) in object.words.iter().enumerate().filter(|(_, word)| word.dialect == dialect) {
        let key = word.key.to_string();
        if word.meaning == ForeignMeaning::Unknown {
            exchange.stay.push((number, "nobody knows this key; remove it".to_owned()));
        } else {
            exchange.rewords.push(if word.is_label { Reword::RemoveLabel { key } } else { Reword::Remove { key } });
        }
    }
    // Where nothing is followed there is nothing to say.
    if is_said || containers.iter().all(|named| named.stated.is_none()) {
        return Ok(exchange);
    }
    let others = object.words.iter().any(|word| word.dialect != dialect);
    if others || !object.natives.is_empty() {
        let beside = if others { "words of another tool" } else { "native words" };
        return Err(format!(
            "{beside} stand beside those of {}, and do not say the same; remove one of them by hand",
            dialect.tool()
        ));
    }
    exchange.add(None, format!("{PREFIX}automated"), "true".to_owned());
    let followed = containers.iter().filter_map(|named| Some((named.name, named.stated?)));
    let mut alike = BTreeSet::new();
    for (_, (policy, current)) in followed.clone() {
        alike.insert(of_all(policy, current).map_err(|error| error.to_string())?);
    }
    let is_for_all = are_all_alike && containers.iter().all(|named| named.stated.is_some());
    if let (true, 1, Some(words)) = (is_for_all, alike.len(), alike.first()) {
        for (key, value) in words.clone() {
            exchange.add(None, key, value);
        }
        return Ok(exchange);
    }
    for (name, (policy, current)) in followed {
        for (key, value) in of_container(policy, current, name).map_err(|error| error.to_string())? {
            exchange.add(Some(name), key, value);
        }
    }
    // Natively all containers of what is automated are followed.
    for named in containers.iter().filter(|named| named.stated.is_none()) {
        exchange.add(Some(named.name), key("exclude", Some(named.name)), "*".to_owned());
    }
    Ok(exchange)
}

impl Exchange {
    /// Adds an annotation, once.
    pub(super) fn add(&mut self, container: Option<&str>, key: String, value: String) {
        let is_there = |reword: &Reword| matches!(reword, Reword::Add { key: there, .. } if *there == key);
        if !self.rewords.iter().any(is_there) {
            self.rewords.push(Reword::Add { key: key.clone(), value: value.clone() });
            self.becomes.push((container.map(str::to_owned), key, value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Exchange, Named, exchange};
    use crate::manifest::{Document, Reword, Terms, read};
    use crate::path::RepoPath;
    use crate::policy::{Dialect, Dialects};

    fn told(metadata: &str, is_said: bool) -> Result<Vec<String>, String> {
        let source = format!(
            "kind: Deployment\nmetadata: {{{metadata}}}\nspec: {{template: {{spec: {{containers: [{{name: app, image: 'a:1.0.0'}}, {{name: db, image: 'b:1.0.0'}}]}}}}}}\n"
        );
        let path = RepoPath::parse("a.yaml").unwrap();
        let objects = Document::open(&path, source.as_bytes()).unwrap().foreign_objects(Dialects::default());
        let manifest = read(&path, source.as_bytes(), Terms::builtin());
        let named: Vec<Named<'_>> = manifest.workloads[0].containers.iter().map(Named::of).collect();
        let Exchange { rewords, .. } = exchange(&objects[0], Dialect::Keel, &named, true, is_said)?;
        let reword = |reword: &Reword| match reword {
            Reword::Remove { key } => format!("{key} goes"),
            Reword::RemoveLabel { key } => format!("label {key} goes"),
            Reword::Add { key, value } => format!("+ {key}: {value}"),
            Reword::Replace { .. } => "?".to_owned(),
        };
        Ok(rewords.iter().map(reword).collect())
    }

    #[track_caller]
    fn check(metadata: &str, expected: &[&str]) {
        assert_eq!(told(metadata, false).unwrap(), expected, "{metadata}");
    }

    #[test]
    fn settings_go_and_words_come() {
        check(
            "labels: {app: x, keel.sh/policy: all}, annotations: {keel.sh/pollSchedule: '@every 1m'}",
            &[
                "label keel.sh/policy goes",
                "keel.sh/pollSchedule goes",
                "+ landwaiter/automated: true",
                "+ landwaiter/tag-semver: >=0.0.0-0",
                "+ landwaiter/within: any",
                "+ landwaiter/exclude: regex:[^.]*",
            ],
        );
        check(
            "annotations: {keel.sh/policy: 'glob:a-*', keel.sh/monitorContainers: app}",
            &[
                "keel.sh/policy goes",
                "keel.sh/monitorContainers goes",
                "+ landwaiter/automated: true",
                "+ landwaiter/tag.app: glob:a-*",
                "+ landwaiter/order.app: alphabetical",
                "+ landwaiter/exclude.db: *",
            ],
        );
    }

    #[test]
    fn what_is_said_natively_is_not_said_twice() {
        let native = "landwaiter/automated: 'true', landwaiter/tag-glob: a-*, landwaiter/order: alphabetical";
        let both = &format!("annotations: {{keel.sh/policy: 'glob:a-*', {native}}}");
        assert_eq!(told(both, true).unwrap(), ["keel.sh/policy goes"]);
        assert_eq!(
            told(both, false).unwrap_err(),
            "native words stand beside those of Keel, and do not say the same; remove one of them by hand"
        );
    }
}

//! `docs/policies.md`: the named policies and the recipes, each with its examples, which come out as they
//! say.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use landwaiter::image::Tag;
use landwaiter::manifest::{builtin_presets, read_policy_file};
use landwaiter::path::RepoPath;
use landwaiter::policy::{Candidate, Expected, Preset, Since, Witness};

use super::{holds, row};

#[test]
fn the_named_policies_are_in_the_cookbook() {
    let named = builtin_presets().iter().map(named).collect::<Vec<_>>();
    holds("docs/policies.md", "named", &named.concat());
}

#[test]
fn every_recipe_of_the_cookbook_comes_out_as_it_says() {
    let mut recipes = String::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cookbook");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 10, "the recipes were not found");
    for file in files {
        let path = RepoPath::parse(file.file_name().unwrap().to_str().unwrap()).unwrap();
        let preset =
            read_policy_file(&path, &fs::read(&file).unwrap()).unwrap_or_else(|problems| panic!("{problems:?}"));
        preset.check_examples().unwrap_or_else(|error| panic!("{path}: {error}"));
        recipes.push_str(&recipe(&preset));
    }
    holds("docs/policies.md", "recipes", &recipes);
}

fn named(preset: &Preset) -> String {
    format!("### `{}`\n\n{}.\n\n{}", preset.name(), preset.purpose(), examples(preset))
}

/// A recipe is written as the annotations that say it.
fn recipe(preset: &Preset) -> String {
    let policy = preset.policy();
    let mut words = vec![("tag.app", policy.pattern().to_string())];
    words.extend(policy.stated_order().map(|order| ("order", order.to_string())));
    words.extend(policy.extract().map(|extract| ("extract", extract.to_string())));
    if !policy.exclude().is_none() {
        words.push(("exclude", policy.exclude().to_string()));
    }
    words.extend(policy.min_age().map(|min_age| ("min-age", min_age.to_string())));
    let lines: Vec<String> = words.iter().map(|(key, value)| format!("landwaiter/{key}: '{value}'\n")).collect();
    let lines = lines.concat();
    format!("### {}\n\n```yaml\nlandwaiter/automated: 'true'\n{lines}```\n\n{}", preset.purpose(), examples(preset))
}

fn examples(preset: &Preset) -> String {
    let mut table = row(&["there are", "in Git", "outcome"]) + "|---|---|---|\n";
    for example in preset.examples() {
        let tags: Vec<String> = example.tags.iter().map(shown).collect();
        let tags = match example.now {
            Some(now) => format!("{}; it is {}", tags.join(", "), hour(now)),
            None => tags.join(", "),
        };
        let current = example.current.as_ref().map_or("(no tag)".to_owned(), |tag| format!("`{tag}`"));
        let outcome = match &example.expect {
            Expected::Update(tag) => format!("**`{tag}`**"),
            Expected::Hold(name) => format!("held: {name}"),
        };
        table.push_str(&row(&[&tags, &current, &outcome]));
    }
    table + "\n"
}

/// A tag, with the day and hour when its image was made and since when it is there, where that is known.
fn shown(candidate: &Candidate) -> String {
    let tag: &Tag = &candidate.tag;
    let since = candidate.since.filter(|since| *since != Since::EVER).map(|since| match since.by {
        Witness::Pushed => format!("pushed {}", hour(since.at)),
        _ => format!("first seen {}", hour(since.at)),
    });
    match candidate.created.map(hour).or(since) {
        Some(when) => format!("`{tag}` ({when})"),
        None => format!("`{tag}`"),
    }
}

fn hour(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M").to_string()
}

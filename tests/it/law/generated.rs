//! What must hold for every generated file: the images that were put into it are found, and no other;
//! no change changes nothing; new tags change the bytes of their values alone.

use super::file::{File, Image};
use super::generate::{Generated, Planted, generate};
use super::words::{commented, reworded};

/// The tags that are written, and whether YAML takes them for something else than a text.
const TAGS: [(&str, bool); 14] = [
    ("2", true),
    ("v2.0.0", false),
    ("1.10", true),
    ("1e3", true),
    ("0755", true),
    ("true", true),
    ("20240101", true),
    ("0x1F", true),
    ("main-a1b2c3d", false),
    ("null", true),
    ("1.20-alpine", false),
    ("1_000", true),
    ("2024-01-01", true),
    ("y", true),
];

/// The file as it must be: the bytes of these values exchanged, and all others as they were.
fn with_values(file: &Generated, changes: &[(usize, &str)]) -> String {
    let mut changes: Vec<_> = changes.iter().map(|&(value, tag)| (&file.values[value], tag)).collect();
    changes.sort_by_key(|(value, _)| value.span.start);
    let mut text = String::new();
    let mut at = 0;
    for (value, tag) in changes {
        text.push_str(&file.text[at..value.span.start]);
        let is_number = TAGS.iter().any(|(number, is_number)| *number == tag && *is_number);
        text.push_str(&value.with_tag(&file.text, tag, is_number));
        at = value.span.end;
    }
    text + &file.text[at..]
}

/// Each value that changes, with its tag: everybody who shares it wants the same.
fn agreed<'t>(file: &Generated, wanted: &[Option<&'t str>]) -> Vec<(usize, &'t str)> {
    let editable = (0..file.values.len()).filter(|&value| file.values[value].is_editable());
    editable
        .filter_map(|value| {
            let users = file.images.iter().zip(wanted).filter(|(image, _)| image.value == value);
            let mut tags: Vec<Option<&str>> = users.map(|(_, tag)| *tag).collect();
            tags.dedup();
            <[_; 1]>::try_from(tags).ok().and_then(|[tag]| Some((value, tag?)))
        })
        .collect()
}

/// Whether the image that was found is the one that was put there.
fn is_it(file: &Generated, found: &Image, planted: &Planted) -> bool {
    let value = &file.values[planted.value];
    let is_in_place = found
        .span
        .as_ref()
        .is_some_and(|span| span.len() == value.span.len() && (span.is_empty() || span == &value.span));
    (&found.workload, &found.container, &found.reference) == (&planted.workload, &planted.container, &value.reference())
        && is_in_place
}

/// Makes a file of some choices, and throws for the tags of its images.
pub(crate) fn generated(choices: &[u8], throws: &[u8]) {
    let generated = generate(choices);
    let file = File::read(generated.path, generated.text.as_bytes());
    assert_eq!(&file.with_tags(&[]).bytes, generated.text.as_bytes(), "no change, other bytes");

    reworded(generated.path, generated.text.as_bytes(), &file);
    commented(generated.path, generated.text.as_bytes(), &file);

    // Found by list, written in any order of lists: both in the order of the places that were planned.
    let images = file.images();
    assert_eq!(images.len(), generated.images.len(), "{:?}\n{:?}\n{:?}", generated, images, file.problems());
    let mut planted: Vec<Option<&Planted>> = generated.images.iter().map(Some).collect();
    let mut numbers = Vec::new();
    for found in &images {
        let at = planted.iter().position(|planted| planted.is_some_and(|planted| is_it(&generated, found, planted)));
        assert!(at.is_some(), "{found:?} was put nowhere: {generated:?}");
        numbers.push(at.unwrap());
        planted[at.unwrap()] = None;
    }

    // Some images get a tag, each its own.
    let mut throws = throws.iter().map(|&throw| usize::from(throw));
    let mut wanted: Vec<Option<&str>> = Vec::new();
    for image in &generated.images {
        let throw = throws.next().unwrap_or(1);
        let tag = if generated.values[image.value].name == "12" { "31" } else { TAGS[throw / 4 % TAGS.len()].0 };
        wanted.push((throw % 4 != 0).then_some(tag));
    }
    let asked: Vec<(usize, &str)> =
        numbers.iter().enumerate().filter_map(|(found, &at)| Some((found, wanted[at]?))).collect();
    let changing = agreed(&generated, &wanted);
    let changed = file.with_tags(&asked);
    let after = with_values(&generated, &changing);
    assert_eq!(String::from_utf8_lossy(&changed.bytes), &*after, "{:?} {:?}", generated, changed.refused);
    let refused: Vec<usize> = changed.refused.iter().map(|(at, _)| *at).collect();
    let is_refused = |at: usize| !changing.iter().any(|(value, _)| *value == generated.images[numbers[at]].value);
    let expected: Vec<usize> = asked.iter().map(|(at, _)| *at).filter(|&at| is_refused(at)).collect();
    assert_eq!(refused, expected, "{generated:?}");

    let again = File::read(generated.path, &changed.bytes);
    assert_eq!(again.images().len(), images.len());
    for (at, image) in again.images().iter().enumerate() {
        let value = generated.images[numbers[at]].value;
        let tag = changing.iter().find(|(changed, _)| *changed == value);
        let expected = tag.map_or(generated.values[value].reference(), |(_, tag)| format!("{}:{tag}", image.name));
        assert_eq!(&image.reference, &expected);
    }
    assert_eq!(&again.with_tags(&asked).bytes, &changed.bytes, "a second run changes something");
}

#[cfg(test)]
mod tests;

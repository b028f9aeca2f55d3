//! Single values that lie over all others, each with its path: the `parameters` of an Argo CD source,
//! `--set` in Helm.
//!
//! Knows how such a path is written; must not know what stands at its end.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::Layer;

/// The parameters below one place in the values. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(in crate::manifest::shape) struct Parameters<'a> {
    /// All of them, in the order of their paths; of two with one path, the one that counts is the last.
    sorted: Arc<[Parameter<'a>]>,
    /// Those below this place.
    range: Range<usize>,
    /// How many words of their paths led here.
    depth: usize,
}

#[derive(Debug)]
struct Parameter<'a> {
    words: Vec<Cow<'a, str>>,
    value: Layer<'a>,
}

/// What parameters say one step further.
#[derive(Debug)]
pub(super) enum Below<'a> {
    /// Nothing.
    Nothing,
    /// A value.
    Value(Layer<'a>),
    /// Values further below.
    Mapping(Parameters<'a>),
    /// A value, and others below it: which of them Helm takes is no more than chance.
    Both,
}

impl<'a> Parameters<'a> {
    /// Parameters as they are written, name and value. What is no name is passed over.
    pub(in crate::manifest::shape) fn of(written: impl Iterator<Item = (&'a str, Layer<'a>)>) -> Self {
        let mut sorted: Vec<_> =
            written.filter_map(|(name, value)| Some(Parameter { words: words(name)?, value })).collect();
        sorted.sort_by(|one, other| one.words.cmp(&other.words));
        Self { range: 0..sorted.len(), sorted: sorted.into(), depth: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.range.is_empty()
    }

    /// What is said under a key.
    pub(super) fn get(&self, key: &str) -> Below<'a> {
        let here = &self.sorted[self.range.clone()];
        let first = here.partition_point(|parameter| *parameter.words[self.depth] < *key);
        let count = here[first..].partition_point(|parameter| parameter.words[self.depth] == key);
        let depth = self.depth + 1;
        let found = &here[first..first + count];
        // Those that end here come first.
        let ended = found.partition_point(|parameter| parameter.words.len() == depth);
        match (found[..ended].last(), ended < count) {
            (None, false) => Below::Nothing,
            (Some(parameter), false) => Below::Value(parameter.value),
            (Some(_), true) => Below::Both,
            (None, true) => {
                let start = self.range.start + first;
                Below::Mapping(Self { sorted: Arc::clone(&self.sorted), range: start..start + count, depth })
            }
        }
    }

    /// The keys that hold further values here. One that is written with a backslash is found by its name
    /// only.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'a str> {
        let here = self.sorted[self.range.clone()].iter();
        let word = |parameter: &Parameter<'a>| match parameter.words[self.depth] {
            Cow::Borrowed(word) => Some(word),
            Cow::Owned(_) => None,
        };
        here.filter_map(word).collect::<Vec<_>>().into_iter()
    }
}

/// The words of a path as Helm reads it: `a.b`, `a\.b.c`, `list[0].a`; `None` for what is none, and for a
/// template.
fn words(name: &str) -> Option<Vec<Cow<'_, str>>> {
    if name.is_empty() || name.contains("{{") {
        return None;
    }
    let mut words = Vec::new();
    let mut rest = name;
    loop {
        let (word, behind) = match rest.strip_prefix('[').filter(|_| !words.is_empty()) {
            Some(inside) => {
                let (index, behind) = inside.split_once(']')?;
                index.parse::<usize>().ok()?;
                (Cow::Borrowed(index), behind)
            }
            None => key(rest)?,
        };
        words.push(word);
        rest = match behind.strip_prefix('.') {
            None if behind.is_empty() => return Some(words),
            None if behind.starts_with('[') => behind,
            Some(next) if !next.is_empty() && !next.starts_with('[') => next,
            _ => return None,
        };
    }
}

/// A key up to the next dot or bracket, and what comes behind it.
fn key(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut key = String::new();
    let mut letters = text.char_indices();
    let mut end = text.len();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '.' | '[' => {
                end = at;
                break;
            }
            '\\' => key.push(letters.next()?.1),
            letter => key.push(letter),
        }
    }
    let written = &text[..end];
    let key = if key == written { Cow::Borrowed(written) } else { Cow::Owned(key) };
    (!key.is_empty()).then_some((key, &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn names_are_read_as_helm_does() {
        for (name, expected) in [
            ("image.tag", Some("image|tag")),
            ("tag", Some("tag")),
            ("a\\.b.c", Some("a.b|c")),
            ("list[0].image", Some("list|0|image")),
            ("list[0][12]", Some("list|0|12")),
            ("ä.ö", Some("ä|ö")),
            ("", None),
            (".a", None),
            ("a.", None),
            ("a..b", None),
            ("a.[0]", None),
            ("[0]", None),
            ("a[x]", None),
            ("a[0", None),
            ("a[0]b", None),
            ("a\\", None),
            ("{{ .name }}.tag", None),
        ] {
            let found = words(name).map(|words| words.join("|"));
            assert_eq!(found.as_deref(), expected, "{name:?}");
        }
    }
}

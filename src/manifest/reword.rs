//! Words of one dialect put in the place of those of another: annotations of objects, labels that go, and
//! comments. From what is wanted to amendments of the text.
//!
//! Must not know what a word means. What cannot be changed safely stays as it is and is told, object by
//! object; the rest is changed, and proved like every other change.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::dialect;
use super::document::Document;
use super::edit::{Amended, Amendment, Fresh, FreshValue, Obstacle, Refusal, amend};
use super::problem::Place;
use super::shape::argocd;
use super::yaml::{Kind, NodeRef, Remark, Tree};

/// What is to be reworded, all of it or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rewording {
    /// The words of an object.
    Object {
        /// Where it begins.
        place: Place,
        /// What becomes of them, in order.
        words: Vec<Reword>,
    },
    /// A value gets a comment that speaks of it.
    Mark {
        /// Where the value begins.
        place: Place,
        /// What the comment is to say behind `# `.
        text: String,
    },
    /// A comment.
    Comment {
        /// Where its `#` stands.
        place: Place,
        /// What it is to say behind `# `; `None` where it is to go.
        text: Option<String>,
    },
}

/// What becomes of a word of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reword {
    /// An annotation gets another key, and another value where one is given.
    Replace {
        /// Its key.
        key: String,
        /// Its new key.
        new_key: String,
        /// Its new value.
        new_value: Option<String>,
    },
    /// An annotation goes, with its line.
    Remove {
        /// Its key.
        key: String,
    },
    /// A label goes, with its line.
    RemoveLabel {
        /// Its key.
        key: String,
    },
    /// An annotation is added: in the place of one that goes, or beside the others.
    Add {
        /// Its key.
        key: String,
        /// Its value.
        value: String,
    },
}

/// A file after its words were changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reworded {
    /// The new bytes.
    pub bytes: Vec<u8>,
    /// The rewordings that were not made, by their index, and why.
    pub refused: Vec<(usize, Refusal)>,
}

/// The entries of `metadata` behind which annotations are written.
const NAMES: [&str; 3] = ["name", "generateName", "namespace"];

impl Rewording {
    /// Where the object or the comment begins.
    #[must_use]
    pub fn place(&self) -> &Place {
        match self {
            Self::Object { place, .. } | Self::Mark { place, .. } | Self::Comment { place, .. } => place,
        }
    }
}

impl Document {
    /// The file with other words: only the bytes of those words change, with the lines that come and go,
    /// and the new text is read again to prove it.
    #[must_use]
    pub fn reword(&self, rewordings: &[Rewording]) -> Reworded {
        let objects = self.objects();
        let comments = self.comments();
        let is_marked = rewordings.iter().any(|rewording| matches!(rewording, Rewording::Mark { .. }));
        let values = if is_marked { self.values() } else { HashMap::new() };
        let mut refused = Vec::new();
        let (mut groups, mut numbers) = (Vec::new(), Vec::new());
        for (number, rewording) in rewordings.iter().enumerate() {
            let place = rewording.place();
            let spot = (place.line, place.column);
            let drawn = match rewording {
                _ if place.file != *self.path() => Err(Obstacle::Foreign),
                Rewording::Object { words, .. } => {
                    objects.get(&spot).ok_or(Obstacle::Foreign).and_then(|(bearer, _)| reword(*bearer, words))
                }
                Rewording::Mark { text, .. } => {
                    values.get(&spot).ok_or(Obstacle::Foreign).and_then(|value| value.mark(text))
                }
                Rewording::Comment { text, .. } => {
                    comments.get(&spot).ok_or(Obstacle::Foreign).and_then(|comment| comment.reword(text.as_deref()))
                }
            };
            match drawn {
                Ok(group) => {
                    groups.push(group);
                    numbers.push(number);
                }
                Err(obstacle) => refused.push((number, Refusal { place: place.clone(), obstacle })),
            }
        }
        let at = |line, column| Place { file: self.path().clone(), line, column };
        let Amended { text, refused: late } = amend(self.tree(), &groups, &dialect::IN_COMMENTS, at);
        refused.extend(late.into_iter().map(|(at, refusal)| (numbers[at], refusal)));
        refused.sort_by_key(|(number, _)| *number);
        Reworded { bytes: text.into_bytes(), refused }
    }

    /// What bears annotations in the file, each with its object, by line and column: the objects themselves,
    /// items of lists among them, and the templates of applications.
    pub(super) fn objects(&self) -> BTreeMap<(usize, usize), (NodeRef<'_>, NodeRef<'_>)> {
        let mut objects = BTreeMap::new();
        let mut waiting: Vec<NodeRef<'_>> = self.roots().collect();
        while let Some(object) = waiting.pop() {
            let template = object.get_text("kind").and_then(|kind| argocd::carrier(object, kind));
            for bearer in [Some(object), template].into_iter().flatten() {
                objects.insert((bearer.line(), bearer.column()), (bearer, object));
            }
            let is_list = object.get_text("kind").is_some_and(|kind| kind.ends_with("List"));
            waiting.extend(object.get("items").filter(|_| is_list).into_iter().flat_map(NodeRef::items));
        }
        objects
    }

    /// The values of the file and of the documents of its blocks, by line and column.
    fn values(&self) -> HashMap<(usize, usize), Marked<'_>> {
        let all = self
            .homes()
            .flat_map(|(block, home)| (0..home.len()).map(move |id| Marked { value: home.node(id), block }));
        let scalars = all.filter(|marked| matches!(marked.value.kind(), Kind::Scalar(_)));
        scalars.map(|marked| ((marked.value.line(), marked.value.column()), marked)).collect()
    }

    /// The tree of the file, and those of its blocks.
    fn homes(&self) -> impl Iterator<Item = (Option<NodeRef<'_>>, &Tree)> {
        let tree = self.tree();
        let nodes = (0..tree.len()).map(|id| tree.node(id));
        let blocks = nodes.filter_map(|block| Some((Some(block), block.inset()?.ok()?.tree())));
        std::iter::once((None, tree)).chain(blocks)
    }

    /// The comments that may be words, in the file and in the documents of its blocks, by line and column.
    fn comments(&self) -> BTreeMap<(usize, usize), Comment<'_>> {
        let told = self.homes().flat_map(|(block, home)| {
            home.remarks(&dialect::IN_COMMENTS).into_iter().map(move |remark| Comment { remark, block })
        });
        told.map(|comment| ((comment.remark.line, comment.remark.column), comment)).collect()
    }
}

/// A value, and the block whose document it stands in.
#[derive(Debug, Clone, Copy)]
struct Marked<'a> {
    value: NodeRef<'a>,
    block: Option<NodeRef<'a>>,
}

impl<'a> Marked<'a> {
    fn mark(&self, text: &str) -> Result<Vec<Amendment<'a>>, Obstacle> {
        if let Some(share) = self.block.and_then(NodeRef::share).or_else(|| self.value.share()) {
            return Err(share.into());
        }
        let block = self.block.map(NodeRef::id);
        Ok(vec![Amendment::Mark { value: self.value, block, text: text.to_owned() }])
    }
}

/// A comment, and the block whose document it stands in.
#[derive(Debug, Clone, Copy)]
struct Comment<'a> {
    remark: Remark<'a>,
    block: Option<NodeRef<'a>>,
}

impl<'a> Comment<'a> {
    fn reword(&self, text: Option<&str>) -> Result<Vec<Amendment<'a>>, Obstacle> {
        if let Some(share) = self.block.and_then(NodeRef::share) {
            return Err(share.into());
        }
        let block = self.block.map(NodeRef::id);
        Ok(vec![Amendment::Comment { remark: self.remark, block, text: text.map(str::to_owned) }])
    }
}

/// A key with its value.
type Entry<'a> = (NodeRef<'a>, NodeRef<'a>);

/// What the words of one object come to.
fn reword<'a>(object: NodeRef<'a>, words: &[Reword]) -> Result<Vec<Amendment<'a>>, Obstacle> {
    let metadata = object.get("metadata");
    let list = |name: &str| metadata.and_then(|metadata| metadata.get(name));
    let (annotations, labels) = (list("annotations"), list("labels"));
    let mut amendments = Vec::new();
    let mut replaced: Vec<NodeRef<'a>> = Vec::new();
    let (mut gone, mut gone_labels): (Vec<Entry<'a>>, Vec<Entry<'a>>) = (Vec::new(), Vec::new());
    let mut added: Vec<(&str, &str)> = Vec::new();
    for word in words {
        match word {
            Reword::Replace { key, new_key, new_value } => {
                let (key, value) = entry(annotations, key)?;
                if let Some((present, _)) = find(annotations, new_key).filter(|(present, _)| present.id() != key.id()) {
                    return Err(Obstacle::Doubled { key: new_key.clone(), line: present.line() });
                }
                let (new_key, new_value) = (Some(new_key.clone()), new_value.clone());
                amendments.push(Amendment::Replace { key, value, new_key, new_value });
                replaced.push(key);
            }
            Reword::Remove { key } => gone.push(entry(annotations, key)?),
            Reword::RemoveLabel { key } => gone_labels.push(entry(labels, key)?),
            Reword::Add { key, value } => match find(annotations, key) {
                Some((_, there)) if there.resolved().text() == Some(value) => {}
                Some((there, _)) => return Err(Obstacle::Doubled { key: key.clone(), line: there.line() }),
                None => added.push((key, value)),
            },
        }
    }
    // What is added takes the lines of what goes, with their comments.
    let pairs = gone.len().min(added.len());
    for ((key, value), (new_key, new_value)) in gone.drain(..pairs).zip(added.drain(..pairs)) {
        let (new_key, new_value) = (Some(new_key.to_owned()), Some(new_value.to_owned()));
        amendments.push(Amendment::Replace { key, value, new_key, new_value });
        replaced.push(key);
    }
    let mut lists = BTreeSet::new();
    for (list, name, gone) in [(annotations, "annotations", gone), (labels, "labels", gone_labels)] {
        let Some(mapping) = list.filter(|_| !gone.is_empty()) else { continue };
        if gone.len() == mapping.entries().count() {
            lists.insert(entry(metadata, name)?.0.id());
        } else {
            let keys = gone.iter().map(|(key, _)| key.id()).collect();
            amendments.push(Amendment::Remove { mapping, keys });
        }
    }
    if let Some(mapping) = metadata.filter(|_| !lists.is_empty()) {
        amendments.push(Amendment::Remove { mapping, keys: lists });
    }
    if !added.is_empty() {
        replaced.sort_by_key(|key| std::cmp::Reverse(key.id()));
        amendments.push(addition(object, metadata, annotations, replaced, &added));
    }
    Ok(amendments)
}

/// Annotations that are added, with whatever mapping is missing around them.
fn addition<'a>(
    object: NodeRef<'a>,
    metadata: Option<NodeRef<'a>>,
    annotations: Option<NodeRef<'a>>,
    replaced: Vec<NodeRef<'a>>,
    added: &[(&str, &str)],
) -> Amendment<'a> {
    let text = |(key, value): &(&str, &str)| Fresh { key: (*key).into(), value: FreshValue::Text((*value).into()) };
    let entries: Vec<Fresh> = added.iter().map(text).collect();
    let around = |key: &str, entries| vec![Fresh { key: key.into(), value: FreshValue::Mapping(entries) }];
    let keys_of = |mapping: NodeRef<'a>, names: &[&str]| {
        let keys = mapping.entries().map(|(key, _)| key);
        let mut keys: Vec<_> = keys.filter(|key| key.text().is_some_and(|text| names.contains(&text))).collect();
        keys.reverse();
        keys
    };
    match (annotations, metadata) {
        (Some(mapping), _) => Amendment::Insert { mapping, behind: replaced, entries },
        (None, Some(mapping)) => {
            let entries = around("annotations", entries);
            Amendment::Insert { mapping, behind: keys_of(mapping, &NAMES), entries }
        }
        (None, None) => {
            let entries = around("metadata", around("annotations", entries));
            Amendment::Insert { mapping: object, behind: keys_of(object, &["kind"]), entries }
        }
    }
}

fn find<'a>(mapping: Option<NodeRef<'a>>, key: &str) -> Option<Entry<'a>> {
    mapping?.entries().find(|(entry, _)| entry.text() == Some(key))
}

/// The one entry with this key.
fn entry<'a>(mapping: Option<NodeRef<'a>>, key: &str) -> Result<Entry<'a>, Obstacle> {
    let mapping = mapping.ok_or(Obstacle::Foreign)?;
    if let Kind::Alias(_) = mapping.kind() {
        return Err(Obstacle::Alias { anchor_line: mapping.resolved().line() });
    }
    if mapping.get("<<").is_some() {
        return Err(Obstacle::Merged);
    }
    let mut found = mapping.entries().filter(|(entry, _)| entry.text() == Some(key));
    let first = found.next().ok_or(Obstacle::Foreign)?;
    match found.next() {
        Some((second, _)) => Err(Obstacle::Doubled { key: key.to_owned(), line: second.line() }),
        None => Ok(first),
    }
}

#[cfg(test)]
mod tests;

//! What stands in the way of a change, in words. Knows nothing of how changes are made.

use super::Place;

/// Why a place in a file is not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: not changed: {obstacle}")]
pub struct Refusal {
    pub(in crate::manifest) place: Place,
    pub(in crate::manifest) obstacle: Obstacle,
}

/// What stands in the way of a change. The text says how to get it out of the way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// `|` or `>`.
    #[error("the value is a block scalar; write it on one line behind its key")]
    Block,
    /// A plain or quoted value that goes on in the next line.
    #[error("the value spans several lines; write it on one line")]
    SeveralLines,
    /// Backslashes or doubled quotes.
    #[error("the value is written with escapes; write it without")]
    Escaped,
    /// A tag other than `!!str`.
    #[error("the value has the tag {0}; remove the tag")]
    Tagged(String),
    /// Nothing is written behind the key, or `null` or `~`.
    #[error("no value is written here; write one")]
    Empty,
    /// `*name`, where the anchor stands on a mapping or a list.
    #[error("the value is an alias of line {anchor_line}, where no single value stands; write the value itself")]
    Alias {
        /// The line of the anchor.
        anchor_line: usize,
    },
    /// `&name` further out, with aliases elsewhere.
    #[error(
        "the value belongs to the anchor of line {anchor_line}, and line {alias_line} uses it as well; write the value in both places"
    )]
    Shared {
        /// The line of the anchor.
        anchor_line: usize,
        /// The line of the first alias.
        alias_line: usize,
    },
    /// `&name` on the value itself, and not all who use it are to change to the same.
    #[error(
        "the value is shared through the anchor of line {anchor_line}, and line {other_line} is not to change to the same; have both follow one policy, or write the value in both places"
    )]
    Divided {
        /// The line of the anchor.
        anchor_line: usize,
        /// The first line where the value is used and would be something else: that of an alias, or that
        /// of the anchor.
        other_line: usize,
    },
    /// A digest would go on running the old image beside any new tag.
    #[error("the image is pinned to a digest, and a new tag beside the old digest changes nothing; remove the digest")]
    Pinned,
    /// The same, where the digest has a key of its own.
    #[error("the key `digest` decides which image runs, and a new tag beside it changes nothing; remove the digest")]
    DigestBeside,
    /// The image has a tag and there is a key for the tag as well.
    #[error("the image says a tag, and the key `tag` says one as well; remove one of them")]
    TwoTruths,
    /// No tag is written, and the place for one is not known.
    #[error(
        "the image has no tag, and where a chart or controller wants one is not known; write the tag that runs, or show where it is written with the annotation `landwaiter/image.<alias>: <path>`"
    )]
    Untagged,
    /// Encrypted by SOPS or for a sealed-secrets controller.
    #[error("the value is encrypted, and what is encrypted is never changed; move it out of the secret")]
    Sealed,
    /// A missing key of a mapping in braces.
    #[error("the key `{key}` is missing, and keys are not added to a mapping in braces; add `{key}` by hand")]
    FlowInsert {
        /// The missing key.
        key: &'static str,
    },
    /// A missing key whose neighbour is not one line with a key and a value.
    #[error(
        "the key `{key}` is missing, and there is no plain line `{behind}: …` to add it behind; add `{key}` by hand"
    )]
    NoLine {
        /// The missing key.
        key: &'static str,
        /// The key that it was to stand behind.
        behind: String,
    },
    /// A key that was to be added is there.
    #[error("the key `{key}` was to be added, and stands in line {line} already")]
    Present {
        /// The key.
        key: &'static str,
        /// Its line.
        line: usize,
    },
    /// An entry that is to change, to go or to get a neighbour shares its lines with something else.
    #[error("the entry is not laid out as `key: value` with nothing else on its lines; write it so")]
    Crowded,
    /// A comment was to be added to JSON.
    #[error("JSON has no comments; annotate the object, or write the file as YAML")]
    NoComments,
    /// Something other than a mapping where entries are to be added.
    #[error("there is no mapping here; write one")]
    NoMapping,
    /// `<<` among the entries.
    #[error("entries come in with a merge key (`<<`); write them out here")]
    Merged,
    /// No entry of a mapping would be left.
    #[error("no entry would be left here; remove the whole by hand")]
    LastEntry,
    /// A key that was to be added is there, in words of the file.
    #[error("the key `{key}` was to be added, and stands in line {line} already; remove it")]
    Doubled {
        /// The key.
        key: String,
        /// Its line.
        line: usize,
    },
    /// Two different values were asked for.
    #[error("two changes want two different values here")]
    Contradiction,
    /// The field was read from something else.
    #[error("the field does not belong to this file as it was read")]
    Foreign,
    /// The proof failed.
    #[error("the file would not read back as planned (line {line} would change as well); please report this file")]
    Unproved {
        /// The first line that would differ.
        line: usize,
    },
}

impl Refusal {
    /// Where.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Why, and how to mend it.
    #[must_use]
    pub fn obstacle(&self) -> &Obstacle {
        &self.obstacle
    }
}

//! Words of other dialects, object by object, as they stand: what can be put into native words.
//!
//! Knows whose words they are and what they are about; must not know what follows from them, nor how they
//! are exchanged.

use super::dialect::{self, Part, Topic, Voice, Word};
use super::document::Document;
use super::problem::Place;
use super::workload::WorkloadId;
use super::yaml::NodeRef;
use crate::policy::{Dialect, Dialects, PatternKind};

/// An object in which words of other dialects stand, or the template in an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignObject {
    /// What it is called.
    pub id: WorkloadId,
    /// Where it begins.
    pub place: Place,
    /// The words, in the order of the file.
    pub words: Vec<ForeignWord>,
    /// The native words beside them, in the one spelling that all share: `tag.app`.
    pub natives: Vec<String>,
}

/// A word of another dialect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignWord {
    /// Whose word it is.
    pub dialect: Dialect,
    /// The whole key.
    pub key: Box<str>,
    /// The value as a reader gets it; empty where that is no single text.
    pub value: Box<str>,
    /// Where the key stands.
    pub place: Place,
    /// Whether it stands among the labels.
    pub is_label: bool,
    /// What it is about.
    pub meaning: ForeignMeaning,
}

/// What a word of another dialect is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForeignMeaning {
    /// A pattern, in the vocabulary that is shared: of a kind, or with a prefix that tells.
    Pattern {
        /// The container; `None` for all.
        container: Option<String>,
        /// What the key says of the kind.
        kind: Option<PatternKind>,
        /// The order in which words for the same are believed, the smallest first.
        rank: u8,
    },
    /// Where an image stands, or a part of it.
    Path {
        /// What the image is called.
        alias: String,
        /// Which part.
        part: ForeignPart,
    },
    /// Any other word of the shared vocabulary.
    Shared {
        /// In the one spelling that all share: `locked-by`, `order.app`.
        key: String,
        /// The container; `None` for all.
        container: Option<String>,
        /// The order in which words for the same are believed, the smallest first.
        rank: u8,
    },
    /// A setting in words of its own.
    Own,
    /// Nobody's word, under a prefix of the dialect.
    Unknown,
}

/// A part of an image that a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ForeignPart {
    /// The whole image, or the mapping of its parts.
    Image,
    /// The registry.
    Registry,
    /// The repository.
    Repository,
    /// The tag.
    Tag,
}

impl Document {
    /// The objects with words of these dialects, in the order of the file.
    #[must_use]
    pub fn foreign_objects(&self, dialects: Dialects) -> Vec<ForeignObject> {
        let bearers = self.objects().into_values();
        let found = bearers.filter_map(|(bearer, object)| {
            // One dialect alone is read in templates.
            let argocd = Dialects::of(&[Dialect::ArgocdImageUpdater]);
            let is_its = dialects.contains(Dialect::ArgocdImageUpdater);
            if bearer.id() == object.id() {
                self.foreign_object(bearer, object, dialects)
            } else {
                self.foreign_object(bearer, object, argocd).filter(|_| is_its)
            }
        });
        found.collect()
    }

    fn foreign_object(&self, bearer: NodeRef<'_>, object: NodeRef<'_>, dialects: Dialects) -> Option<ForeignObject> {
        let kind = object.get_text("kind").filter(|kind| !kind.is_empty())?;
        let metadata = bearer.get("metadata")?;
        let (mut words, mut natives) = (Vec::new(), Vec::new());
        if let Some(annotations) = metadata.get("annotations") {
            for said in dialect::statements(annotations, self.path(), dialects) {
                let (dialect, canonical) = (said.voice.dialect(), said.canonical().map(str::to_owned));
                if said.voice == Voice::Native {
                    natives.extend(canonical);
                } else if said.word != Word::Bookkeeping {
                    words.push(ForeignWord {
                        dialect,
                        meaning: meaning(said.word, said.voice),
                        key: said.written,
                        value: said.value.text.unwrap_or_default(),
                        place: said.key,
                        is_label: false,
                    });
                }
            }
        }
        for (list, is_label) in [("annotations", false), ("labels", true)] {
            let Some(list) = metadata.get(list) else { continue };
            for (written, key) in dialect::words_of_speakers(list, dialects) {
                words.push(ForeignWord {
                    dialect: dialect::speaker_of(written),
                    key: written.into(),
                    value: list.get_text(written).unwrap_or_default().into(),
                    place: key.place(self.path()),
                    is_label,
                    meaning: ForeignMeaning::Own,
                });
            }
        }
        words.sort_by(|a, b| a.place.cmp(&b.place));
        let (id, place) = (WorkloadId::of(object, kind), bearer.place(self.path()));
        (!words.is_empty()).then_some(ForeignObject { id, place, words, natives })
    }
}

fn meaning(word: Word, voice: Voice) -> ForeignMeaning {
    let rank = voice as u8;
    match word {
        Word::Known { topic: Topic::Pattern(kind), container, .. } => ForeignMeaning::Pattern { container, kind, rank },
        Word::Known { topic: Topic::Path(part), container, .. } => {
            ForeignMeaning::Path { alias: container.unwrap_or_default(), part: part.into() }
        }
        Word::Known { container, canonical, .. } => ForeignMeaning::Shared { key: canonical, container, rank },
        Word::Bookkeeping | Word::Unknown { .. } => ForeignMeaning::Unknown,
    }
}

impl From<Part> for ForeignPart {
    fn from(part: Part) -> Self {
        match part {
            Part::Image => Self::Image,
            Part::Registry => Self::Registry,
            Part::Repository => Self::Repository,
            Part::Tag => Self::Tag,
        }
    }
}

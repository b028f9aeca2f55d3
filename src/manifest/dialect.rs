//! The ways to write a policy in annotations, and the one vocabulary that they share.
//!
//! One file per dialect says which prefixes it has and how it spells what; this file holds the words.
//! Values are not read here, and nothing is known of workloads.

pub(super) mod argocd;
pub(super) mod flux;
pub(super) mod flux2;
pub(super) mod keel;
mod native;
pub(super) mod reference;
pub(super) mod remark;
mod slip;

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::problem::{Place, Problem};
use super::subject::{Mandate, Subject};
use super::yaml::NodeRef;
use crate::path::RepoPath;
use crate::policy::{Dialect, Dialects, PatternKind};
pub(super) use flux::knows as flux_knows;

/// What annotations call the image at the top of a chart's values.
pub(super) const CHART_IMAGE: &str = "chart-image";

/// One of these stands in every comment that is a word of ours.
pub(super) const IN_COMMENTS: [&str; 2] = ["landwaiter", flux2::KEY];

/// Who says it, in the order in which they are believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Voice {
    /// `landwaiter/`
    Native,
    /// `fluxcd.io/`
    Fluxcd,
    /// `filter.fluxcd.io/`
    FluxcdFilter,
    /// `flux.weave.works/`
    Weave,
}

/// What an annotation speaks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    /// `automated`
    Automated,
    /// `tag-glob`, `tag-semver`, `tag-regex`; `tag.<container>` has no kind.
    Pattern(Option<PatternKind>),
    /// `policy`
    Policy,
    /// `order`
    Order,
    /// `extract`
    Extract,
    /// `exclude`
    Exclude,
    /// `constraint`
    Constraint,
    /// `versions`
    Versions,
    /// `within`
    Within,
    /// `prerelease`
    Prerelease,
    /// `min-age`
    MinAge,
    /// `allow-downgrade`
    AllowDowngrade,
    /// `locked`
    Locked,
    /// `locked-by`
    LockedBy,
    /// `locked-reason`
    LockedReason,
    /// `locked-until`
    LockedUntil,
    /// `ignore`
    Ignore,
    /// `digest`
    Digest,
    /// `image.<alias>` and its like: the value is a path to a part of an image.
    Path(Part),
    /// Understood, and not done yet.
    Later,
}

/// A key, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    /// One of the vocabulary.
    Known {
        /// What it is about.
        topic: Topic,
        /// The container it is about; `None` for the whole workload.
        container: Option<String>,
        /// The key in the one spelling that all prefixes share, `tag.app`.
        canonical: String,
    },
    /// What a tool of this prefix writes for itself.
    Bookkeeping,
    /// Nobody's word, with the nearest known spelling.
    Unknown {
        /// What was perhaps meant.
        suggestion: Option<String>,
        /// Whether it is that, but for the case of its letters or blanks around it. The tool of the prefix
        /// does not hear it, and nobody who writes it knows.
        is_slip: bool,
    },
}

/// Which part of an image a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// The whole image, or the mapping that holds its parts.
    Image,
    /// The registry alone.
    Registry,
    /// The repository, with or without the registry.
    Repository,
    /// The tag.
    Tag,
}

/// One annotation under a known prefix, or one word of a marker. Holds no part of the file, so that it
/// can outlive the reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    /// Who says it.
    pub(super) voice: Voice,
    /// The whole key as written.
    pub(super) written: Box<str>,
    /// The key, understood.
    pub(super) word: Word,
    /// Where the key stands.
    pub(super) key: Place,
    /// The value.
    pub(super) value: Value,
}

/// What an annotation says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value {
    /// Where it stands; the place of the key where nothing is written.
    pub(super) place: Place,
    /// The text of a scalar; `None` for anything else.
    pub(super) text: Option<Box<str>>,
    /// Whether nothing is written, or `null` or `~`.
    pub(super) is_null: bool,
    /// Whether every reader takes it for the string that it has to be.
    pub(super) is_string: bool,
    /// Whether an alias stands for it.
    pub(super) is_alias: bool,
}

/// The words that stand alone, `<topic>`, and where `true`, also with a container, `<topic>.<container>`.
const VOCABULARY: [(&str, Topic, bool); 24] = [
    ("automated", Topic::Automated, false),
    ("tag-glob", Topic::Pattern(Some(PatternKind::Glob)), false),
    ("tag-semver", Topic::Pattern(Some(PatternKind::Semver)), false),
    ("tag-regex", Topic::Pattern(Some(PatternKind::Regex)), false),
    ("policy", Topic::Policy, true),
    ("order", Topic::Order, true),
    ("extract", Topic::Extract, true),
    ("exclude", Topic::Exclude, true),
    ("constraint", Topic::Constraint, true),
    ("versions", Topic::Versions, true),
    ("within", Topic::Within, true),
    ("prerelease", Topic::Prerelease, true),
    ("allow-downgrade", Topic::AllowDowngrade, false),
    ("locked", Topic::Locked, false),
    ("locked-by", Topic::LockedBy, false),
    ("locked_user", Topic::LockedBy, false),
    ("locked-reason", Topic::LockedReason, false),
    ("locked_msg", Topic::LockedReason, false),
    ("locked-until", Topic::LockedUntil, false),
    ("ignore", Topic::Ignore, false),
    ("digest", Topic::Digest, true),
    ("min-age", Topic::MinAge, true),
    ("platforms", Topic::Later, true),
    ("window", Topic::Later, true),
];

impl Topic {
    /// Whether the value is `true` or `false`.
    pub(super) fn is_flag(self) -> bool {
        matches!(self, Self::Automated | Self::AllowDowngrade | Self::Locked | Self::Ignore)
    }

    /// Whether the value may be any text, or a list in which blanks mean nothing.
    pub(super) fn is_free(self) -> bool {
        matches!(self, Self::LockedBy | Self::LockedReason | Self::Exclude | Self::Later)
    }

    /// Whether it says which tags an image follows.
    pub(super) fn chooses(self) -> bool {
        matches!(self, Self::Pattern(_) | Self::Policy | Self::Order | Self::Extract | Self::Exclude)
    }
}

impl Voice {
    /// How patterns in this voice are read.
    pub(super) fn dialect(self) -> Dialect {
        match self {
            Self::Native => Dialect::Native,
            Self::Fluxcd | Self::FluxcdFilter | Self::Weave => Dialect::Flux,
        }
    }
}

/// An object and its images, as a dialect sees them that has words of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hearing<'a, 'h> {
    /// The object.
    pub(super) object: NodeRef<'a>,
    /// Its kind.
    pub(super) kind: &'h str,
    /// The file that it stands in.
    pub(super) path: &'h RepoPath,
    /// Its images; none where it shows none, which may be worth a word.
    pub(super) subjects: &'h [Subject<'h>],
    /// Whether there may be more containers than the file shows.
    pub(super) is_patch: bool,
}

/// Reads what a dialect asks for in an object. What is wrong is reported, and holds; where it says
/// nothing there is no mandate.
type Speaker = fn(&Hearing<'_, '_>, &mut Vec<Problem>) -> Option<Mandate>;

/// The dialects that speak about the containers of an object in words of their own. The native one and
/// that of Flux share the vocabulary, and the others speak through objects and comments.
const SPEAKERS: [(Dialect, Speaker); 1] = [(Dialect::Keel, keel::read)];

/// What the dialects ask for that have words of their own and are heard.
pub(super) fn speak(hearing: &Hearing<'_, '_>, dialects: Dialects, problems: &mut Vec<Problem>) -> Vec<Mandate> {
    let heard = SPEAKERS.into_iter().filter(|(dialect, _)| dialects.contains(*dialect));
    heard.filter_map(|(_, read)| read(hearing, problems)).collect()
}

/// The annotations that such a dialect has a meaning for, wherever they stand.
pub(super) fn words_of_speakers(annotations: NodeRef<'_>, dialects: Dialects) -> Vec<(&str, NodeRef<'_>)> {
    let keel = dialects.contains(Dialect::Keel).then(|| keel::settings_among(annotations));
    let argocd = dialects.contains(Dialect::ArgocdImageUpdater).then(|| argocd::words_among(annotations));
    keel.into_iter().flatten().chain(argocd.into_iter().flatten()).collect()
}

/// Whose word such an annotation is.
pub(super) fn speaker_of(written: &str) -> Dialect {
    if written.starts_with(argocd::PREFIX) { Dialect::ArgocdImageUpdater } else { Dialect::Keel }
}

/// Whether a text, such as a file that cannot be parsed, seems to hold an annotation of ours: a known
/// prefix with its slash, not inside a longer name.
pub(super) fn is_mentioned(bytes: &[u8]) -> bool {
    let name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/');
    [native::PREFIX, argocd::PREFIX].iter().chain(flux::PREFIXES).chain(keel::PREFIXES).any(|prefix| {
        let word = prefix.trim_end_matches('/').as_bytes();
        memchr::memmem::find_iter(bytes, word).any(|at| {
            let behind = &bytes[at + word.len()..];
            let before = at.checked_sub(1).map(|before| bytes[before]);
            (behind.starts_with(b"/") || behind.starts_with(b"\\/")) && !before.is_some_and(name)
        })
    })
}

/// Whether the bytes hold a prefix at all, which is cheap to ask and says no more than "look inside".
pub(super) fn may_be_mentioned(bytes: &[u8]) -> bool {
    // Also as people write them by mistake, who are to be told. The labels of a namespace tell whether Flux
    // lets it in somewhere.
    static WORDS: LazyLock<Vec<Finder<'static>>> = LazyLock::new(|| {
        let native = ["andwaiter", "andWaiter", "ANDWAITER"];
        let flux = ["fluxcd.io", "luxCD.io", "lux.weave.works", "$imagepolicy", "magePolicy\"", "kind: Namespace"];
        native.into_iter().chain(flux).chain(["argocd-image-updater", "keel"]).map(Finder::new).collect()
    });
    WORDS.iter().any(|word| word.find(bytes).is_some())
}

/// The annotations of ours in a mapping, in the order of the text: those of the dialects that are heard.
pub(super) fn statements(annotations: NodeRef<'_>, file: &RepoPath, dialects: Dialects) -> Vec<Statement> {
    let mut statements = Vec::new();
    for (key, value) in annotations.entries() {
        let Some(written) = key.text() else { continue };
        if let Some((voice, word)) = slip::understand(written).filter(|(voice, _)| dialects.contains(voice.dialect())) {
            statements.push(Statement::new(voice, written, word, key.place(file), value, file));
        }
    }
    statements
}

/// Whether a key is one of ours, or nearly.
pub(super) fn is_ours(key: &str, dialects: Dialects) -> bool {
    slip::understand(key).is_some_and(|(voice, _)| dialects.contains(voice.dialect()))
}

/// The words of a mapping whose keys are native ones without their prefix. Only Kubernetes takes no other
/// values than strings; here a scalar is what it says.
pub(super) fn unprefixed(words: NodeRef<'_>, file: &RepoPath) -> Vec<Statement> {
    let statement = |(key, value): (NodeRef<'_>, NodeRef<'_>)| {
        let written = key.text()?;
        let mut said = Statement::new(Voice::Native, written, lookup(written), key.place(file), value, file);
        said.value.is_string |= said.value.text.is_some();
        Some(said)
    };
    words.entries().filter_map(statement).collect()
}

impl Statement {
    fn new(voice: Voice, written: &str, word: Word, key: Place, value: NodeRef<'_>, file: &RepoPath) -> Self {
        let (place, is_alias, value) = (value.place(file), value.is_alias(), value.resolved());
        // A value that is not written has no place of its own.
        let unwritten = value.is_null() && value.text().is_some_and(str::is_empty);
        let value = Value {
            place: if unwritten { key.clone() } else { place },
            text: value.text().map(Box::from),
            is_null: value.is_null(),
            is_string: value.is_string(),
            is_alias,
        };
        Self { voice, written: written.into(), word, key, value }
    }

    /// One native word that stands in a comment.
    pub(super) fn remarked(name: &str, value: &str, place: &Place) -> Self {
        let value =
            Value { place: place.clone(), text: Some(value.into()), is_null: false, is_string: true, is_alias: false };
        Self { voice: Voice::Native, written: name.into(), word: lookup(name), key: place.clone(), value }
    }

    /// The key in the one spelling that all prefixes share, if it is known.
    pub(super) fn canonical(&self) -> Option<&str> {
        match &self.word {
            Word::Known { canonical, .. } => Some(canonical),
            Word::Bookkeeping | Word::Unknown { .. } => None,
        }
    }

    /// Whether this is said in words of our own.
    pub(super) fn is_native(&self) -> bool {
        self.voice == Voice::Native
    }

    /// Whether this says where an image stands.
    pub(super) fn is_path(&self) -> bool {
        matches!(&self.word, Word::Known { topic: Topic::Path(_), .. })
    }

    /// Whether this is `automated: "true"`.
    pub(super) fn automates(&self) -> bool {
        matches!(&self.word, Word::Known { topic: Topic::Automated, .. }) && self.value.text.as_deref() == Some("true")
    }
}

/// A key without its prefix, looked up in the vocabulary.
fn lookup(name: &str) -> Word {
    let (head, container) = match name.split_once('.') {
        Some((head, container)) => (head, Some(container).filter(|container| !container.is_empty())),
        None => (name, None),
    };
    match (head, container) {
        ("tag", Some(container)) => return about_container(Topic::Pattern(None), "tag", container),
        ("image", Some(alias)) => return about_container(Topic::Path(Part::Image), "image", alias),
        _ => {}
    }
    let dangling = container.is_none() && head != name;
    let found = VOCABULARY
        .iter()
        .filter(|_| !dangling)
        .find(|(word, _, scoped)| *word == head && (*scoped || container.is_none()));
    match (found, container) {
        (Some(&(word, topic, _)), Some(container)) => about_container(topic, word, container),
        (Some(&(word, topic, _)), None) => Word::Known { topic, container: None, canonical: canonical(word, topic) },
        (None, _) => match slip::of(name) {
            Some(meant) => Word::Unknown { suggestion: Some(meant), is_slip: true },
            None => Word::Unknown { suggestion: suggestion(head, container), is_slip: false },
        },
    }
}

/// Two spellings of one word are one key.
fn canonical(word: &str, topic: Topic) -> String {
    match topic {
        Topic::LockedBy => "locked-by".to_owned(),
        Topic::LockedReason => "locked-reason".to_owned(),
        _ => word.to_owned(),
    }
}

fn about_container(topic: Topic, word: &str, container: &str) -> Word {
    Word::Known { topic, container: Some(container.to_owned()), canonical: format!("{word}.{container}") }
}

/// The known key that this one is nearly, if there is one.
fn suggestion(head: &str, container: Option<&str>) -> Option<String> {
    let words = VOCABULARY.iter().map(|&(word, _, scoped)| (word, scoped)).chain([("tag", true), ("image", true)]);
    let (word, scoped) = nearest(head, words, |(word, _)| word)?;
    match container {
        Some(container) if scoped => Some(format!("{word}.{container}")),
        None if word == "tag" || word == "image" => Some(format!("{word}.<container>")),
        _ => Some(word.to_owned()),
    }
}

/// The candidate that is at most a few letters away from what is written.
pub(super) fn nearest<T>(written: &str, candidates: impl Iterator<Item = T>, name: impl Fn(&T) -> &str) -> Option<T> {
    let written = written.to_ascii_lowercase();
    candidates
        .map(|candidate| (strsim::damerau_levenshtein(&written, name(&candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= (name(candidate).chars().count() / 3).clamp(1, 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests;

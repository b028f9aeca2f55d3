//! The keys of Keel: how each is spelled, and where it is read.
//!
//! What Keel reads from labels and what from annotations differs from key to key, and so does whether
//! capital letters matter; each row says what its code does. Must not know what a setting leads to.

use std::borrow::Cow;

use crate::manifest::dialect::nearest;
use crate::manifest::yaml::NodeRef;

/// What Keel keys begin with.
pub(in crate::manifest::dialect) const PREFIXES: &[&str] = &["keel.sh/", "keel.observer/"];

/// What Keel writes for itself.
const BOOKKEEPING: [&str; 4] = ["digest", "digests", "update-image", "update-time"];

/// What can be said to Keel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Setting {
    Policy,
    MatchTag,
    MatchPreRelease,
    MonitorContainers,
    InitContainers,
    ImageVolumes,
    Approvals,
    ApprovalDeadline,
    Trigger,
    PollSchedule,
    Notify,
    ReleaseNotes,
    ImagePullSecret,
}

/// Where a setting is read that may stand among annotations and among labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reads {
    /// Among the annotations, and only without it among the labels.
    AnnotationFirst,
    /// Among the labels, and only without it among the annotations.
    LabelFirst,
    /// Where the policy stands, and nowhere else.
    BesidePolicy,
    /// Among the annotations alone.
    Annotation,
}

/// A known key without its prefix.
struct Known {
    name: &'static str,
    /// What the block in the values of a chart calls it, where that is another name.
    in_block: &'static str,
    setting: Setting,
    reads: Reads,
    /// Whether capital letters make no difference.
    any_case: bool,
}

const fn known(name: &'static str, setting: Setting, reads: Reads) -> Known {
    Known { name, in_block: name, setting, reads, any_case: false }
}

/// The settings, each by its own name. Keel polls by `initContainers` as it does by `imageVolumes`, and
/// changes init containers only where an annotation of exactly this name says so.
const KEYS: [Known; 13] = [
    known("policy", Setting::Policy, Reads::AnnotationFirst),
    known("matchTag", Setting::MatchTag, Reads::BesidePolicy),
    known("matchPreRelease", Setting::MatchPreRelease, Reads::BesidePolicy),
    Known {
        any_case: true,
        in_block: "",
        ..known("monitorContainers", Setting::MonitorContainers, Reads::AnnotationFirst)
    },
    Known { in_block: "", ..known("initContainers", Setting::InitContainers, Reads::Annotation) },
    Known { any_case: true, in_block: "", ..known("imageVolumes", Setting::ImageVolumes, Reads::LabelFirst) },
    known("approvals", Setting::Approvals, Reads::LabelFirst),
    known("approvalDeadline", Setting::ApprovalDeadline, Reads::LabelFirst),
    known("trigger", Setting::Trigger, Reads::AnnotationFirst),
    known("pollSchedule", Setting::PollSchedule, Reads::Annotation),
    Known { in_block: "notificationChannels", ..known("notify", Setting::Notify, Reads::Annotation) },
    Known { in_block: "", ..known("releaseNotes", Setting::ReleaseNotes, Reads::Annotation) },
    Known { any_case: true, in_block: "", ..known("imagePullSecret", Setting::ImagePullSecret, Reads::LabelFirst) },
];

/// Where something is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seat {
    Annotation,
    Label,
    /// The block in the values of a chart.
    Block,
}

/// What a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// A setting; `old` where this is its former name, which counts only without the other.
    Of { setting: Setting, old: bool },
    /// What Keel writes for itself.
    Bookkeeping,
    /// Nobody's word, and perhaps what was meant.
    Unknown { meant: Option<(Setting, &'static str)> },
}

/// Something that is said to Keel.
#[derive(Debug, Clone)]
pub(super) struct Said<'a> {
    pub(super) key: Key,
    pub(super) seat: Seat,
    /// The whole key: `keel.sh/policy`, `keel.policy`.
    pub(super) written: Cow<'a, str>,
    pub(super) key_node: NodeRef<'a>,
    pub(super) value: NodeRef<'a>,
}

impl Setting {
    pub(super) fn reads(self) -> Reads {
        KEYS.iter().find(|known| known.setting == self).map_or(Reads::Annotation, |known| known.reads)
    }

    /// Whether it can only narrow what happens, so that one that is mistyped would widen it.
    pub(super) fn narrows(self) -> bool {
        matches!(
            self,
            Self::Policy | Self::MatchTag | Self::MatchPreRelease | Self::MonitorContainers | Self::Approvals
        )
    }
}

/// What is said to Keel among these annotations or labels, in the order of the text.
pub(super) fn read(words: NodeRef<'_>, seat: Seat) -> impl Iterator<Item = Said<'_>> {
    words.entries().filter_map(move |(key_node, value)| {
        let written = key_node.text()?;
        let key = key(written)?;
        Some(Said { key, seat, written: written.into(), key_node, value: value.resolved() })
    })
}

/// The same of the block in the values of a chart. Go reads its keys whatever their case is; those that
/// say nothing are as if they were not there.
pub(super) fn read_block(block: NodeRef<'_>) -> impl Iterator<Item = Said<'_>> {
    block.entries().filter_map(|(key_node, value)| {
        let name = key_node.text().filter(|name| !name.eq_ignore_ascii_case("images"))?;
        let key = match KEYS.iter().find(|known| !name.is_empty() && known.in_block.eq_ignore_ascii_case(name)) {
            Some(known) => Key::Of { setting: known.setting, old: false },
            None => Key::Unknown { meant: meant(name, KEYS.iter().map(|known| (known.setting, known.in_block))) },
        };
        let value = value.resolved();
        let written = format!("keel.{name}").into();
        (!value.is_null()).then_some(Said { key, seat: Seat::Block, written, key_node, value })
    })
}

/// The meaning of a key; `None` for one that is not Keel's.
fn key(written: &str) -> Option<Key> {
    let of = |setting, old| Some(Key::Of { setting, old });
    let (prefix, name) = written.split_once('/')?;
    match (prefix, name) {
        ("keel.observer", "policy") => of(Setting::Policy, true),
        ("keel.sh", "match-tag") => of(Setting::MatchTag, true),
        ("keel.sh", name) if BOOKKEEPING.contains(&name) => Some(Key::Bookkeeping),
        ("keel.sh", name) => {
            let is = |known: &&Known| name == known.name || (known.any_case && name.eq_ignore_ascii_case(known.name));
            if let Some(known) = KEYS.iter().find(is) {
                return of(known.setting, false);
            }
            let names = KEYS.iter().map(|known| (known.setting, known.name));
            Some(Key::Unknown { meant: meant(name, names) })
        }
        ("keel.observer", _) => Some(Key::Unknown { meant: None }),
        _ => None,
    }
}

fn meant(name: &str, names: impl Iterator<Item = (Setting, &'static str)>) -> Option<(Setting, &'static str)> {
    let names = names.filter(|(_, name)| !name.is_empty());
    let lower = names.map(|(setting, name)| (name.to_ascii_lowercase(), (setting, name)));
    nearest(name, lower, |(lower, _)| lower).map(|(_, known)| known)
}

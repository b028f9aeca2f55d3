//! The dialect of Flux version 1, as it stands in existing repositories.
//!
//! `fluxcd.io/<key>` and the older `flux.weave.works/<key>`, with `filter.fluxcd.io/<container>` for
//! `tag.<container>`, and `repository.fluxcd.io/<alias>`, `tag.fluxcd.io/<alias>` and
//! `registry.fluxcd.io/<alias>` for the paths to the parts of an image. Other names under `fluxcd.io`, such
//! as those of Flux version 2, are not ours.

pub(in crate::manifest) mod generation;
mod retold;

use super::{Part, Topic, Voice, Word, about_container, lookup};
pub(in crate::manifest) use retold::retold;

/// What Flux keys begin with.
pub(super) const PREFIXES: &[&str] = &[
    "fluxcd.io/",
    "filter.fluxcd.io/",
    "flux.weave.works/",
    "repository.fluxcd.io/",
    "tag.fluxcd.io/",
    "registry.fluxcd.io/",
];

/// What Flux writes for itself.
const BOOKKEEPING: [&str; 4] = ["sync-checksum", "sync-gc-mark", "sync-hwm", "antecedent"];

/// The meaning of a Flux key; `None` for any other.
pub(super) fn read(key: &str) -> Option<(Voice, Word)> {
    let (prefix, name) = key.split_once('/')?;
    match prefix {
        "fluxcd.io" => Some((Voice::Fluxcd, own(name))),
        "flux.weave.works" => Some((Voice::Weave, own(name))),
        "filter.fluxcd.io" => Some((Voice::FluxcdFilter, about_container(Topic::Pattern(None), "tag", name))),
        "repository.fluxcd.io" => Some((Voice::Fluxcd, about_container(Topic::Path(Part::Repository), prefix, name))),
        "tag.fluxcd.io" => Some((Voice::Fluxcd, about_container(Topic::Path(Part::Tag), prefix, name))),
        "registry.fluxcd.io" => Some((Voice::Fluxcd, about_container(Topic::Path(Part::Registry), prefix, name))),
        _ => None,
    }
}

/// Whether Flux itself knows a word of this name, which is without its prefix. It shares a part of the
/// vocabulary alone.
pub(in crate::manifest) fn knows(topic: Topic, name: &str) -> bool {
    match topic {
        Topic::Automated | Topic::Locked | Topic::Ignore | Topic::Pattern(None) => true,
        Topic::LockedBy | Topic::LockedReason => name.starts_with("locked_"),
        Topic::Path(part) => part != Part::Image,
        _ => false,
    }
}

fn own(name: &str) -> Word {
    match name {
        _ if BOOKKEEPING.contains(&name) => Word::Bookkeeping,
        // `fluxctl` says it of all containers, and writes it down for each.
        "tag_all" => Word::Unknown { suggestion: Some("tag.<container>".to_owned()), is_slip: false },
        _ => lookup(name),
    }
}
